// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever an owner hands in: random instructions, registers, states, arguments,
 * answers and run pages, from a fixed seed. Only documented results come back, and
 * every run ends.
 */

#include "common.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define PORT	0x80

static uint64_t seed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void fill(void *p, size_t len)
{
	uint8_t *b = p;

	while (len--)
		*b++ = rnd() >> 32;
}

/* One of values that lie at borders, or any. */
static uint64_t border(void)
{
	static const uint64_t v[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x7fff, 0x8000,
		0xfffe, 0xffff, 0x10000, 0x1fffe, 0x20000, 0x7fffffff,
		0x80000000, 0xfffffffe, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, ~0ULL,
	};
	unsigned int n = rnd() % (sizeof(v) / sizeof(v[0]) + 4);

	return n < sizeof(v) / sizeof(v[0]) ? v[n] : rnd();
}

FIXTURE(hostile)
{
	struct box b;
	struct piotrap_log_ring *ring;
};

FIXTURE_SETUP(hostile)
{
	struct box *b = &self->b;

	seed = 0x70696f7472617021;
	BOX_SETUP(b);
	self->ring = pages(65536);
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0x00, 0x40, 1, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, 0x80, 0x20, 0xe9,
			       PIOTRAP_PORTS_DROP));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, 0xa0, 0x10, 0, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, 0xc0, 0x4000, 0, 0));
	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_BPF, ~0U, true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, 0xb8, 0x8, 0, 0));
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_OPEN_BUS, 0x30000, 0x10000,
				NULL));
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_EXIT, 0x50000, 0x10000,
				NULL));
	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
}

FIXTURE_TEARDOWN(hostile)
{
	box_close(&self->b);
}

static bool documented_exit(const struct piotrap_run *run)
{
	switch (run->exit_reason) {
	case PIOTRAP_EXIT_NONE:
	case PIOTRAP_EXIT_WATCH:	/* not set */
	case PIOTRAP_EXIT_MSR:	/* not asked for */
	case PIOTRAP_EXIT_BPF:	/* no program is there */
	case PIOTRAP_EXIT_INTERNAL:
		return false;
	default:
		return run->exit_reason < PIOTRAP_EXIT_INTERNAL;
	}
}

/* Some sense in the bytes: opcodes of strings, prefixes and jumps come often. */
static void random_code(uint8_t *code, size_t len)
{
	static const uint8_t often[] = {
		0xf3, 0xf2, 0x66, 0x67, 0x6c, 0x6d, 0x6e, 0x6f, 0xa4, 0xa5,
		0xaa, 0xac, 0xae, 0xa6, 0xec, 0xee, 0xe4, 0xe6, 0x8e, 0x17,
		0x9d, 0x9c, 0xcf, 0xcc, 0xcd, 0xf1, 0xf4, 0xfb, 0xfa, 0x0f,
		0xeb, 0xe2, 0xe8, 0xc3, 0xcb, 0xea, 0x60, 0x61, 0xc8, 0xf0,
	};

	fill(code, len);
	for (size_t i = 0; i < len; i++)
		if (rnd() & 1)
			code[i] = often[rnd() % sizeof(often)];
}

static void random_cpu(const struct box *b)
{
	struct piotrap_run *run = b->run;

	reset_cpu(b);
	for (int i = 0; i < 16; i++)
		run->regs.gpr[i] = border();
	run->regs.rdx = rnd() % 0x200;
	run->regs.rip = rnd() & 0xffff;
	run->regs.rflags = FL_FIXED | (rnd() & 0x50fd5);
	for (int i = 0; i < 6; i++) {
		struct piotrap_segment *s = &run->segs.es + i;

		s->selector = rnd();
		s->base = (rnd() & 7) ? (uint64_t)s->selector << 4 & 0x1ffff :
			  rnd() & 0xffffffff;
		if (!(rnd() & 7))
			s->limit = border();
	}
	for (int i = 0; i < 4; i++)
		run->debug.dr[i] = rnd() & 1 ? rnd() & 0xff : rnd() & 0x1ffff;
	run->debug.dr7 = DR7_DEFAULT | (rnd() & 0xffff00ff);
	if (!(rnd() & 7))
		run->debug.pending_dbg = rnd() & 0x1c80f;
	if (!(rnd() & 7))
		run->debug.interruptibility = BLOCK_MOV_SS;
	if (!(rnd() & 15))
		run->debug.debugctl = 2;
	if (!(rnd() & 7)) {
		run->event.intr_pending = rnd() & 1;
		run->event.intr_vector = rnd();
		run->event.nmi_pending = rnd() & 1;
	}
	run->budget = rnd() % 300;
}

static void random_answer(const struct box *b)
{
	struct piotrap_run *run = b->run;

	switch (run->exit_reason) {
	case PIOTRAP_EXIT_DEBUG:
	case PIOTRAP_EXIT_EXCEPTION:
	case PIOTRAP_EXIT_INT:
		run->event.action = PIOTRAP_EVENT_DELIVER + rnd() % 3;
		touch(b, PIOTRAP_GROUP_EVENT);
		break;
	case PIOTRAP_EXIT_IO_PORT:
	case PIOTRAP_EXIT_IO_MEM:
		fill(b->data, 64);
		run->io.done = rnd() % (run->io.count + 1);
		touch(b, PIOTRAP_GROUP_IO);
		break;
	}
	if (!(rnd() & 15)) {
		run->regs.gpr[rnd() & 15] = border();
		touch(b, PIOTRAP_GROUP_REGS);
	}
	run->budget = rnd() % 300;
	touch(b, PIOTRAP_GROUP_BUDGET);
}

/* Any bytes, in memory and as a stream. */
TEST_F_TIMEOUT(hostile, instructions, 240)
{
	struct box *b = &self->b;
	uint64_t reasons = 0, boundaries = 0;
	uint8_t code[64], drain[4096];

	for (int round = 0; round < 6000; round++) {
		bool stream = rnd() & 1;
		int err;

		if (!(round & 63)) {
			random_code(b->mem, MEM_SIZE);
			ASSERT_EQ(0, set_config(b, rnd() & 0x4f, rnd(),
						rnd() & 1));
			ASSERT_EQ(0, set_log(b, round & 64 ?
					     PIOTRAP_LOG_PORTS : 0, round & 64 ?
					     self->ring : NULL,
					     round & 64 ? 65536 : 0));
			queue_input(b, 0xa0, b->mem, 512);
			while (read(b->fd, drain, sizeof(drain)) > 0)
				;
		}
		random_cpu(b);
		random_code(code, sizeof(code));
		err = stream ? run_stream(b, code, 1 + rnd() % sizeof(code)) :
			       run_on(b);
		for (int answers = 0; !err && answers < 8; answers++) {
			ASSERT_TRUE(documented_exit(b->run))
				TH_LOG("round %d: exit %u", round,
				       b->run->exit_reason);
			/* What counts is what was asked for. */
			ASSERT_GE(300, b->run->boundaries)
				TH_LOG("round %d", round);
			reasons |= 1ULL << b->run->exit_reason;
			boundaries += b->run->boundaries;
			if (b->run->exit_reason == PIOTRAP_EXIT_LOG_FULL)
				self->ring->tail = self->ring->head;
			random_answer(b);
			err = run_on(b);
		}
		ASSERT_EQ(0, err) TH_LOG("round %d", round);
	}
	TH_LOG("%lu boundaries, exits %lx", (long)boundaries, (long)reasons);
	EXPECT_LT(20000, boundaries);
	EXPECT_TRUE(reasons & 1ULL << PIOTRAP_EXIT_DEBUG);
	EXPECT_TRUE(reasons & 1ULL << PIOTRAP_EXIT_IO_PORT);
	EXPECT_TRUE(reasons & 1ULL << PIOTRAP_EXIT_EXCEPTION);
}

/* States of random bytes: refused, or run. */
TEST_F_TIMEOUT(hostile, states, 120)
{
	struct box *b = &self->b;
	static struct piotrap_state good, st;
	unsigned int accepted = 0;

	random_code(b->mem, MEM_SIZE);
	ASSERT_EQ(0, get_state(b, &good));
	for (int round = 0; round < 6000; round++) {
		unsigned int n = 1 + rnd() % 8;
		int err;

		st = good;
		while (n--) {
			/* Most in what is not the stream's or the data's bytes. */
			size_t max = rnd() & 7 ?
				offsetof(struct piotrap_state, stream.bytes) :
				sizeof(st);
			size_t at = 8 + rnd() % (max - 16);

			if (rnd() & 1)
				((uint8_t *)&st)[at] = rnd();
			else
				*(uint64_t *)((uint8_t *)&st + (at & -8UL)) =
					border();
		}
		if (!(rnd() & 3)) {
			st.io.kind = 1 + rnd() % 2;
			st.io.size = 1 << rnd() % 3;
			st.io.dir = rnd() & 1;
			st.io.count = 1 + rnd() % 100;
			st.io.done = rnd() % (st.io.count + 1);
			st.progress.insn_len = rnd() % 16;
			fill(st.progress.insn, 15);
		}
		st.budget = rnd() % 100;
		err = set_state(b, &st);
		if (err) {
			ASSERT_EQ(-EINVAL, err);
			continue;
		}
		accepted++;
		b->run->dirty = 0;
		for (int i = 0; i < 4; i++) {
			ASSERT_EQ(0, run_on(b));
			ASSERT_TRUE(documented_exit(b->run))
				TH_LOG("round %d: exit %u", round,
				       b->run->exit_reason);
			b->run->dirty = 0;
			random_answer(b);
		}
		b->run->dirty = 0;
	}
	TH_LOG("%u accepted", accepted);
	EXPECT_LT(500, accepted);
}

/* Arguments of random bytes, of right and of wrong size. */
TEST_F_TIMEOUT(hostile, arguments, 120)
{
	static const unsigned long calls[] = {
		PIOTRAP_INFO, PIOTRAP_CONFIG, PIOTRAP_SET_REGION,
		PIOTRAP_SET_PORTS, PIOTRAP_QUEUE_INPUT, PIOTRAP_RUN,
		PIOTRAP_GET_STATE, PIOTRAP_SET_STATE, PIOTRAP_KICK,
		PIOTRAP_SET_LOG,
	};
	static const unsigned int sizes[] = {
		sizeof(struct piotrap_info), sizeof(struct piotrap_config),
		sizeof(struct piotrap_region), sizeof(struct piotrap_ports),
		sizeof(struct piotrap_input), sizeof(struct piotrap_run_args),
		sizeof(struct piotrap_state), sizeof(struct piotrap_state),
		sizeof(struct piotrap_kick), sizeof(struct piotrap_log),
	};
	static uint64_t arg[2048];
	struct box *b = &self->b;
	unsigned int good = 0;

	for (int round = 0; round < 30000; round++) {
		unsigned int c = rnd() % 10;
		uint32_t *word = (uint32_t *)arg;
		int err;

		for (int i = 0; i < 8; i++)
			arg[i] = border();
		word[0] = rnd() & 7 ? sizes[c] : border();
		/* Flags that exist, often. */
		if (rnd() & 3)
			word[1] = rnd() & 3;
		if (rnd() & 1)
			word[2] = rnd() & 7;
		if (rnd() & 1)
			word[3] = 0;
		if (calls[c] == PIOTRAP_QUEUE_INPUT && rnd() & 1)
			word[2] = 0xa0;
		/* A run that nothing ends is not asked for. */
		b->run->budget = rnd() % 50;
		b->run->dirty = PIOTRAP_GROUP_BUDGET;
		err = ctl(b, calls[c], arg);
		switch (err) {
		case 0:
			good++;
			break;
		case -EINVAL:
		case -E2BIG:
		case -EFAULT:
		case -ENOENT:
		case -EEXIST:
		case -ENOSPC:
		case -EBADF:
		case -ENOMEM:
			break;
		default:
			ASSERT_EQ(0, err) TH_LOG("round %d call %u", round, c);
		}
	}
	TH_LOG("%u accepted", good);
	EXPECT_LT(100, good);
}

/* Memory of the sandbox that is also its run page, its log, or itself twice. */
TEST_F_TIMEOUT(hostile, shared_memory, 120)
{
	struct box *b = &self->b;
	int err;

	/* The run page may be refused; if it is not, the guest writes to it. */
	err = set_region(b, PIOTRAP_REGION_RAM, 0x20000, PIOTRAP_MMAP_SIZE,
			 b->run);
	EXPECT_TRUE(err == 0 || err == -EFAULT);
	if (!err) {
		reset_cpu(b);
		b->run->segs.es.selector = 0x2000;
		b->run->segs.es.base = 0x20000;
		b->run->regs.rax = 0xff;
		b->run->regs.rcx = PIOTRAP_MMAP_SIZE - 1;
		b->run->regs.rdi = 1;
		/* rep stosb over all but immediate_exit */
		ASSERT_EQ(0, STREAM(b, 0xf3, 0xaa));
		EXPECT_EXIT(DONE, b);
	}

	/* The same pages twice: two addresses, one memory. */
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_RAM, 0x40000, 0x10000,
				b->mem));
	reset_cpu(b);
	b->run->segs.es.selector = 0x4000;
	b->run->segs.es.base = 0x40000;
	/* mov byte es:[0x2000], 0x77; mov al, [0x2000] */
	ASSERT_EQ(0, STREAM(b, 0x26, 0xc6, 0x06, 0x00, 0x20, 0x77, 0xa0, 0x00,
			    0x20));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x77, b->run->regs.rax & 0xff);
	/* Code that is changed through the other address: inc ax; hlt */
	PUT(b, 0x26, 0xc6, 0x06, 0x06, 0x10, 0x40, 0x90, 0xf4);
	reset_cpu(b);
	b->run->segs.es.selector = 0x4000;
	b->run->segs.es.base = 0x40000;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(1, b->run->regs.rax);

	/* The log's ring in the guest's memory, which writes over it. */
	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS | PIOTRAP_LOG_STEPS,
			     b->mem + 0x8000, 0x4000));
	for (int i = 0; i < 200; i++) {
		reset_cpu(b);
		b->run->regs.rax = rnd();
		b->run->regs.rcx = 0x1fff;
		b->run->regs.rdi = 0x8000;
		b->run->budget = 5000;
		/* stosw with the tail in reach, and ports */
		ASSERT_EQ(0, STREAM(b, 0xab, 0xee, 0xe2, 0xfc));
		EXPECT_TRUE(b->run->exit_reason == PIOTRAP_EXIT_BUDGET ||
			    b->run->exit_reason == PIOTRAP_EXIT_DONE ||
			    b->run->exit_reason == PIOTRAP_EXIT_LOG_FULL);
	}
	ASSERT_EQ(0, set_log(b, 0, NULL, 0));
}

/* Calls of all kinds from three threads on one sandbox. */
struct worker {
	pthread_t thread;
	const struct box *b;
	atomic_bool *stop;
	unsigned long bad, calls;
	int what;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct piotrap_state *st = malloc(sizeof(*st));
	struct piotrap_info info;
	unsigned int n = 0;
	char buf[64];
	int err = 0;

	while (!atomic_load(w->stop)) {
		switch (w->what) {
		case 0:
			err = run_on(w->b);
			break;
		case 1:
			n++;
			if (n % 4 == 0)
				err = get_state(w->b, st);
			else if (n % 4 == 1)
				err = set_ports(w->b, n / 4 % 7 == 4 ? 0 :
						n / 4 % 7, 0x100 + n % 64, 3, 0,
						0);
			else if (n % 4 == 2)
				err = set_region(w->b, n & 8 ?
						 PIOTRAP_REGION_OPEN_BUS :
						 PIOTRAP_REGION_NONE, 0xa0000,
						 0x1000, NULL);
			else
				err = set_config(w->b, n & 0x4f, ~0U, true);
			break;
		case 2:
			info.size = sizeof(info);
			info.flags = 0;
			err = ++n % 8 ? ctl(w->b, PIOTRAP_INFO, &info) :
					kick(w->b);
			if (!err && read(w->b->fd, buf, sizeof(buf)) < 0 &&
			    errno != EAGAIN)
				err = -errno;
			break;
		}
		w->calls++;
		if (err && err != -EBUSY && err != -EEXIST && err != -ENOENT &&
		    err != -E2BIG && err != -EPERM)
			w->bad++;
	}
	free(st);
	return NULL;
}

/* The very first run of a sandbox that has been told nothing, out of a block. */
TEST(first_run)
{
	struct box b;

	if (access(DEVICE, R_OK | W_OK))
		SKIP(return, "no " DEVICE);
	ASSERT_EQ(0, box_open_bare(&b));
	ASSERT_NE(NULL, b.run);
	/* dec cx; jnz $-1; mov al, [0] */
	ASSERT_EQ(0, STREAM(&b, 0x49, 0x75, 0xfd, 0xa0, 0x00, 0x00));
	EXPECT_EQ(PIOTRAP_EXIT_MEMORY, b.run->exit_reason);
	EXPECT_EQ(0, b.run->exit_addr);
	box_close(&b);
}

TEST_F(hostile, threads)
{
	atomic_bool stop = false;
	struct box *b = &self->b;
	struct worker w[4] = { 0 };

	/* in al, dx; out 0x80, al; inc dx; jmp $-4 */
	PUT(b, 0xec, 0xe6, 0x80, 0x42, 0xeb, 0xfa);
	for (int i = 0; i < 4; i++) {
		w[i].b = b;
		w[i].stop = &stop;
		w[i].what = i % 3;
		ASSERT_EQ(0, pthread_create(&w[i].thread, NULL, work, &w[i]));
	}
	sleep(3);
	atomic_store(&stop, true);
	b->run->immediate_exit = 1;
	for (int i = 0; i < 4; i++) {
		pthread_join(w[i].thread, NULL);
		EXPECT_EQ(0, w[i].bad) TH_LOG("worker %d", i);
		EXPECT_LT(0, w[i].calls) TH_LOG("worker %d", i);
	}
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
