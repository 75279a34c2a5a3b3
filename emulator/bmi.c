// SPDX-License-Identifier: GPL-2.0
/*
 * BMI1 and BMI2: the integer instructions that are encoded with VEX.
 */
#include "handlers.h"

static unsigned int bits_of(const struct emu_insn *i)
{
	return 8 * i->size;
}

/* andn reg, ~reg, r/m */
int em_andn(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = ~cpu->src & cpu->src2;
	flags_logic(cpu, i->size, cpu->dst);
	return EMU_OK;
}

/* blsr, blsmsk: CF is set where there is no lowest bit, in blsi where there is one */
int em_blsr(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src & (cpu->src - 1);
	flags_logic(cpu, i->size, cpu->dst);
	flags_set_cf_of(cpu, !cpu->src, false);
	return EMU_OK;
}

int em_blsmsk(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src ^ (cpu->src - 1);
	flags_logic(cpu, i->size, cpu->dst);
	flags_set_cf_of(cpu, !cpu->src, false);
	return EMU_OK;
}

int em_blsi(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src & -cpu->src;
	flags_logic(cpu, i->size, cpu->dst);
	flags_set_cf_of(cpu, cpu->src, false);
	return EMU_OK;
}

/* bextr reg, r/m, reg: the control has the first bit in its low byte, then the count */
int em_bextr(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int first = cpu->src2 & 0xff, count = cpu->src2 >> 8 & 0xff;

	cpu->dst = first < bits_of(i) ? cpu->src >> first : 0;
	if (count < bits_of(i))
		cpu->dst &= (1ULL << count) - 1;
	flags_logic(cpu, i->size, cpu->dst);
	return EMU_OK;
}

/* bzhi reg, r/m, reg: clear from the bit that the low byte of the last names */
int em_bzhi(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int n = cpu->src2 & 0xff;

	cpu->dst = cpu->src;
	if (n < bits_of(i))
		cpu->dst &= (1ULL << n) - 1;
	flags_logic(cpu, i->size, cpu->dst);
	flags_set_cf_of(cpu, n >= bits_of(i), false);
	return EMU_OK;
}

/* pext reg, reg, r/m: the bits under the mask, packed; pdep: the reverse */
int em_pext(struct emu *cpu, const struct emu_insn *i)
{
	u64 mask = cpu->src2, res = 0;
	unsigned int n;

	for (n = 0; mask; mask &= mask - 1, n++)
		if (cpu->src & mask & -mask)
			res |= 1ULL << n;
	cpu->dst = res;
	return EMU_OK;
}

int em_pdep(struct emu *cpu, const struct emu_insn *i)
{
	u64 mask = cpu->src2, res = 0;
	unsigned int n;

	for (n = 0; mask; mask &= mask - 1, n++)
		if (cpu->src >> n & 1)
			res |= mask & -mask;
	cpu->dst = res;
	return EMU_OK;
}

/* mulx reg, reg, r/m: rDX times the last; no flags; of one register twice, the high half */
int em_mulx(struct emu *cpu, const struct emu_insn *i)
{
	u64 hi, lo;

	emu_mul_wide(gpr_get(cpu, EMU_RDX, i->size), cpu->src2, &hi, &lo);
	if (i->size == 4)
		hi = lo >> 32;
	reg_set(cpu, i->v_at, i->size, lo);
	cpu->dst = hi;
	return EMU_OK;
}

/* rorx, shlx, sarx, shrx: counts are masked, flags stay */
int em_rorx(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int n = cpu->src2 & (bits_of(i) - 1);

	cpu->dst = n ? cpu->src >> n | cpu->src << (bits_of(i) - n) : cpu->src;
	return EMU_OK;
}

int em_shlx(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src << (cpu->src2 & (bits_of(i) - 1));
	return EMU_OK;
}

int em_sarx(struct emu *cpu, const struct emu_insn *i)
{
	s64 v = (s64)sign_extend(cpu->src, i->size);

	cpu->dst = (u64)(v >> (cpu->src2 & (bits_of(i) - 1)));
	return EMU_OK;
}

int em_shrx(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src >> (cpu->src2 & (bits_of(i) - 1));
	return EMU_OK;
}
