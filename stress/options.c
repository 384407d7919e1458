/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * options.c - see options.h: one row per option, which --help prints too.
 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../bench/parse.h"
#include "stress.h"

struct row {
	const char *name;
	const char *takes; /* what a value may be; NULL: none */
	const char *doc;
	bool (*set)(struct options *o, const char *value);
};

static const struct row rows[];

static const char *const mode_names[] = { "staged", "staged+resv", "immediate", "immediate+resv" };

const char *options_mode_name(uint32_t vm_flags)
{
	return mode_names[(vm_flags & GPUVM_VM_IMMEDIATE ? 2 : 0) + (vm_flags & GPUVM_VM_RESV_PROTECTED ? 1 : 0)];
}

static bool set_scenario(struct options *o, const char *v)
{
	o->scenario = v;
	return *v;
}

static bool known(enum gpuvm_axis axis, const char *v)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = gpuvm_strategy_name(axis, i)); i++)
		if (!strcmp(name, v))
			return true;
	return false;
}

static bool set_preset(struct options *o, const char *v)
{
	o->preset = v;
	return known(GPUVM_AXIS_PRESET, v);
}

static bool set_axis(struct options *o, enum gpuvm_axis axis, const char *v)
{
	o->strategy[axis] = v;
	return !strcmp(v, "all") || known(axis, v);
}

static bool set_list_strategy(struct options *o, const char *v)
{
	return set_axis(o, GPUVM_AXIS_LIST, v);
}

static bool set_space(struct options *o, const char *v)
{
	return set_axis(o, GPUVM_AXIS_SPACE, v);
}

static bool set_ref(struct options *o, const char *v)
{
	return set_axis(o, GPUVM_AXIS_REF, v);
}

static bool set_alloc(struct options *o, const char *v)
{
	return set_axis(o, GPUVM_AXIS_ALLOC, v);
}

static bool set_threads(struct options *o, const char *v)
{
	return parse_u64(v, 1, STRESS_MAX_THREADS, &o->threads);
}

static bool set_duration(struct options *o, const char *v)
{
	return parse_time(v, 1000000, 100ull * 24 * 3600 * 1000000000, &o->duration_ns);
}

static bool set_repeat(struct options *o, const char *v)
{
	return parse_u64(v, 1, 100000, &o->repeat);
}

static bool set_seed(struct options *o, const char *v)
{
	return parse_u64(v, 0, UINT64_MAX, &o->seed);
}

static bool set_mode(struct options *o, const char *v)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (!strcmp(mode_names[i], v))
			o->mode = (i & 2 ? GPUVM_VM_IMMEDIATE : 0) | (i & 1 ? GPUVM_VM_RESV_PROTECTED : 0);
	return o->mode >= 0;
}

static bool set_stutter(struct options *o, const char *v)
{
	return o->stutter = true;
}

static bool set_shuffle(struct options *o, const char *v)
{
	return o->shuffle = true;
}

static bool set_jitter(struct options *o, const char *v)
{
	return parse_u64(v, 0, 1000000, &o->jitter);
}

static bool set_fail_alloc(struct options *o, const char *v)
{
	return parse_u64(v, 2, 1000000, &o->fail_one_in);
}

static bool set_stat_interval(struct options *o, const char *v)
{
	return parse_time(v, 10000000, 3600000000000, &o->stat_interval_ns);
}

static bool set_watchdog(struct options *o, const char *v)
{
	return parse_time(v, 1000000000, 3600000000000, &o->watchdog_ns);
}

static bool set_json(struct options *o, const char *v)
{
	o->json = v;
	return *v;
}

static bool set_list(struct options *o, const char *v)
{
	return o->list = true;
}

static const struct row rows[] = {
	{ "list", NULL, "print the scenarios and exit", set_list },
	{ "scenario", "names, comma-separated (see --list)", "only these (default: all)", set_scenario },
	{ "preset", "a preset's name", "the strategies to run on (default: default)", set_preset },
	{ "list-strategy", "a list strategy's name, or all", "instead of the preset's GEM list", set_list_strategy },
	{ "space", "a space's name, or all", "instead of the preset's address space", set_space },
	{ "ref", "a ref's name, or all", "instead of the preset's reference counting", set_ref },
	{ "alloc", "an allocator's name, or all", "instead of the preset's allocator", set_alloc },
	{ "threads", "1 to 256", "worker threads; more than CPUs is fine (default 4)", set_threads },
	{ "duration", "1ms to 144000m, as in 500ms, 30s, 2m", "for all runs together (default 30s)", set_duration },
	{ "repeat", "1 to 100000", "go through all runs so many times, in one process, each with a seed of its own (default 1)",
	  set_repeat },
	{ "seed", "0 to 2^64-1", "repeat a run (always printed)", set_seed },
	{ "mode", "staged, staged+resv, immediate or immediate+resv", "the VMs' lock mode (default: drawn per run)",
	  set_mode },
	{ "stutter", NULL, "all threads stop and go again at random", set_stutter },
	{ "shuffle", NULL, "threads move between CPUs at random", set_shuffle },
	{ "jitter", "0 to 1000000", "yield or spin at one in so many race points (debug build; default 256 in half of the runs)",
	  set_jitter },
	{ "fail-alloc", "2 to 1000000", "one in so many allocations fails (debug build)", set_fail_alloc },
	{ "stat-interval", "10ms to 60m", "time between status lines (default 1s)", set_stat_interval },
	{ "watchdog", "1s to 60m", "fail when no operation completes for so long (default 30s)", set_watchdog },
	{ "json", "a file name", "write a report", set_json },
	{ NULL, NULL, NULL, NULL },
};

static void help(void)
{
	const struct row *r;
	char left[48];

	puts("usage: gpuvm-stress [OPTION]...\n\n"
	     "Runs multithreaded scenarios on the GPUVM core and checks its invariants at every step and at rest.\n");
	for (r = rows; r->name; r++) {
		snprintf(left, sizeof(left), "--%s%s", r->name, r->takes ? "=VALUE" : "");
		printf("  %-22s %s\n", left, r->doc);
		if (r->takes)
			printf("  %-22s VALUE: %s\n", "", r->takes);
	}
	puts("  --help, --version\n\n"
	     "examples:\n"
	     "  gpuvm-stress --duration=1m                               every scenario on the default preset\n"
	     "  gpuvm-stress --scenario=lifecycle --list-strategy=all    one scenario on every GEM list\n"
	     "  gpuvm-stress --space=all --threads=8 --stutter           more threads than CPUs, stop and go\n"
	     "  gpuvm-stress --scenario=bind_oracle --fail-alloc=20      with failing allocations\n\n"
	     "The last line is SUCCESS or FAILURE; a failure prints the command line that repeats it.\n"
	     "exit status: 0 no violation; 1 a violation, or the report could not be written; 2 usage; 4 nothing could run");
}

static const struct row *find_row(const char *arg, const char **value)
{
	const struct row *r;
	size_t n;

	for (r = rows; r->name; r++) {
		n = strlen(r->name);
		if (strncmp(arg, r->name, n) || (arg[n] && arg[n] != '='))
			continue;
		*value = arg[n] ? arg + n + 1 : NULL;
		return r;
	}
	return NULL;
}

static int refuse(const char *arg, const char *why)
{
	fprintf(stderr, "gpuvm-stress: %s: %s; see gpuvm-stress --help\n", arg, why);
	return 2;
}

static int parse_one(struct options *o, const char *arg)
{
	const char *value = NULL;
	const struct row *r;
	char why[256];

	if (!strcmp(arg, "--help")) {
		help();
		return 0;
	}
	if (!strcmp(arg, "--version")) {
		printf("%s\nrcu: %s\nchecks: %s\n", gpuvm_version(), gpuvm_rcu_flavour(),
		       gpuvm_debug_enabled() ? "debug build" : "release build");
		return 0;
	}
	r = strncmp(arg, "--", 2) ? NULL : find_row(arg + 2, &value);
	if (!r)
		return refuse(arg, "unknown option");
	if (!r->takes && value)
		return refuse(arg, "takes no value");
	if (r->takes && !value) {
		snprintf(why, sizeof(why), "needs a value (--%s=VALUE): %s", r->name, r->takes);
		return refuse(arg, why);
	}
	if (r->set(o, value))
		return -1;
	snprintf(why, sizeof(why), "want %s", r->takes);
	return refuse(arg, why);
}

int options_parse(struct options *o, int argc, char **argv)
{
	int i, ret;

	*o = (struct options){ .threads = 4,
			       .repeat = 1,
			       .duration_ns = 30000000000,
			       .mode = -1,
			       .jitter = UINT64_MAX,
			       .stat_interval_ns = 1000000000,
			       .watchdog_ns = 30000000000 };
	if (getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
		o->seed = (uint64_t)getpid();
	for (i = 1; i < argc; i++) {
		ret = parse_one(o, argv[i]);
		if (ret >= 0)
			return ret;
	}
	if ((o->fail_one_in || (o->jitter && o->jitter != UINT64_MAX)) && !gpuvm_debug_enabled())
		return refuse("--fail-alloc or --jitter", "this is a release build; use the one that `make stress` builds");
	return -1;
}
