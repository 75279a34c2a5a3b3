// SPDX-License-Identifier: GPL-2.0
/*
 * The short way of events and IRETs that stay in their ring: through an interrupt or
 * trap gate to code of the kind that it interrupts, and back; in real mode, through
 * the vector table.
 *
 * Tables and stack are found through windows that are there already. Each of the two
 * looks at everything first, and then does it all or nothing: what faults, is watched,
 * is served by a hook, crosses a page or changes a table is for interrupt.c and
 * transfer.c, from its beginning. Descriptors are read each time; of one that has been
 * looked at before the bytes are compared.
 */
#include "handlers.h"
#include "quick.h"
#include "window.h"

/* Memory of bytes within a page, accesses to which nobody has to notice. */
static __always_inline u8 *plain(struct emu *cpu, const struct emu_window *w, u64 lin,
				 unsigned int size, enum emu_access acc)
{
	u64 tag = window_tag(w, acc);

	/* By the last byte: what goes on in the next page finds no tag. */
	if (unlikely((tag & ~EMU_TAG_WATCHED) != emu_page_tag(cpu, lin + size - 1)))
		return NULL;
	if (unlikely(tag & EMU_TAG_WATCHED) && emu_watched(cpu, lin, size, acc))
		return NULL;
	return w->host + lin % EMU_PAGE;
}

static __always_inline const u8 *table(struct emu *cpu, u64 lin, unsigned int size)
{
	return plain(cpu, window_slot(cpu, lin, false), lin, size, EMU_ACC_READ);
}

/* The @size bytes from @sp on in the stack in use, no part of which is beyond its end. */
static __always_inline u8 *stack(struct emu *cpu, u64 sp, unsigned int size,
				 enum emu_access acc)
{
	const struct emu_quick *q = &cpu->quick;
	const struct emu_quick_seg *s = &q->seg[EMU_SS];
	u64 lin = (s->base + sp) & q->lin_mask;

	if (sp + size > (acc == EMU_ACC_WRITE ? s->write_end : s->read_end) ||
	    sp + size - 1 > q->sp_mask)
		return NULL;
	return plain(cpu, window_slot(cpu, lin, cpl(cpu) == 3), lin, size, acc);
}

static u64 stack_pointer(const struct emu *cpu, unsigned int below)
{
	return (cpu->st.regs.gpr[EMU_RSP] - below) & cpu->quick.sp_mask;
}

static void set_stack_pointer(struct emu *cpu, u64 sp)
{
	gpr_set(cpu, EMU_RSP, cpu->quick.sp_size, sp);
}

/* The descriptor that @sel names, unless finding it is not so simple. */
static __always_inline bool descriptor(struct emu *cpu, u16 sel, u64 *raw)
{
	const struct emu_dtable *gdtr = &cpu->st.segs.gdtr;
	u64 lin = gdtr->base + (sel & ~7U);
	const u8 *p;

	if (is_null(sel) || sel & 4 || (sel | 7U) > gdtr->limit)
		return false;
	p = table(cpu, long_mode(cpu) ? lin : (u32)lin, 8);
	if (!p)
		return false;
	*raw = host_read(p, 8);
	return true;
}

/* Does @seg hold what @raw says? */
static bool holds(const struct emu *cpu, unsigned int seg, u64 raw)
{
	struct emu_desc d = { .raw = raw };

	emu_desc_decode(&d);
	return same_segment(&d.seg, &cpu->st.segs.seg[seg]);
}

/* Can a gate or an IRET lead to code of this descriptor, and nothing but the selector change? */
static noinline bool leads_to(struct emu *cpu, u64 raw)
{
	const u32 need = EMU_SEG_P | EMU_SEG_S | EMU_SEG_CODE | EMU_SEG_ACCESSED;
	u32 attr = cpu->st.segs.seg[EMU_CS].attr, both = EMU_SEG_L | EMU_SEG_DB;
	unsigned int dpl = (attr & EMU_SEG_DPL) >> EMU_SEG_DPL_SHIFT;

	if ((attr & need) != need || (attr & both) == both ||
	    (is_conforming(attr) ? dpl > cpl(cpu) : dpl != cpl(cpu)) ||
	    !holds(cpu, EMU_CS, raw))
		return false;
	cpu->quick.ring_code = raw;
	return true;
}

static __always_inline bool same_code(struct emu *cpu, u16 sel)
{
	u64 raw;

	return descriptor(cpu, sel, &raw) &&
	       (likely(raw && raw == cpu->quick.ring_code) || leads_to(cpu, raw));
}

/* ... for SS, by an IRET in 64-bit mode. */
static bool same_stack(struct emu *cpu, u16 sel)
{
	const u32 need = EMU_SEG_P | EMU_SEG_ACCESSED;
	const struct emu_segment *ss = &cpu->st.segs.seg[EMU_SS];
	u64 raw;

	if ((sel & 3) != cpl(cpu))
		return false;
	if (is_null(sel))
		return ss->attr & EMU_SEG_UNUSABLE && cpl(cpu) < 3 && !ss->base &&
		       !ss->limit;
	return (ss->attr & need) == need && is_writable_data(ss->attr) &&
	       descriptor(cpu, sel, &raw) && holds(cpu, EMU_SS, raw);
}

/* Can code in the present CS go on at @off? */
static bool reachable(const struct emu *cpu, u64 off)
{
	return off + cpu->quick.code_bias <= cpu->quick.code_top;
}

/* Of any size that a gate has. */
static void put(u8 **p, unsigned int size, u64 val)
{
	if (size == 4)
		host_write(*p, 4, val);
	else if (size == 8)
		host_write(*p, 8, val);
	else
		host_write(*p, 2, val);
	*p += size;
}

static u64 get(const u8 **p, unsigned int size)
{
	const u8 *at = *p;

	*p += size;
	if (size == 4)
		return host_read(at, 4);
	return size == 8 ? host_read(at, 8) : host_read(at, 2);
}

static void put_frame(struct emu *cpu, const struct emu_event *ev, u8 **p,
		      unsigned int size)
{
	u64 fl = emu_rflags(cpu) & ~EMU_FL_RF;

	put(p, size, cpu->st.regs.rip + ev->insn_len);
	put(p, size, cpu->st.segs.seg[EMU_CS].selector);
	put(p, size, ev->flags & EMU_EVENT_RF ? fl | EMU_FL_RF : fl);
}

/* In real mode a selector is a base, and that is all that changes, but the first time. */
static void set_real_code(struct emu *cpu, u16 sel)
{
	const struct emu_segment *cs = &cpu->st.segs.seg[EMU_CS];
	u32 limit = cs->limit, attr = cs->attr;

	emu_segment_flat(cpu, EMU_CS, sel);
	if (cs->limit != limit || cs->attr != attr)
		cpu->quick.valid = false;
	cpu->quick.code_base = cs->base;
	quick_forget_page(&cpu->quick);
}

static bool enter_real(struct emu *cpu, const struct emu_event *ev)
{
	const struct emu_dtable *idtr = &cpu->st.segs.idtr;
	u64 sp = stack_pointer(cpu, 6), off, sel;
	const u8 *vector;
	u8 *frame;

	if (4 * ev->vector + 3 > idtr->limit)
		return false;
	vector = table(cpu, (u32)(idtr->base + 4 * ev->vector), 4);
	frame = stack(cpu, sp, 6, EMU_ACC_WRITE);
	if (!vector || !frame)
		return false;
	off = get(&vector, 2);
	sel = get(&vector, 2);
	if (!reachable(cpu, off))
		return false;
	put_frame(cpu, ev, &frame, 2);
	set_real_code(cpu, sel);
	set_stack_pointer(cpu, sp);
	cpu->st.regs.rip = off;
	cpu->st.regs.rflags &= ~(EMU_FL_IF | EMU_FL_TF | EMU_FL_AC | EMU_FL_RF);
	return true;
}

/* Where the frame of a 64-bit gate is to end. */
static bool stack_long(struct emu *cpu, unsigned int ist, u64 *sp)
{
	const struct emu_segment *tr = &cpu->st.segs.seg[EMU_TR];
	unsigned int at = 0x24 + 8 * (ist - 1);
	const u8 *p;

	*sp = cpu->st.regs.gpr[EMU_RSP];
	if (ist) {
		p = at + 7 > tr->limit ? NULL : table(cpu, tr->base + at, 8);
		if (!p)
			return false;
		*sp = host_read(p, 8);
	}
	*sp &= ~15ULL;
	return true;
}

/* Room for @n values of @size bytes, in the stack that the gate leads to. */
static u8 *frame_at(struct emu *cpu, u64 gate, unsigned int size, unsigned int n, u64 *sp)
{
	if (size < 8)
		*sp = stack_pointer(cpu, n * size);
	else if (stack_long(cpu, gate >> 32 & 7, sp))
		*sp -= n * size;
	else
		return NULL;
	return stack(cpu, *sp, n * size, EMU_ACC_WRITE);
}

static bool enter_protected(struct emu *cpu, const struct emu_event *ev)
{
	const struct emu_dtable *idtr = &cpu->st.segs.idtr;
	bool wide = cpu->quick.sp_size == 8, error = ev->flags & EMU_EVENT_ERROR;
	unsigned int len = wide ? 16 : 8, at = len * ev->vector, size;
	u64 gate, off, sp, lin, clear = EMU_FL_TF | EMU_FL_NT | EMU_FL_RF;
	const u8 *p;
	u8 *frame;

	/* Code in compatibility mode is left for code of another kind. */
	if (wide != long_mode(cpu) || at + len - 1 > idtr->limit)
		return false;
	lin = idtr->base + at;
	p = table(cpu, wide ? lin : (u32)lin, len);
	if (!p)
		return false;
	gate = host_read(p, 8);
	size = wide ? 8 : gate >> 43 & 1 ? 4 : 2;
	/* A gate that is present, of an interrupt or a trap; in long mode not of 16 bits. */
	if ((gate >> 40 & (EMU_SEG_P | EMU_SEG_S | 6)) != (EMU_SEG_P | 6) ||
	    (wide && !(gate >> 43 & 1)) ||
	    (emu_is_soft(ev) && (gate >> 45 & 3) < cpl(cpu)) ||
	    !same_code(cpu, gate >> 16))
		return false;
	off = gate & 0xffff;
	if (size > 2)
		off |= gate >> 48 << 16;
	if (wide)
		off |= host_read(p + 8, 4) << 32;
	frame = frame_at(cpu, gate, size, (wide ? 5 : 3) + error, &sp);
	if (!frame || !reachable(cpu, off))
		return false;
	if (error)
		put(&frame, size, ev->error_code);
	put_frame(cpu, ev, &frame, size);
	if (wide) {
		put(&frame, 8, cpu->st.regs.gpr[EMU_RSP]);
		put(&frame, 8, cpu->st.segs.seg[EMU_SS].selector);
	}
	if (!(gate >> 40 & 1))
		clear |= EMU_FL_IF;
	cpu->st.segs.seg[EMU_CS].selector = (gate >> 16 & 0xfffc) | cpl(cpu);
	set_stack_pointer(cpu, sp);
	cpu->st.regs.rip = off;
	cpu->st.regs.rflags &= ~clear;
	return true;
}

/* Is there a reason to go the long way, whatever it is? With a look at the state. */
static bool excluded(struct emu *cpu)
{
	if (cpu->flags & (EMU_NO_BLOCKS | EMU_CALLER_MEMORY) || vm86(cpu))
		return true;
	if (!cpu->quick.valid)
		emu_quick_view(cpu);
	return false;
}

/**
 * emu_ring_enter() - enter the handler of an event, if that is simple
 * @cpu: engine
 * @ev: event; RIP is the one that it came at
 *
 * Return: false if nothing has been done, and emu_deliver() is to do it.
 */
bool emu_ring_enter(struct emu *cpu, const struct emu_event *ev)
{
	const struct emu_state *st = &cpu->st;

	/* What has been served for it has to be taken, in order. */
	if (st->progress.nr_replay | st->io.kind || excluded(cpu))
		return false;
	return protected_mode(cpu) ? enter_protected(cpu, ev) : enter_real(cpu, ev);
}

/**
 * emu_ring_return() - IRET, if that is simple
 * @cpu: engine
 * @size: bytes of each value that it pops
 *
 * Return: false if nothing has been done; else emu.next_rip is where it leads.
 */
bool emu_ring_return(struct emu *cpu, unsigned int size)
{
	struct emu_segment *seg = cpu->st.segs.seg;
	unsigned int nr;
	u64 sp, off, fl;
	u16 sel, ss = seg[EMU_SS].selector;
	const u8 *p;

	if (excluded(cpu) || cpu->st.regs.rflags & (EMU_FL_NT | EMU_FL_AC))
		return false;
	nr = cpu->quick.sp_size == 8 ? 5 : 3;
	sp = stack_pointer(cpu, 0);
	p = stack(cpu, sp, nr * size, EMU_ACC_READ);
	if (!p)
		return false;
	off = get(&p, size);
	sel = get(&p, size);
	fl = get(&p, size);
	if (!reachable(cpu, off))
		return false;
	sp += nr * size;
	if (!protected_mode(cpu)) {
		set_real_code(cpu, sel);
		emu_load_flags(cpu, fl, size, EMU_FL_RF);
	} else {
		if (fl & EMU_FL_VM || (sel & 3) != cpl(cpu) || !same_code(cpu, sel))
			return false;
		if (nr == 5) {
			sp = get(&p, size);
			ss = get(&p, size);
			if (!same_stack(cpu, ss))
				return false;
		}
		seg[EMU_CS].selector = sel;
		seg[EMU_SS].selector = ss;
		emu_iret_flags(cpu, cpl(cpu), fl, size);
	}
	set_stack_pointer(cpu, sp);
	cpu->st.debug.interruptibility &= ~EMU_BLOCK_NMI;
	cpu->keep_rf = size > 2;
	cpu->branch = true;
	cpu->next_rip = off;
	return true;
}
