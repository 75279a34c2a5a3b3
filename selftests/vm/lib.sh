# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts in selftests/ share: where things are, how to complain,
# and how to get at the content of a Debian package without installing it.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
JOBS=${JOBS:-$(nproc)}

note() { printf '# %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Two runs in one tree must not build the same thing at the same time.
# lock NAME: wait for the lock, hold it until this script ends.
lock() {
	local fd

	mkdir -p "$BUILD"
	exec {fd}>"$BUILD/.lock-$1"
	flock "$fd"
}

# Package lists may be absent on a fresh machine; they are fetched once.
apt_lists() {
	[ -n "$(apt-cache madison busybox-static 2>/dev/null)" ] && return
	[ "$(id -u)" = 0 ] || die "no package lists; as root: apt-get update"
	note "fetching package lists"
	apt-get -qq update >&2
}

# deb_download DIR PACKAGE...: put the .deb files into DIR. Package lists age:
# a version that has left the archive is worth one update and another try.
deb_download() {
	local dir=$1

	shift
	apt_lists
	mkdir -p "$dir"
	# The sandbox user of apt cannot write to our folder.
	(cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$@") >&2 &&
		return
	[ "$(id -u)" = 0 ] ||
		die "cannot download $*; as root: apt-get update, then try again"
	note "package lists look old, updating"
	apt-get -qq update >&2
	(cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$@") >&2 ||
		die "cannot download $*; check the network and /etc/apt"
}

# linux_source: download the kernel source package once, print its tarball.
linux_source() {
	local v=6.12 t=$BUILD/linux-source/linux-source-6.12.tar.xz tmp

	if [ ! -e "$t" ]; then
		note "downloading linux-source-$v"
		tmp=$(mktemp -d "$BUILD/tmp.source.XXXX")
		deb_download "$tmp" "linux-source-$v"
		dpkg -x "$tmp"/*.deb "$tmp/root"
		mkdir -p "${t%/*}"
		mv "$tmp/root/usr/src/${t##*/}" "$t"
		rm -rf "$tmp"
	fi
	echo "$t"
}
