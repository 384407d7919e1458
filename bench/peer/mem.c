/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mem.c - kmalloc for the peer: the allocator that the case names; in the checking builds with live blocks counted, freed
 * memory poisoned, and allocations that fail on demand.
 */
#include <stdlib.h>

#include <linux/list.h>
#include <linux/mm.h>

#include "peer.h"

#ifdef GPUVM_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *p);

/*
 * kfree() knows no size, so neither does this: dallocx(), not the core's sdallocx(). By thread, as alternatives that differ
 * in nothing else run by turns; initial-exec, else each access would be a call.
 */
static __thread bool use_jemalloc __attribute__((tls_model("initial-exec")));

static void *raw_alloc(size_t size)
{
	return use_jemalloc ? mallocx(size, 0) : __libc_malloc(size);
}

static void raw_free(void *p)
{
	if (use_jemalloc)
		dallocx(p, 0);
	else
		__libc_free(p);
}

int peer_mem_use(const char *name)
{
	use_jemalloc = !strcmp(name, "jemalloc");
	return use_jemalloc || !strcmp(name, "glibc") ? 0 : -ENOTSUP;
}
#else
#define raw_alloc malloc
#define raw_free free

int peer_mem_use(const char *name)
{
	return strcmp(name, "glibc") ? -ENOTSUP : 0;
}
#endif

#ifdef GPUVM_DEBUG
/* In front of each block. Live ones are on a list, so what the kernel's code leaks stays reachable and can be counted. */
struct block {
	struct list_head entry;
	size_t size;
	size_t pad;
};

static LIST_HEAD(blocks);
static long live;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread unsigned long fail_nth;

static bool denied(void)
{
	return fail_nth && --fail_nth == 0;
}

static void *get(size_t size)
{
	struct block *b = denied() ? NULL : raw_alloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->size = size;
	pthread_mutex_lock(&lock);
	list_add(&b->entry, &blocks);
	live++;
	pthread_mutex_unlock(&lock);
	return b + 1;
}

static void put(void *p)
{
	struct block *b = (struct block *)p - 1;

	pthread_mutex_lock(&lock);
	list_del(&b->entry);
	live--;
	pthread_mutex_unlock(&lock);
	memset(p, 0x6b, b->size);
	raw_free(b);
}

int peer_mem_fail(unsigned long nth)
{
	fail_nth = nth;
	return 0;
}

long peer_mem_live(void)
{
	return live;
}

void peer_mem_forget_leaks(void)
{
	while (!list_empty(&blocks))
		put(list_first_entry(&blocks, struct block, entry) + 1);
}
#else
#define get raw_alloc
#define put raw_free

int peer_mem_fail(unsigned long nth)
{
	return -ENOTSUP;
}

long peer_mem_live(void)
{
	return 0;
}

void peer_mem_forget_leaks(void)
{
}
#endif

void *peer_kzalloc(size_t size)
{
	void *p = get(size);

	return likely(p) ? memset(p, 0, size) : NULL;
}

void *peer_kmemdup(const void *src, size_t size)
{
	void *p = get(size);

	return likely(p) ? memcpy(p, src, size) : NULL;
}

void peer_kfree(const void *p)
{
	if (p)
		put((void *)p);
}
