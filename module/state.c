// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU's state on its ways between the owner and the emulator.
 *
 * The structs of the ABI and those of the emulator have the same layout, so state
 * moves by memcpy(); this file is where the two meet, and where the build fails
 * if they drift.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sandbox.h"

/* A member of the ABI's struct lies where the emulator's does. */
#define SAME_AT(abi, member, emu, theirs)				\
	static_assert(offsetof(struct abi, member) ==			\
		      offsetof(struct emu, theirs))
#define SAME(name, member...)						\
	SAME_AT(piotrap_##name, member, emu_##name, member)
#define SAME_SIZE(name)							\
	static_assert(sizeof(struct piotrap_##name) ==			\
		      sizeof(struct emu_##name))

SAME(regs, gpr);
SAME(regs, rip);
SAME(regs, rflags);
SAME_SIZE(regs);

SAME(segment, base);
SAME(segment, limit);
SAME(segment, attr);
SAME(segment, selector);
SAME_SIZE(segment);
SAME(dtable, base);
SAME(dtable, limit);
SAME_SIZE(dtable);
SAME_AT(piotrap_segs, es, emu_segs, seg[EMU_ES]);
SAME_AT(piotrap_segs, cs, emu_segs, seg[EMU_CS]);
SAME_AT(piotrap_segs, ss, emu_segs, seg[EMU_SS]);
SAME_AT(piotrap_segs, ds, emu_segs, seg[EMU_DS]);
SAME_AT(piotrap_segs, fs, emu_segs, seg[EMU_FS]);
SAME_AT(piotrap_segs, gs, emu_segs, seg[EMU_GS]);
SAME_AT(piotrap_segs, ldtr, emu_segs, seg[EMU_LDTR]);
SAME_AT(piotrap_segs, tr, emu_segs, seg[EMU_TR]);
SAME(segs, gdtr);
SAME(segs, idtr);
SAME_SIZE(segs);

SAME(ctrl, cr0);
SAME(ctrl, cr2);
SAME(ctrl, cr3);
SAME(ctrl, cr4);
SAME(ctrl, cr8);
SAME(ctrl, xcr0);
SAME(ctrl, efer);
SAME(ctrl, star);
SAME(ctrl, lstar);
SAME(ctrl, cstar);
SAME(ctrl, sfmask);
SAME(ctrl, kernel_gs_base);
SAME(ctrl, sysenter_cs);
SAME(ctrl, sysenter_esp);
SAME(ctrl, sysenter_eip);
SAME(ctrl, tsc_aux);
SAME(ctrl, tsc);
SAME(ctrl, pat);
SAME(ctrl, apic_base);
SAME(ctrl, misc_enable);
SAME_SIZE(ctrl);

SAME(debug, dr);
SAME(debug, dr6);
SAME(debug, dr7);
SAME(debug, debugctl);
SAME(debug, pending_dbg);
SAME(debug, interruptibility);
SAME(debug, activity);
SAME(debug, dr_mask);
SAME_SIZE(debug);

SAME(event, action);
SAME(event, vector);
SAME(event, type);
SAME(event, insn_len);
SAME(event, error_code);
SAME(event, payload);
SAME(event, flags);
SAME(event, intr_pending);
SAME(event, intr_vector);
SAME(event, nmi_pending);
SAME(event, intr_window);
SAME(event, init_pending);
SAME(event, mc_pending);
SAME_SIZE(event);

SAME(io, addr);
SAME(io, rip);
SAME(io, count);
SAME(io, done);
SAME(io, used);
SAME(io, kind);
SAME(io, dir);
SAME(io, size);
SAME(io, flags);
SAME_SIZE(io);

SAME(replay, addr);
SAME(replay, val);
SAME(replay, kind);
SAME(replay, dir);
SAME(replay, size);
SAME_SIZE(replay);
SAME(progress, in_rep);
SAME(progress, insn_len);
SAME(progress, nr_replay);
SAME(progress, after_event);
SAME(progress, watch_passed);
SAME(progress, insn);
SAME(progress, permitted);
SAME(progress, stopped);
SAME(progress, reserved);
SAME(progress, replay);
SAME_SIZE(progress);

SAME(stream, start);
SAME(stream, len);
SAME(stream, bytes);
SAME_SIZE(stream);

/* struct piotrap_state is a header and then the emulator's state. */
struct state_arg {
	u32 size;
	u32 flags;
	struct emu_state st;
};

#define SAME_STATE(member...)					\
	SAME_AT(piotrap_state, member, state_arg, st.member)

SAME_STATE(regs);
SAME_STATE(segs);
SAME_STATE(ctrl);
SAME_STATE(debug);
SAME_STATE(event);
SAME_STATE(budget);
SAME_STATE(io);
SAME_STATE(progress);
SAME_STATE(stream);
SAME_STATE(io_data);
static_assert(sizeof(struct piotrap_state) == sizeof(struct state_arg));

/* The run page ends in the groups, which are the state's beginning. */
#define PAGE_GROUPS	offsetof(struct piotrap_run, regs)
#define SAME_GROUP(member...)						\
	static_assert(offsetof(struct piotrap_run, member) - PAGE_GROUPS == \
		      offsetof(struct emu_state, member))

SAME_GROUP(regs);
SAME_GROUP(segs);
SAME_GROUP(ctrl);
SAME_GROUP(debug);
SAME_GROUP(event);
SAME_GROUP(budget);
SAME_GROUP(io);
static_assert(sizeof(struct piotrap_run) ==
	      PAGE_GROUPS + sizeof(struct groups));
static_assert(offsetof(struct emu_state, progress) == sizeof(struct groups));
static_assert(sizeof(struct piotrap_run) <= PIOTRAP_DATA_OFFSET);

#define SAME_VALUE(name)						\
	static_assert((int)PIOTRAP_##name == (int)EMU_##name)

SAME_VALUE(GROUP_REGS);
SAME_VALUE(GROUP_SEGS);
SAME_VALUE(GROUP_CTRL);
SAME_VALUE(GROUP_DEBUG);
SAME_VALUE(GROUP_EVENT);
SAME_VALUE(GROUP_BUDGET);
SAME_VALUE(GROUP_IO);
static_assert(GROUPS_ALL == EMU_GROUP_ALL);
SAME_VALUE(STREAM_MAX);
SAME_VALUE(IO_DATA);
SAME_VALUE(REPLAY_MAX);
SAME_VALUE(READ);
SAME_VALUE(WRITE);
SAME_VALUE(IO_NONE);
SAME_VALUE(IO_PORT);
SAME_VALUE(IO_MEM);
SAME_VALUE(IO_MSR);
SAME_VALUE(IO_STRING);
SAME_VALUE(IO_REP);
SAME_VALUE(IO_PART);
SAME_VALUE(EVENT_NONE);
SAME_VALUE(EVENT_HELD);
SAME_VALUE(EVENT_DELIVER);
SAME_VALUE(EVENT_TAKE);
SAME_VALUE(EVENT_ABSORB);
SAME_VALUE(EVENT_ERROR);
SAME_VALUE(EVENT_PAYLOAD);
SAME_VALUE(EVENT_RF);
static_assert(PIOTRAP_BUDGET_UNLIMITED == EMU_BUDGET_UNLIMITED);

/* The groups that are taken as they are; of IO only an answer is. */
static __always_inline void copy_groups(struct groups *to, const struct groups *from,
					u32 which)
{
	if (which & PIOTRAP_GROUP_REGS)
		to->regs = from->regs;
	if (which & PIOTRAP_GROUP_SEGS)
		to->segs = from->segs;
	if (which & PIOTRAP_GROUP_CTRL)
		to->ctrl = from->ctrl;
	if (which & PIOTRAP_GROUP_DEBUG)
		to->debug = from->debug;
	if (which & PIOTRAP_GROUP_EVENT)
		to->event = from->event;
	if (which & PIOTRAP_GROUP_BUDGET)
		to->budget = from->budget;
}

static struct groups *groups_of(struct emu_state *st)
{
	return (struct groups *)st;
}

static struct groups *page_groups(struct sandbox *sb)
{
	return (struct groups *)((u8 *)sb->page + PAGE_GROUPS);
}

/* Bytes of io_data that @count elements of the pending access take. */
static size_t io_bytes(const struct emu_io *io, u32 count)
{
	return min_t(u64, (u64)count * io->size, sizeof_field(struct emu_state,
							      io_data));
}

/* Does the CPU go on elsewhere, or in another way, than it stopped? */
static bool moved(const struct emu_state *st, const struct groups *old,
		  u32 dirty)
{
	if (dirty & PIOTRAP_GROUP_REGS && st->regs.rip != old->regs.rip)
		return true;
	if (!(dirty & PIOTRAP_GROUP_SEGS))
		return false;
	return memcmp(&st->segs.seg[EMU_CS], &old->segs.seg[EMU_CS],
		      sizeof(struct emu_segment)) ||
	       memcmp(&st->segs.seg[EMU_TR], &old->segs.seg[EMU_TR],
		      sizeof(struct emu_segment));
}

/**
 * state_take_groups() - take groups from the run page
 * @sb: sandbox
 * @dirty: PIOTRAP_GROUP_* to take
 *
 * Each byte is read once, and is private from then on. If the run is not to be
 * after all, state_untake_groups() puts everything back; if it is,
 * state_commit_groups() does what cannot be put back.
 *
 * Return: 0, or -EINVAL if the state would not be consistent; then it has been
 * put back already.
 */
int state_take_groups(struct sandbox *sb, u32 dirty)
{
	struct emu_state *st = &sb->cpu.st;
	struct undo *undo = &sb->undo;
	u32 done;

	undo->taken = dirty;
	undo->groups.io.done = st->io.done;
	copy_groups(&undo->groups, groups_of(st), dirty);
	copy_groups(groups_of(st), page_groups(sb), dirty);
	/* From here on the compiler may not look at the page again. */
	barrier();

	if ((dirty & PIOTRAP_GROUP_IO) && st->io.kind != EMU_IO_NONE) {
		done = READ_ONCE(sb->page->io.done);
		if (done < st->io.used || done > st->io.count)
			goto err;
		st->io.done = done;
	}
	undo->moved = moved(st, &undo->groups, dirty);
	/* Of an access that is dropped nothing has to be right. */
	if (undo->moved)
		dirty &= ~PIOTRAP_GROUP_IO;
	if (!emu_check_groups(st, dirty))
		return 0;
err:
	state_untake_groups(sb);
	return -EINVAL;
}

/**
 * state_untake_groups() - as if state_take_groups() had not been called
 * @sb: sandbox
 */
void state_untake_groups(struct sandbox *sb)
{
	const struct undo *undo = &sb->undo;

	copy_groups(groups_of(&sb->cpu.st), &undo->groups, undo->taken);
	sb->cpu.st.io.done = undo->groups.io.done;
}

/**
 * state_commit_groups() - the rest of state_take_groups(), which cannot fail
 * @sb: sandbox
 * @dirty: PIOTRAP_GROUP_* that were taken
 */
void state_commit_groups(struct sandbox *sb, u32 dirty)
{
	struct emu_state *st = &sb->cpu.st;

	if (sb->undo.moved)
		emu_cancel(st);
	if ((dirty & PIOTRAP_GROUP_IO) && st->io.kind != EMU_IO_NONE &&
	    st->io.dir == EMU_READ) {
		memcpy(st->io_data, sb->io_data,
		       io_bytes(&st->io, st->io.done));
		barrier();
	}
	WRITE_ONCE(sb->page->dirty, 0);
	emu_load_groups(&sb->cpu, dirty);
}

/**
 * state_to_page() - write all groups to the run page
 * @sb: sandbox
 */
void state_to_page(struct sandbox *sb)
{
	struct emu_state *st = &sb->cpu.st;

	/* An assignment, as then the compiler knows of the alignment. */
	*page_groups(sb) = *groups_of(st);
	if (st->io.kind != EMU_IO_NONE && st->io.dir == EMU_WRITE)
		memcpy(sb->io_data, st->io_data,
		       io_bytes(&st->io, st->io.count));
	sb->page->valid = GROUPS_ALL;
}

/* PIOTRAP_GET_STATE */
int state_get(struct sandbox *sb, void __user *uarg)
{
	u8 __user *to = uarg + offsetof(struct state_arg, st);

	return copy_to_user(to, &sb->cpu.st, sizeof(sb->cpu.st)) ? -EFAULT : 0;
}

/* PIOTRAP_SET_STATE */
int state_set(struct sandbox *sb, const void *arg)
{
	const struct state_arg *state = arg;

	if (emu_check_state(&state->st))
		return -EINVAL;
	sb->cpu.st = state->st;
	emu_load(&sb->cpu);
	return 0;
}
