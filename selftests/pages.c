// SPDX-License-Identifier: GPL-2.0
/*
 * The pages that an argument lies on: missing, taken away, and held by userfaultfd
 * while others unmap them or the caller is killed. EFAULT, nothing changed, and the
 * same call succeeds once the page is there.
 */

#include "common.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE		4096UL
#define PAGES		8	/* on each side of the edge */
#define SPACE		(2 * PAGES * PAGE)
#define INPUT_PORT	0x60

/* A call, with what lies across the edge: its struct, or what a pointer in it names. */
struct crossing {
	const char *name;
	unsigned long nr;
	unsigned int len;
	bool data;
};

static const struct crossing crossings[] = {
	{ "INFO", PIOTRAP_INFO, sizeof(struct piotrap_info), false },
	{ "CONFIG", PIOTRAP_CONFIG, sizeof(struct piotrap_config), false },
	{ "SET_REGION", PIOTRAP_SET_REGION, sizeof(struct piotrap_region), false },
	{ "SET_REGION, memory", PIOTRAP_SET_REGION, 4 * PAGE, true },
	{ "SET_PORTS", PIOTRAP_SET_PORTS, sizeof(struct piotrap_ports), false },
	{ "QUEUE_INPUT", PIOTRAP_QUEUE_INPUT, sizeof(struct piotrap_input), false },
	{ "QUEUE_INPUT, bytes", PIOTRAP_QUEUE_INPUT, 100, true },
	{ "RUN", PIOTRAP_RUN, sizeof(struct piotrap_run_args), false },
	{ "RUN, stream", PIOTRAP_RUN, 50, true },
	{ "GET_STATE", PIOTRAP_GET_STATE, sizeof(struct piotrap_state), false },
	{ "SET_STATE", PIOTRAP_SET_STATE, sizeof(struct piotrap_state), false },
	{ "KICK", PIOTRAP_KICK, sizeof(struct piotrap_kick), false },
	{ "SET_LOG", PIOTRAP_SET_LOG, sizeof(struct piotrap_log), false },
	{ "SET_LOG, ring", PIOTRAP_SET_LOG, 4 * PAGE, true },
	{ "SET_CPUID", PIOTRAP_SET_CPUID, sizeof(struct piotrap_cpuid), false },
	{ "SET_CPUID, table", PIOTRAP_SET_CPUID, 3 * sizeof(struct piotrap_cpuid_entry),
	  true },
	{ "GET_CPUID", PIOTRAP_GET_CPUID, sizeof(struct piotrap_cpuid), false },
	{ "GET_CPUID, table", PIOTRAP_GET_CPUID, 3 * sizeof(struct piotrap_cpuid_entry),
	  true },
	{ "SET_WATCHES", PIOTRAP_SET_WATCHES, sizeof(struct piotrap_watches), false },
	{ "SET_WATCHES, table", PIOTRAP_SET_WATCHES, 2 * sizeof(struct piotrap_watch),
	  true },
	{ "GET_WATCHES", PIOTRAP_GET_WATCHES, sizeof(struct piotrap_watches), false },
	{ "GET_WATCHES, table", PIOTRAP_GET_WATCHES, 2 * sizeof(struct piotrap_watch),
	  true },
};

#define NR_CROSSINGS	(sizeof(crossings) / sizeof(crossings[0]))

union args {
	__u32 size;
	struct piotrap_info info;
	struct piotrap_config config;
	struct piotrap_region region;
	struct piotrap_ports ports;
	struct piotrap_input input;
	struct piotrap_run_args run;
	struct piotrap_state state;
	struct piotrap_kick kick;
	struct piotrap_log log;
	struct piotrap_cpuid cpuid;
	struct piotrap_watches watches;
};

struct world {
	struct box b;
	uint8_t *near;	/* SPACE bytes; the edge is in the middle */
	uint8_t *data;	/* what a pointer names if it is not across the edge */
	union args arg;
	struct piotrap_state before, after;
};

FIXTURE(pages)
{
	struct world w;
};

static uint8_t *edge_of(const struct world *w)
{
	return w->near + SPACE / 2;
}

static void set_good_watches(struct box *b)
{
	struct piotrap_watch two[2] = {
		{ .first = 0x80, .last = 0x80, .dirs = PIOTRAP_WATCH_READ },
		{ .first = 0x90, .last = 0x90, .dirs = PIOTRAP_WATCH_WRITE },
	};
	struct piotrap_watches w = {
		.size = sizeof(w), .count = 2, .watches = (uintptr_t)two,
	};

	ctl(b, PIOTRAP_SET_WATCHES, &w);
}

static void set_good_cpuid(struct box *b)
{
	struct piotrap_cpuid_entry three[3] = {
		{ .leaf = 0, .eax = 1 }, { .leaf = 1 }, { .leaf = 0x80000000 },
	};
	struct piotrap_cpuid c = {
		.size = sizeof(c), .count = 3, .entries = (uintptr_t)three,
	};

	ctl(b, PIOTRAP_SET_CPUID, &c);
}

FIXTURE_SETUP(pages)
{
	struct world *w = &self->w;

	BOX_SETUP(&w->b);
	w->near = pages(SPACE);
	w->data = pages(4 * PAGE);
	ASSERT_NE(NULL, w->near);
	ASSERT_NE(NULL, w->data);
}

FIXTURE_TEARDOWN(pages)
{
	struct world *w = &self->w;

	munmap(w->near, SPACE);
	munmap(w->data, 4 * PAGE);
	box_close(&w->b);
}

/* As after open, as far as the calls here are concerned. */
static void start_again(struct box *b)
{
	set_region(b, PIOTRAP_REGION_NONE, 0x100000, 4 * PAGE, NULL);
	set_ports(b, PIOTRAP_PORT_INPUT, INPUT_PORT, 1, 0, 0);
	set_log(b, 0, NULL, 0);
	set_good_cpuid(b);
	set_good_watches(b);
	reset_cpu(b);
	run_stream(b, "\x90", 1);
	reset_cpu(b);
}

/* Of its struct: where that is across the edge, it is all of what is. */
static unsigned int size_of(unsigned long nr)
{
	for (unsigned int i = 0; i < NR_CROSSINGS; i++)
		if (crossings[i].nr == nr && !crossings[i].data)
			return crossings[i].len;
	return 0;
}

/* The argument of @c, with @data where it names any; good bytes are put there. */
static void good_arg(struct box *b, const struct crossing *c, union args *a, uint8_t *data)
{
	struct piotrap_cpuid_entry three[3] = {
		{ .leaf = 0, .eax = 1 }, { .leaf = 1 }, { .leaf = 0x80000000 },
	};
	struct piotrap_watch two[2] = {
		{ .first = 0x80, .last = 0x80, .dirs = PIOTRAP_WATCH_READ },
		{ .first = 0x90, .last = 0x90, .dirs = PIOTRAP_WATCH_WRITE },
	};

	memset(a, 0, sizeof(*a));
	switch (c->nr) {
	case PIOTRAP_CONFIG:
		a->config.exit_exceptions = ~0U;
		break;
	case PIOTRAP_SET_REGION:
		a->region.kind = PIOTRAP_REGION_RAM;
		a->region.gpa = 0x100000;
		a->region.len = 4 * PAGE;
		a->region.addr = (uintptr_t)data;
		break;
	case PIOTRAP_SET_PORTS:
		a->ports.kind = PIOTRAP_PORT_LATCH;
		a->ports.first = 0x80;
		a->ports.count = 1;
		break;
	case PIOTRAP_QUEUE_INPUT:
		a->input.port = INPUT_PORT;
		a->input.len = 100;
		a->input.addr = (uintptr_t)data;
		break;
	case PIOTRAP_RUN:
		a->run.flags = PIOTRAP_RUN_STREAM;
		a->run.len = 50;
		a->run.stream = (uintptr_t)data;
		memset(data, 0x90, 50);
		break;
	case PIOTRAP_SET_STATE:
		get_state(b, &a->state);
		break;
	case PIOTRAP_SET_LOG:
		a->log.flags = PIOTRAP_LOG_PORTS;
		a->log.addr = (uintptr_t)data;
		a->log.len = 4 * PAGE;
		break;
	case PIOTRAP_SET_CPUID:
	case PIOTRAP_GET_CPUID:
		a->cpuid.count = 3;
		a->cpuid.entries = (uintptr_t)data;
		memcpy(data, three, sizeof(three));
		break;
	case PIOTRAP_SET_WATCHES:
	case PIOTRAP_GET_WATCHES:
		a->watches.count = 2;
		a->watches.watches = (uintptr_t)data;
		memcpy(data, two, sizeof(two));
		break;
	}
	a->size = size_of(c->nr);
}

/*
 * All that is to be across the edge, with @over bytes after it. Return: the
 * argument's address.
 */
static void *place(struct world *w, const struct crossing *c,
		   unsigned int over)
{
	uint8_t *at = edge_of(w) - (c->len - over);

	good_arg(&w->b, c, &w->arg, c->data ? at : w->data);
	if (c->data)
		return &w->arg;
	memcpy(at, &w->arg, c->len);
	return at;
}

enum bad { NO_ACCESS, UNMAPPED, TRUNCATED, NR_BAD };

static const char *const bad_name[] = { "PROT_NONE", "unmapped", "truncated" };

/* What is after the edge, with what it had in it. */
static void put_edge(uint8_t *edge, const void *was)
{
	mmap(edge, SPACE / 2, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memcpy(edge, was, SPACE / 2);
}

static void take_edge(uint8_t *edge, enum bad bad)
{
	int fd;

	switch (bad) {
	case NO_ACCESS:
		mprotect(edge, SPACE / 2, PROT_NONE);
		break;
	case UNMAPPED:
		munmap(edge, SPACE / 2);
		break;
	default:
		fd = syscall(SYS_memfd_create, "edge", 0);
		mmap(edge, SPACE / 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		     0);
		close(fd);
		break;
	}
}

/* How many bytes are beyond the edge: each number, but in the middle of what is large. */
static unsigned int next_over(const struct crossing *c, unsigned int over)
{
	if (c->len % PAGE == 0)
		return over + PAGE;
	return over < 128 || over + 64 > c->len ? over + 1 : over + 509;
}

TEST_F_TIMEOUT(pages, edge, 300)
{
	struct world *w = &self->w;
	static uint8_t was[SPACE / 2];
	unsigned int calls = 0;

	for (unsigned int i = 0; i < NR_CROSSINGS; i++) {
		const struct crossing *c = &crossings[i];
		unsigned int step = c->len % PAGE ? 1 : PAGE;

		for (unsigned int over = step; over <= c->len; over = next_over(c, over)) {
			for (enum bad bad = 0; bad < NR_BAD; bad++) {
				void *arg;
				int err;

				if (bad != NO_ACCESS && over % 4)
					continue;
				start_again(&w->b);
				arg = place(w, c, over);
				memcpy(was, edge_of(w), sizeof(was));
				ASSERT_EQ(0, get_state(&w->b, &w->before));
				take_edge(edge_of(w), bad);
				err = ctl(&w->b, c->nr, arg);
				ASSERT_EQ(0, get_state(&w->b, &w->after));
				put_edge(edge_of(w), was);
				ASSERT_EQ(-EFAULT, err)
					TH_LOG("%s, %u bytes %s", c->name, over,
					       bad_name[bad]);
				ASSERT_EQ(0, memcmp(&w->before, &w->after,
						    sizeof(w->before)))
					TH_LOG("%s, %u bytes %s", c->name, over,
					       bad_name[bad]);
				/* What the kernel had written before may be a count. */
				arg = place(w, c, over);
				ASSERT_EQ(0, ctl(&w->b, c->nr, arg))
					TH_LOG("%s, %u bytes %s", c->name, over,
					       bad_name[bad]);
				calls++;
			}
		}
	}
	TH_LOG("%u calls refused, and then not", calls);
	EXPECT_LT(1000, calls);
}

/* -- userfaultfd -- */

static int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Nothing is there any more; who looks is held. */
static int uffd_hold(int fd, void *at)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)at, .len = SPACE / 2 },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (madvise(at, SPACE / 2, MADV_DONTNEED))
		return -errno;
	return ioctl(fd, UFFDIO_REGISTER, &reg) ? -errno : 0;
}

struct held_call {
	const struct box *b;
	unsigned long nr;
	void *arg;
	int err;
	bool done;
};

/* Until @h is held; false: it was not. */
static bool uffd_wait(int fd, const struct held_call *h)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct uffd_msg msg;
	int n = 0;

	for (int i = 0; i < 600 && !n; i++) {
		bool done = __atomic_load_n(&h->done, __ATOMIC_ACQUIRE);

		n = poll(&p, 1, done ? 0 : 100);
		if (done)
			break;
	}
	return n == 1 && read(fd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

/* Linux 6.1 does not wait for a page that it is to pin: the call fails at once. */
static bool pins(const struct crossing *c)
{
	return c->len % PAGE == 0;
}

static int uffd_fill(int fd, void *at, void *was)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)at, .src = (uintptr_t)was, .len = SPACE / 2,
	};

	return ioctl(fd, UFFDIO_COPY, &copy) ? -errno : 0;
}

static void uffd_wake(int fd, void *at)
{
	struct uffdio_range range = { .start = (uintptr_t)at, .len = SPACE / 2 };

	ioctl(fd, UFFDIO_WAKE, &range);
}

static void *make_call(void *p)
{
	struct held_call *h = p;

	h->err = ctl(h->b, h->nr, h->arg);
	__atomic_store_n(&h->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Held in the middle of the call; then the page comes, or goes for good. */
TEST_F_TIMEOUT(pages, held, 300)
{
	struct world *w = &self->w;
	static uint8_t was[SPACE / 2] __attribute__((aligned(4096)));
	struct piotrap_info info = { .size = sizeof(info) };
	pthread_t thread;

	for (unsigned int i = 0; i < 2 * NR_CROSSINGS; i++) {
		const struct crossing *c = &crossings[i / 2];
		struct held_call h = { .b = &w->b, .nr = c->nr };
		bool gone = i & 1;
		int fd = uffd_open();

		if (fd < 0)
			SKIP(return, "no userfaultfd");
		start_again(&w->b);
		put_edge(edge_of(w), was);
		h.arg = place(w, c, c->len % PAGE ? c->len / 2 : 2 * PAGE);
		memcpy(was, edge_of(w), sizeof(was));
		ASSERT_EQ(0, uffd_hold(fd, edge_of(w)));
		ASSERT_EQ(0, pthread_create(&thread, NULL, make_call, &h));
		if (!uffd_wait(fd, &h)) {
			pthread_join(thread, NULL);
			EXPECT_TRUE(pins(c)) TH_LOG("%s", c->name);
			EXPECT_EQ(-EFAULT, h.err) TH_LOG("%s", c->name);
			close(fd);
			put_edge(edge_of(w), was);
			continue;
		}
		/* Calls that wait for nobody do not wait for this one. */
		EXPECT_EQ(0, ctl(&w->b, PIOTRAP_INFO, &info)) TH_LOG("%s", c->name);
		if (gone) {
			ASSERT_EQ(0, munmap(edge_of(w), SPACE / 2));
			uffd_wake(fd, edge_of(w));
		} else {
			ASSERT_EQ(0, uffd_fill(fd, edge_of(w), was));
		}
		pthread_join(thread, NULL);
		EXPECT_EQ(gone ? -EFAULT : 0, h.err) TH_LOG("%s", c->name);
		close(fd);
		put_edge(edge_of(w), was);
		if (gone) {
			h.arg = place(w, c, c->len % PAGE ? c->len / 2 : 2 * PAGE);
			EXPECT_EQ(0, ctl(&w->b, c->nr, h.arg)) TH_LOG("%s", c->name);
		}
	}
}

/* In a child: held for ever, which is said through @tell. */
static void hold_for_ever(struct world *w, const struct crossing *c, int tell)
{
	struct held_call h = { .b = &w->b, .nr = c->nr };
	int fd = uffd_open();
	pthread_t thread;

	h.arg = place(w, c, c->len % PAGE ? c->len / 2 : 2 * PAGE);
	if (fd < 0 || uffd_hold(fd, edge_of(w)) ||
	    pthread_create(&thread, NULL, make_call, &h) ||
	    (!uffd_wait(fd, &h) && !(pins(c) && h.err == -EFAULT)) ||
	    write(tell, "", 1) != 1)
		_exit(1);
	/* One that has failed at once waits here instead. */
	while (h.done)
		pause();
	pthread_join(thread, NULL);
	_exit(2);
}

/* Killed there, the owner goes, and another goes on with the sandbox. */
TEST_F_TIMEOUT(pages, held_and_killed, 300)
{
	struct world *w = &self->w;
	int fd = uffd_open();

	if (fd < 0)
		SKIP(return, "no userfaultfd");
	close(fd);
	for (unsigned int i = 0; i < NR_CROSSINGS; i++) {
		const struct crossing *c = &crossings[i];
		int pipes[2], status;
		pid_t pid;
		char byte;

		start_again(&w->b);
		ASSERT_EQ(0, pipe(pipes));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			hold_for_ever(w, c, pipes[1]);
		close(pipes[1]);
		ASSERT_EQ(1, read(pipes[0], &byte, 1)) TH_LOG("%s", c->name);
		close(pipes[0]);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("%s", c->name);
		start_again(&w->b);
		EXPECT_EQ(0, ctl(&w->b, c->nr,
				 place(w, c, c->len % PAGE ? c->len / 2 : 2 * PAGE)))
			TH_LOG("%s", c->name);
	}
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
