/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sync.h - the one shim: every lock, atomic, RCU call, allocation and race_point() of the core goes through here.
 *
 * So the same unmodified core runs on liburcu and pthreads (sync_native.h), under a deterministic scheduler
 * (sync_sched.h), with failing allocations, and annotated for ThreadSanitizer. In the release build each of these is the
 * plain operation and nothing else.
 *
 * Not for: anything of GPUVM. This file knows no vm, gem or bo.
 *
 * Atomics are C11 with the order spelled out, as gpuvm__load(&x, acquire). Publish with release, dereference after
 * acquire; no stand-alone fences (ThreadSanitizer does not see them).
 */
#ifndef GPUVM_CORE_SYNC_H
#define GPUVM_CORE_SYNC_H

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <gpuvm/debug.h>
#include <gpuvm/stats.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
/* Kept out of the caller, whose registers, stack and lines stay the fast path's; the second of what is not rare. */
#define __slow __attribute__((noinline, cold))
#define __apart __attribute__((noinline))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __must_hold(lock) /* for the reader; the debug build's lock classes check it */
#define GPUVM__LINE 64

/*
 * Lock classes, outermost first. A thread takes locks in rising order only (checked in the debug build); a new lock gets
 * its row here first. Reservations are the exception among themselves: several are held under one acquire context, whose
 * wait-die rule excludes deadlock.
 */
enum gpuvm__lock_class {
	GPUVM__LOCK_CLEANUP, /* vm->cleanup_lock: one cleanup of a VM at a time */
	GPUVM__LOCK_RESV, /* struct gpuvm_resv */
	GPUVM__LOCK_SPACE, /* a VM's address space */
	GPUVM__LOCK_LIST, /* a GEM object's list */
	GPUVM__LOCK_VAS, /* a bo's list of mappings, where it has a lock of its own */
	GPUVM__LOCK_EXTOBJ, /* vm->extobj, vm->evict when not RESV_PROTECTED */
	GPUVM__LOCK_LEAF, /* innermost: nothing is taken inside (allocator, statistics) */
	GPUVM__LOCK_CLASSES
};

#ifdef GPUVM_DEBUG
_Noreturn void gpuvm__bug(const char *file, int line, const char *what);
void gpuvm__lock_enter(enum gpuvm__lock_class cls, const void *lock, const char *file, int line);
void gpuvm__lock_leave(const void *lock, const char *file, int line);
bool gpuvm__lock_held(const void *lock);
void gpuvm__may_alloc(const char *file, int line);
bool gpuvm__alloc_denied(void);
void gpuvm__live_add(enum gpuvm_type type, int n);
#define GPUVM__BUG_ON(cond) ((cond) ? gpuvm__bug(__FILE__, __LINE__, #cond) : (void)0)
#define gpuvm__assert_held(lock) GPUVM__BUG_ON(!gpuvm__lock_held(lock))
#ifdef GPUVM_COVERAGE
/* A branch that must never be taken is not one that the tests forgot. */
#undef GPUVM__BUG_ON
#undef gpuvm__assert_held
#define GPUVM__BUG_ON(cond) ((void)sizeof(!(cond)))
#define gpuvm__assert_held(lock) ((void)sizeof(lock))
#endif
#else
_Noreturn void gpuvm__bug(const char *file, int line, const char *what);
#define gpuvm__lock_enter(cls, lock, file, line) ((void)0)
#define gpuvm__lock_leave(lock, file, line) ((void)0)
#define gpuvm__may_alloc(file, line) ((void)0)
#define gpuvm__alloc_denied() false
#define gpuvm__lock_held(lock) true
#define gpuvm__live_add(type, n) ((void)0)
#define GPUVM__BUG_ON(cond) ((void)sizeof(!(cond)))
#define gpuvm__assert_held(lock) ((void)sizeof(lock))
#endif

/* Always checked: a broken rule of the caller that would otherwise be silent damage, off the fast paths. */
#define GPUVM__BUG_ALWAYS(cond) (unlikely(cond) ? gpuvm__bug(__FILE__, __LINE__, #cond) : (void)0)

#ifdef GPUVM_SCHED
#include "sync_sched.h"
#else
#include "sync_native.h"
#endif

/* GPUVM_PLANT(name): is this bug of mutants.def planted? Nothing at all but in the build that is for that. */
#ifdef GPUVM_MUTANTS
#include "mutants.h"
#else
#define GPUVM_PLANT(name) false
#endif

/* ---- atomics ---- */

#define gpuvm__load(p, mo) (race_point(), atomic_load_explicit((p), memory_order_##mo))
#define gpuvm__store(p, v, mo) (race_point(), atomic_store_explicit((p), (v), memory_order_##mo))
#define gpuvm__xchg(p, v, mo) (race_point(), atomic_exchange_explicit((p), (v), memory_order_##mo))
#define gpuvm__fetch_add(p, v, mo) (race_point(), atomic_fetch_add_explicit((p), (v), memory_order_##mo))
#define gpuvm__fetch_sub(p, v, mo) (race_point(), atomic_fetch_sub_explicit((p), (v), memory_order_##mo))
/* Strong; on failure *exp is what was there, loaded relaxed. */
#define gpuvm__cas(p, exp, v, mo) \
	(race_point(), atomic_compare_exchange_strong_explicit((p), (exp), (v), memory_order_##mo, memory_order_relaxed))

#define gpuvm__fetch_or(p, v, mo) (race_point(), atomic_fetch_or_explicit((p), (v), memory_order_##mo))
#define gpuvm__fetch_and(p, v, mo) (race_point(), atomic_fetch_and_explicit((p), (v), memory_order_##mo))

/* Turns of a loop that waits for another thread before that is taken to be off its CPU, or to sleep. */
#ifdef GPUVM_SCHED
#define GPUVM__SPIN_TURNS 2u
#else
#define GPUVM__SPIN_TURNS 1024u
#endif

/* One turn; now and then it yields. */
static inline void gpuvm__spin_wait(unsigned int *turns)
{
	if (++*turns % GPUVM__SPIN_TURNS == 0)
		gpuvm__yield();
	gpuvm__cpu_relax();
}

/* ---- locks: a class, an owner check, the back end's lock ---- */

struct gpuvm__mutex {
	struct gpuvm__native_mutex m;
};

struct gpuvm__spin {
	struct gpuvm__native_spin s;
};

#define gpuvm__mutex_init(l) gpuvm__native_mutex_init(&(l)->m)
#define gpuvm__mutex_fini(l) gpuvm__native_mutex_fini(&(l)->m)
#define gpuvm__mutex_lock(l, cls) \
	(gpuvm__lock_enter((cls), (l), __FILE__, __LINE__), race_point(), gpuvm__native_mutex_lock(&(l)->m))
#define gpuvm__mutex_unlock(l) \
	(gpuvm__lock_leave((l), __FILE__, __LINE__), gpuvm__native_mutex_unlock(&(l)->m), race_point())

#define gpuvm__spin_init(l) gpuvm__native_spin_init(&(l)->s)
#define gpuvm__spin_lock(l, cls) \
	(gpuvm__lock_enter((cls), (l), __FILE__, __LINE__), race_point(), gpuvm__native_spin_lock(&(l)->s))
#define gpuvm__spin_unlock(l) \
	(gpuvm__lock_leave((l), __FILE__, __LINE__), gpuvm__native_spin_unlock(&(l)->s), race_point())

/*
 * Untracked: for who holds thousands of them at once and keeps their order by itself. It enters and leaves a lock class
 * once, for the whole section (gpuvm__lock_enter(), gpuvm__lock_leave()).
 */
#define gpuvm__spin_lock_raw(l) (race_point(), gpuvm__native_spin_lock(&(l)->s))
#define gpuvm__spin_trylock_raw(l) (race_point(), gpuvm__native_spin_trylock(&(l)->s))
#define gpuvm__spin_unlock_raw(l) (gpuvm__native_spin_unlock(&(l)->s), race_point())

/*
 * Who needs a lock in a read section does not stay there while its holder's callbacks sleep (S8 of space.h): he gives up
 * when it takes long, is out of the section for a turn, and searches again.
 */
static inline void gpuvm__read_pause(unsigned int *turns)
{
	gpuvm__read_unlock();
	gpuvm__spin_wait(turns);
	gpuvm__read_lock();
}

/* False: it takes long. */
static inline bool gpuvm__spin_lock_soon_raw(struct gpuvm__spin *l)
{
	unsigned int turns = 0;

	while (unlikely(!gpuvm__spin_trylock_raw(l))) {
		if (turns + 1 == GPUVM__SPIN_TURNS)
			return false;
		gpuvm__spin_wait(&turns);
	}
	return true;
}

/* A lock with an owner who enters without an atomic read-modify-write: biased.h. Here so that all locks are. */
struct gpuvm__biased {
	_Atomic uint32_t busy; /* written by the owner */
	_Atomic uint32_t claim; /* written by others */
	bool cheap; /* the others have gpuvm__heavy_fence(); constant */
};

/* For the one flavour of RCU that wants to be told when a thread rests: gpuvm_thread_quiescent(). */
#ifndef GPUVM_RCU_QSBR
#define gpuvm__rcu_quiescent() ((void)0)
#define gpuvm__rcu_idle() ((void)0)
#endif

/* Time, for statistics only; a back end without any stands still. */
#ifndef gpuvm__now
#define gpuvm__now() ((uint64_t)0)
#endif

/*
 * A pair of full barriers of which the light one costs nothing: gpuvm__heavy_fence() runs a barrier on every running
 * thread of the process. gpuvm__heavy_fence_init(), once before the first use: is there such a thing? A back end with
 * one OS thread needs neither.
 */
#ifndef gpuvm__heavy_fence
#define gpuvm__light_fence() ((void)0)
#define gpuvm__heavy_fence() ((void)0)
#define gpuvm__heavy_fence_init() true
#endif

/*
 * ---- state of one thread ----
 *
 *	static GPUVM__PER_THREAD(struct cache, caches);        defines one per thread, zeroed
 *	gpuvm__mine(caches).n++                                the calling thread's
 *
 * Not __thread itself: under the scheduler the threads are fibers of one OS thread. Likewise gpuvm__tid and
 * gpuvm__tid_self() instead of pthread_self(), gpuvm__yield() instead of sched_yield(), and a wait loop of one's own
 * calls gpuvm__cpu_relax() or gpuvm__yield() at each turn, or the scheduler would wait for it for ever.
 */

/* ---- statistics: one thread-local word each ---- */

struct gpuvm__thread {
	_Atomic uint64_t stat[GPUVM_STAT_COUNT]; /* written by the owner only, read by anyone */
	unsigned int entered;
	struct gpuvm__thread *next, **pprev; /* under the thread list's lock */
};

/* What strategies keep for the calling thread is given back; it is still registered (catalogue.c). */
void gpuvm__strategies_thread_leave(void);
/* What strategies have retired by themselves is freed (catalogue.c). */
void gpuvm__strategies_quiesce(void);
/* The calling thread is the library's own: it reads nothing, but what it counts is counted. It never leaves. */
void gpuvm__thread_count(void);

extern GPUVM__PER_THREAD(struct gpuvm__thread, gpuvm__threads);
#define gpuvm__self gpuvm__mine(gpuvm__threads)

static inline void gpuvm__count_n(enum gpuvm_stat stat, uint64_t n)
{
	_Atomic uint64_t *p = &gpuvm__self.stat[stat];

	/* Relaxed load and store, no read-modify-write: there is one writer. */
	atomic_store_explicit(p, atomic_load_explicit(p, memory_order_relaxed) + n, memory_order_relaxed);
}

#define gpuvm__count(sym) gpuvm__count_n(GPUVM_STAT_##sym, 1)

#endif /* GPUVM_CORE_SYNC_H */
