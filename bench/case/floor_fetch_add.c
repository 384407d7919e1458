/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * floor_fetch_add.c - every thread adds to one shared word: the cost of one contended cache line per operation.
 */
#include <errno.h>
#include <stdlib.h>

#include "../case.h"

struct shared {
	_Alignas(BENCH_LINE) atomic_ullong word;
	uint64_t expected; /* checked between windows: warm-up counts too, so only that it never falls behind */
};

static int setup(struct bench_ctx *ctx)
{
	ctx->state = aligned_alloc(BENCH_LINE, sizeof(struct shared));
	if (!ctx->state)
		return -ENOMEM;
	*(struct shared *)ctx->state = (struct shared){ 0 };
	return 0;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct shared *s = ctx->state;

	for (; n; n--)
		atomic_fetch_add_explicit(&s->word, 1, memory_order_relaxed);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct shared *s = ctx->state;

	s->expected += w->ops;
	if (atomic_load(&s->word) < s->expected)
		bench_fail(ctx, "additions were lost");
}

static void teardown(struct bench_ctx *ctx)
{
	free(ctx->state);
}

const struct bench_case bench_case_floor_fetch_add = {
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
