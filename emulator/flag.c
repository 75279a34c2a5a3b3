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

/*
 * Below IOPL, CLI and STI work on VIF where VME (V86 mode) or PVI (CPL 3) allows
 * it, else they are #GP.
 */
static int virtual_if(struct emu *cpu, bool *virtual)
{
	u64 cr4 = cpu->st.ctrl.cr4;

	*virtual = cpl(cpu) > iopl(cpu);
	if (!*virtual)
		return EMU_OK;
	if (vm86(cpu) ? cr4 & EMU_CR4_VME : cr4 & EMU_CR4_PVI && cpl(cpu) == 3)
		return EMU_OK;
	return emu_raise_error(cpu, VEC_GP, 0);
}

int em_cli(struct emu *cpu, const struct emu_insn *i)
{
	bool virtual;
	int r = virtual_if(cpu, &virtual);

	if (!r)
		cpu->st.regs.rflags &= ~(virtual ? EMU_FL_VIF : EMU_FL_IF);
	return r;
}

/* sti: holds interrupts for one instruction, never #DB (S107) */
int em_sti(struct emu *cpu, const struct emu_insn *i)
{
	bool virtual;
	int r = virtual_if(cpu, &virtual);

	if (r)
		return r;
	if (virtual) {
		if (cpu->st.regs.rflags & EMU_FL_VIP)
			return emu_raise_error(cpu, VEC_GP, 0);
		cpu->st.regs.rflags |= EMU_FL_VIF;
		return EMU_OK;
	}
	if (!(cpu->st.regs.rflags & EMU_FL_IF))
		cpu->new_shadow |= EMU_BLOCK_STI;
	cpu->st.regs.rflags |= EMU_FL_IF;
	return EMU_OK;
}
