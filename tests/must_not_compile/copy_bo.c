/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incomplete (type|definition)|invalid use of undefined type|dereferencing pointer */
/* Nor copied. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo *a, struct gpuvm_bo *b);

void f(struct gpuvm_bo *a, struct gpuvm_bo *b)
{
#ifdef FIXED
	gpuvm_bo_put(a);
	gpuvm_bo_get(b);
#else
	*a = *b;
#endif
}
