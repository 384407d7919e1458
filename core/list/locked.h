/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * locked.h - the body of every strategy that is "a linked list under a lock": the file that includes it names the lock.
 *
 *   LOCK_TYPE                  the lock
 *   LOCK_CTX                   what one acquisition must remember until it unlocks; struct gpuvm__no_ctx if nothing
 *   LOCK_INIT(l), LOCK_FINI(l)
 *   WRITE_LOCK(l, c), WRITE_UNLOCK(l, c)
 *   READ_LOCK(l, c)            among readers; true if it went without writing the lock. Default: the writer's, false
 *   READ_UNLOCK(l, c)
 *   READ_SHARED                1: a reader that did write the lock shares it with others. Default: 0
 *
 * The strategy is list/mutex.c's: bos in order of registration, a find walks. Unlike there the list has this lock in both
 * modes (in staged mode the caller's reservation makes it uncontended, L7), and the mappings of a bo have a lock of their
 * own, so what is measured is the lock and the walk.
 *
 *   K1  The chain is changed by who holds the lock as a writer, looked at by who holds it at all.
 *   K2  1 -> 0 happens under the writer's lock, together with leaving the chain: what a reader finds on the chain is live and
 *       stays so while the lock is held; a plain get suffices (L1, L3). A find takes effect at its get, a miss anywhere in
 *       its critical section.
 *   K3  obtain() looks and adds in one writer's section (L2): there it takes effect.
 *   K4  prev is live by the caller's reference, so it is on the chain when next() looks; what was registered before it is
 *       in front of it, what stays registered behind it keeps its place (L5).
 */
#ifndef GPUVM_CORE_LIST_LOCKED_H
#define GPUVM_CORE_LIST_LOCKED_H

#include "chain.h"

#ifndef READ_LOCK
#define READ_LOCK(l, c) (WRITE_LOCK(l, c), false)
#define READ_UNLOCK(l, c) WRITE_UNLOCK(l, c)
#endif
#ifndef READ_SHARED
#define READ_SHARED 0
#endif

struct state {
	LOCK_TYPE lock;
	struct gpuvm__node bos; /* by registration (K1) */
};

static struct state *state_of(struct gpuvm_gem *gem)
{
	return GPUVM__LIST_STATE(struct state, gem);
}

static int init(struct gpuvm_gem *gem)
{
	LOCK_INIT(&state_of(gem)->lock);
	gpuvm__node_init(&state_of(gem)->bos);
	return 0;
}

static void fini(struct gpuvm_gem *gem)
{
	GPUVM__BUG_ON(!gpuvm__node_alone(&state_of(gem)->bos));
	LOCK_FINI(&state_of(gem)->lock);
}

static inline void write_lock(struct state *s, LOCK_CTX *ctx)
{
	(void)ctx;
	WRITE_LOCK(&s->lock, ctx);
	gpuvm__count(LIST_LOCK);
}

static inline void write_unlock(struct state *s, LOCK_CTX *ctx)
{
	(void)ctx;
	WRITE_UNLOCK(&s->lock, ctx);
}

/* True if the lock was not written. */
static inline bool read_lock(struct state *s, LOCK_CTX *ctx)
{
	(void)ctx;
	if (READ_LOCK(&s->lock, ctx))
		return true;
	gpuvm__count(LIST_LOCK);
	if (READ_SHARED)
		gpuvm__count(LIST_SHARED);
	return false;
}

static inline void read_unlock(struct state *s, LOCK_CTX *ctx)
{
	(void)ctx;
	READ_UNLOCK(&s->lock, ctx);
}

/* The pair's bo with a reference, or NULL. */
static struct gpuvm_bo *find_locked(struct state *s, struct gpuvm_vm *vm) __must_hold(lock)
{
	struct gpuvm_bo *bo = chain_find(&s->bos, vm);

	if (bo)
		ref_get(bo); /* K2 */
	return bo;
}

static __always_inline struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct state *s = state_of(gem);
	struct gpuvm_bo *bo;
	LOCK_CTX ctx;
	bool fast;

	fast = read_lock(s, &ctx);
	bo = find_locked(s, vm);
	read_unlock(s, &ctx);
	if (likely(bo))
		gpuvm__count_n(fast ? GPUVM_STAT_LIST_FAST : GPUVM_STAT_LIST_HIT, 1);
	return bo;
}

static int lookup(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	return gpuvm__looked_up(vm, gem, find(gem, vm), out);
}

static struct gpuvm_bo *obtain(struct gpuvm_bo *bo)
{
	struct state *s = state_of(bo->gem);
	struct gpuvm_bo *old;
	LOCK_CTX ctx;

	write_lock(s, &ctx);
	old = find_locked(s, bo->vm);
	if (!old) {
		gpuvm__state_set(bo, GPUVM__LIVE);
		gpuvm__node_add_tail(chain_node(bo), &s->bos);
	}
	write_unlock(s, &ctx);
	return old ? old : bo;
}

static bool put(struct gpuvm_bo *bo, gpuvm__bury_fn bury)
{
	struct state *s;
	LOCK_CTX ctx;
	bool last;

	if (likely(ref_put_not_last(bo)))
		return false;
	s = state_of(bo->gem);
	write_lock(s, &ctx);
	last = ref_put_locked(bo);
	if (last) {
		gpuvm__state_set(bo, GPUVM__ZOMBIE);
		gpuvm__node_del(chain_node(bo));
	}
	write_unlock(s, &ctx);
	return last && bury(bo);
}

static struct gpuvm_bo *next(struct gpuvm_gem *gem, struct gpuvm_bo *prev)
{
	struct state *s = state_of(gem);
	struct gpuvm_bo *bo;
	LOCK_CTX ctx;

	read_lock(s, &ctx);
	bo = chain_next(&s->bos, prev);
	read_unlock(s, &ctx);
	return bo;
}

static void walk(struct gpuvm_gem *gem, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg)
{
	struct state *s = state_of(gem);
	LOCK_CTX ctx;

	read_lock(s, &ctx);
	chain_walk(&s->bos, fn, arg);
	read_unlock(s, &ctx);
}

/* clang-format off */
#define LOCKED_OPS(list)                                         \
	{                                                        \
		.name = #list, .ref = GPUVM__STR(GPUVM_REF),     \
		.gem_bytes = sizeof(struct state),               \
		.init = init, .fini = fini,                      \
		.find = find, .lookup = lookup,                  \
		.obtain = obtain, .put = put,                    \
		.next = next, .walk = walk,                      \
		.va_lock = gpuvm__vas_spin_lock,                 \
		.va_unlock = gpuvm__vas_spin_unlock,             \
	}
/* clang-format on */

#endif /* GPUVM_CORE_LIST_LOCKED_H */
