// SPDX-License-Identifier: GPL-2.0
/*
 * What each kind of CPU has (K19): instructions by preset, tables that are refused,
 * and what CPUID answers. And what an owner may change between two runs: the table,
 * but also permissions and registers.
 *
 * An instruction exists where it does not raise #UD. The first preset that has it is
 * written beside it, by hand and not from the opcode table.
 */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "modes.h"
#include "../handlers.h"

#define CODE	0x1000

static unsigned int nr, failed;

static void result(bool ok, const char *name, const char *why)
{
	printf("%sok %u %s%s%s\n", ok ? "" : "not ", ++nr, name, ok ? "" : ": ", ok ? "" : why);
	failed += !ok;
}

static struct host h;

static const char *const preset_name[EMU_NR_PRESETS] = {
	"386", "486", "pentium", "686", "x86-64", "x86-64-v2", "x86-64-v3",
};

/* The table at hand; a reset of the host forgets it. */
static const struct emu_cpuid *table;
static unsigned int nr_table;

static void reset(void)
{
	host_reset(&h);
	if (emu_set_cpuid(&h.cpu, table, nr_table)) {
		printf("Bail out! a table is refused\n");
		exit(1);
	}
}

static void use(enum emu_preset preset)
{
	table = emu_cpuid_preset(preset, &nr_table);
	reset();
}

enum mode { M16, M64, NR_MODES };

/* Real mode, or 64-bit mode at CPL 0 without paging. */
static void set_mode(enum mode mode)
{
	struct emu_state *st = &h.cpu.st;
	struct emu_segment *cs = &st->segs.seg[EMU_CS];

	if (mode == M64) {
		st->ctrl.efer = EMU_EFER_LME | EMU_EFER_LMA | EMU_EFER_SCE;
		st->ctrl.cr0 |= EMU_CR0_PE;
		st->ctrl.cr4 |= EMU_CR4_PAE | EMU_CR4_FSGSBASE | EMU_CR4_OSXSAVE;
		cs->attr = EMU_SEG_P | EMU_SEG_S | EMU_SEG_CODE | EMU_SEG_WRITABLE |
			   EMU_SEG_ACCESSED | EMU_SEG_L;
	}
	st->regs.gpr[EMU_RBX] = 0x2000;
	st->regs.gpr[EMU_RSI] = 0;
}

/* One instruction; a register in ModRM.rm is rBX, memory is at rBX. */
static bool undefined(enum mode mode, const u8 *code, unsigned int len)
{
	reset();
	host_code(&h, CODE, code, len);
	set_mode(mode);
	h.cpu.st.budget = 1;
	h.cpu.config.exit_exceptions = ~0U;
	emu_load(&h.cpu);
	emu_flush(&h.cpu);
	return emu_run(&h.cpu) == EMU_EXIT_EVENT && h.cpu.st.event.type == EMU_EV_EXCEPTION &&
	       h.cpu.st.event.vector == VEC_UD;
}

#define NEVER	EMU_NR_PRESETS

static const struct {
	const char *name;
	const char *code;
	unsigned int len;
	int first[NR_MODES];		/* preset, by mode */
} list[] = {
#define I(name, code, m16, m64) { name, code, sizeof(code) - 1, { m16, m64 } }
#define P(x)	EMU_PRESET_##x
	I("add", "\x01\xd8", P(386), P(386)),
	I("bt", "\x0f\xa3\xd8", P(386), P(386)),
	I("pause", "\xf3\x90", P(386), P(386)),
	I("lahf", "\x9f", P(386), P(X86_64_V2)),
	I("bswap", "\x66\x0f\xcb", P(486), P(486)),
	I("xadd", "\x0f\xc1\xdb", P(486), P(486)),
	I("cmpxchg", "\x0f\xb1\xdb", P(486), P(486)),
	I("invd", "\x0f\x08", P(486), P(486)),
	I("wbinvd", "\x0f\x09", P(486), P(486)),
	I("invlpg", "\x0f\x01\x3f", P(486), P(486)),
	I("cpuid", "\x0f\xa2", P(486), P(486)),
	I("rdtsc", "\x0f\x31", P(PENTIUM), P(PENTIUM)),
	I("rdmsr", "\x0f\x32", P(PENTIUM), P(PENTIUM)),
	I("wrmsr", "\x0f\x30", P(PENTIUM), P(PENTIUM)),
	I("cmpxchg8b", "\x0f\xc7\x0f", P(PENTIUM), P(PENTIUM)),
	I("cmove", "\x0f\x44\xdb", P(686), P(686)),
	I("long nop", "\x0f\x1f\xc0", P(686), P(686)),
	I("prefetcht0", "\x0f\x18\x0f", P(686), P(686)),
	I("endbr64", "\xf3\x0f\x1e\xfa", P(686), P(686)),
	I("rdpmc", "\x0f\x33", P(686), P(686)),
	I("sysenter", "\x0f\x34", P(686), P(686)),
	I("clflush", "\x0f\xae\x3f", P(X86_64), P(X86_64)),
	I("sfence", "\x0f\xae\xf8", P(X86_64), P(X86_64)),
	I("lfence", "\x0f\xae\xe8", P(X86_64), P(X86_64)),
	I("mfence", "\x0f\xae\xf0", P(X86_64), P(X86_64)),
	I("movnti", "\x0f\xc3\x1f", P(X86_64), P(X86_64)),
	I("prefetchw", "\x0f\x0d\x0f", P(X86_64), P(X86_64)),
	I("syscall", "\x0f\x05", NEVER, P(X86_64)),
	I("swapgs", "\x0f\x01\xf8", NEVER, P(X86_64)),
	I("popcnt", "\xf3\x0f\xb8\xdb", P(X86_64_V2), P(X86_64_V2)),
	I("crc32", "\xf2\x0f\x38\xf1\xdb", P(X86_64_V2), P(X86_64_V2)),
	I("cmpxchg16b, or dec ax", "\x48\x0f\xc7\x0f", P(386), P(X86_64_V2)),
	I("movbe", "\x0f\x38\xf0\x1f", P(X86_64_V3), P(X86_64_V3)),
	I("andn", "\xc4\xe2\x60\xf2\xdb", NEVER, P(X86_64_V3)),
	I("bextr", "\xc4\xe2\x60\xf7\xdb", NEVER, P(X86_64_V3)),
	I("pdep", "\xc4\xe2\x63\xf5\xdb", NEVER, P(X86_64_V3)),
	I("rorx", "\xc4\xe3\x7b\xf0\xdb\x01", NEVER, P(X86_64_V3)),
	I("adcx", "\x66\x0f\x38\xf6\xdb", P(X86_64_V3), P(X86_64_V3)),
	I("adox", "\xf3\x0f\x38\xf6\xdb", P(X86_64_V3), P(X86_64_V3)),
	I("rdtscp", "\x0f\x01\xf9", P(X86_64_V3), P(X86_64_V3)),
	I("rdpid", "\xf3\x0f\xc7\xfb", P(X86_64_V3), P(X86_64_V3)),
	I("rdfsbase", "\xf3\x0f\xae\xc3", NEVER, P(X86_64_V3)),
	I("clac", "\x0f\x01\xca", P(X86_64_V3), P(X86_64_V3)),
	I("clflushopt", "\x66\x0f\xae\x3f", P(X86_64_V3), P(X86_64_V3)),
	I("clwb", "\x66\x0f\xae\x37", P(X86_64_V3), P(X86_64_V3)),
	I("movdiri", "\x0f\x38\xf9\x1f", P(X86_64_V3), P(X86_64_V3)),
	I("tzcnt or bsf", "\xf3\x0f\xbc\xdb", P(386), P(386)),
	I("rdrand", "\x0f\xc7\xf3", NEVER, NEVER),
	I("rdseed", "\x0f\xc7\xfb", NEVER, NEVER),
	I("xgetbv", "\x0f\x01\xd0", NEVER, NEVER),
	I("xop", "\x8f\xe9\x78\x01\xcb", NEVER, NEVER),
	I("ud2", "\x0f\x0b", NEVER, NEVER),
	/* Not gated: their owner is to know. */
	I("x87", "\xd9\xe8", P(386), P(386)),
	I("sse", "\x0f\x58\xc0", P(386), P(386)),
	I("avx", "\xc5\xf8\x58\xc0", NEVER, P(386)),
	I("avx512", "\x62\xf1\x7c\x48\x58\xc0", NEVER, P(386)),
};

static void presets(void)
{
	unsigned int p, k, m;
	char why[200];
	bool ok;

	for (p = 0; p < EMU_NR_PRESETS; p++) {
		use(p);
		ok = true;
		for (k = 0; ok && k < ARRAY_SIZE(list); k++)
			for (m = 0; ok && m < NR_MODES; m++) {
				bool ud = undefined(m, (const u8 *)list[k].code, list[k].len);

				ok = ud == ((int)p < list[k].first[m]);
				sprintf(why, "%s is %s in %s mode", list[k].name,
					ud ? "#UD" : "there", m == M64 ? "64-bit" : "real");
			}
		result(ok, preset_name[p], why);
	}
}

/* A result of RBX for the source 0: the old instruction leaves the register alone. */
static u64 of_zero(const char *code)
{
	undefined(M64, (const u8 *)code, 4);
	return h.cpu.st.regs.gpr[EMU_RBX];
}

static void fallbacks(void)
{
	use(EMU_PRESET_X86_64_V2);
	result(of_zero("\xf3\x0f\xbc\xde") == 0x2000, "tzcnt is bsf", "it counts");
	result(of_zero("\xf3\x0f\xbd\xde") == 0x2000, "lzcnt is bsr", "it counts");
	use(EMU_PRESET_X86_64_V3);
	result(of_zero("\xf3\x0f\xbc\xde") == 32, "tzcnt counts", "it does not");
	result(of_zero("\xf3\x0f\xbd\xde") == 32, "lzcnt counts", "it does not");
}

/* The presets claim nothing that needs the state of FPU or vectors. */
static void no_vectors(void)
{
	/* FPU, MMX, FXSR, SSE, SSE2; SSE3 to FMA, SSE4.1, AES to F16C; AVX2, AVX-512, SHA */
	const u32 edx = 0x07800001, ecx = 0x3e081203, ebx = 0xfc230020;
	const struct emu_cpuid *t;
	unsigned int p, k, n;
	bool ok = true;

	for (p = 0; p < EMU_NR_PRESETS; p++) {
		t = emu_cpuid_preset(p, &n);
		for (k = 0; k < n; k++) {
			ok &= t[k].leaf != 1 || !(t[k].edx & edx || t[k].ecx & ecx);
			ok &= t[k].leaf != 7 || !(t[k].ebx & ebx);
		}
	}
	result(ok, "presets without vectors", "a bit of FPU or vectors is set");
}

static u64 cr4;
static u32 flags;

static bool answers(u32 leaf, u32 sub, u32 a, u32 b, u32 c, u32 d)
{
	struct emu_regs *r = &h.cpu.st.regs;

	reset();
	host_code(&h, CODE, (const u8 *)"\x0f\xa2", 2);
	h.cpu.st.ctrl.cr4 = cr4;
	h.cpu.flags = flags;
	r->gpr[EMU_RAX] = leaf;
	r->gpr[EMU_RCX] = sub;
	h.cpu.st.budget = 1;
	emu_load(&h.cpu);
	emu_run(&h.cpu);
	return r->gpr[EMU_RAX] == a && r->gpr[EMU_RBX] == b && r->gpr[EMU_RCX] == c &&
	       r->gpr[EMU_RDX] == d;
}

static void lookup(void)
{
	static const struct emu_cpuid some[] = {
		{ 0, 0, 0xb, 2, 3, 4 },
		{ 1, 0, 0x600, 0, BIT(27), 0 },
		{ 2, 0, 0x22, 0, 0, 0 },
		{ 4, 0, 0x40, 0, 0, 0 },
		{ 4, 1, 0x41, 0, 0, 0 },
		{ 0xb, 0, 1, 2, 0x100, 9 },
		{ 0xb, 1, 4, 2, 0x201, 9 },
		{ 0x40000000, 0, 0x40000000, 7, 7, 7 },
		{ 0x80000000, 0, 0x80000001, 0, 0, 0 },
		{ 0x80000001, 0, 0, 0, 1, BIT(11) | BIT(29) },
	};

	table = some;
	nr_table = ARRAY_SIZE(some);
	result(answers(2, 5, 0x22, 0, 0, 0), "a leaf without subleaves ignores ECX", "it does not");
	result(answers(4, 1, 0x41, 0, 0, 0) && answers(4, 2, 0, 0, 0, 0),
	       "a leaf with subleaves does not", "it does");
	result(answers(3, 0, 0, 0, 0, 0), "a leaf that is left out is zeros", "it is not");
	result(answers(0xc, 1, 4, 2, 0x201, 9) && answers(0x80000002, 0, 1, 2, 0x100, 9) &&
	       answers(0x40000001, 0, 1, 2, 0x100, 9), "above its range: the last basic leaf",
	       "another");
	result(answers(0xb, 7, 0, 0, 7, 9), "topology names the CPU at every level", "it does not");
	result(answers(0x40000000, 0, 0x40000000, 7, 7, 7), "a leaf out of range can be given",
	       "it is not found");
	result(answers(0x80000001, 0, 0, 0, 1, BIT(29)), "SYSCALL is shown in 64-bit mode only",
	       "it is shown");
	result(answers(1, 0, 0x600, 0, 0, 0), "OSXSAVE is CR4's: clear", "it is set");
	cr4 = EMU_CR4_OSXSAVE;
	result(answers(1, 0, 0x600, 0, BIT(27), 0), "OSXSAVE is CR4's: set", "it is clear");
	flags = EMU_VENDOR_AMD;
	result(answers(0xc, 1, 0, 0, 0, 0) && answers(0x80000001, 0, 0, 0, 1, BIT(11) | BIT(29)),
	       "AMD: zeros above the range, SYSCALL always", "not so");
}

static void tables(void)
{
	static struct emu_cpuid t[EMU_CPUID_MAX + 1];
	unsigned int k;

	for (k = 0; k <= EMU_CPUID_MAX; k++)
		t[k].leaf = 0x1000 + k;
	use(EMU_PRESET_PENTIUM);
	result(emu_set_cpuid(&h.cpu, t, EMU_CPUID_MAX + 1) &&
	       emu_has(&h.cpu, EMU_FEAT_TSC), "65 entries are refused", "they are not");
	result(!emu_set_cpuid(&h.cpu, t, EMU_CPUID_MAX), "64 entries fit", "they do not");
	t[40].leaf = t[3].leaf;
	result(emu_set_cpuid(&h.cpu, t, EMU_CPUID_MAX), "a pair twice is refused", "it is not");
	t[40].subleaf = 1;
	result(!emu_set_cpuid(&h.cpu, t, EMU_CPUID_MAX), "another subleaf is another pair",
	       "it is not");
	result(h.cpu.phys_bits == 32, "32 bits of physical address by default", "not so");
	use(EMU_PRESET_686);
	result(h.cpu.phys_bits == 36, "36 with PAE", "not so");
	t[0] = (struct emu_cpuid){ .leaf = 0x80000008, .eax = 60 };
	emu_set_cpuid(&h.cpu, t, 1);
	result(h.cpu.phys_bits == 52, "52 at most", "not so");
	t[0].eax = 20;
	emu_set_cpuid(&h.cpu, t, 1);
	result(h.cpu.phys_bits == 32, "32 at least", "not so");
	result(!emu_set_cpuid(&h.cpu, NULL, 0) && h.cpu.features == 1, "no table is a 386",
	       "it has features");
}

/* A table that brings or takes DBEXT changes breakpoints that are armed (S83). */
static void masks(void)
{
	static const struct emu_cpuid with[] = {
		{ .leaf = 0, .eax = 1 },
		{ .leaf = 1, .eax = 0x600 },
		{ .leaf = 0x80000000, .eax = 0x80000001 },
		{ .leaf = 0x80000001, .ecx = BIT(26) },
	};
	static const u8 code[] = { 0xa0, 0x05, 0x20, 0xf4 };
	unsigned int n;
	bool ok = true;

	for (n = 0; n < 2; n++) {
		use(EMU_PRESET_686);
		h.cpu.flags = EMU_VENDOR_AMD;
		h.cpu.config.exit_exceptions = ~0U;
		host_code(&h, CODE, code, sizeof(code));
		h.cpu.st.debug.dr[0] = 0x2000;
		h.cpu.st.debug.dr7 = 0x30402;
		h.cpu.st.debug.dr_mask[0] = 0xf;
		emu_load(&h.cpu);
		if (n)
			emu_set_cpuid(&h.cpu, with, ARRAY_SIZE(with));
		ok &= emu_run(&h.cpu) == (n ? EMU_EXIT_EVENT : EMU_EXIT_HLT);
	}
	h.cpu.flags = 0;
	result(ok, "S83 a table with DBEXT counts at once", "it did not");
}

/* Bits of CR0 and of the flags that came later do not exist: writing them is nothing. */
static void missing_bits(void)
{
	/* mov cr0, eax; push ecx; popfd; pushfd; pop edx; hlt */
	static const u8 code[] = { 0x0f, 0x22, 0xc0, 0x66, 0x51, 0x66, 0x9d, 0x66, 0x9c,
				   0x66, 0x5a, 0xf4 };
	const u32 cr0 = EMU_CR0_ET | EMU_CR0_NE | EMU_CR0_WP | EMU_CR0_AM | EMU_CR0_CD;
	const u32 fl = EMU_FL_AC | EMU_FL_ID | EMU_FL_CF | 2;
	unsigned int n;
	bool ok;

	for (n = 0; n < 2; n++) {
		use(n ? EMU_PRESET_PENTIUM : EMU_PRESET_386);
		host_code(&h, CODE, code, sizeof(code));
		h.cpu.st.regs.gpr[EMU_RAX] = cr0;
		h.cpu.st.regs.gpr[EMU_RCX] = fl;
		h.cpu.st.budget = 20;
		emu_load(&h.cpu);
		ok = emu_run(&h.cpu) == EMU_EXIT_HLT &&
		     h.cpu.st.ctrl.cr0 == (n ? cr0 : EMU_CR0_ET) &&
		     h.cpu.st.regs.gpr[EMU_RDX] == (n ? fl : EMU_FL_CF | 2);
		result(ok, n ? "K19 a Pentium has CR0.NE to CD, AC and ID" :
			       "K19 a 386 has none of them", "it is not so");
	}
}

/* #UD, #GP or none (0), of XGETBV or XSETBV with these in ECX and EDX:EAX. */
static unsigned int raises(const char *code, u32 ecx, u64 val)
{
	struct emu_state *st = &h.cpu.st;

	reset();
	host_code(&h, CODE, (const u8 *)code, 3);
	h.cpu.config.exit_exceptions = ~0U;
	st->ctrl.cr4 = cr4;
	st->regs.gpr[EMU_RCX] = ecx;
	st->regs.gpr[EMU_RAX] = (u32)val;
	st->regs.gpr[EMU_RDX] = val >> 32;
	st->budget = 1;
	emu_load(&h.cpu);
	return emu_run(&h.cpu) == EMU_EXIT_EVENT ? st->event.vector : 0;
}

/* XCR0, on a CPU that no preset is. */
static void xsave(void)
{
	static const struct emu_cpuid with[] = {
		{ .leaf = 0, .eax = 1 },
		{ .leaf = 1, .eax = 0x600, .ecx = BIT(26) },
	};
	static const char get[] = "\x0f\x01\xd0", set[] = "\x0f\x01\xd1";

	table = with;
	nr_table = ARRAY_SIZE(with);
	cr4 = 0;
	result(raises(get, 0, 0) == VEC_UD && raises(set, 0, 1) == VEC_UD,
	       "K19 XGETBV and XSETBV want CR4.OSXSAVE", "they do not");
	cr4 = EMU_CR4_OSXSAVE;
	result(!raises(get, 0, 0) && h.cpu.st.regs.gpr[EMU_RAX] == 1 &&
	       !h.cpu.st.regs.gpr[EMU_RDX], "XCR0 is 1", "it is not");
	result(!raises(set, 0, 1), "XCR0 can be set to 1", "it cannot");
	result(raises(set, 0, 3) == VEC_GP && raises(set, 0, 1ULL << 32 | 1) == VEC_GP,
	       "XCR0 has no other bit", "it has");
	result(raises(get, 1, 0) == VEC_GP && raises(set, 1, 1) == VEC_GP,
	       "no other XCR", "there is");
}

/* One that has left for its access, and that the CPU it goes on in does not have (K6). */
static void under_way(void)
{
	static const u8 code[] = { 0x0f, 0x38, 0xf0, 0x06, 0x00, 0x30, 0xf4 };
	unsigned int n;
	bool ok = true;

	for (n = 0; n < 2; n++) {
		use(EMU_PRESET_X86_64_V3);
		host_code(&h, CODE, code, sizeof(code));
		h.mmio_first = 0x3000;
		h.mmio_last = 0x3fff;
		h.cpu.config.exit_exceptions = ~0U;
		h.cpu.st.budget = 2;
		emu_load(&h.cpu);
		ok &= emu_run(&h.cpu) == EMU_EXIT_IO && h.cpu.st.progress.insn_len;
		table = emu_cpuid_preset(n ? EMU_PRESET_X86_64 : EMU_PRESET_X86_64_V3,
					 &nr_table);
		emu_set_cpuid(&h.cpu, table, nr_table);
		h.cpu.st.io.done = h.cpu.st.io.count;
		h.cpu.st.io_data[0] = 0x12;
		h.cpu.st.io_data[1] = 0x34;
		if (!n) {
			ok &= emu_run(&h.cpu) == EMU_EXIT_HLT &&
			      h.cpu.st.regs.gpr[EMU_RAX] == 0x1234;
			continue;
		}
		ok &= emu_run(&h.cpu) == EMU_EXIT_EVENT && h.cpu.st.event.vector == VEC_UD &&
		      h.cpu.st.regs.rip == CODE && !h.cpu.st.progress.insn_len &&
		      !h.cpu.st.io.kind && !h.cpu.st.regs.gpr[EMU_RAX];
	}
	h.mmio_last = 0;
	result(ok, "K6 an instruction under way that is not there any more is undefined",
	       "it is not");
}

/* Permission that the owner gives or takes counts, though no more is said to be new. */
static void registers_alone(void)
{
	/* next: out dx, al; jmp short next */
	static const u8 code[] = { 0xee, 0xeb, 0xfd };
	struct emu_state *st = &h.cpu.st;
	enum emu_exit ex;

	use(EMU_PRESET_X86_64_V3);
	host_code(&h, CODE, code, sizeof(code));
	mode_set(&h, "ring3", 0x4000);
	st->regs.rflags |= EMU_FL_IOPL;
	st->regs.gpr[EMU_RDX] = 0x80;
	h.cpu.config.exit_exceptions = ~0U;
	st->budget = 40;
	h.bulk = true;
	h.quick = 0;
	emu_load(&h.cpu);
	emu_flush(&h.cpu);
	ex = emu_run(&h.cpu);
	result(ex == EMU_EXIT_BUDGET && h.quick > 10, "K4 with IOPL 3 ports are quick",
	       "they are not");
	st->regs.rflags &= ~EMU_FL_IOPL;
	st->budget = 40;
	h.quick = 0;
	emu_load_groups(&h.cpu, EMU_GROUP_REGS);
	ex = emu_run(&h.cpu);
	h.bulk = false;
	result(ex == EMU_EXIT_EVENT && st->event.vector == VEC_GP && !h.quick,
	       "K4 IOPL that the owner lowers counts at once", "it does not");
}

/* All that an access of the owner's wants, the last element last. */
static enum emu_exit answer(void)
{
	struct emu_io *io = &h.cpu.st.io;
	unsigned int n;

	for (n = 0; n < io->count; n++)
		h.cpu.st.io_data[n] = 0x41 + n;
	io->done = io->count;
	return emu_run(&h.cpu);
}

/* A REP that is sent elsewhere between what it has asked for and the answer (K6). */
static void elsewhere(void)
{
	static const u8 code[] = { 0xf3, 0xac, 0xf4 };
	struct emu_state *st = &h.cpu.st;
	bool ok;

	use(EMU_PRESET_X86_64_V3);
	host_code(&h, CODE, code, sizeof(code));
	h.mmio_first = 0x3000;
	h.mmio_last = 0x3fff;
	st->regs.gpr[EMU_RCX] = 8;
	st->regs.gpr[EMU_RSI] = 0x3000;
	st->budget = 20;
	emu_load(&h.cpu);
	ok = emu_run(&h.cpu) == EMU_EXIT_IO && st->io.addr == 0x3000 && st->io.count == 8;
	st->regs.gpr[EMU_RSI] = 0x3100;
	emu_load_groups(&h.cpu, EMU_GROUP_REGS);
	ok &= answer() == EMU_EXIT_IO && st->io.addr == 0x3100 && st->io.count == 8 &&
	      st->regs.gpr[EMU_RCX] == 8 && st->regs.gpr[EMU_RSI] == 0x3100 &&
	      !st->regs.gpr[EMU_RAX];
	result(ok, "K6 answers to what is not wanted any more are dropped", "they are not");
	result(answer() == EMU_EXIT_HLT && !st->regs.gpr[EMU_RCX] &&
	       st->regs.gpr[EMU_RSI] == 0x3108 && st->regs.gpr[EMU_RAX] == 0x48,
	       "K6 ... and it goes on with those to what is", "it does not");
	h.mmio_last = 0;
}

int main(void)
{
	host_init(&h);
	presets();
	fallbacks();
	no_vectors();
	lookup();
	tables();
	masks();
	missing_bits();
	xsave();
	under_way();
	registers_alone();
	elsewhere();
	printf("1..%u\n", nr);
	host_free(&h);
	return failed;
}
