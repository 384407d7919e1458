/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * drm_exec.h - peer: a minimal stand-in for the locking of many objects under one acquire context.
 *
 * drm_exec_until_all_locked() is a loop here, and drm_exec_retry_on_contention() a continue of the loop it stands in: it
 * must stand directly in it (the kernel's may be inside another loop too; drm_gpuvm.c never does that).
 */
#ifndef PEER_DRM_EXEC_H
#define PEER_DRM_EXEC_H

#include <drm/drm_gem.h>

#define DRM_EXEC_INTERRUPTIBLE_WAIT BIT(0)
#define DRM_EXEC_IGNORE_DUPLICATES BIT(1)

struct drm_exec {
	u32 flags;
	u64 ticket;
	unsigned int num_objects, max_objects;
	struct drm_gem_object **objects;
	struct drm_gem_object *contended; /* wait for this first in the next round */
	bool started, again;
	u64 backoffs;
};

/* bench/peer/exec.c */
void peer_exec_init(struct drm_exec *exec, u32 flags, unsigned int nr);
void peer_exec_fini(struct drm_exec *exec);
/* Start of a round: true if there must be one. */
bool peer_exec_round(struct drm_exec *exec);
int peer_exec_lock(struct drm_exec *exec, struct drm_gem_object *obj);
int peer_exec_prepare(struct drm_exec *exec, struct drm_gem_object *obj, unsigned int fences);
int peer_exec_prepare_array(struct drm_exec *exec, struct drm_gem_object **objs, unsigned int n, unsigned int fences);

#define drm_exec_init(exec, flags, nr) peer_exec_init(exec, flags, nr)
#define drm_exec_fini(exec) peer_exec_fini(exec)
#define drm_exec_lock_obj(exec, obj) peer_exec_lock(exec, obj)
#define drm_exec_prepare_obj(exec, obj, fences) peer_exec_prepare(exec, obj, fences)
#define drm_exec_prepare_array(exec, objs, n, fences) peer_exec_prepare_array(exec, objs, n, fences)

#define drm_exec_until_all_locked(exec) while (peer_exec_round(exec))
#define drm_exec_retry_on_contention(exec) \
	if (unlikely((exec)->contended))   \
	continue

#define drm_exec_for_each_locked_object(exec, obj)                                                        \
	for (unsigned int peer_i = 0; peer_i < (exec)->num_objects && ((obj) = (exec)->objects[peer_i], true); \
	     peer_i++)

#endif /* PEER_DRM_EXEC_H */
