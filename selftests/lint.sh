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
files 'emulator/*.[ch]' 'module/*.[ch]' | checkpatch $ignore
# About helpers that only the kernel has.
ignore+=,ARRAY_SIZE,BIT_MACRO,CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE
files '*.[ch]' ':!emulator' ':!module' | checkpatch $ignore

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
