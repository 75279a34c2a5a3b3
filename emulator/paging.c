// SPDX-License-Identifier: GPL-2.0
/*
 * Paging: 32-bit, PAE and 4-level tables (SDM3 chapter "Paging").
 *
 * A page that was walked as a table is remembered, and a store into one drops
 * every cached translation: the guest never sees a stale one, so that a state
 * restored elsewhere continues alike (K2, K3). The PDPTEs of PAE paging are read
 * on each walk, as AMD's CPUs do.
 */
#include "internal.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)

/* How often an entry that somebody changes meanwhile is looked at again (K14). */
#define WALK_TRIES	16

/* One kind of paging. */
struct format {
	u8 levels;
	u8 bits;	/* of the linear address, for each level */
	u8 size;	/* bytes of an entry */
	bool pae;
	bool four;
};

static const struct format format_32 = { 2, 10, 4, false, false };
static const struct format format_pae = { 3, 9, 8, true, false };
static const struct format format_4 = { 4, 9, 8, true, true };

static const struct format *format_of(const struct emu *cpu)
{
	if (long_mode(cpu))
		return &format_4;
	return cpu->st.ctrl.cr4 & EMU_CR4_PAE ? &format_pae : &format_32;
}

/* What a walk has come to. */
struct walk {
	u64 addr[4];		/* entries, from the top; physical */
	u64 entry[4];
	unsigned int n;
	u64 rights;		/* PTE_W and PTE_U of all levels, PTE_NX of any */
	u64 page;		/* physical address of @lin's page of 4 KiB */
};

static u64 *table_bit(struct emu *cpu, u64 gpa, u64 *mask)
{
	u64 n = gpa / EMU_PAGE % EMU_TABLE_BITS;

	*mask = 1ULL << (n % 64);
	return &cpu->tables[n / 64];
}

bool emu_is_table(struct emu *cpu, u64 gpa)
{
	u64 mask, *word = table_bit(cpu, gpa, &mask);

	return *word & mask;
}

/* From now on stores into the page of @gpa are looked at. */
static void mark_table(struct emu *cpu, u64 gpa)
{
	u64 mask, *word = table_bit(cpu, gpa, &mask);
	unsigned int user, n;

	if (*word & mask)
		return;
	*word |= mask;
	if (!cpu->writable)
		return;
	for (user = 0; user < 2; user++)
		for (n = 0; n < EMU_NR_WINDOWS; n++)
			if (emu_is_table(cpu, cpu->win[user][n].gpa))
				cpu->win[user][n].write_tag = 0;
}

static int no_entry(struct emu *cpu, u64 lin, u64 gpa, unsigned int size,
		    enum emu_access acc)
{
	cpu->exit.linear = lin;
	cpu->exit.gpa = gpa;
	cpu->exit.size = size;
	cpu->exit.access = acc;
	return EMU_FAIL;
}

static int read_entry(struct emu *cpu, u64 lin, u64 gpa, unsigned int size,
		      u64 *val)
{
	bool writable;
	u8 *host = cpu->ops->window(cpu, gpa & ~(u64)(EMU_PAGE - 1), &writable);

	mark_table(cpu, gpa);
	if (host) {
		host += gpa % EMU_PAGE;
		*val = size == 8 ? READ_ONCE(*(u64 *)host) :
				   READ_ONCE(*(u32 *)host);
		return EMU_OK;
	}
	/* Tables that the owner serves are not walked. */
	if (cpu->ops->read(cpu, gpa, size, val) == EMU_OK)
		return EMU_OK;
	return no_entry(cpu, lin, gpa, size, EMU_ACC_READ);
}

/* Set bits of an entry; EMU_RETRY where somebody else has changed it. */
static int set_bits(struct emu *cpu, u64 lin, u64 gpa, unsigned int size,
		    u64 old, u64 bits)
{
	bool writable = true, same;
	u8 *host;

	if ((old & bits) == bits)
		return EMU_OK;
	host = cpu->ops->window(cpu, gpa & ~(u64)(EMU_PAGE - 1), &writable);
	if (!host)
		return cpu->ops->write(cpu, gpa, size, old | bits) == EMU_OK ?
			EMU_OK : no_entry(cpu, lin, gpa, size, EMU_ACC_WRITE);
	/* Tables in ROM keep what they say. */
	if (!writable)
		return EMU_OK;
	host += gpa % EMU_PAGE;
	if (size == 8)
		same = __sync_bool_compare_and_swap((u64 *)host, old, old | bits);
	else
		same = __sync_bool_compare_and_swap((u32 *)host, (u32)old,
						    (u32)(old | bits));
	return same ? EMU_OK : EMU_RETRY;
}

static int page_fault(struct emu *cpu, u64 lin, enum emu_access acc, bool user,
		      u32 error)
{
	bool nx = cpu->st.ctrl.cr4 & EMU_CR4_PAE &&
		  cpu->st.ctrl.efer & EMU_EFER_NXE;

	if (acc == EMU_ACC_WRITE)
		error |= EMU_PF_W;
	if (acc == EMU_ACC_FETCH && (nx || cpu->st.ctrl.cr4 & EMU_CR4_SMEP))
		error |= EMU_PF_I;
	if (user)
		error |= EMU_PF_U;
	emu_raise_error(cpu, VEC_PF, error);
	cpu->raised.flags |= EMU_EVENT_PAYLOAD;
	cpu->raised.payload = lin;
	return EMU_EXCEPTION;
}

static u64 high_bits(const struct emu *cpu)
{
	return (BIT_ULL(52) - 1) & ~((1ULL << cpu->phys_bits) - 1);
}

/* Bits of a present entry that must be zero. */
static u64 reserved_bits(const struct emu *cpu, const struct format *f,
			 unsigned int level, u64 entry)
{
	u64 rsvd = high_bits(cpu);
	bool large = level > 1 && (entry & PTE_PS);

	if (!f->pae) {
		if (!large || !(cpu->st.ctrl.cr4 & EMU_CR4_PSE))
			return 0;
		/* Bits 20:13 are the address's bits 39:32. */
		rsvd = cpu->phys_bits < 40 ? high_bits(cpu) >> 32 << 13 : 0;
		rsvd &= 0x1fe000;
		return rsvd | BIT_ULL(21);
	}
	if (!f->four) {
		rsvd |= 0x7ffULL << 52;
		if (level == 3)
			return rsvd | PTE_NX | 0x1e6;
	}
	if (!(cpu->st.ctrl.efer & EMU_EFER_NXE))
		rsvd |= PTE_NX;
	if (level == 4 || (level == 3 && !emu_has(cpu, EMU_FEAT_PAGE1GB)))
		rsvd |= PTE_PS;
	else if (large)
		rsvd |= (1ULL << (12 + f->bits * (level - 1))) - BIT_ULL(13);
	return rsvd;
}

/* The page of 4 KiB that a leaf maps @lin to. */
static u64 leaf_page(const struct format *f, unsigned int level, u64 entry,
		     u64 lin)
{
	u64 size = 1ULL << (12 + f->bits * (level - 1));
	u64 base = entry & ((BIT_ULL(52) - 1) & ~(size - 1));

	if (!f->pae && level == 2)
		base = (entry & 0xffc00000) | (entry & 0x1fe000) << 19;
	return base | (lin & (size - 1) & ~(u64)(EMU_PAGE - 1));
}

/* Follow the tables; EMU_EXCEPTION without a fault raised, its bits in @error. */
static int walk(struct emu *cpu, const struct format *f, u64 lin,
		struct walk *w, u32 *error)
{
	u64 table = cpu->st.ctrl.cr3 & (f->four ? (BIT_ULL(52) - BIT_ULL(12)) :
					f->pae ? 0xffffffe0 : 0xfffff000);
	bool pse = f->pae || cpu->st.ctrl.cr4 & EMU_CR4_PSE;
	unsigned int level, shift;
	u64 at, e;
	int r;

	w->n = 0;
	w->rights = PTE_W | PTE_U;
	for (level = f->levels; ; level--) {
		shift = 12 + f->bits * (level - 1);
		at = table + (lin >> shift & ((1U << f->bits) - 1)) * f->size;
		r = read_entry(cpu, lin, at, f->size, &e);
		if (r)
			return r;
		*error = 0;
		if (!(e & PTE_P))
			return EMU_EXCEPTION;
		*error = EMU_PF_P | EMU_PF_RSVD;
		if (e & reserved_bits(cpu, f, level, e))
			return EMU_EXCEPTION;
		/* PAE's top level has no rights and no accessed bit. */
		if (f->four || level < 3) {
			w->rights &= e | ~(PTE_W | PTE_U);
			w->rights |= e & PTE_NX;
			w->addr[w->n] = at;
			w->entry[w->n++] = e;
		}
		if (level == 1 || (level <= 3 && (e & PTE_PS) && pse))
			break;
		table = e & (BIT_ULL(52) - BIT_ULL(12));
		if (!f->pae)
			table &= 0xfffff000;
	}
	w->page = leaf_page(f, level, e, lin);
	return EMU_OK;
}

static bool allowed(const struct emu *cpu, const struct walk *w,
		    enum emu_access acc, bool user)
{
	bool user_page = w->rights & PTE_U;
	u64 cr4 = cpu->st.ctrl.cr4;

	if (user && !user_page)
		return false;
	if (acc == EMU_ACC_FETCH) {
		if (w->rights & PTE_NX)
			return false;
		return user || !user_page || !(cr4 & EMU_CR4_SMEP);
	}
	if (!user && user_page && (cr4 & EMU_CR4_SMAP) &&
	    (cpu->access == ACCESS_SYSTEM ||
	     !(cpu->st.regs.rflags & EMU_FL_AC)))
		return false;
	if (acc == EMU_ACC_WRITE && !(w->rights & PTE_W))
		return !user && !(cpu->st.ctrl.cr0 & EMU_CR0_WP);
	return true;
}

/**
 * emu_translate() - from a linear to a physical address
 * @cpu: engine
 * @lin: linear address
 * @acc: what for
 * @user: by user-mode rules
 * @m: result
 *
 * Sets accessed and dirty bits.
 *
 * Return: EMU_OK; EMU_EXCEPTION with #PF raised;
 * EMU_FAIL where a table is not in memory.
 */
int emu_translate(struct emu *cpu, u64 lin, enum emu_access acc, bool user,
		  struct emu_mapping *m)
{
	const struct format *f = format_of(cpu);
	unsigned int tries, n;
	struct walk w;
	u32 error;
	u64 bits;
	int r;

	m->page = lin & ~(u64)(EMU_PAGE - 1);
	m->write = true;
	m->exec = true;
	m->keep = true;
	if (!(cpu->st.ctrl.cr0 & EMU_CR0_PG))
		return EMU_OK;

	for (tries = 0; tries < WALK_TRIES; tries++) {
		r = walk(cpu, f, lin, &w, &error);
		if (r == EMU_EXCEPTION)
			return page_fault(cpu, lin, acc, user, error);
		if (r)
			return r;
		if (!allowed(cpu, &w, acc, user))
			return page_fault(cpu, lin, acc, user, EMU_PF_P);
		for (n = 0; n < w.n; n++) {
			bits = PTE_A;
			if (n == w.n - 1 && acc == EMU_ACC_WRITE)
				bits |= PTE_D;
			r = set_bits(cpu, lin, w.addr[n], f->size, w.entry[n],
				     bits);
			if (r == EMU_FAIL)
				return r;
			if (r)
				break;
			w.entry[n] |= bits;
		}
		if (n == w.n)
			break;
	}
	m->page = w.page;
	/* A window for writes waits for the dirty bit. */
	m->write = (w.entry[w.n - 1] & PTE_D) &&
		   allowed(cpu, &w, EMU_ACC_WRITE, user);
	m->exec = allowed(cpu, &w, EMU_ACC_FETCH, user);
	/* What SMAP allows changes with RFLAGS.AC. */
	m->keep = user || !(w.rights & PTE_U) ||
		  !(cpu->st.ctrl.cr4 & EMU_CR4_SMAP);
	return EMU_OK;
}

/**
 * emu_check_pdptes() - may these tables be loaded into CR3 for PAE paging?
 * @cpu: engine
 * @cr3: value for CR3
 *
 * Return: EMU_OK, or EMU_EXCEPTION with #GP(0) for a reserved bit.
 */
int emu_check_pdptes(struct emu *cpu, u64 cr3)
{
	unsigned int n;
	u64 e;
	int r;

	for (n = 0; n < 4; n++) {
		r = read_entry(cpu, 0, (cr3 & 0xffffffe0) + 8 * n, 8, &e);
		if (r)
			return r;
		if ((e & PTE_P) && (e & reserved_bits(cpu, &format_pae, 3, e)))
			return emu_raise_error(cpu, VEC_GP, 0);
	}
	return EMU_OK;
}
