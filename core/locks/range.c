/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * range.c - see range.h: what happens when two meet.
 */
#include "range.h"

#define LISTED 1u

/* Turns before who waits goes to sleep: longer than a bind without callbacks, shorter than a sleep and a wake-up. */
#ifdef GPUVM_SCHED
#define PATIENCE 1
#else
#define PATIENCE 256
#endif

void gpuvm__range_init(struct gpuvm__range_lock *l)
{
	atomic_init(&l->head, 0);
	gpuvm__spin_init(&l->spin);
	gpuvm__node_init(&l->holders);
	gpuvm__node_init(&l->waiters);
	gpuvm__mutex_init(&l->sleep);
	gpuvm__cond_init(&l->wake);
}

void gpuvm__range_fini(struct gpuvm__range_lock *l)
{
	GPUVM__BUG_ON(gpuvm__load(&l->head, relaxed));
	gpuvm__cond_fini(&l->wake);
	gpuvm__mutex_fini(&l->sleep);
}

static struct gpuvm__range *range_of(struct gpuvm__node *entry)
{
	return container_of(entry, struct gpuvm__range, entry);
}

/* Does @r overlap one of @list before @end? */
static bool meets(struct gpuvm__node *list, const struct gpuvm__node *end, const struct gpuvm__range *r)
{
	struct gpuvm__node *pos;

	for (pos = list->next; pos != end; pos = pos->next)
		if (range_of(pos)->lo < r->hi && r->lo < range_of(pos)->hi)
			return true;
	return false;
}

/* ---- under the spinlock ---- */

/* From one word to the lists. A single holder becomes their first. */
static void enlist(struct gpuvm__range_lock *l)
{
	uintptr_t head = gpuvm__load(&l->head, relaxed);

	while (head != LISTED) {
		/* Acquire: K7, and the holder's entry. From here on its owner needs the spinlock to leave. */
		if (!gpuvm__cas(&l->head, &head, LISTED, acquire))
			continue;
		if (head && !GPUVM_PLANT(range_forgets_single))
			gpuvm__node_add_tail(&((struct gpuvm__range *)head)->entry, &l->holders);
		return;
	}
}

/* K4. True: somebody was let in. */
static bool let_in(struct gpuvm__range_lock *l)
{
	struct gpuvm__node *pos, *tmp;
	bool any = false;

	gpuvm__for_each_node_safe(pos, tmp, &l->waiters) {
		struct gpuvm__range *r = range_of(pos);

		if (meets(&l->holders, &l->holders, r) || meets(&l->waiters, pos, r))
			continue;
		gpuvm__node_del(pos);
		gpuvm__node_add_tail(pos, &l->holders);
		any = true;
		/* Its owner may go on; it comes here to leave, so the entry stays until we are done (K5). */
		gpuvm__store(&r->granted, true, release);
	}
	return any;
}

/* At the end of the queue. */
static void enqueue(struct gpuvm__range_lock *l, struct gpuvm__range *r)
{
	atomic_init(&r->granted, false);
	gpuvm__node_add_tail(&r->entry, &l->waiters);
}

/* ---- waiting ---- */

static void wake(struct gpuvm__range_lock *l)
{
	gpuvm__mutex_lock(&l->sleep, GPUVM__LOCK_LEAF);
	gpuvm__cond_broadcast(&l->wake);
	gpuvm__mutex_unlock(&l->sleep);
}

static void wait_for(struct gpuvm__range_lock *l, struct gpuvm__range *r)
{
	unsigned int turns;

	gpuvm__count(SPACE_WAIT);
	for (turns = 0; turns < PATIENCE; turns++) {
		if (gpuvm__load(&r->granted, acquire))
			return;
		gpuvm__cpu_relax();
	}
	gpuvm__mutex_lock(&l->sleep, GPUVM__LOCK_LEAF);
	while (!gpuvm__load(&r->granted, acquire))
		gpuvm__cond_wait(&l->wake, &l->sleep);
	gpuvm__mutex_unlock(&l->sleep);
}

/* ---- in, out, wider ---- */

void gpuvm__range_lock_slow(struct gpuvm__range_lock *l, struct gpuvm__range *r)
{
	bool must_wait;

	gpuvm__spin_lock(&l->spin, GPUVM__LOCK_LEAF);
	enlist(l);
	must_wait = meets(&l->holders, &l->holders, r) || meets(&l->waiters, &l->waiters, r);
	if (must_wait)
		enqueue(l, r);
	else
		gpuvm__node_add_tail(&r->entry, &l->holders);
	gpuvm__spin_unlock(&l->spin);
	if (must_wait)
		wait_for(l, r);
}

void gpuvm__range_unlock_slow(struct gpuvm__range_lock *l, struct gpuvm__range *r)
{
	bool any;

	gpuvm__spin_lock(&l->spin, GPUVM__LOCK_LEAF);
	gpuvm__node_del(&r->entry);
	any = let_in(l);
	/* Nobody waits either (K4): back to one word. Release: K7. */
	if (gpuvm__node_alone(&l->holders))
		gpuvm__store(&l->head, 0, release);
	gpuvm__spin_unlock(&l->spin);
	if (any && !GPUVM_PLANT(range_no_wakeup))
		wake(l);
}

/* Past those who wait: they are not kept from anything for longer than this section takes anyway. */
bool gpuvm__range_widen(struct gpuvm__range_lock *l, struct gpuvm__range *r, uint64_t lo, uint64_t hi)
{
	bool must_wait, any = false;

	gpuvm__spin_lock(&l->spin, GPUVM__LOCK_LEAF);
	enlist(l);
	gpuvm__node_del(&r->entry);
	r->lo = lo;
	r->hi = hi;
	must_wait = meets(&l->holders, &l->holders, r);
	if (must_wait) {
		enqueue(l, r);
		any = let_in(l);
	} else {
		gpuvm__node_add_tail(&r->entry, &l->holders);
	}
	gpuvm__spin_unlock(&l->spin);
	if (any)
		wake(l);
	if (must_wait)
		wait_for(l, r);
	return !must_wait;
}
