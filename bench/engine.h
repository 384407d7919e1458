/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * engine.h - the contention engine: a pool of pinned, long-lived threads that measures one window at a time.
 *
 *   WARM     every thread runs the load until the last one has run it for a while
 *   MEASURE  each thread stamps its own start and end and counts its operations in between; one common deadline
 *   TAIL     if the case asks for it: latencies of single operations are sampled, under load (tail.h)
 *   COOL     the load goes on until the last thread has stamped its end, or taken its last sample
 *
 * So no thread is ever timed while another one idles. What is left of that is reported as the window's overlap.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "case.h"

#define ENGINE_BATCH_NS 30000u /* what a batch should take: the clock is read once per batch */

struct engine;

/**
 * struct engine_job - what a window runs
 * @c: the case
 * @ctx: set up
 * @batch: operations per run(), from engine_calibrate()
 * @warm_ns: least time each thread runs the load before it is measured
 * @window_ns: measured time
 */
struct engine_job {
	const struct bench_case *c;
	struct bench_ctx *ctx;
	uint64_t batch;
	uint64_t warm_ns;
	uint64_t window_ns;
};

/** engine_create() - start @threads threads, pinned if @pin. Return: NULL if no memory, or a thread cannot be made. */
struct engine *engine_create(unsigned int threads, bool pin);

/** engine_destroy() - stop and join them */
void engine_destroy(struct engine *e);

/** engine_calibrate() - how many operations make a batch of about ENGINE_BATCH_NS? Uses the first thread alone. */
uint64_t engine_calibrate(struct engine *e, const struct engine_job *job);

/**
 * engine_window() - measure one window with job->ctx->threads threads (at most as many as were made)
 *
 * What was in *@out is lost; its latency is to be freed.
 */
void engine_window(struct engine *e, const struct engine_job *job, struct bench_window *out);

#endif /* BENCH_ENGINE_H */
