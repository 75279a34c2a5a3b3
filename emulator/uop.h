/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the functions of uops are made of: uop-*.c.
 *
 * None of them raises anything or leaves. One that cannot go straight through (no
 * window, a limit, a breakpoint) says UOP_STEP with nothing changed, and the step of
 * run.c does the instruction from its beginning with everything that belongs to it.
 *
 * One that is done goes on with the next one by itself: a call in tail position,
 * which the compiler makes a jump; the last of a block is always one that leaves it.
 * Where a compiler might keep the calls each would take stack: there each uop comes
 * back and names the next one (UOP_GO, emu_uops_run()).
 *
 * Sizes: functions for 1, 4 and 8 bytes have the size built in. Size 0 stands for
 * any, as the uop says. Second bytes of registers (AH to BH) have no place here. An
 * immediate is read in its uop as if it were a register.
 */
#ifndef EMU_UOP_H
#define EMU_UOP_H

#include "quick.h"
#include "window.h"

/* Going on: see quick.h */

/* On, after what came to @r. */
static __always_inline enum emu_uop_result
uop_after(struct emu *cpu, const struct emu_uop *u, u64 left, enum emu_uop_result r)
{
	if (r == UOP_STORED)
		return uop_stored(cpu, u, left);
	return unlikely(r) ? uop_leave(cpu, u, left, r) : uop_next(cpu, u, left);
}

/* A function of what do_*() does; it is declared for uop-pair.c. */
#define UOP(name, ...)							\
EMU_UOP(name);								\
EMU_UOP(name)								\
{									\
	return uop_after(cpu, u, left, __VA_ARGS__);			\
}

/* With a memory operand: what the short way finds no memory for goes the long one. */
#define UOP_MEM(name, ...)						\
EMU_UOP(name);								\
EMU_UOP(name)								\
{									\
	enum emu_uop_result r = __VA_ARGS__;				\
									\
	if (unlikely(r))						\
		return uop_stopped(cpu, u, left, r);			\
	return uop_next(cpu, u, left);					\
}

static __always_inline enum emu_uop_result
uop_stopped(struct emu *cpu, const struct emu_uop *u, u64 left, enum emu_uop_result r)
{
	return r == UOP_STEP ? uop_beside(cpu, u, left) : uop_after(cpu, u, left, r);
}

/* One that says itself how it goes on. */
#define UOP_BRANCH(name, ...)						\
EMU_UOP(name);								\
EMU_UOP(name)								\
{									\
	return __VA_ARGS__;						\
}

/* Registers */

static __always_inline u64 place(const struct emu *cpu, u32 at)
{
	return *(const u64 *)((const u8 *)cpu + at);
}

static __always_inline u64 value(const struct emu *cpu, const struct emu_uop *u,
				 u32 at, unsigned int size)
{
	const u8 *p = (const u8 *)cpu + at;

	switch (size) {
	case 1:
		return *p;
	case 4:
		return *(const u32 *)p;
	case 8:
		return *(const u64 *)p;
	default:
		return *(const u64 *)p & u->mask;
	}
}

/*
 * A 32-bit write clears the upper half, as in 64-bit mode. One of a byte stores all of
 * the register: the host passes a store on to loads of what it has written, but makes
 * one of more wait until it is in the cache.
 */
static __always_inline void set_dst(struct emu *cpu, const struct emu_uop *u,
				    u64 val, unsigned int size)
{
	u8 *p = (u8 *)cpu + u->dst;

	switch (size) {
	case 1:
		WRITE_ONCE(*(u64 *)p, (*(u64 *)p & ~0xffULL) | (u8)val);
		break;
	case 4:
		*(u64 *)p = (u32)val;
		break;
	case 8:
		*(u64 *)p = val;
		break;
	default:
		val &= u->mask;
		*(u64 *)p = u->size < 4 ? (*(u64 *)p & ~u->mask) | val : val;
		break;
	}
}

static __always_inline unsigned int shift_of(const struct emu_uop *u,
					     unsigned int size)
{
	return size ? 64 - 8 * size : u->shift;
}

/* Memory */

/* How memory is found. */
enum emu_view {
	VIEW_FLAT,		/* the offset is the linear address */
	VIEW_SEG,		/* in any segment */
	VIEW_ANY,		/* in any, and in pages with breakpoints or watches */
};

static __always_inline u64 address(const struct emu *cpu, const struct emu_uop *u)
{
	u64 at = place(cpu, u->base) + (u64)u->disp;

	if (u->index != offsetof(struct emu, zero))
		at += place(cpu, u->index) << u->scale;
	return at & u->amask;
}

/*
 * Is there host memory of an access that nothing special is about? Where it was the
 * last time; uop_beside() looks elsewhere, and leaves what it finds here. Whatever
 * takes rights to a page away begins another generation.
 */
static __always_inline bool flat_host(const struct emu *cpu, const struct emu_uop *u,
				      u64 lin, unsigned int size, u8 **p)
{
	u64 at = lin % EMU_PAGE;

	/* As a number: there may be no page yet. */
	*p = (u8 *)((unsigned long)u->host + at);
	return likely(u->page == emu_page_tag(cpu, lin) && at <= EMU_PAGE - size);
}

/* @seg is a place in emu_quick.seg. */
static __always_inline bool seg_host(const struct emu *cpu, const struct emu_uop *u,
				     unsigned int seg, u64 off, unsigned int size,
				     bool write, u8 **p)
{
	const struct emu_quick *q = &cpu->quick;
	const struct emu_quick_seg *s = (const void *)((const u8 *)q->seg + seg);

	if (unlikely(off + size > (write ? s->write_end : s->read_end)))
		return false;
	return flat_host(cpu, u, (s->base + off) & q->lin_mask, size, p);
}

static __always_inline bool memory(struct emu *cpu, const struct emu_uop *u,
				   unsigned int seg, u64 off, unsigned int size,
				   bool write, enum emu_view view, u8 **p)
{
	switch (view) {
	case VIEW_FLAT:
		return flat_host(cpu, u, off, size, p);
	case VIEW_SEG:
		return seg_host(cpu, u, seg, off, size, write, p);
	default:
		*p = emu_quick_memory(cpu, u, seg, off, size, write);
		return *p;
	}
}

/* The memory operand; @size 0: of the size that the uop says. */
static __always_inline bool operand(struct emu *cpu, const struct emu_uop *u,
				    unsigned int size, bool write, enum emu_view view,
				    u8 **p)
{
	return memory(cpu, u, u->seg, address(cpu, u), size ? size : u->size, write,
		      view, p);
}

/* Of the sizes that operands have; host_read() knows parts of them too. */
static __always_inline u64 host_get(const u8 *p, unsigned int size)
{
	switch (size) {
	case 1:
		return host_read(p, 1);
	case 2:
		return host_read(p, 2);
	case 4:
		return host_read(p, 4);
	default:
		return host_read(p, 8);
	}
}

static __always_inline void host_put(u8 *p, unsigned int size, u64 val)
{
	switch (size) {
	case 1:
		host_write(p, 1, val);
		break;
	case 2:
		host_write(p, 2, val);
		break;
	case 4:
		host_write(p, 4, val);
		break;
	default:
		host_write(p, 8, val);
		break;
	}
}

#define STACK	(EMU_SS * sizeof(struct emu_quick_seg))

static __always_inline u64 stack_at(const struct emu *cpu, u64 off)
{
	return (cpu->st.regs.gpr[EMU_RSP] + off) & cpu->quick.sp_mask;
}

static __always_inline bool stack(struct emu *cpu, const struct emu_uop *u, u64 sp,
				  unsigned int size, bool write, enum emu_view view,
				  u8 **p)
{
	return memory(cpu, u, STACK, sp, size, write, view, p);
}

static __always_inline void set_stack(struct emu *cpu, u64 sp, enum emu_view view)
{
	u64 *p = &cpu->st.regs.gpr[EMU_RSP];

	if (view != VIEW_FLAT && unlikely(cpu->quick.sp_size == 2))
		sp |= *p & ~0xffffULL;
	*p = sp;
}

/* After a store: has it met code (K2)? What comes then is not for each store's function. */
static __always_inline enum emu_uop_result stored(struct emu *cpu, const u8 *p)
{
	struct emu_quick *q = &cpu->quick;

	if (likely((unsigned long)p - q->code >= q->code_span))
		return UOP_NEXT;
	q->stored = p;
	return UOP_STORED;
}

/* Moves */

static __always_inline enum emu_uop_result
do_set(struct emu *cpu, const struct emu_uop *u, u64 val, unsigned int size)
{
	set_dst(cpu, u, val, size);
	return UOP_NEXT;
}

/* @size is of the memory operand; @dsize: of the register. */
static __always_inline enum emu_uop_result
do_load(struct emu *cpu, const struct emu_uop *u, unsigned int size, bool sign,
	unsigned int dsize, enum emu_view view)
{
	u64 val;
	u8 *p;

	if (unlikely(!operand(cpu, u, size, false, view, &p)))
		return UOP_STEP;
	val = host_get(p, size);
	set_dst(cpu, u, sign ? sign_extend(val, size) : val, dsize);
	return UOP_NEXT;
}

static __always_inline enum emu_uop_result
do_store(struct emu *cpu, const struct emu_uop *u, unsigned int size,
	 enum emu_view view)
{
	u8 *p;

	if (unlikely(!operand(cpu, u, size, true, view, &p)))
		return UOP_STEP;
	host_put(p, size ? size : u->size, place(cpu, u->src));
	return stored(cpu, p);
}

static __always_inline enum emu_uop_result
do_push(struct emu *cpu, const struct emu_uop *u, unsigned int size,
	enum emu_view view)
{
	u64 sp = stack_at(cpu, -(u64)size);
	u8 *p;

	if (unlikely(!stack(cpu, u, sp, size, true, view, &p)))
		return UOP_STEP;
	host_put(p, size, place(cpu, u->src));
	set_stack(cpu, sp, view);
	return stored(cpu, p);
}

/* @size 0: as the uop says. */
static __always_inline enum emu_uop_result do_pop(struct emu *cpu,
						  const struct emu_uop *u,
						  unsigned int size,
						  enum emu_view view)
{
	unsigned int n = size ? size : u->size;
	u64 val;
	u8 *p;

	if (unlikely(!stack(cpu, u, stack_at(cpu, 0), n, false, view, &p)))
		return UOP_STEP;
	val = host_get(p, n);
	set_stack(cpu, stack_at(cpu, n), view);
	/* POP of the stack pointer: what was read stays. */
	set_dst(cpu, u, val, size);
	return UOP_NEXT;
}

static __always_inline enum emu_uop_result
do_leave(struct emu *cpu, const struct emu_uop *u, enum emu_view view)
{
	u64 sp = cpu->st.regs.gpr[EMU_RBP] & cpu->quick.sp_mask;
	u64 val;
	u8 *p;

	if (unlikely(!stack(cpu, u, sp, u->size, false, view, &p)))
		return UOP_STEP;
	val = host_get(p, u->size);
	set_stack(cpu, (sp + u->size) & cpu->quick.sp_mask, view);
	set_dst(cpu, u, val, 0);
	return UOP_NEXT;
}

/* Arithmetic */

static __always_inline bool alu_writes(enum emu_alu op)
{
	return op != ALU_CMP && op != ALU_TEST;
}

/* Of operands without bits above their size; as alu() and compared() both ask it, once. */
static __always_inline bool below(unsigned int size, u64 a, u64 b)
{
	return size == 4 ? (u32)a < (u32)b : a < b;
}

/* @flags: not for an instruction whose flags nobody will ask for. */
static __always_inline u64 alu(struct emu *cpu, const struct emu_uop *u,
			       enum emu_alu op, unsigned int size, u64 a, u64 b,
			       bool flags)
{
	unsigned int shift = shift_of(u, size);
	u32 res32;
	u64 res;
	bool c;

	switch (op) {
	case ALU_ADD:
		/* Neither has bits above the operand's. */
		if (size == 4) {
			c = __builtin_add_overflow((u32)a, (u32)b, &res32);
			res = res32;
		} else {
			res = a + b;
			c = (res << shift) < (a << shift);
		}
		if (flags)
			flags_operands(cpu, shift, LF_ADD, a, b, res, c);
		return res;
	case ALU_ADC:
		res = a + b + flag_cf(cpu);
		if (flags)
			flags_operands(cpu, shift, LF_ADC, a, b, res,
				       carry_add(shift, a, b, res));
		return res;
	case ALU_SUB:
	case ALU_CMP:
		res = a - b;
		if (flags)
			flags_operands(cpu, shift, LF_SUB, a, b, res,
				       below(size, a, b));
		return res;
	case ALU_SBB:
		res = a - b - flag_cf(cpu);
		if (flags)
			flags_operands(cpu, shift, LF_SBB, a, b, res,
				       carry_sub(shift, a, b, res));
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
		flags_plain(cpu, flags_result(res, shift), 0, false);
	return res;
}

/* op reg, reg; op reg, imm; and as two of three: mov dst, a; op dst, src */
static __always_inline enum emu_uop_result
do_alu_reg(struct emu *cpu, const struct emu_uop *u, enum emu_alu op,
	   unsigned int size, bool flags)
{
	u64 a = value(cpu, u, u->a, size), b = value(cpu, u, u->src, size);
	u64 res = alu(cpu, u, op, size, a, b, flags);

	if (alu_writes(op))
		set_dst(cpu, u, res, size);
	return UOP_NEXT;
}

/* op reg, mem */
static __always_inline enum emu_uop_result
do_alu_load(struct emu *cpu, const struct emu_uop *u, enum emu_alu op,
	    unsigned int size, bool flags, enum emu_view view)
{
	u64 res;
	u8 *p;

	if (unlikely(!operand(cpu, u, size, false, view, &p)))
		return UOP_STEP;
	res = alu(cpu, u, op, size, value(cpu, u, u->a, size),
		  host_get(p, size ? size : u->size), flags);
	if (alu_writes(op))
		set_dst(cpu, u, res, size);
	return UOP_NEXT;
}

/* op mem, reg; op mem, imm */
static __always_inline enum emu_uop_result
do_alu_store(struct emu *cpu, const struct emu_uop *u, enum emu_alu op,
	     unsigned int size, enum emu_view view)
{
	u64 res;
	u8 *p;

	if (unlikely(!operand(cpu, u, size, alu_writes(op), view, &p)))
		return UOP_STEP;
	res = alu(cpu, u, op, size, host_get(p, size ? size : u->size),
		  value(cpu, u, u->src, size), true);
	if (!alu_writes(op))
		return UOP_NEXT;
	host_put(p, size ? size : u->size, res);
	return stored(cpu, p);
}

/* With one operand, or with a count in imm that is below the operand's bits. */
static __always_inline u64 unary_result(struct emu *cpu, const struct emu_uop *u,
					enum emu_unary op, unsigned int size, u64 v,
					bool flags)
{
	unsigned int shift = shift_of(u, size);
	bool cf = false, of = false;
	u64 res;

	switch (op) {
	case UNARY_INC:
		res = v + 1;
		if (flags)
			flags_step(cpu, shift, LF_ADD, res);
		break;
	case UNARY_DEC:
		res = v - 1;
		if (flags)
			flags_step(cpu, shift, LF_SUB, res);
		break;
	case UNARY_NOT:
		res = ~v;
		break;
	case UNARY_NEG:
		res = -v;
		if (flags)
			flags_operands(cpu, shift, LF_SUB, 0, v, res, v);
		break;
	case UNARY_SHL:
		res = v << u->imm;
		cf = v << shift << (u->imm - 1) >> 63;
		of = cf ^ (res << shift >> 63);
		break;
	case UNARY_SHR:
		res = v >> u->imm;
		cf = v >> (u->imm - 1) & 1;
		of = (res ^ res << 1) << shift >> 63;
		break;
	case UNARY_SAR:
		v = flags_result(v, shift);
		res = (u64)((s64)v >> u->imm);
		cf = v >> (u->imm - 1) & 1;
		break;
	case UNARY_ROL:
		res = v << u->imm | v >> (64 - shift - u->imm);
		if (flags)
			flags_set_cf_of(cpu, res & 1,
					(res ^ res << shift >> 63) & 1);
		break;
	default:
		res = v >> u->imm | v << (64 - shift - u->imm);
		if (flags)
			flags_set_cf_of(cpu, res << shift >> 63,
					(res ^ res << 1) << shift >> 63);
		break;
	}
	if (flags && op >= UNARY_SHL && op <= UNARY_SAR)
		flags_plain(cpu, flags_result(res, shift), of ? LF_OF : 0, cf);
	return res;
}

/* op reg */
static __always_inline enum emu_uop_result
do_unary(struct emu *cpu, const struct emu_uop *u, enum emu_unary op,
	 unsigned int size, bool flags)
{
	set_dst(cpu, u, unary_result(cpu, u, op, size, value(cpu, u, u->a, size), flags), size);
	return UOP_NEXT;
}

/* op mem */
static __always_inline enum emu_uop_result
do_unary_store(struct emu *cpu, const struct emu_uop *u, enum emu_unary op,
	       unsigned int size, enum emu_view view)
{
	unsigned int n = size ? size : u->size;
	u8 *p;

	if (unlikely(!operand(cpu, u, size, true, view, &p)))
		return UOP_STEP;
	host_put(p, n, unary_result(cpu, u, op, size, host_get(p, n), true));
	return stored(cpu, p);
}

/* Branches */

/* Into a block that has been compared, at an offset of the page that is known. */
static __always_inline enum emu_uop_result
uop_enter(struct emu *cpu, const struct emu_block *b, u64 left, u64 at)
{
	struct emu_quick *q = &cpu->quick;

	q->start = q->page_rip + at;
	q->running = b;
	return uop_go(cpu, b->first, left);
}

/* Is @rip in the page that is known, and not in its last bytes? */
static __always_inline bool in_page(const struct emu *cpu, u64 rip)
{
	return rip - cpu->quick.page_rip < cpu->quick.page_room;
}

/* Can be fetched from @rip? */
static __always_inline bool fetchable(const struct emu *cpu, u64 rip)
{
	return likely(in_page(cpu, rip)) ||
	       rip + cpu->quick.code_bias <= cpu->quick.code_top;
}

/* On to @rip, which can be fetched from, after @u. */
static __always_inline enum emu_uop_result
go_to(struct emu *cpu, const struct emu_uop *u, u64 left, u64 rip)
{
	struct emu_quick *q = &cpu->quick;
	const struct emu_block *b = u->link;
	u64 at = rip - q->page_rip;

	left -= u->done;
	if (unlikely(!in_page(cpu, rip))) {
		q->next = rip;
		q->left = left;
		return UOP_JUMP;
	}
	/* Mostly it leads where it led the last time; the host predicts each by itself. */
	if (unlikely(b->tag != q->page_tag + at || b->epoch != q->epoch || b->n > left))
		return emu_block_enter(cpu, u, left, at);
	return uop_enter(cpu, b, left, at);
}

static __always_inline u64 target(const struct emu *cpu, const struct emu_uop *u)
{
	return (cpu->quick.start + (u64)u->rel) & cpu->quick.rip_mask;
}

static __always_inline enum emu_uop_result
jump(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	if (!u->to)
		return uop_jump_out(cpu, u, left);
	/* Within the block, unless that might be too many. */
	left -= (u64)(s64)u->back;
	if (unlikely(left < u->whole))
		return emu_block_short(cpu, u, left);
	u = (const struct emu_uop *)((const u8 *)u + u->to);
	return uop_go(cpu, u, left);
}

static __always_inline enum emu_uop_result
branch(struct emu *cpu, const struct emu_uop *u, u64 left, bool taken)
{
	return taken ? jump(cpu, u, left) : uop_next(cpu, u, left);
}

static __always_inline bool condition(const struct emu *cpu, unsigned int cc)
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

#endif /* EMU_UOP_H */
