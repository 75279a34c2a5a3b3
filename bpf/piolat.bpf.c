// SPDX-License-Identifier: GPL-2.0
/* piolat: how long runs, exits to the owner and preemptions last. */
#include <stdbool.h>

#include "piotrap.bpf.h"
#include "piolat.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 256);
	__type(key, struct lat_key);
	__type(value, struct hist);
} hists SEC(".maps");

/* When the last of each was; 0: not seen, or over. */
struct since {
	__u64 enter;
	__u64 exit;
	__u64 preempt;
	__u64 reason;		/* of that exit */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SANDBOXES);
	__type(key, __u64);
	__type(value, struct since);
} sandboxes SEC(".maps");

static const struct hist no_hist;
static const struct since no_since;

static __always_inline void add(enum lat_kind kind, __u32 reason, __u64 ns)
{
	struct lat_key key = { .kind = kind, .reason = reason };
	struct hist *h = bpf_map_lookup_elem(&hists, &key);

	if (!h) {
		bpf_map_update_elem(&hists, &key, &no_hist, BPF_NOEXIST);
		h = bpf_map_lookup_elem(&hists, &key);
	}
	if (h)
		hist_add(h, ns);
	else
		count_lost();
}

static __always_inline struct since *since_of(__u64 sandbox)
{
	struct since *s = bpf_map_lookup_elem(&sandboxes, &sandbox);

	if (s)
		return s;
	bpf_map_update_elem(&sandboxes, &sandbox, &no_since, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&sandboxes, &sandbox);
	if (!s)
		count_lost();
	return s;
}

SEC("tracepoint/piotrap/piotrap_run_enter")
int run_enter(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct run_enter e;
	struct since *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = since_of(e.sandbox);
	if (!s)
		return 0;
	if (s->exit)
		add(LAT_EXIT, s->reason, now - s->exit);
	s->exit = 0;
	s->preempt = 0;
	s->enter = bpf_ktime_get_ns();
	return 0;
}

SEC("tracepoint/piotrap/piotrap_run_exit")
int run_exit(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct run_exit e;
	struct since *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = since_of(e.sandbox);
	if (!s)
		return 0;
	if (s->enter)
		add(LAT_RUN, e.reason, now - s->enter);
	s->enter = 0;
	s->reason = e.reason;
	s->exit = bpf_ktime_get_ns();
	return 0;
}

SEC("tracepoint/piotrap/piotrap_preempt")
int preempt(void *ctx)
{
	struct preempt e;
	struct since *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = since_of(e.sandbox);
	if (s)
		s->preempt = bpf_ktime_get_ns();
	return 0;
}

SEC("tracepoint/piotrap/piotrap_resume")
int resume(void *ctx)
{
	struct preempt e;
	struct since *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = bpf_map_lookup_elem(&sandboxes, &e.sandbox);
	if (s && s->preempt)
		add(LAT_PREEMPT, 0, bpf_ktime_get_ns() - s->preempt);
	if (s)
		s->preempt = 0;
	return 0;
}
