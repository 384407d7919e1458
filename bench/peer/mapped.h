/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mapped.h - bench/mapped.h for the peer: one VM with many mappings, the same slots in the same order. */
#ifndef BENCH_PEER_MAPPED_H
#define BENCH_PEER_MAPPED_H

#include "../mapped.h"
#include "world.h"

struct peer_mapped_thread {
	_Alignas(BENCH_LINE) struct mapped_ring unmapped, mapped;
	uint32_t nr_slots, first;
	struct peer_gem *const *gem;
};

struct peer_mapped {
	struct peer_world w;
	struct peer_mapped_thread *t;
	unsigned int nr_threads;
	uint64_t held; /* mappings outside timed sections */
};

/** peer_mapped_create() - as mapped_create() */
int peer_mapped_create(struct bench_ctx *ctx, struct peer_mapped *m, uint64_t filled, uint32_t spare);

/** peer_mapped_destroy() - free it; fails the benchmark if the number of mappings is not what it must be */
void peer_mapped_destroy(struct bench_ctx *ctx, struct peer_mapped *m);

/** peer_mapped_bind(), peer_mapped_unbind() - one whole operation. Return: 0 or -errno. */
int peer_mapped_bind(struct peer_mapped *m, struct peer_mapped_thread *t);
int peer_mapped_unbind(struct peer_mapped *m, struct peer_mapped_thread *t);

/** peer_mapped_verify() - the VM has the mappings it must have, and nothing was warned of */
void peer_mapped_verify(struct bench_ctx *ctx, struct peer_mapped *m);

/** peer_mapped_setup(), _binds(), _unbinds(), _check(), _teardown() - B1 to B5, as those of bench/mapped.h */
int peer_mapped_setup(struct bench_ctx *ctx, uint64_t filled, uint32_t spare);
void peer_mapped_binds(struct bench_ctx *ctx, unsigned int thread, uint64_t n);
void peer_mapped_unbinds(struct bench_ctx *ctx, unsigned int thread, uint64_t n);
void peer_mapped_check(struct bench_ctx *ctx, const struct bench_window *w);
void peer_mapped_teardown(struct bench_ctx *ctx);

/** peer_mapped_many() - B2 of other operations: @n times @op, called @what should it fail */
void peer_mapped_many(struct bench_ctx *ctx, unsigned int thread, uint64_t n, const char *what,
		      int (*op)(struct peer_mapped *m, struct peer_mapped_thread *t));

#endif /* BENCH_PEER_MAPPED_H */
