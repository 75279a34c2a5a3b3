// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzing against Unicorn: bytes choose a mode, registers and instructions, which run
 * one at a time in both. After each, registers, defined flags, what was written to
 * memory, port accesses in order, and the exception must be the same. Then all of them
 * run at once in the emulator, by blocks and direct windows, which must come to the
 * same as one at a time.
 *
 * An instruction that cannot be compared ends the program, and is counted: left_out[].
 * So does a difference that is known to be Unicorn's: known[]; for each of these an
 * input of the corpus has to show that it is still needed.
 *
 * With -DREPLAY it has a main() of its own: fuzz-unicorn-replay FILE..., as TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "undefined.h"
#include "unicorn.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define MAX_STEPS	64
#define MAX_CODE	96
#define CODE		0x10100
#define IP		0x0100		/* of it, in real mode */

struct input {
	const u8 *p;
	size_t left;
};

/* An instruction, before and after it. */
struct step {
	enum uni_mode mode;
	struct emu_insn i;
	u8 bytes[EMU_INSN_MAX + 3];	/* with zeros */
	u64 ea;
	unsigned int count;		/* of a shift, masked */
	struct uni_regs before, emu, uc;
	struct uni_end emu_end, uc_end;
};

static u8 *start;			/* memory before a program */
static struct uni_port ports[UNI_LOG];	/* all of them */
static unsigned int nr_ports;
static bool is_known;			/* it ended with what Unicorn does wrong */
static u64 executions, compared, faults, wholes;

void uni_log_port(struct uni_side *s, u16 port, unsigned int size, u8 dir, u32 val)
{
	s->all_ports++;
	if (s->nr_ports < UNI_LOG)
		s->port[s->nr_ports++] = (struct uni_port){ port, size, dir, val };
}

void uni_log_write(struct uni_side *s, u64 at, unsigned int size)
{
	u64 n;

	for (n = at; n < at + size; n++)
		if (n < UNI_MEM)
			s->dirty[n / 4096] = 1;
	if (s->nr_writes < UNI_LOG)
		s->write[s->nr_writes++] = (struct uni_write){ at, size };
}

/* What is not compared */

#define M16	BIT(UNI_16)
#define M32	BIT(UNI_32)
#define M64	BIT(UNI_64)
#define MPROT	(M32 | M64)
#define MALL	(M16 | MPROT)

static struct {
	const char *names;
	unsigned int modes;
	const char *why;
	u64 count;
} left_out[] = {
	{ .names = "cpuid rdtsc rdtscp rdpmc rdpid xgetbv rdrand rdseed", .modes = MALL,
	  .why = "it answers for its own machine" },
	{ .names = "sgdt sidt smsw sldt str lar lsl verr verw arpl", .modes = MALL,
	  .why = "there are no tables, or others" },
	{ .names = "push es,push cs,push ss,push ds,push fs,push gs", .modes = MPROT,
	  .why = "there are no tables, or others" },
	{ .names = "pop es,pop ss,pop ds,pop fs,pop gs,les,lds,lss,lfs,lgs", .modes = MPROT,
	  .why = "there are no tables, or others" },
	{ .names = "call far,jmp far,retf,iret", .modes = MPROT,
	  .why = "there are no tables, or others" },
};

enum other_reason {
	SKIP_PRIVILEGED, SKIP_SREG, SKIP_OWNER, SKIP_HLT, SKIP_EDGE, SKIP_TF, SKIP_RESULT,
	SKIP_FAR, SKIP_LOCK,
	NR_OTHER_REASONS
};

static struct {
	const char *why;
	u64 count;
} other_reasons[NR_OTHER_REASONS] = {
	[SKIP_PRIVILEGED] = { .why = "system instructions: the machines differ" },
	[SKIP_SREG] = { .why = "moves to and from segment registers: there are no tables" },
	[SKIP_OWNER] = { .why = "left to the owner as not modelled: FPU and vectors" },
	[SKIP_HLT] = { .why = "HLT: the end" },
	[SKIP_EDGE] = { .why = "code at either end of memory" },
	[SKIP_TF] = { .why = "TF is set: Unicorn has no traps" },
	[SKIP_FAR] = { .why = "FF /3 and /5 with a register: Unicorn ends the process" },
	[SKIP_LOCK] = { .why = "LOCK where it cannot be: Unicorn allows it or ends the process" },
	[SKIP_RESULT] = { .why = "undefined: BSWAP, SHLD, SHRD of 16 bits; PUSH of selectors" },
};

/* @list has names with blanks between commas. */
static bool in_commas(const char *list, const char *name)
{
	size_t n = strlen(name);
	const char *p;

	for (p = list; (p = strstr(p, name)); p += n)
		if ((p == list || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

static bool skip(enum other_reason n)
{
	other_reasons[n].count++;
	return true;
}

static bool undefined_result(const struct step *s)
{
	const struct emu_insn *i = &s->i;

	if (i->exec == em_bswap)
		return i->osize == 2;
	/* The upper half of its place is zero or stays. */
	if (i->exec == em_push_sreg)
		return i->osize != 2;
	return (i->exec == em_shld || i->exec == em_shrd) && i->osize == 2 && s->count > 16;
}

static bool is_prefix(u8 byte)
{
	return (byte & 0xe7) == 0x26 || (byte & 0xfc) == 0x64 || byte == 0xf0 ||
	       byte == 0xf2 || byte == 0xf3;
}

/* The bytes behind prefixes. */
static const u8 *opcode_of(const struct step *s)
{
	unsigned int n;

	for (n = 0; n < EMU_INSN_MAX; n++)
		if (!is_prefix(s->bytes[n]) &&
		    !(s->mode == UNI_64 && (s->bytes[n] & 0xf0) == 0x40))
			break;
	return s->bytes + n;
}

static bool ends_unicorn(const struct step *s)
{
	const u8 *p = opcode_of(s);

	return p[0] == 0xff && p[1] >= 0xc0 && ((p[1] >> 3 & 7) == 3 || (p[1] >> 3 & 7) == 5);
}

/* Also where there is none of them. */
static bool enters_system(const struct step *s)
{
	const u8 *p = opcode_of(s);

	return p[0] == 0x0f && (p[1] == 0x05 || p[1] == 0x07 || p[1] == 0x34 || p[1] == 0x35);
}

static bool is_left_out(const struct step *s)
{
	const struct emu_insn *i = &s->i;
	const char *name = i->op->name;
	unsigned int k;

	if (i->exec == em_hlt)
		return skip(SKIP_HLT);
	if (enters_system(s))
		return skip(SKIP_PRIVILEGED);
	if (i->op->flags & (F_PRIV | F_UDPRIV))
		return skip(SKIP_PRIVILEGED);
	if (s->mode != UNI_16 && (i->exec == em_mov_to_sreg || i->exec == em_mov_from_sreg))
		return skip(SKIP_SREG);
	if (ends_unicorn(s))
		return skip(SKIP_FAR);
	if (undefined_result(s))
		return skip(SKIP_RESULT);
	for (k = 0; name && k < ARRAY_SIZE(left_out); k++) {
		if (!(left_out[k].modes >> s->mode & 1))
			continue;
		if (strchr(left_out[k].names, ',') ? in_commas(left_out[k].names, name) :
						     in_list(left_out[k].names, name)) {
			left_out[k].count++;
			return true;
		}
	}
	return false;
}

/* What Unicorn is known to do wrong */

static bool is_canonical(u64 at)
{
	return (u64)((s64)(at << 16) >> 16) == at;
}

static bool raised(const struct step *s, unsigned int vector)
{
	return s->emu_end.kind == UNI_VECTOR && s->emu_end.code == vector;
}

static bool not_raised(const struct step *s, unsigned int vector)
{
	return raised(s, vector) &&
	       (s->uc_end.kind != UNI_VECTOR || s->uc_end.code != vector);
}

/* An address that nobody has, or a jump there, for what is no address at all. */
static bool by_canonical(const struct step *s)
{
	if (s->mode != UNI_64 || !(raised(s, VEC_GP) || raised(s, VEC_SS)))
		return false;
	return s->uc_end.kind == UNI_DONE ? !is_canonical(s->uc.rip) :
	       s->uc_end.kind == UNI_MEMORY && !is_canonical(uni_uc_missing());
}

/* Where the limit of the segment is the end of its addresses; of PUSHA at the most. */
static bool by_wrap(const struct step *s)
{
	return s->mode == UNI_32 && (raised(s, VEC_GP) || raised(s, VEC_SS)) &&
	       s->uc_end.kind == UNI_MEMORY && (u32)uni_uc_missing() >= -32U;
}

static bool by_group(const struct step *s)
{
	const u8 *p = opcode_of(s);

	return not_raised(s, VEC_UD) && p[1] & 0x38 &&
	       (p[0] == 0x8f || p[0] == 0xc6 || p[0] == 0xc7);
}

static bool by_read(const struct step *s)
{
	const u8 *p = opcode_of(s);

	return not_raised(s, VEC_UD) && s->uc_end.kind == UNI_MEMORY &&
	       ((p[0] == 0xff && (p[1] & 0x38) == 0x38) ||
		(p[0] == 0x0f && p[1] == 0xba && (p[2] & 0x38) < 0x20));
}

static bool by_test(const struct step *s)
{
	return s->i.exec == em_test && (s->i.opcode | 1) == 0xf7 &&
	       (s->i.modrm & 0x38) == 8 && s->uc_end.kind == UNI_VECTOR &&
	       s->uc_end.code == VEC_UD;
}

static bool by_ret(const struct step *s)
{
	return (s->i.exec == em_ret || s->i.exec == em_ret_far) && s->i.imm >= 0x8000;
}

static bool by_rex(const struct step *s)
{
	unsigned int n;
	bool rex = false;

	for (n = 0; s->mode == UNI_64 && n < EMU_INSN_MAX; n++) {
		if (!is_prefix(s->bytes[n]) && (s->bytes[n] & 0xf0) != 0x40)
			return false;
		if (rex)
			return true;
		rex = (s->bytes[n] & 0xf0) == 0x40;
	}
	return false;
}

/* May it be about the end of a segment? */
static bool by_limit(const struct step *s)
{
	static const u8 at[] = { EMU_RBX, EMU_RSP, EMU_RBP, EMU_RSI, EMU_RDI };
	const u64 sp = (u16)s->before.gpr[EMU_RSP];
	u64 top = s->before.rip;
	unsigned int n;

	if (s->mode != UNI_16 || !(raised(s, VEC_GP) || raised(s, VEC_SS)))
		return false;
	for (n = 0; n < ARRAY_SIZE(at); n++)
		top = max(top, s->before.gpr[at[n]] & size_mask(s->i.asize ? s->i.asize : 2));
	top = max(top, max(s->ea, s->i.imm));
	/* A jump to where no segment has anything. */
	return top > 0xffe0 || sp < 64 || s->i.osize == 4;
}

static bool by_enter(const struct step *s)
{
	return s->i.exec == em_enter && s->emu_end.kind != UNI_DONE &&
	       s->uc_end.kind == UNI_DONE;
}

static bool by_order(const struct step *s)
{
	return (s->i.exec == em_cmps || s->i.exec == em_call_mem) &&
	       (raised(s, VEC_GP) || raised(s, VEC_SS)) && s->uc_end.kind == UNI_MEMORY;
}

static bool by_cs(const struct step *s)
{
	return s->mode == UNI_32 && s->i.seg == EMU_CS && not_raised(s, VEC_GP);
}

static bool by_lahf(const struct step *s)
{
	return s->mode == UNI_64 && (s->i.exec == em_lahf || s->i.exec == em_sahf) &&
	       (opcode_of(s)[-1] & 0xf0) == 0x40;
}

static bool by_stack(const struct step *s)
{
	return s->mode == UNI_16 && (u16)s->before.gpr[EMU_RSP] > 0xffe0 &&
	       (s->i.exec == em_ret_far || s->i.exec == em_iret);
}

/* As on a CPU, a far pointer counts also where it is of no instruction. */
static bool by_long(const struct step *s)
{
	return raised(s, VEC_GP) && !s->i.len && s->uc_end.kind == UNI_VECTOR &&
	       s->uc_end.code == VEC_UD;
}

static bool by_femms(const struct step *s)
{
	const u8 *p = opcode_of(s);

	return not_raised(s, VEC_UD) && p[0] == 0x0f && (p[1] & 0xfe) == 0x0e;
}

/* Likewise on AMD's CPUs. */
static bool by_prefetch(const struct step *s)
{
	const u8 *p = opcode_of(s);

	return p[0] == 0x0f && p[1] == 0x0d && p[2] >= 0xc0 && s->uc_end.kind == UNI_VECTOR &&
	       s->uc_end.code == VEC_UD;
}

static bool by_int(const struct step *s)
{
	return s->i.exec == em_int && s->emu_end.code == VEC_UD;
}

static bool by_icebp(const struct step *s)
{
	return s->i.exec == em_icebp;
}

static u64 linear(const struct step *s, const struct uni_regs *r)
{
	return r->rip + (s->mode == UNI_16 ? r->sel[EMU_CS] * 16 : 0);
}

static bool by_self(const struct step *s)
{
	u64 from = linear(s, &s->before);
	unsigned int n;

	for (n = 0; n < uni_emu.nr_writes; n++)
		if (uni_emu.write[n].at < from + s->i.len &&
		    uni_emu.write[n].at + uni_emu.write[n].size > from)
			return s->uc.rip == s->before.rip;
	return false;
}

/* Of FS or GS, by one of those that mean nothing there. */
static bool by_override(const struct step *s)
{
	const u8 *end = opcode_of(s), *p;
	bool kept = false;

	for (p = s->bytes; p < end; p++) {
		if ((*p & 0xfe) == 0x64)
			kept = true;
		else if (kept && (*p & 0xe7) == 0x26)
			return s->mode == UNI_64;
	}
	return false;
}

/* As on AMD's CPUs. */
static bool by_branch(const struct step *s)
{
	return s->mode == UNI_64 && s->i.op->flags & F_F64 &&
	       memchr(s->bytes, 0x66, opcode_of(s) - s->bytes);
}

static struct {
	const char *name;
	bool (*is)(const struct step *s);
	const char *why;
	u64 count;
} known[] = {
	{ .name = "canonical", .is = by_canonical,
	  .why = "addresses of 64 bits are not checked to be canonical" },
	{ .name = "wrap", .is = by_wrap,
	  .why = "an operand may go over the end of 4 GiB" },
	{ .name = "group", .is = by_group,
	  .why = "8F is POP, C6 and C7 may be MOV with any ModRM.reg" },
	{ .name = "read", .is = by_read,
	  .why = "FF /7 and 0F BA /0 to /3 read an operand before they are no instruction" },
	{ .name = "test", .is = by_test, .why = "F6 /1 and F7 /1 are no TEST" },
	{ .name = "ret", .is = by_ret, .why = "what RET releases is taken as signed" },
	{ .name = "rex", .is = by_rex,
	  .why = "REX counts in front of other prefixes, and is refused twice" },
	{ .name = "limit", .is = by_limit, .why = "limits of segments are not checked" },
	{ .name = "enter", .is = by_enter,
	  .why = "the stack pointer that ENTER leaves is not tried" },
	{ .name = "order", .is = by_order,
	  .why = "of two faults of CMPS and CALL the other comes first, which is no fault of it" },
	{ .name = "cs", .is = by_cs, .why = "a code segment can be written to" },
	{ .name = "lahf", .is = by_lahf, .why = "with REX, LAHF and SAHF take SPL for AH" },
	{ .name = "stack", .is = by_stack,
	  .why = "RETF and IRET do not go round at the end of a stack of 16 bits" },
	{ .name = "long", .is = by_long,
	  .why = "what is no instruction is not found to be longer than 15 bytes" },
	{ .name = "femms", .is = by_femms, .why = "0F 0E and 0F 0F are there without 3DNow!" },
	{ .name = "prefetch", .is = by_prefetch,
	  .why = "0F 0D with a register is no instruction" },
	{ .name = "int", .is = by_int, .why = "INT 6 is taken for no instruction" },
	{ .name = "icebp", .is = by_icebp, .why = "INT1 is no instruction" },
	{ .name = "branch", .is = by_branch,
	  .why = "66 cuts the target of near branches in 64-bit mode" },
	{ .name = "override", .is = by_override,
	  .why = "in 64-bit mode ES to DS take FS or GS back" },
	{ .name = "self", .is = by_self, .why = "one that has changed itself begins anew" },
};

static int find_known(const struct step *s)
{
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(known); k++)
		if (known[k].is(s))
			return k;
	return -1;
}

/* From bytes to a program */

static u8 byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static u64 number(struct input *in, unsigned int bytes)
{
	u64 v = 0;
	unsigned int n;

	for (n = 0; n < bytes; n++)
		v |= (u64)byte(in) << (8 * n);
	return v;
}

static u64 value(struct input *in, unsigned int kind)
{
	static const u64 edge[] = {
		0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff,
		0x8000, 0xfff0, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x7fffffffffffffff, 0x8000000000000000, UNI_MEM - 4,
	};
	u64 v;

	switch (kind) {
	case 0:
	case 1:
	case 2:
	case 3:
		return sign_extend(number(in, 1U << kind), 1U << kind);
	case 4:
		return 0x20000 + number(in, 2);
	case 5:
		return 1ULL << byte(in) % 64;
	default:
		v = edge[byte(in) % ARRAY_SIZE(edge)];
		return kind == 6 ? v : -v;
	}
}

static enum uni_mode choose(struct input *in, struct uni_regs *r, u8 *code)
{
	enum uni_mode mode = byte(in) % NR_UNI_MODES;
	unsigned int n, which;
	u64 v;

	memset(r, 0, sizeof(*r));
	for (n = 0; n < (mode == UNI_64 ? 16 : 8); n++)
		r->gpr[n] = mode == UNI_16 ? 0x800 * (n + 1) : 0x20000 + 0x1000 * n;
	r->gpr[EMU_RSP] = mode == UNI_16 ? 0x8000 : 0x40000;
	for (n = 0; mode == UNI_16 && n < 6; n++)
		r->sel[n] = 0x1000 * n;
	if (mode == UNI_64) {
		r->fs_base = 0x60000;
		r->gs_base = 0x70000;
	}
	r->rflags = EMU_FL_FIXED |
		    (number(in, 2) & (EMU_FL_ARITH | EMU_FL_DF | EMU_FL_IF));
	for (n = byte(in) % 16; n; n--) {
		which = byte(in);
		v = value(in, which >> 5);
		which %= 32;
		if (which < 16 && mode == UNI_64)
			r->gpr[which] = v;
		else if (which < 8)
			r->gpr[which] = (u32)v;
		else if (which >= 16 && which < 22 && which != 16 + EMU_CS && mode == UNI_16)
			r->sel[which - 16] = v;
		else if (which == 22 && mode == UNI_64)
			r->fs_base = sign_extend(v, 6);
		else if (which == 23 && mode == UNI_64)
			r->gs_base = sign_extend(v, 6);
	}
	r->rip = mode == UNI_16 ? IP : CODE;
	if (mode == UNI_16)
		r->sel[EMU_CS] = (CODE - IP) / 16;
	/* HLT behind it. */
	memset(code, 0xf4, MAX_CODE + 16);
	for (n = 0; n < MAX_CODE && in->left; n++)
		code[n] = byte(in);
	return mode;
}

/* Running it */

static u64 reg(const struct uni_regs *r, unsigned int n)
{
	return r->gpr[n];
}

static void find_count(struct step *s)
{
	const struct emu_insn *i = &s->i;
	unsigned int k;

	s->count = 0;
	for (k = 1; k < 3; k++) {
		switch (OPERAND_METHOD(i->op->op[k])) {
		case M_CL:
			s->count = reg(&s->before, EMU_RCX);
			break;
		case M_ONE:
			s->count = 1;
			break;
		case M_I:
			s->count = i->imm;
			break;
		}
	}
	s->count &= i->osize == 8 && i->size == 8 ? 63 : 31;
}

/* The instruction that is to come; false: there is none that can be compared. */
static bool look(struct step *s)
{
	static const enum emu_decode_mode modes[] = { DECODE_16, DECODE_32, DECODE_64 };
	const struct emu *cpu = uni_emu_cpu();
	u64 at;
	int len;

	uni_emu_regs(&s->before);
	at = s->before.rip + (s->mode == UNI_16 ? s->before.sel[EMU_CS] * 16 : 0);
	if (s->before.rflags & EMU_FL_TF)
		return !skip(SKIP_TF);
	/* Unicorn does not begin at 0 where it has stopped before. */
	if (!at || at > UNI_MEM - 2 * EMU_INSN_MAX)
		return !skip(SKIP_EDGE);
	memcpy(s->bytes, uni_emu.mem + at, EMU_INSN_MAX);
	len = emu_decode(&s->i, s->bytes, EMU_INSN_MAX, modes[s->mode], s->mode == UNI_16);
	s->ea = 0;
	if (len < 0) {
		if (len != DECODE_UD)
			s->i.len = 0;
		/* An exception, which can be compared. */
		s->i.op = &emu_opcode_none[0];
		s->i.exec = em_ud;
		if (memchr(s->bytes, 0xf0, opcode_of(s) - s->bytes))
			return !skip(SKIP_LOCK);
		return !is_left_out(s);
	}
	if (s->i.mem)
		s->ea = (reg_get(cpu, s->i.base, 8) +
			 (reg_get(cpu, s->i.index, 8) << s->i.scale) + s->i.disp) &
			size_mask(s->i.asize);
	find_count(s);
	return !is_left_out(s);
}

/* After a fault in the middle of these, CPUs differ in what they have done by then. */
static bool is_half_done(const struct step *s)
{
	return s->emu_end.kind != UNI_DONE &&
	       (s->i.exec == em_pusha || s->i.exec == em_popa || s->i.exec == em_enter ||
		s->i.exec == em_call_far || s->i.exec == em_call_far_mem);
}

/* Between two iterations SCAS and CMPS leave flags as they were before the first. */
static bool is_amid(const struct step *s)
{
	return s->i.op->flags & F_REPCC && s->i.rep && s->emu.rip == s->before.rip;
}

/* The first thing that differs, or NULL. */
static const char *differs(const struct step *s)
{
	static char what[40];
	const u64 fl = (EMU_FL_ARITH | EMU_FL_DF | EMU_FL_IF | EMU_FL_TF | EMU_FL_IOPL |
			EMU_FL_NT | EMU_FL_AC | EMU_FL_ID) &
		       ~(is_amid(s) ? EMU_FL_ARITH :
			 s->emu_end.kind == UNI_DONE ?
			 undefined_of(s->i.op->name, s->count, s->i.size) : 0);
	const struct uni_write *w;
	unsigned int n;

	if (s->emu_end.kind != s->uc_end.kind ||
	    (s->emu_end.kind == UNI_VECTOR && s->emu_end.code != s->uc_end.code))
		return "how it ends";
	if (is_half_done(s))
		return NULL;
	for (n = 0; n < 16; n++)
		if (s->emu.gpr[n] != s->uc.gpr[n]) {
			sprintf(what, "register %u", n);
			return what;
		}
	if (s->emu.rip != s->uc.rip)
		return "rip";
	if ((s->emu.rflags ^ s->uc.rflags) & fl)
		return "rflags";
	if (memcmp(s->emu.sel, s->uc.sel, sizeof(s->emu.sel)))
		return "a selector";
	if (s->emu.fs_base != s->uc.fs_base || s->emu.gs_base != s->uc.gs_base)
		return "a segment's base";
	if (uni_emu.nr_ports != uni_uc.nr_ports ||
	    memcmp(uni_emu.port, uni_uc.port, uni_emu.nr_ports * sizeof(uni_emu.port[0])))
		return "port accesses";
	for (n = 0; n < uni_emu.nr_writes; n++) {
		w = &uni_emu.write[n];
		if (memcmp(uni_emu.mem + w->at, uni_uc.mem + w->at,
			   min(w->size, UNI_MEM - w->at)))
			return "memory";
	}
	return NULL;
}

static void show_regs(const char *name, const struct uni_regs *r, const struct uni_end *end)
{
	static const char *const kinds[] = { "done", "vector", "memory", "left", "other" };
	unsigned int n;

	printf("# %s: ", name);
	for (n = 0; n < 16; n++)
		printf("%llx ", (unsigned long long)r->gpr[n]);
	printf("rip %llx rflags %llx", (unsigned long long)r->rip,
	       (unsigned long long)r->rflags);
	for (n = 0; n < 6; n++)
		printf(" %x", r->sel[n]);
	printf(" fs %llx gs %llx", (unsigned long long)r->fs_base,
	       (unsigned long long)r->gs_base);
	if (end)
		printf(" %s %u", kinds[end->kind], end->code);
	printf("\n");
}

static void show_side(const char *name, const struct uni_side *s)
{
	unsigned int n, k;

	for (n = 0; n < s->nr_ports; n++)
		printf("# %s: port %x size %u %s %x\n", name, s->port[n].port,
		       s->port[n].size, s->port[n].dir == EMU_READ ? "in" : "out",
		       s->port[n].val);
	for (n = 0; n < s->nr_writes; n++) {
		const struct uni_write *w = &s->write[n];

		printf("# %s: write %llx:", name, (unsigned long long)w->at);
		for (k = 0; k < w->size && w->at + k < UNI_MEM; k++)
			printf(" %02x", s->mem[w->at + k]);
		printf("\n");
	}
}

static void die(const struct step *s, const char *what)
{
	static const char *const names[] = { "16", "32", "64" };
	unsigned int n;

	printf("# %s bits, %s:", names[s->mode], s->i.op->name ? s->i.op->name : "none");
	for (n = 0; n < (s->i.len ? s->i.len : EMU_INSN_MAX); n++)
		printf(" %02x", s->bytes[n]);
	printf(": %s\n", what);
	show_regs("before", &s->before, NULL);
	show_regs("here", &s->emu, &s->emu_end);
	show_regs("Unicorn", &s->uc, &s->uc_end);
	show_side("here", &uni_emu);
	show_side("Unicorn", &uni_uc);
	fflush(stdout);
	abort();
}

/* What is undefined counts as it is here, so that it makes no difference later. */
static void agree(struct step *s)
{
	const u64 fl = s->emu.rflags ^ s->uc.rflags;

	if (fl & EMU_FL_ARITH)
		uni_uc_set_flags(s->uc.rflags ^ (fl & EMU_FL_ARITH));
}

/* Where Unicorn is to stop: it translates all up to there, and may die of it. */
static u64 end_of(const struct step *s)
{
	u64 from = linear(s, &s->before), to = linear(s, &s->emu);

	if (s->emu_end.kind == UNI_DONE && from != to)
		return to;
	return from + (s->i.len ? s->i.len : 1);
}

/* After the last iteration of a REP, Unicorn begins once more, to find a count of 0. */
static bool has_to_leave(const struct step *s)
{
	return s->i.op->flags & F_STRING && s->i.rep && s->emu_end.kind == UNI_DONE &&
	       s->uc_end.kind == UNI_DONE && s->emu.rip != s->before.rip &&
	       s->uc.rip != s->emu.rip;
}

/* Once: false at the end of the program. */
static bool step_both(struct step *s)
{
	const char *what;
	int k;

	uni_emu.nr_ports = 0;
	uni_emu.nr_writes = 0;
	uni_uc.nr_ports = 0;
	s->emu_end = uni_emu_step();
	if (s->emu_end.kind == UNI_LEFT)
		return !skip(SKIP_OWNER);
	uni_emu_regs(&s->emu);
	for (k = 0; k < (int)uni_emu.nr_ports && nr_ports < UNI_LOG; k++)
		ports[nr_ports++] = uni_emu.port[k];
	s->uc_end = uni_uc_step(s->before.rip, end_of(s));
	uni_uc_regs(&s->uc, s->emu.rip);
	if (has_to_leave(s)) {
		s->uc_end = uni_uc_step(s->before.rip, end_of(s));
		uni_uc_regs(&s->uc, s->emu.rip);
	}
	what = differs(s);
	if (what) {
		k = find_known(s);
		if (k < 0)
			die(s, what);
		known[k].count++;
		is_known = true;
		return false;
	}
	compared++;
	faults += s->emu_end.kind != UNI_DONE;
	if (s->emu_end.kind != UNI_DONE)
		return false;
	agree(s);
	return true;
}

static void same_as_whole(struct step *s, const struct uni_regs *from, u64 steps)
{
	const char *what;
	unsigned int n;

	uni_emu_regs(&s->emu);
	uni_emu_whole(s->mode, from, steps, start, &s->uc);
	wholes++;
	if (memcmp(&s->emu, &s->uc, sizeof(s->emu)))
		die(s, "by blocks: registers");
	what = uni_emu_whole_ports(ports, nr_ports);
	if (what)
		die(s, what);
	for (n = 0; n < UNI_MEM / 4096; n++)
		if (memcmp(uni_emu.mem + 4096 * n, uni_emu_whole_page(n), 4096))
			die(s, "by blocks: memory");
}

/* What Unicorn has written besides is not known: all of it is looked at. */
static void clean_up(void)
{
	unsigned int n;

	for (n = 0; n < UNI_MEM / 4096; n++) {
		if (!uni_emu.dirty[n] &&
		    !memcmp(uni_uc.mem + 4096 * n, start + 4096 * n, 4096))
			continue;
		uni_emu.dirty[n] = 0;
		memcpy(uni_emu.mem + 4096 * n, start + 4096 * n, 4096);
		memcpy(uni_uc.mem + 4096 * n, start + 4096 * n, 4096);
		uni_uc_forget(4096 * n, 4096);
	}
	uni_emu.all_ports = 0;
	uni_uc.all_ports = 0;
	nr_ports = 0;
}

static void put_code(const u8 *code)
{
	memcpy(start + CODE, code, MAX_CODE + 16);
	memcpy(uni_emu.mem + CODE, code, MAX_CODE + 16);
	memcpy(uni_uc.mem + CODE, code, MAX_CODE + 16);
	uni_uc_forget(CODE, MAX_CODE + 16);
}

static void summary(void)
{
	unsigned int k;

	printf("# %llu executions, %llu instructions, %llu exceptions, %llu whole programs\n",
	       (unsigned long long)executions, (unsigned long long)compared,
	       (unsigned long long)faults, (unsigned long long)wholes);
	for (k = 0; k < ARRAY_SIZE(left_out); k++)
		printf("# not compared: %llu: %s: %s\n", (unsigned long long)left_out[k].count,
		       left_out[k].names, left_out[k].why);
	for (k = 0; k < NR_OTHER_REASONS; k++)
		printf("# not compared: %llu: %s\n", (unsigned long long)other_reasons[k].count,
		       other_reasons[k].why);
	for (k = 0; k < ARRAY_SIZE(known); k++)
		printf("# Unicorn is wrong: %llu: %s: %s\n",
		       (unsigned long long)known[k].count, known[k].name, known[k].why);
	fflush(stdout);
}

static void init(void)
{
	u64 v = 1;
	u32 n;

	uni_emu_init();
	uni_uc_init();
	start = malloc(UNI_MEM);
	if (!start)
		abort();
	for (n = 0; n < UNI_MEM; n++) {
		v = v * 6364136223846793005ULL + 1442695040888963407ULL;
		start[n] = v >> 56;
	}
	memcpy(uni_emu.mem, start, UNI_MEM);
	memcpy(uni_uc.mem, start, UNI_MEM);
	atexit(summary);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 code[MAX_CODE + 16];
	static struct step s;
	struct input in = { data, size };
	struct uni_regs from;
	u64 steps;
	bool ended = false;

	if (!start)
		init();
	/* It loses some memory each time. */
	if (++executions % 4096 == 0)
		uni_uc_renew();
	is_known = false;
	s.mode = choose(&in, &from, code);
	put_code(code);
	uni_emu_load(s.mode, &from);
	uni_uc_load(s.mode, &from);
	for (steps = 0; steps < MAX_STEPS; steps++) {
		if (!look(&s))
			break;
		ended = !step_both(&s);
		if (ended)
			break;
	}
	steps += ended;
	if (steps)
		same_as_whole(&s, &from, steps);
	if (!is_known && !(ended && is_half_done(&s)) &&
	    memcmp(uni_emu.mem, uni_uc.mem, UNI_MEM))
		die(&s, "memory elsewhere");
	clean_up();
	return 0;
}

#ifdef REPLAY
int main(int argc, char **argv)
{
	static u8 data[65536];
	unsigned int k, major, minor;
	size_t size;
	FILE *f;
	int n;

	printf("1..%d\n", argc - 1 + (int)ARRAY_SIZE(known));
	for (n = 1; n < argc; n++) {
		f = fopen(argv[n], "rb");
		if (!f) {
			printf("not ok %d %s: cannot be read\n", n, argv[n]);
			return 1;
		}
		size = fread(data, 1, sizeof(data), f);
		fclose(f);
		/* What it finds ends the program: the plan shows it. */
		LLVMFuzzerTestOneInput(data, size);
		printf("ok %d %s\n", n, argv[n]);
		fflush(stdout);
	}
	/* The list is about 2.0. */
	uni_uc_version(&major, &minor);
	for (k = 0; k < ARRAY_SIZE(known); k++)
		printf("%sok %d %s is still needed%s\n",
		       known[k].count || major != 2 || minor ? "" : "not ", n++,
		       known[k].name, major != 2 || minor ? " # SKIP another Unicorn" : "");
	return 0;
}
#endif
