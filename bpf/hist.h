/* SPDX-License-Identifier: GPL-2.0 */
/* A histogram by powers of two, filled by BPF programs. */
#ifndef HIST_H
#define HIST_H

#include <linux/types.h>

#define HIST_SLOTS	64

/**
 * struct hist - how often which value was seen
 * @count: values
 * @sum: of all values
 * @max: the largest
 * @slot: slot 0 counts zeroes, slot N values from 2^(N-1) to 2^N - 1; the last one
 *	also all that are larger
 */
struct hist {
	__u64 count;
	__u64 sum;
	__u64 max;
	__u64 slot[HIST_SLOTS];
};

#endif /* HIST_H */
