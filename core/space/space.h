/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * space.h - the contract of the space axis: where the mappings of a VM are, and who excludes whom on them.
 *
 * To add one: write core/space/NAME.c ending in `const struct gpuvm__space_ops gpuvm__space_NAME = { ... }` and a line in
 * catalogue.def. space/rbtree_mutex.c is the one to copy. An implementation links and orders mappings by start and end;
 * it knows no bo, no reference and no callback.
 *
 * Everyone walks and edits through a cursor over [lo, hi): begin() opens the section, next() and prev() look, splice()
 * edits, end() closes it.
 *
 *   S1  Between begin() and end() of a writer, nobody else edits a mapping that overlaps [lo, hi), wholly: if one sticks
 *       out of [lo, hi), the writer's exclusion reaches to its ends. Writers of other mappings may run meanwhile, if the
 *       strategy can; a writer over [vm->start, vm->end) excludes all others.
 *   S2  Between begin() and end() of a reader, what next() returned stays readable. With a strategy that has RCU readers
 *       (rcu), mappings may come and go meanwhile; a mapping that stays throughout is seen exactly once by a walk with
 *       next(). Each call of next() by itself is exact: at one instant inside the call, the mapping it returns was the
 *       lowest one that overlaps [from, hi), or there was none.
 *   S3  splice() is one step for readers: a page that is mapped before and after it is never seen unmapped, and what is
 *       seen is old or new, nothing else; once a page was seen new, so is every later look at it. (Of different pages, a
 *       look at the second may still show the old state when the first already shows the new, until splice() returns.)
 *   S4  Nothing between a successful begin() and end(), end() included, allocates or fails. So begin() must know how much
 *       the section may grow the index: @grow, and @edits times that. It takes what it needs from @stock, which stock()
 *       fills for so many requests, so that prepared requests allocate nothing. Where @stock is NULL or not enough it
 *       allocates, before it locks, and may fail with -ENOMEM. What of a @stock is not used may go back to it.
 *   S5  lookup() is the whole of begin, next, copy, end for one address, in the strategy's best way. It reads the bo not at
 *       all (va->gem is its own copy): other mappings' writers count references there.
 *   S6  One thread may have several writers' sections open in one VM only if it opened them in address order, each after
 *       the first with begin_right(). So who waits holds nothing to the right of what it waits for: no cycle. Two of them
 *       never hold the same thing: begin_right() makes one section of what would.
 *   S7  A resident mapping's end changes in splice() only, to a lower one, and only where shrinks() allowed it: the mapping
 *       is cut, and stays as the piece in front. It is one step for readers with the rest of the splice (S3), so who
 *       needs no lock reads end before it makes sure that what it saw is of one state.
 *   S8  Who waits for another's section is outside RCU read sections, but for a moment: a section is open while a driver's
 *       callbacks sleep, and what they wait for may be a grace period, as may others' memory be.
 */
#ifndef GPUVM_CORE_SPACE_SPACE_H
#define GPUVM_CORE_SPACE_SPACE_H

#include "../objects.h"

/**
 * struct gpuvm__cursor - an open section; on the stack
 * @vm: the VM
 * @lo: first byte of interest
 * @hi: end of it
 * @write: writer
 * @right: writer: opened by begin_right()
 * @edits: writer: how many requests' edits it makes (madvise's two are one request's)
 * @grow: writer: what each of them may do
 * @stock: writer: index nodes linked by obj.stock, or NULL
 * @scratch: the strategy's own
 */
struct gpuvm__cursor {
	struct gpuvm_vm *vm;
	uint64_t lo, hi;
	bool write, right;
	uint16_t edits;
	enum gpuvm__grow grow;
	struct gpuvm__obj **stock;
	void *scratch[9];
};

static_assert(sizeof(struct gpuvm__cursor) <= sizeof(struct gpuvm_reader), "gpuvm_reader must hold a cursor");

#define GPUVM__SPLICE_MAX 3 /* prev, new, next */

/**
 * struct gpuvm__space_ops - one strategy
 * @name: as in catalogue.def
 * @vm_bytes: its state in each VM (at vm->space_state)
 * @va_bytes: its state in each mapping (at va->space_state)
 * @rcu: has RCU readers
 */
struct gpuvm__space_ops {
	const char *name;
	size_t vm_bytes;
	size_t va_bytes;
	bool rcu;

	int (*init)(struct gpuvm_vm *vm);
	void (*fini)(struct gpuvm_vm *vm);
	bool (*lookup)(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out);
	/*
	 * Top @stock up for @edits requests, each with at most @vas mappings (GPUVM_SM_*_VAS). 0 or -ENOMEM. NULL: the
	 * index needs no memory.
	 */
	int (*stock)(struct gpuvm_vm *vm, struct gpuvm__obj **stock, unsigned int vas, unsigned int edits);
	int (*begin)(struct gpuvm__cursor *c);
	/*
	 * One more writer's section beside @left, the last one opened, which ends at or before c->lo (S6). False: it was
	 * made part of @left, through which [c->lo, c->hi) is edited. Does not fail: c->stock has what stock() put there
	 * for the edits of all sections. NULL: not here; who edits in several places opens one section over all of them.
	 */
	bool (*begin_right)(struct gpuvm__cursor *c, struct gpuvm__cursor *left);
	/* The lowest mapping that overlaps [from, c->hi), or NULL. Cheap if @from is the end of the last one returned. */
	struct gpuvm_va *(*next)(struct gpuvm__cursor *c, uint64_t from);
	/* The highest mapping that overlaps [c->lo, below), or NULL. Writers only. */
	struct gpuvm_va *(*prev)(struct gpuvm__cursor *c, uint64_t below);
	/* May @va, whose front @c's next splice cuts off at its lo, stay and get shorter (S7)? NULL: never. */
	bool (*shrinks)(struct gpuvm__cursor *c, struct gpuvm_va *va);
	/*
	 * Replace all mappings that overlap [lo, hi), inside [c->lo, c->hi), by @in[0..n), in order and disjoint, which
	 * cover no byte that none of the old ones or [lo, hi) covers. The old ones are chained (obj.chain) in address
	 * order in front of *@removed. gpuvm__shrinks_first(): @in[0] is an old one, which stays and ends at lo from then on.
	 */
	void (*splice)(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
		       struct gpuvm_va **removed);
	void (*end)(struct gpuvm__cursor *c);
	size_t (*index_bytes)(struct gpuvm_vm *vm);
};

#define GPUVM__SPACE_STATE(type, obj) ((type *)(obj)->space_state)

/* Of a splice over [@lo, ...): only an old mapping sticks out of its own piece. */
static inline bool gpuvm__shrinks_first(uint64_t lo, struct gpuvm_va *const *in, unsigned int n)
{
	return n && in[0]->start < lo && gpuvm__load(&in[0]->end, relaxed) > lo;
}

static inline void gpuvm__mapping_copy(const struct gpuvm_va *va, struct gpuvm_mapping *out)
{
	race_point(); /* an RCU reader has it: it may leave the VM now, but must not be freed */
	out->addr = va->start;
	out->range = va->end - va->start;
	out->offset = va->offset;
	out->gem = va->gem;
	out->flags = atomic_load_explicit(&((struct gpuvm_va *)va)->flags, memory_order_relaxed);
}

#endif /* GPUVM_CORE_SPACE_SPACE_H */
