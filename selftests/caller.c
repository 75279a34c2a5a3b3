// SPDX-License-Identifier: GPL-2.0
/*
 * The caller's memory: functions of this very program run in a sandbox, on its own
 * data; faults and what they tell; atomic accesses; whose memory it is.
 */

#include "common.h"

#include <asm/prctl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define PAGE		4096UL
#define STATUS		0x70
#define DATA		0x71
#define CONSOLE		0xe9
#define EXIT_PORT	0x90

/* Bits of exit_error. */
#define PF_P		1U
#define PF_W		2U
#define PF_U		4U
#define PF_I		16U
#define PF_PK		32U

#define FL_IOPL3	0x3000UL
#define CR0_PE		1UL
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)

#define ATTR_CODE64	0xa0fb
#define ATTR_CODE32	0xc0fb
#define ATTR_DATA	0xc0f3

/* Pages of the map that most tests use, by what can be done to them. */
enum {
	LOW,		/* read, write */
	NONE,		/* PROT_NONE */
	MID,		/* read, write */
	GONE,		/* not mapped */
	HIGH,		/* read, write */
	RO,		/* read */
	CODE_PAGE,	/* read, write, execute */
	NO_CODE,	/* read, write */
	NR_PAGES
};

FIXTURE(caller)
{
	struct box b;
	uint8_t *map;
};

static int bind_caller(const struct box *b)
{
	return set_config(b, PIOTRAP_CONFIG_CALLER, ~0U, true);
}

static void user_segs(const struct box *b, unsigned int cs)
{
	struct piotrap_segment *seg = &b->run->segs.es;

	for (int i = 0; i < 6; i++)
		seg[i] = (struct piotrap_segment){
			.limit = ~0U, .attr = i == 1 ? cs : ATTR_DATA,
			.selector = i == 1 ? 0x33 : 0x2b,
		};
}

/* 64-bit mode at CPL 3 with IOPL 3, nothing armed, nothing pending. */
static void reset64(const struct box *b)
{
	struct piotrap_run *run = b->run;

	memset(&run->regs, 0, sizeof(run->regs));
	run->regs.rflags = FL_FIXED | FL_IOPL3;
	run->regs.rip = PAGE;
	run->ctrl.cr0 = CR0_PE | CR0_PG;
	run->ctrl.cr4 = CR4_PAE | CR4_DE;
	run->ctrl.efer = EFER_LME | EFER_LMA;
	user_segs(b, ATTR_CODE64);
	memset(&run->debug, 0, sizeof(run->debug));
	run->debug.dr6 = DR6_DEFAULT;
	run->debug.dr7 = DR7_DEFAULT;
	memset(&run->event, 0, sizeof(run->event));
	run->budget = PIOTRAP_BUDGET_UNLIMITED;
	touch(b, PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS | PIOTRAP_GROUP_CTRL |
		 PIOTRAP_GROUP_DEBUG | PIOTRAP_GROUP_EVENT |
		 PIOTRAP_GROUP_BUDGET);
}

/* Protected mode with flat segments. */
static void reset32(const struct box *b)
{
	reset64(b);
	b->run->ctrl.cr0 = CR0_PE;
	b->run->ctrl.cr4 = CR4_DE;
	b->run->ctrl.efer = 0;
	user_segs(b, ATTR_CODE32);
}

FIXTURE_SETUP(caller)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;
	uint8_t *map;

	ASSERT_EQ(0, box_open_bare(b));
	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	if (!(i.modes & PIOTRAP_MODE_CALLER))
		SKIP(return, "this module does not run in the caller's memory");
	/* Where 32-bit code reaches it, too. */
	map = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	self->map = map;
	memset(map, 0xcc, NR_PAGES * PAGE);
	ASSERT_EQ(0, mprotect(map + NONE * PAGE, PAGE, PROT_NONE));
	ASSERT_EQ(0, munmap(map + GONE * PAGE, PAGE));
	ASSERT_EQ(0, mprotect(map + RO * PAGE, PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(map + CODE_PAGE * PAGE, PAGE,
			      PROT_READ | PROT_WRITE | PROT_EXEC));
	ASSERT_EQ(0, bind_caller(b));
	reset64(b);
}

FIXTURE_TEARDOWN(caller)
{
	munmap(self->map, NR_PAGES * PAGE);
	box_close(&self->b);
}

/* -- Functions that run in the sandbox. -- */

#define IN_SANDBOX __attribute__((__noinline__, __target__("general-regs-only")))

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

/* Wait for a device, note each look at it, take what it has. */
static IN_SANDBOX uint64_t poll_device(uint8_t *looks, const char *text)
{
	volatile uint8_t on_stack[64];
	uint64_t n = 0;

	do {
		on_stack[n & 63] = inb(STATUS);
		looks[n] = on_stack[n & 63];
	} while (!(looks[n++] & 1));
	while (*text)
		outb(CONSOLE, *text++);
	return n << 8 | inb(DATA);
}

/* A function that was called returns here, and comes no further. */
static const uint8_t stop_here;

static int call(const struct box *b, const void *fn, uint8_t *stack_top,
		const void *arg1, const void *arg2)
{
	const void *ret = &stop_here;

	b->run->regs.rip = (uintptr_t)fn;
	b->run->regs.rsp = (uintptr_t)stack_top - sizeof(ret);
	memcpy(stack_top - sizeof(ret), &ret, sizeof(ret));
	b->run->regs.rdi = (uintptr_t)arg1;
	b->run->regs.rsi = (uintptr_t)arg2;
	touch(b, PIOTRAP_GROUP_REGS);
	arm(b, 0, BP_EXEC, 1, (uintptr_t)ret);
	return run_on(b);
}

#define EXPECT_STOPPED(b) do {						\
	EXPECT_EXIT(DEBUG, b);						\
	EXPECT_EQ(1, (b)->run->event.payload);				\
	EXPECT_EQ((uintptr_t)&stop_here, (b)->run->regs.rip);		\
} while (0)

TEST_F(caller, function)
{
	const uint8_t status[] = { 0x80, 0x40, 0x02, 0x21 };
	struct box *b = &self->b;
	uint8_t looks[8] = { 0 };
	char got[8] = "";

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, STATUS, 1, 0, 0));
	ASSERT_EQ(4, queue_input(b, STATUS, status, 4));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, DATA, 1, 0x5a, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, CONSOLE, 1, 0, 0));
	ASSERT_EQ(0, call(b, poll_device, self->map + PAGE, looks, "hello"));
	EXPECT_STOPPED(b);
	EXPECT_EQ(0x45a, b->run->regs.rax);
	EXPECT_EQ(0, memcmp(looks, status, 4));
	EXPECT_EQ(0, looks[4]);
	EXPECT_EQ(5, read(b->fd, got, sizeof(got)));
	EXPECT_STREQ("hello", got);
	EXPECT_EQ((uintptr_t)self->map + PAGE, b->run->regs.rsp);

	/* Again, one boundary at a time. */
	ASSERT_EQ(4, queue_input(b, STATUS, status, 4));
	memset(looks, 0, sizeof(looks));
	reset64(b);
	b->run->budget = 1;
	ASSERT_EQ(0, call(b, poll_device, self->map + PAGE, looks, ""));
	for (int i = 0; i < 1000 && b->run->exit_reason == PIOTRAP_EXIT_BUDGET;
	     i++) {
		b->run->budget = 1;
		touch(b, PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
	}
	EXPECT_STOPPED(b);
	EXPECT_EQ(0x45a, b->run->regs.rax);
	EXPECT_EQ(0, memcmp(looks, status, 4));
}

/* With the owner's answers, in bytes and as a REP. */
TEST_F(caller, owner_served)
{
	struct box *b = &self->b;
	uint8_t *to = self->map + PAGE - 8;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, EXIT_PORT, 1, 0, 0));
	b->run->regs.rdx = EXIT_PORT;
	b->run->regs.rdi = (uintptr_t)to;
	b->run->regs.rcx = 5;
	/* rep insb; in al, dx */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c, 0xec));
	for (unsigned int n = 0, count; n < 5; n += count) {
		ASSERT_EXIT(IO_PORT, b);
		ASSERT_EQ(EXIT_PORT, b->run->io.addr);
		count = b->run->io.count;
		memcpy(b->data, "abcde" + n, count);
		b->run->io.done = count;
		touch(b, PIOTRAP_GROUP_IO);
		ASSERT_EQ(0, run_on(b));
	}
	ASSERT_EXIT(IO_PORT, b);
	EXPECT_EQ(0, memcmp(to, "abcde\xcc", 6));
	b->data[0] = 'f';
	b->run->io.done = 1;
	touch(b, PIOTRAP_GROUP_IO);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ('f', b->run->regs.rax);
	EXPECT_EQ((uintptr_t)to + 5, b->run->regs.rdi);
}

TEST_F(caller, own_thread_data)
{
	struct box *b = &self->b;
	uintptr_t fs;

	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	b->run->segs.fs.base = fs;
	/* mov rax, fs:[0]: it points to itself */
	ASSERT_EQ(0, STREAM(b, 0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(fs, b->run->regs.rax);
}

TEST_F(caller, breakpoints)
{
	struct box *b = &self->b;
	uint8_t *at = self->map + 64;

	b->run->regs.rdi = (uintptr_t)at;
	arm(b, 1, BP_WRITE, 4, (uintptr_t)at);
	/* mov eax, [rdi]; mov [rdi], ecx; nop */
	ASSERT_EQ(0, STREAM(b, 0x8b, 0x07, 0x89, 0x0f, 0x90));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(2, b->run->event.payload);
	EXPECT_EQ(PAGE + 4, b->run->regs.rip);
	EXPECT_EQ(0xcccccccc, b->run->regs.rax);
	EXPECT_EQ(0, *(uint32_t *)at);
}

/* -- Faults. -- */

/* What code at rip = PAGE + something does to [rdi]. */
#define READ8	{ 0x48, 0x8b, 0x07 }		/* mov rax, [rdi] */
#define WRITE8	{ 0x48, 0x89, 0x07 }		/* mov [rdi], rax */
#define ADD8	{ 0x48, 0x01, 0x07 }		/* add [rdi], rax */
#define LOCK8	{ 0xf0, 0x48, 0xff, 0x07 }	/* lock inc qword [rdi] */
#define CX16	{ 0x48, 0x0f, 0xc7, 0x0f }	/* cmpxchg16b [rdi] */
#define JMP	{ 0xff, 0xe7 }			/* jmp rdi */

static const struct fault {
	const char *name;
	uint8_t code[4];
	unsigned int len;
	long at;		/* rdi, from the map's beginning */
	long linear;		/* first byte that fails */
	unsigned int access, size, error;
} faults[] = {
	{ "read, PROT_NONE", READ8, 3, NONE * PAGE, NONE * PAGE, 0, 8,
	  PF_U | PF_P },
	{ "read, not mapped", READ8, 3, GONE * PAGE + 8, GONE * PAGE + 8, 0, 8,
	  PF_U },
	{ "write, PROT_NONE", WRITE8, 3, NONE * PAGE + 1, NONE * PAGE + 1, 1, 8,
	  PF_U | PF_W | PF_P },
	{ "write, not mapped", WRITE8, 3, GONE * PAGE, GONE * PAGE, 1, 8,
	  PF_U | PF_W },
	{ "write, read-only", WRITE8, 3, RO * PAGE + 16, RO * PAGE + 16, 1, 8,
	  PF_U | PF_W | PF_P },
	{ "rmw, read-only", ADD8, 3, RO * PAGE + 16, RO * PAGE + 16, 1, 8,
	  PF_U | PF_W | PF_P },
	{ "rmw, not mapped", ADD8, 3, GONE * PAGE + 16, GONE * PAGE + 16, 1, 8,
	  PF_U | PF_W },
	{ "lock, read-only", LOCK8, 4, RO * PAGE + 16, RO * PAGE + 16, 1, 8,
	  PF_U | PF_W | PF_P },
	{ "lock, PROT_NONE", LOCK8, 4, NONE * PAGE + 16, NONE * PAGE + 16, 1, 8,
	  PF_U | PF_W | PF_P },
	{ "lock across a line, not mapped", LOCK8, 4, GONE * PAGE + 61,
	  GONE * PAGE + 61, 1, 8, PF_U | PF_W },
	{ "16 bytes, read-only", CX16, 4, RO * PAGE, RO * PAGE, 1, 16,
	  PF_U | PF_W | PF_P },
	{ "16 bytes, not mapped", CX16, 4, GONE * PAGE, GONE * PAGE, 1, 16,
	  PF_U | PF_W },
	{ "read into PROT_NONE", READ8, 3, NONE * PAGE - 3, NONE * PAGE, 0, 5,
	  PF_U | PF_P },
	{ "read out of PROT_NONE", READ8, 3, MID * PAGE - 3, MID * PAGE - 3, 0,
	  3, PF_U | PF_P },
	{ "read into nothing", READ8, 3, GONE * PAGE - 7, GONE * PAGE, 0, 1,
	  PF_U },
	{ "write into PROT_NONE", WRITE8, 3, NONE * PAGE - 3, NONE * PAGE, 1, 5,
	  PF_U | PF_W | PF_P },
	{ "write out of nothing", WRITE8, 3, HIGH * PAGE - 1, HIGH * PAGE - 1, 1,
	  1, PF_U | PF_W },
	{ "write into read-only", WRITE8, 3, RO * PAGE - 4, RO * PAGE, 1, 4,
	  PF_U | PF_W | PF_P },
	{ "rmw into nothing", ADD8, 3, GONE * PAGE - 5, GONE * PAGE, 1, 3,
	  PF_U | PF_W },
	{ "lock into read-only", LOCK8, 4, RO * PAGE - 2, RO * PAGE, 1, 6,
	  PF_U | PF_W | PF_P },
	{ "fetch, not executable", JMP, 2, NO_CODE * PAGE, NO_CODE * PAGE, 2, 0,
	  PF_U | PF_I | PF_P },
	{ "fetch, PROT_NONE", JMP, 2, NONE * PAGE + 5, NONE * PAGE + 5, 2, 0,
	  PF_U | PF_I | PF_P },
	{ "fetch, not mapped", JMP, 2, GONE * PAGE + 5, GONE * PAGE + 5, 2, 0,
	  PF_U | PF_I },
	/* The last byte there is a prefix. */
	{ "fetch into not executable", JMP, 2, NO_CODE * PAGE - 1,
	  NO_CODE * PAGE, 2, 0, PF_U | PF_I | PF_P },
};

static void copy_map(uint8_t *to, const uint8_t *map)
{
	static const int there[] = { LOW, MID, HIGH, RO, CODE_PAGE, NO_CODE };

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		memcpy(to + there[i] * PAGE, map + there[i] * PAGE, PAGE);
}

static void check_fault(struct __test_metadata *_metadata, const struct box *b,
			const uint8_t *map, const struct fault *f)
{
	const struct piotrap_run *run = b->run;
	bool fetch = f->access == 2;

	EXPECT_EXIT(MEMORY, b) TH_LOG("%s", f->name);
	EXPECT_EQ((uintptr_t)map + f->linear, run->exit_linear)
		TH_LOG("%s", f->name);
	EXPECT_EQ(run->exit_linear, run->exit_addr) TH_LOG("%s", f->name);
	EXPECT_EQ(f->access, run->exit_access) TH_LOG("%s", f->name);
	EXPECT_EQ(f->error, run->exit_error) TH_LOG("%s", f->name);
	if (!fetch)
		EXPECT_EQ(f->size, run->exit_size) TH_LOG("%s", f->name);
	EXPECT_EQ(fetch ? (uintptr_t)map + f->at : PAGE, run->regs.rip)
		TH_LOG("%s", f->name);
	EXPECT_EQ(0, run->boundaries) TH_LOG("%s", f->name);
}

TEST_F(caller, faults)
{
	static uint8_t before[NR_PAGES * PAGE], after[NR_PAGES * PAGE];
	struct box *b = &self->b;

	self->map[NO_CODE * PAGE - 1] = 0x66;
	copy_map(before, self->map);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct fault *f = &faults[i];
		struct piotrap_regs regs;

		reset64(b);
		b->run->regs.rdi = (uintptr_t)self->map + f->at;
		b->run->regs.rax = 0x1122334455667788;
		b->run->regs.rflags |= FL_CF | FL_ZF;
		regs = b->run->regs;
		ASSERT_EQ(0, run_stream(b, f->code, f->len));
		if (f->access == 2) {
			EXPECT_EXIT(LEFT_STREAM, b);
			ASSERT_EQ(0, run_on(b));
			check_fault(_metadata, b, self->map, f);
			continue;
		}
		check_fault(_metadata, b, self->map, f);
		EXPECT_EQ(0, memcmp(&regs, &b->run->regs, sizeof(regs)))
			TH_LOG("%s", f->name);
		/* The same again, as nothing was changed. */
		ASSERT_EQ(0, run_on(b));
		check_fault(_metadata, b, self->map, f);
	}
	copy_map(after, self->map);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

TEST_F(caller, addresses_of_nobody)
{
	struct box *b = &self->b;

	/* The kernel's. */
	b->run->regs.rdi = 0xffff888000000000;
	ASSERT_EQ(0, STREAM(b, 0x48, 0x8b, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(0xffff888000000000, b->run->exit_linear);
	EXPECT_EQ(PF_U, b->run->exit_error);
	b->run->regs.rdi = 0xffffffff81000000;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0xf0, 0x48, 0xff, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(PF_U | PF_W, b->run->exit_error);
	ASSERT_EQ(0, STREAM(b, 0xff, 0xe7));
	EXPECT_EXIT(LEFT_STREAM, b);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(PF_U | PF_I, b->run->exit_error);
	/* The last page below the hole, and into the hole. */
	reset64(b);
	b->run->regs.rdi = 0x7ffffffffff8;
	ASSERT_EQ(0, STREAM(b, 0x48, 0x89, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(0x7ffffffffff8, b->run->exit_linear);
	b->run->regs.rdi = 0x7ffffffffffc;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0x48, 0x89, 0x07));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);
}

/* Mapped, allowed, and yet nothing there. */
TEST_F(caller, past_end_of_file)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);
	struct box *b = &self->b;
	uint8_t *p;

	ASSERT_LE(0, fd);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	b->run->regs.rdi = (uintptr_t)p;
	ASSERT_EQ(0, STREAM(b, 0x48, 0x89, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(PF_U | PF_W, b->run->exit_error);
	ASSERT_EQ(0, ftruncate(fd, PAGE));
	b->run->regs.rax = 77;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(77, *(uint64_t *)p);
	munmap(p, PAGE);
	close(fd);
}

/* The owner mends the mapping, as a handler of SIGSEGV would, and goes on. */
TEST_F(caller, goes_on_after_mprotect)
{
	struct box *b = &self->b;
	uint8_t *from = self->map + LOW * PAGE, *to = self->map + MID * PAGE;

	for (unsigned int i = 0; i < PAGE; i++)
		from[i] = i * 7;
	b->run->regs.rsi = (uintptr_t)from + PAGE - 100;
	b->run->regs.rdi = (uintptr_t)to;
	b->run->regs.rcx = 200;
	/* rep movsb: into the page after LOW, from which it may not read */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0xa4));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ((uintptr_t)self->map + NONE * PAGE, b->run->exit_linear);
	EXPECT_EQ(PF_U | PF_P, b->run->exit_error);
	EXPECT_EQ(100, b->run->regs.rcx);
	EXPECT_EQ((uintptr_t)to + 100, b->run->regs.rdi);
	ASSERT_EQ(0, mprotect(from + PAGE, PAGE, PROT_READ));
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, memcmp(to, from + PAGE - 100, 200));
	EXPECT_EQ(0xcc, to[200]);
}

/* Code is as good as its mapping: found executable once does not count. */
TEST_F(caller, code_loses_exec)
{
	struct box *b = &self->b;
	uint8_t *code = self->map + CODE_PAGE * PAGE;

	memcpy(code, "\x48\xff\xc0\xeb\xfb", 5);	/* inc rax; jmp $-3 */
	b->run->regs.rip = (uintptr_t)code;
	b->run->budget = 100;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(BUDGET, b);
	EXPECT_EQ(50, b->run->regs.rax);
	ASSERT_EQ(0, mprotect(code, PAGE, PROT_READ | PROT_WRITE));
	b->run->budget = 100;
	touch(b, PIOTRAP_GROUP_BUDGET);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(PF_U | PF_I | PF_P, b->run->exit_error);
	EXPECT_EQ(0, b->run->boundaries);
	/* Written by the program itself, which the next fetch sees. */
	ASSERT_EQ(0, mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	code[2] = 0xc8;					/* dec rax */
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(BUDGET, b);
	EXPECT_EQ(0, b->run->regs.rax);
}

/* -- Instructions that write much, and must not write half of it. -- */

static const struct many {
	const char *name;
	uint8_t code[4];
	unsigned int len;
	bool is32;
	unsigned int bytes;	/* that it writes below the stack pointer */
} many[] = {
	{ "pushad", { 0x60 }, 1, true, 32 },
	{ "pusha", { 0x66, 0x60 }, 2, true, 16 },
	{ "push eax", { 0x50 }, 1, true, 4 },
	{ "enter 0, 3", { 0xc8, 0, 0, 3 }, 4, true, 16 },
	{ "enter 0, 3", { 0xc8, 0, 0, 3 }, 4, false, 32 },
	{ "push rax", { 0x50 }, 1, false, 8 },
	{ "pushfq", { 0x9c }, 1, false, 8 },
	{ "call rdi", { 0xff, 0xd7 }, 2, false, 8 },
	{ "push [rsi]", { 0xff, 0x36 }, 2, false, 8 },
};

TEST_F(caller, nothing_half_done)
{
	static uint8_t before[NR_PAGES * PAGE], after[NR_PAGES * PAGE];
	uint8_t *top = self->map + HIGH * PAGE;	/* GONE is below */
	struct box *b = &self->b;

	copy_map(before, self->map);
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		const struct many *m = &many[i];

		for (unsigned int k = 0; k < m->bytes; k++) {
			struct piotrap_regs regs;

			(m->is32 ? reset32 : reset64)(b);
			b->run->regs.rsp = (uintptr_t)top + k;
			b->run->regs.rbp = (uintptr_t)top + 256;
			b->run->regs.rsi = (uintptr_t)top;
			b->run->regs.rdi = PAGE + m->len;
			regs = b->run->regs;
			ASSERT_EQ(0, run_stream(b, m->code, m->len));
			EXPECT_EXIT(MEMORY, b) TH_LOG("%s at %u", m->name, k);
			EXPECT_EQ((uintptr_t)top / PAGE - 1,
				  b->run->exit_linear / PAGE)
				TH_LOG("%s at %u", m->name, k);
			EXPECT_EQ(PF_U | PF_W, b->run->exit_error)
				TH_LOG("%s at %u", m->name, k);
			EXPECT_EQ(0, memcmp(&regs, &b->run->regs, sizeof(regs)))
				TH_LOG("%s at %u", m->name, k);
			copy_map(after, self->map);
			ASSERT_EQ(0, memcmp(before, after, sizeof(before)))
				TH_LOG("%s at %u", m->name, k);
		}
		/* With room for all of it. */
		b->run->regs.rsp = (uintptr_t)top + m->bytes;
		touch(b, PIOTRAP_GROUP_REGS);
		ASSERT_EQ(0, run_on(b));
		EXPECT_NE(PIOTRAP_EXIT_MEMORY, b->run->exit_reason)
			TH_LOG("%s", m->name);
		memset(top, 0xcc, PAGE);
	}
}

/* A write that crosses into a good page is there as a whole. */
TEST_F(caller, crossing)
{
	struct box *b = &self->b;
	uint8_t *at = self->map + NO_CODE * PAGE - 3;

	b->run->regs.rdi = (uintptr_t)at;
	b->run->regs.rax = 0x1122334455667788;
	/* mov [rdi], rax; add [rdi], rax; lock add [rdi], rax; mov rcx, [rdi] */
	ASSERT_EQ(0, STREAM(b, 0x48, 0x89, 0x07, 0x48, 0x01, 0x07, 0xf0, 0x48,
			    0x01, 0x07, 0x48, 0x8b, 0x0f));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(3 * 0x1122334455667788, b->run->regs.rcx);
	EXPECT_EQ(0, memcmp(at, &b->run->regs.rcx, 8));
	EXPECT_EQ(0xcc, at[-1]);
	EXPECT_EQ(0xcc, at[8]);
}

TEST_F(caller, code_of_32_bits)
{
	struct box *b = &self->b;
	uint8_t *code = self->map + CODE_PAGE * PAGE;
	uint32_t *data = (uint32_t *)(self->map + LOW * PAGE);
	static const uint8_t text[] = {
		0x55,			/* push ebp */
		0x89, 0xe5,		/* mov ebp, esp */
		0x60,			/* pushad */
		0x8b, 0x75, 0x08,	/* mov esi, [ebp + 8] */
		0x8b, 0x06,		/* mov eax, [esi] */
		0x40,			/* inc eax */
		0xe6, 0x80,		/* out 0x80, al */
		0x89, 0x46, 0x04,	/* mov [esi + 4], eax */
		0x61,			/* popad */
		0xc9,			/* leave */
		0xc2, 0x04, 0x00,	/* ret 4 */
	};
	uint32_t *stack = (uint32_t *)(self->map + (MID + 1) * PAGE);

	memcpy(code, text, sizeof(text));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0x80, 1, 0, 0));
	data[0] = 41;
	*--stack = (uintptr_t)data;
	*--stack = 0x1234;
	reset32(b);
	b->run->regs.rip = (uintptr_t)code;
	b->run->regs.rsp = (uintptr_t)stack;
	arm(b, 0, BP_EXEC, 1, 0x1234);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(0x1234, b->run->regs.rip);
	EXPECT_EQ((uintptr_t)(stack + 2), b->run->regs.rsp);
	EXPECT_EQ(42, data[1]);
}

/* -- Atomic accesses. -- */

struct adder {
	uint64_t *word;
	unsigned int size, n;
	volatile bool go;
};

static void *add_natively(void *arg)
{
	struct adder *a = arg;

	while (!a->go)
		sched_yield();
	for (unsigned int i = 0; i < a->n; i++) {
		switch (a->size) {
		case 2:
			__atomic_fetch_add((uint16_t *)a->word, 1,
					   __ATOMIC_SEQ_CST);
			break;
		case 4:
			__atomic_fetch_add((uint32_t *)a->word, 1,
					   __ATOMIC_SEQ_CST);
			break;
		default:
			__atomic_fetch_add(a->word, 1, __ATOMIC_SEQ_CST);
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(caller, increments_add_up, 120)
{
	static const struct {
		unsigned int size, len;
		uint8_t code[16];
	} t[] = {
		/* lock inc word [rdi]; dec ecx; jnz */
		{ 2, 8, { 0xf0, 0x66, 0xff, 0x07, 0xff, 0xc9, 0x75, 0xf8 } },
		/* lock add dword [rdi], 1; dec ecx; jnz */
		{ 4, 8, { 0xf0, 0x83, 0x07, 0x01, 0xff, 0xc9, 0x75, 0xf8 } },
		/* mov eax, 1; lock xadd [rdi], rax; dec ecx; jnz */
		{ 8, 14, { 0xb8, 1, 0, 0, 0, 0xf0, 0x48, 0x0f, 0xc1, 0x07, 0xff,
			   0xc9, 0x75, 0xf2 } },
	};
	struct box *b = &self->b;
	uint64_t *word = (uint64_t *)(self->map + 64);

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct adder a = { .word = word, .size = t[i].size, .n = 30000 };
		pthread_t th;

		*word = 0;
		ASSERT_EQ(0, pthread_create(&th, NULL, add_natively, &a));
		reset64(b);
		b->run->regs.rdi = (uintptr_t)word;
		b->run->regs.rcx = 30000;
		a.go = true;
		ASSERT_EQ(0, run_stream(b, t[i].code, t[i].len));
		EXPECT_EXIT(DONE, b);
		pthread_join(th, NULL);
		EXPECT_EQ(60000, *word) TH_LOG("size %u", t[i].size);
	}
}

/* Across a cache line the host may not LOCK; the result is the same. */
/* Each size that a store and a LOCKed instruction can have: this and no byte more. */
TEST_F(caller, sizes)
{
	static const struct {
		const char *name;
		uint8_t code[4];
		unsigned int len, size;
		bool add;
	} t[] = {
		{ "mov [rdi], al", { 0x88, 0x07 }, 2, 1, false },
		{ "mov [rdi], ax", { 0x66, 0x89, 0x07 }, 3, 2, false },
		{ "mov [rdi], eax", { 0x89, 0x07 }, 2, 4, false },
		{ "mov [rdi], rax", { 0x48, 0x89, 0x07 }, 3, 8, false },
		{ "lock add [rdi], al", { 0xf0, 0x00, 0x07 }, 3, 1, true },
		{ "lock add [rdi], ax", { 0xf0, 0x66, 0x01, 0x07 }, 4, 2, true },
		{ "lock add [rdi], eax", { 0xf0, 0x01, 0x07 }, 3, 4, true },
		{ "lock add [rdi], rax", { 0xf0, 0x48, 0x01, 0x07 }, 4, 8, true },
	};
	const uint64_t old = 0xfffefdfcfbfaf9f8, rax = 0x1122334455667788;
	struct box *b = &self->b;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t want = t[i].add ? old + rax : rax, got = old;

		memcpy(self->map, &got, sizeof(got));
		memcpy((uint8_t *)&got, &want, t[i].size);
		want = got;
		reset64(b);
		b->run->regs.rdi = (uintptr_t)self->map;
		b->run->regs.rax = rax;
		ASSERT_EQ(0, run_stream(b, t[i].code, t[i].len));
		EXPECT_EXIT(DONE, b) TH_LOG("%s", t[i].name);
		memcpy(&got, self->map, sizeof(got));
		EXPECT_EQ(want, got) TH_LOG("%s", t[i].name);
	}
}

/* Memory that the caller has closed to himself by a protection key. */
TEST_F(caller, protection_key)
{
	uint8_t *at = self->map + MID * PAGE;
	struct box *b = &self->b;
	int key = pkey_alloc(0, 0);

	if (key < 0)
		SKIP(return, "no protection keys");
	ASSERT_EQ(0, pkey_mprotect(at, PAGE, PROT_READ | PROT_WRITE, key));
	b->run->regs.rdi = (uintptr_t)at;
	touch(b, PIOTRAP_GROUP_REGS);

	ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_WRITE));
	/* mov al, [rdi] */
	ASSERT_EQ(0, STREAM(b, 0x8a, 0x07));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0xcc, b->run->regs.rax);
	/* mov [rdi], eax; lock inc byte [rdi] */
	ASSERT_EQ(0, STREAM(b, 0x89, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(PF_P | PF_W | PF_U | PF_PK, b->run->exit_error);
	EXPECT_EQ((uintptr_t)at, b->run->exit_linear);
	ASSERT_EQ(0, STREAM(b, 0xf0, 0xfe, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(PF_P | PF_W | PF_U | PF_PK, b->run->exit_error);

	ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_ACCESS));
	ASSERT_EQ(0, STREAM(b, 0x8a, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(PF_P | PF_U | PF_PK, b->run->exit_error);
	/* What the caller opens again can be read, by the same run. */
	ASSERT_EQ(0, pkey_set(key, 0));
	EXPECT_EQ(0xcc, at[0]);
	b->run->regs.rax = 0;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0xcc, b->run->regs.rax);
	EXPECT_EQ(0, pkey_free(key));
}

TEST_F(caller, lock_across_a_line)
{
	static const struct {
		const char *name;
		uint8_t code[6];
		unsigned int len;
		uint32_t want;	/* of 0x80000001, with eax = 0x0f0f0f0f, cf = 1 */
	} t[] = {
		{ "add", { 0xf0, 0x01, 0x07 }, 3, 0x8f0f0f10 },
		{ "or", { 0xf0, 0x09, 0x07 }, 3, 0x8f0f0f0f },
		{ "adc", { 0xf0, 0x11, 0x07 }, 3, 0x8f0f0f11 },
		{ "sbb", { 0xf0, 0x19, 0x07 }, 3, 0x70f0f0f1 },
		{ "and", { 0xf0, 0x21, 0x07 }, 3, 0x00000001 },
		{ "sub", { 0xf0, 0x29, 0x07 }, 3, 0x70f0f0f2 },
		{ "xor", { 0xf0, 0x31, 0x07 }, 3, 0x8f0f0f0e },
		{ "inc", { 0xf0, 0xff, 0x07 }, 3, 0x80000002 },
		{ "dec", { 0xf0, 0xff, 0x0f }, 3, 0x80000000 },
		{ "not", { 0xf0, 0xf7, 0x17 }, 3, 0x7ffffffe },
		{ "neg", { 0xf0, 0xf7, 0x1f }, 3, 0x7fffffff },
		{ "bts", { 0xf0, 0x0f, 0xba, 0x2f, 4 }, 5, 0x80000011 },
		{ "btr", { 0xf0, 0x0f, 0xba, 0x37, 0 }, 5, 0x80000000 },
		{ "btc", { 0xf0, 0x0f, 0xba, 0x3f, 31 }, 5, 0x00000001 },
		{ "xadd", { 0xf0, 0x0f, 0xc1, 0x07 }, 4, 0x8f0f0f10 },
		{ "xchg", { 0x87, 0x07 }, 2, 0x0f0f0f0f },
		{ "lock xchg", { 0xf0, 0x87, 0x07 }, 3, 0x0f0f0f0f },
		{ "cmpxchg, other", { 0xf0, 0x0f, 0xb1, 0x1f }, 4, 0x80000001 },
		{ "cmpxchg, same", { 0xf0, 0x0f, 0xb1, 0x1e }, 4, 0x12345678 },
	};
	struct box *b = &self->b;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		static const unsigned int offset[] = { 8, 61, 63, PAGE - 3 };

		for (int k = 0; k < 4; k++) {
			/* Page NO_CODE follows CODE_PAGE. */
			uint8_t *at = self->map + CODE_PAGE * PAGE +
				      offset[k];
			uint32_t now = 0x80000001;
			bool same = strstr(t[i].name, "same");

			memset(at - 8, 0xcc, 20);
			memcpy(at, &now, 4);
			reset64(b);
			b->run->regs.rdi = (uintptr_t)at;
			b->run->regs.rsi = (uintptr_t)at;
			b->run->regs.rax = same ? now : 0x0f0f0f0f;
			b->run->regs.rbx = 0x12345678;
			b->run->regs.rflags |= FL_CF;
			ASSERT_EQ(0, run_stream(b, t[i].code, t[i].len));
			EXPECT_EXIT(DONE, b) TH_LOG("%s", t[i].name);
			memcpy(&now, at, 4);
			EXPECT_EQ(t[i].want, now)
				TH_LOG("%s at %u", t[i].name, offset[k]);
			EXPECT_EQ(0xcc, at[-1]) TH_LOG("%s", t[i].name);
			EXPECT_EQ(0xcc, at[4]) TH_LOG("%s", t[i].name);
		}
	}
}

TEST_F(caller, sixteen_bytes)
{
	struct box *b = &self->b;
	uint64_t *at = (uint64_t *)(self->map + PAGE - 16);

	at[0] = 1;
	at[1] = 2;
	b->run->regs.rdi = (uintptr_t)at;
	b->run->regs.rax = 1;
	b->run->regs.rdx = 2;
	b->run->regs.rbx = 3;
	b->run->regs.rcx = 4;
	/* lock cmpxchg16b [rdi] twice: now it is there, now it is not */
	ASSERT_EQ(0, STREAM(b, 0xf0, 0x48, 0x0f, 0xc7, 0x0f));
	EXPECT_EXIT(DONE, b);
	EXPECT_TRUE(b->run->regs.rflags & FL_ZF);
	EXPECT_EQ(3, at[0]);
	EXPECT_EQ(4, at[1]);
	b->run->regs.rbx = 5;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0x48, 0x0f, 0xc7, 0x0f));
	EXPECT_EXIT(DONE, b);
	EXPECT_FALSE(b->run->regs.rflags & FL_ZF);
	EXPECT_EQ(3, b->run->regs.rax);
	EXPECT_EQ(4, b->run->regs.rdx);
	EXPECT_EQ(3, at[0]);
}

/* A private page that a child shares is copied before it is written. */
TEST_F(caller, copy_on_write)
{
	struct box *b = &self->b;
	uint64_t *at = (uint64_t *)(self->map + MID * PAGE - 4);
	int in[2], out[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, mprotect(self->map + NONE * PAGE, PAGE,
			      PROT_READ | PROT_WRITE));
	*at = 7;
	ASSERT_EQ(0, pipe(in));
	ASSERT_EQ(0, pipe(out));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (read(in[0], &c, 1) != 1)
			_exit(3);
		_exit(*at == 7 ? 0 : 1);
	}
	b->run->regs.rdi = (uintptr_t)at;
	/* add qword [rdi], 1; lock add qword [rdi + 8], 1 */
	ASSERT_EQ(0, STREAM(b, 0x48, 0x83, 0x07, 0x01, 0xf0, 0x48, 0x83, 0x47,
			    0x08, 0x01));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(8, *at);
	ASSERT_EQ(1, write(in[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* -- Whose memory it is. -- */

TEST_F(caller, another_process)
{
	struct box *b = &self->b;
	uint64_t *word = (uint64_t *)self->map;
	int status;
	pid_t pid;

	*word = 1;
	b->run->regs.rdi = (uintptr_t)word;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* lock inc qword [rdi] */
		if (STREAM(b, 0xf0, 0x48, 0xff, 0x07) != -EPERM || *word != 1)
			_exit(1);
		if (b->run->dirty == 0)
			_exit(2);
		/* It may bind it to its own memory, though. */
		if (bind_caller(b) ||
		    STREAM(b, 0xf0, 0x48, 0xff, 0x07) ||
		    b->run->exit_reason != PIOTRAP_EXIT_DONE || *word != 2)
			_exit(3);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, *word);
	EXPECT_EQ(-EPERM, STREAM(b, 0xf0, 0x48, 0xff, 0x07));
	ASSERT_EQ(0, bind_caller(b));
	ASSERT_EQ(0, STREAM(b, 0xf0, 0x48, 0xff, 0x07));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(2, *word);
}

static void *run_in_thread(void *arg)
{
	/* mov [rdi], rdi */
	return (void *)(long)STREAM((struct box *)arg, 0x48, 0x89, 0x3f);
}

TEST_F(caller, another_thread)
{
	struct box *b = &self->b;
	pthread_t th;
	void *ret;

	b->run->regs.rdi = (uintptr_t)self->map;
	ASSERT_EQ(0, pthread_create(&th, NULL, run_in_thread, b));
	ASSERT_EQ(0, pthread_join(th, &ret));
	EXPECT_EQ(NULL, ret);
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ((uintptr_t)self->map, *(uintptr_t *)self->map);
}

/* The descriptor survives execve(), the binding does not. */
TEST_F(caller, after_exec)
{
	struct box *b = &self->b;
	char fd[16];
	int status;
	pid_t pid;

	ASSERT_EQ(0, fcntl(b->fd, F_SETFD, 0));
	snprintf(fd, sizeof(fd), "%d", b->fd);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* Bound to this process, and no longer once it has execed. */
		if (bind_caller(b) || STREAM(b, 0x90))
			_exit(1);
		execl("/proc/self/exe", "caller", "--run", fd, NULL);
		_exit(2);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
	/* The memory is gone, the sandbox is not. */
	EXPECT_EQ(-EPERM, STREAM(b, 0x90));
	ASSERT_EQ(0, bind_caller(b));
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DONE, b);
}

/* Back to regions, and forth. */
TEST_F(caller, regions_again)
{
	struct box *b = &self->b;
	struct box r;

	ASSERT_EQ(0, box_open(&r));
	memcpy(r.mem + 0x4000, "\x11\x22", 2);
	/* mov ax, [0x4000] */
	ASSERT_EQ(0, STREAM(&r, 0xa1, 0x00, 0x40));
	EXPECT_EQ(0x2211, r.run->regs.rax);
	/* Not from real mode. */
	ASSERT_EQ(0, bind_caller(&r));
	EXPECT_EQ(-EINVAL, STREAM(&r, 0xa1, 0x00, 0x40));
	ASSERT_EQ(0, set_config(&r, 0, ~0U, true));
	ASSERT_EQ(0, STREAM(&r, 0xa1, 0x01, 0x40));
	EXPECT_EQ(0x22, r.run->regs.rax);
	/* Of missing memory there is no error code. */
	r.run->segs.ds.base = 0x100000;
	touch(&r, PIOTRAP_GROUP_SEGS);
	ASSERT_EQ(0, STREAM(&r, 0xa1, 0x01, 0x40));
	EXPECT_EXIT(MEMORY, &r);
	EXPECT_EQ(0, r.run->exit_error);
	box_close(&r);

	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_OPEN_BUS,
				(uintptr_t)self->map, PAGE, NULL));
	b->run->regs.rdi = (uintptr_t)self->map;
	ASSERT_EQ(0, STREAM(b, 0x48, 0x89, 0x3f));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ((uintptr_t)self->map, *(uintptr_t *)self->map);
}

TEST_F(caller, refused)
{
	struct box *b = &self->b;
	struct piotrap_config c = {
		.size = sizeof(c), .flags = PIOTRAP_CONFIG_CALLER,
		.exit_exceptions = ~0U,
	};
	struct piotrap_run *run = b->run;

	memset(c.exit_ints, 0xff, sizeof(c.exit_ints));
	c.exit_ints[7] = 0x7fffffff;
	EXPECT_EQ(-EINVAL, ctl(b, PIOTRAP_CONFIG, &c));
	c.exit_ints[7] = ~0U;
	c.exit_exceptions = ~2U;
	EXPECT_EQ(-EINVAL, ctl(b, PIOTRAP_CONFIG, &c));
#define REFUSED(...) do {						\
	reset64(b);							\
	__VA_ARGS__;							\
	EXPECT_EQ(-EINVAL, STREAM(b, 0x90)) TH_LOG("%s", #__VA_ARGS__);	\
} while (0)
	REFUSED(run->segs.ss.attr &= ~0x60);
	REFUSED(run->segs.ss.attr &= ~0x20);
	REFUSED(run->ctrl.cr0 = 0; run->ctrl.efer = 0);
	REFUSED(run->event.intr_pending = 1);
	REFUSED(run->event.nmi_pending = 1);
	REFUSED(run->event.action = PIOTRAP_EVENT_DELIVER;
		run->event.type = 3; run->event.vector = VEC_GP);
#undef REFUSED
	reset64(b);
	EXPECT_EQ(0, STREAM(b, 0x90));
	EXPECT_EXIT(DONE, b);
}

TEST_F(caller, events_are_the_owners)
{
	struct box *b = &self->b;

	/* xor ecx, ecx; div ecx */
	ASSERT_EQ(0, STREAM(b, 0x31, 0xc9, 0xf7, 0xf1));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_DE, b->run->event.vector);
	reset64(b);
	ASSERT_EQ(0, STREAM(b, 0xcd, 0x80));
	EXPECT_EXIT(INT, b);
	EXPECT_EQ(0x80, b->run->event.vector);
	EXPECT_EQ(PAGE, b->run->regs.rip);
	/* Taken, it goes on behind it. */
	b->run->event.action = PIOTRAP_EVENT_TAKE;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	/* hlt, and a port without IOPL */
	reset64(b);
	ASSERT_EQ(0, STREAM(b, 0xf4));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);
	reset64(b);
	b->run->regs.rflags &= ~FL_IOPL3;
	b->run->segs.tr.limit = 0x66;
	ASSERT_EQ(0, STREAM(b, 0xe6, 0x80));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);
	/* What needs a descriptor: mov ds, eax; retfq; iretq */
	reset64(b);
	b->run->regs.rax = 0x2b;
	ASSERT_EQ(0, STREAM(b, 0x8e, 0xd8));
	EXPECT_EXIT(UNSUPPORTED, b);
	EXPECT_EQ(2, b->run->insn_len);
	reset64(b);
	b->run->regs.rsp = (uintptr_t)self->map;
	ASSERT_EQ(0, STREAM(b, 0x48, 0xcb));
	EXPECT_EXIT(UNSUPPORTED, b);
	reset64(b);
	b->run->regs.rsp = (uintptr_t)self->map;
	ASSERT_EQ(0, STREAM(b, 0x48, 0xcf));
	EXPECT_EXIT(UNSUPPORTED, b);
}

/* Without IOPL it is the bitmap of TR, in the caller's memory, too. */
TEST_F(caller, port_permission)
{
	struct box *b = &self->b;
	uint8_t *tss = self->map;
	uint16_t bitmap = 0x68;

	for (int k = 0; k < 3; k++) {
		memset(tss, 0xff, PAGE);
		memcpy(tss + 102, &bitmap, 2);
		tss[bitmap + 0x80 / 8] = k == 1 ? 0xfe : 0xff;
		reset64(b);
		b->run->regs.rflags &= ~FL_IOPL3;
		b->run->segs.tr.base = (uintptr_t)tss;
		b->run->segs.tr.limit = 0x2068;
		if (k == 2)	/* its page is the second, which cannot be read */
			b->run->segs.tr.base += PAGE - bitmap - 0x80 / 8 - 1;
		if (k == 2)
			memcpy((void *)(uintptr_t)b->run->segs.tr.base + 102,
			       &bitmap, 2);
		ASSERT_EQ(0, STREAM(b, 0xe6, 0x80));
		switch (k) {
		case 0:
			EXPECT_EXIT(EXCEPTION, b);
			EXPECT_EQ(VEC_GP, b->run->event.vector);
			break;
		case 1:
			EXPECT_EXIT(DONE, b);
			break;
		default:
			EXPECT_EXIT(MEMORY, b);
			EXPECT_EQ((uintptr_t)tss + PAGE, b->run->exit_linear);
		}
	}
}

/* -- Signals. -- */

static void nothing(int sig)
{
	(void)sig;
}

TEST_F(caller, signal_during_run)
{
	const struct itimerval soon = { .it_value.tv_usec = 20000 };
	const struct sigaction sa = { .sa_handler = nothing };
	struct box *b = &self->b;
	uint64_t *word = (uint64_t *)self->map;

	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	*word = 0;
	b->run->regs.rdi = (uintptr_t)word;
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
	/* inc rax; inc qword [rdi]; jmp $-6 */
	ASSERT_EQ(0, STREAM(b, 0x48, 0xff, 0xc0, 0x48, 0xff, 0x07, 0xeb, 0xf8));
	EXPECT_EXIT(SIGNAL, b);
	EXPECT_LT(0, *word);
	/* At a boundary: before or after the increment of memory. */
	EXPECT_EQ(b->run->regs.rax,
		  *word + (b->run->regs.rip == PAGE + 3));
}

/* A page that another thread supplies, or does not. */
static int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int uffd_watch(int fd, void *page)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)page, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	return ioctl(fd, UFFDIO_REGISTER, &reg);
}

static void *supply(void *arg)
{
	int fd = *(int *)arg;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	static uint8_t page[PAGE] __attribute__((__aligned__(PAGE)));
	struct uffdio_copy copy = { .src = (uintptr_t)page, .len = PAGE };
	struct uffd_msg msg;

	memset(page, 0x77, sizeof(page));
	if (poll(&p, 1, 10000) != 1 || read(fd, &msg, sizeof(msg)) <= 0)
		return NULL;
	copy.dst = msg.arg.pagefault.address & ~(PAGE - 1);
	return ioctl(fd, UFFDIO_COPY, &copy) ? NULL : arg;
}

TEST_F(caller, userfaultfd)
{
	static const uint8_t code[][4] = { READ8, WRITE8, LOCK8, { 0xff, 0xe7 } };
	struct box *b = &self->b;
	int fd = uffd_open();

	if (fd < 0)
		SKIP(return, "no userfaultfd");
	for (int i = 0; i < 4; i++) {
		uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pthread_t th;
		void *ret;

		ASSERT_NE(MAP_FAILED, p);
		ASSERT_EQ(0, uffd_watch(fd, p));
		ASSERT_EQ(0, pthread_create(&th, NULL, supply, &fd));
		reset64(b);
		b->run->regs.rdi = (uintptr_t)p;
		ASSERT_EQ(0, run_stream(b, code[i], i == 2 ? 4 : i == 3 ? 2 : 3));
		if (i == 3) {
			/* ja, past the page's beginning and then its end */
			EXPECT_EXIT(LEFT_STREAM, b);
			ASSERT_EQ(0, run_on(b));
		} else {
			EXPECT_EXIT(DONE, b);
		}
		pthread_join(th, &ret);
		EXPECT_EQ(&fd, ret);
		if (!i)
			EXPECT_EQ(0x7777777777777777, b->run->regs.rax);
		if (i == 1)
			EXPECT_EQ(0, *(uint64_t *)p);
		if (i == 2)
			EXPECT_EQ(0x7777777777777778, *(uint64_t *)p);
		munmap(p, PAGE);
	}
	close(fd);
}

/* Nobody supplies it: the thread that waits can be killed. */
TEST_F(caller, killed_while_waiting)
{
	struct box *b = &self->b;
	int status;

	for (int i = 0; i < 3; i++) {
		/* mov rax, [rdi]; mov [rdi - 3], rax; jmp rdi */
		static const uint8_t code[][4] = {
			{ 0x48, 0x8b, 0x07 }, { 0x48, 0x89, 0x47, 0xfd },
			{ 0xff, 0xe7 },
		};
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			int fd = uffd_open();
			uint8_t *p = mmap(NULL, 2 * PAGE,
					  PROT_READ | PROT_WRITE | PROT_EXEC,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (fd < 0)
				_exit(4);
			p += PAGE;
			if (bind_caller(b) || uffd_watch(fd, p))
				_exit(1);
			b->run->regs.rdi = (uintptr_t)p;
			touch(b, PIOTRAP_GROUP_REGS);
			run_stream(b, code[i], 4);
			run_on(b);
			_exit(2);
		}
		usleep(200000);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		if (WIFEXITED(status) && WEXITSTATUS(status) == 4)
			SKIP(return, "no userfaultfd");
		EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("%d: %x", i, status);
	}
}

/* One that takes the pages away while the sandbox runs on them. */
static void *take_away(void *arg)
{
	struct adder *a = arg;

	while (!a->go) {
		madvise(a->word, 2 * PAGE, MADV_DONTNEED);
		mprotect(a->word, PAGE, PROT_READ | PROT_EXEC);
		mprotect(a->word, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	}
	return NULL;
}

TEST_F(caller, pages_come_and_go)
{
	struct box *b = &self->b;
	uint8_t *p = self->map + CODE_PAGE * PAGE;
	struct adder a = { .word = (uint64_t *)p };
	unsigned int done = 0, stopped = 0;
	pthread_t th;

	memset(p, 0, 2 * PAGE);
	ASSERT_EQ(0, pthread_create(&th, NULL, take_away, &a));
	for (int i = 0; i < 300; i++) {
		reset64(b);
		b->run->regs.rdi = (uintptr_t)p + PAGE - 4;
		b->run->regs.rax = (uintptr_t)p;
		b->run->budget = 50;
		b->run->regs.rsp = (uintptr_t)p + PAGE + 4;
		/*
		 * mov [rdi], rax; lock add [rdi], rax; push rax; jmp rax: there it
		 * finds add [rax], al, which is what zeros are.
		 */
		ASSERT_EQ(0, STREAM(b, 0x48, 0x89, 0x07, 0xf0, 0x48, 0x01, 0x07,
				    0x50, 0xff, 0xe0));
		if (b->run->exit_reason == PIOTRAP_EXIT_LEFT_STREAM)
			ASSERT_EQ(0, run_on(b));
		switch (b->run->exit_reason) {
		case PIOTRAP_EXIT_MEMORY:
			EXPECT_EQ(PF_U, b->run->exit_error & PF_U);
			stopped++;
			break;
		case PIOTRAP_EXIT_BUDGET:
			done++;
			break;
		default:
			EXPECT_EXIT(BUDGET, b);
		}
	}
	a.go = true;
	pthread_join(th, NULL);
	TH_LOG("%u done, %u stopped", done, stopped);
	EXPECT_EQ(300, done + stopped);
}

int main(int argc, char **argv)
{
	/* See after_exec. */
	if (argc == 3 && !strcmp(argv[1], "--run")) {
		struct piotrap_run_args a = { .size = sizeof(a) };

		return ioctl(atoi(argv[2]), PIOTRAP_RUN, &a) ? errno : 0;
	}
	return box_main(argc, argv);
}
