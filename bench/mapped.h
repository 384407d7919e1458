/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mapped.h - one VM with many mappings in it, and whole bind and unbind operations as a driver makes them.
 *
 * The address space is cut into slots of 32 KiB, of which a mapping takes the first 16. Each thread has a contiguous
 * part of its own. Slots are mapped in random order; binds take free slots and unbinds take mapped ones in that
 * shuffled order, so neither addresses nor memory are ever sequential (a fresh sequential layout flatters trees).
 */
#ifndef BENCH_MAPPED_H
#define BENCH_MAPPED_H

#include "world.h"

#define MAPPED_STRIDE 32768u
#define MAPPED_SIZE 16384u
/* Per thread, local to the VM and held: gpuvm_obtain() is a hit, as for a suballocated buffer. */
#define MAPPED_GEMS 16u

/* Slot numbers in the order they will be used; holds every slot of a thread. */
struct mapped_ring {
	uint32_t *slot;
	uint32_t head, nr;
};

/**
 * struct mapped_thread - a thread's part
 * @unmapped, @mapped: its slots
 * @nr_slots: all of them
 * @first: number of the first
 * @gem: its objects
 * @sm: reused by its requests
 * @steps: callbacks it has got
 */
struct mapped_thread {
	_Alignas(BENCH_LINE) struct mapped_ring unmapped, mapped;
	uint32_t nr_slots, first;
	struct gpuvm_gem *const *gem;
	struct gpuvm_sm sm;
	uint64_t steps;
};

struct mapped {
	struct world w;
	struct mapped_thread *t;
	unsigned int nr_threads;
	uint64_t held; /* mappings outside timed sections */
};

/**
 * mapped_create() - @filled mappings, and @spare free slots for each thread
 *
 * Fills at random, then churns a quarter. On error mapped_destroy() is still called. Return: 0 or -errno.
 */
int mapped_create(struct bench_ctx *ctx, struct mapped *m, uint64_t filled, uint32_t spare);

/** mapped_destroy() - free it; fails the benchmark if the number of mappings is not what it must be */
void mapped_destroy(struct bench_ctx *ctx, struct mapped *m);

/** mapped_bind() - 3 vas ready, obtain, sm_map, put, release what is left. Return: 0 or -errno. */
int mapped_bind(struct mapped *m, struct mapped_thread *t);

/** mapped_unbind() - 2 vas ready, sm_unmap, release what is left and what went. Return: 0 or -errno. */
int mapped_unbind(struct mapped *m, struct mapped_thread *t);

/** mapped_verify() - the VM has the mappings it must have between batches (small ones only: it walks them) */
void mapped_verify(struct bench_ctx *ctx, struct mapped *m);

#endif /* BENCH_MAPPED_H */
