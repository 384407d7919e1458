/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rcuref.h - ref:rcuref, one fetch-add per get and one per put, no compare-and-swap and no retry (deciders.h).
 *
 * Teaches: what a retry loop costs over plain additions on a hot bo, and that an optimist's mistakes must be counted.
 */
#ifndef GPUVM_CORE_REF_RCUREF_H
#define GPUVM_CORE_REF_RCUREF_H

#include "deciders.h"

static inline void ref_init(struct gpuvm_bo *bo)
{
	deciders_init(bo);
}

static inline bool ref_alive(struct gpuvm_bo *bo)
{
	return !deciders_dead(gpuvm__load(&bo->ref, relaxed));
}

static inline void ref_get(struct gpuvm_bo *bo)
{
	deciders_get(bo);
}

/* No revival: all references are in the word, and there is the caller's, so what the addition found need not be looked at. */
static inline void rcuref_get_owned(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_add(&bo->ref, 1, relaxed);

	(void)old;
	GPUVM__BUG_ON(deciders_dead(old) || deciders_zero(old));
}
#define ref_get_owned rcuref_get_owned

static inline bool ref_get_unless_zero(struct gpuvm_bo *bo)
{
	return deciders_tryget(bo);
}

static inline bool ref_put_not_last(struct gpuvm_bo *bo)
{
	return deciders_put(bo);
}

static inline bool ref_put_locked(struct gpuvm_bo *bo)
{
	uint64_t word = gpuvm__load(&bo->ref, relaxed);
	bool dead;

	while (!deciders_decide(bo, &word, &dead))
		;
	return dead;
}

#endif /* GPUVM_CORE_REF_RCUREF_H */
