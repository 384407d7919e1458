/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * reclaim.h - batches of memory that wait for one grace period together.
 *
 * liburcu's own thread sleeps 10 ms between two rounds: at a million objects a second that is megabytes of
 * garbage, all of it cold when it comes back. This thread takes a round every 250 us while there is much to do, every
 * two milliseconds while there is little.
 *
 *   W1  A batch handed in is done after a grace period that starts afterwards. A round takes all that wait, waits once, and
 *       finishes them: so what is garbage at any time was handed in during the last two rounds.
 *   W2  Handing in neither blocks nor allocates: one push, and a sem_post() if the thread has had nothing to do.
 *   W3  One round at a time. gpuvm__reclaim_barrier() is a round of its own: when it returns, every batch handed in
 *       before is done.
 *   W4  Little is fewer than 2048 objects in 250 us, of those that the last round took. So what two rounds let wait is what
 *       500 us bring, or what 4 ms bring at a rate at which that is no more than 32768 objects; and when the rate has just
 *       risen, once, what 2.25 ms of it bring.
 */
#ifndef GPUVM_CORE_RECLAIM_H
#define GPUVM_CORE_RECLAIM_H

#include "sync.h"

/**
 * struct gpuvm__batch - first member of whatever waits
 * @rcu: where there is no thread
 * @next: of those that wait
 * @nr: how many objects it is, not 0
 * @done: after the grace period; on any thread; must not wait
 */
struct gpuvm__batch {
	gpuvm__rcu_head rcu;
	struct gpuvm__batch *next;
	size_t nr;
	void (*done)(struct gpuvm__batch *batch);
};

/* Before the first batch, where memory may be taken: starts the thread. Without one, call_rcu does the work. */
void gpuvm__reclaim_start(void);
/* W1, W2 */
void gpuvm__reclaim(struct gpuvm__batch *batch);
/* W3. No read section open, no lock held. (Without a thread: gpuvm__rcu_barrier() must follow.) */
void gpuvm__reclaim_barrier(void);

#endif /* GPUVM_CORE_RECLAIM_H */
