/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * pairs.h - VM x GEM pairs dealt out to threads, for the cases that obtain and put them.
 */
#ifndef BENCH_PAIRS_H
#define BENCH_PAIRS_H

#include "world.h"

#define PAIRS_MAX 256u

/**
 * struct pairs_thread - what one thread works on, in the order in which it does
 * @vm, @gem: the pairs; @nr of them
 * @bo: room for what it obtained
 * @next: the next one's index
 */
struct pairs_thread {
	_Alignas(BENCH_LINE) struct gpuvm_vm *vm[PAIRS_MAX];
	struct gpuvm_gem *gem[PAIRS_MAX];
	struct gpuvm_bo *bo[PAIRS_MAX];
	unsigned int nr;
	unsigned int next;
};

struct pairs {
	struct world w;
	struct pairs_thread *t;
};

/** pairs_next() - index of the pair to use, going round */
static inline unsigned int pairs_next(struct pairs_thread *t)
{
	unsigned int i = t->next;

	t->next = i + 1 == t->nr ? 0 : i + 1;
	return i;
}

/**
 * pairs_own_gems() - one VM for all; each thread gets @nr objects of its own, local to that VM
 *
 * Nothing is registered. Return: 0 or -errno (call pairs_destroy() all the same).
 */
int pairs_own_gems(struct bench_ctx *ctx, struct pairs *p, unsigned int nr);

/** pairs_create() - a world of @vms VMs and room for the threads; the case deals the pairs. Return: as above. */
int pairs_create(struct bench_ctx *ctx, struct pairs *p, size_t vms);

/** pairs_destroy() - free everything */
void pairs_destroy(struct bench_ctx *ctx, struct pairs *p);

#endif /* BENCH_PAIRS_H */
