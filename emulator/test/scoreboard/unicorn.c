// SPDX-License-Identifier: GPL-2.0
/*
 * Boot a ROM of 64 KiB in Unicorn, bytes for port E9 to stdout.
 *
 * Unicorn reports exceptions and software interrupts to a hook and delivers none.
 * So this does, through IVT or IDT. When, with which EIP and which DR6, is
 * Unicorn's; what is decided here instead is said on a line that begins with an
 * asterisk.
 *
 * usage: unicorn ROM
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <unicorn/unicorn.h>

#define RAM		0x100000
#define ROM		0x10000

#define FL_TF		(1U << 8)
#define FL_IF		(1U << 9)
#define FL_RF		(1U << 16)
#define DR7_GD		(1U << 13)

static uint32_t get(uc_engine *uc, int reg)
{
	uint64_t v = 0;

	uc_reg_read(uc, reg, &v);
	return v;
}

static void set(uc_engine *uc, int reg, uint32_t val)
{
	uint64_t v = val;

	uc_reg_write(uc, reg, &v);
}

static uint32_t load(uc_engine *uc, uint32_t at, unsigned int size)
{
	uint32_t v = 0;

	uc_mem_read(uc, at, &v, size);
	return v;
}

static void decided(const char *what)
{
	printf("* %s\n", what);
}

static void fatal(const char *what, uc_err err)
{
	fprintf(stderr, "unicorn: %s: %s\n", what, uc_strerror(err));
	exit(2);
}

static int has_error_code(uint32_t vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

/* Segments are flat, and the handler's are those of the code. */
static void deliver(uc_engine *uc, uint32_t vector, int soft)
{
	int wide = get(uc, UC_X86_REG_CR0) & 1;
	unsigned int slot = wide ? 4 : 2, n, count = 3;
	uint32_t fl = get(uc, UC_X86_REG_EFLAGS), sp = get(uc, UC_X86_REG_ESP);
	uint32_t dr7 = get(uc, UC_X86_REG_DR7);
	uint32_t frame[4] = { fl, get(uc, UC_X86_REG_CS), get(uc, UC_X86_REG_EIP), 0 };
	uint32_t to;
	uc_x86_mmr idtr;

	if (soft) {
		decided("the software interrupt");
		frame[0] &= ~FL_RF;
	} else if (vector != 1) {
		decided("RF in the frame of a fault");
		frame[0] |= FL_RF;
	}
	if (vector == 1 && (dr7 & DR7_GD)) {
		decided("that GD is cleared");
		set(uc, UC_X86_REG_DR7, dr7 & ~DR7_GD);
	}
	if (wide && !soft && has_error_code(vector)) {
		decided("the error code");
		count = 4;
	}
	for (n = 0; n < count; n++) {
		sp -= slot;
		uc_mem_write(uc, sp, &frame[n], slot);
	}
	if (wide) {
		uc_reg_read(uc, UC_X86_REG_IDTR, &idtr);
		to = load(uc, idtr.base + 8 * vector, 2) |
			load(uc, idtr.base + 8 * vector + 6, 2) << 16;
	} else {
		to = load(uc, 4 * vector, 2);
	}
	set(uc, UC_X86_REG_EFLAGS, fl & ~(FL_TF | FL_IF | FL_RF));
	set(uc, UC_X86_REG_ESP, sp);
	set(uc, UC_X86_REG_EIP, to);
}

static void on_intr(uc_engine *uc, uint32_t vector, void *user)
{
	deliver(uc, vector, vector == 3 || vector == 4 || vector >= 0x20);
}

/* Unicorn stops behind this hook, whatever it says. */
static bool on_invalid(uc_engine *uc, void *user)
{
	deliver(uc, 6, 0);
	*(bool *)user = true;
	return true;
}

static uint32_t on_in(uc_engine *uc, uint32_t port, int size, void *user)
{
	return ~0U >> (32 - 8 * size);
}

static void on_out(uc_engine *uc, uint32_t port, int size, uint32_t val, void *user)
{
	if (port == 0xe9)
		putchar(val & 0xff);
}

int main(int argc, char **argv)
{
	static uint8_t rom[ROM];
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	uint32_t at = 0xffff0;
	bool again = false;
	uc_engine *uc;
	uc_hook h[4];
	uc_err err;

	if (!f || fread(rom, 1, ROM, f) != ROM) {
		fprintf(stderr, "usage: unicorn ROM\n");
		return 2;
	}
	fclose(f);
	setvbuf(stdout, NULL, _IOLBF, 0);
	err = uc_open(UC_ARCH_X86, UC_MODE_16, &uc);
	if (err)
		fatal("open", err);
	err = uc_mem_map(uc, 0, RAM, UC_PROT_ALL);
	if (err)
		fatal("memory", err);
	uc_mem_write(uc, RAM - ROM, rom, ROM);
	uc_hook_add(uc, &h[0], UC_HOOK_INTR, on_intr, NULL, 1, 0);
	uc_hook_add(uc, &h[1], UC_HOOK_INSN_INVALID, on_invalid, &again, 1, 0);
	uc_hook_add(uc, &h[2], UC_HOOK_INSN, on_in, NULL, 1, 0, UC_X86_INS_IN);
	uc_hook_add(uc, &h[3], UC_HOOK_INSN, on_out, NULL, 1, 0, UC_X86_INS_OUT);
	set(uc, UC_X86_REG_CS, 0xf000);
	do {
		again = false;
		err = uc_emu_start(uc, at, 0, 0, 0);
		/* Opened in 16 bits, it takes a segment and an offset away. */
		at = get(uc, UC_X86_REG_CS) * 16 + get(uc, UC_X86_REG_EIP);
	} while (again && !err);
	fflush(stdout);
	if (err)
		fatal("run", err);
	/* It stops at HLT, and nothing is there to wake it. */
	printf("HLT\n");
	return 0;
}
