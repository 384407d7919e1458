/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookups.h - a VM whose every slot is mapped, and where to look next: what the cases about gpuvm_lookup() have in common.
 */
#ifndef BENCH_LOOKUPS_H
#define BENCH_LOOKUPS_H

#include "mapped.h"
#include "rng.h"

#define LOOKUPS_RNG_STEP (BENCH_LINE / sizeof(uint64_t))

/**
 * struct lookups - the case's state
 * @m: the VM
 * @slots: all of them mapped
 * @rng: by thread, a cache line apart
 */
struct lookups {
	struct mapped m;
	uint32_t slots;
	uint64_t *rng;
};

/** lookups_setup(), lookups_verify(), lookups_teardown() - of a case with the keys space and vas */
int lookups_setup(struct bench_ctx *ctx);
void lookups_verify(struct bench_ctx *ctx, const struct bench_window *w);
void lookups_teardown(struct bench_ctx *ctx);

/** lookups_rng() - @thread's random numbers */
static inline uint64_t *lookups_rng(const struct lookups *s, unsigned int thread)
{
	return &s->rng[thread * LOOKUPS_RNG_STEP];
}

/** lookups_one() - look at a random mapped address. Return: was it found, and what must be there? */
static inline bool lookups_one(const struct lookups *s, struct gpuvm_vm *vm, uint64_t *rng, struct gpuvm_mapping *found)
{
	uint64_t r = rng_below(rng, s->slots);

	return gpuvm_lookup(vm, r * MAPPED_STRIDE + (*rng & (MAPPED_SIZE - 1)), found) && found->addr == r * MAPPED_STRIDE;
}

#endif /* BENCH_LOOKUPS_H */
