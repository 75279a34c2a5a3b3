#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fetch a kernel for builds and tests: download Debian's current packages and
# unpack them, without installing anything, then print the folder:
#
#   build/kernels/NAME/version  release (uname -r)
#   build/kernels/NAME/vmlinux  ELF kernel to boot
#   build/kernels/NAME/headers  for make -C ... M=..., BTF for modules included
#
# usage: kernel.sh NAME
#   NAME is VERSION-FLAVOUR: 6.1-cloud, 6.12-cloud, 6.1-rt, 6.1-generic, ...;
#   or debug or kcsan, which debug-kernel.sh builds.
#
# A kernel that is there is used as it is: remove its folder to get the newest.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

[ $# = 1 ] || die "usage: kernel.sh NAME (such as 6.1-cloud)"
name=$1
dir=$BUILD/kernels/$name

case $name in
debug | kcsan) exec "$here/debug-kernel.sh" "$name" ;;
esac

ready() { [ -e "$dir/version" ] && [ -e "$dir/vmlinux" ]; }

# The packages that PACKAGE needs, from the package lists.
depends() {
	apt-cache depends --no-recommends --no-suggests "$1" 2>/dev/null |
		sed -n 's/^[ |]*Depends: \(linux-[a-z].*\)/\1/p'
}

# resolve VERSION FLAVOUR: the release that the meta package stands for. Debian
# names it with the version, except for the kernel of the suite itself.
resolve() {
	local flavour=${2#generic} meta dep

	flavour=${flavour:+$flavour-}amd64
	for meta in "linux-headers-$1-$flavour" "linux-headers-$flavour"; do
		for dep in $(depends "$meta"); do
			case $dep in
			linux-headers-"$1".*) echo "${dep#linux-headers-}"; return ;;
			esac
		done
	done
	die "no package for kernel $1-$2; names are like 6.1-cloud, 6.12-cloud"
}

# The kernel proper lies compressed inside a bzImage; the setup header says
# where (Documentation/arch/x86/boot.rst). All formats but gzip are followed
# by the size of the result, which the tools would take for rubbish.
extract_vmlinux() {
	local img=$1 sects off len magic

	field() { od -An -j"$1" -N"$2" -tu"$2" "$img" | tr -d ' '; }
	sects=$(field $((0x1f1)) 1)
	off=$(((sects + 1) * 512 + $(field $((0x248)) 4)))
	len=$(field $((0x24c)) 4)
	magic=$(od -An -j"$off" -N4 -tx1 "$img" | tr -d ' ')
	payload() {
		dd if="$img" iflag=skip_bytes,count_bytes skip="$off" \
			count="$1" bs=1M status=none
	}
	case $magic in
	1f8b*) payload "$len" | gzip -dc ;;
	fd377a58) payload $((len - 4)) | xz -dc ;;
	28b52ffd) payload $((len - 4)) | zstd -dc ;;
	02214c18) payload $((len - 4)) | lz4 -dc ;;
	*) die "unknown compression $magic in ${img##*/}" ;;
	esac
}

fetch() {
	local kv tmp headers new ids

	apt_lists
	kv=$(resolve "${name%%-*}" "${name#*-}")
	note "fetching kernel $kv"
	tmp=$(mktemp -d "$BUILD/tmp.kernel.XXXX")
	# shellcheck disable=SC2064 # the value of now
	trap "rm -rf '$tmp'" EXIT

	# shellcheck disable=SC2046 # words are packages
	deb_download "$tmp/debs" "linux-image-$kv" "linux-headers-$kv" \
		$(depends "linux-headers-$kv" |
			grep -E '^linux-(headers-.*-common|kbuild-)') \
		$(case $name in 6.1-*) depends linux-headers-6.12-cloud-amd64 |
			sed 's/headers-\(.*\)-cloud-amd64/kbuild-\1/' ;; esac)
	new=$tmp/new
	mkdir "$new"
	for deb in "$tmp"/debs/*.deb; do
		dpkg -x "$deb" "$new/root"
	done
	ln -s "root/usr/src/linux-headers-$kv" "$new/headers"
	headers=$new/headers

	extract_vmlinux "$new/root/boot/vmlinuz-$kv" >"$new/vmlinux"
	# Thousands of modules that no test loads.
	rm -rf "$new/root/lib/modules" "$new/root/boot"

	# BTF for modules: newer headers carry what it needs, 6.1's do not. It
	# takes both the kernel's BTF and the tool; with neither, a module is
	# built without BTF.
	if [ ! -e "$headers/vmlinux" ]; then
		ids=$(find "$new/root/usr/lib" -name resolve_btfids -type f)
		if [ -n "$ids" ]; then
			mkdir -p "$headers/tools/bpf/resolve_btfids"
			cp "$ids" "$headers/tools/bpf/resolve_btfids/"
			objcopy --only-section=.BTF "$new/vmlinux" \
				"$headers/vmlinux" 2>/dev/null
		fi
	fi

	echo "$kv" >"$new/version"
	mkdir -p "${dir%/*}"
	rm -rf "$dir"
	mv "$new" "$dir"
	note "kernel $kv: $dir"
}

if ! ready; then
	lock "kernel-$name"
	ready || fetch
fi

# Debian's headers include their common part by an absolute path. It lies beside
# them: by a relative one the folder can be moved, and be shared by links to it.
grep -q '^include \.\./' "$dir/headers/Makefile" ||
	sed -i 's#^include /.*usr/src/#include ../#' "$dir/headers/Makefile"
echo "$dir"
