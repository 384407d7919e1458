/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * peer.h - Linux's own drm_gpuvm.c in this process: what does not need the kernel's headers to be used.
 *
 * The kernel's files are extracted unmodified into the build directory (scripts/peer-extract) and compiled against
 * bench/peer/include/, whose headers are ours. Every global name of the library libpeer.a begins with peer_.
 * docs/peer.md says what is modelled and what may not be concluded.
 */
#ifndef BENCH_PEER_PEER_H
#define BENCH_PEER_PEER_H

#include <stdbool.h>
#include <stddef.h>

/** peer_version() - the kernel's version ("6.12.41"), as its Makefile says */
const char *peer_version(void);

/** peer_package() - Debian's package and version, or where the source came from */
const char *peer_package(void);

/**
 * peer_mem_use() - the calling thread's kmalloc and kfree go to this allocator from now on: "glibc" (the first), "jemalloc"
 *
 * What came from one must go back to it: the caller sees to that. Return: 0 or -ENOTSUP.
 */
int peer_mem_use(const char *name);

/** peer_mem_fail() - the @nth allocation of this thread from now fails; 0: none. -ENOTSUP in the release build. */
int peer_mem_fail(unsigned long nth);

/** peer_mem_live() - blocks allocated and not freed; 0 in the release build, which cannot count */
long peer_mem_live(void);

/** peer_mem_forget_leaks() - free every live block: after a test that showed a leak */
void peer_mem_forget_leaks(void);

/** peer_warnings() - warnings raised since the last peer_warnings_take(): any WARN, any failed lockdep assertion */
unsigned long peer_warnings(void);

/** peer_warnings_take() - the same, reset; @text receives the first one's words */
unsigned long peer_warnings_take(char *text, size_t size);

#endif /* BENCH_PEER_PEER_H */
