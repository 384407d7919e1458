/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * debug.h - what only the debug and sanitizer builds can do: make allocations fail, count what is alive, mark the
 * signalling path. The release build has the functions too; each says that it cannot.
 */
#ifndef GPUVM_DEBUG_H
#define GPUVM_DEBUG_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

/** enum gpuvm_type - kinds of objects that are counted */
enum gpuvm_type {
	GPUVM_TYPE_DEVICE,
	GPUVM_TYPE_GEM,
	GPUVM_TYPE_VM,
	GPUVM_TYPE_BO,
	GPUVM_TYPE_VA,
	GPUVM_TYPE_OP,
	GPUVM_TYPE_INDEX,
	GPUVM_TYPE_EXEC,
	GPUVM_TYPE_COUNT
};

/** gpuvm_debug_enabled() - was the library built with its checks? */
GPUVM_API bool gpuvm_debug_enabled(void);

/**
 * gpuvm_debug_fail_alloc() - make allocations of the calling thread fail
 * @nth: the nth from now fails (1: the next); 0: none fails any more
 * @forever: all later ones too
 *
 * Return: 0, or -ENOTSUP in the release build.
 */
GPUVM_API int gpuvm_debug_fail_alloc(uint64_t nth, bool forever);

/** gpuvm_debug_failed() - how many allocations this thread was denied since the last gpuvm_debug_fail_alloc() */
GPUVM_API uint64_t gpuvm_debug_failed(void);

/** gpuvm_debug_live() - objects of @type alive now, in all threads; -ENOTSUP in the release build */
GPUVM_API int64_t gpuvm_debug_live(enum gpuvm_type type);

/** gpuvm_debug_type_name() - "bo", "va", ... */
GPUVM_API const char *gpuvm_debug_type_name(enum gpuvm_type type);

/**
 * gpuvm_debug_signalling_begin(), _end() - mark the calling thread as inside the fence-signalling path
 *
 * There an allocation or a reservation lock aborts, with the place. upstream: dma_fence_begin_signalling() with lockdep.
 */
GPUVM_API void gpuvm_debug_signalling_begin(void);
GPUVM_API void gpuvm_debug_signalling_end(void);

/**
 * gpuvm_debug_jitter() - widen the windows of races: yield or spin at one in @one_in lock and atomic operations
 *
 * Process-wide; 0 switches it off. Nothing happens in the release build.
 */
GPUVM_API void gpuvm_debug_jitter(uint32_t one_in);

/** gpuvm_debug_locks_held() - locks of the core the calling thread holds; 0 outside every call. */
GPUVM_API unsigned int gpuvm_debug_locks_held(void);

GPUVM_END_DECLS

#endif /* GPUVM_DEBUG_H */
