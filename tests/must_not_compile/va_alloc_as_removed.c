/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* What never went in cannot have come out. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_va_alloc *alloc);

void f(struct gpuvm_va_alloc *alloc)
{
#ifdef FIXED
	gpuvm_va_alloc_destroy(alloc);
#else
	gpuvm_va_removed_free(alloc);
#endif
}
