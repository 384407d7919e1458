/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* An alloc is not a bo: it cannot be put. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo_alloc *alloc);

void f(struct gpuvm_bo_alloc *alloc)
{
#ifdef FIXED
	gpuvm_bo_alloc_destroy(alloc);
#else
	gpuvm_bo_put(alloc);
#endif
}
