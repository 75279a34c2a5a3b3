// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions, software interrupts and injected events: recorded by whoever finds
 * them, then either delivered here or handed to the owner, who answers (K7).
 */
#include "internal.h"

int emu_raise_error(struct emu *cpu, u8 vector, u32 error)
{
	cpu->raised = (struct emu_event){
		.vector = vector, .type = EMU_EV_EXCEPTION,
		.error_code = error, .flags = EMU_EVENT_ERROR | EMU_EVENT_RF,
	};
	return EMU_EXCEPTION;
}

int emu_raise(struct emu *cpu, u8 vector)
{
	emu_raise_error(cpu, vector, 0);
	cpu->raised.flags &= ~EMU_EVENT_ERROR;
	return EMU_EXCEPTION;
}

int emu_raise_soft(struct emu *cpu, u8 vector, enum emu_event_type type,
		   u8 insn_len)
{
	cpu->raised = (struct emu_event){
		.vector = vector, .type = type, .insn_len = insn_len,
	};
	return EMU_EXCEPTION;
}

static bool is_debug(const struct emu_event *ev)
{
	return ev->vector == VEC_DB &&
	       (ev->type == EMU_EV_EXCEPTION || ev->type == EMU_EV_ICEBP);
}

static bool intercepted(const struct emu *cpu, const struct emu_event *ev)
{
	switch (ev->type) {
	case EMU_EV_EXCEPTION:
	case EMU_EV_ICEBP:
		return cpu->config.exit_exceptions >> (ev->vector & 31) & 1;
	case EMU_EV_SOFT_INT:
	case EMU_EV_SOFT_EXC:
		return cpu->config.exit_ints[ev->vector / 32] >>
		       (ev->vector % 32) & 1;
	default:
		return false;
	}
}

static void note_cr2(struct emu *cpu, const struct emu_event *ev)
{
	if (ev->vector == VEC_PF && ev->type == EMU_EV_EXCEPTION)
		cpu->st.ctrl.cr2 = ev->payload;
}

/* The effects that an event has besides its frame and its new CS:rIP. */
static void apply_before(struct emu *cpu, const struct emu_event *ev)
{
	/* INT n runs before a trap that a MOV SS holds (S123), INT1 takes it along. */
	if (ev->type == EMU_EV_ICEBP)
		emu_debug_take(cpu, EMU_CAUSE_DELIVERED);
	else if (!emu_is_soft(ev))
		emu_debug_drop(cpu);
	note_cr2(cpu, ev);
}

/*
 * DR6 has the new bits even if the delivery faults (S154), but not while it has only
 * left half way: then it comes again, and is one event.
 */
static void apply_debug(struct emu *cpu, const struct emu_event *ev, u64 rip)
{
	if (is_debug(ev))
		emu_debug_deliver(cpu, ev->payload,
				  ev->type == EMU_EV_ICEBP &&
				  cpu->flags & EMU_VENDOR_AMD, rip);
}

static void apply_after(struct emu *cpu, const struct emu_event *ev)
{
	struct emu_debug *d = &cpu->st.debug;

	d->interruptibility &= ~(EMU_BLOCK_STI | EMU_BLOCK_MOV_SS);
	if (ev->type == EMU_EV_NMI)
		d->interruptibility |= EMU_BLOCK_NMI;
	d->activity = EMU_ACTIVE;
	/* Watched frame pushes are reported at the handler's start (S85). */
	cpu->new_shadow = 0;
	emu_debug_commit(cpu);
	emu_cancel(&cpu->st);
	cpu->st.event.action = EMU_EVENT_NONE;
}

enum severity { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum severity severity(const struct emu_event *ev)
{
	if (ev->type != EMU_EV_EXCEPTION)
		return BENIGN;
	switch (ev->vector) {
	case VEC_DE:
	case VEC_TS:
	case VEC_NP:
	case VEC_SS:
	case VEC_GP:
		return CONTRIBUTORY;
	case VEC_PF:
		return PAGE_FAULT;
	case VEC_DF:
		return DOUBLE_FAULT;
	default:
		return BENIGN;
	}
}

/*
 * A fault during the delivery of @first: what is delivered in its place (SDM3
 * table "Conditions for Generating a Double Fault").
 *
 * Return: false for a triple fault.
 */
static bool combine(const struct emu_event *first, struct emu_event *second)
{
	enum severity a = severity(first), b = severity(second);

	if (a == DOUBLE_FAULT && b != BENIGN)
		return false;
	if ((a == CONTRIBUTORY && b == CONTRIBUTORY) ||
	    (a == PAGE_FAULT && (b == CONTRIBUTORY || b == PAGE_FAULT)))
		*second = (struct emu_event){
			.vector = VEC_DF, .type = EMU_EV_EXCEPTION,
			.flags = EMU_EVENT_ERROR | EMU_EVENT_RF,
		};
	return true;
}

/* Put @ev into the state beside what waits to be injected. */
static void hold(struct emu *cpu, const struct emu_event *ev,
		 enum emu_event_action action)
{
	struct emu_event *e = &cpu->st.event;

	e->vector = ev->vector;
	e->type = ev->type;
	e->insn_len = ev->insn_len;
	e->error_code = ev->error_code;
	e->payload = ev->payload;
	e->flags = ev->flags;
	e->action = action;
}

static void trace_event(struct emu *cpu, const struct emu_event *ev)
{
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_EVENT, .vector = ev->vector,
		.cause = ev->type, .value = ev->error_code,
	});
}

/* Deliver @ev, and what faults on the way, until one succeeds. */
static noinline enum emu_exit deliver_all(struct emu *cpu, struct emu_event ev)
{
	u64 rip;
	int r;

	cpu->quick.valid = false;
	cpu->in_event = true;
	for (;;) {
		struct emu_event next, second;

		hold(cpu, &ev, EMU_EVENT_DELIVER);
		apply_before(cpu, &ev);
		emu_external_begin(cpu);
		cpu->switched = false;
		cpu->undo_lf = cpu->lf;
		rip = cpu->st.regs.rip;
		r = emu_deliver(cpu, &ev);
		emu_unpin(cpu);
		if (r && r != EMU_EXCEPTION && cpu->switched)
			emu_task_revert(cpu);
		if (r == EMU_OK || r == EMU_EXCEPTION)
			apply_debug(cpu, &ev, rip);
		if (r != EMU_EXCEPTION)
			break;
		next = cpu->raised;
		second = next;
		if (!combine(&ev, &next)) {
			note_cr2(cpu, &second);
			emu_debug_drop(cpu);
			apply_after(cpu, &ev);
			cpu->st.debug.activity = EMU_SHUTDOWN;
			cpu->in_event = false;
			return EMU_EXIT_SHUTDOWN;
		}
		/* A page fault that became a #DF has left its address. */
		if (next.vector != second.vector)
			note_cr2(cpu, &second);
		/* What had been served was served for the first (S42, S48). */
		emu_cancel(&cpu->st);
		ev = next;
		trace_event(cpu, &ev);
		if (intercepted(cpu, &ev)) {
			hold(cpu, &ev, EMU_EVENT_HELD);
			cpu->in_event = false;
			return EMU_EXIT_EVENT;
		}
	}
	cpu->in_event = false;
	if (r)
		return emu_exit_of(cpu, r);
	apply_after(cpu, &ev);
	return EMU_EXIT_NONE;
}

static enum emu_exit deliver(struct emu *cpu, const struct emu_event *ev)
{
	u64 rip = cpu->st.regs.rip;

	if (!emu_ring_enter(cpu, ev))
		return deliver_all(cpu, *ev);
	hold(cpu, ev, EMU_EVENT_NONE);
	apply_before(cpu, ev);
	apply_debug(cpu, ev, rip);
	apply_after(cpu, ev);
	return EMU_EXIT_NONE;
}

/**
 * emu_event_dispatch() - deliver an event, or leave with it
 * @cpu: engine, at a boundary or before an instruction that raised @ev
 * @ev: the event
 *
 * Return: EMU_EXIT_NONE if it was delivered.
 */
enum emu_exit emu_event_dispatch(struct emu *cpu, const struct emu_event *ev)
{
	trace_event(cpu, ev);
	if (!intercepted(cpu, ev))
		return deliver(cpu, ev);
	hold(cpu, ev, EMU_EVENT_HELD);
	return EMU_EXIT_EVENT;
}

/**
 * emu_event_answer() - apply the owner's answer to a held event
 * @cpu: engine
 *
 * Return: EMU_EXIT_NONE to go on.
 */
enum emu_exit emu_event_answer(struct emu *cpu)
{
	struct emu_event ev = cpu->st.event;
	u64 fl = emu_rflags(cpu);

	switch (ev.action) {
	case EMU_EVENT_DELIVER:
		return deliver(cpu, &ev);
	case EMU_EVENT_TAKE:
		apply_before(cpu, &ev);
		apply_debug(cpu, &ev, cpu->st.regs.rip);
		apply_after(cpu, &ev);
		cpu->st.regs.rip += ev.insn_len;
		if (!mode64(cpu))
			cpu->st.regs.rip &= 0xffffffff;
		/* RF becomes what the handler's IRET would load. */
		fl &= ~(EMU_FL_TF | EMU_FL_RF);
		if (ev.flags & EMU_EVENT_RF)
			fl |= EMU_FL_RF;
		emu_set_rflags(cpu, fl);
		return EMU_EXIT_NONE;
	case EMU_EVENT_ABSORB:
		cpu->st.event.action = EMU_EVENT_NONE;
		return EMU_EXIT_NONE;
	case EMU_EVENT_HELD:
		return EMU_EXIT_EVENT;
	default:
		return EMU_EXIT_NONE;
	}
}
