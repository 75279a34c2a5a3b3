// SPDX-License-Identifier: GPL-2.0
/*
 * PIOTRAP_RUN: from the run page through the emulator to the run page.
 *
 * No allocation, no lock and no wait here, but for the CPU and, in the caller's
 * memory, for its pages. The atomic operations are on lines that no other sandbox
 * uses: sandbox.owner (twice a run), sandbox.kick where it is set, head and tail of
 * the console and of the log, the console's wait queue where somebody sleeps, and
 * what the owner names: an eventfd, memory that the guest LOCKs.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sandbox.h"
#include "trace.h"

static u32 config_to_flags(const struct sandbox *sb)
{
	static const struct {
		u32 config;
		u32 flag;
	} map[] = {
		{ PIOTRAP_CONFIG_EXIT_IRET, EMU_INTERCEPT_IRET },
		{ PIOTRAP_CONFIG_NO_BULK, EMU_NO_BULK },
		{ PIOTRAP_CONFIG_AMD, EMU_VENDOR_AMD },
		{ PIOTRAP_CONFIG_DISABLED_B_BITS, EMU_DISABLED_B_BITS },
		{ PIOTRAP_CONFIG_CALLER, EMU_CALLER_MEMORY },
		{ PIOTRAP_CONFIG_EXIT_MSRS, EMU_EXIT_MSRS },
	};
	unsigned int i;
	u32 flags = 0;

	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (sb->config_flags & map[i].config)
			flags |= map[i].flag;
	return flags;
}

/**
 * run_set_flags() - tell the engine how to run, after a change of settings
 * @sb: sandbox
 */
void run_set_flags(struct sandbox *sb)
{
	u32 flags = config_to_flags(sb);

	/* A record has one value, and a program is asked about one access (K13). */
	if (sb->log.flags)
		flags |= EMU_NO_BULK;
	if (sb->config_flags & PIOTRAP_CONFIG_BPF)
		flags |= EMU_REP_SINGLY;
	if (sb->log.flags & PIOTRAP_LOG_STEPS)
		flags |= EMU_WANT_STEPS;
	sb->cpu.flags = flags;
	emu_load(&sb->cpu);
}

/* In the caller's memory there are no handlers: every event is the owner's. */
static bool all_events_exit(const struct piotrap_config *arg)
{
	return arg->exit_exceptions == ~0U &&
	       !memchr_inv(arg->exit_ints, 0xff, sizeof(arg->exit_ints));
}

/* PIOTRAP_CONFIG */
int run_config(struct sandbox *sb, const struct piotrap_config *arg)
{
	bool caller = arg->flags & PIOTRAP_CONFIG_CALLER;

	if (caller && !all_events_exit(arg))
		return -EINVAL;
	caller_bind(sb, caller ? current->mm : NULL);
	sb->config_flags = arg->flags;
	sb->cpu.config.exit_exceptions = arg->exit_exceptions;
	memcpy(sb->cpu.config.exit_ints, arg->exit_ints,
	       sizeof(sb->cpu.config.exit_ints));
	run_set_flags(sb);
	emu_flush(&sb->cpu);	/* an address may be another's now */
	return 0;
}

/* -- Polls and events from inside the emulator. -- */

#ifdef PIOTRAP_DEBUG
/*
 * For tests, on every kernel: whether and where the scheduler wants the CPU back a
 * test cannot choose. With poll_every=N the engine polls at each Nth boundary from
 * the beginning of a run, and each of these polls counts as one that has given the
 * CPU away. What a program does, its exits and its traps must be the same with any
 * N; only piotrap_preempt, piotrap_resume and piotrap_rep_break (reason resched)
 * tell of it.
 */
static unsigned int poll_every;
module_param(poll_every, uint, 0600);
MODULE_PARM_DESC(poll_every, "pretend a reschedule at each Nth boundary (0: do not)");

static bool debug_poll(struct emu *cpu)
{
	unsigned int n = READ_ONCE(poll_every);

	if (!n)
		return false;
	cpu->poll_left = min_t(unsigned int, n, EMU_POLL_MAX);
	cpu->rescheduled = true;
	return true;
}

/* The first poll says where the second is to be. */
static void skip_first_poll(struct emu *cpu)
{
	cpu->polled = !READ_ONCE(poll_every);
}
#else
static bool debug_poll(struct emu *cpu)
{
	return false;
}

/* What it would ask has just been found out. */
static void skip_first_poll(struct emu *cpu)
{
	cpu->polled = true;
}
#endif

/* Why the run has to stop here, or PIOTRAP_EXIT_NONE. */
static __always_inline u32 stop_reason(struct sandbox *sb)
{
	/* A kick ends one run: whoever takes it clears it. */
	if (READ_ONCE(sb->kick) && xchg(&sb->kick, false))
		return PIOTRAP_EXIT_IMMEDIATE;
	if (READ_ONCE(sb->page->immediate_exit))
		return PIOTRAP_EXIT_IMMEDIATE;
	if (signal_pending(current))
		return PIOTRAP_EXIT_SIGNAL;
	return PIOTRAP_EXIT_NONE;
}

static int run_poll(struct emu *cpu)
{
	struct sandbox *sb = cpu->host;

	console_wake(&sb->console);
	/* RCU, too, asks by this flag for a moment of quiet. */
	if (debug_poll(cpu) || need_resched()) {
		trace_piotrap_preempt(sb);
		if (cond_resched())
			cpu->rescheduled = true;
		trace_piotrap_resume(sb);
	}
	cpu->host_exit = stop_reason(sb);
	return cpu->host_exit ? EMU_EXIT : EMU_OK;
}

static int run_port_check(struct emu *cpu, u16 port, unsigned int size,
			  enum emu_dir dir, u32 val)
{
	struct sandbox *sb = cpu->host;

	if (unlikely(sb->log.flags & PIOTRAP_LOG_PORTS) &&
	    log_check(cpu) != EMU_OK)
		return EMU_EXIT;
	return ports_check(cpu, port, size, dir, val);
}

static void run_trace_port(struct sandbox *sb, const struct emu_trace *t)
{
	/* The bulk hook has traced its writes before they had an effect. */
	if (!t->fast || t->dir != EMU_WRITE)
		trace_piotrap_port_io(sb, t->port, t->dir, t->size, t->fast,
				      t->count, t->value);
	if (unlikely(sb->log.flags & PIOTRAP_LOG_PORTS))
		log_port(sb, t);
}

static void run_trace(struct emu *cpu, const struct emu_trace *t)
{
	struct sandbox *sb = cpu->host;

	switch (t->kind) {
	case EMU_TRACE_PORT:
		run_trace_port(sb, t);
		break;
	case EMU_TRACE_PENDING:
		trace_piotrap_pending_dbg(sb, t);
		break;
	case EMU_TRACE_REP_BREAK:
		trace_piotrap_rep_break(sb, t);
		break;
	case EMU_TRACE_DEBUG:
		trace_piotrap_debug_trap(sb, t);
		break;
	case EMU_TRACE_EVENT:
		trace_piotrap_exception(sb, t);
		break;
	}
}

const struct emu_ops run_ops = {
	.window = memory_window,
	.read = memory_read,
	.write = memory_write,
	.backed = memory_backed,
	.port_split = ports_split,
	.port_read = ports_read,
	.port_write = ports_write,
	.port_read_quick = ports_read_quick,
	.port_write_quick = ports_write_quick,
	.port_read_bulk = ports_read_bulk,
	.port_write_bulk = ports_write_bulk,
	.poll = run_poll,
	.step = log_step,
	.step_uop = log_step_uop,
	.port_check = run_port_check,
	.user_read = caller_read,
	.user_write = caller_write,
	.user_exchange = caller_exchange,
	.user_fetch = caller_fetch,
	.user_pin = caller_pin,
	.user_unpin = caller_unpin,
	.trace = run_trace,
};

/* -- The way out. -- */

static u32 event_reason(const struct emu_event *event)
{
	switch (event->type) {
	case EMU_EV_SOFT_INT:
	case EMU_EV_SOFT_EXC:
		return PIOTRAP_EXIT_INT;
	default:
		return event->vector == 1 ? PIOTRAP_EXIT_DEBUG :
					    PIOTRAP_EXIT_EXCEPTION;
	}
}

static u32 io_reason(const struct emu_io *io)
{
	switch (io->kind) {
	case EMU_IO_PORT:
		return PIOTRAP_EXIT_IO_PORT;
	case EMU_IO_MSR:
		return PIOTRAP_EXIT_MSR;
	default:
		return PIOTRAP_EXIT_IO_MEM;
	}
}

static u32 exit_reason(const struct emu *cpu, enum emu_exit why)
{
	static const u8 reasons[] = {
		[EMU_EXIT_STREAM_DONE] = PIOTRAP_EXIT_DONE,
		[EMU_EXIT_STREAM_LEFT] = PIOTRAP_EXIT_LEFT_STREAM,
		[EMU_EXIT_IRET] = PIOTRAP_EXIT_IRET,
		[EMU_EXIT_HLT] = PIOTRAP_EXIT_HLT,
		[EMU_EXIT_SHUTDOWN] = PIOTRAP_EXIT_SHUTDOWN,
		[EMU_EXIT_INTR_WINDOW] = PIOTRAP_EXIT_INTR_WINDOW,
		[EMU_EXIT_BUDGET] = PIOTRAP_EXIT_BUDGET,
		[EMU_EXIT_MEMORY] = PIOTRAP_EXIT_MEMORY,
		[EMU_EXIT_UNSUPPORTED] = PIOTRAP_EXIT_UNSUPPORTED,
		[EMU_EXIT_WATCH] = PIOTRAP_EXIT_WATCH,
	};
	u32 reason = why < ARRAY_SIZE(reasons) ? reasons[why] : PIOTRAP_EXIT_NONE;

	if (likely(reason))
		return reason;
	if (why == EMU_EXIT_IO)
		reason = io_reason(&cpu->st.io);
	else if (why == EMU_EXIT_EVENT)
		reason = event_reason(&cpu->st.event);
	else if (why == EMU_EXIT_HOST)
		reason = cpu->host_exit;
	return reason ?: PIOTRAP_EXIT_INTERNAL;
}

static_assert(sizeof_field(struct piotrap_run, insn) ==
	      sizeof_field(struct emu_exit_info, insn));

/* What belongs to some reasons alone; the rest is zero. */
static void write_details(struct piotrap_run *page, u32 reason,
			  const struct emu_exit_info *info)
{
	switch (reason) {
	case PIOTRAP_EXIT_MEMORY:
		page->exit_linear = info->linear;
		page->exit_size = info->size;
		page->exit_access = info->access;
		page->exit_error = info->error;
		break;
	case PIOTRAP_EXIT_WATCH:
		page->exit_linear = info->linear;
		page->exit_size = info->size;
		page->exit_access = info->access;
		page->exit_value = info->value;
		page->exit_watch = info->watch;
		break;
	case PIOTRAP_EXIT_BPF:
		page->exit_size = info->size;
		page->exit_access = info->access;
		page->exit_value = info->value;
		break;
	case PIOTRAP_EXIT_UNSUPPORTED:
		/* The page is the owner's: no length is read back from it. */
		page->insn_len = info->insn_len;
		memcpy(page->insn, info->insn, sizeof(page->insn));
		break;
	}
}

#define REASONS_WITH_DETAILS						\
	(BIT(PIOTRAP_EXIT_MEMORY) | BIT(PIOTRAP_EXIT_WATCH) |		\
	 BIT(PIOTRAP_EXIT_BPF) | BIT(PIOTRAP_EXIT_UNSUPPORTED))

/*
 * Everything that the page tells of a run but its groups. Nothing of an earlier exit
 * stays. The fields are named in the order in which they lie there.
 */
static void write_exit(struct sandbox *sb, u32 reason, u64 addr, u64 boundaries)
{
	struct piotrap_run *page = sb->page;

	page->exit_reason = reason;
	page->insn_len = 0;
	page->exit_size = 0;
	page->exit_access = 0;
	page->reserved2 = 0;
	page->exit_error = 0;
	memset(page->insn, 0, sizeof(page->insn));
	page->reserved3 = 0;
	page->exit_addr = addr;
	page->exit_linear = 0;
	page->exit_value = 0;
	page->exit_watch = 0;
	page->reserved4 = 0;
	page->boundaries = boundaries;
	page->console_dropped = sb->console.dropped;
	if (unlikely(BIT(reason) & REASONS_WITH_DETAILS))
		write_details(page, reason, &sb->cpu.exit);
}

static void run_cpu(struct sandbox *sb, u32 dirty, u32 stream_len)
{
	struct emu *cpu = &sb->cpu;
	u64 boundaries = cpu->boundaries;
	u32 reason;

	trace_piotrap_run_enter(sb, dirty, stream_len);
	sb->exit_addr = 0;

	/* A CPU that is halted would leave without having asked. */
	reason = stop_reason(sb);
	if (!reason) {
		skip_first_poll(cpu);
		reason = exit_reason(cpu, emu_run(cpu));
	}
	console_wake(&sb->console);
	if (sb->held.nr)
		caller_unpin(cpu);	/* an instruction does so itself */

	if (BIT(reason) & (BIT(PIOTRAP_EXIT_IO_PORT) | BIT(PIOTRAP_EXIT_IO_MEM) |
			   BIT(PIOTRAP_EXIT_MSR)))
		sb->exit_addr = cpu->st.io.addr;
	if (BIT(reason) & (BIT(PIOTRAP_EXIT_MEMORY) | BIT(PIOTRAP_EXIT_WATCH)))
		sb->exit_addr = cpu->exit.gpa;
	boundaries = cpu->boundaries - boundaries;
	trace_piotrap_run_exit(sb, reason, sb->exit_addr, boundaries);
	write_exit(sb, reason, sb->exit_addr, boundaries);
	state_to_page(sb);
}

/* -- The way in. Until all is found good nothing is changed that stays so. -- */

/* Up to here a loop is faster than a call of what can copy any length. */
#define SHORT_STREAM	16

static bool copy_short(u64 *to, const u8 __user *from, u32 len)
{
	u8 *last;

	to[0] = 0;
	to[1] = 0;
	if (!user_read_access_begin(from, len))
		return false;
	for (; len >= sizeof(u64); len -= sizeof(u64)) {
		unsafe_get_user(*to++, (const u64 __user *)from, fault);
		from += sizeof(u64);
	}
	for (last = (u8 *)to; len; len--)
		unsafe_get_user(*last++, from++, fault);
	user_read_access_end();
	return true;

fault:
	user_read_access_end();
	return false;
}

static bool copy_stream(struct sandbox *sb, const void __user *from, u32 len)
{
	if (likely(len <= SHORT_STREAM))
		return copy_short((u64 *)sb->stream, from, len);
	return !copy_from_user(sb->stream, from, len);
}

/* Other code now: what was under way there is not continued. */
static void lay_stream(struct sandbox *sb, u32 len)
{
	u8 *bytes = sb->cpu.st.stream.bytes;

	emu_cancel(&sb->cpu.st);
	if (likely(len <= SHORT_STREAM))
		memcpy(bytes, sb->stream, SHORT_STREAM);
	else
		memcpy(bytes, sb->stream, len);
	emu_set_stream(&sb->cpu, len);
}

static int run_checked(struct sandbox *sb, u32 flags, u64 stream, u32 len)
{
	u32 dirty;
	int ret;

	if (sb->mm && sb->mm != current->mm)
		return -EPERM;
	if (len > PIOTRAP_STREAM_MAX || !len != !(flags & PIOTRAP_RUN_STREAM))
		return -EINVAL;
	dirty = READ_ONCE(sb->page->dirty);
	if (dirty & ~GROUPS_ALL)
		return -EINVAL;
	if (dirty) {
		ret = state_take_groups(sb, dirty);
		if (ret)
			return ret;
	}
	if (sb->mm && caller_check_state(&sb->cpu.st)) {
		ret = -EINVAL;
		goto err;
	}
	if (len && !copy_stream(sb, u64_to_user_ptr(stream), len)) {
		ret = -EFAULT;
		goto err;
	}

	if (dirty)
		state_commit_groups(sb, dirty);
	if (len)
		lay_stream(sb, len);
	run_cpu(sb, dirty, len);
	return 0;

err:
	if (dirty)
		state_untake_groups(sb);
	return ret;
}

/**
 * run() - PIOTRAP_RUN
 * @sb: sandbox
 * @flags: of struct piotrap_run_args, checked, as are its reserved fields
 * @stream: likewise
 * @len: likewise
 *
 * Return: 0 if it has run, with the result in the run page, else what the ABI
 * lists, and nothing has changed.
 */
int run(struct sandbox *sb, u32 flags, u64 stream, u32 len)
{
	int ret;

	ret = sandbox_take_run(sb);
	if (ret)
		return ret;
	ret = run_checked(sb, flags, stream, len);
	sandbox_put(sb);
	return ret;
}
