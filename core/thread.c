/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * thread.c - registration of threads, and the counters that each keeps for itself.
 */
#include <gpuvm/thread.h>
#include <pthread.h>

#include "sync.h"
#include "version.h"

GPUVM__PER_THREAD(struct gpuvm__thread, gpuvm__threads);

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gpuvm__thread *threads; /* under threads_lock */
static struct gpuvm_stats departed; /* sums of threads that left; under threads_lock */

#ifdef __SANITIZE_THREAD__
char gpuvm__rcu_token;
#endif

#if defined(__SANITIZE_THREAD__) && !defined(GPUVM_SCHED)
struct barrier {
	gpuvm__rcu_head head;
	bool passed; /* under barrier_lock */
};

static pthread_mutex_t barrier_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t barrier_passed = PTHREAD_COND_INITIALIZER;

static void pass(gpuvm__rcu_head *head)
{
	gpuvm__rcu_callback(head);
	pthread_mutex_lock(&barrier_lock);
	container_of(head, struct barrier, head)->passed = true;
	pthread_cond_broadcast(&barrier_passed);
	pthread_mutex_unlock(&barrier_lock);
}

/* One worker runs all callbacks, in the order in which they were queued. */
void gpuvm__rcu_barrier_wait(void)
{
	struct barrier b = { .passed = false };

	gpuvm__call_rcu(&b.head, pass);
	pthread_mutex_lock(&barrier_lock);
	while (!b.passed)
		pthread_cond_wait(&barrier_passed, &barrier_lock);
	pthread_mutex_unlock(&barrier_lock);
}
#endif

#ifndef GPUVM_SCHED
__slow void gpuvm__native_spin_slowly(struct gpuvm__native_spin *l)
{
	unsigned int spins = 0;

	do {
		while (atomic_load_explicit(&l->locked, memory_order_relaxed)) {
			if (++spins % 1024 == 0)
				sched_yield();
			gpuvm__cpu_relax();
		}
	} while (atomic_exchange_explicit(&l->locked, 1, memory_order_acquire));
}

static void *nothing(void *arg)
{
	return arg;
}

/*
 * A child of fork() has no such thread, and would wait for its callbacks for ever: liburcu starts it anew there, if told, and
 * told once only: the first handler takes a lock until the others. (Not under ThreadSanitizer, which allows no new thread in
 * such a child.)
 */
static int fork_error;

static void survive_fork(void)
{
#ifndef __SANITIZE_THREAD__
	fork_error = -pthread_atfork(call_rcu_before_fork, call_rcu_after_fork_parent, call_rcu_after_fork_child);
#endif
}

/* A thread of our own shows that there may be one more; that somebody else takes the last one in between is what is left. */
int gpuvm__rcu_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static _Atomic bool started;
	pthread_t probe;

	if (gpuvm__load(&started, acquire))
		return 0;
	if (pthread_create(&probe, NULL, nothing, NULL))
		return -EAGAIN;
	pthread_join(probe, NULL);
	pthread_once(&once, survive_fork);
	if (fork_error)
		return fork_error;
	gpuvm__rcu_start_worker();
	gpuvm__store(&started, true, release);
	return 0;
}
#endif

static void add_stats(struct gpuvm_stats *to, struct gpuvm__thread *from)
{
	unsigned int i;

	for (i = 0; i < GPUVM_STAT_COUNT; i++)
		to->v[i] += atomic_load_explicit(&from->stat[i], memory_order_relaxed);
}

/* A find counts one word only: what one says of another is added when they are read. */
static void complete(struct gpuvm_stats *s)
{
	s->v[GPUVM_STAT_LIST_FAST] += s->v[GPUVM_STAT_LIST_INLINE];
	s->v[GPUVM_STAT_LIST_HIT] += s->v[GPUVM_STAT_LIST_FAST];
}

void gpuvm__thread_count(void)
{
	struct gpuvm__thread *t = &gpuvm__self;

	pthread_mutex_lock(&threads_lock);
	t->next = threads;
	t->pprev = &threads;
	if (threads)
		threads->pprev = &t->next;
	threads = t;
	pthread_mutex_unlock(&threads_lock);
}

void gpuvm_thread_enter(void)
{
	if (gpuvm__self.entered++)
		return;
	gpuvm__thread_count();
	gpuvm__rcu_register();
}

void gpuvm_thread_leave(void)
{
	struct gpuvm__thread *t = &gpuvm__self;
	unsigned int i;

	GPUVM__BUG_ALWAYS(!t->entered);
	if (--t->entered)
		return;
	GPUVM__BUG_ON(gpuvm_debug_locks_held());
	gpuvm__strategies_thread_leave();
	gpuvm__rcu_unregister();
	pthread_mutex_lock(&threads_lock);
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	add_stats(&departed, t);
	pthread_mutex_unlock(&threads_lock);
	for (i = 0; i < GPUVM_STAT_COUNT; i++)
		atomic_store_explicit(&t->stat[i], 0, memory_order_relaxed);
}

#ifdef GPUVM_RCU_QSBR
GPUVM__PER_THREAD(struct gpuvm__qsbr, gpuvm__qsbr_threads);
#endif

void gpuvm_thread_quiescent(void)
{
	gpuvm__rcu_may_wait(__FILE__, __LINE__);
	gpuvm__rcu_quiescent();
}

void gpuvm_thread_idle(void)
{
	gpuvm__rcu_may_wait(__FILE__, __LINE__);
	gpuvm__rcu_idle();
}

void gpuvm_quiesce(void)
{
	gpuvm__strategies_quiesce();
	gpuvm__rcu_barrier();
}

const char *gpuvm_rcu_flavour(void)
{
	return GPUVM__RCU_NAME;
}

const char *gpuvm_version(void)
{
	return "gpuvm-bench " GPUVM_VERSION_GIT;
}

void gpuvm_stats_read(struct gpuvm_stats *out)
{
	struct gpuvm__thread *t;

	pthread_mutex_lock(&threads_lock);
	*out = departed;
	for (t = threads; t; t = t->next)
		add_stats(out, t);
	pthread_mutex_unlock(&threads_lock);
	complete(out);
}

void gpuvm_stats_read_thread(struct gpuvm_stats *out)
{
	memset(out, 0, sizeof(*out));
	add_stats(out, &gpuvm__self);
	complete(out);
}

static const char *const stat_text[][2] = {
#define STAT_TEXT(sym, name, doc) [GPUVM_STAT_##sym] = { name, doc },
	GPUVM_STATS(STAT_TEXT)
#undef STAT_TEXT
};

const char *gpuvm_stat_name(unsigned int stat)
{
	return stat < GPUVM_STAT_COUNT ? stat_text[stat][0] : NULL;
}

const char *gpuvm_stat_doc(unsigned int stat)
{
	return stat < GPUVM_STAT_COUNT ? stat_text[stat][1] : NULL;
}
