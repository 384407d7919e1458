/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sharded.c - list:sharded, a hash table in 16 shards, each with a spinlock of its own.
 *
 * A VM's bo is always in the shard that the VM's address hashes to, so two threads meet at a lock only if they work on the
 * same VM, or by chance (1 in 16). Each shard is one cache line: the lock, a chained hash table, and its bos in order of
 * registration. A find locks, looks at about two bos, and unlocks: two atomics more than list:rcu_hash, but nothing needs to
 * be retired.
 *
 *   S1  A shard is looked at and changed under its lock only; what is in it is live (I2): 1 -> 0 and leaving are one critical
 *       section (I3, L3), so a plain get suffices. A find takes effect at its get, a miss anywhere under the lock.
 *   S2  obtain() looks and adds under one lock, that of the pair's only possible shard (L2).
 *   S3  The chains grow when a larger table cannot be had: nothing fails, finding gets slower.
 *   S4  An iteration takes the shards one after the other, each in order of registration; a bo never changes its shard, so
 *       one that stays is met once (L5).
 *
 * Teaches: splitting a lock helps as far as the keys spread; one hot pair is as hot as before. Costs 1 KiB per GEM object.
 */
#include "chain.h"

#define SHARD_BITS 4
#define SHARDS (1u << SHARD_BITS)
#define FIRST_BUCKETS 2u
#define PER_BUCKET 2u /* bos, on average, before the table grows */

struct entry {
	struct gpuvm_bo *next; /* in its bucket */
};

struct table {
	struct gpuvm__obj obj;
	struct gpuvm_bo *bucket[];
};

/* All under lock. */
struct shard {
	alignas(GPUVM__LINE) struct gpuvm__spin lock;
	unsigned int live;
	unsigned int mask; /* buckets - 1 */
	struct gpuvm_bo **bucket; /* first, or a table's */
	struct gpuvm__node bos; /* by registration */
	struct gpuvm_bo *first[FIRST_BUCKETS];
};

struct state {
	struct shard shard[SHARDS];
};

static inline uint64_t hash(const struct gpuvm_vm *vm)
{
	return (uint64_t)(uintptr_t)vm * 0x9e3779b97f4a7c15ull;
}

static struct shard *shard_of(struct gpuvm_gem *gem, const struct gpuvm_vm *vm)
{
	return &GPUVM__LIST_STATE(struct state, gem)->shard[hash(vm) >> (64 - SHARD_BITS)];
}

/* Other bits than those that chose the shard. */
static inline unsigned int bucket_of(const struct shard *s, const struct gpuvm_vm *vm)
{
	return hash(vm) >> (32 - SHARD_BITS) & s->mask;
}

static struct entry *entry_of(struct gpuvm_bo *bo)
{
	return GPUVM__LIST_STATE(struct entry, bo);
}

static int init(struct gpuvm_gem *gem)
{
	struct shard *s = GPUVM__LIST_STATE(struct state, gem)->shard, *end = s + SHARDS;

	for (; s < end; s++) {
		gpuvm__spin_init(&s->lock);
		gpuvm__node_init(&s->bos);
		s->mask = FIRST_BUCKETS - 1;
		s->bucket = s->first;
	}
	return 0;
}

static struct table *table_of(struct shard *s)
{
	return s->bucket == s->first ? NULL : container_of(s->bucket, struct table, bucket);
}

static void fini(struct gpuvm_gem *gem)
{
	struct shard *s = GPUVM__LIST_STATE(struct state, gem)->shard, *end = s + SHARDS;

	for (; s < end; s++) {
		GPUVM__BUG_ON(!gpuvm__node_alone(&s->bos));
		if (table_of(s))
			gpuvm__obj_free(table_of(s));
	}
}

static void lock(struct shard *s)
{
	gpuvm__spin_lock(&s->lock, GPUVM__LOCK_LIST);
	gpuvm__count(LIST_LOCK);
}

static void unlock(struct shard *s)
{
	gpuvm__spin_unlock(&s->lock);
}

/* The pair's bo with a reference, or NULL. */
static struct gpuvm_bo *find_locked(struct shard *s, struct gpuvm_vm *vm) __must_hold(lock)
{
	struct gpuvm_bo *bo = s->bucket[bucket_of(s, vm)];
	unsigned int steps = 0;

	for (; bo && bo->vm != vm; bo = entry_of(bo)->next)
		steps++;
	gpuvm__count_n(GPUVM_STAT_LIST_STEPS, steps);
	if (bo)
		ref_get(bo); /* S1 */
	return bo;
}

static __always_inline struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct shard *s = shard_of(gem, vm);
	struct gpuvm_bo *bo;

	lock(s);
	bo = find_locked(s, vm);
	unlock(s);
	if (bo)
		gpuvm__count(LIST_HIT);
	return bo;
}

static int lookup(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	return gpuvm__looked_up(vm, gem, find(gem, vm), out);
}

static void push(struct shard *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	struct gpuvm_bo **head = &s->bucket[bucket_of(s, bo->vm)];

	entry_of(bo)->next = *head;
	*head = bo;
}

static bool crowded(const struct shard *s) __must_hold(lock)
{
	return s->live > PER_BUCKET * (s->mask + 1);
}

/* Put everything into @t. Returns what to free after the lock: the old table (may be NULL), or @t if it is not needed. */
static struct table *switch_table(struct shard *s, struct table *t, unsigned int mask) __must_hold(lock)
{
	struct table *old = table_of(s);
	struct gpuvm__node *pos;

	if (!crowded(s) || mask <= s->mask)
		return t;
	s->bucket = t->bucket;
	s->mask = mask;
	gpuvm__for_each_node(pos, &s->bos)
		push(s, chain_bo(pos));
	gpuvm__count(LIST_GROW);
	return old;
}

/* I5: memory is taken before the lock and given back after it. Without memory the chains stay long (S3). */
static void grow(struct gpuvm_gem *gem, struct shard *s, unsigned int mask)
{
	struct table *t;

	t = gpuvm__obj_alloc(gem->dev->alloc, GPUVM_TYPE_INDEX, sizeof(*t) + (mask + 1) * sizeof(t->bucket[0]), 16);
	if (!t)
		return;
	lock(s);
	t = switch_table(s, t, mask);
	unlock(s);
	if (t)
		gpuvm__obj_free(t);
}

static struct gpuvm_bo *obtain(struct gpuvm_bo *bo)
{
	struct gpuvm_gem *gem = bo->gem;
	struct shard *s = shard_of(gem, bo->vm);
	unsigned int want = 0;
	struct gpuvm_bo *old;

	lock(s);
	old = find_locked(s, bo->vm);
	if (!old) {
		gpuvm__state_set(bo, GPUVM__LIVE);
		gpuvm__node_add_tail(chain_node(bo), &s->bos);
		push(s, bo);
		s->live++;
		if (unlikely(crowded(s)))
			want = 4 * s->mask + 3; /* four times as many */
	}
	unlock(s);
	if (unlikely(want))
		grow(gem, s, want);
	return old ? old : bo;
}

static void unlink_locked(struct shard *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	struct gpuvm_bo **p = &s->bucket[bucket_of(s, bo->vm)];

	gpuvm__state_set(bo, GPUVM__ZOMBIE);
	while (*p != bo)
		p = &entry_of(*p)->next;
	*p = entry_of(bo)->next;
	gpuvm__node_del(chain_node(bo));
	s->live--;
}

static bool put(struct gpuvm_bo *bo, gpuvm__bury_fn bury)
{
	struct shard *s;
	bool last;

	if (likely(ref_put_not_last(bo)))
		return false;
	s = shard_of(bo->gem, bo->vm);
	lock(s);
	last = ref_put_locked(bo);
	if (last)
		unlink_locked(s, bo);
	unlock(s);
	return last && bury(bo);
}

/* S4 */
static struct gpuvm_bo *next(struct gpuvm_gem *gem, struct gpuvm_bo *prev)
{
	struct state *state = GPUVM__LIST_STATE(struct state, gem);
	struct shard *s = prev ? shard_of(gem, prev->vm) : state->shard;
	struct gpuvm_bo *bo = NULL;

	for (; !bo && s < state->shard + SHARDS; s++, prev = NULL) {
		lock(s);
		bo = chain_next(&s->bos, prev);
		unlock(s);
	}
	return bo;
}

static void walk(struct gpuvm_gem *gem, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg)
{
	struct shard *s = GPUVM__LIST_STATE(struct state, gem)->shard, *end = s + SHARDS;

	for (; s < end; s++) {
		lock(s);
		chain_walk(&s->bos, fn, arg);
		unlock(s);
	}
}

GPUVM__LIST_OPS(sharded) = {
	.name = "sharded",
	.ref = GPUVM__STR(GPUVM_REF),
	.gem_bytes = sizeof(struct state),
	.bo_bytes = sizeof(struct entry),
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
