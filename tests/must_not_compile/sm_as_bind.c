/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible pointer type */
/* The stock of one request has not what an array needs. */
#include <gpuvm/gpuvm.h>

int f(struct gpuvm_vm *vm, struct gpuvm_sm *sm, struct gpuvm_bind *bind);

int f(struct gpuvm_vm *vm, struct gpuvm_sm *sm, struct gpuvm_bind *bind)
{
#ifdef FIXED
	return gpuvm_bind_array(vm, bind);
#else
	return gpuvm_bind_array(vm, sm);
#endif
}
