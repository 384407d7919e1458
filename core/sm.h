/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sm.h - split and merge, inside: a request as a walk that yields steps, and the edits that carry it out.
 *
 * One walk serves every kind of request and both forms: the callback form hands each step to the driver, the list form
 * (oplist.c) copies it. The walk edits nothing; so a failing step is undone by walking back over the same mappings.
 */
#ifndef GPUVM_CORE_SM_H
#define GPUVM_CORE_SM_H

#include "pending.h"

enum gpuvm__sm_kind {
	GPUVM__SM_MAP,
	GPUVM__SM_UNMAP,
	GPUVM__SM_PREFETCH,
	GPUVM__SM_MADVISE,
	GPUVM__SM_BO_UNMAP,
	GPUVM__SM_KINDS
};

/* A piece of the result: a mapping and the slot of struct gpuvm_sm it is made from. */
struct gpuvm__sm_piece {
	struct gpuvm_map_req req;
	enum gpuvm_sm_slot slot;
};

/* One edit: what overlaps [lo, hi) becomes these pieces. */
struct gpuvm__sm_cut {
	uint64_t lo, hi;
	struct gpuvm_va *front; /* what GPUVM_SM_PREV is the front of */
	unsigned int n;
	struct gpuvm__sm_piece piece[GPUVM__SPLICE_MAX];
};

#define GPUVM__SM_CUTS 2 /* madvise may cut at both ends */

/*
 * A request: [lo, hi), inside the section of @cursor, of what the space shows or, with @pending, of what it will show when
 * earlier requests are carried out. What the commit took out is chained from @removed up to @removed_before.
 */
struct gpuvm__sm {
	struct gpuvm_va_removed *removed, *removed_before;
	enum gpuvm__sm_kind kind;
	struct gpuvm__cursor *cursor;
	uint64_t lo, hi;
	const struct gpuvm__pending *pending;
	struct gpuvm_map_req req; /* for unmap and prefetch: the range only */
	struct gpuvm_bo *bo; /* GPUVM__SM_BO_UNMAP */
	unsigned int nr_cuts;
	struct gpuvm__sm_cut cut[GPUVM__SM_CUTS];
};

/* One step with the storage its pointers point to. */
struct gpuvm__sm_step {
	struct gpuvm_op op;
	struct gpuvm_map_req prev, next;
	struct gpuvm_op_unmap unmap;
};

/* Where steps go. undo() may be NULL. */
struct gpuvm__sm_sink {
	int (*step)(const struct gpuvm_op *op, void *arg);
	void (*undo)(const struct gpuvm_op *op, void *arg);
	void *arg;
};

/* The driver as a sink: @arg is one of these. */
struct gpuvm__sm_driver {
	const struct gpuvm_driver *driver;
	void *priv;
};

int gpuvm__sm_driver_step(const struct gpuvm_op *op, void *arg);
void gpuvm__sm_driver_undo(const struct gpuvm_op *op, void *arg);
/* Has @d the callbacks that @kind may need? */
bool gpuvm__sm_has_callbacks(const struct gpuvm_driver *d, enum gpuvm__sm_kind kind);

/* What an edit of @kind may do to the number of mappings. */
enum gpuvm__grow gpuvm__sm_grow(enum gpuvm__sm_kind kind);
/* A request inside a section that is open. */
void gpuvm__sm_init(struct gpuvm__sm *s, enum gpuvm__sm_kind kind, struct gpuvm__cursor *c,
		    const struct gpuvm_map_req *req, const struct gpuvm__pending *pending);
/*
 * Check the request and open its section, @c, until gpuvm__sm_end(); @sm may be NULL: the index allocates. 0, -EINVAL,
 * -ENOENT, -ENOMEM.
 */
int gpuvm__sm_begin(struct gpuvm__sm *s, struct gpuvm__cursor *c, enum gpuvm__sm_kind kind, struct gpuvm_vm *vm,
		    const struct gpuvm_map_req *req, struct gpuvm_bo *bo, struct gpuvm_sm *sm);
/* Yield every step; on an error undo the earlier ones in reverse order and return it. Records the edits. */
int gpuvm__sm_walk(struct gpuvm__sm *s, const struct gpuvm__sm_sink *sink);
/* Undo every step of a walk that went through, in reverse order; what it walked must be as it was. Not for madvise. */
void gpuvm__sm_unwalk(struct gpuvm__sm *s, const struct gpuvm__sm_sink *sink);
/* Are the slots filled that @kind may need, with mappings of @vm? 0 or -EINVAL. */
int gpuvm__sm_stocked(enum gpuvm__sm_kind kind, const struct gpuvm_vm *vm, const struct gpuvm_sm *sm);
/* Make the edits that the walk recorded. Cannot fail. */
void gpuvm__sm_commit(struct gpuvm__sm *s, struct gpuvm_sm *sm);
void gpuvm__sm_end(struct gpuvm__sm *s);

#endif /* GPUVM_CORE_SM_H */
