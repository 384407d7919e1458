/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_smoke.c - a short smoke of obtain, find, get, put, deferred put and cleanup from several threads, on every list and
 * ref strategy; and the proof that it can fail: list:busted must not get through.
 *
 * Checked: of one pair, whoever holds a reference at the same time holds the same bo (I2, L2); a bo's driver data is
 * what bo_alloc wrote as long as a reference is held; nothing is left at the end.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "world.h"

#define THREADS 4
#define ALIVE 0x600dull
#define DEAD 0xdeadull

static atomic_uint violations;

static int bo_alloc(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	atomic_init((_Atomic uint64_t *)data, ALIVE);
	return 0;
}

static void bo_free(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	/* Freed twice, or written by somebody. */
	if (atomic_exchange((_Atomic uint64_t *)data, DEAD) != ALIVE)
		atomic_fetch_add(&violations, 1);
}

static const struct gpuvm_driver smoke_driver = { .bo_data = 8, .bo_alloc = bo_alloc, .bo_free = bo_free };

/**
 * struct smoke - what the threads share
 * @vm: two VMs
 * @gem: two objects, so there are four pairs
 * @start: a round begins, each thread is on its mark
 * @got: every thread has what it found
 * @found: what each thread got in this round; NULL: nothing
 * @rounds: of each thread
 * @seed: of the first thread; the others count on
 */
struct smoke {
	struct gpuvm_vm *vm[2];
	struct gpuvm_gem *gem[2];
	pthread_barrier_t start, got;
	struct gpuvm_bo *_Atomic found[THREADS];
	unsigned int rounds;
	uint64_t seed;
};

struct smoker {
	struct smoke *s;
	unsigned int me;
	pthread_t thread;
};

static void check(bool ok)
{
	if (!ok)
		atomic_fetch_add(&violations, 1);
}

static void check_alive(struct gpuvm_bo *bo)
{
	check(atomic_load_explicit((_Atomic uint64_t *)gpuvm_bo_data(bo), memory_order_relaxed) == ALIVE);
}

static void put_some_way(struct t_rng *rng, struct gpuvm_bo *bo)
{
	if (t_below(rng, 2))
		gpuvm_bo_put(bo);
	else
		gpuvm_bo_put_deferred(bo);
}

static struct gpuvm_bo *get_some_way(struct smoke *s, struct t_rng *rng, struct gpuvm_vm *vm, struct gpuvm_gem *gem)
{
	struct gpuvm_bo_alloc *alloc;
	struct gpuvm_bo *bo = NULL;

	switch (t_below(rng, 3)) {
	case 0:
		return gpuvm_bo_find(vm, gem);
	case 1:
		return gpuvm_obtain(vm, gem, &bo) ? NULL : bo;
	default:
		return gpuvm_bo_alloc_create(vm, gem, &alloc) ? NULL : gpuvm_bo_obtain(alloc);
	}
}

/* Each thread for itself: come, look, go, as fast as it can. */
static void free_running(struct smoke *s, struct t_rng *rng)
{
	unsigned int i;

	for (i = 0; i < s->rounds; i++) {
		struct gpuvm_vm *vm = s->vm[t_below(rng, 2)];
		struct gpuvm_bo *bo = get_some_way(s, rng, vm, s->gem[t_below(rng, 2)]);

		if (bo) {
			check_alive(bo);
			check(gpuvm_bo_vm(bo) == vm);
			put_some_way(rng, gpuvm_bo_get(bo));
			check_alive(bo);
			put_some_way(rng, bo);
		}
		if (t_below(rng, 16) == 0)
			gpuvm_bo_deferred_cleanup(vm, t_below(rng, 4));
	}
}

/* I2: at most one live bo per pair, so all who hold one hold the same. */
static void compare(struct smoke *s)
{
	struct gpuvm_bo *first = NULL, *bo;
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		bo = atomic_load_explicit(&s->found[i], memory_order_relaxed);
		if (!first)
			first = bo;
		check(!bo || bo == first);
	}
}

/* All for one pair at one moment: the allocs are ready, only obtain() races. Then compare, then all let go. */
static void in_step(struct smoke *s, struct t_rng *rng, unsigned int me)
{
	struct gpuvm_bo_alloc *alloc;
	struct gpuvm_bo *bo;
	unsigned int i;

	for (i = 0; i < s->rounds / 16; i++) {
		bool find = me && t_below(rng, 4) == 0;

		if (gpuvm_bo_alloc_create(s->vm[0], s->gem[0], &alloc))
			abort();
		pthread_barrier_wait(&s->start);
		bo = find ? gpuvm_bo_find(s->vm[0], s->gem[0]) : gpuvm_bo_obtain(alloc);
		if (find)
			gpuvm_bo_alloc_destroy(alloc);
		check(bo || find);
		atomic_store_explicit(&s->found[me], bo, memory_order_relaxed);
		pthread_barrier_wait(&s->got);
		if (me == 0)
			compare(s);
		put_some_way(rng, bo);
		if (me == 0)
			gpuvm_bo_deferred_cleanup(s->vm[0], 0);
	}
}

static void *smoke_thread(void *arg)
{
	struct smoker *m = arg;
	struct t_rng rng = t_rng_make(m->s->seed + m->me);

	gpuvm_thread_enter();
	in_step(m->s, &rng, m->me);
	free_running(m->s, &rng);
	gpuvm_thread_leave();
	return NULL;
}

static void run_threads(struct smoke *s)
{
	struct smoker m[THREADS];
	unsigned int i;

	pthread_barrier_init(&s->start, NULL, THREADS);
	pthread_barrier_init(&s->got, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		m[i].s = s;
		m[i].me = i;
		if (pthread_create(&m[i].thread, NULL, smoke_thread, &m[i]))
			abort();
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(m[i].thread, NULL);
	pthread_barrier_destroy(&s->start);
	pthread_barrier_destroy(&s->got);
}

/* Number of violations. */
static unsigned int smoke(const struct t_config *config, unsigned int rounds)
{
	struct smoke s = { .rounds = rounds, .seed = t_seed() };
	const struct gpuvm_vm_params vm = { .range = 1 << 20, .flags = config->flags, .driver = &smoke_driver };
	struct gpuvm_device *dev = t_device(config->list, config->space, config->ref, NULL);
	struct gpuvm_gem_params gem = { .size = 1 << 20 };
	unsigned int i;

	atomic_store(&violations, 0);
	for (i = 0; i < 2; i++) {
		t_ok(gpuvm_vm_create(dev, &vm, &s.vm[i]));
		gem.vm = config->external ? NULL : s.vm[0];
		t_ok(gpuvm_gem_create(dev, &gem, &s.gem[i]));
	}
	run_threads(&s);
	for (i = 0; i < 2; i++)
		gpuvm_vm_close(s.vm[i], NULL);
	for (i = 0; i < 2; i++) {
		gpuvm_gem_put(s.gem[i]);
		gpuvm_vm_put(s.vm[i]);
	}
	gpuvm_device_put(dev);
	return atomic_load(&violations);
}

static struct t_config the_config;

static unsigned int rounds(void)
{
	return T_SANITIZED ? 1000 : 4000;
}

static void smoke_finds_nothing(void **state)
{
	struct t_live before;

	t_live_read(&before);
	assert_int_equal(smoke(&the_config, rounds()), 0);
	t_live_same(&before);
}

/* ---- the proof that it can fail ---- */

#define BUSTED_SECONDS 60

/* The child: as many rounds as it takes, but not for ever. */
static int busted_child(void)
{
	const struct t_config config = { .list = "busted", .flags = GPUVM_VM_IMMEDIATE, .external = true };
	time_t end = time(NULL) + BUSTED_SECONDS / 2;

	gpuvm_thread_enter();
	while (time(NULL) < end) {
		if (smoke(&config, rounds())) {
			fprintf(stderr, "violation\n");
			_Exit(1);
		}
	}
	return 0;
}

static void smoke_finds_list_busted(void **state)
{
	int status = t_child("busted", BUSTED_SECONDS);

	/* -1: it did not end. 0: it found nothing. A crash is what a missing check ends in, so it counts. */
	assert_int_not_equal(status, -1);
	assert_true(WIFSIGNALED(status) || t_child_caught(status) || t_child_says(status, 1));
}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(smoke_finds_nothing) };
	char group[160];

	if (!(config->flags & GPUVM_VM_IMMEDIATE))
		return 0; /* staged mode: the callers exclude each other by the reservation */
	the_config = *config;
	snprintf(group, sizeof(group), "smoke/list:%s/ref:%s/%s", config->list, config->ref, t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest busted[] = { cmocka_unit_test(smoke_finds_list_busted) };
	const struct t_config base = { .driver = &smoke_driver };
	int failed;

	if (argc > 1)
		return busted_child();
	failed = t_each_list(&base, run_config);
	return t_run("smoke/list:busted", busted, ARRAY_SIZE(busted)) || failed;
}
