// SPDX-License-Identifier: GPL-2.0
/*
 * Segment registers and far transfers.
 *
 * Modelled here: real and V86 mode, where a selector is its own descriptor. Other
 * modes leave as unsupported.
 */
#include "handlers.h"

/**
 * emu_load_segment() - load a data or stack segment register
 * @cpu: engine
 * @seg: enum emu_sreg, not EMU_CS
 * @sel: selector
 *
 * In real mode limit and rights stay as they are ("unreal mode" rests on it).
 *
 * Return: enum emu_result.
 */
int emu_load_segment(struct emu *cpu, unsigned int seg, u16 sel)
{
	struct emu_segment *s = &cpu->st.segs.seg[seg];

	if (!real_or_vm86(cpu))
		return emu_unsupported(cpu);
	s->selector = sel;
	s->base = (u64)sel << 4;
	return EMU_OK;
}

/**
 * emu_far_jump() - load CS:rIP
 * @cpu: engine
 * @sel: selector
 * @off: offset
 * @osize: operand size, cuts @off
 *
 * Return: enum emu_result; nothing has changed unless EMU_OK.
 */
int emu_far_jump(struct emu *cpu, u16 sel, u64 off, unsigned int osize)
{
	struct emu_segment *cs = &cpu->st.segs.seg[EMU_CS];

	if (!real_or_vm86(cpu))
		return emu_unsupported(cpu);
	off &= size_mask(osize);
	if (off > cs->limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	cs->selector = sel;
	cs->base = (u64)sel << 4;
	cpu->next_rip = off;
	cpu->branch = true;
	return EMU_OK;
}

/* The shadow that MOV SS and POP SS cast, unless they stand in one (S122). */
void emu_mov_ss_shadow(struct emu *cpu)
{
	if (!(cpu->st.debug.interruptibility & EMU_BLOCK_MOV_SS))
		cpu->new_shadow |= EMU_BLOCK_MOV_SS;
}

/* mov sreg, r/m16 */
int em_mov_to_sreg(struct emu *cpu, const struct emu_insn *i)
{
	int r;

	r = emu_load_segment(cpu, i->reg, cpu->src);
	if (!r && i->reg == EMU_SS)
		emu_mov_ss_shadow(cpu);
	return r;
}

/* mov r/m, sreg: memory always gets two bytes, a register its full size */
int em_mov_from_sreg(struct emu *cpu, const struct emu_insn *i)
{
	u64 sel = cpu->st.segs.seg[i->reg].selector;

	if (i->mem)
		return emu_write(cpu, i->seg, cpu->ea, 2, sel);
	reg_set(cpu, i->rm_at, i->osize, sel);
	return EMU_OK;
}

static int read_far(struct emu *cpu, const struct emu_insn *i, u64 *off,
		    u64 *sel)
{
	u64 mask = size_mask(i->asize);
	int r = emu_read(cpu, i->seg, cpu->ea, i->osize, off);

	if (!r)
		r = emu_read(cpu, i->seg, (cpu->ea + i->osize) & mask, 2, sel);
	return r;
}

static int load_far(struct emu *cpu, const struct emu_insn *i, unsigned int seg)
{
	u64 off, sel;
	int r = read_far(cpu, i, &off, &sel);

	if (!r)
		r = emu_load_segment(cpu, seg, sel);
	if (!r)
		reg_set(cpu, i->reg_at, i->osize, off);
	return r;
}

int em_les(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_ES);
}

int em_lds(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_DS);
}

/* lss: no shadow, unlike MOV SS (S112) */
int em_lss(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_SS);
}

int em_lfs(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_FS);
}

int em_lgs(struct emu *cpu, const struct emu_insn *i)
{
	return load_far(cpu, i, EMU_GS);
}

static int call_far(struct emu *cpu, const struct emu_insn *i, u16 sel, u64 off)
{
	const u64 frame[2] = { cpu->st.segs.seg[EMU_CS].selector,
			       cpu->next_rip };
	int r;

	if (!real_or_vm86(cpu))
		return emu_unsupported(cpu);
	off &= size_mask(i->osize);
	if (off > cpu->st.segs.seg[EMU_CS].limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_push_many(cpu, i->osize, frame, 2);
	return r ? r : emu_far_jump(cpu, sel, off, i->osize);
}

int em_call_far(struct emu *cpu, const struct emu_insn *i)
{
	return call_far(cpu, i, i->imm2, i->imm);
}

int em_call_far_mem(struct emu *cpu, const struct emu_insn *i)
{
	u64 off, sel;
	int r = read_far(cpu, i, &off, &sel);

	return r ? r : call_far(cpu, i, sel, off);
}

int em_jmp_far(struct emu *cpu, const struct emu_insn *i)
{
	return emu_far_jump(cpu, i->imm2, i->imm, i->osize);
}

int em_jmp_far_mem(struct emu *cpu, const struct emu_insn *i)
{
	u64 off, sel;
	int r = read_far(cpu, i, &off, &sel);

	return r ? r : emu_far_jump(cpu, sel, off, i->osize);
}

/* retf [imm16] */
int em_ret_far(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = stack_size(cpu);
	u64 off, sel, sp;
	int r;

	if (!real_or_vm86(cpu))
		return emu_unsupported(cpu);
	r = emu_pop(cpu, i->osize, &off);
	if (r)
		return r;
	/* Two bytes of the selector's slot are read (S160). */
	sp = gpr_get(cpu, EMU_RSP, size);
	r = emu_read(cpu, EMU_SS, sp, 2, &sel);
	if (r)
		return r;
	gpr_set(cpu, EMU_RSP, size, sp + i->osize + (i->imm & 0xffff));
	return emu_far_jump(cpu, sel, off, i->osize);
}

/* iret in real mode, and in V86 mode with IOPL 3 */
int em_iret(struct emu *cpu, const struct emu_insn *i)
{
	u64 off, sel, fl;
	int r;

	if (cpu->flags & EMU_INTERCEPT_IRET)
		return emu_leave(cpu, EMU_EXIT_IRET);
	if (!real_or_vm86(cpu))
		return emu_unsupported(cpu);
	if (vm86(cpu) && iopl(cpu) < 3)
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_pop(cpu, i->osize, &off);
	if (!r)
		r = emu_pop(cpu, i->osize, &sel);
	if (!r)
		r = emu_pop(cpu, i->osize, &fl);
	if (!r)
		r = emu_far_jump(cpu, sel, off, i->osize);
	if (r)
		return r;
	/* Only a 32-bit image has RF (S98). */
	emu_load_flags(cpu, fl, i->osize, EMU_FL_RF);
	cpu->keep_rf = i->osize == 4;
	cpu->st.debug.interruptibility &= ~EMU_BLOCK_NMI;
	return EMU_OK;
}
