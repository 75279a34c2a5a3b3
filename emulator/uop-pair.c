// SPDX-License-Identifier: GPL-2.0
/*
 * Fewer indirect jumps.
 *
 * Two uops that often follow one another have a function for both, in the place of
 * the first. The second keeps its own place, for what jumps there and for what stops
 * at it.
 *
 * Where each indirect jump is a retpoline there are no pairs, but comparisons with
 * what is frequent: six or seven branches that are predicted cost less.
 */
#include "uop.h"

/* Those that a pair begins with, and does not stop but for its memory operand. */
#define DO_mov4		do_set(cpu, u, value(cpu, u, u->src, 4), 4)
#define DO_lea4		do_set(cpu, u, address(cpu, u), 4)
#define DO_add_only4	do_alu_reg(cpu, u, ALU_ADD, 4, false)
#define DO_and_only4	do_alu_reg(cpu, u, ALU_AND, 4, false)
#define DO_sub_only4	do_alu_reg(cpu, u, ALU_SUB, 4, false)
#define DO_xor_only4	do_alu_reg(cpu, u, ALU_XOR, 4, false)
#define DO_shr_only4	do_unary(cpu, u, UNARY_SHR, 4, false)
#define DO_inc_only4	do_unary(cpu, u, UNARY_INC, 4, false)
#define DO_and_reg4	do_alu_reg(cpu, u, ALU_AND, 4, true)
#define DO_add_reg4	do_alu_reg(cpu, u, ALU_ADD, 4, true)
#define DO_dec4		do_unary(cpu, u, UNARY_DEC, 4, true)
#define DO_inc4		do_unary(cpu, u, UNARY_INC, 4, true)
#define DO_cmp_reg4	do_alu_reg(cpu, u, ALU_CMP, 4, true)
#define DO_load4	do_load(cpu, u, 4, false, 8, VIEW_FLAT)
#define DO_load1	do_load(cpu, u, 1, false, 8, VIEW_FLAT)
#define DO_load_al	do_load(cpu, u, 1, false, 1, VIEW_FLAT)
#define DO_store4	do_store(cpu, u, 4, VIEW_FLAT)
#define DO_push4	do_push(cpu, u, 4, VIEW_FLAT)
#define DO_pop4		do_pop(cpu, u, 4, VIEW_FLAT)

/* What a pair ends with goes on, or away, by itself. */
#define FIRSTS(do, second)						\
	do(mov4, second) do(lea4, second) do(add_only4, second)		\
	do(and_only4, second) do(sub_only4, second) do(xor_only4, second) \
	do(shr_only4, second) do(inc_only4, second) do(load4, second)	\
	do(load1, second) do(load_al, second) do(store4, second)	\
	do(and_reg4, second) do(inc4, second)

#define SECONDS(do)							\
	do(mov4) do(lea4) do(add_only4) do(and_only4) do(xor_only4)	\
	do(inc_only4) do(load4) do(store4) do(dec4)

/* Which would be too many with each of these. */
#define OTHERS(do)							\
	do(add_only4, cmp_reg4) do(xor_only4, cmp_reg4)			\
	do(cmp_reg4, mov4) do(shr_only4, sub_only4)			\
	do(push4, push4) do(pop4, pop4) do(mov4, push4) do(add_reg4, store4)

#define PAIR(a, b)							\
static enum emu_uop_result pair_##a##__##b(struct emu *cpu,		\
					   const struct emu_uop *u,	\
					   u64 left)			\
{									\
	enum emu_uop_result r = DO_##a;					\
									\
	if (unlikely(r))						\
		return uop_stopped(cpu, u, left, r);			\
	u++;								\
	r = DO_##b;							\
	if (unlikely(r))						\
		return uop_stopped(cpu, u, left, r);			\
	return uop_next(cpu, u, left);					\
}

#define PAIRS_WITH(b)	FIRSTS(PAIR, b)
#define FIRST(a, b)	uop_##a,
#define SECOND(b)	uop_##b,
#define ENTRY(a, b)	pair_##a##__##b,
#define LINE(b)		{ FIRSTS(ENTRY, b) },
#define OTHER(a, b)	{ uop_##a, uop_##b, pair_##a##__##b },

SECONDS(PAIRS_WITH)
OTHERS(PAIR)

/* dec, jz; inc, jz */
#define COUNT_BRANCH(name)						\
static enum emu_uop_result pair_##name##__jcc2(struct emu *cpu,		\
					       const struct emu_uop *u,	\
					       u64 left)		\
{									\
	DO_##name;							\
	return branch(cpu, u + 1, left, flag_zf(cpu) != u[1].odd);	\
}

COUNT_BRANCH(dec4)
COUNT_BRANCH(inc4)
COUNT_BRANCH(mov4)

/**
 * emu_uop_pair() - one function for two uops
 * @u: the first of them
 *
 * Return: NULL where there is none.
 */
emu_uop_fn emu_uop_pair(const struct emu_uop *u)
{
	static const emu_uop_fn first[] = { FIRSTS(FIRST, any) };
	static const emu_uop_fn second[] = { SECONDS(SECOND) };
	static const emu_uop_fn both[ARRAY_SIZE(second)][ARRAY_SIZE(first)] = {
		SECONDS(LINE)
	};
	static const emu_uop_fn other[][3] = {
		OTHERS(OTHER)
		{ uop_dec4, uop_jcc2, pair_dec4__jcc2 },
		{ uop_inc4, uop_jcc2, pair_inc4__jcc2 },
		{ uop_mov4, uop_jcc2, pair_mov4__jcc2 },
	};
	emu_uop_fn a = u[0].fn, b = u[1].fn;
	unsigned int n, m;

	if (emu_slow_jumps())
		return NULL;
	/* Of what has been read, and nothing else. */
	if (a == uop_in1 && b == uop_test_reg1_jcc2)
		return u[1].a == gpr_at(EMU_RAX) ? uop_in1__test_jz : NULL;
	for (n = 0; n < ARRAY_SIZE(other); n++)
		if (a == other[n][0] && b == other[n][1])
			return other[n][2];
	for (n = 0; n < ARRAY_SIZE(first); n++)
		if (a == first[n])
			break;
	for (m = 0; m < ARRAY_SIZE(second); m++)
		if (b == second[m])
			break;
	return n < ARRAY_SIZE(first) && m < ARRAY_SIZE(second) ? both[m][n] : NULL;
}

#define HOT(name)	HOT_##name,
enum { HOT_NONE, EMU_HOT(HOT) };

/**
 * emu_uop_hot() - emu_uop.hot of a function
 * @fn: any
 *
 * Return: 0 for one that is not compared with.
 */
u8 emu_uop_hot(emu_uop_fn fn)
{
#define HOT_FN(name)	[HOT_##name] = uop_##name,
	static const emu_uop_fn hot[] = { EMU_HOT(HOT_FN) };
	unsigned int n;

	for (n = 1; n < ARRAY_SIZE(hot); n++)
		if (fn == hot[n])
			return n;
	return HOT_NONE;
}

/**
 * emu_uop_dispatch() - on to a uop without an indirect jump, if it is a frequent one
 * @cpu: engine
 * @u: uop
 * @left: as its function has it
 *
 * Return: what its function does.
 */
enum emu_uop_result emu_uop_dispatch(struct emu *cpu, const struct emu_uop *u, u64 left)
{
#define HOT_CASE(name)							\
	case HOT_##name:						\
		return uop_##name(cpu, u, left);

	/* The kernel has no jump tables: the compiler makes it a tree. */
	switch (u->hot) {
	EMU_HOT(HOT_CASE)
	default:
		return u->fn(cpu, u, left);
	}
}
