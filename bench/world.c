/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.c - devices, VMs, objects and pairs for the cases.
 */
#include "world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int count_step(const struct gpuvm_op *op, void *priv)
{
	if (priv) /* world_destroy() has none */
		++*(uint64_t *)priv;
	return 0;
}

static const struct gpuvm_driver counting_driver = {
	.sm_step_map = count_step,
	.sm_step_remap = count_step,
	.sm_step_unmap = count_step,
};

static int add_vm(struct world *w, const struct gpuvm_driver *driver)
{
	const struct gpuvm_vm_params params = {
		.name = "bench",
		.flags = GPUVM_VM_RESV_PROTECTED | GPUVM_VM_IMMEDIATE,
		.range = WORLD_RANGE,
		.page_size = WORLD_PAGE,
		.driver = driver,
	};
	int ret = gpuvm_vm_create(w->dev, &params, &w->vm[w->nr_vms]);

	w->nr_vms += !ret;
	return ret;
}

int world_create(struct bench_ctx *ctx, struct world *w, size_t vms, const struct gpuvm_driver *driver)
{
	const struct gpuvm_device_params params = {
		.list = ctx->strategy[GPUVM_AXIS_LIST],
		.space = ctx->strategy[GPUVM_AXIS_SPACE],
		.ref = ctx->strategy[GPUVM_AXIS_REF],
		.alloc = ctx->strategy[GPUVM_AXIS_ALLOC],
	};
	int ret;

	memset(w, 0, sizeof(*w));
	ret = gpuvm_device_create(&params, &w->dev);
	if (ret)
		return ret;
	w->vm = calloc(vms, sizeof(*w->vm));
	if (!w->vm)
		return -ENOMEM;
	while (!ret && w->nr_vms < vms)
		ret = add_vm(w, driver ? driver : &counting_driver);
	return ret;
}

int world_add_gems(struct world *w, size_t nr, uint64_t size, struct gpuvm_vm *vm)
{
	const struct gpuvm_gem_params params = { .size = size, .vm = vm };
	struct gpuvm_gem **gem = realloc(w->gem, (w->nr_gems + nr) * sizeof(*gem));
	int ret = 0;

	if (!gem)
		return -ENOMEM;
	w->gem = gem;
	for (; !ret && nr; nr--) {
		ret = gpuvm_gem_create(w->dev, &params, &w->gem[w->nr_gems]);
		w->nr_gems += !ret;
	}
	return ret;
}

int world_hold(struct world *w, size_t vm, size_t gem)
{
	struct gpuvm_bo **bo = w->bo;
	int ret;

	/* Room for powers of two; 4096 pairs are common. */
	if (!(w->nr_bos & (w->nr_bos - 1)))
		bo = realloc(w->bo, (w->nr_bos ? 2 * w->nr_bos : 1) * sizeof(*bo));
	if (!bo)
		return -ENOMEM;
	w->bo = bo;
	ret = gpuvm_obtain(w->vm[vm], w->gem[gem], &w->bo[w->nr_bos]);
	w->nr_bos += !ret;
	return ret;
}

void world_destroy(struct bench_ctx *ctx, struct world *w)
{
	size_t i;

	for (i = 0; i < w->nr_vms; i++)
		gpuvm_vm_close(w->vm[i], NULL);
	for (i = 0; i < w->nr_bos; i++)
		if (!gpuvm_bo_put(w->bo[i]))
			bench_fail(ctx, "a reference to pair %zu leaked", i);
	for (i = 0; i < w->nr_vms; i++)
		gpuvm_vm_put(w->vm[i]);
	for (i = 0; i < w->nr_gems; i++)
		gpuvm_gem_put(w->gem[i]);
	gpuvm_device_put(w->dev);
	free(w->vm);
	free(w->gem);
	free(w->bo);
	memset(w, 0, sizeof(*w));
}

void *world_alloc(size_t nr, size_t size)
{
	size_t bytes = (nr * size + BENCH_LINE - 1) & ~(size_t)(BENCH_LINE - 1);
	void *p = aligned_alloc(BENCH_LINE, bytes ? bytes : BENCH_LINE);

	if (p)
		memset(p, 0, bytes);
	return p;
}
