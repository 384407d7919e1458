/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind.c - a whole bind as a driver does it: 3 pre-allocated vas, gpuvm_obtain(), gpuvm_sm_map() with callbacks and the
 * links, put, unused vas freed.
 *
 * N mappings are there throughout. Batches of binds and unbinds alternate and only the binds are timed, so other
 * threads' timed operations meet both. All threads use one VM, each in a part of its own: who excludes whom is the
 * question.
 */
#include "../mapped.h"

#define BATCH 256u

static int setup(struct bench_ctx *ctx)
{
	uint64_t vas = bench_num(ctx, "vas");

	ctx->max_batch = BATCH;
	return mapped_setup(ctx, vas, (uint32_t)(vas / ctx->threads) + BATCH);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_LIST_HIT, w->ops);
	mapped_check(ctx, w, GPUVM_SM_MAP_VAS);
}

const struct bench_case bench_case_bind = {
	.keys = { { "space" }, { "alloc" }, { "vas", "0 1024 65536 1048576", "0 1024 65536" } },
	.threads = true,
	.setup = setup,
	.run = mapped_binds,
	.reset = mapped_unbinds,
	.verify = verify,
	.teardown = mapped_teardown,
};
