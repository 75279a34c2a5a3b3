/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Blocks, and how decoded instructions become the uops in them.
 */
#ifndef EMU_QUICK_H
#define EMU_QUICK_H

#include "internal.h"

#include EMU_CPU_FEATURES

enum emu_alu {
	ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP,
	ALU_TEST, NR_ALU
};

enum emu_form { FORM_REG, FORM_LOAD, FORM_STORE, NR_FORMS };

enum emu_unary {
	UNARY_INC, UNARY_DEC, UNARY_NOT, UNARY_NEG, UNARY_SHL, UNARY_SHR,
	UNARY_SAR, UNARY_ROL, UNARY_ROR, NR_UNARY
};

/* What a uop does with its memory operand. */
enum emu_uop_kind {
	KIND_NONE, KIND_LOAD, KIND_LOAD_SIGNED, KIND_STORE, KIND_ALU_LOAD,
	KIND_ALU_STORE, KIND_UNARY_STORE, KIND_PUSH, KIND_POP, KIND_LEAVE, KIND_CALL, KIND_CALL_REG,
	KIND_CALL_LOAD, KIND_JMP_LOAD, KIND_RET,
};

#define UOP_FIXED	BIT(0)	/* it neither stops nor leaves the block */
#define UOP_READS_CF	BIT(1)	/* it depends on CF */
#define UOP_SETS_CF	BIT(2)	/* it sets CF, whatever it was */
#define UOP_SETS_REST	BIT(3)	/* ... all other arithmetic flags */
#define UOP_SETS	(UOP_SETS_CF | UOP_SETS_REST)
#define UOP_IGNORES	BIT(4)	/* it neither reads nor changes any */
#define UOP_RELATIVE	BIT(5)	/* it is a branch by @rel */
#define UOP_MOVES	BIT(6)	/* it is MOV of a whole register to another */

#define EMU_UOP(name)							\
	enum emu_uop_result uop_##name(struct emu *cpu,			\
				       const struct emu_uop *u, u64 left)

/*
 * uop-move.c: which function, by the sizes that are in the uop. @flat: the operand
 * is found without a look at its segment.
 */
emu_uop_fn emu_uop_mov(unsigned int size);
emu_uop_fn emu_uop_extend(unsigned int size, bool sign);
emu_uop_fn emu_uop_lea(unsigned int size);
emu_uop_fn emu_uop_load(unsigned int size, unsigned int from, bool sign, bool flat);
emu_uop_fn emu_uop_store(unsigned int size, bool flat);
emu_uop_fn emu_uop_push(unsigned int size, bool flat);
emu_uop_fn emu_uop_pop(unsigned int size, bool flat);

/* uop-alu.c */
emu_uop_fn emu_uop_alu(enum emu_alu op, enum emu_form form, unsigned int size,
		       bool flat);
emu_uop_fn emu_uop_alu_only(enum emu_alu op, enum emu_form form, unsigned int size,
			    bool flat);
emu_uop_fn emu_uop_unary(enum emu_unary op, unsigned int size);
emu_uop_fn emu_uop_unary_only(enum emu_unary op, unsigned int size);
emu_uop_fn emu_uop_unary_store(enum emu_unary op, unsigned int size, bool flat);

/* uop-branch.c; what branches is found by the upper bits of its condition */
const emu_uop_fn *emu_uop_compare(enum emu_alu op, enum emu_form form,
				  unsigned int size, bool flat);
emu_uop_fn emu_uop_jmp_load(unsigned int size, bool flat);
emu_uop_fn emu_uop_call(unsigned int size, bool flat);
emu_uop_fn emu_uop_ret(unsigned int size, bool flat);

extern const emu_uop_fn emu_uop_jcc[8];

EMU_UOP(jmp_reg);
EMU_UOP(call_reg);
EMU_UOP(call_load);
EMU_UOP(loop);
EMU_UOP(jcxz);
EMU_UOP(branch_beside);
EMU_UOP(jump_out);
EMU_UOP(iret);

/* uop-port.c */
emu_uop_fn emu_uop_port(enum emu_dir dir, unsigned int size);
EMU_UOP(port_beside);
EMU_UOP(in1__test_jz);

/* uop-other.c */
EMU_UOP(nop);
extern const emu_uop_fn emu_uop_leave;
EMU_UOP(step);
EMU_UOP(beside);
EMU_UOP(stored);
EMU_UOP(tell_step);
u8 *emu_quick_memory(struct emu *cpu, const struct emu_uop *u, unsigned int seg, u64 off,
		     unsigned int size, bool write);

/* uop-pair.c */

/*
 * The most frequent functions: those that pairs are made of, and those that are
 * compared with where an indirect jump is slow.
 */
#define EMU_HOT(do)							\
	do(mov4) do(lea4) do(load4) do(load1) do(load8) do(load_al)	\
	do(store1) do(store4) do(store8) do(push4) do(pop4) do(mov8)	\
	do(add_only4) do(or_only4) do(and_only4) do(sub_only4)		\
	do(xor_only4) do(shl_only4) do(shr_only4) do(inc_only4)		\
	do(dec_only4) do(add_only8) do(add_reg4) do(sub_reg4)		\
	do(and_reg4) do(xor_reg4) do(cmp_reg4) do(inc4) do(dec4) do(shr4) \
	do(xor_load1) do(add_load4) do(xor_load4) do(add_store4)	\
	do(adc_reg4) do(ror4) do(mov1) do(test_reg1)			\
	do(cmp_reg4_jcc1) do(cmp_reg4_jcc2) do(cmp_reg4_jcc3)		\
	do(cmp_reg4_jcc6) do(cmp_reg4_jcc7) do(cmp_reg1_jcc2)		\
	do(cmp_reg1_jcc3) do(cmp_store1_jcc2) do(cmp_store4_jcc2)	\
	do(test_reg4_jcc2) do(test_reg1_jcc2) do(jcc1) do(jcc2) do(jcc3) \
	do(jmp) do(jmp_load4) do(call4) do(ret4) do(end) do(in1) do(out1)	\
	do(pure)

#define EMU_DECLARE_HOT(name)	EMU_UOP(name);
EMU_HOT(EMU_DECLARE_HOT)

emu_uop_fn emu_uop_pair(const struct emu_uop *u);
u8 emu_uop_hot(emu_uop_fn fn);
enum emu_uop_result emu_uop_dispatch(struct emu *cpu, const struct emu_uop *u, u64 left);

/* translate.c */

/**
 * struct emu_draft - what is to be known of a uop while its block is built
 * @only: its function without flags, or NULL
 * @fused: its functions together with a branch on each condition, or NULL
 */
struct emu_draft {
	emu_uop_fn only;
	const emu_uop_fn *fused;
};

bool emu_uop_translate(struct emu *cpu, const struct emu_insn *i,
		       struct emu_uop *u, struct emu_draft *d, bool first,
		       bool *more);
void emu_uop_finish(struct emu_uop *first, const struct emu_draft *d,
		    unsigned int nr);

/* block.c */
bool emu_blocks_run(struct emu *cpu);
void emu_blocks_drop(struct emu *cpu);
void emu_blocks_forget_pages(struct emu *cpu);
enum emu_uop_result emu_block_enter(struct emu *cpu, const struct emu_uop *u,
				    u64 left, u64 at);
enum emu_uop_result emu_block_stored(struct emu *cpu);
enum emu_uop_result emu_block_short(struct emu *cpu, const struct emu_uop *u,
				    u64 left);
void emu_quick_view(struct emu *cpu);

/* memory.c */
const u8 *emu_stream_bytes(const struct emu *cpu, u64 lin, unsigned int *n);

/* fetch.c */
void emu_known_again(struct emu *cpu);

/* fetch.c, run.c */
int emu_operate(struct emu *cpu, const struct emu_insn *i);
enum emu_decode_mode emu_decode_mode(const struct emu *cpu);
int emu_decode_here(struct emu *cpu, struct emu_insn *i, const u8 *buf,
		    unsigned int have);

/* No page of code is known. */
static inline void quick_forget_page(struct emu_quick *q)
{
	q->page_room = 0;
}

/* From @u on, until they stop or lead away. */
static inline enum emu_uop_result emu_uops_run(struct emu *cpu, const struct emu_uop *u,
					       u64 left)
{
	enum emu_uop_result r = u->fn(cpu, u, left);

	while (!EMU_TAIL_CALLS && r == UOP_GO)
		r = cpu->quick.at->fn(cpu, cpu->quick.at, cpu->quick.left);
	return r;
}

/* What the running block's uops see of RIP. */
static inline u64 quick_rip(const struct emu *cpu, unsigned int at)
{
	return (cpu->quick.start + at) & cpu->quick.lin_mask;
}

/* How uops stop, and go on. */

static __always_inline enum emu_uop_result
uop_leave(struct emu *cpu, const struct emu_uop *u, u64 left, enum emu_uop_result r)
{
	cpu->quick.at = u;
	cpu->quick.left = left;
	return r;
}

/* Where an indirect jump is slow, what is frequent is found by comparing. */
static __always_inline enum emu_uop_result
uop_go(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	if (!EMU_TAIL_CALLS)
		return uop_leave(cpu, u, left, UOP_GO);
	return emu_slow_jumps() ? emu_uop_dispatch(cpu, u, left) : u->fn(cpu, u, left);
}

static __always_inline enum emu_uop_result
uop_next(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	u++;
	/* One addition and a jump through memory; the compiler likes four instructions. */
	OPTIMIZER_HIDE_VAR(u);
	return uop_go(cpu, u, left);
}

#endif /* EMU_QUICK_H */
