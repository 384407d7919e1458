#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# mutants.sh - each bug of core/mutants.def is planted, and found by its detector with each of ten seeds; without a bug the
# detectors are silent. Builds the variant it needs, of which only the detectors.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

export O=${O:-build} JOBS=${JOBS:-2}
seeds=${GPUVM_MUTANT_SEEDS:-10}

build() {
	# shellcheck disable=SC2046
	${MAKE:-make} --no-print-directory -j"$JOBS" O="$O" DEBUG= SAN=sched MUTANTS=1 explore-bin $(scripts/mutants --detectors)
}

if ! out=$(build 2>&1); then
	fail 'the detectors do not build' "$(echo "$out" | tail -n 30)"
	finish
fi
said=$(scripts/mutants --seeds="$seeds" 2>&1)
status=$?
echo "$said"
while read -r word name rest; do
	case $word in
	caught | silent) pass "$name" ;;
	MISSED) fail "$name was not found with every seed: $rest" "the logs: $O/logs/mutant-$name-*.log" ;;
	ALARM) fail "$name $rest" ;;
	esac
done <<<"$said"
# What was not said is no pass.
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || fail "scripts/mutants ends with $status"
finish
