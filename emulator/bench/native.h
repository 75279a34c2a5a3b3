/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BENCH_NATIVE_H
#define BENCH_NATIVE_H

#define NATIVE_GATE	0x5d000		/* guest memory: the way back to 64-bit code */
#define NATIVE_SP	0x5cff8		/* where the host's stack pointer is kept */
#define NATIVE_STACK	0x5fff0
#define NATIVE_CS32	0x23		/* Linux's selectors */
#define NATIVE_CS64	0x33
#define NATIVE_DS	0x2b

#ifndef __ASSEMBLER__

#include "bench.h"

extern const uint8_t native_gate[], native_gate_end[];

/* Call 32-bit code with ECX, EBX, EDX as in @regs; returns EAX. */
uint32_t native_call(uint32_t entry, const uint32_t regs[3]);

#endif

#endif /* BENCH_NATIVE_H */
