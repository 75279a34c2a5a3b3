// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID tables: presets, the owner's own, what they make of instructions, and
 * what is refused.
 */

#include "common.h"

#include <stddef.h>

#define MAX	64

struct table {
	struct piotrap_cpuid_entry e[MAX + 1];
	unsigned int n;
};

static int set_preset(const struct box *b, unsigned int preset)
{
	struct piotrap_cpuid c = {
		.size = sizeof(c), .flags = PIOTRAP_CPUID_PRESET,
		.preset = preset,
	};

	return ctl(b, PIOTRAP_SET_CPUID, &c);
}

static int set_table(const struct box *b, const struct table *t)
{
	struct piotrap_cpuid c = {
		.size = sizeof(c), .count = t->n, .entries = (uintptr_t)t->e,
	};

	return ctl(b, PIOTRAP_SET_CPUID, &c);
}

/* The table in use, or with @preset not negative that of the preset. */
static int get_table(const struct box *b, int preset, struct table *t)
{
	struct piotrap_cpuid c = {
		.size = sizeof(c), .count = MAX, .entries = (uintptr_t)t->e,
	};
	int err;

	if (preset >= 0) {
		c.flags = PIOTRAP_CPUID_PRESET;
		c.preset = preset;
	}
	memset(t, 0, sizeof(*t));
	err = ctl(b, PIOTRAP_GET_CPUID, &c);
	t->n = c.count;
	return err;
}

static bool same(const struct table *a, const struct table *b)
{
	return a->n == b->n && !memcmp(a->e, b->e, a->n * sizeof(a->e[0]));
}

static struct piotrap_cpuid_entry *find(struct table *t, uint32_t leaf)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (t->e[i].leaf == leaf)
			return &t->e[i];
	return NULL;
}

FIXTURE(cpuid)
{
	struct box b;
	struct table t, now;
};

FIXTURE_SETUP(cpuid)
{
	BOX_SETUP(&self->b);
}

FIXTURE_TEARDOWN(cpuid)
{
	box_close(&self->b);
}

/* Each can be had, set, and is then what is in use; at first it is the last. */
TEST_F(cpuid, presets)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;

	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	ASSERT_EQ(0, get_table(b, PIOTRAP_CPUID_X86_64_V3, &self->t));
	ASSERT_EQ(0, get_table(b, -1, &self->now));
	EXPECT_TRUE(same(&self->t, &self->now));
	for (unsigned int p = 0; p < i.cpuid_presets; p++) {
		ASSERT_EQ(0, get_table(b, p, &self->t));
		EXPECT_LE(self->t.n, i.max_cpuid);
		ASSERT_EQ(0, set_preset(b, p));
		ASSERT_EQ(0, get_table(b, -1, &self->now));
		EXPECT_TRUE(same(&self->t, &self->now)) TH_LOG("%u", p);
		/* What was read can be set. */
		EXPECT_EQ(0, set_table(b, &self->t)) TH_LOG("%u", p);
	}
	EXPECT_EQ(-EINVAL, set_preset(b, i.cpuid_presets));
	EXPECT_EQ(-EINVAL, set_preset(b, ~0U));
	EXPECT_EQ(-EINVAL, get_table(b, i.cpuid_presets, &self->t));
}

/* What CPUID says of a leaf of the table is what the table says. */
TEST_F(cpuid, instruction)
{
	struct box *b = &self->b;
	struct piotrap_cpuid_entry *e;

	ASSERT_EQ(0, get_table(b, -1, &self->t));
	for (unsigned int leaf = 0; leaf < 2; leaf++) {
		e = find(&self->t, leaf);
		ASSERT_NE(NULL, e);
		reset_cpu(b);
		b->run->regs.rax = leaf;
		ASSERT_EQ(0, STREAM(b, 0x0f, 0xa2));
		ASSERT_EXIT(DONE, b);
		EXPECT_EQ(e->eax, b->run->regs.rax);
		EXPECT_EQ(e->ebx, b->run->regs.rbx);
		EXPECT_EQ(e->edx, b->run->regs.rdx);
	}
}

TEST_F(cpuid, a_386_has_none)
{
	struct box *b = &self->b;
	static const uint8_t later[][4] = {
		{ 0x0f, 0xa2 },			/* cpuid */
		{ 0x66, 0x0f, 0xc8 },		/* bswap eax */
		{ 0x0f, 0xb1, 0xc8 },		/* cmpxchg ax, cx */
		{ 0x0f, 0x31 },			/* rdtsc */
		{ 0x0f, 0x44, 0xc1 },		/* cmovz ax, cx */
	};

	ASSERT_EQ(0, set_preset(b, PIOTRAP_CPUID_386));
	ASSERT_EQ(0, get_table(b, -1, &self->now));
	EXPECT_EQ(0, self->now.n);
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
			reset_cpu(b);
			ASSERT_EQ(0, run_stream(b, later[i], 4));
			EXPECT_EXIT(EXCEPTION, b) TH_LOG("%zu", i);
			EXPECT_EQ(VEC_UD, b->run->event.vector) TH_LOG("%zu", i);
		}
		/* The same by a table without entries. */
		self->t.n = 0;
		ASSERT_EQ(0, set_preset(b, PIOTRAP_CPUID_686));
		ASSERT_EQ(0, set_table(b, &self->t));
	}
	/* bsf ax, cx is there; tzcnt is that */
	reset_cpu(b);
	b->run->regs.rcx = 0x10;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x0f, 0xbc, 0xc1));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(4, b->run->regs.rax);
	EXPECT_FALSE(b->run->regs.rflags & FL_ZF);
}

TEST_F(cpuid, a_bit_cleared)
{
	struct box *b = &self->b;
	struct piotrap_cpuid_entry *e;

	/* cmovz ax, cx */
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x44, 0xc1));
	EXPECT_EXIT(DONE, b);
	ASSERT_EQ(0, get_table(b, -1, &self->t));
	e = find(&self->t, 1);
	ASSERT_NE(NULL, e);
	EXPECT_TRUE(e->edx & 1U << 15);
	/* The smallest table that says 686, and then without CMOV. */
	ASSERT_EQ(0, get_table(b, PIOTRAP_CPUID_686, &self->t));
	e = find(&self->t, 1);
	ASSERT_NE(NULL, e);
	e->edx &= ~(1U << 15);
	ASSERT_EQ(0, set_table(b, &self->t));
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0x0f, 0x44, 0xc1));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_UD, b->run->event.vector);
	/* Others are still there: cmpxchg8b [si] */
	reset_cpu(b);
	b->run->regs.rsi = 0x4000;
	ASSERT_EQ(0, STREAM(b, 0x0f, 0xc7, 0x0c));
	EXPECT_EXIT(DONE, b);
}

TEST_F(cpuid, room)
{
	struct box *b = &self->b;
	struct piotrap_cpuid c = { .size = sizeof(c) };
	struct piotrap_cpuid_entry poison;
	unsigned int n;

	ASSERT_EQ(0, get_table(b, -1, &self->now));
	n = self->now.n;
	ASSERT_LT(1, n);
	/* How many are there? */
	EXPECT_EQ(-ENOSPC, ctl(b, PIOTRAP_GET_CPUID, &c));
	EXPECT_EQ(n, c.count);
	memset(&poison, 0xa5, sizeof(poison));
	memset(&self->t, 0xa5, sizeof(self->t));
	c.entries = (uintptr_t)self->t.e;
	c.count = n - 1;
	EXPECT_EQ(-ENOSPC, ctl(b, PIOTRAP_GET_CPUID, &c));
	EXPECT_EQ(n, c.count);
	EXPECT_EQ(0, memcmp(&poison, self->t.e, sizeof(poison)));
	EXPECT_EQ(0, ctl(b, PIOTRAP_GET_CPUID, &c));
	EXPECT_EQ(n, c.count);
	EXPECT_EQ(0, memcmp(self->t.e, self->now.e, n * sizeof(poison)));
	EXPECT_EQ(0, memcmp(&poison, self->t.e + n, sizeof(poison)));
	c.entries = 0;
	EXPECT_EQ(-EFAULT, ctl(b, PIOTRAP_GET_CPUID, &c));
}

TEST_F(cpuid, refused)
{
	struct box *b = &self->b;
	struct piotrap_cpuid good = {
		.size = sizeof(good), .entries = (uintptr_t)self->t.e,
	};
	struct piotrap_cpuid c;

	ASSERT_EQ(0, get_table(b, PIOTRAP_CPUID_486, &self->t));
	good.count = self->t.n;
	c = good;
	ASSERT_EQ(0, ctl(b, PIOTRAP_SET_CPUID, &c));
#define REFUSED(err, ...) do {						\
	c = good;							\
	__VA_ARGS__;							\
	EXPECT_EQ(err, ctl(b, PIOTRAP_SET_CPUID, &c))			\
		TH_LOG("%s", #__VA_ARGS__);				\
} while (0)
	REFUSED(-EINVAL, c.preset = 1);
	REFUSED(-EINVAL, c.flags = PIOTRAP_CPUID_PRESET);
	REFUSED(-EINVAL, c.flags = 2);
	REFUSED(-EINVAL, c.count = MAX + 1);
	REFUSED(-EINVAL, c.count = ~0U);
	REFUSED(-EFAULT, c.entries = 0);
	REFUSED(-EFAULT, c.entries = 0xffffffff81000000);
	/* It is found wanting before the entries are looked at. */
	REFUSED(-EINVAL, c.count = MAX + 1; c.entries = 0);
#undef REFUSED
	ASSERT_EQ(0, get_table(b, -1, &self->now));
	EXPECT_TRUE(same(&self->t, &self->now));
}

/* What is a setting is not in the state: it stays when that is replaced. */
TEST_F(cpuid, is_no_state)
{
	struct box *b = &self->b;
	struct piotrap_state st;

	ASSERT_EQ(0, get_state(b, &st));
	ASSERT_EQ(0, set_preset(b, PIOTRAP_CPUID_386));
	ASSERT_EQ(0, set_state(b, &st));
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0x0f, 0xa2));
	EXPECT_EXIT(EXCEPTION, b);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
