/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lifecycle.c - few pairs, all of a pair's life at once: obtain, pre-allocate and obtain, find, get, put, deferred put,
 * cleanup, walks of the GEM list. Each thread holds some references meanwhile; whatever two threads hold for one pair at
 * one moment must be the same bo (I2).
 */
#include "../world.h"

#include <errno.h>
#include <stdlib.h>

#define VMS 3
#define GEMS 3
#define PAIRS (VMS * GEMS)

/* What a thread holds: @refs references to @bo, per pair. */
struct holdings {
	struct {
		struct gpuvm_bo *bo;
		unsigned int refs;
	} pair[PAIRS];
};

static int setup(struct stress *s)
{
	struct world *w;
	unsigned int i;
	int ret = world_create(s, VMS, GEMS, NULL, &w);

	s->data = w;
	for (i = 0; i < s->threads && !ret; i++) {
		s->thread[i].data = calloc(1, sizeof(struct holdings));
		ret = s->thread[i].data ? 0 : -ENOMEM;
	}
	return ret;
}

static int obtain_prealloc(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	struct gpuvm_bo_alloc *alloc;
	int ret = gpuvm_bo_alloc_create(vm, gem, &alloc);

	if (!ret)
		*out = gpuvm_bo_obtain(alloc);
	return ret;
}

static void take(struct stress_thread *t, struct holdings *h, unsigned int vm, unsigned int gem)
{
	struct world *w = t->s->data;
	unsigned int pair = vm * GEMS + gem, how = (unsigned int)rng_below(&t->rng, 4);
	struct gpuvm_bo *bo = NULL;

	stress_alloc_may_fail(t);
	if (how == 0 && h->pair[pair].refs)
		bo = gpuvm_bo_get(h->pair[pair].bo);
	else if (how == 1)
		bo = gpuvm_bo_find(w->vm[vm], w->gem[gem]);
	else if (how == 2 ? obtain_prealloc(w->vm[vm], w->gem[gem], &bo) : gpuvm_obtain(w->vm[vm], w->gem[gem], &bo))
		bo = NULL;
	stress_alloc_ok(t);
	if (!bo)
		return;
	world_hold(w, t, vm, gem, bo);
	h->pair[pair].bo = bo;
	h->pair[pair].refs++;
}

static void drop(struct stress_thread *t, struct holdings *h, unsigned int vm, unsigned int gem)
{
	unsigned int pair = vm * GEMS + gem;

	if (!h->pair[pair].refs)
		return;
	if (--h->pair[pair].refs == 0)
		world_unhold(t->s->data, t, vm, gem);
	if ((t->s->vm_flags & GPUVM_VM_IMMEDIATE) && rng_below(&t->rng, 4))
		gpuvm_bo_put_deferred(h->pair[pair].bo);
	else
		gpuvm_bo_put(h->pair[pair].bo);
}

/* A pair we hold throughout must be on the walk, once (L5). */
static void walk(struct stress_thread *t, struct holdings *h, unsigned int vm, unsigned int gem)
{
	struct world *w = t->s->data;
	struct gpuvm_bo *held = h->pair[vm * GEMS + gem].refs ? h->pair[vm * GEMS + gem].bo : NULL, *bo = NULL;
	unsigned int seen = 0;

	while ((bo = gpuvm_gem_next_bo(w->gem[gem], bo)))
		seen += bo == held;
	if (held && seen != 1)
		stress_fail(t->s, "a walk of gem %u met the bo of vm %u, which is held, %u times", gem, vm, seen);
}

static void step(struct stress_thread *t)
{
	struct world *w = t->s->data;
	unsigned int vm = (unsigned int)rng_below(&t->rng, VMS), gem = (unsigned int)rng_below(&t->rng, GEMS);
	unsigned int what = (unsigned int)rng_below(&t->rng, 16);
	struct gpuvm_exec *exec;

	stress_op(t, "vm %llu gem %llu what %llu", vm, gem, what);
	if (what == 0 && (t->s->vm_flags & GPUVM_VM_IMMEDIATE)) {
		gpuvm_bo_deferred_cleanup(w->vm[vm], rng_below(&t->rng, 4));
		return;
	}
	world_lock_pair(t->s, w->vm[vm], w->gem[gem], &exec);
	/* A staged walk may drop the last reference of any VM's bo: only with one reservation that is not enough. */
	if (what == 1 && (t->s->vm_flags & GPUVM_VM_IMMEDIATE))
		walk(t, t->data, vm, gem);
	else if (what < 9)
		take(t, t->data, vm, gem);
	else
		drop(t, t->data, vm, gem);
	world_unlock_pair(exec);
}

static void settle(struct stress_thread *t)
{
	struct world *w = t->s->data;
	struct holdings *h = t->data;
	struct gpuvm_exec *exec;
	unsigned int pair;

	for (pair = 0; pair < PAIRS; pair++) {
		world_lock_pair(t->s, w->vm[pair / GEMS], w->gem[pair % GEMS], &exec);
		while (h->pair[pair].refs)
			drop(t, h, pair / GEMS, pair % GEMS);
		world_unlock_pair(exec);
	}
}

static void check(struct stress *s)
{
	struct world *w = s->data;
	struct gpuvm_exec *exec;
	struct gpuvm_bo *bo;
	unsigned int pair;

	for (pair = 0; pair < PAIRS; pair++) {
		world_lock_pair(s, w->vm[pair / GEMS], w->gem[pair % GEMS], &exec);
		bo = gpuvm_bo_find(w->vm[pair / GEMS], w->gem[pair % GEMS]);
		world_unlock_pair(exec);
		if (bo)
			stress_fail(s, "nobody holds vm %u gem %u, and it is still registered", pair / GEMS, pair % GEMS);
	}
}

static void teardown(struct stress *s)
{
	unsigned int i;

	for (i = 0; i < s->threads; i++)
		free(s->thread[i].data);
	world_destroy(s->data);
}

const struct stress_scenario stress_lifecycle = {
	.setup = setup,
	.step = step,
	.settle = settle,
	.check = check,
	.teardown = teardown,
};
