/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_miss.c - a pair's whole life: gpuvm_obtain() creates and registers it, a deferred put retires it, and the
 * bounded cleanup that frees it is timed too, once per 64 operations.
 *
 * All threads use one VM, each with 64 objects of its own that are local to it: what is shared is the VM (its count and
 * its list of zombies), not the lists.
 */
#include <errno.h>
#include <stdlib.h>

#include "../pairs.h"

#define OWN 64u

static int setup(struct bench_ctx *ctx)
{
	struct pairs *p = calloc(1, sizeof(*p));

	ctx->state = p;
	return p ? pairs_own_gems(ctx, p, OWN) : -ENOMEM;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct pairs_thread *t = &((struct pairs *)ctx->state)->t[thread];
	struct gpuvm_bo *bo;
	unsigned int i;

	for (; n; n--) {
		i = pairs_next(t);
		if (gpuvm_obtain(t->vm[i], t->gem[i], &bo) || !gpuvm_bo_put_deferred(bo)) {
			bench_fail(ctx, "no new pair, or its put was not the last one");
			return;
		}
		if (!t->next)
			gpuvm_bo_deferred_cleanup(t->vm[i], OWN);
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_LIST_MISS, w->ops);
	bench_expect(ctx, w, GPUVM_STAT_DEFER_PUSH, w->ops);
	if (w->stats.v[GPUVM_STAT_ALLOC] < w->ops)
		bench_fail(ctx, "fewer allocations than pairs");
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		pairs_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_obtain_miss = {
	.keys = { { "list" }, { "alloc" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
