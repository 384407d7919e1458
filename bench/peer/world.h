/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.h - a device of Linux's with VMs, GEM objects and held pairs: what bench/world.h is for the core.
 *
 * As panthor used 6.12: RESV_PROTECTED, the GEM list under a mutex of the driver's, the address space under another.
 */
#ifndef BENCH_PEER_WORLD_H
#define BENCH_PEER_WORLD_H

#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>
#include <linux/mm.h>

#include "../case.h"
#include "peer.h"

#define PEER_PAGE 4096u
#define PEER_VAS 3 /* pre-allocated for a map: new, prev, next */

/* The key that all peer cases have; plan.c puts the benchmark into the group of the case of the same name. */
#define PEER_KEY                           \
	{                                  \
		"peer", "linux-6.12", NULL \
	}

struct peer_vm {
	struct drm_gpuvm base;
	struct mutex lock; /* the address space */
};

struct peer_gem {
	struct drm_gem_object base;
	struct mutex lock; /* the list of vm_bos, and their mappings */
};

struct peer_world {
	struct drm_device dev;
	struct peer_vm **vm;
	struct peer_gem **gem;
	struct drm_gpuvm_bo **bo; /* held, so that the case's own puts are never the last ones */
	size_t nr_vms, nr_gems, nr_bos;
};

/**
 * struct peer_request - what a request carries through the callbacks
 * @vm: the address space
 * @bo: of the new mapping; NULL: sparse
 * @va: pre-allocated
 * @left: how many of them
 * @removed: freed when the address space is unlocked
 * @last: nobody holds the pairs, so each removed mapping's reference is dropped apart, as if it were the last
 * @steps: callbacks
 */
struct peer_request {
	struct drm_gpuvm *vm;
	struct drm_gpuvm_bo *bo;
	struct drm_gpuva *va[PEER_VAS];
	unsigned int left;
	struct list_head removed;
	bool last;
	uint64_t steps;
};

static inline struct peer_vm *peer_vm_of(struct drm_gpuvm *vm)
{
	return container_of(vm, struct peer_vm, base);
}

static inline struct peer_gem *peer_gem_of(struct drm_gem_object *obj)
{
	return container_of(obj, struct peer_gem, base);
}

/* The whole driver-facing sequence for a pair that is registered; a hit takes the GEM lock, as everyone must in 6.12. */
static inline struct drm_gpuvm_bo *peer_obtain(struct drm_gpuvm *vm, struct drm_gem_object *obj)
{
	struct drm_gpuvm_bo *bo;

	mutex_lock(&peer_gem_of(obj)->lock);
	bo = drm_gpuvm_bo_obtain(vm, obj);
	mutex_unlock(&peer_gem_of(obj)->lock);
	return bo;
}

/* A put that may be the last needs both locks before (panthor_vm_bo_put() in 6.12). */
static inline bool peer_put_last(struct drm_gpuvm_bo *bo)
{
	struct dma_resv *resv = drm_gpuvm_resv(bo->vm);
	struct peer_gem *gem = peer_gem_of(bo->obj);
	bool last;

	(void)peer_resv_lock(resv, 0, false);
	mutex_lock(&gem->lock);
	last = drm_gpuvm_bo_put(bo);
	mutex_unlock(&gem->lock);
	peer_resv_unlock(resv);
	return last;
}

/** peer_world_create() - @vms VMs of @flags; on error peer_world_destroy() is still called. Return: 0 or -errno. */
int peer_world_create(struct bench_ctx *ctx, struct peer_world *w, size_t vms, enum drm_gpuvm_flags flags);

/** peer_world_add_gems() - @nr objects that share @vm's reservation (NULL: external to every VM) */
int peer_world_add_gems(struct peer_world *w, size_t nr, struct peer_vm *vm);

/** peer_world_hold() - register the pair of VM @vm and object @gem (their indices) and keep a reference */
int peer_world_hold(struct peer_world *w, size_t vm, size_t gem);

/** peer_world_destroy() - free everything; fails the benchmark if anything is left or was warned of */
void peer_world_destroy(struct bench_ctx *ctx, struct peer_world *w);

/** peer_world_verify() - fail the benchmark if the kernel's code warned */
void peer_world_verify(struct bench_ctx *ctx);

/** peer_map(), peer_unmap() - 3 (2) vas ready, obtain, sm_map (sm_unmap) with callbacks, put, leftovers freed. 0 or -errno. */
int peer_map(struct peer_vm *vm, struct peer_gem *gem, u64 addr, u64 range, u64 offset);
int peer_unmap(struct peer_vm *vm, u64 addr, u64 range);

/** peer_map_bo() - the same for a pair that the caller has (NULL: sparse) */
int peer_map_bo(struct peer_vm *vm, struct drm_gpuvm_bo *bo, u64 addr, u64 range, u64 offset);

/** peer_unmap_last() - peer_unmap() of mappings that may hold the last references to their pairs */
int peer_unmap_last(struct peer_vm *vm, u64 addr, u64 range);

/** peer_mappings() - how many there are */
size_t peer_mappings(struct peer_vm *vm);

#endif /* BENCH_PEER_WORLD_H */
