/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_ref.c - every way of counting under every list and allocator: the last
 * put is the last, whoever does it, and nobody gets a reference to what is
 * dead.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "support.h"

/* What the driver was told of: pairs that came and pairs that went. */
static _Atomic uint64_t born, gone;

static int bo_alloc(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	atomic_fetch_add(&born, 1);
	return 0;
}

static void bo_free(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	*(uint64_t *)data = ~0ull;
	atomic_fetch_add(&gone, 1);
}

static const struct gpuvm_driver driver = { .bo_data = 8, .bo_alloc = bo_alloc, .bo_free = bo_free };

#define GEMS 2

struct world {
	struct t_live before;
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm;
	struct gpuvm_gem *gem[GEMS];
};

static void world_make(struct world *w, const char *list, const char *ref, const char *alloc)
{
	const struct gpuvm_vm_params vm = { .range = 1ull << 32,
					    .flags = GPUVM_VM_IMMEDIATE | GPUVM_VM_RESV_PROTECTED,
					    .driver = &driver };
	const struct gpuvm_gem_params gem = { .size = 1 << 20 };
	unsigned int i;

	t_live_read(&w->before);
	atomic_store(&born, 0);
	atomic_store(&gone, 0);
	w->dev = t_device(list, NULL, ref, alloc);
	t_ok(gpuvm_vm_create(w->dev, &vm, &w->vm));
	for (i = 0; i < GEMS; i++)
		t_ok(gpuvm_gem_create(w->dev, &gem, &w->gem[i]));
}

static void world_end(struct world *w)
{
	unsigned int i;

	gpuvm_bo_deferred_cleanup(w->vm, 0);
	assert_int_equal(atomic_load(&gone), atomic_load(&born));
	gpuvm_vm_close(w->vm, NULL);
	gpuvm_vm_put(w->vm);
	for (i = 0; i < GEMS; i++)
		gpuvm_gem_put(w->gem[i]);
	gpuvm_device_put(w->dev);
	t_live_same(&w->before);
}

static struct gpuvm_bo *obtain(struct world *w, unsigned int gem)
{
	struct gpuvm_bo *bo;

	t_ok(gpuvm_obtain(w->vm, w->gem[gem], &bo));
	return bo;
}

/* @fn for every list x ref x alloc that this build can run. */
static void each(void (*fn)(struct world *w))
{
	const char *list, *ref, *alloc;
	unsigned int l, r, a;
	struct world w;

	for (l = 0; (list = t_strategy(GPUVM_AXIS_LIST, l)); l++)
		for (r = 0; (ref = t_strategy(GPUVM_AXIS_REF, r)); r++)
			for (a = 0; (alloc = t_strategy(GPUVM_AXIS_ALLOC, a)); a++) {
				if (T_SANITIZED && !strcmp(alloc, "jemalloc"))
					continue;
				world_make(&w, list, ref, alloc);
				fn(&w);
				world_end(&w);
			}
}

/* ---- one thread ---- */

/* Few references and so many that a strategy for hot objects has changed its
 * mind on the way. */
static void one_pair(struct world *w, unsigned int refs)
{
	struct gpuvm_bo *bo = obtain(w, 0);
	unsigned int i;

	for (i = 0; i < refs; i++)
		assert_ptr_equal(i % 2 ? gpuvm_bo_get(bo) : gpuvm_bo_find(w->vm, w->gem[0]), bo);
	for (i = 0; i < refs; i++)
		assert_false(i % 3 ? gpuvm_bo_put(bo) : gpuvm_bo_put_deferred(bo));
	assert_int_equal(atomic_load(&gone), 0);
	assert_true(gpuvm_bo_put(bo));
	assert_int_equal(atomic_load(&gone), 1);
	assert_null(gpuvm_bo_find(w->vm, w->gem[0]));
	bo = obtain(w, 0);
	assert_true(gpuvm_bo_put_deferred(bo));
	assert_null(gpuvm_bo_find(w->vm, w->gem[0]));
	assert_int_equal(gpuvm_bo_deferred_cleanup(w->vm, 0), 1);
	assert_int_equal(atomic_load(&gone), 2);
	atomic_store(&born, 0);
	atomic_store(&gone, 0);
}

static void counts_exactly(struct world *w)
{
	static const unsigned int refs[] = { 0, 1, 2, 7, 100, 1000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refs); i++)
		one_pair(w, refs[i]);
}

static void last_put_is_exact(void **state)
{
	each(counts_exactly);
}

/* Get and put in pairs until the object is hot, then both objects in turn;
 * after that the count must still be right. */
static void heats_and_cools(struct world *w)
{
	struct gpuvm_bo *bo[GEMS] = { obtain(w, 0), obtain(w, 1) };
	unsigned int i;

	for (i = 0; i < 500; i++) {
		gpuvm_bo_get(bo[0]);
		assert_false(gpuvm_bo_put(bo[0]));
	}
	for (i = 0; i < 500; i++) {
		gpuvm_bo_get(bo[i & 1]);
		gpuvm_bo_get(bo[i & 1]);
		assert_false(gpuvm_bo_put(bo[i & 1]));
		assert_false(gpuvm_bo_put(bo[i & 1]));
	}
	assert_true(gpuvm_bo_put(bo[0]));
	assert_true(gpuvm_bo_put(bo[1]));
}

static void hot_objects_die_on_time(void **state)
{
	each(heats_and_cools);
}

/* ---- the deferred queue ---- */

static void queue_is_counted(void **state)
{
	struct gpuvm_deferred_stats q;
	struct world w;

	world_make(&w, NULL, NULL, NULL);
	gpuvm_vm_deferred_stats(w.vm, &q);
	assert_int_equal(q.queued, 0);
	assert_int_equal(q.age_ns, 0);
	gpuvm_bo_put_deferred(obtain(&w, 0));
	gpuvm_bo_put_deferred(obtain(&w, 0));
	gpuvm_bo_put_deferred(obtain(&w, 1));
	gpuvm_vm_deferred_stats(w.vm, &q);
	assert_int_equal(q.queued, 3);
	assert_int_equal(q.pinned_bytes, 3 << 20);
	assert_int_equal(gpuvm_bo_deferred_cleanup(w.vm, 2), 2);
	gpuvm_vm_deferred_stats(w.vm, &q);
	assert_int_equal(q.queued, 1);
	assert_int_equal(q.pinned_bytes, 1 << 20);
	gpuvm_bo_deferred_cleanup(w.vm, 0);
	gpuvm_vm_deferred_stats(w.vm, &q);
	assert_int_equal(q.queued + q.pinned_bytes + q.age_ns, 0);
	world_end(&w);
}

/* ---- a reference that one thread took and another drops ---- */

#define PASSED 200

struct passing {
	struct world *w;
	struct gpuvm_bo *bo;
	unsigned int lasts;
};

static void *take_many(void *arg)
{
	struct passing *p = arg;
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < PASSED; i++)
		gpuvm_bo_get(p->bo);
	gpuvm_thread_leave();
	return NULL;
}

static void *drop_many(void *arg)
{
	struct passing *p = arg;
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < PASSED + 1; i++)
		p->lasts += gpuvm_bo_put(p->bo);
	gpuvm_thread_leave();
	return NULL;
}

static void run_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
}

static void pass(struct world *w)
{
	struct passing p = { .w = w, .bo = obtain(w, 0) };

	run_thread(take_many, &p);
	run_thread(drop_many, &p);
	assert_int_equal(p.lasts, 1);
	assert_int_equal(atomic_load(&gone), 1);
}

static void references_may_change_hands(void **state)
{
	each(pass);
}

/* ---- four threads ---- */

#define THREADS 4
#define HANDS 8

struct storm {
	struct world *w;
	struct gpuvm_bo *_Atomic drop[HANDS]; /* references on their way from one thread to another */
	_Atomic uint64_t lasts;
	uint64_t seed;
	bool greedy; /* references are kept and handed around */
};

struct stormer {
	struct storm *s;
	unsigned int index;
};

static void put_any(struct storm *s, struct t_rng *rng, struct gpuvm_bo *bo)
{
	if (bo && (t_below(rng, 2) ? gpuvm_bo_put(bo) : gpuvm_bo_put_deferred(bo)))
		atomic_fetch_add(&s->lasts, 1);
}

static void storm_step(struct storm *s, struct t_rng *rng, struct gpuvm_bo **held)
{
	unsigned int hand = t_below(rng, HANDS), gem = t_below(rng, GEMS), i;
	struct gpuvm_bo *bo;

	switch (t_below(rng, 8)) {
	case 0: /* a burst: what makes an object hot */
		bo = obtain(s->w, gem);
		for (i = 0; i < 40; i++)
			put_any(s, rng, gpuvm_bo_get(bo));
		put_any(s, rng, bo);
		break;
	case 1:
		gpuvm_bo_deferred_cleanup(s->w->vm, 2);
		break;
	case 2:
	case 3: /* pass one on */
		bo = atomic_exchange(&s->drop[hand], *held);
		*held = bo;
		break;
	case 4:
		bo = gpuvm_bo_find(s->w->vm, s->w->gem[gem]);
		put_any(s, rng, *held);
		*held = bo;
		break;
	case 5:
		if (*held)
			put_any(s, rng, gpuvm_bo_get(*held));
		break;
	default:
		bo = obtain(s->w, gem);
		put_any(s, rng, *held);
		*held = bo;
	}
}

/* Nobody keeps anything: nearly every put may be the last, and nearly every find meets one that is under way. */
static void last_put_step(struct storm *s, struct t_rng *rng)
{
	if (t_below(rng, 16) == 0)
		gpuvm_bo_deferred_cleanup(s->w->vm, 4);
	else if (t_below(rng, 3))
		put_any(s, rng, gpuvm_bo_find(s->w->vm, s->w->gem[0]));
	else
		put_any(s, rng, obtain(s->w, 0));
}

static void *storm_thread(void *arg)
{
	struct stormer *me = arg;
	struct t_rng rng = t_rng_make(me->s->seed + me->index);
	unsigned int n = getenv("GPUVM_TEST_LONG") ? 100000 : T_SANITIZED ? 500 : 2000, i;
	struct gpuvm_bo *held[3] = { 0 };
	bool greedy = me->s->greedy;

	gpuvm_thread_enter();
	for (i = 0; i < n && !greedy; i++)
		last_put_step(me->s, &rng);
	for (i = 0; i < n && greedy; i++)
		storm_step(me->s, &rng, &held[t_below(&rng, ARRAY_SIZE(held))]);
	for (i = 0; i < ARRAY_SIZE(held); i++)
		put_any(me->s, &rng, held[i]);
	gpuvm_thread_leave();
	return NULL;
}

/* Each pair that was registered had exactly one last put; those that lost the
 * race had none. */
static void storm(struct world *w, bool greedy)
{
	struct storm s = { .w = w, .seed = t_seed(), .greedy = greedy };
	struct stormer me[THREADS];
	struct gpuvm_stats before, after;
	struct t_rng rng = t_rng_make(s.seed);
	pthread_t t[THREADS];
	unsigned int i;

	gpuvm_stats_read(&before);
	for (i = 0; i < THREADS; i++) {
		me[i] = (struct stormer){ .s = &s, .index = i };
		assert_int_equal(pthread_create(&t[i], NULL, storm_thread, &me[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	for (i = 0; i < HANDS; i++)
		put_any(&s, &rng, atomic_load(&s.drop[i]));
	gpuvm_stats_read(&after);
	assert_int_equal(atomic_load(&s.lasts),
			 atomic_load(&born) - (after.v[GPUVM_STAT_LIST_RACE] - before.v[GPUVM_STAT_LIST_RACE]));
	for (i = 0; i < GEMS; i++)
		assert_null(gpuvm_bo_find(w->vm, w->gem[i]));
}

static void greedy_storm(struct world *w)
{
	storm(w, true);
}

static void last_put_storm(struct world *w)
{
	storm(w, false);
}

static void four_threads_hand_references_around(void **state)
{
	each(greedy_storm);
}

static void four_threads_race_for_the_last_put(void **state)
{
	each(last_put_storm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_put_is_exact),
		cmocka_unit_test(hot_objects_die_on_time),
		cmocka_unit_test(queue_is_counted),
		cmocka_unit_test(references_may_change_hands),
		cmocka_unit_test(four_threads_hand_references_around),
		cmocka_unit_test(four_threads_race_for_the_last_put),
	};

	return t_run("ref", tests, ARRAY_SIZE(tests));
}
