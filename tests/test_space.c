/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_space.c - what the address-space strategies promise beyond right answers (those: test_oracle.c): a mapping that only
 * touches a request is left alone, and what a driver's callback can count on while its request is under way.
 *
 * space:busted is run too: a test that it passes would prove nothing.
 */
#include "trace.h"
#include "world.h"

enum {
	PAGES = 64
};

static struct run {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_sm sm;
} the_run;

static int setup(void **state)
{
	struct run *r = *state;

	t_world_make(&r->w, &r->config);
	t_world_obtain(&r->w);
	r->trace = (struct t_trace){ .gems = r->w.gem, .nr_gems = T_GEMS };
	r->sm.priv = &r->trace;
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
	t_world_end(&r->w);
	return 0;
}

/* ---- touching ---- */

/* Pages 8 and 9, with a neighbour on both sides, unmapped: how many steps is that? */
static unsigned int steps_of_touched(struct run *r)
{
	struct t_state before, after;

	t_insert(&r->w, 0, 0, 8, 0);
	t_insert(&r->w, 1, 8, 2, 0);
	t_insert(&r->w, 2, 10, 6, 0);
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_UNMAP_VAS));
	t_state_read(&r->trace, r->w.vm, &before);
	t_lock(&r->w);
	t_ok(gpuvm_sm_unmap(r->w.vm, 8 * T_PAGE, 2 * T_PAGE, &r->sm));
	t_unlock(&r->w);
	t_state_read(&r->trace, r->w.vm, &after);
	assert_int_equal(before.n, 3);
	before.piece[1] = before.piece[2];
	before.n = 2;
	assert_true(t_state_equal(&after, &before));
	return r->trace.n;
}

static void what_touches_is_left_alone(void **state)
{
	assert_int_equal(steps_of_touched(*state), 1);
}

/* The state is right all the same: only the steps tell. */
static void busted_cuts_what_touches(void **state)
{
	assert_int_not_equal(steps_of_touched(*state), 1);
}

#define CASE(fn)                                   \
	{                                          \
#fn, fn, setup, teardown, &the_run \
	}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest good[] = { CASE(what_touches_is_left_alone) };
	const struct CMUnitTest bad[] = { CASE(busted_cuts_what_touches) };
	bool busted = !strcmp(config->space, "busted");
	char group[160];

	the_run.config = *config;
	snprintf(group, sizeof(group), "space/%s", t_config_name(config));
	return busted ? t_run(group, bad, ARRAY_SIZE(bad)) : t_run(group, good, ARRAY_SIZE(good));
}

int main(void)
{
	const struct t_config base = { .driver = &t_trace_driver, .pages = PAGES };
	struct t_config busted = base;
	int ret = t_each_config(&base, run_config);

	busted.space = "busted";
	busted.flags = GPUVM_VM_IMMEDIATE;
	return run_config(&busted) || ret;
}
