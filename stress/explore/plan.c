/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * plan.c - every pair of operations on every strategy depth first, then random threads of random operations.
 *
 * The default plan, which `make test` runs: on each list strategy with each ref, all unordered pairs of list operations
 * (the search itself tries both orders) in both immediate modes, with external objects; on each space strategy all
 * unordered pairs of space operations; the staged modes, local objects and the pairs across the groups on the strategies
 * of the presets linux and default. Each pair complete to the bound, random schedules of it before that. --full takes every
 * combination.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static struct item *add(struct plan *plan, const struct config *config, enum item_kind kind, const char *scenario)
{
	struct item *item;

	if (plan->n == plan->room) {
		plan->room = plan->room ? 2 * plan->room : 1024;
		plan->items = realloc(plan->items, plan->room * sizeof(*plan->items));
		if (!plan->items)
			abort();
	}
	item = &plan->items[plan->n++];
	*item = (struct item){ .config = *config, .kind = kind };
	snprintf(item->scenario, sizeof(item->scenario), "%s", scenario);
	return item;
}

/* Is @name in the comma-separated @list? Without a list everything is. */
static bool chosen(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == len && !strncmp(list, name, n))
			return true;
		list += n + (list[n] == ',');
		if (!*list)
			return false;
	}
	return true;
}

static bool usable(enum gpuvm_axis axis, unsigned int i, const char *list)
{
	const char *name = gpuvm_strategy_name(axis, i);

	return chosen(list, name) && (list || !gpuvm_strategy_is_busted(axis, i));
}

static uint64_t rng;

static uint64_t draw(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static void set_policy(struct item *item, const struct choice *c)
{
	if (c->policy)
		snprintf(item->policy, sizeof(item->policy), "%s", c->policy);
	else
		snprintf(item->policy, sizeof(item->policy), "d%u", c->bound);
	item->limit = c->schedules;
}

/* Beside the search: what needs more preemptions than its bound. */
static void add_random(struct plan *plan, const struct choice *c, const struct config *config, const char *scenario)
{
	static const char *const kinds[] = { "p3.", "p4.", "r" };
	unsigned int i;

	if (c->policy || !c->random)
		return;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct item *item = add(plan, config, ITEM_RANDOM, scenario);

		snprintf(item->policy, sizeof(item->policy), "%s%llx", kinds[i], (unsigned long long)draw() >> 16);
		item->limit = c->random;
	}
}

/* ---- what is in the presets ---- */

static bool same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

/* The strategies of the two presets, linux's first: what the rest is combined with. */
static const char *preset_of(const char *preset, enum gpuvm_axis axis)
{
	static const char *names[2][GPUVM_AXIS_COUNT];
	const char **cached = &names[preset[0] == 'd'][axis];
	const struct gpuvm_device_params params = { .preset = preset, .alloc = "glibc" };
	struct gpuvm_device *dev;

	if (!*cached && !gpuvm_device_create(&params, &dev)) {
		*cached = gpuvm_device_strategy(dev, axis);
		gpuvm_device_put(dev);
	}
	return *cached ? *cached : gpuvm_strategy_name(axis, 0);
}

static bool in_preset(enum gpuvm_axis axis, const char *name)
{
	return same(name, preset_of("linux", axis)) || same(name, preset_of("default", axis));
}

/* ---- pairs ---- */

static bool goes(const struct config *config, const struct op *op)
{
	return !(op->needs & IMMEDIATE_ONLY) || (config->flags & GPUVM_VM_IMMEDIATE);
}

static void add_pair(struct plan *plan, const struct choice *c, const struct config *config, const struct op *a,
		     const struct op *b)
{
	char scenario[sizeof(((struct item *)0)->scenario)];

	if (!goes(config, a) || !goes(config, b))
		return;
	/* The many mappings take long to set up: only beside who looks for them. */
	if ((a->needs ^ b->needs) & NEED_DENSE && !c->full)
		return;
	snprintf(scenario, sizeof(scenario), "%s+%s", a->name, b->name);
	set_policy(add(plan, config, ITEM_PAIR, scenario), c);
	add_random(plan, c, config, scenario);
}

static void add_pairs(struct plan *plan, const struct choice *c, const struct config *config, const struct op *ops,
		      unsigned int n, unsigned int group)
{
	unsigned int i, k;

	for (i = 0; i < n; i++)
		for (k = i; k < n; k++)
			if ((ops[i].needs & group) && (ops[k].needs & group))
				add_pair(plan, c, config, &ops[i], &ops[k]);
}

static void add_cross(struct plan *plan, const struct choice *c, const struct config *config)
{
	unsigned int i, k;

	for (i = 0; i < nr_list_ops; i++)
		for (k = 0; k < nr_space_ops; k++)
			if ((list_ops[i].needs & LIST_OP) && (space_ops[k].needs & SPACE_OP))
				add_pair(plan, c, config, &list_ops[i], &space_ops[k]);
}

/* Lives of objects of one's own, three threads on one pair, and who meets them. */
static const char *const specials[] = {
	"gem_life+exec_range", "gem_life+iterate",    "gem_life+lookup",     "drop_gem+cleanup",
	"drop_gem+drop_gem",   "drop_gem+cycle",      "vm_life+evict",	     "vm_life+obtain",
	"cleanup_one+cycle",   "prealloc_drop+cycle", "unevict+validate",    "remove+lookup",
	"unevict+exec",	       "obtain+find+put",     "obtain+obtain+find",  "find+defer+cleanup",
	"other_keep+walk",     "find,find+put",	      "lookup+map_over+map", "lookup+unmap_mid+insert_mid",
	"array_back+unmap_left", "insert_tail,unmap_tail+iterate",
};

#define SPECIAL_LIMIT 800

static void add_specials(struct plan *plan, const struct choice *c, const struct config *config)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(specials); i++) {
		struct item *item;
		bool dense;

		world.config = *config;
		if (!scenario_parse(specials[i]))
			continue;
		dense = world.needs & NEED_DENSE; /* it is about the space, and takes long to set up */
		if (dense && !c->full && !in_preset(GPUVM_AXIS_LIST, config->list))
			continue;
		item = add(plan, config, ITEM_SPECIAL, specials[i]);
		set_policy(item, c);
		if (!c->policy && !dense) { /* some need one more: up to a point, and on; three threads have no end */
			snprintf(item->policy, sizeof(item->policy), "d%u", c->bound + 1);
			item->limit = strncmp(specials[i], "gem_life", 8) ? SPECIAL_LIMIT : 8 * SPECIAL_LIMIT;
		}
		add_random(plan, c, config, specials[i]);
	}
}

/* ---- random threads of random operations ---- */

static const struct op *random_op(const struct config *config, bool space)
{
	const struct op *op;

	do
		op = space && draw() % 3 ? &space_ops[draw() % nr_space_ops] : &list_ops[draw() % nr_list_ops];
	while (!goes(config, op) || (op->needs & SPECIAL));
	return op;
}

static void add_torture(struct plan *plan, const struct choice *c, const struct config *config, bool space)
{
	struct item *item = add(plan, config, ITEM_TORTURE, "");
	unsigned int t, i, threads = 2 + draw() % 2;
	const char *lazy = draw() % 4 ? "" : "l";
	size_t n = 0;

	for (t = 0; t < threads; t++)
		for (i = 0; i < 1 + t % 2; i++)
			n += snprintf(item->scenario + n, sizeof(item->scenario) - n, "%s%s",
				      i ? "," :
				      t ? "+" :
					  "",
				      random_op(config, space)->name);
	if (c->policy)
		snprintf(item->policy, sizeof(item->policy), "%s", c->policy);
	else if (draw() % 3 == 0)
		snprintf(item->policy, sizeof(item->policy), "r%llx%s", (unsigned long long)draw() >> 16, lazy);
	else
		snprintf(item->policy, sizeof(item->policy), "p%u.%llx%s", 2 + (unsigned int)(draw() % 3),
			 (unsigned long long)draw() >> 16, lazy);
	item->limit = 64;
}

/* ---- configurations ---- */

static void add_config(struct plan *plan, const struct choice *c, const struct config *config)
{
	bool plain_list = in_preset(GPUVM_AXIS_LIST, config->list),
	     first_space = same(config->space, preset_of("linux", GPUVM_AXIS_SPACE));
	bool first_list = same(config->list, preset_of("linux", GPUVM_AXIS_LIST));
	bool immediate = config->flags & GPUVM_VM_IMMEDIATE, resv = config->flags & GPUVM_VM_RESV_PROTECTED;
	bool main_mode = immediate && config->external, full = c->full;
	bool first_ref = same(config->ref, preset_of("linux", GPUVM_AXIS_REF));
	uint64_t i;

	if (c->scenario) {
		set_policy(add(plan, config, ITEM_PAIR, c->scenario), c);
		return;
	}
	if (full || (main_mode && ((first_space && (plain_list || first_ref)) || (first_list && first_ref))))
		add_specials(plan, c, config);
	if (full || (first_space && ((main_mode && (plain_list || first_ref)) || (plain_list && first_ref))))
		add_pairs(plan, c, config, list_ops, nr_list_ops, LIST_OP);
	if (full || (first_list && first_ref && (main_mode ? !resv : first_space)))
		add_pairs(plan, c, config, space_ops, nr_space_ops, SPACE_OP);
	if (full || (plain_list && main_mode && !resv && first_ref && in_preset(GPUVM_AXIS_SPACE, config->space)))
		add_cross(plan, c, config);
	for (i = 0; i < c->torture; i++)
		add_torture(plan, c, config, i % 2);
}

static void each_mode(struct plan *plan, const struct choice *c, struct config *config)
{
	unsigned int i, e;

	for (i = 0; i < CONFIG_MODES; i++) {
		config->flags = config_modes[i];
		for (e = 0; e < 2; e++) {
			config->external = !e;
			if (chosen(c->mode, mode_name(config_modes[i])) && chosen(c->gems, e ? "local" : "external"))
				add_config(plan, c, config);
		}
	}
}

/* Some strategies stand on code that the scheduler cannot look into; they say so. */
static bool runs_here(const struct config *config)
{
	const struct gpuvm_device_params params = {
		.preset = "linux", .list = config->list, .space = config->space, .ref = config->ref, .alloc = "glibc"
	};
	struct gpuvm_device *dev;
	int ret = gpuvm_device_create(&params, &dev);

	if (!ret)
		gpuvm_device_put(dev);
	return ret != -ENOTSUP;
}

static void sort(struct plan *plan)
{
	struct plan sorted = { 0 };
	enum item_kind kind;
	size_t i;

	for (kind = 0; kind < ITEM_KINDS; kind++)
		for (i = 0; i < plan->n; i++)
			if (plan->items[i].kind == kind)
				*add(&sorted, &plan->items[i].config, kind, "") = plan->items[i];
	free(plan->items);
	*plan = sorted;
}

void plan_make(struct plan *plan, const struct choice *c)
{
	struct config config;
	unsigned int l, s, r;

	rng = c->seed;
	for (l = 0; (config.list = gpuvm_strategy_name(GPUVM_AXIS_LIST, l)); l++)
		for (s = 0; (config.space = gpuvm_strategy_name(GPUVM_AXIS_SPACE, s)); s++)
			for (r = 0; (config.ref = gpuvm_strategy_name(GPUVM_AXIS_REF, r)); r++)
				if (usable(GPUVM_AXIS_LIST, l, c->list) && usable(GPUVM_AXIS_SPACE, s, c->space) &&
				    usable(GPUVM_AXIS_REF, r, c->ref) && runs_here(&config))
					each_mode(plan, c, &config);
	sort(plan);
}
