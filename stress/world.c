/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.c - see world.h: VMs, objects, and who holds which pair.
 */
#include "world.h"

#include <errno.h>
#include <stdlib.h>

struct gpuvm_vm_params world_vm_params(struct stress *s, const struct gpuvm_driver *driver)
{
	return (struct gpuvm_vm_params){
		.name = "stress",
		.flags = s->vm_flags,
		.range = 1ull << 40,
		.page_size = WORLD_PAGE,
		.driver = driver,
	};
}

static int populate(struct stress *s, struct world *w, const struct gpuvm_driver *driver)
{
	struct gpuvm_vm_params vp = world_vm_params(s, driver);
	struct gpuvm_gem_params gp = { .size = 1 << 20 };
	unsigned int i;
	int ret = 0;

	for (i = 0; i < w->nr_vms && !ret; i++)
		ret = gpuvm_vm_create(s->dev, &vp, &w->vm[i]);
	for (i = 0; i < w->nr_gems && !ret; i++)
		ret = gpuvm_gem_create(s->dev, &gp, &w->gem[i]);
	return ret;
}

int world_create(struct stress *s, unsigned int vms, unsigned int gems, const struct gpuvm_driver *driver,
		 struct world **out)
{
	struct world *w = calloc(1, sizeof(*w));
	int ret = -ENOMEM;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->nr_vms = vms;
	w->nr_gems = gems;
	w->threads = s->threads;
	w->vm = calloc(vms, sizeof(*w->vm));
	w->gem = calloc(gems, sizeof(*w->gem));
	w->held = calloc((size_t)vms * gems * s->threads, sizeof(*w->held));
	if (w->vm && w->gem && w->held)
		ret = populate(s, w, driver);
	if (ret) {
		world_destroy(w);
		return ret;
	}
	*out = w;
	return 0;
}

void world_destroy(struct world *w)
{
	unsigned int i;

	if (!w)
		return;
	for (i = 0; w->vm && i < w->nr_vms; i++) {
		if (!w->vm[i])
			continue;
		gpuvm_vm_close(w->vm[i], NULL);
		gpuvm_vm_put(w->vm[i]);
	}
	for (i = 0; w->gem && i < w->nr_gems; i++)
		gpuvm_gem_put(w->gem[i]);
	free(w->vm);
	free(w->gem);
	free(w->held);
	free(w);
}

void world_lock_pair(struct stress *s, struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_exec **exec)
{
	*exec = NULL;
	if (s->vm_flags & GPUVM_VM_IMMEDIATE)
		return;
	while (!(*exec = gpuvm_exec_create(vm)))
		;
	/* With RESV_PROTECTED the extobj list needs the VM's reservation too: this takes it, and all external objects'. */
	while (gpuvm_exec_lock(*exec))
		;
	while (gpuvm_exec_lock_gem(*exec, gem))
		while (gpuvm_exec_lock(*exec))
			;
}

void world_unlock_pair(struct gpuvm_exec *exec)
{
	gpuvm_exec_destroy(exec);
}

int world_obtain(struct stress *s, struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	struct gpuvm_exec *exec;
	int ret;

	world_lock_pair(s, vm, gem, &exec);
	ret = gpuvm_obtain(vm, gem, out);
	world_unlock_pair(exec);
	return ret;
}

void world_put(struct stress_thread *t, struct gpuvm_bo *bo)
{
	struct gpuvm_vm *vm = gpuvm_bo_vm(bo);
	struct gpuvm_exec *exec;

	if (gpuvm_vm_immediate(vm)) {
		gpuvm_bo_put_deferred(bo);
		if (rng_below(&t->rng, 16) == 0)
			gpuvm_bo_deferred_cleanup(vm, 4);
		return;
	}
	world_lock_pair(t->s, vm, gpuvm_bo_gem(bo), &exec);
	gpuvm_bo_put(bo);
	world_unlock_pair(exec);
}

static _Atomic(struct gpuvm_bo *) *held_by(struct world *w, unsigned int vm, unsigned int gem)
{
	return &w->held[((size_t)vm * w->nr_gems + gem) * w->threads];
}

void world_hold(struct world *w, struct stress_thread *t, unsigned int vm, unsigned int gem, struct gpuvm_bo *bo)
{
	_Atomic(struct gpuvm_bo *) *held = held_by(w, vm, gem);
	struct gpuvm_bo *other;
	unsigned int i;

	if (gpuvm_bo_vm(bo) != w->vm[vm] || gpuvm_bo_gem(bo) != w->gem[gem])
		stress_fail(t->s, "asked for vm %u gem %u, got the bo of another pair", vm, gem);
	atomic_store_explicit(&held[t->index], bo, memory_order_seq_cst);
	for (i = 0; i < w->threads; i++) {
		other = atomic_load_explicit(&held[i], memory_order_seq_cst);
		if (other && other != bo)
			stress_fail(t->s, "two live bos of vm %u gem %u: thread %u and thread %u (I2)", vm, gem, t->index, i);
	}
}

void world_unhold(struct world *w, struct stress_thread *t, unsigned int vm, unsigned int gem)
{
	atomic_store_explicit(&held_by(w, vm, gem)[t->index], NULL, memory_order_seq_cst);
}
