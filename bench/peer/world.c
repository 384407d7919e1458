/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.c - VMs, objects and pairs of the peer's, and the driver: its callbacks link and unlink, and free outside the lock.
 */
#include <stdlib.h>

#include "world.h"

#define RANGE (1ull << 47)

/* ---- the driver ---- */

static void link_va(struct drm_gpuva *va, struct drm_gpuvm_bo *bo)
{
	struct peer_gem *gem;

	if (!va || !bo)
		return;
	gem = peer_gem_of(bo->obj);
	mutex_lock(&gem->lock);
	drm_gpuva_link(va, bo);
	mutex_unlock(&gem->lock);
}

static void unlink_va(struct drm_gpuva *va, struct peer_request *r)
{
	struct peer_gem *gem = va->gem.obj ? peer_gem_of(va->gem.obj) : NULL;
	struct drm_gpuvm_bo *bo = gem && r->last ? drm_gpuvm_bo_get(va->vm_bo) : NULL;

	if (gem) {
		mutex_lock(&gem->lock);
		drm_gpuva_unlink(va);
		mutex_unlock(&gem->lock);
	}
	va->vm_bo = bo; /* to be put where both locks can be taken (panthor_vm_cleanup_op_ctx()) */
	list_add(&va->gem.entry, &r->removed);
}

static int step_map(struct drm_gpuva_op *op, void *priv)
{
	struct peer_request *r = priv;
	struct drm_gpuva *va = r->va[--r->left];

	r->steps++;
	drm_gpuva_map(r->vm, va, &op->map);
	link_va(va, r->bo);
	return 0;
}

static int step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *va = op->remap.unmap->va;
	struct peer_request *r = priv;
	struct drm_gpuva *prev = op->remap.prev ? r->va[--r->left] : NULL;
	struct drm_gpuva *next = op->remap.next ? r->va[--r->left] : NULL;

	r->steps++;
	drm_gpuva_remap(prev, next, &op->remap);
	link_va(prev, va->vm_bo);
	link_va(next, va->vm_bo);
	unlink_va(va, r);
	return 0;
}

static int step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct peer_request *r = priv;

	r->steps++;
	drm_gpuva_unmap(&op->unmap);
	unlink_va(op->unmap.va, r);
	return 0;
}

static int validate(struct drm_gpuvm_bo *bo, struct drm_exec *exec)
{
	if (drm_gpuvm_resv_protected(bo->vm))
		bo->evicted = false;
	else
		drm_gpuvm_bo_evict(bo, false);
	return 0;
}

static void vm_free(struct drm_gpuvm *vm)
{
	mutex_destroy(&peer_vm_of(vm)->lock);
	kfree(peer_vm_of(vm));
}

static const struct drm_gpuvm_ops driver = {
	.vm_free = vm_free,
	.vm_bo_validate = validate,
	.sm_step_map = step_map,
	.sm_step_remap = step_remap,
	.sm_step_unmap = step_unmap,
};

/* ---- requests ---- */

static int request_init(struct peer_request *r, struct peer_vm *vm, unsigned int vas)
{
	*r = (struct peer_request){ .vm = &vm->base };
	INIT_LIST_HEAD(&r->removed);
	while (r->left < vas) {
		r->va[r->left] = kzalloc(sizeof(struct drm_gpuva), GFP_KERNEL);
		if (!r->va[r->left])
			return -ENOMEM;
		r->left++;
	}
	return 0;
}

static void request_fini(struct peer_request *r)
{
	struct drm_gpuva *va, *next;

	while (r->left)
		kfree(r->va[--r->left]);
	list_for_each_entry_safe(va, next, &r->removed, gem.entry) {
		if (va->vm_bo)
			peer_put_last(va->vm_bo);
		kfree(va);
	}
}

static int map(struct peer_vm *vm, struct peer_request *r, u64 addr, u64 range, u64 offset)
{
	struct drm_gem_object *obj = r->bo ? r->bo->obj : NULL;
	int ret;

	mutex_lock(&vm->lock);
	ret = drm_gpuvm_sm_map(&vm->base, r, addr, range, obj, offset);
	mutex_unlock(&vm->lock);
	return ret;
}

int peer_map(struct peer_vm *vm, struct peer_gem *gem, u64 addr, u64 range, u64 offset)
{
	struct peer_request r;
	int ret = request_init(&r, vm, 3);

	if (!ret) {
		r.bo = peer_obtain(&vm->base, &gem->base);
		ret = map(vm, &r, addr, range, offset);
		drm_gpuvm_bo_put(r.bo); /* somebody holds the pair: never the last */
	}
	request_fini(&r);
	return ret;
}

int peer_map_bo(struct peer_vm *vm, struct drm_gpuvm_bo *bo, u64 addr, u64 range, u64 offset)
{
	struct peer_request r;
	int ret = request_init(&r, vm, 3);

	r.bo = bo;
	ret = ret ? ret : map(vm, &r, addr, range, offset);
	request_fini(&r);
	return ret;
}

static int unmap(struct peer_vm *vm, u64 addr, u64 range, bool last)
{
	struct peer_request r;
	int ret = request_init(&r, vm, 2);

	r.last = last;
	if (!ret) {
		mutex_lock(&vm->lock);
		ret = drm_gpuvm_sm_unmap(&vm->base, &r, addr, range);
		mutex_unlock(&vm->lock);
	}
	request_fini(&r);
	return ret;
}

int peer_unmap(struct peer_vm *vm, u64 addr, u64 range)
{
	return unmap(vm, addr, range, false);
}

int peer_unmap_last(struct peer_vm *vm, u64 addr, u64 range)
{
	return unmap(vm, addr, range, true);
}

size_t peer_mappings(struct peer_vm *vm)
{
	struct drm_gpuva *va;
	size_t n = 0;

	drm_gpuvm_for_each_va(va, &vm->base)
		n++;
	return n;
}

/* ---- the world ---- */

static void gem_free(struct drm_gem_object *obj)
{
	drm_gem_object_release(obj);
	mutex_destroy(&peer_gem_of(obj)->lock);
	kfree(peer_gem_of(obj));
}

static const struct drm_gem_object_funcs gem_funcs = { .free = gem_free };

static int add_vm(struct peer_world *w, enum drm_gpuvm_flags flags)
{
	struct drm_gem_object *r_obj = drm_gpuvm_resv_object_alloc(&w->dev);
	struct peer_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!r_obj || !vm) {
		drm_gem_object_put(r_obj);
		kfree(vm);
		return -ENOMEM;
	}
	mutex_init(&vm->lock);
	drm_gpuvm_init(&vm->base, "bench", flags, &w->dev, r_obj, 0, RANGE, 0, 0, &driver);
	drm_gem_object_put(r_obj);
	w->vm[w->nr_vms++] = vm;
	return 0;
}

int peer_world_create(struct bench_ctx *ctx, struct peer_world *w, size_t vms, enum drm_gpuvm_flags flags)
{
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);

	memset(w, 0, sizeof(*w));
	kref_init(&w->dev.ref);
	w->vm = calloc(vms, sizeof(*w->vm));
	if (!ret && !w->vm)
		ret = -ENOMEM;
	while (!ret && w->nr_vms < vms)
		ret = add_vm(w, flags);
	return ret;
}

int peer_world_add_gems(struct peer_world *w, size_t nr, struct peer_vm *vm)
{
	struct peer_gem **all = realloc(w->gem, (w->nr_gems + nr) * sizeof(*all)), *gem;

	if (!all)
		return -ENOMEM;
	w->gem = all;
	for (; nr; nr--) {
		gem = kzalloc(sizeof(*gem), GFP_KERNEL);
		if (!gem)
			return -ENOMEM;
		gem->base.funcs = &gem_funcs;
		gem->base.resv = vm ? drm_gpuvm_resv(&vm->base) : NULL;
		drm_gem_private_object_init(&w->dev, &gem->base, PEER_PAGE);
		mutex_init(&gem->lock);
		drm_gem_gpuva_set_lock(&gem->base, &gem->lock);
		w->gem[w->nr_gems++] = gem;
	}
	return 0;
}

int peer_world_hold(struct peer_world *w, size_t vm, size_t gem)
{
	struct drm_gpuvm_bo **all = w->bo, *bo;

	if (!(w->nr_bos & (w->nr_bos - 1)))
		all = realloc(w->bo, (w->nr_bos ? 2 * w->nr_bos : 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	w->bo = all;
	bo = peer_obtain(&w->vm[vm]->base, &w->gem[gem]->base);
	if (IS_ERR(bo))
		return (int)PTR_ERR(bo);
	(void)peer_resv_lock(drm_gpuvm_resv(bo->vm), 0, false);
	drm_gpuvm_bo_extobj_add(bo);
	peer_resv_unlock(drm_gpuvm_resv(bo->vm));
	w->bo[w->nr_bos++] = bo;
	return 0;
}

void peer_world_verify(struct bench_ctx *ctx)
{
	char text[128];
	unsigned long n = peer_warnings_take(text, sizeof(text));

	if (n)
		bench_fail(ctx, "the peer warned %lu times: %s", n, text);
}

void peer_world_destroy(struct bench_ctx *ctx, struct peer_world *w)
{
	size_t i;

	(void)peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	for (i = 0; i < w->nr_vms; i++)
		(void)peer_unmap(w->vm[i], 0, RANGE);
	for (i = 0; i < w->nr_bos; i++)
		if (!peer_put_last(w->bo[i]))
			bench_fail(ctx, "a reference to pair %zu leaked", i);
	for (i = 0; i < w->nr_gems; i++)
		drm_gem_object_put(&w->gem[i]->base);
	for (i = 0; i < w->nr_vms; i++)
		drm_gpuvm_put(&w->vm[i]->base);
	if (kref_read(&w->dev.ref) != 1)
		bench_fail(ctx, "%u references to the device leaked", kref_read(&w->dev.ref) - 1);
	peer_world_verify(ctx);
	free(w->vm);
	free(w->gem);
	free(w->bo);
	memset(w, 0, sizeof(*w));
}
