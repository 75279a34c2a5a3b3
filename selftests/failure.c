// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each copy from or to the caller that a call makes, failed in
 * turn (fail-nth): a documented errno or exit, nothing changed, nothing leaked, and
 * the same call succeeds afterwards. Needs a kernel with fault injection.
 */

#include "common.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#define PAGE		4096UL
#define DEBUGFS		"/sys/kernel/debug/"
#define SECTIONS	"/sys/module/piotrap/"
#define GROUP		"/sys/fs/cgroup/piotrap-failure"
#define MANY		(64 * PAGE)	/* more pages than one table or batch of 16 */
#define POINTS_MAX	2000

#define FL_IOPL3	0x3000UL
#define CR0_PE		1UL
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)

/* What a call returns that has not run to its end, beside 0 and a negative errno. */
#define STOPPED		1

static int put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

static unsigned long number_in(const char *path)
{
	char text[32] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strtoul(text, NULL, 0);
}

/* The number after @key at the beginning of a line of @path, 0 if there is none. */
static unsigned long field_of(const char *path, const char *key)
{
	unsigned long n = 0;
	char line[256];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			n = strtoul(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return n;
}

/* -- fail-nth -- */

static int nth_fd = -1;

static const char *const attrs[] = { "failslab", "fail_page_alloc", "fail_usercopy" };

static int set_attr(const char *attr, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", attr, name);
	return put_file(path, text);
}

/*
 * What can fail is what the module asks for, and what others ask for on its behalf:
 * its code must be on the stack. If @wide, also what is asked for before and after,
 * which belongs to calls where the kernel does most of the work.
 */
static int inject_where(bool wide)
{
	unsigned long text = number_in(SECTIONS "sections/.text");
	unsigned long end = text + number_in(SECTIONS "coresize");
	char from[32], to[32];

	if (end <= text)
		return -ENOENT;
	snprintf(from, sizeof(from), "%#lx", wide ? 0 : text);
	snprintf(to, sizeof(to), "%#lx", wide ? ~0UL : end);
	for (unsigned int i = 0; i < 3; i++)
		if (set_attr(attrs[i], "require-start", from) ||
		    set_attr(attrs[i], "require-end", to))
			return -ENOENT;
	return 0;
}

static int inject_setup(void)
{
	static const struct {
		const char *name, *text;
	} all[] = {
		{ "ignore-gfp-wait", "N" }, { "ignore-gfp-highmem", "N" },
		{ "min-order", "0" }, { "cache-filter", "N" }, { "verbose", "0" },
	};

	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		return -errno;
	/* Not each attribute has all of them. */
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int j = 0; j < sizeof(all) / sizeof(all[0]); j++)
			set_attr(attrs[i], all[j].name, all[j].text);
	return inject_where(false);
}

static void inject_nth(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	/* What is still due might hit this very call. */
	for (int i = 0; i < 3; i++)
		if (pwrite(nth_fd, text, strlen(text), 0) > 0)
			break;
}

/* Has it failed? Also the end of it. */
static bool injected(void)
{
	char text[16] = "";
	bool hit = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 && text[0] == '0';

	inject_nth(0);
	return hit;
}

/* -- Calls. -- */

struct world {
	struct box b;
	int fd;			/* second sandbox, of the scenario "open" */
	void *page;
	uint8_t *far;		/* MANY bytes, not touched yet */
	int eventfd;
	struct piotrap_state state, before, after;
	struct pollfd polled[64];
	uint8_t big[PIOTRAP_STREAM_MAX];
};

static int call_open(struct world *w)
{
	w->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	return w->fd < 0 ? -errno : 0;
}

static int prepare_mmap(struct world *w)
{
	return call_open(w);
}

static int call_mmap(struct world *w)
{
	/* At a place whose page tables do not exist yet. */
	w->page = mmap((void *)0x123456000000, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED_NOREPLACE, w->fd, 0);
	if (w->page != MAP_FAILED)
		return 0;
	w->page = NULL;
	return -errno;
}

static int prepare_console(struct world *w)
{
	int err = set_ports(&w->b, PIOTRAP_PORT_CONSOLE, 0xe9, 1, 0xe9, 0);

	if (err)
		return err;
	fcntl(w->b.fd, F_SETFL, O_NONBLOCK);
	w->b.run->regs.rax = '*';
	touch(&w->b, PIOTRAP_GROUP_REGS);
	/* out 0xe9, al */
	return STREAM(&w->b, 0xe6, 0xe9);
}

static int call_read(struct world *w)
{
	char c = 0;

	if (read(w->b.fd, &c, 1) != 1)
		return -errno;
	return c == '*' ? 0 : -EPROTO;
}

/* More than the places that poll(2) has without an allocation. */
static int call_poll(struct world *w)
{
	for (unsigned int i = 0; i < 64; i++)
		w->polled[i] = (struct pollfd){ .fd = w->b.fd, .events = POLLIN };
	return poll(w->polled, 64, 0) < 0 ? -errno : 0;
}

static int call_info(struct world *w)
{
	struct piotrap_info i = { .size = sizeof(i) };

	return ctl(&w->b, PIOTRAP_INFO, &i);
}

static int call_config(struct world *w)
{
	return set_config(&w->b, PIOTRAP_CONFIG_NO_BULK, ~0U, true);
}

static int call_ram(struct world *w)
{
	return set_region(&w->b, PIOTRAP_REGION_RAM, 0x100000, MANY, w->far);
}

static int call_rom(struct world *w)
{
	return set_region(&w->b, PIOTRAP_REGION_ROM, 0x100000, MANY, w->far);
}

static int call_no_region(struct world *w)
{
	return set_region(&w->b, PIOTRAP_REGION_NONE, 0x100000, MANY, NULL);
}

static int call_latch(struct world *w)
{
	return set_ports(&w->b, PIOTRAP_PORT_LATCH, 0, 65536, 1, 0);
}

static int call_console(struct world *w)
{
	return set_ports(&w->b, PIOTRAP_PORT_CONSOLE, 0xe9, 1, 0xe9, 0);
}

static int call_eventfd(struct world *w)
{
	struct piotrap_ports p = {
		.size = sizeof(p), .kind = PIOTRAP_PORT_EVENTFD, .first = 0x90,
		.count = 1, .eventfd = w->eventfd,
	};

	return ctl(&w->b, PIOTRAP_SET_PORTS, &p);
}

static int prepare_bpf(struct world *w)
{
	return set_config(&w->b, PIOTRAP_CONFIG_BPF, ~0U, true);
}

static int call_bpf(struct world *w)
{
	return set_ports(&w->b, PIOTRAP_PORT_BPF, 0xb0, 8, 0, 0);
}

static int prepare_input(struct world *w)
{
	return set_ports(&w->b, PIOTRAP_PORT_INPUT, 0x60, 1, 0, 0);
}

static int call_input(struct world *w)
{
	long n = queue_input(&w->b, 0x60, w->big, 100);

	return n == 100 ? 0 : n < 0 ? n : -EPROTO;
}

/* The queue is circular: what is queued now goes in two pieces. */
static int prepare_wrapped(struct world *w)
{
	int err = prepare_input(w);

	for (unsigned int n = 0; !err && n < 65536 - 50; n += 2 * PAGE)
		err = queue_input(&w->b, 0x60, w->b.mem,
				  n + 2 * PAGE > 65536 - 50 ? 65536 - 50 - n :
							      2 * PAGE) < 0;
	/* mov cx, 0xff00; l: in al, 0x60; loop l */
	return err ? -EPROTO : STREAM(&w->b, 0xb9, 0x00, 0xff, 0xe4, 0x60, 0xe2, 0xfc);
}

static int outcome(struct world *w, int err)
{
	if (err)
		return err;
	switch (w->b.run->exit_reason) {
	case PIOTRAP_EXIT_DONE:
		return 0;
	case PIOTRAP_EXIT_BUDGET:
		return w->b.run->budget ? -EPROTO : 0;
	case PIOTRAP_EXIT_MEMORY:
		return STOPPED;
	}
	return -EPROTO;
}

/*
 * A run whose argument is that of a later version: one of the present size is fetched
 * by unsafe_get_user(), which has no point. pages.c takes its page away instead.
 */
static int run_later(const struct box *b)
{
	struct {
		struct piotrap_run_args a;
		uint64_t more;
	} arg = { .a.size = sizeof(arg) };

	return ctl(b, PIOTRAP_RUN, &arg);
}

static int call_run(struct world *w)
{
	w->b.run->budget = 1;
	touch(&w->b, PIOTRAP_GROUP_BUDGET);
	return outcome(w, run_later(&w->b));
}

static int call_stream(struct world *w)
{
	memset(w->big, 0x90, sizeof(w->big));
	return outcome(w, run_stream(&w->b, w->big, sizeof(w->big)));
}

/* What an instruction does to the caller's pages that are not there yet. */
static const struct {
	const char *name;
	uint8_t code[16];
	unsigned int len;
} caller_insns[] = {
	{ "read", { 0x48, 0x8b, 0x07 }, 3 },			/* mov rax, [rdi] */
	{ "write", { 0x48, 0x89, 0x07 }, 3 },			/* mov [rdi], rax */
	{ "lock", { 0xf0, 0x48, 0xff, 0x07 }, 4 },		/* lock inc qword [rdi] */
	{ "cmpxchg16b", { 0xf0, 0x48, 0x0f, 0xc7, 0x0f }, 5 },
	{ "crossing", { 0x48, 0x89, 0x87, 0xfd, 0x0f, 0, 0 }, 7 }, /* mov [rdi+ffdh], rax */
	{ "string", { 0xf3, 0xa4 }, 2 },			/* rep movsb */
	{ "fetch", { 0 }, 0 },		/* add [rax], al: nothing is at address 0 */
};

#define NR_INSNS	(sizeof(caller_insns) / sizeof(caller_insns[0]))

static unsigned int insn;

static int prepare_caller(struct world *w)
{
	struct box *b = &w->b;
	struct piotrap_run *run = b->run;
	struct piotrap_segment *seg = &run->segs.es;
	int err = set_config(b, PIOTRAP_CONFIG_CALLER, ~0U, true);

	if (err)
		return err;
	mprotect(w->far, MANY, PROT_READ | PROT_WRITE | PROT_EXEC);
	memset(&run->regs, 0, sizeof(run->regs));
	run->regs.rflags = FL_FIXED | FL_IOPL3;
	run->regs.rip = (uintptr_t)w->far + MANY / 4;
	run->ctrl.cr0 = CR0_PE | CR0_PG;
	run->ctrl.cr4 = CR4_PAE | CR4_DE;
	run->ctrl.efer = EFER_LME | EFER_LMA;
	for (int i = 0; i < 6; i++)
		seg[i] = (struct piotrap_segment){
			.limit = ~0U, .attr = i == 1 ? 0xa0fb : 0xc0f3,
			.selector = i == 1 ? 0x33 : 0x2b,
		};
	run->regs.rdi = (uintptr_t)w->far;
	run->regs.rsi = (uintptr_t)w->far + MANY / 2;
	run->regs.rcx = 2 * PAGE;
	touch(b, PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS | PIOTRAP_GROUP_CTRL);
	run->budget = 0;
	touch(b, PIOTRAP_GROUP_BUDGET);
	/* The stream is taken without a boundary: the call itself only goes on. */
	if (!caller_insns[insn].len)
		return run_on(b);
	return run_stream(b, caller_insns[insn].code, caller_insns[insn].len);
}

static int call_caller(struct world *w)
{
	int ret;

	w->b.run->budget = PIOTRAP_BUDGET_UNLIMITED;
	touch(&w->b, PIOTRAP_GROUP_BUDGET);
	ret = outcome(w, run_later(&w->b));
	if (ret == STOPPED && !caller_insns[insn].len && !w->b.run->exit_linear)
		return 0;
	return ret;
}

static int call_get_state(struct world *w)
{
	return get_state(&w->b, &w->after);
}

static int prepare_state(struct world *w)
{
	return get_state(&w->b, &w->state);
}

static int call_set_state(struct world *w)
{
	return set_state(&w->b, &w->state);
}

static int call_kick(struct world *w)
{
	return kick(&w->b);
}

static int call_log(struct world *w)
{
	return set_log(&w->b, PIOTRAP_LOG_PORTS, w->far, MANY);
}

static int cpuid_call(struct world *w, unsigned long nr, unsigned int count)
{
	struct piotrap_cpuid c = {
		.size = sizeof(c), .count = count, .entries = (uintptr_t)w->big,
	};

	return ctl(&w->b, nr, &c);
}

static int prepare_cpuid(struct world *w)
{
	memset(w->big, 0, sizeof(w->big));
	return cpuid_call(w, PIOTRAP_SET_CPUID, 1);
}

static int call_set_cpuid(struct world *w)
{
	return cpuid_call(w, PIOTRAP_SET_CPUID, 1);
}

static int call_get_cpuid(struct world *w)
{
	return cpuid_call(w, PIOTRAP_GET_CPUID, 64);
}

static int call_set_watches(struct world *w)
{
	struct piotrap_watch one = {
		.first = 0x80, .last = 0x80, .space = PIOTRAP_WATCH_PORT,
		.dirs = PIOTRAP_WATCH_READ, .when = PIOTRAP_WATCH_AFTER,
	};
	struct piotrap_watches arg = {
		.size = sizeof(arg), .count = 1, .watches = (uintptr_t)&one,
	};

	return ctl(&w->b, PIOTRAP_SET_WATCHES, &arg);
}

static int call_get_watches(struct world *w)
{
	struct piotrap_watch one[4];
	struct piotrap_watches arg = {
		.size = sizeof(arg), .count = 4, .watches = (uintptr_t)one,
	};
	int err = ctl(&w->b, PIOTRAP_GET_WATCHES, &arg);

	return err ? err : arg.count == 1 ? 0 : -EPROTO;
}

struct scenario {
	const char *name;
	unsigned long nr;		/* ioctl; 0: another call, see inject_where() */
	int (*prepare)(struct world *w);
	int (*call)(struct world *w);
};

static const struct scenario scenarios[] = {
	{ "open", 0, NULL, call_open },
	{ "mmap", 0, prepare_mmap, call_mmap },
	{ "read", 0, prepare_console, call_read },
	{ "poll", 0, NULL, call_poll },
	{ "INFO", PIOTRAP_INFO, NULL, call_info },
	{ "CONFIG", PIOTRAP_CONFIG, NULL, call_config },
	{ "SET_REGION RAM", PIOTRAP_SET_REGION, NULL, call_ram },
	{ "SET_REGION ROM", PIOTRAP_SET_REGION, NULL, call_rom },
	{ "SET_REGION NONE", PIOTRAP_SET_REGION, call_ram, call_no_region },
	{ "SET_PORTS latch", PIOTRAP_SET_PORTS, NULL, call_latch },
	{ "SET_PORTS console", PIOTRAP_SET_PORTS, NULL, call_console },
	{ "SET_PORTS eventfd", PIOTRAP_SET_PORTS, NULL, call_eventfd },
	{ "SET_PORTS BPF", PIOTRAP_SET_PORTS, prepare_bpf, call_bpf },
	{ "QUEUE_INPUT", PIOTRAP_QUEUE_INPUT, prepare_input, call_input },
	{ "QUEUE_INPUT wrapped", PIOTRAP_QUEUE_INPUT, prepare_wrapped, call_input },
	{ "RUN", PIOTRAP_RUN, NULL, call_run },
	{ "RUN stream", PIOTRAP_RUN, NULL, call_stream },
	{ "GET_STATE", PIOTRAP_GET_STATE, NULL, call_get_state },
	{ "SET_STATE", PIOTRAP_SET_STATE, prepare_state, call_set_state },
	{ "KICK", PIOTRAP_KICK, NULL, call_kick },
	{ "SET_LOG", PIOTRAP_SET_LOG, NULL, call_log },
	{ "SET_CPUID", PIOTRAP_SET_CPUID, NULL, call_set_cpuid },
	{ "GET_CPUID", PIOTRAP_GET_CPUID, prepare_cpuid, call_get_cpuid },
	{ "SET_WATCHES", PIOTRAP_SET_WATCHES, NULL, call_set_watches },
	{ "GET_WATCHES", PIOTRAP_GET_WATCHES, call_set_watches, call_get_watches },
};

#define NR_SCENARIOS	(sizeof(scenarios) / sizeof(scenarios[0]))

/* -- The sweep. -- */

static struct world world;

static int world_begin(struct world *w, const struct scenario *s)
{
	int err;

	w->fd = -1;
	w->page = NULL;
	w->eventfd = eventfd(0, EFD_CLOEXEC);
	w->far = pages(MANY);
	err = box_open(&w->b);
	return err || !s->prepare ? err : s->prepare(w);
}

static void world_end(struct world *w)
{
	if (w->page)
		munmap(w->page, PIOTRAP_MMAP_SIZE);
	if (w->fd >= 0)
		close(w->fd);
	close(w->eventfd);
	box_close(&w->b);
	munmap(w->far, MANY);
}

static bool clean(int ret)
{
	return ret == -ENOMEM || ret == -EFAULT || ret == STOPPED;
}

/* Points at which @s can fail, or what went wrong as a negative number. */
static int sweep(const struct scenario *s, unsigned int *failed)
{
	struct world *w = &world;
	unsigned int n;
	bool hit;
	int ret;

	*failed = 0;
	/* Once without: what user space and caches lack is there then. */
	ret = world_begin(w, s);
	if (!ret)
		ret = s->call(w);
	world_end(w);
	if (ret)
		return ret < 0 ? ret : -EPROTO;

	ret = inject_where(!s->nr);
	if (ret)
		return ret;
	for (n = 1; n < POINTS_MAX; n++) {
		ret = world_begin(w, s);
		if (ret)
			return ret;
		get_state(&w->b, &w->before);
		inject_nth(n);
		ret = s->call(w);
		hit = injected();
		if (ret) {
			if (!hit || !clean(ret))
				return ret < 0 ? ret : -EPROTO;
			(*failed)++;
			if (ret < 0 && (get_state(&w->b, &w->after) ||
					memcmp(&w->before, &w->after, sizeof(w->before))))
				return -EILSEQ;
			ret = s->call(w);
			if (ret)
				return ret < 0 ? ret : -EPROTO;
		}
		world_end(w);
		if (!hit)
			return n - 1;
	}
	return -ELOOP;
}

/* Pages that the group's kernel memory takes and kmemleak knows nothing of. */
static long other_pages(void)
{
	static const char stat[] = GROUP "/memory.stat";
	long kernel;

	/* What CPUs count is gathered every two seconds. */
	sleep(5);
	kernel = field_of(stat, "kernel ");
	return (kernel - (long)(field_of(stat, "slab ") + field_of(stat, "pagetables ") +
				field_of(stat, "kernel_stack ") + field_of(stat, "percpu "))) /
	       (long)PAGE;
}

static bool group_enter(void)
{
	put_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0700) && errno != EEXIST)
		return false;
	if (put_file(GROUP "/cgroup.procs", "0"))
		return false;
	return !access(GROUP "/memory.stat", R_OK);
}

static void group_leave(void)
{
	put_file("/sys/fs/cgroup/cgroup.procs", "0");
	rmdir(GROUP);
}

static bool known(unsigned long nr)
{
	for (unsigned int i = 0; i < NR_SCENARIOS; i++)
		if (scenarios[i].nr == nr)
			return true;
	return false;
}

FIXTURE(failure)
{
	int fd;
};

FIXTURE_SETUP(failure)
{
	self->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(failure)
{
	close(self->fd);
}

/* The tables above know each call that there is. */
TEST_F(failure, every_call)
{
	unsigned int n = 0;

	for (unsigned long nr = PIOTRAP_INFO; nr < PIOTRAP_INFO + 64; nr++) {
		if (ioctl(self->fd, nr, NULL) < 0 && errno == ENOTTY)
			continue;
		n++;
		EXPECT_TRUE(known(nr)) TH_LOG("no sweep of ioctl %#lx", nr);
	}
	EXPECT_LE(14, n);
}

TEST_F_TIMEOUT(failure, calls, 600)
{
	unsigned long locked = field_of("/proc/self/status", "VmLck:");
	unsigned int total = 0, failed;
	bool grouped;
	long before = 0, after = 0;
	int points;

	if (inject_setup())
		SKIP(return, "no fault injection");
	grouped = group_enter();
	/*
	 * The first round fills what keeps memory for later, and a page of that may be
	 * counted late. What is lost is lost in each round.
	 */
	for (int round = 0; round < 5 && (round < 2 || after > before); round++) {
		if (grouped)
			before = other_pages();
		for (unsigned int i = 0; i < NR_SCENARIOS; i++) {
			points = sweep(&scenarios[i], &failed);
			ASSERT_LT(0, points)
				TH_LOG("%s: %d", scenarios[i].name, points);
			EXPECT_LT(0, failed) TH_LOG("%s", scenarios[i].name);
			EXPECT_EQ(locked, field_of("/proc/self/status", "VmLck:"))
				TH_LOG("%s", scenarios[i].name);
			if (round)
				continue;
			total += points;
			TH_LOG("%-20s %4d points, of which %4u failed the call",
			       scenarios[i].name, points, failed);
		}
		if (grouped)
			after = other_pages();
	}
	TH_LOG("%u points", total);
	if (grouped) {
		EXPECT_GE(before, after);
		TH_LOG("%ld pages of the kernel's before, %ld after", before, after);
		group_leave();
	}
}

/* Pages of the caller's that a run has to bring in. */
TEST_F_TIMEOUT(failure, caller_memory, 600)
{
	static const struct scenario s = {
		"RUN", PIOTRAP_RUN, prepare_caller, call_caller,
	};
	unsigned int failed;
	int points;

	if (inject_setup())
		SKIP(return, "no fault injection");
	for (insn = 0; insn < NR_INSNS; insn++) {
		points = sweep(&s, &failed);
		ASSERT_LT(0, points) TH_LOG("%s: %d", caller_insns[insn].name, points);
		EXPECT_LT(0, failed) TH_LOG("%s", caller_insns[insn].name);
		TH_LOG("RUN, caller's memory, %-12s %4d points, of which %4u stopped it",
		       caller_insns[insn].name, points, failed);
	}
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
