// SPDX-License-Identifier: GPL-2.0
/*
 * Addition, subtraction, logic.
 */
#include "handlers.h"

static u64 add_carry(struct emu *cpu, unsigned int size, u64 a, u64 b, u64 c)
{
	u64 res = a + b + c;

	flags_add(cpu, size, a, b, res);
	return res;
}

static u64 sub_borrow(struct emu *cpu, unsigned int size, u64 a, u64 b, u64 c)
{
	u64 res = a - b - c;

	flags_sub(cpu, size, a, b, res);
	return res;
}

int em_add(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = add_carry(cpu, i->size, cpu->dst, cpu->src, 0);
	return EMU_OK;
}

int em_adc(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = add_carry(cpu, i->size, cpu->dst, cpu->src, flag_cf(cpu));
	return EMU_OK;
}

int em_sub(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = sub_borrow(cpu, i->size, cpu->dst, cpu->src, 0);
	return EMU_OK;
}

int em_sbb(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = sub_borrow(cpu, i->size, cpu->dst, cpu->src, flag_cf(cpu));
	return EMU_OK;
}

int em_cmp(struct emu *cpu, const struct emu_insn *i)
{
	sub_borrow(cpu, i->size, cpu->dst, cpu->src, 0);
	return EMU_OK;
}

int em_or(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst |= cpu->src;
	flags_logic(cpu, i->size, cpu->dst);
	return EMU_OK;
}

int em_and(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst &= cpu->src;
	flags_logic(cpu, i->size, cpu->dst);
	return EMU_OK;
}

int em_xor(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst ^= cpu->src;
	flags_logic(cpu, i->size, cpu->dst);
	return EMU_OK;
}

int em_test(struct emu *cpu, const struct emu_insn *i)
{
	flags_logic(cpu, i->size, cpu->dst & cpu->src);
	return EMU_OK;
}

/* inc, dec: CF stays */
int em_inc(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst++;
	flags_step(cpu, 64 - 8 * i->size, LF_ADD, cpu->dst);
	return EMU_OK;
}

int em_dec(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst--;
	flags_step(cpu, 64 - 8 * i->size, LF_SUB, cpu->dst);
	return EMU_OK;
}

int em_neg(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = sub_borrow(cpu, i->size, 0, cpu->dst, 0);
	return EMU_OK;
}

int em_not(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = ~cpu->dst;
	return EMU_OK;
}

/* xadd r/m, reg: with one register twice the sum stays */
int em_xadd(struct emu *cpu, const struct emu_insn *i)
{
	u64 old = cpu->dst;

	cpu->dst = add_carry(cpu, i->size, old, cpu->src, 0);
	reg_set(cpu, i->reg_at, i->size, old);
	return EMU_OK;
}

/* cmpxchg r/m, reg: the destination is written whatever the outcome (S157) */
int em_cmpxchg(struct emu *cpu, const struct emu_insn *i)
{
	u64 acc = gpr_get(cpu, EMU_RAX, i->size), old = cpu->dst;

	sub_borrow(cpu, i->size, acc, old, 0);
	if (acc == old) {
		cpu->dst = cpu->src;
		return EMU_OK;
	}
	gpr_set(cpu, EMU_RAX, i->size, old);
	/* A register that stays keeps its upper half too. */
	cpu->keep_dst = !i->mem;
	return EMU_OK;
}

/* cmpxchg8b m64: dst is the memory operand */
int em_cmpxchg8b(struct emu *cpu, const struct emu_insn *i)
{
	u64 old, acc, val;
	int r;

	acc = gpr_get(cpu, EMU_RDX, 4) << 32 | gpr_get(cpu, EMU_RAX, 4);
	val = gpr_get(cpu, EMU_RCX, 4) << 32 | gpr_get(cpu, EMU_RBX, 4);
	r = emu_read_for_write(cpu, i->seg, cpu->ea, 8, &old);
	if (r)
		return r;
	if (acc != old)
		val = old;
	r = i->lock ? emu_write_locked(cpu, i->seg, cpu->ea, 8, old, val) :
		      emu_write(cpu, i->seg, cpu->ea, 8, val);
	if (r)
		return r;
	if (acc != old) {
		gpr_set(cpu, EMU_RAX, 4, (u32)old);
		gpr_set(cpu, EMU_RDX, 4, old >> 32);
	}
	flags_set_zf(cpu, acc == old);
	return EMU_OK;
}

/* cmpxchg16b m128: aligned, as one access */
int em_cmpxchg16b(struct emu *cpu, const struct emu_insn *i)
{
	u64 *gpr = cpu->st.regs.gpr;
	const u64 old[2] = { gpr[EMU_RAX], gpr[EMU_RDX] };
	const u64 val[2] = { gpr[EMU_RBX], gpr[EMU_RCX] };
	u64 found[2], lin = cpu->ea;
	bool same;
	int r;

	/* The linear address counts, before anything else about it. */
	if (i->seg >= EMU_FS)
		lin += cpu->st.segs.seg[i->seg].base;
	if (lin & 15)
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_exchange16(cpu, i->seg, cpu->ea, old, val, found);
	if (r)
		return r;
	same = found[0] == old[0] && found[1] == old[1];
	gpr[EMU_RAX] = found[0];
	gpr[EMU_RDX] = found[1];
	flags_set_zf(cpu, same);
	return EMU_OK;
}

/* adcx, adox: add through CF or OF and touch no other flag */
int em_adcx(struct emu *cpu, const struct emu_insn *i)
{
	struct emu_lazy_flags lf = cpu->lf;
	bool cf;

	cpu->dst = add_carry(cpu, i->size, cpu->dst, cpu->src, flag_cf(cpu));
	cf = flag_cf(cpu);
	cpu->lf = lf;
	flags_set_cf(cpu, cf);
	return EMU_OK;
}

int em_adox(struct emu *cpu, const struct emu_insn *i)
{
	struct emu_lazy_flags lf = cpu->lf;
	bool of;

	cpu->dst = add_carry(cpu, i->size, cpu->dst, cpu->src, flag_of(cpu));
	of = flag_cf(cpu);
	cpu->lf = lf;
	flags_set_cf_of(cpu, flag_cf(cpu), of);
	return EMU_OK;
}
