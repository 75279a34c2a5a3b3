// SPDX-License-Identifier: GPL-2.0
/*
 * Single-instruction tests captured from a real 80286 in real mode.
 *
 * usage: vectors MASKS < sst80286.bin
 *
 * Prints TAP, a test for each opcode with its pass rate, then what was left out
 * or judged by rule because later CPUs differ from a 286, each class counted.
 * Every test runs twice: through direct windows, and with each memory access
 * through a hook that notes writes to places the test does not name.
 */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

enum {
	R_AX, R_BX, R_CX, R_DX, R_CS, R_SS, R_DS, R_ES, R_SP, R_BP, R_SI, R_DI,
	R_IP, R_FLAGS, NR_R
};

static const char *const reg_name[NR_R] = {
	"ax", "bx", "cx", "dx", "cs", "ss", "ds", "es", "sp", "bp", "si", "di",
	"ip", "flags"
};

static const u8 gpr_of[NR_R] = {
	[R_AX] = EMU_RAX, [R_BX] = EMU_RBX, [R_CX] = EMU_RCX, [R_DX] = EMU_RDX,
	[R_SP] = EMU_RSP, [R_BP] = EMU_RBP, [R_SI] = EMU_RSI, [R_DI] = EMU_RDI,
};

#define MAX_RAM	1024
#define MAX_IO	256

struct test {
	u32 index;
	u8 nbytes;
	u8 exception;
	u16 final_mask;
	u16 nram, nfinal, nio;
	u32 flags_at;
	u8 bytes[16];
	u16 initial[NR_R];
	u16 final[NR_R];
	u32 ram[MAX_RAM];
	u32 final_ram[MAX_RAM];
	struct { u16 port, value; u8 size; } io[MAX_IO];
};

enum class {
	RUN, LOCK_UD, COPROCESSOR, SREG_FS_GS, LENGTH, BAD_CAPTURE, STACK_FAULT,
	STRING_FAULT, HALF_DONE, NR_CLASSES
};

static const char *const class_name[NR_CLASSES] = {
	[RUN] = "compared whole",
	[LOCK_UD] = "LOCK before what cannot be locked: #UD on later CPUs, asserted",
	[COPROCESSOR] = "coprocessor bus cycles (D8): left out",
	[SREG_FS_GS] = "8C, 8E with FS or GS: #UD on the 286 only, left out",
	[LENGTH] = "over 10 bytes: a fault on the 286 only, left out",
	[BAD_CAPTURE] = "E7 1100, a bad capture: left out",
	[STACK_FAULT] = "stack violation: #GP on the 286, #SS later, asserted",
	[STRING_FAULT] = "6D, 6F with #GP: the exception is compared, no more",
	[HALF_DONE] = "string, POP m with #GP: the 286 moves SI, DI, SP; CS:IP compared",
};

static unsigned int class_count[NR_CLASSES];
static u16 masks[65536];		/* by opcode << 4 | group, 15: none */

static void die(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(1);
}

static void get(void *p, size_t n)
{
	if (n && fread(p, n, 1, stdin) != 1)
		die("the vectors end too early");
}

static u16 get16(void)
{
	u16 v;

	get(&v, 2);
	return v;
}

static u32 get32(void)
{
	u32 v;

	get(&v, 4);
	return v;
}

static u8 get8(void)
{
	u8 v;

	get(&v, 1);
	return v;
}

static void get_test(struct test *t)
{
	unsigned int n;

	t->index = get32();
	t->nbytes = get8();
	t->exception = get8();
	t->final_mask = get16();
	t->nram = get16();
	t->nfinal = get16();
	t->nio = get16();
	t->flags_at = get32();
	if (t->nbytes > 16 || t->nram > MAX_RAM || t->nfinal > MAX_RAM ||
	    t->nio > MAX_IO)
		die("a test is larger than expected");
	memset(t->bytes, 0, sizeof(t->bytes));
	get(t->bytes, t->nbytes);
	get(t->initial, sizeof(t->initial));
	for (n = 0; n < NR_R; n++)
		t->final[n] = t->final_mask >> n & 1 ? get16() : t->initial[n];
	get(t->ram, 4 * t->nram);
	get(t->final_ram, 4 * t->nfinal);
	for (n = 0; n < t->nio; n++) {
		t->io[n].port = get16();
		t->io[n].value = get16();
		t->io[n].size = get8();
	}
}

static void read_masks(const char *file)
{
	char line[128], name[16];
	unsigned int mask, op, group;
	FILE *f = fopen(file, "r");

	if (!f)
		die("no file with flag masks");
	memset(masks, 0xff, sizeof(masks));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %u", name, &mask) != 2)
			continue;
		if (sscanf(name, "%x.%u", &op, &group) != 2)
			group = 15;
		masks[op << 4 | group] = mask;
	}
	fclose(f);
}

/* The flags that are defined after this test. */
static u16 flag_mask(const struct test *t, unsigned int op, unsigned int group,
		     unsigned int count)
{
	u16 mask = masks[op << 4 | group];

	if ((op == 0xc0 || op == 0xc1) && (group == 2 || group == 3) && count > 1)
		mask &= masks[0xd2 << 4 | group];
	return mask & 0x0fff;
}

/* Undo the prefixes: where does the opcode stand? */
static const u8 *opcode(const struct test *t, bool *lock)
{
	const u8 *p = t->bytes;

	*lock = false;
	for (;; p++) {
		switch (*p) {
		case 0xf0:
			*lock = true;
			fallthrough;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0xf2:
		case 0xf3:
			continue;
		}
		return p;
	}
}

/* The instruction's length; each test ends with a HLT that is no part of it. */
static int length(const struct test *t)
{
	struct emu_insn i;

	return emu_decode(&i, t->bytes, t->nbytes, DECODE_16, true);
}

static bool lockable(const u8 *p)
{
	struct emu_insn i;
	u8 buf[16] = { 0xf0 };

	memcpy(buf + 1, p, 10);
	return emu_decode(&i, buf, sizeof(buf), DECODE_16, true) > 0;
}

static enum class classify(const struct test *t, unsigned int op)
{
	bool lock;
	const u8 *p = opcode(t, &lock);

	if (op == 0xd8)
		return COPROCESSOR;
	if (op == 0xe7 && t->index == 1100)
		return BAD_CAPTURE;
	if (length(t) > 10)
		return LENGTH;
	if ((p[0] == 0x8c || p[0] == 0x8e) && (p[1] >> 3 & 6) == 4)
		return SREG_FS_GS;
	if (lock && !lockable(p))
		return LOCK_UD;
	if ((op == 0x6d || op == 0x6f) && t->exception == 13)
		return STRING_FAULT;
	if (t->exception == 13 && (op == 0x8f || (op >= 0xa4 && op <= 0xaf)))
		return HALF_DONE;
	return RUN;
}

static const struct test *current;
static unsigned int stray;
static char why[256];

/* Is a write to a place that the test expects to change, or of the same value? */
static void check_write(struct host *h, u64 gpa, unsigned int size, u64 val)
{
	unsigned int k, n;

	for (k = 0; k < size; k++) {
		u8 byte = val >> (8 * k);

		for (n = 0; n < current->nfinal; n++)
			if ((current->final_ram[n] & 0xffffff) == gpa + k)
				break;
		if (n == current->nfinal && h->mem[gpa + k] != byte)
			stray++;
	}
}

static u32 all_ones(struct host *h, u16 port, unsigned int size)
{
	return ~0U;
}

static void poke(struct host *h, u32 entry)
{
	h->mem[entry & 0xffffff] = entry >> 24;
}

static void load(struct host *h, const struct test *t, enum class c)
{
	struct emu_state *st = &h->cpu.st;
	static const u8 seg_of[4] = { EMU_CS, EMU_SS, EMU_DS, EMU_ES };
	unsigned int n;

	host_reset(h);
	for (n = 0; n < t->nram; n++)
		poke(h, t->ram[n]);
	for (n = 0; n < NR_R; n++) {
		u16 v = t->initial[n];

		if (n >= R_CS && n <= R_ES) {
			st->segs.seg[seg_of[n - R_CS]].selector = v;
			st->segs.seg[seg_of[n - R_CS]].base = v << 4;
		} else if (n == R_IP) {
			st->regs.rip = v;
		} else if (n == R_FLAGS) {
			st->regs.rflags = (v & 0x0fd5) | 2;
		} else {
			st->regs.gpr[gpr_of[n]] = v;
		}
	}
	/* After an exception that the 286 does not raise there is only chaos. */
	st->budget = c == LOCK_UD ? 1 : 70000;
	emu_load(&h->cpu);
}

static u16 reg(const struct host *h, unsigned int n)
{
	const struct emu_state *st = &h->cpu.st;
	static const u8 seg_of[4] = { EMU_CS, EMU_SS, EMU_DS, EMU_ES };

	if (n >= R_CS && n <= R_ES)
		return st->segs.seg[seg_of[n - R_CS]].selector;
	if (n == R_IP)
		return st->regs.rip;
	if (n == R_FLAGS)
		return st->regs.rflags;
	return st->regs.gpr[gpr_of[n]];
}

/* The first exception that was delivered, or 255. */
static u8 first_exception(const struct host *h)
{
	unsigned int n;

	for (n = 0; n < h->nr_trace; n++)
		if (h->trace[n].kind == EMU_TRACE_EVENT)
			return h->trace[n].vector;
	return 255;
}

static bool same_io(const struct host *h, const struct test *t)
{
	unsigned int n;

	if (h->nr_io != t->nio)
		return false;
	for (n = 0; n < t->nio; n++) {
		const struct host_access *a = &h->io[n];
		u8 size = t->io[n].size & 0x7f;
		bool write = t->io[n].size & 0x80;

		if (a->port != t->io[n].port || a->size != size ||
		    a->dir != write)
			return false;
		if (write && a->val != (t->io[n].value & (u32)size_mask(size)))
			return false;
	}
	return true;
}

/* Where an exception pushed the flags; the file's address is aligned down. */
static u32 flags_at(const struct test *t)
{
	return t->final[R_SS] * 16 + (u16)(t->final[R_SP] + 4);
}

static bool compare(const struct host *h, const struct test *t, u16 mask)
{
	unsigned int n;

	for (n = 0; n < NR_R; n++) {
		u16 m = n == R_FLAGS ? mask : 0xffff;

		if ((reg(h, n) ^ t->final[n]) & m) {
			sprintf(why, "%s is %04x, not %04x", reg_name[n],
				reg(h, n), t->final[n]);
			return false;
		}
	}
	for (n = 0; n < t->nfinal; n++) {
		u32 at = t->final_ram[n] & 0xffffff;
		u8 m = 0xff;

		if (t->exception != 0xff && at == flags_at(t))
			m = mask;
		if (t->exception != 0xff && at == flags_at(t) + 1)
			m = mask >> 8;
		if ((h->mem[at] ^ t->final_ram[n] >> 24) & m) {
			sprintf(why, "[%06x] is %02x, not %02x", at, h->mem[at],
				t->final_ram[n] >> 24);
			return false;
		}
	}
	if (!same_io(h, t)) {
		sprintf(why, "port accesses differ (%u, not %u)", h->nr_io,
			t->nio);
		return false;
	}
	return true;
}

static void clean(struct host *h, const struct test *t, bool dirty)
{
	unsigned int n;

	for (n = 0; n < t->nram; n++)
		h->mem[t->ram[n] & 0xffffff] = 0;
	for (n = 0; n < t->nfinal; n++)
		h->mem[t->final_ram[n] & 0xffffff] = 0;
	/* Nothing that this test left elsewhere may reach the next one. */
	if (dirty)
		memset(h->mem, 0, HOST_MEM);
}

static bool judge(struct host *h, const struct test *t, enum class *c,
		  enum emu_exit ex, u16 mask)
{
	u8 seen = first_exception(h);

	if (*c == LOCK_UD) {
		sprintf(why, "exception %u, not #UD", seen);
		return seen == 6;
	}
	if (t->exception == 13 && seen == 12)
		*c = STACK_FAULT;
	if (*c == STACK_FAULT)
		return true;
	if (*c == STRING_FAULT || seen != t->exception) {
		sprintf(why, "exception %u, not %u", seen, t->exception);
		return seen == t->exception;
	}
	if (ex != EMU_EXIT_HLT) {
		sprintf(why, "left with reason %u, not at a HLT", ex);
		return false;
	}
	if (*c == HALF_DONE) {
		sprintf(why, "another handler");
		return reg(h, R_CS) == t->final[R_CS] &&
		       reg(h, R_IP) == t->final[R_IP];
	}
	return compare(h, t, mask);
}

static bool run(struct host *h, const struct test *t, enum class *c, u16 mask)
{
	enum emu_exit ex;
	bool ok;
	int pass;

	current = t;
	for (pass = 0; pass < 2; pass++) {
		h->no_windows = pass;
		h->on_write = pass ? check_write : NULL;
		stray = 0;
		load(h, t, *c);
		ex = emu_run(&h->cpu);
		ok = judge(h, t, c, ex, mask);
		if (ok && stray && *c == RUN) {
			sprintf(why, "%u stray writes", stray);
			ok = false;
		}
		clean(h, t, stray || *c != RUN);
		if (!ok)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct host h;
	static struct test t;
	unsigned int nr = 0, failed = 0, total = 0, k;
	char magic[4], name[9] = "";

	if (argc != 2)
		die("usage: vectors MASKS < VECTORS");
	read_masks(argv[1]);
	host_init(&h);
	host_deliver_all(&h);
	h.on_in = all_ones;
	get(magic, 4);
	if (memcmp(magic, "SST1", 4))
		die("not a file of vectors");

	while (fread(name, 8, 1, stdin) == 1) {
		unsigned int op, group, count, good = 0, compared = 0;
		char first[300] = "";

		if (sscanf(name, "%x.%u", &op, &group) != 2)
			group = 15;
		count = get32();
		for (k = 0; k < count; k++) {
			enum class c;
			bool lock;
			const u8 *p;

			get_test(&t);
			total++;
			c = classify(&t, op);
			if (c == COPROCESSOR || c == SREG_FS_GS || c == LENGTH ||
			    c == BAD_CAPTURE) {
				class_count[c]++;
				continue;
			}
			p = opcode(&t, &lock);
			compared++;
			if (run(&h, &t, &c,
				flag_mask(&t, op, group,
					  p[t.nbytes - (p - t.bytes) - 1] & 31)))
				good++;
			else if (!first[0])
				sprintf(first, "#%u: %s", t.index, why);
			class_count[c]++;
		}
		nr++;
		failed += good != compared;
		printf("%sok %u 80286 %s: %u of %u", good == compared ? "" : "not ",
		       nr, name, good, compared);
		if (!compared)
			printf(" # SKIP left out for later CPUs");
		else if (good != compared)
			printf(", first %s", first);
		putchar('\n');
	}
	printf("# %u tests of %u opcodes:\n", total, nr);
	for (k = 0; k < NR_CLASSES; k++)
		printf("# %7u %s\n", class_count[k], class_name[k]);
	printf("1..%u\n", nr);
	host_free(&h);
	return failed || !nr;
}
