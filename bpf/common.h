/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tools have in common: options, the check of the tracepoints, COMMAND,
 * signals, the end. A tool's main() goes through
 *
 *	tool_options();
 *	x_bpf__open(); tool_configure(skel); x_bpf__load(); x_bpf__attach();
 *	tool_begin();
 *	while (tool_running()) ...
 *	x_bpf__detach(); what is left
 *	return tool_end(skel->bss->lost);
 */
#ifndef COMMON_H
#define COMMON_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "format.h"
#include "text.h"

struct bpf_map;
struct ring_buffer;

/**
 * struct tool_options - what every tool takes
 * @sandbox: only this one; 0: all
 * @owner: only sandboxes that this process opened; 0: all
 * @seconds: end after so long; 0: do not
 * @json: JSON lines instead of text
 * @verbose: what libbpf has to say, too
 * @buffer: bytes of the ring buffer
 * @command: to run and to wait for; NULL: none
 * @out: where the output goes
 * @fields_at: bytes before an event's first field
 * @start: when the tool began, nanoseconds of CLOCK_MONOTONIC
 */
extern struct tool_options {
	uint64_t sandbox;
	uint32_t owner;
	double seconds;
	bool json;
	bool verbose;
	uint32_t buffer;
	char **command;
	FILE *out;
	unsigned int fields_at;
	uint64_t start;
} opts;

extern const struct argp tool_argp;
extern const struct argp ring_argp;	/* besides, where there is a ring buffer */

/* Exit codes; else the command's own. */
enum { STATUS_OK, STATUS_FAILED, STATUS_USAGE };

#define MSEC	1000000ULL
#define SEC	1000000000ULL

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* For a table of struct layout. */
#define FIELD(event, field) \
	{ #field, offsetof(struct event, field), \
	  sizeof(((struct event *)0)->field) }

/* What the options mean for a program that is open and not yet loaded. */
#define tool_configure(skel)						\
	do {								\
		(skel)->rodata->only_sandbox = opts.sandbox;		\
		(skel)->rodata->only_owner = opts.owner;		\
		(skel)->rodata->fields_at = opts.fields_at;		\
	} while (0)

void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void tool_options(const struct argp *argp, int argc, char **argv,
		  const char *const *events);
void event_names(const char *event, const char *field, struct names *names);
void tool_begin(void);
bool tool_running(void);
int tool_more(void);
void tool_wait(int ms);
void tool_poll(struct ring_buffer *ring, uint64_t lost);
int tool_end(uint64_t lost);

uint64_t now_ns(void);
bool read_per_cpu(struct bpf_map *map, const void *key, void *sum, size_t size,
		  void (*add)(void *sum, const void *val));
uint64_t parse_number(struct argp_state *state, const char *what, const char *arg,
		      uint64_t min, uint64_t max);
double parse_seconds(struct argp_state *state, const char *what, const char *arg);

#endif /* COMMON_H */
