#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The piotrap command with the module: what it says and how it exits for each way
# in which a guest can end, and each option. Guests are bytes, with their text
# beside them. TAP.

# shellcheck source=common-command.sh
. "$(dirname "$0")/common-command.sh"

cd "$tmp" || exit 1

# expect NAME STATUS PATTERN ARGUMENT...: status, and a line of output or errors.
expect() {
	name=$1 status=$2 pattern=$3
	shift 3
	piotrap "$@" >out 2>&1
	got=$?
	n=$((n + 1))
	if [ $got = "$status" ] && grep -qE -e "$pattern" out; then
		echo "ok $n $name"
	else
		head -n 20 out | sed 's/^/# /'
		echo "# status $got, expected $status and $pattern"
		echo "not ok $n $name"
		bad=1
	fi
}
# lines NAME COUNT PATTERN: in the output of before.
lines() {
	got=$(grep -cE -e "$3" out)
	n=$((n + 1))
	if [ "$got" = "$2" ]; then
		echo "ok $n $1"
	else
		head -n 20 out | sed 's/^/# /'
		echo "# $got lines with $3, expected $2"
		echo "not ok $n $1"
		bad=1
	fi
}
# guest NAME BYTES: a flat binary of these bytes, in octal as printf takes them.
guest() {
	# shellcheck disable=SC2059 # that is what it is for
	printf "$2" >"$1"
}

# How a guest ends
guest hlt '\364'				# hlt
expect "hlt" 0 '^end: halted \(status 0\) after 1 ' run --stats hlt
expect "no ports" 0 '^all +0 +0 on 0 ports$' run --stats hlt
guest loop '\353\376'				# jmp $
expect "budget" 22 '^piotrap: 0000:7c00: the budget is used up$' \
	run --budget 1000000 loop
expect "budget to the instruction" 22 '^end: budget \(status 22\) after 7 ' \
	run --stats --budget 7 loop
guest ud2 '\220\017\013'			# nop; ud2
expect "exception" 21 '^piotrap: 0000:7c01: exception 6 \(#UD\) at: 0f 0b' \
	run ud2
guest fninit '\220\333\343'			# nop; fninit
expect "unsupported" 20 '^piotrap: 0000:7c01: unsupported instruction: db e3$' \
	run fninit
guest de '\061\300\367\370'			# xor ax, ax; idiv ax
expect "divide error" 21 'exception 0 \(#DE\) at: f7 f8' run de
# mov ax, 0x2000; mov ds, ax; mov al, [5]
guest high '\270\000\040\216\330\240\005\000'
expect "no memory" 23 \
	'^piotrap: 0000:7c05: no memory at physical address 20005 \(read of 1 bytes\)$' \
	run --mem 64K high
expect "--mem" 0 '^end: halted' run --stats --mem 256K --org 0:7c00 hlt
# mov word [0x18], handler; mov word [0x1a], 0; ud2; handler: hlt
guest handler '\307\006\030\000\016\174\307\006\032\000\000\000\017\013\364'
expect "an exception that the guest handles" 0 '^end: halted' run --stats handler
# lidt cs:[0x7c08], which has limit 0; ud2
guest triple '\056\017\001\036\010\174\017\013\000\000\000\000\000\000'
expect "exception without a table" 21 '^piotrap: ' run triple
guest int '\315\020\315\200\364'		# int 0x10; int 0x80; hlt
expect "unused vectors return" 0 '^end: halted .* after 5 ' run --stats int
guest cs '\214\310\350\000\000\130\364'		# mov ax, cs; call $+3; pop ax; hlt
expect "--org SEG:OFF" 0 '^1000:0100 step .* eflags=' run --step \
	--org 1000:0100 cs
lines "stack and code there" 4 '^1000:010'

# Option ROMs
guest rom '\125\252\001\270\064\022\273\170\126\313' # mov ax, ..; mov bx, ..; retf
head -c 502 /dev/zero >>rom
expect "rom that returns" 0 '^end: returned \(status 0\) after 4 ' \
	rom --stats rom
expect "AX" 0 '^c000:0003 step eax=00000010 ' rom --step rom
expect "--ax" 0 '^c000:0003 step eax=00001234 ' rom --step --ax 1234 rom
expect "--bdf" 0 '^c000:0003 step eax=000000f9 ' rom --step --bdf 0:1f.1 rom
guest hltrom '\125\252\001\364'
head -c 508 /dev/zero >>hltrom
expect "rom that halts" 24 '^piotrap: c000:0004: the ROM halted' rom hltrom
# mov byte cs:[10h], 0x99; mov al, cs:[10h]; out 0x80, al; retf
guest self '\125\252\001\056\306\006\040\000\231\056\240\040\000\346\200\313'
head -c 496 /dev/zero >>self
expect "shadow RAM" 0 ' out port 0080 size 1 value 99$' rom --trace self
expect "--read-only" 0 ' out port 0080 size 1 value 00$' rom --trace --read-only self

# 32- and 64-bit programs
piotrap run --mode 64 hlt >out 2>&1
if [ $? = 10 ]; then
	n=$((n + 1))
	echo "ok $n modes # SKIP $(cat out)"
else
# mov ax, cs; call 100008h; hlt; 100008h: out 0x80, eax; ret
guest flat '\146\214\310\350\001\000\000\000\364\347\200\303'
expect "--mode 32" 0 '^end: halted \(status 0\) after 5 ' \
	run --mode 32 --stats --trace flat
lines "its code segment" 1 '^0008:00100009 out port 0080 size 4 value 00000008$'
expect "--mode 64" 0 '^end: halted \(status 0\) after 5 ' \
	run --mode 64 --stats --trace flat
lines "and its own" 1 \
	'^0008:0000000000100009 out port 0080 size 4 value 00000008$'
expect "--step, mode 32" 0 '^0008:00100009 step eax=00000008 .*ecx=00000000 ' \
	run --mode 32 --step flat
lines "five steps" 5 ' step eax=[0-9a-f]{8} .* edi=[0-9a-f]{8} .*eflags=00000002$'
expect "--step, mode 64" 0 \
	'^0008:0000000000100009 step rax=0000000000000008 .*rcx=0{16} ' \
	run --mode 64 --step flat
lines "five steps in 64 bits" 5 \
	' step rax=[0-9a-f]{16} .* rdi=[0-9a-f]{16} .*rflags=0{14}02$'
expect "--json, mode 64" 0 '"ip":1048585,"bits":64,"dir":"out"' \
	run --mode 64 --json flat
expect "--break, mode 32" 0 '^esi 0{8}  edi 0{8}  ebp 0{8}  esp 000ffffc$' \
	run --mode 32 --break 80 flat
lines "EIP is behind the OUT" 1 '^eip 0010000b  eflags 00000002$'
expect "--break, mode 64" 0 '^r12 0{16}  r13 0{16}  r14 0{16}  r15 0{16}$' \
	run --mode 64 --break 80 flat
lines "RSP" 1 '^rsi 0{16}  rdi 0{16}  rbp 0{16}  rsp 00000000000ffff8$'
lines "RIP is behind the OUT" 1 '^rip 000000000010000b  rflags 00000002$'
expect "--break, mode 64, JSON" 0 '"bits":64,"rax":8,.*"r15":0,"rip":1048587,' \
	run --mode 64 --json --break 80 flat
expect "--org, mode 64" 0 '^0008:0000000000200009 out port' \
	run --mode 64 --trace --org 200000 flat
expect "ud2, mode 32" 21 '^piotrap: 0008:00100001: exception 6 \(#UD\) at: 0f 0b' \
	run --mode 32 ud2
expect "ud2, mode 64" 21 \
	'^piotrap: 0008:0000000000100001: exception 6 \(#UD\) at: 0f 0b' \
	run --mode 64 ud2
guest int80 '\315\200'			# int 0x80
for mode in 32 64; do
	expect "an interrupt without a gate, mode $mode" 21 \
		'exception 13 \(#GP\), error code 402, at: cd 80' \
		run --mode $mode int80
done
guest icebp '\361'				# int1
expect "a trap without a gate" 21 'exception 1 \(#DB\) at' run --mode 32 icebp
# mov rax, 0x123456789a; mov al, [rax]
guest pf '\110\270\232\170\126\064\022\000\000\000\212\000'
expect "page fault" 21 \
	'exception 14 \(#PF\), error code 0, address 123456789a, at: 8a 00' \
	run --mode 64 pf
guest past '\240\000\000\100\000'		# mov al, [0x400000]
expect "past memory, mode 32" 23 'no memory at physical address 400000 ' \
	run --mode 32 past
guest past64 '\212\004\045\000\000\100\000'	# mov al, [0x400000]
expect "past memory, mode 64" 23 'no memory at physical address 400000 ' \
	run --mode 64 past64
expect "--mem, mode 64" 0 '^end: halted' run --mode 64 --stats --mem 64M hlt
# lidt [0x100040]; mov word [0x130], 0x50; mov word [0x132], 8;
# mov byte [0x135], 0x8e; mov word [0x136], 0x10; ud2
guest gate '\017\001\035\100\000\020\000\146\307\005\060\001\000\000\120\000'
printf '\146\307\005\062\001\000\000\010\000\306\005\065\001\000\000\216' >>gate
printf '\146\307\005\066\001\000\000\020\000\017\013' >>gate
head -c 21 /dev/zero >>gate
# 100040h: limit 7ffh, base 100h; 100050h: hlt
printf '\377\007\000\001\000\000' >>gate
head -c 10 /dev/zero >>gate
printf '\364' >>gate
expect "an exception that has a gate" 0 '^end: halted' run --mode 32 --stats gate
# mov ax, 0x10; mov ss, ax; mov ds, ax; push cs; push 0x100010; retf
guest far '\146\270\020\000\216\320\216\330\016\150\020\000\020\000\313'
# nop; 100010h: call 0x40:0x100018; hlt; 100018h: retf
printf '\220\232\030\000\020\000\100\000\364\313' >>far
expect "far transfers, mode 32" 0 '^0040:00100018 step ' run --mode 32 --step far
lines "and back" 1 '^0008:00100017 step '
# push 0x40; push 0x10000c; retfq; nop...
guest compat '\152\100\150\014\000\020\000\110\313\220\220\220'
# 10000ch, 32 bits: push 8; push 0x100014; retf; 100014h, 64 bits: hlt
printf '\152\010\150\024\000\020\000\313\364' >>compat
expect "to 32 bits and back, mode 64" 0 '^0040:0010000c step eax=' \
	run --mode 64 --step compat
lines "64 bits again" 1 '^0008:0000000000100014 step rax='
# push 0x23; push esp; pushf; push 0x1b; push 0x10000c; iret; 10000ch: out 0x80, al
guest user '\152\043\124\234\152\033\150\014\000\020\000\317\346\200'
expect "CPL 3 has no port, mode 32" 21 \
	'^piotrap: 001b:0010000c: exception 13 \(#GP\), error code 0, at: e6 80' \
	run --mode 32 user
# push 0x23; push rsp; pushf; push 0x2b; push 0x10000d; iretq; out 0x80, al
guest user64 '\152\043\124\234\152\053\150\015\000\020\000\110\317\346\200'
expect "CPL 3 has no port, mode 64" 21 \
	'^piotrap: 002b:000000000010000d: exception 13 \(#GP\), error code 0, at: e6 80' \
	run --mode 64 user64
fi

# Traces
guest x '\260\170\346\351\364'		# mov al, 'x'; out 0xe9, al; hlt
# mov dx, 0x80; mov cx, 3; mov si, 0x7c00; rep outsb; in ax, dx; hlt
guest outs '\272\200\000\271\003\000\276\000\174\363\156\355\364'
expect "--trace" 0 '^0000:7c0b in  port 0080 size 2 value ffff$' run --trace outs
lines "each element" 3 '^0000:7c09 out port 0080 size 1 value (ba|80|00)$'
expect "--step" 0 '^0000:7c09 step .* ecx=00000003 ' run --step outs
lines "each iteration" 3 '^0000:7c09 step '
lines "eight steps" 8 ' step '
expect "--trace --step, in order" 0 'in  port 0080' run --trace --step outs
lines "all lines" 12 .
expect "--json" 0 \
	'^."type":"port","cs":0,"ip":31753,"bits":16,"dir":"out","port":128,"size":1,"value":186.$' \
	run --json outs
expect "--json --stats" 0 '^."type":"stats","port":128,"in":1,"out":3.$' \
	run --json --stats outs
lines "and the sum" 1 '^."type":"total","in":1,"out":3,"ports":1.$'
expect "-o: nothing elsewhere" 0 '^x$' run --trace -o report --port e9=console x
mv report out
lines "-o: all of it there" 1 '^0000:7c02 out port 00e9 size 1 value 78$'

# Stops: by watches of the module's, which the guest does not see
expect "--break on a read" 0 '^break 0: match 1: 0000:7c0b in port 0080 size 2' \
	run --break 80:r outs
expect "--break on the third write" 0 \
	'^break 0: match 3: 0000:7c09 out port 0080 size 1 value 00$' \
	run --break 80:w:3 outs
lines "nothing of it is in the debug registers" 1 '^dr6 ffff0ff0  dr7 00000400$'
expect "--break on a port in the middle" 0 'match 1: 0000:7c0b in port 0080 size 2' \
	run --break 81 outs
expect "--break on the fourth of four" 0 'break 1: match 4: 0000:7c0b in ' \
	run --break 90 --break 80:4 outs
expect "--break on a range" 0 'break 0: match 4: 0000:7c0b in port 0080 size 2' \
	run --break 70-8f:4 outs
expect "--break on a value" 0 'match 1: 0000:7c09 out port 0080 size 1 value 80$' \
	run --break 80:w=80 outs
expect "--break on some bits of what is read" 0 'match 1: 0000:7c0b in port 0080' \
	run --break 80:r=f0/f0 outs
expect "--break on the second with a value" 25 'halted before any --break' \
	run --break 80:w=80:2 outs
expect "--break that never matches" 25 'halted before any --break' \
	run --break 80:w:4 outs
expect "--trace up to --break" 0 '^break 0: match 2: ' run --trace --break 80:2 outs
lines "two accesses and the stop" 3 ' out port 0080 size 1 '
# xor eax, eax; mov dr7, eax; out 0x80, al; hlt
guest undo '\146\061\300\017\043\370\346\200\364'
expect "--break, and a guest that uses debug registers" 0 \
	'^break 0: match 1: 0000:7c06 out port 0080 ' run --break 80 undo
# mov eax, cr4; out 0x80, eax; mov eax, dr7; out 0x80, eax; mov eax, dr0;
# out 0x80, eax; hlt
guest look '\017\040\340\146\347\200\017\041\370\146\347\200\017\041\300\146\347\200\364'
piotrap run --trace look >unseen
expect "--break and --watch that the guest looks for" 25 'before any' \
	run --trace --break 90 --watch 500 look
grep ' out port ' out | cmp -s - unseen
result "it finds nothing"

# Of memory. mov byte [500h], 41h; inc word [500h]; mov al, [501h]; hlt
guest mem '\306\006\000\005\101\377\006\000\005\240\001\005\364'
expect "--watch" 0 \
	'^watch 0: match 1: 0000:7c00 write address 00000500 size 1 value 41$' \
	run --watch 500 mem
lines "EIP is behind the MOV" 1 '^eip 00007c05 '
expect "--watch on the second write" 0 \
	'^watch 0: match 2: 0000:7c05 write address 00000500 size 2 value 0042$' \
	run --watch 500:w:2 mem
expect "--watch on a byte in the middle" 0 \
	'^watch 0: match 1: 0000:7c05 read address 00000500 size 2 value 0041$' \
	run --watch 501:r mem
expect "--watch on the second read" 0 \
	'^watch 0: match 2: 0000:7c09 read address 00000501 size 1 value 00$' \
	run --watch 501:r:2 mem
expect "--watch on a value that is read or written" 0 \
	'^watch 0: match 1: 0000:7c05 write address 00000500 size 2 value 0042$' \
	run --watch 400-5ff=42 mem
expect "--watch, JSON" 0 \
	'^."type":"watch","index":1,"nth":1,"dir":"write","address":1280,"size":1,"value":65,"at_cs":0,"at_ip":31744,' \
	run --json --watch 9 --watch 500 mem
expect "--watch that never matches" 25 'halted before any --break, --watch' \
	run --watch 502-5ff mem
expect "--watch on code that is run" 25 'halted before any' run --watch 7c00 mem
# mov si, 7c00h; mov di, 600h; movsb; hlt
guest movs '\276\000\174\277\000\006\244\364'
expect "two --watch at once" 0 \
	'^watch 0: match 1: 0000:7c06 read address 00007c00 size 1 value be$' \
	run --watch 7c00:r --watch 600:w movs
lines "both are told" 1 \
	'^watch 1: match 1: 0000:7c06 write address 00000600 size 1 value be$'
# The same with cmpsb: what the second one read is not known.
guest cmps '\276\000\174\277\000\006\246\364'
expect "two reads" 0 '^watch 0: match 1: 0000:7c06 read address 00007c00 size 1 value be$' \
	run --watch 7c00:r --watch 600:r cmps
lines "of which one has a value" 1 \
	'^watch 1: match 1: 0000:7c06 read address 00000600 size 1$'
expect "--break and --watch at once" 0 \
	'^break 0: match 2: 0000:7c09 out port 0080 size 1 value 80$' \
	run --break 80:w:2 --watch 7c01:r outs
lines "both are told" 1 \
	'^watch 0: match 1: 0000:7c09 read address 00007c01 size 1 value 80$'
# mov dx, 0x60; mov di, 600h; insb; hlt
guest ins '\272\140\000\277\000\006\154\364'
expect "--break and --watch, INS" 0 \
	'^break 0: match 1: 0000:7c06 in port 0060 size 1 value 5a$' \
	run --port 60=latch:5a --break 60 --watch 600 ins
lines "both are told" 1 \
	'^watch 0: match 1: 0000:7c06 write address 00000600 size 1 value 5a$'

# Stops: by the debug registers of the guest's CPU
expect "--dr on a read" 0 '^dr 0: match 1: 0000:7c0b in port 0080 size 2' \
	run --dr 80:r outs
lines "DR6 as a handler sees it" 1 '^dr6 ffff0ff1  dr7 00020402$'
expect "--dr on the third write" 0 \
	'^dr 0: match 3: 0000:7c09 out port 0080 size 1 value 00$' \
	run --dr 80:w:3 outs
expect "--dr on the fourth of four" 0 'dr 1: match 4: 0000:7c0b in ' \
	run --dr 90 --dr 80:4 outs
expect "--dr and --break at once" 0 '^break 0: match 3: 0000:7c09 out ' \
	run --dr 80:w:3 --break 80:3 outs
expect "--dr that the guest undoes" 25 'guest has changed the debug registers' \
	run --dr 80 undo
expect "--dr that never matches" 25 'halted before any --break, --watch or --dr matched$' \
	run --dr 80:w:4 outs

# Ports
printf 'xyz' >input
# in al, 0x60 four times, out 0xe9 each; hlt
guest echo '\344\140\346\351\344\140\346\351\344\140\346\351\344\140\346\351\364'
expect "--port input and --console" 0 '^xyz.$' run --port 60=input:input \
	--console e9 echo
expect "input that is not there" 12 'absent: No such file' \
	run --port 60=input:absent echo
# mov al, 0x5a; out 0x80, al; mov al, 0; in al, 0x80; out 0xe9, al; hlt
guest latch '\260\132\346\200\260\000\344\200\346\351\364'
expect "--port latch" 0 '^Z$' run --port 80-8f=latch --port e9=console latch
guest in '\344\200\364'			# in al, 0x80; hlt
expect "--port latch:BYTE" 0 ' in  port 0080 size 1 value 41$' \
	run --trace --port 7f-80=latch:41 in

# CPUs
guest cmov '\017\104\301\364'			# cmovz ax, cx; hlt
piotrap run --cpu 386 hlt >out 2>&1
if [ $? = 10 ]; then
	n=$((n + 1))
	echo "ok $n CPUs # SKIP $(cat out)"
else
expect "--cpu 686" 0 '^end: halted' run --cpu 686 --stats cmov
expect "--cpu pentium" 21 'exception 6 \(#UD\) at: 0f 44 c1 f4' \
	run --cpu pentium cmov
guest cpuid '\017\242\364'			# cpuid; hlt
expect "--cpu 386" 21 'exception 6 \(#UD\) at: 0f a2' run --cpu 386 cpuid
expect "--cpu 486" 0 '^end: halted' run --cpu 486 --stats cpuid
# I/O breakpoints came with the Pentium, but these are ours.
expect "--dr on a 386" 0 '^dr 0: match 1: 0000:7c0b in port 0080 size 2' \
	run --cpu 386 --dr 80:r outs
expect "--break on a 386" 0 '^break 0: match 1: 0000:7c0b in port 0080 size 2' \
	run --cpu 386 --break 80:r outs
expect "--cpu of a ROM" 0 '^end: returned' rom --cpu 386 --stats rom
# bsf or tzcnt eax, ecx; out 0x80, eax; hlt
guest tzcnt '\146\363\017\274\301\146\347\200\364'
expect "TZCNT" 0 ' out port 0080 size 4 value 00000020$' run --trace tzcnt
expect "TZCNT without BMI is BSF" 0 ' out port 0080 size 4 value 00000000$' \
	run --cpu x86-64-v2 --trace tzcnt
fi

# Signals
timeout -s INT 1 piotrap run loop >out 2>&1
got=$?
n=$((n + 1))
if [ $got = 130 ] && grep -q '^piotrap: 0000:7c00: interrupted$' out; then
	echo "ok $n interrupted"
else
	sed 's/^/# /' out
	echo "# status $got"
	echo "not ok $n interrupted"
	bad=1
fi
echo "1..$n"
exit $bad
