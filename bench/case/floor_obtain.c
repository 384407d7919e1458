/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * floor_obtain.c - the least an obtain and its put can cost: an RCU section with one hash probe and one atomic
 * increment in it, then one atomic decrement.
 *
 * Written here by hand, on liburcu's inlined read side: no core code runs. It is what list strategies are measured
 * against (their hits may take at most 1.10 times as long), so it must stay minimal but honest: the table is really
 * probed, as nothing about the key is known to the compiler.
 */
#define _LGPL_SOURCE
#define URCU_INLINE_SMALL_FUNCTIONS
#define URCU_API_MAP
#if defined(GPUVM_RCU_QSBR)
#include <urcu/urcu-qsbr.h>
#elif defined(GPUVM_RCU_MB)
#include <urcu/urcu-mb.h>
#elif defined(GPUVM_RCU_BP)
#include <urcu/urcu-bp.h>
#else
#include <urcu/urcu-memb.h>
#endif
#include <errno.h>
#include <stdlib.h>

#include "../case.h"

#define SLOTS 8u

struct object {
	const void *key;
	_Alignas(BENCH_LINE) atomic_uint count;
};

struct table {
	_Alignas(BENCH_LINE) struct object *_Atomic slot[SLOTS];
	struct object object;
	const void *key;
};

static unsigned int hash(const void *key)
{
	return (unsigned int)(((uintptr_t)key * 0x9e3779b97f4a7c15u) >> 61);
}

static int setup(struct bench_ctx *ctx)
{
	struct table *t = aligned_alloc(BENCH_LINE, sizeof(*t));

	ctx->state = t;
	if (!t)
		return -ENOMEM;
	*t = (struct table){ .key = t, .object = { .key = t, .count = 1 } };
	atomic_store(&t->slot[hash(t->key)], &t->object);
	return 0;
}

static struct object *find(struct table *t, const void *key)
{
	struct object *o;
	unsigned int i;

	for (i = hash(key);; i = (i + 1) % SLOTS) {
		o = atomic_load_explicit(&t->slot[i], memory_order_acquire);
		if (!o || o->key == key)
			return o;
	}
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct table *t = ctx->state;
	const void *key = t->key;
	struct object *o;

	for (; n; n--) {
		__asm__ volatile("" : "+r"(key), "+r"(t));
		rcu_read_lock();
		o = find(t, key);
		if (o)
			atomic_fetch_add_explicit(&o->count, 1, memory_order_relaxed);
		rcu_read_unlock();
		if (!o || atomic_fetch_sub_explicit(&o->count, 1, memory_order_release) == 1) {
			bench_fail(ctx, "the object vanished");
			return;
		}
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct table *t = ctx->state;

	if (atomic_load(&t->object.count) != 1)
		bench_fail(ctx, "count is %u, must be 1", atomic_load(&t->object.count));
}

static void teardown(struct bench_ctx *ctx)
{
	free(ctx->state);
}

const struct bench_case bench_case_floor_obtain = {
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
