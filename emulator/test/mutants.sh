#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Show that the differential test can fail: plant one defect after another, in the
# emulator, in the hooks of the test's host, in what is saved, and let random
# --find look for it. TAP. Called by make mutants, which has built $OUT/fast.

set -uo pipefail
cd "$(dirname "$0")/.." || exit
: "${OUT:?}" "${CC:=cc}" "${CFLAGS:=-O2}"
SHAPES=${SHAPES:-40000}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0

# build FILE: with it in the place of its original, and all that includes it.
build() {
	local source sources=$1 objects=() others

	[[ $1 != *.h ]] || sources=$(grep -lF "\"$1\"" ./*.c)
	# Those of the comparison alone; the cases have a main() too.
	mapfile -t others < <(printf '%s\n' "$OUT"/fast/*.o | grep -v '/cases\.o$')
	for source in $sources; do
		[ "$source" = "$1" ] || cp "$source" "$tmp"
		source=$(basename "$source" .c)
		mapfile -t others < <(printf '%s\n' "${others[@]}" | grep -v "/$source\.o$")
		# shellcheck disable=SC2086 # words are options
		$CC $CFLAGS -w -I. -Itest -c -o "$tmp/$source.o" "$tmp/$source.c" || return
		objects+=("$tmp/$source.o")
	done 2>&1
	# shellcheck disable=SC2086
	$CC $CFLAGS -o "$tmp/random" "${objects[@]}" "${others[@]}" 2>&1
}

# find FILE SED DEFECT...: what SED makes of FILE is found.
find() {
	local file=$1 expr=$2 out

	shift 2
	n=$((n + 1))
	rm -f "$tmp"/*
	sed -E "$expr" "$file" >"$tmp/$(basename "$file")"
	if cmp -s "$file" "$tmp/$(basename "$file")"; then
		out="# nothing was planted"
	elif ! build "$file"; then
		out="# does not build"
	elif out=$(timeout 120 "$tmp/random" --find "$SHAPES"); then
		out="# $SHAPES shapes did not show it"
	elif [ $? = 1 ]; then
		echo "$out"
		echo "ok $n $*"
		return
	else
		out="# $out: no end"
	fi
	echo "$out"
	echo "not ok $n $*"
	bad=1
}

# The bulk path is offered, or goes on, where it must not.
find rep.c 's/(return) cpu->step_tf \|\|/\1/' a REP under TF is not stopped
find rep.c 's/if \(\(cpu->bp_io \&\&/if ((0 \&\&/' bulk goes over an I/O breakpoint
find rep.c 's/overlaps_code\(cpu, gpa, min\(len, there\)\)/0/' bulk overwrites its REP
find rep.c 's/cpu->code_clear == tag/cpu->code_clear + 1 \&\& tag/' \
	a REP never looks whether it overwrites itself
find rep.c 's/min\(count, cpu->st.budget\)/count/' bulk goes beyond the budget
find rep.c '/n = min\(n, \(b->down \? off : size_mask/d' bulk does not wrap
find rep.c 's/(>> b->shift\)) \+ 1\);/\1 + 2);/' bulk leaves its page downwards
find rep.c 's/if \(b->down\)$/if (0)/' bulk goes up with DF set
find rep.c 's/ \? off - others : off;/ ? off : off;/' bulk looks at the wrong bytes
find rep.c 's/b->has_src && b->has_dst && n && emu_walks\(.*\)\)$/0)/' \
	bulk walks page tables too early
find rep.c 's/generation != cpu->generation \|\|/0 ||/' a REP outlives its page table
find rep.c 's/(io->count = n);/\1 + 1;/' the owner is offered too many
find rep.c 's/else if \(b->down\)$/else if (0)/' the owner gets elements in the wrong order
find rep.c 's/emu_watch_io\(.*\)\)$/0)/' bulk goes over a watch
find rep.c 's/emu_watched\(cpu, lin, len, s->acc\)/0/' bulk goes over a data breakpoint
find rep.c 's/emu_walks\(cpu, lin, s->acc\) \? NULL :/0 ? NULL :/' \
	bulk walks page tables for what it may not reach
find rep.c 's/if \(at != host\)$/if (!at)/' bulk goes on in memory that lies elsewhere
find rep.c 's/^\tif \(cpu->poll_exact\)$/\tif (0)/' bulk goes beyond a poll
find memory.c 's/\(acc == EMU_ACC_WRITE && pl\.table\)/0/' bulk writes page tables
find string.c 's/^\t\tif \(down\)$/\t\tif (0)/' MOVS goes up with DF set
find string.c 's/down \? 0 : \(n - 1\) \* size/0/' LODS loads the first of many
find string.c 's/^\t\tif \(same != s->equal\)$/\t\tif (0)/' a comparison has no end
find string.c 's/s->down \? n - 1 - k : k/k/' SCAS goes up with DF set
find memory.c '/^\ttable_written\(cpu, pl\);/d' a store leaves a stale translation
find run.c 's/regs->rflags \|= EMU_FL_RF;/;/' RF is lost between iterations
find external.c 's/if \(take_replay\(.*\)\)$/if (0)/' what was served is made again
find external.c 's/^\tio->used \+= n;/io->used += n + 1;/' an answer is skipped
find debug.c 's/^\tcpu->new_io = 0;//' an I\/O trap is recognised twice

# A host that does not keep its word.
find test/host.c 's/(n < count); n\+\+/\1 + 1; n++/' a bulk hook takes one too many
find test/host.c 's/^\treturn n;/return n - (n > 1);/' a bulk hook says one too few
find test/host.c 's/(trace_ports \+= )t->count/\1 1/' the trace counts a batch as one

# A hook that fails, or an owner who serves, in the middle of something.
find paging.c 's/EMU_OK : no_entry\(cpu, lin, gpa, size, EMU_ACC_WRITE\)/EMU_OK : EMU_OK/' \
	an accessed bit is lost
find event.c 's/if \(r == EMU_OK \|\| r == EMU_EXCEPTION\)/if (1)/' a \#DB is delivered twice
find external.c 's/ \&\& cpu->replay_pos > cpu->replay_old\)/)/' a port that is split is traced twice
find rep.c 's/if \(cpu->code_lost \|\| /if (/' a REP does not know where it is

# What a save and restore must not lose.
lose() { find test/drive.c "s/^\tdrive_fresh\(h\);/h->cpu.st.$1 = 0;&/" "$1 is lost"; }
lose debug.pending_dbg
lose debug.interruptibility
lose debug.debugctl
lose progress.in_rep
lose progress.nr_replay
lose io.done
lose event.nmi_pending
lose stream.len

# Blocks.
find block.c 's/!same_bytes\(code, b, room >= 8\)/0/' code that was changed is run as it was
find block.c 's/q->code_span = end - first;/q->code_span = 0;/' a store into its own block is not seen
find block.c 's/q->epoch\+\+;/;/' code that was compared once is not compared again
find block.c 's/< b->len \+ 7UL\)/< 0UL)/' a store into its own block does not end it
find block.c 's/emu_debug_code_between\(cpu.*\)\)$/0)/' a block goes over a code breakpoint
find block.c 's/min_t\(u64, cpu->poll_left, cpu->st.budget\)/cpu->poll_left/' a block goes beyond the budget
find uop-branch.c 's/(return uop_leave\(cpu, u), left(, UOP_STEP)/\1, left + 1\2/' \
	a branch that faults lets one more pass
find translate.c 's/^\tboth.before = .*//' two moves that became one count as one
find translate.c 's/(u->back = u->done) - first\[n\].before/\1 - first[n].done/' \
	a branch within a block counts one too few
find uop.h 's/left < u->whole/left + 1 < u->whole/' a branch within a block goes beyond the budget
find block.c 's/left - to->before;/left;/' a branch within a block that is stopped counts too few
find translate.c 's/u->op == ALU_CMP \|\| //' a comparison takes the move before it away
find translate.c 's/^\t\tboth.src = mov->src;//' two moves that became one have the old source
find block.c 's/\(u64\)mode << KEY_MODE_SHIFT \|//' \
	a block is run in another mode
find block.c 's/u->end > u->start \? TOLD_GO/u->end > u->start ? TOLD_NOT/' \
	a step that a block has told is told again
find run.c 's/!\(cpu->st.regs.rflags & EMU_FL_TF\)/1/' a block runs under TF
find block.c 's/EMU_BLOCK_STI \| EMU_BLOCK_MOV_SS/EMU_BLOCK_STI/' a block runs in a shadow
find block.c 's/^\tif \(s->attr \& EMU_SEG_UNUSABLE .*/\tif (0)/' segments that grow down are as others
find block.c 's/(q->write_end = )s->limit \+ 1ULL/\1~0ULL/' a store goes over the limit
find block.c 's/cs->limit;/~0U;/' a block goes over the limit of CS
find uop-port.c 's/emu_debug_match_io\(cpu, port, u->size\) \|\|//' a port in a block has no breakpoint
find internal.h 's/first < 3 \? 0 : first - 3/first/' an access before a breakpoint of the next part is not seen
find run.c 's/^(\t    )!\(i->op->flags .*F_PURE .*\)\)\)/\10)/' a segment is as it was before it was loaded
find translate.c 's/(u8 seen = )UOP_SETS;/\10;/' flags at a block\'s end are not computed
find translate.c 's/^(\t\t\tseen = )UOP_SETS;/\1seen;/' flags before a stop are not computed
find uop.h 's/value\(cpu, u, u->src, size\), true\);/value(cpu, u, u->src, size), false);/' \
	flags of a store to the block are not computed
find translate.c 's/seen \|= UOP_SETS_CF;/;/' CF is not there for who reads it
find uop-other.c 's/emu_debug_match_data\(cpu.*\) \|\|/0 ||/' a block goes over a data breakpoint
find uop.h 's/ && at <= EMU_PAGE - size//' \
	an access goes over the end of its page
find uop.h 's/rip \+ cpu->quick.code_bias <= .*/true;/' a branch leads beyond the limit

# Events and IRETs that stay in their ring.
find ring.c 's/unlikely\(tag \& EMU_TAG_WATCHED\) \&\&/0 \&\&/' a frame goes over a data breakpoint
find ring.c 's/(return) same_segment\(\&d.*/\1 true;/' a handler runs in code of another kind
find ring.c 's/clear \|= EMU_FL_IF;/;/' an interrupt gate leaves IF as it is
find ring.c 's/^\tcpu->keep_rf = .*//' IRET does not load RF
find ring.c 's/cpu->quick.code_base = cs->base;/;/' a block runs in the code segment before an INT
find block.c 's/ \&\& r != UOP_AWAY//' \
	what an IRET in a block makes due is not looked at

echo "1..$n"
exit $bad
