/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_death.c - misuse that no type can forbid must abort in the debug build, with the place: use after consume, the
 * signalling path, unregistered threads, locks. Each case is a child process that must not survive.
 *
 * variants: debug asan tsan (the release build has no checks to test)
 */
#include <pthread.h>

#include "world.h"

static struct t_world w;

static void world_of(const char *list, uint32_t flags)
{
	const struct t_config config = { .list = list, .flags = flags, .external = true };

	t_world_make(&w, &config);
}

static void world(uint32_t flags)
{
	world_of("rcu_hash", flags);
}

static void obtain_twice(void)
{
	struct gpuvm_bo_alloc *alloc;

	world(GPUVM_VM_IMMEDIATE);
	alloc = t_alloc(&w, 0);
	(void)!gpuvm_bo_obtain(alloc);
	(void)!gpuvm_bo_obtain(alloc); /* consumed by the first */
}

static void destroy_after_obtain(void)
{
	struct gpuvm_bo_alloc *alloc;

	world(GPUVM_VM_IMMEDIATE);
	alloc = t_alloc(&w, 0);
	(void)!gpuvm_bo_obtain(alloc);
	gpuvm_bo_alloc_destroy(alloc);
}

static void alloc_cast_to_bo(void)
{
	world(GPUVM_VM_IMMEDIATE);
	gpuvm_bo_put((struct gpuvm_bo *)t_alloc(&w, 0));
}

static void get_of_a_zombie(void)
{
	struct gpuvm_bo *bo;

	world(GPUVM_VM_IMMEDIATE);
	bo = t_obtain(&w, 0);
	gpuvm_bo_put_deferred(bo);
	gpuvm_bo_get(bo);
}

static void put_of_a_zombie(void)
{
	struct gpuvm_bo *bo;

	world(GPUVM_VM_IMMEDIATE);
	bo = t_obtain(&w, 0);
	gpuvm_bo_put_deferred(bo);
	gpuvm_bo_put_deferred(bo);
}

static void put_deferred_in_staged_mode(void)
{
	struct gpuvm_bo *bo;

	world(0);
	bo = t_obtain(&w, 0);
	t_lock(&w);
	gpuvm_bo_put_deferred(bo);
}

static void insert_twice(void)
{
	struct gpuvm_map_req req = { .range = T_PAGE };
	struct gpuvm_va_alloc *va;

	world(GPUVM_VM_IMMEDIATE);
	va = gpuvm_va_alloc_create(w.vm);
	t_ok(gpuvm_va_insert(w.vm, va, &req));
	req.addr = T_PAGE;
	t_ok(gpuvm_va_insert(w.vm, va, &req));
}

static void free_a_resident_va(void)
{
	const struct gpuvm_map_req req = { .range = T_PAGE };
	struct gpuvm_va_alloc *va;

	world(GPUVM_VM_IMMEDIATE);
	va = gpuvm_va_alloc_create(w.vm);
	t_ok(gpuvm_va_insert(w.vm, va, &req));
	gpuvm_va_alloc_destroy(va);
}

static void allocate_while_signalling(void)
{
	struct gpuvm_bo_alloc *alloc;

	world(GPUVM_VM_IMMEDIATE);
	gpuvm_debug_signalling_begin();
	(void)!gpuvm_bo_alloc_create(w.vm, w.gem[0], &alloc);
}

static void reservation_while_signalling(void)
{
	world(GPUVM_VM_IMMEDIATE);
	gpuvm_debug_signalling_begin();
	gpuvm_resv_lock(gpuvm_vm_resv(w.vm));
}

static void unlock_not_held(void)
{
	world(GPUVM_VM_IMMEDIATE);
	gpuvm_resv_unlock(gpuvm_vm_resv(w.vm));
}

static void lock_twice(void)
{
	world(GPUVM_VM_IMMEDIATE);
	gpuvm_resv_lock(gpuvm_vm_resv(w.vm));
	gpuvm_resv_lock(gpuvm_vm_resv(w.vm));
}

static void *find_unregistered(void *arg)
{
	(void)!gpuvm_bo_find(w.vm, w.gem[0]);
	return NULL;
}

static void unregistered_thread(void)
{
	pthread_t thread;

	world(GPUVM_VM_IMMEDIATE);
	if (pthread_create(&thread, NULL, find_unregistered, NULL) == 0)
		pthread_join(thread, NULL);
}

/* L7: on a list that relies on the caller's lock, and on one that would get along without it. */

static void put_in_staged_mode_without_the_lock(void)
{
	world_of("mutex", 0);
	gpuvm_bo_put(t_obtain(&w, 0));
}

static void put_in_staged_mode_without_the_lock_rcu(void)
{
	world(0);
	gpuvm_bo_put(t_obtain(&w, 0));
}

static void put_in_staged_mode_with_another_lock(void)
{
	struct gpuvm_bo *bo;

	world(0);
	bo = t_obtain(&w, 0);
	gpuvm_resv_lock(gpuvm_gem_resv(w.gem[1]));
	gpuvm_bo_put(bo);
}

static void obtain_in_staged_mode_without_the_lock(void)
{
	world(0);
	(void)!gpuvm_bo_obtain(t_alloc(&w, 0));
}

static void find_in_staged_mode_without_the_lock(void)
{
	world_of("sharded", 0);
	t_obtain(&w, 0);
	(void)!gpuvm_bo_find(w.vm, w.gem[0]);
}

static void next_in_staged_mode_without_the_lock(void)
{
	world(0);
	t_obtain(&w, 0);
	(void)!gpuvm_gem_next_bo(w.gem[0], NULL);
}

static void evict_without_the_lock(void)
{
	world(0);
	t_obtain(&w, 0);
	gpuvm_gem_evict(w.gem[0], true);
}

static void insert_in_staged_mode_without_the_lock(void)
{
	struct gpuvm_map_req req = { .range = T_PAGE };
	struct gpuvm_va_alloc *va;

	world(0);
	req.bo = t_obtain(&w, 0);
	va = gpuvm_va_alloc_create(w.vm);
	t_ok(gpuvm_va_insert(w.vm, va, &req));
}

static void bo_mappings_in_staged_mode_without_the_lock(void)
{
	world(0);
	(void)!gpuvm_bo_mappings(t_obtain(&w, 0), NULL, 0);
}

/* The exception: RCU readers find without. */
static void find_in_staged_mode_by_rcu(void)
{
	struct gpuvm_bo *bo;

	world(0);
	bo = t_obtain(&w, 0);
	if (gpuvm_bo_find(w.vm, w.gem[0]) != bo)
		abort();
	t_put(&w, bo);
	t_put(&w, bo);
	t_world_end(&w);
}

static void extobj_add_without_the_lock(void)
{
	world(GPUVM_VM_IMMEDIATE | GPUVM_VM_RESV_PROTECTED);
	gpuvm_bo_extobj_add(t_obtain(&w, 0));
}

static void write_inside_a_read(void)
{
	const struct gpuvm_map_req req = { .range = T_PAGE };
	struct gpuvm_va_alloc *va;
	struct gpuvm_reader r;

	world(GPUVM_VM_IMMEDIATE);
	va = gpuvm_va_alloc_create(w.vm);
	gpuvm_read_begin(w.vm, &r);
	t_ok(gpuvm_va_insert(w.vm, va, &req));
}

/* Nothing wrong at all: the test itself must be able to tell. */
static void well_behaved(void)
{
	world(GPUVM_VM_IMMEDIATE);
	t_put(&w, t_obtain(&w, 0));
	t_world_end(&w);
}

#define CASE(fn)        \
	{               \
#fn, fn \
	}
static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	CASE(well_behaved), /* these live */
	CASE(find_in_staged_mode_by_rcu),
#define LIVING 2
	CASE(obtain_twice),
	CASE(destroy_after_obtain),
	CASE(alloc_cast_to_bo),
	CASE(get_of_a_zombie),
	CASE(put_of_a_zombie),
	CASE(put_deferred_in_staged_mode),
	CASE(insert_twice),
	CASE(free_a_resident_va),
	CASE(allocate_while_signalling),
	CASE(reservation_while_signalling),
	CASE(unlock_not_held),
	CASE(lock_twice),
	CASE(unregistered_thread),
	CASE(put_in_staged_mode_without_the_lock),
	CASE(put_in_staged_mode_without_the_lock_rcu),
	CASE(put_in_staged_mode_with_another_lock),
	CASE(obtain_in_staged_mode_without_the_lock),
	CASE(find_in_staged_mode_without_the_lock),
	CASE(next_in_staged_mode_without_the_lock),
	CASE(evict_without_the_lock),
	CASE(insert_in_staged_mode_without_the_lock),
	CASE(bo_mappings_in_staged_mode_without_the_lock),
	CASE(extobj_add_without_the_lock),
	CASE(write_inside_a_read),
};

static int child(const char *name)
{
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(cases[i].name, name) == 0) {
			cases[i].run();
			_Exit(0);
		}
	}
	return 2;
}

static void lives(void **state)
{
	assert_int_equal(t_child(*state, 30), 0);
}

static void dies(void **state)
{
	assert_true(t_child_caught(t_child(*state, 30)));
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases)];
	unsigned int i;

	if (argc > 1)
		return child(argv[1]);
	if (!gpuvm_debug_enabled()) {
		fprintf(stderr, "this build has no checks: nothing was tested\n");
		return 3;
	}
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, i < LIVING ? lives : dies, NULL, NULL, (void *)cases[i].name };
	return t_run("death", tests, ARRAY_SIZE(tests));
}
