/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ready-made surroundings of the modes beyond real mode: tables in memory and the
 * segment registers that go with them.
 */
#ifndef EMU_TEST_MODES_H
#define EMU_TEST_MODES_H

#include "host.h"

#define MODE_GDT	0x8000
#define MODE_TSS	0x9000	/* 32- or 64-bit; I/O bitmap at +68h, all ones */
#define MODE_IDT	0xa000	/* vector n to handlers + 16 * n */
#define MODE_TASK	0xb000	/* a second TSS of 32 bits, descriptor 38h */
#define MODE_TABLES	0x10000	/* page tables: 2 MiB, each page as itself */
#define MODE_STACK0	0x6f00	/* the TSS's stack for CPL 0 */

#define SEL_CODE0	0x08
#define SEL_DATA0	0x10
#define SEL_CODE3	0x18
#define SEL_DATA3	0x20
#define SEL_TSS		0x28	/* two descriptors long */
#define SEL_TASK	0x38
#define SEL_CODE16	0x40
#define SEL_CONFORMING	0x48
#define SEL_ROM		0x50	/* data that can only be read */
#define SEL_GATE	0x58	/* call gate to SEL_CODE0, DPL 3, at handlers */
#define SEL_TASK_GATE	0x68

/**
 * mode_set() - put the CPU of @h into a mode
 * @h: host, reset
 * @name: prot, prot16, ring3, v86, long, long3
 * @handlers: where the handlers of all vectors are, 16 bytes each; written
 *
 * RIP and the stack pointer stay. Return: false for a name that is none.
 */
bool mode_set(struct host *h, const char *name, u16 handlers);

/**
 * mode_page() - the page table entry of a page; paging is turned on
 * @h: host, in a mode
 * @lin: linear address, below 2 MiB
 *
 * Return: the entry.
 */
u64 *mode_page(struct host *h, u64 lin);

#endif
