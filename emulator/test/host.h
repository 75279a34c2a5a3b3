/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A host for the emulator in userspace: flat memory, ports that a test can watch
 * and answer, a record of everything that is traced.
 */
#ifndef EMU_TEST_HOST_H
#define EMU_TEST_HOST_H

#include "../emu.h"
#include "../flags.h"

#define HOST_MEM	(2U << 20)
#define HOST_LOG	8192
#define HOST_PAGES	32		/* whose kind can be chosen one by one */

/* What a page of memory is. */
enum host_page {
	PAGE_PLAIN,
	PAGE_HOOKS,			/* memory, reached by hooks only */
	PAGE_OWNER,			/* served by the owner */
	PAGE_HOLE,
	PAGE_ROM,			/* writes are dropped */
	NR_PAGE_KINDS
};

/* Hooks that need not be there, for host_absent(). */
#define HOST_NO_BACKED		BIT(0)
#define HOST_NO_PORT_CHECK	BIT(1)
#define HOST_NO_PORT_SPLIT	BIT(2)
#define HOST_NO_PORT_QUICK	BIT(3)
#define HOST_NO_READ_BULK	BIT(4)
#define HOST_NO_WRITE_BULK	BIT(5)
#define HOST_NO_TRACE		BIT(6)
#define HOST_NO_STEP		BIT(7)
#define HOST_NO_RDTSC		BIT(8)

/* One port access that reached the host. */
struct host_access {
	u16 port;
	u8 size;
	u8 dir;
	u32 val;
};

struct host {
	struct emu cpu;
	struct emu_ops ops;
	u8 *mem;			/* HOST_MEM bytes */
	u8 *scattered_mem;		/* the same pages, in another order */
	bool scattered;			/* windows are there */
	u64 mem_size;			/* of these, what is there */
	bool no_windows;		/* every access goes through hooks */
	u64 mmio_first, mmio_last;	/* served by the owner, if first < last */
	bool mmio_kept;			/* ... out of @mem, as one who keeps it there */
	u64 hole_first, hole_last;	/* no memory, if first < last */
	u8 page[HOST_PAGES];		/* enum host_page, besides the ranges */
	u32 touched;			/* bit n: page n may have been accessed */
	int owner_port;			/* served by the owner, or -1 */
	u64 poke_at;			/* written when the owner answers, or 0 */
	u8 poke_val;
	int split_port;			/* of another kind than its neighbours, or -1 */
	int stop_port;			/* host_exit before it, or -1 */
	int irq_port;			/* an access asks for an interrupt, or -1 */
	u8 irq_vector;
	u32 irq_at;			/* only this access of all, from 1; 0: each */
	bool bulk;			/* offer bulk hooks */
	u32 bulk_max;			/* elements that a bulk hook takes */
	u64 quick;			/* accesses by the quick hook */
	bool poll_stop;			/* poll, and stop, at each boundary */
	u32 polls;
	u64 polled_at;			/* boundary of the last one then */
	bool late;			/* one was not at the boundary asked for */
	bool port_stop;			/* stop once before each port access */
	bool step_stop;			/* and before each instruction, iteration */
	u32 asks;
	u32 fail;			/* a hook fails once in so many calls, or 0: never */
	u32 fail_seed;
	u64 fail_at;			/* boundary of the last call */
	u64 table_at;			/* likewise of a write to a page table, and 1 */
	u32 fails;			/* there */
	bool failed;			/* one has, and what it was asked for is not done */
	u32 read_seed;			/* port reads count up from here */
	u64 watch;			/* reads of this address are counted, if by hooks */
	u32 watched;
	u32 asked;			/* on_fault, so often */
	u32 pinned;			/* pages of the caller's that are held */
	u64 bulk_elements;		/* that bulk hooks have done, ever */
	u64 told_hash;			/* of where the step hook was called */
	u64 trace_hash;			/* of what is traced besides ports and breaks */
	u64 trace_ports;		/* elements traced */

	struct host_access io[HOST_LOG];
	unsigned int nr_io;
	struct emu_trace trace[HOST_LOG];
	unsigned int nr_trace;
	void (*on_write)(struct host *h, u64 gpa, unsigned int size, u64 val);
	u32 (*on_in)(struct host *h, u16 port, unsigned int size);
	/* The owner mends what this page fault is about: false, he cannot. */
	bool (*on_fault)(struct host *h, u64 lin);
	u32 change_at;			/* of drive(): boundary at which somebody writes */
	u32 change_gpa;			/* to memory here */
	u8 change_val;			/* this; the engine is not told */
	u8 answer;			/* to #DB, enum emu_event_action; absorbs */
	u32 budget;			/* of drive(), 0: its own */
	void *user;
};

/* Steps in blocks are told by a step_uop hook. */
void host_step_uop(struct host *h, bool on);
void host_init(struct host *h);
void host_free(struct host *h);
/* Only hooks that are not in @bits, HOST_NO_*. */
void host_absent(struct host *h, u32 bits);
/* Reset the CPU and the records, keep memory. */
void host_reset(struct host *h);
/* Real mode at CS:IP 0000:ip with code there; SS:SP 0000:7000. */
void host_code(struct host *h, u16 ip, const u8 *code, unsigned int len);
/* Somebody else writes to memory; at a place that the program may never look at. */
void host_write(struct host *h, u64 gpa, const void *p, unsigned int size);
void host_change(struct host *h);
u32 host_next_in(struct host *h, u16 port, unsigned int size);
/* After the last of h->io: a device may ask for an interrupt while it is accessed. */
void host_ask(struct host *h, u16 port);
void host_deliver_all(struct host *h);

#endif
