/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * hot_bo.c - every thread gets and puts one bo; now and then all references go and the pair must die exactly then: a
 * count that loses one leaks it, a count that gains one frees it under a holder.
 */
#include "../world.h"

#define HELD 8

/* thread->data is not used: what a thread holds is in its own slot here. */
struct holder {
	unsigned int refs;
	struct gpuvm_bo *bo;
} __attribute__((aligned(64)));

static struct holder holder[STRESS_MAX_THREADS];

static int setup(struct stress *s)
{
	struct world *w;
	int ret;

	s->vm_flags |= GPUVM_VM_IMMEDIATE;
	ret = world_create(s, 1, 1, NULL, &w);
	s->data = w;
	return ret;
}

static void drop_one(struct stress_thread *t, struct holder *h)
{
	if (--h->refs == 0)
		world_unhold(t->s->data, t, 0, 0);
	gpuvm_bo_put_deferred(h->bo);
}

static void step(struct stress_thread *t)
{
	struct world *w = t->s->data;
	struct holder *h = &holder[t->index];

	stress_op(t, "get or put, %llu held", h->refs, 0, 0);
	if (h->refs == 0) {
		if (gpuvm_obtain(w->vm[0], w->gem[0], &h->bo))
			return;
		h->refs = 1;
		world_hold(w, t, 0, 0, h->bo);
	} else if (h->refs < HELD && rng_below(&t->rng, 2)) {
		gpuvm_bo_get(h->bo);
		h->refs++;
	} else {
		drop_one(t, h);
	}
	if (rng_below(&t->rng, 64) == 0)
		gpuvm_bo_deferred_cleanup(w->vm[0], 4);
}

static void settle(struct stress_thread *t)
{
	while (holder[t->index].refs)
		drop_one(t, &holder[t->index]);
}

static void check(struct stress *s)
{
	struct world *w = s->data;
	struct gpuvm_bo *bo = gpuvm_bo_find(w->vm[0], w->gem[0]);

	if (bo)
		stress_fail(s, "every reference is gone, and the bo lives");
}

static void teardown(struct stress *s)
{
	world_destroy(s->data);
}

const struct stress_scenario stress_hot_bo = {
	.setup = setup,
	.step = step,
	.settle = settle,
	.check = check,
	.teardown = teardown,
};
