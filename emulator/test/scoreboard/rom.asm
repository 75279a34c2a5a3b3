; SPDX-License-Identifier: GPL-2.0
;
; A ROM of 64 KiB that runs one case of traps.case and says at port E9 what came:
;
;	E vector error ip flags dr6 dr7 eax ecx esi edi esp	an event was delivered
;	X eax ecx esi edi esp					the case came to its end
;	M							too many events
;	END
;
; in hexadecimal, registers as they were. Which case: the word at offset FFF6h of
; the ROM, patched for each run. The rest of this file is the same for all.
;
; The handler of #DB clears DR6 (not if the case says keep) and returns; for a
; code breakpoint it sets RF in the frame, and in real mode, whose frames have
; none, disarms the breakpoint. At the case's end it clears TF in the frame. Those
; of software interrupts return, that of any fault ends the case.

	cpu	default
	default	abs

%define CASE	0x1000			; where a case is copied to, and its header:
%define c_code	CASE			; its first instruction
%define c_end	CASE + 4		; where it ends
%define c_exec	CASE + 8		; code breakpoints, as bits of DR6
%define c_keep	CASE + 12		; not 0: DR6 is left as it is
%define c_entry	CASE + 16

; For the cases
%define SSW	0xf00			; memory that holds SS, for MOV SS
%define SSW2	0xf10
%define SSPTR	0xf20			; SS:ESP or SS:SP, for LSS
%define DATA	0x2000
%define TASK	0xd100			; TSS of 32 bits, selector 28h
%define TOP	0x7000			; of the stack
%define SEL_DATA 0x10
%define SEL_TASK 0x28
%define SEL_SMALL 0x30			; data, 1000h bytes from 2000h on

%define COMMON	0x8000
%define TSS	0xd000
%define VECTORS	64			; those above share the last one's handler
%define MAX	24			; events

	section	.boot start=0 vstart=0
	bits	16
boot:	cli
	cld
	mov	al, 0xff		; no interrupt from anywhere
	out	0x21, al
	out	0xa1, al
	mov	ax, 0xf000
	mov	ds, ax
	xor	ax, ax
	mov	es, ax
	mov	si, section..common.start
	mov	di, COMMON
	mov	cx, common_size
	rep	movsb
	mov	bx, [0xfff6]
	shl	bx, 3
	mov	si, [cases + bx]
	mov	cx, [cases + bx + 2]
	mov	di, CASE
	rep	movsb
	mov	dl, [cases + bx + 4]
	jmp	0:start

	section	.common follows=.boot vstart=COMMON
start:	mov	ds, ax			; 0, as ES
	mov	ss, ax
	mov	sp, TOP
	mov	si, stubs16
	xor	di, di
.ivt:	mov	[di], si
	mov	[di + 2], ax
	add	di, 4
	cmp	di, VECTORS * 4
	ja	.same
	add	si, 16
.same:	cmp	di, 0x400
	jb	.ivt
	mov	byte [events], MAX
	mov	dword [SSPTR], TOP
	mov	word [SSPTR + 4], 0
	test	dl, dl
	jnz	.prot
	mov	word [SSW], 0
	mov	word [SSW2], 0
	jmp	c_entry

.prot:	lgdt	[gdtr]
	lidt	[idtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 8:prot

	align	4
gdt:	dq	0
	dq	0x00cf9a000000ffff	; 08 code
	dq	0x00cf92000000ffff	; 10 data
	dq	0
	dq	0x000089000000006b + (TSS << 16)	; 20
	dq	0x000089000000006b + (TASK << 16)	; 28
	dq	0x0000920020000fff	; 30 small
gdt_end:
gdtr:	dw	gdt_end - gdt - 1
	dd	gdt
idtr:	dw	256 * 8 - 1
	dd	0xc000
events:	db	0

	bits	32
prot:	mov	ax, SEL_DATA
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	esp, TOP
	mov	[SSW], eax
	mov	[SSW2], eax
	mov	[SSPTR + 4], eax
	mov	eax, stubs32
	mov	edi, 0xc000
.idt:	mov	[edi], eax
	mov	word [edi + 2], 8
	mov	dword [edi + 4], 0x8e00
	add	edi, 8
	cmp	edi, 0xc000 + VECTORS * 8
	ja	.same
	add	eax, 16
.same:	cmp	edi, 0xc000 + 256 * 8
	jb	.idt
	xor	eax, eax
	mov	edi, TSS
	mov	ecx, 0x200 / 4
	rep	stosd
	mov	byte [TSS + 0x66], 0x68
	mov	edi, TASK
	mov	byte [edi + 0x24], 2	; EFLAGS
	mov	dword [edi + 0x38], 0x6000	; ESP
	mov	byte [edi + 0x66], 0x68
	mov	al, SEL_DATA
	mov	[edi + 0x48], eax	; ES
	mov	byte [edi + 0x4c], 8
	mov	[edi + 0x50], eax
	mov	[edi + 0x54], eax
	mov	ax, 0x20
	ltr	ax
	jmp	c_entry

; ---- the same for both modes: %1 bits, %2 ESP, %3 EBP, %4 ESI, %5 ECX, and where
; the frame has: %6 vector, %7 IP, %8 FLAGS; %9 the size of its slots

%macro	BOTH 9
	bits	%1
put%1:	mov	%5, 8			; EAX in hexadecimal and a blank
.next:	rol	eax, 4
	push	eax
	and	al, 15
	cmp	al, 10
	sbb	al, 0x69
	das
	or	al, 0x20
	out	0xe9, al
	pop	eax
	loop	.next
	mov	al, ' '
	out	0xe9, al
	ret

say%1:	lodsb
	out	0xe9, al
	cmp	al, 10
	jne	say%1
	ret

	align	16
common%1:
	pushad
	cld
	mov	%3, %2
	mov	al, 'E'
	out	0xe9, al
	mov	al, ' '
	out	0xe9, al
%if %1 == 16
	movzx	eax, word [bp + %6]
	call	put%1
	xor	eax, eax
	call	put%1
	movzx	eax, word [bp + %7]
	call	put%1
	movzx	eax, word [bp + %8]
	call	put%1
%else
	mov	eax, [ebp + %6]
	call	put%1
	mov	eax, [ebp + %6 + 4]
	call	put%1
	mov	eax, [ebp + %7]
	call	put%1
	mov	eax, [ebp + %8]
	call	put%1
%endif
	mov	eax, dr6
	mov	edi, eax
	call	put%1
	mov	eax, dr7
	call	put%1
	mov	eax, [%3 + 28]
	call	put%1
	mov	eax, [%3 + 24]
	call	put%1
	mov	eax, [%3 + 4]
	call	put%1
	mov	eax, [%3]
	call	put%1
	lea	eax, [ebp + %8 + %9]
	call	put%1
	mov	al, 10
	out	0xe9, al

	dec	byte [events]
	jz	.many
	mov	al, [%3 + %6]
	cmp	al, 1
	je	.db
	cmp	al, 3
	je	.return
	cmp	al, 4
	je	.return
	cmp	al, 0x20
	jae	.return
	jmp	out%1
.many:	mov	al, 'M'
	out	0xe9, al
	mov	al, 10
	out	0xe9, al
	jmp	stop%1

.db:	cmp	byte [c_keep], 0
	jne	.kept
	mov	eax, 0xffff0ff0
	mov	dr6, eax
.kept:	and	edi, [c_exec]
	jz	.noexec
%if %1 == 16
	mov	eax, dr7
	xor	ecx, ecx
.off:	bt	edi, ecx
	jnc	.no
	btr	eax, ecx
	inc	cx
	btr	eax, ecx
	dec	cx
.no:	add	cx, 2
	shl	edi, 1
	cmp	cx, 8
	jb	.off
	mov	dr7, eax
%else
	or	byte [ebp + %8 + 2], 1
%endif
.noexec:
	movzx	eax, word [%3 + %7]
	cmp	eax, [c_end]
	jb	.return
	cmp	eax, COMMON
	jae	.return
	and	byte [%3 + %8 + 1], 0xfe
.return:
	popad
	lea	%2, [esp + %7 - %6]
	iret

	bits	%1
finish%1:
	pushad
	cld
	mov	%3, %2
	xor	eax, eax
	mov	dr7, eax
	jmp	out%1.print
out%1:	xor	ax, ax			; not what the handler has in them
.print:	mov	al, 'X'
	out	0xe9, al
	mov	al, ' '
	out	0xe9, al
	mov	eax, [%3 + 28]
	call	put%1
	mov	eax, [%3 + 24]
	call	put%1
	mov	eax, [%3 + 4]
	call	put%1
	mov	eax, [%3]
	call	put%1
	lea	eax, [%3 + 32]
	call	put%1
	mov	al, 10
	out	0xe9, al
stop%1:
	mov	%4, end_text
	call	say%1
.hang:	cli
	hlt
	jmp	.hang
%endmacro

end_text:
	db	"END", 10

	BOTH	16, sp, bp, si, cx, 32, 34, 38, 2
	align	16
stubs16:
%assign n 0
%rep VECTORS
	align	16
	push	word n
	jmp	near common16
%assign n n + 1
%endrep

	BOTH	32, esp, ebp, esi, ecx, 32, 40, 48, 4
	align	16
stubs32:
%assign n 0
%rep VECTORS
	align	16
%if n != 8 && n != 17 && (n < 10 || n > 14)
	push	byte 0
%endif
	push	byte n
	jmp	near common32
%assign n n + 1
%endrep
common_size equ $ - $$

; Generated: the cases, a section each, and a table of them.
%include "cases.inc"

	section	.reset start=0xfff0 vstart=0xfff0
	bits	16
	jmp	0xf000:boot
	times	6 - ($ - $$) db 0
	dw	0			; number of the case
	times	16 - ($ - $$) db 0
