/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * compiler.h - peer: annotations and single accesses, as the kernel's documentation describes them, on C11 and gcc.
 */
#ifndef PEER_LINUX_COMPILER_H
#define PEER_LINUX_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __maybe_unused __attribute__((unused))
#undef __always_inline /* the C library has one too */
#define __always_inline inline __attribute__((always_inline))
#define __must_check __attribute__((warn_unused_result))
#define __rcu
#define typeof __typeof__

#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#endif /* PEER_LINUX_COMPILER_H */
