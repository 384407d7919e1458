/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * exec.c - acquire contexts: lock many reservations without deadlock, walk the extobj and evict lists.
 *
 * Wait-die (resv.c): on -EDEADLK the walk ends, everything is unlocked, the contended reservation is waited for alone and
 * kept, and the walk starts over; the ticket stays, so a context only grows older and gets through in the end. Unlocking
 * comes after the walk has put its list back: while entries are on a walker's local list, the VM's reservation must be
 * held, or another submission walks a list that lacks them (gpuvm-stress's evict_storm found just that).
 *
 * Without RESV_PROTECTED the lists are walked with upstream's local-list trick: each entry is moved to a list of the
 * walker's under the spinlock and used without it, with a reference; at the end the list goes back. One walker per list
 * at a time (upstream's rule too): the VM's reservation, held throughout, sees to that.
 */
#include "ref/ref.h"
#include "space/space.h"

struct locked {
	struct gpuvm_resv *resv;
	struct gpuvm_gem *gem; /* pinned; NULL: the VM's own */
};

struct gpuvm_exec {
	struct gpuvm__obj obj;
	struct gpuvm_vm *vm; /* pinned */
	uint64_t ticket;
	unsigned int nr, room;
	struct locked_array *array;
	struct locked contended; /* after -EDEADLK, until back_off() */
	struct gpuvm_bo *contended_bo; /* the walk's reference, to be put with the reservation held */
	uint64_t backoffs;
};

struct locked_array {
	struct gpuvm__obj obj;
	struct locked at[];
};

static _Atomic uint64_t last_ticket;

struct gpuvm_exec *gpuvm_exec_create(struct gpuvm_vm *vm)
{
	struct gpuvm_exec *exec = gpuvm__obj_alloc(vm->dev->alloc, GPUVM_TYPE_EXEC, sizeof(*exec), 16);

	if (!exec)
		return NULL;
	exec->vm = gpuvm_vm_get(vm);
	exec->ticket = gpuvm__fetch_add(&last_ticket, 1, relaxed) + 1;
	return exec;
}

static void unlock_all(struct gpuvm_exec *exec)
{
	while (exec->nr) {
		struct locked *l = &exec->array->at[--exec->nr];

		gpuvm_resv_unlock(l->resv);
		gpuvm_gem_put(l->gem);
	}
}

void gpuvm_exec_destroy(struct gpuvm_exec *exec)
{
	struct gpuvm_vm *vm;

	if (!exec)
		return;
	vm = exec->vm;
	unlock_all(exec);
	if (exec->array)
		gpuvm__obj_free(exec->array);
	gpuvm__obj_free(exec);
	gpuvm_vm_put(vm);
}

/* Room for one more, before it is locked. Doubles (upstream grows by a page each time: quadratic copying). */
static int make_room(struct gpuvm_exec *exec)
{
	unsigned int room = exec->room ? 2 * exec->room : 16;
	struct locked_array *a;

	if (exec->nr < exec->room)
		return 0;
	a = gpuvm__obj_alloc(exec->vm->dev->alloc, GPUVM_TYPE_EXEC, sizeof(*a) + room * sizeof(a->at[0]), 16);
	if (!a)
		return -ENOMEM;
	if (exec->array) {
		memcpy(a->at, exec->array->at, exec->nr * sizeof(a->at[0]));
		gpuvm__obj_free(exec->array);
	}
	exec->array = a;
	exec->room = room;
	return 0;
}

static void note_locked(struct gpuvm_exec *exec, struct gpuvm_resv *resv, struct gpuvm_gem *gem)
{
	exec->array->at[exec->nr++] = (struct locked){ resv, gem ? gpuvm_gem_get(gem) : NULL };
}

/* Lock one more. 0; -ENOMEM; -EDEADLK: back_off() and start over. */
static int lock_one(struct gpuvm_exec *exec, struct gpuvm_resv *resv, struct gpuvm_gem *gem)
{
	int ret = make_room(exec);

	if (ret)
		return ret;
	ret = gpuvm__resv_lock_ticket(resv, exec->ticket, exec->nr > 0);
	if (ret == -EALREADY)
		return 0;
	if (ret == -EDEADLK)
		exec->contended = (struct locked){ resv, gem ? gpuvm_gem_get(gem) : NULL };
	else
		note_locked(exec, resv, gem);
	return ret;
}

/* Unlock everything, wait for the contended reservation alone and keep it. */
static void back_off(struct gpuvm_exec *exec)
{
	struct locked c = exec->contended;

	unlock_all(exec);
	exec->backoffs++;
	gpuvm__count(RESV_BACKOFF);
	(void)gpuvm__resv_lock_ticket(c.resv, exec->ticket, false); /* holds nothing: waits */
	note_locked(exec, c.resv, c.gem);
	gpuvm_gem_put(c.gem);
	if (exec->contended_bo)
		gpuvm__bo_put_mode(exec->contended_bo);
	exec->contended_bo = NULL;
}

/* A walk that ended with an error: give back the reference it could not put. */
static void put_contended(struct gpuvm_exec *exec)
{
	struct gpuvm_bo *bo = exec->contended_bo;
	struct gpuvm_gem *gem;

	if (!bo)
		return;
	exec->contended_bo = NULL;
	gem = gpuvm_gem_get(bo->gem);
	gpuvm_resv_lock(gem->resv);
	gpuvm__bo_put_mode(bo);
	gpuvm_resv_unlock(gem->resv);
	gpuvm_gem_put(gem);
}

static int lock_gem(struct gpuvm_exec *exec, struct gpuvm_gem *gem)
{
	return lock_one(exec, gem->resv, gem);
}

int gpuvm_exec_lock_gem(struct gpuvm_exec *exec, struct gpuvm_gem *gem)
{
	int ret = lock_gem(exec, gem);

	if (ret == -EDEADLK)
		back_off(exec);
	return ret;
}

/* Call @once, which locks everything, until no back-off breaks it. */
static int until_all_locked(struct gpuvm_exec *exec, int (*once)(struct gpuvm_exec *exec, void *arg), void *arg)
{
	int ret;

	while ((ret = once(exec, arg)) == -EDEADLK)
		back_off(exec);
	if (ret) {
		unlock_all(exec);
		put_contended(exec);
	}
	return ret;
}

/* ---- extobj and evict lists ---- */

static bool alive(struct gpuvm_bo *bo)
{
	return bo->ref_ops->alive(bo);
}

static int prepare_extobjs_plain(struct gpuvm_exec *exec)
{
	struct gpuvm_vm *vm = exec->vm;
	struct gpuvm__node *pos;
	struct gpuvm_bo *bo;
	int ret;

	gpuvm__for_each_node(pos, &vm->extobj) {
		bo = container_of(pos, struct gpuvm_bo, extobj);
		if (!alive(bo) && !GPUVM_PLANT(submit_locks_zombies))
			continue; /* a zombie; cleanup needs the reservation we hold, so it stays readable */
		ret = lock_gem(exec, bo->gem);
		if (ret)
			return ret;
		if (gpuvm__load(&bo->evicted, relaxed) && gpuvm__node_alone(&bo->evict))
			gpuvm__node_add_tail(&bo->evict, &vm->evict);
	}
	return 0;
}

/* Which of a VM's two lists, and the entry in the bo; @held: only what this context has locked. */
struct vm_list {
	struct gpuvm__spin *lock;
	struct gpuvm__node *head;
	size_t entry;
	bool held;
};

/* The local-list trick: move the next live bo to @local, with a reference; the dead leave the list. */
static struct gpuvm_bo *local_list_next(struct gpuvm_exec *exec, const struct vm_list *l, struct gpuvm__node *local)
{
	struct gpuvm_bo *bo = NULL;

	gpuvm__spin_lock(l->lock, GPUVM__LOCK_EXTOBJ);
	while (!bo && !gpuvm__node_alone(l->head)) {
		struct gpuvm__node *n = l->head->next;
		struct gpuvm_bo *at = (struct gpuvm_bo *)((char *)n - l->entry);
		bool passed_by = l->held && !gpuvm_exec_holds(exec, at->gem);

		gpuvm__node_del(n);
		if (!passed_by && at->ref_ops->tryget(at))
			bo = at;
		if (bo || passed_by)
			gpuvm__node_add_tail(n, local);
	}
	gpuvm__spin_unlock(l->lock);
	return bo;
}

static void local_list_restore(const struct vm_list *l, struct gpuvm__node *local)
{
	gpuvm__spin_lock(l->lock, GPUVM__LOCK_EXTOBJ);
	if (!GPUVM_PLANT(local_list_lost))
		gpuvm__node_splice_tail(local, l->head);
	gpuvm__spin_unlock(l->lock);
}

/* @fn for each live bo of the list, with a reference and without the spinlock. */
static int local_list_walk(struct gpuvm_exec *exec, const struct vm_list *l,
			   int (*fn)(struct gpuvm_exec *exec, struct gpuvm_bo *bo, void *arg), void *arg)
{
	struct gpuvm__node local;
	struct gpuvm_bo *bo;
	int ret = 0;

	gpuvm__node_init(&local);
	while (!ret && (bo = local_list_next(exec, l, &local))) {
		ret = fn(exec, bo, arg);
		/* In staged mode a put wants its reservation: fn locked it, or put_contended() will. */
		if (ret && !gpuvm_exec_holds(exec, bo->gem))
			exec->contended_bo = bo;
		else
			gpuvm__bo_put_mode(bo);
	}
	local_list_restore(l, &local);
	return ret;
}

static int prepare_one(struct gpuvm_exec *exec, struct gpuvm_bo *bo, void *arg)
{
	return lock_gem(exec, bo->gem);
}

static int lock_vm_and_extobjs(struct gpuvm_exec *exec, void *arg)
{
	struct gpuvm_vm *vm = exec->vm;
	const struct vm_list extobjs = { &vm->extobj_lock, &vm->extobj, offsetof(struct gpuvm_bo, extobj), .held = false };
	int ret = lock_one(exec, &vm->resv, NULL);

	if (ret)
		return ret;
	if (gpuvm__vm_resv_protected(vm))
		return prepare_extobjs_plain(exec);
	return local_list_walk(exec, &extobjs, prepare_one, NULL);
}

int gpuvm_exec_lock(struct gpuvm_exec *exec)
{
	return until_all_locked(exec, lock_vm_and_extobjs, NULL);
}

/* ---- ranges ---- */

struct range {
	uint64_t addr, range;
	bool vm_too;
};

struct gem_array {
	struct gpuvm__obj obj;
	struct gpuvm_gem *at[];
};

/* Collect up to @room of the range's objects, each with a reference; how many mappings with an object there are. */
static size_t collect_gems(struct gpuvm_vm *vm, const struct range *r, struct gpuvm_gem **at, size_t room, size_t *got)
{
	struct gpuvm_reader reader;
	struct gpuvm_va *va;
	size_t seen = 0;

	*got = 0;
	gpuvm_read_begin(vm, &reader);
	for (va = gpuvm_va_first(&reader, r->addr, r->range); va; va = gpuvm_va_next(&reader, va)) {
		if (!va->bo)
			continue;
		seen++;
		/* With RCU readers the object may be on its way out; then there is nothing left to lock. */
		if (*got < room && gpuvm__kref_tryget(&va->bo->gem->ref))
			at[(*got)++] = va->bo->gem;
	}
	gpuvm_read_end(&reader);
	return seen;
}

static void put_gems(struct gem_array *a, size_t n)
{
	while (n)
		gpuvm_gem_put(a->at[--n]);
	gpuvm__obj_free(a);
}

/* The range's objects, in an array of its own. */
static int range_gems(struct gpuvm_vm *vm, const struct range *r, struct gem_array **out, size_t *n)
{
	size_t room = 16, seen;
	struct gem_array *a;

	for (;;) {
		a = gpuvm__obj_alloc(vm->dev->alloc, GPUVM_TYPE_EXEC, sizeof(*a) + room * sizeof(a->at[0]), 16);
		if (!a)
			return -ENOMEM;
		seen = collect_gems(vm, r, a->at, room, n);
		if (seen <= room)
			break;
		put_gems(a, *n);
		room = seen + seen / 4;
	}
	*out = a;
	return 0;
}

static int lock_range_once(struct gpuvm_exec *exec, void *arg)
{
	const struct range *r = arg;
	struct gem_array *gems;
	size_t n, i;
	int ret = r->vm_too ? lock_one(exec, &exec->vm->resv, NULL) : 0;

	if (ret)
		return ret;
	ret = range_gems(exec->vm, r, &gems, &n);
	if (ret)
		return ret;
	for (i = 0; i < n && !ret; i++)
		ret = lock_gem(exec, gems->at[i]);
	put_gems(gems, n);
	return ret;
}

int gpuvm_exec_lock_range(struct gpuvm_exec *exec, uint64_t addr, uint64_t range)
{
	struct range r = { addr, range, false };

	if (!gpuvm_vm_range_valid(exec->vm, addr, range))
		return -EINVAL;
	return until_all_locked(exec, lock_range_once, &r);
}

int gpuvm__exec_lock_everything(struct gpuvm_exec *exec)
{
	struct range r = { exec->vm->start, exec->vm->end - exec->vm->start, true };

	return until_all_locked(exec, lock_range_once, &r);
}

/* ---- validation and fences ---- */

static int validate_one(struct gpuvm_exec *exec, struct gpuvm_bo *bo, void *priv)
{
	struct gpuvm_vm *vm = exec->vm;
	int ret;

	GPUVM__BUG_ON(!gpuvm_exec_holds(exec, bo->gem));
	ret = vm->driver->bo_validate(bo, priv);
	if (ret)
		return ret;
	if (GPUVM_PLANT(validate_keeps_entry))
		return 0;
	gpuvm__store(&bo->evicted, false, relaxed);
	if (!gpuvm__vm_resv_protected(vm))
		gpuvm__spin_lock(&vm->evict_lock, GPUVM__LOCK_EXTOBJ);
	gpuvm__node_del(&bo->evict);
	if (!gpuvm__vm_resv_protected(vm))
		gpuvm__spin_unlock(&vm->evict_lock);
	return 0;
}

static int validate_plain(struct gpuvm_exec *exec, void *priv)
{
	struct gpuvm__node *pos, *tmp;
	int ret = 0;

	gpuvm__for_each_node_safe(pos, tmp, &exec->vm->evict) {
		struct gpuvm_bo *bo = container_of(pos, struct gpuvm_bo, evict);

		if (alive(bo))
			ret = validate_one(exec, bo, priv);
		if (ret)
			break;
	}
	return ret;
}

int gpuvm_exec_validate(struct gpuvm_exec *exec, void *priv)
{
	struct gpuvm_vm *vm = exec->vm;
	/*
	 * A bo whose object this context does not hold is passed by: it was registered and evicted after gpuvm_exec_lock()
	 * had walked the external objects; this submission cannot use it, and its evictor may be at the mark right now.
	 */
	const struct vm_list evicted = { &vm->evict_lock, &vm->evict, offsetof(struct gpuvm_bo, evict), .held = true };

	if (!vm->driver->bo_validate)
		return -ENOTSUP;
	if (gpuvm__vm_resv_protected(vm))
		return validate_plain(exec, priv);
	return local_list_walk(exec, &evicted, validate_one, priv);
}

void gpuvm_exec_add_fence(struct gpuvm_exec *exec, uint64_t fence)
{
	unsigned int i;

	for (i = 0; i < exec->nr; i++) {
		struct gpuvm_resv *resv = exec->array->at[i].resv;

		if (gpuvm__load(&resv->fence, relaxed) < fence)
			gpuvm__store(&resv->fence, fence, release);
	}
}

bool gpuvm_exec_holds(const struct gpuvm_exec *exec, struct gpuvm_gem *gem)
{
	return gpuvm__resv_has_ticket(gem->resv, exec->ticket);
}

uint64_t gpuvm_exec_backoffs(const struct gpuvm_exec *exec)
{
	return exec->backoffs;
}
