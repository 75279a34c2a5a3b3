/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fields of the tracepoints, as their format files and Documentation/tracepoints.rst
 * have them, for BPF programs and for those who read what these send.
 *
 * Nothing else about the module is known here, so that the tools need neither its BTF
 * nor its headers. What stands before the fields (8 bytes, more on some kernels) the
 * tools learn from the format files; there they also compare each field before they
 * attach (format.c). Fields that an event has behind these do no harm.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <linux/types.h>

struct run_enter {
	__u64 sandbox;
	__u64 rip;
	__u64 rflags;
	__u64 budget;
	__u32 owner;
	__u32 dirty;
	__u32 stream_len;
	__u16 cs;
	__u64 pending_dbg;
};

struct run_exit {
	__u64 sandbox;
	__u64 rip;
	__u64 addr;
	__u64 boundaries;
	__u32 owner;
	__u32 reason;
	__u16 cs;
	__u64 pending_dbg;
};

struct port_io {
	__u64 sandbox;
	__u64 rip;
	__u64 count;
	__u32 owner;
	__u32 value;
	__u16 port;
	__u8 dir;
	__u8 size;
	__u8 fast;
};

struct pending_dbg {
	__u64 sandbox;
	__u64 rip;
	__u64 rcx;
	__u64 old;
	__u64 new;
	__u32 owner;
	__u8 cause;
	__u8 held;
};

struct rep_break {
	__u64 sandbox;
	__u64 rip;
	__u64 done;
	__u64 left;
	__u32 owner;
	__u8 reason;
	__u8 fast;
};

struct debug_trap {
	__u64 sandbox;
	__u64 rip;
	__u64 dr6_old;
	__u64 dr6_new;
	__u32 owner;
};

/* piotrap_preempt and piotrap_resume */
struct preempt {
	__u64 sandbox;
	__u64 rip;
	__u32 owner;
};

#endif /* EVENTS_H */
