/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_exec_many.c - acquire contexts over more objects than they have room for at first: locked, out of memory at each
 * allocation, backed off from an older context in the middle of a walk; and a bo that this context does not hold is not
 * validated. In every lock mode.
 */
#include <pthread.h>
#include <time.h>

#include "world.h"

#define GEMS 40
#define HELD 33 /* the one an older context holds; by then the context has grown twice */

static struct many {
	struct t_config config;
	struct t_live before;
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm;
	struct gpuvm_gem *gem[GEMS];
	struct gpuvm_bo *bo[GEMS];
} m;

static unsigned int nr_validated;

static int bo_validate(struct gpuvm_bo *bo, void *priv)
{
	nr_validated++;
	return 0;
}

static const struct gpuvm_driver driver = { .bo_validate = bo_validate };

static struct gpuvm_exec *context(void)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(m.vm);

	assert_non_null(exec);
	return exec;
}

/* Everything that staged mode wants around changes: all external objects known so far, and @gem. */
static struct gpuvm_exec *lock_for(struct gpuvm_gem *gem)
{
	struct gpuvm_exec *exec;

	if (m.config.flags & GPUVM_VM_IMMEDIATE)
		return NULL;
	exec = context();
	t_ok(gpuvm_exec_lock(exec));
	t_ok(gpuvm_exec_lock_gem(exec, gem));
	return exec;
}

static void make(unsigned int i)
{
	const struct gpuvm_gem_params gem = { .size = T_PAGE };
	struct gpuvm_exec *exec;

	t_ok(gpuvm_gem_create(m.dev, &gem, &m.gem[i]));
	exec = lock_for(m.gem[i]);
	t_ok(gpuvm_obtain(m.vm, m.gem[i], &m.bo[i]));
	gpuvm_exec_destroy(exec);
}

static int setup(void **state)
{
	const struct gpuvm_vm_params vm = {
		.range = 1024 * T_PAGE, .page_size = T_PAGE, .flags = m.config.flags, .driver = &driver
	};
	unsigned int i;

	t_live_read(&m.before);
	nr_validated = 0;
	m.dev = t_device(m.config.list, m.config.space, NULL, NULL);
	t_ok(gpuvm_vm_create(m.dev, &vm, &m.vm));
	for (i = 0; i < GEMS; i++)
		make(i);
	return 0;
}

static int teardown(void **state)
{
	unsigned int i;

	gpuvm_debug_fail_alloc(0, false);
	for (i = 0; i < GEMS; i++) {
		struct gpuvm_exec *exec = lock_for(m.gem[i]);

		gpuvm_bo_put(m.bo[i]);
		gpuvm_exec_destroy(exec);
	}
	gpuvm_vm_close(m.vm, NULL);
	for (i = 0; i < GEMS; i++)
		gpuvm_gem_put(m.gem[i]);
	gpuvm_vm_put(m.vm);
	gpuvm_device_put(m.dev);
	t_live_same(&m.before);
	return 0;
}

static void map_all(void)
{
	unsigned int i;

	for (i = 0; i < GEMS; i++) {
		const struct gpuvm_map_req req = { .addr = 2 * i * T_PAGE, .range = T_PAGE, .bo = m.bo[i] };
		struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(m.vm);
		struct gpuvm_exec *exec = lock_for(m.gem[i]);

		assert_non_null(va);
		t_ok(gpuvm_va_insert(m.vm, va, &req));
		gpuvm_exec_destroy(exec);
	}
}

static int lock_lists(struct gpuvm_exec *exec)
{
	return gpuvm_exec_lock(exec);
}

static int lock_mapped(struct gpuvm_exec *exec)
{
	return gpuvm_exec_lock_range(exec, 0, 2 * GEMS * T_PAGE);
}

static int (*const ways[])(struct gpuvm_exec *exec) = { lock_lists, lock_mapped };

static void holds_all(struct gpuvm_exec *exec)
{
	unsigned int i;

	for (i = 0; i < GEMS; i++)
		assert_true(gpuvm_exec_holds(exec, m.gem[i]));
}

static void locks_them_all(void **state)
{
	struct gpuvm_exec *exec;
	unsigned int way;

	map_all();
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		exec = context();
		t_ok(ways[way](exec));
		holds_all(exec);
		gpuvm_exec_add_fence(exec, 1 + way);
		gpuvm_exec_destroy(exec);
		assert_int_equal(gpuvm_resv_last_fence(gpuvm_gem_resv(m.gem[GEMS - 1])), 1 + way);
	}
}

/* Whichever allocation fails: the error comes back, nothing stays locked, and the lists are whole. */
static void out_of_memory_at_each(void **state)
{
	struct gpuvm_exec *exec = context();
	unsigned int way, n;
	int ret;

	if (!gpuvm_debug_enabled()) {
		gpuvm_exec_destroy(exec);
		return;
	}
	map_all();
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		gpuvm_exec_destroy(exec);
		exec = context();
		for (n = 1;; n++) {
			t_ok(gpuvm_debug_fail_alloc(1, true));
			ret = ways[way](exec);
			t_ok(gpuvm_debug_fail_alloc(0, false));
			if (!ret)
				break; /* it has grown, one allocation at a time */
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(gpuvm_debug_locks_held(), 0);
			t_ok(gpuvm_debug_fail_alloc(2, true)); /* and one further */
			ret = ways[way](exec);
			t_ok(gpuvm_debug_fail_alloc(0, false));
			assert_true(!ret || ret == -ENOMEM);
			if (!ret)
				break;
			assert_int_equal(gpuvm_debug_locks_held(), 0);
			if (n > 8)
				break; /* a walk over what is mapped needs an array each time */
		}
		if (ret)
			t_ok(ways[way](exec));
		holds_all(exec);
		gpuvm_exec_destroy(exec);
		exec = context();
		t_ok(gpuvm_exec_lock(exec));
		holds_all(exec);
	}
	gpuvm_exec_destroy(exec);
}

/* Closing must succeed: it waits for memory. */
static void close_waits_for_memory(void **state)
{
	struct gpuvm_map_req req = { .range = T_PAGE };
	const struct gpuvm_vm_params params = { .range = 1024 * T_PAGE, .flags = m.config.flags };
	struct gpuvm_va_alloc *va;
	struct gpuvm_vm *vm;
	unsigned int n;

	if (!gpuvm_debug_enabled())
		return;
	for (n = 1; n < 4; n++) {
		t_ok(gpuvm_vm_create(m.dev, &params, &vm));
		va = gpuvm_va_alloc_create(vm);
		t_ok(gpuvm_va_insert(vm, va, &req));
		t_ok(gpuvm_debug_fail_alloc(n, false));
		assert_int_equal(gpuvm_vm_close(vm, NULL), 1);
		t_ok(gpuvm_debug_fail_alloc(0, false));
		gpuvm_vm_put(vm);
	}
}

/* ---- an older context is in the way ---- */

struct elder {
	struct gpuvm_exec *exec;
	pthread_barrier_t holds;
};

static void *hold_one(void *arg)
{
	const struct timespec while_they_try = { .tv_nsec = 1000000 };
	struct elder *e = arg;

	gpuvm_thread_enter();
	if (gpuvm_exec_lock_gem(e->exec, m.gem[HELD]))
		abort();
	pthread_barrier_wait(&e->holds);
	nanosleep(&while_they_try, NULL);
	gpuvm_exec_destroy(e->exec);
	gpuvm_thread_leave();
	return NULL;
}

/* How often @way had to back off; it gets everything in the end. */
static uint64_t beside_an_elder(int (*way)(struct gpuvm_exec *exec))
{
	struct elder e = { .exec = context() };
	struct gpuvm_exec *exec = context();
	pthread_t thread;
	uint64_t n;

	pthread_barrier_init(&e.holds, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, hold_one, &e), 0);
	pthread_barrier_wait(&e.holds);
	t_ok(way(exec));
	holds_all(exec);
	n = gpuvm_exec_backoffs(exec);
	gpuvm_exec_destroy(exec);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&e.holds);
	return n;
}

/* It is in the way unless it left before we came: then once more. */
static void backs_off_in_the_middle(void **state)
{
	unsigned int way, tries;

	map_all();
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		for (tries = 0; tries < 1000 && !beside_an_elder(ways[way]); tries++)
			;
		assert_true(tries < 1000);
	}
}

/* ---- evicted after the lists were walked ---- */

static void what_is_not_held_is_not_validated(void **state)
{
	const struct gpuvm_gem_params params = { .size = T_PAGE };
	struct gpuvm_exec *exec;
	struct gpuvm_bo_alloc *alloc;
	struct gpuvm_gem *gem;
	struct gpuvm_bo *bo;

	t_ok(gpuvm_gem_create(m.dev, &params, &gem));
	exec = context();
	t_ok(gpuvm_exec_lock(exec));
	t_ok(gpuvm_bo_alloc_create(m.vm, gem, &alloc));
	gpuvm_resv_lock(gpuvm_gem_resv(gem));
	bo = gpuvm_bo_obtain(alloc);
	gpuvm_bo_extobj_add(bo);
	gpuvm_bo_evict(bo, true);
	gpuvm_resv_unlock(gpuvm_gem_resv(gem));
	t_ok(gpuvm_exec_validate(exec, NULL));
	assert_int_equal(nr_validated, 0);
	assert_true(gpuvm_bo_evicted(bo));
	gpuvm_exec_destroy(exec);
	exec = context();
	t_ok(gpuvm_exec_lock(exec)); /* it is on the list now */
	t_ok(gpuvm_exec_validate(exec, NULL));
	assert_int_equal(nr_validated, 1);
	assert_false(gpuvm_bo_evicted(bo));
	gpuvm_exec_destroy(exec);
	exec = lock_for(gem);
	assert_true(gpuvm_bo_put(bo));
	gpuvm_exec_destroy(exec);
	gpuvm_gem_put(gem);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = {
		CASE(locks_them_all),
		CASE(out_of_memory_at_each),
		CASE(close_waits_for_memory),
		CASE(backs_off_in_the_middle),
		CASE(what_is_not_held_is_not_validated),
	};
	char group[160];

	if (!config->external)
		return 0;
	m.config = *config;
	snprintf(group, sizeof(group), "exec_many/list:%s/%s", config->list ? config->list : "-", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config plain = { .list = "mutex" }, rcu = { .list = "rcu_hash" };
	int failed = t_each_config(&plain, run_config);

	return t_each_config(&rcu, run_config) || failed;
}
