/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * cells.h - numbers as the tables print them.
 */
#ifndef BENCH_CELLS_H
#define BENCH_CELLS_H

#include <stddef.h>

#define BOLD "\033[1m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

/** cell_number() - three or four significant digits */
void cell_number(char *to, size_t size, double v);

/** cell_ratio() - "0.45x" */
void cell_ratio(char *to, size_t size, double ratio);

#endif /* BENCH_CELLS_H */
