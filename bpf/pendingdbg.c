// SPDX-License-Identifier: GPL-2.0
/* pendingdbg: print debug traps as they become pending, and what becomes of them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "common.h"
#include "pendingdbg.h"
#include "pendingdbg.skel.h"

static struct names causes;

/* By cause, and what the owner did. */
static struct {
	uint64_t cause[256];
	uint64_t owner;
	uint64_t traps;
	uint64_t events;
} counts;

/* A story begins when something is pending where nothing was, and ends when nothing is. */
static struct {
	uint64_t begun;
	uint64_t delivered;
	uint64_t dropped;
	uint64_t cleared;	/* by the owner */
} stories;

static const char *cause_of(const struct record *r)
{
	return r->kind == RECORD_OWNER ? "owner" :
					 name_of(&causes, r->pending.cause);
}

static void count(const struct record *r)
{
	const struct pending_dbg *p = &r->pending;
	const char *cause;

	counts.events++;
	if (r->kind == RECORD_TRAP) {
		counts.traps++;
		return;
	}
	cause = cause_of(r);
	if (r->kind == RECORD_OWNER)
		counts.owner++;
	else
		counts.cause[p->cause]++;
	/* One that began before the tool did counts as begun, too. */
	if (p->old && p->new)
		return;
	if (p->new)
		stories.begun++;
	else if (!strcmp(cause, "delivered"))
		stories.delivered++;
	else if (!strcmp(cause, "dropped"))
		stories.dropped++;
	else
		stories.cleared++;
}

static void print_json(const struct record *r)
{
	const struct pending_dbg *p = &r->pending;
	const struct debug_trap *t = &r->trap;
	bool trap = r->kind == RECORD_TRAP;
	struct json j;

	json_begin(&j, opts.out, trap ? "debug_trap" : "pending_dbg");
	json_number(&j, "time_ns", r->time - opts.start);
	json_number(&j, "sandbox", trap ? t->sandbox : p->sandbox);
	json_number(&j, "pid", trap ? t->owner : p->owner);
	json_number(&j, "rip", trap ? t->rip : p->rip);
	if (trap) {
		json_number(&j, "dr6_old", t->dr6_old);
		json_number(&j, "dr6_new", t->dr6_new);
	} else {
		if (r->kind == RECORD_PENDING)
			json_number(&j, "rcx", p->rcx);
		json_string(&j, "cause", cause_of(r));
		bits_json(&j, "old", p->old);
		bits_json(&j, "new", p->new);
		json_bool(&j, "held", p->held);
	}
	json_end(&j);
}

static void print_text(const struct record *r)
{
	char old[BITS_TEXT], new[BITS_TEXT];
	const struct pending_dbg *p = &r->pending;
	const struct debug_trap *t = &r->trap;
	double time = (double)(r->time - opts.start) / SEC;

	if (r->kind == RECORD_TRAP)
		fprintf(opts.out, "%-12.6f %7llu %7u %-16llx %16s #DB        DR6 %llx -> %llx\n",
			time, t->sandbox, t->owner, t->rip, "", t->dr6_old,
			t->dr6_new);
	else
		fprintf(opts.out, "%-12.6f %7llu %7u %-16llx %16llx %-10s %s -> %s%s\n",
			time, p->sandbox, p->owner, p->rip, p->rcx, cause_of(r),
			bits_text(old, p->old), bits_text(new, p->new),
			p->held ? "  held by the shadow" : "");
}

static int print_record(void *ctx, void *data, size_t size)
{
	(void)ctx;
	if (size < sizeof(struct record))
		return 0;
	count(data);
	if (opts.json)
		print_json(data);
	else
		print_text(data);
	return tool_more();
}

static void end_json(uint64_t open, uint64_t lost)
{
	struct json j;

	json_begin(&j, opts.out, "end");
	json_number(&j, "events", counts.events);
	json_number(&j, "lost", lost);
	json_open(&j, "causes", '{');
	for (unsigned int i = 0; i < ARRAY_SIZE(counts.cause); i++)
		if (counts.cause[i])
			json_number(&j, name_of(&causes, i), counts.cause[i]);
	if (counts.owner)
		json_number(&j, "owner", counts.owner);
	json_close(&j, '}');
	json_number(&j, "debug_traps", counts.traps);
	json_open(&j, "stories", '{');
	json_number(&j, "begun", stories.begun);
	json_number(&j, "delivered", stories.delivered);
	json_number(&j, "dropped", stories.dropped);
	json_number(&j, "cleared", stories.cleared);
	json_number(&j, "pending", open);
	json_close(&j, '}');
	json_end(&j);
}

static void end_text(uint64_t open, uint64_t lost)
{
	fprintf(opts.out, "\n%" PRIu64 " events, %" PRIu64 " lost\n", counts.events,
		lost);
	for (unsigned int i = 0; i < ARRAY_SIZE(counts.cause); i++)
		if (counts.cause[i])
			fprintf(opts.out, "  %-12s %" PRIu64 "\n", name_of(&causes, i),
				counts.cause[i]);
	if (counts.owner)
		fprintf(opts.out, "  %-12s %" PRIu64 "\n", "owner", counts.owner);
	if (counts.traps)
		fprintf(opts.out, "  %-12s %" PRIu64 "\n", "#DB", counts.traps);
	fprintf(opts.out, "became pending %" PRIu64 ": delivered %" PRIu64, stories.begun,
		stories.delivered);
	fprintf(opts.out, ", dropped %" PRIu64 ", cleared by the owner %" PRIu64,
		stories.dropped, stories.cleared);
	fprintf(opts.out, ", still pending %" PRIu64 "\n", open);
}

/* Sandboxes that something is pending in, as the BPF program remembers. */
static uint64_t still_pending(const struct pendingdbg_bpf *skel)
{
	const struct bpf_map *map = skel->maps.pending;
	uint64_t key, *prev = NULL, n = 0;

	for (; !bpf_map__get_next_key(map, prev, &key, sizeof(key)); n++)
		prev = &key;
	return n;
}

/* What follows the vertical tab comes behind the options. */
static const char doc[] =
	"Print what becomes pending in pending_dbg of sandboxes of piotrap, and whether it is delivered as a #DB or dropped, until COMMAND has ended or Ctrl-C.\n"
	"\vBits are those of DR6: B0 to B3 breakpoints, BS single step, BT task switch, BLD bus lock. Cause owner: between two runs the owner has set or cleared bits. RIP and RCX are hexadecimal.\n\n"
	"Examples:\n"
	"  pendingdbg                       all sandboxes\n"
	"  pendingdbg -s 7                  sandbox 7\n"
	"  pendingdbg -- piotrap run FILE   while a program runs\n"
	"  pendingdbg -j | jq 'select(.cause==\"dropped\")'\n"
	"                                   traps that were lost to a fault\n";

int main(int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &tool_argp, 0, NULL, 0 }, { &ring_argp, 0, NULL, 0 }, {}
	};
	static const struct argp argp = {
		.doc = doc, .args_doc = "[COMMAND...]", .children = children,
	};
	struct pendingdbg_bpf *skel;
	struct ring_buffer *ring;
	uint64_t open;
	int status;

	tool_options(&argp, argc, argv,
		     (const char *const[]) { "piotrap_pending_dbg", "piotrap_debug_trap",
					     "piotrap_run_enter", NULL });
	event_names("piotrap_pending_dbg", "cause", &causes);
	skel = pendingdbg_bpf__open();
	if (!skel)
		fail("cannot open the BPF program: %s", strerror(errno));
	tool_configure(skel);
	bpf_map__set_max_entries(skel->maps.ring, opts.buffer);
	if (pendingdbg_bpf__load(skel) || pendingdbg_bpf__attach(skel))
		fail("cannot load or attach the BPF program: %s", strerror(errno));
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), print_record, NULL, NULL);
	if (!ring)
		fail("ring buffer: %s", strerror(errno));

	if (!opts.json)
		fprintf(opts.out, "%-12s %7s %7s %-16s %16s %-10s %s\n", "TIME",
			"SANDBOX", "PID", "RIP", "RCX", "CAUSE", "PENDING");
	tool_begin();
	while (tool_running())
		tool_poll(ring, skel->bss->lost);
	pendingdbg_bpf__detach(skel);
	ring_buffer__consume(ring);
	open = still_pending(skel);
	if (opts.json)
		end_json(open, skel->bss->lost);
	else
		end_text(open, skel->bss->lost);
	status = tool_end(skel->bss->lost);
	ring_buffer__free(ring);
	pendingdbg_bpf__destroy(skel);
	return status;
}
