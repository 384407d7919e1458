/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* expect: read-only|const-qualified */
/* The steps of a list are for reading. */
#include <gpuvm/gpuvm.h>

void f(struct gpuvm_oplist *list);

void f(struct gpuvm_oplist *list)
{
#ifdef FIXED
	gpuvm_oplist_free(list);
#else
	gpuvm_oplist_first(list)->type = GPUVM_OP_UNMAP;
#endif
}
