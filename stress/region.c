/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * region.c - a thread's own pages in a shared VM, and a model of them: every map, unmap and failure is checked against it
 * page by page. Regions of different threads interleave, so neighbours share leaves, locks and merges but never a page.
 */
#include "world.h"

#include <errno.h>
#include <stdlib.h>

static bool fails(struct region *r)
{
	return r->fail_one_in && rng_below(r->rng, r->fail_one_in) == 0;
}

static int step(const struct gpuvm_op *op, void *priv)
{
	struct region *r = priv;

	if (!r)
		return 0; /* gpuvm_vm_close() */
	if (fails(r))
		return -EIO;
	r->steps++;
	return 0;
}

static void undo(const struct gpuvm_op *op, void *priv)
{
	struct region *r = priv;

	r->undone++;
}

const struct gpuvm_driver region_driver = {
	.bo_data = 8,
	.va_data = 8,
	.sm_step_map = step,
	.sm_step_remap = step,
	.sm_step_unmap = step,
	.sm_step_prefetch = step,
	.sm_step_undo = undo,
};

static const struct gpuvm_driver region_driver_in_place = {
	.bo_data = 8,
	.va_data = 8,
	.sm_step_map = step,
	.sm_step_remap = step,
	.sm_step_unmap = step,
	.sm_step_prefetch = step,
	.sm_step_undo = undo,
	.remap_in_place = true,
};

static uint64_t addr_of(const struct region *r, unsigned int page)
{
	return (r->first + page) * WORLD_PAGE;
}

static int obtain_all(struct stress *s, struct region *r)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < r->w->nr_gems && !ret; i++)
		ret = world_obtain(s, r->vm, r->w->gem[i], &r->bo[i]);
	return ret;
}

int region_create(struct stress_thread *t, struct world *w, uint64_t first, unsigned int pages, struct region **out)
{
	struct region *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->vm = w->vm[0];
	r->w = w;
	r->first = first;
	r->pages = pages;
	r->rng = &t->rng;
	r->page = calloc(pages, sizeof(*r->page));
	r->bo = calloc(w->nr_gems, sizeof(struct gpuvm_bo *));
	if (!r->page || !r->bo || obtain_all(t->s, r)) {
		region_destroy(r);
		return -ENOMEM;
	}
	r->sm.priv = r;
	*out = r;
	return 0;
}

/* In staged mode the world is torn down with the reservation of each object at hand, one by one. */
void region_destroy(struct region *r)
{
	struct gpuvm_exec *exec;
	unsigned int i;

	if (!r)
		return;
	for (i = 0; r->bo && i < r->w->nr_gems; i++) {
		struct stress as = { .vm_flags = (gpuvm_vm_immediate(r->vm) ? GPUVM_VM_IMMEDIATE : 0) };

		if (!r->bo[i])
			continue;
		world_lock_pair(&as, r->vm, r->w->gem[i], &exec);
		gpuvm_bo_put(r->bo[i]);
		world_unlock_pair(exec);
	}
	gpuvm_sm_release(&r->sm);
	free(r->page);
	free(r->bo);
	free(r);
}

/* What page @i should show, as region->page says it. */
static uint32_t code(const struct region *r, unsigned int gem, unsigned int at)
{
	return 1 + gem * r->pages + at;
}

static void check_page(struct stress *s, struct region *r, unsigned int i)
{
	struct gpuvm_mapping m;
	bool found = gpuvm_lookup(r->vm, addr_of(r, i) + 1, &m);
	uint32_t want = r->page[i];
	unsigned int gem = want ? (want - 1) / r->pages : 0;
	uint64_t at = want ? (want - 1) % r->pages : 0;

	if (!want && found)
		stress_fail(s, "page %#llx is mapped, should not be", (unsigned long long)addr_of(r, i));
	else if (want && !found)
		stress_fail(s, "page %#llx is not mapped, should be", (unsigned long long)addr_of(r, i));
	else if (want && (m.gem != r->w->gem[gem] || m.offset + (addr_of(r, i) - m.addr) != at * WORLD_PAGE))
		stress_fail(s, "page %#llx shows another object or offset", (unsigned long long)addr_of(r, i));
}

static void model_map(struct region *r, unsigned int from, unsigned int n, unsigned int gem, unsigned int at)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		r->page[from + i] = gem == UINT32_MAX ? 0 : code(r, gem, at + i);
}

/* Staged mode: the caller of a bind holds the reservations of all it may link or unlink. */
static struct gpuvm_exec *lock_for_bind(struct stress *s, struct region *r)
{
	struct gpuvm_exec *exec;

	if (s->vm_flags & GPUVM_VM_IMMEDIATE)
		return NULL;
	while (!(exec = gpuvm_exec_create(r->vm)))
		;
	while (gpuvm_exec_lock(exec))
		;
	return exec;
}

static void change(struct stress_thread *t, struct region *r, unsigned int from, unsigned int n)
{
	unsigned int gem = rng_below(&t->rng, r->w->nr_gems), at = rng_below(&t->rng, r->pages - n + 1);
	bool map = rng_below(&t->rng, 3) != 0;
	uint64_t steps = r->steps, undone = r->undone;
	struct gpuvm_exec *exec = lock_for_bind(t->s, r);
	struct gpuvm_map_req req = {
		.addr = addr_of(r, from),
		.range = (uint64_t)n * WORLD_PAGE,
		.offset = (uint64_t)at * WORLD_PAGE,
		.bo = r->bo[gem],
	};
	int ret;

	stress_op(t, map ? "map page %llu, %llu pages, object %llu" : "unmap page %llu, %llu pages", from, n, gem);
	stress_alloc_may_fail(t);
	ret = gpuvm_sm_prepare(r->vm, &r->sm, GPUVM_SM_MAP_VAS);
	if (!ret)
		ret = map ? gpuvm_sm_map(r->vm, &req, &r->sm) : gpuvm_sm_unmap(r->vm, req.addr, req.range, &r->sm);
	stress_alloc_ok(t);
	world_unlock_pair(exec);
	if (!ret)
		model_map(r, from, n, map ? gem : UINT32_MAX, at);
	else if (ret != -ENOMEM && ret != -EIO)
		stress_fail(t->s, "bind returned %d", ret);
	else if (r->steps - steps != r->undone - undone)
		stress_fail(t->s, "%llu steps given, %llu undone", (unsigned long long)(r->steps - steps),
			    (unsigned long long)(r->undone - undone));
	gpuvm_sm_release(&r->sm);
	r->sm.priv = r;
}

void region_step(struct stress_thread *t, struct region *r)
{
	unsigned int from = rng_below(&t->rng, r->pages), n = 1 + rng_below(&t->rng, 8), i;

	n = n < r->pages - from ? n : r->pages - from;
	if (rng_below(&t->rng, 2))
		change(t, r, from, n);
	else
		stress_op(t, "look at page %llu, %llu pages", from, n, 0);
	for (i = from ? from - 1 : 0; i < r->pages && i <= from + n; i++)
		check_page(t->s, r, i);
	if (rng_below(&t->rng, 64) == 0 && (t->s->vm_flags & GPUVM_VM_IMMEDIATE))
		gpuvm_bo_deferred_cleanup(r->vm, 8);
}

static void region_check(struct stress *s, struct region *r)
{
	unsigned int i;

	for (i = 0; i < r->pages; i++)
		check_page(s, r, i);
}

/* ---- bind arrays over several regions ---- */

struct regions {
	unsigned int n;
	unsigned int array; /* operations of an array at most; 0: no arrays */
	struct gpuvm_bind bind;
	struct region *r[];
};

/* One operation of an array, as the model will want it. */
struct array_op {
	struct region *r;
	unsigned int from, n, gem, at;
	bool map;
};

#define ARRAY_MAX 24

static struct gpuvm_bind_op draw_op(struct stress_thread *t, struct regions *mine, struct array_op *a)
{
	struct region *r = mine->r[rng_below(&t->rng, mine->n)];
	unsigned int from = rng_below(&t->rng, r->pages), n = 1 + rng_below(&t->rng, 8);

	n = n < r->pages - from ? n : r->pages - from;
	*a = (struct array_op){ r, from, n, rng_below(&t->rng, r->w->nr_gems), rng_below(&t->rng, r->pages - n + 1),
				rng_below(&t->rng, 3) != 0 };
	return (struct gpuvm_bind_op){
		.type = a->map ? GPUVM_BIND_MAP : GPUVM_BIND_UNMAP,
		.req = { .addr = addr_of(r, from),
			 .range = (uint64_t)n * WORLD_PAGE,
			 .offset = (uint64_t)a->at * WORLD_PAGE,
			 .bo = r->bo[a->gem] },
	};
}

/* Steps are counted in the thread's first region. All or nothing: every page of every region, at every look. */
static void change_array(struct stress_thread *t, struct regions *mine)
{
	unsigned int nr = 1 + rng_below(&t->rng, mine->array), i, page;
	struct region *first = mine->r[0];
	uint64_t steps = first->steps, undone = first->undone;
	struct gpuvm_bind_op ops[ARRAY_MAX];
	struct array_op a[ARRAY_MAX];
	struct gpuvm_exec *exec;
	int ret;

	for (i = 0; i < nr; i++)
		ops[i] = draw_op(t, mine, &a[i]);
	stress_op(t, "array of %llu operations", nr, 0, 0);
	exec = lock_for_bind(t->s, first);
	mine->bind.priv = first;
	stress_alloc_may_fail(t);
	ret = gpuvm_bind_prepare(first->vm, &mine->bind, ops, nr);
	ret = ret ? ret : gpuvm_bind_array(first->vm, &mine->bind);
	stress_alloc_ok(t);
	world_unlock_pair(exec);
	for (i = 0; i < nr && !ret; i++)
		model_map(a[i].r, a[i].from, a[i].n, a[i].map ? a[i].gem : UINT32_MAX, a[i].at);
	if (ret && ret != -ENOMEM && ret != -EIO)
		stress_fail(t->s, "bind array returned %d", ret);
	else if (ret && first->steps - steps != first->undone - undone)
		stress_fail(t->s, "an array of %u failed: %llu steps given, %llu undone", nr,
			    (unsigned long long)(first->steps - steps), (unsigned long long)(first->undone - undone));
	for (i = 0; i < nr; i++)
		for (page = 0; page < a[i].n; page++)
			check_page(t->s, a[i].r, a[i].from + page);
	gpuvm_bind_release(&mine->bind);
}

/* ---- scenarios that are regions only ---- */

/* Where region @k of thread @i begins. */
static uint64_t place(const struct stress *s, const struct regions_plan *p, unsigned int i, unsigned int k)
{
	if (p->stride)
		return i * p->stride + (uint64_t)k * p->pages;
	return ((uint64_t)k * s->threads + i) * p->pages;
}

static int setup_thread(struct stress *s, struct world *w, const struct regions_plan *p, unsigned int i)
{
	struct regions *mine = calloc(1, sizeof(*mine) + p->per_thread * sizeof(mine->r[0]));
	int ret = 0;

	s->thread[i].data = mine;
	if (!mine)
		return -ENOMEM;
	mine->array = p->array < ARRAY_MAX ? p->array : ARRAY_MAX;
	for (; mine->n < p->per_thread && !ret; mine->n += !ret) {
		ret = region_create(&s->thread[i], w, place(s, p, i, mine->n), p->pages, &mine->r[mine->n]);
		if (!ret)
			mine->r[mine->n]->fail_one_in = p->fail_one_in;
	}
	return ret;
}

int regions_setup(struct stress *s, const struct regions_plan *plan)
{
	struct world *w;
	/* Mappings that are cut stay in half of the runs. */
	const struct gpuvm_driver *driver = s->seed % 2 ? &region_driver : &region_driver_in_place;
	int ret = world_create(s, 1, plan->gems, driver, &w);
	unsigned int i;

	s->data = w;
	for (i = 0; i < s->threads && !ret; i++)
		ret = setup_thread(s, w, plan, i);
	return ret;
}

void regions_step(struct stress_thread *t)
{
	struct regions *mine = t->data;

	if (mine->array && rng_below(&t->rng, 2))
		change_array(t, mine);
	else
		region_step(t, mine->r[rng_below(&t->rng, mine->n)]);
}

void regions_check(struct stress *s)
{
	unsigned int i, k;

	for (i = 0; i < s->threads; i++)
		for (k = 0; k < ((struct regions *)s->thread[i].data)->n; k++)
			region_check(s, ((struct regions *)s->thread[i].data)->r[k]);
}

void regions_teardown(struct stress *s)
{
	struct world *w = s->data;
	unsigned int i, k;

	if (w)
		gpuvm_vm_close(w->vm[0], NULL);
	for (i = 0; i < s->threads; i++) {
		struct regions *mine = s->thread[i].data;

		for (k = 0; mine && k < mine->n; k++)
			region_destroy(mine->r[k]);
		free(mine);
	}
	world_destroy(w);
}
