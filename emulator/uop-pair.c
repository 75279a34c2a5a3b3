// SPDX-License-Identifier: GPL-2.0
/*
 * Two uops that often follow one another have a function for both, in the place of
 * the first: a jump less, which counts where jumps are slow. The second keeps its own
 * place, for what jumps there and for what stops at it.
 */
#include "uop.h"

emu_uop_fn emu_uop_pair(emu_uop_fn a, emu_uop_fn b)
{
	return NULL;
}
