/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * threads.c - two threads that take turns: real ones, with their own stacks, TLS and heaps, of which one runs at a time.
 */
#include <pthread.h>
#include <stdlib.h>

#include <gpuvm/gpuvm.h>

#include "trace.h"

static struct worker {
	pthread_t id;
	pthread_barrier_t go, done;
	void (*fn)(void *arg);
	void *arg;
} workers[TRACE_THREADS];

static const char *const names[TRACE_THREADS] = { "A", "B" };

static void *work(void *arg)
{
	struct worker *w = arg;

	trace_names_maker(names[w - workers]);
	trace_names_tls(names[w - workers]);
	gpuvm_thread_enter();
	for (;;) {
		pthread_barrier_wait(&w->go);
		w->fn(w->arg);
		pthread_barrier_wait(&w->done);
	}
	return arg;
}

void trace_threads_start(void)
{
	unsigned int i;

	for (i = 0; i < TRACE_THREADS; i++) {
		if (pthread_barrier_init(&workers[i].go, NULL, 2) || pthread_barrier_init(&workers[i].done, NULL, 2) ||
		    pthread_create(&workers[i].id, NULL, work, &workers[i]))
			abort();
	}
}

void trace_on(unsigned int i, void (*fn)(void *arg), void *arg)
{
	workers[i].fn = fn;
	workers[i].arg = arg;
	pthread_barrier_wait(&workers[i].go);
	pthread_barrier_wait(&workers[i].done);
}
