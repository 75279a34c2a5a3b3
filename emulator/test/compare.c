// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "compare.h"

/* What one way of running has come to. */
struct outcome {
	struct seen seen[MAX_EVENTS];
	unsigned int nr_seen;
	struct host_access io[HOST_LOG];
	unsigned int nr_io;
	u64 boundary[MAX_BOUNDARIES];
	unsigned int nr_boundaries;
	u64 told_hash;
	u64 trace_hash;
	u64 trace_ports;
	u32 watched;
	u32 dirty;			/* pages of @mem that count, the others stayed */
	u8 mem[SHAPE_MEM];
};

static struct outcome base, other;
static const char *way;
static u64 told_hash;			/* of the first way that is told of steps, or 0 */
u64 compare_events;

/* Where all ways start from. */
static struct {
	struct emu_state st;
	u32 flags;
	u64 skip;
	u8 mem[SHAPE_MEM];
} start;

static void keep_start(const struct host *h)
{
	start.st = h->cpu.st;
	start.flags = h->cpu.flags;
	start.skip = h->cpu.watch[0].skip;
	memcpy(start.mem, h->mem, SHAPE_MEM);
}

#define PAGE(mem, n)		((mem) + 4096 * (n))
#define for_each_page(n)	for ((n) = 0; (n) < SHAPE_MEM / 4096; (n)++)

/* Keep the pages that the run has changed, and undo that. */
static void keep_memory(struct outcome *o, struct host *h)
{
	unsigned int n;

	o->dirty = 0;
	for_each_page(n) {
		if (!(h->touched >> n & 1) ||
		    !memcmp(PAGE(h->mem, n), PAGE(start.mem, n), 4096))
			continue;
		o->dirty |= 1U << n;
		memcpy(PAGE(o->mem, n), PAGE(h->mem, n), 4096);
		memcpy(PAGE(h->mem, n), PAGE(start.mem, n), 4096);
	}
}

static const u8 *page_of(const struct outcome *o, unsigned int n)
{
	return o->dirty >> n & 1 ? PAGE(o->mem, n) : PAGE(start.mem, n);
}

static void start_again(struct host *h, bool fresh)
{
	h->cpu.st = start.st;
	h->cpu.flags = start.flags;
	h->cpu.watch[0].skip = start.skip;
	/* One that goes on in its windows asks for none. */
	h->touched = fresh ? 0 : ~0U;
	h->nr_io = 0;
	h->nr_trace = 0;
	h->trace_hash = 0;
	h->trace_ports = 0;
	h->polls = 0;
	h->asks = 0;
	h->asked = 0;
	h->watched = 0;
	h->pinned = 0;
	h->read_seed = 0;
	/* What RDTSC counts from. */
	h->cpu.boundaries = 0;
	if (fresh)
		drive_fresh(h);
	else
		emu_load(&h->cpu);
}

/*
 * Run it with a byte of its code changed, then put memory back from outside: the
 * engine has decoded what is no longer there.
 */
static void warm_up(struct host *h, const struct variant *v)
{
	const struct emu_regs *r = &start.st.regs;
	u64 at = start.st.segs.seg[EMU_CS].base + r->rip + r->gpr[EMU_RBX] % 16;
	unsigned int n;

	/* Only what comes a second time is decoded into blocks. */
	for (n = 0; n < 2; n++) {
		if (at < SHAPE_MEM) {
			h->touched |= 1U << at / 4096;
			h->mem[at] ^= 1 << r->gpr[EMU_RBX] % 8;
		}
		drive(h, v, ~0ULL);
		keep_memory(&other, h);
		start_again(h, false);
	}
	why[0] = 0;
}

static void keep(struct outcome *o, struct host *h)
{
	unsigned int n;

	for (n = 0; n < nr_seen; n++) {
		struct seen *s = &o->seen[n];

		memcpy(&s->st, &seen[n].st, SEEN_STATE);
		memcpy((u8 *)s + sizeof(s->st), (u8 *)&seen[n] + sizeof(s->st),
		       sizeof(*s) - sizeof(s->st));
	}
	o->nr_seen = nr_seen;
	o->nr_io = min(h->nr_io, HOST_LOG);
	memcpy(o->io, h->io, o->nr_io * sizeof(h->io[0]));
	memcpy(o->boundary, boundary, nr_boundaries * sizeof(boundary[0]));
	o->nr_boundaries = nr_boundaries;
	o->told_hash = h->told_hash;
	o->trace_hash = h->trace_hash;
	o->trace_ports = h->trace_ports;
	o->watched = h->watched;
	keep_memory(o, h);
}

static const char *differing_part(const struct seen *a, const struct seen *b)
{
	const struct emu_state *s = &a->st, *t = &b->st;

	if (a->why != b->why)
		return "reasons";
	if (a->vector != b->vector || a->error != b->error ||
	    a->payload != b->payload)
		return "events";
	if (a->rflags != b->rflags)
		return "flags";
	if (a->boundaries != b->boundaries)
		return "numbers of boundaries";
	if (memcmp(&s->regs, &t->regs, sizeof(s->regs)))
		return "registers";
	if (memcmp(&s->segs, &t->segs, sizeof(s->segs)))
		return "segments";
	if (memcmp(&s->ctrl, &t->ctrl, sizeof(s->ctrl)))
		return "control registers";
	if (memcmp(&s->debug, &t->debug, sizeof(s->debug)))
		return "debug state";
	if (a->why == EMU_EXIT_MEMORY &&
	    (a->exit.linear != b->exit.linear || a->exit.gpa != b->exit.gpa ||
	     a->exit.access != b->exit.access))
		return "missing addresses";
	if (a->why == EMU_EXIT_WATCH &&
	    (a->exit.watch != b->exit.watch || a->exit.value != b->exit.value ||
	     a->exit.linear != b->exit.linear || a->exit.size != b->exit.size ||
	     a->exit.access != b->exit.access))
		return "watches";
	return NULL;
}

static bool same_events(void)
{
	const char *part;
	unsigned int n;

	for (n = 0; n < base.nr_seen && n < other.nr_seen; n++) {
		const struct seen *a = &base.seen[n], *b = &other.seen[n];

		part = differing_part(a, b);
		if (!part)
			continue;
		sprintf(why, "event %u: other %s: vector %u at %llx, or %u at %llx",
			n, part, a->vector, (unsigned long long)a->st.regs.rip,
			b->vector, (unsigned long long)b->st.regs.rip);
		return false;
	}
	if (base.nr_seen == other.nr_seen)
		return true;
	sprintf(why, "%u events, or %u", base.nr_seen, other.nr_seen);
	return false;
}

/* All ways that were stopped at a boundary have found the same there. */
static bool same_boundaries(void)
{
	unsigned int n;

	while (base.nr_boundaries < other.nr_boundaries)
		base.boundary[base.nr_boundaries++] = 0;
	for (n = 0; n < other.nr_boundaries; n++) {
		if (!base.boundary[n])
			base.boundary[n] = other.boundary[n];
		if (other.boundary[n] && base.boundary[n] != other.boundary[n]) {
			sprintf(why, "another state at boundary %u", n);
			return false;
		}
	}
	return true;
}

static bool same_memory(void)
{
	const u8 *a, *b;
	unsigned int n, at;

	for_each_page(n) {
		if (!((base.dirty | other.dirty) >> n & 1))
			continue;
		a = page_of(&base, n);
		b = page_of(&other, n);
		if (!memcmp(a, b, 4096))
			continue;
		for (at = 0; a[at] == b[at]; at++)
			;
		sprintf(why, "[%x] is %02x, or %02x", 4096 * n + at, a[at], b[at]);
		return false;
	}
	return true;
}

/* The step hook is called at the same places, with the same registers. */
static bool same_steps(const struct variant *v)
{
	if (!v->told)
		return true;
	if (!told_hash)
		told_hash = other.told_hash;
	if (told_hash == other.told_hash)
		return true;
	sprintf(why, "other steps are told");
	return false;
}

static bool same(const struct host *h, const struct variant *v)
{
	if (!same_steps(v))
		return false;
	if (!same_events())
		return false;
	if (base.nr_io != other.nr_io ||
	    memcmp(base.io, other.io, base.nr_io * sizeof(base.io[0]))) {
		sprintf(why, "port accesses differ");
		return false;
	}
	if (!same_memory() || !same_boundaries())
		return false;
	if (base.trace_hash != other.trace_hash ||
	    base.trace_ports != other.trace_ports) {
		sprintf(why, "the trace differs");
		return false;
	}
	/* Seen only where the TSS is reached by hooks. */
	if (h->page[h->watch / 4096 % HOST_PAGES] == PAGE_HOOKS &&
	    base.watched != other.watched) {
		sprintf(why, "%u permission checks, or %u", base.watched,
			other.watched);
		return false;
	}
	return true;
}

static bool is_chosen(const struct variant *v, enum compare_ways ways)
{
	return ways == COMPARE_ALL || v->no_windows == (ways == COMPARE_HOOKS);
}

bool compare(struct host *h, enum compare_ways ways)
{
	bool first = true;
	unsigned int n;

	keep_start(h);
	told_hash = 0;
	why[0] = 0;
	for (n = 0; n < nr_variants; n++) {
		const struct variant *v = &variants[n];

		if (!is_chosen(v, ways))
			continue;
		way = v->name;
		start_again(h, true);
		drive_as(h, v);
		if (v->warm)
			warm_up(h, v);
		drive(h, v, ~0ULL);
		keep(first ? &base : &other, h);
		if (why[0])
			return false;
		if (first)
			compare_events += base.nr_seen;
		else if (!same(h, v))
			return false;
		first = false;
	}
	return true;
}

const char *compare_way(void)
{
	return way;
}

static void show(const struct outcome *o)
{
	unsigned int n;

	for (n = 0; n < o->nr_seen && n < 30; n++) {
		const struct seen *s = &o->seen[n];

		printf("#   %3d why %d rip %llx cx %llx si %llx di %llx",
		       s->vector, s->why, (unsigned long long)s->st.regs.rip,
		       (unsigned long long)s->st.regs.gpr[EMU_RCX],
		       (unsigned long long)s->st.regs.gpr[EMU_RSI],
		       (unsigned long long)s->st.regs.gpr[EMU_RDI]);
		printf(" fl %llx bits %llx pending %llx shadow %x\n",
		       (unsigned long long)s->rflags,
		       (unsigned long long)s->payload,
		       (unsigned long long)s->st.debug.pending_dbg,
		       s->st.debug.interruptibility);
	}
	for (n = 0; n < o->nr_io && n < 30; n++)
		printf("#   %s %x %u %x\n", o->io[n].dir ? "out" : "in",
		       o->io[n].port, o->io[n].size, o->io[n].val);
}

void compare_show(const struct host *h)
{
	u64 code = start.st.segs.seg[EMU_CS].base + start.st.regs.rip;
	unsigned int n;

	printf("#  ");
	for (n = 0; n < 40; n++)
		printf(" %02x", start.st.stream.len && n < start.st.stream.len ?
		       start.st.stream.bytes[n] :
		       start.mem[(code + n) % SHAPE_MEM]);
	printf("\n# first way:\n");
	show(&base);
	printf("# %s:\n", way);
	show(&other);
}
