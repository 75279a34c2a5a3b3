#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge what bpf.sh printed: TAP of what the tools said about bpf-workload.

usage: bpf.py <OUTPUT
"""

import collections
import json
import re
import sys

TOOLS = ("piosnoop", "piotop", "pendingdbg", "repbreak", "piolat")
REASONS = {1: "done", 3: "io_port", 6: "debug", 7: "exception", 14: "budget"}

# bpf-workload's ports and counts.
LATCH, SERVED, MIXED, NOTHING, BULK = 0x80, 0x90, 0x94, 0x60, 600


class Tap:
    """Results, numbered; what a failed one was about goes before it."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, good, name, *details):
        self.count += 1
        if not good:
            self.failed += 1
            for d in details:
                print("#", *str(d).splitlines()[:20], sep="\n# ")
        print("ok" if good else "not ok", self.count, name)

    def same(self, name, got, want):
        self.result(got == want, name, f"got      {got}", f"expected {want}")


def read_parts(file):
    """What stands behind each "@@ NAME"."""
    parts = {}
    name = ""
    for line in file:
        if line.startswith("@@ "):
            name = line[3:].strip()
            parts[name] = ""
        elif name:
            parts[name] += line
    return parts


def read_json(text):
    """One object a line, and nothing else."""
    return [json.loads(line) for line in text.splitlines()]


def strip(obj, *keys):
    return {k: v for k, v in obj.items() if k not in keys}


class Box:
    """A sandbox of the workload, and what each tool must say of it."""

    def __init__(self, box, ran):
        self.name = box["name"]
        self.pid = box["pid"]
        self.sandbox = box["sandbox"]
        self.writes = box["writes"]
        self.reasons = [REASONS[r] for r in ran["reasons"]]

    def single_accesses(self):
        """All but those that go in bulk: dir, port, size, value."""
        last = (self.writes - 1) & 0xff
        return ([("out", LATCH, 1, i & 0xff) for i in range(self.writes)] +
                [("in", SERVED, 4, 0x11223344 + i) for i in range(2)] +
                [("in", MIXED, 2, 0x5aff)] +
                [("out", NOTHING, 1, 0)] * 5 + [("in", LATCH, 1, last)] * 2)

    def ports(self):
        """in, out, bytes_in, bytes_out, exits"""
        return {LATCH: (2, self.writes, 2, self.writes, 0),
                SERVED: (2, 0, 8, 0, 2),
                # The exit is that of the second byte.
                MIXED: (1, 0, 2, 0, 0),
                MIXED + 1: (0, 0, 0, 0, 1),
                NOTHING: (0, BULK + 5, 0, BULK + 5, 0)}

    def pending(self):
        """cause, old, new, held, rip, in their order"""
        story = [("data", [], ["B0"], True, 0x1004),
                 ("io", ["B0"], ["B0", "B1"], False, 0x1004),
                 ("delivered", ["B0", "B1"], [], False, 0x1004),
                 ("io", [], ["B1"], False, 0x1006),
                 ("delivered", ["B1"], [], False, 0x1006),
                 ("data", [], ["B0"], True, 0x1004),
                 ("dropped", ["B0"], [], False, 0x1004),
                 ("data", [], ["B0"], True, 0x1004),
                 ("owner", ["B0"], [], False, 0x1000),
                 ("data", [], ["B0"], True, 0x1004)]
        return story

    traps = [(0xffff0ff0, 0xffff0ff3, 0x1004), (0xffff0ff3, 0xffff0ff2, 0x1006)]

    def exits(self):
        """After the last run no other comes."""
        return collections.Counter(self.reasons[:-1])


def end_of(events):
    assert events and events[-1]["type"] == "end", "no end"
    assert all(e["type"] != "end" for e in events[:-1]), "two ends"
    return events[-1]


def check_piosnoop(events, boxes):
    end = end_of(events)
    events = events[:-1]
    assert strip(end, "type") == {"events": len(events), "lost": 0}, end
    assert {e["sandbox"] for e in events} == {b.sandbox for b in boxes}
    assert [e["time_ns"] for e in events] == sorted(e["time_ns"] for e in events)
    for b in boxes:
        mine = [e for e in events if e["sandbox"] == b.sandbox]
        assert {e["pid"] for e in mine} == {b.pid}
        assert all(e["type"] == "port" for e in mine)
        bulk = [e for e in mine if e["bulk"]]
        assert sum(e["count"] for e in bulk) == BULK
        assert {(e["dir"], e["port"], e["size"]) for e in bulk} == {("out", NOTHING, 1)}
        single = [e for e in mine if not e["bulk"]]
        assert {e["count"] for e in single} == {1}
        got = [(e["dir"], e["port"], e["size"], e["value"]) for e in single]
        assert got == b.single_accesses(), got
        # Those of the last REP, and the first instruction.
        assert [e["rip"] for e in single[-2:]] == [0x1004] * 2
        assert single[0]["rip"] == 0x1002


def check_piotop(events, boxes):
    end = end_of(events)
    want = collections.defaultdict(lambda: (0,) * 5)
    for b in boxes:
        for port, counts in b.ports().items():
            want[port] = tuple(x + y for x, y in zip(want[port], counts))
    keys = ("in", "out", "bytes_in", "bytes_out", "exits")
    totals = [e for e in events if e["type"] == "total"]
    got = {e["port"]: tuple(e[k] for k in keys) for e in totals}
    assert got == want, got
    # By accesses, the most frequent first.
    assert [e["port"] for e in totals] == [NOTHING, LATCH, SERVED, MIXED, MIXED + 1]
    assert {e["port"] for e in totals if e["wait_ns"] > 0} == {SERVED, MIXED + 1}
    assert strip(end, "type") == {"ports": 5, "lost": 0}, end
    # Intervals add up to no more than all of it: what came after the last is in the
    # total only.
    parts = collections.Counter()
    for e in events:
        if e["type"] == "interval":
            assert e["interval_ns"] > 0
            parts[e["port"]] += e["in"] + e["out"]
    assert all(parts[p] <= got[p][0] + got[p][1] for p in parts)


def check_pendingdbg(events, boxes):
    end = end_of(events)
    causes = collections.Counter()
    for b in boxes:
        mine = [e for e in events[:-1] if e["sandbox"] == b.sandbox]
        assert {e["pid"] for e in mine} == {b.pid}
        got = [(e["cause"], e["old"], e["new"], e["held"], e["rip"])
               for e in mine if e["type"] == "pending_dbg"]
        assert got == b.pending(), got
        causes.update(c[0] for c in got)
        got = [(e["dr6_old"], e["dr6_new"], e["rip"])
               for e in mine if e["type"] == "debug_trap"]
        assert got == b.traps, got
        rcx = [e.get("rcx") for e in mine if e["type"] == "pending_dbg"]
        assert rcx[:5] == [2, 1, 1, 0, 0] and rcx[8] is None, rcx
    n = len(boxes)
    assert len(events) == 1 + n * 12
    want = {"events": n * 12, "lost": 0, "causes": dict(causes),
            "debug_traps": 2 * n,
            "stories": {"begun": 5 * n, "delivered": 2 * n, "dropped": n,
                        "cleared": n, "pending": n}}
    assert strip(end, "type") == want, end


def check_hist(h, count=None):
    """A histogram is in itself right: counts, limits and order."""
    assert h["count"] == sum(s[2] for s in h["slots"])
    low = sum(s[0] * s[2] for s in h["slots"])
    high = sum(s[1] * s[2] for s in h["slots"])
    assert low <= h["sum"] <= high, h
    assert h["slots"] == sorted(h["slots"])
    if h["count"]:
        assert h["slots"][-1][0] <= h["max"] <= h["slots"][-1][1]
    if count is not None:
        assert h["count"] == count, h


def check_repbreak(events, boxes):
    n = len(boxes)
    assert strip(end_of(events), "type") == {"events": 2 * n, "lost": 0}
    rows = {(e["reason"], e["path"]): e for e in events[:-1]}
    assert set(rows) == {("budget", "single"), ("shadow", "single")}, rows
    for key, done in (("budget", 3), ("shadow", 1)):
        e = rows[key, "single"]
        assert e["type"] == "rep_break" and e["breaks"] == n
        slot = [2, 3, n] if done == 3 else [1, 1, n]
        assert e["iterations"] == {"count": n, "sum": n * done, "max": done,
                                   "slots": [slot]}, e
        check_hist(e["resume_ns"], n)
        assert e["resume_ns"]["sum"] > 0


def check_piolat(events, boxes):
    end = end_of(events)
    for kind, want in (("run", sum((collections.Counter(b.reasons) for b in boxes),
                                   collections.Counter())),
                       ("exit", sum((b.exits() for b in boxes),
                                    collections.Counter()))):
        rows = [e for e in events if e["type"] == kind]
        got = {e["reason"]: e["ns"]["count"] for e in rows}
        assert got == dict(want), (kind, got, want)
        for e in rows:
            check_hist(e["ns"])
            assert e["ns"]["sum"] > 0
    assert end["runs"] == sum(len(b.reasons) for b in boxes)
    assert end["exits"] == end["runs"] - len(boxes)
    assert end["lost"] == 0


CHECKS = {"piosnoop": check_piosnoop, "piotop": check_piotop,
          "pendingdbg": check_pendingdbg, "repbreak": check_repbreak,
          "piolat": check_piolat}


def text_patterns(b):
    """A line, or several, that must stand in the text about this sandbox."""
    who = rf"\d+\.\d{{6}} +{b.sandbox} +{b.pid} "
    return {
        "piosnoop": [
            rf"^{who}1002 +out 0080 +1 +1 00$",
            rf"^{who}[0-9a-f]+ +in  0090 +4 +1 11223345$",
            rf"^{b.writes + 10 + 1} events, 0 lost$"],
        "piotop": [
            rf"^0060 +0 +{BULK + 5} +0 +{BULK + 5} +0 +-$",
            rf"^0080 +2 +{b.writes} +2 +{b.writes} +0 +-$",
            r"^0090 +2 +0 +8 +0 +2 +[0-9.]+[num]?s$",
            r"^0094 +1 +0 +2 +0 +0 +-$",
            r"^0095 +0 +0 +0 +0 +1 +[0-9.]+[num]?s$",
            r"^5 ports, 0 lost$"],
        "pendingdbg": [
            rf"^{who}1004 +2 data +- -> B0  held by the shadow$",
            rf"^{who}1004 +1 io +B0 -> B0\|B1$",
            rf"^{who}1004 +1 delivered +B0\|B1 -> -$",
            rf"^{who}1004 +#DB +DR6 ffff0ff0 -> ffff0ff3$",
            rf"^{who}1004 +0 dropped +B0 -> -$",
            r"^12 events, 0 lost$",
            r"^became pending 5: delivered 2, dropped 1, cleared by the owner 1, still pending 1$"],
        "repbreak": [
            r"^ +2 -> 3 +: 1 +\|\*{40}\|$",
            r"^budget +single +1 +3 +3 +1 +[0-9.]+[num]?s +[0-9.]+[num]?s$",
            r"^shadow +single +1 +1 +1 +1 +[0-9.]+[num]?s +[0-9.]+[num]?s$",
            r"^2 breaks, 0 lost$"],
        "piolat": [
            rf"^run +done +{b.reasons.count('done')} +[0-9.]+[num]?s +[0-9.]+[num]?s$",
            r"^exit +io_port +3 +[0-9.]+[num]?s +[0-9.]+[num]?s$",
            rf"^{len(b.reasons)} runs, {len(b.reasons) - 1} exits, \d+ preemptions, 0 lost$"],
    }


def try_check(tap, name, check, *args):
    """A result: the check raises nothing."""
    try:
        check(*args)
    except (AssertionError, KeyError, IndexError, ValueError, TypeError) as e:
        at = e.__traceback__
        while at.tb_next:
            at = at.tb_next
        tap.result(False, name, f"{type(e).__name__} at line {at.tb_lineno}: {e}")
    else:
        tap.result(True, name)


def quiet(parts, name):
    """Errors: nothing but the word that it traces."""
    tool = name.split("-")[0]
    assert parts[name + ".err"] == f"{tool}: tracing; Ctrl-C ends it\n", \
        parts[name + ".err"]
    assert parts[name + ".status"] == "0\n", parts[name + ".status"]


def check_tools(tap, parts):
    lines = read_json(parts["boxes"])
    ran = {x["name"]: x for x in lines if x["type"] == "ran"}
    boxes = {x["name"]: Box(x, ran[x["name"]]) for x in lines if x["type"] == "box"}
    sets = {"all": list(boxes.values()), "pid": [boxes["a"]], "sandbox": [boxes["b"]]}
    for tool in TOOLS:
        for what, about in sets.items():
            name = f"{tool}-{what}"
            try_check(tap, f"{tool}: exact counts, {what}", lambda: CHECKS[tool](
                read_json(parts[name + ".out"]), about))
            try_check(tap, f"{tool}: ends quietly, {what}", quiet, parts, name)
        name = f"{tool}-text"
        text = parts[name + ".out"]
        for pattern in text_patterns(boxes["b"])[tool]:
            tap.result(re.search(pattern, text, re.M), f"{tool}: text {pattern}", text)
        try_check(tap, f"{tool}: ends quietly, text", quiet, parts, name)


def check_overrun(parts):
    events = read_json(parts["overrun.out"])
    end = end_of(events)
    boxes = [x for x in read_json(parts["overrun-boxes"]) if x["type"] == "box"]
    # One event for what goes in bulk.
    total = sum(b["writes"] + 2 + 1 + 5 + 2 + 1 for b in boxes)
    assert len(boxes) == 2 and end["lost"] > 0, end
    assert end["events"] == len(events) - 1
    assert end["events"] + end["lost"] == total, (end, total)
    assert parts["overrun.status"] == "0\n"
    assert f"{end['lost']} events lost" in parts["overrun.err"]


def check_sched(parts):
    trace = parts["sched-trace"].splitlines()
    given = sum(": piotrap_preempt: " in line for line in trace)
    assert given == sum(": piotrap_resume: " in line for line in trace)
    events = read_json(parts["repbreak-sched.out"])
    assert strip(end_of(events), "type") == {"events": 4, "lost": 0}
    e, = events[:-1]
    assert (e["reason"], e["path"], e["breaks"]) == ("resched", "single", 4)
    # After one, two, three and four.
    assert e["iterations"] == {"count": 4, "sum": 10, "max": 4, "slots": [
        [1, 1, 1], [2, 3, 2], [4, 7, 1]]}, e
    check_hist(e["resume_ns"], 4)
    events = read_json(parts["piolat-sched.out"])
    e, = [x for x in events if x["type"] == "preempt"]
    check_hist(e["ns"], given)
    assert end_of(events)["preemptions"] == given >= 5


def check_ends(tap, parts):
    def status(name, want, *, err="", out=""):
        tap.result(parts[f"{name}.status"] == f"{want}\n" and
                   re.search(err, parts[f"{name}.err"]) and
                   re.search(out, parts[f"{name}.out"], re.M),
                   f"{name}: exit status {want}, {err or out or 'silent'}",
                   parts[f"{name}.status"], parts[f"{name}.err"],
                   parts[f"{name}.out"])

    nothing = '^{"type":"end","events":0,"lost":0}$'
    status("duration", 0, out=nothing)
    status("verbose", 0, err="libbpf: .*port_io", out=nothing)
    status("both", 0, out=nothing)
    status("status", 3, out="^$")
    tap.same("status: its output is in the file", read_json(parts["status.json"]),
             [{"type": "end", "events": 0, "lost": 0}])
    status("killed", 128 + 9, out=nothing)
    status("missing", 127, err="^piosnoop: /nonexistent: No such file", out=nothing)
    status("term", 0, out='"type":"end","ports":0')
    # Each key but x sorts otherwise at once, and q ends it.
    status("terminal", 0, out="All of it:")
    out = parts["terminal.out"]
    sorts = re.findall(r"\x1b\[H\x1b\[J0 ports, .*; by (\w+); keys: ", out)
    order = [s for i, s in enumerate(sorts) if i == 0 or s != sorts[i - 1]]
    tap.same("terminal: keys", order, ["accesses", "port", "time"])
    status("usage", 2, err="unrecognized option")
    status("number", 2, err="-p 0: not a number from 1")
    status("key", 2, err="-S value: not accesses")
    status("full", 1, err="cannot write the output")
    status("stranger", 1, err="root .* is needed|is tracefs mounted")
    status("help", 0, out="^Examples:")


def check_formats(parts):
    """Every name that the tools print is in the format files, by its number."""
    for field, names in (("cause", {0: "data", 1: "io", 7: "delivered", 8: "dropped"}),
                         ("reason", {2: "shadow", 3: "resched", 5: "budget"}),
                         ("reason", REASONS)):
        lists = re.findall(rf"__print_symbolic\(REC->{field}, (.*?)\)",
                           parts["formats"])
        pairs = [dict((int(n), t) for n, t in re.findall(r'\{ (\d+), "(\w+)" \}', x))
                 for x in lists]
        assert any(all(p.get(n) == t for n, t in names.items()) for p in pairs), \
            (field, pairs)


def main():
    parts = read_parts(sys.stdin)
    tap = Tap()
    if "end" not in parts:
        print("# parts:", *parts)
        tap.result(False, "bpf.sh came to its end")
    else:
        try_check(tap, "formats: names of numbers", check_formats, parts)
        try_check(tap, "tools", check_tools, tap, parts)
        try_check(tap, "piosnoop: a full ring buffer is reported, and all is counted",
                  check_overrun, parts)
        if parts["sched-boxes.status"] == "4\n":
            tap.result(True, "preemption # SKIP the module has no poll_every")
        else:
            try_check(tap, "repbreak and piolat: each time the CPU was given away",
                      check_sched, parts)
        check_ends(tap, parts)
    print(f"1..{tap.count}")
    return tap.failed != 0


if __name__ == "__main__":
    sys.exit(main())
