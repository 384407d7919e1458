/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind.c - the peer's side of bench/case/bind.c: 3 pre-allocated vas, obtain, drm_gpuvm_sm_map()
 * under the VM's lock with a callback that maps and links, put, unused vas freed.
 */
#include "../mapped.h"

#define BATCH 256u

static int setup(struct bench_ctx *ctx)
{
	uint64_t vas = bench_num(ctx, "vas");

	ctx->max_batch = BATCH;
	return peer_mapped_setup(ctx, vas, (uint32_t)(vas / ctx->threads) + BATCH);
}

const struct bench_case bench_peer_bind = {
	.keys = { PEER_KEY, { "alloc" }, { "vas" } },
	.threads = true,
	.setup = setup,
	.run = peer_mapped_binds,
	.reset = peer_mapped_unbinds,
	.verify = peer_mapped_check,
	.teardown = peer_mapped_teardown,
};
