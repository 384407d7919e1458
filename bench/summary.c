/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * summary.c - medians and quartiles.
 */
#include "summary.h"

#include <stdlib.h>

#include "latency.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between the two values next to the place, by the distance to them. */
static double quantile(const double *sorted, unsigned int n, double q)
{
	double place = q * (n - 1);
	unsigned int below = (unsigned int)place;
	double part = place - below;

	return below + 1 < n ? sorted[below] * (1 - part) + sorted[below + 1] * part : sorted[below];
}

static void sort(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), by_value);
}

static void times(const struct bench *b, double *v, struct summary *s)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		v[i] = b->window[i].ns_per_op;
	sort(v, b->nr);
	s->median = quantile(v, b->nr, 0.5);
	s->q1 = quantile(v, b->nr, 0.25);
	s->q3 = quantile(v, b->nr, 0.75);
	for (i = 0; i < b->nr; i++)
		v[i] = b->window[i].cpu_ns_per_op;
	sort(v, b->nr);
	s->cpu = quantile(v, b->nr, 0.5);
	for (i = 0; i < b->nr; i++)
		v[i] = b->window[i].ops_per_second;
	sort(v, b->nr);
	s->ops_per_second = quantile(v, b->nr, 0.5);
}

struct summary summarise(const struct bench *b)
{
	double *v = malloc(b->nr * sizeof(*v));
	uint64_t ops = 0, allocs = 0, bytes = 0;
	struct summary s = { 0 };
	unsigned int i;

	if (!v || !b->nr)
		abort();
	times(b, v, &s);
	free(v);
	for (i = 0; i < b->nr; i++) {
		ops += b->window[i].ops;
		allocs += b->window[i].stats.v[GPUVM_STAT_ALLOC];
		bytes += b->window[i].stats.v[GPUVM_STAT_ALLOC_BYTES];
	}
	s.allocs_per_op = (double)allocs / (double)ops;
	s.bytes_per_op = (double)bytes / (double)ops;
	return s;
}

struct latencies latencies(const struct bench *b)
{
	struct latency_counts all = { { 0 } };
	struct latencies l = { 0 };
	unsigned int i;

	if (!b->c->tail)
		return l;
	for (i = 0; i < b->nr; i++)
		latency_unpack(&all, b->window[i].latency);
	l.samples = latency_total(&all);
	l.p50 = (double)latency_quantile(&all, 0.5);
	l.p99 = (double)latency_quantile(&all, 0.99);
	l.max = (double)latency_quantile(&all, 1);
	l.p999 = l.samples < 1000 ? 0 : (double)latency_quantile(&all, 0.999);
	return l;
}

double per_op(const struct bench_window *w, enum gpuvm_stat stat)
{
	return (double)w->stats.v[stat] / (double)w->ops;
}
