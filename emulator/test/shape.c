// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"
#include "shape.h"

/*
 * Memory, by pages: 0 IVT, 1 code, 2 and 3 data, 4 handlers, 5 scratch, 6 stacks,
 * 8 to b GDT, TSS, IDT, task (modes.h), e I/O bitmap, f an alias with paging, 10 to
 * 13 page tables.
 */
#define CODE		0x1000
#define CODE_CROSS	0x1fff		/* the instruction's second byte is in page 2 */
#define DATA		0x2100
#define DATA2		0x2800		/* the other operand of MOVS and CMPS */
#define EDGE		0x3000		/* between two pages of data */
#define WATCHED		0x2080		/* what MOV SS reads */
#define HANDLERS	0x4000
#define MEND		(HANDLERS + 16 * 0x80)	/* the rest of #PF's handler */
#define BITMAP		0xe000
#define ALIAS		0xf000
#define TOP		0x2000		/* what the top page of linear memory is */
#define STACK		0x7000
#define PORT		0x84

enum { REAL, V86, PROT, RING3, PROT16, LONG, LONG3, COMPAT, NR_MODES };
enum { NO_PAGING, PAE, LEGACY, NR_PAGINGS };
enum { INS, OUTS, IN, OUT, MOVS, STOS, LODS, CMPS, SCAS, PROGRAM = OP_PROGRAM,
	PLAIN = OP_PLAIN, NR_OPS };
enum { MIDDLE, EDGE_EVEN, EDGE_ODD, OWN_CODE, ON_BITMAP, ON_TABLE, ALIAS_CODE,
	ALIAS_BITMAP, ALIAS_TABLE, WRAP, ON_STACK, ON_GDT, NR_PLACES };
enum { NO_FAULT, UNMAPPED, READ_ONLY, HOLE, OWNER, LIMIT, SUPERVISOR, NR_FAULTS };

/* Name, number of values, how often (in %) it is not 0. */
static const struct {
	const char *name;
	u16 nr;
	u16 chance;
} axes[NR_AXES] = {
	[A_MODE] = { "mode", NR_MODES, 86 },
	[A_PAGING] = { "paging", NR_PAGINGS, 60 },
	[A_OP] = { "op", NR_OPS, 70 },
	[A_REP] = { "rep", 3, 85 },
	[A_SIZE] = { "size", 4, 66 },
	[A_ADDR] = { "addr", 2, 25 },
	[A_COUNT] = { "count", 9, 75 },
	[A_UPPER] = { "upper", 2, 20 },
	[A_DF] = { "df", 2, 25 },
	[A_SEG] = { "seg", 5, 10 },
	[A_BASE] = { "base", 2, 15 },
	[A_PLACE] = { "place", NR_PLACES, 60 },
	[A_AT] = { "at", 6, 70 },
	[A_FAULT] = { "fault", NR_FAULTS, 20 },
	[A_TF] = { "tf", 4, 20 },
	[A_SHADOW] = { "shadow", 9, 20 },
	[A_IOBP] = { "iobp", 8, 25 },
	[A_DATABP] = { "databp", 3, 25 },
	[A_BPAT] = { "bpat", 5, 60 },
	[A_BPLEN] = { "bplen", 4, 60 },
	[A_CODEBP] = { "codebp", 3, 12 },
	[A_WATCH] = { "watch", 8, 10 },
	[A_REGS] = { "regs", 2, 8 },
	[A_RF] = { "rf", 2, 8 },
	[A_PERM] = { "perm", 9, 35 },
	[A_IRQ] = { "irq", 7, 15 },
	[A_EVENTS] = { "events", 4, 60 },
	[A_ANSWER] = { "answer", 3, 40 },
	[A_PORT] = { "port", 5, 30 },
	[A_PAGES] = { "pages", 5, 25 },
	[A_STREAM] = { "stream", 2, 10 },
	[A_AMD] = { "amd", 2, 40 },
	[A_DISABLED] = { "disabled", 2, 15 },
	[A_AC] = { "ac", 2, 8 },
	[A_IN] = { "in", 5, 50 },
	[A_CROSS] = { "cross", 2, 10 },
	[A_BEFORE] = { "before", 3, 20 },
	[A_AFTER] = { "after", 4, 40 },
	[A_LEN] = { "len", 9, 90 },
	[A_DROP] = { "drop", 512, 0 },
	[A_CHANGE] = { "change", 64, 15 },
	[A_LIMIT] = { "limit", 32, 20 },
	[A_OTHER] = { "other", 6, 50 },
};

unsigned int shape_values(enum axis a)
{
	return axes[a].nr;
}

/* Random numbers */

static u64 rng;

static u32 rnd(u32 n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 11) % n;
}

static void seed(u64 n)
{
	unsigned int i;

	rng = (n + 1) * 0x9e3779b97f4a7c15ULL;
	rng += !rng;
	for (i = 0; i < 4; i++)
		rnd(2);
}

void shape_draw(struct shape *s, u64 number)
{
	unsigned int a;

	memset(s, 0, sizeof(*s));
	s->seed = number;
	seed(number);
	for (a = 0; a < NR_AXES; a++)
		if (rnd(100) < axes[a].chance)
			s->v[a] = 1 + rnd(axes[a].nr - 1);
	if (s->v[A_OP] && !rnd(3))
		s->v[A_OP] = PLAIN;
}

void shape_print(const struct shape *s, char *buf, unsigned int size)
{
	unsigned int a, at;

	at = snprintf(buf, size, "seed=%llu", (unsigned long long)s->seed);
	for (a = 0; a < NR_AXES && at < size; a++)
		if (s->v[a])
			at += snprintf(buf + at, size - at, " %s=%u",
				       axes[a].name, s->v[a]);
}

bool shape_parse(struct shape *s, const char *text)
{
	char name[32];
	unsigned int a;
	int used;
	long long val;

	memset(s, 0, sizeof(*s));
	while (sscanf(text, " %31[a-z]=%lli%n", name, &val, &used) == 2) {
		text += used;
		if (!strcmp(name, "seed")) {
			s->seed = val;
			continue;
		}
		for (a = 0; a < NR_AXES; a++)
			if (!strcmp(name, axes[a].name))
				break;
		if (a == NR_AXES || val < 0 || val >= axes[a].nr)
			return false;
		s->v[a] = val;
	}
	return !text[strspn(text, " ")];
}

/* The surroundings of a mode, made once. */

struct image {
	bool ready;
	u8 mem[SHAPE_MEM];
	struct emu_state st;
};

static u64 entry_address(const struct shape *s, u64 lin)
{
	unsigned int size = s->v[A_PAGING] == LEGACY ? 4 : 8;

	return MODE_TABLES + 0x3000 + lin / 4096 * size;
}

static void put_legacy_tables(struct host *h)
{
	u32 *pd = (u32 *)(h->mem + MODE_TABLES), *pt = pd + 0xc00, n;

	pd[0] = (MODE_TABLES + 0x3000) | 7;
	pd[1023] = pd[0];
	for (n = 0; n < 1024; n++)
		pt[n] = n * 4096 | 7;
	pt[1023] = TOP | 7;
	h->cpu.st.ctrl.cr3 = MODE_TABLES;
	h->cpu.st.ctrl.cr0 |= EMU_CR0_PG;
}

/* The top of linear memory, and of the lower canonical half, is somewhere too. */
static void put_top(struct host *h, bool wide)
{
	u64 *table = (u64 *)(h->mem + MODE_TABLES);

	if (wide)
		table[255] = table[0];
	if (wide)
		table[511] = table[0];
	table[512 + 511] = table[512];
	table[512 + 3] = table[512];
	table[1024 + 511] = table[1024];
	table[1536 + 511] = TOP | 7;
}

static void put_code(struct host *h, u16 at, const char *bytes, unsigned int n)
{
	memcpy(h->mem + at, bytes, n);
}

#define PUT(h, at, bytes)	put_code(h, at, bytes, sizeof(bytes) - 1)

/*
 * The program's end: refused in every mode (addps), so that it is an exit. Faults
 * lead to it, but a page fault makes a page table entry present and returns.
 */
#define THE_END			"\x0f\x58\xc0"

static void put_fault_handlers(struct host *h, unsigned int mode)
{
	static const u8 faults[] = { 0, 5, 6, 7, 8, 10, 11, 12, 13, 17 };
	bool wide = mode == LONG || mode == LONG3 || mode == COMPAT;
	unsigned int n;

	for (n = 0; n < sizeof(faults); n++)
		PUT(h, HANDLERS + (mode == REAL ? 4 : 16) * faults[n], THE_END);
	if (mode == REAL)
		return;
	/* jmp MEND */
	PUT(h, HANDLERS + 16 * 14, "\xe9");
	h->mem[HANDLERS + 16 * 14 + 1] = (MEND - HANDLERS - 16 * 14 - 5) & 0xff;
	h->mem[HANDLERS + 16 * 14 + 2] = (MEND - HANDLERS - 16 * 14 - 5) >> 8;
	h->mem[HANDLERS + 16 * 14 + 3] = 0;
	h->mem[HANDLERS + 16 * 14 + 4] = 0;
	/* #DB: or [flags of the frame], RF; iret */
	if (wide)
		PUT(h, HANDLERS + 16, "\x81\x4c\x24\x10\0\0\1\0\x48\xcf");
	else
		PUT(h, HANDLERS + 16, "\x81\x4c\x24\x08\0\0\1\0\xcf");
}

static void make_image(struct host *h, const struct shape *s, struct image *im)
{
	static const char * const names[NR_MODES] = {
		"", "v86", "prot", "ring3", "prot16", "long", "long3", "long",
	};
	unsigned int mode = s->v[A_MODE], n;

	memset(h->mem, 0, SHAPE_MEM);
	host_reset(h);
	host_code(h, CODE, (const u8 *)"", 0);
	seed(1);
	for (n = 0x2000; n < 0x4000; n++)
		h->mem[n] = rnd(256);
	if (mode == REAL) {
		for (n = 0; n < 256; n++) {
			u16 at = HANDLERS + 4 * n;

			memcpy(h->mem + 4 * n, &at, 2);
			h->mem[at] = 0xcf;
		}
	} else {
		mode_set(h, names[mode], HANDLERS);
		if (mode == COMPAT)
			h->cpu.st.segs.seg[EMU_CS] = (struct emu_segment){
				.limit = 0xffff, .attr = 0x009b,
				.selector = SEL_CODE16,
			};
		if (h->cpu.st.ctrl.efer & EMU_EFER_LMA) {
			put_top(h, true);
		} else if (s->v[A_PAGING] == PAE) {
			mode_page(h, 0);
			put_top(h, false);
		} else if (s->v[A_PAGING] == LEGACY) {
			put_legacy_tables(h);
		}
		/* The map is in a page of its own. */
		h->mem[MODE_TSS + 0x66] = 0;
		h->mem[MODE_TSS + 0x67] = 0x50;
		memset(h->mem + BITMAP + 0x80, 0xff, 2);
		h->cpu.st.segs.seg[EMU_TR].limit = 0x5080;
	}
	put_fault_handlers(h, mode);
	h->cpu.st.regs.gpr[EMU_RSP] = STACK;
	memcpy(im->mem, h->mem, SHAPE_MEM);
	im->st = h->cpu.st;
	im->ready = true;
}

static bool is_program(const struct shape *s)
{
	return s->v[A_OP] >= PROGRAM;
}

/* Axes that mean nothing in the shape's mode are taken as 0. */
static void tidy(struct shape *s)
{
	unsigned int mode = s->v[A_MODE];

	if (mode == REAL || mode >= LONG)
		s->v[A_PAGING] = 0;
	if (is_program(s))
		return;
	s->v[A_LEN] = 0;
	s->v[A_DROP] = 0;
}

static bool is_wide(const struct shape *s)
{
	return s->v[A_MODE] == LONG || s->v[A_MODE] == LONG3;
}

static bool has_paging(const struct shape *s)
{
	return s->v[A_PAGING] || s->v[A_MODE] >= LONG;
}

/* Bytes of the operand and of the address. */

static unsigned int code_bits(const struct shape *s)
{
	switch (s->v[A_MODE]) {
	case PROT:
	case RING3:
		return 32;
	case LONG:
	case LONG3:
		return 64;
	default:
		return 16;
	}
}

static unsigned int address_size(const struct shape *s)
{
	switch (code_bits(s)) {
	case 64:
		return s->v[A_ADDR] ? 4 : 8;
	case 32:
		return s->v[A_ADDR] ? 2 : 4;
	default:
		return s->v[A_ADDR] ? 4 : 2;
	}
}

static unsigned int element(const struct shape *s)
{
	switch (s->v[A_SIZE]) {
	case 0:
		return 1;
	case 1:
		return 2;
	case 2:
		return 4;
	default:
		return is_wide(s) && s->v[A_OP] >= MOVS ? 8 : 4;
	}
}

/* Code */

static u8 *emit(u8 *p, const char *bytes, unsigned int n)
{
	memcpy(p, bytes, n);
	return p + n;
}

#define EMIT(p, bytes)	emit(p, bytes, sizeof(bytes) - 1)

/* mov register, value */
static u8 *emit_mov(const struct shape *s, u8 *p, u8 reg, u32 val)
{
	*p++ = 0xb8 + reg;
	memcpy(p, &val, 4);
	return p + (code_bits(s) == 16 ? 2 : 4);
}

static const u8 string_op[] = { 0x6c, 0x6d, 0x6e, 0x6f, 0xa4, 0xa5, 0xa6, 0xa7,
				0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };

/* Things that trap, repeat, hold or leave, and little else. */
static u8 *any_instruction(const struct shape *s, u8 *p)
{
	static const u8 io[] = { 0xec, 0xed, 0xee, 0xef };
	u32 at;

	switch (rnd(16)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		if (!rnd(4))
			*p++ = 0x66;
		if (!rnd(4))
			*p++ = 0x67;
		if (!rnd(6))
			*p++ = 0x26 + 8 * rnd(4);
		if (rnd(4))
			*p++ = 0xf2 + rnd(2);
		*p++ = string_op[rnd(rnd(3) ? 4 : sizeof(string_op))];
		return p;
	case 5:
		if (!rnd(3))
			*p++ = 0x66;
		*p++ = io[rnd(4)];
		return p;
	case 6:
		return EMIT(p, "\x8e\x17");		/* mov ss, [bx] */
	case 7:
		return rnd(2) ? EMIT(p, "\x8e\xd0") :	/* mov ss, ax */
				EMIT(p, "\x16\x17");	/* push ss; pop ss */
	case 8:
		return emit_mov(s, p, 1, rnd(8));	/* rCX */
	case 9:
		at = rnd(16) + 0xf8 * !rnd(8);
		at |= (rnd(8) ? 0x20 : rnd(2) ? 0x10 : 0xff) << 8;
		return emit_mov(s, p, 6 + rnd(2), at);	/* rSI or rDI */
	case 10:
		return rnd(2) ? EMIT(p, "\xcd\x21") : EMIT(p, "\xf1");
	case 11:
		return rnd(2) ? EMIT(p, "\xfc") : EMIT(p, "\xfd");
	case 12:
		/* pushf; pop ax; xor ah, TF; push ax; popf */
		return EMIT(p, "\x9c\x58\x80\xf4\x01\x50\x9d");
	case 13:
		return rnd(2) ? EMIT(p, "\xfb") : EMIT(p, "\x88\x07");
	case 14:
		return rnd(2) ? EMIT(p, "\x60\x61") : EMIT(p, "\xff\x37\x8f\x05");
	default:
		*p++ = rnd(256);
		return p;
	}
}

static u8 *any_instructions(const struct shape *s, u8 *p, unsigned int n)
{
	unsigned int k;
	u8 *next;

	for (k = 0; k < n; k++) {
		next = any_instruction(s, p);
		if (!(s->v[A_DROP] >> k & 1))
			p = next;
	}
	return p;
}

/* What may stand for another byte of code and go on. */
static u8 plain_byte(void)
{
	static const u8 bytes[] = { 0x90, 0xf8, 0xf9, 0xf5, 0x40, 0x4b, 0x01, 0x29,
				    0x31, 0x74, 0x75, 0xeb, 0xc3, 0x00, 0xff };

	return rnd(4) ? bytes[rnd(sizeof(bytes))] : rnd(256);
}

static u8 *emit_number(u8 *p, u32 val, unsigned int size)
{
	memcpy(p, &val, size);
	return p + size;
}

/* A ModRM byte and what follows: @reg with a register, data, or the code at @here. */
static u8 *plain_operand(const struct shape *s, u8 *p, u8 reg, u32 here)
{
	unsigned int bits = code_bits(s), to = 0;

	reg <<= 3;
	switch (rnd(12)) {
	case 0:
		/* The code around it, absolute or by RIP. */
		to = bits == 64 ? rnd(40) - 24 : here + rnd(40) - 12;
		*p++ = reg | (bits == 16 ? 6 : 5);
		return emit_number(p, to, bits == 16 ? 2 : 4);
	case 1:
		to = DATA + rnd(64);
		*p++ = reg | (bits == 16 ? 6 : bits == 32 ? 5 : 4);
		if (bits == 64)
			*p++ = 0x25;
		return emit_number(p, to, bits == 16 ? 2 : 4);
	case 2:
		/* Over the end of a page now and then. */
		*p++ = 0x80 | reg | (bits == 16 ? 7 : 3);
		to = EDGE - 0x2000 - rnd(20);
		return emit_number(p, to, bits == 16 ? 2 : 4);
	case 3:
		/* [bx + si], or with a scaled index */
		if (bits == 16) {
			*p++ = reg;
			return p;
		}
		*p++ = reg | 4;
		*p++ = rnd(4) << 6 | (rnd(2) ? 1 : rnd(8)) << 3 | 3;
		return p;
	case 4:
	case 5:
		*p++ = reg | (bits == 16 ? 4 + rnd(4) / 3 * 3 : rnd(2) ? 3 : 6 + rnd(2));
		return p;
	case 6:
		*p++ = 0x40 | reg | (bits == 16 ? 7 : 3);
		*p++ = rnd(128);
		return p;
	default:
		/* rSP is left alone. */
		*p++ = 0xc0 | reg | (rnd(7) + 5) % 8;
		return p;
	}
}

/* mov r1, r2; op r1, x: a move that becomes one with what follows it, or does not. */
static u8 *moved(u8 *p, const u8 *prefixes, u8 reg)
{
	static const u8 ops[] = { 0x01, 0x09, 0x11, 0x21, 0x29, 0x31, 0x39, 0x85 };
	unsigned int n = p - prefixes;

	*p++ = 0x89;
	*p++ = 0xc0 | rnd(8) << 3 | reg;
	memcpy(p, prefixes, n);
	p += n;
	switch (rnd(4)) {
	case 0:
		*p++ = 0x83;
		break;
	case 1:
		*p++ = 0xc1;
		break;
	case 2:
		*p++ = 0xff;
		*p++ = 0xc0 | rnd(2) << 3 | reg;
		return p;
	default:
		*p++ = ops[rnd(sizeof(ops))];
		*p++ = 0xc0 | (rnd(3) ? rnd(8) : reg) << 3 | reg;
		return p;
	}
	*p++ = 0xc0 | rnd(8) << 3 | reg;
	*p++ = rnd(33);
	return p;
}

/* What blocks consist of: moves, arithmetic, stack, branches a short way off. */
static u8 *plain_instruction(const struct shape *s, u8 *p, u32 here)
{
	static const u8 alu[] = { 0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38,
				  0x84, 0x88, 0x86, 0x38, 0x84 };
	static const u8 unary[] = { 0xc0, 0xc8, 0xd0, 0xd8 };
	static const u8 one[] = { 0x98, 0x99, 0xf8, 0xf9, 0xf5, 0x9e, 0x9f, 0x90 };
	static const u8 two[] = { 0xb6, 0xb7, 0xbe, 0xbf, 0xaf, 0xa3, 0x44, 0x92,
				  0x9c, 0xbc, 0xc1, 0xb1, 0xa5, 0xac };
	static const u8 seg[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	unsigned int bits = code_bits(s), size = bits == 16 ? 2 : 4, n;
	/* [reg] of rCX, rBX, rSI and so on: not rSP, which the stack needs. */
	u8 reg = (rnd(7) + 5) % 8;
	bool wide = false, alu_op;
	const u8 *start = p;

	if (!rnd(12))
		*p++ = seg[rnd(6)];
	if (!rnd(6)) {
		*p++ = 0x66;
		size = 6 - size;
	}
	if (bits == 64 && !rnd(2)) {
		*p++ = 0x48 | (rnd(4) ? 0 : rnd(8) & 5);
		wide = true;
	}
	n = wide ? 4 : size;
	switch (rnd(22)) {
	case 0:
	case 1:
	case 2:
	case 3:
		/* op r/m, reg; op reg, r/m */
		n = rnd(sizeof(alu));
		*p++ = alu[n] | rnd(2) | (n < 8 || n == 9 ? rnd(2) << 1 : 0);
		return plain_operand(s, p, reg, here);
	case 4:
	case 5:
		*p++ = rnd(2) ? 0x83 : 0x80;
		p = plain_operand(s, p, rnd(8), here);
		*p++ = rnd(2) ? rnd(4) : rnd(256);
		return p;
	case 6:
		alu_op = rnd(2);
		*p++ = alu_op ? 0x81 : 0xc7;
		p = plain_operand(s, p, alu_op ? rnd(8) : 0, here);
		return emit_number(p, rnd(2) ? rnd(0xffff) : ~rnd(100), n);
	case 7:
		/* mov reg, imm, of 8 bytes with REX.W */
		*p++ = 0xb8 + reg;
		if (wide) {
			p = emit_number(p, rnd(100), 4);
			n = 4;
		}
		return emit_number(p, rnd(100), n);
	case 8:
		*p++ = 0xff;
		*p++ = unary[rnd(2)] + reg;
		return p;
	case 9:
		*p++ = 0xf7;
		*p++ = unary[2 + rnd(2)] + reg;
		return p;
	case 10:
		*p++ = (rnd(2) ? 0xc0 : 0xd0) | rnd(2);
		n = p[-1];
		p = plain_operand(s, p, rnd(8), here);
		if (n < 0xd0)
			*p++ = rnd(40);
		return p;
	case 11:
		*p++ = one[rnd(sizeof(one))];
		return p;
	case 12:
		*p++ = 0x0f;
		*p++ = two[rnd(sizeof(two))];
		n = p[-1];
		p = plain_operand(s, p, reg, here);
		if (n == 0xac)
			*p++ = rnd(32);
		return p;
	case 13:
		*p++ = (rnd(2) ? 0x50 : 0x58) + reg;
		return p;
	case 14:
		/* cmp or test, which are one with the branch behind them */
		*p++ = (rnd(2) ? 0x38 : 0x84) | rnd(2);
		*p++ = 0xc0 | reg << 3 | rnd(8);
		*p++ = 0x70 + rnd(16);
		*p++ = rnd(2) ? rnd(40) : -rnd(24);
		return p;
	case 15:
		*p++ = 0x70 + rnd(16);
		*p++ = rnd(3) ? rnd(16) : -rnd(24);
		return p;
	case 16:
		switch (rnd(6)) {
		case 0:
			*p++ = 0xeb;
			*p++ = rnd(8);
			return p;
		case 1:
			*p++ = 0xe8;
			return emit_number(p, rnd(3) ? rnd(8) : -rnd(24), n);
		case 2:
			*p++ = 0xe0 + rnd(4);
			*p++ = rnd(2) ? -rnd(24) : rnd(12);
			return p;
		case 3:
			*p++ = 0xc3;
			return p;
		case 4:
			/* push; ret to a place nearby */
			*p++ = 0x68;
			p = emit_number(p, here + rnd(48) - 8, n);
			*p++ = 0xc3;
			return p;
		default:
			*p++ = 0x0f;
			*p++ = 0x80 + rnd(16);
			return emit_number(p, rnd(16), n);
		}
	case 17:
		switch (rnd(8)) {
		case 0:
			return EMIT(p, "\x8e\xd8");	/* mov ds, ax */
		case 1:
			return EMIT(p, "\x8e\xc0");	/* mov es, ax */
		case 2:
			return bits == 64 ? EMIT(p, "\x0f\xa0\x0f\xa1") :
					    EMIT(p, "\x16\x1f");
		case 3:
			return EMIT(p, "\x0f\x23\xfb");	/* mov dr7, ebx */
		case 4:
			return EMIT(p, "\x9c\x9d");	/* pushf; popf */
		default:
			*p++ = 0x8d;
			return plain_operand(s, p, reg, here);
		}
	case 18:
		/* A store to the code: mov byte [], imm */
		*p++ = 0xc6;
		*p++ = bits == 16 ? 6 : 5;
		p = emit_number(p, bits == 64 ? rnd(40) - 16 : here + rnd(40) - 8,
				bits == 16 ? 2 : 4);
		*p++ = plain_byte();
		return p;
	case 19:
	case 20:
		return moved(p, start, reg);
	default:
		return any_instruction(s, p);
	}
}

static u8 *plain_instructions(const struct shape *s, u8 *p, unsigned int before)
{
	unsigned int k, n = 3 + 3 * s->v[A_LEN];
	u8 *start = p, *next;
	u32 here;

	for (k = 0; k < n; k++) {
		here = CODE + 0x80 + before + (p - start);
		next = plain_instruction(s, p, here);
		if (!(s->v[A_DROP] >> k / 3 & 1))
			p = next;
	}
	return p;
}

static u8 *shadow_instruction(const struct shape *s, u8 *p)
{
	static const u8 absolute[3][3] = {
		{ 0x8e, 0x16 }, { 0x8e, 0x15 }, { 0x8e, 0x14, 0x25 },
	};
	unsigned int bits = code_bits(s);
	u32 at = WATCHED;

	switch (s->v[A_SHADOW]) {
	case 3:
		return EMIT(p, "\x8e\xd0");		/* mov ss, ax */
	case 4:						/* mov ss, [WATCHED] */
		p = emit(p, (const char *)absolute[bits / 32], bits == 64 ? 3 : 2);
		memcpy(p, &at, 4);
		return p + (bits == 16 ? 2 : 4);
	case 6:
		return EMIT(p, "\xfb");			/* sti */
	case 8:
		return bits == 64 ? EMIT(p, "\x8e\xd0") :
				    EMIT(p, "\x16\x17");
	default:
		return p;
	}
}

static u8 *main_instruction(const struct shape *s, u8 *p)
{
	static const u8 op[PROGRAM] = { 0x6c, 0x6e, 0xec, 0xee, 0xa4, 0xaa, 0xac,
				       0xa6, 0xae };
	static const u8 seg[] = { 0, 0x26, 0x2e, 0x36, 0x64 };
	unsigned int bits = code_bits(s), size = s->v[A_SIZE];

	if (s->v[A_SEG])
		*p++ = seg[s->v[A_SEG]];
	if (s->v[A_ADDR])
		*p++ = 0x67;
	if (size == 1 ? bits != 16 : size > 1 && bits == 16)
		*p++ = 0x66;
	if (s->v[A_REP])
		*p++ = s->v[A_REP] == 1 ? 0xf3 : 0xf2;
	if (size == 3 && bits == 64)
		*p++ = 0x48;
	*p++ = op[s->v[A_OP]] + !!size;
	return p;
}

/* What ports answer */

static u32 port_value(struct host *h, u16 port, unsigned int size)
{
	static const u8 code[] = { 0xf3, 0x6c, 0x90, 0x66, 0xf3, 0x6d, 0xf3, 0x6c,
				   0x90, 0xfc, 0xf3, 0x6e };
	static const u8 frames[] = { 0x02, 0x03, 0x01, 0x05, 0x13, 0x0e, 0x02, 0x00 };
	const struct shape *s = h->user;
	unsigned int width = s->v[A_PAGING] == LEGACY ? 4 : 8, n;
	u32 at = h->read_seed++, val = 0;
	u64 entry;

	at *= size;
	for (n = 0; n < size && n < 4; n++, at++) {
		switch (s->v[A_IN]) {
		case 0:
			val |= ((at + 0x11) & 0xff) << (8 * n);
			break;
		case 1:
		case 2:
			/* Page table entries, now and then one that is not present. */
			entry = frames[at / width % 8] << 12 | 7;
			if (s->v[A_IN] == 2 && at / width % 3 == 1)
				entry &= ~1ULL;
			val |= (entry >> 8 * (at % width) & 0xff) << (8 * n);
			break;
		case 3:
			val |= (u32)code[at % sizeof(code)] << (8 * n);
			break;
		default:
			val |= 0xffU << (8 * n);
		}
	}
	return val;
}

/* The owner's handler of a page fault does what that of the program does. */
static bool mend(struct host *h, u64 lin)
{
	const struct shape *s = h->user;

	if (h->asked++ > 8 || !has_paging(s) || lin >= 512 * 4096)
		return false;
	h->mem[entry_address(s, lin) % SHAPE_MEM] |= 7;
	h->touched |= 1U << entry_address(s, lin) % SHAPE_MEM / 4096;
	emu_flush(&h->cpu);
	return true;
}

static void put_mender(const struct shape *s, struct host *h, u64 page)
{
	u32 at = entry_address(s, page);
	u8 *p = h->mem + MEND;

	if (!has_paging(s))
		return;
	/* or dword ss:[entry], 7, and back without the error code */
	if (s->v[A_MODE] >= LONG) {
		p = EMIT(p, "\x83\x0c\x25");
		memcpy(p, &at, 4);
		EMIT(p + 4, "\x07\x48\x83\xc4\x08\x48\xcf");
	} else {
		p = EMIT(p, "\x36\x83\x0d");
		memcpy(p, &at, 4);
		EMIT(p + 4, "\x07\x83\xc4\x04\xcf");
	}
}

/* Operands */

struct operand {
	u64 lin;		/* of the first element */
	u64 bad;		/* the page that a fault is about */
	bool top;		/* up to where addresses stop to be canonical */
};

static u64 elements(const struct shape *s, u64 n)
{
	u64 step = n * element(s);

	return s->v[A_DF] ? -step : step;
}

static void put_alias(const struct shape *s, struct host *h, u64 gpa)
{
	u32 low = (gpa & ~4095ULL) | 7;

	memcpy(h->mem + entry_address(s, ALIAS), &low, 4);
}

static struct operand place(const struct shape *s, struct host *h, u64 code)
{
	static const u16 mapped[] = { 0x1000, 0x2000, 0x3000, 0x6000, 0xf000 };
	unsigned int size = element(s), where = s->v[A_PLACE];
	u64 entry = MODE_TABLES + 0x3000, k = elements(s, s->v[A_AT]);
	bool paging = has_paging(s), down = s->v[A_DF];
	struct operand o = { .lin = DATA + k, .bad = down ? 0x2000 : EDGE };

	if (s->v[A_FAULT] && where != EDGE_ODD)
		where = EDGE_EVEN;
	entry = entry_address(s, mapped[s->seed % 5]);
	if (!paging && where >= ALIAS_CODE && where <= ALIAS_TABLE)
		where += OWN_CODE - ALIAS_CODE;
	switch (where) {
	case EDGE_EVEN:
		o.lin = EDGE - k - (down ? size : 0);
		break;
	case EDGE_ODD:
		o.lin = EDGE - k - (down ? size : 0) +
			(down ? size / 2 : -(u64)(size / 2));
		break;
	case OWN_CODE:
		o.lin = code + s->seed % 3 - k;
		break;
	case ON_BITMAP:
		o.lin = BITMAP + PORT / 8 - k;
		break;
	case ON_TABLE:
		o.lin = entry - k;
		break;
	case ALIAS_CODE:
		put_alias(s, h, code);
		o.lin = ALIAS + (code + s->seed % 3 - k) % 4096;
		break;
	case ALIAS_BITMAP:
		put_alias(s, h, BITMAP);
		o.lin = ALIAS + (BITMAP + PORT / 8 - k) % 4096;
		break;
	case ALIAS_TABLE:
		put_alias(s, h, entry);
		o.lin = ALIAS + (entry - k) % 4096;
		break;
	case WRAP:
		/* Around offset 0 of the segment. */
		o.lin = -k - (s->seed % 3 ? 0 : size / 2);
		if (s->v[A_BASE] && !is_wide(s))
			o.lin += 0x40;
		break;
	case ON_STACK:
		o.lin = STACK - 16 - k;
		break;
	case ON_GDT:
		o.lin = MODE_GDT + SEL_DATA3 - k;
		break;
	default:
		o.lin = DATA;
	}
	return o;
}

static void put_limit(const struct shape *s, struct host *h,
		      struct emu_segment *seg, struct operand *o)
{
	if (is_wide(s)) {
		if (!s->v[A_DF] && !s->v[A_ADDR])
			o->lin += (1ULL << 47) - EDGE;
		return;
	}
	if (s->v[A_MODE] == V86)
		return;
	seg->limit = EDGE - 1 - seg->base;
	if (s->v[A_DF])
		seg->attr |= EMU_SEG_EXPAND_DOWN;
}

static void put_fault(const struct shape *s, struct host *h,
		      struct emu_segment *seg, struct operand *o)
{
	u8 *entry = h->mem + entry_address(s, o->bad);

	switch (s->v[A_FAULT]) {
	case UNMAPPED:
		if (has_paging(s))
			*entry &= ~1;
		else
			h->page[o->bad / 4096] = PAGE_HOLE;
		break;
	case READ_ONLY:
		if (has_paging(s)) {
			*entry &= ~2;
			h->cpu.st.ctrl.cr0 |= EMU_CR0_WP;
		} else {
			h->page[o->bad / 4096] = PAGE_ROM;
		}
		break;
	case HOLE:
		h->page[o->bad / 4096] = PAGE_HOLE;
		break;
	case OWNER:
		h->page[o->bad / 4096] = PAGE_OWNER;
		break;
	case LIMIT:
		put_limit(s, h, seg, o);
		break;
	case SUPERVISOR:
		if (has_paging(s))
			*entry &= ~4;
		break;
	}
}

static void set_upper(const struct shape *s, u64 *reg, unsigned int size)
{
	if (size == 2)
		*reg = (u16)*reg | 0x5a3c0000;
	else if (is_wide(s) && size == 4)
		*reg = (u32)*reg | 0x7b1d00000000ULL << 8;
}

static u64 count_of(const struct shape *s)
{
	static const u16 counts[] = { 3, 0, 1, 2, 5, 9, 17, 40, 300 };

	/* So many take long; now and then is enough. */
	if (s->v[A_COUNT] == 8 && s->seed % 8)
		return 30;
	return counts[s->v[A_COUNT]];
}

/* Where the other operand of MOVS and CMPS is: apart, or overlapping. */
static u64 other_operand(const struct shape *s, const struct operand *o)
{
	switch (s->v[A_OTHER]) {
	case 1:
		return o->lin - 1;
	case 2:
		return o->lin - element(s);
	case 3:
		return o->lin + 3 * element(s);
	case 4:
		return o->lin + 1;
	case 5:
		return EDGE - 5;
	default:
		return DATA2;
	}
}

static void put_registers(const struct shape *s, struct host *h,
			  const struct operand *o)
{
	struct emu_state *st = &h->cpu.st;
	u64 *gpr = st->regs.gpr, base = 0;
	bool source = s->v[A_OP] == OUTS || s->v[A_OP] == LODS ||
		      s->v[A_OP] == CMPS;
	unsigned int asize = address_size(s), seg = source ? EMU_DS : EMU_ES;
	u64 *index = &gpr[source ? EMU_RSI : EMU_RDI];

	if (!is_wide(s))
		base = st->segs.seg[seg].base;
	gpr[EMU_RSI] = other_operand(s, o) - base;
	gpr[EMU_RDI] = gpr[EMU_RSI];
	*index = (o->lin - base) & size_mask(asize);
	gpr[EMU_RCX] = count_of(s);
	gpr[EMU_RBX] = 0x2000 + s->seed % 16;
	gpr[EMU_RAX] = st->segs.seg[EMU_SS].selector;
	if (is_program(s) && s->seed & 1)
		gpr[EMU_RAX] = 0x8140;
	if (s->v[A_UPPER]) {
		set_upper(s, &gpr[EMU_RSI], asize);
		set_upper(s, &gpr[EMU_RDI], asize);
		set_upper(s, &gpr[EMU_RCX], asize);
		gpr[EMU_RDX] |= 0x12340000;
	}
}

/* Segments at 40h instead of 0, where the mode lets them. */
static void put_bases(const struct shape *s, struct host *h)
{
	struct emu_segment *seg = h->cpu.st.segs.seg;
	unsigned int n;

	if (!s->v[A_BASE] || is_wide(s))
		return;
	for (n = EMU_ES; n <= EMU_GS; n++) {
		if (n == EMU_CS || n == EMU_SS)
			continue;
		seg[n].base = 0x40;
		if (s->v[A_MODE] <= V86)
			seg[n].selector = 4;
	}
}

/* Debug state */

static void arm(struct emu_debug *d, unsigned int n, u64 addr, unsigned int rw,
		unsigned int len)
{
	d->dr[n] = addr;
	d->dr7 &= ~(0xfULL << (16 + 4 * n));
	d->dr7 |= 1ULL << (2 * n) | (u64)rw << (16 + 4 * n) |
		  (u64)len << (18 + 4 * n);
}

static void put_io_breakpoint(const struct shape *s, struct host *h, u16 port)
{
	struct emu_debug *d = &h->cpu.st.debug;
	unsigned int size = min(element(s), 4);

	switch (s->v[A_IOBP]) {
	case 0:
		return;
	case 2:
		arm(d, 0, port + size - 1, 2, 0);
		break;
	case 3:
		arm(d, 0, port + 1, 2, size > 1 ? 3 : 1);
		break;
	case 4:
		arm(d, 0, port + size, 2, 0);
		break;
	case 7:
		arm(d, 0, port, 2, 3);
		break;
	default:
		arm(d, 0, port, 2, 0);
	}
	if (s->v[A_IOBP] == 5)
		d->dr7 &= ~3ULL;
	if (s->v[A_IOBP] == 6)
		h->cpu.st.ctrl.cr4 &= ~EMU_CR4_DE;
}

static void put_breakpoints(const struct shape *s, struct host *h,
			    const struct operand *o, u64 code, u64 next)
{
	static const u8 lens[] = { 0, 1, 3, 2 };
	struct emu_debug *d = &h->cpu.st.debug;
	u64 count = count_of(s), at = o->lin;

	switch (s->v[A_BPAT]) {
	case 1:
		at += elements(s, s->v[A_AT]);
		break;
	case 2:
		at += elements(s, count - 1);
		break;
	case 3:
		at += elements(s, count);
		break;
	case 4:
		at += elements(s, s->v[A_AT]) + element(s) - 1;
		break;
	}
	if (!is_wide(s))
		at = (u32)at;
	if (s->v[A_DATABP])
		arm(d, 1, at, s->v[A_DATABP] == 1 ? 1 : 3, lens[s->v[A_BPLEN]]);
	if (s->v[A_CODEBP])
		arm(d, 2, s->v[A_CODEBP] == 1 ? code : next, 0, 0);
	if (s->v[A_SHADOW] == 4)
		arm(d, 3, WATCHED, 3, 1);
}

/* Stops of the owner's. */
static void put_watch(const struct shape *s, struct host *h,
		      const struct operand *o, u16 port)
{
	unsigned int n = s->v[A_WATCH];
	struct emu_watch w = {
		.first = port, .last = port, .dirs = EMU_WATCH_RW,
		.space = n > 3 ? EMU_WATCH_MEM : EMU_WATCH_PORT,
		.when = n & 1 ? EMU_WATCH_BEFORE : EMU_WATCH_AFTER,
		.skip = n == 3 || n == 6 ? 2 : 0,
	};

	if (n > 3) {
		w.first = o->lin + elements(s, s->v[A_AT]);
		if (!is_wide(s))
			w.first = (u32)w.first;
		w.last = w.first;
	}
	if (n == 7) {
		w.mask = 1;
		w.value = 1;
		w.dirs = EMU_WATCH_WRITE;
	}
	emu_set_watches(&h->cpu, &w, !!n);
}

static void any_registers(struct host *h)
{
	static const u16 around[4] = { CODE, 0x2000, 0x80, 0x2100 };
	struct emu_state *st = &h->cpu.st;
	unsigned int n, rw;

	for (n = 0; n < 4; n++) {
		rw = rnd(4);
		if (rnd(2))
			continue;
		arm(&st->debug, n, around[rw] + rnd(20), rw, rw ? rnd(4) : 0);
		if (!rnd(6))
			st->debug.dr[n] = 0x6ff0 + rnd(16);
	}
	if (!rnd(4))
		st->regs.gpr[EMU_RSP] = rnd(8);
	st->regs.gpr[EMU_RCX] = rnd(9) | (rnd(4) ? 0 : 0x10000);
	st->regs.gpr[EMU_RSI] = 0x2000 + rnd(16);
	st->regs.gpr[EMU_RDI] = rnd(4) ? 0x2010 + rnd(16) :
				rnd(2) ? 0xfff8 + rnd(8) : CODE + rnd(24);
}

static void put_debug(const struct shape *s, struct host *h)
{
	struct emu_debug *d = &h->cpu.st.debug;
	u64 *fl = &h->cpu.st.regs.rflags;
	unsigned int tf = s->v[A_TF];

	*fl |= tf == 1 || tf == 2 ? EMU_FL_TF : 0;
	d->debugctl = tf >= 2 ? EMU_DEBUGCTL_BTF : 0;
	*fl |= s->v[A_RF] ? EMU_FL_RF : 0;
	switch (s->v[A_SHADOW]) {
	case 1:
	case 2:
		d->interruptibility = EMU_BLOCK_MOV_SS;
		break;
	case 5:
		*fl |= EMU_FL_IF;
		d->interruptibility = EMU_BLOCK_STI;
		break;
	}
	if (s->v[A_SHADOW] == 2 || s->v[A_SHADOW] == 7)
		d->pending_dbg = EMU_DBG_B(0);
}

static void put_interrupts(const struct shape *s, struct host *h)
{
	struct emu_event *ev = &h->cpu.st.event;
	unsigned int irq = s->v[A_IRQ];

	if (irq && irq != 2 && irq != 3)
		h->cpu.st.regs.rflags |= EMU_FL_IF;
	ev->intr_vector = 0x30;
	ev->intr_pending = irq == 1 || irq == 2 || irq == 4;
	ev->nmi_pending = irq == 3 || irq == 4;
	ev->intr_window = irq == 5;
}

/* Who may use ports */

static void put_permission(const struct shape *s, struct host *h, u16 port)
{
	struct emu_segment *tr = &h->cpu.st.segs.seg[EMU_TR];
	unsigned int perm = s->v[A_PERM], last = port + min(element(s), 4) - 1;
	u64 *fl = &h->cpu.st.regs.rflags;

	if (s->v[A_MODE] == REAL)
		return;
	if (!perm || s->v[A_MODE] == V86)
		*fl |= EMU_FL_IOPL;
	switch (perm) {
	case 2:
		h->mem[BITMAP + port / 8 % 0x80] |= 1 << port % 8;
		break;
	case 3:
		h->mem[BITMAP + last / 8 % 0x80] |= 1 << last % 8;
		break;
	case 4:
		tr->limit = 0x5000 + port / 8;
		break;
	case 5:
	case 8:
		if (has_paging(s))
			h->mem[entry_address(s, BITMAP)] &= ~1;
		break;
	case 6:
		tr->attr = (tr->attr & ~EMU_SEG_TYPE) | 3;
		break;
	case 7:
		h->mem[MODE_TSS + 0x66] = 0xff;
		h->mem[MODE_TSS + 0x67] = 0xff;
		break;
	}
}

static void put_pages(const struct shape *s, struct host *h)
{
	/* Each permission check is one read of the map's address. */
	h->watch = MODE_TSS + 0x66;
	h->watched = 0;
	switch (s->v[A_PAGES]) {
	case 1:
		h->page[MODE_TSS / 4096] = PAGE_HOOKS;
		break;
	case 2:
		h->page[0x2] = PAGE_HOOKS;
		h->page[BITMAP / 4096] = PAGE_HOOKS;
		break;
	case 3:
		h->page[BITMAP / 4096] = PAGE_OWNER;
		break;
	case 4:
		h->page[MODE_TABLES / 4096 + 3] = PAGE_HOOKS;
		break;
	}
}

static u16 put_port(const struct shape *s, struct host *h)
{
	/* The last one, or with a breakpoint behind it in the next part of them all. */
	u16 port = s->v[A_PORT] == 3 ? 0xffff : s->v[A_PORT] == 4 ? 0x3ff : PORT;

	h->cpu.st.regs.gpr[EMU_RDX] = port;
	h->owner_port = s->v[A_PORT] == 1 ? port : -1;
	h->split_port = s->v[A_PORT] == 2 ? port + 1 : -1;
	return port;
}

static void put_answers(const struct shape *s, struct host *h)
{
	static const u32 exceptions[] = { ~0U, 0, 2, ~2U };
	static const u8 answers[] = { EMU_EVENT_ABSORB, EMU_EVENT_TAKE,
				      EMU_EVENT_DELIVER };
	unsigned int n = s->v[A_EVENTS];

	h->cpu.config.exit_exceptions = exceptions[n];
	memset(h->cpu.config.exit_ints, n ? 0 : 0xff,
	       sizeof(h->cpu.config.exit_ints));
	h->answer = answers[s->v[A_ANSWER]];
	h->cpu.flags = (s->v[A_AMD] ? EMU_VENDOR_AMD : 0) |
		       (s->v[A_DISABLED] ? EMU_DISABLED_B_BITS : 0);
}

/* Somebody else writes to the code meanwhile, or to data. */
static void put_change(const struct shape *s, struct host *h, u64 code, u64 next)
{
	seed(s->seed + 99);
	h->change_at = s->v[A_CHANGE];
	h->change_gpa = rnd(4) ? code + rnd(next - code + 4) : DATA + rnd(64);
	h->change_val = plain_byte();
}

/* The code segment ends near the program's end. */
static void put_code_limit(const struct shape *s, struct host *h, u64 next)
{
	if (s->v[A_LIMIT] && !is_wide(s) && s->v[A_MODE] != V86)
		h->cpu.st.segs.seg[EMU_CS].limit = next + 8 - s->v[A_LIMIT];
}

static u64 put_program(const struct shape *s, struct host *h, u64 *code,
		       u64 *next)
{
	u8 buf[512], *p = buf, *at, *after;
	u64 start;

	seed(s->seed + 77);
	p = any_instructions(s, p, s->v[A_BEFORE]);
	p = shadow_instruction(s, p);
	at = p;
	if (s->v[A_OP] == PROGRAM)
		p = any_instructions(s, p, 1 + s->v[A_LEN]);
	else if (s->v[A_OP] == PLAIN)
		p = plain_instructions(s, p, p - buf);
	else
		p = main_instruction(s, p);
	after = p;
	p = any_instructions(s, p, s->v[A_AFTER]);
	p = EMIT(p, THE_END);

	start = s->v[A_CROSS] ? CODE_CROSS - (at - buf) : CODE + 0x80;
	*code = start + (at - buf);
	*next = start + (after - buf);
	h->cpu.st.regs.rip = start;
	if (!s->v[A_STREAM]) {
		memcpy(h->mem + start, buf, p - buf);
		return start;
	}
	memset(h->mem + start, 0xf1, p - buf);
	memcpy(h->cpu.st.stream.bytes, buf, p - buf);
	emu_set_stream(&h->cpu, after - buf);
	return start;
}

void shape_build(const struct shape *given, struct host *h)
{
	static struct image images[NR_MODES][NR_PAGINGS];
	static struct shape shape;
	struct shape *s = &shape;
	struct emu_state *st = &h->cpu.st;
	struct image *im;
	struct operand o;
	u64 code, next, page;
	u16 port, selector;

	*s = *given;
	tidy(s);
	im = &images[s->v[A_MODE]][s->v[A_PAGING]];
	if (!im->ready)
		make_image(h, s, im);
	memcpy(h->mem, im->mem, SHAPE_MEM);
	memcpy(st, &im->st, sizeof(*st));
	memset(h->page, 0, sizeof(h->page));
	h->mem_size = SHAPE_MEM;
	h->user = s;
	h->on_in = port_value;
	h->on_fault = mend;
	h->budget = count_of(s) > 64 ? 360 : 64;

	st->ctrl.cr4 |= EMU_CR4_DE;
	st->regs.rflags |= s->v[A_DF] ? EMU_FL_DF : 0;
	if (s->v[A_AC]) {
		st->regs.rflags |= EMU_FL_AC;
		st->ctrl.cr0 |= EMU_CR0_AM;
	}
	port = put_port(s, h);
	put_bases(s, h);
	put_program(s, h, &code, &next);
	put_change(s, h, code, next);
	put_code_limit(s, h, next);
	o = place(s, h, code);
	put_fault(s, h, &st->segs.seg[s->v[A_OP] == OUTS || s->v[A_OP] == PLAIN ?
				      EMU_DS : EMU_ES], &o);
	put_registers(s, h, &o);
	selector = st->segs.seg[EMU_SS].selector;
	memcpy(h->mem + WATCHED, &selector, 2);
	if (s->v[A_REGS])
		any_registers(h);
	put_io_breakpoint(s, h, port);
	put_breakpoints(s, h, &o, code, next);
	put_watch(s, h, &o, port);
	put_debug(s, h);
	put_interrupts(s, h);
	put_permission(s, h, port);
	put_pages(s, h);
	put_answers(s, h);
	page = s->v[A_PERM] == 5 ? BITMAP : o.bad;
	put_mender(s, h, page);
}
