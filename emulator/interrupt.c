// SPDX-License-Identifier: GPL-2.0
/*
 * From an event to its handler: through the vector table of real mode, through
 * IDT gates, and with VME through the vector table of a V86 task.
 */
#include "internal.h"

/* A selector error that names the IDT. */
static int idt_fault(struct emu *cpu, const struct emu_event *ev, u8 vector)
{
	return emu_raise_error(cpu, vector, ev->vector * 8 + 2);
}

/* RFLAGS as it is pushed: RF is the event's (S96-S99). */
static u64 pushed_flags(const struct emu *cpu, const struct emu_event *ev)
{
	u64 fl = emu_rflags(cpu) & ~EMU_FL_RF;

	return ev->flags & EMU_EVENT_RF ? fl | EMU_FL_RF : fl;
}

/* A frame of 16 bits onto the stack in use, and CS:IP from a vector table. */
static int through_table(struct emu *cpu, const struct emu_event *ev, u64 fl,
			 u64 at)
{
	struct emu_segment *cs = &cpu->st.segs.seg[EMU_CS];
	const u64 frame[3] = { fl, cs->selector,
			       cpu->st.regs.rip + ev->insn_len };
	u64 off, sel;
	int r;

	r = emu_system_read(cpu, at, 2, &off);
	if (!r)
		r = emu_system_read(cpu, (u32)(at + 2), 2, &sel);
	if (r)
		return r;
	if (off > cs->limit)
		return emu_raise(cpu, VEC_GP);
	r = emu_push_many(cpu, 2, frame, 3);
	if (r)
		return r;
	emu_segment_flat(cpu, EMU_CS, sel);
	cpu->st.regs.rip = off;
	return EMU_OK;
}

static int deliver_real(struct emu *cpu, const struct emu_event *ev)
{
	const struct emu_dtable *idtr = &cpu->st.segs.idtr;
	u64 fl = emu_rflags(cpu);
	int r;

	if (4 * ev->vector + 3 > idtr->limit)
		return emu_raise(cpu, VEC_GP);
	r = through_table(cpu, ev, fl, (u32)(idtr->base + 4 * ev->vector));
	if (!r)
		emu_set_rflags(cpu, fl & ~(EMU_FL_IF | EMU_FL_TF | EMU_FL_AC |
					   EMU_FL_RF));
	return r;
}

/**
 * emu_vme_redirects() - does an INT n of V86 mode stay in it?
 * @cpu: engine, in V86 mode
 * @vector: n
 * @r: EMU_OK, or what reading the TSS's bitmap came to
 *
 * Return: true if CR4.VME and the bitmap below the I/O bitmap say so.
 */
bool emu_vme_redirects(struct emu *cpu, u8 vector, int *r)
{
	const struct emu_segment *tr = &cpu->st.segs.seg[EMU_TR];
	u64 base, bits;
	u32 at;

	*r = EMU_OK;
	if (!(cpu->st.ctrl.cr4 & EMU_CR4_VME) || !(tr->attr & 8) ||
	    tr->limit < 103)
		return false;
	*r = emu_system_read(cpu, tr->base + 102, 2, &base);
	if (*r)
		return false;
	at = (u32)base - 32 + vector / 8;
	if (base < 32 || at > tr->limit) {
		*r = emu_raise_error(cpu, VEC_GP, 0);
		return false;
	}
	*r = emu_system_read(cpu, tr->base + at, 1, &bits);
	return !*r && !(bits >> (vector % 8) & 1);
}

static int deliver_vme(struct emu *cpu, const struct emu_event *ev)
{
	u64 fl = emu_rflags(cpu), image = fl & ~EMU_FL_RF;
	bool virtual = iopl(cpu) < 3;
	int r;

	if (virtual) {
		image = (image & ~EMU_FL_IF) | EMU_FL_IOPL;
		if (fl & EMU_FL_VIF)
			image |= EMU_FL_IF;
	}
	r = through_table(cpu, ev, image, 4 * ev->vector);
	if (r)
		return r;
	fl &= ~(EMU_FL_TF | EMU_FL_RF);
	emu_set_rflags(cpu, fl & ~(virtual ? EMU_FL_VIF : EMU_FL_IF));
	return EMU_OK;
}

/* RFLAGS at the handler's first instruction. */
static void handler_flags(struct emu *cpu, const struct emu_desc *gate)
{
	u64 fl = emu_rflags(cpu) & ~(EMU_FL_TF | EMU_FL_NT | EMU_FL_RF |
				     EMU_FL_VM);

	/* Interrupt gates have an even type. */
	if (!(desc_type(gate) & 1))
		fl &= ~EMU_FL_IF;
	emu_set_rflags(cpu, fl);
}

static void push(struct emu_frame *f, u64 val)
{
	f->val[f->n++] = val;
}

static void push_rest(const struct emu *cpu, struct emu_frame *f,
		      const struct emu_event *ev)
{
	push(f, pushed_flags(cpu, ev));
	push(f, cpu->st.segs.seg[EMU_CS].selector);
	push(f, cpu->st.regs.rip + ev->insn_len);
	if (ev->flags & EMU_EVENT_ERROR)
		push(f, ev->error_code);
}

static void drop_vm86_segments(struct emu *cpu)
{
	emu_segment_null(cpu, EMU_ES, 0);
	emu_segment_null(cpu, EMU_DS, 0);
	emu_segment_null(cpu, EMU_FS, 0);
	emu_segment_null(cpu, EMU_GS, 0);
}

static int gate_legacy(struct emu *cpu, const struct emu_event *ev,
		       const struct emu_desc *gate, struct emu_desc *code)
{
	const struct emu_segment *seg = cpu->st.segs.seg;
	unsigned int old = cpl(cpu), level = desc_dpl(code);
	struct emu_frame f = { .size = desc_type(gate) & 8 ? 4 : 2 };
	struct emu_desc stack;
	bool inner, virtual = vm86(cpu);
	int r;

	if (is_conforming(code->seg.attr))
		level = old;
	inner = level < old;
	if (virtual && (is_conforming(code->seg.attr) || level))
		return emu_selector_fault(cpu, VEC_GP, code->seg.selector);
	f.ss = &seg[EMU_SS];
	f.sp = cpu->st.regs.gpr[EMU_RSP];
	if (inner) {
		r = emu_inner_stack(cpu, level, &f, &stack);
		if (r)
			return r;
		if (virtual) {
			push(&f, seg[EMU_GS].selector);
			push(&f, seg[EMU_FS].selector);
			push(&f, seg[EMU_DS].selector);
			push(&f, seg[EMU_ES].selector);
		}
		push(&f, seg[EMU_SS].selector);
		push(&f, cpu->st.regs.gpr[EMU_RSP]);
	}
	push_rest(cpu, &f, ev);
	r = emu_gate_frame(cpu, gate, code, &f, level);
	if (r)
		return r;
	handler_flags(cpu, gate);
	if (virtual)
		drop_vm86_segments(cpu);
	if (inner)
		emu_set_ss(cpu, &stack, level);
	emu_set_cs(cpu, code, level);
	gpr_set(cpu, EMU_RSP, stack_size(cpu), f.sp);
	cpu->st.regs.rip = gate_target(gate);
	return EMU_OK;
}

/* The stack of a 64-bit gate: IST, the new level's, or the one in use. */
static int stack_long(struct emu *cpu, unsigned int ist, bool inner,
		      unsigned int level, u64 *sp)
{
	const struct emu_segment *tr = &cpu->st.segs.seg[EMU_TR];
	u16 sel;
	int r = EMU_OK;

	if (ist) {
		if (0x24 + 8 * (ist - 1) + 7 > tr->limit)
			return emu_selector_fault(cpu, VEC_TS, tr->selector);
		r = emu_system_read(cpu, tr->base + 0x24 + 8 * (ist - 1), 8, sp);
	} else if (inner) {
		r = emu_tss_stack(cpu, level, &sel, sp);
	} else {
		*sp = cpu->st.regs.gpr[EMU_RSP];
	}
	*sp &= ~15ULL;
	return r;
}

static int gate_long(struct emu *cpu, const struct emu_event *ev,
		     const struct emu_desc *gate, struct emu_desc *code)
{
	unsigned int old = cpl(cpu), level = desc_dpl(code);
	struct emu_frame f = { .size = 8, .wide = true };
	bool inner;
	int r;

	if ((code->seg.attr & (EMU_SEG_L | EMU_SEG_DB)) != EMU_SEG_L)
		return emu_selector_fault(cpu, VEC_GP, code->seg.selector);
	if (is_conforming(code->seg.attr))
		level = old;
	inner = level < old;
	r = stack_long(cpu, gate->raw >> 32 & 7, inner, level, &f.sp);
	if (r)
		return r;
	push(&f, cpu->st.segs.seg[EMU_SS].selector);
	push(&f, cpu->st.regs.gpr[EMU_RSP]);
	push_rest(cpu, &f, ev);
	r = emu_gate_frame(cpu, gate, code, &f, level);
	if (r)
		return r;
	handler_flags(cpu, gate);
	if (inner)
		emu_null_ss(cpu, level);
	emu_set_cs(cpu, code, level);
	cpu->st.regs.gpr[EMU_RSP] = f.sp;
	cpu->st.regs.rip = gate_target(gate);
	return EMU_OK;
}

/* Into the handler's task, with the error code on its stack. */
static int task_gate(struct emu *cpu, const struct emu_event *ev,
		     const struct emu_desc *gate)
{
	const struct emu_segment *ss = &cpu->st.segs.seg[EMU_SS];
	struct emu_frame f = { .ss = ss };
	int r;

	r = emu_task_gate(cpu, gate_selector(gate), TASK_EVENT,
			  cpu->st.regs.rip + ev->insn_len,
			  pushed_flags(cpu, ev));
	if (r)
		return r;
	cpu->st.regs.rip = cpu->next_rip;
	if (!(ev->flags & EMU_EVENT_ERROR))
		return EMU_OK;
	f.size = cpu->st.segs.seg[EMU_TR].attr & 8 ? 4 : 2;
	f.sp = cpu->st.regs.gpr[EMU_RSP];
	push(&f, ev->error_code);
	r = emu_push_frame(cpu, &f, cpl(cpu));
	if (!r)
		gpr_set(cpu, EMU_RSP, ss->attr & EMU_SEG_DB ? 4 : 2, f.sp);
	return r;
}

static int read_gate(struct emu *cpu, const struct emu_event *ev,
		     struct emu_desc *gate)
{
	unsigned int size = long_mode(cpu) ? 16 : 8;
	u64 at = cpu->st.segs.idtr.base + size * ev->vector;
	int r;

	if (!long_mode(cpu))
		at = (u32)at;
	memset(gate, 0, sizeof(*gate));
	if (size * ev->vector + size - 1 > cpu->st.segs.idtr.limit)
		return idt_fault(cpu, ev, VEC_GP);
	r = emu_system_read(cpu, at, 8, &gate->raw);
	if (!r && size == 16)
		r = emu_system_read(cpu, at + 8, 8, &gate->high);
	if (r)
		return r;
	gate->high = (u32)gate->high;
	emu_desc_decode(gate);
	switch (gate->seg.attr & (EMU_SEG_S | EMU_SEG_TYPE)) {
	case TYPE_TASK_GATE:
	case TYPE_INT16:
	case TYPE_TRAP16:
		if (long_mode(cpu))
			return idt_fault(cpu, ev, VEC_GP);
		break;
	case TYPE_INT:
	case TYPE_TRAP:
		break;
	default:
		return idt_fault(cpu, ev, VEC_GP);
	}
	if (emu_is_soft(ev) && desc_dpl(gate) < cpl(cpu))
		return idt_fault(cpu, ev, VEC_GP);
	if (!(gate->seg.attr & EMU_SEG_P))
		return idt_fault(cpu, ev, VEC_NP);
	return EMU_OK;
}

static int deliver_protected(struct emu *cpu, const struct emu_event *ev)
{
	struct emu_desc gate, code;
	u16 sel;
	int r;

	r = read_gate(cpu, ev, &gate);
	if (r)
		return r;
	if (desc_type(&gate) == TYPE_TASK_GATE)
		return task_gate(cpu, ev, &gate);
	sel = gate_selector(&gate);
	if (is_null(sel))
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_desc_read(cpu, sel, VEC_GP, &code);
	if (r)
		return r;
	if (!is_code(code.seg.attr) || desc_dpl(&code) > cpl(cpu))
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (!(code.seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	return long_mode(cpu) ? gate_long(cpu, ev, &gate, &code) :
				gate_legacy(cpu, ev, &gate, &code);
}

/**
 * emu_deliver() - enter the handler of an event
 * @cpu: engine
 * @ev: event; RIP is the one that it came at
 *
 * Return: enum emu_result. On an exception nothing has changed, unless a task
 * switch was complete: then it is the new task's.
 */
int emu_deliver(struct emu *cpu, const struct emu_event *ev)
{
	bool external = !emu_is_soft(ev);
	int r;

	/* The caller's program has no tables: its events are the owner's. */
	if (cpu->flags & EMU_CALLER_MEMORY)
		return emu_unsupported(cpu);
	if (!protected_mode(cpu))
		return deliver_real(cpu, ev);
	if (vm86(cpu) && ev->type == EMU_EV_SOFT_INT) {
		if (emu_vme_redirects(cpu, ev->vector, &r))
			return deliver_vme(cpu, ev);
		if (r)
			return r;
	}
	r = deliver_protected(cpu, ev);
	/* EXT: the program did not ask for it. */
	if (r == EMU_EXCEPTION && external && cpu->raised.vector >= VEC_TS &&
	    cpu->raised.vector <= VEC_GP)
		cpu->raised.error_code |= 1;
	return r;
}
