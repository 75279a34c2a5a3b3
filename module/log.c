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

#include "sandbox.h"

/* So no record lies on two pages. */
static_assert(sizeof(struct piotrap_log_rec) == 64);
static_assert(offsetof(struct piotrap_log_ring, rec) ==
	      sizeof(struct piotrap_log_rec));

int log_set(struct sandbox *sb, const struct piotrap_log *arg)
{
	struct access_log *log = &sb->log;
	struct pinned *mem = NULL;
	struct piotrap_log_ring *ring;

	if (!PAGE_ALIGNED(arg->addr | arg->len) || !arg->flags != !arg->len ||
	    (!arg->flags && arg->addr))
		return -EINVAL;
	if (arg->len > LIMIT_LOG)
		return -E2BIG;
	if (arg->flags) {
		mem = pin_memory(arg->addr, arg->len, true);
		if (IS_ERR(mem))
			return PTR_ERR(mem);
		ring = page_address(mem->page[0]);
		memset(ring, 0, sizeof(*ring));
	}
	log_free(log);
	*log = (struct access_log) {
		.flags = arg->flags,
		.mem = mem,
		.nr = mem ? arg->len / sizeof(struct piotrap_log_rec) - 1 : 0,
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
	u64 at = (log->slot + 1) * sizeof(*rec);
	u8 *page = page_address(log->mem->page[at >> PAGE_SHIFT]);

	memcpy(page + offset_in_page(at), rec, sizeof(*rec));
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
