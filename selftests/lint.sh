#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Style and static checks: the kernel's checkpatch on C, sparse and W=1 on the
# module, shellcheck on scripts, an SPDX line in each file. Prints what is
# wrong; ends with status 1 if anything is.

set -uo pipefail
# shellcheck source=vm/lib.sh
. "$(dirname "$0")/vm/lib.sh"
cd "$TOP" || exit

rc=0
kit=$(selftests/vm/kselftest.sh) || exit

# files PATTERN...: of the repository, whether committed yet or not
files() { git ls-files -co --exclude-standard -- "$@"; }

# checkpatch IGNORE <LIST OF FILES
checkpatch() {
	grep -v vmlinux.h | xargs -r perl "$kit/scripts/checkpatch.pl" \
		--no-tree --strict --terse --show-types --quiet --no-summary \
		--ignore "$1" -f || rc=1
}

note "checkpatch"
# About patches to the kernel's own tree.
ignore=FILE_PATH_CHANGES
# Operands have the SDM's names (Eb, rAX); the table's macros name one twice.
files 'emulator/insn.h' 'emulator/opcodes.c' |
	checkpatch $ignore,CAMELCASE,MACRO_ARG_REUSE,LONG_LINE
# Its macros make functions, one for each operation and form of operands.
files 'emulator/quick.c' |
	checkpatch $ignore,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
# What the rules mean to forbid is what these two are there for.
files 'module/compat.h' |
	checkpatch $ignore,LINUX_VERSION_CODE,CONSTANT_COMPARISON
# TRACE_EVENT is laid out its own way in the whole kernel.
files 'module/trace.h' |
	checkpatch $ignore,COMPLEX_MACRO,MACRO_ARG_UNUSED,TRAILING_SEMICOLON,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE
# Headers for userspace cannot use BIT().
files 'module/uapi/*.h' | checkpatch $ignore,BIT_MACRO
files 'emulator/*.[ch]' 'module/*.[ch]' ':!emulator/test' ':!emulator/bench' \
	':!emulator/userspace.h' \
	':!emulator/insn.h' ':!emulator/opcodes.c' ':!emulator/quick.c' \
	':!module/compat.h' ':!module/trace.h' ':!module/uapi' |
	checkpatch $ignore
# About helpers that only the kernel has.
ignore+=,ARRAY_SIZE,BIT_MACRO,CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE
ignore+=,STRCPY,EMBEDDED_FUNCTION_NAME,PREFER_KERNEL_TYPES,MACRO_ARG_REUSE
ignore+=,COMPLEX_MACRO,MACRO_ARG_UNUSED
files '*.[ch]' ':!emulator' ':!module' | checkpatch $ignore
files 'emulator/test/*.[ch]' 'emulator/bench/*.[ch]' emulator/userspace.h | checkpatch $ignore

note "sparse and W=1"
for k in ${KERNELS:-6.1-cloud 6.12-cloud}; do
	selftests/vm/module.sh "$k" >/dev/null || rc=1
done

note "shellcheck"
{ files '*.sh' .ci/run selftests/vm/init; } |
	xargs -r shellcheck -S warning -x -P SCRIPTDIR || rc=1

note "SPDX"
while read -r f; do
	[ ! -f "$f" ] || head -n 3 "$f" | grep -q SPDX-License-Identifier ||
		{ echo "$f: no SPDX line at the top"; rc=1; }
done < <(files '*.c' '*.h' '*.S' '*.sh' '*.py' '*.bt' '*.rst' '*.awk' \
	'*Makefile' '*Kbuild' .ci/run)

rm -f .checkpatch-camelcase.*	# checkpatch leaves it in the current folder
exit $rc
