/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * table.h - the tables a person reads at the end.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "plan.h"

/** table_print() - one table per case on stdout, with a sentence on what won; @color: with colours */
void table_print(const struct plan *plan, bool color);

#endif /* BENCH_TABLE_H */
