// SPDX-License-Identifier: GPL-2.0
/*
 * The last program of a test VM: tell QEMU's isa-debug-exit device how the
 * command ended. QEMU then exits with (value << 1) | 1; the value is the
 * command's code plus one, so that QEMU's own failure, 1, is none of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

#define DEBUG_EXIT_PORT	0xf4
#define MAX_CODE	125

int main(int argc, char **argv)
{
	int code = argc > 1 ? atoi(argv[1]) : 0;

	if (code < 0 || code > MAX_CODE)
		code = MAX_CODE;
	if (ioperm(DEBUG_EXIT_PORT, 4, 1)) {
		perror("exit: ioperm");
		return 1;
	}
	outl(code + 1, DEBUG_EXIT_PORT);
	return 0;
}
