/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* remap_split.c - the peer's side of bench/case/remap_split.c: a map into the middle of a mapping, all three vas used. */
#include "../mapped.h"

#define REGIONS 128u

static int setup(struct bench_ctx *ctx)
{
	ctx->max_batch = REGIONS;
	return peer_mapped_setup(ctx, REGIONS * ctx->threads, 0);
}

static int split(struct peer_mapped *m, struct peer_mapped_thread *t)
{
	uint32_t slot = mapped_ring_pop(&t->mapped, t->nr_slots);

	mapped_ring_push(&t->unmapped, t->nr_slots, slot);
	return peer_map(m->w.vm[0], t->gem[slot % MAPPED_GEMS], (u64)slot * MAPPED_STRIDE + MAPPED_SIZE / 4,
			MAPPED_SIZE / 2, mapped_offset(slot) + MAPPED_SIZE);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	peer_mapped_many(ctx, thread, n, "sm_map", split);
}

const struct bench_case bench_peer_remap_split = {
	.keys = { PEER_KEY },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = peer_mapped_binds,
	.verify = peer_mapped_check,
	.teardown = peer_mapped_teardown,
};
