/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * btree_edit.c - see btree.h: one edit of the tree, by who holds its lock.
 *
 * An edit that puts something in rebuilds the path to its range from the leaves up: each level gives the one above one or
 * two new nodes, or none, in place of those the range touched. As soon as one node stands for one node, that is published
 * in the parent and nothing above is touched; so most edits copy one leaf. An edit that only removes just clears slots,
 * unless that would leave a leaf nearly empty.
 */
#include "btree.h"

/* What the nodes of one level became. */
struct pieces {
	unsigned int n;
	bool done; /* published below: nothing to do here */
	uint64_t key[2];
	struct bnode *node[2];
};

struct edit {
	struct btree *t;
	struct gpuvm__obj **spare;
	uint64_t lo, hi;
	struct gpuvm_va *const *in;
	unsigned int n;
	struct bnode *dead; /* what was replaced, linked */
};

/* The content of a level about to be made into nodes. */
struct row {
	unsigned int n;
	uint64_t key[BTREE_CAP + 3];
	void *slot[BTREE_CAP + 3];
};

static void row_add(struct row *r, uint64_t key, void *slot)
{
	r->key[r->n] = key;
	r->slot[r->n++] = slot;
}

/* ---- nodes ---- */

static struct bnode *take_spare(struct edit *e)
{
	struct bnode *b = bspare_pop(e->spare);

	GPUVM__BUG_ON(!b);
	gpuvm__fetch_add(&e->t->nodes, 1, relaxed);
	return b;
}

/* @b is replaced, or goes; before the store that publishes that (T4). */
static void kill(struct edit *e, struct bnode *b)
{
	gpuvm__store(&b->dead, true, release);
	b->link = e->dead;
	e->dead = b;
}

static void kill_tree(struct edit *e, struct bnode *b)
{
	unsigned int i;

	for (i = 0; b->level && i < b->n; i++)
		kill_tree(e, bnode_down(b, i));
	kill(e, b);
}

/* After the store. */
static void bury(struct edit *e)
{
	struct bnode *b;

	while ((b = e->dead)) {
		e->dead = b->link;
		gpuvm__fetch_sub(&e->t->nodes, 1, relaxed);
		gpuvm__obj_retire(b);
	}
}

/* @b is nobody's but ours yet. */
static void fill(struct bnode *b, unsigned int level, const struct row *r, unsigned int from, unsigned int to)
{
	unsigned int i;

	bnode_clear(b, level);
	b->n = b->live = to - from;
	for (i = 0; i < b->n; i++) {
		b->key[i] = r->key[from + i];
		atomic_init(&b->slot[i], r->slot[from + i]);
	}
}

static void emit(struct edit *e, unsigned int level, const struct row *r, bool at_end, struct pieces *out)
{
	/* What grows at its end leaves full nodes behind. */
	unsigned int left = r->n <= BTREE_CAP ? r->n : at_end ? BTREE_CAP : r->n / 2, from = 0;

	out->n = 0;
	out->done = false;
	for (; from < r->n; from = left, left = r->n) {
		out->key[out->n] = r->key[from];
		out->node[out->n] = take_spare(e);
		fill(out->node[out->n++], level, r, from, left);
	}
	if (out->n == 2)
		gpuvm__count(SPACE_SPLIT);
}

/* ---- rebuilding ---- */

/* Which part of the range a subtree has: all of it; its beginning, and what is put in goes here; or its end. */
enum part { WHOLE, LEFT, RIGHT };

/* What of leaf @b stays, and in between what is put in. */
static void rebuild_leaf(struct edit *e, struct bnode *b, uint64_t lo, uint64_t hi, enum part part, struct pieces *out)
{
	struct row r = { 0 };
	struct gpuvm_va *va;
	unsigned int i, k;

	for (i = 0; i < b->n && b->key[i] < hi; i++) {
		va = bnode_va(b, i);
		if (va && va->end <= lo)
			row_add(&r, va->start, va);
	}
	for (k = 0; part != RIGHT && k < e->n; k++)
		row_add(&r, e->in[k]->start, e->in[k]);
	k = r.n;
	for (; i < b->n; i++) {
		va = bnode_va(b, i);
		if (va)
			row_add(&r, va->start, va);
	}
	kill(e, b);
	emit(e, 0, &r, k == r.n, out);
}

/* The first child's fence is its node's, which may have moved down since key[0] was written (T2). */
static uint64_t fence(const struct bnode *b, unsigned int i)
{
	return i ? b->key[i] : 0;
}

/* All that @b has; @key: its lower fence. */
static void row_add_node(struct row *r, struct bnode *b, uint64_t key)
{
	unsigned int i;
	void *slot;

	for (i = 0; i < b->n; i++) {
		slot = gpuvm__load(&b->slot[i], acquire);
		if (slot)
			row_add(r, b->level && !i ? key : b->key[i], slot);
	}
}

/* Child @i of @b became @p: if that is little, take in the child beside it, and return its index; or -1. */
static int join(struct edit *e, struct bnode *b, unsigned int i, struct pieces *p)
{
	unsigned int k = i + 1 < b->n ? i + 1 : i - 1, left = k < i ? k : i;
	struct bnode *with, *new = p->node[0];
	struct row r = { 0 };

	if (b->n < 2 || new->n > BTREE_FEW)
		return -1;
	with = bnode_down(b, k);
	if ((new->level ? with->n : with->live) + 0u + new->n > BTREE_JOINED)
		return -1;
	row_add_node(&r, k < i ? with : new, fence(b, left));
	row_add_node(&r, k < i ? new : with, fence(b, left + 1));
	fill(new, new->level, &r, 0, r.n);
	kill(e, with);
	p->key[0] = fence(b, left);
	gpuvm__count(SPACE_MERGE);
	return (int)k;
}

/* Children [i, j] of @b became @p and then @q; child @joined, if not -1, is in @p too. */
static void rebuild_row(struct edit *e, struct bnode *b, unsigned int i, unsigned int j, int joined,
			const struct pieces *p, const struct pieces *q, struct pieces *out)
{
	struct row r = { 0 };
	unsigned int k;

	for (k = 0; k < i; k++)
		if ((int)k != joined)
			row_add(&r, b->key[k], bnode_down(b, k));
	for (k = 0; k < p->n; k++)
		row_add(&r, p->key[k], p->node[k]);
	for (k = 0; k < q->n; k++)
		row_add(&r, q->key[k], q->node[k]);
	for (k = j + 1; k < b->n; k++)
		if ((int)k != joined)
			row_add(&r, b->key[k], bnode_down(b, k));
	kill(e, b);
	emit(e, b->level, &r, j + 1 == b->n, out);
}

/* One store shows the edit to readers (T3, T5). */
static void publish(struct edit *e, _Atomic(void *) *slot, struct bnode *new)
{
	uint64_t seq = gpuvm__load(&e->t->seq, relaxed);

	gpuvm__store(&e->t->seq, seq + 1, release);
	gpuvm__store(slot, (void *)new, release);
	gpuvm__store(&e->t->seq, seq + 2, release);
}

static void rebuild_inner(struct edit *e, struct bnode *b, uint64_t lo, uint64_t hi, enum part part,
			  struct pieces *out);

static void rebuild(struct edit *e, struct bnode *b, uint64_t lo, uint64_t hi, enum part part, struct pieces *out)
{
	if (b->level)
		rebuild_inner(e, b, lo, hi, part, out);
	else
		rebuild_leaf(e, b, lo, hi, part, out);
}

/* The range is in child @i alone. True: published. */
static bool rebuild_child(struct edit *e, struct bnode *b, unsigned int i, enum part part, struct pieces *p,
			  int *joined)
{
	*joined = -1;
	if (p->n && part != RIGHT)
		p->key[0] = fence(b, i); /* stays; right of a cut it moves to the first mapping that is left (T2) */
	if (part != WHOLE || p->n != 1)
		return false;
	*joined = join(e, b, i, p);
	if (*joined >= 0)
		return false;
	publish(e, &b->slot[i], p->node[0]);
	return true;
}

static void rebuild_inner(struct edit *e, struct bnode *b, uint64_t lo, uint64_t hi, enum part part, struct pieces *out)
{
	unsigned int i = bnode_child(b, lo), j = bnode_child(b, hi - 1), k;
	struct pieces p, q = { 0 };
	int joined = -1;

	if (i == j) {
		rebuild(e, bnode_down(b, i), lo, hi, part, &p);
		out->done = p.done || rebuild_child(e, b, i, part, &p, &joined);
		if (out->done)
			return;
	} else {
		rebuild(e, bnode_down(b, i), lo, UINT64_MAX, part == RIGHT ? RIGHT : LEFT, &p);
		if (p.n && part != RIGHT)
			p.key[0] = fence(b, i);
		for (k = i + 1; k < j; k++)
			kill_tree(e, bnode_down(b, k));
		rebuild(e, bnode_down(b, j), 0, hi, RIGHT, &q);
	}
	rebuild_row(e, b, i, j, joined, &p, &q, out);
}

/* The root was rebuilt: two need one above them; one with a single child is none; nothing is an empty leaf. */
static void publish_root(struct edit *e, struct pieces *p)
{
	struct bnode *root = p->n ? p->node[0] : take_spare(e);
	struct row r = { 0 };
	unsigned int i;

	if (!p->n)
		fill(root, 0, &r, 0, 0);
	while (p->n == 1 && root->level && root->n == 1) {
		struct bnode *only = bnode_down(root, 0);

		bspare_push(e->spare, root);
		gpuvm__fetch_sub(&e->t->nodes, 1, relaxed);
		root = only;
	}
	if (p->n == 2) {
		for (i = 0; i < 2; i++)
			row_add(&r, p->key[i], p->node[i]);
		root = take_spare(e);
		fill(root, p->node[0]->level + 1, &r, 0, 2);
	}
	gpuvm__store(&e->t->levels, root->level + 1u, relaxed);
	publish(e, &e->t->root, root);
}

static void edit_by_copy(struct edit *e)
{
	struct pieces p;

	rebuild(e, gpuvm__load(&e->t->root, relaxed), e->lo, e->hi, WHOLE, &p);
	if (!p.done)
		publish_root(e, &p);
	bury(e);
}

/* ---- the old mappings ---- */

/* The next slot from @i on whose mapping overlaps [lo, hi), or b->n. */
static unsigned int next_old(struct bnode *b, unsigned int i, uint64_t lo, uint64_t hi)
{
	struct gpuvm_va *va;

	for (; i < b->n && b->key[i] < hi; i++) {
		va = bnode_va(b, i);
		if (va && va->end > lo)
			return i;
	}
	return b->n;
}

/* Chain them in front of *@removed; how many. *@leaf, *@spans: the first leaf, and whether it is not the last. */
static uint64_t chain_old(struct edit *e, struct gpuvm_va **removed, struct bnode **leaf, bool *spans)
{
	struct gpuvm_va **tail = removed, *rest = *removed;
	struct bfences f = { 0, e->lo };
	struct bnode *b;
	uint64_t n = 0;
	unsigned int i;

	for (*leaf = NULL; f.hi < e->hi; *leaf = *leaf ? *leaf : b) {
		*spans = *leaf;
		b = btree_leaf(e->t, f.hi, &f);
		for (i = next_old(b, 0, e->lo, e->hi); i < b->n; i = next_old(b, i + 1, e->lo, e->hi), n++) {
			*tail = bnode_va(b, i);
			tail = &(*tail)->obj.chain;
		}
	}
	*tail = rest;
	return n;
}

/* T1: each slot one store. */
static void clear_old(struct edit *e)
{
	struct bfences f = { 0, e->lo };
	struct bnode *b;
	unsigned int i;

	while (f.hi < e->hi) {
		b = btree_leaf(e->t, f.hi, &f);
		for (i = next_old(b, 0, e->lo, e->hi); i < b->n; i = next_old(b, i + 1, e->lo, e->hi)) {
			gpuvm__store(&b->slot[i], NULL, release);
			b->live--;
		}
	}
}

void gpuvm__btree_splice(struct btree *t, struct gpuvm__obj **spare, uint64_t lo, uint64_t hi,
			 struct gpuvm_va *const *in, unsigned int n, bool may_copy, struct gpuvm_va **removed)
{
	struct edit e = { .t = t, .spare = spare, .lo = lo, .hi = hi, .in = in, .n = n };
	struct bnode *leaf;
	bool spans = false, few;
	uint64_t old;

	old = chain_old(&e, removed, &leaf, &spans);
	few = leaf->level == 0 && leaf != gpuvm__load(&t->root, relaxed) && leaf->live <= old + BTREE_FEW;
	if (n || (may_copy && old && (spans || few)))
		edit_by_copy(&e);
	else if (old)
		clear_old(&e);
}
