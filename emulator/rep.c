// SPDX-License-Identifier: GPL-2.0
/*
 * REP: the one loop around an iteration, and the bulk path below it.
 *
 * Every iteration boundary is a place where traps are recognised (S1). The bulk
 * path is taken only where none can be due before its last element, and declining
 * it changes no result (D1-D8).
 */
#include "handlers.h"
#include "window.h"

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

	cpu->code_clear = 0;
	cpu->code_len[0] = min_t(u64, i->len, rest);
	cpu->code_len[1] = i->len - cpu->code_len[0];
	/* Instructions in a stream are out of reach for stores (K5). */
	if (code - cpu->st.stream.start < cpu->st.stream.len)
		cpu->code_len[0] = 0;
	if (!cpu->code_len[0])
		return;
	cpu->code_lost = !emu_physical(cpu, code, EMU_ACC_FETCH,
				       &cpu->code_gpa[0]) ||
			 (cpu->code_len[1] &&
			  !emu_physical(cpu, code + rest, EMU_ACC_FETCH,
					&cpu->code_gpa[1]));
}

/* Are any of @len bytes at physical address @gpa the instruction's own (S31)? */
static bool overlaps_code(const struct emu *cpu, u64 gpa, u64 len)
{
	unsigned int n;

	for (n = 0; n < 2 && cpu->code_len[n]; n++)
		if (gpa < cpu->code_gpa[n] + cpu->code_len[n] &&
		    cpu->code_gpa[n] < gpa + len)
			return true;
	return false;
}

/*
 * The same of a store at @lin, within a page. By physical addresses, as the same
 * page may have several linear ones. A page with none of its bytes is remembered in
 * @cpu->code_clear by its tag.
 */
static bool touches_code(struct emu *cpu, u64 lin, u64 len)
{
	u64 tag = emu_page_tag(cpu, lin), gpa;

	if (!cpu->code_len[0] || cpu->code_clear == tag)
		return false;
	/* It is not known: as if. */
	if (cpu->code_lost || !emu_physical(cpu, lin, EMU_ACC_WRITE, &gpa))
		return true;
	if (!overlaps_code(cpu, gpa & ~(u64)(EMU_PAGE - 1), EMU_PAGE)) {
		cpu->code_clear = tag;
		return false;
	}
	return overlaps_code(cpu, gpa, len);
}

/* Where the next iteration stores. */
static u64 store_address(const struct emu *cpu, const struct emu_insn *i)
{
	u64 lin = gpr_get(cpu, EMU_RDI, i->asize);

	return i->mode64 ? lin : (u32)(lin + cpu->st.segs.seg[EMU_ES].base);
}

/*
 * Did the store of an iteration at @lin change this instruction? Asked after it: the
 * walk that finds the page sets its dirty bit.
 */
static bool touched_code(struct emu *cpu, u64 lin, unsigned int size)
{
	unsigned int first = min_t(u64, size, EMU_PAGE - lin % EMU_PAGE);

	if (!cpu->code_len[0])
		return false;
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
 * struct span - elements of a memory operand that go together
 * @seg: segment that they are in
 * @reg: their index register
 * @acc: EMU_ACC_READ or EMU_ACC_WRITE
 * @first: linear address of the first one
 * @host: memory of the one with the lowest address, or NULL
 *
 * They lie one behind the other, or one before the other with DF.
 */
struct span {
	u8 seg;
	u8 reg;
	enum emu_access acc;
	u64 first;
	u8 *host;
};

/**
 * struct batch - iterations that go together
 * @src: what is read at [seg:rSI]
 * @dst: what is read or written at [es:rDI]
 * @size: bytes an element
 * @shift: of which it is this power of two
 * @down: DF
 * @port: the other operand is a port
 * @has_src: there is a @src
 * @has_dst: there is a @dst
 */
struct batch {
	struct span src;
	struct span dst;
	u8 size;
	u8 shift;
	bool down;
	bool port;
	bool has_src;
	bool has_dst;
};

static void batch_of(const struct emu *cpu, const struct emu_insn *i,
		     struct batch *b)
{
	b->size = element_size(i);
	b->shift = __builtin_ctz(b->size);
	b->port = i->op->flags & F_PORT;
	b->down = cpu->st.regs.rflags & EMU_FL_DF;
	b->has_src = !is_ins(i) && i->exec != em_stos && i->exec != em_scas;
	b->has_dst = is_store(i) || i->exec == em_cmps || i->exec == em_scas;
	b->src = (struct span){
		.seg = i->seg, .reg = EMU_RSI, .acc = EMU_ACC_READ,
	};
	b->dst = (struct span){
		.seg = EMU_ES, .reg = EMU_RDI,
		.acc = is_store(i) ? EMU_ACC_WRITE : EMU_ACC_READ,
	};
}

/* Where the lowest of @n elements is. */
static u64 lowest(const struct batch *b, const struct span *s, u64 n)
{
	return b->down ? s->first - ((n - 1) << b->shift) : s->first;
}

/*
 * Would one of @n elements fault for its segment, or meet a breakpoint or watch? If
 * not, where the first one is.
 */
static bool objection(struct emu *cpu, const struct batch *b, struct span *s,
		      u64 off, u64 n)
{
	u64 others = (n - 1) << b->shift, len = n << b->shift, lin;

	off = b->down ? off - others : off;
	if (emu_linear(cpu, s->seg, off, len, s->acc, &lin) ||
	    emu_watched(cpu, lin, len, s->acc))
		return true;
	s->first = b->down ? lin + others : lin;
	return false;
}

/* How many of @n elements lie in the page of the first one; none if that does not. */
static u64 in_page(const struct batch *b, const struct span *s, u64 n)
{
	u64 at = s->first % EMU_PAGE;

	if (at + b->size > EMU_PAGE)
		return 0;
	return min(n, ((b->down ? at : EMU_PAGE - b->size - at) >> b->shift) + 1);
}

/*
 * How many of @n elements of an operand can go together: without wrapping, before
 * the first that a segment limit, a breakpoint or a watch has to do with, downwards
 * in a page; 0 or 1 where that is not worth it.
 */
static u64 clip(struct emu *cpu, const struct emu_insn *i,
		const struct batch *b, struct span *s, u64 n)
{
	u64 off = gpr_get(cpu, s->reg, i->asize);

	n = min(n, (b->down ? off : size_mask(i->asize) - off) >> b->shift);
	while (n > 1 && objection(cpu, b, s, off, n))
		n /= 2;
	if (n < 2 || emu_misaligned(cpu, s->first, b->size))
		return 0;
	if (b->down)
		return in_page(b, s, n);
	return i->mode64 ? n : min(n, ((1ULL << 32) - s->first) >> b->shift);
}

/**
 * batch_size() - how many iterations can go together
 * @cpu: engine
 * @i: instruction
 * @count: iterations left, or fewer
 * @b: what they work on; where they are is found, without host memory yet
 *
 * Only the last of them can trap, wrap or use up the budget (K6).
 *
 * Return: at least 2, or 0 for one by one.
 */
static u32 batch_size(struct emu *cpu, const struct emu_insn *i, u64 count,
		      struct batch *b)
{
	u64 n = min(count, cpu->st.budget);

	if (n < 2 ||
	    cpu->flags & (EMU_NO_BULK | EMU_REP_SINGLY | EMU_WANT_STEPS) ||
	    attention(cpu) || cpu->st.progress.nr_replay)
		return 0;
	n = min_t(u64, n, EMU_BULK_MAX >> b->shift);
	if (b->port) {
		u16 port = cpu->st.regs.gpr[EMU_RDX];

		if (b->down)
			return 0;
		if ((cpu->bp_io && emu_debug_match_io(cpu, port, b->size)) ||
		    emu_watch_io(cpu, port, b->size))
			return 0;
	}
	if (b->has_src)
		n = clip(cpu, i, b, &b->src, n);
	if (b->has_dst && n > 1)
		n = clip(cpu, i, b, &b->dst, n);
	return n > 1 ? n : 0;
}

/* Is the page at @lin, too, in host memory, at @host? Nothing is walked for it. */
static bool goes_on(struct emu *cpu, const struct span *s, u64 lin, const u8 *host)
{
	const struct emu_window *w = window_slot(cpu, lin, user_access(cpu));
	const u8 *at = w->host;
	u64 gpa = w->gpa;

	if (!window_has(cpu, w, lin, s->acc))
		at = emu_walks(cpu, lin, s->acc) ? NULL :
		     emu_direct(cpu, lin, s->acc, &gpa);
	if (at != host)
		return false;
	return s->acc != EMU_ACC_WRITE || !overlaps_code(cpu, gpa, EMU_PAGE);
}

/*
 * Host memory of as many of @n elements as lie there together. None where storing
 * them needs a look at each; and no page behind the first is walked for, as the
 * elements before it may be the last.
 *
 * Return: how many.
 */
static u32 find_host(struct emu *cpu, const struct batch *b, struct span *s,
		     u32 n)
{
	u64 lin = lowest(b, s, n), gpa;
	u32 len = n << b->shift, there = EMU_PAGE - lin % EMU_PAGE;

	s->host = emu_direct(cpu, lin, s->acc, &gpa);
	if (!s->host || (s->acc == EMU_ACC_WRITE &&
			 overlaps_code(cpu, gpa, min(len, there))))
		return 0;
	while (there < len && goes_on(cpu, s, lin + there, s->host + there))
		there += EMU_PAGE;
	return min(len, there) >> b->shift;
}

/* Let the host do many elements. */
static u32 port_bulk(struct emu *cpu, const struct emu_insn *i,
		     const struct batch *b, u32 n)
{
	const u8 *host = is_ins(i) ? b->dst.host : b->src.host;
	u16 port = cpu->st.regs.gpr[EMU_RDX];
	u64 first = 0;
	u32 done;

	if (is_ins(i))
		done = cpu->ops->port_read_bulk(cpu, port, b->size, b->dst.host,
						n);
	else
		done = cpu->ops->port_write_bulk(cpu, port, b->size, host, n);
	done = min(done, n);
	if (!done)
		return 0;
	memcpy(&first, host, b->size);
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_PORT, .size = b->size, .port = port,
		.dir = is_ins(i) ? EMU_READ : EMU_WRITE, .count = done,
		.value = first, .fast = true,
	});
	return done;
}

static void move_index(struct emu *cpu, const struct emu_insn *i,
		       const struct batch *b, unsigned int reg, u32 n)
{
	u64 by = (u64)n << b->shift;

	gpr_set(cpu, reg, i->asize,
		cpu->st.regs.gpr[reg] + (b->down ? -by : by));
}

/* Bytes that a bulk moves in the time of a boundary. */
#define BULK_BOUNDARY	(EMU_BULK_MAX / EMU_POLL_MAX)

/* Iterations that may be made before the next poll (K11). */
static u64 before_poll(const struct emu *cpu, const struct batch *b)
{
	if (cpu->poll_exact)
		return cpu->poll_left;
	return cpu->poll_left * BULK_BOUNDARY >> b->shift;
}

/* Pass @n boundaries, of elements that were done at once. */
static void count_bulk(struct emu *cpu, const struct batch *b, u32 n)
{
	u32 left = cpu->poll_left, like = n;

	if (!cpu->poll_exact)
		like = ((n << b->shift) + BULK_BOUNDARY - 1) / BULK_BOUNDARY;
	emu_count(cpu, n);
	cpu->poll_left = left - min(left, like);
}

/* @n iterations have been made at once. */
static void move_on(struct emu *cpu, const struct emu_insn *i,
		    const struct batch *b, u32 n)
{
	if (b->has_src)
		move_index(cpu, i, b, EMU_RSI, n);
	if (b->has_dst)
		move_index(cpu, i, b, EMU_RDI, n);
	count_bulk(cpu, b, n);
}

/*
 * The same where memory is the other operand that the owner has served: his answers
 * are committed, and what he has read goes to its place (K6). Upwards only.
 */
static u32 bulk_answers(struct emu *cpu, const struct emu_insn *i,
			struct batch *b, u64 count)
{
	bool write = cpu->st.io.dir == EMU_WRITE;
	struct span *his = write ? &b->dst : &b->src;
	struct span *other = write ? &b->src : &b->dst;
	const u8 *data;
	u64 gpa;
	u32 n;

	if (b->down || (write ? !is_store(i) : !b->has_src) || b->port ||
	    i->op->flags & F_REPCC)
		return 0;
	n = batch_size(cpu, i, min(count, before_poll(cpu, b)), b);
	n = in_page(b, his, n);
	/* The source is looked at first, as an iteration does. */
	if (n && i->exec == em_movs && write)
		n = find_host(cpu, b, other, n);
	if (!n || !emu_physical(cpu, his->first, his->acc, &gpa))
		return 0;
	n = min(n, emu_external_answers(cpu, cpu->st.io.dir, gpa, b->size));
	if (n && i->exec == em_movs && !write)
		n = find_host(cpu, b, other, n);
	if (!n)
		return 0;
	data = cpu->st.io_data + emu_index_nospec(cpu->st.io.used << b->shift,
						  EMU_IO_DATA);
	if (!write)
		emu_string_bulk(cpu, i, data, b->dst.host, n);
	emu_external_take(cpu, n);
	move_on(cpu, i, b, n);
	return n;
}

/* Do many iterations at once; returns how many, often none. */
static u32 bulk(struct emu *cpu, const struct emu_insn *i, struct batch *b,
		u64 count)
{
	u32 n;

	if (unlikely(cpu->st.io.kind))
		return bulk_answers(cpu, i, b, count);
	if (b->port && (is_ins(i) ? !cpu->ops->port_read_bulk :
				    !cpu->ops->port_write_bulk))
		return 0;
	n = batch_size(cpu, i, min(count, before_poll(cpu, b)), b);
	/*
	 * The first element is read before the tables of the other are walked. Where
	 * they have been, a walk that is repeated because both pages want the same
	 * window sets nothing.
	 */
	if (b->has_src && b->has_dst && n && emu_walks(cpu, b->dst.first, b->dst.acc))
		return 0;
	if (n && b->has_src)
		n = find_host(cpu, b, &b->src, n);
	if (n && b->has_dst)
		n = find_host(cpu, b, &b->dst, n);
	if (!n)
		return 0;
	n = b->port ? port_bulk(cpu, i, b, n) :
		      emu_string_bulk(cpu, i, b->src.host, b->dst.host, n);
	if (n)
		move_on(cpu, i, b, n);
	return n;
}

/* @n elements of @size bytes, downwards from the last in memory. */
static void reverse(u8 *to, const u8 *from, unsigned int size, u32 n)
{
	for (from += (u64)n * size; n; n--, to += size) {
		from -= size;
		memcpy(to, from, size);
	}
}

/*
 * Can @n iterations be served by one exit, where it is memory that the owner
 * serves? The other operand has to be plain memory; what a comparison reads depends
 * on what it has read.
 */
static bool offer_memory(struct emu *cpu, const struct emu_insn *i,
			 struct batch *b, u32 n)
{
	bool write = cpu->st.io.dir == EMU_WRITE;

	if (i->exec == em_stos || i->exec == em_lods)
		return true;
	return i->exec == em_movs &&
	       find_host(cpu, b, write ? &b->src : &b->dst, n) == n;
}

/* What is to be written, in the order of the iterations. */
static void put_data(struct emu *cpu, const struct emu_insn *i,
		     const struct batch *b, u32 n)
{
	u8 *data = cpu->st.io_data;

	if (i->exec == em_stos)
		emu_fill(data, cpu->st.regs.gpr[EMU_RAX], b->size, n);
	else if (b->down)
		reverse(data, b->src.host, b->size, n);
	else
		memcpy(data, b->src.host, n * b->size);
}

/* An exit to the owner for one element becomes one for as many as can go. */
static void offer_more(struct emu *cpu, const struct emu_insn *i,
		       struct batch *b, u64 count)
{
	struct emu_io *io = &cpu->st.io;
	u32 n;

	if (cpu->host_exit || io->kind != (b->port ? EMU_IO_PORT : EMU_IO_MEM) ||
	    io->count != 1 || io->flags & EMU_IO_PART)
		return;
	count = min_t(u64, count, EMU_IO_DATA / io->size);
	n = batch_size(cpu, i, count, b);
	if (n && b->has_src)
		n = in_page(b, &b->src, n);
	if (n && b->has_dst)
		n = in_page(b, &b->dst, n);
	if (n < 2 || io->size != b->size)
		return;
	if (b->port ? find_host(cpu, b, is_ins(i) ? &b->dst : &b->src, n) < n :
		      !offer_memory(cpu, i, b, n))
		return;
	if (io->dir == EMU_WRITE)
		put_data(cpu, i, b, n);
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
	u64 left = gpr_get(cpu, EMU_RCX, i->asize), done = 0, generation, to;
	bool fast = false, store = is_store(i);
	enum emu_rep_reason why;
	struct batch b;
	u32 n;
	int r;

	if (!left) {
		empty_rep(cpu, i);
		return EMU_OK;
	}
	cpu->counted = true;
	batch_of(cpu, i, &b);
	if (store)
		locate_code(cpu, i);
	for (;;) {
		to = store_address(cpu, i);
		generation = cpu->generation;
		n = bulk(cpu, i, &b, left);
		fast = n;
		if (!n) {
			r = done ? emu_step_hook(cpu) : EMU_OK;
			if (!r)
				r = i->exec(cpu, i);
			if (r) {
				if (r == EMU_EXIT)
					offer_more(cpu, i, &b, left);
				trace_break(cpu, reason_of(r), done, left, false);
				cpu->counted = done;
				return r;
			}
			n = 1;
			emu_count(cpu, n);
		}
		emu_external_commit(cpu);
		emu_watch_commit(cpu);
		done += n;
		left -= n;
		gpr_set(cpu, EMU_RCX, i->asize, left);

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
		if (generation != cpu->generation ||
		    (store && !fast && touched_code(cpu, to, b.size))) {
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
