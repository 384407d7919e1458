/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* A mapping that was taken out is no mapping. */
#include <gpuvm/gpuvm.h>

uint64_t f(struct gpuvm_va_removed *va);

uint64_t f(struct gpuvm_va_removed *va)
{
#ifdef FIXED
	return gpuvm_va_removed_addr(va);
#else
	return gpuvm_va_addr(va);
#endif
}
