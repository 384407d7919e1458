/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rcuref.h - ref:rcuref, one fetch-add per get and one per put, no
 * compare-and-swap and no retry.
 *
 * Idea: Linux's rcuref (lib/rcuref.c): add first, look afterwards, and let a
 * zone of values mean "dead". Linux's put must not be preempted between its
 * subtraction and its slow path, because the object could be freed meanwhile;
 * here that would mean a read section around a put that then sleeps on the
 * list's lock. Instead the word also counts the puts that came to zero and have
 * not decided yet (deciders), and dying waits until there is only one:
 *
 *   bits 0-31    references
 *   bits 32-63   BIAS + marks; 0: dead
 *
 *   D1  A put whose subtraction finds 1 reference becomes a decider: it goes on
 * to ref_put_locked(). Until that is through, the bo cannot die by anyone
 * else's hand (D4), which is R4: no read section is needed. D2  A get that
 * finds 0 references and not dead has revived the bo while a decider is under
 * way. It adds a mark before it returns, so while it still holds its reference.
 *   D3  While references == 0: deciders = marks + 1. Each 1 -> 0 adds a
 * decider, each 0 -> 1 a mark; the mark may lag but not beyond the next 1 -> 0
 * (D2). While references > 0: deciders = marks + marks about to be added. D4
 * ref_put_locked() in one compare-and-swap: no references and no marks, so this
 * is the only decider: dead. Else it takes one mark away and leaves the
 * decision to whoever is, or will be, the last. (That mark may be one that is
 *       about to be added: hence the bias, so that the field never borrows.)
 *   D5  A get that finds the bo dead takes its addition back. Reaching a dead
 * bo's word at all is the caller's business (ref_get_unless_zero() in ref.h).
 *
 * Teaches: what a retry loop costs over plain additions on a hot bo, and that
 * optimism needs its loser counted.
 */
#ifndef GPUVM_CORE_REF_RCUREF_H
#define GPUVM_CORE_REF_RCUREF_H

#define REF_MARK (1ull << 32)
#define REF_BIAS (REF_MARK << 24) /* more than there can be threads */

static inline void ref_init(struct gpuvm_bo *bo)
{
	atomic_init(&bo->ref, REF_BIAS | 1);
}

static inline bool ref_is_dead(uint64_t word)
{
	return word < REF_MARK;
}

static inline bool ref_alive(struct gpuvm_bo *bo)
{
	return !ref_is_dead(gpuvm__load(&bo->ref, relaxed));
}

/* D2. Relaxed: the reference that this thread now holds keeps every decider
 * from concluding. */
static inline void ref_revived(struct gpuvm_bo *bo)
{
	race_point();
	gpuvm__fetch_add(&bo->ref, REF_MARK, relaxed);
	gpuvm__count(REF_SLOW);
}

/* Relaxed: the caller's own reference, or the list's lock, orders everything
 * already. */
static inline void ref_get(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_add(&bo->ref, 1, relaxed);

	GPUVM__BUG_ON(ref_is_dead(old));
	if (unlikely((uint32_t)old == 0))
		ref_revived(bo);
}

/* Acquire pairs with the release in the puts, as for any lock. */
static inline bool ref_get_unless_zero(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_add(&bo->ref, 1, acquire);

	if (likely((uint32_t)old != 0 && !ref_is_dead(old)))
		return true;
	if (!ref_is_dead(old)) {
		ref_revived(bo);
		return true;
	}
	gpuvm__fetch_sub(&bo->ref, 1, relaxed); /* D5 */
	return false;
}

/* D1. Release: what was done under this reference happens before the death
 * (R2). */
static inline bool ref_put_not_last(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_sub(&bo->ref, 1, release);

	GPUVM__BUG_ON(ref_is_dead(old) || (uint32_t)old == 0);
	return likely((uint32_t)old != 1);
}

/* D4. acq_rel: acquires every put's release (they are one release sequence, all
 * being read-modify-writes): R2. */
static inline bool ref_put_locked(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__load(&bo->ref, relaxed);

	for (;;) {
		bool last = old == REF_BIAS;

		GPUVM__BUG_ON(ref_is_dead(old));
		if (gpuvm__cas(&bo->ref, &old, last ? 0 : old - REF_MARK, acq_rel))
			return last;
		gpuvm__count(REF_RETRY);
	}
}

#endif /* GPUVM_CORE_REF_RCUREF_H */
