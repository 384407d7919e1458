/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_bo.c - the pair's life, one thread: every list strategy with every ref strategy, in every lock mode, for local and
 * external objects, against the contract in core/list/list.h (L1 to L6) and the invariants I1 to I4.
 *
 * Not for: two threads (test_smoke.c), what must abort (test_death.c), exec (test_exec.c).
 */
#include "world.h"

static unsigned int allocs, frees;
static int alloc_error;

static int bo_alloc(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	if (alloc_error)
		return alloc_error;
	if (gpuvm_vm_immediate(vm)) /* else the caller may hold reservations */
		assert_int_equal(gpuvm_debug_locks_held(), 0);
	assert_int_equal(*(uint64_t *)data, 0);
	*(uint64_t *)data = 41;
	allocs++;
	return 0;
}

static void bo_free(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	assert_true(*(uint64_t *)data >= 41);
	assert_non_null(gpuvm_gem_resv(gem)); /* both ends are still there */
	assert_non_null(gpuvm_vm_resv(vm));
	*(uint64_t *)data = 0;
	frees++;
}

static const struct gpuvm_driver bo_driver = { .bo_data = 8, .bo_alloc = bo_alloc, .bo_free = bo_free };

struct run {
	struct t_config config;
	struct t_world w;
};

static struct run the_run;

static struct t_world *world(void **state)
{
	return &((struct run *)*state)->w;
}

static bool immediate(const struct t_world *w)
{
	return w->config.flags & GPUVM_VM_IMMEDIATE;
}

/* In staged mode the caller of create holds the reservation or not, as it likes; of obtain, it must. */
static struct gpuvm_bo *obtain(struct t_world *w, struct gpuvm_bo_alloc *alloc)
{
	struct gpuvm_bo *bo;

	t_lock(w);
	bo = gpuvm_bo_obtain(alloc);
	t_unlock(w);
	return bo;
}

static void alloc_is_invisible(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo_alloc *alloc = t_alloc(w, 0);

	assert_int_equal(allocs, 1);
	assert_null(t_find(w, 0));
	assert_int_equal(*(uint64_t *)gpuvm_bo_alloc_data(alloc), 41);
	gpuvm_bo_alloc_destroy(alloc);
	assert_int_equal(frees, 1);
	assert_null(t_find(w, 0));
	assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 0), 0); /* direct, never deferred */
	gpuvm_bo_alloc_destroy(NULL);
}

static void miss_registers(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo_alloc *alloc = t_alloc(w, 0);
	struct gpuvm_bo *bo, *again;

	*(uint64_t *)gpuvm_bo_alloc_data(alloc) = 43;
	bo = obtain(w, alloc);
	assert_int_equal(*(uint64_t *)gpuvm_bo_data(bo), 43);
	assert_ptr_equal(gpuvm_bo_vm(bo), w->vm);
	assert_ptr_equal(gpuvm_bo_gem(bo), w->gem[0]);
	again = t_find(w, 0);
	assert_ptr_equal(again, bo);
	assert_null(t_find(w, 1));
	assert_false(t_put(w, again));
	assert_true(t_put(w, bo)); /* the alloc's reference was the caller's */
	assert_int_equal(frees, 1);
	assert_null(t_find(w, 0));
}

static void hit_destroys_the_alloc(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo *bo = obtain(w, t_alloc(w, 0)), *same;
	uint64_t races = t_stat(GPUVM_STAT_LIST_RACE);

	same = obtain(w, t_alloc(w, 0));
	assert_ptr_equal(same, bo);
	assert_int_equal(frees, 1);
	assert_int_equal(t_stat(GPUVM_STAT_LIST_RACE) - races, 1);
	assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 0), 0);
	assert_false(t_put(w, same));
	assert_true(t_put(w, bo));
	assert_int_equal(frees, 2);
}

static void obtain_hit_allocates_nothing(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo *bo = t_obtain(w, 0), *same = NULL;
	uint64_t before;

	t_lock(w);
	before = t_stat(GPUVM_STAT_ALLOC);
	t_ok(gpuvm_obtain(w->vm, w->gem[0], &same));
	assert_int_equal(t_stat(GPUVM_STAT_ALLOC), before);
	t_unlock(w);
	assert_ptr_equal(same, bo);
	assert_int_equal(allocs, 1);
	assert_ptr_equal(gpuvm_bo_get(bo), bo);
	assert_false(t_put(w, bo));
	assert_false(t_put(w, bo));
	assert_true(t_put(w, bo));
	assert_false(gpuvm_bo_put(NULL));
	assert_false(gpuvm_bo_put_deferred(NULL));
}

static void driver_refuses(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo_alloc *alloc = NULL;
	struct gpuvm_bo *bo = NULL;

	alloc_error = -EACCES;
	t_fails(-EACCES, gpuvm_bo_alloc_create(w->vm, w->gem[0], &alloc));
	t_lock(w);
	t_fails(-EACCES, gpuvm_obtain(w->vm, w->gem[0], &bo));
	t_unlock(w);
	assert_null(alloc);
	assert_null(bo);
	assert_int_equal(frees, 0);
	assert_null(t_find(w, 0));
}

/* I4: with all other references gone, the pair keeps its ends alive. */
static void pair_pins_its_ends(void **state)
{
	struct t_world *w = world(state);
	int64_t gems = t_live_now(GPUVM_TYPE_GEM), vms = t_live_now(GPUVM_TYPE_VM);
	struct gpuvm_bo_alloc *alloc = t_alloc(w, 0);

	gpuvm_gem_put(w->gem[0]);
	gpuvm_vm_put(w->vm);
	assert_int_equal(t_live_now(GPUVM_TYPE_GEM), gems);
	assert_int_equal(t_live_now(GPUVM_TYPE_VM), vms);
	gpuvm_vm_get(w->vm);
	gpuvm_gem_get(w->gem[0]);
	gpuvm_bo_alloc_destroy(alloc);
}

/* ---- deferred put and cleanup (immediate mode) ---- */

static void put_deferred_then_cleanup(void **state)
{
	struct t_world *w = world(state);
	unsigned int i;

	if (!immediate(w))
		return;
	for (i = 0; i < T_GEMS; i++) {
		struct gpuvm_bo *bo = t_obtain(w, i);

		gpuvm_debug_signalling_begin(); /* no allocation, no reservation in there */
		assert_ptr_equal(gpuvm_bo_get(bo), bo);
		assert_false(gpuvm_bo_put_deferred(bo));
		assert_true(gpuvm_bo_put_deferred(bo));
		gpuvm_debug_signalling_end();
		assert_null(t_find(w, i)); /* I3: off the list at once */
	}
	assert_int_equal(frees, 0);
	assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 2), 2);
	assert_int_equal(frees, 2);
	assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 2), 1);
	assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 0), 0);
	assert_int_equal(frees, 3);
}

/* A zombie does not stand in the way of the next pair of the same ends. */
static void rebirth_beside_a_zombie(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo *bo;
	unsigned int i;

	if (!immediate(w))
		return;
	for (i = 0; i < 20; i++) {
		bo = t_obtain(w, 0);
		assert_ptr_equal(t_find(w, 0), bo);
		assert_false(gpuvm_bo_put_deferred(bo));
		assert_true(gpuvm_bo_put_deferred(bo));
		assert_null(t_find(w, 0));
	}
	assert_int_equal(allocs, 20);
	for (i = 0; i < 20; i += 7)
		assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 7), i == 14 ? 6 : 7);
	assert_int_equal(frees, 20);
}

static void close_serves_the_forgetful(void **state)
{
	struct t_world *w = world(state);
	uint64_t before = t_stat(GPUVM_STAT_FORGOTTEN);

	if (!immediate(w))
		return;
	assert_true(gpuvm_bo_put_deferred(t_obtain(w, 0)));
	assert_true(gpuvm_bo_put_deferred(t_obtain(w, 1)));
	gpuvm_vm_close(w->vm, NULL);
	assert_int_equal(frees, 2);
	assert_int_equal(t_stat(GPUVM_STAT_FORGOTTEN) - before, 2);
}

/* ---- many VMs: walks (L5), growth of whatever index there is ---- */

#define MANY 200

static void make_vms(struct t_world *w, struct gpuvm_vm **vm, struct gpuvm_bo **bo)
{
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = w->config.flags, .driver = &bo_driver };
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		t_ok(gpuvm_vm_create(w->dev, &params, &vm[i]));
		bo[i] = NULL;
	}
}

/* Obtain without the extobj rule: what the list must do is what is tested. */
static void fill_list(struct t_world *w, struct gpuvm_vm **vm, struct gpuvm_bo **bo)
{
	struct gpuvm_bo_alloc *alloc;
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		t_ok(gpuvm_bo_alloc_create(vm[i], w->gem[0], &alloc));
		t_lock(w);
		bo[i] = gpuvm_bo_obtain(alloc);
		t_unlock(w);
	}
}

static unsigned int walk(struct t_world *w, struct gpuvm_bo **bo, unsigned int *seen)
{
	struct gpuvm_bo *pos = NULL;
	unsigned int i, n = 0;

	memset(seen, 0, MANY * sizeof(*seen));
	t_lock(w);
	while ((pos = gpuvm_gem_next_bo(w->gem[0], pos))) {
		for (i = 0; i < MANY && bo[i] != pos; i++)
			;
		assert_true(i < MANY);
		seen[i]++;
		n++;
	}
	t_unlock(w);
	return n;
}

static void find_each(struct t_world *w, struct gpuvm_vm **vm, struct gpuvm_bo **bo)
{
	struct gpuvm_bo *found;
	unsigned int i;

	t_lock(w);
	for (i = 0; i < MANY; i++) {
		found = gpuvm_bo_find(vm[i], w->gem[0]);
		assert_ptr_equal(found, bo[i]);
		gpuvm_bo_put(found);
	}
	t_unlock(w);
}

/* In staged + RESV_PROTECTED mode a last put wants its own VM's reservation too, here a different one each. */
static void last_put(struct t_world *w, struct gpuvm_vm *vm, struct gpuvm_bo *bo)
{
	struct t_world other = *w;

	other.vm = vm;
	t_lock(&other);
	assert_true(gpuvm_bo_put(bo));
	t_unlock(&other);
}

static void many_vms(void **state)
{
	struct t_world *w = world(state);
	struct t_rng rng = t_rng_make(t_seed());
	struct gpuvm_vm *vm[MANY];
	struct gpuvm_bo *bo[MANY];
	unsigned int seen[MANY], i, left = MANY;

	make_vms(w, vm, bo);
	fill_list(w, vm, bo);
	while (left) {
		find_each(w, vm, bo);
		assert_int_equal(walk(w, bo, seen), left);
		for (i = 0; i < MANY; i++) {
			assert_int_equal(seen[i], bo[i] != NULL);
			if (bo[i] && t_below(&rng, 3) == 0) {
				last_put(w, vm[i], bo[i]);
				bo[i] = NULL;
				left--;
			}
		}
	}
	assert_int_equal(frees, MANY);
	for (i = 0; i < MANY; i++)
		gpuvm_vm_put(vm[i]);
}

/* To stop a walk early, put the last one. */
static void walk_stops_early(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo *bo = t_obtain(w, 0), *pos;

	t_lock(w);
	pos = gpuvm_gem_next_bo(w->gem[0], NULL);
	assert_ptr_equal(pos, bo);
	assert_false(gpuvm_bo_put(pos));
	t_unlock(w);
	assert_true(t_put(w, bo));
}

static void modes_must_agree(void **state)
{
	struct t_world *w = world(state);
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = w->config.flags ^ GPUVM_VM_IMMEDIATE };
	struct gpuvm_bo_alloc *alloc = NULL;
	struct gpuvm_bo *bo = t_obtain(w, 0);
	struct gpuvm_vm *vm;

	t_ok(gpuvm_vm_create(w->dev, &params, &vm));
	t_fails(-EINVAL, gpuvm_bo_alloc_create(vm, w->gem[0], &alloc));
	gpuvm_vm_put(vm);
	t_put(w, bo);
}

static int setup(void **state)
{
	struct run *r = *state;

	allocs = 0;
	frees = 0;
	alloc_error = 0;
	t_world_make(&r->w, &r->config);
	return 0;
}

static int teardown(void **state)
{
	t_world_end(world(state));
	return allocs == frees ? 0 : -1;
}

#define CASE(fn)                                   \
	{                                          \
#fn, fn, setup, teardown, &the_run \
	}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = {
		CASE(alloc_is_invisible),
		CASE(miss_registers),
		CASE(hit_destroys_the_alloc),
		CASE(obtain_hit_allocates_nothing),
		CASE(driver_refuses),
		CASE(pair_pins_its_ends),
		CASE(put_deferred_then_cleanup),
		CASE(rebirth_beside_a_zombie),
		CASE(close_serves_the_forgetful),
		CASE(many_vms),
		CASE(walk_stops_early),
		CASE(modes_must_agree),
	};
	char group[160];

	the_run.config = *config;
	snprintf(group, sizeof(group), "bo/list:%s/ref:%s/%s", config->list, config->ref, t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = { .driver = &bo_driver };

	return t_each_list(&base, run_config);
}
