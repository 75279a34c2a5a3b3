// SPDX-License-Identifier: GPL-2.0
/*
 * This CPU itself, in the 32-bit code segment that Linux has for everybody: no
 * ports, no debug registers. Guest addresses are the process's own. Where a loop does
 * string I/O, memcpy() stands in its place.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "native.h"

static uint8_t queue[INPUT_SIZE];

const char *engine_name(void)
{
	return "native";
}

uint8_t *engine_open(bool counting)
{
	void *low = mmap((void *)GUEST_LOW, GUEST_SIZE - GUEST_LOW,
			 PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	unsigned int i;

	for (i = 0; i < INPUT_SIZE; i++)
		queue[i] = INPUT_BYTE(i);
	if (low != (void *)GUEST_LOW)
		fatal("native: low memory is not to be had");
	return (uint8_t *)low - GUEST_LOW;
}

static bool is_string_io(const struct job *job)
{
	return job->port && job->size;
}

bool engine_can(const struct job *job)
{
	return job->armed == ARMED_NONE && !job->log && !job->drain &&
	       (!job->port || is_string_io(job)) &&
	       strncmp(job->name, "step", 4) && strncmp(job->name, "mmio", 4);
}

/* What string I/O comes down to: each block by memcpy(), to a ring or from a queue. */
static uint32_t copy_blocks(const struct job *job, uint8_t *mem)
{
	static uint8_t ring[GUEST_BUF];
	uint32_t len = job->elems * job->size, at = 0, i, last;
	bool in = job->port == PORT_INPUT;

	for (i = 0; i < job->count; i++) {
		if (in)
			memcpy(mem + GUEST_DST, queue + at, len);
		else
			memcpy(ring + at, mem + GUEST_SRC, len);
		/* So that no copy is left out as one too many. */
		__asm__ volatile("" : : : "memory");
		at = (at + len) % GUEST_BUF;
	}
	memcpy(&last, mem + GUEST_DST + len - 4, 4);
	return in ? last : GUEST_SRC + len;
}

void engine_run(const struct job *job, struct outcome *out)
{
	const uint32_t regs[3] = { job->count, job->elems, job->port };
	uint64_t start;

	memcpy((void *)NATIVE_GATE, native_gate, native_gate_end - native_gate);
	start = bench_start();
	out->result = is_string_io(job) ?
		copy_blocks(job, (uint8_t *)GUEST_LOW - GUEST_LOW) :
		native_call(job->entry, regs);
	out->ns = bench_stop(start, job->name);
	out->insns = 0;
	out->exits = 0;
}
