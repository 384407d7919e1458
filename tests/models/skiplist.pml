/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * skiplist.pml - core/space/skip.h: locked links, dead marks, the store that publishes, towers as hints, grace periods.
 *
 * Three pages; a mapping is a run of them. Two writers map or unmap a range each: what it cuts leaves pieces. A reader asks for
 * the first mapping that ends after some page, starting from whatever tower it likes, and steps on from what it found. Mappings
 * are freed after a grace period and used again. N2 to N9 and N12 are those of skip.h; what goes on between the levels
 * of towers (N10, N11) is not modelled: a tower is a pointer by start. Memory is sequentially consistent here; the orders
 * are argued in the code.
 *
 * Checked: each answer was right at one instant of the call (S2, S3); no page is in two sections (S1); what a locked link
 * leads to is alive; nobody touches a freed mapping; no deadlock; at the end the list is what the writers say.
 *
 * bugs: NO_PRED_LOCK NOT_DEAD DEAD_LATE TWO_STORES CUT_OFF DEAD_START TOWERS_FIRST TOWER_STAYS NO_GRACE FIRST_LAST
 */
#define PAGES 3
#define HEAD 0
#define NONE 9 /* nothing behind; no tower */
#define NODES 9

#ifndef READS
#define READS 2
#endif

byte start[NODES], end[NODES], link[NODES];
bool locked[NODES], dead[NODES];
bool used[NODES], retired[NODES];
byte waits[NODES]; /* of a retired one: who may still see it, as bits */
bool inside[3]; /* read sections: two writers, the reader */
byte tower[PAGES]; /* by start; only those of pages 0 and 1 may have one */
byte truth; /* the first of the mappings, as they are */
byte after[NODES]; /* the next of them */
byte held; /* pages of sections */
bool asking;
byte asked; /* from which page */
short right; /* answers that were right since the call began, as bits */

#define touch(n) assert(used[n])

/* The first of the true mappings that ends after @from. */
inline answer(from, out)
{
	out = truth;
	do
	:: out != NONE && end[out] <= from -> out = after[out]
	:: else -> break
	od
}

/* In the same step as what changes the truth. */
inline note()
{
	if
	:: asking -> answer(asked, k); right = right | (1 << k); k = 0
	:: else
	fi
}

inline free_if(n)
{
	if
	:: retired[n] && !waits[n] -> retired[n] = false; used[n] = false; dead[n] = false; locked[n] = false;
				      start[n] = 0; end[n] = 0; link[n] = 0; after[n] = 0
	:: else
	fi
}

inline enter() { inside[me] = true }

inline leave()
{
	d_step {
		inside[me] = false;
		k = 1;
		do
		:: k < NODES -> waits[k] = waits[k] & ~(1 << me); free_if(k); k++
		:: else -> break
		od;
		k = 0
	}
}

/* Any tower, or the head; @below: that starts below it. */
inline hint(below, out)
{
	atomic {
		if
		:: out = HEAD
		:: below > 0 && tower[0] != NONE -> out = tower[0]
		:: below > 1 && tower[1] != NONE -> out = tower[1]
		fi
	}
}

inline new_node(s, e, out)
{
	out = 1;
	do
	:: used[out] -> out++
	:: else -> break
	od;
	used[out] = true;
	start[out] = s;
	end[out] = e;
	locked[out] = true;
	link[out] = behind;
	behind = out
}

/* FIRST_LAST: what is behind the first link is locked before it, and let go of again to be locked in order. */
#ifdef FIRST_LAST
#define take_second() \
	piece = NONE; \
	if \
	:: m != NONE && start[m] < hi -> \
		atomic { \
			!locked[m] || dead[m]; \
			if \
			:: dead[m] -> goto search \
			:: else -> locked[m] = true; piece = m \
			fi \
		} \
	:: else \
	fi
#define drop_second() \
	if \
	:: piece != NONE -> locked[piece] = false \
	:: else \
	fi; \
	piece = 0
#else
#define take_second() skip
#define drop_second() skip
#endif

proctype writer(byte me)
{
	byte lo, hi, k, n, m, first, last, old, behind, to, piece, l, r, pages;
	bool map;

	if
	:: lo = 0; hi = 1
	:: me == 0 -> lo = 0; hi = 2
	:: lo = 1; hi = 3
	fi;
	if
	:: map = true
	:: map = false
	fi;

	/* lock_before() */
	enter();
search:	hint(lo, n);
	atomic {
		touch(n);
		if
		:: n != HEAD && (dead[n] || end[n] > lo) -> n = HEAD
		:: else
		fi
	};
walk:	do
	:: touch(n); m = link[n];
	   if
	   :: m != NONE -> touch(m);
		if
		:: end[m] <= lo -> n = m
		:: else -> break
		fi
	   :: else -> break
	   fi
	od;
	take_second();
	atomic {
		touch(n);
#ifdef NO_PRED_LOCK
		true;
#else
		(!locked[n] || dead[n]);
		drop_second();
		if
		:: dead[n] -> goto search
		:: else -> locked[n] = true
		fi;
#endif
		m = link[n];
		if
		:: m != NONE && end[m] <= lo -> locked[n] = false; goto walk
		:: else
		fi
	};
	leave();
	d_step { first = n; last = n; n = 0; m = 0 };

	/* lock_rest() */
	do
	:: m = link[last];
	   if
	   :: m != NONE && start[m] < hi ->
		atomic { !locked[m] -> assert(used[m] && !dead[m]); locked[m] = true };
		last = m
	   :: else -> break
	   fi
	od;

	true;
	/* S1 */
	d_step {
		pages = 0;
		l = lo;
		r = hi;
		n = link[first];
		do
		:: n != NONE && start[n] < hi ->
			if
			:: start[n] < l -> l = start[n]
			:: else
			fi;
			if
			:: end[n] > r -> r = end[n]
			:: else
			fi;
			n = link[n]
		:: else -> break
		od;
		behind = n;
		pages = (1 << r) - (1 << l);
		assert(!(held & pages));
		held = held | pages;
		n = 0;
		m = 0
	};

	/* splice(): the marks, the chain aside */
	old = link[first];
	n = old;
	do
	:: n != behind ->
		d_step {
#ifdef NOT_DEAD
			locked[n] = false;
#else
#ifndef DEAD_LATE
			dead[n] = true;
#endif
#endif
			n = link[n]
		}
	:: else -> break
	od;
	true;
	d_step {
		m = behind;
		if
		:: old != behind && r > hi -> new_node(hi, r, piece)
		:: else
		fi;
		if
		:: map -> new_node(lo, hi, piece)
		:: else
		fi;
		if
		:: old != behind && l < lo -> new_node(l, lo, piece)
		:: else
		fi;
		to = behind;
		behind = m;
		if /* a section's last link is what it has locked */
		:: last == first || start[last] < hi ->
			last = first;
			n = to;
			do
			:: n != behind -> last = n; n = link[n]
			:: else -> break
			od
		:: else
		fi;
		n = 0;
		m = 0;
		piece = 0;
		l = 0;
		r = 0
	};
#ifdef TOWERS_FIRST
	n = to;
	do
	:: n != behind ->
		if
		:: start[n] < 2 -> tower[start[n]] = n
		:: else
		fi;
		n = link[n]
	:: else -> break
	od;
#endif
#ifdef TWO_STORES
	link[first] = behind;
#endif
	true;
	d_step {
		link[first] = to;
		/* the truth: after[] follows the links of what is there now */
		if
		:: first == HEAD -> truth = to
		:: else -> after[first] = to
		fi;
		n = to;
		do
		:: n != behind -> after[n] = link[n]; n = link[n]
		:: else -> break
		od;
		note();
		n = 0
	};
	/* move_towers() */
	n = old;
	do
	:: n != behind ->
		d_step {
#ifdef DEAD_LATE
			dead[n] = true;
#endif
#ifndef TOWER_STAYS
			if
			:: start[n] < 2 && tower[start[n]] == n -> /* the heir's, or none */
				k = to;
				do
				:: k != behind && start[k] != start[n] -> k = link[k]
				:: else -> break
				od;
				tower[start[n]] = (k != behind -> k : NONE);
				k = 0
			:: else
			fi;
#endif
			n = link[n]
		}
	:: else -> break
	od;
	n = to;
	do
	:: n != behind ->
		d_step {
			if
			:: start[n] < 2 -> tower[start[n]] = n
			:: else
			fi;
			n = link[n]
		}
	:: else -> break
	od;

	true;
	/* end() */
	d_step { held = held & ~pages; pages = 0; n = first };
	do
	:: n != last -> d_step { m = link[n]; locked[n] = false; n = m; m = 0 }
	:: else -> break
	od;
	locked[n] = false;

	true;
	/* they are freed when those that are inside now have left */
	d_step {
		n = old;
		do
		:: n != behind ->
			m = link[n];
#ifdef CUT_OFF
			link[n] = NONE;
#endif
			retired[n] = true;
			waits[n] = 0;
#ifndef NO_GRACE
			waits[n] = inside[0] | (inside[1] << 1) | (inside[2] << 2);
#endif
			free_if(n);
			n = m
		:: else -> break
		od;
		n = 0;
		m = 0
	}
}

inline ask(from)
{
	d_step {
		asking = true;
		asked = from;
		answer(from, k);
		right = 1 << k;
		k = 0
	}
}

proctype reader(byte me)
{
	byte from, k, n, at, l, reads;

	enter();
	select(from : 0 .. 1);
	at = NONE;
	do
	:: reads == READS || from >= PAGES -> break
	:: else ->
		reads++;
		ask(from);
		if
		:: at != NONE -> /* step */
			atomic { touch(at); l = link[at];
				if
				:: dead[at] -> goto seek
				:: else
				fi };
			n = at;
			goto go_on
		:: else
		fi;
seek:		hint(from + 1, n);
		atomic {
			touch(n);
			l = link[n];
#ifndef DEAD_START
			if
			:: n != HEAD && dead[n] -> n = HEAD; l = link[HEAD]
			:: else
			fi
#endif
		};
		if
		:: n != HEAD && end[n] > from -> goto found
		:: else
		fi;
go_on:		do
		:: n = l;
		   if
		   :: n == NONE -> break
		   :: else -> touch(n);
			if
			:: end[n] > from -> break
			:: else -> l = link[n]
			fi
		   fi
		od;
found:		assert(right & (1 << n));
		asking = false;
		right = 0;
		at = n;
		if
		:: n == NONE -> break
		:: else -> from = end[n]
		fi
	od;
	leave()
}

inline there(n, s, e, to)
{
	used[n] = true;
	start[n] = s;
	end[n] = e;
	link[n] = to;
	after[n] = to;
	if
	:: s < 2 -> tower[s] = n
	:: else
	fi
}

init {
	byte n, k;

	atomic {
		used[HEAD] = true;
		tower[0] = NONE;
		tower[1] = NONE;
		tower[2] = NONE;
		truth = 1;
		if
		:: there(1, 0, 3, NONE)
		:: there(1, 0, 1, 2); there(2, 1, 2, NONE)
		:: there(1, 1, 2, NONE)
		fi;
		link[HEAD] = truth;
		run writer(0);
		run writer(1);
		run reader(2)
	}
	_nr_pr == 1;
	d_step {
		assert(!held && !locked[HEAD] && link[HEAD] == truth);
		n = truth;
		do
		:: n != NONE -> assert(used[n] && !dead[n] && !locked[n] && link[n] == after[n]); k++; n = link[n]
		:: else -> break
		od;
		n = 1;
		do /* the rest is free */
		:: n < NODES -> k = k - used[n]; n++
		:: else -> break
		od;
		assert(k == 0)
	}
}
