#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the command where the module is absent: arguments, messages, exit codes.
# TAP; test-parse first, then the command itself.
#
# usage: check.sh FOLDER   (with piotrap and test-parse)

set -u
cd "$(dirname "$0")" || exit 1
dir=$(realpath "$1")
piotrap=$dir/piotrap
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0

# expect NAME STATUS PATTERN ARGUMENT...: run piotrap, compare.
expect() {
	local name=$1 status=$2 pattern=$3 got out

	shift 3
	out=$("$piotrap" "$@" 2>&1)
	got=$?
	n=$((n + 1))
	if [ $got = "$status" ] && grep -qE -e "$pattern" <<<"$out"; then
		echo "    ok $n $name"
	else
		sed 's/^/    # /' <<<"$out"
		echo "    # status $got, expected $status and $pattern"
		echo "    not ok $n $name"
		bad=1
	fi
}

echo "1..2"
"$dir/test-parse" | sed 's/^/    /'
if [ "${PIPESTATUS[0]}" = 0 ]; then
	echo "ok 1 parse"
else
	echo "not ok 1 parse"
fi

printf '\364' >"$tmp/flat"		# hlt
printf '\125\252\001\313' >"$tmp/rom"	# 55 aa 01; retf
head -c 508 /dev/zero >>"$tmp/rom"
printf '\252\125\001\313' >"$tmp/swapped"
printf '\125\252\377\313' >"$tmp/short"
: >"$tmp/empty"
head -c 200000 /dev/zero >"$tmp/large"
head -c 65536 /dev/zero >"$tmp/bios"
none=--device=$tmp/none

expect "no command" 2 '^Usage: piotrap run'
expect "unknown command" 2 'no such command: walk' walk
expect "help" 0 '^Usage: piotrap run' --help
expect "help of run" 0 'Usage: piotrap run \[OPTION' run --help
expect "help of bios" 0 'Usage: piotrap bios \[OPTION' bios --help
expect "help of rom" 0 'Usage: piotrap rom \[OPTION' rom --help
expect "version" 0 '^piotrap [0-9]' --version
expect "no file" 2 'FILE is missing' run
expect "two files" 2 'more than one FILE' run a b
expect "unknown option" 2 "unrecognized option '--walk'" run --walk x
expect "bad --break" 2 'not PORT' run --break 10000 x
expect "bad --watch" 2 'not ADDR' run --watch 1=2/1 x
expect "seventeen --break and --watch" 2 'more than 16' run --break 1 --break 2 \
	--break 3 --break 4 --break 5 --break 6 --break 7 --break 8 --break 9 \
	--watch 1 --watch 2 --watch 3 --watch 4 --watch 5 --watch 6 --watch 7 \
	--watch 8 x
expect "bad --dr" 2 'not PORT\[:r' run --dr 10-11 x
expect "five --dr" 2 'more than 4' run --dr 1 --dr 2 --dr 3 --dr 4 --dr 5 x
expect "bad --port" 2 'not FIRST' run --port 80 x
expect "bad --console" 2 'not a port' rom --console 10000 x
expect "bad --budget" 2 'not a count' run --budget -5 x
expect "bad --org" 2 'not \[SEG:\]OFF' run --org zz x
expect "bad --mode" 2 'not 16, 32 or 64' run --mode 48 x
expect "bad --cpu" 2 'not one that is known' run --cpu 286 x
expect "long mode on a 686" 2 'needs a --cpu with long mode' \
	run --cpu 686 --mode 64 "$tmp/flat"
expect "bad --org, mode 32" 2 'not an address' \
	run --org 100000000 --mode 32 x
expect "bad --org, mode 64" 2 'not an address' run --mode 64 --org 0:0 x
expect "--org where the tables are" 2 'below 10000 the CPU has its tables' \
	run --mode 32 --org ffff "$tmp/flat"
expect "--org outside of the 4M that mode 64 has" 2 'there is no memory' \
	run --mode 64 --org 400000 "$tmp/flat"
expect "bad --mem" 2 'not a size' run --mem 65M x
expect "bad --mem of bios" 2 'at least 1M' bios --mem 512K "$tmp/bios"
expect "odd --mem" 2 'multiple of 4K' run --mem 5000 "$tmp/flat"
expect "--org outside of --mem" 2 'there is no memory' \
	run --mem 4K --org 0:1000 "$tmp/flat"
expect "--org in the BIOS" 2 'there is no memory' \
	run --org f000:f000 "$tmp/flat"
expect "bad --ax" 2 'not a 16-bit number' rom --ax 12345 x
expect "bad --bdf" 2 'not BUS:DEV.FN' rom --bdf 1 x
expect "--mode is not for a BIOS" 2 'unrecognized' bios --mode 16 x
expect "--org is not for a ROM" 2 'unrecognized' rom --org 0 x

expect "run: file missing" 12 'absent: No such file' run "$tmp/absent"
expect "run: file empty" 12 'is empty' run "$tmp/empty"
expect "run: a folder" 12 'Is a directory' run "$tmp"
expect "run: file too large" 12 'larger than the 65536 bytes' \
	run --mem 64K --org 0:0 "$tmp/large"
expect "run, mode 32: file too large" 12 'larger than the 65536 bytes' \
	run --mode 32 --mem 128K --org 10000 "$tmp/large"
expect "bios: file missing" 12 'absent: No such file' bios "$tmp/absent"
expect "bios: of no size that they have" 12 'is no BIOS image' bios "$tmp/large"
expect "rom: file missing" 12 'absent: No such file' rom "$tmp/absent"
head -c 5000000 /dev/zero >"$tmp/huge"
expect "rom: file too large" 12 'larger than the 4194304 bytes' rom "$tmp/huge"
expect "rom: no signature" 12 'does not start with 55 AA' rom "$tmp/swapped"
expect "rom: cut short" 12 'cut short' rom "$tmp/short"
cat "$tmp/rom" "$tmp/large" >"$tmp/images"
expect "rom: more images behind it" 10 'the module is not loaded' \
	rom "$none" "$tmp/images"
expect "rom: checksum" 10 'warning: its checksum is cb' rom "$none" "$tmp/rom"

expect "run: module absent" 10 'modprobe piotrap, or insmod piotrap.ko' \
	run "$none" "$tmp/flat"
expect "run, mode 64: module absent" 10 'the module is not loaded' \
	run "$none" --mode 64 "$tmp/flat"
expect "bios: module absent" 10 'the module is not loaded' \
	bios "$none" "$tmp/bios"
expect "rom: module absent" 10 "none is not there: the module is not loaded" \
	rom "$none" "$tmp/rom"
expect "not the device" 10 'is not piotrap' run --device /dev/null "$tmp/flat"

# As another user: root may open anything.
locked=$tmp/locked
: >"$locked"
chmod 000 "$locked"
if [ "$(id -u)" != 0 ]; then
	expect "no permission" 11 "for members of the group $(id -gn) " \
		run --device "$locked" "$tmp/flat"
elif command -v setpriv >/dev/null; then
	chmod 755 "$tmp"
	cp "$piotrap" "$tmp/piotrap"
	chmod 755 "$tmp/piotrap"
	chmod 644 "$tmp/flat"
	cat >"$tmp/as-nobody" <<-END
		#!/bin/sh
		exec setpriv --reuid 65534 --clear-groups "$tmp/piotrap" "\$@"
	END
	chmod 755 "$tmp/as-nobody"
	piotrap=$tmp/as-nobody
	expect "no permission" 11 "for members of the group root " \
		run --device "$locked" "$tmp/flat"
else
	n=$((n + 1))
	echo "    ok $n no permission # SKIP no setpriv"
fi

# As README.md says: in their own folder.
cp -r examples "$tmp/examples"
n=$((n + 1))
if make -s -C "$tmp/examples" clean all >"$tmp/out" 2>&1 &&
	[ -s "$tmp/examples/primes-64-v3.bin" ] &&
	[ -s "$tmp/examples/primes.expected" ]; then
	echo "    ok $n examples are built"
else
	sed 's/^/    # /' "$tmp/out"
	echo "    not ok $n examples are built"
	bad=1
fi
echo "    1..$n"
[ $bad = 0 ] && echo "ok 2 command" || echo "not ok 2 command"
exit $bad
