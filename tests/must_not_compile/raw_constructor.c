/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: implicit declaration|undeclared function */
/* And none back. */
#include <gpuvm/gpuvm.h>

struct gpuvm_bo *f(struct gpuvm_bo *bo);

struct gpuvm_bo *f(struct gpuvm_bo *bo)
{
#ifdef FIXED
	return gpuvm_bo_get(bo);
#else
	return gpuvm_bo_from_raw(bo);
#endif
}
