#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# peer.sh - how Linux's own code is built into ours: under its own prefix, from text that is not ours to commit; and W3, which
# only a compiler can show.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

O=${O:-build}
CC=${CC:-gcc}
peer=$O/peer
flags=(-std=gnu11 -D_GNU_SOURCE -Ibench/peer/include -isystem "$peer/include" -include "$peer/names.h" -w)

every_name_has_the_prefix() {
	local names
	names=$(nm -g --defined-only "$O/release/libpeer.a" | awk 'NF == 3 { print $3 }')
	[ "$(wc -l <<<"$names")" -gt 50 ] && ! grep -v '^peer_' <<<"$names"
}

# A line of code or prose long enough to be somebody's: none of the kernel's is in our tree. Its own names in ours are short.
no_kernel_text_is_ours() {
	local lines
	lines=$(cat "$peer"/src/*.c "$peer"/include/*/*.h | sed 's/^[[:space:]*\/]*//; s/[[:space:]]*$//' |
		awk 'length > 50' | sort -u)
	[ "$(wc -l <<<"$lines")" -gt 500 ] || return 1
	git ls-files bench/peer tests/peer 'tests/test_peer*' scripts/peer-* docs/peer.md | while read -r f; do
		sed 's/^[[:space:]*\/]*//; s/[[:space:]]*$//' "$f" | grep -nxF "$lines" | sed "s|^|$f:|"
	done | { ! grep .; }
}

nothing_extracted_is_tracked() { ! git ls-files | grep -E '(^|/)(drm_gpuvm\.c|rbtree\.c|drm_gpuvm\.h|interval_tree_generic\.h)$'; }

# drm_gpuvm_bo_for_each_va() with the iterator's object in a variable of that name.
compiles_with() { # name
	printf '#include <drm/drm_gpuvm.h>\nint f(struct drm_gpuvm_bo *%s);\nint f(struct drm_gpuvm_bo *%s)\n{\n%s\n}\n' "$1" "$1" \
		"struct drm_gpuva *va; int n = 0; drm_gpuvm_bo_for_each_va(va, $1) n++; return n;" |
		$CC "${flags[@]}" -fsyntax-only -x c - 2>/dev/null
}
w3_any_other_name_does_not_compile() { compiles_with vm_bo && ! compiles_with bo; }

check 'every global name begins with peer_' every_name_has_the_prefix
check 'none of the kernel text is ours' no_kernel_text_is_ours
check 'nothing extracted is tracked' nothing_extracted_is_tracked
check 'W3: only a variable called vm_bo can be iterated over' w3_any_other_name_does_not_compile
finish
