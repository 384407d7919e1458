/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* Only a registered bo can be mapped. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_map_req *req, struct gpuvm_bo_alloc *alloc, struct gpuvm_bo *bo);

void f(struct gpuvm_map_req *req, struct gpuvm_bo_alloc *alloc, struct gpuvm_bo *bo)
{
#ifdef FIXED
	req->bo = bo;
#else
	req->bo = alloc;
#endif
}
