/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands in for the module around the emulator: the ports, rings and logs of
 * console.c, ports.c and log.c, with the same work for each access.
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <linux/piotrap.h>

#include "../emu.h"
#include "bench.h"

#define CONSOLE_SIZE	0x10000		/* LIMIT_CONSOLE */
#define LOG_RECORDS	0x4000
#define NR_PORTS	0x10000
#define NR_RANGES	4		/* and slot 0 is open bus */

struct port_range {
	u32 kind;
	u32 flags;
	u32 first;
	u32 pos;
	u32 len;
	u8 *buf;
};

/* @head and @tail run freely; @sleeper: somebody waits for bytes. */
struct console {
	u8 *buf;
	u32 head;
	u32 announced;
	u32 tail;
	void *sleeper;
};

struct step_log {
	u64 *head;			/* the owner's: head and tail */
	u8 *rec;
	u8 *at;				/* the next record */
	u8 *end;			/* that have room together */
	u64 own_head;
};

/**
 * struct bench_host - what the module keeps for a sandbox
 * @cpu: the engine
 * @mem: GUEST_SIZE bytes, page-aligned
 * @slot: for each port the number of its range
 * @range: 0 is open bus
 * @console: of all console ports
 * @log_flags: PIOTRAP_LOG_*
 * @log: each step, if they say so
 * @tracing: a tracepoint is on
 * @traced: events, if so
 */
struct bench_host {
	struct emu cpu;
	u8 *mem;
	u8 *slot;
	struct port_range *range[NR_RANGES + 1];
	struct console console;
	u32 log_flags;
	struct step_log log;
	bool tracing;
	u64 traced;
};

extern const struct emu_ops bench_ops;

#endif /* BENCH_HOST_H */
