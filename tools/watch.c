// SPDX-License-Identifier: GPL-2.0
/*
 * --break and --watch: stops after accesses to ports and to memory, by watches of the
 * module's, which the guest does not see.
 *
 * Each takes two: one before the access, where CS:RIP is still that of the
 * instruction, and one after it, when the value is known and registers have changed.
 */

#include <errno.h>
#include <string.h>

#include "piotrap.h"
#include "watch.h"

static struct piotrap_watch before(const struct piotrap_watch *after)
{
	struct piotrap_watch w = *after;

	w.when = PIOTRAP_WATCH_BEFORE;
	/* What will be read is not known: look at each access, so that none is missed. */
	if (w.mask && w.dirs & PIOTRAP_WATCH_READ) {
		w.mask = 0;
		w.value = 0;
		w.skip = 0;
	}
	return w;
}

int watch_start(struct sandbox *sb, const struct options *o)
{
	struct piotrap_watch w[2 * MAX_STOPS];
	int err;

	if (!o->nr_stops)
		return STATUS_OK;
	if (2 * o->nr_stops > sb->info.max_watches)
		return complain(STATUS_ERROR,
				"the module has no room for %u --break and --watch",
				o->nr_stops);
	for (unsigned int i = 0; i < o->nr_stops; i++) {
		w[2 * i] = before(&o->stops[i]);
		w[2 * i + 1] = o->stops[i];
	}
	err = sandbox_watches(sb, w, 2 * o->nr_stops);
	if (err)
		return complain(STATUS_ERROR, "watches: %s", strerror(-err));
	return STATUS_OK;
}

/* The access that the run has ended at; which space it is in is not told. */
static struct access exit_access(const struct machine *m, bool memory)
{
	const struct piotrap_run *run = m->sb.run;

	return (struct access) {
		.cs = run->segs.cs.selector,
		.ip = run->regs.rip,
		.bits = machine_bits(m),
		.memory = memory,
		.dir = run->exit_access == PIOTRAP_WRITE ? PIOTRAP_WRITE : PIOTRAP_READ,
		.addr = memory ? run->exit_linear : run->exit_addr,
		.size = run->exit_size,
		.value = run->exit_value,
		.has_value = true,
	};
}

static bool hits(const struct piotrap_watch *w, const struct access *a)
{
	return a->addr <= w->last && a->addr + a->size - 1 >= w->first &&
	       w->dirs >> a->dir & 1 && (a->value & w->mask) == w->value;
}

static bool same_place(const struct access *a, const struct access *b)
{
	return a->dir == b->dir && a->addr == b->addr && a->size == b->size;
}

/*
 * The access that a watch has stopped after: @was, seen before it, and @now, the first
 * of those that stopped the instruction, which may be another one's.
 */
static struct access complete(const struct piotrap_watch *w, const struct access *was,
			      const struct access *now, bool both_spaces)
{
	struct access a = *was;

	if (same_place(was, now) || (!both_spaces && hits(w, now))) {
		a.dir = now->dir;
		a.addr = now->addr;
		a.size = now->size;
		a.value = now->value;
	} else {
		/* What another watch's instruction read here, too, is not known. */
		a.has_value = was->dir == PIOTRAP_WRITE;
	}
	return a;
}

/* Bits of the watches after accesses to ports, or to memory. */
static uint32_t after_bits(const struct options *o, unsigned int space)
{
	uint32_t bits = 0;

	for (unsigned int i = 0; i < o->nr_stops; i++)
		if (o->stops[i].space == space)
			bits |= 2U << 2 * i;
	return bits;
}

bool watch_hit(struct watches *ws, const struct machine *m, const struct options *o,
	       struct trace *t)
{
	const struct piotrap_run *run = m->sb.run;
	bool both = run->exit_watch & after_bits(o, PIOTRAP_WATCH_PORT) &&
		    run->exit_watch & after_bits(o, PIOTRAP_WATCH_MEM);
	unsigned int index[2] = { 0 };
	bool stop = false;

	for (unsigned int i = 0; i < o->nr_stops; i++) {
		const struct piotrap_watch *w = &o->stops[i];
		bool memory = w->space == PIOTRAP_WATCH_MEM;
		struct access now = exit_access(m, memory), a;
		unsigned int n = index[memory]++;

		if (run->exit_watch >> 2 * i & 1)
			ws->before[i] = now;
		if (!(run->exit_watch >> (2 * i + 1) & 1))
			continue;
		a = complete(w, &ws->before[i], &now, both);
		trace_stop(t, memory ? "watch" : "break", n, w->skip + 1, &a, run,
			   &run->debug, machine_bits(m));
		stop = true;
	}
	return stop;
}
