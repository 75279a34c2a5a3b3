// SPDX-License-Identifier: GPL-2.0
/*
 * Run guest loops in one engine and say how long each took.
 *
 * usage: ENGINE [--profile | --count] IMAGE JOB...
 *	JOB is LOOP[-ELEMENTS][+OPTION]...:COUNT, as in outsb-4096+far:100; options:
 *	far	breakpoints that never match, on other pages
 *	near	likewise, on the loop's
 *	log	each step to the owner's log
 *	read	what the console has is read by a system call, and so is what comes in
 *
 * A line for each job: name, iterations, instructions, nanoseconds of CPU time,
 * EAX, hash of memory, exits to the host. "-" for a job that the engine cannot do.
 *
 * --profile: run each once before it counts, and have callgrind write a dump
 * --count: count instructions, where the engine can do so only slowly
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name)	((void)(name))
#endif

/* An entry of the image's table. */
struct entry {
	char name[12];
	uint32_t entry;
	uint32_t size;
};

static bool profile;

void fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static uint64_t cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

uint64_t bench_start(void)
{
	CALLGRIND_ZERO_STATS;
	return cpu_time();
}

uint64_t bench_stop(uint64_t start, const char *name)
{
	uint64_t now = cpu_time();

	if (profile)
		CALLGRIND_DUMP_STATS_AT(name);
	return now - start;
}

/*
 * The module's read(2) is one copy out of the ring. What comes nearest is a file in
 * the page cache; memory of tmpfs is looked up page by page, at the price of a copy.
 */
void bench_drain(void *to, unsigned int len)
{
	static uint8_t from[0x10000];
	static int fd = -1;
	unsigned int i;
	FILE *f;

	if (fd < 0) {
		for (i = 0; i < sizeof(from); i++)
			from[i] = INPUT_BYTE(i);
		f = tmpfile();
		fd = f ? fileno(f) : -1;
		if (fd < 0 || write(fd, from, sizeof(from)) != sizeof(from))
			fatal("no temporary file");
	}
	if (pread(fd, to, len, 0) != (ssize_t)len)
		fatal("short read");
}

static void load_image(uint8_t *mem, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		fatal("%s: cannot be opened", path);
	n = fread(mem + GUEST_IMAGE, 1, GUEST_SRC - GUEST_IMAGE, f);
	fclose(f);
	if (n < sizeof(struct entry))
		fatal("%s: no image", path);
}

/* Memory as a loop finds it; the image is fresh. */
static void prepare(uint8_t *mem, const char *image)
{
	unsigned int i;

	memset(mem + GUEST_LOW, 0, GUEST_SIZE - GUEST_LOW);
	load_image(mem, image);
	for (i = 0; i < GUEST_BUF; i++)
		mem[GUEST_SRC + i] = i * 7 + (i >> 8) + 3;
	mem[GUEST_HLT] = 0xf4;
}

static const struct entry *find_loop(const uint8_t *mem, const char *name,
				     size_t len)
{
	const struct entry *e = (const struct entry *)(mem + GUEST_IMAGE);

	for (; e->name[0]; e++)
		if (len < sizeof(e->name) && !e->name[len] &&
		    !strncmp(e->name, name, len))
			return e;
	return NULL;
}

static void parse_option(struct job *job, const char *opt, size_t len)
{
	if (len == 3 && !strncmp(opt, "far", len))
		job->armed = ARMED_FAR;
	else if (len == 4 && !strncmp(opt, "near", len))
		job->armed = ARMED_NEAR;
	else if (len == 3 && !strncmp(opt, "log", len))
		job->log = true;
	else if (len == 4 && !strncmp(opt, "read", len))
		job->drain = true;
	else
		fatal("%s: no such option", opt);
}

static uint16_t port_of(const struct entry *e)
{
	if (!strcmp(e->name, "in"))
		return PORT_STATUS;
	if (!strncmp(e->name, "out", 3))
		return PORT_CONSOLE;
	return strncmp(e->name, "ins", 3) ? 0 : PORT_INPUT;
}

/* The loop's name may have a '-' itself; what follows the last is a number. */
static void parse_job(const uint8_t *mem, const char *arg, struct job *job)
{
	const char *colon = strrchr(arg, ':'), *end, *p;
	const struct entry *e = NULL;
	size_t len;

	memset(job, 0, sizeof(*job));
	if (!colon || colon - arg >= (int)sizeof(job->name))
		fatal("%s: not LOOP:COUNT", arg);
	memcpy(job->name, arg, colon - arg);
	job->count = strtoul(colon + 1, NULL, 0);
	if (!job->count)
		fatal("%s: count is zero", arg);

	len = strcspn(job->name, "+");
	for (p = job->name + len; *p; p = end) {
		end = p + 1 + strcspn(p + 1, "+");
		parse_option(job, p + 1, end - p - 1);
	}
	for (p = job->name; p < job->name + len; p++)
		if (*p == '-' && p[1] >= '0' && p[1] <= '9') {
			job->elems = strtoul(p + 1, NULL, 10);
			len = p - job->name;
		}
	e = find_loop(mem, job->name, len);
	if (!e)
		fatal("%s: no such loop", arg);
	job->entry = e->entry;
	job->size = e->size;
	job->port = port_of(e);
	if (!job->size != !job->elems ||
	    (uint64_t)job->elems * job->size > GUEST_BUF)
		fatal("%s: wrong number of elements", arg);
}

/* All of it but the stack, where an interrupted loop leaves what it likes. */
static uint32_t memory_hash(const uint8_t *mem)
{
	uint32_t i, h = 2166136261U;

	for (i = GUEST_SRC; i < GUEST_DST + GUEST_BUF; i++)
		h = (h ^ mem[i]) * 16777619;
	return h;
}

int main(int argc, char **argv)
{
	bool counting = false;
	const char *image;
	struct outcome out;
	struct job job;
	uint8_t *mem;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--profile"))
			profile = true;
		else if (!strcmp(argv[i], "--count"))
			counting = true;
		else
			break;
	}
	if (argc - i < 1 || argv[i][0] == '-') {
		fprintf(stderr, "usage: %s [--profile | --count] IMAGE JOB...\n",
			argv[0]);
		return 2;
	}
	mem = engine_open(counting);
	printf("# %s\n", engine_name());
	image = argv[i++];
	for (; i < argc; i++) {
		prepare(mem, image);
		parse_job(mem, argv[i], &job);
		if (!engine_can(&job)) {
			printf("%s -\n", job.name);
			continue;
		}
		if (profile) {
			engine_run(&job, &out);
			prepare(mem, image);
		}
		engine_run(&job, &out);
		printf("%s %u %llu %llu %x %x %llu\n", job.name, job.count,
		       (unsigned long long)out.insns, (unsigned long long)out.ns,
		       out.result, memory_hash(mem),
		       (unsigned long long)out.exits);
		fflush(stdout);
	}
	return 0;
}
