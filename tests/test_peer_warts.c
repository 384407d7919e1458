/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_peer_warts.c - where Linux 6.12 and the core are known to differ: each difference is shown on Linux's own code, and the
 * core without it. W: a wart of upstream that the core does not have; N: a named difference of test_peer.c (docs/peer.md).
 *
 * needs: peer; variants: debug asan release
 */
#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>
#include <linux/mm.h>

#include "../bench/peer/peer.h"
#include "trace.h"
#include "world.h"

#define PAGE T_PAGE
#define PAGES 64u
#define STEPS 16u

/* ---- a world of Linux's: one VM, two external objects with a pair each ---- */

struct lx {
	struct drm_device dev;
	struct drm_gpuvm *vm;
	struct drm_gem_object *gem[2];
	struct drm_gpuvm_bo *bo[2];
	struct mutex gem_lock;
	bool immediate; /* the objects' lists are under gem_lock */
	/* the callbacks */
	struct {
		enum drm_gpuva_op_type type;
		u64 addr, range, off;
	} step[STEPS];
	unsigned int steps, fail_at, vms_freed, bos_freed, bos_freed_locked, validated;
	bool in_gem_lock, put_in_validate, apply;
};

static struct lx lx;

/* Map and link, as drivers do: the pieces of a remap in their callback, the new mapping in the last one. */
static void lx_apply(struct drm_gpuva_op *op)
{
	struct drm_gpuva *prev = kzalloc(sizeof(*prev), GFP_KERNEL), *next, *va;

	if (op->op == DRM_GPUVA_OP_MAP) {
		drm_gpuva_map(lx.vm, prev, &op->map);
		drm_gpuva_link(prev, lx.bo[0]);
		return;
	}
	next = kzalloc(sizeof(*next), GFP_KERNEL);
	va = op->remap.unmap->va;
	drm_gpuva_remap(prev, next, &op->remap);
	drm_gpuva_link(prev, lx.bo[0]);
	drm_gpuva_link(next, lx.bo[0]);
	drm_gpuva_unlink(va);
	kfree(va);
}

static int lx_step(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *va;

	if (lx.steps < STEPS) {
		lx.step[lx.steps].type = op->op;
		if (op->op == DRM_GPUVA_OP_MAP) {
			lx.step[lx.steps].addr = op->map.va.addr;
			lx.step[lx.steps].range = op->map.va.range;
		} else if (op->op == DRM_GPUVA_OP_REMAP && op->remap.next) {
			lx.step[lx.steps].off = op->remap.next->gem.offset;
		}
	}
	if (++lx.steps == lx.fail_at)
		return -EIO;
	if (lx.apply) {
		lx_apply(op);
	} else if (op->op == DRM_GPUVA_OP_UNMAP) {
		va = op->unmap.va;
		drm_gpuva_unmap(&op->unmap);
		drm_gpuva_unlink(va);
		kfree(va);
	}
	return 0;
}

static void lx_vm_free(struct drm_gpuvm *vm)
{
	lx.vms_freed++;
	kfree(vm);
}

static void lx_bo_free(struct drm_gpuvm_bo *bo)
{
	lx.bos_freed++;
	lx.bos_freed_locked += lx.in_gem_lock;
	kfree(bo);
}

static void lx_lock(void)
{
	(void)peer_resv_lock(lx.vm->r_obj->resv, 0, false);
	(void)peer_resv_lock(lx.gem[0]->resv, 0, false);
	(void)peer_resv_lock(lx.gem[1]->resv, 0, false);
	mutex_lock(&lx.gem_lock);
	lx.in_gem_lock = true;
}

static void lx_unlock(void)
{
	lx.in_gem_lock = false;
	mutex_unlock(&lx.gem_lock);
	peer_resv_unlock(lx.gem[1]->resv);
	peer_resv_unlock(lx.gem[0]->resv);
	peer_resv_unlock(lx.vm->r_obj->resv);
}

static int lx_validate(struct drm_gpuvm_bo *bo, struct drm_exec *exec)
{
	lx.validated++;
	bo->evicted = false;
	if (!lx.put_in_validate)
		return 0;
	mutex_lock(&lx.gem_lock);
	drm_gpuvm_bo_put(lx.bo[0]); /* the driver's: the iterator's is the last one now */
	mutex_unlock(&lx.gem_lock);
	lx.bo[0] = NULL;
	return 0;
}

static const struct drm_gpuvm_ops lx_ops = {
	.vm_free = lx_vm_free,
	.vm_bo_free = lx_bo_free,
	.vm_bo_validate = lx_validate,
	.sm_step_map = lx_step,
	.sm_step_remap = lx_step,
	.sm_step_unmap = lx_step,
};

static void lx_gem_free(struct drm_gem_object *obj)
{
	drm_gem_object_release(obj);
	kfree(obj);
}

static const struct drm_gem_object_funcs lx_gem_funcs = { .free = lx_gem_free };

static struct drm_gpuvm *lx_vm_new(enum drm_gpuvm_flags flags, const struct drm_gpuvm_ops *ops, u64 reserve,
				   u64 reserved)
{
	struct drm_gem_object *r_obj = drm_gpuvm_resv_object_alloc(&lx.dev);
	struct drm_gpuvm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	drm_gpuvm_init(vm, "lx", flags, &lx.dev, r_obj, 0, PAGES * PAGE, reserve, reserved, ops);
	drm_gem_object_put(r_obj);
	return vm;
}

static void lx_make(enum drm_gpuvm_flags flags, bool immediate)
{
	unsigned int i;

	memset(&lx, 0, sizeof(lx));
	lx.immediate = immediate;
	kref_init(&lx.dev.ref);
	mutex_init(&lx.gem_lock);
	lx.vm = lx_vm_new(flags, &lx_ops, 0, 0);
	for (i = 0; i < 2; i++) {
		lx.gem[i] = kzalloc(sizeof(*lx.gem[i]), GFP_KERNEL);
		lx.gem[i]->funcs = &lx_gem_funcs;
		drm_gem_private_object_init(&lx.dev, lx.gem[i], PAGES * PAGE);
		if (immediate)
			drm_gem_gpuva_set_lock(lx.gem[i], &lx.gem_lock);
	}
	lx_lock();
	for (i = 0; i < 2; i++) {
		lx.bo[i] = drm_gpuvm_bo_obtain(lx.vm, lx.gem[i]);
		drm_gpuvm_bo_extobj_add(lx.bo[i]);
	}
	lx_unlock();
}

/* Map pages [at, at + n) of the object @gem (-1: sparse) at offset @at. */
static struct drm_gpuva *lx_insert(int gem, u64 at, u64 n)
{
	struct drm_gpuva *va = kzalloc(sizeof(*va), GFP_KERNEL);

	drm_gpuva_init(va, at * PAGE, n * PAGE, gem < 0 ? NULL : lx.gem[gem], gem < 0 ? 0 : at * PAGE);
	assert_int_equal(drm_gpuva_insert(lx.vm, va), 0);
	lx_lock();
	drm_gpuva_link(va, gem < 0 ? NULL : lx.bo[gem]);
	lx_unlock();
	return va;
}

static void lx_clear(void)
{
	struct drm_gpuva *va, *next;

	lx_lock();
	drm_gpuvm_for_each_va_safe(va, next, lx.vm) {
		if (va == &lx.vm->kernel_alloc_node)
			continue;
		drm_gpuva_remove(va);
		drm_gpuva_unlink(va);
		kfree(va);
	}
	lx_unlock();
}

/* Nothing may be left, and nothing may have been warned of that the test did not take. */
static void lx_end(void)
{
	char text[256];
	unsigned int i;

	lx_clear();
	lx_lock();
	for (i = 0; i < 2; i++)
		drm_gpuvm_bo_put(lx.bo[i]);
	lx_unlock();
	for (i = 0; i < 2; i++)
		drm_gem_object_put(lx.gem[i]);
	drm_gpuvm_put(lx.vm);
	assert_int_equal(lx.vms_freed, 1);
	assert_int_equal(kref_read(&lx.dev.ref), 1);
	if (peer_warnings_take(text, sizeof(text)))
		fail_msg("linux warned: %s", text);
	assert_int_equal(peer_mem_live(), 0);
}

/* The warning that a wart raises; none in a build without lockdep if that is what would raise it. */
static void lx_warned(const char *what)
{
	char text[256];

	assert_int_not_equal(peer_warnings_take(text, sizeof(text)), 0);
	if (!strstr(text, what))
		fail_msg("linux warned of \"%s\", not of \"%s\"", text, what);
}

/* ---- the core's ---- */

static struct t_world core_world(uint32_t flags, const struct gpuvm_driver *driver)
{
	const struct t_config config = { .flags = flags, .external = true, .pages = PAGES, .driver = driver };
	struct t_world w;

	t_world_make(&w, &config);
	return w;
}

static struct gpuvm_map_req core_req(struct t_world *w, int gem, u64 at, u64 n)
{
	return (struct gpuvm_map_req){ .addr = at * PAGE,
				       .range = n * PAGE,
				       .offset = gem < 0 ? 0 : at * PAGE,
				       .bo = gem < 0 ? NULL : w->bo[gem] };
}

/* ---- W1: the third copy of a remap fails ---- */

static void w1_linux(const long leaked[], unsigned int n)
{
	struct drm_gpuva_ops *ops;
	unsigned int k;
	long before;

	lx_make(0, false);
	lx_insert(0, 0, 9);
	for (k = 1; k <= n; k++) {
		before = peer_mem_live();
		peer_mem_fail(k);
		ops = drm_gpuvm_sm_map_ops_create(lx.vm, 3 * PAGE, 3 * PAGE, lx.gem[1], 0);
		peer_mem_fail(0);
		assert_int_equal(PTR_ERR(ops), -ENOMEM);
		assert_int_equal(peer_mem_live() - before, leaked[k - 1]);
	}
	lx_clear();
	peer_mem_forget_leaks(); /* the world with them */
	peer_warnings_take(NULL, 0);
}

static void w1_core(unsigned int n)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, &t_trace_driver);
	struct gpuvm_oplist *list;
	struct gpuvm_map_req req;
	struct t_live before;
	unsigned int k;

	t_world_obtain(&w);
	t_insert(&w, 0, 0, 9, 0);
	req = core_req(&w, 1, 3, 3);
	t_live_read(&before);
	for (k = 1; k <= n; k++) {
		t_ok(gpuvm_debug_fail_alloc(k, false));
		t_fails(-ENOMEM, gpuvm_sm_map_ops(w.vm, &req, &list));
		t_ok(gpuvm_debug_fail_alloc(0, false));
		t_live_same(&before);
	}
	t_ok(gpuvm_sm_map_ops(w.vm, &req, &list)); /* and no allocation more: the same six */
	gpuvm_oplist_free(list);
	t_clear(&w);
	t_world_end(&w);
}

/* ops, op, unmap, prev, next, the map's op: the fifth leaves remap.unmap behind. */
static void w1_failed_copy_of_next_leaks_unmap(void **state)
{
	static const long leaked[] = { 0, 0, 0, 0, 1, 0 };

	if (!gpuvm_debug_enabled())
		skip();
	w1_linux(leaked, ARRAY_SIZE(leaked));
	w1_core(ARRAY_SIZE(leaked));
}

/* ---- W2, N2: find_prev and find_next return what does not touch ---- */

static void w2_neighbours_that_do_not_touch(void **state)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, NULL);
	struct gpuvm_reader r;
	struct drm_gpuva *va;

	lx_make(0, false);
	va = lx_insert(0, 5, 1);
	assert_ptr_equal(drm_gpuva_find_prev(lx.vm, 5 * PAGE), va); /* it starts there; nothing ends there */
	assert_ptr_equal(drm_gpuva_find_next(lx.vm, 5 * PAGE - 1), va); /* one byte further on */
	lx_end();

	t_world_obtain(&w);
	t_insert(&w, 0, 5, 1, 5);
	gpuvm_read_begin(w.vm, &r);
	assert_null(gpuvm_va_find_prev(&r, 5 * PAGE));
	assert_null(gpuvm_va_find_next(&r, 5 * PAGE - 1));
	assert_non_null(gpuvm_va_find_prev(&r, 6 * PAGE));
	assert_non_null(gpuvm_va_find_next(&r, 5 * PAGE));
	gpuvm_read_end(&r);
	t_clear(&w);
	t_world_end(&w);
}

/* ---- W4, N1: an empty range ---- */

static void w4_empty_range_is_mapped(void **state)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, &t_trace_driver);
	struct gpuvm_sm sm = { 0 };
	struct gpuvm_map_req req;

	lx_make(0, false);
	assert_true(drm_gpuvm_range_valid(lx.vm, 5 * PAGE, 0));
	assert_int_equal(drm_gpuvm_sm_map(lx.vm, NULL, 5 * PAGE, 0, lx.gem[0], 0), 0);
	assert_int_equal(lx.steps, 1);
	assert_int_equal(lx.step[0].type, DRM_GPUVA_OP_MAP);
	assert_int_equal(lx.step[0].range, 0);
	lx_end();

	t_world_obtain(&w);
	req = core_req(&w, 0, 5, 0);
	assert_false(gpuvm_vm_range_valid(w.vm, 5 * PAGE, 0));
	t_ok(gpuvm_sm_prepare(w.vm, &sm, GPUVM_SM_MAP_VAS));
	t_fails(-EINVAL, gpuvm_sm_map(w.vm, &req, &sm));
	gpuvm_sm_release(&sm);
	t_world_end(&w);
}

/* ---- W5: an insert that fails ---- */

static void w5_failed_insert_is_not_reported(void **state)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, NULL);
	struct drm_gpuva_op_map op = { .va = { 5 * PAGE, PAGE } };
	struct drm_gpuva *old, lost = { 0 };
	struct gpuvm_va_alloc *alloc;
	struct gpuvm_map_req req;

	lx_make(0, false);
	old = lx_insert(0, 5, 1);
	drm_gpuva_map(lx.vm, &lost, &op); /* returns nothing */
	assert_ptr_equal(drm_gpuva_find(lx.vm, 5 * PAGE, PAGE), old);
	assert_null(lost.vm);
	lx_end();

	t_world_obtain(&w);
	t_insert(&w, 0, 5, 1, 5);
	req = core_req(&w, 1, 5, 1);
	alloc = gpuvm_va_alloc_create(w.vm);
	t_fails(-EEXIST, gpuvm_va_insert(w.vm, alloc, &req));
	gpuvm_va_alloc_destroy(alloc); /* still the caller's */
	t_clear(&w);
	t_world_end(&w);
}

/* ---- W6: a callback that fails half-way ---- */

static void w6_no_rollback(void **state)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, &t_trace_driver);
	struct t_trace trace = { .gems = w.gem, .nr_gems = T_GEMS, .fail_at = 2, .error = -EIO };
	struct gpuvm_sm sm = { .priv = &trace };
	struct gpuvm_map_req req;

	lx_make(0, false);
	lx_insert(0, 5, 1);
	lx.fail_at = 2;
	lx_lock();
	assert_int_equal(drm_gpuvm_sm_map(lx.vm, NULL, 5 * PAGE, PAGE, lx.gem[1], 0), -EIO);
	lx_unlock();
	assert_null(drm_gpuva_find(lx.vm, 5 * PAGE, PAGE)); /* neither the old nor the new */
	lx_end();

	t_world_obtain(&w);
	t_insert(&w, 0, 5, 1, 5);
	req = core_req(&w, 1, 5, 1);
	t_ok(gpuvm_sm_prepare(w.vm, &sm, GPUVM_SM_MAP_VAS));
	t_fails(-EIO, gpuvm_sm_map(w.vm, &req, &sm));
	assert_int_equal(gpuvm_bo_mappings(w.bo[0], NULL, 0), 1);
	assert_int_equal(trace.n, 2);
	assert_true(trace.steps[1].undo);
	gpuvm_sm_release(&sm);
	t_clear(&w);
	t_world_end(&w);
}

/* ---- W7, N5: who takes a validated bo off the evict list ---- */

static unsigned int lx_validations(enum drm_gpuvm_flags flags)
{
	struct drm_gpuvm_exec e = { .num_fences = 1, .flags = DRM_EXEC_IGNORE_DUPLICATES };
	unsigned int i, n;

	lx_make(flags, false);
	e.vm = lx.vm;
	lx_lock();
	drm_gpuvm_bo_evict(lx.bo[0], true);
	lx_unlock();
	for (i = 0; i < 2; i++) {
		assert_int_equal(drm_gpuvm_exec_lock(&e), 0);
		assert_int_equal(drm_gpuvm_exec_validate(&e), 0);
		drm_gpuvm_exec_unlock(&e);
	}
	n = lx.validated;
	lx_end();
	return n;
}

static unsigned int core_validated;

static int core_validate(struct gpuvm_bo *bo, void *priv)
{
	core_validated++;
	return 0;
}

static unsigned int core_validations(uint32_t flags)
{
	static const struct gpuvm_driver driver = { .bo_validate = core_validate };
	struct t_world w = core_world(flags, &driver);
	struct gpuvm_exec *exec;
	unsigned int i;

	core_validated = 0;
	t_world_obtain(&w);
	t_lock_resvs(&w);
	gpuvm_bo_evict(w.bo[0], true);
	t_unlock_resvs(&w);
	for (i = 0; i < 2; i++) {
		exec = gpuvm_exec_create(w.vm);
		t_ok(gpuvm_exec_lock(exec));
		t_ok(gpuvm_exec_validate(exec, NULL));
		gpuvm_exec_destroy(exec);
	}
	t_world_end(&w);
	return core_validated;
}

/* The callback says that the bo is valid again; two validations follow one eviction. */
static void w7_validated_bo_stays_on_the_list(void **state)
{
	assert_int_equal(lx_validations(DRM_GPUVM_RESV_PROTECTED), 1);
	assert_int_equal(lx_validations(0), 2);
	assert_int_equal(core_validations(GPUVM_VM_RESV_PROTECTED), 1);
	assert_int_equal(core_validations(0), 1);
}

/* ---- W8: the local-list iterator puts without the GEM lock ---- */

static struct gpuvm_bo *core_bo;

static int core_put_in_validate(struct gpuvm_bo *bo, void *priv)
{
	gpuvm_bo_put_deferred(core_bo);
	return 0;
}

static void w8_core(void)
{
	static const struct gpuvm_driver driver = { .bo_validate = core_put_in_validate };
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, &driver);
	struct gpuvm_exec *exec;

	core_bo = t_obtain(&w, 0);
	t_lock_resvs(&w);
	gpuvm_bo_evict(core_bo, true);
	t_unlock_resvs(&w);
	exec = gpuvm_exec_create(w.vm);
	t_ok(gpuvm_exec_lock(exec));
	t_ok(gpuvm_exec_validate(exec, NULL)); /* a check would abort */
	gpuvm_exec_destroy(exec);
	assert_int_equal(gpuvm_bo_deferred_cleanup(w.vm, 0), 1);
	t_world_end(&w);
}

static void w8_last_put_without_the_gem_lock(void **state)
{
	struct drm_gpuvm_exec e = { .num_fences = 1, .flags = DRM_EXEC_IGNORE_DUPLICATES };

	lx_make(0, true);
	e.vm = lx.vm;
	lx_lock();
	drm_gpuvm_bo_evict(lx.bo[0], true);
	lx_unlock();
	lx.put_in_validate = true;
	assert_int_equal(drm_gpuvm_exec_lock(&e), 0);
	assert_int_equal(drm_gpuvm_exec_validate(&e), 0);
	drm_gpuvm_exec_unlock(&e);
	assert_int_equal(lx.bos_freed, 1);
	if (gpuvm_debug_enabled())
		lx_warned("lock_dep_map");
	lx_end();
	w8_core();
}

/* ---- W12: no vm_free ---- */

static void w12_device_leaks_without_vm_free(void **state)
{
	static const struct drm_gpuvm_ops no_free;
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, NULL);
	struct drm_gpuvm *vm;

	lx_make(0, false);
	vm = lx_vm_new(0, &no_free, 0, 0);
	drm_gpuvm_put(vm);
	lx_warned("vm_free");
	assert_int_equal(kref_read(&lx.dev.ref), 1 + 1 + 1); /* ours, lx.vm's, and the one that is lost */
	kfree(vm);
	drm_dev_put(&lx.dev);
	lx_end();

	t_world_end(&w); /* every object is accounted for, the device too */
}

/* ---- W13: no fences wanted ---- */

static void w13_no_fences_is_treated_in_two_ways(void **state)
{
	struct drm_gpuvm_exec e = { .num_fences = 0, .flags = DRM_EXEC_IGNORE_DUPLICATES };
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, NULL);
	struct gpuvm_exec *exec;

	lx_make(0, false);
	e.vm = lx.vm;
	assert_int_equal(drm_gpuvm_exec_lock(&e), 0);
	drm_gpuvm_exec_unlock(&e);
	assert_int_equal(drm_gpuvm_exec_lock_array(&e, lx.gem, 1), -EINVAL);
	lx_warned("fences");
	lx_end();

	exec = gpuvm_exec_create(w.vm);
	t_ok(gpuvm_exec_lock(exec));
	t_ok(gpuvm_exec_lock_gem(exec, w.gem[0]));
	gpuvm_exec_destroy(exec);
	t_world_end(&w);
}

/* ---- W14: a VM that is put with a mapping in it ---- */

static void w14_forgotten_mapping_keeps_the_vm(void **state)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, NULL);

	lx_make(0, false);
	lx_insert(-1, 5, 1);
	drm_gpuvm_put(lx.vm);
	assert_int_equal(lx.vms_freed, 0); /* and no warning: it is not even looked at */
	assert_int_equal(peer_warnings(), 0);
	drm_gpuvm_get(lx.vm);
	lx_end();

	t_world_obtain(&w);
	t_insert(&w, 0, 5, 1, 5);
	assert_int_equal(gpuvm_vm_close(w.vm, NULL), 1);
	t_world_end(&w);
}

/* ---- 9ce4aef9a5b1: the registered destructor on a pair that was never registered ---- */

static unsigned int core_freed, core_freed_locked;

static void core_bo_free(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	core_freed++;
	core_freed_locked += gpuvm_debug_locks_held() != 0;
}

static void prealloc_core(void)
{
	static const struct gpuvm_driver driver = { .bo_free = core_bo_free };
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE | GPUVM_VM_RESV_PROTECTED, &driver);
	struct gpuvm_bo *bo;

	core_freed = core_freed_locked = 0;
	t_world_obtain(&w);
	bo = gpuvm_bo_obtain(t_alloc(&w, 0));
	assert_ptr_equal(bo, w.bo[0]);
	assert_int_equal(core_freed, 1);
	assert_int_equal(core_freed_locked, 0);
	assert_false(gpuvm_bo_put(bo));
	t_world_end(&w);
}

static void prealloc_that_loses_is_freed_under_the_gem_lock(void **state)
{
	struct drm_gpuvm_bo *bo;

	lx_make(DRM_GPUVM_RESV_PROTECTED, true);
	bo = drm_gpuvm_bo_create(lx.vm, lx.gem[0]);
	mutex_lock(&lx.gem_lock); /* all that finding and registering need */
	lx.in_gem_lock = true;
	assert_ptr_equal(drm_gpuvm_bo_obtain_prealloc(bo), lx.bo[0]);
	assert_int_equal(lx.bos_freed_locked, 1);
	drm_gpuvm_bo_put(lx.bo[0]);
	lx.in_gem_lock = false;
	mutex_unlock(&lx.gem_lock);
	/* And it wants the VM's reservation, for lists that the pair was never on. */
	if (gpuvm_debug_enabled())
		lx_warned("dma_resv_held");
	lx_end();
	prealloc_core();
}

/* ---- N3: the pieces of a sparse mapping ---- */

static void n3_sparse_pieces_have_an_offset(void **state)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, &t_trace_driver);
	struct gpuvm_oplist *list;

	lx_make(0, false);
	lx_insert(-1, 5, 4);
	assert_int_equal(drm_gpuvm_sm_unmap(lx.vm, NULL, 5 * PAGE, PAGE), 0);
	assert_int_equal(lx.step[0].type, DRM_GPUVA_OP_REMAP);
	assert_int_equal(lx.step[0].off, PAGE);
	lx_end();

	t_insert(&w, -1, 5, 4, 0);
	t_ok(gpuvm_sm_unmap_ops(w.vm, 5 * PAGE, PAGE, &list));
	assert_int_equal(gpuvm_oplist_first(list)->remap.next->offset, 0);
	gpuvm_oplist_free(list);
	t_clear(&w);
	t_world_end(&w);
}

/* ---- N4: prefetching what is not the driver's ---- */

static void n4_kernel_node_is_prefetched(void **state)
{
	const struct t_config config = { .flags = GPUVM_VM_IMMEDIATE,
					 .pages = PAGES,
					 .reserve_first = 8,
					 .reserve_pages = 4,
					 .driver = &t_trace_driver };
	struct drm_gpuva_ops *ops;
	struct drm_gpuvm *vm;
	struct t_world w;

	lx_make(0, false);
	vm = lx_vm_new(0, &lx_ops, 8 * PAGE, 4 * PAGE);
	ops = drm_gpuvm_prefetch_ops_create(vm, 0, PAGES * PAGE);
	assert_ptr_equal(drm_gpuva_first_op(ops)->prefetch.va, &vm->kernel_alloc_node);
	drm_gpuva_ops_free(vm, ops);
	drm_gpuvm_put(vm);
	lx.vms_freed = 0;
	lx_end();

	t_world_make(&w, &config);
	t_fails(-EINVAL, gpuvm_sm_prefetch(w.vm, 0, PAGES * PAGE, NULL));
	t_world_end(&w);
}

/* ---- N6: the order of a bo's mappings ---- */

static void n6_core(void)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, &t_trace_driver);
	struct gpuvm_mapping m[3];
	struct gpuvm_sm sm = { 0 };
	struct gpuvm_map_req req;

	t_world_obtain(&w);
	t_insert(&w, 0, 0, 9, 0);
	req = core_req(&w, 0, 3, 3);
	t_ok(gpuvm_sm_prepare(w.vm, &sm, GPUVM_SM_MAP_VAS));
	t_ok(gpuvm_sm_map(w.vm, &req, &sm));
	gpuvm_sm_release(&sm);
	assert_int_equal(gpuvm_bo_mappings(w.bo[0], m, 3), 3);
	assert_int_equal(m[0].addr, 0);
	assert_int_equal(m[1].addr, 3 * PAGE);
	assert_int_equal(m[2].addr, 6 * PAGE);
	t_clear(&w);
	t_world_end(&w);
}

/* A map in the middle: Linux's drivers link the two pieces and then the new one, the core links in address order. */
static void n6_mappings_are_linked_in_another_order(void **state)
{
	static const u64 order[] = { 0, 6 * PAGE, 3 * PAGE };
	struct drm_gpuvm_bo *vm_bo;
	struct drm_gpuva *va;
	unsigned int i = 0;

	lx_make(0, false);
	lx_insert(0, 0, 9);
	lx.apply = true;
	lx_lock();
	assert_int_equal(drm_gpuvm_sm_map(lx.vm, NULL, 3 * PAGE, 3 * PAGE, lx.gem[0], 0), 0);
	lx_unlock();
	vm_bo = lx.bo[0];
	drm_gpuvm_bo_for_each_va(va, vm_bo)
		assert_int_equal(va->va.addr, order[i++]);
	assert_int_equal(i, 3);
	lx_end();
	n6_core();
}

/* ---- N9: an object's offset that wraps ---- */

static void n9_wrapping_offset_is_accepted(void **state)
{
	struct t_world w = core_world(GPUVM_VM_IMMEDIATE, &t_trace_driver);
	struct gpuvm_oplist *list;
	struct gpuvm_map_req req;

	lx_make(0, false);
	assert_int_equal(drm_gpuvm_sm_map(lx.vm, NULL, 5 * PAGE, 2 * PAGE, lx.gem[0], -PAGE), 0);
	lx_end();

	t_world_obtain(&w);
	req = core_req(&w, 0, 5, 2);
	req.offset = -PAGE;
	t_fails(-EINVAL, gpuvm_sm_map_ops(w.vm, &req, &list));
	t_world_end(&w);
}

/* ---- what the warts are shown with works: the peer notices misuse ---- */

static void lockdep_is_awake(void **state)
{
	if (!gpuvm_debug_enabled())
		skip();
	lx_make(DRM_GPUVM_RESV_PROTECTED, false);
	assert_null(drm_gpuvm_bo_find(NULL, lx.gem[0])); /* not locked */
	lx_warned("dma_resv_held");
	drm_gpuvm_bo_extobj_add(lx.bo[0]); /* nor this */
	lx_warned("dma_resv_held");
	lx_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(w1_failed_copy_of_next_leaks_unmap),
		cmocka_unit_test(w2_neighbours_that_do_not_touch),
		cmocka_unit_test(w4_empty_range_is_mapped),
		cmocka_unit_test(w5_failed_insert_is_not_reported),
		cmocka_unit_test(w6_no_rollback),
		cmocka_unit_test(w7_validated_bo_stays_on_the_list),
		cmocka_unit_test(w8_last_put_without_the_gem_lock),
		cmocka_unit_test(w12_device_leaks_without_vm_free),
		cmocka_unit_test(w13_no_fences_is_treated_in_two_ways),
		cmocka_unit_test(w14_forgotten_mapping_keeps_the_vm),
		cmocka_unit_test(prealloc_that_loses_is_freed_under_the_gem_lock),
		cmocka_unit_test(n3_sparse_pieces_have_an_offset),
		cmocka_unit_test(n4_kernel_node_is_prefetched),
		cmocka_unit_test(n6_mappings_are_linked_in_another_order),
		cmocka_unit_test(n9_wrapping_offset_is_accepted),
		cmocka_unit_test(lockdep_is_awake),
	};

	return t_run("peer_warts", tests, ARRAY_SIZE(tests));
}
