/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sync_sched.h - sync.h's back end under the deterministic scheduler: threads are fibers of one OS thread, and who runs
 * next is a decision that can be enumerated, drawn at random and replayed.
 *
 * Included by sync.h only, where GPUVM_SCHED is defined. Implemented in stress/sched/. race_point() is where a switch may
 * happen; locks, conditions and grace periods are the scheduler's own, so it sees every deadlock, and an RCU callback
 * runs at the earliest moment that is legal: when the last reader leaves that was inside at call_rcu.
 */
#ifndef GPUVM_CORE_SYNC_SCHED_H
#define GPUVM_CORE_SYNC_SCHED_H

#define GPUVM__RCU_NAME "sched"
#define GPUVM__SCHED_FIBERS 6 /* 0: the test itself; the last: RCU callbacks; between them the threads */

extern unsigned int gpuvm__sched_id; /* who runs */

void gpuvm__sched_point(const char *file, int line);
void gpuvm__sched_yield(const char *file, int line);

#define race_point() gpuvm__sched_point(__FILE__, __LINE__)
#define gpuvm__yield() gpuvm__sched_yield(__FILE__, __LINE__)
#define gpuvm__cpu_relax() gpuvm__sched_yield(__FILE__, __LINE__)

#define GPUVM__PER_THREAD(type, name) type name[GPUVM__SCHED_FIBERS]
#define gpuvm__mine(name) ((name)[gpuvm__sched_id])

typedef unsigned int gpuvm__tid;
#define gpuvm__tid_self() gpuvm__sched_id
#define gpuvm__tid_equal(a, b) ((a) == (b))

/* ---- locks ---- */

struct gpuvm__sched_lock {
	uint32_t magic; /* initialised and not destroyed */
	uint32_t owner; /* fiber + 1; 0: free */
};

void gpuvm__sched_lock_init(struct gpuvm__sched_lock *l);
void gpuvm__sched_lock_fini(struct gpuvm__sched_lock *l);
void gpuvm__sched_lock_lock(struct gpuvm__sched_lock *l);
bool gpuvm__sched_lock_trylock(struct gpuvm__sched_lock *l);
void gpuvm__sched_lock_unlock(struct gpuvm__sched_lock *l);

struct gpuvm__native_mutex {
	struct gpuvm__sched_lock l;
};

struct gpuvm__native_spin {
	struct gpuvm__sched_lock l;
};

#define gpuvm__native_mutex_init(m) gpuvm__sched_lock_init(&(m)->l)
#define gpuvm__native_mutex_fini(m) gpuvm__sched_lock_fini(&(m)->l)
#define gpuvm__native_mutex_lock(m) gpuvm__sched_lock_lock(&(m)->l)
#define gpuvm__native_mutex_unlock(m) gpuvm__sched_lock_unlock(&(m)->l)
#define gpuvm__native_spin_init(s) gpuvm__sched_lock_init(&(s)->l)
#define gpuvm__native_spin_lock(s) gpuvm__sched_lock_lock(&(s)->l)
#define gpuvm__native_spin_trylock(s) gpuvm__sched_lock_trylock(&(s)->l)
#define gpuvm__native_spin_unlock(s) gpuvm__sched_lock_unlock(&(s)->l)

struct gpuvm__cond {
	uint32_t waiters;
};

void gpuvm__sched_cond_wait(struct gpuvm__cond *c, struct gpuvm__sched_lock *l);
void gpuvm__sched_cond_broadcast(struct gpuvm__cond *c);

#define gpuvm__cond_init(c) ((c)->waiters = 0)
#define gpuvm__cond_fini(c) ((void)(c))
#define gpuvm__cond_wait(c, mutex) gpuvm__sched_cond_wait((c), &(mutex)->m.l)
#define gpuvm__cond_broadcast(c) gpuvm__sched_cond_broadcast(c)

/* Orders that a lock of inline assembly gives. */
void gpuvm__tsan_acquire(const void *addr);
void gpuvm__tsan_release(const void *addr);

/* ---- RCU ---- */

typedef struct gpuvm__sched_head {
	struct gpuvm__sched_head *next;
	void (*func)(struct gpuvm__sched_head *head);
} gpuvm__rcu_head;

void gpuvm__sched_read_lock(const char *file, int line);
void gpuvm__sched_read_unlock(const char *file, int line);
void gpuvm__sched_call_rcu(gpuvm__rcu_head *head, void (*func)(gpuvm__rcu_head *head));
void gpuvm__sched_synchronize_rcu(void);
void gpuvm__sched_rcu_barrier(void);

void gpuvm__rcu_enter(const char *file, int line);
void gpuvm__rcu_exit(const char *file, int line);
void gpuvm__rcu_may_wait(const char *file, int line);

#define gpuvm__read_lock() (gpuvm__rcu_enter(__FILE__, __LINE__), gpuvm__sched_read_lock(__FILE__, __LINE__))
#define gpuvm__read_unlock() (gpuvm__rcu_exit(__FILE__, __LINE__), gpuvm__sched_read_unlock(__FILE__, __LINE__))
#define gpuvm__rcu_start() 0 /* no thread */
#define gpuvm__call_rcu(head, func) gpuvm__sched_call_rcu((head), (func))
#define gpuvm__rcu_callback(head) ((void)(head))
#define gpuvm__synchronize_rcu() \
	(gpuvm__rcu_may_wait(__FILE__, __LINE__), gpuvm__count(GRACE), gpuvm__sched_synchronize_rcu())
#define gpuvm__rcu_barrier() (gpuvm__rcu_may_wait(__FILE__, __LINE__), gpuvm__sched_rcu_barrier())
#define gpuvm__rcu_register() ((void)0)
#define gpuvm__rcu_unregister() ((void)0)

/* ---- memory: fixed addresses, never reused within a schedule, every access checked ---- */

void *gpuvm__sched_alloc(size_t size, size_t align);
void gpuvm__sched_free(void *p);

#endif /* GPUVM_CORE_SYNC_SCHED_H */
