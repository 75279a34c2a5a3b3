// SPDX-License-Identifier: GPL-2.0
/* piotrap run: a flat binary, 16-, 32- or 64-bit, until it halts. */

#include <stdlib.h>
#include <string.h>

#include "piotrap.h"

static int enter_real(struct machine *m, const struct options *o)
{
	struct piotrap_run *run = m->sb.run;

	memset(&run->regs, 0, sizeof(run->regs));
	run->regs.rip = o->off;
	run->regs.rflags = 2;
	/* Below the program as in a boot sector, else at the segment's end. */
	run->regs.rsp = o->off >= 0x800 ? o->off & ~1U : 0xfffe;
	sandbox_real_segment(&run->segs.cs, o->seg);
	sandbox_real_segment(&run->segs.ss, o->seg);
	sandbox_real_segment(&run->segs.ds, o->seg);
	sandbox_real_segment(&run->segs.es, o->seg);
	run->dirty |= PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_SEGS;
	return machine_real(m, 0, 0);
}

/* Where the file goes, and where it has to end. */
static int place(const struct options *o, uint64_t *at, uint64_t *end)
{
	*end = o->mem;
	if (o->mode != 16) {
		*at = o->entry;
		if (*at < FLAT_LOW)
			return complain(STATUS_USAGE,
					"--org: below %llx the CPU has its tables",
					FLAT_LOW);
		if (*at >= *end)
			return complain(STATUS_USAGE, "--org: there is no memory");
		return STATUS_OK;
	}
	*at = ((uint64_t)o->seg << 4) + o->off;
	/* Nothing of the file may hide behind the BIOS page. */
	if (*at < BIOS_PAGE && *end > BIOS_PAGE)
		*end = BIOS_PAGE;
	if (*at >= *end || (*at >= BIOS_PAGE && *at < MB))
		return complain(STATUS_USAGE, "--org: there is no memory");
	return STATUS_OK;
}

static int enter_flat(struct machine *m, const struct options *o)
{
	unsigned int mode = o->mode == 64 ? PIOTRAP_MODE_LONG :
					    PIOTRAP_MODE_PROTECTED;

	if (!(m->sb.info.modes & mode))
		return complain(STATUS_NO_MODULE,
				"the loaded module does not run %u-bit code",
				o->mode);
	flat_enter(m, o->mode, o->entry);
	return machine_add(m, PIOTRAP_REGION_RAM, 0, m->size, m->mem);
}

int run_main(struct options *o)
{
	struct machine m = { .sb.fd = -1 };
	uint64_t at, end;
	uint8_t *file;
	size_t len;
	int status;

	if (!o->mem)
		o->mem = o->mode == 16 ? REAL_MODE_SIZE : FLAT_SIZE;
	if (o->mode == 64 && o->cpu >= 0 && o->cpu < PIOTRAP_CPUID_X86_64)
		return complain(STATUS_USAGE,
				"--mode 64 needs a --cpu with long mode");
	if (o->mem % PAGE)
		return complain(STATUS_USAGE, "--mem must be a multiple of 4K");
	status = place(o, &at, &end);
	if (status)
		return status;

	file = malloc(end - at);
	if (!file)
		return complain(STATUS_ERROR, "no memory");
	status = machine_load(o->file, file, end - at, &len);
	if (!status)
		status = machine_open(&m, o, o->mem);
	if (!status)
		status = o->mode == 16 ? enter_real(&m, o) : enter_flat(&m, o);
	if (!status) {
		/* Last: it may want to replace an interrupt vector. */
		memcpy(m.mem + at, file, len);
		status = guest_run(&m, o, END_HALT);
	}
	machine_close(&m);
	free(file);
	return status;
}
