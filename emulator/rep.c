// SPDX-License-Identifier: GPL-2.0
/*
 * REP: the one loop around an iteration, and the bulk path below it.
 *
 * Every iteration boundary is a place where traps are recognised (S1). The bulk
 * path is taken only where none can be due before its last element, and declining
 * it changes no result (D1-D8).
 */
#include "handlers.h"

static bool is_ins(const struct emu_insn *i)
{
	return i->exec == em_ins;
}

static bool is_store(const struct emu_insn *i)
{
	return i->exec == em_ins || i->exec == em_movs || i->exec == em_stos;
}

static unsigned int element_size(const struct emu_insn *i)
{
	unsigned int size = i->opcode & 1 ? i->osize : 1;

	return i->op->flags & F_PORT ? min(size, 4U) : size;
}

/* Where the bytes of the instruction are, in one or two pages; none of a stream. */
static void locate_code(struct emu *cpu, const struct emu_insn *i)
{
	u64 code = code_linear(cpu), rest = EMU_PAGE - code % EMU_PAGE;

	cpu->code_len[0] = min_t(u64, i->len, rest);
	cpu->code_len[1] = i->len - cpu->code_len[0];
	/* Instructions in a stream are out of reach for stores (K5). */
	if (code - cpu->st.stream.start < cpu->st.stream.len ||
	    !emu_physical(cpu, code, EMU_ACC_FETCH, &cpu->code_gpa[0]))
		cpu->code_len[0] = 0;
	if (!cpu->code_len[0] || !cpu->code_len[1] ||
	    !emu_physical(cpu, code + rest, EMU_ACC_FETCH, &cpu->code_gpa[1]))
		cpu->code_len[1] = 0;
}

/*
 * Would a store of @len bytes at @lin, within a page, change this instruction
 * (S31)? By physical addresses, as the same page may have several linear ones.
 */
static bool touches_code(struct emu *cpu, u64 lin, u64 len)
{
	unsigned int n;
	u64 gpa;

	if (!cpu->code_len[0] || !emu_physical(cpu, lin, EMU_ACC_WRITE, &gpa))
		return false;
	for (n = 0; n < 2; n++)
		if (gpa < cpu->code_gpa[n] + cpu->code_len[n] &&
		    cpu->code_gpa[n] < gpa + len && cpu->code_len[n])
			return true;
	return false;
}

static bool iteration_touches_code(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element_size(i), first;
	u64 lin;

	if (!is_store(i))
		return false;
	lin = gpr_get(cpu, EMU_RDI, i->asize);
	if (!i->mode64)
		lin = (u32)(lin + cpu->st.segs.seg[EMU_ES].base);
	first = min_t(u64, size, EMU_PAGE - lin % EMU_PAGE);
	return touches_code(cpu, lin, first) ||
	       (first < size && touches_code(cpu, lin + first, size - first));
}

static bool interrupt_due(const struct emu *cpu)
{
	const struct emu_event *ev = &cpu->st.event;

	if (ev->nmi_pending || ev->init_pending || ev->mc_pending)
		return true;
	return (ev->intr_pending || ev->intr_window) &&
	       (cpu->st.regs.rflags & EMU_FL_IF);
}

/* Something that is to be looked at after the next iteration. */
static bool attention(const struct emu *cpu)
{
	return cpu->step_tf || cpu->st.debug.pending_dbg || cpu->new_data ||
	       cpu->new_io || cpu->watch_hit || interrupt_due(cpu) ||
	       cpu->st.debug.interruptibility & (EMU_BLOCK_STI |
						 EMU_BLOCK_MOV_SS);
}

static enum emu_rep_reason attention_reason(const struct emu *cpu)
{
	if (cpu->st.debug.interruptibility & EMU_BLOCK_MOV_SS)
		return EMU_REP_SHADOW;
	if (cpu->st.debug.pending_dbg || cpu->new_data || cpu->new_io)
		return EMU_REP_PENDING_DBG;
	if (cpu->watch_hit)
		return EMU_REP_EXIT;
	return cpu->step_tf ? EMU_REP_SINGLE_STEP : EMU_REP_INTR;
}

/**
 * batch_size() - how many elements of an INS or OUTS can go together
 * @cpu: engine
 * @i: instruction
 * @count: iterations left, or fewer
 * @host: the memory operand's elements, upwards
 *
 * Only the last of them can trap, wrap, cross a window or use up the budget (K6).
 *
 * Return: at least 2, or 0 for one by one.
 */
static u32 batch_size(struct emu *cpu, const struct emu_insn *i, u64 count,
		      u8 **host)
{
	unsigned int size = element_size(i);
	unsigned int seg = is_ins(i) ? EMU_ES : i->seg;
	unsigned int reg = is_ins(i) ? EMU_RDI : EMU_RSI;
	enum emu_access acc = is_ins(i) ? EMU_ACC_WRITE : EMU_ACC_READ;
	u64 off = gpr_get(cpu, reg, i->asize), n = count, lin;

	if (!(i->op->flags & F_PORT) || cpu->flags & EMU_NO_BULK ||
	    cpu->flags & EMU_WANT_STEPS || attention(cpu) ||
	    cpu->st.progress.nr_replay || cpu->st.regs.rflags & EMU_FL_DF)
		return 0;
	if ((cpu->bp_io &&
	     emu_debug_match_io(cpu, cpu->st.regs.gpr[EMU_RDX], size)) ||
	    emu_watch_io(cpu, cpu->st.regs.gpr[EMU_RDX], size))
		return 0;
	if (emu_linear(cpu, seg, off, size, acc, &lin) ||
	    emu_misaligned(cpu, lin, size))
		return 0;
	n = min_t(u64, n, (EMU_PAGE - lin % EMU_PAGE) / size);
	n = min(n, (size_mask(i->asize) - off) / size);
	n = min(n, cpu->st.budget);
	if (n < 2 || emu_linear(cpu, seg, off, n * size, acc, &lin))
		return 0;
	if (is_ins(i) && touches_code(cpu, lin, n * size))
		return 0;
	*host = emu_direct(cpu, lin, is_ins(i));
	return *host ? n : 0;
}

/* Let the host do many elements; returns how many it did, often none. */
static u32 bulk(struct emu *cpu, const struct emu_insn *i, u64 count)
{
	unsigned int size = element_size(i), reg;
	u16 port = cpu->st.regs.gpr[EMU_RDX];
	u64 first = 0;
	u32 n, done;
	u8 *host;

	if (is_ins(i) ? !cpu->ops->port_read_bulk : !cpu->ops->port_write_bulk)
		return 0;
	if (cpu->st.io.kind)
		return 0;
	/* What begins right after a poll may go on to the end of the page. */
	if (cpu->poll_left != EMU_POLL_MAX)
		count = min_t(u64, count, cpu->poll_left);
	n = batch_size(cpu, i, count, &host);
	if (!n)
		return 0;
	if (is_ins(i)) {
		done = cpu->ops->port_read_bulk(cpu, port, size, host, n);
		reg = EMU_RDI;
	} else {
		done = cpu->ops->port_write_bulk(cpu, port, size, host, n);
		reg = EMU_RSI;
	}
	done = min(done, n);
	if (!done)
		return 0;
	memcpy(&first, host, size);
	gpr_set(cpu, reg, i->asize,
		cpu->st.regs.gpr[reg] + (u64)done * size);
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_PORT, .size = size, .port = port,
		.dir = is_ins(i) ? EMU_READ : EMU_WRITE, .count = done,
		.value = first, .fast = true,
	});
	return done;
}

/* An exit to the owner for one element becomes one for as many as can go. */
static void offer_more(struct emu *cpu, const struct emu_insn *i, u64 count)
{
	struct emu_io *io = &cpu->st.io;
	u8 *host;
	u32 n;

	if (cpu->host_exit || io->kind != EMU_IO_PORT || io->count != 1 ||
	    io->flags & EMU_IO_PART)
		return;
	n = batch_size(cpu, i, count, &host);
	n = min_t(u32, n, EMU_IO_DATA / io->size);
	if (n < 2)
		return;
	if (io->dir == EMU_WRITE)
		memcpy(cpu->st.io_data, host, n * io->size);
	else
		memset(cpu->st.io_data, 0, n * io->size);
	io->count = n;
}

static void trace_break(struct emu *cpu, enum emu_rep_reason why, u64 done,
			u64 left, bool fast)
{
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_REP_BREAK, .cause = why, .count = done,
		.left = left, .fast = fast,
	});
}

static enum emu_rep_reason reason_of(int r)
{
	return r == EMU_EXCEPTION ? EMU_REP_FAULT : EMU_REP_EXIT;
}

/* Count zero on Intel with a 32-bit address size in 64-bit mode (S26). */
static void empty_rep(struct emu *cpu, const struct emu_insn *i)
{
	if (!i->mode64 || i->asize != 4 || cpu->flags & EMU_VENDOR_AMD)
		return;
	gpr_set(cpu, EMU_RCX, 4, 0);
	if (i->exec == em_movs)
		gpr_set(cpu, EMU_RSI, 4, cpu->st.regs.gpr[EMU_RSI]);
	if (i->exec == em_movs || i->exec == em_stos)
		gpr_set(cpu, EMU_RDI, 4, cpu->st.regs.gpr[EMU_RDI]);
}

/* After REPE or REPNE has compared: is that the end? */
static bool condition_ends(const struct emu *cpu, const struct emu_insn *i)
{
	return (i->op->flags & F_REPCC) &&
	       flag_zf(cpu) != (i->rep == REP_E);
}

/**
 * emu_rep() - a string instruction with a REP prefix
 * @cpu: engine
 * @i: instruction; @i->exec is one iteration
 *
 * Leaves emu.incomplete set where iterations are left and at least one has
 * committed; these stay committed whatever is returned.
 *
 * Return: enum emu_result.
 */
int emu_rep(struct emu *cpu, const struct emu_insn *i)
{
	u64 left = gpr_get(cpu, EMU_RCX, i->asize), done = 0, generation;
	bool fast = false, refetch;
	enum emu_rep_reason why;
	u32 n;
	int r;

	if (!left) {
		empty_rep(cpu, i);
		return EMU_OK;
	}
	cpu->counted = true;
	if (is_store(i))
		locate_code(cpu, i);
	for (;;) {
		refetch = iteration_touches_code(cpu, i);
		generation = cpu->generation;
		n = bulk(cpu, i, left);
		fast = n;
		if (!n) {
			r = done ? emu_step_hook(cpu) : EMU_OK;
			if (!r)
				r = i->exec(cpu, i);
			if (r) {
				if (r == EMU_EXIT)
					offer_more(cpu, i, left);
				trace_break(cpu, reason_of(r), done, left, false);
				cpu->counted = done;
				return r;
			}
			n = 1;
		}
		emu_external_commit(cpu);
		emu_watch_commit(cpu);
		done += n;
		left -= n;
		gpr_set(cpu, EMU_RCX, i->asize, left);
		emu_count(cpu, n);

		if (!left || condition_ends(cpu, i)) {
			cpu->incomplete = false;
			return EMU_OK;
		}
		cpu->incomplete = true;
		/* On AMD the flags of each comparison stay (S52). */
		if (cpu->flags & EMU_VENDOR_AMD)
			cpu->undo_lf = cpu->lf;

		/* What the owner has answered is committed first (K6). */
		if (!emu_answers_left(cpu) && attention(cpu)) {
			why = attention_reason(cpu);
			break;
		}
		if (!cpu->st.budget) {
			why = EMU_REP_BUDGET;
			break;
		}
		/* Its bytes, or the page tables that lead to them, may have changed. */
		if (refetch || generation != cpu->generation) {
			why = EMU_REP_REFETCH;
			break;
		}
		if (!cpu->poll_left) {
			why = EMU_REP_HOST;
			if (emu_poll(cpu))
				break;
			if (cpu->rescheduled)
				trace_break(cpu, EMU_REP_RESCHED, done, left,
					    fast);
		}
	}
	trace_break(cpu, why, done, left, fast);
	cpu->lf = cpu->undo_lf;
	return EMU_OK;
}
