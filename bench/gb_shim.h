/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * gb_shim.h - Google Benchmark for C: names and callbacks in, its JSON out.
 *
 * One benchmark is one name; one repetition is one measured window, one iteration long, its time given by hand
 * (UseManualTime). The library calls back for each repetition, computes the aggregates and writes its own schema.
 */
#ifndef BENCH_GB_SHIM_H
#define BENCH_GB_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct gb_counter - a number that is reported beside the time; must be finite */
struct gb_counter {
	const char *name;
	double value;
};

/**
 * struct gb_sample - one repetition
 * @real_ns: becomes real_time
 * @cpu_ns: becomes cpu_time
 * @counters: @nr of them
 * @histogram: a JSON object that becomes the row's "histogram_ns", or NULL; valid until the next call
 * @error: in words if the benchmark failed, else NULL
 * @absent: not measured (the run was interrupted): leaves no trace in the report
 */
struct gb_sample {
	double real_ns;
	double cpu_ns;
	const struct gb_counter *counters;
	size_t nr;
	const char *histogram;
	const char *error;
	int absent;
};

/** gb_fn - fill in repetition @repetition (0, 1, ...) */
typedef void gb_fn(void *arg, unsigned int repetition, struct gb_sample *out);

/** gb_register() - add a benchmark; @threads is only reported */
void gb_register(const char *name, unsigned int threads, unsigned int repetitions, gb_fn *fn, void *arg);

/** gb_context() - add a pair to the report's context */
void gb_context(const char *key, const char *value);

/**
 * gb_run() - run everything registered
 * @host: stands for the host's name in the report
 * @size: receives the length
 *
 * Return: the report as JSON, to be freed; NULL if no memory.
 */
char *gb_run(const char *host, size_t *size);

#ifdef __cplusplus
}
#endif

#endif /* BENCH_GB_SHIM_H */
