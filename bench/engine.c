/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * engine.c - pinned threads, windows, and what comes out of them.
 */
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "tail.h"

enum phase {
	PHASE_WARM,
	PHASE_MEASURE,
	PHASE_TAIL,
	PHASE_COOL
};

#define TAIL_SHARE 4 /* of a window's length, for latencies */

/* One thread. The results are its own until it reports idle under the engine's lock. */
struct worker {
	_Alignas(BENCH_LINE) struct engine *e;
	pthread_t id;
	unsigned int index;
	uint64_t ops;
	uint64_t timed_ns;
	uint64_t start, end;
	struct gpuvm_stats stats;
	struct latency_counts latency;
};

struct engine {
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	const struct engine_job *job; /* under lock; NULL: quit */
	uint64_t seq; /* under lock; rises with each job */
	unsigned int users, busy; /* under lock: threads this job uses, those not done yet */
	bool calibrate; /* under lock */
	bool pin;
	uint64_t batch; /* result of a calibration */
	uint64_t deadline; /* written by the last thread to be warm, before it publishes PHASE_MEASURE */
	uint64_t cpu_start, cpu_end, wall_start, wall_end; /* by the last warm and the last done thread */
	uint64_t tail_from, tail_until; /* by the last done thread, before it publishes PHASE_TAIL */
	_Alignas(BENCH_LINE) _Atomic int phase;
	_Alignas(BENCH_LINE) atomic_uint warm;
	atomic_uint done, sampled;
	unsigned int nr;
	struct worker *w;
};

/* A batch ends with a quiescent state (RCU=qsbr), so that no thread holds grace periods up for longer than one. */
static void one_batch(const struct engine_job *job, unsigned int i)
{
	job->c->run(job->ctx, i, job->batch);
	if (job->c->reset)
		job->c->reset(job->ctx, i, job->batch);
	gpuvm_thread_quiescent();
}

static void stats_add_since(struct gpuvm_stats *sum, const struct gpuvm_stats *before)
{
	struct gpuvm_stats now;
	unsigned int i;

	gpuvm_stats_read_thread(&now);
	for (i = 0; i < GPUVM_STAT_COUNT; i++)
		sum->v[i] += now.v[i] - before->v[i];
}

/* Everything is timed: the clock is read once per batch. */
static void measure_all(struct worker *w, const struct engine_job *job)
{
	uint64_t deadline = w->e->deadline, now;
	struct gpuvm_stats before;

	gpuvm_stats_read_thread(&before);
	w->start = machine_now();
	do {
		job->c->run(job->ctx, w->index, job->batch);
		gpuvm_thread_quiescent();
		w->ops += job->batch;
		now = machine_now();
	} while (now < deadline);
	w->end = now;
	w->timed_ns = w->end - w->start;
	stats_add_since(&w->stats, &before);
}

/* Only run() is timed, reset() is not; nor are its counts counted. */
static void measure_run(struct worker *w, const struct engine_job *job)
{
	uint64_t deadline = w->e->deadline, from, to;
	struct gpuvm_stats before;

	w->start = machine_now();
	do {
		gpuvm_stats_read_thread(&before);
		from = machine_now();
		job->c->run(job->ctx, w->index, job->batch);
		to = machine_now();
		stats_add_since(&w->stats, &before);
		w->timed_ns += to - from;
		w->ops += job->batch;
		job->c->reset(job->ctx, w->index, job->batch);
		gpuvm_thread_quiescent();
	} while (to < deadline);
	w->end = to;
}

static void start_measuring(struct engine *e, const struct engine_job *job)
{
	e->cpu_start = machine_cpu_time();
	e->wall_start = machine_now();
	e->deadline = e->wall_start + job->window_ns;
	/* Release: pairs with the acquire load in window(); whoever sees the phase sees the deadline. */
	atomic_store_explicit(&e->phase, PHASE_MEASURE, memory_order_release);
}

static void stop_measuring(struct engine *e, const struct engine_job *job)
{
	e->cpu_end = machine_cpu_time();
	e->wall_end = machine_now();
	e->tail_from = e->wall_end;
	e->tail_until = e->wall_end + job->window_ns / TAIL_SHARE;
	atomic_store_explicit(&e->phase, job->c->tail ? PHASE_TAIL : PHASE_COOL, memory_order_release);
}

/* Acquire: pairs with whoever published the phase; its times are seen. */
static void keep_busy(struct worker *w, const struct engine_job *job, enum phase until)
{
	while (atomic_load_explicit(&w->e->phase, memory_order_acquire) < (int)until)
		one_batch(job, w->index);
}

static void sample(struct worker *w, const struct engine_job *job)
{
	struct engine *e = w->e;
	struct tail tail = { .job = job, .thread = w->index, .counts = &w->latency };

	keep_busy(w, job, PHASE_TAIL);
	tail.op_ns = w->timed_ns > w->ops ? w->timed_ns / w->ops : 1;
	tail.rng = job->ctx->seed + w->end; /* other due times in each window */
	tail_sample(&tail, e->tail_from, e->tail_until);
	if (atomic_fetch_add(&e->sampled, 1) + 1 == e->users)
		atomic_store_explicit(&e->phase, PHASE_COOL, memory_order_release);
}

static void window(struct worker *w, const struct engine_job *job)
{
	struct engine *e = w->e;
	uint64_t warm_until = machine_now() + job->warm_ns;
	bool warm = false;

	while (atomic_load_explicit(&e->phase, memory_order_acquire) == PHASE_WARM) {
		one_batch(job, w->index);
		if (warm || machine_now() < warm_until)
			continue;
		warm = true;
		if (atomic_fetch_add(&e->warm, 1) + 1 == e->users)
			start_measuring(e, job);
	}
	if (job->c->reset)
		measure_run(w, job);
	else
		measure_all(w, job);
	if (atomic_fetch_add(&e->done, 1) + 1 == e->users)
		stop_measuring(e, job);
	if (job->c->tail)
		sample(w, job);
	keep_busy(w, job, PHASE_COOL);
}

static uint64_t time_batch(struct worker *w, const struct engine_job *job, uint64_t n)
{
	uint64_t from = machine_now(), to;

	job->c->run(job->ctx, w->index, n);
	to = machine_now();
	if (job->c->reset)
		job->c->reset(job->ctx, w->index, n);
	return to - from;
}

/* Doubles until a batch takes long enough; once more at the end, as the first touch of anything is slow. */
static void calibrate(struct worker *w, const struct engine_job *job)
{
	uint64_t limit = job->ctx->max_batch ? job->ctx->max_batch : 1u << 20;
	uint64_t n = job->ctx->batch_unit ? job->ctx->batch_unit : 1;

	time_batch(w, job, n);
	while (n < limit && time_batch(w, job, n) < ENGINE_BATCH_NS && time_batch(w, job, n) < ENGINE_BATCH_NS)
		n *= 2;
	w->e->batch = n < limit ? n : limit;
}

/* What one thread has to do; read under the lock, as a thread without a part in it may wake when the next is out. */
struct turn {
	const struct engine_job *job;
	bool mine;
	bool calibrate;
};

static struct turn wait_for_turn(struct worker *w, uint64_t *seen)
{
	struct engine *e = w->e;
	struct turn turn;

	pthread_mutex_lock(&e->lock);
	while (e->seq == *seen)
		pthread_cond_wait(&e->wake, &e->lock);
	*seen = e->seq;
	turn = (struct turn){ .job = e->job, .mine = w->index < e->users, .calibrate = e->calibrate };
	pthread_mutex_unlock(&e->lock);
	return turn;
}

static void report_idle(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	if (!--e->busy)
		pthread_cond_signal(&e->idle);
	pthread_mutex_unlock(&e->lock);
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	struct turn turn;
	uint64_t seen = 0;

	if (w->e->pin)
		machine_pin(w->index);
	gpuvm_thread_enter();
	while ((turn = wait_for_turn(w, &seen)).job) {
		if (!turn.mine)
			continue;
		gpuvm_thread_quiescent();
		if (turn.calibrate)
			calibrate(w, turn.job);
		else
			window(w, turn.job);
		gpuvm_thread_idle();
		report_idle(w->e);
	}
	gpuvm_thread_leave();
	return NULL;
}

/* Hands @job to the first @users threads and waits for them; NULL makes all of them leave. */
static void dispatch(struct engine *e, const struct engine_job *job, unsigned int users, bool calibration)
{
	unsigned int i;

	for (i = 0; i < users; i++) {
		e->w[i].ops = e->w[i].timed_ns = 0;
		memset(&e->w[i].stats, 0, sizeof(e->w[i].stats));
		memset(&e->w[i].latency, 0, sizeof(e->w[i].latency));
	}
	atomic_store(&e->phase, PHASE_WARM);
	atomic_store(&e->warm, 0);
	atomic_store(&e->done, 0);
	atomic_store(&e->sampled, 0);
	pthread_mutex_lock(&e->lock);
	e->job = job;
	e->users = e->busy = users;
	e->calibrate = calibration;
	e->seq++;
	pthread_cond_broadcast(&e->wake);
	while (e->busy)
		pthread_cond_wait(&e->idle, &e->lock);
	pthread_mutex_unlock(&e->lock);
}

uint64_t engine_calibrate(struct engine *e, const struct engine_job *job)
{
	dispatch(e, job, 1, true);
	return e->batch;
}

static void overlap_of(const struct engine *e, unsigned int n, struct bench_window *out)
{
	uint64_t first = UINT64_MAX, last_start = 0, first_end = UINT64_MAX, last = 0;
	uint64_t together;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct worker *w = &e->w[i];

		first = w->start < first ? w->start : first;
		last_start = w->start > last_start ? w->start : last_start;
		first_end = w->end < first_end ? w->end : first_end;
		last = w->end > last ? w->end : last;
	}
	together = first_end > last_start ? first_end - last_start : 0;
	out->overlap = last > first ? (double)together / (double)(last - first) : 0;
}

/* CPU time cannot be split between run() and reset(): it is shared out by the time they took. */
static void cpu_of(const struct engine *e, unsigned int n, uint64_t timed_ns, struct bench_window *out)
{
	double share = (double)timed_ns / ((double)(e->wall_end - e->wall_start) * n);

	out->cpu_ns_per_op = (double)(e->cpu_end - e->cpu_start) * (share < 1 ? share : 1) / (double)out->ops;
}

/* One thread's counts become everyone's; it clears its own before the next window. */
static struct latency *latency_of(struct engine *e, unsigned int n)
{
	unsigned int i;

	for (i = 1; i < n; i++)
		latency_add(&e->w[0].latency, &e->w[i].latency);
	return latency_pack(&e->w[0].latency);
}

void engine_window(struct engine *e, const struct engine_job *job, struct bench_window *out)
{
	double rate, sum = 0, squares = 0, slowest = 0, fastest = 0;
	unsigned int n = job->ctx->threads, i, k;
	uint64_t timed_ns = 0;

	memset(out, 0, sizeof(*out));
	dispatch(e, job, n, false);
	for (i = 0; i < n; i++) {
		const struct worker *w = &e->w[i];
		uint64_t ns = w->timed_ns ? w->timed_ns : 1;

		rate = (double)w->ops / (double)ns * 1e9;
		sum += rate;
		squares += rate * rate;
		slowest = i && slowest < rate ? slowest : rate;
		fastest = fastest > rate ? fastest : rate;
		out->ops += w->ops;
		out->ns_per_op += (double)ns / (double)w->ops / n;
		timed_ns += ns;
		for (k = 0; k < GPUVM_STAT_COUNT; k++)
			out->stats.v[k] += w->stats.v[k];
	}
	out->ops_per_second = sum;
	out->fairness = slowest / fastest;
	out->jain = sum * sum / (n * squares);
	overlap_of(e, n, out);
	cpu_of(e, n, timed_ns, out);
	out->latency = job->c->tail ? latency_of(e, n) : NULL;
}

struct engine *engine_create(unsigned int threads, bool pin)
{
	struct engine *e = aligned_alloc(BENCH_LINE, sizeof(*e));

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->w = aligned_alloc(BENCH_LINE, threads * sizeof(*e->w));
	if (!e->w) {
		free(e);
		return NULL;
	}
	memset(e->w, 0, threads * sizeof(*e->w));
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->wake, NULL);
	pthread_cond_init(&e->idle, NULL);
	e->pin = pin;
	for (; e->nr < threads; e->nr++) {
		e->w[e->nr].e = e;
		e->w[e->nr].index = e->nr;
		if (pthread_create(&e->w[e->nr].id, NULL, worker, &e->w[e->nr])) {
			engine_destroy(e);
			return NULL;
		}
	}
	return e;
}

void engine_destroy(struct engine *e)
{
	unsigned int i;

	if (!e)
		return;
	dispatch(e, NULL, 0, false);
	for (i = 0; i < e->nr; i++)
		pthread_join(e->w[i].id, NULL);
	free(e->w);
	free(e);
}
