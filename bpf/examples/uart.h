/* SPDX-License-Identifier: GPL-2.0 */
/* What uart.c and uart.bpf.c have in common. */
#ifndef UART_H
#define UART_H

#include <linux/types.h>

/* Registers of a 16550, from its first port on. */
#define UART_DATA	0	/* with DLAB: low byte of the divisor */
#define UART_LCR	3
#define UART_LSR	5
#define UART_PORTS	8

#define UART_LCR_DLAB	0x80
#define UART_LSR_READY	0x60	/* THRE and TEMT: the transmitter is empty */

/**
 * struct uart_count - what has happened
 * @bytes: bytes sent
 * @polls: reads of the line status
 * @lost: of @bytes, the ones that found no room on their way to the reader
 */
struct uart_count {
	__u64 bytes;
	__u64 polls;
	__u64 lost;
};

#endif /* UART_H */
