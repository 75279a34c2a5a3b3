// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a sandbox: the owner's own pages, pinned, and address ranges without
 * memory behind them.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/user.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "sandbox.h"

#define GPA_MAX		BIT_ULL(52)

/* Pages that are pinned, checked or let go before others get the CPU. */
#define PIN_BATCH	512UL

/*
 * The count is changed in the mm that was charged, whoever closes the file: a
 * child after fork(), the same process after exec(), a stranger it was sent to.
 */
static int charge_mm(struct mm_struct *mm, unsigned long nr)
{
	int ret;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = __account_locked_vm(mm, nr, true, current, capable(CAP_IPC_LOCK));
	mmap_write_unlock(mm);
	return ret;
}

static void uncharge_mm(struct mm_struct *mm, unsigned long nr)
{
	mmap_write_lock(mm);
	__account_locked_vm(mm, nr, false, current, true);
	mmap_write_unlock(mm);
}

/* To the process, which has the limit for all that it locks, and to its user. */
static int charge(struct pinned *pin, unsigned long nr)
{
	int ret;

	ret = user_charge(current_user(), nr);
	if (ret)
		return ret;
	ret = charge_mm(current->mm, nr);
	if (ret) {
		user_uncharge(current_user(), nr);
		return ret;
	}
	pin->user = get_uid(current_user());
	pin->mm = current->mm;
	mmgrab(pin->mm);
	return 0;
}

static void uncharge(struct pinned *pin, unsigned long nr)
{
	uncharge_mm(pin->mm, nr);
	mmdrop(pin->mm);
	user_uncharge(pin->user, nr);
	free_uid(pin->user);
}

/*
 * May this page be pinned for good? Anonymous memory (which a private mapping
 * has become by pinning for writing), hugetlb and shmem, memfd included. What
 * kernels allow beyond that differs: pages of a file with a file system behind
 * would be written behind its back.
 */
static bool page_allowed(struct page *page)
{
	struct address_space *mapping;
	bool allowed;

	if (PageAnon(page) || PageHuge(page))
		return true;
	/* A truncated page loses its mapping, but that is freed by RCU. */
	rcu_read_lock();
	mapping = READ_ONCE(compound_head(page)->mapping);
	allowed = mapping && !((unsigned long)mapping & PAGE_MAPPING_FLAGS) &&
		  shmem_mapping(mapping);
	rcu_read_unlock();
	return allowed;
}

static int pin_batch(struct pinned *pin, u64 addr, unsigned long want)
{
	struct page **page = pin->page + pin->nr;
	int got, i;

	got = pin_user_pages_fast(addr, want, FOLL_WRITE | FOLL_LONGTERM, page);
	if (got <= 0) {
		switch (got) {
		case -EINTR:
			return -EINTR;
		case -EAGAIN:
		case -EBUSY:
		case -ENOMEM:
			return -ENOMEM;
		default:
			return -EFAULT;
		}
	}
	pin->nr += got;
	for (i = 0; i < got; i++)
		if (!page_allowed(page[i]))
			return -EFAULT;
	return 0;
}

static void unpin_pages(struct pinned *pin)
{
	unsigned long i;

	for (i = 0; i < pin->nr; i += PIN_BATCH) {
		unpin_user_pages_dirty_lock(pin->page + i,
					    min(pin->nr - i, PIN_BATCH),
					    pin->dirty);
		cond_resched();
	}
}

/**
 * pin_memory() - pin memory of the caller's, and charge it to the caller
 * @addr: page-aligned address
 * @len: bytes, a multiple of the page size
 * @dirty: the pages will be written to
 *
 * They are pinned for writing even where they will only be read: before Linux
 * 6.2 a pin for reading goes stale when the owner writes to a private page.
 *
 * Return: the pinned pages or an ERR_PTR(): -ENOMEM (no memory, RLIMIT_MEMLOCK),
 * -EFAULT (not mapped, not writable, or not to be pinned), -EINTR.
 */
struct pinned *pin_memory(u64 addr, u64 len, bool dirty)
{
	unsigned long nr = len >> PAGE_SHIFT;
	struct pinned *pin;
	int ret;

	pin = kvzalloc(struct_size(pin, page, nr), GFP_OWNER);
	if (!pin)
		return ERR_PTR(-ENOMEM);
	ret = charge(pin, nr);
	if (ret)
		goto err_free;

	while (pin->nr < nr) {
		ret = pin_batch(pin, addr + (pin->nr << PAGE_SHIFT),
				min(nr - pin->nr, PIN_BATCH));
		if (ret)
			goto err_unpin;
		cond_resched();
	}
	pin->dirty = dirty;
	return pin;

err_unpin:
	unpin_pages(pin);
	uncharge(pin, nr);
err_free:
	kvfree(pin);
	return ERR_PTR(ret);
}

void unpin_memory(struct pinned *pin)
{
	if (!pin)
		return;
	unpin_pages(pin);
	uncharge(pin, pin->nr);
	kvfree(pin);
}

/* The number of regions that end at or below @gpa. */
static unsigned int regions_below(const struct memory *mem, u64 gpa)
{
	unsigned int low = 0, high = mem->nr;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const struct region *r = &mem->region[mid];

		if (r->gpa + r->len <= gpa)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct region *find_region(struct memory *mem, u64 gpa)
{
	unsigned int i = regions_below(mem, gpa);
	struct region *r;

	if (i >= mem->nr)
		return NULL;
	/* The guest chooses @gpa: no guess of the CPU may lead past the array. */
	r = &mem->region[array_index_nospec(i, LIMIT_REGIONS)];
	return gpa >= r->gpa ? r : NULL;
}

static bool is_memory(u32 kind)
{
	return kind == PIOTRAP_REGION_RAM || kind == PIOTRAP_REGION_ROM;
}

static int remove_region(struct memory *mem, const struct piotrap_region *arg)
{
	struct region *r = find_region(mem, arg->gpa);

	if (!r || r->gpa != arg->gpa || r->len != arg->len)
		return -ENOENT;
	if (r->mem)
		mem->pinned -= r->len;
	unpin_memory(r->mem);
	mem->nr--;
	memmove(r, r + 1,
		(mem->region + mem->nr - r) * sizeof(*r));
	return 0;
}

static int add_region(struct memory *mem, const struct piotrap_region *arg)
{
	unsigned int i = regions_below(mem, arg->gpa);
	struct region *r = mem->region + i;
	struct pinned *pin = NULL;

	if (i < mem->nr && r->gpa < arg->gpa + arg->len)
		return -EEXIST;
	if (mem->nr == LIMIT_REGIONS)
		return -E2BIG;
	if (is_memory(arg->kind)) {
		if (arg->len > LIMIT_MEMORY - mem->pinned)
			return -E2BIG;
		pin = pin_memory(arg->addr, arg->len,
				 arg->kind == PIOTRAP_REGION_RAM);
		if (IS_ERR(pin))
			return PTR_ERR(pin);
		mem->pinned += arg->len;
	}
	memmove(r + 1, r, (mem->nr - i) * sizeof(*r));
	mem->nr++;
	*r = (struct region) {
		.gpa = arg->gpa,
		.len = arg->len,
		.kind = arg->kind,
		.mem = pin,
	};
	return 0;
}

int memory_set_region(struct sandbox *sb, const struct piotrap_region *arg)
{
	int ret;

	if (arg->kind > PIOTRAP_REGION_EXIT ||
	    !arg->len || !PAGE_ALIGNED(arg->gpa | arg->len | arg->addr) ||
	    arg->gpa >= GPA_MAX || arg->len > GPA_MAX - arg->gpa ||
	    (arg->addr && !is_memory(arg->kind)))
		return -EINVAL;
	if (arg->kind == PIOTRAP_REGION_NONE)
		ret = remove_region(&sb->memory, arg);
	else
		ret = add_region(&sb->memory, arg);
	if (!ret)
		emu_flush(&sb->cpu);
	return ret;
}

void memory_free(struct memory *mem)
{
	while (mem->nr)
		unpin_memory(mem->region[--mem->nr].mem);
}

static u8 *host_page(const struct region *r, u64 gpa)
{
	unsigned long i = (gpa - r->gpa) >> PAGE_SHIFT;

	/* The guest chooses @gpa: see find_region(). */
	return page_address(r->mem->page[array_index_nospec(i, r->mem->nr)]);
}

/* Hook: what is directly behind a page. */
u8 *memory_window(struct emu *cpu, u64 gpa, bool *writable)
{
	struct sandbox *sb = cpu->host;
	struct region *r = find_region(&sb->memory, gpa);

	if (r && r->kind == PIOTRAP_REGION_ROM)
		*writable = false;
	return r && r->mem ? host_page(r, gpa) : NULL;
}

/* What an access to an address without a window comes to; EMU_OK: to memory. */
static int no_window(struct emu *cpu, const struct region *r)
{
	if (!r)
		return EMU_FAIL;
	if (r->kind == PIOTRAP_REGION_EXIT) {
		cpu->host_exit = PIOTRAP_EXIT_NONE;	/* the owner serves it */
		return EMU_EXIT;
	}
	return EMU_OK;
}

/* An access is within a page and no larger than 8 bytes; nothing else is done. */
static unsigned int clamp_size(u64 gpa, unsigned int size)
{
	return min3(size, (unsigned int)sizeof(u64),
		    (unsigned int)(PAGE_SIZE - offset_in_page(gpa)));
}

int memory_read(struct emu *cpu, u64 gpa, unsigned int size, u64 *val)
{
	struct sandbox *sb = cpu->host;
	struct region *r = find_region(&sb->memory, gpa);
	int ret = no_window(cpu, r);

	if (ret != EMU_OK)
		return ret;
	size = clamp_size(gpa, size);
	*val = 0;
	if (r->mem)
		memcpy(val, host_page(r, gpa) + offset_in_page(gpa), size);
	else
		memset(val, 0xff, size);
	return EMU_OK;
}

int memory_write(struct emu *cpu, u64 gpa, unsigned int size, u64 val)
{
	struct sandbox *sb = cpu->host;
	struct region *r = find_region(&sb->memory, gpa);
	int ret = no_window(cpu, r);

	if (ret != EMU_OK)
		return ret;
	size = clamp_size(gpa, size);
	if (r->kind == PIOTRAP_REGION_RAM)
		memcpy(host_page(r, gpa) + offset_in_page(gpa), &val, size);
	return EMU_OK;
}

/* Hook: is anything behind an address? Nothing is touched. */
bool memory_backed(struct emu *cpu, u64 gpa)
{
	struct sandbox *sb = cpu->host;

	return find_region(&sb->memory, gpa);
}
