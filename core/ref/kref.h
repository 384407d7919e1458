/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kref.h - ref:kref, what Linux does: one word, compare-and-swap where zero matters.
 *
 * Source: Linux kref and refcount_t (kref_get_unless_zero, refcount_dec_not_one). Teaches what a compare-and-swap loop
 * costs on a hot bo: each failed attempt moves the line once more.
 */
#ifndef GPUVM_CORE_REF_KREF_H
#define GPUVM_CORE_REF_KREF_H

static inline void ref_init(struct gpuvm_bo *bo)
{
	atomic_init(&bo->ref, 1);
}

static inline bool ref_alive(struct gpuvm_bo *bo)
{
	return gpuvm__load(&bo->ref, relaxed) != 0;
}

/* Relaxed: the caller's own reference, or the list's lock, orders everything already. */
static inline void ref_get(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_add(&bo->ref, 1, relaxed);

	(void)old;
	GPUVM__BUG_ON(old == 0);
}

/* Acquire pairs with the release in the puts, as for any lock. */
static inline bool ref_get_unless_zero(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__load(&bo->ref, relaxed);

	while (old != 0 || GPUVM_PLANT(get_revives)) {
		if (likely(gpuvm__cas(&bo->ref, &old, old + 1, acquire)))
			return true;
		gpuvm__count(REF_RETRY);
	}
	return false;
}

/* Release: what was done under this reference happens before the last put (R2). */
static inline bool ref_put_not_last(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__load(&bo->ref, relaxed);

	while (old != 1 || GPUVM_PLANT(last_put_unlocked)) {
		GPUVM__BUG_ON(old == 0);
		if (likely(gpuvm__cas(&bo->ref, &old, old - 1, release)))
			return true;
		gpuvm__count(REF_RETRY);
	}
	return false;
}

/* What ref_put_not_last() did not drop. acq_rel: R2. */
static inline bool ref_put_locked(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_sub(&bo->ref, 1, acq_rel);

	GPUVM__BUG_ON(old == 0);
	return old == 1;
}

#endif /* GPUVM_CORE_REF_KREF_H */
