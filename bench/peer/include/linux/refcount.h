/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * refcount.h - peer: a count that never goes 0 -> 1; misuse warns, as refcount_t documents. Orderings as documented there:
 * an increment is relaxed, a decrement releases, the last one acquires.
 */
#ifndef PEER_LINUX_REFCOUNT_H
#define PEER_LINUX_REFCOUNT_H

#include <linux/spinlock.h>

typedef struct refcount_struct {
	int refs;
} refcount_t;

#define REFCOUNT_INIT(n) { .refs = (n) }

static inline void refcount_set(refcount_t *r, int n)
{
	__atomic_store_n(&r->refs, n, __ATOMIC_RELAXED);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return (unsigned int)__atomic_load_n(&r->refs, __ATOMIC_RELAXED);
}

static inline void refcount_inc(refcount_t *r)
{
	int old = __atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);

	(void)WARN(old <= 0, "refcount: %d -> %d", old, old + 1);
}

static inline bool refcount_inc_not_zero(refcount_t *r)
{
	int old = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&r->refs, &old, old + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	(void)WARN(old < 0, "refcount: %d -> %d", old, old + 1);
	return true;
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	/* acq_rel where the kernel releases, and acquires only in the last: the same instruction on x86. */
	int old = __atomic_fetch_sub(&r->refs, 1, __ATOMIC_ACQ_REL);

	(void)WARN(old <= 0, "refcount: %d -> %d", old, old - 1);
	return old == 1;
}

static inline bool peer_refcount_dec_not_one(refcount_t *r)
{
	int old = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);

	do {
		if (old == 1)
			return false;
	} while (!__atomic_compare_exchange_n(&r->refs, &old, old - 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return true;
}

static inline bool refcount_dec_and_mutex_lock(refcount_t *r, struct mutex *lock)
{
	if (peer_refcount_dec_not_one(r))
		return false;
	mutex_lock(lock);
	if (refcount_dec_and_test(r))
		return true;
	mutex_unlock(lock);
	return false;
}

static inline bool refcount_dec_and_lock(refcount_t *r, spinlock_t *lock)
{
	if (peer_refcount_dec_not_one(r))
		return false;
	spin_lock(lock);
	if (refcount_dec_and_test(r))
		return true;
	spin_unlock(lock);
	return false;
}

#endif /* PEER_LINUX_REFCOUNT_H */
