/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * spinlock.h - peer: the same test and test-and-set lock as the core's (core/sync_native.h), so that what is compared is
 * what is done under locks, not the locks.
 */
#ifndef PEER_LINUX_SPINLOCK_H
#define PEER_LINUX_SPINLOCK_H

#include <sched.h>

#include <linux/lockdep.h>
#include <linux/mutex.h>

typedef struct spinlock {
	unsigned int locked;
	struct lockdep_map dep_map;
} spinlock_t;

static inline void spin_lock_init(spinlock_t *lock)
{
	*lock = (spinlock_t){ .locked = 0 };
}

static inline void peer_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline void spin_lock(spinlock_t *lock)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED)) {
			if (++spins % 1024 == 0)
				sched_yield();
			peer_relax();
		}
	}
	peer_atomic_enter();
	peer_map_set(&lock->dep_map, true);
}

static inline void spin_unlock(spinlock_t *lock)
{
	peer_map_set(&lock->dep_map, false);
	peer_atomic_leave();
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

#define lockdep_assert_held(lock) lockdep_assert(lock_is_held(&(lock)->dep_map))

#endif /* PEER_LINUX_SPINLOCK_H */
