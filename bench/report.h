/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * report.h - a run through Google Benchmark: it asks for the repetitions, we measure, it writes the report.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stddef.h>

#include "run.h"

/** report_header() - what the run is, as a JSON object on one line; to be freed */
char *report_header(const struct options *o);

/** report_run() - measure @run's plan. Return: the report as JSON, to be freed; NULL if no memory */
char *report_run(struct run *run, size_t *size);

#endif /* BENCH_REPORT_H */
