#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# conflict.sh - the conflict trace: what must share no cache line shares none, what is known to share one is seen sharing it,
# by name, and two runs say the same. Builds the variant it needs.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

O=${O:-build}
conflict=$O/trace/gpuvm-conflict
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

build() { ${MAKE:-make} --no-print-directory -j"${JOBS:-2}" O="$O" DEBUG= SAN=trace RCU=memb conflict-bin; }

# Rows of "$tmp/tsv": column 3 is the number of operations in a sum, 4 the share without a transfer, 7 transfers per operation;
# in a name's line 4 is written or read, 7 its transfers, 8 the name.
rows() { # scenario, strategy; "." for all
	awk -F'\t' -v s="$1" -v r="$2" '$1 == s && (r == "." || $2 == r)' "$tmp/tsv"
}

# No line travels at all.
silent() { # scenario, strategy
	rows "$1" "$2" | grep -v rwlock_bravo | awk -F'\t' '$8 == "" { n++; if ($7 > 0 || $3 < 1000) bad++ } $8 != "" { print $2 ": " $8 " " $7 }
		END { exit !(n && !bad) }'
}

# No line travels with one operation in ten, and all together no more often than that many times per operation. 95 operations
# in 100 have no transfer at all. (rwlock_bravo: whether two readers' slots in its table are in one line is chance.)
rare() { # scenario, strategy, times
	rows "$1" "$2" | grep -v rwlock_bravo | awk -F'\t' -v most="$3" '
		$8 == "" { n++; if ($4 < 0.95 || $7 > most || $3 < 1000) bad = bad " " $2 " " $7 }
		$8 != "" && $7 >= 0.1 { bad = bad " " $2 ":" $8 }
		END { if (bad) print "shared:" bad; exit !(n && !bad) }'
}

# This one does, so often per operation at least.
shares() { # scenario, strategy, name, times
	rows "$1" "$2" | awk -F'\t' -v name="$3" -v times="$4" '$8 == name && $7 >= times { found = 1 } END { exit !found }'
}

same_twice() {
	"$conflict" --only='^(bind_halves|hot_bo|pair_life)$' >"$tmp/one" && "$conflict" --only='^(bind_halves|hot_bo|pair_life)$' >"$tmp/two" &&
		diff "$tmp/one" "$tmp/two"
}

# Each node of an index is known for what it is, and where in it: nowhere "512 bytes of A".
nodes_have_names() { ! cut -f 8 "$tmp/tsv" | grep -E '[0-9] bytes'; }

refuses() { # word, option...
	local word=$1
	shift
	"$conflict" "$@" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 2 ] && grep -q -- "$word" "$tmp/err"
}

if ! out=$(build 2>&1); then
	fail 'the conflict trace does not build' "$(echo "$out" | tail -n 30)"
	finish
fi
check 'it runs' eval '"$conflict" --format=tsv >"$tmp/tsv"'

# Disjoint binds in one VM, whatever the list and the count; in parts that touch only the leaf in between is common.
check 'space:leaf, far apart' rare bind_halves leaf 0.11
check 'space:leaf, parts that touch' rare bind_adjacent leaf 0.2
check 'every list' rare bind_halves_list . 0.11
check 'every ref' rare bind_halves_ref . 0.11
check 'pairs made by one thread' rare bind_made_by_one magazine 0.11
check 'two VMs' rare bind_two_vms . 0.11
check 'two VMs that share objects, rcu_hash' rare bind_shared_object rcu_hash 0.11
# A find and a put of different pairs, and of one that is hot.
check 'two objects' silent obtain_hit .
check 'one object, two VMs: rcu_hash' silent obtain_shared_object rcu_hash
check 'one object, two VMs: inline' silent obtain_shared_object inline
check 'one pair: credits' silent obtain_one_pair_ref credits
check 'hot bo: credits' silent hot_bo credits
# Lookups.
check 'lookups, leaf' silent lookup_lookup leaf
check 'lookups, btree_rcu' silent lookup_lookup btree_rcu
check 'lookups beside a writer, leaf' rare lookup_beside leaf 0.05
check 'lookups beside a writer, btree_rcu' rare lookup_beside btree_rcu 0.05

# What must be seen: else the instrument is asleep.
check 'the lock of rbtree_mutex' shares bind_halves rbtree_mutex vm.space.lock 0.99
check 'the count of the VM' shares bind_halves rbtree_mutex vm.ref 0.99
check 'the tree of rbtree_mutex' shares bind_halves rbtree_mutex va.space 0.9
check 'the towers of skiplist' shares bind_halves skiplist tower.next 0.1
check 'the links of skiplist' shares bind_adjacent skiplist va.space.link 0.001
check 'the nodes of every index' nodes_have_names
check 'seq of btree_rcu' shares bind_halves btree_rcu vm.space.seq 0.99
check 'call_rcu' shares bind_halves_alloc jemalloc callbacks_of_call_rcu 0.99
check 'the lock of rbtree_mutex, lookups' shares lookup_lookup rbtree_mutex vm.space.lock 0.99
check 'the lock of a list' shares obtain_shared_object mutex gem.mutex+0 0.4
check 'the lock of a list, inline assembly' shares obtain_shared_object spin_mcs gem.spin_mcs+0 0.4
check 'the count of a bo' shares hot_bo kref bo.ref 1.9
check 'the mappings of a bo' shares bind_one_object rcu_hash va.link 0.9
check 'the reservation of a VM' shares pair_life rcu_hash vm.resv 1

check 'the same twice' same_twice
check 'unknown option' refuses 'unknown option' --frobnicate
check 'bad expression' refuses 'not a regular expression' '--only=('
finish
