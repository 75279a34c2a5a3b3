// SPDX-License-Identifier: GPL-2.0
/*
 * Uops of no family: any other pure instruction, what has to be stepped, the end of a
 * block; and what the memory operands of all come to that the short way finds no memory
 * for.
 */
#include "handlers.h"
#include "tell.h"
#include "uop.h"

UOP(nop, UOP_NEXT)

UOP_MEM(leave_seg, do_leave(cpu, u, VIEW_SEG))

const emu_uop_fn emu_uop_leave = uop_leave_seg;

/* Where no branch ends the block. */
enum emu_uop_result uop_end(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	return go_to(cpu, u, left, quick_rip(cpu, u->start));
}

/* What has to be stepped. */
enum emu_uop_result uop_step(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	/* What leaves with the bytes that follow it fetches them itself. */
	if (!(u->insn.op->flags & F_UNSUP) && u->insn.exec != em_unsupported)
		cpu->decoded = &u->insn;
	return uop_leave(cpu, u, left, UOP_STEP);
}

/**
 * emu_quick_memory() - host memory of an access, in any segment and any page
 * @cpu: engine
 * @u: uop that makes it, and will find the page by itself the next time; or NULL
 * @seg: place in emu_quick.seg
 * @off: offset
 * @size: bytes
 * @write: it is a store
 *
 * Of a page with breakpoints or watches, if it is clear of them.
 *
 * Return: NULL where something special is about it.
 */
u8 *emu_quick_memory(struct emu *cpu, const struct emu_uop *u, unsigned int seg, u64 off,
		     unsigned int size, bool write)
{
	const struct emu_quick *q = &cpu->quick;
	const struct emu_quick_seg *s = (const void *)((const u8 *)q->seg + seg);
	u64 lin = (s->base + off) & q->lin_mask, tag;
	const struct emu_window *w;

	if (off + size > (write ? s->write_end : s->read_end))
		return NULL;
	w = &q->win[emu_index_nospec(lin / EMU_PAGE % EMU_NR_WINDOWS, EMU_NR_WINDOWS)];
	tag = write ? w->write_tag : w->read_tag;
	/* By the last byte: one that crosses into the next page finds no tag. */
	if ((tag & ~EMU_TAG_WATCHED) != emu_page_tag(cpu, lin + size - 1))
		return NULL;
	if (!(tag & EMU_TAG_WATCHED)) {
		if (u) {
			cpu->uop[u - cpu->uop].page = tag;
			cpu->uop[u - cpu->uop].host = w->host;
		}
	} else if (emu_debug_match_data(cpu, lin, size, write) ||
		   emu_watch_memory(cpu, lin, size)) {
		return NULL;
	}
	return w->host + lin % EMU_PAGE;
}

/* Whatever it does with its operand, of whatever size. */
static enum emu_uop_result do_beside(struct emu *cpu, const struct emu_uop *u)
{
	switch (u->kind) {
	case KIND_LOAD:
		return do_load(cpu, u, u->ssize, false, 0, VIEW_ANY);
	case KIND_LOAD_SIGNED:
		return do_load(cpu, u, u->ssize, true, 0, VIEW_ANY);
	case KIND_STORE:
		return do_store(cpu, u, 0, VIEW_ANY);
	case KIND_ALU_LOAD:
		return do_alu_load(cpu, u, u->op, 0, true, VIEW_ANY);
	case KIND_ALU_STORE:
		return do_alu_store(cpu, u, u->op, 0, VIEW_ANY);
	case KIND_UNARY_STORE:
		return do_unary_store(cpu, u, u->op, 0, VIEW_ANY);
	case KIND_PUSH:
		return do_push(cpu, u, u->size, VIEW_ANY);
	case KIND_POP:
		return do_pop(cpu, u, 0, VIEW_ANY);
	case KIND_LEAVE:
		return do_leave(cpu, u, VIEW_ANY);
	default:
		return UOP_STEP;
	}
}

/* The long way, which the others lead to: not only memory without breakpoints. */
enum emu_uop_result uop_beside(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	if (u->kind >= KIND_CALL)
		return uop_branch_beside(cpu, u, left);
	return uop_after(cpu, u, left, do_beside(cpu, u));
}

/* A store that has met code: on, if it is not the running block's. */
enum emu_uop_result uop_stored(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	return uop_after(cpu, u, left, emu_block_stored(cpu));
}

/* Any other pure instruction */

/* Is there memory behind its operand; @write: it stores. */
static bool pure_memory(struct emu *cpu, const struct emu_insn *i, bool *write,
			u8 **p)
{
	bool dst = OPERAND_METHOD(i->op->op[0]) == M_E;
	unsigned int size = i->size;

	if (!dst && OPERAND_METHOD(i->op->op[1]) == M_E)
		size = i->ssize;
	*write = dst && !(i->op->flags & F_NOWB);
	*p = emu_quick_memory(cpu, NULL, i->seg * sizeof(struct emu_quick_seg), cpu->ea,
			      size, *write);
	return *p;
}

static bool pure_accesses(const struct emu_insn *i)
{
	const struct emu_opcode *op = i->op;

	if (!i->mem)
		return false;
	if (OPERAND_METHOD(op->op[0]) == M_E)
		return (op->flags & (F_MOV | F_NOWB)) != (F_MOV | F_NOWB);
	return OPERAND_METHOD(op->op[1]) == M_E ||
	       OPERAND_METHOD(op->op[2]) == M_E;
}

static enum emu_uop_result do_pure(struct emu *cpu, const struct emu_uop *u)
{
	const struct emu_insn *i = &u->insn;
	struct emu_lazy_flags lf = cpu->lf;
	bool write = false;
	u8 *p = NULL;

	if (i->mem) {
		cpu->next_rip = quick_rip(cpu, u->end);
		cpu->ea = emu_ea(cpu, i);
		if (pure_accesses(i) && !pure_memory(cpu, i, &write, &p))
			return UOP_STEP;
	}
	if (emu_operate(cpu, i)) {
		cpu->lf = lf;
		return UOP_STEP;
	}
	return write ? stored(cpu, p) : UOP_NEXT;
}

UOP(pure, do_pure(cpu, u))

/* The step hook, of a host that has no uop of its own for it. */
enum emu_uop_result uop_tell_step(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	bool go;

	cpu->st.regs.rip = emu_tell_rip(cpu, u);
	go = !cpu->ops->step(cpu);
	return emu_tell_done(cpu, u, left, go);
}
