// SPDX-License-Identifier: GPL-2.0
/*
 * String instructions, one iteration each; rep.c repeats them.
 */
#include "handlers.h"

static u64 index_of(const struct emu *cpu, const struct emu_insn *i,
		    unsigned int reg)
{
	return gpr_get(cpu, reg, i->asize);
}

/* Move an index on by one element, in the address size's bits (S22-S24). */
static void advance(struct emu *cpu, const struct emu_insn *i, unsigned int reg,
		    unsigned int size)
{
	u64 step = cpu->st.regs.rflags & EMU_FL_DF ? -(u64)size : size;

	gpr_set(cpu, reg, i->asize, cpu->st.regs.gpr[reg] + step);
}

static unsigned int element(const struct emu_insn *i)
{
	return i->opcode & 1 ? i->osize : 1;
}

/* Ports are never wider than four bytes (S9). */
static unsigned int port_element(const struct emu_insn *i)
{
	unsigned int size = element(i);

	return min(size, 4U);
}

/* movs [es:rDI], [seg:rSI] */
int em_movs(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 val;
	int r;

	r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &val);
	if (!r)
		r = emu_write(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size, val);
	if (r)
		return r;
	advance(cpu, i, EMU_RSI, size);
	advance(cpu, i, EMU_RDI, size);
	return EMU_OK;
}

/* cmps [seg:rSI], [es:rDI] */
int em_cmps(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 a, b;
	int r;

	r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &a);
	if (!r)
		r = emu_read(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size, &b);
	if (r)
		return r;
	flags_sub(cpu, size, a, b, a - b);
	advance(cpu, i, EMU_RSI, size);
	advance(cpu, i, EMU_RDI, size);
	return EMU_OK;
}

/* stos [es:rDI], rAX */
int em_stos(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	int r = emu_write(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size,
			  gpr_get(cpu, EMU_RAX, size));

	if (!r)
		advance(cpu, i, EMU_RDI, size);
	return r;
}

/* lods rAX, [seg:rSI] */
int em_lods(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 val;
	int r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &val);

	if (r)
		return r;
	gpr_set(cpu, EMU_RAX, size, val);
	advance(cpu, i, EMU_RSI, size);
	return EMU_OK;
}

/* scas rAX, [es:rDI] */
int em_scas(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = element(i);
	u64 a = gpr_get(cpu, EMU_RAX, size), b;
	int r = emu_read(cpu, EMU_ES, index_of(cpu, i, EMU_RDI), size, &b);

	if (r)
		return r;
	flags_sub(cpu, size, a, b, a - b);
	advance(cpu, i, EMU_RDI, size);
	return EMU_OK;
}

/* ins [es:rDI], dx: the destination is probed before the port is read (S48) */
int em_ins(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = port_element(i);
	u64 at = index_of(cpu, i, EMU_RDI), val = 0;
	int r;

	r = emu_probe_write(cpu, EMU_ES, at, size);
	if (!r)
		r = emu_port_access(cpu, cpu->st.regs.gpr[EMU_RDX], size,
				    EMU_READ, &val);
	if (!r)
		r = emu_write(cpu, EMU_ES, at, size, val);
	if (!r)
		advance(cpu, i, EMU_RDI, size);
	return r;
}

/* outs dx, [seg:rSI]: the source is read before the port is written (S49) */
int em_outs(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = port_element(i);
	u64 val;
	int r;

	r = emu_read(cpu, i->seg, index_of(cpu, i, EMU_RSI), size, &val);
	if (!r)
		r = emu_port_access(cpu, cpu->st.regs.gpr[EMU_RDX], size,
				    EMU_WRITE, &val);
	if (!r)
		advance(cpu, i, EMU_RSI, size);
	return r;
}
