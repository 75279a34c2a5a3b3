/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Blocks and the functions that run them.
 */
#ifndef EMU_QUICK_H
#define EMU_QUICK_H

#include "internal.h"

/* quick.c */
bool emu_uop_translate(struct emu *cpu, const struct emu_insn *i,
		       struct emu_uop *u, struct emu_uop *last, bool *more);
void emu_uop_finish(struct emu_uop *first, unsigned int nr);

#define UOP_PAIR	BIT(0)	/* it is two instructions */
#define UOP_FIXED	BIT(1)	/* it neither stops nor leaves the block */
#define UOP_SETS	BIT(2)	/* it sets all arithmetic flags and reads none */
#define UOP_IGNORES	BIT(3)	/* it neither reads nor changes any */

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
