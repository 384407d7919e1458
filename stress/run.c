/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * run.c - see run.h: threads and rounds.
 *
 * A run is cut into rounds. In a round all threads call step(); at its end they rest, and the main thread checks what must
 * hold at quiescence. The watchdog (watch.h) is told of each stage.
 */
#include "run.h"

#include <errno.h>
#include <malloc.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bench/stop.h"
#include "clock.h"
#include "watch.h"

#define ROUND_NS 200000000u
#define POLL_NS 5000000u

/* Where the workers are told to be, and how many are there. */
enum phase { PHASE_REST, PHASE_GO, PHASE_END };

static struct {
	_Atomic int phase;
	_Atomic unsigned int generation;
	_Atomic unsigned int resting;
	bool stutter, shuffle;
	const struct stress_scenario *scenario;
} ctl;

/* ---- the workers ---- */

void stress_alloc_may_fail(struct stress_thread *t)
{
	/* One in n allocations: the distance to the next failing one is drawn. */
	if (t->s->fail_one_in)
		gpuvm_debug_fail_alloc(1 + rng_below(&t->rng, 2 * t->s->fail_one_in), false);
}

void stress_alloc_ok(struct stress_thread *t)
{
	if (t->s->fail_one_in)
		gpuvm_debug_fail_alloc(0, false);
}

static void move_somewhere(struct stress_thread *t)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(rng_below(&t->rng, (uint32_t)(cpus > 0 ? cpus : 1)), &set);
	sched_setaffinity(0, sizeof(set), &set); /* a container may forbid it: then the thread stays */
}

/* Between rounds: rest until the generation changes. */
static void rest(struct stress_thread *t, unsigned int *generation)
{
	if (ctl.scenario->settle)
		ctl.scenario->settle(t);
	atomic_fetch_add(&ctl.resting, 1);
	while (atomic_load(&ctl.generation) == *generation)
		sleep_ns(100000);
	*generation = atomic_load(&ctl.generation);
}

static void *worker(void *arg)
{
	struct stress_thread *t = arg;
	unsigned int generation = 0;

	gpuvm_thread_enter();
	rest(t, &generation);
	while (atomic_load(&ctl.phase) != PHASE_END) {
		if (atomic_load(&ctl.phase) == PHASE_REST || atomic_load(&t->s->failed)) {
			rest(t, &generation);
			continue;
		}
		ctl.scenario->step(t);
		if (ctl.stutter && rng_below(&t->rng, 4096) == 0)
			sleep_ns(rng_below(&t->rng, 3000000));
		if (ctl.shuffle && rng_below(&t->rng, 4096) == 0)
			move_somewhere(t);
	}
	gpuvm_thread_leave();
	return NULL;
}

static void wait_resting(struct stress *s, unsigned int n)
{
	while (atomic_load(&ctl.resting) < n)
		sleep_ns(50000);
}

/* Let everyone go on, in @phase. */
static void release(enum phase phase)
{
	atomic_store(&ctl.resting, 0);
	atomic_store(&ctl.phase, phase);
	atomic_fetch_add(&ctl.generation, 1);
}

/* When a run began and must end, and when its next status line is due. */
struct times {
	uint64_t next_line;
	uint64_t start, end;
};

static void status_line(const struct run *r, const struct options *o, struct stress *s, struct times *w, uint64_t now)
{
	if (now < w->next_line)
		return;
	w->next_line = now + o->stat_interval_ns;
	fprintf(stderr, "  %-16s %6.1f s of %.1f, %.2f M operations, %.0f k/s\n", r->name, (double)(now - w->start) / 1e9,
		(double)(w->end - w->start) / 1e9, (double)watch_ops(s) / 1e6,
		(double)watch_ops(s) / ((double)(now - w->start) / 1e6 + 1e-9));
}

static uint64_t rss_kib(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void count_live(int64_t live[GPUVM_TYPE_COUNT])
{
	unsigned int i;

	for (i = 0; i < GPUVM_TYPE_COUNT; i++)
		live[i] = gpuvm_debug_live(i);
}

/* All objects of the core that are alive now; -1 where they are not counted. */
static int64_t live_objects(void)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = 0; gpuvm_debug_enabled() && i < GPUVM_TYPE_COUNT; i++)
		sum += gpuvm_debug_live(i);
	return gpuvm_debug_enabled() ? sum : -1;
}

/* What a long run shows of its memory: it must not grow from one run to the next. */
static void note_memory(struct run *r)
{
	static uint64_t first;

	first = first ? first : now_ns() - (uint64_t)(r->seconds * 1e9);
	r->ended = (double)(now_ns() - first) / 1e9;
	/* What the C library keeps for later, in an arena per thread, comes and goes by chance: only what is in use counts. */
	malloc_trim(0);
	r->rss_kib[2] = rss_kib();
	r->live[1] = live_objects();
}

/* One round: go, watch, rest, check. */
static void round_once(struct run *r, const struct options *o, struct stress *s, struct times *w)
{
	uint64_t end = now_ns() + ROUND_NS, now;
	int64_t live;

	end = end < w->end ? end : w->end;
	watch_stage(r, s, "a round");
	release(PHASE_GO);
	while ((now = now_ns()) < end && !stop_asked() && !atomic_load(&s->failed)) {
		sleep_ns(POLL_NS);
		status_line(r, o, s, w, now);
	}
	atomic_store(&ctl.phase, PHASE_REST);
	wait_resting(s, s->threads);
	watch_stage(r, s, "the check at rest");
	if (r->scenario->check && !atomic_load(&s->failed))
		r->scenario->check(s);
	live = live_objects();
	r->live[0] = live > r->live[0] ? live : r->live[0];
}

/* What is alive that should not be. */
static void check_leaks(struct stress *s, const int64_t before[GPUVM_TYPE_COUNT])
{
	unsigned int i;

	gpuvm_quiesce();
	for (i = 0; gpuvm_debug_enabled() && i < GPUVM_TYPE_COUNT; i++)
		if (gpuvm_debug_live(i) != before[i])
			stress_fail(s, "%lld %s objects leaked", (long long)(gpuvm_debug_live(i) - before[i]),
				    gpuvm_debug_type_name(i));
}

static int start_threads(struct stress *s, pthread_t *id, unsigned int *started)
{
	int ret = 0;

	for (*started = 0; *started < s->threads && !ret; *started += !ret)
		ret = pthread_create(&id[*started], NULL, worker, &s->thread[*started]);
	if (ret)
		fprintf(stderr, "gpuvm-stress: cannot start thread %u: %s\n", *started, strerror(ret));
	return ret;
}

/* From the first thread to the last join. */
static void run_threads(struct run *r, const struct options *o, struct stress *s)
{
	pthread_t id[STRESS_MAX_THREADS];
	struct times w = { .start = now_ns() };
	unsigned int started, i;
	int ret;

	w.end = w.start + r->duration_ns;
	w.next_line = w.start + o->stat_interval_ns;
	watch_stage(r, s, "the start of threads");
	atomic_store(&ctl.phase, PHASE_REST);
	atomic_store(&ctl.generation, 0);
	atomic_store(&ctl.resting, 0);
	ret = start_threads(s, id, &started);
	wait_resting(s, started);
	if (ret)
		stress_fail(s, "only %u of %u threads could be started", started, s->threads);
	while (!ret && now_ns() < w.end && !stop_asked() && !atomic_load(&s->failed)) {
		round_once(r, o, s, &w);
		if (!r->rss_kib[0] && now_ns() - w.start > r->duration_ns / 10)
			r->rss_kib[0] = rss_kib();
	}
	r->rss_kib[1] = rss_kib();
	watch_stage(r, s, "the end of threads");
	release(PHASE_END);
	for (i = 0; i < started; i++)
		pthread_join(id[i], NULL);
	r->ops = watch_ops(s);
	r->seconds = (double)(now_ns() - w.start) / 1e9;
}

static uint32_t draw_mode(const struct options *o, uint64_t *rng)
{
	uint32_t drawn = (uint32_t)rng_below(rng, 4);

	return o->mode >= 0 ? (uint32_t)o->mode : drawn;
}

static int prepare(struct run *r, const struct options *o, struct stress *s)
{
	uint64_t rng = r->seed;
	unsigned int i;
	int ret;

	*s = (struct stress){ .seed = r->seed, .threads = (unsigned int)o->threads, .fail_one_in = (uint32_t)o->fail_one_in };
	s->threads = s->threads < r->scenario->min_threads ? r->scenario->min_threads : s->threads;
	s->vm_flags = draw_mode(o, &rng);
	gpuvm_debug_jitter(o->jitter != UINT64_MAX ? o->jitter : rng_below(&rng, 2) ? 256 : 0);
	ret = gpuvm_device_create(&r->params, &s->dev);
	if (ret)
		return ret;
	s->thread = calloc(s->threads, sizeof(*s->thread));
	if (!s->thread)
		return -ENOMEM;
	for (i = 0; i < s->threads; i++) {
		s->thread[i].s = s;
		s->thread[i].index = i;
		s->thread[i].rng = rng_next(&rng);
	}
	ctl.scenario = r->scenario;
	ctl.stutter = o->stutter;
	ctl.shuffle = o->shuffle;
	return 0;
}

/* After teardown: what the runner itself had, and that nothing is left. */
static void finish_run(struct run *r, struct stress *s, const int64_t *before)
{
	gpuvm_debug_jitter(0);
	gpuvm_device_put(s->dev);
	watch_stage(r, s, NULL);
	free(s->thread);
	s->thread = NULL;
	s->threads = 0; /* the threads are gone: a leak is reported without their operations */
	watch_stage(r, s, "the wait for what is left");
	if (before)
		check_leaks(s, before);
	watch_stage(NULL, NULL, NULL);
	note_memory(r);
}

void run_one(struct run *r, const struct options *o)
{
	int64_t before[GPUVM_TYPE_COUNT];
	char line[512];
	struct stress s;
	int ret;

	r->verdict = VERDICT_SKIP;
	r->live[0] = live_objects();
	if (r->scenario->debug_only && !gpuvm_debug_enabled())
		return;
	run_catch_crashes(r, o);
	s = (struct stress){ .seed = r->seed };
	watch_stage(r, &s, "the wait for what was before");
	gpuvm_quiesce();
	count_live(before);
	watch_stage(r, &s, NULL);
	ret = prepare(r, o, &s);
	watch_stage(r, &s, "set-up");
	ret = ret ? ret : r->scenario->setup(&s);
	if (!ret)
		run_threads(r, o, &s);
	watch_stage(r, &s, "teardown");
	if (s.dev)
		r->scenario->teardown(&s);
	finish_run(r, &s, ret ? NULL : before);
	if (ret != -ENOTSUP)
		r->verdict = ret || s.failed ? VERDICT_FAIL : VERDICT_OK;
	if (ret && ret != -ENOTSUP)
		fprintf(stderr, "gpuvm-stress: %s: cannot set up: %s\n", r->name, strerror(-ret));
	if (r->verdict == VERDICT_FAIL) {
		run_reproducer(r, o, line, sizeof(line));
		fprintf(stderr, "repeat with: %s\n", line);
	}
}
