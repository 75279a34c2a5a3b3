/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One program in all the ways that must make no difference (D1-D8): the same
 * events with the same registers, the same boundaries, port accesses, permission
 * checks, memory and trace.
 */
#ifndef EMU_TEST_COMPARE_H
#define EMU_TEST_COMPARE_H

#include "drive.h"
#include "shape.h"

/* Which ways to compare. */
enum compare_ways {
	COMPARE_ALL,
	/*
	 * What has been served for an instruction under way depends on what goes
	 * through hooks: only those that have windows, or have none.
	 */
	COMPARE_WINDOWS,
	COMPARE_HOOKS,
};

/**
 * compare() - run the program that @h stands before, in each way
 * @h: as shape_build() left it
 * @ways: which
 *
 * Return: false where they differ: why[] says how and compare_way() in which.
 */
bool compare(struct host *h, enum compare_ways ways);
const char *compare_way(void);
/* What has been seen in the first way, and in the last. */
void compare_show(const struct host *h);

extern u64 compare_events;		/* events seen, ever */

#endif
