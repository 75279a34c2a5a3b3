// SPDX-License-Identifier: GPL-2.0
#include "handlers.h"

int em_sldt(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_str(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_lldt(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_ltr(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_verr(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_verw(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_arpl(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_lar(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_lsl(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_clac(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_stac(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_xgetbv(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_xsetbv(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_invpcid(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_rdpmc(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_swapgs(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_rdfsbase(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_rdgsbase(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_wrfsbase(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_wrgsbase(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_syscall(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_sysret(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_sysenter(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}

int em_sysexit(struct emu *cpu, const struct emu_insn *i)
{
	return emu_unsupported(cpu);
}
