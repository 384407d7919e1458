/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * gem_walk.c - gpuvm_gem_next_bo() over all V VMs that share one object; one operation is one step to the next pair, which
 * is pinned meanwhile.
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
	struct world *w = ctx->state;
	struct gpuvm_bo *bo = NULL;
	uint64_t pairs = 0, ends = 0, steps;

	for (steps = 0; steps < n; steps++) {
		bo = gpuvm_gem_next_bo(w->gem[0], bo);
		if (bo)
			pairs++;
		else
			ends++;
	}
	gpuvm_bo_put(bo);
	if (pairs / (w->nr_vms + 1) > ends || ends > n / (w->nr_vms + 1) + 1)
		bench_fail(ctx, "%llu pairs in %llu walks", (unsigned long long)pairs, (unsigned long long)ends);
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		world_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_gem_walk = {
	.keys = { { "list" }, { "vms", "1 64 4096", "64" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.teardown = teardown,
};
