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
	if (!register_of(i, operand, &u->dst))
		return false;
	u->a = u->dst;
	return true;
}

static void set_size(struct emu_uop *u, unsigned int size)
{
	u->size = size;
	u->ssize = size;
	u->shift = 64 - 8 * size;
	u->mask = size_mask(size);
}

/* Is the linear address of the memory operand its offset? */
static bool is_flat(const struct emu *cpu, const struct emu_insn *i)
{
	return cpu->quick.flat && i->seg != EMU_CS && i->seg < EMU_FS &&
	       i->asize >= (i->mode64 ? 8 : 4);
}

static bool is_flat_stack(const struct emu *cpu)
{
	return cpu->quick.flat && cpu->quick.sp_size >= 4;
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

/* mov, movzx, movsx; false: not in one of the forms */
static bool translate_mov(struct emu *cpu, struct emu_uop *u,
			  const struct emu_insn *i)
{
	const u8 *op = i->op->op;
	bool sign = i->exec == em_movsx;

	set_size(u, i->size);
	if (is_memory(i, op[0])) {
		set_address(u, i);
		u->kind = KIND_STORE;
		u->fn = emu_uop_store(i->size, is_flat(cpu, i));
		return set_source(cpu, u, i, op[1]);
	}
	if (!set_dst(u, i, op[0]))
		return false;
	u->ssize = i->ssize;
	if (is_memory(i, op[1])) {
		set_address(u, i);
		u->kind = sign ? KIND_LOAD_SIGNED : KIND_LOAD;
		u->fn = emu_uop_load(i->size, i->ssize, sign, is_flat(cpu, i));
		return true;
	}
	if (!set_source(cpu, u, i, op[1]))
		return false;
	u->traits = UOP_FIXED | UOP_IGNORES;
	/* An immediate has been extended already. */
	if (sign || (i->ssize < i->size && OPERAND_METHOD(op[1]) == M_E)) {
		u->fn = emu_uop_extend(i->size, sign);
		return true;
	}
	u->fn = emu_uop_mov(i->size);
	if (i->size >= 4 && OPERAND_METHOD(op[1]) != M_I)
		u->traits |= UOP_MOVES;
	return true;
}

static bool translate_alu(struct emu *cpu, struct emu_uop *u,
			  struct emu_draft *d, const struct emu_insn *i,
			  enum emu_alu op)
{
	const u8 *o = i->op->op;
	enum emu_form form = FORM_REG;
	bool flat = is_flat(cpu, i);

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
		u->kind = form == FORM_LOAD ? KIND_ALU_LOAD : KIND_ALU_STORE;
	}
	u->op = op;
	u->fn = emu_uop_alu(op, form, i->size, flat);
	d->only = emu_uop_alu_only(op, form, i->size, flat);
	if (op == ALU_CMP || op == ALU_TEST)
		d->fused = emu_uop_compare(op, form, i->size, flat);
	return true;
}

/* inc, dec, neg, not; shifts and rotates by a number */
static bool translate_unary(struct emu *cpu, struct emu_uop *u, struct emu_draft *d,
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
	if (is_memory(i, i->op->op[0])) {
		set_address(u, i);
		u->kind = KIND_UNARY_STORE;
		u->op = unary_of[n].op;
		u->fn = emu_uop_unary_store(u->op, i->size, is_flat(cpu, i));
		return true;
	}
	u->fn = emu_uop_unary(unary_of[n].op, i->size);
	d->only = emu_uop_unary_only(unary_of[n].op, i->size);
	u->traits = UOP_FIXED | unary_of[n].traits;
	/* As a source it has none that could be another's. */
	u->src = offsetof(struct emu, zero);
	return set_dst(u, i, i->op->op[0]);
}

static bool translate_push(struct emu *cpu, struct emu_uop *u,
			   const struct emu_insn *i)
{
	u->kind = KIND_PUSH;
	u->fn = emu_uop_push(i->osize, is_flat_stack(cpu));
	set_size(u, i->osize);
	return set_source(cpu, u, i, i->op->op[0]);
}

static bool translate_pop(struct emu *cpu, struct emu_uop *u, const struct emu_insn *i)
{
	u->kind = KIND_POP;
	u->fn = emu_uop_pop(i->osize, is_flat_stack(cpu));
	set_size(u, i->osize);
	return set_dst(u, i, i->op->op[0]);
}

static bool translate_port(struct emu *cpu, struct emu_uop *u,
			   const struct emu_insn *i)
{
	bool in = i->exec == em_in;
	u8 port = i->op->op[in];

	set_size(u, in ? i->size : i->ssize);
	u->op = in ? EMU_READ : EMU_WRITE;
	u->fn = emu_uop_port(u->op, u->size);
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
	u->rel = u->end + (s64)(s32)i->imm;
	set_size(u, i->osize);
	u->traits = UOP_RELATIVE;
	if (i->exec == em_jcc) {
		u->cc = i->opcode & 0xf;
		u->odd = u->cc & 1;
		u->fn = emu_uop_jcc[u->cc >> 1];
	} else if (i->exec == em_jmp) {
		u->fn = uop_jmp;
	} else if (i->exec == em_call) {
		u->kind = KIND_CALL;
		u->fn = emu_uop_call(i->osize, is_flat_stack(cpu));
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
		u->kind = call ? KIND_CALL_LOAD : KIND_JMP_LOAD;
		u->fn = call ? uop_call_load :
			       emu_uop_jmp_load(i->osize, is_flat(cpu, i));
		return true;
	}
	u->kind = call ? KIND_CALL_REG : KIND_NONE;
	u->fn = call ? uop_call_reg : uop_jmp_reg;
	return set_source(cpu, u, i, i->op->op[0]);
}

static bool translate_ret(struct emu *cpu, struct emu_uop *u, const struct emu_insn *i)
{
	u->kind = KIND_RET;
	u->fn = emu_uop_ret(i->osize, is_flat_stack(cpu));
	set_size(u, i->osize);
	u->imm = i->imm & 0xffff;
	return true;
}

static bool translate_leave(struct emu_uop *u, const struct emu_insn *i)
{
	u->kind = KIND_LEAVE;
	u->fn = emu_uop_leave;
	u->dst = gpr_at(EMU_RBP);
	set_size(u, i->osize);
	return true;
}

static bool translate_lea(struct emu_uop *u, const struct emu_insn *i)
{
	set_size(u, i->size);
	set_address(u, i);
	u->fn = emu_uop_lea(i->size);
	u->traits = UOP_FIXED | UOP_IGNORES;
	return set_dst(u, i, i->op->op[0]);
}

static bool translate_nop(struct emu_uop *u)
{
	u->fn = uop_nop;
	u->traits = UOP_FIXED | UOP_IGNORES;
	return true;
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
			return translate_unary(cpu, u, d, i, n);
	if (exec == em_mov || exec == em_movsx)
		return translate_mov(cpu, u, i);
	if (exec == em_lea)
		return translate_lea(u, i);
	if (exec == em_push || exec == em_push_imm)
		return translate_push(cpu, u, i);
	if (exec == em_pop)
		return translate_pop(cpu, u, i);
	if (exec == em_jcc || exec == em_jmp || exec == em_call ||
	    exec == em_loop || exec == em_jcxz)
		return translate_branch(cpu, u, i);
	if (exec == em_jmp_mem || exec == em_call_mem)
		return translate_indirect(cpu, u, i);
	if (exec == em_ret)
		return translate_ret(cpu, u, i);
	if (exec == em_iret) {
		u->fn = uop_iret;
		u->insn = *i;
		return true;
	}
	if (exec == em_leave)
		return translate_leave(u, i);
	if (exec == em_in || exec == em_out)
		return translate_port(cpu, u, i);
	if (exec == em_xchg_acc && i->reg_at == gpr_at(EMU_RAX))
		return translate_nop(u);
	return exec == em_nop && translate_nop(u);
}

static bool ends_block(const struct emu_insn *i)
{
	return (i->op->flags & F_ENDS) && i->exec != em_jcc;
}

/*
 * mov r1, r2; op r1, x is one with two sources: r1 = r2 op x. Neither can stop, and
 * so nobody can see the state between them.
 */
static bool joins(const struct emu_uop *mov, const struct emu_uop *u)
{
	if (!(mov->traits & UOP_MOVES) || mov->done - mov->before != 1)
		return false;
	if (!(u->traits & UOP_FIXED) || u->traits & UOP_IGNORES ||
	    u->op == ALU_CMP || u->op == ALU_TEST)
		return false;
	return mov->size == u->size && mov->dst == u->dst;
}

static void join(const struct emu *cpu, struct emu_uop *mov, const struct emu_uop *u)
{
	struct emu_uop both = *u;

	both.start = mov->start;
	both.before = mov->before;
	both.a = mov->src;
	/* Its immediate moves with it. */
	if (both.src == (const u8 *)&u->imm - (const u8 *)cpu)
		both.src = (const u8 *)&mov->imm - (const u8 *)cpu;
	else if (both.src == both.dst)
		both.src = mov->src;
	*mov = both;
}

/**
 * emu_uop_translate() - from a decoded instruction to a uop
 * @cpu: engine, with its view of the state
 * @i: instruction
 * @u: its @start, @end, @before and @done are set, the rest is written
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
	u->kind = KIND_NONE;
	u->op = ALU_ADD;
	u->to = 0;
	u->page = 0;
	u->host = NULL;
	u->link = &cpu->block[0];
	*d = (struct emu_draft){ NULL };
	*more = !ends_block(i);
	if (!i->lock && !((flags & F_XLOCK) && i->mem) &&
	    !(flags & (F_PRIV | F_UDPRIV | F_UNSUP | F_STRING))) {
		if (translate(cpu, u, d, i)) {
			if (first || !joins(u - 1, u))
				return true;
			join(cpu, u - 1, u);
			d[-1] = *d;
			return false;
		}
		*d = (struct emu_draft){ NULL };
		u->traits = 0;
		u->kind = KIND_NONE;
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

static bool is_jcc(const struct emu_uop *u)
{
	return u->traits & UOP_RELATIVE && u->fn == emu_uop_jcc[u->cc >> 1];
}

/* A branch to another uop of the block stays in it. */
static void keep_inside(struct emu_uop *u, const struct emu_uop *first, unsigned int nr)
{
	unsigned int n;

	for (n = 0; n < nr; n++)
		if (first[n].start == u->rel)
			break;
	if (n == nr || &first[n] == u)
		return;
	u->to = (const u8 *)&first[n] - (const u8 *)u;
	u->back = u->done - first[n].before;
	u->whole = first[nr - 1].done;
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
		u = &first[n];
		if (d[n].fused && is_jcc(&u[1]))
			u->fn = d[n].fused[u[1].cc >> 1];
	}
	for (n = 0; n + 1 < nr; n++) {
		both = emu_uop_pair(&first[n]);
		if (both)
			first[n].fn = both;
	}
	for (n = 0; n < nr; n++) {
		first[n].hot = emu_uop_hot(first[n].fn);
		if (first[n].traits & UOP_RELATIVE && !first[n].kind)
			keep_inside(&first[n], first, nr);
	}
}
