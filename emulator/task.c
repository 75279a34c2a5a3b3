// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches (SDM3 chapter "Task Management").
 *
 * Everything that can fail is read and probed before the first change. What fails
 * after it, while the new task's segments are loaded, is the new task's fault.
 */
#include "handlers.h"

/* Where a TSS keeps what. */
struct layout {
	u8 limit;	/* the least */
	u8 size;	/* of registers */
	u8 ip;		/* first of IP, FLAGS, eight general registers */
	u8 segs;	/* ES, CS, SS, DS, with 32 bits FS, GS */
	u8 nr_segs;
	u8 step;	/* from one selector to the next */
	u8 ldt;
};

static const struct layout layout16 = { 43, 2, 14, 34, 4, 2, 42 };
static const struct layout layout32 = { 103, 4, 32, 72, 6, 4, 96 };

#define TSS_CR3		28
#define TSS_TRAP	100

/* In the order of the TSS and of enum emu_sreg. */
struct image {
	u64 ip;
	u64 flags;
	u64 gpr[8];
	u64 sel[6];
	u64 ldt;
	u64 cr3;
	u64 trap;
};

static const struct layout *layout_of(u32 attr)
{
	return attr & 8 ? &layout32 : &layout16;
}

static int read_image(struct emu *cpu, u64 base, const struct layout *l,
		      struct image *m)
{
	unsigned int n, at = l->ip;
	int r;

	memset(m, 0, sizeof(*m));
	r = emu_system_read(cpu, base + at, l->size, &m->ip);
	if (!r)
		r = emu_system_read(cpu, base + at + l->size, l->size, &m->flags);
	at += 2 * l->size;
	for (n = 0; n < 8 && !r; n++, at += l->size)
		r = emu_system_read(cpu, base + at, l->size, &m->gpr[n]);
	for (n = 0; n < l->nr_segs && !r; n++)
		r = emu_system_read(cpu, base + l->segs + n * l->step, 2,
				    &m->sel[n]);
	if (!r)
		r = emu_system_read(cpu, base + l->ldt, 2, &m->ldt);
	if (!r && l->size == 4)
		r = emu_system_read(cpu, base + TSS_CR3, 4, &m->cr3);
	if (!r && l->size == 4)
		r = emu_system_read(cpu, base + TSS_TRAP, 1, &m->trap);
	return r;
}

static int save_image(struct emu *cpu, u64 base, const struct layout *l,
		      u64 rip, u64 rflags)
{
	unsigned int n, at = l->ip;
	int r;

	r = emu_system_write(cpu, base + at, l->size, rip & size_mask(l->size));
	if (!r)
		r = emu_system_write(cpu, base + at + l->size, l->size,
				     rflags & size_mask(l->size));
	at += 2 * l->size;
	for (n = 0; n < 8 && !r; n++, at += l->size)
		r = emu_system_write(cpu, base + at, l->size,
				     gpr_get(cpu, n, l->size));
	for (n = 0; n < l->nr_segs && !r; n++)
		r = emu_system_write(cpu, base + l->segs + n * l->step, 2,
				     cpu->st.segs.seg[n].selector);
	return r;
}

/* The new task's code segment. */
static int load_code(struct emu *cpu, u16 sel)
{
	unsigned int rpl = sel & 3;
	struct emu_desc d;
	int r;

	if (is_null(sel))
		return emu_selector_fault(cpu, VEC_TS, sel);
	r = emu_desc_read(cpu, sel, VEC_TS, &d);
	if (r)
		return r;
	if (!is_code(d.seg.attr) ||
	    (is_conforming(d.seg.attr) ? desc_dpl(&d) > rpl :
					 desc_dpl(&d) != rpl))
		return emu_selector_fault(cpu, VEC_TS, sel);
	if (!(d.seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	r = emu_desc_accessed(cpu, &d);
	if (!r)
		emu_set_cs(cpu, &d, rpl);
	return r;
}

static int load_segments(struct emu *cpu, const struct image *m)
{
	static const u8 order[] = { EMU_SS, EMU_DS, EMU_ES, EMU_FS, EMU_GS };
	unsigned int n;
	int r;

	if (vm86(cpu)) {
		for (n = EMU_ES; n <= EMU_GS; n++)
			emu_segment_flat(cpu, n, m->sel[n]);
		return emu_load_ldt(cpu, m->ldt, VEC_TS);
	}
	/* Until they are loaded the selectors are there and nothing else. */
	for (n = EMU_ES; n <= EMU_GS; n++)
		emu_segment_null(cpu, n, m->sel[n]);
	cpu->st.segs.seg[EMU_SS].attr |= (m->sel[EMU_CS] & 3) <<
					 EMU_SEG_DPL_SHIFT;
	cpu->st.segs.seg[EMU_LDTR].selector = m->ldt;
	cpu->st.segs.seg[EMU_LDTR].attr = EMU_SEG_UNUSABLE;
	r = emu_load_ldt(cpu, m->ldt, VEC_TS);
	if (!r)
		r = load_code(cpu, m->sel[EMU_CS]);
	for (n = 0; n < ARRAY_SIZE(order) && !r; n++)
		r = emu_load_data(cpu, order[n], m->sel[order[n]], VEC_TS);
	return r;
}

/* From here on the old task is saved: registers, then segments. */
static int enter(struct emu *cpu, const struct image *m, const struct layout *l,
		 bool nested)
{
	u64 fl = m->flags | (nested ? EMU_FL_NT : 0);
	unsigned int n;
	int r;

	/* A fault below belongs to the new task: nothing of this is undone. */
	cpu->undo = false;
	cpu->st.progress.in_rep = 0;
	cpu->st.regs.rip = m->ip;
	cpu->next_rip = m->ip;
	emu_change_flags(cpu, fl, 4, EMU_FL_VALID);
	cpu->undo_lf = cpu->lf;
	cpu->keep_rf = true;
	cpu->branch = true;
	for (n = 0; n < 8; n++)
		cpu->st.regs.gpr[n] = m->gpr[n] | (l->size == 2 ? 0xffff0000 : 0);
	cpu->st.ctrl.cr0 |= EMU_CR0_TS;
	if (l->size == 4 && cpu->st.ctrl.cr0 & EMU_CR0_PG) {
		cpu->st.ctrl.cr3 = m->cr3;
		emu_flush(cpu);
	}
	emu_debug_task_switch(cpu);
	r = load_segments(cpu, m);
	if (!r)
		r = emu_check_target(cpu, &cpu->st.segs.seg[EMU_CS], m->ip);
	if (!r && l->size == 4 && m->trap & 1)
		emu_debug_add(cpu, EMU_DBG_BT, EMU_CAUSE_TASK);
	return r;
}

/* All that the switch will write can be written. */
static int probe(struct emu *cpu, const struct emu_segment *old,
		 const struct layout *l, const struct emu_desc *tss,
		 const struct emu_desc *back, bool nested)
{
	unsigned int end = l->segs + (l->nr_segs - 1) * l->step + 2;
	int r = emu_system_probe(cpu, old->base + l->ip, end - l->ip);

	if (!r)
		r = emu_system_probe(cpu, tss->addr + 5, 1);
	if (!r && back)
		r = emu_system_probe(cpu, back->addr + 5, 1);
	if (!r && nested)
		r = emu_system_probe(cpu, tss->seg.base, 2);
	return r;
}

/**
 * emu_task_switch() - leave the present task for another one
 * @cpu: engine
 * @tss: its descriptor, present and not busy (TASK_IRET: busy)
 * @why: how
 * @rip: what the old task is saved with
 * @rflags: likewise
 *
 * emu.next_rip is the new task's RIP afterwards.
 *
 * Return: enum emu_result. An exception after the switch finds the new task in the
 * state, RIP included.
 */
int emu_task_switch(struct emu *cpu, const struct emu_desc *tss,
		    enum emu_task_reason why, u64 rip, u64 rflags)
{
	struct emu_segment *tr = &cpu->st.segs.seg[EMU_TR], old = *tr;
	const struct layout *l = layout_of(tss->seg.attr);
	const struct layout *old_l = layout_of(old.attr);
	bool nested = why == TASK_CALL || why == TASK_EVENT;
	struct emu_before *before = &cpu->before;
	struct emu_desc back;
	struct image m;
	int r;

	if (tss->seg.limit < l->limit)
		return emu_selector_fault(cpu, VEC_TS, tss->seg.selector);
	if (old.limit < old_l->limit)
		return emu_selector_fault(cpu, VEC_TS, old.selector);
	/* A task that does not wait for another is no longer busy. */
	if (!nested) {
		r = emu_desc_read(cpu, old.selector, VEC_TS, &back);
		if (r)
			return r;
	}
	r = read_image(cpu, tss->seg.base, l, &m);
	if (!r)
		r = probe(cpu, &old, old_l, tss, nested ? NULL : &back, nested);
	if (r)
		return r;

	before->regs = cpu->st.regs;
	before->segs = cpu->st.segs;
	before->ctrl = cpu->st.ctrl;
	before->debug = cpu->st.debug;
	before->lf = cpu->undo_lf;
	before->tss = why == TASK_IRET ? 0 : tss->addr + 5;
	before->back = nested ? 0 : back.addr + 5;
	cpu->switched = true;
	if (why == TASK_IRET)
		rflags &= ~EMU_FL_NT;
	r = save_image(cpu, old.base, old_l, rip, rflags);
	if (!r && nested)
		r = emu_system_write(cpu, tss->seg.base, 2, old.selector);
	if (!r && !nested)
		r = emu_system_change(cpu, back.addr + 5, TYPE_BUSY, 0);
	if (!r && why != TASK_IRET)
		r = emu_system_change(cpu, tss->addr + 5, 0, TYPE_BUSY);
	if (r)
		return r;
	*tr = tss->seg;
	tr->attr |= TYPE_BUSY;
	return enter(cpu, &m, l, nested);
}

/*
 * Memory that the owner serves, or that is not there, was met on the way: the
 * instruction or delivery starts again later, from the old task.
 */
void emu_task_revert(struct emu *cpu)
{
	const struct emu_before *b = &cpu->before;
	u64 cr3 = cpu->st.ctrl.cr3;

	cpu->switched = false;
	cpu->st.regs = b->regs;
	cpu->st.segs = b->segs;
	cpu->st.ctrl = b->ctrl;
	cpu->st.debug = b->debug;
	cpu->lf = b->lf;
	cpu->undo_lf = b->lf;
	if (cr3 != b->ctrl.cr3)
		emu_flush(cpu);
	emu_debug_arm(cpu);
	if (b->back)
		emu_system_restore(cpu, b->back, 0, TYPE_BUSY);
	if (b->tss)
		emu_system_restore(cpu, b->tss, TYPE_BUSY, 0);
}

/* The TSS that a task gate or a back link names. */
static int read_tss(struct emu *cpu, u16 sel, u8 vector, bool busy,
		    struct emu_desc *d)
{
	unsigned int want = busy ? TYPE_BUSY : 0;
	int r;

	if (is_null(sel) || sel & 4)
		return emu_selector_fault(cpu, vector, sel);
	r = emu_desc_read(cpu, sel, vector, d);
	if (r)
		return r;
	if (d->seg.attr & EMU_SEG_S ||
	    (desc_type(d) & ~8U) != (TYPE_TSS16 | want))
		return emu_selector_fault(cpu, vector, sel);
	if (!(d->seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	return EMU_OK;
}

/* ... through a task gate, whose selector's privilege does not count. */
int emu_task_gate(struct emu *cpu, u16 sel, enum emu_task_reason why, u64 rip,
		  u64 rflags)
{
	struct emu_desc d;
	int r = read_tss(cpu, sel, VEC_GP, false, &d);

	return r ? r : emu_task_switch(cpu, &d, why, rip, rflags);
}

/* IRET with NT: to the task that the present one was entered from. */
int emu_task_return(struct emu *cpu)
{
	const struct emu_segment *tr = &cpu->st.segs.seg[EMU_TR];
	u64 fl = emu_rflags(cpu) & ~EMU_FL_RF, link;
	struct emu_desc d;
	int r;

	r = emu_system_read(cpu, tr->base, 2, &link);
	if (!r)
		r = read_tss(cpu, link, VEC_TS, true, &d);
	if (!r)
		r = emu_task_switch(cpu, &d, TASK_IRET, cpu->next_rip, fl);
	if (!r)
		cpu->st.debug.interruptibility &= ~EMU_BLOCK_NMI;
	return r;
}
