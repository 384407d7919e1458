/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf_write.c - a writer's section of space:leaf: which leaves it locks, and how it edits them.
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

static struct leaf *take_spare(struct gpuvm__cursor *c)
{
	return container_of(gpuvm__stock_take(&leaf_cursor(c)->spare, c->stock), struct leaf, obj);
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

/* ---- editing one leaf ---- */

static void put(struct leaf *l, unsigned int at, uint64_t key, struct gpuvm_va *va)
{
	/* Release: F4, and whoever finds @va finds what it was filled with. */
	gpuvm__store(&l->key[at], key, release);
	gpuvm__store(&l->slot[at], va, release);
}

static void move(struct leaf *l, unsigned int to, unsigned int from)
{
	put(l, to, gpuvm__load(&l->key[from], relaxed), leaf_slot(l, from));
}

/* Entries [i, j) become @m others, which the caller puts. */
static inline void make_room(struct leaf *l, unsigned int i, unsigned int j, unsigned int m)
{
	unsigned int n = leaf_n(l), after = n - j + i + m, k;

	if (after > n) {
		for (k = n; k > j; k--)
			move(l, k - 1 + (after - n), k - 1);
	} else if (after < n) {
		for (k = j; k < n; k++)
			move(l, k - (n - after), k);
	}
	for (k = after; k < n; k++)
		put(l, k, UINT64_MAX, NULL);
	gpuvm__store(&l->n, after, relaxed);
}

static inline void set_pivots(struct leaf *l)
{
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(l->pivot); k++)
		gpuvm__store(&l->pivot[k], gpuvm__load(&l->key[(k + 1) * LEAF_GROUP], relaxed), release);
}

void gpuvm__leaf_replace(struct leaf *l, unsigned int i, unsigned int j, const struct leaf_entry *in, unsigned int m)
{
	unsigned int k;

	make_room(l, i, j, m);
	for (k = 0; k < m; k++)
		put(l, i + k, in[k].key, in[k].va);
	set_pivots(l);
}

/* ---- splits ---- */

/*
 * How many of @total entries stay on the left. Sequential growth, either way, leaves full leaves behind; both halves have
 * room for the one more that another edit of the section may bring.
 */
static unsigned int split_at(unsigned int i, unsigned int m, unsigned int total)
{
	if (i + m == total)
		return LEAF_CAP - 1;
	if (i == 0)
		return total - LEAF_CAP + 1;
	return total / 2;
}

/* What @l would hold if it could: its entries with [i, j) replaced. */
static unsigned int gather(struct leaf *l, unsigned int i, unsigned int j, const struct leaf_entry *in, unsigned int m,
			   struct leaf_entry *out)
{
	unsigned int k, n = leaf_n(l), to = 0;

	for (k = 0; k < i; k++)
		out[to++] = (struct leaf_entry){ gpuvm__load(&l->key[k], relaxed), leaf_slot(l, k) };
	for (k = 0; k < m; k++)
		out[to++] = in[k];
	for (k = j; k < n; k++)
		out[to++] = (struct leaf_entry){ gpuvm__load(&l->key[k], relaxed), leaf_slot(l, k) };
	return to;
}

/*
 * Inside an edit of @l, which is too full for the result. The new leaf is whole before the right link to it is published
 * (release), and locked: it is part of the section. The tree hears of it when the edit is over: no reader shall get there
 * while the old state can still be seen. Returns it.
 */
static struct leaf *split(struct gpuvm__cursor *c, struct leaf *l, unsigned int i, unsigned int j,
			  const struct leaf_entry *in, unsigned int m)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct leaf_entry all[LEAF_SPLICE_MAX];
	unsigned int total = gather(l, i, j, in, m, all), first = split_at(i, m, total);
	struct leaf *new = take_spare(c);

	gpuvm__leaf_init(new);
	lock(new);
	gpuvm__leaf_replace(new, 0, 0, all + first, total - first);
	new->lo = all[first].key;
	gpuvm__store(&new->hi, leaf_hi(l), relaxed);
	gpuvm__store(&new->right, leaf_right(l), relaxed);
	if (!GPUVM_PLANT(leaf_lost_right))
		gpuvm__store(&l->right, new, release);
	gpuvm__store(&l->hi, new->lo, release);
	gpuvm__leaf_replace(l, 0, leaf_n(l), all, first);
	if (lc->last == l)
		lc->last = new;
	gpuvm__count(SPACE_SPLIT);
	return new;
}

/* ---- splice ---- */

/* The old mappings, chained in order; one that is in several leaves once, and the one that stays not at all. */
struct chain {
	struct gpuvm_va **tail, *last, *stays;
	uint64_t end; /* of the last */
};

static inline struct chain chain_to(struct gpuvm_va **removed, uint64_t lo, struct gpuvm_va *const *in, unsigned int n)
{
	return (struct chain){ .tail = removed, .stays = unlikely(gpuvm__shrinks_first(lo, in, n)) ? in[0] : NULL };
}

/* Inside the edit of the leaf that has it (F9). */
static inline void shrink(struct chain *ch, uint64_t lo)
{
	if (unlikely(ch->stays))
		gpuvm__store(&ch->stays->end, lo, release); /* the first time round it changes */
}

static inline void chain_entries(struct chain *ch, struct leaf *l, unsigned int i, unsigned int j)
{
	for (; i < j; i++) {
		struct gpuvm_va *va = leaf_slot(l, i);

		if (va == ch->last || va == ch->stays)
			continue;
		ch->last = va;
		ch->end = va->end;
		*ch->tail = va;
		ch->tail = &va->obj.chain;
	}
}

/* Those of @in that overlap @l. */
static unsigned int entries_for(struct leaf *l, struct gpuvm_va *const *in, unsigned int n, struct leaf_entry *out)
{
	unsigned int k, m = 0;

	for (k = 0; k < n; k++)
		if (in[k]->start < leaf_hi(l) && in[k]->end > l->lo)
			out[m++] = (struct leaf_entry){ in[k]->start, in[k] };
	return m;
}

/*
 * The held leaf of @addr: through the tree, if the section is a long one; but edits in ascending order find theirs beside
 * the last one, of which the tree may not have heard.
 */
static struct leaf *find_held(struct gpuvm__cursor *c, uint64_t addr)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct leaf *l = lc->first;

	if (likely(addr < leaf_hi(l)))
		return l;
	if (lc->at && lc->at->lo <= addr) {
		l = addr < leaf_hi(lc->at) || lc->at == lc->last ? lc->at : leaf_right(lc->at);
		if (addr < leaf_hi(l))
			return l;
	}
	gpuvm__read_lock();
	l = leaf_locate(leaf_state(c->vm), addr);
	leaf_settle(&l, addr);
	gpuvm__read_unlock();
	return l;
}

/* What one splice does, from leaf to leaf. */
struct splice {
	uint64_t lo, hi;
	struct gpuvm_va *const *in;
	unsigned int n;
	struct chain old;
	struct leaf *born[2]; /* splits_wanted() */
	unsigned int nr_born;
};

/* Which entries of @l go: [*i, *j). */
static inline void find_old(struct leaf *l, const struct splice *s, unsigned int *i, unsigned int *j)
{
	*i = leaf_find(l, s->lo);
	*j = leaf_find(l, s->hi - 1);
	if (*i && leaf_slot(l, *i - 1)->end > s->lo)
		--*i;
}

/* The first leaf that changes: that of lo, or where what sticks out there starts. */
static struct leaf *find_first(struct gpuvm__cursor *c, uint64_t lo)
{
	struct leaf *l = find_held(c, lo);
	struct gpuvm_va *va;

	if (likely(leaf_n(l) == 0 || gpuvm__load(&l->key[0], relaxed) >= l->lo))
		return l;
	va = leaf_slot(l, 0);
	return va->end > lo ? find_held(c, va->start) : l;
}

/* Inside an edit of @l. Returns the leaf after which the splice goes on: @l, or what was split off it. */
static inline struct leaf *splice_leaf(struct gpuvm__cursor *c, struct leaf *l, struct splice *s, unsigned int i,
				       unsigned int j)
{
	struct leaf_entry in[GPUVM__SPLICE_MAX];
	unsigned int m = entries_for(l, s->in, s->n, in);

	shrink(&s->old, s->lo);
	chain_entries(&s->old, l, i, j);
	if (GPUVM_PLANT(leaf_two_steps) && j > i) {
		gpuvm__leaf_replace(l, i, j, NULL, 0);
		leaf_edit_end(l);
		j = i;
		leaf_edit_begin(l);
	}
	if (unlikely(leaf_n(l) - (j - i) + m > LEAF_CAP))
		return s->born[s->nr_born++] = split(c, l, i, j, in, m);
	gpuvm__leaf_replace(l, i, j, in, m);
	return l;
}

/* What begin() has found and next() goes on from is of the past. */
static inline void forget(struct leaf_cursor *lc, struct leaf *at)
{
	lc->at = at;
	lc->index = LEAF_CAP; /* nothing to step from */
	lc->edited = true;
}

/*
 * Leaf by leaf, each edit begun before that of the leaf to its left is ended: who walks right and looks back (S2) sees all
 * of the splice or nothing, and nobody waits for the whole of a long one.
 */
static __apart void splice_leaves(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in,
				  unsigned int n, struct gpuvm_va **removed)
{
	struct splice s = { .lo = lo, .hi = hi, .in = in, .n = n, .old = chain_to(removed, lo, in, n) };
	struct gpuvm_va *rest = *removed;
	struct leaf *l = find_first(c, lo), *left = NULL;
	unsigned int i, j;

	for (;; l = leaf_right(l)) {
		find_old(l, &s, &i, &j);
		leaf_edit_begin(l);
		if (left)
			leaf_edit_end(left);
		left = l;
		l = splice_leaf(c, l, &s, i, j);
		if (leaf_hi(l) >= hi && leaf_hi(l) >= s.old.end)
			break;
	}
	leaf_edit_end(left);
	while (s.nr_born)
		gpuvm__leaf_born(leaf_state(c->vm), s.born[--s.nr_born]);
	*s.old.tail = rest;
	forget(leaf_cursor(c), left);
}

/* Is all of it where begin() has found it, in one leaf, and is there room for what comes? */
static inline bool is_known(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, unsigned int n)
{
	struct leaf_cursor *lc = leaf_cursor(c);

	return leaf_known(lc) && lo == c->lo && hi == c->hi && leaf_n(lc->first) + n <= LEAF_CAP + (lc->to - lc->from);
}

void gpuvm__leaf_splice(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
			struct gpuvm_va **removed)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct gpuvm_va *rest = *removed;
	struct leaf *l = lc->first;
	struct chain old;
	unsigned int k;

	if (unlikely(!is_known(c, lo, hi, n)) || GPUVM_PLANT(leaf_two_steps)) {
		splice_leaves(c, lo, hi, in, n, removed);
		return;
	}
	old = chain_to(removed, lo, in, n);
	leaf_edit_begin(l);
	shrink(&old, lo);
	chain_entries(&old, l, lc->from, lc->to);
	make_room(l, lc->from, lc->to, n);
	for (k = 0; k < n; k++)
		put(l, lc->from + k, in[k]->start, in[k]);
	set_pivots(l);
	leaf_edit_end(l);
	*old.tail = rest;
	forget(lc, l);
}

/* Is all of it in the leaf in which it starts? (F9) */
bool gpuvm__leaf_shrinks(struct gpuvm__cursor *c, struct gpuvm_va *va)
{
	return va->end <= leaf_hi(find_held(c, va->start));
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
