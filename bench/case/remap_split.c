/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * remap_split.c - a map into the middle of a mapping: one REMAP to two pieces and one MAP, all three vas used.
 *
 * 128 mappings per thread, in random order, in one VM; made whole, by a bind over the pieces, between the timed batches.
 */
#include "../mapped.h"

#define REGIONS 128u

static int setup(struct bench_ctx *ctx)
{
	ctx->max_batch = REGIONS;
	return mapped_setup(ctx, REGIONS * ctx->threads, 0);
}

/* Split slots wait among the unmapped ones, for mapped_binds() to make them whole. */
static int split(struct mapped *m, struct mapped_thread *t)
{
	uint32_t slot = mapped_take(t, &t->mapped);
	struct gpuvm_gem *gem = t->gem[slot % MAPPED_GEMS];

	mapped_give(t, &t->unmapped, slot);
	return mapped_map_at(t, gem, mapped_addr(t, slot) + MAPPED_SIZE / 4, MAPPED_SIZE / 2,
			     mapped_offset(slot) + MAPPED_SIZE);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	mapped_many(ctx, thread, n, "sm_map", split);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	mapped_check(ctx, w, GPUVM_SM_MAP_VAS);
}

const struct bench_case bench_case_remap_split = {
	.keys = { { "space" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = mapped_binds,
	.verify = verify,
	.teardown = mapped_teardown,
};
