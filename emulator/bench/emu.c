// SPDX-License-Identifier: GPL-2.0
/*
 * The engine of this project, in userspace, and an owner who empties what is full
 * and fills what is empty.
 */
#include <stdlib.h>

#include "host.h"

#ifndef BUILD
#define BUILD "plain"
#endif

#define FLAT_CODE	(EMU_SEG_P | EMU_SEG_S | EMU_SEG_CODE | EMU_SEG_WRITABLE | \
			 EMU_SEG_ACCESSED | EMU_SEG_DB | EMU_SEG_G)
#define FLAT_DATA	(FLAT_CODE & ~EMU_SEG_CODE)

static struct bench_host host;
static u8 latch[8];
static u8 input[INPUT_SIZE];
static u8 sink[CONSOLE_SIZE];

const char *engine_name(void)
{
	return "piotrap, " BUILD;
}

static void *pages(size_t n)
{
	void *p = aligned_alloc(4096, n);

	if (!p)
		fatal("no memory");
	memset(p, 0, n);
	return p;
}

static struct port_range open_bus = { .kind = PIOTRAP_PORT_OPEN_BUS };
static struct port_range status = {
	.kind = PIOTRAP_PORT_LATCH, .first = PORT_STATUS, .buf = latch,
};

static struct port_range ring = {
	.kind = PIOTRAP_PORT_CONSOLE, .first = PORT_CONSOLE,
};

static struct port_range queue = {
	.kind = PIOTRAP_PORT_INPUT, .flags = PIOTRAP_PORTS_WAIT,
	.first = PORT_INPUT, .buf = input,
};

static void add_range(unsigned int slot, struct port_range *r)
{
	host.range[slot] = r;
	memset(host.slot + r->first, slot, 4);
}

uint8_t *engine_open(bool counting)
{
	unsigned int i;

	host.mem = pages(GUEST_SIZE);
	host.slot = pages(NR_PORTS);
	host.console.buf = pages(CONSOLE_SIZE);
	host.log.head = pages(4096);
	host.log.rec = pages((size_t)LOG_RECORDS * PIOTRAP_LOG_REC_FIRST);
	host.range[0] = &open_bus;
	latch[0] = PORT_STATUS_VALUE;
	add_range(1, &status);
	add_range(2, &ring);
	add_range(3, &queue);
	for (i = 0; i < INPUT_SIZE; i++)
		input[i] = INPUT_BYTE(i);
	return host.mem;
}

bool engine_can(const struct job *job)
{
	return true;
}

static void set_segment(struct emu_segment *s, u16 selector, u32 attr)
{
	s->base = 0;
	s->limit = ~0U;
	s->attr = attr;
	s->selector = selector;
}

/* Code, data to write, data, ports. What is near is on the loop's own pages. */
static void arm(struct emu_debug *d, const struct job *job)
{
	bool near = job->armed == ARMED_NEAR;

	if (job->armed == ARMED_NONE)
		return;
	d->dr[0] = near ? job->entry - 1 : 0x80000;
	d->dr[1] = near ? GUEST_STACK - 0xff0 : 0x81000;
	d->dr[2] = near ? GUEST_STACK - 0xfe0 : 0x82000;
	d->dr[3] = near ? job->port + 8 : 0x8000;
	d->dr7 = EMU_DR7_FIXED | 0xaa | 0xdULL << 20 | 0xfULL << 24 | 0x2ULL << 28;
}

static void set_state(const struct job *job)
{
	struct emu_state *st = &host.cpu.st;
	const char *rule;
	unsigned int i;

	emu_init(&host.cpu, &bench_ops, &host);
	for (i = 0; i < EMU_LDTR; i++)
		set_segment(&st->segs.seg[i], 0x10, FLAT_DATA);
	set_segment(&st->segs.seg[EMU_CS], 0x08, FLAT_CODE);
	st->ctrl.cr0 = EMU_CR0_PE | EMU_CR0_ET;
	st->ctrl.cr4 = EMU_CR4_DE;
	st->regs.rip = job->entry;
	st->regs.rflags = EMU_FL_FIXED;
	st->regs.gpr[EMU_RCX] = job->count;
	st->regs.gpr[EMU_RBX] = job->elems;
	st->regs.gpr[EMU_RDX] = job->port;
	st->regs.gpr[EMU_RSP] = stack_pointer(host.mem);
	st->budget = EMU_BUDGET_UNLIMITED;
	arm(&st->debug, job);
	rule = emu_check_state(st);
	if (rule)
		fatal("%s", rule);

	host.log_flags = job->log ? PIOTRAP_LOG_STEPS : 0;
	host.cpu.flags = job->log ? EMU_WANT_STEPS : 0;
	host.console.tail = host.console.head;
	queue.pos = 0;
	queue.len = INPUT_SIZE;
	host.log.own_head = 0;
	host.log.at = host.log.rec;
	host.log.end = host.log.rec;
	host.log.head[0] = 0;
	host.log.head[1] = 0;
	emu_load(&host.cpu);
}

static void empty_console(bool drain)
{
	struct console *con = &host.console;

	if (drain)
		bench_drain(sink, con->head - con->tail);
	con->tail = con->head;
}

/* False: not one of the exits that are expected. */
static bool serve(const struct job *job, enum emu_exit why)
{
	struct emu_io *io = &host.cpu.st.io;

	if (why == EMU_EXIT_IO) {
		if (io->dir == EMU_READ)
			memset(host.cpu.st.io_data, 0x5a, io->count * io->size);
		io->done = io->count;
		return true;
	}
	if (why != EMU_EXIT_HOST)
		return false;
	switch (host.cpu.host_exit) {
	case PIOTRAP_EXIT_CONSOLE_FULL:
		empty_console(job->drain);
		return true;
	case PIOTRAP_EXIT_INPUT_EMPTY:
		if (job->drain)
			bench_drain(input, INPUT_SIZE);
		queue.len = INPUT_SIZE;
		return true;
	case PIOTRAP_EXIT_LOG_FULL:
		host.log.head[1] = host.log.head[0];
		return true;
	default:
		return false;
	}
}

/* All that went out is in the ring, or was. */
static void check_console(const struct job *job, u32 bytes)
{
	u32 each = job->size ? job->elems * job->size : 1;

	if (job->port == PORT_CONSOLE && bytes != job->count * each)
		fatal("%s: %u bytes at the console", job->name, bytes);
	if (job->port == PORT_CONSOLE && job->size &&
	    host.console.buf[(host.console.head - 1) % CONSOLE_SIZE] !=
	    host.mem[GUEST_SRC + each - 1])
		fatal("%s: wrong bytes at the console", job->name);
}

void engine_run(const struct job *job, struct outcome *out)
{
	enum emu_exit why;
	u32 head;
	u64 start;

	head = host.console.head;
	set_state(job);
	memset(out, 0, sizeof(*out));
	start = bench_start();
	while ((why = emu_run(&host.cpu)) != EMU_EXIT_HLT) {
		if (!serve(job, why))
			fatal("%s: exit %d (%u) at %llx", job->name, why,
			      host.cpu.host_exit,
			      (unsigned long long)host.cpu.st.regs.rip);
		out->exits++;
	}
	if (job->drain)
		empty_console(true);
	out->ns = bench_stop(start, job->name);
	out->insns = host.cpu.boundaries;
	check_console(job, host.console.head - head);
	out->result = host.cpu.st.regs.gpr[EMU_RAX];
}
