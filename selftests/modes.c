// SPDX-License-Identifier: GPL-2.0
/*
 * Protected mode, V86 mode and 64-bit mode: descriptor tables, a TSS and page
 * tables in memory, and port I/O, faults and interrupts on top of them.
 */

#include "common.h"

#define GDT		0x2000UL
#define IDT		0x2800UL
#define TSS		0x3000UL
#define RING0_STACK	0x7000UL
#define PML4		0x8000UL
#define PDPT		0x9000UL
#define PD		0xa000UL
#define PT		0xb000UL
#define HANDLER		0xc000UL
#define USER_STACK	0x10000UL
#define DATA		0x12000UL

/* Pages of the 64-bit space that are not like the others. */
#define SUPERVISOR	0x1c000UL
#define READ_ONLY	0x1d000UL
#define ABSENT		0x1e000UL
#define NO_EXEC		0x1f000UL

/* Selectors. */
#define CODE0		0x08
#define DATA0		0x10
#define CODE3		0x1b
#define DATA3		0x23
#define CODE0_64	0x28
#define CODE3_64	0x33
#define TSS_SEL		0x38

#define CR0_PE		1UL
#define CR0_WP		(1UL << 16)
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)
#define EFER_NXE	(1UL << 11)
#define FL_VM		(1UL << 17)
#define FL_IOPL3	(3UL << 12)

#define PTE_P		1UL
#define PTE_W		2UL
#define PTE_U		4UL
#define PTE_A		0x20UL
#define PTE_D		0x40UL
#define PTE_NX		(1UL << 63)

#define VEC_PF		14
#define BITMAP		0x68	/* in the TSS */
#define TSS_LIMIT	0x17f	/* ports 0 to 8B7h, and the byte after them */

#define PORT		0x80	/* latch */
#define EXIT_PORT	0x90

enum mode { PROT, LONG, V86, NR_MODES };

static const char *const mode_name[] = { "protected", "long", "V86" };

FIXTURE(modes)
{
	struct box b, other;
};

static uint64_t descriptor(unsigned int attr)
{
	uint64_t access = attr & 0xff, flags = attr >> 12 & 0xf;

	/* base 0, limit FFFFFh pages */
	return 0xffffULL | access << 40 | 0xfULL << 48 | flags << 52;
}

static void put(const struct box *b, unsigned long at, const void *p, size_t n)
{
	memcpy(b->mem + at, p, n);
}

static void put64(const struct box *b, unsigned long at, uint64_t val)
{
	put(b, at, &val, 8);
}

static void set_bit(const struct box *b, unsigned int port, bool denied)
{
	uint8_t *byte = b->mem + TSS + BITMAP + port / 8;

	*byte = (*byte & ~(1 << port % 8)) | denied << port % 8;
}

static void gate(const struct box *b, bool is64, unsigned int vector)
{
	uint64_t low = (HANDLER & 0xffff) | (HANDLER >> 16) << 48 |
		       (uint64_t)(is64 ? CODE0_64 : CODE0) << 16 |
		       0xee00ULL << 32;

	put64(b, IDT + vector * (is64 ? 16 : 8), low);
	if (is64)
		put64(b, IDT + vector * 16 + 8, 0);
}

/* Page 0 to 1FFFFh onto themselves. */
static void page_tables(const struct box *b)
{
	memset(b->mem + PML4, 0, 4 * 4096);
	put64(b, PML4, PDPT | PTE_P | PTE_W | PTE_U);
	put64(b, PDPT, PD | PTE_P | PTE_W | PTE_U);
	put64(b, PD, PT | PTE_P | PTE_W | PTE_U);
	for (unsigned long page = 0; page < MEM_SIZE; page += 4096) {
		uint64_t pte = page | PTE_P | PTE_W | PTE_U;

		if (page == SUPERVISOR)
			pte &= ~PTE_U;
		if (page == READ_ONLY)
			pte &= ~PTE_W;
		if (page == ABSENT)
			pte &= ~PTE_P;
		if (page == NO_EXEC)
			pte |= PTE_NX;
		put64(b, PT + page / 4096 * 8, pte);
	}
}

static void tables(const struct box *b, enum mode mode)
{
	static const unsigned int attr[] = {
		0, 0xc09b, 0xc093, 0xc0fb, 0xc0f3, 0xa09b, 0xa0fb,
	};
	uint16_t bitmap = BITMAP;
	uint32_t ring0[2] = { RING0_STACK, DATA0 };

	for (unsigned int i = 0; i < sizeof(attr) / sizeof(attr[0]); i++)
		put64(b, GDT + 8 * i, i ? descriptor(attr[i]) : 0);
	memset(b->mem + IDT, 0, 0x800);
	gate(b, mode == LONG, 0x30);
	gate(b, mode == LONG, VEC_GP);
	gate(b, mode == LONG, VEC_PF);
	memset(b->mem + TSS, 0, BITMAP);
	memset(b->mem + TSS + BITMAP, 0xff, 0x200);
	if (mode == LONG)
		put64(b, TSS + 4, RING0_STACK);
	else
		put(b, TSS + 4, ring0, sizeof(ring0));
	put(b, TSS + 102, &bitmap, 2);
	page_tables(b);
}

static struct piotrap_segment flat(unsigned int sel, unsigned int attr)
{
	return (struct piotrap_segment){
		.limit = ~0U, .attr = attr, .selector = sel,
	};
}

/* CPL 3 in @mode with IOPL 0, RIP at linear address CODE. */
static void enter(const struct box *b, enum mode mode)
{
	struct piotrap_run *run = b->run;
	struct piotrap_segment *seg = &run->segs.es;

	reset_cpu(b);
	tables(b, mode);
	run->ctrl.cr0 = CR0_PE;
	run->ctrl.cr2 = 0;
	run->ctrl.efer = 0;
	if (mode == LONG) {
		run->ctrl.cr0 |= CR0_PG | CR0_WP;
		run->ctrl.cr3 = PML4;
		run->ctrl.cr4 = CR4_DE | CR4_PAE;
		run->ctrl.efer = EFER_LME | EFER_LMA | EFER_NXE;
	}
	for (int i = 0; i < 6; i++) {
		if (mode == V86)
			seg[i] = (struct piotrap_segment){
				.limit = 0xffff, .attr = 0xf3,
			};
		else if (i == 1)
			seg[i] = mode == LONG ? flat(CODE3_64, 0xa0fb) :
						flat(CODE3, 0xc0fb);
		else
			seg[i] = flat(DATA3, 0xc0f3);
	}
	run->segs.tr = (struct piotrap_segment){
		.base = TSS, .limit = TSS_LIMIT, .attr = 0x8b,
		.selector = TSS_SEL,
	};
	run->segs.gdtr.base = GDT;
	run->segs.gdtr.limit = 0x37;
	run->segs.idtr.base = IDT;
	run->segs.idtr.limit = 0x7ff;
	run->regs.rsp = mode == V86 ? 0xfff0 : USER_STACK;
	if (mode == V86)
		run->regs.rflags |= FL_VM;
}

static void ring0(const struct box *b, enum mode mode)
{
	b->run->segs.cs = mode == LONG ? flat(CODE0_64, 0xa09b) :
					 flat(CODE0, 0xc09b);
	b->run->segs.ss = flat(DATA0, 0xc093);
	b->run->regs.rsp = RING0_STACK;
}

FIXTURE_SETUP(modes)
{
	struct piotrap_info i = { .size = sizeof(i) };
	unsigned int need = PIOTRAP_MODE_PROTECTED | PIOTRAP_MODE_V86 |
			    PIOTRAP_MODE_LONG;

	BOX_SETUP(&self->b);
	BOX_SETUP(&self->other);
	ASSERT_EQ(0, ctl(&self->b, PIOTRAP_INFO, &i));
	ASSERT_EQ(need, i.modes & need);
	ASSERT_EQ(0, set_ports(&self->b, PIOTRAP_PORT_LATCH, PORT, 4, 0, 0));
	ASSERT_EQ(0, set_ports(&self->other, PIOTRAP_PORT_LATCH, PORT, 4, 0, 0));
	ASSERT_EQ(0, set_ports(&self->b, PIOTRAP_PORT_EXIT, EXIT_PORT, 1, 0, 0));
	ASSERT_EQ(0, set_ports(&self->other, PIOTRAP_PORT_EXIT, EXIT_PORT, 1, 0,
			       0));
}

FIXTURE_TEARDOWN(modes)
{
	box_close(&self->b);
	box_close(&self->other);
}

/* -- Port permission (S33-S41). -- */

/* The four latches, by a sandbox of its own: real mode may always. */
static uint32_t latches(const struct box *b)
{
	reset_cpu(b);
	b->run->ctrl.cr0 = 0;
	b->run->ctrl.efer = 0;
	/* in eax, 0x80 */
	if (STREAM(b, 0x66, 0xe5, PORT))
		return ~0U;
	return b->run->regs.rax;
}

static const struct permission {
	const char *name;
	unsigned int width;	/* of an OUT to PORT */
	uint8_t bits;		/* of the bitmap, for PORT to PORT + 7 */
	uint32_t limit;		/* of TR, if not 0 */
	bool iopl3, cpl0;
	bool allowed, in_v86;
} permissions[] = {
	{ "S38 bit clear", 1, 0xfe, .allowed = true, .in_v86 = true },
	{ "S38 bit set", 1, 0x01, .allowed = false },
	{ "S38 word, both clear", 2, 0xfc, .allowed = true, .in_v86 = true },
	{ "S38 word, high set", 2, 0x02, .allowed = false },
	{ "S38 dword, clear", 4, 0xf0, .allowed = true, .in_v86 = true },
	{ "S38 dword, last set", 4, 0x08, .allowed = false },
	{ "S37 limit after the next byte", 1, 0,
	  .limit = BITMAP + PORT / 8 + 1, .allowed = true, .in_v86 = true },
	{ "S37 limit before it", 1, 0, .limit = BITMAP + PORT / 8 },
	{ "S37 bitmap not in the TSS", 1, 0, .limit = BITMAP - 1 },
	{ "S35 TSS too short", 1, 0, .limit = 102 },
	{ "S33 IOPL 3, S34 not in V86", 4, 0xff, .iopl3 = true,
	  .allowed = true },
	{ "S33 IOPL 3, no bitmap", 1, 0xff, .iopl3 = true, .limit = 0x67,
	  .allowed = true },
	{ "S33 CPL 0", 4, 0xff, .cpl0 = true, .allowed = true },
};

TEST_F(modes, port_permission)
{
	struct box *b = &self->b;

	for (int mode = 0; mode < NR_MODES; mode++) {
		for (size_t i = 0; i < sizeof(permissions) /
				       sizeof(permissions[0]); i++) {
			const struct permission *p = &permissions[i];
			bool allowed = mode == V86 ? p->in_v86 : p->allowed;
			bool prefix = p->width == (mode == V86 ? 4 : 2);
			uint8_t code[3] = { 0x66, p->width == 1 ? 0xee : 0xef };
			uint32_t want = allowed ? 0x44332211 : 0;

			if (p->cpl0 && mode == V86)
				continue;
			latches(b);
			reset_cpu(b);
			b->run->ctrl.cr0 = 0;
			b->run->ctrl.efer = 0;
			/* xor eax, eax; out 0x80, eax */
			ASSERT_EQ(0, STREAM(b, 0x66, 0x31, 0xc0, 0x66, 0xe7,
					    PORT));
			enter(b, mode);
			b->mem[TSS + BITMAP + PORT / 8] = p->bits;
			if (p->limit)
				b->run->segs.tr.limit = p->limit;
			if (p->iopl3)
				b->run->regs.rflags |= FL_IOPL3;
			if (p->cpl0)
				ring0(b, mode);
			b->run->regs.rdx = PORT;
			b->run->regs.rax = 0x44332211;
			ASSERT_EQ(0, run_stream(b, code + !prefix, 1 + prefix))
				TH_LOG("%s, %s", mode_name[mode], p->name);
			if (allowed) {
				EXPECT_EXIT(DONE, b)
					TH_LOG("%s, %s", mode_name[mode],
					       p->name);
			} else {
				EXPECT_EXIT(EXCEPTION, b)
					TH_LOG("%s, %s", mode_name[mode],
					       p->name);
				EXPECT_EQ(VEC_GP, b->run->event.vector);
				EXPECT_EQ(0, b->run->event.error_code);
				EXPECT_EQ(CODE, b->run->regs.rip);
			}
			EXPECT_EQ(want & (0xffffffffULL >> (32 - 8 * p->width)),
				  latches(b))
				TH_LOG("%s, %s", mode_name[mode], p->name);
		}
	}
}

/* A string is denied before its first element, and leaves its registers alone. */
TEST_F(modes, string_permission)
{
	struct box *b = &self->b;

	for (int mode = 0; mode < NR_MODES; mode++) {
		enter(b, mode);
		set_bit(b, PORT, true);
		b->run->regs.rdx = PORT;
		b->run->regs.rcx = 5;
		b->run->regs.rsi = DATA & 0xffff;
		b->run->regs.rdi = DATA & 0xffff;
		/* rep outsb */
		ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
		EXPECT_EXIT(EXCEPTION, b) TH_LOG("%s", mode_name[mode]);
		EXPECT_EQ(VEC_GP, b->run->event.vector);
		EXPECT_EQ(5, b->run->regs.rcx);
		EXPECT_EQ(DATA & 0xffff, b->run->regs.rsi);
		/* Allowed now: the same instruction, and all of it. */
		set_bit(b, PORT, false);
		b->run->event.action = PIOTRAP_EVENT_ABSORB;
		touch(b, PIOTRAP_GROUP_EVENT);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(DONE, b) TH_LOG("%s", mode_name[mode]);
		EXPECT_EQ(0, b->run->regs.rcx);
	}
}

/* The bitmap is read for the system, before the port is touched. */
TEST_F(modes, s41_bitmap_not_mapped)
{
	struct box *b = &self->b;

	latches(b);
	enter(b, LONG);
	b->run->segs.tr.base = ABSENT;
	ASSERT_EQ(0, STREAM(b, 0xe6, PORT));
	EXPECT_EXIT(EXCEPTION, b);
	EXPECT_EQ(VEC_PF, b->run->event.vector);
	EXPECT_EQ(0, b->run->event.error_code);
	EXPECT_EQ(ABSENT + 0x66, b->run->event.payload);
	/* Where CPL 3 itself may not look is no obstacle. */
	enter(b, LONG);
	put(b, SUPERVISOR, b->mem + TSS, 0x200);
	b->mem[SUPERVISOR + BITMAP + PORT / 8] = 0;
	b->run->segs.tr.base = SUPERVISOR;
	ASSERT_EQ(0, STREAM(b, 0xe6, PORT));
	EXPECT_EXIT(DONE, b);
}

/* I/O breakpoints are matched in every mode. */
TEST_F(modes, io_breakpoint)
{
	struct box *b = &self->b;

	for (int mode = 0; mode < NR_MODES; mode++) {
		enter(b, mode);
		set_bit(b, PORT, false);
		arm(b, 2, BP_IO, 1, PORT);
		/* out 0x80, al; nop */
		ASSERT_EQ(0, STREAM(b, 0xe6, PORT, 0x90));
		EXPECT_EXIT(DEBUG, b) TH_LOG("%s", mode_name[mode]);
		EXPECT_EQ(4, b->run->event.payload);
		EXPECT_EQ(CODE + 2, b->run->regs.rip);
	}
}

/* -- Page faults. -- */

static const struct page_fault {
	const char *name;
	uint8_t code[4];
	unsigned int len;
	unsigned long addr;
	unsigned int error;
} page_faults[] = {
	{ "read, absent", { 0x8b, 0x07 }, 2, ABSENT + 8, 4 },
	{ "write, absent", { 0x89, 0x07 }, 2, ABSENT + 8, 6 },
	{ "read, supervisor", { 0x8b, 0x07 }, 2, SUPERVISOR, 5 },
	{ "write, supervisor", { 0x89, 0x07 }, 2, SUPERVISOR, 7 },
	{ "write, read-only", { 0x89, 0x07 }, 2, READ_ONLY + 1, 7 },
	{ "rmw, read-only", { 0xff, 0x07 }, 2, READ_ONLY + 1, 7 },
	{ "insb to read-only", { 0x6c }, 1, READ_ONLY + 1, 7 },
	{ "read beyond the map", { 0x8b, 0x07 }, 2, 0x40000000, 4 },
};

TEST_F(modes, page_fault)
{
	struct box *b = &self->b;

	for (size_t i = 0; i < sizeof(page_faults) / sizeof(page_faults[0]);
	     i++) {
		const struct page_fault *f = &page_faults[i];

		enter(b, LONG);
		set_bit(b, PORT, false);
		b->run->regs.rdi = f->addr;
		b->run->regs.rdx = PORT;
		ASSERT_EQ(0, run_stream(b, f->code, f->len));
		EXPECT_EXIT(EXCEPTION, b) TH_LOG("%s", f->name);
		EXPECT_EQ(VEC_PF, b->run->event.vector) TH_LOG("%s", f->name);
		EXPECT_EQ(PIOTRAP_EVENT_ERROR | PIOTRAP_EVENT_PAYLOAD |
			  PIOTRAP_EVENT_RF, b->run->event.flags);
		EXPECT_EQ(f->error, b->run->event.error_code)
			TH_LOG("%s", f->name);
		EXPECT_EQ(f->addr, b->run->event.payload) TH_LOG("%s", f->name);
		EXPECT_EQ(CODE, b->run->regs.rip);
		/* CR2 is loaded when it is answered. */
		EXPECT_EQ(0, b->run->ctrl.cr2);
		b->run->event.action = PIOTRAP_EVENT_TAKE;
		b->run->budget = 0;
		touch(b, PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_BUDGET);
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(BUDGET, b);
		EXPECT_EQ(f->addr, b->run->ctrl.cr2) TH_LOG("%s", f->name);
		EXPECT_EQ(0, b->run->boundaries);
	}
}

TEST_F(modes, no_execute)
{
	struct box *b = &self->b;

	for (int k = 0; k < 2; k++) {
		enter(b, LONG);
		b->run->regs.rip = k ? ABSENT : NO_EXEC;
		ASSERT_EQ(0, run_on(b));
		EXPECT_EXIT(EXCEPTION, b);
		EXPECT_EQ(VEC_PF, b->run->event.vector);
		EXPECT_EQ(k ? 0x14 : 0x15, b->run->event.error_code);
		EXPECT_EQ(k ? ABSENT : NO_EXEC, b->run->event.payload);
	}
}

/* The owner maps the page, and the instruction is done; A and D tell of it. */
TEST_F(modes, page_fault_mended)
{
	struct box *b = &self->b;
	uint64_t pte;

	enter(b, LONG);
	b->run->regs.rdi = ABSENT + 4;
	b->run->regs.rax = 0x12345678;
	/* mov [rdi], eax; mov ecx, [rdi + 0x20000]: to the same page by then */
	ASSERT_EQ(0, STREAM(b, 0x89, 0x07, 0x8b, 0x8f, 0, 0, 2, 0));
	ASSERT_EXIT(EXCEPTION, b);
	put64(b, PT + ABSENT / 4096 * 8, ABSENT | PTE_P | PTE_W | PTE_U);
	put64(b, PT + (ABSENT + 0x20000) / 4096 * 8, ABSENT | PTE_P | PTE_U);
	b->run->event.action = PIOTRAP_EVENT_ABSORB;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x12345678, b->run->regs.rcx);
	EXPECT_EQ(0, memcmp(b->mem + ABSENT + 4, &b->run->regs.rcx, 4));
	memcpy(&pte, b->mem + PT + ABSENT / 4096 * 8, 8);
	EXPECT_EQ(PTE_A | PTE_D, pte & (PTE_A | PTE_D));
	memcpy(&pte, b->mem + PT + (ABSENT + 0x20000) / 4096 * 8, 8);
	EXPECT_EQ(PTE_A, pte & (PTE_A | PTE_D));
}

/* Delivered: to ring 0, onto the stack of the TSS. */
TEST_F(modes, page_fault_delivered)
{
	struct box *b = &self->b;
	uint64_t frame[6];

	enter(b, LONG);
	ASSERT_EQ(0, set_config(b, 0, ~(1U << VEC_PF), true));
	b->mem[HANDLER] = 0xf4;
	memcpy(b->mem + CODE, "\x8b\x07", 2);
	b->run->regs.rdi = ABSENT;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(HANDLER + 1, b->run->regs.rip);
	EXPECT_EQ(CODE0_64, b->run->segs.cs.selector);
	EXPECT_EQ(0, b->run->segs.ss.selector);
	EXPECT_EQ(ABSENT, b->run->ctrl.cr2);
	EXPECT_EQ(RING0_STACK - sizeof(frame), b->run->regs.rsp);
	memcpy(frame, b->mem + RING0_STACK - sizeof(frame), sizeof(frame));
	EXPECT_EQ(4, frame[0]);
	EXPECT_EQ(CODE, frame[1]);
	EXPECT_EQ(CODE3_64, frame[2]);
	EXPECT_EQ(FL_FIXED | FL_RF, frame[3]);
	EXPECT_EQ(USER_STACK, frame[4]);
	EXPECT_EQ(DATA3, frame[5]);
}

/* Memory that is mapped to where none is. */
TEST_F(modes, mapped_to_nothing)
{
	struct box *b = &self->b;

	enter(b, LONG);
	put64(b, PT + ABSENT / 4096 * 8, 0x5000000 | PTE_P | PTE_W | PTE_U);
	b->run->regs.rdi = ABSENT + 0x10;
	ASSERT_EQ(0, STREAM(b, 0x8b, 0x07));
	EXPECT_EXIT(MEMORY, b);
	EXPECT_EQ(ABSENT + 0x10, b->run->exit_linear);
	EXPECT_EQ(0x5000010, b->run->exit_addr);
	EXPECT_EQ(0, b->run->exit_error);
}

/* -- V86 and its monitor. -- */

/* What is denied goes to ring 0, which skips it and returns. */
static const uint8_t monitor[] = {
	0x83, 0xc4, 0x04,		/* add esp, 4: the error code */
	0x66, 0x83, 0x04, 0x24, 0x02,	/* add word [esp], 2 */
	0xcf,				/* iretd */
};

TEST_F(modes, v86_monitor)
{
	struct box *b = &self->b;
	uint32_t frame[10];

	enter(b, V86);
	set_bit(b, PORT + 2, false);
	ASSERT_EQ(0, set_config(b, 0, ~(1U << VEC_GP), true));
	put(b, HANDLER, monitor, sizeof(monitor));
	/* out 0x80, al; inc ax; out 0x82, al; nop */
	memcpy(b->mem + CODE, "\xe6\x80\x40\xe6\x82\x90", 6);
	b->run->regs.rax = 0x41;
	b->run->segs.es.selector = 0x123;
	b->run->segs.es.base = 0x1230;
	arm(b, 0, BP_EXEC, 1, HANDLER);
	arm(b, 1, BP_EXEC, 1, CODE + 5);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(HANDLER, b->run->regs.rip);
	EXPECT_EQ(0, b->run->regs.rflags & FL_VM);
	EXPECT_EQ(CODE0, b->run->segs.cs.selector);
	EXPECT_EQ(DATA0, b->run->segs.ss.selector);
	EXPECT_EQ(0, b->run->segs.es.selector);
	memcpy(frame, b->mem + RING0_STACK - sizeof(frame), sizeof(frame));
	EXPECT_EQ(0, frame[0]);
	EXPECT_EQ(CODE, frame[1]);
	EXPECT_EQ(0, frame[2]);
	EXPECT_EQ(FL_VM, frame[3] & FL_VM);
	EXPECT_EQ(0xfff0, frame[4]);
	EXPECT_EQ(0, frame[5]);
	EXPECT_EQ(0x123, frame[6]);
	b->run->event.action = PIOTRAP_EVENT_ABSORB;
	b->run->regs.rflags |= FL_RF;
	touch(b, PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(CODE + 5, b->run->regs.rip);
	EXPECT_EQ(FL_VM, b->run->regs.rflags & FL_VM);
	EXPECT_EQ(0x123, b->run->segs.es.selector);
	EXPECT_EQ(0x42, b->run->regs.rax);
	EXPECT_EQ(0x420000, latches(b));
}

/* -- Save and restore. -- */

/*
 * In ring 3 or V86: ports, a string, and INT 30h (in V86 what is denied instead)
 * to ring 0, which asks the owner. Ends at END.
 */
static const struct program {
	uint8_t code[32], handler[32];
	unsigned int end;
} programs[] = {
	[PROT] = {
		/* mov ecx, 5; rep outsb; int 0x30; push eax; pop ebx; nop */
		{ 0xb9, 5, 0, 0, 0, 0xf3, 0x6e, 0xcd, 0x30, 0x50, 0x5b, 0x90 },
		/* in al, 0x90; mov ds, [esp + 16]; iretd */
		{ 0xe4, EXIT_PORT, 0x8e, 0x5c, 0x24, 0x10, 0xcf }, 11,
	},
	[LONG] = {
		{ 0xb9, 5, 0, 0, 0, 0xf3, 0x6e, 0xcd, 0x30, 0x50, 0x5b, 0x90 },
		/* in al, 0x90; push rax; pop r9; iretq */
		{ 0xe4, EXIT_PORT, 0x50, 0x41, 0x59, 0x48, 0xcf }, 11,
	},
	[V86] = {
		/* mov cx, 5; rep outsb; out 0x81, al; push ax; pop bx; nop */
		{ 0xb9, 5, 0, 0xf3, 0x6e, 0xe6, 0x81, 0x50, 0x5b, 0x90 },
		/* in al, 0x90; add esp, 4; add word [esp], 2; iretd */
		{ 0xe4, EXIT_PORT, 0x83, 0xc4, 0x04, 0x66, 0x83, 0x04, 0x24,
		  0x02, 0xcf }, 9,
	},
};

static void load(const struct box *b, enum mode mode)
{
	const struct program *p = &programs[mode];

	memset(b->mem, 0, MEM_SIZE);
	enter(b, mode);
	set_bit(b, PORT, false);
	put(b, CODE, p->code, sizeof(p->code));
	put(b, HANDLER, p->handler, sizeof(p->handler));
	memcpy(b->mem + (DATA & 0xffff), "hello", 5);
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = DATA & 0xffff;
	arm(b, 0, BP_EXEC, 1, CODE + p->end);
}

/* Answer, and run on to the end with @budget at a time. */
static int to_the_end(const struct box *b, unsigned int *stops)
{
	int err = 0;

	while (!err && b->run->exit_reason != PIOTRAP_EXIT_DEBUG) {
		if (b->run->exit_reason == PIOTRAP_EXIT_IO_PORT) {
			b->data[0] = 0x5a;
			b->run->io.done = 1;
			touch(b, PIOTRAP_GROUP_IO);
		} else if (b->run->exit_reason != PIOTRAP_EXIT_BUDGET) {
			return -EPROTO;
		}
		if (++*stops > 100)
			return -ELOOP;
		b->run->budget = PIOTRAP_BUDGET_UNLIMITED;
		touch(b, PIOTRAP_GROUP_BUDGET);
		err = run_on(b);
	}
	return err;
}

static int move(const struct box *a, const struct box *b)
{
	struct piotrap_state st;
	int err = get_state(a, &st);

	memcpy(b->mem, a->mem, MEM_SIZE);
	if (!err)
		err = set_state(b, &st);
	b->run->dirty = 0;
	b->run->exit_reason = a->run->exit_reason;
	b->run->io = st.io;
	return err;
}

TEST_F(modes, save_and_restore)
{
	struct box *a = &self->b, *b = &self->other;
	uint32_t exits = ~(1U << VEC_GP);
	static uint8_t mem[MEM_SIZE];

	/* INT 30h is the guest's own. */
	ASSERT_EQ(0, set_config(a, 0, exits, false));
	ASSERT_EQ(0, set_config(b, 0, exits, false));
	for (int mode = 0; mode < NR_MODES; mode++) {
		struct piotrap_regs want;
		struct piotrap_segs segs;
		unsigned int stops = 0, at = 0;

		load(a, mode);
		ASSERT_EQ(0, run_on(a));
		ASSERT_EQ(0, to_the_end(a, &stops));
		EXPECT_EQ(1, stops) TH_LOG("%s", mode_name[mode]);
		want = a->run->regs;
		segs = a->run->segs;
		memcpy(mem, a->mem, MEM_SIZE);
		EXPECT_EQ(0x5a, want.rbx & 0xff) TH_LOG("%s", mode_name[mode]);
		EXPECT_EQ(CODE + programs[mode].end, want.rip);

		load(a, mode);
		a->run->budget = 1;
		ASSERT_EQ(0, run_on(a));
		while (a->run->exit_reason != PIOTRAP_EXIT_DEBUG) {
			ASSERT_GT(50, at++) TH_LOG("%s", mode_name[mode]);
			stops = 0;
			ASSERT_EQ(0, move(a, b)) TH_LOG("%s", mode_name[mode]);
			ASSERT_EQ(0, to_the_end(b, &stops))
				TH_LOG("%s %u", mode_name[mode], at);
			EXPECT_EQ(0, memcmp(&want, &b->run->regs, sizeof(want)))
				TH_LOG("%s %u", mode_name[mode], at);
			EXPECT_EQ(0, memcmp(&segs, &b->run->segs, sizeof(segs)))
				TH_LOG("%s %u", mode_name[mode], at);
			EXPECT_EQ(0, memcmp(mem, b->mem, MEM_SIZE))
				TH_LOG("%s %u", mode_name[mode], at);
			if (a->run->exit_reason == PIOTRAP_EXIT_IO_PORT) {
				a->data[0] = 0x5a;
				a->run->io.done = 1;
				touch(a, PIOTRAP_GROUP_IO);
			}
			a->run->budget = 1;
			touch(a, PIOTRAP_GROUP_BUDGET);
			ASSERT_EQ(0, run_on(a));
		}
		EXPECT_LT(9, at) TH_LOG("%s", mode_name[mode]);
	}
}

/* From one mode to the next, as an owner who sets the registers does it. */
TEST_F(modes, one_after_the_other)
{
	struct box *b = &self->b;

	for (int n = 0; n < 9; n++) {
		enter(b, n % 3);
		set_bit(b, PORT, false);
		b->run->regs.rax = n + 1;
		ASSERT_EQ(0, STREAM(b, 0xe6, PORT));
		EXPECT_EXIT(DONE, b);
		EXPECT_EQ(n + 1, latches(b) & 0xff);
	}
}

/* INIT and machine checks are injected as interrupts are. */
TEST_F(modes, init_is_injected)
{
	struct box *b = &self->b;

	reset_cpu(b);
	b->run->debug.pending_dbg = 1;
	b->run->debug.interruptibility = BLOCK_MOV_SS;
	b->run->event.init_pending = 1;
	b->run->regs.rax = 0x1234;
	touch(b, PIOTRAP_GROUP_DEBUG | PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_REGS);
	ASSERT_EQ(0, run_on(b));
	/* Nothing is at the reset vector of this sandbox. */
	ASSERT_EXIT(MEMORY, b);
	EXPECT_EQ(0xfffffff0, b->run->exit_linear);
	EXPECT_EQ(2, b->run->exit_access);
	EXPECT_EQ(0, b->run->debug.pending_dbg);
	EXPECT_EQ(0, b->run->debug.interruptibility);
	EXPECT_EQ(0, b->run->event.init_pending);
	EXPECT_EQ(0, b->run->regs.rax);
	EXPECT_EQ(0xfff0, b->run->regs.rip);
}

TEST_F(modes, machine_check_is_injected)
{
	struct box *b = &self->b;

	reset_cpu(b);
	/* Nobody can handle it without CR4.MCE. */
	b->run->event.mc_pending = 1;
	touch(b, PIOTRAP_GROUP_EVENT);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(SHUTDOWN, b);
	EXPECT_EQ(2, b->run->debug.activity);

	reset_cpu(b);
	b->run->ctrl.cr4 |= 1 << 6;
	b->run->event.mc_pending = 1;
	touch(b, PIOTRAP_GROUP_EVENT | PIOTRAP_GROUP_CTRL);
	ASSERT_EQ(0, STREAM(b, 0x90));
	ASSERT_EXIT(EXCEPTION, b);
	EXPECT_EQ(18, b->run->event.vector);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
