#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the read-only disk image for test VMs that need large programs, once:
# bpftrace of this system with the libraries it loads. Prints the image's name.
# It is made again when bpftrace changes.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

image=$BUILD/vm/disk.img

fresh() { [ "$image" -nt "$0" ] && [ "$image" -nt "$(command -v bpftrace)" ]; }

"$here/deps.sh" bpf
fresh && { echo "$image"; exit; }
mkdir -p "${image%/*}"
lock disk
fresh && { echo "$image"; exit; }

note "making the disk for tracing"
tmp=$(mktemp -d "$BUILD/vm/disk.XXXX")
trap 'rm -rf "$tmp"' EXIT
bpftrace=$(command -v bpftrace)
mkdir "$tmp/root"
# ldd prints "name => path (address)", the loader without an arrow. Files, not
# links: the folders are links to /usr here, and not in the VM.
{ echo "$bpftrace"; ldd "$bpftrace" | grep -o '/[^ ]*'; } |
	while read -r f; do
		install -D -m 755 "$f" "$tmp/root$f"
	done
size=$(du -sm "$tmp/root" | cut -f1)
mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$tmp/root" "$tmp/img" \
	"$((size + size / 10 + 16))M" >&2
mv "$tmp/img" "$image"
echo "$image"
