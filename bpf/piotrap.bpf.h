/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the BPF programs share. Included once by each, after nothing else.
 *
 * They hang on the tracepoints as perf events do: that needs the format files only,
 * no BTF of the module. A tracepoint's programs run with preemption off, and the
 * events of one sandbox come one after the other, so that entries of a map by sandbox
 * need no lock.
 */
#ifndef PIOTRAP_BPF_H
#define PIOTRAP_BPF_H

#include <linux/bpf.h>
#include <linux/piotrap.h>
#include <bpf/bpf_helpers.h>

#include "events.h"
#include "hist.h"

/* Sandboxes at a time that a tool keeps something about; the least used make room. */
#define MAX_SANDBOXES	4096

char LICENSE[] SEC("license") = "GPL";

/* Set before the programs are loaded; 0: all. */
const volatile __u64 only_sandbox;
const volatile __u32 only_owner;
/* Bytes before the first field of an event. */
const volatile __u32 fields_at = 8;

/* Events that no room was found for. */
__u64 lost;

static __always_inline void count_lost(void)
{
	__sync_fetch_and_add(&lost, 1);
}

static __always_inline bool wanted(__u64 sandbox, __u32 owner)
{
	return (!only_sandbox || sandbox == only_sandbox) &&
	       (!only_owner || owner == only_owner);
}

/* Fetch the fields of an event; false: they are not asked for. */
#define READ_EVENT(event, ctx)						\
	(!bpf_probe_read_kernel(&(event), sizeof(event),		\
				(void *)(ctx) + fields_at) &&		\
	 wanted((event).sandbox, (event).owner))

static __always_inline unsigned int log2_slot(__u64 v)
{
	unsigned int n = 0;

	if (v >> 32) {
		v >>= 32;
		n += 32;
	}
	if (v >> 16) {
		v >>= 16;
		n += 16;
	}
	if (v >> 8) {
		v >>= 8;
		n += 8;
	}
	if (v >> 4) {
		v >>= 4;
		n += 4;
	}
	if (v >> 2) {
		v >>= 2;
		n += 2;
	}
	if (v >> 1) {
		v >>= 1;
		n += 1;
	}
	n += v;
	return n < HIST_SLOTS ? n : HIST_SLOTS - 1;
}

/* Into a map with a value for each CPU: nobody else writes there. */
static __always_inline void hist_add(struct hist *h, __u64 v)
{
	h->count++;
	h->sum += v;
	if (v > h->max)
		h->max = v;
	h->slot[log2_slot(v) & (HIST_SLOTS - 1)]++;
}

#endif /* PIOTRAP_BPF_H */
