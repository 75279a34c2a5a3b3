/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_LOG_H
#define TOOLS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox.h"

/**
 * struct log - the owner's access log of a sandbox
 * @ring: shared with the kernel
 * @slots: records that it holds
 * @tail: records taken so far
 */
struct log {
	struct piotrap_log_ring *ring;
	uint64_t slots;
	uint64_t tail;
};

int log_start(struct log *log, struct sandbox *sb, unsigned int flags);

/* Take the oldest record. Return: false if there is none. */
bool log_next(struct log *log, struct piotrap_log_rec *rec);

#endif /* TOOLS_LOG_H */
