/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one header that knows whether this is a kernel.
 *
 * The emulator needs fixed-width types, mem*() and a handful of compiler
 * helpers, nothing else: no allocation, no locks, no printing, no libc.
 */
#ifndef EMU_ENV_H
#define EMU_ENV_H

#ifdef __KERNEL__

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#define emu_index_nospec(index, size)	array_index_nospec(index, size)

#else

#include "userspace.h"

#endif /* __KERNEL__ */

#endif /* EMU_ENV_H */
