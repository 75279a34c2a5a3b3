; SPDX-License-Identifier: GPL-2.0
;
; Gates, privilege changes, I/O permission, flags at CPL 3.

PM
%macro	F32 1				; dword of the frame
	SAY	" "
	HEX	8, [v_f + 4 * (%1)]
%endmacro
%macro	F32OFF 1			; likewise, an offset from the snippet
	SAY	" +"
	mov	eax, [v_f + 4 * (%1)]
	sub	eax, [v_base]
	mov	cl, 2
	call	hex32
%endmacro
%macro	DEPTH 1				; bytes pushed, seen from the top given
	SAY	" used="
	mov	eax, %1
	sub	eax, [v_hsp]
	mov	cl, 2
	call	hex32
%endmacro
%macro	RAW 1				; an entry that keeps the frame
	mov	eax, %1
	jmp	raw32
%endmacro

raw_gate:
	RAW	0x80

; The same where only 64 KiB can be reached.
	LOWRAW	equ 0x9000
lowraw:	mov	eax, 0x80
	jmp	K_CODE:raw32
lowraw_end:

gates:	mov	esi, lowraw
	mov	edi, LOWRAW
	mov	ecx, lowraw_end - lowraw
	rep	movsb

%macro	IDTTAB 3			; cpl, dpl, p
	TAB	"gate.idt", int40, %1, %2, 0, %3, 0x40 * 8 + 2, 0x40 * 8, IDT
	END
%endmacro
	IDTTAB	0, 0, 1
	IDTTAB	0, 3, 1
	IDTTAB	0, 0, 0
	IDTTAB	3, 0, 1
	IDTTAB	3, 3, 1
	IDTTAB	3, 3, 0
	IDTTAB	3, 0, 0

	GATE	IDT + 0x40 * 8, 0xee, T0, landing
	TAB	"gate.int.target", int40, 0, 0, 0, 1, T0
	END
	TAB	"gate.int.target", int40, 0, 3, 0, 1, T0
	END
	TAB	"gate.int.target", int40, 0, 0, 0, 0, T0
	END
	TAB	"gate.int.target", int40, 3, 0, 0, 1, T0
	END
	TAB	"gate.int.target", int40, 3, 3, 0, 1, T0
	END
	TAB	"gate.int.target", int40, 3, 1, 0, 1, T0
	END
	TAB	"gate.int.target", int40, 3, 3, 0, 0, T0
	END

	GATE	GDT + G0, 0xec, T0, landing
	TAB	"gate.call.target", callg, 0, 0, 0, 1, T0
	END
	TAB	"gate.call.target", callg, 0, 3, 0, 1, T0
	END
	TAB	"gate.call.target", callg, 3, 0, 0, 1, T0
	END
	TAB	"gate.call.target", callg, 3, 1, 0, 1, T0
	END
	TAB	"gate.call.target", callg, 3, 3, 0, 1, T0
	END
	TAB	"gate.call.target", callg, 3, 3, 0, 0, T0
	END
	TAB	"gate.jmp.target", jmpg, 0, 0, 0, 1, T0
	END
	TAB	"gate.jmp.target", jmpg, 3, 0, 0, 1, T0
	END
	TAB	"gate.jmp.target", jmpg, 3, 3, 0, 1, T0
	END

	; SS of ring 1 from the TSS
	GATE	GDT + G0, 0xec, CODE1, landing
%macro	SSTAB 3				; dpl, rpl, p
	mov	dword [TSS + 16], T0 | %2
	TAB	"gate.ss", callg, 3, %1, %2, %3, T0
	END
%endmacro
	SSTAB	1, 1, 1
	SSTAB	0, 1, 1
	SSTAB	3, 1, 1
	SSTAB	1, 0, 1
	SSTAB	1, 3, 1
	SSTAB	1, 1, 0
	GATE	IDT + 0x40 * 8, 0xee, CODE1, landing
	mov	dword [TSS + 16], T0 | 1
	TAB	"gate.ss.int", int40, 3, 1, 1, 1, T0
	END
	TAB	"gate.ss.int", int40, 3, 1, 1, 0, T0
	END
	call	tables

	CASE	"gate.ss.null"
	GATE	GDT + G0, 0xec, CODE1, raw_gate
	mov	dword [TSS + 16], 1
	TRY3	call G0:0
	mov	dword [TSS + 16], GDT_SIZE | 1
	TRY3	call G0:0
	mov	dword [TSS + 16], DATA1
	END
	CASE	"gate.ss.limit"		; the new stack is too small
	DESC	T0, 0x0040b306, 0x00001007
	mov	dword [TSS + 16], T0 | 1
	mov	dword [TSS + 12], 0x100c
	GATE	GDT + G0, 0xec, CODE1, raw_gate
	TRY3	call G0:0		; above the limit
	mov	dword [TSS + 12], 8
	TRY3	call G0:0		; below zero
	GATE	IDT + 0x40 * 8, 0xee, CODE1, raw_gate
	TRY3	int 0x40
	call	tables
	END
	CASE	"gate.tss.limit"	; no room for SS1 in it, just enough, 4 bytes
	GATE	GDT + G0, 0xec, CODE1, raw_gate
%assign tsslimit 0x10
%rep 3
	mov	word [GDT + K_TSS], tsslimit
	mov	byte [GDT + K_TSS + 5], 0x89
	mov	eax, K_TSS
	ltr	ax
	TRY3	call G0:0
%assign tsslimit tsslimit * 2 - 15
%endrep
	call	tables
	END

	CASE	"gate.call32"		; three parameters, from ring 3 to ring 1
	GATE	GDT + G0, 0xec, CODE1, raw_gate
	mov	byte [GDT + G0 + 4], 3
	USER
	push	dword 0x11111111
	push	dword 0x22222222
	push	dword 0x33333333
	call	G0:0
	ENDUSER
	DEPTH	STK1
	F32OFF	0
	F32	1
	F32	2
	F32	3
	F32	4
	F32	5
	F32	6
	SAY	" ss="
	HEX	4, [v_hss]
	END
	CASE	"gate.call16"		; a 286 gate, to ring 0
	GATE	GDT + G0, 0xe4, K_CODE, LOWRAW
	mov	byte [GDT + G0 + 4], 3
	USER
	push	word 0x1111
	push	word 0x2222
	push	word 0x3333
	call	G0:0
	ENDUSER
	DEPTH	[TSS + 4]
	SAY	" +"
	movzx	eax, word [v_f]
	movzx	ecx, word [v_base]
	sub	eax, ecx
	mov	cl, 2
	call	hex32
	SAY	" "
	HEX	4, [v_f + 2]
	F32	1
	F32	2
	F32	3
	SAY	" ss="
	HEX	4, [v_hss]
	END
	CASE	"gate.call0"		; no change of privilege: no parameters copied
	GATE	GDT + G0, 0xec, K_CODE, raw_gate
	mov	byte [GDT + G0 + 4], 3
	GO
	push	dword 0x11111111
	call	G0:0
	ENDGO
	DEPTH	[v_rsp]
	F32OFF	0
	F32	1
	F32	2
	END
	CASE	"gate.conforming"	; called by ring 3: stays there, on its stack
	FLAT	T0, 0x9e
	GATE	GDT + G0, 0xec, T0, .conf
	USER
	call	G0:0
.conf:	mov	eax, cs
	mov	ebx, ss
	mov	ecx, [esp + 4]
	ENDUSER
	SAY	" cs="
	HEX	4, [v_ax]
	SAY	" ss="
	HEX	4, [v_bx]
	SAY	" from="
	HEX	4, [v_cx]
	END
	CASE	"gate.retf"		; to ring 1 and back by RET 12
	GATE	GDT + G0, 0xec, CODE1, .ret
	mov	byte [GDT + G0 + 4], 3
	mov	dword [v_t], 0
	USER
	push	dword 0x11111111
	push	dword 0x22222222
	push	dword 0x33333333
	call	G0:0
	mov	ebx, esp
	mov	ecx, ds
	mov	edx, es
	mov	esi, fs
	mov	edi, gs
	jmp	.retd
.ret:	mov	eax, [esp + 8]
	mov	ds, [.sel]
	mov	cx, K_CODE
	FLATSEL	equ DATA1
	mov	cx, FLATSEL
	mov	es, cx
	xor	ecx, ecx
	mov	fs, cx
	mov	cx, U_DATA
	mov	gs, cx
	retf	12
.sel:	dw	DATA2
.retd:
	ENDUSER
	SAY	" ax="
	HEX	8, [v_ax]
	SAY	" sp="
	HEX	8, [v_bx]
	SAY	" ds="
	HEX	4, [v_cx]
	SAY	" es="
	HEX	4, [v_dx]
	SAY	" fs="
	HEX	4, [v_si]
	SAY	" gs="
	HEX	4, [v_di]
	END
	CASE	"gate.iret.null"	; data segments of inner rings are dropped
	mov	ax, K_DATA
	GO
	push	U_DATA
	push	STK3
	push	2
	push	U_CODE
	push	.inull
	mov	eax, K_DATA
	mov	fs, ax
	mov	gs, ax
	FLAT	T0, 0x9e		; a conforming one stays
	mov	eax, T0
	mov	es, ax
	mov	eax, U_DATA
	mov	ds, ax
	iretd
.inull:	int	0x80
	ENDGO
	SAY	" ds="
	HEX	4, [v_ds]
	SAY	" es="
	HEX	4, [v_es]
	SAY	" fs="
	HEX	4, [v_fs]
	SAY	" gs="
	HEX	4, [v_gs]
	END
	CASE	"gate.call.o16"		; the gate decides, not the operand size
	GATE	GDT + G0, 0xec, CODE1, raw_gate
	USER
	o16 call G0:0
	ENDUSER
	DEPTH	STK1
	F32	1
	F32	2
	END
	CASE	"gate.callfar3"		; ring 3 calls a gate of DPL 0; of another RPL
	GATE	GDT + G0, 0x8c, K_CODE, raw_gate
	TRY3	call G0:0
	GATE	GDT + G0, 0xac, K_CODE, raw_gate
	TRY3	call G0:0
	GATE	GDT + G0, 0xec, K_CODE, raw_gate
	TRY3	call G0 + 3:0
	TRY3	jmp G0:0
	GATE	GDT + G0, 0x6c, K_CODE, raw_gate
	TRY3	call G0:0
	GATE	GDT + G0, 0xec, 0, raw_gate
	TRY3	call G0:0
	GATE	GDT + G0, 0xec, GDT_SIZE, raw_gate
	TRY3	call G0:0
	GATE	GDT + G0, 0x8c, K_CODE, raw_gate
	TRY	call G0 + 3:0
	END
	CASE	"gate.call.stack"	; a far call's return address does not fit
	DESC	T0, 0x00409306, 0x00001fff
	GO
	mov	ebp, esp
	mov	eax, T0
	mov	ss, eax
	mov	esp, 4
	mov	ecx, K_DATA
	call	.cs			; fits
.cs:	mov	ss, ecx
	mov	esp, ebp
	ENDGO
	END

	CASE	"int.frame32"		; interrupt gate, from ring 3
	GATE	IDT + 0x40 * 8, 0xee, K_CODE, raw_gate
	mov	dword [v_ufl], 0x4a93	; NT too
	USER
	int	0x40
	ENDUSER
	DEPTH	[TSS + 4]
	F32OFF	0
	F32	1
	F32	2
	F32	3
	F32	4
	SAY	" fl="
	HEX	8, [v_hfl]
	END
	CASE	"int.trap32"		; trap gate: IF stays, TF and NT are cleared
	GATE	IDT + 0x40 * 8, 0xef, K_CODE, raw_gate
	mov	dword [v_ufl], 0x4202
	TRY3	int 0x40
	F32	2
	SAY	" fl="
	HEX	8, [v_hfl]
	END
	mov	dword [v_ufl], 2
	CASE	"int.frame16"
	GATE	IDT + 0x40 * 8, 0xe6, K_CODE, LOWRAW
	USER
	mov	eax, 0
	int	0x40
	ENDUSER
	DEPTH	[TSS + 4]
	SAY	" "
	HEX	4, [v_f + 2]
	F32	1
	SAY	" "
	HEX	4, [v_f + 8]
	SAY	" fl="
	HEX	8, [v_hfl]
	END
	CASE	"int.frame0"		; same level
	GATE	IDT + 0x40 * 8, 0x8e, K_CODE, raw_gate
	TRY	int 0x40
	DEPTH	[v_rsp]
	F32OFF	0
	F32	1
	F32	2
	END
	CASE	"int.error16"		; an error code through a 286 gate is a word
	GATE	IDT + 13 * 8, 0x86, K_CODE, LOWRAW
	USER
	mov	eax, 0x12345
	hlt
	ENDUSER
	DEPTH	[TSS + 4]
	SAY	" "
	HEX	4, [v_f]
	SAY	" "
	HEX	4, [v_f + 4]
	call	tables
	END
	CASE	"int.limit"		; beyond the IDT
	mov	word [v_tmp], 0x41 * 8 - 2
	mov	dword [v_tmp + 2], IDT
	lidt	[v_tmp]
	TRY	int 0x40
	TRY	int 0x41
	TRY3	int 0x40
	TRY3	int 0xff
	lidt	[idtr32]
	END
	CASE	"int.soft3"		; INT3, INTO, BOUND, ICEBP at ring 3, gates of DPL 0
	TRY3	int3
	USER
	mov	al, 0x7f
	inc	al
	into
	ENDUSER
	TRY3	db 0xf1
	TRY3	int 3
	TRY3	int 4
	TRY3	int 1
	TRY3	int 14
	mov	dword [SCRATCH], 1
	mov	dword [SCRATCH + 4], 2
	USER
	mov	eax, 7
	bound	eax, [SCRATCH]
	ENDUSER
	mov	byte [IDT + 3 * 8 + 5], 0xee
	mov	byte [IDT + 4 * 8 + 5], 0xee
	mov	byte [IDT + 13 * 8 + 5], 0xee
	TRY3	int3
	USER
	mov	al, 0x7f
	inc	al
	into
	ENDUSER
	END
	CASE	"int.noerror"		; INT 13 pushes no error code
	GATE	IDT + 13 * 8, 0xee, K_CODE, raw_gate
	USER
	int	13
	ENDUSER
	DEPTH	[TSS + 4]
	F32	1
	call	tables
	END
	CASE	"int.ext"		; a fault in delivery of a fault: EXT is set
	mov	byte [IDT + 0 * 8 + 5], 0x0e	; #DE not present
	USER
	xor	ecx, ecx
	div	ecx
	ENDUSER
	call	tables
	mov	byte [IDT + 6 * 8 + 5], 0x0e	; #UD not present
	TRY	ud2
	call	tables
	mov	word [IDT + 6 * 8 + 2], GDT_SIZE	; to nowhere
	TRY	ud2
	call	tables
	mov	word [IDT + 6 * 8 + 2], 0
	TRY	ud2
	call	tables
	mov	byte [IDT + 3 * 8 + 5], 0x0e	; a soft one: EXT is clear
	TRY	int3
	TRY	int 3
	call	tables
	mov	byte [IDT + 1 * 8 + 5], 0x0e	; ICEBP counts as external
	TRY	db 0xf1
	call	tables
	END
	CASE	"int.double"		; #GP in delivery of #NP: #DF(0)
	mov	byte [IDT + 13 * 8 + 5], 0x0e
	TRY	mov ds, [gdtr32]	; #GP, its gate absent: #NP, then #DF
	mov	word [v_t], 0xffff
	TRY	mov ds, [v_t]
	call	tables
	END
	CASE	"int.double.benign"	; #UD, then #NP: no double fault
	mov	byte [IDT + 6 * 8 + 5], 0x0e
	TRY	ud2
	call	tables
	mov	byte [IDT + 0 * 8 + 5], 0x0e	; #DE is contributory
	GO
	xor	ecx, ecx
	div	ecx
	ENDGO
	mov	byte [IDT + 11 * 8 + 5], 0x0e
	GO
	xor	ecx, ecx
	div	ecx
	ENDGO
	call	tables
	END

	CASE	"io.cli"		; by IOPL
%assign iopl 0
%rep 4
	mov	dword [v_ufl], (iopl << 12) | 2
	TRY3	cli
	TRY3	sti
%assign iopl iopl + 1
%endrep
	END
	CASE	"io.popf"		; IF by IOPL, IOPL never at CPL 3
%assign iopl 0
%rep 4
	mov	dword [v_ufl], (iopl << 12) | 2
	USER
	push	dword 0x3f7ed7
	popfd
	pushfd
	pop	eax
	push	dword 2
	popfd
	ENDUSER
	SAY	" "
	HEX	8, [v_ax]
	SAY	" "
	HEX	8, [v_fl]
%assign iopl iopl + 3
%if iopl > 3
%exitrep
%endif
%endrep
	mov	dword [v_ufl], 2
	END
	CASE	"io.iretd3"		; IRET at CPL 3 changes neither IOPL nor IF
	USER
	push	dword 0x3d7ed7
	push	dword U_CODE
	push	dword .i3
	iretd
.i3:	pushfd
	pop	eax
	push	dword 2
	popfd
	ENDUSER
	SAY	" "
	HEX	8, [v_ax]
	END
	CASE	"io.popf0"		; ring 0: every bit but VM, VIF, VIP, RF
	GO
	push	dword 0xffffffff - 0x100
	popfd
	pushfd
	pop	eax
	push	dword 2
	popfd
	ENDGO
	SAY	" "
	HEX	8, [v_ax]
	END
	CASE	"io.popf16"		; a word leaves the upper half
	GO
	push	dword 0x00040002
	popfd
	push	word 0x3002
	popfw
	pushfd
	pop	eax
	push	dword 2
	popfd
	ENDGO
	SAY	" "
	HEX	8, [v_ax]
	END
	CASE	"io.iopl"		; IN, OUT, INS, OUTS by IOPL
	mov	dword [v_ufl], 0x2002
	mov	dword [TSS + 0x68], -1
	TRY3	in al, 0x10
	TRY3	out 0x10, eax
	TRY3	insb
	TRY3	outsd
	mov	dword [v_ufl], 0x3002
	TRY3	in al, 0x10
	mov	dword [v_ufl], 2
	END
	CASE	"io.bitmap"
	mov	dword [TSS + 0x68], 0xffff00ff	; ports 8 to f
	TRY3	in al, 7
	TRY3	in al, 8
	TRY3	in al, 15
	TRY3	in al, 16
	TRY3	in ax, 7
	TRY3	in ax, 14
	TRY3	in ax, 15
	TRY3	in eax, 12
	TRY3	in eax, 13
	mov	dword [TSS + 0x68 + 0x1ffc], 0
	USER
	mov	dx, 0xfff0
	in	al, dx
	ENDUSER
	USER
	mov	dx, 0xffff
	in	al, dx
	ENDUSER
	USER
	mov	dx, 0xffff
	in	ax, dx
	ENDUSER
	mov	byte [TSS + 0x2068], 0		; the byte after: all clear
	USER
	mov	dx, 0xffff
	in	ax, dx
	ENDUSER
	USER
	mov	dx, 0xfffd
	in	eax, dx
	ENDUSER
	END
	CASE	"io.bitmap.limit"	; two bytes are read: both must be within
	mov	dword [TSS + 0x68], 0
%macro	TSSLIMIT 1
	mov	word [GDT + K_TSS], %1
	mov	byte [GDT + K_TSS + 5], 0x89
	mov	eax, K_TSS
	ltr	ax
%endmacro
	TSSLIMIT 0x67
	TRY3	in al, 0
	TSSLIMIT 0x68
	TRY3	in al, 0
	TSSLIMIT 0x69
	TRY3	in al, 0
	TRY3	in al, 7
	TRY3	in al, 8
	TRY3	in ax, 7
	TSSLIMIT 0x6a
	TRY3	in al, 8
	TRY3	in ax, 15
	mov	dword [TSS + 0x64], 0xffff0000	; base beyond everything
	TRY3	in al, 0
	TSSLIMIT 0x66
	mov	dword [TSS + 0x64], 0
	TRY3	in al, 0
	call	tables
	END
	CASE	"io.bitmap.low"		; a bitmap inside the TSS itself
	mov	dword [TSS + 0x64], 0x200000
	mov	dword [TSS + 0x20], 0xfffffffe
	TRY3	in al, 0
	TRY3	in al, 1
	call	tables
	END
	CASE	"io.string"		; REP INSB stops at the check, count 0 checks too
	mov	dword [TSS + 0x68], 0xffffffff
	USER
	xor	ecx, ecx
	mov	dx, 0x10
	mov	edi, SCRATCH
	rep	insb
	ENDUSER
	USER
	mov	ecx, 2
	mov	dx, 0x10
	mov	edi, SCRATCH
	rep	insb
	ENDUSER
	SAY	" cx="
	HEX	2, [v_cx]
	call	tables
	END
	CASE	"io.tss16"		; a 286 TSS has no bitmap
	mov	dword [TSS + 0x68], 0
	mov	byte [GDT + K_TSS + 5], 0x81
	mov	dword [TSS + 2], STK0 - 0x800 | (K_DATA << 16)
	mov	word [TSS + 4], K_DATA
	mov	eax, STK0 - 0x800
	mov	[TSS + 2], ax
	mov	word [TSS + 4], K_DATA
	DESC	T0, 0x00009304, 0x0000ffff	; a stack of 64 KiB at 40000h
	mov	word [TSS + 4], T0
	mov	eax, K_TSS
	ltr	ax
	GATE	IDT + 13 * 8, 0x8e, K_CODE, .small
	TRY3	in al, 0
	SAY	" ss="
	HEX	4, [v_hss]
	call	tables
	END

	jmp	.steps
.small:	movzx	esp, sp
	jmp	stubs32 + 13 * STUB32
.steps:
	CASE	"step.user"		; TF at ring 3
	mov	dword [v_ufl], 0x102
	TRY3	nop
	SAY	" fl="
	HEX	8, [v_fl]
	SAY	" h="
	HEX	8, [v_hfl]
	mov	eax, dr6
	mov	[v_t], eax
	SAY	" dr6="
	HEX	8, [v_t]
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"step.gate"		; TF through a call gate: after its first instruction
	GATE	GDT + G0, 0xec, K_CODE, .sg
	USER
	call	G0:0
.sg:	nop
	nop
	ENDUSER
	SAY	" cs="
	HEX	4, [v_cs]
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"step.int"		; INT n: none
	GATE	IDT + 0x40 * 8, 0xee, K_CODE, raw_gate
	TRY3	int 0x40
	F32	2
	mov	eax, dr6
	mov	[v_t], eax
	SAY	" dr6="
	HEX	8, [v_t]
	mov	dword [v_ufl], 2
	END
	CASE	"step.ss"		; none after MOV SS and POP SS, one after LSS
	mov	word [SCRATCH + 4], K_DATA
	GO
	mov	ecx, ss
	push	dword 0x102
	popfd
	mov	ss, cx
	nop
	nop
	ENDGO
	GO
	push	ss
	push	dword 0x102
	popfd
	pop	ss
	nop
	nop
	ENDGO
	GO
	mov	[SCRATCH], esp
	push	dword 0x102
	popfd
	lss	esp, [SCRATCH]
	nop
	nop
	ENDGO
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"step.iret"		; IRET that sets TF: after the next instruction
	GO
	push	dword 0x102
	push	dword K_CODE
	push	dword .st
	iretd
.st:	nop
	nop
	ENDGO
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"step.fault"		; a fault wins: no step trap
	mov	dword [v_ufl], 0x102
	TRY3	ud2
	SAY	" fl="
	HEX	8, [v_fl]
	mov	eax, dr6
	mov	[v_t], eax
	SAY	" dr6="
	HEX	8, [v_t]
	mov	dword [v_ufl], 2
	END
	CASE	"call.32to16"		; a 16-bit far call pushes words
	GO
	mov	edx, esp
	call	C16:.c16r
	mov	ecx, esp
	mov	esp, edx
	sub	edx, ecx
	ENDGO
RM
.c16r:	mov	eax, esp
	o32 retf
PM
	SAY	" "
	HEX	8, [v_dx]
	mov	eax, [v_rsp]
	sub	eax, [v_ax]
	mov	cl, 2
	call	hex32
	END
	jmp	tasks
