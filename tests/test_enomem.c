/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_enomem.c - every allocation of every public operation fails in turn, once and from then on. The error must come
 * back, the VM must be as before, nothing may leak, no lock may stay held; and then the same operation must succeed.
 *
 * variants: debug asan tsan (the release build cannot make allocations fail)
 */
#include "trace.h"
#include "world.h"

struct run {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_sm sm;
	struct t_state before, after;
	unsigned long injected;
	bool each; /* look for leaks after each denial, not after each operation: a grace period costs 10 ms */
};

static struct run the_run;

/* ---- operations: 0 or -errno; what they made is undone by their twin ---- */

static struct gpuvm_device *new_dev;
static struct gpuvm_vm *new_vm;
static struct gpuvm_gem *new_gem;
static struct gpuvm_bo_alloc *new_alloc;
static struct gpuvm_bo *new_bo;
static struct gpuvm_va_alloc *new_va;
static struct gpuvm_exec *new_exec;
static struct gpuvm_oplist *new_list;

static int do_device(struct run *r)
{
	const struct gpuvm_device_params params = { .preset = "linux" };

	return gpuvm_device_create(&params, &new_dev);
}

static void undo_device(struct run *r)
{
	gpuvm_device_put(new_dev);
}

static int do_vm(struct run *r)
{
	const struct gpuvm_vm_params params = { .range = 1 << 20 };

	return gpuvm_vm_create(r->w.dev, &params, &new_vm);
}

static void undo_vm(struct run *r)
{
	gpuvm_vm_put(new_vm);
}

static int do_gem(struct run *r)
{
	const struct gpuvm_gem_params params = { .size = 4096, .data_size = 64 };

	return gpuvm_gem_create(r->w.dev, &params, &new_gem);
}

static void undo_gem(struct run *r)
{
	gpuvm_gem_put(new_gem);
}

static int do_bo_alloc(struct run *r)
{
	return gpuvm_bo_alloc_create(r->w.vm, r->w.gem[0], &new_alloc);
}

static void undo_bo_alloc(struct run *r)
{
	gpuvm_bo_alloc_destroy(new_alloc);
}

/* Object 2 has no bo yet. */
static int do_obtain(struct run *r)
{
	return gpuvm_obtain(r->w.vm, r->w.gem[2], &new_bo);
}

static void undo_obtain(struct run *r)
{
	gpuvm_bo_put(new_bo);
}

/* Obtain never fails, whatever memory there is for an index; finding must work afterwards. */
#define MANY 24

static void obtain_one(struct gpuvm_vm *vm, struct gpuvm_bo **bo)
{
	struct gpuvm_bo_alloc *alloc;

	if (!gpuvm_bo_alloc_create(vm, new_gem, &alloc))
		*bo = gpuvm_bo_obtain(alloc);
}

static void find_and_put(struct gpuvm_vm *vm, struct gpuvm_bo *bo)
{
	struct gpuvm_bo *found = gpuvm_bo_find(vm, new_gem);

	assert_ptr_equal(found, bo);
	gpuvm_bo_put(found);
	gpuvm_bo_put(bo);
}

static int do_obtain_many(struct run *r)
{
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags };
	struct gpuvm_bo *bo[MANY] = { NULL };
	struct gpuvm_vm *vm[MANY];
	unsigned int i, n;
	int ret = do_gem(r);

	if (ret)
		return ret;
	for (n = 0; n < MANY && !gpuvm_vm_create(r->w.dev, &params, &vm[n]); n++)
		obtain_one(vm[n], &bo[n]);
	for (i = 0; i < n; i++) {
		find_and_put(vm[i], bo[i]);
		gpuvm_vm_put(vm[i]);
	}
	gpuvm_gem_put(new_gem);
	return 0;
}

static void undo_nothing(struct run *r)
{
}

static int do_va_alloc(struct run *r)
{
	new_va = gpuvm_va_alloc_create(r->w.vm);
	return new_va ? 0 : -ENOMEM;
}

static void undo_va_alloc(struct run *r)
{
	gpuvm_va_alloc_destroy(new_va);
}

static int do_insert(struct run *r)
{
	const struct gpuvm_map_req req = { .addr = 40 * T_PAGE, .range = T_PAGE, .bo = r->w.bo[0] };
	int ret;

	new_va = gpuvm_va_alloc_create(r->w.vm);
	if (!new_va)
		return -ENOMEM;
	ret = gpuvm_va_insert(r->w.vm, new_va, &req);
	if (ret)
		gpuvm_va_alloc_destroy(new_va);
	return ret;
}

static void undo_insert(struct run *r)
{
	struct gpuvm_va_removed *removed;

	t_ok(gpuvm_va_remove(r->w.vm, 40 * T_PAGE, T_PAGE, &removed));
	gpuvm_va_removed_free(removed);
}

static int do_exec(struct run *r)
{
	int ret;

	new_exec = gpuvm_exec_create(r->w.vm);
	if (!new_exec)
		return -ENOMEM;
	ret = gpuvm_exec_lock(new_exec);
	ret = ret ? ret : gpuvm_exec_lock_gem(new_exec, r->w.gem[2]);
	gpuvm_exec_destroy(new_exec);
	return ret;
}

static int do_exec_range(struct run *r)
{
	int ret;

	new_exec = gpuvm_exec_create(r->w.vm);
	if (!new_exec)
		return -ENOMEM;
	ret = gpuvm_exec_lock_range(new_exec, 0, 64 * T_PAGE);
	gpuvm_exec_destroy(new_exec);
	return ret;
}

static int do_prepare(struct run *r)
{
	return gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MADVISE_VAS);
}

static void undo_prepare(struct run *r)
{
	gpuvm_sm_release(&r->sm);
}

/* The overlap cases: nothing there, one whole mapping, one cut in the middle, two cut ends and a whole one. */
static int range_ops(struct run *r, uint64_t a, uint64_t e)
{
	const struct gpuvm_map_req req = { .addr = a * T_PAGE, .range = (e - a) * T_PAGE, .bo = r->w.bo[0] };

	return gpuvm_sm_map_ops(r->w.vm, &req, &new_list);
}

static int do_map_free(struct run *r)
{
	return range_ops(r, 50, 52);
}

static int do_map_exact(struct run *r)
{
	return range_ops(r, 4, 8);
}

static int do_map_middle(struct run *r)
{
	return range_ops(r, 5, 7);
}

static int do_map_span(struct run *r)
{
	return range_ops(r, 6, 14);
}

static int do_unmap_span(struct run *r)
{
	return gpuvm_sm_unmap_ops(r->w.vm, 6 * T_PAGE, 8 * T_PAGE, &new_list);
}

static int do_prefetch(struct run *r)
{
	return gpuvm_sm_prefetch_ops(r->w.vm, 6 * T_PAGE, 8 * T_PAGE, &new_list);
}

static int do_madvise(struct run *r)
{
	const struct gpuvm_map_req req = { .addr = 22 * T_PAGE, .range = 6 * T_PAGE };

	return gpuvm_sm_madvise_ops(r->w.vm, &req, &new_list);
}

static int do_bo_unmap(struct run *r)
{
	return gpuvm_bo_unmap_ops(r->w.bo[0], &new_list);
}

static void undo_list(struct run *r)
{
	gpuvm_oplist_free(new_list);
}

/* Callback form on a stock: what it allocates is the space's business; cut and healed again. */
static int do_sm_map(struct run *r)
{
	const struct gpuvm_map_req req = { .addr = 40 * T_PAGE, .range = 2 * T_PAGE, .bo = r->w.bo[0] };
	int ret = gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MAP_VAS);

	return ret ? ret : gpuvm_sm_map(r->w.vm, &req, &r->sm);
}

static void undo_sm_map(struct run *r)
{
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_UNMAP_VAS));
	t_ok(gpuvm_sm_unmap(r->w.vm, 40 * T_PAGE, 2 * T_PAGE, &r->sm));
	gpuvm_sm_release(&r->sm);
}

/* @locked: the caller holds what the mode wants. */
static const struct operation {
	const char *name;
	int (*run)(struct run *r);
	void (*undo)(struct run *r);
	bool locked, immediate_only;
} operations[] = {
	{ "device_create", do_device, undo_device, false, false },
	{ "vm_create", do_vm, undo_vm, false, false },
	{ "gem_create", do_gem, undo_gem, false, false },
	{ "bo_alloc_create", do_bo_alloc, undo_bo_alloc, false, false },
	{ "obtain", do_obtain, undo_obtain, true, false },
	{ "obtain for 24 VMs", do_obtain_many, undo_nothing, false, true },
	{ "va_alloc_create", do_va_alloc, undo_va_alloc, false, false },
	{ "va_insert", do_insert, undo_insert, true, false },
	{ "exec_lock", do_exec, undo_nothing, false, false },
	{ "exec_lock_range", do_exec_range, undo_nothing, false, false },
	{ "sm_prepare", do_prepare, undo_prepare, false, false },
	{ "map_ops, nothing there", do_map_free, undo_list, true, false },
	{ "map_ops, exact", do_map_exact, undo_list, true, false },
	{ "map_ops, middle", do_map_middle, undo_list, true, false },
	{ "map_ops, span", do_map_span, undo_list, true, false },
	{ "unmap_ops, span", do_unmap_span, undo_list, true, false },
	{ "prefetch_ops", do_prefetch, undo_list, true, false },
	{ "madvise_ops", do_madvise, undo_list, true, false },
	{ "bo_unmap_ops", do_bo_unmap, undo_list, true, false },
	{ "sm_map", do_sm_map, undo_sm_map, true, false },
};

/* ---- the sweep ---- */

static void nothing_left(struct run *r, const struct operation *op, const struct t_live *live, uint64_t nth)
{
	if (op->locked)
		t_unlock(&r->w);
	assert_int_equal(gpuvm_debug_locks_held(), 0);
	t_state_read(&r->trace, r->w.vm, &r->after);
	if ((r->each && !t_live_equal(live)) || !t_state_equal(&r->after, &r->before))
		fail_msg("%s, allocation %" PRIu64 " denied", op->name, nth);
}

/* One run with the @nth allocation denied. False: it has fewer. */
static bool deny(struct run *r, const struct operation *op, const struct t_live *live, uint64_t nth, bool forever)
{
	uint64_t denied;
	int ret;

	if (op->locked)
		t_lock(&r->w);
	t_ok(gpuvm_debug_fail_alloc(nth, forever));
	ret = op->run(r);
	denied = gpuvm_debug_failed();
	t_ok(gpuvm_debug_fail_alloc(0, false));
	/* An operation may do without some of its memory; it may not fail for another reason. */
	if (ret != 0 && (ret != -ENOMEM || denied == 0))
		fail_msg("%s: allocation %" PRIu64 " fails: returned %d", op->name, nth, ret);
	if (ret == 0)
		op->undo(r);
	else if (op->run == do_prepare || op->run == do_sm_map)
		gpuvm_sm_release(&r->sm); /* what was allocated until then stays in it */
	nothing_left(r, op, live, nth);
	r->injected += denied;
	return denied;
}

/* With all its memory: what a space keeps for the next request it has from then on. */
static void once(struct run *r, const struct operation *op)
{
	if (op->locked)
		t_lock(&r->w);
	t_ok(op->run(r));
	op->undo(r);
	if (op->locked)
		t_unlock(&r->w);
}

static void sweep(void **state)
{
	struct run *r = *state;
	struct t_live live;
	unsigned int i;
	uint64_t n;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		if (operations[i].immediate_only && !(r->config.flags & GPUVM_VM_IMMEDIATE))
			continue;
		once(r, &operations[i]);
		t_live_read(&live);
		for (n = 1; deny(r, &operations[i], &live, n, false); n++)
			;
		assert_true(n > 1); /* each of them allocates */
		for (n = 1; deny(r, &operations[i], &live, n, true); n++)
			;
		if (!t_live_equal(&live))
			fail_msg("%s (which of them: GPUVM_TEST_LONG=1)", operations[i].name);
	}
	print_message("%lu allocations denied\n", r->injected);
}

static int setup(void **state)
{
	struct run *r = *state;

	t_world_make(&r->w, &r->config);
	r->w.bo[0] = t_obtain(&r->w, 0);
	r->w.bo[1] = t_obtain(&r->w, 1);
	r->trace = (struct t_trace){ .gems = r->w.gem, .nr_gems = T_GEMS };
	r->sm = (struct gpuvm_sm){ .removed = NULL };
	r->injected = 0;
	r->each = getenv("GPUVM_TEST_LONG");
	t_insert(&r->w, 0, 4, 4, 0);
	t_insert(&r->w, 1, 8, 4, 0);
	t_insert(&r->w, -1, 12, 4, 0);
	t_insert(&r->w, -1, 20, 4, 0);
	t_insert(&r->w, -1, 24, 8, 0);
	t_state_read(&r->trace, r->w.vm, &r->before);
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	gpuvm_debug_fail_alloc(0, false);
	t_clear(&r->w);
	t_world_end(&r->w);
	return 0;
}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = { { "sweep", sweep, setup, teardown, &the_run } };
	char group[160];

	the_run.config = *config;
	snprintf(group, sizeof(group), "enomem/list:%s/%s", config->list ? config->list : "-", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = { .driver = &t_trace_driver, .pages = 64 };
	int failed;

	if (!gpuvm_debug_enabled()) {
		fprintf(stderr, "this build cannot make allocations fail: nothing was tested\n");
		return 3;
	}
	failed = t_each_config(&base, run_config);
	return t_each_list(&base, run_config) || failed;
}
