// SPDX-License-Identifier: GPL-2.0
/*
 * What a real CPU did with debug traps at CPL 3, as ptrace shows it; the emulator
 * must stop at the same places with the same contents.
 *
 * usage: silicon FILE...
 *
 * The head of test/data/hw-debug.tsv says what a file's lines are. A case runs in
 * 64-bit, compatibility or 16-bit code through four levels of page tables. This
 * program is the kernel below it: what Linux does between the CPU and the one who
 * looks is done here likewise, so that nothing of a stop is left out:
 *
 * - DR6 is what this #DB has found, and reads FF0h before the first stop and 0 at
 *   later stops that are no #DB, as the one who captured it has cleared it;
 * - a code breakpoint is stepped over with RF, but where it comes together with a
 *   step trap it is left to come again (S91);
 * - a #DB in the kernel, which a MOV SS before INT n or SYSCALL makes (S123, S124),
 *   ends there; whether it comes is checked;
 * - what a system call returns is the capture's.
 *
 * Every case runs in all the ways that must make no difference. Where it may differ
 * from the capture stands in decided[], and nowhere else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define MAX_STOPS	64
#define MAX_OTHERS	8
#define MAX_PRESETS	16
#define LIMIT		50000

static char why[512];

static void die(const char *what, const char *detail)
{
	printf("Bail out! %s: %s\n", what, detail);
	exit(2);
}

/* Captures */

/* What is compared of a stop; the registers are those of emu_regs.gpr. */
enum { RSP = EMU_RSP, FL = EMU_NR_GPRS, RF, TF, DR6, MEMCHG, SS, NR_FIELDS };

static const struct {
	const char *name;
	unsigned int at;
	int base;
} field[] = {
	{ "ax", EMU_RAX, 16 }, { "cx", EMU_RCX, 16 }, { "dx", EMU_RDX, 16 },
	{ "bx", EMU_RBX, 16 }, { "sp", EMU_RSP, 16 }, { "bp", EMU_RBP, 16 },
	{ "si", EMU_RSI, 16 }, { "di", EMU_RDI, 16 }, { "fl", FL, 16 },
	{ "RF", RF, 10 }, { "TF", TF, 10 }, { "DR6", DR6, 16 },
	{ "memchg", MEMCHG, 10 }, { "ss", SS, 16 },
};

struct stop {
	char kind[16];
	s64 rip;			/* from the case's start */
	u64 val[NR_FIELDS];
	u32 has;			/* which of them the capture has */
	unsigned int sig, code;		/* 0: it has none */
};

struct sequence {
	struct stop stop[MAX_STOPS];
	unsigned int nr;
};

struct preset {
	u64 at, val;
};

struct test {
	char name[80];
	unsigned int bits;
	u8 code[64];
	unsigned int len;
	u64 gpr[EMU_NR_GPRS];
	u64 rip, rflags;
	u16 sel[6];
	u64 dr[4], dr7;
	struct preset preset[MAX_PRESETS];
	unsigned int nr_presets;
	struct sequence seen;
	struct sequence other[MAX_OTHERS];
	unsigned int nr_others;
};

/* Where everything is; the head of a file may say otherwise. */
static struct {
	const char *name;
	u64 at;
} layout[] = {
	{ "CODE", 0x10000000 }, { "DATA", 0x20000000 }, { "STK", 0x30000000 },
	{ "SRC", 0x20001000 }, { "DST", 0x20004000 }, { "V", 0x20000200 },
	{ "V2", 0x20000280 },
};

enum { CODE, DATA, STK, SRC, DST, V, V2 };

static bool amd;			/* the captured CPU is one of theirs */

static const char *const reg_name[EMU_NR_GPRS] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

static const char *const sreg_name[6] = { "es", "cs", "ss", "ds", "fs", "gs" };

static u64 number(const char *text, int base)
{
	char *end;
	u64 v = strtoull(text, &end, base);

	if (end == text || (*end && !strchr(" ,:/]", *end)))
		die("not a number", text);
	return v;
}

static void read_head(char *line)
{
	unsigned int n;
	char *w, *eq;

	if (strstr(line, "AMD") || strstr(line, "Hygon"))
		amd = true;
	if (strncmp(line, "# layout ", 9))
		return;
	for (w = strtok(line + 9, "\n "); w; w = strtok(NULL, "\n ")) {
		eq = strchr(w, '=');
		if (!eq)
			continue;
		*eq = 0;
		for (n = 0; n < ARRAY_SIZE(layout); n++)
			if (!strcmp(w, layout[n].name))
				layout[n].at = strtoull(eq + 1, NULL, 16);
	}
}

static void read_regs(struct test *t, char *text)
{
	unsigned int n;
	char *w, *eq;

	for (w = strtok(text, " "); w; w = strtok(NULL, " ")) {
		eq = strchr(w, '=');
		if (!eq)
			die(t->name, w);
		*eq++ = 0;
		if (!strcmp(w, "rip"))
			t->rip = number(eq, 16);
		else if (!strcmp(w, "rflags"))
			t->rflags = number(eq, 16);
		for (n = 0; n < EMU_NR_GPRS; n++)
			if (!strcmp(w, reg_name[n]))
				t->gpr[n] = number(eq, 16);
		for (n = 0; n < 6; n++)
			if (!strcmp(w, sreg_name[n]))
				t->sel[n] = number(eq, 16);
	}
}

/* DR0=W:0x20004000:len1,... */
static void read_drs(struct test *t, char *text)
{
	static const char *const kind[4] = { "X", "W", "IO", "RW" };
	static const u8 len_code[9] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	unsigned int n, rw, len;
	char *w, type[4];
	u64 at;

	if (*text == '-')
		return;
	for (w = strtok(text, ","); w; w = strtok(NULL, ",")) {
		if (sscanf(w, "DR%u=%3[A-Z]:%llx:len%u", &n, type,
			   (unsigned long long *)&at, &len) != 4 ||
		    n > 3 || len > 8)
			die(t->name, w);
		for (rw = 0; rw < 4; rw++)
			if (!strcmp(type, kind[rw]))
				break;
		if (rw == 4)
			die(t->name, w);
		t->dr[n] = at;
		t->dr7 |= 1ULL << (2 * n) | (u64)rw << (16 + 4 * n) |
			  (u64)len_code[len] << (18 + 4 * n);
	}
}

/* [30008000]=202,... */
static void read_presets(struct test *t, char *text)
{
	struct preset *p;
	char *w;

	if (*text == '-')
		return;
	for (w = strtok(text, ","); w; w = strtok(NULL, ",")) {
		if (t->nr_presets == MAX_PRESETS)
			die(t->name, w);
		p = &t->preset[t->nr_presets++];
		if (sscanf(w, "[%llx]=%llx", (unsigned long long *)&p->at,
			   (unsigned long long *)&p->val) != 2)
			die(t->name, w);
	}
}

static void read_case(struct test *t, char *const *col)
{
	const char *p;
	unsigned int b;

	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", col[1]);
	t->bits = number(col[2], 10);
	for (p = col[3]; sscanf(p, "%2x", &b) == 1; p += 2) {
		if (t->len == sizeof(t->code))
			die(t->name, "too long");
		t->code[t->len++] = b;
	}
	t->gpr[EMU_R9] = layout[V2].at;
	t->gpr[EMU_R12] = layout[DATA].at + 0x10000;
	read_regs(t, col[5]);
	read_drs(t, col[6]);
	read_presets(t, col[7]);
}

/* Outside 64-bit mode the upper halves of registers are anything. */
static u64 visible(const struct test *t, unsigned int at)
{
	return t->bits == 64 || at >= EMU_NR_GPRS ? ~0ULL : 0xffffffff;
}

static void read_stop(struct test *t, struct sequence *seq, char *const *col,
		      unsigned int nr)
{
	struct stop *s = &seq->stop[seq->nr];
	unsigned int n, k;
	char *eq;

	if (seq->nr == MAX_STOPS || number(col[2], 10) != seq->nr)
		die(t->name, "stops are not in order");
	seq->nr++;
	memset(s, 0, sizeof(*s));
	snprintf(s->kind, sizeof(s->kind), "%s", col[3]);
	s->rip = strtoll(col[4], NULL, 16);
	for (n = 5; n < nr; n++) {
		eq = strchr(col[n], '=');
		if (!eq)
			die(t->name, col[n]);
		*eq++ = 0;
		if (!strcmp(col[n], "sig"))
			sscanf(eq, "%u/%u", &s->sig, &s->code);
		for (k = 0; k < ARRAY_SIZE(field); k++) {
			if (strcmp(col[n], field[k].name))
				continue;
			s->val[field[k].at] = number(eq, field[k].base) &
					      visible(t, field[k].at);
			s->has |= 1U << field[k].at;
		}
	}
}

/* Surroundings */

#define KERNEL		0xffff888000000000ULL	/* where [0, 64K) is mapped */
#define GDT		0x1000
#define LDT		0x2000
#define IDT		0x3000
#define TSS		0x4000
#define ENTRY		0x5000		/* SYSCALL leads to a HLT here */
#define STACK0		0x7000
#define TABLES		0x10000		/* the first is the top level */
#define REGION		0x10000
#define FIRST_REGION	0x80000		/* CODE, DATA, STK */
#define USED		(FIRST_REGION + 3 * REGION)

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_NX		BIT_ULL(63)
#define PTE_ADDR	0x000ffffffffff000ULL

static u8 before[3 * REGION];

static void put(struct host *h, u64 at, u64 val)
{
	memcpy(h->mem + at, &val, 8);
}

static u64 get(const struct host *h, u64 at)
{
	u64 val;

	memcpy(&val, h->mem + at, 8);
	return val;
}

/* Physical address of the entry that maps @lin; tables are made as needed. */
static u64 entry(struct host *h, u64 lin, u64 *next)
{
	u64 table = TABLES, at = 0;
	int level;

	for (level = 3; level >= 0; level--) {
		at = table + 8 * (lin >> (12 + 9 * level) & 511);
		if (!level)
			break;
		if (!get(h, at)) {
			put(h, at, *next | PTE_P | PTE_W | PTE_U);
			*next += 0x1000;
		}
		table = get(h, at) & PTE_ADDR;
	}
	return at;
}

static void map(struct host *h, u64 lin, u64 gpa, u64 flags, u64 *next)
{
	u64 off;

	for (off = 0; off < REGION; off += 0x1000)
		put(h, entry(h, lin + off, next), (gpa + off) | flags);
}

/* The host's address of a linear one of the program's, or NULL. */
static u8 *at_linear(struct host *h, u64 lin)
{
	unsigned int n;

	for (n = CODE; n <= STK; n++)
		if (lin - layout[n].at < REGION)
			return h->mem + FIRST_REGION + n * REGION +
			       (lin - layout[n].at);
	return NULL;
}

static u64 descriptor(u64 base, u32 limit, u32 attr)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)attr << 40 |
	       (u64)(limit & 0xf0000) << 32 | (base & 0xff000000) << 32;
}

/* As Linux has them, and what the capture's program put into its LDT. */
static void put_tables(struct host *h)
{
	unsigned int n;
	u64 dpl;

	put(h, GDT + 0x10, descriptor(0, 0xfffff, 0xa09b));
	put(h, GDT + 0x18, descriptor(0, 0xfffff, 0xc093));
	put(h, GDT + 0x20, descriptor(0, 0xfffff, 0xc0fb));
	put(h, GDT + 0x28, descriptor(0, 0xfffff, 0xc0f3));
	put(h, GDT + 0x30, descriptor(0, 0xfffff, 0xa0fb));
	put(h, LDT + 0x00, descriptor(layout[CODE].at, 0xffff, 0x00fb));
	put(h, LDT + 0x08, descriptor(layout[DATA].at, 0xffff, 0x00f3));
	put(h, LDT + 0x10, descriptor(layout[STK].at, 0xffff, 0x00f3));
	put(h, LDT + 0x18, descriptor(layout[DATA].at, 0xfff, 0x40f3));
	for (n = 0; n < 256; n++) {
		dpl = n == 3 || n == 4 || n == 0x80 ? 3 : 0;
		put(h, IDT + 16 * n, (ENTRY & 0xffff) | 0x10ULL << 16 |
		    (0x8eULL | dpl << 5) << 40 | (KERNEL >> 16 & 0xffff) << 48);
		put(h, IDT + 16 * n + 8, KERNEL >> 32);
	}
	put(h, TSS + 4, KERNEL + STACK0);
	h->mem[TSS + 0x67] = 0x80;	/* no I/O bitmap */
	h->mem[ENTRY] = 0xf4;
}

static void load_segment(struct host *h, unsigned int seg, u16 sel)
{
	struct emu_segment *s = &h->cpu.st.segs.seg[seg];
	u64 d = get(h, (sel & 4 ? LDT : GDT) + (sel & ~7));

	*s = (struct emu_segment){ .selector = sel, .attr = EMU_SEG_UNUSABLE };
	if (sel < 4)
		return;
	s->attr = d >> 40 & 0xf0ff;
	s->base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000);
	s->limit = (d & 0xffff) | (d >> 32 & 0xf0000);
	if (s->attr & EMU_SEG_G)
		s->limit = s->limit << 12 | 0xfff;
}

static void set_control(struct emu_state *st)
{
	st->ctrl.cr0 = EMU_CR0_PE | EMU_CR0_MP | EMU_CR0_ET | EMU_CR0_NE |
		       EMU_CR0_WP | EMU_CR0_AM | EMU_CR0_PG;
	st->ctrl.cr3 = TABLES;
	st->ctrl.cr4 = EMU_CR4_DE | EMU_CR4_PAE | EMU_CR4_PGE | EMU_CR4_OSFXSR |
		       EMU_CR4_OSXMMEXCPT | EMU_CR4_SMEP | EMU_CR4_SMAP;
	st->ctrl.efer = EMU_EFER_SCE | EMU_EFER_LME | EMU_EFER_LMA | EMU_EFER_NXE;
	st->ctrl.star = 0x23ULL << 48 | 0x10ULL << 32;
	st->ctrl.lstar = KERNEL + ENTRY;
	st->ctrl.sfmask = EMU_FL_TF | EMU_FL_IF | EMU_FL_DF | EMU_FL_IOPL |
			  EMU_FL_NT | EMU_FL_AC;
	st->segs.gdtr = (struct emu_dtable){ .base = KERNEL + GDT, .limit = 0x7f };
	st->segs.idtr = (struct emu_dtable){ .base = KERNEL + IDT, .limit = 0xfff };
	st->segs.seg[EMU_TR] = (struct emu_segment){
		.selector = 0x40, .base = KERNEL + TSS, .limit = 0x67,
		.attr = 0x8b,
	};
	st->segs.seg[EMU_LDTR] = (struct emu_segment){
		.selector = 0x50, .base = KERNEL + LDT, .limit = 0x1f,
		.attr = 0x82,
	};
}

/* The stop that shows what a CPUID in the code has returned, and which leaf. */
static const struct stop *cpuid_stop(const struct test *t, u32 *leaf)
{
	unsigned int at, n;

	for (at = 0; at + 1 < t->len; at++)
		if (t->code[at] == 0x0f && t->code[at + 1] == 0xa2)
			break;
	*leaf = t->gpr[EMU_RAX];
	if (at >= 5 && t->code[at - 5] == 0xb8)
		memcpy(leaf, t->code + at - 4, 4);
	for (n = 0; n < t->seen.nr && at + 1 < t->len; n++)
		if (t->seen.stop[n].rip >= (s64)at + 2)
			return &t->seen.stop[n];
	return NULL;
}

/* The captured CPU's CPUID is known as far as it was shown. */
static void set_cpuid(struct emu *cpu, const struct test *t)
{
	struct emu_cpuid table[EMU_CPUID_MAX];
	const struct emu_cpuid *preset;
	const struct stop *s;
	unsigned int n, k;
	u32 leaf;

	preset = emu_cpuid_preset(EMU_PRESET_X86_64_V3, &n);
	memcpy(table, preset, n * sizeof(*table));
	s = cpuid_stop(t, &leaf);
	if (s) {
		for (k = 0; k < n && table[k].leaf != leaf; k++)
			;
		if (k == n)
			table[n++] = (struct emu_cpuid){ .leaf = leaf };
		table[k].eax = s->val[EMU_RAX];
		table[k].ecx = s->val[EMU_RCX];
	}
	if (emu_set_cpuid(cpu, table, n))
		die(t->name, emu_set_cpuid(cpu, table, n));
}

static void set_memory(struct host *h, const struct test *t)
{
	u64 next = TABLES + 0x1000, rw = PTE_P | PTE_W | PTE_U | PTE_NX;
	unsigned int n, size = t->bits == 64 ? 8 : 4;
	u8 *p;

	memset(h->mem, 0, USED);
	map(h, KERNEL, 0, PTE_P | PTE_W, &next);
	map(h, layout[CODE].at, FIRST_REGION, PTE_P | PTE_W | PTE_U, &next);
	map(h, layout[DATA].at, FIRST_REGION + REGION, rw, &next);
	map(h, layout[STK].at, FIRST_REGION + 2 * REGION, rw, &next);
	put_tables(h);

	memcpy(at_linear(h, layout[CODE].at), t->code, t->len);
	/* How far the pattern goes is not captured; none reads farther. */
	for (n = 0; n < 0x1000; n++)
		*at_linear(h, layout[SRC].at + n) = (n * 37 + 11) | 1;
	*at_linear(h, layout[V].at) = t->sel[EMU_SS];
	*at_linear(h, layout[V2].at) = t->sel[EMU_SS];
	for (n = 0; n < t->nr_presets; n++) {
		p = at_linear(h, t->preset[n].at);
		if (!p || !at_linear(h, t->preset[n].at + size - 1))
			die(t->name, "memory that is not there");
		memcpy(p, &t->preset[n].val, size);
	}
	memcpy(before, h->mem + FIRST_REGION, sizeof(before));
}

/* Running */

struct variant {
	const char *name;
	bool no_windows;
	bool save;			/* stop, save, restore at each boundary */
	bool poll;			/* stop at each poll */
	bool take;			/* a #DB is taken, not absorbed */
};

static const struct variant variants[] = {
	{ .name = "windows" },
	{ .name = "windows, #DB taken", .take = true },
	{ .name = "hooks", .no_windows = true },
	{ .name = "hooks, #DB taken", .no_windows = true, .take = true },
	{ .name = "stopped at each poll", .poll = true, .take = true },
	{ .name = "saved at each boundary", .save = true },
	{ .name = "hooks, saved at each boundary, #DB taken",
	  .no_windows = true, .save = true, .take = true },
};

struct run {
	struct host h;
	const struct test *t;
	const struct variant *v;
	struct sequence got;
	u64 gpr[MAX_STOPS][EMU_NR_GPRS];
	bool trap;			/* the last stop was a #DB trap ... */
	u64 trap_rip;			/* ... here ... */
	u64 joined;			/* ... with these code breakpoints */
};

static bool fail(const char *what)
{
	if (!why[0])
		snprintf(why, sizeof(why), "%s", what);
	return false;
}

static void configure(struct run *r)
{
	struct emu *cpu = &r->h.cpu;

	cpu->flags = amd ? EMU_VENDOR_AMD : 0;
	cpu->config.exit_exceptions = ~0U;
	/* Those that Linux lets programs use; others must fault. */
	memset(cpu->config.exit_ints, 0, sizeof(cpu->config.exit_ints));
	cpu->config.exit_ints[0] = BIT(3) | BIT(4);
	cpu->config.exit_ints[4] = BIT(0);
	set_cpuid(cpu, r->t);
}

static void set_up(struct run *r)
{
	const struct test *t = r->t;
	struct host *h = &r->h;
	struct emu_state *st = &h->cpu.st;
	const char *bad;
	unsigned int n;

	host_reset(h);
	h->no_windows = r->v->no_windows;
	h->poll_stop = r->v->poll;
	set_memory(h, t);
	set_control(st);
	configure(r);
	for (n = EMU_ES; n <= EMU_GS; n++)
		load_segment(h, n, t->sel[n]);
	memcpy(st->regs.gpr, t->gpr, sizeof(t->gpr));
	st->regs.rip = t->rip;
	st->regs.rflags = t->rflags;
	memcpy(st->debug.dr, t->dr, sizeof(t->dr));
	st->debug.dr7 = t->dr7 | EMU_DR7_FIXED;
	r->got.nr = 0;
	r->trap = false;
	bad = emu_check_state(st);
	if (bad)
		die(t->name, bad);
	emu_load(&h->cpu);
}

/* Nothing but the state may count. */
static void restore_elsewhere(struct run *r)
{
	static struct emu_state saved;
	struct host *h = &r->h;
	u32 host_exit = h->cpu.host_exit;

	saved = h->cpu.st;
	emu_init(&h->cpu, h->cpu.ops, h);
	memset(&h->cpu.insn, 0xa5, sizeof(h->cpu.insn));
	h->cpu.st = saved;
	h->cpu.host_exit = host_exit;
	configure(r);
	if (emu_check_state(&saved))
		fail(emu_check_state(&saved));
	emu_load(&h->cpu);
}

static enum emu_exit run(struct run *r, u64 budget)
{
	enum emu_exit ex;

	r->h.cpu.st.budget = budget;
	ex = emu_run(&r->h.cpu);
	if (r->v->save)
		restore_elsewhere(r);
	return ex;
}

static unsigned int changed(const struct host *h)
{
	const u8 *now = h->mem + FIRST_REGION;
	unsigned int page, n, count = 0;

	for (page = 0; page < sizeof(before); page += 0x1000) {
		if (!memcmp(before + page, now + page, 0x1000))
			continue;
		for (n = page; n < page + 0x1000; n++)
			count += before[n] != now[n];
	}
	return count;
}

/* Breakpoints of @bits that are code breakpoints. */
static u64 code_bits(const struct test *t, u64 bits)
{
	unsigned int n;
	u64 found = 0;

	for (n = 0; n < 4; n++)
		if (bits >> n & 1 && !(t->dr7 >> (16 + 4 * n) & 3))
			found |= 1ULL << n;
	return found;
}

static bool is_soft(const struct emu_event *ev)
{
	return ev->type == EMU_EV_SOFT_INT || ev->type == EMU_EV_SOFT_EXC;
}

/* The signal that Linux makes of an exception. */
static void note_signal(struct stop *s, const struct emu_event *ev, bool at_hlt)
{
	static const struct {
		u8 vector;
		const char *kind;
		u8 sig, code;
	} signal[] = {
		{ 0, "FPE", 8, 1 }, { 3, "BP(int3)", 5, 128 },
		{ 4, "SEGV", 11, 128 }, { 5, "SEGV", 11, 128 },
		{ 6, "ILL", 4, 2 }, { 11, "BUS", 7, 128 }, { 12, "BUS", 7, 128 },
		{ 13, "SEGV", 11, 128 }, { 14, "SEGV", 11, 1 }, { 17, "BUS", 7, 1 },
	};
	unsigned int n;

	sprintf(s->kind, "vector %u", ev->vector);
	for (n = 0; n < ARRAY_SIZE(signal); n++) {
		if (signal[n].vector != ev->vector)
			continue;
		strcpy(s->kind, signal[n].kind);
		s->sig = signal[n].sig;
		s->code = signal[n].code;
	}
	/* There is something, but not for everyone. */
	if (ev->vector == 14 && ev->error_code & EMU_PF_P)
		s->code = 2;
	if (ev->vector == 13 && at_hlt)
		strcpy(s->kind, "END");
}

/* ... and of a #DB; returns what it leaves in RF. */
static bool note_debug(struct run *r, struct stop *s, const struct emu_event *ev,
		       bool rf)
{
	u64 bits = ev->payload & (EMU_DBG_B_MASK | EMU_DBG_BS);
	u64 code = code_bits(r->t, bits), rip = r->h.cpu.st.regs.rip;
	bool trap = ev->type == EMU_EV_ICEBP || bits & ~code;

	/* The CPU reports both at once, but for INT1 (S91). */
	if (r->trap && r->trap_rip == rip && !trap && code & ~r->joined)
		fail("S91: a code breakpoint came after the trap, not with it");
	r->trap = ev->type != EMU_EV_ICEBP && trap;
	r->trap_rip = rip;
	r->joined = code;
	if (bits & EMU_DBG_BS)
		bits &= ~code;
	strcpy(s->kind, bits & EMU_DBG_BS ? "DB-TRACE" :
			bits ? "DB-HWBKPT" : "DB-OTHER");
	s->sig = 5;
	s->code = bits & EMU_DBG_BS ? 2 : bits ? 4 : 1;
	s->val[DR6] = 0xff0 | bits;
	return rf || bits & code;
}

static struct stop *new_stop(struct run *r)
{
	const struct emu_state *st = &r->h.cpu.st;
	struct sequence *seq = &r->got;
	struct stop *s = &seq->stop[seq->nr];
	unsigned int n;

	memset(s, 0, sizeof(*s));
	s->rip = st->regs.rip - r->t->rip;
	for (n = 0; n < EMU_NR_GPRS; n++)
		s->val[n] = st->regs.gpr[n] & visible(r->t, n);
	memcpy(r->gpr[seq->nr], st->regs.gpr, sizeof(st->regs.gpr));
	s->val[DR6] = seq->nr ? 0 : 0xff0;
	s->val[MEMCHG] = changed(&r->h);
	s->val[SS] = st->segs.seg[EMU_SS].selector;
	seq->nr++;
	return s;
}

static const struct stop *note(struct run *r)
{
	const struct emu_state *st = &r->h.cpu.st;
	const struct emu_event *ev = &st->event;
	struct stop *s = new_stop(r);
	bool rf = ev->flags & EMU_EVENT_RF;
	const u8 *insn;

	insn = at_linear(&r->h, st->segs.seg[EMU_CS].base + st->regs.rip);
	if (is_soft(ev))
		s->rip += ev->insn_len;
	if (ev->vector == 1 && !is_soft(ev)) {
		/* INT1 is reported behind itself. */
		if (ev->type == EMU_EV_ICEBP)
			s->rip += ev->insn_len;
		rf = note_debug(r, s, ev, rf);
	} else {
		note_signal(s, ev, insn && *insn == 0xf4);
		r->trap = false;
	}
	s->val[RF] = rf;
	s->val[FL] = st->regs.rflags & ~EMU_FL_RF;
	if (rf)
		s->val[FL] |= EMU_FL_RF;
	s->val[TF] = !!(s->val[FL] & EMU_FL_TF);
	return s;
}

/* Linux has no more to do than to go on from what was noted. */
static void iret(struct run *r, u64 fl)
{
	struct emu_state *st = &r->h.cpu.st;

	st->regs.rflags = fl;
	st->debug.dr6 = EMU_DR6_DEFAULT;
}

/* The effects of an event, and no step further. */
static enum emu_exit take(struct run *r)
{
	struct emu_state *st = &r->h.cpu.st;
	u64 fl = st->regs.rflags & ~(EMU_FL_TF | EMU_FL_RF);
	struct emu_event ev = st->event;
	enum emu_exit ex;

	if (ev.flags & EMU_EVENT_RF)
		fl |= EMU_FL_RF;
	st->event.action = EMU_EVENT_TAKE;
	ex = run(r, 0);
	if (st->regs.rflags != fl)
		fail("taken: RFLAGS");
	if (!is_soft(&ev) && st->debug.dr6 !=
	    (EMU_DR6_DEFAULT | (ev.vector == 1 ? ev.payload : 0)))
		fail("taken: DR6");
	return ex == EMU_EXIT_HOST ? EMU_EXIT_BUDGET : ex;
}

/* A #DB in the kernel, if any, goes no further; returns what comes after it. */
static enum emu_exit kernel_debug(struct run *r, enum emu_exit ex, u64 pending)
{
	struct emu_state *st = &r->h.cpu.st;
	bool came = ex == EMU_EXIT_EVENT;

	if (came != !!pending || (came && (st->event.vector != 1 ||
					   st->event.payload != pending)))
		fail("S123: what was pending is to be a #DB in the kernel");
	return came ? take(r) : ex;
}

/* What the system call returned when it was captured. */
static void call_returns(struct run *r)
{
	const struct sequence *seen = &r->t->seen;

	if (r->got.nr < seen->nr)
		r->h.cpu.st.regs.gpr[EMU_RAX] =
			seen->stop[r->got.nr].val[EMU_RAX];
}

/* INT n: the kernel is entered here, without a frame, and left. */
static bool soft_interrupt(struct run *r)
{
	struct emu_state *st = &r->h.cpu.st;
	u64 pending = st->debug.pending_dbg, fl = st->regs.rflags & ~EMU_FL_RF;
	bool call = st->event.vector == 0x80;

	if (kernel_debug(r, take(r), pending) != EMU_EXIT_BUDGET)
		return fail("the kernel cannot be entered");
	if (call)
		call_returns(r);
	iret(r, fl);
	return true;
}

static void sysret(struct run *r)
{
	struct emu_state *st = &r->h.cpu.st;

	st->debug.activity = EMU_ACTIVE;
	emu_cancel(st);
	call_returns(r);
	st->regs.rip = st->regs.gpr[EMU_RCX];
	load_segment(&r->h, EMU_CS, 0x33);
	load_segment(&r->h, EMU_SS, 0x2b);
	iret(r, st->regs.gpr[EMU_R11]);
	emu_load(&r->h.cpu);
}

static bool ends(const struct stop *s)
{
	return strncmp(s->kind, "DB-", 3) && strcmp(s->kind, "BP(int3)");
}

/* An event that leaves; false: it was the last, or something is wrong. */
static bool handle(struct run *r)
{
	struct emu_state *st = &r->h.cpu.st;
	const struct stop *s;

	if (!(st->segs.seg[EMU_SS].attr & EMU_SEG_DPL)) {
		/* The step trap of SYSCALL must not come here (S106, S115). */
		if (st->event.vector != 1 || st->event.payload & EMU_DBG_BS ||
		    !(st->event.payload & EMU_DBG_B_MASK))
			return fail("an exception in the kernel");
		return take(r) == EMU_EXIT_BUDGET;
	}
	if (is_soft(&st->event)) {
		s = st->event.vector == 0x80 ? NULL : note(r);
		return soft_interrupt(r) && !(s && ends(s));
	}
	s = note(r);
	if (ends(s)) {
		if (take(r) != EMU_EXIT_BUDGET || st->debug.pending_dbg)
			fail("S5: a fault has left a trap pending");
		return false;
	}
	/* INT1 has yet to be run, and a fault has yet to drop what a shadow holds. */
	if (!r->v->take && st->event.type != EMU_EV_ICEBP &&
	    !st->debug.pending_dbg)
		st->event.action = EMU_EVENT_ABSORB;
	else if (take(r) != EMU_EXIT_BUDGET)
		return fail("taken: it does not go on");
	iret(r, s->val[FL]);
	return true;
}

static void drive(struct run *r)
{
	struct host *h = &r->h;
	unsigned int left = LIMIT;
	enum emu_exit ex;

	while (left-- && r->got.nr < MAX_STOPS - 1 && !why[0]) {
		ex = run(r, r->v->save ? 1 : LIMIT);
		if (ex == EMU_EXIT_BUDGET ||
		    (ex == EMU_EXIT_HOST && h->cpu.host_exit == 2))
			continue;
		if (ex == EMU_EXIT_HLT && h->cpu.st.regs.rip == KERNEL + ENTRY + 1) {
			sysret(r);
			continue;
		}
		if (ex == EMU_EXIT_UNSUPPORTED) {
			strcpy(new_stop(r)->kind, "UNSUPPORTED");
			return;
		}
		if (ex != EMU_EXIT_EVENT) {
			snprintf(why, sizeof(why), "left with reason %d at %llx",
				 ex, (unsigned long long)h->cpu.st.regs.rip);
			return;
		}
		if (!handle(r))
			return;
	}
	fail("it does not end");
}

/* Comparing */

static bool equal(const struct stop *want, const struct stop *got)
{
	unsigned int n;

	if (strcmp(want->kind, got->kind)) {
		sprintf(why, "%s, not %s", got->kind, want->kind);
		return false;
	}
	if (want->rip != got->rip) {
		sprintf(why, "at +%llx, not +%llx", (unsigned long long)got->rip,
			(unsigned long long)want->rip);
		return false;
	}
	for (n = 0; n < ARRAY_SIZE(field); n++) {
		unsigned int at = field[n].at;

		if (!(want->has >> at & 1) || want->val[at] == got->val[at])
			continue;
		sprintf(why, "%s is %llx, not %llx", field[n].name,
			(unsigned long long)got->val[at],
			(unsigned long long)want->val[at]);
		return false;
	}
	if (want->sig && (want->sig != got->sig || want->code != got->code)) {
		sprintf(why, "signal %u/%u, not %u/%u", got->sig, got->code,
			want->sig, want->code);
		return false;
	}
	return true;
}

/*
 * Where the capture and the emulator may differ: each is a function that looks at
 * the stops that remain of both, and says how many of the emulator's stand for the
 * first of the capture's; 0: that is no such case.
 */
typedef unsigned int decide_fn(const struct test *t, const struct stop *want,
			       const struct stop *got, unsigned int nr);

/* The string store at @rip: its element's size, or 0. @len becomes its length. */
static unsigned int fast_string(const struct test *t, s64 rip, unsigned int *len,
				bool *movs)
{
	unsigned int n = rip, size = t->bits == 16 ? 2 : 4;
	bool rep = false;

	for (; rip >= 0 && n < t->len; n++) {
		u8 b = t->code[n];

		if (b == 0xf2 || b == 0xf3)
			rep = true;
		else if (b == 0x66)
			size = 6 - size;
		else if ((b & 0xf8) == 0x48 && t->bits == 64)
			size = 8;
		else
			break;
	}
	if (rip < 0 || n >= t->len || !rep)
		return 0;
	*len = n + 1 - rip;
	*movs = (t->code[n] & 0xfe) == 0xa4;
	if (!*movs && (t->code[n] & 0xfe) != 0xaa)
		return 0;
	return t->code[n] & 1 ? size : 1;
}

/* Breakpoints that the iteration just done, upwards, has touched. */
static u64 touched(const struct test *t, const struct stop *s, unsigned int size,
		   bool movs)
{
	static const u8 len_of[4] = { 1, 2, 8, 4 };
	unsigned int n, rw, len;
	u64 first, bits = 0;

	for (n = 0; n < 4; n++) {
		rw = t->dr7 >> (16 + 4 * n) & 3;
		len = len_of[t->dr7 >> (18 + 4 * n) & 3];
		first = t->dr[n] & ~(u64)(len - 1);
		if (!(t->dr7 >> (2 * n) & 1) || !(rw & 1))
			continue;
		if (s->val[EMU_RDI] > first &&
		    s->val[EMU_RDI] - size < first + len)
			bits |= 1ULL << n;
		if (movs && rw == 3 && s->val[EMU_RSI] > first &&
		    s->val[EMU_RSI] - size < first + len)
			bits |= 1ULL << n;
	}
	return bits;
}

/* Does a MOV SS from memory, or a POP SS, end at @rip? */
static bool after_mov_ss(const struct test *t, s64 rip)
{
	if (rip >= 1 && t->code[rip - 1] == 0x17 && t->bits != 64)
		return true;
	return rip >= 2 && t->code[rip - 2] == 0x8e &&
	       (t->code[rip - 1] & 0xf8) == 0x10;
}

/* How much later in the same string @want is, in bytes; 0 if that is not all. */
static u64 how_late(const struct stop *want, const struct stop *got,
		    unsigned int size, unsigned int len, bool movs)
{
	u64 ahead = got->val[EMU_RCX] - want->val[EMU_RCX];
	struct stop s = *got;

	s.rip += want->val[EMU_RCX] ? 0 : len;
	s.val[EMU_RCX] -= ahead;
	s.val[EMU_RDI] += ahead * size;
	if (movs)
		s.val[EMU_RSI] += ahead * size;
	if (!want->val[EMU_RCX]) {
		s.val[FL] &= ~EMU_FL_RF;
		s.val[RF] = 0;
	}
	s.val[DR6] = want->val[DR6];
	s.val[MEMCHG] = want->val[MEMCHG];
	return equal(want, &s) ? ahead * size : 0;
}

#define LATE_MAX	128

/* The CPU is at most a chunk late, and may report several iterations in one. */
static unsigned int late_string(const struct test *t, const struct stop *want,
				const struct stop *got, unsigned int nr)
{
	u64 bits = 0, late;
	unsigned int n, len, size;
	bool movs;

	if (strcmp(want->kind, "DB-HWBKPT") || want->val[TF])
		return 0;
	for (n = 0; n < nr; n++) {
		size = fast_string(t, got[n].rip, &len, &movs);
		if (!size)
			break;
		late = how_late(want, &got[n], size, len, movs);
		if (late > LATE_MAX || (!late && !equal(want, &got[n])))
			break;
		/* Each of the emulator's is exact. */
		if ((got[n].val[DR6] & 15) != touched(t, &got[n], size, movs))
			break;
		bits |= got[n].val[DR6] & 15;
	}
	return bits == (want->val[DR6] & 15) ? n : 0;
}

/* After a MOV SS the CPU ends the hold with the string, or with its first chunk. */
static unsigned int late_hold(const struct test *t, const struct stop *want,
			      const struct stop *got, unsigned int nr)
{
	unsigned int len, size;
	u64 late;
	bool movs;

	if (strcmp(want->kind, "DB-HWBKPT") || want->val[TF])
		return 0;
	size = fast_string(t, got->rip, &len, &movs);
	if (!size || !after_mov_ss(t, got->rip) ||
	    got->val[EMU_RCX] != t->gpr[EMU_RCX] - 1 ||
	    got->val[DR6] != want->val[DR6] ||
	    got->val[DR6] & touched(t, got, size, movs))
		return 0;
	late = how_late(want, got, size, len, movs);
	return late && late <= LATE_MAX;
}

/* x87, MMX, SSE and VEX. */
static unsigned int not_modelled(const struct test *t, const struct stop *want,
				 const struct stop *got, unsigned int nr)
{
	unsigned int n = got->rip;
	u8 b;

	if (strcmp(got->kind, "UNSUPPORTED") || got->rip < 0)
		return 0;
	while (n + 1 < t->len && (t->code[n] == 0x66 || t->code[n] == 0xf2 ||
				  t->code[n] == 0xf3 || t->code[n] == 0x67 ||
				  (t->bits == 64 && (t->code[n] & 0xf0) == 0x40)))
		n++;
	if (n + 1 >= t->len)
		return 0;
	b = t->code[n + 1];
	if (t->code[n] == 0x0f)
		return (b >= 0x10 && b <= 0x17) || (b >= 0x28 && b <= 0x2f) ||
		       (b >= 0x50 && b <= 0x7f) || b == 0xc2 ||
		       (b >= 0xc4 && b <= 0xc6) || b >= 0xd0;
	return (t->code[n] & 0xf8) == 0xd8 || t->code[n] == 0xc4 ||
	       t->code[n] == 0xc5 || t->code[n] == 0x62;
}

static const struct {
	const char *number;
	const char *reason;
	bool either;			/* CPUs may do either: other sequences too */
	bool last;			/* nothing is compared behind it */
	decide_fn *fn;
} decided[] = {
	{ "S119", "a hold ends with a string's first iteration, with fast strings too",
	  .fn = late_hold },
	{ "S164", "fast strings report as exactly as others", .either = true,
	  .fn = late_string },
	{ "K19", "FPU and vectors leave as unsupported", .last = true,
	  .fn = not_modelled },
};

#define NR_DECIDED	ARRAY_SIZE(decided)

static unsigned int count[NR_DECIDED + 1];

/*
 * Is what the emulator did the sequence @seen, but for what is decided? @which
 * becomes the entry of decided[] that was needed, or NR_DECIDED.
 */
static bool same(const struct run *r, const struct sequence *seen,
		 unsigned int *which)
{
	unsigned int n = 0, k = 0, d, used;
	const struct stop *got = r->got.stop;
	char first[sizeof(why)];

	*which = NR_DECIDED;
	while (n < seen->nr) {
		if (k == r->got.nr) {
			sprintf(why, "stop %u did not come", n);
			return false;
		}
		if (equal(&seen->stop[n], &got[k])) {
			n++;
			k++;
			continue;
		}
		snprintf(first, sizeof(first), "stop %u: %.480s", n, why);
		for (d = 0, used = 0; d < NR_DECIDED && !used; d++) {
			used = decided[d].fn(r->t, &seen->stop[n], &got[k],
					     r->got.nr - k);
			if (used)
				*which = d;
		}
		if (!used) {
			strcpy(why, first);
			return false;
		}
		if (decided[*which].last)
			n = seen->nr;
		else
			n++;
		k += used;
	}
	if (k != r->got.nr)
		sprintf(why, "%u stops, not %u", r->got.nr, seen->nr);
	else
		why[0] = 0;
	return k == r->got.nr;
}

static bool judge(const struct run *r, unsigned int *which)
{
	const struct test *t = r->t;
	char first[sizeof(why)];
	unsigned int n;

	if (same(r, &t->seen, which))
		return true;
	strcpy(first, why);
	for (n = 0; n < t->nr_others; n++)
		if (same(r, &t->other[n], which) && *which < NR_DECIDED &&
		    decided[*which].either)
			return true;
	strcpy(why, first);
	return false;
}

static bool run_test(struct run *r, struct run *base, unsigned int *which,
		     const char **variant)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(variants); n++) {
		why[0] = 0;
		r->v = &variants[n];
		*variant = r->v->name;
		set_up(r);
		drive(r);
		if (why[0] || !judge(r, which))
			return false;
		/* The registers that the capture does not have, too. */
		if (!n)
			memcpy(base->gpr, r->gpr, sizeof(r->gpr));
		else if (memcmp(base->gpr, r->gpr,
				r->got.nr * sizeof(r->gpr[0])))
			return fail("a register differs from the first way's");
	}
	return true;
}

static unsigned int nr_tests, failed;

static void report(const struct test *t)
{
	static struct run r, base;
	unsigned int which = NR_DECIDED;
	const char *variant = "";
	bool ok;

	if (!t->name[0])
		return;
	if (!t->seen.nr)
		die(t->name, "no stops");
	if (!r.h.mem)
		host_init(&r.h);
	r.t = t;
	ok = run_test(&r, &base, &which, &variant);
	printf("%sok %u %s", ok ? "" : "not ", ++nr_tests, t->name);
	if (!ok)
		printf(" (%s: %s)", variant, why);
	else if (which < NR_DECIDED)
		printf(" (%s)", decided[which].number);
	putchar('\n');
	if (ok)
		count[which]++;
	failed += !ok;
}

static void read_line(struct test *t, char *line)
{
	char *col[32], *p = line;
	unsigned int nr = 0;
	struct sequence *seq;

	line[strcspn(line, "\r\n")] = 0;
	while (nr < ARRAY_SIZE(col) && p) {
		col[nr++] = p;
		p = strchr(p, '\t');
		if (p)
			*p++ = 0;
	}
	if (!strcmp(col[0], "C") && nr >= 8) {
		report(t);
		read_case(t, col);
	} else if (!strcmp(col[0], "E") && nr >= 5) {
		if (strcmp(col[1], t->name))
			die(col[1], "a stop of another case");
		read_stop(t, &t->seen, col, nr);
	} else if (!strcmp(col[0], "V") && nr >= 5) {
		if (strcmp(col[1], t->name))
			die(col[1], "a stop of another case");
		if (!strcmp(col[2], "0") && t->nr_others < MAX_OTHERS)
			t->nr_others++;
		if (!t->nr_others)
			die(t->name, "stops are not in order");
		seq = &t->other[t->nr_others - 1];
		if (!strcmp(col[2], "0"))
			seq->nr = 0;
		read_stop(t, seq, col, nr);
	} else if (col[0][0] && strcmp(col[0], "S")) {
		die("unknown line", col[0]);
	}
}

int main(int argc, char **argv)
{
	static struct test t;
	static char line[4096];
	unsigned int k;
	FILE *f;
	int n;

	for (n = 1; n < argc; n++) {
		f = fopen(argv[n], "r");
		if (!f)
			die(argv[n], "cannot be opened");
		amd = false;
		while (fgets(line, sizeof(line), f)) {
			if (line[0] == '#')
				read_head(line);
			else
				read_line(&t, line);
		}
		fclose(f);
		report(&t);
		t.name[0] = 0;
	}
	printf("# %u as captured\n", count[NR_DECIDED]);
	for (k = 0; k < NR_DECIDED; k++)
		printf("# %u by %s: %s\n", count[k], decided[k].number,
		       decided[k].reason);
	printf("1..%u\n", nr_tests);
	return failed || !nr_tests;
}
