#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Time the guest loops in this emulator and in others, and print a table.

usage: bench.py [--quick] [--rounds N] OUT

OUT is the folder with the programs that the Makefile here has built. --quick: this
emulator alone. All engines run in turn, round after round; figures are medians, with
the least and the greatest. Time is that which the program has had a CPU.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile

COMPILED = ["crc", "sieve", "sort", "interp"]
PLAIN = ["alu", "mem"] + COMPILED
BLOCKS = [16, 256, 4096, 65536]
STRINGS = {"outsb": 1, "outsd": 4, "insb": 1, "insd": 4}
QUICK = (PLAIN + ["out", "in"] +
         [f"{s}-{n // STRINGS[s]}" for s in STRINGS for n in BLOCKS] +
         ["movsb-65536", "stosd-16384", "mmio-read-4096", "mmio-write-1024",
          "alu+log", "step"])

TARGET_NS = 60e6        # how long one run is to take
PROFILED = 20000        # guest instructions under callgrind
PROFILED_BYTES = 1 << 17


def bytes_of(name):
    """Bytes that one iteration of a string loop moves, or 0."""
    m = re.match(r"(outs|ins|movs|stos|mmio-read|mmio-write)(b|d)?-(\d+)", name)
    if not m:
        return 0
    return int(m.group(3)) * (4 if m.group(2) == "d" or m.group(1) == "mmio-write"
                              else 1)


class Result:
    def __init__(self, words):
        self.count, self.insns, self.ns = (int(w) for w in words[:3])
        self.eax = words[3]
        self.memory = words[4]
        self.exits = int(words[5])


class Engine:
    """A program of this folder."""

    def __init__(self, out, name, title):
        self.program = os.path.join(out, name)
        self.image = os.path.join(out, "guest.img")
        self.name = name
        self.title = title
        self.count = {}
        self.ns = {}

    def run(self, jobs, *options, prefix=()):
        """jobs: {name: count}. Returns {name: Result}, None for what it cannot do."""
        args = [*prefix, self.program, *options, self.image]
        args += [f"{n}:{c}" for n, c in jobs.items()]
        text = subprocess.run(args, check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        found = {}
        for line in text.splitlines():
            words = line.split()
            if words[0] != "#":
                found[words[0]] = None if words[1] == "-" else Result(words[1:])
        return found

    def calibrate(self, names):
        """Find counts that take TARGET_NS each."""
        todo = {n: 2 for n in names}
        while todo:
            got = self.run(todo)
            again = {}
            for name, r in got.items():
                if r is None:
                    continue
                if r.ns > TARGET_NS / 20:
                    self.count[name] = max(1, int(r.count * TARGET_NS / r.ns))
                else:
                    again[name] = min(r.count * 16, 0xffffffff)
            todo = again
        self.ns = {n: [] for n in self.count}

    def insns_each(self, names):
        """Instructions, or REP iterations, of one more iteration of a loop."""
        few = self.run({n: 1 for n in names}, "--count")
        more = self.run({n: 3 for n in names}, "--count")
        return {n: (more[n].insns - few[n].insns) / 2 for n in names}

    def round(self, names):
        """One more time for each: nanoseconds an iteration."""
        got = self.run({n: self.count[n] for n in names})
        for name, r in got.items():
            self.ns[name].append(r.ns / r.count)

    def median(self, name):
        return statistics.median(self.ns[name])

    def spread(self, name):
        return min(self.ns[name]), max(self.ns[name])


def profile(engine, per_iteration):
    """Host instructions and indirect branches for each guest instruction."""
    jobs = {}
    for name, insns in per_iteration.items():
        size = bytes_of(name)
        most = min(256, PROFILED_BYTES // size) if size else PROFILED
        jobs[name] = max(1, min(most, int(PROFILED / (1 if size else insns))))
        if name.startswith("mmio"):
            jobs[name] = 1
    found = {}
    with tempfile.TemporaryDirectory() as tmp:
        got = engine.run(jobs, "--profile", prefix=(
            "valgrind", "-q", "--tool=callgrind", "--branch-sim=yes",
            f"--callgrind-out-file={tmp}/out"))
        for entry in os.listdir(tmp):
            with open(os.path.join(tmp, entry), encoding="ascii",
                      errors="replace") as f:
                text = f.read()
            trigger = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
            events = re.search(r"^events: (.*)$", text, re.M)
            total = re.search(r"^(?:totals|summary): (.*)$", text, re.M)
            if not (trigger and events and total):
                continue
            values = [int(v) for v in total.group(1).split()]
            values += [0] * (len(events.group(1).split()) - len(values))
            found[trigger.group(1).strip()] = dict(
                zip(events.group(1).split(), values))
    return {n: (found[n]["Ir"], found[n]["Bi"], got[n]) for n in jobs if n in found}


def per_guest(name, prof):
    """What the host's count is divided by: bytes for strings, else instructions."""
    size = bytes_of(name)
    ir, bi, r = prof[name]
    unit = size * r.count if size else r.insns
    return ir / unit, bi / unit


def figure(name, ns, insns):
    """ns an iteration, as the table has it: (value, unit)."""
    size = bytes_of(name)
    if size:
        return size / ns * 1e3, "MB/s"
    if name in ("out", "in"):
        return ns, "ns"
    if name.startswith("step"):
        return 10 / ns * 1e3, "M/s"     # traps
    return insns / ns * 1e3, "M/s"


def quick(out, rounds):
    engine = Engine(out, "emu", "piotrap")
    engine.calibrate(QUICK)
    insns = engine.insns_each(QUICK)
    for _ in range(rounds):
        engine.round(QUICK)
    prof = profile(engine, insns)
    print(f"{'loop':18} {'median':>10} {'least':>10} {'most':>10}      "
          f"{'host insns':>10} {'indirect':>9}")
    for name in QUICK:
        lo, hi = engine.spread(name)
        values = [figure(name, ns, insns[name])
                  for ns in (engine.median(name), hi, lo)]
        values[1:] = sorted(values[1:])
        ir, bi = per_guest(name, prof)
        each = "a byte" if bytes_of(name) else "an insn"
        print(f"{name:18} " + " ".join(f"{v:10.4g}" for v, _ in values) +
              f" {values[0][1]:4} {ir:10.4g} {bi:9.3g} {each}")
    print("M/s: million guest instructions or steps a second; "
          "ns: for each access.")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("out")
    args = parser.parse_args()
    if args.quick:
        return quick(args.out, 3)
    return 2


if __name__ == "__main__":
    sys.exit(main())
