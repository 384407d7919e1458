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
 * W4. A round costs 20 us of CPU time here, and whoever is working two or three interrupts (its barriers) and, on a busy
 * machine, his CPU each time the thread wakes up: with little to do that comes to more than what memory costs that has left
 * the nearest cache. So it wakes up once a round, and nobody has to wake it while it is at it.
 */
#define PACE_NS 250000
#define LONG_PACES 8
#define MANY 2048 /* objects in a pace */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t round_lock = PTHREAD_MUTEX_INITIALIZER; /* W3 */
static sem_t work; /* a post for who is idle */
static _Atomic bool started;
static _Atomic bool idle; /* the thread waits for one, or is about to */
static _Atomic(struct gpuvm__batch *) waiting; /* pushed by anyone, taken whole under round_lock */

/* How many objects it was. */
static size_t one_round(void)
{
	struct gpuvm__batch *batch, *next;
	size_t n = 0;

	pthread_mutex_lock(&round_lock);
	/* Acquire pairs with the release in gpuvm__reclaim(). */
	batch = gpuvm__xchg(&waiting, NULL, acquire);
	if (batch)
		gpuvm__synchronize_rcu();
	for (; batch; batch = next) {
		next = batch->next;
		n += batch->nr;
		batch->done(batch);
	}
	pthread_mutex_unlock(&round_lock);
	return n;
}

/*
 * Until there is something. Sequentially consistent, here and in gpuvm__reclaim(): either we see the batch, or who pushes it
 * sees that we are idle.
 */
static void wait_for_work(void)
{
	gpuvm__store(&idle, true, seq_cst);
	while (!gpuvm__load(&waiting, seq_cst))
		sem_wait(&work);
	gpuvm__store(&idle, false, relaxed);
}

static void *reclaimer(void *arg)
{
	unsigned int paces = 1;
	size_t n;

	gpuvm__thread_count(); /* not a reader, but its grace periods are counted */
	for (;;) {
		nanosleep(&(struct timespec){ .tv_nsec = paces * PACE_NS }, NULL);
		n = one_round();
		if (!n)
			wait_for_work();
		paces = n && n < MANY * paces ? LONG_PACES : 1;
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
	do
		batch->next = head;
	while (!gpuvm__cas(&waiting, &head, batch, seq_cst));
	if (unlikely(!head && gpuvm__load(&idle, seq_cst)))
		sem_post(&work);
}

void gpuvm__reclaim_barrier(void)
{
	one_round();
}

#endif /* GPUVM_SCHED */
