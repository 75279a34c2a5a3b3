; SPDX-License-Identifier: GPL-2.0
;
; Virtual-8086 mode. A snippet runs at 3000:xxxx with DS, ES, FS, GS 4000h, 5000h,
; 6000h, 7000h and SS:ESP 7000:F000, and ends with INT3, which depends on no IOPL.

PM
%macro	VM 0
	%push	vm
	call	entervm
	dd	%$end, %$go
RM
%$go:
%endmacro

%macro	ENDVM 0
	int3
PM
%$end:	call	ev32
	%pop
%endmacro

%macro	TRYVM 1+
	VM
	%1
	ENDVM
%endmacro

entervm:
	pop	eax
	mov	ecx, [eax]
	mov	[v_resume], ecx
	mov	eax, [eax + 4]
	mov	[v_base], eax
	mov	dword [v_vec], 0xff
	mov	[v_rsp], esp
	push	dword 0x7000
	push	dword 0x6000
	push	dword 0x4000
	push	dword 0x5000
	push	dword 0x7000
	push	dword STKRM
	push	dword [v_ufl]
	or	dword [esp], 0x20000
	push	dword 0x3000
	push	eax
	iretd

%macro	VMIOPL 1
	mov	dword [v_ufl], (%1) << 12 | 2
%endmacro

; tables, with INT3 for the end of a snippet
vmtables:
	call	tables
	GATE	IDT + 3 * 8, 0xee, K_CODE, stub_80
	mov	dword [TSS + 0x68], -1
	ret

v86:	call	vmtables
	VMIOPL	0
	CASE	"v86.frame"
	TRYVM	hlt
	DEPTH	[TSS + 4]
	WD	" cs=", [v_cs]
	D	" fl=", [v_fl]
	WD	" ss=", [v_ss]
	D	" sp=", [v_sp]
	WD	" es=", [v_f]
	WD	" ds=", [v_f + 4]
	WD	" fs=", [v_f + 8]
	WD	" gs=", [v_f + 12]
	WD	" now ", [v_es]
	WD	",", [v_ds]
	WD	",", [v_fs]
	WD	",", [v_gs]
	D	" fl=", [v_hfl]
	END
	CASE	"v86.iopl0"
	TRYVM	cli
	TRYVM	sti
	TRYVM	pushf
	TRYVM	popf
	TRYVM	pushfd
	TRYVM	popfd
	TRYVM	iret
	TRYVM	iretd
	TRYVM	int 0x40
	TRYVM	int 0x80
	TRYVM	int 3
	END
	VMIOPL	3
	CASE	"v86.iopl3"
	TRYVM	cli
	TRYVM	sti
	TRYVM	pushf
	TRYVM	pushfd
	TRYVM	int 0x40
	TRYVM	int 0x80
	TRYVM	int 3
	END
	VMIOPL	0
	CASE	"v86.any"		; whatever IOPL is
	TRYVM	hlt
	TRYVM	mov eax, cr0
	TRYVM	mov cr0, eax
	TRYVM	mov eax, dr7
	TRYVM	clts
	TRYVM	lmsw ax
	TRYVM	smsw ax
	TRYVM	lgdt [0]
	TRYVM	o32 sgdt [v_tmp - VARS]
	TRYVM	invd
	TRYVM	wbinvd
	TRYVM	invlpg [0]
	TRYVM	rdmsr
	TRYVM	sldt ax
	TRYVM	str ax
	TRYVM	lldt ax
	TRYVM	ltr ax
	TRYVM	lar ax, ax
	TRYVM	lsl ax, ax
	TRYVM	verr ax
	TRYVM	verw ax
	TRYVM	{db 0x63, 0xc0}
	TRYVM	ud2
	TRYVM	{db 0x0f, 0x35}
	END
	CASE	"v86.limit"
	TRYVM	mov ax, [0xffff]
	VM
	mov	bp, -1
	mov	ax, [bp]
	ENDVM
	VM
	mov	sp, 0xffff
	pop	ax
	ENDVM
	TRYVM	jmp dword 0x10000
	VM
	mov	ebx, 0x10000
	mov	al, [ebx]
	ENDVM
	END
	CASE	"v86.soft"		; INTO, BOUND, ICEBP, INT3 to a gate of DPL 0
	VM
	mov	al, 0x7f
	inc	al
	into
	ENDVM
	mov	byte [IDT + 4 * 8 + 5], 0xee
	VM
	mov	al, 0x7f
	inc	al
	into
	ENDVM
	VM
	xor	cx, cx
	div	cx
	ENDVM
	TRYVM	db 0xf1
	mov	byte [IDT + 3 * 8 + 5], 0x8e
	TRYVM	int3
	call	vmtables
	END
	CASE	"v86.segs"		; a load takes the paragraph; limits are 64 KiB
	VM
	mov	ax, 0x1234
	mov	fs, ax
	mov	gs, ax
	mov	bx, fs
	mov	cx, 0x9000
	mov	es, cx
	mov	word [es:0xfffe], 0x4321
	mov	dx, [es:0xfffe]
	ENDVM
	D	" fs=", [v_f + 8]
	WD	" bx=", [v_bx]
	WD	" dx=", [v_dx]
	WD	" ", [0x9fffe]
	END
	CASE	"v86.far"
	VM
	mov	dx, sp
	call	0x3000:.vf
.vf:	pop	eax
	push	0x3000
	push	.vr
	retf
.vr:	mov	cx, sp
	ENDVM
	WD	" ", [v_ax + 2]
	WD	" ", [v_cx]
	END

	VMIOPL	3
	CASE	"v86.popf"		; IF but not IOPL, not VM
	VM
	push	dword 0x003ffed7 & ~0x100
	popfd
	pushfd
	pop	eax
	push	dword 0x3002
	popfd
	pushf
	pop	bx
	ENDVM
	D	" ", [v_ax]
	WD	" ", [v_bx]
	D	" ", [v_fl]
	END
	CASE	"v86.iret"
	VM
	push	dword 0x003d8cd7
	push	dword 0x3000
	push	dword .vi
	iretd
.vi:	pushfd
	pop	eax
	push	word 0x0002
	push	cs
	push	.vj
	iret
.vj:	pushfd
	pop	ebx
	ENDVM
	D	" ", [v_ax]
	D	" ", [v_bx]
	END
	CASE	"v86.int"		; IOPL 3: through the IDT, to ring 0 only
	GATE	IDT + 0x40 * 8, 0xee, K_CODE, raw_gate
	TRYVM	int 0x40
	DEPTH	[TSS + 4]
	F32OFF	0
	F32	1
	F32	2
	F32	5
	F32	8
	GATE	IDT + 0x40 * 8, 0x8e, K_CODE, raw_gate
	TRYVM	int 0x40
	FLAT	T0, 0xfa
	GATE	IDT + 0x40 * 8, 0xee, T0, raw_gate
	TRYVM	int 0x40
	FLAT	T0, 0x9e
	TRYVM	int 0x40
	GATE	IDT + 0x40 * 8, 0xee, CODE1, raw_gate
	TRYVM	int 0x40
	END
	CASE	"v86.monitor"		; ring 0 answers and goes back
	GATE	IDT + 0x40 * 8, 0xee, K_CODE, .mon
	VM
	mov	bx, 1
	int	0x40
	mov	cx, ds
	mov	dx, gs
	inc	bx
	ENDVM
	WD	" bx=", [v_bx]
	WD	" cx=", [v_cx]
	WD	" dx=", [v_dx]
	WD	" ax=", [v_ax]
	jmp	.mon_end
.mon:	mov	eax, 0x4321
	mov	word [esp + 24], 0x4444	; DS
	iretd
.mon_end:
	END
	CASE	"v86.io"		; the bitmap decides, IOPL does not
	mov	dword [TSS + 0x68], 0xfffffffe
	TRYVM	in al, 0
	TRYVM	in al, 1
	TRYVM	in ax, 0
	TRYVM	out 1, al
	VM
	mov	dx, 1
	insb
	ENDVM
	VM
	mov	dx, 1
	outsb
	ENDVM
	VMIOPL	0
	TRYVM	in al, 0
	END
	CASE	"v86.step"		; TF
	mov	dword [v_ufl], 0x102
	TRYVM	nop
	D	" fl=", [v_fl]
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	VMIOPL	0
	END
	CASE	"v86.iretd3"		; IRETD at ring 3 does not enter it: QEMU 7.2 does
	cmp	byte [v_tcg], 0
	jne	.no_iretd3
	USER
	push	dword 0x20002
	push	dword U_CODE
	push	dword .v3
	iretd
.v3:	mov	ebx, cs
	ENDUSER
	WD	" ", [v_bx]
	D	" fl=", [v_fl]
.no_iretd3:
	END
	CASE	"v86.task"		; entered by a task switch
	mov	eax, .vt
	xor	edx, edx
	call	mktss
	call	vmtables
	mov	dword [TSS2 + 0x24], 0x20002
	mov	word [TSS2 + 0x4c], 0x3000
	mov	word [TSS2 + 0x50], 0x7000
	mov	word [TSS2 + 0x54], 0x5000
	mov	word [TSS2 + 0x48], 0x4000
	mov	word [TSS2 + 0x58], 0x6000
	mov	word [TSS2 + 0x5c], 0x4000
	mov	dword [TSS2 + 0x38], STKRM
	TRY	jmp T2SS:0
	jmp	.vt_end
RM
.vt:	push	ds
	pop	bx
	int3
PM
.vt_end:
	WD	" bx=", [v_bx]
	D	" fl=", [v_fl]
	WD	" cs=", [v_cs]
	WD	" ss=", [v_ss]
	WD	" tr=", [v_tr]
	WD	" es=", [v_f]
	WD	" fs=", [v_f + 8]
	clts
	END
	CASE	"v86.taskgate"		; left by a task gate
	TASK	task_frame, 0
	call	vmtables
	GATE	IDT + 13 * 8, 0x85, T2SS, 0
	VM
	mov	bx, 7
	hlt
	ENDVM
	BUSY
	D	" fl=", [TSS + 0x24]
	OFF	" ip=+", [TSS + 0x20]
	WD	" cs=", [TSS + 0x4c]
	WD	" ds=", [TSS + 0x54]
	D	" error=", [v_f]
	D	" now ", [v_hfl]
	clts
	END
	CASE	"v86.taskgate.iret"	; and back
	mov	eax, .ti
	xor	edx, edx
	call	mktss
	call	vmtables
	VMIOPL	3
	GATE	IDT + 0x40 * 8, 0xe5, T2SS, 0
	VM
	mov	bx, 7
	int	0x40
	inc	bx
	mov	cx, ds
	ENDVM
	jmp	.ti_end
.ti:	iretd
	jmp	.ti
.ti_end:
	WD	" bx=", [v_bx]
	WD	" cx=", [v_cx]
	D	" fl=", [v_fl]
	WD	" tr=", [v_tr]
	clts
	END

	; VME: the map of software interrupts is the 32 bytes before the I/O bitmap
	call	vmtables
	mov	eax, 1
	cpuid
	and	edx, 2
	mov	[v_t + 64], edx
	CASE	"vme"
	SAY	" "
	HEX	1, [v_t + 64]
	END
	CR4	0, 1
	mov	dword [TSS + 0x64], 0x880000
	mov	edi, TSS + 0x68
	xor	eax, eax
	mov	ecx, 8
	rep	stosd
	mov	dword [TSS + 0x68 + 4], 0x2	; INT 21h is not redirected
	mov	dword [TSS + 0x88], -1
	mov	word [0x22 * 4], .vme_in
	mov	word [0x22 * 4 + 2], 0x3000
	mov	word [0x21 * 4], .vme_in
	mov	word [0x21 * 4 + 2], 0x3000
	jmp	.vme_go
RM
.vme_in:
	mov	bp, sp
	mov	eax, [bp]
	mov	dx, [bp + 4]
	int3
PM
.vme_go:
%assign iopl 0
%rep 2
%assign viof 0
%rep 2
	SAY	"vme.iopl", iopl + '0', ".vif", viof + '0', ":"
	mov	dword [v_ufl], iopl << 12 | viof << 19 | 2
	VM
	xor	eax, eax
	xor	dx, dx
	int	0x22
	ENDVM
	D	" fl=", [v_fl]
	WD	" pushed ", [v_dx]
	WD	" cs=", [v_ax + 2]
	WD	" sp=", [v_sp]
	TRYVM	int 0x21
	VM
	cli
	ENDVM
	D	" ", [v_fl]
	VM
	sti
	ENDVM
	D	" ", [v_fl]
	VM
	xor	ax, ax
	pushf
	pop	ax
	ENDVM
	WD	" ", [v_ax]
	VM
	push	word 0x0202
	popf
	ENDVM
	D	" ", [v_fl]
	VM
	push	word 0x0002
	push	cs
	push	.vmi%[iopl]%[viof]
	iret
.vmi%[iopl]%[viof]:
	ENDVM
	D	" ", [v_fl]
	VM
	push	word 0x0102
	popf
	nop
	ENDVM
	TRYVM	pushfd
%if iopl == 0
	TRYVM	popfd
	TRYVM	iretd
%endif
	END
%assign viof viof + 1
%endrep
%assign iopl iopl + 3
%endrep
	CASE	"vme.vip"		; a virtual interrupt waits: STI and POPF are #GP
	mov	dword [v_ufl], 0x100002
	TRYVM	sti
	TRYVM	cli
	VM
	push	word 0x0202
	popf
	ENDVM
	VM
	push	word 0x0002
	popf
	ENDVM
	VM
	push	word 0x0202
	push	cs
	push	.vmx
	iret
.vmx:
	ENDVM
	mov	dword [v_ufl], 0x103002
	TRYVM	sti
	END
	CASE	"vme.int.if"		; IOPL 3: IF and TF are cleared by redirection
	mov	dword [v_ufl], 0x3202
	VM
	xor	dx, dx
	int	0x22
	ENDVM
	D	" fl=", [v_fl]
	WD	" pushed ", [v_dx]
	END
	CASE	"vme.limit"		; the map is beyond the TSS, or before it
	mov	dword [v_ufl], 2
	mov	dword [TSS + 0x64], 0x00100000
	TRYVM	int 0x22
	mov	dword [TSS + 0x64], 0x21000000
	TRYVM	int 0x22
	mov	dword [v_ufl], 0x3002
	TRYVM	int 0x22
	call	vmtables
	END
	CR4	1, 2			; PVI
	CASE	"pvi"
	mov	dword [v_ufl], 2
	TRY3	sti
	D	" ", [v_fl]
	mov	dword [v_ufl], 0x80002
	TRY3	cli
	D	" ", [v_fl]
	mov	dword [v_ufl], 0x100002
	TRY3	sti
	mov	dword [v_ufl], 2
	USER
	push	dword 0x80202
	popfd
	pushfd
	pop	eax
	ENDUSER
	D	" ", [v_ax]
	mov	dword [v_ufl], 0x3002
	TRY3	sti
	D	" ", [v_fl]
	END
	CR4	3, 0
	mov	dword [v_ufl], 2
	call	tables
	jmp	regs
