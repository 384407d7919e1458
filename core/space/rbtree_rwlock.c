/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rbtree_rwlock.c - space:rbtree_rwlock, the same tree under a readers-writer lock (Concurrency Kit's): lookups run side by
 * side, but for the lock's own line, and wait as long as a bind's callbacks take.
 *
 * Teaches: for a lookup of a hundred nanoseconds a shared count costs as much as exclusion did; what is gained is that a
 * long walk no longer keeps the fault handler out.
 */
#include "../locks/ck.h"
#include "space.h"

#define LOCK_TYPE struct gpuvm__rwlock
#define LOCK_INIT(l) gpuvm__rwlock_init(l)
#define LOCK_FINI(l) ((void)(l))
#define WRITE_LOCK(l) gpuvm__rwlock_write_lock((l), GPUVM__LOCK_SPACE)
#define WRITE_UNLOCK(l) gpuvm__rwlock_write_unlock(l)
#define READ_LOCK(l) gpuvm__rwlock_read_lock((l), GPUVM__LOCK_SPACE)
#define READ_UNLOCK(l) gpuvm__rwlock_read_unlock(l)
#include "rbtree.h"

const struct gpuvm__space_ops gpuvm__space_rbtree_rwlock = RBTREE_OPS(rbtree_rwlock);
