/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* A resident mapping is taken out before it is freed. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_va *va, struct gpuvm_va_removed *removed);

void f(struct gpuvm_va *va, struct gpuvm_va_removed *removed)
{
#ifdef FIXED
	gpuvm_va_removed_free(removed);
#else
	gpuvm_va_removed_free(va);
#endif
}
