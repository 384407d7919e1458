/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * spin_ticket.c - list:spin_ticket, the linked list under Concurrency Kit's ticket lock.
 *
 * Threads draw numbers and are served in that order. Every unlock is read by all that wait, and the next in line must be
 * on its CPU: if it was preempted, everybody waits for it, which a userspace program cannot prevent.
 *
 * Teaches: what fairness costs when threads can be preempted.
 */
#include "../locks/ck.h"

#define LOCK_TYPE struct gpuvm__ticket
#define LOCK_CTX struct gpuvm__no_ctx
#define LOCK_INIT(l) gpuvm__ticket_init(l)
#define LOCK_FINI(l) ((void)(l))
#define WRITE_LOCK(l, c) gpuvm__ticket_lock((l), GPUVM__LOCK_LIST)
#define WRITE_UNLOCK(l, c) gpuvm__ticket_unlock(l)
#include "locked.h"

GPUVM__LIST_OPS(spin_ticket) = LOCKED_OPS(spin_ticket);
