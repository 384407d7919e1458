/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: implicit declaration|undeclared function */
/* There is no way in or out of the typestate but the functions: no raw accessor. */
#include <gpuvm/gpuvm.h>

void *f(struct gpuvm_bo *bo);

void *f(struct gpuvm_bo *bo)
{
#ifdef FIXED
	return gpuvm_bo_data(bo);
#else
	return gpuvm_bo_as_raw(bo);
#endif
}
