// SPDX-License-Identifier: GPL-2.0
/*
 * piotrap rom: an option ROM, as a BIOS starts it: loaded at C000:0000, entered
 * by a far call to C000:0003 with bus, device and function in AX.
 *
 * Its memory is RAM unless --read-only is given: BIOSes copy option ROMs to
 * shadow RAM and lock that only after they have run, and some ROMs (SeaVGABIOS
 * among them) rely on it and write to their own variables.
 */

#include <string.h>

#include "piotrap.h"

#define ROM_SEG		0xc000
#define ROM_ENTRY	3
#define FILE_MAX	(4 * MB)	/* images for other machines may follow */
#define STACK		0x7c00

const char *rom_check(const uint8_t *rom, size_t len, size_t *size)
{
	if (len < 4)
		return "is too short for an option ROM";
	if (rom[0] != 0x55 || rom[1] != 0xaa)
		return "is no option ROM: it does not start with 55 AA";
	if (!rom[2])
		return "is no option ROM: its header gives it no size";
	if (rom[2] * 512UL > len)
		return "is cut short: its header gives it more than the file has";
	*size = rom[2] * 512UL;
	return NULL;
}

static void enter(struct machine *m, uint16_t ax)
{
	struct piotrap_run *run = m->sb.run;
	uint16_t far[2] = { BIOS_RETURN, BIOS_SEG };

	memcpy(m->mem + STACK - sizeof(far), far, sizeof(far));
	memset(&run->regs, 0, sizeof(run->regs));
	run->regs.rax = ax;
	/* No ISA Plug and Play: no card select number, no read port. */
	run->regs.rbx = 0xffff;
	run->regs.rdx = 0xffff;
	run->regs.rsp = STACK - sizeof(far);
	run->regs.rip = ROM_ENTRY;
	run->regs.rflags = 2;
	sandbox_real_segment(&run->segs.cs, ROM_SEG);
	sandbox_real_segment(&run->segs.ss, 0);
	sandbox_real_segment(&run->segs.ds, 0);
	sandbox_real_segment(&run->segs.es, 0);
	run->dirty |= PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS;
}

int rom_main(struct options *o)
{
	static uint8_t file[FILE_MAX];
	struct machine m = { .sb.fd = -1 };
	size_t len, size = 0;
	uint8_t sum = 0;
	const char *wrong;
	int status;

	status = machine_load(o->file, file, sizeof(file), &len);
	if (status)
		return status;
	wrong = rom_check(file, len, &size);
	if (wrong)
		return complain(STATUS_FILE, "%s %s", o->file, wrong);
	for (size_t i = 0; i < size; i++)
		sum += file[i];
	if (sum)
		complain(0, "%s: warning: its checksum is %02x, not 00",
			 o->file, sum);

	status = machine_open(&m, o, REAL_MODE_SIZE);
	if (status)
		goto out;
	status = machine_real(&m, ROM_SEG << 4, o->read_only ? size : 0);
	if (status)
		goto out;
	memcpy(m.mem + (ROM_SEG << 4), file, size);
	enter(&m, o->ax);
	status = guest_run(&m, o, END_RETURN);
out:
	machine_close(&m);
	return status;
}
