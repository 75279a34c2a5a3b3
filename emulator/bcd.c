// SPDX-License-Identifier: GPL-2.0
/*
 * Decimal adjustment.
 */
#include "handlers.h"

static u8 al(const struct emu *cpu)
{
	return cpu->st.regs.gpr[EMU_RAX];
}

static u8 ah(const struct emu *cpu)
{
	return cpu->st.regs.gpr[EMU_RAX] >> 8;
}

static int adjust_packed(struct emu *cpu, bool subtract)
{
	u8 old = al(cpu), v = old;
	bool cf = false, af = false;

	if ((old & 0xf) > 9 || flag_af(cpu)) {
		cf = subtract ? old < 6 : old > 0xff - 6;
		v = subtract ? v - 6 : v + 6;
		af = true;
	}
	cf |= flag_cf(cpu);
	if (old > 0x99 || flag_cf(cpu)) {
		v = subtract ? v - 0x60 : v + 0x60;
		cf = true;
	}
	gpr_set(cpu, EMU_RAX, 1, v);
	flags_logic(cpu, 1, v);
	flags_set_cf_of(cpu, cf, false);
	flags_set_af(cpu, af);
	return EMU_OK;
}

int em_daa(struct emu *cpu, const struct emu_insn *i)
{
	return adjust_packed(cpu, false);
}

int em_das(struct emu *cpu, const struct emu_insn *i)
{
	return adjust_packed(cpu, true);
}

static int adjust_unpacked(struct emu *cpu, bool subtract)
{
	u16 ax = gpr_get(cpu, EMU_RAX, 2);
	bool adjust = (ax & 0xf) > 9 || flag_af(cpu);

	if (adjust)
		ax = subtract ? ax - 0x106 : ax + 0x106;
	ax &= 0xff0f;
	gpr_set(cpu, EMU_RAX, 2, ax);
	flags_logic(cpu, 1, ax);
	flags_set_cf_of(cpu, adjust, false);
	flags_set_af(cpu, adjust);
	return EMU_OK;
}

int em_aaa(struct emu *cpu, const struct emu_insn *i)
{
	return adjust_unpacked(cpu, false);
}

int em_aas(struct emu *cpu, const struct emu_insn *i)
{
	return adjust_unpacked(cpu, true);
}

int em_aam(struct emu *cpu, const struct emu_insn *i)
{
	u8 base = i->imm, v = al(cpu);

	if (!base)
		return emu_raise(cpu, VEC_DE);
	gpr_set(cpu, EMU_RAX, 2, (v / base) << 8 | v % base);
	flags_logic(cpu, 1, v % base);
	return EMU_OK;
}

int em_aad(struct emu *cpu, const struct emu_insn *i)
{
	u8 v = al(cpu) + ah(cpu) * (u8)i->imm;

	gpr_set(cpu, EMU_RAX, 2, v);
	flags_logic(cpu, 1, v);
	return EMU_OK;
}
