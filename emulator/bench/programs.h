/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H

/* Called by loops.asm. */
unsigned int crc(unsigned int n);
unsigned int sieve(unsigned int n);
unsigned int sort(unsigned int n);
unsigned int interp(unsigned int n);

#endif /* BENCH_PROGRAMS_H */
