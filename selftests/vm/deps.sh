#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install the Debian packages that building and testing need, if any is
# missing. None of them is a kernel: those are only unpacked (kernel.sh).
#
# usage: deps.sh [build|vm|peers|debug|lint|coccinelle|afl|doc|bpf|unicorn|bench]...
#        (default: all but debug, coccinelle, afl and bench)

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

group() {
	case $1 in
	# modules with BTF, the command, unit tests, BPF programs with their loaders;
	# 32-bit programs
	build) echo gcc gcc-multilib libc6-dev make sparse dwarves libelf1 xz-utils python3 \
		clang bpftool libbpf-dev libelf-dev zlib1g-dev ;;
	# fetching and booting kernels
	vm) echo qemu-system-x86 busybox-static cpio e2fsprogs rsync xz-utils \
		lz4 zstd binutils kmod seabios vgabios ;;
	# emulators that are compared with, and the assembler for their ROM
	peers) echo nasm bochs-term bochs seabios bsdutils qemu-system-x86 ;;
	debug) echo flex bison bc libelf-dev libssl-dev perl ;;
	lint) echo shellcheck perl git clang ;;
	# one more, for make lint alone
	coccinelle) echo coccinelle ;;
	doc) echo python3-sphinx perl xz-utils ;;
	bpf) echo bpftrace ;;
	# for make fuzz ENGINE=afl
	afl) echo afl++ clang ;;
	# for the fuzz target beside it, and make scoreboard
	unicorn) echo libunicorn-dev ;;
	# for make bench
	bench) echo libunicorn-dev libx86emu-dev valgrind nasm ;;
	*) die "no such group: $1" ;;
	esac
}

[ $# -gt 0 ] || set -- build vm peers lint doc bpf unicorn
missing=()
for g; do
	for p in $(group "$g"); do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed' || missing+=("$p")
	done
done
[ ${#missing[@]} -gt 0 ] || exit 0

[ "$(id -u)" = 0 ] ||
	die "packages are missing; as root: apt-get install ${missing[*]}"
apt_lists
note "installing ${missing[*]}"
install() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 \
		install --no-install-recommends "${missing[@]}" >&2
}
install || { apt-get -qq update >&2; install; } ||
	die "cannot install ${missing[*]}; check the network and /etc/apt"
