/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One program in Unicorn and in the emulator, an instruction at a time: what the parts
 * of fuzz-unicorn share.
 *
 * fuzz-unicorn.c	from bytes to a program, comparison, what does not count
 * unicorn-emu.c	an instruction in the emulator
 * unicorn-uc.c		and in Unicorn
 */
#ifndef EMU_TEST_UNICORN_H
#define EMU_TEST_UNICORN_H

#include "../handlers.h"

#define UNI_MEM		(2U << 20)	/* from address 0 */
#define UNI_LOG		256		/* accesses of one instruction */

enum uni_mode { UNI_16, UNI_32, UNI_64, NR_UNI_MODES };

enum uni_kind {
	UNI_DONE,
	UNI_VECTOR,		/* an exception or a software interrupt */
	UNI_MEMORY,		/* nothing is there */
	UNI_LEFT,		/* the emulator leaves it to its owner */
	UNI_OTHER,
};

/* What an instruction, or an iteration of a REP, has come to. */
struct uni_end {
	enum uni_kind kind;
	unsigned int code;	/* vector, or what it was */
};

struct uni_regs {
	u64 gpr[16];
	u64 rip;
	u64 rflags;
	u16 sel[6];		/* UNI_16 */
	u64 fs_base, gs_base;	/* UNI_64 */
};

struct uni_port {
	u16 port;
	u8 size;
	u8 dir;
	u32 val;
};

struct uni_write {
	u64 at;
	unsigned int size;
};

/* One side. */
struct uni_side {
	u8 *mem;				/* UNI_MEM bytes */
	struct uni_port port[UNI_LOG];
	unsigned int nr_ports;			/* of the instruction */
	unsigned int all_ports;
	/* The emulator's alone; those of Unicorn are seen by looking at its memory. */
	struct uni_write write[UNI_LOG];
	unsigned int nr_writes;
	u8 dirty[UNI_MEM / 4096];		/* pages that may differ from the start */
};

extern struct uni_side uni_emu, uni_uc;

/* What the @n-th port access of a program finds. */
static inline u32 uni_port_value(unsigned int n, u16 port)
{
	u32 v = (n + 1) * 0x9e3779b9U ^ port * 0x85ebca6bU;

	return v ^ v >> 15;
}

void uni_log_port(struct uni_side *s, u16 port, unsigned int size, u8 dir, u32 val);
void uni_log_write(struct uni_side *s, u64 at, unsigned int size);

void uni_emu_init(void);
void uni_emu_load(enum uni_mode mode, const struct uni_regs *r);
struct uni_end uni_emu_step(void);
void uni_emu_regs(struct uni_regs *r);
/* The engine that is about to step, as it was before. */
const struct emu *uni_emu_cpu(void);
/* All of a program at once, by blocks and windows, in memory of its own. */
void uni_emu_whole(enum uni_mode mode, const struct uni_regs *from, u64 steps,
		   const u8 *start, struct uni_regs *to);
/* ... of which this is the page; it counts if it is not NULL. */
const u8 *uni_emu_whole_page(unsigned int page);
const char *uni_emu_whole_ports(const struct uni_port *want, unsigned int n);

void uni_uc_init(void);
void uni_uc_renew(void);
void uni_uc_load(enum uni_mode mode, const struct uni_regs *r);
struct uni_end uni_uc_step(u64 rip, u64 end);
/* @rip: where the emulator is. */
void uni_uc_regs(struct uni_regs *r, u64 rip);
void uni_uc_set_flags(u64 rflags);
void uni_uc_set_gpr(unsigned int n, u64 val);
/* Where its last access to nothing was. */
u64 uni_uc_missing(void);
void uni_uc_version(unsigned int *major, unsigned int *minor);
/* Somebody else has written to its memory. */
void uni_uc_forget(u64 at, u64 len);

#endif
