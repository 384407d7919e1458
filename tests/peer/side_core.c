/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * side_core.c - the same driver on our core.
 *
 * In staged mode every reservation is held around a command, in immediate mode only where the interface says so; zombies are
 * cleaned up after each command, so that what Linux 6.12 does at once is done before the states are compared. Looks inside
 * (core/objects.h) for what has no accessor: counts and the order of the lists.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/objects.h"
#include "diff.h"

struct d_side {
	struct d_world world;
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm[D_VMS];
	struct gpuvm_gem *gem[D_GEMS];
	struct gpuvm_bo *slot[D_SLOTS];
	struct gpuvm_sm sm;
	struct gpuvm_exec *exec;
	bool va_refs; /* the space takes a reference to the VM for each mapping, as Linux does (N7) */
	struct d_result *out;
};

/* ---- by value ---- */

static int number_of(const struct d_side *s, const struct gpuvm_gem *gem)
{
	unsigned int i;

	for (i = 0; i < D_GEMS; i++)
		if (s->gem[i] == gem)
			return (int)i;
	return -1;
}

static struct d_piece piece(const struct d_side *s, uint64_t addr, uint64_t range, const struct gpuvm_gem *gem,
			    uint64_t off)
{
	return (struct d_piece){ 1, addr, range, gem ? off : 0, number_of(s, gem) };
}

static struct d_piece piece_of_va(const struct d_side *s, const struct gpuvm_va *va)
{
	if (!va)
		return (struct d_piece){ 0 };
	return piece(s, gpuvm_va_addr(va), gpuvm_va_range(va), gpuvm_va_gem(va), gpuvm_va_offset(va));
}

static struct d_piece piece_of_req(const struct d_side *s, const struct gpuvm_map_req *m)
{
	if (!m)
		return (struct d_piece){ 0 };
	return piece(s, m->addr, m->range, m->bo ? gpuvm_bo_gem(m->bo) : NULL, m->offset);
}

static int step(const struct gpuvm_op *op, void *priv)
{
	struct d_side *s = priv;
	struct d_step step = { 0 };

	switch (op->type) {
	case GPUVM_OP_MAP:
		step.kind = D_STEP_MAP;
		step.map = piece_of_req(s, &op->map);
		break;
	case GPUVM_OP_REMAP:
		step.kind = D_STEP_REMAP;
		step.keep = op->remap.unmap->keep;
		step.old = piece_of_va(s, op->remap.unmap->va);
		step.prev = piece_of_req(s, op->remap.prev);
		step.next = piece_of_req(s, op->remap.next);
		break;
	case GPUVM_OP_UNMAP:
		step.kind = D_STEP_UNMAP;
		step.keep = op->unmap.keep;
		step.old = piece_of_va(s, op->unmap.va);
		break;
	case GPUVM_OP_PREFETCH:
		step.kind = D_STEP_PREFETCH;
		step.old = piece_of_va(s, op->prefetch.va);
		break;
	}
	if (s->out && s->out->n < D_STEPS)
		s->out->step[s->out->n] = step;
	if (s->out)
		s->out->n++;
	return 0;
}

static int validate(struct gpuvm_bo *bo, void *priv)
{
	struct d_side *s = priv;

	if (s->out->value < D_GEMS)
		s->out->found[s->out->value].gem = number_of(s, gpuvm_bo_gem(bo)) + 1;
	s->out->value++;
	return 0;
}

static const struct gpuvm_driver driver = {
	.bo_validate = validate,
	.sm_step_map = step,
	.sm_step_remap = step,
	.sm_step_unmap = step,
	.sm_step_prefetch = step,
};

/* ---- the world ---- */

static void check(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "core: %s returned %d\n", what, ret);
	abort();
}

static void make_vm(struct d_side *s, unsigned int i)
{
	uint64_t unit = s->world.unit, start = d_vm_start(&s->world, i);
	const struct gpuvm_vm_params params = {
		.name = "core",
		.flags = (s->world.resv_protected ? GPUVM_VM_RESV_PROTECTED : 0) |
			 (s->world.immediate ? GPUVM_VM_IMMEDIATE : 0),
		.start = start,
		.range = D_UNITS * unit,
		.reserve_start = i ? start + D_RESERVE * unit : 0,
		.reserve_range = i ? D_RESERVED * unit : 0,
		.driver = &driver,
	};

	check(gpuvm_vm_create(s->dev, &params, &s->vm[i]), "vm_create");
}

static bool takes_va_refs(struct gpuvm_vm *vm)
{
	const struct gpuvm_map_req req = { .addr = 0, .range = 1 };
	struct gpuvm_va_removed *removed;
	uint32_t before = gpuvm__load(&vm->ref.n, relaxed), with;

	check(gpuvm_va_insert(vm, gpuvm_va_alloc_create(vm), &req), "va_insert");
	with = gpuvm__load(&vm->ref.n, relaxed);
	check(gpuvm_va_remove(vm, 0, 1, &removed), "va_remove");
	gpuvm_va_removed_free(removed);
	return with != before;
}

static struct d_side *create(const struct d_world *world)
{
	const struct gpuvm_device_params params = {
		.list = world->list, .space = world->space, .ref = world->ref, .alloc = "glibc"
	};
	struct d_side *s = calloc(1, sizeof(*s));
	unsigned int i;

	if (!s || gpuvm_device_create(&params, &s->dev)) {
		free(s);
		return NULL;
	}
	s->world = *world;
	s->sm.priv = s;
	for (i = 0; i < D_VMS; i++)
		make_vm(s, i);
	s->va_refs = takes_va_refs(s->vm[0]);
	for (i = 0; i < D_GEMS; i++) {
		const struct gpuvm_gem_params gem = { .size = 1u << 20, .vm = i < D_VMS ? s->vm[i] : NULL };

		check(gpuvm_gem_create(s->dev, &gem, &s->gem[i]), "gem_create");
	}
	return s;
}

/* Every reservation: the local objects stand for their VMs. */
static void lock_resvs(struct d_side *s)
{
	unsigned int i;

	s->exec = gpuvm_exec_create(s->vm[0]);
	check(!s->exec, "exec_create");
	for (i = 0; i < D_GEMS; i++)
		check(gpuvm_exec_lock_gem(s->exec, s->gem[i]), "exec_lock_gem");
}

static void unlock_resvs(struct d_side *s)
{
	gpuvm_exec_destroy(s->exec);
	s->exec = NULL;
}

static void cleanup(struct d_side *s)
{
	struct gpuvm_va_removed *va;
	unsigned int i;

	while ((va = gpuvm_va_removed_pop(&s->sm.removed)))
		gpuvm_va_removed_free(va);
	for (i = 0; s->world.immediate && i < D_VMS; i++)
		gpuvm_bo_deferred_cleanup(s->vm[i], 0);
}

static bool put(struct d_side *s, struct gpuvm_bo *bo)
{
	return s->world.immediate ? gpuvm_bo_put_deferred(bo) : gpuvm_bo_put(bo);
}

static void destroy(struct d_side *s)
{
	unsigned int i;

	s->out = NULL;
	if (!s->world.immediate)
		lock_resvs(s);
	for (i = 0; i < D_SLOTS; i++)
		put(s, s->slot[i]);
	if (!s->world.immediate)
		unlock_resvs(s);
	gpuvm_sm_release(&s->sm);
	for (i = 0; i < D_VMS; i++)
		gpuvm_vm_close(s->vm[i], s);
	for (i = 0; i < D_GEMS; i++)
		gpuvm_gem_put(s->gem[i]);
	for (i = 0; i < D_VMS; i++)
		gpuvm_vm_put(s->vm[i]);
	gpuvm_device_put(s->dev);
	free(s);
}

/* ---- commands ---- */

static struct gpuvm_map_req to_req(const struct d_side *s, const struct d_command *c, struct gpuvm_bo *bo)
{
	uint64_t unit = s->world.unit;

	return (struct gpuvm_map_req){
		.addr = d_addr(&s->world, c), .range = c->n * unit, .offset = c->off * unit, .bo = bo
	};
}

static struct gpuvm_bo *obtain(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_bo *bo = NULL;

	if (c->gem >= 0)
		check(gpuvm_obtain(s->vm[c->vm], s->gem[c->gem], &bo), "obtain");
	return bo;
}

static int take_list(struct d_side *s, int ret, struct gpuvm_oplist *list, bool and_apply)
{
	const struct gpuvm_op *op;

	if (ret)
		return ret;
	for (op = gpuvm_oplist_first(list); op; op = gpuvm_oplist_next(list, op))
		(void)step(op, s);
	if (and_apply)
		check(gpuvm_oplist_commit(list, &s->sm), "oplist_commit");
	else
		gpuvm_oplist_free(list);
	return 0;
}

static int map(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_bo *bo = obtain(s, c);
	const struct gpuvm_map_req req = to_req(s, c, bo);
	struct gpuvm_oplist *list = NULL;
	int ret;

	if (c->kind == D_MAP) {
		ret = gpuvm_sm_map(s->vm[c->vm], &req, &s->sm);
	} else {
		ret = gpuvm_sm_map_ops(s->vm[c->vm], &req, &list);
		ret = take_list(s, ret, list, c->kind == D_MAP_OPS);
	}
	put(s, bo);
	return ret;
}

static int unmap(struct d_side *s, const struct d_command *c)
{
	const struct gpuvm_map_req req = to_req(s, c, NULL);
	struct gpuvm_oplist *list = NULL;
	int ret;

	if (c->kind == D_UNMAP)
		return gpuvm_sm_unmap(s->vm[c->vm], req.addr, req.range, &s->sm);
	ret = gpuvm_sm_unmap_ops(s->vm[c->vm], req.addr, req.range, &list);
	return take_list(s, ret, list, true);
}

static int prefetch(struct d_side *s, const struct d_command *c)
{
	const struct gpuvm_map_req req = to_req(s, c, NULL);
	struct gpuvm_oplist *list = NULL;
	int ret;

	if (c->arg)
		return gpuvm_sm_prefetch(s->vm[c->vm], req.addr, req.range, s);
	ret = gpuvm_sm_prefetch_ops(s->vm[c->vm], req.addr, req.range, &list);
	return take_list(s, ret, list, false);
}

static int by_address(const void *a, const void *b)
{
	const struct d_step *x = a, *y = b;

	return (x->old.addr > y->old.addr) - (x->old.addr < y->old.addr);
}

static int bo_unmap(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_bo *bo = gpuvm_bo_find(s->vm[c->vm], s->gem[c->gem]);
	struct gpuvm_oplist *list = NULL;
	int ret;

	if (!bo)
		return -ENOENT;
	ret = gpuvm_bo_unmap_ops(bo, &list);
	ret = take_list(s, ret, list, true);
	qsort(s->out->step, s->out->n, sizeof(s->out->step[0]), by_address);
	put(s, bo);
	return ret;
}

static int insert(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(s->vm[c->vm]);
	struct gpuvm_bo *bo = obtain(s, c);
	const struct gpuvm_map_req req = to_req(s, c, bo);
	int ret = gpuvm_va_insert(s->vm[c->vm], va, &req);

	if (ret)
		gpuvm_va_alloc_destroy(va);
	put(s, bo);
	return ret;
}

static int remove_exact(struct d_side *s, const struct d_command *c)
{
	const struct gpuvm_map_req req = to_req(s, c, NULL);
	struct gpuvm_va_removed *va;
	int ret = gpuvm_va_remove(s->vm[c->vm], req.addr, req.range, &va);

	if (ret)
		return ret;
	s->out->found[0] = (struct d_piece){ .present = 1,
					     .addr = gpuvm_va_removed_addr(va),
					     .range = gpuvm_va_removed_range(va) };
	gpuvm_va_removed_free(va);
	return 0;
}

static struct gpuvm_bo *prealloc(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_bo_alloc *alloc = NULL;
	struct gpuvm_bo *bo;

	check(gpuvm_bo_alloc_create(s->vm[c->vm], s->gem[c->gem], &alloc), "bo_alloc_create");
	bo = gpuvm_bo_obtain(alloc);
	if (s->world.immediate)
		lock_resvs(s);
	gpuvm_bo_extobj_add(bo);
	if (s->world.immediate)
		unlock_resvs(s);
	return bo;
}

static void to_slot(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_bo **slot = &s->slot[c->slot];

	if (*slot)
		return;
	if (c->kind == D_OBTAIN)
		*slot = obtain(s, c);
	else if (c->kind == D_FIND)
		*slot = gpuvm_bo_find(s->vm[c->vm], s->gem[c->gem]);
	else
		*slot = prealloc(s, c);
	s->out->value = *slot != NULL;
}

static void create_only(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_bo_alloc *alloc = NULL;

	check(gpuvm_bo_alloc_create(s->vm[c->vm], s->gem[c->gem], &alloc), "bo_alloc_create");
	gpuvm_bo_alloc_destroy(alloc);
}

static void query(struct d_side *s, const struct d_command *c)
{
	const struct gpuvm_map_req req = to_req(s, c, NULL);
	struct gpuvm_vm *vm = s->vm[c->vm];
	struct gpuvm_reader r;

	s->out->value = gpuvm_vm_range_valid(vm, req.addr, req.range);
	if (!s->out->value)
		return;
	s->out->value |= (uint64_t)gpuvm_vm_interval_empty(vm, req.addr, req.range) << 1;
	gpuvm_read_begin(vm, &r);
	s->out->found[0] = piece_of_va(s, gpuvm_va_find(&r, req.addr, req.range));
	s->out->found[1] = piece_of_va(s, gpuvm_va_find_first(&r, req.addr, req.range));
	s->out->found[2] = piece_of_va(s, gpuvm_va_find_prev(&r, req.addr));
	s->out->found[3] = piece_of_va(s, gpuvm_va_find_next(&r, req.addr + req.range));
	gpuvm_read_end(&r);
}

static void lock_or_validate(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(s->vm[c->vm]);
	unsigned int i;

	check(!exec, "exec_create");
	s->out->err = gpuvm_exec_lock(exec);
	if (!s->out->err && c->kind == D_VALIDATE)
		s->out->err = gpuvm_exec_validate(exec, s);
	for (i = 0; c->kind == D_LOCK && i < D_GEMS; i++)
		if (gpuvm_exec_holds(exec, s->gem[i]))
			s->out->value |= 1u << i;
	gpuvm_exec_destroy(exec);
}

static void run_one(struct d_side *s, const struct d_command *c)
{
	struct gpuvm_bo *held = s->slot[c->slot];

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
		s->out->value = put(s, held);
		s->slot[c->slot] = NULL;
		break;
	case D_CREATE:
		create_only(s, c);
		break;
	case D_EXTOBJ:
		if (held)
			gpuvm_bo_extobj_add(held);
		break;
	case D_EVICT:
		if (held)
			gpuvm_bo_evict(held, c->arg);
		break;
	case D_GEM_EVICT:
		gpuvm_gem_evict(s->gem[c->gem], c->arg);
		break;
	case D_QUERY:
		query(s, c);
		break;
	case D_LOCK:
	case D_VALIDATE:
		lock_or_validate(s, c);
		break;
	default:
		break;
	}
}

static bool wants_resvs(const struct d_side *s, enum d_kind kind)
{
	switch (kind) {
	case D_LOCK:
	case D_VALIDATE:
		return false;
	case D_EXTOBJ:
	case D_EVICT:
	case D_GEM_EVICT:
		return true;
	default:
		return !s->world.immediate;
	}
}

static void run(struct d_side *s, const struct d_command *c, struct d_result *out)
{
	bool resvs = wants_resvs(s, c->kind);

	s->out = out;
	check(gpuvm_sm_prepare(s->vm[c->vm], &s->sm, GPUVM_SM_MAP_VAS), "sm_prepare");
	if (resvs)
		lock_resvs(s);
	run_one(s, c);
	if (resvs)
		unlock_resvs(s);
	/* A stock belongs to one VM. */
	gpuvm_sm_release(&s->sm);
	cleanup(s);
}

/* ---- state ---- */

static void order_of(const struct d_side *s, struct gpuvm__node *head, size_t entry, uint8_t *out)
{
	struct gpuvm__node *pos;
	unsigned int n = 0;

	gpuvm__for_each_node(pos, head)
		if (n < D_GEMS)
			out[n++] = (uint8_t)(number_of(s, ((struct gpuvm_bo *)((char *)pos - entry))->gem) + 1);
}

static void vm_state(struct d_side *s, unsigned int i, struct d_state *out)
{
	const struct gpuvm_va *va;
	struct gpuvm_reader r;

	gpuvm_read_begin(s->vm[i], &r);
	for (va = gpuvm_va_first(&r, 0, UINT64_MAX); va; va = gpuvm_va_next(&r, va))
		if (out->mappings[i]++ < D_UNITS)
			out->piece[i][out->mappings[i] - 1] = piece_of_va(s, va);
	gpuvm_read_end(&r);
	order_of(s, &s->vm[i]->extobj, offsetof(struct gpuvm_bo, extobj), out->extobj[i]);
	order_of(s, &s->vm[i]->evict, offsetof(struct gpuvm_bo, evict), out->evict[i]);
	/* N8: a local object holds a reference to its VM; there is one of each. */
	out->vm_refs[i] = gpuvm__load(&s->vm[i]->ref.n, relaxed) - 1;
	if (!s->va_refs)
		out->vm_refs[i] += out->mappings[i];
}

/* Only ref:kref keeps the whole count in the word. */
static void pair_state(struct d_side *s, unsigned int vm, unsigned int gem, struct d_state *out)
{
	struct gpuvm_bo *bo = gpuvm_bo_find(s->vm[vm], s->gem[gem]);
	struct d_pair *p = &out->pair[vm][gem];

	if (!bo)
		return;
	p->live = 1;
	p->mappings = gpuvm_bo_mappings(bo, NULL, 0);
	p->evicted = gpuvm_bo_evicted(bo);
	put(s, bo);
	p->refs = strcmp(s->world.ref, "kref") ? 0 : gpuvm__load(&bo->ref, relaxed);
}

static void state(struct d_side *s, struct d_state *out)
{
	unsigned int i;

	for (i = 0; i < D_VMS; i++)
		vm_state(s, i, out);
	for (i = 0; i < D_GEMS; i++)
		out->gem_refs[i] = gpuvm__load(&s->gem[i]->ref.n, relaxed);
	if (!s->world.immediate)
		lock_resvs(s);
	for (i = 0; i < D_VMS * D_GEMS; i++)
		pair_state(s, i / D_GEMS, i % D_GEMS, out);
	if (!s->world.immediate)
		unlock_resvs(s);
}

const struct d_ops d_core = {
	.name = "core",
	.create = create,
	.destroy = destroy,
	.run = run,
	.state = state,
};
