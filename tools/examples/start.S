/* SPDX-License-Identifier: GPL-2.0 */
/* Where piotrap run enters: CPL 0, flat segments, the stack below this. */
	.section .text.start, "ax"
	.globl	_start
_start:
	call	main
	hlt			/* ends piotrap run */
	jmp	_start

	.section .note.GNU-stack, "", @progbits
