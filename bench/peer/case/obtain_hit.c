/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_hit.c - the peer's side of bench/case/obtain_hit.c: the same pairs, dealt in the same order.
 *
 * drm_gpuvm_bo_obtain() under the GEM lock; the put needs none, because somebody holds the pair (drm_gpuvm_bo_put() wants the
 * lock only if it may be the last).
 */
#include <stdlib.h>

#include "../../rng.h"
#include "../../world.h"
#include "../world.h"

#define VISITED 64u

struct thread {
	_Alignas(BENCH_LINE) struct drm_gpuvm *vm[VISITED];
	unsigned int nr, next;
};

struct hit {
	struct peer_world w;
	struct thread *t;
};

static void deal(struct bench_ctx *ctx, struct hit *s, unsigned int thread, uint32_t vms)
{
	struct thread *t = &s->t[thread];
	uint32_t step = vms < ctx->threads ? 1 : ctx->threads, first = vms < ctx->threads ? 0 : thread;
	uint32_t own = (vms - first + step - 1) / step, order[VISITED], i;
	uint64_t rng = ctx->seed + thread;

	t->nr = own < VISITED ? own : VISITED;
	for (i = 0; i < t->nr; i++)
		order[i] = first + step * (uint32_t)((uint64_t)i * own / t->nr);
	rng_shuffle(&rng, order, t->nr);
	for (i = 0; i < t->nr; i++)
		t->vm[i] = &s->w.vm[order[i]]->base;
}

static int setup(struct bench_ctx *ctx)
{
	uint32_t vms = (uint32_t)bench_num(ctx, "vms"), i;
	struct hit *s = calloc(1, sizeof(*s));
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	ret = peer_world_create(ctx, &s->w, vms, DRM_GPUVM_RESV_PROTECTED);
	s->t = world_alloc(ctx->threads, sizeof(*s->t));
	if (!ret && !s->t)
		ret = -ENOMEM;
	ret = ret ? ret : peer_world_add_gems(&s->w, 1, NULL);
	for (i = 0; !ret && i < vms; i++)
		ret = peer_world_hold(&s->w, i, 0);
	for (i = 0; !ret && i < ctx->threads; i++)
		deal(ctx, s, i, vms);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct hit *s = ctx->state;
	struct drm_gem_object *obj = &s->w.gem[0]->base;
	struct thread *t = &s->t[thread];

	for (; n; n--) {
		if (drm_gpuvm_bo_put(peer_obtain(t->vm[t->next], obj))) {
			bench_fail(ctx, "the put of a held pair was the last one");
			return;
		}
		t->next = t->next + 1 == t->nr ? 0 : t->next + 1;
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	peer_world_verify(ctx);
}

static void teardown(struct bench_ctx *ctx)
{
	struct hit *s = ctx->state;

	if (!s)
		return;
	peer_world_destroy(ctx, &s->w);
	free(s->t);
	free(s);
}

const struct bench_case bench_peer_obtain_hit = {
	.keys = { PEER_KEY, { "vms" } },
	.threads = true,
	.tail = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
