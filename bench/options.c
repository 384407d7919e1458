/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * options.c - gpuvm-bench's command line: see command.h.
 */
#include "options.h"

#include <fcntl.h>
#include <gpuvm/gpuvm.h>
#include <regex.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "machine.h"

struct parsing {
	struct options *o;
	unsigned int cpus;
	bool duration_given;
};

static bool set_list(void *to, const char *value)
{
	struct parsing *p = to;

	return p->o->list = true;
}

static bool set_dry_run(void *to, const char *value)
{
	struct parsing *p = to;

	return p->o->dry_run = true;
}

static bool set_quick(void *to, const char *value)
{
	struct parsing *p = to;

	return p->o->quick = true;
}

static bool set_filter(void *to, const char *value)
{
	struct parsing *p = to;
	regex_t re;

	if (!*value || regcomp(&re, value, REG_EXTENDED | REG_NOSUB))
		return false;
	regfree(&re);
	p->o->filter = value;
	return true;
}

static bool set_rank(void *to, const char *value)
{
	struct parsing *p = to;

	p->o->rank = value;
	return *value;
}

static bool set_json(void *to, const char *value)
{
	struct parsing *p = to;

	p->o->json = value;
	return *value;
}

static bool set_preset(void *to, const char *value)
{
	struct parsing *p = to;
	const char *name;
	unsigned int i;

	for (i = 0; (name = gpuvm_strategy_name(GPUVM_AXIS_PRESET, i)); i++)
		if (!strcmp(name, value))
			p->o->preset = name;
	return p->o->preset && !strcmp(p->o->preset, value);
}

static bool set_duration(void *to, const char *value)
{
	struct parsing *p = to;

	p->duration_given = true;
	return parse_time(value, 1000000, 3600000000000, &p->o->duration_ns);
}

static bool set_windows(void *to, const char *value)
{
	struct parsing *p = to;

	return parse_u64(value, 1, 1000, &p->o->windows);
}

static bool set_seed(void *to, const char *value)
{
	struct parsing *p = to;

	return parse_u64(value, 0, UINT64_MAX, &p->o->seed);
}

static bool set_threads(void *to, const char *value)
{
	struct parsing *p = to;

	return parse_threads(value, p->cpus, p->o->threads, &p->o->nr_threads);
}

static bool set_pin(void *to, const char *value)
{
	struct parsing *p = to;

	p->o->pin = !strcmp(value, "core");
	return p->o->pin || !strcmp(value, "none");
}

/* IN,OUT */
static bool set_turns(void *to, const char *value)
{
	struct parsing *p = to;
	const char *comma = strchr(value, ',');
	char in[8] = "";
	uint64_t a, b;

	if (!comma || comma - value >= (ptrdiff_t)sizeof(in))
		return false;
	memcpy(in, value, (size_t)(comma - value));
	if (!parse_u64(in, 0, 65535, &a) || !parse_u64(comma + 1, 0, 65535, &b))
		return false;
	p->o->turn_in = (int)a;
	p->o->turn_out = (int)b;
	return fcntl(p->o->turn_in, F_GETFD) >= 0 && fcntl(p->o->turn_out, F_GETFD) >= 0;
}

static bool set_color(void *to, const char *value)
{
	struct parsing *p = to;

	if (!strcmp(value, "auto"))
		return true;
	p->o->color = !strcmp(value, "always");
	return p->o->color || !strcmp(value, "never");
}

static void version(void)
{
	printf("%s\nlibraries: %s\nrcu: %s\nmachine: %s\n", gpuvm_version(), machine_libs(), gpuvm_rcu_flavour(),
	       machine_slug());
}

static const struct option_row rows[] = {
	{ "list", NULL, "print the names of the benchmarks and exit", set_list },
	{ "filter", "a POSIX extended regular expression", "only benchmarks whose name matches", set_filter },
	{ "rank", "a case's name, as in obtain_hit", "run this case and rank its strategies, with what explains it",
	  set_rank },
	{ "json", "a file name", "write every sample, in Google Benchmark's schema", set_json },
	{ "quick", NULL, "smaller matrices, at most 1s each, about 3 minutes", set_quick },
	{ "duration", "1ms to 60m, as in 500ms, 1.5s, 2m", "measured time of each (default 2s)", set_duration },
	{ "windows", "1 to 1000", "cut that time into this many windows (default 10)", set_windows },
	{ "threads", "counts from 1 to 1024: 1,2,4-16:4, or all", "thread counts (default 1 and 2)", set_threads },
	{ "seed", "0 to 18446744073709551615", "of the order and the workloads (default: random, printed)", set_seed },
	{ "preset", "linux, default, ... (a preset in catalogue.def)", "only this preset's strategies", set_preset },
	{ "pin", "core, none", "pin each thread to a core (default core)", set_pin },
	{ "turns", "IN,OUT: two open file descriptors",
	  "wait for a byte before each window, as scripts/compare wants it", set_turns },
	{ "dry-run", NULL, "print what would run and how long it would take", set_dry_run },
	{ "color", "always, never, auto", "colour the tables (default auto; NO_COLOR is respected)", set_color },
	{ NULL, NULL, NULL, NULL },
};

static const struct command command = {
	.name = "gpuvm-bench",
	.doc = "Measures DRM GPUVM operations under interchangeable strategies, interleaved in random order.",
	.rows = rows,
	.after =
		"examples:\n"
		"  gpuvm-bench --quick                                    everything, in a few minutes\n"
		"  gpuvm-bench --filter='^obtain_hit/' --threads=all      one case on 1, 2, ... threads\n"
		"  gpuvm-bench --rank=obtain_hit --quick                  who is fastest at what, and why\n"
		"  gpuvm-bench --filter='vas:65536' --json=binds.json     keep the samples (Google Benchmark's schema)\n"
		"  gpuvm-bench --preset=linux --duration=5s --windows=50  what upstream does, measured longer\n"
		"  gpuvm-bench --list --quick                             names only\n\n"
		"Tables go to stdout, everything else to stderr.\n"
		"exit status: 0 measured; 1 a check failed or results could not be written; 2 usage; 130 interrupted",
	.version = version,
};

static void defaults(struct options *o, unsigned int cpus)
{
	const char *no_color = getenv("NO_COLOR");

	memset(o, 0, sizeof(*o));
	o->pin = true;
	o->turn_in = o->turn_out = -1;
	o->color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	o->windows = 10;
	o->threads[o->nr_threads++] = 1;
	if (cpus >= 2)
		o->threads[o->nr_threads++] = 2;
	if (getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
		o->seed = machine_now();
	o->seed >>= 32; /* short enough to type */
}

enum command_result options_parse(int argc, char **argv, unsigned int cpus, struct options *o)
{
	struct parsing p = { .o = o, .cpus = cpus };
	enum command_result ret;

	defaults(o, cpus);
	ret = command_parse(&command, &p, argc, argv);
	if (!p.duration_given)
		o->duration_ns = o->quick ? 0 : 2000000000;
	return ret;
}
