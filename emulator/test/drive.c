// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "drive.h"

#define DRIVE_BUDGET	400
#define MAX_ROUNDS	4000

const struct variant variants[] = {
	{ .name = "windows" },
	{ .name = "hooks", .no_windows = true },
	{ .name = "bulk", .bulk = true, .bulk_max = ~0U },
	{ .name = "bulk, memory in pieces", .scattered = true, .bulk = true,
	  .bulk_max = ~0U },
	{ .name = "bulk of 1", .bulk = true, .bulk_max = 1 },
	{ .name = "bulk of 3", .bulk = true, .bulk_max = 3 },
	{ .name = "saved at each boundary", .save = 1 },
	{ .name = "bulk, saved at each third boundary", .bulk = true,
	  .bulk_max = ~0U, .save = 3 },
	{ .name = "bulk of 5, saved at each seventh boundary", .bulk = true,
	  .bulk_max = 5, .save = 7 },
	{ .name = "hooks, saved at each boundary", .no_windows = true,
	  .save = 1 },
	{ .name = "bulk, saved at each poll", .bulk = true,
	  .bulk_max = ~0U, .save = ~0U, .poll = true },
	{ .name = "stopped before each port access", .ports = true },
	{ .name = "bulk, each step logged", .bulk = true, .bulk_max = ~0U,
	  .steps = true, .uop = true },
	{ .name = "without blocks", .no_blocks = true },
	{ .name = "without blocks, bulk", .no_blocks = true, .bulk = true,
	  .bulk_max = ~0U },
	{ .name = "in slices of 2", .slice = 2 },
	{ .name = "in slices of 9, bulk", .slice = 9, .bulk = true,
	  .bulk_max = ~0U },
	{ .name = "hooks that fail", .no_windows = true, .fail = 10 },
	{ .name = "hooks that fail, bulk, saved at each boundary",
	  .no_windows = true, .fail = 15, .bulk = true, .bulk_max = ~0U, .save = 1 },
	{ .name = "windows and hooks that fail, bulk", .fail = 2, .bulk = true,
	  .bulk_max = 3 },
	{ .name = "each step told, without blocks", .told = true, .no_blocks = true },
	{ .name = "each step told, after other code", .told = true, .warm = true },
	{ .name = "each step told by a uop, after other code", .told = true, .uop = true,
	  .warm = true },
	{ .name = "after other code", .warm = true },
	{ .name = "after other code, in slices of 5", .warm = true, .slice = 5 },
};

const unsigned int nr_variants = ARRAY_SIZE(variants);

struct seen seen[MAX_EVENTS];
unsigned int nr_seen;
char why[512];
u64 boundary[MAX_BOUNDARIES];
unsigned int nr_boundaries;

void drive_as(struct host *h, const struct variant *v)
{
	h->no_windows = v->no_windows;
	h->scattered = v->scattered;
	h->bulk = v->bulk;
	h->bulk_max = v->bulk_max;
	h->poll_stop = v->poll;
	host_step_uop(h, v->uop);
	h->late = false;
	h->port_stop = v->ports;
	h->step_stop = v->steps;
	h->fail = v->fail;
	h->fail_seed = 0;
	h->fails = 0;
	h->table_at = 0;
	h->failed = false;
}

/* Has a hook of the test's host failed or stopped for no reason but that it may? */
static bool only_failed(struct host *h, enum emu_exit ex)
{
	bool failed = h->failed;

	h->failed = false;
	return failed && (ex == EMU_EXIT_MEMORY ||
			  (ex == EMU_EXIT_HOST && h->cpu.host_exit == 2));
}

static struct seen *note(struct host *h, enum emu_exit why_left)
{
	struct emu_event *ev = &h->cpu.st.event;
	struct seen *s = &seen[nr_seen++];

	memcpy(&s->st, &h->cpu.st, SEEN_STATE);
	s->why = why_left;
	s->exit = h->cpu.exit;
	s->boundaries = h->cpu.boundaries;
	s->vector = why_left == EMU_EXIT_EVENT ? ev->vector :
		    why_left == EMU_EXIT_WATCH ? SEEN_WATCH : 255;
	s->rflags = h->cpu.st.regs.rflags;
	s->payload = ev->payload;
	s->error = ev->flags & EMU_EVENT_ERROR ? ev->error_code : ~0U;
	if (why_left == EMU_EXIT_EVENT) {
		s->rflags &= ~EMU_FL_RF;
		if (ev->flags & EMU_EVENT_RF)
			s->rflags |= EMU_FL_RF;
	}
	return s;
}

/* Breakpoints of @bits that are code breakpoints. */
static u64 code_bits(const struct emu_state *st, u64 bits)
{
	unsigned int n;
	u64 found = 0;

	for (n = 0; n < 4; n++)
		if (bits >> n & 1 && !(st->debug.dr7 >> (16 + 4 * n) & 3))
			found |= 1ULL << n;
	return found;
}

/*
 * The debugger's answer. By default nothing is applied, so that TF stays, and a
 * code breakpoint is stepped over as a handler would, by RF. False: that was the
 * end.
 */
static bool handle(struct host *h, const struct seen *s)
{
	struct emu_state *st = &h->cpu.st;

	st->event.action = EMU_EVENT_ABSORB;
	if (st->event.insn_len) {
		/* A software interrupt, as if its handler had only returned. */
		st->regs.rip += st->event.insn_len;
		emu_cancel(st);
		return true;
	}
	if (s->vector == 14 && h->on_fault && h->on_fault(h, s->payload))
		return true;
	/* A fault would only come again. */
	if (s->vector != 1)
		return false;
	if (h->answer)
		st->event.action = h->answer;
	if (code_bits(st, s->payload))
		st->regs.rflags |= EMU_FL_RF;
	return true;
}

void drive_fresh(struct host *h)
{
	struct emu *cpu = &h->cpu;
	struct emu_watch watch[EMU_WATCH_MAX];

	memcpy(watch, cpu->watch, sizeof(watch));
	memset(&cpu->zero, 0, offsetof(struct emu, generation) -
			      offsetof(struct emu, zero));
	memset(&cpu->insn, 0xa5, sizeof(cpu->insn));
	memset(cpu->bytes, 0xa5, sizeof(cpu->bytes));
	emu_set_watches(cpu, watch, cpu->nr_watches);
	emu_load(cpu);
}

static void restore_elsewhere(struct host *h)
{
	const char *rule = emu_check_state(&h->cpu.st);

	if (rule)
		sprintf(why, "saved state is not consistent: %s", rule);
	/* Nothing but the state may count. */
	drive_fresh(h);
}

/* Where element @n is; those of memory follow one another as DF says. */
static u64 element_at(const struct emu_state *st, u32 n)
{
	const struct emu_io *io = &st->io;
	u64 by = (u64)n * io->size;

	if (io->kind != EMU_IO_MEM)
		return io->addr;
	return st->regs.rflags & EMU_FL_DF ? io->addr - by : io->addr + by;
}

/* An owner who answers one element at a time, as the ports of struct host do. */
static void serve_one(struct host *h, u64 addr, u8 *data)
{
	struct emu_io *io = &h->cpu.st.io;
	struct host_access *a;
	u32 val = 0;

	if (io->kind == EMU_IO_MEM && h->mmio_kept) {
		if (io->dir == EMU_READ)
			memcpy(data, h->mem + addr, io->size);
		else
			host_write(h, addr, data, io->size);
		return;
	}
	if (io->dir == EMU_READ) {
		val = host_next_in(h, addr, io->size);
		memcpy(data, &val, min(io->size, 4));
	} else {
		memcpy(&val, data, min(io->size, 4));
	}
	a = &h->io[h->nr_io];
	h->nr_io += h->nr_io < HOST_LOG - 1;
	*a = (struct host_access){ addr, io->size, io->dir, val };
	if (io->kind == EMU_IO_PORT)
		host_ask(h, addr);
}

static void serve(struct host *h)
{
	struct emu_io *io = &h->cpu.st.io;
	u32 n;

	for (n = 0; n < io->count; n++)
		serve_one(h, element_at(&h->cpu.st, n),
			  h->cpu.st.io_data + n * io->size);
	if (h->poke_at && !(io->kind == EMU_IO_MEM && h->mmio_kept))
		host_write(h, h->poke_at, &h->poke_val, 1);
	io->done = io->count;
}

static void mix(u64 *hash, const void *p, size_t n)
{
	const u64 *word = p;

	for (n /= 8; n; n--, word++) {
		*hash = (*hash ^ *word) * 0x9e3779b97f4a7c15ULL;
		*hash ^= *hash >> 32;
	}
}

/* All that must be alike at a boundary: not what belongs to an instruction. */
static void note_boundary(struct host *h, u64 n)
{
	const struct emu_state *st = &h->cpu.st;
	u64 hash = 1;

	if (st->progress.in_rep && !(st->regs.rflags & EMU_FL_RF))
		sprintf(why, "stopped in a REP without RF");
	if (h->pinned)
		sprintf(why, "pages are still held");
	if (n >= MAX_BOUNDARIES)
		return;
	mix(&hash, &st->regs, sizeof(st->regs));
	mix(&hash, &st->segs, sizeof(st->segs));
	mix(&hash, &st->ctrl, sizeof(st->ctrl));
	mix(&hash, &st->debug, sizeof(st->debug));
	mix(&hash, &st->event, sizeof(st->event));
	mix(&hash, &h->trace_hash, sizeof(h->trace_hash));
	boundary[n] = hash | 1;
	nr_boundaries = max(nr_boundaries, n + 1);
}

/* Boundaries until the next stop that makes no difference, or 0: right here. */
static u64 next_stop(const struct host *h, const struct variant *v, u64 left,
		     u64 passed, bool changed)
{
	u64 every = v->save ? v->save : v->slice;

	if (passed && h->change_at == passed && !changed)
		return 0;
	if (h->change_at > passed)
		left = min(left, h->change_at - passed);
	return every ? min(left, every) : left;
}

void drive(struct host *h, const struct variant *v, u64 end)
{
	u64 left = h->budget ? h->budget : DRIVE_BUDGET, before, passed = 0;
	unsigned int rounds;
	bool changed = false, half_way = false;
	enum emu_exit ex;

	h->cpu.flags &= ~(EMU_WANT_STEPS | EMU_NO_BLOCKS);
	if (v->steps || v->told)
		h->cpu.flags |= EMU_WANT_STEPS;
	if (v->no_blocks)
		h->cpu.flags |= EMU_NO_BLOCKS;
	emu_load(&h->cpu);
	h->told_hash = 0;
	nr_seen = 0;
	memset(boundary, 0, nr_boundaries * sizeof(boundary[0]));
	nr_boundaries = 0;
	for (rounds = 0; nr_seen < MAX_EVENTS - 1; rounds++) {
		if (rounds == MAX_ROUNDS) {
			sprintf(why, "it does not get on");
			return;
		}
		if (passed == h->change_at && passed && !changed && !half_way) {
			host_change(h);
			changed = true;
		}
		before = h->cpu.boundaries;
		h->cpu.st.budget = next_stop(h, v, left, passed, changed);
		ex = emu_run(&h->cpu);
		half_way = only_failed(h, ex);
		left -= h->cpu.boundaries - before;
		passed += h->cpu.boundaries - before;
		if (h->late)
			sprintf(why, "a poll came too late");
		if (v->save)
			restore_elsewhere(h);
		if (ex == EMU_EXIT_BUDGET && left) {
			note_boundary(h, passed);
			continue;
		}
		if (half_way || (ex == EMU_EXIT_HOST && h->cpu.host_exit == 2))
			continue;
		if (ex == EMU_EXIT_IO) {
			serve(h);
			if (v->save)
				restore_elsewhere(h);
			continue;
		}
		note(h, ex);
		if (ex == EMU_EXIT_WATCH)
			continue;
		if (ex == EMU_EXIT_INTR_WINDOW) {
			h->cpu.st.event.intr_window = 0;
			continue;
		}
		if (ex != EMU_EXIT_EVENT || !handle(h, &seen[nr_seen - 1]))
			return;
		/* A step trap has woken the final HLT (S111). */
		if (h->cpu.st.regs.rip == end) {
			note(h, EMU_EXIT_HLT);
			return;
		}
	}
}
