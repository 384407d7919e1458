/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sm.h - split and merge: change an address space whatever is mapped there already.
 *
 * Each request comes in two forms. The callback form calls the driver once per step and allocates nothing between the
 * first callback and the end. The list form allocates the steps as a list, for drivers that prepare and run them apart.
 *
 * All or nothing: callbacks run before anything is edited. If one fails (or memory does), the earlier steps are given
 * back to sm_step_undo in reverse order, the VM is as before and the error is returned. upstream has no rollback, and its
 * drivers declare the VM unusable.
 */
#ifndef GPUVM_SM_H
#define GPUVM_SM_H

#include <gpuvm/compiler.h>
#include <gpuvm/va.h>

GPUVM_BEGIN_DECLS

/**
 * enum gpuvm_op_type - kinds of steps
 * @GPUVM_OP_MAP: a new mapping
 * @GPUVM_OP_REMAP: a mapping is cut to one or two pieces
 * @GPUVM_OP_UNMAP: a mapping goes
 * @GPUVM_OP_PREFETCH: a mapping lies in the range
 */
enum gpuvm_op_type {
	GPUVM_OP_MAP,
	GPUVM_OP_REMAP,
	GPUVM_OP_UNMAP,
	GPUVM_OP_PREFETCH
};

/* The old mapping, and whether its page tables may stay because the new one shows the same bytes there. */
struct gpuvm_op_unmap {
	struct gpuvm_va *va;
	bool keep;
};

/* @prev and @next are NULL if there is no such piece; @unmap->va is the mapping that is cut. */
struct gpuvm_op_remap {
	const struct gpuvm_map_req *prev;
	const struct gpuvm_map_req *next;
	const struct gpuvm_op_unmap *unmap;
};

/* @va: the mapping in the range. */
struct gpuvm_op_prefetch {
	struct gpuvm_va *va;
};

/**
 * struct gpuvm_op - one step
 * @type: which of the union
 * @vm: the VM
 *
 * Valid during the callback, or as long as its list.
 */
struct gpuvm_op {
	enum gpuvm_op_type type;
	struct gpuvm_vm *vm;
	union {
		struct gpuvm_map_req map;
		struct gpuvm_op_remap remap;
		struct gpuvm_op_unmap unmap;
		struct gpuvm_op_prefetch prefetch;
	};
};

#define GPUVM_SM_MAP_VAS 3 /* new, prev, next */
#define GPUVM_SM_UNMAP_VAS 2 /* prev, next */
#define GPUVM_SM_MADVISE_VAS 4 /* two pieces outside, two inside */

/* What each pre-allocated mapping is for, as an index in struct gpuvm_sm::va. */
enum gpuvm_sm_slot {
	GPUVM_SM_NEW,
	GPUVM_SM_PREV,
	GPUVM_SM_NEXT,
	GPUVM_SM_NEW2,
	GPUVM_SM_SLOTS
};

/**
 * struct gpuvm_sm - what a request takes and gives back
 * @va: pre-allocated mappings, by slot. Those a request uses are replaced by NULL; the rest stay the caller's.
 * @index: memory for the VM's index, the core's own; gpuvm_sm_prepare() fills it
 * @removed: chain of the mappings that went (gpuvm_va_removed_pop()); new ones are put in front
 * @priv: passed to the callbacks
 *
 * Zero it before the first use. One struct may serve any number of requests of one VM: gpuvm_sm_prepare() tops it up. Release
 * it before it serves another one.
 */
struct gpuvm_sm {
	struct gpuvm_va_alloc *va[GPUVM_SM_SLOTS];
	void *index;
	struct gpuvm_va_removed *removed;
	void *priv;
};

/**
 * gpuvm_sm_prepare() - allocate all that a kind of request may need: @vas is one of GPUVM_SM_*_VAS
 *
 * The slots, and what the index may grow by: a request whose @sm was prepared allocates nothing at all, so it may run in
 * the fence-signalling path.
 *
 * Context: allocates; no locks. Return: 0; -ENOMEM: what was allocated until then stays in @sm; -EINVAL: what is in @sm is
 * another VM's.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_prepare(struct gpuvm_vm *vm, struct gpuvm_sm *sm, unsigned int vas);

/** gpuvm_sm_release() - free what is left in @sm: what was not used, and removed mappings. @sm is reusable. */
GPUVM_API void gpuvm_sm_release(struct gpuvm_sm *sm);

/**
 * gpuvm_sm_map() - map @req, splitting or removing what is there
 * @vm: the VM
 * @req: the request
 * @sm: GPUVM_SM_MAP_VAS mappings ready
 *
 * Steps, in address order: UNMAP or REMAP for each mapping that overlaps, then one MAP.
 * Context: excludes writers that touch the same mappings; GEM lock. Allocates nothing if @sm was prepared, else the index
 * may, before the first callback.
 * Return: 0; -EINVAL (bad range, offset that wraps, bo of another VM, fewer mappings than needed in @sm or another
 * VM's, a callback missing); -ENOENT (closed); -ENOMEM (index); what a callback returned.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_map(struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_sm *sm);

/** gpuvm_sm_unmap() - unmap a range; at most two REMAPs, any number of UNMAPs. @sm: GPUVM_SM_UNMAP_VAS. As gpuvm_sm_map(). */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_unmap(struct gpuvm_vm *vm, uint64_t addr, uint64_t range, struct gpuvm_sm *sm);

/** gpuvm_sm_prefetch() - one PREFETCH step per mapping in the range; edits nothing. Return: as gpuvm_sm_unmap(). */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_prefetch(struct gpuvm_vm *vm, uint64_t addr, uint64_t range, void *priv);

/**
 * gpuvm_sm_madvise() - cut the sparse mappings at the ends of @req's range so that attributes can differ inside
 *
 * Mappings with an object are skipped. A mapping that sticks out on a side is REMAPped to its outer piece(s) and the
 * inner part is MAPped anew (with @req->bo and @req->offset if the range lies inside one mapping, else sparse, with
 * @req->flags); at most two of each, nothing for mappings wholly inside. upstream: drm_gpuvm_madvise_ops_create().
 * @sm: GPUVM_SM_MADVISE_VAS. Return: as gpuvm_sm_map().
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_madvise(struct gpuvm_vm *vm, const struct gpuvm_map_req *req,
						struct gpuvm_sm *sm);

/** gpuvm_bo_unmap() - remove every mapping of @bo, one UNMAP step each. Needs no stock. Return: as gpuvm_sm_unmap(). */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_bo_unmap(struct gpuvm_bo *bo, struct gpuvm_sm *sm);

/*
 * List form. A list holds the address space's writer exclusion over its range from its creation until it is committed or
 * freed, by the same thread: upstream's rule "apply or drop it before the next call" without the trust. So, between the
 * two, no other writer of the same mappings may be called from this thread.
 *
 * Exact allocations: 1 for the list; 1 per MAP, UNMAP, PREFETCH; a REMAP 2 + one per piece. A plain map is 2, a map in
 * the middle of one mapping 6, one that cuts two and covers N 8 + N.
 */
struct gpuvm_oplist;

GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_map_ops(struct gpuvm_vm *vm, const struct gpuvm_map_req *req,
						struct gpuvm_oplist **out);
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_unmap_ops(struct gpuvm_vm *vm, uint64_t addr, uint64_t range,
						  struct gpuvm_oplist **out);
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_prefetch_ops(struct gpuvm_vm *vm, uint64_t addr, uint64_t range,
						     struct gpuvm_oplist **out);
GPUVM_API GPUVM_MUST_CHECK int gpuvm_sm_madvise_ops(struct gpuvm_vm *vm, const struct gpuvm_map_req *req,
						    struct gpuvm_oplist **out);
GPUVM_API GPUVM_MUST_CHECK int gpuvm_bo_unmap_ops(struct gpuvm_bo *bo, struct gpuvm_oplist **out);

/** gpuvm_oplist_first(), gpuvm_oplist_next() - the steps in order; NULL at the end */
GPUVM_API const struct gpuvm_op *gpuvm_oplist_first(const struct gpuvm_oplist *list);
GPUVM_API const struct gpuvm_op *gpuvm_oplist_next(const struct gpuvm_oplist *list, const struct gpuvm_op *op);

/**
 * gpuvm_oplist_commit() - make the list's edits and free it
 * @list: consumed on success; still the caller's on error
 * @sm: as for the callback form of the same request
 *
 * Calls no callback: the driver has walked the list. Return: 0, or -EINVAL if @sm has too few mappings.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_oplist_commit(struct gpuvm_oplist *list, struct gpuvm_sm *sm);

/** gpuvm_oplist_free() - drop a list without its edits (NULL is fine) */
GPUVM_API void gpuvm_oplist_free(struct gpuvm_oplist *list GPUVM_CONSUMED);

GPUVM_END_DECLS

#endif /* GPUVM_SM_H */
