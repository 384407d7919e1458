/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* A pair that was never registered does not go through the deferred path (Linux once did that). */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo_alloc *alloc);

void f(struct gpuvm_bo_alloc *alloc)
{
#ifdef FIXED
	gpuvm_bo_alloc_destroy(alloc);
#else
	gpuvm_bo_put_deferred(alloc);
#endif
}
