/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf.c - space:leaf, the fence-leaf tree: binds of disjoint ranges of one VM run in parallel, lookups take no lock.
 *
 * Small leaves partition the addresses; each has a lock for writers and a sequence for readers (leaf.h, F1-F9). A reader
 * descends a small tree to the leaf of its address, searches it, and starts over if the sequence says that it was edited
 * meanwhile. Its words are loads only. Two writers meet only if they touch the same leaf.
 *
 * Source: the fence-leaf prototype of docs/performance.md; right links as in Lehman and Yao's B-link tree; lock, recheck,
 * retry as in CortenMM. Teaches: what a bind costs when nothing is shared, and what remains of a lookup.
 */
#include "leaf.h"

void gpuvm__leaf_wait(struct leaf *l)
{
	unsigned int spins = 0;

	while (gpuvm__load(&l->seq, relaxed) & LEAF_EDIT) {
		if (++spins % 1024 == 0)
			gpuvm__yield();
		gpuvm__cpu_relax();
	}
}

/* ---- readers ---- */

static bool lookup(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out)
{
	struct gpuvm_va *va;
	struct leaf *l;
	unsigned int n;
	uint64_t end;
	uint32_t seq;

	gpuvm__read_lock();
	l = leaf_locate(leaf_state(vm), addr);
	do {
		seq = leaf_settle(&l, addr);
		n = leaf_find(l, addr);
		va = n ? gpuvm__load(&l->slot[n - 1], acquire) : NULL;
		end = va ? gpuvm__load(&va->end, acquire) : 0; /* of the same state (F9) */
	} while (!leaf_settled(l, seq));
	if (GPUVM_PLANT(leaf_end_late) && va)
		end = gpuvm__load(&va->end, acquire);
	if (end > addr) {
		gpuvm__mapping_copy(va, out);
		out->range = end - out->addr;
	}
	gpuvm__read_unlock();
	gpuvm__count(SPACE_FAST);
	return end > addr;
}

/*
 * A look at one leaf: the lowest entry that overlaps [from, ...), if there is one; all of it at the moment that *@seq
 * names. What is returned may be dereferenced: it was mapped in this section.
 */
static struct gpuvm_va *lowest(struct leaf **l, uint64_t from, uint32_t *seq, unsigned int *index, struct leaf **right,
			       uint64_t *hi)
{
	struct gpuvm_va *under, *after;
	unsigned int n;
	uint64_t end;

	do {
		*seq = leaf_settle(l, from);
		n = leaf_find(*l, from);
		under = n ? gpuvm__load(&(*l)->slot[n - 1], acquire) : NULL;
		end = under ? gpuvm__load(&under->end, acquire) : 0;
		after = n < LEAF_CAP ? gpuvm__load(&(*l)->slot[n], acquire) : NULL;
		*right = gpuvm__load(&(*l)->right, acquire);
		*hi = gpuvm__load(&(*l)->hi, acquire);
	} while (!leaf_settled(*l, *seq));
	*index = n;
	if (end > from) {
		*index = n - 1;
		return under;
	}
	return after;
}

/* Did the leaves from @l on, @n of them, keep the seqs that @sum was made of? */
static uint64_t mix(uint64_t sum, struct leaf *l, uint32_t seq)
{
	return (sum ^ (uintptr_t)l) * 0x9e3779b97f4a7c15ull + seq;
}

static bool unchanged(struct leaf *l, unsigned int n, uint64_t sum)
{
	uint64_t again = 0;

	for (; l && n; n--) {
		again = mix(again, l, gpuvm__load(&l->seq, acquire));
		l = gpuvm__load(&l->right, acquire);
	}
	return again == sum;
}

/*
 * From leaf to leaf. The leaves passed had nothing; that they still have nothing when the answer is found makes it exact
 * (S2), so they are looked at again. Two sums agree by accident once in 2^64.
 */
static struct gpuvm_va *next_from(struct gpuvm__cursor *c, uint64_t from)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct leaf *l, *first, *right;
	unsigned int passed;
	struct gpuvm_va *va;
	uint64_t sum, at, hi;
	unsigned int index;
	uint32_t seq;

	do {
		passed = 0;
		sum = 0;
		first = l = leaf_locate(leaf_state(c->vm), from);
		for (at = from;; at = hi, l = right) {
			va = lowest(&l, at, &seq, &index, &right, &hi);
			if (va || hi >= c->hi || !right)
				break;
			if (!passed++)
				first = l;
			sum = mix(sum, l, seq);
		}
	} while (passed && !unchanged(first, passed, sum));
	lc->at = l;
	lc->index = index;
	return va && va->start < c->hi ? va : NULL;
}

/* The entry after the one found last, if that is the one that (still: F9) ends at @from: no search. */
static struct gpuvm_va *step(struct leaf_cursor *lc, uint64_t from)
{
	struct leaf *l = lc->at;
	struct gpuvm_va *va, *after;
	uint32_t seq;

	if (!l || lc->index + 1u >= LEAF_CAP)
		return NULL;
	seq = gpuvm__load(&l->seq, acquire);
	va = gpuvm__load(&l->slot[lc->index], acquire);
	after = gpuvm__load(&l->slot[lc->index + 1], acquire);
	if ((seq & (LEAF_EDIT | LEAF_DEAD)) || !leaf_settled(l, seq) || !va || !after || va->end != from)
		return NULL;
	lc->index++;
	return after;
}

/* Writers: the leaves are held, their seqs do not change. */
static struct gpuvm_va *next_known(struct leaf_cursor *lc)
{
	lc->at = lc->first;
	lc->index = lc->from;
	return lc->from < lc->to ? leaf_slot(lc->first, lc->from) : NULL;
}

static struct gpuvm_va *next_held(struct gpuvm__cursor *c, uint64_t from)
{
	struct leaf_cursor *lc = leaf_cursor(c);
	struct leaf *l = lc->at && lc->at->lo <= from ? lc->at : lc->first;
	struct gpuvm_va *va;
	unsigned int n;

	for (;; l = leaf_right(l)) {
		if (leaf_hi(l) <= from && l != lc->last)
			continue;
		n = leaf_find(l, from);
		lc->at = l;
		lc->index = n;
		if (n && (va = leaf_slot(l, n - 1))->end > from) {
			lc->index--;
			return va;
		}
		if (n < leaf_n(l))
			return gpuvm__load(&l->key[n], relaxed) < c->hi ? leaf_slot(l, n) : NULL;
		if (l == lc->last)
			return NULL;
	}
}

static struct gpuvm_va *next(struct gpuvm__cursor *c, uint64_t from)
{
	struct gpuvm_va *va;

	if (from >= c->hi)
		return NULL;
	if (c->write && from == c->lo && leaf_known(leaf_cursor(c)))
		return next_known(leaf_cursor(c));
	va = step(leaf_cursor(c), from);
	if (va)
		return va->start < c->hi ? va : NULL;
	return c->write ? next_held(c, from) : next_from(c, from);
}

/* Writers only: the leaves are held. */
static struct gpuvm_va *prev(struct gpuvm__cursor *c, uint64_t below)
{
	struct gpuvm_va *va;
	struct leaf *l;
	unsigned int n;

	for (; below > c->lo; below = l->lo) {
		gpuvm__read_lock();
		l = leaf_locate(leaf_state(c->vm), below - 1);
		leaf_settle(&l, below - 1);
		gpuvm__read_unlock();
		n = leaf_find(l, below - 1);
		va = n ? leaf_slot(l, n - 1) : NULL;
		if (va)
			return va->end > c->lo ? va : NULL;
	}
	return NULL;
}

/* ---- sections ---- */

static int begin(struct gpuvm__cursor *c)
{
	*leaf_cursor(c) = (struct leaf_cursor){ 0 };
	if (c->write)
		return gpuvm__leaf_write_begin(c);
	gpuvm__read_lock();
	return 0;
}

static bool begin_right(struct gpuvm__cursor *c, struct gpuvm__cursor *left)
{
	*leaf_cursor(c) = (struct leaf_cursor){ 0 };
	return gpuvm__leaf_write_begin_right(c, left);
}

static void end(struct gpuvm__cursor *c)
{
	if (c->write)
		gpuvm__leaf_write_end(c);
	else
		gpuvm__read_unlock();
}

const struct gpuvm__space_ops gpuvm__space_leaf = {
	.name = "leaf",
	.vm_bytes = sizeof(struct leaf_state),
	.rcu = true,
	.init = gpuvm__leaf_index_init,
	.fini = gpuvm__leaf_index_fini,
	.lookup = lookup,
	.stock = gpuvm__leaf_stock,
	.begin = begin,
	.begin_right = begin_right,
	.next = next,
	.prev = prev,
	.shrinks = gpuvm__leaf_shrinks,
	.splice = gpuvm__leaf_splice,
	.end = end,
	.index_bytes = gpuvm__leaf_index_bytes,
};
