// SPDX-License-Identifier: GPL-2.0
/*
 * Single bits, bit counts, byte order, CRC.
 */
#include "handlers.h"

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static u64 change(u64 v, u64 bit, enum bit_op op)
{
	switch (op) {
	case BIT_SET:
		return v | bit;
	case BIT_RESET:
		return v & ~bit;
	case BIT_COMPLEMENT:
		return v ^ bit;
	default:
		return v;
	}
}

/*
 * A register as bit number reaches beyond the memory operand: the element of the
 * operand's size that holds the bit is what is accessed (S160).
 */
static int bit_op(struct emu *cpu, const struct emu_insn *i, enum bit_op op)
{
	unsigned int bits = 8 * i->size;
	u64 val, bit, at = cpu->ea;
	int r;

	if (i->mem && OPERAND_METHOD(i->op->op[1]) == M_G) {
		s64 n = (s64)sign_extend(cpu->src, i->size);

		at += (u64)(n >> (i->size == 2 ? 4 : i->size == 4 ? 5 : 6)) *
		      i->size;
		at &= size_mask(i->asize);
	}
	bit = 1ULL << (cpu->src & (bits - 1));
	if (!i->mem) {
		val = reg_get(cpu, i->rm_at, i->size);
		if (op != BIT_TEST)
			reg_set(cpu, i->rm_at, i->size, change(val, bit, op));
	} else {
		r = op == BIT_TEST ?
			emu_read(cpu, i->seg, at, i->size, &val) :
			emu_read_for_write(cpu, i->seg, at, i->size, &val);
		if (!r && op != BIT_TEST)
			r = i->lock ? emu_write_locked(cpu, i->seg, at, i->size,
						       val,
						       change(val, bit, op)) :
				      emu_write(cpu, i->seg, at, i->size,
						change(val, bit, op));
		if (r)
			return r;
	}
	flags_set_cf(cpu, val & bit);
	return EMU_OK;
}

int em_bt(struct emu *cpu, const struct emu_insn *i)
{
	return bit_op(cpu, i, BIT_TEST);
}

int em_bts(struct emu *cpu, const struct emu_insn *i)
{
	return bit_op(cpu, i, BIT_SET);
}

int em_btr(struct emu *cpu, const struct emu_insn *i)
{
	return bit_op(cpu, i, BIT_RESET);
}

int em_btc(struct emu *cpu, const struct emu_insn *i)
{
	return bit_op(cpu, i, BIT_COMPLEMENT);
}

static unsigned int lowest(u64 v)
{
	return __builtin_ctzll(v);
}

static unsigned int highest(u64 v)
{
	return 63 - __builtin_clzll(v);
}

/* bsf, bsr: a zero source sets ZF and leaves the whole destination as it is */
static int scan(struct emu *cpu, const struct emu_insn *i,
		unsigned int (*find)(u64 v))
{
	flags_logic(cpu, i->size, cpu->src);
	if (cpu->src)
		reg_set(cpu, i->reg_at, i->size, find(cpu->src));
	return EMU_OK;
}

int em_bsf(struct emu *cpu, const struct emu_insn *i)
{
	return scan(cpu, i, lowest);
}

int em_bsr(struct emu *cpu, const struct emu_insn *i)
{
	return scan(cpu, i, highest);
}

int em_tzcnt(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src ? lowest(cpu->src) : 8 * i->size;
	flags_logic(cpu, i->size, cpu->dst);
	flags_set_cf(cpu, !cpu->src);
	return EMU_OK;
}

int em_lzcnt(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = cpu->src ? 8 * i->size - 1 - highest(cpu->src) : 8 * i->size;
	flags_logic(cpu, i->size, cpu->dst);
	flags_set_cf(cpu, !cpu->src);
	return EMU_OK;
}

int em_popcnt(struct emu *cpu, const struct emu_insn *i)
{
	u64 v = cpu->src;
	unsigned int n = 0;

	for (; v; v &= v - 1)
		n++;
	cpu->dst = n;
	flags_load(cpu, n ? 0 : EMU_FL_ZF);
	return EMU_OK;
}

static u64 byte_swap(u64 v, unsigned int size)
{
	return __builtin_bswap64(v) >> (64 - 8 * size);
}

/* bswap: of a 16-bit register it is undefined; current CPUs store zero */
int em_bswap(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = i->size == 2 ? 0 : byte_swap(cpu->dst, i->size);
	return EMU_OK;
}

int em_movbe(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = byte_swap(cpu->src, i->size);
	return EMU_OK;
}

/* crc32 r32, r/m: the Castagnoli polynomial, reflected */
int em_crc32(struct emu *cpu, const struct emu_insn *i)
{
	u32 crc = cpu->dst;
	unsigned int n;

	for (n = 0; n < 8U * i->ssize; n++) {
		crc ^= cpu->src >> n & 1;
		crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	cpu->dst = crc;
	return EMU_OK;
}
