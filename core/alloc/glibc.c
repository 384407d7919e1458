/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * glibc.c - alloc:glibc, the C library's malloc under its internal names, so that it can stand beside jemalloc (which
 * takes the public names over as soon as it is linked) in one process.
 *
 * The sanitizers replace the public names and know nothing of the internal ones: there the public names are used.
 */
#include <stdlib.h>

#include "alloc.h"

extern const struct gpuvm__alloc_ops gpuvm__alloc_glibc;

#if defined(GPUVM_SCHED)
#define raw_malloc(size) gpuvm__sched_alloc((size), 16)
#define raw_memalign(align, size) gpuvm__sched_alloc((size), (align))
#define raw_free gpuvm__sched_free
#elif defined(GPUVM_HAVE_JEMALLOC) && defined(__GLIBC__)
extern void *__libc_malloc(size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *p);

#define raw_malloc __libc_malloc
#define raw_memalign __libc_memalign
#define raw_free __libc_free
#else
#define raw_malloc malloc
#define raw_memalign aligned_alloc
#define raw_free free
#endif

static const struct gpuvm__home home = { &gpuvm__alloc_glibc };

static void *glibc_alloc(size_t size, size_t align)
{
	struct gpuvm__obj *obj = align <= 16 ? raw_malloc(size) : raw_memalign(align, gpuvm__align(size, align));

	if (likely(obj))
		obj->home = &home;
	return obj;
}

static void glibc_free(void *p, size_t size, size_t align)
{
	raw_free(p);
}

const struct gpuvm__alloc_ops gpuvm__alloc_glibc = {
	.name = "glibc",
	.alloc = glibc_alloc,
	.free = glibc_free,
};
