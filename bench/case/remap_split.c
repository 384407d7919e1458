/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * remap_split.c - a map into the middle of a mapping: one REMAP to two pieces and one MAP, all three vas used.
 *
 * 128 mappings of 64 pages per thread, in random order, in one VM; made whole again between the timed batches.
 */
#include <errno.h>
#include <stdlib.h>

#include "../rng.h"
#include "../world.h"

#define REGIONS 128u
#define REGION (64ull * WORLD_PAGE)

struct split_thread {
	_Alignas(BENCH_LINE) uint32_t order[REGIONS];
	uint32_t split, whole; /* next in @order to be split, to be made whole */
	struct gpuvm_sm sm;
	struct gpuvm_gem *gem;
	uint64_t steps;
};

struct split {
	struct world w;
	struct split_thread *t;
};

static int map(struct split *s, struct split_thread *t, uint64_t addr, uint64_t range, uint64_t offset)
{
	struct gpuvm_vm *vm = s->w.vm[0];
	struct gpuvm_map_req req = { .addr = addr, .range = range, .offset = offset };
	int ret = gpuvm_sm_prepare(vm, &t->sm, GPUVM_SM_MAP_VAS);

	ret = ret ? ret : gpuvm_obtain(vm, t->gem, &req.bo);
	if (ret)
		return ret;
	ret = gpuvm_sm_map(vm, &req, &t->sm);
	gpuvm_bo_put(req.bo);
	gpuvm_sm_release(&t->sm);
	return ret;
}

static uint32_t next(uint32_t *at)
{
	return (*at)++ % REGIONS;
}

static int make_whole(struct split *s, struct split_thread *t)
{
	return map(s, t, t->order[next(&t->whole)] * REGION, REGION, 0);
}

static int setup_thread(struct bench_ctx *ctx, struct split *s, unsigned int thread)
{
	struct split_thread *t = &s->t[thread];
	uint64_t rng = ctx->seed + thread;
	unsigned int i;
	int ret = world_hold(&s->w, 0, thread);

	t->gem = s->w.gem[thread];
	t->sm.priv = &t->steps;
	for (i = 0; i < REGIONS; i++)
		t->order[i] = thread * REGIONS + i;
	rng_shuffle(&rng, t->order, REGIONS);
	for (i = 0; !ret && i < REGIONS; i++)
		ret = make_whole(s, t);
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
	ret = world_create(ctx, &s->w, 1, NULL);
	s->t = world_alloc(ctx->threads, sizeof(*s->t));
	if (!ret && !s->t)
		ret = -ENOMEM;
	ret = ret ? ret : world_add_gems(&s->w, ctx->threads, 2 * REGION, s->w.vm[0]);
	for (i = 0; !ret && i < ctx->threads; i++)
		ret = setup_thread(ctx, s, i);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct split *s = ctx->state;
	struct split_thread *t = &s->t[thread];
	uint64_t addr;
	int ret = 0;

	for (; !ret && n; n--) {
		addr = t->order[next(&t->split)] * REGION;
		ret = map(s, t, addr + 16 * WORLD_PAGE, 16 * WORLD_PAGE, REGION);
	}
	if (ret)
		bench_fail(ctx, "sm_map returned %d", ret);
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct split *s = ctx->state;
	int ret = 0;

	for (; !ret && n; n--)
		ret = make_whole(s, &s->t[thread]);
	if (ret)
		bench_fail(ctx, "sm_map returned %d while making whole", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct split *s = ctx->state;
	size_t nr = gpuvm_vm_mappings(s->w.vm[0]);

	if (nr != REGIONS * ctx->threads)
		bench_fail(ctx, "%zu mappings between batches, must be %u", nr, REGIONS * ctx->threads);
	if (w->stats.v[GPUVM_STAT_ALLOC] < 3 * w->ops)
		bench_fail(ctx, "fewer allocations than pre-allocated mappings");
}

static void teardown(struct bench_ctx *ctx)
{
	struct split *s = ctx->state;

	if (!s)
		return;
	world_destroy(ctx, &s->w);
	free(s->t);
	free(s);
}

const struct bench_case bench_case_remap_split = {
	.keys = { { "space" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
