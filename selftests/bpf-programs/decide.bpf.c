// SPDX-License-Identifier: GPL-2.0
/*
 * Decide about port accesses, as the test says. It notes each question that it is
 * asked about its own sandbox.
 */
#include <linux/bpf.h>
#include <linux/piotrap.h>

#include <bpf/bpf_helpers.h>

#include "decide.h"

char LICENSE[] SEC("license") = "GPL";

struct decide_orders orders;
__u64 asked;		/* questions about this sandbox */
__u64 others;		/* about any other */
struct piotrap_bpf_io seen[DECIDE_SEEN];

static void garbage(struct piotrap_bpf_io *io)
{
	io->sandbox = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	io->rip = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	io->owner = bpf_get_prandom_u32();
	io->value = bpf_get_prandom_u32();
	io->port = bpf_get_prandom_u32();
	io->size = bpf_get_prandom_u32();
	io->dir = bpf_get_prandom_u32();
	io->again = bpf_get_prandom_u32();
	io->action = bpf_get_prandom_u32();
	/* Most numbers are no answer: make those that are come often. */
	if (bpf_get_prandom_u32() & 1)
		io->action &= 3;
	io->reserved[0] = bpf_get_prandom_u32();
	io->reserved[1] = bpf_get_prandom_u32();
}

SEC("raw_tp.w/piotrap_bpf_io")
int decide(struct bpf_raw_tracepoint_args *ctx)
{
	struct piotrap_bpf_io *io = (void *)ctx->args[0];
	__u64 n;

	if (io->sandbox != orders.sandbox) {
		others++;
		return 0;
	}
	n = asked++;
	seen[n % DECIDE_SEEN] = *io;
	if (orders.garbage) {
		garbage(io);
		return 0;
	}
	if (orders.stop_at == asked || (orders.stop && !io->again)) {
		io->action = PIOTRAP_BPF_STOP;
		return 0;
	}
	io->action = orders.action;
	if (orders.set)
		io->value = orders.value;
	io->value ^= orders.flip;
	if (orders.count)
		io->value = n;
	return 0;
}

/* Another one, which is attached after the first: it sees what that has left. */
SEC("raw_tp.w/piotrap_bpf_io")
int decide_second(struct bpf_raw_tracepoint_args *ctx)
{
	struct piotrap_bpf_io *io = (void *)ctx->args[0];

	if (io->sandbox == orders.sandbox)
		io->value++;
	return 0;
}
