/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ref.h - the contract of the ref axis: how a bo is counted.
 *
 * To add one: write core/ref/NAME.h with the inline functions below and a line in catalogue.def. Each list strategy is
 * compiled once per ref with these inlined (GPUVM_REF, GPUVM_REF_H come from the build).
 *
 *   ref_init(bo)             the alloc's one reference (I1)
 *   ref_get(bo)              another one; the caller owns one or holds the list's lock on a listed bo (I2)
 *   ref_get_unless_zero(bo)  another one if it is live; inside a read section; false: it is dying
 *   ref_put_not_last(bo)     drop one if it is not the last: no lock; false: it may be the last, nothing dropped
 *   ref_put_locked(bo)       drop one under the list's lock; true: it was the last, nobody can get one any more
 *   ref_read(bo)             the count; 0: zombie
 *
 *   R1  never 0 -> 1.   R2  what anyone did under a reference happens before ref_put_locked() returns true.
 *   R3  after ref_put_not_last() returned true, the caller's bo may be gone.
 */
#ifndef GPUVM_CORE_REF_REF_H
#define GPUVM_CORE_REF_REF_H

#include "../objects.h"

/**
 * struct gpuvm__ref_ops - what the core calls outside a list (made by ref/table.c from the inline functions)
 * @name: as in catalogue.def
 * @init: see ref_init
 * @get: see ref_get
 * @tryget: see ref_get_unless_zero
 * @alive: is it not a zombie? (ref_read)
 */
struct gpuvm__ref_ops {
	const char *name;
	void (*init)(struct gpuvm_bo *bo);
	void (*get)(struct gpuvm_bo *bo);
	bool (*tryget)(struct gpuvm_bo *bo);
	bool (*alive)(struct gpuvm_bo *bo);
};

#ifdef GPUVM_REF_H
#include GPUVM_REF_H
#endif

#endif /* GPUVM_CORE_REF_REF_H */
