/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * planted/race.c - two threads write a bo's driver data without a lock. ThreadSanitizer must report it: the proof that a
 * silent run of the others means something, with the library's own synchronisation and the suppressions in place.
 */
#include <gpuvm/gpuvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), _Exit(3)))

static struct gpuvm_vm *vm;
static struct gpuvm_gem *gem;
static pthread_barrier_t found;

static void *writer(void *arg)
{
	struct gpuvm_bo *bo;
	unsigned int i;

	(void)arg;
	gpuvm_thread_enter();
	for (i = 0; i < 10; i++) {
		bo = gpuvm_bo_find(vm, gem);
		CHECK(bo);
		pthread_barrier_wait(&found); /* so that nothing orders the two writes, whatever find and put do */
		*(uint64_t *)gpuvm_bo_data(bo) += 1; /* the race */
		gpuvm_bo_put(bo);
	}
	gpuvm_thread_leave();
	return NULL;
}

int main(void)
{
	static const struct gpuvm_driver driver = { .bo_data = sizeof(uint64_t) };
	const struct gpuvm_device_params params = { .preset = "linux", .list = "rcu_hash", .alloc = "glibc" };
	const struct gpuvm_vm_params vm_params = { .range = 4096, .flags = GPUVM_VM_IMMEDIATE, .driver = &driver };
	const struct gpuvm_gem_params gem_params = { .size = 4096 };
	struct gpuvm_device *dev;
	struct gpuvm_bo *bo;
	pthread_t thread;

	gpuvm_thread_enter();
	CHECK(gpuvm_device_create(&params, &dev) == 0);
	CHECK(gpuvm_vm_create(dev, &vm_params, &vm) == 0);
	CHECK(gpuvm_gem_create(dev, &gem_params, &gem) == 0);
	CHECK(gpuvm_obtain(vm, gem, &bo) == 0);
	CHECK(pthread_barrier_init(&found, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, writer, NULL) == 0);
	writer(NULL);
	pthread_join(thread, NULL);
	gpuvm_bo_put(bo);
	gpuvm_vm_close(vm, NULL);
	gpuvm_gem_put(gem);
	gpuvm_vm_put(vm);
	gpuvm_device_put(dev);
	gpuvm_quiesce();
	gpuvm_thread_leave();
	return 0;
}
