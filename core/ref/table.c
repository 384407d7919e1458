/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * table.c - compiled once per ref strategy: its table for the core's calls outside a list.
 */
#include "../list/list.h"
#include "ref.h"

static void init(struct gpuvm_bo *bo)
{
	ref_init(bo);
}

static struct gpuvm_bo *get(struct gpuvm_bo *bo)
{
	ref_get_owned(bo);
	return bo;
}

static bool tryget(struct gpuvm_bo *bo)
{
	return ref_get_unless_zero(bo);
}

static bool alive(struct gpuvm_bo *bo)
{
	return ref_alive(bo);
}

const struct gpuvm__ref_ops GPUVM__PASTE3(gpuvm__ref, , GPUVM_REF) = {
	.name = GPUVM__STR(GPUVM_REF),
	.init = init,
	.get = get,
	.tryget = tryget,
	.alive = alive,
#ifdef ref_thread_leave
	.thread_leave = ref_thread_leave,
#endif
};
