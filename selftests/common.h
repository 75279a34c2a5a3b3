/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share: a sandbox with memory, in real mode, and short ways to
 * run instructions in it. They use the ABI only.
 */
#ifndef COMMON_H
#define COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/piotrap.h>

#include "kselftest_harness.h"

/* Half a minute is little under KASAN, where QEMU emulates and others use the CPU too. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

#define DEVICE		"/dev/piotrap"

/* Most tests have 128 KiB from 0 on, code at 0:1000 and the stack below 0:8000. */
#define MEM_SIZE	0x20000UL
#define CODE		0x1000UL
#define STACK		0x8000UL

#define FL_CF		0x1UL
#define FL_FIXED	0x2UL
#define FL_ZF		0x40UL
#define FL_TF		0x100UL
#define FL_IF		0x200UL
#define FL_DF		0x400UL
#define FL_RF		0x10000UL
#define FL_AC		0x40000UL

#define CR4_DE		0x8UL
#define DR6_DEFAULT	0xffff0ff0UL
#define DR7_DEFAULT	0x400UL
#define DR7_GD		0x2000UL
#define DR7_GE		0x200UL
#define DBG_BD		0x2000UL
#define DBG_BS		0x4000UL

#define BLOCK_STI	1U
#define BLOCK_MOV_SS	2U

#define VEC_DE		0
#define VEC_DB		1
#define VEC_BR		5
#define VEC_UD		6
#define VEC_SS		12
#define VEC_GP		13

enum bp_type { BP_EXEC, BP_WRITE, BP_IO, BP_ACCESS };

#define CODE_OF(...)	((const uint8_t[]){ __VA_ARGS__ })
#define LEN_OF(...)	sizeof((const uint8_t[]){ __VA_ARGS__ })

struct box {
	int fd;
	struct piotrap_run *run;
	uint8_t *data;
	uint8_t *mem;
};

/* 0 or a negative errno, as the kernel has it. */
static inline int ctl(const struct box *b, unsigned long nr, void *arg)
{
	return ioctl(b->fd, nr, arg) < 0 ? -errno : 0;
}

static inline void *pages(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline int set_region(const struct box *b, unsigned int kind,
			     uint64_t gpa, uint64_t len, void *mem)
{
	struct piotrap_region r = {
		.size = sizeof(r), .kind = kind, .gpa = gpa, .len = len,
		.addr = (uintptr_t)mem,
	};

	return ctl(b, PIOTRAP_SET_REGION, &r);
}

static inline int set_ports(const struct box *b, unsigned int kind,
			    unsigned int first, unsigned int count,
			    unsigned int init, unsigned int flags)
{
	struct piotrap_ports p = {
		.size = sizeof(p), .kind = kind, .first = first,
		.count = count, .init = init, .flags = flags,
	};

	return ctl(b, PIOTRAP_SET_PORTS, &p);
}

/* Bytes taken, or a negative errno. */
static inline long queue_input(const struct box *b, unsigned int port,
			       const void *data, size_t len)
{
	struct piotrap_input in = {
		.size = sizeof(in), .port = port, .len = len,
		.addr = (uintptr_t)data,
	};
	int err = ctl(b, PIOTRAP_QUEUE_INPUT, &in);

	return err ? err : (long)in.len;
}

static inline int set_config(const struct box *b, unsigned int flags,
			     uint32_t exceptions, bool ints)
{
	struct piotrap_config c = {
		.size = sizeof(c), .flags = flags,
		.exit_exceptions = exceptions,
	};

	memset(c.exit_ints, ints ? 0xff : 0, sizeof(c.exit_ints));
	return ctl(b, PIOTRAP_CONFIG, &c);
}

static inline int set_log(const struct box *b, unsigned int flags, void *mem,
			  size_t len)
{
	struct piotrap_log l = {
		.size = sizeof(l), .flags = flags, .addr = (uintptr_t)mem,
		.len = len,
		.rec_size = flags ? sizeof(struct piotrap_log_rec) : 0,
	};

	return ctl(b, PIOTRAP_SET_LOG, &l);
}

static inline int kick(const struct box *b)
{
	struct piotrap_kick k = { .size = sizeof(k) };

	return ctl(b, PIOTRAP_KICK, &k);
}

static inline int get_state(const struct box *b, struct piotrap_state *st)
{
	memset(st, 0x5a, sizeof(*st));
	st->size = sizeof(*st);
	st->flags = 0;
	return ctl(b, PIOTRAP_GET_STATE, st);
}

static inline int set_state(const struct box *b, struct piotrap_state *st)
{
	return ctl(b, PIOTRAP_SET_STATE, st);
}

static inline int run_on(const struct box *b)
{
	struct piotrap_run_args a = { .size = sizeof(a) };

	return ctl(b, PIOTRAP_RUN, &a);
}

static inline int run_stream(const struct box *b, const void *code, size_t len)
{
	struct piotrap_run_args a = {
		.size = sizeof(a), .flags = PIOTRAP_RUN_STREAM,
		.stream = (uintptr_t)code, .len = len,
	};

	return ctl(b, PIOTRAP_RUN, &a);
}

/* What the test wrote to the page since the last run is to be taken. */
static inline void touch(const struct box *b, uint32_t groups)
{
	b->run->dirty |= groups;
}

/* Forget the instruction under way: a change of RIP does that. */
static inline void cancel(const struct box *b)
{
	b->run->regs.rip ^= 0x8000;
	b->run->event.action = PIOTRAP_EVENT_NONE;
	b->run->budget = 0;
	b->run->dirty = PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_EVENT |
			PIOTRAP_GROUP_BUDGET;
	run_on(b);
}

/* Real mode, all segments at 0, DE on, nothing armed, nothing pending. */
static inline void reset_cpu(const struct box *b)
{
	struct piotrap_run *run = b->run;
	struct piotrap_segment *seg = &run->segs.es;

	if (run->exit_reason != PIOTRAP_EXIT_NONE)
		cancel(b);
	memset(&run->regs, 0, sizeof(run->regs));
	run->regs.rip = CODE;
	run->regs.rsp = STACK;
	run->regs.rflags = FL_FIXED;
	/* es, cs, ss, ds, fs, gs */
	for (int i = 0; i < 6; i++) {
		memset(&seg[i], 0, sizeof(seg[i]));
		seg[i].limit = 0xffff;
		seg[i].attr = i == 1 ? 0x9b : 0x93;
	}
	run->segs.idtr.base = 0;
	run->segs.idtr.limit = 0x3ff;
	run->ctrl.cr4 = CR4_DE;
	memset(&run->debug, 0, sizeof(run->debug));
	run->debug.dr6 = DR6_DEFAULT;
	run->debug.dr7 = DR7_DEFAULT;
	memset(&run->event, 0, sizeof(run->event));
	run->budget = PIOTRAP_BUDGET_UNLIMITED;
	run->dirty = PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS |
		     PIOTRAP_GROUP_CTRL | PIOTRAP_GROUP_DEBUG |
		     PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_BUDGET;
}

/* A sandbox without memory, in the state after RESET. */
static inline int box_open_bare(struct box *b)
{
	void *page;

	memset(b, 0, sizeof(*b));
	b->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (b->fd < 0)
		return -errno;
	page = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED, b->fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	b->run = page;
	b->data = (uint8_t *)page + PIOTRAP_DATA_OFFSET;
	return 0;
}

static inline int box_open(struct box *b)
{
	int err = box_open_bare(b);

	if (!b->run)
		return err ?: -EIO;
	b->mem = pages(MEM_SIZE);
	if (!b->mem)
		return -ENOMEM;
	err = set_region(b, PIOTRAP_REGION_RAM, 0, MEM_SIZE, b->mem);
	if (err)
		return err;
	reset_cpu(b);
	return 0;
}

static inline void box_close(struct box *b)
{
	if (b->run)
		munmap(b->run, PIOTRAP_MMAP_SIZE);
	if (b->mem)
		munmap(b->mem, MEM_SIZE);
	if (b->fd >= 0)
		close(b->fd);
	memset(b, 0, sizeof(*b));
	b->fd = -1;
}

/* Arm breakpoint @n of @len bytes or ports (1, 2, 4, 8), by its G bit. */
static inline void arm(const struct box *b, unsigned int n, enum bp_type type,
		       unsigned int len, uint64_t addr)
{
	static const uint8_t code[9] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	struct piotrap_debug *d = &b->run->debug;

	d->dr[n] = addr;
	d->dr7 &= ~(0xfUL << (16 + 4 * n));
	d->dr7 |= (uint64_t)(type | code[len] << 2) << (16 + 4 * n);
	d->dr7 |= 2UL << (2 * n);
	touch(b, PIOTRAP_GROUP_DEBUG);
}

/* Run @code as a stream at CS:IP. */
#define STREAM(b, ...) \
	run_stream(b, CODE_OF(__VA_ARGS__), LEN_OF(__VA_ARGS__))

/* Put @code into memory at CODE; IP is there after reset_cpu(). */
#define PUT(b, ...) \
	memcpy((b)->mem + CODE, CODE_OF(__VA_ARGS__), LEN_OF(__VA_ARGS__))

/*
 * Answer a held #DB as a handler that returns by IRETD would: DR6 is merged, and
 * TF and RF are what its frame had. Takes a run without budget.
 */
static inline int take_and_return(const struct box *b)
{
	struct piotrap_run *run = b->run;
	uint64_t budget = run->budget;
	uint64_t fl = run->regs.rflags & ~FL_RF;
	int err;

	if (run->event.flags & PIOTRAP_EVENT_RF)
		fl |= FL_RF;
	run->event.action = PIOTRAP_EVENT_TAKE;
	run->budget = 0;
	touch(b, PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_BUDGET);
	err = run_on(b);
	if (err)
		return err;
	/* At the end of its stream the run is done before it lacks budget. */
	if ((run->exit_reason != PIOTRAP_EXIT_BUDGET &&
	     run->exit_reason != PIOTRAP_EXIT_DONE) || run->boundaries)
		return -EPROTO;
	run->regs.rflags = fl;
	run->budget = budget;
	touch(b, PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_BUDGET);
	return 0;
}

/* After take_and_return(): go on, unless it was the end. */
static inline int go_on(const struct box *b)
{
	return b->run->exit_reason == PIOTRAP_EXIT_DONE ? 0 : run_on(b);
}

/* Of a module built for tests; the others give the CPU away only when asked. */
static inline int set_poll_every(const char *n)
{
	int fd = open("/sys/module/piotrap/parameters/poll_every",
		      O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, n, strlen(n)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* For FIXTURE_SETUP(): the whole program skips where there is no device. */
#define BOX_SETUP(b) ASSERT_EQ(0, box_open(b))

/* For main(): exit with 4 where the module is absent. */
static inline int box_main(int argc, char **argv)
{
	if (access(DEVICE, F_OK)) {
		ksft_print_header();
		ksft_exit_skip("no " DEVICE "\n");
	}
	return test_harness_run(argc, argv);
}

#define EXPECT_EXIT(reason, b) \
	EXPECT_EQ(PIOTRAP_EXIT_##reason, (b)->run->exit_reason)
#define ASSERT_EXIT(reason, b) \
	ASSERT_EQ(PIOTRAP_EXIT_##reason, (b)->run->exit_reason)

#endif /* COMMON_H */
