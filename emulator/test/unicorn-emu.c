// SPDX-License-Identifier: GPL-2.0
/*
 * An instruction in the emulator, by hooks that log; and a program as a whole, by
 * blocks and direct windows.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "unicorn.h"

/* Page tables, where the program does not reach them. */
#define TABLES		0x100000000ULL

struct uni_side uni_emu;

static struct emu step_cpu, whole_cpu;
static struct uni_side whole;
static u8 whole_seen[UNI_MEM / 4096];
static const u8 *whole_start;
static u64 tables[4][512] __aligned(4096);

static u8 *memory(u8 *mem, u64 gpa)
{
	if (gpa - TABLES < sizeof(tables))
		return (u8 *)tables + (gpa - TABLES);
	return gpa < UNI_MEM ? mem + gpa : NULL;
}

static u8 *by_hooks(struct emu *cpu, u64 gpa, bool *writable)
{
	return NULL;
}

static void take_page(unsigned int page)
{
	if (whole_seen[page])
		return;
	whole_seen[page] = 1;
	memcpy(whole.mem + page * 4096, whole_start + page * 4096, 4096);
}

static u8 *by_windows(struct emu *cpu, u64 gpa, bool *writable)
{
	if (gpa < UNI_MEM)
		take_page(gpa / 4096);
	return memory(whole.mem, gpa);
}

static int mem_read(struct emu *cpu, u64 gpa, unsigned int size, u64 *val)
{
	struct uni_side *s = cpu->host;
	const u8 *p = memory(s->mem, gpa);

	if (!p)
		return EMU_FAIL;
	*val = 0;
	memcpy(val, p, size);
	return EMU_OK;
}

static int mem_write(struct emu *cpu, u64 gpa, unsigned int size, u64 val)
{
	struct uni_side *s = cpu->host;
	u8 *p = memory(s->mem, gpa);

	if (!p)
		return EMU_FAIL;
	if (gpa < UNI_MEM)
		uni_log_write(s, gpa, size);
	memcpy(p, &val, size);
	return EMU_OK;
}

static bool backed(struct emu *cpu, u64 gpa)
{
	struct uni_side *s = cpu->host;

	return memory(s->mem, gpa);
}

static int port_read(struct emu *cpu, u16 port, unsigned int size, u32 *val)
{
	struct uni_side *s = cpu->host;

	*val = uni_port_value(s->all_ports, port) & (u32)size_mask(size);
	uni_log_port(s, port, size, EMU_READ, *val);
	return EMU_OK;
}

static int port_write(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	uni_log_port(cpu->host, port, size, EMU_WRITE, val);
	return EMU_OK;
}

static int poll(struct emu *cpu)
{
	return EMU_OK;
}

static const struct emu_ops step_ops = {
	.window = by_hooks,
	.read = mem_read,
	.write = mem_write,
	.backed = backed,
	.port_read = port_read,
	.port_write = port_write,
	.poll = poll,
};

static const struct emu_ops whole_ops = {
	.window = by_windows,
	.read = mem_read,
	.write = mem_write,
	.backed = backed,
	.port_read = port_read,
	.port_write = port_write,
	.poll = poll,
};

static u8 *map(void)
{
	void *p = mmap(NULL, UNI_MEM, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* Present, writable, for the user, accessed, dirty: nothing is left to be set. */
static void make_tables(void)
{
	const u64 bits = 0x67;
	unsigned int n;

	for (n = 0; n < 3; n++)
		tables[n][0] = (TABLES + 4096 * (n + 1)) | bits;
	for (n = 0; n < UNI_MEM / 4096; n++)
		tables[3][n] = 4096ULL * n | bits;
}

void uni_emu_init(void)
{
	uni_emu.mem = map();
	whole.mem = map();
	make_tables();
}

static void load_flat(struct emu_state *st, bool wide)
{
	unsigned int n;

	for (n = EMU_ES; n <= EMU_GS; n++)
		st->segs.seg[n] = (struct emu_segment){
			.selector = n == EMU_CS ? 8 : 16, .limit = ~0U, .attr = 0xc093,
		};
	st->segs.seg[EMU_CS].attr = wide ? 0xa09b : 0xc09b;
	st->ctrl.cr0 |= EMU_CR0_PE;
	if (!wide)
		return;
	st->ctrl.cr0 |= EMU_CR0_PG;
	st->ctrl.cr4 |= EMU_CR4_PAE | EMU_CR4_FSGSBASE;
	st->ctrl.efer |= EMU_EFER_LME | EMU_EFER_LMA;
	st->ctrl.cr3 = TABLES;
}

static void load(struct emu *cpu, const struct emu_ops *ops, struct uni_side *s,
		 enum uni_mode mode, const struct uni_regs *r)
{
	struct emu_state *st = &cpu->st;
	unsigned int n;

	emu_init(cpu, ops, s);
	memcpy(st->regs.gpr, r->gpr, sizeof(r->gpr));
	st->regs.rip = r->rip;
	st->regs.rflags = r->rflags;
	if (mode != UNI_16)
		load_flat(st, mode == UNI_64);
	for (n = 0; mode == UNI_16 && n < 6; n++) {
		st->segs.seg[n].selector = r->sel[n];
		st->segs.seg[n].base = r->sel[n] * 16;
	}
	if (mode == UNI_64) {
		st->segs.seg[EMU_FS].base = r->fs_base;
		st->segs.seg[EMU_GS].base = r->gs_base;
	}
	memset(cpu->config.exit_ints, 0xff, sizeof(cpu->config.exit_ints));
	cpu->config.exit_exceptions = ~0U;
	if (emu_check_state(st))
		abort();
	emu_load(cpu);
}

void uni_emu_load(enum uni_mode mode, const struct uni_regs *r)
{
	load(&step_cpu, &step_ops, &uni_emu, mode, r);
}

const struct emu *uni_emu_cpu(void)
{
	return &step_cpu;
}

static struct uni_end end_of(const struct emu *cpu, enum emu_exit ex)
{
	switch (ex) {
	case EMU_EXIT_BUDGET:
		return (struct uni_end){ UNI_DONE, 0 };
	case EMU_EXIT_EVENT:
		if (cpu->st.event.vector == VEC_PF)
			return (struct uni_end){ UNI_MEMORY, 0 };
		return (struct uni_end){ UNI_VECTOR, cpu->st.event.vector };
	case EMU_EXIT_MEMORY:
		return (struct uni_end){ UNI_MEMORY, 0 };
	case EMU_EXIT_UNSUPPORTED:
		return (struct uni_end){ UNI_LEFT, 0 };
	default:
		return (struct uni_end){ UNI_OTHER, ex };
	}
}

struct uni_end uni_emu_step(void)
{
	step_cpu.st.budget = 1;
	return end_of(&step_cpu, emu_run(&step_cpu));
}

static void regs_of(const struct emu *cpu, struct uni_regs *r)
{
	const struct emu_state *st = &cpu->st;
	unsigned int n;

	memset(r, 0, sizeof(*r));
	memcpy(r->gpr, st->regs.gpr, sizeof(r->gpr));
	/* Behind a software interrupt, as a frame would have it. */
	r->rip = st->regs.rip;
	if (st->event.action == EMU_EVENT_HELD)
		r->rip += st->event.insn_len;
	r->rflags = st->regs.rflags;
	if (!(st->ctrl.cr0 & EMU_CR0_PE))
		for (n = 0; n < 6; n++)
			r->sel[n] = st->segs.seg[n].selector;
	if (st->ctrl.efer & EMU_EFER_LMA) {
		r->fs_base = st->segs.seg[EMU_FS].base;
		r->gs_base = st->segs.seg[EMU_GS].base;
	}
}

void uni_emu_regs(struct uni_regs *r)
{
	regs_of(&step_cpu, r);
}

void uni_emu_whole(enum uni_mode mode, const struct uni_regs *from, u64 steps,
		   const u8 *start, struct uni_regs *to)
{
	memset(whole_seen, 0, sizeof(whole_seen));
	whole_start = start;
	whole.all_ports = 0;
	whole.nr_ports = 0;
	load(&whole_cpu, &whole_ops, &whole, mode, from);
	whole_cpu.st.budget = steps;
	emu_run(&whole_cpu);
	regs_of(&whole_cpu, to);
}

const u8 *uni_emu_whole_page(unsigned int page)
{
	return whole_seen[page] ? whole.mem + page * 4096 : whole_start + page * 4096;
}

const char *uni_emu_whole_ports(const struct uni_port *want, unsigned int n)
{
	if (whole.all_ports != n || memcmp(whole.port, want, n * sizeof(*want)))
		return "port accesses";
	return NULL;
}
