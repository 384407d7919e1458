/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * hot_bo.c - gpuvm_bo_get() and gpuvm_bo_put() of one bo from T threads: the count alone, no lookup.
 *
 * The pair is held throughout, so no put is the last one. Under the base preset's list, which a put that is not the last
 * never touches.
 */
#include <errno.h>
#include <stdlib.h>

#include "../world.h"

static int setup(struct bench_ctx *ctx)
{
	struct world *w = calloc(1, sizeof(*w));
	int ret;

	ctx->state = w;
	if (!w)
		return -ENOMEM;
	ret = world_create(ctx, w, 1, NULL);
	ret = ret ? ret : world_add_gems(w, 1, WORLD_PAGE, w->vm[0]);
	return ret ? ret : world_hold(w, 0, 0);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct gpuvm_bo *bo = ((struct world *)ctx->state)->bo[0];

	for (; n; n--) {
		if (gpuvm_bo_put(gpuvm_bo_get(bo))) {
			bench_fail(ctx, "a put was the last one, but the pair is held");
			return;
		}
	}
}

/* A strategy that may leave the word alone must have: else this is not its fast path. The others never count REF_SHARED. */
static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
	if (w->stats.v[GPUVM_STAT_REF_SHARED] > w->ops / 100)
		bench_fail(ctx, "more than one in 100 went to the shared word");
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		world_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_hot_bo = {
	.keys = { { "ref" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
