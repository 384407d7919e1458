/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * unbind.c - a whole unbind as a driver does it: 2 pre-allocated vas, gpuvm_sm_unmap() with callbacks, what went and
 * what was not used freed.
 *
 * N mappings are there throughout. Batches of binds and unbinds alternate and only the unbinds are timed, so other
 * threads' timed operations meet both. All threads use one VM, each in a part of its own: who excludes whom is the
 * question.
 */
#include <errno.h>
#include <stdlib.h>

#include "../mapped.h"

#define BATCH 256u

/* A batch more than N, as those are away at the end of a run(). */
static int setup(struct bench_ctx *ctx)
{
	struct mapped *m = calloc(1, sizeof(*m));
	uint64_t vas = bench_num(ctx, "vas");

	ctx->state = m;
	ctx->max_batch = BATCH;
	return m ? mapped_create(ctx, m, vas + BATCH * ctx->threads, (uint32_t)(vas / ctx->threads) + BATCH) : -ENOMEM;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mapped *m = ctx->state;
	int ret = 0;

	for (; !ret && n; n--)
		ret = mapped_unbind(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "unbind returned %d", ret);
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mapped *m = ctx->state;
	int ret = 0;

	for (; !ret && n; n--)
		ret = mapped_bind(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "bind returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	/* The pre-allocated two; the index may add its own. */
	if (w->stats.v[GPUVM_STAT_ALLOC] < 2 * w->ops)
		bench_fail(ctx, "fewer allocations than pre-allocated mappings");
	mapped_verify(ctx, ctx->state);
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		mapped_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_unbind = {
	.keys = { { "space" }, { "alloc" }, { "vas", "0 1024 65536 1048576", "0 1024 65536" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
