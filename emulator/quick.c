// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of uops: what most programs consist of, each in the few forms that
 * its operands have, and all other pure instructions by their handlers.
 *
 * None of these raises anything or leaves. One that cannot go straight through (no
 * window, a limit, a breakpoint) says UOP_STEP with nothing changed, and the step of
 * run.c does the instruction from its beginning with everything that belongs to it.
 *
 * One that is done goes on with the next one by itself: a call in tail position,
 * which the compiler makes a jump. So there is no loop around them; the last of a
 * block is always one that returns. Where a compiler keeps the calls, there are as
 * many as a block has uops (EMU_BLOCK_UOPS).
 *
 * Operands of 32 and 64 bits are "wide": a register is written as a whole. "Narrow"
 * serves all sizes: a register becomes (old & keep) | (value & mask). Second bytes of
 * registers (AH to BH) have no place here. An immediate is read in its uop as if it
 * were a register.
 */
#include "handlers.h"
#include "quick.h"
#include "window.h"

static __always_inline enum emu_uop_result next(struct emu *cpu,
						const struct emu_uop *u)
{
	u++;
	return u->fn(cpu, u);
}

static __always_inline enum emu_uop_result leave(struct emu *cpu,
						 const struct emu_uop *u,
						 enum emu_uop_result r)
{
	cpu->quick.at = u;
	return r;
}

/* A function of what do_*() does. */
#define UOP(name, ...)							\
enum emu_uop_result uop_##name(struct emu *cpu, const struct emu_uop *u) \
{									\
	enum emu_uop_result r = __VA_ARGS__;				\
									\
	if (unlikely(r))						\
		return leave(cpu, u, r);				\
	return next(cpu, u);						\
}

#define STATIC_UOP(name, ...)	static UOP(name, __VA_ARGS__)

/* With a memory operand: "beside" is whether its page may be a watched one. */
#define UOP_MEM(name, ...)						\
static noinline enum emu_uop_result beside_##name(struct emu *cpu,	\
						  const struct emu_uop *u) \
{									\
	const bool beside = true;					\
	enum emu_uop_result r = __VA_ARGS__;				\
									\
	if (unlikely(r))						\
		return leave(cpu, u, r);				\
	return next(cpu, u);						\
}									\
									\
enum emu_uop_result uop_##name(struct emu *cpu, const struct emu_uop *u) \
{									\
	const bool beside = false;					\
	enum emu_uop_result r = __VA_ARGS__;				\
									\
	if (unlikely(r)) {						\
		if (r == UOP_STEP)					\
			return beside_##name(cpu, u);			\
		return leave(cpu, u, r);				\
	}								\
	return next(cpu, u);						\
}

#define STATIC_UOP_MEM(name, ...)					\
static enum emu_uop_result uop_##name(struct emu *cpu, const struct emu_uop *u); \
UOP_MEM(name, __VA_ARGS__)

/* The end of a block that no branch ends. */
enum emu_uop_result uop_end(struct emu *cpu, const struct emu_uop *u)
{
	cpu->quick.next = quick_rip(cpu, u->start);
	return leave(cpu, u, UOP_JUMP);
}

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
					    const struct emu_uop *u, u64 val,
					    bool wide)
{
	u64 *p = (u64 *)((u8 *)cpu + u->dst);

	*p = wide ? val & u->mask : (*p & u->keep) | (val & u->mask);
}

static __always_inline u64 address(const struct emu *cpu,
				   const struct emu_uop *u)
{
	u64 at = place(cpu, u->base) + (u64)u->disp;

	if (u->index != offsetof(struct emu, zero))
		at += place(cpu, u->index) << u->scale;
	return at & u->amask;
}

/* A page with breakpoints or watches: is the access clear of them? */
static noinline bool beside_watched(struct emu *cpu, u64 lin, unsigned int size,
				    bool write, u8 **p)
{
	struct emu_window *w;

	w = &cpu->quick.win[lin / EMU_PAGE % EMU_NR_WINDOWS];
	if ((write ? w->write_tag : w->read_tag) !=
	    (emu_page_tag(cpu, lin + size - 1) | EMU_TAG_WATCHED))
		return false;
	if (emu_debug_match_data(cpu, lin, size, write) ||
	    emu_watch_memory(cpu, lin, size))
		return false;
	*p = w->host + lin % EMU_PAGE;
	return true;
}

/*
 * Host memory of an access that nothing special is about; false: there is none.
 * @seg is a place in emu_quick.seg.
 */
static __always_inline bool unwatched(struct emu *cpu, unsigned int seg, u64 off,
				      unsigned int size, bool write, u8 **p)
{
	const struct emu_quick *q = &cpu->quick;
	const struct emu_quick_seg *s = (const void *)((const u8 *)q->seg + seg);
	u64 lin = (s->base + off) & q->lin_mask;
	struct emu_window *w;

	if (unlikely(off + size > (write ? s->write_end : s->read_end)))
		return false;
	w = &q->win[lin / EMU_PAGE % EMU_NR_WINDOWS];
	*p = w->host + lin % EMU_PAGE;
	/* By the last byte: one that crosses into the next page finds no tag. */
	return likely((write ? w->write_tag : w->read_tag) ==
		      emu_page_tag(cpu, lin + size - 1));
}

/* The same, also in pages with breakpoints or watches, if it is clear of them. */
static noinline bool maybe_watched(struct emu *cpu, unsigned int seg, u64 off,
				   unsigned int size, bool write, u8 **p)
{
	const struct emu_quick *q = &cpu->quick;
	const struct emu_quick_seg *s = (const void *)((const u8 *)q->seg + seg);

	if (unwatched(cpu, seg, off, size, write, p))
		return true;
	if (off + size > (write ? s->write_end : s->read_end))
		return false;
	return beside_watched(cpu, (s->base + off) & q->lin_mask, size, write, p);
}

/* The usual case is better off without a call. */
static __always_inline bool memory(struct emu *cpu, unsigned int seg, u64 off,
				   unsigned int size, bool write, bool beside,
				   u8 **p)
{
	return beside ? maybe_watched(cpu, seg, off, size, write, p) :
			unwatched(cpu, seg, off, size, write, p);
}

static __always_inline bool operand(struct emu *cpu, const struct emu_uop *u,
				    unsigned int size, bool write, bool beside,
				    u8 **p)
{
	return memory(cpu, u->seg, address(cpu, u), size, write, beside, p);
}

#define STACK	(EMU_SS * sizeof(struct emu_quick_seg))

/* After a store: may the block go on, or has it been changed (K2)? */
static __always_inline enum emu_uop_result stored(const struct emu *cpu,
						  const u8 *p)
{
	return unlikely((unsigned long)p - cpu->quick.code <
			cpu->quick.code_span) ? UOP_LAST : UOP_NEXT;
}

/* Moves */

STATIC_UOP(nop, UOP_NEXT)

static __always_inline enum emu_uop_result
do_set(struct emu *cpu, const struct emu_uop *u, u64 val, bool wide)
{
	set_destination(cpu, u, val, wide);
	return UOP_NEXT;
}

static __always_inline enum emu_uop_result
do_load(struct emu *cpu, const struct emu_uop *u, unsigned int size, bool sign,
	bool wide, bool beside)
{
	u64 val;
	u8 *p;

	if (unlikely(!operand(cpu, u, size, false, beside, &p)))
		return UOP_STEP;
	val = host_read(p, size);
	if (sign)
		val = sign_extend(val, size);
	/* What fills a wide register has no bits to cut off. */
	if (wide && !sign)
		*(u64 *)((u8 *)cpu + u->dst) = val;
	else
		set_destination(cpu, u, val, wide);
	return UOP_NEXT;
}

static __always_inline enum emu_uop_result
do_store(struct emu *cpu, const struct emu_uop *u, unsigned int size, bool beside)
{
	u8 *p;

	if (unlikely(!operand(cpu, u, size, true, beside, &p)))
		return UOP_STEP;
	host_write(p, size, place(cpu, u->src));
	return stored(cpu, p);
}

/* movzx, movsx: cc is the size of the source. */
#define MOVES(w, wide)							\
STATIC_UOP(mov_##w, do_set(cpu, u, place(cpu, u->src), wide))		\
STATIC_UOP(movzx_##w,							\
	   do_set(cpu, u, place(cpu, u->src) & size_mask(u->cc), wide))	\
STATIC_UOP(movsx_##w,							\
	   do_set(cpu, u, sign_extend(place(cpu, u->src), u->cc), wide)) \
STATIC_UOP(lea_##w, do_set(cpu, u, address(cpu, u), wide))		\
STATIC_UOP_MEM(load1_##w, do_load(cpu, u, 1, false, wide, beside))			\
STATIC_UOP_MEM(load2_##w, do_load(cpu, u, 2, false, wide, beside))			\
STATIC_UOP_MEM(load1s_##w, do_load(cpu, u, 1, true, wide, beside))			\
STATIC_UOP_MEM(load2s_##w, do_load(cpu, u, 2, true, wide, beside))

MOVES(wide, true)
MOVES(narrow, false)
STATIC_UOP_MEM(load4, do_load(cpu, u, 4, false, true, beside))
STATIC_UOP_MEM(load4s, do_load(cpu, u, 4, true, true, beside))
STATIC_UOP_MEM(load8, do_load(cpu, u, 8, false, true, beside))
STATIC_UOP_MEM(store1, do_store(cpu, u, 1, beside))
STATIC_UOP_MEM(store2, do_store(cpu, u, 2, beside))
STATIC_UOP_MEM(store4, do_store(cpu, u, 4, beside))
STATIC_UOP_MEM(store8, do_store(cpu, u, 8, beside))

#define BOTH(name)	{ uop_##name##_narrow, uop_##name##_wide }

const emu_uop_fn emu_quick_mov[2] = BOTH(mov);
const emu_uop_fn emu_quick_movzx[2] = BOTH(movzx);
const emu_uop_fn emu_quick_movsx[2] = BOTH(movsx);
const emu_uop_fn emu_quick_lea[2] = BOTH(lea);
const emu_uop_fn emu_quick_nop = uop_nop;

/* By whether it is wide, and the logarithm of the size in memory. */
const emu_uop_fn emu_quick_load[2][4] = {
	{ uop_load1_narrow, uop_load2_narrow, uop_load4, uop_load8 },
	{ uop_load1_wide, uop_load2_wide, uop_load4, uop_load8 },
};

const emu_uop_fn emu_quick_load_signed[2][4] = {
	{ uop_load1s_narrow, uop_load2s_narrow, uop_load4s, uop_load8 },
	{ uop_load1s_wide, uop_load2s_wide, uop_load4s, uop_load8 },
};

const emu_uop_fn emu_quick_store[4] = {
	uop_store1, uop_store2, uop_store4, uop_store8,
};

/* Arithmetic */

/* @flags: not for an instruction whose flags nobody will ask for. */
static __always_inline u64 alu(struct emu *cpu, const struct emu_uop *u,
			       enum emu_alu op, u64 a, u64 b, bool flags)
{
	u64 res;

	switch (op) {
	case ALU_ADD:
	case ALU_ADC:
		res = a + b + (op == ALU_ADC && flag_cf(cpu));
		if (flags)
			flags_operands(cpu, u->shift, LF_ADD, a, b, res);
		return res;
	case ALU_SUB:
	case ALU_SBB:
	case ALU_CMP:
		res = a - b - (op == ALU_SBB && flag_cf(cpu));
		if (flags)
			flags_operands(cpu, u->shift, LF_SUB, a, b, res);
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
		flags_plain(cpu, flags_result(res, u->shift), 0);
	return res;
}

static __always_inline bool alu_writes(enum emu_alu op)
{
	return op != ALU_CMP && op != ALU_TEST;
}

/* Neither bits above the operand nor what they come to matter without flags. */
static __always_inline u64 whole_or_cut(const struct emu_uop *u, u64 val,
					enum emu_alu op, bool flags)
{
	return flags || op == ALU_ADC || op == ALU_SBB ? val & u->mask : val;
}

/* op reg, reg; op reg, imm */
static __always_inline enum emu_uop_result
do_alu_reg(struct emu *cpu, const struct emu_uop *u, enum emu_alu op, bool flags,
	   bool wide)
{
	u64 a = whole_or_cut(u, place(cpu, u->dst), op, flags);
	u64 b = whole_or_cut(u, place(cpu, u->src), op, flags);
	u64 res = alu(cpu, u, op, a, b, flags);

	if (alu_writes(op))
		set_destination(cpu, u, res, wide);
	return UOP_NEXT;
}

/* op reg, mem */
static __always_inline enum emu_uop_result
do_alu_load(struct emu *cpu, const struct emu_uop *u, enum emu_alu op, bool flags,
	    bool wide, bool beside)
{
	u64 res;
	u8 *p;

	if (unlikely(!operand(cpu, u, u->size, false, beside, &p)))
		return UOP_STEP;
	res = alu(cpu, u, op, destination(cpu, u), host_read(p, u->size), flags);
	if (alu_writes(op))
		set_destination(cpu, u, res, wide);
	return UOP_NEXT;
}

/* op mem, reg; op mem, imm */
static __always_inline enum emu_uop_result
do_alu_store(struct emu *cpu, const struct emu_uop *u, enum emu_alu op, bool flags,
	     bool beside)
{
	u64 res;
	u8 *p;

	if (unlikely(!operand(cpu, u, u->size, alu_writes(op), beside, &p)))
		return UOP_STEP;
	res = alu(cpu, u, op, host_read(p, u->size), source(cpu, u), flags);
	if (!alu_writes(op))
		return UOP_NEXT;
	host_write(p, u->size, res);
	return stored(cpu, p);
}

/* Without flags only what is often found without. */
#define ALU_FORMS(name, op)						\
STATIC_UOP(name##_reg_wide, do_alu_reg(cpu, u, op, true, true))		\
STATIC_UOP(name##_reg_narrow, do_alu_reg(cpu, u, op, true, false))	\
STATIC_UOP_MEM(name##_load_wide, do_alu_load(cpu, u, op, true, true, beside)) \
STATIC_UOP_MEM(name##_load_narrow, do_alu_load(cpu, u, op, true, false, beside)) \
STATIC_UOP_MEM(name##_store, do_alu_store(cpu, u, op, true, beside))

#define ALU_FORMS_ONLY(name, op)					\
ALU_FORMS(name, op)							\
STATIC_UOP(name##_reg_wide_only, do_alu_reg(cpu, u, op, false, true))	\
STATIC_UOP(name##_load_wide_only,					\
	   do_alu_load(cpu, u, op, false, true, false))

ALU_FORMS_ONLY(add, ALU_ADD)
ALU_FORMS_ONLY(or, ALU_OR)
ALU_FORMS(adc, ALU_ADC)
ALU_FORMS(sbb, ALU_SBB)
ALU_FORMS_ONLY(and, ALU_AND)
ALU_FORMS_ONLY(sub, ALU_SUB)
ALU_FORMS_ONLY(xor, ALU_XOR)
ALU_FORMS(cmp, ALU_CMP)
ALU_FORMS(test, ALU_TEST)

#define FLAGS_OR_NOT(name)	{ uop_##name, uop_##name##_only }
#define ALWAYS_FLAGS(name)	{ uop_##name, NULL }
#define ALU_LINE(name) {						\
	{ ALWAYS_FLAGS(name##_reg_narrow), ALWAYS_FLAGS(name##_reg_wide) }, \
	{ ALWAYS_FLAGS(name##_load_narrow), ALWAYS_FLAGS(name##_load_wide) }, \
	{ ALWAYS_FLAGS(name##_store), ALWAYS_FLAGS(name##_store) },	\
}

#define ALU_LINE_ONLY(name) {						\
	{ ALWAYS_FLAGS(name##_reg_narrow), FLAGS_OR_NOT(name##_reg_wide) }, \
	{ ALWAYS_FLAGS(name##_load_narrow), FLAGS_OR_NOT(name##_load_wide) }, \
	{ ALWAYS_FLAGS(name##_store), ALWAYS_FLAGS(name##_store) },	\
}

const emu_uop_fn emu_quick_alu[NR_ALU][NR_FORMS][2][2] = {
	[ALU_ADD] = ALU_LINE_ONLY(add),
	[ALU_OR] = ALU_LINE_ONLY(or),
	[ALU_ADC] = ALU_LINE(adc),
	[ALU_SBB] = ALU_LINE(sbb),
	[ALU_AND] = ALU_LINE_ONLY(and),
	[ALU_SUB] = ALU_LINE_ONLY(sub),
	[ALU_XOR] = ALU_LINE_ONLY(xor),
	[ALU_CMP] = ALU_LINE(cmp),
	[ALU_TEST] = ALU_LINE(test),
};

/* With one operand, or with a count in imm that is below the operand's bits */

static __always_inline u64 signed_destination(const struct emu *cpu,
					      const struct emu_uop *u)
{
	return flags_result(place(cpu, u->dst), u->shift);
}

static __always_inline enum emu_uop_result
do_unary(struct emu *cpu, const struct emu_uop *u, enum emu_unary op, bool flags)
{
	u64 v = destination(cpu, u), res;
	bool cf = false, of = false;

	switch (op) {
	case UNARY_INC:
		res = v + 1;
		if (flags)
			flags_inc(cpu, u->shift, res);
		break;
	case UNARY_DEC:
		res = v - 1;
		if (flags)
			flags_dec(cpu, u->shift, res);
		break;
	case UNARY_NOT:
		res = ~v;
		break;
	case UNARY_NEG:
		res = -v;
		if (flags)
			flags_operands(cpu, u->shift, LF_SUB, 0, v, res);
		break;
	case UNARY_SHL:
		res = v << u->imm;
		cf = v << u->shift << (u->imm - 1) >> 63;
		of = cf ^ (res << u->shift >> 63);
		break;
	case UNARY_SHR:
		res = v >> u->imm;
		cf = v >> (u->imm - 1) & 1;
		of = (res ^ res << 1) << u->shift >> 63;
		break;
	case UNARY_SAR:
		v = signed_destination(cpu, u);
		res = (u64)((s64)v >> u->imm);
		cf = v >> (u->imm - 1) & 1;
		break;
	case UNARY_ROL:
		res = v << u->imm | v >> (8 * u->size - u->imm);
		if (flags)
			flags_set_cf_of(cpu, res & 1,
					(res ^ res << u->shift >> 63) & 1);
		break;
	default:
		res = v >> u->imm | v << (8 * u->size - u->imm);
		if (flags)
			flags_set_cf_of(cpu, res << u->shift >> 63,
					(res ^ res << 1) << u->shift >> 63);
		break;
	}
	if (flags && op >= UNARY_SHL && op <= UNARY_SAR)
		flags_plain(cpu, flags_result(res, u->shift),
			    (cf ? LF_CF : 0) | (cf ^ of ? LF_PO : 0));
	set_destination(cpu, u, res, false);
	return UOP_NEXT;
}

#define UNARY(name, op)							\
STATIC_UOP(name, do_unary(cpu, u, op, true))				\
STATIC_UOP(name##_only, do_unary(cpu, u, op, false))

UNARY(inc, UNARY_INC)
UNARY(dec, UNARY_DEC)
UNARY(not, UNARY_NOT)
UNARY(neg, UNARY_NEG)
UNARY(shl, UNARY_SHL)
UNARY(shr, UNARY_SHR)
UNARY(sar, UNARY_SAR)
UNARY(rol, UNARY_ROL)
UNARY(ror, UNARY_ROR)

const emu_uop_fn emu_quick_unary[NR_UNARY][2] = {
	[UNARY_INC] = FLAGS_OR_NOT(inc),
	[UNARY_DEC] = FLAGS_OR_NOT(dec),
	[UNARY_NOT] = FLAGS_OR_NOT(not),
	[UNARY_NEG] = FLAGS_OR_NOT(neg),
	[UNARY_SHL] = FLAGS_OR_NOT(shl),
	[UNARY_SHR] = FLAGS_OR_NOT(shr),
	[UNARY_SAR] = FLAGS_OR_NOT(sar),
	[UNARY_ROL] = FLAGS_OR_NOT(rol),
	[UNARY_ROR] = FLAGS_OR_NOT(ror),
};

/* Any other pure instruction */

/* Is there memory behind its operand; @write: it stores. */
static bool pure_memory(struct emu *cpu, const struct emu_insn *i, bool *write,
			u8 **p)
{
	bool dst = OPERAND_METHOD(i->op->op[0]) == M_E;
	unsigned int size = i->size;

	if (!dst && OPERAND_METHOD(i->op->op[1]) == M_E)
		size = i->ssize;
	*write = dst && !(i->op->flags & F_NOWB);
	return memory(cpu, i->seg * sizeof(struct emu_quick_seg), cpu->ea, size,
		      *write, true, p);
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

static enum emu_uop_result do_pure(struct emu *cpu, const struct emu_uop *u)
{
	const struct emu_insn *i = &u->insn;
	struct emu_lazy_flags lf = cpu->lf;
	bool write = false;
	u8 *p = NULL;

	if (i->mem) {
		cpu->next_rip = quick_rip(cpu, u->end);
		cpu->ea = emu_ea(cpu, i);
		if (pure_accesses(i) && !pure_memory(cpu, i, &write, &p))
			return UOP_STEP;
	}
	if (emu_operate(cpu, i)) {
		cpu->lf = lf;
		return UOP_STEP;
	}
	return write ? stored(cpu, p) : UOP_NEXT;
}

UOP(pure, do_pure(cpu, u))

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

static __always_inline bool push_at(struct emu *cpu, const struct emu_uop *u,
				    u64 *sp, bool beside, u8 **p)
{
	*sp = stack_at(cpu, -(u64)u->size);
	return memory(cpu, STACK, *sp, u->size, true, beside, p);
}

static __always_inline enum emu_uop_result
do_push(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	u64 sp;
	u8 *p;

	if (unlikely(!push_at(cpu, u, &sp, beside, &p)))
		return UOP_STEP;
	host_write(p, u->size, place(cpu, u->src));
	set_stack(cpu, sp);
	return stored(cpu, p);
}

static __always_inline enum emu_uop_result
do_pop(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	u64 val;
	u8 *p;

	if (unlikely(!memory(cpu, STACK, stack_at(cpu, 0), u->size, false, beside,
			     &p)))
		return UOP_STEP;
	val = host_read(p, u->size);
	set_stack(cpu, stack_at(cpu, u->size));
	set_destination(cpu, u, val, false);
	return UOP_NEXT;
}

static __always_inline enum emu_uop_result
do_leave(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	u64 sp = cpu->st.regs.gpr[EMU_RBP] & cpu->quick.sp_mask;
	u64 val;
	u8 *p;

	if (unlikely(!memory(cpu, STACK, sp, u->size, false, beside, &p)))
		return UOP_STEP;
	val = host_read(p, u->size);
	set_stack(cpu, (sp + u->size) & cpu->quick.sp_mask);
	set_destination(cpu, u, val, false);
	return UOP_NEXT;
}

UOP_MEM(push, do_push(cpu, u, beside))
UOP_MEM(pop, do_pop(cpu, u, beside))
UOP_MEM(leave, do_leave(cpu, u, beside))

/* Branches; each but those that may not be taken ends its block */

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
STATIC_UOP(jcc##n, branch(cpu, u, flags_condition(cpu, n) != (u->cc & 1)))

#define EACH_CONDITION(do)						\
	do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)

EACH_CONDITION(JCC)

const emu_uop_fn emu_quick_jcc[8] = {
	uop_jcc0, uop_jcc1, uop_jcc2, uop_jcc3, uop_jcc4, uop_jcc5, uop_jcc6,
	uop_jcc7,
};

static __always_inline enum emu_uop_result
do_jmp(struct emu *cpu, const struct emu_uop *u)
{
	return branch(cpu, u, true);
}

/* jmp reg */
static __always_inline enum emu_uop_result
do_jmp_reg(struct emu *cpu, const struct emu_uop *u)
{
	return lead_to(cpu, source(cpu, u)) ? UOP_JUMP : UOP_STEP;
}

static __always_inline enum emu_uop_result
do_jmp_load(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	u8 *p;

	if (unlikely(!operand(cpu, u, u->size, false, beside, &p)))
		return UOP_STEP;
	return lead_to(cpu, host_read(p, u->size)) ? UOP_JUMP : UOP_STEP;
}

static __always_inline enum emu_uop_result call_to(struct emu *cpu,
						   const struct emu_uop *u,
						   u64 rip, bool beside)
{
	u64 sp;
	u8 *p;

	if (unlikely(!push_at(cpu, u, &sp, beside, &p)) || !lead_to(cpu, rip))
		return UOP_STEP;
	host_write(p, u->size, quick_rip(cpu, u->end));
	set_stack(cpu, sp);
	return UOP_JUMP;
}

static __always_inline enum emu_uop_result
do_call(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	return call_to(cpu, u, target(cpu, u), beside);
}

static __always_inline enum emu_uop_result
do_call_reg(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	return call_to(cpu, u, source(cpu, u), beside);
}

static __always_inline enum emu_uop_result
do_call_load(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	u8 *p;

	if (unlikely(!operand(cpu, u, u->size, false, beside, &p)))
		return UOP_STEP;
	return call_to(cpu, u, host_read(p, u->size), beside);
}

/* ret, ret imm16 */
static __always_inline enum emu_uop_result
do_ret(struct emu *cpu, const struct emu_uop *u, bool beside)
{
	u8 *p;

	if (unlikely(!memory(cpu, STACK, stack_at(cpu, 0), u->size, false, beside,
			     &p)) ||
	    !lead_to(cpu, host_read(p, u->size)))
		return UOP_STEP;
	set_stack(cpu, stack_at(cpu, u->size + u->imm));
	return UOP_JUMP;
}

/* loop: counts in the address size; jcxz */
static __always_inline enum emu_uop_result
do_loop(struct emu *cpu, const struct emu_uop *u)
{
	u64 left = (place(cpu, u->dst) - 1) & u->mask;
	enum emu_uop_result r = branch(cpu, u, left);

	if (r != UOP_STEP)
		set_destination(cpu, u, left, false);
	return r;
}

static __always_inline enum emu_uop_result
do_jcxz(struct emu *cpu, const struct emu_uop *u)
{
	return branch(cpu, u, !destination(cpu, u));
}

UOP(jmp, do_jmp(cpu, u))
UOP(jmp_reg, do_jmp_reg(cpu, u))
UOP_MEM(jmp_load, do_jmp_load(cpu, u, beside))
UOP_MEM(call, do_call(cpu, u, beside))
UOP_MEM(call_reg, do_call_reg(cpu, u, beside))
UOP_MEM(call_load, do_call_load(cpu, u, beside))
UOP_MEM(ret, do_ret(cpu, u, beside))
UOP(loop, do_loop(cpu, u))
UOP(jcxz, do_jcxz(cpu, u))

/* cmp or test, and a conditional branch */

static __always_inline bool compared(const struct emu_uop *u, enum emu_alu op,
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
compare_branch(struct emu *cpu, const struct emu_uop *u, enum emu_alu op,
	       enum emu_form form, unsigned int cc, bool beside)
{
	enum emu_uop_result r;
	u8 *p = NULL;
	u64 a, b;

	if (form != FORM_REG &&
	    unlikely(!operand(cpu, u, u->size, false, beside, &p)))
		return UOP_STEP;
	a = form == FORM_STORE ? host_read(p, u->size) : destination(cpu, u);
	b = form == FORM_LOAD ? host_read(p, u->size) : source(cpu, u);
	alu(cpu, u, op, a, b, true);
	r = branch(cpu, u, compared(u, op, cc, a, b) != (u->cc & 1));
	return likely(r != UOP_STEP) ? r : UOP_HALF;
}

#define COMPARE_REG(n)							\
STATIC_UOP(cmp_reg_jcc##n,						\
	   compare_branch(cpu, u, ALU_CMP, FORM_REG, n, false))		\
STATIC_UOP(test_reg_jcc##n,						\
	   compare_branch(cpu, u, ALU_TEST, FORM_REG, n, false))

#define COMPARE_MEM(n)							\
STATIC_UOP_MEM(cmp_load_jcc##n,						\
	       compare_branch(cpu, u, ALU_CMP, FORM_LOAD, n, beside))	\
STATIC_UOP_MEM(cmp_store_jcc##n,					\
	       compare_branch(cpu, u, ALU_CMP, FORM_STORE, n, beside))	\
STATIC_UOP_MEM(test_store_jcc##n,					\
	       compare_branch(cpu, u, ALU_TEST, FORM_STORE, n, beside))

EACH_CONDITION(COMPARE_REG)
EACH_CONDITION(COMPARE_MEM)

#define COMPARE_LINE(name) {						\
	uop_##name##_jcc0, uop_##name##_jcc1, uop_##name##_jcc2,	\
	uop_##name##_jcc3, uop_##name##_jcc4, uop_##name##_jcc5,	\
	uop_##name##_jcc6, uop_##name##_jcc7,				\
}

const emu_uop_fn emu_quick_compare[2][NR_FORMS][8] = {
	{
		COMPARE_LINE(cmp_reg), COMPARE_LINE(cmp_load),
		COMPARE_LINE(cmp_store),
	}, {
		COMPARE_LINE(test_reg), COMPARE_LINE(test_store),
		COMPARE_LINE(test_store),
	},
};

/* Ports */

static __always_inline bool port(struct emu *cpu, const struct emu_uop *u,
				 enum emu_dir dir, u32 *val)
{
	const struct emu_ops *ops = cpu->ops;

	if (unlikely(!cpu->quick.ports || !ops->port_quick))
		return false;
	/* The hook may look where it is, and what the flags are. */
	cpu->st.regs.rip = quick_rip(cpu, u->start);
	return ops->port_quick(cpu, place(cpu, u->src), u->size, dir, val);
}

/* A device may have asked for an interrupt. */
static enum emu_uop_result after_port(const struct emu *cpu)
{
	const struct emu_event *ev = &cpu->st.event;

	return ev->intr_pending | ev->nmi_pending | ev->intr_window |
	       ev->init_pending | ev->mc_pending ? UOP_LAST : UOP_NEXT;
}

static __always_inline enum emu_uop_result do_out(struct emu *cpu,
						  const struct emu_uop *u)
{
	u32 val = destination(cpu, u);

	return port(cpu, u, EMU_WRITE, &val) ? after_port(cpu) : UOP_STEP;
}

static __always_inline enum emu_uop_result do_in(struct emu *cpu,
						 const struct emu_uop *u)
{
	u32 val = 0;

	if (!port(cpu, u, EMU_READ, &val))
		return UOP_STEP;
	set_destination(cpu, u, val, false);
	return after_port(cpu);
}

UOP(out, do_out(cpu, u))
UOP(in, do_in(cpu, u))

/* What has to be stepped. */
enum emu_uop_result uop_step(struct emu *cpu, const struct emu_uop *u)
{
	/* What leaves with the bytes that follow it fetches them itself. */
	if (!(u->insn.op->flags & F_UNSUP) && u->insn.exec != em_unsupported)
		cpu->decoded = &u->insn;
	return leave(cpu, u, UOP_STEP);
}

/*
 * Two that often follow one another have a function for both, in the place of the
 * first: a jump less, which counts where jumps are slow. The second keeps its own.
 */
#define DO_mov_wide		do_set(cpu, u, place(cpu, u->src), true)
#define DO_lea_wide		do_set(cpu, u, address(cpu, u), true)
#define DO_add_reg_wide_only	do_alu_reg(cpu, u, ALU_ADD, false, true)
#define DO_and_reg_wide_only	do_alu_reg(cpu, u, ALU_AND, false, true)
#define DO_xor_reg_wide_only	do_alu_reg(cpu, u, ALU_XOR, false, true)
#define DO_shr_only		do_unary(cpu, u, UNARY_SHR, false)
#define DO_load1_wide		do_load(cpu, u, 1, false, true, false)
#define DO_load4		do_load(cpu, u, 4, false, true, false)
#define DO_store4		do_store(cpu, u, 4, false)
#define DO_jcc2			branch(cpu, u, flags_condition(cpu, 2) != (u->cc & 1))
#define DO_dec			do_unary(cpu, u, UNARY_DEC, true)
#define DO_cmp_reg_jcc1		compare_branch(cpu, u, ALU_CMP, FORM_REG, 1, false)
#define DO_cmp_reg_jcc2		compare_branch(cpu, u, ALU_CMP, FORM_REG, 2, false)
#define DO_cmp_reg_jcc3		compare_branch(cpu, u, ALU_CMP, FORM_REG, 3, false)
#define DO_test_reg_jcc2	compare_branch(cpu, u, ALU_TEST, FORM_REG, 2, false)

#define AGAIN_mov_wide(u)		leave(cpu, u, UOP_STEP)
#define AGAIN_lea_wide(u)		leave(cpu, u, UOP_STEP)
#define AGAIN_add_reg_wide_only(u)	leave(cpu, u, UOP_STEP)
#define AGAIN_and_reg_wide_only(u)	leave(cpu, u, UOP_STEP)
#define AGAIN_xor_reg_wide_only(u)	leave(cpu, u, UOP_STEP)
#define AGAIN_shr_only(u)		leave(cpu, u, UOP_STEP)
#define AGAIN_load1_wide(u)		beside_load1_wide(cpu, u)
#define AGAIN_load4(u)			beside_load4(cpu, u)
#define AGAIN_store4(u)			beside_store4(cpu, u)
#define AGAIN_jcc2(u)			leave(cpu, u, UOP_STEP)
#define AGAIN_dec(u)			leave(cpu, u, UOP_STEP)
#define AGAIN_cmp_reg_jcc1(u)		leave(cpu, u, UOP_STEP)
#define AGAIN_cmp_reg_jcc2(u)		leave(cpu, u, UOP_STEP)
#define AGAIN_cmp_reg_jcc3(u)		leave(cpu, u, UOP_STEP)
#define AGAIN_test_reg_jcc2(u)		leave(cpu, u, UOP_STEP)

#define FIRSTS(do, second)						\
	do(mov_wide, second) do(lea_wide, second)			\
	do(add_reg_wide_only, second) do(xor_reg_wide_only, second)	\
	do(and_reg_wide_only, second) do(shr_only, second)		\
	do(load1_wide, second) do(load4, second) do(store4, second)

#define SECONDS(do)							\
	do(mov_wide) do(add_reg_wide_only) do(xor_reg_wide_only)	\
	do(and_reg_wide_only) do(shr_only) do(load4) do(cmp_reg_jcc1)	\
	do(cmp_reg_jcc2) do(cmp_reg_jcc3) do(test_reg_jcc2) do(dec)

#define PAIR(a, b)							\
static enum emu_uop_result pair_##a##__##b(struct emu *cpu,		\
					   const struct emu_uop *u)	\
{									\
	enum emu_uop_result r = DO_##a;					\
									\
	if (unlikely(r))						\
		return r == UOP_STEP ? AGAIN_##a(u) : leave(cpu, u, r);	\
	u++;								\
	r = DO_##b;							\
	if (unlikely(r))						\
		return r == UOP_STEP ? AGAIN_##b(u) : leave(cpu, u, r);	\
	return next(cpu, u);						\
}

#define PAIRS_WITH(b)	FIRSTS(PAIR, b)
#define FIRST(a, b)	uop_##a,
#define SECOND(b)	uop_##b,
#define ENTRY(a, b)	pair_##a##__##b,
#define LINE(b)		{ FIRSTS(ENTRY, b) },

SECONDS(PAIRS_WITH)
PAIR(dec, jcc2)

static const emu_uop_fn firsts[] = { FIRSTS(FIRST, any) };
static const emu_uop_fn seconds[] = { SECONDS(SECOND) };
static const emu_uop_fn pairs[ARRAY_SIZE(seconds)][ARRAY_SIZE(firsts)] = {
	SECONDS(LINE)
};

/**
 * emu_quick_pair() - one function for two uops
 * @a: function of the first
 * @b: function of the one after it
 *
 * Return: NULL where there is none.
 */
emu_uop_fn emu_quick_pair(emu_uop_fn a, emu_uop_fn b)
{
	unsigned int n, m;

	if (a == uop_dec && b == uop_jcc2)
		return pair_dec__jcc2;
	for (n = 0; n < ARRAY_SIZE(firsts); n++)
		if (a == firsts[n])
			break;
	for (m = 0; m < ARRAY_SIZE(seconds); m++)
		if (b == seconds[m])
			break;
	if (n == ARRAY_SIZE(firsts) || m == ARRAY_SIZE(seconds))
		return NULL;
	return pairs[m][n];
}
