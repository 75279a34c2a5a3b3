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

/* clac, stac: the table has what they hang on, SMAP and CPL 0 */
int em_clac(struct emu *cpu, const struct emu_insn *i)
{
	cpu->st.regs.rflags &= ~EMU_FL_AC;
	return EMU_OK;
}

int em_stac(struct emu *cpu, const struct emu_insn *i)
{
	cpu->st.regs.rflags |= EMU_FL_AC;
	return EMU_OK;
}

/* SMSW, SGDT, SIDT, SLDT and STR are for CPL 0 with CR4.UMIP. */
int emu_check_umip(struct emu *cpu)
{
	if (cpu->st.ctrl.cr4 & EMU_CR4_UMIP && cpl(cpu))
		return emu_raise_error(cpu, VEC_GP, 0);
	return EMU_OK;
}

/* smsw: memory gets two bytes, a register its full size */
int em_smsw(struct emu *cpu, const struct emu_insn *i)
{
	int r = emu_check_umip(cpu);

	if (r)
		return r;
	if (i->mem)
		return emu_write(cpu, i->seg, cpu->ea, 2,
				 cpu->st.ctrl.cr0 & 0xffff);
	reg_set(cpu, i->rm_at, i->osize, cpu->st.ctrl.cr0);
	return EMU_OK;
}

/* Paging goes on with long mode enabled, or off in it. */
static int switch_long_mode(struct emu *cpu, bool on)
{
	const struct emu_segment *seg = cpu->st.segs.seg;

	if (on) {
		if (!(cpu->st.ctrl.cr4 & EMU_CR4_PAE) ||
		    seg[EMU_CS].attr & EMU_SEG_L || !(seg[EMU_TR].attr & 8))
			return emu_raise_error(cpu, VEC_GP, 0);
		cpu->st.ctrl.efer |= EMU_EFER_LMA;
	} else {
		if (mode64(cpu))
			return emu_raise_error(cpu, VEC_GP, 0);
		cpu->st.ctrl.efer &= ~EMU_EFER_LMA;
	}
	return EMU_OK;
}

static int set_cr0(struct emu *cpu, u64 val)
{
	u64 known = EMU_CR0_PE | EMU_CR0_MP | EMU_CR0_EM | EMU_CR0_TS |
		    EMU_CR0_ET | EMU_CR0_NE | EMU_CR0_WP | EMU_CR0_AM |
		    EMU_CR0_NW | EMU_CR0_CD | EMU_CR0_PG;
	struct emu_ctrl *c = &cpu->st.ctrl;
	bool paging = val & EMU_CR0_PG;
	int r = EMU_OK;

	if (!emu_has(cpu, EMU_FEAT_486))
		known &= ~(EMU_CR0_NE | EMU_CR0_WP | EMU_CR0_AM | EMU_CR0_NW |
			   EMU_CR0_CD);
	if (val >> 32 || (paging && !(val & EMU_CR0_PE)) ||
	    (val & EMU_CR0_NW && !(val & EMU_CR0_CD)))
		return emu_raise_error(cpu, VEC_GP, 0);
	if (paging != !!(c->cr0 & EMU_CR0_PG)) {
		if (c->efer & EMU_EFER_LME)
			r = switch_long_mode(cpu, paging);
		else if (paging && c->cr4 & EMU_CR4_PAE)
			r = emu_check_pdptes(cpu, c->cr3);
	}
	if (r)
		return r;
	c->cr0 = (val & known) | EMU_CR0_ET;
	emu_flush(cpu);
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
	int r = emu_check_umip(cpu);

	if (!r)
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
	if (!canonical(base, 1))
		return emu_raise_error(cpu, VEC_GP, 0);
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
	case 8:
		cpu->dst = c->cr8;
		return EMU_OK;
	default:
		return emu_raise(cpu, VEC_UD);
	}
}

/* CR4's bits and what they hang on. */
static const struct {
	u32 bit;
	u8 feature;
} cr4_bits[] = {
	{ EMU_CR4_VME | EMU_CR4_PVI, EMU_FEAT_VME },
	{ EMU_CR4_TSD, EMU_FEAT_TSC },
	{ EMU_CR4_DE, EMU_FEAT_DE },
	{ EMU_CR4_PSE, EMU_FEAT_PSE },
	{ EMU_CR4_PAE, EMU_FEAT_PAE },
	{ EMU_CR4_MCE | EMU_CR4_PCE, EMU_FEAT_MSR },
	{ EMU_CR4_PGE, EMU_FEAT_PGE },
	{ EMU_CR4_OSFXSR, EMU_FEAT_FXSR },
	{ EMU_CR4_OSXMMEXCPT, EMU_FEAT_SSE },
	{ EMU_CR4_UMIP, EMU_FEAT_UMIP },
	{ EMU_CR4_FSGSBASE, EMU_FEAT_FSGSBASE },
	{ EMU_CR4_OSXSAVE, EMU_FEAT_XSAVE },
	{ EMU_CR4_SMEP, EMU_FEAT_SMEP },
	{ EMU_CR4_SMAP, EMU_FEAT_SMAP },
};

static int set_cr4(struct emu *cpu, u64 val)
{
	struct emu_ctrl *c = &cpu->st.ctrl;
	u64 known = 0;
	unsigned int n;
	int r = EMU_OK;

	for (n = 0; n < ARRAY_SIZE(cr4_bits); n++)
		if (emu_has(cpu, cr4_bits[n].feature))
			known |= cr4_bits[n].bit;
	if ((val & ~known) || (long_mode(cpu) && !(val & EMU_CR4_PAE)))
		return emu_raise_error(cpu, VEC_GP, 0);
	if (val & ~c->cr4 & EMU_CR4_PAE && c->cr0 & EMU_CR0_PG)
		r = emu_check_pdptes(cpu, c->cr3);
	if (r)
		return r;
	c->cr4 = val;
	emu_debug_arm(cpu);
	emu_flush(cpu);
	return EMU_OK;
}

static int set_cr3(struct emu *cpu, u64 val)
{
	struct emu_ctrl *c = &cpu->st.ctrl;
	int r = EMU_OK;

	if (long_mode(cpu)) {
		if (val >> cpu->phys_bits)
			return emu_raise_error(cpu, VEC_GP, 0);
	} else if (c->cr0 & EMU_CR0_PG && c->cr4 & EMU_CR4_PAE) {
		r = emu_check_pdptes(cpu, val);
	}
	if (r)
		return r;
	c->cr3 = val;
	emu_flush(cpu);
	return EMU_OK;
}

int em_mov_to_cr(struct emu *cpu, const struct emu_insn *i)
{
	switch (i->reg) {
	case 0:
		return set_cr0(cpu, cpu->src);
	case 2:
		cpu->st.ctrl.cr2 = cpu->src;
		return EMU_OK;
	case 3:
		return set_cr3(cpu, cpu->src);
	case 4:
		return set_cr4(cpu, cpu->src);
	case 8:
		if (cpu->src >> 4)
			return emu_raise_error(cpu, VEC_GP, 0);
		cpu->st.ctrl.cr8 = cpu->src;
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

u64 emu_time_stamp(struct emu *cpu)
{
	if (cpu->ops->rdtsc)
		return cpu->ops->rdtsc(cpu);
	return cpu->st.ctrl.tsc + cpu->boundaries;
}

int em_rdtsc(struct emu *cpu, const struct emu_insn *i)
{
	u64 val;

	if (cpu->st.ctrl.cr4 & EMU_CR4_TSD && cpl(cpu))
		return emu_raise_error(cpu, VEC_GP, 0);
	val = emu_time_stamp(cpu);
	gpr_set(cpu, EMU_RAX, 4, (u32)val);
	gpr_set(cpu, EMU_RDX, 4, val >> 32);
	return EMU_OK;
}

int em_rdtscp(struct emu *cpu, const struct emu_insn *i)
{
	int r = em_rdtsc(cpu, i);

	if (!r)
		gpr_set(cpu, EMU_RCX, 4, (u32)cpu->st.ctrl.tsc_aux);
	return r;
}

/* rdpmc: no counter exists */
int em_rdpmc(struct emu *cpu, const struct emu_insn *i)
{
	return emu_raise_error(cpu, VEC_GP, 0);
}

static int extended_state(struct emu *cpu)
{
	if (!(cpu->st.ctrl.cr4 & EMU_CR4_OSXSAVE))
		return emu_raise(cpu, VEC_UD);
	/* XCR0 is the only one. */
	if ((u32)cpu->st.regs.gpr[EMU_RCX])
		return emu_raise_error(cpu, VEC_GP, 0);
	return EMU_OK;
}

int em_xgetbv(struct emu *cpu, const struct emu_insn *i)
{
	int r = extended_state(cpu);

	if (r)
		return r;
	gpr_set(cpu, EMU_RAX, 4, (u32)cpu->st.ctrl.xcr0);
	gpr_set(cpu, EMU_RDX, 4, cpu->st.ctrl.xcr0 >> 32);
	return EMU_OK;
}

/* xsetbv: x87 state is the only one that can be enabled, and always is */
int em_xsetbv(struct emu *cpu, const struct emu_insn *i)
{
	int r;

	if (!(cpu->st.ctrl.cr4 & EMU_CR4_OSXSAVE))
		return emu_raise(cpu, VEC_UD);
	if (cpl(cpu))
		return emu_raise_error(cpu, VEC_GP, 0);
	r = extended_state(cpu);
	if (!r && (gpr_get(cpu, EMU_RAX, 4) != 1 ||
		   gpr_get(cpu, EMU_RDX, 4)))
		r = emu_raise_error(cpu, VEC_GP, 0);
	return r;
}

/* invpcid reg, m128: without PCIDs only PCID 0 exists */
int em_invpcid(struct emu *cpu, const struct emu_insn *i)
{
	u64 type = gpr_get(cpu, i->reg, i->mode64 ? 8 : 4), pcid, lin;
	int r = emu_read(cpu, i->seg, cpu->ea, 8, &pcid);

	if (!r)
		r = emu_read(cpu, i->seg, (cpu->ea + 8) & size_mask(i->asize), 8,
			     &lin);
	if (r)
		return r;
	if (type > 3 || pcid >> 12 || (type < 2 && pcid) ||
	    (!type && !canonical(lin, 1)))
		return emu_raise_error(cpu, VEC_GP, 0);
	emu_flush(cpu);
	return EMU_OK;
}
