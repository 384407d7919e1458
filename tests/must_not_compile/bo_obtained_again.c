/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* A bo cannot be registered again. */
#include <gpuvm/gpuvm.h>

struct gpuvm_bo *f(struct gpuvm_bo *bo);

struct gpuvm_bo *f(struct gpuvm_bo *bo)
{
#ifdef FIXED
	return gpuvm_bo_get(bo);
#else
	return gpuvm_bo_obtain(bo);
#endif
}
