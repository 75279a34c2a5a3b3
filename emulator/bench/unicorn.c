// SPDX-License-Identifier: GPL-2.0
/*
 * Unicorn. Its hooks for ports do the same as the owner of the others: a byte to a
 * ring, a status, a byte of input. It has no device or owner that could be slower.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicorn/unicorn.h>

#include "bench.h"

#define STEPS	0x4000

static uc_engine *uc;
static uint8_t *mem;
static bool count_insns;
static uint64_t insns;
static uint64_t step_log[STEPS];
static uint8_t ring[0x10000];
static uint32_t ring_head;
static uint32_t input_pos;
static uint8_t input[INPUT_SIZE];

static void check(uc_err err, const char *what)
{
	if (err)
		fatal("unicorn: %s: %s", what, uc_strerror(err));
}

const char *engine_name(void)
{
	static char name[40];
	unsigned int major, minor;

	uc_version(&major, &minor);
	snprintf(name, sizeof(name), "Unicorn %u.%u", major, minor);
	return name;
}

static uint32_t on_in(uc_engine *engine, uint32_t port, int size, void *user)
{
	uint32_t val = 0;

	if (port == PORT_STATUS)
		return PORT_STATUS_VALUE;
	memcpy(&val, input + input_pos, size);
	input_pos = (input_pos + size) % INPUT_SIZE;
	return val;
}

static void on_out(uc_engine *engine, uint32_t port, int size, uint32_t val,
		   void *user)
{
	memcpy(ring + ring_head, &val, size);
	ring_head = (ring_head + size) % sizeof(ring);
}

/* The whole of a log of steps: where each is. */
static void on_code(uc_engine *engine, uint64_t addr, uint32_t size, void *user)
{
	step_log[insns++ % STEPS] = addr;
}

uint8_t *engine_open(bool counting)
{
	unsigned int i;

	count_insns = counting;
	for (i = 0; i < INPUT_SIZE; i++)
		input[i] = INPUT_BYTE(i);
	mem = aligned_alloc(4096, GUEST_SIZE);
	if (!mem)
		fatal("no memory");
	return mem;
}

/* No #DB is delivered by it, and an armed breakpoint is not noticed. */
bool engine_can(const struct job *job)
{
	return job->armed == ARMED_NONE && !job->drain &&
	       strncmp(job->name, "step", 4) && strncmp(job->name, "mmio", 4);
}

static void set(int reg, uint32_t val)
{
	uint64_t v = val;

	check(uc_reg_write(uc, reg, &v), "register");
}

/* A new one each time: what is translated does not take up another hook. */
static void open_engine(bool hook_code)
{
	uc_hook hook;

	check(uc_open(UC_ARCH_X86, UC_MODE_32, &uc), "open");
	check(uc_mem_map_ptr(uc, 0, GUEST_SIZE, UC_PROT_ALL, mem), "memory");
	check(uc_hook_add(uc, &hook, UC_HOOK_INSN, on_in, NULL, 1, 0,
			  UC_X86_INS_IN), "hook");
	check(uc_hook_add(uc, &hook, UC_HOOK_INSN, on_out, NULL, 1, 0,
			  UC_X86_INS_OUT), "hook");
	if (hook_code)
		check(uc_hook_add(uc, &hook, UC_HOOK_CODE, on_code, NULL, 1, 0),
		      "hook");
}

void engine_run(const struct job *job, struct outcome *out)
{
	uint64_t eax = 0, start;

	open_engine(job->log || count_insns);
	set(UC_X86_REG_ECX, job->count);
	set(UC_X86_REG_EBX, job->elems);
	set(UC_X86_REG_EDX, job->port);
	set(UC_X86_REG_EAX, 0);
	set(UC_X86_REG_ESP, stack_pointer(mem));
	set(UC_X86_REG_EFLAGS, 2);
	insns = 0;
	input_pos = 0;
	start = bench_start();
	check(uc_emu_start(uc, job->entry, GUEST_HLT, 0, 0), "run");
	out->ns = bench_stop(start, job->name);
	check(uc_reg_read(uc, UC_X86_REG_EAX, &eax), "register");
	out->result = eax;
	out->insns = insns;
	out->exits = 0;
	check(uc_close(uc), "close");
}
