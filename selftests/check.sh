#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run test suites, count their results, end with one line of totals:
# "N passed, N failed, N skipped". Each suite's TAP is kept in build/results.
#
# usage: check.sh [SUITE]...   all of check below, or those whose name begins
#                              with a word given (check.sh tools kselftest)
#        check.sh --debug [SUITE]...    likewise, of those of the debug kernel
#        check.sh --kcsan [SUITE]...    of the kernel that finds data races
#        check.sh --preempt [SUITE]...  of other kinds of preemption
#        check.sh --stress [SUITE]...   of load, TIME seconds (60) for each part

set -uo pipefail
# shellcheck source=vm/lib.sh
. "$(dirname "$0")/vm/lib.sh"
cd "$TOP" || exit

KERNELS=${KERNELS:-6.1-cloud 6.12-cloud}
TIME=${TIME:-60}
# What uses the ABI and nothing else but tracing.
ABI_PROGRAMS='abi bpf-decide caller mailbox ports state trace watches'
# And what breaks off in the middle.
PREEMPT_PROGRAMS='breakpoints hostile rep stress'
results=$BUILD/results
wanted=()
table='' passed=0 failed=0 skipped=0

# suite NAME COMMAND...: run it, count what its TAP says.
suite() {
	local name=$1 tap=$results/$1.tap status p f s t w=''

	shift
	for w in "${wanted[@]}"; do
		[[ $name != "$w"* ]] || break
		w=''
	done
	[ ${#wanted[@]} = 0 ] || [ -n "$w" ] || return
	echo "# ---- $name"
	t=$SECONDS
	"$@" | tee "$tap"
	status=${PIPESTATUS[0]}
	t=$((SECONDS - t))
	awk -v suite="$name" -v status="$status" -f selftests/tap.awk \
		"$tap" >"$tap.count"
	sed '$d' "$tap.count" >>"$results/failures"
	read -r p f s < <(tail -n 1 "$tap.count")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	table+=$(printf '# %-24s %7d %7d %7d %6d s' "$name" "$p" "$f" "$s" $t)
	table+=$'\n'
}

# The module builds for each kernel, without a warning, wherever its headers lie.
modules() {
	local k n=0 rc=0

	# shellcheck disable=SC2086 # words are names
	echo "1..$((2 * $(echo $KERNELS | wc -w)))"
	for k in $KERNELS; do
		n=$((n + 1))
		if selftests/vm/module.sh "$k" >/dev/null; then
			echo "ok $n module for $k, no warnings"
		else
			echo "not ok $n module for $k, no warnings"
			rc=1
		fi
		n=$((n + 1))
		# Else two trees that share them would build with each other's.
		if grep -q '^include \.\./' "$BUILD/kernels/$k/headers/Makefile"; then
			echo "ok $n headers of $k can be moved"
		else
			echo "not ok $n headers of $k can be moved"
			rc=1
		fi
	done
	return $rc
}

no_portio() { selftests/no-portio.sh "$BUILD/module-$1/piotrap.ko"; }
host_state() { selftests/host-state.sh "$BUILD/module-$1/piotrap.ko"; }
tail_calls() { selftests/tail-calls.sh "$BUILD/module-$1/piotrap.ko"; }

# kselftest KERNEL [OPTION OF run.sh]...: all selftest programs in a VM, with
# the module that can be told when to break.
kselftest() {
	local k=$1

	shift
	PIOTRAP_DEBUG=1 selftests/vm/piotrap.sh --kernel "$k" --timeout 900 \
		--log "$BUILD/logs/kselftest-$k.log" "$@" -- \
		/root/selftests/run_kselftest.sh -o 600
}

# in_vm KERNEL LOG COMMAND PROGRAM [OPTION OF run.sh]...: these selftest programs
# alone, after COMMAND.
in_vm() {
	local k=$1 log=$2 command=$3 p programs=''

	for p in $4; do
		programs+=" -t piotrap:$p"
	done
	shift 4
	PIOTRAP_DEBUG=1 selftests/vm/piotrap.sh --kernel "$k" --timeout 900 \
		--log "$BUILD/logs/$log-$k.log" "$@" -- \
		"$command && /root/selftests/run_kselftest.sh -o 600 $programs"
}

# Locked down with the module in place: one without a signature cannot come later.
lockdown() {
	local k=${KERNELS##* } file=/sys/kernel/security/lockdown mode rc=0

	for mode in integrity confidentiality; do
		in_vm "$k" "lockdown-$mode" \
			"echo $mode >$file && grep -F '[$mode]' $file" \
			"$ABI_PROGRAMS" || rc=1
	done
	return $rc
}

# How the kernel was told to preempt is read back: an unknown word changes nothing.
preempt() {
	in_vm "$1" "preempt-$2" "grep -F '($2)' /sys/kernel/debug/sched/preempt" \
		"$ABI_PROGRAMS $PREEMPT_PROGRAMS" --append "preempt=$2"
}

# The plain module, on all CPUs of this machine.
stress() {
	selftests/vm/piotrap.sh --kernel "$1" --smp "$(nproc)" --timeout $((TIME * 20 + 600)) \
		--log "$BUILD/logs/stress-$1.log" -- \
		"PIOTRAP_STRESS=$TIME /root/selftests/piotrap/stress"
}

# What has the most to race with, for longer than among all the selftests.
race() {
	local k=$1

	shift
	PIOTRAP_DEBUG=1 selftests/vm/piotrap.sh --kernel "$k" \
		--log "$BUILD/logs/race-$k.log" "$@" -- \
		'cd /root/selftests/piotrap && ./abi-fuzz --seed 7 --rounds 60 && PIOTRAP_STRESS=10 ./stress'
}

# The same module: how often the CPU is given away has to be known.
bpftrace() {
	PIOTRAP_DEBUG=1 selftests/vm/piotrap.sh --kernel "$1" --timeout 600 --disk \
		--log "$BUILD/logs/bpftrace-$1.log" -- sh /root/bpftrace.sh
}

# The tools on libbpf; the module is the one whose preemptions can be counted.
bpf() {
	PIOTRAP_BPF=1 PIOTRAP_DEBUG=1 selftests/vm/piotrap.sh --kernel "$1" \
		--timeout 600 --log "$BUILD/logs/bpf-$1.log" -- \
		sh /root/bpf.sh | tee "$BUILD/logs/bpf-$1.out" |
		python3 selftests/bpf.py
}

# The same without BTF of the module, and the programs that read tracepoints.
no_btf_tools() { PIOTRAP_NO_BTF=1 bpf "$1"; }
no_btf() {
	PIOTRAP_NO_BTF=1 in_vm "$1" no-btf '[ ! -e /sys/kernel/btf/piotrap ]' \
		'bpf-decide trace uart.sh'
}

check() {
	local k

	suite self-test selftests/self-test.sh
	suite emulator make -s --no-print-directory -C emulator check
	suite emulator-pairs make -s --no-print-directory -C emulator check-pairs
	suite convert make -s --no-print-directory -C emulator convert
	suite features make -s --no-print-directory -C emulator features
	suite differential make -s --no-print-directory -C emulator differential
	suite mutants make -s --no-print-directory -C emulator mutants
	suite fuzz make -s --no-print-directory -C emulator fuzz-replay
	suite fuzz-unicorn make -s --no-print-directory -C emulator fuzz-unicorn-replay
	suite native make -s --no-print-directory -C emulator native
	suite silicon make -s --no-print-directory -C emulator silicon
	suite vectors make -s --no-print-directory -C emulator vectors
	suite system make -s --no-print-directory -C emulator system
	suite scoreboard make -s --no-print-directory -C emulator bare
	suite bench make -s --no-print-directory -C emulator/bench check
	suite tools make -s --no-print-directory -C tools check
	suite bpf make -s --no-print-directory -C bpf check
	suite abi-table selftests/abi-table.sh
	suite modules modules
	suite bench-kernel selftests/bench-kernel/run.sh
	for k in $KERNELS; do
		suite "no-portio-$k" no_portio "$k"
		suite "host-state-$k" host_state "$k"
		suite "tail-calls-$k" tail_calls "$k"
		suite "kselftest-$k" kselftest "$k"
		suite "bpftrace-$k" bpftrace "$k"
		suite "bpf-$k" bpf "$k"
	done
	suite no-btf no_btf "${KERNELS##* }"
	suite no-btf-tools no_btf_tools "${KERNELS##* }"
	suite lockdown lockdown
	suite install selftests/install.sh
	suite documentation Documentation/check.sh
}

check_debug() {
	suite self-test selftests/self-test.sh
	suite kselftest-debug kselftest debug --timeout 3000
	suite tail-calls-debug tail_calls debug-debug
	suite log-debug selftests/vm/log-check.sh \
		"$BUILD/logs/kselftest-debug.log"
}

check_kcsan() {
	suite self-test selftests/self-test.sh
	suite kselftest-kcsan kselftest kcsan --timeout 3000
	suite race-kcsan race kcsan --timeout 3000
	for log in kselftest race; do
		suite "log-$log-kcsan" selftests/vm/log-check.sh \
			"$BUILD/logs/$log-kcsan.log"
	done
}

check_preempt() {
	local k mode

	for k in 6.1-rt 6.12-rt; do
		suite "kselftest-$k" kselftest "$k"
	done
	for k in $KERNELS; do
		for mode in none voluntary full; do
			suite "preempt-$mode-$k" preempt "$k" $mode
		done
	done
}

check_stress() {
	local k

	for k in $KERNELS; do
		suite "stress-$k" stress "$k"
	done
}

mkdir -p "$results"
# A second run in this tree would delete the first one's results, and build beside it.
exec {only}>"$BUILD/.lock-check"
flock -n "$only" || die "another run in this tree has not ended: ${results#"$TOP"/} is its own"
rm -f "$results"/*
: >"$results/failures"
case ${1:-} in
--debug | --kcsan | --preempt | --stress)
	list=check_${1#--}
	shift
	;;
*)
	list=check
	;;
esac
wanted=("$@")
$list

echo "#"
if grep -qiE 'skip.*vectors' "$results/vectors.tap" 2>/dev/null; then
	echo "VECTORS ABSENT: set PIOTRAP_VECTORS to the folder that has them"
fi
printf '# %-24s %7s %7s %7s %8s\n' suite passed failed skipped time
printf '%s' "$table"
if [ -s "$results/failures" ]; then
	echo "# failed:"
	sed 's/^# /#   /' "$results/failures"
fi
echo "$passed passed, $failed failed, $skipped skipped" |
	tee "$results/totals"
[ $failed = 0 ] && [ $passed -gt 0 ]
