// SPDX-License-Identifier: GPL-2.0
/*
 * SYSCALL, SYSENTER and the ways back: flat segments by MSR, no tables.
 */
#include "handlers.h"

#define ATTR_FLAT	(EMU_SEG_P | EMU_SEG_S | EMU_SEG_WRITABLE | \
			 EMU_SEG_ACCESSED | EMU_SEG_G)

static void flat(struct emu *cpu, unsigned int seg, u16 sel, unsigned int level,
		 u32 attr)
{
	cpu->st.segs.seg[seg] = (struct emu_segment){
		.limit = 0xffffffff, .selector = (sel & ~3) | level,
		.attr = ATTR_FLAT | attr | level << EMU_SEG_DPL_SHIFT,
	};
}

void emu_flat_code(struct emu *cpu, u16 sel, unsigned int level, bool wide)
{
	flat(cpu, EMU_CS, sel, level,
	     EMU_SEG_CODE | (wide ? EMU_SEG_L : EMU_SEG_DB));
}

void emu_flat_stack(struct emu *cpu, u16 sel, unsigned int level)
{
	flat(cpu, EMU_SS, sel, level, EMU_SEG_DB);
}

static int enter(struct emu *cpu, u64 rip)
{
	cpu->next_rip = rip;
	cpu->branch = true;
	return EMU_OK;
}

/* The step trap goes by TF as the instruction leaves it (S106). */
static void sample_tf(struct emu *cpu)
{
	cpu->tf = cpu->st.regs.rflags & EMU_FL_TF;
	cpu->step_tf = cpu->tf &&
		       !(cpu->st.debug.debugctl & EMU_DEBUGCTL_BTF);
}

int em_syscall(struct emu *cpu, const struct emu_insn *i)
{
	const struct emu_ctrl *c = &cpu->st.ctrl;
	u64 fl = emu_rflags(cpu) & ~EMU_FL_RF;

	if (!(c->efer & EMU_EFER_SCE))
		return emu_raise(cpu, VEC_UD);
	/* Nobody is at CPL 0 of the caller's program (K10). */
	if (cpu->flags & EMU_CALLER_MEMORY)
		return emu_unsupported(cpu);
	gpr_set(cpu, EMU_RCX, 8, cpu->next_rip);
	/* R11 has RF 0 (S99). */
	gpr_set(cpu, EMU_R11, 8, fl);
	emu_set_rflags(cpu, fl & ~(c->sfmask & 0xffffffff));
	emu_flat_code(cpu, c->star >> 32, 0, true);
	emu_flat_stack(cpu, (c->star >> 32) + 8, 0);
	sample_tf(cpu);
	return enter(cpu, c->lstar);
}

int em_sysret(struct emu *cpu, const struct emu_insn *i)
{
	const struct emu_ctrl *c = &cpu->st.ctrl;
	bool wide = i->osize == 8;
	u64 rip = gpr_get(cpu, EMU_RCX, wide ? 8 : 4);

	if (!(c->efer & EMU_EFER_SCE))
		return emu_raise(cpu, VEC_UD);
	if (!canonical(rip, 1) && !(cpu->flags & EMU_VENDOR_AMD))
		return emu_raise_error(cpu, VEC_GP, 0);
	emu_set_rflags(cpu, cpu->st.regs.gpr[EMU_R11] &
			    ~(EMU_FL_RF | EMU_FL_VM));
	emu_flat_code(cpu, (c->star >> 48) + (wide ? 16 : 0), 3, wide);
	emu_flat_stack(cpu, (c->star >> 48) + 8, 3);
	sample_tf(cpu);
	return enter(cpu, rip);
}

/* sysenter: TF stays, its trap lands in ring 0 (S106) */
int em_sysenter(struct emu *cpu, const struct emu_insn *i)
{
	const struct emu_ctrl *c = &cpu->st.ctrl;
	bool wide = long_mode(cpu);
	unsigned int size = wide ? 8 : 4;

	if (!protected_mode(cpu) || !(c->sysenter_cs & 0xfffc))
		return emu_raise_error(cpu, VEC_GP, 0);
	if (cpu->flags & EMU_CALLER_MEMORY)
		return emu_unsupported(cpu);
	cpu->st.regs.rflags &= ~(EMU_FL_VM | EMU_FL_IF);
	emu_flat_code(cpu, c->sysenter_cs, 0, wide);
	emu_flat_stack(cpu, c->sysenter_cs + 8, 0);
	gpr_set(cpu, EMU_RSP, size, c->sysenter_esp);
	return enter(cpu, c->sysenter_eip & size_mask(size));
}

int em_sysexit(struct emu *cpu, const struct emu_insn *i)
{
	u64 sel = cpu->st.ctrl.sysenter_cs;
	bool wide = i->osize == 8;
	unsigned int size = wide ? 8 : 4;
	u64 rip = gpr_get(cpu, EMU_RDX, size), rsp = gpr_get(cpu, EMU_RCX, size);

	if (!protected_mode(cpu) || !(sel & 0xfffc) || !canonical(rip, 1) ||
	    !canonical(rsp, 1))
		return emu_raise_error(cpu, VEC_GP, 0);
	emu_flat_code(cpu, sel + (wide ? 32 : 16), 3, wide);
	emu_flat_stack(cpu, sel + (wide ? 40 : 24), 3);
	gpr_set(cpu, EMU_RSP, size, rsp);
	return enter(cpu, rip);
}
