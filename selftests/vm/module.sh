#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build piotrap.ko for a kernel of kernel.sh, and print its name. Each kernel
# has its own copy of the sources, build/module-NAME, so that no build disturbs
# another or the source tree. W=1, and sparse if it is there; a warning fails.
#
# usage: module.sh NAME
#   PIOTRAP_DEBUG=1 builds, in build/module-NAME-debug, the module that can be
#   told when to break (the parameter poll_every).
#   PIOTRAP_GCOV=1 builds, in build/module-NAME...-gcov, one that counts what it
#   executes; the kernel has to have CONFIG_GCOV_KERNEL.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

[ $# = 1 ] || die "usage: module.sh KERNEL (such as 6.1-cloud)"
"$here/deps.sh" build vm
kernel=$("$here/kernel.sh" "$1")
name=$1${PIOTRAP_DEBUG:+-debug}${PIOTRAP_GCOV:+-gcov}
dir=$BUILD/module-$name
log=$BUILD/logs/module-$name.log
mkdir -p "$dir" "${log%/*}"
lock "module-$name"

# Only sources. What differs gets the time of now: a file that goes back to an
# older version would else look older than its object, and not be built again.
rsync -rlp --checksum --delete --prune-empty-dirs --include='*/' --include='Kbuild*' \
	--include='*.mk' --include='*.[chS]' --exclude='*' --filter='P *' \
	"$TOP/Kbuild" "$TOP/module" "$TOP/emulator" "$dir/" >&2 ||
	die "cannot copy the module's sources"

# BTF of the module is an addition to that of the very kernel.
[ "$dir/piotrap.ko" -nt "$kernel/vmlinux" ] || rm -f "$dir/piotrap.ko"

args=(W=1 PIOTRAP_DEBUG="${PIOTRAP_DEBUG:-}" ${PIOTRAP_GCOV:+GCOV_PROFILE=y})
command -v sparse >/dev/null && args+=(C=1 CF=-Wsparse-error)
if ! make -s -C "$kernel/headers" M="$dir" -j"$JOBS" "${args[@]}" modules \
	>"$log" 2>&1 || grep -q 'warning:' "$log"; then
	cat "$log" >&2
	# What is built already would not be built, and warn, again.
	find "$dir" -name '*.o' -delete
	die "module for $name: errors or warnings"
fi
[ -e "$dir/piotrap.ko" ] || die "module for $name: no piotrap.ko was built"
echo "$dir/piotrap.ko"
