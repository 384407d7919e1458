/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * alloc.h - the contract of the alloc axis: where vas, bos, ops and index nodes come from.
 *
 * To add one: write core/alloc/NAME.c ending in `const struct gpuvm__alloc_ops gpuvm__alloc_NAME = { ... }` and a line in
 * catalogue.def.
 *
 *   A1  alloc() returns @size uninitialised bytes aligned to @align (16 or 64); NULL if there is no memory.
 *   A2  free() takes what alloc() gave, with the same size and alignment, from any thread.
 *   A3  retire() frees after a grace period that starts now or later; it neither blocks nor allocates. The object starts
 *       with a struct gpuvm__obj whose rcu head is free for its use. NULL: the core uses call_rcu.
 */
#ifndef GPUVM_CORE_ALLOC_ALLOC_H
#define GPUVM_CORE_ALLOC_ALLOC_H

#include "../objects.h"

/**
 * struct gpuvm__alloc_ops - one allocator
 * @name: as in catalogue.def
 * @alloc: see A1
 * @free: see A2
 * @retire: see A3
 */
struct gpuvm__alloc_ops {
	const char *name;
	void *(*alloc)(size_t size, size_t align);
	void (*free)(void *p, size_t size, size_t align);
	void (*retire)(struct gpuvm__obj *obj);
};

#endif /* GPUVM_CORE_ALLOC_ALLOC_H */
