/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* drm_drv.h - peer: references to the device. The device itself is the caller's and outlives them. */
#ifndef PEER_DRM_DRV_H
#define PEER_DRM_DRV_H

#include <drm/drm_device.h>

static inline void peer_dev_release(struct kref *ref)
{
}

static inline void drm_dev_get(struct drm_device *drm)
{
	kref_get(&drm->ref);
}

static inline void drm_dev_put(struct drm_device *drm)
{
	kref_put(&drm->ref, peer_dev_release);
}

#endif /* PEER_DRM_DRV_H */
