#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Take the kernel's semantic patches (scripts/coccinelle) out of Debian's
# linux-source-6.12 into build/coccinelle, once; print the folder.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

dir=$BUILD/coccinelle
part=scripts/coccinelle

if [ ! -d "$dir" ]; then
	lock coccinelle
fi
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$BUILD/tmp.coccinelle.XXXX")
	trap 'rm -rf "$tmp"' EXIT
	mkdir "$tmp/new"
	# The debug kernel's source is the same, and unpacked.
	src=$BUILD/debug-kernel/src
	if [ -d "$src/$part" ]; then
		cp -r "$src/$part/." "$tmp/new"
	else
		tarball=$(linux_source)
		note "unpacking semantic patches"
		tar -C "$tmp/new" --strip-components=3 -xf "$tarball" \
			"linux-source-6.12/$part"
	fi
	mv "$tmp/new" "$dir"
fi
echo "$dir"
