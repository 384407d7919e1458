/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * main.c - gpuvm-bench: options, plan, run, report, tables.
 */
#include <gpuvm/gpuvm.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "journal.h"
#include "machine.h"
#include "options.h"
#include "output.h"
#include "plan.h"
#include "rank.h"
#include "report.h"
#include "run.h"
#include "status.h"
#include "stop.h"
#include "table.h"

#define QUICK_BUDGET_NS 150000000000 /* of the five minutes a fresh machine has for everything */

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_INTERRUPTED = 130
};

static void announce(const struct plan *plan, const struct options *o)
{
	uint64_t window_ns = o->duration_ns / o->windows;
	uint64_t s = status_estimate(plan, (unsigned int)o->windows, window_ns) / 1000000000 + 1;

	fprintf(stderr, "%s on %s\n", gpuvm_version(), machine_slug());
	fprintf(stderr, "%zu benchmarks, %" PRIu64 " windows of %.3g ms each, about %" PRIu64 ":%02" PRIu64 "\n",
		plan->nr, o->windows, (double)window_ns / 1e6, s / 60, s % 60);
	fprintf(stderr, "seed: %" PRIu64 "\n", o->seed);
	if (gpuvm_debug_enabled())
		fprintf(stderr, "gpuvm-bench: this build has its checks on; the times mean little\n");
	if (machine_cpus() < plan_max_threads(plan))
		fprintf(stderr, "gpuvm-bench: %u threads on %u CPUs: such results are marked\n", plan_max_threads(plan),
			machine_cpus());
}

static int failures(const struct plan *plan)
{
	int n = 0;
	size_t i;

	for (i = 0; i < plan->nr; i++)
		n += plan->b[i].status == BENCH_FAILED;
	return n;
}

/* Measures, prints, and writes if there is a journal. */
static int measure(struct plan *plan, const struct options *o, struct engine *engine, struct journal *journal)
{
	struct run run = { .plan = plan, .o = o, .engine = engine, .journal = journal, .rng = o->seed };
	size_t size = 0;
	char *json;
	int ret = 0;

	run.status = status_create(plan, (unsigned int)o->windows, o->duration_ns / o->windows);
	stop_catch_signals();
	json = report_run(&run, &size);
	status_destroy(run.status);
	if (o->rank)
		rank_print(plan, o->color);
	else
		table_print(plan, o->color);
	printf("seed: %" PRIu64 "\n", o->seed);
	if (fflush(stdout) || ferror(stdout)) {
		perror("gpuvm-bench: cannot write the tables");
		ret = EXIT_FAILED;
	}
	if (journal && (!json || journal_commit(journal, json, size)))
		ret = EXIT_FAILED;
	free(json);
	if (failures(plan)) {
		fprintf(stderr, "gpuvm-bench: %d benchmarks failed\n", failures(plan));
		ret = EXIT_FAILED;
	}
	if (stop_asked())
		fprintf(stderr, "gpuvm-bench: interrupted: only what was measured until then is reported\n");
	return ret ? ret : stop_asked() ? EXIT_INTERRUPTED : 0;
}

static int run_plan(struct plan *plan, const struct options *o)
{
	struct journal *journal = NULL;
	struct engine *engine;
	char *header;
	int ret = EXIT_FAILED;

	announce(plan, o);
	header = report_header(o);
	if (o->json && header)
		journal = journal_open(o->json, header);
	free(header);
	if (o->json && !journal)
		return EXIT_FAILED;
	engine = engine_create(plan_max_threads(plan), o->pin);
	if (engine)
		ret = measure(plan, o, engine, journal);
	else
		fprintf(stderr, "gpuvm-bench: cannot start %u threads\n", plan_max_threads(plan));
	engine_destroy(engine);
	return ret;
}

/* Why --rank cannot be done, or 0. */
static int cannot_rank(const struct plan *plan, const struct options *o)
{
	if (!o->rank)
		return 0;
	if (!plan_has_case(o->rank)) {
		fprintf(stderr, "gpuvm-bench: --rank=%s: there is no such case; these are:\n", o->rank);
		plan_print_cases();
		return EXIT_USAGE;
	}
	if (plan->nr && !plan_has_choice(plan)) {
		fprintf(stderr, "gpuvm-bench: --rank=%s: only one way to do each thing is selected, nothing to rank\n",
			o->rank);
		return EXIT_USAGE;
	}
	return 0;
}

static int dispatch(struct plan *plan, const struct options *o)
{
	if (cannot_rank(plan, o))
		return EXIT_USAGE;
	if (!plan->nr) {
		fprintf(stderr, "gpuvm-bench: --filter=%s: matches no benchmark; --list prints them\n", o->filter);
		return EXIT_USAGE;
	}
	if (o->list || o->dry_run) {
		if (o->dry_run)
			announce(plan, o);
		plan_list(plan);
		return 0;
	}
	return run_plan(plan, o);
}

int main(int argc, char **argv)
{
	struct options o;
	struct plan plan;
	int ret;

	output_checked("gpuvm-bench");
	if (machine_init()) {
		fprintf(stderr, "gpuvm-bench: cannot read this machine's topology\n");
		return EXIT_FAILED;
	}
	gpuvm_thread_enter();
	switch (options_parse(argc, argv, machine_cpus(), &o)) {
	case COMMAND_BAD:
		return EXIT_USAGE;
	case COMMAND_DONE:
		return 0;
	case COMMAND_RUN:
		break;
	}
	if (plan_make(&plan, &o)) {
		fprintf(stderr, "gpuvm-bench: out of memory\n");
		return EXIT_FAILED;
	}
	if (!o.duration_ns)
		o.duration_ns = status_fit(&plan, QUICK_BUDGET_NS);
	ret = dispatch(&plan, &o);
	plan_free(&plan);
	gpuvm_thread_leave();
	machine_fini();
	return ret;
}
