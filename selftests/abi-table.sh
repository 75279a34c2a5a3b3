#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Is the table of common-abi.h all of the ABI: each call, flag and field of the
# header, in both directions? And is syzkaller's description what it makes? TAP.
#
# usage: abi-table.sh [--write]    --write: make the description anew

set -uo pipefail
# shellcheck source=vm/lib.sh
. "$(dirname "$0")/vm/lib.sh"
cd "$TOP/selftests" || exit
header=../module/uapi/linux/piotrap.h
description=piotrap.syz
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
kit=$(vm/kselftest.sh) || exit

# Not arguments of a call: what BPF programs are given, what the log holds.
other='^(bpf_io|log_rec|log_ring)$'

"${CC:-gcc}" -O1 -Wall -pthread -I../module/uapi \
	-isystem "$kit/tools/testing/selftests" -o "$tmp/abi-fuzz" abi-fuzz.c || exit

if [ "${1:-}" = --write ]; then
	"$tmp/abi-fuzz" --syzlang >$description
	exit
fi

# What the header has: calls, single bits, fields by struct.
awk -v other="$other" '
	/^#define PIOTRAP_[A-Z0-9_]+[ \t]+_IO\(/ { print "call", $2 }
	/^#define PIOTRAP_[A-Z0-9_]+[ \t]+\(1U << / &&
		$2 !~ /^PIOTRAP_MODE_/ { print "flag", $2 }
	/^struct piotrap_[a-z_]+ \{/ {
		name = substr($2, 9)
		inside = name !~ other
		next
	}
	/^}/ { inside = 0 }
	# The registers by name are the array again.
	inside && /struct \{/ { twice = 1 }
	inside && /};/ { twice = 0 }
	inside && !twice && /;$/ {
		sub(/^[ \t]*(struct )?[a-z0-9_]+[ \t]+/, "")
		gsub(/\[[^]]*\]|[;,]/, "")
		for (i = 1; i <= NF; i++)
			if ($i !~ /[{}]/)
				print "field piotrap_" name, $i
	}' $header | sort >"$tmp/header"
"$tmp/abi-fuzz" --list | sort >"$tmp/table"

n=0 bad=0
result() {
	n=$((n + 1))
	if [ -s "$tmp/$1" ]; then
		sed 's/^/# /' "$tmp/$1"
		echo "not ok $n $2"
		bad=1
	else
		echo "ok $n $2"
	fi
}

echo 1..7
for kind in call flag field; do
	grep "^$kind " "$tmp/header" >"$tmp/header.$kind"
	grep "^$kind " "$tmp/table" >"$tmp/table.$kind"
	comm -23 "$tmp/header.$kind" "$tmp/table.$kind" >"$tmp/missing"
	comm -13 "$tmp/header.$kind" "$tmp/table.$kind" >"$tmp/surplus"
	result missing "each $kind of the header is in the table ($(wc -l <"$tmp/header.$kind"))"
	result surplus "each $kind of the table is in the header ($(wc -l <"$tmp/table.$kind"))"
done
"$tmp/abi-fuzz" --syzlang | diff $description - >"$tmp/diff"
result diff "$description is what the table makes"
exit $bad
