// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "drive.h"

#define DRIVE_BUDGET	400

const struct variant variants[] = {
	{ .name = "windows" },
	{ .name = "hooks", .no_windows = true },
	{ .name = "bulk", .bulk = true, .bulk_max = ~0U },
	{ .name = "bulk of 1", .bulk = true, .bulk_max = 1 },
	{ .name = "bulk of 3", .bulk = true, .bulk_max = 3 },
	{ .name = "saved at each boundary", .save = true },
	{ .name = "bulk, saved at each boundary", .bulk = true,
	  .bulk_max = ~0U, .save = true },
	{ .name = "hooks, saved at each boundary", .no_windows = true,
	  .save = true },
	{ .name = "bulk, stopped at each poll", .bulk = true,
	  .bulk_max = ~0U, .poll = true },
};

const unsigned int nr_variants = ARRAY_SIZE(variants);

struct seen seen[MAX_EVENTS];
unsigned int nr_seen;
char why[512];

void drive_as(struct host *h, const struct variant *v)
{
	h->no_windows = v->no_windows;
	h->bulk = v->bulk;
	h->bulk_max = v->bulk_max;
	h->poll_stop = v->poll;
}

static struct seen *note(struct host *h, enum emu_exit why_left)
{
	struct emu_event *ev = &h->cpu.st.event;
	struct seen *s = &seen[nr_seen++];

	memcpy(&s->st, &h->cpu.st, SEEN_STATE);
	s->why = why_left;
	s->exit = h->cpu.exit;
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
 * The debugger's answer: nothing is applied, so that TF stays, and a code
 * breakpoint is stepped over as a handler would, by RF. False: that was the end.
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
	/* A fault would only come again. */
	if (s->vector != 1)
		return false;
	if (code_bits(st, s->payload))
		st->regs.rflags |= EMU_FL_RF;
	return true;
}

static void restore_elsewhere(struct host *h)
{
	struct emu_state saved = h->cpu.st;
	u32 flags = h->cpu.flags;
	struct emu_config config = h->cpu.config;
	struct emu_watch watch[EMU_WATCH_MAX];
	u32 nr_watches = h->cpu.nr_watches;
	struct emu_exit_info exit = h->cpu.exit;
	u64 features = h->cpu.features;

	memcpy(watch, h->cpu.watch, sizeof(watch));
	/* Another engine: nothing but the state may count. */
	emu_init(&h->cpu, h->cpu.ops, h);
	memset(&h->cpu.insn, 0xa5, sizeof(h->cpu.insn));
	h->cpu.st = saved;
	h->cpu.flags = flags;
	h->cpu.config = config;
	emu_set_watches(&h->cpu, watch, nr_watches);
	h->cpu.exit = exit;
	h->cpu.features = features;
	if (emu_check_state(&saved))
		sprintf(why, "saved state is not consistent: %s",
			emu_check_state(&saved));
	emu_load(&h->cpu);
}

/* An owner who answers one element at a time, as the ports of struct host do. */
static void serve(struct host *h)
{
	struct emu_io *io = &h->cpu.st.io;
	struct host_access *a;
	u32 n, val;

	if (io->kind == EMU_IO_MEM && h->mmio_kept) {
		if (io->dir == EMU_READ)
			memcpy(h->cpu.st.io_data, h->mem + io->addr, io->size);
		else
			memcpy(h->mem + io->addr, h->cpu.st.io_data, io->size);
		io->done = io->count;
		return;
	}
	for (n = 0; n < io->count; n++) {
		val = 0;
		if (io->dir == EMU_READ) {
			val = h->read_seed++;
			val &= (u32)size_mask(io->size);
			memcpy(h->cpu.st.io_data + n * io->size, &val, io->size);
		} else {
			memcpy(&val, h->cpu.st.io_data + n * io->size, io->size);
		}
		a = &h->io[h->nr_io];
		h->nr_io += h->nr_io < HOST_LOG - 1;
		*a = (struct host_access){ io->addr, io->size, io->dir, val };
	}
	io->done = io->count;
}

void drive(struct host *h, const struct variant *v, u64 end)
{
	u64 left = DRIVE_BUDGET, before;
	enum emu_exit ex;

	nr_seen = 0;
	while (nr_seen < MAX_EVENTS - 1) {
		before = h->cpu.boundaries;
		h->cpu.st.budget = v->save ? min(left, 1) : left;
		ex = emu_run(&h->cpu);
		left -= h->cpu.boundaries - before;
		if (v->save)
			restore_elsewhere(h);
		if (ex == EMU_EXIT_BUDGET && left)
			continue;
		if (ex == EMU_EXIT_HOST && h->cpu.host_exit == 2)
			continue;
		if (ex == EMU_EXIT_IO) {
			serve(h);
			continue;
		}
		note(h, ex);
		if (ex == EMU_EXIT_WATCH)
			continue;
		if (ex != EMU_EXIT_EVENT || !handle(h, &seen[nr_seen - 1]))
			return;
		/* A step trap has woken the final HLT (S111). */
		if (h->cpu.st.regs.rip == end) {
			note(h, EMU_EXIT_HLT);
			return;
		}
	}
}
