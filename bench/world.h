/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.h - a device with VMs, GEM objects and held pairs: what nearly every case starts from.
 *
 * VMs are RESV_PROTECTED and IMMEDIATE, as panthor, asahi and tyr use them; 4 KiB pages, 47 bits, nothing reserved.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "case.h"

#define WORLD_PAGE 4096u
#define WORLD_RANGE (1ull << 47)

/**
 * struct world - what world_destroy() takes apart again
 * @dev: made of the benchmark's strategies
 * @vm, @gem: one reference each
 * @bo: pairs that are held, so that the case's own puts are never the last ones
 */
struct world {
	struct gpuvm_device *dev;
	struct gpuvm_vm **vm;
	struct gpuvm_gem **gem;
	struct gpuvm_bo **bo;
	size_t nr_vms, nr_gems, nr_bos;
};

/**
 * world_create() - a device and @vms VMs
 * @driver: callbacks, or NULL for ones that accept every step and count it in the request's priv (a uint64_t). At the
 * end
 *          what is still mapped is unmapped with NULL for priv.
 *
 * On error world_destroy() is still called. Return: 0 or -errno (-ENOTSUP: this build cannot run a strategy).
 */
int world_create(struct bench_ctx *ctx, struct world *w, size_t vms, const struct gpuvm_driver *driver);

/** world_add_gems() - @nr objects of @size bytes that share @vm's reservation (NULL: external to every VM) */
int world_add_gems(struct world *w, size_t nr, uint64_t size, struct gpuvm_vm *vm);

/** world_hold() - register the pair of VM @vm and object @gem (their indices) and keep a reference */
int world_hold(struct world *w, size_t vm, size_t gem);

/** world_destroy() - free everything; fails the benchmark if a held pair turns out to be referenced by anyone else */
void world_destroy(struct bench_ctx *ctx, struct world *w);

/** world_alloc() - @nr zeroed elements of @size bytes, each on cache lines of its own; NULL if no memory */
void *world_alloc(size_t nr, size_t size);

#endif /* BENCH_WORLD_H */
