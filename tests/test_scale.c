/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_scale.c - enough mappings that an index has levels to grow and to lose: put in and taken out in rising, falling and
 * random order, one by one and all at once, with and without memory for the index; and lists of many pairs whose tables
 * cannot grow. On every space, on every list with every ref.
 */
#include "world.h"

/* A tree with nodes of 32 over leaves of 24 has three levels above the leaves. */
#define MAPPINGS (T_SANITIZED ? 14000u : 30000u)

static struct run {
	struct t_config config;
	struct t_world w;
	uint32_t *order; /* slots, in the order of the day */
	bool *mapped;
	uint32_t n; /* slots */
} the_run;

/* Every slot is two pages: one that may be mapped, one that never is. */
static uint64_t page_of(uint32_t slot)
{
	return 1 + 2ull * slot;
}

static void shuffle(struct run *r, struct t_rng *rng)
{
	uint32_t i, k, swap;

	for (i = r->n; i > 1; i--) {
		k = t_below(rng, i);
		swap = r->order[i - 1];
		r->order[i - 1] = r->order[k];
		r->order[k] = swap;
	}
}

static int setup(void **state)
{
	struct run *r = *state;
	uint32_t i;

	r->n = MAPPINGS;
	r->config.pages = page_of(r->n) + 1;
	t_world_make(&r->w, &r->config);
	r->order = calloc(r->n, sizeof(*r->order));
	r->mapped = calloc(r->n, sizeof(*r->mapped));
	assert_true(r->order && r->mapped);
	for (i = 0; i < r->n; i++)
		r->order[i] = i;
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	gpuvm_debug_fail_alloc(0, false);
	free(r->order);
	free(r->mapped);
	t_world_end(&r->w);
	return 0;
}

/* Lookups of each page, and a walk. */
static void check_all(struct run *r)
{
	struct gpuvm_mapping m;
	uint32_t i, want = 0;

	for (i = 0; i < r->n; i++) {
		assert_int_equal(gpuvm_lookup(r->w.vm, page_of(i) * T_PAGE, &m), r->mapped[i]);
		assert_true(!r->mapped[i] || m.addr == page_of(i) * T_PAGE);
		assert_false(gpuvm_lookup(r->w.vm, (page_of(i) + 1) * T_PAGE, &m));
		want += r->mapped[i];
	}
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), want);
}

/* @starved: without memory for the index; then it may say so, and must not have done it. */
static void put_in(struct run *r, uint32_t slot, bool starved)
{
	const struct gpuvm_map_req req = { .addr = page_of(slot) * T_PAGE, .range = T_PAGE };
	struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(r->w.vm);
	int ret;

	assert_non_null(va);
	if (starved)
		gpuvm_debug_fail_alloc(1, true);
	ret = gpuvm_va_insert(r->w.vm, va, &req);
	gpuvm_debug_fail_alloc(0, false);
	if (ret) {
		assert_true(starved);
		assert_int_equal(ret, -ENOMEM);
		gpuvm_va_alloc_destroy(va);
	}
	r->mapped[slot] = !ret;
}

static void take_out(struct run *r, uint32_t slot, bool starved)
{
	struct gpuvm_va_removed *va = NULL;
	int ret;

	if (starved)
		gpuvm_debug_fail_alloc(1, true);
	ret = gpuvm_va_remove(r->w.vm, page_of(slot) * T_PAGE, T_PAGE, &va);
	gpuvm_debug_fail_alloc(0, false);
	if (ret == -ENOENT && !r->mapped[slot])
		return;
	assert_int_equal(ret, 0); /* what takes out puts nothing in: it needs no memory */
	gpuvm_va_removed_free(va);
	r->mapped[slot] = false;
}

static void put_all_in(struct run *r)
{
	uint32_t i;

	for (i = 0; i < r->n; i++)
		put_in(r, r->order[i], false);
	check_all(r);
}

static void empty_again(struct run *r)
{
	check_all(r);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 0);
	assert_true(gpuvm_vm_interval_empty(r->w.vm, 0, r->config.pages * T_PAGE));
}

static void rising_then_all_at_once(void **state)
{
	struct run *r = *state;
	size_t empty = gpuvm_vm_index_bytes(r->w.vm);

	put_all_in(r);
	assert_true(gpuvm_vm_index_bytes(r->w.vm) > empty);
	assert_int_equal(gpuvm_vm_close(r->w.vm, NULL), r->n);
	memset(r->mapped, 0, r->n * sizeof(*r->mapped));
	empty_again(r);
}

static void falling_then_rising(void **state)
{
	struct run *r = *state;
	uint32_t i;

	for (i = 0; i < r->n; i++)
		r->order[i] = r->n - 1 - i;
	put_all_in(r);
	for (i = 0; i < r->n; i++)
		take_out(r, i, false);
	empty_again(r);
}

/* In and out at random, three quarters full at most: leaves fill, split, run dry, merge. */
static void churn(struct run *r, bool starve)
{
	struct t_rng rng = t_rng_make(t_seed());
	uint32_t i;

	shuffle(r, &rng);
	for (i = 0; i < r->n; i++) {
		put_in(r, r->order[i], starve && t_below(&rng, 3));
		if (i % 4 == 3)
			take_out(r, r->order[t_below(&rng, i)], starve && t_below(&rng, 3));
	}
	check_all(r);
	shuffle(r, &rng);
	for (i = 0; i < r->n; i++) {
		take_out(r, r->order[i], starve && t_below(&rng, 3));
		if (i == r->n / 2)
			check_all(r);
	}
	empty_again(r);
}

static void random_order(void **state)
{
	churn(*state, false);
}

/* Twice: what an index owes from the first time is paid in the second. */
static void without_memory(void **state)
{
	struct run *r = *state;

	if (!gpuvm_debug_enabled())
		return;
	churn(r, true);
	churn(r, true);
}

/* Hardly anything is left, so that whole nodes of an index are taken out; then it grows again. */
static void emptied_but_for_a_few(void **state)
{
	struct run *r = *state;
	uint32_t i;

	put_all_in(r);
	for (i = 0; i < r->n; i++)
		if (i % 1000)
			take_out(r, i, false);
	check_all(r);
	for (i = 0; i < r->n; i++)
		if (i % 1000)
			put_in(r, i, false);
	check_all(r);
	assert_int_equal(gpuvm_vm_close(r->w.vm, NULL), r->n);
}

/* ---- lists: pairs of one object with many VMs, of which some are registered while no table can be had ---- */

#define VMS 150

static int setup_list(void **state)
{
	struct run *r = *state;

	t_world_make(&r->w, &r->config);
	return 0;
}

static int teardown_list(void **state)
{
	struct run *r = *state;

	gpuvm_debug_fail_alloc(0, false);
	t_world_end(&r->w);
	return 0;
}

static struct gpuvm_bo *obtain_starved(struct run *r, struct gpuvm_vm *vm, bool starved)
{
	struct gpuvm_bo_alloc *alloc;
	struct gpuvm_bo *bo;

	t_ok(gpuvm_bo_alloc_create(vm, r->w.gem[0], &alloc));
	if (starved)
		gpuvm_debug_fail_alloc(1, true);
	bo = gpuvm_bo_obtain(alloc); /* never fails */
	gpuvm_debug_fail_alloc(0, false);
	return bo;
}

static void find_each(struct run *r, struct gpuvm_vm *const *vm, struct gpuvm_bo *const *bo)
{
	struct gpuvm_bo *pos = NULL;
	unsigned int i, live = 0, seen = 0;

	for (i = 0; i < VMS; i++) {
		struct gpuvm_bo *found = gpuvm_bo_find(vm[i], r->w.gem[0]);

		assert_ptr_equal(found, bo[i]);
		gpuvm_bo_put(found);
		live += bo[i] != NULL;
	}
	while ((pos = gpuvm_gem_next_bo(r->w.gem[0], pos)))
		seen++;
	assert_int_equal(seen, live);
}

/* H5 of list:rcu_hash and its like: found, dropped, and back in a table as soon as there is memory for one. */
static void tables_that_cannot_grow(void **state)
{
	struct run *r = *state;
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags };
	struct t_rng rng = t_rng_make(t_seed());
	struct gpuvm_vm *vm[VMS];
	struct gpuvm_bo *bo[VMS] = { NULL };
	unsigned int i, k, round;

	for (i = 0; i < VMS; i++)
		t_ok(gpuvm_vm_create(r->w.dev, &params, &vm[i]));
	for (round = 0; round < 4; round++) {
		for (i = 0; i < VMS; i++) {
			k = t_below(&rng, VMS);
			if (bo[k])
				assert_ptr_equal(obtain_starved(r, vm[k], true), bo[k]);
			else
				bo[k] = gpuvm_bo_get(obtain_starved(r, vm[k], round < 3 && t_below(&rng, 16)));
			gpuvm_bo_put(bo[k]);
			if (i % 40 == 39)
				find_each(r, vm, bo);
		}
		for (i = 0; i < VMS; i++) {
			if (!bo[i] || t_below(&rng, 2))
				continue;
			assert_true(gpuvm_bo_put(bo[i]));
			bo[i] = NULL;
		}
		find_each(r, vm, bo);
	}
	for (i = 0; i < VMS; i++) {
		if (bo[i])
			assert_true(gpuvm_bo_put(bo[i]));
		gpuvm_vm_put(vm[i]);
	}
}

#define CASE(fn, setup, teardown)                  \
	{                                          \
#fn, fn, setup, teardown, &the_run \
	}

static int run_space(const struct t_config *config)
{
	const struct CMUnitTest tests[] = {
		CASE(rising_then_all_at_once, setup, teardown), CASE(falling_then_rising, setup, teardown),
		CASE(random_order, setup, teardown),		CASE(without_memory, setup, teardown),
		CASE(emptied_but_for_a_few, setup, teardown),
	};
	char group[160];

	if (config->flags != GPUVM_VM_IMMEDIATE || config->external)
		return 0;
	the_run.config = *config;
	snprintf(group, sizeof(group), "scale/%s", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

static int run_list(const struct t_config *config)
{
	const struct CMUnitTest tests[] = { CASE(tables_that_cannot_grow, setup_list, teardown_list) };
	char group[160];

	if (config->flags != GPUVM_VM_IMMEDIATE || !config->external)
		return 0;
	the_run.config = *config;
	snprintf(group, sizeof(group), "scale/list:%s/ref:%s", config->list, config->ref);
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = { .driver = NULL };
	int failed = t_each_config(&base, run_space);

	return t_each_list(&base, run_list) || failed;
}
