/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * range.h - a lock of ranges: who holds [lo, hi) excludes exactly those who want a part of it. First come, first served.
 *
 * One word while there is one holder: a compare-and-swap in, one out, as FreeBSD's rangelock(9) starts as one word, and as
 * the fast path of Kogan, Dice and Issa, "Scalable Range Locks for Scalable Address Spaces and Beyond" (EuroSys '20).
 * From the moment that two meet there are lists of who holds and who waits, precise, until nobody holds anything again.
 * Theirs are lock-free and so need a grace period or epochs for each entry; ours stand under a spinlock of some ten
 * instructions, so that an entry lives on its owner's stack and nothing is allocated.
 *
 *   K1  word     head is 0: nobody holds anything; an entry: its owner holds it, alone, and nobody waits; LISTED: the lists
 *                have everybody. Only 0 -> own entry and own entry -> 0 happen without the spinlock.
 *   K2  disjoint The ranges on the list of holders do not overlap.
 *   K3  queue    A range waits if it overlaps a holder's or that of somebody who waits already; the list of those who wait
 *                is in order of arrival. So a range as wide as the VM is not passed for ever by narrow ones.
 *   K4  hand on  Who gives up a range makes holders of all whom nothing keeps waiting any more, in the same turn of the
 *                spinlock: the first of the queue never waits beside an empty list of holders.
 *   K5  entry    An entry belongs to its owner's stack: others touch it under the spinlock only, and only while head or a
 *                list has it.
 *   K6  sleep    granted is set under the spinlock, and then the sleepers are woken under the mutex under which they looked
 *                at it: none is missed.
 *   K7  orders   What was done under a range happens before what is done under the next one that overlaps it: release and
 *                acquire on head where no list is, else the spinlock, and release and acquire on granted.
 *
 * Waiting spins for a moment, then sleeps: a driver's callback may take a millisecond.
 */
#ifndef GPUVM_CORE_LOCKS_RANGE_H
#define GPUVM_CORE_LOCKS_RANGE_H

#include "../dlist.h"
#include "../sync.h"

/**
 * struct gpuvm__range - a range that is held or waited for; on its owner's stack
 * @entry: in one of the lists
 * @lo: first byte; the owner's, and under the spinlock once it is listed
 * @hi: end of it
 * @granted: who waits for it holds it now
 */
struct gpuvm__range {
	struct gpuvm__node entry;
	uint64_t lo, hi;
	_Atomic bool granted;
};

struct gpuvm__range_lock {
	_Atomic uintptr_t head;
	struct gpuvm__spin spin;
	struct gpuvm__node holders, waiters; /* K2, K3 */
	struct gpuvm__mutex sleep;
	struct gpuvm__cond wake;
};

void gpuvm__range_init(struct gpuvm__range_lock *l);
void gpuvm__range_fini(struct gpuvm__range_lock *l);
void gpuvm__range_lock_slow(struct gpuvm__range_lock *l, struct gpuvm__range *r);
void gpuvm__range_unlock_slow(struct gpuvm__range_lock *l, struct gpuvm__range *r);

/*
 * @r, which is held, shall be [@lo, @hi), which has all that it was. True: it is, and was held throughout. False: it is now,
 * but others were in the way; it was let go of meanwhile, and whatever it protects may have changed. (To wait for more
 * while holding some would be a deadlock with who does the same from the other side.) May sleep.
 */
bool gpuvm__range_widen(struct gpuvm__range_lock *l, struct gpuvm__range *r, uint64_t lo, uint64_t hi);

/* Hold [@lo, @hi); the caller holds nothing of @l. May sleep. */
static inline void gpuvm__range_lock(struct gpuvm__range_lock *l, struct gpuvm__range *r, uint64_t lo, uint64_t hi)
{
	uintptr_t nobody = 0;

	r->lo = lo;
	r->hi = hi;
	/* Acquire: K7. Release: whoever lists us reads the range. */
	if (unlikely(!gpuvm__cas(&l->head, &nobody, (uintptr_t)r, acq_rel)))
		gpuvm__range_lock_slow(l, r);
}

static inline void gpuvm__range_unlock(struct gpuvm__range_lock *l, struct gpuvm__range *r)
{
	uintptr_t me = (uintptr_t)r;

	if (GPUVM_PLANT(range_blind_unlock))
		gpuvm__store(&l->head, 0, release);
	else if (unlikely(!gpuvm__cas(&l->head, &me, 0, release)))
		gpuvm__range_unlock_slow(l, r);
}

#endif /* GPUVM_CORE_LOCKS_RANGE_H */
