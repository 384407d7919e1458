/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mix.c - find, obtain and put in given shares over 1024 objects of one VM, which all threads use.
 *
 *   shares:F_O_P  F percent gpuvm_bo_find() (and put of what was found), O percent gpuvm_obtain() of an object that this
 *                 thread then holds, P percent a deferred put of one that it holds, perhaps the last one
 *   dist          which object: uniform, or zipf: the k-th most popular with probability proportional to 1 / k^0.99
 *
 * A thread holds at most one reference to each object. Every 64th put it cleans up. Objects are local to the VM.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rng.h"
#include "../world.h"

#define OBJECTS 1024u
#define DRAWS 8192u /* drawn before timing, so that no logarithm is timed */

struct mix_thread {
	_Alignas(BENCH_LINE) struct gpuvm_bo *held[OBJECTS];
	uint16_t object[DRAWS];
	uint8_t percent[DRAWS];
	uint32_t next, puts;
};

struct mix {
	struct world w;
	struct mix_thread *t;
	unsigned int find, obtain; /* percent; the rest puts */
};

/* Cumulated, so that a uniform number finds its object by bisection. */
static void zipf_table(double *sum)
{
	double total = 0;
	unsigned int k;

	for (k = 0; k < OBJECTS; k++)
		sum[k] = total += pow(k + 1, -0.99);
	for (k = 0; k < OBJECTS; k++)
		sum[k] /= total;
}

static uint16_t zipf_draw(const double *sum, uint64_t *rng)
{
	double u = (double)(rng_next(rng) >> 11) / 9007199254740992.0;
	uint16_t lo = 0, hi = OBJECTS - 1;

	while (lo < hi) {
		uint16_t mid = (uint16_t)((lo + hi) / 2);

		if (sum[mid] < u)
			lo = (uint16_t)(mid + 1);
		else
			hi = mid;
	}
	return lo;
}

static void deal(struct bench_ctx *ctx, struct mix_thread *t, unsigned int thread)
{
	bool zipf = !strcmp(bench_str(ctx, "dist"), "zipf");
	uint64_t rng = ctx->seed + thread;
	double sum[OBJECTS];
	uint32_t i;

	zipf_table(sum);
	for (i = 0; i < DRAWS; i++) {
		t->object[i] = zipf ? zipf_draw(sum, &rng) : (uint16_t)rng_below(&rng, OBJECTS);
		t->percent[i] = (uint8_t)rng_below(&rng, 100);
	}
}

static int setup(struct bench_ctx *ctx)
{
	struct mix *m = calloc(1, sizeof(*m));
	unsigned int i, put;
	int ret;

	ctx->state = m;
	if (!m)
		return -ENOMEM;
	if (sscanf(bench_str(ctx, "shares"), "%u_%u_%u", &m->find, &m->obtain, &put) != 3 ||
	    m->find + m->obtain + put != 100)
		return -EINVAL;
	ret = world_create(ctx, &m->w, 1, NULL);
	ret = ret ? ret : world_add_gems(&m->w, OBJECTS, WORLD_PAGE, m->w.vm[0]);
	m->t = world_alloc(ctx->threads, sizeof(*m->t));
	for (i = 0; m->t && i < ctx->threads; i++)
		deal(ctx, &m->t[i], i);
	return ret ? ret : m->t ? 0 : -ENOMEM;
}

static void put_one(struct mix *m, struct mix_thread *t, unsigned int object)
{
	gpuvm_bo_put_deferred(t->held[object]);
	t->held[object] = NULL;
	if (++t->puts % 64 == 0)
		gpuvm_bo_deferred_cleanup(m->w.vm[0], 64);
}

static void one(struct bench_ctx *ctx, struct mix *m, struct mix_thread *t)
{
	unsigned int object = t->object[t->next], percent = t->percent[t->next];
	struct gpuvm_bo *bo;

	t->next = (t->next + 1) % DRAWS;
	if (percent < m->find) {
		gpuvm_bo_put_deferred(gpuvm_bo_find(m->w.vm[0], m->w.gem[object]));
	} else if (percent < m->find + m->obtain) {
		if (gpuvm_obtain(m->w.vm[0], m->w.gem[object], &bo))
			bench_fail(ctx, "no memory");
		else if (t->held[object])
			gpuvm_bo_put_deferred(bo);
		else
			t->held[object] = bo;
	} else {
		put_one(m, t, object);
	}
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mix *m = ctx->state;

	for (; n; n--)
		one(ctx, m, &m->t[thread]);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	if (w->stats.v[GPUVM_STAT_DEFER_FREE] > w->stats.v[GPUVM_STAT_DEFER_PUSH] + OBJECTS * ctx->threads)
		bench_fail(ctx, "more zombies freed than there were");
}

static void teardown(struct bench_ctx *ctx)
{
	struct mix *m = ctx->state;
	unsigned int i, k;

	for (i = 0; m && m->t && i < ctx->threads; i++)
		for (k = 0; k < OBJECTS; k++)
			gpuvm_bo_put_deferred(m->t[i].held[k]);
	if (m) {
		if (m->w.nr_vms)
			gpuvm_bo_deferred_cleanup(m->w.vm[0], 0);
		world_destroy(ctx, &m->w);
		free(m->t);
	}
	free(m);
}

const struct bench_case bench_case_mix = {
	.keys = { { "list" }, { "shares", "90_5_5 50_25_25", "90_5_5" }, { "dist", "uniform zipf", "zipf" } },
	.threads = true,
	.tail = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
