/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* exec_walk.c - the peer's side of bench/case/exec_walk.c: drm_gpuvm_exec_lock(), drm_gpuvm_validate(), both kinds of walk. */
#include <stdlib.h>
#include <string.h>

#include "../world.h"

struct walk {
	struct peer_world w;
	bool validate;
};

static int setup(struct bench_ctx *ctx)
{
	size_t nr = bench_num(ctx, "extobjs"), i;
	struct walk *s = calloc(1, sizeof(*s));
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->validate = !strcmp(bench_str(ctx, "work"), "validate");
	ret = peer_world_create(ctx, &s->w, 1, strcmp(bench_str(ctx, "walk"), "plain") ? 0 : DRM_GPUVM_RESV_PROTECTED);
	ret = ret ? ret : peer_world_add_gems(&s->w, nr, NULL);
	for (i = 0; !ret && i < nr; i++)
		ret = peer_world_hold(&s->w, 0, i);
	return ret;
}

static int once(struct peer_world *w, bool validate)
{
	struct drm_gpuvm_exec e = { .vm = &w->vm[0]->base, .flags = DRM_EXEC_IGNORE_DUPLICATES };
	int ret = drm_gpuvm_exec_lock(&e);
	size_t i;

	if (ret)
		return ret;
	if (validate)
		ret = drm_gpuvm_exec_validate(&e);
	for (i = 0; validate && i < w->nr_bos; i++)
		drm_gpuvm_bo_evict(w->bo[i], true);
	drm_gpuvm_exec_unlock(&e);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	struct walk *s = ctx->state;

	for (; !ret && n; n--)
		ret = once(&s->w, s->validate);
	if (ret)
		bench_fail(ctx, "locking or validating returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	peer_world_verify(ctx);
}

static void teardown(struct bench_ctx *ctx)
{
	struct walk *s = ctx->state;

	if (!s)
		return;
	peer_world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_peer_exec_walk = {
	.keys = { PEER_KEY, { "work" }, { "walk" }, { "extobjs" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
