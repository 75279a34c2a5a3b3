/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_TRACE_H
#define TOOLS_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sandbox.h"

/**
 * struct trace - what is reported, and where
 * @out: stream
 * @json: one object a line
 * @ports: print port accesses
 * @steps: print steps
 * @count: accesses by direction and port
 */
struct trace {
	FILE *out;
	bool json;
	bool ports;
	bool steps;
	uint64_t count[2][65536];
};

/* Count a record of the log, and print it if it is to be printed. */
void trace_record(struct trace *t, const struct piotrap_log_rec *rec);

/**
 * struct access - one access of the guest
 * @cs: of the instruction
 * @ip: of the instruction
 * @bits: width of its code: 16, 32 or 64
 * @memory: it is to memory, not to a port
 * @has_value: @value is known
 * @dir: PIOTRAP_READ or PIOTRAP_WRITE
 * @addr: port or linear address
 * @size: bytes
 * @value: what was read or written; no more than the first 8 bytes
 */
struct access {
	uint16_t cs;
	uint64_t ip;
	unsigned int bits;
	bool memory;
	bool has_value;
	unsigned int dir;
	uint64_t addr;
	unsigned int size;
	uint64_t value;
};

struct access access_of(const struct piotrap_log_rec *rec);

/*
 * Access number @nth of those that option number @index of its kind names, which the
 * guest is stopped after, and all registers as code of @bits names them.
 */
void trace_stop(struct trace *t, const char *kind, unsigned int index, uint64_t nth,
		const struct access *a, const struct piotrap_run *run,
		const struct piotrap_debug *debug, unsigned int bits);

void trace_stats(struct trace *t);

/* The last line of a report: why the guest came to its end. */
void trace_end(struct trace *t, const char *why, int status,
	       uint64_t boundaries);

#endif /* TOOLS_TRACE_H */
