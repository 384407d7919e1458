/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* No conversion but gpuvm_bo_obtain(): not by returning. */
#include <gpuvm/gpuvm.h>

struct gpuvm_bo *f(struct gpuvm_bo_alloc *alloc);

struct gpuvm_bo *f(struct gpuvm_bo_alloc *alloc)
{
#ifdef FIXED
	return gpuvm_bo_obtain(alloc);
#else
	return alloc;
#endif
}
