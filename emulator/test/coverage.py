#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What tests execute of the emulator, from gcov's data. Called by coverage.sh.

usage: coverage.py UNCOVERED LIMIT FOLDER... [--lines]

FOLDERs have the objects of one build each, with their data. UNCOVERED lists the
functions of which a part is never executed, each with the reason; that list must be
neither too short nor too long, and LIMIT percent of all lines executed, or the status
is 1. --lines names the lines too.
"""

import collections
import glob
import json
import os
import re
import subprocess
import sys


def gcov(folders):
    """(file, line) -> count and ((file, line), branch) -> count, of all objects.
    A macro's line has run if it has in any function that it makes."""
    lines, branches = {}, {}
    for data in sorted(d for f in folders for d in glob.glob(f + '/*.gcda')):
        text = subprocess.run(['gcov', '-b', '-t', '--json-format', data],
                              check=True, capture_output=True).stdout
        for f in json.loads(text)['files']:
            name = f['file']
            if not os.path.exists(name) or '/' in name:
                continue
            for l in f['lines']:
                at = name, l['line_number']
                lines[at] = max(lines.get(at, 0), l['count'])
                for n, b in enumerate(l['branches']):
                    branches[at, n] = max(branches.get((at, n), 0), b['count'])
    return lines, branches


def function(source, number):
    """The function, or the macro that makes one, that a line belongs to."""
    for line in reversed(source[:number]):
        found = re.match(r'(?=[A-Za-z])[^(]*?(\w+)\(', line)
        if found:
            return found[1]
    return '-'


def percent(part, all_of):
    return 100 * part / all_of if all_of else 100


def row(name, lines, branches):
    hit, taken = sum(map(bool, lines)), sum(map(bool, branches))
    print(f'{name:<14} {percent(hit, len(lines)):6.2f} % of {len(lines):5} lines '
          f'{percent(taken, len(branches)):6.2f} % of {len(branches):5} branches')
    return percent(hit, len(lines))


def listed(path):
    """(file, function) -> reason."""
    table = {}
    for line in open(path):
        if line.strip() and not line.startswith('#'):
            name, function, reason = line.split(None, 2)
            table[name, function] = reason.strip()
    return table


def main():
    uncovered, limit, *folders = [a for a in sys.argv[1:] if a != '--lines']
    lines, branches = gcov(folders)
    if not lines:
        sys.exit('no data')
    for name in sorted({at[0] for at in lines}):
        row(name, [n for at, n in lines.items() if at[0] == name],
            [n for (at, _), n in branches.items() if at[0] == name])
    total = row('emulator/', lines.values(), branches.values())

    missed = collections.defaultdict(set)
    text = {name: open(name).read().splitlines() for name, _ in lines}
    for (name, number), count in lines.items():
        if not count:
            missed[name, function(text[name], number)].add(number)
    table = listed(uncovered)
    bad = total < float(limit)
    if bad:
        print(f'less than {limit} % of the lines')
    for at in sorted(missed):
        if '--lines' in sys.argv:
            for n in sorted(missed[at]):
                print(f'{at[0]}:{n}: {at[1]}: {text[at[0]][n - 1].strip()}')
        if at not in table:
            print(f'{at[0]} {at[1]}: {len(missed[at])} lines are not executed, '
                  'and no reason is given')
            bad = True
    for at in sorted(set(table) - set(missed)):
        print(f'{at[0]} {at[1]}: is executed as a whole: take it off the list')
        bad = True
    sys.exit(bad)


main()
