// SPDX-License-Identifier: GPL-2.0
/* What the tools have in common. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common.h"
#include "events.h"

#ifndef VERSION
#define VERSION "0"
#endif

struct tool_options opts = { .buffer = 256 * 1024 };

const char *argp_program_version = VERSION;

static const char *const tracefs[] = {
	"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
};

static volatile sig_atomic_t stopped;
static volatile sig_atomic_t nudged;	/* COMMAND may have ended */
static bool ending;
static pid_t child;
static int child_go = -1;	/* closed: it may run */
static int child_status;
static uint64_t deadline;	/* 0: none */
static uint64_t lost_told, lost_next;

/**
 * complain() - a message on standard error
 * @fmt: as of printf(), without the end of the line
 */
void complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

/**
 * fail() - a message on standard error, and out
 * @fmt: as of printf(), without the end of the line
 */
void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(STATUS_FAILED);
}

/**
 * now_ns() - the clock that events are stamped with
 *
 * Return: nanoseconds of CLOCK_MONOTONIC.
 */
uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SEC + t.tv_nsec;
}

/* -- The command line. -- */

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0,
	  "Only sandboxes that process PID has opened", 1 },
	{ "sandbox", 's', "ID", 0,
	  "Only the sandbox with this number, as PIOTRAP_INFO and the events give it",
	  1 },
	{ "duration", 'd', "SECONDS", 0,
	  "End after so long (default: with COMMAND, or by Ctrl-C)", 2 },
	{ "json", 'j', NULL, 0, "Print JSON, one object a line", 3 },
	{ "output", 'o', "FILE", 0, "Print to FILE", 3 },
	{ "verbose", 'v', NULL, 0, "Print what libbpf says", 4 },
	{ 0 }
};

/**
 * parse_number() - a decimal number of the command line, or an error
 * @state: argp's
 * @what: the option, for the message
 * @arg: text
 * @min: the least
 * @max: the most
 *
 * Return: the number.
 */
uint64_t parse_number(struct argp_state *state, const char *what, const char *arg,
		      uint64_t min, uint64_t max)
{
	unsigned long long val;
	char *end;

	errno = 0;
	val = strtoull(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || val < min || val > max)
		argp_error(state, "%s %s: not a number from %" PRIu64 " to %" PRIu64,
			   what, arg, min, max);
	return val;
}

/**
 * parse_seconds() - a time of the command line, or an error
 * @state: argp's
 * @what: the option, for the message
 * @arg: text
 *
 * Return: seconds, 0.01 to a million.
 */
double parse_seconds(struct argp_state *state, const char *what, const char *arg)
{
	double val;
	char *end;

	val = strtod(arg, &end);
	if (*arg < '.' || *arg > '9' || *end || !(val >= 0.01 && val <= 1e6))
		argp_error(state, "%s %s: not a number of seconds", what, arg);
	return val;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		opts.owner = parse_number(state, "-p", arg, 1, INT32_MAX);
		break;
	case 's':
		opts.sandbox = parse_number(state, "-s", arg, 1, UINT64_MAX);
		break;
	case 'd':
		opts.seconds = parse_seconds(state, "-d", arg);
		break;
	case 'j':
		opts.json = true;
		break;
	case 'o':
		opts.out = fopen(arg, "we");
		if (!opts.out)
			argp_failure(state, STATUS_FAILED, errno, "%s", arg);
		break;
	case 'v':
		opts.verbose = true;
		break;
	case ARGP_KEY_ARG:
		/* All that follows is the command's. */
		opts.command = &state->argv[state->next - 1];
		state->next = state->argc;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp tool_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };

enum { KEY_BUFFER = 256 };

static const struct argp_option ring_options[] = {
	{ "buffer", KEY_BUFFER, "KIB", 0,
	  "Size of the ring buffer, rounded up to a power of two (default: 256)",
	  4 },
	{ 0 }
};

static uint32_t ring_size(uint64_t kib)
{
	uint32_t size = 4096;

	while (size < kib * 1024)
		size *= 2;
	return size;
}

static error_t parse_ring(int key, char *arg, struct argp_state *state)
{
	if (key != KEY_BUFFER)
		return ARGP_ERR_UNKNOWN;
	opts.buffer = ring_size(parse_number(state, "--buffer", arg, 1, 1 << 20));
	return 0;
}

const struct argp ring_argp = { ring_options, parse_ring, NULL, NULL, NULL, NULL, NULL };

/* -- The tracepoints. -- */

/* What the programs take for granted, by event. */
static const struct event {
	const char *name;
	const struct layout *layout;
} events[] = {
	{ "piotrap_run_enter", (const struct layout[]) {
		FIELD(run_enter, sandbox), FIELD(run_enter, rip),
		FIELD(run_enter, rflags), FIELD(run_enter, budget),
		FIELD(run_enter, owner), FIELD(run_enter, dirty),
		FIELD(run_enter, stream_len), FIELD(run_enter, cs),
		FIELD(run_enter, pending_dbg), {} } },
	{ "piotrap_run_exit", (const struct layout[]) {
		FIELD(run_exit, sandbox), FIELD(run_exit, rip),
		FIELD(run_exit, addr), FIELD(run_exit, boundaries),
		FIELD(run_exit, owner), FIELD(run_exit, reason),
		FIELD(run_exit, cs), FIELD(run_exit, pending_dbg), {} } },
	{ "piotrap_port_io", (const struct layout[]) {
		FIELD(port_io, sandbox), FIELD(port_io, rip),
		FIELD(port_io, count), FIELD(port_io, owner),
		FIELD(port_io, value), FIELD(port_io, port),
		FIELD(port_io, dir), FIELD(port_io, size),
		FIELD(port_io, fast), {} } },
	{ "piotrap_pending_dbg", (const struct layout[]) {
		FIELD(pending_dbg, sandbox), FIELD(pending_dbg, rip),
		FIELD(pending_dbg, rcx), FIELD(pending_dbg, old),
		FIELD(pending_dbg, new), FIELD(pending_dbg, owner),
		FIELD(pending_dbg, cause), FIELD(pending_dbg, held), {} } },
	{ "piotrap_rep_break", (const struct layout[]) {
		FIELD(rep_break, sandbox), FIELD(rep_break, rip),
		FIELD(rep_break, done), FIELD(rep_break, left),
		FIELD(rep_break, owner), FIELD(rep_break, reason),
		FIELD(rep_break, fast), {} } },
	{ "piotrap_debug_trap", (const struct layout[]) {
		FIELD(debug_trap, sandbox), FIELD(debug_trap, rip),
		FIELD(debug_trap, dr6_old), FIELD(debug_trap, dr6_new),
		FIELD(debug_trap, owner), {} } },
	{ "piotrap_preempt", (const struct layout[]) {
		FIELD(preempt, sandbox), FIELD(preempt, rip),
		FIELD(preempt, owner), {} } },
	{ "piotrap_resume", (const struct layout[]) {
		FIELD(preempt, sandbox), FIELD(preempt, rip),
		FIELD(preempt, owner), {} } },
};

static void read_format(const char *event, struct format *f)
{
	char path[256];
	FILE *file = NULL;

	for (size_t i = 0; !file && i < ARRAY_SIZE(tracefs); i++) {
		snprintf(path, sizeof(path), "%s/events/piotrap/%s/format",
			 tracefs[i], event);
		file = fopen(path, "re");
	}
	if (!file && errno == ENOENT)
		fail("no tracepoint %s: is the module loaded, is tracefs mounted?",
		     event);
	if (!file)
		fail("%s: %s; root (CAP_BPF and CAP_PERFMON, and access to tracefs) is needed",
		     path, strerror(errno));
	if (!format_read(f, file))
		fail("%s: not understood", path);
	fclose(file);
}

static void check_event(const char *name)
{
	static struct format f;
	const struct event *e = events;
	const char *field;

	while (strcmp(e->name, name))
		e++;
	read_format(name, &f);
	field = format_compare(&f, e->layout);
	if (field)
		fail("%s: another field %s than this tool, of another version, knows",
		     name, field);
	opts.fields_at = f.first;
}

/**
 * event_names() - the names of an event's numbers
 * @event: name of the event
 * @field: its field
 * @names: result; empty if the event gives none
 */
void event_names(const char *event, const char *field, struct names *names)
{
	static struct format f;

	read_format(event, &f);
	format_names(&f, field, names);
}

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_DEBUG && !opts.verbose)
		return 0;
	return vfprintf(stderr, fmt, args);
}

/* -- COMMAND: it is there before anything is attached, and waits. -- */

static void spawn(void)
{
	int go[2];

	if (pipe(go))
		fail("pipe: %s", strerror(errno));
	child = fork();
	if (child < 0)
		fail("fork: %s", strerror(errno));
	if (!child) {
		char c;

		close(go[1]);
		/* A byte is the word to go; without one the tool has failed. */
		if (read(go[0], &c, 1) != 1)
			_exit(STATUS_FAILED);
		close(go[0]);
		execvp(opts.command[0], opts.command);
		complain("%s: %s", opts.command[0], strerror(errno));
		_exit(127);
	}
	close(go[0]);
	child_go = go[1];
}

/* Whether the command has ended, or waits until it has. */
static void reap(int flags)
{
	int status;

	if (child <= 0 || waitpid(child, &status, flags) != child)
		return;
	child = 0;
	child_status = WIFEXITED(status) ? WEXITSTATUS(status) :
					   128 + WTERMSIG(status);
}

static void on_signal(int sig)
{
	if (sig == SIGCHLD)
		nudged = 1;
	else
		stopped = 1;
}

/**
 * tool_options() - read the command line, look whether the kernel has what is needed
 * @argp: the tool's, with tool_argp as a child
 * @argc: of main()
 * @argv: of main()
 * @events: names of the tracepoints that the tool hangs on, NULL at the end
 *
 * Does not return on errors.
 */
void tool_options(const struct argp *argp, int argc, char **argv,
		  const char *const *events)
{
	opts.out = stdout;
	argp_err_exit_status = STATUS_USAGE;
	argp_parse(argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	/* Lines are there for the reader as soon as they are complete. */
	setvbuf(opts.out, NULL, _IOLBF, 0);
	libbpf_set_print(print_libbpf);
	for (; *events; events++)
		check_event(*events);
	opts.start = now_ns();
	if (opts.command)
		spawn();
}

/**
 * tool_begin() - everything is attached: run the command, wait for signals
 */
void tool_begin(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGCHLD, &act, NULL);
	if (opts.seconds)
		deadline = now_ns() + (uint64_t)(opts.seconds * SEC);
	if (child > 0) {
		if (write(child_go, "", 1) != 1)
			fail("the command is gone");
		close(child_go);
	} else {
		complain("tracing; Ctrl-C ends it");
	}
}

/**
 * tool_running() - is there more to do?
 *
 * Return: false after a signal, at the time that -d gave, or when COMMAND has ended.
 */
bool tool_running(void)
{
	if (opts.command)
		reap(WNOHANG);
	ending = stopped || (deadline && now_ns() >= deadline) ||
		 ferror(opts.out) || (opts.command && !child);
	return !ending;
}

/**
 * tool_more() - what a ring buffer's callback returns
 *
 * While records come faster than they are printed there is always one more.
 *
 * Return: 0, or -EINTR: it is time for tool_running().
 */
int tool_more(void)
{
	if (ending)
		return 0;	/* the rest of it */
	if (nudged) {
		nudged = 0;
		return -EINTR;
	}
	return stopped || (deadline && now_ns() >= deadline) ? -EINTR : 0;
}

/* Milliseconds to wait, no longer than until the time that -d gave. */
static int wait_ms(int ms)
{
	uint64_t now = now_ns();

	if (deadline && deadline < now + ms * MSEC)
		return deadline <= now ? 0 : (int)((deadline - now) / MSEC) + 1;
	return ms;
}

/**
 * tool_wait() - wait, unless something ends it
 * @ms: milliseconds; rather less than more
 */
void tool_wait(int ms)
{
	/* A signal that comes just before is noticed soon enough. */
	ms = wait_ms(ms);
	poll(NULL, 0, ms < 100 ? ms : 100);
}

/**
 * tool_poll() - take what is in a ring buffer, wait a little if there is nothing
 * @ring: ring buffer
 * @lost: events lost so far; told each second as they grow
 */
void tool_poll(struct ring_buffer *ring, uint64_t lost)
{
	int err = ring_buffer__poll(ring, wait_ms(100));

	if (err < 0 && err != -EINTR)
		fail("ring buffer: %s", strerror(-err));
	if (lost > lost_told && now_ns() >= lost_next) {
		complain("%" PRIu64 " events lost; --buffer makes more room", lost);
		lost_told = lost;
		lost_next = now_ns() + SEC;
	}
}

/**
 * tool_end() - after all output: end the command, too, and report what was lost
 * @lost: events lost
 *
 * Return: exit status of the tool.
 */
int tool_end(uint64_t lost)
{
	bool bad;

	if (child > 0) {
		kill(child, SIGTERM);
		reap(0);
		child_status = STATUS_OK;	/* it did not end by itself */
	}
	if (lost > lost_told)
		complain("%" PRIu64 " events lost", lost);
	bad = ferror(opts.out);
	bad |= fflush(opts.out);
	if (bad) {
		complain("cannot write the output");
		return STATUS_FAILED;
	}
	return child_status;
}

/**
 * read_per_cpu() - look up a value in a map that has one for each CPU, and add them up
 * @map: map
 * @key: key
 * @sum: the sum, empty at first
 * @size: bytes of a value, a multiple of 8
 * @add: adds one to the sum
 *
 * Return: false if there is no such key any more.
 */
bool read_per_cpu(struct bpf_map *map, const void *key, void *sum, size_t size,
		  void (*add)(void *sum, const void *val))
{
	static char *vals;
	static int nr;
	static size_t room;

	if (!nr)
		nr = libbpf_num_possible_cpus();
	if (nr < 1)
		fail("cannot count the CPUs");
	if (room < nr * size) {
		room = nr * size;
		vals = realloc(vals, room);
		if (!vals)
			fail("out of memory");
	}
	if (bpf_map_lookup_elem(bpf_map__fd(map), key, vals))
		return false;
	memset(sum, 0, size);
	for (int i = 0; i < nr; i++)
		add(sum, vals + i * size);
	return true;
}
