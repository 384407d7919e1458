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

# few_threads N COMMAND...: with at most N threads and processes. Root has no such limit, so it becomes a user that nobody
# else is; for another user, whose other processes count too, only N=1 is exact: nothing can be started.
few_threads() {
	local n=$1 copy
	shift
	if [ "$(id -u)" -ne 0 ]; then
		timeout -k 5 60 prlimit --nproc=1 -- "$@"
		return
	fi
	copy=$(mktemp -d) && chmod 755 "$copy" && cp "$1" "$copy/command" || return 99
	shift
	timeout -k 5 60 setpriv --reuid=61234 --regid=61234 --clear-groups -- prlimit --nproc="$n" -- "$copy/command" "$@"
	set -- $?
	rm -rf "$copy"
	return "$1"
}

# What COMMAND prints must arrive: on a full device and with standard output closed it exits with 1 and says so.
output_is_checked() { # command...
	local to
	for to in '>/dev/full' '>&-'; do
		(eval "exec $to" && exec timeout -k 5 60 "$@" 2>said.err </dev/null)
		set -- $? "$@"
		[ "$1" -eq 1 ] && grep -q 'cannot write' said.err || {
			echo "exit status $1 with $to"
			cat said.err
			return 1
		}
		shift
	done
}

# In a full file system: COMMAND writes FILE there, must exit with 1 and leave what was there, and nothing else.
full_disk_keeps_the_old() { # file, command...
	local file=$1
	shift
	mkdir -p full
	unshare -rm mount -t tmpfs none full 2>/dev/null || {
		echo 'cannot mount here' >&2
		return 0
	}
	# shellcheck disable=SC2016
	unshare -rm bash -c '
		mount -t tmpfs -o size=64k none full && echo old >"full/$1" || exit 99
		head -c 1M /dev/zero >full/stuffing 2>/dev/null
		timeout -k 5 60 "${@:2}" >said.out 2>said.err </dev/null
		[ $? -eq 1 ] && [ "$(cat "full/$1")" = old ] && [ "$(ls -A full | sort | tr "\n" " ")" = "$1 stuffing " ] || {
			ls -lA full
			cat said.err
			exit 1
		}
		grep -q "No space left" said.err' _ "$file" "$@"
}

finish() {
	printf '[  PASSED  ] %d test(s).\n' "$passed"
	[ "$failed" -eq 0 ] || printf '[  FAILED  ] %d test(s), listed above\n' "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}
