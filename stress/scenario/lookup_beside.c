/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookup_beside.c - lookups beside writers that map over what is there: every page of the range is mapped at all times, to
 * one of two objects, and shows its own offset. A reader that finds a hole, or a page with another page's offset, has
 * seen half an edit (S3).
 */
#include "../world.h"

#include <errno.h>

#define PAGES 512
#define RUN 8 /* longest request, pages */

static int step_ok(const struct gpuvm_op *op, void *priv)
{
	return 0;
}

static const struct gpuvm_driver driver = {
	.sm_step_map = step_ok,
	.sm_step_remap = step_ok,
	.sm_step_unmap = step_ok,
};

/* Both objects show page i at offset i, so it does not matter which one a reader sees. */
static int map(struct stress_thread *t, unsigned int from, unsigned int n, unsigned int gem)
{
	struct world *w = t->s->data;
	struct gpuvm_sm sm = { 0 };
	struct gpuvm_exec *exec;
	struct gpuvm_map_req req = {
		.addr = (uint64_t)from * WORLD_PAGE,
		.range = (uint64_t)n * WORLD_PAGE,
		.offset = (uint64_t)from * WORLD_PAGE,
	};
	int ret;

	ret = world_obtain(t->s, w->vm[0], w->gem[gem], &req.bo);
	if (ret)
		return ret;
	/* Staged mode: with the pair on the extobj list, this holds all that the request may touch. */
	world_lock_pair(t->s, w->vm[0], w->gem[gem], &exec);
	ret = gpuvm_sm_prepare(w->vm[0], &sm, GPUVM_SM_MAP_VAS);
	if (!ret)
		ret = gpuvm_sm_map(w->vm[0], &req, &sm);
	gpuvm_sm_release(&sm);
	world_unlock_pair(exec);
	world_put(t, req.bo);
	return ret;
}

static int setup(struct stress *s)
{
	struct world *w;
	int ret = world_create(s, 1, 2, &driver, &w);

	s->data = w;
	return ret ? ret : map(&s->thread[0], 0, PAGES, 0);
}

static void read_one(struct stress_thread *t)
{
	struct world *w = t->s->data;
	unsigned int page = (unsigned int)rng_below(&t->rng, PAGES);
	uint64_t addr = (uint64_t)page * WORLD_PAGE;
	struct gpuvm_mapping m;

	stress_op(t, "look at page %llu", page, 0, 0);
	if (!gpuvm_lookup(w->vm[0], addr, &m))
		stress_fail(t->s, "page %u looked unmapped for a moment", page);
	else if (m.offset + (addr - m.addr) != addr || (m.gem != w->gem[0] && m.gem != w->gem[1]))
		stress_fail(t->s, "page %u showed offset %#llx", page, (unsigned long long)(m.offset + (addr - m.addr)));
}

static void walk(struct stress_thread *t)
{
	struct world *w = t->s->data;
	struct gpuvm_reader r;
	struct gpuvm_va *va;
	uint64_t last = 0;

	stress_op(t, "walk", 0, 0, 0);
	gpuvm_read_begin(w->vm[0], &r);
	for (va = gpuvm_va_first(&r, 0, (uint64_t)PAGES * WORLD_PAGE); va; va = gpuvm_va_next(&r, va)) {
		if (gpuvm_va_offset(va) != gpuvm_va_addr(va))
			stress_fail(t->s, "a walk met a mapping with another's offset");
		if (gpuvm_va_addr(va) + gpuvm_va_range(va) <= last)
			stress_fail(t->s, "a walk went backwards");
		last = gpuvm_va_addr(va) + gpuvm_va_range(va);
	}
	gpuvm_read_end(&r);
}

static void step(struct stress_thread *t)
{
	unsigned int from, n;
	int ret;

	if (t->index % 2) {
		rng_below(&t->rng, 64) ? read_one(t) : walk(t);
		return;
	}
	n = 1 + (unsigned int)rng_below(&t->rng, RUN);
	from = (unsigned int)rng_below(&t->rng, PAGES - n + 1);
	stress_op(t, "map over page %llu, %llu pages", from, n, 0);
	ret = map(t, from, n, (unsigned int)rng_below(&t->rng, 2));
	if (ret && ret != -ENOMEM)
		stress_fail(t->s, "map returned %d", ret);
}

static void check(struct stress *s)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		read_one(&s->thread[0]);
}

static void teardown(struct stress *s)
{
	world_destroy(s->data);
}

const struct stress_scenario stress_lookup_beside = {
	.setup = setup,
	.step = step,
	.check = check,
	.teardown = teardown,
	.min_threads = 2,
};
