/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the emulator's files share and hosts do not see.
 */
#ifndef EMU_INTERNAL_H
#define EMU_INTERNAL_H

#include "emu.h"
#include "flags.h"

enum emu_vector {
	VEC_DE, VEC_DB, VEC_NMI, VEC_BP, VEC_OF, VEC_BR, VEC_UD, VEC_NM,
	VEC_DF, VEC_TS = 10, VEC_NP, VEC_SS, VEC_GP, VEC_PF, VEC_MF = 16,
	VEC_AC, VEC_MC,
};

#define EMU_PAGE	4096U

/* Registers */

static inline u64 reg_get(const struct emu *cpu, u16 at, unsigned int size)
{
	const u8 *p = (const u8 *)cpu + at;

	switch (size) {
	case 1:
		return *p;
	case 2:
		return *(const u16 *)p;
	case 4:
		return *(const u32 *)p;
	default:
		return *(const u64 *)p;
	}
}

/* A 32-bit write clears the upper half, as in 64-bit mode. */
static inline void reg_set(struct emu *cpu, u16 at, unsigned int size, u64 val)
{
	u8 *p = (u8 *)cpu + at;

	switch (size) {
	case 1:
		*p = val;
		break;
	case 2:
		*(u16 *)p = val;
		break;
	case 4:
		*(u64 *)p = (u32)val;
		break;
	default:
		*(u64 *)p = val;
		break;
	}
}

static inline u16 gpr_at(unsigned int n)
{
	return offsetof(struct emu, st.regs.gpr) + 8 * n;
}

static inline u64 gpr_get(const struct emu *cpu, unsigned int n,
			  unsigned int size)
{
	return cpu->st.regs.gpr[n] & size_mask(size);
}

static inline void gpr_set(struct emu *cpu, unsigned int n, unsigned int size,
			   u64 val)
{
	reg_set(cpu, gpr_at(n), size, val);
}

/* Modes */

static inline bool protected_mode(const struct emu *cpu)
{
	return cpu->st.ctrl.cr0 & EMU_CR0_PE;
}

static inline bool vm86(const struct emu *cpu)
{
	return cpu->st.regs.rflags & EMU_FL_VM;
}

static inline bool real_or_vm86(const struct emu *cpu)
{
	return !protected_mode(cpu) || vm86(cpu);
}

static inline bool long_mode(const struct emu *cpu)
{
	return cpu->st.ctrl.efer & EMU_EFER_LMA;
}

static inline bool mode64(const struct emu *cpu)
{
	return long_mode(cpu) && (cpu->st.segs.seg[EMU_CS].attr & EMU_SEG_L);
}

/* SS.DPL is the CPL in every mode, as in the VMCS: 0 in real, 3 in V86 mode. */
static inline unsigned int cpl(const struct emu *cpu)
{
	return (cpu->st.segs.seg[EMU_SS].attr & EMU_SEG_DPL) >>
	       EMU_SEG_DPL_SHIFT;
}

static inline unsigned int iopl(const struct emu *cpu)
{
	return (cpu->st.regs.rflags & EMU_FL_IOPL) >> EMU_FL_IOPL_SHIFT;
}

/* Bytes of the stack pointer: 2, 4 or 8. */
static inline unsigned int stack_size(const struct emu *cpu)
{
	if (mode64(cpu))
		return 8;
	return cpu->st.segs.seg[EMU_SS].attr & EMU_SEG_DB ? 4 : 2;
}

/* Bytes that are read of a selector's slot of @size on the stack (S160). */
static inline unsigned int selector_slot(const struct emu *cpu, unsigned int size)
{
	return cpu->flags & EMU_VENDOR_AMD ? size : 2;
}

static inline u64 code_linear(const struct emu *cpu)
{
	u64 lin = cpu->st.segs.seg[EMU_CS].base + cpu->st.regs.rip;

	return mode64(cpu) ? cpu->st.regs.rip : (u32)lin;
}

/* 48-bit linear addresses. */
static inline bool canonical(u64 lin, unsigned int size)
{
	return sign_extend(lin, 6) == lin &&
	       sign_extend(lin + size - 1, 6) == lin + size - 1;
}

/* Effective address of the memory operand. */
static inline u64 emu_ea(const struct emu *cpu, const struct emu_insn *i)
{
	u64 base = *(const u64 *)((const u8 *)cpu + i->base);
	u64 index = *(const u64 *)((const u8 *)cpu + i->index);

	return (base + (index << i->scale) + (s64)i->disp) &
	       size_mask(i->asize);
}

/* event.c: exceptions and interrupts */
static inline bool emu_is_soft(const struct emu_event *ev)
{
	return ev->type == EMU_EV_SOFT_INT || ev->type == EMU_EV_SOFT_EXC;
}

/* Record an exception of the instruction under way; all return EMU_EXCEPTION. */
int emu_raise(struct emu *cpu, u8 vector);
int emu_raise_error(struct emu *cpu, u8 vector, u32 error);
int emu_raise_soft(struct emu *cpu, u8 vector, enum emu_event_type type,
		   u8 insn_len);
enum emu_exit emu_event_dispatch(struct emu *cpu, const struct emu_event *ev);
enum emu_exit emu_event_answer(struct emu *cpu);
enum emu_exit emu_exit_of(struct emu *cpu, int r);

/* Leave before the instruction under way; both return EMU_EXIT. */
int emu_leave(struct emu *cpu, enum emu_exit why);
int emu_unsupported(struct emu *cpu);

/*
 * The ports in 64 parts, and in which of them an access can touch [first, last]. The
 * parts stand in a word, so that most accesses pass breakpoints and watches by one bit.
 */
#define EMU_PORT_PART_SHIFT	10
#define EMU_ALL_PORTS		(~0ULL)

static inline u64 emu_port_parts(u64 first, u64 last)
{
	if (first > 0xffff)
		return 0;
	/* One of four bytes may begin three ports before. */
	first = first < 3 ? 0 : first - 3;
	last = min_t(u64, last, 0xffff);
	return ~0ULL << (first >> EMU_PORT_PART_SHIFT) &
	       ~0ULL >> (63 - (last >> EMU_PORT_PART_SHIFT));
}

/* debug.c: the only place that evaluates breakpoints and writes DR6 */
void emu_debug_arm(struct emu *cpu);
bool emu_debug_page_watched(const struct emu *cpu, u64 lin);
bool emu_debug_page_code(const struct emu *cpu, u64 lin);
bool emu_debug_code_between(const struct emu *cpu, u64 first, u64 last);
u64 emu_debug_match_data(const struct emu *cpu, u64 lin, u64 len, bool write);
u64 emu_debug_match_io(const struct emu *cpu, u16 port, unsigned int size);
u64 emu_debug_match_code(const struct emu *cpu, u64 lin);
void emu_debug_add(struct emu *cpu, u64 bits, enum emu_dbg_cause cause);
void emu_debug_commit_hits(struct emu *cpu);
void emu_debug_write(struct emu *cpu, unsigned int n, u64 val);
u64 emu_debug_take(struct emu *cpu, enum emu_dbg_cause cause);
void emu_debug_drop(struct emu *cpu);
void emu_debug_bus_lock(struct emu *cpu, u64 lin, unsigned int size);
void emu_debug_deliver(struct emu *cpu, u64 payload, bool keep, u64 rip);
void emu_debug_task_switch(struct emu *cpu);

/* watch.c */
bool emu_watch_page(const struct emu *cpu, u64 lin);
bool emu_watch_memory(const struct emu *cpu, u64 lin, unsigned int size);
bool emu_watch_io(const struct emu *cpu, u16 port, unsigned int size);
int emu_watch_before(struct emu *cpu, const struct emu_touch *t);
void emu_watch_after(struct emu *cpu, const struct emu_touch *t);
void emu_watch_commit_hits(struct emu *cpu);
void emu_watch_exit(struct emu *cpu);

/* paging.c */

/**
 * struct emu_mapping - what the page of a linear address is
 * @page: its physical address
 * @write: may be written without looking again, the dirty bit is set
 * @exec: may be executed
 * @keep: all this stays so until a table or a control register changes
 */
struct emu_mapping {
	u64 page;
	bool write;
	bool exec;
	bool keep;
};

int emu_translate(struct emu *cpu, u64 lin, enum emu_access acc, bool user,
		  struct emu_mapping *m);
int emu_check_pdptes(struct emu *cpu, u64 cr3);
bool emu_is_table(struct emu *cpu, u64 gpa);

/* memory.c: segmentation and linear memory */
int emu_linear(struct emu *cpu, unsigned int seg, u64 off, unsigned int size,
	       enum emu_access acc, u64 *lin);
int emu_linear_read(struct emu *cpu, u64 lin, unsigned int size, u64 *val);
int emu_linear_write(struct emu *cpu, u64 lin, unsigned int size, u64 val);
int emu_system_read(struct emu *cpu, u64 lin, unsigned int size, u64 *val);
int emu_system_write(struct emu *cpu, u64 lin, unsigned int size, u64 val);
int emu_system_probe(struct emu *cpu, u64 lin, unsigned int size);
int emu_system_change(struct emu *cpu, u64 lin, u8 clear, u8 set);
void emu_system_restore(struct emu *cpu, u64 lin, u8 clear, u8 set);
int emu_linear_probe(struct emu *cpu, u64 lin, unsigned int size);
bool emu_physical(struct emu *cpu, u64 lin, enum emu_access acc, u64 *gpa);
bool emu_misaligned(const struct emu *cpu, u64 lin, unsigned int size);
void emu_unpin(struct emu *cpu);
int emu_read(struct emu *cpu, unsigned int seg, u64 off, unsigned int size,
	     u64 *val);
int emu_write(struct emu *cpu, unsigned int seg, u64 off, unsigned int size,
	      u64 val);
int emu_read_for_write(struct emu *cpu, unsigned int seg, u64 off,
		       unsigned int size, u64 *val);
int emu_write_locked(struct emu *cpu, unsigned int seg, u64 off,
		     unsigned int size, u64 old, u64 val);
int emu_exchange16(struct emu *cpu, unsigned int seg, u64 off, const u64 old[2],
		   const u64 val[2], u64 found[2]);
int emu_probe_write(struct emu *cpu, unsigned int seg, u64 off,
		    unsigned int size);
bool emu_watched(const struct emu *cpu, u64 lin, unsigned int len,
		 enum emu_access acc);
bool emu_walks(struct emu *cpu, u64 lin, enum emu_access acc);
u8 *emu_direct(struct emu *cpu, u64 lin, enum emu_access acc, u64 *gpa);
int emu_fetch(struct emu *cpu, u64 lin, unsigned int max, u8 *buf,
	      unsigned int *got);

/* fetch.c */
int emu_fetch_insn(struct emu *cpu);
int emu_held_insn(struct emu *cpu);
void emu_known_insn(struct emu *cpu);
void emu_recent_drop(struct emu *cpu);

/* stack.c */
int emu_push(struct emu *cpu, unsigned int size, u64 val);
int emu_push_many(struct emu *cpu, unsigned int size, const u64 *val,
		  unsigned int n);
int emu_pop(struct emu *cpu, unsigned int size, u64 *val);

/* descriptor.c */

/**
 * struct emu_desc - a descriptor as it was read from GDT or LDT
 * @addr: its linear address
 * @raw: its first eight bytes
 * @high: of a system descriptor in long mode, the other eight
 * @seg: as a segment register would hold it; the selector without RPL
 */
struct emu_desc {
	u64 addr;
	u64 raw;
	u64 high;
	struct emu_segment seg;
};

/* Types of system descriptors. */
enum emu_system_type {
	TYPE_TSS16 = 1, TYPE_LDT, TYPE_TSS16_BUSY, TYPE_CALL16, TYPE_TASK_GATE,
	TYPE_INT16, TYPE_TRAP16, TYPE_TSS = 9, TYPE_TSS_BUSY = 11,
	TYPE_CALL, TYPE_INT = 14, TYPE_TRAP,
};

#define TYPE_BUSY	2

static inline bool is_null(u16 sel)
{
	return !(sel & ~3);
}

static inline unsigned int desc_dpl(const struct emu_desc *d)
{
	return (d->seg.attr & EMU_SEG_DPL) >> EMU_SEG_DPL_SHIFT;
}

static inline unsigned int desc_type(const struct emu_desc *d)
{
	return d->seg.attr & EMU_SEG_TYPE;
}

static inline bool is_code(u32 attr)
{
	return (attr & (EMU_SEG_S | EMU_SEG_CODE)) == (EMU_SEG_S | EMU_SEG_CODE);
}

static inline bool is_conforming(u32 attr)
{
	return attr & EMU_SEG_EXPAND_DOWN;
}

static inline bool is_writable_data(u32 attr)
{
	return (attr & (EMU_SEG_S | EMU_SEG_CODE | EMU_SEG_WRITABLE)) ==
	       (EMU_SEG_S | EMU_SEG_WRITABLE);
}

/* A gate's target. */
static inline u16 gate_selector(const struct emu_desc *d)
{
	return d->raw >> 16;
}

static inline u64 gate_target(const struct emu_desc *d)
{
	u64 off = d->raw & 0xffff;

	/* Types 8 and up have a wide offset. */
	if (desc_type(d) & 8)
		off |= (d->raw >> 48) << 16;
	return off | d->high << 32;
}

static inline bool same_segment(const struct emu_segment *a,
				const struct emu_segment *b)
{
	return a->base == b->base && a->limit == b->limit && a->attr == b->attr;
}

/* Fill @d->seg from @d->raw and, where there is one, @d->high. */
static inline void emu_desc_decode(struct emu_desc *d)
{
	u32 lo = d->raw, hi = d->raw >> 32;
	u32 limit = (lo & 0xffff) | (hi & 0xf0000);

	d->seg.base = lo >> 16 | (hi & 0xff) << 16 | (hi & 0xff000000) |
		      d->high << 32;
	d->seg.attr = hi >> 8 & 0xf0ff;
	d->seg.limit = d->seg.attr & EMU_SEG_G ? limit << 12 | 0xfff : limit;
}

int emu_selector_fault(struct emu *cpu, u8 vector, u16 sel);
int emu_desc_read(struct emu *cpu, u16 sel, u8 vector, struct emu_desc *d);
int emu_desc_read_system(struct emu *cpu, u16 sel, u8 vector,
			 struct emu_desc *d);
int emu_desc_accessed(struct emu *cpu, struct emu_desc *d);
int emu_load_ldt(struct emu *cpu, u16 sel, u8 vector);
int emu_check_stack(struct emu *cpu, u16 sel, unsigned int level, u8 vector,
		    struct emu_desc *d);

/* segment.c */
void emu_segment_flat(struct emu *cpu, unsigned int seg, u16 sel);
void emu_segment_null(struct emu *cpu, unsigned int seg, u16 sel);
int emu_load_data(struct emu *cpu, unsigned int seg, u16 sel, u8 vector);
int emu_load_segment(struct emu *cpu, unsigned int seg, u16 sel);

/* transfer.c */
int emu_check_target(struct emu *cpu, const struct emu_segment *cs, u64 off);
void emu_set_cs(struct emu *cpu, const struct emu_desc *d, unsigned int level);
void emu_set_ss(struct emu *cpu, const struct emu_desc *d, unsigned int level);
void emu_null_ss(struct emu *cpu, unsigned int level);
void emu_iret_flags(struct emu *cpu, unsigned int level, u64 fl, unsigned int size);

/**
 * struct emu_frame - what a change of stack pushes
 * @ss: stack segment it goes to
 * @sp: stack pointer before; emu_push_frame() leaves it below the frame
 * @wide: the stack is used as in 64-bit mode
 * @size: bytes of each value
 * @n: values
 * @fault: selector in a #SS's error code
 * @val: in the order in which they are pushed
 */
struct emu_frame {
	const struct emu_segment *ss;
	u64 sp;
	bool wide;
	u8 size;
	u8 n;
	u16 fault;
	u64 val[36];
};

int emu_push_frame(struct emu *cpu, struct emu_frame *f, unsigned int level);
int emu_tss_stack(struct emu *cpu, unsigned int level, u16 *ss, u64 *sp);
int emu_inner_stack(struct emu *cpu, unsigned int level, struct emu_frame *f,
		    struct emu_desc *stack);
int emu_gate_frame(struct emu *cpu, const struct emu_desc *gate,
		   struct emu_desc *code, struct emu_frame *f,
		   unsigned int level);

/* interrupt.c */
int emu_deliver(struct emu *cpu, const struct emu_event *ev);
bool emu_vme_redirects(struct emu *cpu, u8 vector, int *r);

/* ring.c */
bool emu_ring_enter(struct emu *cpu, const struct emu_event *ev);
bool emu_ring_return(struct emu *cpu, unsigned int size);

/* task.c */
enum emu_task_reason { TASK_JMP, TASK_CALL, TASK_IRET, TASK_EVENT };

int emu_task_switch(struct emu *cpu, const struct emu_desc *tss,
		    enum emu_task_reason why, u64 rip, u64 rflags);
int emu_task_gate(struct emu *cpu, u16 sel, enum emu_task_reason why, u64 rip,
		  u64 rflags);
int emu_task_return(struct emu *cpu);
void emu_task_revert(struct emu *cpu);

/* system.c */
u64 emu_time_stamp(struct emu *cpu);
int emu_check_umip(struct emu *cpu);

/* syscall.c */
void emu_flat_code(struct emu *cpu, u16 sel, unsigned int level, bool wide);
void emu_flat_stack(struct emu *cpu, u16 sel, unsigned int level);

/* external.c: accesses that a hook or the owner serves */
int emu_external(struct emu *cpu, enum emu_io_kind kind, enum emu_dir dir,
		 u64 addr, unsigned int size, u64 *val);
int emu_external_split(struct emu *cpu, enum emu_dir dir, u16 port,
		       unsigned int size, u64 *val);
u32 emu_external_answers(const struct emu *cpu, enum emu_dir dir, u64 gpa,
			 unsigned int size);
void emu_external_take(struct emu *cpu, u32 n);
void emu_external_resume(struct emu *cpu);
void emu_external_commit_element(struct emu *cpu);
void emu_external_hold(struct emu *cpu);

/* port.c */

/* Is each port access allowed, without a look at the TSS (S32, S33)? */
static inline bool emu_ports_permitted(const struct emu *cpu)
{
	return !protected_mode(cpu) || (!vm86(cpu) && cpl(cpu) <= iopl(cpu));
}

int emu_port_permission(struct emu *cpu, u16 port, unsigned int size);
int emu_port_access(struct emu *cpu, u16 port, unsigned int size,
		    enum emu_dir dir, u64 *val);

/* string.c */
void emu_fill(u8 *to, u64 val, unsigned int size, u64 n);
u32 emu_string_bulk(struct emu *cpu, const struct emu_insn *i, const u8 *src,
		    u8 *dst, u32 n);

/* rep.c */
int emu_rep(struct emu *cpu, const struct emu_insn *i);

/*
 * Is there an event that waits, or somebody who waits until one can be taken? Without a
 * local copy: a function with one whose address was taken keeps its calls (KASAN).
 */
static inline u64 emu_events_waiting(const struct emu *cpu)
{
	typedef u64 bytes __aligned(4);
	const struct emu_event *e = &cpu->st.event;

	/* Bytes that are 0 or 1, and a vector, which does not count. */
	BUILD_BUG_ON(offsetof(struct emu, st.event.intr_pending) % 4);
	BUILD_BUG_ON(offsetof(struct emu_event, intr_vector) !=
		     offsetof(struct emu_event, intr_pending) + 1);
	BUILD_BUG_ON(offsetof(struct emu_event, mc_pending) !=
		     offsetof(struct emu_event, intr_pending) + 5);
	return *(const bytes *)&e->intr_pending & 0xffffffff00ffULL;
}

/* Is each instruction to be told to the step hook? */
static inline bool emu_wants_steps(const struct emu *cpu)
{
	return cpu->flags & EMU_WANT_STEPS && cpu->ops->step;
}

/* run.c */
int emu_poll(struct emu *cpu);
bool emu_interruptible(const struct emu *cpu);
int emu_step_hook(struct emu *cpu);
int emu_write_dst(struct emu *cpu, const struct emu_insn *i, u64 val);

/* Pass @n boundaries. */
static inline void emu_count(struct emu *cpu, u32 n)
{
	cpu->boundaries += n;
	cpu->poll_left -= min(n, cpu->poll_left);
	if (cpu->st.budget != EMU_BUDGET_UNLIMITED)
		cpu->st.budget -= min_t(u64, n, cpu->st.budget);
}

/* Before an instruction: a single answered access joins the served ones. */
static inline void emu_external_begin(struct emu *cpu)
{
	cpu->replay_pos = 0;
	cpu->replay_old = cpu->st.progress.nr_replay;
	cpu->use_io = false;
	if (unlikely(cpu->st.io.kind))
		emu_external_resume(cpu);
}

/* After an instruction or iteration: what was served for it is done with. */
static inline void emu_external_commit(struct emu *cpu)
{
	struct emu_progress *p = &cpu->st.progress;

	p->insn_len = 0;
	p->nr_replay = 0;
	p->permitted = 0;
	p->stopped = 0;
	cpu->replay_pos = 0;
	cpu->replay_old = 0;
	if (unlikely(cpu->use_io))
		emu_external_commit_element(cpu);
}

/* The instruction or iteration is complete: what it met is pending (S2). */
static inline void emu_debug_commit(struct emu *cpu)
{
	if (unlikely(cpu->new_data | cpu->new_io))
		emu_debug_commit_hits(cpu);
}

/* Likewise: the hits of watches count. */
static inline void emu_watch_commit(struct emu *cpu)
{
	if (unlikely(cpu->watch_seen | cpu->st.progress.watch_passed))
		emu_watch_commit_hits(cpu);
}

/* Elements that the owner has answered and no iteration has taken yet. */
static inline bool emu_answers_left(const struct emu *cpu)
{
	return cpu->st.io.kind && cpu->st.io.used < cpu->st.io.done;
}

static inline void emu_trace(struct emu *cpu, const struct emu_trace *t)
{
	if (cpu->ops->trace)
		cpu->ops->trace(cpu, t);
}

#endif /* EMU_INTERNAL_H */
