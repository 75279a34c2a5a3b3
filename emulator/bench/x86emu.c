// SPDX-License-Identifier: GPL-2.0
/*
 * libx86emu. It starts in real mode; the segments are given what they would have
 * after the switch. Ports have the same behind them as in the others.
 */
#include <stdlib.h>
#include <string.h>

#include <x86emu.h>

#include "bench.h"

#define FLAT_CODE	0xc9b		/* G, D, and a present code segment */
#define FLAT_DATA	0xc93

static x86emu_t *emu;
static uint8_t *mem;
static bool count_insns;
static uint64_t insns;
static uint8_t ring[0x10000];
static uint32_t ring_head;
static uint32_t input_pos;
static uint8_t input[INPUT_SIZE];
static x86emu_memio_handler_t memory;

const char *engine_name(void)
{
	return "libx86emu";
}

static unsigned int memio(x86emu_t *engine, uint32_t addr, uint32_t *val,
			  unsigned int type)
{
	unsigned int size = 1 << (type & 3);

	switch (type & ~0xffU) {
	case X86EMU_MEMIO_I:
		if (addr == PORT_STATUS) {
			*val = PORT_STATUS_VALUE;
			return 0;
		}
		*val = 0;
		memcpy(val, input + input_pos, size);
		input_pos = (input_pos + size) % INPUT_SIZE;
		return 0;
	case X86EMU_MEMIO_O:
		memcpy(ring + ring_head, val, size);
		ring_head = (ring_head + size) % sizeof(ring);
		return 0;
	default:
		return memory(engine, addr, val, type);
	}
}

static int on_code(x86emu_t *engine)
{
	insns++;
	return 0;
}

uint8_t *engine_open(bool counting)
{
	unsigned int i;

	count_insns = counting;
	for (i = 0; i < INPUT_SIZE; i++)
		input[i] = INPUT_BYTE(i);
	mem = aligned_alloc(4096, GUEST_SIZE);
	emu = x86emu_new(X86EMU_PERM_RWX, X86EMU_PERM_RW);
	if (!mem || !emu)
		fatal("no memory");
	for (i = 0; i < GUEST_SIZE; i += X86EMU_PAGE_SIZE)
		x86emu_set_page(emu, i, mem + i);
	memory = x86emu_set_memio_handler(emu, NULL);
	return mem;
}

/* It has no #DB, steps in strings of 2 and 4 bytes by 1, and traps nothing. */
bool engine_can(const struct job *job)
{
	return job->armed == ARMED_NONE && !job->drain &&
	       strncmp(job->name, "step", 4) && strncmp(job->name, "mmio", 4) &&
	       strncmp(job->name, "outsd", 5) && strncmp(job->name, "insd", 4);
}

void engine_run(const struct job *job, struct outcome *out)
{
	static const unsigned int data[] = { R_ES_INDEX, R_SS_INDEX, R_DS_INDEX,
					     R_FS_INDEX, R_GS_INDEX };
	x86emu_regs_t *regs = &emu->x86;
	uint64_t start;
	unsigned int i;

	for (i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		regs->seg[data[i]] = (sel_t){ 0, ~0U, 0x10, FLAT_DATA };
	regs->seg[R_CS_INDEX] = (sel_t){ 0, ~0U, 0x08, FLAT_CODE };
	regs->R_CR0 |= 1;
	regs->mode &= ~_MODE_HALTED;
	regs->R_EIP = job->entry;
	regs->R_ECX = job->count;
	regs->R_EBX = job->elems;
	regs->R_EDX = job->port;
	regs->R_EAX = 0;
	regs->R_ESP = stack_pointer(mem);
	regs->R_EFLG = F_ALWAYS_ON;
	input_pos = 0;
	insns = 0;
	/* Its own is faster for a loop without ports. */
	x86emu_set_memio_handler(emu, job->port ? memio : memory);
	x86emu_set_code_handler(emu, job->log || count_insns ? on_code : NULL);
	start = bench_start();
	x86emu_run(emu, 0);
	out->ns = bench_stop(start, job->name);
	if (regs->R_EIP != GUEST_HLT + 1)
		fatal("%s: stopped at %x", job->name, regs->R_EIP);
	out->result = regs->R_EAX;
	out->insns = insns;
	out->exits = 0;
}
