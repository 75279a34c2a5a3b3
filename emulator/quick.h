/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Blocks and the functions that run them.
 */
#ifndef EMU_QUICK_H
#define EMU_QUICK_H

#include "internal.h"

/* quick.c: by operation, form of the operands, whether wide, whether without flags */

enum emu_alu {
	ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP,
	ALU_TEST, NR_ALU
};

enum emu_form { FORM_REG, FORM_LOAD, FORM_STORE, NR_FORMS };

enum emu_unary {
	UNARY_INC, UNARY_DEC, UNARY_NOT, UNARY_NEG, UNARY_SHL, UNARY_SHR,
	UNARY_SAR, UNARY_ROL, UNARY_ROR, NR_UNARY
};

extern const emu_uop_fn emu_quick_nop;
extern const emu_uop_fn emu_quick_mov[2];
extern const emu_uop_fn emu_quick_movzx[2];
extern const emu_uop_fn emu_quick_movsx[2];
extern const emu_uop_fn emu_quick_lea[2];
extern const emu_uop_fn emu_quick_load[2][4];
extern const emu_uop_fn emu_quick_load_signed[2][4];
extern const emu_uop_fn emu_quick_store[4];
extern const emu_uop_fn emu_quick_alu[NR_ALU][NR_FORMS][2][2];
extern const emu_uop_fn emu_quick_unary[NR_UNARY][2];
extern const emu_uop_fn emu_quick_jcc[8];
extern const emu_uop_fn emu_quick_compare[2][NR_FORMS][8];

emu_uop_fn emu_quick_pair(emu_uop_fn a, emu_uop_fn b);

#define EMU_UOP(name) \
	enum emu_uop_result uop_##name(struct emu *cpu, const struct emu_uop *u)

EMU_UOP(push);
EMU_UOP(pop);
EMU_UOP(leave);
EMU_UOP(jmp);
EMU_UOP(jmp_reg);
EMU_UOP(jmp_load);
EMU_UOP(call);
EMU_UOP(call_reg);
EMU_UOP(call_load);
EMU_UOP(ret);
EMU_UOP(loop);
EMU_UOP(jcxz);
EMU_UOP(in);
EMU_UOP(out);
EMU_UOP(pure);
EMU_UOP(step);
EMU_UOP(end);

/* translate.c */

/**
 * struct emu_draft - what is to be known of a uop while its block is built
 * @only: its function without flags, or NULL
 * @fused: its functions together with a branch on each condition, or NULL
 * @condition: it is such a branch: 1 and the condition
 */
struct emu_draft {
	emu_uop_fn only;
	const emu_uop_fn *fused;
	u8 condition;
};

bool emu_uop_translate(struct emu *cpu, const struct emu_insn *i,
		       struct emu_uop *u, struct emu_draft *d, bool first,
		       bool *more);
void emu_uop_finish(struct emu_uop *first, const struct emu_draft *d,
		    unsigned int nr);

#define UOP_PAIR	BIT(0)	/* it is two instructions */
#define UOP_FIXED	BIT(1)	/* it neither stops nor leaves the block */
#define UOP_READS_CF	BIT(2)	/* it depends on CF */
#define UOP_SETS_CF	BIT(3)	/* it sets CF, whatever it was */
#define UOP_SETS_REST	BIT(4)	/* ... all other arithmetic flags */
#define UOP_SETS	(UOP_SETS_CF | UOP_SETS_REST)
#define UOP_IGNORES	BIT(5)	/* it neither reads nor changes any */

/* block.c */
bool emu_blocks_run(struct emu *cpu);
void emu_blocks_drop(struct emu *cpu);

/* memory.c */
const u8 *emu_stream_bytes(const struct emu *cpu, u64 lin, unsigned int *n);

/* run.c */
int emu_operate(struct emu *cpu, const struct emu_insn *i);
enum emu_decode_mode emu_decode_mode(const struct emu *cpu);
int emu_decode_here(struct emu *cpu, struct emu_insn *i, const u8 *buf,
		    unsigned int have);

/* What the running block's uops see of RIP. */
static inline u64 quick_rip(const struct emu *cpu, unsigned int at)
{
	return (cpu->quick.start + at) & cpu->quick.lin_mask;
}

#endif /* EMU_QUICK_H */
