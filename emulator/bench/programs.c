// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that are timed as a compiler makes them, for a 32-bit guest without a
 * library. Each runs @n times and returns a number that depends on all it did.
 */
#include "programs.h"

#define NR_BYTES	256
#define NR_FLAGS	1024
#define NR_SORTED	128
#define NR_VARS		8

static unsigned int crc_table[256];
static unsigned char bytes[NR_BYTES];
static unsigned char composite[NR_FLAGS];
static unsigned int sorted[NR_SORTED];
static unsigned int var[NR_VARS];

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Byte loads, table lookups, shifts: CRC-32 of a buffer. */
unsigned int crc(unsigned int n)
{
	unsigned int i, bit, c, sum = 0;

	for (i = 0; i < 256; i++) {
		c = i;
		for (bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
		crc_table[i] = c;
	}
	for (i = 0; i < NR_BYTES; i++)
		bytes[i] = i * 13;
	for (; n; n--) {
		c = ~sum;
		for (i = 0; i < NR_BYTES; i++)
			c = c >> 8 ^ crc_table[(c ^ bytes[i]) & 0xff];
		sum = ~c;
	}
	return sum;
}

/* Short loops of byte stores, and branches that depend on what was stored. */
unsigned int sieve(unsigned int n)
{
	unsigned int i, j, sum = 0;

	for (; n; n--) {
		for (i = 0; i < NR_FLAGS; i++)
			composite[i] = 0;
		for (i = 2; i < NR_FLAGS; i++) {
			if (composite[i])
				continue;
			sum += i;
			for (j = i + i; j < NR_FLAGS; j += i)
				composite[j] = 1;
		}
	}
	return sum;
}

/* Calls and the stack, compares: quicksort, recursive on the lesser part. */
static void __attribute__((__noinline__)) sort_range(unsigned int *a,
						     unsigned int len)
{
	while (len > 1) {
		unsigned int pivot = a[(len - 1) / 2], i = 0, j = len - 1, swap;

		for (;; i++, j--) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i >= j)
				break;
			swap = a[i];
			a[i] = a[j];
			a[j] = swap;
		}
		j++;
		if (j < len - j) {
			sort_range(a, j);
			a += j;
			len -= j;
		} else {
			sort_range(a + j, len - j);
			len = j;
		}
	}
}

unsigned int sort(unsigned int n)
{
	unsigned int i, sum = 0, seed;

	for (; n; n--) {
		seed = 1;
		for (i = 0; i < NR_SORTED; i++)
			sorted[i] = next_random(&seed);
		sort_range(sorted, NR_SORTED);
		for (i = 0; i < NR_SORTED; i += 16)
			sum = sum * 31 + sorted[i];
	}
	return sum;
}

/* Indirect jumps: an interpreter of bytes, that runs Collatz sequences. */
enum { LOAD, COPY, HALVE, TRIPLE, ADD, DECREMENT, IF_EVEN, IF_ONE, IF_ZERO, GOTO, STOP };

static const unsigned char program[] = {
	/* 0 */		LOAD, 0, 12,		/* v0: where to start */
	/* 3 */		LOAD, 2, 0,		/* v2: steps in all */
	/* 6 */		LOAD, 3, 1,
	/* 9 */		COPY, 1, 0,
	/* 12 */	IF_ONE, 1, 29,
	/* 15 */	ADD, 2, 3,
	/* 18 */	IF_EVEN, 1, 25,
	/* 21 */	TRIPLE, 1,
	/* 23 */	GOTO, 12,
	/* 25 */	HALVE, 1,
	/* 27 */	GOTO, 12,
	/* 29 */	DECREMENT, 0,
	/* 31 */	IF_ZERO, 0, 36,
	/* 34 */	GOTO, 9,
	/* 36 */	STOP,
};

unsigned int interp(unsigned int n)
{
	const volatile unsigned char *code = program;
	unsigned int pc, sum = 0;

	for (; n; n--) {
		for (pc = 0; code[pc] != STOP;) {
			unsigned int a = code[pc + 1] % NR_VARS, b = code[pc + 2];

			switch (code[pc]) {
			case LOAD:
				var[a] = b;
				pc += 3;
				break;
			case COPY:
				var[a] = var[b % NR_VARS];
				pc += 3;
				break;
			case HALVE:
				var[a] >>= 1;
				pc += 2;
				break;
			case TRIPLE:
				var[a] = 3 * var[a] + 1;
				pc += 2;
				break;
			case ADD:
				var[a] += var[b % NR_VARS];
				pc += 3;
				break;
			case DECREMENT:
				var[a]--;
				pc += 2;
				break;
			case IF_EVEN:
				pc = var[a] & 1 ? pc + 3 : b;
				break;
			case IF_ONE:
				pc = var[a] == 1 ? b : pc + 3;
				break;
			case IF_ZERO:
				pc = var[a] ? pc + 3 : b;
				break;
			case GOTO:
				pc = code[pc + 1];
				break;
			}
		}
		sum = sum * 7 + var[2];
	}
	return sum;
}
