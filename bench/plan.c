/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * plan.c - from catalogue.def's cases, their keys and the options to a list of benchmarks.
 *
 * A case's benchmarks are ordered by everything but the strategies, so that the alternatives for one piece of work
 * stand together and make a group.
 */
#include "plan.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"

#define DECLARE_CASE(name, doc, busted) extern const struct bench_case bench_case_##name;
GPUVM__CASES(DECLARE_CASE)

static const struct {
	const char *name, *doc;
	const struct bench_case *c;
} cases[] = {
#define CASE_ROW(n, d, busted) { .name = #n, .doc = d, .c = &bench_case_##n },
	GPUVM__CASES(CASE_ROW)
};

#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

/* Linux's own code (bench/peer): cases of the same names, each an alternative in the groups of its namesake. */
#ifdef GPUVM_PEER
#define DECLARE_PEER(name, doc, busted) extern const struct bench_case bench_peer_##name;
GPUVM__PEERS(DECLARE_PEER)
#endif

static const struct {
	const char *name;
	const struct bench_case *c;
} peers[] = {
#ifdef GPUVM_PEER
#define PEER_ROW(n, d, busted) { .name = #n, .c = &bench_peer_##n },
	GPUVM__PEERS(PEER_ROW)
#endif
		{ .name = NULL },
};

static const struct {
	const char *name, *strategy[BENCH_AXES];
} presets[] = {
#define PRESET_ROW(n, list, space, ref, alloc, doc) { #n, { list, space, ref, alloc } },
	GPUVM__PRESETS(PRESET_ROW)
};

/* What stays the same while a plan is made. */
struct making {
	struct plan *plan;
	const struct options *o;
	regex_t re;
	const char *base[BENCH_AXES]; /* of axes that a case does not vary */
	const char *const *linux;
	size_t room;
	unsigned int group;
};

static const char *const *preset_strategies(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (!strcmp(presets[i].name, name))
			return presets[i].strategy;
	return NULL;
}

static int axis_of(const char *key)
{
	int axis;

	for (axis = 0; axis < (int)BENCH_AXES; axis++)
		if (!strcmp(key, gpuvm_axis_name((enum gpuvm_axis)axis)))
			return axis;
	return -1;
}

/* Can this build run it? A sanitizer build has no jemalloc. */
static bool supported(int axis, const char *value)
{
	struct gpuvm_device_params params = { .preset = "linux" };
	struct gpuvm_device *dev = NULL;
	const char **member[] = { &params.list, &params.space, &params.ref, &params.alloc };
	int ret;

	*member[axis] = value;
	ret = gpuvm_device_create(&params, &dev);
	gpuvm_device_put(dev);
	return !ret;
}

/* ---- the values of a key ---- */

static char *keep_word(struct plan *plan, const char *text, size_t len)
{
	char **words = realloc(plan->words, (plan->nr_words + 1) * sizeof(*words));
	char *word = strndup(text, len);

	if (words)
		plan->words = words;
	if (!words || !word) {
		free(word);
		return NULL;
	}
	return plan->words[plan->nr_words++] = word;
}

/* The @index-th word of a list of values; NULL past the end (or out of memory, which ends the plan early). */
static const char *listed_value(struct making *m, const struct bench_key *key, unsigned int index)
{
	const char *p = m->o->quick && key->quick ? key->quick : key->values;

	p += strspn(p, " ");
	for (; index && *p; index--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return *p ? keep_word(m->plan, p, strcspn(p, " ")) : NULL;
}

/* The @index-th strategy worth measuring; NULL past the end. */
static const char *axis_value(struct making *m, int axis, unsigned int index)
{
	const char *name;
	unsigned int i;

	if (m->o->preset)
		return index ? NULL : m->base[axis];
	for (i = 0; (name = gpuvm_strategy_name((enum gpuvm_axis)axis, i)); i++)
		if (!gpuvm_strategy_is_busted((enum gpuvm_axis)axis, i) && supported(axis, name) && !index--)
			return name;
	return NULL;
}

static const char *key_value(struct making *m, const struct bench_key *key, unsigned int index)
{
	int axis = axis_of(key->name);

	return axis >= 0 ? axis_value(m, axis, index) : listed_value(m, key, index);
}

/* ---- one benchmark ---- */

static void append(char *to, size_t size, const char *sep, const char *key, const char *value)
{
	size_t len = strlen(to);

	snprintf(to + len, size - len, "%s%s:%s", len ? sep : "", key, value);
}

static void name_bench(struct making *m, struct bench *b)
{
	const struct bench_key *key;
	char threads[16];
	int axis;
	unsigned int k;

	snprintf(b->name, sizeof(b->name), "%s", b->case_name);
	b->linux = true;
	for (k = 0; (key = &b->c->keys[k])->name; k++) {
		axis = axis_of(key->name);
		append(b->name, sizeof(b->name), "/", key->name, b->ctx.value[k]);
		if (axis >= 0) {
			append(b->strategy, sizeof(b->strategy), " ", key->name, b->ctx.value[k]);
			b->ctx.strategy[axis] = b->ctx.value[k];
			b->linux = b->linux && !strcmp(b->ctx.value[k], m->linux[axis]);
		} else if (!strcmp(key->name, "peer")) {
			append(b->strategy, sizeof(b->strategy), " ", key->name, b->ctx.value[k]);
		} else {
			append(b->point, sizeof(b->point), " ", key->name, b->ctx.value[k]);
		}
	}
	b->linux = b->linux && *b->strategy && !b->peer;
	snprintf(threads, sizeof(threads), "%u", b->ctx.threads);
	if (b->c->threads) {
		append(b->name, sizeof(b->name), "/", "threads", threads);
		append(b->point, sizeof(b->point), " ", "threads", threads);
	}
}

static int add_bench(struct making *m, const struct bench *model)
{
	struct plan *plan = m->plan;
	struct bench b = *model, *all;

	memcpy(b.ctx.strategy, m->base, sizeof(b.ctx.strategy));
	name_bench(m, &b);
	if (m->o->filter && regexec(&m->re, b.name, 0, NULL, 0))
		return 0;
	if (plan->nr == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		all = realloc(plan->b, m->room * sizeof(*all));
		if (!all)
			return -ENOMEM;
		plan->b = all;
	}
	b.group = m->group;
	b.window = calloc(m->o->windows, sizeof(*b.window));
	if (!b.window)
		return -ENOMEM;
	plan->b[plan->nr++] = b;
	return 0;
}

/* ---- the matrix: all keys that are no strategy, then threads, then the strategies ---- */

static int expand_keys(struct making *m, struct bench *b, unsigned int k, bool axes);

/* The peer of @b, if it has one, at the same point: its keys that are no strategy have @b's values. */
static int expand_peer(struct making *m, const struct bench *b)
{
	struct bench p = *b;
	const struct bench_key *key;
	unsigned int i, k;

	for (i = 0; peers[i].name && strcmp(peers[i].name, b->case_name); i++)
		;
	if (!peers[i].name)
		return 0;
	p.c = peers[i].c;
	p.peer = true;
	p.ctx.keys = p.c->keys;
	for (k = 0; (key = &p.c->keys[k])->name; k++) {
		p.ctx.value[k] = key->values;
		for (i = 0; b->c->keys[i].name; i++)
			if (!strcmp(b->c->keys[i].name, key->name))
				p.ctx.value[k] = b->ctx.value[i];
	}
	return expand_keys(m, &p, 0, true);
}

static int expand_threads(struct making *m, struct bench *b)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < (b->c->threads ? m->o->nr_threads : 1); i++) {
		b->ctx.threads = b->c->threads ? m->o->threads[i] : 1;
		m->group++;
		ret = expand_keys(m, b, 0, true);
		ret = ret ? ret : expand_peer(m, b);
	}
	return ret;
}

/* Key @k and those behind it; with @axes only the strategies, else only the others. */
static int expand_keys(struct making *m, struct bench *b, unsigned int k, bool axes)
{
	const struct bench_key *key = &b->c->keys[k];
	unsigned int i;
	int ret = 0;

	if (!key->name)
		return axes ? add_bench(m, b) : expand_threads(m, b);
	if ((axis_of(key->name) >= 0) != axes)
		return expand_keys(m, b, k + 1, axes);
	for (i = 0; !ret && (b->ctx.value[k] = key_value(m, key, i)); i++)
		ret = expand_keys(m, b, k + 1, axes);
	return ret;
}

/* The preset's strategies; what this build cannot run is replaced, aloud. */
static void choose_base(struct making *m)
{
	const char *const *from = preset_strategies(m->o->preset ? m->o->preset : "default");
	int axis;

	m->linux = preset_strategies("linux");
	for (axis = 0; axis < (int)BENCH_AXES; axis++) {
		m->base[axis] = from[axis];
		if (supported(axis, from[axis]))
			continue;
		m->base[axis] = m->linux[axis];
		fprintf(stderr, "gpuvm-bench: this build has no %s:%s, using %s instead\n",
			gpuvm_axis_name((enum gpuvm_axis)axis), from[axis], m->base[axis]);
	}
}

int plan_make(struct plan *plan, const struct options *o)
{
	struct making m = { .plan = plan, .o = o };
	size_t i;
	int ret = 0;

	memset(plan, 0, sizeof(*plan));
	plan->windows = o->windows;
	if (o->filter && regcomp(&m.re, o->filter, REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	choose_base(&m);
	for (i = 0; !ret && i < NR_CASES; i++) {
		struct bench b = { .c = cases[i].c, .case_name = cases[i].name, .case_doc = cases[i].doc };

		if (o->rank && strcmp(o->rank, b.case_name))
			continue;
		b.ctx.keys = b.c->keys;
		b.ctx.seed = o->seed;
		b.ctx.pin = o->pin;
		ret = expand_keys(&m, &b, 0, false);
	}
	if (o->filter)
		regfree(&m.re);
	return ret;
}

static void free_windows(struct bench *b, uint64_t room)
{
	uint64_t i;

	for (i = 0; i < room; i++)
		free(b->window[i].latency);
	free(b->window);
}

void plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++)
		free_windows(&plan->b[i], plan->windows);
	for (i = 0; i < plan->nr_words; i++)
		free(plan->words[i]);
	free(plan->words);
	free(plan->b);
}

bool plan_has_case(const char *name)
{
	size_t i;

	for (i = 0; i < NR_CASES; i++)
		if (!strcmp(cases[i].name, name))
			return true;
	return false;
}

void plan_print_cases(void)
{
	int column = 80;
	size_t i;

	for (i = 0; i < NR_CASES; i++) {
		if (column + (int)strlen(cases[i].name) > 78)
			column = fprintf(stderr, "%s   ", i ? "\n" : "");
		column += fprintf(stderr, " %s", cases[i].name);
	}
	fputs("\n", stderr);
}

unsigned int plan_max_threads(const struct plan *plan)
{
	unsigned int max = 1;
	size_t i;

	for (i = 0; i < plan->nr; i++)
		max = plan->b[i].ctx.threads > max ? plan->b[i].ctx.threads : max;
	return max;
}

void plan_list(const struct plan *plan)
{
	const char *last = "";
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		if (strcmp(last, plan->b[i].case_name))
			printf("# %s: %s\n", plan->b[i].case_name, plan->b[i].case_doc);
		last = plan->b[i].case_name;
		puts(plan->b[i].name);
	}
}
