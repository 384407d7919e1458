/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mem.c - objects come and go: every allocation of the core, with what the debug build checks about it.
 */
#include "alloc/alloc.h"

/* An object behind its allocator's word. */
#define HEAD(obj) ((void *)(&(obj)->home + 1))

void *gpuvm__obj_alloc_raw(const struct gpuvm__alloc_ops *alloc, enum gpuvm_type type, size_t size, size_t align)
{
	struct gpuvm__obj *obj;

	gpuvm__may_alloc(__FILE__, __LINE__);
	if (gpuvm__alloc_denied())
		return NULL;
	obj = alloc->alloc(size, align);
	if (unlikely(!obj))
		return NULL;
	memset(HEAD(obj), 0, sizeof(*obj) - sizeof(obj->home));
	obj->size = size;
	obj->type = type;
	obj->line_aligned = align > 16;
	gpuvm__count(ALLOC);
	gpuvm__count_n(GPUVM_STAT_ALLOC_BYTES, size);
	gpuvm__live_add(type, 1);
	return obj;
}

void *gpuvm__obj_alloc(const struct gpuvm__alloc_ops *alloc, enum gpuvm_type type, size_t size, size_t align)
{
	struct gpuvm__obj *obj = gpuvm__obj_alloc_raw(alloc, type, size, align);

	if (likely(obj))
		memset(obj + 1, 0, size - sizeof(*obj));
	return obj;
}

#ifdef GPUVM_DEBUG
void gpuvm__obj_end(struct gpuvm__obj *obj)
{
	gpuvm__live_add(obj->type, -1);
	memset(HEAD(obj), 0x6b, obj->size - sizeof(obj->home)); /* poison: a use after free meets no valid state word */
}
#endif

void gpuvm__obj_release(struct gpuvm__obj *obj)
{
	const struct gpuvm__alloc_ops *alloc = obj->home->ops;
	size_t size = obj->size, align = obj->line_aligned ? GPUVM__LINE : 16;

	gpuvm__obj_end(obj);
	alloc->free(obj, size, align);
}

void gpuvm__obj_free(void *p)
{
	gpuvm__count(FREE);
	gpuvm__obj_release(p);
}

static void release_rcu(gpuvm__rcu_head *head)
{
	gpuvm__rcu_callback(head);
	gpuvm__obj_release(container_of(head, struct gpuvm__obj, rcu));
}

void gpuvm__obj_retire(void *p)
{
	struct gpuvm__obj *obj = p;

	gpuvm__count(RETIRE);
	if (obj->home->ops->retire)
		obj->home->ops->retire(obj);
	else
		gpuvm__call_rcu(&obj->rcu, release_rcu);
}

void gpuvm__obj_drop(const struct gpuvm_device *dev, void *obj)
{
	if (dev->rcu)
		gpuvm__obj_retire(obj);
	else
		gpuvm__obj_free(obj);
}
