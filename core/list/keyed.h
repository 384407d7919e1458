/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * keyed.h - KEYED slots (maybe 0) of a VM and its bo, next to each other: readers compare keys under RCU, writers hold a lock
 * of the caller's.
 *
 *   Y1  A slot gets its bo first, then its key, with release; it loses the key first. A reader that found the key may find
 *       the slot's next bo: it looks at the bo's own key before it takes it.
 */
#ifndef GPUVM_CORE_LIST_KEYED_H
#define GPUVM_CORE_LIST_KEYED_H

#include "list.h"

struct keyed {
	struct {
		_Atomic(struct gpuvm_vm *) vm;
		_Atomic(struct gpuvm_bo *) bo;
	} slot[KEYED];
};

/* The pair's bo, dead or alive, or NULL; its slot is *@at. */
static __always_inline struct gpuvm_bo *keyed_find(struct keyed *k, const struct gpuvm_vm *vm, int *at)
{
	struct gpuvm_bo *bo;

#pragma GCC unroll 8
	for (*at = 0; *at < KEYED; ++*at) {
		if (gpuvm__load(&k->slot[*at].vm, acquire) != vm)
			continue;
		bo = gpuvm__load(&k->slot[*at].bo, acquire);
		if (likely(bo && bo->vm == vm))
			return bo; /* Y1 */
	}
	return NULL;
}

/* The first slot without a key, or KEYED. */
static inline int keyed_free(struct keyed *k) __must_hold(lock)
{
	int i = 0;

	while (i < KEYED && gpuvm__load(&k->slot[i].vm, relaxed))
		i++;
	return i;
}

static inline bool keyed_full(struct keyed *k) __must_hold(lock)
{
	return keyed_free(k) == KEYED;
}

/* False: no slot is free. */
static inline bool keyed_put(struct keyed *k, struct gpuvm_bo *bo) __must_hold(lock)
{
	int i = keyed_free(k);

	if (i == KEYED)
		return false;
	gpuvm__store(&k->slot[i].bo, bo, release); /* Y1 */
	gpuvm__store(&k->slot[i].vm, bo->vm, release);
	return true;
}

/* False: it is in none. */
static inline bool keyed_empty(struct keyed *k, struct gpuvm_bo *bo) __must_hold(lock)
{
	int i;

	if (!keyed_find(k, bo->vm, &i))
		return false;
	gpuvm__store(&k->slot[i].vm, NULL, release); /* Y1 */
	gpuvm__store(&k->slot[i].bo, NULL, release);
	return true;
}

#endif /* GPUVM_CORE_LIST_KEYED_H */
