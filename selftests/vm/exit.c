// SPDX-License-Identifier: GPL-2.0
/*
 * The last program of a test VM: tell QEMU's isa-debug-exit device how the
 * command ended. QEMU then exits with (value << 1) | 1; the value is the
 * command's code plus one, so that QEMU's own failure, 1, is none of them.
 *
 * A kernel that is locked down gives nobody a port. So the first process takes the
 * right to it at once, which its children inherit, and the command gives it up:
 *
 *   exit CODE               end the VM
 *   exit --grant COMMAND... run a command that may later end the VM
 *   exit --drop COMMAND...  run a command that has no port
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#define DEBUG_EXIT_PORT	0xf4
#define MAX_CODE	125

int main(int argc, char **argv)
{
	int code = argc > 1 ? atoi(argv[1]) : 0;

	if (argc > 2) {
		if (ioperm(DEBUG_EXIT_PORT, 4, !strcmp(argv[1], "--grant")))
			perror("exit: ioperm");
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		return 127;
	}
	if (code < 0 || code > MAX_CODE)
		code = MAX_CODE;
	/* Without the right this is the end of this program only. */
	outl(code + 1, DEBUG_EXIT_PORT);
	return 0;
}
