/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* barrier.h - peer: ordered accesses, on the compiler's atomics. */
#ifndef PEER_ASM_BARRIER_H
#define PEER_ASM_BARRIER_H

#include <linux/compiler.h>

#define smp_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#endif /* PEER_ASM_BARRIER_H */
