/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * hot_find.c - gpuvm_bo_find() and gpuvm_bo_put() of one pair from T threads: hot_bo with the lookup, so the reference is
 * taken by someone who has none yet (with ref:kref a compare-and-swap unless zero, where hot_bo's is a plain increment).
 *
 * Under list:rcu_hash, whatever the base preset: a list that locks would hide the count behind its lock.
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
	ctx->strategy[GPUVM_AXIS_LIST] = "rcu_hash";
	ret = world_create(ctx, w, 1, NULL);
	ret = ret ? ret : world_add_gems(w, 1, WORLD_PAGE, w->vm[0]);
	return ret ? ret : world_hold(w, 0, 0);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct world *w = ctx->state;
	struct gpuvm_bo *bo;

	for (; n; n--) {
		bo = gpuvm_bo_find(w->vm[0], w->gem[0]);
		if (!bo || gpuvm_bo_put(bo)) {
			bench_fail(ctx, "a held pair was not found, or its put was the last one");
			return;
		}
	}
}

/* A strategy that may leave the word alone must have: else this is not its fast path. The others never count REF_SHARED. */
static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_LIST_FAST, w->ops);
	if (w->stats.v[GPUVM_STAT_REF_SHARED] > w->ops / 100)
		bench_fail(ctx, "more than one in 100 went to the shared word");
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		world_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_hot_find = {
	.keys = { { "ref" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
