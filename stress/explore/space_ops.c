/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * space_ops.c - operations on the mappings of vm 0, which start as [2, 6) and [8, 10) of gem 0.
 */
#include <errno.h>

#include "world.h"

bool do_lookup(struct actor *a, unsigned int page)
{
	struct event *e = event_begin(a, EV_LOOKUP);
	struct gpuvm_mapping m = { 0 };
	bool found = gpuvm_lookup(world.vm[0], page * PAGE + 7, &m);

	e->page = page;
	e->lo = m.addr / PAGE;
	e->hi = e->lo + m.range / PAGE;
	e->gem = m.gem == world.gem[1];
	e->off = m.offset / PAGE;
	event_end(e, found);
	return found;
}

/* Free what went, and have enough for the next request. */
static void restock(struct actor *a)
{
	gpuvm_sm_release(&a->sm);
	sched_check(gpuvm_sm_prepare(world.vm[0], &a->sm, GPUVM_SM_MAP_VAS) == 0);
}

static struct event *edit_begin(struct actor *a, enum event_kind kind, unsigned int lo, unsigned int hi,
				unsigned int gem, unsigned int off)
{
	struct event *e = event_begin(a, kind);

	e->lo = lo;
	e->hi = hi;
	e->gem = gem;
	e->off = off;
	a->steps = a->nr_steps = 0;
	return e;
}

static struct gpuvm_map_req req_of(const struct event *e)
{
	return (struct gpuvm_map_req){
		.addr = e->lo * PAGE, .range = (e->hi - e->lo) * PAGE, .offset = e->off * PAGE, .bo = world.keep[e->gem]
	};
}

static void map(struct actor *a, unsigned int lo, unsigned int hi, unsigned int gem, unsigned int off)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct event *e = edit_begin(a, EV_MAP, lo, hi, gem, off);
	const struct gpuvm_map_req req = req_of(e);
	int ret = gpuvm_sm_map(world.vm[0], &req, &a->sm);

	e->steps = a->steps;
	event_end(e, ret);
	locks_drop(exec);
	restock(a);
}

static void unmap(struct actor *a, unsigned int lo, unsigned int hi)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct event *e = edit_begin(a, EV_UNMAP, lo, hi, 0, 0);
	int ret = gpuvm_sm_unmap(world.vm[0], lo * PAGE, (hi - lo) * PAGE, &a->sm);

	e->steps = a->steps;
	event_end(e, ret);
	locks_drop(exec);
	restock(a);
}

static void insert(struct actor *a, unsigned int lo, unsigned int hi, unsigned int gem, unsigned int off)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct event *e = edit_begin(a, EV_INSERT, lo, hi, gem, off);
	const struct gpuvm_map_req req = req_of(e);
	int ret = gpuvm_va_insert(world.vm[0], a->va, &req);

	event_end(e, ret);
	locks_drop(exec);
	if (!ret)
		a->va = gpuvm_va_alloc_create(world.vm[0]);
}

static void remove_exact(struct actor *a, unsigned int lo, unsigned int hi)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct event *e = edit_begin(a, EV_REMOVE, lo, hi, 0, 0);
	struct gpuvm_va_removed *va;
	int ret = gpuvm_va_remove(world.vm[0], lo * PAGE, (hi - lo) * PAGE, &va);

	event_end(e, ret);
	locks_drop(exec);
	gpuvm_va_removed_free(va);
}

static void run_map(struct actor *a)
{
	map(a, 2, 4, 1, 20);
}

static void run_map_mid(struct actor *a)
{
	map(a, 3, 5, 0, 1); /* the same bytes: keep */
}

static void run_map_over(struct actor *a)
{
	map(a, 4, 9, 1, 2); /* as the old one's bytes, but of the other object: not kept */
}

static void run_map_far(struct actor *a)
{
	map(a, 12, 14, 1, 40);
}

static void run_unmap_mid(struct actor *a)
{
	unmap(a, 3, 5);
}

static void run_unmap_all(struct actor *a)
{
	unmap(a, 0, PAGES);
}

static void run_unmap_far(struct actor *a)
{
	unmap(a, 8, 10);
}

static void run_insert(struct actor *a)
{
	insert(a, 6, 8, 1, 50);
}

/* Into the full part: the index has to split something, or merges afterwards. */
static void run_insert_dense(struct actor *a)
{
	insert(a, 41, 42, 1, 5);
}

static void run_map_dense(struct actor *a)
{
	map(a, 21, 22, 1, 6);
}

static void run_unmap_dense(struct actor *a)
{
	unmap(a, 21, 62);
}

static void run_unmap_tail(struct actor *a)
{
	unmap(a, 58, 64);
}

static void run_insert_tail(struct actor *a)
{
	insert(a, 59, 60, 1, 7);
}

static void run_lookup_dense(struct actor *a)
{
	do_lookup(a, 42);
	do_lookup(a, 62);
}

static void run_insert_mid(struct actor *a)
{
	insert(a, 3, 5, 1, 52);
}

static void run_remove(struct actor *a)
{
	remove_exact(a, 8, 10);
}

static void run_lookup(struct actor *a)
{
	do_lookup(a, 4);
	do_lookup(a, 9);
}

/* Sorted; what nobody touches (page 2 or 3 are touched by many) is only known to be seen at most once. */
static void run_iterate(struct actor *a)
{
	struct gpuvm_va *va, *last = NULL;
	struct gpuvm_reader r;
	uint64_t at = 0;
	unsigned int n = 0;

	gpuvm_read_begin(world.vm[0], &r);
	for (va = gpuvm_va_first(&r, 0, PAGES * PAGE); va; va = gpuvm_va_next(&r, va)) {
		if (va == last || gpuvm_va_addr(va) + gpuvm_va_range(va) <= at || ++n > PAGES)
			sched_fail("an iteration over mappings steps back");
		at = gpuvm_va_addr(va) + gpuvm_va_range(va);
		last = va;
	}
	gpuvm_read_end(&r);
}

/* The objects of whatever is mapped. */
static void run_exec_range(struct actor *a)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(world.vm[0]);

	sched_check(exec);
	sched_check(gpuvm_exec_lock_range(exec, 0, PAGES * PAGE) == 0);
	gpuvm_exec_destroy(exec);
}

/* An object of one's own, which only its mapping keeps. Page 17 is nobody else's. */
static void run_gem_life(struct actor *a)
{
	const struct gpuvm_gem_params params = { .size = PAGE };
	struct gpuvm_map_req req = { .addr = 17 * PAGE, .range = PAGE };
	struct gpuvm_va_removed *va;
	struct gpuvm_gem *gem;

	sched_check(gpuvm_gem_create(world.dev, &params, &gem) == 0);
	sched_check(gpuvm_obtain(world.vm[0], gem, &req.bo) == 0);
	sched_check(gpuvm_va_insert(world.vm[0], a->va, &req) == 0);
	gpuvm_bo_put_deferred(req.bo);
	gpuvm_gem_put(gem);
	sched_check(gpuvm_va_remove(world.vm[0], req.addr, req.range, &va) == 0);
	gpuvm_va_removed_free(va);
	gpuvm_bo_deferred_cleanup(world.vm[0], 0);
	a->va = gpuvm_va_alloc_create(world.vm[0]);
}

static void run_bo_unmap(struct actor *a)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct event *e = edit_begin(a, EV_BO_UNMAP, 0, PAGES, 0, 0);
	int ret = gpuvm_bo_unmap(world.keep[0], &a->sm);

	e->off = a->nr_steps;
	event_end(e, ret);
	locks_drop(exec);
	restock(a);
}

/* A copy of what the bo maps: each piece inside the VM, none twice. */
static void run_mappings(struct actor *a)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct gpuvm_mapping m[PAGES];
	size_t n = gpuvm_bo_mappings(world.keep[0], m, PAGES), i;

	for (i = 0; i < n && i < PAGES; i++)
		sched_check(m[i].addr + m[i].range <= PAGES * PAGE && m[i].gem == world.gem[0]);
	locks_drop(exec);
}

/* ---- arrays ---- */

struct array_op {
	unsigned int lo, hi, gem, off;
	bool unmap;
};

#define ARRAY_OPS 3
#define MAP(lo, hi, gem, off)             \
	{                                 \
		lo, hi, gem, off, false \
	}
#define UNMAP(lo, hi)             \
	{                         \
		lo, hi, 0, 0, true \
	}

static struct gpuvm_bind_op bind_op(const struct array_op *p)
{
	return (struct gpuvm_bind_op){ .type = p->unmap ? GPUVM_BIND_UNMAP : GPUVM_BIND_MAP,
				       .req = { .addr = p->lo * PAGE,
						.range = (p->hi - p->lo) * PAGE,
						.offset = p->off * PAGE,
						.bo = world.keep[p->gem] } };
}

/* Readers may see each operation by itself, so each is an event. One that fails is none: it must change nothing. */
static void array(struct actor *a, const struct array_op *ops, bool fail)
{
	struct gpuvm_exec *exec = locks_take(0);
	struct event lost[ARRAY_OPS], *e[ARRAY_OPS];
	struct gpuvm_bind_op op[ARRAY_OPS];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_OPS; i++) {
		op[i] = bind_op(&ops[i]);
		if (!fail)
			e[i] = edit_begin(a, ops[i].unmap ? EV_UNMAP : EV_MAP, ops[i].lo, ops[i].hi, ops[i].gem, ops[i].off);
		else
			*(e[i] = &lost[i]) = (struct event){ .kind = EV_MAP };
	}
	sched_check(gpuvm_bind_prepare(world.vm[0], &a->bind, op, ARRAY_OPS) == 0);
	a->nr_steps = a->nr_undone = 0;
	a->fail_map = fail;
	a->bind.priv = a;
	a->array = e;
	ret = gpuvm_bind_array(world.vm[0], &a->bind);
	a->array = NULL;
	a->fail_map = false;
	for (i = 0; i < ARRAY_OPS; i++)
		event_end(e[i], ret);
	if (ret == -EIO)
		sched_check(fail && a->nr_undone == a->nr_steps - 1);
	else
		sched_check((!fail || ret == -ENOENT) && a->nr_undone == 0);
	locks_drop(exec);
	gpuvm_bind_release(&a->bind);
}

/* One mapping cut twice, and another one gone. */
static const struct array_op cut_twice[ARRAY_OPS] = { UNMAP(3, 4), UNMAP(8, 10), MAP(4, 5, 1, 30) };

static void run_array(struct actor *a)
{
	array(a, cut_twice, false);
}

static void run_array_fail(struct actor *a)
{
	array(a, cut_twice, true);
}

/* What the array itself has mapped, cut and kept. */
static void run_array_again(struct actor *a)
{
	static const struct array_op ops[ARRAY_OPS] = { MAP(3, 9, 1, 20), MAP(5, 7, 1, 22), UNMAP(4, 6) };

	array(a, ops, false);
}

/* Two leaves or three, in descending order: sections from left to right all the same. */
static void run_array_dense(struct actor *a)
{
	static const struct array_op ops[ARRAY_OPS] = { UNMAP(58, 62), MAP(41, 42, 1, 5), MAP(21, 22, 1, 6) };

	array(a, ops, false);
}

/* One section whose first operation is not its leftmost: an index is searched for a place in what is held. */
static void run_array_back(struct actor *a)
{
	static const struct array_op ops[ARRAY_OPS] = { UNMAP(30, 31), MAP(28, 30, 1, 8), MAP(26, 28, 1, 9) };

	array(a, ops, false);
}

/* Left of that section, and of what its first lock stands for. */
static void run_unmap_left(struct actor *a)
{
	unmap(a, 21, 23);
}

static void run_close(struct actor *a)
{
	struct event *mark = event_begin(a, EV_CLOSE_MARK), *clear = event_begin(a, EV_CLOSE_CLEAR);
	size_t n = gpuvm_vm_close(world.vm[0], a);

	event_end(mark, 0);
	event_end(clear, n);
}

const struct op space_ops[] = {
	{ "map", SPACE_OP | NEED_MAPS, run_map },
	{ "map_mid", SPACE_OP | NEED_MAPS, run_map_mid },
	{ "map_over", SPACE_OP | NEED_MAPS, run_map_over },
	{ "map_far", SPACE_OP | NEED_MAPS, run_map_far },
	{ "unmap_mid", SPACE_OP | NEED_MAPS, run_unmap_mid },
	{ "unmap_all", SPACE_OP | NEED_MAPS, run_unmap_all },
	{ "unmap_far", SPACE_OP | NEED_MAPS, run_unmap_far },
	{ "insert", SPACE_OP | NEED_MAPS, run_insert },
	{ "insert_mid", SPACE_OP | NEED_MAPS, run_insert_mid },
	{ "remove", SPACE_OP | NEED_MAPS, run_remove },
	{ "lookup", SPACE_OP | NEED_MAPS, run_lookup },
	{ "iterate", SPACE_OP | NEED_MAPS, run_iterate },
	{ "insert_dense", SPACE_OP | NEED_MAPS | NEED_DENSE, run_insert_dense },
	{ "map_dense", SPACE_OP | NEED_MAPS | NEED_DENSE, run_map_dense },
	{ "unmap_dense", SPACE_OP | NEED_MAPS | NEED_DENSE, run_unmap_dense },
	{ "lookup_dense", SPACE_OP | NEED_MAPS | NEED_DENSE, run_lookup_dense },
	{ "unmap_tail", SPACE_OP | NEED_MAPS | NEED_DENSE, run_unmap_tail },
	{ "insert_tail", SPACE_OP | NEED_MAPS | NEED_DENSE, run_insert_tail },
	{ "exec_range", NEED_MAPS, run_exec_range },
	{ "gem_life", NEED_MAPS | IMMEDIATE_ONLY | SPECIAL, run_gem_life },
	{ "bo_unmap", SPACE_OP | NEED_MAPS, run_bo_unmap },
	{ "mappings", SPACE_OP | NEED_MAPS, run_mappings },
	{ "array", SPACE_OP | NEED_MAPS, run_array },
	{ "array_fail", SPACE_OP | NEED_MAPS, run_array_fail },
	{ "array_again", SPACE_OP | NEED_MAPS, run_array_again },
	{ "array_dense", SPACE_OP | NEED_MAPS | NEED_DENSE, run_array_dense },
	{ "array_back", NEED_MAPS | NEED_DENSE, run_array_back },
	{ "unmap_left", NEED_MAPS | NEED_DENSE, run_unmap_left },
	{ "close", SPACE_OP | NEED_MAPS, run_close },
};
const unsigned int nr_space_ops = ARRAY_SIZE(space_ops);
