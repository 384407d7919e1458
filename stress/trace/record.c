/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * record.c - the run-time of the core's -fsanitize=thread: an access is noted, nothing else. And stand-ins, put there by the
 * linker (--wrap), for what the core calls and this build does not compile.
 *
 * What is not seen: what malloc, jemalloc, liburcu and liburcu-cds touch inside themselves. Where a library call always
 * writes a line that all threads share (call_rcu's queue), the stand-in says so.
 */
#define _LGPL_SOURCE
#define URCU_INLINE_SMALL_FUNCTIONS
#define URCU_API_MAP
#include <urcu/urcu-memb.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu/call-rcu.h>

#include "trace.h"

#define ROOM (1u << 16) /* accesses of one operation */

static __thread struct trace_log *mine;
static __thread const char *stack_top;

void trace_begin(struct trace_log *log)
{
	if (!log->at) {
		log->room = ROOM;
		log->at = malloc(ROOM * sizeof(*log->at));
		if (!log->at)
			abort();
	}
	log->n = 0;
	stack_top = __builtin_frame_address(0);
	mine = log;
}

void trace_end(void)
{
	mine = NULL;
}

/* noinline: below the frames of the operation, so that its own frame bounds the stack. */
static __attribute__((noinline)) void note(const volatile void *p, size_t size, enum trace_kind kind)
{
	const char *at = (const char *)p, *low = __builtin_frame_address(0);
	struct trace_log *log = mine;

	if (!log || !size || (at >= low && at < stack_top))
		return;
	if (log->n == log->room) {
		fprintf(stderr, "gpuvm-conflict: more than %u accesses in one operation\n", ROOM);
		abort();
	}
	log->at[log->n++] = (struct trace_access){ (uintptr_t)at, (uint32_t)size, kind };
}

/* ---- what -fsanitize=thread calls ---- */

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

#define PLAIN(name, size, kind)        \
	void name(void *p);            \
	void name(void *p)             \
	{                              \
		note(p, (size), kind); \
	}
#define PLAIN_SIZES(size)                                      \
	PLAIN(__tsan_read##size, size, TRACE_READ)             \
	PLAIN(__tsan_write##size, size, TRACE_WRITE)           \
	PLAIN(__tsan_unaligned_read##size, size, TRACE_READ)   \
	PLAIN(__tsan_unaligned_write##size, size, TRACE_WRITE) \
	PLAIN(__tsan_volatile_read##size, size, TRACE_READ)    \
	PLAIN(__tsan_volatile_write##size, size, TRACE_WRITE)

PLAIN_SIZES(1)
PLAIN_SIZES(2)
PLAIN_SIZES(4)
PLAIN_SIZES(8)
PLAIN_SIZES(16)

#define RANGE(name, kind)                 \
	void name(void *p, size_t size);  \
	void name(void *p, size_t size)   \
	{                                 \
		note(p, size, kind);      \
	}

RANGE(__tsan_read_range, TRACE_READ)
RANGE(__tsan_write_range, TRACE_WRITE)

#define MODIFY(bits, type, name, builtin)                                    \
	type __tsan_atomic##bits##_##name(volatile type *p, type v, int mo); \
	type __tsan_atomic##bits##_##name(volatile type *p, type v, int mo)  \
	{                                                                    \
		note(p, sizeof(*p), TRACE_WRITE);                            \
		return builtin(p, v, __ATOMIC_SEQ_CST);                      \
	}

#define CAS(bits, type, strength, weak)                                                                                 \
	bool __tsan_atomic##bits##_compare_exchange_##strength(volatile type *p, type *e, type v, int mo, int fail);    \
	bool __tsan_atomic##bits##_compare_exchange_##strength(volatile type *p, type *e, type v, int mo, int fail)     \
	{                                                                                                               \
		note(p, sizeof(*p), TRACE_WRITE);                                                                       \
		return __atomic_compare_exchange_n(p, e, v, weak, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                  \
	}

#define ATOMICS(bits, type)                                                                                    \
	type __tsan_atomic##bits##_load(const volatile type *p, int mo);                                       \
	type __tsan_atomic##bits##_load(const volatile type *p, int mo)                                        \
	{                                                                                                      \
		note(p, sizeof(*p), TRACE_READ);                                                               \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                   \
	}                                                                                                      \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int mo);                                    \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int mo)                                     \
	{                                                                                                      \
		note(p, sizeof(*p), TRACE_WRITE);                                                              \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                      \
	}                                                                                                      \
	MODIFY(bits, type, exchange, __atomic_exchange_n)                                                      \
	MODIFY(bits, type, fetch_add, __atomic_fetch_add)                                                      \
	MODIFY(bits, type, fetch_sub, __atomic_fetch_sub)                                                      \
	MODIFY(bits, type, fetch_and, __atomic_fetch_and)                                                      \
	MODIFY(bits, type, fetch_or, __atomic_fetch_or)                                                        \
	MODIFY(bits, type, fetch_xor, __atomic_fetch_xor)                                                      \
	CAS(bits, type, strong, false)                                                                         \
	CAS(bits, type, weak, true)                                                                            \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type e, type v, int mo, int fail);   \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type e, type v, int mo, int fail)    \
	{                                                                                                      \
		__tsan_atomic##bits##_compare_exchange_strong(p, &e, v, mo, fail);                             \
		return e;                                                                                      \
	}

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_atomic_thread_fence(int mo);
void __tsan_atomic_thread_fence(int mo)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int mo);
void __tsan_atomic_signal_fence(int mo)
{
}

/* ---- the C library ---- */

#define WRAP(type, name, ...)           \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAP(void *, memset, void *p, int c, size_t size)
{
	note(p, size, TRACE_WRITE);
	return __real_memset(p, c, size);
}

WRAP(void *, memcpy, void *to, const void *from, size_t size)
{
	note(from, size, TRACE_READ);
	note(to, size, TRACE_WRITE);
	return __real_memcpy(to, from, size);
}

WRAP(void *, memmove, void *to, const void *from, size_t size)
{
	note(from, size, TRACE_READ);
	note(to, size, TRACE_WRITE);
	return __real_memmove(to, from, size);
}

/* The word, the owner and the count of users; what follows is constant. */
#define MUTEX_BYTES 16

WRAP(int, pthread_mutex_lock, pthread_mutex_t *m)
{
	note(m, MUTEX_BYTES, TRACE_WRITE);
	return __real_pthread_mutex_lock(m);
}

WRAP(int, pthread_mutex_unlock, pthread_mutex_t *m)
{
	note(m, MUTEX_BYTES, TRACE_WRITE);
	return __real_pthread_mutex_unlock(m);
}

/* Nobody waits: one thread runs at a time. */
WRAP(int, pthread_cond_broadcast, pthread_cond_t *c)
{
	note(c, sizeof(*c), TRACE_READ);
	return __real_pthread_cond_broadcast(c);
}

/* The library's reclaiming thread sleeps for ever; trace_reclaim() does its work, at a moment that is always the same. */
WRAP(int, sem_wait, sem_t *s)
{
	for (;;)
		pause();
}

WRAP(int, sem_post, sem_t *s)
{
	note(s, sizeof(*s), TRACE_WRITE);
	return 0;
}

/* ---- memory ---- */

/* Our own book-keeping is not the operation's. */
static void *named(void *p, size_t size, int type)
{
	struct trace_log *log = mine;

	mine = NULL;
	if (p)
		trace_names_add(p, size, type);
	mine = log;
	return p;
}

WRAP(void *, __libc_malloc, size_t size)
{
	return named(__real___libc_malloc(size), size, -1);
}

WRAP(void *, __libc_memalign, size_t align, size_t size)
{
	return named(__real___libc_memalign(align, size), size, -1);
}

struct gpuvm__alloc_ops;

WRAP(void *, gpuvm__obj_alloc, const struct gpuvm__alloc_ops *alloc, int type, size_t size, size_t align)
{
	return named(__real_gpuvm__obj_alloc(alloc, type, size, align), size, type);
}

WRAP(void *, gpuvm__obj_alloc_raw, const struct gpuvm__alloc_ops *alloc, int type, size_t size, size_t align)
{
	return named(__real_gpuvm__obj_alloc_raw(alloc, type, size, align), size, type);
}

/* Index nodes: what it allocates, it does by a call that stays inside its file. */
WRAP(bool, gpuvm__stock_fill, const struct gpuvm__alloc_ops *alloc, struct gpuvm__obj **stock, size_t size, size_t n)
{
	bool filled = __real_gpuvm__stock_fill(alloc, stock, size, n);
	struct trace_log *log = mine;

	mine = NULL;
	trace_names_stock(*stock, size);
	mine = log;
	return filled;
}

/* ---- RCU: callbacks wait for trace_reclaim() ---- */

void gpuvm__reclaim_barrier(void);

static _Alignas(TRACE_LINE) struct rcu_head *callbacks_of_call_rcu; /* its name says what stands for */
static struct rcu_head **last = &callbacks_of_call_rcu;

/* The real one appends to a queue with an exchange on its tail, and counts; both in one structure that all threads use. */
WRAP(void, urcu_memb_call_rcu, struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	note(&callbacks_of_call_rcu, sizeof(callbacks_of_call_rcu), TRACE_WRITE);
	note(head, sizeof(*head), TRACE_WRITE);
	head->func = func;
	head->next.next = NULL;
	*last = head;
	last = (struct rcu_head **)&head->next.next;
}

static void run_callbacks(void)
{
	struct rcu_head *head = callbacks_of_call_rcu, *next;

	callbacks_of_call_rcu = NULL;
	last = &callbacks_of_call_rcu;
	for (; head; head = next) {
		next = (struct rcu_head *)head->next.next;
		head->func(head);
	}
}

WRAP(void, urcu_memb_barrier, void)
{
	run_callbacks();
}

void trace_reclaim(void)
{
	run_callbacks();
	gpuvm__reclaim_barrier();
}
