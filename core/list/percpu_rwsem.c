/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * percpu_rwsem.c - list:percpu_rwsem, the linked list under a lock whose readers write only a line of their own
 * (locks/percpu_rwsem.h has the lock and its argument).
 *
 * A find costs an RCU section and one look at a word that hardly changes. Registering and dropping a bo wait for a grace
 * period each, in the caller's time: microseconds at best, and as long as the longest read section of any thread.
 *
 * Unlike list:rcu_list readers and writers really exclude each other: what a find sees is live, nothing needs to be retired.
 *
 * Teaches: moving the whole price to the writer without touching the data structure. list_fast counts the finds that took
 * no mutex, grace_periods what the writers paid.
 */
#include "../locks/percpu_rwsem.h"

#define LOCK_TYPE struct gpuvm__percpu_rwsem
#define LOCK_CTX struct gpuvm__percpu_ctx
#define LOCK_INIT(l) gpuvm__percpu_rwsem_init(l)
#define LOCK_FINI(l) gpuvm__percpu_rwsem_fini(l)
#define WRITE_LOCK(l, c) gpuvm__percpu_rwsem_write_lock((l), GPUVM__LOCK_LIST)
#define WRITE_UNLOCK(l, c) gpuvm__percpu_rwsem_write_unlock(l)
#define READ_LOCK(l, c) gpuvm__percpu_rwsem_read_lock((l), (c), GPUVM__LOCK_LIST)
#define READ_UNLOCK(l, c) gpuvm__percpu_rwsem_read_unlock((l), (c))
#include "locked.h"

GPUVM__LIST_OPS(percpu_rwsem) = LOCKED_OPS(percpu_rwsem);
