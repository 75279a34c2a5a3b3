// SPDX-License-Identifier: GPL-2.0
/*
 * Programs drawn from the axes of shape.h, each run in all the ways that must make
 * no difference (D1-D8): slow and fast path, any batch size, stopped, saved and
 * restored anywhere, logged step by step.
 *
 * usage: random [--jobs N] [FIRST [COUNT]]
 *        random --find COUNT
 *        random --replay "seed=5 mode=2 ..."
 *
 * Prints TAP. A difference is shrunk and printed as a --replay. --find stops at
 * the first one, as it is, and says in how many shapes it was found.
 */
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

/* After insn.h: it has a name that <unistd.h> takes. */
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS		20		/* results that are reported one by one */

static struct host host;

static bool differs(const struct shape *s)
{
	const char *rule;

	shape_build(s, &host);
	rule = emu_check_state(&host.cpu.st);
	if (!rule)
		return !compare(&host, COMPARE_ALL);
	sprintf(why, "start: %s", rule);
	return true;
}

/* Each axis as near to 0 as the difference lets it be. */
static void shrink(struct shape *s)
{
	struct shape try;
	unsigned int a, val;
	bool again = true;

	while (again) {
		again = false;
		for (a = 0; a < NR_AXES; a++) {
			for (val = 0; val < s->v[a] && val < 16; val++) {
				try = *s;
				try.v[a] = val;
				if (!differs(&try))
					continue;
				*s = try;
				again = true;
			}
		}
		/* Instructions are left out one by one. */
		for (val = 1; val < shape_values(A_DROP); val <<= 1) {
			try = *s;
			try.v[A_DROP] |= val;
			if (s->v[A_OP] < OP_PROGRAM || s->v[A_DROP] & val ||
			    !differs(&try))
				continue;
			*s = try;
			again = s->v[A_LEN];
		}
		for (val = 0; val < 6 && val < s->seed; val++) {
			try = *s;
			try.seed = val;
			if (!differs(&try))
				continue;
			*s = try;
			again = true;
		}
	}
}

static void report(const struct shape *found)
{
	struct shape s = *found;
	char text[512];

	shrink(&s);
	differs(&s);
	shape_print(&s, text, sizeof(text));
	printf("# %s: %s\n# random --replay \"%s\"\n", compare_way(), why, text);
}

static int replay(const char *text)
{
	struct shape s;

	host_init(&host);
	if (!shape_parse(&s, text)) {
		fprintf(stderr, "random: no such shape: %s\n", text);
		return 2;
	}
	if (!differs(&s)) {
		compare_show(&host);
		printf("# no difference\n");
		return 0;
	}
	printf("# %s: %s\n", compare_way(), why);
	compare_show(&host);
	return 1;
}

static int find(u64 count)
{
	char text[512];
	struct shape s;
	u64 n;

	host_init(&host);
	for (n = 0; n < count; n++) {
		shape_draw(&s, n);
		if (!differs(&s))
			continue;
		shape_print(&s, text, sizeof(text));
		printf("# shape %llu, %s: %s\n# %s\n", (unsigned long long)n,
		       compare_way(), why, text);
		return 1;
	}
	return 0;
}

/* The blocks of one of @jobs processes; how many of them failed. */
static int work(u64 first, u64 count, unsigned int job, unsigned int jobs)
{
	u64 size = (count + BLOCKS - 1) / BLOCKS, n, end;
	unsigned int block, found, failed = 0;
	struct shape s;

	host_init(&host);
	for (block = job; block * size < count; block += jobs) {
		end = min((block + 1) * size, count);
		for (n = block * size, found = 0; n < end; n++) {
			shape_draw(&s, first + n);
			if (differs(&s) && ++found <= 3)
				report(&s);
		}
		printf("%sok %u shapes %llu to %llu\n", found ? "not " : "",
		       block + 1, (unsigned long long)(first + block * size),
		       (unsigned long long)(first + end - 1));
		if (found)
			printf("# %u differ\n", found);
		fflush(stdout);
		failed += !!found;
	}
	printf("# %llu events, %llu elements in bulk\n",
	       (unsigned long long)compare_events,
	       (unsigned long long)host.bulk_elements);
	fflush(stdout);
	/* What nothing happened in has shown nothing. */
	return failed || !compare_events || !host.bulk_elements;
}

int main(int argc, char **argv)
{
	unsigned int jobs = 1, job, failed = 0;
	u64 first, count, size;
	int status;

	/* Each process has a host of its own: its memory is not copied by fork(). */
	if (argc == 3 && !strcmp(argv[1], "--replay"))
		return replay(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--find"))
		return find(strtoull(argv[2], NULL, 0));
	if (argc > 2 && !strcmp(argv[1], "--jobs")) {
		jobs = atoi(argv[2]);
		argc -= 2;
		argv += 2;
	}
	first = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	count = argc > 2 ? strtoull(argv[2], NULL, 0) : 20000;
	if (!jobs || !count)
		return 2;
	size = (count + BLOCKS - 1) / BLOCKS;
	printf("1..%llu\n", (unsigned long long)((count + size - 1) / size));
	fflush(stdout);
	for (job = 0; job < jobs; job++)
		if (!fork())
			exit(work(first, count, job, jobs));
	while (wait(&status) > 0)
		failed |= status;
	return !!failed;
}
