// SPDX-License-Identifier: GPL-2.0
/*
 * The owner's log of accesses and steps: a ring in the owner's memory, for which
 * no privilege is needed. The owner may write there whatever he likes at any time;
 * what the kernel goes by is its own.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "flags.h"
#include "sandbox.h"

/* So no record lies on two pages, and the ring's head is as large as one. */
static_assert(PAGE_SIZE % sizeof(struct piotrap_log_rec) == 0);
static_assert(PAGE_SIZE % PIOTRAP_LOG_REC_FIRST == 0);
static_assert(offsetof(struct piotrap_log_ring, rec) ==
	      sizeof(struct piotrap_log_rec));
static_assert(offsetofend(struct piotrap_log_rec, rdi) ==
	      PIOTRAP_LOG_REC_FIRST);

static bool rec_size_valid(const struct piotrap_log *arg)
{
	if (!arg->flags)
		return !arg->rec_size;
	return !arg->rec_size || arg->rec_size == PIOTRAP_LOG_REC_FIRST ||
	       arg->rec_size == sizeof(struct piotrap_log_rec);
}

int log_set(struct sandbox *sb, const struct piotrap_log *arg)
{
	u32 rec_size = arg->rec_size ?: PIOTRAP_LOG_REC_FIRST;
	struct access_log *log = &sb->log;
	struct pinned *mem = NULL;

	if (!PAGE_ALIGNED(arg->addr | arg->len) || !arg->flags != !arg->len ||
	    (!arg->flags && arg->addr) || !rec_size_valid(arg))
		return -EINVAL;
	if (arg->len > LIMIT_LOG)
		return -E2BIG;
	if (arg->flags) {
		mem = pin_memory(arg->addr, arg->len, true);
		if (IS_ERR(mem))
			return PTR_ERR(mem);
		memset(page_address(mem->page[0]), 0, rec_size);
	}
	log_free(log);
	*log = (struct access_log) {
		.flags = arg->flags,
		.mem = mem,
		.rec_size = rec_size,
		.nr = mem ? arg->len / rec_size - 1 : 0,
	};
	run_set_flags(sb);
	return 0;
}

void log_free(struct access_log *log)
{
	unpin_memory(log->mem);
	log->mem = NULL;
	log->flags = 0;
}

static struct piotrap_log_ring *log_ring(const struct access_log *log)
{
	return page_address(log->mem->page[0]);
}

/* How far there is room is asked of the owner only once all of it is used. */
static bool log_has_room(struct access_log *log)
{
	u64 tail;

	if (likely(log->head != log->limit))
		return true;
	/* Pairs with the owner's release, after he has read the records. */
	tail = smp_load_acquire(&log_ring(log)->tail);
	/* A tail past the head makes this a large number, which is no room. */
	if (log->head - tail >= log->nr)
		return false;
	log->limit = tail + log->nr;
	return true;
}

/* Is there room for the record of what is about to be done? */
int log_check(struct emu *cpu)
{
	struct sandbox *sb = cpu->host;

	if (log_has_room(&sb->log))
		return EMU_OK;
	cpu->host_exit = PIOTRAP_EXIT_LOG_FULL;
	return EMU_EXIT;
}

static u8 code_bits(const struct emu_state *st)
{
	u32 attr = st->segs.seg[EMU_CS].attr;

	if ((st->ctrl.efer & EMU_EFER_LMA) && (attr & EMU_SEG_L))
		return 64;
	return attr & EMU_SEG_DB ? 32 : 16;
}

/* The next record, with all that records have in common; it is written in its place. */
static struct piotrap_log_rec *log_begin(struct sandbox *sb, u8 type)
{
	const struct access_log *log = &sb->log;
	const struct emu *cpu = &sb->cpu;
	const u64 *gpr = cpu->st.regs.gpr;
	u64 at = (log->slot + 1) * log->rec_size;
	u8 *page = page_address(log->mem->page[at >> PAGE_SHIFT]);
	struct piotrap_log_rec *rec = (void *)(page + offset_in_page(at));

	rec->type = type;
	rec->dir = 0;
	rec->size = 0;
	rec->bits = code_bits(&cpu->st);
	rec->port = 0;
	rec->cs = cpu->st.segs.seg[EMU_CS].selector;
	rec->rip = cpu->st.regs.rip;
	rec->rflags = flags_image(cpu);
	rec->rcx = gpr[EMU_RCX];
	rec->rdx = gpr[EMU_RDX];
	rec->rsi = gpr[EMU_RSI];
	rec->rdi = gpr[EMU_RDI];
	if (log->rec_size > PIOTRAP_LOG_REC_FIRST) {
		rec->rbx = gpr[EMU_RBX];
		rec->rsp = gpr[EMU_RSP];
		rec->rbp = gpr[EMU_RBP];
		memset(rec->reserved, 0, sizeof(rec->reserved));
	}
	return rec;
}

static void log_end(struct access_log *log)
{
	log->head++;
	if (++log->slot == log->nr)
		log->slot = 0;
	/* The owner who acquires the head finds the record there. */
	smp_store_release(&log_ring(log)->head, log->head);
}

/* Hook, while steps are logged: an instruction or iteration is about to start. */
int log_step(struct emu *cpu)
{
	struct sandbox *sb = cpu->host;
	int ret;

	ret = log_check(cpu);
	if (ret != EMU_OK)
		return ret;
	log_begin(sb, PIOTRAP_REC_STEP)->value = cpu->st.regs.gpr[EMU_RAX];
	log_end(&sb->log);
	return EMU_OK;
}

/**
 * log_port() - record an access that has been committed
 * @sb: sandbox
 * @t: the access
 *
 * log_check() has found room for it; the owner who meanwhile takes that
 * back by writing nonsense to the ring's tail overwrites his own records.
 */
void log_port(struct sandbox *sb, const struct emu_trace *t)
{
	struct piotrap_log_rec *rec = log_begin(sb, PIOTRAP_REC_PORT);

	rec->dir = t->dir;
	rec->size = t->size;
	rec->port = t->port;
	rec->value = t->value;
	log_end(&sb->log);
}
