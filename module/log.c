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
#include "tell.h"

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

static struct piotrap_log_ring *log_ring(const struct access_log *log)
{
	return page_address(log->mem->page[0]);
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
	if (mem)
		log->ring_head = &log_ring(log)->head;
	run_set_flags(sb);
	return 0;
}

void log_free(struct access_log *log)
{
	unpin_memory(log->mem);
	log->mem = NULL;
	log->flags = 0;
}

/*
 * Where the next records go, up to the end of the page or of the room that there is.
 * How far that goes is asked of the owner only once all of it is used. @must: there is
 * room for one, whatever he says: he overwrites his own.
 */
static bool log_find_room(struct access_log *log, bool must)
{
	u64 slot = log->head % log->nr;
	u64 at = (slot + 1) * log->rec_size, room;

	/* Pairs with the owner's release, after he has read the records. */
	room = log->nr - (log->head - smp_load_acquire(&log_ring(log)->tail));
	/* A tail past the head makes this a large number, which is no room. */
	if (!room || room > log->nr) {
		if (!must)
			return false;
		room = 1;
	}
	room = min(room, log->nr - slot);
	room = min(room, (PAGE_SIZE - offset_in_page(at)) / log->rec_size);
	log->at = page_address(log->mem->page[at >> PAGE_SHIFT]) + offset_in_page(at);
	log->end = log->at + room * log->rec_size;
	return true;
}

static bool log_has_room(struct access_log *log)
{
	return likely(log->at != log->end) || log_find_room(log, false);
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

/* The first eight bytes of a record, which are one store. */
static __always_inline u64 log_first(u8 type, u8 dir, u8 size, u8 bits, u16 port, u16 cs)
{
	static_assert(offsetof(struct piotrap_log_rec, dir) == 1);
	static_assert(offsetof(struct piotrap_log_rec, size) == 2);
	static_assert(offsetof(struct piotrap_log_rec, bits) == 3);
	static_assert(offsetof(struct piotrap_log_rec, port) == 4);
	static_assert(offsetof(struct piotrap_log_rec, cs) == 6);
	return type | dir << 8 | size << 16 | (u64)bits << 24 | (u64)port << 32 |
	       (u64)cs << 48;
}

/* The next record; it is written in its place. @first: see log_first(). */
static __always_inline void log_write(struct sandbox *sb, u64 first, u64 rip, u64 value)
{
	struct access_log *log = &sb->log;
	const u64 *gpr = sb->cpu.st.regs.gpr;
	struct piotrap_log_rec *rec = log->at;

	*(u64 *)rec = first;
	rec->rip = rip;
	rec->value = value;
	rec->rflags = flags_image(&sb->cpu);
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
	log->at += log->rec_size;
	log->head++;
	/* The owner who acquires the head finds the record there. */
	smp_store_release(log->ring_head, log->head);
}

static __always_inline void log_write_step(struct emu *cpu, u64 rip, u8 bits)
{
	log_write(cpu->host, log_first(PIOTRAP_REC_STEP, 0, 0, bits, 0,
				       cpu->st.segs.seg[EMU_CS].selector),
		  rip, cpu->st.regs.gpr[EMU_RAX]);
}

/* Hook, while steps are logged: an instruction or iteration is about to start. */
int log_step(struct emu *cpu)
{
	int ret = log_check(cpu);

	if (ret == EMU_OK)
		log_write_step(cpu, cpu->st.regs.rip, code_bits(&cpu->st));
	return ret;
}

static noinline enum emu_uop_result
log_step_uop_no_room(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	return log_check(cpu) == EMU_OK ? log_step_uop(cpu, u, left) :
					  emu_tell_done(cpu, u, left, false);
}

/* Hook: the same in a block. */
enum emu_uop_result log_step_uop(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	const struct access_log *log = &((struct sandbox *)cpu->host)->log;

	if (unlikely(log->at == log->end))
		return log_step_uop_no_room(cpu, u, left);
	log_write_step(cpu, emu_tell_rip(cpu, u), emu_tell_bits(u));
	return emu_tell_done(cpu, u, left, true);
}

/**
 * log_port() - record an access that has been committed
 * @sb: sandbox
 * @t: the access
 *
 * log_check() has found room for it, but it may have been in another ring.
 */
void log_port(struct sandbox *sb, const struct emu_trace *t)
{
	const struct emu_state *st = &sb->cpu.st;

	if (unlikely(sb->log.at == sb->log.end))
		log_find_room(&sb->log, true);
	log_write(sb, log_first(PIOTRAP_REC_PORT, t->dir, t->size, code_bits(st), t->port,
				st->segs.seg[EMU_CS].selector),
		  st->regs.rip, t->value);
}
