// SPDX-License-Identifier: GPL-2.0
/*
 * PIOTRAP_SET_WATCHES, PIOTRAP_GET_WATCHES: stops on accesses that the guest does
 * not see.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
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
	SAME_AT(piotrap_watch, member, emu_watch, member)

SAME(first);
SAME(last);
SAME(mask);
SAME(value);
SAME(skip);
SAME(space);
SAME(dirs);
SAME(when);
SAME(reserved);
static_assert(sizeof(struct piotrap_watch) == sizeof(struct emu_watch));
static_assert((int)PIOTRAP_WATCH_MEM == (int)EMU_WATCH_MEM);
static_assert((int)PIOTRAP_WATCH_BEFORE == (int)EMU_WATCH_BEFORE);
static_assert(PIOTRAP_WATCH_READ == EMU_WATCH_READ);
static_assert(PIOTRAP_WATCH_WRITE == EMU_WATCH_WRITE);

int watches_set(struct sandbox *sb, const struct piotrap_watches *arg)
{
	struct emu_watch *w;
	int ret;

	if (arg->count > EMU_WATCH_MAX)
		return -EINVAL;
	if (!arg->count)
		return emu_set_watches(&sb->cpu, NULL, 0) ? -EINVAL : 0;
	w = memdup_user(u64_to_user_ptr(arg->watches), arg->count * sizeof(*w));
	if (IS_ERR(w))
		return PTR_ERR(w);
	ret = emu_set_watches(&sb->cpu, w, arg->count) ? -EINVAL : 0;
	kfree(w);
	return ret;
}

int watches_get(struct sandbox *sb, const struct piotrap_watches *arg,
		struct piotrap_watches __user *uarg)
{
	unsigned int n = sb->cpu.nr_watches;

	if (n <= arg->count && copy_to_user(u64_to_user_ptr(arg->watches),
					    sb->cpu.watch,
					    n * sizeof(*sb->cpu.watch)))
		return -EFAULT;
	if (put_user(n, &uarg->count))
		return -EFAULT;
	return n > arg->count ? -ENOSPC : 0;
}
