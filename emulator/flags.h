/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arithmetic flags: written as a few words, most of them computed when read. The encoding is
 * described at struct emu_lazy_flags.
 */
#ifndef EMU_FLAGS_H
#define EMU_FLAGS_H

#include "emu.h"

static inline u64 size_mask(unsigned int size)
{
	return ~0ULL >> (64 - 8 * size);
}

static inline u64 sign_extend(u64 v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (u64)((s64)(v << shift) >> shift);
}

static inline u64 sign_bit(unsigned int size)
{
	return 1ULL << (8 * size - 1);
}

/* @shift: 64 less the bits of the operand */
static __always_inline u64 flags_result(u64 res, unsigned int shift)
{
	return (u64)((s64)(res << shift) >> shift);
}

/*
 * Flags of an addition or subtraction; OF and AF are for who asks. Of LF_ADD and
 * LF_SUB @a is not kept, @b and the result have it.
 */
static __always_inline void flags_operands(struct emu *cpu, unsigned int shift,
					   enum emu_lazy_op op, u64 a, u64 b,
					   u64 res, bool cf)
{
	cpu->lf.result = flags_result(res, shift);
	cpu->lf.b = b;
	cpu->lf.op = op | shift << 8;
	cpu->lf.cf = cf;
	if (op == LF_ADC || op == LF_SBB)
		cpu->lf.a = a;
}

/* All of them: @inv is of LF_SD, LF_AF, LF_OF and LF_PD. */
static __always_inline void flags_plain(struct emu *cpu, u64 result, u32 inv,
					bool cf)
{
	cpu->lf.result = result;
	cpu->lf.inv = inv;
	cpu->lf.pd = inv >> LF_PD_SHIFT;
	cpu->lf.op = LF_PLAIN;
	cpu->lf.cf = cf;
}

/* The carry out of the top bit. */
static __always_inline bool carry_add(unsigned int shift, u64 a, u64 b, u64 res)
{
	return ((a & b) | ((a | b) & ~res)) << shift >> 63;
}

static __always_inline bool carry_sub(unsigned int shift, u64 a, u64 b, u64 res)
{
	return ((~a & b) | (~(a ^ b) & res)) << shift >> 63;
}

static inline void flags_add(struct emu *cpu, unsigned int size, u64 a, u64 b,
			     u64 res)
{
	unsigned int shift = 64 - 8 * size;

	flags_operands(cpu, shift, LF_ADC, a, b, res, carry_add(shift, a, b, res));
}

static inline void flags_sub(struct emu *cpu, unsigned int size, u64 a, u64 b,
			     u64 res)
{
	unsigned int shift = 64 - 8 * size;

	flags_operands(cpu, shift, LF_SBB, a, b, res, carry_sub(shift, a, b, res));
}

/* All but CF from the result of adding or subtracting one. */
static __always_inline void flags_step(struct emu *cpu, unsigned int shift,
				       enum emu_lazy_op op, u64 res)
{
	cpu->lf.result = flags_result(res, shift);
	cpu->lf.b = 1;
	cpu->lf.op = op | shift << 8;
}

static inline void flags_logic(struct emu *cpu, unsigned int size, u64 res)
{
	flags_plain(cpu, sign_extend(res, size), 0, false);
}

static inline u64 lf_first_operand(const struct emu_lazy_flags *lf)
{
	switch ((u8)lf->op) {
	case LF_ADD:
		return lf->result - lf->b;
	case LF_SUB:
		return lf->result + lf->b;
	default:
		return lf->a;
	}
}

static inline u32 lf_inv(const struct emu *cpu)
{
	return cpu->lf.op == LF_PLAIN ? cpu->lf.inv | cpu->lf.pd << LF_PD_SHIFT : 0;
}

static inline bool flag_cf(const struct emu *cpu)
{
	return cpu->lf.cf;
}

static inline bool flag_zf(const struct emu *cpu)
{
	return !cpu->lf.result;
}

static inline bool flag_sf(const struct emu *cpu)
{
	return (cpu->lf.result >> 63) ^ !!(lf_inv(cpu) & LF_SD);
}

static inline bool flag_of(const struct emu *cpu)
{
	const struct emu_lazy_flags *lf = &cpu->lf;
	u64 a, signs;

	if (lf->op == LF_PLAIN)
		return lf->inv & LF_OF;
	a = lf_first_operand(lf);
	signs = (a ^ lf->result) & ((u8)lf->op == LF_ADD || (u8)lf->op == LF_ADC ?
				    lf->b ^ lf->result : a ^ lf->b);
	return signs << (lf->op >> 8) >> 63;
}

static inline bool flag_af(const struct emu *cpu)
{
	const struct emu_lazy_flags *lf = &cpu->lf;

	if (lf->op == LF_PLAIN)
		return lf->inv & LF_AF;
	return (lf_first_operand(lf) ^ lf->b ^ lf->result) >> 4 & 1;
}

static inline bool flag_pf(const struct emu *cpu)
{
	u8 v = cpu->lf.result ^ (lf_inv(cpu) >> LF_PD_SHIFT);

	v ^= v >> 4;
	return !(0x6996 >> (v & 0xf) & 1);
}

/* CF and OF anew, the others as they are. */
static inline void flags_set_cf_of(struct emu *cpu, bool cf, bool of)
{
	u32 inv = (lf_inv(cpu) & (LF_SD | LF_PD)) | (flag_af(cpu) ? LF_AF : 0);

	flags_plain(cpu, cpu->lf.result, inv | (of ? LF_OF : 0), cf);
}

static inline void flags_set_cf(struct emu *cpu, bool cf)
{
	cpu->lf.cf = cf;
}

static inline void flags_set_af(struct emu *cpu, bool af)
{
	u32 inv = (lf_inv(cpu) & (LF_SD | LF_PD)) | (flag_of(cpu) ? LF_OF : 0);

	flags_plain(cpu, cpu->lf.result, inv | (af ? LF_AF : 0), cpu->lf.cf);
}

/* All six from an RFLAGS image. */
static inline void flags_load(struct emu *cpu, u64 fl)
{
	flags_plain(cpu, fl & EMU_FL_ZF ? 0 : 0x100,
		    (fl & EMU_FL_SF ? LF_SD : 0) |
		    (fl & EMU_FL_AF ? LF_AF : 0) |
		    (fl & EMU_FL_OF ? LF_OF : 0) |
		    (fl & EMU_FL_PF ? 0 : 1U << LF_PD_SHIFT),
		    fl & EMU_FL_CF);
}

static inline u64 flags_arith(const struct emu *cpu)
{
	return (flag_cf(cpu) ? EMU_FL_CF : 0) | (flag_pf(cpu) ? EMU_FL_PF : 0) |
	       (flag_af(cpu) ? EMU_FL_AF : 0) | (flag_zf(cpu) ? EMU_FL_ZF : 0) |
	       (flag_sf(cpu) ? EMU_FL_SF : 0) | (flag_of(cpu) ? EMU_FL_OF : 0);
}

/* RFLAGS, for a hook that asks often; emu_rflags() is the same. */
static __always_inline u64 flags_image(const struct emu *cpu)
{
	const struct emu_lazy_flags *lf = &cpu->lf;
	u64 res = lf->result, a, b, sum, fl;
	u8 low = res;

	if (lf->op == LF_PLAIN) {
		fl = lf->inv;
		low ^= lf->pd;
	} else {
		/* Of a subtraction @a is the sum of the others. */
		a = lf_first_operand(lf);
		b = lf->b;
		sum = lf->op & 1 ? res : a;
		a ^= res;
		fl = ((sum ^ b) & a) << (lf->op >> 8) >> 52 & EMU_FL_OF;
		fl |= (a ^ b) & EMU_FL_AF;
	}
	fl ^= res >> 56 & EMU_FL_SF;
	fl |= (u64)!res << 6;
	fl |= (u64)!__builtin_parity(low) << 2;
	return fl | lf->cf | (cpu->st.regs.rflags & ~EMU_FL_ARITH);
}

/* ZF anew, the others as they are; for BSF, CMPXCHG8B, LAR and the like. */
static inline void flags_set_zf(struct emu *cpu, bool zf)
{
	u64 fl = flags_arith(cpu) & ~EMU_FL_ZF;

	flags_load(cpu, fl | (zf ? EMU_FL_ZF : 0));
}

static inline void emu_set_rflags(struct emu *cpu, u64 fl)
{
	cpu->st.regs.rflags = (fl & EMU_FL_VALID) | EMU_FL_FIXED;
	flags_load(cpu, fl);
}

#endif /* EMU_FLAGS_H */
