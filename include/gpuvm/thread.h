/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * thread.h - what a thread does before and after it uses the library.
 */
#ifndef GPUVM_THREAD_H
#define GPUVM_THREAD_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

/**
 * gpuvm_thread_enter() - register the calling thread as an RCU reader
 *
 * Every thread calls this before any other function of the library (an unregistered reader would read freed memory
 * without a word; the debug build aborts instead). Calls nest.
 */
GPUVM_API void gpuvm_thread_enter(void);

/**
 * gpuvm_thread_leave() - undo one gpuvm_thread_enter()
 *
 * Context: no read section open, no lock held (checked in the debug build).
 */
GPUVM_API void gpuvm_thread_leave(void);

/**
 * gpuvm_thread_quiescent() - this thread reads nothing just now, and promises to say so again soon
 *
 * Matters in a library built with RCU=qsbr only, where it makes read sections free: from the first call on grace periods
 * wait until the next, so a thread that is about to sleep or to do something else calls gpuvm_thread_idle() first. Never
 * calling it is fine, too: sections then cost two memory barriers. In other flavours both do nothing.
 *
 * Context: no read section open, no lock held.
 */
GPUVM_API void gpuvm_thread_quiescent(void);

/** gpuvm_thread_idle() - take that promise back. Context: as above. */
GPUVM_API void gpuvm_thread_idle(void);

/**
 * gpuvm_quiesce() - wait until everything retired before this call has been freed
 *
 * Context: sleeps for a grace period; no read section open, no lock held.
 */
GPUVM_API void gpuvm_quiesce(void);

/** gpuvm_rcu_flavour() - the flavour of userspace RCU this library was built with ("memb", ...); static storage. */
GPUVM_API const char *gpuvm_rcu_flavour(void);

/** gpuvm_version() - the library's version and `git describe`; static storage. */
GPUVM_API const char *gpuvm_version(void);

GPUVM_END_DECLS

#endif /* GPUVM_THREAD_H */
