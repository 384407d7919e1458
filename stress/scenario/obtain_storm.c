/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_storm.c - every thread obtains and puts the same pair, over and over: registration, the last put and the race
 * between them, and nothing else. The shortest scenario: copy it.
 */
#include "../world.h"

static int setup(struct stress *s)
{
	struct world *w;
	int ret = world_create(s, 1, 1, NULL, &w);

	s->data = w;
	return ret;
}

static void step(struct stress_thread *t)
{
	struct world *w = t->s->data;
	struct gpuvm_exec *exec;
	struct gpuvm_bo *bo;
	bool deferred = t->s->vm_flags & GPUVM_VM_IMMEDIATE;
	int ret;

	stress_op(t, "obtain, put", 0, 0, 0);
	world_lock_pair(t->s, w->vm[0], w->gem[0], &exec);
	stress_alloc_may_fail(t);
	ret = gpuvm_obtain(w->vm[0], w->gem[0], &bo);
	stress_alloc_ok(t);
	if (!ret) {
		world_hold(w, t, 0, 0, bo);
		world_unhold(w, t, 0, 0);
		if (deferred)
			gpuvm_bo_put_deferred(bo);
		else
			gpuvm_bo_put(bo);
	}
	world_unlock_pair(exec);
	if (deferred && rng_below(&t->rng, 8) == 0)
		gpuvm_bo_deferred_cleanup(w->vm[0], 4);
}

static void check(struct stress *s)
{
	struct world *w = s->data;
	struct gpuvm_exec *exec;
	struct gpuvm_bo *bo;

	world_lock_pair(s, w->vm[0], w->gem[0], &exec);
	bo = gpuvm_bo_find(w->vm[0], w->gem[0]);
	world_unlock_pair(exec);
	if (bo)
		stress_fail(s, "nobody holds the pair, and it is still registered");
}

static void teardown(struct stress *s)
{
	world_destroy(s->data);
}

const struct stress_scenario stress_obtain_storm = {
	.setup = setup,
	.step = step,
	.check = check,
	.teardown = teardown,
};
