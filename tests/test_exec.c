/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_exec.c - what a submission needs: extobj and evict lists, locking, validation, fences; in every lock mode, for
 * local and external objects, on every list and ref strategy.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "world.h"

#define MAX_VALIDATED 8

static struct gpuvm_bo *validated[MAX_VALIDATED];
static unsigned int nr_validated;
static int validate_error;

static int bo_validate(struct gpuvm_bo *bo, void *priv)
{
	assert_ptr_equal(priv, &validate_error);
	assert_true(gpuvm_bo_evicted(bo));
	if (validate_error)
		return validate_error;
	assert_true(nr_validated < MAX_VALIDATED);
	validated[nr_validated++] = bo;
	return 0;
}

static const struct gpuvm_driver exec_driver = { .bo_validate = bo_validate };

static struct t_world the_world;
static struct t_config the_config;

static int setup(void **state)
{
	t_world_make(&the_world, &the_config);
	t_world_obtain(&the_world);
	nr_validated = 0;
	validate_error = 0;
	return 0;
}

static int teardown(void **state)
{
	t_world_end(&the_world);
	return 0;
}

static struct gpuvm_exec *begin(struct t_world *w)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(w->vm);

	assert_non_null(exec);
	t_ok(gpuvm_exec_lock(exec));
	return exec;
}

/* The extobj rule: whoever obtained an external object finds it locked, with no call of its own. */
static void lock_takes_vm_and_extobjs(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_gem_params params = { .size = 4096 };
	struct gpuvm_exec *exec;
	struct gpuvm_gem *stranger;
	unsigned int i;

	t_ok(gpuvm_gem_create(w->dev, &params, &stranger));
	exec = begin(w);
	assert_true(gpuvm_resv_held(gpuvm_vm_resv(w->vm)));
	for (i = 0; i < T_GEMS; i++) {
		assert_true(gpuvm_exec_holds(exec, w->gem[i]));
		assert_true(gpuvm_resv_held(gpuvm_gem_resv(w->gem[i])));
	}
	assert_false(gpuvm_exec_holds(exec, stranger));
	t_ok(gpuvm_exec_lock_gem(exec, stranger));
	assert_true(gpuvm_exec_holds(exec, stranger));
	t_ok(gpuvm_exec_lock_gem(exec, stranger)); /* a duplicate is no error */
	gpuvm_exec_destroy(exec);
	gpuvm_exec_destroy(NULL);
	assert_false(gpuvm_resv_held(gpuvm_vm_resv(w->vm)));
	assert_false(gpuvm_resv_held(gpuvm_gem_resv(stranger)));
	gpuvm_gem_put(stranger);
}

/* A pair made without gpuvm_obtain() is not on the list until it is added; adding is idempotent. */
static void extobj_add(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_gem_params params = { .size = 4096 };
	struct gpuvm_bo_alloc *alloc;
	struct gpuvm_exec *exec;
	struct gpuvm_gem *gem;
	struct gpuvm_bo *bo;
	unsigned int i;

	t_ok(gpuvm_gem_create(w->dev, &params, &gem));
	t_ok(gpuvm_bo_alloc_create(w->vm, gem, &alloc));
	gpuvm_resv_lock(gpuvm_gem_resv(gem));
	bo = gpuvm_bo_obtain(alloc);
	gpuvm_resv_unlock(gpuvm_gem_resv(gem));
	exec = begin(w);
	assert_false(gpuvm_exec_holds(exec, gem));
	for (i = 0; i < 3; i++)
		gpuvm_bo_extobj_add(bo);
	gpuvm_bo_extobj_add(w->bo[0]); /* nothing if local, nothing if there already */
	gpuvm_exec_destroy(exec);
	exec = begin(w);
	assert_true(gpuvm_exec_holds(exec, gem));
	if (!(w->config.flags & GPUVM_VM_IMMEDIATE))
		assert_true(gpuvm_bo_put(bo));
	gpuvm_exec_destroy(exec);
	if (w->config.flags & GPUVM_VM_IMMEDIATE)
		assert_true(gpuvm_bo_put(bo));
	exec = begin(w);
	assert_false(gpuvm_exec_holds(exec, gem)); /* forgotten with its pair */
	gpuvm_exec_destroy(exec);
	gpuvm_gem_put(gem);
}

/* A zombie that waits for its cleanup is skipped. */
static void zombies_are_skipped(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_exec *exec;

	if (!(w->config.flags & GPUVM_VM_IMMEDIATE))
		return;
	t_lock_resvs(w);
	gpuvm_gem_evict(w->gem[0], true);
	t_unlock_resvs(w);
	assert_true(gpuvm_bo_put_deferred(w->bo[0]));
	w->bo[0] = NULL;
	exec = begin(w);
	assert_int_equal(gpuvm_exec_holds(exec, w->gem[0]), !w->config.external);
	t_ok(gpuvm_exec_validate(exec, &validate_error));
	assert_int_equal(nr_validated, 0);
	gpuvm_exec_destroy(exec);
	assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 0), 1);
}

static void evict(struct t_world *w, unsigned int gem, bool evicted)
{
	gpuvm_resv_lock(gpuvm_gem_resv(w->gem[gem]));
	gpuvm_gem_evict(w->gem[gem], evicted);
	assert_int_equal(gpuvm_bo_evicted(w->bo[gem]), evicted);
	gpuvm_resv_unlock(gpuvm_gem_resv(w->gem[gem]));
}

static void evicted_are_validated_once(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_exec *exec;
	unsigned int round;

	for (round = 0; round < 3; round++) {
		evict(w, 0, true);
		evict(w, 1, true);
		evict(w, 2, true);
		evict(w, 1, false); /* back before anyone looked */
		nr_validated = 0;
		exec = begin(w);
		t_ok(gpuvm_exec_validate(exec, &validate_error));
		assert_int_equal(nr_validated, 2);
		assert_true(validated[0] != validated[1]);
		assert_true(validated[0] == w->bo[0] || validated[0] == w->bo[2]);
		assert_true(validated[1] == w->bo[0] || validated[1] == w->bo[2]);
		assert_false(gpuvm_bo_evicted(w->bo[0]));
		t_ok(gpuvm_exec_validate(exec, &validate_error));
		assert_int_equal(nr_validated, 2);
		gpuvm_exec_destroy(exec);
	}
}

static void one_bo_evicted(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_exec *exec;

	gpuvm_resv_lock(gpuvm_gem_resv(w->gem[1]));
	gpuvm_bo_evict(w->bo[1], true);
	gpuvm_bo_evict(w->bo[1], true);
	gpuvm_resv_unlock(gpuvm_gem_resv(w->gem[1]));
	exec = begin(w);
	t_ok(gpuvm_exec_validate(exec, &validate_error));
	assert_int_equal(nr_validated, 1);
	assert_ptr_equal(validated[0], w->bo[1]);
	gpuvm_exec_destroy(exec);
}

static void validate_stops_at_an_error(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_exec *exec;

	evict(w, 0, true);
	validate_error = -EBUSY;
	exec = begin(w);
	t_fails(-EBUSY, gpuvm_exec_validate(exec, &validate_error));
	assert_true(gpuvm_bo_evicted(w->bo[0]));
	validate_error = 0;
	t_ok(gpuvm_exec_validate(exec, &validate_error)); /* it was not lost */
	assert_int_equal(nr_validated, 1);
	gpuvm_exec_destroy(exec);
}

static void validate_without_callback(void **state)
{
	const struct gpuvm_vm_params params = { .range = 4096, .flags = the_config.flags };
	struct gpuvm_exec *exec;
	struct gpuvm_vm *vm;

	t_ok(gpuvm_vm_create(the_world.dev, &params, &vm));
	exec = gpuvm_exec_create(vm);
	t_ok(gpuvm_exec_lock(exec));
	t_fails(-ENOTSUP, gpuvm_exec_validate(exec, NULL));
	gpuvm_exec_destroy(exec);
	gpuvm_vm_put(vm);
}

static void fences(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_exec *exec = begin(w);
	unsigned int i;

	gpuvm_exec_add_fence(exec, 7);
	gpuvm_exec_add_fence(exec, 5); /* older: the highest stays */
	gpuvm_exec_destroy(exec);
	assert_int_equal(gpuvm_resv_last_fence(gpuvm_vm_resv(w->vm)), 7);
	for (i = 0; i < T_GEMS; i++)
		assert_int_equal(gpuvm_resv_last_fence(gpuvm_gem_resv(w->gem[i])), 7);
}

static void lock_range(void **state)
{
	struct t_world *w = &the_world;
	struct gpuvm_exec *exec = gpuvm_exec_create(w->vm);

	t_insert(w, 0, 4, 4, 0);
	t_insert(w, -1, 8, 4, 0);
	t_insert(w, 1, 12, 4, 0);
	assert_non_null(exec);
	t_fails(-EINVAL, gpuvm_exec_lock_range(exec, 0, 0));
	t_fails(-EINVAL, gpuvm_exec_lock_range(exec, 0 - T_PAGE, 2 * T_PAGE));
	t_ok(gpuvm_exec_lock_range(exec, 7 * T_PAGE, 5 * T_PAGE));
	assert_true(gpuvm_exec_holds(exec, w->gem[0]));
	assert_int_equal(gpuvm_exec_holds(exec, w->gem[1]), !w->config.external);
	gpuvm_exec_destroy(exec);
	t_clear(w);
}

/* ---- two contexts that lock the same objects in opposite order ---- */

#define ROUNDS 300

static atomic_uint backoffs;

static void lock_both(struct t_world *w, unsigned int first)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(w->vm);
	int ret;

	assert_non_null(exec);
	do {
		ret = gpuvm_exec_lock_gem(exec, w->gem[first]);
		ret = ret ? ret : gpuvm_exec_lock_gem(exec, w->gem[1 - first]);
	} while (ret == -EDEADLK);
	if (ret || !gpuvm_exec_holds(exec, w->gem[0]) || !gpuvm_exec_holds(exec, w->gem[1]))
		abort();
	atomic_fetch_add(&backoffs, gpuvm_exec_backoffs(exec));
	gpuvm_exec_destroy(exec);
}

static void *backwards(void *arg)
{
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < ROUNDS; i++)
		lock_both(arg, 1);
	gpuvm_thread_leave();
	return NULL;
}

static void opposite_orders_do_not_deadlock(void **state)
{
	pthread_t thread;
	unsigned int i;

	assert_int_equal(pthread_create(&thread, NULL, backwards, &the_world), 0);
	for (i = 0; i < ROUNDS; i++)
		lock_both(&the_world, 0);
	pthread_join(thread, NULL);
	print_message("%u back-offs\n", atomic_exchange(&backoffs, 0));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = {
		CASE(lock_takes_vm_and_extobjs),       CASE(extobj_add),     CASE(zombies_are_skipped),
		CASE(evicted_are_validated_once),      CASE(one_bo_evicted), CASE(validate_stops_at_an_error),
		CASE(validate_without_callback),       CASE(fences),	     CASE(lock_range),
		CASE(opposite_orders_do_not_deadlock),
	};
	char group[160];

	the_config = *config;
	snprintf(group, sizeof(group), "exec/list:%s/ref:%s/%s", config->list, config->ref, t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = { .driver = &exec_driver, .pages = 64 };

	return t_each_list(&base, run_config);
}
