// SPDX-License-Identifier: GPL-2.0
/*
 * Watches: stops on accesses that the guest does not see. What hits and when is the
 * emulator's (emulator/test/watch.case); here is what the ABI makes of it.
 */

#include "common.h"

#define PORT	0x80
#define MAX	32

static int set_watches(const struct box *b, const struct piotrap_watch *w,
		       unsigned int n)
{
	struct piotrap_watches a = {
		.size = sizeof(a), .count = n, .watches = (uintptr_t)w,
	};

	return ctl(b, PIOTRAP_SET_WATCHES, &a);
}

static const struct piotrap_watch on_write = {
	.first = PORT, .last = PORT + 3, .space = PIOTRAP_WATCH_PORT,
	.dirs = PIOTRAP_WATCH_WRITE, .when = PIOTRAP_WATCH_AFTER,
};

FIXTURE(watches)
{
	struct box b;
	struct piotrap_watch w[MAX + 1];
};

FIXTURE_SETUP(watches)
{
	BOX_SETUP(&self->b);
}

FIXTURE_TEARDOWN(watches)
{
	box_close(&self->b);
}

TEST_F(watches, info)
{
	struct piotrap_info i = { .size = sizeof(i) };

	ASSERT_EQ(0, ctl(&self->b, PIOTRAP_INFO, &i));
	EXPECT_EQ(MAX, i.max_watches);
	EXPECT_TRUE(i.exit_reasons & 1ULL << PIOTRAP_EXIT_WATCH);
}

TEST_F(watches, after)
{
	struct box *b = &self->b;
	uint64_t rip = b->run->regs.rip;

	ASSERT_EQ(0, set_watches(b, &on_write, 1));
	b->run->regs.rdx = PORT + 1;
	b->run->regs.rax = 0x41;
	touch(b, PIOTRAP_GROUP_REGS);
	/* out dx, al; nop */
	ASSERT_EQ(0, STREAM(b, 0xee, 0x90));
	ASSERT_EXIT(WATCH, b);
	EXPECT_EQ(rip + 1, b->run->regs.rip);
	EXPECT_EQ(1, b->run->exit_watch);
	EXPECT_EQ(PORT + 1, b->run->exit_addr);
	EXPECT_EQ(1, b->run->exit_size);
	EXPECT_EQ(1, b->run->exit_access);
	EXPECT_EQ(0x41, b->run->exit_value);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	/* Nothing of it stays in the page. */
	EXPECT_EQ(0, b->run->exit_watch);
	EXPECT_EQ(0, b->run->exit_value);
}

TEST_F(watches, before_an_access_of_the_owner)
{
	struct box *b = &self->b;
	uint64_t rip = b->run->regs.rip;

	self->w[0] = on_write;
	self->w[0].when = PIOTRAP_WATCH_BEFORE;
	ASSERT_EQ(0, set_watches(b, self->w, 1));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	b->run->regs.rdx = PORT;
	b->run->regs.rax = 0x42;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0xee));
	ASSERT_EXIT(WATCH, b);
	EXPECT_EQ(rip, b->run->regs.rip);
	EXPECT_EQ(0x42, b->run->exit_value);
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(IO_PORT, b);
	EXPECT_EQ(0x42, b->data[0]);
	b->run->io.done = 1;
	touch(b, PIOTRAP_GROUP_IO);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
}

/* A stop before an access is part of the state: it is not made again elsewhere. */
TEST_F(watches, before_saved_and_restored)
{
	struct box *b = &self->b;
	static struct piotrap_state st;
	struct box other;

	self->w[0] = on_write;
	self->w[0].when = PIOTRAP_WATCH_BEFORE;
	ASSERT_EQ(0, box_open(&other));
	ASSERT_EQ(0, set_watches(b, self->w, 1));
	ASSERT_EQ(0, set_watches(&other, self->w, 1));
	b->run->regs.rdx = PORT;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0xee));
	ASSERT_EXIT(WATCH, b);
	get_state(b, &st);
	EXPECT_EQ(1, st.progress.watch_passed);
	EXPECT_EQ(0, set_state(&other, &st));
	EXPECT_EQ(0, run_on(&other));
	EXPECT_EXIT(DONE, &other);
	box_close(&other);
}

TEST_F(watches, skip_counts_down)
{
	struct box *b = &self->b;
	struct piotrap_watches a = {
		.size = sizeof(a), .count = MAX, .watches = (uintptr_t)self->w,
	};
	struct piotrap_watch w = on_write;

	w.skip = 3;
	ASSERT_EQ(0, set_watches(b, &w, 1));
	b->run->regs.rdx = PORT;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0xee, 0xee));
	EXPECT_EXIT(DONE, b);
	ASSERT_EQ(0, ctl(b, PIOTRAP_GET_WATCHES, &a));
	EXPECT_EQ(1, a.count);
	EXPECT_EQ(1, self->w[0].skip);
	ASSERT_EQ(0, STREAM(b, 0xee, 0xee));
	ASSERT_EXIT(WATCH, b);
	EXPECT_EQ(2, b->run->boundaries);
}

TEST_F(watches, memory)
{
	struct box *b = &self->b;
	struct piotrap_watch w = {
		.first = 0x4002, .last = 0x4002, .space = PIOTRAP_WATCH_MEM,
		.dirs = PIOTRAP_WATCH_WRITE, .when = PIOTRAP_WATCH_BEFORE,
		.mask = 0xff00, .value = 0x4200,
	};

	ASSERT_EQ(0, set_watches(b, &w, 1));
	b->run->regs.rdi = 0x4001;
	b->run->regs.rax = 0x4141;
	touch(b, PIOTRAP_GROUP_REGS);
	/* mov [di], ax; inc ah; mov [di], ax */
	ASSERT_EQ(0, STREAM(b, 0x89, 0x05, 0xfe, 0xc4, 0x89, 0x05));
	ASSERT_EXIT(WATCH, b);
	EXPECT_EQ(0x4001, b->run->exit_linear);
	EXPECT_EQ(0x4241, b->run->exit_value);
	EXPECT_EQ(0x41, b->mem[0x4002]);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x42, b->mem[0x4002]);
}

TEST_F(watches, none_again)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_watches(b, &on_write, 1));
	ASSERT_EQ(0, set_watches(b, NULL, 0));
	b->run->regs.rdx = PORT;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0xee));
	EXPECT_EXIT(DONE, b);
}

TEST_F(watches, refused)
{
	struct box *b = &self->b;
	struct piotrap_watches a = { .size = sizeof(a) };

#define REFUSED(change) do {						\
		self->w[0] = on_write;					\
		change;							\
		EXPECT_EQ(-EINVAL, set_watches(b, self->w, 1));		\
	} while (0)

	REFUSED(self->w[0].space = 2);
	REFUSED(self->w[0].dirs = 0);
	REFUSED(self->w[0].dirs = 4);
	REFUSED(self->w[0].when = 2);
	REFUSED(self->w[0].last = PORT - 1);
	REFUSED(self->w[0].last = 0x10000);
	REFUSED(self->w[0].value = 1);
	REFUSED(self->w[0].reserved[4] = 1);
	REFUSED({
		self->w[0].when = PIOTRAP_WATCH_BEFORE;
		self->w[0].dirs = PIOTRAP_WATCH_READ;
		self->w[0].mask = 1;
	});

	for (unsigned int i = 0; i <= MAX; i++)
		self->w[i] = on_write;
	EXPECT_EQ(-EINVAL, set_watches(b, self->w, MAX + 1));
	EXPECT_EQ(0, set_watches(b, self->w, MAX));
	EXPECT_EQ(-EFAULT, set_watches(b, NULL, 1));
	/* Of a refused call nothing stays. */
	EXPECT_EQ(-ENOSPC, ctl(b, PIOTRAP_GET_WATCHES, &a));
	EXPECT_EQ(MAX, a.count);
	a.count = MAX;
	EXPECT_EQ(-EFAULT, ctl(b, PIOTRAP_GET_WATCHES, &a));
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
