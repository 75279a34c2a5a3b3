/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REPBREAK_H
#define REPBREAK_H

#include "hist.h"

/**
 * struct break_key - which breaks are counted together
 * @reason: as in piotrap_rep_break
 * @fast: 1: the bulk path made the last iterations
 */
struct break_key {
	__u8 reason;
	__u8 fast;
};

/**
 * struct breaks - these breaks
 * @done: iterations since the loop was entered
 * @resume: nanoseconds until the REP could go on, of those where this is known
 */
struct breaks {
	struct hist done;
	struct hist resume;
};

#endif /* REPBREAK_H */
