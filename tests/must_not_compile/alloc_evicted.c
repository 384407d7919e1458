/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* An alloc is on no list: neither on extobj nor on evict. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo_alloc *alloc);

void f(struct gpuvm_bo_alloc *alloc)
{
#ifdef FIXED
	gpuvm_bo_extobj_add(gpuvm_bo_obtain(alloc));
#else
	gpuvm_bo_extobj_add(alloc);
#endif
}
