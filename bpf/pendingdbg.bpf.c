// SPDX-License-Identifier: GPL-2.0
/* pendingdbg: send each change of pending_dbg, and what it does to DR6. */
#include <stdbool.h>

#include "piotrap.bpf.h"
#include "pendingdbg.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} ring SEC(".maps");

/* What was pending last; no entry: nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SANDBOXES);
	__type(key, __u64);
	__type(value, __u64);
} pending SEC(".maps");

static __always_inline void remember(__u64 sandbox, __u64 bits)
{
	if (!bits)
		bpf_map_delete_elem(&pending, &sandbox);
	else if (bpf_map_update_elem(&pending, &sandbox, &bits, BPF_ANY))
		count_lost();
}

static __always_inline struct record *new_record(enum record_kind kind)
{
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r) {
		count_lost();
		return NULL;
	}
	r->time = bpf_ktime_get_ns();
	r->kind = kind;
	return r;
}

SEC("tracepoint/piotrap/piotrap_pending_dbg")
int pending_dbg(void *ctx)
{
	struct pending_dbg e;
	struct record *r;

	if (!READ_EVENT(e, ctx))
		return 0;
	remember(e.sandbox, e.new);
	r = new_record(RECORD_PENDING);
	if (!r)
		return 0;
	r->pending = e;
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("tracepoint/piotrap/piotrap_run_enter")
int run_enter(void *ctx)
{
	struct pending_dbg *p;
	struct run_enter e;
	__u64 *last, old;
	struct record *r;

	if (!READ_EVENT(e, ctx))
		return 0;
	last = bpf_map_lookup_elem(&pending, &e.sandbox);
	old = last ? *last : 0;
	if (old == e.pending_dbg)
		return 0;
	remember(e.sandbox, e.pending_dbg);
	r = new_record(RECORD_OWNER);
	if (!r)
		return 0;
	p = &r->pending;
	p->sandbox = e.sandbox;
	p->rip = e.rip;
	p->rcx = 0;
	p->old = old;
	p->new = e.pending_dbg;
	p->owner = e.owner;
	p->cause = 0;
	p->held = 0;
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("tracepoint/piotrap/piotrap_debug_trap")
int debug_trap(void *ctx)
{
	struct debug_trap e;
	struct record *r;

	if (!READ_EVENT(e, ctx))
		return 0;
	r = new_record(RECORD_TRAP);
	if (!r)
		return 0;
	r->trap = e;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
