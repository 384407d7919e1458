/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * percpu_rwsem.h - readers write only a line of their own; a writer pays a grace period.
 *
 * Source: Linux's percpu_rw_semaphore. There a reader counts itself per CPU, because it may sleep; ours does not, so its
 * RCU section itself says that it is inside, and the line it writes is the one that RCU gives each thread.
 *
 *   P1  A reader looks at @writers inside its read section. Zero: it stays. Else it leaves the section and queues on the
 *       mutex, as a writer does (never the other way round: nobody waits for a lock inside a read section).
 *   P2  A writer raises @writers, waits for a grace period, takes the mutex. Readers that saw zero began before the grace
 *       period ended, so they have left; later ones see that @writers is not zero and are excluded by the mutex.
 *   P3  It drops @writers when it is done, with release; a fast reader's acquire load of zero pairs with that. Before it
 *       drops the mutex: afterwards the next one may free what the lock is part of.
 *
 * The grace period is waited for with no lock of ours held, so writers that come together share one.
 */
#ifndef GPUVM_CORE_LOCKS_PERCPU_RWSEM_H
#define GPUVM_CORE_LOCKS_PERCPU_RWSEM_H

#include "../sync.h"

struct gpuvm__percpu_rwsem {
	_Atomic unsigned int writers; /* inside, or on their way: readers queue */
	alignas(GPUVM__LINE) struct gpuvm__mutex lock;
};

struct gpuvm__percpu_ctx {
	bool fast;
};

static inline void gpuvm__percpu_rwsem_init(struct gpuvm__percpu_rwsem *l)
{
	atomic_init(&l->writers, 0);
	gpuvm__mutex_init(&l->lock);
}

static inline void gpuvm__percpu_rwsem_fini(struct gpuvm__percpu_rwsem *l)
{
	gpuvm__mutex_fini(&l->lock);
}

/* True: without the mutex. */
static inline bool gpuvm__percpu_rwsem_read_lock(struct gpuvm__percpu_rwsem *l, struct gpuvm__percpu_ctx *ctx,
						 enum gpuvm__lock_class cls)
{
	gpuvm__read_lock();
	ctx->fast = !gpuvm__load(&l->writers, acquire); /* P1, P3 */
	if (likely(ctx->fast)) {
		gpuvm__lock_enter(cls, &l->lock, __FILE__, __LINE__);
		return true;
	}
	gpuvm__read_unlock();
	gpuvm__mutex_lock(&l->lock, cls);
	return false;
}

static inline void gpuvm__percpu_rwsem_read_unlock(struct gpuvm__percpu_rwsem *l, struct gpuvm__percpu_ctx *ctx)
{
	if (unlikely(!ctx->fast)) {
		gpuvm__mutex_unlock(&l->lock);
		return;
	}
	gpuvm__lock_leave(&l->lock, __FILE__, __LINE__);
	gpuvm__read_unlock();
}

static inline void gpuvm__percpu_rwsem_write_lock(struct gpuvm__percpu_rwsem *l, enum gpuvm__lock_class cls)
{
	gpuvm__fetch_add(&l->writers, 1, relaxed);
	gpuvm__synchronize_rcu(); /* P2 */
	gpuvm__mutex_lock(&l->lock, cls);
}

static inline void gpuvm__percpu_rwsem_write_unlock(struct gpuvm__percpu_rwsem *l)
{
	gpuvm__fetch_sub(&l->writers, 1, release); /* P3 */
	gpuvm__mutex_unlock(&l->lock);
}

#endif /* GPUVM_CORE_LOCKS_PERCPU_RWSEM_H */
