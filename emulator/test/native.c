// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions generated from the opcode table run on this CPU and in the
 * emulator; what each makes of registers, flags, memory and exceptions is compared.
 *
 * usage: native [--seed N] [--count N] [--form HEX] [--replay SEED:FORM:CASE]
 *
 * A line of the opcode table has forms: modes, operand sizes, register or memory
 * operand, LOCK, REP. Each form gets the same number of cases. A case follows from
 * seed, form and number alone; a difference prints these three, and --replay shows
 * one case in full. --form takes an opcode as the TAP lines show it, 0fa4 or c1/4.
 *
 * The CPU decides: what it does with a form is right, but for the flags and
 * registers in undefined.c and below.
 */
#define _GNU_SOURCE
#include "native.h"
#include "undefined.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

/* The one of lockf(3) hides the emulator's. */
#undef F_LOCK

#define COUNT		10000000
#define MAX_FORMS	24576
#define MAX_LINES	2048
/* Lines that all leave as unsupported: so many cases show it. */
#define UNSUPPORTED	4
#define REFUSED		8
#define SHOWN		3
#define TRIES		8		/* of a case that an interrupt has disturbed */

void nat_die(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(2);
}

/* What does not count */

enum freedom {
	WHICH_FAULT,		/* two are due: either may be taken */
	HALF_DONE,		/* after a fault: registers, memory */
	TRAP_RIP,		/* after a trap: RIP before or behind it */
	UNWRITTEN,		/* what is not written may have to be writable */
	UNREAD,			/* what does not count may be read */
};

/* Where CPUs differ from one another, or from what all of them should do. */
static const struct {
	const char *name;
	enum freedom what;
	const char *why;
} loose[] = {
	{ "cmpsb cmps", WHICH_FAULT, "either operand may be read first" },
	{ "call call far", WHICH_FAULT, "target or stack may be checked first" },
	{ "enter", WHICH_FAULT, "it may push before it reads" },
	{ "iret", WHICH_FAULT, "any part of its frame may be read and checked first" },
	{ "pusha popa enter call far", HALF_DONE,
	  "part of it is done before a fault in the middle" },
	{ "arpl", UNWRITTEN, "an operand that stays may have to be writable" },
	{ "pop es pop ss pop ds pop fs pop gs retf iret", UNREAD,
	  "the upper part of a selector's place may be read" },
	{ "icebp", TRAP_RIP, "some hypervisors report the instruction itself" },
};

/* What a test against another CPU cannot judge. */
static const struct {
	const char *name;
	const char *why;
} left_out[] = {
	{ "sgdt sidt smsw sldt str", "the kernel answers in place of the CPU (UMIP)" },
	{ "syscall sysenter", "they enter the kernel" },
	{ "sysret sysexit", "where they exist depends on the vendor" },
};

static const char *const not_modelled[] = {
	"rdrand, rdseed, movdir64b", "EVEX, XOP and 3DNow!", "getsec, monitor, vmcall and the like",
	"endbr, rdsspq as more than NOPs",
};

const struct emu_opcode *const nat_map[NR_MAPS] = {
	emu_opcodes, emu_opcodes_0f, emu_opcodes_0f38, emu_opcodes_0f3a,
	emu_opcodes_vex1, emu_opcodes_vex2, emu_opcodes_vex3,
};

static struct nat_line lines[MAX_LINES];
static unsigned int nr_lines;
static struct nat_form forms[MAX_FORMS];
static unsigned int nr_forms;
static u64 nr_completed, nr_faulted, nr_page, nr_unsupported, nr_interrupted;

static u64 undefined_flags(const struct nat_case *c)
{
	return undefined_of(c->form->line->op->name, c->count, c->size);
}

static bool is_loose(const struct nat_case *c, enum freedom what)
{
	const char *name = c->form->line->op->name;
	unsigned int k;

	for (k = 0; name && k < ARRAY_SIZE(loose); k++)
		if (loose[k].what == what && in_list(loose[k].name, name))
			return true;
	return false;
}

/* Bits of a register that two runs cannot have in common. */
static u64 undefined_bits(const struct nat_case *c, unsigned int reg, bool into64)
{
	const struct emu_opcode *op = c->form->line->op;

	/* The time is another one at each reading. */
	if ((op->exec == em_rdtsc || op->exec == em_rdtscp) &&
	    (reg == EMU_RAX || reg == EMU_RDX))
		return 0xffffffff;
	/* Which stack pointer takes the release, if RETF enters 64-bit mode? */
	if (op->exec == em_ret_far && reg == EMU_RSP && c->env->mode != DECODE_64 && into64)
		return ~0xffffULL;
	/* Some CPUs clear the upper half where the source is zero. */
	if (!nat_host.amd && (op->exec == em_bsf || op->exec == em_bsr) && c->osize == 4)
		return ~0ULL << 32;
	return 0;
}

/* Forms */

static bool is_ud(const struct emu_opcode *op)
{
	return !op->name || in_list("ud0 ud1 ud2", op->name);
}

static const char *why_skip(const struct nat_line *l)
{
	const struct emu_opcode *op = l->op;
	unsigned int k;

	for (k = 0; op->name && k < ARRAY_SIZE(left_out); k++)
		if (in_list(left_out[k].name, op->name))
			return left_out[k].why;
	if (!is_ud(op) && op->exec == em_ud && !(op->flags & F_UNSUP))
		return "not modelled";
	if (!op->sub && !nat_cpu_has(op, false))
		return "this CPU does not have it";
	/* What the table does not name there other extensions may define. */
	if (!op->name && l->map == MAP_0F && l->opcode == 0x01)
		return "not modelled";
	return NULL;
}

static bool sized(const struct emu_opcode *op)
{
	unsigned int k;

	if (!op->op[0] && !op->op[1])
		return !(op->flags & F_UNSUP);
	for (k = 0; k < 3; k++) {
		unsigned int m = OPERAND_METHOD(op->op[k]), s = OPERAND_SIZE(op->op[k]);

		if (m && (s == SZ_V || s == SZ_Z || s == SZ_Y || s == SZ_Q))
			return true;
	}
	return op->flags & F_BYTE2;
}

/* Bytes that mean something else than the table's line, or differ by vendor. */
static bool other_instruction(const struct nat_form *f)
{
	const struct nat_line *l = f->line;
	const struct emu_opcode *op = l->op;
	const struct nat_env *e = &nat_env[f->env];
	bool mode64 = e->mode == DECODE_64;

	/* Near branches of 16 bits: AMD has them in 64-bit mode, Intel has not. */
	if (mode64 && (op->flags & F_F64) && f->osize == 2 && nat_host.amd)
		return true;
	/* The result is undefined. */
	if (op->exec == em_bswap && f->osize == 2)
		return true;
	if (!op->sub && !nat_cpu_has(op, mode64))
		return true;
	if (l->map == MAP_1) {
		/* REX; VEX and EVEX */
		if (mode64 && ((l->opcode & 0xf0) == 0x40 || l->opcode == 0x62 ||
			       l->opcode == 0xc4 || l->opcode == 0xc5))
			return true;
		if (f->kind == K_REG &&
		    (l->opcode == 0x62 || l->opcode == 0xc4 || l->opcode == 0xc5))
			return true;
		/* MOVSXD to 16 bits: AMD reads 32 all the same. */
		if (l->mode64 == 1 && f->osize == 2 && f->kind == K_MEM && nat_host.amd)
			return true;
		/* Pointers of 80 bits are Intel's. */
		if (OPERAND_SIZE(op->op[0]) == SZ_Z && OPERAND_METHOD(op->op[0]) == M_M &&
		    f->osize == 8 && nat_host.amd)
			return true;
		/* XABORT, XBEGIN; XOP */
		if ((l->opcode == 0xc6 || l->opcode == 0xc7) && l->reg == 7)
			return true;
		if (l->opcode == 0x8f && l->reg > 0 && nat_cpu_has(&emu_opcodes_xop[0], mode64))
			return true;
	}
	if (l->map == MAP_0F) {
		/* VMCALL and the like */
		if (l->opcode == 0x01 && f->kind == K_REG && (op->flags & F_MEM))
			return true;
		/* #UD on AMD, a NOP on Intel */
		if (l->opcode == 0x0d && f->kind == K_REG && nat_host.amd)
			return true;
		/* Pointers of 80 bits are Intel's. */
		if (OPERAND_METHOD(op->op[1]) == M_M && op->exec != em_lea && f->osize == 8 &&
		    nat_host.amd)
			return true;
		/* AMD accepts LOCK VERW. */
		if (op->exec == em_verw && f->lock && nat_host.amd)
			return true;
		/* LOCK MOV CR0 is AMD's CR8. */
		if ((l->opcode == 0x20 || l->opcode == 0x22) && f->lock)
			return true;
	}
	return false;
}

/* Does it end in an exception whatever its operands? */
static bool always_refused(const struct nat_form *f)
{
	const struct emu_opcode *op = f->line->op;
	bool mode64 = nat_env[f->env].mode == DECODE_64;

	if (is_ud(op) || op->flags & (F_PRIV | F_UDPRIV | F_PORT) ||
	    op->flags & (mode64 ? F_I64 : F_O64))
		return true;
	if (f->lock && (!(op->flags & F_LOCK) || f->kind != K_MEM))
		return true;
	if (f->kind == K_REG && op->flags & F_MEM)
		return true;
	/* The kernel gives no counters. */
	return op->exec == em_xsetbv || op->exec == em_rdpmc ||
	       op->exec == em_cli || op->exec == em_sti || op->exec == em_int ||
	       op->exec == em_int3 || op->exec == em_icebp;
}

static unsigned int log2_of(unsigned int n)
{
	return n == 8 ? 3 : n == 4 ? 2 : n == 2 ? 1 : 0;
}

static void add_form(struct nat_line *l, unsigned int env, unsigned int osize,
		     enum nat_kind kind, bool lock, u8 rep)
{
	struct nat_form *f = &forms[nr_forms];

	if (nr_forms == MAX_FORMS)
		nat_die("too many forms");
	*f = (struct nat_form){
		.line = l, .env = env, .osize = osize, .kind = kind, .rep = rep, .lock = lock,
	};
	f->code = (u32)l->map << 28 | l->opcode << 20 | (l->reg + 1) << 16 | (l->pfx + 1) << 13 |
		  env << 10 | log2_of(osize) << 8 | (max(l->rm, 0) & 6) << 5 | kind << 4 |
		  (max(l->rm, 0) & 1) << 3 | lock << 2 | (rep ? rep - 0xf1 : 0);
	if (other_instruction(f))
		return;
	f->refused = always_refused(f);
	nr_forms++;
	l->forms++;
}

/* 66 selects the entry of a prefix table: what operand size is left? */
static bool size_possible(const struct nat_line *l, const struct nat_env *e, unsigned int osize)
{
	unsigned int opsize = e->mode == DECODE_64 ? 2 : e->osize ^ 6;

	if (l->wide >= 0 && l->wide != (osize == 8 ? 1 : 0))
		return false;
	if (nat_is_vex(l))
		return osize == e->osize || osize == 8;
	if (l->pfx == 0)
		return osize != opsize;
	if (l->pfx == 1)
		return osize == opsize || osize == 8;
	return true;
}

static void add_forms(struct nat_line *l, unsigned int env)
{
	const struct nat_env *e = &nat_env[env];
	const struct emu_opcode *op = l->op;
	bool mode64 = e->mode == DECODE_64;
	bool exists = !is_ud(op) && !(op->flags & (mode64 ? F_I64 : F_O64));
	bool modrm = l->modrm, any = false;
	unsigned int osize, deflt = e->osize, kind;
	bool reg_only = OPERAND_METHOD(op->op[0]) == M_R || OPERAND_METHOD(op->op[1]) == M_R;

	if (l->mode64 >= 0 && l->mode64 != mode64)
		return;
	if (mode64 && (op->flags & (F_D64 | F_F64)))
		deflt = 8;
	if (l->wide == 1)
		deflt = 8;
	else if (!size_possible(l, e, deflt))
		deflt = mode64 || e->osize == 4 ? 2 : 4;
	for (osize = 2; osize <= 8; osize *= 2) {
		if (osize == 8 && !mode64)
			continue;
		/* PUSH and the like have no 32-bit form there. */
		if (osize == 4 && mode64 && (op->flags & (F_D64 | F_F64)))
			continue;
		if (!size_possible(l, e, osize))
			continue;
		if (osize != deflt && (!sized(op) || !exists || op->flags & F_UNSUP))
			continue;
		for (kind = K_NONE; kind <= K_MEM; kind++) {
			if (modrm ? kind == K_NONE || (reg_only && kind == K_MEM) : kind != K_NONE)
				continue;
			if (l->mod >= 0 && kind != (l->mod ? K_REG : K_MEM))
				continue;
			add_form(l, env, osize, kind, false, 0);
			if (op->flags & F_STRING && exists) {
				add_form(l, env, osize, kind, false, 0xf3);
				add_form(l, env, osize, kind, false, 0xf2);
			}
			if (op->flags & F_LOCK && kind == K_MEM)
				add_form(l, env, osize, kind, true, 0);
			/* #UD, once */
			else if (!any && !is_ud(op))
				add_form(l, env, osize, kind, true, 0);
		}
		any = true;
	}
}

/* @l: the way to @op so far; a copy is made for each entry of a table. */
static void add_line(const struct emu_opcode *op, const struct nat_line *way)
{
	struct nat_line l = *way;
	unsigned int k, n = 1;
	s8 *by = NULL;

	l.modrm |= nat_has_modrm(op);
	if (op->flags & F_GROUP) {
		by = &l.reg;
		n = 8;
	} else if (op->flags & F_RM) {
		by = &l.rm;
		n = 8;
	} else if (op->flags & F_PREFIX) {
		by = &l.pfx;
		n = 4;
	} else if (op->flags & (F_MOD | F_WIDE | F_M64)) {
		by = op->flags & F_MOD ? &l.mod : op->flags & F_WIDE ? &l.wide : &l.mode64;
		n = 2;
	}
	for (k = 0; by && k < n; k++) {
		*by = k;
		add_line(&op->sub[k], &l);
	}
	if (by)
		return;
	/* A byte without a line may be anything. */
	if (!op->name && !l.modrm && l.pfx < 0)
		return;
	l.op = op;
	l.skip = why_skip(&l);
	lines[nr_lines] = l;
	for (k = 0; !l.skip && k < NR_ENVS; k++)
		if (nat_env[k].available)
			add_forms(&lines[nr_lines], k);
	if (++nr_lines == MAX_LINES)
		nat_die("too many lines");
}

/* Vectors and the like: one line of the report for a range. */
static bool all_unsupported(const struct emu_opcode *op)
{
	unsigned int k;

	if (!(op->flags & F_PREFIX))
		return op->flags & F_UNSUP;
	for (k = 0; k < 4; k++)
		if (op->sub[k].name && !(op->sub[k].flags & F_UNSUP))
			return false;
	return true;
}

static void add_all(void)
{
	unsigned int m, k, last;

	for (m = 0; m < NR_MAPS; m++) {
		for (k = 0; k < 256; k = last + 1) {
			const struct emu_opcode *op = &nat_map[m][k];
			struct nat_line l = {
				.map = m, .opcode = k, .reg = -1, .pfx = -1, .mod = -1,
				.rm = -1, .wide = -1, .mode64 = -1,
			};

			last = k;
			while (last < 255 && all_unsupported(op) &&
			       !memcmp(op, &nat_map[m][last + 1], sizeof(*op)))
				last++;
			l.last = last;
			if (m != MAP_1 || k != 0x0f)
				add_line(op, &l);
		}
	}
}

static const char *const map_name[NR_MAPS] = {
	"", "0f", "0f38", "0f3a", "vex1.", "vex2.", "vex3."
};

static const char *line_name(const struct nat_line *l)
{
	static char buf[96];
	static const char *const pfx[] = { "", "66 ", "f3 ", "f2 " };
	unsigned int n;

	n = sprintf(buf, "%s%s%02x", l->pfx > 0 ? pfx[l->pfx] : "", map_name[l->map], l->opcode);
	if (l->last != l->opcode)
		n += sprintf(buf + n, "-%02x", l->last);
	if (l->reg >= 0)
		n += sprintf(buf + n, "/%u", l->reg);
	if (l->rm >= 0)
		n += sprintf(buf + n, " %02x", 0xc0 | l->reg << 3 | l->rm);
	sprintf(buf + n, " %s", l->op->name ? l->op->name : "(#UD)");
	return buf;
}

/* --form: the opcode's bytes, and /reg */
static bool wanted(const struct nat_line *l, const char *want)
{
	char code[24];
	unsigned int n, k;

	if (!want)
		return true;
	for (k = l->opcode; k <= l->last; k++) {
		n = snprintf(code, sizeof(code), "%s%02x", map_name[l->map], k);
		if (!strcmp(code, want))
			return true;
		if (l->reg >= 0)
			snprintf(code + n, sizeof(code) - n, "/%d", l->reg);
		if (!strcmp(code, want))
			return true;
	}
	return false;
}

/* Memory */

static u8 pattern_data[NAT_DATA_LEN], pattern_stack[NAT_STACK_LEN];

static void make_pattern(u64 seed)
{
	u64 v = seed;
	unsigned int k;

	for (k = 0; k < sizeof(pattern_data); k++) {
		v = v * 6364136223846793005ULL + 1442695040888963407ULL;
		pattern_data[k] = v >> 56;
	}
	for (k = 0; k < sizeof(pattern_stack); k++) {
		v = v * 6364136223846793005ULL + 1442695040888963407ULL;
		pattern_stack[k] = v >> 56;
	}
}

static void reset_memory(void)
{
	memcpy((void *)NAT_DATA, pattern_data, NAT_DATA_LEN);
	memcpy((void *)NAT_STACK, pattern_stack, NAT_STACK_LEN);
	memcpy(nat_emu_mem(NAT_DATA), pattern_data, NAT_DATA_LEN);
	memcpy(nat_emu_mem(NAT_STACK), pattern_stack, NAT_STACK_LEN);
}

/* Stores into the code would be found by cases that branch there. */
static void restore_code(void)
{
	u8 *emu = nat_emu_mem(NAT_CODE), *cpu = (u8 *)NAT_CODE;
	unsigned int k;

	for (k = 0; k < NAT_CODE_LEN; k += 4096) {
		if (cpu[k] == NAT_CCH && !memcmp(cpu + k, cpu + k + 1, 4095) &&
		    !memcmp(cpu + k, emu + k, 4096))
			continue;
		memset(cpu + k, NAT_CCH, 4096);
		memset(emu + k, NAT_CCH, 4096);
	}
}

static const struct {
	u64 at;
	unsigned int len;
	const char *name;
} areas[] = {
	{ NAT_DATA, NAT_DATA_LEN, "data" },
	{ NAT_STACK, NAT_STACK_LEN, "stack" },
};

/* Comparison */

static const char *const reg_name[16] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
};

static const char *const sel_name[6] = { "es", "cs", "ss", "ds", "fs", "gs" };

static const char *end_text(const struct nat_result *r)
{
	static char buf[2][80];
	static unsigned int n;
	char *b = buf[n++ % 2];

	switch (r->end) {
	case END_DONE:
		return "completed";
	case END_FAULT:
		sprintf(b, "exception %u(%x)", r->vector, r->error);
		return b;
	case END_PAGE:
		sprintf(b, "no memory at %llx (%x)", (unsigned long long)r->linear, r->error);
		return b;
	case END_UNSUPPORTED:
		return "unsupported";
	default:
		sprintf(b, "exit %u", r->vector);
		return b;
	}
}

static char diff[320];

static bool same_end(const struct nat_case *c, const struct nat_result *want,
		     const struct nat_result *got)
{
	if (is_loose(c, WHICH_FAULT) && (want->end == END_FAULT || want->end == END_PAGE))
		return got->end == END_FAULT || got->end == END_PAGE;
	if (want->end != got->end)
		return false;
	if (want->end == END_FAULT)
		return want->vector == got->vector && want->error == got->error;
	/* What the kernel has in its half of the addresses is its own. */
	return want->end != END_PAGE ||
	       (want->linear == got->linear &&
		(want->linear >> 63 || want->error == got->error ||
		 is_loose(c, UNWRITTEN)));
}

static bool long_code(u16 cs)
{
	return !(cs & 4) && cs >> 3 < NAT_GDT_LEN && nat_gdt[cs >> 3].attr & EMU_SEG_L;
}

static bool writes_base(const struct nat_case *c)
{
	emu_handler exec = c->form->line->op->exec;

	return exec == em_wrfsbase || exec == em_wrgsbase;
}

/* The first thing in which @got differs from what the CPU did, or NULL. */
static const char *difference_state(const struct nat_case *c, const struct nat_result *want,
				    const struct nat_result *got)
{
	bool mode64 = c->env->mode == DECODE_64;
	u64 fl_mask = EMU_FL_VALID & ~EMU_FL_RF & ~undefined_flags(c);
	bool half = want->end != END_DONE && is_loose(c, HALF_DONE);
	unsigned int n;

	if (!same_end(c, want, got)) {
		sprintf(diff, "%s, expected %s", end_text(got), end_text(want));
		return diff;
	}
	for (n = 0; n < (mode64 ? 16 : 8); n++) {
		u64 mask = (mode64 ? ~0ULL : 0xffffffff);

		/* Upper halves are lost on the way out of another mode. */
		if (want->end == END_DONE && !long_code(want->sel[EMU_CS]))
			mask = 0xffffffff;
		if (want->end == END_DONE)
			mask &= ~undefined_bits(c, n, long_code(want->sel[EMU_CS]));
		if (half && n != EMU_RSP)
			mask = 0;
		if ((want->gpr[n] ^ got->gpr[n]) & mask) {
			sprintf(diff, "%s is %llx, expected %llx", reg_name[n],
				(unsigned long long)(got->gpr[n] & mask),
				(unsigned long long)(want->gpr[n] & mask));
			return diff;
		}
	}
	if (want->rip != got->rip && !(is_loose(c, TRAP_RIP) && want->rip == c->rip)) {
		sprintf(diff, "rip is %llx, expected %llx", (unsigned long long)got->rip,
			(unsigned long long)want->rip);
		return diff;
	}
	if (writes_base(c) && nat_host.bases && want->end == END_DONE &&
	    (want->fsbase != got->fsbase || want->gsbase != got->gsbase)) {
		sprintf(diff, "bases are %llx %llx, expected %llx %llx",
			(unsigned long long)got->fsbase, (unsigned long long)got->gsbase,
			(unsigned long long)want->fsbase, (unsigned long long)want->gsbase);
		return diff;
	}
	if ((want->rflags ^ got->rflags) & fl_mask) {
		sprintf(diff, "rflags is %llx, expected %llx, of these count %llx",
			(unsigned long long)got->rflags, (unsigned long long)want->rflags,
			(unsigned long long)fl_mask);
		return diff;
	}
	for (n = 0; n < 6; n++) {
		if (want->sel[n] != got->sel[n]) {
			sprintf(diff, "%s is %x, expected %x", sel_name[n], got->sel[n],
				want->sel[n]);
			return diff;
		}
	}
	return NULL;
}

static const char *difference_memory(void)
{
	unsigned int k, n;

	for (k = 0; k < ARRAY_SIZE(areas); k++) {
		const u8 *want = (const u8 *)(unsigned long)areas[k].at;
		const u8 *got = nat_emu_mem(areas[k].at);

		if (!memcmp(want, got, areas[k].len))
			continue;
		for (n = 0; want[n] == got[n]; n++)
			;
		sprintf(diff, "%s at %llx is %02x, expected %02x", areas[k].name,
			(unsigned long long)areas[k].at + n, got[n], want[n]);
		return diff;
	}
	return NULL;
}

static bool writable(const struct nat_case *c)
{
	u32 attr = c->env->seg[c->seg].attr;

	return !c->has_ea || ((attr & EMU_SEG_WRITABLE) && !(attr & EMU_SEG_CODE));
}

static const char *compare(const struct nat_case *c, const struct nat_result *want,
			   const struct nat_result *got)
{
	const char *stray, *why;

	if (is_loose(c, UNWRITTEN) && !writable(c) && got->end == END_FAULT)
		return NULL;
	if (is_loose(c, UNREAD) && (want->end == END_PAGE ||
				    (want->end == END_FAULT && want->vector == VEC_SS)))
		return NULL;
	why = difference_state(c, want, got);

	if (!why && (want->end == END_DONE || !is_loose(c, HALF_DONE)))
		why = difference_memory();
	if (why)
		return why;
	stray = nat_emu_stray(c);
	if (stray) {
		sprintf(diff, "%s has changed", stray);
		return diff;
	}
	return NULL;
}

/* An instruction that is left out has its length, and changes nothing. */
static const char *check_unsupported(const struct nat_case *c, const struct nat_result *got)
{
	unsigned int n;

	if (got->len != c->len) {
		sprintf(diff, "unsupported with length %u, expected %u", got->len, c->len);
		return diff;
	}
	for (n = 0; n < 16; n++)
		if (got->gpr[n] != c->gpr[n])
			return "unsupported, and a register has changed";
	if (got->rip != c->rip || got->rflags != c->rflags)
		return "unsupported, and rip or rflags has changed";
	if (memcmp(nat_emu_mem(NAT_DATA), (void *)NAT_DATA, NAT_DATA_LEN) ||
	    memcmp(nat_emu_mem(NAT_STACK), (void *)NAT_STACK, NAT_STACK_LEN))
		return "unsupported, and memory has changed";
	return NULL;
}

/* Report */

static void print_input(const struct nat_case *c)
{
	bool mode64 = c->env->mode == DECODE_64;
	unsigned int n;
	u64 base;
	u8 *m;

	printf("%s bytes", c->env->name);
	for (n = 0; n < c->len; n++)
		printf(" %02x", c->bytes[n]);
	for (n = 0; n < (mode64 ? 16 : 8); n++)
		printf(" %s=%llx", reg_name[n], (unsigned long long)c->gpr[n]);
	printf(" rip=%llx rflags=%llx", (unsigned long long)c->rip,
	       (unsigned long long)c->rflags);
	if (mode64 && (c->fsbase | c->gsbase))
		printf(" fsbase=%llx gsbase=%llx", (unsigned long long)c->fsbase,
		       (unsigned long long)c->gsbase);
	if (!c->has_ea)
		return;
	printf(" ea=%s:%llx", sel_name[c->seg], (unsigned long long)c->ea);
	base = !mode64 ? c->env->seg[c->seg].base : c->seg == EMU_FS ? c->fsbase :
	       c->seg == EMU_GS ? c->gsbase : 0;
	if (!nat_emu_mem(base + c->ea))
		return;
	printf(" [ea]=");
	for (n = 8; n--;) {
		m = nat_emu_mem(base + c->ea + n);
		if (m)
			printf("%02x", *m);
	}
}

static void print_result(const char *who, const struct nat_result *r)
{
	unsigned int n;

	printf("# %s: %s rip=%llx rflags=%llx", who, end_text(r), (unsigned long long)r->rip,
	       (unsigned long long)r->rflags);
	for (n = 0; n < 16; n++)
		printf(" %s=%llx", reg_name[n], (unsigned long long)r->gpr[n]);
	for (n = 0; n < 6; n++)
		printf(" %s=%x", sel_name[n], r->sel[n]);
	putchar('\n');
}

/* Would it touch the test's own pages, or branch into its own bytes, maybe for ever? */
static bool out_of_bounds(const struct nat_case *c, const struct nat_result *got)
{
	u64 lin = c->env->mode == DECODE_64 ? got->rip :
		  (u32)(c->env->seg[EMU_CS].base + got->rip);

	if (got->end == END_PAGE)
		return got->linear - NAT_STUB < NAT_OWN_LEN;
	if (got->end != END_DONE || got->rip == c->rip + c->len)
		return false;
	return lin - NAT_STUB < NAT_OWN_LEN || lin - c->code < NAT_INSN_MAX + 16;
}

/* The emulator first, as what it leaves out is not run at all. Return: has the CPU? */
static bool run_both(struct nat_case *c, const struct nat_form *f, u64 seed, u32 number,
		     struct nat_result *want, struct nat_result *got)
{
	bool both;

	reset_memory();
	nat_generate(c, f, seed, number);
	nat_put_code(c, true);
	nat_emu_run(c, got);
	both = got->end != END_UNSUPPORTED && !out_of_bounds(c, got);
	if (both)
		nat_cpu_run(c, want);
	nat_put_code(c, false);
	return both;
}

/*
 * Has an interrupt come between the case and the code that saves its segments?
 * The IRET of the kernel, a return to an outer level, makes any null selector 0 in
 * ES, DS, FS and GS.
 */
static bool interrupted(const struct nat_result *want, const struct nat_result *got)
{
	unsigned int n;

	for (n = 0; n < 6; n++)
		if (n != EMU_CS && n != EMU_SS && !want->sel[n] && got->sel[n] &&
		    got->sel[n] < 4)
			return true;
	return false;
}

/*
 * One case, on both. One that was interrupted runs again. Where the CPU itself
 * clears a selector it does so each time, and that is a difference.
 */
static const char *run_case(struct nat_case *c, struct nat_form *f, u64 seed, u32 number,
			    struct nat_result *want, struct nat_result *got)
{
	unsigned int tries = 0;
	const char *why = NULL;
	bool both;

	while ((both = run_both(c, f, seed, number, want, got)) &&
	       interrupted(want, got) && ++tries < TRIES)
		nr_interrupted++;
	if (got->end == END_UNSUPPORTED) {
		why = check_unsupported(c, got);
		f->unsupported++;
		f->line->unsupported++;
		nr_unsupported++;
	} else if (both) {
		why = compare(c, want, got);
		f->compared++;
		f->line->compared++;
		if (want->end == END_DONE) {
			f->completed++;
			nr_completed++;
		} else {
			f->line->faulted++;
			nr_faulted += want->end == END_FAULT;
			nr_page += want->end == END_PAGE;
		}
	}
	if (why)
		f->line->differences++;
	return why;
}

/* SIGPROF after so much CPU time of the process: a case may not come back. */
static void watchdog(unsigned int seconds)
{
	const struct itimerval t = { .it_value.tv_sec = seconds };

	setitimer(ITIMER_PROF, &t, NULL);
}

static void run_form(struct nat_form *f, u64 seed, u32 count, unsigned int show)
{
	static struct nat_case c;
	static struct nat_result want, got;
	const char *why;
	u32 k;

	restore_code();
	for (k = 0; k < count; k++) {
		if (k % 65536 == 0)
			watchdog(60);
		why = run_case(&c, f, seed, k, &want, &got);
		if (why && f->line->differences <= show) {
			/* Once more for the memory that it began with. */
			printf("# %s: %s; %llu:%x:%u ", line_name(f->line), why,
			       (unsigned long long)seed, f->code, k);
			reset_memory();
			nat_generate(&c, f, seed, k);
			print_input(&c);
			putchar('\n');
		}
		if (got.end == END_UNSUPPORTED && k >= UNSUPPORTED && !f->compared)
			break;
	}
}

static int replay(const char *what)
{
	unsigned long long seed;
	unsigned int code, number, k;
	struct nat_result want, got;
	struct nat_case c;
	const char *why;

	if (sscanf(what, "%llu:%x:%u", &seed, &code, &number) != 3)
		nat_die("--replay SEED:FORM:CASE");
	for (k = 0; k < nr_forms && forms[k].code != code; k++)
		;
	if (k == nr_forms)
		nat_die("no such form on this CPU");
	make_pattern(seed);
	reset_memory();
	nat_generate(&c, &forms[k], seed, number);
	printf("# %s ", line_name(forms[k].line));
	print_input(&c);
	printf(" seed %llu, %s, %s\n", seed, c.stream ? "stream" : "memory",
	       c.hooks ? "hooks" : "windows");
	memset(&want, 0, sizeof(want));
	why = run_case(&c, &forms[k], seed, number, &want, &got);
	print_result("emulator", &got);
	if (got.end != END_UNSUPPORTED)
		print_result("CPU", &want);
	printf("%sok 1 replay%s%s\n1..1\n", why ? "not " : "", why ? ": " : "", why ? why : "");
	return why ? 1 : 0;
}

/* Would it be seen? One case, with one thing after another made wrong. */
static unsigned int noticed(u64 seed)
{
	static struct nat_case c;
	static struct nat_result want, got, wrong;
	unsigned int k, bad = 0, tried = 0;
	struct nat_form *f;
	u8 *m;

	/* add [m], r64 in 64-bit mode */
	for (f = forms; f->line->map != MAP_1 || f->line->opcode != 0x01 || f->kind != K_MEM ||
	     f->env != ENV_64 || f->osize != 8 || f->lock; f++)
		;
	k = 0;
	do {
		if (run_case(&c, f, seed, k++, &want, &got))
			return 0;
	} while (got.end != END_DONE && k < 1000);

	for (k = 0; k < 16; k++) {
		wrong = got;
		wrong.gpr[k] ^= 1ULL << (4 * k);
		bad += !difference_state(&c, &want, &wrong);
		tried++;
	}
	for (k = 0; k < 6; k++) {
		static const u64 flag[6] = {
			EMU_FL_CF, EMU_FL_PF, EMU_FL_AF,
			EMU_FL_ZF, EMU_FL_SF, EMU_FL_OF,
		};

		wrong = got;
		wrong.rflags ^= flag[k];
		bad += !difference_state(&c, &want, &wrong);
		wrong = got;
		wrong.sel[k] ^= 8;
		bad += !difference_state(&c, &want, &wrong);
		wrong.sel[k] = got.sel[k] ^ 3;
		bad += !difference_state(&c, &want, &wrong);
		tried += 3;
	}
	wrong = got;
	wrong.rip++;
	bad += !difference_state(&c, &want, &wrong);
	wrong = got;
	wrong.end = END_FAULT;
	bad += !difference_state(&c, &want, &wrong);
	for (k = 0; k < ARRAY_SIZE(areas); k++) {
		m = nat_emu_mem(areas[k].at + areas[k].len - 1);
		*m ^= 1;
		bad += !difference_memory();
		*m ^= 1;
	}
	tried += 2 + ARRAY_SIZE(areas);
	return bad ? 0 : tried;
}

static void list_rest(void)
{
	unsigned int k;

	printf("# undefined, and so not compared:\n");
	for (k = 0; k < nr_undefined; k++) {
		const struct undefined *u = &undefined[k];

		printf("#   %s: %s%s%s%s%s%s%s: %s\n", u->name,
		       u->flags & EMU_FL_CF ? "CF " : "", u->flags & EMU_FL_PF ? "PF " : "",
		       u->flags & EMU_FL_AF ? "AF " : "", u->flags & EMU_FL_ZF ? "ZF " : "",
		       u->flags & EMU_FL_SF ? "SF " : "", u->flags & EMU_FL_OF ? "OF " : "",
		       u->when == SHIFTED ? "after a shift" :
		       u->when == BY_MORE ? "after one by more than 1" :
		       u->when == ALL_OUT ? "after one by the operand's size or more" :
		       "always", u->why);
	}
	printf("#   bswap of 16 bits, shld and shrd of 16 bits by more than 16: the result\n");
	printf("#   rdtsc: the time\n# left to the CPU:\n");
	for (k = 0; k < ARRAY_SIZE(loose); k++)
		printf("#   %s: %s\n", loose[k].name, loose[k].why);
	if (nat_host.amd)
		printf("# left out on AMD: in 64-bit mode, near branches with 66, pointers of\n"
		       "#   80 bits, movsxd from memory to 16 bits; 0f0d of a register\n");
	printf("# not modelled:");
	for (k = 0; k < ARRAY_SIZE(not_modelled); k++)
		printf(" %s;", not_modelled[k]);
	for (k = 0; k < nr_lines; k++)
		if (lines[k].skip && lines[k].op->name && !strcmp(lines[k].skip, "not modelled"))
			printf(" %s;", lines[k].op->name);
	putchar('\n');
}

static void report_line(unsigned int nr, const struct nat_line *l)
{
	printf("%sok %u %s: %u of %u forms, %llu comparisons, %llu of them faults",
	       l->differences ? "not " : "", nr, line_name(l), l->covered, l->forms,
	       (unsigned long long)l->compared, (unsigned long long)l->faulted);
	if (l->unsupported)
		printf(", %llu left as unsupported", (unsigned long long)l->unsupported);
	if (l->differences)
		printf(", %llu differences", (unsigned long long)l->differences);
	if (l->skip)
		printf(" # SKIP %s", l->skip);
	else if (!l->forms)
		printf(" # SKIP no form of it can be run here");
	else if (l->unsupported && !l->compared && !l->differences)
		printf(" # SKIP left as unsupported");
	else if (!l->compared && !l->differences)
		printf(" # SKIP not asked for");
	putchar('\n');
}

/* @all: every form has had its turn. Return: the exit status. */
static int report(bool all)
{
	unsigned int k, failed = 0, covered = 0, unsupported = 0, refused = 0, faulting = 0;
	u64 total = 0;
	bool ok;

	for (k = 0; k < nr_forms; k++) {
		const struct nat_form *f = &forms[k];

		f->line->covered += !!f->compared;
		covered += !!f->compared;
		refused += f->refused;
		unsupported += f->unsupported && !f->compared;
		/* A case in a few is meant to fault, not all of them. */
		if (!f->refused && !f->unsupported && !f->completed && f->compared > 50) {
			printf("# %s: form %x has always faulted\n", line_name(f->line), f->code);
			faulting++;
		}
	}
	for (k = 0; k < nr_lines; k++) {
		failed += !!lines[k].differences;
		total += lines[k].compared;
		report_line(k + 2, &lines[k]);
	}
	ok = total && (!all || covered + unsupported == nr_forms);
	printf("%sok %u coverage: %u of %u forms, %u unsupported; %llu comparisons\n",
	       ok ? "" : "not ", nr_lines + 2, covered, nr_forms, unsupported,
	       (unsigned long long)total);
	printf("%sok %u each form that can complete does (%u are refused by design)\n",
	       faulting ? "not " : "", nr_lines + 3, refused);
	printf("# %llu completed, %llu exceptions, %llu page faults\n",
	       (unsigned long long)nr_completed, (unsigned long long)nr_faulted,
	       (unsigned long long)nr_page);
	printf("# %llu runs again, as an interrupt had cleared a null selector\n",
	       (unsigned long long)nr_interrupted);
	printf("1..%u\n", nr_lines + 3);
	return failed || faulting || !ok;
}

static u64 number(const char *s)
{
	char *end;
	u64 v = strtoull(s, &end, 0);

	if (!*s || *end)
		nat_die("not a number");
	return v;
}

int main(int argc, char **argv)
{
	const char *want = NULL, *what = NULL;
	u64 seed = 1, count = COUNT;
	unsigned int k, active = 0;
	bool blind;
	u32 share;
	int n;

	for (n = 1; n + 1 < argc; n += 2) {
		if (!strcmp(argv[n], "--seed"))
			seed = number(argv[n + 1]);
		else if (!strcmp(argv[n], "--count"))
			count = number(argv[n + 1]);
		else if (!strcmp(argv[n], "--form"))
			want = argv[n + 1];
		else if (!strcmp(argv[n], "--replay"))
			what = argv[n + 1];
		else
			break;
	}
	if (n != argc)
		nat_die("usage: native [--seed N] [--count N] [--form HEX] [--replay S:F:C]");

	setvbuf(stdout, NULL, _IOLBF, 0);
	nat_cpu_init();
	nat_emu_init();
	add_all();
	if (what)
		return replay(what);

	printf("# seed %llu, %s CPU, modes:", (unsigned long long)seed,
	       nat_host.amd ? "AMD" : "Intel");
	for (k = 0; k < NR_ENVS; k++)
		if (nat_env[k].available)
			printf(" %s;", nat_env[k].name);
	printf("%s\n", nat_host.bases ? "" : " FS and GS are left alone");

	make_pattern(seed);
	k = noticed(seed);
	blind = !k;
	printf("%sok 1 a difference is noticed (%u kinds)\n", k ? "" : "not ", k);

	/* In parts of which a form that is refused gets one. */
	for (k = 0; k < nr_forms; k++)
		if (wanted(forms[k].line, want) && !(forms[k].line->op->flags & F_UNSUP))
			active += forms[k].refused ? 1 : REFUSED;
	share = active ? (count + active - 1) / active : 1;
	for (k = 0; k < nr_forms; k++) {
		if (!wanted(forms[k].line, want))
			continue;
		run_form(&forms[k], seed, forms[k].refused ? share : share * REFUSED,
			 want ? 10 * SHOWN : SHOWN);
	}
	watchdog(0);
	list_rest();
	return report(!want) || blind;
}
