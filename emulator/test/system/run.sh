#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the ROM of cases, run it in the emulator, in Bochs and in QEMU, compare.
# Output is TAP, a point for each case and engine: the emulator must print what
# expected.txt has; a peer too, or else exactly what differences.txt has for it.
#
# usage: run.sh IMAGE OUT	IMAGE: the program made of image.c; OUT: a folder
#
# ONLY=bochs (or qemu, or emulator) runs just that. UPDATE=1 leaves the lines for
# differences.txt in OUT/PEER.new: what has no reason yet has TODO there.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
image=$(realpath "$1")
mkdir -p "$2" || exit
out=$(cd "$2" && pwd)
rom=$out/system.rom

# The versions whose differences are written down.
BOCHS=2.7 QEMU=7.2

emulator() {
	timeout 120 "$image" --max-insns 50000000 "$@" "$rom" 2>"$out/emulator.log"
}

# In ways that must make no difference.
hooks() { emulator --hooks; }
restarted() { emulator --restart 7; }

qemu() {
	timeout 60 qemu-system-x86_64 -accel tcg -cpu max,vendor=GenuineIntel \
		-m 32 -bios "$rom" -nodefaults -display none -no-reboot \
		-device isa-debugcon,iobase=0xe9,chardev=out \
		-chardev "file,id=out,path=$out/qemu.raw" \
		-device isa-debug-exit,iobase=0xf4,iosize=4 >"$out/qemu.log" 2>&1
	cat "$out/qemu.raw"
}

# Debian's is built with its debugger, and wants a terminal.
bochs() {
	cat >"$out/bochsrc" <<-END
		display_library: term
		megs: 32
		cpu: model=corei7_icelake_u, count=1, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
		romimage: file=$rom, address=0xfffe0000
		port_e9_hack: enabled=1
		log: $out/bochs.log
		panic: action=fatal
		error: action=ignore
		info: action=ignore
	END
	printf 'c\nq\n' >"$out/bochs.rc"
	(cd "$out" && TERM=xterm timeout 60 script -qfc \
		"bochs -q -f bochsrc -rc bochs.rc" bochs.raw) </dev/null >/dev/null 2>&1
	tr -d '\r' <"$out/bochs.raw"
}

qemu_version() {
	command -v qemu-system-x86_64 >/dev/null || return
	qemu-system-x86_64 --version | sed -n 's/.*version \([0-9]*\.[0-9]*\).*/\1/p'
}

bochs_version() {
	command -v bochs >/dev/null && command -v script >/dev/null || return
	bochs --help 2>&1 | sed -n 's/.*Emulator \([0-9]*\.[0-9]*\).*/\1/p'
}

tests=0 failed=0
point() {
	tests=$((tests + 1))
	[ "${1%% *}" = ok ] || failed=1
	echo "$1 $tests - $2"
}

# why PEER: reason to skip it, or nothing
why() {
	local name=$1 known=$2 have

	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$name" ] || { echo "not asked for"; return; }
	have=$("${name}_version")
	[ -n "$have" ] || { echo "$name is not installed"; return; }
	[ "$have" = "$known" ] ||
		echo "this is $name $have, the differences are those of $known"
}

engine() {
	local name=$1 known=${2:-} reason

	reason=''
	[ -z "$known" ] || reason=$(why "$name" "$known")
	if [ -n "$reason" ]; then
		point ok "$name # SKIP $reason"
		return
	fi
	"$name" | grep -aE '^[a-z0-9. -]+:' | cut -c1-1000 >"$out/$name.txt"
	tests=$(awk -v engine="$name" -v tests="$tests" -v rc="$out/rc" \
		-v update="${UPDATE:-}" -v news="$out/$name.new" \
		-f "$here/compare.awk" "$here/expected.txt" \
		"$here/differences.txt" "$out/$name.txt" 2>&1 >&3)
	[ "$(cat "$out/rc")" = 0 ] || failed=1
}

command -v nasm >/dev/null || {
	echo "1..1"
	echo "ok 1 system # SKIP nasm is not installed"
	exit 0
}
nasm -f bin -w+all -I "$here/" -o "$rom" "$here/rom.asm" || {
	echo "1..1"
	echo "not ok 1 system: nasm"
	exit 1
}
exec 3>&1
if [ "${ONLY:-emulator}" = emulator ]; then
	engine emulator
	engine hooks
	engine restarted
fi
engine bochs $BOCHS
engine qemu $QEMU
echo "1..$tests"
exit $failed
