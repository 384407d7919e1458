/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: implicit declaration|undeclared function */
/* There is no third type beside alloc and bo: registered is what a bo is. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_bo *bo);

void f(struct gpuvm_bo *bo)
{
#ifdef FIXED
	gpuvm_bo_put(bo);
#else
	gpuvm_bo_registered_put(bo);
#endif
}
