/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * floor_alu.c - a loop in registers, private to each thread: what more threads cost when they share nothing.
 *
 * If this gets slower with threads, the machine does (SMT siblings, clock, stolen time), not the code under test.
 */
#include "../case.h"

static int setup(struct bench_ctx *ctx)
{
	return 0;
}

/* One operation: 16 dependent steps of xorshift. */
static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	uint64_t x = ctx->seed + thread + 1;
	unsigned int i;

	for (; n; n--) {
		for (i = 0; i < 16; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		bench_keep(x);
	}
}

static void teardown(struct bench_ctx *ctx)
{
}

const struct bench_case bench_case_floor_alu = {
	.threads = true,
	.setup = setup,
	.run = run,
	.teardown = teardown,
};
