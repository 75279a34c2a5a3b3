/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For hosts: how a step_uop hook begins and ends. It stands in blocks among the uops,
 * and goes on to the next one as they do, so that a step costs no call and nothing is
 * kept over one.
 */
#ifndef EMU_TELL_H
#define EMU_TELL_H

#include "quick.h"

/**
 * emu_tell_rip() - where the instruction is that the hook is told of
 * @cpu: engine; its own RIP is not up to date
 * @u: as the hook has it
 *
 * Return: RIP.
 */
static __always_inline u64 emu_tell_rip(const struct emu *cpu, const struct emu_uop *u)
{
	return quick_rip(cpu, u->start);
}

/**
 * emu_tell_bits() - what code it is
 * @u: as the hook has it
 *
 * Return: 16, 32 or 64.
 */
static __always_inline u8 emu_tell_bits(const struct emu_uop *u)
{
	return u->size;
}

/**
 * emu_tell_done() - the end of the hook, which returns what this returns
 * @cpu: engine
 * @u: as the hook has it
 * @left: likewise
 * @go: false: emu.host_exit says why to leave before the instruction
 *
 * Return: what becomes of it and of those that follow.
 */
static __always_inline enum emu_uop_result
emu_tell_done(struct emu *cpu, const struct emu_uop *u, u64 left, bool go)
{
	return likely(go) ? uop_next(cpu, u, left) : uop_leave(cpu, u, left, UOP_STEP);
}

#endif /* EMU_TELL_H */
