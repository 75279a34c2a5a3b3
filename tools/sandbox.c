// SPDX-License-Identifier: GPL-2.0
/* Thin helpers over the ABI of /dev/piotrap. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox.h"

#define DR6_B_MASK	0xfULL
#define DR6_BLD		(1ULL << 11)
#define DR6_STICKY	(7ULL << 13)	/* BD, BS, BT */
#define DR6_RTM		(1ULL << 16)

static int call(struct sandbox *sb, unsigned long nr, void *arg)
{
	return ioctl(sb->fd, nr, arg) < 0 ? -errno : 0;
}

int sandbox_open(struct sandbox *sb, const char *device)
{
	void *page;
	int err;

	memset(sb, 0, sizeof(*sb));
	sb->fd = open(device ? device : SANDBOX_DEVICE, O_RDWR | O_CLOEXEC);
	if (sb->fd < 0)
		return -errno;

	sb->info.size = sizeof(sb->info);
	err = call(sb, PIOTRAP_INFO, &sb->info);
	if (!err && sb->info.abi_version < PIOTRAP_ABI_VERSION)
		err = -EPROTO;
	if (err)
		goto fail;

	page = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    sb->fd, 0);
	if (page == MAP_FAILED) {
		err = -errno;
		goto fail;
	}
	sb->run = page;
	sb->data = (uint8_t *)page + PIOTRAP_DATA_OFFSET;
	return 0;

fail:
	close(sb->fd);
	sb->fd = -1;
	return err;
}

void sandbox_close(struct sandbox *sb)
{
	if (sb->run)
		munmap(sb->run, PIOTRAP_MMAP_SIZE);
	if (sb->fd >= 0)
		close(sb->fd);
	sb->run = NULL;
	sb->fd = -1;
}

void *sandbox_alloc(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

int sandbox_region(struct sandbox *sb, enum piotrap_region_kind kind,
		   uint64_t gpa, uint64_t len, void *mem)
{
	struct piotrap_region r = {
		.size = sizeof(r),
		.kind = kind,
		.gpa = gpa,
		.len = len,
		.addr = (uintptr_t)mem,
	};

	return call(sb, PIOTRAP_SET_REGION, &r);
}

int sandbox_ports(struct sandbox *sb, enum piotrap_port_kind kind,
		  unsigned int first, unsigned int count, unsigned int init,
		  unsigned int flags)
{
	struct piotrap_ports p = {
		.size = sizeof(p),
		.flags = flags,
		.kind = kind,
		.first = first,
		.count = count,
		.init = init,
	};

	return call(sb, PIOTRAP_SET_PORTS, &p);
}

long sandbox_input(struct sandbox *sb, unsigned int port, const void *data,
		   size_t len)
{
	struct piotrap_input in = {
		.size = sizeof(in),
		.port = port,
		.len = len,
		.addr = (uintptr_t)data,
	};
	int err = call(sb, PIOTRAP_QUEUE_INPUT, &in);

	return err ? err : (long)in.len;
}

int sandbox_events(struct sandbox *sb, uint32_t exceptions, bool ints)
{
	struct piotrap_config c = {
		.size = sizeof(c),
		.exit_exceptions = exceptions,
	};

	memset(c.exit_ints, ints ? 0xff : 0, sizeof(c.exit_ints));
	return call(sb, PIOTRAP_CONFIG, &c);
}

int sandbox_cpu(struct sandbox *sb, enum piotrap_cpuid_preset preset)
{
	struct piotrap_cpuid c = {
		.size = sizeof(c),
		.flags = PIOTRAP_CPUID_PRESET,
		.preset = preset,
	};

	return call(sb, PIOTRAP_SET_CPUID, &c);
}

int sandbox_watches(struct sandbox *sb, const struct piotrap_watch *w, unsigned int n)
{
	struct piotrap_watches a = {
		.size = sizeof(a),
		.count = n,
		.watches = (uintptr_t)w,
	};

	return call(sb, PIOTRAP_SET_WATCHES, &a);
}

int sandbox_log(struct sandbox *sb, unsigned int flags, void *mem, size_t len)
{
	struct piotrap_log l = {
		.size = sizeof(l),
		.flags = flags,
		.addr = (uintptr_t)mem,
		.len = len,
		.rec_size = sizeof(struct piotrap_log_rec),
	};

	return call(sb, PIOTRAP_SET_LOG, &l);
}

int sandbox_run(struct sandbox *sb)
{
	struct piotrap_run_args a = { .size = sizeof(a) };

	return call(sb, PIOTRAP_RUN, &a);
}

void sandbox_real_segment(struct piotrap_segment *seg, uint16_t selector)
{
	/* Limit and rights stay: real mode does not load them. */
	seg->selector = selector;
	seg->base = (uint64_t)selector << 4;
}

uint64_t sandbox_merge_dr6(uint64_t dr6, uint64_t payload)
{
	dr6 = (dr6 & ~DR6_B_MASK) | (payload & (DR6_B_MASK | DR6_STICKY));
	dr6 |= DR6_RTM;
	return dr6 & ~(payload & (DR6_BLD | DR6_RTM));
}
