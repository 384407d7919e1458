/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * inline.c - list:inline, four slots with their keys in one line of the GEM object; list:rcu_hash's table from the fifth VM
 * on (hashed.h has it all).
 *
 * Most objects are in one to four VMs. For those a find compares keys next to each other and goes to the right bo at once:
 * no product, no table, and an object without an index costs a line. From the fifth VM on finds pay for four comparisons
 * that fail.
 *
 * Teaches: for few keys comparing beats hashing. list_inline counts the finds that were answered from the line.
 */
#define KEYED 4
#include "hashed.h"

GPUVM__LIST_OPS(inline) = HASHED_OPS(inline);
