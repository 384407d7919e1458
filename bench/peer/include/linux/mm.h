/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mm.h - peer: what drm_gpuvm.c gets by including the kernel's: allocation, error pointers, checked addition.
 */
#ifndef PEER_LINUX_MM_H
#define PEER_LINUX_MM_H

#include <errno.h>
#include <string.h>

#include <linux/export.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define GFP_KERNEL 1u

/* bench/peer/mem.c */
void *peer_kzalloc(size_t size);
void *peer_kmemdup(const void *src, size_t size);
void peer_kfree(const void *p);

#define kzalloc(size, gfp) (might_sleep(), peer_kzalloc(size))
#define kmemdup(src, size, gfp) (might_sleep(), peer_kmemdup(src, size))
#define kfree(p) peer_kfree(p)

#define MAX_ERRNO 4095ul

static inline void *ERR_PTR(long err)
{
	return (void *)err;
}

static inline long PTR_ERR(const void *p)
{
	return (long)p;
}

static inline bool IS_ERR(const void *p)
{
	return unlikely((unsigned long)p >= -MAX_ERRNO);
}

#define check_add_overflow(a, b, sum) __builtin_add_overflow((a), (b), (sum))
#define BIT(n) (1ul << (n))

#endif /* PEER_LINUX_MM_H */
