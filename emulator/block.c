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
#include "quick.h"
#include "window.h"

#define KEY_REAL	BIT(2)	/* real or V86 mode: some opcodes do not exist */
#define KEY_VALID	BIT(3)	/* never 0 */

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

/* Derive what blocks run by from the state. */
static void view(struct emu *cpu)
{
	const struct emu_segment *cs = &cpu->st.segs.seg[EMU_CS];
	struct emu_quick *q = &cpu->quick;
	enum emu_decode_mode mode = emu_decode_mode(cpu);
	bool wide = mode == DECODE_64;
	unsigned int n;

	q->valid = true;
	q->key = mode | (real_or_vm86(cpu) ? KEY_REAL : 0) | KEY_VALID;
	q->lin_mask = wide ? ~0ULL : 0xffffffff;
	q->rip_mask = wide ? ~0ULL : mode == DECODE_32 ? 0xffffffff : 0xffff;
	q->sp_size = stack_size(cpu);
	q->sp_mask = size_mask(q->sp_size);
	q->code_base = wide ? 0 : cs->base;
	q->code_bias = wide ? 1ULL << 47 : 0;
	q->code_top = wide ? (1ULL << 48) - 1 : cs->limit;
	q->win = cpu->win[cpl(cpu) == 3];
	q->ports = (!protected_mode(cpu) ||
		    (!vm86(cpu) && cpl(cpu) <= iopl(cpu))) &&
		   !cpu->bp_io && !cpu->watch_port &&
		   !(cpu->flags & EMU_NO_BULK);
	for (n = 0; n < ARRAY_SIZE(q->seg); n++)
		view_segment(cpu, n, &q->seg[n]);
}

/* Is there nothing to be looked at between two instructions from here on (K4)? */
static bool quiet(const struct emu *cpu)
{
	const struct emu_debug *d = &cpu->st.debug;
	const struct emu_progress *p = &cpu->st.progress;

	if (cpu->st.regs.rflags & (EMU_FL_TF | EMU_FL_RF) || d->pending_dbg ||
	    emu_misaligned(cpu, 1, 8) ||
	    d->interruptibility & (EMU_BLOCK_STI | EMU_BLOCK_MOV_SS))
		return false;
	if (cpu->flags & (EMU_WANT_STEPS | EMU_CALLER_MEMORY | EMU_NO_BLOCKS))
		return false;
	return !p->in_rep && !p->insn_len && !p->nr_replay && !p->watch_passed &&
	       !cpu->st.io.kind;
}

void emu_blocks_drop(struct emu *cpu)
{
	memset(cpu->block_tag, 0, sizeof(cpu->block_tag));
	cpu->nr_uops = 0;
}

/* Host address of the code at @lin and how much of it is there together. */
static const u8 *code_at(struct emu *cpu, u64 lin, unsigned int *room,
			 bool *code_bp)
{
	const struct emu_window *w;
	const u8 *p;

	if (unlikely(cpu->st.stream.len)) {
		*room = EMU_BLOCK_BYTES;
		p = emu_stream_bytes(cpu, lin, room);
		*code_bp = cpu->bp_code;
		if (p)
			return p;
		/* boundary() leaves before anything outside is executed. */
		return NULL;
	}
	w = &cpu->quick.win[lin / EMU_PAGE % EMU_NR_WINDOWS];
	if (unlikely(w->exec_tag != emu_page_tag(cpu, lin)))
		return NULL;
	*room = EMU_PAGE - lin % EMU_PAGE;
	*code_bp = w->code_bp;
	return w->host + lin % EMU_PAGE;
}

static bool same_bytes(const u8 *a, const u8 *b, unsigned int n)
{
	if (unlikely(n < 8)) {
		while (n--)
			if (READ_ONCE(a[n]) != b[n])
				return false;
		return true;
	}
	/* The last eight may have been compared before in part. */
	for (; n > 8; n -= 8, a += 8, b += 8)
		if (host_read(a, 8) != host_read(b, 8))
			return false;
	return host_read(a + n - 8, 8) == host_read(b + n - 8, 8);
}

/* Decode what starts at @lin; NULL where even the first has to be stepped. */
static struct emu_block *build(struct emu *cpu, unsigned int at, u64 lin,
			       const u8 *code, unsigned int room)
{
	struct emu_block *b = &cpu->block[at];
	struct emu_uop *u, *last = NULL;
	unsigned int n = 0, len;
	struct emu_insn i;
	bool more = true;
	int r;

	if (cpu->nr_uops + EMU_BLOCK_UOPS > EMU_NR_UOPS)
		emu_blocks_drop(cpu);
	cpu->block_tag[at].key = 0;
	len = min_t(unsigned int, room, EMU_BLOCK_BYTES);
	memcpy(b->bytes, code, len);
	b->first = cpu->nr_uops;
	b->len = 0;
	b->nr = 0;
	while (more && b->nr < EMU_BLOCK_UOPS) {
		r = emu_decode_here(cpu, &i, b->bytes + b->len, len - b->len);
		if (r <= 0)
			break;
		u = &cpu->uop[b->first + b->nr];
		u->start = b->len;
		u->end = b->len + r;
		u->before = n;
		if (emu_uop_translate(cpu, &i, u, last, &more)) {
			b->nr++;
			last = u;
		}
		b->len += r;
		n++;
	}
	if (!b->nr)
		return NULL;
	b->n = n;
	emu_uop_finish(&cpu->uop[b->first], b->nr);
	cpu->nr_uops += b->nr;
	cpu->block_tag[at] = (struct emu_block_tag){
		.lin = lin, .key = cpu->quick.key,
	};
	return b;
}

/* The block at @rip, its bytes being those in memory; NULL: step. */
static struct emu_block *find(struct emu *cpu, u64 rip)
{
	struct emu_quick *q = &cpu->quick;
	u64 lin = (q->code_base + rip) & q->lin_mask;
	unsigned int at = (lin ^ lin >> 9) % EMU_NR_BLOCKS, room;
	const struct emu_block_tag *tag = &cpu->block_tag[at];
	struct emu_block *b = &cpu->block[at];
	const u8 *code;
	bool code_bp;

	code = code_at(cpu, lin, &room, &code_bp);
	if (unlikely(!code))
		return NULL;
	if (unlikely(tag->lin != lin || tag->key != q->key || b->len > room ||
		     !same_bytes(code, b->bytes, b->len))) {
		b = build(cpu, at, lin, code, room);
		if (!b)
			return NULL;
	}
	if (unlikely(rip + b->len - 1 + q->code_bias > q->code_top))
		return NULL;
	if (unlikely(code_bp) &&
	    emu_debug_code_between(cpu, lin, lin + b->len - 1))
		return NULL;
	q->code = (unsigned long)code - 7;
	q->code_span = b->len + 7;
	return b;
}

/* Run @b; how many instructions of it were done. */
static unsigned int run_block(struct emu *cpu, const struct emu_block *b,
			      enum emu_uop_result *r)
{
	const struct emu_uop *u = &cpu->uop[b->first], *end = u + b->nr;
	struct emu_quick *q = &cpu->quick;

	q->next = quick_rip(cpu, b->len);
	do {
		*r = u->fn(cpu, u);
	} while (!*r && ++u < end);

	switch (*r) {
	case UOP_NEXT:
		return b->n;
	case UOP_STEP:
		q->next = quick_rip(cpu, u->start);
		cpu->decoded_bytes = b->bytes + u->start;
		return u->before;
	case UOP_HALF:
		q->next = quick_rip(cpu, u->mid);
		return u->before + 1;
	case UOP_LAST:
		q->next = quick_rip(cpu, u->end);
		fallthrough;
	default:
		return u->before + 1 + (u->traits & UOP_PAIR);
	}
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
	enum emu_uop_result r = UOP_NEXT;
	u64 rip = cpu->st.regs.rip;
	struct emu_block *b;
	bool again = true;
	u64 left, done;

	cpu->decoded = NULL;
	if (!quiet(cpu))
		return false;
	if (!q->valid)
		view(cpu);
	while (again) {
		left = min_t(u64, cpu->poll_left, cpu->st.budget);
		again = false;
		done = 0;
		while ((b = find(cpu, rip))) {
			if (b->n > left - done) {
				again = cpu->poll_left - done < b->n &&
					!cpu->poll_exact;
				break;
			}
			q->start = rip;
			done += run_block(cpu, b, &r);
			rip = q->next;
			if (r >= UOP_LAST || unlikely(cpu->st.stream.len))
				break;
		}
		if (done) {
			cpu->st.regs.rip = rip;
			cpu->st.progress.after_event = 0;
			emu_count(cpu, done);
		}
		/* The poll comes early rather than in the middle of a block. */
		if (again && emu_poll(cpu))
			break;
	}
	/* The rest is for a step, unless something may be due before it. */
	if (!again && (!done || (done < left && !cpu->st.stream.len && r != UOP_LAST)))
		return false;
	cpu->decoded = NULL;
	return true;
}
