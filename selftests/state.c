// SPDX-License-Identifier: GPL-2.0
/*
 * GET_STATE and SET_STATE: state saved at any boundary, before and after an
 * answer, goes on identically in another sandbox; states that are not consistent
 * are refused.
 */

#include "common.h"

#include <stddef.h>

#define PORT		0x80	/* open bus */
#define EXIT_PORT	0x90	/* the owner's */
#define M0		0x4000UL
#define DST		0x3000UL
#define MAX_EVENTS	64

/* What the owner of a sandbox saw until its program was done. */
struct seen {
	unsigned int reason;
	uint64_t rip, rcx, bits;
};

struct outcome {
	struct piotrap_state st;
	uint8_t mem[MEM_SIZE];
	struct seen seen[MAX_EVENTS];
	unsigned int nr;
};

struct program {
	const char *name;
	const uint8_t *code;
	size_t len;
	uint64_t flags, cx;
	bool io_bp, data_bp, step;
};

#define RUNS(...) .code = CODE_OF(__VA_ARGS__), .len = LEN_OF(__VA_ARGS__)

static const struct program programs[] = {
	/* mov bx, 5; add ax, bx; push ax; dec bx; jnz $-4; popf */
	{ "arithmetic", RUNS(0xbb, 0x05, 0x00, 0x01, 0xd8, 0x50, 0x4b, 0x75,
			     0xfa, 0x90) },
	{ "rep insb, rep outsw", RUNS(0xf3, 0x6c, 0xb9, 0x04, 0x00, 0xf3, 0x6f),
	  .cx = 5 },
	{ "rep insb with an I/O breakpoint", RUNS(0xf3, 0x6c, 0x90), .cx = 4,
	  .io_bp = true },
	{ "mov ss, [M0]; rep insb", RUNS(0x8e, 0x16, 0x00, 0x40, 0xf3, 0x6c),
	  .cx = 3, .io_bp = true, .data_bp = true },
	{ "the same in single steps",
	  RUNS(0x8e, 0x16, 0x00, 0x40, 0xf3, 0x6c, 0x90), .cx = 3,
	  .io_bp = true, .data_bp = true, .flags = FL_TF },
	{ "mov ss, ax four times", RUNS(0x8e, 0xd0, 0x8e, 0xd0, 0x8e, 0xd0,
					0x8e, 0xd0, 0x90), .flags = FL_TF },
	{ "sti; nop; hlt after out", RUNS(0xfb, 0xee, 0x90, 0x90),
	  .io_bp = true },
	/* in al, 0x90; out 0x90, ax; mov dx, 0x90; rep insb; rep outsb */
	{ "ports of the owner",
	  RUNS(0xe4, 0x90, 0xe7, 0x90, 0xba, 0x90, 0x00, 0xf3, 0x6c, 0xb9, 0x06,
	       0x00, 0xf3, 0x6e), .cx = 7 },
	{ "ports of the owner in single steps",
	  RUNS(0xe4, 0x90, 0xba, 0x90, 0x00, 0xf3, 0x6c), .cx = 3,
	  .flags = FL_TF },
	/* in eax, 0x8f; out 0x8f, eax; in ax, 0x91: two bytes of each are his */
	{ "ports of several kinds",
	  RUNS(0x66, 0xe5, 0x8f, 0x66, 0xe7, 0x8f, 0xe5, 0x91) },
	/* int 0x21; int3 */
	{ "interrupts", RUNS(0xcd, 0x21, 0xcc, 0x90) },
};

FIXTURE(state)
{
	struct box a, b;
	struct outcome *want, *got;
};

FIXTURE_SETUP(state)
{
	BOX_SETUP(&self->a);
	BOX_SETUP(&self->b);
	self->want = calloc(1, sizeof(*self->want));
	self->got = calloc(1, sizeof(*self->got));
	ASSERT_NE(NULL, self->want);
	ASSERT_NE(NULL, self->got);
}

FIXTURE_TEARDOWN(state)
{
	box_close(&self->a);
	box_close(&self->b);
	free(self->want);
	free(self->got);
}

static int prepare(const struct box *b)
{
	return set_ports(b, PIOTRAP_PORT_EXIT, EXIT_PORT, 2, 0, 0);
}

static void set_up(const struct box *b, const struct program *p)
{
	reset_cpu(b);
	memset(b->mem, 0, MEM_SIZE);
	b->run->regs.rflags |= p->flags;
	b->run->regs.rcx = p->cx;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = 0x2000;
	b->run->regs.rdi = DST;
	if (p->io_bp)
		arm(b, 1, BP_IO, 1, PORT);
	if (p->data_bp)
		arm(b, 0, BP_ACCESS, 1, M0);
}

/* Note what ended the run, and answer it. The answer is in @run, to be taken. */
static void answer(struct piotrap_run *run, uint8_t *data, struct outcome *o)
{
	struct seen s = {
		.reason = run->exit_reason, .rip = run->regs.rip,
		.rcx = run->regs.rcx,
	};

	switch (run->exit_reason) {
	case PIOTRAP_EXIT_DEBUG:
		s.bits = run->event.payload | (uint64_t)run->event.flags << 32;
		run->event.action = PIOTRAP_EVENT_ABSORB;
		run->regs.rflags &= ~FL_RF;
		if (run->event.flags & PIOTRAP_EVENT_RF)
			run->regs.rflags |= FL_RF;
		run->dirty |= PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_REGS;
		break;
	case PIOTRAP_EXIT_INT:
	case PIOTRAP_EXIT_EXCEPTION:
		s.bits = run->event.vector;
		run->event.action = PIOTRAP_EVENT_TAKE;
		run->dirty |= PIOTRAP_GROUP_EVENT;
		break;
	case PIOTRAP_EXIT_IO_PORT:
		s.bits = run->io.addr | (uint64_t)run->io.dir << 48;
		/*
		 * The budget clips what is offered: serve one, and data by the
		 * count that is left.
		 */
		if (run->io.dir == PIOTRAP_READ)
			memset(data, 0x40 + (run->regs.rcx & 0x3f),
			       run->io.size);
		run->io.done = 1;
		run->dirty |= PIOTRAP_GROUP_IO;
		break;
	default:
		return;
	}
	if (o->nr < MAX_EVENTS)
		o->seen[o->nr] = s;
	o->nr++;
}

static bool over(const struct box *b)
{
	return b->run->exit_reason == PIOTRAP_EXIT_DONE ||
	       b->run->exit_reason == PIOTRAP_EXIT_HLT;
}

/* Run to the end and note everything. */
static int finish(const struct box *b, struct outcome *o)
{
	int err = 0, rounds = 0;

	while (!err && !over(b)) {
		if (rounds++ > 200)
			return -ELOOP;
		answer(b->run, b->data, o);
		b->run->budget = PIOTRAP_BUDGET_UNLIMITED;
		touch(b, PIOTRAP_GROUP_BUDGET);
		err = run_on(b);
	}
	if (!err)
		err = get_state(b, &o->st);
	memcpy(o->mem, b->mem, MEM_SIZE);
	return err;
}

/*
 * What the rest of a run must not depend on: the budget is set by the owner, and
 * an answered access leaves its record behind.
 */
static void normalize(struct piotrap_state *st)
{
	st->budget = 0;
	memset(&st->io, 0, sizeof(st->io));
	memset(st->io_data, 0, sizeof(st->io_data));
	memset(&st->progress, 0, sizeof(st->progress));
	memset(&st->stream, 0, sizeof(st->stream));
	memset(&st->event, 0, sizeof(st->event));
}

static void compare(struct __test_metadata *_metadata, const char *name,
		    unsigned int at, struct outcome *want, unsigned int before,
		    struct outcome *got)
{
#define WHERE TH_LOG("%s: saved at stop %u", name, at)
	normalize(&want->st);
	normalize(&got->st);
	EXPECT_EQ(want->nr, before + got->nr) WHERE;
	if (want->nr == before + got->nr && want->nr <= MAX_EVENTS)
		EXPECT_EQ(0, memcmp(want->seen + before, got->seen,
				    got->nr * sizeof(struct seen))) WHERE;
	EXPECT_EQ(0, memcmp(&want->st, &got->st, sizeof(want->st))) WHERE;
	EXPECT_EQ(0, memcmp(want->mem, got->mem, MEM_SIZE)) WHERE;
#undef WHERE
}

/* Put a state and the memory of @a into @b, and let the page show it. */
static int move(const struct box *a, const struct box *b,
		struct piotrap_state *st)
{
	int err;

	memcpy(b->mem, a->mem, MEM_SIZE);
	err = set_state(b, st);
	if (err)
		return err;
	b->run->dirty = 0;
	b->run->regs = st->regs;
	b->run->segs = st->segs;
	b->run->ctrl = st->ctrl;
	b->run->debug = st->debug;
	b->run->event = st->event;
	b->run->io = st->io;
	b->run->budget = st->budget;
	return 0;
}

TEST_F_TIMEOUT(state, save_and_restore, 120)
{
	const struct box *a = &self->a, *b = &self->b;
	struct piotrap_state st;
	unsigned int stops = 0;

	ASSERT_EQ(0, prepare(a));
	ASSERT_EQ(0, prepare(b));
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const struct program *p = &programs[i];
		struct outcome *o = self->got;
		unsigned int at = 0;

		memset(self->want, 0, sizeof(*self->want));
		set_up(a, p);
		ASSERT_EQ(0, run_stream(a, p->code, p->len));
		ASSERT_EQ(0, finish(a, self->want)) TH_LOG("%s", p->name);

		/* One boundary at a time; what follows goes on elsewhere. */
		set_up(a, p);
		a->run->budget = 1;
		ASSERT_EQ(0, run_stream(a, p->code, p->len));
		for (unsigned int before = 0; !over(a); at++) {
			static struct outcome mine;

			ASSERT_GT(100, at) TH_LOG("%s", p->name);
			ASSERT_EQ(0, get_state(a, &st));
			ASSERT_EQ(0, move(a, b, &st)) TH_LOG("%s", p->name);
			b->run->exit_reason = a->run->exit_reason;
			memcpy(b->data, a->data, PIOTRAP_IO_DATA);
			memset(o, 0, sizeof(*o));
			ASSERT_EQ(0, finish(b, o)) TH_LOG("%s", p->name);
			compare(_metadata, p->name, at, self->want, before, o);

			mine.nr = 0;
			answer(a->run, a->data, &mine);
			before += mine.nr;
			if (mine.nr && a->run->exit_reason ==
				       PIOTRAP_EXIT_IO_PORT) {
				/* Also between the answer and its commit. */
				ASSERT_EQ(0, get_state(a, &st));
				st.io.done = a->run->io.done;
				memcpy(st.io_data, a->data,
				       sizeof(st.io_data));
				ASSERT_EQ(0, move(a, b, &st))
					TH_LOG("%s", p->name);
				b->run->exit_reason = PIOTRAP_EXIT_BUDGET;
				memset(o, 0, sizeof(*o));
				ASSERT_EQ(0, finish(b, o));
				compare(_metadata, p->name, at, self->want,
					before, o);
			}
			a->run->budget = 1;
			touch(a, PIOTRAP_GROUP_BUDGET);
			ASSERT_EQ(0, run_on(a));
		}
		stops += at;
		EXPECT_LT(0, at) TH_LOG("%s", p->name);
	}
	TH_LOG("%u stops", stops);
	EXPECT_LT(60, stops);
}

/* What is set is what is got. */
TEST_F(state, round_trip)
{
	struct piotrap_state st, back;
	struct box *b = &self->b;

	ASSERT_EQ(0, get_state(b, &st));
	st.regs.rax = 0x1122334455667788;
	st.regs.r15 = ~0ULL;
	st.regs.rip = 0x1234;
	st.regs.rflags = 0x246;
	st.ctrl.cr2 = 0xdeadbeef;
	st.debug.dr[3] = ~0ULL;
	st.debug.pending_dbg = 0x4003;
	st.debug.interruptibility = BLOCK_MOV_SS;
	st.event.intr_pending = 1;
	st.event.intr_vector = 0xff;
	st.budget = 77;
	ASSERT_EQ(0, set_state(b, &st));
	ASSERT_EQ(0, get_state(b, &back));
	EXPECT_EQ(0, memcmp(&st, &back, sizeof(st)));
	/* It does not touch the run page. */
	EXPECT_NE(0x1234, b->run->regs.rip);
}

/* Each breaks one rule; none is taken, not even in part. */
TEST_F(state, inconsistent)
{
	struct box *b = &self->b;
	struct piotrap_state good, st, back;
	unsigned int nr = 0;

	ASSERT_EQ(0, STREAM(b, 0x90));
	ASSERT_EQ(0, get_state(b, &good));
#define REFUSED(...) do {						\
	st = good;							\
	st.regs.rax = 0xdead;						\
	__VA_ARGS__;							\
	EXPECT_EQ(-EINVAL, set_state(b, &st)) TH_LOG("%s", #__VA_ARGS__);\
	ASSERT_EQ(0, get_state(b, &back));				\
	EXPECT_EQ(0, memcmp(&good, &back, sizeof(good)));		\
	nr++;								\
} while (0)
	REFUSED(st.flags = 1);
	REFUSED(st.regs.rflags = 0);
	REFUSED(st.regs.rflags |= 1 << 3);
	REFUSED(st.regs.rflags |= 1 << 15);
	REFUSED(st.regs.rflags |= 1ULL << 22);
	REFUSED(st.segs.es.reserved[2] = 1);
	REFUSED(st.segs.tr.attr |= 1 << 17);
	REFUSED(st.segs.cs.attr |= 1 << 8);
	REFUSED(st.segs.gdtr.reserved[0] = 1);
	REFUSED(st.ctrl.cr0 |= 1ULL << 31);
	REFUSED(st.ctrl.cr0 |= 1ULL << 32);
	REFUSED(st.ctrl.cr0 = 1ULL << 29);
	REFUSED(st.ctrl.cr3 = 1ULL << 52);
	REFUSED(st.ctrl.cr4 = 1ULL << 31);
	REFUSED(st.ctrl.cr8 = 16);
	REFUSED(st.ctrl.efer = 1 << 10);
	REFUSED(st.ctrl.efer = 1 << 10 | 1 << 8);
	REFUSED(st.ctrl.efer = 1 << 1);
	REFUSED(st.regs.rflags |= 1 << 17);
	REFUSED(st.regs.rip = 1ULL << 32);
	REFUSED(st.segs.ds.base = 1ULL << 32);
	REFUSED(st.segs.ss.attr |= 3 << 5);
	/* V86 mode with a segment that is not one of its own. */
	REFUSED(st.ctrl.cr0 = 1; st.regs.rflags |= 1 << 17);
	REFUSED(st.debug.dr6 |= 1ULL << 32);
	REFUSED(st.debug.dr7 |= 1ULL << 63);
	REFUSED(st.debug.pending_dbg = 1 << 12);
	REFUSED(st.debug.pending_dbg = 1 << 4);
	REFUSED(st.debug.interruptibility = 16);
	REFUSED(st.debug.interruptibility = BLOCK_STI | BLOCK_MOV_SS;
		st.regs.rflags |= FL_IF);
	REFUSED(st.debug.interruptibility = BLOCK_STI);
	REFUSED(st.debug.activity = 3);
	REFUSED(st.event.action = 5);
	REFUSED(st.event.type = 1);
	REFUSED(st.event.type = 7);
	REFUSED(st.event.insn_len = 16);
	REFUSED(st.event.flags = 8);
	REFUSED(st.event.nmi_pending = 2);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 1);
	REFUSED(st.io.kind = 4; st.io.size = 1; st.io.count = 1);
	REFUSED(st.io.kind = PIOTRAP_IO_MSR; st.io.size = 4; st.io.count = 1);
	REFUSED(st.io.kind = PIOTRAP_IO_MSR; st.io.size = 8; st.io.count = 2);
	REFUSED(st.io.kind = PIOTRAP_IO_MSR; st.io.size = 8; st.io.count = 1;
		st.io.addr = 1ULL << 32);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 3; st.io.count = 1);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 8; st.io.count = 1);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 1; st.io.count = 1;
		st.io.addr = 0x10000);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 4;
		st.io.count = 1025);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 1; st.io.count = 1;
		st.io.done = 2);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 1; st.io.count = 2;
		st.io.done = 1; st.io.used = 2);
	REFUSED(st.io.kind = PIOTRAP_IO_PORT; st.io.size = 1; st.io.count = 1;
		st.io.dir = 2);
	REFUSED(st.progress.in_rep = 2);
	REFUSED(st.progress.insn_len = 16);
	REFUSED(st.progress.nr_replay = PIOTRAP_REPLAY_MAX + 1);
	REFUSED(st.progress.nr_replay = 1);
	REFUSED(st.progress.permitted = 2);
	REFUSED(st.progress.stopped = 2);
	REFUSED(st.progress.reserved[0] = 1);
	REFUSED(st.event.reserved[0] = 1);
	REFUSED(st.event.init_pending = 2);
	REFUSED(st.event.mc_pending = 2);
	REFUSED(st.stream.len = PIOTRAP_STREAM_MAX + 1);
	REFUSED(st.stream.reserved = 1);
#undef REFUSED
	EXPECT_EQ(61, nr);
	EXPECT_EQ(0, set_state(b, &good));
}

/* A stream is part of the state, and is laid over memory where it was. */
TEST_F(state, stream)
{
	struct box *a = &self->a, *b = &self->b;
	struct piotrap_state st;

	a->run->budget = 1;
	ASSERT_EQ(0, STREAM(a, 0x40, 0x43, 0x43));
	ASSERT_EXIT(BUDGET, a);
	ASSERT_EQ(0, get_state(a, &st));
	EXPECT_EQ(CODE, st.stream.start);
	EXPECT_EQ(3, st.stream.len);
	EXPECT_EQ(0, memcmp(st.stream.bytes, "\x40\x43\x43", 3));
	st.budget = 100;
	ASSERT_EQ(0, set_state(b, &st));
	b->run->dirty = 0;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(1, b->run->regs.rax);
	EXPECT_EQ(2, b->run->regs.rbx);
	ASSERT_EQ(0, get_state(b, &st));
	EXPECT_EQ(0, st.stream.len);
}

/* Held event, halt and shutdown are state. */
TEST_F(state, event_and_activity)
{
	struct box *a = &self->a, *b = &self->b;
	struct piotrap_state st;

	arm(a, 0, BP_IO, 1, PORT);
	ASSERT_EQ(0, STREAM(a, 0xe6, 0x80, 0x90));
	ASSERT_EXIT(DEBUG, a);
	ASSERT_EQ(0, get_state(a, &st));
	ASSERT_EQ(0, set_state(b, &st));
	b->run->dirty = 0;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(1, b->run->event.payload);
	EXPECT_EQ(CODE + 2, b->run->regs.rip);
	/* Answered in the state itself. */
	st.event.action = PIOTRAP_EVENT_TAKE;
	ASSERT_EQ(0, set_state(b, &st));
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(DR6_DEFAULT | 1, b->run->debug.dr6);

	reset_cpu(a);
	ASSERT_EQ(0, STREAM(a, 0xf4, 0x90));
	ASSERT_EXIT(HLT, a);
	ASSERT_EQ(0, get_state(a, &st));
	EXPECT_EQ(1, st.debug.activity);
	ASSERT_EQ(0, set_state(b, &st));
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0, b->run->boundaries);
	/* The owner wakes it. */
	b->run->debug.activity = 0;
	touch(b, PIOTRAP_GROUP_DEBUG);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(CODE + 2, b->run->regs.rip);
}

/*
 * Member @name of the state and of the run page, its group, and the field of it that
 * rules of other groups speak of.
 */
#define MEMBER(group, name, field)					\
	{ PIOTRAP_GROUP_##group, offsetof(struct piotrap_state, name),	\
	  offsetof(struct piotrap_run, name),				\
	  sizeof(((struct piotrap_run *)0)->name),			\
	  offsetof(struct piotrap_state, name.field) }

static const struct {
	uint32_t group;
	size_t in_state, in_page, size, hot;
} members[] = {
	MEMBER(REGS, regs, rflags), MEMBER(SEGS, segs, cs.attr),
	MEMBER(CTRL, ctrl, cr0), MEMBER(DEBUG, debug, interruptibility),
	MEMBER(EVENT, event, flags),
};

static uint32_t draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/* States that rules across groups hold together. */
static void good_state(struct piotrap_state *st, unsigned int kind)
{
	struct piotrap_segment *seg = &st->segs.es;

	st->budget = 0;
	switch (kind) {
	case 0:		/* real mode after STI */
		st->regs.rflags |= FL_IF;
		st->debug.interruptibility = BLOCK_STI;
		break;
	case 1:		/* V86 mode */
		st->ctrl.cr0 |= 1;
		st->regs.rflags |= 1ULL << 17;
		for (int i = 0; i < 6; i++) {
			seg[i].base = seg[i].selector << 4;
			seg[i].limit = 0xffff;
			seg[i].attr = 0xf3;
		}
		break;
	case 2:		/* 64-bit mode, above 4 GiB */
		st->ctrl.cr0 |= 0x80000001;
		st->ctrl.cr4 |= 0x20;
		st->ctrl.efer = 0x500;
		st->segs.cs.attr = 0xa09b;
		st->regs.rip = 0x123456789;
		break;
	}
}

/*
 * A run looks only at rules that speak of a group which it takes. It refuses what
 * SET_STATE refuses, and takes what that takes.
 */
TEST_F_TIMEOUT(state, groups_as_states, 240)
{
	unsigned int i, m, n, refused = 0, taken = 0;
	struct piotrap_state first, good, st, back;
	struct box *b = &self->b;
	uint32_t seed = 1, *word;
	int want, got;

	ASSERT_EQ(0, STREAM(b, 0x90));
	ASSERT_EQ(0, get_state(b, &first));
	for (i = 0; i < 6000; i++) {
		good = first;
		good_state(&good, i % 3);
		m = draw(&seed, sizeof(members) / sizeof(members[0]));
		st = good;
		for (n = draw(&seed, 2) + 1; n; n--) {
			word = (void *)((char *)&st + members[m].in_state);
			word += draw(&seed, members[m].size / 4);
			if (draw(&seed, 2))
				word = (void *)((char *)&st + members[m].hot);
			if (draw(&seed, 8))
				*word ^= 1U << draw(&seed, 32);
			else
				*word = draw(&seed, 1 << 24) << 8;
		}
		want = set_state(b, &st);
		ASSERT_EQ(0, set_state(b, &good));
		memcpy((char *)b->run + members[m].in_page,
		       (char *)&st + members[m].in_state, members[m].size);
		b->run->dirty = members[m].group;
		got = run_on(b);
		ASSERT_EQ(want, got)
			TH_LOG("try %u, group %x", i, members[m].group);
		taken += !got;
		if (!got)
			continue;
		refused++;
		ASSERT_EQ(-EINVAL, got);
		ASSERT_EQ(0, get_state(b, &back));
		ASSERT_EQ(0, memcmp(&good, &back, sizeof(good)));
	}
	TH_LOG("%u taken, %u refused", taken, refused);
	EXPECT_GT(taken, 1000);
	EXPECT_GT(refused, 1000);
}

/* Where an address leads changes with CR0.PG, whoever changes that. */
TEST_F(state, paging_between_runs)
{
	const uint32_t pd = 0x10000, pt = 0x11000;
	struct box *b = &self->b;
	uint32_t *table;
	unsigned int i;

	/* Pages are where they are, but page 3 is page 5. */
	table = (void *)(b->mem + pd);
	table[0] = pt | 7;
	table = (void *)(b->mem + pt);
	for (i = 0; i < MEM_SIZE / 4096; i++)
		table[i] = i * 4096 | 7;
	table[3] = 0x5000 | 7;
	b->mem[0x3000] = 3;
	b->mem[0x5000] = 5;
	b->mem[0x6000] = 6;

	/* mov al, [3000h] */
	PUT(b, 0xa0, 0x00, 0x30);
	for (i = 0; i < 6; i++) {
		b->run->ctrl.cr3 = pd;
		b->run->ctrl.cr0 = i % 2 ? 0x80000001 : 1;
		b->run->regs.rip = CODE;
		b->run->budget = 1;
		/* The owner may change tables too. */
		table[3] = (i == 5 ? 0x6000 : 0x5000) | 7;
		touch(b, PIOTRAP_GROUP_CTRL | PIOTRAP_GROUP_REGS |
			 PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
		ASSERT_EXIT(BUDGET, b);
		EXPECT_EQ(i == 5 ? 6 : i % 2 ? 5 : 3, b->run->regs.rax & 0xff);
	}
	/* Tables alone. */
	for (i = 0; i < 4; i++) {
		table[3] = (i % 2 ? 0x3000 : 0x5000) | 7;
		b->run->regs.rip = CODE;
		b->run->budget = 1;
		touch(b, PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EQ(i % 2 ? 3 : 5, b->run->regs.rax & 0xff);
	}
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
