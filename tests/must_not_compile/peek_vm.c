/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: incomplete (type|definition)|invalid use of undefined type */
/* The lists of a VM are private. */
#include <gpuvm/gpuvm.h>

bool f(struct gpuvm_vm *vm);

bool f(struct gpuvm_vm *vm)
{
#ifdef FIXED
	return gpuvm_vm_immediate(vm);
#else
	return vm->closed;
#endif
}
