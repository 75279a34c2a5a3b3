// SPDX-License-Identifier: GPL-2.0
/*
 * System instructions: control and debug registers, tables, MSRs, CPUID, HLT.
 */
#include "handlers.h"

int em_hlt(struct emu *cpu, const struct emu_insn *i)
{
	cpu->st.debug.activity = EMU_HLT;
	return EMU_OK;
}

/* wait: #NM with CR0.MP and TS; without an FPU there is nothing to wait for */
int em_wait(struct emu *cpu, const struct emu_insn *i)
{
	u64 both = EMU_CR0_MP | EMU_CR0_TS;

	if ((cpu->st.ctrl.cr0 & both) == both)
		return emu_raise(cpu, VEC_NM);
	return EMU_OK;
}

int em_clts(struct emu *cpu, const struct emu_insn *i)
{
	cpu->st.ctrl.cr0 &= ~EMU_CR0_TS;
	return EMU_OK;
}

/* smsw: memory gets two bytes, a register its full size */
int em_smsw(struct emu *cpu, const struct emu_insn *i)
{
	if (i->mem)
		return emu_write(cpu, i->seg, cpu->ea, 2,
				 cpu->st.ctrl.cr0 & 0xffff);
	reg_set(cpu, i->rm_at, i->osize, cpu->st.ctrl.cr0);
	return EMU_OK;
}

static int set_cr0(struct emu *cpu, u64 val)
{
	const u64 known = EMU_CR0_PE | EMU_CR0_MP | EMU_CR0_EM | EMU_CR0_TS |
			  EMU_CR0_ET | EMU_CR0_NE | EMU_CR0_WP | EMU_CR0_AM |
			  EMU_CR0_NW | EMU_CR0_CD | EMU_CR0_PG;

	if ((val & EMU_CR0_PG && !(val & EMU_CR0_PE)) ||
	    (val & EMU_CR0_NW && !(val & EMU_CR0_CD)))
		return emu_raise_error(cpu, VEC_GP, 0);
	/* Protected mode is not modelled: nothing changes. */
	if (val & EMU_CR0_PE)
		return emu_unsupported(cpu);
	cpu->st.ctrl.cr0 = (val & known) | EMU_CR0_ET;
	return EMU_OK;
}

/* lmsw r/m16: PE, MP, EM, TS; PE can only be set */
int em_lmsw(struct emu *cpu, const struct emu_insn *i)
{
	u64 cr0 = cpu->st.ctrl.cr0;

	return set_cr0(cpu, (cr0 & ~0xeULL) | (cpu->src & 0xf));
}

static int store_table(struct emu *cpu, const struct emu_insn *i,
		       const struct emu_dtable *dt)
{
	u64 at = (cpu->ea + 2) & size_mask(i->asize);
	unsigned int size = i->mode64 ? 8 : 4;
	int r;

	r = emu_probe_write(cpu, i->seg, cpu->ea, 2);
	if (!r)
		r = emu_probe_write(cpu, i->seg, at, size);
	if (!r)
		r = emu_write(cpu, i->seg, cpu->ea, 2, dt->limit);
	if (!r)
		r = emu_write(cpu, i->seg, at, size, dt->base);
	return r;
}

static int load_table(struct emu *cpu, const struct emu_insn *i,
		      struct emu_dtable *dt)
{
	u64 at = (cpu->ea + 2) & size_mask(i->asize), limit, base;
	int r;

	r = emu_read(cpu, i->seg, cpu->ea, 2, &limit);
	if (!r)
		r = emu_read(cpu, i->seg, at, i->mode64 ? 8 : 4, &base);
	if (r)
		return r;
	/* A 16-bit operand size has a base of 24 bits. */
	if (i->osize == 2)
		base &= 0xffffff;
	dt->limit = limit;
	dt->base = base;
	return EMU_OK;
}

int em_sgdt(struct emu *cpu, const struct emu_insn *i)
{
	return store_table(cpu, i, &cpu->st.segs.gdtr);
}

int em_sidt(struct emu *cpu, const struct emu_insn *i)
{
	return store_table(cpu, i, &cpu->st.segs.idtr);
}

int em_lgdt(struct emu *cpu, const struct emu_insn *i)
{
	return load_table(cpu, i, &cpu->st.segs.gdtr);
}

int em_lidt(struct emu *cpu, const struct emu_insn *i)
{
	return load_table(cpu, i, &cpu->st.segs.idtr);
}

int em_invlpg(struct emu *cpu, const struct emu_insn *i)
{
	emu_flush(cpu);
	return EMU_OK;
}

int em_mov_from_cr(struct emu *cpu, const struct emu_insn *i)
{
	const struct emu_ctrl *c = &cpu->st.ctrl;

	switch (i->reg) {
	case 0:
		cpu->dst = c->cr0;
		return EMU_OK;
	case 2:
		cpu->dst = c->cr2;
		return EMU_OK;
	case 3:
		cpu->dst = c->cr3;
		return EMU_OK;
	case 4:
		cpu->dst = c->cr4;
		return EMU_OK;
	default:
		return emu_raise(cpu, VEC_UD);
	}
}

/* CR4 bits that can be set in the modes that are modelled. */
#define CR4_KNOWN	(EMU_CR4_VME | EMU_CR4_PVI | EMU_CR4_TSD | \
			 EMU_CR4_DE | EMU_CR4_PSE | EMU_CR4_PAE | \
			 BIT_ULL(6) | BIT_ULL(7) | BIT_ULL(8))

int em_mov_to_cr(struct emu *cpu, const struct emu_insn *i)
{
	struct emu_ctrl *c = &cpu->st.ctrl;

	switch (i->reg) {
	case 0:
		return set_cr0(cpu, cpu->src);
	case 2:
		c->cr2 = cpu->src;
		return EMU_OK;
	case 3:
		c->cr3 = cpu->src;
		return EMU_OK;
	case 4:
		if (cpu->src & ~CR4_KNOWN)
			return emu_raise_error(cpu, VEC_GP, 0);
		c->cr4 = cpu->src;
		emu_debug_arm(cpu);
		return EMU_OK;
	default:
		return emu_raise(cpu, VEC_UD);
	}
}

/*
 * What MOV to and from DR checks: DR4 and DR5 (S130), privilege, which F_PRIV has
 * seen to (S131), then general detect (S135).
 */
static int debug_register(struct emu *cpu, const struct emu_insn *i,
			  unsigned int *n)
{
	*n = i->reg;
	if (*n == 4 || *n == 5) {
		if (cpu->st.ctrl.cr4 & EMU_CR4_DE)
			return emu_raise(cpu, VEC_UD);
		*n += 2;
	}
	if (cpu->st.debug.dr7 & EMU_DR7_GD) {
		emu_raise(cpu, VEC_DB);
		cpu->raised.flags |= EMU_EVENT_PAYLOAD;
		cpu->raised.payload = EMU_DBG_BD;
		return EMU_EXCEPTION;
	}
	return EMU_OK;
}

int em_mov_from_dr(struct emu *cpu, const struct emu_insn *i)
{
	const struct emu_debug *d = &cpu->st.debug;
	unsigned int n;
	int r = debug_register(cpu, i, &n);

	if (r)
		return r;
	cpu->dst = n < 4 ? d->dr[n] : n == 6 ? d->dr6 : d->dr7;
	return EMU_OK;
}

int em_mov_to_dr(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int n;
	int r = debug_register(cpu, i, &n);

	if (r)
		return r;
	if (n >= 4 && cpu->src >> 32)
		return emu_raise_error(cpu, VEC_GP, 0);
	emu_debug_write(cpu, n, cpu->src);
	return EMU_OK;
}

static u64 time_stamp(struct emu *cpu)
{
	if (cpu->ops->rdtsc)
		return cpu->ops->rdtsc(cpu);
	return cpu->st.ctrl.tsc + cpu->boundaries;
}

static void set_edx_eax(struct emu *cpu, u64 val)
{
	gpr_set(cpu, EMU_RAX, 4, (u32)val);
	gpr_set(cpu, EMU_RDX, 4, val >> 32);
}

int em_rdtsc(struct emu *cpu, const struct emu_insn *i)
{
	if (cpu->st.ctrl.cr4 & EMU_CR4_TSD && cpl(cpu))
		return emu_raise_error(cpu, VEC_GP, 0);
	set_edx_eax(cpu, time_stamp(cpu));
	return EMU_OK;
}

int em_rdtscp(struct emu *cpu, const struct emu_insn *i)
{
	int r = em_rdtsc(cpu, i);

	if (!r)
		gpr_set(cpu, EMU_RCX, 4, (u32)cpu->st.ctrl.tsc_aux);
	return r;
}

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_MISC_ENABLE		0x1a0
#define MSR_DEBUGCTL		0x1d9
#define MSR_PAT			0x277
#define MSR_TSC_AUX		0xc0000103

/* MSRs that are plain storage. */
static u64 *msr_storage(struct emu *cpu, u32 n)
{
	struct emu_ctrl *c = &cpu->st.ctrl;

	switch (n) {
	case MSR_APIC_BASE:
		return &c->apic_base;
	case MSR_SYSENTER_CS:
		return &c->sysenter_cs;
	case MSR_SYSENTER_ESP:
		return &c->sysenter_esp;
	case MSR_SYSENTER_EIP:
		return &c->sysenter_eip;
	case MSR_MISC_ENABLE:
		return &c->misc_enable;
	case MSR_PAT:
		return &c->pat;
	case MSR_TSC_AUX:
		return &c->tsc_aux;
	default:
		return NULL;
	}
}

int em_rdmsr(struct emu *cpu, const struct emu_insn *i)
{
	u32 n = cpu->st.regs.gpr[EMU_RCX];
	u64 *msr = msr_storage(cpu, n);

	if (msr)
		set_edx_eax(cpu, *msr);
	else if (n == MSR_TSC)
		set_edx_eax(cpu, time_stamp(cpu));
	else if (n == MSR_DEBUGCTL)
		set_edx_eax(cpu, cpu->st.debug.debugctl);
	else
		return emu_raise_error(cpu, VEC_GP, 0);
	return EMU_OK;
}

int em_wrmsr(struct emu *cpu, const struct emu_insn *i)
{
	u32 n = cpu->st.regs.gpr[EMU_RCX];
	u64 val = gpr_get(cpu, EMU_RDX, 4) << 32 | gpr_get(cpu, EMU_RAX, 4);
	u64 *msr = msr_storage(cpu, n);

	if (msr) {
		*msr = val;
	} else if (n == MSR_TSC) {
		cpu->st.ctrl.tsc += val - time_stamp(cpu);
	} else if (n == MSR_DEBUGCTL &&
		   !(val & ~(EMU_DEBUGCTL_LBR | EMU_DEBUGCTL_BTF))) {
		cpu->st.debug.debugctl = val;
	} else {
		return emu_raise_error(cpu, VEC_GP, 0);
	}
	return EMU_OK;
}
