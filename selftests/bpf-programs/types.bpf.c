// SPDX-License-Identifier: GPL-2.0
/*
 * Count port accesses, and PIOTRAP_SET_PORTS, through the module's BTF: arguments of a
 * tracepoint and of a function by their types, and a field of a structure of the
 * module's by its name.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* The part of the module's own that matters; where it is the loader finds out. */
struct sandbox {
	__u64 id;
} __attribute__((preserve_access_index));

__u64 sandbox;
__u64 reads;
__u64 writes;
__u64 bytes;
__u64 sets;

SEC("tp_btf/piotrap_port_io")
int BPF_PROG(port_io, const struct sandbox *sb, __u16 port, __u8 dir, __u8 size,
	     bool fast, __u64 count, __u32 value)
{
	/* Newer kernels do not believe that it is always there. */
	if (!sb || sb->id != sandbox)
		return 0;
	if (dir)
		writes++;
	else
		reads++;
	bytes += count * size;
	return 0;
}

/* Any function of the module's, too. */
SEC("fentry/ports_set")
int BPF_PROG(set, const struct sandbox *sb)
{
	if (sb->id == sandbox)
		sets++;
	return 0;
}
