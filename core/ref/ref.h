/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ref.h - the contract of the ref axis: how a bo is counted.
 *
 * To add one: write core/ref/NAME.h with the inline functions below and a line in catalogue.def. Each list strategy is
 * compiled once per ref with these inlined (GPUVM_REF, GPUVM_REF_H come from the build).
 *
 *   ref_init(bo)             the alloc's one reference (I1)
 *   ref_get(bo)              another one; the caller owns one or holds the list's lock on a listed bo (I2)
 *   ref_get_unless_zero(bo)  another one if it is live, for who found it without the list's lock: inside a read section,
 *                            or under another lock that a zombie must take before it is freed; false: it is dying
 *   ref_put_not_last(bo)     drop one without a lock; true: done. false: it may be the last, and the caller owes
 *                            ref_put_locked()
 *   ref_put_locked(bo)       finish, under the list's lock, what ref_put_not_last() left; true: the bo is dead, nobody can
 *                            get a reference any more. Only ever after a ref_put_not_last() that returned false.
 *   ref_alive(bo)            not dead yet; a hint unless something keeps it from dying
 *
 * One that can do better for a caller who surely owns a reference (gpuvm_bo_get()) defines ref_get_owned, the name of a
 * function like ref_get(). One that keeps something per thread defines ref_thread_leave, the name of a function that
 * gpuvm_thread_leave() calls; code that is not inline goes to core/ref/NAME.c.
 *
 *   R1  Dead stays dead.
 *   R2  What anyone did under a reference happens before ref_put_locked() returns true.
 *   R3  After ref_put_not_last() returned true, or ref_put_locked() false, the caller's bo may be gone.
 *   R4  Between a ref_put_not_last() that returned false and the end of the ref_put_locked() it owes, the bo is live: on
 *       its GEM's list, its memory and its gem there. So the lock can be found and taken without a read section. (kref:
 *       the reference was not dropped yet. rcuref: it was, but the debt counts.)
 */
#ifndef GPUVM_CORE_REF_REF_H
#define GPUVM_CORE_REF_REF_H

#include "../objects.h"

/**
 * struct gpuvm__ref_ops - what the core calls outside a list (made by ref/table.c from the inline functions)
 * @name: as in catalogue.def
 * @init: see ref_init
 * @get: see ref_get; returns @bo, for a tail call
 * @tryget: see ref_get_unless_zero
 * @alive: is it not a zombie? (ref_alive)
 * @thread_leave: NULL, or see ref_thread_leave
 */
struct gpuvm__ref_ops {
	const char *name;
	void (*init)(struct gpuvm_bo *bo);
	struct gpuvm_bo *(*get)(struct gpuvm_bo *bo);
	bool (*tryget)(struct gpuvm_bo *bo);
	bool (*alive)(struct gpuvm_bo *bo);
	void (*thread_leave)(void);
};

#ifdef GPUVM_REF_H
#include GPUVM_REF_H
#ifndef ref_get_owned
#define ref_get_owned ref_get
#endif
#endif

#endif /* GPUVM_CORE_REF_REF_H */
