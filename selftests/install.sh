#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test make install and make uninstall in a folder of their own. TAP.

set -uo pipefail
# shellcheck source=vm/lib.sh
. "$(dirname "$0")/vm/lib.sh"

kernel=${KERNELS:-6.12-cloud}
kernel=${kernel##* }
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
n=0
# is NAME COMMAND...: one result, the command's
is() {
	local name=$1

	n=$((n + 1))
	shift
	if "$@" >"$dest/out" 2>&1; then
		echo "ok $n $name"
	else
		sed 's/^/# /' "$dest/out"
		echo "not ok $n $name"
	fi
}

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TOP/dkms.conf")
src=$dest/root/usr/src/piotrap-$version

mode() { [ "$(stat -c %a "$dest/root/$1")" = "$2" ]; }

uses_header() {
	echo '#include <linux/piotrap.h>' |
		gcc -I"$dest/root/usr/include" -fsyntax-only -Wall -Wextra \
			-Werror -xc -
}

# As dkms would: in a copy of what was installed.
builds() {
	cp -r "$src" "$dest/dkms" &&
		make -s -C "$("$TOP/selftests/vm/kernel.sh" "$kernel")/headers" \
			M="$dest/dkms" modules &&
		[ -e "$dest/dkms/piotrap.ko" ]
}

nothing_left() { ! find "$dest/root" ! -type d | grep .; }

echo 1..12
is "make install" make -C "$TOP" install DESTDIR="$dest/root"
is "the command is executable" mode usr/bin/piotrap 755
is "the ABI header compiles by itself" uses_header
is "the udev rule is there" mode usr/lib/udev/rules.d/60-piotrap.rules 644
is "the sysusers file is there" mode usr/lib/sysusers.d/piotrap.conf 644
is "dkms.conf is with the sources" mode "usr/src/piotrap-$version/dkms.conf" 644
is "the module builds from the installed sources" builds
is "make install-bpf" make -C "$TOP" install-bpf DESTDIR="$dest/root"
is "piosnoop is executable" mode usr/sbin/piosnoop 755
is "its manual page is there" mode usr/share/man/man8/piosnoop.8 644
is "make uninstall" make -C "$TOP" uninstall DESTDIR="$dest/root"
is "make uninstall leaves no file" nothing_left
