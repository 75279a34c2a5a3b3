// SPDX-License-Identifier: GPL-2.0
/*
 * From the bytes at CS:RIP to a decoded instruction.
 *
 * What no block runs is stepped, and often met again: an instruction that debuggers
 * or logs step over, one that leaves for its access, a stream of one instruction.
 * So decoded instructions are kept here too, found by their bytes wherever these
 * come from. What they mean depends on nothing but the mode, which is compared, and
 * the CPUID table (emu_recent_drop()): no change of memory makes an entry wrong.
 */
#include "handlers.h"
#include "quick.h"
#include "window.h"

enum emu_decode_mode emu_decode_mode(const struct emu *cpu)
{
	const struct emu_segment *cs = &cpu->st.segs.seg[EMU_CS];

	if (mode64(cpu))
		return DECODE_64;
	return cs->attr & EMU_SEG_DB ? DECODE_32 : DECODE_16;
}

/* Bytes of the instruction that lie within the code segment. */
static unsigned int code_room(const struct emu *cpu)
{
	u64 rip = cpu->st.regs.rip, room;
	u32 limit = cpu->st.segs.seg[EMU_CS].limit;

	if (mode64(cpu)) {
		/* Up to where addresses stop to be canonical. */
		room = (1ULL << 47) - rip;
		return canonical(rip, 1) ? min_t(u64, room, EMU_INSN_MAX) : 0;
	}
	if (rip > limit)
		return 0;
	return min_t(u64, limit - rip + 1, EMU_INSN_MAX);
}

/*
 * Decode, and see whether the CPU has the instruction (K19). One that it lacks is
 * #UD, as one that nobody has, or what its bytes meant before it was invented.
 */
int emu_decode_here(struct emu *cpu, struct emu_insn *i, const u8 *buf,
		    unsigned int have)
{
	const struct emu_opcode *op;
	int len = emu_decode(i, buf, have, emu_decode_mode(cpu),
			     real_or_vm86(cpu));

	if (len <= 0)
		return len;
	op = i->op;
	if (likely(emu_has(cpu, op->feature)) ||
	    (op->flags & F_FEAT64 && !i->mode64))
		return len;
	if (!op->sub)
		return DECODE_UD;
	i->op = op->sub;
	i->exec = i->op->exec;
	return len;
}

static int decode(struct emu *cpu, unsigned int have)
{
	return emu_decode_here(cpu, &cpu->insn, cpu->bytes, have);
}

/* All that the meaning of bytes depends on, as the bits that it is made of. */
static u32 mode_bits(const struct emu *cpu)
{
	return (cpu->st.segs.seg[EMU_CS].attr & (EMU_SEG_L | EMU_SEG_DB)) |
	       (cpu->st.ctrl.efer & EMU_EFER_LMA) |
	       (cpu->st.ctrl.cr0 & EMU_CR0_PE) |
	       (cpu->st.regs.rflags & EMU_FL_VM) | EMU_RECENT_VALID;
}

/* Bytes of code, in the order of memory, and zeros behind them. */
struct code {
	u64 first;
	u64 last;
	unsigned int have;
};

static struct emu_recent *recent_slot(struct emu *cpu, u64 first)
{
	/* The golden ratio spreads what differs in few bits. */
	return &cpu->recent[first * 0x9e3779b97f4a7c15ULL >>
			    (64 - EMU_RECENT_SHIFT)];
}

/* Where sixteen bytes from @lin on can be read together; NULL: not so simple. */
static __always_inline const u8 *together(struct emu *cpu, u64 lin)
{
	const struct emu_window *w;

	w = &cpu->win[cpl(cpu) == 3][lin / EMU_PAGE % EMU_NR_WINDOWS];
	if ((w->exec_tag & ~EMU_TAG_WATCHED) != emu_page_tag(cpu, lin) ||
	    lin % EMU_PAGE > EMU_PAGE - 16)
		return NULL;
	return w->host + lin % EMU_PAGE;
}

/* The same in the stream, with how many of these bytes belong to it. */
static __always_inline const u8 *together_in_stream(const struct emu_stream *s,
						    u64 lin, u32 *left)
{
	u64 at = lin - s->start;

	if (at >= s->len || at > EMU_STREAM_MAX - 16)
		return NULL;
	*left = s->len - at;
	return s->bytes + emu_index_nospec(at, EMU_STREAM_MAX);
}

/* Up to @room bytes at @lin; none where that is not so simple. */
static __always_inline struct code peek(struct emu *cpu, u64 lin,
					unsigned int room)
{
	struct code code = { .have = 0 };
	u32 left = room;
	const u8 *p;

	if (unlikely(cpu->st.stream.len))
		p = together_in_stream(&cpu->st.stream, lin, &left);
	else
		p = together(cpu, lin);
	if (unlikely(!p || !room))
		return code;
	code.have = min(room, left);
	code.first = host_read(p, 8);
	if (code.have > 8)
		code.last = host_read(p + 8, 8) & size_mask(code.have - 8);
	else
		code.first &= size_mask(code.have);
	return code;
}

/* The instruction of these bytes, if it was met before. */
static __always_inline bool recall(struct emu *cpu, struct code code)
{
	const struct emu_recent *e = recent_slot(cpu, code.first);

	if (unlikely(e->bytes[0] != code.first || e->bytes[1] != code.last ||
		     e->mode != mode_bits(cpu) || e->insn.len > code.have))
		return false;
	cpu->known = e;
	cpu->bytes_have = code.have;
	return true;
}

/* One that does all by a uop that can be run by itself. */
static void make_quick(struct emu *cpu, struct emu_recent *e)
{
	struct emu_uop *u = &cpu->uop[EMU_NR_UOPS + 2 * (e - cpu->recent)];
	struct emu_draft draft;
	bool more;

	e->uop = NULL;
	if (e->insn.op->flags & (F_PORT | F_UNSUP))
		return;
	if (!cpu->quick.valid)
		emu_quick_view(cpu);
	e->key = cpu->quick.key;
	memset(u, 0, 2 * sizeof(*u));
	u[0].end = e->insn.len;
	u[0].done = 1;
	emu_uop_translate(cpu, &e->insn, u, &draft, true, &more);
	u[0].hot = emu_uop_hot(u[0].fn);
	u[1].fn = uop_end;
	u[1].link = &cpu->block[0];
	u[1].start = e->insn.len;
	u[1].end = e->insn.len;
	u[1].before = 1;
	u[1].done = 1;
	u[1].hot = emu_uop_hot(uop_end);
	if (u[0].fn != uop_pure && u[0].fn != uop_step)
		e->uop = u;
}

/**
 * emu_known_again() - make the uop of emu.known for the present view
 * @cpu: engine
 */
void emu_known_again(struct emu *cpu)
{
	struct emu_recent *e = &cpu->recent[cpu->known - cpu->recent];

	if (!cpu->quick.valid)
		emu_quick_view(cpu);
	if (e->key != cpu->quick.key)
		make_quick(cpu, e);
}

static void remember(struct emu *cpu)
{
	struct emu_recent *e;
	u64 first;

	memcpy(&first, cpu->bytes, sizeof(first));
	e = recent_slot(cpu, first);
	memcpy(e->bytes, cpu->bytes, sizeof(e->bytes));
	e->mode = mode_bits(cpu);
	e->insn = cpu->insn;
	make_quick(cpu, e);
}

/**
 * emu_known_insn() - make emu.insn and emu.bytes of what emu.known is
 * @cpu: engine
 */
void emu_known_insn(struct emu *cpu)
{
	const struct emu_recent *e = cpu->known;

	cpu->known = NULL;
	cpu->insn = e->insn;
	memcpy(cpu->bytes, e->bytes, sizeof(cpu->bytes));
}

void emu_recent_drop(struct emu *cpu)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(cpu->recent); n++)
		cpu->recent[n].mode = 0;
}

/* A block has it, and its bytes were those in memory when it was entered. */
static noinline int take_decoded(struct emu *cpu)
{
	cpu->insn = *cpu->decoded;
	cpu->decoded = NULL;
	memset(cpu->bytes, 0, sizeof(cpu->bytes));
	memcpy(cpu->bytes, cpu->decoded_bytes, cpu->insn.len);
	cpu->bytes_have = cpu->insn.len;
	return EMU_OK;
}

static struct code fetched(const struct emu *cpu, unsigned int have)
{
	struct code code = { .have = have };

	memcpy(&code.first, cpu->bytes, 8);
	memcpy(&code.last, cpu->bytes + 8, 8);
	return code;
}

/* As the processor does: what is behind an instruction is not fetched for it. */
static noinline int fetch_slowly(struct emu *cpu, u64 lin, unsigned int room)
{
	unsigned int have = 0, got;
	int r, len = DECODE_MORE;

	memset(cpu->bytes, 0, sizeof(cpu->bytes));
	while (len == DECODE_MORE) {
		if (have == room)
			return emu_raise_error(cpu, VEC_GP, 0);
		r = emu_fetch(cpu, mode64(cpu) ? lin + have : (u32)(lin + have),
			      room - have, cpu->bytes + have, &got);
		if (r)
			return r;
		have += got;
		if (have == got && recall(cpu, fetched(cpu, have)))
			return EMU_OK;
		len = decode(cpu, have);
	}
	cpu->bytes_have = have;
	if (len == DECODE_LONG)
		return emu_raise_error(cpu, VEC_GP, 0);
	if (len == DECODE_UD)
		return emu_raise(cpu, VEC_UD);
	remember(cpu);
	return EMU_OK;
}

/**
 * emu_fetch_insn() - the instruction at CS:RIP
 * @cpu: engine: emu.known is it, or emu.insn and emu.bytes are
 *
 * Return: EMU_OK, or what fetching or decoding raises.
 */
int emu_fetch_insn(struct emu *cpu)
{
	unsigned int room;
	struct code code;
	u64 lin;

	cpu->known = NULL;
	if (unlikely(cpu->decoded))
		return take_decoded(cpu);
	room = code_room(cpu);
	lin = code_linear(cpu);
	code = peek(cpu, lin, room);
	if (likely(code.have && recall(cpu, code)))
		return EMU_OK;
	return fetch_slowly(cpu, lin, room);
}

/**
 * emu_held_insn() - the bytes that an instruction left with, decoded again (K6)
 * @cpu: engine
 *
 * Return: as emu_fetch_insn().
 */
int emu_held_insn(struct emu *cpu)
{
	const struct emu_progress *p = &cpu->st.progress;

	cpu->known = NULL;
	memcpy(cpu->bytes, p->insn, sizeof(cpu->bytes));
	cpu->bytes[EMU_INSN_MAX] = 0;
	if (likely(recall(cpu, fetched(cpu, p->insn_len))))
		return EMU_OK;
	if (decode(cpu, p->insn_len) > 0) {
		remember(cpu);
		return EMU_OK;
	}
	/* Not what was saved: forget it and start anew. */
	emu_cancel(&cpu->st);
	return emu_fetch_insn(cpu);
}
