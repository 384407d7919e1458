/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * side_linux.c - a driver on Linux's drm_gpuvm.c: what nouveau, xe or panthor do around it, in their order.
 *
 * Every reservation is held around a command (and every GEM lock in immediate mode), but for those that lock by themselves.
 * What the named differences of docs/peer.md (N1...) need is marked here; nothing else is smoothed over.
 */
#include <stdlib.h>

#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>
#include <linux/mm.h>

#include "diff.h"

struct d_side {
	struct d_world world;
	struct drm_device dev;
	struct drm_gpuvm *vm[D_VMS];
	struct drm_gem_object *gem[D_GEMS];
	struct mutex gem_lock[D_GEMS];
	struct drm_gpuvm_bo *slot[D_SLOTS];
	struct d_result *out;
};

/* What a request carries through the callbacks. */
struct request {
	struct d_side *side;
	struct drm_gpuvm *vm;
	struct drm_gpuvm_bo *bo; /* of the new mapping */
};

/* ---- by value ---- */

static int number_of(const struct d_side *s, const struct drm_gem_object *obj)
{
	unsigned int i;

	for (i = 0; i < D_GEMS; i++)
		if (s->gem[i] == obj)
			return (int)i;
	return -1;
}

/* N3: Linux computes an offset for the pieces of a sparse mapping too. */
static struct d_piece piece(const struct d_side *s, u64 addr, u64 range, const struct drm_gem_object *obj, u64 off)
{
	return (struct d_piece){ 1, addr, range, obj ? off : 0, number_of(s, obj) };
}

static struct d_piece piece_of_va(const struct d_side *s, const struct drm_gpuva *va)
{
	if (!va)
		return (struct d_piece){ 0 };
	return piece(s, va->va.addr, va->va.range, va->gem.obj, va->gem.offset);
}

static struct d_piece piece_of_map(const struct d_side *s, const struct drm_gpuva_op_map *m)
{
	if (!m)
		return (struct d_piece){ 0 };
	return piece(s, m->va.addr, m->va.range, m->gem.obj, m->gem.offset);
}

static void record(struct d_side *s, const struct drm_gpuva_op *op)
{
	struct d_step step = { 0 };

	switch (op->op) {
	case DRM_GPUVA_OP_MAP:
		step.kind = D_STEP_MAP;
		step.map = piece_of_map(s, &op->map);
		break;
	case DRM_GPUVA_OP_REMAP:
		step.kind = D_STEP_REMAP;
		step.keep = op->remap.unmap->keep;
		step.old = piece_of_va(s, op->remap.unmap->va);
		step.prev = piece_of_map(s, op->remap.prev);
		step.next = piece_of_map(s, op->remap.next);
		break;
	case DRM_GPUVA_OP_UNMAP:
		step.kind = D_STEP_UNMAP;
		step.keep = op->unmap.keep;
		step.old = piece_of_va(s, op->unmap.va);
		break;
	case DRM_GPUVA_OP_PREFETCH:
		step.kind = D_STEP_PREFETCH;
		step.old = piece_of_va(s, op->prefetch.va);
		break;
	}
	if (s->out->n < D_STEPS)
		s->out->step[s->out->n] = step;
	s->out->n++;
}

/* ---- the driver's steps ---- */

static struct drm_gpuva *new_va(void)
{
	struct drm_gpuva *va = kzalloc(sizeof(*va), GFP_KERNEL);

	if (!va)
		abort();
	return va;
}

static void do_map(struct request *r, struct drm_gpuva_op_map *op)
{
	struct drm_gpuva *va = new_va();

	drm_gpuva_map(r->vm, va, op);
	drm_gpuva_link(va, r->bo);
}

static void drop(struct drm_gpuva *va)
{
	drm_gpuva_unlink(va);
	kfree(va);
}

/* The pieces are linked first: they keep the pair that the old mapping held. */
static void do_remap(struct drm_gpuva_op_remap *op)
{
	struct drm_gpuva *va = op->unmap->va;
	struct drm_gpuva *prev = op->prev ? new_va() : NULL, *next = op->next ? new_va() : NULL;

	drm_gpuva_remap(prev, next, op);
	if (prev)
		drm_gpuva_link(prev, va->vm_bo);
	if (next)
		drm_gpuva_link(next, va->vm_bo);
	drop(va);
}

static void do_unmap(struct drm_gpuva_op_unmap *op)
{
	drm_gpuva_unmap(op);
	drop(op->va);
}

static void apply(struct request *r, struct drm_gpuva_op *op)
{
	switch (op->op) {
	case DRM_GPUVA_OP_MAP:
		do_map(r, &op->map);
		break;
	case DRM_GPUVA_OP_REMAP:
		do_remap(&op->remap);
		break;
	case DRM_GPUVA_OP_UNMAP:
		do_unmap(&op->unmap);
		break;
	default:
		break;
	}
}

static int step(struct drm_gpuva_op *op, void *priv)
{
	struct request *r = priv;

	record(r->side, op);
	apply(r, op);
	return 0;
}

/* N5: without RESV_PROTECTED the driver takes a validated bo off the list itself. */
static int validate(struct drm_gpuvm_bo *bo, struct drm_exec *exec)
{
	struct d_side *s = container_of(bo->vm->drm, struct d_side, dev);

	if (s->out->value < D_GEMS)
		s->out->found[s->out->value].gem = number_of(s, bo->obj) + 1;
	s->out->value++;
	if (drm_gpuvm_resv_protected(bo->vm))
		bo->evicted = false;
	else
		drm_gpuvm_bo_evict(bo, false);
	return 0;
}

static void vm_free(struct drm_gpuvm *vm)
{
	kfree(vm);
}

static const struct drm_gpuvm_ops driver = {
	.vm_free = vm_free,
	.vm_bo_validate = validate,
	.sm_step_map = step,
	.sm_step_remap = step,
	.sm_step_unmap = step,
};

/* ---- the world ---- */

static void gem_free(struct drm_gem_object *obj)
{
	drm_gem_object_release(obj);
	kfree(obj);
}

static const struct drm_gem_object_funcs gem_funcs = { .free = gem_free };

static void make_vm(struct d_side *s, unsigned int i)
{
	struct drm_gem_object *r_obj = drm_gpuvm_resv_object_alloc(&s->dev);
	u64 unit = s->world.unit, start = d_vm_start(&s->world, i);

	s->vm[i] = kzalloc(sizeof(*s->vm[i]), GFP_KERNEL);
	if (!s->vm[i] || !r_obj)
		abort();
	drm_gpuvm_init(s->vm[i], "peer", s->world.resv_protected ? DRM_GPUVM_RESV_PROTECTED : 0, &s->dev, r_obj, start,
		       D_UNITS * unit, i ? start + D_RESERVE * unit : 0, i ? D_RESERVED * unit : 0, &driver);
	drm_gem_object_put(r_obj); /* the VM has its own reference */
}

static void make_gem(struct d_side *s, unsigned int i)
{
	struct drm_gem_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (!obj)
		abort();
	obj->funcs = &gem_funcs;
	if (i < D_VMS)
		obj->resv = drm_gpuvm_resv(s->vm[i]);
	drm_gem_private_object_init(&s->dev, obj, 1u << 20);
	mutex_init(&s->gem_lock[i]);
	if (s->world.immediate)
		drm_gem_gpuva_set_lock(obj, &s->gem_lock[i]);
	s->gem[i] = obj;
}

static struct d_side *create(const struct d_world *world)
{
	struct d_side *s = calloc(1, sizeof(*s));
	unsigned int i;

	if (!s)
		return NULL;
	s->world = *world;
	kref_init(&s->dev.ref);
	for (i = 0; i < D_VMS; i++)
		make_vm(s, i);
	for (i = 0; i < D_GEMS; i++)
		make_gem(s, i);
	return s;
}

static void lock(struct d_side *s)
{
	unsigned int i;

	for (i = 0; i < D_GEMS; i++) /* the local ones stand for their VMs */
		(void)peer_resv_lock(s->gem[i]->resv, 0, false);
	for (i = 0; s->world.immediate && i < D_GEMS; i++)
		mutex_lock(&s->gem_lock[i]);
}

static void unlock(struct d_side *s)
{
	unsigned int i;

	for (i = 0; s->world.immediate && i < D_GEMS; i++)
		mutex_unlock(&s->gem_lock[i]);
	for (i = 0; i < D_GEMS; i++)
		peer_resv_unlock(s->gem[i]->resv);
}

static void destroy(struct d_side *s)
{
	struct drm_gpuva *va, *next;
	unsigned int i;

	lock(s);
	for (i = 0; i < D_VMS; i++) {
		drm_gpuvm_for_each_va_safe(va, next, s->vm[i]) {
			if (va == &s->vm[i]->kernel_alloc_node)
				continue;
			drm_gpuva_remove(va);
			drop(va);
		}
	}
	for (i = 0; i < D_SLOTS; i++)
		drm_gpuvm_bo_put(s->slot[i]);
	unlock(s);
	for (i = 0; i < D_GEMS; i++) {
		drm_gem_object_put(s->gem[i]);
		mutex_destroy(&s->gem_lock[i]);
	}
	for (i = 0; i < D_VMS; i++)
		drm_gpuvm_put(s->vm[i]);
	(void)WARN(kref_read(&s->dev.ref) != 1, "a reference to the device leaked");
	free(s);
}

/* ---- commands ---- */

/* What gpuvm_obtain() does for the core's callers. */
static struct drm_gpuvm_bo *obtain(struct d_side *s, const struct d_command *c)
{
	struct drm_gpuvm_bo *bo = drm_gpuvm_bo_obtain(s->vm[c->vm], s->gem[c->gem]);

	if (IS_ERR(bo))
		abort();
	drm_gpuvm_bo_extobj_add(bo);
	return bo;
}

/* Apply a list, or just look at it. */
static int take_list(struct request *r, struct drm_gpuva_ops *ops, bool and_apply)
{
	struct drm_gpuva_op *op;

	if (IS_ERR(ops))
		return (int)PTR_ERR(ops);
	drm_gpuva_for_each_op(op, ops)
		record(r->side, op);
	if (and_apply)
		drm_gpuva_for_each_op(op, ops)
			apply(r, op);
	drm_gpuva_ops_free(r->vm, ops);
	return 0;
}

/* N1: a range of 0 is valid on Linux 6.12. */
static bool empty(const struct d_command *c)
{
	return c->n == 0;
}

static int map(struct d_side *s, const struct d_command *c)
{
	u64 unit = s->world.unit, addr = d_addr(&s->world, c), range = c->n * unit, off = c->off * unit;
	struct drm_gem_object *obj = c->gem < 0 ? NULL : s->gem[c->gem];
	struct request r = { .side = s, .vm = s->vm[c->vm] };
	int ret;

	if (empty(c))
		return -EINVAL;
	r.bo = obj ? obtain(s, c) : NULL;
	if (c->kind == D_MAP)
		ret = drm_gpuvm_sm_map(r.vm, &r, addr, range, obj, off);
	else
		ret = take_list(&r, drm_gpuvm_sm_map_ops_create(r.vm, addr, range, obj, off), c->kind == D_MAP_OPS);
	drm_gpuvm_bo_put(r.bo);
	return ret;
}

static int unmap(struct d_side *s, const struct d_command *c)
{
	u64 addr = d_addr(&s->world, c), range = (u64)c->n * s->world.unit;
	struct request r = { .side = s, .vm = s->vm[c->vm] };

	if (empty(c))
		return -EINVAL;
	if (c->kind == D_UNMAP)
		return drm_gpuvm_sm_unmap(r.vm, &r, addr, range);
	return take_list(&r, drm_gpuvm_sm_unmap_ops_create(r.vm, addr, range), true);
}

/* N4: Linux checks no range here, and would prefetch the kernel's. */
static int prefetch(struct d_side *s, const struct d_command *c)
{
	u64 addr = d_addr(&s->world, c), range = (u64)c->n * s->world.unit;
	struct request r = { .side = s, .vm = s->vm[c->vm] };

	if (empty(c) || !drm_gpuvm_range_valid(r.vm, addr, range))
		return -EINVAL;
	return take_list(&r, drm_gpuvm_prefetch_ops_create(r.vm, addr, range), false);
}

static int by_address(const void *a, const void *b)
{
	const struct d_step *x = a, *y = b;

	return (x->old.addr > y->old.addr) - (x->old.addr < y->old.addr);
}

/* N6: a bo's mappings have no order that means anything. */
static int bo_unmap(struct d_side *s, const struct d_command *c)
{
	struct request r = { .side = s, .vm = s->vm[c->vm] };
	struct drm_gpuvm_bo *bo = drm_gpuvm_bo_find(r.vm, s->gem[c->gem]);
	int ret;

	if (!bo)
		return -ENOENT;
	ret = take_list(&r, drm_gpuvm_bo_unmap_ops_create(bo), true);
	qsort(s->out->step, s->out->n, sizeof(s->out->step[0]), by_address);
	drm_gpuvm_bo_put(bo);
	return ret;
}

static int insert(struct d_side *s, const struct d_command *c)
{
	struct drm_gpuvm_bo *bo = c->gem < 0 ? NULL : obtain(s, c);
	struct drm_gpuva *va = new_va();
	u64 unit = s->world.unit;
	int ret = -EINVAL;

	drm_gpuva_init(va, d_addr(&s->world, c), c->n * unit, bo ? bo->obj : NULL, c->off * unit);
	if (!empty(c))
		ret = drm_gpuva_insert(s->vm[c->vm], va);
	if (ret)
		kfree(va);
	else
		drm_gpuva_link(va, bo);
	drm_gpuvm_bo_put(bo);
	return ret;
}

static int remove_exact(struct d_side *s, const struct d_command *c)
{
	struct drm_gpuvm *vm = s->vm[c->vm];
	struct drm_gpuva *va = empty(c) ? NULL : drm_gpuva_find(vm, d_addr(&s->world, c), (u64)c->n * s->world.unit);

	if (!va || va == &vm->kernel_alloc_node)
		return -ENOENT;
	s->out->found[0] = (struct d_piece){ .present = 1, .addr = va->va.addr, .range = va->va.range };
	drm_gpuva_remove(va);
	drop(va);
	return 0;
}

static struct drm_gpuvm_bo *prealloc(struct d_side *s, const struct d_command *c)
{
	struct drm_gpuvm_bo *bo = drm_gpuvm_bo_obtain_prealloc(drm_gpuvm_bo_create(s->vm[c->vm], s->gem[c->gem]));

	drm_gpuvm_bo_extobj_add(bo);
	return bo;
}

static void to_slot(struct d_side *s, const struct d_command *c)
{
	struct drm_gpuvm_bo **slot = &s->slot[c->slot];

	if (*slot)
		return;
	if (c->kind == D_OBTAIN)
		*slot = obtain(s, c);
	else if (c->kind == D_FIND)
		*slot = drm_gpuvm_bo_find(s->vm[c->vm], s->gem[c->gem]);
	else
		*slot = prealloc(s, c);
	s->out->value = *slot != NULL;
}

static void put_slot(struct d_side *s, const struct d_command *c)
{
	s->out->value = drm_gpuvm_bo_put(s->slot[c->slot]);
	s->slot[c->slot] = NULL;
}

/* N2: find_prev and find_next also return what does not touch. */
static void query(struct d_side *s, const struct d_command *c)
{
	u64 addr = d_addr(&s->world, c), range = (u64)c->n * s->world.unit;
	struct drm_gpuvm *vm = s->vm[c->vm];
	struct drm_gpuva *va;
	bool valid = !empty(c) && drm_gpuvm_range_valid(vm, addr, range);

	s->out->value = valid;
	if (!valid)
		return;
	s->out->value |= (u64)drm_gpuvm_interval_empty(vm, addr, range) << 1;
	s->out->found[0] = piece_of_va(s, drm_gpuva_find(vm, addr, range));
	s->out->found[1] = piece_of_va(s, drm_gpuva_find_first(vm, addr, range));
	va = drm_gpuva_find_prev(vm, addr);
	if (va && va != &vm->kernel_alloc_node && va->va.addr + va->va.range == addr)
		s->out->found[2] = piece_of_va(s, va);
	va = drm_gpuva_find_next(vm, addr + range);
	if (va && va != &vm->kernel_alloc_node && va->va.addr == addr + range)
		s->out->found[3] = piece_of_va(s, va);
}

static void lock_or_validate(struct d_side *s, const struct d_command *c)
{
	struct drm_gpuvm_exec e = { .vm = s->vm[c->vm], .flags = DRM_EXEC_IGNORE_DUPLICATES, .num_fences = 1 };
	struct drm_gem_object *obj;
	unsigned int i;

	s->out->err = drm_gpuvm_exec_lock(&e);
	if (s->out->err)
		return;
	if (c->kind == D_VALIDATE) {
		s->out->err = drm_gpuvm_exec_validate(&e);
	} else {
		drm_exec_for_each_locked_object(&e.exec, obj)
			for (i = 0; i < D_GEMS; i++)
				if (s->gem[i]->resv == obj->resv)
					s->out->value |= 1u << i;
	}
	drm_gpuvm_exec_unlock(&e);
}

static void run_locked(struct d_side *s, const struct d_command *c)
{
	struct drm_gpuvm_bo *held = s->slot[c->slot];

	switch (c->kind) {
	case D_MAP:
	case D_MAP_OPS:
	case D_DROP_OPS:
		s->out->err = map(s, c);
		break;
	case D_UNMAP:
	case D_UNMAP_OPS:
		s->out->err = unmap(s, c);
		break;
	case D_PREFETCH:
		s->out->err = prefetch(s, c);
		break;
	case D_BO_UNMAP:
		s->out->err = bo_unmap(s, c);
		break;
	case D_INSERT:
		s->out->err = insert(s, c);
		break;
	case D_REMOVE:
		s->out->err = remove_exact(s, c);
		break;
	case D_OBTAIN:
	case D_PREALLOC:
	case D_FIND:
		to_slot(s, c);
		break;
	case D_PUT:
		put_slot(s, c);
		break;
	case D_CREATE:
		drm_gpuvm_bo_put(drm_gpuvm_bo_create(s->vm[c->vm], s->gem[c->gem]));
		break;
	case D_EXTOBJ:
		if (held)
			drm_gpuvm_bo_extobj_add(held);
		break;
	case D_EVICT:
		if (held)
			drm_gpuvm_bo_evict(held, c->arg);
		break;
	case D_GEM_EVICT:
		drm_gpuvm_bo_gem_evict(s->gem[c->gem], c->arg);
		break;
	case D_QUERY:
		query(s, c);
		break;
	default:
		break;
	}
}

static void run(struct d_side *s, const struct d_command *c, struct d_result *out)
{
	s->out = out;
	if (c->kind == D_LOCK || c->kind == D_VALIDATE) {
		lock_or_validate(s, c);
		return;
	}
	lock(s);
	run_locked(s, c);
	unlock(s);
}

/* ---- state ---- */

static void vm_state(struct d_side *s, unsigned int i, struct d_state *out)
{
	struct drm_gpuvm *vm = s->vm[i];
	struct drm_gpuvm_bo *vm_bo;
	struct drm_gpuva *va;
	unsigned int n = 0;

	drm_gpuvm_for_each_va(va, vm)
		if (va != &vm->kernel_alloc_node)
			out->piece[i][out->mappings[i]++] = piece_of_va(s, va);
	list_for_each_entry(vm_bo, &vm->extobj.list, list.entry.extobj)
		out->extobj[i][n++] = (uint8_t)(number_of(s, vm_bo->obj) + 1);
	n = 0;
	list_for_each_entry(vm_bo, &vm->evict.list, list.entry.evict)
		out->evict[i][n++] = (uint8_t)(number_of(s, vm_bo->obj) + 1);
	out->vm_refs[i] = kref_read(&vm->kref);
}

static void gem_state(struct d_side *s, unsigned int i, struct d_state *out)
{
	struct drm_gpuvm_bo *vm_bo;
	struct drm_gpuva *va;
	struct d_pair *p;

	out->gem_refs[i] = kref_read(&s->gem[i]->refcount);
	drm_gem_for_each_gpuvm_bo(vm_bo, s->gem[i]) {
		p = &out->pair[vm_bo->vm == s->vm[0] ? 0 : 1][i];
		p->live++;
		p->refs = kref_read(&vm_bo->kref);
		p->evicted = vm_bo->evicted;
		drm_gpuvm_bo_for_each_va(va, vm_bo)
			p->mappings++;
	}
}

static void state(struct d_side *s, struct d_state *out)
{
	unsigned int i;

	for (i = 0; i < D_VMS; i++)
		vm_state(s, i, out);
	for (i = 0; i < D_GEMS; i++)
		gem_state(s, i, out);
}

const struct d_ops d_linux = {
	.name = "linux",
	.create = create,
	.destroy = destroy,
	.run = run,
	.state = state,
};
