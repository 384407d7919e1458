/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * busted.c - hangs, for tests/stress.sh to see the watchdog bark. The seed says where: 0 in set-up, 1 in one thread's step,
 * 2 when that thread is told to rest, 3 in the check at rest, 4 in teardown.
 */
#include <unistd.h>

#include "../stress.h"

static void maybe_hang(const struct stress *s, uint64_t here)
{
	while (s->seed == here)
		pause();
}

static int setup(struct stress *s)
{
	maybe_hang(s, 0);
	return 0;
}

static void step(struct stress_thread *t)
{
	stress_op(t, "a step", 0, 0, 0);
	if (t->index == 0)
		maybe_hang(t->s, 1);
}

static void settle(struct stress_thread *t)
{
	if (t->index == 0 && t->nr_ops)
		maybe_hang(t->s, 2);
}

static void check(struct stress *s)
{
	maybe_hang(s, 3);
}

static void teardown(struct stress *s)
{
	maybe_hang(s, 4);
}

const struct stress_scenario stress_busted = {
	.setup = setup,
	.step = step,
	.settle = settle,
	.check = check,
	.teardown = teardown,
};
