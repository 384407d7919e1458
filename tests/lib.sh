# SPDX-License-Identifier: GPL-2.0-only OR MIT
# lib.sh - for test scripts: count results and end as a cmocka program does, so that one parser reads them all.

# shellcheck shell=bash
passed=0
failed=0

pass() { # name
	passed=$((passed + 1))
}

fail() { # name, detail...
	failed=$((failed + 1))
	printf '[  FAILED  ] %s\n' "$1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/    /'
}

# check NAME COMMAND...: passes if the command succeeds; its output is the detail if not.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		pass "$name"
	else
		fail "$name" "$output"
	fi
}

finish() {
	printf '[  PASSED  ] %d test(s).\n' "$passed"
	[ "$failed" -eq 0 ] || printf '[  FAILED  ] %d test(s), listed above\n' "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}
