// SPDX-License-Identifier: GPL-2.0
/* piotop: count by port. */
#include <stdbool.h>

#include "piotrap.bpf.h"
#include "piotop.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u16);
	__type(value, struct port_count);
} ports SEC(".maps");

/* Sandboxes whose owner has an access to serve. */
struct served {
	__u64 since;
	__u64 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SANDBOXES);
	__type(key, __u64);
	__type(value, struct served);
} serving SEC(".maps");

static const struct port_count none;

static __always_inline struct port_count *count_of(__u16 port)
{
	struct port_count *c = bpf_map_lookup_elem(&ports, &port);

	if (c)
		return c;
	bpf_map_update_elem(&ports, &port, &none, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&ports, &port);
	if (!c)
		count_lost();
	return c;
}

SEC("tracepoint/piotrap/piotrap_port_io")
int port_io(void *ctx)
{
	struct port_count *c;
	struct port_io io;

	if (!READ_EVENT(io, ctx))
		return 0;
	c = count_of(io.port);
	if (!c)
		return 0;
	if (io.dir) {
		__sync_fetch_and_add(&c->out, io.count);
		__sync_fetch_and_add(&c->bytes_out, io.count * io.size);
	} else {
		__sync_fetch_and_add(&c->in, io.count);
		__sync_fetch_and_add(&c->bytes_in, io.count * io.size);
	}
	return 0;
}

/*
 * An access to ports of different kinds may leave for one of its bytes, and be told by
 * its first port later: what is told of the exit is the port that was waited for.
 */
SEC("tracepoint/piotrap/piotrap_run_exit")
int run_exit(void *ctx)
{
	struct port_count *c;
	struct run_exit e;
	struct served s;

	if (!READ_EVENT(e, ctx) || e.reason != PIOTRAP_EXIT_IO_PORT)
		return 0;
	c = count_of(e.addr);
	if (!c)
		return 0;
	__sync_fetch_and_add(&c->exits, 1);
	s.since = bpf_ktime_get_ns();
	s.port = e.addr & 0xffff;
	if (bpf_map_update_elem(&serving, &e.sandbox, &s, BPF_ANY))
		count_lost();
	return 0;
}

SEC("tracepoint/piotrap/piotrap_run_enter")
int run_enter(void *ctx)
{
	struct port_count *c;
	struct run_enter e;
	struct served *s;

	if (!READ_EVENT(e, ctx))
		return 0;
	s = bpf_map_lookup_elem(&serving, &e.sandbox);
	if (!s)
		return 0;
	c = count_of(s->port);
	if (c)
		__sync_fetch_and_add(&c->wait, bpf_ktime_get_ns() - s->since);
	bpf_map_delete_elem(&serving, &e.sandbox);
	return 0;
}
