// SPDX-License-Identifier: GPL-2.0
/*
 * Model-specific registers, and the segment bases among them.
 */
#include "handlers.h"

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_MISC_ENABLE		0x1a0
#define MSR_DEBUGCTL		0x1d9
#define MSR_PAT			0x277
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103
#define MSR_DR1_MASK		0xc0011019
#define MSR_DR2_MASK		0xc001101a
#define MSR_DR3_MASK		0xc001101b
#define MSR_DR0_MASK		0xc0011027

enum msr_kind { MSR_ANY, MSR_32, MSR_CANONICAL };

/* MSRs that are plain storage: where, on what they hang, what they hold. */
static const struct msr {
	u32 number;
	u16 at;
	u8 feature;
	u8 kind;
} msrs[] = {
	{ MSR_APIC_BASE, offsetof(struct emu, st.ctrl.apic_base),
	  EMU_FEAT_MSR, MSR_ANY },
	{ MSR_SYSENTER_CS, offsetof(struct emu, st.ctrl.sysenter_cs),
	  EMU_FEAT_SEP, MSR_32 },
	{ MSR_SYSENTER_ESP, offsetof(struct emu, st.ctrl.sysenter_esp),
	  EMU_FEAT_SEP, MSR_CANONICAL },
	{ MSR_SYSENTER_EIP, offsetof(struct emu, st.ctrl.sysenter_eip),
	  EMU_FEAT_SEP, MSR_CANONICAL },
	{ MSR_MISC_ENABLE, offsetof(struct emu, st.ctrl.misc_enable),
	  EMU_FEAT_MSR, MSR_ANY },
	{ MSR_STAR, offsetof(struct emu, st.ctrl.star),
	  EMU_FEAT_SYSCALL, MSR_ANY },
	{ MSR_LSTAR, offsetof(struct emu, st.ctrl.lstar),
	  EMU_FEAT_LM, MSR_CANONICAL },
	{ MSR_CSTAR, offsetof(struct emu, st.ctrl.cstar),
	  EMU_FEAT_LM, MSR_CANONICAL },
	{ MSR_SFMASK, offsetof(struct emu, st.ctrl.sfmask),
	  EMU_FEAT_SYSCALL, MSR_32 },
	{ MSR_FS_BASE, offsetof(struct emu, st.segs.seg[EMU_FS].base),
	  EMU_FEAT_LM, MSR_CANONICAL },
	{ MSR_GS_BASE, offsetof(struct emu, st.segs.seg[EMU_GS].base),
	  EMU_FEAT_LM, MSR_CANONICAL },
	{ MSR_KERNEL_GS_BASE, offsetof(struct emu, st.ctrl.kernel_gs_base),
	  EMU_FEAT_LM, MSR_CANONICAL },
	{ MSR_TSC_AUX, offsetof(struct emu, st.ctrl.tsc_aux),
	  EMU_FEAT_RDTSCP, MSR_32 },
};

/* The debug register whose address mask it is, or -1 (S83). */
static int mask_of(const struct emu *cpu, u32 number)
{
	if (!(cpu->flags & EMU_VENDOR_AMD) || !emu_has(cpu, EMU_FEAT_DBEXT))
		return -1;
	if (number == MSR_DR0_MASK)
		return 0;
	return number >= MSR_DR1_MASK && number <= MSR_DR3_MASK ?
		(int)(number - MSR_DR1_MASK) + 1 : -1;
}

static const struct msr *find_msr(const struct emu *cpu, u32 number)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(msrs); n++)
		if (msrs[n].number == number && emu_has(cpu, msrs[n].feature))
			return &msrs[n];
	return NULL;
}

static u64 *storage(struct emu *cpu, const struct msr *m)
{
	return (u64 *)((u8 *)cpu + m->at);
}

/* One that is not modelled: the owner's, or #GP(0). */
static int other_msr(struct emu *cpu, enum emu_dir dir, u32 number, u64 *val)
{
	if (!(cpu->flags & EMU_EXIT_MSRS))
		return emu_raise_error(cpu, VEC_GP, 0);
	return emu_external(cpu, EMU_IO_MSR, dir, number, 8, val);
}

int em_rdmsr(struct emu *cpu, const struct emu_insn *i)
{
	u32 number = cpu->st.regs.gpr[EMU_RCX];
	const struct msr *m = find_msr(cpu, number);
	u64 val = 0;
	int r = EMU_OK;

	if (m)
		val = *storage(cpu, m);
	else if (number == MSR_TSC && emu_has(cpu, EMU_FEAT_TSC))
		val = emu_time_stamp(cpu);
	else if (number == MSR_DEBUGCTL)
		val = cpu->st.debug.debugctl;
	else if (mask_of(cpu, number) >= 0)
		val = cpu->st.debug.dr_mask[mask_of(cpu, number)];
	else if (number == MSR_PAT && emu_has(cpu, EMU_FEAT_PAT))
		val = cpu->st.ctrl.pat;
	else if (number == MSR_EFER &&
		 (emu_has(cpu, EMU_FEAT_SYSCALL) || emu_has(cpu, EMU_FEAT_NX)))
		val = cpu->st.ctrl.efer;
	else
		r = other_msr(cpu, EMU_READ, number, &val);
	if (!r) {
		gpr_set(cpu, EMU_RAX, 4, (u32)val);
		gpr_set(cpu, EMU_RDX, 4, val >> 32);
	}
	return r;
}

/* LMA is not written; LME not while paging is on. */
static int set_efer(struct emu *cpu, u64 val)
{
	u64 *efer = &cpu->st.ctrl.efer, known = 0;

	if (emu_has(cpu, EMU_FEAT_SYSCALL))
		known |= EMU_EFER_SCE;
	if (emu_has(cpu, EMU_FEAT_LM))
		known |= EMU_EFER_LME | EMU_EFER_LMA;
	if (emu_has(cpu, EMU_FEAT_NX))
		known |= EMU_EFER_NXE;
	if ((val & ~known) ||
	    (((val ^ *efer) & EMU_EFER_LME) && cpu->st.ctrl.cr0 & EMU_CR0_PG))
		return emu_raise_error(cpu, VEC_GP, 0);
	*efer = (val & ~EMU_EFER_LMA) | (*efer & EMU_EFER_LMA);
	emu_flush(cpu);
	return EMU_OK;
}

/* Memory types 0, 1, 4, 5, 6 and 7. */
static int set_pat(struct emu *cpu, u64 val)
{
	unsigned int n;

	for (n = 0; n < 64; n += 8)
		if ((val >> n & 0xff) > 7 || !(0xf3 >> (val >> n & 7) & 1))
			return emu_raise_error(cpu, VEC_GP, 0);
	cpu->st.ctrl.pat = val;
	return EMU_OK;
}

static int set_storage(struct emu *cpu, const struct msr *m, u64 val)
{
	if ((m->kind == MSR_CANONICAL && !canonical(val, 1)) ||
	    (m->kind == MSR_32 && val >> 32))
		return emu_raise_error(cpu, VEC_GP, 0);
	*storage(cpu, m) = val;
	return EMU_OK;
}

int em_wrmsr(struct emu *cpu, const struct emu_insn *i)
{
	u32 number = cpu->st.regs.gpr[EMU_RCX];
	u64 val = gpr_get(cpu, EMU_RDX, 4) << 32 | gpr_get(cpu, EMU_RAX, 4);
	const struct msr *m = find_msr(cpu, number);

	if (m)
		return set_storage(cpu, m, val);
	if (number == MSR_TSC && emu_has(cpu, EMU_FEAT_TSC)) {
		cpu->st.ctrl.tsc += val - emu_time_stamp(cpu);
		return EMU_OK;
	}
	if (number == MSR_DEBUGCTL) {
		if ((val & ~EMU_DEBUGCTL_VALID) ||
		    (val & EMU_DEBUGCTL_BLD && !emu_has(cpu, EMU_FEAT_BUS_LOCK)))
			return emu_raise_error(cpu, VEC_GP, 0);
		cpu->st.debug.debugctl = val;
		return EMU_OK;
	}
	if (mask_of(cpu, number) >= 0) {
		if (val >> 32)
			return emu_raise_error(cpu, VEC_GP, 0);
		cpu->st.debug.dr_mask[mask_of(cpu, number)] = val;
		emu_debug_arm(cpu);
		return EMU_OK;
	}
	if (number == MSR_PAT && emu_has(cpu, EMU_FEAT_PAT))
		return set_pat(cpu, val);
	if (number == MSR_EFER &&
	    (emu_has(cpu, EMU_FEAT_SYSCALL) || emu_has(cpu, EMU_FEAT_NX)))
		return set_efer(cpu, val);
	return other_msr(cpu, EMU_WRITE, number, &val);
}

int em_swapgs(struct emu *cpu, const struct emu_insn *i)
{
	u64 *gs = &cpu->st.segs.seg[EMU_GS].base;
	u64 base = *gs;

	*gs = cpu->st.ctrl.kernel_gs_base;
	cpu->st.ctrl.kernel_gs_base = base;
	return EMU_OK;
}

static int read_base(struct emu *cpu, unsigned int seg)
{
	if (!(cpu->st.ctrl.cr4 & EMU_CR4_FSGSBASE))
		return emu_raise(cpu, VEC_UD);
	cpu->dst = cpu->st.segs.seg[seg].base;
	return EMU_OK;
}

static int write_base(struct emu *cpu, unsigned int seg)
{
	if (!(cpu->st.ctrl.cr4 & EMU_CR4_FSGSBASE))
		return emu_raise(cpu, VEC_UD);
	if (!canonical(cpu->src, 1))
		return emu_raise_error(cpu, VEC_GP, 0);
	cpu->st.segs.seg[seg].base = cpu->src;
	return EMU_OK;
}

int em_rdfsbase(struct emu *cpu, const struct emu_insn *i)
{
	return read_base(cpu, EMU_FS);
}

int em_rdgsbase(struct emu *cpu, const struct emu_insn *i)
{
	return read_base(cpu, EMU_GS);
}

int em_wrfsbase(struct emu *cpu, const struct emu_insn *i)
{
	return write_base(cpu, EMU_FS);
}

int em_wrgsbase(struct emu *cpu, const struct emu_insn *i)
{
	return write_base(cpu, EMU_GS);
}
