#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a kernel that finds bugs from Debian's linux-source-6.12, once, keep it,
# and print its folder:
#
#   build/debug-kernel/src           the unpacked source
#   build/debug-kernel/NAME/headers  its build folder, for make -C ... M=...
#   build/debug-kernel/NAME/vmlinux  the stripped ELF that boots
#   build/debug-kernel/NAME/version  release (uname -r)
#
# usage: debug-kernel.sh NAME
#   debug   KASAN, UBSAN, lockdep, kmemleak, fault injection (debug.config)
#   kcsan   KCSAN (debug.config, then kcsan.config)
#
# Each takes about half an hour on two cores. A changed configuration builds
# again; a newer source package does not.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

[ $# = 1 ] || die "usage: debug-kernel.sh debug | kcsan"
case $1 in
debug) fragments=("$here/debug.config") ;;
kcsan) fragments=("$here/debug.config" "$here/kcsan.config") ;;
*) die "no such kernel: $1" ;;
esac
src=$BUILD/debug-kernel/src
dir=$BUILD/debug-kernel/$1
want=$(cat "${fragments[@]}" | sha256sum)

built() { [ "$(cat "$dir/.built" 2>/dev/null)" = "$want" ]; }

unpack() {
	local tarball

	lock debug-source
	[ ! -d "$src" ] || return 0
	tarball=$(linux_source)
	note "unpacking ${tarball##*/}"
	rm -rf "$src.tmp"
	mkdir -p "$src.tmp"
	tar -C "$src.tmp" --strip-components=1 -xf "$tarball"
	mv "$src.tmp" "$src"
}

kmake() { nice make -s -C "$src" O="$dir/headers" -j"$JOBS" "$@" >&2; }

# The options that the fragments set and that are on: the last word counts.
asked() {
	cat "${fragments[@]}" |
		awk -F= '/^CONFIG_/ { line[$1] = $0 } END { for (o in line) print line[o] }' |
		grep -v '=n$'
}

build() {
	local line

	note "building the kernel $1 (half an hour the first time)"
	rm -f "$dir/.built"
	mkdir -p "$dir/headers"
	kmake tinyconfig
	cat "${fragments[@]}" >>"$dir/headers/.config"
	kmake olddefconfig 2> >(grep -v "override: reassigning" >&2)
	# olddefconfig drops without a word what its dependencies do not allow.
	while read -r line; do
		grep -qxF "$line" "$dir/headers/.config" ||
			die "$1: $line did not survive olddefconfig"
	done < <(asked)
	kmake vmlinux modules
	strip -o "$dir/vmlinux.tmp" "$dir/headers/vmlinux"
	mv "$dir/vmlinux.tmp" "$dir/vmlinux"
	cp "$dir/headers/include/config/kernel.release" "$dir/version"
	echo "$want" >"$dir/.built"
}

if ! built; then
	"$here/deps.sh" build debug
	lock "debug-kernel-$1"
	if ! built; then
		(unpack)
		build "$1"
	fi
fi
echo "$dir"
