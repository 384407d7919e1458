/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* gem.c - a GEM object comes and goes; the version of what was extracted. */
#include <drm/drm_gem.h>

#include "peer.h"
#include "peer-version.h" /* generated beside the extracted sources */

void peer_gem_init(struct drm_device *drm, struct drm_gem_object *obj, size_t size)
{
	kref_init(&obj->refcount);
	obj->dev = drm;
	obj->size = size;
	peer_resv_init(&obj->_resv);
	if (!obj->resv)
		obj->resv = &obj->_resv;
	INIT_LIST_HEAD(&obj->gpuva.list);
}

void peer_gem_release(struct drm_gem_object *obj)
{
	(void)WARN(!list_empty(&obj->gpuva.list), "GEM object freed with vm_bos on its list");
	peer_resv_fini(&obj->_resv);
}

void peer_gem_free(struct kref *ref)
{
	struct drm_gem_object *obj = container_of(ref, struct drm_gem_object, refcount);

	obj->funcs->free(obj);
}

const char *peer_version(void)
{
	return PEER_VERSION;
}

const char *peer_package(void)
{
	return PEER_PACKAGE;
}
