/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * btree_rcu.pml - what readers of core/space/btree.h rest on: copied leaves, cleared slots, seq, dead marks, grace periods.
 *
 * Leaf 0 has pages 0 to 2, leaf 1 has page 3; a page is mapped or not. One writer maps pages by copying their leaf and unmaps them
 * by clearing their slot. Readers ask for the lowest mapped page from some page on, across both leaves, and step on from
 * what they found. Replaced leaves are freed after a grace period and used again. T1 to T6 are those of btree.h; memory is
 * sequentially consistent here, that the orders in the code suffice is argued there.
 *
 * Checked: each answer was right at one instant of the call (S2); nobody touches a freed leaf; no deadlock.
 *
 * bugs: NO_SEQ_CHECK SEQ_ONCE NO_DEAD_CHECK DEAD_LATE FILL_IN_PLACE NO_GRACE
 */
#define NONE 4
#define NODES 5

#ifndef WRITES
#define WRITES 3
#endif
#ifndef READERS
#define READERS 1
#endif

byte has[NODES]; /* pages of a node, as bits: its slots */
bool dead[NODES], used[NODES], retired[NODES];
byte waits[NODES]; /* of a retired node: readers that may still see it, as bits */
byte child[2]; /* the parent's slots */
byte seq;
byte mapped; /* the truth, as bits */
bool inside[READERS];
byte asked[READERS]; /* from which page */
byte right[READERS]; /* answers that were right since the call began, as bits */

#define touch(n) assert(used[n])
#define leaf_of(p) (p / 3)

/* The lowest of the pages in @set from @from on. */
inline lowest(set, from, out)
{
	out = from;
	do
	:: out < NONE && !(set & (1 << out)) -> out++
	:: else -> break
	od
}

/* In the same step as what changes the truth. */
inline note()
{
	k = 0;
	do
	:: k < READERS ->
		lowest(mapped, asked[k], ans);
		right[k] = right[k] | (1 << ans);
		k++
	:: else -> break
	od;
	k = 0;
	ans = 0
}

inline free_if(node)
{
	if
	:: retired[node] && !waits[node] ->
		retired[node] = false;
		used[node] = false;
		has[node] = 0
	:: else
	fi
}

inline unmap(p)
{
	d_step {
		touch(child[leaf_of(p)]);
		has[child[leaf_of(p)]] = has[child[leaf_of(p)]] & ~(1 << p);
		mapped = mapped & ~(1 << p);
		note()
	}
}

inline map(p)
{
	old = child[leaf_of(p)];
#ifdef FILL_IN_PLACE
	d_step {
		has[old] = has[old] | (1 << p);
		mapped = mapped | (1 << p);
		note()
	};
#else
	d_step {
		new = 0;
		do
		:: used[new] -> new++
		:: else -> break
		od;
		used[new] = true;
		dead[new] = false;
		has[new] = has[old] | (1 << p)
	};
#ifndef DEAD_LATE
	dead[old] = true;
#endif
	seq++;
	d_step {
		child[leaf_of(p)] = new;
		mapped = mapped | (1 << p);
		note()
	};
#ifndef SEQ_ONCE
	seq++;
#endif
#ifdef DEAD_LATE
	dead[old] = true;
#endif
	d_step { /* freed when those that are inside now have left */
		retired[old] = true;
		k = 0;
		do
#ifndef NO_GRACE
		:: k < READERS && inside[k] -> waits[old] = waits[old] | (1 << k); k++
		:: k < READERS && !inside[k] -> k++
#endif
		:: else -> break
		od;
		k = 0;
		free_if(old)
	}
#endif
}

proctype writer()
{
	byte p, n, old, new, k, ans;

	do
	:: n < WRITES ->
		select(p : 0 .. 3);
		if
		:: mapped & (1 << p) -> unmap(p)
		:: else -> map(p)
		fi;
		n++
	:: else -> break
	od
}

inline ask(from)
{
	d_step {
		asked[me] = from;
		lowest(mapped, from, ans);
		right[me] = 1 << ans;
		ans = 0
	}
}

/* Slot by slot, from @i on, to the leaf's end. */
inline scan(l, i)
{
	v = i;
	do
	:: v < (l_index + 1) * 3 && v < NONE ->
		touch(l);
		if
		:: has[l] & (1 << v) -> break
		:: else -> v++
		fi
	:: else -> v = NONE; break
	od
}

/* search() */
inline search(from)
{
	do
	:: s = seq;
	   l_index = leaf_of(from);
	   l = child[l_index];
	   scan(l, from);
	   if
	   :: v == NONE && l_index == 0 ->
		l_index = 1;
		l = child[1];
		scan(l, 3);
#ifndef NO_SEQ_CHECK
		if
		:: seq == s -> break
		:: else
		fi
#else
		break
#endif
	   :: else -> break
	   fi
	od
}

proctype reader(byte me)
{
	byte l, l_index, s, v, from, ans, k;

	inside[me] = true;
	select(from : 0 .. 2);
	ask(from);
	search(from);
	assert(right[me] & (1 << v));
	if
	:: v < 2 -> /* step() */
		from = v + 1;
		ask(from);
		scan(l, from);
		if
		:: v == NONE -> goto slow
		:: else
		fi;
#ifndef NO_DEAD_CHECK
		touch(l);
		if
		:: dead[l] -> goto slow
		:: else -> goto fast
		fi;
#else
		goto fast;
#endif
slow:		search(from);
fast:		assert(right[me] & (1 << v))
	:: else
	fi;
	d_step {
		inside[me] = false;
		k = 0;
		do
		:: k < NODES ->
			waits[k] = waits[k] & ~(1 << me);
			free_if(k);
			k++
		:: else -> break
		od
	}
}

init {
	byte i, set;

	atomic {
		select(set : 0 .. 15);
		mapped = set;
		used[0] = true;
		used[1] = true;
		has[0] = set & 7;
		has[1] = set & 8;
		child[1] = 1;
		run writer();
		do
		:: i < READERS -> run reader(i); i++
		:: else -> break
		od
	}
}
