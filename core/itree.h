/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * itree.h - an intrusive interval tree of mappings: a red-black tree by start, each node knowing the highest end below it.
 *
 * The structure Linux's GPUVM uses (its generic interval tree), written anew. The caller excludes everyone else.
 * Not for: neighbours in order; whoever needs them keeps a list beside it, as Linux does.
 */
#ifndef GPUVM_CORE_ITREE_H
#define GPUVM_CORE_ITREE_H

#include "objects.h"

/* 32 bytes, behind the mapping's start and end: a search looks at nothing else of it. */
struct gpuvm__inode {
	uintptr_t up; /* the parent; bit 0: this node is red */
	uint64_t max_end; /* highest end in this subtree */
	struct gpuvm__inode *child[2];
};

struct gpuvm__itree {
	struct gpuvm__inode *root;
};

/* The mapping a node is part of: nodes are the first thing in va->space_state. */
static inline struct gpuvm_va *gpuvm__inode_va(struct gpuvm__inode *n)
{
	return container_of((char *)n, struct gpuvm_va, space_state);
}

static inline struct gpuvm__inode *gpuvm__va_inode(struct gpuvm_va *va)
{
	return (struct gpuvm__inode *)va->space_state;
}

/* Put @va in; nothing in the tree may overlap it. Returns the mapping before it in address order, or NULL. */
struct gpuvm_va *gpuvm__itree_insert(struct gpuvm__itree *t, struct gpuvm_va *va);
void gpuvm__itree_erase(struct gpuvm__itree *t, struct gpuvm_va *va);
/* @va, which is in a tree, ends at @end from now on, which is lower. */
void gpuvm__itree_shrink(struct gpuvm_va *va, uint64_t end);
/* The lowest mapping that overlaps [lo, hi), or NULL. */
struct gpuvm_va *gpuvm__itree_first(struct gpuvm__itree *t, uint64_t lo, uint64_t hi);
/* The highest mapping with start < @below, or NULL. */
struct gpuvm_va *gpuvm__itree_before(struct gpuvm__itree *t, uint64_t below);

#endif /* GPUVM_CORE_ITREE_H */
