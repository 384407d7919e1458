/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.c - what a scenario and its configuration are; set up, run one schedule, check (checks.c, history.c), tear down.
 */
#include <stdio.h>
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
		.flags = w->config.flags,
		.range = PAGES * PAGE,
		.page_size = PAGE,
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
