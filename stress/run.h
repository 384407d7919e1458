/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * run.h - the runner: one scenario on one choice of strategies, in rounds with a check after each.
 */
#ifndef STRESS_RUN_H
#define STRESS_RUN_H

#include "options.h"
#include "stress.h"

/**
 * enum verdict - how a run ended
 * @VERDICT_OK: no violation
 * @VERDICT_FAIL: a violation, printed
 * @VERDICT_SKIP: this build or choice cannot run it
 */
enum verdict { VERDICT_OK, VERDICT_FAIL, VERDICT_SKIP };

/**
 * struct run - what to run and what came of it
 * @name: of the scenario
 * @scenario: its table
 * @params: the strategies
 * @seed: of this run
 * @duration_ns: how long
 * @ops: operations done
 * @seconds: time taken
 * @ended: when it ended, in seconds since the first run began
 * @rss_kib: resident memory after the first tenth of the run, at its end, and after its teardown
 * @live: objects of the core: the most at any rest of its threads, and those left after its teardown; -1: not counted here
 * @verdict: how it ended
 */
struct run {
	const char *name;
	const struct stress_scenario *scenario;
	struct gpuvm_device_params params;
	uint64_t seed;
	uint64_t duration_ns;
	uint64_t ops;
	double seconds;
	double ended;
	uint64_t rss_kib[3];
	int64_t live[2];
	enum verdict verdict;
};

/** run_one() - run it; prints what happens on stderr. stop_asked() ends it early, with a verdict on what ran. */
void run_one(struct run *r, const struct options *o);

/** run_catch_crashes() - say how to repeat @r if the process dies from now on */
void run_catch_crashes(const struct run *r, const struct options *o);

/** run_reproducer() - the command line that repeats @r, into @buf */
void run_reproducer(const struct run *r, const struct options *o, char *buf, size_t size);

#endif /* STRESS_RUN_H */
