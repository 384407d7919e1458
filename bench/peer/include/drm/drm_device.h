/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* drm_device.h - peer: a device is a count, and a place where warnings are raised. */
#ifndef PEER_DRM_DEVICE_H
#define PEER_DRM_DEVICE_H

#include <linux/kref.h>

struct drm_device {
	struct kref ref;
};

#define drm_WARN(drm, cond, ...) ((void)(drm), WARN(cond, __VA_ARGS__))
#define drm_WARN_ON(drm, cond) ((void)(drm), WARN(cond, "drm_WARN_ON(%s)", #cond))

#endif /* PEER_DRM_DEVICE_H */
