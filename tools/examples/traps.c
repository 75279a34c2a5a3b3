// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel of one page: an IDT, faults that are repaired, a page that is mapped when
 * it is wanted, single steps, an I/O breakpoint, CPL 3 and back. It begins with the
 * tables that piotrap run --mode 32 and 64 make; see piotrap(1).
 */

#include "print.h"

#define KERNEL_CODE	0x08
#define USER_DATA	0x23
#ifdef __x86_64__
#define USER_CODE	0x2b
#define SP		"%%rsp"
#define IRET		"iretq"
#else
#define USER_CODE	0x1b
#define SP		"%%esp"
#define IRET		"iret"
#endif

#define GATE		0x8e00		/* present, an interrupt gate */
#define GATE_USER	0x6000		/* CPL 3 may use it by INT n */
#define PAGE_FLAGS	0x87		/* present, writable, user's, large */
#define CR4_DE		(1 << 3)
#define CR4_PSE		(1 << 4)

/* A page that is mapped, as the first of memory, when somebody looks there. */
#define FAR_AWAY	0x40000000
#define SOMEWHERE	0x8000		/* in both */

struct frame {
	uintptr_t ip, cs, flags, sp, ss;
};

struct gate {
	uint16_t low, selector, flags, middle;
#ifdef __x86_64__
	uint32_t high, reserved;
#endif
};

static struct gate idt[0x82];
static uint8_t user_stack[4096] __attribute__((__aligned__(16)));
static volatile uint32_t steps;

#ifdef __x86_64__
/* The table of the second GiB, in pages of 2 MiB. */
static volatile uint64_t *const far_away_entry = (uint64_t *)0x5000;
#else
static volatile uint32_t tables[1024] __attribute__((__aligned__(4096)));
static volatile uint32_t *const far_away_entry = &tables[FAR_AWAY >> 22];
#endif

#define HANDLER __attribute__((__interrupt__)) static void

static void say(const char *what, const struct frame *f)
{
	print(what);
	print(f->cs & 3 ? " at CPL 3" : " at CPL 0");
}

/* All instructions that fault here are two bytes long. */
static void skip(struct frame *f)
{
	f->ip += 2;
}

HANDLER divide_error(struct frame *f)
{
	say("#DE", f);
	print("\n");
	skip(f);
}

HANDLER debug(struct frame *f)
{
	uintptr_t dr6;

	asm volatile("mov %%dr6, %0" : "=r" (dr6));
	if (dr6 & 1) {
		say("#DB", f);
		print(", B0\n");
	}
	steps += dr6 >> 14 & 1;
	asm volatile("mov %0, %%dr6" : : "r" ((uintptr_t)0));
}

HANDLER breakpoint(struct frame *f)
{
	say("#BP", f);
	print("\n");
}

HANDLER invalid_opcode(struct frame *f)
{
	say("#UD", f);
	print("\n");
	skip(f);
}

HANDLER protection(struct frame *f, uintptr_t error)
{
	say("#GP", f);
	print(", error code ");
	print_hex(error, 4);
	print("\n");
	skip(f);
}

/* The instruction is started again, and finds the page. */
HANDLER page_fault(struct frame *f, uintptr_t error)
{
	uintptr_t address;

	asm volatile("mov %%cr2, %0" : "=r" (address));
	say("#PF", f);
	print(", error code ");
	print_hex(error, 4);
	print(", address ");
	print_hex(address, 8);
	print("\n");
	*far_away_entry = PAGE_FLAGS;
}

HANDLER hello(struct frame *f)
{
	say("INT 80h", f);
	print("\n");
}

HANDLER the_end(struct frame *f)
{
	say("INT 81h", f);
	print(", the end\n");
	asm volatile("hlt");
}

static void set_gate(unsigned int vector, void *handler, unsigned int flags)
{
	uintptr_t at = (uintptr_t)handler;

	idt[vector] = (struct gate) {
		.low = at,
		.selector = KERNEL_CODE,
		.flags = GATE | flags,
		.middle = at >> 16,
	};
}

static void set_idt(void)
{
	struct {
		uint16_t limit;
		uintptr_t base;
	} __attribute__((__packed__)) idtr = { sizeof(idt) - 1, (uintptr_t)idt };

	set_gate(0, divide_error, 0);
	set_gate(1, debug, 0);
	set_gate(3, breakpoint, 0);
	set_gate(6, invalid_opcode, 0);
	set_gate(13, protection, 0);
	set_gate(14, page_fault, 0);
	set_gate(0x80, hello, GATE_USER);
	set_gate(0x81, the_end, GATE_USER);
	asm volatile("lidt %0" : : "m" (idtr));
}

static void set_cr4(uintptr_t bits)
{
	uintptr_t cr4;

	asm volatile("mov %%cr4, %0" : "=r" (cr4));
	asm volatile("mov %0, %%cr4" : : "r" (cr4 | bits));
}

static void set_paging(void)
{
#ifdef __x86_64__
	*far_away_entry = 0;
	asm volatile("invlpg (%0)" : : "r" ((uintptr_t)FAR_AWAY) : "memory");
#else
	uintptr_t cr0;

	tables[0] = PAGE_FLAGS;
	set_cr4(CR4_PSE);
	asm volatile("mov %0, %%cr3" : : "r" (tables));
	asm volatile("mov %%cr0, %0" : "=r" (cr0));
	asm volatile("mov %0, %%cr0" : : "r" (cr0 | 1U << 31) : "memory");
#endif
}

static void faults(void)
{
	uint32_t found;

	asm volatile("div %%cl" : : "a" (1), "c" (0) : "cc");
	asm volatile("int3");
	asm volatile("ud2");
	asm volatile("mov %0, %%ds" : : "a" (0x1000));
	*(volatile uint32_t *)SOMEWHERE = 0x12345678;
	asm volatile("movl (%1), %0" : "=a" (found) : "a" ((uintptr_t)FAR_AWAY + SOMEWHERE));
	print("there is ");
	print_hex(found, 8);
	print("\n");
}

static void traps(void)
{
	/* Set TF by POPF, three NOPs, clear it by POPF: which is stepped too. */
	asm volatile("pushf\n"
		     "	orl	$0x100, (" SP ")\n"
		     "	popf\n"
		     "	nop\n"
		     "	nop\n"
		     "	nop\n"
		     "	pushf\n"
		     "	andl	$~0x100, (" SP ")\n"
		     "	popf"
		     : : : "memory", "cc");
	print_number(steps);
	print(" single steps\n");

	set_cr4(CR4_DE);
	asm volatile("mov %0, %%dr0" : : "r" ((uintptr_t)0x80));
	asm volatile("mov %0, %%dr7" : : "r" ((uintptr_t)0x20002));
	asm volatile("outb %%al, $0x80" : : "a" (0));
}

/* Has no port, and no way back but INT. */
static void __attribute__((__naked__)) user(void)
{
	asm volatile("mov	$0x23, %eax\n"
		     "	mov	%eax, %ds\n"
		     "	mov	%eax, %es\n"
		     "	int	$0x80\n"
		     "	outb	%al, $0x80\n"
		     "	int	$0x81\n"
		     "	ud2");
}

static void enter_user(void)
{
	asm volatile("push	%0\n"
		     "	push	%1\n"
		     "	pushf\n"
		     "	push	%2\n"
		     "	push	%3\n"
		     "	" IRET
		     : : "r" ((uintptr_t)USER_DATA),
			 "r" ((uintptr_t)user_stack + sizeof(user_stack)),
			 "r" ((uintptr_t)USER_CODE), "r" ((uintptr_t)user)
		     : "memory");
}

int main(void)
{
	set_idt();
	set_paging();
	faults();
	traps();
	enter_user();
	return 0;
}
