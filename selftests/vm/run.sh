#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot a kernel in QEMU, run a command there, exit as the command did.
#
# usage: run.sh [OPTION]... -- COMMAND...
#   --kernel NAME     6.1-cloud, 6.12-cloud, debug, kcsan, ... (default 6.12-cloud)
#   --module FILE.ko  load this module before the command, unload it after
#   --file SRC:DEST   put a file or folder into the VM (may be repeated)
#   --disk            add the disk with bpftrace (disk.sh) as /usr, /lib...
#   --accel tcg|kvm   default: $ACCEL, else kvm where the CPU has it
#   --icount          TCG, one CPU, its TSC counts instructions: each run of a
#                     program counts the same. CPU model Nehalem: what copies
#                     memory there does so by 8 bytes an instruction
#   --mttcg           TCG with a thread for each CPU, see below
#   --smp N           CPUs (default 2)       --mem MB    (default 1024)
#   --timeout S       limit (default 300)    --append "KERNEL ARGUMENTS"
#   --log FILE        kernel log (default build/logs/vm-NAME-PID.log)
#
# The command's words are joined and run by the shell of busybox as root; what
# it prints comes out here, unchanged. The exit code is the command's, but
#   124  the time was up
#   125  the command's own code was 125 or more (128 + N: killed by signal N),
#        or the module did not load or unload
#   1    the kernel panicked, warned or reported a bug (log-check.sh), or QEMU
#        failed
# and a message on stderr says which. In the VM, user nobody is a member of the
# group piotrap, user stranger is not.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

kernel=6.12-cloud module='' accel=${ACCEL:-} smp=2 mem=1024 limit=300
append='' log='' disk='' icount='' mttcg='' files=()
while [ $# -gt 0 ]; do
	case $1 in
	--disk) disk=y; shift; continue ;;
	--icount) icount=y; shift; continue ;;
	--mttcg) mttcg=y; shift; continue ;;
	--help) sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; exit ;;
	--) shift; break ;;
	--*) [ $# -ge 2 ] || die "$1 needs a value" ;;
	*) die "unknown argument $1; the command comes after --" ;;
	esac
	case $1 in
	--kernel) kernel=$2 ;;
	--module) module=$2 ;;
	--file) files+=("$2") ;;
	--accel) accel=$2 ;;
	--smp) smp=$2 ;;
	--mem) mem=$2 ;;
	--timeout) limit=$2 ;;
	--append) append=$2 ;;
	--log) log=$2 ;;
	*) die "unknown option $1" ;;
	esac
	shift 2
done
[ $# -gt 0 ] || die "no command; try --help"
[ -z "$module" ] || [ -f "$module" ] || die "no such module: $module"

"$here/deps.sh" vm
dir=$("$here/kernel.sh" "$kernel")
image=''
if [ -n "$disk" ]; then
	case $kernel in
	debug | kcsan) die "the kernel $kernel has no disk driver" ;;
	esac
	image=$("$here/disk.sh")
fi

mkdir -p "$BUILD/logs" "$BUILD/vm"
[ -n "$log" ] || log=$BUILD/logs/vm-$kernel-$$.log
tmp=$(mktemp -d "$BUILD/vm/run.XXXX")
trap 'rm -rf "$tmp"' EXIT

# The helper that ends the VM. Built aside: two runs may do it at once.
if [ "$here/exit.c" -nt "$BUILD/vm/exit" ]; then
	gcc -static -O2 -Wall -o "$tmp/exit" "$here/exit.c"
	mv "$tmp/exit" "$BUILD/vm/exit"
fi

# The initramfs.
root=$tmp/root
mkdir -p "$root"/{bin,sbin,dev,proc,sys,tmp,root,etc,vm,usr/bin}
cp /bin/busybox "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
cp "$here/init" "$root/init"
cp "$BUILD/vm/exit" "$root/vm/exit"
if [ -n "$module" ]; then
	cp "$module" "$root/vm/"
	basename "$module" >"$root/vm/module"
fi
echo "$*" >"$root/vm/command"
cat >"$root/etc/passwd" <<-END
	root:x:0:0:root:/root:/bin/sh
	nobody:x:65534:65534:nobody:/tmp:/bin/sh
	stranger:x:65533:65533:stranger:/tmp:/bin/sh
END
cat >"$root/etc/group" <<-END
	root:x:0:
	piotrap:x:990:nobody
	nogroup:x:65534:
	stranger:x:65533:
END
# kselftest's runner limits a test's time only if it finds this very file, and
# by an option that busybox does not have.
cat >"$root/usr/bin/timeout" <<-'END'
	#!/bin/sh
	[ "$1" != --foreground ] || shift
	exec busybox timeout "$@"
END
chmod +x "$root/usr/bin/timeout"
for f in "${files[@]}"; do
	src=${f%%:*} dest=$root/${f#*:}
	[ -e "$src" ] || die "no such file: $src"
	mkdir -p "$(dirname "$dest")"
	cp -a -T "$src" "$dest"
done
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$tmp/initramfs"

# KVM only where it can be: a /dev/kvm without the CPU's help is no use.
[ -z "$icount$mttcg" ] || accel=tcg
if [ -z "$accel" ]; then
	accel=tcg
	grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ] && accel=kvm
fi
case $accel in
kvm) cpu=host ;;
# One thread for all CPUs: with one each, QEMU 7.2 now and then runs code that the
# guest's kernel has patched meanwhile (a static branch), and it dies of an int3.
tcg) cpu=max,la57=off; accel=tcg,thread=single ;;
*) die "--accel is tcg or kvm" ;;
esac
[ -z "$mttcg" ] || accel=tcg,thread=multi
[ -z "$icount" ] || { cpu=Nehalem smp=1; }

args="console=ttyS0,115200 loglevel=7 printk.devkmsg=on panic=-1 oops=panic"
args+=" panic_on_warn=1 softlockup_panic=1 mitigations=off random.trust_cpu=on"
args+=" cryptomgr.notests"
# The kernel's own races are none of ours: log-check.sh tells them apart.
[ "$kernel" != kcsan ] || args+=" panic_on_warn=0"
# Calibration against a clock that stutters wastes seconds, or fails.
[ "$accel" = kvm ] || args+=" tsc=reliable no_timer_check lpj=4000000"

# shellcheck disable=SC2054 # the commas are QEMU's
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
	-machine pc -accel "$accel" -cpu "$cpu" -smp "$smp,sockets=$smp" -m "$mem"
	-kernel "$dir/vmlinux" -initrd "$tmp/initramfs"
	-append "$args $append"
	-serial "file:$log" -serial stdio
	-device isa-debug-exit,iobase=0xf4,iosize=4)
[ -z "$icount" ] || qemu+=(-icount "shift=0,sleep=off"
	-rtc "base=2020-01-01,clock=vm" -seed 1)
[ -z "$image" ] || qemu+=(-device "nvme,serial=x,drive=d"
	-drive "if=none,id=d,file=$image,format=raw,readonly=on")

: >"$log"
status=0
timeout --foreground -k 10 "$limit" "${qemu[@]}" </dev/null || status=$?

fail() {
	local rc=$1

	shift
	note "VM $kernel: $*"
	sed -n 's/^.*\(vm: FAIL: .*\)/# \1/p' "$log" >&2
	note "kernel log: $log"
	exit "$rc"
}

# What the kernel says counts for more than what the command returns.
"$here/log-check.sh" --brief "$log" >&2 || fail 1 "the kernel reported a bug"
case $status in
124 | 137) fail 124 "time limit of $limit s reached, the VM was killed" ;;
0) fail 1 "the VM went down by itself (panic, reboot or triple fault)" ;;
1) fail 1 "QEMU failed" ;;
esac
[ $((status & 1)) = 1 ] || fail 1 "QEMU was killed (status $status)"
code=$((status / 2 - 1))
[ $code -lt 125 ] || fail 125 "the command was killed, or the module failed"
exit $code
