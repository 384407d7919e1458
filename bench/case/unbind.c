/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * unbind.c - a whole unbind as a driver does it: 2 pre-allocated vas, gpuvm_sm_unmap() with callbacks, what went and
 * what was not used freed.
 *
 * N mappings are there throughout. Batches of binds and unbinds alternate and only the unbinds are timed, so other
 * threads' timed operations meet both. All threads use one VM, each in a part of its own: who excludes whom is the
 * question.
 */
#include "../mapped.h"

#define BATCH 256u

/* A batch more than N, as those are away at the end of a run(). */
static int setup(struct bench_ctx *ctx)
{
	uint64_t vas = bench_num(ctx, "vas");

	ctx->max_batch = BATCH;
	return mapped_setup(ctx, vas + BATCH * ctx->threads, (uint32_t)(vas / ctx->threads) + BATCH);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	mapped_check(ctx, w, GPUVM_SM_UNMAP_VAS);
}

const struct bench_case bench_case_unbind = {
	.keys = { { "space" }, { "alloc" }, { "vas", "0 1024 65536 1048576", "0 1024 65536" } },
	.threads = true,
	.setup = setup,
	.run = mapped_unbinds,
	.reset = mapped_binds,
	.verify = verify,
	.teardown = mapped_teardown,
};
