/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PIOSNOOP_H
#define PIOSNOOP_H

#include "events.h"

/**
 * struct access - a port access, in the ring buffer
 * @time: nanoseconds, CLOCK_MONOTONIC
 * @io: the event
 */
struct access {
	__u64 time;
	struct port_io io;
};

#endif /* PIOSNOOP_H */
