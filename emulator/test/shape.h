/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs as points in a space of axes: mode, instruction, size, count, place of
 * the operand, breakpoints, shadow, fault, permission and so on. A shape makes one
 * start state; 0 is the plainest value of each axis, so that one which fails can
 * be shrunk by setting axes to 0.
 */
#ifndef EMU_TEST_SHAPE_H
#define EMU_TEST_SHAPE_H

#include "host.h"

#define SHAPE_MEM	0x14000		/* bytes of memory that programs reach */
#define OP_PROGRAM	9		/* A_OP: A_LEN instructions that trap or leave */
#define OP_PLAIN	10		/* 3 * A_LEN of those that blocks are made of */

enum axis {
	A_MODE, A_PAGING, A_OP, A_REP, A_SIZE, A_ADDR, A_COUNT, A_UPPER, A_DF,
	A_SEG, A_BASE, A_PLACE, A_AT, A_FAULT, A_TF, A_SHADOW, A_IOBP, A_DATABP,
	A_BPAT, A_BPLEN, A_CODEBP, A_WATCH, A_REGS, A_RF, A_PERM, A_IRQ, A_EVENTS,
	A_ANSWER, A_PORT, A_PAGES, A_STREAM, A_AMD, A_DISABLED, A_AC, A_IN,
	A_CROSS, A_BEFORE, A_AFTER, A_LEN, A_DROP, A_CHANGE, A_LIMIT, A_OTHER,
	NR_AXES
};

struct shape {
	u64 seed;		/* of bytes and instructions that no axis names */
	u16 v[NR_AXES];
};

/* How many values an axis has. */
unsigned int shape_values(enum axis a);
/* The shape of a number. */
void shape_draw(struct shape *s, u64 number);
/* @h at its start; all of its settings that matter are written. */
void shape_build(const struct shape *s, struct host *h);
/* "seed=5 mode=2 op=3": what is not 0. */
void shape_print(const struct shape *s, char *buf, unsigned int size);
/* False: it is none. */
bool shape_parse(struct shape *s, const char *text);

#endif
