/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * checks.c - what must hold when all is quiet: at most one live bo per pair and the one that is held (I2); on the extobj list
 * exactly the live external ones; evicted ones validated exactly once. And after the end: every object gone, every bo's
 * driver data freed once, nothing locked.
 */
#include "world.h"

/* I2: at most one bo per VM on the list, and every bo that is held is on it. */
static void check_list(unsigned int gem)
{
	struct world *w = &world;
	struct gpuvm_bo *bo = NULL, *of[VMS] = { 0 };
	unsigned int vm, i;

	while ((bo = gpuvm_gem_next_bo(w->gem[gem], bo))) {
		for (vm = 0; vm < VMS && w->vm[vm] != gpuvm_bo_vm(bo); vm++)
			;
		sched_check(vm < VMS && gpuvm_bo_gem(bo) == w->gem[gem]);
		if (of[vm])
			sched_fail("two live bos of one pair (I2)");
		of[vm] = bo;
	}
	for (i = 0; i < w->nr_own; i++)
		if (w->own[i].gem == gem && of[w->own[i].vm] != w->own[i].bo)
			sched_fail("a bo that is held is not on its GEM's list (I2)");
}

/* The lists of vm 0: a submission locks exactly the live external objects, and validates what is evicted, once. */
static void check_submission(void)
{
	struct world *w = &world;
	struct gpuvm_exec *exec = gpuvm_exec_create(w->vm[0]);
	struct gpuvm_bo *bo[GEMS];
	unsigned int i, evicted = 0, stale;
	struct gpuvm_exec *locks;

	sched_check(exec);
	for (i = 0; i < GEMS; i++) {
		locks = locks_take(0);
		bo[i] = gpuvm_bo_find(w->vm[0], w->gem[i]);
		evicted += bo[i] && gpuvm_bo_evicted(bo[i]);
		locks_drop(locks);
	}
	sched_check(gpuvm_exec_lock(exec) == 0);
	for (i = 0; i < GEMS && w->config.external; i++)
		if (gpuvm_exec_holds(exec, w->gem[i]) != !!bo[i])
			sched_fail("object %u is %s and %s the extobj list", i, bo[i] ? "live" : "dead",
				   bo[i] ? "not on" : "on");
	w->validated = 0;
	sched_check(gpuvm_exec_validate(exec, NULL) == 0);
	/* An external object's mark may be taken back without the VM's reservation, its entry not: Linux, too, validates it. */
	stale = w->config.external && gpuvm_vm_resv_protected(w->vm[0]) ? GEMS : 0;
	if (w->validated < evicted || w->validated > evicted + stale)
		sched_fail("%u bos are evicted, %u were validated", evicted, w->validated);
	w->validated = 0;
	sched_check(gpuvm_exec_validate(exec, NULL) == 0);
	if (w->validated)
		sched_fail("a bo is validated again");
	gpuvm_exec_destroy(exec);
	for (i = 0; i < GEMS; i++) {
		locks = locks_take(0);
		gpuvm_bo_put(bo[i]);
		locks_drop(locks);
	}
}

void check_quiet(void)
{
	unsigned int i;

	for (i = 0; i < GEMS; i++) {
		struct gpuvm_exec *exec = locks_take(0);

		check_list(i);
		locks_drop(exec);
	}
	check_submission();
}

void check_nothing_left(const int64_t *before)
{
	unsigned int i;

	for (i = 0; i < GPUVM_TYPE_COUNT; i++)
		if (gpuvm_debug_live(i) != before[i])
			sched_fail("%lld %s left over", (long long)(gpuvm_debug_live(i) - before[i]),
				   gpuvm_debug_type_name(i));
	if (world.bos)
		sched_fail("bo_free was called %d times too few", world.bos);
	sched_check(gpuvm_debug_locks_held() == 0);
}
