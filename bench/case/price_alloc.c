/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * price_alloc.c - one object of 160 bytes (a mapping's size) from an allocator and back, by the core's own path: zeroed,
 * counted.
 *
 *   how:free    given back at once: malloc and free
 *   how:retire  given back after a grace period: call_rcu per object, or whatever the allocator has instead
 *
 * Look at cpu_ns_per_op: what helper threads spend on grace periods and callbacks is in it, in ns_per_op it is not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../world.h"

#define SIZE 160

struct state {
	struct world w;
	bool retire;
};

static int setup(struct bench_ctx *ctx)
{
	struct state *s = calloc(1, sizeof(*s));

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->retire = !strcmp(bench_str(ctx, "how"), "retire");
	return world_create(ctx, &s->w, 0, NULL);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct state *s = ctx->state;

	if (gpuvm_device_churn(s->w.dev, SIZE, n, s->retire))
		bench_fail(ctx, "no memory");
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct state *s = ctx->state;

	bench_expect(ctx, w, GPUVM_STAT_ALLOC, w->ops);
	bench_expect(ctx, w, s->retire ? GPUVM_STAT_RETIRE : GPUVM_STAT_FREE, w->ops);
	if (strcmp(bench_str(ctx, "alloc"), "magazine"))
		return;
	/*
	 * B4: the fast path. How much comes back in time when retiring is the scheduler's doing, too: with no CPU for the
	 * thread that takes the rounds no batch is closed in a whole window, the open one grows (M6): mag_batches says so.
	 */
	if (w->stats.v[s->retire ? GPUVM_STAT_MAG_ALONE : GPUVM_STAT_MAG_TAKE] > w->ops / 10)
		bench_fail(ctx, "the magazine was passed by");
}

static void teardown(struct bench_ctx *ctx)
{
	struct state *s = ctx->state;

	if (s) {
		gpuvm_quiesce(); /* so that the next benchmark does not pay for this one's garbage */
		world_destroy(ctx, &s->w);
	}
	free(s);
}

const struct bench_case bench_case_price_alloc = {
	.keys = { { "alloc" }, { "how", "free retire" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
