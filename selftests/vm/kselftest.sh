#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Take what is used of the kernel's own test kit (kselftest, checkpatch) out
# of Debian's linux-source-6.12 into build/kselftest, once; print the folder.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

dir=$BUILD/kselftest
if [ ! -d "$dir" ]; then
	lock kselftest
fi
if [ ! -d "$dir" ]; then
	tarball=$(linux_source)
	note "unpacking kselftest"
	tmp=$(mktemp -d "$BUILD/tmp.kselftest.XXXX")
	trap 'rm -rf "$tmp"' EXIT
	top=linux-source-6.12
	t=$top/tools/testing/selftests
	# Nothing that matches comes twice: tar may stop at the last one, but
	# reads on to the end all the same.
	tar -C "$tmp" --strip-components=1 -xf "$tarball" \
		"$t/lib.mk" "$t/kselftest.h" "$t/kselftest_harness.h" \
		"$t/run_kselftest.sh" "$t/kselftest" \
		"$top/scripts/checkpatch.pl" "$top/scripts/spelling.txt" \
		"$top/scripts/const_structs.checkpatch"
	rm -rf "$dir"
	mkdir "$tmp/new"
	mv "$tmp/tools" "$tmp/scripts" "$tmp/new/"
	mv "$tmp/new" "$dir"
fi
echo "$dir"
