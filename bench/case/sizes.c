/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sizes.c - mappings of other sizes than the rest of the cases have, and no holes between them: what a driver with 4 KiB,
 * 64 KiB or 2 MiB pages fills an address space with.
 *
 * size: 4k 64k 2m  N mappings of that size, one right behind the other
 *       giants     16 of 1 GiB, each followed by N / 16 of 4 KiB; every second operation is about a giant
 * op:   lookup     gpuvm_lookup() at a random address
 *       rebind     a map request over just one mapping, as a whole: 3 vas ready, obtain (hit), UNMAP and MAP, leftovers and
 *                  what went freed
 * One thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../rng.h"
#include "../world.h"

#define GEMS 16u
#define GIANTS 16u
#define GIANT (1ull << 30)

struct sizes {
	struct world w;
	uint64_t size; /* of the small ones */
	uint32_t n; /* small ones */
	uint32_t giants;
	uint64_t rng;
	struct gpuvm_sm sm;
	uint64_t steps;
	bool rebind;
};

struct place {
	uint64_t addr, size;
};

/* Mapping number @i: the small ones first. */
static struct place place_of(const struct sizes *s, uint32_t i)
{
	uint32_t each = s->giants ? s->n / s->giants : s->n;
	uint64_t stride = GIANT + each * s->size; /* a giant and its followers */

	if (i >= s->n)
		return (struct place){ (i - s->n) * stride, GIANT };
	if (!s->giants)
		return (struct place){ i * s->size, s->size };
	return (struct place){ i / each * stride + GIANT + i % each * s->size, s->size };
}

static uint32_t pick(struct sizes *s)
{
	if (s->giants && rng_next(&s->rng) & 1)
		return s->n + (uint32_t)rng_below(&s->rng, s->giants);
	return (uint32_t)rng_below(&s->rng, s->n);
}

static int map(struct sizes *s, uint32_t i)
{
	struct place p = place_of(s, i);
	struct gpuvm_map_req req = { .addr = p.addr, .range = p.size };
	int ret = gpuvm_sm_prepare(s->w.vm[0], &s->sm, GPUVM_SM_MAP_VAS);

	ret = ret ? ret : gpuvm_obtain(s->w.vm[0], s->w.gem[i % GEMS], &req.bo);
	if (ret)
		return ret;
	ret = gpuvm_sm_map(s->w.vm[0], &req, &s->sm);
	gpuvm_bo_put(req.bo);
	gpuvm_sm_release(&s->sm);
	return ret;
}

/* In random order; then a quarter of them once more. */
static int fill(struct sizes *s)
{
	uint32_t all = s->n + s->giants, i, *order = calloc(all, sizeof(*order));
	int ret = order ? 0 : -ENOMEM;

	for (i = 0; order && i < all; i++)
		order[i] = i;
	if (order)
		rng_shuffle(&s->rng, order, all);
	for (i = 0; !ret && i < all; i++)
		ret = map(s, order[i]);
	for (i = 0; !ret && i < all / 4; i++)
		ret = map(s, pick(s));
	free(order);
	return ret;
}

static int setup(struct bench_ctx *ctx)
{
	struct sizes *s = world_alloc(1, sizeof(*s));
	const char *size = bench_str(ctx, "size");
	unsigned int g;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->giants = strcmp(size, "giants") ? 0 : GIANTS;
	s->size = !strcmp(size, "64k") ? 1u << 16 : !strcmp(size, "2m") ? 1u << 21 : 1u << 12;
	s->n = (uint32_t)bench_num(ctx, "vas");
	s->rebind = !strcmp(bench_str(ctx, "op"), "rebind");
	s->rng = ctx->seed;
	s->sm.priv = &s->steps;
	ret = world_create(ctx, &s->w, 1, NULL);
	ret = ret ? ret : world_add_gems(&s->w, GEMS, WORLD_RANGE, s->w.vm[0]);
	for (g = 0; !ret && g < GEMS; g++)
		ret = world_hold(&s->w, 0, g);
	return ret ? ret : fill(s);
}

static void look(struct bench_ctx *ctx, struct sizes *s, uint64_t n)
{
	struct gpuvm_mapping found;
	struct place p;

	for (; n; n--) {
		p = place_of(s, pick(s));
		if (!gpuvm_lookup(s->w.vm[0], p.addr + (s->rng & (p.size - 1)), &found) || found.addr != p.addr) {
			bench_fail(ctx, "a mapped address was not found, or the wrong mapping was");
			return;
		}
	}
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct sizes *s = ctx->state;
	int ret = 0;

	if (!s->rebind) {
		look(ctx, s, n);
		return;
	}
	for (; !ret && n; n--)
		ret = map(s, pick(s));
	if (ret)
		bench_fail(ctx, "rebind returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct sizes *s = ctx->state;

	if (!s->rebind)
		bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
	else if (w->stats.v[GPUVM_STAT_ALLOC] < 3 * w->ops)
		bench_fail(ctx, "fewer allocations than pre-allocated mappings");
}

static void teardown(struct bench_ctx *ctx)
{
	struct sizes *s = ctx->state;
	size_t nr;

	if (!s)
		return;
	nr = s->w.nr_vms ? gpuvm_vm_mappings(s->w.vm[0]) : 0;
	if (s->w.nr_bos == GEMS && nr != s->n + s->giants)
		bench_fail(ctx, "%zu mappings at the end, must be %u", nr, s->n + s->giants);
	world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_case_sizes = {
	.keys = { { "space" },
		  { "size", "4k 64k 2m giants", "giants" },
		  { "op", "lookup rebind" },
		  { "vas", "1024 65536", "65536" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
