/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incomplete (type|definition)|invalid use of undefined type */
/* The count is nobody's business. */
#include <gpuvm/gpuvm.h>

unsigned int f(struct gpuvm_bo *bo);

unsigned int f(struct gpuvm_bo *bo)
{
#ifdef FIXED
	return gpuvm_bo_evicted(bo);
#else
	return bo->ref;
#endif
}
