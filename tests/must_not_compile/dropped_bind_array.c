/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: warn_unused_result */
/* An array that failed changed nothing, whichever of its operations it was: the driver must know. */
#include <gpuvm/gpuvm.h>

int f(struct gpuvm_vm *vm, struct gpuvm_bind *bind);

int f(struct gpuvm_vm *vm, struct gpuvm_bind *bind)
{
#ifdef FIXED
	return gpuvm_bind_array(vm, bind);
#else
	gpuvm_bind_array(vm, bind);
	return 0;
#endif
}
