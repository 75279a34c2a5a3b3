/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PENDINGDBG_H
#define PENDINGDBG_H

#include "events.h"

/**
 * enum record_kind - what a record tells
 * @RECORD_PENDING: piotrap_pending_dbg
 * @RECORD_OWNER: between two runs the owner has set or cleared bits; @pending is
 *	filled from piotrap_run_enter, without cause and RCX
 * @RECORD_TRAP: piotrap_debug_trap
 */
enum record_kind { RECORD_PENDING, RECORD_OWNER, RECORD_TRAP };

/**
 * struct record - a change of pending_dbg, or of DR6, in the ring buffer
 * @time: nanoseconds, CLOCK_MONOTONIC
 * @kind: enum record_kind
 * @pending: the event, but for RECORD_TRAP
 * @trap: the event, of RECORD_TRAP
 */
struct record {
	__u64 time;
	__u64 kind;
	union {
		struct pending_dbg pending;
		struct debug_trap trap;
	};
};

#endif /* PENDINGDBG_H */
