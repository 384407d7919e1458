/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rbtree_mutex.c - space:rbtree_mutex, what Linux's drivers do: an interval tree and a sorted list of the mappings, all
 * of it under one lock per VM, readers included.
 *
 * As upstream, each mapping that enters holds a reference to the VM (drm_gpuva_insert: drm_gpuvm_get): one more atomic
 * on one line of the VM per bind and unbind.
 *
 * Teaches: what every bind of a VM waiting for every other costs, and what a lookup pays for a tree of pointers.
 */
#include "space.h"

#include "../itree.h"

struct state {
	struct gpuvm__mutex lock;
	struct gpuvm__itree tree;
	struct gpuvm__node order; /* all mappings by address */
};

struct va_state {
	struct gpuvm__inode inode; /* first: itree.h expects it */
	struct gpuvm__node order;
};

static struct state *state_of(struct gpuvm_vm *vm)
{
	return GPUVM__SPACE_STATE(struct state, vm);
}

static struct gpuvm__node *order_of(struct gpuvm_va *va)
{
	return &GPUVM__SPACE_STATE(struct va_state, va)->order;
}

static struct gpuvm_va *va_of(struct gpuvm__node *order)
{
	return gpuvm__inode_va(&container_of(order, struct va_state, order)->inode);
}

static int init(struct gpuvm_vm *vm)
{
	struct state *s = state_of(vm);

	gpuvm__mutex_init(&s->lock);
	gpuvm__node_init(&s->order);
	return 0;
}

static void fini(struct gpuvm_vm *vm)
{
	gpuvm__mutex_fini(&state_of(vm)->lock);
}

static void lock(struct state *s)
{
	gpuvm__mutex_lock(&s->lock, GPUVM__LOCK_SPACE);
	gpuvm__count(SPACE_LOCK);
}

static bool lookup(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out)
{
	struct state *s = state_of(vm);
	struct gpuvm_va *va;

	lock(s);
	va = gpuvm__itree_first(&s->tree, addr, addr + 1);
	if (va)
		gpuvm__mapping_copy(va, out);
	gpuvm__mutex_unlock(&s->lock);
	return va;
}

/* scratch[0]: the mapping returned last, from which next() and prev() step along the list. */
static int begin(struct gpuvm__cursor *c)
{
	lock(state_of(c->vm));
	c->scratch[0] = NULL;
	return 0;
}

static void end(struct gpuvm__cursor *c)
{
	gpuvm__mutex_unlock(&state_of(c->vm)->lock);
}

static struct gpuvm_va *next(struct gpuvm__cursor *c, uint64_t from)
{
	struct state *s = state_of(c->vm);
	struct gpuvm_va *va = c->scratch[0];

	if (va && va->end == from) {
		struct gpuvm__node *n = order_of(va)->next;

		va = n != &s->order ? va_of(n) : NULL;
		va = va && va->start < c->hi ? va : NULL;
	} else {
		va = from < c->hi ? gpuvm__itree_first(&s->tree, from, c->hi) : NULL;
	}
	c->scratch[0] = va;
	return va;
}

static struct gpuvm_va *prev(struct gpuvm__cursor *c, uint64_t below)
{
	struct state *s = state_of(c->vm);
	struct gpuvm_va *va = c->scratch[0];

	if (va && va->start == below) {
		struct gpuvm__node *n = order_of(va)->prev;

		va = n != &s->order ? va_of(n) : NULL;
	} else {
		va = gpuvm__itree_before(&s->tree, below);
	}
	va = va && va->end > c->lo ? va : NULL;
	c->scratch[0] = va;
	return va;
}

static void insert(struct state *s, struct gpuvm_va *va)
{
	struct gpuvm_va *before = gpuvm__itree_insert(&s->tree, va);

	gpuvm__node_add(order_of(va), before ? order_of(before) : &s->order);
	gpuvm__kref_get(&va->vm->ref);
}

static void splice(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
		   struct gpuvm_va **removed)
{
	struct state *s = state_of(c->vm);
	struct gpuvm_va *va, **tail = removed, *rest = *removed;
	struct gpuvm__node *pos, *tmp;
	unsigned int i;

	va = gpuvm__itree_first(&s->tree, lo, hi);
	for (pos = va ? order_of(va) : &s->order; pos != &s->order && va_of(pos)->start < hi; pos = tmp) {
		tmp = pos->next;
		va = va_of(pos);
		gpuvm__itree_erase(&s->tree, va);
		gpuvm__node_del(pos);
		*tail = va;
		tail = &va->obj.chain;
		/* Never the last one: the caller of a write holds a reference. */
		gpuvm__fetch_sub(&va->vm->ref.n, 1, release);
	}
	*tail = rest;
	for (i = 0; i < n; i++)
		insert(s, in[i]);
	c->scratch[0] = NULL;
}

static size_t index_bytes(struct gpuvm_vm *vm)
{
	struct state *s = state_of(vm);
	struct gpuvm__node *pos;
	size_t n = 0;

	gpuvm__for_each_node(pos, &s->order)
		n++;
	return n * sizeof(struct va_state);
}

const struct gpuvm__space_ops gpuvm__space_rbtree_mutex = {
	.name = "rbtree_mutex",
	.vm_bytes = sizeof(struct state),
	.va_bytes = sizeof(struct va_state),
	.init = init,
	.fini = fini,
	.lookup = lookup,
	.begin = begin,
	.next = next,
	.prev = prev,
	.splice = splice,
	.end = end,
	.index_bytes = index_bytes,
};
