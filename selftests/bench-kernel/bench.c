// SPDX-License-Identifier: GPL-2.0
/*
 * What PIOTRAP_RUN costs, in instructions of the CPU that it runs on. To be run
 * where the TSC counts instructions (run.sh): each figure is a difference of two
 * calls of RUN that differ in how much they emulate, or in what they do, so that
 * what surrounds them drops out.
 *
 * Prints a line for each figure: name, instructions, what they are divided by.
 */
#include "../common.h"

#include <stdio.h>
#include <sys/syscall.h>

#define PORT_CONSOLE	0xe9
#define PORT_LATCH	0x60
#define PORT_INPUT	0x70
#define PORT_EXIT	0x80
#define DATA		0x10000UL	/* 64 KiB */

/* The clock ticks now and then; the shortest of some calls has met none. */
#define SAMPLES		15

#define CR0_PE		1UL
#define SEG_CODE32	0xc09b
#define SEG_DATA32	0xc093

static struct box box;
static uint8_t scratch[2][0x10000];

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static void check_exit(uint32_t reason)
{
	if (box.run->exit_reason == reason)
		return;
	fprintf(stderr, "exit reason %u instead of %u\n", box.run->exit_reason,
		reason);
	exit(1);
}

static uint64_t tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* Instructions from here to the kernel and back. */
static uint64_t cost_of(unsigned long nr, void *arg)
{
	uint64_t t = tsc();
	long ret;

	__asm__ volatile("syscall"
			 : "=a" (ret)
			 : "a" (SYS_ioctl), "D" ((long)box.fd), "S" (nr),
			   "d" (arg)
			 : "rcx", "r11", "memory");
	t = tsc() - t;
	check(ret, "ioctl");
	return t;
}

/* 32-bit protected mode, flat, nothing armed. */
static void reset(void)
{
	struct piotrap_segment *seg = &box.run->segs.es;
	unsigned int i;

	reset_cpu(&box);
	box.run->ctrl.cr0 |= CR0_PE;
	for (i = 0; i < 6; i++) {
		seg[i].limit = 0xffffffff;
		seg[i].attr = i == 1 ? SEG_CODE32 : SEG_DATA32;
	}
	check(run_stream(&box, "\x90", 1), "run");
	check_exit(PIOTRAP_EXIT_DONE);
}

static void drain(void)
{
	int flags = fcntl(box.fd, F_GETFL);

	fcntl(box.fd, F_SETFL, flags | O_NONBLOCK);
	while (read(box.fd, scratch[0], sizeof(scratch[0])) > 0)
		;
	fcntl(box.fd, F_SETFL, flags);
}

/* -- Loops in memory. -- */

/* Instructions in a round of a loop, its jump included. */
#define LOOP		32

static const uint8_t alu[] = {
	0x01, 0xd8,		/* add eax, ebx */
	0x31, 0xc3,		/* xor ebx, eax */
	0x29, 0xd6,		/* sub esi, edx */
	0x21, 0xc7,		/* and edi, eax */
	0x09, 0xf5,		/* or ebp, esi */
	0x39, 0xd8,		/* cmp eax, ebx */
	0x83, 0xc6, 0x07,	/* add esi, 7 */
	0x11, 0xc2,		/* adc edx, eax */
	0x41,			/* inc ecx */
	0x4f,			/* dec edi */
	0x85, 0xc0,		/* test eax, eax */
};

static const uint8_t out[] = { 0xee };		/* out dx, al */
static const uint8_t in[] = { 0xec };		/* in al, dx */

/* LOOP - 1 instructions of @code, which has @insns, over and over, and a jump. */
static void put_loop(const uint8_t *code, size_t len, unsigned int insns)
{
	uint8_t *start = box.mem + CODE, *p = start;
	unsigned int left = LOOP - 1;
	int32_t back;

	for (; left >= insns; left -= insns, p += len)
		memcpy(p, code, len);
	for (; left; left--)
		*p++ = 0x40;		/* inc eax */
	back = start - (p + 5);
	*p++ = 0xe9;			/* jmp start */
	memcpy(p, &back, sizeof(back));
}

static uint64_t run_loop(unsigned int insns, uint16_t port)
{
	struct piotrap_run_args args = { .size = sizeof(args) };
	uint64_t t;

	box.run->regs.rip = CODE;
	box.run->regs.rdx = port;
	box.run->budget = insns;
	box.run->dirty = PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_BUDGET;
	t = cost_of(PIOTRAP_RUN, &args);
	check_exit(PIOTRAP_EXIT_BUDGET);
	return t;
}

static void bench_loop(const char *name, uint16_t port, unsigned int per_round)
{
	/* The difference has one poll in it. */
	const unsigned int less = LOOP, more = LOOP + 1024;
	uint64_t t, a = ~0ULL, b = ~0ULL;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		t = run_loop(less, port);
		a = t < a ? t : a;
		t = run_loop(more, port);
		b = t < b ? t : b;
		drain();
	}
	printf("%s %llu %u\n", name, (unsigned long long)(b - a),
	       (more - less) / LOOP * per_round);
}

/* -- Calls. -- */

static uint64_t query(void)
{
	struct piotrap_info info = { .size = sizeof(info) };

	return cost_of(PIOTRAP_INFO, &info);
}

/* A stream of one instruction, nothing else given. */
static uint64_t run_one(void)
{
	struct piotrap_run_args args = {
		.size = sizeof(args), .flags = PIOTRAP_RUN_STREAM,
		.stream = (uintptr_t)"\x90", .len = 1,
	};
	uint64_t t = cost_of(PIOTRAP_RUN, &args);

	check_exit(PIOTRAP_EXIT_DONE);
	return t;
}

/* The same with new registers. */
static uint64_t run_one_regs(void)
{
	box.run->regs.rip = CODE;
	box.run->dirty = PIOTRAP_GROUP_REGS;
	return run_one();
}

/* One instruction of memory. */
static uint64_t run_one_budget(void)
{
	struct piotrap_run_args args = { .size = sizeof(args) };
	uint64_t t;

	box.run->budget = 1;
	box.run->dirty = PIOTRAP_GROUP_BUDGET;
	t = cost_of(PIOTRAP_RUN, &args);
	check_exit(PIOTRAP_EXIT_BUDGET);
	return t;
}

/* Answer an OUT, go on to the next. */
static uint64_t exit_and_back(void)
{
	struct piotrap_run_args args = { .size = sizeof(args) };
	uint64_t t;

	if (box.run->io.kind) {
		box.run->io.done = 1;
		box.run->dirty = PIOTRAP_GROUP_IO;
	}
	t = cost_of(PIOTRAP_RUN, &args);
	check_exit(PIOTRAP_EXIT_IO_PORT);
	return t;
}

static uint64_t shortest(uint64_t (*call)(void))
{
	uint64_t t, best = ~0ULL;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		t = call();
		best = t < best ? t : best;
	}
	return best;
}

static void bench_call(const char *name, uint64_t (*call)(void), uint64_t less)
{
	printf("%s %llu 1\n", name,
	       (unsigned long long)(shortest(call) - less));
}

static void bench_calls(void)
{
	uint64_t base;

	reset();
	shortest(query);
	base = shortest(query);
	printf("query %llu 1\n", (unsigned long long)base);
	bench_call("run", run_one, base);
	bench_call("run-regs", run_one_regs, base);
	memset(box.mem + CODE, 0x90, 64);	/* nop */
	box.run->regs.rip = CODE;
	box.run->dirty = PIOTRAP_GROUP_REGS;
	bench_call("run-budget", run_one_budget, base);

	reset();
	memset(box.mem + CODE, 0xee, 64);	/* out dx, al */
	box.run->regs.rip = CODE;
	box.run->regs.rdx = PORT_EXIT;
	box.run->dirty = PIOTRAP_GROUP_REGS;
	bench_call("exit", exit_and_back, base);
}

/* -- Strings. -- */

static uint64_t run_string(uint8_t opcode, uint16_t port, uint32_t n)
{
	uint8_t code[] = { 0xf3, opcode };
	struct piotrap_run_args args = {
		.size = sizeof(args), .flags = PIOTRAP_RUN_STREAM,
		.stream = (uintptr_t)code, .len = sizeof(code),
	};
	uint64_t t;

	box.run->regs.rip = CODE;
	box.run->regs.rcx = n;
	box.run->regs.rdx = port;
	box.run->regs.rsi = DATA;
	box.run->regs.rdi = DATA;
	box.run->dirty = PIOTRAP_GROUP_REGS;
	t = cost_of(PIOTRAP_RUN, &args);
	check_exit(PIOTRAP_EXIT_DONE);
	return t;
}

static uint64_t string(uint8_t opcode, uint16_t port, uint32_t n)
{
	uint64_t t, best = ~0ULL;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		if (port == PORT_INPUT &&
		    queue_input(&box, port, scratch[1], n) != n)
			check(-EIO, "input");
		t = run_string(opcode, port, n);
		best = t < best ? t : best;
		drain();
	}
	return best;
}

static void bench_string(const char *name, uint8_t opcode, uint16_t port)
{
	const uint32_t less = 0x1000, more = 0x10000;

	reset();
	printf("%s %llu %u\n", name,
	       (unsigned long long)(string(opcode, port, more) -
				    string(opcode, port, less)),
	       more - less);
}

/* As the kernel's memcpy() does on this CPU. */
static uint64_t copy(size_t len)
{
	void *to = scratch[0], *from = scratch[1];
	size_t n = len / 8;
	uint64_t t = tsc();

	__asm__ volatile("rep movsq"
			 : "+D" (to), "+S" (from), "+c" (n) : : "memory");
	return tsc() - t;
}

static void bench_memcpy(void)
{
	const size_t less = 0x1000, more = 0x10000;
	uint64_t t, a = ~0ULL, b = ~0ULL;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		t = copy(less);
		a = t < a ? t : a;
		t = copy(more);
		b = t < b ? t : b;
	}
	printf("memcpy-byte %llu %zu\n", (unsigned long long)(b - a), more - less);
}

/* -- All of it. -- */

static void set_tracepoints(bool on)
{
	int fd = open("/sys/kernel/tracing/events/piotrap/enable",
		      O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, on ? "1" : "0", 1) != 1)
		check(-errno, "tracepoints");
	close(fd);
}

static void bench_all(void)
{
	reset();
	put_loop(alu, sizeof(alu), 11);
	bench_loop("alu", 0, LOOP);
	put_loop(out, sizeof(out), 1);
	bench_loop("out", PORT_CONSOLE, LOOP - 1);
	put_loop(in, sizeof(in), 1);
	bench_loop("in", PORT_LATCH, LOOP - 1);
	bench_calls();
	bench_string("rep-outsb-byte", 0x6e, PORT_CONSOLE);
	bench_string("rep-insb-byte", 0x6c, PORT_INPUT);
}

int main(void)
{
	/* Nothing is on its way to a console while something is measured. */
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	check(box_open(&box), "open");
	memset(box.mem, 'x', MEM_SIZE);
	check(set_ports(&box, PIOTRAP_PORT_CONSOLE, PORT_CONSOLE, 1, 0xe9, 0),
	      "console");
	check(set_ports(&box, PIOTRAP_PORT_LATCH, PORT_LATCH, 1, 0, 0), "latch");
	check(set_ports(&box, PIOTRAP_PORT_INPUT, PORT_INPUT, 1, 0, 0), "input");
	check(set_ports(&box, PIOTRAP_PORT_EXIT, PORT_EXIT, 1, 0, 0), "exit");

	bench_memcpy();
	bench_all();
	set_tracepoints(true);
	printf("tracepoints\n");
	bench_all();
	set_tracepoints(false);
	printf("end\n");
	return 0;
}
