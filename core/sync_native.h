/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sync_native.h - sync.h's back end on real threads: pthreads and liburcu.
 *
 * Included by sync.h only. The release build inlines liburcu's read side (_LGPL_SOURCE, URCU_INLINE_SMALL_FUNCTIONS: else
 * a benchmark times a call through the PLT). The ThreadSanitizer build calls it and states the ordering RCU gives, which
 * the tool cannot see: a reader's section happens before the end of a later grace period.
 */
#ifndef GPUVM_CORE_SYNC_NATIVE_H
#define GPUVM_CORE_SYNC_NATIVE_H

#ifndef __SANITIZE_THREAD__
#define _LGPL_SOURCE
#define URCU_INLINE_SMALL_FUNCTIONS
#endif
#define URCU_API_MAP
#if defined(GPUVM_RCU_QSBR)
#include <urcu/urcu-qsbr.h>
#define GPUVM__RCU_NAME "qsbr"
#elif defined(GPUVM_RCU_MB)
#include <urcu/urcu-mb.h>
#define GPUVM__RCU_NAME "mb"
#elif defined(GPUVM_RCU_BP)
#include <urcu/urcu-bp.h>
#define GPUVM__RCU_NAME "bp"
#else
#include <urcu/urcu-memb.h>
#define GPUVM__RCU_NAME "memb"
#endif
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu/call-rcu.h>

/*
 * race_point() - here another thread could step in and break us. Empty in release; in the debug builds a rare yield or
 * spin widens the window, if a test asks for it (gpuvm_debug_jitter()).
 */
#if defined(GPUVM_DEBUG) && !defined(GPUVM_COVERAGE)
extern _Atomic uint32_t gpuvm__jitter_one_in;
void gpuvm__jitter(void);
#define race_point() \
	(unlikely(atomic_load_explicit(&gpuvm__jitter_one_in, memory_order_relaxed)) ? gpuvm__jitter() : (void)0)
#else
#define race_point() ((void)0)
#endif

#define GPUVM__PER_THREAD(type, name) __thread type name __attribute__((tls_model("initial-exec")))
#define gpuvm__mine(name) (name)

typedef pthread_t gpuvm__tid;
#define gpuvm__tid_self() pthread_self()
#define gpuvm__tid_equal(a, b) pthread_equal((a), (b))
#define gpuvm__yield() ((void)sched_yield())

static inline void gpuvm__cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* membarrier(2): sync.h says what for. Not a C11 fence: those that need it also state the ordering in acquires and releases. */
static inline bool gpuvm__native_membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) == 0;
}

#define gpuvm__light_fence() atomic_signal_fence(memory_order_seq_cst)
#define gpuvm__heavy_fence() ((void)gpuvm__native_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
#define gpuvm__heavy_fence_init() gpuvm__native_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)

/* Nanoseconds of a clock that never goes back; cheap, so steps of some milliseconds will do. */
static inline uint64_t gpuvm__native_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#define gpuvm__now() gpuvm__native_now()

/* A sleeping lock. */
struct gpuvm__native_mutex {
	pthread_mutex_t m;
};

static inline void gpuvm__native_mutex_init(struct gpuvm__native_mutex *l)
{
	pthread_mutex_init(&l->m, NULL);
}

static inline void gpuvm__native_mutex_fini(struct gpuvm__native_mutex *l)
{
	pthread_mutex_destroy(&l->m);
}

static inline void gpuvm__native_mutex_lock(struct gpuvm__native_mutex *l)
{
	pthread_mutex_lock(&l->m);
}

static inline void gpuvm__native_mutex_unlock(struct gpuvm__native_mutex *l)
{
	pthread_mutex_unlock(&l->m);
}

/* A condition, waited for under a mutex. */
struct gpuvm__cond {
	pthread_cond_t c;
};

static inline void gpuvm__cond_init(struct gpuvm__cond *c)
{
	pthread_cond_init(&c->c, NULL);
}

static inline void gpuvm__cond_fini(struct gpuvm__cond *c)
{
	pthread_cond_destroy(&c->c);
}

#define gpuvm__cond_wait(cond, l) pthread_cond_wait(&(cond)->c, &(l)->m.m)
#define gpuvm__cond_broadcast(cond) pthread_cond_broadcast(&(cond)->c)

/* Test and test-and-set; yields when the holder seems to be off its CPU. */
struct gpuvm__native_spin {
	_Atomic uint32_t locked;
};

static inline void gpuvm__native_spin_init(struct gpuvm__native_spin *l)
{
	atomic_init(&l->locked, 0);
}

/* thread.c: somebody has it. */
void gpuvm__native_spin_slowly(struct gpuvm__native_spin *l);

static inline void gpuvm__native_spin_lock(struct gpuvm__native_spin *l)
{
	if (unlikely(atomic_exchange_explicit(&l->locked, 1, memory_order_acquire)))
		gpuvm__native_spin_slowly(l);
}

static inline bool gpuvm__native_spin_trylock(struct gpuvm__native_spin *l)
{
	return !atomic_load_explicit(&l->locked, memory_order_relaxed) &&
	       !atomic_exchange_explicit(&l->locked, 1, memory_order_acquire);
}

static inline void gpuvm__native_spin_unlock(struct gpuvm__native_spin *l)
{
	atomic_store_explicit(&l->locked, 0, memory_order_release);
}

/* ---- RCU ---- */

typedef struct rcu_head gpuvm__rcu_head;

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char gpuvm__rcu_token;
#define gpuvm__tsan_acquire(p) __tsan_acquire(p)
#define gpuvm__tsan_release(p) __tsan_release(p)
#define GPUVM__RCU_TOKEN (&gpuvm__rcu_token)
#else
#define gpuvm__tsan_acquire(p) ((void)0)
#define gpuvm__tsan_release(p) ((void)0)
#endif

#ifdef GPUVM_DEBUG
void gpuvm__rcu_enter(const char *file, int line);
void gpuvm__rcu_exit(const char *file, int line);
void gpuvm__rcu_may_wait(const char *file, int line);
#else
#define gpuvm__rcu_enter(file, line) ((void)0)
#define gpuvm__rcu_exit(file, line) ((void)0)
#define gpuvm__rcu_may_wait(file, line) ((void)0)
#endif

#ifdef GPUVM_RCU_QSBR
/*
 * The qsbr flavour takes every registered thread for a reader until it says otherwise, and a thread that sleeps in
 * pthread_join() says nothing. So a thread is offline but in its outermost read section: sound, and as dear as the mb
 * flavour. One that promises to say when it rests (gpuvm_thread_quiescent()) stays online, and its sections cost nothing.
 */
struct gpuvm__qsbr {
	unsigned int depth; /* of read sections, while nothing is promised */
	bool promised;
};

extern GPUVM__PER_THREAD(struct gpuvm__qsbr, gpuvm__qsbr_threads);

static inline void gpuvm__native_read_lock(void)
{
	struct gpuvm__qsbr *q = &gpuvm__mine(gpuvm__qsbr_threads);

	if (!q->promised && !q->depth++)
		rcu_thread_online();
	rcu_read_lock();
}

static inline void gpuvm__native_read_unlock(void)
{
	struct gpuvm__qsbr *q = &gpuvm__mine(gpuvm__qsbr_threads);

	rcu_read_unlock();
	if (!q->promised && !--q->depth)
		rcu_thread_offline();
}

/* No read section is open. */
static inline void gpuvm__rcu_quiescent(void)
{
	struct gpuvm__qsbr *q = &gpuvm__mine(gpuvm__qsbr_threads);

	if (q->promised)
		rcu_quiescent_state();
	else
		rcu_thread_online();
	q->promised = true;
}

static inline void gpuvm__rcu_idle(void)
{
	struct gpuvm__qsbr *q = &gpuvm__mine(gpuvm__qsbr_threads);

	if (q->promised)
		rcu_thread_offline();
	q->promised = false;
}

#define gpuvm__rcu_register() (rcu_register_thread(), rcu_thread_offline())
#define gpuvm__rcu_unregister() (gpuvm__rcu_idle(), rcu_unregister_thread())
#else
#define gpuvm__native_read_lock() rcu_read_lock()
#define gpuvm__native_read_unlock() rcu_read_unlock()
#define gpuvm__rcu_register() rcu_register_thread()
#define gpuvm__rcu_unregister() rcu_unregister_thread()
#endif

#define gpuvm__read_lock() (gpuvm__rcu_enter(__FILE__, __LINE__), gpuvm__native_read_lock())
#define gpuvm__read_unlock() \
	(gpuvm__tsan_release(GPUVM__RCU_TOKEN), gpuvm__native_read_unlock(), gpuvm__rcu_exit(__FILE__, __LINE__))

static inline void gpuvm__call_rcu(gpuvm__rcu_head *head, void (*func)(gpuvm__rcu_head *head))
{
	gpuvm__tsan_release(head);
	call_rcu(head, func);
}

/*
 * The library starts the thread that runs callbacks with the first of them, and aborts if it cannot: gpuvm__rcu_start() is
 * for a moment at which an error can be returned. Return: 0 or -EAGAIN.
 */
int gpuvm__rcu_start(void);
#define gpuvm__rcu_start_worker() ((void)get_default_call_rcu_data())

/* First thing in every call_rcu callback. */
#define gpuvm__rcu_callback(head) (gpuvm__tsan_acquire(head), gpuvm__tsan_acquire(GPUVM__RCU_TOKEN))

#define gpuvm__synchronize_rcu()                                                                        \
	(gpuvm__rcu_may_wait(__FILE__, __LINE__), gpuvm__count(GRACE), synchronize_rcu(), \
	 gpuvm__tsan_acquire(GPUVM__RCU_TOKEN))
/*
 * The library's rcu_barrier() lets its worker free what the caller allocated, in code that is not instrumented: a false
 * report, and one that no suppression matches once ThreadSanitizer has forgotten the caller's stack.
 */
#ifdef __SANITIZE_THREAD__
void gpuvm__rcu_barrier_wait(void);
#else
#define gpuvm__rcu_barrier_wait() rcu_barrier()
#endif
#define gpuvm__rcu_barrier() \
	(gpuvm__rcu_may_wait(__FILE__, __LINE__), gpuvm__rcu_barrier_wait(), gpuvm__tsan_acquire(GPUVM__RCU_TOKEN))

#endif /* GPUVM_CORE_SYNC_NATIVE_H */
