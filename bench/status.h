/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * status.h - what is happening and how long it will take, on stderr: one live line on a terminal, else a line per case.
 */
#ifndef BENCH_STATUS_H
#define BENCH_STATUS_H

#include "plan.h"

struct status;

/** status_create() - for @plan, @windows of @window_ns per benchmark. Return: NULL if no memory, which is fine below */
struct status *status_create(const struct plan *plan, unsigned int windows, uint64_t window_ns);

/** status_destroy() - clears the line */
void status_destroy(struct status *s);

/** status_setup() - @b is being set up */
void status_setup(struct status *s, const struct bench *b);

/** status_window() - @b has one window more */
void status_window(struct status *s, const struct bench *b);

/** status_done() - @b is over */
void status_done(struct status *s, const struct bench *b);

/**
 * status_fit() - the measured time per benchmark with which @plan takes @budget_ns, set-up included
 *
 * Between 100 ms and 1 s, whatever the budget: what takes longer than that takes longer.
 */
uint64_t status_fit(const struct plan *plan, uint64_t budget_ns);

/** status_estimate() - nanoseconds that @plan will take, set-up included, by rule of thumb */
uint64_t status_estimate(const struct plan *plan, unsigned int windows, uint64_t window_ns);

#endif /* BENCH_STATUS_H */
