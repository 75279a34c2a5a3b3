/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Thin helpers over the ABI of /dev/piotrap: each does one thing and returns 0
 * or a negative errno. They print nothing and never exit.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/piotrap.h>

#define SANDBOX_DEVICE	"/dev/piotrap"

/**
 * struct sandbox - one open sandbox
 * @fd: of the device
 * @run: the run page
 * @data: of the pending access, in the run page's mapping
 * @info: what the module can do
 */
struct sandbox {
	int fd;
	struct piotrap_run *run;
	uint8_t *data;
	struct piotrap_info info;
};

/**
 * sandbox_open() - open a sandbox and map its run page
 * @sb: written as a whole
 * @device: path, or NULL for SANDBOX_DEVICE
 *
 * Return: 0; -ENOENT, -ENXIO or -ENODEV: the module is not loaded; -EACCES or
 * -EPERM: no permission; -ENOTTY: not piotrap's device; -EPROTO: its ABI is
 * not ours; others from the system.
 */
int sandbox_open(struct sandbox *sb, const char *device);
void sandbox_close(struct sandbox *sb);

/* Memory for a region or a log: whole pages, zeroed. NULL if there is none. */
void *sandbox_alloc(size_t len);

int sandbox_region(struct sandbox *sb, enum piotrap_region_kind kind,
		   uint64_t gpa, uint64_t len, void *mem);
int sandbox_ports(struct sandbox *sb, enum piotrap_port_kind kind,
		  unsigned int first, unsigned int count, unsigned int init,
		  unsigned int flags);

/* Return: bytes taken, or a negative errno. */
long sandbox_input(struct sandbox *sb, unsigned int port, const void *data,
		   size_t len);

/**
 * sandbox_events() - what ends a run before it is delivered
 * @sb: sandbox
 * @exceptions: bit n: exception vector n
 * @ints: every software interrupt, or none
 */
int sandbox_events(struct sandbox *sb, uint32_t exceptions, bool ints);

/* Return: 0, or a negative errno: -ENOTTY: the module is too old for it. */
int sandbox_cpu(struct sandbox *sb, enum piotrap_cpuid_preset preset);

/* Replaces all watches that there are. */
int sandbox_watches(struct sandbox *sb, const struct piotrap_watch *w, unsigned int n);

/* @flags 0 ends logging. */
int sandbox_log(struct sandbox *sb, unsigned int flags, void *mem, size_t len);

/* Run on from CS:RIP; sb->run->exit_reason says why it came back. */
int sandbox_run(struct sandbox *sb);

/* Load a segment register as real mode does. */
void sandbox_real_segment(struct piotrap_segment *seg, uint16_t selector);

/* What DR6 becomes when a #DB with this payload is delivered. */
uint64_t sandbox_merge_dr6(uint64_t dr6, uint64_t payload);

#endif /* SANDBOX_H */
