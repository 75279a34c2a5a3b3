#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the debug kernel (KASAN, UBSAN, lockdep, kmemleak, fault injection)
# from Debian's linux-source-6.12 with debug.config, once, and keep it:
#
#   build/debug-kernel/src      the unpacked source
#   build/debug-kernel/headers  its build folder, for make -C ... M=...
#   build/debug-kernel/vmlinux  the stripped ELF that boots
#   build/debug-kernel/version  release (uname -r)
#
# It takes about half an hour on two cores. A changed debug.config builds
# again; a newer source package does not.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

dir=$BUILD/debug-kernel
want=$(sha256sum <"$here/debug.config")

built() { [ "$(cat "$dir/.built" 2>/dev/null)" = "$want" ]; }

built && exit 0
"$here/deps.sh" build debug
lock debug-kernel
built && exit 0
mkdir -p "$dir"

if [ ! -d "$dir/src" ]; then
	tarball=$(linux_source)
	note "unpacking ${tarball##*/}"
	rm -rf "$dir/src.tmp"
	mkdir "$dir/src.tmp"
	tar -C "$dir/src.tmp" --strip-components=1 -xf "$tarball"
	mv "$dir/src.tmp" "$dir/src"
fi

kmake() { nice make -s -C "$dir/src" O="$dir/headers" -j"$JOBS" "$@" >&2; }

note "building the debug kernel (half an hour the first time)"
rm -f "$dir/.built"
mkdir -p "$dir/headers"
kmake tinyconfig
cat "$here/debug.config" >>"$dir/headers/.config"
kmake olddefconfig
# olddefconfig drops without a word what its dependencies do not allow.
while read -r line; do
	grep -qxF "$line" "$dir/headers/.config" ||
		die "debug.config: $line did not survive olddefconfig"
done < <(grep '^CONFIG_.*=[^n]' "$here/debug.config")
kmake vmlinux modules
strip -o "$dir/vmlinux.tmp" "$dir/headers/vmlinux"
mv "$dir/vmlinux.tmp" "$dir/vmlinux"
cp "$dir/headers/include/config/kernel.release" "$dir/version"
echo "$want" >"$dir/.built"
note "debug kernel: $dir"
