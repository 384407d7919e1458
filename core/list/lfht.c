/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lfht.c - list:lfht, liburcu's own lock-free hash table (cds_lfht), one per GEM object.
 *
 * Finding, registering and iterating take no lock. A mutex is left for 1 -> 0 alone, because the contract of the ref axis
 * wants last puts one at a time. The table is told its size: left to resize itself it measured 2.5-3 times slower, so it
 * has neither CDS_LFHT_AUTO_RESIZE nor accounting; we count the bos and ask for four times the buckets when there are more
 * bos than buckets.
 *
 *   F1  The table holds no two nodes of one VM that are not removed (cds_lfht_add_unique), and a live bo's node is never
 *       removed. So at most one bo of a pair is live (I2).
 *   F2  A bo in the table may have died: its count decides (ref_get_unless_zero). Its memory stays until the read section
 *       ends. A hit takes effect at its get.
 *   F3  obtain() that meets a dead one removes it itself, as the putter is about to, and tries again: adding never waits.
 *       Only one of the two removals does anything. A miss of obtain() takes effect at the successful add.
 *   F4  put(): 1 -> 0 and the removal are one critical section. In between the bo is still in the table but dead, and by F2
 *       and F3 nobody can tell (I3, L3).
 *   F5  A find that misses met no live bo of the pair. cds_lfht_lookup() finds a node that is in the table throughout, also
 *       while buckets are added, so if one was live at first it died, and the find takes effect after that (L1).
 *   F6  Nodes are in the order of their bit-reversed hashes, which never changes: an iteration that looks its last bo up
 *       again and goes on from there meets each one that stays once (L5).
 *
 * The table's memory comes from the C library, not from the alloc axis, and without memory for more buckets liburcu aborts.
 * Its atomics are inline assembly: what an add publishes and a lookup finds is stated for ThreadSanitizer (liburcu documents
 * the barriers); the deterministic scheduler cannot look inside, there this strategy answers -ENOTSUP.
 *
 * Teaches: what a general lock-free table costs against one that knows its job (list:rcu_hash).
 */
#include "list.h"
#include "../ref/ref.h"

#ifndef GPUVM_SCHED
#include <urcu/rculfhash.h>

#define FIRST_BUCKETS 4ul

struct state {
	struct cds_lfht *table; /* constant */
	alignas(GPUVM__LINE) struct gpuvm__mutex lock; /* last puts */
	_Atomic unsigned long live; /* bos in the table */
	_Atomic unsigned long buckets; /* asked for */
};

static struct state *state_of(struct gpuvm_gem *gem)
{
	return GPUVM__LIST_STATE(struct state, gem);
}

static struct cds_lfht_node *node_of(struct gpuvm_bo *bo)
{
	return GPUVM__LIST_STATE(struct cds_lfht_node, bo);
}

static struct gpuvm_bo *bo_of(struct cds_lfht_node *node)
{
	return container_of((char *)node, struct gpuvm_bo, list_state);
}

static int init(struct gpuvm_gem *gem)
{
	struct state *s = state_of(gem);

	s->table = cds_lfht_new(FIRST_BUCKETS, FIRST_BUCKETS, 0, 0, NULL);
	if (!s->table)
		return -ENOMEM;
	gpuvm__mutex_init(&s->lock);
	atomic_init(&s->buckets, FIRST_BUCKETS);
	return 0;
}

static void fini(struct gpuvm_gem *gem)
{
	int ret = cds_lfht_destroy(state_of(gem)->table, NULL);

	GPUVM__BUG_ON(ret); /* not empty */
	(void)ret;
	gpuvm__mutex_fini(&state_of(gem)->lock);
}

/* The table takes the low bits; a pointer's say nothing. */
static inline unsigned long hash(const struct gpuvm_vm *vm)
{
	uint64_t h = (uint64_t)(uintptr_t)vm * 0x9e3779b97f4a7c15ull;

	return h ^ h >> 32;
}

static int match(struct cds_lfht_node *node, const void *vm)
{
	gpuvm__tsan_acquire(node);
	if (likely(bo_of(node)->vm == vm))
		return true;
	gpuvm__count(LIST_STEPS);
	return false;
}

static inline struct gpuvm_bo *look(struct state *s, struct gpuvm_vm *vm, struct cds_lfht_iter *iter)
{
	struct cds_lfht_node *node;

	race_point();
	cds_lfht_lookup(s->table, hash(vm), match, vm, iter);
	node = cds_lfht_iter_get_node(iter);
	return node ? bo_of(node) : NULL;
}

static __always_inline struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct cds_lfht_iter iter;
	struct gpuvm_bo *bo;

	gpuvm__read_lock();
	bo = look(state_of(gem), vm, &iter);
	if (bo && unlikely(!ref_get_unless_zero(bo))) /* F2 */
		bo = NULL;
	gpuvm__read_unlock();
	if (likely(bo))
		gpuvm__count(LIST_FAST);
	return bo;
}

static int lookup(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	return gpuvm__looked_up(vm, gem, find(gem, vm), out);
}

/* @bo, now registered, or the older one with a reference; NULL: it met a dead one, try again. */
static struct gpuvm_bo *try_add(struct state *s, struct gpuvm_bo *bo)
{
	struct cds_lfht_node *got;
	struct gpuvm_bo *old;

	gpuvm__read_lock();
	gpuvm__tsan_release(node_of(bo));
	race_point();
	got = cds_lfht_add_unique(s->table, hash(bo->vm), match, bo->vm, node_of(bo));
	old = bo_of(got);
	if (old != bo && unlikely(!ref_get_unless_zero(old))) {
		cds_lfht_del(s->table, got); /* F3 */
		old = NULL;
	}
	gpuvm__read_unlock();
	return old;
}

/* Outside the read section, as liburcu wants it. One thread asks for each size. */
static void count_in(struct state *s)
{
	unsigned long live = gpuvm__fetch_add(&s->live, 1, relaxed) + 1;
	unsigned long buckets = gpuvm__load(&s->buckets, relaxed);

	if (likely(live <= buckets) || !gpuvm__cas(&s->buckets, &buckets, 4 * buckets, relaxed))
		return;
	cds_lfht_resize(s->table, 4 * buckets);
	gpuvm__count(LIST_GROW);
}

static struct gpuvm_bo *obtain(struct gpuvm_bo *bo)
{
	struct state *s = state_of(bo->gem);
	struct gpuvm_bo *got;

	gpuvm__state_set(bo, GPUVM__LIVE); /* it may be seen before add returns */
	do
		got = try_add(s, bo);
	while (unlikely(!got));
	if (got == bo)
		count_in(s);
	else
		gpuvm__state_set(bo, GPUVM__ALLOC); /* nobody saw it */
	return got;
}

static void lock(struct state *s)
{
	gpuvm__mutex_lock(&s->lock, GPUVM__LOCK_LIST);
	gpuvm__count(LIST_LOCK);
}

static void unlock(struct state *s)
{
	gpuvm__mutex_unlock(&s->lock);
}

static void remove_locked(struct state *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	gpuvm__state_set(bo, GPUVM__ZOMBIE);
	gpuvm__read_lock();
	race_point();
	cds_lfht_del(s->table, node_of(bo)); /* -ENOENT: an obtain was faster (F3) */
	gpuvm__read_unlock();
	gpuvm__fetch_sub(&s->live, 1, relaxed);
}

static bool put(struct gpuvm_bo *bo, gpuvm__bury_fn bury)
{
	struct state *s;
	bool last;

	if (likely(ref_put_not_last(bo)))
		return false;
	s = state_of(bo->gem);
	lock(s);
	last = ref_put_locked(bo);
	if (last)
		remove_locked(s, bo); /* F4 */
	unlock(s);
	return last && bury(bo);
}

/* The bo that @iter stands on, or NULL at the end. */
static struct gpuvm_bo *here(struct cds_lfht_iter *iter)
{
	struct cds_lfht_node *node = cds_lfht_iter_get_node(iter);

	gpuvm__tsan_acquire(node);
	return node ? bo_of(node) : NULL;
}

/* F6 */
static struct gpuvm_bo *next(struct gpuvm_gem *gem, struct gpuvm_bo *prev)
{
	struct state *s = state_of(gem);
	struct cds_lfht_iter iter;
	struct gpuvm_bo *bo;

	gpuvm__read_lock();
	if (prev) {
		look(s, prev->vm, &iter); /* live: it is there */
		cds_lfht_next(s->table, &iter);
	} else {
		cds_lfht_first(s->table, &iter);
	}
	while ((bo = here(&iter)) && !ref_get_unless_zero(bo)) /* F2 */
		cds_lfht_next(s->table, &iter);
	gpuvm__read_unlock();
	return bo;
}

/* Under the lock no bo dies, and dead ones are gone. */
static void walk(struct gpuvm_gem *gem, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg)
{
	struct state *s = state_of(gem);
	struct cds_lfht_iter iter;
	struct gpuvm_bo *bo;

	lock(s);
	gpuvm__read_lock();
	for (cds_lfht_first(s->table, &iter); (bo = here(&iter)); cds_lfht_next(s->table, &iter))
		fn(bo, arg);
	gpuvm__read_unlock();
	unlock(s);
}
#endif /* !GPUVM_SCHED */

GPUVM__LIST_OPS(lfht) = {
	.name = "lfht",
	.ref = GPUVM__STR(GPUVM_REF),
	.rcu = true,
#ifndef GPUVM_SCHED
	.gem_bytes = sizeof(struct state),
	.bo_bytes = sizeof(struct cds_lfht_node),
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
#endif
};
