/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * skiplist_tower.c - the towers of space:skiplist: hints where in the list to start (skip.h, N8-N13).
 *
 * Each level is a list with marked pointers, as Harris' ("A Pragmatic Implementation of Non-Blocking Linked-Lists", DISC
 * '01), without locks: writers far apart share none. What makes a skip list of such levels hard, a tower that is taken down
 * while it still goes up, does not happen: who holds its mapping does both (N10).
 */
#include "skip.h"

/* ---- which ---- */

/* As good as random, but the same for everybody; the multipliers are those of splitmix64. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

unsigned int gpuvm__skip_height(uint64_t start)
{
	unsigned int most = SKIP_SHIFT - 1 + 2 * SKIP_LEVELS - SKIP_HALVES;
	unsigned int n = (unsigned int)__builtin_ctzll(mix(start) | 1ull << most);

	if (n < SKIP_SHIFT)
		return 0;
	n -= SKIP_SHIFT - 1;
	return n <= SKIP_HALVES ? n : (n + SKIP_HALVES) / 2;
}

/* ---- searching ---- */

static struct skip_tower *tower_of(uintptr_t next)
{
	return (struct skip_tower *)(next & ~(uintptr_t)SKIP_MARKED);
}

/* Acquire: pairs with the release that linked what it leads to. */
static uintptr_t next_of(struct skip_tower *t, unsigned int level)
{
	return gpuvm__load(skip_level(t, level), acquire);
}

/* Where a search may go from @t next but one: down, while it still waits for the start of the next tower on @level. */
static void prefetch_below(struct skip_tower *t, unsigned int level)
{
#ifndef GPUVM_SCHED /* nothing comes of these loads: no steps */
	if (level) /* the line that is searched */
		__builtin_prefetch((void *)(gpuvm__load(skip_level(t, level - 1), relaxed) + GPUVM__LINE));
	else
		__builtin_prefetch(gpuvm__load(&t->node, relaxed));
#endif
}

/* On @level, which is long: of those from @t on that start at or before @addr the last one. */
static inline struct skip_tower *walk(struct skip_tower *t, unsigned int level, uint64_t addr)
{
	struct skip_tower *next;

	for (;; t = next) {
		next = tower_of(next_of(t, level));
		prefetch_below(t, level);
		if (!next || next->start > addr)
			return t;
	}
}

/* Of the towers that start at or before @addr, or the head's, the last one that a walk down to @level meets. N10. */
static struct skip_tower *descend(struct skip_state *s, uint64_t addr, unsigned int level)
{
	unsigned int levels = gpuvm__load(&s->levels, relaxed);
	struct skip_tower *t = &s->tower, *next;

	for (; levels > SKIP_LONG && levels > level; levels--)
		while ((next = tower_of(next_of(t, levels - 1))) && next->start <= addr)
			t = next;
	for (; levels > level; levels--)
		t = walk(t, levels - 1, addr);
	return t;
}

/*
 * Whoever took out thousands of mappings at one stroke has left as many towers without, for a moment: each time one is met
 * the search ends a level higher, so it goes left by twice as much.
 */
struct skip_node *gpuvm__skip_seek(struct skip_state *s, uint64_t addr, uintptr_t *link)
{
	struct skip_tower *t;
	struct skip_node *n;
	unsigned int level;

	for (level = 0;; level++, addr = t->start - 1) {
		t = descend(s, addr, level);
		/* Acquire: the mapping may have taken the tower over after it was linked. */
		n = t == &s->tower ? &s->head : gpuvm__load(&t->node, acquire);
		*link = gpuvm__load(&n->link, acquire);
		if (likely(!(*link & SKIP_DEAD)))
			return n;
		gpuvm__count(SPACE_RETRY);
		if (t->start == 0)
			break;
	}
	*link = gpuvm__load(&s->head.link, acquire);
	return &s->head;
}

/* ---- editing a level ---- */

/* Level by level where a search for @start comes down to it. N10. */
static void trace(struct skip_state *s, struct skip_path *path, uint64_t start)
{
	unsigned int level, levels = gpuvm__load(&s->levels, relaxed);
	struct skip_tower *t = &s->tower, *next;

	for (level = SKIP_LEVELS; level--;) {
		path->at[level] = t;
		while (level < levels && (next = tower_of(next_of(t, level))) && next->start < start)
			t = next;
	}
}

/*
 * On @level, between which two @start belongs: path->at[level] and what is returned, which starts at or after it. Unlinks what
 * is marked on the way there. path->at[level] had no mark; where it gets one, a compare-and-swap of its pointer fails.
 */
static struct skip_tower *find(struct skip_state *s, struct skip_path *path, uint64_t start, unsigned int level)
{
	struct skip_tower *pred, *t;
	uintptr_t after, exp;

	if (start < path->from)
		trace(s, path, start);
	path->from = start;
	GPUVM__BUG_ON(path->at[level] != &s->tower && path->at[level]->start >= start);
again:
	while (unlikely((after = next_of(path->at[level], level)) & SKIP_MARKED))
		trace(s, path, start); /* it is unlinked above by now (N10): the next search does not come down by it */
	pred = path->at[level];
	while ((t = tower_of(after)) && t->start < start) {
		after = next_of(t, level);
		if (likely(!(after & SKIP_MARKED))) {
			pred = t;
			continue;
		}
		after &= ~(uintptr_t)SKIP_MARKED;
		exp = (uintptr_t)t;
		/* Release: who comes this way instead finds what is behind @t whole. */
		if (!gpuvm__cas(skip_level(pred, level), &exp, after, release))
			goto again;
	}
	path->at[level] = pred;
	return t;
}

/* Before a tower is linked there. */
static void raise_levels(struct skip_state *s, uint32_t levels)
{
	uint32_t old = gpuvm__load(&s->levels, relaxed);

	while (unlikely(old < levels) && !gpuvm__cas(&s->levels, &old, levels, relaxed))
		;
}

void gpuvm__skip_raise(struct skip_state *s, struct skip_path *path, struct skip_tower *t, struct skip_node *n)
{
	unsigned int level, height = gpuvm__skip_height(skip_start(n));
	struct skip_tower *next;
	uintptr_t exp;

	t->start = skip_start(n);
	atomic_init(&t->node, n);
	for (level = 0; level < SKIP_LEVELS; level++)
		atomic_init(skip_level(t, level), 0);
	n->tower = t;
	raise_levels(s, height);
	for (level = 0; level < height; level++) {
		do {
			next = find(s, path, t->start, level);
			gpuvm__store(skip_level(t, level), (uintptr_t)next, relaxed);
			exp = (uintptr_t)next;
			/* Release: who finds it finds its start, its mapping and what is behind it. */
		} while (!gpuvm__cas(skip_level(path->at[level], level), &exp, (uintptr_t)t, release));
	}
}

/* Somebody who passes by may have done it: then @t is no longer what stands there. */
static void unlink_level(struct skip_state *s, struct skip_path *path, struct skip_tower *t, unsigned int level)
{
	struct skip_tower *next;
	uintptr_t after, exp;

	/* Release: who meets the mark finds @t unlinked on the level above. */
	after = gpuvm__fetch_or(skip_level(t, level), SKIP_MARKED, acq_rel);
	do {
		next = find(s, path, t->start, level);
		exp = (uintptr_t)t;
	} while (next == t && !gpuvm__cas(skip_level(path->at[level], level), &exp, after, release));
}

void gpuvm__skip_raze(struct skip_state *s, struct skip_path *path, struct skip_tower *t)
{
	unsigned int level = gpuvm__skip_height(t->start);

	while (level--)
		unlink_level(s, path, t, level);
	if (GPUVM_PLANT(skiplist_tower_without_grace))
		gpuvm__obj_free(t);
	else
		gpuvm__obj_retire(t);
}

/* ---- spare towers (S4) ---- */

/* So that @n are there. False: no memory. */
static bool top_up(struct gpuvm_vm *vm, struct gpuvm__obj **list, unsigned int n)
{
	return gpuvm__stock_fill(vm->dev->alloc, list, sizeof(struct skip_tower), n);
}

/* By one request: N8. */
static unsigned int starts_most(enum gpuvm__grow grow)
{
	return grow == GPUVM__FILLS ? 2 : grow == GPUVM__CUTS;
}

int gpuvm__skip_stock(struct gpuvm_vm *vm, struct gpuvm__obj **stock, unsigned int vas, unsigned int edits)
{
	enum gpuvm__grow grow = vas <= GPUVM_SM_UNMAP_VAS ? GPUVM__CUTS : GPUVM__FILLS;

	return top_up(vm, stock, starts_most(grow) * edits) ? 0 : -ENOMEM;
}

static unsigned int towers_wanted(struct gpuvm__cursor *c)
{
	if (c->edits > 1)
		return starts_most(c->grow) * c->edits;
	return (c->grow == GPUVM__FILLS && gpuvm__skip_height(c->lo)) +
	       (c->grow != GPUVM__SHRINKS && gpuvm__skip_height(c->hi));
}

int gpuvm__skip_equip(struct gpuvm__cursor *c)
{
	unsigned int want = towers_wanted(c);

	if ((c->stock && gpuvm__stock_nr(*c->stock) >= want) || top_up(c->vm, &skip_cursor(c)->spare, want))
		return 0;
	gpuvm__skip_strip(c);
	return -ENOMEM;
}

struct skip_tower *gpuvm__skip_take(struct gpuvm__cursor *c)
{
	return container_of(gpuvm__stock_take(&skip_cursor(c)->spare, c->stock), struct skip_tower, obj);
}

void gpuvm__skip_strip(struct gpuvm__cursor *c)
{
	gpuvm__stock_return(&skip_cursor(c)->spare, c->stock);
}
