// SPDX-License-Identifier: GPL-2.0
/*
 * Uops that move: mov, movzx, movsx, lea, push, pop.
 */
#include "uop.h"

/* mov reg, reg; mov reg, imm */
#define MOV(size)							\
UOP(mov##size, do_set(cpu, u, value(cpu, u, u->src, size), size))

MOV(0)
MOV(1)
UOP(mov4, do_set(cpu, u, value(cpu, u, u->src, 4), 4))
MOV(8)

emu_uop_fn emu_uop_mov(unsigned int size)
{
	return size == 4 ? uop_mov4 : size == 8 ? uop_mov8 :
	       size == 1 ? uop_mov1 : uop_mov0;
}

/* movzx, movsx of registers */
static __always_inline u64 extended(const struct emu *cpu, const struct emu_uop *u,
				    bool sign)
{
	u64 val = place(cpu, u->src);

	return sign ? sign_extend(val, u->ssize) : val & size_mask(u->ssize);
}

UOP(movzx4, do_set(cpu, u, extended(cpu, u, false), 4))
UOP(movzx0, do_set(cpu, u, extended(cpu, u, false), 0))
UOP(movsx4, do_set(cpu, u, extended(cpu, u, true), 4))
UOP(movsx0, do_set(cpu, u, extended(cpu, u, true), 0))

emu_uop_fn emu_uop_extend(unsigned int size, bool sign)
{
	if (size == 4)
		return sign ? uop_movsx4 : uop_movzx4;
	return sign ? uop_movsx0 : uop_movzx0;
}

UOP(lea4, do_set(cpu, u, address(cpu, u), 4))
UOP(lea0, do_set(cpu, u, address(cpu, u), 0))

emu_uop_fn emu_uop_lea(unsigned int size)
{
	return size == 4 ? uop_lea4 : uop_lea0;
}

/* mov, movzx, movsx from memory; what fills a register leaves nothing to cut off */
UOP_MEM(load1, do_load(cpu, u, 1, false, 8, VIEW_FLAT))
UOP_MEM(load2, do_load(cpu, u, 2, false, 8, VIEW_FLAT))
UOP_MEM(load4, do_load(cpu, u, 4, false, 8, VIEW_FLAT))
UOP_MEM(load8, do_load(cpu, u, 8, false, 8, VIEW_FLAT))
UOP_MEM(load_al, do_load(cpu, u, 1, false, 1, VIEW_FLAT))
UOP_MEM(load1s, do_load(cpu, u, 1, true, 4, VIEW_FLAT))
UOP_MEM(load2s, do_load(cpu, u, 2, true, 4, VIEW_FLAT))
UOP_MEM(load_seg, do_load(cpu, u, u->ssize, false, 0, VIEW_SEG))
UOP_MEM(load_signed_seg, do_load(cpu, u, u->ssize, true, 0, VIEW_SEG))

emu_uop_fn emu_uop_load(unsigned int size, unsigned int from, bool sign, bool flat)
{
	if (!flat)
		return sign ? uop_load_signed_seg : uop_load_seg;
	if (sign) {
		if (size != 4 || from == 4)
			return uop_load_signed_seg;
		return from == 1 ? uop_load1s : uop_load2s;
	}
	if (size == 1)
		return uop_load_al;
	if (size == 2)
		return uop_load_seg;
	return from == 1 ? uop_load1 : from == 2 ? uop_load2 :
	       from == 4 ? uop_load4 : uop_load8;
}

UOP_MEM(store1, do_store(cpu, u, 1, VIEW_FLAT))
UOP_MEM(store2, do_store(cpu, u, 2, VIEW_FLAT))
UOP_MEM(store4, do_store(cpu, u, 4, VIEW_FLAT))
UOP_MEM(store8, do_store(cpu, u, 8, VIEW_FLAT))
UOP_MEM(store_seg, do_store(cpu, u, 0, VIEW_SEG))

emu_uop_fn emu_uop_store(unsigned int size, bool flat)
{
	if (!flat)
		return uop_store_seg;
	return size == 1 ? uop_store1 : size == 2 ? uop_store2 :
	       size == 4 ? uop_store4 : uop_store8;
}

UOP_MEM(push4, do_push(cpu, u, 4, VIEW_FLAT))
UOP_MEM(push8, do_push(cpu, u, 8, VIEW_FLAT))
UOP_MEM(push_seg, do_push(cpu, u, u->size, VIEW_SEG))

emu_uop_fn emu_uop_push(unsigned int size, bool flat)
{
	return flat && size == 4 ? uop_push4 : flat && size == 8 ? uop_push8 :
	       uop_push_seg;
}

UOP_MEM(pop4, do_pop(cpu, u, 4, VIEW_FLAT))
UOP_MEM(pop8, do_pop(cpu, u, 8, VIEW_FLAT))
UOP_MEM(pop_seg, do_pop(cpu, u, 0, VIEW_SEG))

emu_uop_fn emu_uop_pop(unsigned int size, bool flat)
{
	return flat && size == 4 ? uop_pop4 : flat && size == 8 ? uop_pop8 :
	       uop_pop_seg;
}
