/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf_edit.c - how a writer of space:leaf edits the leaves it holds (leaf_write.c): one splice goes from leaf to leaf, a
 * leaf that overflows is split into a spare one (S4).
 */
#include "leaf.h"

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

static struct leaf *take_spare(struct gpuvm__cursor *c)
{
	return container_of(gpuvm__stock_take(&leaf_cursor(c)->spare, c->stock), struct leaf, obj);
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
	gpuvm__spin_lock_raw(&new->lock);
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
