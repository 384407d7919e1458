/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: implicit declaration|undeclared function */
/* Resident and linked are one state: there is no link of its own. */
#include <gpuvm/gpuvm.h>

int f(struct gpuvm_vm *vm, struct gpuvm_va_alloc *va, struct gpuvm_map_req *req);

int f(struct gpuvm_vm *vm, struct gpuvm_va_alloc *va, struct gpuvm_map_req *req)
{
#ifdef FIXED
	return gpuvm_va_insert(vm, va, req);
#else
	return gpuvm_va_link(va, req->bo);
#endif
}
