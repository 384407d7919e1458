/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * dma-resv.h - peer: a minimal stand-in for the reservation: a sleeping lock that knows its acquire context, built like the
 * core's (core/resv.c: wait-die), with room for fences that must be reserved before one is added, and the last fence.
 */
#ifndef PEER_LINUX_DMA_RESV_H
#define PEER_LINUX_DMA_RESV_H

#include <linux/mm.h>

struct dma_fence {
	u64 seqno;
};

enum dma_resv_usage { DMA_RESV_USAGE_KERNEL, DMA_RESV_USAGE_WRITE, DMA_RESV_USAGE_READ, DMA_RESV_USAGE_BOOKKEEP };

struct dma_resv {
	pthread_mutex_t m; /* guards the next five; held for a few instructions only */
	pthread_cond_t released;
	pthread_t owner;
	bool held;
	unsigned int waiters;
	u64 ticket; /* of the holder's acquire context; 0: none */
	unsigned int reserved; /* fences that may be added; the holder's */
	u64 fence[DMA_RESV_USAGE_BOOKKEEP + 1]; /* highest; the holder's */
};

/* bench/peer/resv.c */
void peer_resv_init(struct dma_resv *resv);
void peer_resv_fini(struct dma_resv *resv);
/* 0; -EALREADY; -EDEADLK if @may_die and an older context holds it. */
int peer_resv_lock(struct dma_resv *resv, u64 ticket, bool may_die);
void peer_resv_unlock(struct dma_resv *resv);
bool peer_resv_is_held(struct dma_resv *resv);
int peer_resv_reserve(struct dma_resv *resv, unsigned int fences);
void peer_resv_add_fence(struct dma_resv *resv, struct dma_fence *fence, enum dma_resv_usage usage);

#define dma_resv_held(resv) peer_resv_is_held(resv)
#define dma_resv_assert_held(resv) lockdep_assert(dma_resv_held(resv))
#define dma_resv_reserve_fences(resv, n) peer_resv_reserve(resv, n)
#define dma_resv_add_fence(resv, fence, usage) peer_resv_add_fence(resv, fence, usage)

#endif /* PEER_LINUX_DMA_RESV_H */
