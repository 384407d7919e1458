/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * objects.h - every structure of the core, and what always holds of it. One page; read it first.
 *
 * Invariants (cited by number everywhere):
 *
 *   I1  alloc   A struct gpuvm_bo_alloc has reference 1, is on no list and is seen by one thread.
 *   I2  live    A struct gpuvm_bo has reference >= 1 and is on its GEM's list. Per (vm, gem) at most one is live. (A put
 *               that is under way and may prove the last counts as a reference until it is decided: ref.h, R4.)
 *   I3  zombie  Reference 0, off the GEM's list, on its VM's deferred list; may stay on extobj and evict until cleanup.
 *               1 -> 0 and leaving the GEM's list are one critical section of the list.
 *   I4  pins    Every alloc, bo and zombie holds a reference to its vm and to its gem. Every mapping of an object holds
 *               one to its bo.
 *   I5  leaf    No allocation, no free and no driver callback under a GEM list's lock.
 *   I6  space   The mappings of a VM never overlap, lie inside it and outside its reserved range.
 *
 * Memory: what RCU readers can reach (bo, gem, va, index nodes) is retired, that is freed after a grace period, whenever
 * a strategy of the device has RCU readers (dev->rcu); else it is freed at once, as Linux does.
 */
#ifndef GPUVM_CORE_OBJECTS_H
#define GPUVM_CORE_OBJECTS_H

#include <gpuvm/gpuvm.h>

#include "dlist.h"
#include "sync.h"

struct gpuvm__list_ops;
struct gpuvm__space_ops;
struct gpuvm__ref_ops;
struct gpuvm__alloc_ops;

/* Life of a bo or va, kept and asserted in the debug build only. */
enum gpuvm__state {
	GPUVM__DEAD = 0, /* freed, or never initialised */
	GPUVM__ALLOC = 0xa110c,
	GPUVM__LIVE = 0x11fe,
	GPUVM__ZOMBIE = 0x20b1e,
	GPUVM__REMOVED = 0x4e30
};

#ifdef GPUVM_DEBUG
#define gpuvm__state_is(o, s) GPUVM__BUG_ON((o)->obj.state != (s))
#define gpuvm__state_set(o, s) ((o)->obj.state = (s))
#else
#define gpuvm__state_is(o, s) ((void)sizeof(o))
#define gpuvm__state_set(o, s) ((void)sizeof(o))
#endif

/* Where an object goes back to: an allocator, or the part of one (a thread's heap, say) that begins with this. Never freed. */
struct gpuvm__home {
	const struct gpuvm__alloc_ops *ops;
};

/* First member of everything that the core allocates. */
struct gpuvm__obj {
	const struct gpuvm__home *home; /* its allocator's word (A1) */
	uint32_t size; /* bytes, this header included */
	uint32_t type : 7; /* enum gpuvm_type */
	uint32_t line_aligned : 1;
	uint32_t state : 24; /* enum gpuvm__state */
	union {
		gpuvm__rcu_head rcu; /* after it is retired */
		struct gpuvm_va *chain; /* a removed va: the next of its chain */
		struct gpuvm_bo *defer; /* a zombie: the next of the deferred list */
		struct gpuvm__node listed; /* a live bo: list/chain.h's entry; beside vm, which a walk looks at too */
		struct {
			struct gpuvm__obj *stock; /* an index node in stock: the next one */
			size_t nr_stock; /* how many there are from here on; 0: nobody counted */
		};
	};
};

/* A count that nothing reads locklessly: devices, GEM objects, VMs. Never 0 -> 1. */
struct gpuvm__kref {
	_Atomic uint32_t n;
};

struct gpuvm_device {
	struct gpuvm__obj obj;
	struct gpuvm__kref ref;
	const struct gpuvm__list_ops *list;
	const struct gpuvm__space_ops *space;
	const struct gpuvm__ref_ops *ref_ops;
	const struct gpuvm__alloc_ops *alloc;
	bool rcu; /* a strategy has RCU readers: memory they can reach is retired */
	const char *names[GPUVM_AXIS_COUNT];
};

struct gpuvm_resv {
	struct gpuvm__mutex lock; /* guards the four below */
	struct gpuvm__cond released;
	bool held;
	uint64_t ticket; /* the holder's acquire context; 0: none */
	gpuvm__tid owner;
	unsigned int waiters;
	_Atomic uint64_t fence; /* highest fence; written by the holder */
};

enum gpuvm__gem_mode { GPUVM__MODE_UNSET, GPUVM__MODE_STAGED, GPUVM__MODE_IMMEDIATE };

struct gpuvm_gem {
	struct gpuvm__obj obj;
	const struct gpuvm__list_ops *list; /* dev->list, where the hit path finds it */
	_Atomic uint32_t mode; /* enum gpuvm__gem_mode: set by the first pair, the same for all */
	struct gpuvm__kref ref;
	struct gpuvm_device *dev; /* pinned */
	struct gpuvm_resv *resv; /* own_resv, or resv_vm's */
	struct gpuvm_vm *resv_vm; /* pinned; NULL: own */
	struct gpuvm_resv own_resv;
	uint64_t size;
	void (*free)(struct gpuvm_gem *gem);
	void *data;
	alignas(GPUVM__LINE) char list_state[]; /* list->gem_bytes, then the driver's data */
};

struct gpuvm_vm {
	struct gpuvm__obj obj;
	const struct gpuvm__space_ops *space;
	uint64_t start, end; /* [start, end) */
	uint64_t reserve_start, reserve_end; /* equal: nothing reserved */
	uint64_t page_mask; /* page size - 1 */
	const struct gpuvm_driver *driver;
	struct gpuvm_device *dev; /* pinned */
	uint32_t flags;
	_Atomic bool closed; /* binds look at it with writers excluded */
	char name[32];
	void *data;

	/* Written by every pair that comes or goes. */
	alignas(GPUVM__LINE) struct gpuvm__kref ref;
	_Atomic(struct gpuvm_bo *) deferred; /* zombies: a lock-free stack linked by obj.defer */
	_Atomic uint64_t queued; /* zombies not freed yet << 40 | KiB of the objects they pin */
	_Atomic uint64_t queued_since; /* when one was last pushed on an empty stack */
	struct gpuvm__mutex cleanup_lock;
	struct gpuvm_bo *rest; /* zombies a bounded cleanup left; under cleanup_lock */

	/* Guarded by resv if RESV_PROTECTED, else by the spinlock. */
	alignas(GPUVM__LINE) struct gpuvm__spin extobj_lock;
	struct gpuvm__node extobj;
	alignas(GPUVM__LINE) struct gpuvm__spin evict_lock;
	struct gpuvm__node evict;

	struct gpuvm_resv resv;
	alignas(GPUVM__LINE) char space_state[]; /* space->vm_bytes, then the driver's data */
};

/*
 * A pair, in each of its states: the public types gpuvm_bo_alloc and gpuvm_bo are this, seen through two opaque names.
 * A hit touches what stands from vm up to gem only. 128 bytes: a list of thousands should fit the caches. (Not line-aligned:
 * glibc's aligned allocation costs ten times a plain one, and a bo is allocated per pair.)
 */
struct gpuvm_bo {
	struct gpuvm__obj obj;
	struct gpuvm_vm *vm; /* constant; pinned (I4) */
	const struct gpuvm__list_ops *list; /* constant */
	_Atomic uint64_t ref; /* the ref axis' word */
	_Atomic bool extobj_settled; /* its object is local to the VM, or it is on vm->extobj; true until it dies */
	_Atomic uint8_t cool; /* ref:credits: how reluctant it is to become hot */
	_Atomic bool evicted; /* under the GEM's reservation */
	struct gpuvm__spin vas_lock; /* where list->va_lock says so */

	struct gpuvm_gem *gem; /* constant; pinned (I4) */
	const struct gpuvm__ref_ops *ref_ops; /* constant */
	struct gpuvm__node vas; /* under list->va_lock */
	struct gpuvm__node extobj; /* entry in vm->extobj */
	struct gpuvm__node evict; /* entry in vm->evict */
	alignas(16) char list_state[]; /* list->bo_bytes, then the ref's, then the driver's data */
};

/*
 * A mapping, in each of its states. What readers look at is constant while resident, but for flags and, where the driver
 * wants it, end, which then may get lower (S7 of space.h); and it stands together
 * from offset 64: with an allocator that puts 128 bytes on a line or, as glibc, 16 bytes into one, a lookup touches one line.
 * start and end come last, next to what the index keeps here: a search of linked mappings looks at these together.
 */
struct gpuvm_va {
	struct gpuvm__obj obj;
	struct gpuvm_bo *bo; /* NULL: sparse; pinned while resident */
	struct gpuvm_vm *vm; /* constant */
	struct gpuvm__node link; /* entry in bo->vas */

	uint64_t offset;
	struct gpuvm_gem *gem; /* bo's, NULL: sparse; here too, for readers: the bo's line is written by every put */
	_Atomic uint32_t flags;
	uint16_t data_offset; /* bytes from here to the driver's data; 0: none */
	bool retire; /* removed: readers may still see it */
	uint64_t start;
	_Atomic uint64_t end; /* [start, end) */
	alignas(8) char space_state[]; /* space->va_bytes, then the driver's data */
};

/* ---- counting (kref) ---- */

static inline void gpuvm__kref_init(struct gpuvm__kref *k)
{
	atomic_init(&k->n, 1);
}

static inline void gpuvm__kref_get(struct gpuvm__kref *k)
{
	uint32_t old = gpuvm__fetch_add(&k->n, 1, relaxed);

	(void)old;
	GPUVM__BUG_ON(old == 0);
}

/* For who holds no reference, inside a read section. */
static inline bool gpuvm__kref_tryget(struct gpuvm__kref *k)
{
	uint32_t old = gpuvm__load(&k->n, relaxed);

	while (old)
		if (gpuvm__cas(&k->n, &old, old + 1, acquire))
			return true;
	return false;
}

/* True for the last. acq_rel: everything done under any reference happens before the destruction. */
static inline bool gpuvm__kref_put(struct gpuvm__kref *k)
{
	uint32_t old = gpuvm__fetch_sub(&k->n, 1, acq_rel);

	GPUVM__BUG_ON(old == 0);
	return old == 1;
}

/* @n references of which none is the last. */
static inline void gpuvm__kref_put_some(struct gpuvm__kref *k, uint32_t n)
{
	uint32_t old = gpuvm__fetch_sub(&k->n, n, release);

	(void)old;
	GPUVM__BUG_ON(old <= n);
}

/* ---- memory (mem.c) ---- */

#define gpuvm__align(n, a) (((n) + (a) - 1) & ~((size_t)(a) - 1))

/* Zeroed object of @size bytes whose first member is a struct gpuvm__obj; NULL if there is no memory. @align: 16 or 64. */
void *gpuvm__obj_alloc(const struct gpuvm__alloc_ops *alloc, enum gpuvm_type type, size_t size, size_t align);
/* The same, but only the header is filled in. */
void *gpuvm__obj_alloc_raw(const struct gpuvm__alloc_ops *alloc, enum gpuvm_type type, size_t size, size_t align);
/* At once. */
void gpuvm__obj_free(void *obj);
/* After a grace period. */
void gpuvm__obj_retire(void *obj);
/* Retire if the device has RCU readers, else free. */
void gpuvm__obj_drop(const struct gpuvm_device *dev, void *obj);

/* ---- stocks (mem.c): index nodes ready for a request, linked by obj.stock; S4 of space.h. Mappings, when it ends ---- */

static inline size_t gpuvm__stock_nr(const struct gpuvm__obj *stock)
{
	return stock ? stock->nr_stock : 0;
}

static inline void gpuvm__stock_push(struct gpuvm__obj **stock, struct gpuvm__obj *node)
{
	node->nr_stock = gpuvm__stock_nr(*stock) + 1;
	node->stock = *stock;
	*stock = node;
}

/* So that @n nodes of @size bytes are there, which somebody counts. False: no memory; what was had stays in it. */
bool gpuvm__stock_fill(const struct gpuvm__alloc_ops *alloc, struct gpuvm__obj **stock, size_t size, size_t n);
/* Give all of it back, counted or not. */
void gpuvm__stock_give_all(struct gpuvm__obj **stock);

static inline void gpuvm__stock_give(struct gpuvm__obj **stock)
{
	if (*stock)
		gpuvm__stock_give_all(stock);
}

/* A section's node: of what it has allocated itself (@own) first, else of the @stock its caller brought; there is one. */
struct gpuvm__obj *gpuvm__stock_take(struct gpuvm__obj **own, struct gpuvm__obj **stock);
/* What is left of @own when the section ends: into @stock, if the caller brought one. */
void gpuvm__stock_return(struct gpuvm__obj **own, struct gpuvm__obj **stock);

/* ---- resv.c ---- */

void gpuvm__resv_init(struct gpuvm_resv *resv);
void gpuvm__resv_fini(struct gpuvm_resv *resv);
/* @ticket of the acquire context, 0 for none; @may_die: it holds others already. 0 or -EDEADLK. */
int gpuvm__resv_lock_ticket(struct gpuvm_resv *resv, uint64_t ticket, bool may_die);
/* Does the acquire context with this @ticket hold it? */
bool gpuvm__resv_has_ticket(struct gpuvm_resv *resv, uint64_t ticket);

/* ---- vm.c ---- */

static inline bool gpuvm__vm_immediate(const struct gpuvm_vm *vm)
{
	return vm->flags & GPUVM_VM_IMMEDIATE;
}

static inline bool gpuvm__vm_resv_protected(const struct gpuvm_vm *vm)
{
	return vm->flags & GPUVM_VM_RESV_PROTECTED;
}

/* gpuvm_vm_is_extobj() of an object, inline. */
static inline bool gpuvm__vm_is_extobj(const struct gpuvm_vm *vm, const struct gpuvm_gem *gem)
{
	return gem->resv != &vm->resv;
}

/* ---- bo.c ---- */

/* The rest of gpuvm_obtain() after a find() that found nothing. */
int gpuvm__obtain_miss(struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out);
/* gpuvm_bo_extobj_add() for gpuvm_obtain(), which holds the VM's reservation in staged mode only. Returns 0. */
int gpuvm__obtain_extobj(struct gpuvm_bo *bo);

/* Drop a mapping's reference, whatever the lock mode. No list lock held. */
void gpuvm__bo_put_mode(struct gpuvm_bo *bo);
void gpuvm__plant_defer(struct gpuvm_bo *bo); /* GPUVM_MUTANTS: a planted bug in a list needs it */

/* ---- va.c ---- */

struct gpuvm__cursor;

static inline bool gpuvm__va_is_for(const struct gpuvm_va_alloc *alloc, const struct gpuvm_vm *vm)
{
	return ((const struct gpuvm_va *)alloc)->vm == vm;
}

/*
 * What of @slot[0..n) is empty, filled: gpuvm_va_alloc_create() of several. 0; -ENOMEM: what was had is there; -EINVAL: one
 * is another VM's.
 */
int gpuvm__va_prepare(struct gpuvm_vm *vm, struct gpuvm_va_alloc **slot, unsigned int n);
/* And what is left of them given back. */
void gpuvm__va_release(struct gpuvm_va_alloc **slot, unsigned int n);
/* Is @req something @vm could map? 0 or -EINVAL. */
int gpuvm__req_check(const struct gpuvm_vm *vm, const struct gpuvm_map_req *req);
/*
 * What the edits of a writer's section may do to the number of mappings: remove only; cut what lies across lo and across hi;
 * and, besides, put a new mapping at lo and one that ends at hi (they may be the same).
 */
enum gpuvm__grow { GPUVM__SHRINKS, GPUVM__CUTS, GPUVM__FILLS };

/*
 * Open a writer's section over [lo, hi) that grows the index as @grow says, out of @stock (NULL: the index allocates).
 * 0, -ENOENT (closed), -ENOMEM.
 */
int gpuvm__write_begin(struct gpuvm__cursor *c, struct gpuvm_vm *vm, uint64_t lo, uint64_t hi, enum gpuvm__grow grow,
		       struct gpuvm__obj **stock);
/* The same where @c says it all: vm, lo, hi, edits, grow, stock. */
int gpuvm__write_begin_at(struct gpuvm__cursor *c);
/* One more, right of @left, the last one opened (S6 of space.h). False: it is part of @left. */
bool gpuvm__write_begin_right(struct gpuvm__cursor *c, struct gpuvm__cursor *left);
void gpuvm__write_end(struct gpuvm__cursor *c);
/* Give @alloc its place: the mapping that @req describes. */
struct gpuvm_va *gpuvm__va_fill(struct gpuvm_va_alloc *alloc, const struct gpuvm_map_req *req);
/*
 * One edit: link @in, replace what overlaps [lo, hi) by it, unlink that and chain it in front of *@removed. What went keeps
 * its reference to its bo until gpuvm__put_bos(), after the section. @in[0] may be one that stays and gets shorter (S7).
 */
void gpuvm__commit(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
		   struct gpuvm_va_removed **removed);
/* Drop the references of the mappings from @first up to @old, which were chained in front of it. */
void gpuvm__put_bos(struct gpuvm_va_removed *first, const struct gpuvm_va_removed *old);

/*
 * A mapping, which may be NULL, and what its allocator has behind it: the next of a chain, which is in order of addresses
 * and scattered in memory.
 */
static inline void gpuvm__va_prefetch(const void *va)
{
	__builtin_prefetch(va, 1);
	__builtin_prefetch((const char *)va + GPUVM__LINE, 1);
	__builtin_prefetch((const char *)va + 2 * GPUVM__LINE, 1);
}

/* ---- exec.c ---- */

/* gpuvm_exec_lock_range() over the whole VM, and the VM's reservation: what gpuvm_vm_close() needs in staged mode. */
int gpuvm__exec_lock_everything(struct gpuvm_exec *exec);

/* ---- extobj and evict lists (extobj.c) ---- */

void gpuvm__evict_set(struct gpuvm_bo *bo, bool evict);
/* Off both lists; the caller holds what guards them if RESV_PROTECTED. */
void gpuvm__extobj_forget(struct gpuvm_bo *bo);

/* ---- strategy tables (catalogue.c) ---- */

/* Fill @out with what @in (NULL: the default preset) names or its preset implies; -ENOENT for an unknown preset. */
int gpuvm__params_resolve(const struct gpuvm_device_params *in, struct gpuvm_device_params *out);
/* The preset that is just these four, or NULL. */
const char *gpuvm__params_preset(const char *list, const char *space, const char *ref, const char *alloc);

const struct gpuvm__list_ops *gpuvm__list_find(const char *list, const char *ref);
const struct gpuvm__space_ops *gpuvm__space_find(const char *name);
const struct gpuvm__ref_ops *gpuvm__ref_find(const char *name);
const struct gpuvm__alloc_ops *gpuvm__alloc_find(const char *name);

#endif /* GPUVM_CORE_OBJECTS_H */
