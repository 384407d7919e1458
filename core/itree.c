/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * itree.c - see itree.h. Red-black insertion and deletion as in Cormen et al., chapter 13, with both mirror cases written
 * once (child[dir]), and the highest end kept along the way.
 *
 * Invariants: no red node has a red child; every path from a node to a leaf passes the same number of black nodes;
 * max_end of a node is the maximum of its own end and its children's max_end.
 */
#include "itree.h"

static inline uint64_t end_of(struct gpuvm__inode *n)
{
	return gpuvm__inode_va(n)->end;
}

static inline uint64_t start_of(struct gpuvm__inode *n)
{
	return gpuvm__inode_va(n)->start;
}

static inline struct gpuvm__inode *parent_of(struct gpuvm__inode *n)
{
	return (struct gpuvm__inode *)(n->up & ~(uintptr_t)1);
}

static inline void set_parent(struct gpuvm__inode *n, struct gpuvm__inode *p)
{
	n->up = (uintptr_t)p | (n->up & 1);
}

/* No node is a black one. */
static inline bool is_red(struct gpuvm__inode *n)
{
	return n && (n->up & 1);
}

static inline void set_red(struct gpuvm__inode *n, bool red)
{
	n->up = (n->up & ~(uintptr_t)1) | red;
}

static uint64_t compute_max(struct gpuvm__inode *n)
{
	uint64_t max = end_of(n);
	int i;

	for (i = 0; i < 2; i++)
		if (n->child[i] && n->child[i]->max_end > max)
			max = n->child[i]->max_end;
	return max;
}

/* From @n up to the root, as far as something changes. */
static void propagate(struct gpuvm__inode *n)
{
	for (; n; n = parent_of(n)) {
		uint64_t max = compute_max(n);

		if (n->max_end == max)
			return;
		n->max_end = max;
	}
}

static inline int side_of(struct gpuvm__inode *n)
{
	return parent_of(n)->child[1] == n;
}

/* Put @new (may be NULL) where @old hangs. */
static void replace_child(struct gpuvm__itree *t, struct gpuvm__inode *old, struct gpuvm__inode *new)
{
	struct gpuvm__inode *p = parent_of(old);

	if (!p)
		t->root = new;
	else
		p->child[side_of(old)] = new;
	if (new)
		set_parent(new, p);
}

/* @n goes down to side @dir, its other child comes up; both recompute. */
static void rotate(struct gpuvm__itree *t, struct gpuvm__inode *n, int dir)
{
	struct gpuvm__inode *up = n->child[!dir];

	replace_child(t, n, up);
	n->child[!dir] = up->child[dir];
	if (n->child[!dir])
		set_parent(n->child[!dir], n);
	up->child[dir] = n;
	set_parent(n, up);
	up->max_end = n->max_end; /* the same set of nodes */
	n->max_end = compute_max(n);
}

static void fix_insert(struct gpuvm__itree *t, struct gpuvm__inode *n)
{
	struct gpuvm__inode *p, *g, *uncle;
	int dir;

	while (is_red(p = parent_of(n))) {
		g = parent_of(p);
		dir = side_of(p);
		uncle = g->child[!dir];
		if (is_red(uncle)) {
			set_red(p, false);
			set_red(uncle, false);
			set_red(g, true);
			n = g;
			continue;
		}
		if (side_of(n) != dir) {
			rotate(t, p, dir);
			n = p;
			p = parent_of(n);
		}
		set_red(p, false);
		set_red(g, true);
		rotate(t, g, !dir);
	}
	set_red(t->root, false);
}

struct gpuvm_va *gpuvm__itree_insert(struct gpuvm__itree *t, struct gpuvm_va *va)
{
	struct gpuvm__inode *n = gpuvm__va_inode(va), **link = &t->root, *parent = NULL, *before = NULL;

	while (*link) {
		parent = *link;
		if (parent->max_end < va->end)
			parent->max_end = va->end;
		if (start_of(parent) < va->start) {
			before = parent;
			link = &parent->child[1];
		} else {
			link = &parent->child[0];
		}
	}
	n->up = (uintptr_t)parent | 1;
	n->child[0] = n->child[1] = NULL;
	n->max_end = va->end;
	*link = n;
	fix_insert(t, n);
	return before ? gpuvm__inode_va(before) : NULL;
}

/* The subtree on side @dir of @p lost one black node. */
static void fix_erase(struct gpuvm__itree *t, struct gpuvm__inode *n, struct gpuvm__inode *p, int dir)
{
	while (p && !is_red(n)) {
		struct gpuvm__inode *s = p->child[!dir];

		if (is_red(s)) {
			set_red(s, false);
			set_red(p, true);
			rotate(t, p, dir);
			s = p->child[!dir];
		}
		if (!is_red(s->child[0]) && !is_red(s->child[1])) {
			set_red(s, true);
			n = p;
			p = parent_of(n);
			dir = p ? side_of(n) : 0;
			continue;
		}
		if (!is_red(s->child[!dir])) {
			set_red(s->child[dir], false);
			set_red(s, true);
			rotate(t, s, !dir);
			s = p->child[!dir];
		}
		set_red(s, is_red(p));
		set_red(p, false);
		set_red(s->child[!dir], false);
		rotate(t, p, dir);
		n = t->root;
		break;
	}
	if (n)
		set_red(n, false);
}

/* Take out a node with at most one child. */
static void erase_simple(struct gpuvm__itree *t, struct gpuvm__inode *n)
{
	struct gpuvm__inode *c = n->child[0] ? n->child[0] : n->child[1], *p = parent_of(n);
	int dir = p ? side_of(n) : 0;

	replace_child(t, n, c);
	propagate(p);
	if (!is_red(n))
		fix_erase(t, c, p, dir);
}

/* Let @new take @old's place, links and colour. */
static void take_place(struct gpuvm__itree *t, struct gpuvm__inode *old, struct gpuvm__inode *new)
{
	int i;

	replace_child(t, old, new);
	for (i = 0; i < 2; i++) {
		new->child[i] = old->child[i];
		if (new->child[i])
			set_parent(new->child[i], new);
	}
	set_red(new, is_red(old));
	new->max_end = old->max_end;
	propagate(new);
}

void gpuvm__itree_erase(struct gpuvm__itree *t, struct gpuvm_va *va)
{
	struct gpuvm__inode *n = gpuvm__va_inode(va), *next;

	if (!n->child[0] || !n->child[1]) {
		erase_simple(t, n);
		return;
	}
	for (next = n->child[1]; next->child[0]; next = next->child[0])
		;
	erase_simple(t, next);
	take_place(t, n, next);
}

struct gpuvm_va *gpuvm__itree_first(struct gpuvm__itree *t, uint64_t lo, uint64_t hi)
{
	struct gpuvm__inode *n = t->root;

	if (!n || n->max_end <= lo)
		return NULL;
	/* Invariant: something in n's subtree ends above lo; the lowest such one is there. */
	for (;;) {
		if (n->child[0] && n->child[0]->max_end > lo) {
			n = n->child[0];
			continue;
		}
		if (start_of(n) >= hi)
			return NULL;
		if (end_of(n) > lo)
			return gpuvm__inode_va(n);
		n = n->child[1];
		if (!n || n->max_end <= lo)
			return NULL;
	}
}

struct gpuvm_va *gpuvm__itree_before(struct gpuvm__itree *t, uint64_t below)
{
	struct gpuvm__inode *n = t->root, *found = NULL;

	while (n) {
		if (start_of(n) < below) {
			found = n;
			n = n->child[1];
		} else {
			n = n->child[0];
		}
	}
	return found ? gpuvm__inode_va(found) : NULL;
}

void gpuvm__itree_shrink(struct gpuvm_va *va, uint64_t end)
{
	gpuvm__store(&va->end, end, relaxed); /* readers are excluded */
	propagate(gpuvm__va_inode(va));
}
