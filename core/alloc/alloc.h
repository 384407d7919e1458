/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * alloc.h - the contract of the alloc axis: where vas, bos, ops and index nodes come from.
 *
 * To add one: write core/alloc/NAME.c ending in `const struct gpuvm__alloc_ops gpuvm__alloc_NAME = { ... }` and a line in
 * catalogue.def.
 *
 *   A1  alloc() returns @size bytes aligned to @align (16 or 64), uninitialised but for the first word, in which it says
 *       where they go back to: obj.home, which nobody else writes as long as they are there. NULL if there is no memory.
 *   A2  free() takes what has this home, with the size and alignment that alloc() was asked for, from any thread.
 *   A3  retire() frees after a grace period that starts now or later; it neither blocks nor allocates. The object starts
 *       with a struct gpuvm__obj whose rcu head is free for its use. NULL: the core uses call_rcu. One that keeps the
 *       object to itself calls gpuvm__obj_end() when the grace period is over, else gpuvm__obj_release().
 *   A4  thread_leave() gives back what is kept for the calling thread; it may come back. NULL: nothing is.
 *   A5  quiesce() returns when everything retired before, by any thread, is freed, and what the caller and threads that left
 *       have kept is given back. No read section open, no lock held. NULL: gpuvm__rcu_barrier(), which follows in any
 *       case, will do.
 *   A6  stow() may keep a short stock of objects (obj.stock, counted, all of one kind and size) for the calling thread, as it
 *       is, or says false; unstow() gives up to @n such objects of @size bytes, or NULL, which stow() takes back until it has
 *       taken others. Both or neither are NULL.
 */
#ifndef GPUVM_CORE_ALLOC_ALLOC_H
#define GPUVM_CORE_ALLOC_ALLOC_H

#include "../objects.h"

/**
 * struct gpuvm__alloc_ops - one allocator
 * @name: as in catalogue.def
 * @alloc: see A1
 * @free: see A2
 * @retire: see A3
 * @thread_leave: see A4
 * @quiesce: see A5
 * @stow: see A6
 * @unstow: see A6
 */
struct gpuvm__alloc_ops {
	const char *name;
	void *(*alloc)(size_t size, size_t align);
	void (*free)(void *p, size_t size, size_t align);
	void (*retire)(struct gpuvm__obj *obj);
	void (*thread_leave)(void);
	void (*quiesce)(void);
	bool (*stow)(struct gpuvm__obj *stock);
	struct gpuvm__obj *(*unstow)(size_t size, size_t align, size_t n);
};

/* As it was asked for. */
static inline size_t gpuvm__obj_align(const struct gpuvm__obj *obj)
{
	return obj->line_aligned ? GPUVM__LINE : 16;
}

/* The object is dead: the debug build counts it off and poisons it, but for what the allocator wrote since. */
#ifdef GPUVM_DEBUG
void gpuvm__obj_end(struct gpuvm__obj *obj);
#else
static inline void gpuvm__obj_end(struct gpuvm__obj *obj)
{
}
#endif
/* gpuvm__obj_end(), and free(). */
void gpuvm__obj_release(struct gpuvm__obj *obj);

/*
 * ---- what unstow() gives, one by one ----
 *
 * It counts as free until gpuvm__kept_end(), where @kept is what was not taken of @first.
 */

/* The next; NULL: the debug build denies it. There is one. */
static inline void *gpuvm__obj_of_kept(struct gpuvm__obj **kept)
{
	struct gpuvm__obj *obj = *kept;

	gpuvm__may_alloc(__FILE__, __LINE__);
	if (gpuvm__alloc_denied())
		return NULL;
	*kept = obj->stock;
	return obj;
}

static inline void gpuvm__kept_end(const struct gpuvm__alloc_ops *alloc, struct gpuvm__obj *first,
				   struct gpuvm__obj *kept)
{
	size_t nr = gpuvm__stock_nr(first) - gpuvm__stock_nr(kept);

	if (likely(nr)) {
		gpuvm__count_n(GPUVM_STAT_ALLOC, nr);
		gpuvm__count_n(GPUVM_STAT_ALLOC_BYTES, nr * first->size);
		gpuvm__live_add(first->type, (int)nr);
	}
	if (unlikely(kept))
		alloc->stow(kept);
}

#endif /* GPUVM_CORE_ALLOC_ALLOC_H */
