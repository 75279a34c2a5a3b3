; SPDX-License-Identifier: GPL-2.0
;
; Protected mode: the harness, descriptors, segment registers. Flat segments; all of
; the cases start at CPL 0.

%define	K_CODE	0x08
%define	K_DATA	0x10
%define	U_CODE	0x1b
%define	U_DATA	0x23
%define	C16	0x28			; code 16 at 30000h
%define	D16	0x30			; data 16 at 40000h
%define	K_TSS	0x38
%define	K_LDT	0x40
%define	T0	0x48			; T0 to T3: for the cases
%define	T1	0x50
%define	T2	0x58
%define	T3	0x60
%define	CODE1	0x69			; ring 1
%define	DATA1	0x71
%define	CODE2	0x7a
%define	DATA2	0x82
%define	S16	0x88			; stack 16 at 70000h
%define	T2SS	0x90			; TSS 2, TSS 3
%define	T3SS	0x98
%define	L_CODE	0xa0			; long mode
%define	L_UDATA	0xab
%define	L_UCODE	0xb3
%define	L_U32	0xbb
%define	G0	0xc0			; 16 bytes each in long mode
%define	L_TSS	0xd0
%define	UC16	0xe3			; user code 16, at 30000h
%define	GDT_SIZE	0x100

PM
PRINTLIB 32, esi, edx

; The address to go on at follows the call. Keeps everything, flags too.
go32:	push	eax
	push	edx
	mov	eax, [esp + 8]
	mov	edx, [eax]
	mov	[v_resume], edx
	lea	eax, [eax + 4]
	mov	[v_base], eax
	mov	[esp + 8], eax
	mov	dword [v_vec], 0xff
	lea	eax, [esp + 12]
	mov	[v_rsp], eax
	pop	edx
	pop	eax
	ret
.inner:	push	eax			; likewise, for the caller's caller
	push	edx
	mov	eax, [esp + 12]
	mov	edx, [eax]
	mov	[v_resume], edx
	lea	eax, [eax + 4]
	mov	[v_base], eax
	mov	[esp + 12], eax
	mov	dword [v_vec], 0xff
	pop	edx
	pop	eax
	ret

; What happened. An INT 80h and nothing at all are "ok".
ev32:	pushfd
	cmp	dword [cs:v_vec], 0xff
	jne	.event
	push	ds
	push	K_DATA
	pop	ds
	mov	[v_ax], eax
	pop	dword [v_ds]
	pop	dword [v_fl]
	pop	dword [v_tmp]
	call	save32
	mov	eax, K_DATA
	mov	ss, eax
	mov	esp, [v_rsp]		; whatever was done to it
	push	dword [v_tmp]
	call	norm32
.ok:	SAY	" ok"
	ret
.event:	add	esp, 4
	call	norm32
	cmp	dword [v_vec], 0x80
	je	.ok
say_event32:
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
	cmp	byte [v_page], 0
	je	.exact
	and	word [v_cr2], 0xf000
.exact:	HEX	8, [v_cr2]
.off:	SAY	"+"
	mov	eax, [v_ip]
	sub	eax, [v_base]
	mov	cl, 2
	cmp	eax, 0x100
	jb	.near
	SAY	"far"
	ret
.near:	call	hex32
	ret

with_error:
	dd	0x00227d00		; 8, 10-14, 17, 21

save32:	mov	[v_cx], ecx
	mov	[v_dx], edx
	mov	[v_bx], ebx
	mov	[v_bp], ebp
	mov	[v_si], esi
	mov	[v_di], edi
	mov	[v_es], es
	mov	[v_fs], fs
	mov	[v_gs], gs
	mov	eax, cr2
	mov	[v_cr2], eax
	mov	eax, cr0
	mov	[v_cr0], eax
	str	[v_tr]
	ret

norm32:	mov	eax, K_DATA
	mov	ds, eax
	mov	es, eax
	mov	fs, eax
	mov	gs, eax
	push	2
	popfd
	ret

; vector, error code (or 0), EIP, CS, EFLAGS and more on the stack
common32:
	push	ds
	push	K_DATA
	pop	ds
	mov	[v_ax], eax
	pop	dword [v_ds]
	pop	dword [v_vec]
	pop	dword [v_err]
	mov	[v_hsp], esp
	mov	eax, [ss:esp]
	mov	[v_ip], eax
	mov	eax, [ss:esp + 4]
	mov	[v_cs], eax
	mov	eax, [ss:esp + 8]
	mov	[v_fl], eax
	pushfd
	pop	dword [v_hfl]
	mov	dword [v_hss], 0
	mov	[v_hss], ss
	test	dword [v_fl], 0x20000
	jnz	.outer
	test	byte [v_cs], 3
	jz	.same
.outer:	mov	eax, [ss:esp + 12]
	mov	[v_sp], eax
	mov	eax, [ss:esp + 16]
	mov	[v_ss], eax
	mov	eax, [ss:esp + 20]
	mov	[v_f], eax
	mov	eax, [ss:esp + 24]
	mov	[v_f + 4], eax
	mov	eax, [ss:esp + 28]
	mov	[v_f + 8], eax
	mov	eax, [ss:esp + 32]
	mov	[v_f + 12], eax
.same:	call	save32
	jmp	resume32

; Keeps what is on the stack as it is: for gates and tasks. EAX: vector.
raw32:	push	ds
	push	U_DATA			; of any CPL
	pop	ds
	pop	dword [v_ds]
	mov	[v_vec], eax
	mov	dword [v_hss], 0
	mov	[v_hss], ss
	mov	[v_hsp], esp
	pushfd
	pop	dword [v_hfl]
	push	eax
	mov	eax, [ss:esp + 4]
	mov	[v_f], eax
	mov	eax, [ss:esp + 8]
	mov	[v_f + 4], eax
	mov	eax, [ss:esp + 12]
	mov	[v_f + 8], eax
	mov	eax, [ss:esp + 16]
	mov	[v_f + 12], eax
	mov	eax, [ss:esp + 20]
	mov	[v_f + 16], eax
	mov	eax, [ss:esp + 24]
	mov	[v_f + 20], eax
	mov	eax, [ss:esp + 28]
	mov	[v_f + 24], eax
	mov	eax, [ss:esp + 32]
	mov	[v_f + 28], eax
	pop	eax
	mov	eax, cs
	test	al, 3
	jz	raw0
	int	0x83			; on to ring 0
raw0:	call	save32
resume32:
	mov	eax, K_DATA
	mov	ss, eax
	mov	esp, [v_rsp]
	call	norm32
	jmp	[v_resume]

stubs32:
%assign n 0
%rep 32
%if n = 8 || n = 10 || n = 11 || n = 12 || n = 13 || n = 14 || n = 17 || n = 21
	push	strict dword n
	times	2 nop
%else
	push	byte 0
	push	strict dword n
%endif
	jmp	near common32
%assign n n + 1
%endrep
%macro	STUB 1				; of a software interrupt
stub_%1:
	push	byte 0
	push	strict dword 0x%1
	jmp	near common32
%endmacro
STUB 40
STUB 80
STUB 81
STUB 82
STUB32	equ 12

; ---- ring 3: USER ... ENDUSER is a snippet that runs there

%macro	USER 0
	%push	user
	call	enter3
	dd	%$end
%endmacro

%macro	ENDUSER 0
	int	0x80
%$end:	call	ev32
	%pop
%endmacro

enter3:	call	go32.inner
	pop	dword [v_tmp]
	mov	[v_rsp], esp
	push	U_DATA
	push	STK3
	push	dword [v_ufl]
	push	U_CODE
	push	dword [v_tmp]
	push	U_DATA
	pop	ds
	push	U_DATA
	pop	es
	push	U_DATA
	pop	fs
	push	U_DATA
	pop	gs
	iretd

%macro	TRY3 1+
	USER
	%1
	ENDUSER
%endmacro

; EBX: descriptor's number; EDX:EAX
set_desc:
	mov	[GDT + ebx], eax
	mov	[GDT + ebx + 4], edx
	ret

%macro	DESC 3				; selector, high, low
	mov	dword [GDT + ((%1) & 0xfff8)], %3
	mov	dword [GDT + ((%1) & 0xfff8) + 4], %2
%endmacro

; access byte and flags: base 0, 4 GiB
%macro	FLAT 2
	DESC	%1, 0x00cf0000 | ((%2) << 8), 0x0000ffff
%endmacro

%macro	GATE 4				; address, type byte, selector, offset
	mov	eax, %4
	mov	[%1], ax
	mov	word [%1 + 2], %3
	mov	word [%1 + 4], (%2) << 8
	shr	eax, 16
	mov	[%1 + 6], ax
%endmacro

gdt_rom:
	dq	0
	dq	0x00cf9b000000ffff
	dq	0x00cf93000000ffff
	dq	0x00cffb000000ffff
	dq	0x00cff3000000ffff
	dq	0x00009b030000ffff	; C16
	dq	0x000093040000ffff	; D16
	dq	0x0000890440002068	; TSS: 64h bytes, bitmap of 8 KiB
	dq	0x00008204a00000ff	; LDT
	dq	0, 0, 0, 0		; T0 to T3
	dq	0x00cfbb000000ffff	; ring 1
	dq	0x00cfb3000000ffff
	dq	0x00cfdb000000ffff	; ring 2
	dq	0x00cfd3000000ffff
	dq	0x000093070000ffff	; S16
	dq	0x0000890480000067
	dq	0x0000890490000067
	dq	0x00af9b000000ffff	; long mode
	dq	0x00cff3000000ffff
	dq	0x00affb000000ffff
	dq	0x00cffb000000ffff
	dq	0, 0
	dq	0x0000890440002068, 0
	dq	0x0000fb030000ffff
	dq	0, 0, 0
gdtr32:	dw	GDT_SIZE - 1
	dd	GDT
idtr32:	dw	0x7ff
	dd	IDT

; GDT, IDT and TSS as they are to be; TR loaded. Keeps nothing.
tables:	mov	esi, gdt_rom
	mov	edi, GDT
	mov	ecx, GDT_SIZE / 4
	rep	movsd
	lgdt	[gdtr32]
	mov	edi, IDT
	xor	eax, eax
	mov	ecx, 0x800 / 4
	rep	stosd
	mov	edi, IDT
	mov	eax, stubs32
	mov	ecx, 32
.gate:	mov	[edi], ax
	mov	word [edi + 2], K_CODE
	mov	word [edi + 4], 0x8e00
	mov	edx, eax
	shr	edx, 16
	mov	[edi + 6], dx
	add	edi, 8
	add	eax, STUB32
	loop	.gate
	GATE	IDT + 0x40 * 8, 0x8e, K_CODE, stub_40
	GATE	IDT + 0x80 * 8, 0xee, K_CODE, stub_80
	GATE	IDT + 0x81 * 8, 0xee, K_CODE, stub_81
	GATE	IDT + 0x82 * 8, 0xee, K_CODE, stub_82
	GATE	IDT + 0x83 * 8, 0xee, K_CODE, raw0
	lidt	[idtr32]
	mov	edi, TSS
	xor	eax, eax
	mov	ecx, 0x2100 / 4
	rep	stosd
	mov	dword [TSS + 4], STK0 - 0x800
	mov	dword [TSS + 8], K_DATA
	mov	dword [TSS + 12], STK1
	mov	dword [TSS + 16], DATA1
	mov	dword [TSS + 20], STK2
	mov	dword [TSS + 24], DATA2
	mov	dword [TSS + 0x64], 0x680000
	mov	dword [TSS + 0x2068], 0xff
	mov	dword [v_ufl], 2
	mov	eax, K_TSS
	ltr	ax
	xor	eax, eax
	lldt	ax
	jmp	K_CODE:.ret
.ret:	mov	eax, K_DATA
	mov	ss, eax
	jmp	norm32

; ---- tables of 32 descriptor types, a letter for each

%if 0
An operation has the descriptor's selector in EAX. Its letter:
	0 to 3	it worked; the CPL then
	-	it said no (INT 81h)
	G N S T #GP #NP #SS #TS with the selector as error code; g n s t with 0
	!	another error code; *: not at the instruction itself; ?: another vector
After the colon: a letter for each type, * if the access byte was changed.
%endif

LANDING	equ landing - $$ + 0x20000
TGT_LOW	equ LANDING & 0xffff

landing:				; where far transfers lead
	int	0x80

%macro	OP 1				; the instruction at fault is at .at
op_%1.at_ptr:
	dd	op_%1.at
op_%1:
%endmacro

OP movds
.at:	mov	ds, ax
	int	0x80
OP movgs
.at:	mov	gs, ax
	int	0x80
OP popes
	push	eax
.at:	pop	es
	int	0x80
OP movss
	mov	ecx, ss
.at:	mov	ss, ax
	mov	ss, cx
	int	0x80
OP lfs
	push	eax
	push	eax
.at:	lfs	ebx, [esp]
	int	0x80
OP lss
	mov	ecx, ss
	mov	edx, esp
	push	eax
	push	esp
.at:	lss	esp, [esp]
	mov	ss, cx
	mov	esp, edx
	int	0x80
OP lar
	mov	ecx, 0x5a5a5a5a
.at:	lar	ecx, eax
	jnz	no
	and	ecx, ~0xf0000		; undefined
	int	0x80
no:	int	0x81
ok:	int	0x80
OP lsl
	mov	ecx, 0x5a5a5a5a
.at:	lsl	ecx, eax
	jz	ok
	int	0x81
OP verr
.at:	verr	ax
	jz	ok
	int	0x81
OP verw
.at:	verw	ax
	jz	ok
	int	0x81
OP lldt
.at:	lldt	ax
	int	0x80
OP ltr
.at:	ltr	ax
	int	0x80
OP jmpf
	push	eax
	push	landing
.at:	jmp	far [esp]
OP callf
	push	eax
	push	landing
.at:	call	far [esp]
OP retf
	push	U_DATA
	push	STK3
	push	eax
	push	landing
.at:	retf
OP iretd
	push	U_DATA
	push	STK3
	push	2
	push	eax
	push	landing
.at:	iretd
OP retfss				; to ring 3, with that SS
	push	eax
	push	STK3
	push	U_CODE
	push	landing
.at:	retf
OP iretdss
	push	eax
	push	STK3
	push	2
	push	U_CODE
	push	landing
.at:	iretd
OP int40
.at:	int	0x40
	int	0x80
OP callg
.at:	call	G0:0
	int	0x80
OP jmpg
.at:	jmp	G0:0
	int	0x80

; Build the descriptor of type v_type in EDX:EAX, for v_dpl, v_p.
build:	movzx	ecx, byte [v_type]
	mov	dh, cl
	mov	al, [v_dpl]
	shl	al, 5
	or	dh, al
	mov	al, [v_p]
	shl	al, 7
	or	dh, al
	movzx	edx, dx
	and	edx, 0xff00
	or	edx, 0x00cf0000
	mov	eax, 0xffff
	test	cl, 0x10
	jz	.system
	test	cl, 8
	jnz	.ret
	test	cl, 4
	jz	.ret
	and	edx, ~0xf0000		; expand-down: from 1000h on
	xor	eax, eax
.ret:	ret
.system:
	and	edx, 0xff00
	mov	eax, SCRATCH << 16 & 0xffff0000 | 0x20	; too short for a TSS
	or	edx, SCRATCH >> 16
	mov	ch, cl
	and	ch, 7
	cmp	ch, 4
	jb	.ret
	mov	eax, LANDING & 0xffff | K_CODE << 16
	and	edx, 0xff00
	or	edx, LANDING & 0xffff0000
	ret

; EAX: the operation; v_dpl, v_rpl, v_cpl, v_p; ESI: where the descriptor is put;
; v_expect: error code. A line of 32 letters.
tab32:	mov	[v_op], eax
	mov	[v_t], esi
	mov	dword [v_sum], 0
	mov	byte [v_type], 0
.next:	call	build
	mov	esi, [v_t]
	mov	[esi], eax
	mov	[esi + 4], edx
	mov	[v_t + 8], dh
	mov	dword [v_resume], .back
	mov	dword [v_vec], 0xff
	mov	[v_rsp], esp
	movzx	eax, byte [v_rpl]
	or	eax, [v_t + 4]
	cmp	byte [v_cpl], 0
	je	.cpl0
	push	U_DATA
	push	STK3
	push	2
	push	U_CODE
	push	dword [v_op]
	mov	ecx, U_DATA
	mov	ds, ecx
	mov	es, ecx
	iretd
.cpl0:	jmp	[v_op]
.back:	call	letter
	out	0xe9, al
	cmp	al, '0'
	jb	.said_no
	cmp	al, '3'
	ja	.said_no
	rol	dword [v_sum], 1
	mov	eax, [v_cx]
	xor	[v_sum], eax
.said_no:
	mov	esi, [v_t]
	mov	al, [esi + 5]
	cmp	al, [v_t + 8]
	mov	al, '.'
	je	.same
	mov	al, '*'
.same:	movzx	ecx, byte [v_type]
	mov	[v_buf + ecx], al
	inc	ecx
	mov	[v_type], cl
	cmp	cl, 32
	jb	.next
	mov	al, ':'
	out	0xe9, al
	mov	esi, v_buf
	mov	ecx, 32
	mov	dx, 0xe9
	rep	outsb
	ret

letter:	mov	eax, [v_vec]
	mov	edx, [v_op]
	cmp	eax, 0x80
	jne	.no
	mov	al, [v_cs]
	and	al, 3
	add	al, '0'
	ret
.no:	cmp	eax, 0x81
	mov	cl, '-'
	je	.ret
	mov	edx, [edx - 4]
	mov	cl, '*'
	cmp	edx, [v_ip]
	jne	.ret
	mov	cl, '?'
	cmp	eax, 0x1f
	ja	.ret
	mov	cl, [.names + eax]
	bt	dword [with_error], eax
	jnc	.ret
	mov	edx, [v_err]
	cmp	edx, [v_expect]
	je	.ret
	or	cl, 0x20
	test	edx, edx
	je	.ret
	mov	cl, '!'
.ret:	mov	al, cl
	ret
.names:	db	"EBI3OLUMDKTNSGP?FAXV????????????"

%macro	TAB 7-9 T0, GDT			; name, operation, cpl, dpl, rpl, p, error code, selector, table
	call	tab_line
	db	%1, " cpl", %3 + '0', " dpl", %4 + '0', " rpl", %5 + '0', " p", %6 + '0', ": ", 0
	db	%4, %5, %3, %6
	dd	%7, %8, (%9) + (%8), op_%2
%endmacro

tab_line:
	pop	esi
.next:	lodsb
	test	al, al
	jz	.end
	out	0xe9, al
	jmp	.next
.end:	lodsd
	mov	[v_dpl], eax		; v_rpl, v_cpl, v_p as well
	lodsd
	mov	[v_expect], eax
	lodsd
	mov	[v_t + 4], eax
	lodsd
	mov	ebx, eax
	lodsd
	push	esi
	mov	esi, ebx
	jmp	tab32

%macro	TABS 1				; the usual combinations
%defstr	TABNAME %1
%assign cpl 0
%rep 2
	TAB	{"seg.", TABNAME}, %1, cpl, 0, 0, 1, T0
	END
	TAB	{"seg.", TABNAME}, %1, cpl, 0, 3, 1, T0
	END
	TAB	{"seg.", TABNAME}, %1, cpl, 3, 0, 1, T0
	END
	TAB	{"seg.", TABNAME}, %1, cpl, 3, 3, 1, T0
	END
	TAB	{"seg.", TABNAME}, %1, cpl, cpl, cpl, 0, T0
	END
%assign cpl cpl + 3
%endrep
%endmacro

RM
rm_int82:				; beyond limits, for a CPU that does not look
	int	0x82
enter_prot:
	cli
	lgdt	[cs:gdtr16p]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword K_CODE:prot
gdtr16p:
	dw	GDT_SIZE - 1
	dd	gdt_rom
PM
prot:	mov	ax, K_DATA
	mov	ds, ax
	mov	ss, ax
	mov	es, ax
	mov	esp, STK0
	call	tables
	mov	word [TGT_LOW], 0x80cd
	mov	eax, 0x40000000
	cpuid
	cmp	ebx, "TCGT"
	sete	[v_tcg]

	CASE	"prot.ud2"
	TRY	ud2
	SAY	" cs="
	HEX	4, [v_cs]
	SAY	" fl="
	HEX	8, [v_fl]
	END
	CASE	"prot.user"
	USER
	mov	ebx, 0x12345678
	ud2
	ENDUSER
	SAY	" cs="
	HEX	4, [v_cs]
	SAY	" ss="
	HEX	4, [v_ss]
	SAY	" sp="
	HEX	8, [v_sp]
	SAY	" used="
	mov	eax, [TSS + 4]
	sub	eax, [v_hsp]
	mov	cl, 2
	call	hex32
	END

	TABS	movds
	TABS	movss
	TABS	movgs
	TABS	popes
	TABS	lfs
	TABS	lss
	TABS	lar
	TABS	lsl
	TABS	verr
	TABS	verw
	TAB	"seg.lldt", lldt, 0, 0, 0, 1, T0
	END
	TAB	"seg.lldt", lldt, 0, 3, 3, 1, T0
	END
	TAB	"seg.lldt", lldt, 0, 0, 0, 0, T0
	END
	TAB	"seg.lldt", lldt, 3, 0, 0, 1, T0
	END
	TAB	"seg.ltr", ltr, 0, 0, 0, 1, T0
	END
	call	tables
	TAB	"seg.ltr", ltr, 0, 3, 3, 1, T0
	END
	call	tables
	TAB	"seg.ltr", ltr, 0, 0, 0, 0, T0
	END
	call	tables
	TAB	"seg.ltr", ltr, 3, 0, 0, 1, T0
	END
	call	tables
	call	tables
	TABS	jmpf
	call	tables
	TABS	callf
	call	tables
	TABS	retf
	TABS	iretd
	TAB	"seg.retf.ss", retfss, 0, 3, 3, 1, T0
	END
	TAB	"seg.retf.ss", retfss, 0, 0, 3, 1, T0
	END
	TAB	"seg.retf.ss", retfss, 0, 3, 0, 1, T0
	END
	TAB	"seg.retf.ss", retfss, 0, 3, 3, 0, T0
	END
	TAB	"seg.iretd.ss", iretdss, 0, 3, 3, 1, T0
	END
	TAB	"seg.iretd.ss", iretdss, 0, 0, 3, 1, T0
	END
	TAB	"seg.iretd.ss", iretdss, 0, 3, 3, 0, T0
	END
	call	tables

	CASE	"seg.sum"		; what LAR and LSL return
	mov	byte [v_cpl], 0
	TAB	"lar", lar, 0, 3, 3, 1, T0
	SAY	" "
	HEX	8, [v_sum]
	TAB	" lsl", lsl, 0, 3, 3, 1, T0
	SAY	" "
	HEX	8, [v_sum]
	END

	CASE	"seg.null"		; each register and the instructions about segments
	xor	eax, eax
	TRY	mov ds, eax
	xor	eax, eax
	TRY	mov ss, eax
	mov	eax, 3
	TRY	mov es, eax
	xor	eax, eax
	TRY	lldt ax
	xor	eax, eax
	TRY	ltr ax
	call	tables			; a CPU may have taken it
	GO
	xor	eax, eax
	mov	fs, eax
	mov	al, [fs:0]
	ENDGO
	GO
	xor	eax, eax
	lar	ecx, eax
	verr	ax
	verw	ax
	lsl	ecx, eax
	ENDGO
	SAY	" zf="
	mov	eax, [v_fl]
	shr	eax, 6
	and	eax, 1
	mov	cl, 1
	call	hex32
	TRY	jmp 0:0
	TRY	jmp 3:0
	TRY	call 0:0
	END
	CASE	"seg.null3"
	xor	eax, eax
	USER
	xor	eax, eax
	mov	ss, eax
	ENDUSER
	END
	CASE	"seg.limit"		; beyond the table, in GDT and LDT
	mov	eax, GDT_SIZE
	TRY	mov ds, eax
	mov	eax, GDT_SIZE | 3
	TRY	mov ss, eax
	mov	eax, 4			; no LDT
	TRY	mov ds, eax
	TRY	lar ecx, eax
	TRY	jmp GDT_SIZE:0
	TRY	jmp 0xfffc:0
	mov	eax, K_LDT
	lldt	ax
	mov	dword [LDT], 0x0000ffff
	mov	dword [LDT + 4], 0x00cf9200
	mov	eax, 4
	TRY	mov ds, eax
	SAY	" "
	HEX	2, [LDT + 5]
	mov	eax, 0x104
	TRY	mov ds, eax
	mov	byte [GDT + K_LDT], 6	; limit 6
	mov	eax, K_LDT
	lldt	ax
	mov	eax, 4
	TRY	mov ds, eax
	mov	eax, 4
	TRY	lldt ax
	mov	eax, 4
	TRY	ltr ax
	call	tables
	END

	CASE	"seg.down16"		; expand-down, limit fffh, B=0
	DESC	T0, 0x00009606, 0x00000fff
	mov	eax, T0
	mov	fs, eax
	mov	edi, 0xfff
	TRY	mov al, [fs:edi]
	TRY	mov al, [fs:edi + 1]
	TRY	mov ax, [fs:edi]
	mov	edi, 0xffff
	TRY	mov al, [fs:0xffff]
	mov	eax, T0
	mov	fs, eax
	TRY	mov al, [fs:0xfff]
	mov	eax, T0
	mov	fs, eax
	TRY	mov al, [fs:0x1000]
	TRY	mov ax, [fs:0xffff]
	mov	eax, T0
	mov	fs, eax
	TRY	mov al, [fs:0x10000]
	mov	eax, T0
	mov	fs, eax
	TRY	mov eax, [fs:0xfffd]
	END
	CASE	"seg.down32"		; expand-down, B=1: up to 4 GiB
	DESC	T0, 0x00409606, 0x00000fff
%macro	FS 1
	mov	eax, T0
	mov	fs, eax
	TRY	mov al, [fs:%1]
%endmacro
%macro	FSW 1
	mov	eax, T0
	mov	fs, eax
	TRY	mov ax, [fs:%1]
%endmacro
	FS	0xfff
	FS	0x1000
	FS	0x10000
	FSW	0xfff
	FSW	0xffffffff
	END
	CASE	"seg.up"		; limit 1fffh, bytes and pages
	DESC	T0, 0x00409206, 0x00001fff
	FS	0x1fff
	FSW	0x1ffe
	FSW	0x1fff
	FS	0x2000
	FSW	0xffffffff
	DESC	T0, 0x00c09206, 0x00000001
	FS	0x1fff
	FSW	0x1fff
	FS	0x2000
	DESC	T0, 0x00c09206, 0x00000000
	FS	0xfff
	FS	0x1000
	END
	CASE	"seg.rights"		; read-only, execute-only, code
	FLAT	T0, 0x90
	mov	eax, T0
	mov	fs, eax
	TRY	mov [fs:SCRATCH], al
	mov	eax, T0
	mov	fs, eax
	TRY	xchg [fs:SCRATCH], al
	mov	eax, T0
	mov	fs, eax
	TRY	cmp [fs:SCRATCH], al
	FLAT	T0, 0x9a
	mov	eax, T0
	mov	fs, eax
	TRY	mov [fs:SCRATCH], al
	TRY	mov [cs:SCRATCH], al
	mov	dword [v_t], 0
	TRY	mov al, [cs:SCRATCH]
	FLAT	T0, 0x98
	GO
	jmp	T0:.x
.x:	mov	al, [cs:SCRATCH]
	ENDGO
	GO
	jmp	T0:.x2
.x2:	jmp	K_CODE:.x3
.x3:
	ENDGO
	END
	CASE	"seg.cslimit"		; jumps beyond
	DESC	T0, 0x00409b02, 0x0000fffe
	TRY	jmp T0:0x10000 + rm_int82
	GO
	jmp	T0:.y - 0x20000
.y:	jmp	rm_int82 + 0x30000
	ENDGO
	SAY	" cs="
	HEX	4, [v_cs]
	GO
	jmp	T0:.z - 0x20000
.z:	call	rm_int82 + 0x30000
	ENDGO
	SAY	" cs="
	HEX	4, [v_cs]
	GO
	push	T0
	push	0x10000 + rm_int82
	retf
	ENDGO
	END
	CASE	"seg.stack"		; limits of the stack: #SS(0)
	DESC	T0, 0x00409306, 0x00001fff
	GO
	mov	eax, T0
	mov	ss, eax
	mov	esp, 0x2000
	pop	eax
	ENDGO
	END
	CASE	"seg.lds"		; LDS, LES, LSS, LFS, LGS with an offset
	mov	dword [SCRATCH], 0x12345678
	mov	dword [SCRATCH + 4], U_DATA
	GO
	lds	eax, [SCRATCH]
	les	ebx, [SCRATCH]
	lgs	ecx, [SCRATCH]
	mov	edx, ds
	mov	esi, es
	o16 lfs	di, [SCRATCH + 2]
	ENDGO
	SAY	" "
	HEX	8, [v_ax]
	SAY	" "
	HEX	8, [v_bx]
	SAY	" "
	HEX	8, [v_cx]
	SAY	" "
	HEX	4, [v_dx]
	SAY	" "
	HEX	4, [v_si]
	mov	word [SCRATCH + 4], GDT_SIZE
	mov	ebx, 0x11111111
	TRY	les ebx, [SCRATCH]
	SAY	" "
	HEX	8, [v_bx]
	TRY	{db 0xc4, 0xc0}
	TRY	{db 0x0f, 0xb2, 0xc0}
	END
	CASE	"seg.ret16"		; 16-bit far return beyond the limit, and within
	DESC	T0, 0x00409b06, 0x000000ff
	mov	word [SCRATCH + 0x200], 0x82cd
	GO
	push	word T0
	push	word 0x0200
	o16 retf
	ENDGO
	GO
	push	word T0
	push	word 0
	push	word 2
	push	word T0
	push	word 0x0200
	o16 iret
	ENDGO
	GATE	GDT + G0, 0x8c, T0, 0x200
	TRY	call G0:0
	TRY	jmp G0:0
	GATE	IDT + 0x40 * 8, 0x8e, T0, 0x200
	TRY	int 0x40
	call	tables
	END

	CASE	"seg.arpl"
%macro	ARPL 2
	mov	eax, %1
	mov	ecx, %2
	TRY	arpl ax, cx
	SAY	":"
	HEX	4, [v_ax]
	mov	eax, [v_fl]
	shr	eax, 6
	and	eax, 1
	mov	cl, 1
	call	hex32
%endmacro
	ARPL	0x10, 3
	ARPL	0x13, 0
	ARPL	0x12, 2
	ARPL	0x11, 0xffff
	END
	CASE	"seg.store"		; SLDT, STR, SMSW, at CPL 3 too
	USER
	mov	eax, -1
	sldt	eax
	mov	ebx, -1
	str	ebx
	mov	ecx, -1
	smsw	cx
	mov	dword [SCRATCH], -1
	sldt	[SCRATCH]
	str	[SCRATCH]
	mov	edx, [SCRATCH]
	ENDUSER
	SAY	" "
	HEX	8, [v_ax]
	SAY	" "
	HEX	8, [v_bx]
	SAY	" "
	mov	eax, [v_cx]
	and	eax, 0xffff000f
	mov	cl, 8
	call	hex32
	SAY	" "
	HEX	8, [v_dx]
	END
	CASE	"seg.sgdt3"
	mov	dword [SCRATCH + 4], -1
	TRY3	sgdt [SCRATCH]
	SAY	" "
	HEX	8, [SCRATCH]
	HEX	8, [SCRATCH + 4]
	TRY3	sidt [SCRATCH]
	SAY	" "
	HEX	8, [SCRATCH]
	END
	CASE	"seg.cpl3"		; privileged instructions
	TRY3	hlt
	TRY3	clts
	TRY3	lgdt [gdtr32]
	TRY3	lidt [idtr32]
	TRY3	lldt ax
	TRY3	ltr ax
	TRY3	lmsw ax
	TRY3	invd
	TRY3	wbinvd
	TRY3	invlpg [0]
	TRY3	mov eax, cr0
	TRY3	mov cr0, eax
	TRY3	mov eax, dr0
	TRY3	mov dr7, eax
	TRY3	rdmsr
	TRY3	wrmsr
	END
	CASE	"seg.push"		; a segment register in 4 bytes, two of them written
	GO
	push	dword 0xaaaaaaaa
	add	esp, 4
	push	ds
	pop	eax
	push	dword 0xbbbbbbbb
	add	esp, 4
	push	fs
	pop	ecx
	mov	eax, ds
	mov	edx, -1
	mov	dx, ss
	ENDGO
	SAY	" "
	HEX	4, [v_ax]
	SAY	" "
	HEX	4, [v_cx]
	SAY	" "
	HEX	8, [v_dx]
	END
	CASE	"seg.smsw"		; to memory a word; LMSW from memory
	mov	dword [SCRATCH], -1
	smsw	[SCRATCH]
	and	dword [SCRATCH], 0xffff000f
	SAY	" "
	HEX	8, [SCRATCH]
	mov	word [SCRATCH], 0x000c
	GO
	lmsw	[SCRATCH]
	mov	eax, cr0
	and	eax, 15
	lmsw	ax
	ENDGO
	clts
	SAY	" "
	HEX	2, [v_ax]
	mov	eax, cr0
	and	eax, ~0xe
	mov	cr0, eax
	END
	CASE	"seg.cr0"		; TS, EM: x87, WAIT
	mov	eax, cr0
	push	eax
	or	eax, 8
	and	eax, ~6
	mov	cr0, eax
	TRY	fnop
	TRY	wait
	mov	eax, cr0
	or	eax, 2
	mov	cr0, eax
	TRY	wait
	clts
	TRY	wait
	mov	eax, cr0
	or	eax, 4
	mov	cr0, eax
	TRY	fnop
	pop	eax
	and	eax, ~0xc
	mov	cr0, eax
	END

	CASE	"seg.ac"		; alignment: AM, AC, CPL 3
	mov	eax, cr0
	push	eax
	or	eax, 0x40000
	mov	cr0, eax
	mov	dword [v_ufl], 0x40002
	TRY3	mov eax, [SCRATCH + 1]
	TRY3	mov ax, [SCRATCH + 1]
	TRY3	mov al, [SCRATCH + 1]
	TRY3	mov eax, [SCRATCH + 2]
	TRY3	push dword [SCRATCH + 3]
	TRY3	mov [SCRATCH + 2], eax
	TRY3	lgs eax, [SCRATCH + 2]
	TRY3	sgdt [SCRATCH + 1]
	TRY3	sgdt [SCRATCH + 2]
	TRY3	movsw
	mov	dword [v_ufl], 2
	TRY3	mov eax, [SCRATCH + 1]
	pop	eax
	mov	cr0, eax
	mov	dword [v_ufl], 0x40002
	TRY3	mov eax, [SCRATCH + 1]
	mov	dword [v_ufl], 2
	END

	CASE	"prot16.stack"		; 16-bit stack in protected mode: SP wraps
	GO
	mov	ecx, esp
	mov	eax, S16
	mov	ss, eax
	mov	esp, 0x55550000
	push	dword 0x11223344
	mov	edx, esp
	pop	eax
	mov	ebx, esp
	mov	esi, K_DATA
	mov	ss, esi
	mov	esp, ecx
	ENDGO
	SAY	" "
	HEX	8, [v_dx]
	SAY	" "
	HEX	8, [v_bx]
	SAY	" "
	HEX	8, [v_ax]
	END
	CASE	"prot16.code"		; a 16-bit segment
	mov	dword [v_t], 0
	GO
	jmp	C16:.c16
RM
.c16:	mov	ax, sp
	push	ax
	mov	bx, sp
	pop	ax
	pushfd
	pop	edx
	mov	cx, -1
	inc	cx
	xor	esi, esi
	mov	esi, esp
	int	0x80
PM
	ENDGO
	SAY	" cs="
	HEX	4, [v_cs]
	SAY	" "
	mov	eax, [v_ax]
	sub	eax, [v_bx]
	mov	cl, 4
	call	hex32
	END
	jmp	gates
