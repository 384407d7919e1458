/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rwlock_bravo.c - list:rwlock_bravo, list:rwlock with a reader bias (locks/bravo.h has the lock and its argument).
 *
 * While nobody registers or drops a bo, finds do not touch the lock: each writes a slot of a table that is practically its
 * own. One that registers or drops takes the bias back, at the price of looking at every slot.
 *
 * Teaches: reads that scale for two words per lock and no memory per thread, as long as writes are rare. list_fast counts the
 * finds that went by the bias, list_revokes how often it was taken back.
 */
#include "../locks/bravo.h"

#define LOCK_TYPE struct gpuvm__bravo
#define LOCK_CTX struct gpuvm__bravo_ctx
#define LOCK_INIT(l) gpuvm__bravo_init(l)
#define LOCK_FINI(l) ((void)(l))
#define WRITE_LOCK(l, c) gpuvm__bravo_write_lock((l), GPUVM__LOCK_LIST)
#define WRITE_UNLOCK(l, c) gpuvm__bravo_write_unlock(l)
#define READ_LOCK(l, c) gpuvm__bravo_read_lock((l), (c), GPUVM__LOCK_LIST)
#define READ_UNLOCK(l, c) gpuvm__bravo_read_unlock((l), (c))
#define READ_SHARED 1
#include "locked.h"

GPUVM__LIST_OPS(rwlock_bravo) = LOCKED_OPS(rwlock_bravo);
