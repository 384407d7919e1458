/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * latency.h - latencies counted in buckets, 64 to an octave: a bucket's bounds lie at most 1.6 % apart, whatever the
 * latency is, and the counts of two windows, runs or machines add up.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_SUB 64u /* per octave */
#define LATENCY_OCTAVES 36u /* up to 2^42 ns, more than an hour; what is longer counts as that */
#define LATENCY_BUCKETS (LATENCY_SUB * (LATENCY_OCTAVES + 1))

/** struct latency_counts - every bucket: fast to count in, large to keep */
struct latency_counts {
	uint32_t n[LATENCY_BUCKETS];
};

/**
 * struct latency - the buckets that are not empty
 * @nr: of them
 * @at: ascending; @upper: the largest latency in ns that counts there
 */
struct latency {
	unsigned int nr;
	struct {
		uint64_t upper;
		uint32_t count;
	} at[];
};

/** latency_bucket() - where @ns counts */
static inline unsigned int latency_bucket(uint64_t ns)
{
	unsigned int shift;

	if (ns < LATENCY_SUB)
		return (unsigned int)ns;
	shift = 57u - (unsigned int)__builtin_clzll(ns); /* leaves 7 bits, the first of them set */
	if (shift >= LATENCY_OCTAVES)
		return LATENCY_BUCKETS - 1;
	return LATENCY_SUB * shift + (unsigned int)(ns >> shift);
}

static inline void latency_count(struct latency_counts *c, uint64_t ns)
{
	c->n[latency_bucket(ns)]++;
}

/** latency_upper() - the largest latency that counts in @bucket */
uint64_t latency_upper(unsigned int bucket);

/** latency_add() - @to gets @from's counts, too */
void latency_add(struct latency_counts *to, const struct latency_counts *from);

/** latency_unpack() - @to gets @from's counts, too (@from may be NULL) */
void latency_unpack(struct latency_counts *to, const struct latency *from);

/** latency_pack() - Return: to be freed; NULL if nothing was counted, or no memory */
struct latency *latency_pack(const struct latency_counts *c);

/** latency_total() - how many were counted */
uint64_t latency_total(const struct latency_counts *c);

/** latency_quantile() - the upper bound of the bucket in which a part @q of all counts is reached; 0 if there are none */
uint64_t latency_quantile(const struct latency_counts *c, double q);

/** latency_json() - {"upper bound in ns": count, ...}; to be freed; NULL if no memory, or @l is NULL */
char *latency_json(const struct latency *l);

#endif /* BENCH_LATENCY_H */
