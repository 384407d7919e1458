/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_hit.c - gpuvm_obtain() and gpuvm_bo_put() of a registered pair, while V VMs share the one GEM object.
 *
 * With V >= T thread t works on the pairs whose registration number is t modulo T: at most 64 of them, spread evenly
 * over the order of registration, visited in shuffled order (so a list is walked half-way on average). With V < T
 * threads share pairs. The object is external to every VM, as a shared one is; the pairs are on their VMs' extobj lists
 * since their registration, so a hit's gpuvm_bo_extobj_add() has nothing to do and what is measured is the list.
 */
#include <errno.h>
#include <stdlib.h>

#include "../pairs.h"
#include "../rng.h"

#define VISITED 64u

static void deal(struct bench_ctx *ctx, struct pairs *p, unsigned int thread, uint32_t vms)
{
	struct pairs_thread *t = &p->t[thread];
	uint32_t step = vms < ctx->threads ? 1 : ctx->threads, first = vms < ctx->threads ? 0 : thread;
	uint32_t own = (vms - first + step - 1) / step, order[VISITED], i;
	uint64_t rng = ctx->seed + thread;

	t->nr = own < VISITED ? own : VISITED;
	for (i = 0; i < t->nr; i++)
		order[i] = first + step * (uint32_t)((uint64_t)i * own / t->nr);
	rng_shuffle(&rng, order, t->nr);
	for (i = 0; i < t->nr; i++) {
		t->vm[i] = p->w.vm[order[i]];
		t->gem[i] = p->w.gem[0];
	}
}

static int setup(struct bench_ctx *ctx)
{
	uint32_t vms = (uint32_t)bench_num(ctx, "vms"), i;
	struct pairs *p = calloc(1, sizeof(*p));
	int ret;

	ctx->state = p;
	if (!p)
		return -ENOMEM;
	ret = pairs_create(ctx, p, vms);
	ret = ret ? ret : world_add_gems(&p->w, 1, WORLD_PAGE, NULL);
	for (i = 0; !ret && i < vms; i++)
		ret = world_hold(&p->w, i, 0);
	for (i = 0; !ret && i < ctx->threads; i++)
		deal(ctx, p, i, vms);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct pairs_thread *t = &((struct pairs *)ctx->state)->t[thread];
	struct gpuvm_bo *bo;
	unsigned int i;

	for (; n; n--) {
		i = pairs_next(t);
		if (gpuvm_obtain(t->vm[i], t->gem[i], &bo) || gpuvm_bo_put(bo)) {
			bench_fail(ctx, "a hit failed, or its put was the last one");
			return;
		}
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_LIST_HIT, w->ops);
	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
	if (w->stats.v[GPUVM_STAT_LIST_FAST] + w->stats.v[GPUVM_STAT_LIST_LOCK] < w->ops)
		bench_fail(ctx, "fewer finds than hits: neither the fast path nor the lock was taken");
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		pairs_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_case_obtain_hit = {
	.keys = { { "list" }, { "vms", "1 8 64 512 4096", "1 64 4096" } },
	.threads = true,
	.tail = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
