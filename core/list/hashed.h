/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * hashed.h - the body of list:rcu_hash and list:inline: a hash table of bos (vm_table.h) that readers probe under RCU; in
 * front of it, if KEYED is not 0, that many slots in the GEM object itself (keyed.h).
 *
 * A hit takes no lock, allocates nothing and writes one word, the bo's count; its cost does not depend on the number of
 * VMs that share the object. Registering and dropping go under one lock per GEM object, which also guards a list of the
 * bos in order of registration, for walks. It spins: but for a larger table and the walk over all of them, what is done
 * under it is a few stores (I5), less than a sleeping lock's own two atomics.
 *
 *   H1  A table is published full and never written again once its successor is published. So a reader on an old table
 *       misses only what was registered after it loaded the table pointer: the load is where its miss takes effect.
 *   H2  A bo found in a table may have died: its count decides (ref_get_unless_zero), and dead means unlinked, since 1 -> 0
 *       and GONE are one critical section (I3). Its memory stays until the reader's section ends.
 *   H3  A reader that passes a GONE slot and misses: between the death of the bo it passed by and the registration of the
 *       next one for this VM there was a moment with none, inside the call. That moment is where the miss takes effect.
 *   H4  Obtaining never fails: without memory for a larger table bos go to the list only (s->unhashed counts them). A reader
 *       that missed looks at unhashed, then whether the table is still the one it probed; if either says that there may
 *       be more, it searches the list under the lock. (In this order: unhashed falls to 0, with release, after the table
 *       that has those bos was published.)
 *   H5  A bo stays where it was registered, in a keyed slot or behind, as long as it lives; a larger table is filled with
 *       those behind. So looking here, then there, misses no bo that is live throughout.
 *
 * Nothing but the hit is in find() and lookup() themselves: what is rare is called at their end, and needs no stack frame.
 */
#ifndef GPUVM_CORE_LIST_HASHED_H
#define GPUVM_CORE_LIST_HASHED_H

#include "chain.h"
#include "keyed.h"
#include "vm_table.h"

struct state {
	struct keyed keyed; /* readers; written under lock */
	_Atomic(table_word) table; /* readers; written under lock */
	_Atomic unsigned int unhashed; /* bos that are in no slot (H4) */
	alignas(GPUVM__LINE) struct gpuvm__spin lock;
	unsigned int live; /* bos on the list */
	unsigned int used; /* slots that are not EMPTY */
	struct gpuvm__node bos; /* by registration */
#if !KEYED
	struct {
		struct table t;
		_Atomic(struct gpuvm_bo *) slot[FIRST_SLOTS];
	} first; /* the table a GEM object starts with */
#endif
};

static struct state *state_of(struct gpuvm_gem *gem)
{
	return GPUVM__LIST_STATE(struct state, gem);
}

#if KEYED
/* What an object starts with: a table without room, in which nothing is ever found. Two slots, as a shift by 64 is none. */
static struct {
	struct table t;
	_Atomic(struct gpuvm_bo *) slot[2];
} none = { .slot = { EMPTY, EMPTY } };

static table_word first_table(struct state *s)
{
	return (table_word)&none.t | 63;
}

static bool is_first(struct state *s, struct table *t)
{
	return t == &none.t;
}
#else
static table_word first_table(struct state *s)
{
	return table_init(&s->first.t, FIRST_SLOTS);
}

static bool is_first(struct state *s, struct table *t)
{
	return t == &s->first.t;
}
#endif

static int init(struct gpuvm_gem *gem)
{
	struct state *s = state_of(gem);

	gpuvm__spin_init(&s->lock);
	gpuvm__node_init(&s->bos);
	atomic_init(&s->table, first_table(s));
	return 0;
}

static void fini(struct gpuvm_gem *gem)
{
	struct state *s = state_of(gem);
	struct table *t = table_of(gpuvm__load(&s->table, relaxed));

	GPUVM__BUG_ON(!gpuvm__node_alone(&s->bos));
	if (!is_first(s, t))
		gpuvm__obj_retire(t);
}

static void lock(struct gpuvm_gem *gem)
{
	gpuvm__spin_lock(&state_of(gem)->lock, GPUVM__LOCK_LIST);
	gpuvm__count(LIST_LOCK);
}

static void unlock(struct gpuvm_gem *gem)
{
	gpuvm__spin_unlock(&state_of(gem)->lock);
}

/* ---- looking ---- */

/* The pair's bo, dead or alive, or NULL; @w is left 0 if it is in a keyed slot. In a read section. */
static struct gpuvm_bo *look(struct state *s, struct gpuvm_vm *vm, table_word *w)
{
	struct gpuvm_bo *bo;
	int key;
	size_t at;

	*w = 0;
	bo = keyed_find(&s->keyed, vm, &key);
	if (KEYED && bo)
		return bo;
	*w = gpuvm__load(&s->table, acquire);
	return probe(*w, vm, &at);
}

/* The same, as far as the first slot of the table: maybe another VM's bo, never NULL. */
static __always_inline struct gpuvm_bo *glance(struct state *s, struct gpuvm_vm *vm, table_word *w)
{
	struct gpuvm_bo *bo;
	int key;

	*w = 0;
	bo = keyed_find(&s->keyed, vm, &key);
	if (KEYED && likely(bo))
		return bo;
	*w = gpuvm__load(&s->table, acquire);
	return probe_first(*w, vm);
}

/* H4: correct, if slow. */
static struct gpuvm_bo *find_listed(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;

	lock(gem);
	bo = chain_find(&state_of(gem)->bos, vm);
	if (bo) {
		ref_get(bo);
		gpuvm__count(LIST_HIT);
	}
	unlock(gem);
	return bo;
}

/* The rest of a find that found nothing alive in @w; ends its read section. */
static __apart struct gpuvm_bo *missed(struct gpuvm_gem *gem, struct gpuvm_vm *vm, table_word w)
{
	struct state *s = state_of(gem);
	bool more = gpuvm__load(&s->unhashed, acquire) || gpuvm__load(&s->table, acquire) != w; /* H4 */

	gpuvm__read_unlock();
	return unlikely(more) ? find_listed(gem, vm) : NULL;
}

/* End of a hit. */
static __always_inline void hit(table_word w)
{
	gpuvm__count_n(KEYED && !w ? GPUVM_STAT_LIST_INLINE : GPUVM_STAT_LIST_FAST, 1);
	gpuvm__read_unlock();
}

/* A find whose glance was not enough, from its beginning; ends its read section. */
static __apart struct gpuvm_bo *find_on(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;
	table_word w;

	bo = look(state_of(gem), vm, &w);
	if (!bo || unlikely(!ref_get_unless_zero(bo))) /* H2 */
		return missed(gem, vm, w);
	hit(w);
	return bo;
}

static struct gpuvm_bo *find(struct gpuvm_gem *gem, struct gpuvm_vm *vm)
{
	struct gpuvm_bo *bo;
	table_word w;

	gpuvm__read_lock();
	bo = glance(state_of(gem), vm, &w);
	if (GPUVM_PLANT(section_left_early) && bo->vm == vm) {
		gpuvm__read_unlock();
		return ref_get_unless_zero(bo) ? bo : NULL;
	}
	if (GPUVM_PLANT(no_inc_not_zero) && bo->vm == vm) {
		ref_get(bo);
		hit(w);
		return bo;
	}
	if (unlikely(bo->vm != vm) || unlikely(!ref_get_unless_zero(bo))) /* H2 */
		return find_on(gem, vm);
	hit(w);
	return bo;
}

static __apart int lookup_on(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	return gpuvm__looked_up(vm, gem, find_on(gem, vm), out);
}

/* A hit of a pair that is not known to be on its VM's extobj list, if it belongs there; ends its read section. */
static __slow int lookup_unsettled(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	gpuvm__read_unlock();
	return gpuvm__looked_up(vm, gem, *out, out);
}

/* find() once more, so that nothing but the hit is in it; the section ends last, so that nothing is kept across it. */
static int lookup(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	struct gpuvm_bo *bo;
	table_word w;

	gpuvm__read_lock();
	bo = glance(state_of(gem), vm, &w);
	if (unlikely(bo->vm != vm) || unlikely(!ref_get_unless_zero(bo))) /* H2 */
		return lookup_on(vm, gem, out);
	*out = bo;
	if (unlikely(!gpuvm__looked_up_settled(bo)))
		return lookup_unsettled(vm, gem, out);
	hit(w);
	return 0;
}

/* ---- changing ---- */

/* Fill @t with every bo that is in no keyed slot and publish it (H1, H5). Returns the old one, to be retired, or NULL. */
static struct table *switch_table(struct state *s, struct table *t) __must_hold(lock)
{
	struct table *old = table_of(gpuvm__load(&s->table, relaxed));
	table_word w = table_word_of(t);
	struct gpuvm__node *pos;
	int key;

	s->used = 0;
	if (GPUVM_PLANT(table_before_content))
		gpuvm__store(&s->table, w, release);
	gpuvm__for_each_node(pos, &s->bos)
		if (!keyed_find(&s->keyed, chain_bo(pos)->vm, &key))
			s->used += put_in_slot(w, chain_bo(pos));
	gpuvm__store(&s->table, w, release);
	gpuvm__store(&s->unhashed, 0, release);
	gpuvm__count(LIST_GROW);
	return is_first(s, old) ? NULL : old;
}

static void register_locked(struct state *s, struct gpuvm_bo *bo) __must_hold(lock)
{
	table_word w = gpuvm__load(&s->table, relaxed);

	gpuvm__state_set(bo, GPUVM__LIVE);
	gpuvm__node_add_tail(chain_node(bo), &s->bos);
	s->live++;
	if (keyed_put(&s->keyed, bo))
		return;
	if (likely(has_room(table_of(w), s->used)))
		s->used += put_in_slot(w, bo);
	else
		gpuvm__store(&s->unhashed, gpuvm__load(&s->unhashed, relaxed) + 1, release);
}

/* The pair's bo with a reference, or NULL. */
static struct gpuvm_bo *find_locked(struct state *s, struct gpuvm_vm *vm) __must_hold(lock)
{
	int key;
	size_t at;
	struct gpuvm_bo *bo = keyed_find(&s->keyed, vm, &key);

	if (!bo)
		bo = probe(gpuvm__load(&s->table, relaxed), vm, &at);
	if (!bo && unlikely(gpuvm__load(&s->unhashed, relaxed)))
		bo = chain_find(&s->bos, vm);
	if (bo)
		ref_get(bo);
	return bo;
}

static bool is_full(struct state *s) __must_hold(lock)
{
	return keyed_full(&s->keyed) && !has_room(table_of(gpuvm__load(&s->table, relaxed)), s->used);
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
	if (unlikely(is_full(s))) {
		if (!*bigger || !has_room(*bigger, s->live))
			return false;
		*retired = switch_table(s, *bigger);
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
				register_locked(state_of(gem), bo); /* H4 */
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
	table_word w = gpuvm__load(&s->table, relaxed);
	size_t at;

	gpuvm__state_set(bo, GPUVM__ZOMBIE);
	gpuvm__node_del(chain_node(bo));
	s->live--;
	if (keyed_empty(&s->keyed, bo))
		return;
	if (likely(probe(w, bo->vm, &at)))
		s->used -= empty_slot(table_of(w), at);
	else
		gpuvm__store(&s->unhashed, gpuvm__load(&s->unhashed, relaxed) - 1, release);
}

/* What put() could not drop without the lock. */
static __apart bool put_locking(struct gpuvm_bo *bo, gpuvm__bury_fn bury)
{
	struct gpuvm_gem *gem = bo->gem;
	bool last;

	lock(gem);
	last = ref_put_locked(bo);
	if (last)
		unlink_locked(state_of(gem), bo);
	if (last && GPUVM_PLANT(grace_under_lock))
		gpuvm__synchronize_rcu();
	unlock(gem);
	return last && bury(bo);
}

static bool put(struct gpuvm_bo *bo, gpuvm__bury_fn bury)
{
	if (likely(ref_put_not_last(bo)))
		return false;
	return put_locking(bo, bury);
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

/* clang-format off */
#define HASHED_OPS(list)                                         \
	{                                                        \
		.name = GPUVM__STR(list),                        \
		.ref = GPUVM__STR(GPUVM_REF),                    \
		.gem_bytes = sizeof(struct state),               \
		.rcu = true,                                     \
		.init = init,                                    \
		.fini = fini,                                    \
		.find = find,                                    \
		.lookup = lookup,                                \
		.obtain = obtain,                                \
		.put = put,                                      \
		.next = next,                                    \
		.walk = walk,                                    \
		.va_lock = gpuvm__vas_spin_lock,                 \
		.va_unlock = gpuvm__vas_spin_unlock,             \
	}
/* clang-format on */

#endif /* GPUVM_CORE_LIST_HASHED_H */
