/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PIOTOP_H
#define PIOTOP_H

#include <linux/types.h>

/**
 * struct port_count - what was seen of a port since the tool began
 * @in: elements read
 * @out: elements written
 * @bytes_in: bytes read
 * @bytes_out: bytes written
 * @exits: exits to the owner, who was to serve it
 * @wait: nanoseconds from such an exit until the sandbox ran again
 */
struct port_count {
	__u64 in;
	__u64 out;
	__u64 bytes_in;
	__u64 bytes_out;
	__u64 exits;
	__u64 wait;
};

#endif /* PIOTOP_H */
