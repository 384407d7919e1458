/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * range_lock.pml - core/locks/range.h and how space:range_lock uses it: the one word, the lists, the queue, sleeping, widening.
 *
 * Three pages; a range is a set of neighbours, as bits. Neighbours may be joined to one mapping. Who wants a part of a mapping
 * has to hold all of it (L2), and who holds two neighbours may join or cut them (L1). The spinlock is an owner; what happens
 * under it is one step where only the lists are touched, since nobody looks at those without it. Memory is sequentially
 * consistent here; the orders are argued in range.h (K7).
 *
 * Checked: no page is held twice, and no part of a mapping without the rest; when head becomes 0 nobody is on a list;
 * nobody waits for ever.
 *
 * bugs: FORGET_SINGLE BLIND_UNLOCK NO_WAKE CHECK_UNLOCKED NO_LET_IN NO_WIDEN NO_RELOOK
 */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif

#define NONE 0
#define LISTED 9 /* of head; else who holds it, + 1 */

#define OUT 0
#define HOLDER 1
#define WAITER 2
byte state[THREADS]; /* on which list */
byte ticket[THREADS], tickets; /* the order of those who wait */
byte want[THREADS]; /* ranges */
bool granted[THREADS];
byte head;
byte spin, mutex; /* who has it, + 1 */
bool asleep[THREADS];
byte held; /* pages in somebody's section, as bits */
byte joins; /* bit 0: pages 0 and 1 are one mapping, bit 1: pages 1 and 2 */

#define lock(l) atomic { l == 0 -> l = me + 1 }
#define unlock(l) l = 0

/* With what hangs on it. */
#define left(set) (((joins & 1) && (set & 3)) -> (set | 3) : set)
#define right(set) (((joins & 2) && (set & 6)) -> (set | 6) : set)
#define whole(set) (left(set) == set && right(set) == set)

/* Does @who overlap a holder, or one who waits with a ticket below @t? */
inline look_for(who, t, out)
{
	out = false;
	k = 0;
	do
	:: k < THREADS ->
		out = out || (k != who && (want[k] & want[who]) &&
			      (state[k] == HOLDER || (state[k] == WAITER && ticket[k] < t)));
		k++
	:: else -> break
	od;
	k = 0
}

inline enlist()
{
	atomic {
		if
		:: head == LISTED
		:: else ->
#ifndef FORGET_SINGLE
			if
			:: head != NONE -> state[head - 1] = HOLDER
			:: else
			fi;
#endif
			head = LISTED
		fi
	}
}

inline enqueue()
{
	granted[me] = false;
	ticket[me] = tickets;
	tickets++;
	state[me] = WAITER
}

inline let_in()
{
	any = false;
#ifndef NO_LET_IN
	t = 0;
	do
	:: t < tickets ->
		w = 0;
		do
		:: w < THREADS && state[w] == WAITER && ticket[w] == t ->
			look_for(w, t, meets);
			if
			:: !meets -> state[w] = HOLDER; granted[w] = true; any = true
			:: else
			fi;
			w++
		:: w < THREADS && !(state[w] == WAITER && ticket[w] == t) -> w++
		:: else -> break
		od;
		t++
	:: else -> break
	od;
	w = 0;
	t = 0;
	meets = false
#endif
}

inline wake()
{
#ifndef NO_WAKE
	if
	:: any ->
		lock(mutex);
		d_step {
			k = 0;
			do
			:: k < THREADS -> asleep[k] = false; k++
			:: else -> break
			od;
			k = 0
		};
		unlock(mutex)
	:: else
	fi;
#endif
	any = false
}

inline wait_for()
{
#ifdef CHECK_UNLOCKED
	if
	:: granted[me]
	:: else -> asleep[me] = true; !asleep[me]
	fi
#else
	lock(mutex);
	do
	:: granted[me] -> break
	:: else ->
		atomic { asleep[me] = true; unlock(mutex) };
		!asleep[me];
		lock(mutex)
	od;
	unlock(mutex)
#endif
}

inline range_lock()
{
	if
	:: atomic { head == NONE -> head = me + 1 }
	:: head != NONE ->
		lock(spin);
		enlist();
		d_step {
			look_for(me, tickets, must_wait);
			if
			:: must_wait -> enqueue()
			:: else -> state[me] = HOLDER
			fi
		};
		unlock(spin);
		if
		:: must_wait -> wait_for()
		:: else
		fi
	fi
}

inline range_unlock()
{
#ifdef BLIND_UNLOCK
	head = NONE
#else
	if
	:: atomic { head == me + 1 -> head = NONE }
	:: head != me + 1 ->
		lock(spin);
		d_step { state[me] = OUT; let_in() };
		d_step {
			k = 0;
			alone = true;
			do
			:: k < THREADS -> alone = alone && state[k] != HOLDER; k++
			:: else -> break
			od;
			k = 0;
			if
			:: alone ->
				assert(state[0] == OUT && state[1] == OUT && state[THREADS - 1] == OUT); /* K4 */
				head = NONE;
				tickets = 0
			:: else
			fi;
			alone = false
		};
		unlock(spin);
		wake()
	fi
#endif
}

/* gpuvm__range_widen(), to what hangs on both ends of it */
inline widen()
{
	lock(spin);
	enlist();
	d_step {
		state[me] = OUT;
		want[me] = left(want[me]);
		want[me] = right(want[me]);
		want[me] = left(want[me]);
		look_for(me, 0, must_wait);
		if
		:: must_wait -> enqueue(); let_in()
		:: else -> state[me] = HOLDER
		fi
	};
	unlock(spin);
	wake();
	if
	:: must_wait -> wait_for()
	:: else
	fi
}

proctype thread(byte me)
{
	byte n, k, t, w;
	bool must_wait, any, meets, alone;

	do
	:: n == ROUNDS -> break
	:: else ->
		n++;
		if
		:: want[me] = 1
		:: want[me] = 2
		:: want[me] = 3
		:: want[me] = 6
		fi;
		range_lock();
#ifndef NO_WIDEN
		do
		:: whole(want[me]) -> break
		:: else ->
			widen();
#ifdef NO_RELOOK
			break
#endif
		od;
#endif
		atomic {
			assert(!(held & want[me]));
			assert(whole(want[me]));
			held = held | want[me]
		};
		if
		:: (want[me] & 3) == 3 -> joins = joins ^ 1
		:: (want[me] & 6) == 6 -> joins = joins ^ 2
		:: true
		fi;
		held = held & ~want[me];
		range_unlock();
		must_wait = false;
		want[me] = 0
	od
}

init {
	byte i;

	atomic {
		if
		:: joins = 1
		:: joins = 2
		:: true
		fi;
		do
		:: i < THREADS -> run thread(i); i++
		:: else -> break
		od
	}
	_nr_pr == 1;
	assert(head == NONE && state[0] == OUT && state[1] == OUT && state[THREADS - 1] == OUT)
}
