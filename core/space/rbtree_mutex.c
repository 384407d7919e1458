/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rbtree_mutex.c - space:rbtree_mutex, what Linux's drivers do: an interval tree under one mutex per VM, readers included.
 *
 * Teaches: what every bind of a VM waiting for every other costs, and what a lookup pays for a tree of pointers.
 */
#include "space.h"

#define LOCK_TYPE struct gpuvm__mutex
#define LOCK_INIT(l) gpuvm__mutex_init(l)
#define LOCK_FINI(l) gpuvm__mutex_fini(l)
#define WRITE_LOCK(l) gpuvm__mutex_lock((l), GPUVM__LOCK_SPACE)
#define WRITE_UNLOCK(l) gpuvm__mutex_unlock(l)
#include "rbtree.h"

const struct gpuvm__space_ops gpuvm__space_rbtree_mutex = RBTREE_OPS(rbtree_mutex);
