/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * biased.h - a lock that belongs to one thread, who enters it with plain stores; the others pay.
 *
 * For state that its owner touches in every operation and others once in a while: a thread's credits, its magazines. Not
 * for anything that two threads use about equally.
 *
 *   B1  The owner says `busy`, then looks for a claim; a foreigner says `claim`, then looks for `busy`. Between the two
 *       each needs a full barrier, or both see nothing. The owner's is a compiler barrier only: the foreigner's
 *       gpuvm__heavy_fence() runs one on every thread of the process (membarrier(2)). Where the kernel cannot do that,
 *       the owner's `busy` is a sequentially consistent exchange.
 *   B2  An owner who meets a claim steps back and may not enter until the claim is gone.
 *   B3  Foreigners exclude each other by the gate, which also guards every list of owners.
 *   B4  The release that ends each section pairs with the acquire that finds the other side out: what was done inside
 *       happens before what the next one does inside.
 */
#ifndef GPUVM_CORE_BIASED_H
#define GPUVM_CORE_BIASED_H

#include "sync.h"

/* B1: does the heavy fence work? False: the owner pays. */
bool gpuvm__biased_cheap(void);

/* B3. A lock without initialisation, as everything behind it may be first used anywhere. Innermost: takes no other. */
void gpuvm__gate_lock(void);
void gpuvm__gate_unlock(void);

static inline void gpuvm__biased_init(struct gpuvm__biased *b)
{
	atomic_init(&b->busy, 0);
	atomic_init(&b->claim, 0);
	b->cheap = gpuvm__biased_cheap();
}

/* The owner, not inside already. False: a claim (B2). */
static inline bool gpuvm__biased_tryenter(struct gpuvm__biased *b)
{
	uint32_t claim;

	if (likely(b->cheap)) {
		gpuvm__store(&b->busy, 1, relaxed);
		gpuvm__light_fence();
		claim = gpuvm__load(&b->claim, acquire);
	} else {
		gpuvm__xchg(&b->busy, 1, seq_cst);
		claim = gpuvm__load(&b->claim, seq_cst);
	}
	if (likely(!claim))
		return true;
	gpuvm__store(&b->busy, 0, release);
	return false;
}

static inline void gpuvm__biased_leave(struct gpuvm__biased *b)
{
	gpuvm__store(&b->busy, 0, release);
}

static inline void gpuvm__biased_enter(struct gpuvm__biased *b)
{
	while (unlikely(!gpuvm__biased_tryenter(b)))
		gpuvm__yield();
}

/* ---- foreigners: gate, claim each, one gpuvm__heavy_fence() for all, wait for each, work, unclaim, open the gate ---- */

static inline void gpuvm__biased_claim(struct gpuvm__biased *b)
{
	gpuvm__xchg(&b->claim, 1, seq_cst);
}

/* After the fence; the owner is in the middle of a few instructions at most, if it has its CPU. */
static inline void gpuvm__biased_wait(struct gpuvm__biased *b)
{
	while (gpuvm__load(&b->busy, seq_cst))
		gpuvm__yield();
}

static inline void gpuvm__biased_unclaim(struct gpuvm__biased *b)
{
	gpuvm__store(&b->claim, 0, release);
}

#endif /* GPUVM_CORE_BIASED_H */
