// SPDX-License-Identifier: GPL-2.0
/*
 * Multiplication and division.
 *
 * A product or dividend is a pair of operand-sized halves: AH:AL for bytes,
 * rDX:rAX for the others.
 */
#include "handlers.h"

static void set_pair(struct emu *cpu, unsigned int size, u64 hi, u64 lo)
{
	if (size == 1) {
		gpr_set(cpu, EMU_RAX, 2, hi << 8 | (lo & 0xff));
		return;
	}
	gpr_set(cpu, EMU_RAX, size, lo);
	gpr_set(cpu, EMU_RDX, size, hi);
}

static void get_pair(const struct emu *cpu, unsigned int size, u64 *hi, u64 *lo)
{
	*lo = gpr_get(cpu, EMU_RAX, size);
	*hi = size == 1 ? gpr_get(cpu, EMU_RAX, 2) >> 8 :
			  gpr_get(cpu, EMU_RDX, size);
}

/* Full product of two 64-bit numbers, by 32-bit parts. */
void emu_mul_wide(u64 a, u64 b, u64 *hi, u64 *lo)
{
	u64 al = (u32)a, ah = a >> 32, bl = (u32)b, bh = b >> 32;
	u64 ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
	u64 mid = (ll >> 32) + (u32)lh + (u32)hl;

	*lo = mid << 32 | (u32)ll;
	*hi = hh + (lh >> 32) + (hl >> 32) + (mid >> 32);
}

static void imul_wide(s64 a, s64 b, u64 *hi, u64 *lo)
{
	emu_mul_wide(a, b, hi, lo);
	if (a < 0)
		*hi -= b;
	if (b < 0)
		*hi -= a;
}

/* Halves of a product that fits in 64 bits. */
static void split(unsigned int size, u64 *hi, u64 *lo)
{
	if (size < 8) {
		*hi = *lo >> (8 * size);
		*lo &= size_mask(size);
		*hi &= size_mask(size);
	}
}

/* CF = OF = upper half counts; the others follow the lower half. */
static void product_flags(struct emu *cpu, unsigned int size, u64 lo, bool wide)
{
	flags_logic(cpu, size, lo);
	flags_set_cf_of(cpu, wide, wide);
}

/* mul rm: in dst */
int em_mul(struct emu *cpu, const struct emu_insn *i)
{
	u64 hi, lo;

	emu_mul_wide(gpr_get(cpu, EMU_RAX, i->size), cpu->dst, &hi, &lo);
	split(i->size, &hi, &lo);
	set_pair(cpu, i->size, hi, lo);
	product_flags(cpu, i->size, lo, hi);
	return EMU_OK;
}

int em_imul(struct emu *cpu, const struct emu_insn *i)
{
	u64 hi, lo;

	imul_wide((s64)sign_extend(gpr_get(cpu, EMU_RAX, i->size), i->size),
		  (s64)sign_extend(cpu->dst, i->size), &hi, &lo);
	split(i->size, &hi, &lo);
	set_pair(cpu, i->size, hi, lo);
	product_flags(cpu, i->size, lo,
		      hi != ((sign_extend(lo, i->size) >> 63 ? ~0ULL : 0) &
			     size_mask(i->size)));
	return EMU_OK;
}

/* imul reg, rm, imm; imul reg, rm (the register is src2 then) */
int em_imul2(struct emu *cpu, const struct emu_insn *i)
{
	u64 hi, lo, full;

	imul_wide((s64)sign_extend(cpu->src, i->size),
		  (s64)sign_extend(cpu->src2, i->size), &hi, &lo);
	full = lo;
	if (i->size < 8)
		product_flags(cpu, i->size, lo,
			      sign_extend(lo, i->size) != full);
	else
		product_flags(cpu, i->size, lo, hi != (u64)((s64)lo >> 63));
	cpu->dst = lo;
	return EMU_OK;
}

/* 128 by 64 bits, the quotient known to fit; bit by bit, it is rare. */
static u64 div_wide(u64 hi, u64 lo, u64 by, u64 *rem)
{
	u64 q = 0;
	bool carry;
	int n;

	for (n = 0; n < 64; n++) {
		carry = hi >> 63;
		hi = hi << 1 | lo >> 63;
		lo <<= 1;
		q <<= 1;
		if (carry || hi >= by) {
			hi -= by;
			q |= 1;
		}
	}
	*rem = hi;
	return q;
}

/* Unsigned division of a pair; false if the quotient does not fit. */
static bool divide(unsigned int size, u64 hi, u64 lo, u64 by, u64 *q, u64 *rem)
{
	if (hi >= by)
		return false;
	if (size == 8) {
		*q = div_wide(hi, lo, by, rem);
	} else {
		u64 n = hi << (8 * size) | lo;

		*q = n / by;
		*rem = n % by;
	}
	return true;
}

int em_div(struct emu *cpu, const struct emu_insn *i)
{
	u64 hi, lo, q, rem;

	get_pair(cpu, i->size, &hi, &lo);
	if (!divide(i->size, hi, lo, cpu->dst, &q, &rem))
		return emu_raise(cpu, VEC_DE);
	set_pair(cpu, i->size, rem, q);
	return EMU_OK;
}

int em_idiv(struct emu *cpu, const struct emu_insn *i)
{
	u64 mask = size_mask(i->size), sign = sign_bit(i->size);
	u64 hi, lo, q, rem, by = cpu->dst;
	bool neg_n, neg_by = by & sign;

	get_pair(cpu, i->size, &hi, &lo);
	neg_n = hi & sign;
	if (neg_by)
		by = -by & mask;
	if (neg_n) {
		hi = (~hi + !lo) & mask;
		lo = -lo & mask;
	}
	if (!divide(i->size, hi, lo, by, &q, &rem))
		return emu_raise(cpu, VEC_DE);
	if (q > (neg_n != neg_by ? sign : sign - 1))
		return emu_raise(cpu, VEC_DE);
	set_pair(cpu, i->size, (neg_n ? -rem : rem) & mask,
		 (neg_n != neg_by ? -q : q) & mask);
	return EMU_OK;
}
