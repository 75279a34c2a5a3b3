/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of system "piotrap". Names, types and meaning of events and fields are
 * ABI: they do not change without a documented reason. Fields may be added at the end.
 *
 * DOC: Tracepoints
 *
 * Context of all: process context, in the thread that called PIOTRAP_RUN; no lock is
 * held (the sandbox is taken by an atomic operation), and the code around could sleep.
 * The probe itself, a BPF program for instance, runs with preemption disabled, as on
 * every tracepoint, and must not.
 *
 * Cost of all while disabled: a static branch that is not taken; the fields are not
 * even computed. The branch of what the emulator notices (piotrap_pending_dbg,
 * piotrap_rep_break, piotrap_debug_trap, piotrap_exception, and piotrap_port_io of
 * batches and of what the owner has served) is in its trace hook, so that a call comes
 * before it. Observing changes nothing: not the result of a run and not the path that
 * it takes.
 *
 * Fields that every event has:
 *
 * ======= ==== ===============================================================
 * sandbox u64  number of the sandbox, as PIOTRAP_INFO gives it; never used twice
 *              while the module is loaded
 * owner   u32  process (thread group) that opened the sandbox, as seen from the
 *              initial PID namespace
 * rip     u64  RIP of the virtual CPU
 * ======= ==== ===============================================================
 *
 * Addresses and values are those of the sandbox; there are none of the kernel's.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM piotrap

#if !defined(PIOTRAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PIOTRAP_TRACE_H

#include <linux/tracepoint.h>

#include "sandbox.h"

/*
 * An event whose first argument BPF programs may write to, where the kernel has such.
 * What WRITABLE_DEFINE_EVENT() is depends on who includes this.
 */
#undef WRITABLE_DEFINE_EVENT
#ifdef DEFINE_EVENT_WRITABLE
#define WRITABLE_DEFINE_EVENT(template, name, proto, args, size)	\
	DEFINE_EVENT_WRITABLE(template, name, PARAMS(proto), PARAMS(args), size)
#else
#define WRITABLE_DEFINE_EVENT(template, name, proto, args, size)	\
	DEFINE_EVENT(template, name, PARAMS(proto), PARAMS(args))
#endif

/* Names of numbers, for the text form and for those who read the format. */
#define TRACE_EXIT_REASONS					\
	NAME(PIOTRAP_EXIT_NONE, "none")				\
	NAME(PIOTRAP_EXIT_DONE, "done")				\
	NAME(PIOTRAP_EXIT_LEFT_STREAM, "left_stream")		\
	NAME(PIOTRAP_EXIT_IO_PORT, "io_port")			\
	NAME(PIOTRAP_EXIT_IO_MEM, "io_mem")			\
	NAME(PIOTRAP_EXIT_WATCH, "watch")			\
	NAME(PIOTRAP_EXIT_DEBUG, "debug")			\
	NAME(PIOTRAP_EXIT_EXCEPTION, "exception")		\
	NAME(PIOTRAP_EXIT_INT, "int")				\
	NAME(PIOTRAP_EXIT_IRET, "iret")				\
	NAME(PIOTRAP_EXIT_HLT, "hlt")				\
	NAME(PIOTRAP_EXIT_SHUTDOWN, "shutdown")			\
	NAME(PIOTRAP_EXIT_INTR_WINDOW, "intr_window")		\
	NAME(PIOTRAP_EXIT_MSR, "msr")				\
	NAME(PIOTRAP_EXIT_BUDGET, "budget")			\
	NAME(PIOTRAP_EXIT_SIGNAL, "signal")			\
	NAME(PIOTRAP_EXIT_IMMEDIATE, "immediate")		\
	NAME(PIOTRAP_EXIT_CONSOLE_FULL, "console_full")		\
	NAME(PIOTRAP_EXIT_INPUT_EMPTY, "input_empty")		\
	NAME(PIOTRAP_EXIT_LOG_FULL, "log_full")			\
	NAME(PIOTRAP_EXIT_BPF, "bpf")				\
	NAME(PIOTRAP_EXIT_MEMORY, "memory")			\
	NAME(PIOTRAP_EXIT_UNSUPPORTED, "unsupported")		\
	LAST(PIOTRAP_EXIT_INTERNAL, "internal")

#define TRACE_DIRS						\
	NAME(EMU_READ, "read")					\
	LAST(EMU_WRITE, "write")

#define TRACE_CAUSES						\
	NAME(EMU_CAUSE_DATA, "data")				\
	NAME(EMU_CAUSE_IO, "io")				\
	NAME(EMU_CAUSE_STEP, "step")				\
	NAME(EMU_CAUSE_CODE, "code")				\
	NAME(EMU_CAUSE_TASK, "task")				\
	NAME(EMU_CAUSE_GD, "gd")				\
	NAME(EMU_CAUSE_ICEBP, "icebp")				\
	NAME(EMU_CAUSE_DELIVERED, "delivered")			\
	NAME(EMU_CAUSE_DROPPED, "dropped")			\
	LAST(EMU_CAUSE_BUS_LOCK, "bus_lock")

#define TRACE_REP_REASONS					\
	NAME(EMU_REP_PENDING_DBG, "pending_dbg")		\
	NAME(EMU_REP_SINGLE_STEP, "single_step")		\
	NAME(EMU_REP_SHADOW, "shadow")				\
	NAME(EMU_REP_RESCHED, "resched")			\
	NAME(EMU_REP_HOST, "host")				\
	NAME(EMU_REP_BUDGET, "budget")				\
	NAME(EMU_REP_FAULT, "fault")				\
	NAME(EMU_REP_EXIT, "exit")				\
	NAME(EMU_REP_INTR, "intr")				\
	LAST(EMU_REP_REFETCH, "refetch")

#define TRACE_EVENT_TYPES					\
	NAME(EMU_EV_INTR, "intr")				\
	NAME(EMU_EV_NMI, "nmi")					\
	NAME(EMU_EV_EXCEPTION, "exception")			\
	NAME(EMU_EV_SOFT_INT, "int")				\
	NAME(EMU_EV_ICEBP, "int1")				\
	LAST(EMU_EV_SOFT_EXC, "soft_exception")

#define TRACE_PENDING_BITS					\
	{ 1UL << 0, "B0" },					\
	{ 1UL << 1, "B1" },					\
	{ 1UL << 2, "B2" },					\
	{ 1UL << 3, "B3" },					\
	{ 1UL << 11, "BLD" },					\
	{ 1UL << 13, "BD" },					\
	{ 1UL << 14, "BS" },					\
	{ 1UL << 15, "BT" },					\
	{ 1UL << 16, "RTM" }

#define TRACE_GROUPS						\
	{ PIOTRAP_GROUP_REGS, "regs" },				\
	{ PIOTRAP_GROUP_SEGS, "segs" },				\
	{ PIOTRAP_GROUP_CTRL, "ctrl" },				\
	{ PIOTRAP_GROUP_DEBUG, "debug" },			\
	{ PIOTRAP_GROUP_EVENT, "event" },			\
	{ PIOTRAP_GROUP_BUDGET, "budget" },			\
	{ PIOTRAP_GROUP_IO, "io" }

#undef NAME
#undef LAST
#define NAME(value, name)	TRACE_DEFINE_ENUM(value);
#define LAST(value, name)	TRACE_DEFINE_ENUM(value);

TRACE_EXIT_REASONS
TRACE_DIRS
TRACE_CAUSES
TRACE_REP_REASONS
TRACE_EVENT_TYPES

#undef NAME
#undef LAST
#define NAME(value, name)	{ value, name },
#define LAST(value, name)	{ value, name }

/**
 * piotrap_run_enter - a run begins
 * @sb: sandbox
 * @dirty: groups that were taken from the run page
 * @stream_len: bytes of the instruction stream submitted, 0: none
 *
 * Hit when all that the owner gave has been found valid and has been taken, so the
 * fields are what the run starts from. A call that is refused is none.
 *
 * Pairing: one piotrap_run_exit, in the same thread; all other events of the sandbox
 * lie between two such. @pending_dbg is that of the last exit, unless the owner has
 * changed it (group DEBUG in @dirty, or PIOTRAP_SET_STATE).
 *
 * Fields: rflags u64; budget u64: boundaries left; dirty u32: PIOTRAP_GROUP_*;
 * stream_len u32: bytes; cs u16: selector; pending_dbg u64: bits as in DR6, positive
 * polarity.
 *
 * Context: Process context, preemptible, no lock held.
 */
TRACE_EVENT(piotrap_run_enter,
	TP_PROTO(const struct sandbox *sb, u32 dirty, u32 stream_len),
	TP_ARGS(sb, dirty, stream_len),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u64, rflags)
		__field(__u64, budget)
		__field(__u32, owner)
		__field(__u32, dirty)
		__field(__u32, stream_len)
		__field(__u16, cs)
		__field(__u64, pending_dbg)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = sb->cpu.st.regs.rip;
		__entry->rflags = sb->cpu.st.regs.rflags;
		__entry->budget = sb->cpu.st.budget;
		__entry->owner = sb->pid;
		__entry->dirty = dirty;
		__entry->stream_len = stream_len;
		__entry->cs = sb->cpu.st.segs.seg[EMU_CS].selector;
		__entry->pending_dbg = sb->cpu.st.debug.pending_dbg;
	),
	TP_printk("sandbox=%llu owner=%u cs=%x rip=%llx rflags=%llx budget=%llu dirty=%s stream_len=%u pending_dbg=%s",
		  __entry->sandbox, __entry->owner, __entry->cs, __entry->rip,
		  __entry->rflags, __entry->budget,
		  __print_flags((unsigned long)__entry->dirty, "|",
				TRACE_GROUPS),
		  __entry->stream_len,
		  __print_flags((unsigned long)__entry->pending_dbg, "|",
				TRACE_PENDING_BITS))
);

/**
 * piotrap_run_exit - the run ends
 * @sb: sandbox
 * @reason: why
 * @addr: as in the run page's @exit_addr
 * @boundaries: boundaries passed, instructions and REP iterations
 *
 * Hit after all other events of the run, before the run page is written.
 *
 * Pairing: each piotrap_run_enter has one, whatever ends the run.
 *
 * Fields: addr u64: port, physical address or number of an MSR; boundaries u64;
 * reason u32: enum piotrap_exit_reason, by name in the text; cs u16: selector;
 * pending_dbg u64: bits as in DR6, positive polarity: what was recognised and is
 * neither delivered nor dropped.
 *
 * Context: Process context, preemptible, no lock held.
 */
TRACE_EVENT(piotrap_run_exit,
	TP_PROTO(const struct sandbox *sb, u32 reason, u64 addr,
		 u64 boundaries),
	TP_ARGS(sb, reason, addr, boundaries),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u64, addr)
		__field(__u64, boundaries)
		__field(__u32, owner)
		__field(__u32, reason)
		__field(__u16, cs)
		__field(__u64, pending_dbg)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = sb->cpu.st.regs.rip;
		__entry->addr = addr;
		__entry->boundaries = boundaries;
		__entry->owner = sb->pid;
		__entry->reason = reason;
		__entry->cs = sb->cpu.st.segs.seg[EMU_CS].selector;
		__entry->pending_dbg = sb->cpu.st.debug.pending_dbg;
	),
	TP_printk("sandbox=%llu owner=%u reason=%s cs=%x rip=%llx addr=%llx boundaries=%llu pending_dbg=%s",
		  __entry->sandbox, __entry->owner,
		  __print_symbolic(__entry->reason, TRACE_EXIT_REASONS),
		  __entry->cs, __entry->rip, __entry->addr,
		  __entry->boundaries,
		  __print_flags((unsigned long)__entry->pending_dbg, "|",
				TRACE_PENDING_BITS))
);

DECLARE_EVENT_CLASS(piotrap_schedule,
	TP_PROTO(const struct sandbox *sb),
	TP_ARGS(sb),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u32, owner)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = sb->cpu.st.regs.rip;
		__entry->owner = sb->pid;
	),
	TP_printk("sandbox=%llu owner=%u rip=%llx", __entry->sandbox,
		  __entry->owner, __entry->rip)
);

/**
 * piotrap_preempt - the run gives the CPU away
 * @sb: sandbox
 *
 * Hit when the scheduler wants the CPU back and a run notices, just before it is
 * given away. A kernel with full preemption takes the CPU where it likes, and then
 * this is seldom hit: sched_switch tells of it there.
 *
 * Pairing: one piotrap_resume, in the same run; no other event of the sandbox lies
 * between the two.
 *
 * Fields: rip u64: of the next instruction, or of the REP that is under way.
 *
 * Context: Process context, preemptible, no lock held.
 */
DEFINE_EVENT(piotrap_schedule, piotrap_preempt,
	TP_PROTO(const struct sandbox *sb),
	TP_ARGS(sb)
);

/**
 * piotrap_resume - the run has the CPU again
 * @sb: sandbox
 *
 * Hit just after it was given away, maybe on another CPU.
 *
 * Pairing: each piotrap_preempt has one: the time between them is what the run has
 * waited.
 *
 * Fields: as of piotrap_preempt, with the same values.
 *
 * Context: Process context, preemptible, no lock held.
 */
DEFINE_EVENT(piotrap_schedule, piotrap_resume,
	TP_PROTO(const struct sandbox *sb),
	TP_ARGS(sb)
);

/**
 * piotrap_port_io - a port is accessed
 * @sb: sandbox
 * @port: port
 * @dir: direction
 * @size: bytes an element
 * @fast: by the bulk path of a REP
 * @count: elements
 * @value: data of the first element
 *
 * One event for each access, or for each batch of a REP that the bulk path does. A
 * write is hit before it has its effect, a read after.
 *
 * Pairing: none. An access that the owner serves is hit when it is committed, in the
 * run after the exit; one that ends in an exit or a fault is not hit.
 *
 * Fields: count u64: elements; value u32: of the first element, zero-extended; port
 * u16; dir u8: 0 read, 1 write; size u8: bytes: 1, 2, 4; fast u8: 0, 1; rip u64: of
 * the instruction.
 *
 * Context: Process context, preemptible, no lock held.
 */
TRACE_EVENT(piotrap_port_io,
	TP_PROTO(const struct sandbox *sb, u16 port, u8 dir, u8 size, bool fast,
		 u64 count, u32 value),
	TP_ARGS(sb, port, dir, size, fast, count, value),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u64, count)
		__field(__u32, owner)
		__field(__u32, value)
		__field(__u16, port)
		__field(__u8, dir)
		__field(__u8, size)
		__field(__u8, fast)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = sb->cpu.st.regs.rip;
		__entry->count = count;
		__entry->owner = sb->pid;
		__entry->value = value;
		__entry->port = port;
		__entry->dir = dir;
		__entry->size = size;
		__entry->fast = fast;
	),
	TP_printk("sandbox=%llu owner=%u %s port=%x size=%u value=%x count=%llu fast=%u rip=%llx",
		  __entry->sandbox, __entry->owner,
		  __print_symbolic(__entry->dir, TRACE_DIRS), __entry->port,
		  __entry->size, __entry->value, __entry->count, __entry->fast,
		  __entry->rip)
);

DECLARE_EVENT_CLASS(piotrap_bpf,
	TP_PROTO(struct piotrap_bpf_io *io, const struct piotrap_bpf_io *asked),
	TP_ARGS(io, asked),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u32, owner)
		__field(__u32, value)
		__field(__u16, port)
		__field(__u8, dir)
		__field(__u8, size)
		__field(__u8, again)
	),
	TP_fast_assign(
		__entry->sandbox = asked->sandbox;
		__entry->rip = asked->rip;
		__entry->owner = asked->owner;
		__entry->value = asked->value;
		__entry->port = asked->port;
		__entry->dir = asked->dir;
		__entry->size = asked->size;
		__entry->again = asked->again;
	),
	TP_printk("sandbox=%llu owner=%u %s port=%x size=%u value=%x again=%u rip=%llx",
		  __entry->sandbox, __entry->owner,
		  __print_symbolic(__entry->dir, TRACE_DIRS), __entry->port,
		  __entry->size, __entry->value, __entry->again, __entry->rip)
);

/**
 * piotrap_bpf_io - a BPF program is asked about a port access
 * @io: question and answer; a raw_tp.w program may change it
 * @asked: the question
 *
 * Hit for each access to a range of kind PIOTRAP_PORT_BPF in a sandbox with
 * PIOTRAP_CONFIG_BPF, before anything of the access has happened: once for each
 * element of a REP, and for each byte of an access that touches ports of different
 * kinds. A reader of the event sees the question, and answers nothing.
 *
 * Pairing: followed by the access's piotrap_port_io, or by piotrap_run_exit with
 * reason bpf. Where ports of different kinds are written piotrap_port_io comes with
 * the first byte, and questions about others after it.
 *
 * Fields: value u32: write: data; read: what is stored in the range; port u16; dir u8:
 * 0 read, 1 write; size u8: bytes: 1, 2, 4; again u8: 1: a run has ended before this
 * very access, by such a program; rip u64: of the instruction.
 *
 * Context: Process context, preemptible, no lock held.
 */
WRITABLE_DEFINE_EVENT(piotrap_bpf, piotrap_bpf_io,
	TP_PROTO(struct piotrap_bpf_io *io, const struct piotrap_bpf_io *asked),
	TP_ARGS(io, asked),
	sizeof(struct piotrap_bpf_io)
);

/**
 * piotrap_pending_dbg - the traps recognised but not yet delivered change
 * @sb: sandbox
 * @t: what the emulator reports
 *
 * Hit for each change: bits added, delivered as a #DB, or dropped.
 *
 * Pairing: @old is @new of the event before, or @pending_dbg of piotrap_run_enter if it
 * is the first of its run; @new of the last is @pending_dbg of piotrap_run_exit. So
 * each bit that a cause other than delivered and dropped adds ends delivered, dropped
 * or still pending at the exit.
 *
 * Fields: rcx u64: RCX, the count of a REP; old u64, new u64: bits as in DR6, positive
 * polarity; cause u8: enum emu_dbg_cause, by name in the text; held u8: 1: a MOV SS or
 * POP SS shadow holds them; rip u64: where the CPU is.
 *
 * Context: Process context, preemptible, no lock held.
 */
TRACE_EVENT(piotrap_pending_dbg,
	TP_PROTO(const struct sandbox *sb, const struct emu_trace *t),
	TP_ARGS(sb, t),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u64, rcx)
		__field(__u64, old)
		__field(__u64, new)
		__field(__u32, owner)
		__field(__u8, cause)
		__field(__u8, held)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = sb->cpu.st.regs.rip;
		__entry->rcx = sb->cpu.st.regs.gpr[EMU_RCX];
		__entry->old = t->old;
		__entry->new = t->new;
		__entry->owner = sb->pid;
		__entry->cause = t->cause;
		__entry->held = t->held;
	),
	TP_printk("sandbox=%llu owner=%u cause=%s old=%s new=%s held=%u rip=%llx rcx=%llx",
		  __entry->sandbox, __entry->owner,
		  __print_symbolic(__entry->cause, TRACE_CAUSES),
		  __print_flags((unsigned long)__entry->old, "|",
				TRACE_PENDING_BITS),
		  __print_flags((unsigned long)__entry->new, "|",
				TRACE_PENDING_BITS),
		  __entry->held, __entry->rip, __entry->rcx)
);

/**
 * piotrap_rep_break - a REP stops before its end
 * @sb: sandbox
 * @t: what the emulator reports
 *
 * Hit once for each break of the loop; a REP that is not broken has none.
 *
 * Pairing: with reason resched it follows piotrap_preempt and piotrap_resume, and goes
 * on in the same run; else none.
 *
 * Fields: done u64: iterations since the loop was last entered; left u64: iterations
 * left; reason u8: enum emu_rep_reason, by name in the text; fast u8: 1: the bulk path
 * made the last iterations; rip u64: of the instruction.
 *
 * Context: Process context, preemptible, no lock held.
 */
TRACE_EVENT(piotrap_rep_break,
	TP_PROTO(const struct sandbox *sb, const struct emu_trace *t),
	TP_ARGS(sb, t),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u64, done)
		__field(__u64, left)
		__field(__u32, owner)
		__field(__u8, reason)
		__field(__u8, fast)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = sb->cpu.st.regs.rip;
		__entry->done = t->count;
		__entry->left = t->left;
		__entry->owner = sb->pid;
		__entry->reason = t->cause;
		__entry->fast = t->fast;
	),
	TP_printk("sandbox=%llu owner=%u reason=%s done=%llu left=%llu fast=%u rip=%llx",
		  __entry->sandbox, __entry->owner,
		  __print_symbolic(__entry->reason, TRACE_REP_REASONS),
		  __entry->done, __entry->left, __entry->fast, __entry->rip)
);

/**
 * piotrap_debug_trap - a #DB is delivered
 * @sb: sandbox
 * @t: what the emulator reports
 *
 * Hit when DR6 changes: through the IVT or IDT, or when the owner takes the event
 * (PIOTRAP_EVENT_TAKE). One that the owner absorbs is not hit.
 *
 * Pairing: follows piotrap_exception with vector 1, in the same run where the guest's
 * handler gets it, in the next where the owner answers it; one that the owner has made
 * up follows nothing.
 *
 * Fields: dr6_old u64, dr6_new u64: DR6 before and after; rip u64: where it is
 * delivered, the one that a frame would hold.
 *
 * Context: Process context, preemptible, no lock held.
 */
TRACE_EVENT(piotrap_debug_trap,
	TP_PROTO(const struct sandbox *sb, const struct emu_trace *t),
	TP_ARGS(sb, t),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u64, dr6_old)
		__field(__u64, dr6_new)
		__field(__u32, owner)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = t->rip;
		__entry->dr6_old = t->old;
		__entry->dr6_new = t->new;
		__entry->owner = sb->pid;
	),
	TP_printk("sandbox=%llu owner=%u dr6=%llx->%llx rip=%llx",
		  __entry->sandbox, __entry->owner, __entry->dr6_old,
		  __entry->dr6_new, __entry->rip)
);

/**
 * piotrap_exception - an exception or interrupt
 * @sb: sandbox
 * @t: what the emulator reports
 *
 * Hit before the event is delivered or leaves to the owner.
 *
 * Pairing: a #DB is followed by piotrap_debug_trap if and when DR6 changes; others have
 * none.
 *
 * Fields: error_code u32: 0 where there is none; cs u16: selector; vector u8; type u8:
 * as in struct piotrap_event, by name in the text; rip u64: of the instruction that
 * raised it.
 *
 * Context: Process context, preemptible, no lock held.
 */
TRACE_EVENT(piotrap_exception,
	TP_PROTO(const struct sandbox *sb, const struct emu_trace *t),
	TP_ARGS(sb, t),
	TP_STRUCT__entry(
		__field(__u64, sandbox)
		__field(__u64, rip)
		__field(__u32, owner)
		__field(__u32, error_code)
		__field(__u16, cs)
		__field(__u8, vector)
		__field(__u8, type)
	),
	TP_fast_assign(
		__entry->sandbox = sb->id;
		__entry->rip = sb->cpu.st.regs.rip;
		__entry->owner = sb->pid;
		__entry->error_code = t->value;
		__entry->cs = sb->cpu.st.segs.seg[EMU_CS].selector;
		__entry->vector = t->vector;
		__entry->type = t->cause;
	),
	TP_printk("sandbox=%llu owner=%u vector=%u type=%s error_code=%x cs=%x rip=%llx",
		  __entry->sandbox, __entry->owner, __entry->vector,
		  __print_symbolic(__entry->type, TRACE_EVENT_TYPES),
		  __entry->error_code, __entry->cs, __entry->rip)
);

#endif /* PIOTRAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
