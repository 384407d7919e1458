/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind.h - bind arrays: many map, unmap and prefetch operations in one call, all or nothing.
 *
 * What VM_BIND ioctls with several operations do (Xe's and Nouveau's bind arrays); upstream has no such function, so each
 * driver unwinds by hand or gives the VM up. In two parts, for a bind queue: gpuvm_bind_prepare() where memory may be had,
 * gpuvm_bind_array() in the fence-signalling path.
 *
 *	struct gpuvm_bind bind = { .priv = job };
 *
 *	ret = gpuvm_bind_prepare(vm, &bind, ops, nr);
 *	if (!ret)
 *		ret = gpuvm_bind_array(vm, &bind);
 *	gpuvm_bind_release(&bind);
 *
 * What holds of it: docs/bind-array.md.
 */
#ifndef GPUVM_BIND_H
#define GPUVM_BIND_H

#include <gpuvm/compiler.h>
#include <gpuvm/sm.h>

GPUVM_BEGIN_DECLS

/**
 * enum gpuvm_bind_type - kinds of operations
 * @GPUVM_BIND_MAP: as gpuvm_sm_map()
 * @GPUVM_BIND_UNMAP: as gpuvm_sm_unmap()
 * @GPUVM_BIND_PREFETCH: as gpuvm_sm_prefetch()
 */
enum gpuvm_bind_type {
	GPUVM_BIND_MAP,
	GPUVM_BIND_UNMAP,
	GPUVM_BIND_PREFETCH
};

/**
 * struct gpuvm_bind_op - one operation
 * @type: which
 * @req: map: the request, its bo borrowed until gpuvm_bind_array() returns; else only @addr and @range are looked at
 */
struct gpuvm_bind_op {
	enum gpuvm_bind_type type;
	struct gpuvm_map_req req;
};

#define GPUVM_BIND_OPS_MAX 32768u

struct gpuvm_bind_work;

/**
 * struct gpuvm_bind - what a bind array takes and gives back
 * @work: the operations and all the memory they may need; the core's own
 * @removed: chain of the mappings that went (gpuvm_va_removed_pop()); new ones are put in front. One that an operation made
 *	and a later one of the same array removed is among them.
 * @priv: passed to the callbacks
 * @at: number of the operation whose callbacks run; after an error of one operation, which it was
 *
 * Zero it before the first use. One struct may serve any number of arrays on one VM, one after the other; memory that one
 * did not need serves the next.
 */
struct gpuvm_bind {
	struct gpuvm_bind_work *work;
	struct gpuvm_va_removed *removed;
	void *priv;
	unsigned int at;
};

/**
 * gpuvm_bind_prepare() - check @nr operations and allocate all that carrying them out may need
 * @vm: the VM
 * @bind: the operations are copied into it, in place of those it had
 * @ops: in the order in which they shall take effect; they may overlap each other
 * @nr: how many; at most GPUVM_BIND_OPS_MAX; may be 0
 *
 * Three mappings for a map, two for an unmap, what the index may grow by, and what undoing wants; nothing of a bind struct's
 * that is left from before is allocated again.
 *
 * Context: allocates; no locks. Return: 0; -EINVAL (bad range, offset that wraps, bo of another VM, unknown type, a callback
 * missing: @bind->at says which; or too many, or @bind is another VM's); -ENOMEM: what was allocated until then stays in
 * @bind.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_bind_prepare(struct gpuvm_vm *vm, struct gpuvm_bind *bind,
						  const struct gpuvm_bind_op *ops, unsigned int nr);

/**
 * gpuvm_bind_array() - carry the prepared operations out, all or none
 *
 * The result is that of carrying them out one by one: a later operation sees what the earlier ones did. First the
 * callbacks of all operations are called, in order, with every other writer of what any of them touches excluded; a step
 * may name a mapping that an earlier operation of the array makes. If one fails, every step before it, back to the first
 * operation's first, is given to sm_step_undo in reverse order; nothing was edited, so whatever was mapped is as it was,
 * and no reader ever saw anything else. When all have agreed the edits are made, operation by operation; each is one step
 * for readers. With a strategy in which binds of different mappings run in parallel (GPUVM_TRAIT_PARTS), only what the
 * operations touch is held, not what lies between.
 *
 * Context: may sleep in callbacks; GEM lock; the mode's reservations held for every object that is mapped or unmapped. After
 * gpuvm_bind_prepare() it allocates nothing in any case but one: space:btree_rcu, if the tree grew by more than a level
 * meanwhile; then before the first callback.
 * Return: 0; -EINVAL (not prepared; to be prepared anew for each call, whatever the last one returned); -ENOENT (closed);
 * -ENOMEM (index); what a callback returned.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_bind_array(struct gpuvm_vm *vm, struct gpuvm_bind *bind);

/**
 * gpuvm_bind_va() - the mapping that operation @op, if it succeeds, puts into use as @slot
 *
 * For the driver's data, between gpuvm_bind_prepare() and the end of the operation's callbacks; stays @bind's. Return: NULL
 * if the operation has no such mapping.
 */
GPUVM_API struct gpuvm_va_alloc *gpuvm_bind_va(const struct gpuvm_bind *bind, unsigned int op, enum gpuvm_sm_slot slot);

/** gpuvm_bind_release() - free all that is left in @bind: memory, and removed mappings. @bind is reusable, on any VM. */
GPUVM_API void gpuvm_bind_release(struct gpuvm_bind *bind);

GPUVM_END_DECLS

#endif /* GPUVM_BIND_H */
