/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * driver.c - the driver of the explorer's worlds: it counts its bos, and adds up what steps it is told.
 */
#include <errno.h>

#include "world.h"

static int bo_alloc(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	*(uint64_t *)data = 0xb0b0b0b0;
	world.bos++;
	return 0;
}

static void bo_free(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	if (*(uint64_t *)data != 0xb0b0b0b0)
		sched_fail("bo_free of a bo that is not alive");
	*(uint64_t *)data = 0;
	world.bos--;
	if (immediate() && gpuvm_debug_locks_held())
		sched_fail("bo_free is called under a lock (I5)");
}

static int bo_validate(struct gpuvm_bo *bo, void *priv)
{
	world.validated++;
	return 0;
}

uint64_t step_code(unsigned int nth, int type, unsigned int lo, unsigned int hi, unsigned int tag, bool keep, bool prev,
		   bool next)
{
	uint64_t v = nth;

	v = v * 4 + type;
	v = v * 128 + lo;
	v = v * 128 + hi;
	v = v * 512 + tag;
	v = v * 8 + keep * 4 + prev * 2 + next;
	return (v + 1) * 0x9e3779b97f4a7c15ull ^ (v >> 7);
}

static unsigned int gem_index(const struct gpuvm_gem *gem)
{
	return gem == world.gem[1];
}

/* A step of a request, or of that operation of an array whose turn it is. */
static int told(struct actor *a, int type, unsigned int lo, unsigned int hi, unsigned int tag, bool keep, bool prev,
		bool next)
{
	struct event *e = a->array ? a->array[a->bind.at] : NULL;

	a->nr_steps++;
	if (type == STEP_MAP && a->fail_map)
		return -EIO;
	if (e)
		e->steps += step_code(e->nr_steps++, type, lo, hi, tag, keep, prev, next);
	else
		a->steps += step_code(a->nr_steps - 1, type, lo, hi, tag, keep, prev, next);
	return 0;
}

static int step(struct actor *a, int type, const struct gpuvm_va *va, bool keep, bool prev, bool next)
{
	unsigned int lo = gpuvm_va_addr(va) / PAGE, hi = lo + gpuvm_va_range(va) / PAGE;

	if (!a)
		return 0;
	return told(a, type, lo, hi, TAG(gem_index(gpuvm_va_gem(va)), gpuvm_va_offset(va) / PAGE), keep, prev, next);
}

static void sm_undo(const struct gpuvm_op *op, void *priv)
{
	((struct actor *)priv)->nr_undone++;
}

static int sm_map(const struct gpuvm_op *op, void *priv)
{
	unsigned int lo = op->map.addr / PAGE, hi = lo + op->map.range / PAGE;

	return told(priv, STEP_MAP, lo, hi, TAG(gem_index(gpuvm_bo_gem(op->map.bo)), op->map.offset / PAGE), false,
		    false, false);
}

static int sm_remap(const struct gpuvm_op *op, void *priv)
{
	return step(priv, STEP_REMAP, op->remap.unmap->va, op->remap.unmap->keep, op->remap.prev, op->remap.next);
}

static int sm_unmap(const struct gpuvm_op *op, void *priv)
{
	return step(priv, STEP_UNMAP, op->unmap.va, op->unmap.keep, false, false);
}

/* clang-format off */
#define CALLBACKS                                                          \
	.bo_data = sizeof(uint64_t), .bo_alloc = bo_alloc, .bo_free = bo_free, \
	.bo_validate = bo_validate, .sm_step_map = sm_map,                     \
	.sm_step_remap = sm_remap, .sm_step_unmap = sm_unmap, .sm_step_undo = sm_undo
/* clang-format on */

const struct gpuvm_driver explore_driver = { CALLBACKS };
const struct gpuvm_driver explore_driver_in_place = { CALLBACKS, .remap_in_place = true };
