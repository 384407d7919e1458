/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind_oracle.c - many threads bind and unbind in one VM, each in small regions of its own that lie between the others';
 * every page is compared with what its owner knows, all the time.
 */
#include "../world.h"

static int setup(struct stress *s)
{
	static const struct regions_plan plan = { .gems = 3, .per_thread = 8, .pages = 24 };

	return regions_setup(s, &plan);
}

const struct stress_scenario stress_bind_oracle = {
	.setup = setup,
	.step = regions_step,
	.check = regions_check,
	.teardown = regions_teardown,
};
