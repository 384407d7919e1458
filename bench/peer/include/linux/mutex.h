/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mutex.h - peer: a sleeping lock on the same pthread mutex as the core's. */
#ifndef PEER_LINUX_MUTEX_H
#define PEER_LINUX_MUTEX_H

#include <linux/lockdep.h>

struct mutex {
	pthread_mutex_t m;
	struct lockdep_map dep_map;
};

static inline void mutex_init(struct mutex *lock)
{
	*lock = (struct mutex){ .m = PTHREAD_MUTEX_INITIALIZER };
}

static inline void mutex_destroy(struct mutex *lock)
{
	pthread_mutex_destroy(&lock->m);
}

static inline void mutex_lock(struct mutex *lock)
{
	might_sleep();
	pthread_mutex_lock(&lock->m);
	peer_map_set(&lock->dep_map, true);
}

static inline void mutex_unlock(struct mutex *lock)
{
	peer_map_set(&lock->dep_map, false);
	pthread_mutex_unlock(&lock->m);
}

#endif /* PEER_LINUX_MUTEX_H */
