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

static bool log_has_room(const struct access_log *log)
{
	/* Pairs with the owner's release, after he has read the records. */
	u64 tail = smp_load_acquire(&log_ring(log)->tail);

	/* A tail past the head makes this a large number, which is no room. */
	return log->head - tail < log->nr;
}

static int log_check(struct emu *cpu)
{
	struct sandbox *sb = cpu->host;

	if (log_has_room(&sb->log))
		return EMU_OK;
	cpu->host_exit = PIOTRAP_EXIT_LOG_FULL;
	return EMU_EXIT;
}

static void log_append(struct access_log *log,
		       const struct piotrap_log_rec *rec)
{
	u64 at = (log->slot + 1) * log->rec_size;
	u8 *page = page_address(log->mem->page[at >> PAGE_SHIFT]);

	memcpy(page + offset_in_page(at), rec, log->rec_size);
	log->head++;
	if (++log->slot == log->nr)
		log->slot = 0;
	/* The owner who acquires the head finds the record there. */
	smp_store_release(&log_ring(log)->head, log->head);
}

static u8 code_bits(const struct emu_state *st)
{
	u32 attr = st->segs.seg[EMU_CS].attr;

	if ((st->ctrl.efer & EMU_EFER_LMA) && (attr & EMU_SEG_L))
		return 64;
	return attr & EMU_SEG_DB ? 32 : 16;
}

static struct piotrap_log_rec log_record(const struct emu *cpu, u8 type)
{
	const u64 *gpr = cpu->st.regs.gpr;

	return (struct piotrap_log_rec) {
		.type = type,
		.bits = code_bits(&cpu->st),
		.cs = cpu->st.segs.seg[EMU_CS].selector,
		.rip = cpu->st.regs.rip,
		.rflags = emu_rflags(cpu),
		.rcx = gpr[EMU_RCX],
		.rdx = gpr[EMU_RDX],
		.rsi = gpr[EMU_RSI],
		.rdi = gpr[EMU_RDI],
		.rbx = gpr[EMU_RBX],
		.rsp = gpr[EMU_RSP],
		.rbp = gpr[EMU_RBP],
	};
}

/* Hook: an instruction or iteration is about to start. */
int log_step(struct emu *cpu)
{
	struct sandbox *sb = cpu->host;
	struct piotrap_log_rec rec;
	int ret;

	if (!(sb->log.flags & PIOTRAP_LOG_STEPS))
		return EMU_OK;
	ret = log_check(cpu);
	if (ret != EMU_OK)
		return ret;
	rec = log_record(cpu, PIOTRAP_REC_STEP);
	rec.value = cpu->st.regs.gpr[EMU_RAX];
	log_append(&sb->log, &rec);
	return EMU_OK;
}

/* Is there room for the access that is about to be made? */
int log_port_check(struct emu *cpu)
{
	struct sandbox *sb = cpu->host;

	return sb->log.flags & PIOTRAP_LOG_PORTS ? log_check(cpu) : EMU_OK;
}

/**
 * log_port() - record an access that has been committed
 * @sb: sandbox
 * @t: the access
 *
 * log_port_check() has found room for it; the owner who meanwhile takes that
 * back by writing nonsense to the ring's tail overwrites his own records.
 */
void log_port(struct sandbox *sb, const struct emu_trace *t)
{
	struct piotrap_log_rec rec;

	if (!(sb->log.flags & PIOTRAP_LOG_PORTS))
		return;
	rec = log_record(&sb->cpu, PIOTRAP_REC_PORT);
	rec.dir = t->dir;
	rec.size = t->size;
	rec.port = t->port;
	rec.value = t->value;
	log_append(&sb->log, &rec);
}
