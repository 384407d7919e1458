/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * pending.c - see pending.h: a treap of intervals.
 *
 * Splitting and joining treaps is all there is: an edit splits its interval out, whole, which is also what undoing it
 * wants; no rebalancing has to be undone. Priorities are a hash of the node's number: each run is like the last.
 */
#include "pending.h"

#define AS_THE_INDEX ((struct gpuvm_va *)(uintptr_t)1)

static struct gpuvm__pnode *node_of(const struct gpuvm__pending *p, uint32_t i)
{
	return &p->node[i];
}

static uint32_t priority(uint32_t i)
{
	i *= 0x9e3779b1u;
	i ^= i >> 15;
	i *= 0x85ebca77u;
	return i ^ i >> 13;
}

static uint32_t add(struct gpuvm__pending *p, uint64_t start, struct gpuvm_va *va)
{
	*node_of(p, p->nr) = (struct gpuvm__pnode){ .start = start, .va = va };
	return p->nr++;
}

void gpuvm__pending_init(struct gpuvm__pending *p, struct gpuvm__pnode *node)
{
	p->node = node;
	p->nr = 1; /* 0 is none */
	p->root = add(p, 0, AS_THE_INDEX);
}

/* ---- trees ---- */

/* Those that start before @at to *@left, the others to *@right. */
static void split(struct gpuvm__pending *p, uint32_t tree, uint64_t at, uint32_t *left, uint32_t *right)
{
	while (tree) {
		struct gpuvm__pnode *n = node_of(p, tree);

		if (n->start < at) {
			*left = tree;
			left = &n->right;
			tree = n->right;
		} else {
			*right = tree;
			right = &n->left;
			tree = n->left;
		}
	}
	*left = *right = 0;
}

/* All of @left start before all of @right. */
static uint32_t join(struct gpuvm__pending *p, uint32_t left, uint32_t right)
{
	uint32_t tree, *to = &tree;

	while (left && right) {
		if (priority(left) > priority(right)) {
			*to = left;
			to = &node_of(p, left)->right;
			left = *to;
		} else {
			*to = right;
			to = &node_of(p, right)->left;
			right = *to;
		}
	}
	*to = left ? left : right;
	return tree;
}

/* The node that has @addr, and where the next one starts. */
static const struct gpuvm__pnode *find(const struct gpuvm__pending *p, uint64_t addr, uint64_t *end)
{
	const struct gpuvm__pnode *n, *found = NULL;
	uint32_t i = p->root;

	*end = UINT64_MAX;
	while (i) {
		n = node_of(p, i);
		if (n->start <= addr) {
			found = n;
			i = n->right;
		} else {
			*end = n->start;
			i = n->left;
		}
	}
	return found;
}

/* ---- looking ---- */

struct gpuvm_va *gpuvm__pending_next(const struct gpuvm__pending *p, struct gpuvm__cursor *c, uint64_t from, uint64_t hi)
{
	const struct gpuvm__pnode *n;
	struct gpuvm_va *va;
	uint64_t end;

	for (; from < hi; from = end) {
		n = find(p, from, &end);
		va = n->va == AS_THE_INDEX ? c->vm->space->next(c, from) : n->va;
		if (va && va->start < hi && va->start < end)
			return va;
	}
	return NULL;
}

struct gpuvm_va *gpuvm__pending_prev(const struct gpuvm__pending *p, struct gpuvm__cursor *c, uint64_t lo, uint64_t below)
{
	const struct gpuvm__pnode *n;
	struct gpuvm_va *va;
	uint64_t end;

	for (; below > lo; below = n->start) {
		n = find(p, below - 1, &end);
		va = n->va == AS_THE_INDEX ? c->vm->space->prev(c, below) : n->va;
		if (va && va->end > lo && va->end > n->start)
			return va;
	}
	return NULL;
}

/* ---- editing ---- */

/* So that a node starts at @at. Never in the middle of a mapping to come (P2). */
static void cut(struct gpuvm__pending *p, uint64_t at)
{
	uint32_t left, right;
	uint64_t end;
	const struct gpuvm__pnode *n = find(p, at, &end);

	if (n->start == at)
		return;
	GPUVM__BUG_ON(n->va && n->va != AS_THE_INDEX);
	split(p, p->root, at, &left, &right);
	p->root = join(p, join(p, left, add(p, at, n->va)), right);
}

/* The nodes of [lo, hi) become those below @new; returns those that were there. */
static uint32_t exchange(struct gpuvm__pending *p, uint64_t lo, uint64_t hi, uint32_t new)
{
	uint32_t left, old, right;

	split(p, p->root, lo, &left, &old);
	split(p, old, hi, &old, &right);
	p->root = join(p, join(p, left, new), right);
	return old;
}

void gpuvm__pending_splice(struct gpuvm__pending *p, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
			   struct gpuvm__pending_edit *edit)
{
	uint64_t at, end = n && in[n - 1]->end > hi ? in[n - 1]->end : hi;
	uint32_t new = 0;
	unsigned int i;

	at = edit->lo = n && in[0]->start < lo ? in[0]->start : lo;
	edit->hi = end;
	cut(p, at);
	cut(p, end);
	for (i = 0; i < n; i++) {
		if (in[i]->start > at)
			new = join(p, new, add(p, at, NULL));
		new = join(p, new, add(p, in[i]->start, in[i]));
		at = in[i]->end;
	}
	if (at < end)
		new = join(p, new, add(p, at, NULL));
	edit->old = exchange(p, edit->lo, edit->hi, new);
}

void gpuvm__pending_undo(struct gpuvm__pending *p, const struct gpuvm__pending_edit *edit)
{
	exchange(p, edit->lo, edit->hi, edit->old);
}
