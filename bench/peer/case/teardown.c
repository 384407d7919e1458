/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * teardown.c - the peer's side of bench/case/teardown.c: one drm_gpuvm_sm_unmap() of everything, which is how drivers
 * close a VM (upstream has no function for it).
 */
#include <stdlib.h>
#include <string.h>

#include "../mapped.h"

static int build(struct bench_ctx *ctx, struct peer_mapped *m)
{
	memset(m, 0, sizeof(*m));
	return peer_mapped_create(ctx, m, bench_num(ctx, "vas"), 16);
}

static int setup(struct bench_ctx *ctx)
{
	struct peer_mapped *m = calloc(1, sizeof(*m));

	ctx->state = m;
	ctx->max_batch = 1;
	return m ? build(ctx, m) : -ENOMEM;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	struct peer_mapped *m = ctx->state;

	ret = ret ? ret : peer_unmap(m->w.vm[0], 0, WORLD_RANGE);
	if (ret || peer_mappings(m->w.vm[0]))
		bench_fail(ctx, "mappings are left (%d)", ret);
	m->held = 0;
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct peer_mapped *m = ctx->state;
	int ret;

	peer_mapped_destroy(ctx, m);
	ret = build(ctx, m);
	if (ret)
		bench_fail(ctx, "the next VM could not be filled: %d", ret);
}

const struct bench_case bench_peer_teardown = {
	.keys = { PEER_KEY, { "vas" } },
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = peer_mapped_check,
	.teardown = peer_mapped_teardown,
};
