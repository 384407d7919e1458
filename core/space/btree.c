/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * btree.c - see btree.h: nodes come and go, readers search.
 */
#include "btree.h"

/* ---- nodes ---- */

static struct bnode *create(struct gpuvm_vm *vm)
{
	struct bnode *b = gpuvm__obj_alloc_raw(vm->dev->alloc, GPUVM_TYPE_INDEX, sizeof(*b), GPUVM__LINE);

	if (b)
		gpuvm__count(SPACE_ALLOC);
	return b;
}

int gpuvm__btree_init(struct gpuvm_vm *vm, struct btree *t)
{
	struct bnode *root = create(vm);

	if (!root)
		return -ENOMEM;
	bnode_clear(root, 0);
	gpuvm__mutex_init(&t->lock);
	gpuvm__spin_init(&t->reserve_lock);
	gpuvm__store(&t->root, (void *)root, release);
	gpuvm__store(&t->levels, 1, relaxed);
	gpuvm__store(&t->nodes, 1, relaxed);
	return 0;
}

static void free_tree(struct bnode *b)
{
	unsigned int i;

	for (i = 0; b->level && i < b->n; i++)
		free_tree(bnode_down(b, i));
	gpuvm__obj_free(b);
}

static void free_spare(struct gpuvm__obj **spare)
{
	struct bnode *b;

	while ((b = bspare_pop(spare)))
		gpuvm__obj_free(b);
}

/* Nobody uses the VM any more. */
void gpuvm__btree_fini(struct btree *t)
{
	free_tree(gpuvm__load(&t->root, acquire));
	free_spare(&t->reserve);
	gpuvm__mutex_fini(&t->lock);
}

/* ---- spare nodes (T7) ---- */

#define RESERVE_MAX 64 /* about two requests' */

/*
 * With h levels an edit makes at most 3 nodes per level (two on the left of what it cuts out, one on the right), and a
 * root. Two edits at most fill (madvise); then neither spans mappings, which makes it two nodes per level and a root each.
 */
static unsigned int dearest(unsigned int h, enum gpuvm__grow grow)
{
	if (grow == GPUVM__SHRINKS)
		return 0;
	return grow == GPUVM__CUTS ? 3 * h + 1 : 4 * h + 4;
}

/*
 * How high a tree of @h levels can get by the edits of a section before its last one. An edit adds at most one child to a
 * node, and one that was split needs about eight more before it is full again.
 */
static unsigned int raised(unsigned int h, unsigned int edits)
{
	for (; edits > 1; edits /= 8)
		h++;
	return h;
}

/*
 * Of many requests each makes one edit. That all of them cross the fences of the upper levels, or find all nodes full, is
 * hardly ever so: what is left over comes back.
 */
static unsigned int dearest_many(unsigned int h, enum gpuvm__grow grow, unsigned int edits)
{
	if (edits <= 1 || grow == GPUVM__SHRINKS)
		return dearest(h, grow);
	return edits * dearest(h, GPUVM__CUTS);
}

static struct gpuvm__obj *take_reserve(struct btree *t)
{
	struct gpuvm__obj *list;

	gpuvm__spin_lock(&t->reserve_lock, GPUVM__LOCK_LEAF);
	list = t->reserve;
	t->reserve = NULL;
	gpuvm__spin_unlock(&t->reserve_lock);
	return list;
}

/* In the reserve, as many as it takes; frees the rest. */
static void keep(struct btree *t, struct gpuvm__obj **spare)
{
	gpuvm__spin_lock(&t->reserve_lock, GPUVM__LOCK_LEAF);
	if (!t->reserve) {
		t->reserve = *spare;
		*spare = NULL;
	}
	while (*spare && bspare_count(t->reserve) < RESERVE_MAX)
		bspare_push(&t->reserve, bspare_pop(spare));
	gpuvm__spin_unlock(&t->reserve_lock);
	free_spare(spare);
}

static bool top_up(struct gpuvm_vm *vm, struct gpuvm__obj **list, unsigned int n)
{
	struct bnode *b;

	while (bspare_count(*list) < n) {
		b = create(vm);
		if (!b)
			return false;
		bspare_push(list, b);
	}
	return true;
}

/*
 * The tree may grow before the request runs: by a level if it has five, that is tens of thousands of mappings; else up
 * to five.
 */
int gpuvm__btree_stock(struct gpuvm_vm *vm, struct btree *t, struct gpuvm__obj **stock, unsigned int vas,
		       unsigned int edits)
{
	unsigned int h = raised(gpuvm__load(&t->levels, relaxed) + 1, edits), had;
	enum gpuvm__grow grow = vas <= GPUVM_SM_UNMAP_VAS ? GPUVM__CUTS : GPUVM__FILLS;

	if (!*stock)
		*stock = take_reserve(t);
	had = bspare_count(*stock);
	if (top_up(vm, stock, dearest_many(h > 5 ? h : 5, grow, edits)))
		return 0;
	while (bspare_count(*stock) > had)
		gpuvm__obj_free(bspare_pop(stock));
	keep(t, stock);
	return -ENOMEM;
}

/* What a section needs, as high as the tree is now. */
static unsigned int wanted(struct btree *t, const struct gpuvm__cursor *c)
{
	return dearest_many(raised(gpuvm__load(&t->levels, relaxed), c->edits), c->grow, c->edits);
}

bool gpuvm__btree_stocked(struct btree *t, const struct gpuvm__cursor *c, const struct gpuvm__obj *spare)
{
	return bspare_count(spare) >= wanted(t, c);
}

int gpuvm__btree_equip(struct gpuvm__cursor *c, struct btree *t, struct gpuvm__obj **spare)
{
	if (c->stock && !*spare) {
		*spare = *c->stock;
		*c->stock = NULL;
	}
	if (top_up(c->vm, spare, wanted(t, c)))
		return 0;
	free_spare(spare);
	return -ENOMEM;
}

/* Who brought a stock will want the next one. */
void gpuvm__btree_strip(struct gpuvm__cursor *c, struct btree *t, struct gpuvm__obj **spare)
{
	if (c->stock && c->edits > 1) {
		*c->stock = *spare;
		*spare = NULL;
	} else if (c->stock && *spare) {
		keep(t, spare);
	}
	free_spare(spare);
}

/* ---- searching ---- */

struct gpuvm_va *gpuvm__btree_at(struct btree *t, uint64_t addr)
{
	struct bnode *b = gpuvm__load(&t->root, acquire);
	struct gpuvm_va *va;
	unsigned int n;

	while (b->level)
		b = bnode_down(b, bnode_child(b, addr));
	n = bnode_count(b, addr);
	va = n ? bnode_va(b, n - 1) : NULL;
	return va && va->end > addr ? va : NULL;
}

/* The lowest of @b's mappings that ends after @from, and its slot. */
static struct gpuvm_va *lowest(struct bnode *b, uint64_t from, unsigned int *index)
{
	unsigned int i = bnode_count(b, from);
	struct gpuvm_va *va;

	for (i = i ? i - 1 : 0; i < b->n; i++) {
		va = bnode_va(b, i);
		if (va && va->end > from) {
			*index = i;
			return va;
		}
	}
	return NULL;
}

/* From leaf to leaf; T5 if there was more than one. The second look may be relaxed: each load before it is acquire. */
static struct gpuvm_va *search(struct btree *t, uint64_t from, uint64_t hi, struct btree_pos *pos)
{
	struct gpuvm_va *va;
	struct bfences f;
	uint64_t seq, at;
	bool crossed;

	for (;; gpuvm__count(SPACE_RETRY)) {
		seq = gpuvm__load(&t->seq, acquire);
		crossed = false;
		for (at = from;; at = f.hi, crossed = true) {
			pos->leaf = btree_leaf(t, at, &f);
			va = lowest(pos->leaf, at, &pos->index);
			if (va || f.hi >= hi)
				break;
		}
		if (!crossed || likely(gpuvm__load(&t->seq, relaxed) == seq))
			return va;
	}
}

/* The one after the last, if it is in the same leaf and that leaf is current (T4). */
static struct gpuvm_va *step(struct btree_pos *pos, uint64_t from)
{
	struct bnode *b = pos->leaf;
	struct gpuvm_va *va = NULL;
	unsigned int i;

	if (!b || pos->end != from)
		return NULL;
	for (i = pos->index + 1; i < b->n && !va; i++)
		va = bnode_va(b, i);
	if (!va || gpuvm__load(&b->dead, acquire))
		return NULL;
	pos->index = i - 1;
	return va;
}

struct gpuvm_va *gpuvm__btree_next(struct btree *t, uint64_t from, uint64_t hi, struct btree_pos *pos)
{
	struct gpuvm_va *va;

	if (from >= hi)
		return NULL;
	va = step(pos, from);
	if (!va)
		va = search(t, from, hi, pos);
	if (!va || va->start >= hi) {
		pos->leaf = NULL;
		return NULL;
	}
	pos->end = va->end;
	return va;
}

struct gpuvm_va *gpuvm__btree_prev(struct btree *t, uint64_t lo, uint64_t below)
{
	struct gpuvm_va *va;
	struct bfences f;
	struct bnode *b;
	unsigned int n;

	for (; below > lo; below = f.lo) {
		b = btree_leaf(t, below - 1, &f);
		for (n = bnode_count(b, below - 1); n; n--) {
			va = bnode_va(b, n - 1);
			if (va)
				return va->end > lo ? va : NULL;
		}
	}
	return NULL;
}
