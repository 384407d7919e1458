/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * reclaim.c - the thread behind reclaim.h.
 */
#include "reclaim.h"

static void done_rcu(gpuvm__rcu_head *head)
{
	struct gpuvm__batch *batch = container_of(head, struct gpuvm__batch, rcu);

	gpuvm__rcu_callback(head);
	batch->done(batch);
}

#ifdef GPUVM_SCHED /* no threads of our own there */

void gpuvm__reclaim_start(void)
{
}

void gpuvm__reclaim(struct gpuvm__batch *batch)
{
	gpuvm__call_rcu(&batch->rcu, done_rcu);
}

void gpuvm__reclaim_barrier(void)
{
}

#else

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

/*
 * W4. A round costs 20 us of CPU time here, and whoever is working two or three interrupts (its barriers) and the wake-up that
 * he owes: with little to do they come to more than what memory costs that has left the nearest cache.
 */
#define PACE_NS 250000
#define LONG_PACES 4
#define MANY 32 /* batches */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t round_lock = PTHREAD_MUTEX_INITIALIZER; /* W3 */
static sem_t work; /* one post for each batch that found nothing waiting */
static _Atomic bool started;
static _Atomic(struct gpuvm__batch *) waiting; /* pushed by anyone, taken whole under round_lock */
static _Atomic unsigned int nr_waiting; /* about: a hint */

static void one_round(void)
{
	struct gpuvm__batch *batch, *next;

	pthread_mutex_lock(&round_lock);
	gpuvm__store(&nr_waiting, 0, relaxed);
	/* Acquire pairs with the release in gpuvm__reclaim(). */
	batch = gpuvm__xchg(&waiting, NULL, acquire);
	if (batch)
		gpuvm__synchronize_rcu();
	for (; batch; batch = next) {
		next = batch->next;
		batch->done(batch);
	}
	pthread_mutex_unlock(&round_lock);
}

static void *reclaimer(void *arg)
{
	const struct timespec pace = { .tv_nsec = PACE_NS }, rest = { .tv_nsec = (LONG_PACES - 1) * PACE_NS };

	gpuvm__thread_count(); /* not a reader, but its grace periods are counted */
	for (;;) {
		if (sem_wait(&work))
			continue;
		nanosleep(&pace, NULL);
		if (gpuvm__load(&nr_waiting, relaxed) < MANY)
			nanosleep(&rest, NULL);
		one_round();
	}
	return arg;
}

/* Its starter may be pinned to a processor and have signals to handle: this thread is neither. */
static void start(void)
{
	pthread_attr_t attr;
	sigset_t all, old;
	cpu_set_t cpus;
	pthread_t t;

	memset(&cpus, 0xff, sizeof(cpus));
	sigfillset(&all);
	if (sem_init(&work, 0, 0) || pthread_attr_init(&attr))
		return;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	gpuvm__store(&started, pthread_create(&t, &attr, reclaimer, NULL) == 0, release);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

void gpuvm__reclaim_start(void)
{
	pthread_once(&once, start);
}

void gpuvm__reclaim(struct gpuvm__batch *batch)
{
	struct gpuvm__batch *head = gpuvm__load(&waiting, relaxed);

	if (unlikely(!gpuvm__load(&started, acquire))) {
		gpuvm__call_rcu(&batch->rcu, done_rcu);
		return;
	}
	gpuvm__fetch_add(&nr_waiting, 1, relaxed);
	do
		batch->next = head;
	while (!gpuvm__cas(&waiting, &head, batch, release));
	if (!head)
		sem_post(&work);
}

void gpuvm__reclaim_barrier(void)
{
	one_round();
}

#endif /* GPUVM_SCHED */
