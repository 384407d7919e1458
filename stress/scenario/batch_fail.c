/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * batch_fail.c - as bind_oracle, and one callback in ten fails: a request that fails leaves every page as it was, and each
 * step it had given is taken back, while other threads go on in the same VM.
 */
#include "../world.h"

static int setup(struct stress *s)
{
	static const struct regions_plan plan = { .gems = 2, .per_thread = 2, .pages = 48, .fail_one_in = 10 };

	return regions_setup(s, &plan);
}

const struct stress_scenario stress_batch_fail = {
	.setup = setup,
	.step = regions_step,
	.check = regions_check,
	.teardown = regions_teardown,
};
