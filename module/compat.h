/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that differs between the kernels that this module builds for (6.1 and
 * later); each difference names the commit that made it.
 */
#ifndef PIOTRAP_COMPAT_H
#define PIOTRAP_COMPAT_H

#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/version.h>

/*
 * bc292ab00f6c ("mm: introduce vma->vm_flags wrapper functions"), 6.3: flags of
 * a VMA are not written directly any more.
 */
static inline void compat_vm_flags_set(struct vm_area_struct *vma,
				       unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

/*
 * 3652117f8548 ("eventfd: simplify eventfd_signal()"), 6.8: the count that was
 * always one is gone.
 */
static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

#endif /* PIOTRAP_COMPAT_H */
