/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * btree_rcu.c - space:btree_rcu, a B+tree in the style of Linux's maple tree in RCU mode: lookups take no lock, one writer at a
 * time per VM copies the nodes it changes (btree.h, T1-T7).
 *
 * Teaches: readers that never wait, not even for a bind whose callbacks sleep, need no concurrent writers; what a bind pays is
 * a copied leaf and its grace period. And what a writer's lock around callbacks costs remains.
 */
#include "btree.h"

struct section {
	struct btree_pos pos;
	struct gpuvm__obj *spare; /* writer */
};

static_assert(sizeof(struct section) <= sizeof(((struct gpuvm__cursor *)0)->scratch), "scratch too small");

static struct btree *tree(struct gpuvm_vm *vm)
{
	return GPUVM__SPACE_STATE(struct btree, vm);
}

static struct section *section(struct gpuvm__cursor *c)
{
	return (struct section *)c->scratch;
}

static int init(struct gpuvm_vm *vm)
{
	return gpuvm__btree_init(vm, tree(vm));
}

static void fini(struct gpuvm_vm *vm)
{
	gpuvm__btree_fini(tree(vm));
}

static bool lookup(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out)
{
	struct gpuvm_va *va;

	gpuvm__read_lock();
	va = gpuvm__btree_at(tree(vm), addr);
	if (va)
		gpuvm__mapping_copy(va, out);
	gpuvm__read_unlock();
	gpuvm__count(SPACE_FAST);
	return va;
}

static int stock(struct gpuvm_vm *vm, struct gpuvm__obj **list, unsigned int vas, unsigned int edits)
{
	return gpuvm__btree_stock(vm, tree(vm), list, vas, edits);
}

static int begin(struct gpuvm__cursor *c)
{
	struct section *s = section(c);
	struct btree *t = tree(c->vm);

	*s = (struct section){ 0 };
	if (!c->write) {
		gpuvm__read_lock();
		return 0;
	}
	for (;;) {
		if (gpuvm__btree_equip(c, t, &s->spare))
			return -ENOMEM;
		gpuvm__mutex_lock(&t->lock, GPUVM__LOCK_SPACE);
		gpuvm__count(SPACE_LOCK);
		if (likely(gpuvm__btree_stocked(t, c, s->spare)))
			return 0;
		gpuvm__mutex_unlock(&t->lock); /* it has grown */
	}
}

static void end(struct gpuvm__cursor *c)
{
	struct btree *t = tree(c->vm);

	if (!c->write) {
		gpuvm__read_unlock();
		return;
	}
	gpuvm__mutex_unlock(&t->lock);
	gpuvm__btree_strip(c, t, &section(c)->spare);
}

/* A writer holds the lock: what it sees is current and stays. */
static struct gpuvm_va *next(struct gpuvm__cursor *c, uint64_t from)
{
	return gpuvm__btree_next(tree(c->vm), from, c->hi, &section(c)->pos);
}

static struct gpuvm_va *prev(struct gpuvm__cursor *c, uint64_t below)
{
	return gpuvm__btree_prev(tree(c->vm), c->lo, below);
}

static void splice(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
		   struct gpuvm_va **removed)
{
	struct section *s = section(c);

	/* A section that cuts has nodes for each edit that only removes; one that only shrinks has none. */
	gpuvm__btree_splice(tree(c->vm), &s->spare, lo, hi, in, n, n || c->grow == GPUVM__CUTS, removed);
	s->pos.leaf = NULL;
}

static size_t index_bytes(struct gpuvm_vm *vm)
{
	return gpuvm__btree_bytes(tree(vm));
}

const struct gpuvm__space_ops gpuvm__space_btree_rcu = {
	.name = "btree_rcu",
	.vm_bytes = sizeof(struct btree),
	.rcu = true,
	.init = init,
	.fini = fini,
	.lookup = lookup,
	.stock = stock,
	.begin = begin,
	.next = next,
	.prev = prev,
	.splice = splice,
	.end = end,
	.index_bytes = index_bytes,
};
