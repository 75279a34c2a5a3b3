// SPDX-License-Identifier: GPL-2.0
/* The sieve of Eratosthenes, and the test of Lucas and Lehmer. */

#include <stdbool.h>

#include "print.h"

#define LIMIT	10000

static uint8_t composite[LIMIT];

static void sieve(void)
{
	for (uint32_t p = 2; p * p < LIMIT; p++)
		if (!composite[p])
			for (uint32_t i = p * p; i < LIMIT; i += p)
				composite[i] = 1;
}

static void statistics(void)
{
	uint32_t count = 0, sum = 0, last = 0, twins = 0, gap = 0, gap_at = 0;

	for (uint32_t i = 2; i < LIMIT; i++) {
		if (composite[i])
			continue;
		count++;
		sum += i;
		twins += last && i - last == 2;
		if (last && i - last > gap) {
			gap = i - last;
			gap_at = last;
		}
		last = i;
	}
	print_number(count);
	print(" primes below ");
	print_number(LIMIT);
	print(", their sum ");
	print_number(sum);
	print(", the last ");
	print_number(last);
	print("\n");
	print_number(twins);
	print(" pairs of twins, widest gap ");
	print_number(gap);
	print(" after ");
	print_number(gap_at);
	print("\n");
}

/* Is 2^p - 1 prime? @p is, and odd. */
static bool mersenne(unsigned int p)
{
	uint64_t m = (1ULL << p) - 1, s = 4;

	for (unsigned int i = 2; i < p; i++) {
		s = s * s;
		s = (s & m) + (s >> p);
		s = (s & m) + (s >> p);
		s = s >= m ? s - m : s;
		s = s < 2 ? s + m - 2 : s - 2;
	}
	return !s;
}

int main(void)
{
	sieve();
	statistics();
	print("2^p - 1 is prime for p = 2");
	for (unsigned int p = 3; p < 32; p += 2) {
		if (composite[p] || !mersenne(p))
			continue;
		print(", ");
		print_number(p);
	}
	print("\n");
	return 0;
}
