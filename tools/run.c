// SPDX-License-Identifier: GPL-2.0
/* piotrap run: a flat 16-bit binary, until it halts. */

#include <stdlib.h>
#include <string.h>

#include "piotrap.h"

static void enter(struct machine *m, const struct options *o)
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
}

int run_main(struct options *o)
{
	uint64_t at = ((uint64_t)o->seg << 4) + o->off;
	struct machine m = { .sb.fd = -1 };
	uint64_t end = o->mem;
	uint8_t *file;
	size_t len;
	int status;

	if (o->mem % PAGE)
		return complain(STATUS_USAGE, "--mem must be a multiple of 4K");
	/* Nothing of the file may hide behind the BIOS page. */
	if (at < BIOS_PAGE && end > BIOS_PAGE)
		end = BIOS_PAGE;
	if (at >= end || (at >= BIOS_PAGE && at < MB))
		return complain(STATUS_USAGE, "--org: there is no memory");

	file = malloc(end - at);
	if (!file)
		return complain(STATUS_ERROR, "no memory");
	status = machine_load(o->file, file, end - at, &len);
	if (!status)
		status = machine_open(&m, o, o->mem);
	if (!status) {
		memcpy(m.mem + at, file, len);
		status = machine_map(&m, 0, 0);
	}
	if (!status) {
		enter(&m, o);
		status = guest_run(&m, o, END_HALT);
	}
	machine_close(&m);
	free(file);
	return status;
}
