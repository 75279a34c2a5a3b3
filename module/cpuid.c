// SPDX-License-Identifier: GPL-2.0
/*
 * PIOTRAP_SET_CPUID, PIOTRAP_GET_CPUID: which CPU a sandbox has (K19).
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sandbox.h"

/* Entries are taken and given as they are. */
#define SAME_AT(abi, member, emu, theirs)				\
	static_assert(offsetof(struct abi, member) ==			\
		      offsetof(struct emu, theirs))
#define SAME(member...)							\
	SAME_AT(piotrap_cpuid_entry, member, emu_cpuid, member)

SAME(leaf);
SAME(subleaf);
SAME(eax);
SAME(ebx);
SAME(ecx);
SAME(edx);
static_assert(sizeof(struct piotrap_cpuid_entry) == sizeof(struct emu_cpuid));

#define SAME_VALUE(name)						\
	static_assert((int)PIOTRAP_CPUID_##name == (int)EMU_PRESET_##name)

SAME_VALUE(386);
SAME_VALUE(486);
SAME_VALUE(PENTIUM);
SAME_VALUE(686);
SAME_VALUE(X86_64);
SAME_VALUE(X86_64_V2);
SAME_VALUE(X86_64_V3);
static_assert((int)PIOTRAP_CPUID_X86_64_V3 + 1 == (int)EMU_NR_PRESETS);

static const struct emu_cpuid *preset_table(u32 preset, unsigned int *n)
{
	return emu_cpuid_preset(array_index_nospec(preset, EMU_NR_PRESETS), n);
}

static bool preset_valid(const struct piotrap_cpuid *arg)
{
	return arg->flags & PIOTRAP_CPUID_PRESET ?
		arg->preset < EMU_NR_PRESETS : !arg->preset;
}

static int set_table(struct sandbox *sb, const struct emu_cpuid *table,
		     unsigned int n)
{
	return emu_set_cpuid(&sb->cpu, table, n) ? -EINVAL : 0;
}

int cpuid_set(struct sandbox *sb, const struct piotrap_cpuid *arg)
{
	const struct emu_cpuid *preset;
	struct emu_cpuid *table;
	unsigned int n;
	int ret;

	if (!preset_valid(arg) || arg->count > EMU_CPUID_MAX)
		return -EINVAL;
	if (arg->flags & PIOTRAP_CPUID_PRESET) {
		if (arg->count)
			return -EINVAL;
		preset = preset_table(arg->preset, &n);
		return set_table(sb, preset, n);
	}
	if (!arg->count)
		return set_table(sb, NULL, 0);
	table = memdup_user(u64_to_user_ptr(arg->entries),
			    arg->count * sizeof(*table));
	if (IS_ERR(table))
		return PTR_ERR(table);
	ret = set_table(sb, table, arg->count);
	kfree(table);
	return ret;
}

int cpuid_get(struct sandbox *sb, const struct piotrap_cpuid *arg,
	      struct piotrap_cpuid __user *uarg)
{
	const struct emu_cpuid *table = sb->cpu.cpuid;
	unsigned int n = sb->cpu.nr_cpuid;

	if (!preset_valid(arg))
		return -EINVAL;
	if (arg->flags & PIOTRAP_CPUID_PRESET)
		table = preset_table(arg->preset, &n);
	if (n <= arg->count && copy_to_user(u64_to_user_ptr(arg->entries), table,
					    n * sizeof(*table)))
		return -EFAULT;
	if (put_user(n, &uarg->count))
		return -EFAULT;
	return n > arg->count ? -ENOSPC : 0;
}
