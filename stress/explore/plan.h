/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * plan.h - what to explore: a list of (configuration, scenario, policy, how many schedules).
 */
#ifndef STRESS_EXPLORE_PLAN_H
#define STRESS_EXPLORE_PLAN_H

#include "world.h"

/* In the order in which they are run: what finds most bugs soonest comes first. */
enum item_kind {
	ITEM_RANDOM, /* schedules of a pair, or of a special */
	ITEM_SPECIAL,
	ITEM_PAIR,
	ITEM_TORTURE,
	ITEM_KINDS
};

struct item {
	struct config config;
	char scenario[128];
	char policy[64];
	uint64_t limit; /* schedules; 0: until the search is complete */
	enum item_kind kind;
};

struct plan {
	struct item *items;
	size_t n, room;
};

/* What the user chose; a NULL or 0 means all there are, or the default. */
struct choice {
	const char *list, *space, *ref, *mode, *gems; /* comma-separated */
	const char *scenario, *policy;
	uint64_t seed, schedules, torture, random;
	unsigned int bound;
	bool full;
};

void plan_make(struct plan *plan, const struct choice *c);

#endif /* STRESS_EXPLORE_PLAN_H */
