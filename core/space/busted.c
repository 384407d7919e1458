/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * busted.c - space:busted, deliberately wrong: the tests and the stress suite must catch it, or they catch nothing.
 *
 * It is rbtree_mutex with readers excluded by an inner lock that is held for the edits only, and two classic mistakes. An edit
 * takes the old mappings out, lets go of the lock, and puts the new ones in: between the two a page that is mapped before
 * and after looks unmapped (S3). And a writer takes the end of its range for its last byte, so a mapping that merely
 * touches it there is cut and put back as it was: the state is right, only the driver's steps are not. Never use it.
 */
#include "space.h"

struct busted_lock {
	struct gpuvm__mutex writers; /* from begin() to end() */
	struct gpuvm__spin edits; /* readers; writers: while they edit */
};

#define LOCK_TYPE struct busted_lock
#define LOCK_INIT(l) (gpuvm__mutex_init(&(l)->writers), gpuvm__spin_init(&(l)->edits))
#define LOCK_FINI(l) gpuvm__mutex_fini(&(l)->writers)
#define WRITE_LOCK(l) gpuvm__mutex_lock(&(l)->writers, GPUVM__LOCK_SPACE)
#define WRITE_UNLOCK(l) gpuvm__mutex_unlock(&(l)->writers)
#define READ_LOCK(l) gpuvm__spin_lock(&(l)->edits, GPUVM__LOCK_LEAF)
#define READ_UNLOCK(l) gpuvm__spin_unlock(&(l)->edits)
#include "rbtree.h"

static uint64_t too_far(uint64_t hi)
{
	return hi == UINT64_MAX ? hi : hi + 1;
}

static struct gpuvm_va *next_or_touching(struct gpuvm__cursor *c, uint64_t from)
{
	uint64_t hi = c->hi;
	struct gpuvm_va *va;

	c->hi = c->write ? too_far(hi) : hi;
	va = next(c, from);
	c->hi = hi;
	return va;
}

static void edit(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
		 struct gpuvm_va **removed)
{
	struct state *s = state_of(c->vm);

	READ_LOCK(&s->lock);
	splice(c, lo, hi, in, n, removed);
	READ_UNLOCK(&s->lock);
}

static void splice_in_two(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
			  struct gpuvm_va **removed)
{
	struct gpuvm_va *none = NULL;

	edit(c, lo, n ? too_far(hi) : hi, NULL, 0, removed);
	race_point(); /* a hole that everyone can see */
	if (n)
		edit(c, lo, hi, in, n, &none);
}

const struct gpuvm__space_ops gpuvm__space_busted = {
	.name = "busted",
	.vm_bytes = sizeof(struct state),
	.va_bytes = sizeof(struct va_state),
	.init = init,
	.fini = fini,
	.lookup = lookup,
	.begin = begin,
	.next = next_or_touching,
	.prev = prev,
	.splice = splice_in_two,
	.end = end,
	.index_bytes = index_bytes,
};
