/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * exec.c - the peer's drm_exec: rounds of locking; who meets an older context drops everything, waits for that lock, and
 * starts the next round holding it.
 */
#include <drm/drm_exec.h>

static u64 last_ticket;

void peer_exec_init(struct drm_exec *exec, u32 flags, unsigned int nr)
{
	memset(exec, 0, sizeof(*exec));
	exec->flags = flags;
	exec->ticket = __atomic_add_fetch(&last_ticket, 1, __ATOMIC_RELAXED);
}

static void unlock_all(struct drm_exec *exec)
{
	while (exec->num_objects) {
		struct drm_gem_object *obj = exec->objects[--exec->num_objects];

		peer_resv_unlock(obj->resv);
		drm_gem_object_put(obj);
	}
}

void peer_exec_fini(struct drm_exec *exec)
{
	unlock_all(exec);
	drm_gem_object_put(exec->contended);
	kfree(exec->objects);
	exec->objects = NULL;
	exec->contended = NULL;
}

/* Doubles, as the core's does: so neither side is charged for its array. */
static int make_room(struct drm_exec *exec)
{
	unsigned int max = exec->max_objects ? 2 * exec->max_objects : 16;
	struct drm_gem_object **objects;

	if (exec->num_objects < exec->max_objects)
		return 0;
	objects = kzalloc(max * sizeof(*objects), GFP_KERNEL);
	if (!objects)
		return -ENOMEM;
	if (exec->num_objects)
		memcpy(objects, exec->objects, exec->num_objects * sizeof(*objects));
	kfree(exec->objects);
	exec->objects = objects;
	exec->max_objects = max;
	return 0;
}

static void note(struct drm_exec *exec, struct drm_gem_object *obj)
{
	drm_gem_object_get(obj);
	exec->objects[exec->num_objects++] = obj;
}

bool peer_exec_round(struct drm_exec *exec)
{
	struct drm_gem_object *obj = exec->contended;

	if (exec->started && !obj)
		return false;
	exec->started = true;
	if (!obj)
		return true;
	exec->backoffs++;
	unlock_all(exec);
	(void)peer_resv_lock(obj->resv, exec->ticket, false);
	exec->contended = NULL;
	note(exec, obj); /* there is room: it has just been emptied */
	drm_gem_object_put(obj);
	return true;
}

int peer_exec_lock(struct drm_exec *exec, struct drm_gem_object *obj)
{
	int ret = make_room(exec);

	if (ret)
		return ret;
	ret = peer_resv_lock(obj->resv, exec->ticket, exec->num_objects > 0);
	if (ret == -EALREADY)
		return exec->flags & DRM_EXEC_IGNORE_DUPLICATES ? 0 : ret;
	if (ret == -EDEADLK) {
		drm_gem_object_get(obj);
		exec->contended = obj;
		return ret;
	}
	note(exec, obj);
	return 0;
}

int peer_exec_prepare(struct drm_exec *exec, struct drm_gem_object *obj, unsigned int fences)
{
	int ret = peer_exec_lock(exec, obj);

	return ret ? ret : dma_resv_reserve_fences(obj->resv, fences);
}

int peer_exec_prepare_array(struct drm_exec *exec, struct drm_gem_object **objs, unsigned int n, unsigned int fences)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < n && !ret; i++)
		ret = peer_exec_prepare(exec, objs[i], fences);
	return ret;
}
