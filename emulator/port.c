// SPDX-License-Identifier: GPL-2.0
/*
 * IN and OUT, the permission check that INS and OUTS share with them, and the one
 * port access of all four.
 */
#include "handlers.h"

#define TSS_IO_BASE	0x66
#define TSS_MIN_LIMIT	103

/**
 * emu_port_permission() - may the code access these ports?
 * @cpu: engine
 * @port: first port
 * @size: 1, 2 or 4
 *
 * By CPL and IOPL, or in V86 mode and with too little privilege by the TSS's
 * bitmap (S32-S41).
 *
 * Return: EMU_OK, or EMU_EXCEPTION with #GP(0) or what reading the bitmap raises.
 */
int emu_port_permission(struct emu *cpu, u16 port, unsigned int size)
{
	const struct emu_segment *tr = &cpu->st.segs.seg[EMU_TR];
	unsigned int type = tr->attr & EMU_SEG_TYPE;
	u64 base, bits;
	u32 at;
	int r;

	if (emu_ports_permitted(cpu))
		return EMU_OK;
	if ((tr->attr & EMU_SEG_UNUSABLE) || (type != 9 && type != 11) ||
	    tr->limit < TSS_MIN_LIMIT)
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_system_read(cpu, tr->base + TSS_IO_BASE, 2, &base);
	if (r)
		return r;
	/* Two bytes are read whichever bits are needed (S36, S37). */
	at = base + port / 8;
	if (at + 1 > tr->limit)
		return emu_raise_error(cpu, VEC_GP, 0);
	r = emu_system_read(cpu, tr->base + at, 2, &bits);
	if (r)
		return r;
	if (bits >> (port % 8) & ((1U << size) - 1))
		return emu_raise_error(cpu, VEC_GP, 0);
	return EMU_OK;
}

/* An access as watches see it: nothing is behind the last port. */
static struct emu_touch touch(u16 port, unsigned int size, enum emu_dir dir, u64 val)
{
	return (struct emu_touch){
		.addr = port, .val = val, .space = EMU_WATCH_PORT, .dir = dir,
		.size = min_t(u32, size, 0x10000 - port),
	};
}

/**
 * emu_port_access() - one port access, breakpoints included
 * @cpu: engine
 * @port: first port
 * @size: 1, 2 or 4
 * @dir: direction
 * @val: data
 *
 * A matching breakpoint counts only once the access is done (S67, S70).
 *
 * Return: enum emu_result.
 */
int emu_port_access(struct emu *cpu, u16 port, unsigned int size,
		    enum emu_dir dir, u64 *val)
{
	const struct emu_ops *ops = cpu->ops;
	struct emu_touch t;
	int r;

	if (unlikely(cpu->watch_port)) {
		t = touch(port, size, dir, *val);
		r = emu_watch_before(cpu, &t);
		if (r)
			return r;
	}
	if (size > 1 && ops->port_split && ops->port_split(cpu, port, size))
		r = emu_external_split(cpu, dir, port, size, val);
	else
		r = emu_external(cpu, EMU_IO_PORT, dir, port, size, val);
	if (r)
		return r;
	if (unlikely(cpu->watch_port)) {
		t = touch(port, size, dir, *val);
		emu_watch_after(cpu, &t);
	}
	if (unlikely(cpu->bp_io))
		emu_debug_add(cpu, emu_debug_match_io(cpu, port, size),
			      EMU_CAUSE_IO);
	return EMU_OK;
}

/* in al, imm8; in eAX, dx; ... */
int em_in(struct emu *cpu, const struct emu_insn *i)
{
	return emu_port_access(cpu, cpu->src, i->size, EMU_READ, &cpu->dst);
}

/* out imm8, al; out dx, eAX; ... */
int em_out(struct emu *cpu, const struct emu_insn *i)
{
	u64 val = cpu->src;

	return emu_port_access(cpu, cpu->dst, i->ssize, EMU_WRITE, &val);
}
