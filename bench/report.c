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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gb_shim.h"
#include "latency.h"
#include "machine.h"
#ifdef GPUVM_PEER
#include "peer/peer.h"
#endif
#include "summary.h"
#include "version.h"

#define MAX_COUNTERS (15 + GPUVM_STAT_COUNT)

struct asked {
	struct run *run;
	size_t index;
	struct gb_counter counters[MAX_COUNTERS];
	size_t nr;
	char *histogram; /* of the window last answered */
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

	if (b->peer)
		return; /* not the core's work */
	add_counter(a, "allocs_per_op", per_op(w, GPUVM_STAT_ALLOC));
	add_counter(a, "bytes_per_op", per_op(w, GPUVM_STAT_ALLOC_BYTES));
	for (i = 0; i < GPUVM_STAT_COUNT; i++)
		if (i != GPUVM_STAT_ALLOC && i != GPUVM_STAT_ALLOC_BYTES && moved(b, i))
			add_counter(a, gpuvm_stat_name(i), per_op(w, (enum gpuvm_stat)i));
}

/* The windows' samples together: one window has too few for a tail. So these are the same in each. */
static void add_latencies(struct asked *a, const struct bench *b)
{
	struct latencies l = latencies(b);

	if (!l.samples)
		return;
	add_counter(a, "p50_ns", l.p50);
	add_counter(a, "p99_ns", l.p99);
	if (l.p999 > 0)
		add_counter(a, "p999_ns", l.p999);
	add_counter(a, "max_ns", l.max);
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
	add_latencies(a, b);
	add_stats(a, b, w);
	free(a->histogram);
	a->histogram = latency_json(w->latency);
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
	out->histogram = a->histogram;
}

/* What a run is: key and value pairs for the report's context. */
struct about {
	unsigned int nr;
	struct {
		const char *key;
		char value[256];
	} pair[16];
};

/* Values come from /proc, uname and the compiler: quotes and control characters are dropped rather than escaped. */
static void clean(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != '"' && *text != '\\' && (unsigned char)*text >= ' ')
			*to++ = *text;
	*to = 0;
}

static void tell(struct about *a, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void tell(struct about *a, const char *key, const char *fmt, ...)
{
	va_list ap;

	if (a->nr == sizeof(a->pair) / sizeof(a->pair[0]))
		abort();
	va_start(ap, fmt);
	vsnprintf(a->pair[a->nr].value, sizeof(a->pair[0].value), fmt, ap);
	va_end(ap);
	clean(a->pair[a->nr].value);
	a->pair[a->nr++].key = key;
}

static void describe(const struct options *o, struct about *a)
{
	a->nr = 0;
	tell(a, "gpuvm_version", "%s", GPUVM_VERSION_GIT);
	tell(a, "machine", "%s", machine_slug());
	tell(a, "cpu_model", "%s", machine_model());
	tell(a, "rcu_flavour", "%s", gpuvm_rcu_flavour());
	tell(a, "compiler", "%s", __VERSION__);
	tell(a, "libraries", "%s", machine_libs());
#ifdef GPUVM_PEER
	tell(a, "peer", "Linux %s, %s", peer_version(), peer_package());
#endif
	tell(a, "profile", "%s", o->quick ? "quick" : "full");
	tell(a, "preset", "%s", o->preset ? o->preset : "all strategies, others from default");
	tell(a, "pinning", "%s", o->pin ? "core" : "none");
	tell(a, "seed", "%" PRIu64, o->seed);
	tell(a, "windows", "%" PRIu64, o->windows);
	tell(a, "window_ns", "%" PRIu64, o->duration_ns / o->windows);
	tell(a, "debug_checks", "%s", gpuvm_debug_enabled() ? "on" : "off");
}

char *report_header(const struct options *o)
{
	struct about a;
	size_t size = sizeof(a) + 16, len = 0;
	char *text = malloc(size);
	unsigned int i;

	if (!text)
		return NULL;
	describe(o, &a);
	for (i = 0; i < a.nr; i++)
		len += (size_t)snprintf(text + len, size - len, "%s\"%s\": \"%s\"", i ? ", " : "{", a.pair[i].key,
					a.pair[i].value);
	snprintf(text + len, size - len, "}");
	return text;
}

char *report_run(struct run *run, size_t *size)
{
	struct asked *asked = calloc(run->plan->nr, sizeof(*asked));
	struct about a;
	char *json;
	size_t i;

	if (!asked)
		return NULL;
	describe(run->o, &a);
	for (i = 0; i < a.nr; i++)
		gb_context(a.pair[i].key, a.pair[i].value);
	for (i = 0; i < run->plan->nr; i++) {
		asked[i].run = run;
		asked[i].index = i;
		gb_register(run->plan->b[i].name, run->plan->b[i].ctx.threads, (unsigned int)run->o->windows, answer,
			    &asked[i]);
	}
	json = gb_run(machine_slug(), size);
	for (i = 0; i < run->plan->nr; i++)
		free(asked[i].histogram);
	free(asked);
	return json;
}
