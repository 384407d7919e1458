/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * unbind.c - the peer's side of bench/case/unbind.c: 2 pre-allocated vas, drm_gpuvm_sm_unmap()
 * under the VM's lock with a callback that unmaps and unlinks, what went and what was not used freed.
 */
#include <stdlib.h>

#include "../mapped.h"

#define BATCH 256u

static int setup(struct bench_ctx *ctx)
{
	struct peer_mapped *m = calloc(1, sizeof(*m));
	uint64_t vas = bench_num(ctx, "vas");

	ctx->state = m;
	ctx->max_batch = BATCH;
	return m ? peer_mapped_create(ctx, m, vas + BATCH * ctx->threads, (uint32_t)(vas / ctx->threads) + BATCH) :
		   -ENOMEM;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct peer_mapped *m = ctx->state;
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);

	for (; !ret && n; n--)
		ret = peer_mapped_unbind(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "unbind returned %d", ret);
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct peer_mapped *m = ctx->state;
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);

	for (; !ret && n; n--)
		ret = peer_mapped_bind(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "bind returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	peer_mapped_verify(ctx, ctx->state);
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		peer_mapped_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_peer_unbind = {
	.keys = { PEER_KEY, { "alloc" }, { "vas" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
