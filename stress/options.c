/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * options.c - gpuvm-stress's command line: see ../bench/command.h.
 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../bench/command.h"
#include "../bench/parse.h"
#include "stress.h"

static const char *const mode_names[] = { "staged", "staged+resv", "immediate", "immediate+resv" };

const char *options_mode_name(uint32_t vm_flags)
{
	return mode_names[(vm_flags & GPUVM_VM_IMMEDIATE ? 2 : 0) + (vm_flags & GPUVM_VM_RESV_PROTECTED ? 1 : 0)];
}

static bool set_scenario(void *to, const char *v)
{
	struct options *o = to;

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

static bool set_preset(void *to, const char *v)
{
	struct options *o = to;

	o->preset = v;
	return known(GPUVM_AXIS_PRESET, v);
}

static bool set_axis(struct options *o, enum gpuvm_axis axis, const char *v)
{
	o->strategy[axis] = v;
	return !strcmp(v, "all") || known(axis, v);
}

static bool set_list_strategy(void *to, const char *v)
{
	return set_axis(to, GPUVM_AXIS_LIST, v);
}

static bool set_space(void *to, const char *v)
{
	return set_axis(to, GPUVM_AXIS_SPACE, v);
}

static bool set_ref(void *to, const char *v)
{
	return set_axis(to, GPUVM_AXIS_REF, v);
}

static bool set_alloc(void *to, const char *v)
{
	return set_axis(to, GPUVM_AXIS_ALLOC, v);
}

static bool set_threads(void *to, const char *v)
{
	struct options *o = to;

	return parse_u64(v, 1, STRESS_MAX_THREADS, &o->threads);
}

static bool set_duration(void *to, const char *v)
{
	struct options *o = to;

	return parse_time(v, 1000000, 100ull * 24 * 3600 * 1000000000, &o->duration_ns);
}

static bool set_repeat(void *to, const char *v)
{
	struct options *o = to;

	return parse_u64(v, 1, 100000, &o->repeat);
}

static bool set_seed(void *to, const char *v)
{
	struct options *o = to;

	return parse_u64(v, 0, UINT64_MAX, &o->seed);
}

static bool set_mode(void *to, const char *v)
{
	struct options *o = to;
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (!strcmp(mode_names[i], v))
			o->mode = (i & 2 ? GPUVM_VM_IMMEDIATE : 0) | (i & 1 ? GPUVM_VM_RESV_PROTECTED : 0);
	return o->mode >= 0;
}

static bool set_stutter(void *to, const char *v)
{
	struct options *o = to;

	return o->stutter = true;
}

static bool set_shuffle(void *to, const char *v)
{
	struct options *o = to;

	return o->shuffle = true;
}

static bool set_jitter(void *to, const char *v)
{
	struct options *o = to;

	return parse_u64(v, 0, 1000000, &o->jitter);
}

static bool set_fail_alloc(void *to, const char *v)
{
	struct options *o = to;

	return parse_u64(v, 2, 1000000, &o->fail_one_in);
}

static bool set_stat_interval(void *to, const char *v)
{
	struct options *o = to;

	return parse_time(v, 10000000, 3600000000000, &o->stat_interval_ns);
}

static bool set_watchdog(void *to, const char *v)
{
	struct options *o = to;

	return parse_time(v, 1000000000, 3600000000000, &o->watchdog_ns);
}

static bool set_json(void *to, const char *v)
{
	struct options *o = to;

	o->json = v;
	return *v;
}

static bool set_list(void *to, const char *v)
{
	struct options *o = to;

	return o->list = true;
}

static const struct option_row rows[] = {
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
	{ "jitter", "0 to 1000000",
	  "yield or spin at one in so many race points (debug build; default 256 in half of the runs)", set_jitter },
	{ "fail-alloc", "2 to 1000000", "one in so many allocations fails (debug build)", set_fail_alloc },
	{ "stat-interval", "10ms to 60m", "time between status lines (default 1s)", set_stat_interval },
	{ "watchdog", "1s to 60m", "fail when no operation completes for so long (default 30s)", set_watchdog },
	{ "json", "a file name", "write a report", set_json },
	{ NULL, NULL, NULL, NULL },
};

static void version(void)
{
	printf("%s\nrcu: %s\nchecks: %s\n", gpuvm_version(), gpuvm_rcu_flavour(),
	       gpuvm_debug_enabled() ? "debug build" : "release build");
}

static const struct command command = {
	.name = "gpuvm-stress",
	.doc = "Runs multithreaded scenarios on the GPUVM core and checks its invariants at every step and at rest.",
	.rows = rows,
	.after =
		"examples:\n"
		"  gpuvm-stress --duration=1m                               every scenario on the default preset\n"
		"  gpuvm-stress --scenario=lifecycle --list-strategy=all    one scenario on every GEM list\n"
		"  gpuvm-stress --space=all --threads=8 --stutter           more threads than CPUs, stop and go\n"
		"  gpuvm-stress --scenario=bind_oracle --fail-alloc=20      with failing allocations\n\n"
		"The last line is SUCCESS or FAILURE; a failure prints the command line that repeats it.\n"
		"exit status: 0 no violation; 1 a violation, or the report could not be written; 2 usage; 4 nothing could run",
	.version = version,
};

int options_parse(struct options *o, int argc, char **argv)
{
	*o = (struct options){ .threads = 4,
			       .repeat = 1,
			       .duration_ns = 30000000000,
			       .mode = -1,
			       .jitter = UINT64_MAX,
			       .stat_interval_ns = 1000000000,
			       .watchdog_ns = 30000000000 };
	if (getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
		o->seed = (uint64_t)getpid();
	switch (command_parse(&command, o, argc, argv)) {
	case COMMAND_RUN:
		break;
	case COMMAND_DONE:
		return 0;
	case COMMAND_BAD:
		return 2;
	}
	if ((o->fail_one_in || (o->jitter && o->jitter != UINT64_MAX)) && !gpuvm_debug_enabled()) {
		fputs("gpuvm-stress: --fail-alloc and --jitter need the debug build, which `make stress` makes\n",
		      stderr);
		return 2;
	}
	return -1;
}
