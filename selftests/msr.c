// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that the CPU does not have: #GP, or with PIOTRAP_CONFIG_EXIT_MSRS the
 * owner's to serve.
 */

#include "common.h"

#define NUMBER	0x12345678U

FIXTURE(msr)
{
	struct box b;
};

FIXTURE_SETUP(msr)
{
	BOX_SETUP(&self->b);
	self->b.run->regs.rcx = NUMBER;
}

FIXTURE_TEARDOWN(msr)
{
	box_close(&self->b);
}

static int exit_msrs(const struct box *b)
{
	return set_config(b, PIOTRAP_CONFIG_EXIT_MSRS, ~0U, true);
}

/* rdmsr; nop */
static int read_msr(const struct box *b)
{
	return STREAM(b, 0x0f, 0x32, 0x90);
}

#define EXPECT_ASKED(b, direction) do {					\
	EXPECT_EXIT(MSR, b);						\
	EXPECT_EQ(PIOTRAP_IO_MSR, (b)->run->io.kind);			\
	EXPECT_EQ(NUMBER, (b)->run->io.addr);				\
	EXPECT_EQ(NUMBER, (b)->run->exit_addr);				\
	EXPECT_EQ(direction, (b)->run->io.dir);				\
	EXPECT_EQ(8, (b)->run->io.size);				\
	EXPECT_EQ(1, (b)->run->io.count);				\
	EXPECT_EQ(0, (b)->run->io.done);				\
	EXPECT_EQ(CODE, (b)->run->io.rip);				\
	EXPECT_EQ(CODE, (b)->run->regs.rip);				\
} while (0)

TEST_F(msr, unknown)
{
	struct box *b = &self->b;
	struct piotrap_info i = { .size = sizeof(i) };

	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	EXPECT_TRUE(i.exit_reasons & 1ULL << PIOTRAP_EXIT_MSR);
	ASSERT_EQ(0, read_msr(b));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);
	EXPECT_EQ(CODE, b->run->regs.rip);
}

TEST_F(msr, read)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, exit_msrs(b));
	b->run->regs.rax = 0x1111;
	ASSERT_EQ(0, read_msr(b));
	EXPECT_ASKED(b, PIOTRAP_READ);
	EXPECT_EQ(0x1111, b->run->regs.rax);
	/* No answer: it asks again. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_ASKED(b, PIOTRAP_READ);
	memcpy(b->data, &(uint64_t){ 0x1122334455667788 }, 8);
	b->run->io.done = 1;
	touch(b, PIOTRAP_GROUP_IO);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x55667788, b->run->regs.rax);
	EXPECT_EQ(0x11223344, b->run->regs.rdx);
	EXPECT_EQ(PIOTRAP_IO_NONE, b->run->io.kind);
}

TEST_F(msr, write)
{
	struct box *b = &self->b;
	uint64_t val;

	ASSERT_EQ(0, exit_msrs(b));
	b->run->regs.rax = 0xffffffff89abcdef;
	b->run->regs.rdx = 0xffffffff01234567;
	/* wrmsr; nop */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x30, 0x90));
	EXPECT_ASKED(b, PIOTRAP_WRITE);
	memcpy(&val, b->data, 8);
	EXPECT_EQ(0x0123456789abcdef, val);
	b->run->io.done = 1;
	touch(b, PIOTRAP_GROUP_IO);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	/* More than there is. */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x30, 0x90));
	ASSERT_EXIT(MSR, b);
	b->run->io.done = 2;
	touch(b, PIOTRAP_GROUP_IO);
	EXPECT_EQ(-EINVAL, run_on(b));
}

/* An owner who has no such MSR either: #GP through the guest's own handler. */
TEST_F(msr, inject_gp)
{
	struct box *b = &self->b;
	struct piotrap_event *ev = &b->run->event;
	uint16_t frame[3];

	ASSERT_EQ(0, exit_msrs(b));
	/* 13 -> 0000:2000 */
	memcpy(b->mem + 4 * VEC_GP, &(uint32_t){ 0x2000 }, 4);
	memset(b->mem + 0x2000, 0xf4, 16);
	memcpy(b->mem + CODE, "\x0f\x32\x90", 3);
	ASSERT_EQ(0, run_on(b));
	EXPECT_ASKED(b, PIOTRAP_READ);
	ev->action = PIOTRAP_EVENT_DELIVER;
	ev->vector = VEC_GP;
	ev->type = 3;
	ev->flags = PIOTRAP_EVENT_ERROR | PIOTRAP_EVENT_RF;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0x2001, b->run->regs.rip);
	EXPECT_EQ(STACK - 6, b->run->regs.rsp);
	memcpy(frame, b->mem + STACK - 6, 6);
	EXPECT_EQ(CODE, frame[0]);
	/* Nothing of the access is left: the next one is asked anew. */
	EXPECT_EQ(PIOTRAP_IO_NONE, b->run->io.kind);
	reset_cpu(b);
	b->run->regs.rcx = NUMBER;
	ASSERT_EQ(0, read_msr(b));
	EXPECT_ASKED(b, PIOTRAP_READ);
}

/* Saved before the answer and after it, it goes on elsewhere. */
TEST_F(msr, save_and_restore)
{
	struct box *a = &self->b, b;
	struct piotrap_state st;

	ASSERT_EQ(0, exit_msrs(a));
	BOX_SETUP(&b);
	ASSERT_EQ(0, read_msr(a));
	EXPECT_ASKED(a, PIOTRAP_READ);
	ASSERT_EQ(0, get_state(a, &st));
	for (int answered = 0; answered < 2; answered++) {
		st.io.done = answered;
		memcpy(st.io_data, &(uint64_t){ 0x99 }, 8);
		ASSERT_EQ(0, set_state(&b, &st));
		b.run->dirty = 0;
		ASSERT_EQ(0, exit_msrs(&b));
		ASSERT_EQ(0, run_on(&b));
		if (!answered) {
			EXPECT_ASKED(&b, PIOTRAP_READ);
			continue;
		}
		EXPECT_EXIT(DONE, &b);
		EXPECT_EQ(0x99, b.run->regs.rax);
	}
	box_close(&b);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
