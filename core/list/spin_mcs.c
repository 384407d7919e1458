/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * spin_mcs.c - list:spin_mcs, the linked list under Concurrency Kit's MCS lock.
 *
 * Waiters queue, each spinning on a node of its own (here: on its stack), so an unlock moves two lines however many wait.
 * First in, first out, with the ticket lock's weakness to preemption; an uncontended unlock needs a compare-and-swap.
 *
 * Teaches: a queue pays on many cores; on few its second atomic shows.
 */
#include "../locks/ck.h"

#define LOCK_TYPE struct gpuvm__mcs
#define LOCK_CTX struct gpuvm__mcs_node
#define LOCK_INIT(l) gpuvm__mcs_init(l)
#define LOCK_FINI(l) ((void)(l))
#define WRITE_LOCK(l, c) gpuvm__mcs_lock((l), (c), GPUVM__LOCK_LIST)
#define WRITE_UNLOCK(l, c) gpuvm__mcs_unlock((l), (c))
#include "locked.h"

GPUVM__LIST_OPS(spin_mcs) = LOCKED_OPS(spin_mcs);
