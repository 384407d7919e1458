/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * evict_storm.c - objects are evicted under everyone's feet: one thread in four evicts, the others submit. After
 * validation, with all reservations held, nothing a submission uses may still be evicted.
 */
#include "../world.h"

#define VMS 2
#define GEMS 4

static int validate(struct gpuvm_bo *bo, void *priv)
{
	return 0;
}

static const struct gpuvm_driver driver = { .bo_validate = validate };

static int setup(struct stress *s)
{
	struct world *w;
	int ret = world_create(s, VMS, GEMS, &driver, &w);

	s->data = w;
	return ret;
}

static void evict(struct stress_thread *t, struct gpuvm_gem *gem)
{
	stress_op(t, "evict", 0, 0, 0);
	gpuvm_resv_lock(gpuvm_gem_resv(gem));
	gpuvm_gem_evict(gem, true);
	gpuvm_resv_unlock(gpuvm_gem_resv(gem));
}

static void submit(struct stress_thread *t, struct gpuvm_vm *vm, struct gpuvm_bo *bo)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(vm);

	stress_op(t, "submit", 0, 0, 0);
	if (!exec)
		return;
	if (gpuvm_exec_lock(exec) == 0 && gpuvm_exec_validate(exec, NULL) == 0 && gpuvm_bo_evicted(bo))
		stress_fail(t->s, "still evicted after validation, with its reservation held");
	gpuvm_exec_destroy(exec);
}

static void step(struct stress_thread *t)
{
	struct world *w = t->s->data;
	struct gpuvm_vm *vm = w->vm[rng_below(&t->rng, VMS)];
	struct gpuvm_gem *gem = w->gem[rng_below(&t->rng, GEMS)];
	struct gpuvm_bo *bo;

	if (t->index % 4 == 3) {
		evict(t, gem);
		return;
	}
	if (world_obtain(t->s, vm, gem, &bo))
		return;
	submit(t, vm, bo);
	world_put(t, bo);
}

static void teardown(struct stress *s)
{
	world_destroy(s->data);
}

const struct stress_scenario stress_evict_storm = {
	.setup = setup,
	.step = step,
	.teardown = teardown,
	.min_threads = 4,
};
