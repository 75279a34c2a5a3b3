// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: the owner's table, what it says can be used, and tables made ready
 * (K19).
 */
#include "handlers.h"

static const struct emu_cpuid x86_64_v3[] = {
	{ 0, 0, 1, 0x756e6547, 0x6c65746e, 0x49656e69 },
	/* SSE4.2's CRC32, MOVBE, POPCNT; DE, TSC, MSR, CX8, CMOV */
	{ 1, 0, 0x600, 0, BIT(20) | BIT(22) | BIT(23),
	  BIT(2) | BIT(4) | BIT(5) | BIT(8) | BIT(15) },
};

const struct emu_cpuid *emu_cpuid_preset(enum emu_preset preset, unsigned int *n)
{
	*n = ARRAY_SIZE(x86_64_v3);
	return x86_64_v3;
}

const char *emu_set_cpuid(struct emu *cpu, const struct emu_cpuid *table,
			  unsigned int n)
{
	if (n > EMU_CPUID_MAX)
		return "cpuid: at most 64 entries";
	memcpy(cpu->cpuid, table, n * sizeof(*table));
	cpu->nr_cpuid = n;
	cpu->phys_bits = 40;
	cpu->features = ~BIT_ULL(EMU_FEAT_BUS_LOCK);
	return NULL;
}

int em_cpuid(struct emu *cpu, const struct emu_insn *i)
{
	u32 leaf = cpu->st.regs.gpr[EMU_RAX], sub = cpu->st.regs.gpr[EMU_RCX];
	struct emu_cpuid found = { 0 };
	unsigned int n;

	for (n = 0; n < cpu->nr_cpuid; n++)
		if (cpu->cpuid[n].leaf == leaf &&
		    (cpu->cpuid[n].subleaf == sub || !cpu->cpuid[n].subleaf))
			found = cpu->cpuid[n];
	gpr_set(cpu, EMU_RAX, 4, found.eax);
	gpr_set(cpu, EMU_RBX, 4, found.ebx);
	gpr_set(cpu, EMU_RCX, 4, found.ecx);
	gpr_set(cpu, EMU_RDX, 4, found.edx);
	return EMU_OK;
}
