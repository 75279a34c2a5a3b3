; SPDX-License-Identifier: GPL-2.0
;
; Long mode: 64-bit and compatibility mode.

%define	PML4	0x58000
%define	LPDPT	0x5a000
%define	LPD	0x5b000
%define	LPT	0x5c000
%define	HIGH	0xffff800000000000	; the same memory again
%define	EFER	0xc0000080

LM
PRINTLIB 64, rsi, edx

go64:	push	rax
	push	rdx
	mov	rax, [rsp + 16]
	mov	edx, [rax]
	mov	[v_resume], rdx
	lea	rax, [rax + 4]
	mov	[v_base], rax
	mov	[rsp + 16], rax
	mov	dword [v_vec], 0xff
	lea	rax, [rsp + 24]
	mov	[v_rsp], rax
	pop	rdx
	pop	rax
	ret

ev64:	cmp	dword [v_vec], 0xff
	jne	.event
	mov	[v_ax], rax
	pushfq
	pop	qword [v_fl]
	pop	qword [v_tmp]
	call	save64
	mov	eax, K_DATA
	mov	ss, eax
	mov	rsp, [v_rsp]
	push	qword [v_tmp]
	call	norm64
.ok:	SAY	" ok"
	ret
.event:	call	norm64
	cmp	dword [v_vec], 0x80
	je	.ok
	SAY	" #"
	HEX	2, [v_vec]
	mov	eax, [v_vec]
	cmp	eax, 32
	jae	.off
	bt	dword [with_error], eax
	jnc	.off
	SAY	"("
	HEX	4, [v_err]
	SAY	")"
	cmp	byte [v_vec], 14
	jne	.off
	SAY	"@"
	HEX	8, [v_cr2 + 4]
	HEX	8, [v_cr2]
.off:	SAY	"+"
	mov	rax, [v_ip]
	sub	rax, [v_base]
	mov	cl, 2
	cmp	rax, 0x100
	jb	.near
	SAY	"far"
	ret
.near:	jmp	hex64

save64:	mov	[v_cx], rcx
	mov	[v_dx], rdx
	mov	[v_bx], rbx
	mov	[v_bp], rbp
	mov	[v_si], rsi
	mov	[v_di], rdi
	mov	[v_r8], r8
	mov	[v_r11], r11
	mov	[v_ds], ds
	mov	[v_es], es
	mov	[v_fs], fs
	mov	[v_gs], gs
	mov	rax, cr2
	mov	[v_cr2], rax
	ret

norm64:	mov	eax, K_DATA
	mov	ds, eax
	mov	es, eax
	push	2
	popfq
	ret

common64:				; vector, error code, RIP, CS, RFLAGS, RSP, SS
	mov	[v_ax], rax
	pop	qword [v_vec]
	pop	qword [v_err]
	mov	[v_hsp], rsp
	mov	rax, [rsp]
	mov	[v_ip], rax
	mov	rax, [rsp + 8]
	mov	[v_cs], rax
	mov	rax, [rsp + 16]
	mov	[v_fl], rax
	mov	rax, [rsp + 24]
	mov	[v_sp], rax
	mov	rax, [rsp + 32]
	mov	[v_ss], rax
	mov	qword [v_hss], 0
	mov	[v_hss], ss
	pushfq
	pop	qword [v_hfl]
	call	save64
resume64:
	mov	eax, K_DATA
	mov	ss, eax
	mov	rsp, [v_rsp]
	call	norm64
	jmp	[v_resume]

stubs64:
%assign n 0
%rep 32
%if n = 8 || n = 10 || n = 11 || n = 12 || n = 13 || n = 14 || n = 17 || n = 21
	push	strict dword n
	times	2 nop
%else
	push	byte 0
	push	strict dword n
%endif
	jmp	near common64
%assign n n + 1
%endrep
stub64_40:
	push	byte 0
	push	0x40
	jmp	near common64
stub64_80:
	push	byte 0
	push	strict dword 0x80
	jmp	near common64

%macro	GATE64 4			; vector, access, selector, offset
	mov	rax, %4
	mov	[IDT64 + (%1) * 16], ax
	mov	word [IDT64 + (%1) * 16 + 2], %3
	mov	word [IDT64 + (%1) * 16 + 4], (%2) << 8
	shr	rax, 16
	mov	[IDT64 + (%1) * 16 + 6], ax
	shr	rax, 16
	mov	[IDT64 + (%1) * 16 + 8], rax
%endmacro
%macro	CALLGATE64 3			; access, selector, offset
	mov	rax, %3
	mov	[GDT + G0], ax
	mov	word [GDT + G0 + 2], %2
	mov	word [GDT + G0 + 4], (%1) << 8
	shr	rax, 16
	mov	[GDT + G0 + 6], ax
	shr	rax, 16
	mov	[GDT + G0 + 8], rax
%endmacro

idt64:	mov	edi, IDT64
	xor	eax, eax
	mov	ecx, 0x1000 / 4
	rep	stosd
	mov	edi, IDT64
	mov	eax, stubs64
	mov	ecx, 32
.next:	mov	[rdi], ax
	mov	word [rdi + 2], L_CODE
	mov	word [rdi + 4], 0x8e00
	mov	edx, eax
	shr	edx, 16
	mov	[rdi + 6], dx
	add	edi, 16
	add	eax, STUB32
	loop	.next
	GATE64	0x40, 0xee, L_CODE, stub64_40
	GATE64	0x80, 0xee, L_CODE, stub64_80
	ret

; ring 3: U64 ... ENDU64; compatibility mode: U32, C32 (ring 0) ... END32
%macro	ENTER64 2
	%push	user
	mov	ecx, %1
	mov	edx, %2
	call	enter64
	dd	%$end
%endmacro
%macro	U64 0
	ENTER64	L_UCODE, L_UDATA
%endmacro
%macro	U32 0
	ENTER64	L_U32, L_UDATA
	bits	32
%endmacro
%macro	C32 0
	ENTER64	K_CODE, K_DATA
	bits	32
%endmacro
%macro	ENDU64 0
	int	0x80
	bits	64
%$end:	call	ev64
	%pop
%endmacro
%macro	END32 0
	ENDU64
%endmacro
%macro	TRYU64 1+
	U64
	%1
	ENDU64
%endmacro
%macro	TRYU32 1+
	U32
	%1
	END32
%endmacro
%macro	TRYC32 1+
	C32
	%1
	END32
%endmacro

enter64:
	pop	rax
	mov	ebx, [rax]
	mov	[v_resume], rbx
	add	rax, 4
	mov	[v_base], rax
	mov	dword [v_vec], 0xff
	mov	[v_rsp], rsp
	push	rdx
	push	STK3
	cmp	ecx, K_CODE
	jne	.user
	mov	qword [rsp], STKDF
.user:	push	qword [v_ufl]
	push	rcx
	push	rax
	mov	ds, edx
	mov	es, edx
	iretq

%macro	Q 2				; label, quadword in memory
	SAY	%1
	HEX	8, [%2 + 4]
	HEX	8, [%2]
%endmacro

%macro	WRMSR 2				; number, value
	mov	rax, %2
	mov	rdx, rax
	shr	rdx, 32
	mov	ecx, %1
	wrmsr
%endmacro

PM
longmode:
	call	tables
	mov	edi, PML4
	xor	eax, eax
	mov	ecx, 0x1000 / 4
	rep	stosd
	mov	edi, LPDPT
	mov	ecx, 0x3000 / 4
	rep	stosd
	mov	dword [PML4], LPDPT | 7
	mov	dword [PML4 + 256 * 8], LPDPT | 7
	mov	dword [LPDPT], LPD | 7
	mov	dword [LPD], 0x87
	mov	dword [LPD + 8], 0x200087
	mov	dword [LPD + 16], LPT | 7
	mov	dword [LPT], SCRATCH | 7

	CASE	"long.enter"		; PG with LME but without PAE
	mov	eax, PML4
	mov	cr3, eax
	mov	ecx, EFER
	mov	eax, 0x100
	xor	edx, edx
	wrmsr
	mov	eax, cr0
	or	eax, 0x80000000
	TRY	mov cr0, eax
	CR4	0, 0x20
	CR0	0, PG
	mov	ecx, EFER
	rdmsr
	mov	[v_t], eax
	D	" efer=", [v_t]
	END
	jmp	L_CODE:.go
LM
.go:	mov	eax, K_DATA
	mov	ss, eax
	mov	esp, STK0
	call	idt64
	mov	word [v_tmp], 0xfff
	mov	qword [v_tmp + 2], IDT64
	lidt	[v_tmp]
	mov	qword [TSS + 4], STK0 - 0x800
	mov	qword [TSS + 12], STK1
	mov	qword [TSS + 0x24], STKDF	; IST1
	mov	byte [GDT + L_TSS + 5], 0x89
	mov	eax, L_TSS
	ltr	ax
	mov	qword [v_ufl], 2

	CASE	"long.frame"		; same level: SS:RSP too, on a stack aligned to 16
	GO
	sub	rsp, 5
	mov	rdi, rsp
	ud2
	ENDGO
	WD	" cs=", [v_cs]
	WD	" ss=", [v_ss]
	SAY	" "
	mov	rax, [v_di]
	sub	rax, [v_sp]
	mov	cl, 2
	call	hex64
	mov	eax, [v_hsp]
	and	eax, 15
	mov	[v_t], eax
	SAY	" align="
	HEX	1, [v_t]
	D	" fl=", [v_hfl]
	WD	" now ss=", [v_hss]
	END
	CASE	"long.user"
	TRYU64	ud2
	WD	" cs=", [v_cs]
	WD	" ss=", [v_ss]
	D	" sp=", [v_sp]
	D	" hsp=", [v_hsp]
	WD	" now ss=", [v_hss]
	END
	CASE	"long.ist"
	mov	byte [IDT64 + 6 * 16 + 4], 1
	TRY	ud2
	D	" hsp=", [v_hsp]
	TRYU64	ud2
	D	" hsp=", [v_hsp]
	mov	byte [IDT64 + 6 * 16 + 4], 0
	END
	CASE	"long.ist.bad"		; not canonical: #SS in delivery
	mov	rax, 0x800000001000
	mov	[TSS + 0x2c], rax
	mov	byte [IDT64 + 6 * 16 + 4], 2
	TRY	ud2
	mov	byte [IDT64 + 6 * 16 + 4], 0
	mov	rax, 0x800000001000
	mov	[TSS + 4], rax
	mov	byte [IDT64 + 12 * 16 + 4], 1
	TRYU64	int 0x40
	mov	qword [TSS + 4], STK0 - 0x800
	mov	byte [IDT64 + 12 * 16 + 4], 0
	END
	CASE	"long.ist.limit"	; IST7 beyond the TSS; #TS with its selector
	mov	word [GDT + L_TSS], 0x5a
	mov	byte [GDT + L_TSS + 5], 0x89
	mov	eax, L_TSS
	ltr	ax
	mov	byte [IDT64 + 6 * 16 + 4], 7
	TRY	ud2
	mov	byte [IDT64 + 6 * 16 + 4], 0
	mov	word [GDT + L_TSS], 0x2068
	mov	byte [GDT + L_TSS + 5], 0x89
	mov	eax, L_TSS
	ltr	ax
	END
	CASE	"long.conforming"	; a conforming handler keeps the CPL
	mov	dword [GDT + T0], 0x0000ffff
	mov	dword [GDT + T0 + 4], 0x00af9f00
	GATE64	0x40, 0xee, T0, .confh
	mov	ebx, 0
	U64
	int	0x40
.confh:	mov	ebx, cs
	mov	rcx, rsp
	ENDU64
	WD	" ", [v_bx]
	D	" ", [v_cx]
	GATE64	0x40, 0xee, L_CODE, stub64_40
	END
	CASE	"long.gates"		; of other types; L=0 targets
	GATE64	0x40, 0xe6, L_CODE, stub64_40
	TRY	int 0x40
	GATE64	0x40, 0xe5, L_TSS, stub64_40
	TRY	int 0x40
	GATE64	0x40, 0xec, L_CODE, stub64_40
	TRY	int 0x40
	GATE64	0x40, 0xee, K_CODE, stub64_40
	TRY	int 0x40
	GATE64	0x40, 0xee, 0, stub64_40
	TRY	int 0x40
	GATE64	0x40, 0x6e, L_CODE, stub64_40
	TRY	int 0x40
	GATE64	0x40, 0x8e, L_CODE, stub64_40
	TRYU64	int 0x40
	GATE64	0x40, 0xee, L_UCODE, stub64_40
	TRY	int 0x40
	GATE64	0x40, 0xef, L_CODE, stub64_40
	TRY	int 0x40
	TRY	int 0xff
	mov	rax, 0x800000000000
	GATE64	0x40, 0xee, L_CODE, rax
	TRY	int 0x40
	GATE64	0x40, 0xee, L_CODE, stub64_40
	END

	CASE	"long.zero"		; 32-bit results clear the upper half, others keep it
	GO
	mov	rax, -1
	mov	rbx, rax
	mov	rcx, rax
	mov	rdx, rax
	mov	rsi, rax
	mov	rdi, rax
	mov	rbp, rax
	mov	r8, rax
	mov	eax, eax
	mov	bx, 1
	add	ecx, 1
	mov	dl, 0
	stc
	cmovnc	esi, ebx
	xor	rdi, 1
	lea	ebp, [rax]
	mov	r8d, -1
	nop
	ENDGO
	Q	" ", v_ax
	Q	" ", v_bx
	Q	" ", v_cx
	Q	" ", v_dx
	Q	" ", v_si
	Q	" ", v_di
	Q	" ", v_bp
	Q	" ", v_r8
	END
	CASE	"long.imm"		; sign extension, RIP-relative, MOVSXD, PUSH
	GO
	mov	rax, -2
	push	-5
	pop	rbx
	movsxd	rcx, eax
	lea	rdx, [rel .here]
.here:	sub	rdx, .here
	mov	rsi, 0x123456789abcdef0
	bswap	rsi
	push	word 0x7777
	pop	di
	movzx	edi, di
	mov	ebp, ebp
	xchg	r8, r8
	mov	r8, rsp
	push	fs
	sub	r8, rsp
	pop	fs
	ENDGO
	Q	" ", v_bx
	Q	" ", v_cx
	Q	" ", v_dx
	Q	" ", v_si
	D	" ", [v_di]
	D	" ", [v_r8]
	END
	CASE	"long.addr32"		; a 32-bit address is zero-extended
	mov	dword [SCRATCH + 0x20], 0x5a5aa5a5
	mov	rbx, 0xffffffff00000000 + SCRATCH
	GO
	mov	eax, [ebx + 0x20]
	lea	rcx, [ebx - SCRATCH - 1]
	ENDGO
	D	" ", [v_ax]
	Q	" ", v_cx
	END
	CASE	"long.ud"		; gone in 64-bit mode
%macro	UD64 1-*
%rep %0
	GO
	db	%1, 0xc0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90
	ENDGO
%rotate 1
%endrep
%endmacro
	UD64	0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f
	UD64	0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea
	END
	CASE	"long.canonical"
	mov	rbx, 0x800000000000
	TRY	mov al, [rbx]
	mov	rbp, 0x800000000000
	TRY	mov al, [rbp]
	mov	rbp, 0x800000000000
	TRY	{db 0x3e, 0x8a, 0x45, 0x00}	; mov al, [ds:rbp]
	mov	rbx, 0x7fffffffffff
	TRY	mov ax, [rbx]
	mov	rbx, 0xffff7fffffffffff
	TRY	mov [rbx], al
	mov	rbx, 0x800000000000
	TRY	jmp rbx
	mov	rbx, 0x800000000000
	TRY	call rbx
	GO
	mov	rax, 0x800000000000
	push	rax
	ret
	ENDGO
	mov	byte [IDT64 + 12 * 16 + 4], 1
	mov	byte [IDT64 + 13 * 16 + 4], 1	; for QEMU
	GO
	mov	rsp, 0x800000000000
	pop	rax
	ENDGO
	GO
	mov	rsp, 0x800000001008
	push	rax
	ENDGO
	mov	byte [IDT64 + 12 * 16 + 4], 0
	mov	byte [IDT64 + 13 * 16 + 4], 0
	mov	rbx, 0x800000000000
	TRY	invlpg [rbx]
	mov	rbx, 0x800000000000
	TRY	lea rax, [rbx]
	mov	rbx, 0x800000000000
	TRY	prefetchnta [rbx]
	mov	rbx, 0x7ffffffffff8
	TRY	movsq
	END
	CASE	"long.iretq"
	GO
	push	K_DATA
	push	STK0 - 0x100
	push	2
	push	L_CODE
	mov	rax, 0x800000000000
	push	rax
	iretq
	ENDGO
	GO				; to ring 3 with a null SS: not allowed
	push	0
	push	STK3
	push	2
	push	L_UCODE
	push	.iq
	iretq
.iq:	int	0x80
	ENDGO
	GO				; to ring 0 with one: allowed
	push	0
	push	STKDF
	push	2
	push	L_CODE
	push	.iz
	iretq
.iz:	mov	ebx, ss
	int	0x80
	ENDGO
	WD	" ss=", [v_bx]
	GO				; to compatibility mode with a null SS
	push	0
	push	STKDF
	push	2
	push	K_CODE
	push	.iq
	iretq
	ENDGO
	GO				; NT
	push	0x4002
	popfq
	iretq
	ENDGO
	GO				; L and D both set
	mov	dword [GDT + T0], 0x0000ffff
	mov	dword [GDT + T0 + 4], 0x00ef9b00
	push	K_DATA
	push	STKDF
	push	2
	push	T0
	push	.iq
	iretq
	ENDGO
	END
	CASE	"long.seg"		; null selectors; limits and types are not looked at
	GO
	xor	eax, eax
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	al, [SCRATCH]
	mov	ax, [rsp]
	ENDGO
	U64
	xor	eax, eax
	mov	ds, eax
	mov	bl, [SCRATCH]
	mov	ss, eax
	ENDU64
	U64
	mov	eax, 3
	mov	ss, eax
	ENDU64
	mov	dword [GDT + T0], 0x00000000	; read-only, limit 0
	mov	dword [GDT + T0 + 4], 0x0000f000
	U64
	mov	eax, T0 | 3
	mov	ds, eax
	mov	[SCRATCH + 0x100], al
	db	0x2e
	mov	[SCRATCH + 0x100], al
	ENDU64
	END
	CASE	"long.fs"		; base from a descriptor and from MSRs
	mov	dword [GDT + T0], (SCRATCH << 16 & 0xffff0000)
	mov	dword [GDT + T0 + 4], 0x0000f300 | SCRATCH >> 16
	mov	dword [SCRATCH + 0x30], 0xabcdef01
	GO
	mov	eax, T0
	mov	fs, eax
	mov	ebx, [fs:0x30]
	mov	ecx, 0xc0000100
	rdmsr
	ENDGO
	D	" ", [v_bx]
	D	" ", [v_ax]
	mov	rax, HIGH + SCRATCH
	WRMSR	0xc0000100, rax
	GO
	mov	ebx, [fs:0x30]
	mov	ecx, 0xc0000100
	rdmsr
	ENDGO
	D	" ", [v_bx]
	D	" ", [v_dx]
	mov	rax, 0x800000000000
	mov	rdx, rax
	shr	rdx, 32
	mov	ecx, 0xc0000100
	TRY	wrmsr
	mov	rdx, 0x00008000
	mov	ecx, 0xc0000102
	TRY	wrmsr
	mov	rdx, 0x00008000
	mov	ecx, 0xc0000082
	TRY	wrmsr
	mov	rdx, 0x00008000
	mov	ecx, 0x176
	TRY	wrmsr
	mov	rax, 0x7fffffffffff
	WRMSR	0xc0000100, rax
	TRY	mov ax, [fs:0]
	TRY	mov al, [fs:1]
	END
	CASE	"long.fsgsbase"
	TRY	rdfsbase rax
	mov	rax, cr4
	or	eax, 0x10000
	mov	cr4, rax
	mov	rax, SCRATCH
	TRYU64	wrfsbase rax
	mov	rax, HIGH + SCRATCH
	TRY	wrgsbase rax
	GO
	rdgsbase rax
	mov	ebx, [gs:0x30]
	mov	rcx, -1
	rdfsbase ecx
	ENDGO
	Q	" ", v_ax
	D	" ", [v_bx]
	mov	rax, 0x800000000000
	TRY	wrfsbase rax
	C32
	db	0xf3, 0x0f, 0xae, 0xc0
	END32
	END
	CASE	"long.swapgs"
	mov	rax, SCRATCH
	WRMSR	0xc0000101, rax
	mov	rax, SCRATCH + 0x10
	WRMSR	0xc0000102, rax
	mov	dword [SCRATCH + 0x40], 0x77777777
	GO
	mov	eax, [gs:0x30]
	swapgs
	mov	ebx, [gs:0x30]
	ENDGO
	D	" ", [v_ax]
	D	" ", [v_bx]
	TRYU64	swapgs
	TRYC32	{db 0x0f, 0x01, 0xf8}
	END

	CASE	"long.syscall"
	TRYU64	syscall			; SCE is off
	WRMSR	EFER, 0x901
	mov	rax, 0x009b00a000000000
	WRMSR	0xc0000081, rax		; CS a0, SS a8; back to ab, b3 and 9b
	WRMSR	0xc0000082, .entry
	WRMSR	0xc0000084, 0x4700
	mov	qword [v_ufl], 0xad7
	U64
.at:	syscall
	ENDU64
	jmp	.sys1
.entry:	pushfq				; on the user's stack
	pop	qword [v_hfl]
	mov	qword [v_vec], 0x80
	mov	qword [v_hss], 0
	mov	[v_hss], ss
	mov	[v_cs], cs
	mov	[v_sp], rsp
	call	save64
	jmp	resume64
.sys1:	WD	" cs=", [v_cs]
	WD	" ss=", [v_hss]
	D	" sp=", [v_sp]
	SAY	" rcx=+"
	mov	rax, [v_cx]
	sub	rax, .at
	mov	cl, 2
	call	hex64
	D	" r11=", [v_r11]
	D	" fl=", [v_hfl]
	mov	qword [v_ufl], 2
	TRYU32	{db 0x0f, 0x05}		; from compatibility mode: Intel's is #UD
	TRY	syscall
	END
	CASE	"long.sysret"
	mov	dword [GDT + 0xa8], 0x0000ffff	; ab: data, b3: code 64, 9b: code 32
	mov	dword [GDT + 0xac], 0x00cff300
	mov	dword [GDT + 0x98], 0x0000ffff
	mov	dword [GDT + 0x9c], 0x00cffb00
	mov	ecx, .ret64
	mov	r11d, 0x3e6bd7 & ~0x100
	GO
	o64 sysret
.ret64:	mov	ebx, cs
	mov	esi, ss
	pushfq
	pop	rdi
	int	0x80
	ENDGO
	WD	" cs=", [v_bx]
	WD	" ss=", [v_si]
	D	" fl=", [v_di]
	mov	ecx, .ret32
	mov	r11d, 2
	GO
	sysret
	bits	32
.ret32:	mov	ebx, cs
	mov	esi, ss
	int	0x80
	bits	64
	ENDGO
	WD	" cs=", [v_bx]
	WD	" ss=", [v_si]
	mov	rcx, 0x800000000000
	TRY	o64 sysret
	TRYU64	sysret
	TRYC32	{db 0x0f, 0x07}
	END
	CASE	"long.syscall.tf"	; TF masked: no trap in ring 0
	mov	qword [v_ufl], 0x102
	TRYU64	syscall
	D	" r11=", [v_r11]
	mov	qword [v_ufl], 2
	END
	CASE	"long.syscall.tf2"	; not masked: a trap at the entry
	WRMSR	0xc0000084, 0x4600
	WRMSR	0xc0000082, .tfentry
	mov	qword [v_ufl], 0x102
	TRYU64	syscall
	SAY	" +"
	mov	rax, [v_ip]
	sub	rax, .tfentry
	mov	cl, 2
	call	hex64
	D	" fl=", [v_fl]
	WD	" cs=", [v_cs]
	mov	qword [v_ufl], 2
	mov	rax, dr6
	mov	[v_t], eax
	D	" dr6=", [v_t]
	mov	eax, 0xffff0ff0
	mov	dr6, rax
	jmp	.tfend
.tfentry:
	nop
	nop
	int	0x80
.tfend:	END
	CASE	"long.sysenter"
	WRMSR	0x174, L_CODE
	WRMSR	0x175, STK0 - 0x400
	WRMSR	0x176, .sysenter
	mov	qword [v_ufl], 0x202
	TRYU64	sysenter
	jmp	.sys2
.sysenter:
	mov	[v_cs], cs
	mov	[v_hss], ss
	mov	[v_sp], rsp
	pushfq
	pop	qword [v_hfl]
	mov	qword [v_vec], 0x80
	call	save64
	jmp	resume64
.sys2:	WD	" cs=", [v_cs]
	WD	" ss=", [v_hss]
	D	" sp=", [v_sp]
	D	" fl=", [v_hfl]
	TRYU32	sysenter
	WD	" cs=", [v_cs]
	mov	qword [v_ufl], 2
	mov	dword [GDT + 0xc0], 0x0000ffff	; a0 + 32: code 64, c8: data
	mov	dword [GDT + 0xc4], 0x00affb00
	mov	dword [GDT + 0xc8], 0x0000ffff
	mov	dword [GDT + 0xcc], 0x00cff300
	mov	edx, .exit64
	mov	ecx, STK3
	GO
	o64 sysexit
.exit64:
	mov	ebx, cs
	mov	esi, ss
	mov	rdi, rsp
	int	0x80
	ENDGO
	WD	" cs=", [v_bx]
	WD	" ss=", [v_si]
	mov	rdx, 0x800000000000
	TRY	o64 sysexit
	WRMSR	0x174, 0
	TRYU64	sysenter
	TRY	sysexit
	END

	CASE	"long.far"
	mov	dword [v_t], .f64
	mov	word [v_t + 4], L_CODE
	GO
	jmp	far dword [v_t]
.f64:	mov	ebx, cs
	ENDGO
	WD	" ", [v_bx]
	mov	dword [v_t], .f32
	mov	word [v_t + 4], K_CODE
	GO
	call	far dword [v_t]
	mov	ebx, cs
	int	0x80
	bits	32
.f32:	mov	ecx, cs
	mov	edx, [esp]
	inc	eax			; REX in 64-bit mode
	retf
	bits	64
	ENDGO
	WD	" ", [v_bx]
	WD	" ", [v_cx]
	GO
	push	L_CODE
	push	.rq
	o64 retf
.rq:	mov	ebx, 1
	ENDGO
	GO
	push	L_CODE
	mov	rax, 0x800000000000
	push	rax
	o64 retf
	ENDGO
	mov	qword [v_t], .m64
	mov	word [v_t + 8], L_CODE
	GO
	jmp	far qword [v_t]
.m64:	nop
	ENDGO
	mov	word [v_t + 4], K_DATA
	TRY	jmp far dword [v_t]
	mov	word [v_t + 4], 0
	TRY	jmp far dword [v_t]
	mov	word [v_t + 4], T2SS
	TRY	jmp far dword [v_t]	; no task switches
	mov	dword [GDT + T0 + 4], 0x00ef9b00	; L and D
	mov	dword [v_t], .ld
	mov	word [v_t + 4], T0
	GO
	call	far dword [v_t]
.ld:	int	0x80
	ENDGO
	END
	CASE	"long.callgate"
	CALLGATE64 0xec, L_CODE, .cg
	mov	word [v_t + 4], G0
	U64
	mov	rbx, rsp
	call	far dword [v_t]
	mov	rcx, rsp
	mov	edx, cs
	ENDU64
	WD	" cs=", [v_f]
	WD	" ss=", [v_f + 8]
	D	" sp=", [v_f + 16]
	WD	" oldcs=", [v_f + 24]
	D	" oldsp=", [v_f + 32]
	WD	" oldss=", [v_f + 40]
	WD	" ", [v_dx]
	D	" ", [v_cx]
	jmp	.cg1
.cg:	mov	qword [v_f], 0
	mov	[v_f], cs
	mov	qword [v_f + 8], 0
	mov	[v_f + 8], ss
	mov	[v_f + 16], rsp
	mov	rax, [rsp + 8]
	mov	[v_f + 24], rax
	mov	rax, [rsp + 16]
	mov	[v_f + 32], rax
	mov	rax, [rsp + 24]
	mov	[v_f + 40], rax
	o64 retf
.cg1:	CALLGATE64 0xec, K_CODE, .cg
	TRYU64	call far dword [v_t]	; not a 64-bit segment
	CALLGATE64 0xe4, L_CODE, .cg
	TRYU64	call far dword [v_t]	; a 286 gate
	CALLGATE64 0x8c, L_CODE, .cg
	TRYU64	call far dword [v_t]
	CALLGATE64 0xec, L_CODE, .cg
	mov	byte [GDT + G0 + 13], 1
	TRYU64	call far dword [v_t]	; type bits in the upper half
	CALLGATE64 0x6c, L_CODE, .cg
	TRYU64	call far dword [v_t]
	END
	CASE	"long.tables"		; LLDT, LTR with 16 bytes
	mov	qword [GDT + G0], 0
	mov	qword [GDT + G0 + 8], 0
	mov	dword [GDT + G0], 0x000000ff
	mov	dword [GDT + G0 + 4], 0x00008200
	mov	eax, G0
	TRY	lldt ax
	mov	byte [GDT + G0 + 13], 2
	mov	eax, G0
	TRY	lldt ax
	mov	byte [GDT + G0 + 13], 0
	mov	dword [GDT + G0 + 8], 0x8000	; a base that is not canonical
	mov	eax, G0
	TRY	lldt ax
	mov	dword [GDT + G0 + 8], 0
	mov	byte [GDT + G0 + 5], 0x89
	mov	eax, G0
	TRY	ltr ax
	B	" ", [GDT + G0 + 5]
	mov	eax, G0
	TRY	ltr ax
	mov	byte [GDT + G0 + 5], 0x81	; a 286 TSS
	mov	eax, G0
	TRY	ltr ax
	mov	byte [GDT + L_TSS + 5], 0x89
	mov	eax, L_TSS
	ltr	ax
	xor	eax, eax
	lldt	ax
	mov	word [SCRATCH], 0xff
	mov	rax, 0x800000000000
	mov	[SCRATCH + 2], rax
	mov	word [SCRATCH + 0x10], GDT_SIZE - 1
	mov	qword [SCRATCH + 0x12], GDT
	mov	word [SCRATCH + 0x20], 0xfff
	mov	qword [SCRATCH + 0x22], IDT64
	GO
	lgdt	[SCRATCH]
	lgdt	[SCRATCH + 0x10]	; where it was taken
	ENDGO
	GO
	lidt	[SCRATCH]
	lidt	[SCRATCH + 0x20]
	ENDGO
	mov	qword [SCRATCH], -1
	mov	qword [SCRATCH + 8], -1
	TRY	sgdt [SCRATCH]
	Q	" ", SCRATCH
	Q	" ", SCRATCH + 8
	END
	CASE	"long.lar"		; the types of long mode
	mov	byte [v_type], 0
.lar:	movzx	ecx, byte [v_type]
	or	ecx, 0x80
	shl	ecx, 8
	mov	[GDT + G0 + 4], ecx
	mov	dword [GDT + G0], 0xff
	mov	dword [GDT + G0 + 8], 0
	mov	dword [GDT + G0 + 12], 0
	mov	ecx, G0
	lar	ebx, ecx
	mov	al, '-'
	jnz	.nolar
	mov	al, 'a'
.nolar:	out	0xe9, al
	mov	ecx, G0
	lsl	ebx, ecx
	mov	al, '-'
	jnz	.nolsl
	mov	al, 'l'
.nolsl:	out	0xe9, al
	inc	byte [v_type]
	cmp	byte [v_type], 16
	jb	.lar
	END
	CASE	"long.cr.off"		; QEMU 7.2 takes all this, and goes astray
	cmp	byte [v_tcg], 0
	jne	.no_off
	mov	rax, cr0
	mov	rbx, rax
	and	eax, 0x7fffffff
	TRY	mov cr0, rax		; PG off in 64-bit mode
	mov	rax, cr4
	and	eax, ~0x20
	TRY	mov cr4, rax		; PAE off
	mov	ecx, EFER
	mov	eax, 0x801
	xor	edx, edx
	TRY	wrmsr			; LME off while paging
	mov	rax, 0x8000000000000000 + PML4
	TRY	mov cr3, rax
	mov	rax, 0x0010000000000000 + PML4
	TRY	mov cr3, rax
.no_off:
	END
	CASE	"long.cr"
	mov	rax, cr0
	bts	rax, 32
	TRY	mov cr0, rax
	mov	rax, -1
	TRY	mov dr7, rax
	mov	rax, 0x100000000
	TRY	mov dr6, rax
	mov	rax, HIGH
	TRY	mov dr0, rax
	xor	eax, eax
	mov	dr0, rax
	mov	dr7, rax
	END
	CASE	"long.cr8"
	GO
	mov	eax, 5
	mov	cr8, rax
	xor	eax, eax
	mov	rax, cr8
	ENDGO
	Q	" ", v_ax
	mov	eax, 16
	TRY	mov cr8, rax
	TRYU64	mov rax, cr8
	xor	eax, eax
	mov	cr8, rax
	C32
	db	0xf0, 0x0f, 0x20, 0xc0	; Intel has no LOCK MOV CR0 for CR8
	END32
	END
	CASE	"long.page"		; four levels
	mov	dword [SCRATCH], 0x80cd
	mov	rbx, HIGH + TEST
	TRY	mov eax, [rbx]
	D	" ", [v_ax]
	mov	rbx, HIGH + TEST + 0x1000
	TRY	mov eax, [rbx]
	U64
	mov	rbx, 0x4000000000
	mov	[rbx], al
	ENDU64
	mov	rbx, 0x12345678000
	TRY	mov [rbx], al
	mov	rbx, HIGH + 0x12345678000
	TRY	mov al, [rbx]
	END
	CASE	"long.nx"
	mov	dword [LPT + 4], 0x80000000
	mov	rax, cr3
	mov	cr3, rax
	TRY	jmp TEST
	TRYU64	jmp TEST
	TRYU64	mov al, [TEST]
	mov	dword [LPT + 4], 0
	mov	byte [PML4 + 256 * 8 + 7], 0x80
	mov	rax, cr3
	mov	cr3, rax
	mov	rbx, HIGH + TEST
	TRY	jmp rbx
	mov	rbx, HIGH + TEST
	TRY	mov al, [rbx]
	mov	byte [PML4 + 256 * 8], LPDPT & 0xff | 3
	mov	rax, cr3
	mov	cr3, rax
	U64
	mov	rbx, HIGH + TEST
	mov	al, [rbx]
	ENDU64
	mov	byte [PML4 + 256 * 8], LPDPT & 0xff | 0x87	; PS is reserved there
	mov	rax, cr3
	mov	cr3, rax
	mov	rbx, HIGH + TEST
	TRY	mov al, [rbx]
	mov	byte [PML4 + 256 * 8], LPDPT & 0xff | 7
	mov	byte [PML4 + 256 * 8 + 7], 0
	mov	dword [LPT + 4], 0x00080000	; bit 51
	mov	rax, cr3
	mov	cr3, rax
	TRY	mov al, [TEST]
	mov	dword [LPT + 4], 0
	mov	dword [LPD + 8], 0x202087	; bit 13 of a 2 MiB page
	mov	rax, cr3
	mov	cr3, rax
	TRY	mov al, [0x200000]
	mov	dword [LPD + 8], 0x200087
	mov	rax, cr3
	mov	cr3, rax
	END
	CASE	"long.invpcid"
	mov	qword [SCRATCH], 0
	mov	qword [SCRATCH + 8], 0
	mov	eax, 4
	TRY	invpcid rax, [SCRATCH]
	mov	eax, 2
	TRY	invpcid rax, [SCRATCH]
	mov	byte [SCRATCH], 1		; a PCID without CR4.PCIDE
	xor	eax, eax
	TRY	invpcid rax, [SCRATCH]
	mov	qword [SCRATCH], 0x1000
	mov	eax, 1
	TRY	invpcid rax, [SCRATCH]
	mov	qword [SCRATCH], 0
	mov	rax, 0x800000000000
	mov	[SCRATCH + 8], rax
	xor	eax, eax
	TRY	invpcid rax, [SCRATCH]
	TRYU64	invpcid rax, [SCRATCH]
	END
	CASE	"long.pat"		; reserved memory types
	mov	ecx, 0x277
	rdmsr
	mov	[v_t], eax
	mov	[v_t + 4], edx
	Q	" ", v_t
	mov	ecx, 0x277
	mov	eax, 2
	xor	edx, edx
	TRY	wrmsr
	mov	ecx, 0x277
	mov	eax, 0x08
	xor	edx, edx
	TRY	wrmsr
	mov	ecx, 0x277
	mov	eax, 0x07060504
	mov	edx, 0x00010405
	TRY	wrmsr
	mov	ecx, 0x277
	rdmsr
	mov	[v_t], eax
	mov	[v_t + 4], edx
	Q	" ", v_t
	END
	CASE	"long.compat"		; 32-bit code, ring 3 and ring 0
	U32
	mov	eax, -1
	inc	eax
	mov	ecx, cs
	mov	edx, ss
	arpl	cx, cx
	push	es
	pop	es
	pushad
	popad
	ud2
	END32
	WD	" cs=", [v_cs]
	WD	" ss=", [v_ss]
	D	" sp=", [v_sp]
	D	" hsp=", [v_hsp]
	TRYC32	ud2
	WD	" cs=", [v_cs]
	WD	" ss=", [v_ss]
	D	" sp=", [v_sp]
	END
	CASE	"long.compat.seg"	; limits and types count again
	mov	dword [GDT + T0], 0x00000fff
	mov	dword [GDT + T0 + 4], 0x0040f306
	U32
	mov	eax, T0 | 3
	mov	ds, eax
	mov	al, [0xfff]
	mov	al, [0x1000]
	END32
	U32
	xor	eax, eax
	mov	ds, eax
	mov	al, [0]
	END32
	U32
	mov	al, [cs:SCRATCH]
	mov	[cs:SCRATCH], al
	END32
	U32
	mov	eax, -1
	mov	al, [eax + 1 + SCRATCH]	; wraps at 4 GiB
	int	0x80
	END32
	U32
	db	0x0e			; push cs
	pop	eax
	daa
	aam
	db	0xce			; INTO
	END32
	END
	CASE	"long.compat.far"
	U32
	jmp	L_UCODE:.j64
	bits	64
.j64:	mov	rbx, -1
	ENDU64
	Q	" ", v_bx
	TRYU32	call GDT_SIZE:0
	TRYU32	call T2SS:0
	TRYU32	iretd
	END
	CASE	"long.compat.cr"	; PG can be cleared from there, PAE cannot
	cmp	byte [v_tcg], 0
	jne	.no_pae
	C32
	mov	eax, cr4
	and	eax, ~0x20
	mov	cr4, eax
	END32
.no_pae:
	END
	CASE	"long.int3"		; soft ones at ring 3
	TRYU64	int3
	mov	byte [IDT64 + 3 * 16 + 5], 0xee
	TRYU64	int3
	TRYU64	{db 0xf1}
	TRYU64	int 13
	TRYU64	cli
	TRYU64	hlt
	TRYU64	in al, 0
	END
	CASE	"long.step"
	mov	qword [v_ufl], 0x102
	TRYU64	nop
	D	" fl=", [v_fl]
	mov	qword [v_ufl], 2
	END
	CASE	"long.popfq"
	GO
	push	-0x101 - 0x20000
	popfq
	pushfq
	pop	rax
	push	2
	popfq
	ENDGO
	Q	" ", v_ax
	END
	CASE	"long.enter.leave"
	GO
	mov	rbp, rsp
	mov	rcx, rsp
	enter	16, 1
	mov	rax, rcx
	sub	rax, rsp
	mov	rbx, rcx
	sub	rbx, rbp
	leave
	ENDGO
	Q	" ", v_ax
	Q	" ", v_bx
	END

	; back to 32 bits, for the end
	mov	word [v_tmp], 0x7ff
	mov	qword [v_tmp + 2], IDT
	push	K_CODE
	push	.leave
	o64 retf
	bits	32
.leave:	CR0	PG, 0
	mov	ecx, EFER
	xor	eax, eax
	xor	edx, edx
	wrmsr
	mov	eax, K_DATA
	mov	ss, eax
	lidt	[idtr32]
	CASE	"long.left"
	mov	ecx, EFER
	rdmsr
	mov	[v_t], eax
	D	" efer=", [v_t]
	TRY	ud2
	END
	jmp	the_end
