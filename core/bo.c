/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bo.c - the pair's life: alloc, registered, zombie, freed. The typestate's two public names for one structure meet here
 * and nowhere else.
 */
#include "list/list.h"
#include "ref/ref.h"

static struct gpuvm_bo *bo_of(struct gpuvm_bo_alloc *alloc)
{
	struct gpuvm_bo *bo = (struct gpuvm_bo *)alloc;

	gpuvm__state_is(bo, GPUVM__ALLOC);
	return bo;
}

static size_t data_offset(const struct gpuvm__list_ops *list)
{
	return gpuvm__align(offsetof(struct gpuvm_bo, list_state) + list->bo_bytes, 16);
}

/* All VMs of a GEM object agree on which lock guards its list; the first pair decides. */
static int agree_on_mode(struct gpuvm_vm *vm, struct gpuvm_gem *gem)
{
	uint32_t want = gpuvm__vm_immediate(vm) ? GPUVM__MODE_IMMEDIATE : GPUVM__MODE_STAGED, old;

	old = gpuvm__load(&gem->mode, relaxed);
	if (old == GPUVM__MODE_UNSET && gpuvm__cas(&gem->mode, &old, want, relaxed))
		return 0;
	return old == want ? 0 : -EINVAL;
}

static void *data_of(const struct gpuvm_bo *bo)
{
	return bo->vm->driver->bo_data ? (char *)bo + data_offset(bo->list) : NULL;
}

static void init(struct gpuvm_bo *bo, struct gpuvm_vm *vm, struct gpuvm_gem *gem)
{
	bo->vm = vm;
	bo->gem = gem;
	bo->list = gem->list;
	gpuvm__spin_init(&bo->vas_lock);
	gpuvm__node_init(&bo->vas);
	gpuvm__node_init(&bo->extobj);
	gpuvm__node_init(&bo->evict);
	atomic_init(&bo->extobj_settled, !gpuvm__vm_is_extobj(vm, gem));
	bo->ref_ops = vm->dev->ref_ops;
	bo->ref_ops->init(bo);
	gpuvm__state_set(bo, GPUVM__ALLOC);
}

int gpuvm_bo_alloc_create(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo_alloc **out)
{
	size_t size = data_offset(vm->dev->list) + vm->driver->bo_data;
	struct gpuvm_bo *bo;
	int ret;

	if (vm->dev != gem->dev)
		return -EINVAL;
	ret = agree_on_mode(vm, gem);
	if (ret)
		return ret;
	bo = gpuvm__obj_alloc(vm->dev->alloc, GPUVM_TYPE_BO, size, 16);
	if (!bo) {
		if (GPUVM_PLANT(enomem_double_put))
			gpuvm_gem_put(gem);
		return -ENOMEM;
	}
	init(bo, vm, gem);
	ret = vm->driver->bo_alloc ? vm->driver->bo_alloc(vm, gem, data_of(bo)) : 0;
	if (ret) {
		if (!GPUVM_PLANT(bo_alloc_error_leaks))
			gpuvm__obj_free(bo);
		return ret;
	}
	gpuvm_vm_get(vm); /* I4 */
	if (!GPUVM_PLANT(alloc_does_not_pin))
		gpuvm_gem_get(gem);
	*out = (struct gpuvm_bo_alloc *)bo;
	return 0;
}

/* A bo that is on no list goes, and maybe its object with it. Its reference to its VM is left to the caller. */
static void destroy_but_vm(struct gpuvm_bo *bo, bool was_public)
{
	struct gpuvm_vm *vm = bo->vm;
	struct gpuvm_gem *gem = bo->gem;

	GPUVM__BUG_ON(!gpuvm__node_alone(&bo->vas));
	if (vm->driver->bo_free)
		vm->driver->bo_free(vm, gem, data_of(bo));
	gpuvm__state_set(bo, GPUVM__DEAD);
	if (GPUVM_PLANT(vm_put_early))
		gpuvm_vm_put(vm);
	if (was_public && !GPUVM_PLANT(bo_without_grace))
		gpuvm__obj_drop(vm->dev, bo);
	else
		gpuvm__obj_free(bo); /* nobody ever saw it: no grace period */
	if (!GPUVM_PLANT(gem_put_under_lock) || !was_public)
		gpuvm_gem_put(gem);
}

static void destroy(struct gpuvm_bo *bo, bool was_public)
{
	struct gpuvm_vm *vm = bo->vm;

	destroy_but_vm(bo, was_public);
	if (!GPUVM_PLANT(vm_put_early))
		gpuvm_vm_put(vm);
}

void gpuvm_bo_alloc_destroy(struct gpuvm_bo_alloc *alloc)
{
	if (alloc)
		destroy(bo_of(alloc), false);
}

void *gpuvm_bo_alloc_data(struct gpuvm_bo_alloc *alloc)
{
	return data_of(bo_of(alloc));
}

struct gpuvm_bo *gpuvm_bo_obtain(struct gpuvm_bo_alloc *alloc)
{
	struct gpuvm_bo *new = bo_of(alloc), *bo;

	gpuvm__list_guarded(new->gem);
	bo = new->list->obtain(new);
	if (bo != new) {
		gpuvm__count(LIST_RACE);
		if (GPUVM_PLANT(loser_leaked) || GPUVM_PLANT(loser_under_lock))
			return bo;
		if (GPUVM_PLANT(loser_registered_destructor)) {
			gpuvm_bo_put(new);
			return bo;
		}
		destroy(new, false); /* the list's lock is dropped: I5 */
	}
	return bo;
}

/* L7: not for a find with RCU readers. */
static inline void find_guarded(struct gpuvm_gem *gem)
{
	if (!gem->list->rcu)
		gpuvm__list_guarded(gem);
}

struct gpuvm_bo *gpuvm_bo_find(struct gpuvm_vm *vm, struct gpuvm_gem *gem)
{
	struct gpuvm_bo *bo;

	find_guarded(gem);
	bo = gem->list->find(gem, vm);
	if (likely(bo))
		gpuvm__state_is(bo, GPUVM__LIVE);
	else
		gpuvm__count(LIST_MISS);
	return bo;
}

/* The extobj list may need the VM's reservation: in immediate mode we take it, in staged mode the caller has it. */
__slow int gpuvm__obtain_extobj(struct gpuvm_bo *bo)
{
	bool lock = gpuvm__vm_resv_protected(bo->vm) && gpuvm__vm_immediate(bo->vm);

	if (lock)
		gpuvm_resv_lock(&bo->vm->resv);
	gpuvm_bo_extobj_add(bo);
	if (lock)
		gpuvm_resv_unlock(&bo->vm->resv);
	return 0;
}

__apart int gpuvm__obtain_miss(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	struct gpuvm_bo_alloc *alloc;
	int ret;

	gpuvm__count(LIST_MISS);
	ret = gpuvm_bo_alloc_create(vm, gem, &alloc);
	if (ret)
		return ret;
	*out = gpuvm_bo_obtain(alloc);
	if (GPUVM_PLANT(extobj_winner_only) && *out != (struct gpuvm_bo *)alloc)
		return 0;
	/* Always, as in gpuvm__looked_up(). */
	return gpuvm__vm_is_extobj(vm, gem) ? gpuvm__obtain_extobj(*out) : 0;
}

int gpuvm_obtain(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out)
{
	find_guarded(gem);
	return gem->list->lookup(vm, gem, out);
}

struct gpuvm_bo *gpuvm_bo_get(struct gpuvm_bo *bo)
{
	gpuvm__state_is(bo, GPUVM__LIVE);
	return bo->ref_ops->get(bo);
}

/* Off the lists of its VM, in either mode, and away. No list lock held. */
static bool bury(struct gpuvm_bo *bo)
{
	struct gpuvm_vm *vm = bo->vm;
	bool lock = gpuvm__vm_resv_protected(vm) && gpuvm__vm_immediate(vm);

	if (lock)
		gpuvm_resv_lock(&vm->resv);
	gpuvm__extobj_forget(bo);
	if (lock)
		gpuvm_resv_unlock(&vm->resv);
	destroy(bo, true);
	return true;
}

bool gpuvm_bo_put(struct gpuvm_bo *bo)
{
	if (!bo)
		return false;
	gpuvm__state_is(bo, GPUVM__LIVE);
	gpuvm__list_guarded(bo->gem);
	return bo->list->put(bo, bury);
}

#define ONE_QUEUED (1ull << 40)

/* A zombie's part in vm->queued. */
static uint64_t weight(const struct gpuvm_bo *bo)
{
	return ONE_QUEUED + (bo->gem->size + 1023) / 1024 % ONE_QUEUED;
}

/*
 * Release: the cleaner sees all that happened to the bo. Nothing of it may be touched after the push, nor of its VM, which
 * it alone may have kept: so it is counted first.
 */
static void push_deferred(struct gpuvm_bo *bo)
{
	struct gpuvm_vm *vm = bo->vm;
	struct gpuvm_bo *head = gpuvm__load(&vm->deferred, relaxed);

	gpuvm__count(DEFER_PUSH);
	if (gpuvm__fetch_add(&vm->queued, weight(bo), relaxed) < ONE_QUEUED)
		gpuvm__store(&vm->queued_since, gpuvm__now(), relaxed);
	if (GPUVM_PLANT(defer_not_atomic)) {
		bo->obj.defer = head;
		gpuvm__store(&vm->deferred, bo, release);
		return;
	}
	if (GPUVM_PLANT(defer_relaxed)) {
		do
			bo->obj.defer = head;
		while (!gpuvm__cas(&vm->deferred, &head, bo, relaxed));
		return;
	}
	do
		bo->obj.defer = head;
	while (!gpuvm__cas(&vm->deferred, &head, bo, release));
}

/* Without RESV_PROTECTED the lists have spinlocks, which this path may take, so nothing stays on them. */
static bool defer(struct gpuvm_bo *bo)
{
	if (GPUVM_PLANT(defer_takes_resv) && gpuvm__vm_resv_protected(bo->vm)) {
		gpuvm_resv_lock(&bo->vm->resv);
		gpuvm__extobj_forget(bo);
		gpuvm_resv_unlock(&bo->vm->resv);
	}
	if (!gpuvm__vm_resv_protected(bo->vm))
		gpuvm__extobj_forget(bo);
	push_deferred(bo);
	return true;
}

#ifdef GPUVM_MUTANTS
void gpuvm__plant_defer(struct gpuvm_bo *bo)
{
	defer(bo);
}
#endif

void gpuvm_vm_deferred_stats(struct gpuvm_vm *vm, struct gpuvm_deferred_stats *out)
{
	uint64_t queued = gpuvm__load(&vm->queued, relaxed);

	out->queued = queued / ONE_QUEUED;
	out->pinned_bytes = queued % ONE_QUEUED * 1024;
	out->age_ns = queued ? gpuvm__now() - gpuvm__load(&vm->queued_since, relaxed) : 0;
}

bool gpuvm_bo_put_deferred(struct gpuvm_bo *bo)
{
	if (!bo)
		return false;
	gpuvm__state_is(bo, GPUVM__LIVE);
	GPUVM__BUG_ALWAYS(!gpuvm__vm_immediate(bo->vm));
	return bo->list->put(bo, defer);
}

void gpuvm__bo_put_mode(struct gpuvm_bo *bo)
{
	if (gpuvm__vm_immediate(bo->vm))
		gpuvm_bo_put_deferred(bo);
	else
		gpuvm_bo_put(bo);
}

/* The next up to @max zombies, chained by obj.defer; what is over goes to vm->rest. */
static struct gpuvm_bo *take_zombies(struct gpuvm_vm *vm, size_t max) __must_hold(cleanup_lock)
{
	struct gpuvm_bo *first = vm->rest, *bo;
	size_t n = 1;

	if (!first) {
		/* Acquire pairs with the release in push_deferred(). */
		first = gpuvm__load(&vm->deferred, relaxed) ? gpuvm__xchg(&vm->deferred, NULL, acquire) : NULL;
	}
	vm->rest = NULL;
	for (bo = first; bo && max; bo = bo->obj.defer, n++) {
		if (n == max) {
			vm->rest = GPUVM_PLANT(cleanup_loses_rest) ? NULL : bo->obj.defer;
			bo->obj.defer = NULL;
			break;
		}
	}
	return first;
}

static void forget_all(struct gpuvm_vm *vm, struct gpuvm_bo *zombies)
{
	if (!zombies || !gpuvm__vm_resv_protected(vm))
		return;
	if (GPUVM_PLANT(cleanup_keeps_lists))
		return;
	gpuvm_resv_lock(&vm->resv);
	for (; zombies; zombies = zombies->obj.defer)
		gpuvm__extobj_forget(zombies);
	gpuvm_resv_unlock(&vm->resv);
}

/*
 * They go one by one, but leave the VM's two counts together, at the end: each count is a line that every thread of the VM
 * writes. The caller has a reference to the VM (I4), so theirs are not the last.
 */
static size_t destroy_all(struct gpuvm_vm *vm, struct gpuvm_bo *zombies)
{
	struct gpuvm_bo *bo;
	uint64_t weights = 0;
	uint32_t n = 0;

	while ((bo = zombies)) {
		zombies = bo->obj.defer;
		gpuvm__state_is(bo, GPUVM__ZOMBIE);
		weights += weight(bo);
		destroy_but_vm(bo, true);
		gpuvm__count(DEFER_FREE);
		n++;
	}
	gpuvm__fetch_sub(&vm->queued, weights, relaxed);
	if (!GPUVM_PLANT(vm_put_early))
		gpuvm__kref_put_some(&vm->ref, n);
	return n;
}

size_t gpuvm_bo_deferred_cleanup(struct gpuvm_vm *vm, size_t max)
{
	struct gpuvm_bo *zombies;
	size_t n = 0;

	for (;;) {
		gpuvm__mutex_lock(&vm->cleanup_lock, GPUVM__LOCK_CLEANUP);
		zombies = take_zombies(vm, max ? max - n : 0);
		forget_all(vm, zombies);
		gpuvm__mutex_unlock(&vm->cleanup_lock);
		if (!zombies)
			break;
		n += destroy_all(vm, zombies);
		if (max && n >= max)
			break;
	}
	return n;
}

struct gpuvm_vm *gpuvm_bo_vm(struct gpuvm_bo *bo)
{
	return bo->vm;
}

struct gpuvm_gem *gpuvm_bo_gem(struct gpuvm_bo *bo)
{
	return bo->gem;
}

void *gpuvm_bo_data(struct gpuvm_bo *bo)
{
	return data_of(bo);
}
