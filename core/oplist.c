/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * oplist.c - the list form of split and merge: the same walk, its steps copied into a list.
 *
 * Allocations are upstream's, one by one, because their cost is one of the things to measure: the list, each op, and for
 * a REMAP its unmap part and each piece.
 */
#include "sm.h"

struct op_node {
	struct gpuvm__obj obj;
	struct op_node *next;
	struct gpuvm_op op;
};

/* What a REMAP's pointers point to. */
struct op_part {
	struct gpuvm__obj obj;
	union {
		struct gpuvm_map_req req;
		struct gpuvm_op_unmap unmap;
	};
};

struct gpuvm_oplist {
	struct gpuvm__obj obj;
	struct gpuvm__cursor cursor; /* the writer's section */
	struct gpuvm__sm sm;
	struct op_node *first, **tail;
};

static struct op_part *part_create(struct gpuvm_oplist *list)
{
	return gpuvm__obj_alloc(list->cursor.vm->dev->alloc, GPUVM_TYPE_OP, sizeof(struct op_part), 16);
}

static void part_free(const void *req_or_unmap)
{
	if (req_or_unmap)
		gpuvm__obj_free(container_of((char *)req_or_unmap, struct op_part, req));
}

static void node_free(struct op_node *n)
{
	if (n->op.type == GPUVM_OP_REMAP) {
		part_free(n->op.remap.prev);
		part_free(n->op.remap.next);
		if (!GPUVM_PLANT(enomem_leaks_part))
			part_free(n->op.remap.unmap);
	}
	gpuvm__obj_free(n);
}

static const struct gpuvm_map_req *copy_req(struct gpuvm_oplist *list, const struct gpuvm_map_req *req)
{
	struct op_part *p = part_create(list);

	if (!p)
		return NULL;
	p->req = *req;
	return &p->req;
}

/* Give @n parts of its own; what was copied before a failure is in n->op.remap for node_free(). */
static bool copy_remap(struct gpuvm_oplist *list, struct op_node *n, const struct gpuvm_op_remap *from)
{
	struct op_part *unmap;

	n->op.remap = (struct gpuvm_op_remap){ 0 };
	unmap = part_create(list);
	if (!unmap)
		return false;
	unmap->unmap = *from->unmap;
	n->op.remap.unmap = &unmap->unmap;
	if (from->prev && !(n->op.remap.prev = copy_req(list, from->prev)))
		return false;
	if (from->next && !(n->op.remap.next = copy_req(list, from->next)))
		return false;
	return true;
}

static int list_step(const struct gpuvm_op *op, void *arg)
{
	struct gpuvm_oplist *list = arg;
	struct op_node *n = gpuvm__obj_alloc(list->cursor.vm->dev->alloc, GPUVM_TYPE_OP, sizeof(*n), 16);

	if (!n)
		return -ENOMEM;
	n->op = *op;
	if (op->type == GPUVM_OP_REMAP && !copy_remap(list, n, &op->remap)) {
		node_free(n);
		return -ENOMEM;
	}
	*list->tail = n;
	list->tail = &n->next;
	return 0;
}

static void free_nodes(struct gpuvm_oplist *list)
{
	struct op_node *n, *next;

	for (n = list->first; n; n = next) {
		next = n->next;
		node_free(n);
	}
}

static int create(enum gpuvm__sm_kind kind, struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_bo *bo,
		  struct gpuvm_oplist **out)
{
	struct gpuvm__sm_sink sink = { .step = list_step };
	struct gpuvm_oplist *list;
	int ret;

	list = gpuvm__obj_alloc(vm->dev->alloc, GPUVM_TYPE_OP, sizeof(*list), 16);
	if (!list)
		return -ENOMEM;
	list->tail = &list->first;
	sink.arg = list;
	ret = gpuvm__sm_begin(&list->sm, &list->cursor, kind, vm, req, bo, NULL);
	if (ret)
		goto out_free;
	ret = gpuvm__sm_walk(&list->sm, &sink);
	if (ret)
		goto out_end;
	gpuvm_vm_get(vm);
	*out = list;
	return 0;

out_end:
	if (!GPUVM_PLANT(enomem_keeps_section))
		gpuvm__sm_end(&list->sm);
	free_nodes(list);
out_free:
	gpuvm__obj_free(list);
	return ret;
}

int gpuvm_sm_map_ops(struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_oplist **out)
{
	return create(GPUVM__SM_MAP, vm, req, NULL, out);
}

int gpuvm_sm_unmap_ops(struct gpuvm_vm *vm, uint64_t addr, uint64_t range, struct gpuvm_oplist **out)
{
	struct gpuvm_map_req req = { .addr = addr, .range = range };

	return create(GPUVM__SM_UNMAP, vm, &req, NULL, out);
}

int gpuvm_sm_prefetch_ops(struct gpuvm_vm *vm, uint64_t addr, uint64_t range, struct gpuvm_oplist **out)
{
	struct gpuvm_map_req req = { .addr = addr, .range = range };

	return create(GPUVM__SM_PREFETCH, vm, &req, NULL, out);
}

int gpuvm_sm_madvise_ops(struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_oplist **out)
{
	return create(GPUVM__SM_MADVISE, vm, req, NULL, out);
}

int gpuvm_bo_unmap_ops(struct gpuvm_bo *bo, struct gpuvm_oplist **out)
{
	struct gpuvm_map_req whole = { .addr = bo->vm->start, .range = bo->vm->end - bo->vm->start };

	return create(GPUVM__SM_BO_UNMAP, bo->vm, &whole, bo, out);
}

const struct gpuvm_op *gpuvm_oplist_first(const struct gpuvm_oplist *list)
{
	return list->first ? &list->first->op : NULL;
}

const struct gpuvm_op *gpuvm_oplist_next(const struct gpuvm_oplist *list, const struct gpuvm_op *op)
{
	const struct op_node *n = container_of((char *)op, const struct op_node, op);

	return n->next ? &n->next->op : NULL;
}

void gpuvm_oplist_free(struct gpuvm_oplist *list)
{
	struct gpuvm_vm *vm;

	if (!list)
		return;
	vm = list->cursor.vm;
	gpuvm__sm_end(&list->sm);
	free_nodes(list);
	gpuvm__obj_free(list);
	gpuvm_vm_put(vm);
}

int gpuvm_oplist_commit(struct gpuvm_oplist *list, struct gpuvm_sm *sm)
{
	if (gpuvm__sm_stocked(list->sm.kind, list->cursor.vm, sm))
		return -EINVAL;
	gpuvm__sm_commit(&list->sm, sm);
	gpuvm_oplist_free(list);
	return 0;
}
