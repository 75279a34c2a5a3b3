/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine: the state plus everything that is derived from it or lasts no
 * longer than one run. Hosts embed it and use the fields marked so.
 */
#ifndef EMU_ENGINE_H
#define EMU_ENGINE_H

#include "insn.h"

/*
 * Arithmetic flags are kept as the words from which each flag is computed when
 * somebody asks; CF alone is computed at once, which the host's own does for nothing:
 *
 *	ZF  result == 0
 *	SF  sign of result, inverted by LF_SD
 *	PF  even parity of the low byte of result, xor pd
 *	OF  LF_OF, or of the addition or subtraction that op names
 *	AF  LF_AF, or likewise
 *
 * result is sign-extended from the operand's size. The inversions let any combination
 * of flags be written, POPF's too. The bits LF_* are in inv and, of LF_PD, in pd, and
 * count for LF_PLAIN alone. Of LF_ADD and LF_SUB the first operand is found from the
 * other and the result; with a carry that would not do, and of LF_ADC and LF_SBB it is
 * a.
 */
struct emu_lazy_flags {
	u64 result;
	u64 b;
	u64 a;
	u32 op;			/* enum emu_lazy_op, and 64 less its bits in 15:8 */
	u16 inv;
	u8 pd;
	bool cf;
};

enum emu_lazy_op { LF_PLAIN, LF_ADD, LF_SUB, LF_ADC, LF_SBB };

/* At their places in RFLAGS. */
#define LF_SD		((u32)EMU_FL_SF)
#define LF_AF		((u32)EMU_FL_AF)
#define LF_OF		((u32)EMU_FL_OF)
#define LF_PD_SHIFT	16
#define LF_PD		(0xffU << LF_PD_SHIFT)

#define EMU_NR_WINDOWS	256

/* The cache of decoded code: see block.c. */
#define EMU_NR_BLOCKS	512
#define EMU_NR_UOPS	2048
#define EMU_BLOCK_UOPS	32
#define EMU_BLOCK_BYTES	128

/* Pages known to hold page tables are kept as a hashed set (K3). */
#define EMU_TABLE_BITS	4096

/* Pages of the caller's that one instruction can hold for writing (K10). */
#define EMU_NR_PINS	8

/*
 * A page of host memory reached directly (K3). Tags are the linear address of the
 * page with the generation in its low bits; with paging they are the translation
 * cache too. One that is marked as watched is for accesses that have been looked
 * at; those that are not looked at do not find it.
 */
struct emu_window {
	u64 read_tag;
	u64 write_tag;
	u64 exec_tag;
	u8 *host;
	u64 gpa;
	u64 reserved[3];	/* 64 bytes, so that finding it is a shift */
};

#define EMU_TAG_WATCHED		BIT_ULL(11)
#define EMU_TAG_GENERATIONS	BIT_ULL(11)

/**
 * struct emu_uop - a decoded instruction of a block, or two that became one
 * @fn: does it, and all that follow it in the block
 * @link: of a branch: the block that it led to the last time, or any other
 * @rel: of a relative branch: its target, from the block's start
 * @to: of a branch within the block: from this uop to that of the target, in bytes
 * @back: likewise: instructions from the target up to this one, with it
 * @start: where its first byte is, from the block's start
 * @end: where its last byte ends
 * @before: instructions of the block before it
 * @done: ... up to it, with it
 * @whole: of a branch within the block: instructions of the block
 * @traits: UOP_*: see quick.h
 * @kind: enum emu_uop_kind, of one with a memory operand
 * @op: of arithmetic: enum emu_alu, or of a KIND_UNARY_STORE enum emu_unary; of a port
 *	access: enum emu_dir
 * @hot: its place among the functions that are compared with: uop-pair.c
 * @page: tag of the page that its memory operand was last in, as a window has it
 * @host: host address of that page
 * @insn: of one that has no function of its own
 * @imm: immediate
 * @disp: of the memory operand, the address of the operand if that is fixed
 * @mask: bits of the operand's size
 * @amask: bits of the address size
 * @src: place of the second source, a register or @imm, in struct emu, in bytes
 * @dst: place of the destination register, likewise
 * @a: place of the first source, likewise
 * @base: of the memory operand, likewise
 * @index: of the memory operand, likewise
 * @scale: left shift of the index
 * @seg: place of the memory operand's segment in emu_quick.seg, in bytes
 * @size: bytes of the operand; bits of the code where the step hook is told
 * @ssize: bytes of the source of MOVZX and MOVSX
 * @shift: 64 less the operand's bits
 * @cc: condition, of which bit 0 inverts it
 * @odd: that bit
 */
struct emu_uop {
	emu_uop_fn fn;
	struct emu_block *link;
	s64 rel;
	s16 to;
	s16 back;
	u8 start;
	u8 end;
	u8 before;
	u8 done;
	u8 whole;
	u8 traits;
	u8 kind;
	u8 op;
	u8 hot;
	u64 page;
	u8 *host;
	union {
		struct emu_insn insn;
		struct {
			u64 imm;
			s64 disp;
			u64 mask;
			u64 amask;
			u32 src;
			u16 dst;
			u16 a;
			u16 base;
			u16 index;
			u8 scale;
			u8 seg;
			u8 size;
			u8 ssize;
			u8 shift;
			u8 cc;
			bool odd;
		};
	};
};

/**
 * struct emu_block - straight-line code within a page, decoded
 * @tag: linear address of its first byte, and the mode that it was decoded for
 * @first: its first uop
 * @len: bytes
 * @tail: bits that are to be left out of its last eight bytes if it has fewer
 * @n: instructions
 * @seen: tag of one that was looked for here and not found
 * @epoch: emu_quick.epoch when it was last compared with memory
 * @bytes: what it was decoded from; memory is compared with it (K2)
 */
struct emu_block {
	u64 tag;
	const struct emu_uop *first;
	u8 len;
	u8 tail;
	u8 n;
	u64 seen;
	u64 epoch;
	u8 bytes[EMU_BLOCK_BYTES];
};

/* A segment as blocks see it: offsets below the ends need no other check. */
struct emu_quick_seg {
	u64 base;
	u64 read_end;
	u64 write_end;
};

/**
 * struct emu_quick - what blocks need of the state, and the one that runs
 * @valid: the state has not changed since it was derived
 * @ring_code: descriptor by which gates and IRETs lead from CS to code alike, or 0: ring.c
 * @ports: parts of all ports in which an access needs a look at breakpoints and
 *	watches; EMU_ALL_PORTS: each has to be stepped
 * @flat: DS, ES and SS are all of the address space, as are addresses of data
 * @sp_size: bytes of the stack pointer
 * @key: what blocks that fit the mode have in their tags, over the address
 * @lin_mask: bits of a linear address
 * @rip_mask: bits of a near branch's target
 * @sp_mask: bits of the stack pointer
 * @code_base: CS base
 * @code_bias: an RIP can be fetched from if, with this added,
 * @code_top: it is not above this
 * @win: windows of the privilege level
 * @seg: segments
 * @page_rip: where the page of code that was last looked for begins, if all of it
 *	can be executed, as an RIP
 * @page_room: offsets in it where eight bytes can be read; 0: none is known
 * @page_tag: the same as in a block's tag
 * @page_host: its host address
 * @start: RIP where the running block starts
 * @next: RIP where it leads
 * @left: boundaries that can still be passed there, or, of a block that has not
 *	come to its end, could be when it began
 * @at: uop that such a one has stopped at, or goes on with; or whose port access is
 *	being made
 * @running: the block that runs
 * @epoch: blocks that were compared in it need not be again: nothing of this CPU's
 *	has written to them since
 * @code: host address of the first byte of their code, less 7: a store from here
 * @code_span: to here less than this may change them
 * @stored: host address of a store that met it
 */
struct emu_quick {
	bool valid;
	bool flat;
	u8 sp_size;
	u64 ring_code;
	u64 ports;
	u64 key;
	u64 lin_mask;
	u64 rip_mask;
	u64 sp_mask;
	u64 code_base;
	u64 code_bias;
	u64 code_top;
	struct emu_window *win;
	struct emu_quick_seg seg[6];
	u64 page_rip;
	u64 page_room;
	u64 page_tag;
	const u8 *page_host;
	u64 start;
	u64 next;
	u64 left;
	const struct emu_uop *at;
	const struct emu_block *running;
	u64 epoch;
	unsigned long code;
	unsigned long code_span;
	const u8 *stored;
};

/* The cache of instructions that were stepped: see fetch.c. */
#define EMU_RECENT_SHIFT	8
#define EMU_NR_RECENT		BIT(EMU_RECENT_SHIFT)
#define EMU_RECENT_VALID	BIT(31)

/**
 * struct emu_recent - an instruction in decoded form
 * @bytes: what was there when it was decoded, with zeros behind it
 * @mode: bits of the state that it was decoded by, and EMU_RECENT_VALID
 * @uop: does it, and is followed by the end of what would be its block; or NULL
 * @key: emu_quick.key that this was made for
 * @insn: what it came to
 */
struct emu_recent {
	u64 bytes[2];
	u32 mode;
	u64 key;
	const struct emu_uop *uop;
	struct emu_insn insn;
};

/* What the step hook has said of an instruction that a block leaves to a step. */
enum emu_told { TOLD_NOT, TOLD_GO, TOLD_STOP };

/* Whose rights an access has. */
enum emu_access_as {
	ACCESS_CPL,		/* the code's */
	ACCESS_SYSTEM,		/* the processor's own, to its tables */
	ACCESS_SUPERVISOR,	/* a push during a change to CPL 0 to 2 */
};

/* One access, as watches see it. */
struct emu_touch {
	u64 addr;
	u64 val;
	u8 space;
	u8 dir;
	u8 size;
};

/* A page of the caller's held for writing. */
struct emu_pin {
	u64 page;
	u8 *host;
};

/* The state before a task switch, for one that cannot be completed. */
struct emu_before {
	struct emu_regs regs;
	struct emu_segs segs;
	struct emu_ctrl ctrl;
	struct emu_debug debug;
	struct emu_lazy_flags lf;
	u64 tss;		/* linear address of the new one's access byte */
	u64 back;		/* of the old one's, 0 if it stayed busy */
};

/* What bp_* below were decoded from. */
struct emu_armed {
	u64 dr[4];
	u64 dr7;
	u64 de;
	u64 all;
	u64 mask[4];
};

/* One debug register with its DR7 fields, decoded. */
struct emu_breakpoint {
	u64 first;
	u64 last;
	u64 ignore;		/* bits of an address that do not count */
};

/**
 * struct emu - one virtual CPU's engine
 * @st: the state; hosts may change it between runs, then call emu_load()
 * @ops: the hooks
 * @host: the host's own
 * @host_exit: set by a hook that makes emu_run() return EMU_EXIT_HOST
 * @flags: host's settings, EMU_*
 * @config: host's settings
 * @cpuid: the owner's table, by emu_set_cpuid()
 * @nr_cpuid: its entries
 * @phys_bits: width of physical addresses, from it
 * @features: bits by enum emu_feature, from it
 * @watch: the owner's, by emu_set_watches()
 * @nr_watches: how many
 * @exit: what belongs to some exits
 * @boundaries: boundaries passed so far, in units of the budget
 * @rescheduled: set by the poll hook, for the trace of a broken REP
 * @polled: set before emu_run() by a host that has itself looked for a reason to
 *	stop: emu_run() then does not begin with a poll
 * @zero: stands in for absent base and index registers
 * @lf: arithmetic flags; st.regs.rflags holds the others
 * @next_rip: where the instruction under way leads
 * @ea: offset of its memory operand
 * @dst: its operands
 * @src: its operands
 * @src2: its operands
 * @new_data: data breakpoints that it has hit, dropped if it faults (S4)
 * @new_io: I/O breakpoints, likewise
 * @new_shadow: EMU_BLOCK_* that it sets
 * @raised: event that it raised
 * @insn: its decoded form
 * @bytes: its bytes
 * @bytes_have: how many of @bytes are valid
 * @replay_pos: how much of emu_progress.replay it has taken
 * @replay_old: how much of it an earlier start of the instruction has seen
 * @use_io: its iteration has taken an element of st.io
 * @leave: enum emu_exit that it leaves with (handler returned EMU_EXIT)
 * @keep_rf: it has loaded RF itself
 * @branch: it has transferred control (BTF)
 * @incomplete: it is a REP that has iterations left
 * @counted: it has accounted for its boundaries itself
 * @undo: @undo_gpr is valid
 * @switched: a task switch has been made
 * @tf: TF as it was at its start (S101)
 * @step_tf: it is followed by a step trap for TF alone, without BTF
 * @stop: the poll hook asked to leave
 * @keep_dst: its destination is not written after all
 * @in_event: no instruction: an event is being delivered
 * @part_size: of the whole of @part, where it is still to be traced
 * @resumed: it continues after a voluntary stop: no checks (S42)
 * @part: its port access is being made byte by byte
 * @stepped: the step hook has accepted it
 * @told: enum emu_told, of the next one, which a block has come to
 * @poll_exact: the poll hook has said when: blocks do not poll earlier
 * @alone: the next instruction may well be the only one of this run
 * @flags_kept: since this run began nobody can have changed @lf
 * @stop_exit: emu.host_exit that goes with @stop
 * @told_exit: and with TOLD_STOP
 * @poll_left: boundaries to the next poll
 * @undo_gpr: registers at its start
 * @part_val: value of @part
 * @undo_lf: flags at its start
 * @armed: what the following were decoded from
 * @bp: debug registers, decoded
 * @bp_enabled: which are enabled by DR7
 * @bp_code: which match instruction fetches
 * @bp_read: which match reads
 * @bp_write: which match writes
 * @bp_io: which match ports
 * @bp_data_first: the first address that one of data has; ~0 if there is none
 * @bp_data_last: the last one; 0 if there is none
 * @bp_ports: in which parts of all ports these are: emu_port_parts()
 * @watch_mem: which of @watch are of memory
 * @watch_port: which are of ports
 * @watch_ports: in which parts of all ports these are
 * @watch_seen: which the instruction under way has touched
 * @watch_hit: which of these are to stop after it
 * @watch_first: the first access that is
 * @access: enum emu_access_as, for the accesses that are being made
 * @nr_pins: entries of @pin in use
 * @pin: pages of the caller's that the instruction holds
 * @code_gpa: of a REP that stores: where its own bytes are, physically
 * @code_len: how many there are; they may lie in two pages
 * @code_clear: tag of a page with none of them, or 0
 * @code_lost: it is not known where they are
 * @before: what a task switch has left
 * @paging: the last run ended with paging on
 * @left_rflags: and with these; @lf stands for the arithmetic flags of this
 * @generation: part of the tags of @win: what was before it has been flushed
 * @writable: there are windows for writing in this generation
 * @tables: set of physical pages that were walked as page tables
 * @quick: what blocks run by
 * @known: the instruction under way, where @insn has not become it yet
 * @decoded: the next instruction as a block has it, or NULL
 * @decoded_bytes: its bytes
 * @nr_uops: entries of @uop that blocks use
 * @win: direct windows, for supervisor and user mode
 * @block: decoded code, by linear address
 * @uop: that of all blocks, and behind it two for each of @recent: the instruction
 *	and the end of what would be its block
 * @recent: instructions that were stepped, by their bytes
 */
struct emu {
	struct emu_state st;
	const struct emu_ops *ops;
	void *host;
	u32 host_exit;
	u32 flags;
	struct emu_config config;
	struct emu_cpuid cpuid[EMU_CPUID_MAX];
	u32 nr_cpuid;
	u32 phys_bits;
	u64 features;
	struct emu_watch watch[EMU_WATCH_MAX];
	u32 nr_watches;
	struct emu_exit_info exit;
	u64 boundaries;
	bool rescheduled;
	bool polled;

	/* From here on the engine's own. */
	u64 zero;
	struct emu_lazy_flags lf;
	u64 next_rip;
	u64 ea;
	u64 dst;
	u64 src;
	u64 src2;
	u64 new_data;
	u64 new_io;
	u32 new_shadow;
	struct emu_event raised;
	struct emu_insn insn;
	u8 bytes[EMU_INSN_MAX + 1];
	u8 bytes_have;
	u8 replay_pos;
	u8 replay_old;
	u8 leave;
	/* These eight begin as false: one store. */
	bool keep_rf;
	bool branch;
	bool incomplete;
	bool counted;
	bool undo;
	bool switched;
	bool stepped;
	bool use_io;
	bool tf;
	bool step_tf;
	bool stop;
	bool keep_dst;
	bool in_event;
	u8 part_size;
	bool resumed;
	bool part;
	u8 told;
	bool poll_exact;
	bool alone;
	bool flags_kept;
	u32 stop_exit;
	u32 told_exit;
	u32 poll_left;
	u64 undo_gpr[EMU_NR_GPRS];
	u64 part_val;
	struct emu_lazy_flags undo_lf;

	struct emu_armed armed;
	struct emu_breakpoint bp[4];
	u8 bp_enabled;
	u8 bp_code;
	u8 bp_read;
	u8 bp_write;
	u8 bp_io;
	u64 bp_data_first;
	u64 bp_data_last;
	u64 bp_ports;

	u32 watch_mem;
	u32 watch_port;
	u64 watch_ports;
	u32 watch_seen;
	u32 watch_hit;
	struct emu_touch watch_first;

	u8 access;
	u8 nr_pins;
	struct emu_pin pin[EMU_NR_PINS];
	u64 code_gpa[2];
	u8 code_len[2];
	u64 code_clear;
	bool code_lost;
	struct emu_before before;
	bool writable;
	bool paging;
	u64 left_rflags;
	u64 generation;
	u64 tables[EMU_TABLE_BITS / 64];
	struct emu_quick quick;
	const struct emu_recent *known;
	const struct emu_insn *decoded;
	const u8 *decoded_bytes;
	u32 nr_uops;
	struct emu_window win[2][EMU_NR_WINDOWS];
	struct emu_block block[EMU_NR_BLOCKS];
	struct emu_uop uop[EMU_NR_UOPS + 2 * EMU_NR_RECENT];
	struct emu_recent recent[EMU_NR_RECENT];
};

#endif /* EMU_ENGINE_H */
