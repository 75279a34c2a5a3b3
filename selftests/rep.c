// SPDX-License-Identifier: GPL-2.0
/*
 * REP INS and REP OUTS: sizes, address sizes, direction, counts, wrap, segments
 * (S7 to S31); stops in the middle and what they leave (S52 to S59); and that
 * neither the budget nor the bulk path changes a result (D1 to D8).
 */

#include "common.h"

#define PORT	0x80
#define SRC	0x2000UL
#define DST	0x3000UL
#define HIGH	0xabcd0000UL	/* upper halves that 16-bit forms must keep */

FIXTURE(rep)
{
	struct box b;
	struct piotrap_log_ring *ring;
};

FIXTURE_SETUP(rep)
{
	BOX_SETUP(&self->b);
	self->ring = pages(65536);
	ASSERT_NE(NULL, self->ring);
}

FIXTURE_TEARDOWN(rep)
{
	set_poll_every("0");
	box_close(&self->b);
}

/* One way to write INS or OUTS. */
struct form {
	bool ins;
	unsigned int size;
	bool addr32;
	uint8_t rep;	/* F3, F2, or 0 */
};

static size_t encode(const struct form *f, uint8_t *code)
{
	size_t n = 0;

	if (f->addr32)
		code[n++] = 0x67;
	if (f->size == 4)
		code[n++] = 0x66;
	if (f->rep)
		code[n++] = f->rep;
	code[n++] = (f->ins ? 0x6c : 0x6e) | (f->size > 1);
	return n;
}

static uint8_t pattern(unsigned int i)
{
	return i * 37 + 11;
}

/* What went to PORT, element by element, is in the log. */
static unsigned int logged(const struct piotrap_log_ring *ring,
			   const struct form *f, const uint8_t *want, int step)
{
	unsigned int n = ring->head;

	for (unsigned int i = 0; i < n; i++) {
		const struct piotrap_log_rec *r = &ring->rec[i];
		uint64_t v = 0;

		memcpy(&v, want + (int)i * step, f->size);
		if (r->port != PORT || r->size != f->size || r->value != v ||
		    r->dir != (f->ins ? PIOTRAP_READ : PIOTRAP_WRITE))
			return ~0U;
	}
	return n;
}

/* All forms, both directions, several counts, with and without the log. */
TEST_F(rep, forms)
{
	static const unsigned int counts[] = { 0, 1, 2, 5, 33 };
	struct box *b = &self->b;
	uint8_t queue[256], code[8];
	unsigned int cases = 0;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 4, 0, 0));
	for (unsigned int i = 0; i < sizeof(queue); i++)
		queue[i] = pattern(i);

	for (unsigned int k = 0; k < 2 * 3 * 2 * 2 * 2 * 5 * 2; k++) {
		struct form f = {
			.ins = k & 1,
			.size = 1U << (k / 2 % 3),
			.addr32 = k / 6 & 1,
			.rep = k / 12 & 1 ? 0xf2 : 0xf3,
		};
		bool down = k / 24 & 1;
		unsigned int n = counts[k / 48 % 5];
		bool log = k / 240 & 1;
		uint64_t high = f.addr32 ? 0 : HIGH;
		uint64_t flags = FL_FIXED | FL_CF | FL_ZF | (down ? FL_DF : 0);
		unsigned int at = down ? (n ? n - 1 : 0) * f.size : 0;
		int step = down ? -(int)f.size : (int)f.size;
		size_t len = encode(&f, code);

		ASSERT_EQ(0, set_log(b, log ? PIOTRAP_LOG_PORTS : 0,
				     log ? self->ring : NULL, log ? 65536 : 0));
		reset_cpu(b);
		b->run->regs.rflags = flags;
		b->run->regs.rcx = n | high;
		b->run->regs.rdx = PORT | HIGH;
		b->run->regs.rsi = (SRC + at) | high;
		b->run->regs.rdi = (DST + at) | high;
		b->run->regs.rax = 0x1234;
		memset(b->mem + DST - 16, 0xcc, 256 + 32);
		for (unsigned int i = 0; i < 256; i++)
			b->mem[SRC + i] = pattern(i);
		if (f.ins && n)
			ASSERT_EQ(n * f.size,
				  queue_input(b, PORT, queue, n * f.size));
		ASSERT_EQ(0, run_stream(b, code, len));
#define CASE "%s size %u addr %u rep %x %s count %u log %u",		\
	f.ins ? "ins" : "outs", f.size, f.addr32 ? 32 : 16, f.rep,	\
	down ? "down" : "up", n, log
		EXPECT_EXIT(DONE, b) TH_LOG(CASE);
		EXPECT_EQ(CODE + len, b->run->regs.rip) TH_LOG(CASE);
		EXPECT_EQ(high, b->run->regs.rcx) TH_LOG(CASE);
		/* S20: no flag changes. */
		EXPECT_EQ(flags, b->run->regs.rflags) TH_LOG(CASE);
		EXPECT_EQ(0x1234, b->run->regs.rax) TH_LOG(CASE);
		EXPECT_EQ(((SRC + at) | high) + (f.ins ? 0 : (int)n * step),
			  b->run->regs.rsi) TH_LOG(CASE);
		EXPECT_EQ(((DST + at) | high) + (f.ins ? (int)n * step : 0),
			  b->run->regs.rdi) TH_LOG(CASE);
		/* An empty REP is one boundary. */
		EXPECT_EQ(n ? n : 1, b->run->boundaries) TH_LOG(CASE);

		if (f.ins) {
			/* The first element is at the highest address if down. */
			for (unsigned int i = 0; i < n; i++)
				EXPECT_EQ(0, memcmp(b->mem + DST + at +
						    (int)i * step,
						    queue + i * f.size, f.size))
					TH_LOG(CASE);
		}
		for (int i = -16; i < 256 + 16; i++)
			if (!f.ins || i < 0 || i >= (int)(n * f.size))
				EXPECT_EQ(0xcc, b->mem[DST + i]) TH_LOG(CASE);
		if (log) {
			EXPECT_EQ(n, self->ring->head) TH_LOG(CASE);
			EXPECT_EQ(n, logged(self->ring, &f, f.ins ? queue :
					    b->mem + SRC + at,
					    f.ins ? (int)f.size : step))
				TH_LOG(CASE);
		}
#undef CASE
		cases++;
	}
	EXPECT_EQ(480, cases);
}

/* Without a prefix: one element, rCX does not count. */
TEST_F(rep, no_prefix)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 4, 0x31, 0));
	reset_cpu(b);
	b->run->regs.rcx = 0;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = SRC;
	b->run->regs.rdi = DST;
	b->mem[SRC] = 0x77;
	/* insb; outsb; insb */
	ASSERT_EQ(0, STREAM(b, 0x6c, 0x6e, 0x6c));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x31, b->mem[DST]);
	EXPECT_EQ(0x77, b->mem[DST + 1]);
	EXPECT_EQ(0, b->run->regs.rcx);
	EXPECT_EQ(SRC + 1, b->run->regs.rsi);
	EXPECT_EQ(DST + 2, b->run->regs.rdi);
}

/* S25, S28: a count of zero touches nothing, not even where it could not. */
TEST_F(rep, count_zero)
{
	struct box *b = &self->b;

	reset_cpu(b);
	arm(b, 0, BP_IO, 1, PORT);
	arm(b, 1, BP_ACCESS, 4, DST);
	arm(b, 2, BP_ACCESS, 4, SRC);
	b->run->segs.es.limit = 0xfff;
	b->run->segs.ds.limit = 0xfff;
	b->run->regs.rcx = HIGH;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = SRC;
	b->run->regs.rdi = DST;
	/* rep insb; rep outsd */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c, 0x66, 0xf3, 0x6f));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(CODE + 5, b->run->regs.rip);
	EXPECT_EQ(HIGH, b->run->regs.rcx);
	EXPECT_EQ(SRC, b->run->regs.rsi);
	EXPECT_EQ(DST, b->run->regs.rdi);
	EXPECT_EQ(2, b->run->boundaries);
}

/* S21: the 67 prefix picks ECX as well. */
TEST_F(rep, count_register)
{
	struct box *b = &self->b;

	reset_cpu(b);
	b->run->regs.rcx = 0x10000;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = SRC;
	/* rep outsb: CX is 0 */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(SRC, b->run->regs.rsi);
	reset_cpu(b);
	b->run->regs.rcx = 0x10000;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = 0;
	b->run->segs.ds.limit = 0xffffffff;
	/* a32 rep outsb: ECX is 65536 */
	ASSERT_EQ(0, STREAM(b, 0x67, 0xf3, 0x6e));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x10000, b->run->regs.rsi);
	EXPECT_EQ(0, b->run->regs.rcx);
	EXPECT_EQ(0x10000, b->run->boundaries);
}

/* S14, S15: overrides. */
TEST_F(rep, segments)
{
	struct box *b = &self->b;
	static const struct {
		uint8_t prefix;
		unsigned int want;
	} t[] = {
		{ 0x26, 0xe5 }, { 0x2e, 0xc5 }, { 0x36, 0x55 }, { 0x3e, 0xd5 },
		{ 0x64, 0xf5 }, { 0x65, 0x65 },
	};

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 1, 0x99, 0));
	for (size_t i = 0; i < 6; i++) {
		struct piotrap_segment *s = &b->run->segs.es;
		uint8_t code[] = { t[i].prefix, 0x6e, t[i].prefix, 0x6c };

		reset_cpu(b);
		for (int j = 0; j < 6; j++) {
			s[j].selector = 0x100 * (j + 1);
			s[j].base = 0x1000 * (j + 1);
			b->mem[s[j].base + 0x10] = t[j].want;
			b->mem[s[j].base + 0x20] = 0;
		}
		b->run->regs.rip = 0x800;
		b->run->regs.rdx = PORT;
		b->run->regs.rsi = 0x10;
		b->run->regs.rdi = 0x20;
		/* outs with the override; ins, where it is ignored */
		ASSERT_EQ(0, run_stream(b, code, sizeof(code)));
		EXPECT_EXIT(DONE, b);
		EXPECT_EQ(t[i].want, b->mem[0x1000 + 0x20])
			TH_LOG("prefix %x", t[i].prefix);
		for (int j = 1; j < 6; j++)
			EXPECT_EQ(0, b->mem[0x1000 * (j + 1) + 0x20])
				TH_LOG("prefix %x", t[i].prefix);
	}
}

/* S22: the index wraps with the address size. */
TEST_F(rep, wrap)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 1, 0, 0));
	ASSERT_EQ(6, queue_input(b, PORT, "abcdef", 6));
	b->mem[0x10000] = 0xcc;
	reset_cpu(b);
	b->run->regs.rcx = 6;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = HIGH | 0xfffd;
	/* rep insb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, memcmp(b->mem + 0xfffd, "abc", 3));
	EXPECT_EQ(0, memcmp(b->mem, "def", 3));
	EXPECT_EQ(0xcc, b->mem[0x10000]);
	EXPECT_EQ(HIGH | 3, b->run->regs.rdi);

	/* Downwards: std; rep outsb */
	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, self->ring, 65536));
	reset_cpu(b);
	b->run->regs.rcx = 6;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = HIGH | 2;
	ASSERT_EQ(0, STREAM(b, 0xfd, 0xf3, 0x6e));
	EXPECT_EXIT(DONE, b);
	ASSERT_EQ(6, self->ring->head);
	for (int i = 0; i < 6; i++)
		EXPECT_EQ("fedcba"[i], self->ring->rec[i].value);
	EXPECT_EQ(HIGH | 0xfffc, b->run->regs.rsi);
}

/* S30, S46, S49, S53: an operand past the limit. */
TEST_F(rep, limit)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 2, 0, 0));
	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, self->ring, 65536));
	ASSERT_EQ(8, queue_input(b, PORT, "abcdefgh", 8));
	reset_cpu(b);
	b->run->regs.rcx = 4;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = 0xfffb;
	/* rep insw: the third word would be at FFFFh */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6d));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);
	EXPECT_EQ(0, b->run->event.error_code);
	/* What is committed stays so (S58); RF is pushed as 1 (S53). */
	EXPECT_EQ(PIOTRAP_EVENT_RF, b->run->event.flags & PIOTRAP_EVENT_RF);
	EXPECT_EQ(2, b->run->regs.rcx);
	EXPECT_EQ(0xffff, b->run->regs.rdi);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(0, memcmp(b->mem + 0xfffb, "abcd", 4));
	/* The destination is probed first: no word is lost (S48). */
	EXPECT_EQ(2, self->ring->head);
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	/* in ax, dx */
	ASSERT_EQ(0, STREAM(b, 0xed));
	EXPECT_EQ('e' | 'f' << 8, b->run->regs.rax);

	/* outsw at FFFFh: #GP, no port write; through SS: #SS (S30) */
	for (int ss = 0; ss < 2; ss++) {
		ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, self->ring, 65536));
		reset_cpu(b);
		b->run->regs.rcx = 1;
		b->run->regs.rdx = PORT;
		b->run->regs.rsi = 0xffff;
		ASSERT_EQ(0, ss ? STREAM(b, 0x36, 0xf3, 0x6f) :
				  STREAM(b, 0xf3, 0x6f));
		EXPECT_EXIT(EXCEPTION, b);
		EXPECT_EQ(ss ? VEC_SS : VEC_GP, b->run->event.vector);
		EXPECT_EQ(1, b->run->regs.rcx);
		EXPECT_EQ(0xffff, b->run->regs.rsi);
		EXPECT_EQ(0, self->ring->head);
	}

	/* The limit of a segment, in the middle: iteration 4 of 6 faults. */
	reset_cpu(b);
	b->run->segs.ds.limit = SRC + 2;
	b->run->regs.rcx = 6;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = SRC;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(3, b->run->regs.rcx);
	EXPECT_EQ(SRC + 3, b->run->regs.rsi);
}

/* Memory that is not there: a stop, not an exception; it goes on later. */
TEST_F(rep, memory_in_the_middle)
{
	struct box *b = &self->b;
	uint8_t *more = pages(4096);

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 1, 0, 0));
	ASSERT_EQ(6, queue_input(b, PORT, "abcdef", 6));
	reset_cpu(b);
	b->run->segs.es.selector = (MEM_SIZE - 4) >> 4;
	b->run->segs.es.base = MEM_SIZE - 4;
	b->run->regs.rcx = 6;
	b->run->regs.rdx = PORT;
	/* rep insb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(MEM_SIZE, b->run->exit_addr);
	EXPECT_EQ(MEM_SIZE, b->run->exit_linear);
	EXPECT_EQ(1, b->run->exit_access);
	EXPECT_EQ(2, b->run->regs.rcx);
	EXPECT_EQ(4, b->run->regs.rdi);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(PIOTRAP_EVENT_NONE, b->run->event.action);
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_RAM, MEM_SIZE, 4096, more));
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, memcmp(b->mem + MEM_SIZE - 4, "abcd", 4));
	EXPECT_EQ(0, memcmp(more, "ef", 2));
}

/* S57: the budget in the middle of a REP is no trap, and RF keeps it one. */
TEST_F(rep, budget)
{
	struct box *b = &self->b;

	for (unsigned int budget = 1; budget <= 5; budget++) {
		reset_cpu(b);
		/* A code breakpoint on the REP: it fires at its start only. */
		arm(b, 0, BP_EXEC, 1, CODE);
		b->run->regs.rcx = 5;
		b->run->regs.rdx = PORT;
		b->run->regs.rsi = SRC;
		ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e, 0x90));
		EXPECT_EXIT(DEBUG, b);
		EXPECT_EQ(1, b->run->event.payload);
		EXPECT_EQ(5, b->run->regs.rcx);
		ASSERT_EQ(0, take_and_return(b));
		/* The handler returns with RF = 1, as S90 asks. */
		b->run->regs.rflags |= FL_RF;
		b->run->budget = budget;
		touch(b, PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(BUDGET, b);
		EXPECT_EQ(budget, b->run->boundaries);
		EXPECT_EQ(5 - budget, b->run->regs.rcx);
		EXPECT_EQ(SRC + budget, b->run->regs.rsi);
		if (budget < 5) {
			EXPECT_EQ(CODE, b->run->regs.rip);
			/* S57: RF is 1 while it is unfinished. */
			EXPECT_EQ(FL_RF, b->run->regs.rflags & FL_RF);
		} else {
			EXPECT_EQ(CODE + 2, b->run->regs.rip);
			EXPECT_EQ(0, b->run->regs.rflags & FL_RF);
		}
		EXPECT_EQ(0, b->run->debug.pending_dbg);
		b->run->budget = PIOTRAP_BUDGET_UNLIMITED;
		touch(b, PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(DONE, b);
		EXPECT_EQ(0, b->run->regs.rcx);
		EXPECT_EQ(0, b->run->regs.rflags & FL_RF);
	}
}

/* S42, S57: also where no RF helps: a voluntary stop is not a new start. */
TEST_F(rep, budget_is_no_new_start)
{
	struct box *b = &self->b;

	reset_cpu(b);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = SRC;
	b->run->budget = 2;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e, 0x90));
	EXPECT_EXIT(BUDGET, b);
	/* A breakpoint that is set now does not stop the rest of it. */
	arm(b, 0, BP_EXEC, 1, CODE);
	b->run->regs.rflags &= ~FL_RF;
	b->run->budget = PIOTRAP_BUDGET_UNLIMITED;
	touch(b, PIOTRAP_GROUP_BUDGET | PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);

	/* But it is one when the owner has moved RIP there. */
	reset_cpu(b);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = SRC;
	b->run->budget = 2;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e, 0x90));
	EXPECT_EXIT(BUDGET, b);
	cancel(b);
	arm(b, 0, BP_EXEC, 1, CODE);
	b->run->regs.rip = CODE;
	b->run->regs.rflags &= ~FL_RF;
	b->run->budget = PIOTRAP_BUDGET_UNLIMITED;
	touch(b, PIOTRAP_GROUP_BUDGET | PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e, 0x90));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(3, b->run->regs.rcx);
}

/* S59: budget and a trap at one boundary: the trap is delivered. */
TEST_F(rep, budget_and_trap)
{
	struct box *b = &self->b;

	reset_cpu(b);
	arm(b, 0, BP_IO, 1, PORT);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = SRC;
	b->run->budget = 1;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(4, b->run->regs.rcx);
	EXPECT_EQ(1, b->run->event.payload);
	EXPECT_EQ(0, b->run->budget);
}

/* All that a REP leaves, to compare runs of it. */
struct result {
	struct piotrap_regs regs;
	struct piotrap_debug debug;
	uint8_t mem[0x400];
	uint8_t console[0x400];
	ssize_t bytes;
	unsigned int traps;
	uint64_t trap_rcx[16];
};

/*
 * Run a REP in parts of @budget boundaries and answer all its traps; with or
 * without the bulk path.
 */
static int run_in_parts(const struct box *b, const struct form *f,
			uint64_t count, uint64_t watch, uint64_t budget,
			bool bulk, struct result *res)
{
	struct piotrap_run *run = b->run;
	uint8_t code[8], queue[0x400];
	size_t len = encode(f, code);
	int err, rounds = 0;

	memset(res, 0, sizeof(*res));
	for (unsigned int i = 0; i < sizeof(queue); i++)
		queue[i] = pattern(i);
	err = set_config(b, bulk ? 0 : PIOTRAP_CONFIG_NO_BULK, ~0U, true);
	if (!err)
		err = set_ports(b, PIOTRAP_PORT_INPUT, PORT, 4, 0, 0);
	if (!err && !f->ins)
		err = set_ports(b, PIOTRAP_PORT_CONSOLE, PORT, 4, 0, 0);
	if (err)
		return err;
	if (f->ins && queue_input(b, PORT, queue, sizeof(queue)) < 0)
		return -ENOSPC;
	memset(b->mem + DST, 0, 0x400);
	for (unsigned int i = 0; i < 0x400; i++)
		b->mem[SRC + i] = pattern(i);

	reset_cpu(b);
	if (watch)
		arm(b, 0, BP_ACCESS, 1, watch);
	run->regs.rcx = count;
	run->regs.rdx = PORT;
	run->regs.rsi = SRC;
	run->regs.rdi = DST;
	run->budget = budget;
	err = run_stream(b, code, len);
	while (!err && run->exit_reason != PIOTRAP_EXIT_DONE) {
		if (rounds++ > 2000)
			return -ELOOP;
		if (run->exit_reason == PIOTRAP_EXIT_DEBUG) {
			if (res->traps < 16)
				res->trap_rcx[res->traps] = run->regs.rcx;
			res->traps++;
			err = take_and_return(b);
			if (err)
				break;
		} else if (run->exit_reason != PIOTRAP_EXIT_BUDGET) {
			return -EPROTO;
		}
		run->budget = budget;
		touch(b, PIOTRAP_GROUP_BUDGET);
		err = run_on(b);
	}
	res->regs = run->regs;
	res->debug = run->debug;
	memcpy(res->mem, b->mem + DST, sizeof(res->mem));
	if (!f->ins)
		res->bytes = read(b->fd, res->console, sizeof(res->console));
	return err;
}

/* D1 to D8: neither the budget nor the bulk path can be seen. */
TEST_F(rep, differential)
{
	static struct result want, got;
	static const uint64_t budgets[] = { 1, 2, 3, 7, 64, 1000 };
	struct box *b = &self->b;
	unsigned int cases = 0;

	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	for (unsigned int k = 0; k < 2 * 3 * 2 * 3; k++) {
		struct form f = {
			.ins = k & 1, .size = 1U << (k / 2 % 3),
			.addr32 = k / 6 & 1, .rep = 0xf3,
		};
		/* None, in the first, in the 100th element. */
		uint64_t base = f.ins ? DST : SRC;
		uint64_t watch[] = { 0, base, base + 100 * f.size };
		uint64_t w = watch[k / 12];
		uint64_t count = 200;

		ASSERT_EQ(0, run_in_parts(b, &f, count, w, 1000, false, &want));
		EXPECT_EQ(0, want.regs.rcx);
		EXPECT_EQ(w ? 1 : 0, want.traps);
		if (w)
			EXPECT_EQ(count - (w == base ? 1 : 101),
				  want.trap_rcx[0]);
		for (unsigned int i = 0; i < 6; i++) {
			ASSERT_EQ(0, run_in_parts(b, &f, count, w, budgets[i],
						  true, &got));
			EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)))
				TH_LOG("%s size %u addr %u watch %lx budget %lu",
				       f.ins ? "ins" : "outs", f.size,
				       f.addr32 ? 32 : 16, (long)w,
				       (long)budgets[i]);
			cases++;
		}
	}
	EXPECT_EQ(216, cases);
}

/* K18, S57: the CPU is given away at every nth boundary, and nobody can tell. */
TEST_F(rep, preemption)
{
	static struct result want, got;
	static const char *const every[] = { "1", "2", "3", "7" };
	struct box *b = &self->b;

	if (set_poll_every("0"))
		SKIP(return, "a module without PIOTRAP_DEBUG, or not root");
	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	for (unsigned int k = 0; k < 2 * 3; k++) {
		struct form f = {
			.ins = k & 1, .size = 1U << k / 2, .rep = 0xf3,
		};
		uint64_t watch = (f.ins ? DST : SRC) + 20 * f.size;

		ASSERT_EQ(0, run_in_parts(b, &f, 40, watch, 1000, false, &want));
		EXPECT_EQ(1, want.traps);
		for (unsigned int i = 0; i < 4; i++) {
			int err;

			ASSERT_EQ(0, set_poll_every(every[i]));
			err = run_in_parts(b, &f, 40, watch, 1000, i & 1, &got);
			ASSERT_EQ(0, set_poll_every("0"));
			ASSERT_EQ(0, err);
			EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)))
				TH_LOG("%s size %u, every %s",
				       f.ins ? "ins" : "outs", f.size, every[i]);
		}
	}
}

/* S31: a REP that writes over itself is fetched anew. */
TEST_F(rep, overwrites_itself)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 1, 0, 0));
	/* Two bytes before the code, then nop; hlt over the REP itself. */
	ASSERT_EQ(4, queue_input(b, PORT, "\x11\x22\x90\xf4", 4));
	reset_cpu(b);
	/* rep insb */
	PUT(b, 0xf3, 0x6c, 0xf4);
	b->run->regs.rcx = 4;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = CODE - 2;
	ASSERT_EQ(0, run_on(b));
	/* F3 became 90: what goes on at its address is nop; insb. */
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0x90, b->mem[CODE]);
	EXPECT_EQ(0xf4, b->mem[CODE + 1]);
	EXPECT_EQ(1, b->run->regs.rcx);
	EXPECT_EQ(CODE + 2, b->run->regs.rdi);
	EXPECT_EQ(CODE + 3, b->run->regs.rip);
}

/* Other strings with REP, through the same loop. */
TEST_F(rep, others)
{
	struct box *b = &self->b;

	for (int i = 0; i < 32; i++)
		b->mem[SRC + i] = pattern(i);
	reset_cpu(b);
	b->run->regs.rcx = 16;
	b->run->regs.rsi = SRC;
	b->run->regs.rdi = DST;
	/* rep movsw */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0xa5));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, memcmp(b->mem + SRC, b->mem + DST, 32));
	EXPECT_EQ(16, b->run->boundaries);
	/* repne scasb for the sixth byte */
	reset_cpu(b);
	b->run->regs.rax = pattern(5);
	b->run->regs.rcx = 32;
	b->run->regs.rdi = DST;
	ASSERT_EQ(0, STREAM(b, 0xf2, 0xae));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(26, b->run->regs.rcx);
	EXPECT_EQ(DST + 6, b->run->regs.rdi);
	EXPECT_EQ(FL_ZF, b->run->regs.rflags & FL_ZF);
	/* repe cmpsb up to a difference */
	b->mem[DST + 9] ^= 1;
	reset_cpu(b);
	b->run->regs.rcx = 32;
	b->run->regs.rsi = SRC;
	b->run->regs.rdi = DST;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0xa6));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(22, b->run->regs.rcx);
	EXPECT_EQ(0, b->run->regs.rflags & FL_ZF);
	/* rep stosd */
	reset_cpu(b);
	b->run->regs.rax = 0x04030201;
	b->run->regs.rcx = 4;
	b->run->regs.rdi = DST;
	ASSERT_EQ(0, STREAM(b, 0x66, 0xf3, 0xab));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, memcmp(b->mem + DST, "\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4", 16));
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
