/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the module know of one another. A sandbox is what one open
 * of /dev/piotrap stands for: a virtual CPU, its memory and its ports.
 *
 * Locking: the sandbox's parts belong to whoever has taken sandbox.owner
 * (main.c); PIOTRAP_RUN takes it without a lock and without waiting. What may
 * be used while another thread runs has rules of its own, at the field:
 * sandbox.kick, run_page.immediate_exit and struct console.
 */
#ifndef PIOTRAP_SANDBOX_H
#define PIOTRAP_SANDBOX_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/piotrap.h>
#include <linux/poll.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

#include "emu.h"

struct eventfd_ctx;
struct mm_struct;
struct user_struct;

#define LIMIT_REGIONS	64
#define LIMIT_MEMORY	SZ_1G
#define LIMIT_PORT_RANGES	255		/* and slot 0 is open bus */
#define LIMIT_CONSOLE	SZ_64K
#define LIMIT_INPUT	SZ_64K
#define LIMIT_LOG		SZ_16M
#define LIMIT_ARG		SZ_64K		/* bytes of an ioctl's struct */
#define NR_PORTS	SZ_64K

/*
 * What users make the module allocate is accounted to them, and at their limit they
 * are told by an errno: they do not get to write to the kernel's log.
 */
#define GFP_OWNER	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* -- memory.c -- */

/**
 * struct pinned - pages of the owner's that stay where they are
 * @mm: where they are accounted; held by mmgrab()
 * @user: where they are accounted too, with those of the user's other processes
 * @nr: number of @page
 * @dirty: they may have been written
 * @page: the pages, reached through the kernel's direct mapping
 */
struct pinned {
	struct mm_struct *mm;
	struct user_struct *user;
	unsigned long nr;
	bool dirty;
	struct page *page[];
};

struct pinned *pin_memory(u64 addr, u64 len, bool dirty);
void unpin_memory(struct pinned *pin);

/**
 * struct region - a range of physical addresses
 * @gpa: first
 * @len: bytes
 * @kind: enum piotrap_region_kind
 * @mem: RAM and ROM: what is behind it
 */
struct region {
	u64 gpa;
	u64 len;
	u32 kind;
	struct pinned *mem;
};

/**
 * struct memory - all regions of a sandbox
 * @nr: number of @region
 * @pinned: bytes that they pin
 * @region: by rising address
 */
struct memory {
	unsigned int nr;
	u64 pinned;
	struct region region[LIMIT_REGIONS];
};

struct sandbox;

int memory_set_region(struct sandbox *sb, const struct piotrap_region *arg);
void memory_free(struct memory *mem);
u8 *memory_window(struct emu *cpu, u64 gpa, bool *writable);
int memory_read(struct emu *cpu, u64 gpa, unsigned int size, u64 *val);
int memory_write(struct emu *cpu, u64 gpa, unsigned int size, u64 val);
bool memory_backed(struct emu *cpu, u64 gpa);

/* -- caller.c -- */

/* More than any instruction writes to at once. */
#define LIMIT_HELD	8

/**
 * struct held_pages - the caller's pages that an instruction is about to write
 * @nr: number of @page
 * @addr: where each is
 * @page: each is pinned
 */
struct held_pages {
	unsigned int nr;
	u64 addr[LIMIT_HELD];
	struct page *page[LIMIT_HELD];
};

void caller_bind(struct sandbox *sb, struct mm_struct *mm);
const char *caller_check_state(const struct emu_state *st);
int caller_read(struct emu *cpu, u64 addr, unsigned int size, u64 *val);
int caller_write(struct emu *cpu, u64 addr, unsigned int size, u64 val);
int caller_exchange(struct emu *cpu, u64 addr, unsigned int size,
		    const u64 *old, const u64 *val);
int caller_fetch(struct emu *cpu, u64 addr, unsigned int n, u8 *buf,
		 unsigned int *got);
int caller_pin(struct emu *cpu, u64 addr, u8 **page);
void caller_unpin(struct emu *cpu);

/* -- console.c -- */

/**
 * struct console - ring from console ports to read(2)
 * @buf: LIMIT_CONSOLE bytes; set before the first byte is written
 * @head: bytes written so far; changed by the thread that runs only
 * @announced: of these, the ones that readers have been woken for, likewise
 * @tail: bytes taken so far; changed under @lock
 * @dropped: bytes that found no room
 * @lock: one reader at a time
 * @wait: readers wait here for the ring not to be empty
 */
struct console {
	u8 *buf;
	u32 head;
	u32 announced;
	u32 tail;
	u64 dropped;
	struct mutex lock;	/* one reader at a time */
	wait_queue_head_t wait;
};

void console_init(struct console *con);
int console_alloc(struct console *con);
void console_free(struct console *con);
void console_write(struct console *con, const void *data, u32 len);
void console_put(struct console *con, u32 val, u32 len);
void console_wake(struct console *con);
ssize_t console_read(struct console *con, char __user *buf, size_t len,
		     bool nonblock);
__poll_t console_poll(struct console *con, struct file *file,
		      poll_table *wait);

/**
 * console_room() - how many bytes may be written
 * @con: console
 *
 * Only the thread that runs may ask: readers can make it more, nobody less.
 *
 * Return: bytes.
 */
static inline u32 console_room(const struct console *con)
{
	/* Pairs with the release in console_read(): it has copied them out. */
	return LIMIT_CONSOLE - (con->head - smp_load_acquire(&con->tail));
}

/**
 * console_put_byte() - add one byte, for which there is room
 * @con: console
 * @byte: what
 *
 * Otherwise as console_write().
 */
static inline void console_put_byte(struct console *con, u8 byte)
{
	con->buf[con->head & (LIMIT_CONSOLE - 1)] = byte;
	/* Pairs with the acquire in console_len(). */
	smp_store_release(&con->head, con->head + 1);
}

/* -- ports.c -- */

/**
 * struct port_range - a range of ports
 * @kind: enum piotrap_port_kind
 * @flags: PIOTRAP_PORTS_*
 * @first: first port of the range as it was set
 * @count: ports of the range as it was set
 * @live: of these, the ones that no later range has replaced
 * @hidden: of these, the ones that the range being set would replace
 * @init: console: byte read
 * @match: eventfd: see struct piotrap_ports
 * @mask: likewise
 * @buf: latch, BPF: a byte a port; input: LIMIT_INPUT bytes, once there is input
 * @len: input: bytes in @buf
 * @pos: input: first of them; the queue is circular
 * @eventfd: eventfd
 */
struct port_range {
	u32 kind;
	u32 flags;
	u32 first;
	u32 count;
	u32 live;
	u32 hidden;
	u8 init;
	u64 match;
	u64 mask;
	u8 *buf;
	u32 len;
	u32 pos;
	struct eventfd_ctx *eventfd;
};

/**
 * struct ports - the port space of a sandbox
 * @open_bus: slot 0
 * @range: by slot; NULL where the slot is free
 * @slot: for each port; of a type that cannot index past @range
 * @answered: BPF: a program has decided about the access that ports_check() has
 *	let through
 * @answer: and this is its value
 */
struct ports {
	struct port_range open_bus;
	struct port_range *range[LIMIT_PORT_RANGES + 1];
	u8 *slot;
	bool answered;
	u32 answer;
};

int ports_init(struct ports *ports);
void ports_free(struct ports *ports);
int ports_set(struct sandbox *sb, const struct piotrap_ports *arg);
int ports_queue_input(struct sandbox *sb, struct piotrap_input *arg);
void ports_commit_input(struct sandbox *sb, const struct piotrap_input *arg);
bool ports_split(struct emu *cpu, u16 port, unsigned int size);
int ports_check(struct emu *cpu, u16 port, unsigned int size, enum emu_dir dir,
		u32 val);
int ports_read(struct emu *cpu, u16 port, unsigned int size, u32 *val);
int ports_write(struct emu *cpu, u16 port, unsigned int size, u32 val);
u32 ports_read_bulk(struct emu *cpu, u16 port, unsigned int size, void *buf,
		    u32 count);
s64 ports_read_quick(struct emu *cpu, u16 port, unsigned int size);
bool ports_write_quick(struct emu *cpu, u16 port, unsigned int size, u32 val);
u32 ports_write_bulk(struct emu *cpu, u16 port, unsigned int size,
		     const void *buf, u32 count);

/* -- log.c -- */

/**
 * struct access_log - the owner's log of accesses and steps
 * @flags: PIOTRAP_LOG_*; 0: off
 * @mem: the ring's memory
 * @at: where the next record goes
 * @end: where the room ends that is known, in one page
 * @ring_head: the owner's copy of @head, which is written and never read
 * @head: records written so far
 * @rec_size: bytes of a record
 * @nr: records that the ring holds
 */
struct access_log {
	u32 flags;
	struct pinned *mem;
	void *at;
	void *end;
	u64 *ring_head;
	u64 head;
	u32 rec_size;
	u64 nr;
};

int log_set(struct sandbox *sb, const struct piotrap_log *arg);
void log_free(struct access_log *log);
int log_step(struct emu *cpu);
enum emu_uop_result log_step_uop(struct emu *cpu, const struct emu_uop *u, u64 left);
int log_check(struct emu *cpu);
void log_port(struct sandbox *sb, const struct emu_trace *t);

/* -- state.c -- */

#define GROUPS_ALL	(PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS | \
			 PIOTRAP_GROUP_CTRL | PIOTRAP_GROUP_DEBUG | \
			 PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_BUDGET | \
			 PIOTRAP_GROUP_IO)

/* The groups of the run page: struct emu_state begins with them, in this order. */
struct groups {
	struct emu_regs regs;
	struct emu_segs segs;
	struct emu_ctrl ctrl;
	struct emu_debug debug;
	struct emu_event event;
	u64 budget;
	struct emu_io io;
};

/**
 * struct undo - what taking groups from the run page may change
 * @taken: PIOTRAP_GROUP_* that were taken
 * @groups: these as they were, and always IO's number of answers
 * @moved: the instruction under way is to be dropped
 */
struct undo {
	u32 taken;
	struct groups groups;
	bool moved;
};

int state_take_groups(struct sandbox *sb, u32 dirty);
void state_untake_groups(struct sandbox *sb);
void state_commit_groups(struct sandbox *sb, u32 dirty);
void state_to_page(struct sandbox *sb);
int state_get(struct sandbox *sb, void __user *uarg);
int state_set(struct sandbox *sb, const void *arg);

/* -- watch.c -- */

int watches_set(struct sandbox *sb, const struct piotrap_watches *arg);
int watches_get(struct sandbox *sb, const struct piotrap_watches *arg,
		struct piotrap_watches __user *uarg);

/* -- cpuid.c -- */

int cpuid_set(struct sandbox *sb, const struct piotrap_cpuid *arg);
int cpuid_get(struct sandbox *sb, const struct piotrap_cpuid *arg,
	      struct piotrap_cpuid __user *uarg);

/* -- user.c -- */

int user_open(kuid_t uid);
void user_close(kuid_t uid);
int user_charge(struct user_struct *user, unsigned long nr);
void user_uncharge(struct user_struct *user, unsigned long nr);

/* -- run.c -- */

/* Bit n: a run can end with enum piotrap_exit_reason n. */
#define RUN_EXIT_REASONS						\
	(GENMASK_ULL(PIOTRAP_EXIT_INTERNAL, PIOTRAP_EXIT_DONE) &	\
	 ~(IS_ENABLED(CONFIG_BPF_EVENTS) ? 0 : BIT_ULL(PIOTRAP_EXIT_BPF)))

extern const struct emu_ops run_ops;

int run(struct sandbox *sb, u32 flags, u64 stream, u32 len);
int run_config(struct sandbox *sb, const struct piotrap_config *arg);
void run_set_flags(struct sandbox *sb);

/* -- main.c -- */

/* Who may use a sandbox's parts. */
enum owner { OWNER_NONE, OWNER_RUN, OWNER_CONFIG };

/**
 * struct sandbox - one open file
 * @id: stable number, for tracepoints; here BPF programs can still reach it (a load
 *	of theirs has an offset of 16 bits)
 * @pid: process that opened the file, likewise
 * @uid: user of that process, for user_close()
 * @cpu: the emulator's engine, with the whole architectural state
 * @memory: physical address space
 * @ports: port space
 * @console: collects what console ports are given
 * @log: access log
 * @owner: enum owner; from OWNER_NONE to OWNER_CONFIG only under @config_lock
 * @config_lock: calls that change the sandbox wait here for one another
 * @kick: a kick that no run has answered yet; changed from any thread
 * @page: the run page, mapped by the owner, who may change it at any time
 * @io_data: the page after it, likewise
 * @map: these two
 * @config_flags: PIOTRAP_CONFIG_*
 * @mm: PIOTRAP_CONFIG_CALLER: the process whose memory it is; held by mmgrab()
 * @held: likewise: pages held by the instruction under way
 * @exit_addr: port at which a hook stopped the run
 * @undo: for state_untake_groups()
 * @stream: bytes of a stream, until all else is found to be good
 */
struct sandbox {
	u64 id;
	u32 pid;
	kuid_t uid;

	struct emu cpu;
	struct memory memory;
	struct ports ports;
	struct console console;
	struct access_log log;

	atomic_t owner;
	struct mutex config_lock;	/* see @owner */
	bool kick;

	struct piotrap_run *page;
	u8 *io_data;
	struct page *map[PIOTRAP_MMAP_SIZE / PAGE_SIZE];

	u32 config_flags;
	struct mm_struct *mm;
	struct held_pages held;
	u64 exit_addr;

	struct undo undo;
	u8 stream[PIOTRAP_STREAM_MAX] __aligned(sizeof(u64));
};

int sandbox_wait_run(struct sandbox *sb);

static inline bool sandbox_take(struct sandbox *sb, enum owner owner)
{
	int none = OWNER_NONE;

	return atomic_try_cmpxchg_acquire(&sb->owner, &none, owner);
}

static inline void sandbox_put(struct sandbox *sb)
{
	atomic_set_release(&sb->owner, OWNER_NONE);
}

/**
 * sandbox_take_run() - take a sandbox for a run
 * @sb: sandbox
 *
 * A single atomic operation where nobody else has it.
 *
 * Return: 0, -EBUSY or -EINTR.
 */
static inline int sandbox_take_run(struct sandbox *sb)
{
	return likely(sandbox_take(sb, OWNER_RUN)) ? 0 : sandbox_wait_run(sb);
}

#endif /* PIOTRAP_SANDBOX_H */
