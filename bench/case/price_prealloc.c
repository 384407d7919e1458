/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * price_prealloc.c - a driver's worst-case preparation for one map: 3 mappings and 1 pair.
 *
 *   outcome:unused  nothing was needed: all four are thrown away (what most maps do)
 *   outcome:used    all four are put to use, in three free ranges; taking them out again is not timed
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../world.h"

#define VAS 3
#define BATCH 64u

struct used {
	struct gpuvm_bo *bo;
	bool mapped;
};

struct state {
	struct world w;
	bool use;
	struct used used[BATCH];
};

static uint64_t addr_of(uint64_t i, unsigned int va)
{
	return (i * VAS + va) * 2 * WORLD_PAGE;
}

static int setup(struct bench_ctx *ctx)
{
	struct state *s = calloc(1, sizeof(*s));
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->use = !strcmp(bench_str(ctx, "outcome"), "used");
	ctx->max_batch = BATCH;
	ret = world_create(ctx, &s->w, 1, NULL);
	return ret ? ret : world_add_gems(&s->w, BATCH, WORLD_PAGE, s->w.vm[0]);
}

static bool use(struct state *s, uint64_t i, struct gpuvm_va_alloc **va, struct gpuvm_bo_alloc *alloc)
{
	struct gpuvm_map_req req = { .range = WORLD_PAGE, .bo = gpuvm_bo_obtain(alloc) };
	unsigned int k;

	s->used[i].bo = req.bo;
	for (k = 0; k < VAS; k++) {
		req.addr = addr_of(i, k);
		if (gpuvm_va_insert(s->w.vm[0], va[k], &req))
			return false;
	}
	return s->used[i].mapped = true;
}

static bool prepare(struct state *s, uint64_t i)
{
	struct gpuvm_va_alloc *va[VAS];
	struct gpuvm_bo_alloc *alloc;
	unsigned int k;

	for (k = 0; k < VAS; k++)
		if (!(va[k] = gpuvm_va_alloc_create(s->w.vm[0])))
			return false;
	if (gpuvm_bo_alloc_create(s->w.vm[0], s->w.gem[i], &alloc))
		return false;
	if (s->use)
		return use(s, i, va, alloc);
	gpuvm_bo_alloc_destroy(alloc);
	for (k = 0; k < VAS; k++)
		gpuvm_va_alloc_destroy(va[k]);
	return true;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct state *s = ctx->state;
	uint64_t i;

	for (i = 0; i < n; i++)
		if (!prepare(s, i))
			bench_fail(ctx, "no memory, or a range was not free");
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct gpuvm_va_removed *removed;
	struct state *s = ctx->state;
	unsigned int k;
	uint64_t i;

	for (i = 0; i < n && s->use; i++) {
		for (k = 0; k < VAS && s->used[i].mapped; k++) {
			if (gpuvm_va_remove(s->w.vm[0], addr_of(i, k), WORLD_PAGE, &removed))
				bench_fail(ctx, "a mapping was gone");
			else
				gpuvm_va_removed_free(removed);
		}
		if (!gpuvm_bo_put_deferred(s->used[i].bo))
			bench_fail(ctx, "a pair had another reference");
		s->used[i] = (struct used){ 0 };
	}
	gpuvm_bo_deferred_cleanup(s->w.vm[0], 0);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	if (w->stats.v[GPUVM_STAT_ALLOC] < w->ops * (VAS + 1)) /* an index may take nodes */
		bench_fail(ctx, "fewer than four allocations");
}

static void teardown(struct bench_ctx *ctx)
{
	struct state *s = ctx->state;

	if (s)
		world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_case_price_prealloc = {
	.keys = { { "alloc" }, { "outcome", "unused used" } },
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
