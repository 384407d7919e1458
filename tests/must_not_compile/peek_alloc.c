/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incomplete (type|definition)|invalid use of undefined type */
/* Nothing to see in an alloc either. */
#include <gpuvm/gpuvm.h>

struct gpuvm_vm *f(struct gpuvm_bo_alloc *alloc);

struct gpuvm_vm *f(struct gpuvm_bo_alloc *alloc)
{
#ifdef FIXED
	return gpuvm_bo_vm(gpuvm_bo_obtain(alloc));
#else
	return alloc->vm;
#endif
}
