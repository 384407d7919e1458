/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * group.c - alternatives for the same work, which stand side by side in a plan.
 */
#include "plan.h"

size_t group_size(const struct bench *b, size_t left)
{
	size_t nr = 1;

	while (nr < left && b[nr].group == b->group)
		nr++;
	return nr;
}

const struct bench *group_linux(const struct bench *b, size_t nr)
{
	for (; nr; b++, nr--)
		if (b->linux && bench_measured(b))
			return b;
	return NULL;
}

bool plan_has_choice(const struct plan *plan)
{
	size_t i;

	for (i = 1; i < plan->nr; i++)
		if (plan->b[i].group == plan->b[i - 1].group)
			return true;
	return false;
}
