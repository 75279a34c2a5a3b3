// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: every kind of range (K15), ranges that meet inside one access, accesses
 * that the owner serves (K6), the console's read() and poll(), the access log
 * (K16), and what IN and OUT do with their operands (S7 to S20).
 */

#include "common.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <stddef.h>
#include <sys/time.h>

#define PORT	0x80

FIXTURE(ports)
{
	struct box b;
	struct piotrap_info info;
};

FIXTURE_SETUP(ports)
{
	BOX_SETUP(&self->b);
	self->info.size = sizeof(self->info);
	ASSERT_EQ(0, ctl(&self->b, PIOTRAP_INFO, &self->info));
}

FIXTURE_TEARDOWN(ports)
{
	box_close(&self->b);
}

static void set_reg(const struct box *b, uint64_t rax, uint64_t rdx)
{
	reset_cpu(b);
	b->run->regs.rax = rax;
	b->run->regs.rdx = rdx;
}

#define ASSERT_DONE(call) do {						\
	ASSERT_EQ(0, call);						\
	ASSERT_EXIT(DONE, &self->b);					\
} while (0)

/* Reads give all ones, writes are dropped, and none of it is a #GP (S51). */
TEST_F(ports, open_bus)
{
	struct box *b = &self->b;

	set_reg(b, 0x1122334455667788, 0x1234);
	/* in al, dx */
	ASSERT_DONE(STREAM(b, 0xec));
	EXPECT_EQ(0x11223344556677ff, b->run->regs.rax);
	set_reg(b, 0x1122334455667788, 0x1234);
	/* in ax, dx: S12 */
	ASSERT_DONE(STREAM(b, 0xed));
	EXPECT_EQ(0x112233445566ffff, b->run->regs.rax);
	set_reg(b, 0x55667788, 0x1234);
	/* in eax, dx */
	ASSERT_DONE(STREAM(b, 0x66, 0xed));
	EXPECT_EQ(0xffffffff, b->run->regs.rax & 0xffffffff);
	set_reg(b, 0x55667788, 0x1234);
	/* out dx, al; out dx, ax; out dx, eax */
	ASSERT_DONE(STREAM(b, 0xee, 0xef, 0x66, 0xef));
	EXPECT_EQ(0x55667788, b->run->regs.rax);
	EXPECT_EQ(FL_FIXED, b->run->regs.rflags);
	EXPECT_EQ(3, b->run->boundaries);
}

TEST_F(ports, latch)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 8, 0, 0));
	set_reg(b, 0x44332211, PORT);
	/* out dx, eax; in al, 0x82; mov ah, al; in al, 0x84 */
	ASSERT_DONE(STREAM(b, 0x66, 0xef, 0xe4, 0x82, 0x88, 0xc4, 0xe4, 0x84));
	EXPECT_EQ(0x3300, b->run->regs.rax & 0xffff);
	/* Unaligned: in eax, 0x81; out 0x84, ax; in ax, 0x83 */
	ASSERT_DONE(STREAM(b, 0x66, 0xe5, 0x81));
	EXPECT_EQ(0x00443322, b->run->regs.rax & 0xffffffff);
	set_reg(b, 0xbbaa, PORT);
	ASSERT_DONE(STREAM(b, 0xe7, 0x84, 0xe5, 0x83));
	EXPECT_EQ(0xaa44, b->run->regs.rax & 0xffff);

	/* A value at first; the range that is cut keeps its contents. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT + 2, 2, 0x5a, 0));
	set_reg(b, 0, PORT);
	/* in eax, dx; in al, 0x84 after mov ebx, eax */
	ASSERT_DONE(STREAM(b, 0x66, 0xed, 0x66, 0x89, 0xc3, 0xe4, 0x84));
	EXPECT_EQ(0x5a5a2211, b->run->regs.rbx & 0xffffffff);
	EXPECT_EQ(0xaa, b->run->regs.rax & 0xff);

	/* Back to open bus. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_OPEN_BUS, PORT, 8, 0, 0));
	set_reg(b, 0, PORT);
	ASSERT_DONE(STREAM(b, 0x66, 0xed));
	EXPECT_EQ(0xffffffff, b->run->regs.rax & 0xffffffff);
}

/* S7, S8, S11, S13, S16, S18, S19: encodings. */
TEST_F(ports, encodings)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0, 65536, 0, 0));
	/* S8: imm8 is zero-extended: out 0xf0, al; mov dx, 0xf0; in al, dx */
	set_reg(b, 0x71, 0);
	ASSERT_DONE(STREAM(b, 0xe6, 0xf0, 0xb0, 0x00, 0xba, 0xf0, 0x00, 0xec));
	EXPECT_EQ(0x71, b->run->regs.rax & 0xff);
	/* S8: the upper half of EDX does not count: out dx, al; in al, 0x11 */
	set_reg(b, 0x72, 0xdead0011);
	ASSERT_DONE(STREAM(b, 0xee, 0xb0, 0x00, 0xe4, 0x11));
	EXPECT_EQ(0x72, b->run->regs.rax & 0xff);
	/* S11: 66 does nothing to the byte forms: out dx, al; in eax, dx */
	set_reg(b, 0x44332273, 0x20);
	ASSERT_DONE(STREAM(b, 0x66, 0xee, 0x66, 0xed));
	EXPECT_EQ(0x73, b->run->regs.rax & 0xffffffff);
	/* S13: out 0x24, ax writes two bytes: in eax, 0x24 */
	set_reg(b, 0x44332211, 0);
	ASSERT_DONE(STREAM(b, 0xe7, 0x24, 0x66, 0xe5, 0x24));
	EXPECT_EQ(0x2211, b->run->regs.rax & 0xffffffff);
	/* S18: rep in al, dx: one access, rCX untouched */
	set_reg(b, 0, 0x20);
	b->run->regs.rcx = 5;
	ASSERT_DONE(STREAM(b, 0xf3, 0xec, 0xf2, 0xec, 0xf3, 0xe6, 0x28));
	EXPECT_EQ(5, b->run->regs.rcx);
	EXPECT_EQ(3, b->run->boundaries);

	/* S16: lock in al, dx and the like: #UD */
	static const uint8_t locked[][3] = {
		{ 0xf0, 0xec }, { 0xf0, 0xed }, { 0xf0, 0xe4, 0x80 },
		{ 0xf0, 0xe5, 0x80 }, { 0xf0, 0xee }, { 0xf0, 0xef },
		{ 0xf0, 0xe6, 0x80 }, { 0xf0, 0xe7, 0x80 }, { 0xf0, 0x6c },
		{ 0xf0, 0x6d }, { 0xf0, 0x6e }, { 0xf0, 0x6f },
	};

	for (size_t i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
		set_reg(b, 0x99, 0x30);
		b->run->regs.rcx = 1;
		ASSERT_EQ(0, run_stream(b, locked[i], sizeof(locked[i])));
		EXPECT_EXIT(EXCEPTION, b);
		EXPECT_EQ(VEC_UD, b->run->event.vector);
		EXPECT_EQ(CODE, b->run->regs.rip);
	}
	set_reg(b, 0, 0);
	/* in al, 0x30: nothing was written */
	ASSERT_DONE(STREAM(b, 0xe4, 0x30));
	EXPECT_EQ(0, b->run->regs.rax & 0xff);

	/* S19: over 15 bytes: #GP(0); 15 are well. */
	uint8_t prefixed[16];

	memset(prefixed, 0x3e, 15);
	prefixed[15] = 0xec;
	set_reg(b, 0, 0x20);
	ASSERT_EQ(0, run_stream(b, prefixed, 16));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);
	EXPECT_EQ(0, b->run->event.error_code);
	set_reg(b, 0, 0x20);
	ASSERT_DONE(run_stream(b, prefixed + 1, 15));
	EXPECT_EQ(0x73, b->run->regs.rax & 0xff);
}

/* S40: a word at FFFFh and a dword at FFFDh do not wrap to port 0. */
TEST_F(ports, top)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0, 65536, 0x11, 0));
	set_reg(b, 0, 0xffff);
	/* in ax, dx */
	ASSERT_DONE(STREAM(b, 0xed));
	EXPECT_EQ(0xff11, b->run->regs.rax & 0xffff);
	set_reg(b, 0, 0xfffd);
	/* in eax, dx */
	ASSERT_DONE(STREAM(b, 0x66, 0xed));
	EXPECT_EQ(0xff111111, b->run->regs.rax & 0xffffffff);
	set_reg(b, 0x22222222, 0xfffe);
	/* out dx, eax; in eax, 0 */
	ASSERT_DONE(STREAM(b, 0x66, 0xef, 0x66, 0xe5, 0x00));
	EXPECT_EQ(0x11111111, b->run->regs.rax & 0xffffffff);
}

/* The console */

TEST_F(ports, console)
{
	struct pollfd p = { .fd = self->b.fd, .events = POLLIN };
	struct box *b = &self->b;
	char buf[16], *nowhere = mmap(NULL, 4096, PROT_NONE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT, 4, 0xe9, 0));
	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(b->fd, buf, sizeof(buf)));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, poll(&p, 1, 0));

	set_reg(b, 'A', PORT);
	/* out dx, al; in ax, dx; mov al, 'B'; out dx, al */
	ASSERT_DONE(STREAM(b, 0xee, 0xed, 0x89, 0xc3, 0xb0, 'B', 0xee));
	EXPECT_EQ(0xe9e9, b->run->regs.rbx & 0xffff);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN, p.revents & POLLIN);
	/* Oldest first, and no more than is asked for. */
	EXPECT_EQ(1, read(b->fd, buf, 1));
	EXPECT_EQ('A', buf[0]);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(1, read(b->fd, buf, sizeof(buf)));
	EXPECT_EQ('B', buf[0]);
	EXPECT_EQ(0, poll(&p, 1, 0));

	/* All bytes of a wider write, low port first. */
	set_reg(b, 0x64636261, PORT);
	/* out dx, eax */
	ASSERT_DONE(STREAM(b, 0x66, 0xef));
	EXPECT_EQ(4, read(b->fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "abcd", 4));

	/* rep outsb, a REP in bulk */
	memcpy(b->mem + 0x2000, "Start SeaVGABIOS", 16);
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 16;
	b->run->regs.rsi = 0x2000;
	ASSERT_DONE(STREAM(b, 0xf3, 0x6e));
	EXPECT_EQ(16, read(b->fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "Start SeaVGABIOS", 16));
	EXPECT_EQ(0, b->run->console_dropped);
	/* Memory that cannot be written loses nothing. */
	ASSERT_DONE(STREAM(b, 0xee));
	EXPECT_EQ(-1, read(b->fd, nowhere, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, read(b->fd, buf, 1));
}

/* A value of its own for reads; a zero-length read does not block. */
TEST_F(ports, console_init)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT, 1, 0x00, 0));
	set_reg(b, 0xff, PORT);
	ASSERT_DONE(STREAM(b, 0xec));
	EXPECT_EQ(0, b->run->regs.rax & 0xff);
	EXPECT_EQ(0, read(b->fd, NULL, 0));
}

static void *writer(void *arg)
{
	struct box *b = arg;

	usleep(100000);
	/* out 0x80, al */
	STREAM(b, 0xe6, 0x80);
	return NULL;
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

TEST_F(ports, console_blocking)
{
	struct sigaction sa = { .sa_handler = count_signal };
	struct itimerval it = { .it_value.tv_usec = 50000 };
	struct pollfd p = { .fd = self->b.fd, .events = POLLIN };
	struct box *b = &self->b;
	pthread_t t;
	char c = 0;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT, 1, 0xe9, 0));
	/* read() waits for a byte that a run in another thread writes. */
	set_reg(b, 'x', 0);
	ASSERT_EQ(0, pthread_create(&t, NULL, writer, b));
	EXPECT_EQ(1, read(b->fd, &c, 1));
	EXPECT_EQ('x', c);
	pthread_join(t, NULL);
	/* So does poll(). */
	set_reg(b, 'y', 0);
	ASSERT_EQ(0, pthread_create(&t, NULL, writer, b));
	EXPECT_EQ(1, poll(&p, 1, 10000));
	EXPECT_EQ(1, read(b->fd, &c, 1));
	EXPECT_EQ('y', c);
	pthread_join(t, NULL);
	/* A signal ends the wait. */
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	EXPECT_EQ(-1, read(b->fd, &c, 1));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(1, signals);
}

/* Let the console hold @n bytes, up to what a REP of 16 bits can write twice. */
static int fill_console(const struct box *b, unsigned int n)
{
	while (n) {
		unsigned int part = n < 0xffff ? n : 0xffff;
		int err;

		reset_cpu(b);
		b->run->regs.rdx = PORT;
		b->run->regs.rcx = part;
		/* rep outsb */
		err = STREAM(b, 0xf3, 0x6e);
		if (err || b->run->exit_reason != PIOTRAP_EXIT_DONE)
			return err ? err : -EPROTO;
		n -= part;
	}
	return 0;
}

static unsigned int drain_console(const struct box *b, uint8_t *buf)
{
	unsigned int got = 0;
	ssize_t n;

	while ((n = read(b->fd, buf + got, 65536)) > 0)
		got += n;
	return got;
}

/* A full console stops before the element; nothing is lost, nothing twice. */
TEST_F(ports, console_full)
{
	struct box *b = &self->b;
	const unsigned int max = self->info.max_console;
	uint8_t *buf = pages((max + 0x20000) & ~4095U);
	unsigned int got;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT, 4, 0xe9, 0));
	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, fill_console(b, max - 1000));
	for (unsigned int i = 0; i < 2000; i++)
		b->mem[0x2000 + i] = i * 7;
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 1100;
	b->run->regs.rsi = 0x2000;
	/* rep outsb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(CONSOLE_FULL, b);
	EXPECT_EQ(PORT, b->run->exit_addr);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(100, b->run->regs.rcx);
	EXPECT_EQ(0x2000 + 1000, b->run->regs.rsi);
	EXPECT_EQ(1000, b->run->boundaries);
	/* Again: no progress. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(CONSOLE_FULL, b);
	EXPECT_EQ(0, b->run->boundaries);
	/* Room for 3 bytes, then for the rest. */
	EXPECT_EQ(3, read(b->fd, buf, 3));
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(CONSOLE_FULL, b);
	EXPECT_EQ(97, b->run->regs.rcx);
	got = 3 + drain_console(b, buf + 3);
	EXPECT_EQ(max + 3, got);
	ASSERT_DONE(run_on(b));
	got += drain_console(b, buf + got);
	EXPECT_EQ(max + 100, got);
	EXPECT_EQ(0, memcmp(buf + max - 1000, b->mem + 0x2000, 1100));

	/* A write that does not fit as a whole does not happen in part. */
	ASSERT_EQ(0, fill_console(b, max - 3));
	set_reg(b, 0x04030201, PORT);
	/* out dx, eax */
	ASSERT_EQ(0, STREAM(b, 0x66, 0xef));
	EXPECT_EXIT(CONSOLE_FULL, b);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(1, read(b->fd, buf, 1));
	ASSERT_DONE(run_on(b));
	got = drain_console(b, buf);
	EXPECT_EQ(max, got);
	EXPECT_EQ(0, memcmp(buf + max - 4, "\1\2\3\4", 4));
	EXPECT_EQ(0, b->run->console_dropped);
}

/* Words in a loop, over the end of the ring, until one does not fit. */
TEST_F(ports, console_words)
{
	struct box *b = &self->b;
	const unsigned int max = self->info.max_console;
	uint8_t *buf = pages((max + 0x20000) & ~4095U);
	uint8_t want[48];

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT, 4, 0xe9, 0));
	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, fill_console(b, max - 9));
	ASSERT_EQ(max - 9, drain_console(b, buf));
	for (unsigned int i = 0; i < 8; i++) {
		const uint8_t six[] = { i, 0x12, i, 0x12, 0x34, 0x12 };

		memcpy(want + 6 * i, six, sizeof(six));
	}
	set_reg(b, 0x12341200, PORT);
	b->run->regs.rcx = 8;
	/* out dx, ax; out dx, eax; inc ax; loop $-4 */
	ASSERT_DONE(STREAM(b, 0xef, 0x66, 0xef, 0x40, 0xe2, 0xfa));
	ASSERT_EQ(48, drain_console(b, buf));
	EXPECT_EQ(0, memcmp(buf, want, sizeof(want)));

	ASSERT_EQ(0, fill_console(b, max - 7));
	set_reg(b, 0x4241, PORT);
	b->run->regs.rcx = 8;
	/* out dx, ax; loop $-1 */
	ASSERT_EQ(0, STREAM(b, 0xef, 0xe2, 0xfd));
	EXPECT_EXIT(CONSOLE_FULL, b);
	EXPECT_EQ(5, b->run->regs.rcx);
	ASSERT_EQ(max - 1, drain_console(b, buf));
	EXPECT_EQ(0, memcmp(buf + max - 7, "ABABAB", 6));
	ASSERT_DONE(run_on(b));
	ASSERT_EQ(10, drain_console(b, buf));
	EXPECT_EQ(0, memcmp(buf, "ABABABABAB", 10));
	EXPECT_EQ(0, b->run->console_dropped);
}

TEST_F(ports, console_drop)
{
	struct box *b = &self->b;
	const unsigned int max = self->info.max_console;
	uint8_t *buf = pages((max + 8192) & ~4095U);

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT, 1, 0xe9,
			       PIOTRAP_PORTS_DROP));
	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, fill_console(b, max - 10));
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 20;
	/* rep outsb */
	ASSERT_DONE(STREAM(b, 0xf3, 0x6e));
	EXPECT_EQ(10, b->run->console_dropped);
	/* out dx, al: the count goes on */
	ASSERT_DONE(STREAM(b, 0xee));
	EXPECT_EQ(11, b->run->console_dropped);
	EXPECT_EQ(max, drain_console(b, buf));
}

/* The input queue */

TEST_F(ports, input)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 4, 0, 0));
	set_reg(b, 0, PORT);
	/* in al, dx: empty: all ones */
	ASSERT_DONE(STREAM(b, 0xec));
	EXPECT_EQ(0xff, b->run->regs.rax & 0xff);
	/* Any port of the range feeds all of it. */
	ASSERT_EQ(7, queue_input(b, PORT + 2, "\1\2\3\4\5\6\7", 7));
	set_reg(b, 0, PORT);
	/* in al, dx; out dx, al; mov bl, al; in eax, dx */
	ASSERT_DONE(STREAM(b, 0xec, 0xee, 0x88, 0xc3, 0x66, 0xed));
	EXPECT_EQ(1, b->run->regs.rbx & 0xff);
	EXPECT_EQ(0x05040302, b->run->regs.rax & 0xffffffff);
	/* in ax, dx; mov bx, ax; in ax, dx: empty again */
	ASSERT_DONE(STREAM(b, 0xed, 0x89, 0xc3, 0xed));
	EXPECT_EQ(0x0706, b->run->regs.rbx & 0xffff);
	EXPECT_EQ(0xffff, b->run->regs.rax & 0xffff);

	/* rep insb of more than there is */
	ASSERT_EQ(3, queue_input(b, PORT, "abc", 3));
	memset(b->mem + 0x2000, 0, 8);
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 5;
	b->run->regs.rdi = 0x2000;
	ASSERT_DONE(STREAM(b, 0xf3, 0x6c));
	EXPECT_EQ(0, memcmp(b->mem + 0x2000, "abc\xff\xff\0\0\0", 8));
}

TEST_F(ports, input_wait)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 2, 0,
			       PIOTRAP_PORTS_WAIT));
	set_reg(b, 0x1234, PORT);
	/* in ax, dx */
	ASSERT_EQ(0, STREAM(b, 0xed));
	EXPECT_EXIT(INPUT_EMPTY, b);
	EXPECT_EQ(PORT, b->run->exit_addr);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(0, b->run->boundaries);
	EXPECT_EQ(0x1234, b->run->regs.rax);
	/* One byte is not enough, and is not lost. */
	ASSERT_EQ(1, queue_input(b, PORT, "\x55", 1));
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(INPUT_EMPTY, b);
	ASSERT_EQ(1, queue_input(b, PORT, "\x66", 1));
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0x6655, b->run->regs.rax);

	/* rep insb: what is there is taken, then it stops before the next. */
	memset(b->mem + 0x2000, 0, 8);
	ASSERT_EQ(3, queue_input(b, PORT, "abc", 3));
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 5;
	b->run->regs.rdi = 0x2000;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_EXIT(INPUT_EMPTY, b);
	EXPECT_EQ(2, b->run->regs.rcx);
	EXPECT_EQ(0x2003, b->run->regs.rdi);
	EXPECT_EQ(CODE, b->run->regs.rip);
	ASSERT_EQ(2, queue_input(b, PORT, "de", 2));
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0, memcmp(b->mem + 0x2000, "abcde\0\0\0", 8));
}

/* Eventfd */

static int set_eventfd(const struct box *b, unsigned int first,
		       unsigned int count, int fd, unsigned int flags,
		       uint64_t match, uint64_t mask)
{
	struct piotrap_ports p = {
		.size = sizeof(p), .kind = PIOTRAP_PORT_EVENTFD,
		.first = first, .count = count, .eventfd = fd, .flags = flags,
		.match = match, .mask = mask,
	};

	return ctl(b, PIOTRAP_SET_PORTS, &p);
}

/* Signals since the last call. */
static uint64_t take_signals(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

TEST_F(ports, eventfd)
{
	struct box *b = &self->b;
	int fd = eventfd(0, EFD_NONBLOCK), other;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_eventfd(b, PORT, 4, fd, 0, 0, 0));
	set_reg(b, 0, PORT);
	/* out dx, al; out dx, ax; out dx, eax; in al, dx */
	ASSERT_DONE(STREAM(b, 0xee, 0xef, 0x66, 0xef, 0xec));
	EXPECT_EQ(3, take_signals(fd));
	EXPECT_EQ(0xff, b->run->regs.rax & 0xff);
	/* Once an element: rep outsw */
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 100;
	b->run->regs.rsi = 0x2000;
	ASSERT_DONE(STREAM(b, 0xf3, 0x6f));
	EXPECT_EQ(100, take_signals(fd));

	/* With a match: value & mask. */
	ASSERT_EQ(0, set_eventfd(b, PORT, 1, fd, PIOTRAP_PORTS_MATCH, 0x20,
				 0xf0));
	set_reg(b, 0x2f, PORT);
	/* out dx, al; mov al, 0x3f; out dx, al; mov al, 0x20; out dx, al */
	ASSERT_DONE(STREAM(b, 0xee, 0xb0, 0x3f, 0xee, 0xb0, 0x20, 0xee));
	EXPECT_EQ(2, take_signals(fd));
	/* rep outsb over 00..ff: 20 to 2f match */
	for (int i = 0; i < 256; i++)
		b->mem[0x2000 + i] = i;
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 256;
	b->run->regs.rsi = 0x2000;
	ASSERT_DONE(STREAM(b, 0xf3, 0x6e));
	EXPECT_EQ(16, take_signals(fd));
	/* A mask wider than the value: it is zero-extended. */
	ASSERT_EQ(0, set_eventfd(b, PORT, 1, fd, PIOTRAP_PORTS_MATCH, 0x20,
				 ~0ULL));
	set_reg(b, 0x120, PORT);
	ASSERT_DONE(STREAM(b, 0xee));
	EXPECT_EQ(1, take_signals(fd));

	/* The sandbox holds its own reference. */
	other = dup(fd);
	close(fd);
	set_reg(b, 0x20, PORT);
	ASSERT_DONE(STREAM(b, 0xee));
	EXPECT_EQ(1, take_signals(other));
	/* Replaced, it is signalled no more. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_OPEN_BUS, PORT, 4, 0, 0));
	ASSERT_DONE(STREAM(b, 0xee));
	EXPECT_EQ(0, take_signals(other));
}

/* Ports that the owner serves (K6) */

#define EXPECT_IO(b, a, d, s, n, f) do {				\
	EXPECT_EXIT(IO_PORT, b);					\
	EXPECT_EQ(PIOTRAP_IO_PORT, (b)->run->io.kind);			\
	EXPECT_EQ(a, (b)->run->io.addr);				\
	EXPECT_EQ(a, (b)->run->exit_addr);				\
	EXPECT_EQ(d, (b)->run->io.dir);					\
	EXPECT_EQ(s, (b)->run->io.size);				\
	EXPECT_EQ(n, (b)->run->io.count);				\
	EXPECT_EQ(0, (b)->run->io.done);				\
	EXPECT_EQ(0, (b)->run->io.used);				\
	EXPECT_EQ(f, (b)->run->io.flags);				\
	EXPECT_EQ((b)->run->regs.rip, (b)->run->io.rip);		\
} while (0)

static void answer(const struct box *b, unsigned int done)
{
	b->run->io.done = done;
	touch(b, PIOTRAP_GROUP_IO);
}

TEST_F(ports, exit_in_out)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 8, 0, 0));
	for (unsigned int size = 1; size <= 4; size *= 2) {
		static const uint8_t in[][2] = {
			{ 0xec }, { 0xed }, { 0x66, 0xed },
		};
		static const uint8_t out[][2] = {
			{ 0xee }, { 0xef }, { 0x66, 0xef },
		};
		unsigned int len = size == 4 ? 2 : 1;
		uint32_t mask = size == 4 ? ~0U : (1U << size * 8) - 1;

		set_reg(b, 0x99999999, PORT + 1);
		ASSERT_EQ(0, run_stream(b, in[size / 2], len));
		EXPECT_IO(b, PORT + 1, PIOTRAP_READ, size, 1, 0);
		/* Not committed. */
		EXPECT_EQ(CODE, b->run->regs.rip);
		EXPECT_EQ(0x99999999, b->run->regs.rax);
		EXPECT_EQ(0, b->run->boundaries);
		memcpy(b->data, "\x11\x22\x33\x44\x55", 5);
		answer(b, 1);
		ASSERT_DONE(run_on(b));
		EXPECT_EQ((0x99999999 & ~mask) | (0x44332211 & mask),
			  b->run->regs.rax & 0xffffffff);
		EXPECT_EQ(1, b->run->boundaries);
		EXPECT_EQ(PIOTRAP_IO_NONE, b->run->io.kind);

		set_reg(b, 0x88776655, PORT + 1);
		memset(b->data, 0, 8);
		ASSERT_EQ(0, run_stream(b, out[size / 2], len));
		EXPECT_IO(b, PORT + 1, PIOTRAP_WRITE, size, 1, 0);
		EXPECT_EQ(0, memcmp(b->data, "\x55\x66\x77\x88", size));
		answer(b, 1);
		ASSERT_DONE(run_on(b));
		EXPECT_EQ(CODE + len, b->run->regs.rip);
	}
}

TEST_F(ports, exit_without_answer)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	set_reg(b, 0, PORT);
	ASSERT_EQ(0, STREAM(b, 0xec, 0x90));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 1, 1, 0);
	/* It is offered again until it is answered. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 1, 1, 0);
	answer(b, 0);
	ASSERT_EQ(0, run_on(b));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 1, 1, 0);
	/* More than was offered. */
	answer(b, 2);
	EXPECT_EQ(-EINVAL, run_on(b));
	/* Only the answer is taken, the rest is the kernel's own record. */
	b->run->io.addr = 0x1111;
	b->run->io.size = 4;
	b->run->io.count = 1000;
	b->run->io.kind = PIOTRAP_IO_MEM;
	b->run->io.dir = PIOTRAP_WRITE;
	b->run->io.rip = 0;
	b->data[0] = 0x42;
	b->data[1] = 0x43;
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0x42, b->run->regs.rax);
	EXPECT_EQ(2, b->run->boundaries);

	/* A change of RIP drops it. */
	set_reg(b, 0, PORT);
	ASSERT_EQ(0, STREAM(b, 0xec, 0x43));
	EXPECT_EXIT(IO_PORT, b);
	b->run->regs.rip = CODE + 1;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0, b->run->regs.rax);
	EXPECT_EQ(1, b->run->regs.rbx);
	EXPECT_EQ(PIOTRAP_IO_NONE, b->run->io.kind);

	/* So does a new stream, even one that begins where it stopped. */
	set_reg(b, 0, PORT);
	ASSERT_EQ(0, STREAM(b, 0xec));
	EXPECT_EXIT(IO_PORT, b);
	answer(b, 1);
	/* inc bx */
	ASSERT_DONE(STREAM(b, 0x43));
	EXPECT_EQ(0, b->run->regs.rax);
	EXPECT_EQ(1, b->run->regs.rbx);
	EXPECT_EQ(PIOTRAP_IO_NONE, b->run->io.kind);
}

/* The instruction is not fetched again: it may have changed meanwhile. */
TEST_F(ports, exit_no_refetch)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	reset_cpu(b);
	/* in al, 0x80; hlt */
	PUT(b, 0xe4, 0x80, 0xf4);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(IO_PORT, b);
	b->mem[CODE] = 0x0f;
	b->mem[CODE + 1] = 0x0b;
	b->data[0] = 0x77;
	answer(b, 1);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(0x77, b->run->regs.rax);
}

TEST_F(ports, exit_rep)
{
	struct box *b = &self->b;
	uint8_t want[20];

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 2, 0, 0));
	memset(b->mem + 0x2000, 0, 32);
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 10;
	b->run->regs.rdi = 0x2000;
	/* rep insw */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6d));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 2, 10,
		  PIOTRAP_IO_STRING | PIOTRAP_IO_REP);
	EXPECT_EQ(10, b->run->regs.rcx);
	for (int i = 0; i < 20; i++)
		want[i] = i + 1;
	/* A part of them. */
	memcpy(b->data, want, 8);
	answer(b, 4);
	ASSERT_EQ(0, run_on(b));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 2, 6,
		  PIOTRAP_IO_STRING | PIOTRAP_IO_REP);
	EXPECT_EQ(6, b->run->regs.rcx);
	EXPECT_EQ(0x2008, b->run->regs.rdi);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(4, b->run->boundaries);
	EXPECT_EQ(0, memcmp(b->mem + 0x2000, want, 8));
	EXPECT_EQ(0, b->mem[0x2008]);
	memcpy(b->data, want + 8, 12);
	answer(b, 6);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0, b->run->regs.rcx);
	EXPECT_EQ(0x2014, b->run->regs.rdi);
	EXPECT_EQ(6, b->run->boundaries);
	EXPECT_EQ(0, memcmp(b->mem + 0x2000, want, 20));

	/* rep outsb: all the data at once. */
	memcpy(b->mem + 0x3000, "0123456789", 10);
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 10;
	b->run->regs.rsi = 0x3000;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_IO(b, PORT, PIOTRAP_WRITE, 1, 10,
		  PIOTRAP_IO_STRING | PIOTRAP_IO_REP);
	EXPECT_EQ(0, memcmp(b->data, "0123456789", 10));
	answer(b, 3);
	ASSERT_EQ(0, run_on(b));
	EXPECT_IO(b, PORT, PIOTRAP_WRITE, 1, 7,
		  PIOTRAP_IO_STRING | PIOTRAP_IO_REP);
	EXPECT_EQ(0, memcmp(b->data, "3456789", 7));
	EXPECT_EQ(0x3003, b->run->regs.rsi);
	answer(b, 7);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0, b->run->regs.rcx);
}

/* How many are offered does not depend on what ran before. */
TEST_F(ports, exit_rep_offer)
{
	struct box *b = &self->b;
	unsigned int differ = 0;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	/* A loop of many lengths before it: loop $; rep insb */
	for (unsigned int before = 1; before < 1100; before += 7) {
		reset_cpu(b);
		b->run->regs.rcx = before;
		b->run->regs.rdx = PORT;
		b->run->regs.rdi = 0x2000;
		ASSERT_EQ(0, STREAM(b, 0xe2, 0xfe, 0xb1, 10, 0xf3, 0x6c));
		ASSERT_EXIT(IO_PORT, b);
		differ += b->run->io.count != 10;
	}
	EXPECT_EQ(0, differ);
}

/* One element at a time where each can trap: TF, here with an I/O breakpoint. */
TEST_F(ports, exit_rep_single)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	reset_cpu(b);
	arm(b, 0, BP_IO, 1, PORT);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 3;
	b->run->regs.rdi = 0x2000;
	/* rep insb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 1, 1,
		  PIOTRAP_IO_STRING | PIOTRAP_IO_REP);
	answer(b, 1);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(1, b->run->event.payload);
	EXPECT_EQ(2, b->run->regs.rcx);

	reset_cpu(b);
	b->run->regs.rflags |= FL_TF;
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 3;
	b->run->regs.rdi = 0x2000;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 1, 1,
		  PIOTRAP_IO_STRING | PIOTRAP_IO_REP);

	/* The budget clips it too. */
	reset_cpu(b);
	b->run->budget = 2;
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 3;
	b->run->regs.rdi = 0x2000;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 1, 2,
		  PIOTRAP_IO_STRING | PIOTRAP_IO_REP);
	answer(b, 2);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(BUDGET, b);
	EXPECT_EQ(1, b->run->regs.rcx);
}

/* A destination that is not there is found before the owner is asked (S48). */
TEST_F(ports, exit_probes_first)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	reset_cpu(b);
	b->run->segs.es.limit = 0x1fff;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = 0x2000;
	/* insb */
	ASSERT_EQ(0, STREAM(b, 0x6c));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_GP, b->run->event.vector);

	reset_cpu(b);
	b->run->segs.es.base = 0xf0000;
	b->run->segs.es.selector = 0xf000;
	b->run->regs.rdx = PORT;
	ASSERT_EQ(0, STREAM(b, 0x6c));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(0xf0000, b->run->exit_addr);
	EXPECT_EQ(0xf0000, b->run->exit_linear);
	EXPECT_EQ(1, b->run->exit_size);
	EXPECT_EQ(1, b->run->exit_access);
}

/* Ranges of different kinds in one access: byte by byte, low port first. */
TEST_F(ports, spanning)
{
	struct box *b = &self->b;
	char buf[8];

	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 1, 0x11, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT + 1, 1, 0xe9, 0));
	/* PORT + 2 is open bus. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT + 3, 1, 0, 0));
	ASSERT_EQ(1, queue_input(b, PORT + 3, "\x44", 1));
	set_reg(b, 0, PORT);
	/* in eax, dx */
	ASSERT_DONE(STREAM(b, 0x66, 0xed));
	EXPECT_EQ(0x44ffe911, b->run->regs.rax);
	set_reg(b, 0x44332255, PORT);
	/* out dx, eax; in al, dx */
	ASSERT_DONE(STREAM(b, 0x66, 0xef, 0xb0, 0x00, 0xec));
	EXPECT_EQ(0x55, b->run->regs.rax & 0xff);
	EXPECT_EQ(1, read(b->fd, buf, sizeof(buf)));
	EXPECT_EQ(0x22, buf[0]);

	/* One trap and one record. */
	struct piotrap_log_ring *ring = pages(4096);

	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, ring, 4096));
	set_reg(b, 0x44332266, PORT);
	arm(b, 1, BP_IO, 4, PORT);
	ASSERT_EQ(0, STREAM(b, 0x66, 0xef, 0x90));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(2, b->run->event.payload);
	EXPECT_EQ(CODE + 2, b->run->regs.rip);
	EXPECT_EQ(1, ring->head);
	EXPECT_EQ(PORT, ring->rec[0].port);
	EXPECT_EQ(4, ring->rec[0].size);
	EXPECT_EQ(0x44332266, ring->rec[0].value);
}

/* K15 K6: the owner serves the bytes that are his, and no other. */
TEST_F(ports, spanning_exit)
{
	struct box *b = &self->b;
	char buf[8];

	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_INPUT, PORT, 1, 0,
			       PIOTRAP_PORTS_WAIT));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT + 1, 1, 0, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT + 2, 1, 0xe9, 0));
	ASSERT_EQ(2, queue_input(b, PORT, "\x99\x77", 2));
	set_reg(b, 0, PORT);
	/* in eax, dx */
	ASSERT_EQ(0, STREAM(b, 0x66, 0xed));
	EXPECT_IO(b, PORT + 1, PIOTRAP_READ, 1, 1, PIOTRAP_IO_PART);
	/* Not answered: asked again, and the byte before is not taken twice. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_IO(b, PORT + 1, PIOTRAP_READ, 1, 1, PIOTRAP_IO_PART);
	b->data[0] = 0x22;
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0xffe92299, b->run->regs.rax);
	set_reg(b, 0, PORT);
	/* in al, dx */
	ASSERT_DONE(STREAM(b, 0xec));
	EXPECT_EQ(0x77, b->run->regs.rax);
	set_reg(b, 0x44332211, PORT);
	/* out dx, eax */
	ASSERT_EQ(0, STREAM(b, 0x66, 0xef));
	EXPECT_IO(b, PORT + 1, PIOTRAP_WRITE, 1, 1, PIOTRAP_IO_PART);
	EXPECT_EQ(0x22, b->data[0]);
	EXPECT_EQ(-1, read(b->fd, buf, sizeof(buf)));
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(1, read(b->fd, buf, sizeof(buf)));
	EXPECT_EQ(0x33, buf[0]);
}

/* Two parts of one access are the owner's: two answers, one instruction. */
TEST_F(ports, spanning_two_exits)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 4, 0, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT + 1, 1, 0x77, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_OPEN_BUS, PORT + 3, 1, 0, 0));
	set_reg(b, 0, PORT);
	arm(b, 0, BP_IO, 1, PORT + 3);
	/* in eax, dx */
	ASSERT_EQ(0, STREAM(b, 0x66, 0xed, 0x90));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 1, 1, PIOTRAP_IO_PART);
	b->data[0] = 0x11;
	answer(b, 1);
	ASSERT_EQ(0, run_on(b));
	EXPECT_IO(b, PORT + 2, PIOTRAP_READ, 1, 1, PIOTRAP_IO_PART);
	EXPECT_EQ(0, b->run->boundaries);
	EXPECT_EQ(0, b->run->regs.rax);
	b->data[0] = 0x33;
	answer(b, 1);
	/* One trap, when all of it is done. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(0xff337711, b->run->regs.rax);
	EXPECT_EQ(CODE + 2, b->run->regs.rip);
	EXPECT_EQ(1, b->run->boundaries);
}

/* Ranges that meet, of one kind: one access, one exit. */
TEST_F(ports, adjacent_exits)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT + 1, 1, 0, 0));
	set_reg(b, 0, PORT);
	/* in ax, dx */
	ASSERT_EQ(0, STREAM(b, 0xed));
	EXPECT_IO(b, PORT, PIOTRAP_READ, 2, 1, 0);
	memcpy(b->data, "\x11\x22", 2);
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0x2211, b->run->regs.rax);
}

/* The access log (K16) */

TEST_F(ports, log)
{
	struct piotrap_log_ring *ring = pages(4096);
	struct box *b = &self->b;
	struct piotrap_log_rec *r;

	/* What is in the memory before does not count. */
	memset(ring, 0x5a, 4096);
	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, ring, 4096));
	EXPECT_EQ(0, ring->head);
	EXPECT_EQ(0, ring->tail);

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 4, 0x21, 0));
	reset_cpu(b);
	b->run->segs.cs.selector = 0x10;
	b->run->segs.cs.base = 0x100;
	b->run->regs.rax = 0x5544;
	b->run->regs.rcx = 2;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = 0x2000;
	memcpy(b->mem + 0x2000, "\xa0\xa1", 2);
	/* out dx, ax; in al, 0x82; rep outsb; in al, 0x90 */
	ASSERT_DONE(STREAM(b, 0xef, 0xe4, 0x82, 0xf3, 0x6e, 0xe4, 0x90));
	ASSERT_EQ(5, ring->head);
	r = ring->rec;
	EXPECT_EQ(PIOTRAP_REC_PORT, r[0].type);
	EXPECT_EQ(PIOTRAP_WRITE, r[0].dir);
	EXPECT_EQ(2, r[0].size);
	EXPECT_EQ(PORT, r[0].port);
	EXPECT_EQ(0x10, r[0].cs);
	EXPECT_EQ(CODE, r[0].rip);
	EXPECT_EQ(0x5544, r[0].value);
	EXPECT_EQ(PIOTRAP_READ, r[1].dir);
	EXPECT_EQ(1, r[1].size);
	EXPECT_EQ(PORT + 2, r[1].port);
	EXPECT_EQ(CODE + 1, r[1].rip);
	EXPECT_EQ(0x21, r[1].value);
	/* REP goes element by element. */
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(PIOTRAP_WRITE, r[2 + i].dir);
		EXPECT_EQ(CODE + 3, r[2 + i].rip);
		EXPECT_EQ(0xa0 + i, r[2 + i].value);
	}
	EXPECT_EQ(0xff, r[4].value);
	EXPECT_EQ(0x90, r[4].port);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(16, r[i].bits);

	/* Steps. */
	ring->tail = ring->head;
	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_STEPS, ring, 4096));
	EXPECT_EQ(0, ring->head);
	reset_cpu(b);
	b->run->segs.cs.attr |= 1 << 14;	/* D */
	b->run->regs.rax = 7;
	b->run->regs.rcx = 2;
	b->run->regs.rsi = 0x2000;
	b->run->regs.rdx = PORT;
	b->run->regs.rbx = 0x1234;
	b->run->regs.rbp = 0x5678;
	/* inc eax; rep outsb; nop */
	ASSERT_DONE(STREAM(b, 0x40, 0xf3, 0x6e, 0x90));
	ASSERT_EQ(4, ring->head);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(PIOTRAP_REC_STEP, r[i].type);
		EXPECT_EQ(32, r[i].bits);
	}
	EXPECT_EQ(CODE, r[0].rip);
	EXPECT_EQ(7, r[0].value);
	EXPECT_EQ(0x1234, r[0].rbx);
	EXPECT_EQ(0x5678, r[0].rbp);
	EXPECT_EQ(STACK, r[0].rsp);
	EXPECT_EQ(0, r[0].reserved[4]);
	EXPECT_EQ(CODE + 1, r[1].rip);
	EXPECT_EQ(8, r[1].value);
	EXPECT_EQ(2, r[1].rcx);
	EXPECT_EQ(0x2000, r[1].rsi);
	EXPECT_EQ(PORT, r[1].rdx);
	EXPECT_EQ(CODE + 1, r[2].rip);
	EXPECT_EQ(1, r[2].rcx);
	EXPECT_EQ(0x2001, r[2].rsi);
	EXPECT_EQ(CODE + 3, r[3].rip);
	EXPECT_EQ(0, r[3].rcx);

	/* Off: silent. */
	ASSERT_EQ(0, set_log(b, 0, NULL, 0));
	memset(ring, 0, 4096);
	ASSERT_DONE(STREAM(b, 0xee));
	EXPECT_EQ(0, ring->head);
	EXPECT_EQ(0, r[0].type);
}

/* A program that was built with an older header: records of 64 bytes. */
TEST_F(ports, log_of_first_version)
{
	struct {
		__u64 head, tail, reserved[6];
		uint8_t rec[63][64];
	} *ring = pages(4096);
	struct box *b = &self->b;

	for (unsigned int k = 0; k < 3; k++) {
		struct piotrap_log l = {
			.size = k ? sizeof(l) :
				    offsetof(struct piotrap_log, rec_size),
			.flags = PIOTRAP_LOG_PORTS, .addr = (uintptr_t)ring,
			.len = 4096,
			.rec_size = k == 1 ? 0 : PIOTRAP_LOG_REC_FIRST,
		};
		struct piotrap_log_rec rec;

		memset(ring, 0xa5, 4096);
		ASSERT_EQ(0, ctl(b, PIOTRAP_SET_LOG, &l));
		reset_cpu(b);
		b->run->regs.rdx = PORT;
		b->run->regs.rcx = 64;
		b->run->regs.rdi = 0x2000;
		/* rep insb */
		ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
		EXPECT_EXIT(LOG_FULL, b);
		EXPECT_EQ(63, ring->head);
		for (int i = 0; i < 63; i++) {
			memcpy(&rec, ring->rec[i], 64);
			EXPECT_EQ(PORT, rec.port);
			EXPECT_EQ(64 - i, rec.rcx);
			EXPECT_EQ(0x2000 + i, rec.rdi);
		}
		ASSERT_EQ(0, set_log(b, 0, NULL, 0));
	}
}

/* Full: before what it has no room for; nothing is lost, nothing twice. */
TEST_F(ports, log_full)
{
	struct piotrap_log_ring *ring = pages(4096);
	const unsigned int slots = 4096 / sizeof(struct piotrap_log_rec) - 1;
	struct box *b = &self->b;
	uint64_t seen = 0;
	unsigned int runs = 0;

	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, ring, 4096));
	for (int i = 0; i < 256; i++)
		b->mem[0x2000 + i] = i;
	reset_cpu(b);
	b->run->regs.rdx = PORT;
	b->run->regs.rcx = 200;
	b->run->regs.rsi = 0x2000;
	/* rep outsb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(LOG_FULL, b);
	EXPECT_EQ(slots, ring->head);
	EXPECT_EQ(200 - slots, b->run->regs.rcx);
	EXPECT_EQ(CODE, b->run->regs.rip);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(LOG_FULL, b);
	EXPECT_EQ(0, b->run->boundaries);
	/* A tail that makes no sense is no room. */
	ring->tail = ring->head + 1;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(LOG_FULL, b);
	ring->tail = ring->head - slots - 1;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(LOG_FULL, b);
	/* The kernel's head is its own. */
	ring->tail = 0;
	do {
		uint64_t head = seen + slots < 200 ? seen + slots : 200;

		for (; seen < head; seen++)
			EXPECT_EQ(seen, ring->rec[seen % slots].value);
		ring->head = 0;
		ring->tail = seen;
		ASSERT_EQ(0, run_on(b));
		EXPECT_EQ(seen + slots < 200 ? seen + slots : 200, ring->head);
	} while (b->run->exit_reason == PIOTRAP_EXIT_LOG_FULL && runs++ < 10);
	EXPECT_EXIT(DONE, b);
	for (; seen < 200; seen++)
		EXPECT_EQ(seen, ring->rec[seen % slots].value);
}

/* Steps and ports together fill a small ring at odd places. */
TEST_F(ports, log_full_both)
{
	const unsigned int small = 4096 / sizeof(struct piotrap_log_rec) - 1;
	const unsigned int n = 400;
	struct piotrap_log_ring *ring = pages(65536);
	struct piotrap_log_rec *all = pages(131072);
	struct box *b = &self->b;
	uint64_t seen = 0, want;

	for (int pass = 0; pass < 2; pass++) {
		size_t len = pass ? 4096 : 65536;
		unsigned int slots = len / sizeof(struct piotrap_log_rec) - 1;
		unsigned int runs = 0;

		ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS | PIOTRAP_LOG_STEPS,
				     ring, len));
		reset_cpu(b);
		b->run->regs.rcx = n;
		b->run->regs.rdx = PORT;
		seen = 0;
		/* nop; out dx, al; loop $-2; */
		ASSERT_EQ(0, STREAM(b, 0x90, 0xee, 0xe2, 0xfc));
		for (;;) {
			for (; seen < ring->head; seen++) {
				struct piotrap_log_rec *r =
					&ring->rec[seen % slots];

				if (seen >= 1000)
					continue;
				if (!pass)
					all[seen] = *r;
				else
					EXPECT_EQ(0, memcmp(&all[seen], r,
							    sizeof(*r)));
			}
			ring->tail = seen;
			if (b->run->exit_reason != PIOTRAP_EXIT_LOG_FULL)
				break;
			ASSERT_GT(1000, runs++);
			ASSERT_EQ(0, run_on(b));
		}
		EXPECT_EXIT(DONE, b);
		want = 4 * n;
		EXPECT_EQ(want, seen);
		if (pass)
			EXPECT_LE(want / small, runs);
	}
}

/* An access that does not happen is not logged. */
TEST_F(ports, log_only_committed)
{
	struct piotrap_log_ring *ring = pages(4096);
	struct box *b = &self->b;

	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, ring, 4096));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	set_reg(b, 0, PORT);
	ASSERT_EQ(0, STREAM(b, 0xec));
	EXPECT_EXIT(IO_PORT, b);
	EXPECT_EQ(0, ring->head);
	b->data[0] = 0x31;
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	ASSERT_EQ(1, ring->head);
	EXPECT_EQ(0x31, ring->rec[0].value);
	/* insb beyond the limit */
	reset_cpu(b);
	b->run->segs.es.limit = 0xfff;
	b->run->regs.rdi = 0x2000;
	ASSERT_EQ(0, STREAM(b, 0x6c));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(1, ring->head);
}

/* Another log while an access is out: it is recorded there, whatever the tail says. */
TEST_F(ports, log_replaced)
{
	struct piotrap_log_ring *ring = pages(4096), *other = pages(4096);
	struct box *b = &self->b;

	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, ring, 4096));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	set_reg(b, 0, PORT);
	/* in al, dx; in al, dx */
	ASSERT_EQ(0, STREAM(b, 0xec, 0xec));
	EXPECT_EXIT(IO_PORT, b);
	ASSERT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS, other, 4096));
	other->tail = 5;
	b->data[0] = 0x31;
	answer(b, 1);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(LOG_FULL, b);
	EXPECT_EQ(0, ring->head);
	ASSERT_EQ(1, other->head);
	EXPECT_EQ(PORT, other->rec[0].port);
	EXPECT_EQ(0x31, other->rec[0].value);
	other->tail = 1;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(IO_PORT, b);
	b->data[0] = 0x32;
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	ASSERT_EQ(2, other->head);
	EXPECT_EQ(0x32, other->rec[1].value);
}

/* Memory that the owner serves: the same record as ports. */
TEST_F(ports, exit_memory)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;

	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	if (!(i.region_kinds & 1U << PIOTRAP_REGION_EXIT))
		SKIP(return, "no PIOTRAP_REGION_EXIT in this module");
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_EXIT, 0xb8000, 4096, NULL));
	reset_cpu(b);
	b->run->segs.ds.selector = 0xb800;
	b->run->segs.ds.base = 0xb8000;
	b->run->regs.rax = 0x0741;
	/* mov [6], ax; mov bx, [6] */
	ASSERT_EQ(0, STREAM(b, 0xa3, 0x06, 0x00, 0x8b, 0x1e, 0x06, 0x00));
	EXPECT_EXIT(IO_MEM, b);
	EXPECT_EQ(PIOTRAP_IO_MEM, b->run->io.kind);
	EXPECT_EQ(0xb8006, b->run->io.addr);
	EXPECT_EQ(PIOTRAP_WRITE, b->run->io.dir);
	EXPECT_EQ(2, b->run->io.size);
	EXPECT_EQ(1, b->run->io.count);
	EXPECT_EQ(0, memcmp(b->data, "\x41\x07", 2));
	answer(b, 1);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(IO_MEM, b);
	EXPECT_EQ(PIOTRAP_READ, b->run->io.dir);
	memcpy(b->data, "\x34\x12", 2);
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0x1234, b->run->regs.rbx);

	/* Two answers for one instruction: movsb from there to there. */
	reset_cpu(b);
	b->run->segs.ds.selector = 0xb800;
	b->run->segs.ds.base = 0xb8000;
	b->run->segs.es = b->run->segs.ds;
	b->run->regs.rsi = 0x10;
	b->run->regs.rdi = 0x20;
	ASSERT_EQ(0, STREAM(b, 0xa4));
	EXPECT_EXIT(IO_MEM, b);
	EXPECT_EQ(0xb8010, b->run->io.addr);
	EXPECT_EQ(PIOTRAP_READ, b->run->io.dir);
	b->data[0] = 0x66;
	answer(b, 1);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(IO_MEM, b);
	EXPECT_EQ(0xb8020, b->run->io.addr);
	EXPECT_EQ(PIOTRAP_WRITE, b->run->io.dir);
	EXPECT_EQ(0x66, b->data[0]);
	EXPECT_EQ(0, b->run->boundaries);
	EXPECT_EQ(0x10, b->run->regs.rsi);
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0x11, b->run->regs.rsi);
	EXPECT_EQ(0x21, b->run->regs.rdi);
}

/* A REP with it: many elements in one exit, upwards or downwards. */
TEST_F(ports, exit_memory_rep)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;

	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	if (!(i.region_kinds & 1U << PIOTRAP_REGION_EXIT))
		SKIP(return, "no PIOTRAP_REGION_EXIT in this module");
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_EXIT, 0xb8000, 4096, NULL));

	/* rep stosw; two of three are answered, the third is offered again */
	reset_cpu(b);
	b->run->segs.es.selector = 0xb800;
	b->run->segs.es.base = 0xb8000;
	b->run->regs.rdi = 0x10;
	b->run->regs.rcx = 3;
	b->run->regs.rax = 0x0741;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0xab));
	EXPECT_EXIT(IO_MEM, b);
	EXPECT_EQ(PIOTRAP_WRITE, b->run->io.dir);
	EXPECT_EQ(0xb8010, b->run->io.addr);
	EXPECT_EQ(2, b->run->io.size);
	EXPECT_EQ(3, b->run->io.count);
	EXPECT_EQ(PIOTRAP_IO_STRING | PIOTRAP_IO_REP, b->run->io.flags);
	EXPECT_EQ(0, memcmp(b->data, "\x41\x07\x41\x07\x41\x07", 6));
	EXPECT_EQ(3, b->run->regs.rcx);
	answer(b, 2);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(IO_MEM, b);
	EXPECT_EQ(0xb8014, b->run->io.addr);
	EXPECT_EQ(1, b->run->io.count);
	EXPECT_EQ(1, b->run->regs.rcx);
	answer(b, 1);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0, b->run->regs.rcx);
	EXPECT_EQ(0x16, b->run->regs.rdi);

	/* std; rep movsb from it: the first element is the one at the top */
	reset_cpu(b);
	b->run->segs.ds.selector = 0xb800;
	b->run->segs.ds.base = 0xb8000;
	b->run->regs.rsi = 0x22;
	b->run->regs.rdi = 0x2002;
	b->run->regs.rcx = 3;
	ASSERT_EQ(0, STREAM(b, 0xfd, 0xf3, 0xa4));
	EXPECT_EXIT(IO_MEM, b);
	EXPECT_EQ(PIOTRAP_READ, b->run->io.dir);
	EXPECT_EQ(0xb8022, b->run->io.addr);
	EXPECT_EQ(3, b->run->io.count);
	memcpy(b->data, "cba", 3);
	answer(b, 3);
	ASSERT_DONE(run_on(b));
	EXPECT_EQ(0, memcmp(b->mem + 0x2000, "abc", 3));
	EXPECT_EQ(0x1f, b->run->regs.rsi);
	EXPECT_EQ(0x1fff, b->run->regs.rdi);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
