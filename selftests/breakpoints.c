// SPDX-License-Identifier: GPL-2.0
/*
 * Debug traps: I/O, data and code breakpoints, single step, the MOV SS shadow,
 * ICEBP, general detect, how DR6 is merged, and what the owner's answers do
 * (S60 to S161, K7).
 *
 * Most cases are data: what runs, and which #DBs must be seen, in order. Each is
 * answered as a handler would that returns by IRETD.
 */

#include "common.h"

/* A trap without RF and a breakpoint enabled by G are what most cases mean. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define PORT	0x80
#define SRC	0x2000UL
#define DST	0x3000UL
#define M0	0x4000UL	/* watched by many cases */
#define M1	0x4100UL

#define B(n)	(1UL << (n))
#define MAX_TRAPS	12

/* How a breakpoint is enabled. */
enum enable { BY_G, BY_L, BY_NONE };

struct bp {
	enum bp_type type;
	unsigned int len;	/* 0: not there */
	uint64_t addr;
	enum enable enable;
};

/* A #DB: where, with which count, which bits, which RF in the frame. */
struct trap {
	unsigned int off;
	unsigned int cx;
	uint64_t bits;
	bool rf;
};

struct test_case {
	const char *name;
	const uint8_t *code;
	size_t len;
	uint64_t flags;
	uint64_t ax, cx, dx;	/* DX is PORT where it is 0 */
	struct bp bp[4];
	unsigned int nr;
	struct trap traps[MAX_TRAPS];
	unsigned int end;	/* exit reason; 0: done, at the end */
	unsigned int vector;	/* of the exception that ends it */
	uint64_t cr4_clear;
	unsigned int config;
	uint64_t debugctl;
};

#define RUNS(...) .code = CODE_OF(__VA_ARGS__), .len = LEN_OF(__VA_ARGS__)
#define SEES(...) .traps = { __VA_ARGS__ },				\
	.nr = sizeof((const struct trap[]){ __VA_ARGS__ }) / sizeof(struct trap)

#define IO_AT(p)	{ BP_IO, 1, p, BY_G }
#define WRITE_AT(a)	{ BP_WRITE, 1, a, BY_G }
#define ACCESS_AT(a)	{ BP_ACCESS, 1, a, BY_G }
#define EXEC_AT(a)	{ BP_EXEC, 1, a, BY_G }

/* mov ss, [M0] and mov ss, [M1]; both hold 0 */
#define MOV_SS_M0	0x8e, 0x16, 0x00, 0x40
#define MOV_SS_M1	0x8e, 0x16, 0x00, 0x41

FIXTURE(debug)
{
	struct box b;
	struct box other;	/* with the memory of @b */
};

FIXTURE_SETUP(debug)
{
	BOX_SETUP(&self->b);
	ASSERT_EQ(0, box_open_bare(&self->other));
	ASSERT_EQ(0, set_region(&self->other, PIOTRAP_REGION_RAM, 0, MEM_SIZE,
				self->b.mem));
}

FIXTURE_TEARDOWN(debug)
{
	box_close(&self->other);
	box_close(&self->b);
}

/* Two sandboxes of which the first is at work; @hop: they take turns. */
struct pair {
	const struct box *b;
	const struct box *other;
	bool hop;
};

/* With @hop: save at each boundary, and go on in the other sandbox. */
static int to_the_end(struct pair *p)
{
	static struct piotrap_state st;
	const struct box *b = p->b;
	int err = 0;

	while (p->hop && b->run->exit_reason == PIOTRAP_EXIT_BUDGET && !err) {
		err = get_state(b, &st);
		if (err)
			return err;
		p->b = p->other;
		p->other = b;
		b = p->b;
		st.budget = 1;
		err = set_state(b, &st);
		b->run->dirty = 0;
		if (!err)
			err = run_on(b);
	}
	return err;
}

static void set_up(const struct box *b, const struct test_case *t)
{
	struct piotrap_run *run = b->run;

	reset_cpu(b);
	memset(b->mem + SRC, 0, 0x3000);
	run->regs.rflags |= t->flags;
	run->regs.rax = t->ax;
	run->regs.rcx = t->cx;
	run->regs.rdx = t->dx ? t->dx : PORT;
	run->regs.rsi = SRC;
	run->regs.rdi = DST;
	run->ctrl.cr4 &= ~t->cr4_clear;
	run->debug.debugctl = t->debugctl;
	for (int i = 0; i < 4; i++) {
		if (!t->bp[i].len)
			continue;
		arm(b, i, t->bp[i].type, t->bp[i].len, t->bp[i].addr);
		if (t->bp[i].enable != BY_G)
			run->debug.dr7 &= ~(2UL << (2 * i));
		if (t->bp[i].enable == BY_L)
			run->debug.dr7 |= 1UL << (2 * i);
	}
}

/* Run a case; its traps are compared one by one. */
static void run_case(struct __test_metadata *_metadata, struct pair p,
		     const struct test_case *t)
{
	const struct box *b = p.b;
	struct piotrap_run *run = b->run;
	uint64_t dr6 = DR6_DEFAULT;
	unsigned int n = 0, end = t->end ? t->end : PIOTRAP_EXIT_DONE;

	ASSERT_EQ(0, set_config(b, t->config, ~0U, true));
	ASSERT_EQ(0, set_config(p.other, t->config, ~0U, true));
	set_up(b, t);
	if (p.hop)
		run->budget = 1;
	ASSERT_EQ(0, run_stream(b, t->code, t->len)) TH_LOG("%s", t->name);
	ASSERT_EQ(0, to_the_end(&p)) TH_LOG("%s", t->name);
	b = p.b;
	run = b->run;
	while (run->exit_reason == PIOTRAP_EXIT_DEBUG && n <= t->nr) {
		const struct trap *w = &t->traps[n++];

		if (n > t->nr) {
			EXPECT_EQ(t->nr, n)
				TH_LOG("%s: another trap: rip +%lx cx %lx bits %lx",
				       t->name, (long)(run->regs.rip - CODE),
				       (long)run->regs.rcx,
				       (long)run->event.payload);
			return;
		}
#define WHERE TH_LOG("%s: trap %u", t->name, n)
		EXPECT_EQ(CODE + w->off, run->regs.rip) WHERE;
		EXPECT_EQ(w->cx, run->regs.rcx) WHERE;
		EXPECT_EQ(w->bits, run->event.payload) WHERE;
		EXPECT_EQ(VEC_DB, run->event.vector) WHERE;
		EXPECT_EQ(3, run->event.type) WHERE;
		EXPECT_EQ(PIOTRAP_EVENT_HELD, run->event.action) WHERE;
		EXPECT_EQ(PIOTRAP_EVENT_PAYLOAD |
			  (w->rf ? PIOTRAP_EVENT_RF : 0), run->event.flags)
			WHERE;
		/* S149, K7: nothing has been delivered yet. */
		EXPECT_EQ(dr6, run->debug.dr6) WHERE;
		ASSERT_EQ(0, take_and_return(b)) WHERE;
		/* S146: B bits overwritten, BS stays. */
		dr6 = (dr6 & ~0xfUL) | w->bits;
		EXPECT_EQ(dr6, run->debug.dr6) WHERE;
		EXPECT_EQ(0, run->debug.pending_dbg) WHERE;
#undef WHERE
		/* S90: the handler of a code breakpoint sets RF. */
		for (int i = 0; i < 4; i++)
			if (t->bp[i].len && t->bp[i].type == BP_EXEC &&
			    w->bits & B(i))
				run->regs.rflags |= FL_RF;
		ASSERT_EQ(0, go_on(b)) TH_LOG("%s", t->name);
		ASSERT_EQ(0, to_the_end(&p)) TH_LOG("%s", t->name);
		b = p.b;
		run = b->run;
	}
	EXPECT_EQ(t->nr, n) TH_LOG("%s: number of traps", t->name);
	EXPECT_EQ(end, run->exit_reason) TH_LOG("%s", t->name);
	if (end == PIOTRAP_EXIT_EXCEPTION)
		EXPECT_EQ(t->vector, run->event.vector) TH_LOG("%s", t->name);
	if (end == PIOTRAP_EXIT_DONE)
		EXPECT_EQ(CODE + t->len, run->regs.rip) TH_LOG("%s", t->name);
	/* A fault drops what was pending, when it is delivered (S5, K7). */
	if (end == PIOTRAP_EXIT_EXCEPTION)
		ASSERT_EQ(0, take_and_return(b)) TH_LOG("%s", t->name);
	EXPECT_EQ(dr6, run->debug.dr6) TH_LOG("%s", t->name);
	EXPECT_EQ(0, run->debug.pending_dbg) TH_LOG("%s", t->name);
	EXPECT_EQ(0, run->debug.interruptibility & BLOCK_MOV_SS)
		TH_LOG("%s", t->name);
}

/* Each in one go, and saved and restored in another sandbox at each boundary. */
#define RUN_CASES(cases) do {						\
	struct pair _p = { &self->b, &self->other, false };		\
									\
	for (size_t _i = 0; _i < sizeof(cases) / sizeof((cases)[0]); _i++) {\
		_p.hop = false;						\
		run_case(_metadata, _p, &(cases)[_i]);			\
		_p.hop = true;						\
		run_case(_metadata, _p, &(cases)[_i]);			\
	}								\
} while (0)

/* I/O breakpoints */

static const struct test_case io_cases[] = {
	{ "S67: in al, dx", RUNS(0xec, 0x90), .bp = { IO_AT(PORT) },
	  SEES({ 1, 0, B(0) }) },
	{ "S51: a port that nothing is behind", RUNS(0xee, 0x90),
	  .bp = { IO_AT(PORT) }, SEES({ 1, 0, B(0) }) },
	{ "S67: in eax, imm8", RUNS(0x66, 0xe5, 0x80, 0x90),
	  .bp = { IO_AT(PORT) }, SEES({ 3, 0, B(0) }) },
	{ "S67: out dx, al", RUNS(0xee, 0x90), .bp = { IO_AT(PORT) },
	  SEES({ 1, 0, B(0) }) },
	{ "S67: out imm8, ax", RUNS(0xe7, 0x80, 0x90), .bp = { IO_AT(PORT) },
	  SEES({ 2, 0, B(0) }) },
	{ "S67: insb", RUNS(0x6c, 0x90), .bp = { IO_AT(PORT) },
	  SEES({ 1, 0, B(0) }) },
	{ "S67: outsw", RUNS(0x6f, 0x90), .bp = { IO_AT(PORT) },
	  SEES({ 1, 0, B(0) }) },
	{ "S67: the last instruction of a stream", RUNS(0xee),
	  .bp = { IO_AT(PORT) }, SEES({ 1, 0, B(0) }) },
	{ "DR1 to DR3", RUNS(0xee, 0x90),
	  .bp = { { 0 }, IO_AT(PORT), IO_AT(PORT), IO_AT(PORT) },
	  SEES({ 1, 0, B(1) | B(2) | B(3) }) },
	{ "S60: enabled by L", RUNS(0xee, 0x90),
	  .bp = { { BP_IO, 1, PORT, BY_L } }, SEES({ 1, 0, B(0) }) },
	{ "S60: not enabled", RUNS(0xee, 0xec),
	  .bp = { { BP_IO, 1, PORT, BY_NONE } } },
	{ "S61: CR4.DE=0 never matches", RUNS(0xee, 0xec),
	  .bp = { IO_AT(PORT) }, .cr4_clear = CR4_DE },
	{ "S62: LEN of 2", RUNS(0xe6, 0x7f, 0xe6, 0x80, 0xe6, 0x81, 0xe6, 0x82),
	  .bp = { { BP_IO, 2, PORT } }, SEES({ 4, 0, 1 }, { 6, 0, 1 }) },
	{ "S62: LEN of 4", RUNS(0xe6, 0x7f, 0xe6, 0x80, 0xe6, 0x83, 0xe6, 0x84),
	  .bp = { { BP_IO, 4, PORT } }, SEES({ 4, 0, 1 }, { 6, 0, 1 }) },
	{ "S63: aligned down by its length",
	  RUNS(0xe6, 0x80, 0xe6, 0x81, 0xe6, 0x82),
	  .bp = { { BP_IO, 2, 0x81 } }, SEES({ 2, 0, 1 }, { 4, 0, 1 }) },
	{ "S63: by four", RUNS(0xe6, 0x80, 0xe6, 0x83, 0xe6, 0x84),
	  .bp = { { BP_IO, 4, 0x83 } }, SEES({ 2, 0, 1 }, { 4, 0, 1 }) },
	{ "S64: above FFFFh", RUNS(0xe6, 0x80, 0xec),
	  .bp = { IO_AT(0x10080), IO_AT(0xffffffffffff0080) } },
	{ "S65: a dword over its third port", RUNS(0x66, 0xe7, 0x80, 0x90),
	  .bp = { IO_AT(0x82) }, SEES({ 3, 0, 1 }) },
	{ "S65: a dword up to the port", RUNS(0x66, 0xe7, 0x80, 0x90),
	  .bp = { IO_AT(0x84), IO_AT(0x7f) } },
	{ "S65: a word into a range", RUNS(0xe7, 0x7f, 0x90),
	  .bp = { { BP_IO, 4, 0x80 } }, SEES({ 2, 0, 1 }) },
	{ "S73: past FFFFh there is no wrap", RUNS(0x66, 0xef, 0x90),
	  .dx = 0xfffe, .bp = { IO_AT(0), IO_AT(0xffff) },
	  SEES({ 2, 0, B(1) }) },
	{ "S68: rep insb", RUNS(0xf3, 0x6c, 0x90), .cx = 4,
	  .bp = { IO_AT(PORT) },
	  SEES({ 0, 3, 1, true }, { 0, 2, 1, true }, { 0, 1, 1, true },
	       { 2, 0, 1 }) },
	{ "S68: rep outsd", RUNS(0x66, 0xf3, 0x6f, 0x90), .cx = 3,
	  .bp = { IO_AT(PORT + 3) },
	  SEES({ 0, 2, 1, true }, { 0, 1, 1, true }, { 3, 0, 1 }) },
	{ "S28: count zero", RUNS(0xf3, 0x6c, 0xf3, 0x6e),
	  .bp = { IO_AT(PORT) } },
	{ "S66: a read and a write", RUNS(0xec, 0xee), .bp = { IO_AT(PORT) },
	  SEES({ 1, 0, 1 }, { 2, 0, 1 }) },
	{ "another port", RUNS(0xee, 0xec, 0x6c, 0x6e),
	  .bp = { IO_AT(PORT + 1), IO_AT(PORT - 1) } },
	{ "not memory at that address", RUNS(0xa2, 0x80, 0x00),
	  .bp = { IO_AT(PORT) } },
	{ "S72: I/O and data", RUNS(0x6c, 0x90),
	  .bp = { IO_AT(PORT), WRITE_AT(DST) }, SEES({ 1, 0, B(0) | B(1) }) },
	{ "S72: I/O, data and step, per iteration", RUNS(0xf3, 0x6c), .cx = 2,
	  .flags = FL_TF, .bp = { IO_AT(PORT), WRITE_AT(DST) },
	  SEES({ 0, 1, B(0) | B(1) | DBG_BS, true }, { 2, 0, B(0) | DBG_BS }) },
	{ "S79: both operands of rep outsb", RUNS(0xf3, 0x6e), .cx = 2,
	  .bp = { IO_AT(PORT), ACCESS_AT(SRC + 1) },
	  SEES({ 0, 1, B(0), true }, { 2, 0, B(0) | B(1) }) },
	{ "S16: LOCK faults before", RUNS(0xf0, 0xee), .bp = { IO_AT(PORT) },
	  .end = PIOTRAP_EXIT_EXCEPTION, .vector = VEC_UD },
};

TEST_F(debug, io_breakpoints)
{
	RUN_CASES(io_cases);
}

/* S67: the register is loaded and the device has been touched. */
TEST_F(debug, io_is_a_trap)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 1, 0x77, 0));
	reset_cpu(b);
	arm(b, 0, BP_IO, 1, PORT);
	/* in al, 0x80; out 0x80, al after inc ax */
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80, 0x40, 0xe6, 0x80, 0xe4, 0x80));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(0x77, b->run->regs.rax);
	ASSERT_EQ(0, take_and_return(b));
	ASSERT_EQ(0, go_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(CODE + 5, b->run->regs.rip);
	ASSERT_EQ(0, take_and_return(b));
	b->run->regs.rax = 0;
	ASSERT_EQ(0, go_on(b));
	EXPECT_EQ(0x78, b->run->regs.rax);
}

/* S4, S70: a fault drops the iteration's own match, not the earlier traps. */
TEST_F(debug, io_then_fault)
{
	struct box *b = &self->b;

	reset_cpu(b);
	arm(b, 0, BP_IO, 1, PORT);
	b->run->segs.es.limit = DST + 1;
	b->run->regs.rcx = 4;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	/* rep insb: two elements fit */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	for (int i = 0; i < 2; i++) {
		EXPECT_EXIT(DEBUG, b);
		EXPECT_EQ(3 - i, b->run->regs.rcx);
		EXPECT_EQ(1, b->run->event.payload);
		EXPECT_TRUE(b->run->event.flags & PIOTRAP_EVENT_RF);
		ASSERT_EQ(0, take_and_return(b));
		b->run->debug.dr6 = DR6_DEFAULT;
		touch(b, PIOTRAP_GROUP_DEBUG);
		ASSERT_EQ(0, go_on(b));
	}
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);
	EXPECT_EQ(2, b->run->regs.rcx);
	EXPECT_EQ(DST + 2, b->run->regs.rdi);
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
	EXPECT_EQ(0, b->run->debug.pending_dbg);
	EXPECT_TRUE(b->run->event.flags & PIOTRAP_EVENT_RF);
	/* The answer to a #GP does not touch DR6 (S149). */
	ASSERT_EQ(0, take_and_return(b));
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
}

/* Data breakpoints */

static const struct test_case data_cases[] = {
	{ "S75: ins is a write", RUNS(0x6c, 0x90), .bp = { WRITE_AT(DST) },
	  SEES({ 1, 0, 1 }) },
	{ "S75: ins, read or write", RUNS(0x6c, 0x90), .bp = { ACCESS_AT(DST) },
	  SEES({ 1, 0, 1 }) },
	{ "S75: outs is a read", RUNS(0x6e, 0x90), .bp = { ACCESS_AT(SRC) },
	  SEES({ 1, 0, 1 }) },
	{ "S75: outs does not write", RUNS(0x6e, 0x90),
	  .bp = { WRITE_AT(SRC) } },
	{ "S77: the third of four", RUNS(0xf3, 0x6c, 0x90), .cx = 4,
	  .bp = { WRITE_AT(DST + 2) }, SEES({ 0, 1, 1, true }) },
	{ "S77: the first", RUNS(0xf3, 0x6c, 0x90), .cx = 4,
	  .bp = { WRITE_AT(DST) }, SEES({ 0, 3, 1, true }) },
	{ "S56: the last", RUNS(0xf3, 0x6c, 0x90), .cx = 4,
	  .bp = { WRITE_AT(DST + 3) }, SEES({ 2, 0, 1 }) },
	{ "S77: rep outsw", RUNS(0xf3, 0x6f, 0x90), .cx = 4,
	  .bp = { ACCESS_AT(SRC + 5) }, SEES({ 0, 1, 1, true }) },
	{ "S77: rep insd over four bytes", RUNS(0x66, 0xf3, 0x6d), .cx = 3,
	  .bp = { { BP_WRITE, 4, DST + 6 } }, SEES({ 0, 1, 1, true }) },
	{ "S77: far on", RUNS(0xf3, 0x6c, 0x90), .cx = 3000,
	  .bp = { WRITE_AT(DST + 2500) }, SEES({ 0, 499, 1, true }) },
	{ "downwards", RUNS(0xfd, 0xf3, 0x6e, 0x90), .cx = 4,
	  .bp = { ACCESS_AT(SRC - 2) }, SEES({ 1, 1, 1, true }) },
	{ "beside", RUNS(0xf3, 0x6c, 0x90), .cx = 4,
	  .bp = { WRITE_AT(DST - 1), WRITE_AT(DST + 4) } },
	{ "S74: aligned down", RUNS(0xa2, 0x00, 0x40, 0x90),
	  .bp = { { BP_WRITE, 4, M0 + 3 } }, SEES({ 3, 0, 1 }) },
	{ "S74: a dword over the byte", RUNS(0x66, 0xa3, 0x00, 0x40, 0x90),
	  .bp = { WRITE_AT(M0 + 3), WRITE_AT(M0 + 4) }, SEES({ 4, 0, B(0) }) },
	{ "S74: not instruction fetch", RUNS(0x90, 0x90),
	  .bp = { ACCESS_AT(CODE) } },
	{ "S74: linear, after segmentation: mov ax, 0x400; mov ds, ax; mov [0], al",
	  RUNS(0xb8, 0x00, 0x04, 0x8e, 0xd8, 0xa2, 0x00, 0x00, 0x90),
	  .bp = { WRITE_AT(M0) }, SEES({ 8, 0, 1 }) },
	{ "a read does not hit a write watch", RUNS(0xa0, 0x00, 0x40),
	  .bp = { WRITE_AT(M0) } },
	{ "S76: movsb reads and writes", RUNS(0xa4, 0x90),
	  .bp = { ACCESS_AT(SRC), WRITE_AT(DST), WRITE_AT(SRC) },
	  SEES({ 1, 0, B(0) | B(1) }) },
	{ "S76: cmpsb reads twice", RUNS(0xa6, 0x90),
	  .bp = { ACCESS_AT(SRC), ACCESS_AT(DST), WRITE_AT(DST) },
	  SEES({ 1, 0, B(0) | B(1) }) },
	{ "S76: scasb reads", RUNS(0xae, 0x90),
	  .bp = { ACCESS_AT(DST), WRITE_AT(DST) }, SEES({ 1, 0, B(0) }) },
	{ "S76: lodsb reads", RUNS(0xac, 0x90),
	  .bp = { ACCESS_AT(SRC), WRITE_AT(SRC) }, SEES({ 1, 0, B(0) }) },
	{ "S76: stosb writes", RUNS(0xaa, 0x90), .bp = { WRITE_AT(DST) },
	  SEES({ 1, 0, 1 }) },
	{ "rep movsb, [HW B1]: dst[2] of 6", RUNS(0xf3, 0xa4), .cx = 6,
	  .bp = { WRITE_AT(DST + 2) }, SEES({ 0, 3, 1, true }) },
	{ "S80: a match that is not enabled has no bit", RUNS(0x6c),
	  .bp = { WRITE_AT(DST), { BP_IO, 1, PORT, BY_NONE } },
	  SEES({ 1, 0, B(0) }) },
	{ "S80: but with the switch", RUNS(0x6c),
	  .bp = { WRITE_AT(DST), { BP_WRITE, 1, DST, BY_NONE } },
	  .config = PIOTRAP_CONFIG_DISABLED_B_BITS, SEES({ 1, 0, B(0) | B(1) }) },
	{ "S81: which alone causes nothing", RUNS(0x6c),
	  .bp = { { BP_WRITE, 1, DST, BY_NONE } },
	  .config = PIOTRAP_CONFIG_DISABLED_B_BITS },
	{ "S84: push ax", RUNS(0x50, 0x90), .bp = { WRITE_AT(STACK - 1) },
	  SEES({ 1, 0, 1 }) },
	{ "S84: pop ax", RUNS(0x50, 0x58, 0x90), .bp = { ACCESS_AT(STACK - 2) },
	  SEES({ 1, 0, 1 }, { 2, 0, 1 }) },
	{ "S161: pusha, all in one event", RUNS(0x60, 0x90),
	  .bp = { WRITE_AT(STACK - 1), WRITE_AT(STACK - 8), WRITE_AT(STACK - 16),
		  WRITE_AT(STACK - 17) },
	  SEES({ 1, 0, B(0) | B(1) | B(2) }) },
	{ "S157: xchg [M0], al", RUNS(0x86, 0x06, 0x00, 0x40),
	  .bp = { WRITE_AT(M0) }, SEES({ 4, 0, 1 }) },
	{ "S157: add byte [M0], 0", RUNS(0x80, 0x06, 0x00, 0x40, 0x00),
	  .bp = { WRITE_AT(M0) }, SEES({ 5, 0, 1 }) },
	{ "S157: lock add byte [M0], 0", RUNS(0xf0, 0x80, 0x06, 0x00, 0x40, 0x00),
	  .bp = { WRITE_AT(M0) }, SEES({ 6, 0, 1 }) },
	{ "S157: bts word [M0], 0", RUNS(0x0f, 0xba, 0x2e, 0x00, 0x40, 0x00),
	  .bp = { WRITE_AT(M0) }, SEES({ 6, 0, 1 }) },
	{ "S157: shl byte [M0], 0", RUNS(0xc0, 0x26, 0x00, 0x40, 0x00),
	  .bp = { WRITE_AT(M0) }, SEES({ 5, 0, 1 }) },
	{ "S157: shl byte [M0], cl of 0", RUNS(0xd2, 0x26, 0x00, 0x40),
	  .bp = { WRITE_AT(M0) }, SEES({ 4, 0, 1 }) },
	{ "S157: rol byte [M0], cl of 32", RUNS(0xd2, 0x06, 0x00, 0x40), .cx = 32,
	  .bp = { WRITE_AT(M0) }, SEES({ 4, 32, 1 }) },
	{ "S157: cmpxchg [M0], cl, not equal", RUNS(0x0f, 0xb0, 0x0e, 0x00, 0x40),
	  .ax = 5, .bp = { WRITE_AT(M0) }, SEES({ 5, 0, 1 }) },
	{ "S157: xadd [M0], al", RUNS(0x0f, 0xc0, 0x06, 0x00, 0x40),
	  .bp = { WRITE_AT(M0) }, SEES({ 5, 0, 1 }) },
	{ "S158: test byte [M0], 1", RUNS(0xf6, 0x06, 0x00, 0x40, 0x01),
	  .bp = { WRITE_AT(M0), ACCESS_AT(M0) }, SEES({ 5, 0, B(1) }) },
	{ "S158: cmp byte [M0], 1", RUNS(0x80, 0x3e, 0x00, 0x40, 0x01),
	  .bp = { WRITE_AT(M0), ACCESS_AT(M0) }, SEES({ 5, 0, B(1) }) },
	{ "S158: bt word [M0], 0", RUNS(0x0f, 0xba, 0x26, 0x00, 0x40, 0x00),
	  .bp = { WRITE_AT(M0), ACCESS_AT(M0) }, SEES({ 6, 0, B(1) }) },
	{ "S158: cmovc ax, [M0], false", RUNS(0x0f, 0x42, 0x06, 0x00, 0x40),
	  .bp = { ACCESS_AT(M0) }, SEES({ 5, 0, 1 }) },
	{ "S159: lea ax, [M0]; nop word [M0]",
	  RUNS(0x8d, 0x06, 0x00, 0x40, 0x0f, 0x1f, 0x06, 0x00, 0x40),
	  .bp = { ACCESS_AT(M0) } },
	{ "S160: bts [M0], ax touches the word of the bit",
	  RUNS(0x0f, 0xab, 0x06, 0x00, 0x40), .ax = 35,
	  .bp = { ACCESS_AT(M0), WRITE_AT(M0 + 4), WRITE_AT(M0 + 6) },
	  SEES({ 5, 0, B(1) }) },
	{ "S162: a fault drops what it hit: idiv byte [M0] of 0",
	  RUNS(0xf6, 0x3e, 0x00, 0x40), .bp = { ACCESS_AT(M0) },
	  .end = PIOTRAP_EXIT_EXCEPTION, .vector = VEC_DE },
};

TEST_F(debug, data_breakpoints)
{
	RUN_CASES(data_cases);
}

/* S85: the frame of an event; the #DB follows at the handler's first instruction. */
TEST_F(debug, data_in_frame)
{
	struct box *b = &self->b;
	uint16_t vec[2] = { 0x5000, 0 };

	ASSERT_EQ(0, set_config(b, 0, 1U << VEC_DB, false));
	reset_cpu(b);
	memcpy(b->mem + 4 * 0x40, vec, 4);
	b->mem[0x5000] = 0xf4;
	arm(b, 2, BP_WRITE, 2, STACK - 2);
	PUT(b, 0xcd, 0x40);
	/* int 0x40 */
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(0x5000, b->run->regs.rip);
	EXPECT_EQ(B(2), b->run->event.payload);
	EXPECT_EQ(STACK - 6, b->run->regs.rsp);
}

/* Code breakpoints */

static const struct test_case code_cases[] = {
	{ "S88: before the instruction", RUNS(0x90, 0xee, 0x90),
	  .bp = { EXEC_AT(CODE + 1) }, SEES({ 1, 0, 1 }) },
	{ "S88: at its first byte, a prefix", RUNS(0x90, 0x66, 0xef),
	  .bp = { EXEC_AT(CODE + 1) }, SEES({ 1, 0, 1 }) },
	{ "S88: not at another byte", RUNS(0x90, 0x66, 0xef),
	  .bp = { EXEC_AT(CODE + 2) } },
	{ "the first instruction", RUNS(0x90), .bp = { EXEC_AT(CODE) },
	  SEES({ 0, 0, 1 }) },
	{ "S89: RF ignores it", RUNS(0x90, 0x90), .flags = FL_RF,
	  .bp = { EXEC_AT(CODE) } },
	{ "S95: for one instruction", RUNS(0x90, 0x90), .flags = FL_RF,
	  .bp = { EXEC_AT(CODE), EXEC_AT(CODE + 1) }, SEES({ 1, 0, B(1) }) },
	{ "S89: RF does not stop data and I/O traps", RUNS(0x6c),
	  .flags = FL_RF, .bp = { WRITE_AT(DST), IO_AT(PORT) },
	  SEES({ 1, 0, B(0) | B(1) }) },
	{ "S89: nor the step trap", RUNS(0x90), .flags = FL_RF | FL_TF,
	  SEES({ 1, 0, DBG_BS }) },
	{ "S91: data trap of the previous instruction",
	  RUNS(0xa2, 0x00, 0x40, 0x90),
	  .bp = { WRITE_AT(M0), { 0 }, { 0 }, EXEC_AT(CODE + 3) },
	  SEES({ 3, 0, B(0) | B(3) }) },
	{ "S91: step trap and code", RUNS(0x90, 0x90), .flags = FL_TF,
	  .bp = { { 0 }, { 0 }, EXEC_AT(CODE + 1) },
	  SEES({ 1, 0, DBG_BS | B(2) }, { 2, 0, DBG_BS }) },
	{ "S91: I/O trap and code", RUNS(0xee, 0xee),
	  .bp = { IO_AT(PORT), EXEC_AT(CODE + 1) },
	  SEES({ 1, 0, B(0) | B(1) }, { 2, 0, B(0) }) },
	{ "S92: once on a REP", RUNS(0xf3, 0x6c), .cx = 3,
	  .bp = { EXEC_AT(CODE), IO_AT(PORT) },
	  SEES({ 0, 3, B(0) }, { 0, 2, B(1), true }, { 0, 1, B(1), true },
	       { 2, 0, B(1) }) },
	{ "S92, S163: a data trap in the middle keeps RF", RUNS(0xf3, 0x6c),
	  .cx = 3, .bp = { EXEC_AT(CODE), WRITE_AT(DST) },
	  SEES({ 0, 3, B(0) }, { 0, 2, B(1), true }) },
	{ "S92: on an empty REP", RUNS(0xf3, 0x6c, 0x90),
	  .bp = { EXEC_AT(CODE) }, SEES({ 0, 0, B(0) }) },
	{ "S94: above a #UD", RUNS(0x0f, 0x0b), .bp = { EXEC_AT(CODE) },
	  SEES({ 0, 0, 1 }), .end = PIOTRAP_EXIT_EXCEPTION, .vector = VEC_UD },
	{ "S93: not after MOV SS (Intel)", RUNS(0x8e, 0xd0, 0x90, 0x90),
	  .bp = { EXEC_AT(CODE + 2) } },
	{ "S93: but on AMD", RUNS(0x8e, 0xd0, 0x90, 0x90),
	  .bp = { EXEC_AT(CODE + 2) }, .config = PIOTRAP_CONFIG_AMD,
	  SEES({ 2, 0, 1 }) },
};

TEST_F(debug, code_breakpoints)
{
	RUN_CASES(code_cases);
}

/* S90: a handler that does not set RF comes back to it. */
TEST_F(debug, code_again)
{
	struct box *b = &self->b;

	reset_cpu(b);
	arm(b, 0, BP_EXEC, 1, CODE);
	ASSERT_EQ(0, STREAM(b, 0x90));
	for (int i = 0; i < 3; i++) {
		EXPECT_EXIT(DEBUG, b);
		EXPECT_EQ(CODE, b->run->regs.rip);
		EXPECT_EQ(PIOTRAP_EVENT_PAYLOAD, b->run->event.flags);
		ASSERT_EQ(0, take_and_return(b));
		ASSERT_EQ(0, go_on(b));
	}
	EXPECT_EXIT(DEBUG, b);
}

/* Single step */

static const struct test_case step_cases[] = {
	{ "S101: each instruction", RUNS(0x90, 0x40, 0x90), .flags = FL_TF,
	  SEES({ 1, 0, DBG_BS }, { 2, 0, DBG_BS }, { 3, 0, DBG_BS }), },
	{ "S27: an empty REP", RUNS(0xf3, 0x6c), .flags = FL_TF,
	  SEES({ 2, 0, DBG_BS }) },
	{ "S103: each iteration, rep insb", RUNS(0xf3, 0x6c), .cx = 3,
	  .flags = FL_TF,
	  SEES({ 0, 2, DBG_BS, true }, { 0, 1, DBG_BS, true },
	       { 2, 0, DBG_BS }) },
	{ "S103: rep outsw", RUNS(0xf3, 0x6f), .cx = 2, .flags = FL_TF,
	  SEES({ 0, 1, DBG_BS, true }, { 2, 0, DBG_BS }) },
	{ "S103: rep movsb", RUNS(0xf3, 0xa4), .cx = 2, .flags = FL_TF,
	  SEES({ 0, 1, DBG_BS, true }, { 2, 0, DBG_BS }) },
	{ "S102: popf that sets TF: push 0x102; popf; nop; nop",
	  RUNS(0x68, 0x02, 0x01, 0x9d, 0x90, 0x90),
	  SEES({ 5, 0, DBG_BS }, { 6, 0, DBG_BS }) },
	{ "S102: popf that clears TF: push 2; popf; nop",
	  RUNS(0x6a, 0x02, 0x9d, 0x90), .flags = FL_TF,
	  SEES({ 2, 0, DBG_BS }, { 3, 0, DBG_BS }) },
	{ "S107: sti blocks no #DB", RUNS(0xfb, 0x90), .flags = FL_TF,
	  SEES({ 1, 0, DBG_BS }, { 2, 0, DBG_BS }) },
	{ "S107: sti; out", RUNS(0xfb, 0xee, 0x90), .bp = { IO_AT(PORT) },
	  SEES({ 2, 0, B(0) }) },
	{ "S111: hlt does not stay halted", RUNS(0xf4, 0x90), .flags = FL_TF,
	  SEES({ 1, 0, DBG_BS }, { 2, 0, DBG_BS }) },
	{ "S108: BTF: taken branches only: nop; jmp $+2; nop",
	  RUNS(0x90, 0xeb, 0x00, 0x90), .flags = FL_TF, .debugctl = 2,
	  /* BTF is cleared by the #DB (S151): then each instruction. */
	  SEES({ 3, 0, DBG_BS }, { 4, 0, DBG_BS }) },
	{ "S108: BTF: a REP is no branch", RUNS(0xf3, 0x6c), .cx = 3,
	  .flags = FL_TF, .debugctl = 2 },
	{ "S108: BTF: nor is a jump not taken: jc $+2", RUNS(0x72, 0x00, 0x90),
	  .flags = FL_TF, .debugctl = 2 },
};

TEST_F(debug, single_step)
{
	RUN_CASES(step_cases);
}

/* S104: INT n has no step trap; the first is after the return. */
TEST_F(debug, step_over_int)
{
	struct box *b = &self->b;
	uint16_t vec[2] = { 0x5000, 0 };

	ASSERT_EQ(0, set_config(b, 0, 1U << VEC_DB, false));
	reset_cpu(b);
	memcpy(b->mem + 4 * 0x40, vec, 4);
	/* nop; iret */
	b->mem[0x5000] = 0x90;
	b->mem[0x5001] = 0xcf;
	/* int 0x40; nop; nop */
	PUT(b, 0xcd, 0x40, 0x90, 0x90);
	b->run->regs.rflags |= FL_TF;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(CODE + 3, b->run->regs.rip);
	EXPECT_EQ(DBG_BS, b->run->event.payload);
	EXPECT_EQ(STACK, b->run->regs.rsp);
}

/* S105: ICEBP. */
TEST_F(debug, icebp)
{
	struct box *b = &self->b;

	for (int tf = 0; tf < 2; tf++) {
		reset_cpu(b);
		b->run->debug.dr6 = DR6_DEFAULT | 1;
		b->run->regs.rflags |= tf ? FL_TF : 0;
		ASSERT_EQ(0, STREAM(b, 0xf1, 0x90));
		EXPECT_EXIT(DEBUG, b);
		EXPECT_EQ(VEC_DB, b->run->event.vector);
		EXPECT_EQ(5, b->run->event.type);
		EXPECT_EQ(0, b->run->event.payload);
		EXPECT_EQ(0, b->run->event.flags & PIOTRAP_EVENT_RF);
		/* A trap: its frame holds the next instruction. */
		EXPECT_EQ(CODE + 1, b->run->regs.rip + b->run->event.insn_len);
		ASSERT_EQ(0, take_and_return(b));
		EXPECT_EQ(CODE + 1, b->run->regs.rip);
		/* S148: Intel clears the B bits; no bit of its own. */
		EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
		b->run->regs.rflags &= ~FL_TF;
		ASSERT_EQ(0, go_on(b));
		/* Only one. */
		EXPECT_EXIT(DONE, b);
	}
}

/* The MOV SS shadow */

static const struct test_case shadow_cases[] = {
	{ "S114: mov ss, ax; nop with TF", RUNS(0x8e, 0xd0, 0x90),
	  .flags = FL_TF, SEES({ 3, 0, DBG_BS }) },
	{ "S112: pop ss; nop with TF: push ax", RUNS(0x50, 0x17, 0x90),
	  .flags = FL_TF, SEES({ 1, 0, DBG_BS }, { 3, 0, DBG_BS }) },
	{ "S112: not by lss sp, [M0]", RUNS(0x0f, 0xb2, 0x26, 0x00, 0x40, 0x90),
	  .flags = FL_TF, SEES({ 5, 0, DBG_BS }, { 6, 0, DBG_BS }) },
	{ "S112: not by mov ds, ax", RUNS(0x8e, 0xd8, 0x90),
	  .flags = FL_TF, SEES({ 2, 0, DBG_BS }, { 3, 0, DBG_BS }) },
	{ "S116: its own operand is held", RUNS(MOV_SS_M0, 0x90, 0x90),
	  .bp = { ACCESS_AT(M0) }, SEES({ 5, 0, B(0) }) },
	{ "S116: pop ss too: push ax", RUNS(0x50, 0x17, 0x90, 0x90),
	  .bp = { ACCESS_AT(STACK - 2) }, SEES({ 1, 0, 1 }, { 3, 0, 1 }) },
	{ "S117: merged with the next one's data",
	  RUNS(MOV_SS_M0, 0xa2, 0x00, 0x41, 0x90),
	  .bp = { ACCESS_AT(M0), WRITE_AT(M1) }, SEES({ 7, 0, B(0) | B(1) }) },
	{ "S117: merged with an I/O breakpoint", RUNS(MOV_SS_M0, 0xee, 0x90),
	  .bp = { ACCESS_AT(M0), IO_AT(PORT) }, SEES({ 5, 0, B(0) | B(1) }) },
	{ "S117: merged with the step", RUNS(MOV_SS_M0, 0x90), .flags = FL_TF,
	  .bp = { ACCESS_AT(M0) }, SEES({ 5, 0, B(0) | DBG_BS }) },
	{ "S118: popf that sets TF: push 0x102; mov ss, [M0]; popf; nop",
	  RUNS(0x68, 0x02, 0x01, MOV_SS_M0, 0x9d, 0x90),
	  .bp = { ACCESS_AT(M0) }, SEES({ 8, 0, B(0) }, { 9, 0, DBG_BS }) },
	{ "S119: rep movsb, TF=0", RUNS(MOV_SS_M0, 0xf3, 0xa4), .cx = 3,
	  .bp = { ACCESS_AT(M0) }, SEES({ 4, 2, B(0), true }) },
	{ "S119: rep insb, TF=0", RUNS(MOV_SS_M0, 0xf3, 0x6c), .cx = 3,
	  .bp = { ACCESS_AT(M0) }, SEES({ 4, 2, B(0), true }) },
	{ "S119: rep insb with I/O breakpoint", RUNS(MOV_SS_M0, 0xf3, 0x6c),
	  .cx = 3, .bp = { ACCESS_AT(M0), IO_AT(PORT) },
	  SEES({ 4, 2, B(0) | B(1), true }, { 4, 1, B(1), true },
	       { 6, 0, B(1) }) },
	{ "S119: rep outsb, TF=1", RUNS(MOV_SS_M0, 0xf3, 0x6e), .cx = 3,
	  .flags = FL_TF, .bp = { ACCESS_AT(M0) },
	  SEES({ 4, 2, B(0) | DBG_BS, true }, { 4, 1, DBG_BS, true },
	       { 6, 0, DBG_BS }) },
	{ "the thread's: mov ss, ax; rep insb, TF=1", RUNS(0x8e, 0xd0, 0xf3, 0x6c),
	  .cx = 3, .flags = FL_TF, .bp = { IO_AT(PORT) },
	  SEES({ 2, 2, B(0) | DBG_BS, true }, { 2, 1, B(0) | DBG_BS, true },
	       { 4, 0, B(0) | DBG_BS }) },
	{ "the thread's, TF=0 and nothing armed", RUNS(0x8e, 0xd0, 0xf3, 0x6c),
	  .cx = 3 },
	{ "S119: one iteration", RUNS(MOV_SS_M0, 0xf3, 0x6c), .cx = 1,
	  .bp = { ACCESS_AT(M0) }, SEES({ 6, 0, B(0) }) },
	{ "S121: count zero", RUNS(MOV_SS_M0, 0xf3, 0x6c, 0x90),
	  .bp = { ACCESS_AT(M0) }, SEES({ 6, 0, B(0) }) },
	{ "S122: two, [HW C6]", RUNS(MOV_SS_M0, MOV_SS_M1, 0x90),
	  .bp = { ACCESS_AT(M0), ACCESS_AT(M1) }, SEES({ 8, 0, B(0) | B(1) }) },
	{ "S122: four with TF, [HW C8]",
	  RUNS(0x8e, 0xd0, 0x8e, 0xd0, 0x8e, 0xd0, 0x8e, 0xd0),
	  .flags = FL_TF, SEES({ 4, 0, DBG_BS }, { 8, 0, DBG_BS }) },
	{ "S126: a fault loses it: mov ss, [M0]; ud2",
	  RUNS(MOV_SS_M0, 0x0f, 0x0b), .bp = { ACCESS_AT(M0) },
	  .end = PIOTRAP_EXIT_EXCEPTION, .vector = VEC_UD },
	{ "S126: and the fault of an outs", RUNS(MOV_SS_M0, 0xf0, 0x6e),
	  .bp = { ACCESS_AT(M0) }, .end = PIOTRAP_EXIT_EXCEPTION,
	  .vector = VEC_UD },
	{ "S127: hlt", RUNS(MOV_SS_M0, 0xf4, 0x90), .bp = { ACCESS_AT(M0) },
	  SEES({ 5, 0, B(0) }) },
	{ "sti in between", RUNS(MOV_SS_M0, 0xfb, 0x90), .bp = { ACCESS_AT(M0) },
	  SEES({ 5, 0, B(0) }) },
};

TEST_F(debug, mov_ss_shadow)
{
	RUN_CASES(shadow_cases);
}

/* The state in between says what is held, and by what. */
TEST_F(debug, shadow_state)
{
	struct box *b = &self->b;

	reset_cpu(b);
	arm(b, 0, BP_ACCESS, 1, M0);
	arm(b, 1, BP_IO, 1, PORT);
	b->run->regs.rcx = 3;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	b->run->budget = 1;
	ASSERT_EQ(0, STREAM(b, MOV_SS_M0, 0xf3, 0x6c));
	EXPECT_EXIT(BUDGET, b);
	EXPECT_EQ(CODE + 4, b->run->regs.rip);
	EXPECT_EQ(B(0), b->run->debug.pending_dbg);
	EXPECT_EQ(BLOCK_MOV_SS, b->run->debug.interruptibility);
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
	b->run->budget = 10;
	touch(b, PIOTRAP_GROUP_BUDGET);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(2, b->run->regs.rcx);
	EXPECT_EQ(B(0) | B(1), b->run->event.payload);
	EXPECT_EQ(0, b->run->debug.interruptibility);
	/* K7: an exit is before delivery. */
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
	ASSERT_EQ(0, take_and_return(b));
	EXPECT_EQ(DR6_DEFAULT | B(0) | B(1), b->run->debug.dr6);

	/* Without the shadow the same state would have trapped at once. */
	reset_cpu(b);
	b->run->debug.pending_dbg = B(0);
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(B(0), b->run->event.payload);
}

/* S123: the software interrupt goes first, then #DB at its handler. */
TEST_F(debug, shadow_int)
{
	static const uint8_t ints[][2] = { { 0xcd, 0x40 }, { 0xcc } };
	struct box *b = &self->b;

	for (int i = 0; i < 2; i++) {
		unsigned int vector = i ? 3 : 0x40, len = i ? 1 : 2;
		uint16_t vec[2] = { 0x5000, 0 };

		ASSERT_EQ(0, set_config(b, 0, 1U << VEC_DB, false));
		reset_cpu(b);
		memset(b->mem + M0, 0, 2);
		memcpy(b->mem + 4 * vector, vec, 4);
		PUT(b, MOV_SS_M0);
		memcpy(b->mem + CODE + 4, ints[i], 2);
		b->mem[0x5000] = 0xf4;
		arm(b, 0, BP_ACCESS, 1, M0);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(DEBUG, b);
		EXPECT_EQ(0x5000, b->run->regs.rip);
		EXPECT_EQ(B(0), b->run->event.payload);
		EXPECT_EQ(STACK - 6, b->run->regs.rsp);
		EXPECT_EQ(CODE + 4 + len, b->mem[STACK - 6] |
					  b->mem[STACK - 5] << 8);

		/* The same when the interrupt ends the run and is answered. */
		ASSERT_EQ(0, set_config(b, 0, 1U << VEC_DB, true));
		reset_cpu(b);
		arm(b, 0, BP_ACCESS, 1, M0);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(INT, b);
		EXPECT_EQ(vector, b->run->event.vector);
		EXPECT_EQ(i ? 6 : 4, b->run->event.type);
		EXPECT_EQ(len, b->run->event.insn_len);
		EXPECT_EQ(CODE + 4, b->run->regs.rip);
		EXPECT_EQ(B(0), b->run->debug.pending_dbg);
		b->run->event.action = PIOTRAP_EVENT_DELIVER;
		touch(b, PIOTRAP_GROUP_EVENT);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(DEBUG, b);
		EXPECT_EQ(0x5000, b->run->regs.rip);
		EXPECT_EQ(B(0), b->run->event.payload);
	}
}

/* S125: one #DB, after ICEBP; whether B0 is in it is up to the part. */
TEST_F(debug, shadow_icebp)
{
	struct box *b = &self->b;

	reset_cpu(b);
	arm(b, 0, BP_ACCESS, 1, M0);
	ASSERT_EQ(0, STREAM(b, MOV_SS_M0, 0xf1, 0x90));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(5, b->run->event.type);
	EXPECT_EQ(CODE + 5, b->run->regs.rip + b->run->event.insn_len);
	EXPECT_EQ(0, b->run->event.payload & ~B(0));
	ASSERT_EQ(0, take_and_return(b));
	ASSERT_EQ(0, go_on(b));
	EXPECT_EXIT(DONE, b);
}

/* Debug registers */

/* S130 */
TEST_F(debug, dr4_dr5)
{
	struct box *b = &self->b;

	reset_cpu(b);
	b->run->ctrl.cr4 = 0;
	b->run->debug.dr6 = DR6_DEFAULT | 5;
	b->run->debug.dr7 = DR7_DEFAULT | DR7_GE;
	/* mov eax, dr4; mov ebx, dr5 */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x21, 0xe0, 0x0f, 0x21, 0xeb));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(DR6_DEFAULT | 5, b->run->regs.rax);
	EXPECT_EQ(DR7_DEFAULT | DR7_GE, b->run->regs.rbx);
	/* mov eax, dr4; mov dr5, eax with DE */
	for (int i = 0; i < 2; i++) {
		reset_cpu(b);
		ASSERT_EQ(0, i ? STREAM(b, 0x0f, 0x23, 0xe8) :
				 STREAM(b, 0x0f, 0x21, 0xe0));
		EXPECT_EXIT(EXCEPTION, b);
		EXPECT_EQ(VEC_UD, b->run->event.vector);
		EXPECT_EQ(CODE, b->run->regs.rip);
	}
}

/* S133, S134: fixed bits. */
TEST_F(debug, fixed_bits)
{
	struct box *b = &self->b;

	reset_cpu(b);
	b->run->regs.rax = 0xffffffff;
	/* mov dr6, eax; mov ebx, dr6 */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x23, 0xf0, 0x0f, 0x21, 0xf3));
	EXPECT_EQ(0xffffefff, b->run->regs.rbx);
	reset_cpu(b);
	/* mov dr6, eax (0); mov ebx, dr6 */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x23, 0xf0, 0x0f, 0x21, 0xf3));
	EXPECT_EQ(DR6_DEFAULT, b->run->regs.rbx);
	reset_cpu(b);
	b->run->regs.rax = 0xffffdf00;
	/* mov dr7, eax; mov ebx, dr7: [BX] */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x23, 0xf8, 0x0f, 0x21, 0xfb));
	EXPECT_EQ(0xffff0700 & ~0x800, b->run->regs.rbx & ~0x800);
	reset_cpu(b);
	/* mov dr7, eax (0); mov ebx, dr7 */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x23, 0xf8, 0x0f, 0x21, 0xfb));
	EXPECT_EQ(DR7_DEFAULT, b->run->regs.rbx);
}

/* A breakpoint that the guest arms by itself. */
TEST_F(debug, armed_by_guest)
{
	struct box *b = &self->b;

	reset_cpu(b);
	b->run->regs.rax = PORT;
	b->run->regs.rbx = 0x20402;	/* G0, R/W0 = 10b */
	/* mov dr0, eax; mov dr7, ebx; out 0x80, al; nop */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x23, 0xc0, 0x0f, 0x23, 0xfb, 0xe6, 0x80,
			    0x90));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(CODE + 8, b->run->regs.rip);
	EXPECT_EQ(1, b->run->event.payload);
}

/* S135: general detect. */
TEST_F(debug, general_detect)
{
	static const uint8_t moves[][3] = {
		{ 0x0f, 0x23, 0xc0 }, { 0x0f, 0x21, 0xc0 },
		{ 0x0f, 0x23, 0xf0 }, { 0x0f, 0x21, 0xf8 },
	};
	struct box *b = &self->b;

	for (int shadow = 0; shadow < 2; shadow++) {
		for (int i = 0; i < 4; i++) {
			uint8_t code[5] = { 0x8e, 0xd3 };	/* mov ss, bx */

			memcpy(code + 2, moves[i], 3);
			reset_cpu(b);
			b->run->debug.dr7 |= DR7_GD;
			b->run->debug.dr[0] = 0x1111;
			b->run->regs.rax = 0x2222;
			ASSERT_EQ(0, run_stream(b, shadow ? code : code + 2,
						shadow ? 5 : 3));
			EXPECT_EXIT(DEBUG, b);
			EXPECT_EQ(CODE + (shadow ? 2 : 0), b->run->regs.rip);
			EXPECT_EQ(DBG_BD, b->run->event.payload);
			/* S96: a fault: RF is pushed as 1. */
			EXPECT_TRUE(b->run->event.flags & PIOTRAP_EVENT_RF);
			EXPECT_EQ(0x1111, b->run->debug.dr[0]);
			EXPECT_EQ(0x2222, b->run->regs.rax);
			EXPECT_EQ(DR7_DEFAULT | DR7_GD, b->run->debug.dr7);
			ASSERT_EQ(0, take_and_return(b));
			EXPECT_EQ(DR6_DEFAULT | DBG_BD, b->run->debug.dr6);
			EXPECT_EQ(DR7_DEFAULT, b->run->debug.dr7);
			ASSERT_EQ(0, go_on(b));
			EXPECT_EXIT(DONE, b);
		}
	}
	/* Every #DB clears GD, not only this one (S151). */
	reset_cpu(b);
	b->run->debug.dr7 |= DR7_GD;
	b->run->regs.rflags |= FL_TF;
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DEBUG, b);
	ASSERT_EQ(0, take_and_return(b));
	EXPECT_EQ(DR7_DEFAULT, b->run->debug.dr7);
}

/* S146 to S149 */
TEST_F(debug, dr6_merge)
{
	struct box *b = &self->b;

	/* B bits are overwritten; BD, BS, BT accumulate. */
	reset_cpu(b);
	b->run->debug.dr6 = DR6_DEFAULT | 0xe | DBG_BD;
	arm(b, 0, BP_IO, 1, PORT);
	ASSERT_EQ(0, STREAM(b, 0xe6, 0x80));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(DR6_DEFAULT | 0xe | DBG_BD, b->run->debug.dr6);
	ASSERT_EQ(0, take_and_return(b));
	EXPECT_EQ(DR6_DEFAULT | 0x1 | DBG_BD, b->run->debug.dr6);
	/* S147: a pure step leaves B = 0. */
	b->run->regs.rflags |= FL_TF;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DEBUG, b);
	ASSERT_EQ(0, take_and_return(b));
	EXPECT_EQ(DR6_DEFAULT | DBG_BS | DBG_BD, b->run->debug.dr6);
	/* S150: RTM is set by every other #DB; BLD stays. */
	reset_cpu(b);
	b->run->debug.dr6 = DR6_DEFAULT & ~0x10800UL;
	b->run->regs.rflags |= FL_TF;
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DEBUG, b);
	ASSERT_EQ(0, take_and_return(b));
	EXPECT_EQ((DR6_DEFAULT & ~0x800UL) | DBG_BS, b->run->debug.dr6);
	/* S6: pending BLD and RTM are active high. */
	reset_cpu(b);
	b->run->debug.pending_dbg = 0x10801;
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(0x10801, b->run->event.payload);
	ASSERT_EQ(0, take_and_return(b));
	EXPECT_EQ((DR6_DEFAULT & ~0x10800UL) | 1, b->run->debug.dr6);
}

/* The owner's answers (K7) */

static void break_at_out(const struct box *b)
{
	uint16_t vec[2] = { 0x5000, 0 };

	reset_cpu(b);
	memcpy(b->mem + 4, vec, 4);
	b->mem[0x5000] = 0xf4;
	arm(b, 0, BP_IO, 1, PORT);
	b->run->debug.dr7 |= DR7_GD;
	b->run->debug.debugctl = 1;
	b->run->regs.rflags |= FL_TF;
	/* out 0x80, al; nop */
	PUT(b, 0xe6, 0x80, 0x90, 0xf4);
	run_on(b);
}

TEST_F(debug, answer_deliver)
{
	struct box *b = &self->b;

	break_at_out(b);
	EXPECT_EXIT(DEBUG, b);
	b->run->event.action = PIOTRAP_EVENT_DELIVER;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0x5001, b->run->regs.rip);
	EXPECT_EQ(STACK - 6, b->run->regs.rsp);
	EXPECT_EQ(CODE + 2, b->mem[STACK - 6] | b->mem[STACK - 5] << 8);
	/* TF in the frame, not in the handler (S100). */
	EXPECT_EQ(FL_TF | FL_FIXED, b->mem[STACK - 2] | b->mem[STACK - 1] << 8);
	EXPECT_EQ(FL_FIXED, b->run->regs.rflags);
	EXPECT_EQ(DR6_DEFAULT | 1 | DBG_BS, b->run->debug.dr6);
	/* S151 */
	EXPECT_EQ(0, b->run->debug.dr7 & DR7_GD);
	EXPECT_EQ(0, b->run->debug.debugctl);
	EXPECT_EQ(PIOTRAP_EVENT_NONE, b->run->event.action);
}

TEST_F(debug, answer_take)
{
	struct box *b = &self->b;

	break_at_out(b);
	EXPECT_EXIT(DEBUG, b);
	b->run->event.action = PIOTRAP_EVENT_TAKE;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	/* No frame, no handler: it goes on, without TF. */
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(CODE + 4, b->run->regs.rip);
	EXPECT_EQ(STACK, b->run->regs.rsp);
	EXPECT_EQ(FL_FIXED, b->run->regs.rflags);
	EXPECT_EQ(DR6_DEFAULT | 1 | DBG_BS, b->run->debug.dr6);
	EXPECT_EQ(0, b->run->debug.dr7 & DR7_GD);
	EXPECT_EQ(0, b->run->debug.debugctl);
}

TEST_F(debug, answer_absorb)
{
	struct box *b = &self->b;

	break_at_out(b);
	EXPECT_EXIT(DEBUG, b);
	b->run->event.action = PIOTRAP_EVENT_ABSORB;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	/* Nothing was applied: the next trap is the nop's step. */
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(CODE + 3, b->run->regs.rip);
	EXPECT_EQ(DBG_BS, b->run->event.payload);
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
	EXPECT_EQ(DR7_GD, b->run->debug.dr7 & DR7_GD);
	EXPECT_EQ(1, b->run->debug.debugctl);
	EXPECT_EQ(FL_TF, b->run->regs.rflags & FL_TF);
}

TEST_F(debug, answer_none_or_held)
{
	struct box *b = &self->b;

	/* No answer: the run ends with it again. */
	break_at_out(b);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(DEBUG, b);
		EXPECT_EQ(CODE + 2, b->run->regs.rip);
		EXPECT_EQ(1 | DBG_BS, b->run->event.payload);
		EXPECT_EQ(0, b->run->boundaries);
		b->run->event.action = PIOTRAP_EVENT_HELD;
		touch(b, PIOTRAP_GROUP_EVENT);
	}
	/* Another event in its place: #GP(0x18) through vector 13. */
	uint16_t vec[2] = { 0x5100, 0 };

	memcpy(b->mem + 4 * VEC_GP, vec, 4);
	b->mem[0x5100] = 0xf4;
	b->run->event.action = PIOTRAP_EVENT_DELIVER;
	b->run->event.vector = VEC_GP;
	b->run->event.flags = 0;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0x5101, b->run->regs.rip);
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
	EXPECT_EQ(STACK - 6, b->run->regs.rsp);
}

/* An INT that ends the run: taken, RIP goes past it; absorbed, it stays. */
TEST_F(debug, answer_int)
{
	struct box *b = &self->b;

	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0xcd, 0x21, 0x43));
	EXPECT_EXIT(INT, b);
	EXPECT_EQ(0x21, b->run->event.vector);
	EXPECT_EQ(CODE, b->run->regs.rip);
	b->run->event.action = PIOTRAP_EVENT_TAKE;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(1, b->run->regs.rbx);
	EXPECT_EQ(STACK, b->run->regs.rsp);
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
}

/* Injection: an interrupt waits for IF and the shadows (S109, S113). */
TEST_F(debug, inject)
{
	struct box *b = &self->b;
	uint16_t vec[2] = { 0x5000, 0 };

	memcpy(b->mem + 4 * 0x30, vec, 4);
	b->mem[0x5000] = 0xf4;
	reset_cpu(b);
	b->run->event.intr_pending = 1;
	b->run->event.intr_vector = 0x30;
	/* nop; sti; nop; nop */
	PUT(b, 0x90, 0xfb, 0x90, 0x90);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0x5001, b->run->regs.rip);
	EXPECT_EQ(CODE + 3, b->mem[STACK - 6] | b->mem[STACK - 5] << 8);
	EXPECT_EQ(0, b->run->event.intr_pending);

	/* S54: between two iterations of a REP. */
	reset_cpu(b);
	PUT(b, 0xf3, 0x6c, 0xf4);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	b->run->regs.rflags |= FL_IF;
	b->run->budget = 2;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(BUDGET, b);
	b->run->event.intr_pending = 1;
	b->run->event.intr_vector = 0x30;
	b->run->budget = 100;
	touch(b, PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_BUDGET);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0x5001, b->run->regs.rip);
	EXPECT_EQ(3, b->run->regs.rcx);
	EXPECT_EQ(CODE, b->mem[STACK - 6] | b->mem[STACK - 5] << 8);

	/* A window: the run ends as soon as one could be taken. */
	reset_cpu(b);
	b->run->event.intr_window = 1;
	/* sti; nop; nop */
	ASSERT_EQ(0, STREAM(b, 0xfb, 0x90, 0x90));
	EXPECT_EXIT(INTR_WINDOW, b);
	EXPECT_EQ(CODE + 2, b->run->regs.rip);

	/* S109: #DB before it at the same boundary; it comes at the handler. */
	reset_cpu(b);
	arm(b, 0, BP_IO, 1, PORT);
	b->run->regs.rflags |= FL_IF;
	b->run->budget = 1;
	ASSERT_EQ(0, STREAM(b, 0xe6, 0x80, 0x90));
	EXPECT_EXIT(DEBUG, b);
	b->run->event.intr_pending = 1;
	b->run->event.intr_vector = 0x30;
	b->run->event.action = PIOTRAP_EVENT_TAKE;
	b->run->budget = 100;
	touch(b, PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_BUDGET);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EQ(CODE + 2, b->mem[STACK - 6] | b->mem[STACK - 5] << 8);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
