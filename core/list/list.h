/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * list.h - the contract of the list axis: how one GEM object finds, registers and drops its bos.
 *
 * To add one: write core/list/NAME.c, add a line to catalogue.def. The file is compiled once per strategy of the ref
 * axis, whose inline functions it calls, so that no indirect call stands beside a 6 ns atomic. It ends in
 * GPUVM__LIST_OPS(NAME) = { ... }. list/mutex.c is the one to copy.
 *
 * What an implementation owes:
 *
 *   L1  find() returns the live bo of (vm, gem) with a reference, or NULL. A bo registered throughout the call is found.
 *       For each that it returns it counts one of LIST_INLINE, LIST_FAST (it took no lock) and LIST_HIT (it did).
 *   L2  obtain() registers @bo (state alloc, I1) unless one of the same pair is live, which is then returned with a
 *       reference, @bo left alone. Two racing calls return the same bo. It never fails. Setting the debug state LIVE is
 *       its job, at the linearisation point.
 *   L3  put() drops a reference: ref_put_not_last() and, if that returns false, ref_put_locked() under the lock. Dying
 *       (ref_put_locked() returned true) and leaving the list are one critical section (I3). After it, with the lock
 *       dropped, put() returns what @bury says of the zombie; else false, and touches the bo no more.
 *   L4  I5: nothing is allocated, freed or called back under its lock. Index memory is taken before it, freed after it.
 *   L5  next() visits every bo that is registered throughout the walk exactly once.
 *   L6  va_lock() excludes everyone who changes bo->vas.
 *   L7  In staged mode (gem->mode) the caller holds the GEM's reservation around every call but a find with RCU readers.
 */
#ifndef GPUVM_CORE_LIST_LIST_H
#define GPUVM_CORE_LIST_LIST_H

#include "../objects.h"

/* What becomes of a zombie; returns true. No list lock held. */
typedef bool (*gpuvm__bury_fn)(struct gpuvm_bo *zombie);

/**
 * struct gpuvm__list_ops - one list strategy, for one ref strategy
 * @name: as in catalogue.def
 * @ref: the ref it is compiled for
 * @gem_bytes: its state in each GEM object (at gem->list_state)
 * @bo_bytes: its state in each bo (at bo->list_state)
 * @rcu: has RCU readers
 *
 * A strategy that a build cannot run has no functions there: gpuvm_device_create() answers -ENOTSUP.
 */
struct gpuvm__list_ops {
	const char *name;
	const char *ref;
	size_t gem_bytes;
	size_t bo_bytes;
	bool rcu;

	/* 0 or -ENOMEM. Its state is zeroed, the rest of the object not yet filled in. */
	int (*init)(struct gpuvm_gem *gem);
	void (*fini)(struct gpuvm_gem *gem);
	struct gpuvm_bo *(*find)(struct gpuvm_gem *gem, struct gpuvm_vm *vm);
	/* gpuvm_obtain() from find() on: gpuvm__looked_up(), so that a hit is one call deep. */
	int (*lookup)(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out);
	struct gpuvm_bo *(*obtain)(struct gpuvm_bo *bo);
	bool (*put)(struct gpuvm_bo *bo, gpuvm__bury_fn bury);
	/* The bo after @prev (live, the caller's reference, not consumed), the first for NULL; with a reference. */
	struct gpuvm_bo *(*next)(struct gpuvm_gem *gem, struct gpuvm_bo *prev);
	/* @fn for each live bo; core functions only (I5), may take extobj and evict locks. */
	void (*walk)(struct gpuvm_gem *gem, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg);
	void (*va_lock)(struct gpuvm_bo *bo);
	void (*va_unlock)(struct gpuvm_bo *bo);
};

#define GPUVM__PASTE3_(a, b, c) a##b##__##c
#define GPUVM__PASTE3(a, b, c) GPUVM__PASTE3_(a, b, c)
#define GPUVM__STR_(x) #x
#define GPUVM__STR(x) GPUVM__STR_(x)

#ifdef GPUVM_REF
#define GPUVM__LIST_OPS(list) const struct gpuvm__list_ops GPUVM__PASTE3(gpuvm__list_, list, GPUVM_REF)
#endif

#define GPUVM__LIST_STATE(type, obj) ((type *)(obj)->list_state)

static inline bool gpuvm__gem_staged(struct gpuvm_gem *gem)
{
	return gpuvm__load(&gem->mode, relaxed) == GPUVM__MODE_STAGED;
}

/*
 * L7, asserted by the callers of the table, once for every strategy: one that has a lock of its own would not notice, and
 * the next one, or upstream, would break.
 */
#define gpuvm__list_guarded(gem) GPUVM__BUG_ON(gpuvm__gem_staged(gem) && !gpuvm__lock_held((gem)->resv))

/*
 * Is nothing left to do for a live bo's place on the extobj list? Asked always, also for a bo that another thread
 * registered: it may not have come to this line yet. A live bo never leaves that list, so one that is known to be on it
 * needs no lock. Acquire pairs with the release in gpuvm_bo_extobj_add().
 */
static __always_inline bool gpuvm__looked_up_settled(struct gpuvm_bo *bo)
{
	return gpuvm__load(&bo->extobj_settled, acquire) || GPUVM_PLANT(extobj_winner_only);
}

/* What gpuvm_obtain() makes of a find(): @bo, or NULL. */
static __always_inline int gpuvm__looked_up(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo *bo,
					    struct gpuvm_bo **out)
{
	if (unlikely(!bo))
		return gpuvm__obtain_miss(vm, gem, out);
	gpuvm__state_is(bo, GPUVM__LIVE);
	*out = bo;
	return likely(gpuvm__looked_up_settled(bo)) ? 0 : gpuvm__obtain_extobj(bo);
}

/* L6 for strategies without a better idea: the bo's own spinlock. */
static inline void gpuvm__vas_spin_lock(struct gpuvm_bo *bo)
{
	gpuvm__spin_lock(&bo->vas_lock, GPUVM__LOCK_VAS);
}

static inline void gpuvm__vas_spin_unlock(struct gpuvm_bo *bo)
{
	gpuvm__spin_unlock(&bo->vas_lock);
}

#endif /* GPUVM_CORE_LIST_LIST_H */
