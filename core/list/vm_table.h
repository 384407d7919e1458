/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm_table.h - an open-addressed table of bos, keyed by VM: readers probe it under RCU, writers hold a lock of the caller's.
 * Linear probing, at most half full.
 *
 *   T1  A slot of the table holds EMPTY (the end of every probe through it), GONE, or a bo whose key hashes to that slot
 *       or an earlier one with no EMPTY between. Slots are written under the lock, with release.
 *
 * A reader's cost is loads that depend on each other. So the word that publishes a table carries its shift in the six bits
 * that alignment leaves free, and slots without a bo hold an object of no VM, so that a hit need not ask.
 */
#ifndef GPUVM_CORE_LIST_VM_TABLE_H
#define GPUVM_CORE_LIST_VM_TABLE_H

#include "list.h"

/* What slots without a bo hold. */
static struct gpuvm_bo no_bo[2];
#define EMPTY (&no_bo[0])
#define GONE (&no_bo[1])
#ifdef GPUVM_SCHED
#define FIRST_SLOTS 2 /* so that the second bo makes it grow */
#else
#define FIRST_SLOTS 8 /* of the smallest table */
#endif

struct table {
	alignas(GPUVM__LINE) struct gpuvm__obj obj;
	unsigned int mask; /* slots - 1 */
	alignas(GPUVM__LINE) _Atomic(struct gpuvm_bo *) slot[];
};

/* A struct table * with 64 - log2(slots) in its low bits. */
typedef uintptr_t table_word;

static inline struct table *table_of(table_word w)
{
	return (struct table *)(w & ~(table_word)(GPUVM__LINE - 1));
}

static inline table_word table_word_of(struct table *t)
{
	return (table_word)t | (64 - __builtin_ctz(t->mask + 1));
}

static inline table_word table_init(struct table *t, unsigned int slots)
{
	unsigned int i;

	t->mask = slots - 1;
	for (i = 0; i < slots; i++)
		atomic_init(&t->slot[i], EMPTY);
	return table_word_of(t);
}

/* Fibonacci hashing: the low bits of a pointer say nothing, the product's high bits are well mixed. */
static inline size_t slot_of(table_word w, const struct gpuvm_vm *vm)
{
	return ((uint64_t)(uintptr_t)vm * 0x9e3779b97f4a7c15ull) >> (w % GPUVM__LINE);
}

/* What a probe meets first: most often the pair's bo, else of another VM or none. Acquire: as in probe(). */
static __always_inline struct gpuvm_bo *probe_first(table_word w, const struct gpuvm_vm *vm)
{
	return gpuvm__load(&table_of(w)->slot[slot_of(w, vm)], acquire);
}

/* The pair's bo in the table, or NULL; no reference taken. Acquire: pairs with the release in put_in_slot(). */
static inline struct gpuvm_bo *probe(table_word w, const struct gpuvm_vm *vm, size_t *at)
{
	struct table *t = table_of(w);
	struct gpuvm_bo *bo;
	unsigned int n;

	*at = slot_of(w, vm);
	bo = gpuvm__load(&t->slot[*at], acquire);
	if (bo->vm == vm) /* EMPTY's and GONE's are of no VM */
		return bo;
	for (n = 1; bo != EMPTY && n <= t->mask; n++) {
		*at = (*at + 1) & t->mask;
		bo = gpuvm__load(&t->slot[*at], acquire);
		if (bo->vm == vm) {
			gpuvm__count_n(GPUVM_STAT_LIST_STEPS, n);
			return bo;
		}
	}
	return NULL;
}

/* Release: the bo's fields, and its count, are visible to whoever finds it. True if an EMPTY slot was used. */
static inline bool put_in_slot(table_word w, struct gpuvm_bo *bo) __must_hold(lock)
{
	struct table *t = table_of(w);
	size_t i = slot_of(w, bo->vm);
	struct gpuvm_bo *old;

	while ((old = gpuvm__load(&t->slot[i], relaxed)) != EMPTY && old != GONE)
		i = (i + 1) & t->mask;
	if (GPUVM_PLANT(publish_relaxed))
		gpuvm__store(&t->slot[i], bo, relaxed);
	else
		gpuvm__store(&t->slot[i], bo, release);
	return old == EMPTY;
}

/*
 * Empty a slot. If the probe ends right after it, so it may here, and at the GONE slots before it: a pair that comes and
 * goes leaves nothing behind. Readers are past caring: nothing they could look for lies behind these slots.
 * Returns how many slots are EMPTY now.
 */
static inline unsigned int empty_slot(struct table *t, size_t i) __must_hold(lock)
{
	unsigned int n = 0;

	if (gpuvm__load(&t->slot[(i + 1) & t->mask], relaxed) != EMPTY) {
		gpuvm__store(&t->slot[i], GONE, release);
		return 0;
	}
	do {
		gpuvm__store(&t->slot[i], EMPTY, release);
		n++;
		i = (i - 1) & t->mask;
	} while (gpuvm__load(&t->slot[i], relaxed) == GONE);
	return n;
}

/* For one more beside @used: at most half full, GONE included, so probes stay short and always end. */
static inline bool has_room(struct table *t, unsigned int used)
{
	return 2 * (used + 1) <= t->mask + 1;
}

/* At most a quarter full with @live and one more; NULL if there is no memory. */
static inline struct table *table_create(struct gpuvm_gem *gem, unsigned int live)
{
	unsigned int slots = FIRST_SLOTS;
	struct table *t;

	while (slots < 4 * (live + 1))
		slots *= 2;
	t = gpuvm__obj_alloc(gem->dev->alloc, GPUVM_TYPE_INDEX, sizeof(*t) + slots * sizeof(t->slot[0]), GPUVM__LINE);
	if (t)
		table_init(t, slots);
	return t;
}

#endif /* GPUVM_CORE_LIST_VM_TABLE_H */
