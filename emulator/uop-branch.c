// SPDX-License-Identifier: GPL-2.0
/*
 * Uops that branch: jmp, jcc, call, ret, loop; and comparisons together with the
 * branch behind them.
 */
#include "uop.h"

/* jmp and a branch that is taken, to another block */
enum emu_uop_result uop_jump_out(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	u64 rip = target(cpu, u);

	if (unlikely(!fetchable(cpu, rip)))
		return uop_leave(cpu, u, left, UOP_STEP);
	return go_to(cpu, u, left, rip);
}

#define EACH_CONDITION(do, ...)						\
	do(0, __VA_ARGS__) do(1, __VA_ARGS__) do(2, __VA_ARGS__)	\
	do(3, __VA_ARGS__) do(4, __VA_ARGS__) do(5, __VA_ARGS__)	\
	do(6, __VA_ARGS__) do(7, __VA_ARGS__)

#define JCC(n, ...)							\
UOP_BRANCH(jcc##n, branch(cpu, u, left, condition(cpu, n) != u->odd))

EACH_CONDITION(JCC, 0)

const emu_uop_fn emu_uop_jcc[8] = {
	uop_jcc0, uop_jcc1, uop_jcc2, uop_jcc3, uop_jcc4, uop_jcc5, uop_jcc6,
	uop_jcc7,
};

UOP_BRANCH(jmp, jump(cpu, u, left))

/* To what is found only now. */
static __always_inline enum emu_uop_result
indirect(struct emu *cpu, const struct emu_uop *u, u64 left, u64 rip)
{
	if (unlikely(!fetchable(cpu, rip)))
		return uop_leave(cpu, u, left, UOP_STEP);
	return go_to(cpu, u, left, rip);
}

UOP_BRANCH(jmp_reg, indirect(cpu, u, left, value(cpu, u, u->src, 0)))

static __always_inline enum emu_uop_result
jmp_load(struct emu *cpu, const struct emu_uop *u, u64 left, unsigned int size,
	 enum emu_view view)
{
	u8 *p;

	if (unlikely(!operand(cpu, u, size, false, view, &p)))
		return uop_beside(cpu, u, left);
	return indirect(cpu, u, left, host_get(p, size ? size : u->size));
}

UOP_BRANCH(jmp_load4, jmp_load(cpu, u, left, 4, VIEW_FLAT))
UOP_BRANCH(jmp_load8, jmp_load(cpu, u, left, 8, VIEW_FLAT))
UOP_BRANCH(jmp_load_seg, jmp_load(cpu, u, left, 0, VIEW_SEG))

emu_uop_fn emu_uop_jmp_load(unsigned int size, bool flat)
{
	return !flat || size == 2 ? uop_jmp_load_seg :
	       size == 4 ? uop_jmp_load4 : uop_jmp_load8;
}

/* No memory was found: the long way, if this was not it. */
static __always_inline enum emu_uop_result
no_memory(struct emu *cpu, const struct emu_uop *u, u64 left, enum emu_view view)
{
	return view == VIEW_ANY ? uop_leave(cpu, u, left, UOP_STEP) :
				  uop_beside(cpu, u, left);
}

static __always_inline enum emu_uop_result
call_to(struct emu *cpu, const struct emu_uop *u, u64 left, u64 rip,
	unsigned int size, enum emu_view view)
{
	u64 sp = stack_at(cpu, -(u64)size);
	u8 *p;

	if (unlikely(!stack(cpu, u, sp, size, true, view, &p)))
		return no_memory(cpu, u, left, view);
	if (unlikely(!fetchable(cpu, rip)))
		return uop_leave(cpu, u, left, UOP_STEP);
	host_put(p, size, quick_rip(cpu, u->end));
	set_stack(cpu, sp, view);
	if (unlikely(stored(cpu, p)) && emu_block_stored(cpu)) {
		cpu->quick.next = rip;
		cpu->quick.left = left - u->done;
		return UOP_JUMP;
	}
	return go_to(cpu, u, left, rip);
}

UOP_BRANCH(call4, call_to(cpu, u, left, target(cpu, u), 4, VIEW_FLAT))
UOP_BRANCH(call_seg, call_to(cpu, u, left, target(cpu, u), u->size, VIEW_SEG))

emu_uop_fn emu_uop_call(unsigned int size, bool flat)
{
	return flat && size == 4 ? uop_call4 : uop_call_seg;
}

UOP_BRANCH(call_reg, call_to(cpu, u, left, value(cpu, u, u->src, 0), u->size, VIEW_SEG))

enum emu_uop_result uop_call_load(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	u8 *p;

	if (unlikely(!operand(cpu, u, 0, false, VIEW_SEG, &p)))
		return uop_beside(cpu, u, left);
	return call_to(cpu, u, left, host_get(p, u->size), u->size, VIEW_SEG);
}

/* ret, ret imm16 */
static __always_inline enum emu_uop_result
ret_from(struct emu *cpu, const struct emu_uop *u, u64 left, unsigned int size,
	 enum emu_view view)
{
	u64 rip;
	u8 *p;

	if (unlikely(!stack(cpu, u, stack_at(cpu, 0), size, false, view, &p)))
		return no_memory(cpu, u, left, view);
	rip = host_get(p, size);
	if (unlikely(!fetchable(cpu, rip)))
		return uop_leave(cpu, u, left, UOP_STEP);
	set_stack(cpu, stack_at(cpu, size + u->imm), view);
	return go_to(cpu, u, left, rip);
}

UOP_BRANCH(ret4, ret_from(cpu, u, left, 4, VIEW_FLAT))
UOP_BRANCH(ret_seg, ret_from(cpu, u, left, u->size, VIEW_SEG))

emu_uop_fn emu_uop_ret(unsigned int size, bool flat)
{
	return flat && size == 4 ? uop_ret4 : uop_ret_seg;
}

/* Those of them that touch memory, where uop_beside() has come to. */
enum emu_uop_result uop_branch_beside(struct emu *cpu, const struct emu_uop *u,
				      u64 left)
{
	u64 rip;
	u8 *p;

	switch (u->kind) {
	case KIND_RET:
		return ret_from(cpu, u, left, u->size, VIEW_ANY);
	case KIND_CALL:
		rip = target(cpu, u);
		break;
	case KIND_CALL_REG:
		rip = value(cpu, u, u->src, 0);
		break;
	default:
		if (!operand(cpu, u, 0, false, VIEW_ANY, &p))
			return uop_leave(cpu, u, left, UOP_STEP);
		rip = host_get(p, u->size);
		if (u->kind == KIND_JMP_LOAD)
			return indirect(cpu, u, left, rip);
	}
	return call_to(cpu, u, left, rip, u->size, VIEW_ANY);
}

/* loop: counts in the address size */
enum emu_uop_result uop_loop(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	u64 count = (place(cpu, u->dst) - 1) & u->mask;

	if (count && unlikely(!u->to && !fetchable(cpu, target(cpu, u))))
		return uop_leave(cpu, u, left, UOP_STEP);
	set_dst(cpu, u, count, 0);
	return branch(cpu, u, left, count);
}

UOP_BRANCH(jcxz, branch(cpu, u, left, !value(cpu, u, u->dst, 0)))

/*
 * cmp or test, and a conditional branch: in the place of the first, while the
 * second keeps its own.
 */

static __always_inline bool compared(const struct emu_uop *u, enum emu_alu op,
				     unsigned int size, unsigned int cc, u64 a, u64 b)
{
	unsigned int shift = shift_of(u, size);
	u64 res = op == ALU_CMP ? a - b : a & b;
	s64 sa = (s64)(a << shift), sb = (s64)(b << shift);
	s64 sign = (s64)(res << shift);
	u8 low = res;

	switch (cc) {
	case 1:
		return op == ALU_CMP && below(size, a, b);
	case 2:
		return op == ALU_CMP ? a == b : !res;
	case 3:
		return op == ALU_CMP ? a <= b : !res;
	case 4:
		return sign < 0;
	case 5:
		low ^= low >> 4;
		return !(0x6996 >> (low & 0xf) & 1);
	case 6:
		return op == ALU_CMP ? sa < sb : sign < 0;
	case 7:
		return op == ALU_CMP ? sa <= sb : sign <= 0;
	default:
		return op == ALU_CMP && (a ^ b) & (a ^ res) & 1ULL << (63 - shift);
	}
}

static __always_inline enum emu_uop_result
compare_branch(struct emu *cpu, const struct emu_uop *u, u64 left, enum emu_alu op,
	       enum emu_form form, unsigned int size, unsigned int cc,
	       enum emu_view view)
{
	u8 *p = NULL;
	u64 a, b;

	if (form != FORM_REG && unlikely(!operand(cpu, u, size, false, view, &p)))
		return uop_beside(cpu, u, left);
	a = form == FORM_STORE ? host_get(p, size ? size : u->size) :
				 value(cpu, u, u->a, size);
	b = form == FORM_LOAD ? host_get(p, size ? size : u->size) :
				value(cpu, u, u->src, size);
	alu(cpu, u, op, size, a, b, true);
	return branch(cpu, u + 1, left,
		      compared(u, op, size, cc, a, b) != u[1].odd);
}

#define COMPARE(n, name, op, form, size, view)				\
UOP_BRANCH(name##_jcc##n,						\
	   compare_branch(cpu, u, left, op, form, size, n, view))

#define COMPARES(name, op)						\
EACH_CONDITION(COMPARE, name##_reg0, op, FORM_REG, 0, VIEW_FLAT)	\
EACH_CONDITION(COMPARE, name##_reg1, op, FORM_REG, 1, VIEW_FLAT)	\
EACH_CONDITION(COMPARE, name##_reg4, op, FORM_REG, 4, VIEW_FLAT)	\
EACH_CONDITION(COMPARE, name##_store1, op, FORM_STORE, 1, VIEW_FLAT)	\
EACH_CONDITION(COMPARE, name##_store4, op, FORM_STORE, 4, VIEW_FLAT)	\
EACH_CONDITION(COMPARE, name##_store_seg, op, FORM_STORE, 0, VIEW_SEG)

COMPARES(cmp, ALU_CMP)
COMPARES(test, ALU_TEST)
EACH_CONDITION(COMPARE, cmp_load4, ALU_CMP, FORM_LOAD, 4, VIEW_FLAT)
EACH_CONDITION(COMPARE, cmp_load_seg, ALU_CMP, FORM_LOAD, 0, VIEW_SEG)

#define LINE(name) {							\
	uop_##name##_jcc0, uop_##name##_jcc1, uop_##name##_jcc2,	\
	uop_##name##_jcc3, uop_##name##_jcc4, uop_##name##_jcc5,	\
	uop_##name##_jcc6, uop_##name##_jcc7,				\
}

#define LINES(name)							\
	{ LINE(name##_reg0), LINE(name##_reg4), LINE(name##_reg1) },	\
	{ LINE(name##_store_seg), LINE(name##_store4), LINE(name##_store1) }

/**
 * emu_uop_compare() - functions of a comparison together with a branch
 * @op: ALU_CMP or ALU_TEST
 * @form: of the operands
 * @size: theirs
 * @flat: memory is found without a look at its segment
 *
 * Return: those for each condition.
 */
const emu_uop_fn *emu_uop_compare(enum emu_alu op, enum emu_form form,
				  unsigned int size, bool flat)
{
	static const emu_uop_fn load[2][8] = {
		LINE(cmp_load_seg), LINE(cmp_load4),
	};
	static const emu_uop_fn fn[2][2][3][8] = {
		{ LINES(cmp) }, { LINES(test) },
	};
	unsigned int n = 0;

	/* TEST has no operand that is only loaded. */
	if (form == FORM_LOAD && op == ALU_CMP)
		return load[flat && size == 4];
	if (form == FORM_REG || flat)
		n = size == 4 ? 1 : size == 1 ? 2 : 0;
	return fn[op == ALU_TEST][form != FORM_REG][n];
}

/* What it loads can make something due. */
enum emu_uop_result uop_iret(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	if (cpu->flags & EMU_INTERCEPT_IRET || !emu_ring_return(cpu, u->insn.osize))
		return uop_step(cpu, u, left);
	cpu->quick.next = cpu->next_rip;
	return uop_leave(cpu, u, left, UOP_AWAY);
}
