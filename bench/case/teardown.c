/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * teardown.c - gpuvm_vm_close() of a VM with N mappings: a process that exits. Filling the next VM is not timed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../mapped.h"

static int build(struct bench_ctx *ctx, struct mapped *m)
{
	memset(m, 0, sizeof(*m));
	return mapped_create(ctx, m, bench_num(ctx, "vas"), 16);
}

static int setup(struct bench_ctx *ctx)
{
	struct mapped *m = calloc(1, sizeof(*m));

	ctx->state = m;
	ctx->max_batch = 1;
	return m ? build(ctx, m) : -ENOMEM;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mapped *m = ctx->state;
	size_t closed = gpuvm_vm_close(m->w.vm[0], NULL);

	if (closed != m->held)
		bench_fail(ctx, "%zu mappings unmapped, not %llu", closed, (unsigned long long)m->held);
	m->held = 0;
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mapped *m = ctx->state;
	int ret;

	mapped_destroy(ctx, m);
	ret = build(ctx, m);
	if (ret)
		bench_fail(ctx, "the next VM could not be filled: %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	if (w->stats.v[GPUVM_STAT_FREE] + w->stats.v[GPUVM_STAT_RETIRE] < w->ops * bench_num(ctx, "vas"))
		bench_fail(ctx, "fewer objects freed than there were mappings");
	mapped_verify(ctx, ctx->state);
}

const struct bench_case bench_case_teardown = {
	.keys = { { "space" }, { "vas", "1024 65536 1048576", "65536" } },
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = mapped_teardown,
};
