#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What one port access costs with events off and on and with BPF programs, in
# instructions that the host's CPU executes: cost.c in a VM whose TSC counts them.
# Prints a table; the one in Documentation/tracing-cost.rst was made so.
#
# usage: run.sh [KERNEL]    such as 6.1-cloud

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../vm/lib.sh
. "$here/../vm/lib.sh"

kernel=${1:-6.1-cloud}
"$here/../vm/deps.sh" build vm
kit=$("$here/../vm/kselftest.sh")
ko=$("$here/../vm/module.sh" "$kernel")
mkdir -p "$BUILD/vm"
tmp=$(mktemp -d "$BUILD/vm/cost.XXXX")
trap 'rm -rf "$tmp"' EXIT

clang -target bpf -O2 -g -Wall -Werror -I "$TOP/module/uapi" \
	-idirafter "/usr/include/$(gcc -print-multiarch)" \
	-c "$here/cost.bpf.c" -o "$tmp/cost.bpf.o"
bpftool gen skeleton "$tmp/cost.bpf.o" name cost >"$tmp/cost.skel.h"
gcc -std=gnu11 -static -O2 -Wall -Wextra -Werror -I "$TOP/module/uapi" -I "$tmp" \
	-isystem "$kit/tools/testing/selftests" -o "$tmp/cost" "$here/cost.c" \
	-lbpf -lelf -lz

"$here/../vm/run.sh" --kernel "$kernel" --module "$ko" --icount \
	--file "$tmp/cost:/root/cost" --log "$BUILD/logs/bench-trace-$kernel.log" \
	-- /root/cost >"$tmp/out"

awk -v kernel="$kernel" '
BEGIN {
	text["off"] = "a latch, nothing on"
	text["flag"] = "a latch, with PIOTRAP_CONFIG_BPF"
	text["bpf-off"] = "a BPF port, no program"
	text["event"] = "a latch, piotrap_port_io on in tracefs"
	text["count"] = "a latch, a raw_tp program that counts piotrap_port_io"
	text["others"] = "a latch, a program that decides about BPF ports"
	text["decide"] = "a BPF port, a program that decides"
	text["off-again"] = "a latch, all off again"
	printf "%-52s %12s %12s\n", kernel, "instructions", "more"
}
NF == 3 && $1 in text {
	n = $2 / $3
	if ($1 == "off")
		base = n
	printf "%-52s %12.1f %12.1f\n", text[$1], n, n - base
	rows++
	next
}
{ exit 1 }
END { exit rows != 8 }' "$tmp/out" || { cat "$tmp/out" >&2; die "cost.c has not run to its end"; }
