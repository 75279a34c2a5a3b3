/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way into a test case, with every register as it asks, and the two ways out
 * of it: a jump behind the instruction, copied to NAT_STUB, and a signal.
 */
#include "native.h"

	.macro	save_callee
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, CTX_HOST_SP
	.endm

	.macro	leave_case
	movq	$0, CTX_RUNNING
	mov	CTX_HOST_SP, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.endm

	/* All but the stack pointer. */
	.macro	load_gprs
	mov	CTX_GPR + 0x08, %rcx
	mov	CTX_GPR + 0x10, %rdx
	mov	CTX_GPR + 0x18, %rbx
	mov	CTX_GPR + 0x28, %rbp
	mov	CTX_GPR + 0x30, %rsi
	mov	CTX_GPR + 0x38, %rdi
	mov	CTX_GPR + 0x40, %r8
	mov	CTX_GPR + 0x48, %r9
	mov	CTX_GPR + 0x50, %r10
	mov	CTX_GPR + 0x58, %r11
	mov	CTX_GPR + 0x60, %r12
	mov	CTX_GPR + 0x68, %r13
	mov	CTX_GPR + 0x70, %r14
	mov	CTX_GPR + 0x78, %r15
	.endm

	/* Keep what the case left in DS, ES, FS, GS; back to the host's. */
	.macro	host_segments
	movw	%ds, CTX_OUT_SEL + SEL_DS
	movw	%es, CTX_OUT_SEL + SEL_ES
	movw	%fs, CTX_OUT_SEL + SEL_FS
	movw	%gs, CTX_OUT_SEL + SEL_GS
	movw	CTX_HOST_SEL + SEL_DS, %ds
	movw	CTX_HOST_SEL + SEL_ES, %es
	cmpq	$0, CTX_HAVE_BASE
	je	1f
	rdfsbase %rax
	mov	%rax, CTX_OUT_FSBASE
	rdgsbase %rax
	mov	%rax, CTX_OUT_GSBASE
	movw	CTX_HOST_SEL + SEL_FS, %fs
	movw	CTX_HOST_SEL + SEL_GS, %gs
	mov	CTX_HOST_FS, %rax
	wrfsbase %rax
	mov	CTX_HOST_GS, %rax
	wrgsbase %rax
1:
	.endm

	.text

	/* void nat_enter64(void): 64-bit mode, the host's segments */
	.globl	nat_enter64
	.type	nat_enter64, @function
nat_enter64:
	save_callee
	cmpq	$0, CTX_HAVE_BASE
	je	1f
	mov	CTX_FSBASE, %rax
	mov	CTX_GSBASE, %rcx
	movq	$1, CTX_RUNNING
	wrfsbase %rax
	wrgsbase %rcx
1:	movq	$1, CTX_RUNNING
	pushq	CTX_FLAGS
	popfq
	load_gprs
	mov	CTX_GPR + 0x20, %rsp
	mov	CTX_GPR, %rax
	jmp	*CTX_TARGET
	.size	nat_enter64, . - nat_enter64

	/* void nat_enter_seg(void): any other mode, by its segments */
	.globl	nat_enter_seg
	.type	nat_enter_seg, @function
nat_enter_seg:
	save_callee
	movq	$1, CTX_RUNNING
	movw	CTX_SEL + SEL_DS, %ds
	movw	CTX_SEL + SEL_ES, %es
	cmpq	$0, CTX_HAVE_BASE
	je	1f
	movw	CTX_SEL + SEL_FS, %fs
	movw	CTX_SEL + SEL_GS, %gs
1:	pushq	CTX_FLAGS
	popfq
	load_gprs
	movw	CTX_SEL + SEL_SS, %ss
	mov	CTX_GPR + 0x20, %rsp
	mov	CTX_GPR, %rax
	ljmpl	*CTX_FAR
	.size	nat_enter_seg, . - nat_enter_seg

	/* The code at NAT_STUB: it names no place of its own. */
	.globl	nat_stub, nat_stub_end
nat_stub:
	mov	%rax, CTX_OUT + 0x00
	mov	%rcx, CTX_OUT + 0x08
	mov	%rdx, CTX_OUT + 0x10
	mov	%rbx, CTX_OUT + 0x18
	mov	%rsp, CTX_OUT + 0x20
	mov	%rbp, CTX_OUT + 0x28
	mov	%rsi, CTX_OUT + 0x30
	mov	%rdi, CTX_OUT + 0x38
	mov	%r8, CTX_OUT + 0x40
	mov	%r9, CTX_OUT + 0x48
	mov	%r10, CTX_OUT + 0x50
	mov	%r11, CTX_OUT + 0x58
	mov	%r12, CTX_OUT + 0x60
	mov	%r13, CTX_OUT + 0x68
	mov	%r14, CTX_OUT + 0x70
	mov	%r15, CTX_OUT + 0x78
	mov	CTX_HOST_SP, %rsp
	pushfq
	popq	CTX_OUT_FLAGS
	pushq	$2
	popfq
	movw	%ss, CTX_OUT_SEL + SEL_SS
	movw	CTX_HOST_SEL + SEL_SS, %ss
	host_segments
	movq	$-1, CTX_OUT_TRAP
	leave_case
nat_stub_end:

	/*
	 * The signal handler. FS may have no TLS behind it, and DF, AC and the like
	 * may be set, until it has said otherwise.
	 */
	.globl	nat_signal
	.type	nat_signal, @function
nat_signal:
	pushq	$2
	popfq
	cmpq	$0, CTX_RUNNING
	je	2f
	movw	CTX_HOST_SEL + SEL_SS, %ss
	host_segments
2:	sub	$8, %rsp
	call	nat_caught
	leave_case
	.size	nat_signal, . - nat_signal

	.section .note.GNU-stack, "", @progbits
