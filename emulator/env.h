/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one header that knows whether this is a kernel.
 *
 * The emulator needs fixed-width types, mem*() and a handful of compiler
 * helpers, nothing else: no allocation, no locks, no printing, no libc.
 */
#ifndef EMU_ENV_H
#define EMU_ENV_H

/*
 * Does the compiler make a call in tail position a jump, whatever else it does? Of
 * gcc that is looked at (selftests/tail-calls.sh); instrumented for KCSAN or gcov (Kbuild
 * says so) it does not, as something follows each call, and others are not asked to.
 */
#ifndef EMU_TAIL_CALLS
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define EMU_TAIL_CALLS	true
#else
#define EMU_TAIL_CALLS	false
#endif
#endif

#ifdef __KERNEL__

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

/* Is each indirect jump a retpoline? Patched in as a constant; with what it needs. */
#define emu_slow_jumps()		cpu_feature_enabled(X86_FEATURE_RETPOLINE)
#define EMU_CPU_FEATURES		"asm/cpufeature.h"

#define emu_index_nospec(index, size)	array_index_nospec(index, size)

#else

#include "userspace.h"

#endif /* __KERNEL__ */

/* Write @val to the 16 aligned bytes at @p if @old is there, as one access. */
static inline bool emu_cmpxchg16(void *p, const u64 old[2], const u64 val[2])
{
	u64 lo = old[0], hi = old[1];
	bool done;

	asm volatile("lock cmpxchg16b %1"
		     : "=@ccz" (done), "+m" (*(u64 (*)[2])p), "+a" (lo), "+d" (hi)
		     : "b" (val[0]), "c" (val[1])
		     : "memory");
	return done;
}

#endif /* EMU_ENV_H */
