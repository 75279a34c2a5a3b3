/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ABI as a table: calls, flags, fields and the values that make sense in them.
 * It drives abi-fuzz.c, and the description for syzkaller is made from it;
 * abi-table.sh compares it with the header.
 */
#ifndef COMMON_ABI_H
#define COMMON_ABI_H

#include <stddef.h>
#include <stdint.h>

#include <linux/piotrap.h>

enum abi_kind {
	ABI_SIZE,		/* bytes of the struct */
	ABI_FLAGS,		/* any of the flags whose names begin with @arg */
	ABI_ZERO,
	ABI_RANGE,		/* @lo to @hi */
	ABI_PAGES,		/* likewise, a multiple of 4096 */
	ABI_FD,			/* an eventfd */
	ABI_ADDR,		/* of @hi bytes, or, named by @arg, of structs */
	ABI_MEMORY,		/* of pages that are to be pinned */
	ABI_STRUCT,		/* struct @arg, @hi of them */
	ABI_OUT,		/* the kernel's */
};

struct abi_field {
	const char *name;
	uint16_t off;
	uint16_t size;
	enum abi_kind kind;
	const char *arg;
	uint64_t lo;
	uint64_t hi;
};

struct abi_struct {
	const char *name;
	uint32_t size;
	const struct abi_field *field;
	unsigned int nr;
};

struct abi_call {
	const char *name;
	uint32_t nr;
	unsigned int arg;		/* index into abi_structs[] */
};

struct abi_flag {
	const char *name;
	uint32_t value;
};

#define ABI_ALL		(~0ULL)
#define ABI_FIELD(s, f, kind, arg, lo, hi)				\
	{ #f, offsetof(struct piotrap_##s, f),				\
	  sizeof(((struct piotrap_##s *)0)->f), kind, arg, lo, hi }
#define ANY(s, f)		ABI_FIELD(s, f, ABI_RANGE, NULL, 0, ABI_ALL)
#define RANGE(s, f, lo, hi)	ABI_FIELD(s, f, ABI_RANGE, NULL, lo, hi)
#define ZERO(s, f)		ABI_FIELD(s, f, ABI_ZERO, NULL, 0, 0)
#define OUT(s, f)		ABI_FIELD(s, f, ABI_OUT, NULL, 0, ABI_ALL)
#define FLAGS(s, f, names)	ABI_FIELD(s, f, ABI_FLAGS, names, 0, 0)
#define SIZE(s)			ABI_FIELD(s, size, ABI_SIZE, NULL, 0, 0)
#define SUB(s, f, type, n)	ABI_FIELD(s, f, ABI_STRUCT, #type, 0, n)

static const struct abi_field abi_info[] = {
	SIZE(info), ZERO(info, flags), OUT(info, abi_version), OUT(info, modes),
	OUT(info, exit_reasons), OUT(info, port_kinds), OUT(info, region_kinds),
	OUT(info, max_regions), OUT(info, max_port_ranges), OUT(info, max_stream),
	OUT(info, max_io_data), OUT(info, max_memory), OUT(info, max_console),
	OUT(info, max_input), OUT(info, sandbox_id), OUT(info, max_cpuid),
	OUT(info, cpuid_presets), OUT(info, max_watches), OUT(info, reserved),
};

static const struct abi_field abi_config[] = {
	SIZE(config), FLAGS(config, flags, "PIOTRAP_CONFIG_"),
	ANY(config, exit_exceptions), ZERO(config, reserved), ANY(config, exit_ints),
};

static const struct abi_field abi_region[] = {
	SIZE(region), ZERO(region, flags),
	RANGE(region, kind, PIOTRAP_REGION_NONE, PIOTRAP_REGION_EXIT),
	ZERO(region, reserved),
	ABI_FIELD(region, gpa, ABI_PAGES, NULL, 0, 0x20000),
	ABI_FIELD(region, len, ABI_PAGES, NULL, 0x1000, 0x20000),
	ABI_FIELD(region, addr, ABI_MEMORY, NULL, 0, 0),
};

static const struct abi_field abi_ports[] = {
	SIZE(ports), FLAGS(ports, flags, "PIOTRAP_PORTS_"),
	RANGE(ports, kind, PIOTRAP_PORT_OPEN_BUS, PIOTRAP_PORT_BPF),
	RANGE(ports, first, 0, 0x3ff), RANGE(ports, count, 1, 0x200),
	RANGE(ports, init, 0, 0xff), ABI_FIELD(ports, eventfd, ABI_FD, NULL, 0, 0),
	ZERO(ports, reserved), ANY(ports, match), ANY(ports, mask),
};

static const struct abi_field abi_input[] = {
	SIZE(input), ZERO(input, flags), RANGE(input, port, 0, 0x3ff),
	RANGE(input, len, 1, 4096), ABI_FIELD(input, addr, ABI_ADDR, NULL, 0, 4096),
};

static const struct abi_field abi_run_args[] = {
	SIZE(run_args), FLAGS(run_args, flags, "PIOTRAP_RUN_"),
	ABI_FIELD(run_args, stream, ABI_ADDR, NULL, 0, PIOTRAP_STREAM_MAX),
	RANGE(run_args, len, 1, 64), ZERO(run_args, reserved),
};

static const struct abi_field abi_kick[] = { SIZE(kick), ZERO(kick, flags) };

static const struct abi_field abi_log[] = {
	SIZE(log), FLAGS(log, flags, "PIOTRAP_LOG_"),
	ABI_FIELD(log, addr, ABI_MEMORY, NULL, 0, 0),
	ABI_FIELD(log, len, ABI_PAGES, NULL, 0x1000, 0x4000),
	RANGE(log, rec_size, PIOTRAP_LOG_REC_FIRST, sizeof(struct piotrap_log_rec)),
	ZERO(log, reserved),
};

static const struct abi_field abi_cpuid_entry[] = {
	RANGE(cpuid_entry, leaf, 0, 7), RANGE(cpuid_entry, subleaf, 0, 1),
	ANY(cpuid_entry, eax), ANY(cpuid_entry, ebx), ANY(cpuid_entry, ecx),
	ANY(cpuid_entry, edx),
};

static const struct abi_field abi_cpuid[] = {
	SIZE(cpuid), FLAGS(cpuid, flags, "PIOTRAP_CPUID_PRESET"),
	RANGE(cpuid, preset, PIOTRAP_CPUID_386, PIOTRAP_CPUID_X86_64_V3),
	RANGE(cpuid, count, 0, 32),
	ABI_FIELD(cpuid, entries, ABI_ADDR, "cpuid_entry", 0, 32),
};

static const struct abi_field abi_watch[] = {
	RANGE(watch, first, 0, 0x20000), RANGE(watch, last, 0, 0x20000),
	RANGE(watch, mask, 0, 0xff), RANGE(watch, value, 0, 0xff),
	RANGE(watch, skip, 0, 4), RANGE(watch, space, PIOTRAP_WATCH_PORT,
					PIOTRAP_WATCH_MEM),
	RANGE(watch, dirs, PIOTRAP_WATCH_READ,
	      PIOTRAP_WATCH_READ | PIOTRAP_WATCH_WRITE),
	RANGE(watch, when, PIOTRAP_WATCH_AFTER, PIOTRAP_WATCH_BEFORE),
	ZERO(watch, reserved),
};

static const struct abi_field abi_watches[] = {
	SIZE(watches), ZERO(watches, flags), RANGE(watches, count, 0, 16),
	ZERO(watches, reserved), ABI_FIELD(watches, watches, ABI_ADDR, "watch", 0, 16),
};

static const struct abi_field abi_regs[] = {
	ANY(regs, gpr), ANY(regs, rip), ANY(regs, rflags),
};

static const struct abi_field abi_segment[] = {
	ANY(segment, base), ANY(segment, limit), RANGE(segment, attr, 0, 0x1ffff),
	ANY(segment, selector), ZERO(segment, reserved),
};

static const struct abi_field abi_dtable[] = {
	ANY(dtable, base), ANY(dtable, limit), ZERO(dtable, reserved),
};

static const struct abi_field abi_segs[] = {
	SUB(segs, es, segment, 1), SUB(segs, cs, segment, 1),
	SUB(segs, ss, segment, 1), SUB(segs, ds, segment, 1),
	SUB(segs, fs, segment, 1), SUB(segs, gs, segment, 1),
	SUB(segs, ldtr, segment, 1), SUB(segs, tr, segment, 1),
	SUB(segs, gdtr, dtable, 1), SUB(segs, idtr, dtable, 1),
};

static const struct abi_field abi_ctrl[] = {
	ANY(ctrl, cr0), ANY(ctrl, cr2), ANY(ctrl, cr3), ANY(ctrl, cr4),
	RANGE(ctrl, cr8, 0, 15), ANY(ctrl, xcr0), ANY(ctrl, efer), ANY(ctrl, star),
	ANY(ctrl, lstar), ANY(ctrl, cstar), ANY(ctrl, sfmask),
	ANY(ctrl, kernel_gs_base), ANY(ctrl, sysenter_cs), ANY(ctrl, sysenter_esp),
	ANY(ctrl, sysenter_eip), ANY(ctrl, tsc_aux), ANY(ctrl, tsc), ANY(ctrl, pat),
	ANY(ctrl, apic_base), ANY(ctrl, misc_enable),
};

static const struct abi_field abi_debug[] = {
	ANY(debug, dr), ANY(debug, dr6), ANY(debug, dr7), RANGE(debug, debugctl, 0, 3),
	ANY(debug, pending_dbg), RANGE(debug, interruptibility, 0, 15),
	RANGE(debug, activity, 0, 2), ANY(debug, dr_mask),
};

static const struct abi_field abi_event[] = {
	RANGE(event, action, PIOTRAP_EVENT_NONE, PIOTRAP_EVENT_ABSORB),
	ANY(event, vector), RANGE(event, type, 0, 6), RANGE(event, insn_len, 0, 15),
	ANY(event, error_code), ANY(event, payload),
	RANGE(event, flags, 0, PIOTRAP_EVENT_ERROR | PIOTRAP_EVENT_PAYLOAD |
			       PIOTRAP_EVENT_RF),
	RANGE(event, intr_pending, 0, 1), ANY(event, intr_vector),
	RANGE(event, nmi_pending, 0, 1), RANGE(event, intr_window, 0, 1),
	RANGE(event, init_pending, 0, 1), RANGE(event, mc_pending, 0, 1),
	ZERO(event, reserved),
};

static const struct abi_field abi_io[] = {
	ANY(io, addr), ANY(io, rip), RANGE(io, count, 0, PIOTRAP_IO_DATA),
	RANGE(io, done, 0, PIOTRAP_IO_DATA), RANGE(io, used, 0, PIOTRAP_IO_DATA),
	RANGE(io, kind, PIOTRAP_IO_NONE, PIOTRAP_IO_MSR),
	RANGE(io, dir, PIOTRAP_READ, PIOTRAP_WRITE), RANGE(io, size, 1, 8),
	FLAGS(io, flags, "PIOTRAP_IO_"),
};

static const struct abi_field abi_replay[] = {
	ANY(replay, addr), ANY(replay, val),
	RANGE(replay, kind, PIOTRAP_IO_PORT, PIOTRAP_IO_MSR),
	RANGE(replay, dir, PIOTRAP_READ, PIOTRAP_WRITE), RANGE(replay, size, 1, 8),
	ZERO(replay, reserved),
};

static const struct abi_field abi_progress[] = {
	RANGE(progress, in_rep, 0, 1), RANGE(progress, insn_len, 0, 15),
	RANGE(progress, nr_replay, 0, PIOTRAP_REPLAY_MAX),
	RANGE(progress, after_event, 0, 1), RANGE(progress, watch_passed, 0, 0xffff),
	ANY(progress, insn), RANGE(progress, permitted, 0, PIOTRAP_REPLAY_MAX + 1),
	RANGE(progress, stopped, 0, 1), ZERO(progress, reserved),
	SUB(progress, replay, replay, PIOTRAP_REPLAY_MAX),
};

static const struct abi_field abi_stream[] = {
	ANY(stream, start), RANGE(stream, len, 0, PIOTRAP_STREAM_MAX),
	ZERO(stream, reserved), ANY(stream, bytes),
};

static const struct abi_field abi_state[] = {
	SIZE(state), ZERO(state, flags), SUB(state, regs, regs, 1),
	SUB(state, segs, segs, 1), SUB(state, ctrl, ctrl, 1),
	SUB(state, debug, debug, 1), SUB(state, event, event, 1), ANY(state, budget),
	SUB(state, io, io, 1), SUB(state, progress, progress, 1),
	SUB(state, stream, stream, 1), ANY(state, io_data),
};

static const struct abi_field abi_run[] = {
	RANGE(run, immediate_exit, 0, 1), ZERO(run, reserved),
	FLAGS(run, dirty, "PIOTRAP_GROUP_"), OUT(run, valid), OUT(run, exit_reason),
	OUT(run, insn_len), OUT(run, exit_size), OUT(run, exit_access),
	OUT(run, reserved2), OUT(run, exit_error), OUT(run, insn),
	OUT(run, reserved3), OUT(run, exit_addr), OUT(run, exit_linear),
	OUT(run, exit_value), OUT(run, exit_watch), OUT(run, reserved4),
	OUT(run, boundaries), OUT(run, console_dropped), SUB(run, regs, regs, 1),
	SUB(run, segs, segs, 1), SUB(run, ctrl, ctrl, 1), SUB(run, debug, debug, 1),
	SUB(run, event, event, 1), ANY(run, budget), SUB(run, io, io, 1),
};

#undef ANY
#undef RANGE
#undef ZERO
#undef OUT
#undef FLAGS
#undef SIZE
#undef SUB

#define ABI_STRUCTS(do)							\
	do(info) do(config) do(region) do(ports) do(input) do(run_args)	\
	do(kick) do(log) do(cpuid_entry) do(cpuid) do(watch) do(watches)	\
	do(regs) do(segment) do(dtable) do(segs) do(ctrl) do(debug)	\
	do(event) do(io) do(replay) do(progress) do(stream) do(state) do(run)

#define ABI_INDEX(s)	ABI_##s,
enum { ABI_STRUCTS(ABI_INDEX) ABI_NR_STRUCTS };

#define ABI_ENTRY(s)							\
	{ #s, sizeof(struct piotrap_##s), abi_##s,			\
	  sizeof(abi_##s) / sizeof(abi_##s[0]) },
static const struct abi_struct abi_structs[] = { ABI_STRUCTS(ABI_ENTRY) };

#define ABI_CALL(name, s)	{ #name, name, ABI_##s }
static const struct abi_call abi_calls[] = {
	ABI_CALL(PIOTRAP_INFO, info),
	ABI_CALL(PIOTRAP_CONFIG, config),
	ABI_CALL(PIOTRAP_SET_REGION, region),
	ABI_CALL(PIOTRAP_SET_PORTS, ports),
	ABI_CALL(PIOTRAP_QUEUE_INPUT, input),
	ABI_CALL(PIOTRAP_RUN, run_args),
	ABI_CALL(PIOTRAP_GET_STATE, state),
	ABI_CALL(PIOTRAP_SET_STATE, state),
	ABI_CALL(PIOTRAP_KICK, kick),
	ABI_CALL(PIOTRAP_SET_LOG, log),
	ABI_CALL(PIOTRAP_SET_CPUID, cpuid),
	ABI_CALL(PIOTRAP_GET_CPUID, cpuid),
	ABI_CALL(PIOTRAP_SET_WATCHES, watches),
	ABI_CALL(PIOTRAP_GET_WATCHES, watches),
};

/* Each #define of the header that is one bit. */
#define ABI_FLAG(name)	{ #name, name }
static const struct abi_flag abi_flags[] = {
	ABI_FLAG(PIOTRAP_CONFIG_EXIT_IRET), ABI_FLAG(PIOTRAP_CONFIG_NO_BULK),
	ABI_FLAG(PIOTRAP_CONFIG_AMD), ABI_FLAG(PIOTRAP_CONFIG_DISABLED_B_BITS),
	ABI_FLAG(PIOTRAP_CONFIG_CALLER), ABI_FLAG(PIOTRAP_CONFIG_EXIT_MSRS),
	ABI_FLAG(PIOTRAP_CONFIG_BPF),
	ABI_FLAG(PIOTRAP_CPUID_PRESET),
	ABI_FLAG(PIOTRAP_WATCH_READ), ABI_FLAG(PIOTRAP_WATCH_WRITE),
	ABI_FLAG(PIOTRAP_PORTS_DROP), ABI_FLAG(PIOTRAP_PORTS_WAIT),
	ABI_FLAG(PIOTRAP_PORTS_MATCH),
	ABI_FLAG(PIOTRAP_EVENT_ERROR), ABI_FLAG(PIOTRAP_EVENT_PAYLOAD),
	ABI_FLAG(PIOTRAP_EVENT_RF),
	ABI_FLAG(PIOTRAP_IO_STRING), ABI_FLAG(PIOTRAP_IO_REP),
	ABI_FLAG(PIOTRAP_IO_PART),
	ABI_FLAG(PIOTRAP_GROUP_REGS), ABI_FLAG(PIOTRAP_GROUP_SEGS),
	ABI_FLAG(PIOTRAP_GROUP_CTRL), ABI_FLAG(PIOTRAP_GROUP_DEBUG),
	ABI_FLAG(PIOTRAP_GROUP_EVENT), ABI_FLAG(PIOTRAP_GROUP_BUDGET),
	ABI_FLAG(PIOTRAP_GROUP_IO),
	ABI_FLAG(PIOTRAP_RUN_STREAM),
	ABI_FLAG(PIOTRAP_LOG_PORTS), ABI_FLAG(PIOTRAP_LOG_STEPS),
};

#endif /* COMMON_ABI_H */
