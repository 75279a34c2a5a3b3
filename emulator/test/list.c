// SPDX-License-Identifier: GPL-2.0
/*
 * Documentation/instructions.rst, from the opcode table.
 *
 * usage: list > instructions.rst
 *
 * A line of the page is a line of the table, or several that follow one another and
 * differ in nothing but the opcode.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../handlers.h"

/* What selects a line: one that is the same in two lines is compared as text. */
struct way {
	const char *map;
	unsigned int first, last;
	int pfx, reg, rm, mod, wide, mode64;
	bool vex;
};

struct row {
	struct way way;
	const struct emu_opcode *op;
};

#define MAX_ROWS	2048

static struct row rows[MAX_ROWS];
static unsigned int nr_rows;

static const struct {
	const char *bytes;
	const struct emu_opcode *table;
	bool vex;
} maps[] = {
	{ "", emu_opcodes, false },
	{ "0f ", emu_opcodes_0f, false },
	{ "0f 38 ", emu_opcodes_0f38, false },
	{ "0f 3a ", emu_opcodes_0f3a, false },
	{ "vex.map1 ", emu_opcodes_vex1, true },
	{ "vex.map2 ", emu_opcodes_vex2, true },
	{ "vex.map3 ", emu_opcodes_vex3, true },
};

static const char *const feature_name[EMU_NR_FEATURES] = {
	[EMU_FEAT_ALWAYS] = "",
	[EMU_FEAT_486] = "a table that is not empty (80486)",
	[EMU_FEAT_CPUID] = "a table that is not empty",
	[EMU_FEAT_TSC] = "TSC",
	[EMU_FEAT_MSR] = "MSR",
	[EMU_FEAT_CX8] = "CX8",
	[EMU_FEAT_SEP] = "SEP",
	[EMU_FEAT_CMOV] = "CMOV",
	[EMU_FEAT_CLFLUSH] = "CLFSH",
	[EMU_FEAT_CX16] = "CX16",
	[EMU_FEAT_SSE42] = "SSE4.2",
	[EMU_FEAT_MOVBE] = "MOVBE",
	[EMU_FEAT_POPCNT] = "POPCNT",
	[EMU_FEAT_XSAVE] = "XSAVE",
	[EMU_FEAT_FSGSBASE] = "FSGSBASE",
	[EMU_FEAT_BMI1] = "BMI1",
	[EMU_FEAT_BMI2] = "BMI2",
	[EMU_FEAT_INVPCID] = "INVPCID",
	[EMU_FEAT_ADX] = "ADX",
	[EMU_FEAT_SMAP] = "SMAP",
	[EMU_FEAT_CLFLUSHOPT] = "CLFLUSHOPT",
	[EMU_FEAT_CLWB] = "CLWB",
	[EMU_FEAT_RDPID] = "RDPID",
	[EMU_FEAT_MOVDIRI] = "MOVDIRI",
	[EMU_FEAT_PREFETCHW] = "PREFETCHW or LM",
	[EMU_FEAT_LAHF64] = "LAHF64",
	[EMU_FEAT_LZCNT] = "LZCNT",
	[EMU_FEAT_SYSCALL] = "SYSCALL",
	[EMU_FEAT_RDTSCP] = "RDTSCP",
	[EMU_FEAT_LM] = "LM",
	[EMU_FEAT_LONG_NOP] = "family 6 or LM",
	[EMU_FEAT_RDRAND] = "RDRAND",
	[EMU_FEAT_RDSEED] = "RDSEED",
	[EMU_FEAT_XOP] = "XOP",
	[EMU_FEAT_SFENCE] = "SSE or LM",
	[EMU_FEAT_LFENCE] = "SSE2 or LM",
};

static bool is_unsupported(const struct emu_opcode *op)
{
	return op->flags & F_UNSUP || op->exec == em_unsupported;
}

static bool has_modrm(const struct emu_opcode *op)
{
	static const u8 with[] = { M_E, M_G, M_M, M_S, M_R, M_C, M_D };
	unsigned int k, n;

	for (k = 0; k < 3; k++)
		for (n = 0; n < ARRAY_SIZE(with); n++)
			if (OPERAND_METHOD(op->op[k]) == with[n])
				return true;
	return false;
}

/* Operands */

static const char *const sizes[] = {
	[SZ_B] = "8", [SZ_W] = "16", [SZ_D] = "32", [SZ_Q] = "64", [SZ_V] = "16/32/64",
	[SZ_Z] = "16/32", [SZ_Y] = "32/64", [SZ_DQ] = "128",
};

static const char *operand(const struct emu_opcode *op, u8 o)
{
	static char buf[3][40];
	static unsigned int n;
	const char *size = sizes[OPERAND_SIZE(o)];
	char *b = buf[n++ % 3];

	switch (OPERAND_METHOD(o)) {
	case M_E:
		sprintf(b, op->flags & F_MEM ? "m%s" : "r/m%s", size);
		break;
	case M_G:
	case M_Z:
	case M_R:
	case M_B:
		sprintf(b, "r%s", size);
		break;
	case M_I:
		sprintf(b, "imm%s", size);
		break;
	case M_IS:
		return "imm8 (signed)";
	case M_ACC:
		return OPERAND_SIZE(o) == SZ_B ? "AL" :
		       OPERAND_SIZE(o) == SZ_Z ? "eAX" : "rAX";
	case M_M:
		if (OPERAND_SIZE(o) == SZ_Z)
			return "m16:16/32/64";
		sprintf(b, OPERAND_SIZE(o) == SZ_V ? "m" : "m%s", size);
		break;
	case M_O:
		sprintf(b, "m%s (offset)", size);
		break;
	case M_J:
		sprintf(b, "rel%s", size);
		break;
	case M_A:
		return "ptr16:16/32";
	case M_S:
		return "Sreg";
	case M_C:
		return "CRn";
	case M_D:
		return "DRn";
	case M_CL:
		return "CL";
	case M_ONE:
		return "1";
	case M_DX:
		return "DX";
	default:
		return "";
	}
	return b;
}

static void operands(const struct emu_opcode *op, char *b)
{
	unsigned int k;

	*b = 0;
	for (k = 0; k < 3; k++) {
		/* The second source of IMUL is its destination. */
		if (!op->op[k] || (op->exec == em_imul2 && k == 2 && op->op[2] == op->op[0]))
			continue;
		if (*b)
			strcat(b, ", ");
		strcat(b, operand(op, op->op[k]));
	}
	if (op->flags & F_BYTE2)
		strcat(b, ", imm8");
}

/* Bytes */

static void bytes(const struct row *r, char *b)
{
	static const char *const pfx[] = { "", "66 ", "f3 ", "f2 " };
	static const char *const pp[] = { "np ", "66 ", "f3 ", "f2 " };
	const struct way *w = &r->way;

	*b = 0;
	if (w->pfx >= 0)
		strcat(b, w->vex ? pp[w->pfx] : pfx[w->pfx]);
	if (w->wide == 1)
		strcat(b, "rex.w ");
	b += strlen(b);
	b += sprintf(b, "%s%02x", w->map, w->first);
	if (w->last != w->first)
		b += sprintf(b, "-%02x", w->last);
	if (w->rm >= 0)
		sprintf(b, " %02x", 0xc0 | w->reg << 3 | w->rm);
	else if (w->reg >= 0)
		sprintf(b, " /%d", w->reg);
	else if (has_modrm(r->op))
		strcpy(b, " /r");
}

static void modes(const struct row *r, char *b)
{
	u32 f = r->op->flags;

	*b = 0;
	if (f & F_I64 || r->way.mode64 == 0)
		strcpy(b, "not 64-bit");
	if (f & F_O64 || r->way.mode64 == 1 || r->way.wide == 1)
		strcpy(b, "64-bit");
	if (f & F_PROT || r->way.vex)
		strcat(b, *b ? ", protected" : "protected");
}

static const char *privilege(const struct emu_opcode *op)
{
	static const struct {
		emu_handler exec;
		const char *text;
	} other[] = {
		{ em_cli, "IOPL" }, { em_sti, "IOPL" }, { em_pushf, "IOPL in V86 mode" },
		{ em_popf, "IOPL in V86 mode" }, { em_iret, "IOPL in V86 mode" },
		{ em_int, "IOPL in V86 mode; gate" }, { em_int3, "gate" }, { em_into, "gate" },
		{ em_rdtsc, "CR4.TSD" }, { em_rdtscp, "CR4.TSD" }, { em_rdpmc, "CR4.PCE" },
		{ em_xsetbv, "CPL 0" },
		{ em_sgdt, "CR4.UMIP" }, { em_sidt, "CR4.UMIP" }, { em_sldt, "CR4.UMIP" },
		{ em_str, "CR4.UMIP" }, { em_smsw, "CR4.UMIP" },
	};
	unsigned int k;

	if (op->flags & (F_PRIV | F_UDPRIV))
		return "CPL 0";
	if (op->flags & F_PORT)
		return "IOPL or bitmap";
	for (k = 0; k < ARRAY_SIZE(other); k++)
		if (other[k].exec == op->exec)
			return other[k].text;
	return "";
}

static void feature(const struct emu_opcode *op, char *b)
{
	const char *name = feature_name[op->feature];

	if (!name) {
		fprintf(stderr, "list: feature %u has no name\n", op->feature);
		exit(1);
	}
	strcpy(b, name);
	if (op->flags & F_FEAT64)
		strcat(b, " in 64-bit mode");
	if (op->sub)
		sprintf(b + strlen(b), "; else %s", op->sub->name);
}

/* Walking */

static void add(const struct emu_opcode *op, const struct way *way)
{
	struct way w = *way;
	unsigned int k, n = 2;
	int *by;

	if (op->flags & F_GROUP) {
		by = &w.reg;
		n = 8;
	} else if (op->flags & F_RM) {
		by = &w.rm;
		n = 8;
	} else if (op->flags & F_PREFIX) {
		by = &w.pfx;
		n = 4;
	} else if (op->flags & F_MOD) {
		by = &w.mod;
	} else if (op->flags & F_WIDE) {
		by = &w.wide;
	} else if (op->flags & F_M64) {
		by = &w.mode64;
	} else {
		if (!op->name)
			return;
		if (nr_rows == MAX_ROWS)
			exit(1);
		/* How much of it there is, is all that counts. */
		if (is_unsupported(op))
			w.pfx = -1;
		rows[nr_rows++] = (struct row){ w, op };
		return;
	}
	for (k = 0; k < n; k++) {
		*by = k;
		add(&op->sub[k], &w);
	}
}

/* The same instruction in all but what selects the line. */
static bool same_op(const struct emu_opcode *a, const struct emu_opcode *b)
{
	return !strcmp(a->name, b->name) && a->exec == b->exec &&
	       !memcmp(a->op, b->op, sizeof(a->op)) && a->flags == b->flags &&
	       a->feature == b->feature && a->sub == b->sub;
}

/* In a range, opcodes have the same line; in a prefix table, prefixes that change nothing. */
static bool merge(struct row *a, const struct row *b)
{
	struct way w = b->way;

	if (is_unsupported(a->op) && is_unsupported(b->op)) {
		if (strcmp(a->op->name, b->op->name) || a->way.map != b->way.map ||
		    a->way.reg != b->way.reg || b->way.first > a->way.last + 1)
			return false;
		a->way.last = b->way.last;
		return true;
	}
	if (!same_op(a->op, b->op))
		return false;
	w.first = a->way.first;
	w.last = a->way.last;
	if (!memcmp(&w, &a->way, sizeof(w)) && b->way.first == a->way.last + 1) {
		a->way.last = b->way.last;
		return true;
	}
	/* The size of operands, or none of it matters. */
	w = b->way;
	w.pfx = a->way.pfx;
	return !w.vex && a->way.pfx == 0 && !memcmp(&w, &a->way, sizeof(w));
}

static void collect(void)
{
	unsigned int m, k, n;

	for (m = 0; m < ARRAY_SIZE(maps); m++)
		for (k = 0; k < 256; k++) {
			struct way w;

			memset(&w, 0, sizeof(w));
			w.map = maps[m].bytes;
			w.vex = maps[m].vex;
			w.first = k;
			w.last = k;
			w.pfx = -1;
			w.reg = -1;
			w.rm = -1;
			w.mod = -1;
			w.wide = -1;
			w.mode64 = -1;
			add(&maps[m].table[k], &w);
		}
	/* Each into the nearest row before it that is the same. */
	for (k = 0; k < nr_rows; k++) {
		for (n = 1; n <= k; n++) {
			if (rows[k - n].op && merge(&rows[k - n], &rows[k])) {
				rows[k].op = NULL;
				break;
			}
		}
	}
}

static void head(const char *title, char line)
{
	unsigned int n = strlen(title);

	printf("%s\n", title);
	while (n--)
		putchar(line);
	printf("\n\n");
}

static void cell(const char *text)
{
	printf("     -%s%s\n", *text ? " " : "", text);
}

static void print_rows(void)
{
	char op[80], by[40], feat[80], mode[40];
	const struct row *r;

	printf(".. list-table::\n   :header-rows: 1\n   :widths: 12 26 22 18 12 10\n\n"
	       "   * - Instruction\n     - Operands\n     - Bytes\n     - CPUID\n"
	       "     - Modes\n     - Privilege\n");
	for (r = rows; r < rows + nr_rows; r++) {
		if (!r->op || is_unsupported(r->op))
			continue;
		operands(r->op, op);
		bytes(r, by);
		feature(r->op, feat);
		modes(r, mode);
		printf("   * - %s\n", r->op->name);
		cell(op);
		printf("     - ``%s``\n", by);
		cell(feat);
		cell(mode);
		cell(privilege(r->op));
	}
	putchar('\n');
}

static void print_unsupported(void)
{
	char by[40], feat[80];
	const struct row *r;

	printf(".. list-table::\n   :header-rows: 1\n   :widths: 20 50 30\n\n"
	       "   * - What\n     - Bytes\n     - CPUID\n");
	for (r = rows; r < rows + nr_rows; r++) {
		if (!r->op || !is_unsupported(r->op))
			continue;
		bytes(r, by);
		feature(r->op, feat);
		printf("   * - %s\n     - ``%s``\n", r->op->name, by);
		cell(feat);
	}
	printf("   * - avx512\n     - ``62``, EVEX\n     -\n"
	       "   * - xop\n     - ``8f``, with a map of 8 to 10\n     - XOP\n\n");
}

int main(void)
{
	unsigned int k, n = 0;

	collect();
	for (k = 0; k < nr_rows; k++)
		n += rows[k].op && !is_unsupported(rows[k].op);
	/* Not the identifier of this file. */
	printf(".. SPDX%s\n"
	       ".. Written by make -C emulator instructions\n\n",
	       "-License-Identifier: GPL-2.0");
	printf("============\nInstructions\n============\n\n");
	printf("Every instruction that is executed, from the opcode table in\n"
	       "``emulator/opcodes.c``, in the order of the opcode maps: %u lines. An opcode in\n"
	       "neither list raises #UD.\n\n", n);
	printf("* Operands are in the order of Intel's manuals, the destination first. What an\n"
	       "  instruction uses without naming it is not shown.\n"
	       "* **Bytes**: ``/r`` is a ModRM byte, ``/4`` one whose reg field is 4; 66, f3 and f2\n"
	       "  stand for a prefix that selects the instruction. A line without one is the instruction\n"
	       "  also with those that have no line of their own.\n"
	       "* **CPUID** is the bit of the owner's table without which it is #UD, or what is said\n"
	       "  there (K19 of :doc:`emulator`). LAHF64 is bit 0 of ECX in leaf 80000001h.\n"
	       "* **Modes**: \"64-bit\" exists in 64-bit mode only, \"protected\" not in real and V86 mode.\n"
	       "* **Privilege** is what must be so, else there is #GP(0), or #UD for CLAC and STAC.\n\n");
	head("Executed", '=');
	print_rows();
	head("Not supported", '=');
	printf("These leave with PIOTRAP_EXIT_UNSUPPORTED before anything has changed, with their\n"
	       "length; instructions of FPU and vectors only after CR0.EM and CR0.TS have had their\n"
	       "say. Within these opcodes, what is defined nowhere may leave in the same way.\n\n");
	print_unsupported();
	return 0;
}
