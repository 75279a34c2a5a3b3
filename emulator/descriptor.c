// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors in GDT and LDT, and the instructions that look at them.
 */
#include "handlers.h"

int emu_selector_fault(struct emu *cpu, u8 vector, u16 sel)
{
	return emu_raise_error(cpu, vector, sel & 0xfffc);
}

static int descriptor_at(struct emu *cpu, u16 sel, unsigned int size, u8 vector,
			 u64 *addr)
{
	const struct emu_segment *ldt = &cpu->st.segs.seg[EMU_LDTR];
	u64 base = cpu->st.segs.gdtr.base;
	u32 limit = cpu->st.segs.gdtr.limit;

	/* The caller's program has no tables (K10). */
	if (cpu->flags & EMU_CALLER_MEMORY)
		return emu_unsupported(cpu);
	if (sel & 4) {
		if (ldt->attr & EMU_SEG_UNUSABLE)
			return emu_selector_fault(cpu, vector, sel);
		base = ldt->base;
		limit = ldt->limit;
	}
	if ((sel & ~7U) + size - 1 > limit)
		return emu_selector_fault(cpu, vector, sel);
	*addr = base + (sel & ~7U);
	if (!long_mode(cpu))
		*addr = (u32)*addr;
	return EMU_OK;
}

/**
 * emu_desc_read() - a descriptor of eight bytes
 * @cpu: engine
 * @sel: selector, not null
 * @vector: of the exception where it is outside of its table
 * @d: written
 *
 * Return: enum emu_result.
 */
int emu_desc_read(struct emu *cpu, u16 sel, u8 vector, struct emu_desc *d)
{
	int r;

	memset(d, 0, sizeof(*d));
	d->seg.selector = sel & ~3;
	r = descriptor_at(cpu, sel, 8, vector, &d->addr);
	if (!r)
		r = emu_system_read(cpu, d->addr, 8, &d->raw);
	if (!r)
		emu_desc_decode(d);
	return r;
}

/* A system descriptor, which has sixteen bytes in long mode. */
int emu_desc_read_system(struct emu *cpu, u16 sel, u8 vector,
			 struct emu_desc *d)
{
	int r = emu_desc_read(cpu, sel, vector, d);

	if (r || !long_mode(cpu) || (d->seg.attr & EMU_SEG_S))
		return r;
	r = descriptor_at(cpu, sel, 16, vector, &d->addr);
	if (!r)
		r = emu_system_read(cpu, d->addr + 8, 8, &d->high);
	if (r)
		return r;
	/* The second half must not look like a descriptor. */
	if (d->high >> 40 & 0x1f)
		return emu_selector_fault(cpu, vector, sel);
	d->high = (u32)d->high;
	emu_desc_decode(d);
	return EMU_OK;
}

/* Set the accessed bit, here and in the table. */
int emu_desc_accessed(struct emu *cpu, struct emu_desc *d)
{
	if (d->seg.attr & EMU_SEG_ACCESSED)
		return EMU_OK;
	d->seg.attr |= EMU_SEG_ACCESSED;
	return emu_system_change(cpu, d->addr + 5, 0, EMU_SEG_ACCESSED);
}

/**
 * emu_load_ldt() - LLDT, and the LDT of a task
 * @cpu: engine
 * @sel: selector
 * @vector: #GP, or #TS for a task; also of a segment that is not present, if #TS
 *
 * Return: enum emu_result.
 */
int emu_load_ldt(struct emu *cpu, u16 sel, u8 vector)
{
	struct emu_segment *ldt = &cpu->st.segs.seg[EMU_LDTR];
	struct emu_desc d;
	int r;

	if (is_null(sel)) {
		ldt->selector = sel;
		ldt->attr = EMU_SEG_UNUSABLE;
		return EMU_OK;
	}
	if (sel & 4)
		return emu_selector_fault(cpu, vector, sel);
	r = emu_desc_read_system(cpu, sel, vector, &d);
	if (r)
		return r;
	if (d.seg.attr & EMU_SEG_S || desc_type(&d) != TYPE_LDT)
		return emu_selector_fault(cpu, vector, sel);
	if (!(d.seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, vector == VEC_GP ? VEC_NP : vector,
					  sel);
	if (!canonical(d.seg.base, 1))
		return emu_selector_fault(cpu, vector, sel);
	*ldt = d.seg;
	ldt->selector = sel;
	return EMU_OK;
}

/**
 * emu_check_stack() - the stack segment that a change of privilege brings
 * @cpu: engine
 * @sel: selector
 * @level: new CPL
 * @vector: #TS where it comes from a TSS, #GP where it was popped
 * @d: written
 *
 * Return: enum emu_result.
 */
int emu_check_stack(struct emu *cpu, u16 sel, unsigned int level, u8 vector,
		    struct emu_desc *d)
{
	int r;

	if (is_null(sel))
		return emu_selector_fault(cpu, vector, sel);
	r = emu_desc_read(cpu, sel, vector, d);
	if (r)
		return r;
	if ((sel & 3) != level || desc_dpl(d) != level ||
	    !is_writable_data(d->seg.attr))
		return emu_selector_fault(cpu, vector, sel);
	if (!(d->seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_SS, sel);
	return EMU_OK;
}

/* Memory gets two bytes, a register its full size. */
static int store_selector(struct emu *cpu, const struct emu_insn *i, u16 sel)
{
	int r = emu_check_umip(cpu);

	if (r)
		return r;
	if (i->mem)
		return emu_write(cpu, i->seg, cpu->ea, 2, sel);
	reg_set(cpu, i->rm_at, i->osize, sel);
	return EMU_OK;
}

int em_sldt(struct emu *cpu, const struct emu_insn *i)
{
	return store_selector(cpu, i, cpu->st.segs.seg[EMU_LDTR].selector);
}

int em_str(struct emu *cpu, const struct emu_insn *i)
{
	return store_selector(cpu, i, cpu->st.segs.seg[EMU_TR].selector);
}

int em_lldt(struct emu *cpu, const struct emu_insn *i)
{
	return emu_load_ldt(cpu, cpu->src, VEC_GP);
}

int em_ltr(struct emu *cpu, const struct emu_insn *i)
{
	u16 sel = cpu->src;
	struct emu_desc d;
	unsigned int type;
	int r;

	if (is_null(sel))
		return emu_raise_error(cpu, VEC_GP, 0);
	if (sel & 4)
		return emu_selector_fault(cpu, VEC_GP, sel);
	r = emu_desc_read_system(cpu, sel, VEC_GP, &d);
	if (r)
		return r;
	type = desc_type(&d);
	if (d.seg.attr & EMU_SEG_S ||
	    (type != TYPE_TSS && (type != TYPE_TSS16 || long_mode(cpu))))
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (!(d.seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	if (!canonical(d.seg.base, 1))
		return emu_selector_fault(cpu, VEC_GP, sel);
	r = emu_system_change(cpu, d.addr + 5, 0, TYPE_BUSY);
	if (r)
		return r;
	d.seg.attr |= TYPE_BUSY;
	d.seg.selector = sel;
	cpu->st.segs.seg[EMU_TR] = d.seg;
	return EMU_OK;
}

/*
 * The descriptor that LAR, LSL, VERR and VERW ask about, if these may see it.
 * Where they may not, or it is none of the types in @system, *@ok is false.
 */
static int visible(struct emu *cpu, u16 sel, u32 system, struct emu_desc *d,
		   bool *ok)
{
	unsigned int need = max(cpl(cpu), sel & 3U);
	int r;

	*ok = false;
	if (is_null(sel))
		return EMU_OK;
	r = emu_desc_read(cpu, sel, VEC_GP, d);
	if (r == EMU_EXCEPTION && cpu->raised.vector == VEC_GP)
		return EMU_OK;
	if (r)
		return r;
	if (!(d->seg.attr & EMU_SEG_S)) {
		if (!(system >> desc_type(d) & 1))
			return EMU_OK;
		/* Long mode's have a second half that has to be there. */
		r = emu_desc_read_system(cpu, sel, VEC_GP, d);
		if (r == EMU_EXCEPTION && cpu->raised.vector == VEC_GP)
			return EMU_OK;
		if (r)
			return r;
	}
	*ok = (is_code(d->seg.attr) && is_conforming(d->seg.attr)) ||
	      desc_dpl(d) >= need;
	return EMU_OK;
}

/* System types that LAR and LSL accept. */
#define LSL_LEGACY	(BIT(TYPE_TSS16) | BIT(TYPE_LDT) | BIT(TYPE_TSS16_BUSY) | \
			 BIT(TYPE_TSS) | BIT(TYPE_TSS_BUSY))
#define LAR_LEGACY	(LSL_LEGACY | BIT(TYPE_CALL16) | BIT(TYPE_TASK_GATE) | \
			 BIT(TYPE_CALL))
#define LSL_LONG	(BIT(TYPE_LDT) | BIT(TYPE_TSS) | BIT(TYPE_TSS_BUSY))
#define LAR_LONG	(LSL_LONG | BIT(TYPE_CALL))

int em_lar(struct emu *cpu, const struct emu_insn *i)
{
	struct emu_desc d;
	bool ok;
	int r = visible(cpu, cpu->src, long_mode(cpu) ? LAR_LONG : LAR_LEGACY,
			&d, &ok);

	if (r)
		return r;
	flags_set_zf(cpu, ok);
	/* With a 16-bit operand size only the access byte is there. */
	if (ok)
		cpu->dst = d.raw >> 32 & 0x00ffff00;
	else
		cpu->keep_dst = true;
	return EMU_OK;
}

int em_lsl(struct emu *cpu, const struct emu_insn *i)
{
	struct emu_desc d;
	bool ok;
	int r = visible(cpu, cpu->src, long_mode(cpu) ? LSL_LONG : LSL_LEGACY,
			&d, &ok);

	if (r)
		return r;
	flags_set_zf(cpu, ok);
	if (ok)
		cpu->dst = d.seg.limit;
	else
		cpu->keep_dst = true;
	return EMU_OK;
}

static int verify(struct emu *cpu, bool write)
{
	struct emu_desc d;
	bool ok;
	int r = visible(cpu, cpu->src, 0, &d, &ok);

	if (r)
		return r;
	if (ok && write)
		ok = is_writable_data(d.seg.attr);
	else if (ok)
		ok = !is_code(d.seg.attr) || (d.seg.attr & EMU_SEG_WRITABLE);
	flags_set_zf(cpu, ok);
	return EMU_OK;
}

int em_verr(struct emu *cpu, const struct emu_insn *i)
{
	return verify(cpu, false);
}

int em_verw(struct emu *cpu, const struct emu_insn *i)
{
	return verify(cpu, true);
}

/* arpl r/m16, r16: one that changes nothing needs no right to write (S159) */
int em_arpl(struct emu *cpu, const struct emu_insn *i)
{
	bool lower = (cpu->dst & 3) < (cpu->src & 3);
	int r = EMU_OK;

	if (lower)
		r = emu_write_dst(cpu, i, (cpu->dst & ~3ULL) | (cpu->src & 3));
	if (!r)
		flags_set_zf(cpu, lower);
	return r;
}
