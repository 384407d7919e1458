/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm.h - a GPU's virtual address space, and the callbacks a driver gives for it.
 *
 * Lock modes. Two flags give upstream's four modes:
 *
 *   immediate  the GEM list has a lock of its own, taken by the functions that need it; a bo's last put is deferred.
 *   staged     (no GPUVM_VM_IMMEDIATE) the GEM's reservation guards the GEM list and *the caller holds it* around obtain,
 *              find, put and everything that (un)links mappings.
 *   GPUVM_VM_RESV_PROTECTED  the extobj and evict lists are guarded by the VM's reservation, else by spinlocks.
 *
 * All VMs that share a GEM object must agree on GPUVM_VM_IMMEDIATE (Linux assumes it; here the second pair of a mixed
 * couple gets -EINVAL).
 */
#ifndef GPUVM_VM_H
#define GPUVM_VM_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

struct gpuvm_device;
struct gpuvm_vm;
struct gpuvm_gem;
struct gpuvm_bo;
struct gpuvm_resv;
struct gpuvm_op;

#define GPUVM_VM_RESV_PROTECTED (1u << 0)
#define GPUVM_VM_IMMEDIATE (1u << 1)

/**
 * struct gpuvm_driver - the driver's side of a VM; every member may be NULL or 0 unless it says otherwise
 * @vm_data: bytes of driver data in the VM, zeroed
 * @bo_data: bytes of driver data in each bo, zeroed
 * @va_data: bytes of driver data in each va, zeroed
 * @vm_free: last put of the VM; the memory goes afterwards
 * @bo_alloc: prepare the driver's data of a new pair; -errno makes the creation fail with it. No lock held.
 * @bo_free: the pair is gone; called with no list lock held, after it has left every list (or was never on one)
 * @bo_validate: make an evicted bo resident again; the VM's reservation held. -errno stops the walk.
 * @sm_step_map: a mapping is about to be added. -errno undoes the whole request.
 * @sm_step_remap: a mapping is about to be cut: what remains are one or two pieces
 * @sm_step_unmap: a mapping is about to go
 * @sm_step_prefetch: a mapping lies in a prefetched range
 * @remap_in_place: a mapping that is cut may stay, shorter, as the piece in front of the cut, with the driver's data in it.
 *	Where the space can do that (GPUVM_TRAIT_SHRINKS), the request leaves the GPUVM_SM_PREV of its stock where it is, and
 *	the mapping is not among the removed ones; nothing is freed or allocated for that piece. (Not in bind arrays.)
 * @sm_step_undo: a later step failed: undo this one. Called in reverse order of the steps; cannot fail.
 *
 * The sm_step callbacks run with other writers of the touched mappings excluded and before anything is edited, so a
 * reader sees the old mappings until all callbacks have agreed. They must not call back into the same VM's writers.
 * The table must outlive the VM.
 */
struct gpuvm_driver {
	size_t vm_data;
	size_t bo_data;
	size_t va_data;
	void (*vm_free)(struct gpuvm_vm *vm);
	int (*bo_alloc)(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data);
	void (*bo_free)(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data);
	int (*bo_validate)(struct gpuvm_bo *bo, void *priv);
	int (*sm_step_map)(const struct gpuvm_op *op, void *priv);
	int (*sm_step_remap)(const struct gpuvm_op *op, void *priv);
	int (*sm_step_unmap)(const struct gpuvm_op *op, void *priv);
	int (*sm_step_prefetch)(const struct gpuvm_op *op, void *priv);
	void (*sm_step_undo)(const struct gpuvm_op *op, void *priv);
	bool remap_in_place;
};

/**
 * struct gpuvm_vm_params - what a VM is made of
 * @name: for messages; copied (cut to 31 bytes); NULL is fine
 * @flags: GPUVM_VM_*
 * @start: first byte of the address space
 * @range: its length in bytes, not 0; @start + @range must not wrap
 * @reserve_start: first byte that only the kernel uses
 * @reserve_range: bytes the kernel keeps; 0 for none; must lie inside the VM
 * @page_size: every address, range and offset must be a multiple; a power of two; 0 or 1: no rule
 * @driver: must outlive the VM; NULL: no driver data, no callbacks
 */
struct gpuvm_vm_params {
	const char *name;
	uint32_t flags;
	uint64_t start;
	uint64_t range;
	uint64_t reserve_start;
	uint64_t reserve_range;
	uint64_t page_size;
	const struct gpuvm_driver *driver;
};

/**
 * gpuvm_vm_create() - make a VM
 * @dev: the device; the VM keeps a reference to it
 * @params: copied
 * @out: receives the VM with one reference, the caller's
 *
 * Context: allocates; no locks. Return: 0, -EINVAL (a range that is empty, wraps or sticks out, unknown flags, a page
 * size that is no power of two or does not divide the ranges), -ENOMEM.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_vm_create(struct gpuvm_device *dev, const struct gpuvm_vm_params *params,
					       struct gpuvm_vm **out);

/** gpuvm_vm_get() - another reference; the caller must own one */
GPUVM_API struct gpuvm_vm *gpuvm_vm_get(struct gpuvm_vm *vm);

/**
 * gpuvm_vm_put() - drop a reference (NULL is fine); the last one frees the VM
 *
 * Every bo pins its VM (I4) and every mapping of an object pins its bo, so close the VM first. Context: as
 * gpuvm_bo_deferred_cleanup(); may free.
 */
GPUVM_API void gpuvm_vm_put(struct gpuvm_vm *vm);

/**
 * gpuvm_vm_close() - end of use: no new mapping, everything unmapped, zombies freed
 * @vm: the VM
 * @priv: passed to the sm_step_unmap callbacks (their errors are ignored here)
 *
 * Waits for binds in flight; each later one gets -ENOENT. Idempotent. A driver that forgot gpuvm_bo_deferred_cleanup()
 * is served here and counted (GPUVM_STAT_FORGOTTEN). upstream has no such function: its drivers each write one, and a
 * forgotten cleanup leaks until the VM goes, which the zombies themselves prevent.
 *
 * Context: may sleep and free; no lock held. Staged mode: takes each mapped GEM's reservation itself.
 * Return: number of mappings that were still there.
 */
GPUVM_API size_t gpuvm_vm_close(struct gpuvm_vm *vm, void *priv);

/**
 * struct gpuvm_deferred_stats - what waits for gpuvm_bo_deferred_cleanup()
 * @queued: zombies pushed and not freed yet
 * @pinned_bytes: sizes of the objects they pin, in whole KiB each; an object counts once per zombie
 * @age_ns: since there were none; 0 if there are none. Steps of some milliseconds.
 */
struct gpuvm_deferred_stats {
	uint64_t queued;
	uint64_t pinned_bytes;
	uint64_t age_ns;
};

/**
 * gpuvm_vm_deferred_stats() - how far behind is cleanup?
 *
 * A driver whose queue only ever grows has forgotten gpuvm_bo_deferred_cleanup(). Context: any; exact while nobody puts
 * or cleans up.
 */
GPUVM_API void gpuvm_vm_deferred_stats(struct gpuvm_vm *vm, struct gpuvm_deferred_stats *out);

/** gpuvm_vm_data() - the driver's data, NULL if none was asked for */
GPUVM_API void *gpuvm_vm_data(struct gpuvm_vm *vm);

/** gpuvm_vm_name() - lives as long as the VM */
GPUVM_API const char *gpuvm_vm_name(const struct gpuvm_vm *vm);

/** gpuvm_vm_resv() - the VM's reservation, shared by its local objects; borrowed, lives as long as the VM */
GPUVM_API struct gpuvm_resv *gpuvm_vm_resv(struct gpuvm_vm *vm);

/** gpuvm_vm_resv_protected(), gpuvm_vm_immediate() - the lock mode */
GPUVM_API bool gpuvm_vm_resv_protected(const struct gpuvm_vm *vm);
GPUVM_API bool gpuvm_vm_immediate(const struct gpuvm_vm *vm);

/** gpuvm_vm_is_extobj() - does @gem have another reservation than @vm? NULL: false. */
GPUVM_API bool gpuvm_vm_is_extobj(const struct gpuvm_vm *vm, const struct gpuvm_gem *gem);

/**
 * gpuvm_vm_range_valid() - may this range be mapped?
 *
 * True if it is not empty, does not wrap, lies inside the VM, outside the reserved part and on page boundaries.
 */
GPUVM_API bool gpuvm_vm_range_valid(const struct gpuvm_vm *vm, uint64_t addr, uint64_t range);

/**
 * gpuvm_vm_interval_empty() - is nothing mapped or reserved there?
 *
 * Takes what it needs to read the space. A range that gpuvm_vm_range_valid() refuses is not empty: false.
 */
GPUVM_API bool gpuvm_vm_interval_empty(struct gpuvm_vm *vm, uint64_t addr, uint64_t range);

/**
 * gpuvm_vm_mappings() - number of mappings
 *
 * Counted by walking them: exact only while no writer runs.
 */
GPUVM_API size_t gpuvm_vm_mappings(struct gpuvm_vm *vm);

/** gpuvm_vm_index_bytes() - bytes the address-space index uses beside the mappings themselves. Context: no writer runs. */
GPUVM_API size_t gpuvm_vm_index_bytes(struct gpuvm_vm *vm);

GPUVM_END_DECLS

#endif /* GPUVM_VM_H */
