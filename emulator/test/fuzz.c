// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzing: bytes choose a shape (shape.h), then instruction bytes, any field of
 * the state, memory, which pages the hooks refuse, drop or leave to the owner, a byte
 * that somebody else writes between two instructions, which of the optional hooks are
 * absent, and whether to begin where the program has left in the middle of something.
 * What must hold: ASan and UBSan are silent, each run comes back, the state passes
 * emu_check_state() after each exit, and all ways of running agree (D1-D8).
 *
 * With -DREPLAY it has a main() of its own: fuzz-replay FILE..., as TAP.
 */
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* With HOST_NO_BACKED: which ways are compared. */
#define ABSENT_HOOKS	BIT(15)

static struct host host;

struct input {
	const u8 *p;
	size_t left;
};

static u8 byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static u32 number(struct input *in, unsigned int bytes)
{
	u32 v = 0;

	while (bytes--)
		v = v << 8 | byte(in);
	return v;
}

/* Pairs of axis and value. */
static void choose_shape(struct input *in, struct shape *s)
{
	unsigned int n = byte(in) % 24, a;

	memset(s, 0, sizeof(*s));
	s->seed = byte(in);
	while (n--) {
		a = byte(in) % NR_AXES;
		s->v[a] = byte(in) % shape_values(a);
	}
}

static void choose_code(struct input *in)
{
	struct emu_state *st = &host.cpu.st;
	unsigned int n = byte(in) % 32;
	u64 at = (u32)(st->segs.seg[EMU_CS].base + st->regs.rip);

	while (n--) {
		if (at < SHAPE_MEM)
			host.mem[at] = byte(in);
		at++;
	}
}

static void choose_memory(struct input *in)
{
	unsigned int n = byte(in) % 8;

	while (n--) {
		u32 at = number(in, 3) % SHAPE_MEM;

		host.mem[at] = byte(in);
	}
}

static void choose_pages(struct input *in)
{
	unsigned int n = byte(in) % 4, page;

	while (n--) {
		page = byte(in) % (SHAPE_MEM / 4096);
		host.page[page] = byte(in) % NR_PAGE_KINDS;
	}
}

static void choose_change(struct input *in)
{
	u64 code = host.cpu.st.segs.seg[EMU_CS].base + host.cpu.st.regs.rip;
	u32 at = byte(in);

	host.change_at = byte(in) % 64;
	/* Mostly code. */
	host.change_gpa = (at < 192 ? code + at % 48 : at << 8 | byte(in)) % SHAPE_MEM;
	host.change_val = byte(in);
}

/* Anything in the state that may be there; of the instruction under way too. */
static enum compare_ways choose_state(struct input *in)
{
	static struct emu_state before;
	const size_t last = offsetof(struct emu_state, stream) + 16;
	struct emu_state *st = &host.cpu.st;
	enum compare_ways ways = COMPARE_ALL;
	unsigned int n = byte(in) % 16, len, k;

	while (n--) {
		size_t at = number(in, 2) % last;

		len = 1 + byte(in) % 8;
		before = *st;
		for (k = 0; k < len && at + k < last; k++)
			((u8 *)st)[at + k] = byte(in);
		st->budget = before.budget;
		if (emu_check_state(st))
			*st = before;
		else if (at + len > offsetof(struct emu_state, io))
			ways = COMPARE_WINDOWS;
	}
	return ways;
}

/* Run for a while; then the owner answers as bytes say. */
static enum compare_ways choose_under_way(struct input *in, enum compare_ways ways)
{
	static const struct variant way[] = { { .bulk_max = 0 }, { .no_windows = true } };
	struct emu_state *st = &host.cpu.st;
	u64 budget = st->budget;
	unsigned int hooks, n;

	n = byte(in);
	if (!n)
		return ways;
	hooks = n & 1;
	host.cpu.st.budget = n >> 1;
	drive_as(&host, &way[hooks]);
	drive_fresh(&host);
	emu_run(&host.cpu);
	st->budget = budget;
	if (st->io.kind) {
		st->io.done = byte(in) % (st->io.count + 1);
		if (st->io.dir == EMU_READ)
			for (n = 0; n < 8; n++)
				st->io_data[n] = byte(in);
	}
	if (st->event.action == EMU_EVENT_HELD)
		st->event.action = EMU_EVENT_HELD + byte(in) % 4;
	if (!st->io.kind && !st->progress.nr_replay)
		return ways;
	return hooks ? COMPARE_HOOKS : COMPARE_WINDOWS;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	enum compare_ways ways;
	struct shape s;
	u32 absent;
	u8 flags;

	if (!host.mem)
		host_init(&host);
	choose_shape(&in, &s);
	shape_build(&s, &host);
	flags = byte(&in);
	choose_code(&in);
	ways = choose_state(&in);
	choose_memory(&in);
	choose_pages(&in);
	choose_change(&in);
	if (flags & 1)
		host.cpu.flags |= EMU_INTERCEPT_IRET;
	if (flags & 2)
		host.cpu.flags |= EMU_EXIT_MSRS;
	if (flags & 4)
		host.stop_port = 0x85;
	else
		host.stop_port = -1;
	/* Linear addresses of 4 GiB and more are nobody's; paging is not looked at. */
	if ((flags & 0x18) == 0x18)
		host.cpu.flags |= EMU_CALLER_MEMORY;
	if (emu_check_state(&host.cpu.st))
		return 0;
	emu_load(&host.cpu);
	absent = number(&in, 2) ^ HOST_NO_RDTSC;
	host_absent(&host, absent);
	/* Half of a store may be done by hooks, if none says that there is no more. */
	if (absent & HOST_NO_BACKED && ways == COMPARE_ALL)
		ways = absent & ABSENT_HOOKS ? COMPARE_HOOKS : COMPARE_WINDOWS;
	ways = choose_under_way(&in, ways);
	if (emu_check_state(&host.cpu.st)) {
		printf("# not consistent where it has left\n");
		fflush(stdout);
		abort();
	}
	if (compare(&host, ways))
		return 0;
	printf("# %s: %s\n", compare_way(), why);
	compare_show(&host);
	fflush(stdout);
	abort();
}

#ifdef REPLAY
int main(int argc, char **argv)
{
	static u8 data[65536];
	size_t size;
	FILE *f;
	int n;

	printf("1..%d\n", argc - 1);
	for (n = 1; n < argc; n++) {
		f = fopen(argv[n], "rb");
		if (!f) {
			printf("not ok %d %s: cannot be read\n", n, argv[n]);
			return 1;
		}
		size = fread(data, 1, sizeof(data), f);
		fclose(f);
		/* What it finds ends the program: the plan shows it. */
		LLVMFuzzerTestOneInput(data, size);
		printf("ok %d %s\n", n, argv[n]);
		fflush(stdout);
	}
	return 0;
}
#endif
