; SPDX-License-Identifier: GPL-2.0
;
; The guest loops that are timed: 32-bit code for a flat address space, linked with
; the compiled programs to one image at 10000h. All code is in one page.
;
; Called with	ECX	iterations, at least 1
;		EBX	elements of a block, for the strings
;		EDX	port
; Comes back with a result in EAX, and whatever in the others. SRC is filled by
; whoever calls, DF is 0, ESP is below STACK.

%define SRC	0x30000			; 64 KiB
%define DST	0x40000			; 64 KiB
%define MMIO	0xd0000			; 64 KiB, served by the owner
%define FL_TF	0x100

	extern	crc, sieve, sort, interp
	global	table

	bits	32
	section	.text.first exec align=16

; name, entry, bytes of an element (0: no string), as bench.h has it
%macro	entry 3
%%name:	db %1
	times 12 - ($ - %%name) db 0
	dd %2, %3
%endmacro

table:	entry	"alu", alu, 0
	entry	"mem", mem, 0
	entry	"crc", crc_, 0
	entry	"sieve", sieve_, 0
	entry	"sort", sort_, 0
	entry	"interp", interp_, 0
	entry	"out", out_, 0
	entry	"in", in_, 0
	entry	"outsb", outsb_, 1
	entry	"outsd", outsd_, 4
	entry	"insb", insb_, 1
	entry	"insd", insd_, 4
	entry	"movsb", movsb_, 1
	entry	"stosd", stosd_, 4
	entry	"mmio-read", mmio_read, 1
	entry	"mmio-write", mmio_write, 4
	entry	"step", step, 0
	entry	"", 0, 0

; A breakpoint on code that is never reached lies on the byte before an entry.
%macro	loop_at 1
	align	16, int3
	int3
	align	16, int3
%1:
%endmacro

%macro	compiled 1
	loop_at	%1_
	push	ecx
	call	%1
	pop	ecx
	ret
%endmacro

; W1: registers only, 14 instructions an iteration.
loop_at alu
	xor	eax, eax
	mov	edx, 0x12345678
	mov	ebx, 0x9abcdef0
	xor	edi, edi
.next:	add	eax, ecx
	mov	esi, eax
	shl	esi, 5
	xor	edx, esi
	lea	ebx, [ebx + edx * 2 + 7]
	sub	eax, ebx
	and	esi, 0xffff
	or	edi, esi
	cmp	eax, edx
	adc	ebx, 0
	ror	edx, 3
	inc	edi
	dec	ecx
	jnz	.next
	add	eax, edx
	xor	eax, ebx
	add	eax, edi
	ret

; W2: loads, stores, PUSH, POP, CALL, RET; 16 instructions an iteration.
loop_at mem
	mov	esi, SRC
	mov	edi, DST
	xor	ebx, ebx
	mov	dword [edi + 4], 0
.next:	mov	eax, [esi]
	add	eax, ecx
	mov	[edi], eax
	push	eax
	call	.load
	pop	ebx
	add	[edi + 4], ebx
	movzx	edx, byte [esi + 1]
	sub	ebx, edx
	lea	esi, [esi + 4]
	and	esi, SRC + 0xffc
	dec	ecx
	jnz	.next
	mov	eax, [edi + 4]
	ret
.load:	mov	eax, [esp + 4]
	xor	eax, ebx
	ret

compiled crc
compiled sieve
compiled sort
compiled interp

; 3 instructions an iteration.
loop_at out_
	mov	al, 0x55
.next:	out	dx, al
	dec	ecx
	jnz	.next
	ret

; Wait for a bit that never comes: 5 instructions an iteration.
loop_at in_
.next:	in	al, dx
	test	al, 1
	jnz	.done
	dec	ecx
	jnz	.next
.done:	movzx	eax, al
	ret

; One block an iteration: %1 is the instruction, %2 its source, %3 its destination.
%macro	string 3
	mov	ebp, ecx
%%next:	mov	esi, %2
	mov	edi, %3
	mov	ecx, ebx
	rep %1
	dec	ebp
	jnz	%%next
%endmacro

loop_at outsb_
	string	outsb, SRC, 0
	mov	eax, esi
	ret
loop_at outsd_
	string	outsd, SRC, 0
	mov	eax, esi
	ret
loop_at insb_
	string	insb, 0, DST
	mov	eax, [edi - 4]
	ret
loop_at insd_
	string	insd, 0, DST
	mov	eax, [edi - 4]
	ret
loop_at movsb_
	string	movsb, SRC, DST
	mov	eax, [edi - 4]
	ret
loop_at stosd_
	mov	eax, 0x5a5aa5a5
	string	stosd, 0, DST
	mov	eax, [edi - 4]
	ret
loop_at mmio_read
	string	movsb, MMIO, DST
	mov	eax, [edi - 4]
	ret
loop_at mmio_write
	mov	eax, 0x5a5aa5a5
	string	stosd, 0, MMIO
	mov	eax, edi
	ret

; A handler of the guest's own steps through 10 instructions an iteration, all
; but the first of them and with the two that end it. EAX: traps taken.
loop_at step
	lgdt	[gdtr]
	mov	eax, on_debug
	mov	[idt + 8], ax
	shr	eax, 16
	mov	[idt + 14], ax
	lidt	[idtr]
	mov	dword [traps], 0
	pushfd
	or	dword [esp], FL_TF
	popfd
.next:	add	eax, ecx
	mov	esi, eax
	shl	esi, 5
	xor	edx, esi
	lea	ebx, [ebx + edx * 2 + 7]
	sub	eax, ebx
	cmp	eax, edx
	adc	ebx, 0
	dec	ecx
	jnz	.next
	pushfd
	and	dword [esp], ~FL_TF
	popfd
	mov	eax, [traps]
	ret

	align	16, int3
on_debug:
	inc	dword [traps]
	iret

	section	.data align=16
traps:	dd	0
gdtr:	dw	gdt.end - gdt - 1
	dd	gdt
idtr:	dw	2 * 8 - 1
	dd	idt
	align	8
gdt:	dq	0
	dq	0x00cf9b000000ffff	; 08: code
	dq	0x00cf93000000ffff	; 10: data
.end:
idt:	dq	0
	dw	0, 8, 0x8e00, 0		; its offset is put in by step
