// SPDX-License-Identifier: GPL-2.0
/* Reader of the access log's ring. */

#include <errno.h>

#include "log.h"

#define LOG_BYTES	(256 * 1024)

int log_start(struct log *log, struct sandbox *sb, unsigned int flags)
{
	log->tail = 0;
	log->slots = LOG_BYTES / sizeof(struct piotrap_log_rec) - 1;
	log->ring = sandbox_alloc(LOG_BYTES);
	if (!log->ring)
		return -ENOMEM;
	return sandbox_log(sb, flags, log->ring, LOG_BYTES);
}

bool log_next(struct log *log, struct piotrap_log_rec *rec)
{
	if (!log->ring ||
	    __atomic_load_n(&log->ring->head, __ATOMIC_ACQUIRE) == log->tail)
		return false;
	*rec = log->ring->rec[log->tail % log->slots];
	log->tail++;
	__atomic_store_n(&log->ring->tail, log->tail, __ATOMIC_RELEASE);
	return true;
}
