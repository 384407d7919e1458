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
 *   L2  obtain() registers @bo (state alloc, I1) unless one of the same pair is live, which is then returned with a
 *       reference, @bo left alone. Two racing calls return the same bo. It never fails. Setting the debug state LIVE is
 *       its job, at the linearisation point.
 *   L3  put() drops a reference: ref_put_not_last() and, if that returns false, ref_put_locked() under the lock. Dying
 *       (ref_put_locked() returned true) and leaving the list are one critical section (I3); put() returns true then, and
 *       else touches the bo no more.
 *   L4  I5: nothing is allocated, freed or called back under its lock. Index memory is taken before it, freed after it.
 *   L5  next() visits every bo that is registered throughout the walk exactly once.
 *   L6  va_lock() excludes everyone who changes bo->vas.
 *   L7  In staged mode (gem->mode) the caller holds the GEM's reservation around every call but a find with RCU readers.
 */
#ifndef GPUVM_CORE_LIST_LIST_H
#define GPUVM_CORE_LIST_LIST_H

#include "../objects.h"

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

	int (*init)(struct gpuvm_gem *gem); /* 0 or -ENOMEM; its state is zeroed, the rest of the object not yet filled in */
	void (*fini)(struct gpuvm_gem *gem);
	struct gpuvm_bo *(*find)(struct gpuvm_gem *gem, struct gpuvm_vm *vm);
	struct gpuvm_bo *(*obtain)(struct gpuvm_bo *bo);
	bool (*put)(struct gpuvm_bo *bo);
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
