// SPDX-License-Identifier: GPL-2.0
/*
 * Uops of IN and OUT, by the hooks that do and trace an access at once. What these decline
 * is stepped, with all checks.
 */
#include "uop.h"

/* Has the hook made the access, and may the next instruction follow? */
static __always_inline enum emu_uop_result after_port(const struct emu *cpu, bool done)
{
	if (unlikely(!done))
		return UOP_STEP;
	/* A device may have asked for an interrupt. */
	return unlikely(emu_events_waiting(cpu)) ? UOP_LAST : UOP_NEXT;
}

static __always_inline enum emu_uop_result
do_out(struct emu *cpu, const struct emu_uop *u, u16 port, unsigned int size)
{
	bool done;

	cpu->quick.at = u;
	done = cpu->ops->port_write_quick(cpu, port, size ? size : u->size,
					  value(cpu, u, gpr_at(EMU_RAX), size));
	return after_port(cpu, done);
}

static __always_inline enum emu_uop_result
do_in(struct emu *cpu, const struct emu_uop *u, u16 port, unsigned int size, s64 *val)
{
	cpu->quick.at = u;
	*val = cpu->ops->port_read_quick(cpu, port, size ? size : u->size);
	/* As a constant its place needs no load; what asks next mostly asks for AL. */
	if (likely(*val >= 0) && size == 1)
		*(u8 *)&cpu->st.regs.gpr[EMU_RAX] = *val;
	else if (likely(*val >= 0))
		set_dst(cpu, u, *val, size);
	return after_port(cpu, *val >= 0);
}

static __always_inline enum emu_uop_result
in(struct emu *cpu, const struct emu_uop *u, u64 left, u16 port, unsigned int size)
{
	s64 val;

	return uop_after(cpu, u, left, do_in(cpu, u, port, size, &val));
}

static __always_inline enum emu_uop_result
out(struct emu *cpu, const struct emu_uop *u, u64 left, u16 port, unsigned int size)
{
	return uop_after(cpu, u, left, do_out(cpu, u, port, size));
}

/* A driver that waits: in al, dx; test al, imm; jz */
static __always_inline enum emu_uop_result
in_test_jz(struct emu *cpu, const struct emu_uop *u, u64 left, u16 port)
{
	enum emu_uop_result r;
	s64 val;

	r = do_in(cpu, u, port, 1, &val);
	if (unlikely(r))
		return uop_leave(cpu, u, left, r);
	u++;
	val = alu(cpu, u, ALU_TEST, 1, val, value(cpu, u, u->src, 1), true);
	return branch(cpu, u + 1, left, !val != u[1].odd);
}

/* In a part of all ports with breakpoints or watches, or where each is stepped. */
enum emu_uop_result uop_port_beside(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	u16 port = place(cpu, u->src);

	if (cpu->quick.ports == EMU_ALL_PORTS ||
	    emu_debug_match_io(cpu, port, u->size) || emu_watch_io(cpu, port, u->size))
		return uop_leave(cpu, u, left, UOP_STEP);
	return u->op == EMU_READ ? in(cpu, u, left, port, 0) : out(cpu, u, left, port, 0);
}

#define UOP_PORT(name, ...)						\
EMU_UOP(name);								\
EMU_UOP(name)								\
{									\
	u16 port = place(cpu, u->src);					\
									\
	if (unlikely(cpu->quick.ports >> (port >> EMU_PORT_PART_SHIFT) & 1)) \
		return uop_port_beside(cpu, u, left);			\
	return __VA_ARGS__;						\
}

UOP_PORT(in0, in(cpu, u, left, port, 0))
UOP_PORT(in1, in(cpu, u, left, port, 1))
UOP_PORT(out0, out(cpu, u, left, port, 0))
UOP_PORT(out1, out(cpu, u, left, port, 1))
UOP_PORT(in1__test_jz, in_test_jz(cpu, u, left, port))

void emu_where(struct emu *cpu)
{
	cpu->st.regs.rip = quick_rip(cpu, cpu->quick.at->start);
}

emu_uop_fn emu_uop_port(enum emu_dir dir, unsigned int size)
{
	if (dir == EMU_READ)
		return size == 1 ? uop_in1 : uop_in0;
	return size == 1 ? uop_out1 : uop_out0;
}
