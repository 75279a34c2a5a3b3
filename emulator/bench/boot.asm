; SPDX-License-Identifier: GPL-2.0
;
; A ROM of 128 KiB that boots into a guest loop, for emulators of whole machines.
; The image is put in at ROM_IMAGE, what the loop is called with at ROM_ARGS.
; At port E9: a byte 02 before it runs, then EAX in hexadecimal and a line feed.

%define BASE		0xfffe0000	; of the ROM
%define ROM_IMAGE	0x0		; up to 64 KiB
%define ROM_ARGS	0x1f000		; entry, count, elements, port
%define GUEST_IMAGE	0x10000
%define SRC		0x30000
%define STACK		0x60000

	org	BASE
	bits	32
	times	0x1e000 db 0

start32:
	mov	ax, 0x10
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	fs, ax
	mov	gs, ax
	mov	esp, STACK
	cld
	mov	esi, BASE + ROM_IMAGE
	mov	edi, GUEST_IMAGE
	mov	ecx, 0x10000 / 4
	rep movsd

	; byte i of SRC is i * 7 + (i >> 8) + 3
	xor	ecx, ecx
.fill:	lea	eax, [ecx * 8 + 3]
	sub	eax, ecx
	add	al, ch
	mov	[SRC + ecx], al
	inc	ecx
	test	ecx, 0x10000
	jz	.fill

	mov	al, 2
	out	0xe9, al
	mov	ecx, [BASE + ROM_ARGS + 4]
	mov	ebx, [BASE + ROM_ARGS + 8]
	mov	edx, [BASE + ROM_ARGS + 12]
	xor	eax, eax
	call	dword [BASE + ROM_ARGS]

	mov	edx, eax
	mov	ecx, 8
.digit:	rol	edx, 4
	mov	al, dl
	and	al, 15
	cmp	al, 10
	sbb	al, 0x69
	das
	out	0xe9, al
	loop	.digit
	mov	al, 10
	out	0xe9, al
.end:	hlt
	jmp	.end

	align	8
gdt:	dq	0
	dq	0x00cf9b000000ffff	; 08: code
	dq	0x00cf93000000ffff	; 10: data
.end:
gdtr:	dw	gdt.end - gdt - 1
	dd	gdt

	times	ROM_ARGS - ($ - $$) db 0
	times	16 db 0

	times	0x1ff00 - ($ - $$) db 0
	bits	16
start16:
	cli
	o32 lgdt [cs:gdtr - $$ - 0x10000]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 0x08:start32

	times	0x1fff0 - ($ - $$) db 0
	jmp	near start16
	times	0x20000 - ($ - $$) db 0
