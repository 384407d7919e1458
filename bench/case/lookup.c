/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookup.c - gpuvm_lookup() at random mapped addresses of one VM with N mappings: the fault handler's question.
 *
 * The addresses do not depend on earlier answers, so the processor may overlap lookups if the strategy lets it.
 */
#include <errno.h>
#include <stdlib.h>

#include "../mapped.h"
#include "../rng.h"

struct lookup {
	struct mapped m;
	uint32_t slots; /* all of them mapped */
	uint64_t *rng; /* by thread, a cache line apart */
};

#define RNG_STEP (BENCH_LINE / sizeof(uint64_t))

/* One free slot per thread, the part's last, lets the churn move; it is filled at the end. */
static int setup(struct bench_ctx *ctx)
{
	struct lookup *s = world_alloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	ret = mapped_create(ctx, &s->m, bench_num(ctx, "vas"), 1);
	s->rng = world_alloc(ctx->threads, BENCH_LINE);
	if (ret || !s->rng)
		return ret ? ret : -ENOMEM;
	for (i = 0; !ret && i < ctx->threads; i++) {
		s->rng[i * RNG_STEP] = ctx->seed + i;
		s->slots += s->m.t[i].nr_slots;
		s->m.held++;
		ret = mapped_bind(&s->m, &s->m.t[i]);
	}
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct lookup *s = ctx->state;
	struct gpuvm_vm *vm = s->m.w.vm[0];
	uint64_t *rng = &s->rng[thread * RNG_STEP], r, addr;
	struct gpuvm_mapping found;

	for (; n; n--) {
		r = rng_below(rng, s->slots);
		addr = r * MAPPED_STRIDE + (*rng & (MAPPED_SIZE - 1));
		if (!gpuvm_lookup(vm, addr, &found) || found.addr != r * MAPPED_STRIDE) {
			bench_fail(ctx, "a mapped address was not found, or the wrong mapping was");
			return;
		}
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
	if (w->stats.v[GPUVM_STAT_SPACE_FAST] + w->stats.v[GPUVM_STAT_SPACE_LOCK] < w->ops)
		bench_fail(ctx, "fewer reads of the space than lookups");
}

static void teardown(struct bench_ctx *ctx)
{
	struct lookup *s = ctx->state;

	if (!s)
		return;
	mapped_destroy(ctx, &s->m);
	free(s->rng);
	free(s);
}

const struct bench_case bench_case_lookup = {
	.keys = { { "space" }, { "vas", "1024 65536 1048576", "1024 65536" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
