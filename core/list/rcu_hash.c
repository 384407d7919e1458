/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rcu_hash.c - list:rcu_hash, an open-addressed table of bos, keyed by VM, that readers probe under RCU (hashed.h has it all).
 *
 * The first four bos live in a table of eight slots inside the GEM object; from the fifth on the table is allocated, four
 * times as large as needed.
 *
 * Teaches: what remains of a lookup when the lock and the walk are gone: one product, three loads, one atomic.
 */
#define KEYED 0
#include "hashed.h"

GPUVM__LIST_OPS(rcu_hash) = HASHED_OPS(rcu_hash);
