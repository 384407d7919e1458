/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lockdep.h - peer: who holds a lock, and assertions about it.
 *
 * In the checking builds (GPUVM_DEBUG: debug, asan, tsan) each lock records its owner and an assertion that does not hold
 * warns. In the release build neither exists, as in a kernel without CONFIG_LOCKDEP: that is what is measured.
 */
#ifndef PEER_LINUX_LOCKDEP_H
#define PEER_LINUX_LOCKDEP_H

#include <pthread.h>

#include <linux/bug.h>

struct lockdep_map {
#ifdef GPUVM_DEBUG
	pthread_t owner; /* while @held */
	bool held; /* written by the holder */
#else
	char nothing; /* a GEM object points here */
#endif
};

#ifdef GPUVM_DEBUG
static inline void peer_map_set(struct lockdep_map *map, bool held)
{
	if (held)
		map->owner = pthread_self();
	__atomic_store_n(&map->held, held, __ATOMIC_RELAXED);
}

static inline bool lock_is_held(const struct lockdep_map *map)
{
	return __atomic_load_n(&map->held, __ATOMIC_RELAXED) && pthread_equal(map->owner, pthread_self());
}

#define lockdep_assert(cond) ((void)WARN(!(cond), "lockdep: %s", #cond))

/* How many spinlocks the calling thread holds: with one, it may not sleep. */
extern __thread unsigned int peer_atomic;
#define peer_atomic_enter() ((void)peer_atomic++)
#define peer_atomic_leave() ((void)peer_atomic--)
#define might_sleep() ((void)WARN(peer_atomic, "may sleep, with a spinlock held"))
#else
#define peer_map_set(map, held) ((void)(map))
#define lock_is_held(map) true
#define lockdep_assert(cond) ((void)sizeof(cond))
#define peer_atomic_enter() ((void)0)
#define peer_atomic_leave() ((void)0)
#define might_sleep() ((void)0)
#endif

#endif /* PEER_LINUX_LOCKDEP_H */
