/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm.c - VMs: what they are made of, which ranges they have, how they end.
 */
#include "space/space.h"

static const struct gpuvm_driver no_driver;

/* [a, a + r) as [*lo, *hi); false if it wraps. */
static bool range_end(uint64_t addr, uint64_t range, uint64_t *hi)
{
	return !__builtin_add_overflow(addr, range, hi);
}

static bool params_valid(const struct gpuvm_vm_params *p)
{
	uint64_t page = p->page_size ? p->page_size : 1, end, reserve_end;

	if (p->flags & ~(GPUVM_VM_RESV_PROTECTED | GPUVM_VM_IMMEDIATE))
		return false;
	if (p->range == 0 || !range_end(p->start, p->range, &end))
		return false;
	if (page & (page - 1))
		return false;
	if ((p->start | p->range | p->reserve_start | p->reserve_range) & (page - 1))
		return false;
	if (p->reserve_range == 0)
		return true;
	return range_end(p->reserve_start, p->reserve_range, &reserve_end) && p->reserve_start >= p->start &&
	       reserve_end <= end;
}

static size_t data_offset(const struct gpuvm_device *dev)
{
	return gpuvm__align(offsetof(struct gpuvm_vm, space_state) + dev->space->vm_bytes, GPUVM__LINE);
}

static void set_params(struct gpuvm_vm *vm, const struct gpuvm_vm_params *p)
{
	vm->start = p->start;
	vm->end = p->start + p->range;
	vm->reserve_start = p->reserve_range ? p->reserve_start : 0;
	vm->reserve_end = p->reserve_range ? p->reserve_start + p->reserve_range : 0;
	vm->page_mask = p->page_size ? p->page_size - 1 : 0;
	vm->flags = p->flags;
	vm->driver = p->driver ? p->driver : &no_driver;
	if (p->name)
		strncpy(vm->name, p->name, sizeof(vm->name) - 1);
}

static void init_lists(struct gpuvm_vm *vm)
{
	gpuvm__kref_init(&vm->ref);
	gpuvm__mutex_init(&vm->cleanup_lock);
	gpuvm__spin_init(&vm->extobj_lock);
	gpuvm__node_init(&vm->extobj);
	gpuvm__spin_init(&vm->evict_lock);
	gpuvm__node_init(&vm->evict);
	gpuvm__resv_init(&vm->resv);
}

int gpuvm_vm_create(struct gpuvm_device *dev, const struct gpuvm_vm_params *params, struct gpuvm_vm **out)
{
	size_t at = data_offset(dev), data_size = params->driver ? params->driver->vm_data : 0;
	struct gpuvm_vm *vm;
	int ret;

	if (!params_valid(params))
		return -EINVAL;
	vm = gpuvm__obj_alloc(dev->alloc, GPUVM_TYPE_VM, at + data_size, GPUVM__LINE);
	if (!vm)
		return -ENOMEM;
	set_params(vm, params);
	init_lists(vm);
	vm->space = dev->space;
	vm->data = data_size ? (char *)vm + at : NULL;
	vm->dev = dev; /* the index comes from its allocator */
	ret = vm->space->init(vm);
	if (ret) {
		gpuvm__obj_free(vm);
		return ret;
	}
	gpuvm_device_get(dev);
	*out = vm;
	return 0;
}

struct gpuvm_vm *gpuvm_vm_get(struct gpuvm_vm *vm)
{
	gpuvm__kref_get(&vm->ref);
	return vm;
}

/* In one pass: each of thousands is cold again by the next. And the next one comes while this one goes. */
static void drop_removed(struct gpuvm_va_removed *removed)
{
	struct gpuvm_va_removed *va;

	while ((va = gpuvm_va_removed_pop(&removed))) {
		gpuvm__va_prefetch(removed);
		gpuvm__put_bos(va, removed);
		gpuvm_va_removed_free(va);
	}
}

/* A VM that dies with sparse mappings in it (nothing pins it for them): give them back. */
static void drop_leftovers(struct gpuvm_vm *vm)
{
	struct gpuvm_va_removed *removed = NULL;
	struct gpuvm__cursor c = { .vm = vm, .lo = vm->start, .hi = vm->end, .write = true };

	if (vm->space->begin(&c))
		return;
	gpuvm__commit(&c, vm->start, vm->end, NULL, 0, &removed);
	vm->space->end(&c);
	drop_removed(removed);
}

void gpuvm_vm_put(struct gpuvm_vm *vm)
{
	struct gpuvm_device *dev;

	if (!vm || !gpuvm__kref_put(&vm->ref))
		return;
	drop_leftovers(vm);
	GPUVM__BUG_ON(!gpuvm__node_alone(&vm->extobj) || !gpuvm__node_alone(&vm->evict));
	GPUVM__BUG_ON(vm->rest || gpuvm__load(&vm->deferred, relaxed));
	if (vm->driver->vm_free)
		vm->driver->vm_free(vm);
	dev = vm->dev;
	vm->space->fini(vm);
	gpuvm__resv_fini(&vm->resv);
	gpuvm__mutex_fini(&vm->cleanup_lock);
	gpuvm__obj_drop(dev, vm);
	gpuvm_device_put(dev);
}

/* Tell the driver of each mapping and take them all out; how many there were. */
static size_t unmap_all(struct gpuvm_vm *vm, void *priv)
{
	struct gpuvm_va_removed *removed = NULL;
	struct gpuvm__cursor c = { .vm = vm, .lo = vm->start, .hi = vm->end, .write = true };
	struct gpuvm_op op = { .type = GPUVM_OP_UNMAP, .vm = vm };
	struct gpuvm_va *va;
	size_t n = 0;

	if (vm->space->begin(&c))
		return 0;
	for (va = vm->space->next(&c, vm->start); va; va = vm->space->next(&c, va->end)) {
		op.unmap.va = va;
		if (vm->driver->sm_step_unmap)
			(void)vm->driver->sm_step_unmap(&op, priv);
		n++;
	}
	gpuvm__commit(&c, vm->start, vm->end, NULL, 0, &removed);
	vm->space->end(&c);
	drop_removed(removed);
	return n;
}

/* Staged mode: the reservations that unlinking needs. Out of memory: wait for some, closing must succeed. */
static struct gpuvm_exec *lock_for_close(struct gpuvm_vm *vm)
{
	struct gpuvm_exec *exec;

	if (gpuvm__vm_immediate(vm))
		return NULL;
	while (!(exec = gpuvm_exec_create(vm)))
		gpuvm__yield();
	while (gpuvm__exec_lock_everything(exec))
		gpuvm__yield();
	return exec;
}

size_t gpuvm_vm_close(struct gpuvm_vm *vm, void *priv)
{
	struct gpuvm_exec *exec;
	size_t n, forgotten;

	gpuvm__store(&vm->closed, true, release);
	forgotten = gpuvm_bo_deferred_cleanup(vm, 0);
	gpuvm__count_n(GPUVM_STAT_FORGOTTEN, forgotten);
	exec = lock_for_close(vm);
	n = unmap_all(vm, priv);
	gpuvm_exec_destroy(exec);
	gpuvm_bo_deferred_cleanup(vm, 0);
	return n;
}

void *gpuvm_vm_data(struct gpuvm_vm *vm)
{
	return vm->data;
}

const char *gpuvm_vm_name(const struct gpuvm_vm *vm)
{
	return vm->name;
}

struct gpuvm_resv *gpuvm_vm_resv(struct gpuvm_vm *vm)
{
	return &vm->resv;
}

bool gpuvm_vm_resv_protected(const struct gpuvm_vm *vm)
{
	return gpuvm__vm_resv_protected(vm);
}

bool gpuvm_vm_immediate(const struct gpuvm_vm *vm)
{
	return gpuvm__vm_immediate(vm);
}

bool gpuvm_vm_is_extobj(const struct gpuvm_vm *vm, const struct gpuvm_gem *gem)
{
	return gem && gem->resv != &vm->resv;
}

bool gpuvm_vm_range_valid(const struct gpuvm_vm *vm, uint64_t addr, uint64_t range)
{
	uint64_t hi;

	if (GPUVM_PLANT(range_wraps))
		return range && !((addr | range) & vm->page_mask) && addr >= vm->start && addr + range <= vm->end;
	if ((range == 0 && !GPUVM_PLANT(zero_range)) || !range_end(addr, range, &hi) || ((addr | range) & vm->page_mask))
		return false;
	if (addr < vm->start || hi > vm->end)
		return false;
	return hi <= vm->reserve_start || addr >= vm->reserve_end;
}

bool gpuvm_vm_interval_empty(struct gpuvm_vm *vm, uint64_t addr, uint64_t range)
{
	struct gpuvm_reader r;
	bool empty;

	if (!gpuvm_vm_range_valid(vm, addr, range))
		return false;
	gpuvm_read_begin(vm, &r);
	empty = !gpuvm_va_find_first(&r, addr, range);
	gpuvm_read_end(&r);
	return empty;
}

size_t gpuvm_vm_mappings(struct gpuvm_vm *vm)
{
	struct gpuvm_reader r;
	struct gpuvm_va *va;
	size_t n = 0;

	gpuvm_read_begin(vm, &r);
	for (va = gpuvm_va_first(&r, vm->start, vm->end - vm->start); va; va = gpuvm_va_next(&r, va))
		n++;
	gpuvm_read_end(&r);
	return n;
}

size_t gpuvm_vm_index_bytes(struct gpuvm_vm *vm)
{
	return vm->space->index_bytes(vm);
}
