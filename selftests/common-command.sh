# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034
#
# What the tests of the piotrap command share; read by "." of sh. Leaves an empty
# folder $tmp, removed at the end, and counts in $n and $bad.

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}
[ -e /dev/piotrap ] || skip_all "no /dev/piotrap"
command -v piotrap >/dev/null || skip_all "no piotrap command"

# result NAME: by the status of the last command.
result() {
	if [ $? = 0 ]; then
		n=$((n + 1))
		echo "ok $n $1"
	else
		n=$((n + 1))
		echo "not ok $n $1"
		bad=1
	fi
}
# has FILE LINE: LINE is one of the file's.
has() {
	grep -qxF -e "$2" "$1" && return
	sed 's/^/# /' "$1" | head -n 20
	echo "# there is no line: $2"
	return 1
}
