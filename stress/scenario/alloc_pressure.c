/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * alloc_pressure.c - as bind_oracle, and one allocation in twenty fails (or as --fail-alloc says): nothing changes when it
 * does, nothing leaks.
 */
#include "../world.h"

static int setup(struct stress *s)
{
	static const struct regions_plan plan = { .gems = 2, .per_thread = 4, .pages = 24 };

	int ret = regions_setup(s, &plan);

	s->fail_one_in = s->fail_one_in ? s->fail_one_in : 20;
	return ret;
}

const struct stress_scenario stress_alloc_pressure = {
	.setup = setup,
	.step = regions_step,
	.check = regions_check,
	.teardown = regions_teardown,
	.debug_only = true,
};
