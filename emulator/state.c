// SPDX-License-Identifier: GPL-2.0
/*
 * The state as a whole: what RESET makes of it, and whether it can be run.
 */
#include "quick.h"

static const struct emu_segment reset_data = {
	.limit = 0xffff, .attr = EMU_SEG_P | EMU_SEG_S | EMU_SEG_WRITABLE |
				 EMU_SEG_ACCESSED,
};

static void reset_cpu(struct emu_state *st)
{
	unsigned int n;

	memset(&st->regs, 0, sizeof(st->regs));
	memset(&st->segs, 0, sizeof(st->segs));
	memset(&st->debug, 0, sizeof(st->debug));
	memset(&st->event, 0, sizeof(st->event));
	emu_cancel(st);
	st->progress.after_event = 0;
	st->regs.gpr[EMU_RDX] = 0x600;		/* family 6 */
	st->regs.rip = 0xfff0;
	st->regs.rflags = EMU_FL_FIXED;
	for (n = EMU_ES; n <= EMU_GS; n++)
		st->segs.seg[n] = reset_data;
	st->segs.seg[EMU_CS].selector = 0xf000;
	st->segs.seg[EMU_CS].base = 0xffff0000;
	st->segs.seg[EMU_LDTR].limit = 0xffff;
	st->segs.seg[EMU_LDTR].attr = EMU_SEG_P | 2;
	st->segs.seg[EMU_TR].limit = 0xffff;
	st->segs.seg[EMU_TR].attr = EMU_SEG_P | 11;
	st->segs.gdtr.limit = 0xffff;
	st->segs.idtr.limit = 0xffff;
	st->debug.dr6 = EMU_DR6_DEFAULT;
	st->debug.dr7 = EMU_DR7_FIXED;
}

void emu_reset(struct emu_state *st)
{
	memset(st, 0, sizeof(*st));
	reset_cpu(st);
	st->ctrl.cr0 = EMU_CR0_CD | EMU_CR0_NW | EMU_CR0_ET;
	st->ctrl.xcr0 = 1;
	st->ctrl.pat = 0x0007040600070406ULL;
	st->ctrl.apic_base = 0xfee00900;
	st->budget = EMU_BUDGET_UNLIMITED;
}

static bool state_long_mode(const struct emu_state *st)
{
	return st->ctrl.efer & EMU_EFER_LMA;
}

void emu_init_signal(struct emu_state *st)
{
	u64 cr0 = st->ctrl.cr0 & (EMU_CR0_CD | EMU_CR0_NW);
	struct emu_ctrl ctrl = st->ctrl;
	struct emu_event ev = st->event;
	struct emu_stream *stream = &st->stream;
	u64 budget = st->budget;

	reset_cpu(st);
	ctrl.cr0 = cr0 | EMU_CR0_ET;
	ctrl.cr2 = 0;
	ctrl.cr3 = 0;
	ctrl.cr4 = 0;
	ctrl.cr8 = 0;
	ctrl.efer = 0;
	st->ctrl = ctrl;
	st->budget = budget;
	stream->len = 0;
	/* External interrupts and machine checks still wait. */
	st->event.intr_pending = ev.intr_pending;
	st->event.intr_vector = ev.intr_vector;
	st->event.intr_window = ev.intr_window;
	st->event.mc_pending = ev.mc_pending;
}

static const char *check_regs(const struct emu_state *st)
{
	const struct emu_segment *cs = &st->segs.seg[EMU_CS];
	u64 fl = st->regs.rflags;

	if ((fl & ~EMU_FL_VALID) || !(fl & EMU_FL_FIXED))
		return "rflags: bit 1 is set, bits 3, 5, 15 and 22 to 63 are not";
	if ((fl & EMU_FL_VM) &&
	    (!(st->ctrl.cr0 & EMU_CR0_PE) || state_long_mode(st)))
		return "rflags: VM needs CR0.PE and no long mode";
	if (st->regs.rip >> 32 && !(state_long_mode(st) && cs->attr & EMU_SEG_L))
		return "rip: fits in 32 bits outside of 64-bit mode";
	return NULL;
}

/* A 64-bit base may be canonical in long mode, and has 32 bits elsewhere. */
static bool base_valid(const struct emu_state *st, u64 base)
{
	return state_long_mode(st) ? canonical(base, 1) : !(base >> 32);
}

static const char *check_vm86(const struct emu_state *st)
{
	const struct emu_segment *s;
	unsigned int n;

	if (!(st->regs.rflags & EMU_FL_VM))
		return NULL;
	for (n = EMU_ES; n <= EMU_GS; n++) {
		s = &st->segs.seg[n];
		if (s->base != (u64)s->selector << 4 || s->limit != 0xffff ||
		    s->attr != 0xf3)
			return "segs: in V86 mode base is selector * 16, limit FFFFh, attr F3h";
	}
	return NULL;
}

static const char *check_segs(const struct emu_state *st)
{
	const struct emu_segment *s;
	unsigned int n;

	for (n = 0; n < EMU_NR_SREGS; n++) {
		s = &st->segs.seg[n];
		if (s->reserved[0] | s->reserved[1] | s->reserved[2])
			return "segs: reserved fields are zero";
		if (s->attr & ~EMU_SEG_VALID)
			return "segs: attr bits 8 to 11 and 17 to 31 are zero";
		if (n < EMU_FS ? s->base >> 32 : !base_valid(st, s->base))
			return "segs: base has 32 bits; FS, GS, LDTR, TR in long mode: canonical";
	}
	s = &st->segs.seg[EMU_CS];
	if (state_long_mode(st) && s->attr & EMU_SEG_L && s->attr & EMU_SEG_DB)
		return "segs: CS.L and CS.D exclude each other in long mode";
	if (!(st->ctrl.cr0 & EMU_CR0_PE) &&
	    st->segs.seg[EMU_SS].attr & EMU_SEG_DPL)
		return "segs: SS.DPL is the CPL, 0 in real mode";
	if (!base_valid(st, st->segs.gdtr.base) ||
	    !base_valid(st, st->segs.idtr.base))
		return "segs: GDTR and IDTR bases fit in 32 bits, or in long mode are canonical";
	for (n = 0; n < 3; n++)
		if (st->segs.gdtr.reserved[n] | st->segs.idtr.reserved[n])
			return "segs: reserved fields are zero";
	return NULL;
}

static const char *check_ctrl(const struct emu_state *st)
{
	const struct emu_ctrl *c = &st->ctrl;
	bool on = c->efer & EMU_EFER_LME && c->cr0 & EMU_CR0_PG;

	if (c->cr0 >> 32)
		return "cr0: bits 32 to 63 are zero";
	if (c->cr0 & EMU_CR0_PG && !(c->cr0 & EMU_CR0_PE))
		return "cr0: PG needs PE";
	if (c->cr0 & EMU_CR0_NW && !(c->cr0 & EMU_CR0_CD))
		return "cr0: NW needs CD";
	if (c->cr3 >> 52)
		return "cr3: bits 52 to 63 are zero";
	if (c->cr4 & ~EMU_CR4_VALID)
		return "cr4: only VME to OSXMMEXCPT, UMIP, FSGSBASE, OSXSAVE, SMEP and SMAP exist";
	if (c->cr8 >> 4)
		return "cr8: bits 4 to 63 are zero";
	if (c->efer & ~(EMU_EFER_SCE | EMU_EFER_LME | EMU_EFER_LMA |
			EMU_EFER_NXE))
		return "efer: only SCE, LME, LMA and NXE exist";
	if (on != state_long_mode(st))
		return "efer: LMA is LME with CR0.PG";
	if (state_long_mode(st) && !(c->cr4 & EMU_CR4_PAE))
		return "efer: LMA needs CR4.PAE";
	return NULL;
}

static const char *check_debug(const struct emu_state *st)
{
	const struct emu_debug *d = &st->debug;

	if ((d->dr6 | d->dr7) >> 32)
		return "dr6, dr7: bits 32 to 63 are zero";
	if (d->pending_dbg & ~EMU_DBG_VALID)
		return "pending_dbg: only B3-B0, BLD, BS, BT and RTM can be pending";
	if (d->debugctl & ~EMU_DEBUGCTL_VALID)
		return "debugctl: only LBR, BTF and BLD exist";
	if (d->interruptibility & ~(EMU_BLOCK_STI | EMU_BLOCK_MOV_SS |
				    EMU_BLOCK_SMI | EMU_BLOCK_NMI))
		return "interruptibility: only STI, MOV SS, SMI and NMI exist";
	if ((d->interruptibility & EMU_BLOCK_STI) &&
	    (d->interruptibility & EMU_BLOCK_MOV_SS))
		return "interruptibility: STI and MOV SS exclude each other";
	if ((d->interruptibility & EMU_BLOCK_STI) &&
	    !(st->regs.rflags & EMU_FL_IF))
		return "interruptibility: STI needs RFLAGS.IF";
	if (d->activity > EMU_SHUTDOWN)
		return "activity: 0 to 2";
	if (d->activity && (d->interruptibility & EMU_BLOCK_MOV_SS))
		return "activity: only an active CPU is in a MOV SS shadow";
	return NULL;
}

static bool any(const u8 *reserved, unsigned int n)
{
	while (n--)
		if (reserved[n])
			return true;
	return false;
}

static const char *check_event(const struct emu_state *st)
{
	const struct emu_event *ev = &st->event;

	if (ev->action > EMU_EVENT_ABSORB)
		return "event: action is 0 to 4";
	if (ev->type > EMU_EV_SOFT_EXC || ev->type == 1)
		return "event: type is 0 or 2 to 6";
	if (ev->flags & ~(u32)(EMU_EVENT_ERROR | EMU_EVENT_PAYLOAD | EMU_EVENT_RF))
		return "event: unknown flag";
	if (ev->insn_len > EMU_INSN_MAX)
		return "event: insn_len is 0 to 15";
	if (ev->type == EMU_EV_EXCEPTION && ev->vector > 31)
		return "event: exceptions have vectors 0 to 31";
	if (ev->type == EMU_EV_NMI && ev->vector != VEC_NMI)
		return "event: an NMI has vector 2";
	if (ev->type == EMU_EV_ICEBP && ev->vector != VEC_DB)
		return "event: INT1 has vector 1";
	if (ev->intr_pending > 1 || ev->nmi_pending > 1 || ev->intr_window > 1 ||
	    ev->init_pending > 1 || ev->mc_pending > 1)
		return "event: flags are 0 or 1";
	if (any(ev->reserved, sizeof(ev->reserved)))
		return "event: reserved fields are zero";
	return NULL;
}

static bool access_valid(u8 kind, u8 dir, u8 size)
{
	if (dir > EMU_WRITE || (size != 1 && size != 2 && size != 4 && size != 8))
		return false;
	return kind == EMU_IO_MEM || (kind == EMU_IO_PORT && size <= 4) ||
	       (kind == EMU_IO_MSR && size == 8);
}

static const char *check_io(const struct emu_state *st)
{
	const struct emu_io *io = &st->io;

	if (!io->kind)
		return NULL;
	if (!access_valid(io->kind, io->dir, io->size))
		return "io: kind, dir or size";
	if (io->flags & ~(EMU_IO_STRING | EMU_IO_REP | EMU_IO_PART))
		return "io: unknown flag";
	if (!io->count || io->count > EMU_IO_DATA / io->size)
		return "io: count elements of size bytes fit in the data";
	if (io->done > io->count || io->used > io->done ||
	    (io->done && io->used == io->done))
		return "io: used < done <= count";
	if (io->kind == EMU_IO_PORT && io->addr > 0xffff)
		return "io: ports are 0 to FFFFh";
	if (io->kind == EMU_IO_MSR && (io->addr >> 32 || io->count > 1))
		return "io: one MSR, with a number of 32 bits";
	return NULL;
}

/* What is in no group. */
static const char *check_progress(const struct emu_state *st)
{
	const struct emu_progress *p = &st->progress;
	unsigned int n;

	if (p->in_rep > 1 || p->after_event > 1 || p->stopped > 1 ||
	    p->insn_len > EMU_INSN_MAX || p->nr_replay > EMU_REPLAY_MAX)
		return "progress: in_rep, after_event, stopped, insn_len or nr_replay out of range";
	if (p->permitted > p->nr_replay + 1)
		return "progress: permitted is at most nr_replay + 1";
	if (any(p->reserved, sizeof(p->reserved)))
		return "progress: reserved fields are zero";
	for (n = 0; n < p->nr_replay; n++) {
		if (!access_valid(p->replay[n].kind, p->replay[n].dir,
				  p->replay[n].size))
			return "progress: a replay entry's kind, dir or size";
		if (any(p->replay[n].reserved, sizeof(p->replay[n].reserved)))
			return "progress: reserved fields are zero";
	}
	if (st->stream.len > EMU_STREAM_MAX || st->stream.reserved)
		return "stream: len";
	return NULL;
}

/* Each with the groups that its rules speak of. */
const char *emu_check_groups(const struct emu_state *st, u32 changed)
{
	const char *why = NULL;

	if (changed & (EMU_GROUP_REGS | EMU_GROUP_SEGS | EMU_GROUP_CTRL))
		why = check_regs(st);
	if (!why && changed & (EMU_GROUP_SEGS | EMU_GROUP_CTRL))
		why = check_segs(st);
	if (!why && changed & (EMU_GROUP_REGS | EMU_GROUP_SEGS | EMU_GROUP_CTRL))
		why = check_vm86(st);
	if (!why && changed & EMU_GROUP_CTRL)
		why = check_ctrl(st);
	if (!why && changed & (EMU_GROUP_REGS | EMU_GROUP_DEBUG))
		why = check_debug(st);
	if (!why && changed & EMU_GROUP_EVENT)
		why = check_event(st);
	if (!why && changed & EMU_GROUP_IO)
		why = check_io(st);
	return why;
}

const char *emu_check_state(const struct emu_state *st)
{
	const char *why = emu_check_groups(st, EMU_GROUP_ALL);

	return why ? why : check_progress(st);
}

/* What flags_arith() does, all at once: a log asks at each step. */
u64 emu_rflags(const struct emu *cpu)
{
	return flags_image(cpu);
}

void emu_load(struct emu *cpu)
{
	emu_load_groups(cpu, EMU_GROUP_ALL);
	cpu->quick.valid = false;
}

void emu_load_groups(struct emu *cpu, u32 changed)
{
	u64 flags = cpu->st.regs.rflags ^ cpu->left_rflags;

	if (changed & (EMU_GROUP_CTRL | EMU_GROUP_DEBUG))
		emu_debug_arm(cpu);
	/* Of the other flags none is in the view that blocks have of the state. */
	if (changed & (EMU_GROUP_SEGS | EMU_GROUP_CTRL | EMU_GROUP_DEBUG) ||
	    flags & (EMU_FL_VM | EMU_FL_IOPL))
		cpu->quick.valid = false;
}

void emu_init(struct emu *cpu, const struct emu_ops *ops, void *host)
{
	const struct emu_cpuid *table;
	unsigned int n;

	/* Uops without a block are not looked at, nor is more of one than its tags. */
	memset(cpu, 0, offsetof(struct emu, block));
	emu_blocks_drop(cpu);
	cpu->ops = ops;
	cpu->host = host;
	table = emu_cpuid_preset(EMU_PRESET_X86_64_V3, &n);
	emu_set_cpuid(cpu, table, n);
	emu_reset(&cpu->st);
	emu_load(cpu);
	/* Tags of empty windows are 0, which is no generation's. */
	emu_flush(cpu);
}

void emu_set_stream(struct emu *cpu, u32 len)
{
	struct emu_stream *s = &cpu->st.stream;

	s->start = code_linear(cpu);
	s->len = min_t(u32, len, EMU_STREAM_MAX);
	cpu->alone = len <= EMU_INSN_MAX;
}
