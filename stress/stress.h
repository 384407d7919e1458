/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * stress.h - the contract between a stress scenario and the runner.
 *
 * A scenario is one file, scenario/NAME.c, that ends in `const struct stress_scenario stress_NAME = { ... }`, and one
 * line in catalogue.def. scenario/obtain_storm.c is the shortest one to copy.
 *
 *   T1  setup() builds the world on the main thread, for s->threads threads, from s->seed alone.
 *   T2  step(t) does a bounded piece of work (well under a millisecond) on thread @t, checking what it can at every step.
 *       It is called over and over from all threads at once; it draws randomness from t->rng only, says what it is about
 *       to do with stress_op(), and reports a violation with stress_fail().
 *   T3  settle(t), if there is one, is called on each thread when it is told to rest: give back what step() holds, so that
 *       check() sees a quiescent world. step() may follow.
 *   T4  check() is called on the main thread while all threads rest: what must hold at quiescence.
 *   T5  teardown() frees everything, also after a setup() that failed half-way. The runner then checks that nothing is
 *       alive any more.
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <gpuvm/gpuvm.h>

#include "../bench/rng.h"

#define STRESS_OPS_KEPT 16
#define STRESS_MAX_THREADS 256

/* One remembered operation, formatted only if something fails. */
struct stress_op {
	const char *fmt; /* takes three uint64_t as PRIu64 */
	uint64_t arg[3];
};

struct stress;

/**
 * struct stress_thread - one worker
 * @s: the run
 * @index: 0 .. s->threads - 1
 * @rng: its random numbers
 * @ops: operations done; the watchdog looks at it
 * @data: the scenario's own
 * @op: ring of the last operations; @nr_ops counts all
 */
struct stress_thread {
	struct stress *s;
	unsigned int index;
	uint64_t rng;
	_Atomic uint64_t ops;
	void *data;
	struct stress_op op[STRESS_OPS_KEPT];
	_Atomic uint64_t nr_ops;
};

/**
 * struct stress - one run: a scenario on one choice of strategies
 * @dev: the device under test
 * @vm_flags: GPUVM_VM_*, the lock mode drawn for this run
 * @seed: of this run
 * @threads: how many workers
 * @thread: the workers
 * @fail_one_in: an allocation in so many fails; 0: none
 * @data: the scenario's own
 * @failed: somebody called stress_fail()
 */
struct stress {
	struct gpuvm_device *dev;
	uint32_t vm_flags;
	uint64_t seed;
	unsigned int threads;
	struct stress_thread *thread;
	uint32_t fail_one_in;
	void *data;
	_Atomic bool failed;
};

/**
 * struct stress_scenario - see T1 to T5
 * @min_threads: it makes no sense with fewer
 * @debug_only: it needs what only the debug build can do
 */
struct stress_scenario {
	int (*setup)(struct stress *s);
	void (*step)(struct stress_thread *t);
	void (*settle)(struct stress_thread *t);
	void (*check)(struct stress *s);
	void (*teardown)(struct stress *s);
	unsigned int min_threads;
	bool debug_only;
};

/** stress_fail() - report a violation; the first one of a run is kept, with the last operations of every thread */
__attribute__((format(printf, 2, 3))) void stress_fail(struct stress *s, const char *fmt, ...);

/* Remember an operation; counts as progress. @text is a string literal. */
static inline void stress_op(struct stress_thread *t, const char *text, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t n = atomic_load_explicit(&t->nr_ops, memory_order_relaxed);

	t->op[n % STRESS_OPS_KEPT] = (struct stress_op){ text, { a, b, c } };
	atomic_store_explicit(&t->nr_ops, n + 1, memory_order_release);
	atomic_store_explicit(&t->ops, atomic_load_explicit(&t->ops, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Before a call that may run out of memory: draws whether it will (--fail-alloc). Undone by stress_alloc_ok(). */
void stress_alloc_may_fail(struct stress_thread *t);
void stress_alloc_ok(struct stress_thread *t);

#endif /* STRESS_STRESS_H */
