// SPDX-License-Identifier: GPL-2.0
/*
 * BPF programs that decide about port accesses (K13): what they answer, the stop and
 * what follows it, that breakpoints and REP are as with any device, that nobody but
 * the sandbox which asked for it is concerned; and BPF programs that watch by the
 * module's BTF. decide.bpf.c is the program that decides.
 */

#include "common.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <sys/wait.h>

#include "decide.h"
#include "decide.skel.h"
#include "types.skel.h"

#define PORT	0x80		/* of kind BPF, up to NR_PORTS more */
#define NR_PORTS 8
#define INIT	0x21
#define NONE	0x90		/* open bus */
#define DST	0x3000UL

FIXTURE(bpf)
{
	struct box b;
	struct box other;
	uint64_t id;
	uint32_t owner;
	struct decide *p;
	struct bpf_link *link;
	struct bpf_link *second;
};

/* What libbpf has to complain about, the kernel's verifier included. */
static int complain(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_WARN)
		return 0;
	printf("# ");
	return vprintf(format, args);
}

static uint64_t sandbox_id(const struct box *b)
{
	struct piotrap_info i = { .size = sizeof(i) };

	return ctl(b, PIOTRAP_INFO, &i) ? 0 : i.sandbox_id;
}

FIXTURE_SETUP(bpf)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;

	self->other.fd = -1;
	if (geteuid())
		SKIP(return, "not root");
	BOX_SETUP(b);
	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	if (!(i.exit_reasons & 1ULL << PIOTRAP_EXIT_BPF))
		SKIP(return, "a kernel without BPF programs on tracepoints");
	self->id = i.sandbox_id;
	self->owner = getpid();
	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_BPF, ~0U, true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, PORT, NR_PORTS, INIT, 0));
	libbpf_set_print(complain);
	self->p = decide__open_and_load();
	ASSERT_NE(NULL, self->p);
	self->p->bss->orders.sandbox = i.sandbox_id;
	self->link = bpf_program__attach(self->p->progs.decide);
	ASSERT_NE(NULL, self->link);
}

FIXTURE_TEARDOWN(bpf)
{
	bpf_link__destroy(self->second);
	bpf_link__destroy(self->link);
	decide__destroy(self->p);
	box_close(&self->b);
	box_close(&self->other);
}

/* New orders; the questions are counted from 0 again. */
static struct decide_orders *order(struct decide *p)
{
	uint64_t sandbox = p->bss->orders.sandbox;

	memset(p->bss, 0, sizeof(*p->bss));
	p->bss->orders.sandbox = sandbox;
	return &p->bss->orders;
}

TEST_F(bpf, no_program)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, bpf_link__destroy(self->link));
	self->link = NULL;
	/* in al, 0x80; out 0x80, al; mov al, 0; in eax, 0x80 */
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80, 0xe6, 0x80, 0xb0, 0x00, 0x66, 0xe5,
			    0x80));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0xffffffff, b->run->regs.rax);
	EXPECT_EQ(0, self->p->bss->asked);
	/* There is one, and it has nothing to say. */
	self->link = bpf_program__attach(self->p->progs.decide);
	ASSERT_NE(NULL, self->link);
	order(self->p)->set = 1;
	ASSERT_EQ(0, STREAM(b, 0xe6, 0x80, 0xb0, 0x00, 0xe4, 0x80));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0xffffffff, b->run->regs.rax);
	EXPECT_EQ(2, self->p->bss->asked);
	/* What it says is no answer. */
	order(self->p)->action = PIOTRAP_BPF_STOP + 1;
	self->p->bss->orders.set = 1;
	ASSERT_EQ(0, STREAM(b, 0xb0, 0x00, 0xe4, 0x80));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0xffffffff, b->run->regs.rax);
}

/* Nobody is asked about a sandbox that does not want it. */
TEST_F(bpf, without_the_flag)
{
	struct box *b = &self->b;

	order(self->p)->action = PIOTRAP_BPF_DONE;
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	EXPECT_EQ(INIT, b->run->regs.rax);
	EXPECT_EQ(1, self->p->bss->asked);
	/* What there is turns into open bus. */
	ASSERT_EQ(0, set_config(b, 0, ~0U, true));
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80, 0xe6, 0x80));
	EXPECT_EQ(0xff, b->run->regs.rax);
	EXPECT_EQ(1, self->p->bss->asked);
	EXPECT_EQ(-EPERM, set_ports(b, PIOTRAP_PORT_BPF, 0x100, 1, 0, 0));
	/* And back. */
	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_BPF, ~0U, true));
	EXPECT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, 0x100, 1, 0, 0));
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	EXPECT_EQ(INIT, b->run->regs.rax);
	EXPECT_EQ(2, self->p->bss->asked);
	/* Other kinds of ports are none of its business. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0xa0, 1, 7, 0));
	ASSERT_EQ(0, STREAM(b, 0xe4, 0xa0, 0xe4, NONE));
	EXPECT_EQ(2, self->p->bss->asked);
	EXPECT_EQ(0, self->p->bss->others);
}

TEST_F(bpf, the_record)
{
	struct piotrap_bpf_io *io = self->p->bss->seen;
	struct box *b = &self->b;

	order(self->p)->action = PIOTRAP_BPF_DONE;
	b->run->regs.rax = 0x99aabbcc;
	/* nop; in al, 0x81; mov eax, 0x44332211; out 0x84, eax; in ax, 0x86 */
	ASSERT_EQ(0, STREAM(b, 0x90, 0xe4, 0x81, 0x66, 0xb8, 0x11, 0x22, 0x33, 0x44,
			    0x66, 0xe7, 0x84, 0xe5, 0x86));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x44334433, b->run->regs.rax);
	ASSERT_EQ(3, self->p->bss->asked);
	static const struct piotrap_bpf_io want[] = {
		{ .rip = 0x1001, .value = INIT, .port = 0x81, .size = 1 },
		{ .rip = 0x1009, .value = 0x44332211, .port = 0x84, .size = 4,
		  .dir = PIOTRAP_WRITE },
		{ .rip = 0x100c, .value = 0x4433, .port = 0x86, .size = 2 },
	};

	for (int i = 0; i < 3; i++) {
		struct piotrap_bpf_io w = want[i];

		w.sandbox = self->id;
		w.owner = self->owner;
		EXPECT_EQ(0, memcmp(&w, &io[i], sizeof(w))) TH_LOG("%d", i);
	}
}

/* A value read is cut to the size, and the rest of the register stays. */
TEST_F(bpf, reads)
{
	static const struct {
		uint8_t code[3];
		uint8_t len;
		uint64_t rax;
	} t[] = {
		{ { 0xe4, 0x80 }, 2, 0x8877665555aaaa44 },
		{ { 0xe5, 0x80 }, 2, 0x8877665555aa3344 },
		{ { 0x66, 0xe5, 0x80 }, 3, 0x11223344 },
	};
	struct box *b = &self->b;

	order(self->p)->action = PIOTRAP_BPF_DONE;
	self->p->bss->orders.set = 1;
	self->p->bss->orders.value = 0x11223344;
	for (int i = 0; i < 3; i++) {
		reset_cpu(b);
		b->run->regs.rax = 0x8877665555aaaaaa;
		ASSERT_EQ(0, run_stream(b, t[i].code, t[i].len));
		EXPECT_EXIT(DONE, b);
		EXPECT_EQ(t[i].rax, b->run->regs.rax);
	}
}

/* A write: as it is, changed, swallowed. */
TEST_F(bpf, writes)
{
	struct decide_orders *o = order(self->p);
	struct box *b = &self->b;

	o->action = PIOTRAP_BPF_DONE;
	/* mov eax, 0x44332211; out 0x80, eax; mov al, 0; in eax, 0x80 */
	ASSERT_EQ(0, STREAM(b, 0x66, 0xb8, 0x11, 0x22, 0x33, 0x44, 0x66, 0xe7, 0x80,
			    0xb0, 0x00, 0x66, 0xe5, 0x80));
	EXPECT_EQ(0x44332211, b->run->regs.rax);
	o->flip = 0xff00ff;
	ASSERT_EQ(0, STREAM(b, 0x66, 0xe7, 0x80));
	o->flip = 0;
	ASSERT_EQ(0, STREAM(b, 0x66, 0xe5, 0x80));
	EXPECT_EQ(0x44cc22ee, b->run->regs.rax);
	/* Bits beyond the size do not reach the next port. */
	o->flip = ~0U;
	ASSERT_EQ(0, STREAM(b, 0xe6, 0x81));
	o->flip = 0;
	ASSERT_EQ(0, STREAM(b, 0x66, 0xe5, 0x80));
	EXPECT_EQ(0x44cc11ee, b->run->regs.rax);
	o->action = PIOTRAP_BPF_NONE;
	ASSERT_EQ(0, STREAM(b, 0xe7, 0x80));
	o->action = PIOTRAP_BPF_DONE;
	b->run->regs.rax = 0;
	touch(b, PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, STREAM(b, 0x66, 0xe5, 0x80));
	EXPECT_EQ(0x44cc11ee, b->run->regs.rax);
}

TEST_F(bpf, stop_and_resume)
{
	struct decide_orders *o = order(self->p);
	struct box *b = &self->b;

	o->action = PIOTRAP_BPF_DONE;
	o->stop = 1;
	/* Nothing of it has happened. */
	b->run->regs.rax = 0x1234;
	ASSERT_EQ(0, STREAM(b, 0x90, 0xe4, 0x82, 0x90));
	ASSERT_EXIT(BPF, b);
	EXPECT_EQ(0x1001, b->run->regs.rip);
	EXPECT_EQ(0x1234, b->run->regs.rax);
	EXPECT_EQ(1, b->run->boundaries);
	EXPECT_EQ(0x82, b->run->exit_addr);
	EXPECT_EQ(1, b->run->exit_size);
	EXPECT_EQ(PIOTRAP_READ, b->run->exit_access);
	EXPECT_EQ(0, b->run->exit_value);
	EXPECT_EQ(PIOTRAP_IO_NONE, b->run->io.kind);
	/* It is asked again, and knows. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x1200 | INIT, b->run->regs.rax);
	ASSERT_EQ(2, self->p->bss->asked);
	EXPECT_EQ(0, self->p->bss->seen[0].again);
	EXPECT_EQ(1, self->p->bss->seen[1].again);
	/* The next access is another one. */
	ASSERT_EQ(0, STREAM(b, 0xe7, 0x84));
	ASSERT_EXIT(BPF, b);
	EXPECT_EQ(0x84, b->run->exit_addr);
	EXPECT_EQ(2, b->run->exit_size);
	EXPECT_EQ(PIOTRAP_WRITE, b->run->exit_access);
	EXPECT_EQ(0x1200 | INIT, b->run->exit_value);
	EXPECT_EQ(0, self->p->bss->seen[2].again);
	/* So it is if the owner goes elsewhere. */
	b->run->regs.rip = CODE;
	touch(b, PIOTRAP_GROUP_REGS);
	PUT(b, 0xe7, 0x84, 0xf4);
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(LEFT_STREAM, b);
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(BPF, b);
	EXPECT_EQ(0, self->p->bss->seen[3].again);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(1, self->p->bss->seen[4].again);
	EXPECT_EQ(5, self->p->bss->asked);
}

/* A stop is saved and restored; one that is asked for again and again is no harm. */
TEST_F(bpf, stop_elsewhere)
{
	static struct piotrap_state st;
	struct decide_orders *o = order(self->p);
	struct box *b = &self->b, *c = &self->other;

	o->action = PIOTRAP_BPF_STOP;
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	for (int i = 0; i < 3; i++) {
		ASSERT_EXIT(BPF, b);
		EXPECT_EQ(0, b->run->boundaries);
		ASSERT_EQ(0, get_state(b, &st));
		EXPECT_EQ(1, st.progress.stopped);
		ASSERT_EQ(0, run_on(b));
	}
	ASSERT_EXIT(BPF, b);
	EXPECT_EQ(4, self->p->bss->asked);
	ASSERT_EQ(0, get_state(b, &st));
	ASSERT_EQ(0, box_open(c));
	ASSERT_EQ(0, set_config(c, PIOTRAP_CONFIG_BPF, ~0U, true));
	ASSERT_EQ(0, set_ports(c, PIOTRAP_PORT_BPF, PORT, NR_PORTS, 0x77, 0));
	ASSERT_EQ(0, set_state(c, &st));
	c->run->dirty = 0;
	o = order(self->p);
	o->sandbox = sandbox_id(c);
	o->action = PIOTRAP_BPF_DONE;
	ASSERT_EQ(0, run_on(c));
	EXPECT_EXIT(DONE, c);
	EXPECT_EQ(0x77, c->run->regs.rax);
	ASSERT_EQ(1, self->p->bss->asked);
	EXPECT_EQ(1, self->p->bss->seen[0].again);
}

TEST_F(bpf, rep)
{
	struct decide_orders *o = order(self->p);
	struct box *b = &self->b;

	/* Each element is asked about. */
	o->action = PIOTRAP_BPF_DONE;
	o->count = 1;
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	/* rep insb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(5, b->run->boundaries);
	EXPECT_EQ(5, self->p->bss->asked);
	EXPECT_EQ(0, memcmp(b->mem + DST, "\0\1\2\3\4\0", 6));
	EXPECT_EQ(DST + 5, b->run->regs.rdi);

	/* A stop before the third of five, and on. */
	o = order(self->p);
	o->action = PIOTRAP_BPF_DONE;
	o->stop_at = 3;
	reset_cpu(b);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = DST;
	/* rep outsw */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6f));
	ASSERT_EXIT(BPF, b);
	EXPECT_EQ(2, b->run->boundaries);
	EXPECT_EQ(3, b->run->regs.rcx);
	EXPECT_EQ(DST + 4, b->run->regs.rsi);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(0x0004, b->run->exit_value);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(3, b->run->boundaries);
	EXPECT_EQ(0, b->run->regs.rcx);
	ASSERT_EQ(6, self->p->bss->asked);
	static const uint16_t values[] = { 0x0100, 0x0302, 4, 4, 0, 0 };

	for (int i = 0; i < 6; i++) {
		EXPECT_EQ(values[i], self->p->bss->seen[i].value);
		EXPECT_EQ(i == 3, self->p->bss->seen[i].again);
	}
}

/* A loop that runs as a block is asked each time, and a latch in it is none's business. */
TEST_F(bpf, loop)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0xa0, 1, 7, 0));
	/* in al, 0x80; out 0x81, al; in al, 0xa0; loop $-8; hlt */
	PUT(b, 0xe4, 0x80, 0xe6, 0x81, 0xe4, 0xa0, 0xe2, 0xf8, 0xf4);
	for (int i = 0; i < 3; i++) {
		order(self->p)->action = PIOTRAP_BPF_DONE;
		reset_cpu(b);
		b->run->regs.rcx = 23;
		ASSERT_EQ(0, run_on(b));
		ASSERT_EXIT(HLT, b);
		EXPECT_EQ(4 * 23 + 1, b->run->boundaries);
		EXPECT_EQ(46, self->p->bss->asked);
		EXPECT_EQ(7, b->run->regs.rax);
	}
	/* The stop comes where it is asked for, and goes on. */
	order(self->p)->action = PIOTRAP_BPF_DONE;
	self->p->bss->orders.stop_at = 21;
	reset_cpu(b);
	b->run->regs.rcx = 23;
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(BPF, b);
	EXPECT_EQ(CODE, b->run->regs.rip);
	EXPECT_EQ(13, b->run->regs.rcx);
	EXPECT_EQ(40, b->run->boundaries);
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(HLT, b);
	EXPECT_EQ(47, self->p->bss->asked);
	/* Without a program: open bus. */
	ASSERT_EQ(0, bpf_link__destroy(self->link));
	self->link = NULL;
	order(self->p);
	PUT(b, 0xe4, 0x80, 0xe6, 0x81, 0xe4, 0x81, 0xe2, 0xf8, 0xf4);
	for (int i = 0; i < 3; i++) {
		reset_cpu(b);
		b->run->regs.rcx = 23;
		ASSERT_EQ(0, run_on(b));
		ASSERT_EXIT(HLT, b);
		EXPECT_EQ(0xff, b->run->regs.rax);
	}
	EXPECT_EQ(0, self->p->bss->asked);
}

/* As with any device: the trap comes after the access, and not for a stop. */
TEST_F(bpf, breakpoints)
{
	struct decide_orders *o = order(self->p);
	struct box *b = &self->b;

	o->action = PIOTRAP_BPF_DONE;
	o->stop = 1;
	arm(b, 0, BP_IO, 1, PORT + 1);
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80, 0xe5, 0x80, 0x90));
	ASSERT_EXIT(BPF, b);
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(BPF, b);
	EXPECT_EQ(0x1002, b->run->regs.rip);
	EXPECT_EQ(0, b->run->debug.pending_dbg);
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(DEBUG, b);
	EXPECT_EQ(0x1004, b->run->regs.rip);
	EXPECT_EQ(1, b->run->event.payload);
	EXPECT_EQ(INIT << 8 | INIT, b->run->regs.rax);
	ASSERT_EQ(0, take_and_return(b));
	ASSERT_EQ(0, go_on(b));
	EXPECT_EXIT(DONE, b);

	/* A write that is swallowed is a write. A REP breaks at each element. */
	o->action = PIOTRAP_BPF_NONE;
	o->stop = 0;
	reset_cpu(b);
	arm(b, 1, BP_IO, 1, PORT);
	b->run->regs.rcx = 2;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = DST;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	for (int left = 1; left >= 0; left--) {
		ASSERT_EXIT(DEBUG, b);
		EXPECT_EQ(2, b->run->event.payload);
		EXPECT_EQ(left, b->run->regs.rcx);
		ASSERT_EQ(0, take_and_return(b));
		ASSERT_EQ(0, go_on(b));
	}
	EXPECT_EXIT(DONE, b);

	/* Single step over a stop: one step. */
	o->stop = 1;
	reset_cpu(b);
	b->run->regs.rflags |= FL_TF;
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	ASSERT_EXIT(BPF, b);
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(DEBUG, b);
	EXPECT_EQ(DBG_BS, b->run->event.payload);
	EXPECT_EQ(0x1002, b->run->regs.rip);
}

/* An access that touches other kinds of ports, too, goes byte by byte (K15). */
TEST_F(bpf, several_kinds)
{
	struct decide_orders *o = order(self->p);
	struct box *b = &self->b;
	char c[4];

	ASSERT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_CONSOLE, PORT - 1, 1, 0xe9, 0));
	o->action = PIOTRAP_BPF_DONE;
	o->stop = 1;
	b->run->regs.rax = 0x44332241;
	/* out 0x7f, eax: the console's byte is written once, whatever stops */
	ASSERT_EQ(0, STREAM(b, 0x66, 0xe7, 0x7f));
	for (int i = 0; i < 3; i++) {
		ASSERT_EXIT(BPF, b);
		EXPECT_EQ(PORT + i, b->run->exit_addr);
		EXPECT_EQ(1, b->run->exit_size);
		ASSERT_EQ(0, run_on(b));
	}
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(6, self->p->bss->asked);
	EXPECT_EQ(1, read(b->fd, c, sizeof(c)));
	EXPECT_EQ('A', c[0]);
	o->stop = 0;
	ASSERT_EQ(0, STREAM(b, 0x66, 0xe5, 0x7f));
	EXPECT_EQ(0x443322e9, b->run->regs.rax);
	/* Several ranges of the same kind are one question, and share no byte. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, PORT + 2, 1, 0x55, 0));
	order(self->p)->action = PIOTRAP_BPF_DONE;
	ASSERT_EQ(0, STREAM(b, 0x66, 0xe5, 0x80, 0x66, 0xe7, 0x81, 0x66, 0xe5, 0x82));
	EXPECT_EQ(3, self->p->bss->asked);
	EXPECT_EQ(0x21553322, self->p->bss->seen[0].value);
	EXPECT_EQ(0x21215533, self->p->bss->seen[2].value);
	EXPECT_EQ(4, self->p->bss->seen[2].size);
	/* Past the last port there is open bus. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, 0xffff, 1, 0x12, 0));
	reset_cpu(b);
	b->run->regs.rdx = 0xffff;
	/* in ax, dx */
	ASSERT_EQ(0, STREAM(b, 0xed));
	EXPECT_EQ(0xff12, b->run->regs.rax);
	EXPECT_EQ(4, self->p->bss->asked);
}

TEST_F(bpf, two_programs)
{
	struct box *b = &self->b;

	order(self->p)->action = PIOTRAP_BPF_DONE;
	self->second = bpf_program__attach(self->p->progs.decide_second);
	ASSERT_NE(NULL, self->second);
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	EXPECT_EQ(INIT + 1, b->run->regs.rax);
	/* Without the first there is a value, but no answer. */
	ASSERT_EQ(0, bpf_link__destroy(self->link));
	self->link = NULL;
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	EXPECT_EQ(0xff, b->run->regs.rax);
}

#define ROUNDS	400

/* A sandbox with a latch where the other has a program; what it does is known. */
static void *undisturbed(void *arg)
{
	struct box *b = arg;
	uint8_t want = 1;

	for (int i = 0; i < ROUNDS; i++) {
		b->run->regs.rip = CODE;
		b->run->regs.rcx = 3;
		b->run->regs.rdi = DST;
		touch(b, PIOTRAP_GROUP_REGS);
		/* in al, 0x80; inc al; out 0x80, al; rep insb */
		if (STREAM(b, 0xe4, 0x80, 0xfe, 0xc0, 0xe6, 0x80, 0xf3, 0x6c) ||
		    b->run->exit_reason != PIOTRAP_EXIT_DONE)
			return "the run";
		want++;
		if (b->run->regs.rax != want || b->mem[DST] != want ||
		    b->mem[DST + 2] != want || b->mem[DST + 3])
			return "the result";
		if (b->run->regs.rip != CODE + 8 || b->run->regs.rcx ||
		    b->run->boundaries != 6)
			return "the registers";
	}
	return NULL;
}

/* What comes back is any bytes at all: of the sandbox nothing else is touched. */
TEST_F(bpf, garbage)
{
	struct box *b = &self->b, *c = &self->other;
	unsigned int stops = 0;
	pthread_t thread;
	void *wrong;

	ASSERT_EQ(0, box_open(c));
	ASSERT_EQ(0, set_ports(c, PIOTRAP_PORT_LATCH, PORT, NR_PORTS, 1, 0));
	c->run->regs.rdx = PORT;
	order(self->p)->garbage = 1;
	ASSERT_EQ(0, pthread_create(&thread, NULL, undisturbed, c));
	for (int i = 0; i < ROUNDS; i++) {
		unsigned int boundaries = 0;
		int tries = 0;

		reset_cpu(b);
		memset(b->mem + DST, 0x5a, 16);
		b->run->regs.rax = 0x11111111;
		b->run->regs.rcx = 3;
		b->run->regs.rdx = PORT;
		b->run->regs.rdi = DST;
		b->run->regs.rsi = DST + 8;
		/* in al, 0x80; out 0x80, eax; insb; rep outsw */
		ASSERT_EQ(0, STREAM(b, 0xe4, 0x80, 0x66, 0xe7, 0x80, 0x6c, 0xf3,
				    0x6f));
		while (b->run->exit_reason == PIOTRAP_EXIT_BPF && tries++ < 1000) {
			boundaries += b->run->boundaries;
			stops++;
			ASSERT_EQ(0, run_on(b));
		}
		ASSERT_EXIT(DONE, b);
		EXPECT_EQ(6, boundaries + b->run->boundaries);
		EXPECT_EQ(0x111111, b->run->regs.rax >> 8);
		EXPECT_EQ(0, b->run->regs.rcx);
		EXPECT_EQ(PORT, b->run->regs.rdx);
		EXPECT_EQ(DST + 1, b->run->regs.rdi);
		EXPECT_EQ(DST + 14, b->run->regs.rsi);
		EXPECT_EQ(CODE + 8, b->run->regs.rip);
		EXPECT_EQ(FL_FIXED, b->run->regs.rflags);
		EXPECT_EQ(0, memcmp(b->mem + DST + 1, "ZZZZZZZZZZZZZZZ", 15));
	}
	ASSERT_EQ(0, pthread_join(thread, &wrong));
	EXPECT_EQ(NULL, wrong) TH_LOG("of the other: %s", (char *)wrong);
	EXPECT_EQ(6 * ROUNDS + stops, self->p->bss->asked);
	EXPECT_LT(0, stops);
	EXPECT_EQ(0, self->p->bss->others);
}

/* Who may attach a program is the kernel's business: not everybody. */
TEST_F(bpf, unprivileged)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		libbpf_set_print(NULL);
		if (setresgid(65534, 65534, 65534) ||
		    setresuid(65534, 65534, 65534))
			_exit(2);
		_exit(decide__open_and_load() ? 1 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* By types: only where the module has BTF. */
TEST_F(bpf, btf)
{
	struct box *b = &self->b;
	struct types *p;

	if (access("/sys/kernel/btf/piotrap", R_OK))
		SKIP(return, "no BTF of the module");
	p = types__open_and_load();
	ASSERT_NE(NULL, p);
	p->bss->sandbox = self->id;
	ASSERT_EQ(0, types__attach(p));
	b->run->regs.rcx = 23;
	b->run->regs.rdx = NONE;
	/* rep outsw; in eax, dx */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6f, 0x66, 0xed));
	EXPECT_EXIT(DONE, b);
	EXPECT_LE(1, p->bss->writes);
	EXPECT_EQ(1, p->bss->reads);
	EXPECT_EQ(50, p->bss->bytes);
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0xa0, 1, 0, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0xa1, 1, 0, 0));
	EXPECT_EQ(2, p->bss->sets);
	types__destroy(p);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
