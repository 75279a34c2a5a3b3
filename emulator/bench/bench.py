#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Time the guest loops in this emulator and in others, and print a table.

usage: bench.py [--quick | --check] [--rounds N] [--rst FILE] OUT

OUT is the folder with the programs that the Makefile here has built; the raw figures
are left there in bench.tsv. --quick: this emulator alone, 3 rounds. --check: as TAP, that
all engines come to the same, and that what is counted is what there is. --rst: put the table
into FILE, behind the line that says so.

All engines run in turn, round after round. Time is that for which a program has had a
CPU. What is compared is compared within each round; of these ratios the median is given
and an interval that holds the true median with 95 %, by their order alone.
"""
import argparse
import contextlib
import itertools
import math
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

COMPILED = ["crc", "sieve", "sort", "interp"]
PLAIN = ["alu", "mem"] + COMPILED
PORTS = ["out", "in"]
BLOCKS = [16, 256, 4096, 65536]
STRINGS = {"outsb": 1, "outsd": 4, "insb": 1, "insd": 4}
BLOCK_LOOPS = [f"{s}-{n // STRINGS[s]}" for s in STRINGS for n in BLOCKS]
LARGE = [f"{s}-{65536 // STRINGS[s]}" for s in STRINGS]
DRAINED = [f"{n}+read" for n in LARGE]
MEMORY = ["movsb-65536", "stosd-16384"]
MMIO = ["mmio-read-4096", "mmio-write-1024"]
STEPS = ["alu+log", "step"]
QUICK = PLAIN + PORTS + BLOCK_LOOPS + MEMORY + MMIO + STEPS
ARMABLE = PLAIN + PORTS + LARGE + MEMORY
ARMED = [f"{n}+{where}" for n in ARMABLE for where in ("far", "near")]
OURS = QUICK + DRAINED + ARMED
PEERS = PLAIN + PORTS + LARGE + MEMORY + STEPS

PROFILED = 500000        # guest instructions under callgrind
PROFILED_BYTES = 1 << 17
ALU_EACH, STEPS_EACH = 14, 10   # instructions, traps, of an iteration of alu, step

BOCHSRC = """
display_library: term
megs: 32
cpu: model=corei7_icelake_u, count=1, ips=50000000, reset_on_triple_fault=0
romimage: file={rom}, address=0xfffe0000
port_e9_hack: enabled=1
log: {log}
panic: action=fatal
error: action=ignore
info: action=ignore
"""


def bytes_of(name):
    """Bytes that one iteration of a string loop moves, or 0."""
    m = re.match(r"(outs|ins|movs|stos|mmio-read|mmio-write)(b|d)?-(\d+)", name)
    if not m:
        return 0
    return int(m.group(3)) * (4 if m.group(2) == "d" or m.group(1) == "mmio-write"
                              else 1)


def set_priority(nice):
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)


class Result:
    def __init__(self, words):
        self.count, self.insns, self.ns = (int(w) for w in words[:3])
        self.eax = words[3]
        self.memory = words[4]
        self.exits = int(words[5])


class Engine:
    """A program of this folder."""

    target = 60e6       # nanoseconds that one run is to take
    first = 2           # iterations to begin with

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
        """Find how many iterations take as long as they are to."""
        todo = {n: self.first for n in names}
        while todo:
            again = {}
            for name, r in self.run(todo).items():
                if r is None:
                    continue
                if r.ns > self.target / 20:
                    self.count[name] = max(1, int(r.count * self.target / r.ns))
                else:
                    again[name] = min(r.count * 16, 0xffffffff)
            todo = again
        self.ns = {n: [] for n in self.count}

    def round(self, names):
        """One more time for each: nanoseconds an iteration."""
        for name, r in self.run({n: self.count[n] for n in names}).items():
            for _ in range(5):
                if r.ns > self.target / 20:
                    break
                r = self.run({name: self.count[name]})[name]    # its start was missed
            else:
                raise RuntimeError(f"{self.title}: {name} cannot be timed")
            self.ns[name].append(r.ns / r.count)


class Machine(Engine):
    """A whole machine that boots boot.rom. Its time is taken when a byte arrives.

    On a machine that has more to do a byte may be seen late. So it runs longer than
    the others, and what waits for the byte goes before them.
    """

    target = 300e6
    first = 256
    ARGS = 0x1f000
    # A byte that nothing listens to; the A20 gate, whose bit 0 reads 0.
    PORTS = {"out": 0x80, "outsb": 0x80, "outsd": 0x80, "in": 0x92,
             "insb": 0x92, "insd": 0x92}

    def __init__(self, out, name, title):
        super().__init__(out, name, title)
        self.out = out
        with open(os.path.join(out, "boot.rom"), "rb") as f:
            self.boot = f.read()
        with open(self.image, "rb") as f:
            self.guest = f.read()
        self.entry = {}
        for i in itertools.count():
            loop, entry, _ = struct.unpack_from("12sII", self.guest, 20 * i)
            if not loop[0]:
                break
            self.entry[loop.rstrip(b"\0").decode()] = entry

    def command(self, rom):
        if self.name == "qemu":
            return ["qemu-system-i386", "-accel", "tcg", "-cpu", "max", "-m", "32",
                    "-bios", rom, "-nodefaults", "-display", "none", "-no-reboot",
                    "-device", "isa-debugcon,iobase=0xe9,chardev=out",
                    "-chardev", "stdio,id=out"]
        with open(f"{self.out}/bochsrc", "w", encoding="ascii") as f:
            f.write(BOCHSRC.format(rom=rom, log=f"{self.out}/bochs.log"))
        with open(f"{self.out}/bochs.rc", "w", encoding="ascii") as f:
            f.write("c\nq\n")
        return ["bochs", "-q", "-f", f"{self.out}/bochsrc",
                "-rc", f"{self.out}/bochs.rc"]

    def can(self, name):
        return "+" not in name and not name.startswith("mmio")

    def run(self, jobs, *options, prefix=()):
        return {n: self.boot_into(n, c) if self.can(n) else None
                for n, c in jobs.items()}

    def boot_into(self, name, count):
        m = re.match(r"(.*?)(?:-(\d+))?$", name)
        loop, elems = m.group(1), int(m.group(2) or 0)
        rom = bytearray(self.boot)
        rom[:len(self.guest)] = self.guest
        struct.pack_into("IIII", rom, self.ARGS, self.entry[loop], count, elems,
                         self.PORTS.get(loop, 0))
        path = f"{self.out}/{self.name}.rom"
        with open(path, "wb") as f:
            f.write(rom)
        # Bochs wants a terminal.
        set_priority(-10)
        pid, fd = pty.fork()
        if not pid:
            set_priority(0)
            os.environ["TERM"] = "xterm"
            with open(os.devnull, "r+b") as null:
                os.dup2(null.fileno(), 2)
            command = self.command(path)
            os.execvp(command[0], command)
        try:
            ns, eax = self.time_guest(pid, fd)
        finally:
            set_priority(0)
            os.kill(pid, signal.SIGKILL)
            os.close(fd)
            os.waitpid(pid, 0)
        return Result([count, 0, ns, eax, "-", 0])

    @staticmethod
    def time_guest(pid, fd):
        """From its byte 02 to what it prints in the end: CPU time, EAX."""
        clock = ~pid << 3 | 2           # as clock_getcpuclockid() makes it
        text, start = b"", None
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 5)[0]:
                continue
            try:
                text += os.read(fd, 4096)
            except OSError:
                break
            now = time.clock_gettime_ns(clock)
            m = re.search(rb"\x02([0-9A-F]{8})\r?\n", text)
            if m:
                return max(1, now - (start or now)), f"{int(m.group(1), 16):x}"
            if start is None and text.endswith(b"\x02"):
                start = now
        raise RuntimeError(f"no answer, only {text[-200:]}")


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
    if name.split("+")[0] in PORTS:
        return ns, "ns"
    if name.startswith("step"):
        return STEPS_EACH / ns * 1e3, "M/s"
    return insns / ns * 1e3, "M/s"


def interval(values):
    """Of the median, with 95 %, by the order of values; None: too few."""
    n = len(values)
    tail, k = 0.0, 0
    while tail + math.comb(n, k) / 2 ** n <= 0.025:
        tail += math.comb(n, k) / 2 ** n
        k += 1
    values = sorted(values)
    return (values[k - 1], values[n - k]) if k else None


def number(v):
    return f"{v:.0f}" if v >= 1000 else f"{v:.3g}"


def grid(heading, rows):
    """A table as reStructuredText has it, which is easy to read too."""
    rows = [heading] + rows
    width = [max(len(r[i]) for r in rows) for i in range(len(heading))]
    rule = "  ".join("=" * w for w in width)
    text = ["  ".join(c.ljust(w) for c, w in zip(r, width)).rstrip() for r in rows]
    return [rule, text[0], rule] + text[1:] + [rule, ""]


# -- Bars. --

class Bars:
    """What is to be reached, and what is."""

    def __init__(self, engines):
        self.engine = {e.name: e for e in engines}
        self.rows = []

    def add(self, what, bar, got, met):
        self.rows.append([what, bar, got, met])

    def has(self, *pairs):
        return all(e in self.engine and n in self.engine[e].ns for e, n in pairs)

    def ratio(self, what, least, ours, other, scale=1.0):
        """How many times as fast ours (engine, loop) is as other, in each round."""
        bar = f"at least {least} x"
        if not self.has(ours, other):
            self.add(what, bar, "not measured", "-")
            return
        pairs = zip(self.engine[other[0]].ns[other[1]],
                    self.engine[ours[0]].ns[ours[1]])
        values = [scale * b / a for b, a in pairs]
        got, ends = number(statistics.median(values)), interval(values)
        if not ends:
            self.add(what, bar, f"{got} x", "too few rounds")
            return
        self.add(what, bar, f"{got} x ({number(ends[0])} to {number(ends[1])})",
                 "yes" if ends[0] >= least else "NO")

    def most(self, what, most, value, unit):
        self.add(what, f"at most {most} {unit}", f"{number(value)} {unit}",
                 "yes" if value <= most else "NO")


def judge(bars, prof, jmp):
    faster = {"alu": 30, "mem": 25, **{n: 35 for n in COMPILED}}
    insns = {"alu": 20, "mem": 40, **{n: 30 for n in COMPILED}}
    for n in PLAIN:
        bars.ratio(f"{n}, beside libx86emu", faster[n], ("emu", n), ("x86emu", n))
    for n in PLAIN:
        if n in prof:
            bars.most(f"{n}, host instructions for one of the guest", insns[n],
                      per_guest(n, prof)[0], "insns")
    for n in PLAIN:
        bars.ratio(f"{n}, kernel's flags, jmp thunks, beside plain", 0.8,
                   ("emu-jmp", n), ("emu", n))
        bars.ratio(f"{n}, kernel's flags, retpolines, beside plain", 0.4,
                   ("emu-retpoline", n), ("emu", n))
    for n in COMPILED:
        if n in jmp:
            bars.most(f"{n}, indirect branches for one instruction", 0.7,
                      per_guest(n, jmp)[1], "branches")
    for n in PORTS:
        bars.ratio(f"{n}, beside Unicorn", 1.5, ("emu", n), ("unicorn", n))
    for n in ("outsb-65536", "insb-65536"):
        bars.ratio(f"{n}, beside memcpy()", 0.5, ("emu", n), ("native", n))
        bars.ratio(f"{n}, with read(2), beside memcpy()", 0.25,
                   ("emu", f"{n}+read"), ("native", n))
    bars.ratio("movsb-65536, beside native", 0.7, ("emu", "movsb-65536"),
               ("native", "movsb-65536"))
    bars.ratio("stosd-16384, beside native", 0.25, ("emu", "stosd-16384"),
               ("native", "stosd-16384"))
    bars.ratio("steps to the log, beside Unicorn's hook", 1, ("emu", "alu+log"),
               ("unicorn", "alu+log"))
    bars.ratio("steps through a handler, beside Unicorn's hook", 0.3,
               ("emu", "step"), ("unicorn", "alu+log"),
               scale=STEPS_EACH / ALU_EACH)
    for where, most, why in (("far", 1.1, "other pages"), ("near", 3, "the loop's")):
        for n in ARMABLE:
            armed = f"{n}+{where}"
            if n in prof and armed in prof:
                bars.most(f"{n}, 4 breakpoints on {why}, instructions", most,
                          per_guest(armed, prof)[0] / per_guest(n, prof)[0], "x")


# -- What is printed. --

def output_of(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False).stdout
    except OSError:
        return ""


def version(package):
    text = output_of("dpkg-query", "-W", "-f", "${Version}", package)
    return text if re.match(r"[0-9][^ \n]*$", text) else "of unknown version"


def heading(rounds):
    cpu = re.search(r"^model name\s*: (.*)$", output_of("cat", "/proc/cpuinfo"), re.M)
    gcc = output_of("gcc", "--version").splitlines()[:1]
    under = re.search(r"Hypervisor vendor: *(.*)", output_of("lscpu"))
    return [
        f"* CPU: {cpu.group(1) if cpu else 'unknown'}, {os.cpu_count()} of them"
        f"{', under ' + under.group(1) if under else ''}",
        f"* {gcc[0] if gcc else 'unknown compiler'}, {os.environ.get('CFLAGS', '-O2 -g')}",
        f"* kernel's flags: {os.environ.get('MITIGATED', 'as in the Makefile')}",
        f"* Unicorn {version('libunicorn-dev')}, libx86emu {version('libx86emu-dev')}, "
        f"Bochs {version('bochs')},",
        f"  QEMU {version('qemu-system-x86')}, valgrind {version('valgrind')}",
        f"* {rounds} rounds",
        "",
    ]


def speed_rows(engines, names, insns):
    rows = []
    for name in names:
        unit = figure(name, 1, 1)[1]
        row = [name, unit]
        for e in engines:
            if name not in e.ns:
                row.append("-")
                continue
            values = [figure(name, ns, insns[name])[0] for ns in e.ns[name]]
            mid = statistics.median(values)
            half = (max(values) - min(values)) / 2 / mid * 100
            row.append(f"{number(mid)} ±{half:.0f}%")
        rows.append(row)
    return rows


def own_rows(ours, names, insns, prof, jmp):
    rows = []
    for name in names:
        values = [figure(name, ns, insns[name])[0] for ns in ours.ns[name]]
        _, unit = figure(name, 1, 1)
        row = [name, unit, number(statistics.median(values)), number(min(values)),
               number(max(values))]
        row.append(number(per_guest(name, prof)[0]) if name in prof else "-")
        row.append(number(per_guest(name, jmp)[1]) if name in jmp else "-")
        rows.append(row)
    return rows


OWN = ["loop", "unit", "median", "least", "most", "host insns", "indirect"]
LEGEND = ["M/s: million guest instructions or steps a second. ns: for each access, with "
          "the loop", "around it. Host insns: by callgrind, for one of the guest, in "
          "strings for one byte.", "Indirect: branches, likewise, of the build with the "
          "kernel's flags.", ""]


def count_insns(engine, names):
    """Instructions, or REP iterations, of one more iteration of each loop."""
    few = engine.run({n: 1 for n in names}, "--count")
    more = engine.run({n: 3 for n in names}, "--count")
    return {n: (more[n].insns - few[n].insns) / 2 for n in names}


def run_rounds(engines, names, rounds, out):
    """One loop after the other in all engines, who take turns at being first."""
    with open(os.path.join(out, "bench.tsv"), "w", encoding="ascii") as raw:
        raw.write("round\tengine\tloop\titerations\tns_each\n")
        for i in range(rounds):
            print(f"# round {i + 1} of {rounds}", file=sys.stderr)
            for name in names:
                for k in range(len(engines)):
                    e = engines[(k + i) % len(engines)]
                    if name not in e.count:
                        continue
                    e.round([name])
                    raw.write(f"{i}\t{e.name}\t{name}\t{e.count[name]}\t"
                              f"{e.ns[name][-1]:.6g}\n")


def elements_each(engine):
    """How many elements an exit to the owner of MMIO carries."""
    text = []
    for name, r in engine.run({n: 1 for n in MMIO}).items():
        elems = int(name.split("-")[-1])
        text.append(f"* {name}: {number(elems / max(1, r.exits))} elements for each exit")
    return text + [""]


def quick(out):
    ours, jmp = Engine(out, "emu", "plain"), Engine(out, "emu-jmp", "jmp thunks")
    insns = count_insns(ours, QUICK)
    ours.calibrate(QUICK)
    jmp.calibrate(PLAIN)
    for _ in range(3):
        ours.round(QUICK)
        jmp.round(PLAIN)
    rows = own_rows(ours, QUICK, insns, profile(ours, insns), profile(jmp, insns))
    print("\n".join(grid(OWN, rows) + LEGEND + elements_each(ours)))
    print("\n".join(grid(["loop", "unit", "plain", "kernel's flags"],
                         speed_rows([ours, jmp], PLAIN, insns))))
    return 0


def all_engines(out):
    engines = []
    if subprocess.run([f"{out}/native", f"{out}/guest.img", "alu:1"], check=False,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                      ).returncode == 0:
        engines.append(Engine(out, "native", "native"))
    if shutil.which("qemu-system-i386"):
        engines.append(Machine(out, "qemu", "QEMU TCG"))
    if os.path.exists(os.path.join(out, "unicorn")):
        engines.append(Engine(out, "unicorn", "Unicorn"))
    if shutil.which("bochs"):
        engines.append(Machine(out, "bochs", "Bochs"))
    if os.path.exists(os.path.join(out, "x86emu")):
        engines.append(Engine(out, "x86emu", "libx86emu"))
    return engines + [Engine(out, "emu", "piotrap"), Engine(out, "emu-jmp", "jmp thunks"),
                      Engine(out, "emu-retpoline", "retpoline")]


MARK = ".. What follows is written by make bench UPDATE=1."


def update(path, text):
    with open(path, encoding="utf-8") as f:
        head, mark, _ = f.read().partition(MARK)
    if not mark:
        raise SystemExit(f"{path}: no line {MARK}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + MARK + "\n\n" + text)


def full(out, rounds, rst):
    engines = all_engines(out)
    ours, jmp = engines[-3], engines[-2]
    insns = count_insns(ours, OURS)
    for e in engines:
        print(f"# {e.title}: how many iterations take {e.target / 1e6:.0f} ms",
              file=sys.stderr)
        e.calibrate(OURS if e is ours else PLAIN + PORTS + LARGE
                    if e.name.startswith("emu") else PEERS)
    run_rounds(engines, OURS, rounds, out)
    prof, branches = profile(ours, insns), profile(jmp, insns)
    bars = Bars(engines)
    judge(bars, prof, branches)
    text = heading(rounds)
    text += grid(["loop", "unit"] + [e.title for e in engines],
                 speed_rows(engines, PEERS, insns))
    text += ["The figure behind ± is half the distance from least to greatest.", ""]
    text += grid(OWN, own_rows(ours, OURS, insns, prof, branches)) + LEGEND
    text += elements_each(ours)
    text += grid(["what", "bar", "measured", "met"], bars.rows)
    met = [r[3] for r in bars.rows]
    text += [f"{met.count('yes')} of {len(met)} are met."]
    print("\n".join(text))
    if rst:
        update(rst, "\n".join(text) + "\n")
    return 0


# -- make check. --

class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def point(self, good, name, why=""):
        self.n += 1
        if not good:
            self.failed += 1
            print(f"# {why}")
        print(f"{'ok' if good else 'not ok'} {self.n} {name}", flush=True)

    def same(self, name, got, want):
        self.point(got == want, name, f"{got}, not {want}")

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} {name} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0


# Instructions of an iteration, by the source; a REP counts for each element.
CLAIMED = {"alu": ALU_EACH, "mem": 16, "out": 3, "in": 5, "step": STEPS_EACH * 3,
           **{n: 5 + int(n.split("-")[-1]) for n in BLOCK_LOOPS + MEMORY + MMIO}}
# How often each is run, where not 3 times; the log is full once.
OFTEN = {"alu": 1500, "mem": 1500, "out": 50, "in": 50, "step": 20}
SKIPPED = {"native": "32-bit code at low addresses", "x86emu": "libx86emu-dev",
           "unicorn": "libunicorn-dev", "qemu": "qemu-system-x86", "bochs": "bochs"}


def jobs_of(names):
    return {n: OFTEN.get(n.split("+")[0], 3) for n in names}


def seen(name, r, machine):
    """What must be the same everywhere. A machine shows no memory, its ports differ."""
    if not machine:
        return r.eax, r.memory
    return None if name.split("-")[0] in ("in", "insb", "insd") else (r.eax,)


def check_engines(tap, engines, want):
    names = PEERS + BLOCK_LOOPS
    jobs = jobs_of(names)
    present = {e.name: e for e in engines}
    for name in [e.name for e in engines] + [n for n in SKIPPED if n not in present]:
        if name not in present:
            tap.skip(f"{name}: same results", f"no {SKIPPED[name]}")
            continue
        e = present[name]
        machine = isinstance(e, Machine)
        got = e.run({n: c for n, c in jobs.items()
                     if not machine or n not in BLOCK_LOOPS or n in LARGE})
        for n, r in got.items():
            if r is None:
                continue
            mine = seen(n, want[n], machine)
            if mine is not None:
                tap.same(f"{name}: {n}", seen(n, r, machine), mine)


def check_counts(tap, engines, want):
    """The emulator's count of instructions: by the source, and by others."""
    for n, each in CLAIMED.items():
        tap.same(f"count: {n}", want[n][1], each)
    for e in engines:
        if e.name not in ("unicorn", "x86emu"):
            continue
        names = PLAIN + PORTS
        got = count_insns(e, names)
        for n in names:
            tap.same(f"count: {n}, by {e.name}", got[n], want[n][1])


def check_ways(tap, ours, want):
    """Breakpoints that never match, a log and a system call change nothing."""
    names = ARMED + DRAINED + ["alu+log"]
    got = ours.run(jobs_of(names))
    for n in names:
        r, plain = got[n], want[n.split("+")[0]]
        tap.same(n, (r.eax, r.memory, r.insns), (plain.eax, plain.memory, plain.insns))


def check_profile(tap, ours):
    if not shutil.which("valgrind"):
        tap.skip("callgrind counts each loop", "no valgrind")
        return
    prof = profile(ours, {n: CLAIMED[n] for n in ("alu", "out", "outsb-16")})
    tap.same("callgrind counts each loop", sorted(prof), ["alu", "out", "outsb-16"])
    for n, (ir, _, r) in prof.items():
        tap.point(ir > r.insns, f"callgrind: {n} takes more of the host than of the guest",
                  f"{ir} for {r.insns}")


def check_judge(tap):
    """An interval is as wide as the binomial distribution has it; a bar is a bar."""
    tap.same("interval of 5 values", interval(range(5)), None)
    tap.same("interval of 6 values", interval([3, 1, 2, 6, 5, 4]), (1, 6))
    tap.same("interval of 15 values", interval(range(1, 16)), (4, 12))
    ours, other = Engine("", "a", ""), Engine("", "b", "")
    ours.ns["x"] = [1.0] * 15
    for low, verdict in ((3, "yes"), (4, "NO")):
        other.ns["x"] = [1.9] * low + [2.1] * (15 - low)
        bars = Bars([ours, other])
        bars.ratio("", 2, ("a", "x"), ("b", "x"))
        tap.same(f"a bar of 2 where {low} of 15 are below it", bars.rows[0][3], verdict)
    bars = Bars([ours])
    bars.ratio("", 2, ("a", "x"), ("b", "x"))
    bars.most("", 2, 2.1, "x")
    tap.same("what was not measured, and what is too much",
             [r[3] for r in bars.rows], ["-", "NO"])


def check(out):
    tap = Tap()
    ours = Engine(out, "emu-san", "piotrap")
    names = OURS + LARGE
    runs = ours.run(jobs_of(names))
    each = count_insns(ours, QUICK)
    engines = all_engines(out)
    check_engines(tap, engines, runs)
    check_counts(tap, engines, {n: (runs[n], each.get(n)) for n in QUICK})
    check_ways(tap, ours, runs)
    check_profile(tap, engines[-3])
    check_judge(tap)
    return tap.end()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rst")
    parser.add_argument("out")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("no rounds")
    out = os.path.abspath(args.out)
    if args.check:
        return check(out)
    return quick(out) if args.quick else full(out, args.rounds, args.rst)


if __name__ == "__main__":
    sys.exit(main())
