// SPDX-License-Identifier: GPL-2.0
/*
 * The caller's memory (K10): linear addresses are those of the process that runs.
 *
 * An access within a page is one user access of its size, and faults are handled
 * as for any other: nothing is locked and preemption is on around it. What has to
 * be written as a whole, on several pages or in sizes that no single access has,
 * is pinned first and then written through the kernel's mapping.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_context.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/trap_pf.h>

#include "sandbox.h"

/**
 * caller_bind() - whose memory it is, from the next run on
 * @sb: sandbox
 * @mm: a process's, or NULL: the sandbox has its regions
 *
 * Held by mmgrab(): the memory itself may go with the process, but no other will
 * be taken for it.
 */
void caller_bind(struct sandbox *sb, struct mm_struct *mm)
{
	if (mm)
		mmgrab(mm);
	if (sb->mm)
		mmdrop(sb->mm);
	sb->mm = mm;
}

/**
 * caller_check_state() - can this state run in the caller's memory?
 * @st: has passed emu_check_state()
 *
 * Return: NULL, or the rule that it breaks, as a text (the list is in
 * Documentation/abi.rst).
 */
const char *caller_check_state(const struct emu_state *st)
{
	const struct emu_event *ev = &st->event;

	if (!(st->ctrl.cr0 & EMU_CR0_PE) || (st->regs.rflags & EMU_FL_VM))
		return "caller: protected or long mode";
	if ((st->segs.seg[EMU_SS].attr & EMU_SEG_DPL) != EMU_SEG_DPL)
		return "caller: SS.DPL, the CPL, is 3";
	if (ev->action == EMU_EVENT_DELIVER || ev->intr_pending ||
	    ev->nmi_pending || ev->init_pending || ev->mc_pending)
		return "caller: no event is to be delivered";
	return NULL;
}

/* -- What a fault says. -- */

/* The error code of a page fault at @addr. */
static int page_fault_error(u64 addr, enum emu_access acc, u32 *error)
{
	bool write = acc == EMU_ACC_WRITE, fetch = acc == EMU_ACC_FETCH;
	unsigned long need = write ? VM_WRITE : fetch ? VM_EXEC :
			     VM_READ | VM_WRITE | VM_EXEC;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	*error = X86_PF_USER;
	if (write)
		*error |= X86_PF_WRITE;
	if (fetch)
		*error |= X86_PF_INSTR;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, addr);
	if (vma && !(vma->vm_flags & need))
		*error |= X86_PF_PROT;
	else if (vma && !arch_vma_access_permitted(vma, write, false, false))
		*error |= X86_PF_PROT | X86_PF_PK;
	mmap_read_unlock(mm);
	return 0;
}

static int interrupted(struct emu *cpu)
{
	cpu->host_exit = PIOTRAP_EXIT_SIGNAL;
	return EMU_EXIT;
}

/* An access that could not be made. */
static int failed(struct emu *cpu, u64 addr, unsigned int size,
		  enum emu_access acc)
{
	/* Who is killed gets no page: that says nothing about memory. */
	if (signal_pending(current) ||
	    page_fault_error(addr, acc, &cpu->exit.error))
		return interrupted(cpu);
	cpu->exit.linear = addr;
	cpu->exit.gpa = addr;
	cpu->exit.size = size;
	cpu->exit.access = acc;
	return EMU_FAIL;
}

/* -- Accesses. These return 0 or a negative errno, and then nothing was done. -- */

#define GET(type, p, val) ({						\
	type __v;							\
	int __ret = get_user(__v, (type __user *)(p));			\
	*(val) = __v;							\
	__ret;								\
})

static int get_value(const void __user *p, unsigned int size, u64 *val)
{
	switch (size) {
	case 1:
		return GET(u8, p, val);
	case 2:
		return GET(u16, p, val);
	case 4:
		return GET(u32, p, val);
	case 8:
		return GET(u64, p, val);
	}
	*val = 0;
	if (size > sizeof(*val) || copy_from_user(val, p, size))
		return -EFAULT;
	return 0;
}

/* The page of @p, present, writable and staying where it is. */
static struct page *pin_page(const void __user *p)
{
	unsigned long addr = (unsigned long)p & PAGE_MASK;
	struct page *page;

	if (pin_user_pages_fast(addr, 1, FOLL_WRITE, &page) != 1)
		return ERR_PTR(-EFAULT);
	return page;
}

static void unpin_page(struct page *page)
{
	unpin_user_pages_dirty_lock(&page, 1, true);
}

static int put_pinned(void __user *p, unsigned int size, u64 val)
{
	struct page *page;

	if (size > sizeof(val) || size > PAGE_SIZE - offset_in_page(p))
		return -EFAULT;
	page = pin_page(p);
	if (IS_ERR(page))
		return PTR_ERR(page);
	memcpy(page_address(page) + offset_in_page(p), &val, size);
	unpin_page(page);
	return 0;
}

static int put_value(void __user *p, unsigned int size, u64 val)
{
	switch (size) {
	case 1:
		return put_user((u8)val, (u8 __user *)p);
	case 2:
		return put_user((u16)val, (u16 __user *)p);
	case 4:
		return put_user((u32)val, (u32 __user *)p);
	case 8:
		return put_user(val, (u64 __user *)p);
	}
	return put_pinned(p, size, val);
}

/* A LOCK of the host's across a cache line would trip split-lock detection (K9). */
static bool crosses_line(const void __user *p, unsigned int size)
{
	return ((unsigned long)p & 63) + size > 64;
}

/* These return 1 where something else than @old is there. */

static int exchange_plain(void __user *p, unsigned int size, u64 old, u64 val)
{
	u64 now;
	int ret = get_value(p, size, &now);

	if (ret)
		return ret;
	return now == old ? put_value(p, size, val) : 1;
}

static int exchange_16(void __user *p, const u64 old[2], const u64 val[2])
{
	struct page *page;
	bool done;

	if (!IS_ALIGNED((unsigned long)p, 16))
		return -EFAULT;
	page = pin_page(p);
	if (IS_ERR(page))
		return PTR_ERR(page);
	done = emu_cmpxchg16(page_address(page) + offset_in_page(p), old, val);
	unpin_page(page);
	return !done;
}

#define EXCHANGE(type, p, old, val) ({					\
	type __seen = (old);						\
	__try_cmpxchg_user((type __user *)(p), &__seen, (type)(val),	\
			   fault_##type);				\
})

static int exchange_value(void __user *p, unsigned int size, const u64 *old,
			  const u64 *val)
{
	might_fault();
	if (!access_ok(p, size))
		return -EFAULT;
	if (size == 16)
		return exchange_16(p, old, val);
	if (crosses_line(p, size))
		return exchange_plain(p, size, *old, *val);
	switch (size) {
	case 1:
		return EXCHANGE(u8, p, *old, *val);
	case 2:
		return EXCHANGE(u16, p, *old, *val);
	case 4:
		return EXCHANGE(u32, p, *old, *val);
	case 8:
		return EXCHANGE(u64, p, *old, *val);
	}
	return exchange_plain(p, size, *old, *val);
}

/* -- Hooks. -- */

static void __user *user_ptr(u64 addr)
{
	return u64_to_user_ptr(addr);
}

int caller_read(struct emu *cpu, u64 addr, unsigned int size, u64 *val)
{
	if (get_value(user_ptr(addr), size, val))
		return failed(cpu, addr, size, EMU_ACC_READ);
	return EMU_OK;
}

int caller_write(struct emu *cpu, u64 addr, unsigned int size, u64 val)
{
	if (put_value(user_ptr(addr), size, val))
		return failed(cpu, addr, size, EMU_ACC_WRITE);
	return EMU_OK;
}

int caller_exchange(struct emu *cpu, u64 addr, unsigned int size,
		    const u64 *old, const u64 *val)
{
	int ret = exchange_value(user_ptr(addr), size, old, val);

	if (ret < 0)
		return failed(cpu, addr, size, EMU_ACC_WRITE);
	return ret ? EMU_RETRY : EMU_OK;
}

/*
 * Bytes of memory that may be executed while they are read: 0; -EAGAIN: what is
 * there has to be brought in first; -EFAULT: it may not; -EINTR.
 */
static int fetch_mapped(u64 addr, unsigned int n, u8 *buf)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	if (!access_ok(user_ptr(addr), n))
		return -EFAULT;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, addr);
	if (vma && (vma->vm_flags & VM_EXEC)) {
		/* A fault would want the lock, too. */
		pagefault_disable();
		ret = __copy_from_user_inatomic(buf, user_ptr(addr), n) ?
			-EAGAIN : 0;
		pagefault_enable();
	}
	mmap_read_unlock(mm);
	return ret;
}

int caller_fetch(struct emu *cpu, u64 addr, unsigned int n, u8 *buf,
		 unsigned int *got)
{
	u64 byte;
	int ret;

	n = min_t(unsigned int, n, PAGE_SIZE - offset_in_page(addr));
	for (;;) {
		ret = fetch_mapped(addr, n, buf);
		if (ret != -EAGAIN)
			break;
		ret = get_value(user_ptr(addr), 1, &byte);
		if (ret)
			break;
		/* Another thread may take it away again each time. */
		if (signal_pending(current))
			return interrupted(cpu);
		cond_resched();
	}
	if (ret)
		return failed(cpu, addr, n, EMU_ACC_FETCH);
	*got = n;
	return EMU_OK;
}

int caller_pin(struct emu *cpu, u64 addr, u8 **page)
{
	struct sandbox *sb = cpu->host;
	struct held_pages *held = &sb->held;
	u64 first = addr & PAGE_MASK;
	struct page *p;
	unsigned int i;

	for (i = 0; i < held->nr; i++) {
		if (held->addr[i] == first) {
			*page = page_address(held->page[i]);
			return EMU_OK;
		}
	}
	if (held->nr == ARRAY_SIZE(held->page)) {
		cpu->host_exit = PIOTRAP_EXIT_INTERNAL;
		return EMU_EXIT;
	}
	p = pin_page(user_ptr(addr));
	if (IS_ERR(p))
		return failed(cpu, addr, 1, EMU_ACC_WRITE);
	held->addr[held->nr] = first;
	held->page[held->nr++] = p;
	*page = page_address(p);
	return EMU_OK;
}

void caller_unpin(struct emu *cpu)
{
	struct sandbox *sb = cpu->host;
	struct held_pages *held = &sb->held;

	unpin_user_pages_dirty_lock(held->page, held->nr, true);
	held->nr = 0;
}
