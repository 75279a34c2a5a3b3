#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What PIOTRAP_RUN costs, in instructions that the host's CPU executes: bench.c
# in a VM whose TSC counts them, so that the result is the same each time.
#
# usage: run.sh            compare with figures.txt, print TAP
#        run.sh --update   run twice, print the table, and write it there
#
# figures.txt has a table for each heading (kernel, compiler, flags, machine) that
# was measured. Under another heading there is nothing to compare with: the cases
# are skipped, and --update starts a new table.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../vm/lib.sh
. "$here/../vm/lib.sh"

kernel=6.1-cloud
figures=$here/figures.txt

case ${1:-} in
'' | --update) update=${1:-} ;;
*) sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

"$here/../vm/deps.sh" build vm
dir=$("$here/../vm/kernel.sh" $kernel)
kit=$("$here/../vm/kselftest.sh")
ko=$("$here/../vm/module.sh" $kernel)
mkdir -p "$BUILD/vm"
tmp=$(mktemp -d "$BUILD/vm/bench.XXXX")
trap 'rm -rf "$tmp"' EXIT

gcc -std=gnu11 -static -O2 -Wall -Wextra -Werror -I "$TOP/module/uapi" \
	-isystem "$kit/tools/testing/selftests" -o "$tmp/bench" "$here/bench.c"

# What the figures depend on, sources apart.
heading() {
	echo "kernel: $(cat "$dir/version")"
	echo "compiler: $(gcc --version | head -n 1)"
	echo "flags: $(tr ' ' '\n' <"${ko%/*}/emulator/.run.o.cmd" |
		grep -E '^-(O|mindirect|mfunction|mharden|mtune|fno-jump|fcf|fstack|ftrivial)' |
		sort -u | xargs)"
	echo "machine: $(qemu-system-x86_64 --version | head -n 1 |
		sed 's/ (.*//'), -cpu Nehalem -smp 1 -icount shift=0"
}

measure() {
	"$here/../vm/run.sh" --kernel $kernel --module "$ko" --icount \
		--file "$tmp/bench:/root/bench" \
		--log "$BUILD/logs/bench-kernel.log" -- /root/bench
}

# table <OUTPUT OF bench.c: a line a case: name, with tracepoints off, with them
# on, what it is.
table() {
	awk '
	BEGIN {
		text["memcpy-byte"] = "memcpy of 64 KiB (rep movsq), a byte"
		text["alu"] = "an ALU instruction in a loop (bar: 25)"
		text["out"] = "an OUT to the console in a loop (bar: 80)"
		text["in"] = "an IN from a latch in a loop"
		text["query"] = "PIOTRAP_INFO"
		text["run"] = "RUN of a stream of one instruction, beyond that (bar: 400)"
		text["run-regs"] = "the same with new registers"
		text["run-budget"] = "RUN of one instruction in memory, beyond PIOTRAP_INFO"
		text["exit"] = "OUT served by the owner, beyond PIOTRAP_INFO"
		text["rep-outsb-byte"] = "REP OUTSB of 64 KiB to the console, a byte (bar: 0.5)"
		text["rep-insb-byte"] = "REP INSB of 64 KiB from an input queue, a byte"
	}
	$1 == "tracepoints" { on = 1; next }
	$1 == "end" { complete = 1; next }
	NF == 3 && $1 in text {
		if (!on)
			name[++n] = $1
		fig[$1, on + 0] = sprintf("%.3f", $2 / $3)
		next
	}
	{ exit 1 }
	END {
		if (!complete)
			exit 1
		for (i = 1; i <= n; i++)
			printf "%-16s %12s %12s  %s\n", name[i], fig[name[i], 0],
			       (name[i], 1) in fig ? fig[name[i], 1] : "-",
			       text[name[i]]
	}' || die "bench.c has not run to its end"
}

# known: the table of figures.txt under this heading, if there is one.
known() {
	[ ! -e "$figures" ] || awk -v want="$(heading)" '
	/^#/ { next }
	/^[a-z]+: / { if (!in_heading) head = ""
		      head = head (in_heading ? "\n" : "") $0
		      in_heading = 1; next }
	{ in_heading = 0 }
	NF && head == want' "$figures"
}

# others: the tables of figures.txt under other headings.
others() {
	[ ! -e "$figures" ] || awk -v want="$(heading)" '
	function flush() { if (head != "" && head != want) printf "\n%s\n\n%s", head, rows }
	/^#/ || !NF { next }
	/^[a-z]+: / { if (!in_heading) { flush(); head = rows = "" }
		      head = head (in_heading ? "\n" : "") $0
		      in_heading = 1; next }
	{ in_heading = 0; rows = rows $0 "\n" }
	END { flush() }' "$figures"
}

measure >"$tmp/out"
table <"$tmp/out" >"$tmp/table"

if [ -n "$update" ]; then
	measure >"$tmp/again"
	cmp -s "$tmp/out" "$tmp/again" || {
		diff "$tmp/out" "$tmp/again" || true
		die "a second run counted otherwise"
	}
	{
		cat <<-'END'
		# Instructions of the host, with tracepoints off and on. Written by
		# "make bench-kernel"; see Documentation/testing.rst.
		END
		others
		echo
		heading
		echo
		cat "$tmp/table"
	} >"$tmp/figures"
	cp "$tmp/figures" "$figures"
	heading
	cat "$tmp/table"
	exit
fi

# Compare each figure, with tracepoints off and on.
known >"$tmp/known"
awk -v limit=0.02 '
function result(ok, name, now) {
	printf "%sok %d %s: %s%s\n", ok == "no" ? "not " : "", ++n, name, now,
	       ok == "skip" ? " # SKIP no figures under this heading" : ""
}
function compare(name, was, now,	d) {
	if (now == "-")
		return
	if (!known) {
		result("skip", name, now)
		return
	}
	d = was > 0 ? now / was - 1 : 1
	if (d <= limit && d >= -limit) {
		result("yes", name, now)
		return
	}
	bad = 1
	printf "# was %s: %+.1f %%; make bench-kernel writes the new figures\n",
	       was, 100 * d
	result("no", name, now)
}
FILENAME == ARGV[1] { off[$1] = $2; on[$1] = $3; known++; next }
{ name[++rows] = $1; noff[rows] = $2; non[rows] = $3; plan += $3 == "-" ? 1 : 2 }
END {
	printf "1..%d\n", plan
	for (i = 1; i <= rows; i++) {
		compare(name[i], off[name[i]], noff[i])
		compare(name[i] " with tracepoints", on[name[i]], non[i])
	}
	exit bad
}' "$tmp/known" "$tmp/table"
