/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* denied.c - see denied.h */
#include "denied.h"

#include <unistd.h>

void d_violation(struct d_worker *t, const char *what, const char *op)
{
	static _Atomic bool said;

	if (!atomic_exchange(&said, true)) {
		print_error("  thread %u, allocation %" PRIu64 "%s denied, %s: %s\n", t->me, t->nth,
			    t->forever ? " and later" : "", op, what);
		fflush(NULL);
		_exit(1);
	}
}

unsigned int d_draw(struct d_worker *t, unsigned int n)
{
	return (unsigned int)t_below(&t->rng, n);
}

/* ---- pairs ---- */

/* D3: what others hold for this object at this moment is this bo. */
static void hold(struct d_worker *t, unsigned int gem, struct gpuvm_bo *bo)
{
	struct gpuvm_bo *other;
	unsigned int i;

	t->bo[gem] = bo;
	atomic_store(&t->r->held[gem][t->me], bo);
	for (i = 0; i < D_THREADS; i++) {
		other = atomic_load(&t->r->held[gem][i]);
		if (other && other != bo)
			d_violation(t, "two live bos of one pair", "obtain");
	}
}

static void drop(struct d_worker *t, unsigned int gem)
{
	struct gpuvm_bo *bo = t->bo[gem];

	atomic_store(&t->r->held[gem][t->me], NULL);
	t->bo[gem] = NULL;
	if (d_immediate(t) && d_draw(t, 2))
		gpuvm_bo_put_deferred(bo);
	else
		gpuvm_bo_put(bo);
}

static int do_obtain(struct d_worker *t)
{
	struct gpuvm_bo *bo = NULL;
	unsigned int gem = d_draw(t, T_GEMS);
	int ret = gpuvm_obtain(t->r->w.vm, t->r->w.gem[gem], &bo);

	if (ret)
		return ret;
	if (t->bo[gem])
		drop(t, gem);
	hold(t, gem, bo);
	return 0;
}

static int do_prealloc(struct d_worker *t)
{
	struct gpuvm_bo_alloc *alloc = NULL;
	unsigned int gem = d_draw(t, T_GEMS);
	int ret = gpuvm_bo_alloc_create(t->r->w.vm, t->r->w.gem[gem], &alloc);

	if (ret)
		return ret;
	if (d_draw(t, 4) == 0) {
		gpuvm_bo_alloc_destroy(alloc);
		return 0;
	}
	if (t->bo[gem])
		drop(t, gem);
	hold(t, gem, gpuvm_bo_obtain(alloc));
	return 0;
}

static int do_find(struct d_worker *t)
{
	unsigned int gem = d_draw(t, T_GEMS);
	struct gpuvm_bo *bo = gpuvm_bo_find(t->r->w.vm, t->r->w.gem[gem]);

	if (t->bo[gem] && bo != t->bo[gem])
		d_violation(t, "a pair that is held is not found", "find");
	if (bo)
		gpuvm_bo_put(bo);
	return 0;
}

static int do_put(struct d_worker *t)
{
	unsigned int gem = d_draw(t, T_GEMS);

	if (t->bo[gem])
		drop(t, gem);
	return 0;
}

/* ---- pages ---- */

static uint64_t addr_of(const struct d_worker *t, unsigned int page)
{
	return (t->me * D_PAGES + page) * T_PAGE;
}

/* D2 */
bool d_page_is_right(struct d_worker *t, unsigned int i)
{
	struct gpuvm_mapping m;
	bool found = gpuvm_lookup(t->r->w.vm, addr_of(t, i), &m);
	unsigned int code = t->page[i] - 1;

	if (!t->page[i] || !found)
		return found == (t->page[i] != 0);
	return m.gem == t->r->w.gem[code / D_PAGES] && m.offset + (addr_of(t, i) - m.addr) == code % D_PAGES * T_PAGE;
}

static void note_map(struct d_worker *t, unsigned int from, unsigned int n, int gem, unsigned int at)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		t->page[from + i] = gem < 0 ? 0 : 1 + (unsigned int)gem * D_PAGES + at + i;
}

/* A request for some of the thread's pages; an object that it holds, or none. */
struct request {
	unsigned int from, n, at;
	int gem;
	struct gpuvm_map_req req;
};

static struct request draw_request(struct d_worker *t)
{
	struct request q = { .from = d_draw(t, D_PAGES), .gem = (int)d_draw(t, T_GEMS) };

	q.n = 1 + d_draw(t, D_PAGES - q.from < 6 ? D_PAGES - q.from : 6);
	q.at = d_draw(t, D_PAGES - q.n + 1);
	if (!t->bo[q.gem])
		q.gem = -1;
	q.req = (struct gpuvm_map_req){
		.addr = addr_of(t, q.from),
		.range = q.n * T_PAGE,
		.offset = q.gem < 0 ? 0 : q.at * T_PAGE,
		.bo = q.gem < 0 ? NULL : t->bo[q.gem],
	};
	return q;
}

/* Maps if there is an object for it, else unmaps; @list: as a list, committed or dropped. */
static int change(struct d_worker *t, bool list)
{
	struct gpuvm_vm *vm = t->r->w.vm;
	struct request q = draw_request(t);
	struct gpuvm_oplist *ops = NULL;
	int ret = gpuvm_sm_prepare(vm, &t->sm, GPUVM_SM_MAP_VAS);
	bool commit = d_draw(t, 2);

	if (!ret && list)
		ret = q.gem < 0 ? gpuvm_sm_unmap_ops(vm, q.req.addr, q.req.range, &ops) :
				  gpuvm_sm_map_ops(vm, &q.req, &ops);
	else if (!ret)
		ret = q.gem < 0 ? gpuvm_sm_unmap(vm, q.req.addr, q.req.range, &t->sm) :
				  gpuvm_sm_map(vm, &q.req, &t->sm);
	if (!ret && list && commit)
		ret = gpuvm_oplist_commit(ops, &t->sm);
	else if (!ret && list)
		gpuvm_oplist_free(ops);
	if (!ret && (!list || commit))
		note_map(t, q.from, q.n, q.gem, q.at);
	gpuvm_sm_release(&t->sm);
	return ret;
}

static int do_sm(struct d_worker *t)
{
	return change(t, false);
}

static int do_list(struct d_worker *t)
{
	return change(t, true);
}

/* Lists that are only looked at. */
static int do_look_lists(struct d_worker *t)
{
	struct request q = draw_request(t);
	struct gpuvm_map_req advise = { .addr = q.req.addr, .range = q.req.range };
	struct gpuvm_oplist *ops = NULL;
	unsigned int gem = d_draw(t, T_GEMS);
	int ret;

	switch (d_draw(t, 3)) {
	case 0:
		ret = gpuvm_sm_prefetch_ops(t->r->w.vm, q.req.addr, q.req.range, &ops);
		break;
	case 1:
		ret = gpuvm_sm_madvise_ops(t->r->w.vm, &advise, &ops);
		break;
	default:
		ret = t->bo[gem] ? gpuvm_bo_unmap_ops(t->bo[gem], &ops) : 0;
	}
	if (!ret)
		gpuvm_oplist_free(ops);
	return ret;
}

static int do_insert(struct d_worker *t)
{
	struct request q = draw_request(t);
	struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(t->r->w.vm);
	unsigned int i;
	bool free = q.gem >= 0;
	int ret;

	if (!va)
		return -ENOMEM;
	for (i = 0; i < q.n; i++)
		free &= !t->page[q.from + i];
	ret = free ? gpuvm_va_insert(t->r->w.vm, va, &q.req) : -EEXIST;
	if (ret)
		gpuvm_va_alloc_destroy(va);
	else
		note_map(t, q.from, q.n, q.gem, q.at);
	return ret == -EEXIST && !free ? 0 : ret;
}

static int do_remove(struct d_worker *t)
{
	struct gpuvm_va_removed *removed;
	struct gpuvm_mapping m;
	int ret;

	if (!gpuvm_lookup(t->r->w.vm, addr_of(t, d_draw(t, D_PAGES)), &m))
		return 0;
	ret = gpuvm_va_remove(t->r->w.vm, m.addr, m.range, &removed);
	if (ret)
		return ret;
	note_map(t, (unsigned int)((m.addr - addr_of(t, 0)) / T_PAGE), (unsigned int)(m.range / T_PAGE), -1, 0);
	gpuvm_va_removed_free(removed);
	return 0;
}

/* ---- submissions, and what is the thread's own ---- */

int d_lock_all(struct d_run *r, struct gpuvm_exec *exec)
{
	unsigned int i;
	int ret;

	do {
		ret = gpuvm_exec_lock(exec);
		for (i = 0; i < T_GEMS && !ret; i++)
			if (!gpuvm_exec_holds(exec, r->w.gem[i]))
				ret = gpuvm_exec_lock_gem(exec, r->w.gem[i]);
	} while (ret == -EDEADLK);
	return ret;
}

static int do_submit(struct d_worker *t)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(t->r->w.vm);
	int ret;

	if (!exec)
		return -ENOMEM;
	ret = d_lock_all(t->r, exec);
	if (!ret) {
		gpuvm_gem_evict(t->r->w.gem[d_draw(t, T_GEMS)], true);
		ret = gpuvm_exec_validate(exec, t);
	}
	if (!ret)
		gpuvm_exec_add_fence(exec, 1);
	gpuvm_exec_destroy(exec);
	return ret;
}

static int do_submit_range(struct d_worker *t)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(t->r->w.vm);
	int ret;

	if (!exec)
		return -ENOMEM;
	ret = gpuvm_exec_lock_range(exec, addr_of(t, 0), D_PAGES * T_PAGE);
	gpuvm_exec_destroy(exec);
	return ret;
}

/* A VM and an object of the thread's own, mapped and unmapped by its bo: wherever it stops, all of it goes. */
static int do_life(struct d_worker *t)
{
	const struct gpuvm_vm_params vp = {
		.range = 64 * T_PAGE, .page_size = T_PAGE, .flags = GPUVM_VM_IMMEDIATE, .driver = t->r->config.driver
	};
	const struct gpuvm_gem_params gp = { .size = 64 * T_PAGE, .data_size = 8 };
	struct gpuvm_map_req req = { .range = 4 * T_PAGE };
	struct gpuvm_sm sm = { .priv = NULL };
	struct gpuvm_vm *vm = NULL;
	struct gpuvm_gem *gem = NULL;
	int ret = gpuvm_vm_create(t->r->w.dev, &vp, &vm);

	ret = ret ? ret : gpuvm_gem_create(t->r->w.dev, &gp, &gem);
	ret = ret ? ret : gpuvm_obtain(vm, gem, &req.bo);
	if (!ret && !(ret = gpuvm_sm_prepare(vm, &sm, GPUVM_SM_MAP_VAS)))
		ret = gpuvm_sm_map(vm, &req, &sm);
	if (!ret && gpuvm_bo_unmap(req.bo, &sm))
		d_violation(t, "gpuvm_bo_unmap() failed", "life");
	gpuvm_sm_release(&sm);
	if (req.bo)
		gpuvm_bo_put(req.bo);
	if (gem)
		gpuvm_gem_put(gem);
	if (vm) {
		gpuvm_vm_close(vm, NULL);
		gpuvm_vm_put(vm);
	}
	return ret;
}

static int do_device(struct d_worker *t)
{
	const struct gpuvm_device_params params = { .preset = "linux" };
	struct gpuvm_device *dev;
	int ret = gpuvm_device_create(&params, &dev);

	if (!ret)
		gpuvm_device_put(dev);
	return ret;
}

const struct d_operation d_operations[] = {
	{ "obtain", do_obtain, true },
	{ "prealloc", do_prealloc, true },
	{ "find", do_find, true },
	{ "put", do_put, true },
	{ "map or unmap", do_sm, true },
	{ "the same as a list", do_list, true },
	{ "other lists", do_look_lists, true },
	{ "insert", do_insert, true },
	{ "remove", do_remove, true },
	{ "submit", do_submit, false },
	{ "submit range", do_submit_range, false },
	{ "life", do_life, false },
	{ "device", do_device, false },
};

const unsigned int d_nr_operations = ARRAY_SIZE(d_operations);
