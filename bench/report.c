/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * report.c - benchmarks as Google Benchmark sees them: one repetition is one window.
 *
 * The library runs benchmark after benchmark, which is not how alternatives must be compared; so its first call for a
 * group measures the whole group interleaved, and the others are answered from what was measured.
 */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gb_shim.h"
#include "machine.h"
#include "summary.h"
#include "version.h"

#define MAX_COUNTERS (12 + GPUVM_STAT_COUNT)

struct asked {
	struct run *run;
	size_t index;
	struct gb_counter counters[MAX_COUNTERS];
	size_t nr;
};

static void add_counter(struct asked *a, const char *name, double value)
{
	if (isfinite(value) && a->nr < MAX_COUNTERS)
		a->counters[a->nr++] = (struct gb_counter){ name, value };
}

static bool moved(const struct bench *b, unsigned int stat)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (b->window[i].stats.v[stat])
			return true;
	return false;
}

/*
 * The core's counters as they are; allocations have names of their own. A counter that stayed 0 says nothing; one that
 * moved in any window is in all of them, else the library would average over the others only.
 */
static void add_stats(struct asked *a, const struct bench *b, const struct bench_window *w)
{
	unsigned int i;

	add_counter(a, "allocs_per_op", per_op(w, GPUVM_STAT_ALLOC));
	add_counter(a, "bytes_per_op", per_op(w, GPUVM_STAT_ALLOC_BYTES));
	for (i = 0; i < GPUVM_STAT_COUNT; i++)
		if (i != GPUVM_STAT_ALLOC && i != GPUVM_STAT_ALLOC_BYTES && moved(b, i))
			add_counter(a, gpuvm_stat_name(i), per_op(w, (enum gpuvm_stat)i));
}

static void fill(struct asked *a, const struct bench *b, const struct bench_window *w)
{
	a->nr = 0;
	add_counter(a, "ns_per_op", w->ns_per_op);
	add_counter(a, "ops_per_second", w->ops_per_second);
	add_counter(a, "cpu_ns_per_op", w->cpu_ns_per_op);
	add_counter(a, "ops", (double)w->ops);
	add_counter(a, "overlap", w->overlap);
	add_counter(a, "fairness", w->fairness);
	add_counter(a, "jain", w->jain);
	add_counter(a, "discarded_windows", b->discarded);
	if (w->apart)
		add_counter(a, "overlap_too_low", 1);
	if (b->ctx.threads > machine_cpus())
		add_counter(a, "oversubscribed", 1);
	add_stats(a, b, w);
}

/* Google Benchmark wants repetition @rep of one benchmark. */
static void answer(void *arg, unsigned int rep, struct gb_sample *out)
{
	struct asked *a = arg;
	const struct bench *b = &a->run->plan->b[a->index];

	run_until(a->run, a->index);
	if (b->status == BENCH_FAILED) {
		out->error = b->ctx.why;
		return;
	}
	if (b->status != BENCH_OK || rep >= b->nr) {
		out->absent = 1;
		return;
	}
	fill(a, b, &b->window[rep]);
	out->real_ns = b->window[rep].ns_per_op;
	out->cpu_ns = b->window[rep].cpu_ns_per_op;
	out->counters = a->counters;
	out->nr = a->nr;
}

struct pair {
	const char *key;
	char value[256];
};

static size_t describe(const struct options *o, struct pair *p)
{
	const struct pair pairs[] = {
		{ "gpuvm_version", GPUVM_VERSION_GIT },
		{ "machine", "" },
		{ "cpu_model", "" },
		{ "rcu_flavour", "" },
		{ "compiler", __VERSION__ },
		{ "libraries", "" },
		{ "profile", "" },
		{ "preset", "" },
		{ "pinning", "" },
		{ "seed", "" },
		{ "windows", "" },
		{ "window_ns", "" },
		{ "debug_checks", "" },
	};
	size_t n = sizeof(pairs) / sizeof(pairs[0]), i = 1;

	memcpy(p, pairs, sizeof(pairs));
	snprintf(p[i++].value, sizeof(p->value), "%s", machine_slug());
	snprintf(p[i++].value, sizeof(p->value), "%s", machine_model());
	snprintf(p[i++].value, sizeof(p->value), "%s", gpuvm_rcu_flavour());
	i++;
	snprintf(p[i++].value, sizeof(p->value), "%s", machine_libs());
	snprintf(p[i++].value, sizeof(p->value), "%s", o->quick ? "quick" : "full");
	snprintf(p[i++].value, sizeof(p->value), "%s", o->preset ? o->preset : "all strategies, others from default");
	snprintf(p[i++].value, sizeof(p->value), "%s", o->pin ? "core" : "none");
	snprintf(p[i++].value, sizeof(p->value), "%" PRIu64, o->seed);
	snprintf(p[i++].value, sizeof(p->value), "%" PRIu64, o->windows);
	snprintf(p[i++].value, sizeof(p->value), "%" PRIu64, o->duration_ns / o->windows);
	snprintf(p[i++].value, sizeof(p->value), "%s", gpuvm_debug_enabled() ? "on" : "off");
	return n;
}

/* Values come from /proc, uname and the compiler: quotes and control characters are dropped rather than escaped. */
static void clean(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != '"' && *text != '\\' && (unsigned char)*text >= ' ')
			*to++ = *text;
	*to = 0;
}

char *report_header(const struct options *o)
{
	struct pair pairs[16];
	size_t n = describe(o, pairs), i, size = 16 + n * (sizeof(pairs[0].value) + 64), len = 0;
	char *text = malloc(size);

	if (!text)
		return NULL;
	for (i = 0; i < n; i++) {
		clean(pairs[i].value);
		len += (size_t)snprintf(text + len, size - len, "%s\"%s\": \"%s\"", i ? ", " : "{", pairs[i].key,
					pairs[i].value);
	}
	snprintf(text + len, size - len, "}");
	return text;
}

char *report_run(struct run *run, size_t *size)
{
	struct asked *asked = calloc(run->plan->nr, sizeof(*asked));
	struct pair pairs[16];
	size_t n = describe(run->o, pairs), i;
	char *json;

	if (!asked)
		return NULL;
	for (i = 0; i < n; i++) {
		clean(pairs[i].value);
		gb_context(pairs[i].key, pairs[i].value);
	}
	for (i = 0; i < run->plan->nr; i++) {
		asked[i].run = run;
		asked[i].index = i;
		gb_register(run->plan->b[i].name, run->plan->b[i].ctx.threads, (unsigned int)run->o->windows, answer,
			    &asked[i]);
	}
	json = gb_run(machine_slug(), size);
	free(asked);
	return json;
}
