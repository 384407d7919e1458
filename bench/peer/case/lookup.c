/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookup.c - the peer's side of bench/case/lookup.c: drm_gpuva_find_first() of one byte under the VM's lock, as drivers look a
 * faulting address up; what was found is copied out before the lock is dropped.
 */
#include <stdlib.h>

#include "../../rng.h"
#include "../mapped.h"

struct lookup {
	struct peer_mapped m;
	uint32_t slots;
	uint64_t *rng;
};

#define RNG_STEP (BENCH_LINE / sizeof(uint64_t))

static int setup(struct bench_ctx *ctx)
{
	struct lookup *s = world_alloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	ret = peer_mapped_create(ctx, &s->m, bench_num(ctx, "vas"), 1);
	s->rng = world_alloc(ctx->threads, BENCH_LINE);
	if (ret || !s->rng)
		return ret ? ret : -ENOMEM;
	for (i = 0; !ret && i < ctx->threads; i++) {
		s->rng[i * RNG_STEP] = ctx->seed + i;
		s->slots += s->m.t[i].nr_slots;
		s->m.held++;
		ret = peer_mapped_bind(&s->m, &s->m.t[i]);
	}
	return ret;
}

static bool find(struct peer_vm *vm, u64 addr, struct gpuvm_mapping *out)
{
	struct drm_gpuva *va;

	mutex_lock(&vm->lock);
	va = drm_gpuva_find_first(&vm->base, addr, 1);
	if (va)
		*out = (struct gpuvm_mapping){
			.addr = va->va.addr, .range = va->va.range, .offset = va->gem.offset, .flags = va->flags
		};
	mutex_unlock(&vm->lock);
	return va;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct lookup *s = ctx->state;
	struct peer_vm *vm = s->m.w.vm[0];
	uint64_t *rng = &s->rng[thread * RNG_STEP], r, addr;
	struct gpuvm_mapping found;

	for (; n; n--) {
		r = rng_below(rng, s->slots);
		addr = r * MAPPED_STRIDE + (*rng & (MAPPED_SIZE - 1));
		if (!find(vm, addr, &found) || found.addr != r * MAPPED_STRIDE) {
			bench_fail(ctx, "a mapped address was not found, or the wrong mapping was");
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
	struct lookup *s = ctx->state;

	if (!s)
		return;
	peer_mapped_destroy(ctx, &s->m);
	free(s->rng);
	free(s);
}

const struct bench_case bench_peer_lookup = {
	.keys = { PEER_KEY, { "vas" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
