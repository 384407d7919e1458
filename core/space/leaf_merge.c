/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf_merge.c - sparse leaves of space:leaf are taken in by their left neighbours, so that churn does not grow memory.
 *
 * At the end of a writer's section, with its leaves still locked. A leaf with few entries takes its right neighbour in if
 * both together are half full at most; an empty leaf is taken in by its left neighbour in any case. Outside the section's
 * leaves locks are only tried (F7): who is busy will be tidied another time. Reading a neighbour's n before trying keeps
 * writers of full leaves from writing each other's lines.
 *
 *   G1  Of two neighbours that nobody works on, not both are empty. So a range that moves through the addresses leaves
 *       nothing behind: its next leaf to become empty takes the rest along.
 */
#include "leaf.h"

/* @r dies into @l, its left neighbour; both locked. Whoever waits for @r's lock finds it dead. */
static void take_in(struct leaf_state *s, struct leaf *l, struct leaf *r)
{
	struct leaf_entry e[LEAF_CAP];
	unsigned int n = leaf_n(l), skip, i, m = 0;

	/* A mapping that crosses the fence between them is in both. */
	skip = n && leaf_n(r) && leaf_slot(l, n - 1) == leaf_slot(r, 0);
	for (i = skip; i < leaf_n(r); i++)
		e[m++] = (struct leaf_entry){ gpuvm__load(&r->key[i], relaxed), leaf_slot(r, i) };
	leaf_edit_begin(l);
	leaf_edit_begin(r);
	gpuvm__leaf_replace(l, n, n, e, m);
	gpuvm__store(&l->hi, leaf_hi(r), release);
	gpuvm__store(&l->right, leaf_right(r), release);
	leaf_edit_end(l);
	gpuvm__store(&r->right, l, release); /* F5 */
	gpuvm__store(&r->seq,
		     gpuvm__load(&r->seq, relaxed) - LEAF_EDIT + LEAF_COUNT + (GPUVM_PLANT(leaf_not_dead) ? 0 : LEAF_DEAD),
		     release);
	gpuvm__spin_unlock_raw(&r->lock);
	gpuvm__leaf_died(s, r);
	gpuvm__count(SPACE_MERGE);
}

static bool fit(struct leaf *l, struct leaf *r)
{
	return leaf_n(l) + leaf_n(r) <= LEAF_MERGED;
}

/* Among the held ones. */
static void merge_held(struct leaf_state *s, struct leaf_cursor *lc)
{
	struct leaf *l = lc->first, *r;

	while (l != lc->last) {
		r = leaf_right(l);
		if (!fit(l, r)) {
			l = r;
			continue;
		}
		if (r == lc->last)
			lc->last = l;
		take_in(s, l, r);
	}
}

static void merge_right(struct leaf_state *s, struct leaf_cursor *lc)
{
	struct leaf *l = lc->last, *r = leaf_right(l); /* alive: F3 */

	if (leaf_n(l) > LEAF_FEW || !r || !fit(l, r) || !gpuvm__spin_trylock_raw(&r->lock))
		return;
	if (fit(l, r))
		take_in(s, l, r);
	else
		gpuvm__spin_unlock_raw(&r->lock);
}

/* The left neighbour of @l, locked; NULL if it cannot be had at once. */
static struct leaf *try_left(struct leaf_state *s, struct leaf *l)
{
	struct leaf *left;

	gpuvm__read_lock();
	left = leaf_locate(s, l->lo - 1);
	leaf_settle(&left, l->lo - 1);
	if (GPUVM_PLANT(leaf_lock_order)) {
		gpuvm__spin_lock_raw(&left->lock);
	} else if (!gpuvm__spin_trylock_raw(&left->lock)) {
		left = NULL;
	} else if (leaf_dead(left) || leaf_right(left) != l) {
		gpuvm__spin_unlock_raw(&left->lock);
		left = NULL;
	}
	gpuvm__read_unlock();
	return left;
}

/* G1: as long as what is left of the section on its left side is empty. */
static void merge_left(struct leaf_state *s, struct leaf_cursor *lc)
{
	struct leaf *l = lc->first, *left;

	while (leaf_n(l) == 0 && l->lo && (left = try_left(s, l))) {
		lc->first = left;
		if (lc->last == l)
			lc->last = left;
		take_in(s, left, l);
		l = left;
	}
}

void gpuvm__leaf_tidy(struct gpuvm__cursor *c)
{
	struct leaf_state *s = leaf_state(c->vm);
	struct leaf_cursor *lc = leaf_cursor(c);

	merge_held(s, lc);
	merge_right(s, lc);
	merge_left(s, lc);
}
