/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_va.c - mappings without split and merge: insert, remove, find, iterate, look up, close; on every space strategy and
 * in every lock mode.
 */
#include "world.h"

#define PAGES 64
#define KERNEL 40 /* first page of the kernel's range, 8 long */

static const struct gpuvm_driver va_driver = { .va_data = 24 };

struct run {
	struct t_config config;
	struct t_world w;
};

static int setup(void **state)
{
	struct run *r = *state;

	t_world_make(&r->w, &r->config);
	t_world_obtain(&r->w);
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	t_world_end(&r->w);
	return 0;
}

static struct t_world *world(void **state)
{
	return &((struct run *)*state)->w;
}

/* Insert with any numbers; the alloc must stay ours on error. */
static int try_insert(struct t_world *w, struct gpuvm_map_req req)
{
	struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(w->vm);
	int ret;

	assert_non_null(va);
	t_lock(w);
	ret = gpuvm_va_insert(w->vm, va, &req);
	t_unlock(w);
	if (ret)
		gpuvm_va_alloc_destroy(va);
	return ret;
}

static int try_pages(struct t_world *w, int gem, uint64_t page, uint64_t pages)
{
	return try_insert(w, (struct gpuvm_map_req){ .addr = page * T_PAGE,
						     .range = pages * T_PAGE,
						     .bo = gem < 0 ? NULL : w->bo[gem] });
}

static void insert_bad_ranges(void **state)
{
	struct t_world *w = world(state);

	t_fails(-EINVAL, try_pages(w, 0, 0, 0));
	t_fails(-EINVAL, try_pages(w, 0, PAGES, 1));
	t_fails(-EINVAL, try_pages(w, 0, PAGES - 1, 2));
	t_fails(-EINVAL, try_pages(w, 0, KERNEL, 1));
	t_fails(-EINVAL, try_pages(w, 0, KERNEL - 1, 2));
	t_fails(-EINVAL, try_pages(w, 0, KERNEL + 7, 2));
	t_fails(-EINVAL, try_pages(w, 0, 0, PAGES));
	t_fails(-EINVAL, try_insert(w, (struct gpuvm_map_req){ .addr = 1, .range = T_PAGE }));
	t_fails(-EINVAL, try_insert(w, (struct gpuvm_map_req){ .addr = 0, .range = 1 }));
	t_fails(-EINVAL, try_insert(w, (struct gpuvm_map_req){ .addr = T_PAGE, .range = 0 - T_PAGE }));
	t_fails(-EINVAL, try_insert(w, (struct gpuvm_map_req){ .addr = 0 - T_PAGE, .range = T_PAGE }));
	t_fails(-EINVAL, try_insert(w, (struct gpuvm_map_req){ .addr = 0 - T_PAGE, .range = 2 * T_PAGE }));
	assert_int_equal(gpuvm_vm_mappings(w->vm), 0);
}

static void insert_bad_offsets(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_map_req req = { .range = 2 * T_PAGE, .bo = w->bo[0] };

	req.offset = 1;
	t_fails(-EINVAL, try_insert(w, req));
	req.offset = 0 - T_PAGE; /* its second page wraps */
	t_fails(-EINVAL, try_insert(w, req));
	req.offset = T_PAGE;
	t_ok(try_insert(w, req));
}

static void insert_overlap(void **state)
{
	struct t_world *w = world(state);

	t_ok(try_pages(w, 0, 10, 4));
	t_fails(-EEXIST, try_pages(w, 0, 10, 4));
	t_fails(-EEXIST, try_pages(w, 1, 9, 2));
	t_fails(-EEXIST, try_pages(w, 1, 13, 1));
	t_fails(-EEXIST, try_pages(w, -1, 11, 1));
	t_fails(-EEXIST, try_pages(w, 1, 0, 20));
	t_ok(try_pages(w, 1, 9, 1));
	t_ok(try_pages(w, 1, 14, 1));
	assert_int_equal(gpuvm_vm_mappings(w->vm), 3);
	t_clear(w);
}

static void insert_bo_of_another_vm(void **state)
{
	struct t_world *w = world(state);
	const struct gpuvm_vm_params params = { .range = PAGES * T_PAGE, .flags = w->config.flags };
	struct gpuvm_vm *mine = w->vm, *other;

	t_ok(gpuvm_vm_create(w->dev, &params, &other));
	w->vm = other;
	t_fails(-EINVAL, try_pages(w, 0, 1, 1));
	assert_int_equal(gpuvm_vm_mappings(other), 0);
	w->vm = mine;
	gpuvm_vm_put(other);
}

static void remove_exactly(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_va_removed *va = NULL;

	t_insert(w, 0, 4, 4, 0);
	t_lock(w);
	t_fails(-ENOENT, gpuvm_va_remove(w->vm, 4 * T_PAGE, 3 * T_PAGE, &va));
	t_fails(-ENOENT, gpuvm_va_remove(w->vm, 5 * T_PAGE, 3 * T_PAGE, &va));
	t_fails(-ENOENT, gpuvm_va_remove(w->vm, 4 * T_PAGE, 5 * T_PAGE, &va));
	t_fails(-ENOENT, gpuvm_va_remove(w->vm, 20 * T_PAGE, T_PAGE, &va));
	t_fails(-ENOENT, gpuvm_va_remove(w->vm, KERNEL * T_PAGE, 8 * T_PAGE, &va));
	t_ok(gpuvm_va_remove(w->vm, 4 * T_PAGE, 4 * T_PAGE, &va));
	t_fails(-ENOENT, gpuvm_va_remove(w->vm, 4 * T_PAGE, 4 * T_PAGE, &(struct gpuvm_va_removed *){ NULL }));
	t_unlock(w);
	assert_int_equal(gpuvm_va_removed_addr(va), 4 * T_PAGE);
	assert_int_equal(gpuvm_va_removed_range(va), 4 * T_PAGE);
	gpuvm_va_removed_free(va);
	gpuvm_va_removed_free(NULL);
	gpuvm_va_alloc_destroy(NULL);
}

/* The driver's bytes travel through the three types of a mapping. */
static void data_travels(void **state)
{
	struct t_world *w = world(state);
	const struct gpuvm_map_req req = { .addr = 2 * T_PAGE, .range = T_PAGE, .bo = w->bo[1] };
	struct gpuvm_va_alloc *alloc = gpuvm_va_alloc_create(w->vm);
	static const unsigned char zero[24];
	struct gpuvm_va_removed *removed;
	struct gpuvm_reader r;

	assert_non_null(alloc);
	assert_memory_equal(gpuvm_va_alloc_data(alloc), zero, sizeof(zero));
	memset(gpuvm_va_alloc_data(alloc), 0x6b, sizeof(zero));
	t_lock(w);
	t_ok(gpuvm_va_insert(w->vm, alloc, &req));
	gpuvm_read_begin(w->vm, &r);
	assert_int_equal(((unsigned char *)gpuvm_va_data(gpuvm_va_find(&r, req.addr, req.range)))[23], 0x6b);
	gpuvm_read_end(&r);
	t_ok(gpuvm_va_remove(w->vm, req.addr, req.range, &removed));
	t_unlock(w);
	assert_int_equal(((unsigned char *)gpuvm_va_removed_data(removed))[0], 0x6b);
	gpuvm_va_removed_free(removed);
}

static uint64_t page_of(const struct gpuvm_va *va)
{
	return va ? gpuvm_va_addr(va) / T_PAGE : UINT64_MAX;
}

#define NONE UINT64_MAX

static void find(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_reader r;

	t_insert(w, 0, 4, 4, 0);
	t_insert(w, 1, 8, 2, 0);
	t_insert(w, 0, 12, 1, 0);
	gpuvm_read_begin(w->vm, &r);
	assert_int_equal(page_of(gpuvm_va_find(&r, 4 * T_PAGE, 4 * T_PAGE)), 4);
	assert_null(gpuvm_va_find(&r, 4 * T_PAGE, 3 * T_PAGE));
	assert_null(gpuvm_va_find(&r, 5 * T_PAGE, 3 * T_PAGE));
	assert_null(gpuvm_va_find(&r, 4 * T_PAGE, 6 * T_PAGE));
	assert_int_equal(page_of(gpuvm_va_find_first(&r, 0, PAGES * T_PAGE)), 4);
	assert_int_equal(page_of(gpuvm_va_find_first(&r, 7 * T_PAGE, 2 * T_PAGE)), 4);
	assert_int_equal(page_of(gpuvm_va_find_first(&r, 8 * T_PAGE, 9 * T_PAGE)), 8);
	assert_int_equal(page_of(gpuvm_va_find_first(&r, 10 * T_PAGE, 2 * T_PAGE)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_first(&r, 4 * T_PAGE + 1, 1)), 4);
	assert_int_equal(page_of(gpuvm_va_find_first(&r, KERNEL * T_PAGE, 8 * T_PAGE)), NONE);
	gpuvm_read_end(&r);
	t_clear(w);
}

/* Wart W2: upstream returns the mapping that starts at @start if a gap lies before it, and one after a gap of a unit. */
static void find_adjacent_only(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_reader r;

	t_insert(w, 0, 4, 4, 0);
	t_insert(w, 1, 9, 2, 0);
	gpuvm_read_begin(w->vm, &r);
	assert_int_equal(page_of(gpuvm_va_find_prev(&r, 8 * T_PAGE)), 4);
	assert_int_equal(page_of(gpuvm_va_find_prev(&r, 4 * T_PAGE)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_prev(&r, 9 * T_PAGE)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_prev(&r, 8 * T_PAGE + 1)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_prev(&r, 8 * T_PAGE - 1)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_prev(&r, 11 * T_PAGE)), 9);
	assert_int_equal(page_of(gpuvm_va_find_prev(&r, 0)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_next(&r, 4 * T_PAGE)), 4);
	assert_int_equal(page_of(gpuvm_va_find_next(&r, 8 * T_PAGE)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_next(&r, 9 * T_PAGE)), 9);
	assert_int_equal(page_of(gpuvm_va_find_next(&r, 9 * T_PAGE - 1)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_next(&r, 9 * T_PAGE + 1)), NONE);
	assert_int_equal(page_of(gpuvm_va_find_next(&r, UINT64_MAX)), NONE);
	gpuvm_read_end(&r);
	t_clear(w);
}

static void iterate(void **state)
{
	static const uint64_t pages[] = { 30, 2, 20, 7, 11, 3 };
	static const uint64_t sorted[] = { 2, 3, 7, 11, 20, 30 };
	struct t_world *w = world(state);
	const struct gpuvm_va *va;
	struct gpuvm_reader r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		t_insert(w, i % T_GEMS, pages[i], 1, i);
	gpuvm_read_begin(w->vm, &r);
	i = 0;
	for (va = gpuvm_va_first(&r, 0, PAGES * T_PAGE); va; va = gpuvm_va_next(&r, va))
		assert_int_equal(page_of(va), sorted[i++]);
	assert_int_equal(i, 6);
	i = 1;
	for (va = gpuvm_va_first(&r, 3 * T_PAGE + 5, 17 * T_PAGE); va; va = gpuvm_va_next(&r, va))
		assert_int_equal(page_of(va), sorted[i++]);
	assert_int_equal(i, 5);
	assert_null(gpuvm_va_first(&r, 31 * T_PAGE, 5 * T_PAGE));
	gpuvm_read_end(&r);
	assert_int_equal(gpuvm_vm_mappings(w->vm), 6);
	t_clear(w);
}

/* Other questions may be asked in the middle of an iteration. */
static void iterate_and_find(void **state)
{
	struct t_world *w = world(state);
	const struct gpuvm_va *va;
	struct gpuvm_reader r;
	unsigned int i, n = 0;

	for (i = 0; i < 8; i++)
		t_insert(w, i % T_GEMS, i, 1, 0);
	gpuvm_read_begin(w->vm, &r);
	for (va = gpuvm_va_first(&r, 0, 6 * T_PAGE); va; va = gpuvm_va_next(&r, va)) {
		assert_non_null(gpuvm_va_find(&r, gpuvm_va_addr(va), T_PAGE));
		assert_int_equal(page_of(gpuvm_va_find_prev(&r, gpuvm_va_addr(va))), n ? n - 1 : NONE);
		n++;
	}
	gpuvm_read_end(&r);
	assert_int_equal(n, 6);
	t_clear(w);
}

static void lookup(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_mapping m;

	t_insert(w, 2, 5, 2, 7);
	t_insert(w, -1, 8, 1, 0);
	assert_false(gpuvm_lookup(w->vm, 5 * T_PAGE - 1, &m));
	assert_true(gpuvm_lookup(w->vm, 5 * T_PAGE, &m));
	assert_true(gpuvm_lookup(w->vm, 7 * T_PAGE - 1, &m));
	assert_int_equal(m.addr, 5 * T_PAGE);
	assert_int_equal(m.range, 2 * T_PAGE);
	assert_int_equal(m.offset, 7 * T_PAGE);
	assert_ptr_equal(m.gem, w->gem[2]);
	assert_false(gpuvm_lookup(w->vm, 7 * T_PAGE, &m));
	assert_true(gpuvm_lookup(w->vm, 8 * T_PAGE + 17, &m));
	assert_null(m.gem);
	assert_false(gpuvm_lookup(w->vm, KERNEL * T_PAGE, &m));
	assert_false(gpuvm_lookup(w->vm, PAGES * T_PAGE, &m));
	assert_false(gpuvm_lookup(w->vm, UINT64_MAX, &m));
	t_clear(w);
}

static void interval_empty(void **state)
{
	struct t_world *w = world(state);

	t_insert(w, 0, 10, 2, 0);
	assert_true(gpuvm_vm_interval_empty(w->vm, 0, 10 * T_PAGE));
	assert_false(gpuvm_vm_interval_empty(w->vm, 0, 10 * T_PAGE + 1));
	assert_false(gpuvm_vm_interval_empty(w->vm, 11 * T_PAGE, T_PAGE));
	assert_true(gpuvm_vm_interval_empty(w->vm, 12 * T_PAGE, (KERNEL - 12) * T_PAGE));
	assert_false(gpuvm_vm_interval_empty(w->vm, KERNEL * T_PAGE, T_PAGE));
	assert_false(gpuvm_vm_interval_empty(w->vm, (KERNEL - 1) * T_PAGE, 2 * T_PAGE));
	assert_true(gpuvm_vm_interval_empty(w->vm, (KERNEL + 8) * T_PAGE, T_PAGE));
	assert_false(gpuvm_vm_interval_empty(w->vm, 0, 0));
	assert_false(gpuvm_vm_interval_empty(w->vm, (PAGES - 1) * T_PAGE, 2 * T_PAGE));
	assert_false(gpuvm_vm_interval_empty(w->vm, PAGES * T_PAGE, T_PAGE));
	assert_false(gpuvm_vm_interval_empty(w->vm, 0 - T_PAGE, 2 * T_PAGE));
	t_clear(w);
}

static void flags(void **state)
{
	struct t_world *w = world(state);
	const uint32_t mine = 5u << GPUVM_VA_USERBITS;
	struct gpuvm_mapping m;
	struct gpuvm_reader r;
	struct gpuvm_va *va;

	t_ok(try_insert(w, (struct gpuvm_map_req){ .range = T_PAGE, .bo = w->bo[0], .flags = mine }));
	gpuvm_read_begin(w->vm, &r);
	va = gpuvm_va_find_first(&r, 0, T_PAGE);
	gpuvm_va_invalidate(va, true);
	assert_int_equal(gpuvm_va_flags(va), mine | GPUVM_VA_INVALIDATED);
	gpuvm_read_end(&r);
	assert_true(gpuvm_lookup(w->vm, 0, &m));
	assert_int_equal(m.flags, mine | GPUVM_VA_INVALIDATED);
	gpuvm_read_begin(w->vm, &r);
	gpuvm_va_invalidate(gpuvm_va_find_first(&r, 0, T_PAGE), false);
	gpuvm_read_end(&r);
	assert_true(gpuvm_lookup(w->vm, 0, &m));
	assert_int_equal(m.flags, mine);
	t_clear(w);
}

/* Mappings keep their bo, and the bo its VM and object, when all handles are gone. */
static void mapping_pins_its_bo(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_mapping m;

	t_insert(w, 0, 1, 1, 0);
	t_insert(w, 0, 3, 1, 0);
	assert_false(t_put(w, w->bo[0]));
	assert_true(gpuvm_lookup(w->vm, T_PAGE, &m));
	assert_ptr_equal(m.gem, w->gem[0]);
	w->bo[0] = t_find(w, 0);
	assert_non_null(w->bo[0]);
	t_put(w, w->bo[0]);
	t_clear(w);
	w->bo[0] = NULL;
	assert_null(t_find(w, 0));
	gpuvm_bo_deferred_cleanup(w->vm, 0);
}

static void close_unmaps_and_refuses(void **state)
{
	struct t_world *w = world(state);
	struct gpuvm_bo_alloc *alloc = NULL;
	struct gpuvm_va_removed *va;
	unsigned int i;

	for (i = 0; i < 9; i++)
		t_insert(w, (int)(i % 4) - 1, 2 * i, 1, 0);
	assert_int_equal(gpuvm_vm_close(w->vm, NULL), 9);
	assert_int_equal(gpuvm_vm_mappings(w->vm), 0);
	assert_int_equal(gpuvm_vm_close(w->vm, NULL), 0);
	t_fails(-ENOENT, try_pages(w, 0, 1, 1));
	t_fails(-ENOENT, try_pages(w, -1, 1, 1));
	t_lock(w);
	t_fails(-ENOENT, gpuvm_va_remove(w->vm, 0, T_PAGE, &va));
	t_unlock(w);
	assert_true(gpuvm_vm_interval_empty(w->vm, 0, KERNEL * T_PAGE));
	/* A pair can still be made: it is mappings that a closed VM refuses. */
	t_ok(gpuvm_bo_alloc_create(w->vm, w->gem[0], &alloc));
	gpuvm_bo_alloc_destroy(alloc);
}

/* Lengths beyond 32 bits, in a VM of their own. */
static void insert_long(void **state)
{
	struct t_world *w = world(state);
	const struct gpuvm_vm_params params = { .range = 1ull << 40, .page_size = T_PAGE };
	const struct gpuvm_map_req req = { .addr = 1ull << 36, .range = (1ull << 33) + T_PAGE };
	struct gpuvm_va_alloc *va;
	struct gpuvm_mapping m;
	struct gpuvm_vm *vm;

	t_ok(gpuvm_vm_create(w->dev, &params, &vm));
	va = gpuvm_va_alloc_create(vm);
	assert_non_null(va);
	t_ok(gpuvm_va_insert(vm, va, &req));
	assert_true(gpuvm_lookup(vm, req.addr + req.range - 1, &m));
	assert_int_equal(m.range, req.range);
	assert_false(gpuvm_lookup(vm, req.addr + req.range, &m));
	assert_int_equal(gpuvm_vm_close(vm, NULL), 1);
	gpuvm_vm_put(vm);
}

/* ---- every space strategy x every lock mode ---- */

#define CASE(fn)        \
	{               \
#fn, fn \
	}
static const struct {
	const char *name;
	CMUnitTestFunction fn;
} cases[] = {
	CASE(insert_bad_ranges),
	CASE(insert_bad_offsets),
	CASE(insert_overlap),
	CASE(insert_long),
	CASE(insert_bo_of_another_vm),
	CASE(remove_exactly),
	CASE(data_travels),
	CASE(find),
	CASE(find_adjacent_only),
	CASE(iterate),
	CASE(iterate_and_find),
	CASE(lookup),
	CASE(interval_empty),
	CASE(flags),
	CASE(mapping_pins_its_bo),
	CASE(close_unmaps_and_refuses),
};

static int run_config(const struct t_config *config)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases)];
	struct run run = { .config = *config };
	char group[160];
	unsigned int i;

	snprintf(group, sizeof(group), "va/%s", t_config_name(config));
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, cases[i].fn, setup, teardown, &run };
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = {
		.pages = PAGES, .reserve_first = KERNEL, .reserve_pages = 8, .driver = &va_driver
	};

	return t_each_config(&base, run_config);
}
