/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* A registered bo is destroyed by its last put only. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo *bo);

void f(struct gpuvm_bo *bo)
{
#ifdef FIXED
	gpuvm_bo_put(bo);
#else
	gpuvm_bo_alloc_destroy(bo);
#endif
}
