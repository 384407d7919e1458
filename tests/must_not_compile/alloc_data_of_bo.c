/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* Each state has its own way to the driver data. */
#include <gpuvm/gpuvm.h>

void *f(struct gpuvm_bo *bo);

void *f(struct gpuvm_bo *bo)
{
#ifdef FIXED
	return gpuvm_bo_data(bo);
#else
	return gpuvm_bo_alloc_data(bo);
#endif
}
