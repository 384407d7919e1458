/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.c - set up, run one schedule, check what must hold when all is quiet, tear down.
 *
 * At quiescence: at most one live bo per pair and the one that is held (I2); on the extobj list exactly the live external
 * ones; evicted ones validated exactly once; the history explained; every object gone after the end, every bo's driver
 * data freed once, nothing locked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct world world;

/* Two for all; with the 24 single pages that follow there are two leaves of space:leaf, a full one and one of three. */
#define ONE(page)                            \
	{                                    \
		page, page + 1, 0, page % 32 \
	}
const struct initial_map initial_maps[] = {
	{ 2, 6, 0, 0 }, { 8, 10, 0, 8 }, ONE(16), ONE(18), ONE(20), ONE(22), ONE(24), ONE(26), ONE(28),
	ONE(30),	ONE(32),	 ONE(34), ONE(36), ONE(38), ONE(40), ONE(42), ONE(44), ONE(46),
	ONE(48),	ONE(50),	 ONE(52), ONE(54), ONE(56), ONE(58), ONE(60), ONE(62),
};

unsigned int nr_initial_maps(const struct world *w)
{
	return w->needs & NEED_DENSE ? ARRAY_SIZE(initial_maps) : 2;
}

/* What is looked up when all is quiet. */
static const unsigned int final_pages[] = { 2,	3,  4,	5,  6,	7,  8,	9,  10, 12, 13,
					    14, 20, 21, 22, 26, 27, 28, 29, 30, 40, 41, 42, 58, 59, 60, 62 };

/* ---- configurations ---- */

const uint32_t config_modes[CONFIG_MODES] = { GPUVM_VM_IMMEDIATE, GPUVM_VM_IMMEDIATE | GPUVM_VM_RESV_PROTECTED, 0,
				  GPUVM_VM_RESV_PROTECTED };

const char *mode_name(uint32_t flags)
{
	static const char *const names[] = { "staged", "staged-resv", "immediate", "immediate-resv" };

	return names[flags & 3];
}

const char *config_name(const struct config *c)
{
	static char buf[256];

	snprintf(buf, sizeof(buf), "%s/%s/%s/%s/%s", c->list, c->space, c->ref, mode_name(c->flags),
		 c->external ? "external" : "local");
	return buf;
}

static bool known(enum gpuvm_axis axis, const char *want)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = gpuvm_strategy_name(axis, i)) && strcmp(name, want); i++)
		;
	return name;
}

bool config_parse(char *text, struct config *c)
{
	const char *part[5];
	unsigned int i;

	for (i = 0; i < 5; i++)
		if (!(part[i] = strtok(i ? NULL : text, "/")))
			return false;
	*c = (struct config){ .list = part[0], .space = part[1], .ref = part[2] };
	if (!known(GPUVM_AXIS_LIST, c->list) || !known(GPUVM_AXIS_SPACE, c->space) || !known(GPUVM_AXIS_REF, c->ref))
		return false;
	for (i = 0; i < CONFIG_MODES && strcmp(mode_name(config_modes[i]), part[3]); i++)
		;
	if (i == CONFIG_MODES || (strcmp(part[4], "external") && strcmp(part[4], "local")))
		return false;
	c->flags = config_modes[i];
	c->external = part[4][0] == 'e';
	return true;
}

bool immediate(void)
{
	return world.config.flags & GPUVM_VM_IMMEDIATE;
}

/* ---- scenarios ---- */

bool scenario_parse(const char *text)
{
	struct world *w = &world;
	struct actor *a = &w->actor[0];

	w->nr_actors = 1;
	w->needs = 0;
	a->nr_ops = 0;
	for (;;) {
		size_t len = strcspn(text, ",+");
		const struct op *op = op_find(text, len);

		if (!op || a->nr_ops == MAX_OPS || ((op->needs & IMMEDIATE_ONLY) && !immediate()))
			return false;
		a->ops[a->nr_ops++] = op;
		w->needs |= op->needs;
		text += len;
		if (!*text)
			return true;
		if (*text++ == '+') {
			if (w->nr_actors == SCHED_THREADS)
				return false;
			a = &w->actor[w->nr_actors++];
			a->nr_ops = 0;
		}
	}
}

/* ---- the driver ---- */

static int bo_alloc(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	*(uint64_t *)data = 0xb0b0b0b0;
	world.bos++;
	return 0;
}

static void bo_free(struct gpuvm_vm *vm, struct gpuvm_gem *gem, void *data)
{
	if (*(uint64_t *)data != 0xb0b0b0b0)
		sched_fail("bo_free of a bo that is not alive");
	*(uint64_t *)data = 0;
	world.bos--;
	if (immediate() && gpuvm_debug_locks_held())
		sched_fail("bo_free is called under a lock (I5)");
}

static int bo_validate(struct gpuvm_bo *bo, void *priv)
{
	world.validated++;
	return 0;
}

uint64_t step_code(unsigned int nth, int type, unsigned int lo, unsigned int hi, unsigned int tag, bool keep, bool prev,
		   bool next)
{
	uint64_t v = nth;

	v = v * 4 + type;
	v = v * 128 + lo;
	v = v * 128 + hi;
	v = v * 512 + tag;
	v = v * 8 + keep * 4 + prev * 2 + next;
	return (v + 1) * 0x9e3779b97f4a7c15ull ^ (v >> 7);
}

static unsigned int gem_index(const struct gpuvm_gem *gem)
{
	return gem == world.gem[1];
}

/* A step of a request, or of that operation of an array whose turn it is. */
static int told(struct actor *a, int type, unsigned int lo, unsigned int hi, unsigned int tag, bool keep, bool prev, bool next)
{
	struct event *e = a->array ? a->array[a->bind.at] : NULL;

	a->nr_steps++;
	if (type == STEP_MAP && a->fail_map)
		return -EIO;
	if (e)
		e->steps += step_code(e->nr_steps++, type, lo, hi, tag, keep, prev, next);
	else
		a->steps += step_code(a->nr_steps - 1, type, lo, hi, tag, keep, prev, next);
	return 0;
}

static int step(struct actor *a, int type, const struct gpuvm_va *va, bool keep, bool prev, bool next)
{
	unsigned int lo = gpuvm_va_addr(va) / PAGE, hi = lo + gpuvm_va_range(va) / PAGE;

	if (!a)
		return 0;
	return told(a, type, lo, hi, TAG(gem_index(gpuvm_va_gem(va)), gpuvm_va_offset(va) / PAGE), keep, prev, next);
}

static void sm_undo(const struct gpuvm_op *op, void *priv)
{
	((struct actor *)priv)->nr_undone++;
}

static int sm_map(const struct gpuvm_op *op, void *priv)
{
	unsigned int lo = op->map.addr / PAGE, hi = lo + op->map.range / PAGE;

	return told(priv, STEP_MAP, lo, hi, TAG(gem_index(gpuvm_bo_gem(op->map.bo)), op->map.offset / PAGE), false, false,
		    false);
}

static int sm_remap(const struct gpuvm_op *op, void *priv)
{
	return step(priv, STEP_REMAP, op->remap.unmap->va, op->remap.unmap->keep, op->remap.prev, op->remap.next);
}

static int sm_unmap(const struct gpuvm_op *op, void *priv)
{
	return step(priv, STEP_UNMAP, op->unmap.va, op->unmap.keep, false, false);
}

const struct gpuvm_driver explore_driver = {
	.bo_data = sizeof(uint64_t),
	.bo_alloc = bo_alloc,
	.bo_free = bo_free,
	.bo_validate = bo_validate,
	.sm_step_map = sm_map,
	.sm_step_remap = sm_remap,
	.sm_step_unmap = sm_unmap,
	.sm_step_undo = sm_undo,
};

const struct gpuvm_driver explore_driver_in_place = {
	.bo_data = sizeof(uint64_t),
	.bo_alloc = bo_alloc,
	.bo_free = bo_free,
	.bo_validate = bo_validate,
	.sm_step_map = sm_map,
	.sm_step_remap = sm_remap,
	.sm_step_unmap = sm_unmap,
	.sm_step_undo = sm_undo,
	.remap_in_place = true,
};

/* ---- what operations do ---- */

struct event *event_begin(struct actor *a, enum event_kind kind)
{
	struct world *w = &world;
	struct event *e = &w->event[w->nr_events];

	if (w->nr_events++ == MAX_EVENTS)
		sched_fail("a history of more than %d events", MAX_EVENTS);
	*e = (struct event){ .kind = kind, .thread = a ? a->id : SCHED_THREADS, .call = sched_now() };
	return e;
}

void event_end(struct event *e, int result)
{
	e->result = result;
	e->ret = sched_now();
}

struct gpuvm_exec *locks_take(unsigned int vm)
{
	struct gpuvm_exec *exec;
	unsigned int i;
	int ret;

	if (immediate())
		return NULL;
	exec = gpuvm_exec_create(world.vm[vm]);
	sched_check(exec);
	do {
		ret = gpuvm_exec_lock(exec);
		for (i = 0; i < GEMS && !ret; i++)
			if (!gpuvm_exec_holds(exec, world.gem[i]))
				ret = gpuvm_exec_lock_gem(exec, world.gem[i]);
	} while (ret == -EDEADLK);
	sched_check(ret == 0);
	return exec;
}

void locks_drop(struct gpuvm_exec *exec)
{
	gpuvm_exec_destroy(exec);
}

static struct event *pair_event(struct actor *a, enum event_kind kind, unsigned int vm, unsigned int gem)
{
	struct event *e = event_begin(a, kind);

	e->vm = vm;
	e->gem = gem;
	return e;
}

struct gpuvm_bo *do_obtain(struct actor *a, unsigned int vm, unsigned int gem)
{
	struct gpuvm_exec *exec = locks_take(vm);
	struct event *e = pair_event(a, EV_OBTAIN, vm, gem);
	struct gpuvm_bo *bo = NULL;
	int ret;

	ret = gpuvm_obtain(world.vm[vm], world.gem[gem], &bo);
	sched_check(ret == 0 && bo);
	e->bo = bo;
	event_end(e, 0);
	locks_drop(exec);
	sched_check(gpuvm_bo_vm(bo) == world.vm[vm] && gpuvm_bo_gem(bo) == world.gem[gem]);
	sched_check(*(uint64_t *)gpuvm_bo_data(bo) == 0xb0b0b0b0);
	return bo;
}

struct gpuvm_bo *do_find(struct actor *a, unsigned int vm, unsigned int gem)
{
	struct gpuvm_exec *exec = locks_take(vm);
	struct event *e = pair_event(a, EV_FIND, vm, gem);
	struct gpuvm_bo *bo = gpuvm_bo_find(world.vm[vm], world.gem[gem]);

	e->bo = bo;
	event_end(e, 0);
	locks_drop(exec);
	return bo;
}

void do_put(struct actor *a, struct gpuvm_bo *bo, unsigned int vm, unsigned int gem, bool deferred)
{
	struct gpuvm_exec *exec = locks_take(vm);
	struct event *e = pair_event(a, EV_PUT, vm, gem);
	bool last;

	e->bo = bo;
	if (deferred && immediate()) {
		gpuvm_debug_signalling_begin();
		last = gpuvm_bo_put_deferred(bo);
		gpuvm_debug_signalling_end();
	} else {
		last = gpuvm_bo_put(bo);
	}
	event_end(e, last);
	locks_drop(exec);
}

void own(struct gpuvm_bo *bo, unsigned int vm, unsigned int gem)
{
	struct world *w = &world;

	sched_check(w->nr_own < MAX_OWN);
	w->own[w->nr_own].bo = bo;
	w->own[w->nr_own].vm = vm;
	w->own[w->nr_own++].gem = gem;
}

struct gpuvm_bo *given(struct actor *a)
{
	sched_check(a->nr_given);
	return a->given[--a->nr_given];
}

/* ---- set up ---- */

static void create(void)
{
	struct world *w = &world;
	const struct gpuvm_device_params params = { .preset = "linux",
						    .list = w->config.list,
						    .space = w->config.space,
						    .ref = w->config.ref,
						    .alloc = "glibc" };
	const struct gpuvm_vm_params vm = {
		.flags = w->config.flags, .range = PAGES * PAGE, .page_size = PAGE,
		/* Mappings that are cut stay in half of the modes. (In arrays they never do.) */
		.driver = w->config.flags & GPUVM_VM_RESV_PROTECTED ? &explore_driver : &explore_driver_in_place,
	};
	struct gpuvm_gem_params gem = { .size = 64 * PAGE };
	unsigned int i;

	sched_check(gpuvm_device_create(&params, &w->dev) == 0);
	for (i = 0; i < VMS; i++)
		sched_check(gpuvm_vm_create(w->dev, &vm, &w->vm[i]) == 0);
	gem.vm = w->config.external ? NULL : w->vm[0];
	for (i = 0; i < GEMS; i++)
		sched_check(gpuvm_gem_create(w->dev, &gem, &w->gem[i]) == 0);
}

static void give_refs(void)
{
	struct world *w = &world;
	unsigned int i, n;

	for (i = 0; i < w->nr_actors; i++)
		for (n = 0; n < w->actor[i].nr_ops; n++)
			if (w->actor[i].ops[n]->needs & NEED_REF)
				w->actor[i].given[w->actor[i].nr_given++] = do_obtain(NULL, 0, 0);
}

static void stock(struct actor *a)
{
	sched_check(gpuvm_sm_prepare(world.vm[0], &a->sm, GPUVM_SM_MAP_VAS) == 0);
	a->va = gpuvm_va_alloc_create(world.vm[0]);
	sched_check(a->va);
	a->sm.priv = a;
}

static void insert(const struct initial_map *m)
{
	struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(world.vm[0]);
	const struct gpuvm_map_req req = {
		.addr = m->lo * PAGE, .range = (m->hi - m->lo) * PAGE, .offset = m->off * PAGE, .bo = world.keep[m->gem]
	};
	struct gpuvm_exec *exec = locks_take(0);

	sched_check(gpuvm_va_insert(world.vm[0], va, &req) == 0);
	locks_drop(exec);
}

static void evict(bool on)
{
	gpuvm_resv_lock(gpuvm_gem_resv(world.gem[0]));
	gpuvm_gem_evict(world.gem[0], on);
	gpuvm_resv_unlock(gpuvm_gem_resv(world.gem[0]));
}

static void prepare(void)
{
	struct world *w = &world;
	unsigned int i;

	if (w->needs & NEED_MAPS) {
		for (i = 0; i < GEMS; i++)
			w->keep[i] = do_obtain(NULL, 0, i);
		for (i = 0; i < nr_initial_maps(w); i++)
			insert(&initial_maps[i]);
	}
	give_refs();
	if (w->needs & NEED_OTHER)
		own(do_obtain(NULL, 1, 0), 1, 0);
	if (w->needs & NEED_EVICTED) {
		own(do_obtain(NULL, 0, 0), 0, 0);
		evict(true);
	}
	if ((w->needs & NEED_ZOMBIE) && immediate())
		do_put(NULL, do_obtain(NULL, 0, 1), 0, 1, true);
	if (w->needs & NEED_MAPS)
		for (i = 0; i < w->nr_actors; i++)
			stock(&w->actor[i]);
}

/* ---- checks ---- */

/* I2: at most one bo per VM on the list, and every bo that is held is on it. */
static void check_list(unsigned int gem)
{
	struct world *w = &world;
	struct gpuvm_bo *bo = NULL, *of[VMS] = { 0 };
	unsigned int vm, i;

	while ((bo = gpuvm_gem_next_bo(w->gem[gem], bo))) {
		for (vm = 0; vm < VMS && w->vm[vm] != gpuvm_bo_vm(bo); vm++)
			;
		sched_check(vm < VMS && gpuvm_bo_gem(bo) == w->gem[gem]);
		if (of[vm])
			sched_fail("two live bos of one pair (I2)");
		of[vm] = bo;
	}
	for (i = 0; i < w->nr_own; i++)
		if (w->own[i].gem == gem && of[w->own[i].vm] != w->own[i].bo)
			sched_fail("a bo that is held is not on its GEM's list (I2)");
}

/* The lists of vm 0: a submission locks exactly the live external objects, and validates what is evicted, once. */
static void check_submission(void)
{
	struct world *w = &world;
	struct gpuvm_exec *exec = gpuvm_exec_create(w->vm[0]);
	struct gpuvm_bo *bo[GEMS];
	unsigned int i, evicted = 0, stale;
	struct gpuvm_exec *locks;

	sched_check(exec);
	for (i = 0; i < GEMS; i++) {
		locks = locks_take(0);
		bo[i] = gpuvm_bo_find(w->vm[0], w->gem[i]);
		evicted += bo[i] && gpuvm_bo_evicted(bo[i]);
		locks_drop(locks);
	}
	sched_check(gpuvm_exec_lock(exec) == 0);
	for (i = 0; i < GEMS && w->config.external; i++)
		if (gpuvm_exec_holds(exec, w->gem[i]) != !!bo[i])
			sched_fail("object %u is %s and %s the extobj list", i, bo[i] ? "live" : "dead",
				   bo[i] ? "not on" : "on");
	w->validated = 0;
	sched_check(gpuvm_exec_validate(exec, NULL) == 0);
	/* An external object's mark may be taken back without the VM's reservation, its entry not: Linux, too, validates it. */
	stale = w->config.external && gpuvm_vm_resv_protected(w->vm[0]) ? GEMS : 0;
	if (w->validated < evicted || w->validated > evicted + stale)
		sched_fail("%u bos are evicted, %u were validated", evicted, w->validated);
	w->validated = 0;
	sched_check(gpuvm_exec_validate(exec, NULL) == 0);
	if (w->validated)
		sched_fail("a bo is validated again");
	gpuvm_exec_destroy(exec);
	for (i = 0; i < GEMS; i++) {
		locks = locks_take(0);
		gpuvm_bo_put(bo[i]);
		locks_drop(locks);
	}
}

static void check_quiet(void)
{
	unsigned int i;

	for (i = 0; i < GEMS; i++) {
		struct gpuvm_exec *exec = locks_take(0);

		check_list(i);
		locks_drop(exec);
	}
	check_submission();
}

static void check_nothing_left(const int64_t *before)
{
	unsigned int i;

	for (i = 0; i < GPUVM_TYPE_COUNT; i++)
		if (gpuvm_debug_live(i) != before[i])
			sched_fail("%lld %s left over", (long long)(gpuvm_debug_live(i) - before[i]),
				   gpuvm_debug_type_name(i));
	if (world.bos)
		sched_fail("bo_free was called %d times too few", world.bos);
	sched_check(gpuvm_debug_locks_held() == 0);
}

/* ---- tear down ---- */

static void release(void)
{
	struct world *w = &world;
	unsigned int i;

	for (i = 0; i < w->nr_actors; i++) {
		gpuvm_sm_release(&w->actor[i].sm);
		gpuvm_bind_release(&w->actor[i].bind);
		gpuvm_va_alloc_destroy(w->actor[i].va);
	}
	/* What lookups say in the end belongs to the history, too. */
	for (i = 0; i < ARRAY_SIZE(final_pages) && (w->needs & NEED_MAPS); i++)
		do_lookup(NULL, final_pages[i]);
	for (i = 0; i < w->nr_own; i++)
		do_put(NULL, w->own[i].bo, w->own[i].vm, w->own[i].gem, i % 2);
	for (i = 0; i < GEMS; i++)
		if (w->keep[i]) {
			struct gpuvm_exec *exec = locks_take(0);

			gpuvm_bo_put(w->keep[i]);
			locks_drop(exec);
		}
}

static void destroy(void)
{
	struct world *w = &world;
	unsigned int i;

	for (i = 0; i < VMS; i++)
		gpuvm_vm_close(w->vm[i], NULL);
	for (i = 0; i < GEMS; i++)
		gpuvm_gem_put(w->gem[i]);
	for (i = 0; i < VMS; i++)
		gpuvm_vm_put(w->vm[i]);
	gpuvm_device_put(w->dev);
	gpuvm_quiesce();
}

/* ---- a schedule ---- */

static void actor_main(void *arg)
{
	struct actor *a = arg;
	unsigned int i;

	gpuvm_thread_enter();
	for (i = 0; i < a->nr_ops; i++) {
		sched_doing(a->ops[i]->name);
		a->ops[i]->run(a);
		sched_check(gpuvm_debug_locks_held() == 0);
	}
	gpuvm_thread_leave();
}

static void reset(void)
{
	struct world *w = &world;
	struct gpuvm_stats stats;
	unsigned int i;

	w->nr_own = w->nr_events = w->validated = 0;
	w->bos = 0;
	gpuvm_stats_read(&stats);
	w->space_fast = stats.v[GPUVM_STAT_SPACE_FAST];
	memset(w->keep, 0, sizeof(w->keep));
	for (i = 0; i < w->nr_actors; i++) {
		struct actor *a = &w->actor[i];

		a->w = w;
		a->id = i;
		a->nr_given = a->nr_steps = 0;
		a->steps = 0;
		a->fail_map = false;
		a->array = NULL;
		a->va = NULL;
		memset(&a->sm, 0, sizeof(a->sm));
		memset(&a->bind, 0, sizeof(a->bind));
	}
}

void scenario_run(struct sched_policy *p)
{
	void (*fn[SCHED_THREADS])(void *);
	void *arg[SCHED_THREADS];
	int64_t before[GPUVM_TYPE_COUNT];
	unsigned int i;

	sched_reset(p);
	gpuvm_thread_enter();
	reset();
	for (i = 0; i < GPUVM_TYPE_COUNT; i++)
		before[i] = gpuvm_debug_live(i);
	create();
	prepare();
	for (i = 0; i < world.nr_actors; i++) {
		fn[i] = actor_main;
		arg[i] = &world.actor[i];
	}
	sched_run(world.nr_actors, fn, arg);
	check_quiet();
	release();
	history_check(&world);
	destroy();
	check_nothing_left(before);
	gpuvm_thread_leave();
}
