/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_distinct.c - gpuvm_obtain() and gpuvm_bo_put() of a registered pair, each thread with a VM and an object of
 * its own.
 *
 * Nothing is shared by intention: what more threads cost here is sharing by accident.
 */
#include <errno.h>
#include <stdlib.h>

#include "../pairs.h"

static int deal(struct pairs *p, unsigned int thread)
{
	struct pairs_thread *t = &p->t[thread];
	int ret = world_add_gems(&p->w, 1, WORLD_PAGE, p->w.vm[thread]);

	ret = ret ? ret : world_hold(&p->w, thread, thread);
	t->vm[0] = p->w.vm[thread];
	t->gem[0] = p->w.gem[thread];
	t->nr = 1;
	return ret;
}

static int setup(struct bench_ctx *ctx)
{
	struct pairs *p = calloc(1, sizeof(*p));
	unsigned int i;
	int ret;

	ctx->state = p;
	if (!p)
		return -ENOMEM;
	ret = pairs_create(ctx, p, ctx->threads);
	for (i = 0; !ret && i < ctx->threads; i++)
		ret = deal(p, i);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct pairs_thread *t = &((struct pairs *)ctx->state)->t[thread];
	struct gpuvm_bo *bo;

	for (; n; n--) {
		if (gpuvm_obtain(t->vm[0], t->gem[0], &bo) || gpuvm_bo_put(bo)) {
			bench_fail(ctx, "a hit failed, or its put was the last one");
			return;
		}
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_LIST_HIT, w->ops);
	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		pairs_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_obtain_distinct = {
	.keys = { { "list" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
