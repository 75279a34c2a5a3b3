// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's memory as the guest sees it: through its page tables, for messages
 * that show its code and for a look at its interrupt table. Nothing is changed, no
 * accessed bit either.
 */

#include <string.h>

#include "piotrap.h"

#define CR0_PG		(1ULL << 31)
#define CR4_PSE		(1ULL << 4)
#define CR4_PAE		(1ULL << 5)
#define EFER_LMA	(1ULL << 10)
#define PTE_P		(1ULL << 0)
#define PTE_PS		(1ULL << 7)
#define PTE_ADDR	0x000ffffffffff000ULL

const uint8_t *machine_at(const struct machine *m, uint64_t phys, size_t len)
{
	uint64_t rom = (4ULL << 30) - m->rom_len;

	if (phys < m->size && len <= m->size - phys)
		return m->mem + phys;
	if (phys >= rom && len <= m->rom_len && phys - rom <= m->rom_len - len)
		return m->rom + (phys - rom);
	return NULL;
}

static uint64_t entry(const struct machine *m, uint64_t at, unsigned int size)
{
	const uint8_t *p = machine_at(m, at, size);
	uint64_t val = 0;

	if (p)
		memcpy(&val, p, size);
	return val;
}

/* @large: the highest level, counted from 0, at which an entry can be a page. */
struct paging {
	unsigned int levels;
	unsigned int bits;	/* of the address that index a table */
	unsigned int size;	/* bytes of an entry */
	unsigned int large;
};

static bool walk(const struct machine *m, uint64_t linear,
		 const struct paging *p, uint64_t *phys)
{
	uint64_t table = m->sb.run->ctrl.cr3 & PTE_ADDR, pte, low;
	unsigned int level = p->levels;

	/* Four entries, which need not begin a page. */
	if (p->levels == 3)
		table = m->sb.run->ctrl.cr3 & 0xffffffe0;
	do {
		unsigned int shift = 12 + --level * p->bits;
		uint64_t index = linear >> shift & ((1ULL << p->bits) - 1);

		pte = entry(m, table + index * p->size, p->size);
		if (!(pte & PTE_P))
			return false;
		table = pte & PTE_ADDR;
		low = (1ULL << shift) - 1;
	} while (level && !(level <= p->large && (pte & PTE_PS)));

	if (p->size == 4 && level)	/* bits 39 to 32 are in bits 20 to 13 */
		table = (pte & 0xffc00000) | (pte & 0x1fe000) << 19;
	*phys = (table & ~low) | (linear & low);
	return true;
}

bool machine_linear(const struct machine *m, uint64_t linear, uint64_t *phys)
{
	const struct piotrap_ctrl *c = &m->sb.run->ctrl;
	struct paging four = { 4, 9, 8, 2 }, pae = { 3, 9, 8, 1 };
	struct paging two = { 2, 10, 4, c->cr4 & CR4_PSE ? 1 : 0 };

	if (c->efer & EFER_LMA)
		return walk(m, linear, &four, phys);
	linear &= 0xffffffff;
	if (c->cr0 & CR0_PG)
		return walk(m, linear, c->cr4 & CR4_PAE ? &pae : &two, phys);
	*phys = linear;
	return true;
}

size_t machine_read(const struct machine *m, uint64_t linear, void *buf,
		    size_t len)
{
	uint8_t *to = buf;

	for (size_t i = 0; i < len; i++) {
		const uint8_t *p = NULL;
		uint64_t phys;

		if (machine_linear(m, linear + i, &phys))
			p = machine_at(m, phys, 1);
		if (!p)
			return i;
		to[i] = *p;
	}
	return len;
}

unsigned int machine_bits(const struct machine *m)
{
	const struct piotrap_run *run = m->sb.run;

	if ((run->ctrl.efer & EFER_LMA) && (run->segs.cs.attr & 1U << 13))
		return 64;
	return run->segs.cs.attr & 1U << 14 ? 32 : 16;
}
