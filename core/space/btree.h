/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * btree.h - a B+tree of mappings whose nodes are copied, not changed: RCU readers, one writer at a time.
 *
 *   btree.c       nodes, the reserve, searching
 *   btree_edit.c  the writer's edit
 *
 * It knows ranges, not who excludes whom: space/btree_rcu.c says that.
 *
 *   T1  copies   What a node has (n, keys, slots) is constant once it is published, but for two things: a slot of
 *                a leaf may become NULL, once, for ever (its mapping was removed); a slot of an inner node may be
 *                replaced by a newer version of the same subtree. Both are one store, by who holds the tree's
 *                lock.
 *   T2  fences   The keys of an inner node are its children's lower fences; the first child has its node's. A
 *                mapping lies within one leaf's fences, wholly: an edit that would make one cross a fence moves
 *                the fence (it rebuilds all leaves it touches). While a leaf is current its fences only widen.
 *   T3  publish  An edit that puts something in builds the new versions of all nodes it changes aside and
 *                publishes them with one release store, in the lowest node that need not change, or in the root.
 *                A reader's acquire load of that slot sees all of the edit or nothing (S3).
 *   T4  dead     A node is marked dead before the store that replaces it: a reader that loaded something of a
 *                leaf and then finds the leaf not dead knows that it was current at that moment.
 *   T5  seq      One higher before the store that publishes such an edit, and one higher after it. A walk that went from
 *                one leaf to the next is exact if seq was the same before and after (S2), odd or even: at most one such
 *                edit was shown meanwhile; removals can only make what it saw absent more absent, and what it found
 *                was there when it was found.
 *   T6  one leaf What a search finds in one leaf needs no such check: the leaf was current at some moment of the
 *                search, slots only become NULL while it is, and the mapping found was in it at the last moment
 *                one of the lower slots changed.
 *   T7  spare    A section owns the nodes of the dearest edits it may make before it takes the lock (S4). What it
 *                does not need goes to the VM's reserve, from which the next request is stocked, or, if it was for
 *                many edits, back to its stock: allocated is what is used.
 */
#ifndef GPUVM_CORE_SPACE_BTREE_H
#define GPUVM_CORE_SPACE_BTREE_H

#include "space.h"

#define BTREE_CAP 16u
#define BTREE_FEW (BTREE_CAP / 4) /* so few look for a sibling to join */
#define BTREE_JOINED (3 * BTREE_CAP / 4) /* if both together have no more than this */

struct bnode {
	struct gpuvm__obj obj;
	_Atomic bool dead; /* T4 */
	uint8_t level; /* 0: leaf */
	uint16_t n;
	uint16_t live; /* leaf: slots that are not NULL; the writer's */
	uint32_t spares; /* of a spare one: how many are linked by obj.stock from here on */
	struct bnode *link; /* among the replaced */
	alignas(GPUVM__LINE) uint64_t key[BTREE_CAP]; /* UINT64_MAX from n on */
	_Atomic(void *) slot[BTREE_CAP]; /* struct bnode or struct gpuvm_va */
};

struct btree {
	_Atomic(void *) root; /* struct bnode */
	/* Written by every edit; a lookup reads root and nothing of this. */
	alignas(GPUVM__LINE) _Atomic uint64_t seq; /* T5; with the lock held, even between edits */
	_Atomic unsigned int levels;
	_Atomic uint64_t nodes; /* in the tree */
	struct gpuvm__mutex lock; /* writers of the tree */
	struct gpuvm__spin reserve_lock;
	struct gpuvm__obj *reserve; /* spare nodes */
};

/* Where a walk is: valid inside one read section, or while the lock is held. */
struct btree_pos {
	struct bnode *leaf; /* NULL: nowhere */
	uint64_t end; /* of the mapping found last */
	unsigned int index; /* its slot */
};

int gpuvm__btree_init(struct gpuvm_vm *vm, struct btree *t);
void gpuvm__btree_fini(struct btree *t);

/* stock() of the contract. */
int gpuvm__btree_stock(struct gpuvm_vm *vm, struct btree *t, struct gpuvm__obj **stock, unsigned int vas,
		       unsigned int edits);
/* Are @spare nodes enough for the edits of section @c? */
bool gpuvm__btree_stocked(struct btree *t, const struct gpuvm__cursor *c, const struct gpuvm__obj *spare);
/* Make it so, at first out of @c->stock. -ENOMEM: nothing in @spare. No lock held. */
int gpuvm__btree_equip(struct gpuvm__cursor *c, struct btree *t, struct gpuvm__obj **spare);
/* The section is over: keep or free what is left. */
void gpuvm__btree_strip(struct gpuvm__cursor *c, struct btree *t, struct gpuvm__obj **spare);

/* The mapping at @addr or NULL. Read section. */
struct gpuvm_va *gpuvm__btree_at(struct btree *t, uint64_t addr);
/* The lowest that overlaps [from, hi), exactly (S2). Read section. @pos: where the walk is, updated. */
struct gpuvm_va *gpuvm__btree_next(struct btree *t, uint64_t from, uint64_t hi, struct btree_pos *pos);
/* The highest that overlaps [lo, below). Read section; nobody edits [lo, below). */
struct gpuvm_va *gpuvm__btree_prev(struct btree *t, uint64_t lo, uint64_t below);

/*
 * As splice() of the contract. Lock held; new nodes come from @spare. @may_copy: n is not 0, or there are nodes for an
 * edit that only removes; if not, that one clears slots and leaves the tree's shape.
 */
void gpuvm__btree_splice(struct btree *t, struct gpuvm__obj **spare, uint64_t lo, uint64_t hi,
			 struct gpuvm_va *const *in, unsigned int n, bool may_copy, struct gpuvm_va **removed);

static inline size_t gpuvm__btree_bytes(struct btree *t)
{
	return gpuvm__load(&t->nodes, relaxed) * sizeof(struct bnode);
}

/* ---- spare nodes: linked by obj.stock, each knowing how many there are from it on ---- */

static inline struct bnode *bspare_of(const struct gpuvm__obj *obj)
{
	return container_of(obj, struct bnode, obj);
}

static inline unsigned int bspare_count(const struct gpuvm__obj *list)
{
	return list ? bspare_of(list)->spares : 0;
}

static inline void bspare_push(struct gpuvm__obj **list, struct bnode *b)
{
	b->spares = bspare_count(*list) + 1;
	b->obj.stock = *list;
	*list = &b->obj;
}

static inline struct bnode *bspare_pop(struct gpuvm__obj **list)
{
	struct bnode *b = *list ? bspare_of(*list) : NULL;

	if (b)
		*list = b->obj.stock;
	return b;
}

/* @b is nobody's but ours yet. */
static inline void bnode_clear(struct bnode *b, unsigned int level)
{
	unsigned int i;

	atomic_init(&b->dead, false);
	b->level = level;
	b->n = b->live = 0;
	b->link = NULL;
	for (i = 0; i < BTREE_CAP; i++) {
		b->key[i] = UINT64_MAX;
		atomic_init(&b->slot[i], NULL);
	}
}

/* ---- searching ---- */

/* How many keys are <= @addr. */
static inline unsigned int bnode_count(const struct bnode *b, uint64_t addr)
{
	unsigned int i, n = 0;

	for (i = 0; i < BTREE_CAP; i++)
		n += b->key[i] <= addr;
	return n;
}

/* Which child of an inner node leads to @addr. */
static inline unsigned int bnode_child(const struct bnode *b, uint64_t addr)
{
	unsigned int n = bnode_count(b, addr);

	return n ? n - 1 : 0;
}

/* Acquire: pairs with the release that published what is there (T3). */
static inline struct bnode *bnode_down(struct bnode *b, unsigned int i)
{
	return gpuvm__load(&b->slot[i], acquire);
}

static inline struct gpuvm_va *bnode_va(struct bnode *b, unsigned int i)
{
	return gpuvm__load(&b->slot[i], acquire);
}

struct bfences {
	uint64_t lo, hi;
};

/* The leaf of @addr and its fences, or narrower ones (T2). */
static inline struct bnode *btree_leaf(struct btree *t, uint64_t addr, struct bfences *f)
{
	struct bnode *b = gpuvm__load(&t->root, acquire);
	unsigned int i;

	*f = (struct bfences){ 0, UINT64_MAX };
	while (b->level) {
		i = bnode_child(b, addr);
		if (i)
			f->lo = b->key[i];
		if (i + 1 < b->n)
			f->hi = b->key[i + 1];
		b = bnode_down(b, i);
	}
	return b;
}

#endif /* GPUVM_CORE_SPACE_BTREE_H */
