// SPDX-License-Identifier: GPL-2.0
/*
 * piotrap bios: a BIOS image, from the reset vector on. The image ends at 4 GiB,
 * and its last 128 KiB are also below 1 MiB, in memory that is writable unless
 * --read-only is given: with no chipset to unlock it, a BIOS could never write
 * there. Where nothing is, memory reads as all ones, as on a PC.
 */

#include <stdlib.h>
#include <string.h>

#include "piotrap.h"

#define BIOS_UNIT	(64 * 1024)
#define BIOS_MAX	(16 * MB)
#define BIOS_LOW	(128 * 1024)	/* what of it is below 1 MiB */
#define BIOS_SIZE	(4 * MB)	/* of memory */
#define GIB4		(4096 * MB)
#define VGA		0xa0000ULL
#define SHADOW		0xc0000ULL

const char *bios_check(size_t len)
{
	if (len % BIOS_UNIT || len > BIOS_MAX)
		return "is no BIOS image: it is no multiple of 64 KiB up to 16 MiB";
	return NULL;
}

static int map(struct machine *m, const struct options *o)
{
	const struct {
		enum piotrap_region_kind kind;
		uint64_t from, to;
		uint8_t *mem;
	} part[] = {
		{ PIOTRAP_REGION_RAM, 0, VGA, m->mem },
		{ PIOTRAP_REGION_OPEN_BUS, VGA, SHADOW, NULL },
		{ PIOTRAP_REGION_RAM, SHADOW, MB - BIOS_LOW, m->mem + SHADOW },
		{ o->read_only ? PIOTRAP_REGION_ROM : PIOTRAP_REGION_RAM,
		  MB - BIOS_LOW, MB, m->mem + MB - BIOS_LOW },
		{ PIOTRAP_REGION_RAM, MB, m->size, m->mem + MB },
		{ PIOTRAP_REGION_OPEN_BUS, m->size, GIB4 - m->rom_len, NULL },
		{ PIOTRAP_REGION_ROM, GIB4 - m->rom_len, GIB4, m->rom },
	};
	int status = STATUS_OK;

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]) && !status; i++)
		status = machine_add(m, part[i].kind, part[i].from, part[i].to,
				     part[i].mem);
	return status;
}

/* The image, in memory of its own and below 1 MiB. */
static int place(struct machine *m, const uint8_t *file, size_t len)
{
	size_t low = len < BIOS_LOW ? len : BIOS_LOW;

	m->rom = sandbox_alloc(len);
	if (!m->rom)
		return complain(STATUS_ERROR, "no memory");
	m->rom_len = len;
	memcpy(m->rom, file, len);
	memcpy(m->mem + MB - low, file + len - low, low);
	return STATUS_OK;
}

int bios_main(struct options *o)
{
	struct machine m = { .sb.fd = -1 };
	const char *wrong;
	uint8_t *file;
	size_t len;
	int status;

	if (!o->mem)
		o->mem = BIOS_SIZE;
	if (o->mem % PAGE || o->mem < MB)
		return complain(STATUS_USAGE,
				"--mem must be a multiple of 4K and at least 1M");
	file = malloc(BIOS_MAX);
	if (!file)
		return complain(STATUS_ERROR, "no memory");
	status = machine_load(o->file, file, BIOS_MAX, &len);
	if (status)
		goto out;
	wrong = bios_check(len);
	if (wrong) {
		status = complain(STATUS_FILE, "%s %s", o->file, wrong);
		goto out;
	}
	status = machine_open(&m, o, o->mem);
	if (!status)
		status = place(&m, file, len);
	if (!status)
		status = map(&m, o);
	/* The CPU is in the state after RESET as it is. */
	if (!status)
		status = guest_run(&m, o, END_HALT);
out:
	machine_close(&m);
	free(file);
	return status;
}
