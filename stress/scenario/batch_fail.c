/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * batch_fail.c - as bind_oracle, with bind arrays over the regions of a thread, between which other threads' regions lie;
 * and one callback in thirty fails. A request or array that fails leaves every page as it was, and each step it had given
 * is taken back, while other threads bind, in arrays too, in the same leaves and beyond.
 */
#include "../world.h"

static int setup(struct stress *s)
{
	static const struct regions_plan plan = {
		.gems = 2, .per_thread = 6, .pages = 24, .fail_one_in = 30, .array = 16
	};

	return regions_setup(s, &plan);
}

const struct stress_scenario stress_batch_fail = {
	.setup = setup,
	.step = regions_step,
	.check = regions_check,
	.teardown = regions_teardown,
};
