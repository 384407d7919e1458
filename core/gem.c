/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * gem.c - GEM objects.
 */
#include "list/list.h"

static size_t data_offset(const struct gpuvm_device *dev)
{
	return gpuvm__align(offsetof(struct gpuvm_gem, list_state) + dev->list->gem_bytes, GPUVM__LINE);
}

int gpuvm_gem_create(struct gpuvm_device *dev, const struct gpuvm_gem_params *params, struct gpuvm_gem **out)
{
	size_t at = data_offset(dev);
	struct gpuvm_gem *gem;
	int ret;

	if (params->vm && params->vm->dev != dev)
		return -EINVAL;
	if (params->data_size > SIZE_MAX / 2)
		return -ENOMEM;
	gem = gpuvm__obj_alloc(dev->alloc, GPUVM_TYPE_GEM, at + params->data_size, GPUVM__LINE);
	if (!gem)
		return -ENOMEM;
	ret = dev->list->init(gem);
	if (ret) {
		gpuvm__obj_free(gem);
		return ret;
	}
	gpuvm__kref_init(&gem->ref);
	gem->dev = gpuvm_device_get(dev);
	gem->list = dev->list;
	gem->size = params->size;
	gem->free = params->free;
	gem->data = params->data_size ? (char *)gem + at : NULL;
	gpuvm__resv_init(&gem->own_resv);
	gem->resv_vm = params->vm ? gpuvm_vm_get(params->vm) : NULL;
	gem->resv = params->vm ? &params->vm->resv : &gem->own_resv;
	*out = gem;
	return 0;
}

struct gpuvm_gem *gpuvm_gem_get(struct gpuvm_gem *gem)
{
	gpuvm__kref_get(&gem->ref);
	return gem;
}

void gpuvm_gem_put(struct gpuvm_gem *gem)
{
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm;

	if (!gem || !gpuvm__kref_put(&gem->ref))
		return;
	if (gem->free)
		gem->free(gem);
	dev = gem->dev;
	vm = gem->resv_vm;
	gem->list->fini(gem);
	gpuvm__resv_fini(&gem->own_resv);
	if (GPUVM_PLANT(gem_without_grace))
		gpuvm__obj_free(gem);
	else
		gpuvm__obj_drop(dev, gem);
	gpuvm_vm_put(vm);
	gpuvm_device_put(dev);
}

void *gpuvm_gem_data(struct gpuvm_gem *gem)
{
	return gem->data;
}

uint64_t gpuvm_gem_size(const struct gpuvm_gem *gem)
{
	return gem->size;
}

struct gpuvm_resv *gpuvm_gem_resv(struct gpuvm_gem *gem)
{
	return gem->resv;
}

struct gpuvm_bo *gpuvm_gem_next_bo(struct gpuvm_gem *gem, struct gpuvm_bo *prev)
{
	struct gpuvm_bo *bo;

	gpuvm__list_guarded(gem);
	bo = gem->list->next(gem, prev);
	if (prev && !GPUVM_PLANT(walk_keeps_reference))
		gpuvm__bo_put_mode(prev);
	return bo;
}

static void evict_one(struct gpuvm_bo *bo, void *evict)
{
	gpuvm__evict_set(bo, *(bool *)evict);
}

void gpuvm_gem_evict(struct gpuvm_gem *gem, bool evict)
{
	gpuvm__assert_held(gem->resv);
	gem->list->walk(gem, evict_one, &evict);
}
