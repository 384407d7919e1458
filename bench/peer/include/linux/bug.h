/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bug.h - peer: warnings are counted, so that a test or a benchmark during which one was raised fails.
 */
#ifndef PEER_LINUX_BUG_H
#define PEER_LINUX_BUG_H

#include <stdbool.h>

#include <linux/compiler.h>

/* Counts (bench/peer/warn.c). Returns true. */
bool peer_warn(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4), cold));

#define WARN(cond, ...) (unlikely(cond) && peer_warn(__FILE__, __LINE__, __VA_ARGS__))
#define WARN_ON(cond) WARN(cond, "WARN_ON(%s)", #cond)
#define WARN_ON_ONCE(cond) WARN_ON(cond)
#define BUG_ON(cond) ((cond) ? __builtin_trap() : (void)0)

#endif /* PEER_LINUX_BUG_H */
