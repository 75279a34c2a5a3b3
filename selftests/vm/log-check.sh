#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Read a kernel log for reports of bugs. Some of them (lockdep, kmemleak, a
# sleep in atomic context) do not stop a kernel, so that nobody else notices.
#
# usage: log-check.sh [--brief] LOG   TAP, one line a class of reports
#                                     (--brief: only what was found)
#        log-check.sh --self-test     TAP: each class finds its planted sample,
#                                     and none finds anything in a good log

set -euo pipefail

# class | extended regular expression | sample that it must find, by lines
classes() {
	cat <<'END'
panic|Kernel panic - not syncing|Kernel panic - not syncing: Fatal exception
oops|Oops: |Oops: 0002 [#1] PREEMPT SMP KASAN NOPTI
fault|BUG: (unable to handle|kernel NULL)|BUG: unable to handle page fault for address: ffffc90000
gp|general protection fault|general protection fault, probably for non-canonical address 0xdffffc0
warning|WARNING: CPU: |WARNING: CPU: 1 PID: 77 at /m/module/run.c:12 run+0x1/0x2 [m]
bug|kernel BUG at |kernel BUG at mm/slub.c:4412!
kasan|BUG: KASAN: |BUG: KASAN: slab-out-of-bounds in f+0x10/0x20 [m]
kcsan|KCSAN: a race of the module: |BUG: KCSAN: data-race in _copy_to_user / g\nwrite to 0x1 of 4 bytes by task 7 on cpu 0:\n _copy_to_user+0x1/0x2\n f+0x1/0x2 [piotrap]\n=====
ubsan|UBSAN: |UBSAN: shift-out-of-bounds in /m/emulator/alu.c:9:4
lockdep|(possible (circular|recursive|irq) lock|inconsistent lock state|lock(dep)? held when returning|bad unlock balance|held lock freed|-unsafe lock order|Invalid wait context|locks? held by .* exiting|lock inversion)|WARNING: possible circular locking dependency detected
rcu|suspicious RCU usage|WARNING: suspicious RCU usage
atomic-sleep|(sleeping function called from invalid|scheduling while atomic|atomic_sched|voluntary context switch within)|BUG: sleeping function called from invalid context at mm/gup.c:1
kmemleak|(kmemleak: unreferenced object|vm: kmemleak: )|vm: kmemleak: unreferenced object 0xffff888003a40000 (size 64):
refcount|refcount_t: |refcount_t: underflow; use-after-free.
slub|BUG [^ ]+ ?(\([^)]*\))?: |BUG kmalloc-64 (Not tainted): Redzone overwritten
list|list_(add|del) corruption|list_del corruption, ffff88 -> next is NULL
usercopy|usercopy: Kernel memory (exposure|overwrite)|usercopy: Kernel memory exposure attempt detected from SLUB object
stall|(soft lockup|hard LOCKUP|detected stalls|self-detected stall|blocked for more than)|watchdog: BUG: soft lockup - CPU#0 stuck for 26s!
split-lock|split.lock (trap|detected)|x86/split lock detection: #AC: m/77 took a split_lock trap at address: 0x1
allocation|(page allocation failure|vmalloc error)|m: vmalloc error: size 8192, failed to allocated page array size 16
memory|(Bad page state|Bad rss-counter|page dumped because)|BUG: Bad page state in process m  pfn:03a40
END
}

# A good log, with words that come close.
good() {
	cat <<'END'
[    0.000000] Command line: console=ttyS0 oops=panic panic_on_warn=1 panic=-1
[    0.100000] x86/split lock detection: #AC: crashing the kernel on kernel split_locks
[    0.200000] kmemleak: Kernel memory leak detector initialized (mem pool available: 15000)
[    0.210000] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar
[    0.220000] rcu: RCU lockdep checking is enabled.
[    0.230000] kasan: KernelAddressSanitizer initialized
[    0.300000] RCU Tasks: Setting shift to 1 and lim to 1 rcu_task_cb_adjust=1.
[    0.400000] unchecked MSR access error: RDMSR from 0x852 at rIP: 0x1 (native_read_msr)
[    3.000000] m: loading out-of-tree module taints kernel.
[    3.100000] m: module verification failed: signature and/or required key missing - tainting kernel
[    3.200000] ==================================================================
[    3.200000] BUG: KCSAN: data-race in __schedule / try_to_wake_up
[    3.200000] write to 0xffff888003a40000 of 4 bytes by task 77 on cpu 1:
[    3.200000]  try_to_wake_up+0x1/0x2
[    3.200000]  __wake_up+0x1/0x2
[    3.200000]  console_wake+0x1/0x2 [piotrap]
[    3.200000] ==================================================================
[    4.000000] vm: command ended with 0
END
}

# races <LOG: a line for each report of KCSAN in which an access is the module's:
# made by its code, or for it by what copies and fills memory. The kernel has races
# of its own, which are not looked at, below calls of the module too.
races() {
	awk '
	{ sub(/^\[ *[0-9.]+\] ?/, "") }
	/^BUG: KCSAN: / { title = $0; next }
	/^=====/ { title = "" }
	title == "" { next }
	/(read|write|access).* to 0x.* by / { frame = 1; next }
	frame == 1 && / \[piotrap\]/ || frame == 2 && copies && / \[piotrap\]/ {
		sub(/^BUG: /, "", title)
		sub(/^ +/, "")
		print "KCSAN: a race of the module: " title ", at " $0
		title = ""
	}
	{ copies = /^ *(_?_?copy_|_?_?mem(cpy|move|set|cmp)|_?_?clear_user)/; frame++ }
	'
}

# check <LOG: print "class: line" for what was found, three lines a class. The
# kernel's command line is an echo, not a report.
check() {
	local log line re

	log=$(grep -av 'ommand line: ' | tr -d '\0\r')
	log+=$'\n'$(races <<<"$log")
	while read -r line; do
		re=${line#*|}
		re=${re%|*}
		grep -aE -m 3 -e "$re" <<<"$log" | sed "s/^/${line%%|*}: /" || :
	done < <(classes)
}

n=0
result() { n=$((n + 1)); echo "$1 $n $2"; }

self_test() {
	local line class

	echo "1..$(($(classes | wc -l) + 1))"
	while read -r line; do
		class=${line%%|*}
		if { good; printf '[    5.000000] %b\n' "${line##*|}"; } | check |
			grep "^$class: " >/dev/null; then
			result ok "log-check finds $class"
		else
			result "not ok" "log-check finds $class"
		fi
	done < <(classes)
	if good | check | sed 's/^/# /' | grep .; then
		result "not ok" "log-check finds nothing in a good log"
	else
		result ok "log-check finds nothing in a good log"
	fi
}

case ${1:-} in
--self-test)
	self_test
	;;
--brief)
	found=$(check <"$2")
	[ -z "$found" ] && exit
	# shellcheck disable=SC2001 # each line, not only the first
	sed 's/^/# /' <<<"$found"
	exit 1
	;;
?*)
	echo "1..$(classes | wc -l)"
	found=$(check <"$1")
	while read -r line; do
		class=${line%%|*}
		if grep "^$class: " <<<"$found" | sed 's/^/# /' | grep .; then
			result "not ok" "kernel log: $class"
		else
			result ok "kernel log: $class"
		fi
	done < <(classes)
	[ -z "$found" ]
	;;
*)
	echo "usage: log-check.sh [--brief] LOG | --self-test" >&2
	exit 2
	;;
esac
