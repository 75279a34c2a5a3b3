// SPDX-License-Identifier: GPL-2.0
/*
 * Data accesses: segmentation, linear addresses, direct windows, breakpoints.
 *
 * A page without anything special about it is reached through a cached window.
 * A page that an armed data breakpoint touches never gets one, so that all the
 * exact work is on the slow way and costs nothing elsewhere (K3).
 */
#include "quick.h"
#include "window.h"

/* A host LOCK across a cache line would trip split-lock detection (K9). */
static bool crosses_line(const u8 *p, unsigned int size)
{
	return ((unsigned long)p & 63) + size > 64;
}

/* Write @val if @old is still there. */
static bool host_exchange(u8 *p, unsigned int size, u64 old, u64 val)
{
	if (crosses_line(p, size)) {
		if (host_read(p, size) != old)
			return false;
		host_write(p, size, val);
		return true;
	}
	switch (size) {
	case 1:
		return __sync_bool_compare_and_swap(p, (u8)old, (u8)val);
	case 2:
		return __sync_bool_compare_and_swap((unaligned_u16 *)p,
						    (u16)old, (u16)val);
	case 4:
		return __sync_bool_compare_and_swap((unaligned_u32 *)p,
						    (u32)old, (u32)val);
	default:
		return __sync_bool_compare_and_swap((unaligned_u64 *)p, old,
						    val);
	}
}

static int segment_fault(struct emu *cpu, unsigned int seg)
{
	return emu_raise_error(cpu, seg == EMU_SS ? VEC_SS : VEC_GP, 0);
}

static bool in_limit(const struct emu_segment *s, u64 off, unsigned int size)
{
	u64 last = off + size - 1;

	if ((s->attr & (EMU_SEG_CODE | EMU_SEG_EXPAND_DOWN)) !=
	    EMU_SEG_EXPAND_DOWN)
		return last <= s->limit;
	return off > s->limit &&
	       last <= (s->attr & EMU_SEG_DB ? 0xffffffffU : 0xffffU);
}

/**
 * emu_linear() - from a segment and offset to a linear address
 * @cpu: engine
 * @seg: enum emu_sreg
 * @off: offset, already cut to the address size
 * @size: bytes
 * @acc: read or write
 * @lin: result
 *
 * Return: EMU_OK, or EMU_EXCEPTION with #GP(0) or #SS(0) raised (S46).
 */
int emu_linear(struct emu *cpu, unsigned int seg, u64 off, unsigned int size,
	       enum emu_access acc, u64 *lin)
{
	const struct emu_segment *s = &cpu->st.segs.seg[seg];

	if (mode64(cpu)) {
		*lin = seg >= EMU_FS ? s->base + off : off;
		return canonical(*lin, size) ? EMU_OK : segment_fault(cpu, seg);
	}
	if (s->attr & EMU_SEG_UNUSABLE)
		return emu_raise_error(cpu, VEC_GP, 0);
	if (acc == EMU_ACC_WRITE) {
		if ((s->attr & EMU_SEG_CODE) || !(s->attr & EMU_SEG_WRITABLE))
			return emu_raise_error(cpu, VEC_GP, 0);
	} else if ((s->attr & EMU_SEG_CODE) && !(s->attr & EMU_SEG_WRITABLE)) {
		return emu_raise_error(cpu, VEC_GP, 0);
	}
	if (!in_limit(s, off, size))
		return segment_fault(cpu, seg);
	*lin = (u32)(s->base + off);
	return EMU_OK;
}

static int no_memory(struct emu *cpu, u64 lin, u64 gpa, unsigned int size,
		     enum emu_access acc)
{
	cpu->exit.linear = lin;
	cpu->exit.gpa = gpa;
	cpu->exit.size = size;
	cpu->exit.access = acc;
	return EMU_FAIL;
}

/**
 * struct place - where an access within one page ends up
 * @host: memory, or NULL for a hook
 * @gpa: physical address
 * @watched: the page is part of an armed data breakpoint or a watch
 * @table: a store may change a page table
 * @caller: it is the caller's memory, reached by the user_* hooks
 */
struct place {
	u8 *host;
	u64 gpa;
	bool watched;
	bool table;
	bool caller;
};

/* Is there anything to be noticed about accesses to this page? */
static bool page_watched(const struct emu *cpu, u64 lin)
{
	return emu_debug_page_watched(cpu, lin) || emu_watch_page(cpu, lin);
}

/* The caller's own page: nothing is cached, pinned pages apart (K10). */
static int find_caller(struct emu *cpu, u64 lin, struct place *pl)
{
	unsigned int n;

	pl->host = NULL;
	pl->gpa = lin;
	pl->watched = page_watched(cpu, lin);
	pl->table = false;
	pl->caller = true;
	for (n = 0; n < cpu->nr_pins; n++)
		if (cpu->pin[n].page == lin / EMU_PAGE)
			pl->host = cpu->pin[n].host + lin % EMU_PAGE;
	return EMU_OK;
}

/* A page without a window for this: by the tables, and the host. */
static noinline int find_page(struct emu *cpu, u64 lin, enum emu_access acc,
			      struct place *pl)
{
	bool user = user_access(cpu), writable = true;
	struct emu_window *w = window_slot(cpu, lin, user);
	u64 tag = emu_page_tag(cpu, lin), at = lin % EMU_PAGE;
	struct emu_mapping m;
	int r;

	if (unlikely(cpu->flags & EMU_CALLER_MEMORY))
		return find_caller(cpu, lin, pl);
	r = emu_translate(cpu, lin, acc, user, &m);
	if (r)
		return r;
	pl->gpa = m.page + at;
	pl->watched = page_watched(cpu, lin);
	pl->table = emu_is_table(cpu, m.page);
	pl->caller = false;
	pl->host = cpu->ops->window(cpu, m.page, &writable);
	if (!pl->host)
		return EMU_OK;
	if (m.keep) {
		w->host = pl->host;
		w->gpa = m.page;
		w->exec_tag = m.exec ? tag : 0;
		if (m.exec && emu_debug_page_code(cpu, lin))
			w->exec_tag |= EMU_TAG_WATCHED;
		if (pl->watched)
			tag |= EMU_TAG_WATCHED;
		w->read_tag = tag;
		w->write_tag = writable && m.write && !pl->table ? tag : 0;
		cpu->writable |= !!w->write_tag;
	}
	pl->host = acc == EMU_ACC_WRITE && !writable ? NULL : pl->host + at;
	return EMU_OK;
}

static int find_place(struct emu *cpu, u64 lin, enum emu_access acc,
		      struct place *pl)
{
	const struct emu_window *w = window_slot(cpu, lin, user_access(cpu));
	u64 at = lin % EMU_PAGE;

	if (unlikely(!window_has(cpu, w, lin, acc)))
		return find_page(cpu, lin, acc, pl);
	pl->host = w->host + at;
	pl->gpa = w->gpa + at;
	pl->watched = window_tag(w, acc) & EMU_TAG_WATCHED;
	pl->table = false;
	pl->caller = false;
	return EMU_OK;
}

/* The guest has written to a page that tables were walked in. */
static void table_written(struct emu *cpu, const struct place *pl)
{
	if (unlikely(pl->table))
		emu_flush(cpu);
}

static bool backed(struct emu *cpu, const struct place *pl)
{
	return pl->host || pl->caller || !cpu->ops->backed ||
	       cpu->ops->backed(cpu, pl->gpa);
}

/* Pieces of 1, 2, 4 or 8 bytes that do not cross their own alignment. */
static unsigned int piece(u64 addr, unsigned int size)
{
	unsigned int n = 8;

	while (n > size || (size & (size - 1) && addr % n))
		n /= 2;
	return n;
}

static int external_pieces(struct emu *cpu, u64 lin, u64 gpa, unsigned int size,
			   enum emu_dir dir, u64 *val)
{
	unsigned int done = 0, n;
	u64 v;
	int r;

	while (done < size) {
		n = piece(gpa + done, size - done);
		v = (*val >> (8 * done)) & size_mask(n);
		r = emu_external(cpu, EMU_IO_MEM, dir, gpa + done, n, &v);
		if (r == EMU_FAIL)
			return no_memory(cpu, lin + done, gpa + done, n,
					 dir == EMU_WRITE ? EMU_ACC_WRITE :
							    EMU_ACC_READ);
		if (r)
			return r;
		if (dir == EMU_READ) {
			*val &= ~(size_mask(n) << (8 * done));
			*val |= v << (8 * done);
		}
		done += n;
	}
	return EMU_OK;
}

static void note_data(struct emu *cpu, u64 lin, unsigned int size, bool write)
{
	emu_debug_add(cpu, emu_debug_match_data(cpu, lin, size, write),
		      EMU_CAUSE_DATA);
}

static int page_read(struct emu *cpu, const struct place *pl, u64 lin,
		     unsigned int size, u64 *val)
{
	int r;

	*val = 0;
	if (likely(pl->host)) {
		*val = host_read(pl->host, size);
	} else {
		cpu->exit.access = EMU_ACC_READ;
		r = pl->caller ? cpu->ops->user_read(cpu, lin, size, val) :
				 external_pieces(cpu, lin, pl->gpa, size,
						 EMU_READ, val);
		if (r)
			return r;
	}
	if (unlikely(pl->watched))
		note_data(cpu, lin, size, false);
	return EMU_OK;
}

static int page_write(struct emu *cpu, const struct place *pl, u64 lin,
		      unsigned int size, u64 val)
{
	int r;

	if (likely(pl->host)) {
		host_write(pl->host, size, val);
	} else {
		cpu->exit.access = EMU_ACC_WRITE;
		r = pl->caller ? cpu->ops->user_write(cpu, lin, size, val) :
				 external_pieces(cpu, lin, pl->gpa, size,
						 EMU_WRITE, &val);
		if (r)
			return r;
	}
	table_written(cpu, pl);
	if (unlikely(pl->watched))
		note_data(cpu, lin, size, true);
	return EMU_OK;
}

/* Bytes up to the end of the page, at most @size. */
static unsigned int in_page(u64 lin, unsigned int size)
{
	unsigned int n = EMU_PAGE - lin % EMU_PAGE;

	return min(n, size);
}

static u64 next_linear(const struct emu *cpu, u64 lin, unsigned int n)
{
	return long_mode(cpu) ? lin + n : (u32)(lin + n);
}

/*
 * Hold the caller's page of @lin, @size bytes of which are to be written, until the
 * instruction ends.
 */
static int pin(struct emu *cpu, u64 lin, unsigned int size, struct place *pl)
{
	struct emu_pin *p = &cpu->pin[cpu->nr_pins];
	int r;

	if (pl->host)
		return EMU_OK;
	if (cpu->nr_pins == EMU_NR_PINS)
		return emu_unsupported(cpu);
	cpu->exit.access = EMU_ACC_WRITE;
	r = cpu->ops->user_pin(cpu, lin, &p->host);
	cpu->exit.size = size;
	if (r)
		return r;
	p->page = lin / EMU_PAGE;
	cpu->nr_pins++;
	pl->host = p->host + lin % EMU_PAGE;
	return EMU_OK;
}

void emu_unpin(struct emu *cpu)
{
	if (likely(!cpu->nr_pins))
		return;
	cpu->nr_pins = 0;
	cpu->ops->user_unpin(cpu);
}

/* A stop before an access that a watch wants to know of. */
static int watch(struct emu *cpu, u64 lin, unsigned int size, enum emu_dir dir,
		 u64 val)
{
	const struct emu_touch t = {
		.addr = lin, .val = val, .space = EMU_WATCH_MEM, .dir = dir,
		.size = size,
	};

	return cpu->watch_mem ? emu_watch_before(cpu, &t) : EMU_OK;
}

static void watched(struct emu *cpu, u64 lin, unsigned int size,
		    enum emu_dir dir, u64 val)
{
	const struct emu_touch t = {
		.addr = lin, .val = val, .space = EMU_WATCH_MEM, .dir = dir,
		.size = size,
	};

	if (cpu->watch_mem)
		emu_watch_after(cpu, &t);
}

static int linear_read(struct emu *cpu, u64 lin, unsigned int size, u64 *val)
{
	unsigned int n = in_page(lin, size);
	struct place a, b;
	u64 lo, hi;
	int r;

	r = find_place(cpu, lin, EMU_ACC_READ, &a);
	if (r)
		return r;
	if (likely(n == size))
		return page_read(cpu, &a, lin, size, val);

	r = find_place(cpu, next_linear(cpu, lin, n), EMU_ACC_READ, &b);
	if (!r)
		r = page_read(cpu, &a, lin, n, &lo);
	if (!r)
		r = page_read(cpu, &b, next_linear(cpu, lin, n), size - n, &hi);
	if (!r)
		*val = lo | hi << (8 * n);
	return r;
}

int emu_linear_read(struct emu *cpu, u64 lin, unsigned int size, u64 *val)
{
	int r;

	if (likely(!cpu->watch_mem))
		return linear_read(cpu, lin, size, val);
	r = watch(cpu, lin, size, EMU_READ, 0);
	if (!r)
		r = linear_read(cpu, lin, size, val);
	if (!r)
		watched(cpu, lin, size, EMU_READ, *val);
	return r;
}

static int linear_write(struct emu *cpu, u64 lin, unsigned int size, u64 val)
{
	unsigned int n = in_page(lin, size);
	u64 lin2, hi;
	struct place a, b;
	int r;

	r = find_place(cpu, lin, EMU_ACC_WRITE, &a);
	if (r)
		return r;
	if (likely(n == size))
		return page_write(cpu, &a, lin, size, val);

	lin2 = next_linear(cpu, lin, n);
	hi = val >> (8 * n);
	r = find_place(cpu, lin2, EMU_ACC_WRITE, &b);
	if (r)
		return r;
	/* Finding the second may have walked through the first. */
	a.table = emu_is_table(cpu, a.gpa);
	/* Both must be there before either is written. */
	if (a.caller) {
		r = pin(cpu, lin, n, &a);
		if (!r)
			r = pin(cpu, lin2, size - n, &b);
		if (r)
			return r;
	}
	if (!backed(cpu, &a))
		return no_memory(cpu, lin, a.gpa, n, EMU_ACC_WRITE);
	if (!backed(cpu, &b))
		return no_memory(cpu, lin2, b.gpa, size - n, EMU_ACC_WRITE);
	/* What can still leave goes before what cannot. */
	if (b.host || !a.host) {
		r = page_write(cpu, &a, lin, n, val & size_mask(n));
		return r ? r : page_write(cpu, &b, lin2, size - n, hi);
	}
	r = page_write(cpu, &b, lin2, size - n, hi);
	return r ? r : page_write(cpu, &a, lin, n, val & size_mask(n));
}

/* Would an access be #AC? Only at CPL 3, with CR0.AM and RFLAGS.AC (S45). */
bool emu_misaligned(const struct emu *cpu, u64 lin, unsigned int size)
{
	return unlikely(cpu->st.regs.rflags & EMU_FL_AC) &&
	       (lin & (size - 1)) && (cpu->st.ctrl.cr0 & EMU_CR0_AM) &&
	       user_access(cpu);
}

/* Before any page fault (S44). */
static int check_alignment(struct emu *cpu, u64 lin, unsigned int size)
{
	return emu_misaligned(cpu, lin, size) ?
		emu_raise_error(cpu, VEC_AC, 0) : EMU_OK;
}

int emu_linear_write(struct emu *cpu, u64 lin, unsigned int size, u64 val)
{
	int r;

	if (likely(!cpu->watch_mem))
		return linear_write(cpu, lin, size, val);
	r = watch(cpu, lin, size, EMU_WRITE, val);
	if (!r)
		r = linear_write(cpu, lin, size, val);
	if (!r)
		watched(cpu, lin, size, EMU_WRITE, val);
	return r;
}

int emu_read(struct emu *cpu, unsigned int seg, u64 off, unsigned int size,
	     u64 *val)
{
	u64 lin;
	int r = emu_linear(cpu, seg, off, size, EMU_ACC_READ, &lin);

	if (!r)
		r = check_alignment(cpu, lin, size);
	return r ? r : emu_linear_read(cpu, lin, size, val);
}

int emu_write(struct emu *cpu, unsigned int seg, u64 off, unsigned int size,
	      u64 val)
{
	u64 lin;
	int r = emu_linear(cpu, seg, off, size, EMU_ACC_WRITE, &lin);

	if (!r)
		r = check_alignment(cpu, lin, size);
	return r ? r : emu_linear_write(cpu, lin, size, val);
}

/**
 * emu_linear_probe() - would a write fault, or find no memory?
 * @cpu: engine
 * @lin: linear address
 * @size: bytes
 *
 * For instructions that must not do half of what they do. The caller's pages are
 * held from here on, so that the writes themselves cannot fail.
 *
 * Return: EMU_OK, or what the write itself would, a served one excepted.
 */
int emu_linear_probe(struct emu *cpu, u64 lin, unsigned int size)
{
	struct place pl;
	unsigned int n;
	int r = EMU_OK;

	while (!r && size) {
		n = in_page(lin, size);
		r = find_place(cpu, lin, EMU_ACC_WRITE, &pl);
		if (!r && pl.caller)
			r = pin(cpu, lin, n, &pl);
		if (!r && !backed(cpu, &pl))
			return no_memory(cpu, lin, pl.gpa, n, EMU_ACC_WRITE);
		lin = next_linear(cpu, lin, n);
		size -= n;
	}
	return r;
}

int emu_probe_write(struct emu *cpu, unsigned int seg, u64 off,
		    unsigned int size)
{
	u64 lin;
	int r = emu_linear(cpu, seg, off, size, EMU_ACC_WRITE, &lin);

	if (!r)
		r = check_alignment(cpu, lin, size);
	return r ? r : emu_linear_probe(cpu, lin, size);
}

/**
 * emu_system_read() - an implicit supervisor read: tables, TSS, I/O bitmap
 * @cpu: engine
 * @lin: linear address
 * @size: bytes
 * @val: result
 *
 * No data access to breakpoints (S86), nor are the other emu_system_*().
 *
 * Return: enum emu_result.
 */
int emu_system_read(struct emu *cpu, u64 lin, unsigned int size, u64 *val)
{
	u64 data = cpu->new_data;
	u8 access = cpu->access;
	int r;

	cpu->access = ACCESS_SYSTEM;
	r = emu_linear_read(cpu, lin, size, val);
	cpu->access = access;
	cpu->new_data = data;
	return r;
}

int emu_system_write(struct emu *cpu, u64 lin, unsigned int size, u64 val)
{
	u64 data = cpu->new_data;
	u8 access = cpu->access;
	int r;

	cpu->access = ACCESS_SYSTEM;
	r = emu_linear_write(cpu, lin, size, val);
	cpu->access = access;
	cpu->new_data = data;
	return r;
}

int emu_system_probe(struct emu *cpu, u64 lin, unsigned int size)
{
	u8 access = cpu->access;
	int r;

	cpu->access = ACCESS_SYSTEM;
	r = emu_linear_probe(cpu, lin, size);
	cpu->access = access;
	return r;
}

static void change_host(struct emu *cpu, const struct place *pl, u8 clear, u8 set)
{
	unsigned int tries;
	u8 old, new;

	/* An owner who keeps changing it loses a change (K14). */
	for (tries = 0; tries < 16; tries++) {
		old = READ_ONCE(*pl->host);
		new = (old & ~clear) | set;
		if (host_exchange(pl->host, 1, old, new))
			break;
	}
	table_written(cpu, pl);
}

/**
 * emu_system_change() - bits of a descriptor's byte: accessed, busy
 * @cpu: engine
 * @lin: linear address
 * @clear: bits to clear
 * @set: bits to set
 *
 * One atomic access where memory is memory (K9).
 *
 * Return: enum emu_result.
 */
int emu_system_change(struct emu *cpu, u64 lin, u8 clear, u8 set)
{
	u8 access = cpu->access;
	struct place pl;
	u64 val;
	int r;

	cpu->access = ACCESS_SYSTEM;
	r = find_place(cpu, lin, EMU_ACC_WRITE, &pl);
	cpu->access = access;
	if (r)
		return r;
	if (pl.host) {
		change_host(cpu, &pl, clear, set);
		return EMU_OK;
	}
	r = emu_system_read(cpu, lin, 1, &val);
	return r ? r : emu_system_write(cpu, lin, 1, (val & ~clear) | set);
}

/**
 * emu_system_restore() - take a change back, where memory is memory
 * @cpu: engine
 * @lin: linear address
 * @clear: bits to clear
 * @set: bits to set
 *
 * What a hook or the owner has served is not made again but replayed, and has to
 * stay as it is.
 */
void emu_system_restore(struct emu *cpu, u64 lin, u8 clear, u8 set)
{
	u8 access = cpu->access;
	struct place pl;

	cpu->access = ACCESS_SYSTEM;
	if (!find_place(cpu, lin, EMU_ACC_WRITE, &pl) && pl.host)
		change_host(cpu, &pl, clear, set);
	cpu->access = access;
}

/* A read of the caller's memory that the write of all of it follows. */
static int failed_as_write(struct emu *cpu, u64 lin, unsigned int size)
{
	cpu->exit.access = EMU_ACC_WRITE;
	cpu->exit.error |= EMU_PF_W;
	cpu->exit.size = lin + size - cpu->exit.linear;
	return EMU_FAIL;
}

/* The read of a read-modify-write: faults as the write that follows it. */
int emu_read_for_write(struct emu *cpu, unsigned int seg, u64 off,
		       unsigned int size, u64 *val)
{
	bool plain = cpu->flags & EMU_CALLER_MEMORY;
	u64 lin;
	int r;

	r = emu_linear(cpu, seg, off, size, EMU_ACC_WRITE, &lin);
	if (!r)
		r = check_alignment(cpu, lin, size);
	/* A write that fails in the caller's one page has done nothing. */
	if (!r && (!plain || in_page(lin, size) != size))
		r = emu_linear_probe(cpu, lin, size);
	if (r)
		return r;
	r = emu_linear_read(cpu, lin, size, val);
	return r == EMU_FAIL && plain ? failed_as_write(cpu, lin, size) : r;
}

/**
 * emu_write_locked() - the write of a LOCKed read-modify-write
 * @cpu: engine
 * @seg: enum emu_sreg
 * @off: offset
 * @size: bytes
 * @old: what was read
 * @val: what to write
 *
 * Return: as emu_write(); EMU_RETRY where memory no longer holds @old.
 */
int emu_write_locked(struct emu *cpu, unsigned int seg, u64 off,
		     unsigned int size, u64 old, u64 val)
{
	struct place pl;
	u64 lin;
	int r;

	r = emu_linear(cpu, seg, off, size, EMU_ACC_WRITE, &lin);
	if (r)
		return r;
	emu_debug_bus_lock(cpu, lin, size);
	if (in_page(lin, size) != size)
		return emu_linear_write(cpu, lin, size, val);
	r = find_place(cpu, lin, EMU_ACC_WRITE, &pl);
	if (r)
		return r;
	if (!pl.host && !pl.caller)
		return emu_linear_write(cpu, lin, size, val);
	r = watch(cpu, lin, size, EMU_WRITE, val);
	if (r)
		return r;
	cpu->exit.access = EMU_ACC_WRITE;
	if (!pl.host)
		r = cpu->ops->user_exchange(cpu, lin, size, &old, &val);
	else if (!host_exchange(pl.host, size, old, val))
		r = EMU_RETRY;
	if (r)
		return r;
	table_written(cpu, &pl);
	if (unlikely(pl.watched))
		note_data(cpu, lin, size, true);
	watched(cpu, lin, size, EMU_WRITE, val);
	return EMU_OK;
}

/**
 * emu_exchange16() - 16 bytes at once: CMPXCHG16B
 * @cpu: engine
 * @seg: enum emu_sreg
 * @off: offset, a multiple of 16
 * @old: what is to be there, low half first
 * @val: what to write if it is; else the write is of what is there (S157)
 * @found: what was there
 *
 * Return: enum emu_result.
 */
int emu_exchange16(struct emu *cpu, unsigned int seg, u64 off, const u64 old[2],
		   const u64 val[2], u64 found[2])
{
	const u64 *now;
	struct place pl;
	u64 lin;
	int r;

	r = emu_linear(cpu, seg, off, 16, EMU_ACC_WRITE, &lin);
	if (!r)
		r = find_place(cpu, lin, EMU_ACC_WRITE, &pl);
	if (!r)
		r = emu_linear_read(cpu, lin, 8, &found[0]);
	if (!r)
		r = emu_linear_read(cpu, lin + 8, 8, &found[1]);
	if (r == EMU_FAIL && pl.caller)
		return failed_as_write(cpu, lin, 16);
	if (r)
		return r;
	now = found[0] == old[0] && found[1] == old[1] ? val : found;
	r = watch(cpu, lin, 16, EMU_WRITE, now[0]);
	if (r)
		return r;
	if (!pl.host && !pl.caller) {
		r = page_write(cpu, &pl, lin, 8, now[0]);
		pl.gpa += 8;
		return r ? r : page_write(cpu, &pl, lin + 8, 8, now[1]);
	}
	cpu->exit.access = EMU_ACC_WRITE;
	if (!pl.host)
		r = cpu->ops->user_exchange(cpu, lin, 16, found, now);
	else if (!emu_cmpxchg16(pl.host, found, now))
		r = EMU_RETRY;
	if (r)
		return r;
	table_written(cpu, &pl);
	if (unlikely(pl.watched))
		note_data(cpu, lin, 16, true);
	watched(cpu, lin, 16, EMU_WRITE, now[0]);
	return EMU_OK;
}

/**
 * emu_watched() - does an armed data breakpoint or a watch touch these bytes?
 * @cpu: engine
 * @lin: linear address
 * @len: bytes
 * @acc: EMU_ACC_READ or EMU_ACC_WRITE; a watch counts for both
 *
 * Return: true where each access to them has to be looked at.
 */
bool emu_watched(const struct emu *cpu, u64 lin, unsigned int len,
		 enum emu_access acc)
{
	bool write = acc == EMU_ACC_WRITE;

	if ((write ? cpu->bp_write : cpu->bp_read) &&
	    emu_debug_match_data(cpu, lin, len, write))
		return true;
	return emu_watch_memory(cpu, lin, len);
}

/**
 * emu_direct() - host memory of a linear address, for bulk work
 * @cpu: engine
 * @lin: linear address
 * @acc: EMU_ACC_READ or EMU_ACC_WRITE
 * @gpa: its physical address
 *
 * Of the bytes that are to be accessed none may be emu_watched().
 *
 * Return: a pointer valid to the end of the page, or NULL where each access has
 * to be looked at for another reason.
 */
u8 *emu_direct(struct emu *cpu, u64 lin, enum emu_access acc, u64 *gpa)
{
	struct place pl;

	/* A fault here is only a reason to decline; the element will raise it. */
	if (find_place(cpu, lin, acc, &pl) ||
	    (acc == EMU_ACC_WRITE && pl.table))
		return NULL;
	*gpa = pl.gpa;
	return pl.host;
}

/**
 * emu_walks() - would finding a page walk page tables?
 * @cpu: engine
 * @lin: linear address
 * @acc: EMU_ACC_READ or EMU_ACC_WRITE
 *
 * That sets accessed and dirty bits, which an access before it must not see yet.
 *
 * Return: false where there is no paging, or a window of the page already.
 */
bool emu_walks(struct emu *cpu, u64 lin, enum emu_access acc)
{
	return cpu->st.ctrl.cr0 & EMU_CR0_PG &&
	       !window_has(cpu, window_slot(cpu, lin, user_access(cpu)), lin, acc);
}

/**
 * emu_physical() - where an access would go
 * @cpu: engine
 * @lin: linear address
 * @acc: what for
 * @gpa: result
 *
 * Return: false where it would fault.
 */
bool emu_physical(struct emu *cpu, u64 lin, enum emu_access acc, u64 *gpa)
{
	struct place pl;

	if (!(cpu->st.ctrl.cr0 & EMU_CR0_PG)) {
		*gpa = lin;
		return true;
	}
	if (find_place(cpu, lin, acc, &pl))
		return false;
	*gpa = pl.gpa;
	return true;
}

/* Where instruction bytes at @lin come from, and how many are there together. */
const u8 *emu_stream_bytes(const struct emu *cpu, u64 lin, unsigned int *n)
{
	const struct emu_stream *s = &cpu->st.stream;
	u64 at = lin - s->start;

	if (at >= s->len)
		return NULL;
	at = emu_index_nospec(at, EMU_STREAM_MAX);
	*n = min_t(u64, *n, s->len - at);
	return s->bytes + at;
}

/**
 * emu_fetch() - instruction bytes
 * @cpu: engine
 * @lin: linear address
 * @max: bytes wanted, not 0
 * @buf: where to
 * @got: bytes fetched, at least 1: to the end of the page or of the stream
 *
 * Return: EMU_OK, EMU_EXCEPTION, or EMU_FAIL where there is no memory; a fetch
 * is never served by the owner.
 */
int emu_fetch(struct emu *cpu, u64 lin, unsigned int max, u8 *buf,
	      unsigned int *got)
{
	unsigned int n = in_page(lin, max);
	const u8 *p = emu_stream_bytes(cpu, lin, &n);
	struct place pl;
	u64 v;
	int r;

	if (!p) {
		/* A stream may begin before the page ends. */
		if (cpu->st.stream.len && cpu->st.stream.start > lin)
			n = min_t(u64, n, cpu->st.stream.start - lin);
		r = find_place(cpu, lin, EMU_ACC_FETCH, &pl);
		if (r)
			return r;
		if (pl.caller) {
			cpu->exit.access = EMU_ACC_FETCH;
			return cpu->ops->user_fetch(cpu, lin, n, buf, got);
		}
		p = pl.host;
		if (!p) {
			if (cpu->ops->read(cpu, pl.gpa, 1, &v))
				return no_memory(cpu, lin, pl.gpa, 1,
						 EMU_ACC_FETCH);
			buf[0] = v;
			*got = 1;
			return EMU_OK;
		}
	}
	memcpy(buf, p, n);
	*got = n;
	return EMU_OK;
}

void emu_flush(struct emu *cpu)
{
	cpu->generation++;
	if (cpu->generation >= EMU_TAG_GENERATIONS) {
		memset(cpu->win, 0, sizeof(cpu->win));
		emu_blocks_forget_pages(cpu);
		cpu->generation = 1;
	}
	memset(cpu->tables, 0, sizeof(cpu->tables));
	cpu->quick.valid = false;
}
