/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * range_lock.c - space:range_lock, rbtree_rwlock's tree and lock, but that lock is held for a look or an edit only; who binds
 * holds a lock of ranges (locks/range.h) meanwhile. So callbacks of disjoint binds run in parallel, and lookups never wait
 * for one.
 *
 *   L1  frozen  Who edits a mapping holds all of its bytes. So who holds one byte of it knows that it stays, and who holds
 *               [lo, hi) knows what overlaps it: no mapping comes or goes there, nor gets longer or shorter.
 *   L2  reach   A section holds [lo, hi) and all bytes of what overlaps it (S1). What that is, is looked for once the range
 *               is held; by L1 one look is enough, unless the range had to be let go of to get a wider one.
 *   L3  index   Tree and list are looked at under the index lock, shared, and edited under it, alone: splice() is one step
 *               for readers, and a reader's section, which holds it throughout, is of one state (B1, B2; S2, S3).
 *   L4  order   Ranges before the index lock; who holds the index lock waits for no range. A mapping that a walk returned is
 *               looked at without any lock, by L1.
 *   L5  memory  A mapping carries its node, a section its range: nothing allocates (S4). Who sees a removed mapping holds the
 *               index lock since before it was removed, and the remover got it after that: it can be freed at once.
 *
 * Teaches: what a driver gains without a new tree, by not holding the VM's lock around its page-table updates. And what
 * remains: each edit of a VM still goes through one lock's line.
 */
#include "../locks/ck.h"
#include "../locks/range.h"
#include "space.h"

struct two_locks {
	struct gpuvm__range_lock ranges;
	struct gpuvm__rwlock index;
};

#define LOCK_TYPE struct two_locks
#define LOCK_INIT(l) (gpuvm__range_init(&(l)->ranges), gpuvm__rwlock_init(&(l)->index))
#define LOCK_FINI(l) gpuvm__range_fini(&(l)->ranges)
#define WRITE_LOCK(l) gpuvm__rwlock_write_lock(&(l)->index, GPUVM__LOCK_SPACE)
#define WRITE_UNLOCK(l) gpuvm__rwlock_write_unlock(&(l)->index)
#define READ_LOCK(l) gpuvm__rwlock_read_lock(&(l)->index, GPUVM__LOCK_SPACE)
#define READ_UNLOCK(l) gpuvm__rwlock_read_unlock(&(l)->index)
#include "rbtree.h"

/* A writer's scratch. */
struct section {
	void *tree[3]; /* rbtree.h's */
	struct gpuvm__range range;
	bool looked; /* nothing was edited yet: tree[1] is what the search from tree[2] on found, also if that is nothing */
};

static_assert(sizeof(struct section) <= sizeof(((struct gpuvm__cursor *)0)->scratch), "scratch too small");

static struct section *section(struct gpuvm__cursor *c)
{
	return (struct section *)c->scratch;
}

/* Beside a bind whose callbacks run, in contrast to the other spaces that lock. */
static bool lookup_short(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out)
{
	gpuvm__count(SPACE_FAST);
	return lookup(vm, addr, out);
}

/* Where what overlaps [c->lo, c->hi) begins and ends, if that is outside; remembers the first mapping. */
static void reach(struct gpuvm__cursor *c, uint64_t *lo, uint64_t *hi)
{
	struct state *s = state_of(c->vm);
	struct gpuvm_va *va;

	READ_LOCK(&s->lock);
	va = search(c, c->lo);
	if (va && va->start < *lo)
		*lo = va->start;
	if (va && va->end < c->hi)
		va = gpuvm__itree_before(&s->tree, c->hi);
	if (va && va->end > *hi)
		*hi = va->end;
	READ_UNLOCK(&s->lock);
}

static int begin_section(struct gpuvm__cursor *c)
{
	struct section *sec = section(c);
	struct gpuvm__range_lock *ranges = &state_of(c->vm)->lock.ranges;
	uint64_t lo, hi;

	if (!c->write)
		return begin(c);
	gpuvm__range_lock(ranges, &sec->range, c->lo, c->hi);
	gpuvm__count(SPACE_LOCK); /* for the section; the short ones are no news */
	do {
		lo = sec->range.lo;
		hi = sec->range.hi;
		reach(c, &lo, &hi);
		if (likely((lo == sec->range.lo && hi == sec->range.hi) || GPUVM_PLANT(range_no_widen)))
			break;
		gpuvm__count(SPACE_WIDEN);
	} while (!gpuvm__range_widen(ranges, &sec->range, lo, hi) && !GPUVM_PLANT(range_no_relook)); /* L2 */
	sec->tree[0] = NULL;
	sec->looked = true;
	gpuvm__lock_enter(GPUVM__LOCK_SPACE, c, __FILE__, __LINE__);
	return 0;
}

static void end_section(struct gpuvm__cursor *c)
{
	if (!c->write) {
		end(c);
		return;
	}
	gpuvm__lock_leave(c, __FILE__, __LINE__);
	gpuvm__range_unlock(&state_of(c->vm)->lock.ranges, &section(c)->range);
}

static struct gpuvm_va *next_short(struct gpuvm__cursor *c, uint64_t from)
{
	struct section *sec = section(c);
	struct gpuvm_va *va;

	if (!c->write)
		return next(c, from);
	if (sec->looked && (uintptr_t)sec->tree[2] == from)
		return sec->tree[0] = sec->tree[1];
	READ_LOCK(&state_of(c->vm)->lock);
	va = next(c, from);
	READ_UNLOCK(&state_of(c->vm)->lock);
	return va;
}

static struct gpuvm_va *prev_short(struct gpuvm__cursor *c, uint64_t below)
{
	struct gpuvm_va *va;

	READ_LOCK(&state_of(c->vm)->lock);
	va = prev(c, below);
	READ_UNLOCK(&state_of(c->vm)->lock);
	return va;
}

static void splice_short(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
			 struct gpuvm_va **removed)
{
	WRITE_LOCK(&state_of(c->vm)->lock);
	splice(c, lo, hi, in, n, removed);
	WRITE_UNLOCK(&state_of(c->vm)->lock);
	section(c)->looked = false;
}

const struct gpuvm__space_ops gpuvm__space_range_lock = {
	.name = "range_lock",
	.vm_bytes = sizeof(struct state),
	.va_bytes = sizeof(struct va_state),
	.init = init,
	.fini = fini,
	.lookup = lookup_short,
	.begin = begin_section,
	.next = next_short,
	.prev = prev_short,
	.shrinks = shrinks,
	.splice = splice_short,
	.end = end_section,
	.index_bytes = index_bytes,
};
