/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incomplete (type|definition)|invalid use of undefined type */
/* A mapping is read through its functions. */
#include <gpuvm/gpuvm.h>

uint64_t f(struct gpuvm_va *va);

uint64_t f(struct gpuvm_va *va)
{
#ifdef FIXED
	return gpuvm_va_addr(va);
#else
	return va->start;
#endif
}
