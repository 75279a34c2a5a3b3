// SPDX-License-Identifier: GPL-2.0
/*
 * repbreak: why REP loops were broken, after how many iterations, and when they could
 * go on:
 *
 * - a break for the scheduler: the time from piotrap_preempt to piotrap_resume, both of
 *   which come before the break is told;
 * - a break after which the run ends at the REP itself: until the next run begins;
 * - a break that is handled inside the run (by an interrupt handler of the guest) or
 *   after which the owner has gone elsewhere: not known.
 */
#include <stdbool.h>

#include "piotrap.bpf.h"
#include "repbreak.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 512);
	__type(key, struct break_key);
	__type(value, struct breaks);
} breaks SEC(".maps");

/* What is known of a sandbox; times are 0 where there is nothing to be timed. */
struct state {
	__u64 preempted;	/* when the CPU was given away */
	__u64 away;		/* how long it was, then */
	__u64 broken;		/* when its REP was broken */
	__u64 rip;		/* of that REP */
	struct break_key key;	/* and why */
	__u16 reserved[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SANDBOXES);
	__type(key, __u64);
	__type(value, struct state);
} sandboxes SEC(".maps");

/* The reason that means this, by the name that the format file gives it. */
const volatile __u8 reason_resched;

static const struct breaks no_breaks;
static const struct state no_state;

static __always_inline struct breaks *breaks_of(const struct break_key *key)
{
	struct breaks *b = bpf_map_lookup_elem(&breaks, key);

	if (b)
		return b;
	bpf_map_update_elem(&breaks, key, &no_breaks, BPF_NOEXIST);
	b = bpf_map_lookup_elem(&breaks, key);
	if (!b)
		count_lost();
	return b;
}

static __always_inline struct state *state_of(__u64 sandbox)
{
	struct state *s = bpf_map_lookup_elem(&sandboxes, &sandbox);

	if (s)
		return s;
	bpf_map_update_elem(&sandboxes, &sandbox, &no_state, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&sandboxes, &sandbox);
	if (!s)
		count_lost();
	return s;
}

SEC("tracepoint/piotrap/piotrap_rep_break")
int rep_break(void *ctx)
{
	struct break_key key = {};
	struct rep_break e;
	struct breaks *b;
	struct state *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	key.reason = e.reason;
	key.fast = e.fast;
	b = breaks_of(&key);
	if (!b)
		return 0;
	hist_add(&b->done, e.done);
	s = state_of(e.sandbox);
	if (!s)
		return 0;
	if (e.reason == reason_resched) {
		if (s->away)
			hist_add(&b->resume, s->away);
		s->away = 0;
		s->broken = 0;
		return 0;
	}
	s->broken = bpf_ktime_get_ns();
	s->rip = e.rip;
	s->key = key;
	return 0;
}

SEC("tracepoint/piotrap/piotrap_run_exit")
int run_exit(void *ctx)
{
	struct run_exit e;
	struct state *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = bpf_map_lookup_elem(&sandboxes, &e.sandbox);
	if (s && s->rip != e.rip)
		s->broken = 0;
	return 0;
}

SEC("tracepoint/piotrap/piotrap_run_enter")
int run_enter(void *ctx)
{
	struct run_enter e;
	struct breaks *b;
	struct state *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = bpf_map_lookup_elem(&sandboxes, &e.sandbox);
	if (!s || !s->broken)
		return 0;
	if (s->rip == e.rip) {
		struct break_key key = s->key;

		b = breaks_of(&key);
		if (b)
			hist_add(&b->resume, bpf_ktime_get_ns() - s->broken);
	}
	s->broken = 0;
	return 0;
}

SEC("tracepoint/piotrap/piotrap_preempt")
int preempt(void *ctx)
{
	struct preempt e;
	struct state *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = state_of(e.sandbox);
	if (s) {
		s->preempted = bpf_ktime_get_ns();
		s->away = 0;
	}
	return 0;
}

SEC("tracepoint/piotrap/piotrap_resume")
int resume(void *ctx)
{
	struct preempt e;
	struct state *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = bpf_map_lookup_elem(&sandboxes, &e.sandbox);
	if (s && s->preempted) {
		s->away = bpf_ktime_get_ns() - s->preempted;
		s->preempted = 0;
	}
	return 0;
}
