/* SPDX-License-Identifier: GPL-2.0 */
/* From 64-bit code into 32-bit code, and back by a gate that lies in its memory. */
#include "native.h"

	.section .note.GNU-stack, "", @progbits
	.text

	.globl	native_call
	.type	native_call, @function
native_call:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	$NATIVE_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%rsp, NATIVE_SP
	mov	%edi, %eax
	mov	(%rsi), %ecx
	mov	4(%rsi), %ebx
	mov	8(%rsi), %edx
	mov	$NATIVE_STACK, %esp
	pushq	$NATIVE_CS32
	pushq	$NATIVE_GATE
	lretq
	.size	native_call, . - native_call

	/* Copied to NATIVE_GATE. */
	.globl	native_gate, native_gate_end
native_gate:
	.code32
	call	*%eax
	ljmp	$NATIVE_CS64, $(NATIVE_GATE + back - native_gate)
	.code64
back:	mov	NATIVE_SP, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
native_gate_end:
