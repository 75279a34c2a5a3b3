/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that the examples want from their surroundings: bytes to port E9h, or, in a
 * program for the host, to standard output.
 */
#ifndef EXAMPLES_PRINT_H
#define EXAMPLES_PRINT_H

#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__

#include <stdio.h>
#include <string.h>

static inline void print_char(char c)
{
	putchar(c);
}

#else

static inline void print_char(char c)
{
	asm volatile("outb %%al, $0xe9" : : "a" (c));
}

/* The compiler may call these; they are in runtime.c. */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif

static inline void print(const char *s)
{
	while (*s)
		print_char(*s++);
}

/* Digits of @val, at least @min of them. */
static inline void print_base(uint32_t val, unsigned int base, unsigned int min)
{
	char buf[32];
	unsigned int n = 0;

	do {
		buf[n++] = "0123456789abcdef"[val % base];
		val /= base;
	} while (val || n < min);
	while (n)
		print_char(buf[--n]);
}

static inline void print_number(uint32_t val)
{
	print_base(val, 10, 1);
}

static inline void print_hex(uint32_t val, unsigned int digits)
{
	print_base(val, 16, digits);
}

#endif /* EXAMPLES_PRINT_H */
