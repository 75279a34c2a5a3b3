; SPDX-License-Identifier: GPL-2.0
;
; A ROM that boots from the reset vector, runs cases and prints one line for each
; at port E9:
;
;	name: value value ...
;
; What a line shows must depend on nothing but the architecture. An event reads
; #vector(error code)+offset, the offset being that of the saved RIP from the
; instruction or the snippet under test.
;
; 128 KiB: code for protected and long mode, linked for 20000h, where it is copied
; to; then code for real mode and V86, at segment 3000h after the copy.

	cpu	default
	default	abs

%define VARS	0x40000			; segment 4000h in real mode
%define GDT	0x41000
%define IDT	0x42000
%define IDT64	0x43000			; 256 * 16
%define TSS	0x44000			; the one in use; 64h bytes and bitmap
%define TSS2	0x48000			; a second and a third task
%define TSS3	0x49000
%define LDT	0x4a000
%define STK0	0x4f000			; tops of stacks
%define STK1	0x4e000
%define STK2	0x4d000
%define STK3	0x4c000
%define STKDF	0x4b000
%define PD	0x50000			; page tables, up to 5ffffh
%define SCRATCH	0x60000			; 64 KiB for data
%define V86DATA	0x70000
%define STKRM	0xf000			; in segment 7000h

	absolute VARS
v_trap:		resq 1			; where 3000:10000 would be
v_resume:	resq 1
v_rsp:		resq 1			; stack to go on with
v_base:		resq 1			; offsets are from here
v_vec:		resq 1			; ff: nothing came
v_err:		resq 1
v_ip:		resq 1
v_cs:		resq 1
v_fl:		resq 1
v_sp:		resq 1			; of the frame, where it has one
v_ss:		resq 1
v_f:		resq 12			; what follows there
v_ax:		resq 1
v_cx:		resq 1
v_dx:		resq 1
v_bx:		resq 1
v_bp:		resq 1
v_si:		resq 1
v_di:		resq 1
v_ds:		resq 1
v_es:		resq 1
v_fs:		resq 1
v_gs:		resq 1
v_r8:		resq 1
v_r11:		resq 1
v_hsp:		resq 1			; handler's stack above the frame's CS, IP
v_hss:		resq 1
v_hfl:		resq 1			; handler's flags
v_cr2:		resq 1
v_cr0:		resq 1
v_tr:		resq 1
v_ufl:		resq 1			; flags for ring 3 and V86
v_t:		resq 32			; for the cases
v_dpl:		resb 1			; tables of descriptors
v_rpl:		resb 1
v_cpl:		resb 1
v_p:		resb 1
v_type:		resd 1
v_expect:	resd 1
v_sum:		resd 1
v_op:		resd 1
v_buf:		resb 80
v_page:		resb 1			; which byte of a page faults is open
v_tcg:		resb 1			; this is QEMU's TCG
v_tmp:		resb 256

	section	.pm start=0 vstart=0x20000
	section	.rm start=0x10000 vstart=0

; ---- printing, the same in each mode; nothing is kept

%define W	__BITS__

%macro	SAY 1+
	call	puts%[W]
	db	%1, 0
%endmacro

%macro	HEX 2				; digits, value
	mov	eax, %2
	mov	cl, %1
	call	hex%[W]
%endmacro

%macro	CASE 1+
	SAY	%1, ":"
%endmacro

%macro	END 0
	SAY	10
%endmacro

%macro	PRINTLIB 3			; names, si, dx
hex%1:	mov	ebx, eax
	movzx	%3, cl
.next:	dec	%3
	mov	eax, ebx
	mov	cl, dl
	shl	cl, 2
	shr	eax, cl
	and	al, 15
	add	al, '0'
	cmp	al, '9'
	jbe	.out
	add	al, 'a' - '9' - 1
.out:	out	0xe9, al
	test	%3, %3
	jnz	.next
	ret
puts%1:	pop	%2
%if W == 16
.next:	cs	lodsb
%else
.next:	lodsb
%endif
	test	al, al
	jz	.end
	out	0xe9, al
	jmp	.next
.end:	jmp	%2
%endmacro

; ---- one instruction, or a few, and what comes of them

%if 0
TRY	instruction		prints " ok" or " #vv(eeee)+oo"
GO, ENDGO			the same for several
%endif

%macro	GO 0
	%push	go
%if W == 16
	mov	word [v_resume - VARS], %$end
	mov	word [v_base - VARS], %$at
	mov	byte [v_vec - VARS], 0xff
	mov	[v_rsp - VARS], sp
%elif W == 32
	call	go32
	dd	%$end
%else
	call	go64
	dd	%$end
%endif
%$at:
%endmacro

%macro	ENDGO 0
%$end:	call	ev%[W]
	%pop
%endmacro

%macro	TRY 1+
	GO
	%1
	ENDGO
%endmacro

%macro	RM 0
	section	.rm
	bits	16
%endmacro

%macro	PM 0
	section	.pm
	bits	32
%endmacro

%macro	LM 0
	section	.pm
	bits	64
%endmacro

RM
boot:	cli
	cld
	mov	al, 0xff		; no interrupt from anywhere
	out	0x21, al
	out	0xa1, al
	mov	ax, 0xe000
	mov	ds, ax
	mov	ax, 0x2000
	mov	es, ax
	call	copy
	mov	ax, cs
	mov	ds, ax
	mov	ax, 0x3000
	mov	es, ax
	call	copy
	jmp	0x3000:real

; 64 KiB; with a return address but no stack yet, memory will do
copy:	xor	si, si
	xor	di, di
	mov	cx, 0x8000
	rep	movsw
	ret

%include "real.asm"
%include "prot.asm"
%include "gate.asm"
%include "task.asm"
%include "page.asm"
%include "v86.asm"
%include "reg.asm"
%include "long.asm"

PM
the_end:
	SAY	"end", 10
	; QEMU's and the image host's exit port, then Bochs's
	xor	eax, eax
	out	0xf4, al
	mov	dx, 0x8900
	mov	esi, .word
	mov	ecx, 8
.next:	lodsb
	out	dx, al
	loop	.next
	cli
	hlt
.word:	db	"Shutdown"

RM
	times	0xfff0 - ($ - $$) db 0
	jmp	0xf000:boot
	times	0x10000 - ($ - $$) db 0
PM
	times	0x10000 - ($ - $$) db 0
