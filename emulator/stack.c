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
 * emu_push_many() - push several values
 * @cpu: engine
 * @size: bytes of each
 * @val: values, the first is pushed first
 * @n: how many
 *
 * Return: as emu_push(); on failure the stack pointer is as before. What was pushed
 * before an exception stays in memory (S162); with any other failure nothing was.
 */
int emu_push_many(struct emu *cpu, unsigned int size, const u64 *val,
		  unsigned int n)
{
	unsigned int k;
	int r = EMU_OK;

	for (k = 1; !r && k <= n; k++)
		r = emu_probe_write(cpu, EMU_SS, sp_plus(cpu, -(s64)(k * size)),
				    size);
	if (r && r != EMU_EXCEPTION)
		return r;
	for (k = 1; k <= n; k++) {
		r = emu_write(cpu, EMU_SS, sp_plus(cpu, -(s64)(k * size)), size,
			      val[k - 1] & size_mask(size));
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
	unsigned int seg = i->opcode >> 3 & 7, size = stack_size(cpu);
	u64 sel, sp = sp_plus(cpu, i->osize);
	int r;

	r = emu_read(cpu, EMU_SS, sp_plus(cpu, 0), selector_slot(cpu, i->osize),
		     &sel);
	if (r)
		return r;
	r = emu_load_segment(cpu, seg, sel);
	if (r)
		return r;
	/* As wide as the old stack was, also where SS is loaded. */
	gpr_set(cpu, EMU_RSP, size, sp);
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

/* Flags that this CPU has (K19). */
static u64 known_flags(const struct emu *cpu)
{
	u64 fl = EMU_FL_VALID;

	if (!emu_has(cpu, EMU_FEAT_486))
		fl &= ~EMU_FL_AC;
	if (!emu_has(cpu, EMU_FEAT_CPUID))
		fl &= ~EMU_FL_ID;
	if (!emu_has(cpu, EMU_FEAT_VME))
		fl &= ~(EMU_FL_VIF | EMU_FL_VIP);
	return fl;
}

/**
 * emu_change_flags() - RFLAGS from an image, by what POPF, IRET and tasks share
 * @cpu: engine
 * @val: image
 * @size: bytes of it that count
 * @extra: bits to load beyond the arithmetic ones, TF, DF, NT, AC and ID
 */
void emu_change_flags(struct emu *cpu, u64 val, unsigned int size, u64 extra)
{
	u64 change = EMU_FL_ARITH | EMU_FL_TF | EMU_FL_DF | EMU_FL_NT |
		     EMU_FL_AC | EMU_FL_ID | extra;

	if (size == 2)
		change &= 0xffff;
	change &= known_flags(cpu);
	/* The arithmetic ones that st.regs has may be old, but all change. */
	emu_set_rflags(cpu, (cpu->st.regs.rflags & ~change) | (val & change));
}

/* ... as POPF, and IRET in real and V86 mode, load it. */
void emu_load_flags(struct emu *cpu, u64 val, unsigned int size, u64 extra)
{
	if (cpl(cpu) == 0)
		extra |= EMU_FL_IOPL;
	if (cpl(cpu) <= iopl(cpu))
		extra |= EMU_FL_IF;
	emu_change_flags(cpu, val, size, extra);
}

/* ... as their 16-bit forms do under VME: IF is VIF. */
void emu_load_virtual_flags(struct emu *cpu, u64 val)
{
	emu_change_flags(cpu, val, 2, 0);
	cpu->st.regs.rflags &= ~EMU_FL_VIF;
	if (val & EMU_FL_IF)
		cpu->st.regs.rflags |= EMU_FL_VIF;
}

/* PUSHF and POPF in V86 mode below IOPL 3: by VME, or #GP. */
static int virtual_flags(struct emu *cpu, const struct emu_insn *i,
			 bool *virtual)
{
	*virtual = vm86(cpu) && iopl(cpu) < 3;
	if (*virtual && (i->osize != 2 || !(cpu->st.ctrl.cr4 & EMU_CR4_VME)))
		return emu_raise_error(cpu, VEC_GP, 0);
	return EMU_OK;
}

int em_pushf(struct emu *cpu, const struct emu_insn *i)
{
	u64 fl = emu_rflags(cpu) & ~(EMU_FL_RF | EMU_FL_VM);
	bool virtual;
	int r = virtual_flags(cpu, i, &virtual);

	if (r)
		return r;
	if (virtual) {
		fl = (fl & ~EMU_FL_IF) | EMU_FL_IOPL;
		if (fl & EMU_FL_VIF)
			fl |= EMU_FL_IF;
	}
	return emu_push(cpu, i->osize, fl);
}

int em_popf(struct emu *cpu, const struct emu_insn *i)
{
	bool virtual;
	u64 val;
	int r = virtual_flags(cpu, i, &virtual);

	if (!r)
		r = emu_pop(cpu, i->osize, &val);
	if (r)
		return r;
	if (!virtual) {
		emu_load_flags(cpu, val, i->osize, 0);
		return EMU_OK;
	}
	if ((val & EMU_FL_TF) ||
	    ((val & EMU_FL_IF) && (cpu->st.regs.rflags & EMU_FL_VIP)))
		return emu_raise_error(cpu, VEC_GP, 0);
	emu_load_virtual_flags(cpu, val);
	return EMU_OK;
}

/* What is read at @at once @count values have been pushed. */
static u64 read_pushed(const struct emu *cpu, unsigned int size, u64 at, u64 v,
		       const u64 *val, unsigned int count)
{
	u64 mask = size_mask(stack_size(cpu)), off;
	unsigned int n, b;

	for (n = 0; n < count; n++) {
		off = sp_plus(cpu, -(s64)(n + 1) * size) - at + size;
		if ((off & mask) >= 2 * size)
			continue;
		for (b = 0; b < size; b++) {
			u64 to = (off + b - size) & mask;

			if (to >= size)
				continue;
			v &= ~(0xffULL << (8 * to));
			v |= (val[n] >> (8 * b) & 0xff) << (8 * to);
		}
	}
	return v;
}

/* enter: nothing is pushed before all is read; frames may overlap */
int em_enter(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int level = i->imm2 & 31, n, count = 0;
	u64 bp_mask = size_mask(stack_size(cpu));
	u64 bp = cpu->st.regs.gpr[EMU_RBP] & bp_mask;
	u64 val[33], frame;
	int r;

	val[count++] = cpu->st.regs.gpr[EMU_RBP];
	frame = (cpu->st.regs.gpr[EMU_RSP] & ~bp_mask) | sp_plus(cpu, -(s64)i->osize);
	for (n = 1; n < level; n++) {
		bp = (bp - i->osize) & bp_mask;
		r = emu_read(cpu, EMU_SS, bp, i->osize, &val[count]);
		if (r)
			return r;
		val[count] = read_pushed(cpu, i->osize, bp, val[count], val,
					 count);
		count++;
	}
	if (level)
		val[count++] = frame;
	r = emu_push_many(cpu, i->osize, val, count);
	if (r)
		return r;
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
