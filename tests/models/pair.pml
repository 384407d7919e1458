/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * pair.pml - the life of a pair: obtain, find, put, deferred put, cleanup, evict, validate, map, close. core/bo.c with
 * list:rcu_list (lookups under RCU, obtain and the last put under the object's mutex) and ref:kref, in immediate mode with
 * RESV_PROTECTED, where zombies stay on the evict list until cleanup.
 *
 * One VM, which its owner keeps, and one object, which every user has a handle of; bos pin it (I4). The pair may be mapped to begin
 * with. A user obtains or finds, does one more thing, drops its handle of the object and then the bo: at once or deferred.
 * The owner closes the VM when it likes. Each bo has a number of its own, so that a freed one stays recognisable; it is freed
 * as early as a grace period allows: when the last reader leaves that was inside when it was retired. Memory is
 * sequentially consistent here.
 *
 * Checked: nobody touches a freed bo or object; a count is not taken from zero; at most one live bo of the pair (I2); a
 * find that misses has a reason; the object's mutex is not held when it is freed; in the end nothing is left; no deadlock.
 *
 * bugs: NO_SECOND_LOOK NO_INC_NOT_ZERO SECTION_EARLY LAST_UNLOCKED UNLINK_AFTER_UNLOCK PUSH_BEFORE_UNLOCK
 * bugs: TOUCH_AFTER_PUSH NO_GRACE NO_PIN KEEPS_EVICT MAP_AFTER_CLOSE
 */
#ifndef USERS
#define USERS 2
#endif
#define BOS (USERS + 1)
#define NONE 9
#define OWNER USERS

#define UNUSED 0
#define ALLOC 1
#define LIVE 2
#define ZOMBIE 3
#define DEAD 4 /* retired: readers may have it */
#define GONE 5
byte state[BOS], ref[BOS];
byte waits[BOS]; /* the readers that a retired one waits for, as bits */
bool listed[BOS]; /* on the object's list */
bool evict[BOS]; /* on the VM's evict list */
byte deferred; /* the VM's zombies, as bits */
byte mapping = NONE;
bool closed;
byte gem_ref;
bool gem_gone;
byte mutex, resv, cleanup_lock; /* who has it, + 1 */
byte inside; /* read sections, as bits */
byte lived[USERS]; /* the bo that has been live since this user's find began */
byte finished;

#define bit(n) (1 << (n))
#define touch(b) assert(state[b] != UNUSED && state[b] != GONE)
#define take(l) atomic { l == 0 -> l = me + 1 }
#define drop(l) l = 0

/* The object's mutex, which is in the object. */
#define list_lock() atomic { mutex == 0 -> assert(!gem_gone); mutex = me + 1 }
#define list_unlock() atomic { assert(!gem_gone); mutex = 0 }

inline read_unlock()
{
	d_step {
		inside = inside & ~bit(me);
		k = 0;
		do
		:: k < BOS ->
			waits[k] = waits[k] & ~bit(me);
			if
			:: state[k] == DEAD && waits[k] == 0 -> state[k] = GONE
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0
	}
}

/* Any on the list but those @tried; NONE. */
inline search(b)
{
	b = 0;
	do
	:: b < BOS && !(listed[b] && !(tried & bit(b))) -> b++
	:: b < BOS && listed[b] && !(tried & bit(b)) -> break
	:: b == BOS -> b = NONE; break
	od
}

inline gem_put()
{
	d_step {
		assert(gem_ref > 0);
		gem_ref--;
		if
		:: gem_ref == 0 ->
			assert(mutex == 0);
			gem_gone = true
		:: else
		fi
	}
}

/* gpuvm_bo_find() */
inline find(b)
{
	d_step {
		inside = inside | bit(me);
		lived[me] = NONE;
		k = 0;
		do
		:: k < BOS ->
			if
			:: listed[k] && state[k] == LIVE && ref[k] > 0 -> lived[me] = k
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0
	}
	do
	:: d_step {
		search(b);
		assert(b != NONE || lived[me] == NONE)
	   }
	   if
	   :: b == NONE -> break
	   :: else ->
#ifdef SECTION_EARLY
		read_unlock();
#endif
		/* ref_get_unless_zero() */
		d_step {
			touch(b);
#ifdef NO_INC_NOT_ZERO
			got = true;
			assert(ref[b] > 0);
			ref[b]++
#else
			got = ref[b] > 0;
			if
			:: got -> ref[b]++
			:: else -> tried = tried | bit(b)
			fi
#endif
		}
		if
		:: got -> break
		:: else
		fi
	   fi
	od;
	atomic { tried = 0; got = false; lived[me] = NONE }
	read_unlock()
}

/* After the grace period, or at once. */
inline retire(b)
{
	d_step {
		touch(b);
		waits[b] = inside;
		if
#ifdef NO_GRACE
		:: state[b] = GONE
#else
		:: waits[b] == 0 -> state[b] = GONE
		:: else -> state[b] = DEAD
#endif
		fi
	}
}

/* gpuvm_obtain() */
inline obtain(b)
{
	find(b);
	if
	:: b != NONE
	:: else ->
		d_step { /* gpuvm_bo_alloc_create() */
			new = 0;
			do
			:: state[new] != UNUSED -> new++
			:: else -> break
			od;
			state[new] = ALLOC;
			ref[new] = 1;
#ifndef NO_PIN
			gem_ref++
#endif
		}
		list_lock();
#ifdef NO_SECOND_LOOK
		b = NONE;
#else
		d_step { search(b) }
#endif
		if
		:: b != NONE ->
			d_step {
				touch(b);
				assert(ref[b] > 0); /* on the list, under the lock: live */
				ref[b]++
			}
		:: else ->
			state[new] = LIVE;
			d_step {
				k = 0;
				do
				:: k < BOS -> assert(!listed[k]); k++
				:: else -> break
				od;
				k = 0;
				listed[new] = true;
				b = new
			}
		fi;
		list_unlock();
		if
		:: b != new ->
			state[new] = GONE; /* nobody ever saw it */
#ifndef NO_PIN
			gem_put()
#endif
		:: else
		fi;
		new = 0
	fi
}

inline unlink(b)
{
	d_step { touch(b); listed[b] = false }
}

inline push(b)
{
	d_step {
		touch(b);
		assert(!(deferred & bit(b)));
		deferred = deferred | bit(b)
	}
#ifdef TOUCH_AFTER_PUSH
	d_step { touch(b) }
#endif
}

/* A bo that is on no list goes, and maybe its object with it. */
inline destroy(b)
{
	retire(b);
#ifndef NO_PIN
	gem_put()
#endif
}

inline died(b)
{
	k = 0;
	do
	:: k < USERS ->
		if
		:: lived[k] == b -> lived[k] = NONE
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0
}

/* The list's put: *@last says that the caller has to bury it. */
inline put_ref(b)
{
#ifdef LAST_UNLOCKED
	d_step {
		touch(b);
		assert(ref[b] > 0);
		ref[b]--;
		last = ref[b] == 0;
		if
		:: last -> died(b)
		:: else
		fi
	}
	if
	:: last -> list_lock(); state[b] = ZOMBIE; unlink(b); list_unlock()
	:: else
	fi
#else
	/* ref_put_not_last() */
	d_step {
		touch(b);
		assert(ref[b] > 0);
		last = ref[b] == 1;
		if
		:: !last -> ref[b]--
		:: else
		fi
	}
	if
	:: last ->
		list_lock();
		d_step {
			touch(b);
			ref[b]--;
			last = ref[b] == 0;
			if
			:: last -> died(b); state[b] = ZOMBIE
			:: else
			fi
		}
		if
		:: last ->
#ifndef UNLINK_AFTER_UNLOCK
			unlink(b);
#endif
#ifdef PUSH_BEFORE_UNLOCK
			push(b);
#endif
			skip
		:: else
		fi;
		list_unlock();
#ifdef UNLINK_AFTER_UNLOCK
		if
		:: last -> unlink(b)
		:: else
		fi
#endif
	:: else
	fi
#endif
}

/* gpuvm_bo_put_deferred() */
inline put_deferred(b)
{
	put_ref(b);
	if
	:: last ->
#ifndef PUSH_BEFORE_UNLOCK
		push(b);
#endif
		last = false
	:: else
	fi
}

/* gpuvm_bo_put() */
inline put(b)
{
	put_ref(b);
	if
	:: last ->
#ifdef PUSH_BEFORE_UNLOCK
		skip;
#else
		take(resv);
		d_step { touch(b); evict[b] = false }
		drop(resv);
		destroy(b);
#endif
		last = false
	:: else
	fi
}

/* gpuvm_bo_deferred_cleanup() */
inline cleanup()
{
	take(cleanup_lock);
	d_step { zombies = deferred; deferred = 0 }
	if
	:: zombies ->
		take(resv);
#ifndef KEEPS_EVICT
		d_step {
			k = 0;
			do
			:: k < BOS ->
				if
				:: zombies & bit(k) -> touch(k); evict[k] = false
				:: else
				fi;
				k++
			:: else -> break
			od;
			k = 0
		}
#endif
		drop(resv)
	:: else
	fi;
	drop(cleanup_lock);
	n = 0;
	do
	:: n < BOS ->
		if
		:: zombies & bit(n) -> destroy(n)
		:: else
		fi;
		n++
	:: else -> break
	od;
	atomic { n = 0; zombies = 0 }
}

/* gpuvm_gem_evict(): the object shares the VM's reservation. */
inline evict_all()
{
	take(resv);
	list_lock();
	d_step {
		n = 0;
		do
		:: n < BOS ->
			if
			:: listed[n] -> touch(n); evict[n] = true
			:: else
			fi;
			n++
		:: else -> break
		od;
		n = 0
	}
	list_unlock();
	drop(resv)
}

/* gpuvm_exec_validate(): zombies are passed by. */
inline validate()
{
	take(resv);
	n = 0;
	do
	:: n < BOS ->
		d_step {
			if
			:: evict[n] ->
				touch(n);
				evict[n] = ref[n] == 0
			:: else
			fi
		}
		n++
	:: else -> break
	od;
	n = 0;
	drop(resv)
}

/* Under the space's lock, where close looks, too. */
inline map(b)
{
	d_step {
		if
#ifdef MAP_AFTER_CLOSE
		:: mapping == NONE ->
#else
		:: mapping == NONE && !closed ->
#endif
			touch(b);
			assert(ref[b] > 0);
			ref[b]++;
			mapping = b
		:: else
		fi
	}
}

proctype user(byte me)
{
	byte b = NONE, new, k, n, tried, zombies;
	bool got, last;

	if
	:: find(b)
	:: obtain(b)
	fi;
	if
	:: true
	:: evict_all()
	:: validate()
	:: cleanup()
	:: b != NONE -> map(b)
	fi;
	gem_put();
	if
	:: b != NONE -> put(b)
	:: b != NONE -> put_deferred(b)
	:: else
	fi;
	finished++
}

/* gpuvm_vm_close(), and cleanup when all are done. */
proctype owner(byte me)
{
	byte b = NONE, k, n, zombies;
	bool last;

	closed = true;
	cleanup();
	d_step { b = mapping; mapping = NONE }
	if
	:: b != NONE -> put_deferred(b)
	:: else
	fi;
	cleanup();
	finished == USERS;
	cleanup();
	d_step {
		assert(gem_gone && mapping == NONE);
		do
		:: k < BOS ->
			assert(state[k] == UNUSED || state[k] == GONE);
			assert(!listed[k] && !evict[k]);
			k++
		:: else -> break
		od
	}
}

init {
	byte i;

	d_step {
		gem_ref = USERS;
		do
		:: i < USERS -> lived[i] = NONE; i++
		:: else -> break
		od;
		i = 0
	}
	atomic {
		if
		:: true
		:: d_step { state[0] = LIVE; ref[0] = 1; listed[0] = true; mapping = 0; gem_ref++ }
		fi;
		do
		:: i < USERS -> run user(i); i++
		:: else -> break
		od;
		run owner(OWNER)
	}
}
