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

# Prints the verifier's report; how much to optimise it, model, the rest for spin.
search() {
	local level=$1 model=$2 dir
	shift 2
	dir=$(mktemp -d "$work/XXXXXX") && cp "$model" "$dir/model.pml" || return
	(cd "$dir" && spin -a "$@" model.pml && ${CC:-gcc} -w "$level" -DSAFETY -DCOLLAPSE -DMEMLIM=3000 -o pan pan.c &&
		timeout "${GPUVM_MODEL_TIMEOUT:-600}" ./pan -m100000) 2>&1
	rm -rf "$dir"
}

# Several at a time; what each has to say goes to a file. A bug is found soon: there the compiler would take longest.
begin() { # name of the report, search's arguments
	local report=$work/$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do
		wait -n
	done
	search "$@" >"$report" &
}

bugs_of() { # model
	sed -n 's/^ \* bugs: //p' "$1"
}

for model in tests/models/*.pml; do
	name=$(basename "$model" .pml)
	begin "$name" -O2 "$model" "$@"
	for bug in $(bugs_of "$model"); do
		begin "$name.$bug" -O0 "$model" "-D$bug" "$@"
	done
done
wait
for model in tests/models/*.pml; do
	name=$(basename "$model" .pml)
	if grep -q 'errors: 0' "$work/$name" && ! grep -qE 'not completed|search depth too small' "$work/$name"; then
		pass "$name: $(sed -n 's/^ *\([0-9e+.]*\) states, stored.*/\1/p' "$work/$name") states"
	else
		fail "$name: a violation, or no complete search"
		tail -n 20 "$work/$name" | sed 's/^/    | /'
	fi
	for bug in $(bugs_of "$model"); do
		if grep -q 'errors: 1' "$work/$name.$bug"; then
			pass "$name: $bug is found"
		else
			fail "$name: $bug is not found"
			tail -n 20 "$work/$name.$bug" | sed 's/^/    | /'
		fi
	done
done
finish
