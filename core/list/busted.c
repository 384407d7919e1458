/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * busted.c - list:busted, deliberately wrong: the stress suite must catch it, or it catches nothing.
 *
 * Two classic mistakes: obtain() looks before it locks and not again afterwards, so two threads can register two bos of
 * one pair (I2); find() takes a reference without asking whether the bo is still alive (0 -> 1). Never use it.
 */
#include "chain.h"

struct state {
	struct gpuvm__mutex lock;
	struct gpuvm__node bos;
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
	gpuvm__mutex_fini(&state_of(gem)->lock);
}

static void lock(struct gpuvm_gem *gem)
{
	gpuvm__mutex_lock(&state_of(gem)->lock, GPUVM__LOCK_LIST);
}

static void unlock(struct gpuvm_gem *gem)
{
	gpuvm__mutex_unlock(&state_of(gem)->lock);
}

static __always_inline struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;

	lock(gem);
	bo = chain_find(&state_of(gem)->bos, vm);
	unlock(gem);
	if (bo) {
		gpuvm__count(LIST_HIT);
		ref_get(bo); /* too late: it may have died */
	}
	return bo;
}

static int lookup(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	return gpuvm__looked_up(vm, gem, find(gem, vm), out);
}

static struct gpuvm_bo *obtain(struct gpuvm_bo *bo)
{
	struct gpuvm_bo *old = find(bo->gem, bo->vm);

	if (old)
		return old;
	race_point();
	lock(bo->gem); /* and no second look */
	gpuvm__state_set(bo, GPUVM__LIVE);
	gpuvm__node_add_tail(chain_node(bo), &state_of(bo->gem)->bos);
	unlock(bo->gem);
	return bo;
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
		gpuvm__node_del(chain_node(bo));
	}
	unlock(gem);
	return last && bury(bo);
}

static struct gpuvm_bo *next(struct gpuvm_gem *gem, struct gpuvm_bo *prev)
{
	struct gpuvm_bo *bo;

	lock(gem);
	bo = chain_next(&state_of(gem)->bos, prev);
	unlock(gem);
	return bo;
}

static void walk(struct gpuvm_gem *gem, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg)
{
	lock(gem);
	chain_walk(&state_of(gem)->bos, fn, arg);
	unlock(gem);
}

GPUVM__LIST_OPS(busted) = {
	.name = "busted",
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
	.va_lock = gpuvm__vas_spin_lock,
	.va_unlock = gpuvm__vas_spin_unlock,
};
