/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: storage size|incomplete type */
/* A bo cannot be made by hand. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo *other);

void f(struct gpuvm_bo *other)
{
#ifdef FIXED
	struct gpuvm_bo *bo = gpuvm_bo_get(other);

	gpuvm_bo_put(bo);
#else
	struct gpuvm_bo bo;

	gpuvm_bo_put(&bo);
#endif
}
