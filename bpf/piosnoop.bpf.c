// SPDX-License-Identifier: GPL-2.0
/* piosnoop: send each port access. */
#include <stdbool.h>

#include "piotrap.bpf.h"
#include "piosnoop.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} ring SEC(".maps");

SEC("tracepoint/piotrap/piotrap_port_io")
int port_io(void *ctx)
{
	struct access *a;
	struct port_io io;

	if (!READ_EVENT(io, ctx))
		return 0;
	a = bpf_ringbuf_reserve(&ring, sizeof(*a), 0);
	if (!a) {
		count_lost();
		return 0;
	}
	a->time = bpf_ktime_get_ns();
	a->io = io;
	bpf_ringbuf_submit(a, 0);
	return 0;
}
