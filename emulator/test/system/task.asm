; SPDX-License-Identifier: GPL-2.0
;
; Task switches.

PM
%macro	D 2				; label, dword
	SAY	%1
	HEX	8, %2
%endmacro
%macro	B 2				; label, byte
	SAY	%1
	HEX	2, %2
%endmacro
%macro	WD 2
	SAY	%1
	HEX	4, %2
%endmacro
%macro	OFF 2				; label, an offset from the snippet
	SAY	%1
	mov	eax, %2
	sub	eax, [v_base]
	mov	cl, 2
	call	hex32
%endmacro

; EAX: EIP; EDX: ring 0 or 3. A 32-bit TSS at TSS2.
mktss:	mov	edi, TSS2
	mov	ebx, eax
	xor	eax, eax
	mov	ecx, 0x80 / 4
	rep	stosd
	mov	dword [TSS2 + 4], STK2
	mov	dword [TSS2 + 8], K_DATA
	mov	[TSS2 + 0x20], ebx
	mov	dword [TSS2 + 0x24], 2
	mov	dword [TSS2 + 0x28], 0xa0a0a0a0
	mov	dword [TSS2 + 0x2c], 0xc0c0c0c0
	mov	dword [TSS2 + 0x30], 0xd0d0d0d0
	mov	dword [TSS2 + 0x34], 0xb0b0b0b0
	mov	dword [TSS2 + 0x38], STK2 - 0x400
	mov	dword [TSS2 + 0x3c], 0xb5b5b5b5
	mov	dword [TSS2 + 0x40], 0x51515151
	mov	dword [TSS2 + 0x44], 0xd1d1d1d1
	mov	eax, K_CODE
	mov	ecx, K_DATA
	test	edx, edx
	jz	.segs
	mov	eax, U_CODE
	mov	ecx, U_DATA
.segs:	mov	[TSS2 + 0x48], ecx
	mov	[TSS2 + 0x4c], eax
	mov	[TSS2 + 0x50], ecx
	mov	[TSS2 + 0x54], ecx
	mov	[TSS2 + 0x58], ecx
	mov	[TSS2 + 0x5c], ecx
	mov	dword [TSS2 + 0x64], 0x680000
	jmp	tables

; A 286 TSS at TSS3, IP below 64 KiB.
mktss16:
	mov	edi, TSS3
	xor	eax, eax
	mov	ecx, 0x80 / 4
	rep	stosd
	mov	[TSS3 + 0x0e], bx
	mov	word [TSS3 + 0x10], 2
	mov	word [TSS3 + 0x12], 0xa0a0
	mov	word [TSS3 + 0x14], 0xc0c0
	mov	word [TSS3 + 0x16], 0xd0d0
	mov	word [TSS3 + 0x18], 0xb0b0
	mov	word [TSS3 + 0x1a], 0x8000
	mov	word [TSS3 + 0x1c], 0xb5b5
	mov	word [TSS3 + 0x1e], 0x5151
	mov	word [TSS3 + 0x20], 0xd1d1
	mov	word [TSS3 + 0x22], K_DATA
	mov	word [TSS3 + 0x24], K_CODE
	mov	word [TSS3 + 0x26], S16
	mov	word [TSS3 + 0x28], K_DATA
	call	tables
	mov	byte [GDT + T3SS + 5], 0x81
	mov	word [GDT + T3SS], 0x2b
	ret

%macro	TASK 2				; entry, ring
	mov	eax, %1
	mov	edx, %2
	call	mktss
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	clts
%endmacro

%macro	BUSY 0				; access bytes, back link, what TR and TS were
	B	" old=", [GDT + K_TSS + 5]
	B	" new=", [GDT + T2SS + 5]
	WD	" link=", [TSS2]
	WD	" tr=", [v_tr]
	SAY	" ts="
	mov	eax, [v_cr0]
	shr	eax, 3
	and	eax, 1
	mov	cl, 1
	call	hex32
%endmacro

task_end:
	int	0x80
task_iret:
	iretd
	int	0x80
task_frame:				; with what was pushed, if anything
	mov	eax, 0x80
	jmp	raw32

; The operation of tab32 that goes to TSS2 at ring 3.
op_task.at_ptr:
	dd	landing
op_task:
	mov	byte [GDT + K_TSS + 5], 0x89
	mov	eax, K_TSS
	ltr	ax
	mov	byte [GDT + T2SS + 5], 0x89
	jmp	T2SS:0

tasks:
	CASE	"task.jmp"
	TASK	task_end, 0
	GO
	mov	ecx, 0x1111
	mov	ebx, 0x2222
	stc
	jmp	T2SS:0
	ENDGO
	BUSY
	D	" ax=", [v_ax]
	D	" cx=", [v_cx]
	D	" di=", [v_di]
	D	" fl=", [v_fl]
	END
	CASE	"task.jmp.saved"	; the old task's state
	OFF	" ip=+", [TSS + 0x20]
	D	" fl=", [TSS + 0x24]
	D	" cx=", [TSS + 0x2c]
	D	" bx=", [TSS + 0x34]
	SAY	" sp="
	mov	eax, [TSS + 0x38]
	sub	eax, [v_rsp]
	mov	cl, 8
	call	hex32
	D	" cs=", [TSS + 0x4c]
	D	" ss=", [TSS + 0x50]
	D	" cr3=", [TSS + 0x1c]
	D	" ldt=", [TSS + 0x60]
	D	" esp0=", [TSS + 4]
	END
	CASE	"task.call"
	TASK	task_end, 0
	TRY	call T2SS:0
	BUSY
	D	" fl=", [v_fl]
	D	" oldfl=", [TSS + 0x24]
	END
	CASE	"task.call.iret"	; there and back
	TASK	task_iret, 0
	GO
	mov	ecx, 0x1111
	mov	esi, 0x5555
	call	T2SS:0
	mov	ebx, 0x2222
	pushfd
	pop	edx
	ENDGO
	BUSY
	D	" bx=", [v_bx]
	D	" cx=", [v_cx]
	D	" fl=", [v_dx]
	SAY	" newip=+"
	mov	eax, [TSS2 + 0x20]
	sub	eax, task_iret
	mov	cl, 2
	call	hex32
	D	" newfl=", [TSS2 + 0x24]
	END
	CASE	"task.call.user"	; from ring 3, a TSS of DPL 0 and of DPL 3
	TASK	task_end, 0
	TRY3	call T2SS:0
	or	byte [GDT + T2SS + 5], 0x60
	TRY3	call T2SS:0
	BUSY
	WD	" cs=", [TSS + 0x4c]
	WD	" ss=", [TSS + 0x50]
	END
	CASE	"task.gate"		; a task gate in the GDT
	TASK	task_end, 0
	GATE	GDT + G0, 0x85, T2SS, 0
	TRY	call G0:0
	BUSY
	TASK	task_end, 0
	GATE	GDT + G0, 0xe5, T2SS, 0
	TRY3	jmp G0:0
	BUSY
	TASK	task_end, 0
	GATE	GDT + G0, 0x85, T2SS, 0
	TRY3	jmp G0:0
	GATE	GDT + G0, 0xe5, T2SS | 4, 0
	TRY3	jmp G0:0
	GATE	GDT + G0, 0xe5, 0, 0
	TRY3	jmp G0:0
	GATE	GDT + G0, 0xe5, K_DATA, 0
	TRY3	call G0:0
	GATE	GDT + G0, 0x65, T2SS, 0
	TRY3	call G0:0
	END
	CASE	"task.int"		; INT through a task gate, from ring 3
	TASK	task_frame, 0
	GATE	IDT + 0x40 * 8, 0xe5, T2SS, 0
	mov	dword [v_ufl], 0x202
	TRY3	int 0x40
	BUSY
	DEPTH	STK2 - 0x400
	OFF	" ip=+", [TSS + 0x20]
	D	" oldfl=", [TSS + 0x24]
	D	" fl=", [v_hfl]
	mov	dword [v_ufl], 2
	END
	CASE	"task.int.iret"
	TASK	task_iret, 0
	GATE	IDT + 0x40 * 8, 0xe5, T2SS, 0
	USER
	mov	ebx, 7
	int	0x40
	inc	ebx
	ENDUSER
	D	" bx=", [v_bx]
	BUSY
	END
	CASE	"task.fault"		; with an error code: pushed on the new stack
	TASK	task_frame, 0
	GATE	IDT + 13 * 8, 0x85, T2SS, 0
	USER
	mov	ebx, 1
	mov	ds, [gdtr32]
	ENDUSER
	BUSY
	DEPTH	STK2 - 0x400
	D	" error=", [v_f]
	OFF	" ip=+", [TSS + 0x20]
	D	" oldfl=", [TSS + 0x24]
	END
	CASE	"task.fault.trap"	; INT3: no error code, IP after it
	TASK	task_frame, 0
	GATE	IDT + 3 * 8, 0xe5, T2SS, 0
	TRY3	int3
	DEPTH	STK2 - 0x400
	OFF	" ip=+", [TSS + 0x20]
	END
	CASE	"task.double"		; #SS cannot be pushed: #DF in a task of its own
	TASK	task_frame, 0
	GATE	IDT + 8 * 8, 0x85, T2SS, 0
	DESC	T0, 0x00409306, 0x00000fff
	GO
	mov	eax, T0
	mov	ss, ax
	mov	esp, 0x2000
	pop	eax
	ENDGO
	BUSY
	DEPTH	STK2 - 0x400
	D	" error=", [v_f]
	OFF	" ip=+", [TSS + 0x20]
	WD	" ss=", [TSS + 0x50]
	END

	CASE	"task.trap"		; T bit: #DB before the first instruction
	TASK	task_end, 0
	or	byte [TSS2 + 0x64], 1
	mov	dword [v_t], 0
	GO
	jmp	T2SS:0
	ENDGO
	SAY	" "
	mov	eax, [v_ip]
	sub	eax, task_end
	mov	cl, 2
	call	hex32
	D	" fl=", [v_fl]
	mov	eax, dr6
	mov	[v_t], eax
	D	" dr6=", [v_t]
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"task.tf"		; TF in the image: after the first instruction
	TASK	.tf, 0
	mov	dword [TSS2 + 0x24], 0x102
	GO
	jmp	T2SS:0
.tf:	nop
	nop
	int	0x80
	ENDGO
	mov	eax, dr6
	mov	[v_t], eax
	D	" dr6=", [v_t]
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"task.dr7"		; local enables are cleared
	TASK	task_end, 0
	mov	eax, 0xff
	mov	dr7, eax
	xor	eax, eax
	mov	dr0, eax
	mov	dr1, eax
	mov	dr2, eax
	mov	dr3, eax
	TRY	jmp T2SS:0
	mov	eax, dr7
	mov	[v_t], eax
	D	" dr7=", [v_t]
	xor	eax, eax
	mov	dr7, eax
	END
	CASE	"task.ldt"		; LDTR from the TSS, DS through it
	TASK	task_end, 0
	mov	dword [LDT + 8], 0x0000ffff
	mov	dword [LDT + 12], 0x00cf9200
	mov	word [TSS2 + 0x60], K_LDT
	mov	word [TSS2 + 0x54], 8 | 4
	GO
	jmp	T2SS:0
	ENDGO
	WD	" ds=", [v_ds]
	B	" ", [LDT + 13]
	sldt	[v_t]
	WD	" ldt=", [v_t]
	call	tables
	END
	CASE	"task.flags"		; VM aside, every flag comes from the TSS
	TASK	task_end, 0
	mov	dword [TSS2 + 0x24], 0xfffdfeff & ~0x4000
	TRY	jmp T2SS:0
	D	" fl=", [v_fl]
	END
	CASE	"task.eip"		; beyond the limit of CS: #GP(0) in the new task
	TASK	task_end, 3
	DESC	T0, 0x0040fb02, 0x000000ff
	mov	word [TSS2 + 0x4c], T0 | 3
	mov	dword [TSS2 + 0x20], 0x10000 + rm_int82
	TRY	jmp T2SS:0
	WD	" cs=", [v_cs]
	WD	" tr=", [v_tr]
	END

	CASE	"task.err.jmp"		; busy, absent, too short, in the LDT, in the way
	TASK	task_end, 0
	TRY	jmp K_TSS:0
	TRY	call K_TSS:0
	mov	byte [GDT + T2SS + 5], 9
	TRY	jmp T2SS:0
	mov	byte [GDT + T2SS + 5], 0x89
	mov	word [GDT + T2SS], 0x66
	TRY	jmp T2SS:0
	TRY	call T2SS:0
	mov	word [GDT + T2SS], 0x67
	TRY	jmp T2SS | 4:0
	TRY	jmp T2SS | 3:0
	mov	byte [GDT + T2SS + 5], 0x89
	BUSY
	END
	CASE	"task.err.old"		; the old TSS is too short to be written
	TASK	task_end, 0
	mov	word [GDT + K_TSS], 0x5e
	mov	byte [GDT + K_TSS + 5], 0x89
	mov	eax, K_TSS
	ltr	ax
	TRY	jmp T2SS:0
	WD	" tr=", [v_tr]
	B	" new=", [GDT + T2SS + 5]
	call	tables
	END
	CASE	"task.err.int"
	TASK	task_end, 0
	GATE	IDT + 0x40 * 8, 0x85, K_TSS, 0
	TRY	int 0x40
	GATE	IDT + 0x40 * 8, 0x85, T2SS | 4, 0
	TRY	int 0x40
	GATE	IDT + 0x40 * 8, 0x85, GDT_SIZE, 0
	TRY	int 0x40
	GATE	IDT + 0x40 * 8, 0x85, 0, 0
	TRY	int 0x40
	GATE	IDT + 0x40 * 8, 0x85, K_CODE, 0
	TRY	int 0x40
	mov	byte [GDT + T2SS + 5], 9
	GATE	IDT + 0x40 * 8, 0x85, T2SS, 0
	TRY	int 0x40
	mov	byte [GDT + T2SS + 5], 0x89
	mov	word [GDT + T2SS], 0x66
	TRY	int 0x40
	GATE	IDT + 0x40 * 8, 5, T2SS, 0
	TRY	int 0x40
	END
	CASE	"task.err.iret"		; NT set, and nothing good to go back to
%macro	NTIRET 1
	mov	word [TSS], %1
	GO
	push	dword 0x4002
	popfd
	iretd
	ENDGO
%endmacro
	TASK	task_end, 0
	NTIRET	T2SS			; not busy
	NTIRET	K_DATA
	NTIRET	0
	NTIRET	GDT_SIZE
	NTIRET	T2SS | 4
	mov	byte [GDT + T2SS + 5], 0x0b
	NTIRET	T2SS			; absent
	mov	byte [GDT + T2SS + 5], 0x8b
	mov	word [GDT + T2SS], 0x66
	NTIRET	T2SS
	mov	word [GDT + T2SS], 0x67
	NTIRET	T2SS
	BUSY
	call	tables
	END

	; what is in the TSS: 32 types of descriptor for each segment register
%macro	TASKTAB 5			; name, offset, dpl, rpl, p
	TASK	landing, 3
	mov	word [TSS2 + %2], T0 | %4
	TAB	%1, task, 0, %3, %4, %5, T0
	END
%endmacro
	TASKTAB	"task.ds", 0x54, 3, 3, 1
	TASKTAB	"task.ds", 0x54, 0, 3, 1
	TASKTAB	"task.ds", 0x54, 3, 3, 0
	TASKTAB	"task.ss", 0x50, 3, 3, 1
	TASKTAB	"task.ss", 0x50, 0, 3, 1
	TASKTAB	"task.ss", 0x50, 3, 0, 1
	TASKTAB	"task.ss", 0x50, 3, 3, 0
	TASKTAB	"task.cs", 0x4c, 3, 3, 1
	TASKTAB	"task.cs", 0x4c, 0, 3, 1
	TASKTAB	"task.cs", 0x4c, 3, 3, 0
	TASKTAB	"task.ldt", 0x60, 0, 0, 1
	TASKTAB	"task.ldt", 0x60, 0, 0, 0
	CASE	"task.null"		; DS null is fine, SS and CS are not
	TASK	task_end, 3
	mov	word [TSS2 + 0x54], 0
	TRY	jmp T2SS:0
	TASK	task_end, 3
	mov	word [TSS2 + 0x50], 0
	TRY	jmp T2SS:0
	TASK	task_end, 3
	mov	word [TSS2 + 0x50], 3
	TRY	jmp T2SS:0
	TASK	task_end, 3
	mov	word [TSS2 + 0x4c], 3
	TRY	jmp T2SS:0
	TASK	task_end, 3
	mov	word [TSS2 + 0x60], K_LDT | 4
	TRY	jmp T2SS:0
	TASK	task_end, 3
	mov	word [TSS2 + 0x54], GDT_SIZE | 3
	TRY	jmp T2SS:0
	call	tables
	END

	CASE	"task16.jmp"		; to a 286 TSS
	mov	dword [LOWRAW + 0x100], 0xcde4b70f	; movzx esp, sp; int 80h
	mov	byte [LOWRAW + 0x104], 0x80
	mov	ebx, LOWRAW + 0x100
	call	mktss16
	TRY	jmp T3SS:0
	B	" old=", [GDT + K_TSS + 5]
	B	" new=", [GDT + T3SS + 5]
	WD	" tr=", [v_tr]
	WD	" ax=", [v_ax]
	WD	" cx=", [v_cx]
	WD	" di=", [v_di]
	WD	" ds=", [v_ds]
	WD	" fl=", [v_fl]
	WD	" fs=", [v_fs]
	WD	" gs=", [v_gs]
	END
	CASE	"task16.call"		; and back by a 16-bit IRET
	mov	dword [LOWRAW + 0x100], 0x80cdcf66
	mov	ebx, LOWRAW + 0x100
	call	mktss16
	GO
	mov	ebx, 1
	call	T3SS:0
	inc	ebx
	ENDGO
	B	" old=", [GDT + K_TSS + 5]
	B	" new=", [GDT + T3SS + 5]
	WD	" link=", [TSS3]
	WD	" tr=", [v_tr]
	D	" bx=", [v_bx]
	WD	" newip=", [TSS3 + 0x0e]
	WD	" newfl=", [TSS3 + 0x10]
	END
	CASE	"task16.limit"
	mov	ebx, LOWRAW + 0x100
	call	mktss16
	mov	word [GDT + T3SS], 0x2a
	TRY	jmp T3SS:0
	call	tables
	END
	clts
	jmp	paging
