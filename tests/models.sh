#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# models.sh - check every model in tests/models with spin, completely; and see each of its planted bugs found.
#
# A model names its bugs in a comment line "bugs: NAME..."; each is a macro that breaks it. Arguments are given to spin,
# e.g. tests/models.sh -DWRITES=2 (long).
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

if ! command -v spin >/dev/null; then
	echo 'models.sh: spin is not installed (scripts/bootstrap installs it)' >&2
	exit 2
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# Prints the verifier's report; @1 model, the rest for spin.
search() {
	local model=$1
	shift
	cp "$model" "$work/model.pml"
	(cd "$work" && spin -a "$@" model.pml && ${CC:-gcc} -w -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=3000 -o pan pan.c &&
		timeout "${GPUVM_MODEL_TIMEOUT:-600}" ./pan -m100000) >"$work/report" 2>&1
	cat "$work/report"
}

for model in tests/models/*.pml; do
	name=$(basename "$model" .pml)
	search "$model" "$@" >"$work/good"
	if grep -q 'errors: 0' "$work/good" && ! grep -qE 'not completed|search depth too small' "$work/good"; then
		pass "$name: $(sed -n 's/^ *\([0-9e+.]*\) states, stored.*/\1/p' "$work/good") states"
	else
		fail "$name: a violation, or no complete search"
		tail -n 20 "$work/good" | sed 's/^/    | /'
	fi
	for bug in $(sed -n 's/^ \* bugs: //p' "$model"); do
		if search "$model" "-D$bug" "$@" | grep -q 'errors: 1'; then
			pass "$name: $bug is found"
		else
			fail "$name: $bug is not found"
		fi
	done
done
finish
