// SPDX-License-Identifier: GPL-2.0
/*
 * Near control transfers, conditions, software interrupts.
 */
#include "handlers.h"

/**
 * emu_condition() - one of the sixteen conditions
 * @cpu: engine
 * @cc: low four bits of the opcode
 *
 * Return: whether it holds.
 */
bool emu_condition(const struct emu *cpu, unsigned int cc)
{
	bool v;

	switch (cc >> 1 & 7) {
	case 0:
		v = flag_of(cpu);
		break;
	case 1:
		v = flag_cf(cpu);
		break;
	case 2:
		v = flag_zf(cpu);
		break;
	case 3:
		v = flag_cf(cpu) || flag_zf(cpu);
		break;
	case 4:
		v = flag_sf(cpu);
		break;
	case 5:
		v = flag_pf(cpu);
		break;
	case 6:
		v = flag_sf(cpu) != flag_of(cpu);
		break;
	default:
		v = flag_zf(cpu) || flag_sf(cpu) != flag_of(cpu);
		break;
	}
	return v != (cc & 1);
}

/* A near target: cut to the operand size, and within the code segment. */
static int target(struct emu *cpu, const struct emu_insn *i, u64 rip)
{
	rip &= size_mask(i->osize);
	if (i->mode64 && !canonical(rip, 1))
		return emu_raise_error(cpu, VEC_GP, 0);
	if (!i->mode64 && rip > cpu->st.segs.seg[EMU_CS].limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	cpu->next_rip = rip;
	cpu->branch = true;
	return EMU_OK;
}

static int relative(struct emu *cpu, const struct emu_insn *i)
{
	return target(cpu, i, cpu->next_rip + i->imm);
}

int em_jcc(struct emu *cpu, const struct emu_insn *i)
{
	return emu_condition(cpu, i->opcode & 0xf) ? relative(cpu, i) : EMU_OK;
}

int em_jmp(struct emu *cpu, const struct emu_insn *i)
{
	return relative(cpu, i);
}

/* jmp r/m: in dst */
int em_jmp_mem(struct emu *cpu, const struct emu_insn *i)
{
	return target(cpu, i, cpu->dst);
}

static int call_near(struct emu *cpu, const struct emu_insn *i, u64 rip)
{
	u64 back = cpu->next_rip;
	int r = target(cpu, i, rip);

	return r ? r : emu_push(cpu, i->osize, back);
}

int em_call(struct emu *cpu, const struct emu_insn *i)
{
	return call_near(cpu, i, cpu->next_rip + i->imm);
}

int em_call_mem(struct emu *cpu, const struct emu_insn *i)
{
	return call_near(cpu, i, cpu->dst);
}

/* ret [imm16] */
int em_ret(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int size = stack_size(cpu);
	u64 rip;
	int r = emu_pop(cpu, i->osize, &rip);

	if (!r)
		r = target(cpu, i, rip);
	if (!r)
		gpr_set(cpu, EMU_RSP, size,
			cpu->st.regs.gpr[EMU_RSP] + (i->imm & 0xffff));
	return r;
}

/* loop and its relatives count in the address size */
static int loop_if(struct emu *cpu, const struct emu_insn *i, bool also)
{
	u64 left = (cpu->st.regs.gpr[EMU_RCX] - 1) & size_mask(i->asize);
	int r = EMU_OK;

	if (left && also)
		r = relative(cpu, i);
	if (!r)
		gpr_set(cpu, EMU_RCX, i->asize, left);
	return r;
}

int em_loop(struct emu *cpu, const struct emu_insn *i)
{
	return loop_if(cpu, i, true);
}

int em_loope(struct emu *cpu, const struct emu_insn *i)
{
	return loop_if(cpu, i, flag_zf(cpu));
}

int em_loopne(struct emu *cpu, const struct emu_insn *i)
{
	return loop_if(cpu, i, !flag_zf(cpu));
}

int em_jcxz(struct emu *cpu, const struct emu_insn *i)
{
	return gpr_get(cpu, EMU_RCX, i->asize) ? EMU_OK : relative(cpu, i);
}

int em_int(struct emu *cpu, const struct emu_insn *i)
{
	int r = EMU_OK;

	if (vm86(cpu) && iopl(cpu) < 3 && !emu_vme_redirects(cpu, i->imm, &r))
		return r ? r : emu_raise_error(cpu, VEC_GP, 0);
	return emu_raise_soft(cpu, i->imm, EMU_EV_SOFT_INT, i->len);
}

int em_int3(struct emu *cpu, const struct emu_insn *i)
{
	return emu_raise_soft(cpu, VEC_BP, EMU_EV_SOFT_EXC, i->len);
}

int em_into(struct emu *cpu, const struct emu_insn *i)
{
	if (!flag_of(cpu))
		return EMU_OK;
	return emu_raise_soft(cpu, VEC_OF, EMU_EV_SOFT_EXC, i->len);
}

/*
 * icebp: a trap without a status bit of its own, and no step trap beside it
 * (S105); what a MOV SS holds comes with it (S125).
 */
int em_icebp(struct emu *cpu, const struct emu_insn *i)
{
	emu_raise_soft(cpu, VEC_DB, EMU_EV_ICEBP, i->len);
	cpu->raised.payload = cpu->st.debug.pending_dbg;
	cpu->raised.flags = EMU_EVENT_PAYLOAD;
	return EMU_EXCEPTION;
}

int em_ud(struct emu *cpu, const struct emu_insn *i)
{
	return emu_raise(cpu, VEC_UD);
}
