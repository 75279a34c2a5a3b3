#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Take the kernel's kernel-doc and its Sphinx extension out of Debian's
# linux-source-6.12 into build/kernel-doc, once; print the folder.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../selftests/vm/lib.sh
. "$here/../selftests/vm/lib.sh"

dir=$BUILD/kernel-doc
files=(scripts/kernel-doc Documentation/sphinx/kerneldoc.py
	Documentation/sphinx/kernellog.py)

if [ ! -d "$dir" ]; then
	lock kernel-doc
fi
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$BUILD/tmp.kernel-doc.XXXX")
	trap 'rm -rf "$tmp"' EXIT
	mkdir "$tmp/new"
	# The debug kernel's source is the same, and unpacked.
	src=$BUILD/debug-kernel/src
	if [ -e "$src/${files[0]}" ]; then
		(cd "$src" && cp --parents "${files[@]}" "$tmp/new")
	else
		tarball=$(linux_source)
		note "unpacking kernel-doc"
		tar -C "$tmp/new" --strip-components=1 -xf "$tarball" \
			"${files[@]/#/linux-source-6.12/}"
	fi
	mv "$tmp/new" "$dir"
fi
echo "$dir"
