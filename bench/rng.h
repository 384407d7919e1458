/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rng.h - reproducible random numbers (splitmix64): one word of state, seeded from --seed.
 */
#ifndef BENCH_RNG_H
#define BENCH_RNG_H

#include <stdint.h>

static inline uint64_t rng_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* In [0, n), n > 0; the bias is below 2^-32 for the sizes used here. */
static inline uint64_t rng_below(uint64_t *state, uint32_t n)
{
	return ((rng_next(state) >> 32) * n) >> 32;
}

static inline void rng_shuffle(uint64_t *state, uint32_t *v, uint32_t n)
{
	uint32_t i, j, t;

	for (i = n; i > 1; i--) {
		j = (uint32_t)rng_below(state, i);
		t = v[i - 1];
		v[i - 1] = v[j];
		v[j] = t;
	}
}

#endif /* BENCH_RNG_H */
