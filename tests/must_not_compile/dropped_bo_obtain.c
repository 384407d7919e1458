/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: warn_unused_result */
/* The reference that obtain returns would leak. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo_alloc *alloc);

void f(struct gpuvm_bo_alloc *alloc)
{
#ifdef FIXED
	gpuvm_bo_put(gpuvm_bo_obtain(alloc));
#else
	gpuvm_bo_obtain(alloc);
#endif
}
