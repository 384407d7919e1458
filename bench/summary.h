/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * summary.h - a benchmark's windows in a few numbers.
 */
#ifndef BENCH_SUMMARY_H
#define BENCH_SUMMARY_H

#include "plan.h"

/**
 * struct summary - over all windows of one benchmark
 * @median, @q1, @q3: of ns_per_op
 * @cpu: median of cpu_ns_per_op
 * @ops_per_second: median
 * @allocs_per_op, @bytes_per_op: total over total: exact
 */
struct summary {
	double median;
	double q1, q3;
	double cpu;
	double ops_per_second;
	double allocs_per_op;
	double bytes_per_op;
};

/** summarise() - of @b, which has at least one window */
struct summary summarise(const struct bench *b);

/**
 * struct latencies - of all windows' samples together, in ns
 * @samples: how many; 0: the case takes none
 * @p50, @p99: half, and 99 of 100, are at most this
 * @p999: 999 of 1000; 0 with fewer than 1000 samples
 * @max: all
 */
struct latencies {
	uint64_t samples;
	double p50, p99, p999, max;
};

/** latencies() - of @b */
struct latencies latencies(const struct bench *b);

/** per_op() - a counter of one window, per operation */
double per_op(const struct bench_window *w, enum gpuvm_stat stat);

#endif /* BENCH_SUMMARY_H */
