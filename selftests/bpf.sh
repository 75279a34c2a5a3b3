#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Let the tools of bpf/ watch bpf-workload, in a VM, and print what they print; bpf.py
# judges it. What is printed is cut into parts by lines "@@ NAME".

workload=/root/selftests/piotrap/bpf-workload
tools='piosnoop piotop pendingdbg repbreak piolat'
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit

part() { echo "@@ $1"; }

# show NAME: standard output, errors and exit status of what ran by that name.
show() {
	part "$1.out"
	cat "$1.out"
	part "$1.err"
	cat "$1.err"
	part "$1.status"
	cat "$1.status"
}

# once NAME COMMAND...: run it, show it.
once() {
	name=$1
	shift
	"$@" >"$name.out" 2>"$name.err" </dev/null
	echo $? >"$name.status"
	show "$name"
}

# begin NAME TOOL OPTION...: run it in the background until it traces. Its process is
# in NAME.pid: a background process of sh has SIGINT ignored, and hands that on; the
# tool sets it anew.
begin() {
	name=$1
	shift
	(
		"$@" >"$name.out" 2>"$name.err" </dev/null &
		echo $! >"$name.pid"
		wait $!
		echo $? >"$name.status"
	) 3>&- &	# not the end of the pipe that says "go" below
	while ! grep -qs 'tracing; Ctrl-C' "$name.err" && [ ! -e "$name.status" ]; do
		sleep 0.1
	done
}

# finish NAME: Ctrl-C, and show it.
finish() {
	kill -INT "$(cat "$1.pid")"
	while [ ! -e "$1.status" ]; do
		sleep 0.1
	done
	show "$1"
}

# How the kernel says that the fields are.
part formats
for f in /sys/kernel/tracing/events/piotrap/*/format; do
	cat "$f"
done

# All of them, three times, at the same two sandboxes.
mkfifo go
$workload wait <go >boxes 2>&1 &
workers=$!
exec 3>go
while [ "$(grep -c '"box"' boxes)" != 2 ] && kill -0 "$workers"; do
	sleep 0.1
done
pid=$(sed -n 's/.*"a","pid":\([0-9]*\),.*/\1/p' boxes)
sandbox=$(sed -n 's/.*"b",.*"sandbox":\([0-9]*\),.*/\1/p' boxes)
for t in $tools; do
	begin "$t-all" "$t" -j
	begin "$t-pid" "$t" -j -p "$pid"
	begin "$t-sandbox" "$t" -j -s "$sandbox"
	begin "$t-text" "$t" -s "$sandbox"
done
exec 3>&-
wait "$workers"
part boxes
cat boxes
for t in $tools; do
	for what in all pid sandbox text; do
		finish "$t-$what"
	done
done

# A ring buffer that is full: the tool sleeps while things happen.
begin overrun piosnoop -j --buffer 4
kill -STOP "$(cat overrun.pid)"
$workload >overrun-boxes
kill -CONT "$(cat overrun.pid)"
finish overrun
part overrun-boxes
cat overrun-boxes

# What gives the CPU away, compared with what the kernel's own reader sees.
cd /sys/kernel/tracing || exit
echo 0 >options/record-cmd
echo 1 >events/piotrap/piotrap_preempt/enable
echo 1 >events/piotrap/piotrap_resume/enable
cd "$tmp" || exit
begin repbreak-sched repbreak -j
begin piolat-sched piolat -j
$workload sched >sched-boxes
part sched-boxes.status
echo $?
finish repbreak-sched
finish piolat-sched
part sched-trace
grep ': piotrap_' /sys/kernel/tracing/trace
echo 0 >/sys/kernel/tracing/events/piotrap/enable

# How they end.
once duration piosnoop -j -d 0.3
once verbose piosnoop -v -j -d 0.1
once both piosnoop -j -d 0.3 -- sleep 1000
once status piosnoop -j -o status.json -- sh -c 'exit 3'
part status.json
cat status.json
once killed piosnoop -j -- sh -c 'kill -9 $$'
once missing piosnoop -j -- /nonexistent
once term sh -c 'piotop -j -i 0.1 & sleep 1; kill -TERM $!; wait $!'
once terminal timeout 60 $workload terminal pxtq piotop -i 0.2
once usage piosnoop --walk
once number piolat -p 0
once key piotop -S value
once full piosnoop -o /dev/full -- $workload
once stranger su stranger -c 'piosnoop -d 1'
once help piotop --help
part end
