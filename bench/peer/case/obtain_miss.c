/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * obtain_miss.c - the peer's side of bench/case/obtain_miss.c: a pair's whole life.
 *
 * drm_gpuvm_bo_obtain() allocates under the GEM lock; the put, which is the last one, wants the VM's reservation and the GEM
 * lock and frees at once (6.12 has no deferred put).
 */
#include <stdlib.h>

#include "../own.h"

static int setup(struct bench_ctx *ctx)
{
	struct peer_own *s = calloc(1, sizeof(*s));

	ctx->state = s;
	return s ? peer_own_create(ctx, s, false) : -ENOMEM;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct peer_own *s = ctx->state;
	struct peer_own_thread *t = &s->t[thread];
	struct drm_gpuvm *vm = &s->w.vm[0]->base;

	(void)peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	for (; n; n--) {
		if (!peer_put_last(peer_obtain(vm, peer_own_next(t)))) {
			bench_fail(ctx, "the put of a new pair was not the last one");
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
		peer_own_destroy(ctx, ctx->state);
	free(ctx->state);
}

const struct bench_case bench_peer_obtain_miss = {
	.keys = { PEER_KEY, { "alloc" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
