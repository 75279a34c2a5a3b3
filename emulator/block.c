// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: decoded code that runs without retiring each instruction (K2, K4).
 *
 * A block is decoded from a private copy of its bytes, with which memory is compared
 * each time that it is entered: code that was changed by a store, by another CPU or
 * by the owner is decoded anew, and nobody has to tell. It is straight-line, within
 * a page or a stream; branches leave it. It is entered only where nothing has to be
 * looked at between two instructions: see quiet(). None of this is state.
 */
#include "uop.h"

/* In the bits of a tag that are all alike in a canonical address. */
#define KEY_MODE_SHIFT	56
#define KEY_REAL	BIT_ULL(58)	/* real or V86: some opcodes do not exist */
#define KEY_VALID	BIT_ULL(59)	/* never 0 */

#define KEY_FLAT	BIT_ULL(60)	/* data segments are all of memory */
#define KEY_USER	BIT_ULL(61)	/* CPL 3: uops know pages that they may access */
#define KEY_STEPS	BIT_ULL(62)	/* each instruction is told to the step hook */

static void view_segment(const struct emu *cpu, unsigned int n,
			 struct emu_quick_seg *q)
{
	const struct emu_segment *s = &cpu->st.segs.seg[n];
	u32 type = s->attr & (EMU_SEG_CODE | EMU_SEG_EXPAND_DOWN);
	bool code = s->attr & EMU_SEG_CODE;

	if (mode64(cpu)) {
		q->base = n >= EMU_FS ? s->base : 0;
		q->read_end = ~0ULL;
		q->write_end = ~0ULL;
		return;
	}
	q->base = s->base;
	q->read_end = 0;
	q->write_end = 0;
	/* What is expand-down goes the slow way. */
	if (s->attr & EMU_SEG_UNUSABLE || type == EMU_SEG_EXPAND_DOWN)
		return;
	if (!code || s->attr & EMU_SEG_WRITABLE)
		q->read_end = s->limit + 1ULL;
	if (!code && s->attr & EMU_SEG_WRITABLE)
		q->write_end = s->limit + 1ULL;
}

/* Does it begin at 0 and have all that can be addressed? */
static bool whole_segment(const struct emu_quick_seg *s)
{
	return !s->base && s->read_end > 0xffffffff && s->write_end > 0xffffffff;
}

/* Derive what blocks run by from the state. */
void emu_quick_view(struct emu *cpu)
{
	const struct emu_segment *cs = &cpu->st.segs.seg[EMU_CS];
	struct emu_quick *q = &cpu->quick;
	enum emu_decode_mode mode = emu_decode_mode(cpu);
	bool wide = mode == DECODE_64;
	unsigned int n;

	q->valid = true;
	q->ring_code = 0;
	quick_forget_page(q);
	q->lin_mask = wide ? ~0ULL : 0xffffffff;
	q->rip_mask = wide ? ~0ULL : mode == DECODE_32 ? 0xffffffff : 0xffff;
	q->sp_size = stack_size(cpu);
	q->sp_mask = size_mask(q->sp_size);
	q->code_base = wide ? 0 : cs->base;
	q->code_bias = wide ? 1ULL << 47 : 0;
	q->code_top = wide ? (1ULL << 48) - 1 : cs->limit;
	q->win = cpu->win[cpl(cpu) == 3];
	q->ports = EMU_ALL_PORTS;
	if (emu_ports_permitted(cpu) && cpu->ops->port_read_quick && !(cpu->flags & EMU_NO_BULK))
		q->ports = cpu->bp_ports | cpu->watch_ports;
	for (n = 0; n < ARRAY_SIZE(q->seg); n++)
		view_segment(cpu, n, &q->seg[n]);
	/* With a stack pointer of 16 bits SS is not, whatever its limit. */
	q->flat = whole_segment(&q->seg[EMU_DS]) && whole_segment(&q->seg[EMU_ES]) &&
		  whole_segment(&q->seg[EMU_SS]) && q->sp_size >= 4;
	q->key = (u64)mode << KEY_MODE_SHIFT | KEY_VALID |
		 (real_or_vm86(cpu) ? KEY_REAL : 0) | (q->flat ? KEY_FLAT : 0) |
		 (cpl(cpu) == 3 ? KEY_USER : 0) |
		 (emu_wants_steps(cpu) ? KEY_STEPS : 0);
}

/*
 * Is there nothing to be looked at between two instructions from here on (K4)? TF has
 * been: see blocks() in run.c.
 */
static bool quiet(const struct emu *cpu)
{
	const struct emu_debug *d = &cpu->st.debug;
	const struct emu_progress *p = &cpu->st.progress;

	if (cpu->st.regs.rflags & EMU_FL_RF || d->pending_dbg ||
	    emu_misaligned(cpu, 1, 8) ||
	    d->interruptibility & (EMU_BLOCK_STI | EMU_BLOCK_MOV_SS))
		return false;
	if (cpu->flags & (EMU_CALLER_MEMORY | EMU_NO_BLOCKS))
		return false;
	return !p->in_rep && !p->insn_len && !p->nr_replay && !p->watch_passed &&
	       !p->stopped && !cpu->st.io.kind;
}

void emu_blocks_drop(struct emu *cpu)
{
	unsigned int n;

	for (n = 0; n < EMU_NR_BLOCKS; n++) {
		cpu->block[n].tag = 0;
		cpu->block[n].seen = 0;
	}
	cpu->nr_uops = 0;
}

/* The pages that uops know, before tags come to be used again. */
void emu_blocks_forget_pages(struct emu *cpu)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(cpu->uop); n++)
		cpu->uop[n].page = 0;
}

/* Host address of the code at @lin and how much of it is there together. */
static const u8 *code_at(struct emu *cpu, u64 lin, unsigned int *room)
{
	const struct emu_window *w;

	if (unlikely(cpu->st.stream.len)) {
		/* boundary() leaves before anything outside is executed. */
		*room = EMU_BLOCK_BYTES;
		return emu_stream_bytes(cpu, lin, room);
	}
	w = &cpu->quick.win[lin / EMU_PAGE % EMU_NR_WINDOWS];
	if (unlikely((w->exec_tag & ~EMU_TAG_WATCHED) != emu_page_tag(cpu, lin)))
		return NULL;
	*room = EMU_PAGE - lin % EMU_PAGE;
	return w->host + lin % EMU_PAGE;
}

/* Is @b what memory has at @a? Eight bytes can be read there if @whole says so. */
static __always_inline bool same_bytes(const u8 *a, const struct emu_block *b,
				       bool whole)
{
	const u8 *bytes = b->bytes;
	unsigned int n = b->len;

	if (n <= 8) {
		if (likely(whole))
			return !((host_read(a, 8) ^ host_read(bytes, 8)) << b->tail);
		while (n--)
			if (READ_ONCE(a[n]) != bytes[n])
				return false;
		return true;
	}
	/* The last eight may have been compared before in part. */
	for (; n > 16; n -= 16, a += 16, bytes += 16)
		if ((host_read(a, 8) ^ host_read(bytes, 8)) |
		    (host_read(a + 8, 8) ^ host_read(bytes + 8, 8)))
			return false;
	if (n > 8 && host_read(a, 8) != host_read(bytes, 8))
		return false;
	return host_read(a + n - 8, 8) == host_read(bytes + n - 8, 8);
}

/* How far forwards a branch leads, from the block's start; 0 for what is none. */
static unsigned int reaches(const struct emu_uop *u)
{
	return u->traits & UOP_RELATIVE && !u->kind && u->rel > 0 &&
	       u->rel < EMU_BLOCK_BYTES ? u->rel : 0;
}

/* The uop before each instruction that is to be told to the step hook. */
static void put_tell_step(struct emu *cpu, struct emu_uop *u, struct emu_draft *d,
			  unsigned int len, unsigned int n)
{
	u->fn = cpu->ops->step_uop ? cpu->ops->step_uop : uop_tell_step;
	u->start = len;
	u->end = len;
	u->before = n;
	u->done = n;
	u->traits = 0;
	u->kind = KIND_NONE;
	u->size = 16 << emu_decode_mode(cpu);
	u->link = &cpu->block[0];
	*d = (struct emu_draft){ NULL };
}

/* Decode what starts at @lin; NULL where even the first has to be stepped. */
static struct emu_block *build(struct emu *cpu, struct emu_block *b, u64 lin,
			       const u8 *code, unsigned int room)
{
	struct emu_draft draft[EMU_BLOCK_UOPS];
	u8 *bytes = b->bytes;
	unsigned int n = 0, nr = 0, len = 0, reach = 0;
	bool steps = cpu->quick.key & KEY_STEPS, more = true;
	struct emu_uop *first, *u;
	struct emu_insn i;
	int r;

	/* One more for the end. */
	if (cpu->nr_uops + EMU_BLOCK_UOPS + 1 > EMU_NR_UOPS)
		emu_blocks_drop(cpu);
	b->tag = 0;
	room = min_t(unsigned int, room, EMU_BLOCK_BYTES);
	memcpy(bytes, code, room);
	first = &cpu->uop[cpu->nr_uops];
	while (more && nr + steps < EMU_BLOCK_UOPS) {
		r = emu_decode_here(cpu, &i, bytes + len, room - len);
		if (r <= 0)
			break;
		if (steps) {
			put_tell_step(cpu, &first[nr], &draft[nr], len, n);
			nr++;
		}
		u = &first[nr];
		u->start = len;
		u->end = len + r;
		u->before = n;
		u->done = n + 1;
		nr += emu_uop_translate(cpu, &i, u, &draft[nr], !nr, &more);
		len += r;
		n++;
		reach = max(reach, reaches(u));
		/* What is behind a branch belongs to the block if one leads there. */
		if (reach >= len && u->fn != uop_step)
			more = true;
	}
	if (!nr)
		return NULL;
	emu_uop_finish(first, draft, nr);
	first[nr].fn = uop_end;
	first[nr].start = len;
	first[nr].end = len;
	first[nr].before = n;
	first[nr].done = n;
	first[nr].kind = KIND_NONE;
	first[nr].link = &cpu->block[0];
	first[nr].hot = emu_uop_hot(uop_end);
	b->tag = lin ^ cpu->quick.key;
	b->first = first;
	b->len = len;
	b->tail = len < 8 ? 64 - 8 * len : 0;
	b->n = n;
	cpu->nr_uops += nr + 1;
	return b;
}

/* Can all of the page of @lin, which is at @rip, be fetched from? */
static bool whole_page(const struct emu_quick *q, u64 rip, u64 lin)
{
	u64 first = rip - lin % EMU_PAGE + q->code_bias;

	return first <= q->code_top && first + EMU_PAGE - 1 <= q->code_top;
}

static struct emu_block *block_slot(struct emu *cpu, u64 tag)
{
	return &cpu->block[(tag ^ tag >> 9) % EMU_NR_BLOCKS];
}

/*
 * Code is compared with memory once in an epoch. One ends when somebody else may have
 * written: with each emu_blocks_run(), which does no more than what is between two
 * polls, and before which whatever is not a uop has run; and with a store of a uop to
 * code that was compared. So this CPU sees its own stores at once and others' after
 * EMU_POLL_MAX boundaries, or what serialises, at the most.
 */
static void new_epoch(struct emu_quick *q)
{
	q->epoch++;
	q->code_span = 0;
}

static void set_compared(struct emu_quick *q, struct emu_block *b, const u8 *code)
{
	unsigned long first = (unsigned long)code - 7, end = first + 7 + b->len;

	if (q->code_span) {
		first = min(first, q->code);
		end = max(end, q->code + q->code_span);
	}
	b->epoch = q->epoch;
	q->code = first;
	q->code_span = end - first;
}

/**
 * emu_block_stored() - a store has met code that was compared
 * @cpu: engine; emu_quick.stored is what was written to
 *
 * Return: UOP_LAST if that is the block that runs, else UOP_NEXT.
 */
enum emu_uop_result emu_block_stored(struct emu *cpu)
{
	struct emu_quick *q = &cpu->quick;
	struct emu_block *b = &cpu->block[q->running - cpu->block];
	const u8 *code;

	/* Outside a page that is known nothing else has been compared. */
	if (!q->page_room)
		return UOP_LAST;
	code = q->page_host + (q->start - q->page_rip);
	if ((unsigned long)q->stored - ((unsigned long)code - 7) < b->len + 7UL)
		return UOP_LAST;
	new_epoch(q);
	set_compared(q, b, code);
	return UOP_NEXT;
}

/*
 * The block at @rip, its bytes being those in memory, where emu_block_enter() does
 * not get there by itself: there is none yet, or it is not of this code, or in another
 * page, or that is not so simple. NULL: step.
 */
static struct emu_block *find(struct emu *cpu, u64 rip)
{
	struct emu_quick *q = &cpu->quick;
	u64 lin = (q->code_base + rip) & q->lin_mask, tag = lin ^ q->key;
	struct emu_block *b = block_slot(cpu, tag);
	unsigned int room;
	const u8 *code = code_at(cpu, lin, &room);

	if (!code)
		return NULL;
	new_epoch(q);
	if (b->tag != tag || b->len > room || !same_bytes(code, b, room >= 8)) {
		/* Code that is run once is not worth it. */
		if (b->seen != tag) {
			b->seen = tag;
			return NULL;
		}
		b = build(cpu, b, lin, code, room);
		if (!b)
			return NULL;
	}
	if (rip + b->len - 1 + q->code_bias > q->code_top ||
	    emu_debug_code_between(cpu, lin, lin + b->len - 1))
		return NULL;
	if (!cpu->st.stream.len && whole_page(q, rip, lin)) {
		q->page_rip = rip - lin % EMU_PAGE;
		q->page_room = EMU_PAGE - 7;
		q->page_tag = (lin & ~(u64)(EMU_PAGE - 1)) ^ q->key;
		q->page_host = code - lin % EMU_PAGE;
	} else {
		quick_forget_page(q);
	}
	set_compared(q, b, code);
	q->start = rip;
	q->running = b;
	return b;
}

/* Where it has not been compared yet, or takes too much, or is none. */
static noinline enum emu_uop_result enter_anew(struct emu *cpu, struct emu_block *b,
					       u64 left, u64 at)
{
	struct emu_quick *q = &cpu->quick;
	const u8 *code = q->page_host + at;

	/* Breakpoints stay what they are in an epoch. */
	if (b->tag == q->page_tag + at && b->n <= left && same_bytes(code, b, true) &&
	    !emu_debug_code_between(cpu, b->tag ^ q->key, (b->tag ^ q->key) + b->len - 1)) {
		set_compared(q, b, code);
		return uop_enter(cpu, b, left, at);
	}
	q->next = q->page_rip + at;
	q->left = left;
	return UOP_JUMP;
}

/**
 * emu_block_enter() - from one block to another than the last time, in the known page
 * @cpu: engine
 * @u: uop of the one that leads there
 * @left: boundaries that can be passed
 * @at: where it starts in the page; eight bytes can be read there
 *
 * Return: what became of it and of those that it led to; UOP_JUMP where it has to
 * be looked for.
 */
enum emu_uop_result emu_block_enter(struct emu *cpu, const struct emu_uop *u,
				    u64 left, u64 at)
{
	const struct emu_quick *q = &cpu->quick;
	u64 tag = q->page_tag + at;
	struct emu_block *b = block_slot(cpu, tag);

	/* What it takes to find it is not to be done for each field. */
	OPTIMIZER_HIDE_VAR(b);
	if (unlikely(b->tag != tag || b->epoch != q->epoch || b->n > left))
		return enter_anew(cpu, b, left, at);
	cpu->uop[u - cpu->uop].link = b;
	return uop_enter(cpu, b, left, at);
}

/**
 * emu_block_short() - a branch within a block for whose rest too little is left
 * @cpu: engine
 * @u: the branch
 * @left: boundaries that could have been passed had the block begun without it
 *
 * Return: UOP_JUMP.
 */
enum emu_uop_result emu_block_short(struct emu *cpu, const struct emu_uop *u,
				    u64 left)
{
	const struct emu_uop *to = (const void *)((const u8 *)u + u->to);

	cpu->quick.next = quick_rip(cpu, to->start);
	cpu->quick.left = left - to->before;
	return UOP_JUMP;
}

/* A block has stopped at a uop. Returns the boundaries that can still be passed. */
static u64 stopped(struct emu *cpu, enum emu_uop_result r)
{
	struct emu_quick *q = &cpu->quick;
	const struct emu_uop *u = q->at;

	if (r == UOP_STEP) {
		/* One that is no instruction stands before each: put_tell_step(). */
		if (q->key & KEY_STEPS)
			cpu->told = u->end > u->start ? TOLD_GO : TOLD_STOP;
		cpu->told_exit = cpu->host_exit;
		q->next = quick_rip(cpu, u->start);
		cpu->decoded_bytes = q->running->bytes + u->start;
		return q->left - u->before;
	}
	if (r != UOP_AWAY)
		q->next = quick_rip(cpu, u->end);
	return q->left - u->done;
}

/**
 * emu_blocks_run() - as much as can be done by blocks
 * @cpu: engine, at a boundary where nothing is due
 *
 * Return: true to look at the boundary again; false to step the instruction at RIP,
 * which emu.decoded names if a block had it.
 */
bool emu_blocks_run(struct emu *cpu)
{
	struct emu_quick *q = &cpu->quick;
	enum emu_uop_result r = UOP_JUMP;
	u64 rip = cpu->st.regs.rip;
	u64 may, left;			/* boundaries that can be passed here */
	struct emu_block *b;
	bool again, stream = cpu->st.stream.len;

	cpu->decoded = NULL;
	if (!quiet(cpu))
		return false;
	if (!q->valid)
		emu_quick_view(cpu);
	do {
		may = min_t(u64, cpu->poll_left, cpu->st.budget);
		left = may;
		again = false;
		while ((b = find(cpu, rip))) {
			if (unlikely(b->n > left)) {
				/* The poll comes early, not within a block. */
				again = cpu->poll_left - (may - left) < b->n &&
					!cpu->poll_exact;
				break;
			}
			r = emu_uops_run(cpu, b->first, left);
			left = r == UOP_JUMP ? q->left : stopped(cpu, r);
			rip = q->next;
			if (r != UOP_JUMP || stream)
				break;
		}
		if (left != may) {
			cpu->st.regs.rip = rip;
			cpu->st.progress.after_event = 0;
			emu_count(cpu, may - left);
		}
	} while (again && !emu_poll(cpu));
	/* The rest is for a step, unless something may be due before it. */
	if (!again && (r == UOP_STEP || left == may ||
		       (left && !stream && r != UOP_LAST && r != UOP_AWAY)))
		return false;
	cpu->decoded = NULL;
	return true;
}
