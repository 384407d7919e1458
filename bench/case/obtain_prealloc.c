/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_prealloc.c - gpuvm_bo_alloc_create() and gpuvm_bo_obtain(), as a driver does that prepares before it knows.
 *
 *   outcome:hit    the pair is registered already: the alloc loses and is destroyed
 *   outcome:miss   the alloc becomes the pair; its deferred put is the last one; cleanup is timed, every 64 operations
 *
 * One VM; each thread has 64 objects of its own, local to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../pairs.h"

#define OWN 64u

struct prealloc {
	struct pairs p;
	bool hit;
};

static int setup(struct bench_ctx *ctx)
{
	struct prealloc *s = calloc(1, sizeof(*s));
	size_t i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->hit = !strcmp(bench_str(ctx, "outcome"), "hit");
	ret = pairs_own_gems(ctx, &s->p, OWN);
	for (i = 0; !ret && s->hit && i < s->p.w.nr_gems; i++)
		ret = world_hold(&s->p.w, 0, i);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct prealloc *s = ctx->state;
	struct pairs_thread *t = &s->p.t[thread];
	struct gpuvm_bo_alloc *alloc;
	unsigned int i;

	for (; n; n--) {
		i = pairs_next(t);
		if (gpuvm_bo_alloc_create(t->vm[i], t->gem[i], &alloc)) {
			bench_fail(ctx, "no pair could be allocated");
			return;
		}
		if (gpuvm_bo_put_deferred(gpuvm_bo_obtain(alloc)) == s->hit) {
			bench_fail(ctx, s->hit ? "the held pair was dropped" : "the new pair was not new");
			return;
		}
		if (!t->next && !s->hit)
			gpuvm_bo_deferred_cleanup(t->vm[i], OWN);
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct prealloc *s = ctx->state;

	bench_expect(ctx, w, GPUVM_STAT_LIST_RACE, s->hit ? w->ops : 0);
	bench_expect(ctx, w, GPUVM_STAT_DEFER_PUSH, s->hit ? 0 : w->ops);
}

static void teardown(struct bench_ctx *ctx)
{
	struct prealloc *s = ctx->state;

	if (s)
		pairs_destroy(ctx, &s->p);
	free(s);
}

const struct bench_case bench_case_obtain_prealloc = {
	.keys = { { "list" }, { "outcome", "hit miss" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
