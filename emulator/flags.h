/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arithmetic flags: written as two words, computed when read. The encoding is
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

static __always_inline u64 carries_add(u64 a, u64 b, u64 res)
{
	return (a & b) | ((a | b) & ~res);
}

static __always_inline u64 carries_sub(u64 a, u64 b, u64 res)
{
	return (~a & b) | (~(a ^ b) & res);
}

/* @c: the carry out of each bit of the operation */
static __always_inline u64 flags_aux(unsigned int shift, u64 c)
{
	return (c & LF_AF) | ((c << shift) & (LF_CF | LF_PO));
}

/* Operands and result of an addition or subtraction; carries are for who asks. */
static __always_inline void flags_operands(struct emu *cpu, unsigned int shift,
					   enum emu_lazy_op op, u64 a, u64 b,
					   u64 res)
{
	cpu->lf.result = flags_result(res, shift);
	cpu->lf.a = a;
	cpu->lf.b = b;
	cpu->lf.op = op | shift << 8;
}

static __always_inline void flags_plain(struct emu *cpu, u64 result, u64 aux)
{
	cpu->lf.result = result;
	cpu->lf.aux = aux;
	cpu->lf.op = LF_PLAIN;
}

static inline u64 flags_carries(const struct emu_lazy_flags *lf)
{
	return flags_aux(lf->op >> 8, (u8)lf->op == LF_ADD ?
			 carries_add(lf->a, lf->b, lf->result) :
			 carries_sub(lf->a, lf->b, lf->result));
}

static inline u64 lf_aux(const struct emu *cpu)
{
	return cpu->lf.op == LF_PLAIN ? cpu->lf.aux : flags_carries(&cpu->lf);
}

static inline void flags_add(struct emu *cpu, unsigned int size, u64 a, u64 b,
			     u64 res)
{
	flags_operands(cpu, 64 - 8 * size, LF_ADD, a, b, res);
}

static inline void flags_sub(struct emu *cpu, unsigned int size, u64 a, u64 b,
			     u64 res)
{
	flags_operands(cpu, 64 - 8 * size, LF_SUB, a, b, res);
}

/* All but CF from the result of adding or subtracting one. */
static __always_inline void flags_step(struct emu *cpu, unsigned int shift,
				       u64 res, bool of, bool af)
{
	u64 cf = lf_aux(cpu) & LF_CF;

	flags_plain(cpu, flags_result(res, shift),
		    cf | ((cf >> 1) ^ (of ? LF_PO : 0)) | (af ? LF_AF : 0));
}

static __always_inline void flags_inc(struct emu *cpu, unsigned int shift,
				      u64 res)
{
	flags_step(cpu, shift, res, res << shift == 1ULL << 63, !(res & 15));
}

static __always_inline void flags_dec(struct emu *cpu, unsigned int shift,
				      u64 res)
{
	flags_step(cpu, shift, res, (res + 1) << shift == 1ULL << 63,
		   (res & 15) == 15);
}

static inline void flags_logic(struct emu *cpu, unsigned int size, u64 res)
{
	flags_plain(cpu, sign_extend(res, size), 0);
}

static inline bool flag_cf(const struct emu *cpu)
{
	return lf_aux(cpu) >> 63;
}

static inline bool flag_zf(const struct emu *cpu)
{
	return !cpu->lf.result;
}

static inline bool flag_sf(const struct emu *cpu)
{
	return (cpu->lf.result >> 63) ^ (lf_aux(cpu) & LF_SD);
}

static inline bool flag_of(const struct emu *cpu)
{
	u64 aux = lf_aux(cpu);

	return ((aux >> 63) ^ (aux >> 62)) & 1;
}

static inline bool flag_af(const struct emu *cpu)
{
	return lf_aux(cpu) & LF_AF;
}

static inline bool flag_pf(const struct emu *cpu)
{
	u8 v = cpu->lf.result ^ (lf_aux(cpu) >> LF_PD_SHIFT);

	v ^= v >> 4;
	return !(0x6996 >> (v & 0xf) & 1);
}

/* CF and OF anew, the others as they are. */
static inline void flags_set_cf_of(struct emu *cpu, bool cf, bool of)
{
	flags_plain(cpu, cpu->lf.result,
		    (lf_aux(cpu) & ~(LF_CF | LF_PO)) |
		    (cf ? LF_CF : 0) | ((cf ^ of) ? LF_PO : 0));
}

static inline void flags_set_cf(struct emu *cpu, bool cf)
{
	flags_set_cf_of(cpu, cf, flag_of(cpu));
}

static inline void flags_set_af(struct emu *cpu, bool af)
{
	flags_plain(cpu, cpu->lf.result,
		    (lf_aux(cpu) & ~LF_AF) | (af ? LF_AF : 0));
}

/* All six from an RFLAGS image. */
static inline void flags_load(struct emu *cpu, u64 fl)
{
	bool cf = fl & EMU_FL_CF, of = fl & EMU_FL_OF;

	flags_plain(cpu, fl & EMU_FL_ZF ? 0 : 0x100,
		    (fl & EMU_FL_SF ? LF_SD : 0) |
		    (fl & EMU_FL_AF ? LF_AF : 0) |
		    (fl & EMU_FL_PF ? 0 : 1ULL << LF_PD_SHIFT) |
		    (cf ? LF_CF : 0) | ((cf ^ of) ? LF_PO : 0));
}

static inline u64 flags_arith(const struct emu *cpu)
{
	return (flag_cf(cpu) ? EMU_FL_CF : 0) | (flag_pf(cpu) ? EMU_FL_PF : 0) |
	       (flag_af(cpu) ? EMU_FL_AF : 0) | (flag_zf(cpu) ? EMU_FL_ZF : 0) |
	       (flag_sf(cpu) ? EMU_FL_SF : 0) | (flag_of(cpu) ? EMU_FL_OF : 0);
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
