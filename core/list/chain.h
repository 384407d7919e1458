/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * chain.h - the bos of a GEM object in order of registration: what most list strategies keep for walks, and the simple
 * ones for finding too. Everything here wants the list's lock held.
 *
 * The entry is bo->obj.listed. What is on the chain is live (I2), so a plain get does.
 */
#ifndef GPUVM_CORE_LIST_CHAIN_H
#define GPUVM_CORE_LIST_CHAIN_H

#include "list.h"
#include "../ref/ref.h"

static inline struct gpuvm__node *chain_node(struct gpuvm_bo *bo)
{
	return &bo->obj.listed;
}

static inline struct gpuvm_bo *chain_bo(struct gpuvm__node *node)
{
	return container_of(node, struct gpuvm_bo, obj.listed);
}

/* The pair of @vm, or NULL; no reference taken. */
static inline struct gpuvm_bo *chain_find(struct gpuvm__node *bos, struct gpuvm_vm *vm)
{
	struct gpuvm__node *pos;
	unsigned int steps = 0;

	gpuvm__for_each_node(pos, bos) {
		if (chain_bo(pos)->vm == vm) {
			gpuvm__count_n(GPUVM_STAT_LIST_STEPS, steps);
			return chain_bo(pos);
		}
		steps++;
	}
	gpuvm__count_n(GPUVM_STAT_LIST_STEPS, steps);
	return NULL;
}

/* L5: the one after @prev, the first for NULL; with a reference. */
static inline struct gpuvm_bo *chain_next(struct gpuvm__node *bos, struct gpuvm_bo *prev)
{
	struct gpuvm__node *n = prev ? chain_node(prev)->next : bos->next;

	if (n == bos)
		return NULL;
	ref_get(chain_bo(n));
	return chain_bo(n);
}

static inline void chain_walk(struct gpuvm__node *bos, void (*fn)(struct gpuvm_bo *bo, void *arg), void *arg)
{
	struct gpuvm__node *pos;

	gpuvm__for_each_node(pos, bos)
		fn(chain_bo(pos), arg);
}

#endif /* GPUVM_CORE_LIST_CHAIN_H */
