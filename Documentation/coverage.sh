#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which tests show which number of semantics.rst: writes coverage.rst to standard
# output. A test has its numbers in its name. A number without a test, and not in
# the list below, is an error.

set -uo pipefail
cd "$(dirname "$0")/.." || exit

# About other software, or what is not modelled, with the reason.
not_modelled() {
	cat <<-'END'
	S71	about hypervisors: how they see a port access
	S87	about hypervisors: accesses of their own
	S140	about VM exits: what they save
	S142	about VM entries: what they inject
	END
}

# FILE<tab>NAME of every test that names a number.
tests() {
	local f

	for f in emulator/test/*.case; do
		sed -nE "s|^= (.*\b[SD][0-9]+\b.*)|${f##*/}\t\1|p" "$f"
	done
	for f in emulator/test/*.c selftests/*.c; do
		grep -oE '"([SD][0-9]+[ :,])+[^"]*"' "$f" |
			sed -E "s|^\"(.*)\"$|${f##*/}\t\1|"
	done
	# One comparison shows all eight.
	printf 'random.c\t%s all ways of running a program agree\n' \
		"$(echo D{1..8})"
}

cat <<'END'
.. SPDX-License-Identifier: GPL-2.0
.. Written by coverage.sh; make -C Documentation coverage writes it again.

========
Coverage
========

The tests that name each number of :doc:`semantics`, at most three of them. Text cases
are in ``emulator/test/``, programs (``.c``) there and in ``selftests/``.

.. list-table::
   :header-rows: 1
   :widths: 8 6 86

   * - number
     - tests
     - among them
END

tests | awk -F '\t' -v list="$(not_modelled)" '
BEGIN {
	n = split(list, lines, "\n")
	for (k = 1; k <= n; k++) {
		split(lines[k], f, "\t")
		why[f[1]] = f[2]
	}
}
{
	rest = $2
	while (match(rest, /[SD][0-9]+/)) {
		if (substr(" " rest, RSTART, 1) !~ /[A-Za-z0-9]/)
			ids[substr(rest, RSTART, RLENGTH)] = 1
		rest = substr(rest, RSTART + RLENGTH)
	}
	# What follows the numbers at its start is the name.
	rest = $2
	sub(/^([SD][0-9]+[ :,]*)+/, "", rest)
	gsub(/[\\`*|]/, "\\\\&", rest)
	for (id in ids) {
		count[id]++
		if (count[id] <= 3)
			names[id] = names[id] (count[id] > 1 ? "; " : "") \
				rest " (" $1 ")"
	}
	delete ids
}
function line(id) {
	if (!(id in count) && !(id in why)) {
		print id ": no test" >"/dev/stderr"
		bad = 1
	}
	if (id in count && id in why) {
		print id ": has a test, and is not to be" >"/dev/stderr"
		bad = 1
	}
	printf "   * - %s\n     - %s\n     - %s\n", id,
	       id in count ? count[id] : "none",
	       id in count ? names[id] : "*" why[id] "*"
}
END {
	for (k = 1; k <= 164; k++)
		line("S" k)
	for (k = 1; k <= 8; k++)
		line("D" k)
	exit bad
}'
