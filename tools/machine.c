// SPDX-License-Identifier: GPL-2.0
/*
 * Memory, and for real mode a PC as far as a program sees one: an interrupt vector
 * table that leads to an IRET, the word of the BIOS data area that says how much
 * memory there is. No device answers.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "piotrap.h"

#define BDA_MEMORY_KIB	0x413	/* below 640 KiB */

/* Not getgrgid(): it would want shared libraries in a static build. */
static void group_name(gid_t gid, char *name, size_t len)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *g = NULL;

	if (f) {
		while ((g = fgetgrent(f)) && g->gr_gid != gid)
			;
	}
	if (g)
		snprintf(name, len, "%s", g->gr_name);
	else
		snprintf(name, len, "%u", (unsigned int)gid);
	if (f)
		fclose(f);
}

static int cannot_open(const char *device, int err)
{
	char name[64];
	struct stat st;

	switch (-err) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return complain(STATUS_NO_MODULE,
				"%s is not there: the module is not loaded (as root: modprobe piotrap, or insmod piotrap.ko)",
				device);
	case EACCES:
	case EPERM:
		if (stat(device, &st))
			return complain(STATUS_NO_PERMISSION, "%s: %s", device,
					strerror(-err));
		group_name(st.st_gid, name, sizeof(name));
		return complain(STATUS_NO_PERMISSION,
				"%s: no permission: it is for members of the group %s (as root: usermod -aG %s USER, then log in again)",
				device, name, name);
	case ENOTTY:
	case EINVAL:
		return complain(STATUS_NO_MODULE, "%s is not piotrap's device",
				device);
	case EPROTO:
		return complain(STATUS_NO_MODULE,
				"%s: the loaded module is older than this command",
				device);
	default:
		return complain(STATUS_ERROR, "%s: %s", device, strerror(-err));
	}
}

/* Where the guest has less, the stubs still have their place. */
static uint64_t allocated(uint64_t size)
{
	return size > REAL_MODE_SIZE ? size : REAL_MODE_SIZE;
}

int machine_open(struct machine *m, const struct options *o, uint64_t size)
{
	int err = sandbox_open(&m->sb, o->device);

	if (err)
		return cannot_open(o->device, err);
	if (o->cpu >= 0) {
		err = sandbox_cpu(&m->sb, o->cpu);
		if (err == -ENOTTY || err == -EINVAL)
			return complain(STATUS_NO_MODULE,
					"the loaded module does not know this --cpu");
		if (err)
			return complain(STATUS_ERROR, "--cpu: %s",
					strerror(-err));
	}

	m->size = size;
	m->mem = sandbox_alloc(allocated(size));
	return m->mem ? STATUS_OK : complain(STATUS_ERROR, "no memory");
}

int machine_add(struct machine *m, enum piotrap_region_kind kind, uint64_t from,
		uint64_t to, uint8_t *mem)
{
	int err;

	if (from >= to)
		return STATUS_OK;
	err = sandbox_region(&m->sb, kind, from, to - from, mem);
	if (err == -ENOMEM)
		return complain(STATUS_ERROR,
				"cannot pin %llu KiB of memory (limit: ulimit -l)",
				(unsigned long long)(to - from) / 1024);
	if (err)
		return complain(STATUS_ERROR, "memory at %llx: %s",
				(unsigned long long)from, strerror(-err));
	return STATUS_OK;
}

static int add(struct machine *m, enum piotrap_region_kind kind, uint64_t from,
	       uint64_t to)
{
	return machine_add(m, kind, from, to, m->mem + from);
}

static void put_stubs(struct machine *m)
{
	uint16_t kib = (m->size < 0xa0000 ? m->size : 0xa0000) / 1024;

	/* Every vector leads to the IRET; one that a program sets leads there. */
	for (unsigned int v = 0; v < 256; v++) {
		uint16_t far[2] = { BIOS_IRET, BIOS_SEG };

		memcpy(m->mem + v * 4, far, sizeof(far));
	}
	memcpy(m->mem + BDA_MEMORY_KIB, &kib, sizeof(kib));
	m->mem[(BIOS_SEG << 4) + BIOS_IRET] = 0xcf;	/* iret */
	m->mem[(BIOS_SEG << 4) + BIOS_RETURN] = 0xf4;	/* hlt */
}

/* RAM, but for the BIOS page, and @rom_len bytes at @rom that are read-only. */
int machine_real(struct machine *m, uint64_t rom, uint64_t rom_len)
{
	uint64_t rom_end = rom + ((rom_len + PAGE - 1) & ~(PAGE - 1));
	uint64_t low = m->size < BIOS_PAGE ? m->size : BIOS_PAGE;
	int status;

	put_stubs(m);
	if (!rom_len) {
		rom = low;
		rom_end = low;
	}
	status = add(m, PIOTRAP_REGION_RAM, 0, rom);
	if (!status)
		status = add(m, PIOTRAP_REGION_ROM, rom, rom_end);
	if (!status)
		status = add(m, PIOTRAP_REGION_RAM, rom_end, low);
	if (!status)
		status = add(m, PIOTRAP_REGION_ROM, BIOS_PAGE, MB);
	if (!status)
		status = add(m, PIOTRAP_REGION_RAM, MB, m->size);
	return status;
}

int machine_load(const char *path, uint8_t *mem, size_t max, size_t *len)
{
	FILE *f = fopen(path, "re");
	int status = STATUS_OK;

	if (!f)
		return complain(STATUS_FILE, "%s: %s", path, strerror(errno));
	*len = fread(mem, 1, max, f);
	if (ferror(f))
		status = complain(STATUS_FILE, "%s: %s", path, strerror(errno));
	else if (!*len)
		status = complain(STATUS_FILE, "%s is empty", path);
	else if (*len == max && fgetc(f) != EOF)
		status = complain(STATUS_FILE,
				  "%s is larger than the %zu bytes there is room for",
				  path, max);
	fclose(f);
	return status;
}

void machine_close(struct machine *m)
{
	sandbox_close(&m->sb);
	if (m->mem)
		munmap(m->mem, allocated(m->size));
	if (m->rom)
		munmap(m->rom, m->rom_len);
	m->mem = NULL;
	m->rom = NULL;
}
