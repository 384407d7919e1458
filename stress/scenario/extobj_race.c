/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * extobj_race.c - obtain an external object and submit at once: the submission must lock its reservation and leave its
 * fence there, no matter who registered the pair. The posted v4 and v5 of GpuVm::obtain() lost this race: only the winner
 * added the bo to the list of external objects.
 */
#include "../world.h"

static _Atomic uint64_t next_fence;

static int setup(struct stress *s)
{
	struct world *w;
	int ret = world_create(s, 2, 2, NULL, &w);

	s->data = w;
	return ret;
}

static void submit(struct stress_thread *t, struct gpuvm_vm *vm, struct gpuvm_gem *gem)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(vm);
	uint64_t fence = atomic_fetch_add(&next_fence, 1) + 1;

	if (!exec)
		return;
	if (gpuvm_exec_lock(exec) == 0) {
		if (!gpuvm_exec_holds(exec, gem))
			stress_fail(t->s, "a submission after obtain did not lock the external object");
		gpuvm_exec_add_fence(exec, fence);
		if (gpuvm_resv_last_fence(gpuvm_gem_resv(gem)) < fence)
			stress_fail(t->s, "fence %llu is not on the external object", (unsigned long long)fence);
	}
	gpuvm_exec_destroy(exec);
}

static void step(struct stress_thread *t)
{
	struct world *w = t->s->data;
	struct gpuvm_vm *vm = w->vm[rng_below(&t->rng, 2)];
	struct gpuvm_gem *gem = w->gem[rng_below(&t->rng, 2)];
	struct gpuvm_bo *bo;

	stress_op(t, "obtain, submit, put", 0, 0, 0);
	if (world_obtain(t->s, vm, gem, &bo))
		return;
	submit(t, vm, gem);
	world_put(t, bo);
}

static void teardown(struct stress *s)
{
	world_destroy(s->data);
}

const struct stress_scenario stress_extobj_race = {
	.setup = setup,
	.step = step,
	.teardown = teardown,
};
