/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * va.c - mappings: allocated, resident, removed; the sections in which they are looked at and changed.
 */
#include "alloc/alloc.h"
#include "list/list.h"
#include "ref/ref.h"
#include "space/space.h"

/* ---- life ---- */

static struct gpuvm_va *va_of(struct gpuvm_va_alloc *alloc)
{
	struct gpuvm_va *va = (struct gpuvm_va *)alloc;

	gpuvm__state_is(va, GPUVM__ALLOC);
	return va;
}

static const struct gpuvm_va *removed_of(const struct gpuvm_va_removed *removed)
{
	const struct gpuvm_va *va = (const struct gpuvm_va *)removed;

	gpuvm__state_is(va, GPUVM__REMOVED);
	return va;
}

static void *data_of(const struct gpuvm_va *va)
{
	return va->data_offset ? (char *)va + va->data_offset : NULL;
}

/* A block of 128 bytes for glibc (8 are its own) as for jemalloc: see struct gpuvm_va. */
#define MIN_SIZE 120

/* Of a VM's mappings: how long each is, and where in it the driver's data begin (0: none). */
static inline size_t size_of(const struct gpuvm_vm *vm, size_t *data)
{
	size_t at = offsetof(struct gpuvm_va, space_state) + vm->space->va_bytes, size;

	*data = vm->driver->va_data ? gpuvm__align(at, 16) : 0;
	size = *data ? *data + vm->driver->va_data : at;
	return size < MIN_SIZE ? MIN_SIZE : size;
}

/* Most of it is filled in when it gets its place: of the three that a map prepares, one does. */
static inline struct gpuvm_va_alloc *init(struct gpuvm_va *va, struct gpuvm_vm *vm, size_t data)
{
	va->vm = vm;
	va->retire = false;
	va->data_offset = (uint16_t)data;
	if (data)
		memset((char *)va + data, 0, vm->driver->va_data);
	gpuvm__state_set(va, GPUVM__ALLOC);
	return (struct gpuvm_va_alloc *)va;
}

struct gpuvm_va_alloc *gpuvm_va_alloc_create(struct gpuvm_vm *vm)
{
	size_t data, size = size_of(vm, &data);
	struct gpuvm_va *va = gpuvm__obj_alloc_raw(vm->dev->alloc, GPUVM_TYPE_VA, size, 16);

	return va ? init(va, vm, data) : NULL;
}

void gpuvm_va_alloc_destroy(struct gpuvm_va_alloc *alloc)
{
	if (alloc)
		gpuvm__obj_free(va_of(alloc));
}

int gpuvm__va_prepare(struct gpuvm_vm *vm, struct gpuvm_va_alloc **slot, unsigned int n)
{
	const struct gpuvm__alloc_ops *alloc = vm->dev->alloc;
	size_t data, size = size_of(vm, &data);
	struct gpuvm__obj *kept = alloc->unstow ? alloc->unstow(size, 16, n) : NULL, *first = kept;
	struct gpuvm_va *va;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < n && !ret; i++) {
		if (slot[i]) {
			ret = gpuvm__va_is_for(slot[i], vm) ? 0 : -EINVAL;
			continue;
		}
		va = kept ? gpuvm__obj_of_kept(&kept) : gpuvm__obj_alloc_raw(alloc, GPUVM_TYPE_VA, size, 16);
		if (unlikely(!va))
			ret = -ENOMEM;
		else
			slot[i] = init(va, vm, data);
	}
	gpuvm__kept_end(alloc, first, kept);
	return ret;
}

/* Whose allocator keeps nothing gets them one by one. A stock is of one size: slots may be filled by hand, for several VMs. */
void gpuvm__va_release(struct gpuvm_va_alloc **slot, unsigned int n)
{
	struct gpuvm__obj *unused = NULL;
	struct gpuvm_va *va;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!slot[i])
			continue;
		va = va_of(slot[i]);
		slot[i] = NULL;
		if (va->obj.home->ops->stow) {
			if (unlikely(unused && unused->size != va->obj.size))
				gpuvm__stock_give(&unused);
			gpuvm__state_set(va, GPUVM__DEAD);
			gpuvm__stock_push(&unused, &va->obj);
		} else {
			gpuvm__obj_free(va);
		}
	}
	gpuvm__stock_give(&unused);
}

void *gpuvm_va_alloc_data(struct gpuvm_va_alloc *alloc)
{
	return data_of(va_of(alloc));
}

void *gpuvm_va_removed_data(struct gpuvm_va_removed *va)
{
	return data_of(removed_of(va));
}

uint64_t gpuvm_va_removed_addr(const struct gpuvm_va_removed *va)
{
	return removed_of(va)->start;
}

uint64_t gpuvm_va_removed_range(const struct gpuvm_va_removed *va)
{
	return removed_of(va)->end - removed_of(va)->start;
}

struct gpuvm_va_removed *gpuvm_va_removed_pop(struct gpuvm_va_removed **chain)
{
	struct gpuvm_va *va = (struct gpuvm_va *)*chain;

	if (va)
		*chain = (struct gpuvm_va_removed *)va->obj.chain;
	return (struct gpuvm_va_removed *)va;
}

/* Its VM may be gone: va->retire says what va->vm can no longer be asked. */
void gpuvm_va_removed_free(struct gpuvm_va_removed *removed)
{
	struct gpuvm_va *va = (struct gpuvm_va *)removed;

	if (!va)
		return;
	gpuvm__state_is(va, GPUVM__REMOVED);
	gpuvm__state_set(va, GPUVM__DEAD);
	if (va->retire && !GPUVM_PLANT(va_without_grace))
		gpuvm__obj_retire(va);
	else
		gpuvm__obj_free(va);
}

/* ---- edits ---- */

int gpuvm__req_check(const struct gpuvm_vm *vm, const struct gpuvm_map_req *req)
{
	uint64_t end;

	if (!gpuvm_vm_range_valid(vm, req->addr, req->range))
		return -EINVAL;
	if (req->bo) {
		gpuvm__state_is(req->bo, GPUVM__LIVE);
		if (req->bo->vm != vm)
			return -EINVAL;
	}
	if (__builtin_add_overflow(req->offset, req->range, &end) || (req->offset & vm->page_mask))
		return -EINVAL;
	return 0;
}

int gpuvm__write_begin(struct gpuvm__cursor *c, struct gpuvm_vm *vm, uint64_t lo, uint64_t hi, enum gpuvm__grow grow,
		       struct gpuvm__obj **stock)
{
	c->vm = vm;
	c->lo = lo;
	c->hi = hi;
	c->edits = 1;
	c->grow = grow;
	c->stock = stock;
	return gpuvm__write_begin_at(c);
}

int gpuvm__write_begin_at(struct gpuvm__cursor *c)
{
	struct gpuvm_vm *vm = c->vm;
	int ret;

	c->write = true;
	c->right = false;
	ret = vm->space->begin(c);
	if (ret)
		return ret;
	/* gpuvm_vm_close() sets the mark before it excludes all writers: who comes after it sees it. */
	if (unlikely(gpuvm__load(&vm->closed, acquire)) && !GPUVM_PLANT(map_after_close)) {
		vm->space->end(c);
		return -ENOENT;
	}
	return 0;
}

/* Who closes the VM excludes all writers, from left to right: it waits for @left. */
bool gpuvm__write_begin_right(struct gpuvm__cursor *c, struct gpuvm__cursor *left)
{
	c->write = true;
	c->right = true;
	return c->vm->space->begin_right(c, left);
}

void gpuvm__write_end(struct gpuvm__cursor *c)
{
	c->vm->space->end(c);
}

struct gpuvm_va *gpuvm__va_fill(struct gpuvm_va_alloc *alloc, const struct gpuvm_map_req *req)
{
	struct gpuvm_va *va = va_of(alloc);

	va->start = req->addr;
	atomic_init(&va->end, req->addr + (GPUVM_PLANT(length_32_bits) ? (uint32_t)req->range : req->range));
	va->offset = req->offset;
	va->bo = req->bo;
	va->gem = req->bo ? req->bo->gem : NULL;
	atomic_init(&va->flags, req->flags);
	return va;
}

/* Before the mapping is published: who finds it finds its bo pinned (I4). */
static void link_va(struct gpuvm_va *va)
{
	struct gpuvm_bo *bo = va->bo;

	gpuvm__state_set(va, GPUVM__LIVE);
	if (!bo)
		return;
	gpuvm_bo_get(bo);
	gpuvm__list_guarded(bo->gem);
	bo->list->va_lock(bo);
	gpuvm__node_add_tail(&va->link, &bo->vas);
	bo->list->va_unlock(bo);
}

/*
 * After it is out of the index. Its reference to the bo stays until gpuvm__put_bos(); the bo's memory, if this was its last
 * user, outlives the readers that still see it.
 */
static void unlink_va(struct gpuvm_va *va)
{
	struct gpuvm_bo *bo = va->bo;

	gpuvm__state_is(va, GPUVM__LIVE);
	gpuvm__state_set(va, GPUVM__REMOVED);
	va->retire = va->vm->space->rcu;
	if (!bo)
		return;
	gpuvm__list_guarded(bo->gem);
	if (GPUVM_PLANT(unlink_without_lock)) {
		gpuvm__node_del(&va->link);
		return;
	}
	bo->list->va_lock(bo);
	gpuvm__node_del(&va->link);
	bo->list->va_unlock(bo);
}

/*
 * A put may be the last one, take a list's lock and, with list:percpu_rwsem, wait for a grace period; a writer of another
 * part of the space may be in a read section, waiting for a lock of ours. So: not inside the section.
 */
void gpuvm__put_bos(struct gpuvm_va_removed *first, const struct gpuvm_va_removed *old)
{
	struct gpuvm_va *va = (struct gpuvm_va *)first;

	for (; va != (const struct gpuvm_va *)old; va = va->obj.chain)
		if (va->bo && !(GPUVM_PLANT(unmap_skips_put) && va->obj.chain))
			gpuvm__bo_put_mode(va->bo);
}

void gpuvm__commit(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
		   struct gpuvm_va_removed **removed)
{
	struct gpuvm_va *old = (struct gpuvm_va *)*removed, *first = old, *va;
	unsigned int i;

	GPUVM__BUG_ON(n && c->grow == GPUVM__SHRINKS);
	/* One that stays is linked, and stays so. */
	for (i = gpuvm__shrinks_first(lo, in, n); i < n; i++) {
		link_va(in[i]);
		if (GPUVM_PLANT(right_piece_unlinked) && i && i == n - 1 && in[i]->bo)
			gpuvm__node_del(&in[i]->link);
	}
	c->vm->space->splice(c, lo, hi, in, n, &first);
	for (va = first; va != old; va = va->obj.chain) {
		gpuvm__va_prefetch(va->obj.chain);
		unlink_va(va);
	}
	*removed = (struct gpuvm_va_removed *)first;
}

int gpuvm_va_insert(struct gpuvm_vm *vm, struct gpuvm_va_alloc *alloc, const struct gpuvm_map_req *req)
{
	struct gpuvm_va_removed *removed = NULL;
	struct gpuvm__cursor c;
	struct gpuvm_va *va;
	int ret;

	ret = gpuvm__req_check(vm, req);
	if (ret)
		return ret;
	if (!gpuvm__va_is_for(alloc, vm))
		return -EINVAL;
	ret = gpuvm__write_begin(&c, vm, req->addr, req->addr + req->range, GPUVM__FILLS, NULL);
	if (ret)
		return ret;
	if (vm->space->next(&c, c.lo)) {
		ret = -EEXIST;
		if (GPUVM_PLANT(eexist_keeps_lock))
			return ret;
	} else {
		va = gpuvm__va_fill(alloc, req);
		gpuvm__commit(&c, c.lo, c.hi, &va, 1, &removed);
	}
	gpuvm__write_end(&c);
	return ret;
}

int gpuvm_va_remove(struct gpuvm_vm *vm, uint64_t addr, uint64_t range, struct gpuvm_va_removed **out)
{
	struct gpuvm__cursor c;
	struct gpuvm_va *va;
	int ret;

	*out = NULL;
	if (!gpuvm_vm_range_valid(vm, addr, range))
		return -ENOENT;
	ret = gpuvm__write_begin(&c, vm, addr, addr + range, GPUVM__SHRINKS, NULL);
	if (ret)
		return ret;
	va = vm->space->next(&c, addr);
	if (va && va->start == c.lo && va->end == c.hi)
		gpuvm__commit(&c, c.lo, c.hi, NULL, 0, out);
	else
		ret = -ENOENT;
	gpuvm__write_end(&c);
	gpuvm__put_bos(*out, NULL);
	return ret;
}

size_t gpuvm_bo_mappings(struct gpuvm_bo *bo, struct gpuvm_mapping *buf, size_t count)
{
	struct gpuvm__node *pos;
	size_t n = 0;

	gpuvm__state_is(bo, GPUVM__LIVE);
	gpuvm__list_guarded(bo->gem);
	bo->list->va_lock(bo);
	gpuvm__for_each_node(pos, &bo->vas) {
		if (n < count)
			gpuvm__mapping_copy(container_of(pos, struct gpuvm_va, link), &buf[n]);
		n++;
	}
	if (GPUVM_PLANT(abba)) /* the list's lock comes before the mappings' */
		gpuvm__bo_put_mode(bo->list->next(bo->gem, NULL));
	bo->list->va_unlock(bo);
	return n;
}

/* ---- looking ---- */

bool gpuvm_lookup(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out)
{
	return addr != UINT64_MAX && vm->space->lookup(vm, addr, out);
}

static struct gpuvm__cursor *cursor_of(struct gpuvm_reader *r)
{
	return (struct gpuvm__cursor *)r;
}

void gpuvm_read_begin(struct gpuvm_vm *vm, struct gpuvm_reader *r)
{
	struct gpuvm__cursor *c = cursor_of(r);
	int ret;

	*c = (struct gpuvm__cursor){ .vm = vm, .lo = vm->start, .hi = vm->end };
	ret = vm->space->begin(c);
	GPUVM__BUG_ON(ret); /* only writers may need memory */
	(void)ret;
}

void gpuvm_read_end(struct gpuvm_reader *r)
{
	r->vm->space->end(cursor_of(r));
}

/* The lowest in [addr, addr + range), which becomes what gpuvm_va_next() goes on in. */
struct gpuvm_va *gpuvm_va_first(struct gpuvm_reader *r, uint64_t addr, uint64_t range)
{
	struct gpuvm__cursor *c = cursor_of(r);
	uint64_t hi;

	if (__builtin_add_overflow(addr, range, &hi))
		hi = UINT64_MAX;
	c->hi = hi < r->vm->end ? hi : r->vm->end;
	return addr < c->hi ? r->vm->space->next(c, addr) : NULL;
}

/* The same question without disturbing an iteration. */
struct gpuvm_va *gpuvm_va_find_first(struct gpuvm_reader *r, uint64_t addr, uint64_t range)
{
	struct gpuvm__cursor *c = cursor_of(r);
	uint64_t hi = c->hi;
	struct gpuvm_va *va = gpuvm_va_first(r, addr, range);

	c->hi = hi;
	return va;
}

struct gpuvm_va *gpuvm_va_find(struct gpuvm_reader *r, uint64_t addr, uint64_t range)
{
	struct gpuvm_va *va = gpuvm_va_find_first(r, addr, range);

	return va && va->start == addr && va->end - va->start == range ? va : NULL;
}

struct gpuvm_va *gpuvm_va_find_prev(struct gpuvm_reader *r, uint64_t start)
{
	struct gpuvm_va *va;
	uint64_t end;

	do { /* once more, if it was cut meanwhile (S7) */
		va = start ? gpuvm_va_find_first(r, start - 1, 1) : NULL;
		end = va ? va->end : 0;
	} while (va && end < start);
	return va && end == start ? va : NULL;
}

struct gpuvm_va *gpuvm_va_find_next(struct gpuvm_reader *r, uint64_t end)
{
	struct gpuvm_va *va = gpuvm_va_find_first(r, end, 1);

	return va && va->start == end ? va : NULL;
}

struct gpuvm_va *gpuvm_va_next(struct gpuvm_reader *r, const struct gpuvm_va *va)
{
	struct gpuvm__cursor *c = cursor_of(r);

	return va->end < c->hi ? r->vm->space->next(c, va->end) : NULL;
}

uint64_t gpuvm_va_addr(const struct gpuvm_va *va)
{
	return va->start;
}

uint64_t gpuvm_va_range(const struct gpuvm_va *va)
{
	return va->end - va->start;
}

uint64_t gpuvm_va_offset(const struct gpuvm_va *va)
{
	return va->offset;
}

uint32_t gpuvm_va_flags(const struct gpuvm_va *va)
{
	return gpuvm__load(&((struct gpuvm_va *)va)->flags, relaxed);
}

struct gpuvm_bo *gpuvm_va_bo(const struct gpuvm_va *va)
{
	return va->bo;
}

struct gpuvm_gem *gpuvm_va_gem(const struct gpuvm_va *va)
{
	return va->gem;
}

void *gpuvm_va_data(struct gpuvm_va *va)
{
	return data_of(va);
}

void gpuvm_va_invalidate(struct gpuvm_va *va, bool invalidate)
{
	if (invalidate)
		gpuvm__fetch_or(&va->flags, GPUVM_VA_INVALIDATED, relaxed);
	else
		gpuvm__fetch_and(&va->flags, ~GPUVM_VA_INVALIDATED, relaxed);
}
