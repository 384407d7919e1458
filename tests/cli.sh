#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# cli.sh - gpuvm-bench as a command: what it lists, how it refuses, what it leaves behind when a write fails.
# Exit codes: 0 fine, 1 a failed verification or write, 2 usage.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

bench=$PWD/${O:-build}/release/gpuvm-bench
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2 # whatever it writes by default must not land in the checkout

# exits CODE ARG...: runs the bench with ARG..., output in out and err.
exits() {
	local want=$1 got
	shift
	timeout 60 "$bench" "$@" >out 2>err </dev/null
	got=$?
	[ "$got" -eq "$want" ] || {
		echo "exit status $got, not $want"
		tail -n 5 out err
		return 1
	}
}

# refuses NAME ARG...: exit 2, the message names NAME, nothing on stdout, no file left behind.
refuses() {
	local name=$1
	shift
	rm -f -- *
	exits 2 "$@" || return 1
	grep -qF -- "$name" err || {
		echo "the message does not name $name:"
		cat err
		return 1
	}
	[ ! -s out ] || {
		echo 'usage errors belong on stderr'
		return 1
	}
	[ -z "$(find . -type f ! -name out ! -name err)" ] || {
		find . -type f
		return 1
	}
}

lists() { # pattern
	exits 0 --list && grep -Eq "$1" out || {
		echo "nothing in --list matches $1"
		return 1
	}
}

writes_json() {
	exits 0 --filter='^noop' --duration=20ms --quick --json=f.json && jq -e '.benchmarks | length > 0' f.json
}

full_disk() {
	exits 1 --filter='^noop' --duration=20ms --quick --json=/dev/full && [ -c /dev/full ]
}

directory_is_no_file() {
	mkdir -p dir
	timeout 60 "$bench" --filter='^noop' --duration=20ms --quick --json=dir >out 2>err </dev/null
	[ $? -ne 0 ] && [ -d dir ] && [ -z "$(ls -A dir)" ]
}

# What was there stays if the new one cannot be written.
unwritable_keeps_the_old() {
	mkdir -p ro && echo old >ro/f.json
	timeout 60 "$bench" --filter='^noop' --duration=20ms --quick --json=ro/none/f.json >out 2>err </dev/null
	[ $? -ne 0 ] && [ "$(cat ro/f.json)" = old ] && [ ! -e ro/none ]
}

# The alternatives at one point, fastest first, and why.
ranks() {
	exits 0 --rank=obtain_hit --quick --duration=20ms --filter='/vms:64/threads:1$' || return 1
	awk '/^  place/ { on = 1; next } on && NF < 6 { exit } on && $3 + 0 < last { exit 1 } on { last = $3 + 0; n++ }
		END { exit n < 3 }' out && grep -Eq 'list:mutex .* 1 = .*list_locks 1' out && grep -q 'list:rcu_hash .*list_fast 1' out &&
		! grep -q 'points together' out
}

ranks_several() {
	exits 0 --rank=obtain_hit --quick --duration=20ms --filter='list:(mutex|rcu_hash)/vms:(1|64)/threads:1$' &&
		grep -q 'all 2 points together' out && grep -Eq 'list:mutex +1.00x +1.00x +1.00x' out && [ "$(grep -c '^  place' out)" -eq 2 ]
}

names_the_cases() {
	refuses rank --rank=nosuch && grep -q ' obtain_hit' err && grep -q ' teardown' err
}

# Every window has its samples, and the percentiles are those of all of them.
takes_latencies() {
	exits 0 --filter='^(noop|obtain_hit/list:mutex/vms:1/threads:[12])$' --quick --duration=100ms --windows=4 --json=f.json &&
		jq -e '[.benchmarks[] | select(.run_type == "iteration")] | length >= 8 and
			all(.p50_ns > 0 and .p50_ns <= .p99_ns and ([.histogram_ns[]] | add) > 20)' f.json >/dev/null &&
		jq -e '[.benchmarks[] | select(.run_type == "iteration" and .name == "noop") | .histogram_ns | to_entries[]] as $all |
			([$all[].value] | add) as $n | (.benchmarks[] | select(.name == "noop") | .p50_ns) as $p |
			([$all[] | select((.key | tonumber) <= $p).value] | add) >= $n / 2 and
			([$all[] | select((.key | tonumber) < $p).value] | add // 0) <= $n / 2' f.json >/dev/null
}

no_latencies_elsewhere() {
	exits 0 --filter='^floor_malloc' --quick --duration=20ms --json=f.json && ! grep -q -e histogram_ns -e p99_ns f.json
}

check '--help exits 0' exits 0 --help
check '--version exits 0' exits 0 --version
check '--list exits 0' exits 0 --list

# The names that comparisons across commits rely on.
for pattern in '^noop$' '^floor_obtain$' '^obtain_hit/list:mutex/vms:1/threads:1$' \
	'^obtain_hit/list:rcu_hash/vms:4096/threads:' '^obtain_distinct/list:[a-z_]+/threads:' \
	'^obtain_miss/list:[a-z_]+/alloc:jemalloc/threads:' '^obtain_prealloc/list:[a-z_]+/outcome:hit/threads:' \
	'^obtain_prealloc/list:[a-z_]+/outcome:miss/threads:' '^put_deferred/list:[a-z_]+/threads:' \
	'^bind/space:[a-z_]+/alloc:glibc/vas:1048576/threads:' '^unbind/space:[a-z_]+/alloc:[a-z]+/vas:0/threads:' \
	'^lookup/space:[a-z_]+/vas:[0-9]+/threads:' '^lookup_chain/space:[a-z_]+/vas:[0-9]+/threads:' \
	'^floor_btree/vas:1048576/chain:dependent/threads:1$' '^sizes/space:leaf/size:2m/op:rebind/vas:' '^remap_split/space:' '^igt_munmap/'; do
	check "--list has $pattern" lists "$pattern"
done
busted_is_not_listed() { exits 0 --list && ! grep -q busted out; }
check 'the deliberately wrong strategy is not benchmarked' busted_is_not_listed

for bad in --nosuch --threads=0 --threads=-1 --threads=x --threads= --threads=99999999999999999999 --duration=-1 \
	--duration=x --duration=nan --seed=x --seed=-1 --preset=nosuch '--filter=(' --json= --turns=1 --turns=x,1 --turns=1, \
	--turns=900,901; do
	check "$bad is refused" refuses "${bad%%=*}" "$bad"
done
check 'a case that does not exist: the others are named' names_the_cases
check 'nothing to rank in noop' refuses rank --rank=noop
check 'nothing to rank in one preset' refuses rank --rank=mix --preset=linux
check '--rank= is refused' refuses --rank --rank=
check '--rank ranks' ranks
check '--rank sums up' ranks_several
# One byte out and one in per window, and the end of the other side ends the run.
takes_turns() {
	mkfifo go || return 1
	exec 8<>go 9>turns # the test holds both ends of the pipe
	printf '....' >&8
	exits 0 --filter='^noop$' --duration=20ms --windows=4 --turns=8,9 || return 1
	exec 8>&- 9>&-
	[ "$(wc -c <turns)" -eq 4 ] || return 1
	exits 130 --filter='^noop$' --duration=20ms --windows=4 --turns=8,9 8</dev/null 9>turns && [ "$(wc -c <turns)" -eq 1 ]
}

check '--turns takes turns' takes_turns
check 'latencies are in the JSON' takes_latencies
check 'and only where a case takes them' no_latencies_elsewhere
check 'a stray word is refused' refuses stray stray
check '--json writes what jq reads' writes_json
check '--json=/dev/full exits 1' full_disk
check '--json=DIRECTORY fails' directory_is_no_file
check '--json in a full file system keeps the old one' full_disk_keeps_the_old f.json "$bench" --filter='^noop' --duration=20ms \
	--quick --json=full/f.json
for o in --help --version --list '--filter=^noop --duration=20ms --quick'; do
	# shellcheck disable=SC2086
	check "output that cannot be written, $o" output_is_checked "$bench" $o
done
threads_fail() {
	few_threads 1 "$bench" --filter='^noop' --duration=20ms --quick --threads=2 >out 2>err </dev/null
	[ $? -eq 1 ] && grep -q 'cannot start' err
}
check 'threads that cannot be started are a failure that says so' threads_fail
check 'a path that cannot be written leaves nothing' unwritable_keeps_the_old
# jemalloc, in every process, reads it before main(): a typo must not become another benchmark.
refuses_malloc_conf() { # value, word of the message
	rm -f f.json
	(ulimit -c 0 && MALLOC_CONF=$1 exec timeout 60 "$bench" --filter='^noop' --duration=20ms --quick --json=f.json) \
		>out 2>err </dev/null
	set -- $? "$@"
	[ "$1" -ne 0 ] && grep -q "jemalloc.*$3" err && [ ! -s out ] && [ ! -e f.json ] || {
		echo "exit status $1"
		cat err
		return 1
	}
}
check 'MALLOC_CONF with an unknown option is refused' refuses_malloc_conf nosuch:1 nosuch
check 'MALLOC_CONF with a bad value is refused' refuses_malloc_conf narenas:seven narenas
check 'MALLOC_CONF that is no option is refused' refuses_malloc_conf garbage 'Conf string'
two_writers() {
	local first
	mkdir -p two && rm -f two/*
	"$bench" --filter='^noop' --duration=30s --windows=300 --json=two/f.json >out 2>err </dev/null &
	first=$!
	until { [ -e two/f.json.partial.jsonl ] && [ "$(wc -l <two/f.json.partial.jsonl)" -ge 2 ]; } || ! kill -0 $first; do
		sleep 0.05
	done
	timeout 60 "$bench" --filter='^noop' --duration=20ms --quick --json=two/f.json >out2 2>err2 </dev/null
	set -- $?
	kill -KILL $first
	wait $first
	[ "$1" -eq 1 ] && grep -q 'f.json.*another process is writing it' err2 && [ ! -s out2 ] &&
		sed 1d two/f.json.partial.jsonl | jq -es "length > 0 and all(.name)" >/dev/null || {
		echo "exit status $1, left: $(ls -A two)"
		cat err err2
		return 1
	}
}
check 'the second writer of one output is refused, and the first goes on' two_writers
next_writer() { # what one who was killed left is no lock
	[ -e two/f.json.partial.jsonl ] && exits 0 --filter='^noop' --duration=20ms --quick --json=two/f.json &&
		[ "$(ls -A two)" = f.json ]
}
check 'who comes after it may write' next_writer
# A locale in which 1.5 is written 1,5, if one can be made here: options and results know the point only.
comma() {
	env "LOCPATH=$PWD/locales" LC_ALL=de_DE.UTF-8 timeout 60 "$@" 2>err </dev/null
}
decimal_point() {
	comma "$bench" --filter='^noop' --duration=20.5ms --quick --json=f.json >out &&
		jq -e '.benchmarks[0].real_time > 0' f.json >/dev/null && ! grep -Eq '[0-9],[0-9]' out || return 1
	comma "$bench" --filter='^noop' --duration=20,5ms --quick >out
	[ $? -eq 2 ] && grep -q -e --duration err
}
mkdir -p locales
if localedef -i de_DE -f UTF-8 locales/de_DE.UTF-8 2>/dev/null && [ "$(comma locale decimal_point)" = , ]; then
	check 'a locale with a decimal comma' decimal_point
fi
finish
