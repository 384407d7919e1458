/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ck.h - locks from Concurrency Kit, behind the shim: test-and-set, ticket, MCS, and readers-writer.
 *
 * Concurrency Kit's locks are inline assembly, which two of our tools cannot look into, so what they need is said here:
 *
 *   - Waiting. The only thing the locks do while they wait is ck_pr_stall(); it is pointed at the shim's
 *     gpuvm__spin_wait(). So a waiter gives its CPU away in the end (the holder may be preempted: a first-in first-out
 *     lock would otherwise burn whole time slices), and under a deterministic scheduler a waiting loop is a switch.
 *   - ThreadSanitizer. Taking the lock acquires what dropping it released: stated with the lock's address, and true since
 *     each lock orders so by its contract (ck_pr_fence_lock, ck_pr_fence_unlock).
 *
 * Not for: locks whose algorithm is ours. They are C11 atomics and need none of this.
 */
#ifndef GPUVM_CORE_LOCKS_CK_H
#define GPUVM_CORE_LOCKS_CK_H

#include "../sync.h"

#include <ck_pr.h>

static inline void gpuvm__ck_stall(void)
{
	unsigned int turns = atomic_load_explicit(&gpuvm__self.stat[GPUVM_STAT_LIST_SPIN], memory_order_relaxed);

	gpuvm__count(LIST_SPIN);
	gpuvm__spin_wait(&turns);
}

#define ck_pr_stall gpuvm__ck_stall
#include <ck_rwlock.h>
#include <ck_spinlock.h>
#undef ck_pr_stall

/* @ctx of the two that need none. */
struct gpuvm__no_ctx {
	char none;
};

#define GPUVM__SPIN_TAKEN(l) gpuvm__tsan_acquire(l)
#define GPUVM__SPIN_DROP(l) (gpuvm__lock_leave((l), __FILE__, __LINE__), gpuvm__tsan_release(l))

/* Test-and-set, spinning on a read: whoever is fastest wins. */
struct gpuvm__tas {
	ck_spinlock_fas_t l;
};

static inline void gpuvm__tas_init(struct gpuvm__tas *l)
{
	ck_spinlock_fas_init(&l->l);
}

static inline void gpuvm__tas_lock(struct gpuvm__tas *l, enum gpuvm__lock_class cls)
{
	gpuvm__lock_enter(cls, l, __FILE__, __LINE__);
	race_point();
	ck_spinlock_fas_lock(&l->l);
	GPUVM__SPIN_TAKEN(l);
}

static inline void gpuvm__tas_unlock(struct gpuvm__tas *l)
{
	GPUVM__SPIN_DROP(l);
	ck_spinlock_fas_unlock(&l->l);
	race_point();
}

/* Draw a number, wait until it is called: first in, first out. */
struct gpuvm__ticket {
	ck_spinlock_ticket_t l;
};

static inline void gpuvm__ticket_init(struct gpuvm__ticket *l)
{
	ck_spinlock_ticket_init(&l->l);
}

static inline void gpuvm__ticket_lock(struct gpuvm__ticket *l, enum gpuvm__lock_class cls)
{
	gpuvm__lock_enter(cls, l, __FILE__, __LINE__);
	race_point();
	ck_spinlock_ticket_lock(&l->l);
	GPUVM__SPIN_TAKEN(l);
}

static inline void gpuvm__ticket_unlock(struct gpuvm__ticket *l)
{
	GPUVM__SPIN_DROP(l);
	ck_spinlock_ticket_unlock(&l->l);
	race_point();
}

/* A queue; each waiter spins on its own @node, which must stay until it has unlocked. First in, first out. */
struct gpuvm__mcs {
	ck_spinlock_mcs_t l;
};

struct gpuvm__mcs_node {
	ck_spinlock_mcs_context_t n;
};

static inline void gpuvm__mcs_init(struct gpuvm__mcs *l)
{
	ck_spinlock_mcs_init(&l->l);
}

static inline void gpuvm__mcs_lock(struct gpuvm__mcs *l, struct gpuvm__mcs_node *node, enum gpuvm__lock_class cls)
{
	gpuvm__lock_enter(cls, l, __FILE__, __LINE__);
	race_point();
	ck_spinlock_mcs_lock(&l->l, &node->n);
	GPUVM__SPIN_TAKEN(l);
}

static inline void gpuvm__mcs_unlock(struct gpuvm__mcs *l, struct gpuvm__mcs_node *node)
{
	GPUVM__SPIN_DROP(l);
	ck_spinlock_mcs_unlock(&l->l, &node->n);
	race_point();
}

/* A word for the writer, a count of the readers; a waiting writer keeps new readers out. */
struct gpuvm__rwlock {
	ck_rwlock_t l;
};

static inline void gpuvm__rwlock_init(struct gpuvm__rwlock *l)
{
	ck_rwlock_init(&l->l);
}

/* Two tokens: readers are ordered after writers and before them, not among themselves. */
static inline void gpuvm__rwlock_read_lock(struct gpuvm__rwlock *l, enum gpuvm__lock_class cls)
{
	gpuvm__lock_enter(cls, l, __FILE__, __LINE__);
	race_point();
	ck_rwlock_read_lock(&l->l);
	gpuvm__tsan_acquire(&l->l.writer);
}

static inline void gpuvm__rwlock_read_unlock(struct gpuvm__rwlock *l)
{
	gpuvm__lock_leave(l, __FILE__, __LINE__);
	gpuvm__tsan_release(&l->l.n_readers);
	ck_rwlock_read_unlock(&l->l);
	race_point();
}

static inline void gpuvm__rwlock_write_lock(struct gpuvm__rwlock *l, enum gpuvm__lock_class cls)
{
	gpuvm__lock_enter(cls, l, __FILE__, __LINE__);
	race_point();
	ck_rwlock_write_lock(&l->l);
	gpuvm__tsan_acquire(&l->l.writer);
	gpuvm__tsan_acquire(&l->l.n_readers);
}

static inline void gpuvm__rwlock_write_unlock(struct gpuvm__rwlock *l)
{
	gpuvm__lock_leave(l, __FILE__, __LINE__);
	gpuvm__tsan_release(&l->l.writer);
	ck_rwlock_write_unlock(&l->l);
	race_point();
}

#endif /* GPUVM_CORE_LOCKS_CK_H */
