/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * va.h - one mapping, in three types.
 *
 *   struct gpuvm_va_alloc     pre-allocated; the caller's; in no address space
 *   struct gpuvm_va           resident: in its VM's address space and, unless sparse, on its bo's list, pinning that bo
 *   struct gpuvm_va_removed   out again; the caller's; gives the driver's data back
 *
 * Each va is resident *and* linked or neither: upstream's separate drm_gpuva_link() and drm_gpuva_unlink() are part of
 * going in and coming out, so "resident but not linked" cannot be seen.
 */
#ifndef GPUVM_VA_H
#define GPUVM_VA_H

#include <gpuvm/bo.h>
#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

struct gpuvm_va;
struct gpuvm_va_alloc;
struct gpuvm_va_removed;

#define GPUVM_VA_INVALIDATED (1u << 0) /* set by gpuvm_va_invalidate(); the core never reads it */
#define GPUVM_VA_SPARSE (1u << 1) /* informational: no object behind it */
#define GPUVM_VA_USERBITS 2 /* first bit that is the driver's */

/**
 * struct gpuvm_map_req - a mapping to be made
 * @addr: first byte
 * @range: bytes, not 0
 * @offset: byte in the GEM object that @addr shall show
 * @bo: the pair to map, or NULL (sparse). Borrowed: the mapping takes its own reference.
 * @flags: GPUVM_VA_* for the new mapping
 */
struct gpuvm_map_req {
	uint64_t addr;
	uint64_t range;
	uint64_t offset;
	struct gpuvm_bo *bo;
	uint32_t flags;
};

/** gpuvm_va_alloc_create() - pre-allocate a mapping for @vm. Context: allocates; no locks. Return: NULL if no memory. */
GPUVM_API GPUVM_MUST_CHECK struct gpuvm_va_alloc *gpuvm_va_alloc_create(struct gpuvm_vm *vm);

/** gpuvm_va_alloc_destroy() - free one that was not used (NULL is fine) */
GPUVM_API void gpuvm_va_alloc_destroy(struct gpuvm_va_alloc *alloc GPUVM_CONSUMED);

/** gpuvm_va_alloc_data() - the driver's data, zeroed; NULL if none was asked for */
GPUVM_API void *gpuvm_va_alloc_data(struct gpuvm_va_alloc *alloc);

/**
 * gpuvm_va_insert() - map into a range that is free
 * @vm: the VM
 * @alloc: becomes the mapping on success; stays the caller's on error
 * @req: what to map
 *
 * No callback. upstream: drm_gpuva_insert() plus drm_gpuva_link(). Context: excludes other writers of the range; GEM lock.
 * Return: 0; -EINVAL (bad range, @req->bo of another VM, offset that wraps); -EEXIST (overlap); -ENOENT (closed);
 * -ENOMEM (index).
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_va_insert(struct gpuvm_vm *vm, struct gpuvm_va_alloc *alloc,
					       const struct gpuvm_map_req *req);

/**
 * gpuvm_va_remove() - take exactly the mapping [addr, addr + range) out
 * @out: receives it; the caller's, to be freed with gpuvm_va_removed_free()
 *
 * No callback. upstream: drm_gpuva_remove() plus drm_gpuva_unlink(). Context: as gpuvm_va_insert(); may drop the last
 * reference of its bo (deferred in immediate mode).
 * Return: 0; -ENOENT (no such mapping); -ENOMEM (index).
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_va_remove(struct gpuvm_vm *vm, uint64_t addr, uint64_t range,
					       struct gpuvm_va_removed **out);

/** gpuvm_va_removed_data() - the driver's data, valid until the mapping is freed */
GPUVM_API void *gpuvm_va_removed_data(struct gpuvm_va_removed *va);

/** gpuvm_va_removed_addr(), gpuvm_va_removed_range() - where it was */
GPUVM_API uint64_t gpuvm_va_removed_addr(const struct gpuvm_va_removed *va);
GPUVM_API uint64_t gpuvm_va_removed_range(const struct gpuvm_va_removed *va);

/** gpuvm_va_removed_pop() - take the first off a chain (struct gpuvm_sm::removed); NULL at the end */
GPUVM_API struct gpuvm_va_removed *gpuvm_va_removed_pop(struct gpuvm_va_removed **chain);

/** gpuvm_va_removed_free() - free one (NULL is fine), after a grace period if the space has RCU readers. */
GPUVM_API void gpuvm_va_removed_free(struct gpuvm_va_removed *va GPUVM_CONSUMED);

/**
 * gpuvm_lookup() - what is mapped at @addr?
 * @out: receives a copy
 *
 * The GPU fault handler's question, in one call. Context: reads the space as its strategy does (a lock, or RCU); the GEM
 * in @out is pinned only by what the caller knows. Return: false if nothing is mapped there.
 */
GPUVM_API bool gpuvm_lookup(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out);

/**
 * struct gpuvm_reader - an open read section of one VM; on the caller's stack
 *
 * Mappings found in a section stay readable until it ends. With a locking strategy the section holds the VM's lock, as
 * drivers on Linux do; with RCU it is a read section and mappings may leave the VM meanwhile.
 * Context: no writer of the same VM is called inside it.
 */
struct gpuvm_reader {
	struct gpuvm_vm *vm;
	uint64_t opaque[13];
};

GPUVM_API void gpuvm_read_begin(struct gpuvm_vm *vm, struct gpuvm_reader *r);
GPUVM_API void gpuvm_read_end(struct gpuvm_reader *r);

/** gpuvm_va_find() - the mapping that is exactly [addr, addr + range), or NULL */
GPUVM_API struct gpuvm_va *gpuvm_va_find(struct gpuvm_reader *r, uint64_t addr, uint64_t range);

/** gpuvm_va_find_first() - the lowest mapping that overlaps [addr, addr + range), or NULL */
GPUVM_API struct gpuvm_va *gpuvm_va_find_first(struct gpuvm_reader *r, uint64_t addr, uint64_t range);

/** gpuvm_va_find_prev() - the mapping that ends exactly at @start, or NULL (upstream returns others too: W2) */
GPUVM_API struct gpuvm_va *gpuvm_va_find_prev(struct gpuvm_reader *r, uint64_t start);

/** gpuvm_va_find_next() - the mapping that starts exactly at @end, or NULL (upstream returns others too: W2) */
GPUVM_API struct gpuvm_va *gpuvm_va_find_next(struct gpuvm_reader *r, uint64_t end);

/**
 * gpuvm_va_first(), gpuvm_va_next() - iterate in address order over what overlaps [addr, addr + range)
 *
 * Each mapping that stays throughout is returned exactly once. The kernel-reserved range is not a mapping.
 */
GPUVM_API struct gpuvm_va *gpuvm_va_first(struct gpuvm_reader *r, uint64_t addr, uint64_t range);
GPUVM_API struct gpuvm_va *gpuvm_va_next(struct gpuvm_reader *r, const struct gpuvm_va *va);

/* What a mapping says of itself. Context: inside a read section, or inside an sm_step callback that was given it. */
GPUVM_API uint64_t gpuvm_va_addr(const struct gpuvm_va *va);
GPUVM_API uint64_t gpuvm_va_range(const struct gpuvm_va *va);
GPUVM_API uint64_t gpuvm_va_offset(const struct gpuvm_va *va);
GPUVM_API uint32_t gpuvm_va_flags(const struct gpuvm_va *va);
GPUVM_API struct gpuvm_bo *gpuvm_va_bo(const struct gpuvm_va *va); /* borrowed; NULL if sparse */
GPUVM_API struct gpuvm_gem *gpuvm_va_gem(const struct gpuvm_va *va); /* borrowed; NULL if sparse */
GPUVM_API void *gpuvm_va_data(struct gpuvm_va *va);

/** gpuvm_va_invalidate() - set or clear GPUVM_VA_INVALIDATED. Context: as above; atomic. */
GPUVM_API void gpuvm_va_invalidate(struct gpuvm_va *va, bool invalidate);

GPUVM_END_DECLS

#endif /* GPUVM_VA_H */
