// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of uops: what most programs consist of, each in the few forms that
 * its operands have, and all other pure instructions by their handlers.
 *
 * None of these raises anything or leaves. One that cannot go straight through (no
 * window, a limit, a breakpoint) says UOP_STEP with nothing changed, and the step of
 * run.c does the instruction from its beginning with everything that belongs to it.
 *
 * A destination register is written as (old & keep) | (value & mask), which serves
 * all operand sizes: of 32 bits nothing stays, of 16 and 8 bits what is above does.
 * Second bytes of registers (AH to BH) have no place here. An immediate is read in
 * its uop as if it were a register.
 */
#include "handlers.h"
#include "quick.h"
#include "window.h"

/* Registers and memory */

static __always_inline u64 place(const struct emu *cpu, u32 at)
{
	return *(const u64 *)((const u8 *)cpu + at);
}

static __always_inline u64 source(const struct emu *cpu,
				  const struct emu_uop *u)
{
	return place(cpu, u->src) & u->mask;
}

static __always_inline u64 destination(const struct emu *cpu,
				       const struct emu_uop *u)
{
	return place(cpu, u->dst) & u->mask;
}

static __always_inline void set_destination(struct emu *cpu,
					    const struct emu_uop *u, u64 val)
{
	u64 *p = (u64 *)((u8 *)cpu + u->dst);

	*p = (*p & u->keep) | (val & u->mask);
}

static __always_inline u64 address(const struct emu *cpu,
				   const struct emu_uop *u)
{
	return (place(cpu, u->base) + (place(cpu, u->index) << u->scale) +
		(u64)u->disp) & u->amask;
}

/* A page with breakpoints or watches: is the access clear of them? */
static noinline u8 *beside_watched(struct emu *cpu, u64 lin, unsigned int size,
				   bool write)
{
	struct emu_window *w;

	w = &cpu->quick.win[lin / EMU_PAGE % EMU_NR_WINDOWS];
	if ((write ? w->write_tag : w->read_tag) !=
	    (emu_page_tag(cpu, lin + size - 1) | EMU_TAG_WATCHED))
		return NULL;
	if (emu_debug_match_data(cpu, lin, size, write) ||
	    emu_watch_memory(cpu, lin, size))
		return NULL;
	return w->host + lin % EMU_PAGE;
}

/* Host memory of an access that nothing special is about, or NULL. */
static __always_inline u8 *memory(struct emu *cpu, unsigned int seg, u64 off,
				  unsigned int size, bool write)
{
	const struct emu_quick *q = &cpu->quick;
	const struct emu_quick_seg *s = &q->seg[seg];
	u64 lin = (s->base + off) & q->lin_mask;
	struct emu_window *w;

	if (unlikely(off + size > (write ? s->write_end : s->read_end)))
		return NULL;
	w = &q->win[lin / EMU_PAGE % EMU_NR_WINDOWS];
	/* By the last byte: one that crosses into the next page finds no tag. */
	if (unlikely((write ? w->write_tag : w->read_tag) !=
		     emu_page_tag(cpu, lin + size - 1)))
		return beside_watched(cpu, lin, size, write);
	return w->host + lin % EMU_PAGE;
}

static __always_inline u8 *operand(struct emu *cpu, const struct emu_uop *u,
				   bool write)
{
	return memory(cpu, u->seg, address(cpu, u), u->size, write);
}

/* After a store: may the block go on, or has it been changed (K2)? */
static __always_inline enum emu_uop_result stored(const struct emu *cpu,
						  const u8 *p)
{
	return unlikely((unsigned long)p - cpu->quick.code <
			cpu->quick.code_span) ? UOP_LAST : UOP_NEXT;
}

/* Moves */

static enum emu_uop_result uop_nop(struct emu *cpu, const struct emu_uop *u)
{
	return UOP_NEXT;
}

static enum emu_uop_result uop_mov(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, place(cpu, u->src));
	return UOP_NEXT;
}

/* movzx, movsx: cc is the size of the source */
static enum emu_uop_result uop_movzx(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, place(cpu, u->src) & size_mask(u->cc));
	return UOP_NEXT;
}

static enum emu_uop_result uop_movsx(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, sign_extend(place(cpu, u->src), u->cc));
	return UOP_NEXT;
}

static enum emu_uop_result uop_lea(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, address(cpu, u));
	return UOP_NEXT;
}

static __always_inline enum emu_uop_result load(struct emu *cpu,
						const struct emu_uop *u,
						unsigned int size, bool sign)
{
	u8 *p = memory(cpu, u->seg, address(cpu, u), size, false);
	u64 val;

	if (unlikely(!p))
		return UOP_STEP;
	val = host_read(p, size);
	set_destination(cpu, u, sign ? sign_extend(val, size) : val);
	return UOP_NEXT;
}

#define LOAD(name, size, sign)						\
static enum emu_uop_result uop_##name(struct emu *cpu, const struct emu_uop *u) \
{									\
	return load(cpu, u, size, sign);				\
}

LOAD(load1, 1, false)
LOAD(load2, 2, false)
LOAD(load4, 4, false)
LOAD(load8, 8, false)
LOAD(load1s, 1, true)
LOAD(load2s, 2, true)
LOAD(load4s, 4, true)

static __always_inline enum emu_uop_result store(struct emu *cpu,
						 const struct emu_uop *u,
						 unsigned int size)
{
	u8 *p = memory(cpu, u->seg, address(cpu, u), size, true);

	if (unlikely(!p))
		return UOP_STEP;
	host_write(p, size, place(cpu, u->src));
	return stored(cpu, p);
}

#define STORE(name, size)						\
static enum emu_uop_result uop_##name(struct emu *cpu, const struct emu_uop *u) \
{									\
	return store(cpu, u, size);					\
}

STORE(store1, 1)
STORE(store2, 2)
STORE(store4, 4)
STORE(store8, 8)

/* Arithmetic */

enum alu {
	ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP,
	ALU_TEST, NR_ALU
};

/* @flags: not for an instruction whose flags nobody will ask for. */
static __always_inline u64 alu(struct emu *cpu, const struct emu_uop *u,
			       enum alu op, u64 a, u64 b, bool flags)
{
	u64 res;

	switch (op) {
	case ALU_ADD:
	case ALU_ADC:
		res = a + b + (op == ALU_ADC && flag_cf(cpu));
		if (flags)
			flags_carries(cpu, u->shift, res, carries_add(a, b, res));
		return res;
	case ALU_SUB:
	case ALU_SBB:
	case ALU_CMP:
		res = a - b - (op == ALU_SBB && flag_cf(cpu));
		if (flags)
			flags_carries(cpu, u->shift, res, carries_sub(a, b, res));
		return res;
	case ALU_OR:
		res = a | b;
		break;
	case ALU_XOR:
		res = a ^ b;
		break;
	default:
		res = a & b;
		break;
	}
	if (flags)
		flags_carries(cpu, u->shift, res, 0);
	return res;
}

static __always_inline bool alu_writes(enum alu op)
{
	return op != ALU_CMP && op != ALU_TEST;
}

/* op reg, reg; op reg, imm */
static __always_inline enum emu_uop_result alu_reg(struct emu *cpu,
						   const struct emu_uop *u,
						   enum alu op, bool flags)
{
	u64 res = alu(cpu, u, op, destination(cpu, u), source(cpu, u), flags);

	if (alu_writes(op))
		set_destination(cpu, u, res);
	return UOP_NEXT;
}

/* op reg, mem */
static __always_inline enum emu_uop_result alu_load(struct emu *cpu,
						    const struct emu_uop *u,
						    enum alu op, bool flags)
{
	u8 *p = operand(cpu, u, false);
	u64 res;

	if (unlikely(!p))
		return UOP_STEP;
	res = alu(cpu, u, op, destination(cpu, u), host_read(p, u->size), flags);
	if (alu_writes(op))
		set_destination(cpu, u, res);
	return UOP_NEXT;
}

/* op mem, reg; op mem, imm */
static __always_inline enum emu_uop_result alu_store(struct emu *cpu,
						     const struct emu_uop *u,
						     enum alu op, bool flags)
{
	u8 *p = operand(cpu, u, alu_writes(op));
	u64 res;

	if (unlikely(!p))
		return UOP_STEP;
	res = alu(cpu, u, op, host_read(p, u->size), source(cpu, u), flags);
	if (!alu_writes(op))
		return UOP_NEXT;
	host_write(p, u->size, res);
	return stored(cpu, p);
}

enum form { FORM_REG, FORM_LOAD, FORM_STORE, NR_FORMS };

#define ALU_FORM(name, op, form, flags)					\
static enum emu_uop_result uop_##name(struct emu *cpu, const struct emu_uop *u) \
{									\
	return alu_##form(cpu, u, op, flags);				\
}

#define ALU_FORMS(name, op)						\
	ALU_FORM(name##_reg, op, reg, true)				\
	ALU_FORM(name##_load, op, load, true)				\
	ALU_FORM(name##_store, op, store, true)				\
	ALU_FORM(name##_reg_only, op, reg, false)			\
	ALU_FORM(name##_load_only, op, load, false)			\
	ALU_FORM(name##_store_only, op, store, false)

ALU_FORMS(add, ALU_ADD)
ALU_FORMS(or, ALU_OR)
ALU_FORMS(adc, ALU_ADC)
ALU_FORMS(sbb, ALU_SBB)
ALU_FORMS(and, ALU_AND)
ALU_FORMS(sub, ALU_SUB)
ALU_FORMS(xor, ALU_XOR)
ALU_FORMS(cmp, ALU_CMP)
ALU_FORMS(test, ALU_TEST)

#define ALU_LINE(name) {						\
	{ uop_##name##_reg, uop_##name##_reg_only },			\
	{ uop_##name##_load, uop_##name##_load_only },			\
	{ uop_##name##_store, uop_##name##_store_only },		\
}

/* By operation, form, and whether flags are not asked for. */
static const emu_uop_fn alu_fn[NR_ALU][NR_FORMS][2] = {
	[ALU_ADD] = ALU_LINE(add),
	[ALU_OR] = ALU_LINE(or),
	[ALU_ADC] = ALU_LINE(adc),
	[ALU_SBB] = ALU_LINE(sbb),
	[ALU_AND] = ALU_LINE(and),
	[ALU_SUB] = ALU_LINE(sub),
	[ALU_XOR] = ALU_LINE(xor),
	[ALU_CMP] = ALU_LINE(cmp),
	[ALU_TEST] = ALU_LINE(test),
};

static enum emu_uop_result uop_inc(struct emu *cpu, const struct emu_uop *u)
{
	u64 res = destination(cpu, u) + 1;

	set_destination(cpu, u, res);
	flags_inc(cpu, u->shift, res);
	return UOP_NEXT;
}

static enum emu_uop_result uop_dec(struct emu *cpu, const struct emu_uop *u)
{
	u64 res = destination(cpu, u) - 1;

	set_destination(cpu, u, res);
	flags_dec(cpu, u->shift, res);
	return UOP_NEXT;
}

static enum emu_uop_result uop_inc_only(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, destination(cpu, u) + 1);
	return UOP_NEXT;
}

static enum emu_uop_result uop_dec_only(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, destination(cpu, u) - 1);
	return UOP_NEXT;
}

static enum emu_uop_result uop_not(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, ~place(cpu, u->dst));
	return UOP_NEXT;
}

static enum emu_uop_result uop_neg(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, alu(cpu, u, ALU_SUB, 0, destination(cpu, u),
				    true));
	return UOP_NEXT;
}

static enum emu_uop_result uop_neg_only(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, -destination(cpu, u));
	return UOP_NEXT;
}

/* shl, shr, sar reg, imm: the count, in imm, is 1 to 31 or 63 and below the size */

static enum emu_uop_result uop_shl_only(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, place(cpu, u->dst) << u->imm);
	return UOP_NEXT;
}

static enum emu_uop_result uop_shr_only(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u, destination(cpu, u) >> u->imm);
	return UOP_NEXT;
}

static __always_inline u64 signed_destination(const struct emu *cpu,
					      const struct emu_uop *u)
{
	return (u64)((s64)(place(cpu, u->dst) << u->shift) >> u->shift);
}

static enum emu_uop_result uop_sar_only(struct emu *cpu, const struct emu_uop *u)
{
	set_destination(cpu, u,
			(u64)((s64)signed_destination(cpu, u) >> u->imm));
	return UOP_NEXT;
}

static __always_inline void shift_flags(struct emu *cpu, const struct emu_uop *u,
					u64 res, bool cf, bool of)
{
	cpu->lf.result = (u64)((s64)(res << u->shift) >> u->shift);
	cpu->lf.aux = (cf ? LF_CF : 0) | (cf ^ of ? LF_PO : 0);
}

static enum emu_uop_result uop_shl(struct emu *cpu, const struct emu_uop *u)
{
	u64 v = destination(cpu, u), res = v << u->imm;
	bool cf = v << u->shift << (u->imm - 1) >> 63;

	set_destination(cpu, u, res);
	shift_flags(cpu, u, res, cf, cf ^ (res << u->shift >> 63));
	return UOP_NEXT;
}

static enum emu_uop_result uop_shr(struct emu *cpu, const struct emu_uop *u)
{
	u64 v = destination(cpu, u), res = v >> u->imm;

	set_destination(cpu, u, res);
	shift_flags(cpu, u, res, v >> (u->imm - 1) & 1,
		    (res ^ res << 1) << u->shift >> 63);
	return UOP_NEXT;
}

static enum emu_uop_result uop_sar(struct emu *cpu, const struct emu_uop *u)
{
	s64 v = (s64)signed_destination(cpu, u);

	set_destination(cpu, u, (u64)(v >> u->imm));
	shift_flags(cpu, u, (u64)(v >> u->imm), v >> (u->imm - 1) & 1, false);
	return UOP_NEXT;
}

/* Any other pure instruction */

/* The memory that it accesses, or NULL; @write: it stores. */
static const u8 *pure_memory(struct emu *cpu, const struct emu_insn *i,
			     bool *write)
{
	u32 flags = i->op->flags;
	bool dst = OPERAND_METHOD(i->op->op[0]) == M_E;

	*write = dst && !(flags & F_NOWB);
	return memory(cpu, i->seg, cpu->ea, dst || OPERAND_METHOD(i->op->op[1]) != M_E ?
		      i->size : i->ssize, *write);
}

static bool pure_accesses(const struct emu_insn *i)
{
	const struct emu_opcode *op = i->op;

	if (!i->mem)
		return false;
	if (OPERAND_METHOD(op->op[0]) == M_E)
		return (op->flags & (F_MOV | F_NOWB)) != (F_MOV | F_NOWB);
	return OPERAND_METHOD(op->op[1]) == M_E ||
	       OPERAND_METHOD(op->op[2]) == M_E;
}

static enum emu_uop_result uop_pure(struct emu *cpu, const struct emu_uop *u)
{
	const struct emu_insn *i = &u->insn;
	struct emu_lazy_flags lf = cpu->lf;
	const u8 *p = NULL;
	bool write = false;

	if (i->mem) {
		cpu->next_rip = quick_rip(cpu, u->end);
		cpu->ea = emu_ea(cpu, i);
		if (pure_accesses(i)) {
			p = pure_memory(cpu, i, &write);
			if (!p)
				return UOP_STEP;
		}
	}
	if (emu_operate(cpu, i)) {
		cpu->lf = lf;
		return UOP_STEP;
	}
	return write ? stored(cpu, p) : UOP_NEXT;
}

/* Stack */

static __always_inline u64 stack_at(const struct emu *cpu, u64 off)
{
	return (cpu->st.regs.gpr[EMU_RSP] + off) & cpu->quick.sp_mask;
}

static __always_inline void set_stack(struct emu *cpu, u64 sp)
{
	u64 *p = &cpu->st.regs.gpr[EMU_RSP];

	if (unlikely(cpu->quick.sp_size == 2))
		sp |= *p & ~0xffffULL;
	*p = sp;
}

static __always_inline u8 *push_at(struct emu *cpu, const struct emu_uop *u,
				   u64 *sp)
{
	*sp = stack_at(cpu, -(u64)u->size);
	return memory(cpu, EMU_SS, *sp, u->size, true);
}

static enum emu_uop_result uop_push(struct emu *cpu, const struct emu_uop *u)
{
	u64 sp;
	u8 *p = push_at(cpu, u, &sp);

	if (unlikely(!p))
		return UOP_STEP;
	host_write(p, u->size, place(cpu, u->src));
	set_stack(cpu, sp);
	return stored(cpu, p);
}

static enum emu_uop_result uop_pop(struct emu *cpu, const struct emu_uop *u)
{
	u8 *p = memory(cpu, EMU_SS, stack_at(cpu, 0), u->size, false);
	u64 val;

	if (unlikely(!p))
		return UOP_STEP;
	val = host_read(p, u->size);
	set_stack(cpu, stack_at(cpu, u->size));
	set_destination(cpu, u, val);
	return UOP_NEXT;
}

static enum emu_uop_result uop_leave(struct emu *cpu, const struct emu_uop *u)
{
	u64 sp = cpu->st.regs.gpr[EMU_RBP] & cpu->quick.sp_mask;
	u8 *p = memory(cpu, EMU_SS, sp, u->size, false);
	u64 val;

	if (unlikely(!p))
		return UOP_STEP;
	val = host_read(p, u->size);
	set_stack(cpu, (sp + u->size) & cpu->quick.sp_mask);
	set_destination(cpu, u, val);
	return UOP_NEXT;
}

/* Branches */

/* Can be fetched from @rip? */
static __always_inline bool lead_to(struct emu *cpu, u64 rip)
{
	struct emu_quick *q = &cpu->quick;

	if (unlikely(rip + q->code_bias > q->code_top))
		return false;
	q->next = rip;
	return true;
}

static __always_inline u64 target(const struct emu *cpu, const struct emu_uop *u)
{
	return (cpu->quick.start + u->end + (u64)(s64)u->rel) &
	       cpu->quick.rip_mask;
}

static __always_inline bool flags_condition(const struct emu *cpu,
					    unsigned int cc)
{
	switch (cc) {
	case 0:
		return flag_of(cpu);
	case 1:
		return flag_cf(cpu);
	case 2:
		return flag_zf(cpu);
	case 3:
		return flag_cf(cpu) || flag_zf(cpu);
	case 4:
		return flag_sf(cpu);
	case 5:
		return flag_pf(cpu);
	case 6:
		return flag_sf(cpu) != flag_of(cpu);
	default:
		return flag_zf(cpu) || flag_sf(cpu) != flag_of(cpu);
	}
}

static __always_inline enum emu_uop_result branch(struct emu *cpu,
						  const struct emu_uop *u,
						  bool taken)
{
	if (!taken)
		return UOP_NEXT;
	return lead_to(cpu, target(cpu, u)) ? UOP_JUMP : UOP_STEP;
}

#define JCC(n)								\
static enum emu_uop_result uop_jcc##n(struct emu *cpu, const struct emu_uop *u) \
{									\
	return branch(cpu, u, flags_condition(cpu, n) != (u->cc & 1));	\
}

#define EACH_CONDITION(do)						\
	do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)

EACH_CONDITION(JCC)

static const emu_uop_fn jcc_fn[8] = {
	uop_jcc0, uop_jcc1, uop_jcc2, uop_jcc3, uop_jcc4, uop_jcc5, uop_jcc6,
	uop_jcc7,
};

static enum emu_uop_result uop_jmp(struct emu *cpu, const struct emu_uop *u)
{
	return branch(cpu, u, true);
}

/* jmp reg */
static enum emu_uop_result uop_jmp_reg(struct emu *cpu, const struct emu_uop *u)
{
	return lead_to(cpu, source(cpu, u)) ? UOP_JUMP : UOP_STEP;
}

static enum emu_uop_result uop_jmp_load(struct emu *cpu, const struct emu_uop *u)
{
	u8 *p = operand(cpu, u, false);

	return p && lead_to(cpu, host_read(p, u->size)) ? UOP_JUMP : UOP_STEP;
}

static __always_inline enum emu_uop_result call_to(struct emu *cpu,
						   const struct emu_uop *u,
						   u64 rip)
{
	u64 sp;
	u8 *p = push_at(cpu, u, &sp);

	if (unlikely(!p) || !lead_to(cpu, rip))
		return UOP_STEP;
	host_write(p, u->size, quick_rip(cpu, u->end));
	set_stack(cpu, sp);
	return UOP_JUMP;
}

static enum emu_uop_result uop_call(struct emu *cpu, const struct emu_uop *u)
{
	return call_to(cpu, u, target(cpu, u));
}

static enum emu_uop_result uop_call_reg(struct emu *cpu, const struct emu_uop *u)
{
	return call_to(cpu, u, source(cpu, u));
}

static enum emu_uop_result uop_call_load(struct emu *cpu, const struct emu_uop *u)
{
	u8 *p = operand(cpu, u, false);

	return p ? call_to(cpu, u, host_read(p, u->size)) : UOP_STEP;
}

/* ret, ret imm16 */
static enum emu_uop_result uop_ret(struct emu *cpu, const struct emu_uop *u)
{
	u8 *p = memory(cpu, EMU_SS, stack_at(cpu, 0), u->size, false);

	if (unlikely(!p) || !lead_to(cpu, host_read(p, u->size)))
		return UOP_STEP;
	set_stack(cpu, stack_at(cpu, u->size + u->imm));
	return UOP_JUMP;
}

/* loop: counts in the address size; jcxz */
static enum emu_uop_result uop_loop(struct emu *cpu, const struct emu_uop *u)
{
	u64 left = (place(cpu, u->dst) - 1) & u->mask;
	enum emu_uop_result r = branch(cpu, u, left);

	if (r != UOP_STEP)
		set_destination(cpu, u, left);
	return r;
}

static enum emu_uop_result uop_jcxz(struct emu *cpu, const struct emu_uop *u)
{
	return branch(cpu, u, !destination(cpu, u));
}

/* cmp or test, and a conditional branch */

static __always_inline bool compared(const struct emu_uop *u, enum alu op,
				     unsigned int cc, u64 a, u64 b)
{
	u64 res = op == ALU_CMP ? a - b : a & b;
	s64 sa = (s64)(a << u->shift), sb = (s64)(b << u->shift);
	s64 sign = (s64)(res << u->shift);
	u8 low = res;

	switch (cc) {
	case 1:
		return op == ALU_CMP && a < b;
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
		return op == ALU_CMP &&
		       (a ^ b) & (a ^ res) & 1ULL << (63 - u->shift);
	}
}

static __always_inline enum emu_uop_result
compare_branch(struct emu *cpu, const struct emu_uop *u, enum alu op,
	       enum form form, unsigned int cc)
{
	enum emu_uop_result r;
	const u8 *p = NULL;
	u64 a, b;

	if (form != FORM_REG) {
		p = operand(cpu, u, false);
		if (unlikely(!p))
			return UOP_STEP;
	}
	a = form == FORM_STORE ? host_read(p, u->size) : destination(cpu, u);
	b = form == FORM_LOAD ? host_read(p, u->size) : source(cpu, u);
	alu(cpu, u, op, a, b, true);
	r = branch(cpu, u, compared(u, op, cc, a, b) != (u->cc & 1));
	return likely(r != UOP_STEP) ? r : UOP_HALF;
}

#define COMPARE(name, op, form, n)					\
static enum emu_uop_result						\
uop_##name##_jcc##n(struct emu *cpu, const struct emu_uop *u)		\
{									\
	return compare_branch(cpu, u, op, form, n);			\
}

#define COMPARE_REG(n)							\
	COMPARE(cmp_reg, ALU_CMP, FORM_REG, n)				\
	COMPARE(test_reg, ALU_TEST, FORM_REG, n)
#define COMPARE_MEM(n)							\
	COMPARE(cmp_load, ALU_CMP, FORM_LOAD, n)			\
	COMPARE(cmp_store, ALU_CMP, FORM_STORE, n)			\
	COMPARE(test_store, ALU_TEST, FORM_STORE, n)

EACH_CONDITION(COMPARE_REG)
EACH_CONDITION(COMPARE_MEM)

#define COMPARE_LINE(name) {						\
	uop_##name##_jcc0, uop_##name##_jcc1, uop_##name##_jcc2,	\
	uop_##name##_jcc3, uop_##name##_jcc4, uop_##name##_jcc5,	\
	uop_##name##_jcc6, uop_##name##_jcc7,				\
}

static const struct {
	emu_uop_fn plain;
	emu_uop_fn fused[8];
} compare_fn[] = {
	{ uop_cmp_reg, COMPARE_LINE(cmp_reg) },
	{ uop_cmp_load, COMPARE_LINE(cmp_load) },
	{ uop_cmp_store, COMPARE_LINE(cmp_store) },
	{ uop_test_reg, COMPARE_LINE(test_reg) },
	{ uop_test_store, COMPARE_LINE(test_store) },
};

/* Ports: what their kinds decide without a side effect is asked first */

static bool port_ready(struct emu *cpu, const struct emu_uop *u, u16 port,
		       enum emu_dir dir, u32 val)
{
	const struct emu_ops *ops = cpu->ops;

	if (!cpu->quick.ports || !ops->port_check)
		return false;
	/* Hooks may look where it is, and what the flags are. */
	cpu->st.regs.rip = quick_rip(cpu, u->start);
	cpu->host_exit = 0;
	if (u->size > 1 && ops->port_split && ops->port_split(cpu, port, u->size))
		return false;
	return ops->port_check(cpu, port, u->size, dir, val) == EMU_OK;
}

static void trace_port(struct emu *cpu, const struct emu_uop *u, u16 port,
		       enum emu_dir dir, u64 val)
{
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_PORT, .dir = dir, .size = u->size,
		.port = port, .count = 1, .value = val,
	});
}

/* A device may have asked for an interrupt. */
static enum emu_uop_result after_port(const struct emu *cpu)
{
	const struct emu_event *ev = &cpu->st.event;

	return ev->intr_pending | ev->nmi_pending | ev->intr_window |
	       ev->init_pending | ev->mc_pending ? UOP_LAST : UOP_NEXT;
}

static enum emu_uop_result uop_out(struct emu *cpu, const struct emu_uop *u)
{
	u32 val = destination(cpu, u);
	u16 port = place(cpu, u->src);

	if (!port_ready(cpu, u, port, EMU_WRITE, val))
		return UOP_STEP;
	trace_port(cpu, u, port, EMU_WRITE, val);
	cpu->ops->port_write(cpu, port, u->size, val);
	return after_port(cpu);
}

static enum emu_uop_result uop_in(struct emu *cpu, const struct emu_uop *u)
{
	u16 port = place(cpu, u->src);
	u32 val = 0;

	if (!port_ready(cpu, u, port, EMU_READ, 0) ||
	    cpu->ops->port_read(cpu, port, u->size, &val))
		return UOP_STEP;
	trace_port(cpu, u, port, EMU_READ, val & u->mask);
	set_destination(cpu, u, val);
	return after_port(cpu);
}

/* What has to be stepped. */
static enum emu_uop_result uop_step(struct emu *cpu, const struct emu_uop *u)
{
	/* What leaves with the bytes that follow it fetches them itself. */
	if (!(u->insn.op->flags & F_UNSUP) && u->insn.exec != em_unsupported)
		cpu->decoded = &u->insn;
	return UOP_STEP;
}

/* From decoded instructions to uops */

static const struct {
	emu_handler exec;
	enum alu op;
} alu_of[] = {
	{ em_add, ALU_ADD }, { em_or, ALU_OR }, { em_adc, ALU_ADC },
	{ em_sbb, ALU_SBB }, { em_and, ALU_AND }, { em_sub, ALU_SUB },
	{ em_xor, ALU_XOR }, { em_cmp, ALU_CMP }, { em_test, ALU_TEST },
};

/* The same without flags; those of alu_fn[] apart. */
static const emu_uop_fn without_flags[][2] = {
	{ uop_inc, uop_inc_only }, { uop_dec, uop_dec_only },
	{ uop_neg, uop_neg_only }, { uop_shl, uop_shl_only },
	{ uop_shr, uop_shr_only }, { uop_sar, uop_sar_only },
};

static bool whole_register(u16 at)
{
	return !((at - gpr_at(0)) & 7);
}

/* The register that an operand is, by its place. */
static bool register_of(const struct emu_insn *i, u8 operand, u16 *at)
{
	switch (OPERAND_METHOD(operand)) {
	case M_E:
		if (i->mem)
			return false;
		*at = i->rm_at;
		break;
	case M_R:
		*at = i->rm_at;
		break;
	case M_G:
	case M_Z:
		*at = i->reg_at;
		break;
	case M_ACC:
		*at = gpr_at(EMU_RAX);
		break;
	default:
		return false;
	}
	return whole_register(*at);
}

static bool is_memory(const struct emu_insn *i, u8 operand)
{
	return i->mem && (OPERAND_METHOD(operand) == M_E ||
			  OPERAND_METHOD(operand) == M_O);
}

/* The source, a register or an immediate. */
static bool set_source(struct emu *cpu, struct emu_uop *u,
		       const struct emu_insn *i, u8 operand)
{
	u16 at;

	if (OPERAND_METHOD(operand) == M_I || OPERAND_METHOD(operand) == M_IS) {
		u->imm = i->imm;
		u->src = (u8 *)&u->imm - (u8 *)cpu;
		return true;
	}
	if (!register_of(i, operand, &at))
		return false;
	u->src = at;
	return true;
}

static bool set_dst(struct emu_uop *u, const struct emu_insn *i, u8 operand)
{
	return register_of(i, operand, &u->dst);
}

static void set_size(struct emu_uop *u, unsigned int size)
{
	u->size = size;
	u->shift = 64 - 8 * size;
	u->mask = size_mask(size);
	u->keep = size < 4 ? ~u->mask : 0;
}

static void set_address(struct emu_uop *u, const struct emu_insn *i)
{
	u->amask = size_mask(i->asize);
	u->seg = i->seg;
	u->index = i->index;
	u->scale = i->scale;
	u->base = i->base;
	u->disp = i->disp;
	if (i->base == offsetof(struct emu, insn.imm)) {
		u->base = offsetof(struct emu, zero);
		u->disp = (s64)i->imm;
	} else if (i->base == offsetof(struct emu, next_rip)) {
		u->base = offsetof(struct emu, quick.start);
		u->disp += u->end;
	}
}

static emu_uop_fn by_size(unsigned int size, emu_uop_fn fn1, emu_uop_fn fn2,
			  emu_uop_fn fn4, emu_uop_fn fn8)
{
	return size == 1 ? fn1 : size == 2 ? fn2 : size == 4 ? fn4 : fn8;
}

/* mov, movzx, movsx; false: not in one of the forms */
static bool translate_mov(struct emu *cpu, struct emu_uop *u,
			  const struct emu_insn *i)
{
	const u8 *op = i->op->op;
	bool sign = i->exec == em_movsx;

	set_size(u, i->size);
	if (is_memory(i, op[0])) {
		set_address(u, i);
		u->fn = by_size(i->size, uop_store1, uop_store2, uop_store4,
				uop_store8);
		return set_source(cpu, u, i, op[1]);
	}
	if (!set_dst(u, i, op[0]))
		return false;
	if (is_memory(i, op[1])) {
		set_address(u, i);
		u->fn = sign ? by_size(i->ssize, uop_load1s, uop_load2s,
				       uop_load4s, uop_load8) :
			       by_size(i->ssize, uop_load1, uop_load2,
				       uop_load4, uop_load8);
		return true;
	}
	if (!set_source(cpu, u, i, op[1]))
		return false;
	u->cc = i->ssize;
	/* An immediate has been extended already. */
	if (sign)
		u->fn = uop_movsx;
	else if (i->ssize < i->size && OPERAND_METHOD(op[1]) == M_E)
		u->fn = uop_movzx;
	else
		u->fn = uop_mov;
	u->traits = UOP_FIXED | UOP_IGNORES;
	return true;
}

static bool translate_alu(struct emu *cpu, struct emu_uop *u,
			  const struct emu_insn *i, enum alu op)
{
	const u8 *o = i->op->op;
	enum form form = FORM_REG;

	set_size(u, i->size);
	if (is_memory(i, o[0])) {
		form = FORM_STORE;
		if (!set_source(cpu, u, i, o[1]))
			return false;
	} else if (!set_dst(u, i, o[0])) {
		return false;
	} else if (is_memory(i, o[1])) {
		form = FORM_LOAD;
	} else if (!set_source(cpu, u, i, o[1])) {
		return false;
	} else {
		u->traits = op == ALU_ADC || op == ALU_SBB ? UOP_FIXED :
							     UOP_FIXED | UOP_SETS;
	}
	if (form != FORM_REG)
		set_address(u, i);
	u->fn = alu_fn[op][form][0];
	return true;
}

static bool translate_unary(struct emu_uop *u, const struct emu_insn *i,
			    emu_uop_fn fn, u8 traits)
{
	set_size(u, i->size);
	u->fn = fn;
	u->traits = UOP_FIXED | traits;
	return set_dst(u, i, i->op->op[0]);
}

static bool translate_shift(struct emu_uop *u, const struct emu_insn *i,
			    emu_uop_fn fn)
{
	u8 count = OPERAND_METHOD(i->op->op[1]) == M_ONE ? 1 : i->imm;

	if (OPERAND_METHOD(i->op->op[1]) == M_CL)
		return false;
	u->imm = count & (i->size == 8 ? 63 : 31);
	return u->imm && u->imm < 8U * i->size &&
	       translate_unary(u, i, fn, UOP_SETS);
}

static bool translate_push(struct emu *cpu, struct emu_uop *u,
			   const struct emu_insn *i)
{
	u->fn = uop_push;
	set_size(u, i->osize);
	return set_source(cpu, u, i, i->op->op[0]);
}

static bool translate_pop(struct emu_uop *u, const struct emu_insn *i)
{
	u->fn = uop_pop;
	set_size(u, i->osize);
	return set_dst(u, i, i->op->op[0]);
}

static bool translate_port(struct emu *cpu, struct emu_uop *u,
			   const struct emu_insn *i)
{
	bool in = i->exec == em_in;
	u8 port = i->op->op[in];

	set_size(u, in ? i->size : i->ssize);
	u->fn = in ? uop_in : uop_out;
	u->dst = gpr_at(EMU_RAX);
	u->src = gpr_at(EMU_RDX);
	return OPERAND_METHOD(port) == M_DX || set_source(cpu, u, i, port);
}

/* Relative branches, of the operand size that is usual in their mode. */
static bool translate_branch(struct emu *cpu, struct emu_uop *u,
			     const struct emu_insn *i)
{
	if (size_mask(i->osize) != cpu->quick.rip_mask)
		return false;
	u->rel = (s32)i->imm;
	set_size(u, i->osize);
	if (i->exec == em_jcc) {
		u->cc = i->opcode & 1;
		u->fn = jcc_fn[i->opcode >> 1 & 7];
	} else if (i->exec == em_jmp) {
		u->fn = uop_jmp;
	} else if (i->exec == em_call) {
		u->fn = uop_call;
	} else {
		set_size(u, i->asize);
		u->dst = gpr_at(EMU_RCX);
		u->fn = i->exec == em_loop ? uop_loop : uop_jcxz;
	}
	return true;
}

static bool translate_indirect(struct emu *cpu, struct emu_uop *u,
			       const struct emu_insn *i)
{
	bool call = i->exec == em_call_mem;

	set_size(u, i->osize);
	if (is_memory(i, i->op->op[0])) {
		set_address(u, i);
		u->fn = call ? uop_call_load : uop_jmp_load;
		return true;
	}
	u->fn = call ? uop_call_reg : uop_jmp_reg;
	return set_source(cpu, u, i, i->op->op[0]);
}

static bool translate_ret(struct emu_uop *u, const struct emu_insn *i)
{
	u->fn = uop_ret;
	set_size(u, i->osize);
	u->imm = i->imm & 0xffff;
	return true;
}

static bool translate_leave(struct emu_uop *u, const struct emu_insn *i)
{
	u->fn = uop_leave;
	u->dst = gpr_at(EMU_RBP);
	set_size(u, i->osize);
	return true;
}

static bool translate_lea(struct emu_uop *u, const struct emu_insn *i)
{
	set_size(u, i->size);
	set_address(u, i);
	u->fn = uop_lea;
	u->traits = UOP_FIXED | UOP_IGNORES;
	return set_dst(u, i, i->op->op[0]);
}

/* One that has a function of its own. */
static bool translate(struct emu *cpu, struct emu_uop *u,
		      const struct emu_insn *i)
{
	emu_handler exec = i->exec;
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(alu_of); n++)
		if (exec == alu_of[n].exec)
			return translate_alu(cpu, u, i, alu_of[n].op);
	if (exec == em_mov || exec == em_movsx)
		return translate_mov(cpu, u, i);
	if (exec == em_inc || exec == em_dec)
		return translate_unary(u, i, exec == em_inc ? uop_inc : uop_dec,
				       0);
	if (exec == em_not)
		return translate_unary(u, i, uop_not, UOP_IGNORES);
	if (exec == em_neg)
		return translate_unary(u, i, uop_neg, UOP_SETS);
	if (exec == em_shl)
		return translate_shift(u, i, uop_shl);
	if (exec == em_shr)
		return translate_shift(u, i, uop_shr);
	if (exec == em_sar)
		return translate_shift(u, i, uop_sar);
	if (exec == em_lea)
		return translate_lea(u, i);
	if (exec == em_push || exec == em_push_imm)
		return translate_push(cpu, u, i);
	if (exec == em_pop)
		return translate_pop(u, i);
	if (exec == em_jcc || exec == em_jmp || exec == em_call ||
	    exec == em_loop || exec == em_jcxz)
		return translate_branch(cpu, u, i);
	if (exec == em_jmp_mem || exec == em_call_mem)
		return translate_indirect(cpu, u, i);
	if (exec == em_ret)
		return translate_ret(u, i);
	if (exec == em_leave)
		return translate_leave(u, i);
	if (exec == em_in || exec == em_out)
		return translate_port(cpu, u, i);
	if (exec == em_nop) {
		u->fn = uop_nop;
		u->traits = UOP_FIXED | UOP_IGNORES;
		return true;
	}
	return false;
}

static bool ends_block(const struct emu_insn *i)
{
	return (i->op->flags & F_ENDS) && i->exec != em_jcc;
}

/* A conditional branch after a comparison is one with it. */
static bool fuse(struct emu_uop *u, const struct emu_uop *jcc)
{
	unsigned int n, cc;

	for (n = 0; n < ARRAY_SIZE(compare_fn); n++)
		if (u->fn == compare_fn[n].plain)
			break;
	if (n == ARRAY_SIZE(compare_fn))
		return false;
	for (cc = 0; cc < 8; cc++)
		if (jcc->fn == jcc_fn[cc])
			break;
	if (cc == 8)
		return false;
	u->fn = compare_fn[n].fused[cc];
	u->mid = u->end;
	u->end = jcc->end;
	u->rel = jcc->rel;
	u->cc = jcc->cc;
	u->traits |= UOP_PAIR;
	return true;
}

/**
 * emu_uop_translate() - from a decoded instruction to a uop
 * @cpu: engine, with emu_quick_view() done
 * @i: instruction
 * @u: its @start, @end and @before are set, the rest is written
 * @last: the uop before it in the block, or NULL
 * @more: false: the block ends here
 *
 * Return: whether @u is a uop of its own, and not in @last.
 */
bool emu_uop_translate(struct emu *cpu, const struct emu_insn *i,
		       struct emu_uop *u, struct emu_uop *last, bool *more)
{
	u32 flags = i->op->flags;

	u->traits = 0;
	*more = !ends_block(i);
	if (!i->lock && !((flags & F_XLOCK) && i->mem) &&
	    !(flags & (F_PRIV | F_UDPRIV | F_UNSUP | F_STRING))) {
		if (translate(cpu, u, i))
			return !(last && fuse(last, u));
		if ((flags & F_PURE) && i->base != offsetof(struct emu, insn.imm)) {
			u->fn = uop_pure;
			u->insn = *i;
			u->traits = 0;
			return true;
		}
	}
	u->fn = uop_step;
	u->traits = 0;
	u->insn = *i;
	*more = false;
	return true;
}

/* Flags that are set again before anything can see them are not computed. */
static bool drop_flags(struct emu_uop *u)
{
	unsigned int op, form, n;

	for (op = 0; op < NR_ALU; op++)
		for (form = 0; form < NR_FORMS; form++)
			if (u->fn == alu_fn[op][form][0]) {
				u->fn = alu_fn[op][form][1];
				return true;
			}
	for (n = 0; n < ARRAY_SIZE(without_flags); n++)
		if (u->fn == without_flags[n][0]) {
			u->fn = without_flags[n][1];
			return true;
		}
	return false;
}

/**
 * emu_uop_finish() - look at the uops of a block together
 * @first: first of them
 * @nr: how many
 */
void emu_uop_finish(struct emu_uop *first, unsigned int nr)
{
	bool unseen = false, keeps_cf;
	struct emu_uop *u;

	for (u = first + nr; u-- > first; ) {
		if (unseen && drop_flags(u)) {
			/* INC and DEC need CF only to leave it alone. */
			keeps_cf = u->fn == uop_inc_only || u->fn == uop_dec_only;
			unseen = u->traits & UOP_FIXED &&
				 (u->traits & UOP_SETS || keeps_cf);
			continue;
		}
		if (!(u->traits & UOP_FIXED))
			unseen = false;
		else if (u->traits & UOP_SETS)
			unseen = true;
		else if (!(u->traits & UOP_IGNORES))
			unseen = false;
	}
}
