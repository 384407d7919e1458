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
	size_t size = obj->size, align = gpuvm__obj_align(obj);

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

/*
 * ---- stocks ----
 *
 * Nearly every request brings its stock back as it was, and two mappings. What the allocator stows counts as freed, and as
 * allocated when it comes out again.
 */

/* False: the debug build denies one of them. */
static inline bool unstow(const struct gpuvm__alloc_ops *alloc, struct gpuvm__obj **stock, size_t size, size_t n)
{
	struct gpuvm__obj *nodes = alloc->unstow(size, GPUVM__LINE, n);
	size_t i, nr = gpuvm__stock_nr(nodes);

	for (i = 0; i < nr; i++) {
		if (gpuvm__alloc_denied()) {
			alloc->stow(nodes);
			return false;
		}
	}
	if (likely(nodes)) {
		gpuvm__kept_end(alloc, nodes, NULL);
		gpuvm__count_n(GPUVM_STAT_SPACE_ALLOC, nr);
	}
	*stock = nodes;
	return true;
}

static __apart bool alloc_nodes(const struct gpuvm__alloc_ops *alloc, struct gpuvm__obj **stock, size_t size, size_t n)
{
	struct gpuvm__obj *node;

	while (gpuvm__stock_nr(*stock) < n) {
		node = gpuvm__obj_alloc_raw(alloc, GPUVM_TYPE_INDEX, size, GPUVM__LINE);
		if (!node)
			return false;
		gpuvm__count(SPACE_ALLOC);
		gpuvm__stock_push(stock, node);
	}
	return true;
}

bool gpuvm__stock_fill(const struct gpuvm__alloc_ops *alloc, struct gpuvm__obj **stock, size_t size, size_t n)
{
	gpuvm__may_alloc(__FILE__, __LINE__);
	if (unlikely(*stock && (*stock)->size != size)) /* another VM's */
		gpuvm__stock_give_all(stock);
	if (n && !*stock && alloc->unstow && !unstow(alloc, stock, size, n))
		return false;
	return likely(gpuvm__stock_nr(*stock) >= n) || alloc_nodes(alloc, stock, size, n);
}

static __apart void free_nodes(struct gpuvm__obj **stock)
{
	struct gpuvm__obj *node;

	while ((node = *stock)) {
		*stock = node->stock;
		gpuvm__obj_free(node);
	}
}

void gpuvm__stock_give_all(struct gpuvm__obj **stock)
{
	struct gpuvm__obj *node = *stock;
	const struct gpuvm__alloc_ops *alloc = node->home->ops;
	size_t nr = node->nr_stock;

	if (unlikely(!nr || !alloc->stow || !alloc->stow(node))) {
		free_nodes(stock);
		return;
	}
	gpuvm__count_n(GPUVM_STAT_FREE, nr);
	gpuvm__live_add(node->type, -(int)nr);
	*stock = NULL;
}

struct gpuvm__obj *gpuvm__stock_take(struct gpuvm__obj **own, struct gpuvm__obj **stock)
{
	struct gpuvm__obj **from = *own ? own : stock, *node = *from;

	GPUVM__BUG_ON(!node);
	*from = node->stock;
	return node;
}

void gpuvm__stock_return(struct gpuvm__obj **own, struct gpuvm__obj **stock)
{
	struct gpuvm__obj *node;

	while (stock && (node = *own)) {
		*own = node->stock;
		gpuvm__stock_push(stock, node);
	}
	gpuvm__stock_give(own);
}

void gpuvm__obj_drop(const struct gpuvm_device *dev, void *obj)
{
	if (dev->rcu)
		gpuvm__obj_retire(obj);
	else
		gpuvm__obj_free(obj);
}
