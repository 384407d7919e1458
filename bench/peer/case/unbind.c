/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * unbind.c - the peer's side of bench/case/unbind.c: 2 pre-allocated vas, drm_gpuvm_sm_unmap()
 * under the VM's lock with a callback that unmaps and unlinks, what went and what was not used freed.
 */
#include "../mapped.h"

#define BATCH 256u

static int setup(struct bench_ctx *ctx)
{
	uint64_t vas = bench_num(ctx, "vas");

	ctx->max_batch = BATCH;
	return peer_mapped_setup(ctx, vas + BATCH * ctx->threads, (uint32_t)(vas / ctx->threads) + BATCH);
}

const struct bench_case bench_peer_unbind = {
	.keys = { PEER_KEY, { "alloc" }, { "vas" } },
	.threads = true,
	.setup = setup,
	.run = peer_mapped_unbinds,
	.reset = peer_mapped_binds,
	.verify = peer_mapped_check,
	.teardown = peer_mapped_teardown,
};
