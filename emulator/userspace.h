/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's headers give the emulator, for tests, fuzzing and benchmarks.
 */
#ifndef EMU_USERSPACE_H
#define EMU_USERSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#ifndef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#endif
#define noinline		__attribute__((__noinline__))
#define fallthrough		__attribute__((__fallthrough__))
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val)	(*(volatile __typeof__(x) *)&(x) = (val))
#define OPTIMIZER_HIDE_VAR(v)	__asm__("" : "+r" (v))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)
#define __aligned(n)		__attribute__((__aligned__(n)))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max(a, b)		((a) > (b) ? (a) : (b))
/* A build with retpolines sets it. */
#ifndef EMU_SLOW_JUMPS
#define EMU_SLOW_JUMPS		false
#endif
#define emu_slow_jumps()	EMU_SLOW_JUMPS
#define EMU_CPU_FEATURES	"userspace.h"

#define emu_index_nospec(index, size)	(index)

#endif /* EMU_USERSPACE_H */
