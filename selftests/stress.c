// SPDX-License-Identifier: GPL-2.0
/*
 * Load: many sandboxes on all CPUs, owners that are killed and stopped, and REP with
 * a count that never ends. What is counted must add up; how long things take is
 * printed and never judged. PIOTRAP_STRESS=SECONDS makes each part last that long.
 */

#include "common.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define CONSOLE		0xe9
#define EVENT_PORT	0x90
#define PERIOD		251	/* bytes of the text that is printed again and again */
#define TEXT		0x2000UL
#define SANDBOXES	200
#define POLL_MAX	1024	/* boundaries between two polls, at most */

static unsigned int seconds(void)
{
	const char *s = getenv("PIOTRAP_STRESS");
	int n = s ? atoi(s) : 0;

	return n > 0 ? n : 2;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static unsigned int cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 64 ? 64 : n;
}

static uint64_t rnd(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* -- A guest that prints the text for ever, and counts how often. -- */

/* mov si, TEXT; mov cx, PERIOD; rep outsb; inc ebx; jmp $-10 */
static const uint8_t printer[] = {
	0xbe, 0x00, 0x20, 0xb9, PERIOD, 0x00, 0xf3, 0x6e, 0x66, 0x43, 0xeb, 0xf4,
};

static void load_printer(const struct box *b)
{
	reset_cpu(b);
	memcpy(b->mem + CODE, printer, sizeof(printer));
	for (unsigned int i = 0; i < PERIOD; i++)
		b->mem[TEXT + i] = i;
	b->run->regs.rdx = CONSOLE;
	touch(b, PIOTRAP_GROUP_REGS);
}

/* Bytes that it has printed, by where it stands. */
static uint64_t printed(const struct piotrap_regs *regs)
{
	uint64_t n = (regs->rbx & 0xffffffff) * PERIOD;

	switch (regs->rip) {
	case CODE + 6:
		return n + PERIOD - (regs->rcx & 0xffff);
	case CODE + 8:
		return n + PERIOD;
	default:
		return n;
	}
}

struct printing {
	struct box b;
	bool drop;
	uint64_t got;		/* by its reader */
	uint64_t wrong;		/* bytes that are not what was due */
	uint64_t runs;
	int err;
};

struct worker {
	pthread_t thread;
	struct printing *all;
	unsigned int first, step;
	atomic_bool *stop;
};

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	uint64_t seed = 0x9e3779b97f4a7c15 + w->first;

	while (!atomic_load(w->stop)) {
		for (unsigned int i = w->first; i < SANDBOXES; i += w->step) {
			struct printing *p = &w->all[i];

			p->b.run->budget = 1 + rnd(&seed) % 20000;
			touch(&p->b, PIOTRAP_GROUP_BUDGET);
			p->err = run_on(&p->b);
			if (p->err)
				return NULL;
			p->runs++;
			if (p->b.run->exit_reason != PIOTRAP_EXIT_BUDGET &&
			    p->b.run->exit_reason != PIOTRAP_EXIT_CONSOLE_FULL)
				p->err = -EPROTO;
		}
	}
	return NULL;
}

/* True if there was something. */
static bool drain(struct printing *p)
{
	static __thread uint8_t buf[65536];
	ssize_t n = read(p->b.fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++)
		if (!p->drop && buf[i] != (p->got + i) % PERIOD)
			p->wrong++;
	if (n > 0)
		p->got += n;
	return n > 0;
}

static void *read_worker(void *arg)
{
	struct worker *w = arg;
	struct pollfd fds[SANDBOXES];
	unsigned int n = 0;

	/* Those that drop are not read before the end. */
	for (unsigned int i = w->first; i < SANDBOXES; i += w->step)
		fds[n++] = (struct pollfd){
			.fd = w->all[i].b.fd, .events = w->all[i].drop ? 0 : POLLIN,
		};
	while (!atomic_load(w->stop)) {
		if (poll(fds, n, 10) <= 0)
			continue;
		for (unsigned int i = 0; i < n; i++)
			if (fds[i].revents & POLLIN)
				drain(&w->all[w->first + i * w->step]);
	}
	return NULL;
}

FIXTURE(stress)
{
	int fd;
};

FIXTURE_SETUP(stress)
{
	self->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(stress)
{
	close(self->fd);
}

static int print_for(struct printing *all, unsigned int threads, unsigned int secs)
{
	struct worker runners[128] = { 0 }, readers[2] = { 0 };
	atomic_bool stop = false, stop_readers = false;
	unsigned int n = 0;

	for (unsigned int i = 0; i < threads; i++) {
		runners[i] = (struct worker){ .all = all, .first = i, .step = threads,
					      .stop = &stop };
		if (pthread_create(&runners[i].thread, NULL, run_worker, &runners[i]))
			break;
		n++;
	}
	for (unsigned int i = 0; i < 2; i++) {
		readers[i] = (struct worker){ .all = all, .first = i, .step = 2,
					      .stop = &stop_readers };
		if (pthread_create(&readers[i].thread, NULL, read_worker, &readers[i]))
			abort();
	}
	sleep(secs);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(runners[i].thread, NULL);
	atomic_store(&stop_readers, true);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(readers[i].thread, NULL);
	return n == threads ? 0 : -EAGAIN;
}

/* Each byte arrives, in order, or is counted as dropped. */
TEST_F_TIMEOUT(stress, consoles, 3600)
{
	struct printing *all = calloc(SANDBOXES, sizeof(*all));
	uint64_t total = 0, before, dropped = 0, runs = 0;

	ASSERT_NE(NULL, all);
	for (unsigned int i = 0; i < SANDBOXES; i++) {
		struct printing *p = &all[i];

		p->drop = i % 4 == 3;
		ASSERT_EQ(0, box_open(&p->b)) TH_LOG("sandbox %u", i);
		ASSERT_EQ(0, set_ports(&p->b, PIOTRAP_PORT_CONSOLE, CONSOLE, 1, 0xe9,
				       p->drop ? PIOTRAP_PORTS_DROP : 0));
		ASSERT_EQ(0, fcntl(p->b.fd, F_SETFL, O_NONBLOCK));
		load_printer(&p->b);
	}
	for (unsigned int threads = 1; threads <= 2 * cpus(); threads *= 2) {
		before = total;
		ASSERT_EQ(0, print_for(all, threads, seconds()));
		total = 0;
		for (unsigned int i = 0; i < SANDBOXES; i++)
			total += printed(&all[i].b.run->regs);
		TH_LOG("%u threads on %u CPUs: %llu bytes a second", threads, cpus(),
		       (unsigned long long)((total - before) / seconds()));
	}
	for (unsigned int i = 0; i < SANDBOXES; i++) {
		struct printing *p = &all[i];
		uint64_t n;

		if (p->drop) {
			/* More than its ring has room for. */
			p->b.run->budget = 100000;
			touch(&p->b, PIOTRAP_GROUP_BUDGET);
			EXPECT_EQ(0, run_on(&p->b));
			EXPECT_EXIT(BUDGET, &p->b);
			EXPECT_LT(0, p->b.run->console_dropped) TH_LOG("sandbox %u", i);
		}
		n = printed(&p->b.run->regs);
		while (drain(p))
			;
		EXPECT_EQ(0, p->err) TH_LOG("sandbox %u", i);
		EXPECT_EQ(0, p->wrong) TH_LOG("sandbox %u", i);
		EXPECT_LT(0, p->runs) TH_LOG("sandbox %u", i);
		EXPECT_EQ(n, p->got + p->b.run->console_dropped) TH_LOG("sandbox %u", i);
		EXPECT_TRUE(p->drop || !p->b.run->console_dropped);
		dropped += p->b.run->console_dropped;
		runs += p->runs;
		box_close(&p->b);
	}
	EXPECT_LT(0, total);
	TH_LOG("%llu runs, %llu bytes, of which %llu were dropped and counted",
	       (unsigned long long)runs, (unsigned long long)total,
	       (unsigned long long)dropped);
	free(all);
}

/* -- The access log: a full one stops, so that each access has its record. -- */

struct logger {
	struct box b;
	struct piotrap_log_ring *ring;
	atomic_bool stop;
	uint64_t seen, wrong;
};

static void read_log(struct logger *l, unsigned int nr)
{
	uint64_t head = __atomic_load_n(&l->ring->head, __ATOMIC_ACQUIRE);

	for (; l->seen < head; l->seen++)
		if (l->ring->rec[l->seen % nr].value != (l->seen & 0xff))
			l->wrong++;
	__atomic_store_n(&l->ring->tail, l->seen, __ATOMIC_RELEASE);
}

static void *log_worker(void *arg)
{
	struct logger *l = arg;

	while (!atomic_load(&l->stop))
		read_log(l, 65536 / sizeof(struct piotrap_log_rec) - 1);
	return NULL;
}

TEST_F_TIMEOUT(stress, access_log, 3600)
{
	uint64_t end = now_ns() + seconds() * 1000000000ULL, full = 0, accesses = 0;
	struct logger *l = calloc(1, sizeof(*l));
	struct box *b = &l->b;
	pthread_t thread;

	ASSERT_EQ(0, box_open(b));
	l->ring = pages(65536);
	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, l->ring, 65536));
	/* l: out 0x80, al; inc ax; jmp l */
	PUT(b, 0xe6, 0x80, 0x40, 0xeb, 0xfb);
	ASSERT_EQ(0, pthread_create(&thread, NULL, log_worker, l));
	while (now_ns() < end) {
		b->run->budget = 3000;
		touch(b, PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
		ASSERT_TRUE(b->run->exit_reason == PIOTRAP_EXIT_LOG_FULL ||
			    b->run->exit_reason == PIOTRAP_EXIT_BUDGET);
		full += b->run->exit_reason == PIOTRAP_EXIT_LOG_FULL;
		accesses += b->run->boundaries;
	}
	/* To the beginning of the loop: then each third boundary was an access. */
	while (b->run->regs.rip != CODE) {
		b->run->budget = 1;
		touch(b, PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
		accesses += b->run->boundaries;
	}
	atomic_store(&l->stop, true);
	pthread_join(thread, NULL);
	read_log(l, 65536 / sizeof(struct piotrap_log_rec) - 1);
	EXPECT_EQ(0, l->wrong);
	EXPECT_EQ(0, accesses % 3);
	EXPECT_EQ(accesses / 3, l->seen);
	EXPECT_LT(0, l->seen);
	TH_LOG("%llu records, the log was full %llu times",
	       (unsigned long long)l->seen, (unsigned long long)full);
	box_close(b);
	munmap(l->ring, 65536);
	free(l);
}

/* -- Tracepoints: an event is in the buffer or is counted as lost. -- */

static int put_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

/* Of all CPUs: what is in the buffers, and what was lost from them. */
static void trace_counts(const char *dir, uint64_t *there, uint64_t *lost)
{
	char path[256], line[128];

	*there = 0;
	*lost = 0;
	for (unsigned int cpu = 0; cpu < 256; cpu++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/per_cpu/cpu%u/stats", dir, cpu);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			unsigned long long n;

			if (sscanf(line, "entries: %llu", &n) == 1)
				*there += n;
			else if (sscanf(line, "overrun: %llu", &n) == 1 ||
				 sscanf(line, "dropped events: %llu", &n) == 1)
				*lost += n;
		}
		if (f)
			fclose(f);
	}
}

struct tracer {
	pthread_t thread;
	struct box b;
	uint64_t rounds;
	int err;
};

#define OUTS	1000

static void *trace_worker(void *arg)
{
	struct tracer *t = arg;
	uint64_t end = now_ns() + seconds() * 1000000000ULL;

	do {
		reset_cpu(&t->b);
		t->b.run->regs.rcx = OUTS;
		/* l: out 0x80, al; loop l */
		t->err = STREAM(&t->b, 0xe6, 0x80, 0xe2, 0xfc);
		if (!t->err && t->b.run->exit_reason != PIOTRAP_EXIT_DONE)
			t->err = -EPROTO;
		t->rounds++;
	} while (!t->err && now_ns() < end);
	return NULL;
}

TEST_F_TIMEOUT(stress, trace_buffer, 3600)
{
	static const char root[] = "/sys/kernel/tracing";
	uint64_t there, lost, due = 0;
	struct tracer t[4] = { 0 };
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/instances/piotrap-stress-%d", root, getpid());
	/* The name of each command would be noted by patching the scheduler. */
	put_file(root, "options/record-cmd", "0");
	if (mkdir(dir, 0700))
		SKIP(return, "no instances in tracefs");
	put_file(root, "options/record-cmd", "1");
	if (put_file(dir, "buffer_size_kb", "64") ||
	    put_file(dir, "events/piotrap/piotrap_port_io/enable", "1")) {
		rmdir(dir);
		SKIP(return, "tracefs is locked down");
	}
	for (unsigned int i = 0; i < 4; i++) {
		ASSERT_EQ(0, box_open(&t[i].b));
		ASSERT_EQ(0, pthread_create(&t[i].thread, NULL, trace_worker, &t[i]));
	}
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(t[i].thread, NULL);
		EXPECT_EQ(0, t[i].err);
		due += t[i].rounds * OUTS;
		box_close(&t[i].b);
	}
	EXPECT_EQ(0, put_file(dir, "events/piotrap/piotrap_port_io/enable", "0"));
	trace_counts(dir, &there, &lost);
	EXPECT_EQ(due, there + lost);
	EXPECT_LT(0, lost);
	TH_LOG("%llu events, %llu in the buffers, %llu lost and counted",
	       (unsigned long long)due, (unsigned long long)there,
	       (unsigned long long)lost);
	rmdir(dir);
}

/* -- Owners that are killed. -- */

/* Everything that an owner can be in the middle of. */
static void live(unsigned int what)
{
	static uint8_t ring[65536] __attribute__((aligned(4096)));
	struct piotrap_state st;
	struct box b[3];

	for (;;) {
		for (unsigned int i = 0; i < 3; i++) {
			if (box_open(&b[i]))
				_exit(1);
			set_ports(&b[i], PIOTRAP_PORT_CONSOLE, CONSOLE, 1, 0xe9,
				  PIOTRAP_PORTS_DROP);
			set_ports(&b[i], PIOTRAP_PORT_LATCH, 0, 0x80, 0, 0);
			set_log(&b[i], what & 1 ? PIOTRAP_LOG_STEPS : 0,
				what & 1 ? ring : NULL, what & 1 ? 65536 : 0);
			load_printer(&b[i]);
		}
		if (what & 2 && fork() == 0)
			what &= ~2U;
		for (unsigned int i = 0; i < 3; i++) {
			b[i].run->budget = what & 4 ? PIOTRAP_BUDGET_UNLIMITED : 50000;
			touch(&b[i], PIOTRAP_GROUP_BUDGET);
			run_on(&b[i]);
			get_state(&b[i], &st);
			set_state(&b[i], &st);
			box_close(&b[i]);
		}
	}
}

static long file_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

/* Killed at any moment, an owner leaves nothing behind. */
TEST_F_TIMEOUT(stress, killed, 3600)
{
	static const char refs[] = "/sys/module/piotrap/refcnt";
	uint64_t end = now_ns() + seconds() * 1000000000ULL, seed = 0x2545f4914f6cdd1d;
	long before = file_number(refs);
	unsigned int rounds = 0;
	int status;

	do {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			setpgid(0, 0);
			live(rounds);
		}
		setpgid(pid, pid);
		usleep(rnd(&seed) % 30000);
		/* Its children, too. */
		ASSERT_EQ(0, kill(-pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		ASSERT_EQ(SIGKILL, WTERMSIG(status));
		rounds++;
	} while (now_ns() < end || rounds < 16);
	/* Grandchildren are another's to wait for. */
	for (unsigned int i = 0; i < 1000 && file_number(refs) != before; i++)
		usleep(10000);
	EXPECT_EQ(before, file_number(refs));
	TH_LOG("%u owners killed", rounds);
}

/* -- Owners that are stopped, or frozen. -- */

#define GROUP "/sys/fs/cgroup/piotrap-stress"

/* All that is in the group stands still, or goes on. */
static bool freeze(bool on)
{
	char line[64];

	if (put_file(GROUP, "cgroup.freeze", on ? "1" : "0"))
		return false;
	for (unsigned int i = 0; i < 10000; i++) {
		bool frozen = false;
		FILE *f = fopen(GROUP "/cgroup.events", "re");

		while (f && fgets(line, sizeof(line), f))
			if (!strcmp(line, "frozen 1\n"))
				frozen = true;
		if (f)
			fclose(f);
		if (frozen == on)
			return true;
		usleep(1000);
	}
	return false;
}

static bool group_of(pid_t pid)
{
	char text[16];

	if (mkdir(GROUP, 0700) && errno != EEXIST)
		return false;
	snprintf(text, sizeof(text), "%d", pid);
	return !put_file(GROUP, "cgroup.procs", text) &&
	       !access(GROUP "/cgroup.freeze", W_OK);
}

static bool halt(pid_t pid, bool by_freezer)
{
	int status;

	if (by_freezer)
		return freeze(true);
	return !kill(pid, SIGSTOP) && waitpid(pid, &status, WUNTRACED) == pid &&
	       WIFSTOPPED(status);
}

static bool resume(pid_t pid, bool by_freezer)
{
	return by_freezer ? freeze(false) : !kill(pid, SIGCONT);
}

static void wait_for_exit(const struct box *b, struct piotrap_state *st, int *err)
{
	/* The owner may be on its way to where it stops. */
	for (unsigned int i = 0; i < 1000; i++) {
		*err = get_state(b, st);
		if (*err != -EBUSY)
			return;
		usleep(1000);
	}
}

/*
 * A stopped owner is out of its run, with a consistent state that another process
 * can read; when it goes on, so does the guest, where it was.
 */
TEST_F_TIMEOUT(stress, stopped, 3600)
{
	uint64_t end = now_ns() + seconds() * 1000000000ULL, seed = 0x1234567890abcdef;
	static struct piotrap_state st, again;
	struct printing p = { 0 };
	struct box *b = &p.b;
	unsigned int rounds = 0, frozen = 0;
	bool grouped, by_freezer;
	pid_t pid;
	int status, err;

	ASSERT_EQ(0, box_open(b));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, CONSOLE, 1, 0xe9, 0));
	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	load_printer(b);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (;;) {
			err = run_on(b);
			if (err && err != -EBUSY)
				_exit(1);
			if (!err && b->run->exit_reason != PIOTRAP_EXIT_SIGNAL &&
			    b->run->exit_reason != PIOTRAP_EXIT_CONSOLE_FULL)
				_exit(2);
		}
	}
	grouped = group_of(pid);
	do {
		uint64_t until = p.got + rnd(&seed) % 200000;

		while (p.got < until)
			drain(&p);
		by_freezer = grouped && rounds % 2;
		frozen += by_freezer;
		ASSERT_TRUE(halt(pid, by_freezer)) TH_LOG("by freezer: %d", by_freezer);
		wait_for_exit(b, &st, &err);
		ASSERT_EQ(0, err);
		/* Nothing moves. */
		while (drain(&p))
			;
		ASSERT_EQ(p.got, printed(&st.regs));
		ASSERT_EQ(0, get_state(b, &again));
		ASSERT_EQ(0, memcmp(&st, &again, sizeof(st)));
		ASSERT_EQ(0, p.wrong);
		ASSERT_TRUE(resume(pid, by_freezer));
		rounds++;
	} while (now_ns() < end || rounds < 3);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	rmdir(GROUP);
	TH_LOG("stopped %u times, of which %u by the freezer, %llu bytes", rounds, frozen,
	       (unsigned long long)p.got);
	box_close(b);
}

/* -- REP with a count of 2^64 - 1. -- */

#define PML4		0x8000UL
#define PDPT		0x9000UL
#define PD		0xa000UL
#define PT		0xb000UL
#define PDPT_LOW	0xc000UL
#define PD_LOW		0xd000UL
#define PT_LOW		0xe000UL
#define DATA		0x10000UL
#define ENTRY(table)	((table) | 0x27UL)	/* present, writable, user, accessed */

/*
 * 64-bit mode in which every page of the lower half is the same one, except for the
 * first 512 GiB, which have the code and nothing else.
 */
static void endless(const struct box *b, const uint8_t *code, size_t len)
{
	struct piotrap_run *run = b->run;
	struct piotrap_segment *seg = &run->segs.es;
	uint64_t *at = (uint64_t *)b->mem;

	reset_cpu(b);
	memset(b->mem + PML4, 0, DATA + 4096 - PML4);
	for (unsigned int i = 0; i < 512; i++) {
		at[PML4 / 8 + i] = i < 256 ? ENTRY(PDPT) : 0;
		at[PDPT / 8 + i] = ENTRY(PD);
		at[PD / 8 + i] = ENTRY(PT);
		at[PT / 8 + i] = ENTRY(DATA) | 0x40;
	}
	at[PML4 / 8] = ENTRY(PDPT_LOW);
	at[PDPT_LOW / 8] = ENTRY(PD_LOW);
	at[PD_LOW / 8] = ENTRY(PT_LOW);
	at[PT_LOW / 8 + CODE / 4096] = ENTRY(CODE);
	memcpy(b->mem + CODE, code, len);
	run->ctrl.cr0 = 0x80010001;
	run->ctrl.cr3 = PML4;
	run->ctrl.cr4 = 0x28;		/* PAE, DE */
	run->ctrl.efer = 0x500;		/* LME, LMA */
	for (int i = 0; i < 6; i++)
		seg[i] = (struct piotrap_segment){
			.limit = ~0U, .attr = i == 1 ? 0xa09b : 0xc093,
			.selector = i == 1 ? 0x08 : 0x10,
		};
	run->regs.rcx = ~0ULL;
	run->regs.rsi = 1UL << 39;
	run->regs.rdi = 2UL << 39;
	run->regs.rdx = CONSOLE;
	touch(b, PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS | PIOTRAP_GROUP_CTRL);
}

static const struct {
	const char *name;
	uint8_t code[3];
	unsigned int len;
} reps[] = {
	{ "rep outsb", { 0xf3, 0x6e }, 2 },
	{ "rep outsd", { 0xf3, 0x6f }, 2 },
	{ "rep insb", { 0xf3, 0x6c }, 2 },
	{ "rep movsb", { 0xf3, 0xa4 }, 2 },
	{ "rep movsq", { 0xf3, 0x48, 0xa5 }, 3 },
	{ "rep stosb", { 0xf3, 0xaa }, 2 },
	{ "rep stosq", { 0xf3, 0x48, 0xab }, 3 },
	{ "rep lodsb", { 0xf3, 0xac }, 2 },
	{ "repe scasb", { 0xf3, 0xae }, 2 },
	{ "repe cmpsb", { 0xf3, 0xa6 }, 2 },
	{ "rep nop", { 0xf3, 0x90 }, 2 },
};

#define NR_REPS	(sizeof(reps) / sizeof(reps[0]))

/* It ends after as many iterations as it was given, to the iteration. */
TEST_F_TIMEOUT(stress, endless_rep_budget, 600)
{
	static const uint64_t budgets[] = { 1, 1023, 1024, 1025, 4097, 20001 };
	struct box box, *b = &box;

	ASSERT_EQ(0, box_open(b));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, CONSOLE, 4, 0xe9,
			       PIOTRAP_PORTS_DROP));
	for (unsigned int bulk = 0; bulk < 2; bulk++) {
		ASSERT_EQ(0, set_config(b, bulk ? 0 : PIOTRAP_CONFIG_NO_BULK, ~0U, true));
		for (unsigned int i = 0; i < NR_REPS - 1; i++) {
			for (unsigned int j = 0; j < 6; j++) {
				endless(b, reps[i].code, reps[i].len);
				b->run->budget = budgets[j];
				ASSERT_EQ(0, run_on(b));
				ASSERT_EXIT(BUDGET, b) TH_LOG("%s", reps[i].name);
				ASSERT_EQ(budgets[j], b->run->boundaries)
					TH_LOG("%s", reps[i].name);
				ASSERT_EQ(~0ULL - budgets[j], b->run->regs.rcx)
					TH_LOG("%s", reps[i].name);
				ASSERT_EQ(CODE, b->run->regs.rip);
			}
		}
	}
	/* What is to end at once does nothing. */
	for (unsigned int i = 0; i < NR_REPS; i++) {
		endless(b, reps[i].code, reps[i].len);
		b->run->immediate_exit = 1;
		ASSERT_EQ(0, run_on(b));
		b->run->immediate_exit = 0;
		ASSERT_EXIT(IMMEDIATE, b) TH_LOG("%s", reps[i].name);
		ASSERT_EQ(0, b->run->boundaries);
		endless(b, reps[i].code, reps[i].len);
		ASSERT_EQ(0, kick(b));
		ASSERT_EQ(0, run_on(b));
		ASSERT_EXIT(IMMEDIATE, b) TH_LOG("%s", reps[i].name);
		ASSERT_EQ(0, b->run->boundaries);
	}
	box_close(b);
}

enum how { BY_SIGNAL, BY_IMMEDIATE_EXIT, BY_KICK, NR_HOWS };

struct endless_run {
	pthread_t thread;
	struct box b;
	atomic_int started, ended;
	int err;
};

static void on_signal(int sig)
{
	(void)sig;
}

static void *endless_worker(void *arg)
{
	struct endless_run *r = arg;

	atomic_store(&r->started, 1);
	r->err = run_on(&r->b);
	atomic_store(&r->ended, 1);
	return NULL;
}

/*
 * Told to end while it is under way: how far it had come is known from what it
 * prints or signals, read after it was told. From then on it may go no further than
 * to its next poll.
 */
static void end_it(struct endless_run *r, enum how how)
{
	switch (how) {
	case BY_SIGNAL:
		pthread_kill(r->thread, SIGUSR1);
		break;
	case BY_IMMEDIATE_EXIT:
		__atomic_store_n(&r->b.run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		break;
	default:
		kick(&r->b);
		break;
	}
}

/* Elements that have been signalled since the last call. */
static uint64_t signalled(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

TEST_F_TIMEOUT(stress, endless_rep_ended, 600)
{
	static const char *const hows[] = { "a signal", "immediate_exit", "a kick" };
	struct sigaction sa = { .sa_handler = on_signal };
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t worst[NR_HOWS] = { 0 };

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	for (unsigned int round = 0; round < 30 * NR_HOWS; round++) {
		struct endless_run r = { 0 };
		enum how how = round % NR_HOWS;
		struct piotrap_ports p = {
			.size = sizeof(p), .kind = PIOTRAP_PORT_EVENTFD,
			.first = EVENT_PORT, .count = 1, .eventfd = event,
		};
		uint64_t told, done, seen = 0;

		signalled(event);
		ASSERT_EQ(0, box_open(&r.b));
		ASSERT_EQ(0, ctl(&r.b, PIOTRAP_SET_PORTS, &p));
		endless(&r.b, reps[0].code, reps[0].len);
		r.b.run->regs.rdx = EVENT_PORT;
		ASSERT_EQ(0, pthread_create(&r.thread, NULL, endless_worker, &r));
		while (!seen)
			seen = signalled(event);
		end_it(&r, how);
		told = seen + signalled(event);
		pthread_join(r.thread, NULL);
		ASSERT_EQ(0, r.err);
		ASSERT_EQ(how == BY_SIGNAL ? PIOTRAP_EXIT_SIGNAL : PIOTRAP_EXIT_IMMEDIATE,
			  r.b.run->exit_reason);
		done = ~0ULL - r.b.run->regs.rcx;
		EXPECT_EQ(done, r.b.run->boundaries);
		EXPECT_EQ(done, told + signalled(event));
		EXPECT_LE(done - told, POLL_MAX) TH_LOG("%s", hows[how]);
		if (done - told > worst[how])
			worst[how] = done - told;
		box_close(&r.b);
	}
	for (unsigned int how = 0; how < NR_HOWS; how++)
		TH_LOG("after %s: at most %llu iterations more", hows[how],
		       (unsigned long long)worst[how]);
	close(event);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
