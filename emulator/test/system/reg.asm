; SPDX-License-Identifier: GPL-2.0
;
; Control registers, debug registers, MSRs in protected mode.

PM
regs:	mov	eax, cr0
	mov	[v_t + 100], eax
	CASE	"reg.cr"		; those that are not there
	TRY	{db 0x0f, 0x20, 0xc8}
	TRY	{db 0x0f, 0x20, 0xe8}
	TRY	{db 0x0f, 0x20, 0xf0}
	TRY	{db 0x0f, 0x20, 0xf8}
	TRY	{db 0x0f, 0x22, 0xe8}
	TRY	{db 0xf0, 0x0f, 0x20, 0xd8}	; LOCK
	TRY	{db 0x0f, 0x20, 0x18}		; mod is ignored
	END
	CASE	"reg.cr0"
	mov	eax, cr0
	and	eax, ~0x60000000
	or	eax, 0x20000000
	TRY	mov cr0, eax		; NW without CD
	mov	eax, [v_t + 100]
	mov	cr0, eax
	mov	eax, cr0
	or	eax, 0x10		; ET stays 1
	and	eax, ~0x10
	TRY	mov cr0, eax
	mov	eax, cr0
	and	eax, 0x10
	mov	[v_t], eax
	D	" ", [v_t]
	mov	eax, cr0
	or	eax, 0x1ff8ffc0 & ~0x10000
	GO
	mov	cr0, eax
	mov	ebx, cr0
	ENDGO
	mov	eax, [v_bx]
	and	eax, 0x1ffaffc0
	mov	[v_t], eax
	D	" ", [v_t]
	mov	eax, [v_t + 100]
	mov	cr0, eax
	END
	CASE	"reg.cr2"
	mov	eax, 0x12345678
	mov	cr2, eax
	mov	eax, cr2
	mov	[v_t], eax
	D	" ", [v_t]
	END
	CASE	"reg.cr3"		; PCD and PWT are kept
	mov	ebx, cr3
	mov	eax, 0x00ff0018
	mov	cr3, eax
	mov	eax, cr3
	mov	cr3, ebx
	mov	[v_t], eax
	D	" ", [v_t]
	END
	CASE	"reg.tsd"		; RDTSC at CPL 3
	TRY3	rdtsc
	CR4	0, 4
	TRY3	rdtsc
	TRY	rdtsc
	CR4	4, 0
	END
	CASE	"reg.pce"
	TRY3	rdpmc
	END
	CASE	"reg.umip"
	CR4	0, 0x800
	TRY3	sgdt [SCRATCH]
	TRY3	sidt [SCRATCH]
	TRY3	sldt ax
	TRY3	str ax
	TRY3	smsw ax
	TRY	smsw ax
	CR4	0x800, 0
	END
	CASE	"reg.dr.de"		; DR4 and DR5
	GO
	mov	eax, 0xffff0ff1
	db	0x0f, 0x23, 0xe0	; mov dr4, eax
	mov	ebx, dr6
	db	0x0f, 0x21, 0xe9	; mov ecx, dr5
	ENDGO
	D	" ", [v_bx]
	D	" ", [v_cx]
	CR4	0, 8
	TRY	{db 0x0f, 0x23, 0xe0}
	TRY	{db 0x0f, 0x21, 0xe9}
	CR4	8, 0
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"reg.dr.gd"		; general detect
	mov	eax, 0x2400
	mov	dr7, eax
	TRY	mov eax, dr0
	mov	eax, dr6
	mov	[v_t], eax
	mov	eax, dr7
	mov	[v_t + 4], eax
	D	" dr6=", [v_t]
	D	" dr7=", [v_t + 4]
	mov	eax, 0x2400
	mov	dr7, eax
	TRY3	mov eax, dr0
	xor	eax, eax
	TRY	mov dr7, eax
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	xor	eax, eax
	mov	dr7, eax
	END
	CASE	"reg.dr7"
	mov	eax, 0xffffffff & ~0x2000
	mov	dr7, eax
	mov	eax, dr7
	mov	[v_t], eax
	xor	eax, eax
	mov	dr7, eax
	D	" ", [v_t]
	mov	eax, dr7
	mov	[v_t], eax
	D	" ", [v_t]
	END
	CASE	"reg.dr.code"		; an instruction breakpoint, at each CPL, and RF
	mov	eax, .bp
	mov	dr0, eax
	mov	eax, 0x401
	mov	dr7, eax
	GO
	nop
.bp:	nop
	ENDGO
	D	" fl=", [v_fl]
	mov	eax, dr6
	mov	[v_t], eax
	D	" dr6=", [v_t]
	mov	eax, .bp2
	mov	dr0, eax
	GO
	push	dword 0x10002		; RF in the image: not again
	push	dword K_CODE
	push	dword .bp2
	iretd
.bp2:	nop
	nop
	ENDGO
	GO
	push	dword 2
	push	dword K_CODE
	push	dword .bp3
	mov	eax, .bp3
	mov	dr0, eax
	iretd
.bp3:	nop
	ENDGO
	xor	eax, eax
	mov	dr7, eax
	mov	eax, 0xffff0ff0
	mov	dr6, eax
	END
	CASE	"reg.dr.data"		; hit by delivery itself; QEMU 7.2 aborts
	cmp	byte [v_tcg], 0
	jne	.no_data
	mov	eax, STK0 - 0x800 - 8	; where ESP goes
	mov	dr1, eax
	mov	eax, 0xd00404		; L1, writes, 4 bytes
	mov	dr7, eax
	TRY3	int 0x80
	xor	eax, eax
	mov	dr7, eax
	mov	eax, dr6
	mov	[v_t], eax
	D	" dr6=", [v_t]
	mov	eax, 0xffff0ff0
	mov	dr6, eax
.no_data:
	END
	CASE	"reg.msr"		; one that nobody has, and reserved bits
	mov	ecx, 0x12345
	TRY	rdmsr
	mov	ecx, 0x12345
	TRY	wrmsr
	mov	ecx, 0xc0000080
	mov	eax, 0x00080000
	xor	edx, edx
	TRY	wrmsr
	mov	ecx, 0xc0000080
	xor	eax, eax
	mov	edx, 1
	TRY	wrmsr
	END
	CASE	"reg.sysenter"		; to flat ring 0, and SYSEXIT back
	mov	ecx, 0x174
	xor	eax, eax
	xor	edx, edx
	wrmsr
	TRY3	sysenter		; no CS: #GP(0)
	TRY	sysexit
	mov	ecx, 0x174
	mov	eax, L_CODE + 3		; flat, whatever the descriptors say
	xor	edx, edx
	wrmsr
	mov	ecx, 0x174
	mov	eax, K_CODE
	wrmsr
	mov	ecx, 0x175
	mov	eax, STK0 - 0x400
	wrmsr
	mov	ecx, 0x176
	mov	eax, .sysenter
	wrmsr
	mov	dword [v_ufl], 0x202
	USER
	sysenter
	ENDUSER
	SAY	" cs="
	HEX	4, [v_cs]
	D	" ss=", [v_ss]
	D	" sp=", [v_sp]
	D	" fl=", [v_fl]
	mov	dword [v_ufl], 2
	TRY3	sysexit			; not at CPL 3
	; SYSEXIT takes CS + 16, CS + 24: 18h, 20h
	mov	edx, .sysexit
	mov	ecx, STK3
	GO
	sysexit
.sysexit:
	mov	ebx, cs
	mov	esi, ss
	mov	edi, esp
	int	0x80
	ENDGO
	WD	" cs=", [v_bx]
	WD	" ss=", [v_si]
	D	" sp=", [v_di]
	jmp	.sys_end
.sysenter:
	mov	eax, cs
	mov	ebx, ss
	mov	ecx, K_DATA
	mov	ds, ecx
	mov	[v_cs], eax
	mov	[v_ss], ebx
	mov	[v_sp], esp
	pushfd
	pop	dword [v_fl]
	mov	dword [v_vec], 0x80
	jmp	resume32
.sys_end:
	END
	CASE	"reg.syscall"		; SCE is off
	TRY3	syscall
	TRY	sysret
	END
	CASE	"reg.cpuid"		; at CPL 3
	TRY3	cpuid
	END
	jmp	longmode
