/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: warn_unused_result */
/* An obtain that failed left no bo. */
#include <gpuvm/gpuvm.h>

int f(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **bo);

int f(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **bo)
{
#ifdef FIXED
	return gpuvm_obtain(vm, gem, bo);
#else
	gpuvm_obtain(vm, gem, bo);
	return 0;
#endif
}
