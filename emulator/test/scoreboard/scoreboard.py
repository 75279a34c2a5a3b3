#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the cases of traps.case on the bare machine, in piotrap and in others.

usage: scoreboard.py BUILD [--tap | --trace] [--only ENGINE]... [--rst FILE] [WORD]...

--tap: piotrap only, TAP, one point a case. --trace: piotrap only, what happens inside.
--rst: write the table there. WORD: only cases whose name has it. All cases go into one
ROM; each run boots it for one of them, so that a hang or a crash is one case's.
"""

import argparse
import concurrent.futures
import io
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import textwrap
import time

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = {'de': 0, 'db': 1, 'int3': 3, 'of': 4, 'br': 5, 'ud': 6, 'nm': 7, 'df': 8,
           'ts': 10, 'np': 11, 'ss': 12, 'gp': 13, 'pf': 14, 'ac': 17, 'int21': 0x21}
NAMES = {v: '#' + k.upper() if v != 3 and v != 0x21 else {3: 'INT3', 0x21: 'INT 21h'}[v]
         for k, v in VECTORS.items()}
REGS = ('eax', 'ecx', 'edx', 'ebx', 'ebp', 'esi', 'edi')
SHOWN = ('eax', 'ecx', 'esi', 'edi', 'esp')
KINDS = {'exec': 0, 'write': 1, 'io': 2, 'rw': 3}
LENS = {1: 0, 2: 1, 4: 3, 8: 2}
DR6 = 0xffff0ff0
RF, TF = 1 << 16, 1 << 8
LIMIT = 8			# seconds for one run


class Case:
    """One case in one mode."""

    def __init__(self, name, mode, lines):
        self.name, self.mode = name, mode
        self.drs, self.sets, self.mems, self.stack = [], {}, [], []
        self.flags, self.code, self.need = set(), [], None
        self.lists, self.exprs = [[]], [f'stubs{16 if mode == "real" else 32}']
        for n, line in lines:
            try:
                self.line(line)
            except (KeyError, ValueError, IndexError) as e:
                sys.exit(f'traps.case:{n}: {e!r}: {line}')

    def line(self, line):
        """One line of the text."""
        if line[0] in ' \t.%':
            self.code.append(line)
            return
        word, *rest = line.split()
        if word == 'dr':
            size = rest[3].replace('SLOT', '4' if self.mode == 'prot' else '2')
            self.drs.append((int(rest[0]), KINDS[rest[1]], rest[2], LENS[int(size)],
                             rest[4:]))
        elif word == 'set':
            for r in rest:
                k, _, v = r.partition('=')
                if v:
                    self.sets[k] = v
                elif k in ('tf', 'rf', 'df', 'of', 'cf', 'gd', 'keep'):
                    self.flags.add(k)
                else:
                    raise ValueError(k)
        elif word == 'mem':
            self.mems.append((rest[0], rest[1:]))
        elif word == 'stack':
            self.stack = rest
        elif word == 'need':
            self.need = rest[0]
        elif word == 'or':
            self.lists.append([])
        elif word in ('see', 'end'):
            self.lists[-1].append(self.expect(word, rest))
        elif word not in ('mode', 'code'):
            raise ValueError(word)

    def expect(self, word, rest):
        """An event, or the end, as a dict whose values index self.exprs."""
        want = {}
        if word == 'see':
            want['vector'] = VECTORS[rest.pop(0)]
            ip = rest.pop(0)
            if ip[0] == '@':
                v = int(ip[1:], 16)
                ip = f'{self.exprs[0]} + 16 * {v}'
            want['ip'] = self.expr(ip)
            if want['vector'] == 1:
                want['bits'] = self.expr('0')
            if self.mode == 'prot':
                want['rf'] = False
        for r in rest:
            k, _, v = r.partition('=')
            if not v:
                if k == 'rf' and self.mode == 'real':
                    continue
                if k not in ('rf', 'tf', '!tf'):
                    raise ValueError(k)
                want[k.strip('!')] = k[0] != '!'
            else:
                want[k] = [i for x in v.split(',') for i in self.expr(x)]
        return want

    def expr(self, text):
        """Have nasm work it out; the result comes from the image."""
        self.exprs.append(text)
        return [len(self.exprs) - 1]

    def asm(self, n):
        """The section of case number n."""
        wide = self.mode == 'prot'
        slot = 4 if wide else 2
        put = 'dword' if wide else 'word'
        f = self.flags
        top = self.sets.pop('esp', 'TOP')
        flags = 2 | (TF if 'tf' in f else 0) | (RF if 'rf' in f else 0) | \
            (0x400 if 'df' in f else 0) | (0x800 if 'of' in f else 0) | \
            (1 if 'cf' in f else 0)
        below = (3 if 'rf' in f else 1) + len(self.stack)
        dr7 = 0x400 | (0x2000 if 'gd' in f else 0)
        execs = 0
        before = f'case{n - 1}' if n else 'table'
        o = [f'\tsection .case{n} follows=.{before} vstart=CASE',
             f'\tbits {32 if wide else 16}',
             f'%define SLOT {slot}', f'%define SSEL {0x10 if wide else 0}',
             f'%define CSEL {8 if wide else 0}',
             f'case{n}:\tdd .0, .end, EXEC{n}, {int("keep" in f)}']
        o += [f'\tmov dword [{a} + {4 * i}], {v}' for a, vs in self.mems
              for i, v in enumerate(vs)]
        o.append(f'\tmov esp, {top} - {below * slot}')
        frame = [str(flags)] + self.stack
        if 'rf' in f:
            frame = ['.0', 'CSEL'] + frame
        o += [f'\tmov {put} [esp + {i * slot}], {v}' for i, v in enumerate(frame)]
        o.append(f'\tmov eax, {self.sets.pop("cr4", 8)}\n\tmov cr4, eax')
        if self.need == 'btf':
            o.append('\tmov ecx, 0x1d9\n\txor edx, edx\n\tmov eax, 2\n\twrmsr\n\trdmsr\n'
                     '\ttest al, 2\n\tjnz .has\n\tud2\n.has:')
        for i, kind, addr, length, opts in self.drs:
            o.append(f'\tmov eax, {addr}\n\tmov dr{i}, eax')
            if 'off' not in opts:
                dr7 |= (2 if 'global' in opts else 1) << 2 * i
            dr7 |= (kind | length << 2) << (16 + 4 * i)
            if kind == 0:
                execs |= 1 << i
        o.append(f'\tmov eax, {self.sets.pop("dr6", hex(DR6))}\n\tmov dr6, eax')
        o.append(f'\tmov eax, {dr7:#x}\n\tmov dr7, eax')
        o += [f'\tmov {r}, {self.sets.pop(r, 0)}' for r in REGS[1:] + REGS[:1]]
        if self.sets:
            sys.exit(f'{self.name}: cannot set {", ".join(self.sets)}')
        o.append('\tiret' if 'rf' in f else '\tpopf')
        o.append('.0:')
        o += self.code
        o.append(f'.end:\tnop\n\tnop\n\tjmp finish{32 if wide else 16}')
        o.append(f'case{n}_size equ $ - $$')
        o.insert(0, f'%define EXEC{n} {execs}')
        return '\n'.join(o)

    def dds(self, n):
        """What of it goes into the table of values."""
        return [f'\tdd {re.sub(r"(?<![A-Za-z0-9_])[.](?=[0-9a-z])", f"case{n}.", e)}'
                for e in self.exprs + self.labels()]

    def labels(self):
        """Its labels, to name addresses by."""
        found = ['.0']
        for c in self.code:
            found += re.findall(r'^\s*(\.[a-z0-9]+):', c)
        return found + ['.end']

    def values(self, vals):
        """Take the numbers that nasm found."""
        n = len(self.exprs)
        self.at = {}
        for name, v in zip(self.labels(), vals[n:]):
            self.at.setdefault(v, name)
        self.stubs, self.begin, self.finish = vals[0], vals[n], vals[-1]
        for lst in self.lists:
            for want in lst:
                for k, v in want.items():
                    if isinstance(v, list):
                        want[k] = [vals[i] for i in v]

    def size(self):
        """How many numbers."""
        return len(self.exprs) + len(self.labels())


def parse(path):
    """The cases of a file, one for each mode."""
    cases, name, lines = [], None, []

    def flush():
        if name is None:
            return
        modes = next((x.split()[1:] for _, x in lines if x.startswith('mode ')),
                     ['real', 'prot'])
        cases.extend(Case(name, m, lines) for m in modes)

    with open(path, encoding='ascii') as f:
        for n, line in enumerate(f, 1):
            line = line.rstrip()
            if not line or line[0] == '#':
                continue
            if line.startswith('= '):
                flush()
                name, lines = line[2:], []
            else:
                lines.append((n, line))
    flush()
    return cases


def assemble(cases, build):
    """One ROM of them all."""
    with open(f'{build}/cases.inc', 'w', encoding='ascii') as f:
        print('\tsection .table follows=.common\ncases:', file=f)
        for n, c in enumerate(cases):
            print(f'\tdw section..case{n}.start, case{n}_size\n'
                  f'\tdd {int(c.mode == "prot")}', file=f)
        for n, c in enumerate(cases):
            print(c.asm(n), file=f)
        print(f'\tsection .values follows=.case{len(cases) - 1} vstart=0', file=f)
        print("\tdb 'VALUES'", file=f)
        for n, c in enumerate(cases):
            print('\n'.join(c.dds(n)), file=f)
    rom = f'{build}/scoreboard.rom'
    subprocess.run(['nasm', '-f', 'bin', '-w-number-overflow',
                    f'-I{build}/', '-o', rom, f'{HERE}/rom.asm'], check=True)
    with open(rom, 'rb') as f:
        data = bytearray(f.read())
    if len(data) != 0x10000:
        sys.exit(f'the ROM has {len(data)} bytes')
    at = data.index(b'VALUES') + 6
    for c in cases:
        c.values([int.from_bytes(data[at + 4 * i:at + 4 * i + 4], 'little')
                  for i in range(c.size())])
        at += 4 * c.size()
    return data


# ---- engines

class Engine:
    """Something that boots a ROM and shows what goes to port E9."""

    name = title = ''
    tty = False			# it wants a terminal
    refuses = None		# what it prints before it gives up by itself

    def __init__(self, build):
        self.build = build

    def command(self, rom, where):
        """Its command line; where is a folder of this run's own."""
        raise NotImplementedError

    def version(self):
        """What the head of the table says."""
        return ''

    def absent(self):
        """Why it cannot run here, or nothing."""
        return ''

    def run(self, data, n):
        """Boot for case n: what it printed, and done, hang or crash."""
        where = f'{self.build}/run/{self.name}-{n}'
        os.makedirs(where, exist_ok=True)
        rom = f'{where}/rom'
        image = bytearray(data)
        image[0xfff6:0xfff8] = n.to_bytes(2, 'little')
        with open(rom, 'wb') as f:
            f.write(image)
        master, slave = pty.openpty() if self.tty else os.pipe()
        with open(f'{where}/stderr', 'wb') as err, \
                subprocess.Popen(self.command(rom, where), stdout=slave,
                                 stdin=slave if self.tty else subprocess.DEVNULL,
                                 stderr=slave if self.tty or self.refuses else err,
                                 cwd=where,
                                 start_new_session=True,
                                 env=dict(os.environ, TERM='xterm')) as p:
            os.close(slave)
            out, ended = self.read(master, time.monotonic() + LIMIT)
            try:
                os.killpg(p.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.close(master)
        with open(f'{where}/out', 'w', encoding='latin-1') as f:
            f.write(out)
        os.unlink(rom)
        return out, ended

    def read(self, fd, until):
        """Output up to its end mark."""
        out = ''
        while True:
            left = until - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                return out, 'hang'
            try:
                got = os.read(fd, 65536)
            except OSError:		# a terminal that was closed
                got = b''
            out += got.decode('latin-1').replace('\r', '')
            if re.search('^END$', out, re.M):
                return out, 'done'
            if re.search('^HLT$', out, re.M):
                return out, 'hang'
            if self.refuses and re.search(self.refuses, out, re.M):
                return out, 'n/a'
            if not got:
                return out, 'crash'


def first_line(*command):
    """Of what a program prints."""
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, check=False, text=True)
    return next((x.strip() for x in r.stdout.splitlines() if x.strip()), '')


def package(name):
    """The version of a Debian package."""
    return first_line('dpkg-query', '-W', '-f=${Version}', name)


class Piotrap(Engine):
    """The emulator of this repository, in userspace."""
    name, title = 'piotrap', 'piotrap'

    def command(self, rom, where):
        return [f'{self.build}/../image', '--ram', '1', '--cpu', 'max', rom]

    def version(self):
        return 'piotrap, the emulator of this tree in userspace'


class Bochs(Engine):
    """Debian's has a debugger that waits for a command, and wants a terminal."""
    name, title, tty = 'bochs', 'Bochs', True

    def command(self, rom, where):
        with open(f'{where}/bochsrc', 'w', encoding='ascii') as f:
            f.write(f'display_library: term\nromimage: file={rom}\nmegs: 16\n'
                    'cpu: reset_on_triple_fault=0\n'
                    'port_e9_hack: enabled=1\nlog: /dev/null\npanic: action=fatal\n'
                    'error: action=ignore\ninfo: action=ignore\ndebug: action=ignore\n')
        with open(f'{where}/debugger', 'w', encoding='ascii') as f:
            f.write('c\nq\n')
        return ['bochs', '-q', '-f', 'bochsrc', '-rc', 'debugger']

    def version(self):
        return f'Bochs {package("bochs")}'

    def absent(self):
        return '' if shutil.which('bochs') and package('bochs-term') else 'not installed'


class Qemu(Engine):
    """Machine pc, no devices but those of its chipset."""
    name, title, accel = 'qemu', 'QEMU', 'tcg'
    tty = False

    def command(self, rom, where):
        return ['qemu-system-i386', '-accel', self.accel, '-bios', rom,
                '-m', '16', '-nodefaults', '-display', 'none', '-debugcon', 'stdio',
                '-no-reboot']

    def version(self):
        return f'QEMU TCG {package("qemu-system-x86")}'

    def absent(self):
        return '' if shutil.which('qemu-system-i386') else 'not installed'


class Unicorn(Engine):
    """Through unicorn.c, which delivers what Unicorn only reports."""
    name, title = 'unicorn', 'Unicorn'

    def command(self, rom, where):
        return [f'{self.build}/unicorn', rom]

    def version(self):
        return f'Unicorn {package("libunicorn-dev")}'

    def absent(self):
        return '' if os.path.exists(f'{self.build}/unicorn') else 'not installed'


class Kvm(Qemu):
    """KVM, where it gets through the first case."""
    name, title, accel = 'kvm', 'KVM', 'kvm'
    refuses = '^KVM internal error'

    def version(self):
        module = ' '.join(m for m in ('kvm_intel', 'kvm_amd', 'kvm_pvm')
                          if os.path.exists(f'/sys/module/{m}')) or 'kvm'
        cpu = ''
        with open('/proc/cpuinfo', encoding='utf-8') as f:
            for line in f:
                if line.startswith('model name'):
                    cpu = line.partition(':')[2].strip()
                    break
        return f'KVM of Linux {os.uname().release} ({module}, {cpu})'

    def absent(self):
        if not os.access('/dev/kvm', os.R_OK | os.W_OK):
            return 'no /dev/kvm'
        return super().absent()


ENGINES = (Piotrap, Bochs, Qemu, Unicorn, Kvm)


# ---- judging

class Result:
    """What one engine did with one case."""

    def __init__(self, case, out, ended):
        self.events, self.final = [], None
        self.own = sorted(set(re.findall(r'^\* (.*)$', out, re.M)))
        keys = ('vector', 'error', 'ip', 'fl', 'dr6', 'dr7', 'eax', 'ecx', 'esi', 'edi',
                'esp')
        for line in out.splitlines():
            m = re.match(r'.*?\b([EX])((?: [0-9a-f]{8})+) ?$', line)
            if not m:
                continue
            nums = [int(x, 16) for x in m[2].split()]
            if m[1] == 'E' and len(nums) == len(keys):
                self.events.append(dict(zip(keys, nums)))
            elif m[1] == 'X' and len(nums) == 5:
                self.final = dict(zip(keys[6:], nums))
        many = re.search('^M$', out, re.M)
        self.seen = [show_seen(case, e) for e in self.events]
        self.note = ''
        self.only_rf = False
        if self.events and all(CASE <= e['ip'] < case.begin for e in self.events):
            self.verdict = 'n/a'
            self.note = 'the set-up faulted'
        elif ended != 'done':
            # What it refused need not be what the case is about.
            self.verdict = ended if ended != 'n/a' or self.begins(case) else 'fail'
            self.seen.append({'hang': 'then nothing more',
                              'crash': 'then the engine ended',
                              'n/a': 'then the engine gave up'}[ended])
        elif any(self.matches(case, lst) for lst in case.lists) and not many:
            self.verdict = 'pass*' if self.own else 'pass'
        else:
            self.verdict = 'fail'
            self.only_rf = any(self.matches(case, [
                {k: v for k, v in w.items() if k != 'rf'} for w in lst])
                               for lst in case.lists) and not many
            if many:
                self.seen = self.seen[:4] + ['and so on']
            elif self.final:
                ends = {k for lst in case.lists for w in lst for k in w
                        if 'vector' not in w}
                if ends:
                    self.seen.append('end ' + ' '.join(
                        f'{k}={self.final[k]:x}' for k in sorted(ends)))

    def begins(self, case):
        """Could what is here become what is expected?"""
        lists = [[w for w in lst if 'vector' in w] for lst in case.lists]
        return any(len(lst) >= len(self.events) and
                   all(fits(w, e) for w, e in zip(lst, self.events)) for lst in lists)

    def matches(self, case, lst):
        """Is this list of expectations met?"""
        wants = [w for w in lst if 'vector' in w]
        if len(wants) != len(self.events) or not self.final:
            return False
        if not all(fits(w, e) for w, e in zip(wants, self.events)):
            return False
        return all(fits(w, self.final) for w in lst if 'vector' not in w)


CASE = 0x1000


def fits(want, got):
    """Does an event, or the end, have what it should?"""
    for k, v in want.items():
        if k == 'vector':
            ok = got['vector'] == v
        elif k == 'rf':
            ok = bool(got['fl'] & RF) == v
        elif k == 'tf':
            ok = bool(got['fl'] & TF) == v
        elif k == 'bits':
            ok = got['dr6'] in [DR6 | x for x in v]
        else:
            ok = got[k] in v
        if not ok:
            return False
    return True


def show_ip(case, ip):
    """A label, or where it is from there, or a handler as in traps.case."""
    if ip in case.at:
        return case.at[ip]
    if case.stubs <= ip < case.stubs + 1024 and not (ip - case.stubs) % 16:
        return f'@{(ip - case.stubs) // 16:x}'
    below = [a for a in case.at if a < ip]
    if below and ip < CASE + 0x400:
        return f'{case.at[max(below)]}+{ip - max(below)}'
    return f'{ip:x}h'


def show_seen(case, e):
    """An event in short."""
    s = f'{NAMES.get(e["vector"], "#%d" % e["vector"])} {show_ip(case, e["ip"])}'
    keys = [k for lst in case.lists for w in lst for k in w if 'vector' in w]
    s += ''.join(f' {k}={e[k]:x}' for k in SHOWN if k in keys)
    if case.mode == 'prot' and e['fl'] & RF:
        s += ' RF'
    if 'tf' in keys and e['fl'] & TF:
        s += ' TF'
    if e['vector'] == 1:
        s += f' {e["dr6"]:08X}'
    return s


def show_want(case, lst):
    """A list of expectations in short."""
    out = []
    for w in lst:
        if 'vector' in w:
            ip = '/'.join(show_ip(case, x) for x in w['ip'])
            s = f'{NAMES[w["vector"]]} {ip}'
        else:
            s = 'end'
        for k, v in w.items():
            if k in SHOWN:
                s += f' {k}=' + '/'.join(f'{x:x}' for x in v)
        s += ' RF' if w.get('rf') else ''
        s += ' TF' if w.get('tf') else ''
        if 'bits' in w:
            s += ' ' + '/'.join(f'{DR6 | x:08X}' for x in w['bits'])
        out.append(s)
    return '; '.join(out) if any('vector' in w for w in lst) else \
        '; '.join(['no event'] + out)


def expected(case):
    """All that is accepted."""
    return ', or: '.join(show_want(case, lst) for lst in case.lists)


# ---- output

def run_all(engine, cases, data):
    """One result for each case, in order, as they come."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda n: engine.run(data, n), range(len(cases)))
        for c, r in zip(cases, runs):
            yield Result(c, *r)


def planted(case):
    """Expectations like the case's, each wrong in one place."""
    flip = {'ip': 4, 'bits': 8}
    for lst in case.lists:
        yield lst + [{'vector': 1, 'ip': [case.begin], 'bits': [0]}]
        for i, want in enumerate(lst):
            yield lst[:i] + [{'vector': 255}] + lst[i + 1:]
            for k, v in want.items():
                if k == 'vector':
                    continue
                wrong = not v if isinstance(v, bool) else \
                    [x ^ flip.get(k, 1 << 31) for x in v]
                yield lst[:i] + [dict(want, **{k: wrong})] + lst[i + 1:]


def tap(cases, engine, data):
    """piotrap's column; then, is a wrong expectation found in each case?"""
    bad, missed = 0, []
    print(f'1..{len(cases) + 1}')
    for n, (c, r) in enumerate(zip(cases, run_all(engine, cases, data))):
        if r.verdict != 'pass':
            bad += 1
            print(f'# expected {expected(c)}\n# {r.verdict}: seen {"; ".join(r.seen)}')
        print(f'{"ok" if r.verdict == "pass" else "not ok"} {n + 1} {c.name} ({c.mode})',
              flush=True)
        if any(r.matches(c, lst) for lst in planted(c)):
            missed.append(f'{c.name} ({c.mode})')
    for m in missed:
        print(f'# a wrong expectation is not found in {m}')
    print(f'{"not ok" if missed else "ok"} {len(cases) + 1} wrong expectations are found')
    return bad + len(missed)


def trace(cases, engine, data):
    """Instructions of the case, what is pending, events; not what handlers do."""
    for n, c in enumerate(cases):
        rom = f'{engine.build}/traced.rom'
        image = bytearray(data)
        image[0xfff6:0xfff8] = n.to_bytes(2, 'little')
        with open(rom, 'wb') as f:
            f.write(image)
        command = engine.command(rom, '')
        r = subprocess.run(command[:1] + ['--trace'] + command[1:], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        print(f'{c.name} ({c.mode})')
        on = False
        for line in r.stderr.splitlines():
            m = re.match('[0-9a-f]{4}:([0-9a-f]{8}) .* (cx=[0-9a-f]+) .*fl=([0-9a-f]+)$',
                         line)
            if m:
                ip = int(m[1], 16)
                on |= ip == c.begin
                if c.begin <= ip <= c.finish:
                    fl = int(m[3], 16)
                    print(f'   {show_ip(c, ip):6} {m[2]}{" RF" * bool(fl & RF)}'
                          f'{" TF" * bool(fl & TF)}')
                on &= ip != c.finish
            elif on:
                m = re.match('event (..) .*:([0-9a-f]+) cr2', line)
                if m:
                    v = int(m[1], 16)
                    line = f'{NAMES.get(v, m[1])} at {show_ip(c, int(m[2], 16))}'
                if not line.startswith('image'):
                    print(f'          {line}')


VERDICTS = ('pass', 'pass*', 'fail', 'hang', 'crash', 'n/a')


def totals(results):
    """Figures of one engine."""
    have = [r.verdict for r in results]
    rf = sum(r.only_rf for r in results)
    out = [f'{have.count(v)} {v}' for v in VERDICTS if v in have]
    return ', '.join(x + f' ({rf} by RF alone)' * bool(rf and x.endswith(' fail'))
                     for x in out)


def by_name(cases):
    """The numbers of the cases of one name, one for each mode."""
    groups = {}
    for n, c in enumerate(cases):
        groups.setdefault(c.name, []).append(n)
    return groups


def table(cases, engines, results, file):
    """The matrix: where the modes differ, a cell has both."""
    cols = [e for e in engines if e.name in results]
    rows = []
    for name, numbers in by_name(cases).items():
        cells = []
        for e in cols:
            v = [results[e.name][n].verdict.replace('*', '\\*') for n in numbers]
            cells.append(v[0] if len(set(v)) == 1 else ', '.join(v))
        modes = [cases[n].mode for n in numbers]
        rows.append([modes[0] if len(modes) == 1 else 'both', name] + cells)
    rows.insert(0, ['mode', 'case'] + [e.title for e in cols])
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    line = ' '.join('=' * w for w in widths)
    rows = [' '.join(f'{x:{w}}' for x, w in zip(r, widths)).rstrip() for r in rows]
    print('\n'.join([line, rows[0], line] + rows[1:] + [line]), file=file)


def difference(case, n, engines, results):
    """Expected against seen in one case, or nothing."""
    groups = {}
    for e in engines:
        r = results[e.name][n] if e.name in results else None
        if r and r.verdict not in ('pass', 'pass*'):
            text = r.note or '; '.join(r.seen) or 'no event'
            groups.setdefault((r.verdict, text), []).append(e.title)
    if not groups:
        return ''
    return '\n'.join(
        '\n'.join(textwrap.wrap(f'{label}: {text}', 96, initial_indent=' ' * 6,
                                subsequent_indent=' ' * 9))
        for label, text in [('expected', expected(case))] +
        [(f'{", ".join(who)}: {v}', t) for (v, t), who in groups.items()])


def differences(cases, engines, results, file):
    """The same for all cases; once where the modes do not differ."""
    for name, numbers in by_name(cases).items():
        texts = {}
        for n in numbers:
            text = difference(cases[n], n, engines, results)
            if text:
                texts.setdefault(text, []).append(cases[n].mode)
        for text, modes in texts.items():
            print(f'   {name} ({", ".join(modes)})\n{text}', file=file)


def rst(path, cases, engines, results, absent):
    """The page: notes.rst is its text, the rest is generated."""
    with open(f'{HERE}/notes.rst', encoding='ascii') as f:
        text = f.read()

    def part(function):
        s = io.StringIO()
        function(s)
        return s.getvalue().rstrip('\n')

    def versions(file):
        for e in engines:
            if e.name in results:
                print(f'* {e.version()}: {totals(results[e.name])}', file=file)
            else:
                print(f'* {e.title}: not run, {absent[e.name]}', file=file)

    for mark, function in (
            ('VERSIONS', versions),
            ('TABLE', lambda f: table(cases, engines, results, f)),
            ('DIFFERENCES', lambda f: differences(cases, engines, results, f))):
        text = text.replace(f'@{mark}@', part(function))
    with open(path, 'w', encoding='ascii') as f:
        f.write(text.replace('@CASES@', str(len(cases))))


def main():
    """See the head."""
    p = argparse.ArgumentParser()
    p.add_argument('build')
    p.add_argument('--tap', action='store_true')
    p.add_argument('--trace', action='store_true')
    p.add_argument('--only', action='append')
    p.add_argument('--rst')
    p.add_argument('words', nargs='*')
    args = p.parse_intermixed_args()
    build = os.path.abspath(args.build)
    os.makedirs(build, exist_ok=True)
    cases = parse(f'{HERE}/traps.case')
    cases = [c for c in cases if not args.words or
             any(w in f'{c.name} ({c.mode})' for w in args.words)]
    data = assemble(cases, build)
    engines = [e(build) for e in ENGINES if not args.only or e.name in args.only]
    if args.tap:
        sys.exit(tap(cases, engines[0], data) != 0)
    if args.trace:
        sys.exit(trace(cases, engines[0], data))
    results, absent = {}, {}
    for e in engines:
        absent[e.name] = e.absent()
        if not absent[e.name] and e.name == 'kvm' and \
                Result(cases[0], *e.run(data, 0)).final is None:
            absent[e.name] = '/dev/kvm does not get through the first case'
        if absent[e.name]:
            print(f'{e.title}: not run, {absent[e.name]}', file=sys.stderr)
            continue
        start = time.monotonic()
        results[e.name] = list(run_all(e, cases, data))
        print(f'{e.title}: {totals(results[e.name])}, '
              f'{time.monotonic() - start:.0f} s', file=sys.stderr)
    shutil.rmtree(f'{build}/run', ignore_errors=True)
    table(cases, engines, results, sys.stdout)
    print()
    differences(cases, engines, results, sys.stdout)
    if args.rst:
        rst(args.rst, cases, engines, results, absent)
    if 'piotrap' in results:
        sys.exit(any(r.verdict != 'pass' for r in results['piotrap']))


if __name__ == '__main__':
    main()
