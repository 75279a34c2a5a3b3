; SPDX-License-Identifier: GPL-2.0
;
; Paging: two levels, 4 MiB pages, PAE with NX; SMEP and SMAP.

PM
%define	PT0	0x51000			; 0 to 4 MiB, itself
%define	PTT	0x52000			; the page under test: 400000h
%define	PAEPDPT	0x53000
%define	PAEPD	0x54000
%define	PAEPT	0x55000			; two of them
%define	PAEPTT	0x57000
%define	TEST	0x400000

%macro	CR0 2				; bits to clear, to set
	mov	eax, cr0
	and	eax, strict dword ~(%1)
	or	eax, %2
	mov	cr0, eax
%endmacro
%macro	CR4 2
	mov	eax, cr4
	and	eax, strict dword ~(%1)
	or	eax, %2
	mov	cr4, eax
%endmacro
%macro	FLUSH 0
	mov	eax, cr3
	mov	cr3, eax
%endmacro
%define	PG	0x80000000
%define	WP	0x10000

pagetables:
	mov	edi, PD
	xor	eax, eax
	mov	ecx, 0x8000 / 4
	rep	stosd
	mov	dword [PD], PT0 | 7
	mov	dword [PD + 4], PTT | 7
	mov	edi, PT0
	mov	eax, 7
	mov	ecx, 1024
.next:	stosd
	add	eax, 0x1000
	loop	.next
	mov	dword [PTT], SCRATCH | 7
	; the same for PAE
	mov	dword [PAEPDPT], PAEPD | 1
	mov	dword [PAEPD], PAEPT | 7
	mov	dword [PAEPD + 8], (PAEPT + 0x1000) | 7
	mov	dword [PAEPD + 16], PAEPTT | 7
	mov	edi, PAEPT
	mov	eax, 7
	mov	ecx, 1024
.pae:	stosd
	mov	dword [edi], 0
	add	edi, 4
	add	eax, 0x1000
	loop	.pae
	mov	dword [PAEPTT], SCRATCH | 7
	mov	dword [SCRATCH], 0x000080cd
	mov	dword [SCRATCH + 0x10], 0x11223344
	ret

OP pgread
.at:	mov	al, [TEST + 0x10]
	int	0x80
OP pgwrite
.at:	mov	[TEST + 0x10], al
	int	0x80
OP pgrmw
.at:	add	byte [TEST + 0x10], 0
	int	0x80
OP pgcmpx				; not equal, and yet a write
	xor	eax, eax
.at:	cmpxchg	[TEST + 0x10], cl
	int	0x80
OP pgexec
.at:	jmp	TEST

; EAX: operation; v_cpl; v_t: address of PDE, v_t + 4: of PTE; v_t + 8, 12: their
; values without the flags; v_t + 16: CR2 of a fault; v_t + 20: 1 for
; entries of 8 bytes, whose upper halves stay. 64 combinations of P, W and U.
tab64:	mov	[v_op], eax
	mov	dword [v_type], 0
.next:	mov	ecx, [v_type]
	mov	eax, ecx
	shr	eax, 3
	or	eax, [v_t + 8]
	mov	esi, [v_t]
	mov	[esi], eax
	mov	eax, ecx
	and	eax, 7
	or	eax, [v_t + 12]
	mov	esi, [v_t + 4]
	mov	[esi], eax
	FLUSH
	mov	dword [v_resume], .back
	mov	dword [v_vec], 0xff
	mov	[v_rsp], esp
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
.cpl0:	mov	eax, [v_ufl]
	push	eax
	popfd
	jmp	[v_op]
.back:	mov	al, '.'
	cmp	byte [v_vec], 0x80
	je	.out
	mov	al, '?'
	cmp	byte [v_vec], 14
	jne	.out
	mov	al, '!'
	mov	edx, [v_cr2]
	cmp	edx, [v_t + 16]
	jne	.out
	mov	eax, [v_err]
	cmp	eax, 31
	ja	.out
	add	al, '0'
	cmp	al, '9'
	jbe	.out
	add	al, 'a' - '9' - 1
.out:	out	0xe9, al
	; A of both, D of the last; after a fault the manual leaves it open
	cmp	al, '.'
	mov	al, '-'
	jne	.store
	mov	esi, [v_t]
	mov	edx, [esi]
	shr	edx, 5
	and	edx, 1
	mov	esi, [v_t + 4]
	mov	eax, [esi]
	shr	eax, 4
	and	eax, 6
	or	al, dl
	add	al, '0'
.store:	mov	ecx, [v_type]
	mov	[v_buf + ecx], al
	inc	ecx
	mov	[v_type], ecx
	cmp	ecx, 64
	jb	.next
	mov	al, ':'
	out	0xe9, al
	mov	esi, v_buf
	mov	ecx, 64
	mov	dx, 0xe9
	rep	outsb
	ret

%macro	PGTAB 3				; name, operation, cpl
	CASE	%1, " cpl", %3 + '0'
	SAY	" "
	mov	byte [v_cpl], %3
	mov	eax, op_%2
	call	tab64
	END
%endmacro

%macro	PGTABS 1			; read, write, fetch at both CPLs, with and without WP
	PGTAB	{%1, ".read"}, pgread, 0
	PGTAB	{%1, ".write"}, pgwrite, 0
	CR0	0, WP
	PGTAB	{%1, ".write.wp"}, pgwrite, 0
	PGTAB	{%1, ".rmw.wp"}, pgrmw, 0
	PGTAB	{%1, ".cmpxchg.wp"}, pgcmpx, 0
	CR0	WP, 0
	mov	dword [v_t + 16], TEST
	PGTAB	{%1, ".exec"}, pgexec, 0
	PGTAB	{%1, ".exec"}, pgexec, 3
	mov	dword [v_t + 16], TEST + 0x10
	PGTAB	{%1, ".read"}, pgread, 3
	PGTAB	{%1, ".write"}, pgwrite, 3
	PGTAB	{%1, ".rmw"}, pgrmw, 3
	PGTAB	{%1, ".cmpxchg"}, pgcmpx, 3
%endmacro

%macro	PGPARAM 4			; PDE, PTE, their values
	mov	dword [v_t], %1
	mov	dword [v_t + 4], %2
	mov	dword [v_t + 8], %3
	mov	dword [v_t + 12], %4
	mov	dword [v_t + 16], TEST + 0x10
%endmacro

paging:	call	tables
	call	pagetables
	CR4	-1, 0
	mov	eax, PD
	mov	cr3, eax
	CR0	0, PG
	PGPARAM	PD + 4, PTT, PTT, SCRATCH
	PGTABS	"page32"

	mov	dword [PTT], SCRATCH | 7
	mov	dword [PTT + 4], 0
	mov	dword [PD + 4], PTT | 7
	FLUSH
	CASE	"page32.cross"		; the second page is absent: nothing is written
	mov	dword [SCRATCH + 0xffc], 0x55555555
	TRY	mov dword [TEST + 0xffe], 0x12345678
	D	" ", [SCRATCH + 0xffc]
	TRY	mov eax, [TEST + 0xffd]
	TRY	add dword [TEST + 0xffd], 0x10101010
	D	" ", [SCRATCH + 0xffc]
	TRY	xchg [TEST + 0xfff], ax
	D	" ", [SCRATCH + 0xffc]
	END
	CASE	"page32.cross.ro"	; the second page is read-only
	mov	dword [PTT + 4], (SCRATCH + 0x1000) | 5
	CR0	0, WP
	FLUSH
	TRY	mov dword [TEST + 0xffe], 0x12345678
	D	" ", [SCRATCH + 0xffc]
	TRY3	mov dword [TEST + 0xffe], 0x12345678
	D	" ", [SCRATCH + 0xffc]
	B	" ", [PTT]
	B	" ", [PTT + 4]
	CR0	WP, 0
	mov	dword [PTT + 4], 0
	END
	CASE	"page32.cross.first"	; the first is absent
	mov	dword [PTT], 0
	mov	dword [PTT + 4], (SCRATCH + 0x1000) | 7
	mov	dword [SCRATCH + 0x1000], 0x66666666
	FLUSH
	TRY	mov dword [TEST + 0xffe], 0x12345678
	TRY	mov eax, [TEST + 0xffe]
	D	" ", [SCRATCH + 0x1000]
	B	" ", [PTT + 4]
	mov	dword [PTT], SCRATCH | 7
	mov	dword [PTT + 4], 0
	FLUSH
	END
	CASE	"page32.fetch.cross"	; an instruction over two pages
	mov	byte [SCRATCH + 0xfff], 0xb8	; mov eax, imm32
	TRY	jmp TEST + 0xfff
	TRY3	jmp TEST + 0xfff
	mov	byte [SCRATCH + 0xfff], 0x90	; ends with the page
	TRY	jmp TEST + 0xfff
	END
	CASE	"page32.string"		; REP stops at the page
	GO
	mov	edi, TEST + 0xff0
	mov	ecx, 0x20
	mov	al, 0x77
	rep	stosb
	ENDGO
	D	" cx=", [v_cx]
	D	" di=", [v_di]
	GO
	mov	edi, TEST + 0xffd
	mov	esi, SCRATCH
	mov	ecx, 2
	rep	movsd
	ENDGO
	D	" cx=", [v_cx]
	D	" di=", [v_di]
	D	" si=", [v_si]
	END
	CASE	"page32.push"		; the stack ends in an absent page
	mov	dword [PTT + 4], (SCRATCH + 0x1000) | 7
	mov	dword [PTT], SCRATCH | 6
	FLUSH
	USER
	mov	esp, TEST + 0x1002
	push	dword 0x12345678
	ENDUSER
	D	" sp=", [v_sp]
	USER
	mov	esp, TEST + 0x1010
	pushad
	ENDUSER
	D	" sp=", [v_sp]
	USER
	mov	esp, TEST + 0x1004
	mov	ebp, esp
	enter	8, 0
	ENDUSER
	D	" sp=", [v_sp]
	D	" bp=", [v_bp]
	USER
	mov	esp, TEST + 0x1000
	call	$ + 5
	ENDUSER
	D	" sp=", [v_sp]
	USER
	mov	esp, TEST + 0xffe
	pop	eax
	ENDUSER
	D	" sp=", [v_sp]
	mov	dword [PTT], SCRATCH | 7
	FLUSH
	END
	CASE	"page32.invlpg"
	mov	dword [SCRATCH], 0x11111111
	mov	dword [SCRATCH + 0x2000], 0x22222222
	mov	eax, [TEST]
	mov	dword [PTT], (SCRATCH + 0x2000) | 7
	invlpg	[TEST]
	mov	eax, [TEST]
	mov	[v_t + 24], eax
	mov	dword [PTT], SCRATCH | 7
	FLUSH
	mov	eax, [TEST]
	mov	[v_t + 28], eax
	D	" ", [v_t + 24]
	D	" ", [v_t + 28]
	mov	dword [PTT], 0
	invlpg	[TEST]
	TRY	mov eax, [TEST]
	mov	dword [PTT], SCRATCH | 7
	mov	dword [SCRATCH], 0x000080cd
	TRY	{db 0x0f, 0x01, 0xff}	; takes memory only
	END

	mov	byte [v_page], 1
	CASE	"page32.implicit"	; tables are read and written as supervisor
	mov	dword [PTT + 4], 0
	FLUSH
	DESC	K_LDT, 0x00008240, 0x100000ff	; the LDT at 401000h
	mov	eax, K_LDT
	lldt	ax
	USER
	mov	eax, 4 | 3
	mov	ds, eax
	ENDUSER
	mov	dword [PTT + 4], (SCRATCH + 0x1000) | 1	; supervisor's, read-only
	CR0	0, WP
	FLUSH
	mov	dword [SCRATCH + 0x1000], 0x0000ffff
	mov	dword [SCRATCH + 0x1004], 0x00cff200
	USER
	mov	eax, 4 | 3
	mov	ds, eax
	ENDUSER
	B	" ", [SCRATCH + 0x1005]
	USER
	mov	eax, 4 | 3
	lar	eax, eax
	verr	ax
	ENDUSER
	CR0	WP, 0
	USER
	mov	eax, 4 | 3
	mov	ds, eax
	ENDUSER
	B	" ", [SCRATCH + 0x1005]
	call	tables
	END
	CASE	"page32.iomap"		; so is the I/O bitmap
	mov	dword [PTT + 4], 0
	FLUSH
	mov	word [GDT + K_TSS], 0x2068
	mov	esi, TSS
	mov	edi, SCRATCH
	mov	ecx, 0x1000 / 4
	rep	movsd
	mov	dword [SCRATCH + 0x64], 0x10000000	; from 401000h on
	mov	byte [GDT + K_TSS + 4], TEST >> 16
	mov	word [GDT + K_TSS + 2], 0
	mov	byte [GDT + K_TSS + 5], 0x89
	mov	eax, K_TSS
	ltr	ax
	TRY3	in al, 0
	call	tables
	mov	dword [SCRATCH], 0x000080cd
	END

	CASE	"page32.desc.cross"	; a descriptor over two pages, the second absent
	mov	dword [PTT + 4], 0
	FLUSH
	DESC	K_LDT, 0x00008200, 0x000000ff
	mov	word [GDT + K_LDT + 2], 0x0ffc
	mov	byte [GDT + K_LDT + 4], TEST >> 16
	mov	byte [GDT + K_LDT + 7], 0
	mov	dword [SCRATCH + 0xffc], 0x0000ffff
	mov	dword [SCRATCH + 0x1000], 0x00cff200
	mov	eax, K_LDT
	lldt	ax
	mov	eax, 4
	TRY	mov ds, eax
	mov	dword [PTT + 4], (SCRATCH + 0x1000) | 7
	FLUSH
	mov	eax, 4
	TRY	mov ds, eax
	D	" ", [SCRATCH + 0x1000]
	mov	dword [PTT + 4], 0
	FLUSH
	call	tables
	END
	CASE	"page32.tss"		; TSSes in absent pages: #PF in the old task
	TASK	task_end, 0
	mov	word [GDT + T2SS + 2], 0x1000
	mov	byte [GDT + T2SS + 4], TEST >> 16
	TRY	jmp T2SS:0
	WD	" tr=", [v_tr]
	B	" ", [GDT + T2SS + 5]
	TRY	call T2SS:0
	B	" ", [GDT + T2SS + 5]
	call	tables
	END
	mov	byte [v_page], 0
	CASE	"page32.frame"		; the second half of a frame hits an absent page
	TASK	task_frame, 0
	mov	eax, cr3
	mov	[TSS2 + 0x1c], eax
	GATE	IDT + 14 * 8, 0x85, T2SS, 0
	mov	dword [PTT + 4], (SCRATCH + 0x1000) | 7
	mov	dword [PTT], SCRATCH | 6
	FLUSH
	mov	dword [TSS + 4], TEST + 0x1008
	TRY3	int 0x40
	D	" cr2=", [v_cr2]
	D	" error=", [v_f]
	OFF	" ip=+", [TSS + 0x20]
	D	" sp=", [TSS + 0x38]
	mov	dword [PTT], SCRATCH | 7
	mov	dword [PTT + 4], 0
	FLUSH
	call	tables
	END
	CASE	"page32.deliver"	; the ring 0 stack is absent: #PF in delivery
	TASK	task_frame, 0
	mov	eax, cr3
	mov	[TSS2 + 0x1c], eax
	GATE	IDT + 14 * 8, 0x85, T2SS, 0
	mov	dword [TSS + 4], TEST + 0x2000
	TRY3	int 0x40
	SAY	" "
	D	" cr2=", [v_cr2]
	D	" error=", [v_f]
	OFF	" ip=+", [TSS + 0x20]
	WD	" cs=", [TSS + 0x4c]
	END
	CASE	"page32.double"		; #PF in delivery of #PF: #DF
	TASK	task_frame, 0
	mov	eax, cr3
	mov	[TSS2 + 0x1c], eax
	GATE	IDT + 8 * 8, 0x85, T2SS, 0
	mov	dword [TSS + 4], TEST + 0x2000
	TRY3	mov al, [TEST + 0x1000]
	D	" cr2=", [v_cr2]
	D	" error=", [v_f]
	OFF	" ip=+", [TSS + 0x20]
	TASK	task_frame, 0
	mov	eax, cr3
	mov	[TSS2 + 0x1c], eax
	GATE	IDT + 8 * 8, 0x85, T2SS, 0
	GO
	mov	esp, TEST + 0x2000
	ud2
	ENDGO
	D	" cr2=", [v_cr2]
	D	" error=", [v_f]
	OFF	" ip=+", [TSS + 0x20]
	END
	CASE	"page32.double.mixed"	; #GP in delivery of #PF, #PF in that of #GP
	TASK	task_frame, 0
	mov	eax, cr3
	mov	[TSS2 + 0x1c], eax
	GATE	IDT + 8 * 8, 0x85, T2SS, 0
	mov	word [IDT + 14 * 8 + 2], 0
	TRY3	mov al, [TEST + 0x1000]
	D	" cr2=", [v_cr2]
	D	" error=", [v_f]
	TASK	task_frame, 0
	mov	eax, cr3
	mov	[TSS2 + 0x1c], eax
	GATE	IDT + 14 * 8, 0x85, T2SS, 0
	mov	dword [TSS + 4], TEST + 0x2000
	TRY3	hlt
	D	" cr2=", [v_cr2]
	D	" error=", [v_f]
	END
	CASE	"page32.task"		; CR3 from the TSS
	TASK	task_end, 0
	mov	esi, PD
	mov	edi, PD + 0x9000
	mov	ecx, 1024
	rep	movsd
	mov	dword [TSS2 + 0x1c], PD + 0x9000
	TRY	jmp T2SS:0
	mov	eax, cr3
	mov	[v_t], eax
	D	" cr3=", [v_t]
	D	" old=", [TSS + 0x1c]
	mov	eax, PD
	mov	cr3, eax
	call	tables
	END

	CASE	"page32.pse"		; PS without CR4.PSE is ignored; with it: 4 MiB
	mov	dword [PD + 8], PTT | 0x87
	mov	dword [PTT], SCRATCH | 7
	FLUSH
	mov	dword [SCRATCH + 0x10], 0x11223344
	mov	eax, [0x800010]
	mov	[v_t + 24], eax
	D	" ", [v_t + 24]
	CR4	0, 0x10
	mov	dword [PD + 8], 0x87
	FLUSH
	mov	eax, [0x800010 + SCRATCH]
	mov	[v_t + 24], eax
	D	" ", [v_t + 24]
	D	" ", [PD + 8]
	mov	byte [0x800000 + SCRATCH], 0xcd
	D	" ", [PD + 8]
	mov	dword [PD + 8], 0x85
	CR0	0, WP
	FLUSH
	TRY	mov [0x800000 + SCRATCH], al
	TRY3	mov [0x800000 + SCRATCH], al
	CR0	WP, 0
	mov	dword [PD + 8], 0x87
	FLUSH
	TRY3	mov [0x800000 + SCRATCH + 0x20], al
	mov	dword [PD + 8], 0x83
	FLUSH
	TRY3	mov al, [0x800000]
	mov	dword [PD + 8], 0x200087	; bit 21
	FLUSH
	TRY	mov al, [0x800000]
	TRY3	mov [0x800000], al
	mov	dword [PD + 8], 0x200086
	FLUSH
	TRY	mov al, [0x800000]
	END

	CASE	"page32.cr0"		; PG needs PE
	mov	eax, cr0
	mov	ebx, eax
	and	al, 0xfe
	GO
	mov	cr0, eax
	mov	cr0, ebx
	ENDGO
	END

	; SMEP and SMAP: all that is ours must be the supervisor's
	mov	dword [PD], PT0 | 3
	mov	dword [PD + 4], PTT | 7
	mov	dword [v_ufl], 2
	FLUSH
	CR4	0, 0x100000
	PGPARAM	PD + 4, PTT, PTT, SCRATCH
	mov	dword [v_t + 16], TEST
	PGTAB	"page32.smep.exec", pgexec, 0
	mov	dword [v_t + 16], TEST + 0x10
	CR4	0x100000, 0x200000
	PGTAB	"page32.smap.read", pgread, 0
	PGTAB	"page32.smap.write", pgwrite, 0
	CR0	0, WP
	PGTAB	"page32.smap.write.wp", pgwrite, 0
	CR0	WP, 0
	mov	dword [v_t + 16], TEST
	PGTAB	"page32.smap.exec", pgexec, 0
	mov	dword [v_t + 16], TEST + 0x10
	mov	dword [v_ufl], 0x40002
	PGTAB	"page32.smap.ac.read", pgread, 0
	PGTAB	"page32.smap.ac.write", pgwrite, 0
	mov	dword [v_ufl], 2
	CASE	"page32.stac"
	mov	dword [PD + 4], PTT | 7
	mov	dword [PTT], SCRATCH | 7
	FLUSH
	GO
	stac
	mov	al, [TEST]
	clac
	ENDGO
	TRY	mov al, [TEST]
	END
	CR4	0x300000, 0
	CR0	PG, 0
	CR4	-1, 0
	call	pagetables
	CASE	"page32.stac3"
	TRY3	stac
	TRY3	clac
	END

	; PAE
	CASE	"pae.pg"		; and when PG is set
	CR4	0, 0x20
	mov	dword [PAEPDPT + 16], 0x1e1
	mov	eax, PAEPDPT
	mov	cr3, eax
	cmp	byte [v_tcg], 0
	jne	.no_pg
	mov	eax, cr0
	or	eax, PG
	TRY	mov cr0, eax
.no_pg:	mov	dword [PAEPDPT + 16], 0
	CR4	0x20, 0
	END
	CASE	"pae.cr3"		; reserved bits of PDPTEs are looked at when CR3 is loaded
	CR4	0, 0x20
	mov	eax, PAEPDPT
	mov	cr3, eax
	CR0	0, PG
	mov	dword [PAEPDPT + 8], 0x1e1	; bits 5 to 8 are reserved
	mov	eax, PAEPDPT
	TRY	mov cr3, eax
	mov	dword [PAEPDPT + 8], 0x1e0	; not present: not looked at
	mov	eax, PAEPDPT
	TRY	mov cr3, eax
	mov	dword [PAEPDPT + 8], 7		; W and U are reserved too
	mov	eax, PAEPDPT
	TRY	mov cr3, eax
	mov	dword [PAEPDPT + 8], 0
	END
	PGPARAM	PAEPD + 16, PAEPTT, PAEPTT, SCRATCH
	PGTABS	"pae"
	CASE	"pae.nx.off"		; without NXE, bit 63 is reserved
	mov	dword [PAEPD + 16], PAEPTT | 7
	mov	dword [PAEPTT], SCRATCH | 7
	mov	dword [PAEPTT + 4], 0x80000000
	FLUSH
	TRY	mov al, [TEST]
	TRY3	mov [TEST], al
	TRY3	jmp TEST
	END
	mov	ecx, 0xc0000080
	rdmsr
	or	eax, 0x800
	wrmsr
	mov	dword [v_t + 16], TEST
	PGTAB	"pae.nx.exec", pgexec, 0
	PGTAB	"pae.nx.exec", pgexec, 3
	mov	dword [v_t + 16], TEST + 0x10
	PGTAB	"pae.nx.write", pgwrite, 3
	mov	dword [PAEPTT + 4], 0
	mov	dword [PAEPD + 16 + 4], 0x80000000
	mov	dword [v_t + 16], TEST
	PGTAB	"pae.nxpd.exec", pgexec, 0
	PGTAB	"pae.nxpd.exec", pgexec, 3
	mov	dword [PAEPD + 16 + 4], 0
	PGTAB	"pae.nxe.exec", pgexec, 3
	mov	dword [v_t + 16], TEST + 0x10
	CASE	"pae.reserved"		; bit 51, in PTE and PDE; a large page's low bits
	mov	dword [PAEPD + 16], PAEPTT | 7
	mov	dword [PAEPTT], SCRATCH | 7
	mov	dword [PAEPTT + 4], 0x00080000
	FLUSH
	TRY	mov al, [TEST]
	TRY3	mov [TEST], al
	mov	dword [PAEPTT + 4], 0
	mov	dword [PAEPD + 20], 0x00080000
	FLUSH
	TRY	mov al, [TEST]
	mov	dword [PAEPD + 20], 0
	mov	dword [PAEPD + 16], 0x2087
	FLUSH
	TRY	mov al, [TEST]
	mov	dword [PAEPD + 16], 0x87
	FLUSH
	mov	eax, [TEST + SCRATCH + 0x10]
	mov	[v_t + 24], eax
	D	" ", [v_t + 24]
	D	" ", [PAEPD + 16]
	END
	CASE	"pae.pdpte"		; absent: error code of a missing page
	TRY	mov al, [0x40000000]
	TRY3	mov [0x40000000], al
	END
	CASE	"pae.cr4"		; a reserved bit; QEMU 7.2 does not come back
	cmp	byte [v_tcg], 0
	jne	.tcg
	mov	eax, cr4
	or	eax, 0x8000
	TRY	mov cr4, eax
.tcg:	END
	CR0	PG, 0
	CR4	-1, 0
	mov	ecx, 0xc0000080
	xor	eax, eax
	xor	edx, edx
	wrmsr
	jmp	v86
