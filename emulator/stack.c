// SPDX-License-Identifier: GPL-2.0
/*
 * PUSH, POP and their relatives.
 */
#include "handlers.h"

static void set_sp(struct emu *cpu, u64 sp)
{
	gpr_set(cpu, EMU_RSP, stack_size(cpu), sp);
}

static u64 sp_plus(const struct emu *cpu, s64 n)
{
	return (cpu->st.regs.gpr[EMU_RSP] + n) & size_mask(stack_size(cpu));
}

int emu_push(struct emu *cpu, unsigned int size, u64 val)
{
	u64 sp = sp_plus(cpu, -(s64)size);
	int r = emu_write(cpu, EMU_SS, sp, size, val);

	if (!r)
		set_sp(cpu, sp);
	return r;
}

/**
 * emu_push_many() - push several values, or none
 * @cpu: engine
 * @size: bytes of each
 * @val: values, the first is pushed first
 * @n: how many
 *
 * Return: as emu_push(); on failure the stack pointer is as before, and so is
 * memory if the failure is an exception.
 */
int emu_push_many(struct emu *cpu, unsigned int size, const u64 *val,
		  unsigned int n)
{
	unsigned int k;
	int r;

	for (k = 1; k <= n; k++) {
		r = emu_probe_write(cpu, EMU_SS, sp_plus(cpu, -(s64)(k * size)),
				    size);
		if (r)
			return r;
	}
	for (k = 1; k <= n; k++) {
		r = emu_write(cpu, EMU_SS, sp_plus(cpu, -(s64)(k * size)), size,
			      val[k - 1]);
		if (r)
			return r;
	}
	set_sp(cpu, sp_plus(cpu, -(s64)(n * size)));
	return EMU_OK;
}

int emu_pop(struct emu *cpu, unsigned int size, u64 *val)
{
	int r = emu_read(cpu, EMU_SS, sp_plus(cpu, 0), size, val);

	if (!r)
		set_sp(cpu, sp_plus(cpu, size));
	return r;
}

/* push r/m; push imm: the operand is in dst */
int em_push(struct emu *cpu, const struct emu_insn *i)
{
	return emu_push(cpu, i->osize, cpu->dst);
}

/* push imm */
int em_push_imm(struct emu *cpu, const struct emu_insn *i)
{
	return emu_push(cpu, i->osize, i->imm);
}

int em_push_sreg(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int seg = i->opcode >> 3 & 7;
	u64 sel = cpu->st.segs.seg[seg].selector;
	u64 sp = sp_plus(cpu, -(s64)i->osize);
	unsigned int size = i->osize;
	int r;

	/* Intel writes two bytes of a slot of four (S160). */
	if (size == 4 && !(cpu->flags & EMU_VENDOR_AMD))
		size = 2;
	r = emu_write(cpu, EMU_SS, sp, size, sel);
	if (!r)
		set_sp(cpu, sp);
	return r;
}

/* pop r/m: an address based on rSP counts from after the pop */
int em_pop(struct emu *cpu, const struct emu_insn *i)
{
	u64 val;
	int r = emu_pop(cpu, i->osize, &val);

	if (r)
		return r;
	if (i->mem)
		cpu->ea = emu_ea(cpu, i);
	return emu_write_dst(cpu, i, val);
}

int em_pop_sreg(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int seg = i->opcode >> 3 & 7;
	u64 sel;
	int r;

	r = emu_read(cpu, EMU_SS, sp_plus(cpu, 0), 2, &sel);
	if (r)
		return r;
	r = emu_load_segment(cpu, seg, sel);
	if (r)
		return r;
	set_sp(cpu, sp_plus(cpu, i->osize));
	if (seg == EMU_SS)
		emu_mov_ss_shadow(cpu);
	return EMU_OK;
}

int em_pusha(struct emu *cpu, const struct emu_insn *i)
{
	u64 val[8];
	unsigned int n;

	for (n = 0; n < 8; n++)
		val[n] = cpu->st.regs.gpr[n];
	return emu_push_many(cpu, i->osize, val, 8);
}

int em_popa(struct emu *cpu, const struct emu_insn *i)
{
	u64 val[8];
	int n, r;

	/* The slot of rSP is read and dropped (S160). */
	for (n = 7; n >= 0; n--) {
		r = emu_pop(cpu, i->osize, &val[n]);
		if (r)
			return r;
	}
	for (n = 0; n < 8; n++)
		if (n != EMU_RSP)
			gpr_set(cpu, n, i->osize, val[n]);
	return EMU_OK;
}

int em_pushf(struct emu *cpu, const struct emu_insn *i)
{
	u64 fl = emu_rflags(cpu) & ~(EMU_FL_RF | EMU_FL_VM);

	if (vm86(cpu) && iopl(cpu) < 3)
		return emu_raise_error(cpu, VEC_GP, 0);
	return emu_push(cpu, i->osize, fl);
}

/**
 * emu_load_flags() - RFLAGS as POPF and IRET load it
 * @cpu: engine
 * @val: image
 * @size: bytes of it that count
 * @extra: bits to load beyond those of POPF
 */
void emu_load_flags(struct emu *cpu, u64 val, unsigned int size, u64 extra)
{
	u64 change = EMU_FL_ARITH | EMU_FL_TF | EMU_FL_DF | EMU_FL_NT |
		     EMU_FL_AC | EMU_FL_ID | extra;
	u64 fl = emu_rflags(cpu);

	if (cpl(cpu) == 0)
		change |= EMU_FL_IOPL;
	if (cpl(cpu) <= iopl(cpu))
		change |= EMU_FL_IF;
	if (size == 2)
		change &= 0xffff;
	emu_set_rflags(cpu, (fl & ~change) | (val & change));
}

int em_popf(struct emu *cpu, const struct emu_insn *i)
{
	u64 val;
	int r;

	if (vm86(cpu) && iopl(cpu) < 3)
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_pop(cpu, i->osize, &val);
	if (!r)
		emu_load_flags(cpu, val, i->osize, 0);
	return r;
}

int em_enter(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int level = i->imm2 & 31, n;
	u64 bp_mask = size_mask(stack_size(cpu));
	u64 bp = cpu->st.regs.gpr[EMU_RBP] & bp_mask;
	u64 frame, val;
	int r;

	r = emu_push(cpu, i->osize, cpu->st.regs.gpr[EMU_RBP]);
	if (r)
		return r;
	frame = cpu->st.regs.gpr[EMU_RSP];
	for (n = 1; n < level; n++) {
		bp = (bp - i->osize) & bp_mask;
		r = emu_read(cpu, EMU_SS, bp, i->osize, &val);
		if (!r)
			r = emu_push(cpu, i->osize, val);
		if (r)
			return r;
	}
	if (level) {
		r = emu_push(cpu, i->osize, frame);
		if (r)
			return r;
	}
	set_sp(cpu, sp_plus(cpu, -(s64)(i->imm & 0xffff)));
	/* Nothing is stored there, but it must be possible (SDM2 ENTER). */
	r = emu_probe_write(cpu, EMU_SS, sp_plus(cpu, 0), i->osize);
	if (r)
		return r;
	gpr_set(cpu, EMU_RBP, i->osize, frame);
	return EMU_OK;
}

int em_leave(struct emu *cpu, const struct emu_insn *i)
{
	u64 val;
	int r;

	set_sp(cpu, cpu->st.regs.gpr[EMU_RBP]);
	r = emu_pop(cpu, i->osize, &val);
	if (!r)
		gpr_set(cpu, EMU_RBP, i->osize, val);
	return r;
}
