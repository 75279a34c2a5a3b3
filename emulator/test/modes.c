// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "modes.h"

#define ATTR_CODE	0xc09b
#define ATTR_CODE64	0xa09b
#define ATTR_CODE16	0x009b
#define ATTR_DATA	0xc093
#define ATTR_DPL3	0x60

static u64 descriptor(u64 base, u32 limit, u32 attr)
{
	u64 lim = attr & 0x8000 ? limit >> 12 : limit;

	return (lim & 0xffff) | (base & 0xffffff) << 16 | (u64)attr << 40 |
	       (lim & 0xf0000) << 32 | (base & 0xff000000) << 32;
}

static void put(struct host *h, u64 at, u64 val)
{
	memcpy(h->mem + at, &val, 8);
}

static void put_entry(struct host *h, u16 sel, u64 base, u32 limit, u32 attr)
{
	put(h, MODE_GDT + sel, descriptor(base, limit, attr));
}

static void load(struct host *h, unsigned int seg, u16 sel, u32 limit, u32 attr)
{
	h->cpu.st.segs.seg[seg] = (struct emu_segment){
		.limit = limit, .attr = attr, .selector = sel,
	};
}

static bool has_error_code(unsigned int vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

/* Handlers that only return, dropping the error code. */
static void put_handlers(struct host *h, u16 handlers, bool wide)
{
	static const u8 drop32[] = { 0x83, 0xc4, 0x04, 0xcf };
	static const u8 drop64[] = { 0x48, 0x83, 0xc4, 0x08, 0x48, 0xcf };
	static const u8 ret64[] = { 0x48, 0xcf };
	unsigned int n, size = wide ? 16 : 8;

	for (n = 0; n < 256; n++) {
		u16 at = handlers + 16 * n;

		if (wide && has_error_code(n))
			memcpy(h->mem + at, drop64, sizeof(drop64));
		else if (wide)
			memcpy(h->mem + at, ret64, sizeof(ret64));
		else if (has_error_code(n))
			memcpy(h->mem + at, drop32, sizeof(drop32));
		else
			h->mem[at] = 0xcf;
		put(h, MODE_IDT + size * n,
		    at | (u64)SEL_CODE0 << 16 | 0xeeULL << 40);
		if (wide)
			put(h, MODE_IDT + size * n + 8, 0);
	}
	h->cpu.st.segs.idtr = (struct emu_dtable){ .base = MODE_IDT, .limit = 0xfff };
}

static void put_tables(struct host *h, u16 handlers, bool wide)
{
	u32 code = wide ? ATTR_CODE64 : ATTR_CODE;

	memset(h->mem + MODE_GDT, 0, 0x1000);
	put_entry(h, SEL_CODE0, 0, ~0U, code);
	put_entry(h, SEL_DATA0, 0, ~0U, ATTR_DATA);
	put_entry(h, SEL_CODE3, 0, ~0U, code | ATTR_DPL3);
	put_entry(h, SEL_DATA3, 0, ~0U, ATTR_DATA | ATTR_DPL3);
	put_entry(h, SEL_TSS, MODE_TSS, 0x68 + 0x80, 0x8b);
	if (!wide)
		put_entry(h, SEL_TASK, MODE_TASK, 0x67, 0x89 | ATTR_DPL3);
	put_entry(h, SEL_CODE16, 0, 0xffff, ATTR_CODE16);
	put_entry(h, SEL_CONFORMING, 0, ~0U, code | 4);
	put_entry(h, SEL_ROM, 0, ~0U, 0xc091);
	put(h, MODE_GDT + SEL_GATE,
	    handlers | (u64)SEL_CODE0 << 16 | 0xecULL << 40);
	put(h, MODE_GDT + SEL_TASK_GATE,
	    (u64)SEL_TASK << 16 | 0xe5ULL << 40);
	h->cpu.st.segs.gdtr = (struct emu_dtable){ .base = MODE_GDT, .limit = 0xff };

	memset(h->mem + MODE_TSS, 0, 0x68);
	put(h, MODE_TSS + 4, MODE_STACK0 | (u64)SEL_DATA0 << 32);
	if (wide)
		put(h, MODE_TSS + 4, MODE_STACK0);
	h->mem[MODE_TSS + 0x66] = 0x68;
	memset(h->mem + MODE_TSS + 0x68, 0xff, 0x81);
	load(h, EMU_TR, SEL_TSS, 0x68 + 0x80, 0x8b);
	h->cpu.st.segs.seg[EMU_TR].base = MODE_TSS;
	h->cpu.st.segs.seg[EMU_LDTR].attr = EMU_SEG_UNUSABLE;
	put_handlers(h, handlers, wide);
}

/* A task that starts with code at 1800h, data segments of CPL 0. */
static void put_task(struct host *h)
{
	static const u16 sel[6] = { SEL_DATA0, SEL_CODE0, SEL_DATA0, SEL_DATA0 };
	u8 *tss = h->mem + MODE_TASK;
	u32 v = 0x1800;
	unsigned int n;

	memset(tss, 0, 0x68);
	memcpy(tss + 32, &v, 4);
	tss[36] = 2;
	v = 0x6800;
	memcpy(tss + 56, &v, 4);
	for (n = 0; n < 6; n++)
		memcpy(tss + 72 + 4 * n, &sel[n], 2);
	h->mem[0x1800] = 0xf4;
}

u64 *mode_page(struct host *h, u64 lin)
{
	struct emu_ctrl *c = &h->cpu.st.ctrl;
	u64 *table = (u64 *)(h->mem + MODE_TABLES);
	unsigned int n;

	if (!table[0]) {
		/* PML4 or PDPT, PDPT or nothing, PD, PT; 512 entries each. */
		table[0] = (MODE_TABLES + 0x1000) | 7;
		table[512] = (MODE_TABLES + 0x2000) | 7;
		table[1024] = (MODE_TABLES + 0x3000) | 7;
		for (n = 0; n < 512; n++)
			table[1536 + n] = n * 4096ULL | 7;
	}
	if (!(c->efer & EMU_EFER_LMA)) {
		/* PAE's top level starts at the second table. */
		table[512] = (MODE_TABLES + 0x2000) | 1;
		c->cr3 = MODE_TABLES + 0x1000;
	} else {
		c->cr3 = MODE_TABLES;
	}
	c->cr4 |= EMU_CR4_PAE;
	c->cr0 |= EMU_CR0_PG;
	return &table[1536 + lin / 4096 % 512];
}

bool mode_set(struct host *h, const char *name, u16 handlers)
{
	struct emu_state *st = &h->cpu.st;
	bool wide = !strncmp(name, "long", 4);
	unsigned int n, level = strchr(name, '3') && !strstr(name, "prot") ? 3 : 0;
	u32 dpl = level ? ATTR_DPL3 : 0;

	st->ctrl.cr0 |= EMU_CR0_PE;
	if (!strcmp(name, "v86")) {
		put_tables(h, handlers, false);
		st->regs.rflags |= EMU_FL_VM;
		for (n = EMU_ES; n <= EMU_GS; n++)
			st->segs.seg[n].attr = 0xf3;
		return true;
	}
	put_tables(h, handlers, wide);
	for (n = EMU_ES; n <= EMU_GS; n++)
		load(h, n, level ? SEL_DATA3 + 3 : SEL_DATA0, ~0U,
		     ATTR_DATA | dpl);
	load(h, EMU_CS, level ? SEL_CODE3 + 3 : SEL_CODE0, ~0U,
	     (wide ? ATTR_CODE64 : ATTR_CODE) | dpl);
	if (wide) {
		st->ctrl.efer |= EMU_EFER_LME | EMU_EFER_LMA | EMU_EFER_SCE;
		mode_page(h, 0);
		return !strcmp(name, "long") || level;
	}
	put_task(h);
	if (!strcmp(name, "prot16"))
		load(h, EMU_CS, SEL_CODE16, 0xffff, ATTR_CODE16);
	return !strcmp(name, "prot") || !strcmp(name, "prot16") || level;
}
