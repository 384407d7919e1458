/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * run.h - measures a plan: the alternatives of a group interleaved, window by window, in random order.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

struct engine;
struct journal;
struct status;

/**
 * struct run - a plan being measured
 * @plan: what
 * @o: how
 * @engine: by whom
 * @journal: where each window goes at once, or NULL
 * @status: the progress line
 * @next: first benchmark of the plan that was not measured yet
 * @rng: decides the order
 */
struct run {
	struct plan *plan;
	const struct options *o;
	struct engine *engine;
	struct journal *journal;
	struct status *status;
	size_t next;
	uint64_t rng;
};

/**
 * run_until() - measure all groups up to and including that of plan->b[@index], or, once stop_asked(), no further than the
 * window in flight
 */
void run_until(struct run *run, size_t index);

#endif /* BENCH_RUN_H */
