/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * device.c - a device binds one choice of strategies.
 */
#include "alloc/alloc.h"
#include "list/list.h"
#include "ref/ref.h"
#include "space/space.h"

static int choose(struct gpuvm_device *dev, const struct gpuvm_device_params *p)
{
	dev->list = gpuvm__list_find(p->list, p->ref);
	dev->space = gpuvm__space_find(p->space);
	dev->ref_ops = gpuvm__ref_find(p->ref);
	dev->alloc = gpuvm__alloc_find(p->alloc);
	if (!dev->list || !dev->space || !dev->ref_ops || !dev->alloc)
		return -ENOENT;
	if (!dev->list->find || !dev->alloc->alloc)
		return -ENOTSUP;
	dev->rcu = dev->list->rcu || dev->space->rcu;
	dev->names[GPUVM_AXIS_LIST] = dev->list->name;
	dev->names[GPUVM_AXIS_SPACE] = dev->space->name;
	dev->names[GPUVM_AXIS_REF] = dev->ref_ops->name;
	dev->names[GPUVM_AXIS_ALLOC] = dev->alloc->name;
	dev->names[GPUVM_AXIS_PRESET] =
		gpuvm__params_preset(dev->list->name, dev->space->name, dev->ref_ops->name, dev->alloc->name);
	return 0;
}

int gpuvm_device_create(const struct gpuvm_device_params *params, struct gpuvm_device **out)
{
	struct gpuvm_device_params resolved;
	struct gpuvm_device pick = { 0 }, *dev;
	int ret;

	ret = gpuvm__params_resolve(params, &resolved);
	ret = ret ? ret : choose(&pick, &resolved);
	ret = ret ? ret : gpuvm__rcu_start();
	if (ret)
		return ret;
	dev = gpuvm__obj_alloc(pick.alloc, GPUVM_TYPE_DEVICE, sizeof(*dev), 16);
	if (!dev)
		return -ENOMEM;
	pick.obj = dev->obj;
	*dev = pick;
	gpuvm__kref_init(&dev->ref);
	*out = dev;
	return 0;
}

int gpuvm_device_churn(struct gpuvm_device *dev, size_t size, uint64_t n, bool retire)
{
	void *obj;

	if (size < 64 || size > 65536)
		return -EINVAL;
	for (; n; n--) {
		obj = gpuvm__obj_alloc(dev->alloc, GPUVM_TYPE_OP, size, 16);
		if (!obj)
			return -ENOMEM;
		if (retire)
			gpuvm__obj_retire(obj);
		else
			gpuvm__obj_free(obj);
	}
	return 0;
}

struct gpuvm_device *gpuvm_device_get(struct gpuvm_device *dev)
{
	gpuvm__kref_get(&dev->ref);
	return dev;
}

void gpuvm_device_put(struct gpuvm_device *dev)
{
	if (dev && gpuvm__kref_put(&dev->ref))
		gpuvm__obj_free(dev);
}

const char *gpuvm_device_strategy(const struct gpuvm_device *dev, enum gpuvm_axis axis)
{
	return (unsigned int)axis < GPUVM_AXIS_COUNT ? dev->names[axis] : NULL;
}

/* A space that has the operation has the trait. */
bool gpuvm_device_can(const struct gpuvm_device *dev, enum gpuvm_trait trait)
{
	switch (trait) {
	case GPUVM_TRAIT_SHRINKS:
		return dev->space->shrinks;
	case GPUVM_TRAIT_PARTS:
		return dev->space->begin_right;
	}
	return false;
}
