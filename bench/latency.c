/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * latency.c - buckets to bounds, quantiles and JSON.
 */
#include "latency.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRY_CHARS 36 /* of one bucket in JSON: two numbers and what is between them */

uint64_t latency_upper(unsigned int bucket)
{
	unsigned int shift = bucket < 2 * LATENCY_SUB ? 0 : bucket / LATENCY_SUB - 1;

	return (((uint64_t)(bucket - LATENCY_SUB * shift) + 1) << shift) - 1;
}

void latency_add(struct latency_counts *to, const struct latency_counts *from)
{
	unsigned int i;

	for (i = 0; i < LATENCY_BUCKETS; i++)
		to->n[i] += from->n[i];
}

void latency_unpack(struct latency_counts *to, const struct latency *from)
{
	unsigned int i;

	for (i = 0; from && i < from->nr; i++)
		to->n[latency_bucket(from->at[i].upper)] += from->at[i].count;
}

struct latency *latency_pack(const struct latency_counts *c)
{
	unsigned int i, nr = 0;
	struct latency *l;

	for (i = 0; i < LATENCY_BUCKETS; i++)
		nr += c->n[i] != 0;
	l = nr ? malloc(sizeof(*l) + nr * sizeof(l->at[0])) : NULL;
	if (!l)
		return NULL;
	l->nr = 0;
	for (i = 0; i < LATENCY_BUCKETS; i++) {
		if (!c->n[i])
			continue;
		l->at[l->nr].upper = latency_upper(i);
		l->at[l->nr++].count = c->n[i];
	}
	return l;
}

uint64_t latency_total(const struct latency_counts *c)
{
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < LATENCY_BUCKETS; i++)
		total += c->n[i];
	return total;
}

uint64_t latency_quantile(const struct latency_counts *c, double q)
{
	uint64_t want = (uint64_t)ceil(q * (double)latency_total(c)), seen = 0;
	unsigned int i;

	want = want ? want : 1;
	for (i = 0; i < LATENCY_BUCKETS; i++) {
		seen += c->n[i];
		if (seen >= want)
			return latency_upper(i);
	}
	return 0;
}

char *latency_json(const struct latency *l)
{
	size_t size, len = 0;
	unsigned int i;
	char *text;

	if (!l)
		return NULL;
	size = 3 + (size_t)l->nr * ENTRY_CHARS;
	text = malloc(size);
	for (i = 0; text && i < l->nr; i++)
		len += (size_t)snprintf(text + len, size - len, "%s\"%" PRIu64 "\": %" PRIu32, i ? ", " : "{",
					l->at[i].upper, l->at[i].count);
	if (text)
		snprintf(text + len, size - len, "}");
	return text;
}
