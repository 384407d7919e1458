/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * planted/use_after_free.c - reads a bo's driver data after the bo is gone. AddressSanitizer must report it: the proof
 * that no pool or cache of the library hides freed memory from it.
 */
#include <gpuvm/gpuvm.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), _Exit(3)))

int main(void)
{
	static const struct gpuvm_driver driver = { .bo_data = sizeof(uint64_t) };
	const struct gpuvm_device_params params = { .preset = "linux", .list = "rcu_hash", .alloc = "glibc" };
	const struct gpuvm_vm_params vm_params = { .range = 4096, .flags = GPUVM_VM_IMMEDIATE, .driver = &driver };
	const struct gpuvm_gem_params gem_params = { .size = 4096 };
	volatile uint64_t *data;
	struct gpuvm_device *dev;
	struct gpuvm_gem *gem;
	struct gpuvm_vm *vm;
	struct gpuvm_bo *bo;

	gpuvm_thread_enter();
	CHECK(gpuvm_device_create(&params, &dev) == 0);
	CHECK(gpuvm_vm_create(dev, &vm_params, &vm) == 0);
	CHECK(gpuvm_gem_create(dev, &gem_params, &gem) == 0);
	CHECK(gpuvm_obtain(vm, gem, &bo) == 0);
	data = gpuvm_bo_data(bo);
	*data = 1;
	CHECK(gpuvm_bo_put(bo));
	gpuvm_quiesce();
	return *data == 1; /* the use after free */
}
