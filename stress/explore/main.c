/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * main.c - gpuvm-explore: run every schedule there is, up to a bound, of small scenarios on every strategy.
 *
 * The work is dealt to processes, one per processor. The first failure ends its process with a report and the whole with
 * status 1.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef GPUVM_COVERAGE
#include <gcov.h>
#endif

#include "../../bench/output.h"
#include "plan.h"

#define MAX_JOBS 64

struct tally {
	uint64_t scenarios, schedules, cut;
};

/* What the processes have in common. */
struct shared {
	_Atomic size_t next; /* item of the plan that nobody has begun: they differ in length */
	struct tally tally[MAX_JOBS];
};

static struct sched_policy policy;
static const char *program;
static bool verbose;

static const char usage[] =
	"usage: gpuvm-explore [options]\n"
	"Runs all schedules of every pair of operations, up to a number of preemptions, then random ones.\n"
	"  --list=A,B --space=A,B --ref=A,B   strategies (default: all but the busted ones)\n"
	"  --mode=A,B        of immediate, immediate-resv, staged, staged-resv\n"
	"  --gems=A,B        of external, local\n"
	"  --scenario=S      one scenario: threads joined by +, their operations by comma; see --list-ops\n"
	"  --policy=P        dN: at most N preemptions; rSEED: random; pDEPTH.SEED: PCT; SEED is hexadecimal; a trailing l:\n"
	"                    RCU callbacks are late instead of early\n"
	"  --bound=N         preemptions for pairs (0..8, default 1)\n"
	"  --schedules=N     stop a search after N schedules (needed for random policies; 0: when complete)\n"
	"  --random=N        schedules of each pair by each of p3, p4 and r, beside the search (default 28)\n"
	"  --torture=N       random scenarios per configuration, 64 schedules each (default 20)\n"
	"  --seed=N          of those (default 1; always printed)\n"
	"  --full            every combination of strategies, modes and groups of operations\n"
	"  --jobs=N          processes (1..64, default: one per processor)\n"
	"  --replay=R        repeat the schedule a failure printed\n"
	"  --trace           print every step (with --replay)\n"
	"  --verbose         a line per scenario\n"
	"  --list-ops        name the operations\n"
	"Exit status: 0 nothing found, 1 a failure, 2 wrong usage, 4 the machine refused something.\n";

static _Noreturn void bad(const char *fmt, const char *what)
{
	fprintf(stderr, "gpuvm-explore: ");
	fprintf(stderr, fmt, what);
	fprintf(stderr, " (try --help)\n");
	exit(2);
}

const struct op *op_find(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < nr_list_ops; i++)
		if (strlen(list_ops[i].name) == len && !strncmp(list_ops[i].name, name, len))
			return &list_ops[i];
	for (i = 0; i < nr_space_ops; i++)
		if (strlen(space_ops[i].name) == len && !strncmp(space_ops[i].name, name, len))
			return &space_ops[i];
	return NULL;
}

/* ---- running ---- */

static void run_item(const struct item *item, struct tally *tally)
{
	char what[400];
	uint64_t n = 0;
	bool more = true;

	world.config = item->config;
	if (!sched_policy_parse(item->policy, &policy) || !scenario_parse(item->scenario))
		sched_fail("the plan has '%s' under '%s'", item->scenario, item->policy);
	snprintf(what, sizeof(what), "%s:%s", config_name(&item->config), item->scenario);
	sched_scenario(what);
	while (more && (!item->limit || n < item->limit)) {
		scenario_run(&policy);
		n++;
		more = sched_policy_next(&policy);
	}
	tally->scenarios++;
	tally->schedules += n;
	tally->cut += more && policy.kind == SCHED_DFS;
	if (verbose)
		printf("%s %s %llu schedules%s\n", what, item->policy, (unsigned long long)n, more ? "" : ", complete");
}

static _Noreturn void child(const struct plan *plan, unsigned int job, struct shared *shared)
{
	size_t i;

	sched_init(program);
	while ((i = atomic_fetch_add_explicit(&shared->next, 1, memory_order_relaxed)) < plan->n)
		run_item(&plan->items[i], &shared->tally[job]);
#ifdef GPUVM_COVERAGE
	__gcov_dump(); /* _exit() does not */
#endif
	_exit(fflush(stdout) || ferror(stdout));
}

/* True: nothing found. */
static bool run_plan(const struct plan *plan, unsigned int jobs, struct tally *sum)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int j;
	bool ok = true;
	int status;

	if (shared == MAP_FAILED)
		exit(4);
	fflush(stdout);
	for (j = 0; j < jobs; j++) {
		pid_t pid = fork();

		if (pid < 0) {
			/* What was begun ends by itself; without the rest it proves nothing. */
			fprintf(stderr, "gpuvm-explore: cannot start process %u of %u: %s\n", j + 1, jobs,
				strerror(errno));
			ok = false;
			break;
		}
		if (pid == 0)
			child(plan, j, shared);
	}
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			ok = false;
	for (j = 0; j < jobs; j++) {
		sum->scenarios += shared->tally[j].scenarios;
		sum->schedules += shared->tally[j].schedules;
		sum->cut += shared->tally[j].cut;
	}
	return ok;
}

static int replay(char *text)
{
	char *scenario = strchr(text, ':'), *choices = scenario ? strchr(scenario + 1, ':') : NULL;
	char what[400];

	if (!choices)
		bad("--replay=%s: want CONFIGURATION:SCENARIO:SCHEDULE", text);
	*scenario++ = *choices++ = '\0';
	if (!sched_policy_parse(choices, &policy))
		bad("--replay: '%s' is no schedule", choices);
	if (!config_parse(text, &world.config))
		bad("--replay: '%s' is no configuration", text);
	if (!scenario_parse(scenario))
		bad("--replay: '%s' is no scenario", scenario);
	snprintf(what, sizeof(what), "%s:%s", config_name(&world.config), scenario);
	sched_init(program);
	sched_scenario(what);
	scenario_run(&policy);
	printf("this schedule passes: %llu steps\n", (unsigned long long)policy.longest);
	return 0;
}

/* ---- options ---- */

static const char *value(const char *arg, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(arg, name, n) && arg[n] == '=' ? arg + n + 1 : NULL;
}

static uint64_t number(const char *arg, const char *v, uint64_t lo, uint64_t hi)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(v, &end, 10);
	if (*v < '0' || *v > '9' || *end || errno || n < lo || n > hi) {
		fprintf(stderr, "gpuvm-explore: %s: want a number from %llu to %llu (try --help)\n", arg,
			(unsigned long long)lo, (unsigned long long)hi);
		exit(2);
	}
	return n;
}

static const char *list_name(unsigned int i)
{
	return gpuvm_strategy_name(GPUVM_AXIS_LIST, i);
}

static const char *space_name(unsigned int i)
{
	return gpuvm_strategy_name(GPUVM_AXIS_SPACE, i);
}

static const char *ref_name(unsigned int i)
{
	return gpuvm_strategy_name(GPUVM_AXIS_REF, i);
}

static const char *mode_at(unsigned int i)
{
	return i < CONFIG_MODES ? mode_name(config_modes[i]) : NULL;
}

static const char *gems_at(unsigned int i)
{
	static const char *const names[] = { "external", "local" };

	return i < 2 ? names[i] : NULL;
}

/* Comma-separated words of @name_at's; an empty one is none of them. Return: @list */
static const char *check_names(const char *option, const char *(*name_at)(unsigned int i), const char *list)
{
	const char *p = list, *name;
	unsigned int i;
	size_t n;

	for (;; p++) {
		n = strcspn(p, ",");
		for (i = 0; (name = name_at(i)) && (strlen(name) != n || strncmp(name, p, n)); i++)
			;
		if (!name) {
			fprintf(stderr, "gpuvm-explore: %s: unknown '%.*s'; known:", option, (int)n, p);
			for (i = 0; (name = name_at(i)); i++)
				fprintf(stderr, " %s", name);
			fprintf(stderr, "\n");
			exit(2);
		}
		p += n;
		if (*p != ',')
			return list;
	}
}

static void list_ops_and_exit(void)
{
	unsigned int i;

	for (i = 0; i < nr_list_ops; i++)
		puts(list_ops[i].name);
	for (i = 0; i < nr_space_ops; i++)
		puts(space_ops[i].name);
	exit(0);
}

static char *replay_text;
static unsigned int jobs;

static void parse(int argc, char **argv, struct choice *c)
{
	const char *v;
	int i;

	for (i = 1; i < argc; i++) {
		if ((v = value(argv[i], "--list")))
			c->list = check_names("--list", list_name, v);
		else if ((v = value(argv[i], "--space")))
			c->space = check_names("--space", space_name, v);
		else if ((v = value(argv[i], "--ref")))
			c->ref = check_names("--ref", ref_name, v);
		else if ((v = value(argv[i], "--mode")))
			c->mode = check_names("--mode", mode_at, v);
		else if ((v = value(argv[i], "--gems")))
			c->gems = check_names("--gems", gems_at, v);
		else if ((v = value(argv[i], "--scenario")))
			c->scenario = v;
		else if ((v = value(argv[i], "--policy")))
			c->policy = v;
		else if ((v = value(argv[i], "--bound")))
			c->bound = number("--bound", v, 0, SCHED_MAX_BOUND);
		else if ((v = value(argv[i], "--schedules")))
			c->schedules = number("--schedules", v, 0, 1ull << 40);
		else if ((v = value(argv[i], "--random")))
			c->random = number("--random", v, 0, 1u << 20);
		else if ((v = value(argv[i], "--torture")))
			c->torture = number("--torture", v, 0, 1u << 20);
		else if ((v = value(argv[i], "--seed")))
			c->seed = number("--seed", v, 0, UINT64_MAX);
		else if ((v = value(argv[i], "--jobs")))
			jobs = number("--jobs", v, 1, MAX_JOBS);
		else if ((v = value(argv[i], "--replay")))
			replay_text = (char *)v;
		else if (!strcmp(argv[i], "--full"))
			c->full = true;
		else if (!strcmp(argv[i], "--trace"))
			sched_trace(true);
		else if (!strcmp(argv[i], "--verbose"))
			verbose = true;
		else if (!strcmp(argv[i], "--list-ops"))
			list_ops_and_exit();
		else if (!strcmp(argv[i], "--help"))
			exit(fputs(usage, stdout) < 0);
		else
			bad("unknown option %s", argv[i]);
	}
	if (c->policy && !sched_policy_parse(c->policy, &policy))
		bad("--policy=%s: want dN, rSEED or pDEPTH.SEED", c->policy);
	if (c->policy && c->policy[0] != 'd' && !c->schedules)
		bad("--policy=%s needs --schedules", c->policy);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	struct choice c = { .bound = 1, .seed = 1, .torture = 20, .random = 28 };
	struct tally sum = { 0 };
	struct plan plan = { 0 };
	double begun = seconds();
	size_t i;
	bool ok;

	program = argv[0];
	output_checked("gpuvm-explore");
	parse(argc, argv, &c);
	if (replay_text)
		return replay(replay_text);
	if (!jobs)
		jobs = sysconf(_SC_NPROCESSORS_ONLN) < MAX_JOBS ? sysconf(_SC_NPROCESSORS_ONLN) : MAX_JOBS;
	plan_make(&plan, &c);
	for (i = 0; c.scenario && i < plan.n; i++) {
		world.config = plan.items[i].config;
		if (!scenario_parse(c.scenario))
			bad("--scenario=%s: not operations of this mode", c.scenario);
	}
	if (!plan.n)
		bad("nothing to explore with --mode=%s", c.mode ? c.mode : "");
	printf("gpuvm-explore: %zu scenarios, bound %u, seed %llu, %u processes\n", plan.n, c.bound,
	       (unsigned long long)c.seed, jobs);
	ok = run_plan(&plan, jobs, &sum);
	printf("%s: %llu scenarios, %llu schedules, %llu searches cut short, %.1f s\n", ok ? "SUCCESS" : "FAILURE",
	       (unsigned long long)sum.scenarios, (unsigned long long)sum.schedules, (unsigned long long)sum.cut,
	       seconds() - begun);
	return !ok;
}
