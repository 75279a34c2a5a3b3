// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes to struct emu_insn. Nothing here touches the CPU's state.
 */
#include "internal.h"

struct decoder {
	struct emu_insn *i;
	const u8 *buf;
	unsigned int avail;
	unsigned int pos;
	enum emu_decode_mode mode;
	bool vm86_or_real;
	u8 rex;			/* also the bits of VEX that mean the same */
	bool opsize;		/* 66 */
	bool addrsize;		/* 67 */
	int seg;		/* override, or -1 */
	bool vex;		/* VEX, EVEX or XOP */
	bool vex_undefined;	/* after a prefix that cannot be there */
	bool vex_l;
	u8 vex_pp;		/* none, 66, F3, F2 */
	u8 vvvv;
};

/* What a byte beyond the ones at hand means. */
static int out_of_bytes(const struct decoder *d)
{
	return d->pos >= EMU_INSN_MAX ? DECODE_LONG : DECODE_MORE;
}

static int take(struct decoder *d, unsigned int n, u64 *val)
{
	u64 v = 0;
	unsigned int k;

	for (k = 0; k < n; k++) {
		if (d->pos >= d->avail)
			return out_of_bytes(d);
		v |= (u64)d->buf[d->pos++] << (8 * k);
	}
	*val = v;
	return 0;
}

static int take_signed(struct decoder *d, unsigned int n, u64 *val)
{
	int r = take(d, n, val);

	*val = sign_extend(*val, n);
	return r;
}

static int decode_prefixes(struct decoder *d, u64 *byte)
{
	int r;

	d->seg = -1;
	for (;;) {
		r = take(d, 1, byte);
		if (r)
			return r;
		switch (*byte) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			/* ES to DS have no base, and no effect, in 64-bit mode. */
			if (d->mode != DECODE_64)
				d->seg = *byte >> 3 & 3;
			break;
		case 0x64:
			d->seg = EMU_FS;
			break;
		case 0x65:
			d->seg = EMU_GS;
			break;
		case 0x66:
			d->opsize = true;
			break;
		case 0x67:
			d->addrsize = true;
			break;
		case 0xf0:
			d->i->lock = true;
			break;
		case 0xf2:
		case 0xf3:
			d->i->rep = *byte;
			break;
		default:
			if (d->mode == DECODE_64 && (*byte & 0xf0) == 0x40) {
				d->rex = *byte;
				continue;
			}
			return 0;
		}
		/* REX counts only right before the opcode. */
		d->rex = 0;
	}
}

/*
 * Is it VEX, EVEX or XOP, not LES, LDS, BOUND or POP? Outside 64-bit mode the first
 * three are what has no memory operand, and #UD anyway in real and V86 mode; in 64-bit
 * mode they are after REX.
 */
static int is_vex(const struct decoder *d, u8 byte, bool *vex)
{
	*vex = false;
	if (byte != 0xc4 && byte != 0xc5 && byte != 0x62 && byte != 0x8f)
		return 0;
	if (d->vm86_or_real || d->rex)
		return 0;
	if (byte != 0x8f && d->mode == DECODE_64) {
		*vex = true;
		return 0;
	}
	if (d->pos >= d->avail)
		return out_of_bytes(d);
	*vex = byte == 0x8f ? (d->buf[d->pos] & 0x1f) >= 8 :
			      d->buf[d->pos] >= 0xc0;
	return 0;
}

/* W, vvvv, L and pp; R, X and B are in @first. */
static void vex_fields(struct decoder *d, u8 first, u8 last)
{
	d->vex = true;
	d->vex_undefined = d->opsize || d->i->rep || d->i->lock;
	if (d->mode == DECODE_64)
		d->rex = 0x40 | last >> 7 << 3 | (~first >> 5 & 7);
	d->vvvv = ~last >> 3 & 15;
	d->vex_l = last & 4;
	d->vex_pp = last & 3;
}

static const struct emu_opcode *vex_opcode(unsigned int map, u8 opcode)
{
	static const struct emu_opcode *const maps[4] = {
		NULL, emu_opcodes_vex1, emu_opcodes_vex2, emu_opcodes_vex3,
	};

	if (map < 1 || map > 3)
		return &emu_opcode_none[0];
	return &maps[emu_index_nospec(map, 4)][emu_index_nospec(opcode, 256)];
}

static const struct emu_opcode *evex_opcode(unsigned int map, u8 p1, u8 opcode)
{
	bool imm = map == 3 || (map == 1 && opcode != 0x77 &&
				vex_opcode(1, opcode)->op[1]);

	if (!(p1 & 4) || !(0x6e >> map & 1))
		return &emu_opcode_none[0];
	return &emu_opcodes_evex[imm];
}

static const struct emu_opcode *xop_opcode(unsigned int map)
{
	switch (map) {
	case 8:
		return &emu_opcodes_xop[1];
	case 9:
		return &emu_opcodes_xop[0];
	case 10:
		return &emu_opcodes_xop[2];
	default:
		return &emu_opcode_none[0];
	}
}

/* The rest of the prefix, and the opcode. */
static int decode_vex(struct decoder *d, u8 kind)
{
	unsigned int n = kind == 0xc5 ? 2 : kind == 0x62 ? 4 : 3;
	u64 v;
	u8 b0, b1, opcode;
	int r = take(d, n, &v);

	if (r)
		return r;
	b0 = v;
	b1 = v >> 8;
	opcode = v >> (8 * (n - 1));
	d->i->opcode = opcode;
	switch (kind) {
	case 0xc5:
		/* R is where W is in the longer form; X, B and W are clear. */
		vex_fields(d, b0 | 0x60, b0 & 0x7f);
		d->i->op = vex_opcode(1, opcode);
		break;
	case 0xc4:
		vex_fields(d, b0, b1);
		d->i->op = vex_opcode(b0 & 31, opcode);
		break;
	case 0x62:
		vex_fields(d, b0, b1);
		d->i->op = b0 & 8 ? &emu_opcode_none[0] :
				    evex_opcode(b0 & 7, b1, opcode);
		break;
	default:
		vex_fields(d, b0, b1);
		d->i->op = xop_opcode(b0 & 31);
	}
	return 0;
}

static int decode_opcode(struct decoder *d, u64 byte)
{
	const struct emu_opcode *table = emu_opcodes;
	bool vex;
	int r;

	r = is_vex(d, byte, &vex);
	if (r)
		return r;
	if (vex)
		return decode_vex(d, byte);
	if (byte == 0x0f) {
		table = emu_opcodes_0f;
		r = take(d, 1, &byte);
		if (!r && (byte == 0x38 || byte == 0x3a)) {
			table = byte == 0x38 ? emu_opcodes_0f38 :
					       emu_opcodes_0f3a;
			r = take(d, 1, &byte);
		}
		if (r)
			return r;
	}
	d->i->opcode = byte;
	d->i->op = &table[emu_index_nospec((u8)byte, 256)];
	/* In these maps even what nobody has defined yet has operands. */
	if (!d->i->op->exec && table == emu_opcodes_0f38)
		d->i->op = &emu_opcode_none[0];
	if (!d->i->op->exec && table == emu_opcodes_0f3a)
		d->i->op = &emu_opcode_none[1];
	return 0;
}

static u16 place_of(unsigned int n, unsigned int size, bool rex)
{
	/* AH, CH, DH, BH */
	if (size == 1 && !rex && n >= 4 && n < 8)
		return gpr_at(n - 4) + 1;
	return gpr_at(n);
}

static const u16 no_reg = offsetof(struct emu, zero);

static int decode_disp(struct decoder *d, unsigned int n)
{
	u64 v = 0;
	int r = n ? take_signed(d, n, &v) : 0;

	d->i->disp = (s32)v;
	return r;
}

static int decode_address16(struct decoder *d, unsigned int mod)
{
	static const u8 base[8] = { EMU_RBX, EMU_RBX, EMU_RBP, EMU_RBP,
				    EMU_RSI, EMU_RDI, EMU_RBP, EMU_RBX };
	static const u8 index[4] = { EMU_RSI, EMU_RDI, EMU_RSI, EMU_RDI };
	struct emu_insn *i = d->i;
	unsigned int rm = i->modrm & 7;

	i->index = rm < 4 ? gpr_at(index[rm]) : no_reg;
	if (mod == 0 && rm == 6) {
		i->base = no_reg;
		return decode_disp(d, 2);
	}
	i->base = gpr_at(base[rm]);
	if (base[rm] == EMU_RBP)
		i->seg = EMU_SS;
	return decode_disp(d, mod);
}

static int decode_address(struct decoder *d, unsigned int mod)
{
	struct emu_insn *i = d->i;
	unsigned int base = i->modrm & 7;
	u64 sib = 0;
	int r;

	i->index = no_reg;
	if (base == 4) {
		unsigned int index;

		r = take(d, 1, &sib);
		if (r)
			return r;
		index = (sib >> 3 & 7) | (d->rex & 2) << 2;
		if (index != 4) {
			i->index = gpr_at(index);
			i->scale = sib >> 6;
		}
		base = sib & 7;
	}
	if (mod == 0 && base == 5) {
		i->base = no_reg;
		if (d->mode == DECODE_64 && (i->modrm & 7) == 5)
			i->base = offsetof(struct emu, next_rip);
		return decode_disp(d, 4);
	}
	if (base == EMU_RSP || base == EMU_RBP)
		i->seg = EMU_SS;
	base |= (d->rex & 1) << 3;
	if (base >= 8)
		i->seg = EMU_DS;
	i->base = gpr_at(base);
	return decode_disp(d, mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

static int decode_modrm(struct decoder *d)
{
	struct emu_insn *i = d->i;
	u64 v;
	int r = take(d, 1, &v);

	if (r)
		return r;
	i->modrm = v;
	i->reg = (v >> 3 & 7) | (d->rex & 4) << 1;
	i->rm = (v & 7) | (d->rex & 1) << 3;
	return 0;
}

/* Bytes that follow ModRM for its memory operand. */
static int decode_memory(struct decoder *d)
{
	struct emu_insn *i = d->i;
	unsigned int mod = i->modrm >> 6;
	int r;

	if (mod == 3)
		return 0;
	i->mem = true;
	i->seg = EMU_DS;
	r = i->asize == 2 ? decode_address16(d, mod) : decode_address(d, mod);
	if (d->seg >= 0)
		i->seg = d->seg;
	return r;
}

static unsigned int operand_bytes(const struct emu_insn *i, u8 operand)
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
		return i->osize == 2 ? 2 : 4;
	case SZ_Y:
		return i->osize == 8 ? 8 : 4;
	case SZ_DQ:
		return 16;
	default:
		return i->osize;
	}
}

#define MODRM_METHODS	(BIT(M_E) | BIT(M_G) | BIT(M_M) | BIT(M_S) | \
			 BIT(M_R) | BIT(M_C) | BIT(M_D))

static bool has_modrm(const struct emu_opcode *op)
{
	unsigned int k;

	if (op->flags & (F_MODRM | F_GROUP | F_MOD | F_RM))
		return true;
	for (k = 0; k < 3; k++)
		if (MODRM_METHODS >> OPERAND_METHOD(op->op[k]) & 1)
			return true;
	return false;
}

static void decode_sizes(struct decoder *d)
{
	struct emu_insn *i = d->i;

	if (d->mode == DECODE_64) {
		i->osize = d->rex & 8 ? 8 : d->opsize ? 2 : 4;
		i->asize = d->addrsize ? 4 : 8;
		i->mode64 = true;
	} else {
		bool wide = d->mode == DECODE_32;

		i->osize = wide != d->opsize ? 4 : 2;
		i->asize = wide != d->addrsize ? 4 : 2;
	}
}

static int decode_operand(struct decoder *d, u8 operand)
{
	struct emu_insn *i = d->i;
	unsigned int size = operand_bytes(i, operand);
	u64 sel = 0;
	int r;

	switch (OPERAND_METHOD(operand)) {
	case M_G:
		i->reg_at = place_of(i->reg, size, d->rex);
		return 0;
	case M_R:
		i->rm_at = place_of(i->rm, size, d->rex);
		return 0;
	case M_E:
		if (!i->mem)
			i->rm_at = place_of(i->rm, size, d->rex);
		return 0;
	case M_Z:
		i->reg_at = place_of((i->opcode & 7) | (d->rex & 1) << 3, size,
				     d->rex);
		return 0;
	case M_I:
		return size == 4 && i->osize == 8 ? take_signed(d, 4, &i->imm) :
						    take(d, size, &i->imm);
	case M_IS:
	case M_J:
		return take_signed(d, size, &i->imm);
	case M_A:
		r = take(d, size, &i->imm);
		if (r)
			return r;
		r = take(d, 2, &sel);
		i->imm2 = sel;
		return r;
	case M_O:
		i->mem = true;
		i->seg = d->seg >= 0 ? (u8)d->seg : EMU_DS;
		i->base = offsetof(struct emu, insn.imm);
		i->index = no_reg;
		return take(d, i->asize, &i->imm);
	case M_C:
		/* CR0, CR2, CR3, CR4, CR8; the others before privilege. */
		return 0x11d >> i->reg & 1 ? 0 : DECODE_UD;
	case M_D:
		return i->reg < 8 ? 0 : DECODE_UD;
	case M_B:
		i->v_at = gpr_at(d->vvvv & (i->mode64 ? 15 : 7));
		return 0;
	case M_S:
		/* REX does not count; CS cannot be a destination. */
		i->reg &= 7;
		return i->reg >= EMU_LDTR ||
		       (i->reg == EMU_CS && operand == i->op->op[0]) ?
			DECODE_UD : 0;
	default:
		return 0;
	}
}

static int decode_operands(struct decoder *d)
{
	struct emu_insn *i = d->i;
	const struct emu_opcode *op = i->op;
	unsigned int k;
	u64 byte;
	int r, ud = 0;

	for (k = 0; k < 3; k++) {
		r = decode_operand(d, op->op[k]);
		if (r == DECODE_UD)
			ud = r;
		else if (r)
			return r;
	}
	if (op->flags & F_BYTE2) {
		r = take(d, 1, &byte);
		if (r)
			return r;
		i->imm2 = byte;
	}
	i->size = operand_bytes(i, op->op[0]);
	i->ssize = operand_bytes(i, op->op[1]);
	return ud;
}

/* VEX that no integer instruction allows; what is not modelled is not judged. */
static bool vex_undefined(const struct decoder *d)
{
	const struct emu_opcode *op = d->i->op;
	unsigned int k;

	if (!d->vex || d->vex_undefined || op->flags & F_UNSUP)
		return d->vex_undefined;
	for (k = 0; k < 3; k++)
		if (OPERAND_METHOD(op->op[k]) == M_B)
			return d->vex_l;
	return d->vex_l || d->vvvv;
}

/* Prefixes and operands that an opcode does not allow. */
static bool combination_undefined(const struct decoder *d)
{
	const struct emu_insn *i = d->i;
	u32 flags = i->op->flags;

	if (i->lock && !((flags & F_LOCK) && i->mem))
		return true;
	if (d->mode == DECODE_64 ? flags & F_I64 : flags & F_O64)
		return true;
	if ((flags & F_PROT) && d->vm86_or_real)
		return true;
	return vex_undefined(d) || (!i->mem && flags & F_MEM);
}

static unsigned int prefix_index(const struct decoder *d)
{
	if (d->vex)
		return d->vex_pp;
	if (d->i->rep)
		return d->i->rep == REP_E ? 2 : 3;
	return d->opsize ? 1 : 0;
}

/* Down to the line that is no table of others. */
static int decode_line(struct decoder *d, bool *have_modrm)
{
	struct emu_insn *i = d->i;
	int r;

	for (;;) {
		if (!*have_modrm && has_modrm(i->op)) {
			r = decode_modrm(d);
			if (r)
				return r;
			*have_modrm = true;
		}
		if (i->op->flags & F_GROUP)
			i->op = &i->op->sub[i->modrm >> 3 & 7];
		else if (i->op->flags & F_MOD)
			i->op = &i->op->sub[i->modrm >= 0xc0];
		else if (i->op->flags & F_RM)
			i->op = &i->op->sub[i->modrm & 7];
		else if (i->op->flags & F_PREFIX)
			i->op = &i->op->sub[prefix_index(d)];
		else if (i->op->flags & F_WIDE)
			i->op = &i->op->sub[i->osize == 8];
		else if (i->op->flags & F_M64)
			i->op = &i->op->sub[i->mode64];
		else
			return 0;
	}
}

int emu_decode(struct emu_insn *i, const u8 *buf, unsigned int avail,
	       enum emu_decode_mode mode, bool vm86_or_real)
{
	struct decoder d = {
		.i = i,
		.buf = buf,
		.avail = min_t(unsigned int, avail, EMU_INSN_MAX),
		.mode = mode,
		.vm86_or_real = vm86_or_real,
	};
	bool have_modrm = false;
	u64 byte;
	int r;

	memset(i, 0, sizeof(*i));
	i->seg = EMU_DS;
	i->base = no_reg;
	i->index = no_reg;

	r = decode_prefixes(&d, &byte);
	if (!r)
		r = decode_opcode(&d, byte);
	if (r)
		return r;
	decode_sizes(&d);
	if (d.seg >= 0)
		i->seg = d.seg;

	r = decode_line(&d, &have_modrm);
	if (r)
		return r;
	if (have_modrm && OPERAND_METHOD(i->op->op[0]) != M_R &&
	    OPERAND_METHOD(i->op->op[1]) != M_R) {
		r = decode_memory(&d);
		if (r)
			return r;
	}
	if (i->osize == 4 && i->mode64 && (i->op->flags & (F_D64 | F_F64)))
		i->osize = 8;
	if (i->mode64 && (i->op->flags & F_F64))
		i->osize = 8;
	r = decode_operands(&d);
	if (r && r != DECODE_UD)
		return r;
	i->len = d.pos;
	i->exec = i->op->exec;
	if (r || !i->op->name || combination_undefined(&d))
		return DECODE_UD;
	return i->len;
}
