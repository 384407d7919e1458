/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_enomem_threads.c - the n-th allocation of every operation fails, for every n, while other threads work on the same VM
 * and the same objects: some denied in the same way, one never.
 *
 *   D1  An operation fails with -ENOMEM, and only if it was denied memory; no lock stays held.
 *   D2  A thread's own pages are as its model says after each of its operations, failed or not.
 *   D3  Threads that hold a pair at one moment hold one bo (I2), and find finds it while anybody holds or maps it.
 *   D4  At quiescence every page and every pair are right; at the end nothing is alive.
 *
 * variants: debug asan tsan (the release build cannot make allocations fail)
 */
#include "denied.h"

enum {
	CALLS = T_SANITIZED ? 30 : 60, /* of each thread in a round */
	JITTER = 256
};

static struct d_run the_run;

static void lock(struct d_worker *t)
{
	while (!(t->exec = gpuvm_exec_create(t->r->w.vm)))
		;
	while (d_lock_all(t->r, t->exec))
		;
}

static void call(struct d_worker *t, const struct d_operation *op)
{
	bool locked = op->locked && !d_immediate(t);
	uint64_t denied;
	int ret;

	if (locked)
		lock(t);
	gpuvm_debug_fail_alloc(t->nth, t->forever);
	ret = op->run(t);
	denied = gpuvm_debug_failed();
	gpuvm_debug_fail_alloc(0, false);
	if (locked)
		gpuvm_exec_destroy(t->exec);
	t->denied += denied;
	if (ret && (ret != -ENOMEM || !denied))
		d_violation(t, ret == -ENOMEM ? "-ENOMEM, and nothing was denied" : "another error than -ENOMEM",
			    op->name);
	if (gpuvm_debug_locks_held())
		d_violation(t, "a lock stays held", op->name);
}

static void *work(void *arg)
{
	struct d_worker *t = arg;
	unsigned int i, page;

	gpuvm_thread_enter();
	for (i = 0; i < CALLS; i++) {
		const struct d_operation *op = &d_operations[i < d_nr_operations ? (i + t->me * 5) % d_nr_operations :
										   d_draw(t, d_nr_operations)];

		call(t, op);
		for (page = 0; page < D_PAGES; page++)
			if (!d_page_is_right(t, page))
				d_violation(t, "a page is not as it was left", op->name);
	}
	if (d_immediate(t))
		gpuvm_bo_deferred_cleanup(t->r->w.vm, SIZE_MAX);
	gpuvm_thread_leave();
	return NULL;
}

/* Does anybody hold this object's bo, or map it? */
static bool in_use(const struct d_run *r, unsigned int gem)
{
	unsigned int i, page;
	bool used = false;

	for (i = 0; i < D_THREADS; i++) {
		used |= r->worker[i].bo[gem] != NULL;
		for (page = 0; page < D_PAGES; page++)
			used |= r->worker[i].page[page] && (r->worker[i].page[page] - 1) / D_PAGES == gem;
	}
	return used;
}

/* D4 */
static void check_at_rest(struct d_run *r)
{
	struct gpuvm_bo *bo;
	unsigned int i, page;

	if (r->config.flags & GPUVM_VM_IMMEDIATE)
		gpuvm_bo_deferred_cleanup(r->w.vm, SIZE_MAX);
	for (i = 0; i < D_THREADS; i++)
		for (page = 0; page < D_PAGES; page++)
			assert_true(d_page_is_right(&r->worker[i], page));
	for (i = 0; i < T_GEMS; i++) {
		bo = t_find(&r->w, i);
		assert_int_equal(bo != NULL, in_use(r, i));
		if (bo)
			t_put(&r->w, bo);
	}
}

/* All threads, the @nth allocation of each operation denied but in one of them. Return: how many were. */
static uint64_t round_of(struct d_run *r, uint64_t nth, bool forever)
{
	uint64_t denied = 0;
	unsigned int i;

	for (i = 0; i < D_THREADS; i++) {
		struct d_worker *t = &r->worker[i];

		t->nth = (i + nth) % D_THREADS ? nth : 0;
		t->forever = forever;
		t->denied = 0;
		assert_int_equal(pthread_create(&t->id, NULL, work, t), 0);
	}
	for (i = 0; i < D_THREADS; i++) {
		pthread_join(r->worker[i].id, NULL);
		denied += r->worker[i].denied;
	}
	check_at_rest(r);
	r->denied += denied;
	r->rounds++;
	return denied;
}

static void sweep(void **state)
{
	struct d_run *r = *state;
	uint64_t n;

	for (n = 1; round_of(r, n, false); n++)
		;
	assert_true(n > 4); /* a map in the middle of a mapping has six */
	for (n = 1; round_of(r, n, true); n++)
		;
	print_message("%lu allocations denied in %lu rounds\n", r->denied, r->rounds);
}

static int setup(void **state)
{
	struct d_run *r = *state;
	unsigned int i;

	t_world_make(&r->w, &r->config);
	memset(r->worker, 0, sizeof(r->worker));
	memset(r->held, 0, sizeof(r->held));
	r->denied = r->rounds = 0;
	for (i = 0; i < D_THREADS; i++) {
		r->worker[i].r = r;
		r->worker[i].me = i;
		r->worker[i].rng = t_rng_make(t_seed() + i);
	}
	gpuvm_debug_jitter(JITTER);
	return 0;
}

static int teardown(void **state)
{
	struct d_run *r = *state;
	unsigned int i, gem;

	gpuvm_debug_jitter(0);
	for (i = 0; i < D_THREADS; i++)
		for (gem = 0; gem < T_GEMS; gem++)
			if (r->worker[i].bo[gem])
				t_put(&r->w, r->worker[i].bo[gem]);
	t_clear(&r->w);
	t_world_end(&r->w);
	return 0;
}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = { { "sweep", sweep, setup, teardown, &the_run } };
	char group[160];

	the_run.config = *config;
	snprintf(group, sizeof(group), "enomem_threads/list:%s/ref:%s/%s", config->list ? config->list : "-",
		 config->ref ? config->ref : "-", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

/* What differs from list to list, and from ref to ref, is the life of a pair: one mode of each kind will do. */
static int run_two_modes(const struct t_config *config)
{
	if (!config->external || (config->flags != GPUVM_VM_IMMEDIATE && config->flags != GPUVM_VM_RESV_PROTECTED))
		return 0;
	/* The sanitizers are here for accesses, and ten times slower: staged binds are serial anyway. */
	if (T_SANITIZED && config->flags != GPUVM_VM_IMMEDIATE)
		return 0;
	return run_config(config);
}

static int step(const struct gpuvm_op *op, void *priv)
{
	return 0;
}

static int validate(struct gpuvm_bo *bo, void *priv)
{
	return 0;
}

static const struct gpuvm_driver driver = {
	.bo_data = 8,
	.va_data = 8,
	.bo_validate = validate,
	.sm_step_map = step,
	.sm_step_remap = step,
	.sm_step_unmap = step,
};

int main(void)
{
	const struct t_config base = { .driver = &driver, .pages = D_THREADS * D_PAGES };
	int failed;

	if (!gpuvm_debug_enabled()) {
		fprintf(stderr, "this build cannot make allocations fail: nothing was tested\n");
		return 3;
	}
	failed = t_each_config(&base, T_SANITIZED ? run_two_modes : run_config);
	return t_each_list(&base, run_two_modes) || failed;
}
