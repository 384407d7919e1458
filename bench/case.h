/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * case.h - the contract between a benchmark case and what runs it. case/skeleton.c.txt is a commented one to copy.
 *
 * A case is one file, case/NAME.c, that ends in `const struct bench_case bench_case_NAME = { ... }`, and one line in
 * catalogue.def. It says what varies (keys); the plan expands that to benchmarks called case/key:value/.../threads:N.
 *
 *   B1  setup() builds everything the benchmark needs, on the main thread. It may be slow: pre-fill, then churn.
 *   B2  run(ctx, thread, n) does exactly n operations on the calling thread and nothing else: it is what is timed.
 *       It is called from ctx->threads threads at once, each with its own index, over and over; n is the same in every
 *       timed call of a window, at most ctx->max_batch. A failed operation calls bench_fail() and returns.
 *   B3  reset(), if there is one, is called after each run() with the same n and is not timed: it undoes what run()
 *       did. Other threads may be inside their run() meanwhile.
 *   B4  verify() is called on the main thread after each window, while the workers rest. It checks what the operations
 *       must have left behind and what the core's exact counters (w->stats, of the timed operations only) must say;
 *       bench_fail() makes the benchmark fail and the program exit with 1.
 *   B5  rest(), if there is one, is called on the main thread after each verify() and once after setup(): whatever the case
 *       runs beside run() has stopped when it returns, and goes on with the next run(). The alternatives of a group are all
 *       set up while one of them is measured.
 *   B6  teardown() frees everything, also after a setup() that failed half-way; it may call bench_fail().
 *
 * Operations come in batches so that neither a clock nor an indirect call is timed with each of them.
 */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <gpuvm/gpuvm.h>

#define BENCH_KEYS 4
#define BENCH_AXES GPUVM_AXIS_PRESET /* list, space, ref, alloc */
#define BENCH_LINE 64

/**
 * struct bench_key - one thing a case varies
 * @name: the key in the benchmark's name; "list", "space", "ref" and "alloc" mean the strategies of that axis
 * @values: the values, separated by spaces; NULL for an axis: every strategy in catalogue.def that is not busted
 * @quick: those of the quick profile; NULL: the same
 */
struct bench_key {
	const char *name;
	const char *values;
	const char *quick;
};

struct bench_ctx;
struct latency;

/**
 * struct bench_window - what one measuring window gave
 * @ops: timed operations, all threads
 * @ns_per_op: time one thread spends per operation, mean over the threads
 * @ops_per_second: all threads together
 * @cpu_ns_per_op: CPU time of the whole process per operation, reclamation by helper threads included
 * @overlap: share of the window during which all threads were measuring
 * @fairness: slowest thread's rate over the fastest's
 * @jain: Jain's index over the threads' rates
 * @stats: the core's counters over exactly the timed operations
 * @apart: the overlap stayed below the limit in every attempt
 * @latency: of sampled single operations, all threads', if the case has a tail; else NULL
 */
struct bench_window {
	uint64_t ops;
	double ns_per_op;
	double ops_per_second;
	double cpu_ns_per_op;
	double overlap;
	double fairness;
	double jain;
	struct gpuvm_stats stats;
	bool apart;
	struct latency *latency;
};

/**
 * struct bench_case - a family of benchmarks; its name is that of its file
 * @keys: what varies, in the order of the name; ends with a NULL name
 * @threads: true if the name ends in threads:N; false: one thread
 * @tail: latencies are of interest: each window goes on for a quarter of its length, in which single operations are sampled
 * @setup: B1. Return: 0; -ENOTSUP: skip; another -errno: fail
 * @run: B2
 * @reset: B3; may be NULL
 * @verify: B4; may be NULL
 * @rest: B5; may be NULL
 * @teardown: B6
 */
struct bench_case {
	struct bench_key keys[BENCH_KEYS + 1];
	bool threads;
	bool tail;
	int (*setup)(struct bench_ctx *ctx);
	void (*run)(struct bench_ctx *ctx, unsigned int thread, uint64_t n);
	void (*reset)(struct bench_ctx *ctx, unsigned int thread, uint64_t n);
	void (*verify)(struct bench_ctx *ctx, const struct bench_window *w);
	void (*rest)(struct bench_ctx *ctx);
	void (*teardown)(struct bench_ctx *ctx);
};

/**
 * struct bench_ctx - one benchmark while it runs
 * @strategy: by enum gpuvm_axis; those the case does not vary come from the base preset
 * @value: by position in the case's keys
 * @keys: the case's keys
 * @threads: how many call run()
 * @pin: the callers are pinned, thread by thread, to the first CPUs
 * @seed: the same in every run with the same --seed
 * @max_batch: set by setup(): most operations in one run(); 0: no limit
 * @batch_unit: set by setup(): n is a multiple of it; 0: any
 * @state: the case's own
 * @failed: set by bench_fail()
 * @why: the first failure, in words
 */
struct bench_ctx {
	const char *strategy[BENCH_AXES];
	const char *value[BENCH_KEYS];
	const struct bench_key *keys;
	unsigned int threads;
	bool pin;
	uint64_t seed;
	uint64_t max_batch;
	uint64_t batch_unit;
	void *state;
	atomic_bool failed;
	char why[160];
};

/** bench_str() - the value of a key the case varies; aborts on a key it does not have */
const char *bench_str(const struct bench_ctx *ctx, const char *key);

/** bench_num() - the same as a number */
uint64_t bench_num(const struct bench_ctx *ctx, const char *key);

/** bench_fail() - this benchmark's result is void; the first call's words are kept. Any thread. */
void bench_fail(struct bench_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** bench_expect() - fail unless a counter has exactly that value */
void bench_expect(struct bench_ctx *ctx, const struct bench_window *w, enum gpuvm_stat stat, uint64_t want);

/** bench_keep() - make the compiler believe that @v is used */
static inline void bench_keep(uint64_t v)
{
	__asm__ volatile("" : : "r"(v) : "memory");
}

#endif /* BENCH_CASE_H */
