/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* remap_split.c - the peer's side of bench/case/remap_split.c: a map into the middle of a mapping, all three vas used. */
#include <stdlib.h>

#include "../../rng.h"
#include "../../world.h"
#include "../world.h"

#define REGIONS 128u
#define REGION (64ull * PEER_PAGE)

struct thread {
	_Alignas(BENCH_LINE) uint32_t order[REGIONS];
	uint32_t split, whole;
};

struct split {
	struct peer_world w;
	struct thread *t;
};

static uint32_t next(uint32_t *at)
{
	return (*at)++ % REGIONS;
}

static int make_whole(struct split *s, unsigned int thread)
{
	struct thread *t = &s->t[thread];

	return peer_map(s->w.vm[0], s->w.gem[thread], t->order[next(&t->whole)] * REGION, REGION, 0);
}

static int setup_thread(struct bench_ctx *ctx, struct split *s, unsigned int thread)
{
	struct thread *t = &s->t[thread];
	uint64_t rng = ctx->seed + thread;
	unsigned int i;
	int ret = peer_world_hold(&s->w, 0, thread);

	for (i = 0; i < REGIONS; i++)
		t->order[i] = thread * REGIONS + i;
	rng_shuffle(&rng, t->order, REGIONS);
	for (i = 0; !ret && i < REGIONS; i++)
		ret = make_whole(s, thread);
	return ret;
}

static int setup(struct bench_ctx *ctx)
{
	struct split *s = calloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	ctx->state = s;
	ctx->max_batch = REGIONS;
	if (!s)
		return -ENOMEM;
	ret = peer_world_create(ctx, &s->w, 1, DRM_GPUVM_RESV_PROTECTED);
	s->t = world_alloc(ctx->threads, sizeof(*s->t));
	if (!ret && !s->t)
		ret = -ENOMEM;
	ret = ret ? ret : peer_world_add_gems(&s->w, ctx->threads, s->w.vm[0]);
	for (i = 0; !ret && i < ctx->threads; i++)
		ret = setup_thread(ctx, s, i);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	struct split *s = ctx->state;
	struct thread *t = &s->t[thread];
	uint64_t addr;

	for (; !ret && n; n--) {
		addr = t->order[next(&t->split)] * REGION;
		ret = peer_map(s->w.vm[0], s->w.gem[thread], addr + 16 * PEER_PAGE, 16 * PEER_PAGE, REGION);
	}
	if (ret)
		bench_fail(ctx, "sm_map returned %d", ret);
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);

	for (; !ret && n; n--)
		ret = make_whole(ctx->state, thread);
	if (ret)
		bench_fail(ctx, "sm_map returned %d while making whole", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct split *s = ctx->state;
	size_t nr = peer_mappings(s->w.vm[0]);

	peer_world_verify(ctx);
	if (nr != REGIONS * ctx->threads)
		bench_fail(ctx, "%zu mappings between batches, must be %u", nr, REGIONS * ctx->threads);
}

static void teardown(struct bench_ctx *ctx)
{
	struct split *s = ctx->state;

	if (!s)
		return;
	peer_world_destroy(ctx, &s->w);
	free(s->t);
	free(s);
}

const struct bench_case bench_peer_remap_split = {
	.keys = { PEER_KEY },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
