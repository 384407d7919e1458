/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mapped.h - one VM with many mappings in it, and whole bind and unbind operations as a driver makes them.
 *
 * The address space is cut into slots of 32 KiB, of which a mapping takes the first 16. Each thread has slots of its own:
 * a contiguous part, unless the plan says otherwise. Slots are mapped in random order; binds take free slots and unbinds
 * take mapped ones in that shuffled order, so neither addresses nor memory are ever sequential (a fresh sequential layout
 * flatters trees).
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

/* mapped_ring_init() - room for @room slots. mapped_ring_pop(), mapped_ring_push() - the oldest; one more */
int mapped_ring_init(struct mapped_ring *r, uint32_t room);
uint32_t mapped_ring_pop(struct mapped_ring *r, uint32_t room);
void mapped_ring_push(struct mapped_ring *r, uint32_t room, uint32_t slot);

/* Where the threads' parts are. */
enum mapped_layout {
	MAPPED_ADJACENT, /* one right behind the other */
	MAPPED_APART, /* as far from each other as the VM is large */
	MAPPED_INTERLEAVED, /* slot by slot in turn */
	MAPPED_OWN_VMS, /* each in a VM of its own */
};

/**
 * struct mapped_plan - what mapped_create_at() makes
 * @parts: how many threads have slots
 * @layout: where
 * @filled: mappings, all parts together
 * @spare: free slots of each part
 * @driver: as for world_create()
 */
struct mapped_plan {
	unsigned int parts;
	enum mapped_layout layout;
	uint64_t filled;
	uint32_t spare;
	const struct gpuvm_driver *driver;
};

/**
 * struct mapped_thread - a thread's part
 * @unmapped, @mapped: its slots
 * @nr_slots: all of them
 * @first, @step: their numbers: @first + k * @step
 * @shift: where in a slot its mappings begin
 * @vm: its VM
 * @gem: its objects
 * @sm: reused by its requests
 * @steps: callbacks it has got
 */
struct mapped_thread {
	_Alignas(BENCH_LINE) struct mapped_ring unmapped, mapped;
	uint32_t nr_slots, first, step;
	uint64_t shift;
	struct gpuvm_vm *vm;
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

/** mapped_create_at() - the same, as @plan says */
int mapped_create_at(struct bench_ctx *ctx, struct mapped *m, const struct mapped_plan *plan);

/**
 * mapped_crowd() - from now on each thread binds and unbinds one slot only, all of them side by side
 *
 * In the middle of thread 0's part, in the halves of slots that its mappings leave free: these stay.
 */
void mapped_crowd(struct mapped *m);

/** mapped_setup() - B1: mapped_create() with ctx->state a struct mapped. Return: 0 or -errno. */
int mapped_setup(struct bench_ctx *ctx, uint64_t filled, uint32_t spare);

/** mapped_binds(), mapped_unbinds() - B2 or B3: @n times mapped_bind() or mapped_unbind() */
void mapped_binds(struct bench_ctx *ctx, unsigned int thread, uint64_t n);
void mapped_unbinds(struct bench_ctx *ctx, unsigned int thread, uint64_t n);

/** mapped_many() - B2 of other operations: @n times @op, called @what should it fail */
void mapped_many(struct bench_ctx *ctx, unsigned int thread, uint64_t n, const char *what,
		 int (*op)(struct mapped *m, struct mapped_thread *t));

/** mapped_check() - of B4: the VM has what it must have, and an operation allocates @vas mappings; the index may add its own */
void mapped_check(struct bench_ctx *ctx, const struct bench_window *w, unsigned int vas);

/** mapped_teardown() - B5: what mapped_setup() made, also if it failed half-way */
void mapped_teardown(struct bench_ctx *ctx);

/** mapped_destroy() - free it; fails the benchmark if the number of mappings is not what it must be */
void mapped_destroy(struct bench_ctx *ctx, struct mapped *m);

/** mapped_addr() - where slot number @slot is mapped */
static inline uint64_t mapped_addr(const struct mapped_thread *t, uint32_t slot)
{
	return (uint64_t)slot * MAPPED_STRIDE + t->shift;
}

/** mapped_map_at() - a whole bind, as mapped_bind(), of any range. Return: 0 or -errno. */
int mapped_map_at(struct mapped_thread *t, struct gpuvm_gem *gem, uint64_t addr, uint64_t range, uint64_t offset);

/** mapped_offset() - what slot number @slot shows of its object */
static inline uint64_t mapped_offset(uint32_t slot)
{
	return (uint64_t)(slot / MAPPED_GEMS) * MAPPED_SIZE;
}

/** mapped_take(), mapped_give() - the next slot out of one of a thread's rings; into one */
uint32_t mapped_take(struct mapped_thread *t, struct mapped_ring *from);
void mapped_give(struct mapped_thread *t, struct mapped_ring *to, uint32_t slot);

/** mapped_map(), mapped_unmap() - bind or unbind this very slot; leaves the rings alone. Return: 0 or -errno. */
int mapped_map(struct mapped_thread *t, uint32_t slot);
int mapped_unmap(struct mapped_thread *t, uint32_t slot);

/** mapped_bind() - 3 vas ready, obtain, sm_map, put, release what is left. Return: 0 or -errno. */
int mapped_bind(struct mapped *m, struct mapped_thread *t);

/** mapped_unbind() - 2 vas ready, sm_unmap, release what is left and what went. Return: 0 or -errno. */
int mapped_unbind(struct mapped *m, struct mapped_thread *t);

/** mapped_count() - how many mappings there are */
size_t mapped_count(const struct mapped *m);

/** mapped_verify() - the VM has the mappings it must have between batches (small ones only: it walks them) */
void mapped_verify(struct bench_ctx *ctx, struct mapped *m);

#endif /* BENCH_MAPPED_H */
