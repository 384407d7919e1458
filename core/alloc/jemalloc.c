/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * jemalloc.c - alloc:jemalloc, through its own interface (mallocx, sdallocx): a free that knows the size skips the lookup
 * of it.
 *
 * Not in the sanitizer builds: mallocx crashes beside AddressSanitizer. There the table exists without functions and
 * gpuvm_device_create() answers -ENOTSUP.
 */
#include "alloc.h"

#ifdef GPUVM_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>

static inline int flags_of(size_t align)
{
	return align <= 16 ? 0 : MALLOCX_ALIGN(align);
}

extern const struct gpuvm__alloc_ops gpuvm__alloc_jemalloc;
static const struct gpuvm__home home = { &gpuvm__alloc_jemalloc };

static void *jemalloc_alloc(size_t size, size_t align)
{
	struct gpuvm__obj *obj = mallocx(size, flags_of(align));

	if (likely(obj))
		obj->home = &home;
	return obj;
}

static void jemalloc_free(void *p, size_t size, size_t align)
{
	sdallocx(p, size, flags_of(align));
}
#endif

const struct gpuvm__alloc_ops gpuvm__alloc_jemalloc = {
	.name = "jemalloc",
#ifdef GPUVM_HAVE_JEMALLOC
	.alloc = jemalloc_alloc,
	.free = jemalloc_free,
#endif
};
