/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_sm_rules.c - what holds of every request: bad ones get an error and change nothing, and each form allocates exactly
 * what its table says.
 */
#include "trace.h"
#include "world.h"

struct run {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_sm sm;
};

static struct run the_run;

enum {
	PAGES = 256,
	KERNEL = 128
};

static struct gpuvm_map_req map_req(struct run *r, uint64_t page, uint64_t pages)
{
	return (struct gpuvm_map_req){ .addr = page * T_PAGE, .range = pages * T_PAGE, .bo = r->w.bo[0] };
}

static void prepare(struct run *r)
{
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MADVISE_VAS));
	t_trace_reset(&r->trace);
	r->sm.priv = &r->trace;
}

/* ---- bad requests ---- */

static const struct gpuvm_map_req bad_ranges[] = {
	{ .addr = 0, .range = 0 },
	{ .addr = T_PAGE, .range = 0 },
	{ .addr = 1, .range = T_PAGE },
	{ .addr = 0, .range = T_PAGE + 1 },
	{ .addr = PAGES * T_PAGE, .range = T_PAGE },
	{ .addr = (PAGES - 1) * T_PAGE, .range = 2 * T_PAGE },
	{ .addr = T_PAGE, .range = UINT64_MAX },
	{ .addr = T_PAGE, .range = 0 - T_PAGE },
	{ .addr = 0 - T_PAGE, .range = T_PAGE },
	{ .addr = 0 - T_PAGE, .range = 2 * T_PAGE },
	{ .addr = UINT64_MAX, .range = UINT64_MAX },
	{ .addr = KERNEL * T_PAGE, .range = T_PAGE },
	{ .addr = (KERNEL - 1) * T_PAGE, .range = 2 * T_PAGE },
	{ .addr = 0, .range = PAGES * T_PAGE },
};

static void refused(struct run *r, struct gpuvm_map_req req)
{
	struct gpuvm_oplist *list = NULL;

	t_fails(-EINVAL, gpuvm_sm_unmap(r->w.vm, req.addr, req.range, &r->sm));
	t_fails(-EINVAL, gpuvm_sm_unmap_ops(r->w.vm, req.addr, req.range, &list));
	t_fails(-EINVAL, gpuvm_sm_prefetch(r->w.vm, req.addr, req.range, &r->trace));
	t_fails(-EINVAL, gpuvm_sm_prefetch_ops(r->w.vm, req.addr, req.range, &list));
	t_fails(-EINVAL, gpuvm_sm_madvise(r->w.vm, &req, &r->sm));
	t_fails(-EINVAL, gpuvm_sm_madvise_ops(r->w.vm, &req, &list));
	req.bo = r->w.bo[0];
	t_fails(-EINVAL, gpuvm_sm_map(r->w.vm, &req, &r->sm));
	t_fails(-EINVAL, gpuvm_sm_map_ops(r->w.vm, &req, &list));
	assert_null(list);
}

static void bad_ranges_are_refused(void **state)
{
	struct run *r = *state;
	unsigned int i;

	t_insert(&r->w, 0, 1, 4, 0);
	prepare(r);
	t_lock(&r->w);
	for (i = 0; i < ARRAY_SIZE(bad_ranges); i++)
		refused(r, bad_ranges[i]);
	t_unlock(&r->w);
	assert_int_equal(r->trace.n, 0);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 1);
}

static void bad_offsets_are_refused(void **state)
{
	struct run *r = *state;
	struct gpuvm_map_req req = map_req(r, 4, 2);
	struct gpuvm_oplist *list = NULL;
	static const uint64_t offsets[] = { 1, T_PAGE - 1, 0 - T_PAGE, UINT64_MAX };
	unsigned int i;

	prepare(r);
	t_lock(&r->w);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		req.offset = offsets[i];
		t_fails(-EINVAL, gpuvm_sm_map(r->w.vm, &req, &r->sm));
		t_fails(-EINVAL, gpuvm_sm_map_ops(r->w.vm, &req, &list));
	}
	t_unlock(&r->w);
	assert_int_equal(r->trace.n, 0);
}

static void bo_of_another_vm(void **state)
{
	struct run *r = *state;
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags, .driver = &t_trace_driver };
	struct gpuvm_map_req req = map_req(r, 4, 2);
	struct gpuvm_oplist *list = NULL;
	struct gpuvm_vm *other;

	t_ok(gpuvm_vm_create(r->w.dev, &params, &other));
	t_ok(gpuvm_sm_prepare(other, &r->sm, GPUVM_SM_MADVISE_VAS));
	r->sm.priv = &r->trace;
	t_lock(&r->w);
	t_fails(-EINVAL, gpuvm_sm_map(other, &req, &r->sm));
	t_fails(-EINVAL, gpuvm_sm_map_ops(other, &req, &list));
	t_fails(-EINVAL, gpuvm_sm_madvise(other, &req, &r->sm));
	t_unlock(&r->w);
	gpuvm_sm_release(&r->sm);
	gpuvm_vm_put(other);
}

/* A stock is one VM's: refused, nothing of it lost. */
static void stock_of_another_vm(void **state)
{
	static const struct gpuvm_driver large = { .va_data = 300 };
	struct run *r = *state;
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags, .driver = &large };
	struct gpuvm_map_req req = map_req(r, 4, 2);
	struct gpuvm_oplist *list = NULL;
	struct gpuvm_vm *other;

	t_ok(gpuvm_vm_create(r->w.dev, &params, &other));
	t_ok(gpuvm_sm_prepare(other, &r->sm, GPUVM_SM_MAP_VAS));
	t_fails(-EINVAL, gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MAP_VAS));
	r->sm.priv = &r->trace;
	t_lock(&r->w);
	t_fails(-EINVAL, gpuvm_sm_map(r->w.vm, &req, &r->sm));
	t_fails(-EINVAL, gpuvm_sm_unmap(r->w.vm, req.addr, req.range, &r->sm));
	t_ok(gpuvm_sm_map_ops(r->w.vm, &req, &list));
	t_fails(-EINVAL, gpuvm_oplist_commit(list, &r->sm));
	gpuvm_oplist_free(list);
	t_unlock(&r->w);
	assert_int_equal(r->trace.n, 0);
	gpuvm_sm_release(&r->sm);
	gpuvm_vm_put(other);
}

/* Without the callbacks a request needs, the callback form is refused; the list form needs none. */
static void callbacks_missing(void **state)
{
	static const struct gpuvm_driver none = { .vm_data = 8 };
	struct run *r = *state;
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags, .driver = &none };
	const struct gpuvm_map_req req = { .addr = 0, .range = T_PAGE };
	struct gpuvm_oplist *list;
	struct gpuvm_vm *vm;

	t_ok(gpuvm_vm_create(r->w.dev, &params, &vm));
	t_ok(gpuvm_sm_prepare(vm, &r->sm, GPUVM_SM_MADVISE_VAS));
	t_fails(-EINVAL, gpuvm_sm_map(vm, &req, &r->sm));
	t_fails(-EINVAL, gpuvm_sm_unmap(vm, 0, T_PAGE, &r->sm));
	t_fails(-EINVAL, gpuvm_sm_prefetch(vm, 0, T_PAGE, NULL));
	t_ok(gpuvm_sm_map_ops(vm, &req, &list));
	t_ok(gpuvm_oplist_commit(list, &r->sm));
	assert_int_equal(gpuvm_vm_mappings(vm), 1);
	gpuvm_sm_release(&r->sm);
	gpuvm_vm_close(vm, NULL);
	gpuvm_vm_put(vm);
}

static int refuse(const struct gpuvm_op *op, void *priv)
{
	return -EACCES;
}

static int accept(const struct gpuvm_op *op, void *priv)
{
	return 0;
}

/* Which requests a driver is refused that has all step callbacks but one; @missing 3: none is, but one cannot be undone. */
static void one_callback_missing(struct run *r, unsigned int missing)
{
	const struct gpuvm_driver driver = { .sm_step_map = missing == 0 ? NULL : missing == 3 ? refuse : accept,
					     .sm_step_remap = missing == 1 ? NULL : accept,
					     .sm_step_unmap = missing == 2 ? NULL : accept };
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags, .driver = &driver };
	const struct gpuvm_map_req req = { .addr = 0, .range = 2 * T_PAGE }, inner = { .addr = 0, .range = T_PAGE };
	struct gpuvm_va_alloc *va;
	struct gpuvm_vm *vm;

	t_ok(gpuvm_vm_create(r->w.dev, &params, &vm));
	va = gpuvm_va_alloc_create(vm);
	t_ok(gpuvm_va_insert(vm, va, &req));
	t_ok(gpuvm_sm_prepare(vm, &r->sm, GPUVM_SM_MADVISE_VAS));
	r->sm.priv = NULL;
	t_fails(missing == 3 ? -EACCES : -EINVAL, gpuvm_sm_map(vm, &req, &r->sm));
	t_fails(missing == 3 ? -EACCES : missing == 2 ? 0 : -EINVAL, gpuvm_sm_madvise(vm, &inner, &r->sm));
	assert_int_equal(gpuvm_vm_mappings(vm), missing == 2 ? 2 : 1);
	t_fails(missing == 1 || missing == 2 ? -EINVAL : 0, gpuvm_sm_unmap(vm, 0, 2 * T_PAGE, &r->sm));
	gpuvm_sm_release(&r->sm);
	gpuvm_vm_close(vm, NULL);
	gpuvm_vm_put(vm);
}

static void each_callback_missing(void **state)
{
	unsigned int missing;

	for (missing = 0; missing < 4; missing++)
		one_callback_missing(*state, missing);
}

/* A stock for a request that needs all three, but for one. */
static void prepare_without(struct run *r, unsigned int slot)
{
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MAP_VAS));
	gpuvm_va_alloc_destroy(r->sm.va[slot]);
	r->sm.va[slot] = NULL;
	t_trace_reset(&r->trace);
	r->sm.priv = &r->trace;
}

static const unsigned int slots[] = { GPUVM_SM_NEW, GPUVM_SM_PREV, GPUVM_SM_NEXT };

/* A pre-allocated mapping is missing: an error, nothing changed, and whatever was announced is taken back. */
static void stock_too_small(void **state)
{
	struct run *r = *state;
	struct gpuvm_map_req req = map_req(r, 12, 4);
	struct t_state before, after;
	unsigned int i;

	t_insert(&r->w, 1, 8, 12, 0);
	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		prepare_without(r, slots[i]);
		t_state_read(&r->trace, r->w.vm, &before);
		t_lock(&r->w);
		t_fails(-EINVAL, gpuvm_sm_map(r->w.vm, &req, &r->sm));
		t_unlock(&r->w);
		t_state_read(&r->trace, r->w.vm, &after);
		assert_true(t_state_equal(&after, &before));
		assert_int_equal(r->trace.n, 2 * r->trace.seen);
	}
}

/* A commit that lacks mappings leaves the list ours; with them it goes through. */
static void commit_stock_too_small(void **state)
{
	struct run *r = *state;
	struct gpuvm_map_req req = map_req(r, 12, 4);
	struct gpuvm_oplist *list;
	unsigned int i;

	t_insert(&r->w, 1, 8, 12, 0);
	t_lock(&r->w);
	t_ok(gpuvm_sm_map_ops(r->w.vm, &req, &list));
	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		prepare_without(r, slots[i]);
		t_fails(-EINVAL, gpuvm_oplist_commit(list, &r->sm));
	}
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MAP_VAS));
	t_ok(gpuvm_oplist_commit(list, &r->sm));
	t_unlock(&r->w);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 3);
}

static void closed(void **state)
{
	struct run *r = *state;
	struct gpuvm_map_req req = map_req(r, 4, 2);
	struct gpuvm_oplist *list = NULL;

	gpuvm_vm_close(r->w.vm, NULL);
	prepare(r);
	t_lock(&r->w);
	t_fails(-ENOENT, gpuvm_sm_map(r->w.vm, &req, &r->sm));
	t_fails(-ENOENT, gpuvm_sm_map_ops(r->w.vm, &req, &list));
	t_fails(-ENOENT, gpuvm_sm_unmap(r->w.vm, req.addr, req.range, &r->sm));
	t_fails(-ENOENT, gpuvm_sm_unmap_ops(r->w.vm, req.addr, req.range, &list));
	t_unlock(&r->w);
	assert_int_equal(r->trace.n, 0);
}

/* Sparse over sparse shows the same nothing, but there is no object whose page tables could be kept. */
static void sparse_is_never_kept(void **state)
{
	struct run *r = *state;
	const struct gpuvm_map_req req = { .addr = 4 * T_PAGE, .range = 4 * T_PAGE };

	t_insert(&r->w, -1, 4, 4, 0);
	prepare(r);
	t_lock(&r->w);
	t_ok(gpuvm_sm_map(r->w.vm, &req, &r->sm));
	t_unlock(&r->w);
	assert_int_equal(r->trace.n, 2);
	assert_int_equal(r->trace.steps[0].type, GPUVM_OP_UNMAP);
	assert_false(r->trace.steps[0].keep);
}

/* ---- exact allocations ---- */

/* One old mapping that sticks out on both sides if @around; else two cut ends and @whole mappings between. */
static void fill(struct run *r, bool around, unsigned int whole)
{
	unsigned int i;

	if (around) {
		t_insert(&r->w, 1, 4, 90, 0);
		return;
	}
	if (whole == 0)
		return;
	t_insert(&r->w, 1, 4, 6, 0);
	for (i = 0; i < whole; i++)
		t_insert(&r->w, 2, 10 + i, 1, 0);
	t_insert(&r->w, 1, 10 + whole, 6, 0);
}

/* But for the index, which each space allocates as it needs. */
static uint64_t allocs_now(void)
{
	return t_stat(GPUVM_STAT_ALLOC) - t_stat(GPUVM_STAT_SPACE_ALLOC);
}

/* The list form for pages [8, 12 + whole); how many allocations did it make? */
static uint64_t list_allocs(struct run *r, bool around, unsigned int whole)
{
	const struct gpuvm_map_req req = map_req(r, 8, 4 + whole);
	struct gpuvm_oplist *list;
	uint64_t allocs;

	fill(r, around, whole);
	prepare(r);
	t_lock(&r->w);
	allocs = allocs_now();
	t_ok(gpuvm_sm_map_ops(r->w.vm, &req, &list));
	allocs = allocs_now() - allocs;
	t_ok(gpuvm_oplist_commit(list, &r->sm));
	t_unlock(&r->w);
	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
	return allocs;
}

static void list_form_allocates(void **state)
{
	struct run *r = *state;
	unsigned int n;

	assert_int_equal(list_allocs(r, false, 0), 2);
	assert_int_equal(list_allocs(r, true, 0), 6);
	for (n = 1; n < 100; n = n * 3 / 2 + 1)
		assert_int_equal(list_allocs(r, false, n), 8 + n);
}

static uint64_t callback_allocs(struct run *r, bool around, unsigned int whole)
{
	const struct gpuvm_map_req req = map_req(r, 8, 4 + whole);
	uint64_t allocs;

	fill(r, around, whole);
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MAP_VAS));
	r->sm.priv = NULL;
	t_lock(&r->w);
	allocs = allocs_now();
	t_ok(gpuvm_sm_map(r->w.vm, &req, &r->sm));
	allocs = allocs_now() - allocs;
	t_unlock(&r->w);
	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
	return allocs;
}

static void callback_form_allocates_nothing(void **state)
{
	struct run *r = *state;

	assert_int_equal(callback_allocs(r, false, 0), 0);
	assert_int_equal(callback_allocs(r, true, 0), 0);
	assert_int_equal(callback_allocs(r, false, 20), 0);
}

/* ---- in place ---- */

/* Cut [8, 20) at [@lo, @hi), by a map or an unmap: how many mappings does the next such request have to allocate? */
static uint64_t used_by_cut(struct run *r, bool map, uint64_t lo, uint64_t hi, uint64_t *freed)
{
	const unsigned int vas = map ? GPUVM_SM_MAP_VAS : GPUVM_SM_UNMAP_VAS;
	const struct gpuvm_map_req req = map_req(r, lo, hi - lo);
	struct gpuvm_va_removed *va;
	uint64_t used;

	t_insert(&r->w, 1, 8, 12, 0);
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, vas));
	r->sm.priv = NULL;
	t_lock(&r->w);
	t_ok(map ? gpuvm_sm_map(r->w.vm, &req, &r->sm) : gpuvm_sm_unmap(r->w.vm, req.addr, req.range, &r->sm));
	t_unlock(&r->w);
	for (*freed = 0; (va = gpuvm_va_removed_pop(&r->sm.removed)); (*freed)++)
		gpuvm_va_removed_free(va);
	used = allocs_now();
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, vas));
	used = allocs_now() - used;
	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
	return used;
}

static void cut_uses(struct run *r, bool map, uint64_t lo, uint64_t hi, unsigned int pieces)
{
	bool stays = t_stays(&r->w) && lo > 8;
	uint64_t freed;

	assert_int_equal(used_by_cut(r, map, lo, hi, &freed), pieces - stays);
	assert_int_equal(freed, !stays);
}

static void cuts_allocate(void **state)
{
	struct run *r = *state;

	cut_uses(r, true, 12, 16, 3);
	cut_uses(r, true, 12, 24, 2);
	cut_uses(r, true, 4, 12, 2);
	cut_uses(r, true, 8, 12, 2);
	cut_uses(r, false, 12, 16, 2);
	cut_uses(r, false, 12, 20, 1);
	cut_uses(r, false, 8, 12, 1);
}

static const void *va_at(struct run *r, uint64_t page)
{
	struct gpuvm_reader reader;
	struct gpuvm_va *va;

	gpuvm_read_begin(r->w.vm, &reader);
	va = gpuvm_va_find_first(&reader, page * T_PAGE, T_PAGE);
	gpuvm_read_end(&reader);
	return va;
}

/* It is the same mapping, with the driver's data in it, on the same bo once; its page beyond the cut is not seen any more. */
static void stays_with_its_data(void **state)
{
	struct run *r = *state;
	struct gpuvm_mapping m[4];
	const void *va;

	if (!t_stays(&r->w))
		skip();
	t_insert(&r->w, 1, 8, 12, 3);
	va = va_at(r, 8);
	*(uint64_t *)gpuvm_va_data((struct gpuvm_va *)va) = 0x5eed;
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_UNMAP_VAS));
	r->sm.priv = NULL;
	t_lock(&r->w);
	t_ok(gpuvm_sm_unmap(r->w.vm, 10 * T_PAGE, 2 * T_PAGE, &r->sm));
	assert_int_equal(gpuvm_bo_mappings(r->w.bo[1], m, ARRAY_SIZE(m)), 2);
	t_unlock(&r->w);
	assert_ptr_equal(va_at(r, 9), va);
	assert_int_equal(*(uint64_t *)gpuvm_va_data((struct gpuvm_va *)va), 0x5eed);
	assert_int_equal(gpuvm_va_range(va), 2 * T_PAGE);
	assert_null(va_at(r, 10));
	assert_true(va_at(r, 12) != va && gpuvm_lookup(r->w.vm, 12 * T_PAGE, &m[0]) && m[0].offset == 7 * T_PAGE);
	assert_false(gpuvm_lookup(r->w.vm, 11 * T_PAGE, &m[0]));
	assert_null(r->sm.removed);
}

static int setup(void **state)
{
	struct run *r = *state;

	t_world_make(&r->w, &r->config);
	t_world_obtain(&r->w);
	r->trace = (struct t_trace){ .gems = r->w.gem, .nr_gems = T_GEMS };
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
	t_world_end(&r->w);
	return 0;
}

#define CASE(fn)                                   \
	{                                          \
#fn, fn, setup, teardown, &the_run \
	}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = {
		CASE(bad_ranges_are_refused), CASE(bad_offsets_are_refused),
		CASE(bo_of_another_vm),	      CASE(stock_of_another_vm),
		CASE(callbacks_missing),
		CASE(each_callback_missing),  CASE(stock_too_small),
		CASE(commit_stock_too_small), CASE(sparse_is_never_kept),
		CASE(closed),
		CASE(list_form_allocates),    CASE(callback_form_allocates_nothing),
		CASE(cuts_allocate),	      CASE(stays_with_its_data),
	};
	char group[160];

	the_run.config = *config;
	if (config->external)
		the_run.config.driver = &t_trace_driver_in_place;
	snprintf(group, sizeof(group), "rules/%s", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = {
		.driver = &t_trace_driver, .pages = PAGES, .reserve_first = KERNEL, .reserve_pages = 8
	};

	return t_each_config(&base, run_config);
}
