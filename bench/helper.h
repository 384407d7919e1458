/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * helper.h - a thread of a case's own that works beside run(), and rests with it.
 *
 * All alternatives of a group are set up while one of them is measured, and another program may have its turn: a helper
 * that went on then would take their CPU.
 */
#ifndef BENCH_HELPER_H
#define BENCH_HELPER_H

#include <pthread.h>

#include "case.h"

/** helper_fn - one piece of work. Return: 0, or -errno: the benchmark fails, and the helper ends. */
typedef int helper_fn(struct bench_ctx *ctx);

/**
 * struct helper - its caller's memory, zeroed before helper_start()
 * @lock: protects @idle and @ended, and the changes of the flags
 * @changed: any of them
 * @resting, @stop: asked for; read by the helper between two pieces, and by run()
 * @idle: it rests, or has ended
 * @ended: for good
 * @started: there is a thread
 */
struct helper {
	pthread_t id;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct bench_ctx *ctx;
	helper_fn *fn;
	atomic_bool resting, stop;
	bool idle, ended;
	bool started;
};

/** helper_start() - from setup(): call @fn over and over on a thread the library knows. Return: 0 or -errno. */
int helper_start(struct helper *h, struct bench_ctx *ctx, helper_fn *fn);

/** helper_rest() - from rest(): returns when the helper has stopped working (at once if it was never started) */
void helper_rest(struct helper *h);

/** helper_wake() - returns when the helper works again */
void helper_wake(struct helper *h);

/** helper_need() - from run(): wake it if it rests */
static inline void helper_need(struct helper *h)
{
	if (atomic_load_explicit(&h->resting, memory_order_relaxed))
		helper_wake(h);
}

/** helper_stop() - from teardown(): end and join it (if it was started) */
void helper_stop(struct helper *h);

#endif /* BENCH_HELPER_H */
