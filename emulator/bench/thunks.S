/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where code built with the kernel's flags goes for an indirect branch: what the
 * kernel patches in on a CPU whose hardware protects it (THUNK_jmp), and the
 * retpoline that it uses on others (THUNK_retpoline).
 */
	.section .note.GNU-stack, "", @progbits
	.text

	.macro	thunk reg
	.globl	__x86_indirect_thunk_\reg
	.type	__x86_indirect_thunk_\reg, @function
	.balign	32
__x86_indirect_thunk_\reg:
#ifdef THUNK_retpoline
	call	2f
1:	pause
	lfence
	jmp	1b
	.balign	16
2:	mov	%\reg, (%rsp)
	ret
	int3
#elif defined(THUNK_jmp)
	jmp	*%\reg
	int3
#else
#error "which thunk?"
#endif
	.size	__x86_indirect_thunk_\reg, . - __x86_indirect_thunk_\reg
	.endm

	.irp	reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	thunk	\reg
	.endr

	.globl	__x86_return_thunk
	.type	__x86_return_thunk, @function
	.balign	32
__x86_return_thunk:
	ret
	int3
	.size	__x86_return_thunk, . - __x86_return_thunk
