/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: warn_unused_result */
/* A request that failed changed nothing: the driver must know. */
#include <gpuvm/gpuvm.h>

int f(struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_sm *sm);

int f(struct gpuvm_vm *vm, const struct gpuvm_map_req *req, struct gpuvm_sm *sm)
{
#ifdef FIXED
	return gpuvm_sm_map(vm, req, sm);
#else
	gpuvm_sm_map(vm, req, sm);
	return 0;
#endif
}
