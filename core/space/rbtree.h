/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rbtree.h - the body of every space that is "an interval tree and a sorted list of the mappings under one lock per VM":
 * the file that includes it names the lock.
 *
 *   LOCK_TYPE                    the lock
 *   LOCK_INIT(l), LOCK_FINI(l)
 *   WRITE_LOCK(l), WRITE_UNLOCK(l)
 *   READ_LOCK(l), READ_UNLOCK(l) among readers. Default: the writer's
 *
 * As upstream, each mapping that enters holds a reference to the VM (drm_gpuva_insert: drm_gpuvm_get): one more atomic
 * on one line of the VM per bind and unbind.
 *
 *   B1  Tree and list change under the writer's lock only, from begin() to end(); readers hold it from begin() to end() too.
 *       So whatever anybody sees is of one state (S1, S2, S3).
 *   B2  The list has exactly the mappings of the tree, in address order: a step to a neighbour needs no search.
 *   B3  A mapping carries its own node: nothing allocates (S4).
 *   B4  A cursor's scratch is its owner's; a shared reader writes nothing else.
 */
#ifndef GPUVM_CORE_SPACE_RBTREE_H
#define GPUVM_CORE_SPACE_RBTREE_H

#include "space.h"

#include "../itree.h"

#ifndef READ_LOCK
#define READ_LOCK(l) WRITE_LOCK(l)
#define READ_UNLOCK(l) WRITE_UNLOCK(l)
#endif

struct state {
	LOCK_TYPE lock;
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

	LOCK_INIT(&s->lock);
	gpuvm__node_init(&s->order);
	return 0;
}

static void fini(struct gpuvm_vm *vm)
{
	LOCK_FINI(&state_of(vm)->lock);
}

static inline void lock(struct state *s, bool write)
{
	if (write)
		WRITE_LOCK(&s->lock);
	else
		READ_LOCK(&s->lock);
	gpuvm__count(SPACE_LOCK);
}

static inline void unlock(struct state *s, bool write)
{
	if (write)
		WRITE_UNLOCK(&s->lock);
	else
		READ_UNLOCK(&s->lock);
}

static bool lookup(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out)
{
	struct state *s = state_of(vm);
	struct gpuvm_va *va;

	lock(s, false);
	va = gpuvm__itree_first(&s->tree, addr, addr + 1);
	if (va)
		gpuvm__mapping_copy(va, out);
	unlock(s, false);
	return va;
}

/*
 * scratch[0]: the mapping returned last, from which next() and prev() step along the list. scratch[1]: what the last search
 * of the tree found, from scratch[2] on: a walk over [lo, hi) has found where its splice() begins.
 */
static int begin(struct gpuvm__cursor *c)
{
	lock(state_of(c->vm), c->write);
	c->scratch[0] = NULL;
	c->scratch[1] = NULL;
	return 0;
}

static struct gpuvm_va *search(struct gpuvm__cursor *c, uint64_t from)
{
	struct gpuvm_va *va = gpuvm__itree_first(&state_of(c->vm)->tree, from, c->hi);

	c->scratch[1] = va;
	c->scratch[2] = (void *)(uintptr_t)from;
	return va;
}

/* As upstream, an unmap searches once: its mapping is taken out where the walk has found it. */
static struct gpuvm_va *first_of(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi)
{
	if (c->scratch[1] && (uintptr_t)c->scratch[2] == lo)
		return c->scratch[1];
	return gpuvm__itree_first(&state_of(c->vm)->tree, lo, hi);
}

static void end(struct gpuvm__cursor *c)
{
	unlock(state_of(c->vm), c->write);
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
		va = from < c->hi ? search(c, from) : NULL;
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

/* Its start and its place stay. */
static inline bool shrinks(struct gpuvm__cursor *c, struct gpuvm_va *va)
{
	return true;
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
	bool shrunk = gpuvm__shrinks_first(lo, in, n);
	struct gpuvm__node *pos, *tmp;
	unsigned int i;

	va = first_of(c, lo, hi);
	for (pos = va ? order_of(va) : &s->order; pos != &s->order && va_of(pos)->start < hi; pos = tmp) {
		tmp = pos->next;
		va = va_of(pos);
		if (shrunk && va == in[0]) {
			gpuvm__itree_shrink(va, lo);
			continue;
		}
		gpuvm__itree_erase(&s->tree, va);
		gpuvm__node_del(pos);
		*tail = va;
		tail = &va->obj.chain;
		/* Never the last one: the caller of a write holds a reference. */
		gpuvm__fetch_sub(&va->vm->ref.n, 1, release);
	}
	*tail = rest;
	for (i = shrunk; i < n; i++)
		insert(s, in[i]);
	c->scratch[0] = NULL;
	c->scratch[1] = NULL;
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

/* clang-format off */
#define RBTREE_OPS(space)                                              \
	{                                                              \
		.name = #space,                                        \
		.vm_bytes = sizeof(struct state),                      \
		.va_bytes = sizeof(struct va_state),                   \
		.init = init, .fini = fini, .lookup = lookup,          \
		.begin = begin, .next = next, .prev = prev,            \
		.shrinks = shrinks, .splice = splice, .end = end,      \
		.index_bytes = index_bytes,                            \
	}
/* clang-format on */

#endif /* GPUVM_CORE_SPACE_RBTREE_H */
