// SPDX-License-Identifier: GPL-2.0
/*
 * Data and stack segment registers.
 */
#include "handlers.h"

/* What a segment register holds in V86 mode, and after a load in real mode. */
#define ATTR_REAL	(EMU_SEG_P | EMU_SEG_S | EMU_SEG_WRITABLE | \
			 EMU_SEG_ACCESSED)

/**
 * emu_segment_flat() - load a segment register in real or V86 mode
 * @cpu: engine
 * @seg: enum emu_sreg
 * @sel: selector, which is its own descriptor
 *
 * In real mode the limit stays as it is ("unreal mode" rests on it).
 */
void emu_segment_flat(struct emu *cpu, unsigned int seg, u16 sel)
{
	struct emu_segment *s = &cpu->st.segs.seg[seg];

	if (vm86(cpu)) {
		s->limit = 0xffff;
		s->attr = ATTR_REAL | EMU_SEG_DPL;
	} else {
		if (s->attr & EMU_SEG_UNUSABLE)
			s->limit = 0xffff;
		s->attr = (s->attr & (EMU_SEG_DB | EMU_SEG_G)) | ATTR_REAL;
	}
	s->selector = sel;
	s->base = (u64)sel << 4;
}

/* A null selector; in 64-bit mode AMD's CPUs keep the base. */
void emu_segment_null(struct emu *cpu, unsigned int seg, u16 sel)
{
	struct emu_segment *s = &cpu->st.segs.seg[seg];

	s->selector = sel;
	s->attr = EMU_SEG_UNUSABLE;
	if (!(cpu->flags & EMU_VENDOR_AMD && long_mode(cpu))) {
		s->base = 0;
		s->limit = 0;
	}
}

static int load_stack(struct emu *cpu, u16 sel, u8 vector)
{
	unsigned int level = cpl(cpu);
	struct emu_desc d;
	int r;

	/* 64-bit code below CPL 3 can do without a stack segment. */
	if (is_null(sel) && mode64(cpu) && level < 3 && (sel & 3) == level) {
		emu_null_ss(cpu, level);
		return EMU_OK;
	}
	r = emu_check_stack(cpu, sel, level, vector, &d);
	if (!r)
		r = emu_desc_accessed(cpu, &d);
	if (!r)
		emu_set_ss(cpu, &d, level);
	return r;
}

/**
 * emu_load_data() - load DS, ES, FS, GS or SS in protected mode
 * @cpu: engine
 * @seg: enum emu_sreg, not EMU_CS
 * @sel: selector
 * @vector: #GP, or #TS for a task's
 *
 * Return: enum emu_result.
 */
int emu_load_data(struct emu *cpu, unsigned int seg, u16 sel, u8 vector)
{
	unsigned int level = max(cpl(cpu), sel & 3U);
	struct emu_desc d;
	u32 attr;
	int r;

	if (seg == EMU_SS)
		return load_stack(cpu, sel, vector);
	if (is_null(sel)) {
		emu_segment_null(cpu, seg, sel);
		return EMU_OK;
	}
	r = emu_desc_read(cpu, sel, vector, &d);
	if (r)
		return r;
	attr = d.seg.attr;
	if (!(attr & EMU_SEG_S) ||
	    (is_code(attr) && !(attr & EMU_SEG_WRITABLE)))
		return emu_selector_fault(cpu, vector, sel);
	if (!(is_code(attr) && is_conforming(attr)) && desc_dpl(&d) < level)
		return emu_selector_fault(cpu, vector, sel);
	if (!(attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	r = emu_desc_accessed(cpu, &d);
	if (r)
		return r;
	cpu->st.segs.seg[seg] = d.seg;
	cpu->st.segs.seg[seg].selector = sel;
	return EMU_OK;
}

/**
 * emu_load_segment() - load a data or stack segment register
 * @cpu: engine
 * @seg: enum emu_sreg, not EMU_CS
 * @sel: selector
 *
 * Return: enum emu_result.
 */
int emu_load_segment(struct emu *cpu, unsigned int seg, u16 sel)
{
	if (!real_or_vm86(cpu))
		return emu_load_data(cpu, seg, sel, VEC_GP);
	emu_segment_flat(cpu, seg, sel);
	return EMU_OK;
}

/* The shadow that MOV SS and POP SS cast; Intel: unless they stand in one (S122). */
void emu_mov_ss_shadow(struct emu *cpu)
{
	if (!(cpu->st.debug.interruptibility & EMU_BLOCK_MOV_SS) ||
	    cpu->flags & EMU_VENDOR_AMD)
		cpu->new_shadow |= EMU_BLOCK_MOV_SS;
}

/* mov sreg, r/m16 */
int em_mov_to_sreg(struct emu *cpu, const struct emu_insn *i)
{
	int r;

	r = emu_load_segment(cpu, i->reg, cpu->src);
	if (!r && i->reg == EMU_SS)
		emu_mov_ss_shadow(cpu);
	return r;
}

/* mov r/m, sreg: memory always gets two bytes, a register its full size */
int em_mov_from_sreg(struct emu *cpu, const struct emu_insn *i)
{
	u64 sel = cpu->st.segs.seg[i->reg].selector;

	if (i->mem)
		return emu_write(cpu, i->seg, cpu->ea, 2, sel);
	reg_set(cpu, i->rm_at, i->osize, sel);
	return EMU_OK;
}

static int read_far(struct emu *cpu, const struct emu_insn *i, u64 *off,
		    u64 *sel)
{
	u64 mask = size_mask(i->asize);
	int r = emu_read(cpu, i->seg, cpu->ea, i->osize, off);

	if (!r)
		r = emu_read(cpu, i->seg, (cpu->ea + i->osize) & mask, 2, sel);
	return r;
}

static int load_far(struct emu *cpu, const struct emu_insn *i, unsigned int seg)
{
	u64 off, sel;
	int r = read_far(cpu, i, &off, &sel);

	if (!r)
		r = emu_load_segment(cpu, seg, sel);
	if (!r)
		reg_set(cpu, i->reg_at, i->osize, off);
	return r;
}

int em_les(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_ES);
}

int em_lds(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_DS);
}

/* lss: no shadow, unlike MOV SS (S112) */
int em_lss(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_SS);
}

int em_lfs(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_FS);
}

int em_lgs(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_GS);
}
