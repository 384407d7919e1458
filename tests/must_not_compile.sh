#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# must_not_compile.sh - each must_not_compile/*.c must be refused by the compiler, with the message its "expect:" line
# says; and with -DFIXED it must compile, so that it is refused for that reason and no other.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

CC=${CC:-gcc}
flags=(-std=c11 -c -o /dev/null -Iinclude -Wall -Wextra -Wno-unused-parameter -Werror)
export LC_ALL=C

refused() { # source
	local expect out
	expect=$(sed -n 's|^/\* expect: \(.*\) \*/$|\1|p' "$1")
	[ -n "$expect" ] || {
		echo 'no "expect:" line'
		return 1
	}
	if out=$($CC "${flags[@]}" "$1" 2>&1); then
		echo 'it compiles'
		return 1
	fi
	grep -Eq "$expect" <<<"$out" && return 0
	printf 'refused, but not with "%s":\n%s\n' "$expect" "$out"
	return 1
}

for src in tests/must_not_compile/*.c; do
	name=$(basename "$src" .c)
	check "$name is refused" refused "$src"
	check "$name, fixed, compiles" $CC "${flags[@]}" -DFIXED "$src"
done
finish
