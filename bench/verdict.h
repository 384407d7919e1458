/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * verdict.h - what won in a case, in a sentence.
 *
 * An alternative wins a group if its third quartile lies below the first quartile of every other. If there is no such
 * one the group is undecided, and those whose quartiles overlap the best median's are in front together.
 */
#ifndef BENCH_VERDICT_H
#define BENCH_VERDICT_H

#include "plan.h"

#define VERDICT_MAX 256 /* alternatives of one case */

/**
 * struct verdict_row - one alternative's record
 * @won: groups it won
 * @front: undecided groups in which it is in front
 * @best, @worst: ratio to linux where it won; 0: it is linux, or there was none
 */
struct verdict_row {
	const char *strategy;
	unsigned int won, front;
	double best, worst;
};

struct verdict {
	struct verdict_row row[VERDICT_MAX];
	unsigned int nr;
	unsigned int groups, undecided;
};

/** verdict_count() - take in one group: @nr alternatives at @b, and which of them is linux (or NULL) */
void verdict_count(struct verdict *v, const struct bench *b, size_t nr, const struct bench *linux);

/** verdict_print() - the sentence; nothing if no group had alternatives. Sorts @v. */
void verdict_print(struct verdict *v);

#endif /* BENCH_VERDICT_H */
