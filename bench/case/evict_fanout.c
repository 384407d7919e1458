/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * evict_fanout.c - gpuvm_gem_evict() of one object that is in V VMs: one operation is one eviction, or the undoing of one,
 * of all V pairs.
 *
 * The object is external to all of them and the VMs are RESV_PROTECTED, so each pair is only marked (its VM's reservation
 * is not held here); the walk over the list, under its lock, is what is left.
 */
#include <errno.h>
#include <stdlib.h>

#include "../world.h"

static int setup(struct bench_ctx *ctx)
{
	size_t vms = (size_t)bench_num(ctx, "vms"), i;
	struct world *w = calloc(1, sizeof(*w));
	int ret;

	ctx->state = w;
	if (!w)
		return -ENOMEM;
	ret = world_create(ctx, w, vms, NULL);
	ret = ret ? ret : world_add_gems(w, 1, WORLD_PAGE, NULL);
	for (i = 0; !ret && i < vms; i++)
		ret = world_hold(w, i, 0);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct gpuvm_gem *gem = ((struct world *)ctx->state)->gem[0];

	gpuvm_resv_lock(gpuvm_gem_resv(gem));
	for (; n; n--)
		gpuvm_gem_evict(gem, n & 1); /* ends with: evicted */
	gpuvm_resv_unlock(gpuvm_gem_resv(gem));
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct world *world = ctx->state;
	size_t i;

	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
	for (i = 0; i < world->nr_bos; i++)
		if (!gpuvm_bo_evicted(world->bo[i])) {
			bench_fail(ctx, "a pair was passed by");
			return;
		}
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		world_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_evict_fanout = {
	.keys = { { "list" }, { "vms", "1 10 100 1000", "1 1000" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
