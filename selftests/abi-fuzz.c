// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of every call, from three threads that share a sandbox while the
 * run page, its memory and its arguments change under them; mmap, read, poll, close
 * and fork in between. The table of common-abi.h says what makes sense, and each
 * value may be another one. Calls return 0 or a documented errno, every run ends,
 * and the process comes to its end; the kernel's log is looked at from outside.
 *
 * usage: abi-fuzz [--seed N] [--rounds N]    each round is a process of its own
 *        abi-fuzz --list                     what the table names
 *        abi-fuzz --syzlang                  it as a description for syzkaller
 *
 * What a thread asks for depends on the seed alone; how threads meet does not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common-abi.h"
#include "kselftest.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define THREADS		3
#define STEPS		300
#define MEM		0x20000UL
#define SCRATCH		0x4000UL

/* What a round's threads share. */
struct box {
	_Atomic int fd;
	_Atomic unsigned int left;	/* threads that have not ended */
	struct piotrap_run *page;
	uint8_t *mem;
	uint8_t *scratch;		/* followed by a page that is not there */
	int eventfd;
};

/* What parent and rounds share. */
struct tally {
	_Atomic unsigned long calls;
	_Atomic unsigned long done[COUNT(abi_calls)];	/* that returned 0 */
	_Atomic unsigned long reason[64];
	_Atomic int bad_errno;
	_Atomic int bad_call;
};

struct worker {
	struct box *b;
	uint64_t seed;
};

static struct tally *tally;

static uint64_t rnd(struct worker *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

static uint64_t border(struct worker *w)
{
	static const uint64_t v[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7fffffffffff, 0x800000000000, 1ULL << 52, 1ULL << 63, ~0ULL,
	};

	return rnd(w) & 3 ? v[rnd(w) % COUNT(v)] : rnd(w);
}

static uint64_t any_flags(struct worker *w, const char *names)
{
	uint64_t set = 0;
	unsigned int n;

	for (n = 0; n < COUNT(abi_flags); n++)
		if (!strncmp(abi_flags[n].name, names, strlen(names)) &&
		    !(rnd(w) & 3))
			set |= abi_flags[n].value;
	return set;
}

static unsigned int find_struct(const char *name)
{
	unsigned int n;

	for (n = 0; n < COUNT(abi_structs); n++)
		if (!strcmp(abi_structs[n].name, name))
			return n;
	abort();
}

static uint64_t any_address(struct worker *w)
{
	const struct box *b = w->b;

	switch (rnd(w) % 12) {
	case 0:
		return border(w);
	case 1:
		return (uintptr_t)b->scratch + SCRATCH - rnd(w) % 64;
	case 2:
		return (uintptr_t)b->page + rnd(w) % PIOTRAP_MMAP_SIZE;
	case 3:
		return (uintptr_t)b->mem + rnd(w) % MEM;
	default:
		return (uintptr_t)b->scratch + rnd(w) % 0x800;
	}
}

static void put(uint8_t *p, uint64_t val, size_t size)
{
	memcpy(p, &val, size < 8 ? size : 8);
}

static void fill(struct worker *w, const struct abi_struct *s, uint8_t *p,
		 unsigned int odd);

/* One in @odd values is any. */
static void fill_field(struct worker *w, const struct abi_struct *s,
		       const struct abi_field *f, uint8_t *p, unsigned int odd)
{
	const struct abi_struct *sub;
	uint64_t val, span;
	size_t n, step;

	if (f->kind == ABI_STRUCT) {
		sub = &abi_structs[find_struct(f->arg)];
		for (n = 0; n < f->hi; n++)
			fill(w, sub, p + n * sub->size, odd);
		return;
	}
	/* Arrays by elements as wide as may be. */
	step = f->size > 8 || f->size & (f->size - 1) ? 1 : f->size;
	for (n = 0; n < f->size; n += step) {
		span = f->hi - f->lo + 1;
		val = f->lo + (span ? rnd(w) % span : border(w));
		switch (f->kind) {
		case ABI_SIZE:
			val = s->size;
			break;
		case ABI_FLAGS:
			val = any_flags(w, f->arg);
			break;
		case ABI_PAGES:
			val &= ~0xfffULL;
			break;
		case ABI_FD:
			val = rnd(w) & 1 ? w->b->eventfd : 0;
			break;
		case ABI_ADDR:
			val = any_address(w);
			break;
		case ABI_MEMORY:
			val = rnd(w) & 3 ? (uintptr_t)w->b->mem +
					   (rnd(w) % 32 << 12) : 0;
			break;
		case ABI_ZERO:
		case ABI_OUT:
			val = 0;
			break;
		default:
			break;
		}
		if (!(rnd(w) % odd))
			val = border(w);
		put(p + n, val, step);
	}
}

static void fill(struct worker *w, const struct abi_struct *s, uint8_t *p,
		 unsigned int odd)
{
	unsigned int n;

	for (n = 0; n < s->nr; n++)
		fill_field(w, s, &s->field[n], p + s->field[n].off, odd);
}

/* Values of one group of the run page, and then most often a sensible budget. */
static void change_page(struct worker *w)
{
	const struct abi_struct *s = &abi_structs[ABI_run];
	const struct abi_field *f = &s->field[rnd(w) % s->nr];
	struct piotrap_run *page = w->b->page;

	fill_field(w, s, f, (uint8_t *)page + f->off, 16);
	if (rnd(w) % 8)
		page->segs.cs.base = 0;
	if (rnd(w) % 8)
		page->budget = rnd(w) % 2000;
	page->regs.rip &= 0xffff;
	page->dirty = any_flags(w, "PIOTRAP_GROUP_") | PIOTRAP_GROUP_BUDGET;
}

static bool documented(int err)
{
	static const int known[] = {
		ENOTTY, EFAULT, EINVAL, E2BIG, EBUSY, ENOMEM, EINTR, ENOENT, EEXIST,
		EPERM, EBADF, ENOSPC,
	};
	unsigned int n;

	for (n = 0; n < COUNT(known); n++)
		if (err == known[n])
			return true;
	return false;
}

static void call(struct worker *w, unsigned int n)
{
	const struct abi_call *c = &abi_calls[n];
	const struct abi_struct *s = &abi_structs[c->arg];
	const struct abi_struct *entry;
	union {
		struct piotrap_state state;
		struct piotrap_ports ports;
		uint8_t bytes[sizeof(struct piotrap_state) + 64];
	} arg = {};
	const struct abi_field *f;
	void *p = &arg;
	unsigned int k;

	if (c->nr == PIOTRAP_SET_STATE && rnd(w) % 8) {
		/* What it is, but for a field. */
		arg.state.size = sizeof(arg.state);
		if (ioctl(w->b->fd, PIOTRAP_GET_STATE, &arg))
			return;
		f = &s->field[rnd(w) % s->nr];
		fill_field(w, s, f, arg.bytes + f->off, 32);
	} else {
		fill(w, s, arg.bytes, 32);
	}
	/* A kind takes few of the other fields. */
	if (c->nr == PIOTRAP_SET_PORTS && rnd(w) & 3) {
		arg.ports.flags = 0;
		arg.ports.init = 0;
		arg.ports.eventfd = 0;
		arg.ports.match = 0;
		arg.ports.mask = 0;
	}
	/* Something to point to. */
	for (k = 0; k < s->nr; k++) {
		f = &s->field[k];
		if (f->kind != ABI_ADDR || !f->arg)
			continue;
		entry = &abi_structs[find_struct(f->arg)];
		fill(w, entry, w->b->scratch, 64);
		if (rnd(w) & 1)
			put(arg.bytes + f->off, (uintptr_t)w->b->scratch, 8);
	}
	/* Now and then where another thread writes, or nobody may read. */
	if (!(rnd(w) % 16))
		p = (void *)(uintptr_t)any_address(w);
	tally->calls++;
	if (!ioctl(w->b->fd, c->nr, p)) {
		tally->done[n]++;
		if (c->nr == PIOTRAP_RUN)
			tally->reason[w->b->page->exit_reason % 64]++;
	} else if (!documented(errno)) {
		tally->bad_errno = errno;
		tally->bad_call = n;
	}
}

static void open_box(struct box *b)
{
	b->fd = open("/dev/piotrap", O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

/* What is not an ioctl of the table. */
static void other(struct worker *w)
{
	struct box *b = w->b;
	struct pollfd pfd = { .fd = b->fd, .events = POLLIN };
	uint8_t buf[256];
	pid_t child;
	void *p;
	int fd;

	switch (rnd(w) % 10) {
	case 0:
		p = mmap(NULL, rnd(w) % 3 * 4096 + 4096, rnd(w) & 3,
			 rnd(w) & 1 ? MAP_SHARED : MAP_PRIVATE, b->fd, 0);
		if (p != MAP_FAILED)
			munmap(p, PIOTRAP_MMAP_SIZE);
		break;
	case 1:
		if (read(b->fd, buf, rnd(w) % sizeof(buf)) < 0)
			tally->bad_errno = errno == EAGAIN || errno == EBADF ?
					   tally->bad_errno : errno;
		break;
	case 2:
		poll(&pfd, 1, 0);
		break;
	case 3:
		/* Another sandbox takes its place under the others' hands. */
		fd = open("/dev/piotrap", O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && dup3(fd, b->fd, O_CLOEXEC) >= 0)
			close(fd);
		break;
	case 4:
		child = fork();
		if (!child) {
			call(w, rnd(w) % COUNT(abi_calls));
			_exit(0);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
		break;
	case 5:
		madvise(b->mem + (rnd(w) % 32 << 12), 4096, MADV_DONTNEED);
		break;
	case 6:
		mprotect(b->mem + (rnd(w) % 32 << 12), 4096,
			 rnd(w) & 1 ? PROT_READ | PROT_WRITE : PROT_READ);
		break;
	case 7:
		tally->calls++;
		if (!ioctl(b->fd, _IO(PIOTRAP_IOC_MAGIC, COUNT(abi_calls) +
				      rnd(w) % 32), buf))
			tally->bad_errno = -1;
		break;
	default:
		b->page->immediate_exit = rnd(w) & 1;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int n, k;

	for (n = 0; n < STEPS; n++) {
		switch (rnd(w) % 8) {
		case 0:
			other(w);
			break;
		case 1:
		case 2:
			change_page(w);
			break;
		case 3:
			/* Code and stream. The page may be read-only by now. */
			for (k = 0; k < 16; k++)
				w->b->scratch[rnd(w) % 0x800] = rnd(w);
			break;
		default:
			call(w, rnd(w) % 3 ? rnd(w) % COUNT(abi_calls) : 5);
		}
	}
	w->b->left--;
	return NULL;
}

static int round_of(uint64_t seed)
{
	struct piotrap_kick kick = { .size = sizeof(kick) };
	struct worker w[THREADS];
	pthread_t thread[THREADS];
	struct box b = { .left = THREADS };
	unsigned int n;

	open_box(&b);
	b.eventfd = eventfd(0, EFD_NONBLOCK);
	b.page = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      b.fd, 0);
	b.mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	b.scratch = mmap(NULL, SCRATCH + 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b.fd < 0 || b.page == MAP_FAILED || b.mem == MAP_FAILED ||
	    b.scratch == MAP_FAILED ||
	    munmap(b.scratch + SCRATCH, 4096))
		return 1;
	for (n = 0; n < THREADS; n++) {
		w[n] = (struct worker){ &b, (seed * THREADS + n + 1) *
					    0x9e3779b97f4a7c15ULL };
		if (pthread_create(&thread[n], NULL, work, &w[n]))
			return 1;
	}
	/* A run that has no end of its own. */
	while (b.left) {
		usleep(5000);
		ioctl(b.fd, PIOTRAP_KICK, &kick);
	}
	for (n = 0; n < THREADS; n++)
		pthread_join(thread[n], NULL);
	return 0;
}

/* A new sandbox does what it should, after all that. */
static bool still_works(void)
{
	static const uint8_t code[] = { 0xe6, 0x80, 0xe4, 0x80 };
	struct piotrap_ports ports = {
		.size = sizeof(ports), .kind = PIOTRAP_PORT_LATCH, .first = 0x80,
		.count = 1,
	};
	struct piotrap_run_args run = {
		.size = sizeof(run), .flags = PIOTRAP_RUN_STREAM,
		.stream = (uintptr_t)code, .len = sizeof(code),
	};
	struct piotrap_run *page;
	int fd = open("/dev/piotrap", O_RDWR);
	bool ok;

	page = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return false;
	page->regs.rax = 0x5a;
	page->dirty = PIOTRAP_GROUP_REGS;
	ok = !ioctl(fd, PIOTRAP_SET_PORTS, &ports) && !ioctl(fd, PIOTRAP_RUN, &run) &&
	     page->exit_reason == PIOTRAP_EXIT_DONE && page->regs.rax == 0x5a;
	close(fd);
	return ok;
}

static void list(void)
{
	unsigned int n, k;

	for (n = 0; n < COUNT(abi_calls); n++)
		printf("call %s\n", abi_calls[n].name);
	for (n = 0; n < COUNT(abi_flags); n++)
		printf("flag %s\n", abi_flags[n].name);
	for (n = 0; n < COUNT(abi_structs); n++)
		for (k = 0; k < abi_structs[n].nr; k++)
			printf("field piotrap_%s %s\n", abi_structs[n].name,
			       abi_structs[n].field[k].name);
}

/* The description for syzkaller. */

static void syz_type(const struct abi_field *f)
{
	unsigned int bits = f->size == 1 || f->size == 2 || f->size == 4 ? 8 * f->size :
			    64;
	bool array = f->size > 8 || f->size & (f->size - 1);
	const char *end = "\n";

	if (f->kind == ABI_STRUCT && f->hi > 1) {
		printf("array[piotrap_%s, %u]\n", f->arg, (unsigned int)f->hi);
		return;
	}
	if (f->kind == ABI_STRUCT) {
		printf("piotrap_%s\n", f->arg);
		return;
	}
	if (array) {
		printf("array[");
		bits = f->size % 8 || f->kind == ABI_ZERO ? 8 : 64;
	}
	switch (f->kind) {
	case ABI_SIZE:
		printf("bytesize[parent, int%u]", bits);
		break;
	case ABI_FLAGS:
		printf("flags[%s, int%u]", f->arg, bits);
		break;
	case ABI_FD:
		printf("fd_event[opt]");
		break;
	case ABI_ADDR:
		if (f->arg)
			printf("ptr64[inout, array[piotrap_%s, 0:%u]]", f->arg,
			       (unsigned int)f->hi);
		else
			printf("ptr64[in, array[int8, 0:%u]]", (unsigned int)f->hi);
		break;
	case ABI_MEMORY:
		printf("vma64[opt]");
		break;
	case ABI_PAGES:
		printf("int%u[0x%llx:0x%llx, 0x1000]", bits,
		       (unsigned long long)f->lo, (unsigned long long)f->hi);
		break;
	case ABI_ZERO:
	case ABI_OUT:
		printf("const[0, int%u]", bits);
		break;
	default:
		if (f->hi == ABI_ALL)
			printf("int%u", bits);
		else
			printf("int%u[0x%llx:0x%llx]", bits, (unsigned long long)f->lo,
			       (unsigned long long)f->hi);
	}
	if (array)
		printf(", %u]", f->size / (bits / 8));
	printf("%s", end);
}

static void syz_flags(const char *names)
{
	const char *comma = "";
	unsigned int n;

	printf("%s = ", names);
	for (n = 0; n < COUNT(abi_flags); n++) {
		if (strncmp(abi_flags[n].name, names, strlen(names)))
			continue;
		printf("%s%s", comma, abi_flags[n].name);
		comma = ", ";
	}
	printf("\n");
}

static void syzlang(void)
{
	const struct abi_field *f;
	unsigned int n, k;

	printf("# Made by selftests/abi-fuzz --syzlang from selftests/common-abi.h.\n\n"
	       "include <uapi/linux/fcntl.h>\ninclude <linux/piotrap.h>\n\n"
	       "resource fd_piotrap[fd]\n\n"
	       "openat$piotrap(fd const[AT_FDCWD], file ptr[in, string[\"/dev/piotrap\"]], flags flags[open_flags], mode const[0]) fd_piotrap\n"
	       "mmap$piotrap(addr vma, len const[PIOTRAP_MMAP_SIZE], prot flags[mmap_prot], flags const[MAP_SHARED], fd fd_piotrap, offset const[0])\n");
	for (n = 0; n < COUNT(abi_calls); n++)
		printf("ioctl$%s(fd fd_piotrap, cmd const[%s], arg ptr[inout, piotrap_%s])\n",
		       abi_calls[n].name, abi_calls[n].name,
		       abi_structs[abi_calls[n].arg].name);
	for (n = 0; n < COUNT(abi_structs); n++) {
		printf("\npiotrap_%s {\n", abi_structs[n].name);
		for (k = 0; k < abi_structs[n].nr; k++) {
			f = &abi_structs[n].field[k];
			printf("\t%s\t", f->name);
			syz_type(f);
		}
		printf("}\n");
	}
	printf("\n");
	for (n = 0; n < COUNT(abi_structs); n++)
		for (k = 0; k < abi_structs[n].nr; k++)
			if (abi_structs[n].field[k].kind == ABI_FLAGS)
				syz_flags(abi_structs[n].field[k].arg);
}

static void fuzz(uint64_t seed, unsigned int rounds)
{
	unsigned int n, died = 0, failed = 0, reasons = 0;
	unsigned long none = 0;
	int status;
	pid_t pid;

	for (n = 0; n < rounds; n++) {
		pid = fork();
		if (!pid)
			_exit(round_of(seed + n));
		if (pid < 0 || waitpid(pid, &status, 0) != pid) {
			failed++;
			continue;
		}
		/* Bound to its own memory, it may have overwritten itself. */
		died += WIFSIGNALED(status);
		failed += WIFEXITED(status) && WEXITSTATUS(status);
	}
	for (n = 0; n < COUNT(abi_calls); n++) {
		ksft_print_msg("%s: %lu times\n", abi_calls[n].name, tally->done[n]);
		none += !tally->done[n];
	}
	for (n = 0; n < COUNT(tally->reason); n++)
		reasons += !!tally->reason[n];
	ksft_print_msg("%lu calls, %u exit reasons, %u of %u rounds died\n",
		       tally->calls, reasons, died, rounds);
	ksft_test_result(!failed, "each round has begun and ended\n");
	ksft_test_result(!tally->bad_errno, "documented errors (%d of %s)\n",
			 tally->bad_errno, abi_calls[tally->bad_call].name);
	ksft_test_result(!none, "each call has succeeded\n");
	ksft_test_result(died <= rounds / 2 && reasons >= 4, "rounds live and run\n");
	ksft_test_result(still_works(), "a new sandbox works\n");
}

int main(int argc, char **argv)
{
	unsigned int rounds = 20;
	uint64_t seed = 1;
	int n;

	for (n = 1; n < argc; n++) {
		if (!strcmp(argv[n], "--list") || !strcmp(argv[n], "--syzlang")) {
			argv[n][2] == 'l' ? list() : syzlang();
			return 0;
		}
		if (n + 1 < argc && !strcmp(argv[n], "--seed"))
			seed = strtoull(argv[++n], NULL, 0);
		else if (n + 1 < argc && !strcmp(argv[n], "--rounds"))
			rounds = strtoul(argv[++n], NULL, 0);
		else
			return 2;
	}
	ksft_print_header();
	if (access("/dev/piotrap", R_OK | W_OK))
		ksft_exit_skip("no /dev/piotrap\n");
	ksft_set_plan(5);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	fuzz(seed, rounds);
	ksft_finished();
}
