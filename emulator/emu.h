/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulator's public header: the whole state of one x86 CPU, the hooks by
 * which it reaches its host, and the calls that make it run.
 *
 * S-numbers in comments are those of Documentation/semantics.rst, K-numbers
 * those of Documentation/emulator.rst.
 */
#ifndef EMU_H
#define EMU_H

#include "env.h"

struct emu;

/* General registers in encoding order, as indices of emu_regs.gpr. */
enum emu_gpr {
	EMU_RAX, EMU_RCX, EMU_RDX, EMU_RBX, EMU_RSP, EMU_RBP, EMU_RSI, EMU_RDI,
	EMU_R8, EMU_R9, EMU_R10, EMU_R11, EMU_R12, EMU_R13, EMU_R14, EMU_R15,
	EMU_NR_GPRS
};

/* Segment registers in encoding order, as indices of emu_segs.seg. */
enum emu_sreg {
	EMU_ES, EMU_CS, EMU_SS, EMU_DS, EMU_FS, EMU_GS, EMU_LDTR, EMU_TR,
	EMU_NR_SREGS
};

#define EMU_FL_CF		BIT_ULL(0)
#define EMU_FL_FIXED		BIT_ULL(1)	/* always reads as one */
#define EMU_FL_PF		BIT_ULL(2)
#define EMU_FL_AF		BIT_ULL(4)
#define EMU_FL_ZF		BIT_ULL(6)
#define EMU_FL_SF		BIT_ULL(7)
#define EMU_FL_TF		BIT_ULL(8)
#define EMU_FL_IF		BIT_ULL(9)
#define EMU_FL_DF		BIT_ULL(10)
#define EMU_FL_OF		BIT_ULL(11)
#define EMU_FL_IOPL		(3ULL << 12)
#define EMU_FL_IOPL_SHIFT	12
#define EMU_FL_NT		BIT_ULL(14)
#define EMU_FL_RF		BIT_ULL(16)
#define EMU_FL_VM		BIT_ULL(17)
#define EMU_FL_AC		BIT_ULL(18)
#define EMU_FL_VIF		BIT_ULL(19)
#define EMU_FL_VIP		BIT_ULL(20)
#define EMU_FL_ID		BIT_ULL(21)
#define EMU_FL_ARITH		(EMU_FL_CF | EMU_FL_PF | EMU_FL_AF | \
				 EMU_FL_ZF | EMU_FL_SF | EMU_FL_OF)
#define EMU_FL_VALID		0x3f7fd7ULL	/* every bit that exists */

#define EMU_CR0_PE		BIT_ULL(0)
#define EMU_CR0_MP		BIT_ULL(1)
#define EMU_CR0_EM		BIT_ULL(2)
#define EMU_CR0_TS		BIT_ULL(3)
#define EMU_CR0_ET		BIT_ULL(4)
#define EMU_CR0_NE		BIT_ULL(5)
#define EMU_CR0_WP		BIT_ULL(16)
#define EMU_CR0_AM		BIT_ULL(18)
#define EMU_CR0_NW		BIT_ULL(29)
#define EMU_CR0_CD		BIT_ULL(30)
#define EMU_CR0_PG		BIT_ULL(31)

#define EMU_CR4_VME		BIT_ULL(0)
#define EMU_CR4_PVI		BIT_ULL(1)
#define EMU_CR4_TSD		BIT_ULL(2)
#define EMU_CR4_DE		BIT_ULL(3)
#define EMU_CR4_PSE		BIT_ULL(4)
#define EMU_CR4_PAE		BIT_ULL(5)
#define EMU_CR4_MCE		BIT_ULL(6)
#define EMU_CR4_PGE		BIT_ULL(7)
#define EMU_CR4_PCE		BIT_ULL(8)
#define EMU_CR4_OSFXSR		BIT_ULL(9)
#define EMU_CR4_OSXMMEXCPT	BIT_ULL(10)
#define EMU_CR4_UMIP		BIT_ULL(11)
#define EMU_CR4_FSGSBASE	BIT_ULL(16)
#define EMU_CR4_OSXSAVE		BIT_ULL(18)
#define EMU_CR4_SMEP		BIT_ULL(20)
#define EMU_CR4_SMAP		BIT_ULL(21)

#define EMU_CR4_VALID		(0x7ffULL | EMU_CR4_UMIP | EMU_CR4_FSGSBASE | \
				 EMU_CR4_OSXSAVE | EMU_CR4_SMEP | EMU_CR4_SMAP)

#define EMU_EFER_SCE		BIT_ULL(0)
#define EMU_EFER_LME		BIT_ULL(8)
#define EMU_EFER_LMA		BIT_ULL(10)
#define EMU_EFER_NXE		BIT_ULL(11)

#define EMU_DR7_GD		BIT_ULL(13)
#define EMU_DR7_FIXED		BIT_ULL(10)
#define EMU_DR7_ENABLED		0xffULL	/* L0-L3, G0-G3 */

/*
 * pending_dbg uses DR6's bit positions, all in positive polarity (S6).
 * BS and BT never stay pending beyond one boundary; BD is never pending.
 */
#define EMU_DBG_B(n)		BIT_ULL(n)
#define EMU_DBG_B_MASK		0xfULL
#define EMU_DBG_BLD		BIT_ULL(11)
#define EMU_DBG_BD		BIT_ULL(13)
#define EMU_DBG_BS		BIT_ULL(14)
#define EMU_DBG_BT		BIT_ULL(15)
#define EMU_DBG_RTM		BIT_ULL(16)
#define EMU_DBG_VALID		(EMU_DBG_B_MASK | EMU_DBG_BLD | EMU_DBG_BS | \
				 EMU_DBG_BT | EMU_DBG_RTM)
#define EMU_DR6_DEFAULT		0xffff0ff0ULL

#define EMU_DEBUGCTL_LBR	BIT_ULL(0)
#define EMU_DEBUGCTL_BTF	BIT_ULL(1)
#define EMU_DEBUGCTL_BLD	BIT_ULL(2)	/* #DB after a bus lock above CPL 0 */
#define EMU_DEBUGCTL_VALID	(EMU_DEBUGCTL_LBR | EMU_DEBUGCTL_BTF | \
				 EMU_DEBUGCTL_BLD)

/* emu_debug.interruptibility, in the VMCS layout. */
#define EMU_BLOCK_STI		BIT(0)
#define EMU_BLOCK_MOV_SS	BIT(1)
#define EMU_BLOCK_SMI		BIT(2)
#define EMU_BLOCK_NMI		BIT(3)

/* emu_debug.activity, in the VMCS encoding. */
enum emu_activity { EMU_ACTIVE, EMU_HLT, EMU_SHUTDOWN };

struct emu_regs {
	u64 gpr[EMU_NR_GPRS];
	u64 rip;
	u64 rflags;
};

/* Access rights (attr) in the VMCS layout. */
#define EMU_SEG_TYPE		0xfu
#define EMU_SEG_ACCESSED	BIT(0)
#define EMU_SEG_WRITABLE	BIT(1)	/* data: writable; code: readable */
#define EMU_SEG_EXPAND_DOWN	BIT(2)	/* data: expand-down; code: conforming */
#define EMU_SEG_CODE		BIT(3)
#define EMU_SEG_S		BIT(4)
#define EMU_SEG_DPL_SHIFT	5
#define EMU_SEG_DPL		(3u << EMU_SEG_DPL_SHIFT)
#define EMU_SEG_P		BIT(7)
#define EMU_SEG_L		BIT(13)
#define EMU_SEG_DB		BIT(14)
#define EMU_SEG_G		BIT(15)
#define EMU_SEG_UNUSABLE	BIT(16)
#define EMU_SEG_VALID		0x1f0ffu

struct emu_segment {
	u64 base;
	u32 limit;		/* in bytes, granularity applied */
	u32 attr;
	u16 selector;
	u16 reserved[3];
};

struct emu_dtable {
	u64 base;
	u16 limit;
	u16 reserved[3];
};

struct emu_segs {
	struct emu_segment seg[EMU_NR_SREGS];
	struct emu_dtable gdtr;
	struct emu_dtable idtr;
};

struct emu_ctrl {
	u64 cr0;
	u64 cr2;
	u64 cr3;
	u64 cr4;
	u64 cr8;
	u64 xcr0;
	u64 efer;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 tsc_aux;
	u64 tsc;
	u64 pat;
	u64 apic_base;
	u64 misc_enable;
};

struct emu_debug {
	u64 dr[4];
	u64 dr6;
	u64 dr7;
	u64 debugctl;
	u64 pending_dbg;
	u32 interruptibility;
	u32 activity;
	u32 dr_mask[4];		/* AMD: bits of an address that do not count (S83) */
};

/* emu_event.type, in the VMCS encoding of interruption types. */
enum emu_event_type {
	EMU_EV_INTR = 0,	/* external interrupt */
	EMU_EV_NMI = 2,
	EMU_EV_EXCEPTION = 3,	/* hardware exception, fault or trap */
	EMU_EV_SOFT_INT = 4,	/* INT n */
	EMU_EV_ICEBP = 5,	/* INT1, F1 */
	EMU_EV_SOFT_EXC = 6,	/* INT3, INTO */
};

#define EMU_EVENT_ERROR		BIT(0)	/* an error code is pushed */
#define EMU_EVENT_PAYLOAD	BIT(1)	/* payload counts: #DB, #PF */
#define EMU_EVENT_RF		BIT(2)	/* RF is pushed as one */

/* What is to become of a held event; the owner's answer (K7). */
enum emu_event_action {
	EMU_EVENT_NONE,		/* no event is held */
	EMU_EVENT_HELD,		/* left with it, no answer yet */
	EMU_EVENT_DELIVER,	/* through IVT or IDT, with all effects */
	EMU_EVENT_TAKE,		/* the owner is the handler: effects, no frame */
	EMU_EVENT_ABSORB,	/* nothing is applied */
};

/**
 * struct emu_event - an exception, software interrupt or injected event
 * @action: one of enum emu_event_action
 * @vector: 0 to 255
 * @type: one of enum emu_event_type
 * @insn_len: length of the INT instruction, added to RIP on delivery
 * @error_code: counts with EMU_EVENT_ERROR
 * @payload: pending_dbg bits (#DB) or the faulting address (#PF)
 * @flags: EMU_EVENT_*
 * @intr_pending: an external interrupt waits for IF and the shadows
 * @intr_vector: its vector
 * @nmi_pending: an NMI waits
 * @intr_window: leave as soon as an interrupt could be taken
 * @init_pending: INIT waits; no shadow holds it
 * @mc_pending: a machine check waits, likewise
 * @reserved: zero
 */
struct emu_event {
	u8 action;
	u8 vector;
	u8 type;
	u8 insn_len;
	u32 error_code;
	u64 payload;
	u32 flags;
	u8 intr_pending;
	u8 intr_vector;
	u8 nmi_pending;
	u8 intr_window;
	u8 init_pending;
	u8 mc_pending;
	u8 reserved[6];
};

enum emu_io_kind { EMU_IO_NONE, EMU_IO_PORT, EMU_IO_MEM, EMU_IO_MSR };
enum emu_dir { EMU_READ, EMU_WRITE };

/* The most bytes that one I/O exit can carry. */
#define EMU_IO_DATA		4096

#define EMU_IO_STRING		BIT(0)	/* INS or OUTS, or a string to memory */
#define EMU_IO_REP		BIT(1)
#define EMU_IO_PART		BIT(2)	/* one byte of an access that is split */

/**
 * struct emu_io - an access that the host's owner serves (K6)
 * @addr: port, physical address of the first element, or number of the MSR
 * @rip: of the instruction that made it
 * @count: elements offered
 * @done: elements that the owner has answered, 0 to @count
 * @used: of these, the ones that are committed
 * @kind: enum emu_io_kind; EMU_IO_NONE: none is pending
 * @dir: enum emu_dir
 * @size: bytes an element: 1, 2, 4, for memory also 8, for an MSR always 8
 * @flags: EMU_IO_*
 *
 * The data, in element order without gaps, is in emu_state.io_data.
 */
struct emu_io {
	u64 addr;
	u64 rip;
	u32 count;
	u32 done;
	u32 used;
	u8 kind;
	u8 dir;
	u8 size;
	u8 flags;
};

#define EMU_REPLAY_MAX		64

/* One access that has been served for an instruction not yet committed. */
struct emu_replay {
	u64 addr;
	u64 val;
	u8 kind;
	u8 dir;
	u8 size;
	u8 reserved[5];
};

/**
 * struct emu_progress - the instruction under way (K6, K8)
 * @in_rep: stopped of its own accord between two iterations of a string
 *	instruction; goes on without permission or code breakpoint check (S42, S57)
 * @insn_len: not 0: the bytes in @insn are executed instead of memory's
 * @nr_replay: accesses in @replay that have been served
 * @after_event: an event was delivered, and nothing has been executed since (K14)
 * @watch_passed: watches that were left for before an access of it
 * @insn: the bytes that were decoded before the exit
 * @permitted: not 0: it may access its ports; the first @permitted - 1 entries of
 *	@replay are the accesses that finding this out took
 * @stopped: 1: @port_check has stopped before the port access that comes next
 * @reserved: zero
 * @replay: in program order
 */
struct emu_progress {
	u8 in_rep;
	u8 insn_len;
	u8 nr_replay;
	u8 after_event;
	u32 watch_passed;
	u8 insn[16];
	u8 permitted;
	u8 stopped;
	u8 reserved[6];
	struct emu_replay replay[EMU_REPLAY_MAX];
};

#define EMU_STREAM_MAX		4096

/**
 * struct emu_stream - an overlay for instruction fetch (K5)
 * @start: linear address of its first byte
 * @len: bytes; 0 where there is none
 * @reserved: zero
 * @bytes: instruction bytes
 */
struct emu_stream {
	u64 start;
	u32 len;
	u32 reserved;
	u8 bytes[EMU_STREAM_MAX];
};

#define EMU_BUDGET_UNLIMITED	(~0ULL)

/**
 * struct emu_state - everything that a boundary carries over, without pointers
 * @regs: general registers, RIP, RFLAGS
 * @segs: segments and descriptor tables
 * @ctrl: control registers and MSRs
 * @debug: debug registers, pending traps, shadows, activity
 * @event: held or injected event
 * @budget: boundaries that may still be passed: one for each instruction started
 *	(completed or faulting), or, of a REP, for each iteration (an empty REP is
 *	one), and one for each event that follows another with no instruction
 *	between them (K14)
 * @io: pending access (K6)
 * @progress: instruction under way
 * @stream: instruction stream (K5)
 * @io_data: data of @io
 *
 * Saving it at any exit and restoring it elsewhere loses nothing.
 */
struct emu_state {
	struct emu_regs regs;
	struct emu_segs segs;
	struct emu_ctrl ctrl;
	struct emu_debug debug;
	struct emu_event event;
	u64 budget;
	struct emu_io io;
	struct emu_progress progress;
	struct emu_stream stream;
	u8 io_data[EMU_IO_DATA];
};

/**
 * enum emu_result - what a hook, a handler and a step come back with
 * @EMU_OK: done.
 * @EMU_EXCEPTION: an exception is recorded by emu_raise(); the instruction or
 *	iteration has changed nothing.
 * @EMU_EXIT: the host wants control before this access; the instruction or
 *	iteration has changed nothing, and is started again by the next run. A
 *	port or memory hook that leaves emu.host_exit at 0 asks its owner to serve
 *	the access (emu_io); one that sets it only stops.
 * @EMU_FAIL: the host cannot do it (no memory there): the same guarantee, and
 *	emu_exit_info says which access failed.
 * @EMU_RETRY: internal: start the instruction again (a lost cmpxchg).
 *
 * An access that a hook has served for an instruction which then has to leave is
 * kept in emu_progress and not made again.
 */
enum emu_result { EMU_OK, EMU_EXCEPTION, EMU_EXIT, EMU_FAIL, EMU_RETRY };

/* Why emu_run() came back. */
enum emu_exit {
	EMU_EXIT_NONE,
	EMU_EXIT_STREAM_DONE,	/* RIP is exactly at the stream's end */
	EMU_EXIT_STREAM_LEFT,	/* RIP is anywhere else outside it */
	EMU_EXIT_IO,		/* emu_state.io wants an answer */
	EMU_EXIT_EVENT,		/* emu_state.event wants an answer */
	EMU_EXIT_IRET,		/* before an IRET, with EMU_INTERCEPT_IRET */
	EMU_EXIT_HLT,
	EMU_EXIT_SHUTDOWN,
	EMU_EXIT_INTR_WINDOW,
	EMU_EXIT_BUDGET,
	EMU_EXIT_MEMORY,	/* no memory behind an access: emu_exit_info */
	EMU_EXIT_UNSUPPORTED,	/* instruction not modelled: emu_exit_info */
	EMU_EXIT_HOST,		/* a hook set emu.host_exit */
	EMU_EXIT_WATCH,		/* a watch was hit: emu_exit_info */
};

enum emu_access { EMU_ACC_READ, EMU_ACC_WRITE, EMU_ACC_FETCH };

/* Bits of #PF's error code. */
#define EMU_PF_P		BIT(0)
#define EMU_PF_W		BIT(1)
#define EMU_PF_U		BIT(2)
#define EMU_PF_RSVD		BIT(3)
#define EMU_PF_I		BIT(4)

/*
 * What belongs to EMU_EXIT_MEMORY and EMU_EXIT_UNSUPPORTED. In the caller's memory
 * @linear is the first byte that failed, @gpa the same, and @error what a #PF
 * would have as error code.
 */
struct emu_exit_info {
	u64 linear;
	u64 gpa;
	u32 error;
	u32 watch;		/* bit n: watch n was hit, @linear is the address or port */
	u64 value;		/* what was, or is to be, read or written there */
	u8 size;
	u8 access;		/* enum emu_access */
	u8 insn_len;		/* decoded length, 0 if not decoded */
	u8 insn[15];
};

/* Trace points inside; the host may ignore them all. */
enum emu_trace_kind {
	EMU_TRACE_PORT,		/* one port access, or a bulk of them */
	EMU_TRACE_PENDING,	/* pending_dbg changed, or was dropped */
	EMU_TRACE_REP_BREAK,	/* a REP loop stopped before its end */
	EMU_TRACE_DEBUG,	/* a #DB was delivered */
	EMU_TRACE_EVENT,	/* any event, #DB too, is delivered or leaves */
};

/* Who changed pending_dbg. */
enum emu_dbg_cause {
	EMU_CAUSE_DATA, EMU_CAUSE_IO, EMU_CAUSE_STEP, EMU_CAUSE_CODE,
	EMU_CAUSE_TASK, EMU_CAUSE_GD, EMU_CAUSE_ICEBP,
	EMU_CAUSE_DELIVERED, EMU_CAUSE_DROPPED, EMU_CAUSE_BUS_LOCK,
};

/* Why a REP loop broke. */
enum emu_rep_reason {
	EMU_REP_PENDING_DBG, EMU_REP_SINGLE_STEP, EMU_REP_SHADOW, EMU_REP_RESCHED,
	EMU_REP_HOST, EMU_REP_BUDGET, EMU_REP_FAULT, EMU_REP_EXIT, EMU_REP_INTR,
	EMU_REP_REFETCH,
};

/**
 * struct emu_trace - one event for the trace hook
 * @kind: which, and so which of the members count
 * @cause: enum emu_dbg_cause or enum emu_rep_reason
 * @dir: port: enum emu_dir
 * @size: port: bytes an element
 * @fast: port, rep_break: the bulk path did it
 * @held: pending: the shadow that the instruction casts holds it
 * @port: port
 * @count: port: elements; rep_break: iterations done
 * @value: port: of the first element; event: error code
 * @old: pending: before; debug: DR6 before
 * @new: pending: after; debug: DR6 after
 * @left: rep_break: iterations left
 * @rip: debug: where it is delivered, as a frame has it
 * @vector: event
 */
struct emu_trace {
	enum emu_trace_kind kind;
	u8 cause;
	u8 dir;
	u8 size;
	bool fast;
	bool held;
	u8 vector;
	u16 port;
	u64 count;
	u64 value;
	u64 old;
	u64 new;
	u64 left;
	u64 rip;
};

#define EMU_DECLINED	(-1LL)	/* no value of a port */

struct emu_uop;

/* What running a uop comes to: one step of a block of decoded code, or more. */
enum emu_uop_result {
	UOP_NEXT,		/* done; the next of the block follows */
	UOP_JUMP,		/* done, and the block too: on to emu_quick.next */
	UOP_LAST,		/* done, and what follows has to be looked at again */
	UOP_AWAY,		/* done, on to emu_quick.next, to be looked at likewise */
	UOP_STEP,		/* nothing done: it has to be stepped */
	UOP_STORED,		/* done, but code that was compared may have changed */
	UOP_GO,			/* on to emu_quick.at, without tail calls */
};

/* @left: boundaries that could be passed when the block began. */
typedef enum emu_uop_result (*emu_uop_fn)(struct emu *cpu,
					  const struct emu_uop *u, u64 left);

/**
 * struct emu_ops - the hooks, the only way from the emulator to its host
 *
 * All are called in the context of emu_run(), never nested, and may sleep if
 * that context may. @cpu->host is the host's. Values are zero-extended; a hook
 * returns one of enum emu_result with the guarantee documented there.
 *
 * @window: host memory behind the 4 KiB page at physical address @gpa, or NULL
 *	where accesses have to go through @read and @write. @writable is cleared
 *	by the host where writes must go there. The pointer is cached until
 *	emu_flush(). Required.
 * @read: physical memory without a window; never crosses a page. A page of which
 *	the owner serves a part is his as a whole. Required.
 * @write: likewise.
 * @backed: is there anything behind the page at physical address @gpa? Asked
 *	without a side effect before an instruction does the first of several
 *	things. Optional: without it, yes.
 * @port_check: decides, without a side effect, about each port access that is
 *	not bulk: EMU_OK: @port_read or @port_write will do it; EMU_EXIT with
 *	@cpu->host_exit 0: the owner serves it; EMU_EXIT with @cpu->host_exit set:
 *	stop before it. @val is what is to be written. A hook that wants to know
 *	when it is asked about the same access again sets @stopped of
 *	emu_progress as it stops; the instruction is held then, so that no other
 *	comes between. Optional: without it, always EMU_OK.
 * @port_split: is the access to be made byte by byte, low port first (K15)? It
 *	stays one access to breakpoints and the trace. Asked for 2 and 4 bytes.
 *	Optional: without it, no.
 * @port_read: one port access of 1, 2 or 4 bytes, traced after it. Required.
 * @port_write: likewise, traced before it.
 * @port_read_quick: optional. One whole access to ports where nothing can stop it
 *	and nobody else has to be asked: does and traces it, and returns the value;
 *	or declines with EMU_DECLINED, with nothing done. Offered only where no trap
 *	can be due; the other port hooks do what it declines. If it wants to know
 *	RIP it calls emu_where().
 * @port_write_quick: likewise; returns whether it was done. Either there are both or
 *	none.
 * @port_read_bulk: optional. @count elements from one port to @buf, EMU_BULK_MAX
 *	bytes at most; returns how many were done, 0 to decline. Offered only where no
 *	trap can be due.
 * @port_write_bulk: likewise, from @buf.
 * @poll: called at least every EMU_POLL_MAX boundaries, where EMU_BULK_MAX bytes of
 *	iterations that are done at once count as so many; EMU_OK to go on, or EMU_EXIT
 *	with @cpu->host_exit set. Sets @cpu->rescheduled after it has given the CPU
 *	away. It may lower @cpu->poll_left: the next one then comes after exactly so
 *	many boundaries. Required.
 * @step: called before each instruction and REP iteration while
 *	EMU_WANT_STEPS is set in @cpu->flags; may return EMU_EXIT. Optional. It sees
 *	registers and emu_rflags() as they are there; boundaries and the budget may
 *	be counted later.
 * @step_uop: optional, of a host with @step. The same before an instruction in a block,
 *	with emu_tell_rip() for RIP and flags_image() for RFLAGS; ends with
 *	emu_tell_done().
 * @rdtsc: the guest's time stamp. Optional: without it, boundaries count.
 * @user_read: 1, 2, 4 or 8 bytes, or 3, 5, 6 or 7 of a crossing access, of the
 *	caller's memory (K10), within one page. The user_* hooks are all required
 *	with EMU_CALLER_MEMORY and never called without. One that cannot do it
 *	returns EMU_FAIL with @cpu->exit.linear, .gpa, .size and .error set, and has
 *	changed nothing.
 * @user_write: likewise; a single access where @size has one.
 * @user_exchange: writes @val where @old is, as one atomic access; EMU_RETRY where
 *	something else is there. Within one page; 1, 2, 4, 8 or 16 bytes.
 * @user_fetch: up to @n instruction bytes, not past the page; @got is at least 1.
 * @user_pin: makes the page of @addr present and writable, and keeps it so until
 *	@user_unpin: *@page is the host's address of its first byte.
 * @user_unpin: releases all that @user_pin holds.
 * @trace: see struct emu_trace. Optional.
 */
struct emu_ops {
	u8 *(*window)(struct emu *cpu, u64 gpa, bool *writable);
	int (*read)(struct emu *cpu, u64 gpa, unsigned int size, u64 *val);
	int (*write)(struct emu *cpu, u64 gpa, unsigned int size, u64 val);
	bool (*backed)(struct emu *cpu, u64 gpa);
	bool (*port_split)(struct emu *cpu, u16 port, unsigned int size);
	int (*port_read)(struct emu *cpu, u16 port, unsigned int size, u32 *val);
	int (*port_write)(struct emu *cpu, u16 port, unsigned int size, u32 val);
	s64 (*port_read_quick)(struct emu *cpu, u16 port, unsigned int size);
	bool (*port_write_quick)(struct emu *cpu, u16 port, unsigned int size,
				 u32 val);
	u32 (*port_read_bulk)(struct emu *cpu, u16 port, unsigned int size,
			      void *buf, u32 count);
	u32 (*port_write_bulk)(struct emu *cpu, u16 port, unsigned int size,
			       const void *buf, u32 count);
	int (*poll)(struct emu *cpu);
	int (*step)(struct emu *cpu);
	emu_uop_fn step_uop;
	int (*port_check)(struct emu *cpu, u16 port, unsigned int size,
			  enum emu_dir dir, u32 val);
	u64 (*rdtsc)(struct emu *cpu);
	int (*user_read)(struct emu *cpu, u64 addr, unsigned int size, u64 *val);
	int (*user_write)(struct emu *cpu, u64 addr, unsigned int size, u64 val);
	int (*user_exchange)(struct emu *cpu, u64 addr, unsigned int size,
			     const u64 *old, const u64 *val);
	int (*user_fetch)(struct emu *cpu, u64 addr, unsigned int n, u8 *buf,
			  unsigned int *got);
	int (*user_pin)(struct emu *cpu, u64 addr, u8 **page);
	void (*user_unpin)(struct emu *cpu);
	void (*trace)(struct emu *cpu, const struct emu_trace *t);
};

/* The most boundaries between two polls (K11). */
#define EMU_POLL_MAX		1024

/* The most bytes that iterations of a REP move at once, and between two polls. */
#define EMU_BULK_MAX		0x10000

/* emu.flags, the host's settings; no part of the state. */
#define EMU_INTERCEPT_IRET	BIT(0)
#define EMU_WANT_STEPS		BIT(1)
#define EMU_NO_BULK		BIT(2)	/* element by element (D1-D8), ports stepped */
#define EMU_VENDOR_AMD		BIT(3)	/* S26, S93 and the like */
#define EMU_DISABLED_B_BITS	BIT(4)	/* S80: also of breakpoints not enabled */
#define EMU_CALLER_MEMORY	BIT(5)	/* linear addresses are the caller's own */
#define EMU_EXIT_MSRS		BIT(6)	/* the owner serves unknown MSRs */
#define EMU_NO_BLOCKS		BIT(7)	/* instruction by instruction (K4), no short ways */
#define EMU_REP_SINGLY		BIT(8)	/* element by element; ports are not stepped */

/**
 * struct emu_config - how events reach the owner; no part of the state
 * @exit_exceptions: bit n: exception vector n leaves instead of being delivered
 * @exit_ints: bit n: INT n, INT3 and INTO of that vector leave
 */
struct emu_config {
	u32 exit_exceptions;
	u32 exit_ints[8];
};

/**
 * struct emu_cpuid - one leaf of the owner's CPUID table
 * @leaf: EAX
 * @subleaf: ECX; 0 for leaves that have no others
 * @eax: result
 * @ebx: result
 * @ecx: result
 * @edx: result
 */
struct emu_cpuid {
	u32 leaf;
	u32 subleaf;
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

#define EMU_CPUID_MAX		64

/* Tables made ready; what needs x87, MMX or vector state is in none of them. */
enum emu_preset {
	EMU_PRESET_386, EMU_PRESET_486, EMU_PRESET_PENTIUM, EMU_PRESET_686,
	EMU_PRESET_X86_64, EMU_PRESET_X86_64_V2, EMU_PRESET_X86_64_V3,
	EMU_NR_PRESETS
};

/*
 * What an instruction or a bit of a control register can hang on. Bits of
 * emu.features; each is derived from the CPUID table.
 */
enum emu_feature {
	EMU_FEAT_ALWAYS,
	EMU_FEAT_486,		/* not a 386: BSWAP, XADD, CMPXCHG, AC, WP, ... */
	EMU_FEAT_CPUID,		/* CPUID itself, RFLAGS.ID */
	EMU_FEAT_VME, EMU_FEAT_DE, EMU_FEAT_PSE, EMU_FEAT_TSC, EMU_FEAT_MSR,
	EMU_FEAT_PAE, EMU_FEAT_CX8, EMU_FEAT_SEP, EMU_FEAT_PGE, EMU_FEAT_CMOV,
	EMU_FEAT_PAT, EMU_FEAT_PSE36, EMU_FEAT_CLFLUSH, EMU_FEAT_FXSR,
	EMU_FEAT_SSE, EMU_FEAT_SSE2, EMU_FEAT_CX16, EMU_FEAT_SSE42,
	EMU_FEAT_MOVBE, EMU_FEAT_POPCNT, EMU_FEAT_XSAVE, EMU_FEAT_FSGSBASE,
	EMU_FEAT_BMI1, EMU_FEAT_SMEP, EMU_FEAT_BMI2, EMU_FEAT_INVPCID,
	EMU_FEAT_ADX, EMU_FEAT_SMAP, EMU_FEAT_CLFLUSHOPT, EMU_FEAT_CLWB,
	EMU_FEAT_UMIP, EMU_FEAT_RDPID, EMU_FEAT_MOVDIRI, EMU_FEAT_PREFETCHW,
	EMU_FEAT_LAHF64, EMU_FEAT_LZCNT, EMU_FEAT_SYSCALL, EMU_FEAT_NX,
	EMU_FEAT_PAGE1GB, EMU_FEAT_RDTSCP, EMU_FEAT_LM,
	EMU_FEAT_LONG_NOP,	/* family 6: also hints, and RDPMC */
	EMU_FEAT_RDRAND, EMU_FEAT_RDSEED, EMU_FEAT_XOP,
	EMU_FEAT_BUS_LOCK, EMU_FEAT_DBEXT,
	EMU_FEAT_SFENCE,	/* SSE or LM: SFENCE */
	EMU_FEAT_LFENCE,	/* SSE2 or LM: LFENCE, MFENCE, MOVNTI */
	EMU_NR_FEATURES
};

#define EMU_WATCH_MAX		32

enum emu_watch_space { EMU_WATCH_PORT, EMU_WATCH_MEM };
enum emu_watch_when { EMU_WATCH_AFTER, EMU_WATCH_BEFORE };

#define EMU_WATCH_READ		BIT(0)
#define EMU_WATCH_WRITE		BIT(1)
#define EMU_WATCH_RW		(EMU_WATCH_READ | EMU_WATCH_WRITE)

/**
 * struct emu_watch - a stop on accesses, unseen by the guest
 * @first: first port or linear address
 * @last: last one
 * @mask: bits of the value, zero-extended, that count; 0: any value
 * @value: what they are to be
 * @skip: hits to let pass; counted down
 * @space: enum emu_watch_space
 * @dirs: EMU_WATCH_READ, EMU_WATCH_WRITE
 * @when: enum emu_watch_when
 * @reserved: zero
 *
 * An access hits if it touches any byte of the range. All accesses that an
 * instruction, or an iteration of a REP, makes to a range are one hit. Accesses of
 * the processor's own (tables, frames of events) are none.
 */
struct emu_watch {
	u64 first;
	u64 last;
	u64 mask;
	u64 value;
	u64 skip;
	u8 space;
	u8 dirs;
	u8 when;
	u8 reserved[5];
};

#include "engine.h"

/**
 * emu_cpuid_preset() - a CPUID table made ready
 * @preset: which
 * @n: number of its leaves; the 386 has none
 *
 * Return: the table, constant.
 */
const struct emu_cpuid *emu_cpuid_preset(enum emu_preset preset, unsigned int *n);

/**
 * emu_set_cpuid() - which CPU this is (K19)
 * @cpu: engine, not running
 * @table: copied; each pair of leaf and subleaf at most once
 * @n: entries, 0 to EMU_CPUID_MAX; 0 makes it a 386, without CPUID
 *
 * Configuration, no part of the state; after emu_init() it is
 * EMU_PRESET_X86_64_V3.
 *
 * Return: NULL, or the rule that the table breaks, as a text.
 */
const char *emu_set_cpuid(struct emu *cpu, const struct emu_cpuid *table,
			  unsigned int n);

static inline bool emu_has(const struct emu *cpu, enum emu_feature f)
{
	return cpu->features >> f & 1;
}

/**
 * emu_set_watches() - what to stop at
 * @cpu: engine, not running
 * @w: copied; @cpu->watch has them, with what is left of @skip
 * @n: how many, 0 to EMU_WATCH_MAX
 *
 * Configuration, no part of the state.
 *
 * Return: NULL, or the rule that one of them breaks, as a text.
 */
const char *emu_set_watches(struct emu *cpu, const struct emu_watch *w,
			    unsigned int n);

/**
 * emu_init() - prepare an engine; the state becomes that after reset
 * @cpu: memory of the caller's, of any content
 * @ops: must stay valid
 * @host: for the hooks
 */
void emu_init(struct emu *cpu, const struct emu_ops *ops, void *host);

/**
 * emu_reset() - the state after RESET: real mode at F000:FFF0
 * @st: written as a whole
 */
void emu_reset(struct emu_state *st);

/**
 * emu_init_signal() - the state after INIT: as after RESET, but for MSRs and caches
 * @st: changed; what was pending is lost
 */
void emu_init_signal(struct emu_state *st);

/**
 * emu_check_state() - can execution start from this state?
 * @st: of any content
 *
 * Return: NULL, or the rule that it breaks, as a text (the list is in
 * Documentation/abi.rst).
 */
const char *emu_check_state(const struct emu_state *st);

/* Members of struct emu_state. */
#define EMU_GROUP_REGS		BIT(0)
#define EMU_GROUP_SEGS		BIT(1)
#define EMU_GROUP_CTRL		BIT(2)
#define EMU_GROUP_DEBUG		BIT(3)
#define EMU_GROUP_EVENT		BIT(4)
#define EMU_GROUP_BUDGET	BIT(5)
#define EMU_GROUP_IO		BIT(6)
#define EMU_GROUP_ALL		(BIT(7) - 1)

/**
 * emu_check_groups() - the same, after a part of the state was changed
 * @st: it passed emu_check_state() before that, or emu_run() has left it
 * @changed: EMU_GROUP_* that may be another's now; of all other members only what
 *	emu_cancel() drops
 *
 * Looks only at the rules that speak of these groups.
 *
 * Return: as emu_check_state().
 */
const char *emu_check_groups(const struct emu_state *st, u32 changed);

/**
 * emu_run() - run until there is a reason to leave
 * @cpu: its state must have passed emu_check_state()
 *
 * An answered I/O (emu_io.done) or event (emu_event.action) in the state is
 * applied first.
 *
 * Return: enum emu_exit; the state is at a boundary, complete.
 */
enum emu_exit emu_run(struct emu *cpu);

/**
 * emu_load() - call after the host has changed @cpu->st in any way
 * @cpu: engine
 */
void emu_load(struct emu *cpu);

/**
 * emu_load_groups() - the same where it is known what has changed
 * @cpu: engine
 * @changed: EMU_GROUP_* of which members may be others than emu_run() has left
 */
void emu_load_groups(struct emu *cpu, u32 changed);

/**
 * emu_flush() - forget every window; call after memory was added or removed
 * @cpu: engine
 */
void emu_flush(struct emu *cpu);

/**
 * emu_cancel() - drop the instruction under way: pending I/O, replay, in REP
 * @st: state; call when RIP, CS or TR are changed from outside (K6, K8)
 */
void emu_cancel(struct emu_state *st);

/**
 * emu_set_stream() - lay a stream over [CS:RIP, +len); @len 0 drops it
 * @cpu: engine, with the bytes already in @cpu->st.stream.bytes
 * @len: 0 to EMU_STREAM_MAX
 */
void emu_set_stream(struct emu *cpu, u32 len);

/**
 * emu_where() - for a quick port hook: by which instruction it is called
 * @cpu: engine; its state's RIP becomes that of the instruction
 */
void emu_where(struct emu *cpu);

/**
 * emu_rflags() - RFLAGS as the architecture has it, also inside a hook
 * @cpu: engine; its state's own copy is complete only between runs
 *
 * Return: RFLAGS.
 */
u64 emu_rflags(const struct emu *cpu);

#endif /* EMU_H */
