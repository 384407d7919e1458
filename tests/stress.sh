#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# stress.sh - gpuvm-stress in short: every scenario on every strategy it can tell apart, the deliberately wrong ones caught,
# and the command's manners. usage: tests/stress.sh PATH-TO-GPUVM-STRESS
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

stress=$(readlink -f "$1") || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
seed=${GPUVM_SEED:-$RANDOM$RANDOM}
echo "seed: GPUVM_SEED=$seed"
cd "$tmp" || exit 2

pairs='lifecycle obtain_storm extobj_race evict_storm hot_bo'
alone() { # the scenarios that do not depend on the GEM list
	"$stress" --list | awk '{ print $1 }' | grep -vxF "$(printf '%s\n' $pairs)"
}

runs() { # option...
	"$stress" --seed="$seed" --threads=4 "$@" >out 2>err </dev/null && [ "$(tail -n 1 out)" = SUCCESS ] && return 0
	grep -v '^    ' err | tail -n 25
	return 1
}

# exits CODE WORD OPTION...: that status, and a message that has the word.
exits() {
	local want=$1 word=$2 got
	shift 2
	timeout -k 5 60 "$stress" "$@" >out 2>err </dev/null
	got=$?
	[ "$got" -eq "$want" ] && grep -qF -- "$word" out err && return 0
	echo "exit status $got, not $want, or no '$word' in:"
	tail -n 5 out err
	return 1
}

# A wrong strategy fails, says how to repeat it, and ends in FAILURE; or a sanitizer was faster and reported what it is.
catches() { # option...
	local status
	"$stress" --seed="$seed" "$@" >out 2>err </dev/null
	status=$?
	[ $status -eq 66 ] && grep -qE '^SUMMARY: [A-Za-z]*Sanitizer: ' err && return 0
	[ $status -eq 1 ] && grep -q 'repeat with: gpuvm-stress ' err && [ "$(tail -n 1 out)" = FAILURE ] && return 0
	tail -n 5 out err
	return 1
}

# Interrupted in the middle: a verdict on what ran. (timeout signals the process, and then its group, of which it is one.)
interrupted() {
	timeout -s INT 1 "$stress" --scenario=hot_bo --duration=1m >out 2>err </dev/null
	[ "$(tail -n 1 out)" = SUCCESS ] && grep -q '^interrupted: ' err
}

for s in $pairs; do
	check "$s" runs --scenario="$s" --list-strategy=all --ref=all --duration=3s --stat-interval=1m
done
for s in $(alone); do
	check "$s" runs --scenario="$s" --space=all --duration=1500ms --stat-interval=1m
done
check 'more threads than CPUs, stop and go' runs --scenario=lifecycle,bind_oracle --threads=24 --stutter --shuffle --duration=1s
check 'list:busted is caught' catches --scenario=obtain_storm --list-strategy=busted --mode=immediate --duration=30s
check 'space:busted is caught: a hole' catches --scenario=lookup_beside --space=busted --duration=30s
check 'space:busted is caught: a touching mapping cut' catches --scenario=batch_fail --space=busted --duration=30s

# The watchdog sees a hang wherever it is, says where, and how to repeat it.
barks() { # seed, where
	exits 1 "in $2" --scenario=busted --seed="$1" --watchdog=1s --duration=600ms --threads=3 &&
		grep -q "repeat with: gpuvm-stress .*--seed=$1" err && [ "$(tail -n 1 out)" = FAILURE ]
}
check 'a hang in set-up is caught' barks 0 set-up
check 'a hang in a step is caught' barks 1 'a round'
check 'a hang on the way to rest is caught' barks 2 'a round'
check 'a hang in a check is caught' barks 3 'the check at rest'
check 'a hang in teardown is caught' barks 4 teardown
# Stopped and continued, or a machine that was suspended: that is no hang.
stopped() {
	local id
	rm -f err
	"$stress" --scenario=hot_bo --watchdog=1s --duration=1s >out 2>err </dev/null &
	id=$!
	until grep -qs threads err; do sleep 0.01; done
	sleep 0.3
	kill -STOP $id
	sleep 2
	kill -CONT $id
	wait $id
	[ "$(tail -n 1 out)" = SUCCESS ] || { cat err && return 1; }
}
check 'a process that was stopped does not hang' stopped
# The first signal asks for a verdict, the second one does not wait for it.
twice() {
	local id
	rm -f err
	"$stress" --scenario=busted --seed=0 --watchdog=5m >out 2>err </dev/null &
	id=$!
	until grep -qs threads err; do sleep 0.1; done
	while kill -TERM $id 2>/dev/null; do sleep 0.5; done
	wait $id
	[ $? -eq 143 ]
}
check 'a second signal ends it at once' twice
# What comes with the first one is its echo, and does not.
echoed() {
	local id i status
	for i in 1 2 3 4 5 6 7 8 9 10; do
		rm -f err
		"$stress" --scenario=hot_bo --duration=1m >out 2>err </dev/null &
		id=$!
		until grep -qs threads err; do sleep 0.01; done
		kill -TERM $id
		kill -TERM $id
		wait $id
		status=$?
		[ "$(tail -n 1 out)" = SUCCESS ] || { echo "exit status $status" && tail -n 20 err && return 1; }
	done
}
check 'two signals at once are one' echoed
check 'a scenario that hangs must be asked for' runs --scenario=busted --seed=5 --duration=300ms

# As many threads as it may have, from one that is too few to enough: it says what it could not start, and never dies of it.
# (LeakSanitizer would want a thread for its own look at the end.)
threads_fail() {
	local n status
	local -x ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	for n in 1 2 3 4 5 6 7 8 9 10; do
		[ "$n" -eq 1 ] || [ "$(id -u)" -eq 0 ] || break
		few_threads "$n" "$stress" --scenario=hot_bo --threads=4 --duration=50ms >out 2>err </dev/null
		status=$?
		[ $status -ne 0 ] || break
		[ $status -eq 1 ] && [ "$(tail -n 1 out)" = FAILURE ] && ! grep -q CRASH err &&
			grep -qE 'cannot start|could be started|Resource temporarily unavailable' err || {
			echo "with $n threads: exit status $status"
			cat out err
			return 1
		}
	done
	[ "$n" -gt 1 ]
}
check 'threads that cannot be started are a failure that says so' threads_fail

case $stress in
*/debug/*)
	for bad in --frob --threads= --threads=0 --threads=-1 --threads=+7 --threads=' 7' --threads='7 ' --threads=0x10 \
		--threads=1e3 --threads=7k --threads=nan --threads=257 --threads=18446744073709551616 --threads --list=1 \
		--duration=0 --duration=1 --duration=-1s --duration=1h --duration=s --duration=.5s --duration=1,5s \
		--seed= --seed=-1 --seed=99999999999999999999 --scenario= --scenario=none --scenario=hot_bo,,x --space=none \
		--list-strategy= --ref=none --alloc=none --preset=none --mode=both --jitter=-1 --fail-alloc=0 --fail-alloc=1 \
		--stat-interval=0s --watchdog=0s --json= stray -x; do
		check "refuses $bad" exits 2 "${bad%%=*}" "$bad"
	done
	check 'help' exits 0 'exit status' --help
	check 'version' exits 0 gpuvm-bench --version
	check 'a full disk is reported' exits 1 'No space left' --scenario=hot_bo --duration=20ms --json=/dev/full
	check 'a full file system keeps the old report' full_disk_keeps_the_old r.json "$stress" --scenario=hot_bo --duration=20ms \
		--json=full/r.json
	for o in --help --version --list '--scenario=hot_bo --duration=20ms'; do
		# shellcheck disable=SC2086
		check "output that cannot be written, $o" output_is_checked "$stress" $o
	done
	check 'a directory is no report' exits 1 --json --scenario=hot_bo --duration=20ms --json=.
	check 'a report' exits 0 SUCCESS --scenario=hot_bo --duration=20ms --json=r.json
	check 'which is JSON' jq -e '.runs[0].verdict == "ok"' r.json
	check 'interrupted' interrupted
	;;
esac
finish
