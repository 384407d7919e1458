/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * skip.h - what the parts of space:skiplist share: the list of mappings, which is the map and the lock in one, and the
 * towers above it.
 *
 *   skiplist.c        the operations of the axis: readers, a writer's section, its edits
 *   skiplist_tower.c  the towers: how they are searched, linked and unlinked
 *
 * A mapping has one word in the list: what comes next, is that link locked, is the mapping dead. Writers lock the links that
 * lead into and out of what they edit; a reader locks nothing and never waits.
 *
 *   N1  list     From the head on, links lead through all mappings of the VM in address order. What a mapping says of itself
 *                (start, end and the rest) is constant while it is linked.
 *   N2  lock     A link changes only by who has it locked. Who puts something into a gap holds the link across the gap; who
 *                takes a mapping out holds its link and the one that leads to it. So what a locked link leads to is alive and
 *                stays, and so does the mapping whose link it is.
 *   N3  section  A section holds the link of the last mapping that ends at or before lo (or the head's), and of all that
 *                overlap [lo, hi): wholly, whatever sticks out (S1). It is looked for without a lock, so once the first link
 *                is locked it is looked at again: is its mapping alive, is it still the last one?
 *   N4  order    Links are locked in address order, also those of several sections (S6): who waits holds nothing to the right.
 *   N5  publish  One release store of the first link, to a new chain that is whole behind it, is the edit (S3). Those that
 *                went lead on as they did, for ever: their links stay locked.
 *   N6  dead     They are marked before that store. So one whose link is loaded without the mark was in the list then.
 *   N7  walk     Who starts at a mapping that was in the list at a moment of the call and follows links, marked or not, goes
 *                through mappings that were in the list at later and later moments of it: if X is alive when its link is
 *                loaded, what that leads to is, too; else it was when X went, which is no earlier than the moment at which
 *                X was known to be there. At that moment the two were neighbours, so nothing was mapped between them, and
 *                the first mapping that ends after an address was the lowest one there (S2). No second look.
 *   N8  towers   Whether a mapping has a tower, and of how many levels, is a function of its start: one in four has one, every
 *                other one of those a second level, and so on. So a piece with the start of what it was cut from takes over
 *                its tower; new starts are those of the request: its lo and its hi. stock() knows how many that may be (S4).
 *   N9  hints    Towers say where to start, nothing else. A mapping that is found through one counts if it has no mark (N6);
 *                else the search is done again for what is left of it.
 *   N10 linked   On each level towers form a list of their own, in order, edited by compare-and-swap. A tower is linked and
 *                unlinked by who holds its mapping's link, linked from the lowest level up and unlinked from the highest
 *                down, one after the other. So one that a reader met on a level was linked on all below it then.
 *   N11 mark     To unlink on a level, the tower's own pointer is marked first: nobody can link behind it any more. Who meets
 *                a marked one in front of what he looks for unlinks it.
 *   N12 retire   When splice() returns, nothing leads to what went: not the list (N5), no tower (it was unlinked, or leads to
 *                the piece that took it over). So mapping and tower are free for reuse when all who are inside now have left.
 *   N13 path     The towers of one edit are searched for from left to right, each level from where the search before ended: a
 *                tower further left, not freed (one read section). If its pointer has no mark it is still linked there (N11);
 *                else the way down is searched again, and does not come by it: it was unlinked on the level above (N10).
 */
#ifndef GPUVM_CORE_SPACE_SKIP_H
#define GPUVM_CORE_SPACE_SKIP_H

#include "space.h"

/*
 * Each level costs a search the lines of the towers it looks at there: least if every other one has a level more. But two
 * lines for every other mapping is much, so one mapping in 2^SKIP_SHIFT has a tower, and where towers are so few that they
 * stay in the caches one in four goes higher. Of a million mappings some thirty have all levels.
 */
#define SKIP_LEVELS 10u
#define SKIP_HALVES 6u /* to that level every other one goes */
#define SKIP_LONG 4u /* so many levels are worth a prefetch */

#ifdef GPUVM_SCHED
#define SKIP_SHIFT 1u /* the explorer's worlds are small */
#else
#define SKIP_SHIFT 2u
#endif

#define SKIP_LOCKED 1u
#define SKIP_DEAD 2u
#define SKIP_MARKED 1u /* of a tower's pointer: N11 */

struct skip_tower;

/* At the end of a mapping, and the head of the list. */
struct skip_node {
	_Atomic uintptr_t link; /* struct skip_node, SKIP_LOCKED, SKIP_DEAD */
	struct skip_tower *tower; /* NULL: none; under the link's lock */
};

/* Two lines. A search looks at the second only, but on the highest levels: those few towers stay in the caches. */
struct skip_tower {
	alignas(GPUVM__LINE) struct gpuvm__obj obj;
	_Atomic uintptr_t next[SKIP_LEVELS]; /* by skip_level(): struct skip_tower, SKIP_MARKED */
	uint64_t start; /* its mapping's */
	_Atomic(struct skip_node *) node;
};

static_assert(offsetof(struct skip_tower, next[SKIP_LEVELS - SKIP_HALVES]) == GPUVM__LINE, "what is searched is one line");

/* The lowest one comes last, next to start. */
static inline _Atomic uintptr_t *skip_level(struct skip_tower *t, unsigned int level)
{
	return &t->next[SKIP_LEVELS - 1 - level];
}

struct skip_state {
	struct skip_node head; /* ends at 0; never dies */
	_Atomic uint32_t levels; /* as many may have towers; never gets lower */
	alignas(GPUVM__LINE) struct skip_tower tower; /* the head's: no object, only next and node */
};

static inline struct skip_state *skip_state(struct gpuvm_vm *vm)
{
	return GPUVM__SPACE_STATE(struct skip_state, vm);
}

/* ---- a cursor's scratch ---- */

/*
 * @first: writer: whose link leads to what is edited (N3)
 * @last: writer: its link, and all between them, are locked
 * @at: what next() found last; writer: or what is in front of the last edit
 * @spare: writer: towers linked by obj.stock, if there is no stock or not enough in it
 */
struct skip_cursor {
	struct skip_node *first, *last, *at;
	struct gpuvm__obj *spare;
};

static_assert(sizeof(struct skip_cursor) <= sizeof(((struct gpuvm__cursor *)0)->scratch), "scratch too small");

static inline struct skip_cursor *skip_cursor(struct gpuvm__cursor *c)
{
	return (struct skip_cursor *)c->scratch;
}

/* ---- nodes ---- */

static inline struct skip_node *skip_node(struct gpuvm_va *va)
{
	return GPUVM__SPACE_STATE(struct skip_node, va);
}

/* Not of the head. */
static inline struct gpuvm_va *skip_va(struct skip_node *n)
{
	return (struct gpuvm_va *)((char *)n - offsetof(struct gpuvm_va, space_state));
}

static inline uint64_t skip_start(struct skip_node *n)
{
	return skip_va(n)->start;
}

static inline uint64_t skip_end(struct skip_node *n)
{
	return gpuvm__load(&skip_va(n)->end, relaxed); /* N1 */
}

static inline struct skip_node *skip_to(uintptr_t link)
{
	return (struct skip_node *)(link & ~(uintptr_t)(SKIP_LOCKED | SKIP_DEAD));
}

/* Acquire: pairs with the release that published what it leads to (N5). */
static inline struct skip_node *skip_next(struct skip_node *n)
{
	return skip_to(gpuvm__load(&n->link, acquire));
}

/* ---- skiplist_tower.c ---- */

/* How many levels the tower of a mapping that starts at @start has; 0: there is none (N8). */
unsigned int gpuvm__skip_height(uint64_t start);

/*
 * A mapping, or the head, which starts at or before @addr and was in the list at a moment of the call, when *@link was its
 * link. Read section.
 */
struct skip_node *gpuvm__skip_seek(struct skip_state *s, uint64_t addr, uintptr_t *link);

/*
 * Of the edits of one read section: on each level a tower, or the head's, that starts before @from (N13). At first @from is
 * UINT64_MAX: before nothing.
 */
struct skip_path {
	uint64_t from;
	struct skip_tower *at[SKIP_LEVELS];
};

/* @t, out of a stock, leads to @n, a mapping in the list whose link the caller has locked. Read section. */
void gpuvm__skip_raise(struct skip_state *s, struct skip_path *path, struct skip_tower *t, struct skip_node *n);
/* The tower of a mapping that the caller has taken out; retires it. Read section. */
void gpuvm__skip_raze(struct skip_state *s, struct skip_path *path, struct skip_tower *t);

/* stock() of the contract. */
int gpuvm__skip_stock(struct gpuvm_vm *vm, struct gpuvm__obj **stock, unsigned int vas, unsigned int edits);
/* See to it that there are towers enough for the section's edits. 0 or -ENOMEM. No lock held. */
int gpuvm__skip_equip(struct gpuvm__cursor *c);
/* One of them. */
struct skip_tower *gpuvm__skip_take(struct gpuvm__cursor *c);
/* What is left of what gpuvm__skip_equip() has allocated is given back. */
void gpuvm__skip_strip(struct gpuvm__cursor *c);

#endif /* GPUVM_CORE_SPACE_SKIP_H */
