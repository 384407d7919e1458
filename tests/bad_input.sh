#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# bad_input.sh - bad command lines, the same for every tool: exit status 2, a message on stderr that names the option,
# nothing on stdout, no file left. It ends with how many there were.
#
# What a test of one tool asks of that tool alone stays there (cli.sh, stress.sh, explore.sh, tests/tools); bad files are
# test_store.py's.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

O=$(readlink -f "${O:-build}")
top=$PWD
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/empty" && cd "$tmp/empty" || exit 2

# refused OPTION COMMAND...: OPTION is what the message must name.
refused() {
	local option=$1 status
	shift
	timeout -k 5 20 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" -eq 2 ] && grep -qF -- "$option" "$tmp/err" && [ ! -s "$tmp/out" ] && [ -z "$(ls -A)" ] && return 0
	echo "exit status $status, not 2; or no '$option' on stderr, or something on stdout, or a file:"
	head -n 5 "$tmp/err" "$tmp/out"
	ls -A
	rm -rf ./*
	return 1
}

case_of() { # option, command...
	check "$(basename "$2") ${*:3}" refused "$@"
}

numbers=('' -1 +7 ' 7' '7 ' 0x10 1e3 7k nan 1.5 18446744073709551616 999999999999999999999999999999 $'7\n' '٣')
times=('' 0 0s -1s 7 1,5s .5s 1e3s nan 7y '1 s' 99999999999999999999s $'1s\n')
names=('' nosuch 'kref ' KREF ../kref)

# numbers, times, names: TOOL OPTION...: each option with each bad value.
numbers() {
	local o v
	for o in "${@:2}"; do
		for v in "${numbers[@]}"; do case_of "--$o" "$1" "--$o=$v"; done
	done
}
times() {
	local o v
	for o in "${@:2}"; do
		for v in "${times[@]}"; do case_of "--$o" "$1" "--$o=$v"; done
	done
}
names() {
	local o v
	for o in "${@:2}"; do
		for v in "${names[@]}"; do case_of "--$o" "$1" "--$o=$v"; done
	done
}
# What every tool must refuse.
always() { # tool, option that takes a value, option that takes none
	case_of --frobnicate "$1" --frobnicate
	case_of --frobnicate "$1" --frobnicate=1
	case_of "--$2" "$1" "--$2"
	case_of "--$3" "$1" "--$3=1"
	case_of -q "$1" -q
	case_of stray "$1" stray
}

bench=$O/release/gpuvm-bench
stress=$O/debug/gpuvm-stress
explore=$O/sched/gpuvm-explore
if [ -x "$bench" ]; then
	always "$bench" seed quick
	numbers "$bench" seed windows threads
	times "$bench" duration
	names "$bench" preset pin color rank
	for v in 0 1025 1,,2 1-0 4-2 1-4:0 all,all; do case_of --threads "$bench" "--threads=$v"; done
	for v in 0 1001; do case_of --windows "$bench" "--windows=$v"; done
	for v in '(' '[' '*' 'a{2' ''; do case_of --filter "$bench" "--filter=$v"; done
	case_of --filter "$bench" --filter=nosuch
	case_of --json "$bench" --json=
fi
if [ -x "$stress" ]; then
	always "$stress" seed list
	numbers "$stress" seed threads repeat jitter fail-alloc
	times "$stress" duration stat-interval watchdog
	names "$stress" preset list-strategy space ref alloc mode scenario
	for v in 0 257; do case_of --threads "$stress" "--threads=$v"; done
	for v in 0 1 1000001; do case_of --fail-alloc "$stress" "--fail-alloc=$v"; done
	case_of --scenario "$stress" --scenario=hot_bo,nosuch
	case_of --json "$stress" --json=
fi
if [ -x "$explore" ]; then
	always "$explore" seed full
	numbers "$explore" seed bound schedules random torture jobs
	names "$explore" list space ref mode gems
	for v in '' d d-1 d9 dx r rx p p.1 p3 p3.x q1 d1L; do case_of --policy "$explore" "--policy=$v" --schedules=1; done
	for v in '' x a:b a:b:c mutex/rbtree_mutex/kref/immediate/local:obtain: mutex/rbtree_mutex/kref/immediate/local:nosuch:x \
		mutex/nosuch/kref/immediate/local:obtain:x; do
		case_of --replay "$explore" "--replay=$v"
	done
	for v in '' nosuch obtain++put obtain, +; do case_of --scenario "$explore" "--scenario=$v"; done
fi
for tool in compare bisect; do
	for o in seed windows; do
		for v in "${numbers[@]}"; do case_of "--$o" "$top/scripts/$tool" A B C "--$o=$v"; done
	done
	for v in "${times[@]}"; do case_of --budget "$top/scripts/$tool" A B C "--budget=$v"; done
	case_of --frobnicate "$top/scripts/$tool" A B C --frobnicate
done
for v in '' -1 0 101% x% nan; do case_of --threshold "$top/scripts/report" "--threshold=$v"; done
for v in '' nosuch; do case_of --format "$top/scripts/report" "--format=$v"; done
case_of --frobnicate "$top/scripts/report" --frobnicate
case_of --frobnicate "$top/scripts/results" list --frobnicate
case_of nosuch "$top/scripts/results" nosuch
for v in '' 0 -1 1001 1e2 nan ' 1' 1h; do case_of --hours "$top/scripts/soak" "--hours=$v"; done
for v in --variant= --variant=nosuch --variant=debug,,nosuch --frobnicate stray; do
	case_of "${v%%=*}" "$top/scripts/run-tests" "$v"
done
for v in --seeds= --seeds=0 --seeds=100 --seeds=x --frobnicate stray; do case_of "${v%%=*}" "$top/scripts/mutants" "$v"; done
echo "$((passed + failed)) bad command lines"
finish
