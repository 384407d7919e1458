/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * pending.h - an address space as it will be when some requests are carried out of which none is yet.
 *
 * A bind array asks the driver about all its operations before it edits anything, and each must see what those before it
 * will have done. So what they will do is kept here, beside the index that everybody else still reads: a map from
 * addresses to what is there.
 *
 *   P1  Each address has one of: a mapping to come, filled in but not in the index yet; nothing; or what the index has.
 *   P2  A mapping is there wholly or not at all: whoever cuts one of the index replaces all of it. So no mapping of the index
 *       lies across the border of what is as the index has it.
 *   P3  Nothing is forgotten: what a request replaced is kept, whole, and put back if the request is undone. Requests are
 *       undone in reverse order.
 *   P4  The nodes are the caller's, GPUVM__PENDING_NODES for each request and GPUVM__PENDING_FIRST: nothing allocates.
 */
#ifndef GPUVM_CORE_PENDING_H
#define GPUVM_CORE_PENDING_H

#include "space/space.h"

/* From start up to the next node's start. A treap, its nodes named by their place in the array; 0 is none. */
struct gpuvm__pnode {
	uint64_t start;
	struct gpuvm_va *va;
	uint32_t left, right;
};

#define GPUVM__PENDING_NODES (GPUVM__SPLICE_MAX + 2u) /* two cuts, and what it puts in */
#define GPUVM__PENDING_FIRST 2u

struct gpuvm__pending {
	struct gpuvm__pnode *node;
	uint32_t nr, root;
};

/* What one request did: [lo, hi) had the nodes below @old before. */
struct gpuvm__pending_edit {
	uint64_t lo, hi;
	uint32_t old;
};

/* @node: room for so many (P4). All is as the index has it. */
void gpuvm__pending_init(struct gpuvm__pending *p, struct gpuvm__pnode *node);
/* As next() and prev() of the space, but for [from, hi) and [lo, below), and for what will be. */
struct gpuvm_va *gpuvm__pending_next(const struct gpuvm__pending *p, struct gpuvm__cursor *c, uint64_t from, uint64_t hi);
struct gpuvm_va *gpuvm__pending_prev(const struct gpuvm__pending *p, struct gpuvm__cursor *c, uint64_t lo, uint64_t below);
/* What overlaps [lo, hi) becomes @in, in order, which may stick out as what they are made of did. */
void gpuvm__pending_splice(struct gpuvm__pending *p, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
			   struct gpuvm__pending_edit *edit);
/* The last splice never was. */
void gpuvm__pending_undo(struct gpuvm__pending *p, const struct gpuvm__pending_edit *edit);

#endif /* GPUVM_CORE_PENDING_H */
