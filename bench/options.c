/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * options.c - the command line's table: one row per option, which --help prints too.
 */
#include "options.h"

#include <gpuvm/gpuvm.h>
#include <regex.h>
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
	bool done;
};

/* One option. @takes: what its value may be, for the message and --help; NULL: it has none. */
struct option_row {
	const char *name;
	const char *takes;
	const char *doc;
	bool (*set)(struct parsing *p, const char *value);
};

static const struct option_row rows[];

static bool set_list(struct parsing *p, const char *value)
{
	return p->o->list = true;
}

static bool set_dry_run(struct parsing *p, const char *value)
{
	return p->o->dry_run = true;
}

static bool set_quick(struct parsing *p, const char *value)
{
	return p->o->quick = true;
}

static bool set_filter(struct parsing *p, const char *value)
{
	regex_t re;

	if (!*value || regcomp(&re, value, REG_EXTENDED | REG_NOSUB))
		return false;
	regfree(&re);
	p->o->filter = value;
	return true;
}

static bool set_json(struct parsing *p, const char *value)
{
	p->o->json = value;
	return *value;
}

static bool set_preset(struct parsing *p, const char *value)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = gpuvm_strategy_name(GPUVM_AXIS_PRESET, i)); i++)
		if (!strcmp(name, value))
			p->o->preset = name;
	return p->o->preset && !strcmp(p->o->preset, value);
}

static bool set_duration(struct parsing *p, const char *value)
{
	p->duration_given = true;
	return parse_time(value, 1000000, 3600000000000, &p->o->duration_ns);
}

static bool set_windows(struct parsing *p, const char *value)
{
	return parse_u64(value, 1, 1000, &p->o->windows);
}

static bool set_seed(struct parsing *p, const char *value)
{
	return parse_u64(value, 0, UINT64_MAX, &p->o->seed);
}

static bool set_threads(struct parsing *p, const char *value)
{
	return parse_threads(value, p->cpus, p->o->threads, &p->o->nr_threads);
}

static bool set_pin(struct parsing *p, const char *value)
{
	p->o->pin = !strcmp(value, "core");
	return p->o->pin || !strcmp(value, "none");
}

static bool set_color(struct parsing *p, const char *value)
{
	if (!strcmp(value, "auto"))
		return true;
	p->o->color = !strcmp(value, "always");
	return p->o->color || !strcmp(value, "never");
}

static bool show_version(struct parsing *p, const char *value)
{
	printf("%s\nlibraries: %s\nrcu: %s\nmachine: %s\n", gpuvm_version(), machine_libs(), gpuvm_rcu_flavour(),
	       machine_slug());
	return p->done = true;
}

static bool show_help(struct parsing *p, const char *value)
{
	const struct option_row *r;
	char left[48];

	puts("usage: gpuvm-bench [OPTION]...\n\n"
	     "Measures DRM GPUVM operations under interchangeable strategies, interleaved in random order.\n");
	for (r = rows; r->name; r++) {
		snprintf(left, sizeof(left), "--%s%s%s", r->name, r->takes ? "=" : "", r->takes ? "VALUE" : "");
		printf("  %-18s %s\n", left, r->doc);
		if (r->takes)
			printf("  %-18s VALUE: %s\n", "", r->takes);
	}
	puts("\nexamples:\n"
	     "  gpuvm-bench --quick                                    everything, in a few minutes\n"
	     "  gpuvm-bench --filter='^obtain_hit/' --threads=all      one case on 1, 2, ... threads\n"
	     "  gpuvm-bench --filter='vas:65536' --json=binds.json     keep the samples (Google Benchmark's schema)\n"
	     "  gpuvm-bench --preset=linux --duration=5s --windows=50  what upstream does, measured longer\n"
	     "  gpuvm-bench --list --quick                             names only\n\n"
	     "Tables go to stdout, everything else to stderr.\n"
	     "exit status: 0 measured; 1 a check failed or results could not be written; 2 usage; 130 interrupted");
	return p->done = true;
}

static const struct option_row rows[] = {
	{ "list", NULL, "print the names of the benchmarks and exit", set_list },
	{ "filter", "a POSIX extended regular expression", "only benchmarks whose name matches", set_filter },
	{ "json", "a file name", "write every sample, in Google Benchmark's schema", set_json },
	{ "quick", NULL, "smaller matrices, at most 1s each, about 3 minutes", set_quick },
	{ "duration", "1ms to 60m, as in 500ms, 1.5s, 2m", "measured time of each (default 2s)", set_duration },
	{ "windows", "1 to 1000", "cut that time into this many windows (default 10)", set_windows },
	{ "threads", "counts from 1 to 1024: 1,2,4-16:4, or all", "thread counts (default 1 and 2)", set_threads },
	{ "seed", "0 to 18446744073709551615", "of the order and the workloads (default: random, printed)", set_seed },
	{ "preset", "linux, default, ... (a preset in catalogue.def)", "only this preset's strategies", set_preset },
	{ "pin", "core, none", "pin each thread to a core (default core)", set_pin },
	{ "dry-run", NULL, "print what would run and how long it would take", set_dry_run },
	{ "color", "always, never, auto", "colour the tables (default auto; NO_COLOR is respected)", set_color },
	{ "version", NULL, "print versions and exit", show_version },
	{ "help", NULL, "print this and exit", show_help },
	{ NULL, NULL, NULL, NULL },
};

static void defaults(struct options *o, unsigned int cpus)
{
	const char *no_color = getenv("NO_COLOR");

	memset(o, 0, sizeof(*o));
	o->pin = true;
	o->color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	o->windows = 10;
	o->threads[o->nr_threads++] = 1;
	if (cpus >= 2)
		o->threads[o->nr_threads++] = 2;
	if (getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
		o->seed = machine_now();
	o->seed >>= 32; /* short enough to type */
}

static const struct option_row *find_row(const char *arg, size_t len)
{
	const struct option_row *r;

	for (r = rows; r->name; r++)
		if (strlen(r->name) == len && !strncmp(r->name, arg, len))
			return r;
	return NULL;
}

/* The value is behind "=" or the next argument. Return: arguments used, 0 if the option is bad. */
static int parse_one(struct parsing *p, char **argv)
{
	const char *arg = argv[0], *eq = strchr(arg, '='), *value = eq ? eq + 1 : NULL;
	const struct option_row *r = NULL;
	int used = 1;

	if (!strncmp(arg, "--", 2))
		r = find_row(arg + 2, eq ? (size_t)(eq - arg - 2) : strlen(arg + 2));
	if (!r) {
		fprintf(stderr, "gpuvm-bench: unknown option '%s'; --help lists them\n", arg);
		return 0;
	}
	if (!r->takes && eq) {
		fprintf(stderr, "gpuvm-bench: --%s takes no value, got '%s'\n", r->name, value);
		return 0;
	}
	if (r->takes && !value) {
		value = argv[1];
		used = 2;
	}
	if (r->takes && !value) {
		fprintf(stderr, "gpuvm-bench: --%s wants a value: %s\n", r->name, r->takes);
		return 0;
	}
	if (!r->set(p, value)) {
		fprintf(stderr, "gpuvm-bench: --%s=%s: want %s\n", r->name, value, r->takes);
		return 0;
	}
	return used;
}

enum options_result options_parse(int argc, char **argv, unsigned int cpus, struct options *o)
{
	struct parsing p = { .o = o, .cpus = cpus };
	int i, used;

	defaults(o, cpus);
	for (i = 1; i < argc; i += used) {
		used = parse_one(&p, argv + i);
		if (!used)
			return OPTIONS_BAD;
		if (p.done)
			return OPTIONS_DONE;
	}
	if (!p.duration_given)
		o->duration_ns = o->quick ? 0 : 2000000000;
	return OPTIONS_RUN;
}
