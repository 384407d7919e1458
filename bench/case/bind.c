/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind.c - a whole bind as a driver does it: 3 pre-allocated vas, gpuvm_obtain(), gpuvm_sm_map() with callbacks and the
 * links, put, unused vas freed.
 *
 * N mappings are there throughout. Batches of binds and unbinds alternate and only the binds are timed, so other
 * threads' timed operations meet both. All threads use one VM, each in a part of its own: who excludes whom is the
 * question.
 */
#include <errno.h>
#include <stdlib.h>

#include "../mapped.h"

#define BATCH 256u

static int setup(struct bench_ctx *ctx)
{
	struct mapped *m = calloc(1, sizeof(*m));
	uint64_t vas = bench_num(ctx, "vas");

	ctx->state = m;
	ctx->max_batch = BATCH;
	return m ? mapped_create(ctx, m, vas, (uint32_t)(vas / ctx->threads) + BATCH) : -ENOMEM;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mapped *m = ctx->state;
	int ret = 0;

	for (; !ret && n; n--)
		ret = mapped_bind(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "bind returned %d", ret);
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mapped *m = ctx->state;
	int ret = 0;

	for (; !ret && n; n--)
		ret = mapped_unbind(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "unbind returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	/* The pre-allocated three; the index may add its own. */
	if (w->stats.v[GPUVM_STAT_ALLOC] < 3 * w->ops)
		bench_fail(ctx, "fewer allocations than pre-allocated mappings");
	bench_expect(ctx, w, GPUVM_STAT_LIST_HIT, w->ops);
	mapped_verify(ctx, ctx->state);
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		mapped_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_bind = {
	.keys = { { "space" }, { "alloc" }, { "vas", "0 1024 65536 1048576", "0 1024 65536" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
