/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind_disjoint.c - threads bind in far-apart parts of one VM, large enough that the index grows and shrinks below them:
 * splits and merges under parallel writers.
 */
#include "../world.h"

static int setup(struct stress *s)
{
	static const struct regions_plan plan = { .gems = 1, .per_thread = 1, .pages = 4096, .stride = 1u << 16 };

	return regions_setup(s, &plan);
}

const struct stress_scenario stress_bind_disjoint = {
	.setup = setup,
	.step = regions_step,
	.check = regions_check,
	.teardown = regions_teardown,
};
