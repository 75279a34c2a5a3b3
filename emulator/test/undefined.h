/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flags that the manuals leave undefined, for comparisons with other CPUs.
 */
#ifndef EMU_TEST_UNDEFINED_H
#define EMU_TEST_UNDEFINED_H

#include "../flags.h"

enum when {
	ALWAYS,
	SHIFTED,		/* count not 0 */
	BY_MORE,		/* count over 1 */
	ALL_OUT,		/* count at or over the size in bits */
};

struct undefined {
	const char *name;	/* mnemonics */
	enum when when;
	u64 flags;
	const char *why;
};

extern const struct undefined undefined[];
extern const unsigned int nr_undefined;

/* Is @name one of the words of @list? */
bool in_list(const char *list, const char *name);

/**
 * undefined_of() - flags that are undefined after an instruction
 * @name: its mnemonic, or NULL
 * @count: of a shift, masked
 * @size: bytes of its first operand
 */
u64 undefined_of(const char *name, unsigned int count, unsigned int size);

#endif
