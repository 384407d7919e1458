/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* A removed mapping does not go in again. */
#include <gpuvm/gpuvm.h>

int f(struct gpuvm_vm *vm, struct gpuvm_va_removed *va, struct gpuvm_va_alloc *alloc, struct gpuvm_map_req *req);

int f(struct gpuvm_vm *vm, struct gpuvm_va_removed *va, struct gpuvm_va_alloc *alloc, struct gpuvm_map_req *req)
{
#ifdef FIXED
	return gpuvm_va_insert(vm, alloc, req);
#else
	return gpuvm_va_insert(vm, va, req);
#endif
}
