/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * put_deferred.c - the last put from the signalling path alone: 1 to 0, off the GEM's list, onto the VM's deferred
 * list.
 *
 * Cleaning up and registering the pairs anew happens between the timed batches. One VM; each thread has 256 objects of
 * its own, local to it, so the VM's deferred list is what is shared.
 */
#include <errno.h>
#include <stdlib.h>

#include "../pairs.h"

static int obtain(struct pairs_thread *t, uint64_t n)
{
	uint64_t i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++)
		ret = gpuvm_obtain(t->vm[i], t->gem[i], &t->bo[i]);
	return ret;
}

static int setup(struct bench_ctx *ctx)
{
	struct pairs *p = calloc(1, sizeof(*p));
	unsigned int i;
	int ret;

	ctx->state = p;
	ctx->max_batch = PAIRS_MAX;
	if (!p)
		return -ENOMEM;
	ret = pairs_own_gems(ctx, p, PAIRS_MAX);
	for (i = 0; !ret && i < ctx->threads; i++)
		ret = obtain(&p->t[i], PAIRS_MAX);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct pairs_thread *t = &((struct pairs *)ctx->state)->t[thread];
	uint64_t i;

	for (i = 0; i < n; i++)
		if (!gpuvm_bo_put_deferred(t->bo[i]))
			bench_fail(ctx, "a put was not the last one");
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct pairs_thread *t = &((struct pairs *)ctx->state)->t[thread];

	gpuvm_bo_deferred_cleanup(t->vm[0], n);
	if (obtain(t, n))
		bench_fail(ctx, "a pair could not be registered again");
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_DEFER_PUSH, w->ops);
	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
	bench_expect(ctx, w, GPUVM_STAT_FREE, 0);
}

static void teardown(struct bench_ctx *ctx)
{
	struct pairs *p = ctx->state;
	unsigned int i, k;

	for (i = 0; p && p->t && i < ctx->threads; i++)
		for (k = 0; k < PAIRS_MAX; k++)
			gpuvm_bo_put_deferred(p->t[i].bo[k]);
	if (p)
		pairs_destroy(ctx, p);
	free(p);
}

const struct bench_case bench_case_put_deferred = {
	.keys = { { "list" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
