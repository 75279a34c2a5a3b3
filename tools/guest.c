// SPDX-License-Identifier: GPL-2.0
/* Run a guest to its end: log, console, input, stops, exceptions. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "piotrap.h"
#include "trace.h"
#include "watch.h"

/*
 * Boundaries between two looks at the console and the log, so that a guest that
 * runs on shows what it does. Such a stop is invisible to it.
 */
#define SLICE		(1U << 18)

#define CR0_PE		(1ULL << 0)
#define CR4_DE		(1ULL << 3)
#define EFER_LMA	(1ULL << 10)
#define GATE_P		0x8000		/* of the third word */
#define DR7_G(n)	(2ULL << ((n) * 2))
#define DR7_IO(n)	(2ULL << (16 + (n) * 4))	/* R/W 10b, LEN 1 byte */
#define VECTOR_DB	1
#define VECTOR_PF	14

struct guest {
	struct machine *m;
	struct options *o;
	enum guest_end end;
	struct log log;
	struct trace trace;
	bool console;
	uint64_t left;		/* of the budget */
	uint64_t boundaries;
	struct watches watches;			/* --break, --watch */
	struct piotrap_log_rec match[MAX_DRS];	/* --dr: last match of each */
	bool reached[MAX_DRS];			/* and it is the nth */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static const char *exception_name(unsigned int vector)
{
	static const char *const name[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF",
		"#9", "#TS", "#NP", "#SS", "#GP", "#PF", "#15", "#MF", "#AC",
		"#MC", "#XM", "#VE", "#CP",
	};

	return vector < sizeof(name) / sizeof(name[0]) ? name[vector] :
							 "exception";
}

/* Feed an input range from its file; after its end, with all ones. */
static int refill(struct guest *g, struct port_rule *r)
{
	uint8_t buf[4096];
	size_t n = g->m->sb.info.max_input;
	long got;

	if (n > sizeof(buf))
		n = sizeof(buf);
	if (!r->ended) {
		size_t want = n;

		n = fread(buf, 1, want, r->file);
		if (!n) {
			r->ended = true;
			n = want;
		}
	}
	if (r->ended)
		memset(buf, 0xff, n);
	got = sandbox_input(&g->m->sb, r->first, buf, n);
	if (got != (long)n)
		return complain(STATUS_ERROR, "input for port %x: %s", r->first,
				got < 0 ? strerror(-got) : "no room");
	return STATUS_OK;
}

static int set_port(struct guest *g, struct port_rule *r)
{
	unsigned int flags = 0;
	int err;

	if (r->kind == PIOTRAP_PORT_INPUT)
		flags = PIOTRAP_PORTS_WAIT;
	if (r->kind == PIOTRAP_PORT_CONSOLE)
		g->console = true;
	err = sandbox_ports(&g->m->sb, r->kind, r->first, r->count, r->init,
			    flags);
	if (err)
		return complain(STATUS_ERROR, "ports %x-%x: %s", r->first,
				r->first + r->count - 1, strerror(-err));
	return STATUS_OK;
}

static int set_ports(struct guest *g)
{
	for (unsigned int i = 0; i < g->o->nr_rules; i++) {
		struct port_rule *r = &g->o->rules[i];
		int status;

		if (r->kind == PIOTRAP_PORT_INPUT) {
			r->file = fopen(r->path, "re");
			if (!r->file)
				return complain(STATUS_FILE, "%s: %s", r->path,
						strerror(errno));
		}
		status = set_port(g, r);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static void set_drs(struct guest *g)
{
	struct piotrap_run *run = g->m->sb.run;

	if (!g->o->nr_drs)
		return;
	for (unsigned int i = 0; i < g->o->nr_drs; i++) {
		run->debug.dr[i] = g->o->drs[i].port;
		run->debug.dr7 |= DR7_G(i) | DR7_IO(i);
	}
	run->ctrl.cr4 |= CR4_DE;
	run->dirty |= PIOTRAP_GROUP_DEBUG | PIOTRAP_GROUP_CTRL;
}

static int drain_console(struct guest *g)
{
	char buf[4096];
	ssize_t n;

	if (!g->console)
		return STATUS_OK;
	while ((n = read(g->m->sb.fd, buf, sizeof(buf))) > 0)
		if (fwrite(buf, 1, n, stdout) != (size_t)n)
			return complain(STATUS_ERROR, "standard output: %s",
					strerror(errno));
	fflush(stdout);
	return STATUS_OK;
}

/* Does this access match a --dr, and is it the one to stop after? */
static void count_match(struct guest *g, const struct piotrap_log_rec *rec)
{
	for (unsigned int i = 0; i < g->o->nr_drs; i++) {
		struct io_dr *d = &g->o->drs[i];

		if (d->port < rec->port || d->port - rec->port >= rec->size ||
		    !(d->dirs >> rec->dir & 1))
			continue;
		if (++d->seen == d->nth) {
			g->match[i] = *rec;
			g->reached[i] = true;
		}
	}
}

static void drain_log(struct guest *g)
{
	struct piotrap_log_rec rec;

	while (log_next(&g->log, &rec)) {
		trace_record(&g->trace, &rec);
		if (rec.type == PIOTRAP_REC_PORT)
			count_match(g, &rec);
	}
}

static const char *where(const struct guest *g)
{
	static char buf[32];
	const struct piotrap_run *run = g->m->sb.run;

	snprintf(buf, sizeof(buf), "%04x:%0*" PRIx64, run->segs.cs.selector,
		 (int)machine_bits(g->m) / 4, (uint64_t)run->regs.rip);
	return buf;
}

/* The bytes at CS:RIP, as far as there is memory. */
static const char *code(const struct guest *g)
{
	static char buf[64];
	const struct piotrap_run *run = g->m->sb.run;
	uint8_t bytes[8];
	size_t len = 0, n;

	n = machine_read(g->m, run->segs.cs.base + run->regs.rip, bytes,
			 sizeof(bytes));
	buf[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += snprintf(buf + len, sizeof(buf) - len, "%s%02x",
				i ? " " : "", bytes[i]);
	return buf;
}

static bool protected_mode(const struct guest *g)
{
	return g->m->sb.run->ctrl.cr0 & CR0_PE;
}

/* Has the guest set a handler of its own for this exception? */
static bool has_handler(const struct guest *g, unsigned int vector)
{
	const struct piotrap_run *run = g->m->sb.run;
	const struct piotrap_dtable *idtr = &run->segs.idtr;
	unsigned int size = !protected_mode(g) ? 4 :
			    run->ctrl.efer & EFER_LMA ? 16 : 8;
	uint16_t e[8] = { 0 };

	if ((vector + 1) * size - 1 > idtr->limit ||
	    machine_read(g->m, idtr->base + vector * size, e, size) != size)
		return false;
	if (size > 4)
		return e[2] & GATE_P;
	return (e[0] || e[1]) && (e[0] != BIOS_IRET || e[1] != BIOS_SEG);
}

/* An exception that nobody handles. */
static int no_handler(const struct guest *g)
{
	const struct piotrap_event *ev = &g->m->sb.run->event;
	char more[64] = "";
	size_t len = 0;

	if (ev->flags & PIOTRAP_EVENT_ERROR)
		len = snprintf(more, sizeof(more), ", error code %x,",
			       ev->error_code);
	if (ev->vector == VECTOR_PF)
		snprintf(more + len, sizeof(more) - len, " address %llx,",
			 (unsigned long long)ev->payload);
	return complain(STATUS_EXCEPTION, "%s: exception %u (%s)%s at: %s",
			where(g), ev->vector, exception_name(ev->vector), more,
			code(g));
}

/*
 * A #DB. What is of --dr is handled here, and what else is in it is the
 * guest's. Return: true to stop.
 */
static bool debug_trap(struct guest *g, int *status, const char **why)
{
	struct piotrap_run *run = g->m->sb.run;
	struct piotrap_event *ev = &run->event;
	uint64_t ours = (1ULL << g->o->nr_drs) - 1;
	bool only_ours = ev->payload && !(ev->payload & ~ours);
	struct piotrap_debug d = run->debug;
	bool stop = false;

	d.dr6 = sandbox_merge_dr6(d.dr6, ev->payload);
	for (unsigned int i = 0; i < g->o->nr_drs; i++) {
		struct access a = access_of(&g->match[i]);

		if (!(ev->payload >> i & 1) || !g->reached[i])
			continue;
		trace_stop(&g->trace, "dr", i, g->o->drs[i].nth, &a, run, &d,
			   machine_bits(g->m));
		stop = true;
	}
	if (stop) {
		*why = "break";
		return true;
	}

	/* In real mode there is always one. */
	if (!only_ours && protected_mode(g) && !has_handler(g, VECTOR_DB)) {
		*why = "exception";
		*status = no_handler(g);
		return true;
	}
	ev->payload &= ~ours;
	ev->action = only_ours ? PIOTRAP_EVENT_ABSORB : PIOTRAP_EVENT_DELIVER;
	run->dirty |= PIOTRAP_GROUP_EVENT;
	return false;
}

/*
 * Another exception goes to the guest if it has a handler of its own; ours would
 * come back to the same instruction for ever. Return: STATUS_OK to go on.
 */
static int exception(struct guest *g)
{
	struct piotrap_run *run = g->m->sb.run;

	if (!has_handler(g, run->event.vector))
		return no_handler(g);
	run->event.action = PIOTRAP_EVENT_DELIVER;
	run->dirty |= PIOTRAP_GROUP_EVENT;
	return STATUS_OK;
}

static int input_empty(struct guest *g)
{
	unsigned int port = g->m->sb.run->exit_addr;

	/* The last rule for a port is the one that counts. */
	for (unsigned int i = g->o->nr_rules; i--; ) {
		struct port_rule *r = &g->o->rules[i];

		if (port < r->first || port - r->first >= r->count)
			continue;
		if (r->kind != PIOTRAP_PORT_INPUT)
			break;
		return refill(g, r);
	}
	return complain(STATUS_ERROR, "no input for port %x", port);
}

/* The guest may use the debug registers itself; then ours are gone. */
static bool drs_gone(const struct guest *g)
{
	const struct piotrap_run *run = g->m->sb.run;

	for (unsigned int i = 0; i < g->o->nr_drs; i++) {
		uint64_t ours = DR7_G(i) | DR7_IO(i);

		if (run->debug.dr[i] != g->o->drs[i].port ||
		    (run->debug.dr7 & ours) != ours)
			return true;
	}
	return g->o->nr_drs && !(run->ctrl.cr4 & CR4_DE);
}

/* It is halted: is that what was waited for? */
static int halted(struct guest *g, const char **why)
{
	const struct piotrap_run *run = g->m->sb.run;
	bool stub = run->segs.cs.selector == BIOS_SEG &&
		    run->regs.rip == BIOS_RETURN + 1;

	*why = g->end == END_RETURN && stub ? "returned" : "halted";
	if (g->end == END_RETURN && !stub)
		return complain(STATUS_HALTED,
				"%s: the ROM halted, and nothing can wake it",
				where(g));
	if (g->o->nr_stops || g->o->nr_drs)
		return complain(STATUS_NO_BREAK,
				"the guest %s before any --break, --watch or --dr matched%s",
				*why, drs_gone(g) ?
				" (the guest has changed the debug registers)" :
				"");
	return STATUS_OK;
}

static int unsupported(struct guest *g)
{
	const struct piotrap_run *run = g->m->sb.run;
	char bytes[64] = "";
	size_t len = 0;

	if (!run->insn_len)
		return complain(STATUS_UNSUPPORTED,
				"%s: unsupported instruction, of unknown length: %s",
				where(g), code(g));
	for (unsigned int i = 0; i < run->insn_len && i < sizeof(run->insn); i++)
		len += snprintf(bytes + len, sizeof(bytes) - len, "%s%02x",
				i ? " " : "", run->insn[i]);
	return complain(STATUS_UNSUPPORTED, "%s: unsupported instruction: %s",
			where(g), bytes);
}

static int no_memory(struct guest *g)
{
	static const char *const access[] = { "read", "write", "fetch" };
	const struct piotrap_run *run = g->m->sb.run;

	return complain(STATUS_MEMORY,
			"%s: no memory at physical address %llx (%s of %u bytes)",
			where(g), (unsigned long long)run->exit_addr,
			access[run->exit_access % 3], run->exit_size);
}

/*
 * After a run. Return: true if the guest has come to its end, with @status and
 * @why set.
 */
static bool ended(struct guest *g, int *status, const char **why)
{
	struct piotrap_run *run = g->m->sb.run;

	switch (run->exit_reason) {
	case PIOTRAP_EXIT_BUDGET:
		if (g->left)
			return false;
		*why = "budget";
		*status = complain(STATUS_BUDGET, "%s: the budget is used up",
				   where(g));
		return true;
	case PIOTRAP_EXIT_SIGNAL:
	case PIOTRAP_EXIT_IMMEDIATE:
	case PIOTRAP_EXIT_CONSOLE_FULL:
	case PIOTRAP_EXIT_LOG_FULL:
		return false;
	case PIOTRAP_EXIT_INPUT_EMPTY:
		*why = "error";
		*status = input_empty(g);
		return *status;
	case PIOTRAP_EXIT_WATCH:
		if (!watch_hit(&g->watches, g->m, g->o, &g->trace))
			return false;
		*why = "break";
		return true;
	case PIOTRAP_EXIT_DEBUG:
		return debug_trap(g, status, why);
	case PIOTRAP_EXIT_EXCEPTION:
		*why = "exception";
		*status = exception(g);
		return *status;
	case PIOTRAP_EXIT_HLT:
		*status = halted(g, why);
		return true;
	case PIOTRAP_EXIT_SHUTDOWN:
		*why = "shutdown";
		*status = complain(STATUS_EXCEPTION, "%s: shutdown (triple fault)",
				   where(g));
		return true;
	case PIOTRAP_EXIT_MEMORY:
		*why = "memory";
		*status = no_memory(g);
		return true;
	case PIOTRAP_EXIT_UNSUPPORTED:
		*why = "unsupported";
		*status = unsupported(g);
		return true;
	default:
		*why = "error";
		*status = complain(STATUS_ERROR, "%s: exit %u, which makes no sense",
				   where(g), run->exit_reason);
		return true;
	}
}

static int loop(struct guest *g, const char **why)
{
	struct piotrap_run *run = g->m->sb.run;
	int status = STATUS_OK;

	for (;;) {
		uint64_t slice = g->left < SLICE ? g->left : SLICE;
		int err;

		if (interrupted) {
			*why = "interrupted";
			return complain(STATUS_INTERRUPTED, "%s: interrupted",
					where(g));
		}
		run->budget = slice;
		run->dirty |= PIOTRAP_GROUP_BUDGET;
		err = sandbox_run(&g->m->sb);
		if (err) {
			*why = "error";
			return complain(STATUS_ERROR, "running: %s",
					strerror(-err));
		}
		g->boundaries += run->boundaries;
		if (g->o->budget)
			g->left -= run->boundaries;

		drain_log(g);
		status = drain_console(g);
		if (status || ended(g, &status, why))
			return status;
	}
}

static int start(struct guest *g)
{
	struct options *o = g->o;
	struct sigaction sa = { .sa_handler = on_signal };
	unsigned int flags = 0;
	int err, status;

	/* All INTs and, if it has a handler, exceptions go to the guest. */
	err = sandbox_events(&g->m->sb, ~0U, false);
	if (err)
		return complain(STATUS_ERROR, "configuration: %s", strerror(-err));
	status = set_ports(g);
	if (status)
		return status;
	status = watch_start(&g->m->sb, o);
	if (status)
		return status;
	set_drs(g);
	if (o->trace || o->stats || o->nr_drs)
		flags |= PIOTRAP_LOG_PORTS;
	if (o->step)
		flags |= PIOTRAP_LOG_STEPS;
	err = flags ? log_start(&g->log, &g->m->sb, flags) : 0;
	if (err)
		return complain(STATUS_ERROR, "access log: %s", strerror(-err));
	if (fcntl(g->m->sb.fd, F_SETFL, O_NONBLOCK))
		return complain(STATUS_ERROR, "%s", strerror(errno));
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	return STATUS_OK;
}

int guest_run(struct machine *m, struct options *o, enum guest_end end)
{
	struct guest *g = calloc(1, sizeof(*g));
	const char *why = "error";
	int status;

	if (!g)
		return complain(STATUS_ERROR, "no memory");
	g->m = m;
	g->o = o;
	g->end = end;
	g->left = o->budget ? o->budget : UINT64_MAX;
	g->trace.json = o->json;
	g->trace.ports = o->trace;
	g->trace.steps = o->step;

	status = start(g);
	/* Standard output is the guest's alone where it has a console. */
	g->trace.out = g->console ? stderr : stdout;
	if (!status && o->output) {
		g->trace.out = fopen(o->output, "we");
		if (!g->trace.out)
			status = complain(STATUS_ERROR, "%s: %s", o->output,
					  strerror(errno));
	}
	if (!status) {
		status = loop(g, &why);
		if (o->stats)
			trace_stats(&g->trace);
		if (o->stats || o->json)
			trace_end(&g->trace, why, status, g->boundaries);
		if (fflush(g->trace.out) || ferror(g->trace.out) ||
		    fflush(stdout))
			status = complain(STATUS_ERROR, "writing: %s",
					  strerror(errno));
	}
	if (o->output && g->trace.out)
		fclose(g->trace.out);
	for (unsigned int i = 0; i < o->nr_rules; i++)
		if (o->rules[i].file)
			fclose(o->rules[i].file);
	free(g);
	return status;
}
