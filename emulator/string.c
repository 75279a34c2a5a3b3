// SPDX-License-Identifier: GPL-2.0
/*
 * String instructions, one iteration each; rep.c repeats them. Below that, many
 * iterations of one on host memory.
 */
#include "handlers.h"
#include "window.h"

static u64 index_of(const struct emu *cpu, const struct emu_insn *i,
		    unsigned int reg)
{
	return gpr_get(cpu, reg, i->asize);
}

/* Move an index on by one element, in the address size's bits (S22-S24). */
static void advance(struct emu *cpu, const struct emu_insn *i, unsigned int reg,
		    unsigned int size)
{
	u64 step = cpu->st.regs.rflags & EMU_FL_DF ? -(u64)size : size;

	gpr_set(cpu, reg, i->asize, cpu->st.regs.gpr[reg] + step);
}

static unsigned int element(const struct emu_insn *i)
{
	return i->opcode & 1 ? i->osize : 1;
}

/* Ports are never wider than four bytes (S9). */
static unsigned int port_element(const struct emu_insn *i)
{
	unsigned int size = element(i);

	return min(size, 4U);
}

/* movs [es:rDI], [seg:rSI] */
int em_movs(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 val;
	int r;

	r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &val);
	if (!r)
		r = emu_write(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size, val);
	if (r)
		return r;
	advance(cpu, i, EMU_RSI, size);
	advance(cpu, i, EMU_RDI, size);
	return EMU_OK;
}

/* cmps [seg:rSI], [es:rDI] */
int em_cmps(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 a, b;
	int r;

	r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &a);
	if (!r)
		r = emu_read(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size, &b);
	if (r)
		return r;
	flags_sub(cpu, size, a, b, a - b);
	advance(cpu, i, EMU_RSI, size);
	advance(cpu, i, EMU_RDI, size);
	return EMU_OK;
}

/* stos [es:rDI], rAX */
int em_stos(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	int r = emu_write(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size,
			  gpr_get(cpu, EMU_RAX, size));

	if (!r)
		advance(cpu, i, EMU_RDI, size);
	return r;
}

/* lods rAX, [seg:rSI] */
int em_lods(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 val;
	int r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &val);

	if (r)
		return r;
	gpr_set(cpu, EMU_RAX, size, val);
	advance(cpu, i, EMU_RSI, size);
	return EMU_OK;
}

/* scas rAX, [es:rDI] */
int em_scas(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 a = gpr_get(cpu, EMU_RAX, size), b;
	int r = emu_read(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size, &b);

	if (r)
		return r;
	flags_sub(cpu, size, a, b, a - b);
	advance(cpu, i, EMU_RDI, size);
	return EMU_OK;
}

/* ins [es:rDI], dx: the destination is probed before the port is read (S48) */
int em_ins(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = port_element(i);
	u64 at = index_of(cpu, i, EMU_RDI), val = 0;
	int r;

	r = emu_probe_write(cpu, EMU_ES, at, size);
	if (!r)
		r = emu_port_access(cpu, cpu->st.regs.gpr[EMU_RDX], size,
				    EMU_READ, &val);
	if (!r)
		r = emu_write(cpu, EMU_ES, at, size, val);
	if (!r)
		advance(cpu, i, EMU_RDI, size);
	return r;
}

/* outs dx, [seg:rSI]: the source is read before the port is written (S49) */
int em_outs(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = port_element(i);
	u64 val;
	int r;

	r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &val);
	if (!r)
		r = emu_port_access(cpu, cpu->st.regs.gpr[EMU_RDX], size,
				    EMU_WRITE, &val);
	if (!r)
		advance(cpu, i, EMU_RSI, size);
	return r;
}

/*
 * Many iterations. MOVS and STOS upwards are done by the same instruction of the
 * host's, with elements of the same size: it moves aligned ones as the guest's does
 * (K9), and where the operands overlap it repeats what it has written, as that.
 */

static void move_up(u8 *to, const u8 *from, unsigned int size, u64 n)
{
	switch (size) {
	case 1:
		asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
		break;
	case 2:
		asm volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
		break;
	case 4:
		asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
		break;
	default:
		asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
		break;
	}
}

/**
 * emu_fill() - elements of one value
 * @to: where to
 * @val: value
 * @size: bytes of an element: 1, 2, 4 or 8
 * @n: how many
 */
void emu_fill(u8 *to, u64 val, unsigned int size, u64 n)
{
	switch (size) {
	case 1:
		asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(val) : "memory");
		break;
	case 2:
		asm volatile("rep stosw" : "+D"(to), "+c"(n) : "a"(val) : "memory");
		break;
	case 4:
		asm volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(val) : "memory");
		break;
	default:
		asm volatile("rep stosq" : "+D"(to), "+c"(n) : "a"(val) : "memory");
		break;
	}
}

static __always_inline void move_down_by(u8 *to, const u8 *from,
					 const unsigned int size, u64 n)
{
	while (n--)
		host_write(to + n * size, size, host_read(from + n * size, size));
}

/* From the last in memory to the first. */
static void move_down(u8 *to, const u8 *from, unsigned int size, u64 n)
{
	switch (size) {
	case 1:
		move_down_by(to, from, 1, n);
		break;
	case 2:
		move_down_by(to, from, 2, n);
		break;
	case 4:
		move_down_by(to, from, 4, n);
		break;
	default:
		move_down_by(to, from, 8, n);
		break;
	}
}

/**
 * struct scan - comparisons, until one ends it
 * @a: elements, or NULL: all are @last_a
 * @b: elements
 * @down: from the last in memory to the first
 * @equal: go on while they are equal, or while they are not
 * @last_a: what was compared last
 * @last_b: with what
 */
struct scan {
	const u8 *a;
	const u8 *b;
	bool down;
	bool equal;
	u64 last_a;
	u64 last_b;
};

static __always_inline u32 scan_by(struct scan *s, const unsigned int size, u32 n)
{
	u64 x = s->last_a, y = 0;
	u32 k = 0, at;
	bool same;

	while (k < n) {
		at = (s->down ? n - 1 - k : k) * size;
		if (s->a)
			x = host_read(s->a + at, size);
		y = host_read(s->b + at, size);
		k++;
		same = x == y;
		if (same != s->equal)
			break;
	}
	s->last_a = x;
	s->last_b = y;
	return k;
}

/* Returns how many were compared. */
static u32 scan(struct scan *s, unsigned int size, u32 n)
{
	switch (size) {
	case 1:
		return scan_by(s, 1, n);
	case 2:
		return scan_by(s, 2, n);
	case 4:
		return scan_by(s, 4, n);
	default:
		return scan_by(s, 8, n);
	}
}

/**
 * emu_string_bulk() - many iterations of MOVS, STOS, LODS, CMPS or SCAS
 * @cpu: engine
 * @i: instruction, with REP
 * @src: elements at [seg:rSI], the one with the lowest address, where it has them
 * @dst: likewise at [es:rDI]
 * @n: iterations, at least 1
 *
 * Does all but counting and moving the indices.
 *
 * Return: iterations done; all of them, or up to that which ends a comparison.
 */
u32 emu_string_bulk(struct emu *cpu, const struct emu_insn *i, const u8 *src,
		    u8 *dst, u32 n)
{
	unsigned int size = element(i);
	bool down = cpu->st.regs.rflags & EMU_FL_DF;
	struct scan s = {
		.a = src, .b = dst, .down = down, .equal = i->rep == REP_E,
	};

	if (i->exec == em_movs) {
		if (down)
			move_down(dst, src, size, n);
		else
			move_up(dst, src, size, n);
		return n;
	}
	if (i->exec == em_stos) {
		emu_fill(dst, cpu->st.regs.gpr[EMU_RAX], size, n);
		return n;
	}
	if (i->exec == em_lods) {
		/* What the others load nobody sees. */
		src += down ? 0 : (n - 1) * size;
		gpr_set(cpu, EMU_RAX, size, host_read(src, size));
		return n;
	}
	s.last_a = gpr_get(cpu, EMU_RAX, size);
	n = scan(&s, size, n);
	flags_sub(cpu, size, s.last_a, s.last_b, s.last_a - s.last_b);
	return n;
}
