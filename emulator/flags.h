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

/*
 * @shift: 64 less the bits of the operand
 * @carries: the carry out of each bit of the operation
 */
static __always_inline void flags_carries(struct emu *cpu, unsigned int shift,
					  u64 res, u64 carries)
{
	cpu->lf.result = (u64)((s64)(res << shift) >> shift);
	cpu->lf.aux = (carries & LF_AF) |
		      ((carries << shift) & (LF_CF | LF_PO));
}

static __always_inline u64 carries_add(u64 a, u64 b, u64 res)
{
	return (a & b) | ((a | b) & ~res);
}

static __always_inline u64 carries_sub(u64 a, u64 b, u64 res)
{
	return (~a & b) | (~(a ^ b) & res);
}

static inline void flags_add(struct emu *cpu, unsigned int size, u64 a, u64 b,
			     u64 res)
{
	flags_carries(cpu, 64 - 8 * size, res, carries_add(a, b, res));
}

static inline void flags_sub(struct emu *cpu, unsigned int size, u64 a, u64 b,
			     u64 res)
{
	flags_carries(cpu, 64 - 8 * size, res, carries_sub(a, b, res));
}

/* All but CF from the result of adding or subtracting one. */
static __always_inline void flags_step(struct emu *cpu, unsigned int shift,
				       u64 res, bool of, bool af)
{
	u64 cf = cpu->lf.aux & LF_CF;

	cpu->lf.result = (u64)((s64)(res << shift) >> shift);
	cpu->lf.aux = cf | ((cf >> 1) ^ (of ? LF_PO : 0)) | (af ? LF_AF : 0);
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
	cpu->lf.result = sign_extend(res, size);
	cpu->lf.aux = 0;
}

static inline bool flag_cf(const struct emu *cpu)
{
	return cpu->lf.aux >> 63;
}

static inline bool flag_zf(const struct emu *cpu)
{
	return !cpu->lf.result;
}

static inline bool flag_sf(const struct emu *cpu)
{
	return (cpu->lf.result >> 63) ^ (cpu->lf.aux & LF_SD);
}

static inline bool flag_of(const struct emu *cpu)
{
	return ((cpu->lf.aux >> 63) ^ (cpu->lf.aux >> 62)) & 1;
}

static inline bool flag_af(const struct emu *cpu)
{
	return cpu->lf.aux & LF_AF;
}

static inline bool flag_pf(const struct emu *cpu)
{
	u8 v = cpu->lf.result ^ (cpu->lf.aux >> LF_PD_SHIFT);

	v ^= v >> 4;
	return !(0x6996 >> (v & 0xf) & 1);
}

/* CF and OF anew, the others as they are. */
static inline void flags_set_cf_of(struct emu *cpu, bool cf, bool of)
{
	cpu->lf.aux = (cpu->lf.aux & ~(LF_CF | LF_PO)) |
		      (cf ? LF_CF : 0) | ((cf ^ of) ? LF_PO : 0);
}

static inline void flags_set_cf(struct emu *cpu, bool cf)
{
	flags_set_cf_of(cpu, cf, flag_of(cpu));
}

static inline void flags_set_af(struct emu *cpu, bool af)
{
	cpu->lf.aux = (cpu->lf.aux & ~LF_AF) | (af ? LF_AF : 0);
}

/* All six from an RFLAGS image. */
static inline void flags_load(struct emu *cpu, u64 fl)
{
	bool cf = fl & EMU_FL_CF, of = fl & EMU_FL_OF;

	cpu->lf.result = fl & EMU_FL_ZF ? 0 : 0x100;
	cpu->lf.aux = (fl & EMU_FL_SF ? LF_SD : 0) |
		      (fl & EMU_FL_AF ? LF_AF : 0) |
		      (fl & EMU_FL_PF ? 0 : 1ULL << LF_PD_SHIFT) |
		      (cf ? LF_CF : 0) | ((cf ^ of) ? LF_PO : 0);
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
