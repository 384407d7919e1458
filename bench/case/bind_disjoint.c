/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind_disjoint.c - a bind and an unbind, whole ones, by threads that never touch each other's ranges. What keeps them from
 * running in parallel is the space.
 *
 * where: two_vms     each thread in a VM of its own: the yardstick for the others
 *        halves      one VM, each thread in a far-apart part
 *        adjacent    one VM, the parts one right behind the other
 *        interleaved one VM, slots alternate between the threads
 *        same_leaf   one VM, each thread binds and unbinds one slot, all of them side by side: the worst case
 * vas:N mappings are there throughout, all threads' together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../mapped.h"

static enum mapped_layout layout_of(const char *where)
{
	if (!strcmp(where, "two_vms"))
		return MAPPED_OWN_VMS;
	if (!strcmp(where, "halves"))
		return MAPPED_APART;
	return !strcmp(where, "interleaved") ? MAPPED_INTERLEAVED : MAPPED_ADJACENT;
}

static int setup(struct bench_ctx *ctx)
{
	struct mapped *m = calloc(1, sizeof(*m));
	uint64_t vas = bench_num(ctx, "vas");
	const struct mapped_plan plan = {
		.parts = ctx->threads,
		.layout = layout_of(bench_str(ctx, "where")),
		.filled = vas,
		.spare = (uint32_t)(vas / ctx->threads) + 16,
	};
	int ret;

	ctx->state = m;
	if (!m)
		return -ENOMEM;
	ret = mapped_create_at(ctx, m, &plan);
	if (!ret && !strcmp(bench_str(ctx, "where"), "same_leaf"))
		mapped_crowd(m);
	return ret;
}

static int bind_unbind(struct mapped *m, struct mapped_thread *t)
{
	int ret = mapped_bind(m, t);

	return ret ? ret : mapped_unbind(m, t);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	mapped_many(ctx, thread, n, "bind or unbind", bind_unbind);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	mapped_check(ctx, w, GPUVM_SM_MAP_VAS + GPUVM_SM_UNMAP_VAS);
}

const struct bench_case bench_case_bind_disjoint = {
	.keys = { { "space" },
		  { "where", "two_vms halves adjacent interleaved same_leaf", "two_vms halves same_leaf" },
		  { "vas", "0 1024 32768 65536 1048576", "65536" } },
	.threads = true,
	.tail = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = mapped_teardown,
};
