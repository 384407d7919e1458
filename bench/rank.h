/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rank.h - the alternatives of one case in order, and why they are in that order (--rank).
 */
#ifndef BENCH_RANK_H
#define BENCH_RANK_H

#include "plan.h"

/**
 * rank_print() - one table per point of the case, fastest first, then all points together, on stdout; @color: with colours
 *
 * Alternatives share a place if their quartiles overlap with those of the first of that place. The counters shown are those
 * that differ between the alternatives at that point.
 */
void rank_print(const struct plan *plan, bool color);

#endif /* BENCH_RANK_H */
