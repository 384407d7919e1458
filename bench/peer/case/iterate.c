/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* iterate.c - the peer's side of bench/case/iterate.c: drm_gpuvm_for_each_va_range() over everything, under the VM's lock. */
#include <stdlib.h>

#include "../mapped.h"

static int setup(struct bench_ctx *ctx)
{
	return peer_mapped_setup(ctx, bench_num(ctx, "vas"), 16);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct peer_mapped *m = ctx->state;
	struct peer_vm *vm = m->w.vm[0];
	struct drm_gpuva *va;
	uint64_t met, sum;

	for (; n; n--) {
		met = sum = 0;
		mutex_lock(&vm->lock);
		drm_gpuvm_for_each_va_range(va, &vm->base, 0, WORLD_RANGE) {
			sum += va->gem.offset;
			met++;
		}
		mutex_unlock(&vm->lock);
		bench_keep(sum);
		if (met != m->held)
			bench_fail(ctx, "a walk met %llu mappings, not %llu", (unsigned long long)met,
				   (unsigned long long)m->held);
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	peer_world_verify(ctx);
}

const struct bench_case bench_peer_iterate = {
	.keys = { PEER_KEY, { "vas" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = peer_mapped_teardown,
};
