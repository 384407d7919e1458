/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * cells.c - see cells.h.
 */
#include "cells.h"

#include <stdio.h>

void cell_number(char *to, size_t size, double v)
{
	int digits = v < 10 ? 2 : v < 1000 ? 1 : 0;

	snprintf(to, size, "%.*f", digits, v);
}

void cell_ratio(char *to, size_t size, double ratio)
{
	snprintf(to, size, "%.*fx", ratio < 0.1 ? 4 : 2, ratio);
}
