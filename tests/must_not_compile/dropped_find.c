/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: warn_unused_result */
/* The reference that find returns would leak. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_vm *vm, struct gpuvm_gem *gem);

void f(struct gpuvm_vm *vm, struct gpuvm_gem *gem)
{
#ifdef FIXED
	gpuvm_bo_put(gpuvm_bo_find(vm, gem));
#else
	gpuvm_bo_find(vm, gem);
#endif
}
