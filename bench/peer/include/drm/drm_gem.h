/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * drm_gem.h - peer: the part of a GEM object that GPUVM knows: its count, its reservation, its list of vm_bos and which
 * lock guards that.
 */
#ifndef PEER_DRM_GEM_H
#define PEER_DRM_GEM_H

#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/list.h>

#include <drm/drm_device.h>

struct drm_gem_object;

struct drm_gem_object_funcs {
	void (*free)(struct drm_gem_object *obj);
};

struct drm_gem_object {
	struct kref refcount;
	struct drm_device *dev;
	size_t size;
	struct dma_resv *resv; /* _resv, or another object's */
	struct dma_resv _resv;
	struct {
		struct list_head list;
		struct lockdep_map *lock_dep_map; /* NULL: the reservation guards the list */
	} gpuva;
	const struct drm_gem_object_funcs *funcs;
};

/* bench/peer/gem.c */
void peer_gem_init(struct drm_device *drm, struct drm_gem_object *obj, size_t size);
void peer_gem_release(struct drm_gem_object *obj);
void peer_gem_free(struct kref *ref);

#define drm_gem_private_object_init(drm, obj, size) peer_gem_init(drm, obj, size)
#define drm_gem_object_release(obj) peer_gem_release(obj)

static inline void drm_gem_object_get(struct drm_gem_object *obj)
{
	kref_get(&obj->refcount);
}

static inline void drm_gem_object_put(struct drm_gem_object *obj)
{
	if (obj)
		kref_put(&obj->refcount, peer_gem_free);
}

/* The driver's own lock for the list instead of the reservation; before the first vm_bo. */
#define drm_gem_gpuva_set_lock(obj, lock) ((void)((obj)->gpuva.lock_dep_map = &(lock)->dep_map))

#define drm_gem_gpuva_assert_lock_held(obj) \
	lockdep_assert((obj)->gpuva.lock_dep_map ? lock_is_held((obj)->gpuva.lock_dep_map) : dma_resv_held((obj)->resv))

#define drm_gem_for_each_gpuvm_bo(pos, obj) list_for_each_entry(pos, &(obj)->gpuva.list, list.entry.gem)

#endif /* PEER_DRM_GEM_H */
