/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mutex.c - list:mutex, what Linux does: one linked list per GEM object, searched and changed under the GEM lock.
 *
 * The GEM lock is a mutex of the list in immediate mode (upstream: gem->gpuva.lock) and the GEM's reservation, held by the
 * caller, in staged mode: then this file takes no lock at all, as upstream's obtain_locked(). The same lock guards the
 * mappings of every bo on the list.
 *
 * Copy this file to add a strategy. Teaches: finding costs a walk over all VMs that share the object, with everybody
 * else locked out.
 */
#include "chain.h"

struct state {
	struct gpuvm__mutex lock; /* immediate mode */
	struct gpuvm__node bos; /* by registration */
};

static struct state *state_of(struct gpuvm_gem *gem)
{
	return GPUVM__LIST_STATE(struct state, gem);
}

static int init(struct gpuvm_gem *gem)
{
	gpuvm__mutex_init(&state_of(gem)->lock);
	gpuvm__node_init(&state_of(gem)->bos);
	return 0;
}

static void fini(struct gpuvm_gem *gem)
{
	GPUVM__BUG_ON(!gpuvm__node_alone(&state_of(gem)->bos));
	gpuvm__mutex_fini(&state_of(gem)->lock);
}

/*
 * No pair was ever made: nothing to find, and the mode, which says what lock() takes, is not decided. It could be between
 * lock() and unlock(), which would then leave the mutex locked.
 */
static bool untouched(struct gpuvm_gem *gem)
{
	return gpuvm__load(&gem->mode, relaxed) == GPUVM__MODE_UNSET;
}

static void lock(struct gpuvm_gem *gem)
{
	if (gpuvm__gem_staged(gem)) {
		gpuvm__assert_held(gem->resv);
		return;
	}
	gpuvm__mutex_lock(&state_of(gem)->lock, GPUVM__LOCK_LIST);
	gpuvm__count(LIST_LOCK);
}

static void unlock(struct gpuvm_gem *gem)
{
	if (!gpuvm__gem_staged(gem))
		gpuvm__mutex_unlock(&state_of(gem)->lock);
}

/* The pair's bo with a reference, or NULL. */
static struct gpuvm_bo *find_locked(struct gpuvm_gem *gem, struct gpuvm_vm *vm) __must_hold(lock)
{
	struct gpuvm_bo *bo = chain_find(&state_of(gem)->bos, vm);

	if (bo)
		ref_get(bo);
	return bo;
}

static __always_inline struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;

	if (unlikely(untouched(gem)) && !GPUVM_PLANT(mode_asked_twice))
		return NULL;
	lock(gem);
	if (GPUVM_PLANT(find_gets_unlocked)) {
		bo = chain_find(&state_of(gem)->bos, vm);
		unlock(gem);
		if (bo)
			ref_get(bo);
		return bo;
	}
	bo = find_locked(gem, vm);
	unlock(gem);
	if (bo)
		gpuvm__count(LIST_HIT);
	return bo;
}

static int lookup(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	return gpuvm__looked_up(vm, gem, find(gem, vm), out);
}

static struct gpuvm_bo *obtain(struct gpuvm_bo *bo)
{
	struct gpuvm_gem *gem = bo->gem;
	struct gpuvm_bo *old;

	lock(gem);
	old = GPUVM_PLANT(no_second_look) ? NULL : find_locked(gem, bo->vm);
	if (GPUVM_PLANT(loser_under_lock) && old)
		gpuvm_bo_alloc_destroy((struct gpuvm_bo_alloc *)bo);
	if (!old) {
		gpuvm__state_set(bo, GPUVM__LIVE);
		gpuvm__node_add_tail(chain_node(bo), &state_of(gem)->bos);
	}
	unlock(gem);
	return old ? old : bo;
}

static bool put(struct gpuvm_bo *bo, gpuvm__bury_fn bury)
{
	struct gpuvm_gem *gem = bo->gem;
	bool last;

	if (ref_put_not_last(bo))
		return false;
	lock(gem);
	last = ref_put_locked(bo);
	if (last) {
		gpuvm__state_set(bo, GPUVM__ZOMBIE);
		if (!GPUVM_PLANT(unlink_after_unlock))
			gpuvm__node_del(chain_node(bo));
		if (GPUVM_PLANT(defer_before_unlock) && !gpuvm__gem_staged(gem))
			gpuvm__plant_defer(bo);
		if (GPUVM_PLANT(gem_put_under_lock))
			gpuvm_gem_put(gem);
	}
	unlock(gem);
	if (GPUVM_PLANT(unlink_after_unlock) && last)
		gpuvm__node_del(chain_node(bo));
	if (GPUVM_PLANT(defer_before_unlock) && last && !gpuvm__gem_staged(gem))
		return true;
	return last && bury(bo);
}

static struct gpuvm_bo *next(struct gpuvm_gem *gem, struct gpuvm_bo *prev)
{
	struct gpuvm_bo *bo;

	if (unlikely(untouched(gem)))
		return NULL;
	lock(gem);
	bo = chain_next(&state_of(gem)->bos, prev);
	unlock(gem);
	return bo;
}

static void walk(struct gpuvm_gem *gem, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg)
{
	if (unlikely(untouched(gem)))
		return;
	lock(gem);
	chain_walk(&state_of(gem)->bos, fn, arg);
	unlock(gem);
}

static void va_lock(struct gpuvm_bo *bo)
{
	lock(bo->gem);
}

static void va_unlock(struct gpuvm_bo *bo)
{
	unlock(bo->gem);
}

GPUVM__LIST_OPS(mutex) = {
	.name = "mutex",
	.ref = GPUVM__STR(GPUVM_REF),
	.gem_bytes = sizeof(struct state),
	.init = init,
	.fini = fini,
	.find = find,
	.lookup = lookup,
	.obtain = obtain,
	.put = put,
	.next = next,
	.walk = walk,
	.va_lock = va_lock,
	.va_unlock = va_unlock,
};
