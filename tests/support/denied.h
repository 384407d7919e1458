/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * denied.h - every public operation that allocates, as a thread may call it beside others: each knows what its own pages and
 * pairs must look like afterwards, whether it got its memory or not. test_enomem_threads.c denies it.
 */
#ifndef TESTS_DENIED_H
#define TESTS_DENIED_H

#include <pthread.h>
#include <stdatomic.h>

#include "world.h"

enum {
	D_THREADS = 3,
	D_PAGES = 16, /* of each thread */
};

struct d_worker {
	struct d_run *r;
	unsigned int me;
	pthread_t id;
	struct t_rng rng;
	uint64_t nth; /* 0: never denied */
	bool forever;
	uint64_t denied;
	struct gpuvm_exec *exec; /* staged mode: held around an operation that needs it */
	struct gpuvm_bo *bo[T_GEMS];
	uint32_t page[D_PAGES]; /* 0, or 1 + object * D_PAGES + the object's page */
	struct gpuvm_sm sm;
};

struct d_run {
	struct t_config config;
	struct t_world w;
	struct d_worker worker[D_THREADS];
	_Atomic(struct gpuvm_bo *) held[T_GEMS][D_THREADS];
	unsigned long denied, rounds;
};

/**
 * struct d_operation - @run: 0, or -ENOMEM and nothing has changed. @locked: in staged mode the caller holds every reservation.
 */
struct d_operation {
	const char *name;
	int (*run)(struct d_worker *t);
	bool locked;
};

extern const struct d_operation d_operations[];
extern const unsigned int d_nr_operations;

/* What is wrong now would only hang or crash whatever tears it down: prints it and ends the program. */
void d_violation(struct d_worker *t, const char *what, const char *op);

/* 0 <= result < @n, from the thread's own numbers */
unsigned int d_draw(struct d_worker *t, unsigned int n);

/* D2: is page @i of the thread's as it was left? */
bool d_page_is_right(struct d_worker *t, unsigned int i);

/* Every reservation of the world. Return: 0 or -ENOMEM */
int d_lock_all(struct d_run *r, struct gpuvm_exec *exec);

static inline bool d_immediate(const struct d_worker *t)
{
	return t->r->config.flags & GPUVM_VM_IMMEDIATE;
}

#endif /* TESTS_DENIED_H */
