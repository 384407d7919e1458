/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * magazine.h - what the parts of alloc:magazine share.
 *
 *   magazine.c       M1-M9; the operations: what is allocated, freed, retired and kept
 *   magazine_heap.c  the life of a heap: whose it is, and how what it keeps is given back (M4, M5)
 */
#ifndef GPUVM_CORE_ALLOC_MAGAZINE_H
#define GPUVM_CORE_ALLOC_MAGAZINE_H

#include "../biased.h"
#include "../reclaim.h"
#include "alloc.h"

#define STEP 16u /* of sizes, 16-byte alignment */
#define MAX_SIZE 1024u /* larger ones go to the C library */
#define LINE_CLASSES (MAX_SIZE / GPUVM__LINE)
#define CLASSES (MAX_SIZE / STEP + 1 + LINE_CLASSES)
#define BATCHES 64 /* per heap */
#define LIMIT_MIN 256

/* An object that is free or waiting: the link is over its struct gpuvm__obj's rcu. */
struct slot {
	struct heap *home;
	uint64_t head; /* of the object: the debug build wants it until the grace period is over */
	struct slot *next;
};

struct mag_batch {
	struct gpuvm__batch batch; /* first */
	struct heap *heap;
	struct slot *first, *last;
	uint32_t n;
	uint16_t cls;
	bool mixed; /* some are not this heap's own */
};

struct class {
	struct slot *free;
	uint32_t nr_free, limit; /* M7 */
	uint32_t drawn; /* taken since the last arrival */
	struct mag_batch *open; /* M4 */
	_Atomic(struct slot *) returned; /* M2 */
};

struct heap {
	struct gpuvm__home home; /* first; in a line that others may read */
	alignas(GPUVM__LINE) struct gpuvm__biased lock; /* M4 */
	struct gpuvm__obj *stowed[2]; /* M9: line-aligned or not */
	struct gpuvm__batch *spare; /* struct mag_batch not under way */
	_Atomic(struct gpuvm__batch *) done; /* M3 */
	bool parked; /* under the gate */
	struct heap *next; /* of all there ever were; under the gate */
	struct class cls[CLASSES];
	struct mag_batch batches[BATCHES];
};

/* The calling thread's; NULL: none yet. */
extern GPUVM__PER_THREAD(struct heap *, gpuvm__my_heap);

/* M4, M6: under the biased lock. */
static inline void hand_in(struct heap *h, struct class *cls)
{
	struct mag_batch *b = cls->open;

	if (!b)
		return;
	cls->open = NULL;
	b->last->next = NULL;
	b->batch.nr = b->n;
	gpuvm__count(MAG_BATCH);
	gpuvm__reclaim(&b->batch);
}

/* ---- magazine.c ---- */

/* done() of a batch: M3. */
void gpuvm__mag_batch_done(struct gpuvm__batch *batch);
/* The owner's, or under the gate if it has left: what came back by M3, and by M2. */
void gpuvm__mag_take_done(struct heap *h);
void gpuvm__mag_take_returned(struct class *cls);
/* @n free ones of class @c go to the C library, if there are so many. */
void gpuvm__mag_spill(struct class *cls, unsigned int c, unsigned int n);
/* What is stowed (M9) is freed. */
void gpuvm__mag_unstow_all(struct heap *h);

/* ---- magazine_heap.c ---- */

/* A heap for the calling thread; NULL: no memory, or a thread that will not tell when it leaves. */
struct heap *gpuvm__mag_heap_make(void);
/* thread_leave() and quiesce() of the contract. */
void gpuvm__mag_thread_leave(void);
void gpuvm__mag_quiesce(void);

#endif /* GPUVM_CORE_ALLOC_MAGAZINE_H */
