// SPDX-License-Identifier: GPL-2.0
/* The shortest programs that do something: one that decides, one that counts. */
#include <linux/bpf.h>
#include <linux/piotrap.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__u64 sandbox;
__u64 accesses;

SEC("raw_tp.w/piotrap_bpf_io")
int decide(struct bpf_raw_tracepoint_args *ctx)
{
	struct piotrap_bpf_io *io = (void *)ctx->args[0];

	if (io->sandbox != sandbox)
		return 0;
	io->value = 0x42;
	io->action = PIOTRAP_BPF_DONE;
	return 0;
}

SEC("raw_tp/piotrap_port_io")
int count(struct bpf_raw_tracepoint_args *ctx)
{
	accesses++;
	return 0;
}
