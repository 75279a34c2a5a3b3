// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: the owner's table, what it says can be used, and tables made ready
 * (K19).
 */
#include "handlers.h"
#include "quick.h"

#define BASIC		0u
#define EXTENDED	0x80000000u

/* "GenuineIntel" */
#define VENDOR		.ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69

/* Leaf 1 */
#define ECX_SSE42	BIT(20)
#define ECX_OSXSAVE	BIT(27)
#define EDX_486		0
#define EDX_PENTIUM	(BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(8))
#define EDX_686		(EDX_PENTIUM | BIT(6) | BIT(11) | BIT(13) | BIT(15) | \
			 BIT(16) | BIT(17))
#define EDX_64		(EDX_686 | BIT(19))
/* CX16, CRC32, POPCNT; SSE4.2 is claimed for CRC32 alone, without vectors. */
#define ECX_V2		(BIT(13) | ECX_SSE42 | BIT(23))
#define ECX_V3		(ECX_V2 | BIT(22))

/* Leaf 80000001h: SYSCALL, NX, LM */
#define EXT_SYSCALL	BIT(11)
#define EXT_EDX_64	(EXT_SYSCALL | BIT(20) | BIT(29))

#define SIZES		{ .leaf = 0x80000008, .eax = 0x3028 }

static const struct emu_cpuid i486[] = {
	{ .leaf = 0, .eax = 1, VENDOR },
	{ .leaf = 1, .eax = 0x480, .edx = EDX_486 },
};

static const struct emu_cpuid pentium[] = {
	{ .leaf = 0, .eax = 1, VENDOR },
	{ .leaf = 1, .eax = 0x52c, .edx = EDX_PENTIUM },
};

static const struct emu_cpuid i686[] = {
	{ .leaf = 0, .eax = 1, VENDOR },
	{ .leaf = 1, .eax = 0x633, .edx = EDX_686 },
};

static const struct emu_cpuid x86_64[] = {
	{ .leaf = 0, .eax = 1, VENDOR },
	{ .leaf = 1, .eax = 0x600, .edx = EDX_64 },
	{ .leaf = 0x80000000, .eax = 0x80000008 },
	{ .leaf = 0x80000001, .edx = EXT_EDX_64 },
	SIZES,
};

static const struct emu_cpuid x86_64_v2[] = {
	{ .leaf = 0, .eax = 1, VENDOR },
	{ .leaf = 1, .eax = 0x600, .ecx = ECX_V2, .edx = EDX_64 },
	{ .leaf = 0x80000000, .eax = 0x80000008 },
	/* LAHF in 64-bit mode */
	{ .leaf = 0x80000001, .ecx = BIT(0), .edx = EXT_EDX_64 },
	SIZES,
};

static const struct emu_cpuid x86_64_v3[] = {
	{ .leaf = 0, .eax = 7, VENDOR },
	{ .leaf = 1, .eax = 0x600, .ecx = ECX_V3, .edx = EDX_64 },
	/* FSGSBASE, BMI1, SMEP, BMI2, INVPCID, ADX, SMAP, CLFLUSHOPT, CLWB */
	{ .leaf = 7,
	  .ebx = BIT(0) | BIT(3) | BIT(7) | BIT(8) | BIT(10) | BIT(19) |
		 BIT(20) | BIT(23) | BIT(24),
	  /* UMIP, RDPID, MOVDIRI */
	  .ecx = BIT(2) | BIT(22) | BIT(27) },
	{ .leaf = 0x80000000, .eax = 0x80000008 },
	/* LAHF in 64-bit mode, LZCNT, PREFETCHW; and 1 GiB pages, RDTSCP */
	{ .leaf = 0x80000001, .ecx = BIT(0) | BIT(5) | BIT(8),
	  .edx = EXT_EDX_64 | BIT(26) | BIT(27) },
	SIZES,
};

static const struct {
	const struct emu_cpuid *table;
	unsigned int n;
} presets[EMU_NR_PRESETS] = {
	[EMU_PRESET_486] = { i486, ARRAY_SIZE(i486) },
	[EMU_PRESET_PENTIUM] = { pentium, ARRAY_SIZE(pentium) },
	[EMU_PRESET_686] = { i686, ARRAY_SIZE(i686) },
	[EMU_PRESET_X86_64] = { x86_64, ARRAY_SIZE(x86_64) },
	[EMU_PRESET_X86_64_V2] = { x86_64_v2, ARRAY_SIZE(x86_64_v2) },
	[EMU_PRESET_X86_64_V3] = { x86_64_v3, ARRAY_SIZE(x86_64_v3) },
};

const struct emu_cpuid *emu_cpuid_preset(enum emu_preset preset, unsigned int *n)
{
	*n = presets[preset].n;
	return presets[preset].table;
}

enum cpuid_reg { EAX, EBX, ECX, EDX };

/* Features that are a bit of the table. */
static const struct {
	u8 feature;
	u8 reg;
	u8 bit;
	u32 leaf;
} feature_bits[] = {
	{ EMU_FEAT_VME, EDX, 1, 1 },
	{ EMU_FEAT_DE, EDX, 2, 1 },
	{ EMU_FEAT_PSE, EDX, 3, 1 },
	{ EMU_FEAT_TSC, EDX, 4, 1 },
	{ EMU_FEAT_MSR, EDX, 5, 1 },
	{ EMU_FEAT_PAE, EDX, 6, 1 },
	{ EMU_FEAT_CX8, EDX, 8, 1 },
	{ EMU_FEAT_SEP, EDX, 11, 1 },
	{ EMU_FEAT_PGE, EDX, 13, 1 },
	{ EMU_FEAT_CMOV, EDX, 15, 1 },
	{ EMU_FEAT_PAT, EDX, 16, 1 },
	{ EMU_FEAT_PSE36, EDX, 17, 1 },
	{ EMU_FEAT_CLFLUSH, EDX, 19, 1 },
	{ EMU_FEAT_FXSR, EDX, 24, 1 },
	{ EMU_FEAT_SSE, EDX, 25, 1 },
	{ EMU_FEAT_SSE2, EDX, 26, 1 },
	{ EMU_FEAT_CX16, ECX, 13, 1 },
	{ EMU_FEAT_SSE42, ECX, 20, 1 },
	{ EMU_FEAT_MOVBE, ECX, 22, 1 },
	{ EMU_FEAT_POPCNT, ECX, 23, 1 },
	{ EMU_FEAT_XSAVE, ECX, 26, 1 },
	{ EMU_FEAT_RDRAND, ECX, 30, 1 },
	{ EMU_FEAT_FSGSBASE, EBX, 0, 7 },
	{ EMU_FEAT_BMI1, EBX, 3, 7 },
	{ EMU_FEAT_SMEP, EBX, 7, 7 },
	{ EMU_FEAT_BMI2, EBX, 8, 7 },
	{ EMU_FEAT_INVPCID, EBX, 10, 7 },
	{ EMU_FEAT_RDSEED, EBX, 18, 7 },
	{ EMU_FEAT_ADX, EBX, 19, 7 },
	{ EMU_FEAT_SMAP, EBX, 20, 7 },
	{ EMU_FEAT_CLFLUSHOPT, EBX, 23, 7 },
	{ EMU_FEAT_CLWB, EBX, 24, 7 },
	{ EMU_FEAT_UMIP, ECX, 2, 7 },
	{ EMU_FEAT_RDPID, ECX, 22, 7 },
	{ EMU_FEAT_BUS_LOCK, ECX, 24, 7 },
	{ EMU_FEAT_MOVDIRI, ECX, 27, 7 },
	{ EMU_FEAT_LAHF64, ECX, 0, 0x80000001 },
	{ EMU_FEAT_LZCNT, ECX, 5, 0x80000001 },
	{ EMU_FEAT_PREFETCHW, ECX, 8, 0x80000001 },
	{ EMU_FEAT_XOP, ECX, 11, 0x80000001 },
	{ EMU_FEAT_SYSCALL, EDX, 11, 0x80000001 },
	{ EMU_FEAT_NX, EDX, 20, 0x80000001 },
	{ EMU_FEAT_PAGE1GB, EDX, 26, 0x80000001 },
	{ EMU_FEAT_RDTSCP, EDX, 27, 0x80000001 },
	{ EMU_FEAT_LM, EDX, 29, 0x80000001 },
	{ EMU_FEAT_DBEXT, ECX, 26, 0x80000001 },
};

static const struct emu_cpuid *find(const struct emu *cpu, u32 leaf, u32 subleaf)
{
	unsigned int n;

	for (n = 0; n < cpu->nr_cpuid; n++)
		if (cpu->cpuid[n].leaf == leaf &&
		    cpu->cpuid[n].subleaf == subleaf)
			return &cpu->cpuid[n];
	return NULL;
}

static u32 reg_of(const struct emu *cpu, u32 leaf, enum cpuid_reg reg)
{
	const struct emu_cpuid *c = find(cpu, leaf, 0);

	if (!c)
		return 0;
	return reg == EAX ? c->eax : reg == EBX ? c->ebx :
	       reg == ECX ? c->ecx : c->edx;
}

/*
 * The integer instructions that came with SSE, SSE2 and 3DNow! belong to every
 * 64-bit CPU, also to one whose table claims no vectors.
 */
static u64 implied_features(u64 f, u32 signature)
{
	bool lm = f >> EMU_FEAT_LM & 1;

	if (lm || f >> EMU_FEAT_SSE & 1)
		f |= BIT_ULL(EMU_FEAT_SFENCE);
	if (lm || f >> EMU_FEAT_SSE2 & 1)
		f |= BIT_ULL(EMU_FEAT_LFENCE);
	if (lm || (signature >> 8 & 0xf) >= 6)
		f |= BIT_ULL(EMU_FEAT_LONG_NOP);
	if (lm)
		f |= BIT_ULL(EMU_FEAT_PREFETCHW);
	return f;
}

static u64 features(const struct emu *cpu)
{
	u64 f = BIT_ULL(EMU_FEAT_ALWAYS);
	unsigned int n;

	if (!cpu->nr_cpuid)
		return f;
	f |= BIT_ULL(EMU_FEAT_486) | BIT_ULL(EMU_FEAT_CPUID);
	for (n = 0; n < ARRAY_SIZE(feature_bits); n++)
		if (reg_of(cpu, feature_bits[n].leaf, feature_bits[n].reg) >>
		    feature_bits[n].bit & 1)
			f |= BIT_ULL(feature_bits[n].feature);
	return implied_features(f, reg_of(cpu, 1, EAX));
}

static u32 phys_bits(const struct emu *cpu)
{
	u32 bits = reg_of(cpu, 0x80000008, EAX) & 0xff;

	if (!bits)
		return emu_has(cpu, EMU_FEAT_PAE) ? 36 : 32;
	return bits < 32 ? 32 : bits > 52 ? 52 : bits;
}

const char *emu_set_cpuid(struct emu *cpu, const struct emu_cpuid *table,
			  unsigned int n)
{
	unsigned int a, b;

	BUILD_BUG_ON(EMU_NR_FEATURES > 64);
	if (n > EMU_CPUID_MAX)
		return "cpuid: at most 64 entries";
	for (a = 0; a < n; a++)
		for (b = 0; b < a; b++)
			if (table[a].leaf == table[b].leaf &&
			    table[a].subleaf == table[b].subleaf)
				return "cpuid: each pair of leaf and subleaf once";
	if (n)
		memcpy(cpu->cpuid, table, n * sizeof(*table));
	cpu->nr_cpuid = n;
	cpu->features = features(cpu);
	cpu->phys_bits = phys_bits(cpu);
	/* Code may mean something else now. */
	emu_blocks_drop(cpu);
	emu_recent_drop(cpu);
	/* Address masks of breakpoints hang on DBEXT. */
	emu_debug_arm(cpu);
	return NULL;
}

/* Leaves in which ECX counts even where the table has no more than one entry. */
static bool has_subleaves(u32 leaf)
{
	switch (leaf) {
	case 0x04:
	case 0x07:
	case 0x0b:
	case 0x0d:
	case 0x0f:
	case 0x10:
	case 0x12:
	case 0x14:
	case 0x17:
	case 0x18:
	case 0x1d:
	case 0x1e:
	case 0x1f:
	case 0x20:
	case 0x23:
	case 0x24:
	case 0x8000001d:
	case 0x80000020:
	case 0x80000026:
		return true;
	default:
		return false;
	}
}

static const struct emu_cpuid *lookup(const struct emu *cpu, u32 leaf, u32 sub)
{
	const struct emu_cpuid *c = find(cpu, leaf, sub);

	return c || has_subleaves(leaf) ? c : find(cpu, leaf, 0);
}

/* Is it above the last leaf of its range? The table may still have it. */
static bool out_of_range(const struct emu *cpu, u32 leaf)
{
	if (leaf >= EXTENDED)
		return leaf > max(reg_of(cpu, EXTENDED, EAX), EXTENDED - 1);
	return leaf > reg_of(cpu, BASIC, EAX);
}

/*
 * A leaf that the table does not have: zeros within a range. Above it, an Intel CPU
 * gives the last basic leaf, with ECX if that one has subleaves, and an AMD CPU zeros.
 */
static void answer(const struct emu *cpu, u32 leaf, u32 sub,
		   struct emu_cpuid *out)
{
	const struct emu_cpuid *c = lookup(cpu, leaf, sub);

	if (!c && out_of_range(cpu, leaf) && !find(cpu, leaf, 0) &&
	    !(cpu->flags & EMU_VENDOR_AMD)) {
		leaf = reg_of(cpu, BASIC, EAX);
		c = lookup(cpu, leaf, sub);
	}
	memset(out, 0, sizeof(*out));
	if (c)
		*out = *c;
	out->leaf = leaf;
	/* Of topology, levels that there are not still name the CPU. */
	if (!c && (leaf == 0x0b || leaf == 0x1f) && find(cpu, leaf, 0)) {
		out->ecx = sub & 0xff;
		out->edx = reg_of(cpu, leaf, EDX);
	}
}

/* cpuid: some bits of the answer follow the state, not the table */
int em_cpuid(struct emu *cpu, const struct emu_insn *i)
{
	struct emu_cpuid c;

	answer(cpu, cpu->st.regs.gpr[EMU_RAX], cpu->st.regs.gpr[EMU_RCX], &c);
	if (c.leaf == 1) {
		c.ecx &= ~ECX_OSXSAVE;
		if (cpu->st.ctrl.cr4 & EMU_CR4_OSXSAVE)
			c.ecx |= ECX_OSXSAVE;
	}
	/* Intel has SYSCALL in 64-bit mode only, and says so. */
	if (c.leaf == 0x80000001 && !i->mode64 &&
	    !(cpu->flags & EMU_VENDOR_AMD))
		c.edx &= ~EXT_SYSCALL;
	gpr_set(cpu, EMU_RAX, 4, c.eax);
	gpr_set(cpu, EMU_RBX, 4, c.ebx);
	gpr_set(cpu, EMU_RCX, 4, c.ecx);
	gpr_set(cpu, EMU_RDX, 4, c.edx);
	return EMU_OK;
}

/* rdpid r: the operand is always 64 bits wide in 64-bit mode */
int em_rdpid(struct emu *cpu, const struct emu_insn *i)
{
	cpu->dst = (u32)cpu->st.ctrl.tsc_aux;
	return EMU_OK;
}
