// SPDX-License-Identifier: GPL-2.0
/*
 * Shifts and rotates. The destination is written even when the count is zero
 * (S157), the flags are not.
 */
#include "handlers.h"

static unsigned int count_of(const struct emu *cpu, const struct emu_insn *i)
{
	return cpu->src & (i->size == 8 ? 63 : 31);
}

static bool top(u64 v, unsigned int size)
{
	return v >> (8 * size - 1) & 1;
}

/* Rotates change CF and OF only; OF is that of a rotate by one. */
int em_rol(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int bits = 8 * i->size, n = count_of(cpu, i);
	u64 v = cpu->dst;

	if (!n)
		return EMU_OK;
	n %= bits;
	if (n)
		v = (v << n | v >> (bits - n)) & size_mask(i->size);
	cpu->dst = v;
	flags_set_cf_of(cpu, v & 1, (v & 1) ^ top(v, i->size));
	return EMU_OK;
}

int em_ror(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int bits = 8 * i->size, n = count_of(cpu, i);
	u64 v = cpu->dst;
	bool cf;

	if (!n)
		return EMU_OK;
	n %= bits;
	if (n)
		v = (v >> n | v << (bits - n)) & size_mask(i->size);
	cpu->dst = v;
	cf = top(v, i->size);
	flags_set_cf_of(cpu, cf, cf ^ (v >> (bits - 2) & 1));
	return EMU_OK;
}

int em_rcl(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int n = count_of(cpu, i) % (8 * i->size + 1);
	bool cf = flag_cf(cpu), out;
	u64 v = cpu->dst;

	if (!count_of(cpu, i))
		return EMU_OK;
	while (n--) {
		out = top(v, i->size);
		v = v << 1 | cf;
		cf = out;
	}
	v &= size_mask(i->size);
	cpu->dst = v;
	flags_set_cf_of(cpu, cf, cf ^ top(v, i->size));
	return EMU_OK;
}

int em_rcr(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int bits = 8 * i->size;
	unsigned int n = count_of(cpu, i) % (bits + 1);
	bool cf = flag_cf(cpu), out;
	u64 v = cpu->dst;

	if (!count_of(cpu, i))
		return EMU_OK;
	while (n--) {
		out = v & 1;
		v = v >> 1 | (u64)cf << (bits - 1);
		cf = out;
	}
	cpu->dst = v;
	flags_set_cf_of(cpu, cf, top(v, i->size) ^ (v >> (bits - 2) & 1));
	return EMU_OK;
}

int em_shl(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int bits = 8 * i->size, n = count_of(cpu, i);
	u64 v = cpu->dst, res;
	bool cf;

	if (!n)
		return EMU_OK;
	cf = n <= bits && v >> (bits - n) & 1;
	res = n < bits ? v << n & size_mask(i->size) : 0;
	flags_logic(cpu, i->size, res);
	flags_set_cf_of(cpu, cf, cf ^ top(res, i->size));
	cpu->dst = res;
	return EMU_OK;
}

int em_shr(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int bits = 8 * i->size, n = count_of(cpu, i);
	u64 v = cpu->dst, res;
	bool cf;

	if (!n)
		return EMU_OK;
	cf = n <= bits && v >> (n - 1) & 1;
	res = n < bits ? v >> n : 0;
	flags_logic(cpu, i->size, res);
	flags_set_cf_of(cpu, cf, top(res, i->size) ^
				 (res >> (bits - 2) & 1));
	cpu->dst = res;
	return EMU_OK;
}

int em_sar(struct emu *cpu, const struct emu_insn *i)
{
	unsigned int n = count_of(cpu, i);
	s64 v = (s64)sign_extend(cpu->dst, i->size);
	bool cf;

	if (!n)
		return EMU_OK;
	cf = v >> (n - 1) & 1;
	v >>= n;
	flags_logic(cpu, i->size, v);
	flags_set_cf_of(cpu, cf, false);
	cpu->dst = v;
	return EMU_OK;
}

/*
 * shld, shrd r/m, reg, count: shift through the pair. A count beyond 16 bits is
 * undefined; the pair is then continued by the destination, as current CPUs do.
 */
static int shift_double(struct emu *cpu, const struct emu_insn *i, bool left)
{
	unsigned int bits = 8 * i->size;
	unsigned int n = cpu->src2 & (i->size == 8 ? 63 : 31);
	u64 a = cpu->dst, b = cpu->src, res;
	bool cf;

	if (!n)
		return EMU_OK;
	if (n > bits) {
		n -= bits;
		a = cpu->src;
		b = cpu->dst;
	}
	if (left) {
		cf = a >> (bits - n) & 1;
		res = n == bits ? b : a << n | b >> (bits - n);
	} else {
		cf = a >> (n - 1) & 1;
		res = n == bits ? b : a >> n | b << (bits - n);
	}
	res &= size_mask(i->size);
	flags_logic(cpu, i->size, res);
	flags_set_cf_of(cpu, cf, top(res ^ cpu->dst, i->size));
	cpu->dst = res;
	return EMU_OK;
}

int em_shld(struct emu *cpu, const struct emu_insn *i)
{
	return shift_double(cpu, i, true);
}

int em_shrd(struct emu *cpu, const struct emu_insn *i)
{
	return shift_double(cpu, i, false);
}
