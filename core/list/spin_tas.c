/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * spin_tas.c - list:spin_tas, the linked list under Concurrency Kit's test-and-set lock (ck_spinlock_fas).
 *
 * One exchange to lock, one store to unlock: the cheapest lock there is while nobody else wants it. Contended, whoever has
 * the line wins, so the last holder tends to win again: throughput holds up, fairness does not.
 *
 * Teaches: half of what a mutex costs is unlocking it, which needs a second atomic to find out whether somebody sleeps.
 */
#include "../locks/ck.h"

#define LOCK_TYPE struct gpuvm__tas
#define LOCK_CTX struct gpuvm__no_ctx
#define LOCK_INIT(l) gpuvm__tas_init(l)
#define LOCK_FINI(l) ((void)(l))
#define WRITE_LOCK(l, c) gpuvm__tas_lock((l), GPUVM__LOCK_LIST)
#define WRITE_UNLOCK(l, c) gpuvm__tas_unlock(l)
#include "locked.h"

GPUVM__LIST_OPS(spin_tas) = LOCKED_OPS(spin_tas);
