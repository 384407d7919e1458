/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_alloc.c - every allocator gives back what it took, whoever frees it and whoever has left; alloc:magazine keeps the
 * books on it (takes and gives), which must balance.
 */
#include <pthread.h>

#include "support.h"

static uint64_t stat_of(enum gpuvm_stat stat)
{
	struct gpuvm_stats s;

	gpuvm_stats_read(&s);
	return s.v[stat];
}

/* Objects that magazines have taken from the C library and not given back, since the program began. */
static uint64_t outstanding(void)
{
	return stat_of(GPUVM_STAT_MAG_TAKE) - stat_of(GPUVM_STAT_MAG_GIVE);
}

struct job {
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm;
	struct gpuvm_va_alloc **va;
	unsigned int n;
};

static void run_thread(void *(*fn)(void *arg), void *job)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, fn, job), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
}

/* A device and a VM, no mappings. */
static struct job job_on(const char *space, const char *alloc)
{
	const struct gpuvm_vm_params params = { .range = 1ull << 32, .flags = GPUVM_VM_IMMEDIATE };
	struct job job = { .dev = t_device("rcu_hash", space, NULL, alloc) };

	t_ok(gpuvm_vm_create(job.dev, &params, &job.vm));
	return job;
}

static struct job job_make(const char *alloc)
{
	struct job job = job_on(NULL, alloc);

	job.n = 3000;
	job.va = calloc(job.n, sizeof(*job.va));
	assert_non_null(job.va);
	return job;
}

static void job_end(struct job *job)
{
	gpuvm_vm_close(job->vm, NULL);
	gpuvm_vm_put(job->vm);
	gpuvm_device_put(job->dev);
	free(job->va);
}

static void each(void (*fn)(struct job *job))
{
	struct t_live before;
	const char *alloc;
	struct job job;
	unsigned int a;

	for (a = 0; (alloc = t_strategy(GPUVM_AXIS_ALLOC, a)); a++) {
		if (T_SANITIZED && !strcmp(alloc, "jemalloc"))
			continue;
		t_live_read(&before);
		job = job_make(alloc);
		fn(&job);
		job_end(&job);
		t_live_same(&before);
	}
}

/* ---- any size, at once and later ---- */

static void sizes(struct job *job)
{
	static const size_t size[] = { 64, 65, 96, 127, 128, 1000, 1024, 1025, 4096, 65536 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(size); i++) {
		t_ok(gpuvm_device_churn(job->dev, size[i], 300, false));
		t_ok(gpuvm_device_churn(job->dev, size[i], 300, true));
	}
	t_fails(-EINVAL, gpuvm_device_churn(job->dev, 63, 1, false));
	t_fails(-EINVAL, gpuvm_device_churn(job->dev, 65537, 1, false));
}

static void any_size(void **state)
{
	each(sizes);
}

static void deny(struct job *job)
{
	if (!gpuvm_debug_enabled())
		return;
	t_ok(gpuvm_device_churn(job->dev, 128, 100, false)); /* so that there are free ones at hand */
	gpuvm_debug_fail_alloc(3, false);
	t_fails(-ENOMEM, gpuvm_device_churn(job->dev, 128, 10, false));
	gpuvm_debug_fail_alloc(0, false);
	t_ok(gpuvm_device_churn(job->dev, 128, 10, true));
}

static void allocations_can_be_denied(void **state)
{
	each(deny);
}

/* ---- whoever frees it ---- */

static void *allocate(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < job->n; i++)
		job->va[i] = gpuvm_va_alloc_create(job->vm);
	gpuvm_thread_leave();
	return NULL;
}

static void destroy_all(struct job *job)
{
	unsigned int i;

	for (i = 0; i < job->n; i++) {
		assert_non_null(job->va[i]);
		gpuvm_va_alloc_destroy(job->va[i]);
	}
}

static void *destroy(void *arg)
{
	gpuvm_thread_enter();
	destroy_all(arg);
	gpuvm_thread_leave();
	return NULL;
}

static void freed_by_another(struct job *job)
{
	run_thread(allocate, job);
	run_thread(destroy, job);
	run_thread(allocate, job);
	destroy_all(job);
}

static void another_thread_may_free(void **state)
{
	each(freed_by_another);
}

/* ---- the magazine's books ---- */

/* With a magazine of its own, so that it could keep them. */
static void *destroy_with_own(void *arg)
{
	struct job *job = arg;

	gpuvm_thread_enter();
	t_ok(gpuvm_device_churn(job->dev, 128, 1, false));
	destroy_all(job);
	gpuvm_thread_leave();
	return NULL;
}

static void owner_gets_it_back(void **state)
{
	struct job job = job_make("magazine");
	uint64_t remote = stat_of(GPUVM_STAT_MAG_REMOTE);
	unsigned int i;

	for (i = 0; i < job.n; i++)
		job.va[i] = gpuvm_va_alloc_create(job.vm);
	run_thread(destroy_with_own, &job);
	assert_int_equal(stat_of(GPUVM_STAT_MAG_REMOTE) - remote, job.n);
	job_end(&job);
}

#define PAIRS 200

struct pairs {
	struct job job;
	struct gpuvm_bo *bo[PAIRS];
};

static void *put_pairs(void *arg)
{
	struct pairs *p = arg;
	unsigned int i;

	gpuvm_thread_enter();
	t_ok(gpuvm_device_churn(p->job.dev, 128, 1, false));
	for (i = 0; i < PAIRS; i++)
		assert_true(gpuvm_bo_put(p->bo[i]));
	gpuvm_quiesce();
	gpuvm_thread_leave();
	return NULL;
}

static void owner_gets_it_back_after_a_grace_period(void **state)
{
	const struct gpuvm_gem_params params = { .size = 4096 };
	struct pairs p = { .job = job_make("magazine") };
	struct gpuvm_gem *gem[PAIRS];
	uint64_t remote;
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		t_ok(gpuvm_gem_create(p.job.dev, &params, &gem[i]));
		t_ok(gpuvm_obtain(p.job.vm, gem[i], &p.bo[i]));
	}
	remote = stat_of(GPUVM_STAT_MAG_REMOTE);
	run_thread(put_pairs, &p);
	assert_int_equal(stat_of(GPUVM_STAT_MAG_REMOTE) - remote, PAIRS);
	for (i = 0; i < PAIRS; i++)
		gpuvm_gem_put(gem[i]);
	job_end(&p.job);
}

static void *churn(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < 20; i++) {
		t_ok(gpuvm_device_churn(job->dev, 64 + 32 * i, 500, i & 1));
		if (i == 10)
			gpuvm_quiesce();
	}
	gpuvm_thread_leave();
	return NULL;
}

static void threads_leave_nothing(void **state)
{
	struct job job = job_make("magazine");
	uint64_t before;
	pthread_t t[4];
	unsigned int i;

	gpuvm_quiesce();
	before = outstanding();
	for (i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, &job), 0);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	gpuvm_quiesce();
	assert_int_equal(outstanding(), before);
	job_end(&job);
}

/* Many at once, all freed: they do not stay. */
static void surplus_is_given_back(void **state)
{
	struct job job = job_make("magazine");
	uint64_t gives = stat_of(GPUVM_STAT_MAG_GIVE);
	unsigned int i;

	job.n *= 10; /* far more than any test before needed at a time */
	free(job.va);
	job.va = calloc(job.n, sizeof(*job.va));
	assert_non_null(job.va);
	for (i = 0; i < job.n; i++)
		job.va[i] = gpuvm_va_alloc_create(job.vm);
	destroy_all(&job);
	assert_true(stat_of(GPUVM_STAT_MAG_GIVE) - gives > job.n / 2);
	job_end(&job);
}

/* Each that another thread has allocated makes room for one of one's own: it becomes that one. */
static void *replace_all(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < job->n; i++) {
		struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(job->vm);

		gpuvm_va_alloc_destroy(job->va[i]);
		job->va[i] = va;
	}
	gpuvm_thread_leave();
	return NULL;
}

static void who_needs_it_keeps_it(void **state)
{
	struct job job = job_make("magazine");
	uint64_t takes, remote;
	unsigned int i;

	for (i = 0; i < job.n; i++)
		job.va[i] = gpuvm_va_alloc_create(job.vm);
	takes = stat_of(GPUVM_STAT_MAG_TAKE);
	remote = stat_of(GPUVM_STAT_MAG_REMOTE);
	run_thread(replace_all, &job);
	assert_true(stat_of(GPUVM_STAT_MAG_TAKE) - takes <= 1);
	assert_true(stat_of(GPUVM_STAT_MAG_REMOTE) - remote <= 1);
	destroy_all(&job);
	job_end(&job);
}

/* By M8 the main thread keeps what another one built, as long as it draws; after quiescing nobody keeps anything. */
static void create_all(struct job *job)
{
	unsigned int i;

	for (i = 0; i < job->n; i++)
		job->va[i] = gpuvm_va_alloc_create(job->vm);
}

static void *build(void *arg)
{
	gpuvm_thread_enter();
	create_all(arg);
	gpuvm_thread_leave();
	return NULL;
}

static void quiescing_gives_back_what_was_kept(void **state)
{
	struct job job = job_make("magazine");
	unsigned int turn;

	gpuvm_thread_enter();
	for (turn = 0; turn < 3; turn++) {
		create_all(&job);
		destroy_all(&job);
		run_thread(build, &job);
		destroy_all(&job);
	}
	job_end(&job);
	assert_true(outstanding() > 0);
	gpuvm_quiesce();
	assert_int_equal(outstanding(), 0);
	gpuvm_thread_leave();
}

/* What a request takes along for the index and brings back, in all orders; each node counts, and each can be denied. */
static void take_along(struct job *job, unsigned int vas, uint64_t nodes)
{
	struct gpuvm_sm sm = { 0 };
	uint64_t allocs = stat_of(GPUVM_STAT_ALLOC), space = stat_of(GPUVM_STAT_SPACE_ALLOC);
	uint64_t frees = stat_of(GPUVM_STAT_FREE);

	t_ok(gpuvm_sm_prepare(job->vm, &sm, vas));
	assert_int_equal(stat_of(GPUVM_STAT_SPACE_ALLOC) - space, nodes);
	assert_int_equal(stat_of(GPUVM_STAT_ALLOC) - allocs, vas + nodes);
	gpuvm_sm_release(&sm);
	assert_int_equal(stat_of(GPUVM_STAT_FREE) - frees, vas + nodes);
	if (!gpuvm_debug_enabled())
		return;
	gpuvm_debug_fail_alloc(vas + nodes, false);
	t_fails(-ENOMEM, gpuvm_sm_prepare(job->vm, &sm, vas));
	gpuvm_debug_fail_alloc(0, false);
	gpuvm_sm_release(&sm);
	assert_int_equal(stat_of(GPUVM_STAT_FREE) - frees, stat_of(GPUVM_STAT_ALLOC) - allocs);
}

static void *bring_back(void *arg)
{
	static const unsigned int vas[] = { GPUVM_SM_UNMAP_VAS, GPUVM_SM_MAP_VAS, GPUVM_SM_UNMAP_VAS, GPUVM_SM_UNMAP_VAS,
					    GPUVM_SM_MADVISE_VAS, GPUVM_SM_MAP_VAS };
	struct gpuvm_sm two[3] = { 0 };
	struct job *job = arg;
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < ARRAY_SIZE(vas); i++)
		take_along(job, vas[i], vas[i] == GPUVM_SM_UNMAP_VAS ? 1 : 2);
	/* Several under way, and more come back than are kept. */
	for (i = 0; i < ARRAY_SIZE(two); i++)
		t_ok(gpuvm_sm_prepare(job->vm, &two[i], vas[i]));
	for (i = 0; i < ARRAY_SIZE(two); i++)
		gpuvm_sm_release(&two[i]);
	take_along(job, GPUVM_SM_MAP_VAS, 2);
	gpuvm_thread_leave();
	return NULL;
}

/* By a thread that has no magazine: each goes to where it belongs. */
static void *release(void *sm)
{
	gpuvm_thread_enter();
	gpuvm_sm_release(sm);
	gpuvm_thread_leave();
	return NULL;
}

static void stocks_come_and_go(void **state)
{
	struct job job = job_on("leaf", "magazine");
	struct gpuvm_sm sm = { 0 };
	struct t_live before;
	uint64_t taken, remote;

	gpuvm_quiesce();
	t_live_read(&before);
	taken = outstanding();
	run_thread(bring_back, &job);
	t_ok(gpuvm_sm_prepare(job.vm, &sm, GPUVM_SM_MAP_VAS));
	remote = stat_of(GPUVM_STAT_MAG_REMOTE);
	run_thread(release, &sm);
	assert_int_equal(stat_of(GPUVM_STAT_MAG_REMOTE) - remote, GPUVM_SM_MAP_VAS + 2);
	gpuvm_quiesce();
	assert_int_equal(outstanding(), taken);
	t_live_same(&before);
	job_end(&job);
}

/* Slots filled by hand with mappings of two VMs, of two sizes: who asks for the larger ones afterwards gets such. */
static void *release_mixed(void *arg)
{
	static const struct gpuvm_driver large = { .va_data = 300 };
	const struct gpuvm_vm_params params = { .range = 1ull << 32, .flags = GPUVM_VM_IMMEDIATE, .driver = &large };
	struct gpuvm_sm sm = { 0 };
	struct job *job = arg;
	struct gpuvm_vm *vm;
	unsigned int i;

	gpuvm_thread_enter();
	t_ok(gpuvm_vm_create(job->dev, &params, &vm));
	sm.va[0] = gpuvm_va_alloc_create(job->vm);
	sm.va[1] = gpuvm_va_alloc_create(vm);
	gpuvm_sm_release(&sm);
	t_ok(gpuvm_sm_prepare(vm, &sm, GPUVM_SM_MADVISE_VAS));
	for (i = 0; i < GPUVM_SM_SLOTS; i++)
		memset(gpuvm_va_alloc_data(sm.va[i]), 1, large.va_data);
	gpuvm_sm_release(&sm);
	gpuvm_vm_put(vm);
	gpuvm_thread_leave();
	return NULL;
}

/* Memory for one index, of which all mappings were used, is none for another. */
static void for_another_index(struct gpuvm_sm *sm)
{
	struct job job = job_on("skiplist", "magazine");
	uint64_t nodes = stat_of(GPUVM_STAT_SPACE_ALLOC);

	t_ok(gpuvm_sm_prepare(job.vm, sm, GPUVM_SM_MAP_VAS));
	assert_int_equal(stat_of(GPUVM_STAT_SPACE_ALLOC) - nodes, 2);
	gpuvm_sm_release(sm);
	job_end(&job);
}

static void stocks_are_of_one_size(void **state)
{
	struct job job = job_on("leaf", "magazine");
	struct gpuvm_sm sm = { 0 };
	unsigned int i;

	run_thread(release_mixed, &job);
	t_ok(gpuvm_sm_prepare(job.vm, &sm, GPUVM_SM_MAP_VAS));
	for (i = 0; i < GPUVM_SM_SLOTS; i++) {
		gpuvm_va_alloc_destroy(sm.va[i]);
		sm.va[i] = NULL;
	}
	for_another_index(&sm);
	job_end(&job);
}

/* Retired by a thread that then does nothing: quiescing reaches it. */
static void *retire_and_wait(void *arg)
{
	struct job *job = arg;

	gpuvm_thread_enter();
	t_ok(gpuvm_device_churn(job->dev, 128, 10, true));
	gpuvm_quiesce();
	gpuvm_thread_leave();
	return NULL;
}

static void quiescing_reaches_open_batches(void **state)
{
	struct job job = job_make("magazine");
	int64_t live = t_live_now(GPUVM_TYPE_OP);
	uint64_t batches;

	t_ok(gpuvm_device_churn(job.dev, 128, 3, true)); /* too few to be handed in */
	batches = stat_of(GPUVM_STAT_MAG_BATCH);
	run_thread(retire_and_wait, &job);
	assert_true(stat_of(GPUVM_STAT_MAG_BATCH) >= batches + 2);
	assert_int_equal(t_live_now(GPUVM_TYPE_OP), live);
	job_end(&job);
}

/* However many, and however late the grace periods: the open batch grows (M6). */
static void *retire_many(void *arg)
{
	struct job *job = arg;

	gpuvm_thread_enter();
	t_ok(gpuvm_device_churn(job->dev, 128, 20000, true));
	gpuvm_thread_leave();
	return NULL;
}

static void retired_ones_wait_together(void **state)
{
	struct job job = job_make("magazine");
	uint64_t alone, batches;

	gpuvm_quiesce(); /* so that the magazine taken over has its batches */
	alone = stat_of(GPUVM_STAT_MAG_ALONE);
	batches = stat_of(GPUVM_STAT_MAG_BATCH);
	run_thread(retire_many, &job);
	assert_int_equal(stat_of(GPUVM_STAT_MAG_ALONE), alone);
	assert_true(stat_of(GPUVM_STAT_MAG_BATCH) > batches);
	job_end(&job);
}

/* A thread that promised to announce quiescent states (RCU=qsbr) and took it back holds nobody up; nor does a sleeper. */
static void *quiesce(void *arg)
{
	struct job *job = arg;

	gpuvm_thread_enter();
	gpuvm_thread_quiescent();
	t_ok(gpuvm_device_churn(job->dev, 128, 10, true));
	gpuvm_thread_quiescent();
	gpuvm_quiesce();
	gpuvm_thread_leave();
	return NULL;
}

static void resting_threads_hold_nobody_up(void **state)
{
	struct job job = job_make("magazine");
	struct gpuvm_gem *gem;

	t_ok(gpuvm_gem_create(job.dev, &(struct gpuvm_gem_params){ .size = 4096 }, &gem));
	assert_null(gpuvm_bo_find(job.vm, gem));
	run_thread(quiesce, &job);
	gpuvm_thread_quiescent();
	assert_null(gpuvm_bo_find(job.vm, gem));
	gpuvm_thread_quiescent();
	gpuvm_thread_idle();
	run_thread(quiesce, &job);
	gpuvm_gem_put(gem);
	job_end(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_size),
		cmocka_unit_test(allocations_can_be_denied),
		cmocka_unit_test(another_thread_may_free),
		cmocka_unit_test(owner_gets_it_back),
		cmocka_unit_test(owner_gets_it_back_after_a_grace_period),
		cmocka_unit_test(threads_leave_nothing),
		cmocka_unit_test(who_needs_it_keeps_it),
		cmocka_unit_test(surplus_is_given_back),
		cmocka_unit_test(quiescing_gives_back_what_was_kept),
		cmocka_unit_test(stocks_come_and_go),
		cmocka_unit_test(stocks_are_of_one_size),
		cmocka_unit_test(quiescing_reaches_open_batches),
		cmocka_unit_test(retired_ones_wait_together),
		cmocka_unit_test(resting_threads_hold_nobody_up),
	};

	return t_run("alloc", tests, ARRAY_SIZE(tests));
}
