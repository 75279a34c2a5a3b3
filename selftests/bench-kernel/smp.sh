#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How much more two sandboxes do at once than one, in a VM with two CPUs, each a
# thread of QEMU's: ratios of interleaved rounds, their median with its 95 %
# interval, and their spread. Says what it finds; not a test, as it measures time.
#
# The first line goes by the clock, so it needs two CPUs that have nothing else to
# do. The second goes by the CPU time that QEMU used: what two would do if they did
# not wait for a CPU. It does not see waiting for a lock by sleeping, the first does.
#
# QEMU 7.2 with a thread for each CPU now and then runs code that the guest's
# kernel has patched meanwhile, and the VM dies. How often is counted.
#
# usage: smp.sh [KERNEL] [BOOTS]     (6.1-cloud, 3)

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../vm/lib.sh
. "$here/../vm/lib.sh"

kernel=${1:-6.1-cloud} boots=${2:-3} died=0
log=$BUILD/logs/bench-smp.log
"$here/../vm/deps.sh" build vm
kit=$("$here/../vm/kselftest.sh")
ko=$("$here/../vm/module.sh" "$kernel")
mkdir -p "$BUILD/vm"
tmp=$(mktemp -d "$BUILD/vm/smp.XXXX")
trap 'rm -rf "$tmp"' EXIT

gcc -std=gnu11 -static -pthread -O2 -Wall -Wextra -Werror -I "$TOP/module/uapi" \
	-isystem "$kit/tools/testing/selftests" -o "$tmp/smp" "$here/smp.c"

boot() {
	"$here/../vm/run.sh" --kernel "$kernel" --module "$ko" --mttcg --smp 2 \
		--file "$tmp/smp:/root/smp" --log "$log" -- /root/smp || echo died
}

# The QEMU that has $log.
qemu() {
	local p

	for p in $(pgrep -f "file:$log"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" != qemu-system-x86 ] ||
			echo "$p"
	done | head -n 1
}

# CPU time in nanoseconds that all threads of PID have used.
cpu_time() {
	cat "/proc/$1"/task/*/schedstat 2>/dev/null |
		awk '{ s += $1 } END { printf "%.0f\n", s }'
}

# A line a round: threads, runs, time, CPU time.
: >"$tmp/rounds"
for ((i = 0; i < boots; i++)); do
	pid='' begin=0
	while read -r n runs time; do
		[ -n "$pid" ] || pid=$(qemu)
		case $n in
		begin) begin=$(cpu_time "$pid") ;;
		died) died=$((died + 1)) ;;
		*) echo "$n $runs $time $(($(cpu_time "$pid") - begin))" ;;
		esac
	done < <(boot) >>"$tmp/rounds"
done

# ratios COLUMN NAME: of the rounds with two threads to those with one before.
ratios() {
	awk -v c="$1" '
	$1 == 1 && $c > 0 { one = $2 / $c }
	$1 == 2 && $c > 0 && one { printf "%.3f\n", (c == 4 ? 2 : 1) * $2 / $c / one
				   one = 0 }' "$tmp/rounds" | sort -n |
	awk -v name="$2" '
	{ r[NR] = $1 }
	END {
		if (!NR)
			exit 1
		m = NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2
		# By ranks: the median is between these two, 95 times in 100.
		low = int((NR - 1.96 * sqrt(NR)) / 2)
		high = int(1.5 + (NR + 1.96 * sqrt(NR)) / 2)
		low = low < 1 ? 1 : low
		high = high > NR ? NR : high
		printf "by %s: %.2f (95 %% interval %.2f to %.2f; %d rounds, %.2f to %.2f)\n",
		       name, m, r[low], r[high], NR, r[1], r[NR]
	}'
}

echo "two sandboxes to one, on $kernel (bar: 1.7); $boots boots, $died died"
ratios 3 "the clock" && ratios 4 "CPU time" || die "no round came to an end"
