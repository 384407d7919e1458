/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bo.h - the VM x GEM pair, in exactly two types.
 *
 *   struct gpuvm_bo_alloc   allocated, one owner, reference 1, on no list
 *   struct gpuvm_bo         counted, shared, always on its GEM object's list
 *
 *             bo_alloc_create             bo_obtain (miss)              last put
 *   (nothing) --------------> bo_alloc ---------------------> bo ------------------> (zombie: private) --> freed
 *                                |        bo_obtain (hit) `--> the older bo
 *                                `--> bo_alloc_destroy (direct: never through the deferred path)
 *
 * There is no cast, no accessor to what is inside and no third type; gpuvm_bo_obtain() is the only way across
 * (docs/typestate.md says where this comes from). "GEM lock" below: in immediate mode the list's own lock, which the
 * functions take; in staged mode the GEM's reservation, which the caller holds.
 */
#ifndef GPUVM_BO_H
#define GPUVM_BO_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

struct gpuvm_vm;
struct gpuvm_gem;
struct gpuvm_bo;
struct gpuvm_bo_alloc;

/**
 * struct gpuvm_mapping - a mapping by value: what a reader may keep after the mapping itself is gone
 * @addr: first byte
 * @range: bytes
 * @offset: byte in the GEM object that @addr shows
 * @gem: the object, NULL if sparse. Borrowed: valid as long as something else pins it.
 * @flags: GPUVM_VA_*
 */
struct gpuvm_mapping {
	uint64_t addr;
	uint64_t range;
	uint64_t offset;
	struct gpuvm_gem *gem;
	uint32_t flags;
};

/**
 * gpuvm_bo_alloc_create() - allocate a pair that nobody sees yet
 * @vm: pinned until the pair is gone
 * @gem: pinned likewise
 * @out: receives the alloc; the caller owns it
 *
 * upstream: drm_gpuvm_bo_create(). Context: allocates, calls the driver's bo_alloc; no locks. (Not in the
 * fence-signalling path.)
 * Return: 0; -EINVAL (other device, or the VMs of @gem disagree on GPUVM_VM_IMMEDIATE); -ENOMEM; what bo_alloc returned.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_bo_alloc_create(struct gpuvm_vm *vm, struct gpuvm_gem *gem,
						     struct gpuvm_bo_alloc **out);

/**
 * gpuvm_bo_alloc_destroy() - free an alloc that was never registered (NULL is fine)
 *
 * Directly: it was on no list, so nothing is deferred. upstream's Rust still takes the deferred path here.
 * Context: calls bo_free; may be the last user of vm and gem; no list lock held.
 */
GPUVM_API void gpuvm_bo_alloc_destroy(struct gpuvm_bo_alloc *alloc GPUVM_CONSUMED);

/** gpuvm_bo_alloc_data() - the driver's data, to be filled before the pair is published; NULL if none was asked for */
GPUVM_API void *gpuvm_bo_alloc_data(struct gpuvm_bo_alloc *alloc);

/**
 * gpuvm_bo_obtain() - register the pair, or get the one that is registered already
 * @alloc: consumed, whatever happens
 *
 * Miss: the alloc becomes the bo; its one reference becomes the caller's; registering under the list's lock is the
 * linearisation point. Hit: another reference to the older bo; @alloc is destroyed after the lock is dropped.
 * upstream: drm_gpuvm_bo_obtain_prealloc(). An external object still needs gpuvm_bo_extobj_add(), in both cases.
 *
 * Context: GEM lock. Allocates nothing on a hit; may take memory for the list's index before it locks, and does without
 * if there is none. Never fails.
 */
GPUVM_API GPUVM_MUST_CHECK struct gpuvm_bo *gpuvm_bo_obtain(struct gpuvm_bo_alloc *alloc GPUVM_CONSUMED);

/**
 * gpuvm_obtain() - the whole driver-facing sequence
 * @vm: the VM
 * @gem: the GEM object
 * @out: receives the bo with a reference that is the caller's
 *
 * Looks up first (a hit allocates nothing), else allocates outside every lock and obtains; for an external object it
 * *always* runs gpuvm_bo_extobj_add(), also when another thread won the race: else this thread could submit before the
 * winner has added it (the posted v4 and v5 of GpuVm::obtain() had that race).
 *
 * Context: may sleep and allocate. Immediate mode: no reservation held (an external object takes the VM's when
 * RESV_PROTECTED). Staged mode: the caller holds the GEM's reservation, and the VM's if RESV_PROTECTED.
 * Return: 0, or what gpuvm_bo_alloc_create() returns.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_obtain(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out);

/**
 * gpuvm_bo_find() - the registered pair, if there is one
 *
 * Context: GEM lock (a strategy with RCU readers takes none). Allocates nothing.
 * Return: the bo with a reference that is the caller's, or NULL.
 */
GPUVM_API GPUVM_MUST_CHECK struct gpuvm_bo *gpuvm_bo_find(struct gpuvm_vm *vm, struct gpuvm_gem *gem);

/** gpuvm_bo_get() - another reference; the caller must own one */
GPUVM_API struct gpuvm_bo *gpuvm_bo_get(struct gpuvm_bo *bo);

/**
 * gpuvm_bo_put() - drop a reference (NULL is fine); the last one takes the bo off every list and frees it
 *
 * Context: may sleep. Immediate mode: takes the GEM lock only for 1 -> 0, and the VM's reservation afterwards if
 * RESV_PROTECTED (not in the signalling path: use gpuvm_bo_put_deferred()). Staged mode: the caller holds the GEM's
 * reservation, and the VM's if RESV_PROTECTED, and a reference of its own to the GEM object.
 * Return: true if it was the last one.
 */
GPUVM_API bool gpuvm_bo_put(struct gpuvm_bo *bo GPUVM_CONSUMED);

/**
 * gpuvm_bo_put_deferred() - drop a reference from the signalling path (NULL is fine)
 *
 * The last one takes the bo off its GEM's list and pushes it, after the lock is dropped, on the VM's deferred list;
 * gpuvm_bo_deferred_cleanup() does the rest. Immediate mode only (aborts otherwise).
 * Context: takes the GEM lock only for 1 -> 0; allocates and frees nothing.
 * Return: true if it was the last one.
 */
GPUVM_API bool gpuvm_bo_put_deferred(struct gpuvm_bo *bo GPUVM_CONSUMED);

/**
 * gpuvm_bo_deferred_cleanup() - free zombies
 * @vm: the VM; the caller owns a reference
 * @max: at most this many (0: all that are there), so that no caller pays for everyone
 *
 * Context: may sleep and free, calls bo_free; takes the VM's reservation once if RESV_PROTECTED; no locks held. Not in
 * the signalling path.
 * Return: how many were freed.
 */
GPUVM_API size_t gpuvm_bo_deferred_cleanup(struct gpuvm_vm *vm, size_t max);

/** gpuvm_bo_vm(), gpuvm_bo_gem() - the pair's ends; borrowed, pinned by the bo */
GPUVM_API struct gpuvm_vm *gpuvm_bo_vm(struct gpuvm_bo *bo);
GPUVM_API struct gpuvm_gem *gpuvm_bo_gem(struct gpuvm_bo *bo);

/** gpuvm_bo_data() - the driver's data, NULL if none was asked for */
GPUVM_API void *gpuvm_bo_data(struct gpuvm_bo *bo);

/**
 * gpuvm_bo_mappings() - copy a bo's mappings
 * @bo: the bo
 * @buf: receives up to @count of them, in no order; may be NULL if @count is 0
 * @count: room at @buf
 *
 * upstream: drm_gpuvm_bo_for_each_va(), under the GEM lock throughout; here nothing runs under it but the copy.
 * Context: GEM lock. Return: how many mappings the bo has, which may be more than @count.
 */
GPUVM_API size_t gpuvm_bo_mappings(struct gpuvm_bo *bo, struct gpuvm_mapping *buf, size_t count);

/**
 * gpuvm_bo_extobj_add() - put the bo on its VM's list of external objects
 *
 * Idempotent; nothing happens for a local object. The list takes no reference.
 * Context: the VM's reservation held if RESV_PROTECTED, else takes a spinlock.
 */
GPUVM_API void gpuvm_bo_extobj_add(struct gpuvm_bo *bo);

/**
 * gpuvm_bo_evict() - mark one bo (not) evicted
 *
 * Puts it on or takes it off the VM's evict list; for an external object of a RESV_PROTECTED VM only the mark is set and
 * gpuvm_exec_prepare_objects() moves it (the VM's reservation is not held here).
 * Context: the GEM's reservation held.
 */
GPUVM_API void gpuvm_bo_evict(struct gpuvm_bo *bo, bool evict);

/** gpuvm_bo_evicted() - the mark. Context: exact while the GEM's reservation is held. */
GPUVM_API bool gpuvm_bo_evicted(const struct gpuvm_bo *bo);

GPUVM_END_DECLS

#endif /* GPUVM_BO_H */
