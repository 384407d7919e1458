/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * calls.c - what operations are made of: calls, each with the locks that the mode wants and an event of the history.
 */
#include <errno.h>

#include "world.h"

struct event *event_begin(struct actor *a, enum event_kind kind)
{
	struct world *w = &world;
	struct event *e = &w->event[w->nr_events];

	if (w->nr_events++ == MAX_EVENTS)
		sched_fail("a history of more than %d events", MAX_EVENTS);
	*e = (struct event){ .kind = kind, .thread = a ? a->id : SCHED_THREADS, .call = sched_now() };
	return e;
}

void event_end(struct event *e, int result)
{
	e->result = result;
	e->ret = sched_now();
}

struct gpuvm_exec *locks_take(unsigned int vm)
{
	struct gpuvm_exec *exec;
	unsigned int i;
	int ret;

	if (immediate())
		return NULL;
	exec = gpuvm_exec_create(world.vm[vm]);
	sched_check(exec);
	do {
		ret = gpuvm_exec_lock(exec);
		for (i = 0; i < GEMS && !ret; i++)
			if (!gpuvm_exec_holds(exec, world.gem[i]))
				ret = gpuvm_exec_lock_gem(exec, world.gem[i]);
	} while (ret == -EDEADLK);
	sched_check(ret == 0);
	return exec;
}

void locks_drop(struct gpuvm_exec *exec)
{
	gpuvm_exec_destroy(exec);
}

static struct event *pair_event(struct actor *a, enum event_kind kind, unsigned int vm, unsigned int gem)
{
	struct event *e = event_begin(a, kind);

	e->vm = vm;
	e->gem = gem;
	return e;
}

struct gpuvm_bo *do_obtain(struct actor *a, unsigned int vm, unsigned int gem)
{
	struct gpuvm_exec *exec = locks_take(vm);
	struct event *e = pair_event(a, EV_OBTAIN, vm, gem);
	struct gpuvm_bo *bo = NULL;
	int ret;

	ret = gpuvm_obtain(world.vm[vm], world.gem[gem], &bo);
	sched_check(ret == 0 && bo);
	e->bo = bo;
	event_end(e, 0);
	locks_drop(exec);
	sched_check(gpuvm_bo_vm(bo) == world.vm[vm] && gpuvm_bo_gem(bo) == world.gem[gem]);
	sched_check(*(uint64_t *)gpuvm_bo_data(bo) == 0xb0b0b0b0);
	return bo;
}

struct gpuvm_bo *do_find(struct actor *a, unsigned int vm, unsigned int gem)
{
	struct gpuvm_exec *exec = locks_take(vm);
	struct event *e = pair_event(a, EV_FIND, vm, gem);
	struct gpuvm_bo *bo = gpuvm_bo_find(world.vm[vm], world.gem[gem]);

	e->bo = bo;
	event_end(e, 0);
	locks_drop(exec);
	return bo;
}

void do_put(struct actor *a, struct gpuvm_bo *bo, unsigned int vm, unsigned int gem, bool deferred)
{
	struct gpuvm_exec *exec = locks_take(vm);
	struct event *e = pair_event(a, EV_PUT, vm, gem);
	bool last;

	e->bo = bo;
	if (deferred && immediate()) {
		gpuvm_debug_signalling_begin();
		last = gpuvm_bo_put_deferred(bo);
		gpuvm_debug_signalling_end();
	} else {
		last = gpuvm_bo_put(bo);
	}
	event_end(e, last);
	locks_drop(exec);
}

void own(struct gpuvm_bo *bo, unsigned int vm, unsigned int gem)
{
	struct world *w = &world;

	sched_check(w->nr_own < MAX_OWN);
	w->own[w->nr_own].bo = bo;
	w->own[w->nr_own].vm = vm;
	w->own[w->nr_own++].gem = gem;
}

struct gpuvm_bo *given(struct actor *a)
{
	sched_check(a->nr_given);
	return a->given[--a->nr_given];
}
