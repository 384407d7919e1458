/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * verdict.c - counting who won, and saying it.
 */
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "summary.h"

#define NAMED 3 /* of those in front, in the sentence */

static struct verdict_row *row_of(struct verdict *v, const char *strategy)
{
	unsigned int i;

	for (i = 0; i < v->nr; i++)
		if (!strcmp(v->row[i].strategy, strategy))
			return &v->row[i];
	if (v->nr == VERDICT_MAX)
		return NULL;
	v->row[v->nr] = (struct verdict_row){ .strategy = strategy };
	return &v->row[v->nr++];
}

static const struct bench *best_of(const struct bench *b, size_t nr, size_t *alternatives)
{
	const struct bench *best = NULL;
	size_t i;

	*alternatives = 0;
	for (i = 0; i < nr; i++) {
		if (!bench_measured(&b[i]))
			continue;
		++*alternatives;
		if (!best || summarise(&b[i]).median < summarise(best).median)
			best = &b[i];
	}
	return best;
}

static bool in_front(const struct bench *b, const struct bench *best)
{
	return bench_measured(b) && (b == best || summarise(b).q1 <= summarise(best).q3);
}

static void count_win(struct verdict_row *r, const struct bench *best, const struct bench *linux)
{
	double ratio = linux && best != linux ? summarise(best).median / summarise(linux).median : 0;

	r->best = r->best && r->best < ratio ? r->best : ratio;
	r->worst = r->worst > ratio ? r->worst : ratio;
	r->won++;
}

void verdict_count(struct verdict *v, const struct bench *b, size_t nr, const struct bench *linux)
{
	size_t alternatives, front = 0, i;
	const struct bench *best = best_of(b, nr, &alternatives);
	struct verdict_row *r;

	if (alternatives < 2)
		return;
	v->groups++;
	for (i = 0; i < nr; i++)
		front += in_front(&b[i], best);
	if (front == 1) {
		r = row_of(v, best->strategy);
		if (r)
			count_win(r, best, linux);
		return;
	}
	v->undecided++;
	for (i = 0; i < nr; i++) {
		r = in_front(&b[i], best) ? row_of(v, b[i].strategy) : NULL;
		if (r)
			r->front++;
	}
}

static int by_record(const void *a, const void *b)
{
	const struct verdict_row *x = a, *y = b;

	if (x->won != y->won)
		return x->won < y->won ? 1 : -1;
	return x->front < y->front ? 1 : x->front > y->front ? -1 : 0;
}

static int by_front(const void *a, const void *b)
{
	const struct verdict_row *x = a, *y = b;

	return x->front < y->front ? 1 : x->front > y->front ? -1 : 0;
}

static bool print_winners(struct verdict *v)
{
	const struct verdict_row *r;
	bool any = false;

	qsort(v->row, v->nr, sizeof(*v->row), by_record);
	for (r = v->row; r < v->row + v->nr && r->won; r++) {
		printf("%s%s is fastest in %u of %u", any ? "; " : "", r->strategy, r->won, v->groups);
		if (r->worst > r->best)
			printf(", at %.2gx to %.2gx the time of linux", r->best, r->worst);
		else if (r->worst > 0)
			printf(", at %.2gx the time of linux", r->worst);
		any = true;
	}
	return any;
}

static void print_undecided(struct verdict *v)
{
	unsigned int i, more = 0;

	printf("%u of %u too close to call (quartiles overlap); in front there:", v->undecided, v->groups);
	qsort(v->row, v->nr, sizeof(*v->row), by_front);
	for (i = 0; i < v->nr && v->row[i].front; i++) {
		if (i < NAMED)
			printf("%s %s (%u)", i ? "," : "", v->row[i].strategy, v->row[i].front);
		else
			more++;
	}
	if (more)
		printf(" and %u more", more);
}

void verdict_print(struct verdict *v)
{
	if (!v->groups)
		return;
	printf("\n  ");
	if (print_winners(v) && v->undecided)
		printf("; ");
	if (v->undecided)
		print_undecided(v);
	puts(".");
}
