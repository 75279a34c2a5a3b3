// SPDX-License-Identifier: GPL-2.0
/*
 * K1: the run page is a mailbox. While a run is under way another thread writes
 * all over it, but for immediate_exit; the result is that of a page nobody
 * touches. The same thread may write all over the sandbox's memory: then the
 * result is anything, and the kernel is well.
 */

#include "common.h"

#include <pthread.h>
#include <stdatomic.h>

#define PORT	0x80
#define ROUNDS	30

/* Who writes where, and when. */
struct scribbler {
	pthread_t thread;
	uint8_t *at;
	size_t skip;		/* bytes at the start that are left alone */
	size_t len;
	volatile uint32_t *taken;	/* begin when this is 0; NULL: at once */
	atomic_bool stop;
	atomic_ulong passes;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	uint32_t seed = 0x12345678;

	while (s->taken && *s->taken && !atomic_load(&s->stop))
		;
	while (!atomic_load(&s->stop)) {
		for (size_t i = s->skip; i < s->len; i++) {
			seed = seed * 1664525 + 1013904223;
			((volatile uint8_t *)s->at)[i] = seed >> 24;
		}
		atomic_fetch_add(&s->passes, 1);
	}
	return NULL;
}

static int start(struct scribbler *s)
{
	atomic_store(&s->stop, false);
	return pthread_create(&s->thread, NULL, scribble, s);
}

static void stop(struct scribbler *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
}

/* What a run leaves behind in the kernel and in memory. */
struct outcome {
	struct piotrap_state st;
	uint8_t mem[0x1000];
};

FIXTURE(mailbox)
{
	struct box b;
	struct outcome want, got;
};

FIXTURE_SETUP(mailbox)
{
	BOX_SETUP(&self->b);
	ASSERT_EQ(0, set_ports(&self->b, PIOTRAP_PORT_CONSOLE, PORT, 1, 0xe9,
			       PIOTRAP_PORTS_DROP));
}

FIXTURE_TEARDOWN(mailbox)
{
	box_close(&self->b);
}

/*
 * Long enough that the other thread gets at it: calculation, memory, IN, OUT, and
 * REPs of both directions. IN reads what is constant.
 *
 *	mov bp, 300
 * 1:	mov cx, 200; mov si, 0x2000; mov di, 0x3000
 *	mov dx, 0x80; rep outsb; mov cx, 200; rep insb
 *	in al, 0x80; add ax, bp; rol ax, 3; mov [bp + 0x3200], al
 *	dec bp; jnz 1b
 */
static const uint8_t work[] = {
	0xbd, 0x2c, 0x01,
	0xb9, 0xc8, 0x00, 0xbe, 0x00, 0x20, 0xbf, 0x00, 0x30,
	0xba, 0x80, 0x00, 0xf3, 0x6e, 0xb9, 0xc8, 0x00, 0xf3, 0x6c,
	0xe4, 0x80, 0x01, 0xe8, 0xc1, 0xc0, 0x03, 0x88, 0x86, 0x00, 0x32,
	0x4d, 0x75, 0xdf,
};

static void take_outcome(const struct box *b, struct outcome *o)
{
	get_state(b, &o->st);
	memcpy(o->mem, b->mem + 0x3000, sizeof(o->mem));
}

TEST_F_TIMEOUT(mailbox, scribbled_page, 120)
{
	struct box *b = &self->b;
	struct scribbler s = {
		.at = (uint8_t *)b->run, .skip = 1, .len = PIOTRAP_MMAP_SIZE,
		.taken = &b->run->dirty,
	};
	struct piotrap_run saved;
	unsigned long seen = 0;

	reset_cpu(b);
	saved = *b->run;
	ASSERT_EQ(0, run_stream(b, work, sizeof(work)));
	ASSERT_EXIT(DONE, b);
	/* 4 + 300 * (4 + 200 + 1 + 200 + 6), or so: a few milliseconds. */
	ASSERT_LT(100000, b->run->boundaries);
	take_outcome(b, &self->want);

	for (int i = 0; i < ROUNDS; i++) {
		memset(b->mem + 0x3000, 0, sizeof(self->got.mem));
		*b->run = saved;
		ASSERT_EQ(0, start(&s));
		ASSERT_EQ(0, run_stream(b, work, sizeof(work)));
		take_outcome(b, &self->got);
		stop(&s);
		seen += atomic_exchange(&s.passes, 0);
		EXPECT_EQ(0, memcmp(&self->want, &self->got,
				    sizeof(self->want)))
			TH_LOG("round %d", i);
		/* What stands there now is the scribbler's. */
		b->run->dirty = 0;
		b->run->immediate_exit = 0;
	}
	/* It did write during the runs. */
	EXPECT_LT(ROUNDS, seen);
}

/* A pending access: count, size and address are the kernel's own. */
TEST_F_TIMEOUT(mailbox, scribbled_answer, 120)
{
	struct box *b = &self->b;
	struct scribbler s = {
		.at = (uint8_t *)b->run, .skip = 1, .len = PIOTRAP_MMAP_SIZE,
		.taken = &b->run->dirty,
	};
	/* rep insb; then the work */
	uint8_t code[2 + sizeof(work)] = { 0xf3, 0x6c };
	uint8_t want[0x800];
	struct piotrap_run saved = *b->run;
	unsigned int done;

	memcpy(code + 2, work, sizeof(work));
	for (unsigned int i = 0; i < sizeof(want); i++)
		want[i] = i * 13 + 5;
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, 0x90, 1, 0, 0));
	for (int i = 0; i < ROUNDS; i++) {
		memset(b->mem + 0x5000, 0, 0x1000);
		*b->run = saved;
		b->run->regs.rcx = sizeof(want);
		b->run->regs.rdx = 0x90;
		b->run->regs.rdi = 0x5000;
		ASSERT_EQ(0, run_stream(b, code, sizeof(code)));
		ASSERT_EXIT(IO_PORT, b);
		ASSERT_EQ(0, get_state(b, &self->got.st));
		for (done = 0; self->got.st.io.kind; ) {
			unsigned int n = self->got.st.io.count;

			ASSERT_GE(sizeof(want), done + n);
			memcpy(b->data, want + done, n);
			done += n;
			/* Lies beside the answer. */
			b->run->io.count = ~0U;
			b->run->io.size = 4;
			b->run->io.used = ~0U;
			b->run->io.done = n;
			b->run->dirty = PIOTRAP_GROUP_IO;
			b->run->immediate_exit = 0;
			ASSERT_EQ(0, start(&s));
			ASSERT_EQ(0, run_on(b));
			stop(&s);
			ASSERT_EQ(0, get_state(b, &self->got.st));
		}
		EXPECT_EQ(PIOTRAP_IO_NONE, self->got.st.io.kind);
		EXPECT_EQ(CODE + sizeof(code), self->got.st.regs.rip);
		EXPECT_EQ(0, memcmp(b->mem + 0x5000, want, sizeof(want)))
			TH_LOG("round %d", i);
		EXPECT_EQ(0, b->mem[0x5000 + sizeof(want)]);
	}
}

/* All the time, the entry included: accepted or refused, and no more. */
TEST_F_TIMEOUT(mailbox, scribbled_entry, 120)
{
	struct box *b = &self->b;
	struct scribbler s = {
		.at = (uint8_t *)b->run, .skip = 1, .len = PIOTRAP_MMAP_SIZE,
	};
	unsigned int accepted = 0, refused = 0, other = 0;
	struct piotrap_run saved = *b->run;

	ASSERT_EQ(0, start(&s));
	/* On a busy machine the other thread may come late. */
	for (int i = 0; i < 3000 || (!refused && i < 10000000); i++) {
		int err;

		/* It may have been left with a budget, or with none. */
		b->run->dirty = 0x7f & i;
		err = STREAM(b, 0x90, 0xe4, 0x80, 0xee, 0xf3, 0x6e);
		if (!err)
			accepted++;
		else if (err == -EINVAL)
			refused++;
		else
			other++;
	}
	stop(&s);
	EXPECT_EQ(0, other);
	EXPECT_LT(0, accepted);
	EXPECT_LT(0, refused);
	/* It is still a sandbox. */
	*b->run = saved;
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DONE, b);
}

/* The code and the data of the sandbox change under it. */
TEST_F_TIMEOUT(mailbox, scribbled_memory, 120)
{
	struct box *b = &self->b;
	struct scribbler s = {
		.at = b->mem, .len = MEM_SIZE, .taken = &b->run->dirty,
	};
	unsigned int reasons = 0;

	ASSERT_EQ(0, start(&s));
	for (int i = 0; i < 3000; i++) {
		reset_cpu(b);
		b->run->regs.rcx = 100;
		b->run->regs.rdx = PORT;
		b->run->budget = 2000;
		ASSERT_EQ(0, run_on(b));
		EXPECT_NE(PIOTRAP_EXIT_NONE, b->run->exit_reason);
		EXPECT_GT(PIOTRAP_EXIT_INTERNAL, b->run->exit_reason);
		EXPECT_GE(2000, b->run->boundaries);
		reasons |= 1U << b->run->exit_reason;
	}
	stop(&s);
	EXPECT_NE(0, reasons & (reasons - 1));
	/* And it runs. */
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DONE, b);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
