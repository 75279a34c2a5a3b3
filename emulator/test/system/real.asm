; SPDX-License-Identifier: GPL-2.0
;
; Real mode. DS and ES are 4000h (VARS), SS 7000h.

RM
%define	R(x)	((x) - VARS)

PRINTLIB 16, si, dx

; Prints what happened; keeps nothing. Registers as they were are in v_*.
ev16:	pushf
	push	ds
	push	0x4000
	pop	ds
	cmp	byte [R(v_vec)], 0xff
	jne	.event
	pop	word [R(v_ds)]
	pop	word [R(v_fl)]
	mov	[R(v_ax)], eax
	call	save16
	call	norm16
	SAY	" ok"
	ret
.event:	add	sp, 4
	call	norm16
	SAY	" #"
	HEX	2, [R(v_vec)]
	SAY	"+"
	mov	eax, [R(v_ip)]
	sub	eax, [R(v_base)]
	mov	cl, 2
	call	hex16
	ret

save16:	mov	[R(v_cx)], ecx
	mov	[R(v_dx)], edx
	mov	[R(v_bx)], ebx
	mov	[R(v_bp)], ebp
	mov	[R(v_si)], esi
	mov	[R(v_di)], edi
	mov	[R(v_es)], es
	mov	[R(v_fs)], fs
	mov	[R(v_gs)], gs
	ret

norm16:	mov	ax, 0x4000
	mov	ds, ax
	mov	es, ax
	xor	ax, ax
	mov	fs, ax
	mov	gs, ax
	push	2
	popf
	ret

common16:				; vector, IP, CS, FLAGS
	push	ds
	push	0x4000
	pop	ds
	mov	[R(v_ax)], eax
	pop	word [R(v_ds)]
	pop	word [R(v_vec)]
	pop	word [R(v_ip)]
	mov	word [R(v_ip) + 2], 0
	pop	word [R(v_cs)]
	pop	word [R(v_fl)]
	mov	[R(v_hsp)], sp
	pushf
	pop	word [R(v_hfl)]
	call	save16
	mov	ax, 0x7000
	mov	ss, ax
	mov	sp, [R(v_rsp)]
	call	norm16
	jmp	[R(v_resume)]

stubs16:
%assign n 0
%rep 128
	push	word n
	jmp	near common16
%assign n n + 1
%endrep
STUB16	equ 5

RM
lgdt_abcd:
	dw	0xabcd
	dd	0x12345678
gdtr16:	dw	0xfff
	dd	GDT
ivtr:	dw	0x3ff
	dd	0
ivt_short:
	dw	0x21 * 4 - 1
	dd	0

; Descriptors for the way into protected mode and back.
gdt16:	dq	0
	dq	0x00cf9a000000ffff	; 08 code 32
	dq	0x00cf92000000ffff	; 10 data, 4 GiB
	dq	0x00009a030000ffff	; 18 code 16 at 30000
	dq	0x000092040000ffff	; 20 data 16 at 40000
	dq	0x000092070000ffff	; 28 stack 16 at 70000
gdtr_s:	dw	$ - gdt16 - 1
	dd	0x30000 + gdt16

; DS, ES, FS, GS with 4 GiB
unreal:	lgdt	[cs:gdtr_s]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	bx, 0x10
	mov	ds, bx
	and	al, 0xfe
	mov	cr0, eax
	push	0x4000
	pop	ds			; keeps the limit
	ret
rereal:	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	bx, 0x20
	mov	ds, bx
	and	al, 0xfe
	mov	cr0, eax
	mov	ax, 0x4000
	mov	ds, ax
	ret

%macro	ud16 1+				; a sequence of bytes or an instruction
	TRY	%1
%endmacro

real:	mov	ax, 0x4000
	mov	ds, ax
	mov	es, ax
	mov	ax, 0x7000
	mov	ss, ax
	mov	sp, STKRM
	xor	ax, ax
	mov	fs, ax
	xor	di, di			; vectors
	mov	eax, 0x30000000 + stubs16
	mov	cx, 128
.vec:	mov	[fs:di], eax
	add	ax, STUB16
	add	di, 4
	loop	.vec

	CASE	"real.int"
	push	0x0302			; IF, TF: both cleared by delivery
	GO
	popf
	int	0x21
	ENDGO
	SAY	" cs="
	HEX	4, [R(v_cs)]
	SAY	" fl="
	HEX	4, [R(v_fl)]
	SAY	" handler="
	HEX	4, [R(v_hfl)]
	SAY	" used="
	mov	ax, [R(v_rsp)]
	add	ax, 2
	sub	ax, [R(v_hsp)]
	movzx	eax, ax
	mov	cl, 4
	call	hex16
	END

	CASE	"real.int.popf-if"	; no TF
	push	0x0202
	GO
	popf
	int	0x21
	ENDGO
	SAY	" fl="
	HEX	4, [R(v_fl)]
	SAY	" handler="
	HEX	4, [R(v_hfl)]
	END
	mov	sp, STKRM

	CASE	"real.int.iret"		; through a handler that returns
	mov	word [fs:0x60 * 4], .iret
	mov	dword [R(v_t)], 0
	GO
	stc
	int	0x60
	mov	byte [R(v_t)], 1
	ENDGO
	SAY	" cf="
	mov	eax, [R(v_fl)]
	and	eax, 1
	mov	cl, 1
	call	hex16
	HEX	2, [R(v_t)]
	END
	jmp	.l1
.iret:	clc
	iret
.l1:
	CASE	"real.int3"
	TRY	int3
	END
	CASE	"real.icebp"
	TRY	db 0xf1
	END
	CASE	"real.into"
	GO
	mov	al, 0x7f
	add	al, 1
	into
	ENDGO
	TRY	into
	END
	CASE	"real.bound"
	mov	dword [R(v_t)], 0x00050003
	mov	cx, 2
	TRY	bound cx, [R(v_t)]
	mov	cx, 3
	TRY	bound cx, [R(v_t)]
	mov	cx, 5
	TRY	bound cx, [R(v_t)]
	mov	cx, 6
	TRY	bound cx, [R(v_t)]
	TRY	{db 0x62, 0xc0}
	END
	CASE	"real.div"
	GO
	xor	cx, cx
	div	cx
	ENDGO
	GO
	mov	ax, 0x8000
	cwd
	mov	cx, -1
	idiv	cx
	ENDGO
	TRY	aam 0
	END

	CASE	"real.step"		; one step trap after the NOP
	GO
	push	0x0102
	popf
	nop
	nop
	ENDGO
	END
	CASE	"real.step.int"		; none for INT itself
	GO
	push	0x0102
	popf
	int	0x22
	ENDGO
	SAY	" fl="
	HEX	4, [R(v_fl)]
	END
	CASE	"real.step.ss"		; none after MOV SS
	GO
	push	0x0102
	mov	ax, ss
	popf
	mov	ss, ax
	nop
	nop
	ENDGO
	END

	CASE	"real.limit.ds"
	TRY	mov al, [0xffff]
	TRY	mov ax, [0xffff]
	TRY	mov ax, [0xfffe]
	TRY	mov eax, [0xfffd]
	mov	ebx, 0x10000
	TRY	mov al, [ebx]
	mov	ebx, -1
	TRY	mov al, [ebx]
	TRY	mov [0xffff], ax
	END
	CASE	"real.limit.ss"
	mov	bp, -1
	TRY	mov ax, [bp]
	mov	bp, -1
	TRY	mov al, [bp]
	mov	ebp, 0x10000
	TRY	mov al, [ebp]
	mov	ebp, 0x10000
	TRY	mov al, [ds:ebp]
	END
	CASE	"real.limit.cs"
	mov	word [R(v_trap)], 0x61cd
	TRY	jmp dword 0x10000
	TRY	call dword 0x10000
	GO
	push	dword 0x10000
	o32 ret
	ENDGO
	GO
	push	dword 0
	push	dword 0x3000
	push	dword 0x10000
	iretd
	ENDGO
	mov	sp, STKRM
	END
	CASE	"real.limit.fetch"	; the instruction after the last byte
	mov	ax, 0x6000
	mov	ds, ax
	mov	byte [0xffff], 0x90
	mov	word [0], 0x60cd
	push	0x4000
	pop	ds
	mov	word [fs:0x60 * 4], stubs16 + 0x60 * STUB16
	TRY	jmp 0x6000:0xffff
	SAY	" cs="
	HEX	4, [R(v_cs)]
	SAY	" ip="
	HEX	4, [R(v_ip)]
	END
	CASE	"real.limit.fetch2"	; an instruction across the limit
	mov	ax, 0x6000
	mov	ds, ax
	mov	byte [0xffff], 0xcd
	mov	byte [0], 0x60
	push	0x4000
	pop	ds
	TRY	jmp 0x6000:0xffff
	SAY	" cs="
	HEX	4, [R(v_cs)]
	SAY	" ip="
	HEX	4, [R(v_ip)]
	END

	CASE	"real.stack.wrap"	; SP 0 is 10000h to a push
	GO
	mov	bp, sp
	xor	sp, sp
	push	0x1234
	pop	ax
	mov	dx, sp
	mov	sp, bp
	ENDGO
	SAY	" sp="
	HEX	4, [R(v_dx)]
	SAY	" ax="
	HEX	4, [R(v_ax)]
	END
	CASE	"real.stack.split"	; a word at FFFFh
	GO
	mov	sp, 0xffff
	pop	ax
	ENDGO
	GO
	mov	sp, 0xfffd
	pop	eax
	ENDGO
	mov	ax, 0x7fff		; for a CPU that reads it nevertheless
	mov	es, ax
	mov	word [es:15], .trap
	GO
	mov	sp, 0xffff
	ret
.trap:	int	0x62
	ENDGO
	SAY	" hsp="
	HEX	4, [R(v_hsp)]
	END
	CASE	"real.stack.popa"	; from FFF8h on, over the end
	GO
	mov	cx, sp
	mov	sp, 0xfff0
	popa
	mov	bp, sp
	mov	sp, STKRM
	ENDGO
	SAY	" sp="
	HEX	4, [R(v_bp)]
	END

	CASE	"real.string.wrap"
	mov	si, 0xffff
	TRY	lodsw
	mov	si, 0xfffe
	TRY	lodsw
	SAY	" si="
	HEX	4, [R(v_si)]
	mov	di, 0xffff
	TRY	stosw
	mov	si, 0xffff
	xor	di, di
	mov	cx, 2
	GO
	push	cs
	pop	ds
	mov	di, v_tmp - VARS
	rep	movsb
	ENDGO
	SAY	" si="
	HEX	4, [R(v_si)]
	SAY	" cx="
	HEX	4, [R(v_cx)]
	END
	CASE	"real.string.fault"	; REP stops at the word at FFFFh
	GO
	mov	si, 0xfffb
	mov	cx, 5
	rep	lodsw
	ENDGO
	SAY	" si="
	HEX	4, [R(v_si)]
	SAY	" cx="
	HEX	4, [R(v_cx)]
	END

	CASE	"real.unreal"		; limits outlive protected mode
	mov	ebx, 0x20000
	TRY	mov al, [ebx]
	call	unreal
	GO
	push	0x2000
	pop	ds
	mov	ebx, 0x10004
	mov	al, [ebx]
	mov	ah, 0x77
	ENDGO
	SAY	" "
	HEX	2, [R(v_ax) + 1]
	call	unreal
	call	rereal
	mov	ebx, 0x20000
	TRY	mov al, [ebx]
	END

	CASE	"real.lmsw"		; sets PE and cannot clear it
	lgdt	[cs:gdtr_s]
	mov	eax, cr0
	push	eax
	mov	dx, ax
	or	ax, 1
	lmsw	ax
	smsw	bx
	xor	ax, ax
	lmsw	ax
	smsw	cx
	pop	eax
	mov	cr0, eax
	smsw	dx
	push	dx
	push	cx
	push	bx
	and	ebx, 0xf
	mov	[R(v_t)], ebx
	and	ecx, 0xf
	mov	[R(v_t) + 4], ecx
	and	edx, 1
	mov	[R(v_t) + 8], edx
	add	sp, 6
	SAY	" "
	HEX	1, [R(v_t)]
	HEX	1, [R(v_t) + 4]
	HEX	1, [R(v_t) + 8]
	END

	CASE	"real.sgdt32"
	o32 lgdt [cs:lgdt_abcd]
	mov	dword [R(v_tmp)], -1
	mov	dword [R(v_tmp) + 4], -1
	TRY	o32 sgdt [R(v_tmp)]
	SAY	" "
	HEX	4, [R(v_tmp)]
	SAY	":"
	HEX	8, [R(v_tmp) + 2]
	HEX	4, [R(v_tmp) + 6]
	END
	CASE	"real.sgdt16"		; 16-bit operand, base of 32 bits
	mov	dword [R(v_tmp)], -1
	mov	dword [R(v_tmp) + 4], -1
	TRY	sgdt [R(v_tmp)]
	SAY	" "
	HEX	4, [R(v_tmp)]
	SAY	":"
	HEX	8, [R(v_tmp) + 2]
	HEX	4, [R(v_tmp) + 6]
	END
	CASE	"real.lgdt16"		; takes 24 bits
	lgdt	[cs:lgdt_abcd]
	o32 sgdt [R(v_tmp)]
	SAY	" "
	HEX	8, [R(v_tmp) + 2]
	END
	CASE	"real.sidt"
	mov	dword [R(v_tmp) + 4], -1
	o32 sidt [R(v_tmp)]
	SAY	" "
	HEX	4, [R(v_tmp)]
	SAY	":"
	HEX	8, [R(v_tmp) + 2]
	END
	CASE	"real.lgdt.reg"
	TRY	{db 0x0f, 0x01, 0xd7}	; LGDT and LIDT take memory only
	TRY	{db 0x0f, 0x01, 0xdf}
	END
	CASE	"real.idt.limit"
	lidt	[cs:ivt_short]
	TRY	int 0x20
	TRY	int 0x21
	TRY	int 0x7f
	lidt	[cs:ivtr]
	END

	CASE	"real.lock"
	TRY	{db 0xf0, 0x90}
	TRY	{db 0xf0, 0x01, 0xc0}	; add ax, ax
	TRY	{db 0xf0, 0x39, 0x06, 0, 0}	; cmp [0], ax
	TRY	{db 0xf0, 0x8b, 0x06, 0, 0}	; mov ax, [0]
	TRY	{db 0xf0, 0x03, 0x06, 0, 0}	; add ax, [0]
	TRY	{db 0xf0, 0x0f, 0xa3, 0x06, 0, 0}	; bt [0], ax
	TRY	{db 0xf0, 0x0f, 0xba, 0x26, 0, 0, 1}	; bt [0], 1
	TRY	{db 0xf0, 0xff, 0x36, 0, 0}	; push [0]
	TRY	{db 0xf0, 0xf6, 0x06, 0, 0, 1}	; test [0], 1
	TRY	{db 0xf0, 0xa4}
	TRY	{db 0xf0, 0xcd, 0x20}
	END
	CASE	"real.lock.ok"
	TRY	lock inc dword [R(v_t)]
	TRY	lock xchg [R(v_t)], ax
	TRY	lock bts word [R(v_t)], 3
	TRY	lock not byte [R(v_t)]
	TRY	lock xadd [R(v_t)], cx
	TRY	lock cmpxchg [R(v_t)], cx
	TRY	lock cmpxchg8b [R(v_t)]
	TRY	lock sbb byte [R(v_t)], 1
	END
	CASE	"real.length"		; 15 bytes, then 16
	GO
	times	14 db 0x3e
	nop
	ENDGO
	GO
	times	15 db 0x3e
	nop
	ENDGO
	GO
	times	11 db 0x3e
	db	0x81, 0xc0, 0, 0	; add ax, 0
	ENDGO
	GO
	times	12 db 0x3e
	db	0x81, 0xc0, 0, 0
	ENDGO
	END

	CASE	"real.ud"
	TRY	{db 0x0f, 0x0b}
	TRY	{db 0x0f, 0xff, 0xc0}
	TRY	{db 0x0f, 0x04}
	TRY	{db 0x0f, 0x0a}
	TRY	{db 0x0f, 0x24, 0xc0}	; mov tr
	TRY	{db 0xff, 0xf8}		; group 5 /7
	TRY	{db 0xfe, 0xd0}		; group 4 /2
	TRY	{db 0x8e, 0xc8}		; mov cs, ax
	TRY	{db 0x8e, 0xf0}		; segment register 6
	TRY	{db 0x8c, 0xf8}
	TRY	{db 0xc4, 0xc0}		; les with a register
	TRY	{db 0x8d, 0xc0}		; lea with a register
	TRY	{db 0xff, 0xd8}		; call far with a register
	TRY	{db 0xff, 0xe8}
	TRY	{db 0x8f, 0xc8}		; pop /1
	TRY	{db 0xc6, 0xc8, 0}	; mov /1
	TRY	{db 0x0f, 0xc7, 0xc8}	; cmpxchg8b with a register
	TRY	{db 0x0f, 0xba, 0xc0, 0}
	END
	CASE	"real.ud.prot"		; not recognised in real mode
	TRY	sldt ax
	TRY	str ax
	TRY	lldt ax
	TRY	ltr ax
	TRY	verr ax
	TRY	verw ax
	TRY	lar ax, ax
	TRY	lsl ax, ax
	TRY	{db 0x63, 0xc0}		; arpl
	TRY	{db 0x0f, 0x34}		; sysenter: #GP
	TRY	{db 0x0f, 0x35}
	END

	CASE	"real.popf"		; every bit but TF
	GO
	push	word 0xfeff
	popf
	pushf
	pop	ax
	push	word 2
	popf
	pushf
	pop	dx
	ENDGO
	SAY	" "
	HEX	4, [R(v_ax)]
	SAY	" "
	HEX	4, [R(v_dx)]
	END
	CASE	"real.popfd"
	GO
	push	dword 0xfffffeff
	popfd
	pushfd
	pop	eax
	push	dword 2
	popfd
	pushfd
	pop	edx
	ENDGO
	SAY	" "
	HEX	8, [R(v_ax)]
	SAY	" "
	HEX	8, [R(v_dx)]
	END
	CASE	"real.iretd"		; VM, VIF, VIP stay
	GO
	push	dword 0x003ffeff - 0x20000
	push	dword 0x3000
	push	dword .back
	iretd
.back:	pushfd
	pop	eax
	ENDGO
	SAY	" "
	HEX	8, [R(v_ax)]
	END
	CASE	"real.iret16"		; the upper half stays
	GO
	push	dword 0x00040002
	popfd
	push	word 0x0002
	push	cs
	push	.back2
	iret
.back2:	pushfd
	pop	eax
	push	dword 2
	popfd
	ENDGO
	SAY	" "
	HEX	8, [R(v_ax)]
	END

	CASE	"real.enter"
%assign level 0
%rep 4
	GO
	mov	dx, sp
	mov	bp, STKRM - 0x100
	mov	dword [bp - 2], 0x11112222
	mov	dword [bp - 6], 0x33334444
	enter	8, level
	mov	cx, sp
	mov	ax, bp
	mov	di, [bp - 2]
	leave
	mov	sp, dx
	ENDGO
	SAY	" "
	mov	ax, [R(v_cx)]
	sub	ax, [R(v_rsp)]
	mov	cl, 4
	call	hex16
	SAY	","
	mov	ax, [R(v_ax)]
	sub	ax, [R(v_rsp)]
	mov	cl, 4
	call	hex16
	SAY	","
	HEX	4, [R(v_di)]
%assign level level + 1
%endrep
	END
	CASE	"real.far"
	GO
	mov	dx, sp
	push	0x5555
	push	0x6666
	call	0x3000:.retf
	mov	cx, sp
	mov	sp, dx
	sub	dx, cx
	ENDGO
	SAY	" "
	HEX	4, [R(v_dx)]
	SAY	" "
	HEX	4, [R(v_ax)]
	mov	word [R(v_t)], .retf
	mov	word [R(v_t) + 2], 0x3000
	GO
	mov	dx, sp
	push	0x5555
	push	0x6666
	call	far [R(v_t)]
	mov	cx, sp
	mov	sp, dx
	sub	dx, cx
	ENDGO
	SAY	" "
	HEX	4, [R(v_dx)]
	END
	jmp	.l2
.retf:	mov	bp, sp
	mov	ax, [bp + 2]		; the CS pushed
	retf	2
.l2:
	CASE	"real.cr"
	TRY	{db 0x0f, 0x20, 0xc8}	; mov eax, cr1
	TRY	{db 0x0f, 0x20, 0xe8}
	TRY	{db 0x0f, 0x20, 0xf8}
	TRY	{db 0x0f, 0x22, 0xc8}
	mov	eax, cr0
	or	eax, 0x20000000		; NW without CD
	and	eax, ~0x40000000
	TRY	mov cr0, eax
	END
	CASE	"real.dr"
	mov	eax, -1
	TRY	mov dr6, eax
	mov	eax, dr6
	mov	[R(v_t)], eax
	SAY	" "
	HEX	8, [R(v_t)]
	xor	eax, eax
	TRY	mov dr6, eax
	mov	eax, dr6
	mov	[R(v_t)], eax
	SAY	" "
	HEX	8, [R(v_t)]
	mov	eax, 0xffff0f00 & ~0x2000
	TRY	mov dr7, eax
	mov	eax, dr7
	mov	[R(v_t)], eax
	SAY	" "
	HEX	8, [R(v_t)]
	xor	eax, eax
	mov	dr7, eax
	END
	CASE	"real.hlt-off"		; CLI, STI at no privilege
	GO
	sti
	cli
	pushf
	pop	ax
	ENDGO
	SAY	" "
	HEX	4, [R(v_ax)]
	END

	jmp	dword enter_prot
