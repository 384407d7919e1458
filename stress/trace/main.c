/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * main.c - gpuvm-conflict: which cache lines two operations share, by name. Each row runs in a process of its own.
 */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.h"

#define NAMES 256
#define SHOWN 4 /* names in a table's row */

static struct options {
	bool tsv;
	regex_t only;
} options;

static void usage(FILE *to)
{
	fputs("usage: gpuvm-conflict [--only=REGEX] [--format=table|tsv] [--list]\n"
	      "  --only    scenarios whose name matches\n"
	      "  --format  tsv, one line for each row: scenario, strategy, operations, share of them without a transfer, lines\n"
	      "            written and touched by each, transfers per operation; then one for each name: scenario, strategy,\n"
	      "            lines, written by both or read by one, true or false sharing, nothing, transfers, name\n"
	      "  --list    name the scenarios\n"
	      "Two threads take turns; a line that one of them writes and the other one touches travels. docs/conflict-trace.md\n",
	      to);
}

static void bad(const char *what, const char *arg)
{
	fprintf(stderr, "gpuvm-conflict: %s %s (try --help)\n", what, arg);
	exit(2);
}

static void list_scenarios(void)
{
	const struct trace_scenario *s;
	size_t i;

	for (i = 0; (s = trace_scenario_at(i)); i++)
		printf("%-22s %s\n", trace_scenario_name(s), trace_scenario_doc(s));
	exit(0);
}

static void parse(int argc, char **argv)
{
	const char *only = "";
	int i;

	for (i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--only=", 7))
			only = argv[i] + 7;
		else if (!strcmp(argv[i], "--format=tsv") || !strcmp(argv[i], "--format=table"))
			options.tsv = argv[i][10] == 's';
		else if (!strcmp(argv[i], "--list"))
			list_scenarios();
		else if (!strcmp(argv[i], "--help"))
			exit((usage(stdout), 0));
		else
			bad("unknown option", argv[i]);
	}
	if (regcomp(&options.only, only, REG_EXTENDED | REG_NOSUB))
		bad("not a regular expression:", only);
}

/* Pointers are hashed: the same addresses in every run, please. */
static void settle(char **argv)
{
	int now = personality(0xffffffff);

	if (now < 0 || now & ADDR_NO_RANDOMIZE || personality(now | ADDR_NO_RANDOMIZE) < 0)
		return;
	execv("/proc/self/exe", argv);
}

/* ---- one row ---- */

static void print_tsv(const char *scenario, const char *row, const struct trace_sum *sum, const struct trace_shared *s,
		      size_t n)
{
	size_t i;

	printf("%s\t%s\t%u\t%.4f\t%.1f\t%.1f\t%.4f\t\n", scenario, row, sum->ops, sum->clean, sum->written, sum->touched,
	       sum->transfers);
	for (i = 0; i < n; i++)
		printf("%s\t%s\t%u\t%s\t%s\t\t%.4f\t%s\n", scenario, row, s[i].lines,
		       s[i].written_by_both ? "written" : "read", s[i].false_sharing ? "false" : "true", s[i].per_op,
		       s[i].name);
}

static void print_row(const char *row, const struct trace_sum *sum, const struct trace_shared *s, size_t n)
{
	size_t i;

	printf("  %-14s %7.1f %7.1f %7.1f%% %9.3f  ", row, sum->written, sum->touched, 100 * sum->clean, sum->transfers);
	for (i = 0; i < n && i < SHOWN; i++)
		printf("%s%s%s%s %.3g", i ? ", " : "", s[i].name, s[i].written_by_both ? "" : " (read)",
		       s[i].false_sharing ? " (false)" : "", s[i].per_op);
	printf("%s\n", n > SHOWN ? ", ..." : n ? "" : "-");
}

static int run_row(const struct trace_scenario *s, unsigned int i)
{
	static struct trace_shared shared[NAMES];
	struct trace_book *book = trace_book_create();
	int ret = trace_scenario_run(s, i, book);
	struct trace_sum sum;
	size_t n;

	if (ret == -ENOTSUP)
		return 0;
	if (ret) {
		fprintf(stderr, "gpuvm-conflict: %s on %s: %s\n", trace_scenario_name(s), trace_scenario_row(s, i),
			strerror(-ret));
		return 1;
	}
	sum = trace_sum(book);
	n = trace_report(book, shared, NAMES);
	if (options.tsv)
		print_tsv(trace_scenario_name(s), trace_scenario_row(s, i), &sum, shared, n);
	else
		print_row(trace_scenario_row(s, i), &sum, shared, n);
	return fflush(stdout) ? 1 : 0;
}

static int in_child(const struct trace_scenario *s, unsigned int i)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(run_row(s, i));
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	if (WIFSIGNALED(status))
		fprintf(stderr, "gpuvm-conflict: %s on %s: signal %d\n", trace_scenario_name(s), trace_scenario_row(s, i),
			WTERMSIG(status));
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static void head(const struct trace_scenario *s)
{
	if (options.tsv)
		return;
	printf("%s: %s\n", trace_scenario_name(s), trace_scenario_doc(s));
	printf("  %-14s %7s %7s %8s %9s  %s\n", "", "written", "touched", "clean", "transfers", "which");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct trace_scenario *s;
	unsigned int i;
	int failed = 0;
	size_t at;

	parse(argc, argv);
	settle(argv);
	for (at = 0; (s = trace_scenario_at(at)); at++) {
		if (regexec(&options.only, trace_scenario_name(s), 0, NULL, 0))
			continue;
		head(s);
		for (i = 0; trace_scenario_row(s, i); i++)
			failed |= in_child(s, i);
	}
	return failed;
}
