// SPDX-License-Identifier: GPL-2.0
/*
 * Debug registers: which breakpoints match, what becomes pending, and how a #DB
 * changes DR6 and DR7. Nothing else evaluates DR7 or writes DR6.
 *
 * Whoever notices a trap calls emu_debug_add(); retiring the instruction makes it
 * pending, a fault drops it (S2, S4), and the next boundary that no shadow holds
 * makes one #DB of all of it.
 */
#include "internal.h"

enum { RW_EXEC, RW_WRITE, RW_IO, RW_ACCESS };

static unsigned int dr7_rw(u64 dr7, unsigned int n)
{
	return dr7 >> (16 + 4 * n) & 3;
}

static unsigned int dr7_len(u64 dr7, unsigned int n)
{
	static const u8 len[4] = { 1, 2, 8, 4 };

	return len[dr7 >> (18 + 4 * n) & 3];
}

/* AMD's masks widen a breakpoint on code or data (S83). */
static u64 address_mask(const struct emu *cpu, unsigned int n)
{
	const struct emu_debug *d = &cpu->st.debug;

	if (!(cpu->flags & EMU_VENDOR_AMD) || !emu_has(cpu, EMU_FEAT_DBEXT) ||
	    dr7_rw(d->dr7, n) == RW_IO)
		return 0;
	return d->dr_mask[n];
}

/* Most accesses are outside of what lies between the first and the last of them. */
static void watch_data(struct emu *cpu, const struct emu_breakpoint *bp)
{
	cpu->bp_data_first = min(cpu->bp_data_first, bp->first);
	cpu->bp_data_last = max(cpu->bp_data_last, bp->last);
}

static void arm(struct emu *cpu)
{
	const struct emu_debug *d = &cpu->st.debug;
	struct emu_armed now;
	unsigned int n;

	now.dr7 = d->dr7;
	now.de = cpu->st.ctrl.cr4 & EMU_CR4_DE;
	now.all = cpu->flags & EMU_DISABLED_B_BITS;
	memcpy(now.dr, d->dr, sizeof(now.dr));
	for (n = 0; n < 4; n++)
		now.mask[n] = address_mask(cpu, n);
	if (!memcmp(&now, &cpu->armed, sizeof(now)))
		return;
	cpu->armed = now;

	cpu->bp_enabled = 0;
	cpu->bp_code = 0;
	cpu->bp_read = 0;
	cpu->bp_write = 0;
	cpu->bp_io = 0;
	cpu->bp_ports = 0;
	cpu->bp_data_first = ~0ULL;
	cpu->bp_data_last = 0;
	for (n = 0; n < 4; n++) {
		unsigned int len = dr7_len(d->dr7, n);
		bool enabled = d->dr7 >> (2 * n) & 3;
		u8 bit = 1U << n;

		if (enabled)
			cpu->bp_enabled |= bit;
		else if (!(cpu->flags & EMU_DISABLED_B_BITS))
			continue;
		cpu->bp[n].ignore = (len - 1) | now.mask[n];
		cpu->bp[n].first = d->dr[n] & ~cpu->bp[n].ignore;
		cpu->bp[n].last = cpu->bp[n].first | cpu->bp[n].ignore;
		switch (dr7_rw(d->dr7, n)) {
		case RW_EXEC:
			cpu->bp_code |= bit;
			break;
		case RW_WRITE:
			cpu->bp_write |= bit;
			watch_data(cpu, &cpu->bp[n]);
			break;
		case RW_IO:
			/* Undefined without CR4.DE; it never matches (S61). */
			if (!(cpu->st.ctrl.cr4 & EMU_CR4_DE))
				break;
			cpu->bp_io |= bit;
			cpu->bp_ports |= emu_port_parts(cpu->bp[n].first,
							cpu->bp[n].last);
			break;
		case RW_ACCESS:
			cpu->bp_read |= bit;
			cpu->bp_write |= bit;
			watch_data(cpu, &cpu->bp[n]);
			break;
		}
	}
	/* Watched pages change with the registers. */
	emu_flush(cpu);
}

/* Decode DR0-DR7 after any of them, or CR4.DE, has changed. */
void emu_debug_arm(struct emu *cpu)
{
	u64 dr7 = cpu->st.debug.dr7 | cpu->armed.dr7;

	/* Mostly nothing was armed and nothing is. */
	if (unlikely(dr7 & EMU_DR7_ENABLED || cpu->armed.all ||
		     cpu->flags & EMU_DISABLED_B_BITS))
		arm(cpu);
}

/* Does a breakpoint match any address of [first, last]? */
static bool touches(const struct emu_breakpoint *bp, u64 first, u64 last)
{
	u64 ignore = bp->ignore, wrong = (first ^ bp->first) & ~ignore, bit, at;

	if (bp->first > last || bp->last < first)
		return false;
	/* Usually the bits that do not count are the lowest ones. */
	if (!(ignore & (ignore + 1)) || !wrong)
		return true;
	/* The next match: the topmost wrong bit becomes 1, or a carry goes over it. */
	bit = 1ULL << (63 - __builtin_clzll(wrong));
	if (bp->first & bit)
		at = (first & -(2 * bit)) | (bp->first & (2 * bit - 1));
	else
		at = (((first | ~ignore) & -(2 * bit)) + 2 * bit) & ignore;
	at |= bp->first;
	return at >= first && at <= last;
}

/* Breakpoints of @set that touch [first, last]; none unless one is enabled. */
static u64 match(const struct emu *cpu, u8 set, u64 first, u64 last)
{
	u64 bits = 0;
	unsigned int n;

	for (n = 0; n < 4; n++)
		if ((set >> n & 1) && touches(&cpu->bp[n], first, last))
			bits |= EMU_DBG_B(n);
	/* A match that is not enabled causes nothing by itself (S81). */
	return bits & cpu->bp_enabled ? bits : 0;
}

bool emu_debug_page_watched(const struct emu *cpu, u64 lin)
{
	u64 page = lin & ~(u64)(EMU_PAGE - 1);
	u8 set = cpu->bp_read | cpu->bp_write;

	return set && match(cpu, set, page, page + EMU_PAGE - 1);
}

/* Is there a code breakpoint that any fetch from these addresses can meet? */
bool emu_debug_code_between(const struct emu *cpu, u64 first, u64 last)
{
	return cpu->bp_code && match(cpu, cpu->bp_code, first, last);
}

bool emu_debug_page_code(const struct emu *cpu, u64 lin)
{
	u64 page = lin & ~(u64)(EMU_PAGE - 1);

	return emu_debug_code_between(cpu, page, page + EMU_PAGE - 1);
}

u64 emu_debug_match_data(const struct emu *cpu, u64 lin, u64 len, bool write)
{
	u64 last = lin + len - 1;

	/* Likewise of an access that goes over the end of all addresses. */
	if (lin > cpu->bp_data_last || last < cpu->bp_data_first)
		return 0;
	return match(cpu, write ? cpu->bp_write : cpu->bp_read, lin, last);
}

u64 emu_debug_match_io(const struct emu *cpu, u16 port, unsigned int size)
{
	/* Nothing is behind the last port (S73). */
	return match(cpu, cpu->bp_io, port, min(port + size - 1, 0xffffU));
}

u64 emu_debug_match_code(const struct emu *cpu, u64 lin)
{
	return match(cpu, cpu->bp_code, lin, lin);
}

static u64 accumulate(struct emu *cpu, u64 old, u64 bits,
		      enum emu_dbg_cause cause)
{
	if (bits)
		emu_trace(cpu, &(struct emu_trace){
			.kind = EMU_TRACE_PENDING, .cause = cause, .old = old,
			.new = old | bits, .held = cpu->new_shadow & EMU_BLOCK_MOV_SS,
		});
	return old | bits;
}

/**
 * emu_debug_add() - traps that become pending when the instruction retires
 * @cpu: engine
 * @bits: pending_dbg bits, may be 0
 * @cause: who noticed them
 */
void emu_debug_add(struct emu *cpu, u64 bits, enum emu_dbg_cause cause)
{
	if (cause == EMU_CAUSE_STEP)
		cpu->st.debug.pending_dbg =
			accumulate(cpu, cpu->st.debug.pending_dbg, bits, cause);
	else if (cause == EMU_CAUSE_IO)
		cpu->new_io |= bits;
	else
		cpu->new_data |= bits;
}

/* emu_debug_commit() where it has met something. */
void emu_debug_commit_hits(struct emu *cpu)
{
	u64 pending = cpu->st.debug.pending_dbg;

	pending = accumulate(cpu, pending, cpu->new_data & EMU_DBG_BT,
			     EMU_CAUSE_TASK);
	pending = accumulate(cpu, pending, cpu->new_data & EMU_DBG_BLD,
			     EMU_CAUSE_BUS_LOCK);
	pending = accumulate(cpu, pending, cpu->new_data & EMU_DBG_B_MASK,
			     EMU_CAUSE_DATA);
	pending = accumulate(cpu, pending, cpu->new_io, EMU_CAUSE_IO);
	cpu->st.debug.pending_dbg = pending;
	cpu->new_data = 0;
	cpu->new_io = 0;
}

/**
 * emu_debug_take() - nothing is pending any more
 * @cpu: engine
 * @cause: EMU_CAUSE_DELIVERED or EMU_CAUSE_DROPPED
 *
 * Return: what was.
 */
u64 emu_debug_take(struct emu *cpu, enum emu_dbg_cause cause)
{
	u64 old = cpu->st.debug.pending_dbg;

	cpu->st.debug.pending_dbg = 0;
	if (old)
		emu_trace(cpu, &(struct emu_trace){
			.kind = EMU_TRACE_PENDING, .cause = cause, .old = old,
		});
	return old;
}

/* A fault drops what its own instruction, or a MOV SS before it, found (S5). */
void emu_debug_drop(struct emu *cpu)
{
	cpu->new_shadow = 0;
	emu_debug_commit(cpu);
	emu_debug_take(cpu, EMU_CAUSE_DROPPED);
}

/**
 * emu_debug_write() - MOV to a debug register
 * @cpu: engine
 * @n: 0 to 3, 6 or 7
 * @val: value; fixed bits keep theirs (S133, S134)
 */
void emu_debug_write(struct emu *cpu, unsigned int n, u64 val)
{
	struct emu_debug *d = &cpu->st.debug;

	if (n == 6) {
		u64 free = EMU_DBG_B_MASK | EMU_DBG_BD | EMU_DBG_BS | EMU_DBG_BT;

		if (emu_has(cpu, EMU_FEAT_BUS_LOCK))
			free |= EMU_DBG_BLD;
		d->dr6 = (val & free) | (EMU_DR6_DEFAULT & ~free);
		return;
	}
	if (n == 7)
		d->dr7 = (val & 0xffff23ffULL) | EMU_DR7_FIXED;
	else
		d->dr[n] = val;
	emu_debug_arm(cpu);
}

/* A LOCKed access that no cache line holds (S150). */
void emu_debug_bus_lock(struct emu *cpu, u64 lin, unsigned int size)
{
	if ((lin & 63) + size > 64 && cpl(cpu) &&
	    cpu->st.debug.debugctl & EMU_DEBUGCTL_BLD)
		emu_debug_add(cpu, EMU_DBG_BLD, EMU_CAUSE_BUS_LOCK);
}

/* A task switch clears L0 to L3 and LE (S136). */
void emu_debug_task_switch(struct emu *cpu)
{
	cpu->st.debug.dr7 &= ~0x155ULL;
	emu_debug_arm(cpu);
}

/**
 * emu_debug_deliver() - what every #DB does to the debug registers
 * @cpu: engine
 * @payload: pending bits, positive polarity; BD too
 * @keep: B3-B0 stay as they are: INT1 on AMD's CPUs (S148)
 * @rip: where it is delivered; the handler may have been entered since
 *
 * B3-B0 are overwritten, BD, BS, BT and BLD accumulate, RTM does not (S146);
 * GD, LBR and BTF are cleared (S151).
 */
void emu_debug_deliver(struct emu *cpu, u64 payload, bool keep, u64 rip)
{
	struct emu_debug *d = &cpu->st.debug;
	u64 old = d->dr6;

	if (!keep)
		d->dr6 &= ~EMU_DBG_B_MASK;
	d->dr6 |= payload & (EMU_DBG_B_MASK | EMU_DBG_BD | EMU_DBG_BS |
			     EMU_DBG_BT);
	if (payload & EMU_DBG_BLD)
		d->dr6 &= ~EMU_DBG_BLD;
	d->dr6 |= EMU_DBG_RTM;
	if (payload & EMU_DBG_RTM)
		d->dr6 &= ~EMU_DBG_RTM;
	d->dr7 &= ~EMU_DR7_GD;
	d->debugctl &= ~(EMU_DEBUGCTL_LBR | EMU_DEBUGCTL_BTF);
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_DEBUG, .old = old, .new = d->dr6, .rip = rip,
	});
}
