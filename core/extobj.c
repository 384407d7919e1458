/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * extobj.c - a VM's list of external objects and its list of evicted bos.
 *
 * Both are guarded by the VM's reservation if RESV_PROTECTED, else each by a spinlock. They hold no references: a bo leaves
 * them before it is freed. In RESV_PROTECTED immediate mode zombies stay on them until cleanup (I3), because their last
 * put may not take the reservation.
 */
#include "objects.h"

static void lock(struct gpuvm_vm *vm, struct gpuvm__spin *spin)
{
	if (gpuvm__vm_resv_protected(vm))
		gpuvm__assert_held(&vm->resv);
	else
		gpuvm__spin_lock(spin, GPUVM__LOCK_EXTOBJ);
}

static void unlock(struct gpuvm_vm *vm, struct gpuvm__spin *spin)
{
	if (!gpuvm__vm_resv_protected(vm))
		gpuvm__spin_unlock(spin);
}

static void add(struct gpuvm_vm *vm, struct gpuvm__spin *spin, struct gpuvm__node *entry, struct gpuvm__node *head)
{
	if (GPUVM_PLANT(extobj_check_then_add)) {
		if (!gpuvm__node_alone(entry))
			return;
		lock(vm, spin);
		gpuvm__node_add_tail(entry, head);
		unlock(vm, spin);
		return;
	}
	lock(vm, spin);
	if (gpuvm__node_alone(entry))
		gpuvm__node_add_tail(entry, head);
	unlock(vm, spin);
}

static void del(struct gpuvm_vm *vm, struct gpuvm__spin *spin, struct gpuvm__node *entry)
{
	lock(vm, spin);
	gpuvm__node_del(entry);
	unlock(vm, spin);
}

void gpuvm_bo_extobj_add(struct gpuvm_bo *bo)
{
	struct gpuvm_vm *vm = bo->vm;

	gpuvm__state_is(bo, GPUVM__LIVE);
	if (!gpuvm_vm_is_extobj(vm, bo->gem))
		return;
	if (GPUVM_PLANT(extobj_flag_first))
		gpuvm__store(&bo->extobj_settled, true, release);
	add(vm, &vm->extobj_lock, &bo->extobj, &vm->extobj);
	gpuvm__store(&bo->extobj_settled, true, release);
}

void gpuvm__evict_set(struct gpuvm_bo *bo, bool evict)
{
	struct gpuvm_vm *vm = bo->vm;

	gpuvm__store(&bo->evicted, evict, relaxed);
	/* An external object's evictor does not hold this VM's reservation: gpuvm_exec_lock() moves it later. */
	if (gpuvm__vm_resv_protected(vm) && gpuvm_vm_is_extobj(vm, bo->gem))
		return;
	if (evict && !GPUVM_PLANT(evict_not_listed))
		add(vm, &vm->evict_lock, &bo->evict, &vm->evict);
	else
		del(vm, &vm->evict_lock, &bo->evict);
}

void gpuvm_bo_evict(struct gpuvm_bo *bo, bool evict)
{
	gpuvm__state_is(bo, GPUVM__LIVE);
	gpuvm__assert_held(bo->gem->resv);
	gpuvm__evict_set(bo, evict);
}

bool gpuvm_bo_evicted(const struct gpuvm_bo *bo)
{
	return gpuvm__load(&((struct gpuvm_bo *)bo)->evicted, relaxed);
}

void gpuvm__extobj_forget(struct gpuvm_bo *bo)
{
	struct gpuvm_vm *vm = bo->vm;

	if (!GPUVM_PLANT(destroy_keeps_extobj))
		del(vm, &vm->extobj_lock, &bo->extobj);
	if (!GPUVM_PLANT(destroy_keeps_evict))
		del(vm, &vm->evict_lock, &bo->evict);
}
