// SPDX-License-Identifier: GPL-2.0
/*
 * One case in the emulator, with a copy of the native side's memory at the same
 * addresses.
 */
#include "native.h"

static struct emu cpu;
static bool hooks;
static u8 code[NAT_CODE_LEN], data[NAT_DATA_LEN], stack[NAT_STACK_LEN];

u8 *nat_emu_mem(u64 lin)
{
	if (lin - NAT_CODE < NAT_CODE_LEN)
		return code + (lin - NAT_CODE);
	if (lin - NAT_DATA < NAT_DATA_LEN)
		return data + (lin - NAT_DATA);
	if (lin - NAT_STACK < NAT_STACK_LEN)
		return stack + (lin - NAT_STACK);
	return NULL;
}

/*
 * Linear addresses are physical ones, by page tables of four levels that map what
 * is there for the user. They cover 2 MiB, in which all of it lies.
 */
#define TABLES		0x80000000ULL
#define NR_LEVELS	4
/* GDT and LDT, in the last of the pages. */
#define DESCRIPTORS	0x201a5000ULL
#define LDT_AT		0x800

static u64 tables[NR_LEVELS + 1][512] __aligned(4096);

static u64 descriptor(const struct nat_desc *d)
{
	u64 limit = d->attr & EMU_SEG_G ? d->limit >> 12 : d->limit;

	if (!d->visible)
		return 0;
	return (limit & 0xffff) | (u64)(d->base & 0xffffff) << 16 |
	       (u64)(d->attr & 0xf0ff) << 40 | (limit >> 16 & 0xf) << 48 |
	       (u64)(d->base >> 24) << 56;
}

static void make_tables(void)
{
	/* Present, writable, for the user, accessed, dirty */
	const u64 bits = 0x67;
	unsigned int k, shift;
	u64 page;

	for (k = 0; k < NR_LEVELS - 1; k++) {
		shift = 12 + 9 * (NR_LEVELS - 1 - k);
		tables[k][NAT_CODE >> shift & 511] = (TABLES + 4096 * (k + 1)) | bits;
	}
	tables[NR_LEVELS - 1][DESCRIPTORS >> 12 & 511] = (TABLES + 4096 * NR_LEVELS) | 0x63;
	for (k = 0; k < NAT_GDT_LEN; k++)
		tables[NR_LEVELS][k] = descriptor(&nat_gdt[k]);
	for (k = 0; k < nat_ldt_len; k++)
		tables[NR_LEVELS][LDT_AT / 8 + k] = descriptor(&nat_ldt[k]);
	for (k = 0; k < 512; k++) {
		page = (NAT_CODE & ~0x1fffffULL) + 4096 * k;
		if (nat_emu_mem(page))
			tables[NR_LEVELS - 1][k] = page | bits;
	}
}

static u8 *physical(u64 gpa)
{
	if (gpa - TABLES < sizeof(tables))
		return (u8 *)tables + (gpa - TABLES);
	return nat_emu_mem(gpa);
}

static u8 *window(struct emu *e, u64 gpa, bool *writable)
{
	return hooks ? NULL : physical(gpa);
}

static int mem_read(struct emu *e, u64 gpa, unsigned int size, u64 *val)
{
	const u8 *p = physical(gpa);

	if (!p)
		return EMU_FAIL;
	*val = 0;
	memcpy(val, p, size);
	return EMU_OK;
}

static int mem_write(struct emu *e, u64 gpa, unsigned int size, u64 val)
{
	u8 *p = physical(gpa);

	if (!p)
		return EMU_FAIL;
	memcpy(p, &val, size);
	return EMU_OK;
}

static bool backed(struct emu *e, u64 gpa)
{
	return physical(gpa);
}

static int port_read(struct emu *e, u16 port, unsigned int size, u32 *val)
{
	*val = 0;
	return EMU_OK;
}

static int port_write(struct emu *e, u16 port, unsigned int size, u32 val)
{
	return EMU_OK;
}

static int poll(struct emu *e)
{
	return EMU_OK;
}

static struct emu_cpuid table[EMU_CPUID_MAX];
static unsigned int nr_table;

static void copy_leaf(u32 leaf, u32 subleaf)
{
	u32 r[4] = { leaf, 0, subleaf };
	unsigned int n;

	for (n = 0; n < nr_table; n++)
		if (table[n].leaf == leaf && table[n].subleaf == subleaf)
			return;
	if (n == EMU_CPUID_MAX)
		return;
	nat_cpuid(r);
	table[nr_table++] = (struct emu_cpuid){
		.leaf = leaf, .subleaf = subleaf,
		.eax = r[0], .ebx = r[1], .ecx = r[2], .edx = r[3],
	};
}

/* The table of the CPU at hand, as far as it fits; what cases ask for comes first. */
static void copy_cpuid(void)
{
	static const u32 range[] = { 0, 0x80000000, 0x40000000 };
	unsigned int k;
	u32 leaf;

	copy_leaf(7, 0);
	copy_leaf(7, 1);
	for (k = 0; k < ARRAY_SIZE(range); k++) {
		u32 regs[4] = { range[k] };

		nat_cpuid(regs);
		for (leaf = range[k]; leaf <= min(regs[0], range[k] + 0x18); leaf++)
			copy_leaf(leaf, 0);
		if (range[k] == 0x40000000)
			copy_leaf(range[k], 0);
	}
	if (emu_set_cpuid(&cpu, table, nr_table))
		nat_die("the CPUID table");
}

bool nat_cpu_has(const struct emu_opcode *op, bool mode64)
{
	return emu_has(&cpu, op->feature) || (op->flags & F_FEAT64 && !mode64);
}

static const struct emu_ops ops = {
	.window = window,
	.read = mem_read,
	.write = mem_write,
	.backed = backed,
	.port_read = port_read,
	.port_write = port_write,
	.poll = poll,
};

static struct emu_segs segs;
static struct emu_ctrl ctrl;

void nat_emu_init(void)
{
	emu_init(&cpu, &ops, NULL);
	copy_cpuid();
	make_tables();
	memset(code, NAT_CCH, sizeof(code));
	memset(cpu.config.exit_ints, 0xff, sizeof(cpu.config.exit_ints));
	cpu.config.exit_exceptions = ~0U;
	if (nat_host.amd)
		cpu.flags |= EMU_VENDOR_AMD;
}

/* The state of a user-mode program under an operating system in long mode. */
static void load(const struct nat_case *c)
{
	struct emu_state *st = &cpu.st;
	unsigned int n;

	memcpy(st->regs.gpr, c->gpr, sizeof(c->gpr));
	st->regs.rip = c->rip;
	st->regs.rflags = c->rflags;

	memset(&segs, 0, sizeof(segs));
	for (n = 0; n < 6; n++) {
		const struct nat_seg *s = &c->env->seg[n];

		segs.seg[n] = (struct emu_segment){
			.selector = s->sel, .base = s->base, .limit = s->limit,
			.attr = s->attr,
		};
	}
	if (c->env->mode == DECODE_64) {
		segs.seg[EMU_FS].base = c->fsbase;
		segs.seg[EMU_GS].base = c->gsbase;
	}
	segs.gdtr.base = DESCRIPTORS;
	segs.gdtr.limit = 8 * NAT_GDT_LEN - 1;
	segs.seg[EMU_LDTR].attr = nat_ldt_len ? EMU_SEG_P | 2 : EMU_SEG_UNUSABLE;
	segs.seg[EMU_LDTR].base = DESCRIPTORS + LDT_AT;
	segs.seg[EMU_LDTR].limit = 8 * nat_ldt_len - 1;
	/* No bitmap: all ports are refused. */
	segs.seg[EMU_TR].attr = EMU_SEG_P | 11;
	segs.seg[EMU_TR].limit = 0x66;
	st->segs = segs;

	memset(&ctrl, 0, sizeof(ctrl));
	ctrl.cr0 = EMU_CR0_PE | EMU_CR0_MP | EMU_CR0_ET | EMU_CR0_NE | EMU_CR0_WP |
		   EMU_CR0_AM | EMU_CR0_PG;
	ctrl.cr3 = TABLES;
	ctrl.cr4 = EMU_CR4_DE | EMU_CR4_PSE | EMU_CR4_PAE | EMU_CR4_OSFXSR |
		   EMU_CR4_OSXMMEXCPT | (nat_host.xsave ? EMU_CR4_OSXSAVE : 0) |
		   (nat_host.bases ? EMU_CR4_FSGSBASE : 0);
	ctrl.efer = EMU_EFER_SCE | EMU_EFER_LME | EMU_EFER_LMA | EMU_EFER_NXE;
	ctrl.xcr0 = nat_host.xsave ? nat_host.xcr0 : 1;
	ctrl.tsc_aux = nat_host.tsc_aux;
	st->ctrl = ctrl;

	memset(&st->debug, 0, sizeof(st->debug));
	st->debug.dr6 = EMU_DR6_DEFAULT;
	st->debug.dr7 = EMU_DR7_FIXED;
	memset(&st->event, 0, sizeof(st->event));
	st->io.kind = EMU_IO_NONE;
	st->progress.in_rep = 0;
	st->progress.insn_len = 0;
	st->progress.nr_replay = 0;
	st->stream.len = 0;
	if (c->stream)
		memcpy(st->stream.bytes, c->bytes, c->len);
	emu_load(&cpu);
	if (hooks || c->hooks) {
		hooks = c->hooks;
		emu_flush(&cpu);
	}
}

/*
 * One instruction: by a budget of one boundary, iteration by iteration, or by a
 * stream that ends behind it.
 */
static enum emu_exit run(const struct nat_case *c)
{
	enum emu_exit ex;

	if (c->stream) {
		cpu.st.budget = EMU_BUDGET_UNLIMITED;
		emu_set_stream(&cpu, c->len);
		return emu_run(&cpu);
	}
	do {
		cpu.st.budget = 1;
		ex = emu_run(&cpu);
	} while (ex == EMU_EXIT_BUDGET && cpu.st.progress.in_rep);
	return ex;
}

static void fault(const struct nat_case *c, struct nat_result *r)
{
	const struct emu_event *ev = &cpu.st.event;

	r->end = END_FAULT;
	r->vector = ev->vector;
	r->error = ev->flags & EMU_EVENT_ERROR ? ev->error_code : 0;
	switch (ev->type) {
	case EMU_EV_EXCEPTION:
		if (ev->vector == VEC_PF) {
			r->end = END_PAGE;
			r->linear = ev->payload;
		}
		break;
	case EMU_EV_SOFT_INT:
		/* The kernel's gates are for itself, but for 3, 4 (and 80h). */
		if (ev->vector != VEC_BP && ev->vector != VEC_OF) {
			r->vector = VEC_GP;
			r->error = ev->vector << 3 | 2;
			break;
		}
		fallthrough;
	case EMU_EV_SOFT_EXC:
	case EMU_EV_ICEBP:
		r->rip += ev->insn_len;
		break;
	default:
		r->end = END_OTHER;
		r->vector = 100 + ev->type;
	}
}

void nat_emu_run(const struct nat_case *c, struct nat_result *r)
{
	enum emu_exit ex;
	unsigned int n;

	load(c);
	ex = run(c);
	memset(r, 0, sizeof(*r));
	memcpy(r->gpr, cpu.st.regs.gpr, sizeof(r->gpr));
	r->rip = cpu.st.regs.rip;
	r->rflags = cpu.st.regs.rflags;
	for (n = 0; n < 6; n++)
		r->sel[n] = cpu.st.segs.seg[n].selector;
	r->fsbase = cpu.st.segs.seg[EMU_FS].base;
	r->gsbase = cpu.st.segs.seg[EMU_GS].base;
	switch (ex) {
	case EMU_EXIT_BUDGET:
	case EMU_EXIT_STREAM_DONE:
	case EMU_EXIT_STREAM_LEFT:
		r->end = END_DONE;
		break;
	case EMU_EXIT_EVENT:
		fault(c, r);
		break;
	case EMU_EXIT_UNSUPPORTED:
		r->end = END_UNSUPPORTED;
		r->len = cpu.exit.insn_len;
		break;
	default:
		r->end = END_OTHER;
		r->vector = ex;
	}
}

/* State that no user-mode instruction changes, but for a load of a segment. */
const char *nat_emu_stray(const struct nat_case *c)
{
	const struct emu_debug *d = &cpu.st.debug;
	struct emu_segment now, was;
	unsigned int n;

	if (memcmp(&cpu.st.ctrl, &ctrl, sizeof(ctrl)))
		return "a control register";
	for (n = 0; n < EMU_NR_SREGS; n++) {
		now = cpu.st.segs.seg[n];
		was = segs.seg[n];
		/* These are compared with the CPU's. */
		if (c->env->mode == DECODE_64 && (n == EMU_FS || n == EMU_GS))
			now.base = was.base;
		if (now.selector == was.selector && memcmp(&now, &was, sizeof(now)))
			return "a segment behind its selector";
	}
	if (d->pending_dbg || d->dr6 != EMU_DR6_DEFAULT || d->dr7 != EMU_DR7_FIXED ||
	    d->debugctl || d->activity)
		return "the debug state";
	return NULL;
}
