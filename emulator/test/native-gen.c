// SPDX-License-Identifier: GPL-2.0
/*
 * From a form and a seed to a case: bytes, registers, flags, memory.
 *
 * Only the operands are taken from the opcode table. Registers and memory are
 * first filled without regard to the instruction, then those that it takes as
 * addresses, counts and targets are made to lead somewhere, mostly.
 */
#include "native.h"

#define NONE	(-1)

/* A case on its way to bytes. */
struct draft {
	struct nat_case *c;
	const struct nat_form *f;
	const struct nat_env *e;
	const struct emu_opcode *op;
	bool has_rex;
	u8 rex;
	u8 modrm, sib;
	bool has_modrm, has_sib;
	unsigned int disp_size;
	u64 disp;
	bool rip_relative;
	int override;		/* segment, or NONE */
	u16 pinned;		/* registers that hold something already */
	unsigned int reg, rm;
	unsigned int vvvv;
	bool vex;
	u64 target;		/* of a branch: offset */
};

static u64 next(struct nat_case *c)
{
	u64 v = c->rng += 0x9e3779b97f4a7c15ULL;

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ULL;
	v = (v ^ v >> 27) * 0x94d049bb133111ebULL;
	return v ^ v >> 31;
}

static unsigned int below(struct nat_case *c, unsigned int n)
{
	return (u32)next(c) % n;
}

static bool chance(struct nat_case *c, unsigned int percent)
{
	return below(c, 100) < percent;
}

/* A number as likely at an edge as anywhere. */
static u64 value(struct nat_case *c)
{
	static const u64 edge[] = {
		0, 1, 2, 3, 7, 8, 9, 0xf, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x55, 0x7f, 0x80,
		0x81, 0x99, 0xaa, 0xfe, 0xff, 0x100, 0x7fff, 0x8000, 0x8001, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
	};
	u64 v;

	switch (below(c, 8)) {
	case 0:
	case 1:
		return edge[below(c, ARRAY_SIZE(edge))];
	case 2:
		return -edge[below(c, ARRAY_SIZE(edge))];
	case 3:
		return 1ULL << below(c, 64);
	case 4:
		return (1ULL << below(c, 64)) - 1;
	case 5:
		/* the same edge at every size */
		v = edge[below(c, 27)] & 0xff;
		return v * (chance(c, 50) ? 0x0101010101010101ULL : 1) ^
		       (u64)below(c, 2) << (8 << below(c, 3));
	default:
		return next(c);
	}
}

static u64 mask_of(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

/* Write to both copies of memory what is there of it. */
static void poke(u64 lin, const void *p, unsigned int n)
{
	const u8 *from = p;
	unsigned int k;

	for (k = 0; k < n; k++) {
		u8 *emu = nat_emu_mem(lin + k);

		if (!emu || lin + k - NAT_CODE < NAT_CODE_LEN)
			continue;
		*emu = from[k];
		*(u8 *)(unsigned long)(lin + k) = from[k];
	}
}

static void poke_value(u64 lin, u64 val, unsigned int n)
{
	poke(lin, &val, n);
}

static void set_low(struct nat_case *c, unsigned int reg, unsigned int size, u64 val)
{
	u64 m = mask_of(size);

	c->gpr[reg] = (c->gpr[reg] & ~m) | (val & m);
}

/* Opcode properties */

static bool uses(const struct emu_opcode *op, enum emu_method m)
{
	unsigned int k;

	for (k = 0; k < 3; k++)
		if (OPERAND_METHOD(op->op[k]) == m)
			return true;
	return false;
}

bool nat_has_modrm(const struct emu_opcode *op)
{
	static const u8 with[] = { M_E, M_G, M_M, M_S, M_R, M_C, M_D };
	unsigned int k;

	if (op->flags & (F_MODRM | F_GROUP | F_MOD | F_RM))
		return true;
	for (k = 0; k < ARRAY_SIZE(with); k++)
		if (uses(op, with[k]))
			return true;
	return false;
}

static unsigned int bytes_of(const struct nat_case *c, u8 operand)
{
	switch (OPERAND_SIZE(operand)) {
	case SZ_B:
		return 1;
	case SZ_W:
		return 2;
	case SZ_D:
		return 4;
	case SZ_Q:
		return 8;
	case SZ_Z:
		return c->osize == 2 ? 2 : 4;
	case SZ_Y:
		return c->osize == 8 ? 8 : 4;
	case SZ_DQ:
		return 16;
	default:
		return c->osize;
	}
}

static bool indirect_branch(const struct draft *d)
{
	return d->op->exec == em_jmp_mem || d->op->exec == em_call_mem;
}

static bool far_pointer(const struct draft *d)
{
	return d->op->exec == em_jmp_far_mem || d->op->exec == em_call_far_mem;
}

/* Places */

static u64 seg_base(const struct draft *d, unsigned int seg)
{
	if (d->e->mode != DECODE_64)
		return d->e->seg[seg].base;
	return seg == EMU_FS ? d->c->fsbase : seg == EMU_GS ? d->c->gsbase : 0;
}

/* The segment of an operand; in 64-bit mode only FS and GS override. */
static unsigned int segment(const struct draft *d, unsigned int deflt)
{
	if (d->override < 0 || (d->e->mode == DECODE_64 && d->override < EMU_FS))
		return deflt;
	return d->override;
}

/* A linear address that @seg reaches: within its area, at its edges, seldom wild. */
static u64 somewhere(struct draft *d, unsigned int seg)
{
	struct nat_case *c = d->c;
	const struct nat_seg *s = &d->e->seg[seg];
	u64 at = s->area, len = s->len;

	/* Flat: the stack is no more special than other data. */
	if (!s->base && seg == EMU_SS && chance(c, 80)) {
		at = NAT_DATA;
		len = NAT_DATA_LEN;
	}
	switch (below(c, 32)) {
	case 0:
		return at + len - below(c, 12);
	case 1:
		return at - below(c, 9);
	case 2:
		return at + below(c, 16);
	case 3:
	case 4:
	case 5:
		return at + (len > 4096 ? 4096 : len / 2) - below(c, 10);
	case 6:
		return d->e->mode == DECODE_64 && chance(c, 40) ? next(c) : at + 1024;
	default:
		return at + (below(c, len - 64) & (chance(c, 60) ? ~7U : ~0U));
	}
}

/* A selector, mostly of a descriptor that is there. */
static u16 selector(struct nat_case *c)
{
	switch (below(c, 8)) {
	case 0:
		return next(c);
	case 1:
		return below(c, 4);
	case 2:
	case 3:
		return below(c, NAT_GDT_LEN + 1) << 3 | (chance(c, 80) ? 3 : below(c, 4));
	case 4:
		return (nat_ldt_len + below(c, 2)) << 3 | 4 | below(c, 4);
	default:
		if (chance(c, 30))
			return (4 + below(c, 3)) << 3 | 3;
		return below(c, nat_ldt_len ? nat_ldt_len : 1) << 3 | 4 |
		       (chance(c, 80) ? 3 : below(c, 4));
	}
}

static bool loads_segment(const struct emu_opcode *op)
{
	return op->exec == em_les || op->exec == em_lds || op->exec == em_lss ||
	       op->exec == em_lfs || op->exec == em_lgs;
}

/*
 * The code segment of a far branch: mostly the one at hand. A call that enters 64-bit
 * mode is left out: CPUs push for one mode or for the other.
 */
static u16 code_selector(struct draft *d)
{
	bool call = d->op->exec == em_call_far || d->op->exec == em_call_far_mem;
	u16 sel = chance(d->c, 70) ? d->e->seg[EMU_CS].sel : selector(d->c);

	if (call && d->e->mode != DECODE_64 && !(sel & 4) && sel >> 3 < NAT_GDT_LEN &&
	    nat_gdt[sel >> 3].attr & EMU_SEG_L)
		return d->e->seg[EMU_CS].sel;
	return sel;
}

static u64 offset_to(const struct draft *d, unsigned int seg, u64 lin)
{
	return (lin - seg_base(d, seg)) & mask_of(d->c->asize);
}

/* Offset of a branch's target: INT3 somewhere in the code, seldom nothing at all. */
static u64 somewhere_in_code(struct draft *d)
{
	struct nat_case *c = d->c;
	u64 lin;

	if (chance(c, 4))
		return value(c);
	do
		lin = NAT_CODE + below(c, NAT_CODE_LEN);
	while (lin + 64 > c->code && lin < c->code + 64);
	return lin - d->e->seg[EMU_CS].base;
}

/* Registers in the parts of an address */

static unsigned int other_register(struct draft *d, bool wide)
{
	unsigned int r;

	do
		r = below(d->c, wide ? 16 : 8);
	while (d->pinned >> r & 1);
	return r;
}

/* Set a register used in an address; bits above the address size are garbage. */
static void set_address(struct draft *d, unsigned int reg, u64 val)
{
	set_low(d->c, reg, d->c->asize, val);
	d->pinned |= 1 << reg;
}

static u64 signed_disp(struct draft *d, unsigned int size)
{
	u64 v = value(d->c);

	if (size == 1)
		return (u64)(s8)v;
	return chance(d->c, 50) ? (u64)(s64)(s16)v : (u64)(s64)(s32)v;
}

/* [BX + SI] and the like */
static void address16(struct draft *d)
{
	static const s8 base[8] = { EMU_RBX, EMU_RBX, EMU_RBP, EMU_RBP, EMU_RSI, EMU_RDI,
				    EMU_RBP, EMU_RBX };
	static const s8 index[8] = { EMU_RSI, EMU_RDI, EMU_RSI, EMU_RDI, NONE, NONE, NONE,
				     NONE };
	struct nat_case *c = d->c;
	unsigned int mod = below(c, 3), rm = below(c, 8);
	u64 off;

	if (mod == 0 && rm == 6) {
		c->seg = segment(d, EMU_DS);
		off = offset_to(d, c->seg, somewhere(d, c->seg));
		d->disp = off;
		d->disp_size = 2;
	} else {
		c->seg = segment(d, base[rm] == EMU_RBP ? EMU_SS : EMU_DS);
		off = offset_to(d, c->seg, somewhere(d, c->seg));
		d->disp_size = mod;
		d->disp = mod ? signed_disp(d, mod) : 0;
		off -= d->disp;
		if (index[rm] >= 0)
			off -= c->gpr[(unsigned int)index[rm]];
		set_address(d, base[rm], off);
		if (index[rm] >= 0)
			d->pinned |= 1 << index[rm];
	}
	d->modrm |= mod << 6 | rm;
}

static bool fits32(u64 v, unsigned int asize)
{
	return asize == 4 || (u64)(s64)(s32)v == v;
}

/* [disp32], [RIP + disp32] */
static void address_disp(struct draft *d, u64 off, bool sib)
{
	d->disp_size = 4;
	d->disp = off;
	if (d->e->mode == DECODE_64 && !sib) {
		d->rip_relative = true;
		d->modrm |= 5;
		return;
	}
	if (sib) {
		d->modrm |= 4;
		d->has_sib = true;
		d->sib = below(d->c, 4) << 6 | 4 << 3 | 5;
		return;
	}
	d->modrm |= 5;
}

static void address_base(struct draft *d)
{
	struct nat_case *c = d->c;
	bool wide = d->e->mode == DECODE_64;
	unsigned int mod = below(c, 3), scale = below(c, 4), n;
	unsigned int base, index = 4;
	u64 off, sum;

	base = chance(c, 12) ? EMU_RSP : other_register(d, wide);
	if (mod == 0 && (base & 7) == 5)
		mod = 1;
	if ((base & 7) == 4 || chance(c, 40)) {
		d->has_sib = true;
		if (chance(c, 70))
			do
				index = chance(c, 10) && base != EMU_RSP ? base :
					other_register(d, wide);
			while (index == 4);
	}
	c->seg = segment(d, base == EMU_RSP || base == EMU_RBP ? EMU_SS : EMU_DS);
	d->disp_size = mod == 2 ? 4 : mod;
	d->disp = mod ? signed_disp(d, d->disp_size) : 0;
	off = offset_to(d, c->seg, somewhere(d, c->seg));

	if (base == EMU_RSP) {
		/* The stack pointer stays; index and displacement make little of it. */
		if (d->disp_size == 4)
			d->disp = (u64)(s8)d->disp;
		if (index != 4) {
			c->gpr[index] = below(c, 64);
			d->pinned |= 1 << index;
		}
	} else if (index == base) {
		/* base * (1 + 2^scale) + disp: odd factors have an inverse. */
		sum = off - d->disp;
		n = 1 + (1 << scale);
		if (scale) {
			u64 inv = n;

			for (n = 0; n < 6; n++)
				inv *= 2 - (1 + (1ULL << scale)) * inv;
			set_address(d, base, sum * inv);
		} else {
			set_address(d, base, sum / 2);
		}
	} else {
		if (index != 4) {
			if (chance(c, 50))
				c->gpr[index] = value(c);
			d->pinned |= 1 << index;
			off -= c->gpr[index] << scale;
		}
		set_address(d, base, off - d->disp);
	}
	if (d->has_sib) {
		d->modrm |= mod << 6 | 4;
		d->sib = scale << 6 | (index & 7) << 3 | (base & 7);
		d->rex |= (index >> 3) << 1;
	} else {
		d->modrm |= mod << 6 | (base & 7);
	}
	d->rex |= base >> 3;
}

static void address32(struct draft *d)
{
	struct nat_case *c = d->c;
	u64 off;

	if (!chance(c, 15)) {
		address_base(d);
		return;
	}
	c->seg = segment(d, EMU_DS);
	off = offset_to(d, c->seg, somewhere(d, c->seg));
	if (d->e->mode == DECODE_64 && !fits32(off, c->asize))
		off = NAT_DATA + below(c, 4096);
	address_disp(d, off, chance(c, 50));
}

static void memory_operand(struct draft *d)
{
	d->c->has_ea = true;
	if (d->c->asize == 2)
		address16(d);
	else
		address32(d);
}

/* What the registers really make of it; after everything is set. */
static u64 effective(const struct draft *d)
{
	const struct nat_case *c = d->c;
	unsigned int mod = d->modrm >> 6, base, index;
	u64 off = d->disp;

	if (c->asize == 2) {
		static const u8 b[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };
		static const u8 x[4] = { 6, 7, 6, 7 };
		unsigned int rm = d->modrm & 7;

		if (mod || rm != 6)
			off += c->gpr[b[rm]];
		if (rm < 4)
			off += c->gpr[x[rm]];
		return off & 0xffff;
	}
	if (d->rip_relative)
		return off & mask_of(c->asize);
	base = d->has_sib ? d->sib & 7 : d->modrm & 7;
	if (mod || base != 5)
		off += c->gpr[base | (d->rex & 1) << 3];
	if (d->has_sib) {
		index = (d->sib >> 3 & 7) | (d->rex & 2) << 2;
		if (index != 4)
			off += c->gpr[index] << (d->sib >> 6);
	}
	return off & mask_of(c->asize);
}

/* Registers and flags before the instruction is looked at. */
static void background(struct draft *d)
{
	struct nat_case *c = d->c;
	const struct nat_seg *ss = &d->e->seg[EMU_SS];
	u64 sp;
	unsigned int n;

	for (n = 0; n < 16; n++)
		c->gpr[n] = value(c);
	if (d->e->mode != DECODE_64)
		for (n = 0; n < 16; n++)
			c->gpr[n] = n < 8 ? (u32)c->gpr[n] : 0;
	c->rflags = EMU_FL_FIXED | EMU_FL_IF |
		    (next(c) & (EMU_FL_ARITH | EMU_FL_DF | EMU_FL_ID));
	if (chance(c, 5))
		c->rflags |= EMU_FL_NT;

	sp = NAT_STACK + 0x400 + 8 * below(c, 0x100);
	if (chance(c, 15))
		sp += below(c, 8);
	if (chance(c, 4))
		sp = NAT_STACK + below(c, 24);
	if (chance(c, 4))
		sp = NAT_STACK + NAT_STACK_LEN - below(c, 24);
	if (d->e->mode == DECODE_64 && chance(c, 1))
		sp = next(c);
	sp -= ss->base;
	set_low(c, EMU_RSP, d->e->stack, sp);
	d->pinned = 1 << EMU_RSP;

	c->fsbase = 0;
	c->gsbase = 0;
	if (d->e->mode == DECODE_64 && nat_host.bases) {
		c->fsbase = chance(c, 70) ? NAT_DATA + below(c, 0x2000) - 0x1000 :
			    sign_extend(next(c), 6);
		c->gsbase = chance(c, 70) ? below(c, NAT_DATA) : sign_extend(next(c), 6);
	}
}

/* Prefixes but for REX; the mandatory one of a form is among them. */
static void choose_sizes(struct draft *d)
{
	struct nat_case *c = d->c;
	const struct nat_env *e = d->e;

	c->osize = d->f->osize;
	c->asize = e->asize;
	if (chance(c, 20))
		c->asize = e->mode == DECODE_64 ? 4 : e->asize ^ 6;
	d->override = NONE;
	if (chance(c, 15)) {
		d->override = below(c, 6);
		if (d->override >= EMU_FS && !nat_host.bases)
			d->override = NONE;
	}
	/* Before VEX it is not allowed. */
	if (e->mode == DECODE_64 && chance(c, d->vex ? 1 : 30))
		d->has_rex = true;
}

/* Values that make sense as operands, wherever they are. */
static void operand_value(struct draft *d, u64 val, unsigned int size)
{
	struct nat_case *c = d->c;

	if (c->has_ea)
		poke_value(seg_base(d, c->seg) + c->ea, val, size);
	else if (size == 1 && !d->has_rex && d->rm >= 4 && d->rm < 8)
		c->gpr[d->rm - 4] = (c->gpr[d->rm - 4] & ~0xff00ULL) | (val & 0xff) << 8;
	else if (d->rm != EMU_RSP)
		set_low(c, d->rm, size, val);
}

/* A dividend that gives a chosen quotient, often one that just fits or does not. */
static void dividend(struct draft *d)
{
	struct nat_case *c = d->c;
	unsigned int size = bytes_of(c, d->op->op[0]);
	bool is_signed = d->op->exec == em_idiv;
	u64 by = value(c) & mask_of(size), q = value(c) & mask_of(size), rest;
	__int128 n;

	if (chance(c, 20) || (size != 1 && d->pinned >> EMU_RDX & 1))
		return;
	if (chance(c, 50))
		by = below(c, 20);
	rest = by ? next(c) % by : 0;
	if (is_signed) {
		if (chance(c, 50))
			q = sign_bit(size) - below(c, 2);
		by = sign_extend(by, size);
		if (chance(c, 40))
			by = -by;
		n = (__int128)(s64)by * (s64)sign_extend(q, size);
		if (chance(c, 30))
			n = -n;
		rest %= by ? (s64)by < 0 ? -by : by : 1;
		n += n < 0 ? -(__int128)rest : (__int128)rest;
	} else {
		if (chance(c, 30))
			q = mask_of(size);
		n = (__int128)((__uint128_t)by * q + rest + (chance(c, 10) ? by : 0));
	}
	operand_value(d, by, size);
	if (size == 1) {
		set_low(c, EMU_RAX, 2, (u64)n);
	} else {
		set_low(c, EMU_RAX, size, (u64)n);
		set_low(c, EMU_RDX, size, (u64)(n >> (8 * size)));
	}
}

/* A string operand: an index register, and bytes that are often alike. */
static void string_at(struct draft *d, unsigned int reg, unsigned int seg)
{
	struct nat_case *c = d->c;
	u64 lin = somewhere(d, seg);
	u8 fill[128];
	unsigned int n;
	bool alike = chance(c, 70);

	set_address(d, reg, offset_to(d, seg, lin));
	if (!alike)
		return;
	memset(fill, c->gpr[EMU_RAX], sizeof(fill));
	for (n = below(c, 40); n < sizeof(fill); n += 1 + below(c, 60))
		fill[n] = next(c);
	poke(lin - 64, fill, sizeof(fill));
}

static void string_operands(struct draft *d)
{
	struct nat_case *c = d->c;

	c->seg = segment(d, EMU_DS);
	if (chance(c, 50))
		c->gpr[EMU_RAX] = (c->gpr[EMU_RAX] & 0xff) * 0x0101010101010101ULL;
	if (d->e->mode != DECODE_64)
		c->gpr[EMU_RAX] = (u32)c->gpr[EMU_RAX];
	string_at(d, EMU_RSI, c->seg);
	string_at(d, EMU_RDI, EMU_ES);
	if (d->f->rep)
		set_address(d, EMU_RCX, below(c, 14));
}

/* Stack contents for what pops. */
static void stack_operands(struct draft *d)
{
	struct nat_case *c = d->c;
	u64 lin = d->e->seg[EMU_SS].base + (c->gpr[EMU_RSP] & mask_of(d->e->stack));
	u64 fl;

	if (d->op->exec == em_ret || d->op->exec == em_ret_far || d->op->exec == em_iret) {
		poke_value(lin, somewhere_in_code(d), c->osize);
		if (d->op->exec != em_ret)
			poke_value(lin + c->osize, code_selector(d), 2);
		if (d->op->exec == em_iret) {
			fl = next(c) & ~(EMU_FL_TF | EMU_FL_AC);
			poke_value(lin + 2 * c->osize, fl, c->osize);
			poke_value(lin + 3 * c->osize, c->gpr[EMU_RSP] - below(c, 64), c->osize);
			poke_value(lin + 4 * c->osize,
				   chance(c, 70) ? d->e->seg[EMU_SS].sel : selector(c), 2);
		}
	} else if (d->op->exec == em_pop_sreg) {
		poke_value(lin, selector(c), 2);
	} else if (d->op->exec == em_popf) {
		fl = next(c) & ~EMU_FL_TF;
		if (chance(c, 90))
			fl &= ~EMU_FL_AC;
		poke_value(lin, fl, 8);
	} else if (d->op->exec == em_leave || d->op->exec == em_enter) {
		if (chance(c, 90))
			set_low(c, EMU_RBP, d->e->stack,
				NAT_STACK + 0x300 + below(c, 0xa00) - d->e->seg[EMU_SS].base);
	}
}

/* Once bytes and address are known: what lies there, and in other registers. */
static void sensible_operands(struct draft *d)
{
	struct nat_case *c = d->c;
	unsigned int size = c->size;
	u64 v = value(c), lo;

	if (d->has_modrm && chance(c, 75)) {
		u64 pair[2] = { v, value(c) };

		if (c->has_ea)
			poke(seg_base(d, c->seg) + c->ea, pair, sizeof(pair));
	}
	if (indirect_branch(d)) {
		operand_value(d, somewhere_in_code(d), c->osize);
	} else if (far_pointer(d) && c->has_ea) {
		lo = seg_base(d, c->seg) + c->ea;
		poke_value(lo, somewhere_in_code(d), c->osize);
		poke_value(lo + c->osize, code_selector(d), 2);
	} else if (loads_segment(d->op) && c->has_ea) {
		lo = seg_base(d, c->seg) + c->ea;
		poke_value(lo, v, c->osize);
		poke_value(lo + c->osize, selector(c), 2);
	} else if (d->op->exec == em_mov_to_sreg || d->op->exec == em_lar ||
		   d->op->exec == em_lsl || d->op->exec == em_verr || d->op->exec == em_verw) {
		operand_value(d, selector(c), 2);
	} else if (d->op->exec == em_div || d->op->exec == em_idiv) {
		dividend(d);
	} else if (d->op->exec == em_cmpxchg && chance(c, 50)) {
		operand_value(d, c->gpr[EMU_RAX], size);
	} else if (d->op->exec == em_cmpxchg8b && chance(c, 50)) {
		operand_value(d, c->gpr[EMU_RDX] << 32 | (u32)c->gpr[EMU_RAX], 8);
	} else if (d->op->exec == em_cmpxchg16b && c->has_ea && chance(c, 50)) {
		lo = seg_base(d, c->seg) + c->ea;
		poke_value(lo, c->gpr[EMU_RAX], 8);
		poke_value(lo + 8, c->gpr[EMU_RDX], 8);
	} else if (d->op->exec == em_bound && c->has_ea && chance(c, 70)) {
		lo = seg_base(d, c->seg) + c->ea;
		v = c->gpr[d->reg];
		poke_value(lo, v - below(c, 3), c->osize);
		poke_value(lo + c->osize, v + below(c, 3) - (chance(c, 20) ? 1 : 0), c->osize);
	}
}

/* Before the address is chosen: registers that have a meaning of their own. */
static void pin_registers(struct draft *d)
{
	struct nat_case *c = d->c;

	if (uses(d->op, M_CL)) {
		/* Over 16 bits SHLD and SHRD are undefined. */
		if ((d->op->exec == em_shld || d->op->exec == em_shrd) && c->osize == 2)
			set_low(c, EMU_RCX, 1, below(c, 17) | (next(c) & 0xe0));
		d->pinned |= 1 << EMU_RCX;
	}
	/* A bit number reaches far beyond the operand. */
	if ((d->op->exec == em_bt || d->op->exec == em_bts || d->op->exec == em_btr ||
	     d->op->exec == em_btc) && uses(d->op, M_G)) {
		/* With a base some CPUs check the sum without it, too. */
		if (chance(c, 85) || d->override >= EMU_FS)
			set_low(c, d->reg, c->osize, (u64)((s64)(s16)next(c) >> 1));
		d->pinned |= 1 << d->reg;
	}
	if (d->op->exec == em_cpuid) {
		static const u32 leaf[] = { 0, 1, 7, 0x80000000, 0x80000001, 0x80000002,
					    0x80000008, 0x40000000 };

		set_low(c, EMU_RAX, 4, leaf[below(c, ARRAY_SIZE(leaf))]);
		set_low(c, EMU_RCX, 4, below(c, 2));
	}
	/* ECX 1 gives what is in use, which the kernel changes. */
	if (d->op->exec == em_xgetbv)
		set_low(c, EMU_RCX, 4, chance(c, 70) ? 0 : 2 + below(c, 100));
	if (d->op->exec == em_wrfsbase || d->op->exec == em_wrgsbase)
		c->gpr[d->rm] = chance(c, 80) ? sign_extend(value(c), 6) : value(c);
	if (uses(d->op, M_B)) {
		/* first bit and count of BEXTR; of others the former counts */
		if (chance(c, 60))
			c->gpr[d->vvvv] = below(c, 70) | below(c, 70) << 8;
		d->pinned |= 1 << d->vvvv;
	}
	if (d->op->exec == em_xlat) {
		c->seg = segment(d, EMU_DS);
		set_low(c, EMU_RBX, c->asize,
			offset_to(d, c->seg, somewhere(d, c->seg)) - (u8)c->gpr[EMU_RAX]);
	}
	if (d->op->exec == em_loop || d->op->exec == em_loope || d->op->exec == em_loopne ||
	    d->op->exec == em_jcxz)
		if (chance(c, 50))
			set_low(c, EMU_RCX, c->asize, below(c, 3));
	if (d->op->flags & F_STRING)
		string_operands(d);
}

/* A register that can be given a value; RSP is taken. */
static unsigned int any_register(struct draft *d)
{
	unsigned int n;

	do
		n = below(d->c, d->e->mode == DECODE_64 ? 16 : 8);
	while (n == EMU_RSP);
	return n;
}

static void choose_modrm(struct draft *d)
{
	struct nat_case *c = d->c;
	const struct nat_line *l = d->f->line;
	bool wide = d->e->mode == DECODE_64;

	if (!d->has_modrm)
		return;
	if (uses(d->op, M_B))
		d->vvvv = any_register(d);
	d->reg = l->reg >= 0 ? (unsigned int)l->reg : below(c, 8);
	if (uses(d->op, M_S))
		d->reg = below(c, chance(c, 90) ? 6 : 8);
	d->modrm = d->reg << 3;
	if (wide && l->reg < 0 && chance(c, 50)) {
		d->rex |= 4;
		if (!uses(d->op, M_S))
			d->reg |= 8;
	}
	if (d->f->kind == K_MEM)
		return;
	d->rm = l->rm >= 0 ? (unsigned int)l->rm : wide ? below(c, 16) : below(c, 8);
	d->modrm |= 0xc0 | (d->rm & 7);
	d->rex |= d->rm >> 3;
}

static void choose_rm(struct draft *d)
{
	if (d->has_modrm && d->f->kind == K_MEM)
		memory_operand(d);
}

/* Emission */

static void emit(struct nat_case *c, u64 v, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < n; k++)
		c->bytes[c->len++] = v >> (8 * k);
}

static const u8 override_byte[6] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

/* What no instruction minds, in places where it must not matter. */
static void junk_prefix(struct draft *d, u8 *list, unsigned int *n, unsigned int most)
{
	struct nat_case *c = d->c;
	/* On some CPUs F2 and F3 reverse LOOPE and LOOPNE. */
	bool plain = d->f->line->map == 0 && !(d->op->flags & (F_STRING | F_UNSUP)) &&
		     d->f->line->pfx < 0 && d->op->exec != em_loope &&
		     d->op->exec != em_loopne;
	u8 byte = 0;

	switch (below(c, 5)) {
	case 0:
		/* In 64-bit mode these four name no segment, also after FS or GS. */
		if (d->e->mode == DECODE_64)
			byte = override_byte[below(c, 4)];
		break;
	case 1:
		if (plain)
			byte = 0xf2 + below(c, 2);
		break;
	case 2:
		/* REX before another prefix is none. */
		if (d->e->mode == DECODE_64 && *n)
			byte = 0x40 | below(c, 16);
		break;
	case 3:
		/* the same again */
		if (*n)
			byte = list[below(c, *n)];
		break;
	default:
		break;
	}
	if (!byte || *n >= most)
		return;
	memmove(list + 1, list, *n);
	list[0] = byte;
	(*n)++;
}

static void emit_prefixes(struct draft *d)
{
	struct nat_case *c = d->c;
	const struct nat_env *e = d->e;
	const struct nat_line *l = d->f->line;
	u8 list[16];
	unsigned int n = 0, k;
	bool opsize;

	if (d->vex) {
		/* Not allowed there, but now and then. */
		opsize = chance(c, 1);
		if (chance(c, 1))
			list[n++] = 0xf2 + below(c, 2);
	} else if (e->mode == DECODE_64) {
		opsize = c->osize == 2;
		/* 66 and REX.W: the latter wins. */
		if (c->osize == 8) {
			if (!(d->op->flags & (F_D64 | F_F64)) || chance(c, 30))
				d->rex |= 8;
			if (d->rex & 8 && l->pfx < 0 && l->map == 0 && !(d->op->flags & F_F64))
				opsize = chance(c, 5);
		}
	} else {
		opsize = c->osize != e->osize;
	}
	if (!d->vex && l->pfx == 1)
		opsize = true;
	if (opsize)
		list[n++] = 0x66;
	if (c->asize != e->asize)
		list[n++] = 0x67;
	if (d->override >= 0)
		list[n++] = override_byte[d->override];
	if (d->f->lock)
		list[n++] = 0xf0;
	if (!d->vex && l->pfx >= 2)
		list[n++] = l->pfx == 2 ? 0xf3 : 0xf2;
	if (d->f->rep)
		list[n++] = d->f->rep;
	for (k = n; k > 1; k--) {
		unsigned int with = below(c, k);
		u8 t = list[k - 1];

		list[k - 1] = list[with];
		list[with] = t;
	}
	if (chance(c, 6) && d->op->exec != em_ud)
		for (k = below(c, 3) + 1; k; k--)
			junk_prefix(d, list, &n, 6);
	/* Over 15 bytes; where operands are not known (some see XOP in 8F), nor is the length. */
	if (chance(c, 1) && n &&
	    (d->op->exec != em_ud || (!d->op->name && l->modrm && l->opcode != 0x8f))) {
		k = 9 + below(c, 4);
		while (n < k && !(list[0] >= 0x40 && list[0] < 0x50))
			list[n++] = list[0];
	}
	for (k = 0; k < n; k++)
		emit(c, list[k], 1);
	if (d->vex ? d->has_rex : d->rex || d->has_rex)
		emit(c, 0x40 | (d->vex ? 0 : d->rex), 1);
}

/* VEX: in the short form where it can be. */
static void emit_vex(struct draft *d)
{
	struct nat_case *c = d->c;
	const struct nat_line *l = d->f->line;
	bool wide = d->e->mode == DECODE_64, avx = d->op->flags & F_UNSUP;
	unsigned int map = l->map - MAP_VEX1 + 1, pp, w = c->osize == 8, vvvv = d->vvvv, last;
	unsigned int rxb = d->rex & 7;

	pp = l->pfx >= 0 ? (unsigned int)l->pfx : below(c, 4);
	if (avx && wide)
		w = below(c, 2);
	/* What has no meaning outside 64-bit mode. */
	if (!wide) {
		w = chance(c, 20);
		if (chance(c, 20))
			rxb |= 1;
	}
	if (avx)
		vvvv = below(c, wide ? 16 : 8);
	else if (!uses(d->op, M_B) && chance(c, 3))
		vvvv = below(c, 8);
	if (!wide && chance(c, 20) && !(map == 1))
		vvvv |= 8;
	last = (~vvvv & 15) << 3 | pp;
	if (avx ? chance(c, 50) : chance(c, 2))
		last |= 4;
	if (map == 1 && !w && !(rxb & 3) && chance(c, 60)) {
		emit(c, 0xc5, 1);
		emit(c, (~rxb & 4) << 5 | last, 1);
		return;
	}
	emit(c, 0xc4, 1);
	emit(c, (~rxb & 7) << 5 | map, 1);
	emit(c, w << 7 | last, 1);
}

static void emit_opcode(struct draft *d)
{
	const struct nat_line *l = d->f->line;

	d->c->opcode_at = d->c->len;
	if (d->vex)
		emit_vex(d);
	else if (l->map != MAP_1)
		emit(d->c, 0x0f, 1);
	if (l->map == MAP_0F38 || l->map == MAP_0F3A)
		emit(d->c, l->map == MAP_0F38 ? 0x38 : 0x3a, 1);
	emit(d->c, l->opcode + below(d->c, l->last - l->opcode + 1), 1);
}

static u64 branch_displacement(struct draft *d, unsigned int size)
{
	struct nat_case *c = d->c;
	u64 end = c->rip + c->len + size, disp;

	if (size == 1) {
		/* Not into the instruction, nor into what follows it. */
		do
			disp = (u64)(s8)next(c);
		while (disp + 40 < 64 + 16);
		return disp;
	}
	disp = somewhere_in_code(d) - end;
	/* The bytes here and behind again, whatever the wrap makes of it. */
	if (((end + disp - c->rip + 16) & 0xffff) < 64)
		disp += 128;
	return disp;
}

static void emit_operands(struct draft *d)
{
	struct nat_case *c = d->c;
	unsigned int k, size;
	u64 v;

	for (k = 0; k < 3; k++) {
		size = bytes_of(c, d->op->op[k]);
		switch (OPERAND_METHOD(d->op->op[k])) {
		case M_I:
			v = value(c);
			if (d->op->exec == em_int)
				v = chance(c, 50) ? 3 + below(c, 2) : below(c, 0x80);
			if (d->op->exec == em_enter)
				v = chance(c, 90) ? below(c, 0x100) : v;
			if ((d->op->exec == em_shld || d->op->exec == em_shrd) &&
			    c->osize == 2)
				v = below(c, 17) | (v & 0xe0);
			if (d->op->exec == em_ret && chance(c, 80))
				v &= 0xff;
			if (size == 8 && OPERAND_SIZE(d->op->op[k]) == SZ_Z)
				size = 4;
			emit(c, v, size);
			if (!k || size != 1)
				break;
			c->count = v;
			break;
		case M_IS:
			emit(c, value(c), 1);
			break;
		case M_J:
			emit(c, branch_displacement(d, size), size);
			break;
		case M_A:
			emit(c, somewhere_in_code(d), size);
			emit(c, code_selector(d), 2);
			break;
		case M_O:
			c->has_ea = true;
			c->seg = segment(d, EMU_DS);
			c->ea = offset_to(d, c->seg, somewhere(d, c->seg));
			emit(c, c->ea, c->asize);
			break;
		default:
			break;
		}
	}
	if (d->op->flags & F_BYTE2)
		emit(c, chance(c, 60) ? below(c, 5) : next(c), 1);
}

static void set_count(struct draft *d)
{
	struct nat_case *c = d->c;

	if (uses(d->op, M_CL))
		c->count = c->gpr[EMU_RCX];
	else if (uses(d->op, M_ONE))
		c->count = 1;
	c->count &= c->osize == 8 && c->size == 8 ? 63 : 31;
}

static void place(struct draft *d)
{
	struct nat_case *c = d->c;

	c->code = NAT_CODE + 0x8000 + (next(c) & 0x1fff);
	if (chance(c, 3))
		c->code = NAT_CODE + 0x9000 - below(c, 10);
	c->rip = c->code - d->e->seg[EMU_CS].base;
}

static void encode(struct draft *d)
{
	struct nat_case *c = d->c;
	unsigned int disp_at = 0;

	emit_prefixes(d);
	emit_opcode(d);
	if (d->has_modrm) {
		emit(c, d->modrm, 1);
		if (d->has_sib)
			emit(c, d->sib, 1);
		disp_at = c->len;
		emit(c, d->disp, d->disp_size);
	}
	emit_operands(d);
	if (d->rip_relative) {
		u32 disp = d->disp - (c->rip + c->len);

		memcpy(c->bytes + disp_at, &disp, 4);
	}
}

void nat_generate(struct nat_case *c, const struct nat_form *f, u64 seed, u32 number)
{
	struct draft draft = {
		.c = c, .f = f, .e = &nat_env[f->env], .op = f->line->op,
	}, *d = &draft;

	memset(c, 0, sizeof(*c));
	c->form = f;
	c->env = d->e;
	c->seed = seed;
	c->number = number;
	c->rng = seed * 0xd1342543de82ef95ULL ^ (u64)f->code << 32 ^ number;
	next(c);

	d->has_modrm = f->line->modrm;
	d->vex = nat_is_vex(f->line);
	place(d);
	choose_sizes(d);
	background(d);
	choose_modrm(d);
	pin_registers(d);
	choose_rm(d);
	c->size = bytes_of(c, d->op->op[0]);
	encode(d);
	if (c->has_ea && d->has_modrm)
		c->ea = effective(d);
	sensible_operands(d);
	stack_operands(d);
	set_count(d);
	if (c->has_ea && d->has_modrm)
		c->ea = effective(d);
	c->stream = chance(c, f->rep ? 50 : 10) && c->len <= EMU_INSN_MAX;
	c->hooks = number % 8 == 7;
}

/* Behind the instruction: the way out, in the mode at hand. */
void nat_put_code(const struct nat_case *c, bool on)
{
	u8 bytes[NAT_INSN_MAX + 16];
	unsigned int n = c->len;
	const u32 stub = NAT_STUB;
	const u64 stub64 = NAT_STUB;

	memcpy(bytes, c->bytes, n);
	if (c->env->mode == DECODE_64) {
		memcpy(bytes + n, "\xff\x25\0\0\0\0", 6);
		memcpy(bytes + n + 6, &stub64, 8);
		n += 14;
	} else {
		if (c->env->mode == DECODE_16)
			bytes[n++] = 0x66;
		bytes[n++] = 0xea;
		memcpy(bytes + n, &stub, 4);
		memcpy(bytes + n + 4, "\x33", 2);
		n += 6;
	}
	if (!on)
		memset(bytes, NAT_CCH, n);
	memcpy((void *)(unsigned long)c->code, bytes, n);
	memcpy(nat_emu_mem(c->code), bytes, n);
}
