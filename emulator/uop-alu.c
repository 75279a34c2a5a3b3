// SPDX-License-Identifier: GPL-2.0
/*
 * Uops of arithmetic and logic: add, or, adc, sbb, and, sub, xor, cmp, test, inc,
 * dec, not, neg; shifts and rotates by a number.
 */
#include "uop.h"

/* What is not in a form of its own is done by the one that any size and segment has. */
#define ALU_FORMS(name, op)						\
UOP(name##_reg0, do_alu_reg(cpu, u, op, 0, true))		\
UOP(name##_reg1, do_alu_reg(cpu, u, op, 1, true))		\
UOP(name##_reg4, do_alu_reg(cpu, u, op, 4, true))		\
UOP(name##_reg8, do_alu_reg(cpu, u, op, 8, true))		\
UOP_MEM(name##_load1, do_alu_load(cpu, u, op, 1, true, VIEW_FLAT)) \
UOP_MEM(name##_load4, do_alu_load(cpu, u, op, 4, true, VIEW_FLAT)) \
UOP_MEM(name##_load8, do_alu_load(cpu, u, op, 8, true, VIEW_FLAT)) \
UOP_MEM(name##_load_seg, do_alu_load(cpu, u, op, 0, true, VIEW_SEG)) \
UOP_MEM(name##_store1, do_alu_store(cpu, u, op, 1, VIEW_FLAT))	\
UOP_MEM(name##_store4, do_alu_store(cpu, u, op, 4, VIEW_FLAT))	\
UOP_MEM(name##_store8, do_alu_store(cpu, u, op, 8, VIEW_FLAT))	\
UOP_MEM(name##_store_seg, do_alu_store(cpu, u, op, 0, VIEW_SEG))

/* Without flags, of what is often found without: the usual sizes of registers. */
#define ALU_ONLY(name, op)						\
UOP(name##_only4, do_alu_reg(cpu, u, op, 4, false))			\
UOP(name##_only8, do_alu_reg(cpu, u, op, 8, false))

ALU_FORMS(add, ALU_ADD)
ALU_FORMS(or, ALU_OR)
ALU_FORMS(adc, ALU_ADC)
ALU_FORMS(sbb, ALU_SBB)
ALU_FORMS(and, ALU_AND)
ALU_FORMS(sub, ALU_SUB)
ALU_FORMS(xor, ALU_XOR)
ALU_FORMS(cmp, ALU_CMP)
ALU_FORMS(test, ALU_TEST)
ALU_ONLY(add, ALU_ADD)
ALU_ONLY(or, ALU_OR)
ALU_ONLY(and, ALU_AND)
ALU_ONLY(sub, ALU_SUB)
ALU_ONLY(xor, ALU_XOR)

/* Any size; 1, 4, 8 bytes. */
#define ALU_LINE(name) {						\
	{ uop_##name##_reg0, uop_##name##_reg1, uop_##name##_reg4,	\
	  uop_##name##_reg8 },						\
	{ uop_##name##_load_seg, uop_##name##_load1, uop_##name##_load4, \
	  uop_##name##_load8 },						\
	{ uop_##name##_store_seg, uop_##name##_store1, uop_##name##_store4, \
	  uop_##name##_store8 },					\
}

static unsigned int size_index(unsigned int size)
{
	return size == 1 ? 1 : size == 4 ? 2 : size == 8 ? 3 : 0;
}

emu_uop_fn emu_uop_alu(enum emu_alu op, enum emu_form form, unsigned int size,
		       bool flat)
{
	static const emu_uop_fn fn[NR_ALU][NR_FORMS][4] = {
		[ALU_ADD] = ALU_LINE(add), [ALU_OR] = ALU_LINE(or),
		[ALU_ADC] = ALU_LINE(adc), [ALU_SBB] = ALU_LINE(sbb),
		[ALU_AND] = ALU_LINE(and), [ALU_SUB] = ALU_LINE(sub),
		[ALU_XOR] = ALU_LINE(xor), [ALU_CMP] = ALU_LINE(cmp),
		[ALU_TEST] = ALU_LINE(test),
	};

	return fn[op][form][form == FORM_REG || flat ? size_index(size) : 0];
}

emu_uop_fn emu_uop_alu_only(enum emu_alu op, enum emu_form form, unsigned int size,
			    bool flat)
{
	static const emu_uop_fn fn[NR_ALU][2] = {
		[ALU_ADD] = { uop_add_only4, uop_add_only8 },
		[ALU_OR] = { uop_or_only4, uop_or_only8 },
		[ALU_AND] = { uop_and_only4, uop_and_only8 },
		[ALU_SUB] = { uop_sub_only4, uop_sub_only8 },
		[ALU_XOR] = { uop_xor_only4, uop_xor_only8 },
	};

	return form != FORM_REG || size < 4 ? NULL : fn[op][size == 8];
}

#define UNARY(name, op)							\
UOP(name##0, do_unary(cpu, u, op, 0, true))			\
UOP(name##4, do_unary(cpu, u, op, 4, true))			\
UOP(name##_only0, do_unary(cpu, u, op, 0, false))		\
UOP(name##_only4, do_unary(cpu, u, op, 4, false))

UNARY(inc, UNARY_INC)
UNARY(dec, UNARY_DEC)
UNARY(not, UNARY_NOT)
UNARY(neg, UNARY_NEG)
UNARY(shl, UNARY_SHL)
UNARY(shr, UNARY_SHR)
UNARY(sar, UNARY_SAR)
UNARY(rol, UNARY_ROL)
UNARY(ror, UNARY_ROR)

#define UNARY_LINE(name) \
	{ { uop_##name##0, uop_##name##_only0 }, { uop_##name##4, uop_##name##_only4 } }

static const emu_uop_fn unary[NR_UNARY][2][2] = {
	[UNARY_INC] = UNARY_LINE(inc), [UNARY_DEC] = UNARY_LINE(dec),
	[UNARY_NOT] = UNARY_LINE(not), [UNARY_NEG] = UNARY_LINE(neg),
	[UNARY_SHL] = UNARY_LINE(shl), [UNARY_SHR] = UNARY_LINE(shr),
	[UNARY_SAR] = UNARY_LINE(sar), [UNARY_ROL] = UNARY_LINE(rol),
	[UNARY_ROR] = UNARY_LINE(ror),
};

emu_uop_fn emu_uop_unary(enum emu_unary op, unsigned int size)
{
	return unary[op][size == 4][0];
}

emu_uop_fn emu_uop_unary_only(enum emu_unary op, unsigned int size)
{
	return unary[op][size == 4][1];
}

/* In memory: what counts has a form of its own. */
#define UNARY_STORE(name, op)						\
UOP_MEM(name##_store_seg, do_unary_store(cpu, u, op, 0, VIEW_SEG))

UNARY_STORE(inc, UNARY_INC)
UNARY_STORE(dec, UNARY_DEC)
UNARY_STORE(not, UNARY_NOT)
UNARY_STORE(neg, UNARY_NEG)
UNARY_STORE(shl, UNARY_SHL)
UNARY_STORE(shr, UNARY_SHR)
UNARY_STORE(sar, UNARY_SAR)
UNARY_STORE(rol, UNARY_ROL)
UNARY_STORE(ror, UNARY_ROR)
UOP_MEM(inc_store4, do_unary_store(cpu, u, UNARY_INC, 4, VIEW_FLAT))
UOP_MEM(dec_store4, do_unary_store(cpu, u, UNARY_DEC, 4, VIEW_FLAT))

emu_uop_fn emu_uop_unary_store(enum emu_unary op, unsigned int size, bool flat)
{
	static const emu_uop_fn fn[NR_UNARY] = {
		uop_inc_store_seg, uop_dec_store_seg, uop_not_store_seg,
		uop_neg_store_seg, uop_shl_store_seg, uop_shr_store_seg,
		uop_sar_store_seg, uop_rol_store_seg, uop_ror_store_seg,
	};

	if (flat && size == 4 && op <= UNARY_DEC)
		return op == UNARY_INC ? uop_inc_store4 : uop_dec_store4;
	return fn[op];
}
