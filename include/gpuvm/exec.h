/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * exec.h - lock what a submission needs: the VM's reservation and that of every external object, together.
 *
 * Models drm_exec and upstream's drm_gpuvm_exec: one acquire context; a contended lock held by an older context makes us
 * drop everything and start over, waiting for that lock first. The usual loop:
 *
 *	struct gpuvm_exec *exec = gpuvm_exec_create(vm);
 *	ret = gpuvm_exec_lock(exec);           (vm + all extobjs, retried until all are locked)
 *	ret = ret ?: gpuvm_exec_validate(exec, priv);
 *	gpuvm_exec_add_fence(exec, fence);
 *	gpuvm_exec_destroy(exec);              (unlocks)
 */
#ifndef GPUVM_EXEC_H
#define GPUVM_EXEC_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

struct gpuvm_vm;
struct gpuvm_gem;
struct gpuvm_exec;

/** gpuvm_exec_create() - an acquire context for @vm, which it pins; holds no lock yet. Return: NULL if no memory. */
GPUVM_API GPUVM_MUST_CHECK struct gpuvm_exec *gpuvm_exec_create(struct gpuvm_vm *vm);

/** gpuvm_exec_destroy() - unlock everything and free (NULL is fine) */
GPUVM_API void gpuvm_exec_destroy(struct gpuvm_exec *exec GPUVM_CONSUMED);

/**
 * gpuvm_exec_lock() - lock the VM's reservation and those of all its external objects
 *
 * upstream: drm_gpuvm_exec_lock(). Backs off and retries by itself. With RESV_PROTECTED, evicted external objects found
 * on the way go to the evict list and zombies are skipped; without, the list is walked with the local-list trick.
 * Context: sleeps, allocates; no lock held. Return: 0 or -ENOMEM (then nothing is locked).
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_exec_lock(struct gpuvm_exec *exec);

/**
 * gpuvm_exec_lock_range() - lock the reservations of the objects mapped in a range (and, as staged binds need, nothing else)
 *
 * upstream: drm_gpuvm_exec_lock_range(). Sparse mappings are skipped. Return: 0, -EINVAL, -ENOMEM.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_exec_lock_range(struct gpuvm_exec *exec, uint64_t addr, uint64_t range);

/** gpuvm_exec_lock_gem() - lock one object more. Return: 0; -EDEADLK: all else was unlocked, start over; -ENOMEM. */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_exec_lock_gem(struct gpuvm_exec *exec, struct gpuvm_gem *gem);

/**
 * gpuvm_exec_validate() - call the driver's bo_validate for each evicted bo of the VM
 *
 * A bo whose callback succeeded is no longer evicted (upstream leaves that to the driver in one of the two modes: W7).
 * Context: after gpuvm_exec_lock(). Return: 0, -ENOTSUP (no callback), what a callback returned.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_exec_validate(struct gpuvm_exec *exec, void *priv);

/** gpuvm_exec_add_fence() - add @fence to every reservation that @exec holds */
GPUVM_API void gpuvm_exec_add_fence(struct gpuvm_exec *exec, uint64_t fence);

/** gpuvm_exec_holds() - does @exec hold @gem's reservation? */
GPUVM_API bool gpuvm_exec_holds(const struct gpuvm_exec *exec, struct gpuvm_gem *gem);

/** gpuvm_exec_backoffs() - how often it had to drop everything and start over */
GPUVM_API uint64_t gpuvm_exec_backoffs(const struct gpuvm_exec *exec);

GPUVM_END_DECLS

#endif /* GPUVM_EXEC_H */
