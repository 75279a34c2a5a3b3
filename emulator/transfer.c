// SPDX-License-Identifier: GPL-2.0
/*
 * Far transfers: JMP, CALL, RET and IRET between segments, through gates, to
 * other privilege levels and other tasks.
 */
#include "handlers.h"

/* May CS:@off be executed? */
int emu_check_target(struct emu *cpu, const struct emu_segment *cs, u64 off)
{
	bool wide = long_mode(cpu) && (cs->attr & EMU_SEG_L);

	if (wide ? !canonical(off, 1) : off > cs->limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	return EMU_OK;
}

void emu_set_cs(struct emu *cpu, const struct emu_desc *d, unsigned int level)
{
	struct emu_segment *cs = &cpu->st.segs.seg[EMU_CS];

	*cs = d->seg;
	cs->selector |= level;
}

/* SS.DPL is the CPL. */
void emu_set_ss(struct emu *cpu, const struct emu_desc *d, unsigned int level)
{
	struct emu_segment *ss = &cpu->st.segs.seg[EMU_SS];

	*ss = d->seg;
	ss->selector |= level;
}

void emu_null_ss(struct emu *cpu, unsigned int level)
{
	emu_segment_null(cpu, EMU_SS, level);
	cpu->st.segs.seg[EMU_SS].attr |= level << EMU_SEG_DPL_SHIFT;
}

static void go_to(struct emu *cpu, u64 off)
{
	cpu->next_rip = off;
	cpu->branch = true;
}

/* Frames on a stack that may not be the current one */

static int frame_linear(struct emu *cpu, const struct emu_frame *f, u64 off,
			u64 *lin)
{
	const struct emu_segment *s = f->ss;
	u64 last = off + f->size - 1;
	bool in;

	if (f->wide) {
		*lin = off;
		in = canonical(off, f->size);
	} else if (s->attr & EMU_SEG_EXPAND_DOWN) {
		*lin = (u32)(s->base + off);
		in = off > s->limit &&
		     last <= (s->attr & EMU_SEG_DB ? 0xffffffffU : 0xffffU);
	} else {
		*lin = (u32)(s->base + off);
		in = last <= s->limit;
	}
	return in ? EMU_OK : emu_selector_fault(cpu, VEC_SS, f->fault);
}

/**
 * emu_push_frame() - push several values, or none, onto any stack
 * @cpu: engine
 * @f: frame; its @sp moves
 * @level: CPL that the pushes are made with
 *
 * Return: enum emu_result; nothing has changed unless EMU_OK.
 */
int emu_push_frame(struct emu *cpu, struct emu_frame *f, unsigned int level)
{
	u64 mask = f->wide ? ~0ULL : f->ss->attr & EMU_SEG_DB ? 0xffffffff : 0xffff;
	u8 access = cpu->access;
	unsigned int k;
	u64 lin;
	int r = EMU_OK;

	if (level < 3)
		cpu->access = ACCESS_SUPERVISOR;
	for (k = 1; k <= f->n && !r; k++) {
		r = frame_linear(cpu, f, (f->sp - k * f->size) & mask, &lin);
		if (!r)
			r = emu_linear_probe(cpu, lin, f->size);
	}
	for (k = 1; k <= f->n && !r; k++) {
		r = frame_linear(cpu, f, (f->sp - k * f->size) & mask, &lin);
		if (!r)
			r = emu_linear_write(cpu, lin, f->size,
					     f->val[k - 1] & size_mask(f->size));
	}
	if (!r)
		f->sp = (f->sp & ~mask) | ((f->sp - f->n * f->size) & mask);
	cpu->access = access;
	return r;
}

/* SS:rSP for @level out of the TSS; in long mode there is no SS. */
int emu_tss_stack(struct emu *cpu, unsigned int level, u16 *ss, u64 *sp)
{
	const struct emu_segment *tr = &cpu->st.segs.seg[EMU_TR];
	bool wide = long_mode(cpu), big = tr->attr & 8;
	unsigned int at = wide || big ? 4 + 8 * level : 2 + 4 * level;
	unsigned int size = wide ? 8 : big ? 4 : 2;
	u64 sel = 0;
	int r;

	if (at + size + (wide ? 0 : 2) - 1 > tr->limit)
		return emu_selector_fault(cpu, VEC_TS, tr->selector);
	r = emu_system_read(cpu, tr->base + at, size, sp);
	if (!r && !wide)
		r = emu_system_read(cpu, tr->base + at + size, 2, &sel);
	*ss = sel;
	return r;
}

/**
 * emu_inner_stack() - the stack of a more privileged level
 * @cpu: engine
 * @level: that level
 * @f: its @ss, @sp and @fault are written; @f->wide: there is no SS to load
 * @stack: the descriptor for SS, else untouched
 *
 * Return: enum emu_result.
 */
int emu_inner_stack(struct emu *cpu, unsigned int level, struct emu_frame *f,
		    struct emu_desc *stack)
{
	u16 sel;
	int r = emu_tss_stack(cpu, level, &sel, &f->sp);

	if (r || f->wide)
		return r;
	r = emu_check_stack(cpu, sel, level, VEC_TS, stack);
	if (!r)
		r = emu_desc_accessed(cpu, stack);
	f->ss = &stack->seg;
	f->fault = sel;
	return r;
}

/* The last that can fail on the way through a gate: its target, then its frame. */
int emu_gate_frame(struct emu *cpu, const struct emu_desc *gate,
		   struct emu_desc *code, struct emu_frame *f,
		   unsigned int level)
{
	int r = emu_check_target(cpu, &code->seg, gate_target(gate));

	if (!r)
		r = emu_desc_accessed(cpu, code);
	return r ? r : emu_push_frame(cpu, f, level);
}

/* Far JMP and CALL */

/* The return address, onto the stack in use. */
static int push_return(struct emu *cpu, unsigned int size)
{
	const u64 frame[2] = { cpu->st.segs.seg[EMU_CS].selector,
			       cpu->next_rip };

	return emu_push_many(cpu, size, frame, 2);
}

static int real_far(struct emu *cpu, unsigned int size, u16 sel, u64 off,
		    bool call)
{
	struct emu_segment cs = cpu->st.segs.seg[EMU_CS];
	int r;

	off &= size_mask(size);
	if (off > cs.limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	r = call ? push_return(cpu, size) : EMU_OK;
	if (r)
		return r;
	emu_segment_flat(cpu, EMU_CS, sel);
	go_to(cpu, off);
	return EMU_OK;
}

/* To a code segment of the same privilege. */
static int code_far(struct emu *cpu, unsigned int size, struct emu_desc *d,
		    unsigned int rpl, u64 off, bool call)
{
	unsigned int level = cpl(cpu);
	u16 sel = d->seg.selector;
	int r;

	if (!is_code(d->seg.attr))
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (is_conforming(d->seg.attr) ? desc_dpl(d) > level :
					 desc_dpl(d) != level || rpl > level)
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (!(d->seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	if (long_mode(cpu) && (d->seg.attr & EMU_SEG_L) &&
	    (d->seg.attr & EMU_SEG_DB))
		return emu_selector_fault(cpu, VEC_GP, sel);
	off &= size_mask(size);
	r = emu_check_target(cpu, &d->seg, off);
	if (!r)
		r = emu_desc_accessed(cpu, d);
	if (!r && call)
		r = push_return(cpu, size);
	if (r)
		return r;
	emu_set_cs(cpu, d, level);
	go_to(cpu, off);
	return EMU_OK;
}

/* CALL through a gate to a more privileged level, with its own stack. */
static int inner_call(struct emu *cpu, const struct emu_desc *gate,
		      struct emu_desc *code, unsigned int size)
{
	unsigned int level = desc_dpl(code), n, params = gate->raw >> 32 & 31;
	const struct emu_segment *old = &cpu->st.segs.seg[EMU_SS];
	unsigned int old_size = stack_size(cpu);
	bool wide = long_mode(cpu);
	struct emu_frame f = { .size = size, .wide = wide };
	struct emu_desc stack;
	u64 sp = cpu->st.regs.gpr[EMU_RSP] & size_mask(old_size);
	int r;

	r = emu_inner_stack(cpu, level, &f, &stack);
	if (r)
		return r;
	f.val[f.n++] = old->selector;
	f.val[f.n++] = cpu->st.regs.gpr[EMU_RSP] & size_mask(old_size);
	for (n = wide ? 0 : params; n > 0; n--) {
		r = emu_read(cpu, EMU_SS,
			     (sp + (n - 1) * size) & size_mask(old_size), size,
			     &f.val[f.n++]);
		if (r)
			return r;
	}
	f.val[f.n++] = cpu->st.segs.seg[EMU_CS].selector;
	f.val[f.n++] = cpu->next_rip;
	r = emu_gate_frame(cpu, gate, code, &f, level);
	if (r)
		return r;
	if (wide)
		emu_null_ss(cpu, level);
	else
		emu_set_ss(cpu, &stack, level);
	emu_set_cs(cpu, code, level);
	gpr_set(cpu, EMU_RSP, stack_size(cpu), f.sp);
	go_to(cpu, gate_target(gate));
	return EMU_OK;
}

static int gate_far(struct emu *cpu, const struct emu_desc *gate, bool call)
{
	unsigned int level = cpl(cpu), size;
	u16 sel = gate_selector(gate);
	struct emu_desc code;
	int r;

	if (is_null(sel))
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_desc_read(cpu, sel, VEC_GP, &code);
	if (r)
		return r;
	if (!is_code(code.seg.attr) || desc_dpl(&code) > level)
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (long_mode(cpu) && (code.seg.attr & (EMU_SEG_L | EMU_SEG_DB)) != EMU_SEG_L)
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (!(code.seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	size = long_mode(cpu) ? 8 : desc_type(gate) == TYPE_CALL ? 4 : 2;
	if (!is_conforming(code.seg.attr) && desc_dpl(&code) < level) {
		if (!call)
			return emu_selector_fault(cpu, VEC_GP, sel);
		return inner_call(cpu, gate, &code, size);
	}
	r = emu_check_target(cpu, &code.seg, gate_target(gate));
	if (!r)
		r = emu_desc_accessed(cpu, &code);
	if (!r && call)
		r = push_return(cpu, size);
	if (r)
		return r;
	emu_set_cs(cpu, &code, level);
	go_to(cpu, gate_target(gate));
	return EMU_OK;
}

static int system_far(struct emu *cpu, u16 sel, bool call)
{
	enum emu_task_reason why = call ? TASK_CALL : TASK_JMP;
	u64 fl = emu_rflags(cpu) & ~EMU_FL_RF;
	struct emu_desc d;
	int r = emu_desc_read_system(cpu, sel, VEC_GP, &d);

	if (r)
		return r;
	if (desc_dpl(&d) < max(cpl(cpu), sel & 3U))
		return emu_selector_fault(cpu, VEC_GP, sel);
	switch (desc_type(&d)) {
	case TYPE_CALL16:
	case TYPE_TASK_GATE:
	case TYPE_TSS16:
		if (long_mode(cpu))
			break;
		fallthrough;
	case TYPE_CALL:
	case TYPE_TSS:
		if (long_mode(cpu) && desc_type(&d) == TYPE_TSS)
			break;
		if (!(d.seg.attr & EMU_SEG_P))
			return emu_selector_fault(cpu, VEC_NP, sel);
		if (desc_type(&d) == TYPE_TASK_GATE)
			return emu_task_gate(cpu, gate_selector(&d), why,
					     cpu->next_rip, fl);
		if (desc_type(&d) == TYPE_TSS || desc_type(&d) == TYPE_TSS16)
			return emu_task_switch(cpu, &d, why, cpu->next_rip, fl);
		return gate_far(cpu, &d, call);
	default:
		break;
	}
	return emu_selector_fault(cpu, VEC_GP, sel);
}

static int far(struct emu *cpu, unsigned int size, u16 sel, u64 off, bool call)
{
	struct emu_desc d;
	int r;

	if (real_or_vm86(cpu))
		return real_far(cpu, size, sel, off, call);
	if (is_null(sel))
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_desc_read(cpu, sel, VEC_GP, &d);
	if (r)
		return r;
	if (d.seg.attr & EMU_SEG_S)
		return code_far(cpu, size, &d, sel & 3, off, call);
	return system_far(cpu, sel, call);
}

static int far_mem(struct emu *cpu, const struct emu_insn *i, bool call)
{
	u64 mask = size_mask(i->asize), off, sel;
	int r = emu_read(cpu, i->seg, cpu->ea, i->osize, &off);

	if (!r)
		r = emu_read(cpu, i->seg, (cpu->ea + i->osize) & mask, 2, &sel);
	return r ? r : far(cpu, i->osize, sel, off, call);
}

int em_call_far(struct emu *cpu, const struct emu_insn *i)
{
	return far(cpu, i->osize, i->imm2, i->imm, true);
}

int em_call_far_mem(struct emu *cpu, const struct emu_insn *i)
{
	return far_mem(cpu, i, true);
}

int em_jmp_far(struct emu *cpu, const struct emu_insn *i)
{
	return far(cpu, i->osize, i->imm2, i->imm, false);
}

int em_jmp_far_mem(struct emu *cpu, const struct emu_insn *i)
{
	return far_mem(cpu, i, false);
}

/* RET and IRET */

/* The code segment that a return leads to. */
static int return_code(struct emu *cpu, u16 sel, struct emu_desc *d)
{
	unsigned int rpl = sel & 3;
	int r;

	if (is_null(sel))
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_desc_read(cpu, sel, VEC_GP, d);
	if (r)
		return r;
	if (!is_code(d->seg.attr) || rpl < cpl(cpu))
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (is_conforming(d->seg.attr) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (long_mode(cpu) && (d->seg.attr & EMU_SEG_L) &&
	    (d->seg.attr & EMU_SEG_DB))
		return emu_selector_fault(cpu, VEC_GP, sel);
	if (!(d->seg.attr & EMU_SEG_P))
		return emu_selector_fault(cpu, VEC_NP, sel);
	return EMU_OK;
}

/* Data segments that the outer level may not use become null. */
static void drop_segments(struct emu *cpu, unsigned int level)
{
	static const u8 segs[] = { EMU_ES, EMU_DS, EMU_FS, EMU_GS };
	const struct emu_segment *s;
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(segs); n++) {
		s = &cpu->st.segs.seg[segs[n]];
		if ((s->attr & EMU_SEG_UNUSABLE) ||
		    (is_code(s->attr) && is_conforming(s->attr)))
			continue;
		if ((s->attr & EMU_SEG_DPL) >> EMU_SEG_DPL_SHIFT < level)
			emu_segment_null(cpu, segs[n], 0);
	}
}

/**
 * struct far_return - what a RET or IRET pops
 * @off: offset in the code segment
 * @sp: outer stack pointer
 * @cs: code segment
 * @ss: outer stack segment
 * @at: of the stack, after what was popped
 * @release: bytes that RET releases on both stacks
 * @stack: SS:rSP is loaded although the level stays (64-bit IRET)
 */
struct far_return {
	u64 off;
	u64 sp;
	u16 cs;
	u16 ss;
	u64 at;
	u16 release;
	bool stack;
};

static int pop_at(struct emu *cpu, u64 *at, unsigned int size, unsigned int read,
		  u64 *val)
{
	u64 mask = size_mask(stack_size(cpu));
	int r = emu_read(cpu, EMU_SS, *at & mask, read, val);

	*at += size;
	return r;
}

static int pop_stack(struct emu *cpu, struct far_return *f, unsigned int size)
{
	u64 sel;
	int r = pop_at(cpu, &f->at, size, size, &f->sp);

	if (!r)
		r = pop_at(cpu, &f->at, size, selector_slot(cpu, size), &sel);
	if (!r)
		f->ss = sel;
	return r;
}

/* Go where @f leads, by the rules that RET and IRET share. */
static int far_back(struct emu *cpu, struct far_return *f, unsigned int size)
{
	unsigned int old = cpl(cpu), level = f->cs & 3, old_size = stack_size(cpu);
	bool null_ss = false, outer = level > old;
	struct emu_desc code, stack;
	int r;

	r = return_code(cpu, f->cs, &code);
	if (r)
		return r;
	if (outer && !f->stack) {
		f->at += f->release;
		r = pop_stack(cpu, f, size);
		if (r)
			return r;
	}
	if (outer || f->stack) {
		null_ss = is_null(f->ss) && long_mode(cpu) && level < 3 &&
			  (code.seg.attr & EMU_SEG_L) && (f->ss & 3) == level;
		if (!null_ss) {
			if (is_null(f->ss))
				return emu_raise_error(cpu, VEC_GP, 0);
			r = emu_check_stack(cpu, f->ss, level, VEC_GP, &stack);
			if (!r)
				r = emu_desc_accessed(cpu, &stack);
			if (r)
				return r;
		}
	}
	r = emu_check_target(cpu, &code.seg, f->off);
	if (!r)
		r = emu_desc_accessed(cpu, &code);
	if (r)
		return r;

	emu_set_cs(cpu, &code, level);
	if (!outer && !f->stack) {
		gpr_set(cpu, EMU_RSP, old_size, f->at + f->release);
	} else {
		if (null_ss)
			emu_null_ss(cpu, level);
		else
			emu_set_ss(cpu, &stack, level);
		/* A 16-bit stack keeps the upper half. */
		gpr_set(cpu, EMU_RSP, stack_size(cpu), f->sp + f->release);
	}
	if (outer)
		drop_segments(cpu, level);
	go_to(cpu, f->off);
	return EMU_OK;
}

/* retf [imm16] */
int em_ret_far(struct emu *cpu, const struct emu_insn *i)
{
	struct far_return f = {
		.at = cpu->st.regs.gpr[EMU_RSP], .release = i->imm,
	};
	u64 sel;
	int r;

	r = pop_at(cpu, &f.at, i->osize, i->osize, &f.off);
	if (!r)
		r = pop_at(cpu, &f.at, i->osize, selector_slot(cpu, i->osize),
			   &sel);
	if (r)
		return r;
	f.cs = sel;
	if (!real_or_vm86(cpu))
		return far_back(cpu, &f, i->osize);
	if (f.off > cpu->st.segs.seg[EMU_CS].limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	gpr_set(cpu, EMU_RSP, stack_size(cpu), f.at + f.release);
	emu_segment_flat(cpu, EMU_CS, f.cs);
	go_to(cpu, f.off);
	return EMU_OK;
}

/* Back to V86 mode: the whole frame, by CPL 0. */
static int iret_to_vm86(struct emu *cpu, struct far_return *f, u64 fl)
{
	static const u8 order[] = { EMU_ES, EMU_DS, EMU_FS, EMU_GS };
	u64 sel[ARRAY_SIZE(order)];
	unsigned int n;
	int r;

	r = pop_stack(cpu, f, 4);
	for (n = 0; n < ARRAY_SIZE(order) && !r; n++)
		r = pop_at(cpu, &f->at, 4, 2, &sel[n]);
	if (r)
		return r;
	if (f->off > 0xffff)
		return emu_raise_error(cpu, VEC_GP, 0);
	emu_set_rflags(cpu, fl);
	cpu->keep_rf = true;
	for (n = 0; n < ARRAY_SIZE(order); n++)
		emu_segment_flat(cpu, order[n], sel[n]);
	emu_segment_flat(cpu, EMU_CS, f->cs);
	emu_segment_flat(cpu, EMU_SS, f->ss);
	gpr_set(cpu, EMU_RSP, 4, f->sp);
	go_to(cpu, f->off);
	return EMU_OK;
}

/* RFLAGS from the image of an IRET; which bits change is up to the level that returns. */
void emu_iret_flags(struct emu *cpu, unsigned int level, u64 fl, unsigned int size)
{
	u64 extra = EMU_FL_RF;

	if (!level)
		extra |= EMU_FL_IOPL | EMU_FL_VIF | EMU_FL_VIP;
	if (level <= iopl(cpu))
		extra |= EMU_FL_IF;
	emu_change_flags(cpu, fl, size, extra);
}

static int iret_protected(struct emu *cpu, const struct emu_insn *i,
			  struct far_return *f, u64 fl)
{
	unsigned int old = cpl(cpu);
	int r;

	if ((fl & EMU_FL_VM) && i->osize == 4 && !old && !long_mode(cpu))
		return iret_to_vm86(cpu, f, fl);
	if (mode64(cpu)) {
		f->stack = true;
		r = pop_stack(cpu, f, i->osize);
		if (r)
			return r;
	}
	r = far_back(cpu, f, i->osize);
	if (r)
		return r;
	emu_iret_flags(cpu, old, fl, i->osize);
	cpu->keep_rf = i->osize > 2;
	return EMU_OK;
}

static int iret_real(struct emu *cpu, const struct emu_insn *i,
		     struct far_return *f, u64 fl)
{
	bool virtual = vm86(cpu) && iopl(cpu) < 3;

	if (f->off > cpu->st.segs.seg[EMU_CS].limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	/* With VME the 16-bit form works on VIF. */
	if (virtual && ((fl & EMU_FL_TF) ||
			((fl & EMU_FL_IF) &&
			 (cpu->st.regs.rflags & EMU_FL_VIP))))
		return emu_raise_error(cpu, VEC_GP, 0);
	gpr_set(cpu, EMU_RSP, stack_size(cpu), f->at);
	emu_segment_flat(cpu, EMU_CS, f->cs);
	/* Only a 32-bit image has RF (S98). */
	if (virtual)
		emu_load_virtual_flags(cpu, fl);
	else
		emu_load_flags(cpu, fl, i->osize, EMU_FL_RF);
	cpu->keep_rf = i->osize == 4;
	go_to(cpu, f->off);
	return EMU_OK;
}

static noinline int iret_fully(struct emu *cpu, const struct emu_insn *i)
{
	struct far_return f = { .at = cpu->st.regs.gpr[EMU_RSP] };
	bool real = real_or_vm86(cpu);
	u64 sel, fl;
	int r;

	cpu->quick.valid = false;
	if (vm86(cpu) && iopl(cpu) < 3 &&
	    (!(cpu->st.ctrl.cr4 & EMU_CR4_VME) || i->osize != 2))
		return emu_raise_error(cpu, VEC_GP, 0);
	if (!real && (cpu->st.regs.rflags & EMU_FL_NT)) {
		if (long_mode(cpu))
			return emu_raise_error(cpu, VEC_GP, 0);
		return emu_task_return(cpu);
	}
	r = pop_at(cpu, &f.at, i->osize, i->osize, &f.off);
	if (!r)
		r = pop_at(cpu, &f.at, i->osize, selector_slot(cpu, i->osize),
			   &sel);
	if (!r)
		r = pop_at(cpu, &f.at, i->osize, i->osize, &fl);
	if (r)
		return r;
	f.cs = sel;
	r = real ? iret_real(cpu, i, &f, fl) : iret_protected(cpu, i, &f, fl);
	if (!r)
		cpu->st.debug.interruptibility &= ~EMU_BLOCK_NMI;
	return r;
}

/* iret: unlike others, it says itself whether blocks can keep their view of the state */
int em_iret(struct emu *cpu, const struct emu_insn *i)
{
	if (cpu->flags & EMU_INTERCEPT_IRET)
		return emu_leave(cpu, EMU_EXIT_IRET);
	return emu_ring_return(cpu, i->osize) ? EMU_OK : iret_fully(cpu, i);
}
