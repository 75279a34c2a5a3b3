// SPDX-License-Identifier: GPL-2.0
/*
 * How much more two sandboxes do at once than one: threads, each with a sandbox
 * and a CPU of its own, run the same loop for the same time. smp.sh runs it.
 *
 * Prints "begin" when a round begins, and when it ends a line with the number of
 * threads, the calls of PIOTRAP_RUN that they made, and the nanoseconds it took.
 */
#include "../common.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS		15
#define ROUND_S		1
#define BUDGET		64	/* boundaries of a run: entry and exit count too */

struct worker {
	pthread_t thread;
	struct box box;
	unsigned int cpu;
	uint64_t runs;
};

static struct worker worker[2];
static atomic_bool go, stop;

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		check(errno, "CPU");
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct box *b = &w->box;

	pin(w->cpu);
	while (!go)
		sched_yield();
	w->runs = 0;
	while (!stop) {
		b->run->budget = BUDGET;
		touch(b, PIOTRAP_GROUP_BUDGET);
		check(run_on(b), "run");
		if (b->run->exit_reason != PIOTRAP_EXIT_BUDGET)
			check(EIO, "exit reason");
		w->runs++;
	}
	return NULL;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* The first @n workers together. */
static void round_of(unsigned int n)
{
	struct timespec t = { .tv_sec = ROUND_S };
	uint64_t runs = 0, start;
	unsigned int i;

	go = false;
	stop = false;
	for (i = 0; i < n; i++)
		check(pthread_create(&worker[i].thread, NULL, work, &worker[i]),
		      "thread");
	printf("begin\n");
	start = now();
	go = true;
	nanosleep(&t, NULL);
	stop = true;
	start = now() - start;
	for (i = 0; i < n; i++) {
		check(pthread_join(worker[i].thread, NULL), "join");
		runs += worker[i].runs;
	}
	printf("%u %llu %llu\n", n, (unsigned long long)runs,
	       (unsigned long long)start);
}

int main(void)
{
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);

	for (i = 0; i < 2; i++) {
		struct box *b = &worker[i].box;

		worker[i].cpu = i;
		check(box_open(b), "open");
		check(set_ports(b, PIOTRAP_PORT_LATCH, 0x60, 1, 0, 0), "latch");
		/* out 60h, al; in al, 60h; inc ax; mov [3000h], al; jmp */
		PUT(b, 0xe6, 0x60, 0xe4, 0x60, 0x40, 0xa2, 0x00, 0x30, 0xeb, 0xf6);
	}
	for (i = 0; i < ROUNDS; i++) {
		round_of(1);
		round_of(2);
	}
	return 0;
}
