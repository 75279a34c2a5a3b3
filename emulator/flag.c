// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions on single flags.
 */
#include "handlers.h"

int em_clc(struct emu *cpu, const struct emu_insn *i)
{
	flags_set_cf(cpu, false);
	return EMU_OK;
}

int em_stc(struct emu *cpu, const struct emu_insn *i)
{
	flags_set_cf(cpu, true);
	return EMU_OK;
}

int em_cmc(struct emu *cpu, const struct emu_insn *i)
{
	flags_set_cf(cpu, !flag_cf(cpu));
	return EMU_OK;
}

int em_cld(struct emu *cpu, const struct emu_insn *i)
{
	cpu->st.regs.rflags &= ~EMU_FL_DF;
	return EMU_OK;
}

int em_std(struct emu *cpu, const struct emu_insn *i)
{
	cpu->st.regs.rflags |= EMU_FL_DF;
	return EMU_OK;
}

int em_cli(struct emu *cpu, const struct emu_insn *i)
{
	if (cpl(cpu) > iopl(cpu))
		return emu_raise_error(cpu, VEC_GP, 0);
	cpu->st.regs.rflags &= ~EMU_FL_IF;
	return EMU_OK;
}

/* sti: holds interrupts for one instruction, never #DB (S107) */
int em_sti(struct emu *cpu, const struct emu_insn *i)
{
	if (cpl(cpu) > iopl(cpu))
		return emu_raise_error(cpu, VEC_GP, 0);
	if (!(cpu->st.regs.rflags & EMU_FL_IF))
		cpu->new_shadow |= EMU_BLOCK_STI;
	cpu->st.regs.rflags |= EMU_FL_IF;
	return EMU_OK;
}
