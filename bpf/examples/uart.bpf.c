// SPDX-License-Identifier: GPL-2.0
/*
 * The sending half of a 16550 UART, as a BPF program: what is written to the data
 * register goes to a ring buffer, and the line status says "ready" again after so many
 * polls. All other registers are what was written to them: that is what a range of
 * ports keeps by itself when a program says PIOTRAP_BPF_DONE and no more.
 */
#include <linux/bpf.h>
#include <linux/piotrap.h>

#include <bpf/bpf_helpers.h>

#include "uart.h"

char LICENSE[] SEC("license") = "GPL";

/* Set before the program is loaded. */
const volatile __u64 sandbox;	/* whose UART it is */
const volatile __u16 base;	/* its first port */
const volatile __u32 polls;	/* that find it busy after each byte */

struct uart_count count;
__u32 busy;			/* polls left for the byte that is being sent */
__u8 lcr;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} sent SEC(".maps");

static void send(__u8 byte)
{
	count.bytes++;
	busy = polls;
	if (bpf_ringbuf_output(&sent, &byte, sizeof(byte), 0))
		count.lost++;
}

SEC("raw_tp.w/piotrap_bpf_io")
int uart(struct bpf_raw_tracepoint_args *ctx)
{
	struct piotrap_bpf_io *io = (void *)ctx->args[0];
	__u16 reg = io->port - base;

	if (io->sandbox != sandbox || reg >= UART_PORTS)
		return 0;
	/* Like most UARTs it is deaf to anything but bytes: that is open bus. */
	if (io->size != 1)
		return 0;
	io->action = PIOTRAP_BPF_DONE;
	if (io->dir == PIOTRAP_WRITE) {
		if (reg == UART_LCR)
			lcr = io->value;
		if (reg == UART_DATA && !(lcr & UART_LCR_DLAB))
			send(io->value);
		return 0;
	}
	if (reg == UART_LSR) {
		count.polls++;
		io->value = busy ? 0 : UART_LSR_READY;
		if (busy)
			busy--;
	}
	return 0;
}
