// SPDX-License-Identifier: GPL-2.0
/*
 * One step and the loop around it: boundary, fetch and decode, operands, execute,
 * write back, retire.
 */
#include "handlers.h"
#include "quick.h"

int emu_leave(struct emu *cpu, enum emu_exit why)
{
	cpu->leave = why;
	cpu->host_exit = 0;
	return EMU_EXIT;
}

int emu_unsupported(struct emu *cpu)
{
	cpu->exit.insn_len = cpu->insn.len;
	memcpy(cpu->exit.insn, cpu->bytes, sizeof(cpu->exit.insn));
	return emu_leave(cpu, EMU_EXIT_UNSUPPORTED);
}

/* What emu_run() returns for a result that is neither OK nor an exception. */
enum emu_exit emu_exit_of(struct emu *cpu, int r)
{
	if (r == EMU_FAIL)
		return EMU_EXIT_MEMORY;
	if (cpu->leave)
		return cpu->leave;
	return cpu->host_exit ? EMU_EXIT_HOST : EMU_EXIT_IO;
}

/* Operands */

static int read_operand(struct emu *cpu, const struct emu_insn *i, u8 operand,
			unsigned int size, bool for_write, u64 *val)
{
	switch (OPERAND_METHOD(operand)) {
	case M_E:
	case M_O:
		if (!i->mem) {
			*val = reg_get(cpu, i->rm_at, size);
			return EMU_OK;
		}
		if (for_write)
			return emu_read_for_write(cpu, i->seg, cpu->ea, size,
						  val);
		return emu_read(cpu, i->seg, cpu->ea, size, val);
	case M_G:
	case M_Z:
		*val = reg_get(cpu, i->reg_at, size);
		return EMU_OK;
	case M_R:
		*val = reg_get(cpu, i->rm_at, size);
		return EMU_OK;
	case M_B:
		*val = reg_get(cpu, i->v_at, size);
		return EMU_OK;
	case M_I:
	case M_IS:
		*val = i->imm;
		return EMU_OK;
	case M_ACC:
		*val = gpr_get(cpu, EMU_RAX, size);
		return EMU_OK;
	case M_CL:
		*val = gpr_get(cpu, EMU_RCX, 1);
		return EMU_OK;
	case M_ONE:
		*val = 1;
		return EMU_OK;
	case M_DX:
		*val = gpr_get(cpu, EMU_RDX, 2);
		return EMU_OK;
	default:
		return EMU_OK;
	}
}

/**
 * emu_write_dst() - write the destination operand
 * @cpu: engine
 * @i: instruction
 * @val: value
 *
 * Return: enum emu_result.
 */
int emu_write_dst(struct emu *cpu, const struct emu_insn *i, u64 val)
{
	switch (OPERAND_METHOD(i->op->op[0])) {
	case M_E:
	case M_O:
		if (i->mem)
			return emu_write(cpu, i->seg, cpu->ea, i->size,
					 val & size_mask(i->size));
		reg_set(cpu, i->rm_at, i->size, val);
		return EMU_OK;
	case M_G:
	case M_Z:
		reg_set(cpu, i->reg_at, i->size, val);
		return EMU_OK;
	case M_R:
		reg_set(cpu, i->rm_at, i->size, val);
		return EMU_OK;
	case M_B:
		reg_set(cpu, i->v_at, i->size, val);
		return EMU_OK;
	case M_ACC:
		gpr_set(cpu, EMU_RAX, i->size, val);
		return EMU_OK;
	default:
		return EMU_OK;
	}
}

static void undo(struct emu *cpu, int r)
{
	/* A fault after a task switch is the new task's. */
	if (cpu->switched && r != EMU_EXCEPTION)
		emu_task_revert(cpu);
	cpu->lf = cpu->undo_lf;
	if (cpu->undo)
		memcpy(cpu->st.regs.gpr, cpu->undo_gpr, sizeof(cpu->undo_gpr));
}

/* FPU and vectors: what the control registers forbid comes first (K19). */
static int not_modelled(struct emu *cpu, const struct emu_opcode *op)
{
	u64 cr0 = cpu->st.ctrl.cr0;

	if (op->flags & F_X87)
		return cr0 & (EMU_CR0_EM | EMU_CR0_TS) ?
			emu_raise(cpu, VEC_NM) : emu_unsupported(cpu);
	if (cr0 & EMU_CR0_EM)
		return emu_raise(cpu, VEC_UD);
	return cr0 & EMU_CR0_TS ? emu_raise(cpu, VEC_NM) : emu_unsupported(cpu);
}

/*
 * Port permission is found once: an instruction that goes on after an exit in the
 * middle of it, or after a voluntary stop, does not ask again (K6, S42). One that
 * left while it was asking does.
 */
static int port_permission(struct emu *cpu, u16 port, unsigned int size)
{
	struct emu_progress *p = &cpu->st.progress;
	int r;

	if (cpu->resumed && p->permitted) {
		cpu->replay_pos = p->permitted - 1;
		return EMU_OK;
	}
	if (p->in_rep)
		return EMU_OK;
	r = emu_port_permission(cpu, port, size);
	if (!r)
		p->permitted = cpu->replay_pos + 1;
	return r;
}

/**
 * emu_operate() - operands, handler, write back
 * @cpu: engine, with emu.ea and emu.next_rip set
 * @i: instruction
 *
 * Return: enum emu_result.
 */
int emu_operate(struct emu *cpu, const struct emu_insn *i)
{
	const struct emu_opcode *op = i->op;
	bool mem_dst = i->mem && (OPERAND_METHOD(op->op[0]) == M_E);
	bool locked = mem_dst && (i->lock || op->flags & F_XLOCK);
	u64 old;
	int r;

	r = read_operand(cpu, i, op->op[1], i->ssize, false, &cpu->src);
	if (!r && op->op[2])
		r = read_operand(cpu, i, op->op[2], i->size, false, &cpu->src2);
	if (!r && !(op->flags & F_MOV))
		r = read_operand(cpu, i, op->op[0], i->size,
				 !(op->flags & F_NOWB), &cpu->dst);
	if (!r && (op->flags & F_PORT)) {
		bool in = i->exec == em_in;

		r = port_permission(cpu, in ? cpu->src : cpu->dst,
				    in ? i->size : i->ssize);
	}
	if (r)
		return r;
	old = cpu->dst;
	cpu->keep_dst = false;
	r = i->exec(cpu, i);
	if (r || op->flags & F_NOWB || !op->op[0] || cpu->keep_dst)
		return r;
	if (locked)
		return emu_write_locked(cpu, i->seg, cpu->ea, i->size, old,
					cpu->dst & size_mask(i->size));
	return emu_write_dst(cpu, i, cpu->dst);
}

static int string(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = i->opcode & 1 ? i->osize : 1;
	int r = EMU_OK;

	if (i->op->flags & F_PORT)
		r = port_permission(cpu, cpu->st.regs.gpr[EMU_RDX],
				    min(size, 4U));
	if (r)
		return r;
	return i->rep ? emu_rep(cpu, i) : i->exec(cpu, i);
}

static int execute(struct emu *cpu, const struct emu_insn *i)
{
	const struct emu_opcode *op = i->op;

	if (unlikely(op->flags & (F_UNSUP | F_UDPRIV | F_PRIV))) {
		if (op->flags & F_UNSUP)
			return not_modelled(cpu, op);
		if (cpl(cpu))
			return op->flags & F_UDPRIV ?
				emu_raise(cpu, VEC_UD) :
				emu_raise_error(cpu, VEC_GP, 0);
	}
	if (i->mem)
		cpu->ea = emu_ea(cpu, i);
	return op->flags & F_STRING ? string(cpu, i) : emu_operate(cpu, i);
}

static noinline int match_code(struct emu *cpu)
{
	u32 shadow = cpu->st.debug.interruptibility & EMU_BLOCK_MOV_SS;
	u64 bits;

	if (cpu->st.regs.rflags & EMU_FL_RF)
		return EMU_OK;
	/* Intel inhibits it after MOV SS, AMD does not (S93). */
	if (shadow && !(cpu->flags & EMU_VENDOR_AMD))
		return EMU_OK;
	bits = emu_debug_match_code(cpu, code_linear(cpu));
	if (!bits)
		return EMU_OK;
	emu_raise(cpu, VEC_DB);
	/* RF is pushed as it is (S90). */
	cpu->raised.flags = EMU_EVENT_PAYLOAD;
	cpu->raised.payload = bits;
	return EMU_EXCEPTION;
}

static int code_breakpoint(struct emu *cpu)
{
	return unlikely(cpu->bp_code) ? match_code(cpu) : EMU_OK;
}

/* Retire */

/*
 * The one way out of every instruction and of every REP that stops between two
 * iterations: here RIP, RF, the shadow and pending_dbg become what the next
 * boundary sees. @r is not EMU_OK where an iteration after committed ones did not
 * complete: what that one met does not count.
 */
static void retire(struct emu *cpu, int r)
{
	struct emu_debug *d = &cpu->st.debug;
	struct emu_regs *regs = &cpu->st.regs;

	if (unlikely(cpu->incomplete)) {
		regs->rflags |= EMU_FL_RF;
		cpu->st.progress.in_rep = 1;
		cpu->st.progress.after_event = 0;
	} else {
		regs->rip = cpu->next_rip;
		if (!cpu->keep_rf)
			regs->rflags &= ~EMU_FL_RF;
		/* With what follows one store, which start() reads as a whole. */
		cpu->st.progress.in_rep = 0;
		cpu->st.progress.after_event = 0;
		emu_external_commit(cpu);
		emu_watch_commit(cpu);
	}
	if (likely(!cpu->counted))
		emu_count(cpu, 1);
	if (r)
		return;
	emu_debug_commit(cpu);
	/* The step trap of MOV SS itself is lost, not held (S113, S115). */
	if (unlikely(cpu->tf) && (cpu->step_tf || cpu->branch) &&
	    !(cpu->new_shadow & EMU_BLOCK_MOV_SS))
		emu_debug_add(cpu, EMU_DBG_BS, EMU_CAUSE_STEP);
	d->interruptibility &= ~(EMU_BLOCK_STI | EMU_BLOCK_MOV_SS);
	d->interruptibility |= cpu->new_shadow;
}

static void begin(struct emu *cpu)
{
	cpu->new_data = 0;
	cpu->new_io = 0;
	cpu->new_shadow = 0;
	cpu->host_exit = 0;
	cpu->watch_seen = 0;
	cpu->watch_hit = 0;
	cpu->leave = EMU_EXIT_NONE;
	cpu->keep_rf = false;
	cpu->branch = false;
	cpu->incomplete = false;
	cpu->counted = false;
	cpu->undo = false;
	cpu->switched = false;
	cpu->stepped = false;
	cpu->tf = cpu->st.regs.rflags & EMU_FL_TF;
	cpu->step_tf = cpu->tf &&
		       !(cpu->st.debug.debugctl & EMU_DEBUGCTL_BTF);
	emu_external_begin(cpu);
}

static bool is_rep_string(const struct emu_insn *i)
{
	return (i->op->flags & F_STRING) && i->rep;
}

/* From a boundary to an instruction, code breakpoint included. */
static int start(struct emu *cpu)
{
	struct emu_progress *p = &cpu->st.progress;
	int r;

	cpu->insn.len = 0;
	cpu->resumed = p->insn_len || p->in_rep;
	if (unlikely(p->insn_len))
		return emu_held_insn(cpu);
	if (likely(!cpu->resumed)) {
		r = code_breakpoint(cpu);
		if (r)
			return r;
	}
	r = emu_fetch_insn(cpu);
	if (r || likely(!p->in_rep))
		return r;
	if (cpu->known)
		emu_known_insn(cpu);
	/* A REP that has overwritten itself is another instruction now. */
	if (!is_rep_string(&cpu->insn)) {
		p->in_rep = 0;
		cpu->resumed = false;
	}
	return EMU_OK;
}

/*
 * Can the instruction under way be done by its uop? Not where something is to be
 * noticed that these do not look at, or has been served for it already.
 */
static bool is_quick(const struct emu *cpu)
{
	const struct emu_progress *p = &cpu->st.progress;

	return cpu->known && cpu->known->uop && !cpu->resumed &&
	       !(p->nr_replay | p->watch_passed | cpu->st.io.kind) &&
	       cpu->tf == cpu->step_tf && !(cpu->st.regs.rflags & EMU_FL_AC) &&
	       !(cpu->flags & EMU_NO_BLOCKS);
}

/* Do it by its uop; false: nothing has been done. */
static bool step_quickly(struct emu *cpu)
{
	struct emu_quick *q = &cpu->quick;
	const struct emu_uop *u;

	if (unlikely(!q->valid || cpu->known->key != q->key))
		emu_known_again(cpu);
	u = cpu->known->uop;
	if (unlikely(!u))
		return false;
	/* It leads to no block, and is of none that it could change. */
	quick_forget_page(q);
	q->code_span = 0;
	q->start = cpu->st.regs.rip;
	switch (emu_uops_run(cpu, u, 1)) {
	case UOP_JUMP:
	case UOP_AWAY:
		cpu->next_rip = q->next;
		break;
	case UOP_LAST:
		cpu->next_rip = quick_rip(cpu, u->end);
		break;
	default:
		return false;
	}
	if (!(u->traits & UOP_IGNORES))
		cpu->flags_kept = false;
	return true;
}

int emu_step_hook(struct emu *cpu)
{
	int r;

	if (likely(!emu_wants_steps(cpu)))
		return EMU_OK;
	r = cpu->ops->step(cpu);
	cpu->stepped = !r;
	return r;
}

/* The hook is told once of an instruction, by a block if that has come to it. */
static noinline int tell_step(struct emu *cpu, bool held)
{
	enum emu_told told = cpu->told;

	cpu->told = TOLD_NOT;
	if (!held && told == TOLD_NOT)
		return emu_step_hook(cpu);
	cpu->stepped = true;
	if (told != TOLD_STOP)
		return EMU_OK;
	cpu->host_exit = cpu->told_exit;
	return EMU_EXIT;
}

/* Do it with everything that there is to an instruction, but for its end. */
static noinline int step_fully(struct emu *cpu)
{
	const struct emu_insn *i = &cpu->insn;
	int r;

	cpu->flags_kept = false;
	if (cpu->known)
		emu_known_insn(cpu);
	cpu->next_rip = cpu->st.regs.rip + i->len;
	if (!i->mode64)
		cpu->next_rip &= 0xffffffff;
	cpu->undo_lf = cpu->lf;
	if (i->op->flags & F_UNDO) {
		memcpy(cpu->undo_gpr, cpu->st.regs.gpr, sizeof(cpu->undo_gpr));
		cpu->undo = true;
	}
	r = execute(cpu, i);
	if (unlikely(r))
		undo(cpu, r);
	/* What raises or leaves has changed nothing, but for the task; IRET sees to it itself. */
	if ((!r || cpu->switched) && i->exec != em_iret &&
	    !(i->op->flags & (F_PURE | F_STRING | F_PORT)))
		cpu->quick.valid = false;
	return r;
}

static int step(struct emu *cpu)
{
	bool held = cpu->st.progress.insn_len;
	int r;

	begin(cpu);
	r = start(cpu);
	if (unlikely(emu_wants_steps(cpu)) && !r)
		r = tell_step(cpu, held);
	if (unlikely(r))
		return r;
	if (!is_quick(cpu) || !step_quickly(cpu))
		r = step_fully(cpu);
	if (!r || cpu->incomplete)
		retire(cpu, r);
	if (unlikely(r == EMU_EXIT || r == EMU_FAIL))
		emu_external_hold(cpu);
	if (unlikely(cpu->nr_pins))
		emu_unpin(cpu);
	return r;
}

/* Boundaries */

/**
 * emu_poll() - ask the host whether to go on
 * @cpu: engine
 *
 * Return: EMU_OK, or EMU_EXIT; then emu.stop is set and the next boundary leaves.
 */
int emu_poll(struct emu *cpu)
{
	int r;

	cpu->rescheduled = false;
	cpu->poll_left = EMU_POLL_MAX;
	cpu->host_exit = 0;
	r = cpu->ops->poll(cpu);
	cpu->poll_exact = cpu->poll_left != EMU_POLL_MAX;
	if (r == EMU_OK)
		return EMU_OK;
	cpu->stop = true;
	cpu->stop_exit = cpu->host_exit;
	return EMU_EXIT;
}

/* The traps that are due make one #DB, with a code breakpoint here (S2, S91). */
static void debug_event(struct emu *cpu, struct emu_event *ev)
{
	u64 bits = emu_debug_take(cpu, EMU_CAUSE_DELIVERED);

	if (!cpu->st.progress.in_rep && code_breakpoint(cpu) == EMU_EXCEPTION)
		bits |= cpu->raised.payload;
	*ev = (struct emu_event){
		.vector = VEC_DB, .type = EMU_EV_EXCEPTION, .payload = bits,
		.flags = EMU_EVENT_PAYLOAD,
	};
}

enum due { DUE_NOTHING, DUE_MC, DUE_INIT, DUE_DEBUG, DUE_NMI, DUE_INTR };

/* What is due between two instructions, by priority (S109, S152). */
static enum due event_due(const struct emu *cpu)
{
	u32 block = cpu->st.debug.interruptibility;

	/* No shadow holds these two (S113); a task's T bit goes before INIT. */
	if (unlikely(cpu->st.event.mc_pending))
		return DUE_MC;
	if (unlikely(cpu->st.event.init_pending) &&
	    !(cpu->st.debug.pending_dbg & EMU_DBG_BT))
		return DUE_INIT;
	if (cpu->st.debug.pending_dbg && !(block & EMU_BLOCK_MOV_SS))
		return DUE_DEBUG;
	if (cpu->st.event.nmi_pending &&
	    !(block & (EMU_BLOCK_NMI | EMU_BLOCK_MOV_SS)))
		return DUE_NMI;
	if (cpu->st.event.intr_pending && emu_interruptible(cpu))
		return DUE_INTR;
	return DUE_NOTHING;
}

static void take_event(struct emu *cpu, enum due due, struct emu_event *ev)
{
	struct emu_event *e = &cpu->st.event;

	switch (due) {
	case DUE_MC:
		e->mc_pending = 0;
		*ev = (struct emu_event){
			.vector = VEC_MC, .type = EMU_EV_EXCEPTION,
		};
		break;
	case DUE_DEBUG:
		debug_event(cpu, ev);
		break;
	case DUE_NMI:
		e->nmi_pending = 0;
		*ev = (struct emu_event){
			.vector = VEC_NMI, .type = EMU_EV_NMI,
		};
		break;
	default:
		e->intr_pending = 0;
		*ev = (struct emu_event){
			.vector = e->intr_vector, .type = EMU_EV_INTR,
		};
		break;
	}
	if (cpu->st.regs.rflags & EMU_FL_RF)
		ev->flags |= EMU_EVENT_RF;
	/* It ends HLT (S111), whoever gets it. */
	cpu->st.debug.activity = EMU_ACTIVE;
}

bool emu_interruptible(const struct emu *cpu)
{
	return (cpu->st.regs.rflags & EMU_FL_IF) &&
	       !(cpu->st.debug.interruptibility &
		 (EMU_BLOCK_STI | EMU_BLOCK_MOV_SS));
}

static enum emu_exit stream_exit(struct emu *cpu)
{
	struct emu_stream *s = &cpu->st.stream;
	u64 at;

	if (!s->len)
		return EMU_EXIT_NONE;
	at = code_linear(cpu) - s->start;
	if (at < s->len)
		return EMU_EXIT_NONE;
	at -= s->len;
	s->len = 0;
	return at ? EMU_EXIT_STREAM_LEFT : EMU_EXIT_STREAM_DONE;
}

static enum emu_exit voluntary_exit(struct emu *cpu)
{
	if (unlikely(!cpu->poll_left))
		emu_poll(cpu);
	if (unlikely(cpu->stop)) {
		cpu->host_exit = cpu->stop_exit;
		return EMU_EXIT_HOST;
	}
	return cpu->st.budget ? EMU_EXIT_NONE : EMU_EXIT_BUDGET;
}

/* Something has been served that is not committed yet. */
static bool under_way(const struct emu *cpu)
{
	return cpu->st.progress.insn_len || emu_answers_left(cpu);
}

/* INIT: everything that was pending is lost (S155). */
static void take_init(struct emu *cpu)
{
	emu_debug_take(cpu, EMU_CAUSE_DROPPED);
	emu_init_signal(&cpu->st);
	emu_set_rflags(cpu, cpu->st.regs.rflags);
	emu_load(cpu);
	emu_flush(cpu);
}

/* What is due is handed over or delivered; what keeps the CPU from going on. */
static noinline enum emu_exit attend(struct emu *cpu)
{
	struct emu_event ev;
	enum emu_exit ex;
	enum due due;

	cpu->flags_kept = false;
	for (due = event_due(cpu); due; due = event_due(cpu)) {
		/* Events that follow one another use budget (K14). */
		if (cpu->st.progress.after_event) {
			ex = voluntary_exit(cpu);
			if (ex)
				return ex;
			emu_count(cpu, 1);
		}
		cpu->st.progress.after_event = 1;
		if (due == DUE_INIT) {
			take_init(cpu);
			continue;
		}
		/* Without CR4.MCE nobody can handle it. */
		if (due == DUE_MC && !(cpu->st.ctrl.cr4 & EMU_CR4_MCE)) {
			cpu->st.event.mc_pending = 0;
			emu_debug_take(cpu, EMU_CAUSE_DROPPED);
			cpu->st.debug.interruptibility &= ~(EMU_BLOCK_STI | EMU_BLOCK_MOV_SS);
			cpu->st.debug.activity = EMU_SHUTDOWN;
			break;
		}
		take_event(cpu, due, &ev);
		ex = emu_event_dispatch(cpu, &ev);
		if (ex)
			return ex;
	}
	if (cpu->st.event.intr_window && emu_interruptible(cpu))
		return EMU_EXIT_INTR_WINDOW;
	if (cpu->st.debug.activity)
		return cpu->st.debug.activity == EMU_HLT ? EMU_EXIT_HLT :
							   EMU_EXIT_SHUTDOWN;
	return EMU_EXIT_NONE;
}

/* Is there anything for attend() to look at? */
static bool wants_attention(const struct emu *cpu)
{
	const struct emu_debug *d = &cpu->st.debug;

	return emu_events_waiting(cpu) | d->activity | d->pending_dbg;
}

static enum emu_exit boundary(struct emu *cpu)
{
	enum emu_exit ex = EMU_EXIT_NONE;

	/* An instruction that left half way is no boundary. */
	if (unlikely(under_way(cpu)))
		return voluntary_exit(cpu);
	if (unlikely(wants_attention(cpu)))
		ex = attend(cpu);
	if (!ex)
		ex = stream_exit(cpu);
	return ex ? ex : voluntary_exit(cpu);
}

/*
 * One instruction alone is sooner stepped than looked for among the blocks, and where
 * each is followed by a trap there is no need to look.
 */
static bool blocks(struct emu *cpu)
{
	if (likely(!cpu->alone && !(cpu->st.regs.rflags & EMU_FL_TF))) {
		cpu->flags_kept = false;
		return emu_blocks_run(cpu);
	}
	cpu->alone = false;
	cpu->decoded = NULL;
	return false;
}

static enum emu_exit run(struct emu *cpu)
{
	enum emu_exit ex = EMU_EXIT_NONE;
	int r;

	if (unlikely(cpu->st.event.action)) {
		cpu->flags_kept = false;
		ex = emu_event_answer(cpu);
	}
	while (!ex) {
		ex = boundary(cpu);
		if (ex || blocks(cpu))
			continue;
		r = step(cpu);
		switch (r) {
		case EMU_OK:
			if (unlikely(cpu->watch_hit)) {
				emu_watch_exit(cpu);
				ex = EMU_EXIT_WATCH;
			}
			break;
		case EMU_RETRY:
			/* Bounded by polls, not by budget: nothing was done. */
			cpu->poll_left--;
			break;
		case EMU_EXCEPTION:
			cpu->flags_kept = false;
			/* What had been served is lost with it (S42, S48). */
			emu_cancel(&cpu->st);
			emu_count(cpu, 1);
			cpu->st.progress.after_event = 0;
			ex = emu_event_dispatch(cpu, &cpu->raised);
			break;
		default:
			ex = emu_exit_of(cpu, r);
		}
	}
	return ex;
}

enum emu_exit emu_run(struct emu *cpu)
{
	enum emu_exit ex;

	/* The rest is written by whoever leaves with it. */
	cpu->exit.error = 0;
	cpu->leave = EMU_EXIT_NONE;
	cpu->access = ACCESS_CPL;
	cpu->stop = false;
	/* What an instruction met that left before it was complete. */
	cpu->new_data = 0;
	cpu->new_io = 0;
	cpu->new_shadow = 0;
	/* A signal or immediate exit is noticed before anything runs. */
	cpu->poll_left = cpu->polled ? EMU_POLL_MAX : 0;
	cpu->poll_exact = false;
	cpu->polled = false;
	cpu->alone |= cpu->st.budget == 1;
	/* As the last run has left them, they have their lazy form still. */
	if (cpu->st.regs.rflags != cpu->left_rflags)
		flags_load(cpu, cpu->st.regs.rflags);
	cpu->flags_kept = true;
	/* The owner may have changed page tables meanwhile, or have begun or ended paging. */
	if (unlikely(cpu->paging || cpu->st.ctrl.cr0 & EMU_CR0_PG))
		emu_flush(cpu);
	ex = run(cpu);
	cpu->paging = cpu->st.ctrl.cr0 & EMU_CR0_PG;
	if (!cpu->flags_kept)
		cpu->st.regs.rflags = emu_rflags(cpu);
	cpu->left_rflags = cpu->st.regs.rflags;
	return ex;
}
