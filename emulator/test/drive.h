/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Running a program to its end in one of the ways that must make no difference
 * (D1-D8), as an owner who debugs it: every event that leaves is noted and then
 * let pass.
 */
#ifndef EMU_TEST_DRIVE_H
#define EMU_TEST_DRIVE_H

#include "host.h"

#define MAX_EVENTS	512

struct variant {
	const char *name;
	bool no_windows;
	bool scattered;
	bool bulk;
	u32 bulk_max;
	u32 save;			/* stop, save, restore each so many boundaries */
	bool poll;			/* stop at each poll */
	bool ports;			/* stop before each port access */
	bool steps;			/* the step hook is called, and stops each time */
	bool told;			/* it is called, and lets pass */
	bool uop;			/* it is a uop, where there are blocks */
	u32 slice;			/* stop each so many boundaries, in one engine */
	bool no_blocks;			/* instruction by instruction */
	u32 fail;			/* hooks fail once in so many calls */
	bool warm;			/* it has run before, with another byte of code */
};

extern const struct variant variants[];
extern const unsigned int nr_variants;

/* One event, or the end; of the state the groups, no stream and no data. */
#define SEEN_STATE	offsetof(struct emu_state, progress)

#define SEEN_WATCH	254

struct seen {
	struct emu_state st;
	u8 vector;			/* or SEEN_WATCH; 255: the end */
	u64 rflags;			/* as pushed */
	u64 payload;
	u64 boundaries;			/* passed so far */
	u32 error;			/* all ones: none */
	struct emu_exit_info exit;
	enum emu_exit why;
};

extern struct seen seen[MAX_EVENTS];
extern unsigned int nr_seen;
extern char why[512];			/* what is wrong, if anything */

/* The state at a boundary where drive() has stopped, or 0, by number of boundary. */
#define MAX_BOUNDARIES	512

extern u64 boundary[MAX_BOUNDARIES];
extern unsigned int nr_boundaries;	/* entries beyond are 0 */

/* An engine that nobody has used yet, as far as the one of @h can tell. */
void drive_fresh(struct host *h);
void drive_as(struct host *h, const struct variant *v);
/* Until it leaves for good, or stands at @end after a step trap. */
void drive(struct host *h, const struct variant *v, u64 end);

#endif
