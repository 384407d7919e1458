/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rcu_hash.c - list:rcu_hash: an open-addressed table of bos, keyed by VM, that readers probe under RCU.
 *
 * A hit takes no lock, allocates nothing and writes one word, the bo's count; its cost does not depend on the number of
 * VMs that share the object. Registering and dropping go under one mutex per GEM object, which also guards a list of the
 * bos in order of registration, for walks.
 *
 *   H1  A slot holds NULL (the end of every probe through it), GONE, or a bo whose key hashes to that slot or an earlier
 *       one with no NULL between. Slots are written under the lock, with release.
 *   H2  A table is published full and never written again once its successor is published. So a reader on an old table
 *       misses only what was registered after it loaded the table pointer: the load is where its miss takes effect.
 *   H3  A bo found in a table may have died: its count decides (ref_get_unless_zero), and dead means unlinked, since 1 -> 0
 *       and GONE are one critical section (I3). Its memory stays until the reader's section ends.
 *   H4  A reader that passes a GONE slot and misses: between the death of the bo it passed by and the registration of the
 *       next one for this VM there was a moment with none, inside the call. That moment is where the miss takes effect.
 *   H5  Obtaining never fails: without memory for a larger table bos go to the list only (st->unhashed counts them) and
 *       finding falls back to the locked list.
 *
 * Teaches: what remains of a lookup when the lock and the walk are gone.
 */
#include "chain.h"

#define GONE ((struct gpuvm_bo *)1)
#define INLINE_SLOTS 8

struct table {
	struct gpuvm__obj obj;
	unsigned int shift; /* 64 - log2(slots) */
	unsigned int mask;
	_Atomic(struct gpuvm_bo *) slot[];
};

struct state {
	_Atomic(struct table *) table; /* readers; written under lock */
	_Atomic unsigned int unhashed; /* bos that are in no slot (H5) */
	alignas(GPUVM__LINE) struct gpuvm__mutex lock;
	unsigned int live; /* bos on the list */
	unsigned int used; /* slots that are not NULL */
	struct gpuvm__node bos; /* by registration */
	struct {
		struct table t;
		_Atomic(struct gpuvm_bo *) slot[INLINE_SLOTS];
	} first; /* the table a GEM object starts with */
};

static struct state *state_of(struct gpuvm_gem *gem)
{
	return GPUVM__LIST_STATE(struct state, gem);
}

/* Fibonacci hashing: the low bits of a pointer say nothing, the product's high bits are well mixed. */
static inline unsigned int slot_of(const struct table *t, const struct gpuvm_vm *vm)
{
	return ((uint64_t)(uintptr_t)vm * 0x9e3779b97f4a7c15ull) >> t->shift;
}

static void table_init(struct table *t, unsigned int slots)
{
	t->mask = slots - 1;
	t->shift = 64 - __builtin_ctz(slots);
}

static int init(struct gpuvm_gem *gem)
{
	struct state *s = state_of(gem);

	gpuvm__mutex_init(&s->lock);
	gpuvm__node_init(&s->bos);
	table_init(&s->first.t, INLINE_SLOTS);
	atomic_init(&s->table, &s->first.t);
	return 0;
}

static bool is_inline(struct state *s, struct table *t)
{
	return t == &s->first.t;
}

static void fini(struct gpuvm_gem *gem)
{
	struct state *s = state_of(gem);
	struct table *t = gpuvm__load(&s->table, relaxed);

	GPUVM__BUG_ON(!gpuvm__node_alone(&s->bos));
	if (!is_inline(s, t))
		gpuvm__obj_retire(t);
	gpuvm__mutex_fini(&s->lock);
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

/* The pair's bo in @t, or NULL; no reference taken. Acquire: pairs with the release in put_in_slot(). */
static inline struct gpuvm_bo *probe(struct table *t, const struct gpuvm_vm *vm, unsigned int *at)
{
	unsigned int i = slot_of(t, vm), n;

	for (n = 0; n <= t->mask; n++, i = (i + 1) & t->mask) {
		struct gpuvm_bo *bo = gpuvm__load(&t->slot[i], acquire);

		if (!bo)
			return NULL;
		if (likely(bo != GONE && bo->vm == vm)) {
			gpuvm__count_n(GPUVM_STAT_LIST_STEPS, n + 1);
			*at = i;
			return bo;
		}
	}
	return NULL;
}

/* H5: there was no memory for a table once; correct, if slow. */
static struct gpuvm_bo *find_slow(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;

	lock(gem);
	bo = chain_find(&state_of(gem)->bos, vm);
	if (bo)
		ref_get(bo);
	unlock(gem);
	return bo;
}

static struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct state *s = state_of(gem);
	/* Before the table: when it is reset to 0, the table that has those bos has been published (acquire, H5). */
	bool unhashed = gpuvm__load(&s->unhashed, acquire);
	struct gpuvm_bo *bo;
	unsigned int at;

	gpuvm__read_lock();
	bo = probe(gpuvm__load(&s->table, acquire), vm, &at);
	if (bo && unlikely(!ref_get_unless_zero(bo))) /* H3 */
		bo = NULL;
	gpuvm__read_unlock();
	if (likely(bo))
		gpuvm__count(LIST_FAST);
	else if (unlikely(unhashed))
		return find_slow(gem, vm);
	return bo;
}

/* Release: the bo's fields, and its count, are visible to whoever finds it. */
static void put_in_slot(struct state *s, struct table *t, struct gpuvm_bo *bo) __must_hold(lock)
{
	unsigned int i = slot_of(t, bo->vm);
	struct gpuvm_bo *old;

	while ((old = gpuvm__load(&t->slot[i], relaxed)) && old != GONE)
		i = (i + 1) & t->mask;
	s->used += !old;
	gpuvm__store(&t->slot[i], bo, release);
}

/*
 * Empty a slot. If the probe ends right after it, so it may here, and at the GONE slots before it: a pair that comes and
 * goes leaves nothing behind. Readers are past caring: nothing they could look for lies behind these slots.
 */
static void empty_slot(struct state *s, struct table *t, unsigned int i) __must_hold(lock)
{
	if (gpuvm__load(&t->slot[(i + 1) & t->mask], relaxed)) {
		gpuvm__store(&t->slot[i], GONE, release);
		return;
	}
	do {
		gpuvm__store(&t->slot[i], NULL, release);
		s->used--;
		i = (i - 1) & t->mask;
	} while (gpuvm__load(&t->slot[i], relaxed) == GONE);
}

/* For one more beside @used: at most half full, GONE included, so probes stay short and always end. */
static bool has_room(struct table *t, unsigned int used)
{
	return 2 * (used + 1) <= t->mask + 1;
}

static struct table *table_create(struct gpuvm_gem *gem, unsigned int live)
{
	unsigned int slots = INLINE_SLOTS;
	struct table *t;

	while (slots < 4 * (live + 1))
		slots *= 2;
	t = gpuvm__obj_alloc(gem->dev->alloc, GPUVM_TYPE_INDEX, sizeof(*t) + slots * sizeof(t->slot[0]), GPUVM__LINE);
	if (t)
		table_init(t, slots);
	return t;
}

/* Fill @t with every live bo and publish it (H2). Returns the old one, to be retired after the lock, or NULL. */
static struct table *switch_table(struct gpuvm_gem *gem, struct table *t) __must_hold(lock)
{
	struct state *s = state_of(gem);
	struct table *old = gpuvm__load(&s->table, relaxed);
	struct gpuvm__node *pos;

	s->used = 0;
	gpuvm__for_each_node(pos, &s->bos)
		put_in_slot(s, t, chain_bo(pos));
	gpuvm__store(&s->table, t, release);
	gpuvm__store(&s->unhashed, 0, release);
	gpuvm__count(LIST_GROW);
	return is_inline(s, old) ? NULL : old;
}

static void register_locked(struct state *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	struct table *t = gpuvm__load(&s->table, relaxed);

	gpuvm__state_set(bo, GPUVM__LIVE);
	gpuvm__node_add_tail(chain_node(bo), &s->bos);
	s->live++;
	if (likely(has_room(t, s->used)))
		put_in_slot(s, t, bo);
	else
		gpuvm__store(&s->unhashed, gpuvm__load(&s->unhashed, relaxed) + 1, release);
}

static struct gpuvm_bo *find_locked(struct state *s, struct gpuvm_vm *vm) __must_hold(lock)
{
	unsigned int at;
	struct gpuvm_bo *bo = probe(gpuvm__load(&s->table, relaxed), vm, &at);

	if (!bo && unlikely(gpuvm__load(&s->unhashed, relaxed)))
		bo = chain_find(&s->bos, vm);
	if (bo)
		ref_get(bo);
	return bo;
}

/*
 * Register @bo, or find the older one (*@old). False: the table is full and @bigger, which may be NULL, will not do.
 * @bigger is consumed if it was used; *@retired is then the table to retire.
 */
static bool obtain_locked(struct gpuvm_bo *bo, struct gpuvm_bo **old, struct table **bigger, struct table **retired)
	__must_hold(lock)
{
	struct state *s = state_of(bo->gem);

	*old = find_locked(s, bo->vm);
	if (*old)
		return true;
	if (unlikely(!has_room(gpuvm__load(&s->table, relaxed), s->used))) {
		if (!*bigger || !has_room(*bigger, s->live))
			return false;
		*retired = switch_table(bo->gem, *bigger);
		*bigger = NULL;
	}
	register_locked(s, bo);
	return true;
}

/* I5: memory for a larger table is taken and given back with the lock dropped. */
static struct gpuvm_bo *obtain(struct gpuvm_bo *bo)
{
	struct gpuvm_gem *gem = bo->gem;
	struct table *bigger = NULL, *retired = NULL;
	struct gpuvm_bo *old;
	unsigned int live;

	lock(gem);
	while (unlikely(!obtain_locked(bo, &old, &bigger, &retired))) {
		live = state_of(gem)->live;
		unlock(gem);
		if (bigger)
			gpuvm__obj_free(bigger);
		bigger = table_create(gem, live);
		lock(gem);
		if (!bigger) {
			old = find_locked(state_of(gem), bo->vm);
			if (!old)
				register_locked(state_of(gem), bo); /* H5 */
			break;
		}
	}
	unlock(gem);
	if (bigger)
		gpuvm__obj_free(bigger);
	if (retired)
		gpuvm__obj_retire(retired);
	return old ? old : bo;
}

static void unlink_locked(struct state *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	struct table *t = gpuvm__load(&s->table, relaxed);
	unsigned int at;

	gpuvm__state_set(bo, GPUVM__ZOMBIE);
	gpuvm__node_del(chain_node(bo));
	s->live--;
	if (likely(probe(t, bo->vm, &at)))
		empty_slot(s, t, at);
	else
		gpuvm__store(&s->unhashed, gpuvm__load(&s->unhashed, relaxed) - 1, release);
}

/* Out of line: put() then needs no stack frame. */
static __attribute__((noinline)) bool put_locked(struct gpuvm_bo *bo)
{
	struct gpuvm_gem *gem = bo->gem;
	bool last;

	lock(gem);
	last = ref_put_locked(bo);
	if (last)
		unlink_locked(state_of(gem), bo);
	unlock(gem);
	return last;
}

static bool put(struct gpuvm_bo *bo)
{
	return unlikely(!ref_put_not_last(bo)) && put_locked(bo);
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

GPUVM__LIST_OPS(rcu_hash) = {
	.name = "rcu_hash",
	.ref = GPUVM__STR(GPUVM_REF),
	.gem_bytes = sizeof(struct state),
	.rcu = true,
	.init = init,
	.fini = fini,
	.find = find,
	.obtain = obtain,
	.put = put,
	.next = next,
	.walk = walk,
	.va_lock = gpuvm__vas_spin_lock,
	.va_unlock = gpuvm__vas_spin_unlock,
};
