// SPDX-License-Identifier: GPL-2.0
/*
 * What one port access costs with events off and on and with BPF programs, in
 * instructions of the CPU that it runs on. To be run where the TSC counts these
 * (run.sh). Each figure is the difference of two runs that differ in the number of
 * accesses alone; it is of an IN and the LOOP behind it.
 *
 * Prints a line for each figure: name, instructions, accesses that they are for.
 */
#include "../common.h"

#include <stdio.h>

#include <bpf/libbpf.h>

#include "cost.skel.h"

#define LATCH		0x60
#define DECIDED		0x80	/* of kind BPF */

/* So few that no poll comes between the first and the last. */
#define LESS		100
#define MORE		400

/* The clock ticks now and then; the shortest of some calls has met none. */
#define SAMPLES		15

static struct box box;

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static uint64_t tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* In memory, where it is decoded once: in al, PORT; loop $-2; hlt */
static uint64_t run_loop(uint8_t port, unsigned int rounds)
{
	uint64_t t;
	int err;

	PUT(&box, 0xe4, port, 0xe2, 0xfc, 0xf4);
	reset_cpu(&box);
	box.run->regs.rcx = rounds;
	t = tsc();
	err = run_on(&box);
	t = tsc() - t;
	check(err, "PIOTRAP_RUN");
	if (box.run->exit_reason != PIOTRAP_EXIT_HLT ||
	    box.run->boundaries != 2 * rounds + 1)
		check(-EPROTO, "the loop");
	return t;
}

static void figure(const char *name, uint8_t port, uint8_t want)
{
	uint64_t less = ~0ULL, more = ~0ULL, t;

	for (int i = 0; i < SAMPLES; i++) {
		t = run_loop(port, LESS);
		less = t < less ? t : less;
		t = run_loop(port, MORE);
		more = t < more ? t : more;
	}
	if ((box.run->regs.rax & 0xff) != want)
		check(-EPROTO, name);
	printf("%s %llu %u\n", name, (unsigned long long)(more - less), MORE - LESS);
}

static void enable(const char *event, const char *on)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/piotrap/%s/enable",
		 event);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd < 0 || write(fd, on, 1) != 1 ? -errno : 0, event);
	close(fd);
}

int main(void)
{
	struct piotrap_info info = { .size = sizeof(info) };
	struct bpf_link *link;
	struct cost *p;

	check(box_open(&box), "/dev/piotrap");
	check(ctl(&box, PIOTRAP_INFO, &info), "PIOTRAP_INFO");
	check(set_ports(&box, PIOTRAP_PORT_LATCH, LATCH, 1, 0x21, 0), "a latch");
	figure("off", LATCH, 0x21);
	check(set_config(&box, PIOTRAP_CONFIG_BPF, ~0U, true), "PIOTRAP_CONFIG");
	check(set_ports(&box, PIOTRAP_PORT_BPF, DECIDED, 1, 0x21, 0), "a BPF port");
	p = cost__open_and_load();
	check(p ? 0 : -errno, "the BPF programs");
	p->bss->sandbox = info.sandbox_id;

	figure("flag", LATCH, 0x21);
	figure("bpf-off", DECIDED, 0xff);

	enable("piotrap_port_io", "1");
	figure("event", LATCH, 0x21);
	enable("piotrap_port_io", "0");

	link = bpf_program__attach(p->progs.count);
	check(link ? 0 : -errno, "attach");
	figure("count", LATCH, 0x21);
	bpf_link__destroy(link);

	link = bpf_program__attach(p->progs.decide);
	check(link ? 0 : -errno, "attach");
	figure("others", LATCH, 0x21);
	figure("decide", DECIDED, 0x42);
	bpf_link__destroy(link);

	/* All is as it was. */
	figure("off-again", LATCH, 0x21);
	cost__destroy(p);
	box_close(&box);
	return 0;
}
