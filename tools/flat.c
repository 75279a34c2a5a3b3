// SPDX-License-Identifier: GPL-2.0
/*
 * 32-bit protected mode and 64-bit long mode, as a boot loader hands them over:
 * flat segments at CPL 0, a GDT that holds what is loaded, no interrupt gates. What
 * the CPU needs is in the first 64 KiB, the guest's to keep or to replace.
 */

#include <string.h>

#include "piotrap.h"

/* Selectors; GDT_USER_64 is empty in 32-bit mode. */
#define GDT_CODE	0x08
#define GDT_DATA	0x10
#define GDT_USER_32	0x18
#define GDT_USER_DATA	0x20
#define GDT_USER_64	0x28
#define GDT_TSS		0x30	/* two entries in long mode */
#define GDT_CODE_32	0x40
#define GDT_SIZE	0x48

#define GDT_AT		0x1000
#define TSS_AT		0x1100
#define TSS_LIMIT	0x67
#define PML4_AT		0x2000
#define PDPT_AT		0x3000
#define PD_AT		0x4000	/* four of them: 4 GiB in pages of 2 MiB */

/* Rights, as in struct piotrap_segment. */
#define CODE		0x9b	/* present, readable, accessed */
#define DATA		0x93	/* present, writable, accessed */
#define TSS		0x8b	/* busy, 386 or 64-bit */
#define USER		0x60	/* DPL 3 */
#define LONG		(1U << 13)
#define BIG		(1U << 14)
#define PAGES		(1U << 15)
#define UNUSABLE	(1U << 16)

#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)
#define PTE_USER	7ULL	/* present, writable, user */
#define PTE_LARGE	(1ULL << 7)

static struct piotrap_segment flat(unsigned int selector, unsigned int attr)
{
	return (struct piotrap_segment) {
		.limit = 0xffffffff,
		.attr = attr | PAGES,
		.selector = selector,
	};
}

/* Its place in the GDT, so that loading the selector again changes nothing. */
static void describe(struct machine *m, const struct piotrap_segment *seg)
{
	uint32_t limit = seg->attr & PAGES ? seg->limit >> 12 : seg->limit;
	uint64_t d = (limit & 0xffff) | (seg->base & 0xffffff) << 16 |
		     (uint64_t)(seg->attr & 0xff) << 40 |
		     (uint64_t)(limit >> 16) << 48 |
		     (uint64_t)(seg->attr >> 12 & 0xf) << 52 |
		     (seg->base >> 24 & 0xff) << 56;

	memcpy(m->mem + GDT_AT + seg->selector, &d, sizeof(d));
}

static void describe_flat(struct machine *m, unsigned int selector,
			  unsigned int attr)
{
	struct piotrap_segment seg = flat(selector, attr);

	describe(m, &seg);
}

static void set_segments(struct machine *m, bool is_64)
{
	struct piotrap_segs *s = &m->sb.run->segs;

	s->cs = flat(GDT_CODE, CODE | (is_64 ? LONG : BIG));
	s->ds = flat(GDT_DATA, DATA | BIG);
	s->es = s->ds;
	s->ss = s->ds;
	s->fs = s->ds;
	s->gs = s->ds;
	s->tr = (struct piotrap_segment) {
		.base = TSS_AT, .limit = TSS_LIMIT, .attr = TSS,
		.selector = GDT_TSS,
	};
	s->ldtr = (struct piotrap_segment) { .attr = UNUSABLE };
	s->gdtr = (struct piotrap_dtable) { .base = GDT_AT, .limit = GDT_SIZE - 1 };
	s->idtr = (struct piotrap_dtable) { 0 };

	describe(m, &s->cs);
	describe(m, &s->ds);
	describe(m, &s->tr);
	describe_flat(m, GDT_USER_32, CODE | USER | BIG);
	describe_flat(m, GDT_USER_DATA, DATA | USER | BIG);
	if (is_64)
		describe_flat(m, GDT_USER_64, CODE | USER | LONG);
	describe_flat(m, GDT_CODE_32, CODE | BIG);
}

/* The stack of CPL 0 for who comes from CPL 3, which may touch no port. */
static void set_tss(struct machine *m, bool is_64)
{
	uint8_t *tss = m->mem + TSS_AT;
	uint16_t bitmap = TSS_LIMIT + 1, ss = GDT_DATA;
	uint64_t sp = FLAT_LOW;

	memcpy(tss + 4, &sp, is_64 ? 8 : 4);
	if (!is_64)
		memcpy(tss + 8, &ss, sizeof(ss));
	memcpy(tss + 0x66, &bitmap, sizeof(bitmap));
}

/* The first 4 GiB as they are, whether there is memory or not. */
static void set_pages(struct machine *m)
{
	uint64_t *pml4 = (uint64_t *)(m->mem + PML4_AT);
	uint64_t *pdpt = (uint64_t *)(m->mem + PDPT_AT);
	uint64_t *pd = (uint64_t *)(m->mem + PD_AT);

	pml4[0] = PDPT_AT | PTE_USER;
	for (uint64_t i = 0; i < 4; i++)
		pdpt[i] = (PD_AT + i * PAGE) | PTE_USER;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | PTE_LARGE | PTE_USER;
}

void flat_enter(struct machine *m, unsigned int mode, uint64_t entry)
{
	struct piotrap_run *run = m->sb.run;
	bool is_64 = mode == 64;

	memset(&run->regs, 0, sizeof(run->regs));
	run->regs.rip = entry;
	run->regs.rsp = entry & ~15ULL;
	run->regs.rflags = 2;
	set_segments(m, is_64);
	set_tss(m, is_64);
	run->ctrl.cr0 = CR0_PE | CR0_ET;
	if (is_64) {
		set_pages(m);
		run->ctrl.cr0 |= CR0_PG;
		run->ctrl.cr3 = PML4_AT;
		run->ctrl.cr4 = CR4_PAE;
		run->ctrl.efer = EFER_LME | EFER_LMA;
	}
	run->dirty |= PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS |
		      PIOTRAP_GROUP_CTRL;
}
