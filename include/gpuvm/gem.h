/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * gem.h - the GEM object: a buffer that VMs map, and the list of the bos (VM x GEM pairs) it is part of.
 */
#ifndef GPUVM_GEM_H
#define GPUVM_GEM_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

struct gpuvm_device;
struct gpuvm_vm;
struct gpuvm_gem;
struct gpuvm_bo;
struct gpuvm_resv;

/**
 * struct gpuvm_gem_params - what a GEM object is made of
 * @size: bytes; 0 for a dummy object
 * @data_size: bytes of driver data that follow the object, zeroed
 * @vm: share this VM's reservation (the object is then local to it, no "extobj"), or NULL for one of its own
 * @free: called at the last put, before the memory goes; or NULL. Holds no lock.
 */
struct gpuvm_gem_params {
	uint64_t size;
	size_t data_size;
	struct gpuvm_vm *vm;
	void (*free)(struct gpuvm_gem *gem);
};

/**
 * gpuvm_gem_create() - make a GEM object
 * @dev: the device; the object keeps a reference to it
 * @params: copied
 * @out: receives the object with one reference, the caller's
 *
 * Context: allocates; no locks. Return: 0, -EINVAL (@params->vm of another device), -ENOMEM.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_gem_create(struct gpuvm_device *dev, const struct gpuvm_gem_params *params,
						struct gpuvm_gem **out);

/** gpuvm_gem_get() - another reference; the caller must own one */
GPUVM_API struct gpuvm_gem *gpuvm_gem_get(struct gpuvm_gem *gem);

/**
 * gpuvm_gem_put() - drop a reference (NULL is fine); the last one frees the object, after a grace period if the device
 * has RCU readers. Every bo pins its GEM object (I4), so the list is empty by then. Context: no list lock held.
 */
GPUVM_API void gpuvm_gem_put(struct gpuvm_gem *gem);

/** gpuvm_gem_data() - the driver's data, NULL if none was asked for; lives as long as the object */
GPUVM_API void *gpuvm_gem_data(struct gpuvm_gem *gem);

/** gpuvm_gem_size() - bytes */
GPUVM_API uint64_t gpuvm_gem_size(const struct gpuvm_gem *gem);

/** gpuvm_gem_resv() - its reservation; borrowed, lives as long as the object */
GPUVM_API struct gpuvm_resv *gpuvm_gem_resv(struct gpuvm_gem *gem);

/**
 * gpuvm_gem_next_bo() - iterate over the bos of a GEM object
 * @gem: the object
 * @prev: the bo the last call returned, or NULL to start; its reference is consumed
 *
 * Each bo that is registered throughout the iteration is returned exactly once; one that comes or goes meanwhile may be
 * missed. No lock is held between calls. To stop early, put the last bo.
 * upstream: drm_gem_for_each_gpuvm_bo(), which needs the GEM lock throughout.
 *
 * Context: staged mode: the GEM's reservation held. The put of @prev may be the last one (deferred in immediate mode).
 * Return: a bo with a reference that is the caller's, or NULL at the end.
 */
GPUVM_API GPUVM_MUST_CHECK struct gpuvm_bo *gpuvm_gem_next_bo(struct gpuvm_gem *gem,
							      struct gpuvm_bo *prev GPUVM_CONSUMED);

/**
 * gpuvm_gem_evict() - mark every bo of the object (not) evicted
 * @gem: the object
 * @evict: true when the buffer lost its backing store, false when it is back
 *
 * upstream: drm_gpuvm_bo_gem_evict(). Context: the GEM's reservation held. O(number of bos).
 */
GPUVM_API void gpuvm_gem_evict(struct gpuvm_gem *gem, bool evict);

GPUVM_END_DECLS

#endif /* GPUVM_GEM_H */
