/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sm_run.c - the callback form of split and merge: each step of the walk (sm.c) is handed to the driver, then the edits
 * are made. The list form is oplist.c, many at once bind.c.
 */
#include "sm.h"

/* ---- the driver as a sink ---- */

int gpuvm__sm_driver_step(const struct gpuvm_op *op, void *arg)
{
	struct gpuvm__sm_driver *d = arg;

	switch (op->type) {
	case GPUVM_OP_MAP:
		return d->driver->sm_step_map(op, d->priv);
	case GPUVM_OP_REMAP:
		return d->driver->sm_step_remap(op, d->priv);
	case GPUVM_OP_UNMAP:
		return d->driver->sm_step_unmap(op, d->priv);
	case GPUVM_OP_PREFETCH:
		return d->driver->sm_step_prefetch(op, d->priv);
	}
	return -EINVAL;
}

void gpuvm__sm_driver_undo(const struct gpuvm_op *op, void *arg)
{
	struct gpuvm__sm_driver *d = arg;

	if (d->driver->sm_step_undo)
		d->driver->sm_step_undo(op, d->priv);
}

bool gpuvm__sm_has_callbacks(const struct gpuvm_driver *d, enum gpuvm__sm_kind kind)
{
	switch (kind) {
	case GPUVM__SM_MAP:
		return d->sm_step_map && d->sm_step_remap && d->sm_step_unmap;
	case GPUVM__SM_UNMAP:
		return d->sm_step_remap && d->sm_step_unmap;
	case GPUVM__SM_MADVISE:
		return d->sm_step_map && d->sm_step_remap;
	case GPUVM__SM_BO_UNMAP:
		return d->sm_step_unmap;
	default:
		return d->sm_step_prefetch;
	}
}

/* ---- a request ---- */

static int run(enum gpuvm__sm_kind kind, struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_bo *bo,
	       struct gpuvm_sm *sm)
{
	struct gpuvm__sm_driver d = { .driver = vm->driver, .priv = sm->priv };
	struct gpuvm__sm_sink sink = { .step = gpuvm__sm_driver_step, .undo = gpuvm__sm_driver_undo, .arg = &d };
	struct gpuvm__cursor cursor;
	struct gpuvm__sm s;
	int ret;

	if (!gpuvm__sm_has_callbacks(vm->driver, kind) || gpuvm__sm_stocked(kind, vm, sm))
		return -EINVAL;
	ret = gpuvm__sm_begin(&s, &cursor, kind, vm, req, bo, sm);
	if (ret)
		return ret;
	ret = gpuvm__sm_walk(&s, &sink);
	if (!ret)
		gpuvm__sm_commit(&s, sm);
	gpuvm__sm_end(&s);
	return ret;
}

int gpuvm_sm_map(struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_sm *sm)
{
	return run(GPUVM__SM_MAP, vm, req, NULL, sm);
}

int gpuvm_sm_unmap(struct gpuvm_vm *vm, uint64_t addr, uint64_t range, struct gpuvm_sm *sm)
{
	struct gpuvm_map_req req = { .addr = addr, .range = range };

	return run(GPUVM__SM_UNMAP, vm, &req, NULL, sm);
}

int gpuvm_sm_prefetch(struct gpuvm_vm *vm, uint64_t addr, uint64_t range, void *priv)
{
	struct gpuvm_map_req req = { .addr = addr, .range = range };
	struct gpuvm_sm sm = { .priv = priv };

	return run(GPUVM__SM_PREFETCH, vm, &req, NULL, &sm);
}

int gpuvm_sm_madvise(struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_sm *sm)
{
	return run(GPUVM__SM_MADVISE, vm, req, NULL, sm);
}

int gpuvm_bo_unmap(struct gpuvm_bo *bo, struct gpuvm_sm *sm)
{
	struct gpuvm_map_req whole = { .addr = bo->vm->start, .range = bo->vm->end - bo->vm->start };

	gpuvm__state_is(bo, GPUVM__LIVE);
	return run(GPUVM__SM_BO_UNMAP, bo->vm, &whole, bo, sm);
}

/* ---- its stock ---- */

int gpuvm_sm_prepare(struct gpuvm_vm *vm, struct gpuvm_sm *sm, unsigned int vas)
{
	/* Two: the pieces that remain of what is cut; three: and the new one; four: and a second new one. */
	unsigned int first = vas <= GPUVM_SM_UNMAP_VAS ? GPUVM_SM_PREV : GPUVM_SM_NEW, room = GPUVM_SM_SLOTS - first;
	int ret = gpuvm__va_prepare(vm, sm->va + first, vas < room ? vas : room);

	if (ret)
		return ret;
	return vm->space->stock ? vm->space->stock(vm, (struct gpuvm__obj **)&sm->index, vas, 1) : 0;
}

void gpuvm_sm_release(struct gpuvm_sm *sm)
{
	struct gpuvm_va_removed *va;

	gpuvm__stock_give((struct gpuvm__obj **)&sm->index);
	gpuvm__va_release(sm->va, GPUVM_SM_SLOTS);
	while ((va = gpuvm_va_removed_pop(&sm->removed)))
		gpuvm_va_removed_free(va);
}
