/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: warn_unused_result */
/* upstream drops insert errors (W5). */
#include <gpuvm/gpuvm.h>

int f(struct gpuvm_vm *vm, struct gpuvm_va_alloc *va, const struct gpuvm_map_req *req);

int f(struct gpuvm_vm *vm, struct gpuvm_va_alloc *va, const struct gpuvm_map_req *req)
{
#ifdef FIXED
	return gpuvm_va_insert(vm, va, req);
#else
	gpuvm_va_insert(vm, va, req);
	return 0;
#endif
}
