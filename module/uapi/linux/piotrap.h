/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * piotrap: x86 port I/O emulated in the kernel, with exact debug traps
 *
 * This header is the ABI's manual.
 */
#ifndef _UAPI_LINUX_PIOTRAP_H
#define _UAPI_LINUX_PIOTRAP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Overview
 *
 * Each open of ``/dev/piotrap`` is a sandbox with one virtual CPU, in the state
 * that follows RESET. Its owner gives it memory (PIOTRAP_SET_REGION), ports
 * (PIOTRAP_SET_PORTS) and registers (the run page), and calls PIOTRAP_RUN. No
 * port of the machine is ever touched.
 *
 * mmap() of PIOTRAP_MMAP_SIZE bytes at offset 0 with MAP_SHARED gives the run
 * page: a struct piotrap_run, and at PIOTRAP_DATA_OFFSET the data of a pending
 * access. It is a mailbox: PIOTRAP_RUN takes from it, once, the groups that @dirty
 * names, and writes all groups back when it returns. Between the two only
 * @immediate_exit is looked at; what is written elsewhere meanwhile has no effect.
 * At first it holds the state after RESET.
 *
 * read() takes bytes that console ports have collected, oldest first; it blocks
 * until there is one unless O_NONBLOCK is set. poll() reports POLLIN when read()
 * would not block. Both may be used during PIOTRAP_RUN.
 */

/**
 * DOC: Calls and errors
 *
 * All arguments are structs of fixed layout, the same for 32-bit callers, that
 * start with their own size. A longer struct than the kernel knows is accepted
 * if what it does not know is zero. Every call may fail with:
 *
 * ======== ==================================================================
 * ENOTTY   no such ioctl
 * EFAULT   the argument cannot be read or written
 * EINVAL   @size is smaller than the struct's first version, an unknown flag is
 *          set, or a reserved field is not zero
 * E2BIG    @size is larger than the kernel's and the tail is not zero, or it is
 *          over 65536
 * EBUSY    PIOTRAP_RUN is under way in another thread; PIOTRAP_INFO,
 *          PIOTRAP_KICK, read() and poll() never fail so
 * ENOMEM   the kernel has no memory, or an accounted limit is reached
 * EINTR    a signal came while the call waited
 * ======== ==================================================================
 *
 * They are checked in this order: ENOTTY, EFAULT for @size, EINVAL for @size,
 * E2BIG, EFAULT, EINVAL, EBUSY, then what each call lists, in its order. A call
 * that fails has changed nothing.
 */

#define PIOTRAP_ABI_VERSION	1

#define PIOTRAP_IOC_MAGIC	0xBD

/* The numbers carry no size: a struct may grow. */
#define PIOTRAP_INFO		_IO(PIOTRAP_IOC_MAGIC, 0x00)
#define PIOTRAP_CONFIG		_IO(PIOTRAP_IOC_MAGIC, 0x01)
#define PIOTRAP_SET_REGION	_IO(PIOTRAP_IOC_MAGIC, 0x02)
#define PIOTRAP_SET_PORTS	_IO(PIOTRAP_IOC_MAGIC, 0x03)
#define PIOTRAP_QUEUE_INPUT	_IO(PIOTRAP_IOC_MAGIC, 0x04)
#define PIOTRAP_RUN		_IO(PIOTRAP_IOC_MAGIC, 0x05)
#define PIOTRAP_GET_STATE	_IO(PIOTRAP_IOC_MAGIC, 0x06)
#define PIOTRAP_SET_STATE	_IO(PIOTRAP_IOC_MAGIC, 0x07)
#define PIOTRAP_KICK		_IO(PIOTRAP_IOC_MAGIC, 0x08)
#define PIOTRAP_SET_LOG		_IO(PIOTRAP_IOC_MAGIC, 0x09)
#define PIOTRAP_SET_CPUID	_IO(PIOTRAP_IOC_MAGIC, 0x0a)
#define PIOTRAP_GET_CPUID	_IO(PIOTRAP_IOC_MAGIC, 0x0b)
#define PIOTRAP_SET_WATCHES	_IO(PIOTRAP_IOC_MAGIC, 0x0c)
#define PIOTRAP_GET_WATCHES	_IO(PIOTRAP_IOC_MAGIC, 0x0d)

/* Limits; PIOTRAP_INFO reports those of the running module. */
#define PIOTRAP_STREAM_MAX	4096	/* bytes of an instruction stream */
#define PIOTRAP_IO_DATA		4096	/* bytes of data of one pending access */
#define PIOTRAP_REPLAY_MAX	64

#define PIOTRAP_MMAP_SIZE	8192
#define PIOTRAP_DATA_OFFSET	4096	/* of the data of a pending access */

/**
 * struct piotrap_info - what this module can do (PIOTRAP_INFO)
 * @size: in: of this struct
 * @flags: in: must be zero
 * @abi_version: out: PIOTRAP_ABI_VERSION
 * @modes: out: PIOTRAP_MODE_* that instructions run in
 * @exit_reasons: out: bit n: enum piotrap_exit_reason n can occur
 * @port_kinds: out: bit n: enum piotrap_port_kind n is there
 * @region_kinds: out: bit n: enum piotrap_region_kind n is there
 * @max_regions: out: regions of a sandbox
 * @max_port_ranges: out: port ranges of a sandbox
 * @max_stream: out: bytes of an instruction stream
 * @max_io_data: out: bytes of data of one pending access
 * @max_memory: out: bytes of all RAM and ROM of a sandbox
 * @max_console: out: bytes that the console ring holds
 * @max_input: out: bytes that the input queue of a port range holds
 * @sandbox_id: out: the number that tracepoints give this sandbox
 * @max_cpuid: out: entries of a CPUID table
 * @cpuid_presets: out: CPUID tables made ready, enum piotrap_cpuid_preset 0 to
 *	this - 1
 * @max_watches: out: watches of a sandbox
 * @reserved: out: zero
 *
 * Allowed at any time, also during PIOTRAP_RUN. A program that knows only the
 * first fields, up to @sandbox_id or further, gets these.
 */
struct piotrap_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 modes;
	__u64 exit_reasons;
	__u32 port_kinds;
	__u32 region_kinds;
	__u32 max_regions;
	__u32 max_port_ranges;
	__u32 max_stream;
	__u32 max_io_data;
	__u64 max_memory;
	__u32 max_console;
	__u32 max_input;
	__u64 sandbox_id;
	__u32 max_cpuid;
	__u32 cpuid_presets;
	__u32 max_watches;
	__u32 reserved;
};

#define PIOTRAP_MODE_REAL	(1U << 0)
#define PIOTRAP_MODE_PROTECTED	(1U << 1)
#define PIOTRAP_MODE_V86	(1U << 2)
#define PIOTRAP_MODE_LONG	(1U << 3)
#define PIOTRAP_MODE_CALLER	(1U << 4)	/* PIOTRAP_CONFIG_CALLER */

/**
 * struct piotrap_config - how events reach the owner (PIOTRAP_CONFIG)
 * @size: of this struct
 * @flags: PIOTRAP_CONFIG_*
 * @exit_exceptions: bit n: exception vector n ends PIOTRAP_RUN before it is
 *	delivered (PIOTRAP_EXIT_DEBUG for vector 1, PIOTRAP_EXIT_EXCEPTION for the
 *	others); else it is delivered through the IVT or IDT. At first all ones.
 * @reserved: must be zero
 * @exit_ints: bit n of element n / 32: INT n, and INT3 and INTO as vectors 3 and
 *	4, end PIOTRAP_RUN with PIOTRAP_EXIT_INT. At first all ones.
 *
 * With PIOTRAP_CONFIG_CALLER the sandbox is bound to the memory of the process that
 * makes this call: linear addresses are that process's, regions and page tables
 * are not looked at, and PIOTRAP_RUN from another process is refused. The next
 * PIOTRAP_CONFIG binds it anew, or without the flag to its regions again. See
 * "The caller's memory" in Documentation/abi.rst.
 *
 * Without PIOTRAP_CONFIG_BPF no BPF program is asked: ranges of kind
 * PIOTRAP_PORT_BPF are refused, and those that are there already are open bus.
 *
 * Errors, after the common ones: EINVAL (with PIOTRAP_CONFIG_CALLER,
 * @exit_exceptions or @exit_ints is not all ones).
 */
struct piotrap_config {
	__u32 size;
	__u32 flags;
	__u32 exit_exceptions;
	__u32 reserved;
	__u32 exit_ints[8];
};

#define PIOTRAP_CONFIG_EXIT_IRET	(1U << 0) /* IRET ends PIOTRAP_RUN */
#define PIOTRAP_CONFIG_NO_BULK		(1U << 1) /* REP element by element */
#define PIOTRAP_CONFIG_AMD		(1U << 2) /* AMD's behaviour where it differs */
#define PIOTRAP_CONFIG_DISABLED_B_BITS	(1U << 3) /* B bits of breakpoints not enabled */
#define PIOTRAP_CONFIG_CALLER		(1U << 4) /* addresses are the caller's own */
#define PIOTRAP_CONFIG_EXIT_MSRS	(1U << 5) /* the owner serves unknown MSRs */
#define PIOTRAP_CONFIG_BPF		(1U << 6) /* BPF programs may decide */

/**
 * enum piotrap_cpuid_preset - CPUs made ready
 * @PIOTRAP_CPUID_386: no CPUID, the instructions of an 80386
 * @PIOTRAP_CPUID_486: an 80486 with CPUID
 * @PIOTRAP_CPUID_PENTIUM: adds TSC, MSRs, CMPXCHG8B
 * @PIOTRAP_CPUID_686: adds CMOV, PAE, SYSENTER
 * @PIOTRAP_CPUID_X86_64: the first with long mode (x86-64-v1)
 * @PIOTRAP_CPUID_X86_64_V2: adds CMPXCHG16B, LAHF in 64-bit mode, POPCNT, CRC32
 * @PIOTRAP_CPUID_X86_64_V3: adds BMI1, BMI2, LZCNT, MOVBE; every sandbox at first
 *
 * What needs x87, MMX or vector registers is in none of them, as it is not
 * modelled (PIOTRAP_EXIT_UNSUPPORTED); so they are what the levels of these names
 * say of integer instructions.
 */
enum piotrap_cpuid_preset {
	PIOTRAP_CPUID_386,
	PIOTRAP_CPUID_486,
	PIOTRAP_CPUID_PENTIUM,
	PIOTRAP_CPUID_686,
	PIOTRAP_CPUID_X86_64,
	PIOTRAP_CPUID_X86_64_V2,
	PIOTRAP_CPUID_X86_64_V3,
};

/**
 * struct piotrap_cpuid_entry - what CPUID says
 * @leaf: EAX
 * @subleaf: ECX; 0 for leaves that have no others
 * @eax: result
 * @ebx: result
 * @ecx: result
 * @edx: result
 */
struct piotrap_cpuid_entry {
	__u32 leaf;
	__u32 subleaf;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
};

/**
 * struct piotrap_cpuid - which CPU it is (PIOTRAP_SET_CPUID, PIOTRAP_GET_CPUID)
 * @size: of this struct
 * @flags: PIOTRAP_CPUID_PRESET: the table is that of @preset
 * @preset: with PIOTRAP_CPUID_PRESET: enum piotrap_cpuid_preset; else must be zero
 * @count: entries at @entries, 0 to max_cpuid. PIOTRAP_SET_CPUID: with
 *	PIOTRAP_CPUID_PRESET must be zero. PIOTRAP_GET_CPUID: in: for how many there
 *	is room; out: how many the table has
 * @entries: address of @count struct piotrap_cpuid_entry, in no order; with @count 0
 *	not looked at
 *
 * The table decides which instructions, control register bits and MSRs there are:
 * what a clear bit stands for is #UD or #GP, as on a CPU that never had it, except
 * that LZCNT and TZCNT are BSR and BSF. No entries at all make it a 386. It is a
 * setting, no part of the CPU's state, and holds from the next run on.
 *
 * PIOTRAP_GET_CPUID gives the table in use, or with PIOTRAP_CPUID_PRESET that of
 * @preset, to change it and set it.
 *
 * Errors, after the common ones: EINVAL (@preset or @count); ENOSPC
 * (PIOTRAP_GET_CPUID: the table has more than @count entries; @count says how many,
 * nothing else is written); EFAULT (@entries); EINVAL (PIOTRAP_SET_CPUID: the table
 * breaks one of the rules listed in Documentation/abi.rst).
 */
struct piotrap_cpuid {
	__u32 size;
	__u32 flags;
	__u32 preset;
	__u32 count;
	__u64 entries;
};

#define PIOTRAP_CPUID_PRESET	(1U << 0)

#define PIOTRAP_WATCH_PORT	0
#define PIOTRAP_WATCH_MEM	1

#define PIOTRAP_WATCH_AFTER	0
#define PIOTRAP_WATCH_BEFORE	1

#define PIOTRAP_WATCH_READ	(1U << 0)
#define PIOTRAP_WATCH_WRITE	(1U << 1)

/**
 * struct piotrap_watch - a stop on accesses that the guest does not see
 * @first: first port or linear address
 * @last: last one, not below @first
 * @mask: bits of the value, zero-extended, that count; 0: any value
 * @value: what they are to be; has no bits that @mask has not
 * @skip: hits to let pass before the first stop; counted down
 * @space: PIOTRAP_WATCH_PORT or PIOTRAP_WATCH_MEM
 * @dirs: PIOTRAP_WATCH_READ, PIOTRAP_WATCH_WRITE or both
 * @when: PIOTRAP_WATCH_AFTER: at the boundary behind the instruction or REP
 *	iteration; PIOTRAP_WATCH_BEFORE: before the access, of which nothing has
 *	happened; with reads @mask must be zero then
 * @reserved: must be zero
 *
 * An access hits if it touches any byte of the range. All that an instruction, or
 * an iteration of a REP, does in a range is one hit, which counts when the
 * instruction or iteration is complete. Accesses of the processor's own
 * (descriptors, frames of events) are none.
 */
struct piotrap_watch {
	__u64 first;
	__u64 last;
	__u64 mask;
	__u64 value;
	__u64 skip;
	__u8 space;
	__u8 dirs;
	__u8 when;
	__u8 reserved[5];
};

/**
 * struct piotrap_watches - what to stop at (PIOTRAP_SET_WATCHES,
 *	PIOTRAP_GET_WATCHES)
 * @size: of this struct
 * @flags: must be zero
 * @count: entries at @watches, 0 to max_watches. PIOTRAP_GET_WATCHES: in: for how
 *	many there is room; out: how many there are
 * @reserved: must be zero
 * @watches: address of @count struct piotrap_watch; with @count 0 not looked at
 *
 * PIOTRAP_SET_WATCHES replaces all. A hit ends the run with PIOTRAP_EXIT_WATCH. What
 * is left of @skip is read back by PIOTRAP_GET_WATCHES. Watches are a setting, no
 * part of the CPU's state.
 *
 * Errors, after the common ones: EINVAL (@count); ENOSPC (PIOTRAP_GET_WATCHES: there
 * are more than @count; @count says how many, nothing else is written); EFAULT
 * (@watches); EINVAL (a watch breaks one of the rules listed in
 * Documentation/abi.rst).
 */
struct piotrap_watches {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__u64 watches;
};

/**
 * enum piotrap_region_kind - what is behind a range of physical addresses
 * @PIOTRAP_REGION_NONE: nothing: an access ends the run (PIOTRAP_EXIT_MEMORY)
 * @PIOTRAP_REGION_RAM: the owner's memory
 * @PIOTRAP_REGION_ROM: the owner's memory; writes are dropped
 * @PIOTRAP_REGION_OPEN_BUS: reads all ones, writes are dropped
 * @PIOTRAP_REGION_EXIT: the owner serves each access (PIOTRAP_EXIT_IO_MEM)
 */
enum piotrap_region_kind {
	PIOTRAP_REGION_NONE,
	PIOTRAP_REGION_RAM,
	PIOTRAP_REGION_ROM,
	PIOTRAP_REGION_OPEN_BUS,
	PIOTRAP_REGION_EXIT,
};

/**
 * struct piotrap_region - memory of a sandbox (PIOTRAP_SET_REGION)
 * @size: of this struct
 * @flags: must be zero
 * @kind: enum piotrap_region_kind
 * @reserved: must be zero
 * @gpa: first physical address; a multiple of 4096
 * @len: bytes; a multiple of 4096, not 0
 * @addr: RAM, ROM: the owner's memory, a multiple of 4096; else must be zero
 *
 * The memory (anonymous, memfd, shmem or hugetlb; private mappings are made the
 * owner's own copy) is pinned for writing and counted against RLIMIT_MEMLOCK of
 * the caller, twice: with all that the process has locked, and with all that the
 * user's processes have given to the kernel. The region is those pages: munmap(),
 * mmap() over them, fork() and copy-on-write do not change it. PIOTRAP_REGION_NONE
 * removes the region with exactly this @gpa and @len.
 *
 * Errors, after the common ones: EINVAL (@kind unknown; @gpa, @len or @addr not
 * aligned; range empty or past 2^52); ENOENT (nothing to remove); EEXIST (overlaps
 * another region); E2BIG (max_regions or max_memory); ENOMEM (RLIMIT_MEMLOCK);
 * EFAULT (memory not mapped, not writable, or of a file that cannot be pinned).
 */
struct piotrap_region {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 reserved;
	__u64 gpa;
	__u64 len;
	__u64 addr;
};

/**
 * enum piotrap_port_kind - what is behind a range of ports
 * @PIOTRAP_PORT_OPEN_BUS: reads all ones, writes are dropped; all ports at first
 * @PIOTRAP_PORT_LATCH: a byte a port, read as last written; at first @init
 * @PIOTRAP_PORT_CONSOLE: bytes written go to the console ring that read() drains;
 *	reads give @init in each byte. A write that does not fit ends the run
 *	before it (PIOTRAP_EXIT_CONSOLE_FULL), or, with PIOTRAP_PORTS_DROP, is
 *	dropped as a whole and counted.
 * @PIOTRAP_PORT_INPUT: reads take bytes given by PIOTRAP_QUEUE_INPUT, and all
 *	ones when there are none, or, with PIOTRAP_PORTS_WAIT, end the run before
 *	the element (PIOTRAP_EXIT_INPUT_EMPTY). Writes are dropped.
 * @PIOTRAP_PORT_EVENTFD: a write signals @eventfd by one for each element, with
 *	PIOTRAP_PORTS_MATCH only where (value & @mask) == @match. Reads all ones.
 * @PIOTRAP_PORT_EXIT: the owner serves each access (PIOTRAP_EXIT_IO_PORT)
 * @PIOTRAP_PORT_BPF: a BPF program decides about each access, see struct
 *	piotrap_bpf_io; open bus where none does. A byte a port is kept, at first
 *	@init. REP goes element by element.
 */
enum piotrap_port_kind {
	PIOTRAP_PORT_OPEN_BUS,
	PIOTRAP_PORT_LATCH,
	PIOTRAP_PORT_CONSOLE,
	PIOTRAP_PORT_INPUT,
	PIOTRAP_PORT_EVENTFD,
	PIOTRAP_PORT_EXIT,
	PIOTRAP_PORT_BPF,
};

/**
 * struct piotrap_ports - what a range of ports is (PIOTRAP_SET_PORTS)
 * @size: of this struct
 * @flags: PIOTRAP_PORTS_*, each only with the kind that it belongs to
 * @kind: enum piotrap_port_kind
 * @first: first port, 0 to 65535
 * @count: ports, 1 to 65536 - @first
 * @init: latch, BPF: first value of each byte; console: byte read, usually E9h; 0
 *	to 255; else must be zero
 * @eventfd: PIOTRAP_PORT_EVENTFD: file descriptor; else must be zero
 * @reserved: must be zero
 * @match: with PIOTRAP_PORTS_MATCH, else must be zero
 * @mask: with PIOTRAP_PORTS_MATCH, else must be zero
 *
 * The range replaces what was there; ranges that it cuts keep the rest, their
 * contents with it. An access that touches ranges of different kinds goes byte by
 * byte, low port first; it is one access to breakpoints, traces and the log. An
 * access past port FFFFh sees open bus there.
 *
 * Errors, after the common ones: EINVAL (@kind, @first, @count, @init, or a flag
 * or field that is not @kind's); EPERM (PIOTRAP_PORT_BPF without
 * PIOTRAP_CONFIG_BPF); EBADF, EINVAL (@eventfd); E2BIG (max_port_ranges); ENOMEM.
 */
struct piotrap_ports {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 first;
	__u32 count;
	__u32 init;
	__s32 eventfd;
	__u32 reserved;
	__u64 match;
	__u64 mask;
};

#define PIOTRAP_PORTS_DROP	(1U << 0) /* console: a full ring drops */
#define PIOTRAP_PORTS_WAIT	(1U << 1) /* input: an empty queue ends the run */
#define PIOTRAP_PORTS_MATCH	(1U << 2) /* eventfd: compare the value */

/**
 * enum piotrap_bpf_action - what a BPF program says of an access
 * @PIOTRAP_BPF_NONE: nothing: a read gives all ones, a write is dropped
 * @PIOTRAP_BPF_DONE: a read gives @value; a write stores @value in the range
 * @PIOTRAP_BPF_STOP: the run ends before the access (PIOTRAP_EXIT_BPF)
 *
 * Any other number counts as PIOTRAP_BPF_NONE.
 */
enum piotrap_bpf_action {
	PIOTRAP_BPF_NONE,
	PIOTRAP_BPF_DONE,
	PIOTRAP_BPF_STOP,
};

/**
 * struct piotrap_bpf_io - an access to a range of kind PIOTRAP_PORT_BPF
 * @sandbox: number of the sandbox, as PIOTRAP_INFO gives it
 * @rip: of the instruction
 * @owner: process (thread group) that opened the sandbox, as seen from the initial
 *	PID namespace
 * @value: write: what the instruction writes; read: what was last stored. In the
 *	answer: what is read or stored instead; bits beyond @size do not count
 * @port: first port
 * @size: bytes: 1, 2 or 4; all of ports of this kind
 * @dir: PIOTRAP_READ or PIOTRAP_WRITE
 * @again: 1: the run ended before this very access, with PIOTRAP_BPF_STOP
 * @action: in: PIOTRAP_BPF_NONE; the answer: enum piotrap_bpf_action
 * @reserved: zero
 *
 * What the first argument of the tracepoint piotrap_bpf_io points to; a program of
 * type BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE may change it. Of the answer @action
 * and @value are looked at, nothing else. Where several programs are attached each
 * sees what the one before it has left.
 */
struct piotrap_bpf_io {
	__u64 sandbox;
	__u64 rip;
	__u32 owner;
	__u32 value;
	__u16 port;
	__u8 size;
	__u8 dir;
	__u8 again;
	__u8 action;
	__u8 reserved[2];
};

/**
 * struct piotrap_input - bytes for an input range (PIOTRAP_QUEUE_INPUT)
 * @size: of this struct
 * @flags: must be zero
 * @port: any port of the range
 * @len: in: bytes, 1 to max_input; out: bytes taken
 * @addr: where they are
 *
 * Errors, after the common ones: EINVAL (@port or @len out of range); ENOENT (not
 * an input port); ENOSPC (no room for any byte); EFAULT.
 */
struct piotrap_input {
	__u32 size;
	__u32 flags;
	__u32 port;
	__u32 len;
	__u64 addr;
};

/**
 * struct piotrap_regs - general registers
 * @gpr: in encoding order
 * @rax: the same by name
 * @rcx: the same by name
 * @rdx: the same by name
 * @rbx: the same by name
 * @rsp: the same by name
 * @rbp: the same by name
 * @rsi: the same by name
 * @rdi: the same by name
 * @r8: the same by name
 * @r9: the same by name
 * @r10: the same by name
 * @r11: the same by name
 * @r12: the same by name
 * @r13: the same by name
 * @r14: the same by name
 * @r15: the same by name
 * @rip: RIP
 * @rflags: RFLAGS
 */
struct piotrap_regs {
	union {
		__u64 gpr[16];
		struct {
			__u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
			__u64 r8, r9, r10, r11, r12, r13, r14, r15;
		};
	};
	__u64 rip;
	__u64 rflags;
};

/**
 * struct piotrap_segment - a segment register with its hidden part
 * @base: linear address
 * @limit: last valid offset in bytes, granularity applied
 * @attr: access rights in the layout of the VMCS (SDM volume 3, "Guest Register
 *	State"): type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15,
 *	unusable 16
 * @selector: visible part
 * @reserved: must be zero
 */
struct piotrap_segment {
	__u64 base;
	__u32 limit;
	__u32 attr;
	__u16 selector;
	__u16 reserved[3];
};

/**
 * struct piotrap_dtable - GDTR or IDTR
 * @base: linear address
 * @limit: last valid offset in bytes
 * @reserved: must be zero
 */
struct piotrap_dtable {
	__u64 base;
	__u16 limit;
	__u16 reserved[3];
};

/**
 * struct piotrap_segs - segment registers and descriptor tables
 * @es: ES
 * @cs: CS
 * @ss: SS; its DPL is the CPL
 * @ds: DS
 * @fs: FS; its base is IA32_FS_BASE
 * @gs: GS; its base is IA32_GS_BASE
 * @ldtr: LDTR
 * @tr: TR
 * @gdtr: GDTR
 * @idtr: IDTR; in real mode the interrupt vector table
 */
struct piotrap_segs {
	struct piotrap_segment es, cs, ss, ds, fs, gs, ldtr, tr;
	struct piotrap_dtable gdtr, idtr;
};

/**
 * struct piotrap_ctrl - control registers and modelled MSRs
 * @cr0: CR0
 * @cr2: CR2
 * @cr3: CR3
 * @cr4: CR4
 * @cr8: CR8
 * @xcr0: XCR0; kept, without effect
 * @efer: IA32_EFER
 * @star: IA32_STAR
 * @lstar: IA32_LSTAR
 * @cstar: IA32_CSTAR
 * @sfmask: IA32_FMASK
 * @kernel_gs_base: IA32_KERNEL_GS_BASE
 * @sysenter_cs: IA32_SYSENTER_CS
 * @sysenter_esp: IA32_SYSENTER_ESP
 * @sysenter_eip: IA32_SYSENTER_EIP
 * @tsc_aux: IA32_TSC_AUX
 * @tsc: what the time stamp counter counts from
 * @pat: IA32_PAT; kept, without effect
 * @apic_base: IA32_APIC_BASE; kept, without effect
 * @misc_enable: IA32_MISC_ENABLE; kept, without effect
 */
struct piotrap_ctrl {
	__u64 cr0, cr2, cr3, cr4, cr8, xcr0;
	__u64 efer, star, lstar, cstar, sfmask, kernel_gs_base;
	__u64 sysenter_cs, sysenter_esp, sysenter_eip;
	__u64 tsc_aux, tsc, pat, apic_base, misc_enable;
};

/**
 * struct piotrap_debug - debug registers and what VMX keeps beside them
 * @dr: DR0 to DR3
 * @dr6: DR6
 * @dr7: DR7
 * @debugctl: IA32_DEBUGCTL; LBR (0) and BTF (1)
 * @pending_dbg: traps recognised and not yet delivered, as DR6 bits in positive
 *	polarity: B3-B0, BLD (11), BS (14), BT (15), RTM (16)
 * @interruptibility: as in the VMCS: STI (0), MOV SS (1), SMI (2), NMI (3)
 * @activity: as in the VMCS: 0 active, 1 HLT, 2 shutdown
 * @dr_mask: with PIOTRAP_CONFIG_AMD, where CPUID has DBEXT: bits of DR0 to DR3, and
 *	of the addresses compared with them, that do not count
 */
struct piotrap_debug {
	__u64 dr[4];
	__u64 dr6;
	__u64 dr7;
	__u64 debugctl;
	__u64 pending_dbg;
	__u32 interruptibility;
	__u32 activity;
	__u32 dr_mask[4];
};

/**
 * enum piotrap_event_action - what becomes of the event in struct piotrap_event
 * @PIOTRAP_EVENT_NONE: there is none
 * @PIOTRAP_EVENT_HELD: out: it ended the run and wants an answer. As an answer:
 *	PIOTRAP_RUN ends with it again.
 * @PIOTRAP_EVENT_DELIVER: in: through the IVT or IDT, with all effects. Any event
 *	may be written and injected so.
 * @PIOTRAP_EVENT_TAKE: in: the owner acts as its handler: for #DB DR6 is merged
 *	and TF, DR7.GD and BTF are cleared, for #PF CR2 is loaded; RIP goes past an
 *	INT instruction; no frame is pushed. A run with @budget 0 applies it and
 *	goes no further.
 * @PIOTRAP_EVENT_ABSORB: in: nothing is applied
 */
enum piotrap_event_action {
	PIOTRAP_EVENT_NONE,
	PIOTRAP_EVENT_HELD,
	PIOTRAP_EVENT_DELIVER,
	PIOTRAP_EVENT_TAKE,
	PIOTRAP_EVENT_ABSORB,
};

/**
 * struct piotrap_event - the event that ended the run, or is to be injected
 * @action: enum piotrap_event_action
 * @vector: 0 to 255
 * @type: as in the VMCS: 0 external interrupt, 2 NMI, 3 hardware exception, 4
 *	INT n, 5 INT1 (F1), 6 INT3 or INTO
 * @insn_len: types 4 to 6: length of the instruction, which RIP still points to
 *	(0 where RIP is past it)
 * @error_code: with PIOTRAP_EVENT_ERROR
 * @payload: with PIOTRAP_EVENT_PAYLOAD: for #DB the bits of pending_dbg, for #PF
 *	the address
 * @flags: PIOTRAP_EVENT_*
 * @intr_pending: 1: external interrupt @intr_vector waits for IF and the shadows
 * @intr_vector: 0 to 255
 * @nmi_pending: 1: an NMI waits
 * @intr_window: 1: the run ends (PIOTRAP_EXIT_INTR_WINDOW) as soon as an
 *	interrupt could be taken
 * @init_pending: 1: INIT waits: as after RESET, MSRs apart; no shadow holds it
 * @mc_pending: 1: a machine check waits, likewise; without CR4.MCE it is a shutdown
 * @reserved: must be zero
 */
struct piotrap_event {
	__u8 action;
	__u8 vector;
	__u8 type;
	__u8 insn_len;
	__u32 error_code;
	__u64 payload;
	__u32 flags;
	__u8 intr_pending;
	__u8 intr_vector;
	__u8 nmi_pending;
	__u8 intr_window;
	__u8 init_pending;
	__u8 mc_pending;
	__u8 reserved[6];
};

#define PIOTRAP_EVENT_ERROR	(1U << 0) /* an error code is pushed */
#define PIOTRAP_EVENT_PAYLOAD	(1U << 1) /* @payload counts */
#define PIOTRAP_EVENT_RF	(1U << 2) /* RF is pushed as 1 */

#define PIOTRAP_IO_NONE		0
#define PIOTRAP_IO_PORT		1
#define PIOTRAP_IO_MEM		2
#define PIOTRAP_IO_MSR		3

#define PIOTRAP_READ		0
#define PIOTRAP_WRITE		1

/**
 * struct piotrap_io - the access that ended the run, for the owner to serve
 * @addr: out: port, physical address of the first element, or number of the MSR
 * @rip: out: of the instruction, which has not been committed
 * @count: out: elements offered, 1 unless it is a REP of INS, OUTS, MOVS, STOS or LODS
 * @done: in: elements served, 0 to @count
 * @used: of these, how many are committed; kept by the kernel
 * @kind: out: PIOTRAP_IO_NONE, PIOTRAP_IO_PORT, PIOTRAP_IO_MEM or PIOTRAP_IO_MSR
 * @dir: out: PIOTRAP_READ or PIOTRAP_WRITE
 * @size: out: bytes an element: 1, 2, 4, or 8 (memory; MSRs always)
 * @flags: out: PIOTRAP_IO_STRING, PIOTRAP_IO_REP, and PIOTRAP_IO_PART where it is
 *	one byte of an access that touches ports of different kinds
 *
 * The data, @count elements of @size bytes without gaps, is at
 * PIOTRAP_DATA_OFFSET: written by the kernel for a write, by the owner for a
 * read. From the run page only @done and, of a read, the data are taken; the
 * other fields are the kernel's own record. Memory elements of a string follow
 * one another upwards or, where RFLAGS.DF is set, downwards from @addr.
 *
 * The next PIOTRAP_RUN commits exactly @done elements. A change of RIP, CS or TR
 * drops the access and what had been served of the instruction.
 */
struct piotrap_io {
	__u64 addr;
	__u64 rip;
	__u32 count;
	__u32 done;
	__u32 used;
	__u8 kind;
	__u8 dir;
	__u8 size;
	__u8 flags;
};

#define PIOTRAP_IO_STRING	(1U << 0)
#define PIOTRAP_IO_REP		(1U << 1)
#define PIOTRAP_IO_PART		(1U << 2)

/**
 * struct piotrap_replay - an access that was served for an instruction not yet
 *	committed
 * @addr: port, physical address or number of the MSR
 * @val: data, zero-extended
 * @kind: PIOTRAP_IO_PORT, PIOTRAP_IO_MEM or PIOTRAP_IO_MSR
 * @dir: PIOTRAP_READ or PIOTRAP_WRITE
 * @size: bytes
 * @reserved: must be zero
 */
struct piotrap_replay {
	__u64 addr;
	__u64 val;
	__u8 kind;
	__u8 dir;
	__u8 size;
	__u8 reserved[5];
};

/**
 * struct piotrap_progress - the instruction under way, if any
 * @in_rep: 1: stopped between two iterations of a REP of its own accord
 * @insn_len: not 0: an access of this instruction was or is served by the owner,
 *	and its bytes, fetched then, are in @insn
 * @nr_replay: entries of @replay
 * @after_event: 1: an event was delivered, and nothing has been executed since
 * @watch_passed: bit n: watch n has ended a run before an access of it
 * @insn: instruction bytes
 * @permitted: not 0: port permission was found; the first @permitted - 1 entries of
 *	@replay are the accesses that this took
 * @stopped: 1: a BPF program has asked for a stop before the access that comes next
 * @reserved: must be zero
 * @replay: accesses served before the pending one
 *
 * For saving and restoring; it has no meaning beyond.
 */
struct piotrap_progress {
	__u8 in_rep;
	__u8 insn_len;
	__u8 nr_replay;
	__u8 after_event;
	__u32 watch_passed;
	__u8 insn[16];
	__u8 permitted;
	__u8 stopped;
	__u8 reserved[6];
	struct piotrap_replay replay[PIOTRAP_REPLAY_MAX];
};

/**
 * struct piotrap_stream - the instruction stream that is being run
 * @start: linear address of its first byte
 * @len: bytes, 0 if there is none
 * @reserved: must be zero
 * @bytes: instruction bytes
 */
struct piotrap_stream {
	__u64 start;
	__u32 len;
	__u32 reserved;
	__u8 bytes[PIOTRAP_STREAM_MAX];
};

#define PIOTRAP_BUDGET_UNLIMITED	(~(__u64)0)

/**
 * struct piotrap_state - all that a sandbox's CPU carries from one run to the next
 * @size: of this struct
 * @flags: must be zero
 * @regs: general registers
 * @segs: segments and descriptor tables
 * @ctrl: control registers and MSRs
 * @debug: debug state
 * @event: held or injected event
 * @budget: boundaries left: one for each instruction, also one that faults, or for
 *	each iteration of a REP (an empty REP is one), and one for each event that
 *	follows another with no instruction between them
 * @io: pending access
 * @progress: instruction under way
 * @stream: instruction stream
 * @io_data: data of @io
 *
 * PIOTRAP_GET_STATE writes it, PIOTRAP_SET_STATE takes it; state read from one
 * sandbox at any exit and written to another continues there identically. Neither
 * touches the run page.
 *
 * PIOTRAP_SET_STATE fails, after the common errors, with EINVAL if the state
 * breaks one of the consistency rules listed in Documentation/abi.rst.
 */
struct piotrap_state {
	__u32 size;
	__u32 flags;
	struct piotrap_regs regs;
	struct piotrap_segs segs;
	struct piotrap_ctrl ctrl;
	struct piotrap_debug debug;
	struct piotrap_event event;
	__u64 budget;
	struct piotrap_io io;
	struct piotrap_progress progress;
	struct piotrap_stream stream;
	__u8 io_data[PIOTRAP_IO_DATA];
};

/**
 * enum piotrap_exit_reason - why PIOTRAP_RUN came back
 * @PIOTRAP_EXIT_NONE: it has not run yet
 * @PIOTRAP_EXIT_DONE: RIP is exactly at the end of the instruction stream
 * @PIOTRAP_EXIT_LEFT_STREAM: RIP is elsewhere outside of it
 * @PIOTRAP_EXIT_IO_PORT: @io of the run page wants to be served
 * @PIOTRAP_EXIT_IO_MEM: the same, for memory
 * @PIOTRAP_EXIT_WATCH: a watch was hit: bit n of @exit_watch: number n; the first
 *	access that did is in @exit_addr, @exit_size, @exit_access and @exit_value
 * @PIOTRAP_EXIT_DEBUG: a #DB, in @event of the run page, not yet delivered
 * @PIOTRAP_EXIT_EXCEPTION: another exception, likewise
 * @PIOTRAP_EXIT_INT: a software interrupt, likewise
 * @PIOTRAP_EXIT_IRET: RIP is at an IRET (PIOTRAP_CONFIG_EXIT_IRET)
 * @PIOTRAP_EXIT_HLT: the CPU is halted; RIP is past the HLT
 * @PIOTRAP_EXIT_SHUTDOWN: triple fault
 * @PIOTRAP_EXIT_INTR_WINDOW: an interrupt could be taken now
 * @PIOTRAP_EXIT_MSR: the same, for an MSR that the CPU does not have
 *	(PIOTRAP_CONFIG_EXIT_MSRS)
 * @PIOTRAP_EXIT_BUDGET: @budget is used up
 * @PIOTRAP_EXIT_SIGNAL: a signal is pending for the calling thread
 * @PIOTRAP_EXIT_IMMEDIATE: @immediate_exit was set, or PIOTRAP_KICK was called
 * @PIOTRAP_EXIT_CONSOLE_FULL: before a write to the console port @exit_addr
 * @PIOTRAP_EXIT_INPUT_EMPTY: before a read of the input port @exit_addr
 * @PIOTRAP_EXIT_LOG_FULL: before what the log has no room for
 * @PIOTRAP_EXIT_BPF: a BPF program asked for a stop before an access of @exit_size
 *	bytes to port @exit_addr; @exit_access and @exit_value tell more. The next
 *	run asks again, with @again set
 * @PIOTRAP_EXIT_MEMORY: no memory behind an access: @exit_addr is physical,
 *	@exit_linear linear, @exit_size and @exit_access say what; in the caller's
 *	memory @exit_linear is the first byte that failed and @exit_error says why;
 *	RIP is at the instruction, nothing of which has happened
 * @PIOTRAP_EXIT_UNSUPPORTED: an instruction that is not modelled, @insn_len bytes
 *	in @insn (0: the length is not known); RIP is at it
 * @PIOTRAP_EXIT_INTERNAL: a fault of the module's own
 */
enum piotrap_exit_reason {
	PIOTRAP_EXIT_NONE,
	PIOTRAP_EXIT_DONE,
	PIOTRAP_EXIT_LEFT_STREAM,
	PIOTRAP_EXIT_IO_PORT,
	PIOTRAP_EXIT_IO_MEM,
	PIOTRAP_EXIT_WATCH,
	PIOTRAP_EXIT_DEBUG,
	PIOTRAP_EXIT_EXCEPTION,
	PIOTRAP_EXIT_INT,
	PIOTRAP_EXIT_IRET,
	PIOTRAP_EXIT_HLT,
	PIOTRAP_EXIT_SHUTDOWN,
	PIOTRAP_EXIT_INTR_WINDOW,
	PIOTRAP_EXIT_MSR,
	PIOTRAP_EXIT_BUDGET,
	PIOTRAP_EXIT_SIGNAL,
	PIOTRAP_EXIT_IMMEDIATE,
	PIOTRAP_EXIT_CONSOLE_FULL,
	PIOTRAP_EXIT_INPUT_EMPTY,
	PIOTRAP_EXIT_LOG_FULL,
	PIOTRAP_EXIT_BPF,
	PIOTRAP_EXIT_MEMORY,
	PIOTRAP_EXIT_UNSUPPORTED,
	PIOTRAP_EXIT_INTERNAL,
};

/* Groups of the run page. */
#define PIOTRAP_GROUP_REGS	(1U << 0)
#define PIOTRAP_GROUP_SEGS	(1U << 1)
#define PIOTRAP_GROUP_CTRL	(1U << 2)
#define PIOTRAP_GROUP_DEBUG	(1U << 3)
#define PIOTRAP_GROUP_EVENT	(1U << 4)
#define PIOTRAP_GROUP_BUDGET	(1U << 5)
#define PIOTRAP_GROUP_IO	(1U << 6)

/**
 * struct piotrap_run - the run page
 * @immediate_exit: in: not 0: PIOTRAP_RUN ends with PIOTRAP_EXIT_IMMEDIATE at the
 *	next poll; read during the run, never written by the kernel
 * @reserved: not looked at
 * @dirty: in: PIOTRAP_GROUP_* that the kernel takes; set to 0 when they are taken
 * @valid: out: PIOTRAP_GROUP_* that the kernel wrote
 * @exit_reason: out: enum piotrap_exit_reason
 * @insn_len: out: bytes in @insn
 * @exit_size: out: bytes of the access
 * @exit_access: out: 0 read, 1 write, 2 fetch
 * @reserved2: zero
 * @exit_error: out: caller's memory: the error code that a page fault would have: P
 *	(0) mapped, but not for this; W (1) write; U (2) always; I (4) fetch; PK (5)
 *	by a protection key
 * @insn: out: the instruction, with PIOTRAP_EXIT_UNSUPPORTED
 * @reserved3: zero
 * @exit_addr: out: port, physical address or number of the MSR; in the caller's
 *	memory the linear address
 * @exit_linear: out: linear address
 * @exit_value: out: with PIOTRAP_EXIT_WATCH: what was, or is to be, read or written;
 *	with PIOTRAP_EXIT_BPF: what is to be written
 * @exit_watch: out: with PIOTRAP_EXIT_WATCH: bit n: watch n
 * @reserved4: zero
 * @boundaries: out: boundaries that this run has passed, in units of @budget
 * @console_dropped: out: bytes that console ports have dropped so far
 * @regs: group REGS
 * @segs: group SEGS
 * @ctrl: group CTRL
 * @debug: group DEBUG
 * @event: group EVENT
 * @budget: group BUDGET; PIOTRAP_BUDGET_UNLIMITED at first
 * @io: group IO
 *
 * A group that is not consistent (the rules are those of PIOTRAP_SET_STATE) makes
 * PIOTRAP_RUN fail with EINVAL; nothing is taken then.
 */
struct piotrap_run {
	__u8 immediate_exit;
	__u8 reserved[3];
	__u32 dirty;
	__u32 valid;
	__u32 exit_reason;
	__u8 insn_len;
	__u8 exit_size;
	__u8 exit_access;
	__u8 reserved2;
	__u32 exit_error;
	__u8 insn[15];
	__u8 reserved3;
	__u64 exit_addr;
	__u64 exit_linear;
	__u64 exit_value;
	__u32 exit_watch;
	__u32 reserved4;
	__u64 boundaries;
	__u64 console_dropped;
	struct piotrap_regs regs;
	struct piotrap_segs segs;
	struct piotrap_ctrl ctrl;
	struct piotrap_debug debug;
	struct piotrap_event event;
	__u64 budget;
	struct piotrap_io io;
};

/**
 * struct piotrap_run_args - run (PIOTRAP_RUN)
 * @size: of this struct
 * @flags: PIOTRAP_RUN_*
 * @stream: with PIOTRAP_RUN_STREAM: address of the instruction bytes
 * @len: with PIOTRAP_RUN_STREAM: 1 to max_stream; else must be zero
 * @reserved: must be zero
 *
 * With PIOTRAP_RUN_STREAM the bytes are copied and laid over memory for
 * instruction fetch, from CS:RIP on, until RIP leaves them or another stream is
 * submitted. What was under way at CS:RIP, a pending access included, is dropped.
 * Without, it goes on at RIP, in the present stream if RIP is still in it. Data
 * accesses see memory; a fetch past the stream's end takes memory's bytes.
 *
 * Return: 0 whenever the run was accepted, a signal included; @exit_reason tells
 * why it ended. Errors, after the common ones: EPERM (the sandbox is bound to the
 * memory of another process); EINVAL (@len; @dirty names an unknown group; a group
 * or the state is not consistent, or not one for the caller's memory); EFAULT
 * (@stream). An error means that nothing was run and nothing changed. It is never
 * restarted by the kernel.
 */
struct piotrap_run_args {
	__u32 size;
	__u32 flags;
	__u64 stream;
	__u32 len;
	__u32 reserved;
};

#define PIOTRAP_RUN_STREAM	(1U << 0)

/**
 * struct piotrap_kick - end a run from any thread (PIOTRAP_KICK)
 * @size: of this struct
 * @flags: must be zero
 *
 * The run under way, or else the next one, ends with PIOTRAP_EXIT_IMMEDIATE.
 */
struct piotrap_kick {
	__u32 size;
	__u32 flags;
};

/**
 * struct piotrap_log - the owner's access log (PIOTRAP_SET_LOG)
 * @size: of this struct
 * @flags: PIOTRAP_LOG_PORTS, PIOTRAP_LOG_STEPS; 0 ends logging
 * @addr: memory for a struct piotrap_log_ring, a multiple of 4096; with flags 0
 *	must be zero
 * @len: bytes, a multiple of 4096; with flags 0 must be zero
 * @rec_size: bytes of a record: sizeof(struct piotrap_log_rec), or
 *	PIOTRAP_LOG_REC_FIRST, which is also what 0 stands for; with flags 0 must be
 *	zero
 * @reserved: must be zero
 *
 * The memory is pinned and accounted like a region, and the ring starts empty. When
 * it has no room PIOTRAP_RUN ends with PIOTRAP_EXIT_LOG_FULL before the access or
 * step. While a log is on, REP goes element by element.
 *
 * Errors, after the common ones: EINVAL (@addr, @len or @rec_size); E2BIG (@len over
 * 16 MiB); ENOMEM; EFAULT.
 */
struct piotrap_log {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u64 len;
	__u32 rec_size;
	__u32 reserved;
};

#define PIOTRAP_LOG_PORTS	(1U << 0)
#define PIOTRAP_LOG_STEPS	(1U << 1)

#define PIOTRAP_LOG_REC_FIRST	64	/* records that end after RDI */

#define PIOTRAP_REC_PORT	1
#define PIOTRAP_REC_STEP	2

/**
 * struct piotrap_log_rec - one record of the log
 * @type: PIOTRAP_REC_PORT: a port access that was committed; PIOTRAP_REC_STEP: an
 *	instruction or REP iteration about to start
 * @dir: port: PIOTRAP_READ or PIOTRAP_WRITE
 * @size: port: bytes
 * @bits: width of the code that CS holds: 16, 32 or 64
 * @port: port: number
 * @cs: selector of CS
 * @rip: of the instruction
 * @value: port: data, zero-extended; step: RAX
 * @rflags: RFLAGS
 * @rcx: RCX
 * @rdx: RDX
 * @rsi: RSI
 * @rdi: RDI
 * @rbx: RBX
 * @rsp: RSP
 * @rbp: RBP
 * @reserved: zero
 */
struct piotrap_log_rec {
	__u8 type;
	__u8 dir;
	__u8 size;
	__u8 bits;
	__u16 port;
	__u16 cs;
	__u64 rip;
	__u64 value;
	__u64 rflags;
	__u64 rcx;
	__u64 rdx;
	__u64 rsi;
	__u64 rdi;
	__u64 rbx;
	__u64 rsp;
	__u64 rbp;
	__u64 reserved[5];
};

/**
 * struct piotrap_log_ring - layout of the log's memory
 * @head: records written so far; the kernel's (store-release)
 * @tail: records taken so far; the owner's
 * @reserved: zero
 * @rec: (@len / @rec_size - 1) records; record n is at n modulo their number
 *
 * The first record begins @rec_size bytes after the beginning. The kernel keeps its
 * own @head and does not trust @tail, which it reads for each page of records and when
 * the room that it knew of has been used: a @tail past @head or further behind than the
 * ring is long counts as no room.
 */
struct piotrap_log_ring {
	__u64 head;
	__u64 tail;
	__u64 reserved[14];
	struct piotrap_log_rec rec[];
};

#endif /* _UAPI_LINUX_PIOTRAP_H */
