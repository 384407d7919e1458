/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rwlock.c - list:rwlock, the linked list under Concurrency Kit's readers-writer lock: finds walk side by side.
 *
 * Each reader adds itself to one count and takes itself off it, so two finds that share the list still fight for that line
 * twice. What is gained is that a long walk of one does not keep the other out.
 *
 * Teaches: "shared" locking shares the data, not the lock's own line; it pays once the walk is longer than two line
 * transfers. list_shared counts the shared acquisitions.
 */
#include "../locks/ck.h"

#define LOCK_TYPE struct gpuvm__rwlock
#define LOCK_CTX struct gpuvm__no_ctx
#define LOCK_INIT(l) gpuvm__rwlock_init(l)
#define LOCK_FINI(l) ((void)(l))
#define WRITE_LOCK(l, c) gpuvm__rwlock_write_lock((l), GPUVM__LOCK_LIST)
#define WRITE_UNLOCK(l, c) gpuvm__rwlock_write_unlock(l)
#define READ_LOCK(l, c) (gpuvm__rwlock_read_lock((l), GPUVM__LOCK_LIST), false)
#define READ_UNLOCK(l, c) gpuvm__rwlock_read_unlock(l)
#define READ_SHARED 1
#include "locked.h"

GPUVM__LIST_OPS(rwlock) = LOCKED_OPS(rwlock);
