/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm_teardown.c - VMs are closed and replaced while everyone works in them: a bind that comes too late gets -ENOENT and
 * nothing else, no mapping survives its VM, and what a closed VM leaves behind is freed.
 */
#include "../world.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define SLOTS 2

struct shared {
	pthread_mutex_t lock; /* guards the slots, not the VMs */
	struct gpuvm_vm *slot[SLOTS];
	struct gpuvm_gem *gem;
};

static int make_vm(struct stress *s, struct gpuvm_vm **out)
{
	struct gpuvm_vm_params p = world_vm_params(s, &region_driver);

	return gpuvm_vm_create(s->dev, &p, out);
}

static int setup(struct stress *s)
{
	struct gpuvm_gem_params gp = { .size = 1 << 20 };
	struct shared *sh = calloc(1, sizeof(*sh));
	unsigned int i;
	int ret = 0;

	s->data = sh;
	s->vm_flags |= GPUVM_VM_IMMEDIATE; /* staged drivers close a VM only when nobody uses it */
	if (!sh)
		return -ENOMEM;
	pthread_mutex_init(&sh->lock, NULL);
	ret = gpuvm_gem_create(s->dev, &gp, &sh->gem);
	for (i = 0; i < SLOTS && !ret; i++)
		ret = make_vm(s, &sh->slot[i]);
	return ret;
}

static void replace(struct stress_thread *t, unsigned int i)
{
	struct shared *sh = t->s->data;
	struct gpuvm_vm *fresh, *old;

	stress_op(t, "close and replace VM %llu", i, 0, 0);
	if (make_vm(t->s, &fresh))
		return;
	pthread_mutex_lock(&sh->lock);
	old = sh->slot[i];
	sh->slot[i] = fresh;
	pthread_mutex_unlock(&sh->lock);
	gpuvm_vm_close(old, NULL);
	if (gpuvm_vm_mappings(old))
		stress_fail(t->s, "a closed VM has mappings");
	gpuvm_vm_put(old);
}

static void bind_once(struct stress_thread *t, struct gpuvm_vm *vm)
{
	struct shared *sh = t->s->data;
	struct gpuvm_map_req req = { .addr = rng_below(&t->rng, 256) * WORLD_PAGE, .range = 4 * WORLD_PAGE };
	struct gpuvm_sm sm = { 0 };
	int ret = gpuvm_obtain(vm, sh->gem, &req.bo);

	stress_op(t, "bind at %#llx", req.addr, 0, 0);
	if (ret)
		return;
	ret = gpuvm_sm_prepare(vm, &sm, GPUVM_SM_MAP_VAS);
	if (!ret)
		ret = rng_below(&t->rng, 3) ? gpuvm_sm_map(vm, &req, &sm) : gpuvm_sm_unmap(vm, req.addr, req.range, &sm);
	if (ret && ret != -ENOENT && ret != -ENOMEM)
		stress_fail(t->s, "a bind beside gpuvm_vm_close() returned %d", ret);
	gpuvm_sm_release(&sm);
	gpuvm_bo_put_deferred(req.bo);
	gpuvm_bo_deferred_cleanup(vm, 2);
}

static void step(struct stress_thread *t)
{
	struct shared *sh = t->s->data;
	unsigned int i = (unsigned int)rng_below(&t->rng, SLOTS);
	struct gpuvm_vm *vm;

	if (rng_below(&t->rng, 64) == 0) {
		replace(t, i);
		return;
	}
	pthread_mutex_lock(&sh->lock);
	vm = gpuvm_vm_get(sh->slot[i]);
	pthread_mutex_unlock(&sh->lock);
	bind_once(t, vm);
	gpuvm_bo_deferred_cleanup(vm, 0);
	gpuvm_vm_put(vm);
}

static void teardown(struct stress *s)
{
	struct shared *sh = s->data;
	unsigned int i;

	if (!sh)
		return;
	for (i = 0; i < SLOTS; i++) {
		if (sh->slot[i])
			gpuvm_vm_close(sh->slot[i], NULL);
		gpuvm_vm_put(sh->slot[i]);
	}
	gpuvm_gem_put(sh->gem);
	pthread_mutex_destroy(&sh->lock);
	free(sh);
}

const struct stress_scenario stress_vm_teardown = {
	.setup = setup,
	.step = step,
	.teardown = teardown,
};
