/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * noop.c - the harness itself: an empty operation. What is left of the clock and the batches in every other number, and
 * of the clock in every latency.
 */
#include "../case.h"

static int setup(struct bench_ctx *ctx)
{
	return 0;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	for (; n; n--)
		bench_keep(n);
}

static void teardown(struct bench_ctx *ctx)
{
}

const struct bench_case bench_case_noop = {
	.tail = true,
	.setup = setup,
	.run = run,
	.teardown = teardown,
};
