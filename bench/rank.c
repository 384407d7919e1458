/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rank.c - see rank.h.
 */
#include "rank.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "machine.h"
#include "summary.h"

#define MAX_RANKED 256 /* alternatives at a point, as in run.c */
#define SAME 0.005 /* counters per operation that differ by less explain nothing */

/* One alternative at one point. */
struct ranked {
	const struct bench *b;
	struct summary s;
	unsigned int place;
};

/* A point's alternatives, fastest first. */
struct point {
	struct ranked r[MAX_RANKED];
	unsigned int nr;
	const struct bench *linux;
	double linux_ns;
};

/* One alternative over all points. */
struct standing {
	const char *strategy;
	unsigned int points, first;
	double logs, best, worst; /* ratios to linux; logs: sum of logarithms */
};

struct standings {
	struct standing s[MAX_RANKED];
	unsigned int nr, points;
};

static int by_time(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->s.median < y->s.median ? -1 : x->s.median > y->s.median;
}

/* 1, 1, 3: a place is shared with whom it cannot be told apart from. */
static void give_places(struct point *p)
{
	unsigned int i, leader = 0;

	for (i = 0; i < p->nr; i++) {
		if (p->r[i].s.q1 > p->r[leader].s.q3)
			leader = i;
		p->r[i].place = leader + 1;
	}
}

static void rank_group(struct point *p, const struct bench *b, size_t nr)
{
	p->nr = 0;
	p->linux = group_linux(b, nr);
	p->linux_ns = p->linux ? summarise(p->linux).median : 0;
	for (; nr && p->nr < MAX_RANKED; b++, nr--)
		if (bench_measured(b))
			p->r[p->nr++] = (struct ranked){ .b = b, .s = summarise(b) };
	qsort(p->r, p->nr, sizeof(p->r[0]), by_time);
	give_places(p);
}

/* ---- why: the counters ---- */

static double counter(const struct bench *b, enum gpuvm_stat stat)
{
	uint64_t sum = 0, ops = 0;
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		sum += b->window[i].stats.v[stat];
		ops += b->window[i].ops;
	}
	return (double)sum / (double)ops;
}

/* Linux's own code has no counters of ours. */
static bool tells(const struct point *p, enum gpuvm_stat stat)
{
	double v, low = INFINITY, high = -INFINITY;
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		if (p->r[i].b->peer)
			continue;
		v = counter(p->r[i].b, stat);
		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	return high - low > SAME;
}

static void print_why(const struct point *p, const struct bench *b)
{
	const char *sep = "  ";
	unsigned int i;
	double v;

	for (i = 0; !b->peer && i < GPUVM_STAT_COUNT; i++) {
		if (!tells(p, (enum gpuvm_stat)i))
			continue;
		v = counter(b, (enum gpuvm_stat)i);
		if (v <= SAME)
			continue;
		printf("%s%s %.3g", sep, gpuvm_stat_name(i), v);
		sep = ", ";
	}
}

/* ---- one point ---- */

static double median_fairness(const struct bench *b)
{
	double v[1000], t;
	unsigned int i, k;

	for (i = 0; i < b->nr && i < 1000; i++) {
		t = b->window[i].fairness;
		for (k = i; k && v[k - 1] > t; k--)
			v[k] = v[k - 1];
		v[k] = t;
	}
	return v[i / 2];
}

static int widest(const struct plan *plan)
{
	size_t i, len, width = strlen("strategy");

	for (i = 0; i < plan->nr; i++) {
		len = strlen(plan->b[i].strategy);
		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_row(const struct point *p, unsigned int i, int width, bool color)
{
	const struct ranked *r = &p->r[i];
	bool shared = (i && p->r[i - 1].place == r->place) || (i + 1 < p->nr && p->r[i + 1].place == r->place);
	char ns[24], ratio[24] = "-", p99[24] = "-";
	struct latencies l = latencies(r->b);
	const char *paint = !color ? "" : r->place == 1 ? GREEN : r->b == p->linux ? BOLD : "";

	cell_number(ns, sizeof(ns), r->s.median);
	if (p->linux)
		cell_ratio(ratio, sizeof(ratio), r->s.median / p->linux_ns);
	if (l.samples)
		cell_number(p99, sizeof(p99), l.p99);
	printf("  %4u%s %s%-*s%s %9s %6.1f%% %9s %8.2f %9s", r->place, shared ? "=" : " ", paint, width, r->b->strategy,
	       *paint ? PLAIN : "", ns, 100 * (r->s.q3 - r->s.q1) / r->s.median, r->b == p->linux ? "1 =" : ratio,
	       median_fairness(r->b), p99);
	print_why(p, r->b);
	putchar('\n');
}

static void print_point(const struct point *p, int width, bool color)
{
	unsigned int i;

	printf("\n%s%s%s%s%s\n", color ? BOLD : "", p->r[0].b->case_name, *p->r[0].b->point ? " " : "",
	       p->r[0].b->point, color ? PLAIN : "");
	printf("  place %-*s %9s %7s %9s %8s %9s  %s\n", width, "strategy", "ns/op", "spread", "vs linux", "fairness",
	       "p99 ns", "counters per operation that differ");
	for (i = 0; i < p->nr; i++)
		print_row(p, i, width, color);
}

/* ---- all points ---- */

static struct standing *standing_of(struct standings *all, const char *strategy)
{
	unsigned int i;

	for (i = 0; i < all->nr; i++)
		if (!strcmp(all->s[i].strategy, strategy))
			return &all->s[i];
	if (all->nr == MAX_RANKED)
		return NULL;
	all->s[all->nr] = (struct standing){ .strategy = strategy, .best = INFINITY };
	return &all->s[all->nr++];
}

static void count_point(struct standings *all, const struct point *p)
{
	struct standing *s;
	unsigned int i;
	double ratio;

	if (!p->linux)
		return;
	all->points++;
	for (i = 0; i < p->nr; i++) {
		s = standing_of(all, p->r[i].b->strategy);
		if (!s)
			continue;
		ratio = p->r[i].s.median / p->linux_ns;
		s->points++;
		s->first += p->r[i].place == 1;
		s->logs += log(ratio);
		s->best = ratio < s->best ? ratio : s->best;
		s->worst = ratio > s->worst ? ratio : s->worst;
	}
}

/* Those that were measured everywhere before the others: a mean over easy points only would flatter. */
static int by_mean(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;

	if (x->points != y->points)
		return x->points < y->points ? 1 : -1;
	return x->logs < y->logs ? -1 : x->logs > y->logs;
}

static void print_standings(struct standings *all, int width)
{
	char mean[24], best[24], worst[24];
	const struct standing *s;

	if (all->points < 2)
		return;
	qsort(all->s, all->nr, sizeof(all->s[0]), by_mean);
	printf("\nall %u points together\n", all->points);
	printf("        %-*s %9s %9s %9s %12s\n", width, "strategy", "vs linux", "best", "worst", "in front in");
	for (s = all->s; s < all->s + all->nr; s++) {
		cell_ratio(mean, sizeof(mean), exp(s->logs / s->points));
		cell_ratio(best, sizeof(best), s->best);
		cell_ratio(worst, sizeof(worst), s->worst);
		printf("        %-*s %9s %9s %9s %6u of %2u\n", width, s->strategy, mean, best, worst, s->first,
		       s->points);
	}
}

static void explain(void)
{
	puts("\nplace: by the median; shared (=) where the quartiles overlap with those of the first of that place."
	     "\nvs linux: ratio to the row with upstream's strategies (1 =); over all points their geometric mean; below 1 is faster."
	     "\nspread: interquartile range over median. fairness: slowest thread's rate over the fastest's."
	     "\np99: of sampled operations, from when each was due (docs/benchmarks.md); - where the case takes none.");
	if (machine_cpus() < 4)
		printf("This host has %u CPUs: no scaling curve can be concluded from the thread counts above.\n",
		       machine_cpus());
}

void rank_print(const struct plan *plan, bool color)
{
	struct standings *all = calloc(1, sizeof(*all));
	struct point *p = calloc(1, sizeof(*p));
	int width = widest(plan);
	size_t i, nr;

	for (i = 0; all && p && i < plan->nr; i += nr) {
		nr = group_size(&plan->b[i], plan->nr - i);
		rank_group(p, &plan->b[i], nr);
		if (p->nr < 2)
			continue;
		print_point(p, width, color);
		count_point(all, p);
	}
	if (all)
		print_standings(all, width);
	explain();
	free(all);
	free(p);
}
