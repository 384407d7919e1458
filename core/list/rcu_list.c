/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rcu_list.c - list:rcu_list, a linked list that finds and iterations walk under RCU, without a lock; whoever registers or
 * drops a bo takes a mutex.
 *
 *   C1  Forward pointers are written under the lock, with release, and followed with acquire: who reaches a bo sees it whole.
 *       A bo is added at the end, and its forward pointer is not touched when it leaves: a reader that stands on it goes on
 *       to what was behind it.
 *   C2  So, whatever comes and goes, a reader meets every bo that stays on the list from its first step on: that one is
 *       behind each bo the reader can stand on before it. A find whose bo is live throughout finds it (L1), an iteration
 *       visits it once, as nothing ever moves forward (L5).
 *   C3  What a reader meets may have died: its count decides (ref_get_unless_zero), and dead means unlinked or about to be,
 *       in the critical section that made it so (I3). Its memory stays until the read section ends. A hit takes effect at
 *       its get.
 *   C4  A find that misses met no live bo of the pair, so by C2 none was live throughout: it takes effect at its first step,
 *       or between the death of the one and the registration of the next, which are both inside the call.
 *   C5  obtain() looks and adds under the lock (L2), put() takes 1 -> 0 and unlinks under it (L3).
 *
 * Teaches: RCU takes away the lock, not the walk: a hit costs nothing to share and still 4096 steps at 4096 VMs.
 */
#include "list.h"
#include "../ref/ref.h"

struct link {
	_Atomic(struct gpuvm_bo *) next; /* readers (C1) */
	_Atomic(struct gpuvm_bo *) *pprev; /* the word that points here; under lock */
};

struct state {
	_Atomic(struct gpuvm_bo *) first; /* readers (C1) */
	alignas(GPUVM__LINE) struct gpuvm__mutex lock;
	_Atomic(struct gpuvm_bo *) *end; /* the word that holds the NULL at the end; under lock */
};

static struct state *state_of(struct gpuvm_gem *gem)
{
	return GPUVM__LIST_STATE(struct state, gem);
}

static struct link *link_of(struct gpuvm_bo *bo)
{
	return GPUVM__LIST_STATE(struct link, bo);
}

static int init(struct gpuvm_gem *gem)
{
	struct state *s = state_of(gem);

	atomic_init(&s->first, NULL);
	s->end = &s->first;
	gpuvm__mutex_init(&s->lock);
	return 0;
}

static void fini(struct gpuvm_gem *gem)
{
	GPUVM__BUG_ON(state_of(gem)->end != &state_of(gem)->first);
	gpuvm__mutex_fini(&state_of(gem)->lock);
}

static void lock(struct gpuvm_gem *gem)
{
	gpuvm__mutex_lock(&state_of(gem)->lock, GPUVM__LOCK_LIST);
	gpuvm__count(LIST_LOCK);
}

static void unlock(struct gpuvm_gem *gem)
{
	gpuvm__mutex_unlock(&state_of(gem)->lock);
}

/* The first of @vm from @word on; it may be dying. In a read section, or under the lock. */
static struct gpuvm_bo *search(_Atomic(struct gpuvm_bo *) *word, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;
	unsigned int steps = 0;

	while ((bo = gpuvm__load(word, acquire))) { /* C1 */
		if (bo->vm == vm)
			break;
		steps++;
		word = &link_of(bo)->next;
	}
	gpuvm__count_n(GPUVM_STAT_LIST_STEPS, steps);
	return bo;
}

static __always_inline struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;

	gpuvm__read_lock();
	bo = search(&state_of(gem)->first, vm);
	while (bo && unlikely(!ref_get_unless_zero(bo))) /* C3; the next of the pair may be there already */
		bo = search(&link_of(bo)->next, vm);
	gpuvm__read_unlock();
	if (likely(bo))
		gpuvm__count(LIST_FAST);
	return bo;
}

static int lookup(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	return gpuvm__looked_up(vm, gem, find(gem, vm), out);
}

static void add_locked(struct state *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	struct link *l = link_of(bo);

	gpuvm__state_set(bo, GPUVM__LIVE);
	gpuvm__store(&l->next, NULL, relaxed);
	l->pprev = s->end;
	gpuvm__store(s->end, bo, release); /* C1 */
	s->end = &l->next;
}

static void remove_locked(struct state *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	struct link *l = link_of(bo);
	struct gpuvm_bo *after = gpuvm__load(&l->next, relaxed);

	gpuvm__state_set(bo, GPUVM__ZOMBIE);
	gpuvm__store(l->pprev, after, release);
	if (after)
		link_of(after)->pprev = l->pprev;
	else
		s->end = l->pprev;
	if (GPUVM_PLANT(next_cleared))
		gpuvm__store(&l->next, NULL, relaxed);
}

static struct gpuvm_bo *obtain(struct gpuvm_bo *bo)
{
	struct gpuvm_gem *gem = bo->gem;
	struct gpuvm_bo *old;

	lock(gem);
	old = search(&state_of(gem)->first, bo->vm);
	if (old)
		ref_get(old); /* on the list, under the lock: live (C5) */
	else
		add_locked(state_of(gem), bo);
	unlock(gem);
	return old ? old : bo;
}

static bool put(struct gpuvm_bo *bo, gpuvm__bury_fn bury)
{
	struct gpuvm_gem *gem;
	bool last;

	if (likely(ref_put_not_last(bo)))
		return false;
	gem = bo->gem;
	lock(gem);
	last = ref_put_locked(bo);
	if (last)
		remove_locked(state_of(gem), bo);
	unlock(gem);
	return last && bury(bo);
}

/* prev is live, so on the list: what is behind it is behind it now. */
static struct gpuvm_bo *next(struct gpuvm_gem *gem, struct gpuvm_bo *prev)
{
	struct gpuvm_bo *bo;

	gpuvm__read_lock();
	bo = gpuvm__load(prev ? &link_of(prev)->next : &state_of(gem)->first, acquire);
	while (bo && !ref_get_unless_zero(bo)) /* C3 */
		bo = gpuvm__load(&link_of(bo)->next, acquire);
	gpuvm__read_unlock();
	return bo;
}

/* Under the lock: @fn wants bos that stay live while it runs. */
static void walk(struct gpuvm_gem *gem, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg)
{
	struct gpuvm_bo *bo;

	lock(gem);
	for (bo = gpuvm__load(&state_of(gem)->first, relaxed); bo; bo = gpuvm__load(&link_of(bo)->next, relaxed))
		fn(bo, arg);
	unlock(gem);
}

GPUVM__LIST_OPS(rcu_list) = {
	.name = "rcu_list",
	.ref = GPUVM__STR(GPUVM_REF),
	.gem_bytes = sizeof(struct state),
	.bo_bytes = sizeof(struct link),
	.rcu = true,
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
