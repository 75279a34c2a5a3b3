/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that time the guest loops have in common. Each is main.c and
 * one engine; an engine has a guest of 1 MiB with the image of loops.asm in it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define GUEST_SIZE	0x100000
#define GUEST_LOW	0x10000		/* nothing is below */
#define GUEST_IMAGE	0x10000
#define GUEST_SRC	0x30000
#define GUEST_DST	0x40000
#define GUEST_BUF	0x10000		/* bytes of each of these */
#define GUEST_STACK	0x60000		/* top */
#define GUEST_HLT	0x5e000		/* where a loop returns to */
#define GUEST_MMIO	0xd0000
#define GUEST_MMIO_END	0xe0000

#define PORT_CONSOLE	0xe9
#define PORT_STATUS	0x3fd
#define PORT_STATUS_VALUE 0x60		/* nothing to read, ready to write */
#define PORT_INPUT	0x60

/* What an input port gives, over and over: byte n of 64 Ki. */
#define INPUT_BYTE(n)	((uint8_t)((n) * 5 + ((n) >> 8) + 1))
#define INPUT_SIZE	0x10000

/* Four breakpoints that never match. */
enum armed {
	ARMED_NONE,
	ARMED_FAR,		/* on pages that the loop does not touch */
	ARMED_NEAR,		/* on those of its stack and its code */
};

/**
 * struct job - one loop to run
 * @name: as on the command line, without the count
 * @entry: guest address
 * @count: iterations
 * @elems: elements of a block
 * @size: bytes of an element; 0: the loop is of no string
 * @port: which it uses, or 0
 * @armed: breakpoints
 * @log: each step goes to the owner's log
 * @drain: what the console has is read by a system call, and so is what comes in
 */
struct job {
	char name[64];
	uint32_t entry;
	uint32_t count;
	uint32_t elems;
	uint32_t size;
	uint16_t port;
	enum armed armed;
	bool log;
	bool drain;
};

/**
 * struct outcome - what came of it
 * @result: EAX
 * @insns: instructions and REP iterations, 0 where the engine does not count
 * @ns: CPU time
 * @exits: times that it came back to the host before its end
 */
struct outcome {
	uint32_t result;
	uint64_t insns;
	uint64_t ns;
	uint64_t exits;
};

/* The engine's name, and of what version it is. */
const char *engine_name(void);

/**
 * engine_open() - called once
 * @counting: count instructions, however slowly
 *
 * Return: the guest's memory; only from GUEST_LOW on need it be there.
 */
uint8_t *engine_open(bool counting);

/* Can it do this? */
bool engine_can(const struct job *job);

/* Run from @job->entry until it returns to GUEST_HLT. */
void engine_run(const struct job *job, struct outcome *out);

/* Between these is what counts: nanoseconds of CPU time, callgrind's counters. */
uint64_t bench_start(void);
uint64_t bench_stop(uint64_t start, const char *name);

/* read(2) of @len bytes, 64 KiB at most, of what INPUT_BYTE() says. */
void bench_drain(void *to, unsigned int len);

/* Where a 32-bit loop finds what it was called with. */
static inline uint32_t stack_pointer(uint8_t *mem)
{
	uint32_t sp = GUEST_STACK - 4, to = GUEST_HLT;

	__builtin_memcpy(mem + sp, &to, 4);
	return sp;
}

__attribute__((__noreturn__, __format__(__printf__, 1, 2)))
void fatal(const char *fmt, ...);

#endif /* BENCH_H */
