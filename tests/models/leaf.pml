/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf.pml - the protocol of space:leaf: locks, sequences, dead marks, right links, the lagging tree, retirement.
 *
 * Two pages. Leaf 0 starts with both, or with a right neighbour for the second; writers write a page, and may split the leaf between the pages or take the right
 * neighbour in. A keeper brings the tree's hints up to date when it likes, and frees dead leaves after a grace period;
 * freed leaves are used again. Names and invariants (F1-F8) are those of core/space/leaf.h. Memory is sequentially
 * consistent here: that the orders in the code suffice is argued there (F4).
 *
 * Checked: a lookup finds a version that was current at some moment during it; nobody touches a freed leaf; no deadlock.
 *
 * bugs: NO_RECHECK NO_MARK NO_DEAD_CHECK NO_HI_CHECK LOST_RIGHT FREE_IN_TREE NO_GRACE DEAD_END
 */
#define PAGES 2
#define NODES 3
#define NONE 9

#ifndef WRITES
#define WRITES 1
#endif
#ifndef READS
#define READS 1
#endif

#define EDIT 1
#define DEAD 2
#define COUNT 4

byte seq[NODES], lo[NODES], hi[NODES], right[NODES];
bool locked[NODES], used[NODES], born[NODES], died[NODES];
byte val[6]; /* val[node * PAGES + page] */
byte hint[PAGES]; /* what the tree says */
byte version[PAGES]; /* what is mapped now */
bool inside[3]; /* read sections, by process */
byte finished;

#define touch(n) assert(used[n])
#ifndef NO_DEAD_CHECK
#define alive(l) (!(seq[l] & DEAD))
#else
#define alive(l) true
#endif
#ifndef NO_HI_CHECK
#define reaches(l, p) (p < hi[l])
#else
#define reaches(l, p) true
#endif

/* The seq s of a leaf l that had page p in [lo, hi): leaf_settle(). */
inline settle(l, p, s)
{
	do
	:: touch(l);
	   s = seq[l];
	   if
	   :: s & EDIT -> seq[l] != s
	   :: !(s & EDIT) ->
		if
		:: !(s & DEAD) && p < hi[l] -> break
		:: else ->
			next = right[l];
			if
			:: seq[l] == s -> l = next
			:: else
			fi
		fi
	   fi
	od
}

inline find(l, p)
{
	l = hint[p]
}

proctype reader(byte me)
{
	byte p, l, s, next, v, before, n;

	do
	:: n == READS -> break
	:: else ->
		n++;
		if
		:: p = 0
		:: p = 1
		fi;
		atomic { inside[me] = true; before = version[p] }
		find(l, p);
		do
		:: settle(l, p, s);
		   v = val[l * PAGES + p];
		   touch(l);
#ifdef NO_RECHECK
		   break
#else
		   if
		   :: seq[l] == s -> break
		   :: else
		   fi
#endif
		od;
		atomic {
			assert(v >= before && v <= version[p]);
			inside[me] = false;
			v = 0; l = 0; s = 0; next = 0; before = 0; p = 0
		}
	od;
	finished++
}

inline begin_edit(l)
{
#ifndef NO_MARK
	seq[l] = seq[l] + EDIT
#else
	skip
#endif
}

#ifndef NO_MARK
#define ended(l) (seq[l] - EDIT + COUNT)
#else
#define ended(l) (seq[l] + COUNT)
#endif

/* A new leaf n with what l has from page 1 on, and the new version of the page written; the right link comes first. */
inline split(l, n, p)
{
	atomic {
		n = 0;
		do
		:: n < NODES && used[n] -> n++
		:: else -> break
		od;
		if
		:: n < NODES ->
			used[n] = true;
			seq[n] = 0;
			lo[n] = 1;
			hi[n] = hi[l];
			right[n] = right[l];
			locked[n] = true;
			val[n * PAGES + 1] = val[l * PAGES + 1]
		:: else
		fi
	}
	if
	:: n < NODES ->
#ifndef LOST_RIGHT
		right[l] = n;
#endif
		hi[l] = 1
	:: else -> n = NONE
	fi
}

/* r, the right neighbour, dies into l. */
inline take_in(l, r)
{
	begin_edit(l);
	begin_edit(r);
	val[l * PAGES + 1] = val[r * PAGES + 1];
	hi[l] = hi[r];
	right[l] = right[r];
	seq[l] = ended(l);
#ifndef DEAD_END
	right[r] = l;
#endif
	seq[r] = ended(r) + DEAD;
	atomic { locked[r] = false; died[r] = true }
}

proctype writer(byte me)
{
	byte p, l, s, next, n, k;

	do
	:: k == WRITES -> break
	:: else ->
		k++;
		if
		:: p = 0
		:: p = 1
		fi;
		/* lock_leaf_of() */
		inside[me] = true;
		find(l, p);
		do
		:: settle(l, p, s);
		   touch(l);
		   atomic { !locked[l] -> locked[l] = true }
		   if
		   :: alive(l) && reaches(l, p) -> break
		   :: else -> locked[l] = false
		   fi
		od;
		inside[me] = false;
		assert(p >= lo[l]);
		n = NONE;
		begin_edit(l);
		val[l * PAGES + p] = version[p] + 1;
		if
		:: lo[l] == 0 && hi[l] == 2 -> split(l, n, p)
		:: true
		fi;
		atomic { seq[l] = ended(l); version[p] = version[p] + 1 }
		if
		:: n != NONE -> born[n] = true; locked[n] = false
		:: n == NONE && right[l] != NONE ->
			n = right[l];
			atomic {
				if
				:: !locked[n] -> locked[n] = true
				:: else -> n = NONE
				fi
			}
			if
			:: n != NONE -> take_in(l, n)
			:: else
			fi
		:: n == NONE
		fi;
		atomic { locked[l] = false; l = 0; s = 0; next = 0; n = 0; p = 0 }
	od;
	finished++
}

/* gpuvm__leaf_index_sync(), and the grace periods. */
proctype keeper()
{
	byte n, i;

	do
	:: finished == 3 -> break
	:: atomic { born[1] -> n = 1; born[n] = false }; goto birth
	:: atomic { born[2] -> n = 2; born[n] = false }; goto birth
	:: atomic { died[1] && !born[1] -> n = 1; died[n] = false }; goto death
	:: atomic { died[2] && !born[2] -> n = 2; died[n] = false }; goto death
	:: atomic { born[0] -> n = 0; born[n] = false }; goto birth
	:: atomic { died[0] && !born[0] -> n = 0; died[n] = false }; goto death
birth:
	   if
	   :: !(seq[n] & DEAD) -> hint[1] = n
	   :: else
	   fi;
	   goto next
death:
#ifndef FREE_IN_TREE
	   if
	   :: hint[1] == n -> hint[1] = 0
	   :: else
	   fi;
#endif
#ifndef NO_GRACE
	   i = 0;
	   do
	   :: i < 3 -> !inside[i]; i++
	   :: else -> break
	   od;
#endif
	   atomic { used[n] = false; right[n] = NONE; i = 0 }
next:
	   n = 0
	od
}

init {
	atomic {
		used[0] = true;
		hi[0] = 2;
		right[0] = NONE;
		right[1] = NONE;
		right[2] = NONE;
		if
		:: true
		:: hi[0] = 1; /* split already */
		   right[0] = 1;
		   used[1] = true;
		   lo[1] = 1;
		   hi[1] = 2;
		   hint[1] = 1
		fi;
		run reader(0);
		run writer(1);
		run writer(2);
		run keeper()
	}
}
