#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# explore.sh - the schedule explorer: every pair of operations on every strategy, all schedules up to a bound; what is
# deliberately wrong is found, and a failure repeats itself from its string. Builds the variant it needs.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

O=${O:-build}
explore=$(readlink -f "$O")/sched/gpuvm-explore
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

build() { ${MAKE:-make} --no-print-directory -j"${JOBS:-2}" O="$O" DEBUG= SAN=sched MUTANTS= explore-bin; }

explores() { # option...
	"$explore" "$@" >"$tmp/out" 2>"$tmp/err" && tail -n 1 "$tmp/out" && grep -q '^SUCCESS: [1-9]' "$tmp/out" && return 0
	head -n 40 "$tmp/err"
	return 1
}

# It fails, says what WORD says, and so does the replay.
finds() { # word, option...
	local word=$1 again
	shift
	"$explore" --jobs=1 "$@" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 1 ] && grep -qE "^FAILURE: .*($word)" "$tmp/err" || {
		cat "$tmp/out" "$tmp/err"
		return 1
	}
	again=$(sed -n "s/.*--replay='\(.*\)'\$/\1/p" "$tmp/err")
	"$explore" --replay="$again" >"$tmp/out2" 2>"$tmp/err2"
	[ $? -eq 1 ] && diff <(grep -v '^  schedule' "$tmp/err") <(grep -v '^  schedule' "$tmp/err2")
}

refuses() { # word, option...
	local word=$1
	shift
	"$explore" "$@" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 2 ] && grep -q -- "$word" "$tmp/err"
}

if ! out=$(build 2>&1); then
	fail 'the explorer does not build' "$(echo "$out" | tail -n 30)"
	finish
fi
# How many schedules were run is part of the bar (docs/testing.md).
enough() { # at least
	local n
	n=$(sed -n 's/^SUCCESS: .* scenarios, \([0-9]*\) schedules,.*/\1/p' "$tmp/out")
	echo "${n:-no} schedules, want at least $1"
	[ "${n:-0}" -ge "$1" ]
}

# One preemption anywhere, and two where it is known to matter; the long run takes two everywhere. PCT of depth 3 and 4 and
# random walks of each pair, too, and some of random threads.
check 'every strategy, every pair, and random threads' explores ${GPUVM_TEST_LONG:+--full --bound=2} --torture=${GPUVM_TEST_LONG:+20}1 \
	--seed="${GPUVM_SEED:-1}"
sed -n '$p' "$tmp/out"
check 'two million schedules' enough 2000000
busted='--list=busted --ref=kref --mode=immediate --gems=external --torture=0'
# shellcheck disable=SC2086
for p in d1 d2 r1 r2 r3 r4 r5 p3.1 p3.2 p3.3 p3.4 p3.5; do
	check "two bos of one pair, $p" finds 'two live bos' $busted --scenario=obtain+obtain --policy=$p --schedules=100000
	check "0 -> 1, $p" finds 'memory that is freed|an assertion' $busted --scenario=find+put --policy=$p --schedules=100000
done
one="--list=mutex --space=rbtree_mutex --ref=kref --mode=immediate --gems=local --torture=0"
processes_fail() {
	# shellcheck disable=SC2086
	few_threads 1 "$explore" $one --jobs=3 >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 1 ] && grep -q 'cannot start process 1 of 3' "$tmp/err" && grep -q '^FAILURE' "$tmp/out"
}
check 'processes that cannot be started are a failure' processes_fail
cd "$tmp" || exit 2
# shellcheck disable=SC2086
check 'output that cannot be written' output_is_checked "$explore" $one --scenario=obtain
check 'output that cannot be written, --help' output_is_checked "$explore" --help
check 'unknown option' refuses 'unknown option' --frobnicate
check 'unknown list' refuses "unknown 'nope'; known: mutex" --list=nope
check 'bad number' refuses 'want a number from 0 to 8' --bound=9
check 'bad number' refuses 'want a number from 1 to 64' --jobs=0x10
check 'random without end' refuses 'needs --schedules' --policy=r1
check 'bad policy' refuses 'want dN' --policy=q --schedules=1
check 'bad scenario' refuses 'not operations' --scenario=obtain+nothing
check 'bad replay' refuses 'want CONFIGURATION' --replay=x
check 'bad replay' refuses 'no schedule' --replay=mutex/rbtree_mutex/kref/immediate/local:obtain:y
check 'bad replay' refuses 'no configuration' --replay=mutex/rbtree_mutex/kref/immediate:obtain:x
finish
