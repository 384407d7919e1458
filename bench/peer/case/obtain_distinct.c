/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* obtain_distinct.c - the peer's side of bench/case/obtain_distinct.c: a VM and an object for each thread. */
#include <stdlib.h>

#include "../world.h"

static int setup(struct bench_ctx *ctx)
{
	struct peer_world *w = calloc(1, sizeof(*w));
	unsigned int i;
	int ret;

	ctx->state = w;
	if (!w)
		return -ENOMEM;
	ret = peer_world_create(ctx, w, ctx->threads, DRM_GPUVM_RESV_PROTECTED);
	for (i = 0; !ret && i < ctx->threads; i++) {
		ret = peer_world_add_gems(w, 1, w->vm[i]);
		ret = ret ? ret : peer_world_hold(w, i, i);
	}
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct peer_world *w = ctx->state;
	struct drm_gem_object *obj = &w->gem[thread]->base;
	struct drm_gpuvm *vm = &w->vm[thread]->base;

	for (; n; n--) {
		if (drm_gpuvm_bo_put(peer_obtain(vm, obj))) {
			bench_fail(ctx, "the put of a held pair was the last one");
			return;
		}
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	peer_world_verify(ctx);
}

static void teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		peer_world_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_peer_obtain_distinct = {
	.keys = { PEER_KEY },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
