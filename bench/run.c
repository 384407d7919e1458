/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * run.c - groups, windows, verification.
 */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "journal.h"
#include "rng.h"
#include "status.h"
#include "stop.h"

#define MIN_OVERLAP 0.95
#define ATTEMPTS 4 /* per window, until its overlap is good enough */
#define MAX_GROUP 256

static struct engine_job job_of(const struct run *run, struct bench *b)
{
	uint64_t window_ns = run->o->duration_ns / run->o->windows;

	return (struct engine_job){
		.c = b->c,
		.ctx = &b->ctx,
		.batch = b->batch,
		.window_ns = window_ns,
		.warm_ns = window_ns / 10 < 20000000 ? window_ns / 10 : 20000000,
	};
}

/* Return: false if the benchmark is over, because something failed. */
static bool still_good(struct bench *b)
{
	if (!b->ctx.failed)
		return true;
	if (b->status != BENCH_FAILED)
		fprintf(stderr, "gpuvm-bench: %s: FAILED: %s\n", b->name, b->ctx.why);
	b->status = BENCH_FAILED;
	return false;
}

static void start_bench(struct run *run, struct bench *b)
{
	struct engine_job job;
	int ret = b->c->setup(&b->ctx);

	if (ret == -ENOTSUP && !b->ctx.failed) {
		b->status = BENCH_SKIPPED;
		return;
	}
	if (ret)
		bench_fail(&b->ctx, "setup: %s", strerror(-ret));
	if (!still_good(b))
		return;
	b->status = BENCH_OK;
	job = job_of(run, b);
	b->batch = engine_calibrate(run->engine, &job);
	if (b->c->rest)
		b->c->rest(&b->ctx);
	still_good(b);
}

/*
 * Two programs that are compared take turns, window by window: what slows the machine down for longer than a window then
 * slows both. Whoever has the turn keeps it, through set-up and all, until its next window; a byte hands it back, and one
 * gives it. The end of the file: nobody is there any more to compare with.
 */
static void wait_for_turn(const struct run *run)
{
	char byte = 0;
	ssize_t n;

	if (run->o->turn_in < 0 || stop_asked())
		return;
	do
		n = write(run->o->turn_out, &byte, 1);
	while (n < 0 && errno == EINTR);
	do
		n = n == 1 ? read(run->o->turn_in, &byte, 1) : 0;
	while (n < 0 && errno == EINTR);
	if (n != 1)
		stop_ask();
}

/* A busy machine must not stretch the run for ever: at most half as many windows as are wanted are thrown away. */
static bool may_retry(const struct run *run, const struct bench *b, unsigned int attempt)
{
	return attempt + 1 < ATTEMPTS && b->discarded < (run->o->windows + 1) / 2;
}

/* One window, again while its threads did not run together; what was thrown away is counted. */
static void take_window(struct run *run, struct bench *b)
{
	struct engine_job job = job_of(run, b);
	struct bench_window *w = &b->window[b->nr];
	unsigned int attempt;

	wait_for_turn(run);
	if (stop_asked())
		return;
	for (attempt = 0;; attempt++) {
		free(w->latency); /* of the attempt that was thrown away */
		engine_window(run->engine, &job, w);
		if (b->c->verify && !b->ctx.failed)
			b->c->verify(&b->ctx, w);
		if (b->c->rest)
			b->c->rest(&b->ctx);
		if (!still_good(b))
			return;
		w->apart = w->overlap < MIN_OVERLAP;
		if (!w->apart || !may_retry(run, b, attempt))
			break;
		b->discarded++;
		if (stop_asked())
			return;
	}
	b->nr++;
	journal_window(run->journal, b);
	status_window(run->status, b);
}

/* Every alternative once per round, each round in another random order. */
static void measure(struct run *run, struct bench *b, unsigned int nr)
{
	uint32_t order[MAX_GROUP];
	unsigned int round, i;

	for (i = 0; i < nr; i++)
		order[i] = i;
	for (round = 0; round < run->o->windows; round++) {
		rng_shuffle(&run->rng, order, nr);
		for (i = 0; i < nr && !stop_asked(); i++)
			if (b[order[i]].status == BENCH_OK)
				take_window(run, &b[order[i]]);
	}
}

static void run_group(struct run *run, struct bench *b, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && !stop_asked(); i++) {
		status_setup(run->status, &b[i]);
		start_bench(run, &b[i]);
	}
	measure(run, b, nr);
	while (nr--) {
		if (b[nr].status == BENCH_PENDING)
			continue; /* interrupted before its setup */
		b[nr].c->teardown(&b[nr].ctx);
		still_good(&b[nr]);
		status_done(run->status, &b[nr]);
	}
	gpuvm_quiesce();
}

void run_until(struct run *run, size_t index)
{
	struct plan *plan = run->plan;
	unsigned int nr;

	while (run->next <= index && !stop_asked()) {
		struct bench *b = &plan->b[run->next];

		nr = (unsigned int)group_size(b, plan->nr - run->next);
		nr = nr < MAX_GROUP ? nr : MAX_GROUP;
		run_group(run, b, nr);
		run->next += nr;
	}
}
