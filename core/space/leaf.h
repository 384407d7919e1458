/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf.h - what the parts of space:leaf share: leaves, the tree above them, and how both are searched.
 *
 *   leaf.c        the operations of the axis; readers
 *   leaf_write.c  a writer's section: lock, unlock, spare leaves
 *   leaf_edit.c   what it does to the leaves it holds: edit, split
 *   leaf_merge.c  what keeps sparse leaves from piling up
 *   leaf_index.c  the tree above the leaves
 *
 * Leaves partition the addresses by fences. A writer locks the leaves that its range touches and nothing else; a reader
 * locks nothing. docs/space-leaf.md has the argument at length; these are the invariants it rests on:
 *
 *   F1  fences   Live leaves partition [0, UINT64_MAX): leaf->hi == leaf->right->lo. A leaf's lo never changes.
 *   F2  entries  A leaf has every mapping that overlaps [lo, hi), in order, so a mapping that crosses a fence is in the
 *                leaves on both sides. Only entry 0 may start before lo, only the last may end after hi. Keys beyond n
 *                are UINT64_MAX, slots NULL.
 *   F3  lock     hi, right, entries and death of a leaf change under its lock; it dies only with its left neighbour's lock
 *                held too. So whoever holds a live leaf's lock may follow right: what is there is alive.
 *   F4  seq      EDIT is set before the first store of an edit and cleared, with a new count, after the last. Stores of
 *                an edit are release, a reader's loads acquire: who loaded anything of an edit sees EDIT or a later seq
 *                afterwards. Two equal even seqs around some loads: they are of one state.
 *   F5  dead     DEAD is for ever. right of a dead leaf leads to the leaf that took its range, whose lo is lower.
 *   F6  hints    From the tree, and by right links, a reader gets to leaves whose lo is not above its address and that were
 *                alive at some moment of its section. From each of those right links lead to the live leaf of the address;
 *                also from the first leaf, which is never dead: who starts there needs no tree and no section to find it.
 *   F7  order    A thread waits for a leaf's lock only while all it holds, in whatever sections, are to the left of it; to
 *                the left it only tries.
 *   F8  retire   A dead leaf is retired after it left the tree, dead leaves in the order in which they died: so what a
 *                dead leaf's right leads to is not freed before a reader that could hold that dead leaf is gone.
 *   F9  end      The end of a mapping that stays changes in the edit of the one leaf that has it, so a reader loads it
 *                before it looks at seq again. A mapping that is in several leaves does not change (S7).
 */
#ifndef GPUVM_CORE_SPACE_LEAF_H
#define GPUVM_CORE_SPACE_LEAF_H

#include "space.h"

#define LEAF_GROUP 8u /* keys of a cache line */
#define LEAF_CAP 24u /* entries of a leaf */
#define LEAF_SPLICE_MAX (LEAF_CAP + GPUVM__SPLICE_MAX) /* entries of a leaf about to be split */
#define LEAF_FEW 6u /* a leaf with so many looks for a right neighbour to take in */
#define LEAF_MERGED 12u /* if both together have no more than this */

#define LEAF_EDIT 1u
#define LEAF_DEAD 2u
#define LEAF_COUNT 4u

struct leaf {
	struct gpuvm__obj obj;
	_Atomic uint32_t seq;
	struct gpuvm__spin lock;
	_Atomic uint64_t hi;
	_Atomic uint64_t pivot[LEAF_CAP / LEAF_GROUP - 1]; /* key[8], key[16]: tell the group without looking at it */

	uint64_t lo; /* constant once published */
	_Atomic(struct leaf *) right;
	_Atomic uint32_t n; /* under lock; others may look */
	bool indexed; /* in the tree; the index's keeper only */
	struct leaf *next_new, *next_dead; /* on the lists of news to the index */

	alignas(GPUVM__LINE) _Atomic uint64_t key[LEAF_CAP]; /* starts */
	_Atomic(struct gpuvm_va *) slot[LEAF_CAP];
};

/* ---- the tree above: immutable but for the child pointers, each replaced by one store ---- */

#define INODE_CAP 32u
#define INODE_LEVELS 12u

struct inode {
	struct gpuvm__obj obj;
	uint32_t level; /* 0: children are leaves */
	uint32_t n;
	uint64_t pivot[INODE_CAP / LEAF_GROUP - 1];
	alignas(GPUVM__LINE) uint64_t key[INODE_CAP]; /* UINT64_MAX beyond n */
	_Atomic(void *) child[INODE_CAP];
};

struct leaf_state {
	_Atomic(struct inode *) root;
	struct leaf *first; /* lo 0: never dies; constant */
	_Atomic bool alone; /* the tree has no leaf but the first; a hint as the tree is */
	/* News: stacks, pushed by writers, emptied by the keeper. Not in the line of root, which every lookup reads. */
	alignas(GPUVM__LINE) _Atomic(struct leaf *) born;
	_Atomic(struct leaf *) died;
	struct gpuvm__spin keeper; /* only ever tried: who has it brings the tree up to date */
	struct leaf *unborn, *undead; /* the keeper's: taken off the stacks, oldest first, not dealt with for want of memory */
};

static inline struct leaf_state *leaf_state(struct gpuvm_vm *vm)
{
	return GPUVM__SPACE_STATE(struct leaf_state, vm);
}

/* ---- a cursor's scratch ---- */

/*
 * @first, @last: writer: held, and all between them
 * @spare: writer: linked by obj.stock; for splits, if there is no stock or not enough in it
 * @at, @index: where the last answer was: leaf and entry
 * @from, @to: writer: entries [from, to) of @first overlap the section; if that is @last, too, and until it is edited
 * @edited: writer: something changed
 */
struct leaf_cursor {
	struct leaf *first, *last;
	struct gpuvm__obj *spare;
	struct leaf *at;
	uint8_t index;
	uint8_t from, to;
	bool edited;
};

static_assert(sizeof(struct leaf_cursor) <= sizeof(((struct gpuvm__cursor *)0)->scratch), "scratch too small");

static inline struct leaf_cursor *leaf_cursor(struct gpuvm__cursor *c)
{
	return (struct leaf_cursor *)c->scratch;
}

/* ---- searching ---- */

/* How many keys are <= @addr. Acquire: F4. (Unrolled, as below: the compiler does not dare, and the loop costs as much.) */
static inline unsigned int leaf_find(struct leaf *l, uint64_t addr)
{
	unsigned int at = 0, i;
	_Atomic uint64_t *key;

	for (i = 0; i < ARRAY_SIZE(l->pivot); i++)
		at += gpuvm__load(&l->pivot[i], acquire) <= addr;
	at *= LEAF_GROUP;
	key = &l->key[at];
#pragma GCC unroll 8
	for (i = 0; i < LEAF_GROUP; i++)
		at += gpuvm__load(&key[i], acquire) <= addr;
	return at;
}

/* The same for who holds the lock, if the first @below keys are all that can be. */
static inline unsigned int leaf_find_below(struct leaf *l, unsigned int below, uint64_t addr)
{
	while (below && gpuvm__load(&l->key[below - 1], relaxed) > addr)
		below--;
	return below;
}

/* Which child leads to @addr: the last key <= @addr. */
static inline unsigned int inode_find(const struct inode *n, uint64_t addr)
{
	unsigned int at = 0, i;
	const uint64_t *key;

#pragma GCC unroll 4
	for (i = 0; i < ARRAY_SIZE(n->pivot); i++)
		at += n->pivot[i] <= addr;
	at *= LEAF_GROUP;
	key = &n->key[at];
#pragma GCC unroll 8
	for (i = 0; i < LEAF_GROUP; i++)
		at += key[i] <= addr;
	return at - 1;
}

/*
 * All lines of a node at once, before it is looked at: else each costs a miss of its own, one after the other, as the
 * search finds out which it wants next.
 */
static inline void leaf_prefetch(const void *node, size_t size)
{
	size_t at;

#pragma GCC unroll 16
	for (at = 0; at < size; at += GPUVM__LINE)
		__builtin_prefetch((const char *)node + at);
}

/* Is there no need to look further than the first leaf? Relaxed: whatever the tree has become, one may start there (F6). */
static inline bool leaf_alone(struct leaf_state *s)
{
	return gpuvm__load(&s->alone, relaxed);
}

/* A leaf from which right links lead to @addr (F6). Read section. Acquire pairs with the release that published each. */
static inline struct leaf *leaf_locate(struct leaf_state *s, uint64_t addr)
{
	struct inode *n;
	struct leaf *l;

	if (leaf_alone(s))
		return s->first;
	n = gpuvm__load(&s->root, acquire);
	while (n->level) {
		n = gpuvm__load(&n->child[inode_find(n, addr)], acquire);
		leaf_prefetch(n, sizeof(*n));
	}
	l = gpuvm__load(&n->child[inode_find(n, addr)], acquire);
	leaf_prefetch(l, sizeof(*l));
	return l;
}

/* leaf.c: until the edit is over. It is short, but its writer may be off its CPU. */
void gpuvm__leaf_wait(struct leaf *l);

/*
 * The seq of *@l with an even count and *@l a leaf that had @addr in [lo, hi) while that seq held. Read section. The
 * caller loads what it wants and compares seq again.
 */
static inline uint32_t leaf_settle(struct leaf **l, uint64_t addr)
{
	struct leaf *next;
	uint32_t seq;

	for (;; gpuvm__count(SPACE_RETRY)) {
		seq = gpuvm__load(&(*l)->seq, acquire);
		if (unlikely(seq & LEAF_EDIT)) {
			gpuvm__leaf_wait(*l);
			continue;
		}
		if (likely(!(seq & LEAF_DEAD) && addr < gpuvm__load(&(*l)->hi, acquire)))
			return seq;
		next = gpuvm__load(&(*l)->right, acquire);
		if (gpuvm__load(&(*l)->seq, relaxed) == seq)
			*l = next;
	}
}

static inline bool leaf_settled(struct leaf *l, uint32_t seq)
{
	return likely(gpuvm__load(&l->seq, relaxed) == seq);
}

/* ---- under the leaf's lock ---- */

static inline uint32_t leaf_n(struct leaf *l)
{
	return gpuvm__load(&l->n, relaxed);
}

static inline uint64_t leaf_hi(struct leaf *l)
{
	return gpuvm__load(&l->hi, relaxed);
}

static inline struct leaf *leaf_right(struct leaf *l)
{
	return gpuvm__load(&l->right, relaxed);
}

static inline bool leaf_dead(struct leaf *l)
{
	return gpuvm__load(&l->seq, relaxed) & LEAF_DEAD;
}

static inline struct gpuvm_va *leaf_slot(struct leaf *l, unsigned int i)
{
	return gpuvm__load(&l->slot[i], relaxed);
}

/* Relaxed: each store of the edit is release, so none is visible before this one (F4). */
static inline void leaf_edit_begin(struct leaf *l)
{
	gpuvm__store(&l->seq, gpuvm__load(&l->seq, relaxed) + LEAF_EDIT, relaxed);
}

static inline void leaf_edit_end(struct leaf *l)
{
	gpuvm__store(&l->seq,
		     gpuvm__load(&l->seq, relaxed) - LEAF_EDIT + (GPUVM_PLANT(leaf_no_bump) ? 0 : LEAF_COUNT), release);
}

struct leaf_entry {
	uint64_t key;
	struct gpuvm_va *va;
};

/* Are the cursor's @from and @to true? What begin() found out holds until the first edit, if all of it is in one leaf. */
static inline bool leaf_known(struct leaf_cursor *lc)
{
	return lc->first == lc->last && !lc->edited;
}

/* The held leaf of @addr. */
static inline struct leaf *leaf_held(struct leaf_cursor *lc, uint64_t addr)
{
	struct leaf *l = lc->first;

	while (l != lc->last && leaf_hi(l) <= addr)
		l = leaf_right(l);
	return l;
}

/* leaf_write.c */
int gpuvm__leaf_stock(struct gpuvm_vm *vm, struct gpuvm__obj **stock, unsigned int vas, unsigned int edits);
int gpuvm__leaf_write_begin(struct gpuvm__cursor *c);
bool gpuvm__leaf_write_begin_right(struct gpuvm__cursor *c, struct gpuvm__cursor *left);
void gpuvm__leaf_write_end(struct gpuvm__cursor *c);

/* leaf_edit.c */
void gpuvm__leaf_splice(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
			struct gpuvm_va **removed);
bool gpuvm__leaf_shrinks(struct gpuvm__cursor *c, struct gpuvm_va *va);
/* Inside an edit. Entries [i, j) become @in[0..m); the result fits. */
void gpuvm__leaf_replace(struct leaf *l, unsigned int i, unsigned int j, const struct leaf_entry *in, unsigned int m);

/* leaf_merge.c: take in neighbours that are nearly empty. All held leaves stay held, or die into one that is held. */
void gpuvm__leaf_tidy(struct gpuvm__cursor *c);

/* Is there anything to take in? Not where all that is held is one leaf that is full enough, or has no neighbours. */
static inline bool leaf_untidy(struct leaf_cursor *lc)
{
	struct leaf *l = lc->last;

	return l != lc->first || (leaf_n(l) <= LEAF_FEW && (leaf_right(l) || l->lo));
}

/* leaf_index.c */
struct leaf *gpuvm__leaf_alloc(struct gpuvm_vm *vm);
void gpuvm__leaf_init(struct leaf *l);
int gpuvm__leaf_index_init(struct gpuvm_vm *vm);
void gpuvm__leaf_index_fini(struct gpuvm_vm *vm);
/* News to the tree: a leaf was split off, a leaf died (its lock, or its left neighbour's, held). */
void gpuvm__leaf_born(struct leaf_state *s, struct leaf *l);
void gpuvm__leaf_died(struct leaf_state *s, struct leaf *l);
/* Bring the tree up to date, as far as there is memory, unless someone else is at it. No leaf lock held. */
void gpuvm__leaf_index_sync(struct gpuvm_vm *vm);

static inline void leaf_index_sync(struct gpuvm_vm *vm)
{
	struct leaf_state *s = leaf_state(vm);

	if (unlikely(gpuvm__load(&s->born, relaxed) || gpuvm__load(&s->died, relaxed)))
		gpuvm__leaf_index_sync(vm);
}

size_t gpuvm__leaf_index_bytes(struct gpuvm_vm *vm);

#endif /* GPUVM_CORE_SPACE_LEAF_H */
