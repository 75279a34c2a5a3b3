// SPDX-License-Identifier: GPL-2.0
/*
 * From decoded instructions to the uops of a block: which function, which places,
 * which flags nobody will ask for.
 */
#include "handlers.h"
#include "quick.h"

/* Handlers of arithmetic, and which operation each is. */
static const struct {
	emu_handler exec;
	enum emu_alu op;
} alu_of[] = {
	{ em_add, ALU_ADD }, { em_or, ALU_OR }, { em_adc, ALU_ADC },
	{ em_sbb, ALU_SBB }, { em_and, ALU_AND }, { em_sub, ALU_SUB },
	{ em_xor, ALU_XOR }, { em_cmp, ALU_CMP }, { em_test, ALU_TEST },
};

static const struct {
	emu_handler exec;
	enum emu_unary op;
	u8 traits;
} unary_of[] = {
	{ em_inc, UNARY_INC, UOP_SETS_REST }, { em_dec, UNARY_DEC, UOP_SETS_REST },
	{ em_not, UNARY_NOT, UOP_IGNORES }, { em_neg, UNARY_NEG, UOP_SETS },
	{ em_shl, UNARY_SHL, UOP_SETS }, { em_shr, UNARY_SHR, UOP_SETS },
	{ em_sar, UNARY_SAR, UOP_SETS }, { em_rol, UNARY_ROL, UOP_SETS_CF },
	{ em_ror, UNARY_ROR, UOP_SETS_CF },
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
	u->seg = i->seg * sizeof(struct emu_quick_seg);
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

static bool wide(const struct emu_uop *u)
{
	return u->size >= 4;
}

static unsigned int log2_of(unsigned int size)
{
	return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
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
		u->fn = emu_quick_store[log2_of(i->size)];
		return set_source(cpu, u, i, op[1]);
	}
	if (!set_dst(u, i, op[0]))
		return false;
	if (is_memory(i, op[1])) {
		set_address(u, i);
		u->fn = (sign ? emu_quick_load_signed : emu_quick_load)
			[wide(u)][log2_of(i->ssize)];
		return true;
	}
	if (!set_source(cpu, u, i, op[1]))
		return false;
	u->cc = i->ssize;
	/* An immediate has been extended already. */
	if (sign)
		u->fn = emu_quick_movsx[wide(u)];
	else if (i->ssize < i->size && OPERAND_METHOD(op[1]) == M_E)
		u->fn = emu_quick_movzx[wide(u)];
	else
		u->fn = emu_quick_mov[wide(u)];
	u->traits = UOP_FIXED | UOP_IGNORES;
	return true;
}

static bool translate_alu(struct emu *cpu, struct emu_uop *u,
			  struct emu_draft *d, const struct emu_insn *i,
			  enum emu_alu op)
{
	const u8 *o = i->op->op;
	enum emu_form form = FORM_REG;

	set_size(u, i->size);
	if (is_memory(i, o[0]))
		form = FORM_STORE;
	else if (!set_dst(u, i, o[0]))
		return false;
	else if (is_memory(i, o[1]))
		form = FORM_LOAD;
	if (form != FORM_LOAD && !set_source(cpu, u, i, o[1]))
		return false;
	if (form == FORM_REG) {
		u->traits = UOP_FIXED | UOP_SETS;
		if (op == ALU_ADC || op == ALU_SBB)
			u->traits |= UOP_READS_CF;
	} else {
		set_address(u, i);
	}
	u->fn = emu_quick_alu[op][form][wide(u)][0];
	d->only = emu_quick_alu[op][form][wide(u)][1];
	if (op == ALU_CMP || op == ALU_TEST)
		d->fused = emu_quick_compare[op == ALU_TEST][form];
	return true;
}

/* inc, dec, neg, not reg; shifts and rotates of a register by a number */
static bool translate_unary(struct emu_uop *u, struct emu_draft *d,
			    const struct emu_insn *i, unsigned int n)
{
	u8 by = OPERAND_METHOD(i->op->op[1]), count;

	set_size(u, i->size);
	if (by != M_NONE) {
		count = by == M_ONE ? 1 : i->imm;
		u->imm = count & (i->size == 8 ? 63 : 31);
		if (by == M_CL || !u->imm || u->imm >= 8U * i->size)
			return false;
	}
	u->fn = emu_quick_unary[unary_of[n].op][0];
	d->only = emu_quick_unary[unary_of[n].op][1];
	u->traits = UOP_FIXED | unary_of[n].traits;
	return set_dst(u, i, i->op->op[0]);
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
			     struct emu_draft *d, const struct emu_insn *i)
{
	if (size_mask(i->osize) != cpu->quick.rip_mask)
		return false;
	u->rel = (s32)i->imm;
	set_size(u, i->osize);
	if (i->exec == em_jcc) {
		u->cc = i->opcode & 1;
		d->condition = 1 + (i->opcode >> 1 & 7);
		u->fn = emu_quick_jcc[i->opcode >> 1 & 7];
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
	u->fn = emu_quick_lea[wide(u)];
	u->traits = UOP_FIXED | UOP_IGNORES;
	return set_dst(u, i, i->op->op[0]);
}

/* One that has a function of its own. */
static bool translate(struct emu *cpu, struct emu_uop *u, struct emu_draft *d,
		      const struct emu_insn *i)
{
	emu_handler exec = i->exec;
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(alu_of); n++)
		if (exec == alu_of[n].exec)
			return translate_alu(cpu, u, d, i, alu_of[n].op);
	for (n = 0; n < ARRAY_SIZE(unary_of); n++)
		if (exec == unary_of[n].exec)
			return translate_unary(u, d, i, n);
	if (exec == em_mov || exec == em_movsx)
		return translate_mov(cpu, u, i);
	if (exec == em_lea)
		return translate_lea(u, i);
	if (exec == em_push || exec == em_push_imm)
		return translate_push(cpu, u, i);
	if (exec == em_pop)
		return translate_pop(u, i);
	if (exec == em_jcc || exec == em_jmp || exec == em_call ||
	    exec == em_loop || exec == em_jcxz)
		return translate_branch(cpu, u, d, i);
	if (exec == em_jmp_mem || exec == em_call_mem)
		return translate_indirect(cpu, u, i);
	if (exec == em_ret)
		return translate_ret(u, i);
	if (exec == em_leave)
		return translate_leave(u, i);
	if (exec == em_in || exec == em_out)
		return translate_port(cpu, u, i);
	if (exec == em_nop) {
		u->fn = emu_quick_nop;
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
static bool fuse(struct emu_uop *last, const struct emu_draft *last_draft,
		 const struct emu_uop *jcc, const struct emu_draft *draft)
{
	if (!last_draft->fused || !draft->condition)
		return false;
	last->fn = last_draft->fused[draft->condition - 1];
	last->mid = last->end;
	last->end = jcc->end;
	last->rel = jcc->rel;
	last->cc = jcc->cc;
	last->traits |= UOP_PAIR;
	last->done++;
	return true;
}

/**
 * emu_uop_translate() - from a decoded instruction to a uop
 * @cpu: engine, with its view of the state
 * @i: instruction
 * @u: its @start, @end and @done are set, the rest is written
 * @d: likewise
 * @first: the block's first uop
 * @more: false: the block ends here
 *
 * Return: whether @u is a uop of its own, and not part of the one before it.
 */
bool emu_uop_translate(struct emu *cpu, const struct emu_insn *i,
		       struct emu_uop *u, struct emu_draft *d, bool first,
		       bool *more)
{
	u32 flags = i->op->flags;

	u->traits = 0;
	*d = (struct emu_draft){ NULL };
	*more = !ends_block(i);
	if (!i->lock && !((flags & F_XLOCK) && i->mem) &&
	    !(flags & (F_PRIV | F_UDPRIV | F_UNSUP | F_STRING))) {
		if (translate(cpu, u, d, i)) {
			if (first || !fuse(u - 1, d - 1, u, d))
				return true;
			d[-1].only = NULL;
			d[-1].fused = NULL;
			return false;
		}
		*d = (struct emu_draft){ NULL };
		u->traits = 0;
		u->insn = *i;
		/* Its place is not the one that an offset is read from. */
		if ((flags & F_PURE) && i->base != offsetof(struct emu, insn.imm)) {
			u->fn = uop_pure;
			return true;
		}
	}
	u->fn = uop_step;
	u->insn = *i;
	*more = false;
	return true;
}

/* Flags that it changes: a rotate also OF. */
static u8 flags_set(const struct emu_uop *u)
{
	u8 set = u->traits & UOP_SETS;

	return set == UOP_SETS_CF ? UOP_SETS : set;
}

/**
 * emu_uop_finish() - look at the uops of a block together
 * @first: first of them
 * @d: what was noted of each
 * @nr: how many
 *
 * Flags that are set again before anything can see them are not computed. A rotate
 * sets OF too and leaves the rest alone; that only means that it is computed more
 * often than it had to be.
 */
void emu_uop_finish(struct emu_uop *first, const struct emu_draft *d,
		    unsigned int nr)
{
	u8 seen = UOP_SETS;		/* flags that may be asked for from here on */
	struct emu_uop *u;
	emu_uop_fn both;
	unsigned int n;

	for (n = nr; n-- > 0; ) {
		u = &first[n];
		if (!(u->traits & UOP_FIXED)) {
			if (!seen && d[n].only)
				u->fn = d[n].only;
			seen = UOP_SETS;
			continue;
		}
		if (u->traits & UOP_IGNORES)
			continue;
		if (!(seen & flags_set(u)) && d[n].only)
			u->fn = d[n].only;
		else
			seen &= ~u->traits;
		if (u->traits & UOP_READS_CF)
			seen |= UOP_SETS_CF;
	}
	for (n = 0; n + 1 < nr; n++) {
		both = emu_quick_pair(first[n].fn, first[n + 1].fn);
		if (both)
			first[n++].fn = both;
	}
}
