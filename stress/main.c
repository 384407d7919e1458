/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * main.c - gpuvm-stress: every chosen scenario on every chosen combination of strategies, in turn.
 */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/output.h"
#include "../bench/save.h"
#include "../bench/stop.h"
#include "catalogue.h"
#include "run.h"
#include "watch.h"

#define DECLARE(name, doc, busted) extern const struct stress_scenario stress_##name;
GPUVM__SCENARIOS(DECLARE)

#define ENTRY(name, doc, busted) { #name, doc, &stress_##name, busted },
static const struct {
	const char *name, *doc;
	const struct stress_scenario *scenario;
	bool busted; /* runs only if it is named */
} scenarios[] = { GPUVM__SCENARIOS(ENTRY) };

#define NR_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* Is @name among the comma-separated @list (NULL: all)? */
static bool chosen(const char *list, const char *name)
{
	size_t n = strlen(name);
	const char *p;

	for (p = list; p && *p; p += *p == ',') {
		size_t len = strcspn(p, ",");

		if (len == n && !strncmp(p, name, n))
			return true;
		p += len;
	}
	return !list;
}

/* A name in --scenario that no scenario has. */
static bool unknown_scenario(const char *list)
{
	const char *p = list;
	size_t i, n;

	for (; p && *p; p += *p == ',') {
		n = strcspn(p, ",");
		for (i = 0; i < NR_SCENARIOS; i++)
			if (strlen(scenarios[i].name) == n && !strncmp(p, scenarios[i].name, n))
				break;
		if (i == NR_SCENARIOS) {
			fprintf(stderr, "gpuvm-stress: --scenario: no scenario '%.*s'; known:", (int)n, p);
			for (i = 0; i < NR_SCENARIOS; i++)
				if (!scenarios[i].busted)
					fprintf(stderr, " %s", scenarios[i].name);
			fputc('\n', stderr);
			return true;
		}
		p += n;
	}
	return false;
}

/* All runs, in order. */
struct plan {
	struct run *run;
	size_t nr, room;
};

static void plan_add(struct plan *p, const struct run *r)
{
	if (p->nr == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->run = realloc(p->run, p->room * sizeof(*p->run));
		if (!p->run) {
			fputs("gpuvm-stress: out of memory\n", stderr);
			exit(1);
		}
	}
	p->run[p->nr++] = *r;
}

/* The names to try on @axis: the chosen one, or for "all" every one that is not busted. */
static const char *axis_name(const struct options *o, enum gpuvm_axis axis, const char *preset_name, unsigned int i)
{
	const char *want = o->strategy[axis] ? o->strategy[axis] : preset_name;

	if (strcmp(want, "all"))
		return i == 0 ? want : NULL;
	return gpuvm_strategy_name(axis, i);
}

static bool skip_busted(const struct options *o, enum gpuvm_axis axis, unsigned int i)
{
	return o->strategy[axis] && !strcmp(o->strategy[axis], "all") && gpuvm_strategy_is_busted(axis, i);
}

/* Every combination, one axis after the other. */
static void plan_axis(struct plan *p, const struct options *o, struct run *r, const char *preset[4], unsigned int axis)
{
	const char **field[] = { &r->params.list, &r->params.space, &r->params.ref, &r->params.alloc };
	const char *name;
	unsigned int i;

	if (axis == GPUVM_AXIS_PRESET) {
		plan_add(p, r);
		return;
	}
	for (i = 0; (name = axis_name(o, axis, preset[axis], i)); i++) {
		if (skip_busted(o, axis, i))
			continue;
		*field[axis] = name;
		plan_axis(p, o, r, preset, axis + 1);
	}
}

/* Each scenario on each combination, once. */
static void plan_pass(struct plan *p, const struct options *o, const struct gpuvm_device_params *base, const char *preset[4])
{
	struct run r;
	size_t i;

	for (i = 0; i < NR_SCENARIOS; i++) {
		if (!chosen(o->scenario, scenarios[i].name) || (!o->scenario && scenarios[i].busted))
			continue;
		r = (struct run){ .name = scenarios[i].name, .scenario = scenarios[i].scenario, .params = *base };
		plan_axis(p, o, &r, preset, 0);
	}
}

static int make_plan(struct plan *p, const struct options *o)
{
	struct gpuvm_device_params base = { .preset = o->preset ? o->preset : "default" };
	const char *preset[4];
	struct gpuvm_device *dev;
	int ret;
	uint64_t rng = o->seed;
	size_t i;

	ret = gpuvm_device_create(&base, &dev);
	if (ret == -ENOTSUP) {
		/* A sanitizer build without jemalloc: the preset's other choices still stand. */
		base.alloc = "glibc";
		ret = gpuvm_device_create(&base, &dev);
	}
	if (ret)
		return ret;
	for (i = 0; i < 4; i++)
		preset[i] = gpuvm_device_strategy(dev, i);
	gpuvm_device_put(dev);
	for (i = 0; i < o->repeat; i++)
		plan_pass(p, o, &base, preset);
	for (i = 0; i < p->nr; i++) {
		/* A single run has the seed that was given, so that a printed seed repeats it. */
		p->run[i].seed = p->nr == 1 ? o->seed : rng_next(&rng);
		p->run[i].duration_ns = o->duration_ns / p->nr > 1000000 ? o->duration_ns / p->nr : 1000000;
	}
	return p->nr ? 0 : -ENOTSUP;
}

static void print_run(const struct run *r)
{
	static const char *const words[] = { "ok", "FAIL", "skipped" };

	fprintf(stderr, "%-16s list:%s space:%s ref:%s alloc:%s seed:%" PRIu64 " %s, %.2f M operations in %.1f s\n", r->name,
		r->params.list, r->params.space, r->params.ref, r->params.alloc, r->seed, words[r->verdict],
		(double)r->ops / 1e6, r->seconds);
}

static int write_json(const struct options *o, const struct plan *p, size_t ran)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);
	int ret;

	if (!f)
		return -1;
	fprintf(f, "{\n \"schema\": 1,\n \"version\": \"%s\",\n \"seed\": %" PRIu64 ",\n \"threads\": %" PRIu64 ",\n \"runs\": [",
		gpuvm_version(), o->seed, o->threads);
	for (i = 0; i < ran; i++) {
		const struct run *r = &p->run[i];

		fprintf(f,
			"%s\n  {\"scenario\": \"%s\", \"list\": \"%s\", \"space\": \"%s\", \"ref\": \"%s\", \"alloc\": \"%s\", "
			"\"seed\": %" PRIu64 ", \"operations\": %" PRIu64 ", \"seconds\": %.3f, "
			"\"ended\": %.3f, \"rss_kib\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64 "], \"live\": [%" PRId64 ", %" PRId64 "], "
			"\"verdict\": \"%s\"}",
			i ? "," : "", r->name, r->params.list, r->params.space, r->params.ref, r->params.alloc, r->seed, r->ops,
			r->seconds, r->ended, r->rss_kib[0], r->rss_kib[1], r->rss_kib[2], r->live[0], r->live[1],
			r->verdict == VERDICT_OK ? "ok" : r->verdict == VERDICT_FAIL ? "fail" : "skipped");
	}
	fputs("\n ]\n}\n", f);
	ret = fclose(f) ? -1 : save_file(o->json, text, size);
	if (ret)
		fprintf(stderr, "gpuvm-stress: --json=%s: %s\n", o->json, strerror(-ret));
	free(text);
	return ret;
}

static int run_all(const struct options *o, struct plan *p)
{
	size_t i, ok = 0, failed = 0, ran = 0;
	int written = 0;

	fprintf(stderr, "%s; %zu runs, %" PRIu64 " threads, %.1f s together, seed %" PRIu64 ", %s\n", gpuvm_version(), p->nr,
		o->threads, (double)o->duration_ns / 1e9, o->seed,
		gpuvm_debug_enabled() ? "debug build: all checks on" : "release build: fewer checks");
	for (i = 0; i < p->nr && !stop_asked() && !failed; i++) {
		run_one(&p->run[i], o);
		print_run(&p->run[i]);
		ran++;
		ok += p->run[i].verdict == VERDICT_OK;
		failed += p->run[i].verdict == VERDICT_FAIL;
	}
	if (o->json)
		written = write_json(o, p, ran);
	if (stop_asked())
		fprintf(stderr, "interrupted: %zu of %zu runs begun\n", ran, p->nr);
	if (!ok && !failed) {
		puts("SKIPPED: nothing could run on this build");
		return 4;
	}
	puts(failed || written ? "FAILURE" : "SUCCESS");
	return failed || written ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct plan plan = { 0 };
	struct options o;
	int ret;
	size_t i;

	output_checked("gpuvm-stress");
	setlocale(LC_NUMERIC, "C");
	ret = options_parse(&o, argc, argv);
	if (ret >= 0)
		return ret;
	if (o.list) {
		for (i = 0; i < NR_SCENARIOS; i++)
			if (!scenarios[i].busted)
				printf("%-16s %s%s\n", scenarios[i].name, scenarios[i].doc,
				       scenarios[i].scenario->debug_only ? " (debug build)" : "");
		return 0;
	}
	if (unknown_scenario(o.scenario))
		return 2;
	stop_catch_signals();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	gpuvm_thread_enter();
	ret = make_plan(&plan, &o);
	if (ret == -ENOTSUP) {
		fputs("gpuvm-stress: nothing to run\n", stderr);
		return 4;
	}
	if (ret) {
		fprintf(stderr, "gpuvm-stress: cannot create a device: %s\n", strerror(-ret));
		puts("FAILURE");
		return 1;
	}
	ret = watch_start(&o);
	if (ret) {
		fprintf(stderr, "gpuvm-stress: cannot start the watchdog: %s\n", strerror(ret));
		puts("FAILURE");
		return 1;
	}
	ret = run_all(&o, &plan);
	watch_stop();
	free(plan.run);
	gpuvm_thread_leave();
	return ret;
}
