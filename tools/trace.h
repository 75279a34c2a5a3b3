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

/*
 * The access that a --break stopped after, with all registers as code of @bits
 * names them.
 */
void trace_stop(struct trace *t, const struct piotrap_log_rec *rec,
		uint64_t nth, const struct piotrap_run *run,
		const struct piotrap_debug *debug, unsigned int hit,
		unsigned int bits);

void trace_stats(struct trace *t);

/* The last line of a report: why the guest came to its end. */
void trace_end(struct trace *t, const char *why, int status,
	       uint64_t boundaries);

#endif /* TOOLS_TRACE_H */
