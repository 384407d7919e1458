/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incompatible (pointer|return|result) |incompatible pointer types */
/* A pre-allocated mapping is nowhere yet. */
#include <gpuvm/gpuvm.h>

uint64_t f(struct gpuvm_va_alloc *alloc);

uint64_t f(struct gpuvm_va_alloc *alloc)
{
#ifdef FIXED
	return gpuvm_va_alloc_data(alloc) != NULL;
#else
	return gpuvm_va_addr((alloc));
#endif
}
