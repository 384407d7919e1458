/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_units.c - VMs and GEM objects, one function at a time: parameters, ranges, counts, driver data.
 *
 * Not for: devices (test_device.c), bos (test_bo.c), mappings (test_va.c).
 */
#include "world.h"

#define MAX UINT64_MAX

/* ---- VM parameters ---- */

static const struct {
	const char *why;
	int want;
	struct gpuvm_vm_params p;
} vm_cases[] = {
	{ "plain", 0, { .range = 4096 } },
	{ "empty", -EINVAL, { .range = 0 } },
	{ "empty somewhere", -EINVAL, { .start = 4096, .range = 0 } },
	{ "wraps", -EINVAL, { .start = MAX - 4095, .range = 8192 } },
	{ "wraps by one", -EINVAL, { .start = MAX, .range = 2 } },
	{ "whole but one byte", 0, { .range = MAX } },
	{ "unknown flag", -EINVAL, { .range = 4096, .flags = 1u << 2 } },
	{ "unknown high flag", -EINVAL, { .range = 4096, .flags = 1u << 31 } },
	{ "both flags", 0, { .range = 4096, .flags = GPUVM_VM_IMMEDIATE | GPUVM_VM_RESV_PROTECTED } },
	{ "reserve inside", 0, { .range = 16, .reserve_start = 4, .reserve_range = 4 } },
	{ "reserve at the start", 0, { .range = 16, .reserve_start = 0, .reserve_range = 4 } },
	{ "reserve at the end", 0, { .range = 16, .reserve_start = 12, .reserve_range = 4 } },
	{ "reserve everything", 0, { .range = 16, .reserve_start = 0, .reserve_range = 16 } },
	{ "reserve sticks out", -EINVAL, { .range = 16, .reserve_start = 12, .reserve_range = 5 } },
	{ "reserve before", -EINVAL, { .start = 16, .range = 16, .reserve_start = 12, .reserve_range = 5 } },
	{ "reserve after", -EINVAL, { .range = 16, .reserve_start = 16, .reserve_range = 1 } },
	{ "reserve wraps", -EINVAL, { .range = 16, .reserve_start = 8, .reserve_range = MAX } },
	{ "page size 1", 0, { .range = 4097, .page_size = 1 } },
	{ "page size 3", -EINVAL, { .range = 4096, .page_size = 3 } },
	{ "page size divides", 0, { .start = 4096, .range = 8192, .page_size = 4096 } },
	{ "start misaligned", -EINVAL, { .start = 1, .range = 8192, .page_size = 4096 } },
	{ "range misaligned", -EINVAL, { .range = 8191, .page_size = 4096 } },
	{ "reserve start misaligned",
	  -EINVAL,
	  { .range = 16384, .reserve_start = 1, .reserve_range = 4096, .page_size = 4096 } },
	{ "reserve range misaligned",
	  -EINVAL,
	  { .range = 16384, .reserve_start = 4096, .reserve_range = 1, .page_size = 4096 } },
	{ "page bigger than the VM", -EINVAL, { .range = 4096, .page_size = 8192 } },
};

static void vm_parameters(void **state)
{
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	struct gpuvm_vm *vm;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(vm_cases); i++) {
		vm = NULL;
		ret = gpuvm_vm_create(dev, &vm_cases[i].p, &vm);
		if (ret != vm_cases[i].want)
			fail_msg("%s: got %d, want %d", vm_cases[i].why, ret, vm_cases[i].want);
		assert_int_equal(vm != NULL, ret == 0);
		gpuvm_vm_put(vm);
	}
	gpuvm_device_put(dev);
}

static struct gpuvm_vm *small_vm(struct gpuvm_device *dev)
{
	const struct gpuvm_vm_params params = {
		.start = 0x1000, .range = 0xf000, .reserve_start = 0x8000, .reserve_range = 0x2000, .page_size = 0x1000
	};
	struct gpuvm_vm *vm;

	t_ok(gpuvm_vm_create(dev, &params, &vm));
	return vm;
}

static const struct {
	uint64_t addr, range;
	bool valid;
} range_cases[] = {
	{ 0x1000, 0x7000, true }, /* up to the reserved part */
	{ 0x1000, 0x8000, false }, /* into it */
	{ 0xa000, 0x6000, true }, /* from its end to the VM's */
	{ 0xa000, 0x7000, false }, /* beyond */
	{ 0x9000, 0x1000, false }, /* inside it */
	{ 0x7000, 0x4000, false }, /* around it */
	{ 0x0000, 0x1000, false }, /* before the VM */
	{ 0x0000, 0x2000, false }, /* sticks out in front */
	{ 0x10000, 0x1000, false }, /* after the VM */
	{ 0x2000, 0, false },		{ 0x2000, 1, false },
	{ 0x2001, 0x1000, false },	{ 0x2000, 0x1001, false },
	{ 0x2000, MAX, false },		{ 0x2000, MAX - 0xfff, false }, /* wraps, on page boundaries */
	{ MAX - 0xfff, 0x1000, false }, { MAX, MAX, false },
};

static void range_valid(void **state)
{
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	struct gpuvm_vm *vm = small_vm(dev);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(range_cases); i++) {
		if (gpuvm_vm_range_valid(vm, range_cases[i].addr, range_cases[i].range) != range_cases[i].valid)
			fail_msg("range_valid(%#" PRIx64 ", %#" PRIx64 ") is not %d", range_cases[i].addr,
				 range_cases[i].range, range_cases[i].valid);
	}
	gpuvm_vm_put(vm);
	gpuvm_device_put(dev);
}

/* ---- VM ---- */

static void vm_name_is_copied_and_cut(void **state)
{
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	char name[64];
	struct gpuvm_vm_params params = { .name = name, .range = 4096 };
	struct gpuvm_vm *vm;

	memset(name, 'n', sizeof(name));
	name[63] = 0;
	t_ok(gpuvm_vm_create(dev, &params, &vm));
	memset(name, 'x', sizeof(name) - 1);
	assert_int_equal(strlen(gpuvm_vm_name(vm)), 31);
	assert_int_equal(gpuvm_vm_name(vm)[30], 'n');
	gpuvm_vm_put(vm);
	params.name = NULL;
	t_ok(gpuvm_vm_create(dev, &params, &vm));
	gpuvm_vm_put(vm);
	gpuvm_device_put(dev);
}

static void vm_modes(void **state)
{
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	struct gpuvm_vm_params params = { .range = 4096 };
	struct gpuvm_vm *vm;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t_modes); i++) {
		params.flags = t_modes[i];
		t_ok(gpuvm_vm_create(dev, &params, &vm));
		assert_int_equal(gpuvm_vm_immediate(vm), !!(t_modes[i] & GPUVM_VM_IMMEDIATE));
		assert_int_equal(gpuvm_vm_resv_protected(vm), !!(t_modes[i] & GPUVM_VM_RESV_PROTECTED));
		gpuvm_vm_put(vm);
	}
	gpuvm_device_put(dev);
}

static unsigned int vm_frees;

static void count_vm_free(struct gpuvm_vm *vm)
{
	assert_int_equal(*(uint64_t *)gpuvm_vm_data(vm), 77);
	vm_frees++;
}

static void vm_data_and_free(void **state)
{
	static const struct gpuvm_driver driver = { .vm_data = sizeof(uint64_t), .vm_free = count_vm_free };
	const struct gpuvm_vm_params params = { .range = 4096, .driver = &driver };
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	struct gpuvm_vm *vm;

	vm_frees = 0;
	t_ok(gpuvm_vm_create(dev, &params, &vm));
	assert_int_equal((uintptr_t)gpuvm_vm_data(vm) % 16, 0);
	assert_int_equal(*(uint64_t *)gpuvm_vm_data(vm), 0);
	*(uint64_t *)gpuvm_vm_data(vm) = 77;
	assert_ptr_equal(gpuvm_vm_get(vm), vm);
	gpuvm_vm_put(vm);
	assert_int_equal(vm_frees, 0);
	gpuvm_vm_put(vm);
	assert_int_equal(vm_frees, 1);
	gpuvm_vm_put(NULL);
	gpuvm_device_put(dev);
}

static void vm_pins_its_device(void **state)
{
	const struct gpuvm_vm_params params = { .range = 4096 };
	struct gpuvm_device *dev;
	struct t_live before;
	struct gpuvm_vm *vm;

	t_live_read(&before);
	dev = t_device(NULL, NULL, NULL, NULL);
	t_ok(gpuvm_vm_create(dev, &params, &vm));
	gpuvm_device_put(dev);
	assert_null(gpuvm_vm_data(vm));
	assert_true(gpuvm_vm_interval_empty(vm, 0, 4096));
	gpuvm_vm_put(vm);
	t_live_same(&before);
}

/* ---- GEM objects ---- */

static unsigned int gem_frees;

static void count_gem_free(struct gpuvm_gem *gem)
{
	assert_int_equal(*(unsigned char *)gpuvm_gem_data(gem), 0x5a);
	gem_frees++;
}

static void gem_data_and_free(void **state)
{
	const struct gpuvm_gem_params params = { .size = 12345, .data_size = 100, .free = count_gem_free };
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	struct gpuvm_gem *gem;
	unsigned char *data;
	unsigned int i;

	gem_frees = 0;
	t_ok(gpuvm_gem_create(dev, &params, &gem));
	assert_int_equal(gpuvm_gem_size(gem), 12345);
	data = gpuvm_gem_data(gem);
	assert_int_equal((uintptr_t)data % 16, 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(data[i], 0);
	memset(data, 0x5a, 100);
	assert_ptr_equal(gpuvm_gem_get(gem), gem);
	gpuvm_gem_put(gem);
	assert_int_equal(gem_frees, 0);
	gpuvm_gem_put(gem);
	assert_int_equal(gem_frees, 1);
	gpuvm_gem_put(NULL);
	gpuvm_device_put(dev);
}

static void gem_local_and_external(void **state)
{
	const struct t_config local = { .flags = GPUVM_VM_IMMEDIATE };
	struct gpuvm_gem_params params = { .size = 4096 };
	struct gpuvm_gem *gem;
	struct t_world w;

	t_world_make(&w, &local);
	assert_ptr_equal(gpuvm_gem_resv(w.gem[0]), gpuvm_vm_resv(w.vm));
	assert_false(gpuvm_vm_is_extobj(w.vm, w.gem[0]));
	assert_false(gpuvm_vm_is_extobj(w.vm, NULL));
	t_ok(gpuvm_gem_create(w.dev, &params, &gem));
	assert_null(gpuvm_gem_data(gem));
	assert_ptr_not_equal(gpuvm_gem_resv(gem), gpuvm_vm_resv(w.vm));
	assert_true(gpuvm_vm_is_extobj(w.vm, gem));
	gpuvm_gem_put(gem);
	t_world_end(&w);
}

/* A local object keeps its VM's reservation, and so the VM, alive. */
static void gem_pins_its_vm(void **state)
{
	const struct gpuvm_vm_params vm_params = { .range = 4096 };
	struct gpuvm_gem_params params = { .size = 4096 };
	struct gpuvm_device *dev;
	struct t_live before;

	t_live_read(&before);
	dev = t_device(NULL, NULL, NULL, NULL);
	t_ok(gpuvm_vm_create(dev, &vm_params, &params.vm));
	{
		struct gpuvm_gem *gem;

		t_ok(gpuvm_gem_create(dev, &params, &gem));
		gpuvm_vm_put(params.vm);
		gpuvm_device_put(dev);
		gpuvm_resv_lock(gpuvm_gem_resv(gem));
		assert_true(gpuvm_resv_held(gpuvm_gem_resv(gem)));
		gpuvm_resv_unlock(gpuvm_gem_resv(gem));
		assert_false(gpuvm_resv_held(gpuvm_gem_resv(gem)));
		gpuvm_gem_put(gem);
	}
	t_live_same(&before);
}

static void other_devices_are_refused(void **state)
{
	const struct t_config config = { .flags = GPUVM_VM_IMMEDIATE };
	struct gpuvm_device *other = t_device(NULL, NULL, NULL, NULL);
	struct gpuvm_gem_params params = { .size = 4096 };
	struct gpuvm_bo_alloc *alloc = NULL;
	struct gpuvm_gem *gem = NULL;
	struct gpuvm_bo *bo = NULL;
	struct t_world w;

	t_world_make(&w, &config);
	params.vm = w.vm;
	t_fails(-EINVAL, gpuvm_gem_create(other, &params, &gem));
	params.vm = NULL;
	t_ok(gpuvm_gem_create(other, &params, &gem));
	t_fails(-EINVAL, gpuvm_bo_alloc_create(w.vm, gem, &alloc));
	t_fails(-EINVAL, gpuvm_obtain(w.vm, gem, &bo));
	gpuvm_gem_put(gem);
	t_world_end(&w);
	gpuvm_device_put(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vm_parameters),
		cmocka_unit_test(range_valid),
		cmocka_unit_test(vm_name_is_copied_and_cut),
		cmocka_unit_test(vm_modes),
		cmocka_unit_test(vm_data_and_free),
		cmocka_unit_test(vm_pins_its_device),
		cmocka_unit_test(gem_data_and_free),
		cmocka_unit_test(gem_local_and_external),
		cmocka_unit_test(gem_pins_its_vm),
		cmocka_unit_test(other_devices_are_refused),
	};

	return t_run("units", tests, ARRAY_SIZE(tests));
}
