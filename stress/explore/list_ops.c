/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * list_ops.c - operations on pairs: obtain, find, put in both forms, cleanup, submission, eviction, walks.
 */
#include <string.h>

#include "world.h"

static void put(struct actor *a, struct gpuvm_bo *bo, bool deferred)
{
	do_put(a, bo, 0, 0, deferred);
}

static void run_obtain(struct actor *a)
{
	own(do_obtain(a, 0, 0), 0, 0);
}

static void run_obtain_put(struct actor *a)
{
	put(a, do_obtain(a, 0, 0), false);
}

static void run_obtain_defer(struct actor *a)
{
	put(a, do_obtain(a, 0, 0), true);
}

static void run_find(struct actor *a)
{
	struct gpuvm_bo *bo = do_find(a, 0, 0);

	if (bo)
		put(a, bo, true);
}

static void run_put(struct actor *a)
{
	put(a, given(a), false);
}

static void run_defer(struct actor *a)
{
	put(a, given(a), true);
}

static void run_cleanup(struct actor *a)
{
	gpuvm_bo_deferred_cleanup(world.vm[0], 0);
}

/* Bounded: one at a time, to the end. */
static void run_cleanup_one(struct actor *a)
{
	while (gpuvm_bo_deferred_cleanup(world.vm[0], 1))
		;
}

static void run_cycle(struct actor *a)
{
	put(a, do_obtain(a, 0, 0), true);
	gpuvm_bo_deferred_cleanup(world.vm[0], 0);
}

static void run_get_put(struct actor *a)
{
	struct gpuvm_bo *bo = given(a);
	struct event *e;

	e = event_begin(a, EV_FIND); /* another reference to what is there */
	e->bo = gpuvm_bo_get(bo);
	event_end(e, 0);
	put(a, bo, true);
	put(a, bo, true);
}

/* Between an alloc and its registration. */
static void run_prealloc(struct actor *a)
{
	bool lock = immediate() && (world.config.flags & GPUVM_VM_RESV_PROTECTED);
	struct gpuvm_bo_alloc *alloc;
	struct gpuvm_exec *exec;
	struct gpuvm_bo *bo;
	struct event *e;

	sched_check(gpuvm_bo_alloc_create(world.vm[0], world.gem[0], &alloc) == 0);
	exec = locks_take(0);
	e = event_begin(a, EV_OBTAIN);
	bo = gpuvm_bo_obtain(alloc);
	e->bo = bo;
	event_end(e, 0);
	if (lock)
		gpuvm_resv_lock(gpuvm_vm_resv(world.vm[0]));
	gpuvm_bo_extobj_add(bo);
	if (lock)
		gpuvm_resv_unlock(gpuvm_vm_resv(world.vm[0]));
	locks_drop(exec);
	put(a, bo, true);
}

static void run_prealloc_drop(struct actor *a)
{
	struct gpuvm_bo_alloc *alloc;

	sched_check(gpuvm_bo_alloc_create(world.vm[0], world.gem[0], &alloc) == 0);
	gpuvm_bo_alloc_destroy(alloc);
}

/* What I have obtained, I may submit: it is locked, and gets the fence. */
static void run_submit(struct actor *a)
{
	struct gpuvm_bo *bo = do_obtain(a, 0, 0);
	struct gpuvm_exec *exec = gpuvm_exec_create(world.vm[0]);

	sched_check(exec);
	sched_check(gpuvm_exec_lock(exec) == 0);
	if (world.config.external && !gpuvm_exec_holds(exec, world.gem[0]))
		sched_fail("an obtained external object is not locked by a submission");
	gpuvm_exec_add_fence(exec, 1 + a->id);
	if (gpuvm_resv_last_fence(gpuvm_gem_resv(world.gem[0])) < 1 + a->id)
		sched_fail("an obtained object does not carry the fence of a submission");
	gpuvm_exec_destroy(exec);
	own(bo, 0, 0);
}

static void run_exec(struct actor *a)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(world.vm[0]);

	sched_check(exec);
	sched_check(gpuvm_exec_lock(exec) == 0);
	gpuvm_exec_destroy(exec);
}

static void run_validate(struct actor *a)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(world.vm[0]);

	sched_check(exec);
	sched_check(gpuvm_exec_lock(exec) == 0);
	sched_check(gpuvm_exec_validate(exec, NULL) == 0);
	gpuvm_exec_destroy(exec);
}

static void run_evict(struct actor *a)
{
	gpuvm_resv_lock(gpuvm_gem_resv(world.gem[0]));
	gpuvm_gem_evict(world.gem[0], true);
	gpuvm_resv_unlock(gpuvm_gem_resv(world.gem[0]));
}

static void run_unevict(struct actor *a)
{
	gpuvm_resv_lock(gpuvm_gem_resv(world.gem[0]));
	gpuvm_gem_evict(world.gem[0], false);
	gpuvm_resv_unlock(gpuvm_gem_resv(world.gem[0]));
}

/* Every bo that stays is seen exactly once (L5): the one of vm 1, if somebody keeps it. */
static void run_walk(struct actor *a)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct gpuvm_bo *bo = NULL, *seen[8];
	unsigned int n = 0, others = 0, i;

	while ((bo = gpuvm_gem_next_bo(world.gem[0], bo))) {
		for (i = 0; i < n; i++)
			if (seen[i] == bo)
				sched_fail("a walk over a GEM's list meets a bo twice");
		sched_check(n < ARRAY_SIZE(seen));
		seen[n++] = bo;
		others += gpuvm_bo_vm(bo) == world.vm[1];
	}
	locks_drop(exec);
	if ((world.needs & NEED_OTHER) && others != 1)
		sched_fail("a walk over a GEM's list misses a bo that stays");
}

static void run_other(struct actor *a)
{
	do_put(a, do_obtain(a, 1, 0), 1, 0, true);
}

/* Of a pair that somebody keeps: the history knows that it must be found, whatever grows meanwhile. */
static void run_find_other(struct actor *a)
{
	struct gpuvm_bo *bo = do_find(a, 1, 0);

	if (bo)
		do_put(a, bo, 1, 0, true);
}

static void run_other_keep(struct actor *a)
{
	own(do_obtain(a, 1, 0), 1, 0);
}

/* The pair is the object's last user, and dies on the signalling path. */
static void run_drop_gem(struct actor *a)
{
	const struct gpuvm_gem_params params = { .size = PAGE };
	struct gpuvm_gem *gem;
	struct gpuvm_bo *bo;

	sched_check(gpuvm_gem_create(world.dev, &params, &gem) == 0);
	sched_check(gpuvm_obtain(world.vm[0], gem, &bo) == 0);
	gpuvm_gem_put(gem);
	if (!gpuvm_bo_put_deferred(bo) && !(world.needs & TEMP_REFS))
		sched_fail("the only reference was not the last");
}

/* The pair is the VM's last user. */
static void run_vm_life(struct actor *a)
{
	const struct gpuvm_vm_params params = { .flags = world.config.flags, .range = PAGE, .driver = &explore_driver };
	struct gpuvm_vm *vm;
	struct gpuvm_bo *bo;

	sched_check(gpuvm_vm_create(world.dev, &params, &vm) == 0);
	sched_check(gpuvm_obtain(vm, world.gem[0], &bo) == 0);
	gpuvm_vm_close(vm, NULL);
	gpuvm_vm_put(vm);
	sched_check(gpuvm_bo_put(bo));
}

/* So often that a count with a fast path for hot bos takes it. */
static void run_hot(struct actor *a)
{
	struct gpuvm_bo *bo = given(a);
	unsigned int i;

	for (i = 0; i < 3; i++)
		gpuvm_bo_get(bo);
	for (i = 0; i < 3; i++)
		sched_check(!gpuvm_bo_put_deferred(bo));
	put(a, bo, true);
}

static void run_close(struct actor *a)
{
	gpuvm_vm_close(world.vm[1], NULL);
}

const struct op list_ops[] = {
	{ "obtain", LIST_OP, run_obtain },
	{ "obtain_put", LIST_OP, run_obtain_put },
	{ "obtain_defer", LIST_OP | IMMEDIATE_ONLY, run_obtain_defer },
	{ "find", LIST_OP, run_find },
	{ "put", LIST_OP | NEED_REF, run_put },
	{ "defer", LIST_OP | NEED_REF | IMMEDIATE_ONLY, run_defer },
	{ "cleanup", LIST_OP | NEED_ZOMBIE | IMMEDIATE_ONLY, run_cleanup },
	{ "cleanup_one", NEED_ZOMBIE | IMMEDIATE_ONLY, run_cleanup_one },
	{ "cycle", LIST_OP | IMMEDIATE_ONLY, run_cycle },
	{ "get_put", LIST_OP | NEED_REF, run_get_put },
	{ "prealloc", LIST_OP, run_prealloc },
	{ "prealloc_drop", 0, run_prealloc_drop },
	{ "submit", LIST_OP | TEMP_REFS, run_submit },
	{ "exec", LIST_OP | TEMP_REFS, run_exec },
	{ "validate", LIST_OP | NEED_EVICTED | TEMP_REFS, run_validate },
	{ "evict", LIST_OP, run_evict },
	{ "unevict", NEED_EVICTED, run_unevict },
	{ "walk", LIST_OP | NEED_OTHER | TEMP_REFS, run_walk },
	{ "other", LIST_OP, run_other },
	{ "drop_gem", IMMEDIATE_ONLY, run_drop_gem },
	{ "vm_life", IMMEDIATE_ONLY | SPECIAL, run_vm_life },
	{ "hot", LIST_OP | NEED_REF | IMMEDIATE_ONLY, run_hot },
	{ "other_keep", 0, run_other_keep },
	{ "find_other", LIST_OP | NEED_OTHER, run_find_other },
	{ "close_other", LIST_OP, run_close },
};
const unsigned int nr_list_ops = ARRAY_SIZE(list_ops);
