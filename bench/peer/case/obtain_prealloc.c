/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_prealloc.c - the peer's side of bench/case/obtain_prealloc.c.
 *
 * In 6.12 the losing pair goes through the registered destructor, so drm_gpuvm_bo_obtain_prealloc() wants the VM's
 * reservation as well as the GEM lock, whatever the outcome (panthor_vm_prepare_map_op_ctx()).
 */
#include <stdlib.h>
#include <string.h>

#include "../own.h"

struct prealloc {
	struct peer_own own;
	bool hit;
};

static int setup(struct bench_ctx *ctx)
{
	struct prealloc *s = calloc(1, sizeof(*s));

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->hit = !strcmp(bench_str(ctx, "outcome"), "hit");
	return peer_own_create(ctx, &s->own, s->hit);
}

static struct drm_gpuvm_bo *obtain(struct drm_gpuvm_bo *bo)
{
	struct dma_resv *resv = drm_gpuvm_resv(bo->vm);
	struct peer_gem *gem = peer_gem_of(bo->obj);

	(void)peer_resv_lock(resv, 0, false);
	mutex_lock(&gem->lock);
	bo = drm_gpuvm_bo_obtain_prealloc(bo);
	mutex_unlock(&gem->lock);
	peer_resv_unlock(resv);
	return bo;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct prealloc *s = ctx->state;
	struct peer_own_thread *t = &s->own.t[thread];
	struct drm_gpuvm *vm = &s->own.w.vm[0]->base;
	struct drm_gpuvm_bo *bo;

	(void)peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	for (; n; n--) {
		bo = drm_gpuvm_bo_create(vm, peer_own_next(t));
		if (!bo) {
			bench_fail(ctx, "no pair could be allocated");
			return;
		}
		bo = obtain(bo);
		if ((s->hit ? drm_gpuvm_bo_put(bo) : peer_put_last(bo)) == s->hit) {
			bench_fail(ctx, s->hit ? "the held pair was dropped" : "the new pair was not new");
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
	struct prealloc *s = ctx->state;

	if (s)
		peer_own_destroy(ctx, &s->own);
	free(s);
}

const struct bench_case bench_peer_obtain_prealloc = {
	.keys = { PEER_KEY, { "outcome" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
