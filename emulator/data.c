// SPDX-License-Identifier: GPL-2.0
/*
 * Moves, conversions, conditional moves.
 */
#include "handlers.h"

int em_mov(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src;
	return EMU_OK;
}

/* movsx; movzx is a mov, as sources are zero-extended */
int em_movsx(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = sign_extend(cpu->src, i->ssize);
	return EMU_OK;
}

/* xchg r/m, reg */
int em_xchg(struct emu *cpu, const struct emu_insn *i)
{
	reg_set(cpu, i->reg_at, i->size, cpu->dst);
	cpu->dst = cpu->src;
	return EMU_OK;
}

/* xchg reg, rAX; with itself it is NOP, which clears no upper half */
int em_xchg_acc(struct emu *cpu, const struct emu_insn *i)
{
	if (i->reg_at == gpr_at(EMU_RAX))
		return EMU_OK;
	reg_set(cpu, i->reg_at, i->size, cpu->src);
	gpr_set(cpu, EMU_RAX, i->size, cpu->dst);
	return EMU_OK;
}

/* lea reg, m: no access (S159) */
int em_lea(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->ea;
	return EMU_OK;
}

/* nop, hints, fences, pause; caches are not modelled */
int em_nop(struct emu *cpu, const struct emu_insn *i)
{
	return EMU_OK;
}

/* what would need a device that is not modelled */
int em_unsupported(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

/* clflush m8 and relatives: count as a read (S159) */
int em_touch(struct emu *cpu, const struct emu_insn *i)
{
	u64 val;

	return emu_read(cpu, i->seg, cpu->ea, 1, &val);
}

/* cbw, cwde, cdqe */
int em_cbw(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int half = i->osize / 2;

	gpr_set(cpu, EMU_RAX, i->osize,
		sign_extend(gpr_get(cpu, EMU_RAX, half), half));
	return EMU_OK;
}

/* cwd, cdq, cqo */
int em_cwd(struct emu *cpu, const struct emu_insn *i)
{
	bool sign = gpr_get(cpu, EMU_RAX, i->osize) & sign_bit(i->osize);

	gpr_set(cpu, EMU_RDX, i->osize, sign ? ~0ULL : 0);
	return EMU_OK;
}

/* xlat [seg:rBX + AL] */
int em_xlat(struct emu *cpu, const struct emu_insn *i)
{
	u64 at = cpu->st.regs.gpr[EMU_RBX] + gpr_get(cpu, EMU_RAX, 1), val;
	int r = emu_read(cpu, i->seg, at & size_mask(i->asize), 1, &val);

	if (!r)
		gpr_set(cpu, EMU_RAX, 1, val);
	return r;
}

/* salc: AL = CF ? FFh : 0 */
int em_salc(struct emu *cpu, const struct emu_insn *i)
{
	gpr_set(cpu, EMU_RAX, 1, flag_cf(cpu) ? 0xff : 0);
	return EMU_OK;
}

int em_lahf(struct emu *cpu, const struct emu_insn *i)
{
	u64 ax = gpr_get(cpu, EMU_RAX, 1) | (emu_rflags(cpu) & 0xff) << 8;

	gpr_set(cpu, EMU_RAX, 2, ax);
	return EMU_OK;
}

int em_sahf(struct emu *cpu, const struct emu_insn *i)
{
	u64 fl = gpr_get(cpu, EMU_RAX, 2) >> 8 & ~EMU_FL_OF;

	flags_load(cpu, fl | (flag_of(cpu) ? EMU_FL_OF : 0));
	return EMU_OK;
}

int em_setcc(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = emu_condition(cpu, i->opcode & 0xf);
	return EMU_OK;
}

/* cmovcc: reads its source, and clears the upper half, in any case (S158) */
int em_cmovcc(struct emu *cpu, const struct emu_insn *i)
{
	if (emu_condition(cpu, i->opcode & 0xf))
		cpu->dst = cpu->src;
	return EMU_OK;
}

/* bound reg, m: signed, both limits included */
int em_bound(struct emu *cpu, const struct emu_insn *i)
{
	s64 v = (s64)sign_extend(cpu->dst, i->size);
	u64 lo, hi, at = (cpu->ea + i->size) & size_mask(i->asize);
	int r;

	r = emu_read(cpu, i->seg, cpu->ea, i->size, &lo);
	if (!r)
		r = emu_read(cpu, i->seg, at, i->size, &hi);
	if (r)
		return r;
	if (v < (s64)sign_extend(lo, i->size) ||
	    v > (s64)sign_extend(hi, i->size))
		return emu_raise(cpu, VEC_BR);
	return EMU_OK;
}
