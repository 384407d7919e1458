/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * resv.h - the reservation: one sleeping lock and the fences it guards, shared by all GEM objects that use it.
 *
 * Models dma_resv on a ww_mutex: several reservations are locked together under one acquire context, the older context
 * wins and the younger one backs off (wound-wait as in drm_exec; gpuvm/exec.h drives it).
 */
#ifndef GPUVM_RESV_H
#define GPUVM_RESV_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

struct gpuvm_resv;

/** gpuvm_resv_lock() - lock one reservation alone. Context: sleeps; holds no other reservation and no other lock. */
GPUVM_API void gpuvm_resv_lock(struct gpuvm_resv *resv);

/** gpuvm_resv_unlock() - unlock it again, from the thread that locked it */
GPUVM_API void gpuvm_resv_unlock(struct gpuvm_resv *resv);

/** gpuvm_resv_held() - does the calling thread hold @resv? For assertions. */
GPUVM_API bool gpuvm_resv_held(struct gpuvm_resv *resv);

/**
 * gpuvm_resv_last_fence() - the highest fence added to @resv so far, 0 if none
 *
 * A fence is modelled as a number that grows. Context: any; the value is exact while the reservation is locked.
 */
GPUVM_API uint64_t gpuvm_resv_last_fence(struct gpuvm_resv *resv);

GPUVM_END_DECLS

#endif /* GPUVM_RESV_H */
