// SPDX-License-Identifier: GPL-2.0
/*
 * Run a machine image: a ROM from the reset vector on, RAM, a few ports, no other
 * device. All events go through the guest's own IVT or IDT.
 *
 * usage: image [OPTION]... ROM
 *	--ram MIB	RAM, 16 unless told, at most 2048
 *	--cpu NAME	386, 486, pentium, 686, x86-64, x86-64-v2, x86-64-v3; max: all
 *			that is modelled (the default)
 *	--shadow	below 1 MiB the ROM is a copy in RAM
 *	--max-insns N	stop after N boundaries (status 4)
 *	--post PORT	report the last byte written to it (80 and 190 always are)
 *	--stats		boundaries, accesses by port
 *	--trace		one line on stderr for each instruction, event, change of what is
 *			pending, and for each REP that stops
 *	--hooks		each access to memory by a hook, none through a window
 *	--restart N	after each N boundaries go on in a new engine, with the state
 *			of the old one
 *
 * The ROM ends at 4 GiB, and its last 128 KiB also at 1 MiB. Port F4: a byte ends
 * the run with that status; E9 and 402: bytes to stdout; 70, 71, 92: latches; all
 * others: open bus. HLT ends it with status 3, since nothing would wake it; a
 * shutdown with 5, anything else that the emulator leaves with, with 6.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "../emu.h"

#define PAGE		4096ULL
#define LOW_ROM		(128ULL << 10)
#define MIB		(1U << 20)
#define TOP		(1ULL << 32)

enum status { ST_HLT = 3, ST_LIMIT, ST_SHUTDOWN, ST_OTHER };

struct machine {
	struct emu cpu;
	u8 *ram;
	u64 ram_size;
	u8 *rom;
	u64 rom_size;
	bool shadow;
	bool hooks;
	bool done;
	u8 status;
	u8 latch[256];
	int post_port;
	int post[3];			/* last byte at 80, 190, post_port; or -1 */
	u64 in[1 << 16];
	u64 out[1 << 16];
};

static u8 *rom_page(const struct machine *m, u64 gpa)
{
	u64 low = min(m->rom_size, LOW_ROM);

	if (gpa >= TOP - m->rom_size && gpa < TOP)
		return m->rom + (gpa - (TOP - m->rom_size));
	if (!m->shadow && gpa >= MIB - low && gpa < MIB)
		return m->rom + m->rom_size - (MIB - gpa);
	return NULL;
}

static u8 *window(struct emu *cpu, u64 gpa, bool *writable)
{
	struct machine *m = cpu->host;
	u8 *p = rom_page(m, gpa);

	if (m->hooks)
		return NULL;
	if (p) {
		*writable = false;
		return p;
	}
	return gpa < m->ram_size ? m->ram + gpa : NULL;
}

/* What has no window is read here: ROM that is written to, and open bus. */
static int mem_read(struct emu *cpu, u64 gpa, unsigned int size, u64 *val)
{
	struct machine *m = cpu->host;
	u8 *p = rom_page(m, gpa);

	if (!p && gpa < m->ram_size)
		p = m->ram + gpa;
	*val = size == 8 ? ~0ULL : (1ULL << size * 8) - 1;
	if (p)
		memcpy(val, p, size);
	return EMU_OK;
}

static int mem_write(struct emu *cpu, u64 gpa, unsigned int size, u64 val)
{
	struct machine *m = cpu->host;

	if (!rom_page(m, gpa) && gpa < m->ram_size)
		memcpy(m->ram + gpa, &val, size);
	return EMU_OK;
}

static bool is_latch(u16 port)
{
	return port == 0x70 || port == 0x71 || port == 0x92;
}

static bool port_split(struct emu *cpu, u16 port, unsigned int size)
{
	struct machine *m = cpu->host;
	unsigned int n;

	for (n = 0; n < size; n++) {
		u16 p = port + n;

		if (is_latch(p) || p == 0xe9 || p == 0x402 || p == 0xf4 ||
		    p == 0x80 || p == 0x190 || p == m->post_port)
			return true;
	}
	return false;
}

static int port_read(struct emu *cpu, u16 port, unsigned int size, u32 *val)
{
	struct machine *m = cpu->host;

	m->in[port]++;
	*val = size == 4 ? ~0U : (1U << size * 8) - 1;
	if (is_latch(port))
		*val = m->latch[port];
	else if (port == 0xe9 || port == 0x402)
		*val = 0xe9;
	return EMU_OK;
}

static int port_write(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	struct machine *m = cpu->host;

	m->out[port]++;
	if (is_latch(port))
		m->latch[port] = val;
	if (port == m->post_port)
		m->post[2] = val & 0xff;
	switch (port) {
	case 0x80:
		m->post[0] = val & 0xff;
		break;
	case 0x190:
		m->post[1] = val & 0xff;
		break;
	case 0xe9:
	case 0x402:
		putchar(val & 0xff);
		break;
	case 0xf4:
		m->done = true;
		m->status = val;
		/* The OUT completes; the next poll, which is now, stops. */
		cpu->poll_left = 1;
		break;
	}
	return EMU_OK;
}

static int poll(struct emu *cpu)
{
	struct machine *m = cpu->host;

	if (!m->done)
		return EMU_OK;
	cpu->host_exit = 1;
	return EMU_EXIT;
}

static int step(struct emu *cpu)
{
	const struct emu_state *st = &cpu->st;

	fprintf(stderr, "%04x:%08llx sp=%llx ax=%llx cx=%llx dx=%llx bx=%llx fl=%llx\n",
		st->segs.seg[EMU_CS].selector,
		(unsigned long long)st->regs.rip,
		(unsigned long long)st->regs.gpr[EMU_RSP],
		(unsigned long long)st->regs.gpr[EMU_RAX],
		(unsigned long long)st->regs.gpr[EMU_RCX],
		(unsigned long long)st->regs.gpr[EMU_RDX],
		(unsigned long long)st->regs.gpr[EMU_RBX],
		(unsigned long long)emu_rflags(cpu));
	return EMU_OK;
}

static void trace(struct emu *cpu, const struct emu_trace *t)
{
	static const char * const causes[] = {
		[EMU_CAUSE_DATA] = "data breakpoint",
		[EMU_CAUSE_IO] = "I/O breakpoint",
		[EMU_CAUSE_STEP] = "step",
		[EMU_CAUSE_CODE] = "code breakpoint",
		[EMU_CAUSE_TASK] = "task switch",
		[EMU_CAUSE_GD] = "general detect",
		[EMU_CAUSE_ICEBP] = "icebp",
		[EMU_CAUSE_DELIVERED] = "delivered",
		[EMU_CAUSE_DROPPED] = "dropped",
		[EMU_CAUSE_BUS_LOCK] = "bus lock",
	};
	static const char * const reasons[] = {
		[EMU_REP_PENDING_DBG] = "pending_dbg",
		[EMU_REP_SINGLE_STEP] = "single step",
		[EMU_REP_SHADOW] = "shadow",
		[EMU_REP_RESCHED] = "resched",
		[EMU_REP_HOST] = "host",
		[EMU_REP_BUDGET] = "budget",
		[EMU_REP_FAULT] = "fault",
		[EMU_REP_EXIT] = "exit",
		[EMU_REP_INTR] = "interrupt",
		[EMU_REP_REFETCH] = "refetch",
	};

	if (!(cpu->flags & EMU_WANT_STEPS))
		return;
	switch (t->kind) {
	case EMU_TRACE_EVENT:
		fprintf(stderr, "event %02x error %llx at %04x:%llx cr2=%llx\n",
			t->vector, (unsigned long long)t->value,
			cpu->st.segs.seg[EMU_CS].selector,
			(unsigned long long)cpu->st.regs.rip,
			(unsigned long long)cpu->st.ctrl.cr2);
		break;
	case EMU_TRACE_PENDING:
		fprintf(stderr, "pending %05llx -> %05llx: %s%s\n",
			(unsigned long long)t->old, (unsigned long long)t->new,
			causes[t->cause], t->held ? ", held" : "");
		break;
	case EMU_TRACE_REP_BREAK:
		fprintf(stderr, "rep stops after %llu, %llu left: %s\n",
			(unsigned long long)t->count, (unsigned long long)t->left,
			reasons[t->cause]);
		break;
	case EMU_TRACE_DEBUG:
		fprintf(stderr, "dr6 %08llx -> %08llx\n",
			(unsigned long long)t->old, (unsigned long long)t->new);
		break;
	default:
		break;
	}
}

static const struct emu_ops ops = {
	.window = window,
	.read = mem_read,
	.write = mem_write,
	.port_split = port_split,
	.port_read = port_read,
	.port_write = port_write,
	.poll = poll,
	.step = step,
	.trace = trace,
};

/* Every feature that is modelled, for the name max. */
static const struct emu_cpuid all[] = {
	{ 0, 0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69 },
	/* CX16, SSE4.2, MOVBE, POPCNT; all but APIC, MTRR, MCA, x87, MMX, SSE */
	{ 1, 0, 0x000306a9, 0, BIT(13) | BIT(20) | BIT(22) | BIT(23),
	  BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(11) |
	  BIT(13) | BIT(15) | BIT(16) | BIT(17) | BIT(19) },
	/* FSGSBASE, BMI1, SMEP, BMI2, INVPCID, ADX, SMAP, CLFLUSHOPT, CLWB; UMIP */
	{ 7, 0, 0, BIT(0) | BIT(3) | BIT(7) | BIT(8) | BIT(10) | BIT(19) | BIT(20) |
	  BIT(23) | BIT(24), BIT(2), 0 },
	{ 0x80000000, 0, 0x80000008, 0, 0, 0 },
	/* LAHF, LZCNT, PREFETCHW; SYSCALL, NX, 1 GiB pages, RDTSCP, LM */
	{ 0x80000001, 0, 0, 0, BIT(0) | BIT(5) | BIT(8),
	  BIT(11) | BIT(20) | BIT(26) | BIT(27) | BIT(29) },
	{ 0x80000008, 0, 0x3028, 0, 0, 0 },
};

static const char * const preset_names[EMU_NR_PRESETS] = {
	"386", "486", "pentium", "686", "x86-64", "x86-64-v2", "x86-64-v3",
};

static void fatal(const char *what, const char *why)
{
	fprintf(stderr, "image: %s: %s\n", what, why);
	exit(2);
}

static void set_cpu(struct machine *m, const char *name)
{
	const struct emu_cpuid *table = all;
	unsigned int n = ARRAY_SIZE(all), p;
	const char *rule;

	for (p = 0; p < EMU_NR_PRESETS; p++)
		if (!strcmp(name, preset_names[p]))
			table = emu_cpuid_preset(p, &n);
	if (table == all && strcmp(name, "max"))
		fatal(name, "no such CPU");
	rule = emu_set_cpuid(&m->cpu, table, n);
	if (rule)
		fatal(name, rule);
}

static void load_rom(struct machine *m, const char *name)
{
	FILE *f = fopen(name, "rb");
	long size;

	if (!f)
		fatal(name, strerror(errno));
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	if (size <= 0 || size % PAGE || size > 16 << 20)
		fatal(name, "not pages, or more than 16 MiB");
	m->rom_size = size;
	m->rom = malloc(size);
	if (!m->rom || fread(m->rom, 1, size, f) != (size_t)size)
		fatal(name, "cannot read it");
	fclose(f);
}

static u64 number(const char *s)
{
	char *end;
	u64 v = strtoull(s, &end, 0);

	if (!*s || *end)
		fatal(s, "not a number");
	return v;
}

static void report(const struct machine *m, bool stats)
{
	static const char * const names[] = { "80", "190", "post" };
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(m->post); n++)
		if (m->post[n] >= 0)
			fprintf(stderr, "image: last byte at port %s: %02x\n",
				names[n], m->post[n]);
	if (!stats)
		return;
	fprintf(stderr, "image: %llu boundaries\n",
		(unsigned long long)m->cpu.boundaries);
	for (n = 0; n < 1 << 16; n++)
		if (m->in[n] || m->out[n])
			fprintf(stderr, "image: port %x: %llu in, %llu out\n", n,
				(unsigned long long)m->in[n],
				(unsigned long long)m->out[n]);
}

static const char *exit_name(enum emu_exit e)
{
	switch (e) {
	case EMU_EXIT_HLT:
		return "HLT";
	case EMU_EXIT_SHUTDOWN:
		return "shutdown";
	case EMU_EXIT_BUDGET:
		return "limit reached";
	case EMU_EXIT_MEMORY:
		return "no memory";
	case EMU_EXIT_UNSUPPORTED:
		return "not modelled";
	default:
		return "unexpected exit";
	}
}

static int ended(struct machine *m, enum emu_exit e)
{
	const struct emu_state *st = &m->cpu.st;
	const struct emu_exit_info *x = &m->cpu.exit;
	unsigned int n;

	if (m->done)
		return m->status;
	fprintf(stderr, "image: %s at %04x:%llx, cr0 %llx", exit_name(e),
		st->segs.seg[EMU_CS].selector,
		(unsigned long long)st->regs.rip,
		(unsigned long long)st->ctrl.cr0);
	if (e == EMU_EXIT_UNSUPPORTED) {
		fprintf(stderr, ", instruction");
		for (n = 0; n < x->insn_len; n++)
			fprintf(stderr, " %02x", x->insn[n]);
	}
	fprintf(stderr, "\n");
	switch (e) {
	case EMU_EXIT_HLT:
		return ST_HLT;
	case EMU_EXIT_BUDGET:
		return ST_LIMIT;
	case EMU_EXIT_SHUTDOWN:
		return ST_SHUTDOWN;
	default:
		return ST_OTHER;
	}
}

/* The state alone must be enough to go on with. */
static void restart(struct machine *m, const char *cpu)
{
	struct emu_state st = m->cpu.st;
	u64 boundaries = m->cpu.boundaries;
	u32 flags = m->cpu.flags;

	emu_init(&m->cpu, &ops, m);
	m->cpu.flags = flags;
	m->cpu.boundaries = boundaries;
	set_cpu(m, cpu);
	memset(&m->cpu.config, 0, sizeof(m->cpu.config));
	m->cpu.st = st;
	emu_load(&m->cpu);
}

static enum emu_exit run(struct machine *m, const char *cpu, u64 budget, u64 every)
{
	u64 slice = min(budget, every), left = budget;
	enum emu_exit e;

	for (;;) {
		m->cpu.st.budget = min(slice, left);
		slice = m->cpu.st.budget;
		e = emu_run(&m->cpu);
		if (left != EMU_BUDGET_UNLIMITED)
			left -= slice - m->cpu.st.budget;
		if (m->done || (e != EMU_EXIT_HOST && e != EMU_EXIT_BUDGET) || !left)
			return e;
		if (e == EMU_EXIT_BUDGET)
			restart(m, cpu);
		slice = every;
	}
}

int main(int argc, char **argv)
{
	enum { RAM = 1, CPU, SHADOW, MAX, POST, STATS, TRACE, HOOKS, RESTART };
	static const struct option options[] = {
		{ "ram", required_argument, NULL, RAM },
		{ "cpu", required_argument, NULL, CPU },
		{ "shadow", no_argument, NULL, SHADOW },
		{ "max-insns", required_argument, NULL, MAX },
		{ "post", required_argument, NULL, POST },
		{ "stats", no_argument, NULL, STATS },
		{ "trace", no_argument, NULL, TRACE },
		{ "hooks", no_argument, NULL, HOOKS },
		{ "restart", required_argument, NULL, RESTART },
		{ }
	};
	struct machine *m = calloc(1, sizeof(*m));
	u64 budget = EMU_BUDGET_UNLIMITED, every = budget, ram = 16, low;
	const char *cpu = "max";
	bool stats = false, traced = false;
	enum emu_exit e;
	int c, status;

	if (!m)
		return 2;
	m->post_port = -1;
	memset(m->post, -1, sizeof(m->post));
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case RAM:
			ram = number(optarg);
			break;
		case CPU:
			cpu = optarg;
			break;
		case SHADOW:
			m->shadow = true;
			break;
		case MAX:
			budget = number(optarg);
			break;
		case POST:
			m->post_port = number(optarg) & 0xffff;
			break;
		case STATS:
			stats = true;
			break;
		case TRACE:
			traced = true;
			break;
		case HOOKS:
			m->hooks = true;
			break;
		case RESTART:
			every = number(optarg);
			break;
		default:
			free(m);
			return 2;
		}
	}
	if (optind != argc - 1 || ram < 1 || ram > 2048)
		fatal("usage", "image [OPTION]... ROM");
	load_rom(m, argv[optind]);
	m->ram_size = ram * MIB;
	m->ram = calloc(1, m->ram_size);
	if (!m->ram)
		fatal("ram", "not that much");
	low = min(m->rom_size, 2 * LOW_ROM);
	if (m->shadow)
		memcpy(m->ram + MIB - low, m->rom + m->rom_size - low, low);

	setvbuf(stdout, NULL, _IOLBF, 0);
	emu_init(&m->cpu, &ops, m);
	if (traced)
		m->cpu.flags |= EMU_WANT_STEPS;
	set_cpu(m, cpu);
	memset(&m->cpu.config, 0, sizeof(m->cpu.config));
	emu_load(&m->cpu);
	e = run(m, cpu, budget, every ? every : 1);
	fflush(stdout);
	status = ended(m, e);
	report(m, stats);
	free(m->ram);
	free(m->rom);
	free(m);
	return status;
}
