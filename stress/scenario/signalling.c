/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * signalling.c - a bind queue as panthor and tyr have: one thread prepares jobs (everything allocated, the pair obtained),
 * the others run them in the fence-signalling path, where an allocation or a reservation lock aborts (debug build), and
 * leave what is to be freed to the cleanup.
 */
#include "../world.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define QUEUE 64
#define PAGES 1024

struct job {
	struct gpuvm_map_req req;
	struct gpuvm_sm sm;
	bool map;
};

struct queue {
	struct world *w;
	pthread_mutex_t lock;
	struct job *job[QUEUE];
	unsigned int nr;
};

static int setup(struct stress *s)
{
	struct queue *q = calloc(1, sizeof(*q));

	s->data = q;
	s->vm_flags |= GPUVM_VM_IMMEDIATE;
	if (!q)
		return -ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	return world_create(s, 1, 4, &region_driver, &q->w);
}

static void job_free(struct job *job)
{
	gpuvm_sm_release(&job->sm);
	gpuvm_bo_put_deferred(job->req.bo);
	free(job);
}

static struct job *job_make(struct stress_thread *t)
{
	struct queue *q = t->s->data;
	struct job *job = calloc(1, sizeof(*job));
	unsigned int n = 1 + (unsigned int)rng_below(&t->rng, 8);

	if (!job)
		return NULL;
	job->map = rng_below(&t->rng, 3);
	job->req.addr = rng_below(&t->rng, PAGES) * WORLD_PAGE;
	job->req.range = n * (uint64_t)WORLD_PAGE;
	if (gpuvm_obtain(q->w->vm[0], q->w->gem[rng_below(&t->rng, 4)], &job->req.bo)) {
		free(job);
		return NULL;
	}
	if (gpuvm_sm_prepare(q->w->vm[0], &job->sm, GPUVM_SM_MAP_VAS)) {
		job_free(job);
		return NULL;
	}
	return job;
}

static void produce(struct stress_thread *t)
{
	struct queue *q = t->s->data;
	struct job *job = job_make(t);

	stress_op(t, "prepare a job", 0, 0, 0);
	if (!job)
		return;
	pthread_mutex_lock(&q->lock);
	if (q->nr < QUEUE) {
		q->job[q->nr++] = job;
		job = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	if (job)
		job_free(job);
	gpuvm_bo_deferred_cleanup(q->w->vm[0], 16);
}

static void consume(struct stress_thread *t)
{
	struct queue *q = t->s->data;
	struct job *job = NULL;
	int ret;

	pthread_mutex_lock(&q->lock);
	if (q->nr)
		job = q->job[--q->nr];
	pthread_mutex_unlock(&q->lock);
	stress_op(t, job ? "run a job" : "no job", 0, 0, 0);
	if (!job)
		return;
	gpuvm_debug_signalling_begin();
	ret = job->map ? gpuvm_sm_map(q->w->vm[0], &job->req, &job->sm) :
			 gpuvm_sm_unmap(q->w->vm[0], job->req.addr, job->req.range, &job->sm);
	gpuvm_bo_put_deferred(gpuvm_bo_get(job->req.bo));
	gpuvm_debug_signalling_end();
	if (ret)
		stress_fail(t->s, "a prepared job returned %d", ret);
	job_free(job);
}

static void step(struct stress_thread *t)
{
	if (t->index == 0)
		produce(t);
	else
		consume(t);
}

static void teardown(struct stress *s)
{
	struct queue *q = s->data;

	if (!q)
		return;
	while (q->nr)
		job_free(q->job[--q->nr]);
	world_destroy(q->w);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

const struct stress_scenario stress_signalling = {
	.setup = setup,
	.step = step,
	.teardown = teardown,
	.min_threads = 2,
};
