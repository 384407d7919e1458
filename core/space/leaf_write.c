/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf_write.c - a writer's section of space:leaf: which leaves it locks; leaf_edit.c edits them.
 *
 * The leaves that the range touches are locked from left to right (F7). A mapping that sticks out of the range belongs to
 * the section too (S1): to the right one just goes on locking; to the left everything is unlocked and the section starts
 * over from that mapping's start. Between begin and end the leaves' seqs are even: readers read, callbacks may sleep.
 */
#include "leaf.h"

/* ---- locking ---- */

static void lock(struct leaf *l)
{
	gpuvm__spin_lock_raw(&l->lock);
}

static void unlock(struct leaf *l)
{
	gpuvm__spin_unlock_raw(&l->lock);
}

static void unlock_all(struct leaf_cursor *lc)
{
	struct leaf *l, *right;

	for (l = lc->first; l != lc->last; l = right) {
		right = leaf_right(l);
		unlock(l);
	}
	unlock(l);
}

/*
 * The leaf of @addr, locked and alive. It may die while we wait for it: look again. If that takes long, outside the read
 * section (S8).
 */
static __apart struct leaf *lock_found(struct leaf_state *s, uint64_t addr)
{
	unsigned int turns = 0;
	struct leaf *l;

	gpuvm__read_lock();
	l = leaf_locate(s, addr);
	for (;;) {
		leaf_settle(&l, addr);
		if (unlikely(!gpuvm__spin_lock_soon_raw(&l->lock))) {
			gpuvm__read_pause(&turns);
			l = leaf_locate(s, addr);
			continue;
		}
		if (likely(!leaf_dead(l) && addr < leaf_hi(l)) || GPUVM_PLANT(leaf_no_recheck))
			break;
		unlock(l);
		gpuvm__count(SPACE_RETRY);
	}
	gpuvm__read_unlock();
	return l;
}

/*
 * The same. The first leaf never dies, so it needs no read section. It is looked at before it is locked, too: it may be
 * held already, by the section to the left (F7), whose end is not above @addr then.
 */
static inline struct leaf *lock_leaf_of(struct leaf_state *s, uint64_t addr)
{
	struct leaf *l = s->first;

	if (leaf_alone(s) && likely(addr < leaf_hi(l))) {
		lock(l);
		if (likely(addr < leaf_hi(l)))
			return l;
		unlock(l);
	}
	return lock_found(s, addr);
}

/* From what is held on to the right, as far as @hi. Alive: F3. */
static inline void lock_until(struct leaf_cursor *lc, uint64_t hi)
{
	while (unlikely(leaf_hi(lc->last) < hi)) {
		lc->last = leaf_right(lc->last);
		lock(lc->last);
	}
}

/* And where the mapping at c->hi - 1 ends, should it end after the last leaf: only the last entry can. */
static void lock_rest(struct gpuvm__cursor *c)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct leaf *l;

	lock_until(lc, c->hi);
	l = lc->last;
	lc->to = leaf_find(l, c->hi - 1);
	if (lc->to && lc->to == leaf_n(l))
		lock_until(lc, leaf_slot(l, lc->to - 1)->end);
}

/* Where the mapping at c->lo starts, if that is to the left of all that is held: only entry 0 can; else @from. */
static uint64_t reach_left(struct gpuvm__cursor *c, uint64_t from)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct leaf *l = leaf_held(lc, c->lo);
	uint64_t start = gpuvm__load(&l->key[0], relaxed);

	return start < lc->first->lo && leaf_slot(l, 0)->end > c->lo ? start : from;
}

/* lock_range() in more than the one leaf that is held. */
static __apart uint64_t lock_more(struct gpuvm__cursor *c, uint64_t from)
{
	lock_rest(c);
	return reach_left(c, from);
}

/*
 * Lock what [@from, c->hi) touches, and what sticks out on the right. Returns where what sticks out on the left starts, if
 * that is not locked, else @from.
 */
static __always_inline uint64_t lock_range(struct gpuvm__cursor *c, uint64_t from)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct leaf *l = lock_leaf_of(leaf_state(c->vm), from);
	unsigned int i, j, n;

	lc->first = lc->last = l;
	if (unlikely(leaf_hi(l) < c->hi))
		return lock_more(c, from);
	n = leaf_n(l);
	j = n <= LEAF_FEW ? leaf_find_below(l, n, c->hi - 1) : leaf_find(l, c->hi - 1);
	i = leaf_find_below(l, j, c->lo);
	if (i && leaf_slot(l, i - 1)->end > c->lo)
		i--;
	lc->from = i;
	lc->to = j;
	if (i < j && unlikely(gpuvm__load(&l->key[i], relaxed) < l->lo || leaf_slot(l, j - 1)->end > leaf_hi(l)))
		return lock_more(c, from);
	return from;
}

/* ---- spare leaves (S4) ---- */

/* How many entries more one edit makes in one leaf, and how many leaves it splits, at most. */
static unsigned int grows_by(enum gpuvm__grow grow)
{
	return grow == GPUVM__FILLS ? 2 : grow == GPUVM__CUTS;
}

static bool overflows(struct leaf *l, unsigned int by)
{
	return unlikely(leaf_n(l) + by > LEAF_CAP);
}

/* Of many edits: none if all that comes finds room in the one leaf; else as many as if each came to full leaves. */
static unsigned int splits_of_many(struct gpuvm__cursor *c)
{
	struct leaf_cursor *lc = leaf_cursor(c);

	if (lc->first == lc->last && !overflows(lc->first, 2u * c->edits))
		return 0;
	return grows_by(c->grow) * c->edits;
}

/*
 * How many splits the section may need. Only the leaves of lo and of hi can get fuller: by a new mapping each, and if they
 * are the same by one more, when something is cut in the middle. What lies between is left with one entry or none.
 */
static unsigned int splits_wanted(struct gpuvm__cursor *c)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	unsigned int fresh = c->grow == GPUVM__FILLS;
	struct leaf *begins, *ends;

	if (unlikely(c->edits > 1))
		return splits_of_many(c);
	if (likely(lc->first == lc->last))
		return overflows(lc->first, grows_by(c->grow));
	if (c->grow == GPUVM__SHRINKS)
		return 0;
	begins = leaf_held(lc, c->lo);
	ends = leaf_held(lc, c->hi - 1);
	if (begins == ends)
		return overflows(begins, fresh + 1);
	return overflows(begins, fresh) + overflows(ends, fresh);
}

static bool top_up(struct gpuvm_vm *vm, struct gpuvm__obj **list, unsigned int n)
{
	return gpuvm__stock_fill(vm->dev->alloc, list, sizeof(struct leaf), n);
}

/*
 * A request that fills splits two leaves at most, one that cuts a single one: splits_wanted(). The tree is looked after
 * here, where memory may be had.
 */
int gpuvm__leaf_stock(struct gpuvm_vm *vm, struct gpuvm__obj **stock, unsigned int vas, unsigned int edits)
{
	enum gpuvm__grow grow = vas <= GPUVM_SM_UNMAP_VAS ? GPUVM__CUTS : GPUVM__FILLS;

	leaf_index_sync(vm);
	return top_up(vm, stock, grows_by(grow) * edits) ? 0 : -ENOMEM;
}

static bool has_spares(struct gpuvm__cursor *c, unsigned int n)
{
	return (c->stock && gpuvm__stock_nr(*c->stock) >= n) || gpuvm__stock_nr(leaf_cursor(c)->spare) >= n;
}

int gpuvm__leaf_write_begin(struct gpuvm__cursor *c)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	uint64_t from = c->lo, reach;
	unsigned int want;

	if (c->grow != GPUVM__SHRINKS && !c->stock)
		leaf_index_sync(c->vm);
	for (;;) {
		reach = lock_range(c, from);
		want = splits_wanted(c);
		if (likely(reach == from && (!want || has_spares(c, want))))
			break;
		unlock_all(lc);
		if (reach < from)
			gpuvm__count(SPACE_WIDEN);
		else if (!top_up(c->vm, &lc->spare, want))
			goto out_spares;
		from = reach;
	}
	/* One for the section, whatever it locks: a whole VM may be more leaves than can be tracked. */
	gpuvm__lock_enter(GPUVM__LOCK_SPACE, c, __FILE__, __LINE__);
	gpuvm__count(SPACE_LOCK);
	return 0;

out_spares:
	gpuvm__stock_return(&lc->spare, c->stock);
	return -ENOMEM;
}

/*
 * ---- several sections (S6) ----
 *
 * From left to right, each held until the end. If one on the right has to start further left, it gives up its own leaves
 * only and locks anew: as long as that is right of all that the sections before hold, it may wait (F7). If it gets to
 * what @left holds, @left is widened to the right instead. Spare leaves are in the stock, for all edits.
 */

static void widen_right(struct gpuvm__cursor *left, const struct gpuvm__cursor *c)
{
	left->hi = c->hi;
	left->edits += c->edits;
	left->grow = c->grow > left->grow ? c->grow : left->grow;
	lock_rest(left);
}

bool gpuvm__leaf_write_begin_right(struct gpuvm__cursor *c, struct gpuvm__cursor *left)
{
	struct leaf *before = leaf_cursor(left)->last;
	uint64_t from = c->lo, reach;

	for (; from >= leaf_hi(before) || GPUVM_PLANT(leaf_array_locks_twice); from = reach) {
		reach = lock_range(c, from);
		if (likely(reach == from)) {
			gpuvm__count(SPACE_LOCK);
			return true;
		}
		unlock_all(leaf_cursor(c));
		gpuvm__count(SPACE_WIDEN);
	}
	widen_right(left, c);
	return false;
}

void gpuvm__leaf_write_end(struct gpuvm__cursor *c)
{
	struct leaf_cursor *lc = leaf_cursor(c);

	if (lc->edited && leaf_untidy(lc))
		gpuvm__leaf_tidy(c);
	unlock_all(lc);
	if (likely(!c->right))
		gpuvm__lock_leave(c, __FILE__, __LINE__);
	if (unlikely(lc->spare))
		gpuvm__stock_return(&lc->spare, c->stock);
}
