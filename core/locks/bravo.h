/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bravo.h - a reader bias on top of a readers-writer lock.
 *
 * Source: Dice and Kogan, "BRAVO: Biased Locking for Reader-Writer Locks" (USENIX ATC '19). While the bias is on, a reader
 * does not touch the lock: it writes the lock's address into a slot of one table that all locks share, a slot that hardly
 * another thread uses. A writer takes the lock below, switches the bias off and waits until no slot names this lock.
 *
 *   V1  A reader writes its slot, then looks at the bias; a writer clears the bias, then looks at the slots. All four are
 *       sequentially consistent, so at least one of two sees the other: the reader leaves, or the writer waits.
 *   V2  The bias is switched on by a reader that holds the lock below: no writer is inside. Its release store pairs with
 *       the acquire load of a fast reader, so what earlier writers did is visible to that one too.
 *   V3  A slot is cleared with release and looked at with acquire: what a fast reader read happens before the writer goes on.
 *
 * Where the paper measures how long taking the bias back took and keeps it off for nine times as long, we keep it off for a
 * fixed number of slow reads. That bounds a writer's loss just as well, and gives the same counters in every run.
 */
#ifndef GPUVM_CORE_LOCKS_BRAVO_H
#define GPUVM_CORE_LOCKS_BRAVO_H

#include "ck.h"

/* The scheduler tries what may happen before each look at a slot: a small table has all the same cases. */
#ifdef GPUVM_SCHED
#define GPUVM__BRAVO_SLOTS 4
#define GPUVM__BRAVO_INHIBIT 1
#else
#define GPUVM__BRAVO_SLOTS 1024 /* a power of two; a writer that takes the bias back looks at all of them */
#define GPUVM__BRAVO_INHIBIT 64 /* slow reads until the bias is back on */
#endif

struct gpuvm__bravo {
	_Atomic bool bias;
	_Atomic int inhibit; /* slow reads to go; may fall below 0 */
	struct gpuvm__rwlock lock;
};

typedef _Atomic(const struct gpuvm__bravo *) gpuvm__bravo_slot;

struct gpuvm__bravo_ctx {
	gpuvm__bravo_slot *slot; /* NULL: the reader holds the lock below */
};

extern gpuvm__bravo_slot gpuvm__bravo_readers[GPUVM__BRAVO_SLOTS];

/* Take the bias back; the caller holds the lock below as a writer. */
void gpuvm__bravo_revoke(struct gpuvm__bravo *l);

static inline void gpuvm__bravo_init(struct gpuvm__bravo *l)
{
	atomic_init(&l->bias, false);
	atomic_init(&l->inhibit, 0);
	gpuvm__rwlock_init(&l->lock);
}

static inline gpuvm__bravo_slot *gpuvm__bravo_my_slot(const struct gpuvm__bravo *l)
{
	uint64_t key = (uintptr_t)l ^ (uint64_t)(uintptr_t)&gpuvm__self << 20;

	return &gpuvm__bravo_readers[key * 0x9e3779b97f4a7c15ull >> (64 - __builtin_ctz(GPUVM__BRAVO_SLOTS))];
}

/* True: by the bias. */
static inline bool gpuvm__bravo_read_lock(struct gpuvm__bravo *l, struct gpuvm__bravo_ctx *ctx,
					  enum gpuvm__lock_class cls)
{
	gpuvm__bravo_slot *slot = gpuvm__bravo_my_slot(l);
	const struct gpuvm__bravo *empty = NULL;

	ctx->slot = NULL;
	if (likely(gpuvm__load(&l->bias, acquire) && gpuvm__cas(slot, &empty, l, seq_cst))) {
		if (likely(gpuvm__load(&l->bias, seq_cst))) { /* V1, V2 */
			gpuvm__lock_enter(cls, &l->lock, __FILE__, __LINE__);
			ctx->slot = slot;
			return true;
		}
		gpuvm__store(slot, NULL, release);
	}
	gpuvm__rwlock_read_lock(&l->lock, cls);
	if (!gpuvm__load(&l->bias, relaxed) && gpuvm__fetch_sub(&l->inhibit, 1, relaxed) <= 1)
		gpuvm__store(&l->bias, true, release); /* V2 */
	return false;
}

static inline void gpuvm__bravo_read_unlock(struct gpuvm__bravo *l, struct gpuvm__bravo_ctx *ctx)
{
	if (unlikely(!ctx->slot)) {
		gpuvm__rwlock_read_unlock(&l->lock);
		return;
	}
	gpuvm__lock_leave(&l->lock, __FILE__, __LINE__);
	gpuvm__store(ctx->slot, NULL, release); /* V3 */
}

static inline void gpuvm__bravo_write_lock(struct gpuvm__bravo *l, enum gpuvm__lock_class cls)
{
	gpuvm__rwlock_write_lock(&l->lock, cls);
	if (gpuvm__load(&l->bias, relaxed)) /* only a reader with the lock sets it */
		gpuvm__bravo_revoke(l);
}

static inline void gpuvm__bravo_write_unlock(struct gpuvm__bravo *l)
{
	gpuvm__rwlock_write_unlock(&l->lock);
}

#endif /* GPUVM_CORE_LOCKS_BRAVO_H */
